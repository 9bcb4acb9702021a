"""Train a list of presets with equal budgets, one after the other, and show them on one page.

    python benchmarks/ladder.py --data avatars.zip --out runs/ladder --kimg 100

Each preset becomes a run in OUT/<preset>. Called again, the ladder goes on where it stopped and
leaves out the rows that are complete. OUT gets ladder.html, and ladder.md with its images. Write
what you see into OUT/reading.md: it becomes part of the page and is never overwritten.

The papers' settings are tuned for weeks of training at 1024x1024 on eight GPUs. Small runs want
narrow networks (--max-channels), and may want other batches or rates, the same for all rows
(--set training.batch_size=16). The schedule of growing is shortened in proportion.
"""

import argparse
import math
import shlex
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import torch

from ladder_page import SPEED, speed_table, write_pages
from ladder_rows import Notes
from ladder_speed import measure_speed
from stylesmith import devices, files, runs
from stylesmith.config import parse_size
from stylesmith.data.dataset import open_dataset
from stylesmith.errors import StylesmithError, UsageError
from stylesmith.runs import RunComparison

DEFAULT_KIMG = 100.0
MAIN_ROWS = [f"{paper}-{row}" for paper in ("stylegan", "stylegan2") for row in "abcdef"]
"""Table 1 of both papers."""


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    presets = "names with commas between; if absent those of OUT, or Table 1 of both papers"
    add("--presets", default="", help=presets)
    add("--data", type=Path, help="folder or zip of images")
    add("--out", type=Path, required=True, help="folder of the ladder")
    budget = parser.add_mutually_exclusive_group()
    kimg = f"thousands of images for each row; {DEFAULT_KIMG:g} if absent"
    budget.add_argument("--kimg", type=positive, help=kimg)
    minutes = "time for each row instead; the schedule is laid out for the speed measured"
    budget.add_argument("--minutes", type=positive, help=minutes)
    add("--max-channels", type=int, default=64, help="most feature maps of any level (64)")
    add("--mapping", type=int, metavar="WIDTH", help="length of z and w; the papers' 512 if absent")
    add("--resolution", help="crop and resize the images: 32, or WIDTHxHEIGHT")
    settings = "a setting of all rows, as in training.generator_lr=0.003; repeatable"
    add("--set", dest="settings", action="append", default=[], metavar="KEY=VALUE", help=settings)
    add("--device", default="auto", help="auto, cpu, cuda")
    add("--speed", action="store_true", help="only measure images a second of each preset")
    add("--page-only", action="store_true", help="only write the page of what is there")
    add("--publish", type=Path, metavar="DIR", help="write ladder.md and its images there too")
    return parser.parse_args(arguments)


def positive(text: str) -> float:
    """A finite number above 0."""
    value = float(text)
    if not (value > 0 and math.isfinite(value)):
        raise ValueError(text)
    return value


def run(options: argparse.Namespace, command: str) -> bool:
    """Do what was asked; False if a row failed."""
    notes, succeeded = Notes.read(options.out), True
    names = [name for name in options.presets.split(",") if name] or notes.presets or MAIN_ROWS
    if not options.page_only:
        ladder = open_ladder(options)
        if options.speed:
            measure_rows(ladder, names, command)
        else:
            notes.add(names, command)
            succeeded = train_rows(ladder, names, notes)
    if not (notes.presets or (options.out / SPEED).exists()):
        raise UsageError(f"{options.out}: holds no rows yet; leave --page-only out to train some")
    for path in write_pages(options.out, publish=options.publish):
        print_line(f"-> {path}")
    return succeeded


def open_ladder(options: argparse.Namespace) -> RunComparison:
    """Open the data, and gather what all rows share.

    Raises:
        UsageError: If no data is given.
    """
    if options.data is None:
        raise UsageError("--data: wanted a folder or zip of images, unless with --page-only")
    size = parse_size(options.resolution) if options.resolution else None
    dataset = open_dataset(options.data, size=size)
    widths = {"max_channels": options.max_channels}
    latents = {"z_dim": options.mapping, "w_dim": options.mapping} if options.mapping else {}
    return RunComparison(
        out=options.out,
        dataset=dataset,
        data=runs.make_data_config(
            dataset, conditional=False, mirror=False, skip_bad=False, resize=size is not None
        ),
        device=devices.choose_device(options.device),
        kimg=None if options.minutes else options.kimg or DEFAULT_KIMG,
        minutes=options.minutes,
        changes={
            "generator": {**widths, "mapping": latents},
            "discriminator": widths,
            "output": {"grid_images": 64},
        },
        settings=options.settings,
        grids_per_run=15,
        snapshots_per_run=1,
        seconds_per_kimg=lambda config, device: (
            1000 / measure_speed(config, dataset, device, repeats=2).images_per_second
        ),
    )


def train_rows(ladder: RunComparison, names: Sequence[str], notes: Notes) -> bool:
    """Train every row that is not complete; False if one failed. The page follows each row."""
    for name in names:
        ladder.check(name)  # before hours are spent on other rows

    def after_run(name: str, failure: str | None) -> None:
        notes.failures.pop(name, None)
        if failure is not None:
            notes.failures[name] = failure
        notes.write(ladder.out)
        write_pages(ladder.out)

    return ladder.train_all(names, notify=print_line, after_run=after_run)


def print_line(text: str) -> None:
    """Print a line at once, also into a file."""
    print(text, flush=True)


def measure_rows(ladder: RunComparison, names: Sequence[str], command: str) -> None:
    """Measure every preset's speed; prints a table and keeps the numbers for the page."""
    rows = {}
    for config in [ladder.config(name, kimg=DEFAULT_KIMG) for name in names]:
        rows[config.preset] = measure_speed(config, ladder.dataset, ladder.device).to_json()
    facts = {
        "command": command,
        "device": devices.device_name(ladder.device),
        "torch": str(torch.__version__),
        "date": datetime.now(UTC).date().isoformat(),
    }
    files.write_json(ladder.out / SPEED, {**facts, "rows": rows})
    print_line(speed_table(rows))


def main() -> None:
    """The command line: errors of a user are one line."""
    try:
        succeeded = run(parse_arguments(sys.argv[1:]), shlex.join(["python", *sys.argv]))
    except StylesmithError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_status)
    except KeyboardInterrupt:  # between two rows; within one, it saves and stops
        sys.exit(130)
    sys.exit(0 if succeeded else 1)


if __name__ == "__main__":
    main()
