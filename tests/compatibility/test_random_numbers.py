"""Seeds draw what they drew: purposes are part of every key, and their strings never change."""

import ast

import pytest

from tests.compatibility import access, observe
from tests.compatibility.compare import changed, pinned

PINNED = pinned("random_numbers")


def test_every_purpose_gives_the_number_it_gave():
    found = observe.random_numbers(list(PINNED["first"]))
    assert changed(PINNED["first"], found["first"]) == []
    for name in ("keys", "uniform", "order"):
        assert found[name] == PINNED[name]
    assert found["normal"] == pytest.approx(PINNED["normal"], abs=1e-6)


def test_every_purpose_stands_in_the_source():
    texts = set()
    for path in access.SOURCE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        texts |= {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert [purpose for purpose in PINNED["literals"] if purpose not in texts] == []


def test_every_command_draws_by_the_keys_it_drew_by(used):
    assert changed(pinned("drawn"), used[1]) == []
