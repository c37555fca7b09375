"""The pieces: losses without a model, forward and backward, optimizer steps."""

from __future__ import annotations

import math
from typing import Any

import mundur as md
import numpy as np
import pytest

D, S = md.layers.Dense, md.losses
LOSSES = [
    (S.MeanSquaredError(), np.array([[0.2, 0.8], [0.5, 0.1]]), np.array([[0.0, 1.0], [1.0, 0.0]])),
    (S.BinaryCrossentropy(), np.array([[0.2, 0.8], [0.5, 0.1]]), np.array([[0, 1], [1, 0]])),
    (S.BinaryCrossentropy(True), np.array([[-2.0, 1], [0.5, 3]]), np.array([[0, 1], [1, 0]])),
    (S.CategoricalCrossentropy(), np.array([[0.2, 0.8], [0.5, 0.5]]), np.array([[0, 1], [1, 0]])),
    (S.CategoricalCrossentropy(True), np.array([[-2.0, 1], [0.5, 3]]), np.array([[0, 1], [1, 0]])),
    (S.SparseCategoricalCrossentropy(), np.array([[0.2, 0.8], [0.5, 0.5]]), np.array([1, 0])),
    (S.SparseCategoricalCrossentropy(True), np.array([[-2.0, 1], [0.5, 3]]), np.array([1, 0])),
]


@pytest.mark.parametrize(("loss", "p", "y"), LOSSES)
def test_gradients_of_losses(loss: md.Loss, p: Any, y: Any) -> None:
    gradient = loss.gradient(y, p)
    assert gradient.shape == p.shape
    for place in np.ndindex(p.shape):
        up, down = p.copy(), p.copy()
        up[place] += 1e-6
        down[place] -= 1e-6
        assert gradient[place] == pytest.approx((loss(y, up) - loss(y, down)) / 2e-6, rel=1e-6)


@pytest.mark.parametrize(("loss", "p", "y"), LOSSES)
def test_types_of_losses(loss: md.Loss, p: Any, y: Any) -> None:
    assert type(loss(y, p)) is float
    assert loss.gradient(y, p).dtype == np.float64
    assert loss.gradient(y, p.astype("f4")).dtype == np.float32
    assert loss.gradient(y, p.astype("f2")).dtype == np.float64
    assert loss(y.tolist(), p.tolist()) == loss(y, p)
    assert loss(np.asfortranarray(y), np.asfortranarray(p)) == loss(y, p)
    assert loss(y, p, sample_weight=[2.0, 2.0]) == pytest.approx(loss(y, p))
    assert loss(y, p, sample_weight=[0, 3]) == pytest.approx(loss(y[1:], p[1:]))
    assert loss(y, p, sample_weight=[0, 0]) == 0.0
    assert not loss.gradient(y, p, sample_weight=[0, 0]).any()


def test_one_axis_equals_one_column_and_nothing_else_broadcasts() -> None:
    loss = S.MeanSquaredError()
    p, y = np.array([1.0, 2.0, 4.0]), np.array([1.0, 1.0, 1.0])
    column = loss(y[:, None], p[:, None])
    assert loss(y, p) == loss(y[:, None], p) == loss(y, p[:, None]) == column
    assert column == pytest.approx(10 / 3)
    assert loss.gradient(y, p).shape == (3,)
    assert loss.gradient(y, p[:, None]).shape == (3, 1)
    for bad in (np.ones((3, 3)), np.ones((1, 3)), np.ones(1), np.ones((3, 1, 1)), 1.0):
        with pytest.raises(ValueError, match="y_true"):
            loss(bad, p)


def test_positions_of_a_sequence_count_alike() -> None:
    rng = np.random.default_rng(0)
    p = rng.normal(size=(2, 5, 3))
    labels = rng.integers(0, 3, (2, 5))
    sparse, dense = S.SparseCategoricalCrossentropy(True), S.CategoricalCrossentropy(True)
    one_hot = md.utils.to_categorical(labels, 3)
    assert sparse(labels, p) == pytest.approx(dense(one_hot, p))
    assert sparse(labels, p) == pytest.approx(sparse(labels.ravel(), p.reshape(-1, 3)))
    assert sparse.gradient(labels, p).shape == p.shape
    assert S.MeanSquaredError()(one_hot, p) == pytest.approx(np.mean((one_hot - p) ** 2))


@pytest.mark.parametrize(
    ("loss", "y", "p", "words"),
    [
        (S.MeanSquaredError(), [1.0], 3.0, "y_pred must hold at least one sample"),
        (S.MeanSquaredError(), [], [], "y_pred must hold at least one sample"),
        (S.MeanSquaredError(), [1.0, 2.0], [1.0], "y_pred has 1, y_true has 2"),
        (S.MeanSquaredError(), [math.nan], [1.0], "y_true must be finite"),
        (S.BinaryCrossentropy(), [2], [0.5], "[0, 1]"),
        (S.BinaryCrossentropy(), [1, 0], [0.5, 3.0], "must lie in [0, 1]; got 3.0 at sample 1"),
        (S.BinaryCrossentropy(), [1], [-0.1], "from_logits=True"),
        (S.CategoricalCrossentropy(), [[0, 1]], [[0.5, 1.1]], "from_logits=True"),
        (S.SparseCategoricalCrossentropy(), [1], [[-1.0, 2.0]], 'activation="softmax"'),
        (S.CategoricalCrossentropy(), [1], [[0.5, 0.5]], "to_categorical"),
        (S.SparseCategoricalCrossentropy(), [2], [[0.5, 0.5]], "[0, 2)"),
        (S.SparseCategoricalCrossentropy(), [[0, 1]], [[0.5, 0.5]], "one-hot"),
        (S.SparseCategoricalCrossentropy(), [0.5], [[0.5, 0.5]], "whole"),
    ],
)
def test_losses_check_their_arguments(loss: md.Loss, y: Any, p: Any, words: str) -> None:
    for call in (loss, loss.gradient):
        with pytest.raises(ValueError) as caught:
            call(y, p)
        assert words in str(caught.value)


def test_rounding_may_leave_the_unit_interval_a_little() -> None:
    p = np.array([[1 + 1e-7, -1e-7]])
    assert S.SparseCategoricalCrossentropy()([0], p) < 1e-6
    assert math.isnan(S.BinaryCrossentropy()([1], [math.nan]))


@pytest.mark.parametrize("logit", [1e9, -1e9])
def test_losses_are_finite_for_extreme_logits(logit: float) -> None:
    assert math.isfinite(S.BinaryCrossentropy(True)([1, 0], [logit, logit]))
    p = np.array([[logit, 0.0], [0.0, logit]])
    assert math.isfinite(S.SparseCategoricalCrossentropy(True)([0, 0], p))
    assert np.isfinite(S.SparseCategoricalCrossentropy(True).gradient([0, 0], p)).all()


def test_losses_in_python_serve_by_hand(rng: Any) -> None:
    class Cubic(md.Loss):
        def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
            return float(np.mean(np.abs(y_pred - y_true) ** 3))

        def gradient(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
            d = y_pred - y_true
            return 3 * d * np.abs(d) / d.size

    loss, optimizer = Cubic(), md.optimizers.SGD(0.01)
    x = rng.normal(size=(64, 2))
    y = x @ [[1.0], [2.0]]
    model = md.Model([D(1)], seed=0)
    values = []
    for _ in range(500):
        y_pred = model.forward(x, training=True)
        values.append(loss(y, y_pred))
        model.backward(loss.gradient(y, y_pred))
        optimizer.step(model)
    assert values[-1] < values[0] / 100
    with pytest.raises(NotImplementedError, match="__call__"):
        md.Loss()(y, y)
    with pytest.raises(NotImplementedError, match="gradient"):
        md.Loss().gradient(y, y)


# ---- forward and backward -----------------------------------------------------------------------


def test_backward_checks_its_argument() -> None:
    model = md.Model([D(2)], seed=0, input_shape=(3,))
    with pytest.raises(RuntimeError, match="forward"):
        model.backward(np.zeros((4, 2)))
    model.forward(np.zeros((4, 3)), training=True)
    for bad in (np.zeros((4, 3)), np.zeros(4), np.zeros((4, 2, 1)), np.zeros((5, 2)), 1.0):
        with pytest.raises(ValueError, match="delta") as caught:
            model.backward(bad)
        assert f"got {np.shape(bad)}" in str(caught.value)
    with pytest.raises(TypeError, match="delta"):
        model.backward(np.zeros((4, 2), complex))
    dx = model.backward(np.ones((4, 2), ">f8")[::-1])
    assert dx.shape == (4, 3)
    assert dx.dtype == np.float32


def test_forward_returns_its_own_array() -> None:
    model = md.Model([D(2)], seed=0, input_shape=(3,))
    one = model.forward(np.ones((4, 3)))
    kept = one.copy()
    model.forward(np.zeros((4, 3)))
    assert np.array_equal(one, kept)


def test_gradients_are_those_of_the_loss(rng: Any) -> None:
    x, y = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    model = md.Model([D(4, "tanh"), D(2)], seed=0, dtype="float64", input_shape=(3,))
    loss = S.MeanSquaredError()
    dx = model.backward(loss.gradient(y, model.forward(x, training=True)))
    for name, gradient in model.gradients.items():
        view = model.parameters[name]
        place = tuple(extent // 2 for extent in view.shape)
        kept = view[place]
        view[place] = kept + 1e-6
        up = loss(y, model.forward(x))
        view[place] = kept - 1e-6
        down = loss(y, model.forward(x))
        view[place] = kept
        assert gradient[place] == pytest.approx((up - down) / 2e-6, rel=1e-6)
    x[1, 2] += 1e-6
    up = loss(y, model.forward(x))
    x[1, 2] -= 2e-6
    assert dx[1, 2] == pytest.approx((up - loss(y, model.forward(x))) / 2e-6, rel=1e-5)


def test_dropout_drops_in_training_only() -> None:
    model = md.Model([md.layers.Dropout(0.5)], seed=0, input_shape=(1000,))
    x = np.ones((1, 1000))
    assert np.array_equal(model.forward(x), x)
    one, two = model.forward(x, training=True), model.forward(x, training=True)
    assert set(np.unique(one)) == {0.0, 2.0}
    assert 400 < np.count_nonzero(one) < 600
    assert not np.array_equal(one, two)


# ---- optimizers ---------------------------------------------------------------------------------


def test_an_optimizer_steps_a_model() -> None:
    model = md.Model([D(2)], seed=0, input_shape=(3,))
    for bad in (None, model.parameters):
        with pytest.raises(TypeError, match=r"step takes the model, as in step\(model\); got"):
            md.optimizers.SGD(0.1).step(bad)  # type: ignore[arg-type]


def test_an_optimizer_serves_one_model() -> None:
    optimizer = md.optimizers.Adam()
    small = md.Model([D(2)], seed=0, input_shape=(3,))
    large = md.Model([D(200)], seed=0, input_shape=(300,))
    optimizer.step(small)
    assert optimizer.iterations == 1
    with pytest.raises(ValueError, match="another model"):
        optimizer.step(large)
    with pytest.raises(ValueError, match="another model"):
        optimizer.step(md.Model([D(2)], seed=0, input_shape=(3,), dtype="float64"))
    twin = md.Model([D(2)], seed=0, input_shape=(3,))
    twin.compile(optimizer, "mse")
    with pytest.raises(ValueError, match="another model after 1 steps"):
        twin.fit(np.zeros((1, 3)), np.zeros((1, 2)), verbose=0)
    optimizer.reset()
    assert optimizer.iterations == 0
    optimizer.step(large)


def test_gradients_can_be_written(rng: Any) -> None:
    model = md.Model([D(1, use_bias=False)], seed=0, input_shape=(2,))
    model.parameters["dense/kernel"] = [[1.0], [2.0]]
    model.gradients["dense/kernel"] = [[10.0], [-10.0]]
    np.clip(model.gradients["dense/kernel"], -1, 1, out=model.gradients["dense/kernel"])
    md.optimizers.SGD(0.5).step(model)
    assert model.parameters["dense/kernel"].tolist() == [[0.5], [2.5]]


@pytest.mark.parametrize("layer", ["SimpleRNN", "LSTM", "GRU"])
def test_backward_may_follow_twice(layer: str, rng: Any) -> None:
    model = md.Model([getattr(md.layers, layer)(4, dropout=0.2)], input_shape=(5, 3), seed=1)
    y = model.forward(rng.normal(size=(6, 5, 3)), training=True)
    first = model.backward(np.ones_like(y))
    gradients = {name: value.copy() for name, value in model.gradients.items()}
    np.testing.assert_array_equal(model.backward(np.ones_like(y)), first)
    for name, value in model.gradients.items():
        np.testing.assert_array_equal(value, gradients[name])


def test_what_is_frozen_between_forward_and_backward(rng: Any) -> None:
    """It is what backward finds frozen that gets no gradient."""
    x = rng.normal(size=(6, 3))
    model, plain = (
        md.Model([md.layers.Dense(4, "gelu"), md.layers.Dense(2)], input_shape=(3,), seed=1)
        for _ in range(2)
    )
    model.freeze("*")
    y = model.forward(x, training=True)
    model.unfreeze("*")
    model.freeze("dense/bias")
    plain.forward(x, training=True)
    np.testing.assert_array_equal(model.backward(y), plain.backward(y))
    for name, gradient in model.gradients.items():
        expected = 0 if name == "dense/bias" else plain.gradients[name]
        np.testing.assert_array_equal(gradient, np.broadcast_to(expected, gradient.shape))
