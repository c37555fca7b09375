"""Layers and losses along other axes than the last, and what is learned along some."""

from __future__ import annotations

from typing import Any

import mundur as md
import numpy as np
import numpy.typing as npt
import pytest

Array = npt.NDArray[Any]
L, S = md.layers, md.losses
X = np.random.default_rng(0).normal(size=(9, 4, 6))


def one(layer: md.Layer, dtype: str = "float64") -> md.Model:
    return md.Model([layer], input_shape=X.shape[1:], dtype=dtype, seed=0)


@pytest.mark.parametrize("axis", [1, 2, -1, -2, (2,)])
def test_softmax_along_an_axis_is_the_function(axis: Any) -> None:
    (place,) = axis if isinstance(axis, tuple) else (axis,)
    expected = md.activations.softmax(X, axis=place)
    np.testing.assert_array_equal(one(L.Softmax(axis)).predict(X, verbose=0), expected)


def test_softmax_over_several_axes_shares_out_among_all_their_places() -> None:
    y = one(L.Softmax((1, 2))).predict(X, verbose=0)
    flat = md.activations.softmax(X.reshape(9, -1)).reshape(X.shape)
    np.testing.assert_array_equal(y, flat)


def test_unit_rows_have_length_1_and_zeros_stay() -> None:
    x = X.copy()
    x[0] = 0
    for axis in (1, 2, (1, 2)):
        y = one(L.UnitNormalization(axis)).predict(x, verbose=0)
        lengths = np.sqrt(np.square(y).sum(axis=axis))
        np.testing.assert_allclose(lengths[1:], 1, rtol=1e-14)
        assert not y[0].any()


def test_a_dot_of_directions_is_a_cosine() -> None:
    a, b = md.Input((5,)), md.Input((5,))
    model = md.Model([a, b], L.Dot(1, normalize=True)([a, b]), dtype="float64", seed=0)
    x, z = (np.random.default_rng(i).normal(size=(7, 5)) for i in (1, 2))
    x[3] = 0
    lengths = np.maximum(np.linalg.norm(x, axis=1), 1e-7) * np.linalg.norm(z, axis=1)
    expected = (x * z).sum(axis=1) / lengths
    np.testing.assert_allclose(model.predict([x, z], verbose=0)[:, 0], expected, atol=1e-15)
    same = md.Model(a, L.Dot(1, normalize=True)([a, a]), seed=0)
    assert same.predict(np.full((1, 5), 3.0), verbose=0) == pytest.approx(1)


@pytest.mark.parametrize(
    ("shared", "shape"),
    [(None, (4, 6)), (1, (1, 6)), (2, (4, 1)), ((1, 2), (1, 1)), ((), (4, 6)), (-1, (4, 1))],
)
def test_a_prelu_bends_by_its_alphas(shared: Any, shape: tuple[int, ...]) -> None:
    layer = L.PReLU("random_normal", shared_axes=shared)
    model = one(layer)
    y = model.forward(X, training=True)
    assert layer.alpha.shape == shape
    np.testing.assert_array_equal(y, np.where(X > 0, X, layer.alpha * X))
    dy = np.random.default_rng(1).normal(size=X.shape)
    dx = model.backward(dy)
    np.testing.assert_array_equal(dx, np.where(X > 0, dy, layer.alpha * dy))
    terms = np.where(X > 0, 0, X * dy)
    over = tuple(i for i, n in enumerate((1, *shape)) if n == 1)
    np.testing.assert_allclose(
        model.gradients["p_re_lu/alpha"], terms.sum(axis=over).reshape(shape), rtol=1e-12
    )


def test_a_prelu_of_zeros_is_a_relu_and_learns() -> None:
    x = np.random.default_rng(0).normal(size=(64, 3))
    model = md.Model([L.PReLU(shared_axes=None), L.Dense(1)], seed=0)
    model.compile(md.optimizers.Adam(0.05), "mse")
    y = np.where(x > 0, x, 0.5 * x).sum(axis=1)
    history = model.fit(x, y, epochs=200, verbose=0)
    assert history.history["loss"][-1] < 1e-3
    np.testing.assert_allclose(model.layers[0].alpha, 0.5, atol=0.05)


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (L.Softmax(3), "axis must be of 1 to 2"),
        (L.Softmax((1, 2, 3)), "axis must be of 1 to 2"),
        (L.PReLU(shared_axes=3), "shared_axes must be of 1 to 2"),
        (L.UnitNormalization(-3), "axis must be of 1 to 2"),
    ],
    ids=repr,
)
def test_an_axis_that_samples_lack_is_named(layer: md.Layer, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        one(layer)


# ---- losses along another axis, in a pass --------------------------------------------------------

LOSSES: list[tuple[md.Loss, str]] = [
    (S.CategoricalCrossentropy(axis=1), "softmax"),
    (S.CategoricalCrossentropy(axis=-2, from_logits=True, label_smoothing=0.1), "linear"),
    (S.SparseCategoricalCrossentropy(axis=1), "softmax"),
    (S.SparseCategoricalCrossentropy(True, ignore_class=2, axis=1), "linear"),
    (S.BinaryCrossentropy(axis=1), "sigmoid"),
    (S.CategoricalFocalCrossentropy(axis=1, reduction="sum"), "softmax"),
    (S.CosineSimilarity(axis=1), "linear"),
]


def trained(loss: md.Loss, head: str, turned: bool, weights: Any) -> tuple[list[float], Array, Any]:
    """A model whose outputs (4, 6) are compared along the first axis; or turned, along the last."""
    layers: list[md.Layer] = [L.Dense(6, "tanh")]
    if not turned:
        layers.append(L.Softmax(1) if head == "softmax" else L.Activation(head))
    else:
        layers += [L.Permute((2, 1)), L.Activation(head)]
    model = md.Model(layers, input_shape=(4, 3), seed=0, dtype="float64")
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(40, 4, 3)), rng.integers(0, 4, size=(40, 6))
    sparse = isinstance(loss, S.SparseCategoricalCrossentropy)
    y: Any = labels if sparse else np.moveaxis(np.eye(4)[labels], -1, 1)
    if turned:
        loss = type(loss).from_config(loss.get_config() | {"axis": -1})
        y = y if sparse else np.moveaxis(y, 1, -1)
    model.compile("sgd", loss, metrics=["accuracy"])
    weight = {None: None, "samples": rng.uniform(size=40), "places": rng.uniform(size=(40, 6))}
    history = model.fit(
        x,
        y,
        batch_size=16,
        epochs=3,
        sample_weight=weight[weights],
        validation_split=0.2,
        shuffle=False,
        verbose=0,
    )
    found = model.evaluate(x, y, verbose=0)
    by_hand = loss(y, model.predict(x, verbose=0))
    numbers = [value for values in history.history.values() for value in values]
    return [*numbers, *found], by_hand, model


@pytest.mark.parametrize("weights", [None, "samples", "places"])
@pytest.mark.parametrize(("loss", "head"), LOSSES, ids=lambda value: repr(value))
def test_a_loss_along_another_axis_trains_as_on_turned_outputs(
    loss: md.Loss, head: str, weights: str | None
) -> None:
    numbers, by_hand, model = trained(loss, head, False, weights)
    expected, _, turned = trained(loss, head, True, weights)
    np.testing.assert_allclose(numbers, expected, rtol=1e-12)
    np.testing.assert_allclose(
        model.parameters["dense/kernel"], turned.parameters["dense/kernel"], rtol=1e-11
    )
    if getattr(loss, "ignore_class", None) is None and loss.get_config()["reduction"] != "sum":
        assert numbers[-2] == pytest.approx(by_hand, rel=1e-12)


def test_by_hand_equals_fit_along_another_axis() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 4, 3)), rng.integers(0, 4, size=(8, 6))
    fitted, other = (
        md.Model([L.Dense(6)], input_shape=(4, 3), seed=0, dtype="float64") for _ in range(2)
    )
    loss = S.SparseCategoricalCrossentropy(from_logits=True, axis=1)
    fitted.compile(md.optimizers.SGD(0.1), loss)
    fitted.fit(x, y, batch_size=8, epochs=1, shuffle=False, verbose=0)
    other.backward(loss.gradient(y, other.forward(x, training=True)))
    md.optimizers.SGD(0.1).step(other)
    kernels = [model.parameters["dense/kernel"].tobytes() for model in (fitted, other)]
    assert kernels[0] == kernels[1]


def test_targets_that_do_not_fit_another_axis_are_named() -> None:
    model = md.Model([L.Dense(6)], input_shape=(4, 3), seed=0)
    model.compile("sgd", S.SparseCategoricalCrossentropy(from_logits=True, axis=1))
    with pytest.raises(ValueError, match=r"labels of shape \(2, 6\); got \(2, 4\)"):
        model.fit(np.ones((2, 4, 3)), np.zeros((2, 4), int), verbose=0)
    with pytest.raises(ValueError, match=r"labels in \[0, 4\)"):
        model.fit(np.ones((2, 4, 3)), np.full((2, 6), 5), verbose=0)
    model.compile("sgd", S.CategoricalCrossentropy(from_logits=True, axis=3))
    with pytest.raises(ValueError, match="axis must be <= 2"):
        model.fit(np.ones((2, 4, 3)), np.ones((2, 4, 6)), verbose=0)
