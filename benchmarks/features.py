"""Images a second of a feature extractor by itself."""

import argparse
import json
import statistics

import torch

from measure import rounded, seconds
from stylesmith import devices
from stylesmith.perception.extractors import EXTRACTORS, open_extractor


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """Median and range over rounds, after a warm-up."""
    device = devices.choose_device(arguments.device)
    extractor = open_extractor(arguments.extractor, device)
    shape = (arguments.batch, 3, arguments.side, arguments.side)
    images = torch.randint(0, 256, shape, dtype=torch.uint8)
    times = [
        seconds(lambda: extractor.features(images), device) for _ in range(arguments.rounds + 1)
    ][1:]
    rates = [arguments.batch / time for time in times]
    return {
        "extractor": extractor.name,
        "dimension": extractor.dimension,
        "side": arguments.side,
        "batch": arguments.batch,
        "rounds": arguments.rounds,
        "device": devices.device_name(device),
        "torch": str(torch.__version__),
        "images_per_second": statistics.median(rates),
        "range": {"low": min(rates), "high": max(rates)},
    }


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Time an extractor by itself.")
    parser.add_argument("--extractor", choices=EXTRACTORS, default="random")
    parser.add_argument("--side", type=int, default=32, help="height and width of the images")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda")
    return parser.parse_args()


if __name__ == "__main__":
    print(json.dumps(rounded(run(parse_arguments())), indent=2))
