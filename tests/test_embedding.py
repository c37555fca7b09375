"""Embedding and its ids: how they come in, what is no id, how rows learn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mundur as md
import numpy as np
import numpy.typing as npt
import pytest

from states import training_state

Array = npt.NDArray[Any]
INTEGERS = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]


def model_of(ids: int = 50, **arguments: Any) -> md.Model:
    layers = [
        md.layers.Embedding(ids, 8, **arguments),
        md.layers.Flatten(),
        md.layers.Dense(1, "sigmoid"),
    ]
    return md.Model(layers, seed=1, input_shape=(6,))


def data_of(ids: int = 50, samples: int = 40) -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    x = rng.integers(0, ids, size=(samples, 6))
    return x, (x.sum(axis=1) % 2).astype(float)


@pytest.mark.parametrize("dtype", [*INTEGERS, "float16", "float32", "float64"])
def test_ids_of_every_dtype_are_the_same_ids(dtype: str) -> None:
    x, _ = data_of()
    expected = model_of().predict(x, verbose=0)
    np.testing.assert_array_equal(model_of().predict(x.astype(dtype), verbose=0), expected)
    np.testing.assert_array_equal(model_of().forward(x.astype(dtype)), expected)


def test_ids_in_any_layout() -> None:
    x, _ = data_of()
    expected = model_of().predict(x, verbose=0)
    wide = np.zeros((40, 12), np.int16)
    wide[:, ::2] = x
    frozen = np.asfortranarray(x)
    frozen.flags.writeable = False
    for other in (wide[:, ::2], frozen, x[::-1].copy()[::-1], x.tolist()):
        np.testing.assert_array_equal(model_of().predict(other, verbose=0), expected)


def test_ids_never_pass_through_floats() -> None:
    """2**24 + 1 has no float32."""
    far = 2**24 + 1
    model = md.Model([md.layers.Embedding(far + 1, 1, "zeros")], seed=0, input_shape=(1,))
    model.parameters["embedding/embeddings"][far] = 7
    assert model.predict([[far]], verbose=0).item() == 7
    assert model.predict([[far - 1]], verbose=0).item() == 0
    model.forward(np.array([[far]]), training=True)
    model.backward([[[2.0]]])
    gradient = model.gradients["embedding/embeddings"]
    assert gradient[far] == 2 and gradient[far - 1] == 0


@pytest.mark.parametrize("wrong", [50, -1, 2**40, 2.5, np.nan, np.inf])
def test_what_is_no_id_is_named(wrong: float) -> None:
    x, y = data_of()
    bad = x.astype(float if isinstance(wrong, float) else np.int64)
    bad[17, 3] = wrong
    where = (
        rf"ids, whole numbers from 0 to 49 .*input_dim is 50.*got {wrong}.* at sample 17, step 3"
    )
    model = model_of()
    model.compile("adam", "binary_crossentropy")
    before = model.get_weights()
    for call in (
        lambda: model.predict(bad, verbose=0),
        lambda: model.forward(bad),
        lambda: model.evaluate(bad, y, verbose=0),
        lambda: model.fit(bad, y, verbose=0),
        lambda: model.fit(bad, y, verbose=0, allow_nonfinite=True),
        lambda: model.fit(x, y, validation_data=(bad, y), verbose=0),
        lambda: model.train_on_batch(bad, y),
    ):
        with pytest.raises(ValueError, match=where):
            call()
    for now, then in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_ragged_lists_and_text_are_told_how_to_become_ids() -> None:
    model = model_of()
    with pytest.raises(ValueError, match="pad_sequences"):
        model.predict([[1, 2], [3]], verbose=0)
    with pytest.raises(TypeError, match="pad_sequences"):
        model.predict(np.array([[1, 2], [3]], dtype=object), verbose=0)
    with pytest.raises(TypeError, match=r"mundur\.text"):
        model.predict(["a sentence"], verbose=0)


def test_it_must_be_the_first_layer() -> None:
    with pytest.raises(ValueError, match="first layer"):
        md.Model([md.layers.Dense(2), md.layers.Embedding(3, 2)], input_shape=(4,)).build()


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"input_dim": 0, "output_dim": 2}, "input_dim"),
        ({"input_dim": 3, "output_dim": 2.5}, "output_dim"),
        ({"input_dim": 2**31, "output_dim": 2}, "input_dim"),
        ({"input_dim": 3, "output_dim": 2, "mask_zero": "yes"}, "mask_zero"),
        ({"input_dim": 3, "output_dim": 2, "weights": [[1.0, 2.0]]}, r"weights.*\(3, 2\)"),
        ({"input_dim": 3, "output_dim": 2, "input_length": 0}, "input_length"),
        ({"input_dim": 3, "output_dim": 2, "embedding_dim": 2}, "embedding_dim"),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, Any], match: str) -> None:
    with pytest.raises((TypeError, ValueError), match=match):
        md.layers.Embedding(**arguments)


def test_keras_other_ways_to_say_it() -> None:
    table = np.arange(6.0).reshape(3, 2)
    for weights in (table, [table]):
        layer = md.layers.Embedding(3, 2, weights=weights, input_length=4)
        model = md.Model([layer], seed=0)
        np.testing.assert_array_equal(model.parameters["embedding/embeddings"], table)
        assert model.input_shape == (4,)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
@pytest.mark.parametrize("clip", [None, 0.01])
def test_fit_is_what_a_loop_by_hand_does(optimizer: str, clip: float | None) -> None:
    """Strip by strip or through memory, rows without occurrences included."""
    x, y = data_of(ids=2000, samples=64)
    fitted, by_hand = model_of(2000), model_of(2000)
    loss = md.losses.MeanSquaredError()
    for model in (fitted, by_hand):
        model.compile(md.optimizers.get(optimizer), loss)
        assert model.optimizer is not None
        model.optimizer.clipnorm = clip
    fitted.fit(x, y, batch_size=16, epochs=3, shuffle=False, verbose=0)
    assert by_hand.optimizer is not None
    for _ in range(3):
        for i in range(0, 64, 16):
            p = by_hand.forward(x[i : i + 16], training=True)
            by_hand.backward(loss.gradient(y[i : i + 16, None], p))
            by_hand.optimizer.step(by_hand)
    for name, value in fitted.parameters.items():
        np.testing.assert_array_equal(value, by_hand.parameters[name], err_msg=name)


@pytest.mark.parametrize("columns", [3, 8, 40])
def test_a_training_has_the_same_bits_everywhere(columns: int, same_everywhere: Any) -> None:
    x, y = data_of(ids=500, samples=700)

    def trained() -> tuple[list[bytes], list[float]]:
        model = md.Model(
            [
                md.layers.Embedding(500, columns, embeddings_regularizer="l2"),
                md.layers.Dense(30, "tanh"),
                md.layers.Flatten(),
                md.layers.Dense(1, "sigmoid"),
            ],
            seed=4,
            input_shape=(6,),
        )
        model.compile("adam", "binary_crossentropy")
        history = model.fit(x, y, batch_size=300, epochs=2, verbose=0)
        return [w.tobytes() for w in model.get_weights()], history.history["loss"]

    same_everywhere(trained)


def test_a_frozen_table_keeps_its_bits() -> None:
    x, y = data_of()
    model = model_of(trainable=False)
    before = model.get_weights()[0]
    model.compile("adam", "binary_crossentropy")
    model.fit(x, y, epochs=2, verbose=0)
    np.testing.assert_array_equal(model.get_weights()[0], before)


def test_memory_maps_of_ids(tmp_path: Path) -> None:
    x, y = data_of()
    np.save(tmp_path / "x.npy", x.astype(np.uint16))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    states = []
    for ids in (x, mapped):
        model = model_of()
        model.compile("adam", "binary_crossentropy")
        model.fit(ids, y, epochs=2, verbose=0)
        states.append(training_state(model)[:2])
    assert states[0] == states[1]


# ---- pad_sequences ------------------------------------------------------------------------------


def test_pad_sequences() -> None:
    pad = md.utils.pad_sequences
    rows = [[1, 2, 3], [4], [], [5, 6, 7, 8]]
    np.testing.assert_array_equal(
        pad(rows), [[0, 1, 2, 3], [0, 0, 0, 4], [0, 0, 0, 0], [5, 6, 7, 8]]
    )
    np.testing.assert_array_equal(
        pad(rows, 2, padding="post", truncating="post", value=9), [[1, 2], [4, 9], [9, 9], [5, 6]]
    )
    assert pad([]).shape == (0, 0)
    assert pad([[], []], 3).shape == (2, 3)
    vectors = pad([np.ones((2, 3)), np.ones((1, 3))], dtype="float32")
    assert vectors.shape == (2, 2, 3) and vectors.dtype == np.float32


@pytest.mark.parametrize(
    ("sequences", "arguments", "match"),
    [
        (5, {}, "sequences must be a list"),
        ("text", {}, "sequences must be a list"),
        ([[1], 2], {}, r"sequences\[1\]"),
        ([[1], "two"], {}, r"sequences\[1\]"),
        ([[1], ["two"]], {}, r"sequences\[1\]"),
        ([np.ones((1, 2)), np.ones((1, 3))], {}, "one shape"),
        ([[1]], {"padding": "left"}, "padding"),
        ([[1]], {"truncating": None}, "truncating"),
        ([[1]], {"maxlen": -1}, "maxlen"),
    ],
)
def test_pad_sequences_names_what_is_wrong(
    sequences: Any, arguments: dict[str, Any], match: str
) -> None:
    with pytest.raises((TypeError, ValueError), match=match):
        md.utils.pad_sequences(sequences, **arguments)


@pytest.mark.parametrize("mask_zero", [False, True])
def test_it_can_be_checked_and_explained(mask_zero: bool) -> None:
    x, y = data_of(ids=9, samples=5)
    model = md.Model(
        [
            md.layers.Embedding(9, 3, mask_zero=mask_zero),
            md.layers.Dense(2, "tanh"),
            md.layers.Dense(1),
        ],
        seed=0,
        input_shape=(6,),
    )
    model.compile("adam", "mse")
    y = np.tile(y[:, None, None], (1, 6, 1))
    assert model.check_gradients(x, y).passed
    assert model.verify(x, y).passed
    table = model.per_sample_gradients(x, y)["embedding/embeddings"]
    assert table.shape == (5, 9, 3)
    assert "embeddings" in model.explain(x, y).table()


@pytest.mark.parametrize(
    "step",
    [md.augment.Noise(0.5), md.augment.Flip(shape=(2, 3)), md.augment.Shift(1, shape=(2, 3))],
)
def test_ids_are_not_changed_as_numbers(step: Any) -> None:
    x, y = data_of()
    model = model_of()
    model.compile("adam", "binary_crossentropy")
    with pytest.raises(ValueError, match="samples are ids"):
        model.fit(x, y, augment=step, verbose=0)


@pytest.mark.parametrize(
    ("row", "dtype"), [([2**32 + 5], "int32"), ([0.7], "int32"), ([300], "uint8"), ([-1], "uint8")]
)
def test_pad_sequences_never_wraps(row: list[float], dtype: str) -> None:
    with pytest.raises(ValueError, match=rf"sequences\[1\].*{dtype} can hold"):
        md.utils.pad_sequences([[1], row], dtype=dtype)
    assert md.utils.pad_sequences([[1], [3.0]])[1] == 3
