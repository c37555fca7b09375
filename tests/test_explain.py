"""Seeing the chain rule: explanations, and gradients checked in two ways."""

from __future__ import annotations

import copy
import itertools
from typing import Any

import mundur as md
import numpy as np
import pytest
from mundur import reference
from mundur.reference import worked_example as textbook

D, L = md.layers.Dense, md.losses


def two_two_two() -> md.Model:
    model = md.Model([D(2, "sigmoid"), D(2, "sigmoid")], dtype="float64", input_shape=(2,), seed=0)
    for name, value in textbook.WEIGHTS.items():
        model.parameters[name] = value
    return model


def varied(head: str | None, dtype: str = "float32") -> md.Model:
    """Every kind of layer, activations inside and behind dense layers."""
    return md.Model(
        [
            md.layers.Flatten(),
            md.layers.Rescaling(0.5, offset=0.1),
            D(7, "relu", bias_initializer="random_normal"),
            md.layers.Dropout(0.5),
            D(5, use_bias=False),
            md.layers.Activation("tanh"),
            D(6, "softmax", bias_initializer="random_normal"),
            D(3, head),
        ],
        seed=3,
        dtype=dtype,
    )


CASES = [
    (None, L.MeanSquaredError(), np.linspace(-1, 1, 12).reshape(4, 3)),
    ("softmax", L.SparseCategoricalCrossentropy(), np.array([0, 2, 1, 0])),
    ("sigmoid", L.BinaryCrossentropy(), np.arange(12).reshape(4, 3) % 2),
    (None, L.CategoricalCrossentropy(from_logits=True), np.eye(3)[[0, 2, 1, 0]]),
]
LOGITS = L.SparseCategoricalCrossentropy(from_logits=True)
X = np.random.default_rng(0).normal(size=(4, 2, 3))


# ---- explain ------------------------------------------------------------------------------------


def test_the_2_2_2_example_to_1e_12() -> None:
    explanation = two_two_two().explain(textbook.INPUTS, textbook.TARGETS, loss="mse")
    hidden, output = explanation
    assert explanation.loss == pytest.approx(0.2983711087600027, abs=1e-12)
    assert output.a[0] == pytest.approx([0.7513650695523157, 0.7729284653214625], abs=1e-12)
    assert output.dW is not None and hidden.dW is not None
    assert output.dW[0, 0] == pytest.approx(0.08216704056423077, abs=1e-12)
    assert hidden.dW[0, 0] == pytest.approx(0.0004385677344743, abs=1e-12)
    taught = textbook.worked_example()
    deltas = np.ravel([output.delta, hidden.delta])
    assert deltas == pytest.approx(list(taught.deltas.values()), abs=1e-12)
    assert hidden.z[0] == pytest.approx([taught.forward["z_h1"], taught.forward["z_h2"]])


def test_the_2_2_2_example_in_print() -> None:
    text = str(two_two_two().explain(textbook.INPUTS, textbook.TARGETS, loss="mse"))
    for line in (
        "z1 = 0.05·0.15 + 0.1·0.2 + 0.35 = 0.3775",
        "a1 = sigmoid(z1) = 0.593269992",
        "L = MeanSquaredError(y, a) = 0.298371109",
        "δ1 = f′(z1)·∂L/∂a1 = 0.186815602·0.74136507 = 0.138498562",
        "∂L/∂w11 = x1·δ1 = 0.593269992·0.138498562 = 0.0821670406",
        "∂L/∂x1 = 0.4·0.138498562 + 0.5·-0.0380982365 = 0.0363503064",
        "∂L/∂w11 = x1·δ1 = 0.05·0.00877135469 = 0.000438567734",
    ):
        assert line in text
    assert text.index("Forward") < text.index("Loss") < text.index("Backward")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("head", "loss", "y"), CASES, ids=lambda v: getattr(v, "name", None))
def test_an_explanation_has_the_bits_of_forward_and_backward(
    head: Any, loss: md.Loss, y: Any, dtype: str
) -> None:
    model = varied(head, dtype)
    explanation = model.explain(X, y, loss)
    y_pred = model.forward(X)
    dx = model.backward(loss.gradient(y, y_pred))
    assert np.array_equal(explanation.y_pred, y_pred)
    assert explanation.loss == loss(y, y_pred)
    assert np.array_equal(explanation[0].dx, dx)
    assert set(explanation.gradients) == set(model.gradients)
    for name, gradient in model.gradients.items():
        assert np.array_equal(explanation.gradients[name], gradient), name
    for before, after in itertools.pairwise(explanation):
        assert np.array_equal(before.a, after.x)
        assert np.array_equal(before.da, after.dx)


def test_an_explanation_obeys_the_chain_rule() -> None:
    for step in varied(None, "float64").explain(X, CASES[0][2], "mse"):
        if step.kind == "Dense":
            assert step.dW == pytest.approx(step.x.T @ step.delta)
            assert step.dx == pytest.approx(step.delta @ step.parameters["kernel"].T)
        if step.slope is None:
            assert step.activation == "softmax"
        else:
            assert step.delta == pytest.approx(step.slope * step.da)
        if step.activation == "tanh":
            assert step.slope == pytest.approx(1 - step.a**2)


def test_explaining_changes_nothing() -> None:
    model = varied("softmax")
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(X, CASES[1][2], epochs=2, verbose=0)
    model.freeze("dense/bias")
    other = copy.deepcopy(model)
    assert "dense/bias" not in model.explain(X, CASES[1][2]).gradients
    assert model.check_gradients(X, CASES[1][2])
    assert model.verify(X, CASES[1][2])
    model.per_sample_gradients(X, CASES[1][2])
    for one in (model, other):
        one.fit(X, CASES[1][2], epochs=3, verbose=0)
    for mine, theirs in zip(model.get_weights(), other.get_weights(), strict=True):
        assert np.array_equal(mine, theirs)


def test_an_explanation_shows_what_regularizers_add() -> None:
    layer = D(
        *(1,),
        kernel_initializer=[[1.0], [-2.0]],
        kernel_regularizer=md.regularizers.L1L2(0.5, 0.25),
        bias_initializer="ones",
        bias_regularizer=md.regularizers.L2(1.0),
        activity_regularizer="l2",
    )
    model = md.Model([layer], input_shape=(2,), seed=0, dtype="float64")
    one = model.explain([[1.0, 2.0]], [[0.0]], "mse")
    assert one.penalty == model.forward([[1.0, 2.0]]).item() ** 2 * 0.01 + 1.5 + 1.25 + 1.0
    assert one["dense"].penalties["kernel"].tolist() == [[1.0], [-1.5]]
    assert one["dense"].penalties["bias"].tolist() == [2.0]
    layer = D(1, kernel_initializer="ones", kernel_regularizer=md.regularizers.L2(0.5))
    model = md.Model([layer], input_shape=(2,), seed=0)
    text = str(model.explain([[1.0, 2.0]], [[2.0]], "mse"))
    for line in (
        "L = MeanSquaredError(y, a) = 1",
        "penalties of regularizers R = 1",
        "L + R = 2",
        "∂(L + R)/∂w21 = x2·δ1 + ∂R/∂w21 = 2·2 + 1 = 5",
        "∂L/∂b1 = δ1 = 2",
    ):
        assert f"{line}\n" in f"{text}\n", text
    text = str(model.explain([[1.0, 2.0]] * 2, [[2.0]] * 2, "mse"))
    assert "∂(L + R)/∂w21 = 5, of it ∂R/∂w21 = 1" in text
    wide = D(9, kernel_regularizer="l2", kernel_initializer="ones")
    text = str(md.Model([wide], seed=0).explain(np.ones((1, 9)), np.ones((1, 9)), "mse"))
    assert "of it the penalty's: ‖∂R/∂kernel‖ = 0.18" in text
    model.freeze("*")
    assert not model.explain([[1.0, 2.0]], [[2.0]], "mse")["dense"].penalties


def test_explanations_of_large_layers_are_abbreviated() -> None:
    rng = np.random.default_rng(0)
    model = md.Model([D(40, "relu"), D(10)], seed=0)
    explanation = model.explain(rng.normal(size=(5, 100)), np.arange(5), LOGITS)
    text = str(explanation)
    assert "Sample 0 of 5" in text
    assert "Σ x·w over 100 inputs" in text
    assert "and 34 more" in text
    assert "(100×40)" in text
    assert len(text.splitlines()) < 60
    assert "Sample 4 of 5" in explanation.table(-1, digits=3)
    for sample in (5, -6):
        with pytest.raises(IndexError, match="0 to 4"):
            explanation.table(sample)


def test_layers_are_found_by_name_and_number() -> None:
    explanation = two_two_two().explain(textbook.INPUTS, textbook.TARGETS, loss="mse")
    assert explanation["dense_1"] is explanation[1] is explanation[-1]
    assert len(explanation) == 2
    with pytest.raises(KeyError, match="did you mean"):
        explanation["dens_1"]


@pytest.mark.parametrize("method", ["explain", "check_gradients", "verify", "per_sample_gradients"])
def test_bad_arguments(method: str) -> None:
    model = md.Model([D(3)], seed=0, input_shape=(2,))
    call = getattr(model, method)
    with pytest.raises(ValueError, match="loss must be given"):
        call(np.ones((1, 2)), [[0, 0, 0]])
    with pytest.raises(ValueError, match=r"\(samples, 2\)"):
        call(np.ones((1, 3)), [[0, 0, 0]], "mse")
    with pytest.raises(ValueError, match=r"^y must have shape"):
        call(np.ones((1, 2)), [[0, 0]], "mse")
    with pytest.raises(ValueError, match="finite"):
        call([[np.nan, 1.0]], [[0, 0, 0]], "mse")
    with pytest.raises(ValueError, match="from_logits=True"):
        call(np.ones((1, 2)), [0], "sparse_categorical_crossentropy")


# ---- central differences ------------------------------------------------------------------------


@pytest.mark.parametrize(("head", "loss", "y"), CASES, ids=lambda v: getattr(v, "name", None))
def test_gradients_agree_with_central_differences(head: Any, loss: md.Loss, y: Any) -> None:
    check = varied(head).check_gradients(X, y, loss)
    assert check and check.passed
    assert check.largest < 1e-7
    assert [p.checked for p in check.parameters] == [p.size for p in check.parameters]
    assert "passed" in str(check) and "FAILED" not in str(check)


def test_gradients_in_training_with_a_mask_that_stays() -> None:
    model = varied(None)
    check = model.check_gradients(X, CASES[0][2], "mse", training=True)
    assert check.passed, str(check)
    # Half of the units dropped: other gradients than in prediction, but right ones.
    assert check.parameters != model.check_gradients(X, CASES[0][2], "mse").parameters


class Wrong(md.Loss):
    """A squared error that forgot the 2 in one output's derivative."""

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
        return float(np.mean((np.asarray(y_true) - y_pred) ** 2))

    def gradient(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        gradient = 2 * (y_pred - np.asarray(y_true)) / y_pred.size
        gradient[:, 0] /= 2
        return gradient


def test_a_wrong_gradient_is_found() -> None:
    check = varied(None).check_gradients(X, CASES[0][2], Wrong())
    assert not check
    assert {p.verdict for p in check.parameters} == {"FAILED"}
    assert check.largest > 0.1
    assert str(check).endswith("FAILED (tolerance 1e-06)")


def test_a_kink_is_no_failure() -> None:
    model = md.Model([D(3, "relu"), D(1)], seed=0)
    x = np.zeros((2, 4))  # every relu stands at its corner
    check = model.check_gradients(x, [1.0, 2.0], "mse")
    assert check.passed
    assert check.parameters[1].name == "dense/bias"
    assert check.parameters[1].kinks == 3
    assert "3 at a kink" in str(check)


def test_gradients_too_small_to_tell_are_said_to_be() -> None:
    model = md.Model([*(D(4, "sigmoid") for _ in range(20)), D(1)], seed=0)
    check = model.check_gradients(X[:, 0], [0.0, 1.0, 2.0, 3.0], "mse")
    assert check.passed
    assert check.parameters[0].verdict == "too small to tell"
    assert check.parameters[-1].verdict == "ok"
    assert "too small to tell)" in str(check).splitlines()[-1]


def test_some_elements_of_large_parameters() -> None:
    model = md.Model([D(50, "tanh"), D(1)], seed=0)
    check = model.check_gradients(X[:, 0], np.ones(4), "mse", elements=7)
    assert [p.checked for p in check.parameters] == [7, 7, 7, 1]
    assert "7 of 150" in str(check)
    for bad in (0, 1.5):
        with pytest.raises((TypeError, ValueError), match="elements"):
            model.check_gradients(X[:, 0], np.ones(4), "mse", elements=bad)  # type: ignore[arg-type]


# ---- the textbook -------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("head", "loss", "y"), CASES, ids=lambda v: getattr(v, "name", None))
def test_native_code_agrees_with_the_textbook(head: Any, loss: md.Loss, y: Any, dtype: str) -> None:
    verification = varied(head, dtype).verify(X, y, loss)
    assert verification.passed, str(verification)
    assert verification.largest < {"float32": 1e-5, "float64": 1e-12}[dtype]
    assert "dense_1/kernel" in verification.differences
    assert "dense_1/bias" not in verification.differences


def test_everything_at_once(rng: np.random.Generator) -> None:
    """Pieces that change how backward goes, within one another."""
    layers = [
        md.layers.Residual(
            [
                md.layers.Dense(8, "gelu", kernel_regularizer="l2"),
                md.layers.Dense(6, (np.sin, np.cos), kernel_constraint="non_neg"),
            ]
        ),
        md.layers.BatchNormalization(),
        md.layers.Dense(3, bias_regularizer=md.regularizers.L1(0.1), activity_regularizer="l2"),
    ]
    model = md.Model(layers, seed=0, dtype="float64")
    model.compile("adamw", "huber")
    x, y = rng.normal(size=(20, 6)), rng.normal(size=(20, 3))
    assert model.check_gradients(x, y).passed
    assert model.verify(x, y).passed


def test_a_wrong_formula_is_found(monkeypatch: Any) -> None:
    right = reference.layers.Dense.backward

    def wrong(self: Any, gradient: Any) -> Any:
        return [[1.01 * g for g in row] for row in right(self, gradient)]

    monkeypatch.setattr(reference.layers.Dense, "backward", wrong)
    verification = varied(None).verify(X, CASES[0][2], "mse")
    assert not verification
    failed = [n for n, d in verification.differences.items() if not d <= verification.tolerance]
    assert "dense/kernel" in failed and "dense_3/kernel" not in failed
    assert "FAILED" in str(verification)


class MeanSquaredError(Wrong):
    """Named like the textbook's, with an argument that it does not have."""

    def __init__(self, power: int = 2) -> None:
        self.power = power


class PerSample(Wrong):
    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        return np.mean((np.asarray(y_true) - y_pred) ** 2, axis=1)


def test_what_the_textbook_lacks_is_named() -> None:
    model, y = md.Model([D(3)], seed=0), CASES[0][2]
    with pytest.raises(ValueError, match=r"mundur\.reference has no Wrong"):
        model.verify(X[:, 0], y, Wrong())
    with pytest.raises(ValueError, match="MeanSquaredError knows no power=3"):
        model.verify(X[:, 0], y, MeanSquaredError(3))
    assert not np.isnan(model.verify(X[:, 0], y, MeanSquaredError()).largest)


def test_a_loss_of_many_numbers_has_no_gradient() -> None:
    for call in (two_two_two().explain, two_two_two().check_gradients):
        with pytest.raises(ValueError, match=r"one number; .* gives shape \(1,\)"):
            call(textbook.INPUTS, textbook.TARGETS, PerSample())


def test_bfloat16_has_its_own_tolerance() -> None:
    rng = np.random.default_rng(0)
    model = md.Model([D(32, "tanh"), D(8)], seed=0, compute_dtype="bfloat16")
    verification = model.verify(rng.normal(size=(4, 64)), rng.normal(size=(4, 8)), "mse")
    assert verification.passed, str(verification)
    assert verification.largest > 1e-4  # else it was not computed in bfloat16


# ---- samples by themselves ----------------------------------------------------------------------


@pytest.mark.parametrize(("head", "loss", "y"), CASES, ids=lambda v: getattr(v, "name", None))
def test_the_mean_of_the_samples_gradients_is_the_batchs(head: Any, loss: md.Loss, y: Any) -> None:
    model = varied(head, "float64")
    gradients = model.per_sample_gradients(X, y, loss)
    batch = model.explain(X, y, loss).gradients
    assert set(gradients) == set(batch)
    for name, by_sample in gradients.items():
        assert by_sample.shape == (4, *batch[name].shape)
        assert by_sample.mean(axis=0) == pytest.approx(batch[name], abs=1e-14)
        alone = model.explain(X[2:3], y[2:3], loss).gradients[name]
        assert np.array_equal(by_sample[2], alone)


def test_verify_knows_penalties_of_activities_in_front_of_a_layer() -> None:
    """What comes back from the layer behind is without them, here and in the textbook."""
    layers = [md.layers.Dense(2, "tanh", activity_regularizer="l2"), md.layers.Dense(1)]
    model = md.Model(layers, input_shape=(3,), seed=0, dtype="float64")
    x, y = np.ones((4, 3)), np.zeros((4, 1))
    assert model.verify(x, y, "mse"), model.verify(x, y, "mse")
