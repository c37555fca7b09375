"""Normalisation and noise in the textbook: central differences prove every backward."""

import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mundur.reference import Model, layers
from mundur.reference.check import check_backward
from mundur.reference.lists import filled, flatten, shape, transpose

SIZES = st.integers(1, 4)


def random_list(of_shape, seed=0):
    rng = Random(seed)
    return filled(of_shape, lambda: rng.uniform(-2.0, 2.0))


def built(layer, sample_shape, seed=0):
    layer.build(sample_shape, Random(seed))
    return layer


def assert_proven(differences, *names):
    assert set(differences) == {"x", *names}
    assert max(differences.values()) < 1e-7, differences


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("kind", [layers.BatchNormalization, layers.LayerNormalization])
def test_gradients(kind, training, scale, center):
    layer = kind(
        center=center,
        scale=scale,
        beta_initializer="random_normal",
        gamma_initializer=[0.5, -1.5, 2.0],
    )
    names = ["gamma"] * scale + ["beta"] * center
    x = random_list((5, 3), seed=3)
    assert_proven(check_backward(built(layer, (3,)), x, training), *names)


@settings(deadline=None, max_examples=20)
@given(SIZES, SIZES, SIZES, st.booleans())
def test_gradients_of_sequences(batch, time, columns, training):
    # A large ε: rows of a few random numbers are at times so alike that differences see the curve.
    x = random_list((batch + 2, time, columns + 2))
    for layer in (layers.BatchNormalization(epsilon=0.1), layers.LayerNormalization(epsilon=0.1)):
        built(layer, (time, columns + 2))
        assert_proven(check_backward(layer, x, training), "gamma", "beta")
        assert shape(layer.a) == shape(x)


def test_batch_normalization_on_paper():
    layer = built(
        layers.BatchNormalization(
            momentum=0.75, epsilon=1e-9, beta_initializer=[10.0], gamma_initializer=[3.0]
        ),
        (1,),
    )
    # μ = 4, σ² = 4
    y = layer.forward([[2.0], [6.0]], training=True)
    assert flatten(y) == pytest.approx([7.0, 13.0], abs=1e-8)
    assert layer.state == {"moving_mean": [1.0], "moving_variance": [0.75 + 1.0]}
    y = layer.forward([[1.0], [1.0 + math.sqrt(1.75)]])
    assert flatten(y) == pytest.approx([10.0, 13.0], abs=1e-8)
    assert layer.state["moving_mean"] == [1.0]


@settings(deadline=None, max_examples=20)
@given(st.integers(2, 5), SIZES, st.floats(-100, 100))
def test_columns_have_mean_0_and_variance_1(batch, columns, offset):
    layer = built(layers.BatchNormalization(epsilon=1e-12), (columns,))
    x = random_list((batch, columns))
    shifted = [[v + offset for v in row] for row in x]
    y = layer.forward(shifted, training=True)
    for column in transpose(y):
        assert sum(column) / batch == pytest.approx(0, abs=1e-9)
        assert sum(v * v for v in column) / batch == pytest.approx(1, rel=1e-6)
    assert flatten(y) == pytest.approx(flatten(layer.forward(x, training=True)), abs=1e-6)


def test_a_batch_of_one_sample_yields_beta():
    layer = built(layers.BatchNormalization(beta_initializer=[1.0, 2.0]), (2,))
    assert layer.forward([[5.0, 7.0]], training=True) == [[1.0, 2.0]]
    assert layer.backward([[3.0, 4.0]]) == [[0.0, 0.0]]


@pytest.mark.parametrize("scale", [True, False])
def test_a_frozen_one_uses_and_keeps_its_moving_statistics(scale):
    model = Model([layers.BatchNormalization(center=scale, scale=scale)], input_shape=(2,))
    x = random_list((4, 2))
    model.layers[0].trainable = False
    assert model.forward(x, training=True) == model.forward(x)
    assert model.state["batch_normalization/moving_mean"] == [0.0, 0.0]
    assert_proven(check_backward(model, x, training=True))
    model.layers[0].trainable = True
    model.forward(x, training=True)
    assert model.state["batch_normalization/moving_mean"] != [0.0, 0.0]


def test_one_frozen_parameter_leaves_the_layer_learning():
    model = Model([layers.BatchNormalization()], input_shape=(2,))
    model.freeze("*/gamma")
    assert_proven(
        check_backward(model, random_list((4, 2)), training=True), "batch_normalization/beta"
    )


class TestResidual:
    def block(self):
        return layers.Residual(
            [
                layers.BatchNormalization(),
                layers.Dense(4, "tanh"),
                layers.Residual([layers.Dense(4, "sigmoid")]),
                layers.Dense(3),
            ]
        )

    @pytest.mark.parametrize("training", [True, False])
    def test_gradients(self, training):
        block = built(self.block(), (3,))
        assert_proven(check_backward(block, random_list((5, 3)), training), *block.parameters)
        assert list(block.parameters)[:3] == [
            "batch_normalization/gamma",
            "batch_normalization/beta",
            "dense/kernel",
        ]
        assert "residual/dense/bias" in block.parameters

    def test_what_is_frozen_of_it(self):
        model = Model([self.block()], input_shape=(3,))
        model.freeze("residual/batch_normalization/*")
        model.freeze("residual/residual/dense/kernel")
        model.forward(random_list((5, 3)), training=True)
        assert model.state["residual/batch_normalization/moving_mean"] == [0.0] * 3
        differences = check_backward(model, random_list((5, 3)), training=True)
        assert max(differences.values()) < 1e-7
        assert "residual/residual/dense/kernel" not in differences
        assert "residual/residual/dense/bias" in differences
        model.unfreeze("*")
        model.forward(random_list((5, 3)), training=True)
        assert model.state["residual/batch_normalization/moving_mean"] != [0.0] * 3

    def test_no_layers(self):
        with pytest.raises(ValueError, match="at least one"):
            layers.Residual([])


class TestNoise:
    def noise(self, of_shape):
        return random_list(of_shape, seed=9)

    @pytest.mark.parametrize("training", [True, False])
    @pytest.mark.parametrize(
        "layer", [layers.GaussianNoise(0.5), layers.GaussianDropout(0.5)], ids=repr
    )
    def test_gaussian_gradients(self, layer, training):
        built(layer, (2, 3))
        layer.fixed_noise = self.noise((2, 2, 3))
        assert_proven(check_backward(layer, random_list((2, 2, 3)), training))

    @pytest.mark.parametrize("rate", [0.0, 0.3, 0.9])
    @pytest.mark.parametrize("training", [True, False])
    def test_alpha_dropout_gradients(self, rate, training):
        layer = built(layers.AlphaDropout(rate), (3,))
        layer.fixed_mask = [[1, 0, 1], [0, 0, 1]]
        assert_proven(check_backward(layer, random_list((2, 3)), training))

    def test_drawn_moments(self):
        x = [[2.0] * 20_000]
        [added] = built(layers.GaussianNoise(0.5), (20_000,)).forward(x, training=True)
        [scaled] = built(layers.GaussianDropout(0.2), (20_000,)).forward(x, training=True)
        for y, variance in ((added, 0.25), (scaled, 4 * 0.2 / 0.8)):
            assert sum(y) / 20_000 == pytest.approx(2, abs=0.03)
            assert sum((v - 2) ** 2 for v in y) / 20_000 == pytest.approx(variance, rel=0.05)

    def test_alpha_dropout_keeps_mean_and_variance(self):
        rng = Random(4)
        x = [[rng.gauss(0, 1) for _ in range(40_000)]]
        [y] = built(layers.AlphaDropout(0.3), (40_000,)).forward(x, training=True)
        assert sum(y) / 40_000 == pytest.approx(0, abs=0.02)
        assert sum(v * v for v in y) / 40_000 == pytest.approx(1, abs=0.03)

    def test_noise_of_another_shape(self):
        layer = built(layers.GaussianNoise(0.5), (2,))
        layer.fixed_noise = [[1.0, 1.0, 1.0]]
        with pytest.raises(ValueError, match=r"fixed_noise must have shape \(1, 2\); got \(1, 3\)"):
            layer.forward([[1.0, 2.0]], training=True)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.BatchNormalization(momentum=2), "momentum must be"),
        (lambda: layers.BatchNormalization(epsilon=0), "epsilon must be"),
        (lambda: layers.LayerNormalization(epsilon=-1), "epsilon must be"),
        (lambda: layers.LayerNormalization().build(()), "samples must have shape"),
        (lambda: layers.GaussianNoise(-1), "stddev must be"),
        (lambda: layers.GaussianDropout(1.0), "rate must be"),
        (lambda: layers.AlphaDropout(1.0), "rate must be"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()
