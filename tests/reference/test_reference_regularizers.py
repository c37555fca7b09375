"""Penalties and constraints: central differences prove the gradients, laws the constraints."""

import math
from random import Random

import pytest
from mundur.reference import Model, constraints, layers, losses, optimizers, regularizers
from mundur.reference.check import check_model, difference, numerical_gradient
from mundur.reference.lists import filled


def numbers(shape, seed=0):
    """None of them near 0, where |w| has its kink."""
    rng = Random(seed)
    return filled(shape, lambda: rng.choice([-1, 1]) * rng.uniform(0.1, 2.0))


REGULARIZERS = [
    regularizers.L1(0.3),
    regularizers.L2(0.2),
    regularizers.L1L2(0.3, 0.2),
]


def test_the_slope_at_a_nan_is_none():
    for nan in (math.nan, -math.nan):
        assert math.isnan(regularizers.L1(0.3).gradient([nan])[0])


@pytest.mark.parametrize("regularizer", REGULARIZERS, ids=repr)
@pytest.mark.parametrize("shape", [(3,), (2, 3)])
def test_a_penalty_has_its_gradient(regularizer, shape):
    w = numbers(shape)
    numerical = numerical_gradient(lambda: regularizer(w), w)
    assert difference(regularizer.gradient(w), numerical) < 1e-8


def test_values_on_paper():
    assert regularizers.L1(0.5)([1.0, -2.0]) == 1.5
    assert regularizers.L2(0.5)([[1.0], [-2.0]]) == 2.5
    assert regularizers.L1L2(0.5, 0.25)([1.0, -2.0]) == 2.75
    assert regularizers.L1(0.5).gradient([0.0, -3.0]) == [0.0, -0.5]
    names = {name: regularizers.get(name) for name in regularizers.KNOWN}
    assert {name: (r.l1, r.l2) for name, r in names.items()} == {
        "l1": (0.01, 0.0),
        "l2": (0.0, 0.01),
        "l1_l2": (0.01, 0.01),
    }


@pytest.mark.parametrize("regularizer", REGULARIZERS, ids=repr)
def test_a_model_learns_from_all_its_penalties(regularizer):
    chain = [
        layers.Dense(
            3,
            "tanh",
            bias_initializer="ones",
            kernel_regularizer=regularizer,
            activity_regularizer=regularizer,
        ),
        layers.ActivityRegularization(0.1, 0.2),
        layers.Dense(2, bias_initializer=[1.0, -1.0], bias_regularizer=regularizer),
        layers.Activation("sigmoid", activity_regularizer=regularizer),
    ]
    model = Model(chain, input_shape=(4,))
    x, y = numbers((5, 4), 1), filled((5, 2), lambda: 0.5)
    differences = check_model(model, x, y, losses.MeanSquaredError())
    assert len(differences) == 5
    assert max(differences.values()) < 1e-7, differences


def test_a_frozen_parameter_stays_in_the_loss_and_gets_no_gradient():
    model = Model([layers.Dense(1, kernel_initializer="ones", kernel_regularizer="l2")])
    model.build((3,))
    model.freeze("*/kernel")
    model.compile(optimizers.SGD(0.1), losses.MeanSquaredError())
    x, y = [[1.0, 1.0, 1.0]], [[3.0]]
    assert model.train_on_batch(x, y) == pytest.approx(0.03)
    assert model.evaluate(x, y) == pytest.approx(0.03)
    assert "dense/kernel" not in model.gradients
    assert model.parameters["dense/kernel"] == [[1.0], [1.0], [1.0]]


def test_a_bias_that_is_not_there_has_no_penalty():
    layer = layers.Dense(1, use_bias=False, kernel_initializer="ones", bias_regularizer="l2")
    model = Model([layer], input_shape=(2,))
    model.compile(optimizers.SGD(), losses.MeanSquaredError())
    assert model.penalty() == 0.0
    assert model.train_on_batch([[1.0, 2.0]], [[4.0]]) == 1.0


def test_the_loss_of_an_epoch_weighs_activities_by_samples():
    model = Model([layers.Activation("linear", activity_regularizer="l1")])
    model.compile(optimizers.SGD(0.1), losses.MeanSquaredError())
    x = [[1.0], [2.0], [6.0]]
    history = model.fit(x, x, batch_size=2, shuffle=False, sample_weight=[0.0, 1.0, 5.0])
    assert history["loss"] == [pytest.approx(0.01 * 3)]


CONSTRAINTS = [
    constraints.NonNeg(),
    constraints.MaxNorm(0.7),
    constraints.UnitNorm(axis=1),
    constraints.MinMaxNorm(0.5, 0.9),
]


@pytest.mark.parametrize("constraint", CONSTRAINTS, ids=repr)
def test_what_holds_is_kept(constraint):
    once = constraint(numbers((3, 4)))
    assert difference(constraint(once), once) < 1e-6


def norms(w, axis):
    vectors = w if axis == 1 else list(zip(*w, strict=True))
    return [math.sqrt(sum(w_i * w_i for w_i in vector)) for vector in vectors]


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_norms_are_limited_along_their_axis(axis):
    w = numbers((3, 4))
    side = axis % 2
    limited = norms(constraints.MaxNorm(1.5, axis)(w), side)
    assert limited == pytest.approx([min(n, 1.5) for n in norms(w, side)], rel=1e-6)
    assert norms(constraints.UnitNorm(axis)(w), side) == pytest.approx([1.0] * len(limited))
    halfway = norms(constraints.MinMaxNorm(0.0, 1.0, 0.5, axis)(w), side)
    wanted = [0.5 * min(n, 1.0) + 0.5 * n for n in norms(w, side)]
    assert halfway == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
def test_norms_of_three_axes(axis):
    """Those of a convolution's kernel."""
    w = numbers((2, 3, 4))
    limited = constraints.UnitNorm(axis)(w)
    along = [[3, 4], [2, 4], [2, 3]][axis]
    extent = (2, 3, 4)[axis]
    for place in ((i, j) for i in range(along[0]) for j in range(along[1])):
        vector = []
        for k in range(extent):
            at = list(place)
            at.insert(axis % 3, k)
            vector.append(limited[at[0]][at[1]][at[2]])
        assert math.hypot(*vector) == pytest.approx(1.0)


def test_zeros_stay_zeros():
    assert constraints.UnitNorm()([[0.0, 3.0], [0.0, 4.0]])[0][0] == 0.0


def test_a_constraint_follows_each_update():
    layer = layers.Dense(2, kernel_initializer="ones", kernel_constraint=constraints.UnitNorm())
    model = Model([layer], input_shape=(4,))
    model.compile(optimizers.SGD(0.1), losses.MeanSquaredError())
    model.train_on_batch(numbers((3, 4)), numbers((3, 2)))
    assert norms(model.parameters["dense/kernel"], 0) == pytest.approx([1.0, 1.0])
    assert max(map(abs, model.parameters["dense/bias"])) > 0


def test_unknown_names_and_bad_factors():
    with pytest.raises(ValueError, match=r"'l3' \(known: 'l1', 'l1_l2', 'l2'\)"):
        layers.Dense(1, kernel_regularizer="l3")
    with pytest.raises(ValueError, match="max_norm"):
        layers.Dense(1, kernel_constraint="norm")
    with pytest.raises(ValueError, match="l2 must be"):
        regularizers.L2(-1.0)
