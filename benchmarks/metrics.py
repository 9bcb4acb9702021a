"""Time and memory of what metrics compute themselves: moments, neighbors, hyperplanes."""

import argparse
import json
import time
from collections.abc import Callable

import numpy as np
import torch

from measure import rounded
from stylesmith import devices
from stylesmith.metrics.precision_recall import BLOCK_COLUMNS, BLOCK_ROWS, compute_precision_recall
from stylesmith.metrics.scores import Moments
from stylesmith.metrics.separability import hyperplane_predictions
from stylesmith.perception.extractors import open_extractor

BATCH = 64


def moments(arguments: argparse.Namespace) -> dict[str, object]:
    """Rate of an extractor by itself, and with moments added up, in alternation."""
    device = devices.choose_device(arguments.device)
    extractor = open_extractor(arguments.extractor, device)
    side = arguments.side
    images = torch.randint(0, 256, (BATCH, 3, side, side), dtype=torch.uint8)
    running = Moments.empty(extractor.dimension, device)
    batches = max(4, arguments.images // BATCH)
    spent = {"alone": 0.0, "with_moments": 0.0}
    for batch in range(batches + 1):
        for name in spent:
            start = time.perf_counter()
            features = extractor.features(images)
            if name == "with_moments":
                running.add(features)
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            if batch:  # the first one warms up
                spent[name] += time.perf_counter() - start
    rates = {name: batches * BATCH / seconds for name, seconds in spent.items()}
    share = rates["with_moments"] / rates["alone"]
    features_of = {"extractor": extractor.name, "dimension": extractor.dimension, "side": side}
    return features_of | {"images_per_second": rates, "share_of_extractor": share}


def manifolds(arguments: argparse.Namespace) -> dict[str, object]:
    """Precision and recall of two tables, and how far memory rises above the tables."""
    device = devices.choose_device(arguments.device)
    count, dimension = arguments.images, arguments.dimension
    real, fake = (torch.randn(count, dimension, device=device) for _ in range(2))
    before = devices.peak_memory(device) or 0
    start = time.perf_counter()
    compute_precision_recall(real, fake)
    seconds = time.perf_counter() - start
    work = 3 * 2 * count * count * dimension
    return {
        "images": count,
        "dimension": dimension,
        "block": [BLOCK_ROWS, BLOCK_COLUMNS],
        "seconds": seconds,
        "gflops_per_second": work / seconds / 1e9,
        "tables_gb": 2 * count * dimension * 4 / 1e9,
        "beyond_tables_gb": ((devices.peak_memory(device) or 0) - before) / 1e9,
    }


def hyperplanes(arguments: argparse.Namespace) -> dict[str, object]:
    """One linear classifier as separability fits it; half of the labels follow a direction."""
    rng = np.random.default_rng(0)
    points = rng.standard_normal((arguments.images, arguments.dimension)).astype(np.float32)
    labels = points[:, 0] + rng.standard_normal(arguments.images) > 0
    start = time.perf_counter()
    found = hyperplane_predictions(points, labels)
    seconds = time.perf_counter() - start
    return {
        "points": list(points.shape),
        "seconds": seconds,
        "right": float((found == labels).mean()),
    }


PARTS: dict[str, Callable[[argparse.Namespace], dict[str, object]]] = {
    "moments": moments,
    "manifolds": manifolds,
    "hyperplanes": hyperplanes,
}
DEFAULTS = {"moments": (2048, 0), "manifolds": (10_000, 4096), "hyperplanes": (50_000, 512)}
"""Images and features of each part; an extractor has features of its own."""


def main() -> None:
    """The command line: JSON on standard output."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--images", type=int)
    parser.add_argument("--dimension", type=int)
    parser.add_argument("--side", type=int, default=32, help="of images, for moments")
    parser.add_argument("--extractor", default="random")
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    images, dimension = DEFAULTS[arguments.part]
    arguments.images = arguments.images or images
    arguments.dimension = arguments.dimension or dimension
    result = PARTS[arguments.part](arguments)
    device = devices.device_name(devices.choose_device(arguments.device))
    print(json.dumps(rounded({"part": arguments.part, "device": device} | result), indent=2))


if __name__ == "__main__":
    main()
