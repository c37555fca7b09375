"""Layers: central differences prove every backward, laws and values the forward."""

import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mundur.reference import activations, initializers, layers
from mundur.reference.check import check_backward
from mundur.reference.lists import filled, flatten, shape

ACTIVATIONS = list(activations.KNOWN)
SIZES = st.integers(1, 4)


def random_list(of_shape, seed=0, low=-2.0, high=2.0):
    """Random numbers, none of them within 0.01 of 0, where ReLU has its kink."""
    rng = Random(seed)

    def draw():
        while abs(value := rng.uniform(low, high)) < 0.01:
            pass
        return value

    return filled(of_shape, draw)


def built(layer, sample_shape, seed=0):
    layer.build(sample_shape, Random(seed))
    return layer


def assert_proven(differences, *names):
    assert set(differences) == {"x", *names}
    assert max(differences.values()) < 1e-7, differences


class TestDense:
    def test_forward_on_paper(self):
        kernel = [[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]]
        layer = layers.Dense(3, kernel_initializer=kernel, bias_initializer=[0.5, 0.25, 0.125])
        layer.build((2,))
        assert layer.forward([[1.0, 1.0], [2.0, 0.0]]) == [
            [11.5, 22.25, 33.125],
            [2.5, 4.25, 6.125],
        ]

    def test_backward_on_paper(self):
        layer = built(layers.Dense(2, kernel_initializer=[[1.0, 2.0], [10.0, 20.0]]), (2,))
        layer.forward([[3.0, 4.0], [5.0, 6.0]])
        assert layer.backward([[1.0, 0.0], [0.0, 1.0]]) == [[1.0, 10.0], [2.0, 20.0]]
        assert layer.gradients == {"kernel": [[3.0, 5.0], [4.0, 6.0]], "bias": [1.0, 1.0]}

    @pytest.mark.parametrize("use_bias", [True, False])
    @pytest.mark.parametrize("activation", ACTIVATIONS)
    def test_gradients(self, activation, use_bias):
        layer = layers.Dense(3, activation, use_bias, bias_initializer="random_normal")
        x = random_list((4, 5), seed=3)
        names = ["kernel", "bias"] if use_bias else ["kernel"]
        assert_proven(check_backward(built(layer, (5,)), x), *names)

    @settings(deadline=None, max_examples=20)
    @given(SIZES, SIZES, SIZES, st.sampled_from(["linear", "sigmoid", "tanh", "softmax"]))
    def test_gradients_of_any_shape(self, batch, inputs, units, activation):
        layer = built(layers.Dense(units, activation), (inputs,), seed=units)
        x = random_list((batch, inputs))
        differences = check_backward(layer, x)
        if (activation, units) == ("softmax", 1):
            # It is 1 whatever the weights. Zeros have no relative difference.
            assert flatten([layer.gradients["kernel"], layer.delta]) == [0.0] * (inputs + batch)
        else:
            assert_proven(differences, "kernel", "bias")

    def test_a_custom_activation_has_gradients_too(self):
        layer = built(layers.Dense(3, (math.sin, math.cos)), (2,))
        assert_proven(check_backward(layer, random_list((4, 2))), "kernel", "bias")

    def test_a_wrong_derivative_is_found_out(self):
        layer = built(layers.Dense(3, (math.sin, lambda z: math.cos(z) + 1e-5)), (2,))
        assert max(check_backward(layer, random_list((4, 2))).values()) > 1e-6

    @settings(deadline=None, max_examples=20)
    @given(st.floats(-5, 5), st.floats(-5, 5))
    def test_without_activation_it_is_linear(self, p, q):
        layer = built(layers.Dense(3, use_bias=False), (2,))
        u, v = [0.3, -0.7], [1.1, 0.2]
        [f_u, f_v, f_both] = layer.forward(
            [u, v, [p * u_i + q * v_i for u_i, v_i in zip(u, v, strict=True)]]
        )
        sums = [p * a + q * b for a, b in zip(f_u, f_v, strict=True)]
        assert f_both == pytest.approx(sums, rel=1e-12, abs=1e-12)

    def test_gradients_of_a_batch_are_sums_over_its_samples(self):
        layer, x = built(layers.Dense(2, "tanh"), (3,)), random_list((4, 3))
        g = random_list((4, 2), seed=1)
        layer.forward(x)
        layer.backward(g)
        whole = flatten(layer.gradients["kernel"]) + layer.gradients["bias"]
        total = [0.0] * len(whole)
        for x_n, g_n in zip(x, g, strict=True):
            layer.forward([x_n])
            layer.backward([g_n])
            parts = flatten(layer.gradients["kernel"]) + layer.gradients["bias"]
            total = [t + p for t, p in zip(total, parts, strict=True)]
        assert total == pytest.approx(whole, rel=1e-13)

    def test_frozen_parameters_get_no_gradient(self):
        layer = built(layers.Dense(2), (3,))
        layer.frozen = {"bias"}
        assert_proven(check_backward(layer, random_list((4, 3))), "kernel")
        layer.trainable = False
        assert_proven(check_backward(layer, random_list((4, 3))))

    def test_first_values(self):
        layer = built(layers.Dense(3), (2,))
        assert shape(layer.parameters["kernel"]) == (2, 3)
        assert len(set(flatten(layer.parameters["kernel"]))) == 6
        assert layer.parameters["bias"] == [0.0, 0.0, 0.0]
        assert "bias" not in built(layers.Dense(3, use_bias=False), (2,)).parameters


@pytest.mark.parametrize("sample_shape", [(3,), (2, 3), (2, 2, 3)])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activation_gradients(activation, sample_shape):
    layer = built(layers.Activation(activation), sample_shape)
    assert layer.output_shape == sample_shape
    assert_proven(check_backward(layer, random_list((2, *sample_shape))))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activation_layer_equals_dense_with_that_activation(activation):
    dense, plain = built(layers.Dense(3, activation), (2,)), built(layers.Dense(3), (2,))
    layer = built(layers.Activation(activation), (3,))
    x, g = random_list((4, 2)), random_list((4, 3))
    assert layer.forward(plain.forward(x)) == dense.forward(x)
    assert plain.backward(layer.backward(g)) == dense.backward(g)
    assert plain.gradients == dense.gradients


class TestDropout:
    def test_a_given_mask_is_used_forward_and_backward(self):
        layer = built(layers.Dropout(0.75), (2, 2))
        layer.fixed_mask = [[[1, 0], [0, 1]]]
        assert layer.forward([[[1.0, 2.0], [3.0, 4.0]]], training=True) == [
            [[4.0, 0.0], [0.0, 16.0]]
        ]
        assert layer.backward([[[1.0, 1.0], [1.0, 1.0]]]) == [[[4.0, 0.0], [0.0, 4.0]]]

    @pytest.mark.parametrize("rate", [0.0, 0.3, 0.9])
    def test_gradients(self, rate):
        layer = built(layers.Dropout(rate), (3,))
        layer.fixed_mask = [[1, 0, 1], [0, 0, 1]]
        assert_proven(check_backward(layer, random_list((2, 3)), training=True))

    def test_nothing_is_dropped_outside_of_training(self):
        layer, x = built(layers.Dropout(0.9), (50,)), random_list((1, 50))
        layer.forward(x, training=True)
        assert layer.forward(x) == x
        assert layer.backward(x) == x
        assert_proven(check_backward(layer, x))

    def test_drawn_masks_keep_the_expected_value(self):
        layer = built(layers.Dropout(0.25), (20_000,))
        [y] = layer.forward([[1.0] * 20_000], training=True)
        assert set(y) == {0.0, 1 / 0.75}
        assert sum(y) / len(y) == pytest.approx(1, abs=0.02)

    def test_each_forward_draws_anew_and_seeds_repeat(self):
        x = [[1.0] * 40]
        one, same = (built(layers.Dropout(0.5), (40,), seed=7) for _ in range(2))
        first, second = (one.forward(x, training=True) for _ in range(2))
        assert first != second
        assert same.forward(x, training=True) == first
        assert built(layers.Dropout(0.5), (40,), seed=8).forward(x, training=True) != first

    def test_a_rate_of_0_keeps_everything(self):
        x = [[1.0, 2.0]]
        assert built(layers.Dropout(0), (2,)).forward(x, training=True) == x

    @pytest.mark.parametrize("rate", [-0.1, 1, 1.1, math.nan])
    def test_bad_rates(self, rate):
        with pytest.raises(ValueError, match="rate must be"):
            layers.Dropout(rate)

    @pytest.mark.parametrize(
        "make",
        [
            lambda: layers.Dropout("0.5"),
            lambda: layers.Dense("10"),
            lambda: layers.Dense(2.5),
            lambda: layers.Rescaling("1"),
        ],
    )
    def test_numbers_must_be_numbers(self, make):
        with pytest.raises(TypeError, match=r"must be an? (number|integer); got"):
            make()

    def test_a_mask_of_another_shape(self):
        layer = built(layers.Dropout(0.5), (2,))
        layer.fixed_mask = [[1, 1, 1]]
        with pytest.raises(ValueError, match=r"fixed_mask must have shape \(1, 2\); got \(1, 3\)"):
            layer.forward([[1.0, 2.0]], training=True)


@settings(deadline=None, max_examples=20)
@given(st.lists(SIZES, min_size=0, max_size=3).map(tuple))
def test_flatten_of_any_shape(sample_shape):
    layer, x = built(layers.Flatten(), sample_shape), random_list((2, *sample_shape))
    y = layer.forward(x)
    assert shape(y) == (2, *layer.output_shape)
    assert [value for row in y for value in row] == flatten(x)
    assert layer.backward(y) == x
    assert_proven(check_backward(layer, x))


@pytest.mark.parametrize("sample_shape", [(3,), (2, 3)])
def test_rescaling(sample_shape):
    layer, x = (
        built(layers.Rescaling(2.0, offset=-1.0), sample_shape),
        random_list((2, *sample_shape)),
    )
    assert flatten(layer.forward(x)) == [2 * value - 1 for value in flatten(x)]
    assert_proven(check_backward(layer, x))


ANY_LAYER = [
    layers.Dense(3),
    layers.Activation("tanh"),
    layers.Dropout(0.5),
    layers.Flatten(),
    layers.Rescaling(0.5),
    layers.BatchNormalization(),
    layers.LayerNormalization(),
    layers.GaussianNoise(0.5),
    layers.GaussianDropout(0.5),
    layers.AlphaDropout(0.5),
]


@pytest.mark.parametrize("layer", ANY_LAYER, ids=repr)
class TestBadInput:
    def test_forward_before_build(self, layer):
        layer.input_shape = None
        with pytest.raises(RuntimeError, match=r"call build\(input_shape\) before forward"):
            layer.forward([[1.0, 2.0]])

    @pytest.mark.parametrize("x", [[[1.0, 2.0]], [1.0, 2.0, 3.0], [], [[[1.0, 2.0, 3.0]]]])
    def test_input_of_another_shape(self, layer, x):
        layer.build((3,))
        with pytest.raises(ValueError, match=r": x must have shape \(any, 3\)"):
            layer.forward(x)

    def test_ragged_input(self, layer):
        layer.build((3,))
        with pytest.raises(ValueError, match=r"element 0 has shape \(3,\), element 1 has shape"):
            layer.forward([[1.0, 2.0, 3.0], [1.0, 2.0]])

    def test_gradient_of_another_shape(self, layer):
        layer.build((3,))
        layer.forward([[1.0, 2.0, 3.0]])
        with pytest.raises(ValueError, match=r": ∂L/∂a must have shape \(1, 3\)"):
            layer.backward([[1.0, 2.0]])


@pytest.mark.parametrize("layer", ANY_LAYER, ids=repr)
def test_backward_before_forward(layer):
    fresh = eval(repr(layer), vars(layers))  # repr can be pasted back
    assert repr(fresh) == repr(layer)
    fresh.build((3,))
    with pytest.raises(RuntimeError, match="call forward before backward"):
        fresh.backward([[1.0, 2.0, 3.0]])


def test_bad_arguments():
    with pytest.raises(ValueError, match="units must be >= 1; got 0"):
        layers.Dense(0)
    with pytest.raises(
        ValueError, match=r"dense: samples must have shape \(..., inputs\), got \(\)"
    ):
        layers.Dense(2).build(())
    with pytest.raises(ValueError, match="unknown activation"):
        layers.Dense(2, "rleu")
    with pytest.raises(ValueError, match="initial values must have the parameter's shape"):
        layers.Dense(2, kernel_initializer=[[1.0, 2.0, 3.0]]).build((1,))
    with pytest.raises(ValueError, match="unknown kernel_initializer 'glorot'"):
        layers.Dense(2, kernel_initializer="glorot")


class TestInitializers:
    @pytest.mark.parametrize(
        ("initializer", "variance", "bound"),
        [
            ("glorot_uniform", 2 / 300, math.sqrt(6 / 300)),
            ("glorot_normal", 2 / 300, math.inf),
            ("he_uniform", 2 / 100, math.sqrt(6 / 100)),
            ("he_normal", 2 / 100, math.inf),
            ("random_uniform", 0.05**2 / 3, 0.05),
            ("random_normal", 0.05**2, math.inf),
            ("lecun_uniform", 1 / 100, math.sqrt(3 / 100)),
            ("lecun_normal", 1 / 100, math.inf),
            ("truncated_normal", (0.05 * 0.8796) ** 2, 0.1),
            ("variance_scaling", 1 / 100, 2 * 0.1 / 0.8796),
            (initializers.VarianceScaling(3, "fan_out", "uniform"), 3 / 200, 3 / math.sqrt(200)),
            (initializers.VarianceScaling(1, "fan_avg", "untruncated_normal"), 1 / 150, math.inf),
        ],
    )
    def test_moments(self, initializer, variance, bound):
        values = flatten(initializers.get(initializer)((100, 200), Random(0)))
        mean = sum(values) / len(values)
        assert abs(mean) < 5 * math.sqrt(variance / len(values))
        assert sum(v * v for v in values) / len(values) == pytest.approx(variance, rel=0.04)
        assert max(map(abs, values)) <= bound

    @pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4), (1, 3)])
    def test_orthogonal(self, shape):
        q = initializers.Orthogonal(2.0)(shape, Random(0))
        vectors = q if shape[0] < shape[1] else list(zip(*q, strict=True))
        for i, a in enumerate(vectors):
            for j, b in enumerate(vectors):
                product = sum(x * y for x, y in zip(a, b, strict=True))
                assert product == pytest.approx(4.0 if i == j else 0.0, abs=1e-12)

    def test_constants(self):
        assert initializers.Identity(2.0)((1, 2), Random(0)) == [[2.0, 0.0]]
        assert initializers.get("zeros")((2, 1), Random(0)) == [[0.0], [0.0]]
        assert initializers.get("ones")((2,), Random(0)) == [1.0, 1.0]
        assert initializers.Constant(0.25)((2,), Random(0)) == [0.25, 0.25]

    def test_given_values_are_copied(self):
        values = [[1.0, 2.0]]
        initializers.get(values)((1, 2), Random(0))[0][0] = 9.0
        assert values == [[1.0, 2.0]]

    def test_repr_can_be_pasted_back(self):
        for text in ("RandomNormal(mean=0.5, stddev=2.0)", "Zeros()", "Array(values=[1.0])"):
            assert repr(eval(text, vars(initializers))) == text

    def test_activations_repr(self):
        assert repr(layers.Dense(2, "relu")) == "Dense(units=2, activation='relu', use_bias=True)"
        assert activations.get(None).name == "linear"
