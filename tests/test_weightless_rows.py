"""A sample of weight zero that holds NaN is not there, whoever of the team computes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import mundur as md
import numpy as np
import pytest
from mundur import _core

L = md.layers


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    yield
    _core.set_num_threads(0)


def run(layers: list[Any], threads: int, holds: float, rows: slice, **options: Any) -> list[Any]:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(40, 6))
    y = rng.integers(0, 3, size=40)
    weights = np.ones(40)
    weights[::5] = 0.0
    x[rows] = np.where(weights[rows, None] == 0, holds, x[rows])
    _core.set_num_threads(threads)
    model = md.Model(layers, input_shape=(6,), seed=4)
    loss = md.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    history = model.fit(
        x,
        y,
        20,
        2,
        verbose=0,
        sample_weight=weights,
        shuffle=False,
        allow_nonfinite=True,
        **options,
    )
    logs = model.evaluate(x, y, 20, sample_weight=weights, allow_nonfinite=True, verbose=0)
    numbers = [*model.get_weights(), np.array(list(history.history.values())), np.array(logs)]
    assert all(np.isfinite(number).all() for number in numbers)
    return [number.tobytes() for number in numbers]


LAYERS = {
    "batch_normalization": lambda: [L.Dense(8), L.BatchNormalization(), L.Dense(3)],
    "activity": lambda: [L.Dense(8, activity_regularizer="l2"), L.Dense(3)],
    "metrics": lambda: [L.Dense(3)],
}


@pytest.mark.parametrize("holds", [np.nan, np.inf])
@pytest.mark.parametrize("network", LAYERS)
def test_the_same_bits_for_any_team(network: str, holds: float) -> None:
    """Rows that are not finite in one worker's share alone, or in all."""
    for rows in (slice(0, 10), slice(None)):
        found = {tuple(run(LAYERS[network](), threads, holds, rows)) for threads in (1, 2, 3, 5, 8)}
        assert len(found) == 1


def test_finite_rows_beside_it_count_as_ever() -> None:
    """BatchNormalization's moments take rows of weight zero in, if these are finite."""
    layers = LAYERS["batch_normalization"]
    plain = run(layers(), 2, 0.0, slice(0, 1))  # zeros, as which a row of NaN counts
    assert run(layers(), 2, np.nan, slice(0, 1)) == plain
    assert run(layers(), 1, np.nan, slice(0, 1)) == plain
