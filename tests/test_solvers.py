"""L-BFGS: minima that are known, frozen parameters, weights, and what it refuses."""

from __future__ import annotations

import sys
from typing import Any

import mundur as md
import numpy as np
import pytest

pytest.importorskip("scipy")
lbfgs = md.solvers.lbfgs


def test_a_linear_model_finds_the_least_squares() -> None:
    rng = np.random.default_rng(0)
    x, y, weights = rng.normal(size=(40, 3)), rng.normal(size=40), rng.uniform(0.5, 2, 40)
    model = md.Model([md.layers.Dense(1)], seed=0, dtype="float64")
    model.compile(loss="mse")
    history = lbfgs(model, x, y, weights, tolerance=1e-10)
    root = np.sqrt(weights)[:, None]
    expected, *_ = np.linalg.lstsq(root * np.c_[x, np.ones(40)], root[:, 0] * y, rcond=None)
    found = np.concatenate([w.ravel() for w in model.get_weights()])
    np.testing.assert_allclose(found, expected, rtol=1e-7)
    assert history.stop_reason == "converged"
    losses = history.history["loss"]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] == pytest.approx(model.evaluate(x, y, sample_weight=weights, verbose=0))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_network_beats_many_steps_of_fit(dtype: str) -> None:
    x = np.linspace(-1, 1, 100).reshape(-1, 1)
    y = np.sin(5 * x)

    def build() -> md.Model:
        model = md.Model([md.layers.Dense(12, "tanh"), md.layers.Dense(1)], seed=3, dtype=dtype)
        model.compile("adam", "mse")
        return model

    solved, fitted = build(), build()
    history = lbfgs(solved, x, y, max_iterations=80)
    fitted.fit(x, y, batch_size="full", epochs=80, verbose=0)
    assert solved.evaluate(x, y, verbose=0) < 0.1 * fitted.evaluate(x, y, verbose=0)
    assert history.stop_reason in ("iterations", "converged", "precision")
    assert len(history.history["loss"]) <= 80


def test_labels_and_probabilities() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(60, 4))
    y = (x[:, 0] + 0.3 * rng.normal(size=60) > 0).astype(int)
    model = md.Model([md.layers.Dense(2, "softmax")], seed=0, dtype="float64")
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    lbfgs(model, x, y)
    model.forward(x)
    gradient = model.compiled_loss.gradient(y, model.forward(x))
    model.backward(gradient)
    assert max(np.abs(g).max() for g in model.gradients.values()) <= 2e-6


def test_what_is_frozen_stays_and_iterations_end_it() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 3)), rng.normal(size=30)
    model = md.Model([md.layers.Dense(5, "tanh"), md.layers.Dense(1)], seed=0, input_shape=(3,))
    model.freeze("dense/*")
    model.compile(loss="mse")
    before = model.parameters["dense/kernel"].copy()
    history = lbfgs(model, x, y, max_iterations=2)
    np.testing.assert_array_equal(model.parameters["dense/kernel"], before)
    assert history.stop_reason == "iterations"
    assert len(history.history["loss"]) == 2
    model.freeze("*")
    with pytest.raises(ValueError, match="no trainable parameter"):
        lbfgs(model, x, y)


def test_ctrl_c_leaves_the_last_iteration(monkeypatch: Any) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 3)), rng.normal(size=30)

    def build() -> md.Model:
        model = md.Model([md.layers.Dense(5, "tanh"), md.layers.Dense(1)], seed=0, input_shape=(3,))
        model.compile(loss="mse")
        return model

    whole, part = build(), build()
    lbfgs(whole, x, y, max_iterations=4)
    forward = md.Model.forward

    def cut(self: md.Model, *args: Any) -> Any:
        if self.history is not None and len(self.history.epoch) == 4:  # at a trial of the fifth
            raise KeyboardInterrupt
        return forward(self, *args)

    monkeypatch.setattr(md.Model, "forward", cut)
    with pytest.raises(KeyboardInterrupt):
        lbfgs(part, x, y, max_iterations=8)
    for expected, found in zip(whole.get_weights(), part.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)
    assert part.history is not None
    assert part.history.stop_reason == "interrupted"
    assert len(part.history.epoch) == 4


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"max_iterations": 0}, ValueError, "max_iterations"),
        ({"tolerance": 0.0}, ValueError, "tolerance"),
        ({"memory": 1.5}, TypeError, "memory"),
        ({"max_iter": 5}, TypeError, "no argument 'max_iter'"),
    ],
)
def test_bad_arguments(options: dict[str, Any], error: type[Exception], words: str) -> None:
    model = md.Model([md.layers.Dense(1)], seed=0)
    model.compile(loss="mse")
    with pytest.raises(error, match=words):
        lbfgs(model, np.ones((2, 1)), np.ones(2), **options)


def test_a_model_without_a_loss_and_a_machine_without_scipy(monkeypatch: Any) -> None:
    model = md.Model([md.layers.Dense(1)], seed=0)
    with pytest.raises(RuntimeError, match="compile"):
        lbfgs(model, np.ones((2, 1)), np.ones(2))
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    with pytest.raises(ImportError, match=r"pip install mundur\[scipy\]"):
        lbfgs(model, np.ones((2, 1)), np.ones(2))
