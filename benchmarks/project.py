"""Time of a step of projection, for one image and for a batch; a thousand steps are the default.

The distance is `random`, which needs no weights; LPIPS costs more, by VGG16 twice a step.
"""

import statistics

import torch

import measure
from stylesmith.inversion import LatentOptimizer, ProjectionSettings
from stylesmith.inversion.latent_optimizer import ProjectionState
from stylesmith.networks import build_generator
from stylesmith.perception.random_features import RandomFeatures


def step_parts(setting: measure.Setting) -> dict[str, dict[str, measure.Work]]:
    """One step for one image, and for a batch, from the mean w to random images."""
    config = setting.case.config.generator
    generator = build_generator(config).to(setting.device).requires_grad_(False)
    search = LatentOptimizer(generator, RandomFeatures(setting.device), ProjectionSettings())
    forms: dict[str, dict[str, measure.Work]] = {}
    for name, count in (("one", 1), ("batch", setting.case.batch)):
        images = torch.rand(count, config.image_channels, *generator.image_size) * 2 - 1
        forms[name] = {"step": _step(search, search.initial_state(count), search.embed(images))}
    return forms


def run(setting: measure.Setting) -> dict[str, object]:
    """Measure one case; projection is always fp32."""
    rounds = measure.alternate(step_parts(setting), setting)
    seconds = {form: statistics.median(t["step"] for t in times) for form, times in rounds.items()}
    result = setting.describe() | {"path": "float32", "threads": torch.get_num_threads()}
    result["seconds_per_step"] = seconds
    result["minutes_per_thousand_steps"] = {form: 1000 * s / 60 for form, s in seconds.items()}
    result["milliseconds_per_picture_and_step"] = {
        "one": 1000 * seconds["one"],
        "batch": 1000 * seconds["batch"] / setting.case.batch,
    }
    return measure.rounded(result)


def _step(search: LatentOptimizer, state: ProjectionState, wanted: torch.Tensor) -> measure.Work:
    return lambda: search.step(state, wanted)


if __name__ == "__main__":
    measure.main(run, "Time a step of projection, for one image and for a batch.")
