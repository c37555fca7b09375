"""Whole models of sequences with Keras's own weights: outputs and gradients, masked and not.

Padded steps stand in front, behind, in the middle, or are all there is.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import mundur as md
import numpy as np
import numpy.typing as npt
import pytest

import keras_shared  # noqa: F401 - chooses Keras's backend

keras = pytest.importorskip("keras", reason="install the extra 'keras'")
torch = pytest.importorskip("torch")
pytestmark = [
    pytest.mark.keras,
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't:DeprecationWarning"),
]

WORDS, STEPS, CHANNELS = 30, 12, 5


def lstm(layers: Any) -> list[Any]:
    return [layers.LSTM(6), layers.Dense(1, activation="sigmoid")]


def conv1d_max_pooling1d_lstm(layers: Any) -> list[Any]:
    return [
        layers.Conv1D(7, 3, activation="relu"),
        layers.MaxPooling1D(2),
        layers.LSTM(6),
        layers.Dense(1, activation="sigmoid"),
    ]


def gru(layers: Any) -> list[Any]:
    return [layers.GRU(6), layers.Dense(1, activation="sigmoid")]


def simple_rnn(layers: Any) -> list[Any]:
    return [layers.SimpleRNN(6), layers.Dense(1, activation="sigmoid")]


def lstm_upon_lstm(layers: Any) -> list[Any]:
    return [
        layers.LSTM(6, return_sequences=True),
        layers.LSTM(5, go_backwards=True),
        layers.Dense(1, activation="sigmoid"),
    ]


def bidirectional(layers: Any) -> list[Any]:
    return [
        layers.Bidirectional(layers.LSTM(4, return_sequences=True)),
        layers.Bidirectional(layers.GRU(3), merge_mode="sum"),
        layers.Dense(1, activation="sigmoid"),
    ]


def batch_normalization(layers: Any) -> list[Any]:
    return [
        layers.BatchNormalization(),
        layers.LSTM(6),
        layers.Dense(1, activation="sigmoid"),
    ]


def encoder_decoder(layers: Any) -> list[Any]:
    return [
        layers.LSTM(6),
        layers.RepeatVector(3),
        layers.GRU(5, return_sequences=True),
        layers.TimeDistributed(layers.Dense(2)),
        layers.GlobalAveragePooling1D(),
        layers.Dense(1, activation="sigmoid"),
    ]


# What stands in front of them: padding is id 0, or a step of -1.
FRONTS: dict[str, Callable[[Any], list[Any]]] = {
    "": lambda layers: [layers.Embedding(WORDS, 8)],
    "mask_zero": lambda layers: [layers.Embedding(WORDS, 8, mask_zero=True)],
    "Masking": lambda layers: [layers.Masking(-1.0)],
    "both": lambda layers: [layers.Embedding(WORDS, 8, mask_zero=True), layers.Masking()],
}
MODELS = [
    lstm,
    conv1d_max_pooling1d_lstm,
    gru,
    simple_rnn,
    lstm_upon_lstm,
    bidirectional,
    batch_normalization,
    encoder_decoder,
]


def padded(rng: np.random.Generator) -> npt.NDArray[Any]:
    ids = rng.integers(1, WORDS, size=(7, STEPS))
    ids[1, :5] = 0
    ids[2, -4:] = 0
    ids[3, 3:6] = 0
    ids[4, 1:] = 0
    ids[5] = 0
    return ids


@pytest.mark.parametrize("front", FRONTS)
@pytest.mark.parametrize("behind", MODELS, ids=lambda behind: behind.__name__)
def test_a_model_with_weights_of_keras(
    behind: Callable[[Any], list[Any]], front: str, rng: np.random.Generator
) -> None:
    x = padded(rng)
    if front == "Masking":
        vectors = rng.normal(size=(*x.shape, CHANNELS)).astype(np.float32)
        x = np.where((x == 0)[..., None], np.float32(-1), vectors)
    y = rng.integers(0, 2, size=(len(x), 1)).astype(np.float32)
    keras.utils.set_random_seed(5)

    def made(library: Any) -> Any:
        layers = [*FRONTS[front](library.layers), *behind(library.layers)]
        return library.Sequential([library.Input(x.shape[1:]), *layers])

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        theirs = made(keras)
        outputs = theirs(torch.tensor(x), training=True)
        said = len(told)
        ours = made(md)
    # Conv1D drops a mask; both libraries say so, we once.
    drops = bool(front) and behind is conv1d_max_pooling1d_lstm
    assert [("mask" in str(warning.message)) for warning in told[said:]] == [True] * drops
    assert any("mask" in str(warning.message) for warning in told[:said]) == drops

    ours.set_weights(theirs.get_weights())
    loss = keras.losses.BinaryCrossentropy()(torch.tensor(y), outputs)
    found = torch.autograd.grad(loss, [v.value for v in theirs.trainable_variables])
    prediction = ours.forward(x, training=True)
    np.testing.assert_allclose(prediction, outputs.detach().numpy(), rtol=0, atol=1e-5)
    ours.backward(md.losses.BinaryCrossentropy().gradient(y, prediction))
    assert len(ours.gradients) == len(found)
    for (name, gradient), expected in zip(ours.gradients.items(), found, strict=True):
        largest = float(expected.abs().max())
        assert largest > 0, name
        assert np.abs(gradient - expected.numpy()).max() <= 1e-4 * largest, name
