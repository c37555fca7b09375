"""f and f′: values known on paper, laws, and the edges where a careless formula overflows."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mundur.reference import activations

quick = settings(deadline=None, max_examples=30)
scores = st.floats(-30, 30)
score_rows = st.lists(scores, min_size=1, max_size=6)


@pytest.mark.parametrize(
    ("name", "z", "a"),
    [
        ("linear", [-2.0, 0.0, 3.0], [-2.0, 0.0, 3.0]),
        ("relu", [-2.0, 0.0, 3.0], [0.0, 0.0, 3.0]),
        ("sigmoid", [0.0, math.log(3), -math.log(3)], [0.5, 0.75, 0.25]),
        ("tanh", [0.0, math.log(3), -math.log(3)], [0.0, 0.8, -0.8]),
        ("softmax", [0.0, math.log(2), math.log(5)], [0.125, 0.25, 0.625]),
        ("log_softmax", [0.0, math.log(7)], [-math.log(8), math.log(7 / 8)]),
        ("leaky_relu", [-2.0, 0.0, 3.0], [-0.4, 0.0, 3.0]),
        ("relu6", [-2.0, 3.0, 9.0], [0.0, 3.0, 6.0]),
        ("elu", [-math.log(4), 0.0, 3.0], [-0.75, 0.0, 3.0]),
        ("selu", [-1e3, 0.0, 2.0], [-1.7580993408473766, 0.0, 2.101401974710961]),
        ("gelu", [0.0, math.sqrt(2)], [0.0, (1 + math.erf(1)) / math.sqrt(2)]),
        ("gelu_tanh", [0.0, 1.0], [0.0, 0.8411919906082768]),
        ("silu", [math.log(3), -math.log(3)], [0.75 * math.log(3), -0.25 * math.log(3)]),
        ("mish", [0.0, math.log(2)], [0.0, 0.8 * math.log(2)]),
        ("softplus", [0.0, math.log(3)], [math.log(2), math.log(4)]),
        ("softsign", [-3.0, 0.0, 1.0], [-0.75, 0.0, 0.5]),
        ("hard_sigmoid", [-4.0, 0.0, 1.5, 4.0], [0.0, 0.5, 0.75, 1.0]),
        ("hard_silu", [-4.0, -1.5, 4.0], [0.0, -0.375, 4.0]),
        ("exponential", [0.0, math.log(3)], [1.0, 3.0]),
    ],
)
def test_values_known_on_paper(name, z, a):
    assert activations.get(name)(z) == pytest.approx(a, rel=1e-15, abs=1e-15)


@pytest.mark.parametrize(
    ("name", "z", "slope"),
    [
        ("linear", -2.0, 1.0),
        ("relu", -2.0, 0.0),
        ("relu", 0.0, 0.0),
        ("relu", 2.0, 1.0),
        ("sigmoid", math.log(3), 0.1875),
        ("tanh", math.log(3), 0.36),
    ],
)
def test_slopes_known_on_paper(name, z, slope):
    assert activations.get(name).backward([10.0], [z]) == pytest.approx([10 * slope])


def test_relu_lets_nan_through_and_gives_positive_zero():
    [kept, zero] = activations.get("relu")([math.nan, -0.0])
    assert math.isnan(kept)
    assert math.copysign(1.0, zero) == 1.0


@pytest.mark.parametrize("name", [name for name in activations.KNOWN if name != "exponential"])
def test_huge_scores_stay_finite(name):
    f, z = activations.get(name), [1e9, -1e9, 0.0]
    assert all(map(math.isfinite, f(z) + f.backward([1.0, 1.0, 1.0], z)))


@quick
@given(scores)
def test_sigmoid_is_a_shifted_tanh_and_symmetric(z):
    assert activations.sigmoid(z) == pytest.approx((1 + math.tanh(z / 2)) / 2, rel=1e-12, abs=1e-15)
    assert activations.sigmoid(-z) == pytest.approx(1 - activations.sigmoid(z), abs=1e-15)


@quick
@given(score_rows)
def test_softmax_sums_to_one(z):
    assert sum(activations.Softmax()(z)) == pytest.approx(1, rel=1e-14)


@quick
@given(score_rows, st.floats(-1e3, 1e3))
def test_softmax_ignores_an_offset(z, offset):
    softmax = activations.Softmax()
    assert softmax([z_j + offset for z_j in z]) == pytest.approx(softmax(z), rel=1e-11)


@quick
@given(score_rows, st.floats(-10, 10))
def test_softmax_backward_ignores_an_offset_of_the_gradient_and_sums_to_zero(z, offset):
    softmax = activations.Softmax()
    gradient = [math.sin(j + 1) for j in range(len(z))]
    delta = softmax.backward(gradient, z)
    assert sum(delta) == pytest.approx(0, abs=1e-14)
    moved = softmax.backward([g + offset for g in gradient], z)
    assert moved == pytest.approx(delta, abs=1e-13)


@quick
@given(scores)
def test_softmax_of_two_is_sigmoid_of_the_difference(z):
    assert activations.Softmax()([z, 0.0])[0] == pytest.approx(activations.sigmoid(z), rel=1e-13)


def test_a_pair_of_functions_is_an_activation():
    cube = activations.get((lambda z: z**3, lambda z: 3 * z**2))
    assert cube([2.0]) == [8.0]
    assert cube.backward([0.5], [2.0]) == [6.0]


def test_unknown_names_are_answered_with_known_ones():
    with pytest.raises(
        ValueError, match=r"unknown activation 'sigmoids'; did you mean 'sigmoid'.*tanh"
    ):
        activations.get("sigmoids")
    with pytest.raises(TypeError, match=r"must be a name .*tanh\) or a pair of functions; got 3"):
        activations.get(3)
