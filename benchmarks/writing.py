"""Rate of `generate` into a folder against the bare forward pass, in alternation."""

import statistics
import tempfile
from pathlib import Path

import torch

import measure
from stylesmith.networks import build_generator
from stylesmith.sampling import SamplingPipeline
from stylesmith.sampling.image_files import write_folder

IMAGES = 1000


@torch.no_grad()
def run(setting: measure.Setting) -> dict[str, object]:
    """Measure one case: `IMAGES` drawn and thrown away, and as many written as PNG."""
    config = setting.case.config.generator
    generator = build_generator(config).to(setting.device).requires_grad_(False)
    pipeline = SamplingPipeline(generator)
    batch = pipeline.batch_size = setting.case.batch
    z = torch.randn(batch, config.mapping.z_dim, device=setting.device)

    def draw() -> None:
        for start in range(0, IMAGES, batch):
            generator(z[: IMAGES - start], precision=pipeline.precision)

    def write() -> None:
        target = Path(tempfile.mkdtemp(dir=folder))
        write_folder(pipeline, range(IMAGES), target)

    forms: dict[str, dict[str, measure.Work]] = {
        "forward": {"all": draw},
        "generate": {"all": write},
    }
    with tempfile.TemporaryDirectory() as folder:  # emptied when the clocks have stopped
        rounds = measure.alternate(forms, setting)
    rates = {form: [IMAGES / times["all"] for times in pairs] for form, pairs in rounds.items()}
    shares = [b / a for a, b in zip(rates["forward"], rates["generate"], strict=True)]
    medians = {form: statistics.median(values) for form, values in rates.items()}
    return measure.rounded(
        {
            **setting.describe(),
            "images": IMAGES,
            "images_per_second": medians,
            "share": statistics.median(shares),
            "share_of_pairs": {"low": min(shares), "high": max(shares)},
        }
    )


if __name__ == "__main__":
    measure.main(run, "Rate of generating files, against the bare forward pass.")
