"""Projection of any number of images: in batches, one result folder each, resumable."""

import math
import time
from collections.abc import Iterator, Sequence
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
from stylesmith.devices import dtype_name
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
    read_latent_file,
    write_latent_file,
)
from stylesmith.sampling.video import write_video

VIDEO_FPS = 10
"""Frames per second of the video, one frame for each evaluation."""


class ProjectionFolder:
    """Files of one projected image, or of a generator that was tuned to it."""

    def __init__(self, path: Path):
        self.path = path
        self.latent = path / "latent.safetensors"
        """The codes, accepted wherever a seed is."""
        self.target = path / "target.png"
        """The image that was projected, in the size and channels of the network."""
        self.result = path / "result.png"
        """The image that the codes draw."""
        self.state = path / "state.safetensors"
        """State that an interrupted projection resumes from."""
        self.summary = path / "result.json"
        """The numbers, written last."""

    @property
    def tuned(self) -> "ProjectionFolder":
        """The model folder of a generator that was tuned to the image."""
        return ProjectionFolder(self.path / "tuned")

    def read_summary(self) -> dict[str, Any] | None:
        """The numbers of a finished projection; None if it isn't finished.

        Raises:
            DataError: If the file is damaged.
        """
        if not self.summary.is_file():
            return None
        try:
            found: dict[str, Any] = files.parse_json(self.summary.read_bytes())
            float(found["distance"])
        except (ValueError, KeyError, TypeError, OSError) as error:
            raise DataError(f"{self.summary}: damaged ({error}); remove it") from None
        return found


def codes_from_state(state: ProjectionState, optimizer: LatentOptimizer) -> LatentCodes:
    """The codes of one image."""
    variables = optimizer.variables
    maps = [noise[:1] for noise in variables.noise_maps(state.rows) if noise is not None]
    ws = variables.broadcast(variables.w(state.rows)).contiguous()
    return LatentCodes(ws, maps)


def draw_latent_file(path: Path, pipeline: SamplingPipeline) -> Tensor:
    """The image of a latent file, `(C, H, W)`, just as every command draws it."""
    source = read_latent_file(path, pipeline.config, model=pipeline.model_hash)
    return pipeline.draw(pipeline.codes([source]))[0].cpu()


def difference_image(image: Tensor, target: Tensor) -> Tensor:
    """Absolute difference of each number, `(C, H, W)`; an image of -1..1, black for none."""
    difference = (image - target.to(image)).abs() - 1
    if len(difference) == 4:  # an image of differences is opaque
        difference[3] = 1
    return difference


def loss_chart(state: ProjectionState, optimizer: LatentOptimizer) -> str:
    """Both terms of the loss by step, as SVG."""
    interval = optimizer.settings.evaluation_interval
    steps = [float(min(k * interval, state.step)) for k in range(state.evaluations)]
    terms = {f"distance ({optimizer.distance.name})": state.distances}
    if optimizer.variables.noise_shapes:
        terms["noise regularizer"] = state.regularizers
    series = {
        name: list(zip(steps, values[0].tolist(), strict=True)) for name, values in terms.items()
    }
    return line_chart(
        series, title="Projection", x_label="steps", y_label="term of the loss", log_y=True
    )


@torch.no_grad()
def _optimization_frames(
    state: ProjectionState, target: Tensor, optimizer: LatentOptimizer
) -> Iterator[Tensor]:
    """Target and image side by side at each evaluation, with the noise maps of the end."""
    noise = optimizer.variables.noise_maps(state.rows)
    for w in state.path[0]:
        image = optimizer.generator.draw(optimizer.variables.broadcast(w[None]), noise)[0]
        yield torch.cat([target.to(image), image.clamp(-1, 1)], dim=2)


SAVE_SECONDS = 30.0
"""Time from one save of the state to the next."""
MAX_PROJECTION_PIXELS, MAX_PROJECTION_BATCH = 1 << 20, 16
"""Pixels and images of a batch."""

MISMATCH_MESSAGES = {
    "model": "belongs to another model",
    "picture": "is about another image",
    "distance": "was made by another distance",
    "distance_weights": "was made by other weights of the distance",
    "settings": "was made by other settings",
}
"""Errors of a folder that is there already, by the key of `made_by` that differs."""


@dataclass(frozen=True)
class ProjectionResult:
    """A projected image, or one that a generator was tuned to."""

    target: ProjectionTarget
    folder: ProjectionFolder
    summary: dict[str, Any]

    @property
    def distance(self) -> float:
        """Distance from the target to the image that the codes draw."""
        return float(self.summary["distance"])


@dataclass
class Projector:
    """Projects images into a folder each; finished results are kept, interrupted ones resumed."""

    optimizer: LatentOptimizer
    out: Path
    """The folder of the folders."""
    video: str | None = None
    """Suffix of a video of each projection, such as `.mp4`."""
    batch_size: int | None = None
    """Images projected together; None is what a million pixels hold, at most 16."""
    on_progress: ProgressCallback = lambda done, total: None
    _steps: tuple[int, int] = field(init=False, default=(0, 0))

    def project(self, targets: Sequence[ProjectionTarget]) -> Iterator[ProjectionResult]:
        """Project images; each is told as soon as its files are written, finished ones first.

        Raises:
            OutputError: If a folder holds another image, or was made by other settings.
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
                [target for target, _ in batch], cat_states([state for _, state in batch])
            )

    @cached_property
    def pipeline(self) -> SamplingPipeline:
        """Draws latent files as every command does; its class has no effect on them."""
        generator = self.optimizer.generator
        label = 0 if generator.config.label_size else None
        return SamplingPipeline(generator, SamplingSettings(label=label))

    def result_folder(self, target: ProjectionTarget) -> ProjectionFolder:
        """The folder of an image."""
        return ProjectionFolder(self.out / target.name)

    def remove_results(self, targets: Sequence[ProjectionTarget]) -> None:
        """Remove results and states of these images; other files stay."""
        for target in targets:
            folder = self.result_folder(target)
            for path in (folder.summary, folder.state, folder.tuned.summary):
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
        """Finished results, and the states from which the other images go on."""
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
        """Project some images together; those that are done leave the batch."""
        optimizer = self.optimizer
        features = optimizer.embed(torch.stack([target.image for target in targets]))
        saved = time.monotonic()
        try:
            while True:
                if optimizer.evaluation_due(state):
                    state = optimizer.evaluate(state, features)
                done = optimizer.finished(state)
                for i, target in enumerate(targets):
                    if done[i]:
                        self._count_steps(optimizer.settings.steps - state.step)
                        yield self._finish(target, state.select([i]))
                if all(done):
                    return
                if any(done):
                    rest = [i for i, ready in enumerate(done) if not ready]
                    targets, features = [targets[i] for i in rest], features[rest]
                    state = state.select(rest)
                if time.monotonic() - saved >= SAVE_SECONDS:
                    self._save(targets, state)
                    saved = time.monotonic()
                state = optimizer.step(state, features)
                self._count_steps(len(targets))
        except (KeyboardInterrupt, GeneratorExit):  # the latter where the caller is interrupted
            self._save(targets, state)
            raise

    def _finish(self, target: ProjectionTarget, state: ProjectionState) -> ProjectionResult:
        """Write all files of a finished image, whose `state` is of this image alone."""
        distance = float(state.distances[0, -1])
        if not math.isfinite(distance):
            raise RunError(f"{target.source}: projection diverged, its distance is {distance}")
        summary = {
            "image": target.source,
            "changes": target.changes,
            "distance": distance,
            "steps": state.step,
            "dtype": dtype_name(self.pipeline.precision),
            "made_by": self.made_by(target),
        }
        folder, pipeline = self.result_folder(target), self.pipeline
        codes = codes_from_state(state, self.optimizer)
        write_latent_file(folder.latent, codes, model=pipeline.model_hash, settings=summary)
        drawn = draw_latent_file(folder.latent, pipeline)
        pixels.save_image(target.image, folder.target)
        pixels.save_image(drawn, folder.result)
        pixels.save_image(difference_image(drawn, target.image), folder.path / "difference.png")
        files.write_text(folder.path / "loss.svg", loss_chart(state, self.optimizer))
        if self.video is not None:
            frames = _optimization_frames(state, target.image, self.optimizer)
            write_video(folder.path / f"search{self.video}", frames, fps=VIDEO_FPS)
        files.write_json(folder.summary, summary)
        folder.state.unlink(missing_ok=True)
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
