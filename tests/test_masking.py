"""Masking and RepeatVector: which steps are there, who heeds it, and an encoder with a decoder."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import mundur as md
import numpy as np
import numpy.typing as npt
import pytest
from mundur import reference

from test_numerics import assert_close, pair_of

Array = npt.NDArray[Any]
L = md.layers
DTYPES = ["float32", "float64"]
TOLERANCE = {"float32": 1e-5, "float64": 1e-12}


def padded(fill: float, batch: int = 7, steps: int = 6, channels: int = 3) -> Array:
    """Sequences with the fill in front, behind, in the middle, nowhere and everywhere."""
    x = np.random.default_rng(0).normal(size=(batch, steps, channels))
    x[1, :2] = x[2, -3:] = x[3, 2:4] = x[4, 1:] = x[5] = fill
    return x


def there(x: Array, fill: float) -> Array:
    return np.asarray((x != fill).any(axis=-1))


def alone(layer: Any, shape: tuple[int, ...], dtype: str = "float64") -> md.Model:
    return md.Model([layer], seed=2, dtype=dtype, input_shape=shape)


# ---- which steps are there ----------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_step_is_there_if_any_channel_differs(dtype: str) -> None:
    x = np.array([[[0, 0], [0, 1], [np.nan, 0], [-0.0, 0.0], [np.nan, np.nan]]], dtype)
    model = alone(L.Masking(), (5, 2), dtype)
    nan = np.nan
    np.testing.assert_array_equal(
        model.forward(x, training=True), [[[0, 0], [0, 1], [nan, 0], [0, 0], [nan, nan]]]
    )
    delta = np.arange(1.0, 11).reshape(1, 5, 2)
    np.testing.assert_array_equal(
        model.backward(delta), delta * [[[0.0], [1.0], [1.0], [0.0], [1.0]]]
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("fill", [0.1, -1e30, 255])
def test_the_value_is_compared_in_the_models_dtype(dtype: str, fill: float) -> None:
    x = padded(fill)
    y = alone(L.Masking(fill), x.shape[1:], dtype).predict(x, verbose=0)
    np.testing.assert_array_equal(y, np.where(there(x, fill)[..., None], x, 0).astype(dtype))


def test_integers_are_masked_without_a_copy_of_the_set() -> None:
    x = np.random.default_rng(1).integers(0, 3, size=(9, 5, 2), dtype=np.uint8)
    y = alone(L.Masking(2), (5, 2)).predict(x, verbose=0)
    np.testing.assert_array_equal(y, np.where(there(x, 2)[..., None], x, 0))


# ---- who heeds it -------------------------------------------------------------------------------

Pieces = list[tuple[str, dict[str, Any]]]
BEHIND: dict[str, Pieces] = {
    "lstm": [("LSTM", {"units": 4})],
    "gru": [("GRU", {"units": 4, "return_sequences": True}), ("LSTM", {"units": 3})],
    "simple_rnn": [("SimpleRNN", {"units": 4, "go_backwards": True})],
    "mean": [("Dense", {"units": 4, "activation": "tanh"}), ("GlobalAveragePooling1D", {})],
    "normalization": [("BatchNormalization", {}), ("GRU", {"units": 2})],
    "another": [
        ("Dense", {"units": 2, "activation": "relu"}),
        ("Masking", {}),
        ("GRU", {"units": 2}),
    ],
}


def trained_pass(native: md.Model, textbook: reference.Model, x: Array, dtype: str) -> None:
    y = native.forward(x, training=True)
    assert_close(y, textbook.forward(x.tolist(), training=True), TOLERANCE[dtype])
    delta = np.random.default_rng(2).normal(size=y.shape).astype(dtype)
    assert_close(native.backward(delta), textbook.backward(delta.tolist()), TOLERANCE[dtype])
    assert native.gradients
    for name, gradient in textbook.gradients.items():
        assert_close(native.gradients[name], gradient, 10 * TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("behind", BEHIND)
def test_the_textbook_proves_what_heeds_the_mask(behind: str, dtype: str) -> None:
    x = padded(-1.0).astype(dtype)
    native, textbook = pair_of(
        [("Masking", {"mask_value": -1.0}), *BEHIND[behind]], x.shape[1:], dtype
    )
    trained_pass(native, textbook, x, dtype)


def nested(kind: Any) -> dict[str, list[Any]]:
    return {
        "both ways": [
            kind.Masking(-1.0),
            kind.Bidirectional(kind.LSTM(3, return_sequences=True)),
            kind.Bidirectional(kind.GRU(2)),
        ],
        "each step": [
            kind.Masking(-1.0),
            kind.TimeDistributed(kind.BatchNormalization()),
            kind.LSTM(3),
        ],
        "around": [kind.Residual([kind.Masking(-1.0)]), kind.LSTM(3)],
        "within": [kind.Residual([kind.Masking(-1.0), kind.LSTM(3, return_sequences=True)])],
        "each vector": [kind.TimeDistributed(kind.Masking(-1.0)), kind.LSTM(3)],
    }


def of_sentences(kind: Any) -> dict[str, list[Any]]:
    def each(layer: Any) -> Any:
        return kind.TimeDistributed(layer)

    return {
        "a vector": [each(kind.LSTM(3)), kind.GRU(2)],
        "vectors": [each(kind.GRU(3, return_sequences=True)), each(kind.LSTM(2)), kind.LSTM(2)],
        "means": [kind.Dense(3), each(kind.GlobalAveragePooling1D()), kind.LSTM(2)],
        "moments": [each(kind.BatchNormalization()), each(kind.LSTM(2))],
        "rows of rows": [each(each(kind.Dense(2, "tanh"))), each(kind.SimpleRNN(2)), kind.LSTM(2)],
        "pooled": [each(kind.MaxPooling1D(3)), each(kind.LSTM(2)), kind.LSTM(2)],
        "turned": [each(kind.Permute((2, 1))), each(kind.LSTM(2)), kind.LSTM(2)],
    }


@pytest.mark.filterwarnings("ignore:.*drops the mask")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", of_sentences(L))
def test_the_textbook_proves_masks_of_words_in_sentences(name: str, dtype: str) -> None:
    """What reads words heeds their mask; behind it, there is none of a sentence's steps."""
    x = padded(-1.0, batch=8, steps=6).reshape(4, 2, 6, 3).astype(dtype)

    def layers(kind: Any) -> list[Any]:
        return [kind.Masking(-1.0), *of_sentences(kind)[name]]

    native = md.Model(layers(L), seed=1, dtype=dtype, input_shape=x.shape[1:])
    textbook = reference.Model(layers(reference.layers), input_shape=x.shape[1:])
    textbook.set_parameters({n: value.tolist() for n, value in native.parameters.items()})
    trained_pass(native, textbook, x, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", nested(L))
def test_the_textbook_proves_it_among_layers_that_hold_layers(name: str, dtype: str) -> None:
    x = padded(-1.0).astype(dtype)
    native = md.Model(nested(L)[name], seed=1, dtype=dtype, input_shape=x.shape[1:])
    textbook = reference.Model(nested(reference.layers)[name], input_shape=x.shape[1:])
    textbook.set_parameters({n: value.tolist() for n, value in native.parameters.items()})
    trained_pass(native, textbook, x, dtype)


def test_a_mask_of_words_that_a_step_s_layer_drops_is_told() -> None:
    def model(*layers: Any) -> md.Model:
        return md.Model([L.Embedding(9, 2, mask_zero=True), *layers], seed=0, input_shape=(2, 4))

    with pytest.warns(UserWarning, match=r"TimeDistributed.*drops the mask"):
        assert not model(L.TimeDistributed(L.MaxPooling1D(2))).masks_output
    assert not model(L.TimeDistributed(L.LSTM(3))).masks_output
    assert model(L.TimeDistributed(L.LSTM(3, return_sequences=True))).masks_output
    assert model(L.TimeDistributed(L.TimeDistributed(L.Dense(3)))).masks_output


def test_what_padding_is_made_of_changes_no_bit() -> None:
    results = []
    for fill in (0.0, -7.0):
        x = padded(fill, batch=40)
        model = md.Model([L.Masking(fill), L.LSTM(5), L.Dense(1)], seed=0)
        model.compile("adam", "mse")
        model.fit(x, np.ones((40, 1)), batch_size=16, epochs=2, verbose=0)
        results.append([w.tobytes() for w in (*model.get_weights(), model.predict(x, verbose=0))])
    assert results[0] == results[1]


def test_the_loss_leaves_out_what_is_not_there() -> None:
    x = padded(0.0)
    y = np.random.default_rng(3).normal(size=(*x.shape[:2], 2))
    model = md.Model([L.Masking(), L.TimeDistributed(L.Dense(2))], seed=0, dtype="float64")
    model.compile("sgd", "mse")
    off = (model.predict(x, verbose=0) - y)[there(x, 0.0)]
    assert model.evaluate(x, y, verbose=0) == pytest.approx((off**2).mean(), rel=1e-12)
    other = y.copy()
    other[~there(x, 0.0)] = 1e6
    weights = []
    for targets in (y, other):
        again = md.Model([L.Masking(), L.TimeDistributed(L.Dense(2))], seed=0, dtype="float64")
        again.compile("sgd", "mse")
        again.fit(x, targets, epochs=2, verbose=0)
        weights.append([w.tobytes() for w in again.get_weights()])
    assert weights[0] == weights[1]


def test_a_vector_of_nothing_but_the_value_is_no_sample() -> None:
    """As in Keras, samples of one axis are there or not."""
    x = np.array([[1.0, 2.0], [0.0, 0.0], [3.0, 0.0]])
    y = np.array([[1.0], [50.0], [2.0]])
    model = md.Model([L.Masking(), L.Dense(1)], seed=0, dtype="float64")
    model.compile("sgd", "mse")
    off = (model.predict(x, verbose=0) - y)[[0, 2]]
    assert model.evaluate(x, y, verbose=0) == pytest.approx((off**2).mean(), rel=1e-12)


def test_its_mask_takes_the_place_of_an_embeddings() -> None:
    table = [[9.0, 9.0], [0.0, 0.0], [1.0, 2.0]]
    ids = [[0, 1, 2], [1, 1, 1]]
    model = md.Model(
        [
            L.Embedding(3, 2, embeddings_initializer=table, mask_zero=True),
            L.Masking(),
            L.GlobalAveragePooling1D(),
        ],
        seed=0,
    )
    np.testing.assert_array_equal(model.predict(ids, verbose=0), [[5.0, 5.5], [0.0, 0.0]])


def test_explain_and_verify_see_through_it() -> None:
    x, y = padded(-1.0), np.ones((7, 1))
    model = md.Model([L.Masking(-1), L.LSTM(3), L.Dense(1)], seed=0, dtype="float64")
    model.compile("sgd", "mse")
    shown = model.explain(x, y)
    is_there = there(x, -1.0)[..., None]
    np.testing.assert_array_equal(shown["masking"].a, np.where(is_there, x, 0))
    np.testing.assert_array_equal(shown["masking"].dx[~is_there[..., 0]], 0)
    assert shown["masking"].dx.any()
    assert model.verify(x, y).passed
    assert model.check_gradients(x, y).passed


# ---- RepeatVector -------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_vector_at_every_step_and_back_their_sum_in_order(dtype: str) -> None:
    x = np.random.default_rng(0).normal(size=(3, 5)).astype(dtype)
    model = alone(L.RepeatVector(400), (5,), dtype)
    y = model.forward(x, training=True)
    np.testing.assert_array_equal(y, np.repeat(x[:, None], 400, axis=1))
    delta = np.random.default_rng(1).normal(size=y.shape).astype(dtype)
    expected = delta[:, 0].copy()
    for t in range(1, 400):
        expected += delta[:, t]
    np.testing.assert_array_equal(model.backward(delta), expected)


def test_an_encoder_and_a_decoder_learn_to_turn_a_sequence_around() -> None:
    x = np.random.default_rng(0).normal(size=(256, 4, 1)).astype(np.float32)
    model = md.Model(
        [
            L.LSTM(24),
            L.RepeatVector(4),
            L.LSTM(24, return_sequences=True),
            L.TimeDistributed(L.Dense(1)),
        ],
        seed=0,
    )
    model.compile(md.optimizers.Adam(1e-2), "mse")
    losses = model.fit(x, x[:, ::-1], epochs=60, verbose=0).history["loss"]
    assert losses[-1] < 0.15 * losses[0]
    assert model.verify(x[:3], x[:3, ::-1]).passed
    assert "repeat_vector" in str(model.explain(x[:2], x[:2]))


def test_a_mask_of_vectors_ends_at_repeat_vector() -> None:
    with pytest.warns(UserWarning, match=r"RepeatVector.*drops the mask.*without Masking"):
        md.Model([L.Masking(), L.RepeatVector(2)], seed=0, input_shape=(3,)).build()


# ---- around them --------------------------------------------------------------------------------


def test_they_are_saved_copied_and_summarised() -> None:
    x = padded(-2.0)
    layers = [L.Masking(-2, name="holes"), L.LSTM(3), L.RepeatVector(5), L.GRU(2)]
    model = md.Model(layers, seed=0, input_shape=x.shape[1:])
    model.compile("adam", "mse")
    model.fit(x, np.zeros((7, 2)), verbose=0)
    again = pickle.loads(pickle.dumps(model))
    assert repr(again.layers) == repr(model.layers)
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
    lines: list[str] = []
    model.summary(print_fn=lines.append)
    text = "\n".join(lines)
    assert "holes (Masking)" in text and "repeat_vector (RepeatVector)" in text


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: L.Masking("x"), TypeError, "mask_value must be a number; got 'x'"),
        (lambda: L.Masking(None), TypeError, "mask_value must be a number; got None"),
        (lambda: L.Masking(True), TypeError, "mask_value must be a number; got True"),
        (lambda: L.Masking(np.nan), ValueError, "mask_value must be a finite number; got nan"),
        (lambda: L.Masking(value=3), TypeError, "value"),
        (lambda: L.RepeatVector(0), ValueError, "n must be >= 1; got 0"),
        (lambda: L.RepeatVector(-3), ValueError, "n must be >= 1; got -3"),
        (lambda: L.RepeatVector(1.5), TypeError, r"n must be an integer; got 1.5 \(float\)"),
        (lambda: L.RepeatVector(True), TypeError, r"n must be an integer; got True \(bool\)"),
        (lambda: L.RepeatVector("2"), TypeError, "n must be an integer; got '2'"),
        (lambda: L.RepeatVector(2**63), ValueError, "n must be <= 9223372036854775807"),
        (
            lambda: alone(L.RepeatVector(2), (3, 4)),
            ValueError,
            r"shape \(channels,\), got \(3, 4\)",
        ),
    ],
)
def test_bad_arguments(make: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize("n", [2**40, 2**61, 2**63 - 1])
def test_more_steps_than_memory_holds(n: int) -> None:
    with pytest.raises(MemoryError, match="GiB"):
        alone(L.RepeatVector(n), (4,)).build()


def test_more_samples_of_many_steps_than_memory_holds() -> None:
    model = md.Model([L.RepeatVector(10**7), L.GlobalMaxPooling1D()], seed=0, input_shape=(1,))
    with pytest.raises(MemoryError):
        model.forward(np.zeros((10**5, 1), np.float32))
