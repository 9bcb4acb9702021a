"""Files keep their keys, headers, tensor names and places; new keys may join them."""

import pytest

from tests.compatibility import observe
from tests.compatibility.compare import exact, lost, pinned

FORMATS = pinned("formats")


@pytest.fixture(scope="module")
def found(used):
    return observe.formats(used[0])


@pytest.mark.parametrize("name", FORMATS)
def test_nothing_is_gone(found, name):
    assert lost({name: FORMATS[name]}, found) == []


def test_commands_give_what_they_gave(used):
    was = exact("results")
    if was is None:
        pytest.skip("was pinned on another kind of machine")
    assert lost(was, observe.results(used[0])) == []
