"""Every public name is documented with an example, and every example runs."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil

import matplotlib
import mundur as md
import pytest

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(md.__path__, "mundur.")
    if ".examples" not in module.name and module.name != "mundur._core"
)
PUBLIC = [
    (module, name)
    for module in (
        md,
        md.activations,
        md.augment,
        md.layers,
        md.losses,
        md.optimizers,
        md.schedules,
        md.solvers,
        md.initializers,
        md.regularizers,
        md.constraints,
        md.callbacks,
        md.errors,
        md.metrics,
        md.plots,
        md.runtime,
        md.sklearn,
        md.text,
        md.utils,
    )
    for name in module.__all__
    if not name.startswith("__") and not inspect.ismodule(getattr(module, name))
]


@pytest.mark.parametrize("name", ["mundur", *MODULES])
def test_examples_run(name: str) -> None:
    matplotlib.use("Agg")
    # Classes of the examples are those of a user, not of the package.
    result = doctest.testmod(importlib.import_module(name), extraglobs={"__name__": "__main__"})
    assert result.failed == 0


def test_public_names_have_an_example() -> None:
    for module, name in PUBLIC:
        text = inspect.getdoc(getattr(module, name)) or ""
        assert text.split("\n")[0].endswith((".", "]")), name
        assert ">>> " in text, name


@pytest.mark.parametrize(
    "name",
    [
        "fit",
        "evaluate",
        "predict",
        "compile",
        "forward",
        "backward",
        "save",
        "summary",
        "build",
        "freeze",
        "find_learning_rate",
        "explain",
        "check_gradients",
        "verify",
        "per_sample_gradients",
    ],
)
def test_methods_have_an_example(name: str) -> None:
    assert ">>> " in (inspect.getdoc(getattr(md.Model, name)) or "")
