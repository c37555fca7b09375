"""`compute_dtype="bfloat16"`: the definition of its products in NumPy, to the bit; the option."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import mundur as md
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mundur import _core, reference

Array = npt.NDArray[Any]
SHARD = 256


# ---- the definition ------------------------------------------------------------------------------


def rounded(x: Array) -> Array:
    """To bfloat16, as Intel's manual writes VCVTNEPS2BF16: to nearest, ties to even."""
    bits = x.astype(np.float32).view(np.uint32)
    nearest = (bits + 0x7FFF + (bits >> 16 & 1)) & np.uint32(0xFFFF0000)
    nearest = np.where(np.abs(x) < 2.0**-126, bits & np.uint32(0x80000000), nearest)
    return np.where(np.isnan(x), np.float32(np.nan), nearest.astype(np.uint32).view(np.float32))


def fused(a: Array, b: Array, c: Array) -> Array:
    """a·b + c rounded once to float32, a result below its normal range to zero."""
    product = a.astype(np.float64) * b  # exact: 16 bits
    total = product + c
    # What the sum lacks (Knuth's two-sum) decides its last bit, "rounding to odd": rounding once
    # more, to float32, then errs nowhere.
    back = total - product
    error = (product - (total - back)) + (c - back)
    odd = total.view(np.int64) & 1 == 1
    step = np.where((error == 0) | odd, 0, np.where((error > 0) == (total > 0), 1, -1))
    total = np.where(np.isfinite(total), (total.view(np.int64) + step).view(np.float64), total)
    tiny = np.abs(total) < 2.0**-126 - 2.0**-151  # rounds below 2^-126 with 24 bits
    return np.where(tiny, np.copysign(0.0, total), total).astype(np.float32)


def chain(a: Array, b: Array) -> Array:
    """a[n, k] · b[k, m] over pairs along k, the odd element first."""
    if a.shape[1] % 2:
        a = np.pad(a, ((0, 0), (0, 1)))
        b = np.pad(b, ((0, 1), (0, 0)))
    total = np.zeros((a.shape[0], b.shape[1]), np.float32)
    for k in range(0, a.shape[1], 2):
        for element in (k + 1, k):
            total = fused(a[:, element, None], b[element], total)
    return total


def over_samples(x: Array, delta: Array) -> Array:
    """xᵀ · delta, shards of 256 samples joined by a tree."""
    shards = -(-len(x) // SHARD)
    if shards <= 1:
        return chain(x.T, delta)
    half = SHARD << (shards - 1).bit_length() - 1
    return over_samples(x[:half], delta[:half]) + over_samples(x[half:], delta[half:])


def model_of(inputs: int, outputs: int, **options: Any) -> md.Model:
    model = md.Model(
        [md.layers.Dense(outputs, **options)],
        seed=3,
        compute_dtype="bfloat16",
        input_shape=(inputs,),
    )
    bias = model.parameters["dense/bias"]
    bias[...] = np.random.default_rng(1).normal(size=bias.shape)
    return model


def assert_same_bits(got: Array, expected: Array) -> None:
    np.testing.assert_array_equal(got.view(np.uint32), expected.view(np.uint32))


def check(inputs: int, outputs: int, batch: int, scale: float = 1.0) -> None:
    rng = np.random.default_rng(7)
    model = model_of(inputs, outputs)
    x = (scale * rng.normal(size=(batch, inputs))).astype(np.float32)
    delta = (scale * rng.normal(size=(batch, outputs))).astype(np.float32)
    w, b = model.parameters["dense/kernel"], model.parameters["dense/bias"]
    w *= scale
    x16, w16, delta16 = rounded(x), rounded(np.array(w)), rounded(delta)
    y = model.forward(x, training=True)
    dx = model.backward(delta)
    if outputs > 4 or inputs < 32:  # else float32, in 16 lanes
        assert_same_bits(y, chain(x16, w16) + b)
    if inputs > 4 or outputs < 32:
        assert_same_bits(dx, chain(delta16, w16.T))
    assert_same_bits(model.gradients["dense/kernel"], over_samples(x16, delta16))


@pytest.mark.parametrize("inputs", [1, 2, 3, 15, 16, 17, 31, 32, 33, 64, 101])
def test_inner_extents_even_and_odd(inputs: int) -> None:
    check(inputs, 7, 3)


@pytest.mark.parametrize("outputs", [1, 2, 5, 8, 15, 16, 17, 31, 33, 47, 48, 49, 97])
def test_columns_around_registers_and_tiles(outputs: int) -> None:
    check(9, outputs, 5)


@pytest.mark.parametrize("batch", [1, 2, 7, 8, 9, 17, 255, 256, 257, 513, 1025, 1300])
def test_samples_around_tiles_and_shards(batch: int) -> None:
    check(6, 5, batch)


@pytest.mark.parametrize("inputs", [1023, 1024, 1025, 2050])
def test_blocks_of_the_inner_extent(inputs: int) -> None:
    check(inputs, 5, 2)


@pytest.mark.parametrize("exponent", [-62, -63, -64, 60, 63])
def test_results_that_are_flushed_or_overflow(exponent: int) -> None:
    with np.errstate(over="ignore", invalid="ignore"):
        check(12, 20, 30, 2.0**exponent)


@given(
    st.integers(1, 70),
    st.integers(1, 70),
    st.integers(1, 40),
    st.sampled_from([0, 0, -63]),
    st.sampled_from(_core.available_isas()),
    st.sampled_from([1, 2, 5]),
)
@settings(max_examples=60, deadline=None)
def test_any_shape(
    inputs: int, outputs: int, batch: int, exponent: int, isa: str, threads: int
) -> None:
    before = _core.current_isa()
    _core.set_isa(isa)
    _core.set_num_threads(threads)
    try:
        check(inputs, outputs, batch, 2.0**exponent)
    finally:
        _core.set_isa(before)
        _core.set_num_threads(0)


def test_the_textbook_agrees_to_bfloat16s_precision() -> None:
    """What the definition above is a rounding of; biases' gradients are float32."""
    native = md.Model(
        [md.layers.Dense(40, "tanh"), md.layers.Dense(10)],
        seed=3,
        compute_dtype="bfloat16",
        input_shape=(30,),
    )
    textbook = reference.Model(
        [reference.layers.Dense(40, "tanh"), reference.layers.Dense(10)], input_shape=(30,)
    )
    textbook.set_parameters({name: value.tolist() for name, value in native.parameters.items()})
    rng = np.random.default_rng(5)
    x, delta = rng.normal(size=(20, 30)), rng.normal(size=(20, 10))
    pairs = [
        (native.forward(x, training=True), textbook.forward(x.tolist(), training=True)),
        (native.backward(delta), textbook.backward(delta.tolist())),
        *((native.gradients[name], value) for name, value in textbook.gradients.items()),
    ]
    for got, expected in pairs:
        apart = np.max(np.abs(got - np.array(expected))) / np.max(np.abs(expected))
        assert apart < 2.0**-7
    last = np.array(textbook.gradients["dense_1/bias"])
    assert np.max(np.abs(native.gradients["dense_1/bias"] - last)) < 1e-5 * np.max(np.abs(last))


# ---- the option ----------------------------------------------------------------------------------


def test_the_default_is_the_parameters_type() -> None:
    assert md.Model().compute_dtype == "float32"
    assert md.Model(compute_dtype="float32").compute_dtype == "float32"
    assert md.Model(dtype="float64").compute_dtype == "float64"
    model = md.Model([md.layers.Dense(2)], input_shape=(3,), compute_dtype="bfloat16")
    assert (model.dtype, model.compute_dtype) == ("float32", "bfloat16")
    assert model.native.compute_dtype == "bfloat16"
    assert model.parameters["dense/kernel"].dtype == np.float32


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"compute_dtype": "float16"}, 'compute_dtype must be None, "float32" or "bfloat16"'),
        ({"compute_dtype": 3}, "compute_dtype must be"),
        ({"compute_dtype": "float64"}, "compute_dtype must be"),
        ({"dtype": "float64", "compute_dtype": "float32"}, 'None, "float64" or "bfloat16"'),
        ({"dtype": "float64", "compute_dtype": "bfloat16"}, 'goes with dtype="float32"'),
        ({"dtype": "bfloat16"}, 'pass compute_dtype="bfloat16"'),
    ],
)
def test_other_types_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        md.Model(**options)


def test_it_is_kept_by_files_copies_and_pickles(tmp_path: Path) -> None:
    model = model_of(20, 10)
    model.compile("adam", "mse")
    model.save(tmp_path / "model.safetensors")
    x, y = np.random.default_rng(0).normal(size=(2, 40, 20))
    y = y[:, :10]
    others = [
        md.load_model(tmp_path / "model.safetensors"),
        copy.deepcopy(model),
        pickle.loads(pickle.dumps(model)),
    ]
    model.fit(x, y, epochs=2, verbose=0)
    for other in others:
        assert other.compute_dtype == "bfloat16"
        other.fit(x, y, epochs=2, verbose=0)
        assert_same_bits(
            other.parameters["dense/kernel"], np.array(model.parameters["dense/kernel"])
        )


def test_summary_mentions_it(capsys: pytest.CaptureFixture[str]) -> None:
    model_of(2, 3).summary()
    assert 'Model "model" (float32, bfloat16 products, seed 3)' in capsys.readouterr().out


def test_it_computes_something_else_than_float32() -> None:
    """A test of the tests: the option must reach the products."""
    model, x = model_of(40, 30), np.random.default_rng(0).normal(size=(8, 40))
    other = md.Model([md.layers.Dense(30)], seed=0, input_shape=(40,))
    other.set_weights(model.get_weights())
    got, float32 = model.predict(x, verbose=0), other.predict(x, verbose=0)
    assert (got != float32).mean() > 0.9
    np.testing.assert_allclose(got, float32, atol=0.05)


def test_the_workspace_grows_by_no_more_than_the_rounded_copies() -> None:
    model, other = model_of(100, 50), md.Model([md.layers.Dense(50)], input_shape=(100,))
    rounded = 64 * 2 * (128 + 64)  # rows of whole lines; what was rounded need not stay
    assert model.native.workspace_bytes(64, True) <= (
        other.native.workspace_bytes(64, True) + rounded
    )
