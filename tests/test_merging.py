"""Layers that join values: numbers, bits, files, masks, and what they refuse."""

from __future__ import annotations

import pickle
from typing import Any

import mundur as md
import numpy as np
import numpy.typing as npt
import pytest
from mundur import reference
from mundur.reference.graph import check_graph

from cases import MERGES, TOLERANCE, MergeCase

L = md.layers
Array = npt.NDArray[Any]
CASES = pytest.mark.parametrize("case", MERGES, ids=lambda case: case.id)


def graph_of(case: MergeCase, **model: Any) -> md.Model:
    inputs = [md.Input(shape) for shape in case.shapes]
    return md.Model(inputs, getattr(L, case.layer)(**case.arguments)(inputs), seed=0, **model)


def close(found: Array, expected: Any, tolerance: float) -> None:
    expected = np.asarray(expected)
    assert found.shape == expected.shape
    scale = max(np.abs(expected).max(initial=0.0), 1e-3)
    np.testing.assert_allclose(found / scale, expected / scale, rtol=0, atol=tolerance)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@CASES
def test_one_pass(case: MergeCase, dtype: str) -> None:
    rng = np.random.default_rng(1)
    x = case.samples(rng, dtype)
    model = graph_of(case, dtype=dtype)
    textbook = getattr(reference.layers, case.layer)(**case.arguments)
    assert textbook.build(case.shapes) == model.output_shape
    y = model.forward(x, training=True)
    assert y.dtype == dtype
    close(y, textbook.forward([part.tolist() for part in x]), TOLERANCE[dtype])
    delta = rng.normal(size=y.shape)
    found = zip(model.backward(delta), textbook.backward(delta.tolist()), strict=True)
    for dx, expected in found:
        close(dx, expected, TOLERANCE[dtype])


@pytest.mark.share(3)
@CASES
def test_the_textbook_by_central_differences(case: MergeCase) -> None:
    rng = np.random.default_rng(2)
    n = len(case.shapes)
    layer = getattr(reference.layers, case.layer)(**case.arguments)
    graph = reference.graph.Graph([layer], [(0, range(n))], [n], case.shapes)
    x = [rng.normal(size=(2, *shape)).tolist() for shape in case.shapes]
    differences = check_graph(graph, x)
    assert len(differences) == n and max(differences.values()) < 1e-8


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@CASES
def test_the_same_bits_everywhere(case: MergeCase, dtype: str, same_everywhere: Any) -> None:
    def one_pass() -> dict[str, bytes]:
        rng = np.random.default_rng(4)
        model = graph_of(case, dtype=dtype)
        y = model.forward(case.samples(rng, dtype), training=True)
        dx = model.backward(rng.normal(size=y.shape).astype(dtype))
        return {"y": y.tobytes(), **{f"dx{i}": part.tobytes() for i, part in enumerate(dx)}}

    same_everywhere(one_pass)


@CASES
def test_saved_and_loaded(case: MergeCase) -> None:
    model = graph_of(case)
    again = pickle.loads(pickle.dumps(model))
    x = case.samples(np.random.default_rng(0))
    np.testing.assert_array_equal(model.predict(x), again.predict(x))
    assert repr(again.layers[0]) == repr(model.layers[0])


def test_the_first_of_equal_ones_gets_the_gradient_and_nan_wins() -> None:
    a, b = md.Input((4,)), md.Input((4,))
    nan = np.nan
    x = [np.array([[1.0, 2.0, nan, 1.0]]), np.array([[1.0, 3.0, 2.0, nan]])]
    for layer, largest in ((L.Maximum, 3.0), (L.Minimum, 2.0)):
        model = md.Model([a, b], layer()([a, b]))
        y = model.forward(x)
        np.testing.assert_array_equal(y, np.array([[1.0, largest, nan, nan]], np.float32))
        first, second = model.backward(np.ones((1, 4)))
        taken = [1.0, float(largest == 2.0), 1.0, 0.0]
        np.testing.assert_array_equal(first, [taken])
        np.testing.assert_array_equal(second, [[1 - one for one in taken]])


def test_a_product_with_itself_has_both_gradients() -> None:
    x = md.Input((3,))
    model = md.Model(x, L.Dot(1)([x, x]), dtype="float64")
    values = np.array([[1.0, 2.0, 3.0]])
    np.testing.assert_array_equal(model.forward(values), [[14.0]])
    np.testing.assert_array_equal(model.backward([[1.0]]), 2 * values)


@pytest.mark.parametrize("layer", ["Add", "Subtract", "Multiply", "Average", "Maximum"])
def test_masks_as_the_textbook_has_them(layer: str) -> None:
    """A step is there where either sentence has it; what comes behind goes by that."""
    ids = [np.array([[1, 2, 0, 0], [3, 0, 0, 0]]), np.array([[2, 1, 3, 0], [1, 0, 0, 0]])]
    inputs = [md.Input((4,), name=name) for name in "ab"]
    table = L.Embedding(4, 3, mask_zero=True)
    merged = getattr(L, layer)()([table(x) for x in inputs])
    model = md.Model(inputs, L.Dense(1)(L.LSTM(3)(merged)), seed=0, dtype="float64")
    assert model.verify(ids, np.ones((2, 1)), "mse")
    model.compile("adam", "mse")
    assert model.fit(ids, np.ones((2, 1)), epochs=2, verbose=0).history["loss"][-1] < 1e6


def test_side_by_side_in_time_a_mask_ends_with_a_warning() -> None:
    x = md.Input((4,))
    seen = L.Embedding(4, 3, mask_zero=True)(x)
    with pytest.warns(UserWarning, match="concatenate .* drops the mask"):
        md.Model(x, L.LSTM(2)(L.Concatenate(axis=1)([seen, seen])))
    with pytest.warns(UserWarning, match="dot .* drops the mask"):
        md.Model(x, L.Flatten()(L.Dot(2)([seen, seen])))


def test_arithmetic_makes_layers() -> None:
    a, b = md.Input((2,)), md.Input((2,))
    x, y = np.array([[1.0, 2.0]]), np.array([[3.0, 5.0]])
    for value, expected in (
        (a + b, x + y),
        (a - b, x - y),
        (a * b, x * y),
        (a * 2 + b, x * 2 + y),
        (1 - a + b, 1 - x + y),
        (-(a / 4) - b, -x / 4 - y),
        (np.float64(2) * a + b, 2 * x + y),
        (np.float64(2) - a + b, 2 - x + y),
    ):
        np.testing.assert_allclose(md.Model([a, b], value).predict([x, y]), expected)


def test_functions_of_kerass_names() -> None:
    a, b = md.Input((2,)), md.Input((2,))
    x = [np.array([[1.0, 2.0]]), np.array([[3.0, 5.0]])]
    for name in ("add", "subtract", "multiply", "average", "maximum", "minimum", "concatenate"):
        made = md.Model([a, b], getattr(L, name)([a, b]))
        layer = getattr(L, name.capitalize())()
        np.testing.assert_array_equal(made.predict(x), md.Model([a, b], layer([a, b])).predict(x))
    assert md.Model([a, b], L.dot([a, b], axes=1)).predict(x) == [[13.0]]
    np.testing.assert_array_equal(L.Add()(x), [[4.0, 7.0]])  # on arrays


A, B, S = md.Input((3,), name="a"), md.Input((4,), name="b"), md.Input((5, 3), name="s")


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: L.Add()([A, B]), ValueError, r"add needs .* \(3,\) and \(4,\) .*'a' .*'b'"),
        (lambda: L.Add()(A), ValueError, "call it on a list of them"),
        (lambda: L.Add()([A, np.ones(3)]), TypeError, "must be symbolic"),
        (lambda: L.Subtract()([A, A, A]), ValueError, "must be called on two; got 3"),
        (lambda: L.Dot(1)([A]), ValueError, "must be called on two; got 1"),
        (lambda: L.Dot(1)([A, B]), ValueError, "axes of one length; got 3 and 4"),
        (lambda: L.Dot(2)([A, A]), ValueError, "axis 2 must be one of samples of one or two"),
        (lambda: L.Dot((1, 2, 3)), ValueError, "axes must be an integer or a pair"),
        (lambda: L.Dot(0), ValueError, "axes must not be 0"),
        (lambda: L.Dot("x"), TypeError, "axes must be an integer"),
        (lambda: L.Dot(1, normalize="yes"), TypeError, "normalize must be True or False"),
        (lambda: L.Concatenate(axis=0), ValueError, "axis must not be 0"),
        (lambda: L.Concatenate(axis=2)([A, A]), ValueError, "axis=2 is none of samples of rank 1"),
        (lambda: L.Concatenate()([S, A]), ValueError, "one shape but for axis 2"),
        (lambda: L.Concatenate(axis=1)([S, A]), ValueError, "one shape but for axis 1"),
        (lambda: md.Model([L.Add()], input_shape=(3,)), ValueError, "add joins several values"),
        (lambda: L.Residual([L.Add()]), ValueError, "within a Residual there is one"),
    ],
)
def test_what_does_not_meet(make: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        make()
