"""Normalisation: its laws, and the state that BatchNormalization keeps."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import mundur as md
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

Array = npt.NDArray[Any]
seeds = st.integers(0, 2**32 - 1)
BN, LN = md.layers.BatchNormalization, md.layers.LayerNormalization


def alone(layer: md.Layer, columns: int, dtype: str = "float64") -> md.Model:
    return md.Model([layer], seed=0, dtype=dtype, input_shape=(columns,))


def classifier(**options: Any) -> md.Model:
    model = md.Model(
        [md.layers.Dense(8), BN(**options), md.layers.Activation("relu"), md.layers.Dense(3)],
        seed=7,
        input_shape=(4,),
    )
    loss = md.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(md.optimizers.Adam(1e-2), loss, metrics=["accuracy"])
    return model


def moments_of(model: md.Model) -> dict[str, Array]:
    return {name: value.copy() for name, value in model.state.items()}


# ---- laws ---------------------------------------------------------------------------------------


def require_moments(x: Array, y: Array, axis: int) -> None:
    """Mean 0 and variance 1, but for epsilon = 1e-12 and x's own rounding beside its deviation."""
    variance = x.var(axis=axis)
    rounding = 1e-12 + 2.0**-50 * np.abs(x).max(axis=axis) / np.sqrt(variance)
    assert (np.abs(y.mean(axis=axis)) <= rounding).all()
    assert (np.abs(y.var(axis=axis) - variance / (variance + 1e-12)) <= 4 * rounding).all()


@settings(max_examples=40, deadline=None)
@given(
    batch=st.integers(2, 600),
    columns=st.integers(1, 40),
    offset=st.floats(-1e6, 1e6),
    seed=seeds,
)
def test_columns_have_mean_0_and_variance_1(
    batch: int, columns: int, offset: float, seed: int
) -> None:
    x = np.random.default_rng(seed).normal(size=(batch, columns)) * 3 + offset
    model = alone(BN(epsilon=1e-12), columns)
    y = model.forward(x, training=True)
    require_moments(x, y, 0)


@settings(max_examples=40, deadline=None)
@given(batch=st.integers(1, 5), columns=st.integers(2, 60), offset=st.floats(-1e6, 1e6), seed=seeds)
def test_rows_have_mean_0_and_variance_1(
    batch: int, columns: int, offset: float, seed: int
) -> None:
    x = np.random.default_rng(seed).normal(size=(batch, columns)) * 3 + offset
    y = alone(LN(epsilon=1e-12), columns).predict(x, verbose=0)
    require_moments(x, y, 1)


@pytest.mark.parametrize("layer", [BN, LN])
def test_an_offset_changes_nothing(layer: Any, rng: np.random.Generator) -> None:
    """In float32 too, where E[x²] - mean² would have no digit left; the numbers are exact."""
    x = (rng.integers(-512, 512, size=(700, 33)) / 64).astype(np.float32)
    model = alone(layer(), 33, "float32")
    y = model.forward(x, training=True)
    shifted = model.forward(x + np.float32(2**13), training=True)
    np.testing.assert_allclose(shifted, y, rtol=0, atol=3e-4)


@pytest.mark.parametrize("layer", [BN, LN])
def test_gradients_are_orthogonal_to_offset_and_scale(layer: Any, rng: np.random.Generator) -> None:
    """y doesn't change when x is shifted or, but for ε, scaled: neither may the loss."""
    x, delta = rng.normal(size=(30, 9)), rng.normal(size=(30, 9))
    model = alone(layer(epsilon=1e-12), 9)
    model.forward(x, training=True)
    dx = model.backward(delta)
    axis = 0 if layer is BN else 1
    np.testing.assert_allclose(dx.sum(axis=axis), 0, atol=1e-12)
    np.testing.assert_allclose((dx * x).sum(axis=axis), 0, atol=1e-9)


def test_a_batch_of_one_sample_yields_beta() -> None:
    model = alone(BN(beta_initializer=[1.0, -2.0]), 2)
    np.testing.assert_array_equal(model.forward([[5.0, 7.0]], training=True), [[1.0, -2.0]])
    np.testing.assert_array_equal(model.backward([[3.0, 4.0]]), [[0.0, 0.0]])
    np.testing.assert_array_equal(model.gradients["batch_normalization/beta"], [3.0, 4.0])
    np.testing.assert_array_equal(model.gradients["batch_normalization/gamma"], [0.0, 0.0])


def test_a_constant_column_is_no_accident() -> None:
    y = alone(BN(), 1, "float32").forward(np.full((1000, 1), 0.1), training=True)
    np.testing.assert_allclose(y, 0, atol=1e-6)


def test_a_nan_stays_in_its_column() -> None:
    x = np.ones((4, 3))
    x[1, 1] = np.nan
    y = alone(BN(), 3).forward(x, training=True)
    assert np.isnan(y[:, 1]).all()
    assert np.isfinite(y[:, [0, 2]]).all()


def test_moments_ignore_sample_weights(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(40, 4)), rng.integers(0, 3, 40)
    plain, weighted = classifier(), classifier()
    plain.train_on_batch(x, y)
    weighted.train_on_batch(x, y, sample_weight=np.linspace(0.1, 2, 40))
    for name, value in plain.state.items():
        np.testing.assert_array_equal(weighted.state[name], value)


# ---- state --------------------------------------------------------------------------------------


def test_moving_statistics_follow_the_batches(rng: np.random.Generator) -> None:
    x = rng.normal(size=(50, 3)) * 2 + 5
    model = alone(BN(momentum=0.9), 3)
    layer = model.layers[0]
    for _ in range(2):
        model.forward(x, training=True)
    mean, variance = x.mean(axis=0), x.var(axis=0)
    np.testing.assert_allclose(layer.moving_mean, mean * 0.19, rtol=1e-12)
    np.testing.assert_allclose(layer.moving_variance, 0.81 + variance * 0.19, rtol=1e-12)
    before = moments_of(model)
    y = model.predict(x, verbose=0)
    expected = (x - layer.moving_mean) / np.sqrt(layer.moving_variance + 1e-3)
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-13)
    np.testing.assert_array_equal(model.forward(x), y)
    for name, value in before.items():
        np.testing.assert_array_equal(model.state[name], value)


def test_a_prediction_does_not_depend_on_its_batch(blobs: tuple[Array, Array]) -> None:
    x, y = blobs
    model = classifier()
    model.fit(x, y, epochs=2, verbose=0)
    whole = model.predict(x, batch_size=300, verbose=0)
    alone = np.concatenate([model.predict(x[i : i + 1], verbose=0) for i in range(300)])
    np.testing.assert_array_equal(alone, whole)
    for batch in (7, 64):
        np.testing.assert_array_equal(model.predict(x, batch_size=batch, verbose=0), whole)


def test_state_that_would_linger_in_subnormals_becomes_zero() -> None:
    model = alone(BN(momentum=0.5), 1, "float32")
    model.state["batch_normalization/moving_mean"] = [1.0]
    for _ in range(130):
        model.forward(np.zeros((2, 1)), training=True)
    assert model.state["batch_normalization/moving_mean"] == 0.0


def test_state_is_a_live_view() -> None:
    model = alone(BN(), 2)
    model.state["batch_normalization/moving_mean"] = [1.0, 2.0]
    model.layers[0].moving_variance[...] = 4.0 - 1e-3
    np.testing.assert_allclose(model.predict([[1.0, 6.0]], verbose=0), [[0.0, 2.0]])
    with pytest.raises(KeyError, match=r"no state 'moving_mean'.*known: batch_norm"):
        model.state["moving_mean"]
    with pytest.raises(AttributeError, match=r"write into it: moving_mean\[...\] = values"):
        model.layers[0].moving_mean = [0.0, 0.0]


def test_weights_come_in_kerass_order() -> None:
    model = md.Model([BN(), md.layers.Dense(1), BN(scale=False)], seed=0, input_shape=(3,))
    names = [
        *(f"batch_normalization/{n}" for n in ("gamma", "beta", "moving_mean", "moving_variance")),
        *("dense/kernel", "dense/bias"),
        *(f"batch_normalization_1/{n}" for n in ("beta", "moving_mean", "moving_variance")),
    ]
    values = [np.full(w.shape, float(i)) for i, w in enumerate(model.get_weights())]
    assert len(values) == len(names)
    model.set_weights(values)
    for name, value in zip(names, values, strict=True):
        views = model.state if "moving" in name else model.parameters
        np.testing.assert_array_equal(views[name], value)
    np.testing.assert_array_equal(model.layers[0].get_weights()[3], values[3])
    model.layers[0].set_weights(values[:4])
    assert model.count_params() == 12 + 4 + 3
    assert model.layers[0].count_params() == 12


def test_summary_counts_state_as_non_trainable() -> None:
    lines: list[str] = []
    classifier().summary(print_fn=lines.append)
    text = "\n".join(lines)
    assert "Parameters: 99, trainable 83, non-trainable 16" in text
    assert "state 64 B" in text


def test_layers_come_and_go_without_their_state(rng: np.random.Generator) -> None:
    model = alone(BN(), 3)
    model.layers[0].set_weights([rng.normal(size=3) for _ in range(4)])
    before = model.get_weights()
    model.add(md.layers.Dense(2))
    for after, value in zip(model.get_weights(), before, strict=False):
        np.testing.assert_array_equal(after, value)


@pytest.mark.parametrize("how", ["layer", "pattern", "model", "argument"])
def test_a_frozen_one_uses_and_keeps_its_moving_statistics(
    how: str, blobs: tuple[Array, Array]
) -> None:
    x, y = blobs
    model = classifier(trainable=how != "argument")
    layer = model.layers[1]
    rng = np.random.default_rng(1)
    layer.moving_mean[...] = rng.normal(size=8)
    if how == "layer":
        layer.trainable = False
    elif how == "pattern":
        model.freeze("batch_normalization/*")
    elif how == "model":
        model.trainable = False
    before = layer.get_weights()
    # The same as outside of training, gradients too.
    np.testing.assert_array_equal(model.forward(x, training=True), model.forward(x))
    model.backward(np.ones((300, 3)))
    kernel = model.gradients["dense/kernel"].copy()
    model.forward(x, training=True)
    model.backward(np.ones((300, 3)))
    np.testing.assert_array_equal(model.gradients["dense/kernel"], kernel)
    again = copy.deepcopy(model)
    for one in (model, again):
        one.fit(x, y, epochs=1, verbose=0)
        for value, kept in zip(one.layers[1].get_weights(), before, strict=True):
            np.testing.assert_array_equal(value, kept)
    model.unfreeze("*")
    model.fit(x, y, epochs=1, verbose=0)
    assert (layer.moving_mean != before[2]).all()


def test_one_frozen_parameter_leaves_the_layer_learning(rng: np.random.Generator) -> None:
    model = classifier()
    model.freeze("*/gamma")
    before = moments_of(model)
    model.train_on_batch(rng.normal(size=(20, 4)), rng.integers(0, 3, 20))
    for name, value in before.items():
        assert (model.state[name] != value).any()
    assert (model.parameters["batch_normalization/gamma"] == 1).all()
    assert (model.parameters["batch_normalization/beta"] != 0).any()


def test_one_without_parameters_is_frozen_by_the_names_of_its_state() -> None:
    model = alone(BN(center=False, scale=False), 2)
    model.freeze("batch_normalization/*")
    assert not model.layers[0].trainable
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_array_equal(model.forward(x, training=True), model.forward(x))
    model.unfreeze("*")
    assert model.layers[0].trainable
    model.forward(x, training=True)
    assert (model.layers[0].moving_mean != 0).all()


@pytest.mark.parametrize("batch_size", [8, "full"])
def test_a_rollback_restores_the_state(batch_size: Any, blobs: tuple[Array, Array]) -> None:
    x, y = blobs
    model = classifier()
    model.fit(x, y, epochs=1, verbose=0)
    before = moments_of(model)
    model.parameters["dense_1/kernel"][...] = np.inf
    with pytest.raises(md.NonFiniteLossError):
        model.fit(x, y, batch_size, epochs=1, verbose=0)
    for name, value in before.items():
        np.testing.assert_array_equal(model.state[name], value)
    with pytest.raises(md.NonFiniteLossError):
        model.train_on_batch(x, y)
    for name, value in before.items():
        np.testing.assert_array_equal(model.state[name], value)


def test_weights_alone_are_saved_with_the_state(blobs: tuple[Array, Array], tmp_path: Path) -> None:
    model, other = classifier(), classifier()
    model.fit(*blobs, epochs=1, verbose=0)
    model.save_weights(tmp_path / "weights.safetensors")
    other.load_weights(tmp_path / "weights.safetensors")
    for one, two in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_early_stopping_brings_the_best_state_back(blobs: tuple[Array, Array]) -> None:
    x, y = blobs
    model = classifier()
    stop = md.callbacks.EarlyStopping("loss", mode="max", restore_best_weights=True)
    model.fit(x, y, epochs=1, verbose=0)
    once = classifier()
    once.fit(x, y, epochs=1, verbose=0)
    model = classifier()
    model.fit(x, y, epochs=5, callbacks=[stop], verbose=0)  # the loss falls: the first is "best"
    for name, value in once.state.items():
        np.testing.assert_array_equal(model.state[name], value)


def test_by_hand_equals_fit_to_the_bit(blobs: tuple[Array, Array]) -> None:
    x, y = blobs
    trained, by_hand = classifier(), classifier()
    trained.fit(x, y, batch_size=64, epochs=2, shuffle=False, verbose=0)
    loss = md.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = md.optimizers.Adam(1e-2)
    for _ in range(2):
        for start in range(0, 300, 64):
            batch = slice(start, start + 64)
            y_pred = by_hand.forward(x[batch], training=True)
            by_hand.backward(loss.gradient(y[batch], y_pred))
            optimizer.step(by_hand)
    for one, other in zip(trained.get_weights(), by_hand.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


# ---- arguments ----------------------------------------------------------------------------------


def test_arguments() -> None:
    layer = BN(-1, 0.9, 0.01, False, True)
    assert (layer.momentum, layer.epsilon, layer.center, layer.scale) == (0.9, 0.01, False, True)
    assert BN(synchronized=False, beta_regularizer=None).momentum == 0.99
    assert LN(-1, 0.01).epsilon == 0.01
    for make, pattern in [
        (lambda: BN(momentum=1.5), "momentum"),
        (lambda: BN(epsilon=0), "epsilon"),
        (lambda: LN(epsilon=-1), "epsilon"),
        (lambda: BN(center=1), "center"),
        (lambda: BN(moving_mean_initializer="zeroes"), "moving_mean_initializer.*did you mean"),
        (lambda: BN(renorm=True), "only renorm=False here"),
        (lambda: LN(eps=1), "did you mean 'epsilon'"),
    ]:
        with pytest.raises((TypeError, ValueError), match=pattern):
            make()


@pytest.mark.parametrize("axis", [1, 2, -2])
def test_a_batch_on_another_axis_is_one_turned_around(axis: int, rng: Any) -> None:
    x = rng.normal(size=(6, 3, 4, 5))
    rest = [a for a in (1, 2, 3) if a != axis % 4]
    dims = (*rest, axis % 4)
    back = tuple(dims.index(a) + 1 for a in (1, 2, 3))
    one = md.Model([BN(axis=axis)], input_shape=x.shape[1:], seed=0, dtype="float64")
    layers = [md.layers.Permute(dims), BN(), md.layers.Permute(back)]
    two = md.Model(layers, input_shape=x.shape[1:], seed=0, dtype="float64")
    for model in (one, two):
        model.get_layer(index=0 if model is one else 1).gamma[...] = 1.5
    delta = rng.normal(size=x.shape)
    for training in (True, False):
        outputs = [model.forward(x, training=training) for model in (one, two)]
        assert np.array_equal(*outputs)
        assert np.array_equal(*(model.backward(delta) for model in (one, two)))
    for a, b in zip(one.get_weights(), two.get_weights(), strict=True):
        assert np.array_equal(a, b) and a.shape == (x.shape[axis],)
    for a, b in zip(one.gradients.values(), two.gradients.values(), strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize(("axis", "shape"), [((2, 3), (4, 5)), ([-2, -1], (4, 5)), (1, (3,))])
def test_rows_of_several_axes(axis: Any, shape: tuple[int, ...], rng: Any) -> None:
    x = rng.normal(size=(6, 3, 4, 5))
    model = md.Model([LN(axis=axis)], input_shape=x.shape[1:], seed=0, dtype="float64")
    layer: Any = model.layers[0]
    assert layer.gamma.shape == shape
    layer.gamma[...], layer.beta[...] = rng.normal(size=(2, *shape))
    axes = tuple(axis) if isinstance(axis, (tuple, list)) else (axis,)
    spread = x - x.mean(axis=axes, keepdims=True)
    expected = spread / np.sqrt((spread**2).mean(axis=axes, keepdims=True) + 1e-3)
    wide = (*shape, *(1,) * (2 if axis == 1 else 0))
    expected = expected * layer.gamma.reshape(wide) + layer.beta.reshape(wide)
    assert np.allclose(model.predict(x), expected, rtol=1e-12)
    assert model.check_gradients(x, rng.normal(size=x.shape), "mse", training=True)


@pytest.mark.parametrize("layer", [BN, LN])
def test_axes_that_are_none(layer: Any) -> None:
    assert md.Model([layer(axis=2)], input_shape=(3, 4), seed=0).count_params() % 4 == 0
    with pytest.raises(ValueError, match="axis must not be 0, the axis of the samples"):
        layer(axis=0)
    with pytest.raises(ValueError, match=r"axis must be of 1 to 2, .* got 3"):
        md.Model([layer(axis=3)], input_shape=(3, 4), seed=0)
