"""Both kinds of `compute_dtype="bfloat16"`: their products in NumPy, to the bit; the option."""

from __future__ import annotations

import copy
import json
import pickle
import warnings
from pathlib import Path
from typing import Any

import mundur as md
import numpy as np
import numpy.typing as npt
import pytest
import safetensors
from hypothesis import given, settings
from hypothesis import strategies as st
from mundur import _core, reference
from mundur.models import parts  # what it has warned of
from mundur.saving.format import _checksum  # files made by hand
from safetensors.numpy import save_file

from rounded_products import CHAINS, kinds, over_samples, rounded

Array = npt.NDArray[Any]


def model_of(inputs: int, outputs: int, kind: str = "bfloat16", **options: Any) -> md.Model:
    model = md.Model(
        [md.layers.Dense(outputs, **options)],
        seed=3,
        compute_dtype=kind,
        input_shape=(inputs,),
    )
    bias = model.parameters["dense/bias"]
    bias[...] = np.random.default_rng(1).normal(size=bias.shape)
    return model


def assert_same_bits(got: Array, expected: Array) -> None:
    np.testing.assert_array_equal(got.view(np.uint32), expected.view(np.uint32))


def check(inputs: int, outputs: int, batch: int, kind: str, scale: float = 1.0) -> None:
    rng = np.random.default_rng(7)
    model, chain = model_of(inputs, outputs, kind), CHAINS[kind]
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
    assert_same_bits(model.gradients["dense/kernel"], over_samples(x16, delta16, kind))


@kinds
@pytest.mark.parametrize("inputs", [1, 2, 3, 15, 16, 17, 31, 32, 33, 64, 101])
def test_inner_extents_even_and_odd(inputs: int, kind: str) -> None:
    check(inputs, 7, 3, kind)


@kinds
@pytest.mark.parametrize("outputs", [1, 2, 5, 8, 15, 16, 17, 31, 33, 47, 48, 49, 97])
def test_columns_around_registers_and_tiles(outputs: int, kind: str) -> None:
    check(9, outputs, 5, kind)


@kinds
@pytest.mark.parametrize("batch", [1, 2, 7, 8, 9, 17, 255, 256, 257, 513, 1025, 1300])
def test_samples_around_tiles_and_shards(batch: int, kind: str) -> None:
    check(6, 5, batch, kind)


@kinds
@pytest.mark.parametrize("inputs", [1023, 1024, 1025, 2050])
def test_blocks_of_the_inner_extent(inputs: int, kind: str) -> None:
    check(inputs, 5, 2, kind)


@kinds
@pytest.mark.parametrize("exponent", [-62, -63, -64, 60, 63])
def test_results_that_are_flushed_or_overflow(exponent: int, kind: str) -> None:
    with np.errstate(over="ignore", invalid="ignore"):
        check(12, 20, 30, kind, 2.0**exponent)


@given(
    st.integers(1, 70),
    st.integers(1, 70),
    st.integers(1, 40),
    st.sampled_from([0, 0, -63]),
    st.sampled_from(list(CHAINS)),
    st.sampled_from(_core.available_isas()),
    st.sampled_from([1, 2, 5]),
)
@settings(max_examples=60, deadline=None)
def test_any_shape(
    inputs: int, outputs: int, batch: int, exponent: int, kind: str, isa: str, threads: int
) -> None:
    before = _core.current_isa()
    _core.set_isa(isa)
    _core.set_num_threads(threads)
    try:
        check(inputs, outputs, batch, kind, 2.0**exponent)
    finally:
        _core.set_isa(before)
        _core.set_num_threads(0)


@kinds
def test_the_textbook_agrees_to_bfloat16s_precision(kind: str) -> None:
    """What the definition above is a rounding of; biases' gradients are float32."""
    native = md.Model(
        [md.layers.Dense(40, "tanh"), md.layers.Dense(10)],
        seed=3,
        compute_dtype=kind,
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


@kinds
def test_the_default_is_the_parameters_type(kind: str) -> None:
    assert md.Model().compute_dtype == "float32"
    assert md.Model(compute_dtype="float32").compute_dtype == "float32"
    assert md.Model(dtype="float64").compute_dtype == "float64"
    model = md.Model([md.layers.Dense(2)], input_shape=(3,), compute_dtype=kind)
    assert (model.dtype, model.compute_dtype) == ("float32", kind)
    assert model.native.compute_dtype == kind
    assert model.parameters["dense/kernel"].dtype == np.float32


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"compute_dtype": "float16"}, 'must be None, "float32", "bfloat16" or "bfloat16_pairs"'),
        ({"compute_dtype": 3}, "compute_dtype must be"),
        ({"compute_dtype": "float64"}, "compute_dtype must be"),
        ({"dtype": "float64", "compute_dtype": "float32"}, 'None, "float64", "bfloat16"'),
        ({"dtype": "float64", "compute_dtype": "bfloat16"}, 'goes with dtype="float32"'),
        ({"dtype": "float64", "compute_dtype": "bfloat16_pairs"}, 'goes with dtype="float32"'),
        ({"dtype": "bfloat16"}, "pass compute_dtype='bfloat16'"),
    ],
)
def test_other_types_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        md.Model(**options)


@kinds
def test_it_is_kept_by_files_copies_and_pickles(tmp_path: Path, kind: str) -> None:
    model = model_of(20, 10, kind)
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
        assert other.compute_dtype == kind
        other.fit(x, y, epochs=2, verbose=0)
        assert_same_bits(
            other.parameters["dense/kernel"], np.array(model.parameters["dense/kernel"])
        )


def test_files_of_earlier_builds_have_pairs(tmp_path: Path) -> None:
    model = model_of(20, 10, "bfloat16_pairs")
    path = tmp_path / "model.safetensors"
    model.save(path)
    with safetensors.safe_open(path, "numpy") as file:
        document = json.loads(file.metadata()["mundur"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    document["model"] = document["model"].replace('"bfloat16_pairs"', '"bfloat16"')
    document["checksum"] = _checksum(document["model"], tensors)
    save_file(tensors, path, {"mundur": json.dumps(document)})
    with pytest.warns(UserWarning, match='"bfloat16" is what is called "bfloat16_pairs" now'):
        other = md.load_model(path)
    assert other.compute_dtype == "bfloat16_pairs"
    x = np.random.default_rng(0).normal(size=(4, 20))
    assert_same_bits(other.predict(x, verbose=0), model.predict(x, verbose=0))


@kinds
def test_a_kind_that_gains_nothing_here_says_so_once(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast = md.build_info()["fast_compute_dtypes"]
    monkeypatch.setattr(parts, "_WARNED_OF", set())
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for _ in range(2):
            md.Model(compute_dtype=kind)
    assert len(told) == (kind not in fast)
    if told:
        assert "gains no speed over float32" in str(told[0].message)
        assert told[0].filename == __file__


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
    # Rows of whole lines, and tiles for the sum over samples; what was rounded need not stay.
    rounded = 64 * 2 * (128 + 64) + 64 * 2 * (112 + 64)
    assert model.native.workspace_bytes(64, True) <= (
        other.native.workspace_bytes(64, True) + rounded
    )


@kinds
@pytest.mark.parametrize("samples", [1, 7, 300])
def test_what_is_planned_begins_on_a_line_of_the_cache(kind: str, samples: int) -> None:
    """Behind the scratch, too, of which products ask for any number of elements."""
    for units in (1, 3, 17, 50):
        model = model_of(40, units, kind)
        for training in (False, True):
            assert model.native.workspace_bytes(samples, training) % 64 == 0


@kinds
def test_a_penalised_gradient_of_many_rows_is_the_same_gradient(kind: str) -> None:
    """It is made strip by strip, so that the penalty finds it in the cache."""
    rng = np.random.default_rng(2)
    x, delta = rng.normal(size=(9, 3000)), rng.normal(size=(9, 100))
    gradients = []
    for penalty in (None, md.regularizers.L2(1e-30)):  # which changes no bit
        model = model_of(3000, 100, kind, kernel_regularizer=penalty)
        with md.runtime.threads(1):
            model.forward(x, training=True)
            model.backward(delta)
        gradients.append(np.array(model.gradients["dense/kernel"]))
    assert_same_bits(*gradients)
