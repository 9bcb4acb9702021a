"""Does a distance without weights agree with what people see? Writes a page of curves for docs/.

    python benchmarks/trends.py --data avatars.zip --run runs/faces --out docs/trends

Real images of one half of the data are compared with the other half, harmed step by step: blurred,
with noise, with fewer different images. The run must have been trained with
`--metrics fd_random_5k,pr_random_5k3`; its scores are read from its log.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from stylesmith import charts, files, images
from stylesmith.data.dataset import open_dataset
from stylesmith.figures.training_history import read_metric_curves
from stylesmith.metrics.scores import Moments, frechet_distance
from stylesmith.models import RunFolder
from stylesmith.perception.extractors import FeatureExtractor, open_extractor

COUNT = 2000
"""Images of each half."""
BATCH = 250

Harm = Callable[[Tensor, float], Tensor]


def blur(batch: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of that many pixels."""
    if not sigma:
        return batch
    place = torch.arange(-9, 10).float()
    line = torch.exp(-place.square() / (2 * sigma**2))
    kernel = (torch.outer(line, line) / line.sum() ** 2).expand(3, 1, -1, -1)
    padded = F.pad(images.from_uint8(batch), [9] * 4, mode="replicate")
    return images.to_uint8(F.conv2d(padded, kernel, groups=3))


def add_noise(batch: Tensor, levels: float) -> Tensor:
    """Gaussian noise of that many levels of 255."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(batch.shape, generator=generator) * levels
    return (batch.float() + noise).round().clamp(0, 255).to(torch.uint8)


def repeat(batch: Tensor, lost: float) -> Tensor:
    """Only this share of the images is lost; the others come the more often."""
    kept = max(1, round(len(batch) * (1 - lost)))
    return batch[torch.arange(len(batch)) % kept]


HARMS: dict[str, tuple[Harm, Sequence[float]]] = {
    "blur (sigma in pixels)": (blur, (0, 0.5, 0.7, 1, 1.5, 2, 3)),
    "noise (sigma of 255)": (add_noise, (0, 2, 4, 8, 16, 32)),
    "share of images lost": (repeat, (0, 0.5, 0.75, 0.9, 0.95, 0.985, 0.995)),
}


def moments(extractor: FeatureExtractor, batch: Tensor) -> Moments:
    """Moments of the features of a batch."""
    found = Moments.empty(extractor.dimension)
    found.add(torch.cat([extractor.features(part) for part in batch.split(BATCH)]))
    return found


def harmed_distances(data: Path) -> dict[str, list[tuple[float, float]]]:
    """Steps and Fréchet distances of each kind of harm."""
    dataset, extractor = open_dataset(data), open_extractor("random", torch.device("cpu"))
    faces = torch.from_numpy(np.stack([dataset.pixels(i) for i in range(2 * COUNT)]))
    real, fake = moments(extractor, faces[:COUNT]), faces[COUNT:]
    return {
        name: [(step, frechet_distance(real, moments(extractor, harm(fake, step)))) for step in at]
        for name, (harm, at) in HARMS.items()
    }


def scores_of_run(run: Path) -> dict[str, list[tuple[float, float]]]:
    """Thousands of images and value of each metric that a run took on its way."""
    curves = read_metric_curves(RunFolder(run))
    return {name: [(seen / 1000, value) for seen, value in curve] for name, curve in curves.items()}


def draw(name: str, points: list[tuple[float, float]], x_label: str, *, log_y: bool) -> str:
    """A chart of one curve."""
    return charts.line_chart({name: points}, title=name, x_label=x_label, y_label="", log_y=log_y)


def table(points: list[tuple[float, float]]) -> str:
    """Two rows of Markdown."""
    heads, values = zip(*[(f"{x:g}", f"{y:.3g}") for x, y in points], strict=True)
    return f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}\n| {' | '.join(values)} |\n"


def write_page(out: Path, data: Path, run: Path, command: str) -> None:
    """The page, and a chart for each curve."""
    training = json.loads(RunFolder(run).config.read_text())["training"]
    parts = [
        "# What distances without weights see\n",
        f"`{command}`\n",
        "## Harm\n",
        f"Fréchet distance of {COUNT} harmed images to {COUNT} others of the same data, by the "
        "extractor `random`.\n",
    ]
    for i, (name, points) in enumerate(harmed_distances(data).items()):
        files.write_text(out / f"harm-{i}.svg", draw(name, points, name, log_y=True))
        parts += [f"### {name}\n", f"![{name}](harm-{i}.svg)\n", table(points)]
    parts.append(
        f"## Training\n\nAlong a run of {training['kimg']:g} thousand images at most, against its "
        "training images; x is thousands of images.\n"
    )
    for i, (name, points) in enumerate(scores_of_run(run).items()):
        log_y = name.startswith("fd")
        chart = draw(name, points, "thousand images", log_y=log_y)
        files.write_text(out / f"training-{i}.svg", chart)
        parts += [f"### {name}\n", f"![{name}](training-{i}.svg)\n", table(points)]
    files.write_text(out / "README.md", "\n".join(parts))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="RGB images")
    parser.add_argument("--run", type=Path, required=True, help="run with metrics in its log")
    parser.add_argument("--out", type=Path, required=True, help="folder of the page")
    options = parser.parse_args()
    command = f"python benchmarks/trends.py --data {options.data} --run {options.run}"
    write_page(options.out, options.data, options.run, f"{command} --out {options.out}")


if __name__ == "__main__":
    main()
