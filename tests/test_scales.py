"""Features whose columns are a thousandfold apart in scale: a warning, and no false alarm."""

from __future__ import annotations

import copy
from typing import Any

import mundur as md
import numpy as np
import pytest


def table(**columns: Any) -> dict[str, Any]:
    """Standardised columns "a" and "b", and others."""
    rng = np.random.default_rng(0)
    n = len(next(iter(columns.values()))) if columns else 100
    return {"a": rng.normal(size=n), "b": rng.normal(size=n), **columns}


def fitted(x: Any, *before: md.Layer) -> None:
    model = md.Model([*before, md.layers.Dense(2), md.layers.Dense(1)], seed=0)
    model.compile("adam", "mse")
    model.fit(
        x,
        np.zeros(len(x)),
        verbose=0,
        callbacks=[md.callbacks.TerminateOnNaN()],
        allow_nonfinite=True,
    )


INCOMES = np.random.default_rng(1).lognormal(10, 1, 100)


@pytest.mark.parametrize("before", [(), (md.layers.Flatten(), md.layers.Dropout(0.1))])
def test_columns_a_thousandfold_apart_are_named(before: Any) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(table(income=INCOMES))
    words = r"column 'income' holds numbers about 3.9e\+04, column '[ab]' about .* Standardise"
    with pytest.warns(UserWarning, match=words) as caught:
        fitted(frame, *map(copy.deepcopy, before))
    assert [warning.filename for warning in caught] == [__file__]
    with pytest.warns(UserWarning, match="column 2 holds numbers about"):
        fitted(frame.to_numpy(np.float32))


@pytest.mark.parametrize(
    "columns",
    [
        {},
        {"count": np.arange(100.0)},
        {"rare": np.arange(100) == 7, "count": 50.0 * (np.arange(100) % 10 == 3)},
        {"tiny": 1e-6 * INCOMES / INCOMES.max()},
        {"noise": 1e-17 * INCOMES, "count": np.arange(100.0)},
        {"constant": np.full(100, 1e6)},
        {"hole": np.where(np.arange(100) == 3, np.nan, INCOMES)},
        {"income": INCOMES[:10]},
    ],
    ids=lambda columns: "-".join(columns) or "alike",
)
def test_other_columns_are_no_reason_to_warn(columns: Any) -> None:
    fitted(np.column_stack([*table(**columns).values()]))


@pytest.mark.parametrize(
    "first",
    [md.layers.BatchNormalization(), md.layers.LayerNormalization(), md.layers.Rescaling(1)],
)
def test_layers_that_scale_are_no_reason_to_warn(first: md.Layer) -> None:
    fitted(np.column_stack([*table(income=INCOMES).values()]), copy.deepcopy(first))


def test_whole_numbers_are_no_reason_to_warn() -> None:
    fitted(np.column_stack([*table(income=INCOMES).values()]).astype(np.int64))
