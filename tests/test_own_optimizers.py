"""Optimizers of one's own: build and update_step in Python."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import mundur as md
import numpy as np
import pytest

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(50, 4)), RNG.normal(size=(50, 2))


class Momentum(md.Optimizer):
    """SGD with momentum, as Keras's scripts write one."""

    def __init__(self, learning_rate: Any = 0.01, momentum: float = 0.9, **options: Any) -> None:
        super().__init__(learning_rate, **options)
        self.momentum = momentum

    def build(self, variables: Any) -> None:
        super().build(variables)
        self.velocities = [self.add_variable_from_reference(v, "velocity") for v in variables]

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        velocity = self.velocities[self._get_variable_index(variable)]
        self.assign(velocity, self.momentum * velocity + gradient)
        self.assign_sub(variable, learning_rate * velocity)


def model_of(optimizer: Any, dtype: str = "float64", **compiled: Any) -> md.Model:
    layers = [md.layers.Dense(8, "tanh", kernel_regularizer="l2"), md.layers.Dense(2)]
    model = md.Model(layers, input_shape=(4,), seed=1, dtype=dtype)
    model.compile(optimizer, "mse", **compiled)
    return model


def close(ours: md.Model, theirs: md.Model, tolerance: float = 1e-11) -> None:
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "decay": {"weight_decay": 0.1},
    "clipnorm": {"clipnorm": 0.05},
    "clipvalue": {"clipvalue": 0.01},
    "global_clipnorm": {"global_clipnorm": 0.05},
    "accumulated": {"gradient_accumulation_steps": 3},
    "average": {"use_ema": True, "ema_momentum": 0.5},
    "overwrites": {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 2},
    "schedule": {"learning_rate": md.schedules.ExponentialDecay(0.1, 3, 0.5)},
}


@pytest.mark.parametrize("case", sorted(OPTIONS))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_rule_in_python_trains_as_the_cores(case: str, dtype: str) -> None:
    options = {"learning_rate": 0.1, "momentum": 0.9} | OPTIONS[case]
    ours, theirs = (
        model_of(kind(**options), dtype) for kind in (Momentum, md.optimizers.SGD)
    )  # fmt: skip
    for model in (ours, theirs):
        model.fit(X, Y, batch_size=16, epochs=3, verbose=0)
        model.train_on_batch(X, Y)
    close(ours, theirs, 1e-11 if dtype == "float64" else 1e-4)
    assert ours.optimizer is not None and theirs.optimizer is not None
    assert ours.optimizer.iterations == theirs.optimizer.iterations


def test_by_hand_and_constraints() -> None:
    def model_with(optimizer: Any) -> md.Model:
        layer = md.layers.Dense(2, kernel_constraint="unit_norm")
        model = md.Model([layer], input_shape=(4,), seed=1, dtype="float64")
        loss = md.losses.MeanSquaredError()
        for _ in range(3):
            model.backward(loss.gradient(Y, model.forward(X, training=True)))
            optimizer.step(model)
        return model

    close(model_with(Momentum(0.1)), model_with(md.optimizers.SGD(0.1, momentum=0.9)))


def test_frozen_parameters_are_not_asked_for() -> None:
    ours, theirs = model_of(Momentum(0.1)), model_of(md.optimizers.SGD(0.1, momentum=0.9))
    for model in (ours, theirs):
        model.freeze("dense/*")
        model.fit(X, Y, verbose=0)
    close(ours, theirs)


def test_its_state_is_saved_resumed_and_undone(tmp_path: Path) -> None:
    model = model_of(Momentum(0.1))
    model.fit(X, Y, verbose=0)
    path = tmp_path / "own.safetensors"
    model.save(path)
    with pytest.raises(ValueError, match="the optimizer Momentum is a class of its author's"):
        md.load_model(path)
    loaded = md.load_model(path, custom_objects={"Momentum": Momentum})
    copied = copy.deepcopy(model)
    for one in (model, loaded, copied):
        one.fit(X, Y, epochs=2, verbose=0)
    close(model, loaded, 0)
    close(model, copied, 0)
    before = model.get_weights()
    model.compiled_optimizer.learning_rate = 1e200
    with pytest.raises(md.NonFiniteLossError):
        model.fit(X, Y, batch_size=10, verbose=0)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_in_place_arithmetic_and_frozen_views() -> None:
    class Plain(md.Optimizer):
        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            variable -= learning_rate * gradient

    ours, theirs = model_of(Plain(0.1)), model_of(md.optimizers.SGD(0.1))
    for model in (ours, theirs):
        model.fit(X, Y, epochs=2, verbose=0)
    close(ours, theirs)


def rule(**parts: Any) -> md.Optimizer:
    made: md.Optimizer = type("Wrong", (md.Optimizer,), parts)()
    return made


def rebound(self: Any, gradient: Any, variable: Any, learning_rate: Any) -> None:
    variable = variable - learning_rate * gradient


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: rule(), TypeError, "which it does not write; step"),
        (
            lambda: rule(update_step=rebound, __init__=lambda self: None),
            TypeError,
            r"must call super\(\).__init__",
        ),
        (lambda: rule(update_step=rebound), ValueError, "changes nothing.*in place"),
        (
            lambda: rule(update_step=lambda self, g, v, lr: v - lr * g),
            TypeError,
            "must change the variable in place",
        ),
        (
            lambda: type("Own", (md.optimizers.SGD,), {"update_step": rebound})(0.1),
            TypeError,
            "Own.update_step would be ignored",
        ),
        (
            lambda: rule(update_step=rebound, build=lambda self, v: self.add_variable((2,))),
            NotImplementedError,
            "add_variable_from_reference",
        ),
        (
            lambda: rule(update_step=lambda self, g, v, lr: v.assign(np.zeros(3))),
            ValueError,
            "kernel must have shape",
        ),
    ],
    ids=["no rule", "no init", "nothing", "returns", "derived", "variable", "shape"],
)
def test_what_is_refused(make: Any, error: Any, text: str) -> None:
    with pytest.raises(error, match=text):
        model_of(make()).fit(X, Y, verbose=0)
