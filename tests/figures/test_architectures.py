"""docs/architectures.md, which stands for the figures that no model draws."""

import ast
import re
from pathlib import Path

from stylesmith.figures import FIGURES

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "architectures.md").read_text()


def names_in(path: Path) -> set[str]:
    """Classes and functions of a file, methods included."""
    kinds = (ast.ClassDef, ast.FunctionDef)
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, kinds)}


def test_every_box_leads_to_code_that_is_there():
    links = re.findall(r"\[`(\w+)`\]\((.*?)\)", PAGE)
    assert len(links) > 30
    for name, target in links:
        assert name in names_in(DOCS / target), (name, target)


def test_the_page_holds_every_figure_that_is_drawn_by_hand():
    by_hand = [figure.id for figure in FIGURES if figure.draw is None]
    headings = re.findall(r"^## (\w+), Figure (\d+):", PAGE, re.M)
    assert [f"{paper.lower()}-{number}" for paper, number in headings] == by_hand
    assert len(by_hand) == 3
