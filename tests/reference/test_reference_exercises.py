"""Exercises: what is right passes, in lists or arrays; what is wrong gets the hint for it."""

from math import exp

import numpy as np
import pytest
from mundur import reference
from mundur.reference import check, exercises

RIGHT = {
    "forward": lambda x, W, b: 1 / (1 + np.exp(-(np.array(x) @ np.array(W) + b))),
    "loss": lambda t, y: 0.5 * np.sum((np.array(y) - t) ** 2),
    "delta_output": lambda t, y: (np.array(y) - t) * y * (1 - np.array(y)),
    "delta_hidden": lambda d, W, a: np.array(a) * (1 - np.array(a)) * (np.array(W) @ d),
    "gradients": lambda x, d: (np.outer(x, d), np.array(d)),
    "update": lambda w, g, eta: np.array(w) - eta * np.array(g),
}


@pytest.mark.parametrize("name", exercises.NAMES)
def test_arrays_and_lists_are_right(name):
    assert set(RIGHT) == set(exercises.NAMES)
    assert exercises.grade(name, RIGHT[name]) == f"{name}: right"
    assert exercises.grade(name, RIGHT[name], language="id") == f"{name}: benar"
    lists = exercises.grade(name, lambda *given: exercises.plain(RIGHT[name](*given)))
    assert lists == f"{name}: right"


def wrong_shape(x, W, b):
    return [[1 / (1 + exp(-b_j)) for b_j in b]]


def changes_its_input(w, g, eta):
    for row, slopes in zip(w, g, strict=True):
        for j, slope in enumerate(slopes):
            row[j] -= eta * slope
    return w


MISTAKES = [
    ("forward", lambda x, W, b: np.array(x) @ W + b, "the activation is missing"),
    ("forward", lambda x, W, b: 1 / (1 + np.exp(-(np.array(x) @ W))), "the bias is missing"),
    ("forward", wrong_shape, r"shape \(4,\); got \(1, 4\)"),
    ("forward", lambda x, W, b: None, "still to be written"),
    ("forward", lambda x, W: x, "raised TypeError"),
    ("forward", lambda x, W, b: {}, r"shape \(4,\); got dict"),
    ("forward", lambda x, W, b: [float("nan")] * 4, r"\[nan, nan, nan, nan\] instead of"),
    (
        "forward",
        lambda *given: [*RIGHT["forward"](*given)[:3], float("nan")],
        r", nan\] instead of",
    ),
    ("forward", lambda x, W, b: [], r"shape \(4,\); got \(0,\)"),
    ("loss", lambda t, y: np.sum((np.array(y) - t) ** 2), "the ½ is missing"),
    ("loss", lambda t, y: [], r"shape \(\); got \(0,\)"),
    ("loss", lambda t, y: np.mean((np.array(y) - t) ** 2) / 2, "a mean over the outputs"),
    ("delta_output", lambda t, y: np.array(y) - t, "by the chain rule"),
    ("delta_output", lambda t, y: -RIGHT["delta_output"](t, y), "the sign is wrong"),
    ("delta_hidden", lambda d, W, a: np.array(W) @ d, "that is ∂E/∂a"),
    (
        "delta_hidden",
        lambda d, W, a: np.array(a) * (1 - np.array(a)) * np.array(W).sum(1),
        "the δ of the layer behind is missing",
    ),
    ("gradients", lambda x, d: (np.outer(d, x), d), "rows and columns are exchanged"),
    ("gradients", lambda x, d: np.outer(x, d), "return both"),
    ("update", lambda w, g, eta: np.array(w) + eta * np.array(g), "uphill"),
    ("update", lambda w, g, eta: np.array(w) - np.array(g), "the learning rate is missing"),
    ("update", changes_its_input, "must leave what it is given"),
]


@pytest.mark.parametrize(("name", "function", "hint"), MISTAKES)
def test_mistakes_get_a_hint(name, function, hint):
    with pytest.raises(AssertionError, match=hint):
        exercises.grade(name, function)
    with pytest.raises(AssertionError) as caught:
        exercises.grade(name, function, language="id")
    assert not any(word in str(caught.value) for word in (" the ", " is missing", "instead of"))


def test_slopes_are_those_of_central_differences():
    """Not of a solution: another way to the same slope is as right."""
    n = exercises.drawn(0)
    delta = exercises.delta_output(n).right
    assert RIGHT["delta_output"](n.t, exercises.outputs(n)) == pytest.approx(delta, rel=1e-8)
    assert exercises.gradients(n).right[1] == pytest.approx(
        exercises.delta_hidden(n).right, rel=1e-7
    )


def test_what_is_no_number_differs_wherever_it_stands():
    for values in ([1.0, float("nan")], [float("nan"), 1.0]):
        assert not check.difference(values, [1.0, 1.0]) < 1e9
        assert not check.difference([1.0, 1.0], values) < 1e9


def test_no_name_of_the_exercises_is_a_module_beside_them():
    assert not {*exercises.__all__} & {*reference.__all__}
    assert reference.exercises is exercises


def test_what_cannot_be_asked():
    with pytest.raises(ValueError, match="name must be one of forward, loss"):
        exercises.grade("backward", RIGHT["loss"])
    with pytest.raises(ValueError, match="language must be"):
        exercises.grade("loss", RIGHT["loss"], language="de")
    with pytest.raises(TypeError, match="function must be callable; got int"):
        exercises.grade("loss", 3)
