"""Convolutions and recurrent layers in bfloat16: what of them is rounded, and that it is alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mundur as md
import numpy as np
import numpy.typing as npt
import pytest

from rounded_products import kinds, rounded

Array = npt.NDArray[Any]
L = md.layers


def normal(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def model_of(layer: md.layers.Layer, shape: tuple[int, ...], kind: str) -> md.Model:
    model = md.Model([layer], input_shape=shape, seed=3, compute_dtype=kind)
    for number, view in enumerate(model.parameters.values()):
        view[...] = normal(*view.shape, seed=number + 1)
    return model


def steps_seen(steps: int, size: int, strides: int, dilation_rate: int, padding: str) -> Array:
    """[t, k]: the step that step t sees with tap k; beyond the ends where there is none."""
    reach = (size - 1) * dilation_rate
    if padding == "same":
        out = -(-steps // strides)
        before = max((out - 1) * strides + reach + 1 - steps, 0) // 2
    else:
        before = reach if padding == "causal" else 0
        out = (steps + before - reach - 1) // strides + 1
    return np.arange(out)[:, None] * strides - before + np.arange(size) * dilation_rate


@kinds
@pytest.mark.parametrize(
    ("channels", "size", "options"),
    [
        (6, 4, {}),
        (16, 2, {"padding": "same"}),
        (8, 5, {"padding": "same", "strides": 2}),
        (9, 3, {"padding": "causal", "dilation_rate": 2}),
        (33, 2, {"strides": 3}),
        (1, 24, {"padding": "same", "use_bias": False}),
    ],
)
def test_a_convolution_is_a_dense_on_what_its_steps_see(
    channels: int, size: int, options: dict[str, Any], kind: str
) -> None:
    samples, steps, filters = 9, 40, 67
    windows = {"strides": 1, "dilation_rate": 1, "padding": "valid"} | options
    bias = windows.pop("use_bias", True)
    conv = model_of(L.Conv1D(filters, size, activation="relu", **options), (steps, channels), kind)
    seen = steps_seen(steps, size, **windows)
    there = (seen >= 0) & (seen < steps)
    dense = model_of(L.Dense(filters, "relu", use_bias=bias), (len(seen), size * channels), kind)
    for view, same in zip(dense.parameters.values(), conv.parameters.values(), strict=True):
        view[...] = same.reshape(view.shape)
    x = normal(samples, steps, channels)
    delta = normal(samples, len(seen), filters, seed=9)
    gathered = np.where(there[:, :, None], x[:, seen.clip(0, steps - 1)], np.float32(0))

    y = conv.forward(x, training=True)
    np.testing.assert_array_equal(
        y, dense.forward(gathered.reshape(samples, len(seen), -1), training=True)
    )
    dx, dseen = conv.backward(delta), dense.backward(delta)
    for ours, same in zip(conv.gradients.values(), dense.gradients.values(), strict=True):
        np.testing.assert_array_equal(ours, same.reshape(ours.shape))
    expected = np.zeros_like(x)
    for t, k in zip(*np.nonzero(there), strict=True):
        expected[:, seen[t, k]] += dseen.reshape(samples, len(seen), size, channels)[:, t, k]
    np.testing.assert_array_equal(dx, expected)


@kinds
@pytest.mark.parametrize(
    ("channels", "filters", "size", "groups", "stays"),
    [(64, 64, 3, 2, True), (400, 31, 3, 1, True), (5, 61, 5, 1, True), (6, 64, 4, 1, False)],
)
def test_groups_few_filters_and_little_work_stay_in_float32(
    channels: int, filters: int, size: int, groups: int, stays: bool, kind: str
) -> None:
    x = normal(3, 10, channels)
    conv = L.Conv1D(filters, size, groups=groups)
    y, exact = (model_of(conv, x.shape[1:], one).predict(x) for one in (kind, "float32"))
    assert np.array_equal(y, exact) == stays


@kinds
def test_without_a_state_a_recurrent_layer_is_a_dense(kind: str) -> None:
    rnn = model_of(L.SimpleRNN(37, return_sequences=True), (11, 50), kind)
    dense = model_of(L.Dense(37, "tanh"), (11, 50), kind)
    rnn.parameters["simple_rnn/recurrent_kernel"][...] = 0
    dense.set_weights([rnn.get_weights()[0], rnn.get_weights()[2]])
    x, delta = normal(6, 11, 50), normal(6, 11, 37, seed=9)
    np.testing.assert_array_equal(rnn.forward(x, training=True), dense.forward(x, training=True))
    np.testing.assert_array_equal(rnn.backward(delta), dense.backward(delta))
    for name in ("kernel", "bias"):
        np.testing.assert_array_equal(
            rnn.gradients[f"simple_rnn/{name}"], dense.gradients[f"dense/{name}"]
        )


CELLS = pytest.mark.parametrize("cell", [L.SimpleRNN, L.LSTM, L.GRU])


@kinds
@CELLS
@pytest.mark.parametrize("options", [{}, {"go_backwards": True, "return_sequences": True}])
def test_inputs_and_their_kernel_are_rounded(cell: Any, options: dict[str, Any], kind: str) -> None:
    given = model_of(cell(9, **options), (12, 40), kind)
    before = model_of(cell(9, **options), (12, 40), kind)
    exact = model_of(cell(9, **options), (12, 40), "float32")
    kernel = next(iter(before.parameters.values()))
    kernel[...] = rounded(np.array(kernel))
    x = normal(5, 12, 40)
    y = given.predict(x)
    np.testing.assert_array_equal(y, before.predict(rounded(x)))
    assert not np.array_equal(y, exact.predict(x))
    np.testing.assert_allclose(y, exact.predict(x), atol=0.2)


SEQUENCES: dict[str, Callable[[], list[md.layers.Layer]]] = {
    "convolutions": lambda: [
        L.Conv1D(40, 5, padding="same", activation="relu"),
        L.Conv1D(33, 3, strides=2),
        L.MaxPooling1D(2),
        L.Conv1D(34, 2, dilation_rate=2, padding="causal"),
        L.Flatten(),
        L.Dense(2),
    ],
    "lstm": lambda: [L.LSTM(17, dropout=0.2), L.Dense(2)],
    "gru": lambda: [
        L.GRU(33, return_sequences=True, dropout=0.2, recurrent_dropout=0.1),
        L.GRU(8, go_backwards=True),
        L.Dense(2),
    ],
    "bidirectional": lambda: [L.Bidirectional(L.SimpleRNN(12)), L.Dense(2)],
}


def trained(layers: list[md.layers.Layer], kind: str) -> tuple[md.Model, float]:
    x = normal(70, 20, 24)
    y = (x[:, :, 0].sum(axis=1) > 0).astype(np.int64)
    model = md.Model(layers, seed=1, compute_dtype=kind)
    model.compile("adam", md.losses.SparseCategoricalCrossentropy(from_logits=True))
    history = model.fit(x, y, epochs=2, batch_size=16, verbose=0)
    return model, history.history["loss"][-1]


@pytest.mark.share(2)
@kinds
@pytest.mark.parametrize("name", SEQUENCES)
def test_the_same_bits_everywhere(
    name: str, kind: str, same_everywhere: Callable[[Callable[[], Any]], None]
) -> None:
    def bits() -> list[bytes]:
        model, _ = trained(SEQUENCES[name](), kind)
        return [
            np.asarray(w).tobytes()
            for w in [*model.get_weights(), model.predict(normal(9, 20, 24))]
        ]

    same_everywhere(bits)


@kinds
@pytest.mark.parametrize("name", SEQUENCES)
def test_training_is_near_float32s(name: str, kind: str) -> None:
    (model, loss), (exact, expected) = (
        trained(SEQUENCES[name](), one) for one in (kind, "float32")
    )
    assert loss == pytest.approx(expected, rel=5e-3)
    assert not np.array_equal(model.get_weights()[0], exact.get_weights()[0])


@kinds
def test_rows_of_another_shape_in_the_same_memory_are_waited_for(kind: str) -> None:
    x, y = normal(64, 5, 16), np.arange(64) % 5
    layers = [L.Dense(130, "tanh"), L.Dense(130, "tanh"), L.Flatten(), L.Dense(5)]
    model = md.Model(layers, input_shape=(5, 16), seed=2, compute_dtype=kind)
    model.compile("sgd", md.losses.SparseCategoricalCrossentropy(from_logits=True))

    def losses(threads: int, times: int) -> set[Any]:
        with md.runtime.threads(threads):
            return {model.evaluate(x, y, 64, 0) for _ in range(times)}

    assert losses(2, 200) == losses(1, 1)
