"""Conv2D: laws, bad input, and what PyTorch and Keras make of the same weights."""

from __future__ import annotations

from typing import Any

import mundur as md
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mundur import _core, reference

from test_numerics import assert_close, teach

Array = npt.NDArray[Any]
L = md.layers


def conv(
    shape: tuple[int, int, int], *arguments: Any, dtype: str = "float64", **options: Any
) -> Any:
    layer = L.Conv2D(*arguments, bias_initializer="random_normal", **options)
    return md.Model([layer], seed=2, dtype=dtype, input_shape=shape)


def one_pass(model: md.Model, x: Array) -> list[Array]:
    """Output, gradient of the input, and those of the parameters."""
    y = model.forward(x, training=True)
    dx = model.backward(np.random.default_rng(1).normal(size=y.shape))
    return [y, dx, *(np.array(gradient) for gradient in model.gradients.values())]


def assert_same(got: list[Array], expected: list[Array]) -> None:
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_array_equal(one.reshape(other.shape), other)


# ---- laws ---------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_shape_is_the_textbooks(data: st.DataObject) -> None:
    def pair(most: int) -> tuple[int, int]:
        return data.draw(st.integers(1, most)), data.draw(st.integers(1, most))

    batch, groups = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 3))
    channels, filters = (groups * data.draw(st.integers(1, 4)) for _ in range(2))
    image, size, strides = pair(8), pair(4), pair(3)
    dilation = pair(3) if strides == (1, 1) else (1, 1)
    fits = all((s - 1) * d < n for s, d, n in zip(size, dilation, image, strict=True))
    options: dict[str, Any] = {
        "strides": strides,
        "padding": data.draw(st.sampled_from(["same", "valid"] if fits else ["same"])),
        "dilation_rate": dilation,
        "groups": groups,
        "activation": data.draw(st.sampled_from(["linear", "relu", "tanh", "softmax"])),
    }
    model = conv((*image, channels), filters, size, **options)
    textbook = reference.Model(
        [reference.layers.Conv2D(filters, size, **options)], input_shape=(*image, channels)
    )
    teach(textbook, model)
    rng = np.random.default_rng(batch)
    x = rng.normal(size=(batch, *image, channels))
    y = model.forward(x)
    assert_close(y, textbook.forward(x.tolist()), 1e-12)
    delta = rng.normal(size=y.shape)
    assert_close(model.backward(delta), textbook.backward(delta.tolist()), 1e-12)
    for name, gradient in textbook.gradients.items():
        assert_close(model.gradients[name], gradient, 1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch", [3, 300])
def test_one_tap_is_dense_to_the_bit(dtype: str, batch: int) -> None:
    convolution = conv((5, 4, 20), 7, 1, dtype=dtype, activation="relu")
    dense = md.Model([L.Dense(7, "relu")], seed=0, dtype=dtype, input_shape=(5, 4, 20))
    dense.set_weights([convolution.get_weights()[0][0, 0], convolution.get_weights()[1]])
    x = np.random.default_rng(0).normal(size=(batch, 5, 4, 20)).astype(dtype)
    assert_same(one_pass(convolution, x), one_pass(dense, x))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_window_as_large_as_the_image_is_dense_to_the_bit(dtype: str) -> None:
    convolution = conv((5, 6, 3), 9, (5, 6), dtype=dtype)
    dense = md.Model([L.Flatten(), L.Dense(9)], seed=0, dtype=dtype, input_shape=(5, 6, 3))
    kernel, bias = convolution.get_weights()
    dense.set_weights([kernel.reshape(90, 9), bias])
    x = np.random.default_rng(0).normal(size=(40, 5, 6, 3)).astype(dtype)
    assert_same(one_pass(convolution, x), one_pass(dense, x))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("filters", [1, 3, 8])
@pytest.mark.parametrize(
    "options",
    [{}, {"padding": "same"}, {"padding": "same", "strides": 2}, {"dilation_rate": (2, 3)}],
    ids=str,
)
def test_a_few_filters_or_channels_are_those_of_many_to_the_bit(
    filters: int, options: dict[str, Any], dtype: str
) -> None:
    """Lanes that run over pixels, and over filters."""
    many = conv((13, 17, 20), 24, 3, dtype=dtype, **options)
    few = conv((13, 17, 20), filters, 3, dtype=dtype, **options)
    kernel, bias = many.get_weights()
    few.set_weights([kernel[..., :filters], bias[:filters]])
    x = np.random.default_rng(0).normal(size=(3, 13, 17, 20)).astype(dtype)
    y = many.forward(x, training=True)
    np.testing.assert_array_equal(few.forward(x), y[..., :filters])
    thin = conv((13, 17, filters), 24, 3, dtype=dtype, **options)
    thin.set_weights([kernel[:, :, :filters], bias])
    delta = np.random.default_rng(1).normal(size=y.shape).astype(dtype)
    dx = many.backward(delta)
    thin.forward(x[..., :filters], training=True)
    np.testing.assert_array_equal(thin.backward(delta), dx[..., :filters])


@pytest.mark.parametrize("row_or_column", [0, 1])
@pytest.mark.parametrize(
    "options", [{}, {"strides": 2}, {"dilation_rate": 2}, {"groups": 3}], ids=str
)
def test_images_of_one_row_are_sequences(options: dict[str, Any], row_or_column: int) -> None:
    """To the bit, where no window looks beyond the edge."""

    def flat(value: int) -> tuple[int, int]:
        return (1, value) if row_or_column == 0 else (value, 1)

    pairs = {k: v if k == "groups" else flat(v) for k, v in options.items()}
    shape = (*flat(31), 6)
    image = conv((shape[0], shape[1], 6), 9, flat(4), **pairs)
    sequence = md.Model([L.Conv1D(9, 4, **options)], seed=0, dtype="float64", input_shape=(31, 6))
    kernel, bias = image.get_weights()
    sequence.set_weights([kernel.reshape(4, -1, 9), bias])
    x = np.random.default_rng(0).normal(size=(12, 31, 6))
    y, dx, dw, db = one_pass(sequence, x)
    y2, dx2, dw2, db2 = one_pass(image, x.reshape(12, *shape))
    assert_same([y2, dx2, dw2, db2], [y, dx, dw, db])


def test_padding_is_zeros() -> None:
    options: dict[str, Any] = {"padding": "same", "dilation_rate": (2, 1)}
    model = conv((6, 5, 2), 4, 3, **options)
    padded = md.Model(
        [L.Conv2D(4, 3, dilation_rate=(2, 1))], dtype="float64", input_shape=(10, 7, 2)
    )
    padded.set_weights(model.get_weights())
    x = np.random.default_rng(0).normal(size=(3, 6, 5, 2))
    around = np.pad(x, ((0, 0), (2, 2), (1, 1), (0, 0)))
    np.testing.assert_array_equal(model.forward(x), padded.forward(around))


@pytest.mark.parametrize("options", [{}, {"strides": 2}, {"groups": 2}], ids=str)
def test_a_prediction_does_not_depend_on_its_batch_or_threads(
    options: dict[str, Any], full: bool
) -> None:
    model = conv((9, 11, 4), 8, 3, padding="same", activation="relu", dtype="float32", **options)
    x = np.random.default_rng(0).normal(size=(70, 9, 11, 4)).astype(np.float32)
    whole = model.predict(x, batch_size=70, verbose=0)
    for threads in (1, 2, 3, 8) if full else (1, 3):
        _core.set_num_threads(threads)
        try:
            for batch in (1, 3, 64):
                found = model.predict(x, batch_size=batch, verbose=0)
                np.testing.assert_array_equal(found, whole)
        finally:
            _core.set_num_threads(0)


def test_a_training_by_hand_equals_fit() -> None:
    def build() -> md.Model:
        layers = [
            L.Conv2D(8, 3, padding="same", activation="relu", kernel_regularizer="l2"),
            L.Conv2D(6, (3, 2), strides=(2, 1), activation="relu"),
            L.Conv2D(5, 2, dilation_rate=2, activation="tanh", groups=1),
            L.Flatten(),
            L.Dense(3),
        ]
        return md.Model(layers, seed=5, input_shape=(9, 8, 2))

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(50, 9, 8, 2)), rng.integers(0, 3, size=50)
    loss = md.losses.SparseCategoricalCrossentropy(from_logits=True)
    fitted, by_hand, optimizer = build(), build(), md.optimizers.Adam(0.01)
    fitted.compile(md.optimizers.Adam(0.01), loss)
    fitted.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0)
    for start in [0, 16, 32, 48] * 2:
        batch = slice(start, start + 16)
        by_hand.backward(loss.gradient(y[batch], by_hand.forward(x[batch], training=True)))
        optimizer.step(by_hand)
    for name, value in fitted.parameters.items():
        np.testing.assert_array_equal(by_hand.parameters[name], value)


# ---- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"filters": 0}, "filters must be >= 1; got 0"),
        ({"kernel_size": 0}, "kernel_size must be >= 1; got 0"),
        ({"kernel_size": (3, 3, 3)}, r"kernel_size must be an integer, or two: \(rows, columns\)"),
        ({"kernel_size": (3, 0)}, r"kernel_size\[1\] must be >= 1; got 0"),
        ({"padding": "causal"}, "unknown padding 'causal'"),
        ({"data_format": "channels_first"}, r"Permute\(\(2, 3, 1\)\)"),
        ({"strides": (1, 2), "dilation_rate": 2}, "only one of them"),
        ({"groups": 2}, "groups=2 must divide filters=3"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        L.Conv2D(**{"filters": 3, "kernel_size": 2, **arguments})


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((4, 9, 2), {}, "large: kernel_size=5 needs 5 rows, and samples here have 4"),
        ((9, 8, 2), {"dilation_rate": 2}, "large: kernel_size=5 needs 9 columns"),
        ((1, 28, 28), {}, r"Permute\(\(2, 3, 1\)\) brings those of \(channels, rows, columns\)"),
        ((28, 28), {}, r"put Reshape\(\(28, 28, 1\)\) before it, or give x\[..., np.newaxis\]"),
        ((784,), {}, r"put Reshape\(\(28, 28, 1\)\) before it"),
        ((9, 9, 3), {"groups": 2}, "groups=2 must divide the channels, got 3"),
    ],
)
def test_samples_that_do_not_fit(
    shape: tuple[int, ...], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        md.Model([L.Conv2D(2, 5, name="large", **options)], seed=0, input_shape=shape)


# ---- witnesses ----------------------------------------------------------------------------------

OPTIONS: list[dict[str, Any]] = [
    {},
    {"padding": "same"},
    {"padding": "same", "strides": (3, 2)},
    {"strides": 2, "activation": "relu"},
    {"groups": 2, "use_bias": False},
    {"padding": "same", "dilation_rate": (3, 2), "groups": 4, "activation": "tanh"},
]


@pytest.mark.keras
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_keras_with_the_same_weights(options: dict[str, Any]) -> None:
    keras = pytest.importorskip("keras", reason="install the extra 'keras'")
    torch = pytest.importorskip("torch", reason="Keras's gradients are PyTorch's here")
    model = conv((11, 9, 8), 12, (3, 4), dtype="float32", **options)
    layer = keras.layers.Conv2D(12, (3, 4), **options)
    x = np.random.default_rng(0).normal(size=(5, 11, 9, 8)).astype(np.float32)
    tensor = torch.tensor(x, requires_grad=True)
    layer.build(tensor.shape)
    layer.set_weights(model.get_weights())
    y = model.forward(x, training=True)
    expected = layer(tensor)
    np.testing.assert_allclose(y, expected.detach().numpy(), rtol=0, atol=1e-5)
    delta = np.random.default_rng(1).normal(size=y.shape).astype(np.float32)
    expected.backward(torch.tensor(delta))
    np.testing.assert_allclose(model.backward(delta), tensor.grad.numpy(), rtol=0, atol=1e-4)
    for variable, gradient in zip(layer.trainable_variables, model.gradients.values(), strict=True):
        np.testing.assert_allclose(gradient, variable.value.grad.numpy(), rtol=0, atol=1e-4)


@pytest.mark.witness
@pytest.mark.parametrize("strides", [1, 2])
def test_pytorch_with_the_same_weights(strides: int) -> None:
    torch = pytest.importorskip("torch", reason="install the extra 'witness'")
    model = conv((10, 12, 4), 6, 3, strides=strides)
    kernel, bias = model.get_weights()
    x = np.random.default_rng(0).normal(size=(6, 10, 12, 4))
    image = torch.tensor(x.transpose(0, 3, 1, 2), requires_grad=True)
    w, b = (
        torch.tensor(value, requires_grad=True) for value in (kernel.transpose(3, 2, 0, 1), bias)
    )
    expected = torch.nn.functional.conv2d(image, w, b, stride=strides)
    y = model.forward(x, training=True)
    assert_close(y, expected.detach().numpy().transpose(0, 2, 3, 1), 1e-12)
    delta = np.random.default_rng(1).normal(size=y.shape)
    expected.backward(torch.tensor(delta.transpose(0, 3, 1, 2)))
    assert_close(model.backward(delta), image.grad.numpy().transpose(0, 2, 3, 1), 1e-12)
    dw, db = model.gradients.values()
    assert_close(dw, w.grad.numpy().transpose(2, 3, 1, 0), 1e-12)
    assert_close(db, b.grad.numpy(), 1e-12)
