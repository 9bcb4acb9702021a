"""Draw every figure of both papers once, and write a page of them for docs/.

    python benchmarks/gallery.py --run runs/avatars --adain runs/ladder/stylegan-f \
        --growing runs/ladder/stylegan2-d --even runs/ladder/stylegan2-e --out docs/gallery

The page gives the command of each figure, its caption, and how long it took. `--run` is shown where
one model is, but for noise: networks that draw flat art learn to leave it. The others stand where
the papers compare with AdaIN, or with progressive growing.
"""

import argparse
import time
from dataclasses import dataclass, replace
from pathlib import Path

from stylesmith import files
from stylesmith.devices import choose_device
from stylesmith.figures import FIGURES, FigureInput, FigureOptions, PaperFigure, save_figure

SEEDS = {
    "stylegan-3": [1, 2, 3, 6, 12, 13, 14, 15, 17, 20, 23],
    "stylegan-4": [1, 6],
    "stylegan-5": [1, 6],
    "stylegan-8": [1, 6],
}
"""Where those that the papers name mean nothing for these models."""


@dataclass(frozen=True)
class Drawn:
    """One figure that has come out."""

    figure: PaperFigure
    command: str
    caption: str
    seconds: float


def choose(figure: PaperFigure, options: argparse.Namespace) -> tuple[Path, FigureOptions]:
    """The model of a figure, and what stands beside it."""
    chosen = FigureOptions(seeds=SEEDS.get(figure.id))
    match figure.id:
        case "stylegan-4" | "stylegan-5" | "stylegan2-1":
            return options.adain, chosen
        case "stylegan2-3" | "stylegan2-5" | "stylegan2-13" | "stylegan2-14" | "stylegan2-17":
            return options.run, replace(chosen, other=options.adain)
        case "stylegan2-6" | "stylegan2-16":
            return options.growing, replace(chosen, other=options.even)
        case _:
            return options.run, chosen


def command_line(figure: PaperFigure, model: Path, chosen: FigureOptions) -> str:
    """What a user would type."""
    parts = ["stylesmith figure", figure.id, *([] if figure.needs_no_model else [str(model)])]
    if chosen.seeds:
        parts.append(f"--seeds {','.join(str(seed) for seed in chosen.seeds)}")
    if chosen.other:
        parts.append(f"--other {chosen.other}")
    return " ".join(parts)


def draw(figure: PaperFigure, options: argparse.Namespace) -> Drawn:
    """Draw one figure into the folder of the page."""
    model, chosen = choose(figure, options)
    start = time.perf_counter()
    figure_input = FigureInput(model, choose_device("auto"), chosen)
    layout = figure(figure_input, lambda done, total: None)
    path = options.out / f"{figure.id}.png"
    for written in save_figure(layout, path):
        if written != path:  # lines of charts are sharp enough here, and pages should be small
            written.unlink()
    seconds = time.perf_counter() - start
    print(f"{figure.id}: {seconds:.1f} s", flush=True)
    return Drawn(figure, command_line(figure, model, chosen), layout.caption, seconds)


def write_page(drawn: list[Drawn], out: Path) -> None:
    """All figures below one another, with their commands."""
    total = sum(one.seconds for one in drawn)
    parts = [
        "# Gallery\n",
        "Every figure of both papers that a program can draw, from small models of this package at "
        "32x32: the run that `avatars` comes from, and rows of [the ladder](../ladder). "
        "`stylesmith figure --list` says what each needs; the diagrams are in "
        f"[architectures.md](../architectures.md). All of them took {total / 60:.1f} minutes.\n",
    ]
    for one in drawn:
        parts += [
            f"## {one.figure.id}: {one.figure.title}\n",
            f"`{one.command}` ({one.seconds:.0f} s)\n",
            f"![{one.caption}]({one.figure.id}.png)\n",
        ]
    files.write_text(out / "README.md", "\n".join(parts))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", type=Path, required=True, help="skip generator, noise, metrics")
    parser.add_argument("--adain", type=Path, required=True, help="AdaIN model")
    parser.add_argument("--growing", type=Path, required=True, help="grown model")
    parser.add_argument("--even", type=Path, required=True, help="one that did not grow")
    parser.add_argument("--out", type=Path, required=True, help="folder of the page")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    drawn = [draw(figure, options) for figure in FIGURES if figure.draw is not None]
    write_page(drawn, options.out)


if __name__ == "__main__":
    main()
