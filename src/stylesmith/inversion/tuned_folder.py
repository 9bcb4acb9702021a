"""What tuning leaves: a model folder, with the codes that draw the picture by it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stylesmith import files
from stylesmith import images as pixels
from stylesmith.errors import DataError, OutputError
from stylesmith.inversion.project import ProjectionResult
from stylesmith.inversion.result_folder import draw_latent_file
from stylesmith.inversion.tune import PivotalTuner
from stylesmith.models import save_model
from stylesmith.networks.fingerprint import model_hash
from stylesmith.sampling import SamplingPipeline, load_latents, save_latents


@dataclass(frozen=True)
class TunedFolder:
    """A network that was tuned to one picture."""

    path: Path

    @property
    def latent(self) -> Path:
        """The codes again, which belong to the tuned network."""
        return self.path / "latent.safetensors"

    @property
    def result(self) -> Path:
        """What they draw."""
        return self.path / "result.png"

    @property
    def summary(self) -> Path:
        """The numbers, written last."""
        return self.path / "result.json"

    def distance(self) -> float:
        """From the picture to what the tuned network makes of it.

        Raises:
            DataError: If the file is damaged.
        """
        try:
            return float(json.loads(self.summary.read_text(encoding="utf-8"))["distance"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{self.summary}: damaged ({error}); remove it") from None


def tune_projection(
    projected: ProjectionResult,
    tuner: PivotalTuner,
    pipeline: SamplingPipeline,
    *,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> TunedFolder:
    """Tune to a picture that was projected, and write a folder beside its results.

    A folder that is there already is taken as it is.

    Raises:
        OutputError: If that was made by other settings, or a file cannot be written.
    """
    folder = TunedFolder(projected.folder.path / "tuned")
    made_by = {"projection": projected.summary["made_by"], "tuning": tuner.settings.describe()}
    if folder.summary.is_file():
        _check_tuned(folder, made_by)
        return folder
    source = load_latents(projected.folder.latent, pipeline.config, model=pipeline.model_hash)
    codes = pipeline.codes([source])
    tuned = tuner.tune(codes, projected.target.image, on_progress=on_progress)
    target = projected.target.image[None].to(codes.ws)
    value = float(tuner.distance.distance(tuned.draw(codes.ws, codes.noise), target))
    summary = {"image": projected.target.source, "distance": value, "made_by": made_by}
    save_model(folder.path, tuned, card=_tuned_model_card(projected), about={"tuned": summary})
    save_latents(folder.latent, codes, model=model_hash(tuned), settings=summary)
    pixels.save_image(
        draw_latent_file(folder.latent, SamplingPipeline(tuned, pipeline.settings)), folder.result
    )
    files.write_json(folder.summary, summary)
    return folder


def _check_tuned(folder: TunedFolder, made_by: dict[str, Any]) -> None:
    folder.distance()
    if json.loads(folder.summary.read_text(encoding="utf-8")).get("made_by") != made_by:
        raise OutputError(
            f"{folder.path}: was tuned by other settings. Use the same again, choose another "
            "folder, or add --force to start anew."
        )


def _tuned_model_card(projected: ProjectionResult) -> str:
    made_by = projected.summary["made_by"]
    return f"""# A generator tuned to one picture

Tuned with stylesmith (pivotal tuning) from the model {made_by["model"]}, so that
`latent.safetensors` beside it draws a picture that the network could not draw before. Other codes
draw almost what they drew.

Use: `stylesmith generate THIS_FOLDER --seeds THIS_FOLDER/latent.safetensors --out again.png`
"""
