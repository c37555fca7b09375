"""Features whose columns are a thousandfold apart in scale: a warning, and no false alarm."""

from __future__ import annotations

import copy
from typing import Any

import mundur as md
import numpy as np
import pytest


def table(**columns: Any) -> dict[str, Any]:
    """Standardised columns "a" and "b", and others."""
    rng = np.random.default_rng(0)
    n = len(next(iter(columns.values()))) if columns else 100
    return {"a": rng.normal(size=n), "b": rng.normal(size=n), **columns}


def fitted(x: Any, *before: md.Layer) -> None:
    model = md.Model([*before, md.layers.Dense(2), md.layers.Dense(1)], seed=0)
    model.compile("adam", "mse")
    model.fit(
        x,
        np.zeros(len(x)),
        verbose=0,
        callbacks=[md.callbacks.TerminateOnNaN()],
        allow_nonfinite=True,
    )


INCOMES = np.random.default_rng(1).lognormal(10, 1, 100)


@pytest.mark.parametrize("before", [(), (md.layers.Flatten(), md.layers.Dropout(0.1))])
def test_columns_a_thousandfold_apart_are_named(before: Any) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(table(income=INCOMES))
    words = r"column 'income' holds numbers about 3.9e\+04, column '[ab]' about .* Standardise"
    with pytest.warns(UserWarning, match=words) as caught:
        fitted(frame, *map(copy.deepcopy, before))
    assert [warning.filename for warning in caught] == [__file__]
    with pytest.warns(UserWarning, match="column 2 holds numbers about"):
        fitted(frame.to_numpy(np.float32))


@pytest.mark.parametrize(
    "columns",
    [
        {},
        {"count": np.arange(100.0)},
        {"rare": np.arange(100) == 7, "count": 50.0 * (np.arange(100) % 10 == 3)},
        {"tiny": 1e-6 * INCOMES / INCOMES.max()},
        {"noise": 1e-17 * INCOMES, "count": np.arange(100.0)},
        {"constant": np.full(100, 1e6)},
        {"hole": np.where(np.arange(100) == 3, np.nan, INCOMES)},
        {"income": INCOMES[:10]},
    ],
    ids=lambda columns: "-".join(columns) or "alike",
)
def test_other_columns_are_no_reason_to_warn(columns: Any) -> None:
    fitted(np.column_stack([*table(**columns).values()]))


@pytest.mark.parametrize(
    "first",
    [md.layers.BatchNormalization(), md.layers.LayerNormalization(), md.layers.Rescaling(1)],
)
def test_layers_that_scale_are_no_reason_to_warn(first: md.Layer) -> None:
    fitted(np.column_stack([*table(income=INCOMES).values()]), copy.deepcopy(first))


def test_whole_numbers_are_no_reason_to_warn() -> None:
    fitted(np.column_stack([*table(income=INCOMES).values()]).astype(np.int64))


# ---- images -------------------------------------------------------------------------------------

BYTES = np.random.default_rng(2).integers(0, 256, size=(30, 12, 12, 1), dtype=np.uint8)


def fitted_to_images(x: Any, *before: md.Layer, shape: Any = None) -> None:
    layers = [*map(copy.deepcopy, before), md.layers.Conv2D(2, 1), md.layers.Flatten()]
    model = md.Model([*layers, md.layers.Dense(1)], seed=0, input_shape=shape)
    model.compile("adam", "mse")
    model.fit(x, np.zeros(len(x)), verbose=0)


@pytest.mark.parametrize(
    "before", [(), (md.layers.RandomFlip(), md.layers.MaxPooling2D()), (md.layers.Dropout(0.1),)]
)
def test_bytes_are_told_of(before: Any) -> None:
    with pytest.warns(UserWarning, match=r"bytes, 0 to 255.*md.layers.Rescaling\(1/255\)") as seen:
        fitted_to_images(BYTES, *before)
    assert [warning.filename for warning in seen] == [__file__]


@pytest.mark.parametrize(
    ("x", "before"),
    [
        (BYTES, (md.layers.Rescaling(1 / 255),)),
        (BYTES, (md.layers.BatchNormalization(),)),
        (BYTES, (md.layers.Normalization(mean=127.0, variance=5e3),)),
        (BYTES // 128, ()),
        (BYTES / 255, ()),
        (BYTES.astype(np.float32), ()),
    ],
    ids=lambda value: str(getattr(value, "dtype", "")) or repr(value),
)
def test_images_that_are_no_bytes_are_not(
    x: Any, before: Any, recwarn: pytest.WarningsRecorder
) -> None:
    fitted_to_images(x, *before)
    assert not recwarn.list


@pytest.mark.parametrize("channels", [1, 3])
def test_channels_that_seem_to_be_first_are_told_of(
    channels: int, recwarn: pytest.WarningsRecorder
) -> None:
    x = np.zeros((20, channels, 12, 12))
    fitted_to_images(x, shape=x.shape[1:])
    fitted_to_images(np.moveaxis(x, 1, -1))
    fitted_to_images(x[..., :11])
    fitted_to_images(np.zeros((20, 2, 12, 12)))
    assert not recwarn.list
    words = rf"are the channels first\? np.moveaxis\(x, 1, -1\).*input_shape=\({channels}, 12, 12\)"
    with pytest.warns(UserWarning, match=words) as seen:
        fitted_to_images(x)
    assert [warning.filename for warning in seen] == [__file__]


@pytest.mark.parametrize("in_steps", [False, True])
def test_bytes_in_batches_are_told_of(in_steps: bool) -> None:
    batches = [(BYTES[i : i + 5], np.zeros((5, 1))) for i in range(0, len(BYTES), 5)]
    model = md.Model([md.layers.Conv2D(2, 3), md.layers.Flatten(), md.layers.Dense(1)], seed=0)
    model.compile("adam", "mse")
    with pytest.warns(UserWarning, match=r"bytes, 0 to 255.*md.layers.Rescaling\(1/255\)") as seen:
        if in_steps:
            model.fit(BYTES, np.zeros((len(BYTES), 1)), steps_per_epoch=1, verbose=0)
        else:
            model.fit((batch for batch in batches), verbose=0)
    assert [warning.filename for warning in seen] == [__file__]


def objects(*parts: Any) -> Any:
    array = np.empty(len(parts), object)
    for i, part in enumerate(parts):
        array[i] = part
    return array


def test_images_that_are_objects_of_one_size() -> None:
    model = md.Model([md.layers.Conv2D(2, 3)], seed=0, input_shape=(8, 8, 3))
    with pytest.raises(TypeError, match=r"got dtype object; np.stack\(x\) makes one array"):
        model.predict(objects(np.zeros((8, 8, 3)), np.zeros((8, 8, 3))))


@pytest.mark.parametrize(
    ("loss", "outputs", "y", "message"),
    [
        ("sparse_categorical_crossentropy", 3, np.zeros(9), r"labels of shape \(9, 6, 6\).*pixel"),
        (
            "mse",
            2,
            np.zeros((9, 2)),
            r"must have shape \(9, 6, 6, 2\).*outputs \(6, 6, 2\) of each",
        ),
    ],
)
def test_a_missing_flatten(loss: str, outputs: int, y: Any, message: str) -> None:
    head = md.layers.Dense(outputs, "softmax" if outputs == 3 else None)
    model = md.Model([md.layers.Conv2D(2, 3), head], seed=0, input_shape=(8, 8, 1))
    model.compile("sgd", loss)
    with pytest.raises(ValueError, match=message + ".*Flatten or a global pooling in front"):
        model.fit(np.zeros((9, 8, 8, 1)), y, verbose=0)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((9, 3, 8, 8)), r"got \(9, 3, 8, 8\), channels first: np.moveaxis\(x, 1, -1\)"),
        (np.zeros((9, 8, 8)), r"an axis is missing.*x\[..., np.newaxis\] where images are grey"),
        (np.zeros((8, 8, 3)), r"for a single sample pass x\[np.newaxis\]"),
        (
            [np.zeros((8, 8, 3)), np.zeros((8, 8, 3)), np.zeros((9, 7, 3))],
            r"x\[0\] has shape \(8, 8, 3\), x\[2\] \(9, 7, 3\).*md.layers.Resizing\(8, 8\)\(image",
        ),
        (
            [np.zeros((8, 8)), np.zeros((8, 9))],
            r"x\[1\] \(8, 9\).*\(image\[np.newaxis, ..., np.newaxis\]\)\[0, ..., 0\]",
        ),
        ([np.zeros((8, 8, 3)), np.zeros(8)], "must be padded or cut to one"),
        ([[1.0, 2.0], [3.0]], "rows of different lengths must be padded"),
        (np.zeros((9, 192)), r"got \(9, 192\); x.reshape\(-1, 8, 8, 3\) brings flat rows into it"),
        (
            objects(np.zeros((8, 8, 3)), np.zeros((9, 7, 3))),
            r"x\[1\] \(9, 7, 3\).*md.layers.Resizing\(8, 8\)",
        ),
    ],
    ids=["first", "missing", "single", "sizes", "grey", "mixed", "rows", "flat", "objects"],
)
def test_images_of_another_shape(x: Any, message: str) -> None:
    model = md.Model([md.layers.Conv2D(2, 3)], seed=0, input_shape=(8, 8, 3))
    with pytest.raises(ValueError, match=message):
        model.predict(x, verbose=0)


def test_the_mend_brings_images_to_one_size() -> None:
    images = [np.ones((8, 8, 3)), np.ones((9, 7, 3))]
    x = [md.layers.Resizing(8, 8)(image[np.newaxis])[0] for image in images]
    grey = md.layers.Resizing(8, 8)(np.ones((9, 7))[np.newaxis, ..., np.newaxis])[0, ..., 0]
    assert grey.shape == (8, 8)
    model = md.Model([md.layers.Conv2D(2, 3)], seed=0, input_shape=(8, 8, 3))
    assert model.predict(np.stack(x), verbose=0).shape == (2, 6, 6, 2)
