"""Where each thing in the papers is implemented: writes docs/paper-map.md, or checks it.

    python benchmarks/paper_map.py --write

Without `--write` it says what is dead, untrue, or not on the page. Either way what is wrong is one
line each, and the exit status 1.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from paper_map_records import ROOT, Entry, Paper, Place, locate
from paper_map_stylegan import STYLEGAN
from paper_map_stylegan2 import STYLEGAN2
from stylesmith import files
from stylesmith.errors import StylesmithError

PAGE = ROOT / "docs/paper-map.md"
SOURCE = ROOT / "src/stylesmith"
PAPERS = (STYLEGAN, STYLEGAN2)

HEAD = """# From the papers to the code

Every equation, section, figure, table and hyper-parameter of *A Style-Based Generator Architecture
for Generative Adversarial Networks* (StyleGAN) and *Analyzing and Improving the Image Quality of
StyleGAN* (StyleGAN2), and what implements it. A dash means that the paper only describes or derives
something there. Things that have no number are named by their section and symbol.

`python benchmarks/paper_map.py --write` makes this page; a test holds every name to the code, and
every value in a table of hyper-parameters to what the code computes with. Where we differ from the
papers: [differences.md](differences.md)."""


def page() -> str:
    """The whole page; targets that do not exist are left out (see `problems`)."""
    parts = [HEAD]
    for paper in PAPERS:
        parts.append(f"## {paper.title}")
        for title, entries in paper.groups.items():
            parts += [f"### {title}", table(entries)]
    return "\n\n".join(parts) + "\n"


def table(entries: Sequence[Entry]) -> str:
    """Markdown; with a column of values where any entry has some."""
    valued = any(entry.values for entry in entries)
    heads = ["", "in the paper", *(["value here"] if valued else []), "implemented by"]
    rows = [heads, ["---"] * len(heads)]
    for entry in entries:
        says = f"{entry.says}. {entry.note}" if entry.note else entry.says
        values = [stated(entry)] if valued else []
        rows.append([entry.name, says, *values, links(entry)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def stated(entry: Entry) -> str:
    """The values of an entry, a line for each."""
    return "<br>".join(f"{value.words} = {shown(value.wanted)}" for value in entry.values)


def shown(value: object) -> str:
    """A value as people write it."""
    match value:
        case bool() | None:
            return {True: "yes", False: "no", None: "none"}[value]
        case float():
            return f"{value:,.6g}" if abs(value) < 1e4 else f"{value:,.0f}"
        case int():
            return f"{value:,}" if abs(value) >= 1e4 else str(value)
        case dict():
            return ", ".join(f"{key}: {shown(item)}" for key, item in value.items())
        case list() | tuple():
            return ", ".join(map(shown, value)) or "none"
    return str(value)


def links(entry: Entry) -> str:
    """A link for each file, with the names in it; a dash where nothing is implemented."""
    places = []
    for target in entry.targets:
        try:
            places.append(locate(target))
        except LookupError:
            continue
    unique = list(dict.fromkeys(places))
    groups = [(path, list(group)) for path, group in groupby(unique, lambda place: place.path)]
    return "<br>".join(link(path, group) for path, group in groups) or "-"


def link(path: Path, places: Sequence[Place]) -> str:
    """One file and the names in it."""
    shown_path = path.relative_to(SOURCE if path.is_relative_to(SOURCE) else ROOT).as_posix()
    address = Path(os.path.relpath(path, PAGE.parent)).as_posix()
    names = ", ".join(f"`{place.name}`" for place in places if place.name)
    return f"[{shown_path}]({address}){f': {names}' if names else ''}"


def problems(papers: Sequence[Paper] = PAPERS) -> list[str]:
    """Targets that do not exist, and values that the code does not have."""
    return [
        f"{paper.title}, {entry.name}: {problem}"
        for paper in papers
        for entry in paper.entries
        for problem in _problems(entry)
    ]


def _problems(entry: Entry) -> Iterator[str]:
    for target in entry.targets:
        try:
            locate(target)
        except LookupError as error:
            yield error.args[0]
    for value in entry.values:
        try:
            if not value.holds:
                yield f"{value.words} is {value.read()!r}, stated is {value.wanted!r}"
        except (LookupError, AttributeError, StylesmithError) as error:
            yield f"{value.words} cannot be read: {error}"


def main() -> None:
    """Check the map; write the page or compare it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    arguments = parser.parse_args()
    found = problems()
    if arguments.write:
        files.write_text(PAGE, page())
    elif not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != page():
        found.append(f"{PAGE.relative_to(ROOT)}: is not what --write would write")
    for problem in found:
        print(problem, file=sys.stderr)
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
