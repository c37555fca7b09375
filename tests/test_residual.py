"""Residual: y = x + chain(x), and layers within a layer."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import mundur as md
import numpy as np
import numpy.typing as npt
import pytest
from mundur import reference

from test_numerics import assert_close, teach

Array = npt.NDArray[Any]
DTYPES = ["float32", "float64"]
L = md.layers


def chains(kind: Any) -> dict[str, list[Any]]:
    """By name, the layers within a Residual on samples of 12; of mundur or of the textbook."""
    return {
        "dense": [kind.Dense(12)],
        "two": [kind.Dense(20, "relu"), kind.Dense(12, "tanh")],
        "softmax": [kind.Activation("softmax")],
        "normalised": [kind.BatchNormalization(), kind.Dense(5, "relu"), kind.Dense(12)],
        "activations": [kind.Dense(7), kind.Activation("tanh"), kind.Dense(12, "sigmoid")],
        "curves": [kind.Dense(9, "gelu"), kind.Activation("silu"), kind.Dense(12, "mish")],
        "penalised": [
            kind.Dense(9, "relu", kernel_regularizer="l2", bias_regularizer="l1"),
            kind.Dense(12, kernel_regularizer="l1_l2"),
        ],
        "nothing": [kind.Flatten(), kind.Dropout(0.0)],
        "nested": [
            kind.LayerNormalization(),
            kind.Residual(
                [kind.Dense(30, "tanh"), kind.Residual([kind.Dense(30)]), kind.Dense(12)]
            ),
            kind.Rescaling(0.5),
        ],
    }


NAMES = list(chains(L))


def native(name: str, dtype: str) -> md.Model:
    layers = [L.Dense(12, "tanh"), L.Residual(chains(L)[name]), L.Dense(3)]
    return md.Model(layers, seed=3, dtype=dtype, input_shape=(4,))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_the_textbook_proves_it(name: str, dtype: str, training: bool) -> None:
    model = native(name, dtype)
    kind = reference.layers
    textbook = reference.Model(
        [kind.Dense(12, "tanh"), kind.Residual(chains(kind)[name]), kind.Dense(3)],
        input_shape=(4,),
    )
    teach(textbook, model)
    assert list(model.parameters) == list(textbook.parameters)
    rng = np.random.default_rng(5)
    x, delta = (rng.normal(size=(9, n)).astype(dtype) for n in (4, 3))
    tolerance = {"float32": 3e-5, "float64": 1e-12}[dtype]
    y = model.forward(x, training=training)
    assert_close(y, textbook.forward(x.tolist(), training), tolerance)
    dx = model.backward(delta)
    assert_close(dx, textbook.backward(delta.tolist()), tolerance)
    for parameter, gradient in textbook.gradients.items():
        assert_close(model.gradients[parameter], gradient, tolerance)
    for state, value in textbook.state.items():
        assert_close(model.state[state], value, tolerance)


def trained(name: str, dtype: str) -> list[bytes]:
    rng = np.random.default_rng(8)
    x, y = rng.normal(size=(333, 40)), rng.integers(0, 7, size=333)
    model = md.Model(
        [
            *(L.Dense(12, "relu"), L.Residual([*chains(L)[name], L.Dropout(0.2)])),
            *(L.Residual([L.AlphaDropout(0.1), L.Dense(12)]), L.Dense(7)),
        ],
        seed=12,
        dtype=dtype,
    )
    loss = md.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(md.optimizers.Adam(0.01), loss)
    model.fit(x, y, batch_size=100, epochs=2, verbose=0)
    whole = model.predict(x, verbose=0)
    alone = np.concatenate([model.predict(x[i : i + 1], verbose=0) for i in range(0, 333, 50)])
    np.testing.assert_array_equal(alone, whole[::50])
    return [array.tobytes() for array in (*model.get_weights(), whole)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_the_same_bits_everywhere(name: str, dtype: str, same_everywhere: Any) -> None:
    same_everywhere(lambda: trained(name, dtype))


def test_a_chain_that_yields_zero_changes_nothing(rng: np.random.Generator) -> None:
    model = md.Model(
        [L.Residual([L.Dense(4, kernel_initializer="zeros")])], seed=0, input_shape=(4,)
    )
    x = rng.normal(size=(5, 4)).astype(np.float32)
    np.testing.assert_array_equal(model.forward(x), x)
    np.testing.assert_array_equal(model.backward(x), x)


def test_layers_within_draw_noise_of_their_own() -> None:
    x = np.ones((3, 64))
    model = md.Model(
        [L.Residual([L.GaussianNoise(1.0)]), L.GaussianNoise(1.0)], seed=0, input_shape=(64,)
    )
    first = md.Model([L.Flatten(), L.GaussianNoise(1.0)], seed=0, input_shape=(64,))
    second = md.Model([L.Flatten(), L.Flatten(), L.GaussianNoise(1.0)], seed=0, input_shape=(64,))
    one, two = (m.forward(x, training=True) - 1 for m in (first, second))
    np.testing.assert_allclose(model.forward(x, training=True), 2 + one + two, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_saved_and_loaded_to_the_bit(name: str) -> None:
    model = native(name, "float32")
    model.compile("adam", "mse")
    x, y = np.random.default_rng(0).normal(size=(2, 50, 4))
    model.fit(x, y[:, :3], verbose=0)
    for again in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert repr(again) == repr(model)
        for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)
        assert list(again.parameters) == list(model.parameters)
        np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))


def test_names_and_arrays_within_survive_files() -> None:
    values = np.arange(16.0).reshape(4, 4)
    inner = [L.Dense(4, kernel_initializer=values, name="up"), L.Dense(4, trainable=False)]
    model = md.Model([L.Residual(inner), L.Dense(4)], seed=0, input_shape=(4,))
    model.freeze("residual/up/bias")
    again = pickle.loads(pickle.dumps(model))
    assert again.trainable_parameters == ["residual/up/kernel", "dense/kernel", "dense/bias"]
    assert again.trainable_parameters == model.trainable_parameters
    block = again.layers[0]
    assert [layer.name for layer in block.layers] == ["up", "dense"]
    assert block.layers[1]._given_name is None
    np.testing.assert_array_equal(block.layers[0].kernel, values)
    assert repr(again.layers[0].layers[0]) == repr(inner[0])


def test_a_layer_within_is_frozen_and_looked_at_by_itself() -> None:
    block = L.Residual([L.BatchNormalization(), L.Dense(4)])
    model = md.Model([block, L.Dense(1)], seed=0, input_shape=(4,))
    model.compile("sgd", "mse")
    norm, dense = block.layers
    norm.trainable = False
    before, kernel = norm.get_weights(), dense.kernel.copy()
    x = np.random.default_rng(0).normal(size=(40, 4)) + 3
    model.fit(x, x[:, 0], verbose=0)
    for value, kept in zip(norm.get_weights(), before, strict=True):
        np.testing.assert_array_equal(value, kept)
    assert (dense.kernel != kernel).all()
    block.trainable = True
    model.fit(x, x[:, 0], verbose=0)
    assert (norm.moving_mean != 0).all()


def test_a_view_of_a_layer_within_is_a_view_of_the_model() -> None:
    block = L.Residual([L.Dense(4)])
    model = md.Model([block], seed=0, input_shape=(4,))
    block.layers[0].kernel[...] = 0
    assert not model.parameters["residual/dense/kernel"].any()
    other = md.Model([L.Residual([L.Dense(4)])], seed=0, input_shape=(4,))
    assert other.layers[0].layers[0].kernel.any()
    with pytest.raises(RuntimeError, match="live views"):
        other.pop()


def test_the_shape_must_stay() -> None:
    for half in (md, reference):
        kind = half.layers
        with pytest.raises(ValueError, match=r"residual: .* the shape \(4,\); got \(3,\)"):
            half.Model([kind.Residual([kind.Dense(3)])], seed=0, input_shape=(4,))


def test_bad_arguments() -> None:
    used = L.Dense(3)
    block = L.Residual([used])
    assert block.layers == [used]
    for make, words in [
        (lambda: L.Residual([]), "at least one"),
        (lambda: L.Residual([L.Dense]), "make an instance"),
        (lambda: L.Residual(L.Dense(3)), "layers"),
        (lambda: L.Residual([used]), "already part"),
        (lambda: L.Residual([L.Dense(3, input_shape=(3,))]), "input_shape= belongs"),
        (lambda: L.Residual([L.Dense(3, name="a"), L.Dense(3, name="a")]), "distinct"),
        (lambda: L.Residual([L.Dense(3)], trainable=2), "trainable"),
    ]:
        with pytest.raises((TypeError, ValueError), match=words):
            make()
