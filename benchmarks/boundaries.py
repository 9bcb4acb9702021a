"""Does moving across a boundary change that attribute, and no other? Writes a page for docs/.

    python benchmarks/boundaries.py --model avatars --classifiers classifiers --out docs/boundaries

Boundaries are found as `stylesmith edit --find boundary --classifiers` finds them. Other seeds are
then moved across each, and the classifiers say what changed.
"""

import argparse
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from stylesmith import files
from stylesmith.devices import choose_device
from stylesmith.images import to_uint8
from stylesmith.metrics.classifiers import Classifiers, open_classifiers
from stylesmith.metrics.separability import DEFAULT_SAMPLES, attribute_boundaries, classify_seeds
from stylesmith.models import load
from stylesmith.networks.latent_codes import LatentCodes
from stylesmith.sampling import SamplingPipeline, SamplingSettings
from stylesmith.sampling.directions import Direction, boundary_direction, orthogonalize
from stylesmith.sampling.editing import write_editing_grid

STRENGTHS = (1.0, 2.0, 3.0, 4.0, 5.0)
"""Standard deviations of w along the direction."""
ENOUGH = 0.8
"""Share of images that should have changed; other attributes are compared where it is reached."""
READABLE = 0.9
"""How often classifiers must be right on real images, to be believed here."""
BATCH = 50


def attributes_of(
    pipeline: SamplingPipeline, codes: LatentCodes, classifiers: Classifiers
) -> Tensor:
    """What the classifiers say of the images of codes, bool `(N, A)`."""
    parts = [codes[start : start + BATCH] for start in range(0, len(codes), BATCH)]
    return torch.cat([classifiers.features(to_uint8(pipeline.draw(part))) > 0 for part in parts])


@dataclass(frozen=True)
class Stage:
    """Images that are moved, and what classifiers say of them."""

    pipeline: SamplingPipeline
    codes: LatentCodes
    classifiers: Classifiers
    before: Tensor
    """What they have, bool `(N, A)`."""
    places: list[int]
    """The attributes that can be told on such images."""

    def changes(self, move: Direction, place: int) -> list[Tensor]:
        """Share of images in which each attribute changed, `(A,)`, for each strength.

        Each image moves across the boundary of attribute `place`.
        """
        signs = torch.where(self.before[:, place], -1.0, 1.0)
        moved = [move.apply(self.codes, signs * s, self.pipeline.config) for s in STRENGTHS]
        found = [attributes_of(self.pipeline, codes, self.classifiers) for codes in moved]
        return [(after != self.before).double().mean(dim=0) for after in found]

    def table(self, moves: Mapping[str, Direction]) -> str:
        """A line for each attribute: how often it changed, and how often the others did."""
        names = self.classifiers.attributes
        heads = " | ".join(f"{strength:g}" for strength in STRENGTHS)
        lines = [
            f"| along | strength {heads} | others at | changed, mean | most changed other |",
            f"|---|{'---|' * len(STRENGTHS)}---|---|---|",
        ]
        for place in self.places:
            shares = self.changes(moves[names[place]], place)
            wanted = [float(share[place]) for share in shares]
            enough = [i for i, share in enumerate(wanted) if share >= ENOUGH]
            at = enough[0] if enough else len(STRENGTHS) - 1
            others = {names[i]: float(shares[at][i]) for i in self.places if i != place}
            worst = max(others, key=lambda name: others[name])
            cells = [names[place], *(f"{share:.0%}" for share in wanted), f"{STRENGTHS[at]:g}"]
            cells += [f"{statistics.mean(others.values()):.0%}", f"{worst}, {others[worst]:.0%}"]
            lines.append(f"| {' | '.join(cells)} |")
        return "\n".join(lines)


def write_page(options: argparse.Namespace) -> None:
    """Find, move, and write the page with a grid of one image."""
    generator = load(options.model)
    classifiers = open_classifiers(options.classifiers, choose_device("auto"))
    names = classifiers.attributes
    ws, logits = classify_seeds(SamplingPipeline(generator), classifiers, DEFAULT_SAMPLES)
    pipeline = SamplingPipeline(generator, SamplingSettings(psi=options.psi))
    plain = {
        name: boundary_direction(pipeline, torch.from_numpy(normal), name=name)
        for name, normal in attribute_boundaries(ws, logits, names).items()
    }
    kept = {
        name: orthogonalize(move, [o for o in plain.values() if o is not move], pipeline.w_samples)
        for name, move in plain.items()
    }
    codes = pipeline.codes(range(DEFAULT_SAMPLES, DEFAULT_SAMPLES + options.count))
    before = attributes_of(pipeline, codes, classifiers)
    places = [i for i, fact in enumerate(classifiers.facts) if fact.accuracy >= READABLE]
    stage = Stage(pipeline, codes, classifiers, before, places)
    options.out.mkdir(parents=True, exist_ok=True)
    shown = [kept[names[place]] for place in places]
    write_editing_grid(
        pipeline, [options.seed], shown, [-4, -2, 0, 2, 4], options.out / "sheet.png"
    )
    text = PAGE.format(
        command=f"python benchmarks/boundaries.py --model {options.model} "
        f"--classifiers {options.classifiers} --out {options.out}",
        samples=DEFAULT_SAMPLES,
        count=options.count,
        psi=options.psi,
        readable=READABLE,
        enough=ENOUGH,
        facts=", ".join(f"{fact.attribute} {fact.accuracy:.1%}" for fact in classifiers.facts),
        plain=stage.table(plain),
        kept=stage.table(kept),
        seed=options.seed,
        names=", ".join(names[place] for place in places),
    )
    files.write_text(options.out / "README.md", text)


PAGE = """# Moving across boundaries

`{command}`

The boundary of an attribute is the hyperplane that linear separability (StyleGAN, section 4.2)
fits in W: here to the clearest half of {samples:,} images. {count} other images, drawn with psi
{psi:g} (the default of `edit`), were then moved across the boundary, by 1 to 5 standard
deviations of w, and the classifiers said what had changed.

On real images that they had not seen, the classifiers are right so often: {facts}.
Attributes below {readable:.0%} can hardly be seen at this size; what these classifiers say of them
decides nothing here.

`others` are the attributes but the wanted one, at the first strength that changes at least
{enough:.0%} of the images, or else at the last: the share in which each changed, their
mean, and the one that changed most often. Some must change: under a hat, hair has no color and
no length.

## Each by itself

`stylesmith edit MODEL --find boundary --classifiers FOLDER --out attributes/`

{plain}

## With the others kept

The shortest way, in standard deviations of w, that changes no reading of the other boundaries
(conditional manipulation):
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
    parser.add_argument("--count", type=int, default=300, help="images that are moved")
    parser.add_argument("--psi", type=float, default=0.7, help="truncation of these images")
    parser.add_argument("--seed", type=int, default=1, help="of the grid")
    write_page(parser.parse_args())


if __name__ == "__main__":
    main()
