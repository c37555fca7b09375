"""Pooling, reshaping, TimeDistributed: laws, masks, bad input, and what Keras makes of them."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import mundur as md
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mundur import reference

from test_numerics import assert_close, teach

Array = npt.NDArray[Any]
L = md.layers


def alone(layer: Any, shape: tuple[int, ...], dtype: str = "float64") -> md.Model:
    return md.Model([layer], seed=2, dtype=dtype, input_shape=shape)


def normal(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=shape)


# ---- laws ---------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_the_gradient_of_pooling_keeps_its_sum(data: st.DataObject) -> None:
    steps, channels, size = (data.draw(st.integers(1, most)) for most in (20, 20, 6))
    kind = data.draw(st.sampled_from([L.MaxPooling1D, L.AveragePooling1D]))
    padding = "same" if size > steps else data.draw(st.sampled_from(["valid", "same"]))
    model = alone(kind(size, data.draw(st.integers(1, 6)), padding), (steps, channels))
    x = normal(3, steps, channels, seed=steps)
    delta = normal(*model.forward(x).shape, seed=size)
    np.testing.assert_allclose(
        model.backward(delta).sum(axis=1), delta.sum(axis=1), rtol=1e-12, atol=1e-12
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_first_maximum_counts_and_nan_wins(dtype: str) -> None:
    model = alone(L.MaxPooling1D(4), (4, 3), dtype)
    nan = np.nan
    x = np.array([[[1, 5, 0], [1, nan, -0.0], [0, 7, 0], [1, nan, 0]]], dtype)
    y = model.forward(x)
    np.testing.assert_array_equal(y, [[[1, nan, 0]]])
    np.testing.assert_array_equal(
        model.backward([[[1, 2, 3]]]), [[[1, 0, 3], [0, 2, 0], [0, 0, 0], [0, 0, 0]]]
    )
    whole = alone(L.GlobalMaxPooling1D(), (4, 3), dtype)
    np.testing.assert_array_equal(whole.forward(x), y[:, 0])


def test_a_mean_of_equal_numbers_is_that_number() -> None:
    for steps in range(1, 70):
        x = np.full((1, steps, 2), 0.5, np.float32)
        y = alone(L.GlobalAveragePooling1D(), (steps, 2), "float32").predict(x, verbose=0)
        np.testing.assert_array_equal(y, 0.5)


def test_reshape_and_permute_are_undone() -> None:
    x = normal(3, 4, 6)
    there_and_back = md.Model(
        [L.Reshape((2, -1)), L.Reshape((4, 6)), L.Permute((2, 1)), L.Permute((2, 1))],
        input_shape=(4, 6),
        dtype="float64",
        seed=0,
    )
    np.testing.assert_array_equal(there_and_back.forward(x), x)
    np.testing.assert_array_equal(there_and_back.backward(x), x)
    turned = alone(L.Permute((3, 1, 2)), (2, 3, 5))
    x = normal(4, 2, 3, 5)
    np.testing.assert_array_equal(turned.forward(x), x.transpose(0, 3, 1, 2))


def test_a_dropped_channel_is_dropped_in_all_steps() -> None:
    layer = L.SpatialDropout1D(0.5, seed=3)
    model = alone(layer, (7, 100))
    x = np.ones((40, 7, 100))
    y = model.forward(x, training=True)
    np.testing.assert_array_equal(y, np.broadcast_to(y[:, :1], y.shape))
    assert set(np.unique(y)) == {0.0, 2.0}
    assert abs((y[:, 0] == 0).mean() - 0.5) < 0.03
    np.testing.assert_array_equal(model.backward(x), y)
    np.testing.assert_array_equal(model.predict(x, verbose=0), x)


def test_padding_zeros_is_a_convolutions_same() -> None:
    padded = md.Model(
        [L.ZeroPadding1D(1), L.Conv1D(3, 3)], input_shape=(9, 2), dtype="float64", seed=1
    )
    same = md.Model([L.Conv1D(3, 3, padding="same")], input_shape=(9, 2), dtype="float64", seed=1)
    same.set_weights(padded.get_weights())
    x = normal(2, 9, 2)
    np.testing.assert_allclose(padded.forward(x), same.forward(x), rtol=1e-12)


# ---- masks --------------------------------------------------------------------------------------


def masked(*layers: Any, dtype: str = "float64") -> md.Model:
    embedding = L.Embedding(5, 3, mask_zero=True)
    return md.Model([embedding, *layers], input_shape=(6,), dtype=dtype, seed=0)


IDS = np.array([[1, 2, 0, 3, 0, 0], [4, 4, 4, 4, 4, 4], [0, 0, 0, 0, 0, 0]])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_mean_is_over_the_steps_that_are_there(dtype: str) -> None:
    model = masked(L.Dense(4, "tanh"), L.GlobalAveragePooling1D(), dtype=dtype)
    kind = reference.layers
    textbook = reference.Model(
        [
            kind.Embedding(5, 3, mask_zero=True),
            kind.Dense(4, "tanh"),
            kind.GlobalAveragePooling1D(),
        ],
        input_shape=(6,),
    )
    teach(textbook, model)
    tolerance = {"float32": 1e-5, "float64": 1e-12}[dtype]
    y = model.forward(IDS, training=True)
    assert_close(y, textbook.forward(IDS.tolist()), tolerance)
    np.testing.assert_array_equal(y[2], 0.0)
    delta = normal(*y.shape)
    model.backward(delta)
    textbook.backward(delta.tolist())
    for name, gradient in textbook.gradients.items():
        assert_close(model.gradients[name], gradient, tolerance)


def test_steps_that_are_not_there_change_nothing() -> None:
    model = masked(L.TimeDistributed(L.Dense(4)), L.GlobalAveragePooling1D())
    y = model.predict(IDS, verbose=0)
    model.parameters["embedding/embeddings"][0] = np.nan
    np.testing.assert_array_equal(model.predict(IDS, verbose=0), y)


@pytest.mark.parametrize(
    "layer",
    [
        *(L.Conv1D(2, 3), L.MaxPooling1D(), L.AveragePooling1D(2), L.GlobalMaxPooling1D()),
        *(L.Reshape((9, 2)), L.Permute((2, 1)), L.ZeroPadding1D()),
    ],
    ids=repr,
)
def test_who_drops_a_mask_says_so(layer: Any) -> None:
    with pytest.warns(UserWarning, match=f"{type(layer).__name__}.*drops the mask") as caught:
        masked(copy.deepcopy(layer), L.Flatten()).build()
    assert len(caught) == 1


# ---- TimeDistributed ----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_dense_on_every_step_is_dense_to_the_bit(dtype: str) -> None:
    """With the seams to its neighbours, an update within the pass, and frozen parts."""

    def trained(wrap: bool) -> list[Array]:
        dense = L.Dense(6, "relu", kernel_regularizer="l2", name="dense")
        step: Any = L.TimeDistributed(dense, name="steps") if wrap else dense
        head: Any = L.Dense(3, "softmax")
        model = md.Model(
            [
                L.Dense(5, "tanh", name="first"),
                step,
                L.TimeDistributed(head) if wrap else head,
                L.Flatten(),
                L.Dense(2),
            ],
            seed=3,
            dtype=dtype,
            input_shape=(4, 3),
        )
        rng = np.random.default_rng(0)
        for value in model.parameters.values():
            value[...] = rng.normal(size=value.shape)
        model.compile("adam", "mse")
        model.freeze("*bias")
        model.fit(normal(40, 4, 3), normal(40, 2), batch_size=16, epochs=2, verbose=0)
        return model.get_weights()

    for got, expected in zip(trained(True), trained(False), strict=True):
        np.testing.assert_array_equal(got, expected)


def wrapped(kind: Any) -> list[Any]:
    return [
        kind.TimeDistributed(kind.Conv1D(4, 2, padding="same", activation="relu")),
        kind.TimeDistributed(kind.BatchNormalization()),
        kind.TimeDistributed(kind.MaxPooling1D(2)),
        kind.TimeDistributed(kind.TimeDistributed(kind.Dense(3, "gelu"))),
        kind.TimeDistributed(kind.Flatten()),
    ]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_textbook_proves_time_distributed(dtype: str, training: bool) -> None:
    model = md.Model(wrapped(L), seed=1, dtype=dtype, input_shape=(3, 5, 2))
    textbook = reference.Model(wrapped(reference.layers), input_shape=(3, 5, 2))
    teach(textbook, model)
    assert list(model.parameters) == list(textbook.parameters)
    x = normal(4, 3, 5, 2).astype(dtype)
    tolerance = {"float32": 3e-5, "float64": 1e-12}[dtype]
    y = model.forward(x, training=training)
    assert_close(y, textbook.forward(x.tolist(), training), tolerance)
    delta = normal(*y.shape, seed=1).astype(dtype)
    assert_close(model.backward(delta), textbook.backward(delta.tolist()), tolerance)
    for name, gradient in textbook.gradients.items():
        assert_close(model.gradients[name], gradient, tolerance)
    for name, value in textbook.state.items():
        assert_close(model.state[name], value, tolerance)


def test_it_is_saved_with_what_it_holds() -> None:
    model = md.Model(
        [*wrapped(L), L.TimeDistributed(L.Dense(2, name="mine"), name="last")],
        seed=1,
        input_shape=(3, 5, 2),
    )
    model.freeze("time_distributed_1/*")
    again = pickle.loads(pickle.dumps(model))
    assert repr(again.layers) == repr(model.layers)
    assert again.trainable_parameters == model.trainable_parameters
    assert "last/mine/kernel" in again.parameters
    x = normal(4, 3, 5, 2)
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
    assert again.layers[0].layer.kernel.shape == (2, 2, 4)


# ---- a whole network ----------------------------------------------------------------------------


def test_a_text_network_has_the_same_bits_everywhere(same_everywhere: Any) -> None:
    rng = np.random.default_rng(0)
    ids, y = rng.integers(0, 30, size=(150, 40)), rng.integers(0, 2, size=150)

    def trained() -> list[bytes]:
        layers = [
            L.Embedding(30, 16),
            L.SpatialDropout1D(0.2),
            L.Conv1D(24, 5, activation="relu"),
            L.MaxPooling1D(4),
            L.Conv1D(9, 3, padding="same", activation="relu"),
            L.AveragePooling1D(2, padding="same"),
            L.GlobalMaxPooling1D(),
            L.Dense(1),
        ]
        model = md.Model(layers, seed=4)
        model.compile("adam", md.losses.BinaryCrossentropy(from_logits=True))
        model.fit(ids, y, batch_size=64, epochs=2, verbose=0)
        return [w.tobytes() for w in (*model.get_weights(), model.predict(ids, verbose=0))]

    same_everywhere(trained)


# ---- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: L.MaxPooling1D(0), "pool_size must be >= 1"),
        (lambda: L.MaxPooling1D(padding="causal"), "unknown padding 'causal'"),
        (lambda: L.AveragePooling1D(2, strides=0), "strides must be >= 1"),
        (lambda: L.GlobalMaxPooling1D("channels_first"), "Permute"),
        (lambda: L.SpatialDropout1D(1.0), "rate must be a finite number >= 0 and < 1"),
        (lambda: L.Reshape((0, 3)), "target_shape must have positive extents"),
        (lambda: L.Reshape((-1, -1)), "one of them -1 at most"),
        (lambda: L.Reshape(()), "at least one extent"),
        (lambda: L.Permute((0, 1)), r"dims must be 1, 2, \.\.\. in some order; got \(0, 1\)"),
        (lambda: L.ZeroPadding1D((1, 2, 3)), "padding must be an integer or"),
        (lambda: L.ZeroPadding1D(-1), "padding must be >= 0"),
        (lambda: L.TimeDistributed(L.Embedding(3, 2)), "takes ids"),
    ],
)
def test_bad_arguments(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (L.MaxPooling1D(5, name="pool"), (4, 2), "pool: pool_size=5 needs 5 steps.*have 4"),
        (L.MaxPooling1D(), (4,), r"must have shape \(steps, channels\), got \(4,\)"),
        (L.GlobalAveragePooling1D(), (4, 2, 2), r"put Reshape\(\(4, -1\)\)"),
        (L.SpatialDropout1D(0.1), (4,), "must have shape"),
        (L.Reshape((5, -1)), (4, 2), "have 8 numbers, which do not fill"),
        (L.Reshape((5, 2)), (4, 2), "have 8 numbers, which do not fill"),
        (L.Permute((1,)), (4, 2), "samples of rank 1"),
        (L.ZeroPadding1D(), (4,), "must have shape"),
        (L.TimeDistributed(L.Dense(1)), (4,), r"must have shape \(steps, ...\), got \(4,\)"),
        (L.TimeDistributed(L.MaxPooling1D(3)), (9, 2, 2), "pool_size=3 needs 3 steps"),
    ],
    ids=lambda value: repr(value),
)
def test_samples_that_do_not_fit(layer: Any, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        md.Model([copy.deepcopy(layer)], seed=0, input_shape=shape)


@pytest.mark.parametrize(
    ("before", "layer"),
    [
        (L.LSTM(4, name="first"), L.LSTM(4)),
        (L.Bidirectional(L.GRU(4), name="first"), L.SimpleRNN(4)),
        (L.SimpleRNN(4, name="first"), L.Conv1D(4, 3)),
        (L.SimpleRNN(4, name="first"), L.TimeDistributed(L.Dense(4))),
    ],
)
def test_a_last_step_is_no_sequence(before: Any, layer: Any) -> None:
    layers = [L.Embedding(5, 4), before, layer]
    with pytest.raises(ValueError, match=r"wants a sequence.* set return_sequences=True in first"):
        md.Model(layers, input_shape=(7,))
    with pytest.raises(ValueError, match="have 4 numbers, which do not fill"):  # or 28
        md.Model([L.LSTM(4), L.Reshape((3, 2))], input_shape=(7, 1))


# ---- Keras --------------------------------------------------------------------------------------


@pytest.mark.keras
@pytest.mark.parametrize(
    ("name", "arguments", "shape"),
    [
        ("MaxPooling1D", {}, (9, 4)),
        ("MaxPooling1D", {"pool_size": 3, "strides": 2, "padding": "same"}, (9, 4)),
        ("AveragePooling1D", {"pool_size": 3, "strides": 2}, (9, 4)),
        # With uneven padding Keras on PyTorch counts the last step twice; on others as here.
        ("AveragePooling1D", {"pool_size": 3, "strides": 1, "padding": "same"}, (9, 4)),
        ("GlobalMaxPooling1D", {}, (9, 4)),
        ("GlobalAveragePooling1D", {"keepdims": True}, (9, 4)),
        ("Reshape", {"target_shape": (-1, 6)}, (9, 4)),
        ("Permute", {"dims": (2, 1)}, (9, 4)),
        ("ZeroPadding1D", {"padding": (2, 1)}, (9, 4)),
    ],
    ids=str,
)
def test_keras(name: str, arguments: dict[str, Any], shape: tuple[int, ...]) -> None:
    keras = pytest.importorskip("keras", reason="install the extra 'keras'")
    torch = pytest.importorskip("torch", reason="Keras's gradients are PyTorch's here")
    model = alone(getattr(L, name)(**arguments), shape, "float32")
    x = normal(3, *shape).astype(np.float32)
    tensor = torch.tensor(x, requires_grad=True)
    expected = getattr(keras.layers, name)(**arguments)(tensor)
    y = model.forward(x)
    np.testing.assert_allclose(y, expected.detach().numpy(), rtol=0, atol=1e-6)
    delta = normal(*y.shape, seed=1).astype(np.float32)
    expected.backward(torch.tensor(delta))
    np.testing.assert_allclose(model.backward(delta), tensor.grad.numpy(), rtol=0, atol=1e-6)


@pytest.mark.keras
def test_keras_takes_the_mean_over_the_same_steps() -> None:
    keras = pytest.importorskip("keras", reason="install the extra 'keras'")
    model = masked(L.GlobalAveragePooling1D(), dtype="float32")
    embedding = keras.layers.Embedding(5, 3, mask_zero=True)
    there = IDS[:2]  # without any step Keras gives NaN
    embedding.build(there.shape)
    embedding.set_weights(model.get_weights())
    mean = keras.layers.GlobalAveragePooling1D()
    expected = mean(embedding(there), mask=embedding.compute_mask(there))
    np.testing.assert_allclose(
        model.predict(there, verbose=0), expected.detach().numpy(), rtol=0, atol=1e-5
    )


def test_explain_and_verify_know_these_layers() -> None:
    model = md.Model(
        [
            L.Embedding(9, 4),
            L.Conv1D(5, 3, activation="relu", padding="same"),
            L.MaxPooling1D(2),
            L.TimeDistributed(L.Dense(3, "tanh")),
            L.Permute((2, 1)),
            L.Reshape((-1,)),
            L.Dense(1),
        ],
        input_shape=(6,),
        dtype="float64",
        seed=0,
    )
    x, y = np.arange(18).reshape(3, 6) % 9, np.ones((3, 1))
    explanation = model.explain(x, y, loss="mse")
    assert explanation["conv1d"].z.shape == (3, 6, 5)
    assert "conv1d: Conv1D" in str(explanation)
    assert model.verify(x, y, loss="mse").passed
    assert model.check_gradients(x, y, loss="mse").passed


# ---- layers within layers -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "inner",
    [
        lambda: md.layers.LSTM(5),
        lambda: md.layers.GRU(3, return_sequences=True),
        lambda: md.layers.Bidirectional(md.layers.LSTM(4)),
        lambda: md.layers.Residual([md.layers.SimpleRNN(8, return_sequences=True)]),
        lambda: md.layers.Conv1D(4, 3),
        lambda: md.layers.LayerNormalization(),
    ],
)
def test_what_is_within_predicts_what_it_learns(inner: Callable[[], md.Layer]) -> None:
    """An inference keeps less of each step; a wrapper must hand that on."""
    x = np.random.default_rng(0).normal(size=(300, 5, 40, 8)).astype(np.float32)
    model = md.Model(
        [md.layers.TimeDistributed(inner()), md.layers.Flatten(), md.layers.Dense(1)],
        seed=0,
        input_shape=x.shape[1:],
    )
    expected = model.forward(x[:20])
    np.testing.assert_array_equal(model.predict(x[:20], verbose=0), expected)
    assert model.predict(x, batch_size=300, verbose=0).shape == (300, 1)
    model.compile("adam", "mse")
    model.evaluate(x, np.zeros(300), verbose=0)


@pytest.mark.parametrize("most", [2**31, 2**61, 2**62, 2**63 - 1])
def test_windows_too_large_to_count_are_refused(most: int) -> None:
    for layer in (
        lambda: md.layers.MaxPooling1D(2, strides=most, padding="same"),
        lambda: md.layers.MaxPooling1D(most, padding="same"),
        lambda: md.layers.AveragePooling1D(most, strides=most, padding="same"),
        lambda: md.layers.Conv1D(2, 3, strides=most, padding="same"),
        lambda: md.layers.Conv1D(2, 3, dilation_rate=most, padding="causal"),
        lambda: md.layers.Conv1D(2, 2**30, dilation_rate=2**30, padding="same"),
    ):
        with pytest.raises((ValueError, MemoryError)):
            md.Model([layer()], seed=0, input_shape=(4, 2)).build()
