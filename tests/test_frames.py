"""Data frames, tensors of other libraries and shared memory: what is copied and what is not."""

from __future__ import annotations

import tracemalloc
from typing import Any

import mundur as md
import numpy as np
import pytest
from mundur.data.arrays import real_array  # whether it copies is seen nowhere else

RNG = np.random.default_rng(0)


def model_for(inputs: int) -> md.Model:
    model = md.Model([md.layers.Dense(1)], input_shape=(inputs,), seed=0)
    model.compile("sgd", "mse")
    return model


def frame(**columns: Any) -> Any:
    return pytest.importorskip("pandas").DataFrame(columns)


def test_a_frame_of_mixed_numbers_equals_its_columns() -> None:
    a, b, c = np.arange(6), RNG.normal(size=6).astype(np.float32), np.arange(6) % 2 == 0
    table = frame(a=a, b=b, c=c)
    expected = np.column_stack([a, b.astype(np.float64), c])
    model, other = model_for(3), model_for(3)
    assert np.array_equal(model.predict(table), other.predict(expected))
    targets = table["b"]
    one = model.fit(table, targets, epochs=3, verbose=0, validation_data=(table, targets))
    two = other.fit(expected, b, epochs=3, verbose=0, validation_data=(expected, b))
    assert one.history == two.history
    assert model.evaluate(table, table[["b"]], verbose=0) == other.evaluate(expected, b, verbose=0)


def test_a_frame_of_one_dtype_is_not_copied() -> None:
    pandas = pytest.importorskip("pandas")
    values = RNG.normal(size=(5, 3))
    table = pandas.DataFrame(values, copy=False)
    assert np.shares_memory(real_array(table, "x"), values)


def test_a_mixed_frame_is_copied_once() -> None:
    rows = 200_000
    table = frame(**{f"c{i}": np.zeros(rows, np.float64 if i % 2 else np.int32) for i in range(8)})
    real_array(table.head(2), "x")  # imports come first
    tracemalloc.start()
    try:
        whole = real_array(table, "x")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert whole.dtype == np.float64
    assert peak < 1.1 * whole.nbytes


def test_nullable_columns_are_numbers_and_missing_ones_nan() -> None:
    pandas = pytest.importorskip("pandas")
    whole = frame(a=pandas.array([1, 2], dtype="Int64"), b=[0.5, 1.5])
    assert real_array(whole, "x").tolist() == [[1.0, 0.5], [2.0, 1.5]]
    missing = frame(a=pandas.array([1, None], dtype="Int64"), b=[0.5, 1.5])
    with pytest.raises(ValueError, match=r"x must be finite; got nan at sample 1, feature 0"):
        model_for(2).predict(missing)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["red", "green"], "column 'colour' of x must hold real numbers; got dtype"),
        ([object(), 1], "column 'colour' of x must hold real numbers; got dtype object"),
        ([1j, 2j], "real and imaginary parts as separate columns"),
    ],
)
def test_a_column_that_holds_no_numbers_is_named(values: Any, words: str) -> None:
    with pytest.raises(TypeError) as caught:
        model_for(2).predict(frame(size=[1.0, 2.0], colour=values))
    assert words in str(caught.value)


def test_times_and_categories_are_named() -> None:
    pandas = pytest.importorskip("pandas")
    times = frame(size=[1.0, 2.0], when=pandas.to_datetime(["2020-01-01", "2020-01-02"]))
    with pytest.raises(TypeError, match=r"column 'when' of x.*convert times"):
        model_for(2).predict(times)
    kinds = frame(size=[1.0, 2.0], kind=pandas.Categorical(["a", "b"]))
    with pytest.raises(TypeError, match=r"column 'kind' of x.*encode text and categories"):
        model_for(2).predict(kinds)
    with pytest.raises(TypeError, match="column 'kind' of y"):
        model_for(1).fit(kinds[["size"]], kinds[["kind"]], verbose=0)


def test_a_series_of_labels_in_any_order_of_its_index() -> None:
    pandas = pytest.importorskip("pandas")
    x = RNG.normal(size=(4, 2))
    labels = pandas.Series([2, 0, 1, 1], index=[9, 3, 5, 1])
    model = md.Model([md.layers.Dense(3, "softmax")], seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    other = md.Model([md.layers.Dense(3, "softmax")], seed=0)
    other.compile("sgd", "sparse_categorical_crossentropy")
    weight = pandas.Series([1.0, 2.0, 3.0, 4.0])
    one = model.fit(x, labels, sample_weight=weight, verbose=0)
    two = other.fit(x, labels.to_numpy(), sample_weight=weight.to_numpy(), verbose=0)
    assert one.history == two.history


def test_a_frame_without_columns_or_rows() -> None:
    pandas = pytest.importorskip("pandas")
    with pytest.raises(ValueError, match="x has no columns"):
        model_for(2).predict(pandas.DataFrame(index=[0, 1]))
    with pytest.raises(ValueError, match="x must not be empty"):
        model_for(1).predict(frame(a=np.zeros(0)))


# ---- shared memory ------------------------------------------------------------------------------


class OnlyDlpack:
    """A tensor of another library, without NumPy's protocol."""

    def __init__(self, array: Any) -> None:
        self.array = array

    def __dlpack__(self, **options: Any) -> Any:
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self.array.__dlpack_device__()


def test_dlpack_shares_memory() -> None:
    x = RNG.normal(size=(4, 3)).astype(np.float32)
    assert np.shares_memory(real_array(OnlyDlpack(x), "x"), x)


def test_tensors_of_pytorch_are_not_copied() -> None:
    torch = pytest.importorskip("torch")
    x = torch.randn(5, 3)
    assert np.shares_memory(real_array(x, "x"), x.numpy())
    assert np.shares_memory(real_array(OnlyDlpack(x), "x"), x.numpy())
    model = model_for(3)
    assert np.array_equal(model.predict(x), model.predict(x.numpy()))
    model.fit(x, torch.zeros(5), verbose=0)


def test_pytorch_trains_parameters_in_place() -> None:
    torch = pytest.importorskip("torch")
    model = model_for(3)
    x = RNG.normal(size=(32, 3)).astype(np.float32)
    y = x @ np.array([[1.0], [-2.0], [3.0]], np.float32)
    weights = [torch.from_numpy(view).requires_grad_() for view in model.parameters.values()]
    before = model.evaluate(x, y, verbose=0)
    optimizer = torch.optim.SGD(weights, lr=0.1)
    for _ in range(100):
        optimizer.zero_grad()
        loss = ((torch.from_numpy(x) @ weights[0] + weights[1] - torch.from_numpy(y)) ** 2).mean()
        loss.backward()
        optimizer.step()
    assert model.evaluate(x, y, verbose=0) < 1e-3 * before
    np.testing.assert_allclose(model.get_weights()[0].ravel(), [1.0, -2.0, 3.0], atol=1e-2)
