"""The page and the sheet that explain a pass: their numbers and their words."""

from __future__ import annotations

import copy
import html
import pickle
import re
import shutil
import subprocess
import warnings
from pathlib import Path
from typing import Any

import mundur as md
import numpy as np
import pytest
from mundur.inspection import page as pages  # data of a page, without a browser
from mundur.inspection.formulas import ACTIVATIONS, plain, tex  # each formula by itself
from mundur.inspection.lines import evaluated, work  # each line by itself
from mundur.inspection.losses import LOSSES as FORMULAS  # each formula by itself
from mundur.inspection.losses import formulas_of, sum_of  # their numbers by themselves
from mundur.inspection.page_texts import LANGUAGES, TEXTS  # words alone
from mundur.inspection.rules import penalty_line, rule_of  # each rule by itself
from mundur.inspection.sheet import fill  # parts of a sheet
from mundur.reference import worked_example as textbook

from cells import mostly_slow
from explained import (
    NOTES,
    ODD,
    classifier,
    data_of,
    equations,
    numeric,
    two_ends,
    two_two_two,
    unpacked,
    value_of,
    worked,
)

D = md.layers.Dense


# ---- the formulas --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_f_and_its_slope_are_what_the_layer_computes(name: str) -> None:
    model = md.Model([D(6, name, bias_initializer="random_normal")], seed=0, dtype="float64")
    x = np.random.default_rng(1).normal(size=(2, 5)) * 2
    step = model.explain(x, np.zeros((2, 6)), "mse")[0]
    of = ACTIVATIONS[name]
    assert step.slope is not None
    for z, a, slope in zip(step.z.flat, step.a.flat, step.slope.flat, strict=True):
        for numbers, expected in ((of.f_numbers, a), (of.slope_numbers, slope)):
            if numbers is not None:
                written = fill(numbers, {"z": z, "a": a})
                assert value_of(written) == pytest.approx(expected, rel=1e-4, abs=1e-5), written
    assert "\\" not in plain(of.f) + plain(of.slope) and "{" not in plain(of.f) + plain(of.slope)


def test_every_activation_has_its_formula() -> None:
    known = {name for name in md.activations.NATIVE if "softmax" not in name}
    assert known == set(ACTIVATIONS)


C, optimizers = md.constraints, md.optimizers
# Each with options that are not small, so that a term that is missing shows.
RULES = [
    optimizers.SGD(0.5),
    optimizers.SGD(0.5, momentum=0.9),
    optimizers.SGD(0.5, momentum=0.9, nesterov=True),
    optimizers.Adam(0.1, epsilon=0.1),
    optimizers.Adam(0.1, amsgrad=True, epsilon=0.1, beta_2=0.5),
    optimizers.AdamW(0.1, weight_decay=0.3, epsilon=0.1),
    optimizers.Nadam(0.1, epsilon=0.1),
    optimizers.Adamax(0.1, epsilon=0.1),
    optimizers.RMSprop(0.1, epsilon=0.1),
    optimizers.RMSprop(0.1, epsilon=0.1, momentum=0.7),
    optimizers.RMSprop(0.1, epsilon=0.1, centered=True),
    optimizers.RMSprop(0.1, epsilon=0.1, momentum=0.7, centered=True),
    optimizers.Adagrad(0.1, epsilon=0.1),
    optimizers.Adadelta(0.5, epsilon=0.1),
    optimizers.Lion(0.1),
    optimizers.Ftrl(
        0.1,
        learning_rate_power=-0.7,
        l1_regularization_strength=0.01,
        l2_regularization_strength=0.3,
        l2_shrinkage_regularization_strength=0.2,
        beta=0.1,
    ),
    optimizers.Ftrl(0.0),
    optimizers.Adafactor(0.1),
    optimizers.Adafactor(0.9, epsilon_1=0.01, epsilon_2=2.0, clip_threshold=0.3, beta_2_decay=-0.4),
]
OPTIONS: list[dict[str, Any]] = [
    {"weight_decay": 0.3},
    {"clipvalue": 0.05},
    {"clipnorm": 0.05},
    {"clipnorm": 50.0},
    {"global_clipnorm": 0.05},
    {"global_clipnorm": 50.0},
    {"use_ema": True, "ema_momentum": 0.7},
    {"use_ema": True, "ema_momentum": 0.7, "ema_overwrite_frequency": 2},
    {"gradient_accumulation_steps": 2},
    {"gradient_accumulation_steps": 2, "clipnorm": 0.05, "weight_decay": 0.3},
    {"gradient_accumulation_steps": 2, "global_clipnorm": 0.05},
]
CONSTRAINTS = [
    C.NonNeg(),
    C.MaxNorm(0.3),
    C.MaxNorm(0.3, axis=1),
    C.UnitNorm(),
    C.MinMaxNorm(0.3, 0.5, rate=0.6),
    C.MinMaxNorm(0.2, 5.0),
    C.MinMaxNorm(2.5, 5.0),
]


def held(optimizer: Any, steps: int, **layer: Any) -> Any:
    """A model's explanation after some steps, and the model."""
    layers = [D(3, "tanh", **layer), D(2)]
    model = md.Model(layers, dtype="float64", input_shape=(2,), seed=3)
    model.compile(copy.deepcopy(optimizer), "mse")
    x, y = np.array([[0.5, -1.0], [0.3, 2.0]]), np.array([[0.1, 0.9], [1.0, 0.0]])
    for _ in range(steps):
        model.train_on_batch(x, y)
    return model, model.explain(x, y), x, y


def check_lines(model: Any, made: Any, x: Any, y: Any) -> set[str]:
    """Numbers in their places come to what native code made; what was used on the way."""
    update, used = made.update, set()
    assert update is not None
    model.backward(model.compiled_loss.gradient(y, model.forward(x)))
    model.optimizer.step(model)
    for path, new in update.parameters.items():
        assert np.array_equal(new, model.parameters[path])
        worked = update.worked[path]
        for place in np.ndindex(new.shape):
            for line, known, result in worked.at(place):
                exact = evaluated(line.numbers, known)
                assert exact == pytest.approx(result, rel=1e-9, abs=1e-12), line
                shown = value_of(fill(line.numbers, known))
                assert shown == pytest.approx(result, rel=2e-4, abs=5e-6), line
                used.update(line.places)
            assert result == new[place] or line.makes != "w"
        last = [one for one in worked.at((0,) * new.ndim) if one[0].makes == "w"][-1]
        assert last[2] == new[(0,) * new.ndim]
    return used


@pytest.mark.share(3)
@pytest.mark.parametrize("steps", [0, 3])
@pytest.mark.parametrize("optimizer", RULES, ids=repr)
def test_the_rules_numbers_make_the_new_weights(optimizer: Any, steps: int) -> None:
    used = check_lines(*held(optimizer, steps))
    if optimizer.learning_rate:
        own = {"learning_rate_power": "power", "learning_rate": "eta"}
        left_out = {"initial_accumulator_value", "relative_step", "nesterov"}
        for name, value in optimizer.get_config().items():
            if value and isinstance(value, float) and name not in {*left_out, "ema_momentum"}:
                known = {"weight_decay": "lambda"} | own
                assert known.get(name, name) in used, f"{name} stands nowhere"


@pytest.mark.share(3)
@pytest.mark.parametrize("steps", [0, 1, 2])
@pytest.mark.parametrize("options", OPTIONS, ids=repr)
@pytest.mark.parametrize("kind", [optimizers.SGD, optimizers.Adam, optimizers.Adafactor])
def test_what_stands_around_a_rule_is_in_its_lines(kind: Any, options: Any, steps: int) -> None:
    model, made, x, y = held(kind(0.1, **options), steps)
    used = check_lines(model, made, x, y)
    several = options.get("gradient_accumulation_steps", 1)
    assert made.update.waits == (steps + 1) % several
    if made.update.waits:
        assert "accumulated" in used
        assert np.array_equal(
            made.update.parameters["dense/bias"], made["dense"].parameters["bias"]
        )
        return
    names = {"weight_decay": "lambda"}
    for name in options.keys() - {"use_ema", "ema_overwrite_frequency", "ema_momentum"}:
        assert names.get(name, name) in used
    assert ("average" in used) == ("use_ema" in options and steps > 0)


@pytest.mark.parametrize("steps", [0, 2])
@pytest.mark.parametrize("constraint", CONSTRAINTS, ids=repr)
def test_constraints_and_penalties_are_in_the_lines(constraint: Any, steps: int) -> None:
    layer = {"kernel_constraint": constraint, "kernel_regularizer": md.regularizers.L1L2(0.1, 0.2)}
    model, made, x, y = held(optimizers.Adam(0.1, use_ema=True, weight_decay=0.1), steps, **layer)
    used = check_lines(model, made, x, y)
    assert "norm_of_w" in used or isinstance(constraint, C.NonNeg)
    lines = made.update.lines()
    assert all("(L + R)" in line.formula for line in lines if r"\partial" in line.formula)
    step = made["dense"]
    ((name, l1, l2),) = step.penalty_factors
    assert (name, l1, l2) == ("kernel", 0.1, 0.2)
    for place in np.ndindex(step.parameters[name].shape):
        known = {"l1": l1, "l2": l2, "w": step.parameters[name][place]}
        shown = value_of(fill(penalty_line(l1, l2).numbers, known))
        assert shown == pytest.approx(step.penalties[name][place], rel=2e-4)
    for l1, l2, sign in ((0.1, 0, "sign"), (0, 0.1, "2")):
        numbers = penalty_line(l1, l2).numbers
        assert sign in numbers and len(re.findall("<w>", numbers)) == 1


def test_a_parameter_that_is_spared_decays_by_nothing() -> None:
    optimizer = optimizers.AdamW(0.1, weight_decay=0.3)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    model, made, x, y = held(optimizer, 0)
    check_lines(model, made, x, y)
    rules = made.update.rules
    assert (rules["dense/kernel"].numbers["lambda"], rules["dense/bias"].numbers["lambda"]) == (
        0.3,
        0,
    )


def test_schedules_give_the_rule_its_rate() -> None:
    schedule = md.optimizers.schedules.ExponentialDecay(0.5, 1, 0.5)
    model, made, x, y = held(optimizers.SGD(schedule), 2)
    check_lines(model, made, x, y)
    assert made.update.rules["dense/bias"].numbers["eta"] == pytest.approx(0.125)


@pytest.mark.share(3)
@pytest.mark.parametrize("optimizer", RULES, ids=repr)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numbers_are_put_in_on_the_page_and_on_the_sheet(optimizer: Any, dtype: str) -> None:
    layers = [D(2, "tanh", kernel_constraint="max_norm"), D(2)]
    model = md.Model(layers, dtype=dtype, input_shape=(2,), seed=3)
    model.compile(copy.deepcopy(optimizer), "mse")
    made = model.explain([[0.5, -1.0]], [[0.1, 0.9]])
    data = data_of(made.to_html())
    for layer in data["layers"]:
        for one in layer["parameters"]:
            known, lines = set(one["known"]) | set(one["values"]), one["lines"]
            for k, line in enumerate(lines):
                assert set(re.findall(r"<([A-Za-z_0-9']+)>", line["numbers"])) <= known
                assert {"value", "last"} & set(line) or f"@{k}" in one["values"]
                known.add(line["makes"])
            assert lines and next(line for line in lines if line.get("last"))["makes"] == "w"
    new = tex(made.update.parameters["dense_1/bias"][1])
    rows = [parts for parts in equations(made.to_latex()) if parts[0] == "b_{2}^{(2)}"]
    assert len(rows) >= 1 and all(numeric(part) for row in rows for part in row[1:])
    assert rows[-1][-1] == new
    for parts in equations(made.to_latex("id")):
        values = [value_of(part) for part in parts if numeric(part)]
        assert values == pytest.approx([values[-1]] * len(values), rel=1e-3, abs=2e-6), parts


def test_lines_that_do_not_make_the_weights_are_not_shown() -> None:
    """A rule that is known, of a model whose step does something else."""
    _, made, _, _ = held(optimizers.SGD(0.5), 0)
    rule = made.update.rules["dense/bias"]
    known = {"w": made[0].parameters["bias"], "g": made[0].gradients["bias"]}
    new = made.update.parameters["dense/bias"]
    assert work(rule, known, {}, new) is not None
    assert work(rule, known, {}, new * 1.01) is None
    made.update.worked["dense/bias"] = None
    text = made.to_html()
    assert data_of(text)["layers"][0]["parameters"][1]["lines"] is None
    assert TEXTS["unshown"]["id"].format("dense/bias") in made.to_latex("id")


def test_the_textbooks_error_after_one_update() -> None:
    update = worked().update
    assert update is not None and update.loss == pytest.approx(0.28047144679143016, abs=1e-12)


def test_a_rule_of_ones_own_has_no_lines() -> None:
    class Own(md.Optimizer):
        def update_step(self, gradient: Any, variable: Any, learning_rate: float) -> None:
            variable.assign_sub(learning_rate * np.sign(gradient))

    class Further(optimizers.SGD):
        """Derived from one that is known, so what it does is not."""

    assert rule_of(Own(0.1)).lines == rule_of(Further(0.1)).lines == ()
    made = two_two_two(Own(0.1)).explain(textbook.INPUTS, textbook.TARGETS)
    assert made.update.parameters["dense/bias"] == pytest.approx([0.25, 0.25])
    assert TEXTS["own_rule"]["en"] in made.to_latex()


REAL, BITS, CLASSES = (
    np.linspace(-1, 1, 6).reshape(2, 3),
    np.array([[0, 1, 1], [1, 0, 0]]),
    np.eye(3)[[2, 0]],
)
Q = md.losses
LOSSES = [
    ("mean_squared_error", "linear", REAL),
    (Q.MeanSquaredError(reduction="sum"), "linear", REAL),
    ("mean_absolute_error", "linear", REAL),
    ("mean_absolute_percentage_error", "linear", REAL),
    ("mean_squared_logarithmic_error", "linear", REAL + 0.9),
    (Q.Huber(0.7), "linear", REAL),
    ("log_cosh", "linear", REAL),
    ("poisson", "softplus", np.array([[0, 2, 1], [3, 0, 1]])),
    ("cosine_similarity", "linear", REAL),
    ("binary_crossentropy", "sigmoid", BITS),
    (Q.BinaryCrossentropy(True), "linear", BITS),
    ("categorical_crossentropy", "softmax", CLASSES),
    (Q.CategoricalCrossentropy(True, label_smoothing=0.1), "linear", CLASSES),
    ("sparse_categorical_crossentropy", "softmax", np.array([2, 0])),
    (Q.SparseCategoricalCrossentropy(True, reduction="sum"), "linear", np.array([2, 0])),
    ("binary_focal_crossentropy", "sigmoid", BITS),
    (Q.BinaryFocalCrossentropy(True, 0.3, 1.5, label_smoothing=0.1), "sigmoid", BITS),
    (Q.BinaryFocalCrossentropy(from_logits=True), "linear", BITS),
    ("categorical_focal_crossentropy", "softmax", CLASSES),
    (Q.CategoricalFocalCrossentropy(0.5, 1.5, True, 0.1), "linear", CLASSES),
    ("kl_divergence", "softmax", CLASSES * 0.7 + 0.1),
    ("hinge", "linear", BITS),
    ("squared_hinge", "linear", 2 * BITS - 1),
    ("categorical_hinge", "linear", CLASSES),
    ("dice", "sigmoid", BITS),
    (Q.Tversky(0.3, 0.6), "sigmoid", BITS),
    (Q.Tversky(0.3, 0.6, axis=0), "sigmoid", BITS),
    (Q.Dice(axis=1, reduction="sum"), "sigmoid", BITS),
    (Q.Circle(5.0), "linear", np.array([0, 0, 1, 1])),
    (Q.Circle(2.0, 0.2, remove_diagonal=False), "linear", np.array([1, 0, 1])),
]


def come_to(line: Any) -> None:
    """A line's numbers make its value."""
    text = " ".join(fill(*piece) for piece in line.pieces)
    assert text.startswith("= ")
    assert value_of(text[2:]) == pytest.approx(line.value, rel=5e-4, abs=1e-5), line.left


def slopes_come_to(formula: Any, a: Any, da: Any) -> None:
    for n, j in np.ndindex(a.shape):
        of = formula.numbers | {name: v[n, j] for name, v in formula.known.items()}
        slope = value_of(fill(formula.slope_numbers, of | {"a": a[n, j]}))
        assert slope == pytest.approx(da[n, j], rel=5e-4, abs=1e-5)


def sheet_holds(made: Any) -> None:
    for parts in equations(made.to_latex()):
        values = [value_of(part) for part in parts if numeric(part)]
        assert values == pytest.approx([values[-1]] * len(values), rel=2e-3, abs=1e-5), parts


@pytest.mark.parametrize(("loss", "head", "y"), LOSSES, ids=str)
def test_the_losses_numbers_make_it_and_its_slope(loss: Any, head: str, y: Any) -> None:
    model = md.Model([D(3, head)], seed=0, dtype="float64")
    made = model.explain(np.random.default_rng(0).normal(size=(len(y), 4)), y, loss)
    (formula,) = formulas_of(made)
    assert formula is not None and formula.lines and formula.slope_numbers
    for line in formula.lines:
        come_to(line)
    assert formula.lines[-1].left == "L" and formula.lines[-1].value == made.loss
    slopes_come_to(formula, made.y_pred, made[0].da)
    sheet_holds(made)
    data = pages.page_data(made)["loss"]
    (own,) = data["outputs"]
    assert own["lines"][-1]["value"] == made.loss and own["formulas"] == formula.formulas
    assert data["sum"] is None, "L is one loss"


@pytest.mark.parametrize(("loss", "head", "y"), LOSSES, ids=str)
def test_losses_of_several_outputs_add_up(loss: Any, head: str, y: Any) -> None:
    x = md.Input((4,))
    ends = [D(3, head, name="one")(x), D(2, name="none")(x), D(2, name="other")(x)]
    model = md.Model(x, ends, seed=0, dtype="float64")
    asked = {"one": loss, "none": None, "other": "mae"}
    model.compile("sgd", asked, loss_weights={"one": -2.5, "other": 0.3})
    given = np.random.default_rng(0).normal(size=(len(y), 4))
    made = model.explain(given, [y, None, np.ones((len(y), 2))])
    one, none, other = formulas_of(made)
    assert none is None and made.losses[1] is None
    assert (one.value, other.value) == (made.losses[0], made.losses[2])
    assert made.loss == pytest.approx(-2.5 * one.value + 0.3 * other.value, rel=1e-12)
    for formula, symbol in ((one, "L_{1}"), (other, "L_{2}")):
        assert formula.formulas[0].startswith(f"{symbol} = ")
        assert formula.lines[-1].left == symbol and formula.lines[-1].value == formula.value
        for line in formula.lines:
            come_to(line)
    slopes_come_to(one, made["one"].a, made["one"].da)
    slopes_come_to(other, made["other"].a, made["other"].da)
    assert one.slope.startswith(r"-2.5 \cdot ") and other.slope.startswith(r"0.3 \cdot ")
    whole = sum_of(made, formulas_of(made))
    assert whole is not None and whole.line.value == made.loss
    assert whole.formula == r"L = -2.5 \cdot L_{1} + 0.3 \cdot L_{2}"
    come_to(whole.line)
    sheet_holds(made)
    data = data_of(made.to_html())["loss"]
    assert [own["of"] for own in data["outputs"]] == ["one", "none", "other"]
    assert data["sum"]["line"]["value"] == data["value"] == made.loss
    assert set(data["outputs"][1]) == {"of"}
    assert data["outputs"][2]["numbers"]["weight"] == 0.3


def test_the_only_loss_of_several_outputs_is_l_unless_it_has_a_weight() -> None:
    x = md.Input((2,))
    model = md.Model(x, [D(1, name="one")(x), D(1, name="none")(x)], seed=0)
    for weight, symbol in ((1.0, "L"), (0.5, "L_{1}")):
        model.compile("sgd", {"one": "mse", "none": None}, loss_weights={"one": weight})
        made = model.explain(np.ones((1, 2)), [[[1.0]], None])
        one, none = formulas_of(made)
        assert one.symbol == symbol and none is None
        whole = sum_of(made, (one, none))
        assert whole is None if weight == 1 else whole.formula == r"L = 0.5 \cdot L_{1}"
        sheet_holds(made)


def test_outputs_whose_loss_or_slope_is_not_known_have_values() -> None:
    """Losses in Python, an output that counts twice or goes on, a state, an input, weight 0."""

    class Own(md.Loss):
        def call(self, y_true: Any, y_pred: Any) -> Any:
            return ((y_true - y_pred) ** 2).mean()

        def gradient(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
            return 2 * (y_pred - y_true) / y_pred.size

    x = md.Input((2,))
    a = D(2, name="a")(x)
    b = D(2, name="b")(a)
    y, given = np.ones((1, 2)), np.ones((1, 2))
    model = md.Model(x, [b, a], seed=0)
    made = model.explain(given, [y, y], {"b": Own(), "a": "mse"})
    own, goes_on = formulas_of(made)
    assert own.kind == "Own" and not own.formulas and own.value == made.losses[0]
    assert goes_on.formulas and not goes_on.slope_numbers, "what b sends back is in its ∂L/∂a, too"
    assert made.loss == sum(made.losses) and "L_{1} + L_{2}" in sum_of(made, (own, goes_on)).formula
    assert "b: $L_{1}$" in made.to_latex()
    model.compile("sgd", "mse", loss_weights={"b": 0.0, "a": 1.0})
    without = model.explain(given, [y, y])
    slopes_come_to(formulas_of(without)[0], without["b"].a, without["b"].da)
    twice = md.Model(x, [b, b, x], seed=0).explain(given, [y, y, y], ["mse", "mae", "mse"])
    for formula in formulas_of(twice):
        assert formula.formulas and not formula.slope and not formula.lines
    steps = md.Input((3, 2))
    ends = md.layers.GRU(2, return_sequences=True, return_state=True)(steps)
    model = md.Model(steps, list(ends), seed=0)
    states = model.explain(np.ones((1, 3, 2)), [np.ones((1, 3, 2)), y], ["mse", "mae"])
    assert states.outputs == ("gru", "gru[1]")
    sequence, state = formulas_of(states)
    assert sequence.lines[-1].value == states.losses[0]
    slopes_come_to(state, states.y_pred[1], states.sent_to("gru[1]"))
    kept = pickle.loads(pickle.dumps(made))  # whose loss has a class that pickle does not find
    assert kept.losses == made.losses and formulas_of(kept) == (None, None)
    for one in (made, without, twice, states, kept):
        data = data_of(one.to_html())["loss"]
        assert data["value"] == data["sum"]["line"]["value"] == one.loss
        assert str(one) and one.to_latex("id").endswith("\\end{document}\n")


def test_text_shows_what_several_losses_add_up_from() -> None:
    made = two_ends()
    one, other = (f"{v:.6g}" for v in made.losses)
    lines = str(made).splitlines()
    title = "CategoricalCrossentropy(kelas) + 0.5·MeanSquaredError(nilai)"
    of = f"{one} + 0.5·{other} = {made.loss:.6g}, the mean over 2 samples"
    assert f"Loss    L = {title} = {of}" in lines
    slope = made["nilai"].da[0, 0]
    assert f"    ∂L/∂a1 = 0.5·{2 * slope:.6g} = {slope:.6g}" in lines
    assert f"    ∂L/∂a2 = {made['kelas'].da[0, 1]:.6g}" in lines


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sheet_writes_out_the_losses_of_several_outputs(language: str) -> None:
    made = two_ends()
    sheet = made.to_latex(language)
    given, solved = sheet.split(TEXTS["solutions"][language])
    assert rf"{TEXTS['loss'][language]}: $L = L_{{1}} + 0.5 \cdot L_{{2}}$" in given
    assert r"nilai: $L_{2} = \frac{1}{n} \sum_j (y_j - a_j)^{2}$" in given
    assert (
        rf"L & = {tex(made.losses[0])} + 0.5 \cdot {tex(made.losses[1])} = {tex(made.loss)}"
        in solved
    )
    assert solved.count(r"= 0.5 \cdot \frac{2}{2} \cdot (") == 2, "for each sample"
    many = two_ends(samples=9).to_latex(language)
    assert r"L_{2} & = " in many and "ln(0" not in many, "one sample does not tell the batch's"


def test_every_loss_has_its_formula() -> None:
    known = {name for name in md.losses.__all__ if name[0].isupper()}
    assert set(FORMULAS) == known - {"Custom", "Loss"}


def test_a_loss_whose_formula_or_numbers_are_not_known_has_none() -> None:
    class Own(md.losses.Huber):
        """What it is, its name does not tell."""

    made = md.Model([D(2)], seed=0).explain(np.ones((1, 2)), [[1.0, 2.0]], Own())
    assert not pages.page_data(made)["loss"]["outputs"][0]["formulas"]
    ignoring = md.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=0)
    made = md.Model([D(3)], seed=0).explain(np.ones((2, 2)), [0, 1], ignoring)
    (loss,) = pages.page_data(made)["loss"]["outputs"]
    assert loss["formulas"] and not loss["lines"] and not loss["known"] and not loss["slope_n"]
    many = md.Model([D(9)], seed=0).explain(np.ones((4, 2)), np.ones((4, 9)), "mse")
    (loss,) = pages.page_data(many)["loss"]["outputs"]
    assert not loss["lines"] and set(loss["known"]) == {"y"}
    sequence = md.Model([D(1)], seed=0).explain(np.ones((1, 3, 2)), np.ones((1, 3, 1)), "huber")
    (loss,) = pages.page_data(sequence)["loss"]["outputs"]
    assert loss["lines"][-1]["value"] == sequence.loss and len(loss["lines"][-1]["pieces"]) == 3


# ---- the page's data -----------------------------------------------------------------------------


def test_the_pages_numbers_are_the_explanations() -> None:
    model, x, y = classifier()
    made = model.explain(x, y)
    data = data_of(made.to_html())
    for step, layer in zip(made, data["layers"], strict=True):
        assert layer["name"] == step.name and layer["form"] == "dense"
        for name in ("z", "a", "slope", "da", "delta"):
            whole = getattr(step, name)
            if whole is None:
                assert name not in layer["values"]
            else:
                assert np.array_equal(unpacked(layer["values"][name]["packed"]), whole)
        for one in layer["parameters"]:
            assert np.array_equal(unpacked(one["values"]["w"]), step.parameters[one["name"]])
            assert np.array_equal(unpacked(one["values"]["g"]), step.gradients[one["name"]])
            new = made.update.parameters[one["path"]]
            assert np.array_equal(unpacked(one["values"]["new"]), new)
            size = step.parameters[one["name"]].size
            assert np.array_equal(unpacked(one["check"]["places"]), np.arange(size))
            central = unpacked(one["check"]["central"])
            scale = np.abs(central).max()
            assert central == pytest.approx(made.gradients[one["path"]].ravel(), abs=1e-4 * scale)
            assert one["check"]["difference"] < 1e-6
    assert data["loss"]["value"] == made.loss
    assert data["checked"] == [67, 67]
    assert [layer["column"] for layer in data["layers"]] == [1, 2]


def test_the_page_is_one_file_that_asks_for_nothing(tmp_path: Path) -> None:
    path = tmp_path / "langkah.html"
    worked().save(path, language="id")
    text = path.read_text(encoding="utf-8")
    assert text == worked().to_html("id"), "the same bytes each time"
    assert text.startswith("<!doctype html>") and '<html lang="id">' in text
    assert "default-src 'none'" in text
    addresses = set(re.findall(r"https?://[^\s\"'<]+", text))
    assert addresses == {"http://www.w3.org/1998/Math/MathML", "http://www.w3.org/2000/svg"}
    assert not re.search(r"<link|@import|url\(|\bsrc=|fetch\(|XMLHttp|localStorage", text)
    worked().save(path)  # a second one takes its place
    assert '<html lang="en">' in path.read_text(encoding="utf-8")


def test_names_do_not_break_out_of_the_page() -> None:
    class Evil(md.losses.MeanSquaredError):
        title = "</script><script>alert(1)</script>"

    made = two_two_two().explain(textbook.INPUTS, textbook.TARGETS, Evil())
    assert made.loss_name == Evil.title
    text = made.to_html()
    assert Evil.title not in text and data_of(text)["loss"]["name"] == Evil.title
    assert "</script>" not in made._repr_html_() and "\\end{document}" in made.to_latex()


def test_notebooks_show_the_page_in_a_frame_of_its_own() -> None:
    made = worked()
    shown = made._repr_html_()
    inner = re.search(r' srcdoc="([^"]*)"', shown)
    assert inner and html.unescape(inner[1]) == made.to_html()
    assert 'sandbox="allow-scripts"' in shown


def test_texts_are_there_in_both_languages() -> None:
    script = (Path(pages.__file__).parent / "page.js").read_text(encoding="utf-8")
    for name, text in TEXTS.items():
        assert set(text) == set(LANGUAGES) and all(text.values()), name
        places = [sorted(re.findall(r"\{\d\}", text[language])) for language in LANGUAGES]
        assert places[0] == places[1], name
    asked = set(re.findall(r'\bt\("(\w+)"', script))
    asked |= set(re.findall(r'\bt\([^()"]*\? "(\w+)" : "(\w+)"', script)[0])
    assert asked and asked <= set(TEXTS), asked - set(TEXTS)
    python = "".join(
        (Path(pages.__file__).parent / name).read_text(encoding="utf-8")
        for name in ("page.py", "sheet.py")
    )
    starts = ("step_", "about_", "kind_", "note_", "ask_", "maps_")
    for name in TEXTS:
        used = name.startswith(starts) or f'"{name}"' in script or name in python
        assert used, f"{name} is said nowhere"
    for note in re.findall(r'_note\("(\w+)"', python):
        assert f"note_{note}" in TEXTS


def test_what_the_page_is_made_of_is_shipped() -> None:
    for name in ("page.html", "page.css", "page.js"):
        assert (Path(md.__file__).parent / "inspection" / name).stat().st_size > 300


# ---- large, odd and broken models ----------------------------------------------------------------


def test_large_batches_show_one_sample() -> None:
    model, x, y = classifier(samples=20)
    made = model.explain(x, y)
    data = data_of(made.to_html(sample=-3))
    assert data["samples"] == [17] and data["count"] == 20
    assert np.array_equal(unpacked(data["layers"][0]["values"]["z"]["packed"]), made[0].z[17:18])
    assert {"name": "one_of_many", "values": ["20", "17"]} in data["notes"]


def test_large_kernels_keep_the_neurons_that_count() -> None:
    model = md.Model([D(700, "relu"), D(10, "softmax")], input_shape=(500,), seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    made = model.explain(np.random.default_rng(0).normal(size=(2, 500)), [1, 2])
    text = made.to_html()
    data = data_of(text)
    first, last = data["layers"]
    assert len(text) < 2_000_000
    assert last["columns"] is None and len(first["columns"]) == 24
    assert set(np.argsort(-np.abs(made[0].delta[0]))[:24]) == set(first["columns"])
    kernel = next(one for one in first["parameters"] if one["name"] == "kernel")
    assert np.array_equal(
        unpacked(kernel["values"]["w"]), made[0].parameters["kernel"][:, first["columns"]]
    )
    assert kernel["summary"]["norm"] == pytest.approx(np.linalg.norm(made[0].parameters["kernel"]))
    assert sum(kernel["gradient"]["counts"]) == 350_000
    assert "some_neurons" in [note["name"] for note in data["notes"]]
    assert 0 < data["checked"][0] < data["checked"][1] == 357_710
    assert "too large" in made.to_latex()


@pytest.mark.parametrize("name", ODD)
def test_models_of_every_kind_have_a_page_and_a_sheet(name: str) -> None:
    made = ODD[name]()
    data = data_of(made.to_html("id"))
    assert NOTES.get(name, set()) == {note["name"] for note in data["notes"]}
    assert [layer["name"] for layer in data["layers"]] == [step.name for step in made]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for language in LANGUAGES:
            assert made.to_latex(language).endswith("\\end{document}\n")
    if name in ("without_optimizer", "without_names"):
        assert made.update is None and data["update"] is None
    else:
        assert set(made.update.parameters) == set(made.gradients)
    if name == "without_names":
        assert "must be a pair (f, f_prime)" in data["why_not"] and not data["checked"][0]
    elif name != "not_a_number":
        assert data["checked"][0] > 0
        for layer in data["layers"]:
            for one in layer["parameters"]:
                assert one.get("check", {}).get("difference", 0) < 1e-4, one["path"]
    str(made)


def test_a_model_that_moved_on_does_not_change_its_explanation() -> None:
    model, x, y = classifier()
    model.fit(x, y, epochs=2, verbose=0)
    made, late = (model.explain(x, y) for _ in range(2))
    before = made.to_html()
    model.fit(x, y, epochs=2, verbose=0)
    assert late.to_html() == before
    assert pickle.loads(pickle.dumps(late)).to_html() == before


def test_explanations_by_lambdas_have_a_pickle() -> None:
    loss = md.losses.Custom(lambda y, p: np.mean((y - p) ** 2), lambda y, p: 2 * (p - y) / p.size)
    made = two_two_two().explain(textbook.INPUTS, textbook.TARGETS, loss)
    assert made.update is not None
    again = pickle.loads(pickle.dumps(made))
    assert "lambda" in data_of(again.to_html())["why_not"]
    assert again.loss == made.loss and again[0].delta.tolist() == made[0].delta.tolist()


def test_text_shows_the_update_and_the_slopes_formula() -> None:
    text = str(worked())
    for line in (
        "  dense_1:  f′(z) = a·(1 - a)",
        "Update    w ← w - η·∂L/∂w,  by SGD(learning_rate=0.5)",
        "    w11 ← 0.4 - 0.5·0.0821670406 = 0.35891648",
        "  L = 0.298371109 → 0.280471447",
    ):
        assert line in text.splitlines(), text
    adam = two_two_two("adam").explain(textbook.INPUTS, textbook.TARGETS)
    assert "    w11: 0.4 → 0.399" in str(adam).splitlines()
    assert "Update" not in str(md.Model([D(1)], seed=0).explain([[1.0]], [[1.0]], "mse"))


def test_bad_arguments_are_named(tmp_path: Path) -> None:
    made = worked()
    for call in (made.to_html, made.to_latex, lambda language: made.save("a.html", language)):
        with pytest.raises(ValueError, match='language must be "en" or "id"; got'):
            call("fr")
        with pytest.raises(TypeError, match='language must be "en" or "id"; got 3'):
            call(3)
    for sample, error in ((1, IndexError), (-2, IndexError), (0.5, TypeError)):
        with pytest.raises(error, match="sample must be"):
            made.to_html(sample=sample)
    with pytest.raises(TypeError, match="path must be a path; got 3"):
        made.save(3)
    with pytest.raises(FileNotFoundError, match=r"path cannot be written: .*make the folder"):
        made.save(tmp_path / "none" / "a.html")
    with pytest.raises(IsADirectoryError, match=r"path cannot be written: .*is a folder"):
        made.save(tmp_path)
    assert not list(tmp_path.iterdir())


# ---- the sheet -----------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("samples", [1, 2])
def test_the_sheets_equations_hold(language: str, samples: int) -> None:
    model, x, y = classifier(units=4, samples=samples)
    model.fit(x, y, epochs=2, verbose=0)
    held = 0
    explained = model.explain(x, y)
    model.compile("sgd", "mse")
    for made in (worked(), explained, model.explain(x, np.eye(3)[y])):
        for parts in equations(made.to_latex(language)):
            values = [value_of(part) for part in parts if numeric(part)]
            assert values, parts
            for value in values:
                assert value == pytest.approx(values[-1], rel=1e-3, abs=2e-6), parts
            held += len(values) > 1
    assert held > 200


def test_what_the_sheet_asks_for_can_be_calculated() -> None:
    model, x, y = classifier(units=4, samples=4)
    made = model.explain(x, y)
    sheet = made.to_latex("id")
    given, rest = sheet.split("subsection*{Soal}")
    for n in range(4):
        assert f"Sampel {n}" in given
        assert rf"x = {tex(x[n, 0].astype('f4'))},\;" in given and f"$y = {y[n]}$" in given
    assert "Hitung gradien" in rest
    of_weights = [
        parts for parts in equations(rest) if parts[0].startswith(r"\frac{\partial L}{\partial w")
    ]
    assert len(of_weights) == 4 * 4 + 4 * 3 and all(len(parts) == 3 for parts in of_weights)
    # Of a larger batch nothing is asked for that one sample does not tell.
    many = classifier(units=4, samples=5)
    sheet = many[0].explain(*many[1:]).to_latex("id", sample=3)
    assert "batch berisi 5 sampel, yang dihitung adalah sampel 3" in sheet
    assert "Hitung gradien" not in sheet and "Hitung galat" in sheet


def test_targets_of_several_outputs_are_given() -> None:
    given = ODD["graph"]().to_latex().split("subsection*{Exercises}")[0]
    assert r"$y_\text{first} = 1$" in given and r"$y_\text{second} = 1,\; 1$" in given


def test_the_sheet_asks_in_its_language_and_answers() -> None:
    sheet = worked().to_latex("id")
    assert sheet.index("Soal") < sheet.index("Penyelesaian") < sheet.index("0.593270".rstrip("0"))
    for word in ("bobot", "galat", "laju pembelajaran", "Propagasi maju", "SGD(learning"):
        assert word in sheet
    for number in ("0.298371", "0.280471", "0.082167", "0.000438568"):
        assert number in sheet


@pytest.fixture(scope="module")
def pdflatex() -> str:
    found, finder = shutil.which("pdflatex"), shutil.which("kpsewhich")
    if (
        found
        and finder
        and subprocess.run([finder, "tikz.sty"], capture_output=True, timeout=60).stdout
    ):
        return found
    pytest.skip("needs pdflatex with TikZ")


@pytest.mark.latex
@pytest.mark.parametrize(
    "name",
    mostly_slow(
        ["worked", "classifier", "constrained", "xor", *ODD], ["constrained", "graph", "own"]
    ),
)
def test_the_sheet_compiles(name: str, pdflatex: str, tmp_path: Path) -> None:
    if name == "classifier":
        model, x, y = classifier()
        made = model.explain(x, y)
    elif name == "xor":
        model = md.Model([D(2, "tanh"), D(1, "sigmoid")], input_shape=(2,), seed=0)
        made = model.explain([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0], "binary_crossentropy")
    elif name == "constrained":
        layer = {"kernel_constraint": CONSTRAINTS[4], "kernel_regularizer": "l1_l2"}
        _, made, _, _ = held(optimizers.Nadam(0.1, global_clipnorm=0.05, use_ema=True), 3, **layer)
    else:
        made = worked() if name == "worked" else ODD[name]()
    (tmp_path / "sheet.tex").write_text(made.to_latex("id"), encoding="utf-8")
    command = [pdflatex, "-interaction=nonstopmode", "-halt-on-error", "sheet.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "Overfull" not in done.stdout and "Missing character" not in done.stdout
