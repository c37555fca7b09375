"""Optimizers: single steps on paper, and the minima of a parabola and Rosenbrock's valley."""

import math
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mundur.reference import optimizers
from mundur.reference.optimizers import SGD, Adam


def parabola(w):
    """(w₁ − 3)² + 10 (w₂ + 1)²: least, 0, at (3, −1)."""
    return [2 * (w[0] - 3), 20 * (w[1] + 1)]


def rosenbrock(w):
    """(1 − w₁)² + 100 (w₂ − w₁²)²: a bent valley, least, 0, at (1, 1)."""
    slope = 200 * (w[1] - w[0] ** 2)
    return [-2 * (1 - w[0]) - 2 * w[0] * slope, slope]


def descend(optimizer, gradient, start, steps):
    w = list(start)
    for _ in range(steps):
        optimizer.step(SimpleNamespace(parameters={"w": w}, gradients={"w": gradient(w)}))
    return w


@pytest.mark.parametrize(
    "optimizer",
    [SGD(0.04), SGD(0.01, momentum=0.9), SGD(0.01, momentum=0.9, nesterov=True), Adam(0.05)],
    ids=repr,
)
def test_parabola(optimizer):
    assert descend(optimizer, parabola, [-2.0, 2.0], 1000) == pytest.approx([3, -1], abs=1e-6)


@pytest.mark.parametrize(
    ("optimizer", "steps"),
    [
        (SGD(1e-3), 30_000),
        (SGD(5e-4, momentum=0.9), 10_000),
        (SGD(5e-4, momentum=0.9, nesterov=True), 10_000),
        (Adam(0.02), 10_000),
    ],
    ids=repr,
)
def test_rosenbrock(optimizer, steps):
    assert descend(optimizer, rosenbrock, [-1.2, 1.0], steps) == pytest.approx([1, 1], abs=1e-3)


def steps_of(optimizer, gradients, w=1.0):
    """The weight after each of these gradients."""
    weights, seen = [w], []
    for g in gradients:
        optimizer.step(SimpleNamespace(parameters={"w": weights}, gradients={"w": [g]}))
        seen.append(weights[0])
    return seen


def test_plain_steps_on_paper():
    assert steps_of(SGD(0.5), [1.0, -2.0]) == [0.5, 1.5]


def test_momentum_on_paper():
    # v = 1, 0.5·1 + 2 = 2.5, 0.5·2.5 + 0 = 1.25
    assert steps_of(SGD(0.5, momentum=0.5), [1.0, 2.0, 0.0]) == [0.5, -0.75, -1.375]


def test_nesterov_on_paper():
    # v as above; directions 1 + 0.5·1 = 1.5, 2 + 0.5·2.5 = 3.25, 0 + 0.5·1.25 = 0.625
    nesterov = SGD(0.5, momentum=0.5, nesterov=True)
    assert steps_of(nesterov, [1.0, 2.0, 0.0]) == [0.25, -1.375, -1.6875]


def test_nesterov_without_momentum_is_plain():
    assert steps_of(SGD(0.1, nesterov=True), [1.0, 2.0]) == steps_of(SGD(0.1), [1.0, 2.0])


def test_adam_on_paper():
    """Algorithm 1 with its sums and powers written out, not as running values."""
    gradients, beta_1, beta_2, eta, epsilon = [0.5, -1.0, 0.25], 0.8, 0.9, 0.1, 1e-3
    w, expected = 1.0, []
    for t in range(1, 4):
        seen = list(enumerate(gradients[:t], 1))
        m = (1 - beta_1) * sum(beta_1 ** (t - i) * g for i, g in seen)
        v = (1 - beta_2) * sum(beta_2 ** (t - i) * g**2 for i, g in seen)
        w -= eta * (m / (1 - beta_1**t)) / (math.sqrt(v / (1 - beta_2**t)) + epsilon)
        expected.append(w)
    adam = Adam(eta, beta_1, beta_2, epsilon)
    assert steps_of(adam, gradients) == pytest.approx(expected, rel=1e-14)


@settings(deadline=None, max_examples=30)
@given(st.floats(1e-3, 1e6), st.sampled_from([1.0, -1.0]))
def test_adam_steps_do_not_depend_on_the_scale(size, sign):
    [w] = steps_of(Adam(0.25), [sign * size])
    assert w == pytest.approx(1 - 0.25 * sign, abs=1e-5)


def test_adam_epsilon_stands_outside_the_root():
    [w] = steps_of(Adam(1.0, epsilon=1.0), [1.0])
    assert w == pytest.approx(1 - 1 / (1 + 1))
    assert steps_of(Adam(1.0), [0.0]) == [1.0]


def test_defaults():
    assert repr(SGD()) == "SGD(learning_rate=0.01, momentum=0.0, nesterov=False)"
    assert (
        repr(Adam())
        == "Adam(learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-08, amsgrad=False)"
    )


def test_each_weight_has_its_own_state_and_keeps_its_list():
    optimizer = SGD(1.0, momentum=0.5)
    kernel, bias = [[1.0, 2.0], [3.0, 4.0]], [5.0]
    parameters = {"a/kernel": kernel, "a/bias": bias}
    optimizer.step(
        SimpleNamespace(
            parameters=parameters, gradients={"a/kernel": [[1, 0], [0, 2]], "a/bias": [1]}
        )
    )
    # Frozen for one step: neither the weight nor its velocity moves.
    optimizer.step(SimpleNamespace(parameters=parameters, gradients={"a/kernel": [[0, 0], [0, 0]]}))
    assert (kernel, bias) == ([[-0.5, 2.0], [3.0, 1.0]], [4.0])
    assert optimizer.state["a/bias"] == {"velocity": [1.0]}


def test_the_learning_rate_may_change():
    optimizer = SGD(1.0, momentum=0.5)
    weights = [0.0]
    for rate in (1.0, 0.1):
        optimizer.learning_rate = rate
        optimizer.step(SimpleNamespace(parameters={"w": weights}, gradients={"w": [1.0]}))
    assert weights == pytest.approx([-1.0 - 0.1 * 1.5])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGD(-0.1), "learning_rate"),
        (lambda: SGD(math.nan), "learning_rate"),
        (lambda: Adam(math.inf), "learning_rate"),
        (lambda: SGD(momentum=1.1), "momentum"),
        (lambda: SGD(momentum=-0.1), "momentum"),
        (lambda: Adam(beta_1=1.0), "beta_1"),
        (lambda: Adam(beta_2=math.nan), "beta_2"),
        (lambda: Adam(epsilon=0.0), "epsilon"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=f"{message} must be"):
        make()


def test_repr_can_be_pasted_back():
    for optimizer in (SGD(0.5, 0.9, True), Adam(0.1, 0.8, 0.99, 1e-7)):
        assert repr(eval(repr(optimizer), vars(optimizers))) == repr(optimizer)


@pytest.mark.parametrize(
    "make",
    [
        lambda: SGD("0.1"),
        lambda: SGD(momentum="0.9"),
        lambda: Adam(beta_1=None),
        lambda: Adam(epsilon="tiny"),
    ],
)
def test_numbers_must_be_numbers(make):
    with pytest.raises(TypeError, match="must be a number; got"):
        make()
