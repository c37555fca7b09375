"""Initializers: their statistics, their bits, and functions in their place."""

from __future__ import annotations

import math
import pickle
from typing import Any

import mundur as md
import numpy as np
import pytest
from mundur import _core

INIT = md.initializers
TRUNCATED = 0.87962566103423978  # the deviation of a normal number within [-2, 2]


@pytest.mark.parametrize(
    ("initializer", "deviation", "bound"),
    [
        (INIT.LecunNormal(seed=1), math.sqrt(1 / 200), math.inf),
        (INIT.LecunUniform(seed=1), math.sqrt(1 / 200), math.sqrt(3 / 200)),
        (INIT.TruncatedNormal(0.0, 0.3, seed=1), 0.3 * TRUNCATED, 0.6),
        (INIT.VarianceScaling(seed=1), math.sqrt(1 / 200), 2 * math.sqrt(1 / 200) / TRUNCATED),
        (INIT.VarianceScaling(3, "fan_out", "uniform", 1), math.sqrt(3 / 500), 3 / math.sqrt(500)),
        (INIT.VarianceScaling(2, "fan_avg", "untruncated_normal", 1), math.sqrt(2 / 350), math.inf),
        (INIT.Orthogonal(seed=1), math.sqrt(1 / 500), 1.0),
    ],
    ids=repr,
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_moments(initializer: Any, deviation: float, bound: float, dtype: str) -> None:
    values = initializer((200, 500), dtype).astype(np.float64)
    assert abs(values.mean()) < 5 * deviation / math.sqrt(values.size)
    assert values.std() == pytest.approx(deviation, rel=0.01)
    assert np.abs(values).max() <= bound
    if math.isinf(bound):  # no cut: one in 22 lies beyond two deviations
        assert (np.abs(values) > 2 * deviation).mean() == pytest.approx(0.0455, rel=0.1)


def test_a_truncated_normal_has_the_quantiles_of_one() -> None:
    values = np.sort(INIT.TruncatedNormal(1.0, 2.0, seed=4)((100_001,), "float64"))
    assert values[50_000] == pytest.approx(1.0, abs=0.02)
    # P(|z| < 1) / P(|z| < 2) of a standard normal z
    share = (np.abs(values - 1.0) < 2.0).mean()
    assert share == pytest.approx(0.6826894921 / 0.9544997361, abs=0.005)
    assert -3.0 < values[0] < -2.99
    assert 4.99 < values[-1] < 5.0


@pytest.mark.parametrize("shape", [(1, 1), (7, 7), (9, 4), (4, 9), (1, 5), (3, 2, 5), (130, 128)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_orthogonal_rows_or_columns(shape: tuple[int, ...], dtype: str) -> None:
    q = INIT.Orthogonal(gain=2.0, seed=3)(shape, dtype).astype(np.float64).reshape(-1, shape[-1])
    product = q.T @ q if q.shape[0] >= q.shape[1] else q @ q.T
    np.testing.assert_allclose(
        product, 4 * np.eye(len(product)), atol=1e-6 if dtype[5:] == "32" else 1e-12
    )


def test_orthogonal_matrices_are_uniform() -> None:
    """A sign or a first column that is always the same would show in the mean over seeds."""
    mean = np.mean([INIT.Orthogonal(seed=seed)((3, 3), "float64") for seed in range(2000)], axis=0)
    assert np.abs(mean).max() < 5 * math.sqrt(1 / 3 / 2000)


@pytest.mark.parametrize("name", sorted(INIT.KNOWN))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_same_bits_with_every_instruction_set(name: str, dtype: str) -> None:
    def drawn() -> bytes:
        model = md.Model(
            [md.layers.Dense(37, kernel_initializer=name)], seed=8, dtype=dtype, input_shape=(41,)
        )
        return model.parameters["dense/kernel"].tobytes()

    before = _core.current_isa()
    try:
        found = set()
        for isa in _core.available_isas():
            _core.set_isa(isa)
            found.add(drawn())
    finally:
        _core.set_isa(before)
    assert len(found) == 1


def test_float32_is_float64_rounded() -> None:
    for initializer in (
        INIT.Orthogonal(seed=2),
        INIT.TruncatedNormal(seed=2),
        INIT.VarianceScaling(seed=2),
    ):
        wide = initializer((40, 30), "float64")
        np.testing.assert_array_equal(initializer((40, 30)), wide.astype(np.float32))


def test_the_named_uniforms_are_scaled_variances() -> None:
    for named, scaled in [
        (INIT.GlorotUniform(seed=4), INIT.VarianceScaling(1, "fan_avg", "uniform", 4)),
        (INIT.HeUniform(seed=4), INIT.VarianceScaling(2, "fan_in", "uniform", 4)),
        (INIT.LecunUniform(seed=4), INIT.VarianceScaling(1, "fan_in", "uniform", 4)),
        (INIT.GlorotNormal(seed=4), INIT.VarianceScaling(1, "fan_avg", "untruncated_normal", 4)),
        (INIT.HeNormal(seed=4), INIT.VarianceScaling(2, "fan_in", "untruncated_normal", 4)),
        (INIT.LecunNormal(seed=4), INIT.VarianceScaling(1, "fan_in", "untruncated_normal", 4)),
    ]:
        np.testing.assert_allclose(named((30, 20)), scaled((30, 20)), rtol=1e-6)


def test_identity() -> None:
    np.testing.assert_array_equal(INIT.Identity(0.5)((2, 3)), [[0.5, 0, 0], [0, 0.5, 0]])


# ---- functions --------------------------------------------------------------------------------


def halves(shape: tuple[int, ...], dtype: Any = None) -> Any:
    return np.full(shape, 0.5, dtype)


def test_a_function_is_called_once() -> None:
    calls: list[Any] = []

    def mine(shape: tuple[int, ...], dtype: Any = None) -> Any:
        calls.append((shape, dtype))
        return halves(shape, dtype)

    layer = md.layers.Dense(2, kernel_initializer=mine)
    assert repr(layer) == "Dense(2, kernel_initializer=mine)"
    model = md.Model([layer], seed=0, input_shape=(3,))
    model.compile("sgd", "mse")
    model.fit(np.zeros((4, 3)), np.zeros((4, 2)), verbose=0)
    assert calls == [((3, 2), "float32")]
    np.testing.assert_array_equal(model.parameters["dense/kernel"], 0.5)


def test_a_file_keeps_a_functions_name() -> None:
    model = md.Model([md.layers.Dense(2, kernel_initializer=halves)], seed=0, input_shape=(3,))
    other = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(other.parameters["dense/kernel"], 0.5)
    assert repr(other) == repr(model)
    again = pickle.loads(pickle.dumps(other))
    assert repr(again) == repr(model)
    unbuilt = pickle.loads(
        pickle.dumps(md.Model([md.layers.Dense(2, "relu", True, halves)], seed=0))
    )
    with pytest.raises(
        ValueError, match="dense/kernel: the initializer halves was written in Python"
    ):
        unbuilt.build((None, 3))


def test_a_subclass_can_be_saved() -> None:
    class Halves(md.Initializer):
        def fill(self, out: Any, seed: int, stream: int) -> None:
            out[...] = 0.5

    model = md.Model([md.layers.Dense(2, kernel_initializer=Halves())], seed=0, input_shape=(3,))
    other = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(other.parameters["dense/kernel"], 0.5)


@pytest.mark.parametrize(
    ("function", "error", "words"),
    [
        (lambda shape, dtype: np.zeros(7), ValueError, "parameter's shape"),
        (lambda shape, dtype: np.full(shape, np.nan), ValueError, "finite"),
        (lambda shape, dtype: np.full(shape, "a"), TypeError, "real numbers"),
    ],
)
def test_what_a_function_returns_is_checked(function: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        md.Model([md.layers.Dense(2, kernel_initializer=function)], seed=0, input_shape=(3,))
