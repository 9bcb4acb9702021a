"""Commands, options, defaults and choices stay; new ones may join them."""

from tests.compatibility import access, observe
from tests.compatibility.compare import lost, pinned

PINNED = pinned("commands")


def test_no_command_option_default_or_choice_is_gone():
    assert lost(PINNED, observe.command_tree(access.commands())) == []


def test_figures_keep_their_names(tmp_path):
    listing = access.run_command("figure", "--list", cache=tmp_path).split()
    assert [name for name in pinned("figures") if name not in listing] == []
