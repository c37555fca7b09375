"""Any way to predict gives the same bits, however long a call takes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import mundur as md
import numpy as np
import numpy.typing as npt
import pytest
from mundur import _core
from mundur.training import passes  # how long a native call takes is no argument

Array = npt.NDArray[Any]
L = md.layers


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    yield
    _core.set_num_threads(0)


def ways(model: md.Model, x: Array) -> dict[str, Callable[[], Array]]:
    def batches(size: int) -> list[Array]:
        return [x[i : i + size] for i in range(0, len(x), size)]

    quiet = md.callbacks.LambdaCallback(on_predict_batch_end=lambda batch, logs: None)
    sizes: list[Any] = [1, 7, 300, 10_000, "full"]
    return {
        **{f"batches of {n}": lambda n=n: model.predict(x, n, verbose=0) for n in sizes},
        **{
            f"batches of {n}, watched": lambda n=n: model.predict(x, n, 0, callbacks=[quiet])
            for n in sizes[1:]
        },
        "a bar": lambda: model.predict(x, "full", verbose=1),
        "on batch": lambda: model.predict_on_batch(x),
        "a generator": lambda: model.predict((b for b in batches(600)), verbose=0),
        "a list of one batch": lambda: model.predict((b for b in [x]), verbose=0),
        "by hand": lambda: model.forward(x),
    }


NETWORKS: dict[str, tuple[list[Any], tuple[int, ...]]] = {
    "dense": ([L.Dense(64, "relu"), L.BatchNormalization(), L.Dense(3)], (20,)),
    "lstm": ([L.LSTM(8, return_sequences=True), L.Dense(2, "softmax")], (5, 3)),
    "custom": ([L.Dense(9, (np.sin, np.cos)), L.Dense(1)], (20,)),
}


# A slice of this many seconds is over after each step of the core, and none is.
SECONDS = (0.0, 1e-4, 0.1)
THREADS = (1, 2, 3)
ROWS = [
    # Each pair of two of them meets every day.
    pytest.param(*row, marks=() if sum(at) % 3 == 0 else pytest.mark.slow)
    for at, row in zip(
        itertools.product(range(3), repeat=3),
        itertools.product(NETWORKS, THREADS, SECONDS),
        strict=True,
    )
]


@pytest.mark.parametrize(("network", "threads", "seconds"), ROWS)
def test_every_way_gives_the_same_bits(
    network: str,
    threads: int,
    seconds: float,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    layers, shape = NETWORKS[network]
    _core.set_num_threads(1)
    configs = [type(layer).from_config(layer.get_config()) for layer in layers]
    model = md.Model(configs, input_shape=shape, seed=3)
    x = np.random.default_rng(1).normal(size=(900, *shape)).astype(np.float32)
    expected = np.concatenate([model.predict(x[i : i + 1], verbose=0) for i in range(len(x))])
    _core.set_num_threads(threads)
    monkeypatch.setattr(passes, "SLICE_SECONDS", seconds)
    found = {name: predict() for name, predict in ways(model, x).items()}
    for name, outputs in found.items():
        np.testing.assert_array_equal(outputs, expected, err_msg=name)


@pytest.mark.parametrize(
    ("width", "rows"),
    [(64, 20_000), (512, 8_000), pytest.param(1024, 24_000, marks=pytest.mark.slow)],
)
def test_calls_of_a_hundredth_of_a_second_to_two(width: int, rows: int) -> None:
    model = md.Model([L.Dense(width), L.Dense(width), L.Dense(10)], input_shape=(256,), seed=0)
    x = np.random.default_rng(2).normal(size=(rows, 256)).astype(np.float32)
    whole = model.predict(x, batch_size="full", verbose=0)
    np.testing.assert_array_equal(model.predict_on_batch(x), whole)
    np.testing.assert_array_equal(model.predict((b for b in [x]), verbose=0), whole)
    np.testing.assert_array_equal(model.predict(x, 1000, verbose=0), whole)


def test_watched_batches_come_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a batch takes the core longer than a slice."""
    monkeypatch.setattr(passes, "SLICE_SECONDS", 0.0)
    model = md.Model([L.Dense(3)], input_shape=(20,), seed=0)
    seen: list[int] = []
    hook = md.callbacks.LambdaCallback(on_predict_batch_end=lambda batch, logs: seen.append(batch))
    model.predict(np.zeros((2500, 20)), 1000, verbose=0, callbacks=[hook])
    assert seen == [0, 1, 2]


@pytest.mark.parametrize("threads", [1, 2])
def test_an_activation_in_python_sees_the_batches_asked_for(threads: int) -> None:
    seen = []

    def square(z: npt.NDArray[Any]) -> npt.NDArray[Any]:
        seen.append(len(z))
        return z * z

    model = md.Model([md.layers.Dense(2, (square, lambda z: 2 * z))], input_shape=(3,))
    _core.set_num_threads(threads)
    seen.clear()
    model.predict(np.ones((700, 3), "f"), batch_size=600, verbose=0)
    assert seen == [600, 100]


def test_what_native_code_must_fill_is_nan_before() -> None:
    assert np.isnan(_core.new_array((2, 3), "float32")).all()
    assert np.isnan(_core.new_array((2,), "float64")).all()
    _core.set_poison(False)
    try:
        assert _core.new_array((2, 3), "float32").shape == (2, 3)
    finally:
        _core.set_poison(True)
