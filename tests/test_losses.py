"""Losses beyond the table of cases: bits, reductions, names, edges and errors."""

from __future__ import annotations

from typing import Any

import mundur as md
import numpy as np
import numpy.typing as npt
import pytest
from mundur import losses, reference

from cases import LOSSES, LossCase
from test_numerics import predictions_and_targets

Array = npt.NDArray[Any]
every_case = pytest.mark.parametrize("case", LOSSES, ids=lambda case: case.id)
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def made(case: LossCase, **more: Any) -> Any:
    return getattr(losses, case.loss)(**case.arguments, **more)


# ---- bits ---------------------------------------------------------------------------------------


@every_dtype
@every_case
def test_a_loss_has_the_same_bits_everywhere(
    case: LossCase, dtype: str, same_everywhere: Any
) -> None:
    p, y = predictions_and_targets(case, 37, dtype)
    p[0] = p[0] * 0 + (p[0] < 0.5) if case.head != "softmax" else np.eye(p.shape[1])[0]  # corners
    weights = np.linspace(0, 1, 37)
    loss, each = made(case), made(case, reduction=None)

    def results() -> list[bytes]:
        values = np.array([loss(y, p), loss(y, p, weights)])
        slopes = loss.gradient(y, p), loss.gradient(y, p, weights)
        return [array.tobytes() for array in (values, *slopes, each(y, p))]

    same_everywhere(results)


@every_case
def test_a_training_with_a_loss_has_the_same_bits_everywhere(
    case: LossCase, same_everywhere: Any
) -> None:
    p, y = predictions_and_targets(case, 90, "float32")
    x = np.random.default_rng(3).normal(size=(90, 6))

    def trained() -> bytes:
        model = md.Model(
            [md.layers.Dense(9, "tanh"), md.layers.Dense(p.shape[1], case.head)], seed=1
        )
        model.compile(md.optimizers.Adam(0.01), made(case), metrics=["accuracy"])
        history = model.fit(x, y, batch_size=32, epochs=2, verbose=0)
        logs = np.array([history.history[name] for name in model.metrics_names])
        return logs.tobytes() + b"".join(w.tobytes() for w in model.get_weights())

    same_everywhere(trained)


# ---- reductions ---------------------------------------------------------------------------------


@every_dtype
@every_case
def test_reductions(case: LossCase, dtype: str) -> None:
    p, y = predictions_and_targets(case, 9, dtype)
    textbook = getattr(reference.losses, case.loss)(**case.arguments)
    each = [textbook(y[i : i + 1].tolist(), p[i : i + 1].tolist()) for i in range(9)]
    weights = np.array([1, 0, 2, 0.5, 1, 3, 1, 1, 0.25])
    rel = 1e-5 if dtype == "float32" else 1e-12
    for none in (None, "none"):
        samples = made(case, reduction=none)
        assert samples(y, p) == pytest.approx(each, rel=rel, abs=rel)
        assert samples(y, p, weights) == pytest.approx(weights * each, rel=rel, abs=rel)
    total = made(case, reduction="sum")
    assert total(y, p) == pytest.approx(sum(each), rel=rel)
    assert total(y, p, weights) == pytest.approx(np.dot(weights, each), rel=rel)
    mean = made(case)
    for given, factor in ((None, 9.0), (weights, weights.sum())):
        expected = mean.gradient(y, p, given) * factor
        for loss in (total, made(case, reduction=None)):
            np.testing.assert_allclose(loss.gradient(y, p, given), expected, rtol=rel, atol=rel)


def test_a_sum_in_fit_steps_by_the_sum() -> None:
    """A sum over a batch of 8 with an eighth of the learning rate is the mean."""
    x, y = np.random.default_rng(0).normal(size=(24, 3)), np.arange(48.0).reshape(24, 2) / 48

    def run(reduction: str, rate: float) -> tuple[md.Model, Array]:
        model = md.Model([md.layers.Dense(2)], seed=0, dtype="float64")
        model.compile(md.optimizers.SGD(rate), losses.MeanSquaredError(reduction))
        history = model.fit(x, y, batch_size=8, epochs=3, verbose=0)
        return model, np.array(history.history["loss"])

    (mean, means), (total, sums) = run("sum_over_batch_size", 0.2), run("sum", 0.2 / 8)
    np.testing.assert_allclose(mean.get_weights()[0], total.get_weights()[0], rtol=1e-12)
    np.testing.assert_allclose(sums, 8 * means, rtol=1e-12)
    evaluated = total.evaluate(x, y, batch_size=12, verbose=0)
    assert evaluated == pytest.approx(12 * mean.evaluate(x, y, verbose=0))


def test_by_hand_equals_fit_for_a_sum() -> None:
    x, y = np.random.default_rng(0).normal(size=(20, 3)), np.ones((20, 1))
    loss = losses.Huber(0.5, "sum")
    trained, by_hand = (md.Model([md.layers.Dense(1)], input_shape=(3,), seed=0) for _ in "ab")
    trained.compile(md.optimizers.SGD(0.01), loss)
    trained.fit(x, y, batch_size=20, shuffle=False, verbose=0)
    by_hand.backward(loss.gradient(y, by_hand.forward(x, training=True)))
    md.optimizers.SGD(0.01).step(by_hand)
    np.testing.assert_array_equal(trained.get_weights()[0], by_hand.get_weights()[0])


def test_training_needs_a_number() -> None:
    model = md.Model([md.layers.Dense(1)])
    with pytest.raises(ValueError, match=r"compile needs a loss that is one number; Mean.*reduct"):
        model.compile("sgd", losses.MeanSquaredError(reduction="none"))


# ---- names, edges, errors -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "cls"),
    [
        ("mae", losses.MeanAbsoluteError),
        ("MAE", losses.MeanAbsoluteError),
        ("mape", losses.MeanAbsolutePercentageError),
        ("msle", losses.MeanSquaredLogarithmicError),
        ("huber", losses.Huber),
        ("Huber", losses.Huber),
        ("log_cosh", losses.LogCosh),
        ("logcosh", losses.LogCosh),
        ("poisson", losses.Poisson),
        ("kld", losses.KLDivergence),
        ("kl_divergence", losses.KLDivergence),
        ("hinge", losses.Hinge),
        ("squared_hinge", losses.SquaredHinge),
    ],
)
def test_keras_names(name: str, cls: type[md.Loss]) -> None:
    assert type(losses.get(name)) is cls


def test_log_cosh_keeps_its_digits() -> None:
    loss = losses.LogCosh()
    assert loss([0.0], np.array([1e-4], np.float32)) == pytest.approx(0.5e-8, rel=1e-6)
    assert loss([0.0], [1e-9]) == pytest.approx(0.5e-18, rel=1e-9)
    assert loss([0.0], np.array([3e38], np.float32)) == pytest.approx(3e38)


@pytest.mark.parametrize("loss", [losses.Huber(0.1), losses.MeanAbsoluteError(), losses.LogCosh()])
def test_huge_errors_pull_with_a_finite_force(loss: Any) -> None:
    p = np.array([[1e38], [-1e38]], np.float32)
    assert np.isfinite(loss(np.zeros((2, 1)), p))
    assert np.isfinite(loss.gradient(np.zeros((2, 1)), p)).all()


def test_smoothing_leaves_the_accuracy_alone() -> None:
    x = np.array([[-1.0], [1.0], [2.0], [-2.0]])
    model = md.Model([md.layers.Dense(1, kernel_initializer="ones")], input_shape=(1,))
    model.compile("sgd", losses.BinaryCrossentropy(True, 0.2), metrics=["accuracy"])
    assert model.evaluate(x, x > 0, verbose=0)[1] == 1.0


@pytest.mark.parametrize("negative", [-1, 0])
def test_hinges_know_right_from_wrong(negative: int) -> None:
    x = np.array([[-1.0], [0.25], [2.0], [3.0]])
    y = np.array([negative, negative, 1, 1])
    model = md.Model([md.layers.Dense(1, kernel_initializer="ones")], input_shape=(1,))
    model.compile("sgd", "hinge", metrics=["accuracy"])
    assert model.evaluate(x, y, verbose=0) == [1.25 / 4, 0.75]


@pytest.mark.parametrize(
    ("loss", "layer", "words"),
    [
        ("poisson", md.layers.Dense(1), "Poisson expects predictions that are not negative, but "),
        ("hinge", md.layers.Dense(1, "sigmoid"), "Hinge expects scores on both sides of 0, but"),
        ("kld", md.layers.Dense(3), "KLDivergence expects probabilities, but the model ends in li"),
        ("kld", md.layers.Dense(1, "sigmoid"), "needs one output per class, at least 2"),
    ],
)
def test_heads_that_do_not_suit(loss: str, layer: md.Layer, words: str) -> None:
    model = md.Model([layer], input_shape=(2,))
    with pytest.raises(ValueError, match=words):
        model.compile("sgd", loss)


@pytest.mark.parametrize(
    ("loss", "y", "p", "words"),
    [
        (
            "hinge",
            [2.0, 1.0],
            [0.5, 0.5],
            "y_true must hold -1 and 1, or 0 and 1, for Hinge; got 2",
        ),
        ("squared_hinge", [-1.0, 0.0], [0.5, 0.5], "not all three; got 0.0 at sample 1"),
        ("poisson", [1.0, -1.0], [0.5, 0.5], "y_true must not be negative for Poisson; got -1.0"),
        ("poisson", [1.0, 1.0], [0.5, -0.5], "y_pred must not be negative for Poisson; got -0.5"),
        ("kld", [[1.0, 2.0]], [[0.5, 0.5]], r"y_true must lie in \[0, 1\] for KLDivergence"),
        (
            "kld",
            [[1.0, 0.0]],
            [[0.5, 1.5]],
            r"y_pred must lie in \[0, 1\]; got 1.5 at sample 0; end",
        ),
    ],
)
def test_values_that_do_not_suit(loss: str, y: Any, p: Any, words: str) -> None:
    for call in (losses.get(loss), losses.get(loss).gradient):
        with pytest.raises(ValueError, match=words):
            call(y, p)
