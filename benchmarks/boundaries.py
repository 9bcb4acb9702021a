"""Does moving across a boundary change that attribute, and no other? Writes a page for docs/.

    python benchmarks/boundaries.py --model avatars --classifiers classifiers --out docs/boundaries

Boundaries are found as `stylesmith edit --find boundary --classifiers` finds them. Other seeds are
then moved to the other side of each, and the classifiers say what changed.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from stylesmith import files
from stylesmith.devices import choose_device
from stylesmith.images import to_uint8
from stylesmith.metrics.boundaries import SAMPLES, boundaries, look_at_seeds
from stylesmith.metrics.classifiers import Classifiers, open_classifiers
from stylesmith.models import load
from stylesmith.sampling import Direction, Painter, editing_sheet, from_classifier, without
from stylesmith.sampling.codes import Codes

STRENGTHS = (1.0, 2.0, 3.0, 4.0)
"""Standard deviations of w along the direction."""
SHOWN = 3.0
"""The strength of the large table."""
BATCH = 50


def attributes_of(painter: Painter, codes: Codes, classifiers: Classifiers) -> Tensor:
    """What the classifiers say of the pictures of codes, bool `(N, A)`."""
    parts = [codes[start : start + BATCH] for start in range(0, len(codes), BATCH)]
    return torch.cat([classifiers.features(to_uint8(painter.draw(part))) > 0 for part in parts])


def changes(
    painter: Painter, codes: Codes, move: Direction, place: int, classifiers: Classifiers
) -> dict[float, Tensor]:
    """Share of pictures in which each attribute changed, `(A,)`, by strength.

    Each picture moves to the side of the boundary of attribute `place` where it is not.
    """
    before = attributes_of(painter, codes, classifiers)
    sides = torch.where(before[:, place], -1.0, 1.0)
    shares = {}
    for strength in STRENGTHS:
        moved = move.moved(codes, sides * strength, painter.config)
        after = attributes_of(painter, moved, classifiers)
        shares[strength] = (after != before).double().mean(dim=0)
    return shares


def rows(names: Sequence[str], found: dict[str, dict[float, Tensor]]) -> list[str]:
    """A line for each attribute: how often it changed, and how often the others did."""
    lines = ["| along | strength 1 | 2 | 3 | 4 | others, mean | most changed other |"]
    lines.append("|---|---|---|---|---|---|---|")
    for place, name in enumerate(names):
        shares = found[name]
        others = shares[SHOWN].clone()
        others[place] = -1
        worst = int(others.argmax())
        mean = others[others >= 0].mean()
        wanted = " | ".join(f"{float(shares[strength][place]):.0%}" for strength in STRENGTHS)
        most = f"{names[worst]}, {float(others[worst]):.0%}"
        lines.append(f"| {name} | {wanted} | {float(mean):.0%} | {most} |")
    return lines


def write_page(options: argparse.Namespace) -> None:
    """Find, move, and write the page with a sheet of one picture."""
    device = choose_device("auto")
    painter = Painter(load(options.model))
    classifiers = open_classifiers(options.classifiers, device)
    names = classifiers.attributes
    ws, logits = look_at_seeds(painter, classifiers, SAMPLES)
    normals = boundaries(ws, logits, names)
    plain = {
        name: from_classifier(painter, torch.from_numpy(normal), name=name)
        for name, normal in normals.items()
    }
    kept = {
        name: without(move, [other for other in plain.values() if other is not move])
        for name, move in plain.items()
    }
    codes = painter.codes(range(SAMPLES, SAMPLES + options.count))
    tables = []
    for moves in (plain, kept):
        found = {
            name: changes(painter, codes, move, place, classifiers)
            for place, (name, move) in enumerate(moves.items())
        }
        tables.append("\n".join(rows(names, found)))
    sheet = options.out / "sheet.png"
    strengths = [-4.0, -2.0, 0.0, 2.0, 4.0]
    options.out.mkdir(parents=True, exist_ok=True)
    editing_sheet(painter, [options.seed], list(kept.values()), strengths, sheet)
    facts = ", ".join(f"{fact.attribute} {fact.accuracy:.1%}" for fact in classifiers.facts)
    files.write_text(
        options.out / "README.md",
        PAGE.format(
            command=f"python benchmarks/boundaries.py --model {options.model} "
            f"--classifiers {options.classifiers} --out {options.out}",
            samples=SAMPLES,
            count=options.count,
            facts=facts,
            plain=tables[0],
            kept=tables[1],
            seed=options.seed,
            names=", ".join(names),
            shown=SHOWN,
        ),
    )


PAGE = """# Moving across boundaries

`{command}`

The boundary of an attribute is the hyperplane that linear separability (StyleGAN, section 4.2) fits
in W: here to the clearest half of {samples:,} pictures. {count} other pictures, drawn without
truncation, were then moved by 1 to 4 standard deviations of w to the side where they were not, and
the classifiers said what had changed. How often the classifiers are right on real images that they
had not seen: {facts}.

`others` are all attributes but the wanted one, at strength {shown:g}: the share of pictures in
which each changed, their mean, and the one that changed most often.

## Each by itself

`stylesmith edit MODEL --find boundary --classifiers FOLDER --out attributes/`

{plain}

## With the others kept

The part of a direction that is orthogonal to all other boundaries (conditional manipulation):
`stylesmith edit MODEL --direction attributes/hat.safetensors --without ...`, with `--without` for
each of the others.

{kept}

![{names}](sheet.png)

*Seed {seed}, from 4 standard deviations back to 4 ahead, a row each: {names}.*
"""


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="avatars")
    parser.add_argument("--classifiers", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder of the page")
    parser.add_argument("--count", type=int, default=500, help="pictures that are moved")
    parser.add_argument("--seed", type=int, default=1, help="of the sheet")
    write_page(parser.parse_args())


if __name__ == "__main__":
    main()
