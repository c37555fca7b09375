"""Layers through time in the textbook: central differences prove backward, laws the rest."""

from random import Random

import pytest
from mundur.reference import layers
from mundur.reference.check import check_backward
from mundur.reference.lists import filled

LAYERS = [layers.SimpleRNN, layers.LSTM, layers.GRU]
OPTIONS = [{}, {"return_sequences": True}, {"go_backwards": True}, {"use_bias": False}]


def random_list(of_shape, seed=0):
    rng = Random(seed)
    return filled(of_shape, lambda: rng.uniform(-2.0, 2.0))


def built(layer, sample_shape, seed=0):
    layer.build(sample_shape, Random(seed))
    return layer


def assert_proven(differences, count):
    assert len(differences) == count + 1
    assert max(differences.values()) < 1e-7, differences


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("kind", LAYERS)
def test_gradients(kind, options):
    layer = built(kind(3, bias_initializer="random_normal", **options), (4, 2))
    assert_proven(check_backward(layer, random_list((2, 4, 2))), len(layer.parameters))


@pytest.mark.parametrize("kind", LAYERS)
def test_gradients_under_a_mask(kind):
    layer = built(kind(3, return_sequences=True), (4, 2))
    layer.mask = [[False, True, False, True], [True, True, False, False], [False] * 4]
    assert_proven(check_backward(layer, random_list((3, 4, 2))), 3)
    assert layer.forward(random_list((3, 4, 2)))[2] == [[0.0] * 3] * 4


@pytest.mark.parametrize("kind", LAYERS)
def test_gradients_with_dropout(kind):
    layer = built(kind(3, dropout=0.5, recurrent_dropout=0.25), (4, 2))
    layer.fixed_mask = [[1.0, 0.0], [1.0, 1.0]]
    layer.fixed_recurrent_mask = [[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]]
    assert_proven(check_backward(layer, random_list((2, 4, 2)), training=True), 3)


@pytest.mark.parametrize("activation", ["linear", "sigmoid", "softplus"])
def test_gradients_of_other_activations(activation):
    layer = built(layers.SimpleRNN(3, activation), (4, 2))
    assert_proven(check_backward(layer, random_list((2, 4, 2))), 3)


@pytest.mark.share(3)
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("mode", ["concat", "sum", "mul", "ave"])
@pytest.mark.parametrize("kind", LAYERS)
def test_gradients_of_both_ways(kind, mode, sequences):
    layer = built(layers.Bidirectional(kind(2, return_sequences=sequences), mode), (3, 2))
    x = random_list((2, 3, 2))
    assert_proven(check_backward(layer, x), 6)
    layer.mask = [[False, True, True], [True, True, False]]
    assert_proven(check_backward(layer, x), 6)


@pytest.mark.parametrize("kind", LAYERS)
def test_backwards_is_forwards_on_a_turned_sequence(kind):
    ahead = built(kind(3, return_sequences=True), (4, 2), seed=1)
    back = built(kind(3, return_sequences=True, go_backwards=True), (4, 2), seed=1)
    x = random_list((2, 4, 2))
    assert back.forward([x_n[::-1] for x_n in x]) == ahead.forward(x)


@pytest.mark.parametrize("kind", LAYERS)
def test_without_memory_each_step_is_alone(kind):
    layer = built(kind(3, return_sequences=True, recurrent_initializer="zeros"), (2, 2))
    y = layer.forward([[[1.0, 2.0], [0.0, 0.0]]])
    alone = built(kind(3, recurrent_initializer="zeros"), (1, 2))
    alone.parameters = layer.parameters
    assert y[0][0] == alone.forward([[[1.0, 2.0]]])[0]


def test_drawn_masks_have_their_rate():
    layer = built(layers.LSTM(50, dropout=0.2), (1, 200))
    layer.forward([[[1.0] * 200]] * 20, training=True)
    kept = sum(k > 0 for row in layer.keep_x for k in row) / 4000
    assert abs(kept - 0.8) < 0.03


def test_bad_arguments():
    with pytest.raises(ValueError, match="units"):
        layers.LSTM(0)
    with pytest.raises(ValueError, match="recurrent_dropout"):
        layers.GRU(2, recurrent_dropout=1.0)
    with pytest.raises(ValueError, match="steps, inputs"):
        built(layers.LSTM(2), (3,))
    with pytest.raises(ValueError, match="merge_mode"):
        layers.Bidirectional(layers.LSTM(2), "max")
