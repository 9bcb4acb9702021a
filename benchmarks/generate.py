"""Time of drawing a batch of images; shipped against plain."""

import torch

import measure
from plain import PlainGenerator
from stylesmith import latents
from stylesmith.networks import build_generator


def draw_parts(setting: measure.Setting) -> dict[str, dict[str, measure.Work]]:
    """One batch drawn by each form, from the same latents and fixed noise."""
    config = setting.case.config.generator
    generator = build_generator(config).to(setting.device)
    z = latents.latents_from_seeds(range(setting.case.batch), config.mapping.z_dim)
    z = z.to(setting.device)
    forms: dict[str, dict[str, measure.Work]] = {
        "shipped": {"draw": lambda: generator(z, precision=setting.precision)}
    }
    if setting.case.compare:
        plain = PlainGenerator(generator)
        forms["plain"] = {"draw": lambda: plain(z)}
    return forms


@torch.no_grad()
def run(setting: measure.Setting) -> dict[str, object]:
    """Measure one case."""
    forms = draw_parts(setting)
    flops = measure.count_flops(forms["shipped"])
    return measure.report(setting, measure.alternate(forms, setting), {"draw": 1.0}, flops)


if __name__ == "__main__":
    measure.main(run, "Time drawing a batch of images, shipped against plain.")
