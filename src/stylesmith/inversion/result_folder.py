"""What a projection leaves for one picture: a folder with codes, pictures and a curve."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from stylesmith import files
from stylesmith import images as pixels
from stylesmith.charts import line_chart
from stylesmith.errors import DataError
from stylesmith.inversion.search import LatentOptimizer
from stylesmith.inversion.state import ProjectionState
from stylesmith.sampling import (
    LatentCodes,
    SamplingPipeline,
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
