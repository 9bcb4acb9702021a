"""The import rules of docs/design.md: downward only, and not across on starred layers."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import stylesmith

ROOT = Path(stylesmith.__file__).parent

LAYERS = [
    "callbacks choices config ops images latents files file_kinds formatting charts devices"
    " distributed errors packages tensor_file",
    "networks augment data",
    "presets",
    "sampling models perception",
    "metrics inversion training",
    "figures runs",
    "cli explorer",
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names.split()}
STARRED = {1, 3, 4}
ENTRY_POINTS = {"__init__", "__main__"}
"""Modules of the package itself, which may import from everywhere."""

CORE = {"torch", "numpy", "PIL", "pydantic", "safetensors", "stylesmith"}
"""Libraries that layer 0 may import, beside the standard library."""

FILES = sorted(ROOT.rglob("*.py"))


def package_of(path: Path) -> str:
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


def violations(package: str, source: str) -> list[str]:
    """Imports of one file that the rules forbid."""
    found = []
    for name in imported_names(ast.parse(source)):
        root, _, rest = name.partition(".")
        target = rest.partition(".")[0]
        if root != "stylesmith" or target in {package, "__version__"}:
            continue
        if target not in LEVEL:
            found.append(f"{name}: import from the module that defines it")
        elif LEVEL[target] > LEVEL[package]:
            found.append(f"{name}: {target} lies above {package}")
        elif LEVEL[target] == LEVEL[package] and LEVEL[package] in STARRED:
            found.append(f"{name}: {target} is on the same layer as {package}")
    return found


def test_every_file_lies_in_a_package_with_a_layer():
    assert len(FILES) > 20
    assert {package_of(path) for path in FILES} - ENTRY_POINTS <= set(LEVEL)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_downward(path):
    if (package := package_of(path)) not in ENTRY_POINTS:
        assert violations(package, path.read_text()) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_layer_0_imports_core_libraries_alone(path):
    if LEVEL.get(package_of(path)) == 0:
        tree = ast.parse(path.read_text())
        used = {name.partition(".")[0] for name in imported_names(tree)}
        assert used <= CORE | set(sys.stdlib_module_names)


@pytest.mark.parametrize(
    ("package", "source"),
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
def test_the_check_sees_forbidden_imports(package, source):
    assert len(violations(package, source)) == 1


@pytest.mark.parametrize(
    ("package", "source"),
    [
        ("training", "from stylesmith.networks.layers import x"),
        ("config", "from stylesmith import devices"),
        ("data", "import torch\nfrom stylesmith.data import labels"),
        ("runs", "from stylesmith.figures import x"),
        ("cli", "from stylesmith import __version__"),
        ("runs", "import stylesmith\nprint(stylesmith.__version__)"),
    ],
)
def test_the_check_lets_allowed_imports_pass(package, source):
    assert violations(package, source) == []


def test_importing_the_package_is_cheap():
    """`stylesmith --help` and tools that only ask for the version must not wait for torch."""
    program = "import sys, stylesmith; stylesmith.__version__; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_the_package_offers_every_name_it_lists():
    for name in stylesmith.__all__:
        assert getattr(stylesmith, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        stylesmith.lode  # noqa: B018


def public_types(tree: ast.Module) -> Iterator[str]:
    """Names of public classes and type aliases that a module defines."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            name = node.name
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
        else:
            continue
        if name[0].isupper() and not name.isupper():
            yield name


def test_a_public_class_or_type_alias_has_one_home():
    homes: dict[str, list[str]] = {}
    for path in FILES:
        for name in public_types(ast.parse(path.read_text())):
            homes.setdefault(name, []).append(str(path.relative_to(ROOT)))
    assert len(homes) > 200
    assert {name: files for name, files in homes.items() if len(files) > 1} == {}


def test_file_names_are_unique_beside_those_of_commands():
    names = [path.name for path in FILES if path.parent.name != "cli"]
    repeated = {name for name in names if names.count(name) > 1}
    assert repeated <= {"__init__.py"}


def test_the_check_sees_two_homes_of_a_name():
    source = "Notify = 1\nclass Notify: ...\nMAX_SIZE = 3\n_private = 4"
    assert list(public_types(ast.parse(source))) == ["Notify", "Notify"]
