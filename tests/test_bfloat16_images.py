"""Conv2D in bfloat16: a Dense on what its places see, and nothing else is rounded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mundur as md
import numpy as np
import numpy.typing as npt
import pytest

from rounded_products import kinds
from test_bfloat16_sequences import model_of, normal, steps_seen

Array = npt.NDArray[Any]
L = md.layers


def pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return value if isinstance(value, tuple) else (value, value)


@kinds
@pytest.mark.parametrize(
    ("samples", "shape", "filters", "size", "options"),
    [
        (9, (9, 8, 6), 67, 3, {}),
        (9, (7, 9, 16), 33, (2, 3), {"padding": "same", "use_bias": False}),
        (9, (11, 10, 8), 40, (5, 2), {"padding": "same", "strides": (2, 3)}),
        (9, (9, 8, 9), 32, 3, {"padding": "same", "dilation_rate": (2, 1)}),
        (9, (9, 8, 9), 32, 3, {"dilation_rate": (1, 3)}),
        (1, (9, 8, 6), 67, 3, {}),
        (260, (7, 8, 33), 40, 2, {"strides": 3}),
        (9, (5, 6, 1), 64, 5, {"padding": "same"}),
        (9, (6, 5, 48), 40, 1, {}),
        (9, (6, 5, 48), 40, 1, {"strides": 2}),
        (9, (4, 5, 64), 67, 3, {"padding": "same"}),  # more taps than are summed up at once
    ],
)
def test_a_convolution_is_a_dense_on_what_its_places_see(
    samples: int,
    shape: tuple[int, int, int],
    filters: int,
    size: int | tuple[int, int],
    options: dict[str, Any],
    kind: str,
) -> None:
    windows = {"strides": 1, "dilation_rate": 1, "padding": "valid"} | options
    bias = windows.pop("use_bias", True)
    conv = model_of(L.Conv2D(filters, size, activation="relu", **options), shape, kind)
    rows, columns = (
        steps_seen(
            shape[axis],
            pair(size)[axis],
            pair(windows["strides"])[axis],
            pair(windows["dilation_rate"])[axis],
            windows["padding"],
        )
        for axis in (0, 1)
    )
    # [r, t, j, k]
    down, across = np.broadcast_arrays(rows[:, None, :, None], columns[None, :, None, :])
    there = (down >= 0) & (down < shape[0]) & (across >= 0) & (across < shape[1])
    places, seen = len(rows) * len(columns), there[0, 0].size * shape[2]
    dense = model_of(L.Dense(filters, "relu", use_bias=bias), (places, seen), kind)
    for view, same in zip(dense.parameters.values(), conv.parameters.values(), strict=True):
        view[...] = same.reshape(view.shape)
    x = normal(samples, *shape)
    delta = normal(samples, places, filters, seed=9)
    found = x[:, down.clip(0, shape[0] - 1), across.clip(0, shape[1] - 1)]
    gathered = np.where(there[..., None], found, np.float32(0)).reshape(samples, places, seen)

    y = conv.forward(x, training=True)
    expected = dense.forward(gathered, training=True)
    np.testing.assert_array_equal(y.reshape(expected.shape), expected)
    dx, dseen = conv.backward(delta.reshape(y.shape)), dense.backward(delta)
    for ours, same in zip(conv.gradients.values(), dense.gradients.values(), strict=True):
        np.testing.assert_array_equal(ours, same.reshape(ours.shape))
    expected = np.zeros_like(x)
    dseen = dseen.reshape(samples, *there.shape, shape[2])
    for r, t, j, k in zip(*np.nonzero(there), strict=True):
        expected[:, down[r, t, j, k], across[r, t, j, k]] += dseen[:, r, t, j, k]
    np.testing.assert_array_equal(dx, expected)


@kinds
@pytest.mark.parametrize(
    ("channels", "filters", "size", "groups", "stays"),
    [(64, 64, 3, 2, True), (60, 31, 3, 1, True), (5, 34, 3, 1, True), (6, 64, 2, 1, False)],
)
def test_groups_few_filters_and_little_work_stay_in_float32(
    channels: int, filters: int, size: int, groups: int, stays: bool, kind: str
) -> None:
    x = normal(3, 5, 6, channels)
    layer = L.Conv2D(filters, size, groups=groups)
    y, exact = (model_of(layer, x.shape[1:], one).predict(x) for one in (kind, "float32"))
    assert np.array_equal(y, exact) == stays


def layers() -> list[md.layers.Layer]:
    return [
        L.Conv2D(40, 3, padding="same", activation="relu"),
        L.MaxPooling2D(2),
        L.Conv2D(33, (2, 3), strides=2, padding="same"),
        L.Conv2D(48, 1, activation="tanh"),
        L.Conv2D(34, 2, dilation_rate=2, padding="same"),
        L.Flatten(),
        L.Dense(2),
    ]


def trained(kind: str) -> tuple[md.Model, float]:
    x = normal(70, 8, 9, 6)
    y = (x[:, :, :, 0].sum(axis=(1, 2)) > 0).astype(np.int64)
    model = md.Model(layers(), seed=1, compute_dtype=kind)
    model.compile("adam", md.losses.SparseCategoricalCrossentropy(from_logits=True))
    history = model.fit(x, y, epochs=2, batch_size=16, verbose=0)
    return model, history.history["loss"][-1]


@kinds
def test_the_same_bits_everywhere(
    kind: str, same_everywhere: Callable[[Callable[[], Any]], None]
) -> None:
    def bits() -> list[bytes]:
        model, _ = trained(kind)
        predicted = model.predict(normal(9, 8, 9, 6), verbose=0)
        return [np.asarray(w).tobytes() for w in [*model.get_weights(), predicted]]

    same_everywhere(bits)


@kinds
def test_training_is_near_float32s(kind: str) -> None:
    (model, loss), (exact, expected) = (trained(one) for one in (kind, "float32"))
    assert loss == pytest.approx(expected, rel=5e-3)
    assert not np.array_equal(model.get_weights()[0], exact.get_weights()[0])


@kinds
def test_no_image_of_patches_is_kept(kind: str) -> None:
    """Only what δ is rounded to joins a step's memory, and a piece of patches for each worker."""
    shape, filters, samples = (20, 20, 32), 32, 64
    with md.runtime.threads(1):
        rounded, exact = (
            model_of(L.Conv2D(filters, 3), shape, one).native.workspace_bytes(samples, True)
            for one in (kind, "float32")
        )
    places, seen = samples * 18 * 18, 9 * 32
    assert rounded - exact < places * seen * 2 / 2
