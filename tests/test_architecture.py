"""The house rules of docs/design.md: layers import only downward, starred neighbors not at all."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import stylesmith

ROOT = Path(stylesmith.__file__).parent

LAYERS = [
    "callbacks config ops images latents files charts devices distributed errors tensor_file",
    "networks augment data",
    "presets",
    "sampling models perception",
    "metrics inversion training",
    "figures runs",
    "cli explorer",
]
LEVEL = {room: level for level, rooms in enumerate(LAYERS) for room in rooms.split()}
STARRED = {1, 3, 4}
DOORS = {"__init__", "__main__"}
"""The package's own front doors, which open every room."""

CORE = {"torch", "numpy", "PIL", "pydantic", "safetensors", "stylesmith"}
"""What layer 0 may stand on, beside the standard library."""

FILES = sorted(ROOT.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported_names(tree: ast.AST) -> Iterator[str]:
    """Dotted names of all imports, wherever they stand: `from a import b` gives `a.b`.

    After `import stylesmith`, what counts is what is taken from it.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name != "stylesmith")
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id == "stylesmith":
                yield f"stylesmith.{node.attr}"
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative import; write stylesmith. first"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def violations(room: str, source: str) -> list[str]:
    """Imports of one file that the house rules forbid."""
    found = []
    for name in imported_names(ast.parse(source)):
        package, _, rest = name.partition(".")
        target = rest.partition(".")[0]
        if package != "stylesmith" or target in {room, "__version__"}:
            continue
        if target not in LEVEL:
            found.append(f"{name}: a room opens no front door")
        elif LEVEL[target] > LEVEL[room]:
            found.append(f"{name}: {target} lies above {room}")
        elif LEVEL[target] == LEVEL[room] and LEVEL[room] in STARRED:
            found.append(f"{name}: {target} is a neighbor of {room}")
    return found


def test_every_file_lies_in_a_room_with_a_layer():
    assert len(FILES) > 20
    assert {room_of(path) for path in FILES} - DOORS <= set(LEVEL)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_downward(path):
    if (room := room_of(path)) not in DOORS:
        assert violations(room, path.read_text()) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_ground_floor_stands_on_the_core_libraries(path):
    if LEVEL.get(room_of(path)) == 0:
        tree = ast.parse(path.read_text())
        used = {name.partition(".")[0] for name in imported_names(tree)}
        assert used <= CORE | set(sys.stdlib_module_names)


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("ops", "from stylesmith.networks import Generator"),
        ("networks", "from stylesmith.data.labels import x"),
        ("training", "import stylesmith.metrics.scores"),
        ("models", "from stylesmith import sampling"),
        ("data", "from stylesmith import load"),
        ("data", "import stylesmith\nstylesmith.load('x')"),
        ("files", "def f():\n    from stylesmith.cli import main"),
    ],
)
def test_the_check_sees_forbidden_imports(room, source):
    assert len(violations(room, source)) == 1


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("training", "from stylesmith.networks.layers import x"),
        ("config", "from stylesmith import devices"),
        ("data", "import torch\nfrom stylesmith.data import labels"),
        ("runs", "from stylesmith.figures import x"),
        ("cli", "from stylesmith import __version__"),
        ("runs", "import stylesmith\nprint(stylesmith.__version__)"),
    ],
)
def test_the_check_lets_allowed_imports_pass(room, source):
    assert violations(room, source) == []


def test_importing_the_package_is_cheap():
    """`stylesmith --help` and tools that only ask for the version must not wait for torch."""
    program = "import sys, stylesmith; stylesmith.__version__; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_the_front_door_opens_every_name_it_lists():
    for name in stylesmith.__all__:
        assert getattr(stylesmith, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        stylesmith.lode  # noqa: B018
