"""Circle loss: against the textbook, by its laws, in fit."""

from __future__ import annotations

from typing import Any

import mundur as md
import numpy as np
import numpy.typing as npt
import pytest
from mundur import reference

Array = npt.NDArray[Any]
L = md.layers


def embeddings(n: int, rng: np.random.Generator, classes: int = 3) -> tuple[Array, Array]:
    p = rng.normal(size=(n, 5))
    p /= np.linalg.norm(p, axis=1, keepdims=True)
    return p, rng.integers(0, classes, size=n)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"gamma": 4.0, "margin": 0.25},
        {"gamma": 2.0, "margin": 0.0, "remove_diagonal": False},
        {"gamma": 3.0, "margin": 1.5},
    ],
    ids=repr,
)
def test_the_textbook_says_the_same(
    arguments: dict[str, Any], weighted: bool, rng: np.random.Generator
) -> None:
    ours, twin = md.losses.Circle(**arguments), reference.losses.Circle(**arguments)
    p, y = embeddings(11, rng)
    p[3] *= 1.5  # of another length: some distances are 0
    y[7] = 9  # alone in its class
    w = rng.uniform(size=11) if weighted else None
    given = (y.tolist(), p.tolist(), None if w is None else w.tolist())
    assert ours(y, p, w) == pytest.approx(twin(*given), rel=1e-12)
    gradient = np.asarray(twin.gradient(*given))
    np.testing.assert_allclose(
        ours.gradient(y, p, w), gradient, rtol=1e-11, atol=1e-12 * np.abs(gradient).max()
    )


def test_the_textbooks_gradient_is_the_slope(rng: np.random.Generator) -> None:
    p, y = embeddings(6, rng, 2)
    loss = reference.losses.Circle(gamma=3.0)
    rows, labels, h = p.tolist(), y.tolist(), 1e-6
    gradient = loss.gradient(labels, rows)
    for i in range(6):
        for k in range(5):
            sides = []
            for step in (h, -h):
                moved = [list(row) for row in rows]
                moved[i][k] += step
                sides.append(loss(labels, moved))
            assert gradient[i][k] == pytest.approx((sides[0] - sides[1]) / (2 * h), abs=1e-7)


def test_reductions_and_the_function(rng: np.random.Generator) -> None:
    p, y = embeddings(9, rng)
    y[0] = 9
    each = md.losses.circle(y, p, gamma=5)
    none = md.losses.Circle(5, reduction=None)
    np.testing.assert_array_equal(none(y[:, None], p), each)
    assert each[0] == 0 and (each[1:] > 0).all()
    assert md.losses.Circle(5, reduction="sum")(y, p) == pytest.approx(each.sum())
    assert md.losses.Circle(5)(y, p) == pytest.approx(each[1:].mean())
    np.testing.assert_allclose(
        none.gradient(y, p), md.losses.Circle(5).gradient(y, p) * 8, rtol=1e-12
    )
    again = md.losses.circle(y, p, y, p, remove_diagonal=True, gamma=5)
    np.testing.assert_array_equal(again, each)
    beside = md.losses.circle(y, p, y[:4], p[:4], False, 5)
    assert beside.shape == (9,)


def test_samples_without_pairs_cost_nothing() -> None:
    p = np.eye(3, 4)
    for y in ([0, 1, 2], [1, 1, 1]):
        assert md.losses.Circle()(y, p) == 0
        assert not md.losses.Circle().gradient(y, p).any()
    weighted = md.losses.Circle()([0, 0, 1], p, [0.0, 0.0, 1.0])
    assert weighted == 0


def test_it_brings_classes_together(rng: np.random.Generator) -> None:
    y = rng.integers(0, 3, size=192)
    x = rng.normal(size=(192, 6)) + 1.5 * np.eye(3, 6)[y]
    model = md.Model([L.Dense(16, "relu"), L.Dense(4), L.UnitNormalization()], seed=0)
    model.compile(md.optimizers.Adam(0.01), "circle")
    history = model.fit(x, y, batch_size=64, epochs=15, verbose=0).history["loss"]
    assert history[-1] < 0.6 * history[0]
    found = model.predict(x, verbose=0)
    assert model.evaluate(x, y, batch_size=192, verbose=0) == pytest.approx(
        md.losses.Circle()(y, found), rel=1e-5
    )


@pytest.mark.parametrize(
    ("y", "p", "words"),
    [
        ([[1, 0], [0, 1]], np.eye(2), "one integer label per sample"),
        ([0, 1.5], np.eye(2), "whole class numbers"),
        ([0, 1], np.ones((2, 2, 2)), "of shape"),
        ([0, 1, 2], np.eye(2), "one integer label per sample"),
    ],
)
def test_what_is_no_label_is_named(y: Any, p: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        md.losses.Circle()(y, p)
