"""The textbook as a text: what it imports, what its examples say, what its check can see."""

import ast
import doctest
import importlib
import subprocess
import sys
from pathlib import Path

import pytest
from mundur.reference import __file__ as reference_file
from mundur.reference import __main__, check, lists

FOLDER = Path(reference_file).parent
FILES = sorted(FOLDER.glob("**/*.py"))
MODULES = [
    ".".join(file.relative_to(FOLDER.parent).with_suffix("").parts).removesuffix(".__init__")
    for file in FILES
]
WITHOUT_EXAMPLES = {
    f"reference.{name}"
    for name in (
        *("__main__", "layers", "layers.base", "layers.container", "losses", "metrics"),
        "optimizers",
    )
}
PLAIN = {
    *("collections", "copy", "dataclasses", "fnmatch", "itertools", "math", "operator", "random"),
    *("types", "typing", "importlib", "pathlib"),
}
# What both halves of the package share, so that both refuse with the same sentences.
SHARED = {
    "_support.checks": {"__future__", "numbers", "os"},
    "_support.lengths": {"__future__"},
    "_support.names": {"__future__", "difflib", "functools", "inspect", "re", "weakref"},
}


def forbidden_imports(source, depth=1, plain=PLAIN):
    """Imports that are neither plain nor shared nor the textbook's, `depth` levels below it."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [a.name for a in node.names if a.name.split(".")[0] not in plain]
        if isinstance(node, ast.ImportFrom):
            is_plain = node.level == 0 and node.module.split(".")[0] in plain
            named = node.module if depth else f"_support.{node.module}"  # what is shared may share
            is_shared = node.level == depth + 1 and named in SHARED
            inside = is_plain or is_shared or 0 < node.level <= depth
            found += [] if inside else ["." * node.level + (node.module or "")]
    return found


def test_nothing_is_imported_but_the_textbook_and_plain_python():
    for file in FILES:
        depth = len(file.relative_to(FOLDER).parts)
        assert forbidden_imports(file.read_text("utf-8"), depth) == [], file


@pytest.mark.parametrize("module", SHARED)
def test_what_it_shares_imports_plain_python_only(module):
    source = FOLDER.parent.joinpath(*module.split(".")).with_suffix(".py").read_text("utf-8")
    assert forbidden_imports(source, 0, PLAIN | SHARED[module]) == []


@pytest.mark.parametrize(
    "line",
    [
        "import numpy as np",
        "from numpy import dot",
        "from .. import _core",
        "from .._support.config import defaults",
        "from .._core import x",
        "import mundur",
        "def f():\n    import mundur._core",
    ],
)
def test_that_test_can_fail(line):
    assert forbidden_imports(line)


def test_it_runs_where_there_is_nothing_else():
    """In an interpreter without site-packages."""
    code = (
        "import sys, types; p = types.ModuleType('mundur'); "
        f"p.__path__ = [{str(FOLDER.parent)!r}]; sys.modules['mundur'] = p; "
        "from mundur.reference.worked_example import worked_example as w; "
        "assert abs(w().error_after - .2910277736935993) < 1e-12; "
        "print('numpy' in sys.modules, 'mundur._core' in sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    assert run.stdout.split() == ["False", "False"]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name):
    results = doctest.testmod(importlib.import_module(f"mundur.{name}"))
    assert results.failed == 0
    assert (results.attempted > 0) != (name in WITHOUT_EXAMPLES)


def test_the_course_names_every_module_once():
    printed = list(__main__.lines())
    names = [line.split()[0] for line in printed[1:] if line.startswith("    ")]
    assert sorted(f"reference.{name}" for name in names) == sorted(
        name for name in MODULES if name not in ("reference", "reference.__main__")
    )
    assert names[: len(__main__.COURSE)] == list(__main__.COURSE)
    assert all(len(line.split()) > 2 for line in printed if line.startswith("    "))


class TestCheck:
    def test_a_polynomial(self):
        x = [[1.0, -2.0], [0.5, 3.0]]
        slopes = check.numerical_gradient(lambda: sum(v**3 for row in x for v in row), x)
        exact = [[3 * v**2 for v in row] for row in x]
        assert check.difference(slopes, exact) < 1e-9

    def test_x_is_put_back(self):
        x = [0.1, 0.2, 0.3]
        check.numerical_gradient(lambda: sum(x), x)
        assert x == [0.1, 0.2, 0.3]

    def test_difference(self):
        assert check.difference([[1.0, 2.0]], [[1.0, 2.0]]) == 0
        assert check.difference([0.0], [0.0]) == 0
        assert check.difference([0.0, 10.0], [1.0, 10.0]) == 0.1
        with pytest.raises(ValueError, match="zip"):
            check.difference([1.0], [1.0, 2.0])


class TestLists:
    @pytest.mark.parametrize(
        ("x", "shape"),
        [(1.0, ()), ([], (0,)), ([1, 2], (2,)), ([[1], [2]], (2, 1)), ([[[]]], (1, 1, 0))],
    )
    def test_shape(self, x, shape):
        assert lists.shape(x) == shape

    @pytest.mark.parametrize("x", [[1, [2]], [[1], 2], [[1], [2, 3]], [[[1]], [[1, 2]]]])
    def test_ragged(self, x):
        with pytest.raises(ValueError, match="lists beside each other must have one shape"):
            lists.shape(x)

    @pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 1, 3), (2, 2, 2, 2)])
    def test_nest_undoes_flatten(self, shape):
        x = lists.nest(map(float, range(24)), shape)
        assert lists.shape(x) == shape
        assert lists.nest(lists.flatten(x), shape) == x
        assert lists.shape(lists.zeros(shape)) == shape

    def test_map_elements(self):
        assert lists.map_elements(lambda a, b: a + b, [[1, 2], [3, 4]], [[10, 20], [30, 40]]) == [
            [11, 22],
            [33, 44],
        ]
