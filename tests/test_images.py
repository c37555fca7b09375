"""Layers of images that have no weights: laws, bad input, and what Keras makes of them."""

from __future__ import annotations

import copy
from typing import Any

import mundur as md
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
    rows, columns, channels = (data.draw(st.integers(1, most)) for most in (9, 9, 20))
    size = data.draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    strides = data.draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    kind = data.draw(st.sampled_from([L.MaxPooling2D, L.AveragePooling2D]))
    fits = size[0] <= rows and size[1] <= columns
    padding = data.draw(st.sampled_from(["valid", "same"])) if fits else "same"
    model = alone(kind(size, strides, padding), (rows, columns, channels))
    x = normal(3, rows, columns, channels, seed=rows)
    delta = normal(*model.forward(x).shape, seed=columns)
    np.testing.assert_allclose(
        model.backward(delta).sum(axis=(1, 2)), delta.sum(axis=(1, 2)), rtol=1e-12, atol=1e-12
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("channels", [1, 6, 16])
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("average", [False, True], ids=["maxima", "means"])
def test_an_image_of_one_row_is_a_sequence(
    dtype: str, channels: int, padding: str, average: bool
) -> None:
    kind = "AveragePooling" if average else "MaxPooling"
    sequence = alone(getattr(L, f"{kind}1D")(3, 2, padding), (11, channels), dtype)
    image = alone(getattr(L, f"{kind}2D")((1, 3), (1, 2), padding), (1, 11, channels), dtype)
    x = normal(4, 11, channels).astype(dtype)
    y = sequence.forward(x)
    np.testing.assert_array_equal(image.forward(x[:, None])[:, 0], y)
    delta = normal(*y.shape, seed=1).astype(dtype)
    np.testing.assert_array_equal(
        image.backward(delta[:, None])[:, 0], sequence.backward(delta), strict=True
    )


@pytest.mark.parametrize("kind", [L.MaxPooling2D, L.AveragePooling2D])
def test_pooling_commutes_with_exchanging_rows_and_columns(kind: Any) -> None:
    x = np.round(100 * normal(3, 6, 8, 5))  # sums of which are exact in any order
    tall = alone(kind((3, 2), (1, 2), "same"), (6, 8, 5))
    wide = alone(kind((2, 3), (2, 1), "same"), (8, 6, 5))
    y = tall.forward(x)
    turned = wide.forward(x.transpose(0, 2, 1, 3)).transpose(0, 2, 1, 3)
    np.testing.assert_array_equal(turned, y)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_first_maximum_counts_row_by_row_and_nan_wins(dtype: str) -> None:
    nan = np.nan
    x = np.array([[[[1, 5, -0.0], [1, nan, 0]], [[1, 7, 0], [1, nan, 0]]]], dtype)
    expected = [[[[1, 0, 3], [0, 2, 0]], [[0, 0, 0], [0, 0, 0]]]]
    model = alone(L.MaxPooling2D(2), (2, 2, 3), dtype)
    np.testing.assert_array_equal(model.forward(x), [[[[1, nan, 0]]]])
    np.testing.assert_array_equal(model.backward([[[[1, 2, 3]]]]), expected)
    whole = alone(L.GlobalMaxPooling2D(), (2, 2, 3), dtype)
    np.testing.assert_array_equal(whole.forward(x), [[1, nan, 0]])
    np.testing.assert_array_equal(whole.backward([[1, 2, 3]]), expected)


@pytest.mark.parametrize(("size", "strides", "padding"), [(2, 2, "valid"), (3, 2, "same")])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_relu_in_front_of_maxima_is_relu_of_them(
    size: int, strides: int, padding: str, dtype: str
) -> None:
    """Backward too, where relu's own y is not kept."""
    pool = L.MaxPooling2D(size, strides, padding)
    ahead = [L.Conv2D(17, 3, activation="relu"), pool]
    behind = [L.Conv2D(17, 3), L.MaxPooling2D(size, strides, padding), L.ReLU()]
    rng = np.random.default_rng(3)
    x = rng.normal(size=(5, 9, 12, 2)).astype(dtype)
    seen = []
    for layers in (ahead, behind):
        model = md.Model(layers, seed=0, dtype=dtype, input_shape=x.shape[1:])
        y = model.forward(x, training=True)
        delta = np.random.default_rng(4).normal(size=y.shape).astype(dtype)
        dx = model.backward(delta)
        seen.append([y, dx, *(np.array(g) for g in model.gradients.values())])
        assert (y == 0).any() and (y > 0).any()
    for one, other in zip(*seen, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_mean_of_equal_numbers_is_that_number() -> None:
    for rows, columns in ((1, 1), (3, 5), (7, 7), (19, 17), (30, 31)):
        x = np.full((1, rows, columns, 2), 0.5, np.float32)
        y = alone(L.GlobalAveragePooling2D(), x.shape[1:], "float32").predict(x, verbose=0)
        np.testing.assert_array_equal(y, 0.5)


def test_what_was_padded_can_be_cropped() -> None:
    sides = ((1, 2), (3, 0))
    layers = [L.ZeroPadding2D(sides), L.Cropping2D(sides)]
    model = md.Model(layers, input_shape=(4, 5, 3), dtype="float64", seed=0)
    x = normal(2, 4, 5, 3)
    np.testing.assert_array_equal(model.forward(x), x)
    np.testing.assert_array_equal(model.backward(x), x)
    padded = alone(L.ZeroPadding2D(sides), (4, 5, 3)).forward(x)
    np.testing.assert_array_equal(padded, np.pad(x, ((0, 0), *sides, (0, 0))))


def test_the_mean_of_copies_is_what_was_copied() -> None:
    layers = [L.UpSampling2D((2, 4)), L.AveragePooling2D((2, 4))]
    model = md.Model(layers, input_shape=(3, 5, 7), dtype="float64", seed=0)
    x = np.round(100 * normal(2, 3, 5, 7))
    np.testing.assert_array_equal(model.forward(x), x)
    np.testing.assert_array_equal(model.backward(8 * x), 8 * x)
    up = alone(L.UpSampling2D((2, 3)), (3, 5, 7)).forward(x)
    np.testing.assert_array_equal(up, x.repeat(2, axis=1).repeat(3, axis=2))


def test_a_dropped_channel_is_dropped_in_all_pixels() -> None:
    model = alone(L.SpatialDropout2D(0.5, seed=3), (3, 4, 100))
    x = np.ones((40, 3, 4, 100))
    y = model.forward(x, training=True)
    np.testing.assert_array_equal(y, np.broadcast_to(y[:, :1, :1], y.shape))
    assert set(np.unique(y)) == {0.0, 2.0}
    assert abs((y[:, 0, 0] == 0).mean() - 0.5) < 0.03
    np.testing.assert_array_equal(model.backward(x), y)
    np.testing.assert_array_equal(model.predict(x, verbose=0), x)


def test_normalization_is_by_channel() -> None:
    x = 3.0 * normal(8, 5, 4, 6) + 7.0
    y = alone(L.BatchNormalization(epsilon=1e-9), (5, 4, 6)).forward(x, training=True)
    np.testing.assert_allclose(y.mean(axis=(0, 1, 2)), 0.0, atol=1e-12)
    np.testing.assert_allclose(y.std(axis=(0, 1, 2)), 1.0, rtol=1e-6)
    y = alone(L.LayerNormalization(epsilon=1e-9), (5, 4, 6)).forward(x)
    np.testing.assert_allclose(y.mean(axis=3), 0.0, atol=1e-12)


def test_groups_of_channels_are_normalised() -> None:
    x = 3.0 * normal(8, 5, 4, 6) + 7.0
    y = alone(L.GroupNormalization(2, epsilon=1e-9), (5, 4, 6)).forward(x, training=True)
    for group in (y[..., :3], y[..., 3:]):
        np.testing.assert_allclose(group.mean(axis=(1, 2, 3)), 0.0, atol=1e-12)
        np.testing.assert_allclose(group.std(axis=(1, 2, 3)), 1.0, rtol=1e-6)
    vectors = x.reshape(-1, 6)
    whole = alone(L.GroupNormalization(1), (6,)).forward(vectors)
    np.testing.assert_array_equal(whole, alone(L.LayerNormalization(), (6,)).forward(vectors))
    with pytest.raises(ValueError, match="groups=4 must divide the channels, got 6"):
        alone(L.GroupNormalization(4), (5, 4, 6))
    with pytest.raises(ValueError, match=r"axis must be the last.*got 1; Permute"):
        alone(L.GroupNormalization(2, axis=1), (6, 5, 4))
    with pytest.raises(ValueError, match="groups must be at least 1, or -1"):
        L.GroupNormalization(0)


# ---- what a step keeps --------------------------------------------------------------------------


def convolution(activation: Any = "relu", **options: Any) -> Any:
    return L.Conv2D(8, 3, padding="same", activation=activation, **options)


@pytest.mark.parametrize(
    ("block", "images"),
    [
        (lambda: [convolution()], 1),  # y: relu's derivative, and what the next one saw
        (lambda: [convolution(None), L.ReLU()], 1),
        (lambda: [convolution("tanh")], 1),
        (lambda: [convolution("swish")], 2),  # z, too
        (lambda: [L.DepthwiseConv2D(3, padding="same", activation="relu")], 1),
        (lambda: [L.SeparableConv2D(8, 3, padding="same", activation="relu")], 2),
        (lambda: [L.Conv2DTranspose(8, 3, padding="same", activation="relu")], 1),
        (lambda: [convolution(None), L.BatchNormalization(), L.ReLU()], 2),
        (lambda: [L.Residual([convolution(), convolution(None)]), L.ReLU()], 2),
        # Of a pooling a byte for each maximum, and relu's maximum itself, of means nothing;
        # of dropout a byte for each.
        (lambda: [convolution(None), L.MaxPooling2D(2), L.UpSampling2D(2)], 1 + 1 / 16),
        (lambda: [convolution(), L.MaxPooling2D(2), L.UpSampling2D(2)], 1 + 1 / 4 + 1 / 16),
        (lambda: [convolution("tanh"), L.MaxPooling2D(2), L.UpSampling2D(2)], 2 + 1 / 16),
        (lambda: [convolution(None), L.AveragePooling2D(2), L.UpSampling2D(2)], 1),
        (lambda: [convolution(), L.Dropout(0.5)], 2 + 1 / 4),
        (lambda: [convolution(), L.SpatialDropout2D(0.5)], 2),
        (lambda: [convolution(), L.ZeroPadding2D(1), L.Cropping2D(1)], 2),
        (lambda: [convolution(), L.RandomFlip()], 2),
    ],
    ids=lambda value: "_".join(type(one).__name__ for one in value()) if callable(value) else None,
)
def test_a_step_keeps_what_backward_needs(block: Any, images: float) -> None:
    def needed(blocks: int, batch: int) -> int:
        layers = [layer for _ in range(blocks) for layer in block()]
        model = md.Model([*layers, L.GlobalAveragePooling2D()], seed=0, input_shape=(16, 16, 8))
        return model.native.workspace_bytes(batch, True)

    of_one = (needed(6, 2048) - needed(6, 1024)) - (needed(5, 2048) - needed(5, 1024))
    assert of_one == pytest.approx(images * 1024 * 16 * 16 * 8 * 4, rel=4e-3)


# ---- a whole network ----------------------------------------------------------------------------


def network() -> md.Model:
    layers = [
        L.Rescaling(1 / 255),
        L.Dense(6, "relu"),
        L.BatchNormalization(),
        L.MaxPooling2D(2),
        L.SpatialDropout2D(0.2),
        L.ZeroPadding2D(((1, 0), (0, 2))),
        L.AveragePooling2D(3, 1, "same"),
        L.UpSampling2D((2, 1)),
        L.Cropping2D(((0, 1), (1, 0))),
        L.GlobalMaxPooling2D(keepdims=True),
        L.Flatten(),
        L.Dense(3),
    ]
    return md.Model(layers, seed=4, input_shape=(9, 8, 1))


def test_a_network_has_the_same_bits_everywhere(same_everywhere: Any) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, size=(150, 9, 8, 1), dtype=np.uint8)
    y = rng.integers(0, 3, size=150)

    def trained() -> list[bytes]:
        model = network()
        model.compile("adam", md.losses.SparseCategoricalCrossentropy(from_logits=True))
        model.fit(x, y, batch_size=64, epochs=2, verbose=0)
        return [w.tobytes() for w in (*model.get_weights(), model.predict(x, verbose=0))]

    same_everywhere(trained)


def test_one_image_predicts_what_it_does_among_many() -> None:
    x = 255 * np.random.default_rng(1).random((70, 9, 8, 1), np.float32)
    model = network()
    many = model.predict(x, batch_size=70, verbose=0)
    one = np.concatenate([model.predict(x[i : i + 1], verbose=0) for i in range(len(x))])
    np.testing.assert_array_equal(one, many)


def test_explain_and_verify_know_these_layers() -> None:
    layers = [
        L.Dense(2, "tanh"),
        L.MaxPooling2D(2, name="pool"),
        L.ZeroPadding2D(1),
        L.UpSampling2D((1, 2)),
        L.Cropping2D(1),
        L.AveragePooling2D(2, 1),
        L.GlobalAveragePooling2D(),
        L.Dense(1),
    ]
    model = md.Model(layers, input_shape=(4, 6, 1), dtype="float64", seed=0)
    x, y = normal(3, 4, 6, 1), np.ones((3, 1))
    explanation = model.explain(x, y, loss="mse")
    assert explanation["pool"].a.shape == (3, 2, 3, 2)
    assert model.verify(x, y, loss="mse").passed
    assert model.check_gradients(x, y, loss="mse").passed


# ---- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: L.MaxPooling2D(0), "pool_size must be >= 1"),
        (lambda: L.MaxPooling2D((2, 0)), r"pool_size\[1\] must be >= 1"),
        (lambda: L.MaxPooling2D((2, 2, 2)), r"pool_size must be an integer, or two: \(rows, col"),
        (lambda: L.MaxPooling2D("22"), "pool_size must be an integer, or two"),
        (lambda: L.MaxPooling2D(strides=(1, 0)), r"strides\[1\] must be >= 1"),
        (lambda: L.MaxPooling2D(padding="causal"), "unknown padding 'causal'"),
        (lambda: L.MaxPooling2D(data_format="channels_first"), r"Permute\(\(2, 3, 1\)\) turns"),
        (lambda: L.GlobalMaxPooling2D("channels_first"), r"shape \(rows, columns, channels\)"),
        (lambda: L.SpatialDropout2D(0.1, "channels_first"), "Permute"),
        (lambda: L.SpatialDropout2D(1.0), "rate must be a finite number >= 0 and < 1"),
        (lambda: L.ZeroPadding2D((1, 2, 3)), r"padding must be an integer, \(rows, columns\) or"),
        (lambda: L.ZeroPadding2D(((1, 2, 3), 1)), r"or \(before, after\); got \(1, 2, 3\)"),
        (lambda: L.ZeroPadding2D((1, -1)), "padding must be >= 0"),
        (lambda: L.Cropping2D(((0, -1), 0)), r"cropping\[1\] must be >= 0"),
        (lambda: L.UpSampling2D((2, 0)), r"size\[1\] must be >= 1"),
        (lambda: L.UpSampling2D(2, interpolation="bicubic"), "interpolation 'bicubic'"),
    ],
)
def test_bad_arguments(make: Any, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        make()


CHANNELS_FIRST = r"Permute\(\(2, 3, 1\)\) brings those of \(channels, rows, columns\) there"


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (L.MaxPooling2D(5, name="pool"), (4, 9, 2), "pool: pool_size=5 needs 5 rows.*have 4"),
        (L.MaxPooling2D((1, 5)), (9, 4, 2), "pool_size=5 needs 5 columns.*have 4"),
        (L.MaxPooling2D(2), (1, 28, 28), CHANNELS_FIRST),
        (L.MaxPooling2D(), (28, 28), r"Reshape\(\(28, 28, 1\)\).*x\[..., np.newaxis\]"),
        (L.GlobalAveragePooling2D(), (784,), r"Reshape\(\(28, 28, 1\)\) before it"),
        (L.AveragePooling2D(2), (2, 3, 4, 5), "TimeDistributed takes sequences of such"),
        (L.SpatialDropout2D(0.1), (28, 28), "must have shape"),
        (L.ZeroPadding2D(), (28, 28), "must have shape"),
        (L.UpSampling2D(), (28, 28), "must have shape"),
        (L.Cropping2D(((2, 2), 0)), (4, 9, 1), "leaves nothing of 4 rows"),
        (L.Cropping2D((0, (4, 5))), (4, 9, 1), "leaves nothing of 9 columns"),
    ],
    ids=lambda value: repr(value),
)
def test_samples_that_do_not_fit(layer: Any, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        md.Model([copy.deepcopy(layer)], seed=0, input_shape=shape)


def test_the_mends_mend() -> None:
    x = normal(2, 3, 8, 10)  # channels first
    y = alone(L.MaxPooling2D(2), (8, 10, 3)).forward(x.transpose(0, 2, 3, 1))
    layers = [L.Permute((2, 3, 1)), L.MaxPooling2D(2)]
    mended = md.Model(layers, input_shape=(3, 8, 10), dtype="float64", seed=0)
    np.testing.assert_array_equal(mended.forward(x), y)
    grey = [L.Reshape((8, 10, 1)), L.MaxPooling2D(2)]
    flat = md.Model(grey, input_shape=(8, 10), dtype="float64", seed=0)
    y = alone(L.MaxPooling2D(2), (8, 10, 1)).forward(x[:, 0][..., np.newaxis])
    np.testing.assert_array_equal(flat.forward(x[:, 0]), y)


@pytest.mark.parametrize("most", [2**31, 2**61, 2**62, 2**63 - 1])
def test_windows_too_large_to_count_are_refused(most: int) -> None:
    for layer in (
        lambda: L.MaxPooling2D((2, most), padding="same"),
        lambda: L.AveragePooling2D(2, strides=(most, 1), padding="same"),
        lambda: L.ZeroPadding2D(((0, most), 0)),
        lambda: L.ZeroPadding2D((most // 4, most // 4)),
        lambda: L.UpSampling2D((most, most)),
    ):
        with pytest.raises((ValueError, MemoryError)):
            md.Model([layer()], input_shape=(4, 4, 3), seed=0).predict(np.ones((1, 4, 4, 3)))


# ---- Keras --------------------------------------------------------------------------------------


@pytest.mark.keras
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("ZeroPadding2D", {"padding": (2, 1)}),
        ("ZeroPadding2D", {"padding": ((1, 0), (2, 3))}),
        ("Cropping2D", {"cropping": (1, 2)}),
        ("MaxPooling2D", {"pool_size": 3, "strides": 2, "padding": "SAME"}),
        ("GlobalAveragePooling2D", {"keepdims": True}),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't:DeprecationWarning")
def test_keras_takes_the_same_forms(name: str, arguments: dict[str, Any]) -> None:
    keras = pytest.importorskip("keras", reason="install the extra 'keras'")
    x = normal(2, 7, 8, 3).astype(np.float32)
    expected = getattr(keras.layers, name)(**arguments)(x)
    y = alone(getattr(L, name)(**arguments), (7, 8, 3), "float32").forward(x)
    np.testing.assert_allclose(y, keras.ops.convert_to_numpy(expected), rtol=0, atol=1e-6)
