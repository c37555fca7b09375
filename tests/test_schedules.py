"""Schedules against their formulas, by libm; in training ahead of the steps, by hand, resumed."""

from __future__ import annotations

import math
import pickle
from typing import Any

import mundur as md
import numpy as np
import pytest
from mundur.schedules import base as arithmetic  # its functions have their own error in ulp

S = md.schedules


def keras_cosine(t: float, top: float, n: int, alpha: float) -> float:
    return top * ((1 - alpha) * 0.5 * (1 + math.cos(math.pi * min(t, n) / n)) + alpha)


def restarts(t: float, t_mul: float, m_mul: float, alpha: float) -> float:
    i, first, length = 0, 0.0, 10.0
    while t >= first + length:
        first, length, i = first + length, length * t_mul, i + 1
    cosine = 0.5 * m_mul**i * (1 + math.cos(math.pi * (t - first) / length))
    return 0.1 * ((1 - alpha) * cosine + alpha)


FORMULAS: list[tuple[Any, Any]] = [
    (S.ExponentialDecay(0.1, 7, 0.9), lambda t: 0.1 * 0.9 ** (t / 7)),
    (S.ExponentialDecay(0.1, 7, 0.9, True), lambda t: 0.1 * 0.9 ** (t // 7)),
    (S.InverseTimeDecay(0.1, 7, 0.5), lambda t: 0.1 / (1 + 0.5 * t / 7)),
    (S.InverseTimeDecay(0.1, 7, 0.5, staircase=True), lambda t: 0.1 / (1 + 0.5 * (t // 7))),
    (S.PolynomialDecay(0.1, 30), lambda t: (0.1 - 1e-4) * (1 - min(t, 30) / 30) + 1e-4),
    (
        S.PolynomialDecay(0.1, 30, 0.01, power=2.5),
        lambda t: 0.09 * (1 - min(t, 30) / 30) ** 2.5 + 0.01,
    ),
    (
        S.PolynomialDecay(0.1, 30, 0.01, 0.5, cycle=True),
        lambda t: 0.09 * (1 - t / (30 * max(math.ceil(t / 30), 1))) ** 0.5 + 0.01,
    ),
    (S.CosineDecay(0.1, 40, 0.1), lambda t: keras_cosine(t, 0.1, 40, 0.1)),
    (
        S.CosineDecay(0.01, 40, 0.1, warmup_target=0.1, warmup_steps=9),
        lambda t: 0.01 + 0.09 * t / 9 if t < 9 else keras_cosine(t - 9, 0.1, 40, 0.1),
    ),
    (  # by position, as in Keras, which has the name in the middle
        S.CosineDecay(0.01, 40, 0.1, "mine", 0.1, 9),
        lambda t: 0.01 + 0.09 * t / 9 if t < 9 else keras_cosine(t - 9, 0.1, 40, 0.1),
    ),
    (S.CosineDecayRestarts(0.1, 10), lambda t: restarts(t, 2.0, 1.0, 0.0)),
    (S.CosineDecayRestarts(0.1, 10, 1.0, 0.8), lambda t: restarts(t, 1.0, 0.8, 0.0)),
    (S.CosineDecayRestarts(0.1, 10, 1.5, 0.9, 0.2), lambda t: restarts(t, 1.5, 0.9, 0.2)),
    (
        S.PiecewiseConstantDecay([5, 20], [0.1, 0.2, 0.05]),
        lambda t: 0.1 if t <= 5 else 0.2 if t <= 20 else 0.05,
    ),
    (S.WarmUp(0.1, 8), lambda t: 0.1 * min((t + 1) / 8, 1)),
    (
        S.WarmUp(S.InverseTimeDecay(0.1, 7, 0.5), 8),
        lambda t: 0.1 * (t + 1) / 8 if t < 8 else 0.1 / (1 + 0.5 * (t - 8) / 7),
    ),
    (S.WarmUp(lambda step: 0.5 / (1 + step), 3), lambda t: (t + 1) / 6 if t < 3 else 0.5 / (t - 2)),
]


@pytest.mark.parametrize(
    ("schedule", "formula"), FORMULAS, ids=[type(schedule).__name__ for schedule, _ in FORMULAS]
)
def test_a_schedule_is_its_formula(schedule: Any, formula: Any) -> None:
    found = [schedule(step) for step in range(120)]
    assert found == pytest.approx([formula(step) for step in range(120)], rel=1e-13, abs=1e-17)
    assert arithmetic.rates_of(schedule, 0, 120) == found
    assert all(type(rate) is float for rate in found)


def test_half_a_cosine_is_within_an_ulp_or_two() -> None:
    p = np.linspace(0, 1, 100_001)
    expected = [0.5 * (1 + math.cos(math.pi * x)) for x in p]
    np.testing.assert_allclose(arithmetic.half_cosine(p), expected, rtol=0, atol=2.5e-16)
    assert arithmetic.half_cosine(np.array([0.0, 0.5, 1.0])).tolist() == [1.0, 0.5, 0.0]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: S.PiecewiseConstantDecay([2, 2], [1, 2, 3]), "boundaries must increase"),
        (lambda: S.PiecewiseConstantDecay([2], [1.0]), "values must be one more"),
        (lambda: S.ExponentialDecay(0.1, 0, 0.5), "decay_steps must be >= 1; got 0"),
        (lambda: S.ExponentialDecay(0.1, 5, 0), "decay_rate"),
        (lambda: S.CosineDecay(0.1, 5, alpha=2), "alpha"),
        (lambda: S.CosineDecayRestarts(0.1, 5, t_mul=0.5), "t_mul"),
        (lambda: S.WarmUp(-1, 5), "after"),
        (lambda: S.OneCycle(0.1, 1), "total_steps"),
    ],
)
def test_bad_arguments(make: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()


def model_of(schedule: Any) -> md.Model:
    model = md.Model([md.layers.Dense(1, use_bias=False)], seed=0, dtype="float64")
    model.compile(md.optimizers.SGD(schedule), "mse")
    return model


X, Y = np.ones((20, 1)), np.zeros(20)


def by_formula(rates: list[float], w: float) -> float:
    for rate in rates:
        w -= rate * 2 * w
    return w


@pytest.mark.parametrize(
    "schedule", [S.ExponentialDecay(0.1, 7, 0.9), lambda step: 0.3 / (3 + step)], ids=["own", "any"]
)
def test_each_step_of_fit_has_its_rate(schedule: Any) -> None:
    model = model_of(schedule)
    model.build((1,))
    start = model.parameters["dense/kernel"].item()
    model.fit(X, Y, batch_size=2, epochs=4, verbose=0)  # 40 steps
    for _ in range(2):
        model.train_on_batch(X, Y)
    expected = by_formula([schedule(step) for step in range(42)], start)
    assert model.parameters["dense/kernel"].item() == pytest.approx(expected, rel=1e-12)
    assert model.optimizer.learning_rate == schedule(42)


def test_more_steps_than_are_told_ahead() -> None:
    asked = []

    def schedule(step: int) -> float:
        asked.append(step)
        return 1e-3 if step < 999 else 0.0

    model = model_of(schedule)
    model.build((1,))
    start = model.parameters["dense/kernel"].item()
    model.fit(np.ones((1000, 1)), np.zeros(1000), batch_size=1, verbose=0)
    expected = by_formula([1e-3] * 999, start)
    assert model.parameters["dense/kernel"].item() == pytest.approx(expected, rel=1e-12)
    assert set(asked) == set(range(1000))


def test_callbacks_do_not_change_the_rates() -> None:
    class Steps(md.Callback):
        def __init__(self) -> None:
            self.rates: list[float] = []

        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            self.rates.append(self.model.optimizer.learning_rate)

    schedule = S.CosineDecay(0.1, 15)
    plain, watched, steps = model_of(schedule), model_of(schedule), Steps()
    plain.fit(X, Y, batch_size=2, epochs=2, verbose=0)
    watched.fit(X, Y, batch_size=2, epochs=2, callbacks=[steps], verbose=0)
    assert plain.get_weights() == watched.get_weights()
    assert steps.rates == [schedule(step) for step in range(20)]


def test_updates_count_not_batches() -> None:
    model = md.Model([md.layers.Dense(1, use_bias=False)], seed=0, dtype="float64")
    schedule = S.PiecewiseConstantDecay([1], [0.1, 0.0])
    model.compile(md.optimizers.SGD(schedule, gradient_accumulation_steps=5), "mse")
    model.build((1,))
    start = model.parameters["dense/kernel"].item()
    model.fit(X, Y, batch_size=1, epochs=1, verbose=0)
    assert model.parameters["dense/kernel"].item() == pytest.approx(by_formula([0.1, 0.1], start))


def test_a_rate_that_a_schedule_gives_cannot_be_set() -> None:
    optimizer = md.optimizers.Adam(S.WarmUp(0.1, 5))
    with pytest.raises(TypeError, match="given by the schedule WarmUp"):
        optimizer.learning_rate = 0.1
    copy = pickle.loads(pickle.dumps(optimizer))
    assert repr(copy) == repr(optimizer) == "Adam(learning_rate=WarmUp(0.1, 5))"


def test_an_error_in_a_schedule_leaves_the_model_whole() -> None:
    def schedule(step: int) -> float:
        if step > 3:
            raise RuntimeError("no rate left")
        return 0.1

    model = model_of(schedule)
    with pytest.raises(RuntimeError, match="no rate left"):
        model.fit(X, Y, batch_size=1, verbose=0)
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)


def test_a_callable_cannot_be_saved_and_says_so() -> None:
    model = model_of(lambda step: 0.1)
    with pytest.raises(ValueError, match=r"those of mundur\.schedules can be saved"):
        pickle.dumps(model)


@pytest.mark.witness
def test_one_cycle_is_pytorchs() -> None:
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 1.0)
    witness = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 0.1, total_steps=50, pct_start=0.4, cycle_momentum=False
    )
    schedule = S.OneCycle(0.1, 50, pct_start=0.4)
    for step in range(50):
        assert schedule(step) == pytest.approx(witness.get_last_lr()[0], rel=1e-12)
        optimizer.step()
        witness.step() if step < 49 else None
