"""Projection of any number of images: in batches, one result folder each, resumable."""

import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from stylesmith import files
from stylesmith import images as pixels
from stylesmith.callbacks import ProgressCallback
from stylesmith.charts import line_chart
from stylesmith.errors import DataError, OutputError, RunError
from stylesmith.inversion.latent_optimizer import (
    LatentOptimizer,
    ProjectionState,
    cat_states,
    read_state,
    save_state,
)
from stylesmith.inversion.projection_targets import ProjectionTarget
from stylesmith.sampling import (
    LatentCodes,
    SamplingPipeline,
    SamplingSettings,
    load_latents,
    save_latents,
    write_video,
)

VIDEO_FPS = 10
"""Frames a second of the video, one for each look."""


@dataclass(frozen=True)
class ProjectionFolder:
    """Where the files about one picture lie."""

    path: Path

    @property
    def latent(self) -> Path:
        """The codes, which are accepted wherever a seed is."""
        return self.path / "latent.safetensors"

    @property
    def target(self) -> Path:
        """What was looked for, as the network would draw it."""
        return self.path / "target.png"

    @property
    def result(self) -> Path:
        """What the codes draw."""
        return self.path / "result.png"

    @property
    def state(self) -> Path:
        """What an interrupted search goes on from."""
        return self.path / "state.safetensors"

    @property
    def summary(self) -> Path:
        """The numbers, written last."""
        return self.path / "result.json"

    def read_summary(self) -> dict[str, Any] | None:
        """The numbers of a finished projection; None if it isn't finished.

        Raises:
            DataError: If the file is damaged.
        """
        if not self.summary.is_file():
            return None
        try:
            found: dict[str, Any] = json.loads(self.summary.read_text(encoding="utf-8"))
            float(found["distance"])
        except (ValueError, KeyError, TypeError, OSError) as error:
            raise DataError(f"{self.summary}: damaged ({error}); remove it") from None
        return found

    def write(
        self,
        state: ProjectionState,
        target: Tensor,
        *,
        optimizer: LatentOptimizer,
        pipeline: SamplingPipeline,
        summary: Mapping[str, Any],
        video: str | None = None,
    ) -> None:
        """Write everything about a finished picture.

        Args:
            state: Of this picture alone.
            target: `(C, H, W)`, -1..1.
            optimizer: What found it.
            pipeline: What draws latent files.
            summary: Where it comes from, and how it was found.
            video: Suffix of a video of the search, such as `.mp4`.

        Raises:
            OutputError: If a file cannot be written.
        """
        codes = codes_from_state(state, optimizer)
        save_latents(self.latent, codes, model=pipeline.model_hash, settings=summary)
        drawn = draw_latent_file(self.latent, pipeline)
        pixels.save_image(target, self.target)
        pixels.save_image(drawn, self.result)
        pixels.save_image(difference_image(drawn, target), self.path / "difference.png")
        files.write_text(self.path / "loss.svg", loss_chart(state, optimizer))
        if video is not None:
            write_video(
                self.path / f"search{video}",
                _optimization_frames(state, target, optimizer),
                fps=VIDEO_FPS,
            )
        files.write_json(self.summary, dict(summary))
        self.state.unlink(missing_ok=True)


def codes_from_state(state: ProjectionState, optimizer: LatentOptimizer) -> LatentCodes:
    """The codes of one picture."""
    unknowns = optimizer.variables
    maps = [noise[:1] for noise in unknowns.noise_maps(state.rows) if noise is not None]
    ws = unknowns.broadcast(unknowns.w(state.rows)).contiguous()
    return LatentCodes(ws, maps)


def draw_latent_file(path: Path, pipeline: SamplingPipeline) -> Tensor:
    """The picture of a latent file, `(C, H, W)`, just as every command draws it."""
    source = load_latents(path, pipeline.config, model=pipeline.model_hash)
    return pipeline.draw(pipeline.codes([source]))[0].cpu()


def difference_image(image: Tensor, target: Tensor) -> Tensor:
    """How far each number is off, black for not at all, `(C, H, W)`; an image of -1..1."""
    off = (image - target.to(image)).abs() - 1
    if len(off) == 4:  # a picture of differences is opaque
        off[3] = 1
    return off


def loss_chart(state: ProjectionState, optimizer: LatentOptimizer) -> str:
    """Both terms of the loss by step, as SVG."""
    interval, steps = optimizer.settings.evaluation_interval, state.step
    looks = [min(k * interval, steps) for k in range(state.evaluations)]
    terms = {f"distance ({optimizer.distance.name})": state.distances}
    if optimizer.variables.noise_shapes:
        terms["noise regularizer"] = state.regularizers
    series = {
        name: list(zip(map(float, looks), values[0].tolist(), strict=True))
        for name, values in terms.items()
    }
    return line_chart(
        series, title="Projection", x_label="steps", y_label="term of the loss", log_y=True
    )


@torch.no_grad()
def _optimization_frames(
    state: ProjectionState, target: Tensor, optimizer: LatentOptimizer
) -> Iterator[Tensor]:
    """Target and image side by side at each look, with the noise maps of the end."""
    noise = optimizer.variables.noise_maps(state.rows)
    for w in state.path[0]:
        image = optimizer.generator.draw(optimizer.variables.broadcast(w[None]), noise)[0]
        yield torch.cat([target.to(image), image.clamp(-1, 1)], dim=2)


DEFAULT_SAVE_SECONDS = 30.0
"""Time from one save to the next."""
MAX_PROJECTION_PIXELS, MAX_PROJECTION_BATCH = 1 << 20, 16
"""Of a batch: pixels, and pictures."""

MISMATCH_MESSAGES = {
    "model": "belongs to another model",
    "picture": "is about another picture",
    "distance": "was made by another distance",
    "distance_weights": "was made by other weights of the distance",
    "settings": "was made by other settings",
}
"""What can be wrong with a folder that is there already."""


@dataclass(frozen=True)
class ProjectionResult:
    """A picture that was projected."""

    target: ProjectionTarget
    folder: ProjectionFolder
    summary: dict[str, Any]

    @property
    def distance(self) -> float:
        """From the picture to what the network makes of it."""
        return float(self.summary["distance"])


@dataclass
class Projector:
    """Projects pictures, with a folder for each; finished and interrupted ones are taken up."""

    optimizer: LatentOptimizer
    out: Path
    """The folder of the folders."""
    video: str | None = None
    """Suffix of a video of each search."""
    batch_size: int | None = None
    """Pictures searched for together; None is what a million pixels hold, at most 16."""
    save_seconds: float = DEFAULT_SAVE_SECONDS
    on_progress: ProgressCallback = lambda done, total: None
    _steps: tuple[int, int] = field(init=False, default=(0, 0))

    def project(self, targets: Sequence[ProjectionTarget]) -> Iterator[ProjectionResult]:
        """Project pictures; each is told as soon as its files are written, finished ones first.

        Raises:
            OutputError: If a folder holds another picture, or was made by other settings.
            RunError: If a distance is not finite.
        """
        finished, waiting = self._resume(targets)
        begun = sum(state.step for _, state in waiting)
        steps = self.optimizer.settings.steps
        self._steps = (begun + steps * len(finished), steps * len(targets))
        yield from finished
        while waiting:
            same = [item for item in waiting if item[1].step == waiting[0][1].step]
            batch = same[: self.batch_size or self._default_batch_size]
            names = {target.name for target, _ in batch}
            waiting = [item for item in waiting if item[0].name not in names]
            yield from self._project_batch(
                [t for t, _ in batch], cat_states([state for _, state in batch])
            )

    @cached_property
    def pipeline(self) -> SamplingPipeline:
        """Draws latent files as every command does; the class that it needs has no say in them."""
        classes = self.optimizer.generator.config.label_size
        return SamplingPipeline(
            self.optimizer.generator, SamplingSettings(label=0 if classes else None)
        )

    def result_folder(self, target: ProjectionTarget) -> ProjectionFolder:
        """Where the files about a picture lie."""
        return ProjectionFolder(self.out / target.name)

    def remove_results(self, targets: Sequence[ProjectionTarget]) -> None:
        """Forget what is there about these pictures; files that are no results stay."""
        for target in targets:
            folder = self.result_folder(target)
            for path in (folder.summary, folder.state, folder.path / "tuned" / "result.json"):
                path.unlink(missing_ok=True)

    def made_by(self, target: ProjectionTarget) -> dict[str, Any]:
        """All that decides a result."""
        distance = self.optimizer.distance
        return {
            "model": self.pipeline.model_hash,
            "picture": target.hash,
            "distance": distance.name,
            "distance_weights": distance.weights_hash,
            "settings": self.optimizer.settings.describe(),
        }

    @property
    def _default_batch_size(self) -> int:
        height, width = self.optimizer.generator.image_size
        return max(1, min(MAX_PROJECTION_BATCH, MAX_PROJECTION_PIXELS // (height * width)))

    def _resume(
        self, targets: Sequence[ProjectionTarget]
    ) -> tuple[list[ProjectionResult], list[tuple[ProjectionTarget, ProjectionState]]]:
        """What is finished, and where to go on with the rest."""
        finished, waiting = [], []
        for target in targets:
            folder = self.result_folder(target)
            summary = folder.read_summary()
            if summary is not None:
                self._check_made_by(target, summary.get("made_by"), folder.path)
                finished.append(ProjectionResult(target, folder, summary))
            elif folder.state.is_file():
                state, made_by = read_state(folder.state, device=self.optimizer.device)
                self._check_made_by(target, made_by, folder.path)
                waiting.append((target, state))
            else:
                waiting.append((target, self.optimizer.initial_state(1)))
        return finished, waiting

    def _check_made_by(self, target: ProjectionTarget, found: Any, path: Path) -> None:
        wanted = self.made_by(target)
        if found == wanted:
            return
        kept = found if isinstance(found, dict) else {}
        other = (what for key, what in MISMATCH_MESSAGES.items() if kept.get(key) != wanted[key])
        what = next(other, "was made by another stylesmith")
        raise OutputError(
            f"{path}: {what}. Use the same again, choose another folder, or add --force to start "
            "anew."
        )

    def _project_batch(
        self, targets: list[ProjectionTarget], state: ProjectionState
    ) -> Iterator[ProjectionResult]:
        """Search for some pictures together; those that are done leave the batch."""
        search = self.optimizer
        wanted = search.embed(torch.stack([target.image for target in targets]))
        saved = time.monotonic()
        try:
            while True:
                state = search.evaluate(state, wanted) if search.evaluation_due(state) else state
                done = search.finished(state)
                for i, target in enumerate(targets):
                    if done[i]:
                        self._count_steps(search.settings.steps - state.step)
                        yield self._finish(target, state.select([i]))
                if all(done):
                    return
                if any(done):
                    rest = [i for i, ready in enumerate(done) if not ready]
                    targets, wanted = [targets[i] for i in rest], wanted[rest]
                    state = state.select(rest)
                if time.monotonic() - saved >= self.save_seconds:
                    self._save(targets, state)
                    saved = time.monotonic()
                state = search.step(state, wanted)
                self._count_steps(len(targets))
        except (KeyboardInterrupt, GeneratorExit):  # the latter where the caller is interrupted
            self._save(targets, state)
            raise

    def _finish(self, target: ProjectionTarget, state: ProjectionState) -> ProjectionResult:
        distance = float(state.distances[0, -1])
        if not math.isfinite(distance):
            raise RunError(f"{target.source}: the search went astray, its distance is {distance}")
        summary = {
            "image": target.source,
            "changes": target.changes,
            "distance": distance,
            "steps": state.step,
            "made_by": self.made_by(target),
        }
        folder = self.result_folder(target)
        folder.write(
            state,
            target.image,
            optimizer=self.optimizer,
            pipeline=self.pipeline,
            summary=summary,
            video=self.video,
        )
        return ProjectionResult(target, folder, summary)

    def _save(self, targets: Sequence[ProjectionTarget], state: ProjectionState) -> None:
        for i, target in enumerate(targets):
            folder = self.result_folder(target)
            if not folder.summary.is_file():
                save_state(folder.state, state.select([i]), self.made_by(target))

    def _count_steps(self, steps: int) -> None:
        done, total = self._steps
        self._steps = (done + steps, total)
        self.on_progress(done + steps, total)
