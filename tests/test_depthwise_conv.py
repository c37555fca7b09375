"""Convolutions of channels by themselves, and transposed ones: laws, bad input, witnesses."""

from __future__ import annotations

from typing import Any

import mundur as md
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mundur import _core, reference

from test_conv2d import assert_same, one_pass
from test_numerics import assert_close, teach

Array = npt.NDArray[Any]
L = md.layers


def alone(shape: tuple[int, ...], layer: md.Layer, dtype: str = "float64") -> Any:
    return md.Model([layer], seed=2, dtype=dtype, input_shape=shape)


def agree(model: md.Model, textbook: Any, batch: int) -> None:
    """One pass, there and back, in float64."""
    teach(textbook, model)
    rng = np.random.default_rng(batch)
    x = rng.normal(size=(batch, *model.input_shape))
    y = model.forward(x)
    assert_close(y, textbook.forward(x.tolist()), 1e-12)
    delta = rng.normal(size=y.shape)
    assert_close(model.backward(delta), textbook.backward(delta.tolist()), 1e-12)
    for name, gradient in textbook.gradients.items():
        assert_close(model.gradients[name], gradient, 1e-12)


# ---- laws ---------------------------------------------------------------------------------------


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_any_shape_is_the_textbooks(data: st.DataObject) -> None:
    def some(most: int) -> tuple[int, ...]:
        return tuple(data.draw(st.integers(1, most)) for _ in range(axes))

    axes, batch = data.draw(st.integers(1, 2)), data.draw(st.integers(1, 5))
    image, size, strides, dilation = some(8), some(4), some(3), some(3)
    fits = all((s - 1) * d < n for s, d, n in zip(size, dilation, image, strict=True))
    plain = [one[0] if axes == 1 else one for one in (size, strides, dilation)]
    options: dict[str, Any] = {
        "kernel_size": plain[0],
        "strides": plain[1],
        "padding": data.draw(st.sampled_from(["same", "valid"] if fits else ["same"])),
        "dilation_rate": plain[2],
        "depth_multiplier": data.draw(st.integers(1, 3)),
        "activation": data.draw(st.sampled_from(["linear", "relu", "tanh", "softmax"])),
        "bias_initializer": "ones",
    }
    kind = data.draw(st.sampled_from(["DepthwiseConv", "SeparableConv"])) + f"{axes}D"
    if "Separable" in kind:
        options["filters"] = data.draw(st.integers(1, 4))
    shape = (*image, data.draw(st.sampled_from([1, 2, 3, 16, 17])))
    model = alone(shape, getattr(L, kind)(**options))
    agree(
        model,
        reference.Model([getattr(reference.layers, kind)(**options)], input_shape=shape),
        batch,
    )


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_transposed_shape_is_the_textbooks(data: st.DataObject) -> None:
    def pair(least: int, most: int) -> tuple[int, int]:
        return data.draw(st.integers(least, most)), data.draw(st.integers(least, most))

    batch, image, strides = data.draw(st.integers(1, 4)), pair(1, 5), pair(1, 3)
    size = tuple(s + more for s, more in zip(strides, pair(0, 3), strict=True))
    below = tuple(data.draw(st.integers(0, s - 1)) for s in strides)
    options: dict[str, Any] = {
        "strides": strides,
        "padding": data.draw(st.sampled_from(["same", "valid"])),
        "dilation_rate": pair(1, 3) if strides == (1, 1) else 1,
        "output_padding": data.draw(st.sampled_from([None, below])),
        "activation": data.draw(st.sampled_from(["linear", "relu", "tanh", "softmax"])),
        "bias_initializer": "ones",
    }
    filters, channels = pair(1, 4)
    shape = (*image, channels)
    layer = L.Conv2DTranspose(filters, size, **options)
    try:
        made = layer.compute_output_shape(shape)
    except ValueError as error:
        assert "leaves no" in str(error)
        return
    model = alone(shape, layer)
    assert model.output_shape == made
    twin = reference.layers.Conv2DTranspose(filters, size, **options)
    agree(model, reference.Model([twin], input_shape=shape), batch)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "options", [{}, {"padding": "same"}, {"padding": "same", "strides": (2, 3)}], ids=str
)
@pytest.mark.parametrize(("channels", "depth"), [(1, 3), (3, 1), (17, 1), (5, 2), (2, 9)])
def test_it_is_a_convolution_of_as_many_groups_as_channels_to_the_bit(
    channels: int, depth: int, options: dict[str, Any], dtype: str
) -> None:
    shape = (7, 20, channels)
    deep = alone(shape, L.DepthwiseConv2D(3, depth_multiplier=depth, **options), dtype)
    wide = alone(shape, L.Conv2D(channels * depth, 3, groups=channels, **options), dtype)
    kernel, bias = deep.get_weights()
    wide.set_weights([kernel.reshape(3, 3, 1, channels * depth), bias])
    x = np.random.default_rng(0).normal(size=(30, *shape)).astype(dtype)
    assert_same(one_pass(deep, x), one_pass(wide, x))


@pytest.mark.parametrize("options", [{}, {"padding": "same"}, {"strides": 2}], ids=str)
@pytest.mark.parametrize(("channels", "depth"), [(1, 1), (1, 4), (3, 1), (20, 1), (4, 2)])
def test_each_channel_is_one_of_its_own(channels: int, depth: int, options: dict[str, Any]) -> None:
    """To the bit, where all taps are there: products and lanes have the same chains."""
    shape = (6, 9, channels)
    all_of_them = alone(shape, L.DepthwiseConv2D(3, depth_multiplier=depth, **options), "float32")
    kernel, bias = all_of_them.get_weights()
    x = np.random.default_rng(0).normal(size=(40, *shape)).astype(np.float32)
    y, dx, dw, db = one_pass(all_of_them, x)
    delta = np.random.default_rng(1).normal(size=y.shape)
    for c in range(channels):
        one = alone((*shape[:2], 1), L.Conv2D(depth, 3, **options), "float32")
        own = slice(c * depth, (c + 1) * depth)
        one.set_weights([kernel[:, :, c : c + 1], bias[own]])
        np.testing.assert_array_equal(one.forward(x[..., c : c + 1], training=True), y[..., own])
        np.testing.assert_array_equal(one.backward(delta[..., own])[..., 0], dx[..., c])
        assert_same(list(one.gradients.values()), [dw[:, :, c : c + 1], db[own]])


@pytest.mark.parametrize(
    "options", [{}, {"strides": 2, "padding": "same"}, {"depth_multiplier": 2}]
)
def test_separable_is_both_to_the_bit(options: dict[str, Any]) -> None:
    shape = (7, 8, 5)
    one = alone(shape, L.SeparableConv2D(6, 3, activation="tanh", **options), "float32")
    layers = [L.DepthwiseConv2D(3, use_bias=False, **options), L.Conv2D(6, 1, activation="tanh")]
    two = md.Model(layers, seed=0, input_shape=shape)
    two.set_weights(one.get_weights())
    x = np.random.default_rng(0).normal(size=(30, *shape)).astype(np.float32)
    assert_same(one_pass(one, x), one_pass(two, x))


@pytest.mark.parametrize("options", [{"strides": 2}, {"dilation_rate": 2}, {"padding": "same"}])
def test_sequences_are_images_of_one_row(options: dict[str, Any]) -> None:
    pairs = {key: value if key == "padding" else (1, value) for key, value in options.items()}
    x = np.random.default_rng(0).normal(size=(20, 31, 6))
    for one, two in (
        (L.DepthwiseConv1D(4, **options), L.DepthwiseConv2D((1, 4), **pairs)),
        (L.SeparableConv1D(9, 4, **options), L.SeparableConv2D(9, (1, 4), **pairs)),
    ):
        sequence, image = alone((31, 6), one), alone((1, 31, 6), two)
        image.set_weights([w if w.ndim == 1 else w[np.newaxis] for w in sequence.get_weights()])
        assert_same(one_pass(image, x[:, np.newaxis]), one_pass(sequence, x))


def test_what_is_not_there_is_in_no_sum() -> None:
    """0·∞ would be NaN."""
    layer = L.DepthwiseConv2D(3, padding="same", depthwise_initializer="ones")
    model = alone((4, 4, 3), layer)
    layer.kernel[0] = np.inf
    y = model.predict(np.ones((1, 4, 4, 3)), verbose=0)
    assert np.isfinite(y[0, 0]).all() and np.isinf(y[0, 1:]).all()


@pytest.mark.parametrize(
    ("size", "strides", "dilation"), [(3, 1, 1), ((4, 3), (2, 3), 1), (3, 1, 2)]
)
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_a_transposed_convolution_is_the_other_side_of_one(
    size: Any, strides: Any, dilation: Any, padding: str
) -> None:
    """⟨conv(x), y⟩ = ⟨x, transposed(y)⟩."""
    options: Any = {"strides": strides, "padding": padding, "dilation_rate": dilation}
    options["use_bias"] = False
    rng = np.random.default_rng(0)
    one = alone((12, 12, 2), L.Conv2D(3, size, **options))
    y = rng.normal(size=(4, *one.output_shape))
    two = alone(y.shape[1:], L.Conv2DTranspose(2, size, **options))
    two.set_weights(one.get_weights())
    assert two.output_shape == (12, 12, 2)
    x = rng.normal(size=(4, 12, 12, 2))
    assert (one.predict(x) * y).sum() == pytest.approx((x * two.predict(y)).sum(), rel=1e-12)


LAYERS: list[md.Layer] = [
    L.DepthwiseConv2D(3, padding="same", activation="relu", depth_multiplier=2),
    L.DepthwiseConv2D(3, strides=2),
    L.SeparableConv2D(7, 3, strides=2, padding="same", activation="tanh"),
    L.Conv2DTranspose(7, 3, strides=2, padding="same", activation="relu"),
    L.Conv2D(8, 3, groups=2, padding="same"),
]


@pytest.mark.parametrize("layer", LAYERS, ids=repr)
def test_a_prediction_does_not_depend_on_its_batch_or_threads(layer: md.Layer, full: bool) -> None:
    model = alone((9, 11, 4), type(layer).from_config(layer.get_config()), "float32")
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
            L.DepthwiseConv2D(3, depth_multiplier=2, depthwise_regularizer="l2"),
            L.SeparableConv2D(6, (3, 2), strides=(2, 1), pointwise_constraint="unit_norm"),
            L.Conv2DTranspose(5, 2, activation="tanh", kernel_constraint="non_neg"),
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


def test_first_weights_have_keras_fans() -> None:
    deep = alone((9, 9, 40), L.DepthwiseConv2D(3, depth_multiplier=2))
    limit = np.sqrt(6 / (9 * 40 + 9 * 2))
    kernel = deep.layers[0].kernel
    assert kernel.shape == (3, 3, 40, 2)
    assert limit * 0.99 < np.abs(kernel).max() <= limit


# ---- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: L.DepthwiseConv2D(0), "kernel_size must be >= 1; got 0"),
        (lambda: L.DepthwiseConv2D((3, 3, 3)), "kernel_size must be an integer, or two"),
        (lambda: L.DepthwiseConv2D(3, depth_multiplier=0), "depth_multiplier must be >= 1; got 0"),
        (lambda: L.DepthwiseConv2D(3, padding="causal"), "unknown padding 'causal'"),
        (lambda: L.DepthwiseConv2D(3, data_format="channels_first"), r"Permute\(\(2, 3, 1\)\)"),
        (lambda: L.DepthwiseConv1D(3, data_format="channels_first"), r"Permute\(\(2, 1\)\)"),
        (lambda: L.DepthwiseConv1D((3, 3)), "kernel_size must be an integer, or a tuple of one"),
        (lambda: L.DepthwiseConv1D(3, strides=0), "strides must be >= 1; got 0"),
        (lambda: L.SeparableConv2D(0, 3), "filters must be >= 1; got 0"),
        (lambda: L.SeparableConv1D(2, 3, dilation_rate=0), "dilation_rate must be >= 1; got 0"),
        (lambda: L.Conv2DTranspose(0, 3), "filters must be >= 1; got 0"),
        (lambda: L.Conv2DTranspose(2, 3, 2, dilation_rate=2), "only one of them"),
        (
            lambda: L.Conv2DTranspose(2, 3, 2, output_padding=2),
            r"output_padding must be less than strides=\(2, 2\); got \(2, 2\)",
        ),
        (lambda: L.Conv2DTranspose(2, 3, output_padding=-1), "output_padding must be >= 0"),
        (lambda: L.DepthwiseConv2D(3, kernel_initializer="ones"), "depthwise_initializer"),
    ],
)
def test_bad_arguments(make: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        make()


@pytest.mark.parametrize(
    ("shape", "layer", "message"),
    [
        ((4, 9, 2), L.DepthwiseConv2D(5), "kernel_size=5 needs 5 rows, and samples here have 4"),
        ((28, 28), L.DepthwiseConv2D(5), r"put Reshape\(\(28, 28, 1\)\) before it"),
        ((3, 28, 28), L.SeparableConv2D(2, 5), r"Permute\(\(2, 3, 1\)\)"),
        ((4, 2), L.DepthwiseConv1D(5), "kernel_size=5 needs 5 steps, and samples here have 4"),
        ((4, 2, 2), L.SeparableConv1D(2, 5), r"samples must have shape \(steps, channels\)"),
        ((28, 28), L.Conv2DTranspose(2, 3), r"put Reshape\(\(28, 28, 1\)\) before it"),
        (
            (1, 4, 2),
            L.Conv2DTranspose(2, 2, padding="same", output_padding=0),
            "leaves no rows of samples that have 1",
        ),
    ],
)
def test_samples_that_do_not_fit(shape: tuple[int, ...], layer: md.Layer, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        md.Model([layer], seed=0, input_shape=shape)


# ---- witnesses ----------------------------------------------------------------------------------


@pytest.mark.witness
@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("depth", [1, 2])
def test_pytorch_with_the_same_weights(strides: int, depth: int) -> None:
    torch = pytest.importorskip("torch", reason="install the extra 'witness'")
    model = alone((10, 12, 4), L.DepthwiseConv2D(3, strides=strides, depth_multiplier=depth))
    kernel, bias = model.get_weights()
    x = np.random.default_rng(0).normal(size=(6, 10, 12, 4))
    image = torch.tensor(x.transpose(0, 3, 1, 2), requires_grad=True)
    turned = kernel.reshape(3, 3, 4 * depth, 1).transpose(2, 3, 0, 1)
    w, b = (torch.tensor(value, requires_grad=True) for value in (turned, bias))
    expected = torch.nn.functional.conv2d(image, w, b, stride=strides, groups=4)
    y = model.forward(x, training=True)
    assert_close(y, expected.detach().numpy().transpose(0, 2, 3, 1), 1e-12)
    delta = np.random.default_rng(1).normal(size=y.shape)
    expected.backward(torch.tensor(delta.transpose(0, 3, 1, 2)))
    assert_close(model.backward(delta), image.grad.numpy().transpose(0, 2, 3, 1), 1e-12)
    dw, db = model.gradients.values()
    assert_close(dw, w.grad.numpy().transpose(2, 3, 0, 1).reshape(dw.shape), 1e-12)
    assert_close(db, b.grad.numpy(), 1e-12)


@pytest.mark.witness
@pytest.mark.parametrize(("strides", "more"), [(1, 0), (2, 0), (3, 2)])
def test_pytorch_transposed_with_the_same_weights(strides: int, more: int) -> None:
    torch = pytest.importorskip("torch", reason="install the extra 'witness'")
    layer = L.Conv2DTranspose(3, (3, 4), strides, output_padding=more)
    model = alone((5, 4, 2), layer)
    kernel, bias = model.get_weights()
    x = np.random.default_rng(0).normal(size=(6, 5, 4, 2))
    image = torch.tensor(x.transpose(0, 3, 1, 2), requires_grad=True)
    w, b = (torch.tensor(v, requires_grad=True) for v in (kernel.transpose(3, 2, 0, 1), bias))
    expected = torch.nn.functional.conv_transpose2d(
        image, w, b, stride=strides, output_padding=more
    )
    y = model.forward(x, training=True)
    assert_close(y, expected.detach().numpy().transpose(0, 2, 3, 1), 1e-12)
    delta = np.random.default_rng(1).normal(size=y.shape)
    expected.backward(torch.tensor(delta.transpose(0, 3, 1, 2)))
    assert_close(model.backward(delta), image.grad.numpy().transpose(0, 2, 3, 1), 1e-12)
    dw, db = model.gradients.values()
    assert_close(dw, w.grad.numpy().transpose(2, 3, 1, 0), 1e-12)
    assert_close(db, b.grad.numpy(), 1e-12)
