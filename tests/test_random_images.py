"""Images from elsewhere: RandomFlip and its kin, also as augment=; Resizing and CenterCrop."""

from __future__ import annotations

import decimal
import math
from typing import Any

import mundur as md
import numpy as np
import numpy.typing as npt
import pytest
from mundur import _core

from test_augment import seen
from test_numerics import draws_of

Array = npt.NDArray[Any]
L = md.layers
DTYPES = ["float32", "float64"]


def alone(layer: Any, shape: tuple[int, ...], dtype: str = "float64", seed: int = 2) -> md.Model:
    return md.Model([layer], seed=seed, dtype=dtype, input_shape=shape)


def normal(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=shape)


def shown(layer: Any, x: Array, dtype: str = "float64") -> Array:
    return alone(layer, x.shape[1:], dtype).forward(x, training=True)


def all_random() -> list[md.Layer]:
    return [
        L.RandomFlip(),
        L.RandomTranslation(0.3, 0.2, "constant"),
        L.RandomRotation(0.1, "nearest"),
        L.RandomZoom(0.3, 0.2, "wrap"),
        L.RandomContrast(0.4, (-3, 3)),
        L.RandomCrop(5, 6),
    ]


# ---- sine and cosine ----------------------------------------------------------------------------


def exactly(turns: float) -> tuple[decimal.Decimal, decimal.Decimal]:
    """Cosine and sine of 2πt to 50 digits, by their series, of what is left of whole turns."""
    with decimal.localcontext() as context:
        context.prec = 60
        pi = decimal.Decimal("3.14159265358979323846264338327950288419716939937510582097494459")
        angle = 2 * pi * (decimal.Decimal(turns) - round(turns))
        cosine, sine, term = decimal.Decimal(0), decimal.Decimal(0), decimal.Decimal(1)
        for n in range(80):
            sign = -1 if n % 4 > 1 else 1
            if n % 2:
                sine += sign * term
            else:
                cosine += sign * term
            term *= angle / (n + 1)
        return cosine, sine


def test_sine_and_cosine_are_within_one_ulp() -> None:
    rng = np.random.default_rng(0)
    turns = [
        *rng.uniform(-1, 1, 3000),
        *rng.uniform(-1e-3, 1e-3, 300),
        *(10.0 ** -rng.uniform(3, 300, 300)),
        *(0.25 * k + s * 2.0**-e for k in range(-4, 5) for e in range(3, 52, 4) for s in (-1, 1)),
        *rng.uniform(-1e6, 1e6, 300),
    ]
    worst = 0.0
    for t in map(float, turns):
        for found, exact in zip(_core.on_circle(t), exactly(t), strict=True):
            if abs(exact) > decimal.Decimal("1e-307"):
                error = abs(decimal.Decimal(found) - exact)
                worst = max(worst, float(error / decimal.Decimal(math.ulp(float(exact)))))
    assert worst < 0.75  # promised: 1; 2π in one number alone makes 0.85 of 0.61


def test_quarter_turns_are_exact() -> None:
    circle = [(1, 0), (0, 1), (-1, 0), (0, -1)]
    for k in range(-9, 10):
        assert _core.on_circle(k / 4) == circle[k % 4]
        assert _core.on_circle(2.0**40 + k / 4) == circle[k % 4]


# ---- laws ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("fill", ["constant", "reflect"])
def test_quarter_turns_move_pixels_as_they_are(dtype: str, fill: str) -> None:
    x = normal(3, 5, 5, 2).astype(dtype)
    for quarters in range(-4, 5):
        turn = quarters / 4
        y = shown(L.RandomRotation((turn, turn), fill), x, dtype)
        np.testing.assert_array_equal(y, np.rot90(x, quarters, axes=(1, 2)))
    x = normal(3, 4, 7, 2).astype(dtype)
    y = shown(L.RandomRotation((0.5, 0.5), fill), x, dtype)
    np.testing.assert_array_equal(y, x[:, ::-1, ::-1])


@pytest.mark.parametrize("dtype", DTYPES)
def test_whole_pixels_are_moved_as_they_are(dtype: str) -> None:
    x = normal(2, 4, 8, 3).astype(dtype)
    for down, right in ((1, 0), (-2, 3), (4, -8)):
        by = ((down / 4,) * 2, (right / 8,) * 2)
        wrapped = shown(L.RandomTranslation(*by, "wrap"), x, dtype)
        np.testing.assert_array_equal(wrapped, np.roll(x, (down, right), axis=(1, 2)))
        wide = np.pad(x, ((0, 0), (4, 4), (8, 8), (0, 0)), constant_values=7.0)
        filled = shown(L.RandomTranslation(*by, "constant", fill_value=7.0), x, dtype)
        expected = wide[:, 4 - down : 8 - down, 8 - right : 16 - right]
        np.testing.assert_array_equal(filled, expected)
        for fill, mode in (("nearest", "edge"), ("reflect", "symmetric")):
            wide = np.pad(x, ((0, 0), (4, 4), (8, 8), (0, 0)), mode=mode)  # type: ignore[call-overload]
            moved = shown(L.RandomTranslation(*by, fill), x, dtype)
            expected = wide[:, 4 - down : 8 - down, 8 - right : 16 - right]
            np.testing.assert_array_equal(moved, expected)


def test_nothing_drawn_changes_nothing() -> None:
    x = normal(3, 5, 4, 2)
    layers = [L.RandomTranslation(0, 0), L.RandomRotation(0), L.RandomZoom(0), L.RandomZoom(0, 0)]
    for layer in [*layers, L.Resizing(5, 4), L.CenterCrop(5, 4), L.RandomCrop(5, 4)]:
        np.testing.assert_array_equal(shown(layer, x), x)
    np.testing.assert_allclose(shown(L.RandomContrast(0, (-9, 9)), x), x, rtol=0, atol=1e-15)


@pytest.mark.parametrize("layer", all_random(), ids=lambda layer: layer.name)
def test_outside_of_training_nothing_happens(layer: Any) -> None:
    x = normal(4, 7, 8, 2)
    y = alone(layer, x.shape[1:]).predict(x, verbose=0)
    if layer.name == "random_crop":
        expected = alone(L.Resizing(5, 6, crop_to_aspect_ratio=True), x.shape[1:]).predict(x)
        np.testing.assert_array_equal(y, expected)
    else:
        np.testing.assert_array_equal(y, x)


@pytest.mark.parametrize("fill", ["constant", "nearest", "reflect", "wrap"])
def test_backward_is_the_transpose(fill: str) -> None:
    """⟨δ, A x⟩ = ⟨Aᵀ δ, x⟩: where nothing is filled in, or only zeros."""
    x = normal(6, 5, 7, 3)
    for layer in (
        L.RandomTranslation(1, 1, fill),
        L.RandomRotation(1, fill),
        L.RandomZoom((-0.9, 1), (0, 1), fill),
        L.Resizing(9, 4),
        L.RandomCrop(3, 2),
        L.CenterCrop(9, 3),
        L.UpSampling2D((2, 3), interpolation="bilinear"),
    ):
        model = alone(layer, x.shape[1:])
        y = model.forward(x, training=True)
        delta = normal(*y.shape, seed=1)
        there, back = (delta * y).sum(), (model.backward(delta) * x).sum()
        assert there == pytest.approx(back, rel=1e-12, abs=1e-11)


def test_what_is_not_seen_may_be_infinite() -> None:
    x = np.ones((1, 4, 4, 1))
    x[0, 2, 2] = np.inf
    y = shown(L.RandomTranslation((0.25, 0.25), 0), x)
    np.testing.assert_array_equal(np.isinf(y[0, ..., 0]), np.roll(np.isinf(x[0, ..., 0]), 1, 0))


def test_each_image_forward_and_layer_has_its_own() -> None:
    x = np.broadcast_to(normal(7, 8, 2), (60, 7, 8, 2))
    for layer in all_random():
        model = alone(layer, (7, 8, 2))
        first, second = (model.forward(x, training=True) for _ in range(2))
        kinds = {y.tobytes() for y in first}
        assert len(kinds) == 4 if layer.name == "random_flip" else len(kinds) > 5
        assert (first != second).any()
        again = alone(type(layer)(**layer.get_config()), (7, 8, 2))
        np.testing.assert_array_equal(again.forward(x, training=True), first)
        other = alone(type(layer)(**layer.get_config()), (7, 8, 2), seed=3)
        assert (other.forward(x, training=True) != first).any()
        seeded = [
            alone(type(layer)(**layer.get_config() | {"seed": 9}), (7, 8, 2), seed=s)
            for s in (0, 1)
        ]
        np.testing.assert_array_equal(*(one.forward(x, training=True) for one in seeded))
    two = md.Model([L.RandomRotation(1), L.RandomRotation(1)], seed=0, input_shape=(7, 7, 1))
    one = md.Model([L.RandomRotation(1)], seed=0, input_shape=(7, 7, 1))
    ball = np.hypot(*np.mgrid[-3:4, -3:4])[None, ..., None] < 2  # the second one draws anew
    assert (two.forward(ball, training=True) != one.forward(ball, training=True)).any()


def test_draws_are_spread_evenly() -> None:
    x = np.zeros((4000, 4, 4, 1))
    x[:, 0, 0] = 1.0
    y = shown(L.RandomFlip(), x)
    for corner in (y[:, i, j, 0] for i in (0, -1) for j in (0, -1)):
        assert abs(corner.mean() - 0.25) < 0.03
    places = np.argwhere(shown(L.RandomCrop(2, 3), x)[..., 0])
    assert abs(len(places) / 4000 - 1 / 6) < 0.03
    ramp = np.broadcast_to(np.arange(64.0)[None, None, :, None], (4000, 1, 64, 1))
    moved = shown(L.RandomTranslation(0, (-0.25, 0.125)), ramp)[:, 0, 32, 0]
    assert np.abs(np.quantile(moved, [0, 0.25, 0.5, 0.75, 1]) - [24, 30, 36, 42, 48]).max() < 0.5


@pytest.mark.parametrize("dtype", DTYPES)
def test_contrast_spreads_about_the_mean_of_a_channel(dtype: str) -> None:
    x = normal(8, 5, 4, 3).astype(dtype)
    model = alone(L.RandomContrast(0.5, (-99, 99)), x.shape[1:], dtype, seed=3)
    y = model.forward(x, training=True)
    np.testing.assert_allclose(y.mean((1, 2)), x.mean((1, 2)), atol=1e-6)
    factors = (y.std((1, 2)) / x.std((1, 2))).T
    expected = [0.5 + u for u, _ in draws_of(8, seed=3)]
    np.testing.assert_allclose(factors, [expected] * 3, rtol=1e-5)
    cut = alone(L.RandomContrast(0.5, (-0.5, 0.5)), x.shape[1:], dtype).forward(x, training=True)
    assert (cut.min(), cut.max()) == (-0.5, 0.5)


def test_a_network_has_the_same_bits_everywhere(same_everywhere: Any) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, size=(150, 7, 8, 1), dtype=np.uint8)
    y = rng.integers(0, 3, size=150)

    def trained() -> list[bytes]:
        layers = [
            *(L.Rescaling(1 / 64), L.Dense(2, "tanh"), *all_random()),
            *(L.Resizing(4, 5), L.UpSampling2D(2, interpolation="bilinear"), L.CenterCrop(7, 8)),
            *(L.Flatten(), L.Dense(3)),
        ]
        model = md.Model(layers, seed=4, input_shape=(7, 8, 1))
        model.compile("adam", md.losses.SparseCategoricalCrossentropy(from_logits=True))
        steps = [layer for layer in all_random() if layer.name != "random_crop"]
        model.fit(x, y, batch_size=64, epochs=2, augment=steps, verbose=0)
        return [w.tobytes() for w in (*model.get_weights(), model.predict(x, verbose=0))]

    same_everywhere(trained)


def test_explain_verify_and_gradients_know_these_layers() -> None:
    layers = [
        *(L.Dense(2, "tanh"), L.Resizing(6, 7), L.CenterCrop(4, 6)),
        *(L.RandomCrop(3, 4), L.RandomFlip(seed=3), L.RandomRotation(0.2)),
        *(L.UpSampling2D(2, interpolation="bilinear"), L.Flatten(), L.Dense(1)),
    ]
    model = md.Model(layers, input_shape=(4, 5, 1), dtype="float64", seed=0)
    x, y = normal(3, 4, 5, 1), np.ones((3, 1))
    assert model.explain(x, y, loss="mse")["center_crop"].a.shape == (3, 4, 6, 2)
    assert model.verify(x, y, loss="mse").passed
    assert model.check_gradients(x, y, loss="mse").passed


def test_each_step_of_a_sequence_is_an_image_of_its_own() -> None:
    model = alone(L.TimeDistributed(L.RandomFlip("horizontal")), (20, 1, 2, 1))
    x = np.broadcast_to(np.array([[1.0], [2.0]]), (3, 20, 1, 2, 1))
    turned = model.forward(x, training=True)[:, :, 0, 0, 0] == 2
    assert 15 < turned.sum() < 45
    assert len({row.tobytes() for row in turned}) == 3


# ---- augment= -----------------------------------------------------------------------------------

PICTURES = np.arange(1, 1 + 40 * 16, dtype=np.float32).reshape(40, 4, 4)


@pytest.mark.parametrize("channels", [None, 2])
def test_a_layer_augments(channels: int | None) -> None:
    x = PICTURES if channels is None else np.stack([PICTURES, -PICTURES], axis=-1)
    quarter = seen(L.RandomRotation((0.25, 0.25)), x)[0]
    np.testing.assert_allclose(quarter, np.rot90(x, axes=(1, 2)), rtol=1e-4)
    moved = seen([L.RandomTranslation((0.25, 0.25), 0, "wrap"), L.RandomRotation((0.5, 0.5))], x)[0]
    expected = np.rot90(np.roll(x, 1, axis=1), 2, axes=(1, 2))
    np.testing.assert_allclose(moved, expected, rtol=1e-4)
    smaller = seen(L.RandomZoom((1, 1), fill_mode="constant", fill_value=5.0), x)[0]
    np.testing.assert_allclose(smaller[:, 0], 5.0, rtol=1e-4)
    spread = seen(L.RandomContrast((0, 1), (-1e9, 1e9)), x, epochs=2)
    factors = spread.std((2, 3)) / x.std((1, 2))
    assert factors.min() > 0.99
    assert factors.max() < 2.01
    assert factors.std() > 0.2
    assert (spread[0] != spread[1]).any()


def test_a_flip_augments_each_way() -> None:
    ways: list[tuple[int, ...]] = [(), (0,), (1,), (0, 1)]
    counts = np.zeros(4)
    for pictures in seen(L.RandomFlip(), PICTURES, epochs=8):
        for picture, original in zip(pictures, PICTURES, strict=True):
            hits = [np.allclose(picture, np.flip(original, way), rtol=1e-4) for way in ways]
            assert sum(hits) == 1
            counts += hits
    assert np.abs(counts / counts.sum() - 1 / 4).max() < 0.12


def test_a_seed_of_its_own_takes_the_models_place() -> None:
    turn = L.RandomRotation(0.5)
    own, same = L.RandomRotation(0.5, seed=5), L.RandomRotation(0.5, seed=5)
    other = L.RandomRotation(0.5, seed=6)
    np.testing.assert_array_equal(seen(own, PICTURES), seen(same, PICTURES))
    np.testing.assert_array_equal(seen(own, PICTURES), seen(turn, PICTURES))  # that model's is 5
    assert (seen(own, PICTURES) != seen(other, PICTURES)).any()


def test_batches_and_threads_do_not_matter() -> None:
    steps = [L.RandomRotation(0.1), L.RandomZoom(0.2), L.RandomFlip()]

    def losses(batch: int, threads: int) -> list[float]:
        model = md.Model([L.Flatten(), L.Dense(2)], seed=3, input_shape=(4, 4))
        model.compile(md.optimizers.SGD(0.0), "mse")
        with md.runtime.threads(threads):
            history = model.fit(
                *(PICTURES, np.zeros((40, 2)), batch, 3), augment=steps, shuffle=False, verbose=0
            )
        return list(history.history["loss"])

    expected = losses(40, 1)
    assert losses(40, 3) == expected
    np.testing.assert_allclose(losses(7, 2), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("augment", "shape", "error", "message"),
    [
        (L.RandomCrop(2, 2), (4, 4), ValueError, "another size: put it in front of the model's"),
        (L.RandomFlip(), (16,), ValueError, r"needs images; samples have shape \(16,\)"),
        (L.Dense(2), (4, 4), TypeError, "a layer such as RandomRotation"),
        ([L.RandomFlip(), "flip"], (4, 4), TypeError, "a layer such as RandomRotation"),
        (L.RandomFlip, (4, 4), TypeError, "a layer such as RandomRotation"),
    ],
    ids=lambda value: repr(value),
)
def test_what_does_not_augment(
    augment: Any, shape: tuple[int, ...], error: Any, message: str
) -> None:
    model = md.Model([L.Flatten(), L.Dense(1)], seed=0)
    model.compile("sgd", "mse")
    with pytest.raises(error, match=message):
        model.fit(np.zeros((8, *shape)), np.zeros(8), augment=augment, verbose=0)


# ---- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: L.RandomFlip("left"), "unknown mode 'left'"),
        (lambda: L.RandomFlip(data_format="channels_first"), r"Permute\(\(2, 3, 1\)\)"),
        (
            lambda: L.RandomTranslation(2, 0),
            "height_factor must be a finite number >= -1 and <= 1",
        ),
        (lambda: L.RandomTranslation(0, (0.1,)), r"width_factor must be a number or a pair"),
        (lambda: L.RandomTranslation(0, "0.1"), "width_factor must be a number"),
        (lambda: L.RandomTranslation(0, 0, "mirror"), "unknown fill_mode 'mirror'"),
        (lambda: L.RandomTranslation(0, 0, fill_value=np.nan), "fill_value must be a finite"),
        (lambda: L.RandomRotation((0, -1.5)), r"factor\[1\] must be a finite number >= -1"),
        (lambda: L.RandomRotation(np.inf), "factor must be a finite number"),
        (lambda: L.RandomRotation(0.1, interpolation="cubic"), "unknown interpolation 'cubic'"),
        (lambda: L.RandomRotation(0.1, seed=-1), "seed"),
        (lambda: L.RandomZoom(-1), "height_factor must be a finite number > -1 and <= 1"),
        (lambda: L.RandomZoom(0.1, (-1, 0)), r"width_factor\[0\] must be a finite number > -1"),
        (lambda: L.RandomCrop(0, 4), "height must be >= 1"),
        (lambda: L.RandomCrop(4, 2.5), "width must be an integer"),
        (lambda: L.RandomContrast(-0.1), "factor must be a finite number >= 0"),
        (lambda: L.RandomContrast(0.1, (1, 0)), "value_range must have the lower value first"),
        (lambda: L.RandomContrast(0.1, 255), r"value_range must be \(least, greatest\)"),
        (lambda: L.RandomContrast(0.1, bounding_box_format="xyxy"), "bounding_box_format"),
        (lambda: L.Resizing(0, 4), "height must be >= 1"),
        (lambda: L.Resizing(4, 4, "bicubic"), "unknown interpolation 'bicubic'"),
        (lambda: L.Resizing(4, 4, antialias=True), "antialias must be False: AveragePooling2D"),
        (lambda: L.Resizing(4, 4, fill_mode="reflect"), "unknown fill_mode 'reflect'"),
        (
            lambda: L.Resizing(4, 4, crop_to_aspect_ratio=True, pad_to_aspect_ratio=True),
            "must not both be True",
        ),
        (lambda: L.CenterCrop(4, 4, "channels_first"), r"Permute\(\(2, 3, 1\)\)"),
        (lambda: L.UpSampling2D(2, interpolation="bicubic"), "unknown interpolation 'bicubic'"),
    ],
)
def test_bad_arguments(make: Any, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        make()


@pytest.mark.parametrize("layer", [*all_random(), L.Resizing(2, 2), L.CenterCrop(2, 2)])
def test_samples_that_are_no_images(layer: Any) -> None:
    for shape in ((28, 28), (784,), (2, 3, 4, 5)):
        with pytest.raises(ValueError, match=r"must have shape \(rows, columns, channels\), got"):
            md.Model([type(layer)(**layer.get_config())], seed=0, input_shape=shape)


def test_sizes_too_large_are_refused() -> None:
    for layer in (L.Resizing(2**40, 2**40), L.UpSampling2D(2**40, interpolation="bilinear")):
        with pytest.raises((ValueError, MemoryError)):
            md.Model([layer], input_shape=(4, 4, 3), seed=0).predict(np.ones((1, 4, 4, 3)))


# ---- Keras --------------------------------------------------------------------------------------


@pytest.mark.keras
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't:DeprecationWarning")
@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
@pytest.mark.parametrize("fill", ["constant", "nearest"])  # on PyTorch it has no others
@pytest.mark.parametrize(
    ("name", "factors"),
    [
        ("RandomTranslation", {"height_factor": (0.33, 0.33), "width_factor": (-0.21, -0.21)}),
        ("RandomRotation", {"factor": (0.13, 0.13)}),
        ("RandomRotation", {"factor": (-0.4, -0.4)}),
        ("RandomZoom", {"height_factor": (-0.37, -0.37), "width_factor": (0.61, 0.61)}),
        ("RandomZoom", {"height_factor": (0.27, 0.27)}),
    ],
    ids=str,
)
def test_keras_shows_the_same(
    name: str, factors: dict[str, Any], fill: str, interpolation: str
) -> None:
    keras = pytest.importorskip("keras", reason="install the extra 'keras'")
    x = normal(2, 7, 9, 3).astype(np.float32)
    arguments = factors | {
        "fill_mode": fill,
        "interpolation": interpolation,
        "fill_value": 0.5,
    }
    theirs = getattr(keras.layers, name)(**arguments)(x, training=True)
    ours = shown(getattr(L, name)(**arguments), x, "float32")
    np.testing.assert_allclose(ours, keras.ops.convert_to_numpy(theirs), rtol=0, atol=2e-5)


@pytest.mark.keras
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't:DeprecationWarning")
def test_keras_flips_and_contrasts_alike() -> None:
    keras = pytest.importorskip("keras", reason="install the extra 'keras'")
    x = 255 * np.random.default_rng(0).random((16, 5, 4, 3), np.float32)
    drawn = np.array(draws_of(16, seed=2))
    for mode, column in (("vertical", 0), ("horizontal", 1)):
        flips = drawn[:, column].reshape(-1, 1, 1, 1) < 0.5
        images, flips = map(keras.ops.convert_to_tensor, (x, flips))
        theirs = keras.layers.RandomFlip(mode).transform_images(images, {"flips": flips})
        ours = shown(L.RandomFlip(mode), x, "float32")
        np.testing.assert_array_equal(ours, keras.ops.convert_to_numpy(theirs))
    factor = (0.25 + 1.5 * drawn[:, 0]).reshape(-1, 1, 1, 1).astype(np.float32)
    layer = keras.layers.RandomContrast(0.75)
    drawn_factor = {"contrast_factor": keras.ops.convert_to_tensor(factor)}
    theirs = layer.transform_images(keras.ops.convert_to_tensor(x), drawn_factor)
    ours = shown(L.RandomContrast(0.75), x, "float32")
    np.testing.assert_allclose(ours, keras.ops.convert_to_numpy(theirs), rtol=0, atol=1e-4)
