"""Which part of the package knows which: imports run one way, in functions and for types too."""

from __future__ import annotations

import ast
import itertools
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import mundur as md
import pytest
from mundur.reference.__main__ import COURSE

PACKAGE = Path(md.__file__).parent

# What each package, or module at the top, may import, beside `_core` and `_support`.
ALLOWED = {
    "_support": "",
    "errors": "",
    "runtime": "",
    "data": "",
    "utils": "data",
    "backend": "",
    "preprocessing": "data utils",
    "augment": "",
    "custom_activation": "data",
    "activations": "custom_activation data",
    "regularizers": "data",
    "constraints": "data",
    "initializers": "",
    "schedules": "",
    "layers": "activations constraints data initializers regularizers",
    "losses": "data",
    "metrics": "data losses",
    "optimizers": "schedules",
    "callbacks": "data",
    "training": "augment callbacks data errors losses metrics optimizers",
    "models": "callbacks data initializers layers losses metrics optimizers training",
    "saving": (
        "activations constraints data initializers layers losses metrics models optimizers "
        "regularizers schedules training"
    ),
    "inspection": (
        "activations constraints data layers losses models optimizers reference regularizers"
    ),
    "solvers": "callbacks models",
    "model_selection": "callbacks data errors models training",
    "plots": "callbacks data inspection models",
    "text": "activations callbacks layers losses models optimizers saving utils",
    "sklearn": "activations callbacks data layers losses models optimizers text training utils",
    "reference": "",
}
# Programs and the front, which may import whatever they show.
PROGRAMS = ("", "__main__", "examples", "playground", "selftest")

# Imports that run back up, each within a function or for types, and why.
ON_USE = "json, safetensors and what few calls need cost `import mundur` nothing"
WHOLE = "for a type: what a callback's author gets is the whole Model"
UPWARDS = {
    ("models", "saving"): ON_USE,
    ("models", "inspection"): ON_USE,
    ("training", "saving"): ON_USE,
    ("callbacks", "models"): WHOLE,
    ("layers", "models"): "layer(array) is what a model of the layer alone predicts",
}


def module_of(path: Path) -> str:
    """layers.base, or layers for its __init__; the package itself is the empty name."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imported(module: str) -> Iterator[tuple[str, bool]]:
    """The modules of the package that one imports, and whether as soon as it is imported."""
    path = MODULES[module]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    at_once = {id(node) for node in tree.body}
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    package = [part for part in package if part]
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom):
            continue
        base = (node.module or "").split(".")
        if node.level:
            base = package[: len(package) - node.level + 1] + [part for part in base if part]
        elif base.pop(0) != "mundur":
            continue
        for alias in node.names:
            inner = ".".join([*base, alias.name])
            found = inner if inner in MODULES or inner == "_core" else ".".join(base)
            yield found, id(node) in at_once


ALL_MODULES = {f"mundur.{module}" for module in MODULES}


def top(module: str) -> str:
    return module.partition(".")[0]


@cache
def edges() -> set[tuple[str, str, bool]]:
    return {
        (module, other, at_once)
        for module in MODULES
        if top(module) not in PROGRAMS
        for other, at_once in imported(module)
        if other != "_core" and other != module
    }


def test_the_table_names_every_package() -> None:
    assert {top(module) for module in MODULES} == {*ALLOWED, *PROGRAMS}


def test_the_table_has_no_rings() -> None:
    TopologicalSorter({name: others.split() for name, others in ALLOWED.items()}).prepare()


def test_packages_import_what_the_table_allows() -> None:
    allowed = {(name, other) for name, others in ALLOWED.items() for other in others.split()}
    between = {
        (top(module), top(other)) for module, other, _ in edges() if top(module) != top(other)
    }
    found = {edge for edge in between if edge[1] != "_support"}
    assert found == allowed | set(UPWARDS)


def test_what_runs_back_up_is_not_imported_at_once() -> None:
    assert not [edge for edge in edges() if (top(edge[0]), top(edge[1])) in UPWARDS and edge[2]]


@pytest.mark.parametrize("package", sorted(ALLOWED))
def test_within_a_package_there_are_no_rings(package: str) -> None:
    graph: dict[str, set[str]] = {}
    for module, other, _ in edges():
        if top(module) == top(other) == package:
            graph.setdefault(module, set()).add(other)
    TopologicalSorter(graph).prepare()


def test_the_textbook_is_an_island() -> None:
    """What it shares with the native half knows no NumPy: tests/reference looks into that."""
    found = {other for module, other, _ in edges() if top(module) == "reference" != top(other)}
    assert found == {"_support.checks", "_support.names"}


@pytest.mark.parametrize("module", [name for name in MODULES if top(name) == "reference"])
def test_the_textbook_imports_at_the_head_of_a_file(module: str) -> None:
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert tree.body[1 : len(imports) + 1] == imports  # behind the docstring


def test_the_course_of_the_textbook_looks_back_only() -> None:
    place = {f"reference.{name}": at for at, name in enumerate(COURSE)}
    ahead = [
        (module, other)
        for module, other, _ in edges()
        if module in place and place.get(other, -1) > place[module]
    ]
    assert len(place) == 10 and not ahead


def test_the_top_is_short() -> None:
    names = [path.name for path in PACKAGE.iterdir() if path.is_file()]
    assert len([name for name in names if not name.endswith((".so", ".pyd"))]) <= 20


# What tests may take without a word: public modules, the textbook, and programs, which show all.
SHOWN = tuple(f"mundur.{name}" for name in ("reference", *PROGRAMS[2:]))
OPEN = {
    "mundur",
    *SHOWN,
    *(f"mundur.{name}" for name in (*md.__all__, "preprocessing.sequence", "sklearn")),
}


def test_tests_import_public_names_or_say_why_not() -> None:
    silent = []
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ImportFrom) or node.level:
                continue
            name = node.module or ""
            inner = [one.name for one in node.names if f"{name}.{one.name}" in ALL_MODULES - OPEN]
            is_open = (name in OPEN and not inner) or name.startswith(SHOWN)
            line = path.read_text(encoding="utf-8").splitlines()[node.lineno - 1]
            if name.startswith("mundur") and not is_open and "#" not in line:
                silent.append(f"{path.name}:{node.lineno}: {line.strip()}")
    assert not silent


def test_the_tree_is_described_whole() -> None:
    """What stands at the top of the package stands in CONTRIBUTING's tree, and nothing else."""
    root = Path(__file__).resolve().parents[1]
    page = (root / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
    tree = page.partition("python/mundur/ ")[2].partition("\npython/docs/ ")[0]
    lines = [line.split() for line in tree.splitlines() if re.match(r"  \S", line)]
    is_entry = re.compile(r".*(/|\.pyi?)").fullmatch
    described = {word.strip("/") for line in lines for word in itertools.takewhile(is_entry, line)}
    there = {path.name for path in (root / "python" / "mundur").iterdir()}
    assert described == {n for n in there if not re.match(r"__|.*\.(so|pyd|typed)$", n)}


def test_how_many_modules_an_import_loads() -> None:
    code = "import sys, mundur; print(sum(name.startswith('mundur') for name in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=100
    )
    assert int(done.stdout) <= 100
