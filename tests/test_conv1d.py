"""Conv1D: laws, bad input, and what PyTorch and Keras make of the same weights."""

from __future__ import annotations

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


def conv(shape: tuple[int, int], *arguments: Any, dtype: str = "float64", **options: Any) -> Any:
    layer = L.Conv1D(*arguments, bias_initializer="random_normal", **options)
    return md.Model([layer], seed=2, dtype=dtype, input_shape=shape)


def one_pass(model: md.Model, x: Array) -> tuple[Array, Array, list[Array]]:
    y = model.forward(x, training=True)
    dx = model.backward(np.random.default_rng(1).normal(size=y.shape))
    return y, dx, [np.array(gradient) for gradient in model.gradients.values()]


# ---- laws ---------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_shape_is_the_textbooks(data: st.DataObject) -> None:
    integers = st.integers
    batch, steps, groups = (data.draw(integers(1, most)) for most in (9, 20, 3))
    channels, filters = (groups * data.draw(integers(1, 5)) for _ in range(2))
    size, strides = data.draw(integers(1, 6)), data.draw(integers(1, 4))
    dilation = data.draw(integers(1, 4)) if strides == 1 else 1
    paddings = ["same", "causal"] + (["valid"] if (size - 1) * dilation < steps else [])
    options: dict[str, Any] = {
        "strides": strides,
        "padding": data.draw(st.sampled_from(paddings)),
        "dilation_rate": dilation,
        "groups": groups,
        "activation": data.draw(st.sampled_from(["linear", "relu", "tanh", "mish", "softmax"])),
    }
    model = conv((steps, channels), filters, size, **options)
    textbook = reference.Model(
        [reference.layers.Conv1D(filters, size, **options)], input_shape=(steps, channels)
    )
    teach(textbook, model)
    rng = np.random.default_rng(batch)
    x = rng.normal(size=(batch, steps, channels))
    y = model.forward(x)
    assert_close(y, textbook.forward(x.tolist()), 1e-12)
    delta = rng.normal(size=y.shape)
    assert_close(model.backward(delta), textbook.backward(delta.tolist()), 1e-12)
    for name, gradient in textbook.gradients.items():
        assert_close(model.gradients[name], gradient, 1e-12)


@pytest.mark.parametrize("padding", ["valid", "same", "causal"])
@pytest.mark.parametrize("activation", ["linear", "relu", "gelu", "softmax"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_one_tap_is_dense_to_the_bit(dtype: str, activation: str, padding: str) -> None:
    options = {"padding": padding, "activation": activation}
    convolution = conv((37, 20), 7, 1, dtype=dtype, **options)
    dense = md.Model([L.Dense(7, activation)], seed=0, dtype=dtype, input_shape=(37, 20))
    dense.set_weights([convolution.get_weights()[0][0], convolution.get_weights()[1]])
    x = np.random.default_rng(0).normal(size=(11, 37, 20)).astype(dtype)
    (y, dx, (dw, db)), expected = one_pass(convolution, x), one_pass(dense, x)
    for got, wanted in zip((y, dx, dw[0], db), (*expected[:2], *expected[2]), strict=True):
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("dilation", [1, 2])
def test_a_causal_output_never_sees_a_later_step(dilation: int) -> None:
    model = conv((12, 3), 4, 3, padding="causal", dilation_rate=dilation)
    x = np.random.default_rng(0).normal(size=(2, 12, 3))
    y = model.forward(x)
    x[:, 7:] = np.nan
    changed = model.forward(x)
    np.testing.assert_array_equal(changed[:, :7], y[:, :7])
    assert np.isnan(changed[:, 7:]).all()


@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("padding", ["same", "causal"])
def test_padding_never_enters_a_sum(padding: str, dilation: int) -> None:
    """0 · inf would be NaN."""
    model = conv((6, 1), 1, 3, padding=padding, dilation_rate=dilation, use_bias=False)
    model.layers[0].kernel[0] = np.inf
    y = model.forward(np.ones((1, 6, 1)))
    assert np.isfinite(y[0, 0]).all()
    assert np.isposinf(y[0, -1]).all()


def test_a_prediction_does_not_depend_on_its_batch() -> None:
    model = conv((40, 5), 9, 4, padding="same", activation="relu", dtype="float32")
    x = np.random.default_rng(0).normal(size=(70, 40, 5)).astype(np.float32)
    whole = model.predict(x, batch_size=70, verbose=0)
    for batch in (1, 3, 64):
        np.testing.assert_array_equal(model.predict(x, batch_size=batch, verbose=0), whole)


def test_a_training_by_hand_equals_fit() -> None:
    """With a seam between two convolutions, and an update within the pass."""

    def build() -> md.Model:
        layers = [
            L.Conv1D(8, 3, padding="same", activation="relu", kernel_regularizer="l2"),
            L.Conv1D(6, 3, strides=2, activation="relu"),
            L.Conv1D(5, 2, dilation_rate=2, activation="tanh"),
            L.Flatten(),
            L.Dense(3),
        ]
        return md.Model(layers, seed=5, input_shape=(20, 4))

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(50, 20, 4)), rng.integers(0, 3, size=50)
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
        ({"kernel_size": (3, 3)}, "kernel_size must be an integer, or a tuple of one"),
        ({"padding": "full"}, "unknown padding 'full'"),
        ({"data_format": "channels_first"}, "Permute"),
        ({"strides": 2, "dilation_rate": 2}, "only one of them"),
        ({"groups": 2}, "groups=2 must divide filters=3"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        L.Conv1D(**{"filters": 3, "kernel_size": 2, **arguments})


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((4, 2), {}, "short: kernel_size=5 needs 5 steps, and samples here have 4"),
        ((8, 2), {"dilation_rate": 2}, "short: kernel_size=5 needs 9 steps"),
        ((9,), {}, r"must have shape \(steps, channels\), got \(9,\); put Reshape\(\(9, 1\)\)"),
        ((9, 2, 2), {}, r"got \(9, 2, 2\); put Reshape\(\(9, -1\)\)"),
        ((9, 3), {"groups": 2}, "groups=2 must divide the channels, got 3"),
    ],
)
def test_samples_that_do_not_fit(
    shape: tuple[int, ...], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        md.Model([L.Conv1D(2, 5, name="short", **options)], seed=0, input_shape=shape)


def test_samples_without_steps() -> None:
    model = md.Model([L.Conv1D(2, 1)], seed=0)
    with pytest.raises(ValueError, match="0"):
        model.predict(np.ones((2, 0, 3)), verbose=0)


# ---- witnesses ----------------------------------------------------------------------------------

OPTIONS: list[dict[str, Any]] = [
    {},
    {"padding": "same"},
    {"padding": "same", "strides": 3},
    {"padding": "causal", "dilation_rate": 2},
    {"strides": 2, "activation": "relu"},
    {"groups": 2, "use_bias": False},
    {"padding": "same", "dilation_rate": 3, "groups": 4, "activation": "tanh"},
]


@pytest.mark.keras
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_keras_with_the_same_weights(options: dict[str, Any]) -> None:
    keras = pytest.importorskip("keras", reason="install the extra 'keras'")
    torch = pytest.importorskip("torch", reason="Keras's gradients are PyTorch's here")
    model = conv((23, 8), 12, 4, dtype="float32", **options)
    layer = keras.layers.Conv1D(12, 4, **options)
    x = np.random.default_rng(0).normal(size=(5, 23, 8)).astype(np.float32)
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
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize(("strides", "dilation"), [(1, 1), (2, 1), (1, 3)])
def test_pytorch_with_the_same_weights(strides: int, dilation: int, groups: int) -> None:
    torch = pytest.importorskip("torch", reason="install the extra 'witness'")
    options = {"strides": strides, "dilation_rate": dilation, "groups": groups}
    model = conv((23, 8), 12, 4, dtype="float32", **options)
    layer = torch.nn.Conv1d(8, 12, 4, stride=strides, dilation=dilation, groups=groups)
    kernel, bias = model.get_weights()
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(kernel.transpose(2, 1, 0)))
        layer.bias.copy_(torch.tensor(bias))
    x = np.random.default_rng(0).normal(size=(5, 23, 8)).astype(np.float32)
    tensor = torch.tensor(x.transpose(0, 2, 1), requires_grad=True)
    y, dx, (dw, db) = one_pass(model, x)
    expected = layer(tensor)
    np.testing.assert_allclose(y, expected.detach().numpy().transpose(0, 2, 1), atol=1e-5)
    delta = np.random.default_rng(1).normal(size=y.shape).astype(np.float32)
    expected.backward(torch.tensor(delta.transpose(0, 2, 1)))
    np.testing.assert_allclose(dx, tensor.grad.numpy().transpose(0, 2, 1), atol=1e-4)
    np.testing.assert_allclose(dw, layer.weight.grad.numpy().transpose(2, 1, 0), atol=1e-4)
    np.testing.assert_allclose(db, layer.bias.grad.numpy(), atol=1e-4)
