"""Keras 3's names, order, positions and defaults of arguments, against Keras itself."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import mundur as md
import pytest

from keras_differences import SIGNATURES, Signature
from keras_shared import Fault, Pair, faults, shared

keras = pytest.importorskip("keras", reason="install the extra 'keras'")
pytestmark = pytest.mark.keras

PAIRS = shared(keras)


def allows(entry: Signature, fault: Fault) -> bool:
    return (
        entry.kind == fault.kind
        and fnmatchcase(fault.where, entry.where)
        and fnmatchcase(fault.argument, entry.argument)
    )


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_signatures(pair: Pair) -> None:
    unexpected = [f for f in faults(pair) if not any(allows(entry, f) for entry in SIGNATURES)]
    assert not unexpected, "\n".join(f"{f.where}({f.argument}): {f.text}" for f in unexpected)


@pytest.mark.parametrize("entry", SIGNATURES, ids=lambda e: f"{e.where}-{e.argument}-{e.kind}")
def test_every_listed_difference_is_one(entry: Signature) -> None:
    assert any(allows(entry, fault) for pair in PAIRS for fault in faults(pair))


def test_the_walk_reaches_every_module() -> None:
    names = {pair.name for pair in PAIRS}
    assert {
        "Sequential",
        "layers.Dense",
        "losses.MeanSquaredError",
        "metrics.BinaryAccuracy",
        "optimizers.Adam",
        "callbacks.EarlyStopping",
        "initializers.HeNormal",
        "utils.to_categorical",
        "models.load_model",
    } <= names


def test_other_names_mean_the_same() -> None:
    others = {
        name: theirs.__name__
        for name, theirs in vars(keras.layers).items()
        if isinstance(theirs, type) and name != theirs.__name__ in md.layers.__all__
    }
    assert {"MaxPool1D", "GlobalAvgPool1D"} <= set(others)
    for name, whole in others.items():
        assert getattr(md.layers, name) is getattr(md.layers, whole)


def test_the_comparison_sees_each_kind_of_difference() -> None:
    def theirs(a: Any, b: int = 1, c: int = 2, d: int = 0, e: int = 5) -> None: ...
    def ours(b: Any, a: Any, extra: Any, c: int = 3, *, d: int = 0) -> None: ...

    found = faults(Pair("f", ours, theirs))
    assert {(f.argument, f.kind) for f in found} == {
        ("b", "default"),
        ("b", "order"),
        ("a", "order"),
        ("extra", "extra"),
        ("c", "default"),
        ("c", "order"),
        ("d", "keyword"),
        ("e", "lacks"),
    }
    assert not faults(Pair("f", theirs, theirs))
