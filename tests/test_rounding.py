"""The rounding mode that a host program set reaches no result, and is given back."""

from __future__ import annotations

import ctypes
import pickle
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import mundur as md
import numpy as np
import numpy.typing as npt
import pytest
from mundur import _core

Array = npt.NDArray[Any]
UPWARD = {"x86_64": 0x800, "aarch64": 0x400000}.get(platform.machine())
pytestmark = pytest.mark.skipif(
    platform.system() != "Linux" or UPWARD is None, reason="needs the C library's rounding modes"
)


@contextmanager
def rounding_upward() -> Iterator[None]:
    library = ctypes.CDLL("libm.so.6")
    before = library.fegetround()
    assert library.fesetround(UPWARD) == 0
    try:
        yield
        assert library.fegetround() == UPWARD
    finally:
        library.fesetround(before)


X = np.random.default_rng(0).normal(size=(67, 5)) * 1.1
Y = np.random.default_rng(1).normal(size=(67, 1)) / 3.0
Z = Y * 1.1


def model_of(dtype: str = "float32", **options: Any) -> md.Model:
    layers = [
        md.layers.Dense(9, "tanh", kernel_initializer="orthogonal", kernel_regularizer="l1_l2"),
        md.layers.BatchNormalization(momentum=0.9, epsilon=0.1),
        md.layers.GaussianNoise(0.1),
        md.layers.Dense(1, kernel_initializer="lecun_normal", activity_regularizer="l2"),
    ]
    model = md.Model(layers, input_shape=(5,), seed=3, dtype=dtype)
    model.compile(**({"optimizer": "adam", "loss": "mse"} | options))
    return model


def numbers_of(model: md.Model, **options: Any) -> list[Any]:
    history = model.fit(X, Y, 8, 2, verbose=0, **options)
    assert model.optimizer is not None
    return [
        *(w.tobytes() for w in model.get_weights()),
        repr(history.history),
        pickle.dumps(model.optimizer),
    ]


SCHEDULES = md.optimizers.schedules


def with_schedule(schedule: Any) -> list[Any]:
    return numbers_of(model_of(optimizer=md.optimizers.SGD(schedule)))


def by_hand() -> list[Any]:
    model, loss = model_of(), md.losses.Huber(0.3)
    p = model.forward(X, training=True)
    dx = model.backward(loss.gradient(Y, p))
    assert model.optimizer is not None
    model.optimizer.step(model)
    weights = [w.tobytes() for w in model.get_weights()]
    return [p.tobytes(), dx.tobytes(), loss(Y, p), model.penalty(), *weights]


def drawn(name: str, dtype: str) -> bytes:
    make = type(md.initializers.get(name))
    return make(seed=7)((31, 17), dtype).tobytes()  # type: ignore[call-arg]


def saved() -> bytes:
    model = model_of()
    model.fit(X, Y, verbose=0)
    return pickle.dumps(pickle.loads(pickle.dumps(model)))


def assigned() -> list[bytes]:
    model = model_of()
    model.parameters["dense/kernel"] = X[:5, :5].repeat(9, axis=1)[:, :9] / 1.0
    model.layers[3].set_weights([X[:9, :1], Y[0]])
    return [w.tobytes() for w in model.get_weights()]


NAMES = [
    *("glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform"),
    *("lecun_normal", "orthogonal", "random_normal", "random_uniform", "truncated_normal"),
]
RULES = [
    *("sgd", "adam", "adamw", "nadam", "adamax", "rmsprop", "adagrad", "adadelta", "lion"),
    *("ftrl", "adafactor"),
]
CASES: dict[str, Callable[[], Any]] = {
    **{f"{n}, {t}": lambda n=n, t=t: drawn(n, t) for n in NAMES for t in ("float32", "float64")},
    **{f"fit, {n}": lambda n=n: numbers_of(model_of(optimizer=n)) for n in RULES},
    "fit, float64": lambda: numbers_of(model_of("float64")),
    "fit, splits": lambda: numbers_of(model_of(), validation_split=0.3),
    "fit, metrics": lambda: numbers_of(model_of(metrics=["mae", "r2"])),
    "fit, class weights": lambda: numbers_of(model_of(), sample_weight=np.full(67, 0.1)),
    "exponential decay": lambda: with_schedule(SCHEDULES.ExponentialDecay(0.1, 3, 0.9)),
    "cosine decay": lambda: with_schedule(SCHEDULES.CosineDecay(0.1, 13, alpha=0.01)),
    "inverse time decay": lambda: with_schedule(SCHEDULES.InverseTimeDecay(0.1, 3, 0.7)),
    "polynomial decay": lambda: with_schedule(SCHEDULES.PolynomialDecay(0.1, 13, power=0.7)),
    "a rate": lambda: SCHEDULES.ExponentialDecay(0.1, 3, 0.9)(5),
    "evaluate": lambda: model_of().evaluate(X, Y, verbose=0),
    "predict": lambda: model_of().predict(X, verbose=0).tobytes(),
    "by hand": by_hand,
    "a penalty": lambda: md.regularizers.L1L2(0.1, 0.3)(X),
    "a loss per sample": lambda: md.losses.LogCosh(reduction=None)(Y, Z).tobytes(),
    "an activation": lambda: md.activations.gelu(X).tobytes(),
    "a metric": lambda: md.metrics.MeanAbsoluteError()(Y, Z),
    "a constraint": lambda: md.constraints.MaxNorm(0.3)(X).tobytes(),
    "learning rates": lambda: model_of().find_learning_rate(X, Y, steps=7).rates.tobytes(),
    "assigned numbers": assigned,
    "files": saved,
}


@pytest.mark.parametrize("case", CASES)
def test_the_caller_s_rounding_reaches_no_result(case: str) -> None:
    expected = CASES[case]()
    with rounding_upward():
        found = CASES[case]()
    assert found == expected


def test_what_a_function_of_the_user_s_leaves_reaches_none() -> None:
    """An activation, a loss and a callback that set the mode and don't give it back."""
    library = ctypes.CDLL("libm.so.6")
    mode = 0

    def own(z: Array) -> Array:
        y = np.maximum(z, 0)
        library.fesetround(mode)
        return y

    class Loss(md.Loss):
        checks_gradient = False  # which it does not have

        def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
            library.fesetround(mode)
            return float(np.abs(y_pred).max())

        def gradient(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Array:
            return np.ones_like(y_pred)

    def run() -> list[bytes]:
        layers = [md.layers.Dense(9, (own, lambda z: (z > 0) * 1.0)), md.layers.Dense(1)]
        model = md.Model(layers, input_shape=(5,), seed=3)
        model.compile("adam", Loss())
        model.fit(X, Y, 8, 2, verbose=0)
        return [w.tobytes() for w in model.get_weights()]

    try:
        expected = run()
        mode = UPWARD or 0
        assert run() == expected
    finally:
        library.fesetround(0)


def test_the_environment_nests() -> None:
    with rounding_upward(), _core.to_nearest:
        assert 1.0 + 2.0**-60 == 1.0
        with _core.to_nearest:
            assert 1.0 + 2.0**-60 == 1.0
        assert 1.0 + 2.0**-60 == 1.0
