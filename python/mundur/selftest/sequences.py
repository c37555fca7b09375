"""The networks of the self-test that take sequences."""

from __future__ import annotations

from .. import layers, losses, optimizers
from .case import Case

__all__ = ["SEQUENCES"]

SEQUENCES = (
    Case(
        "vectors of ids",
        (7,),
        lambda: [
            layers.Embedding(40, 19, embeddings_regularizer="l2"),
            layers.Dense(9, "tanh"),
            layers.Flatten(),
            layers.Dense(1, "sigmoid"),
        ],
        lambda: losses.BinaryCrossentropy(),
        lambda: optimizers.Adam(0.01),
        "bits",
        samples=290,
        batch=270,
        ids=40,
    ),
    Case(
        "few steps and many",
        (12, 5),
        lambda: [
            layers.Normalization(mean=0.25, variance=0.5),
            layers.Cropping1D((1, 3)),
            layers.Conv1DTranspose(18, 3, strides=2, padding="same", activation="relu"),
            layers.UpSampling1D(2),
            layers.Conv1DTranspose(4, 4, dilation_rate=2),
            layers.LayerNormalization(axis=(1, 2)),
            layers.BatchNormalization(axis=1),
            layers.Dropout(0.25, noise_shape=(None, 1, None)),
            layers.Flatten(),
            layers.Dense(3),
        ],
        lambda: losses.MeanSquaredError(),
        lambda: optimizers.Adam(0.01),
        "numbers",
        samples=290,
        batch=270,
    ),
    Case(
        "slopes that learn",
        (6, 5),
        lambda: [
            layers.Dense(19),
            layers.PReLU(alpha_initializer="random_normal", shared_axes=[1]),
            layers.UnitNormalization(),
            layers.Flatten(),
            layers.PReLU(alpha_initializer="random_uniform"),
            layers.Dense(3),
        ],
        lambda: losses.MeanSquaredError(),
        lambda: optimizers.Adam(0.01),
        "numbers",
        samples=290,
        batch=270,
    ),
    Case(
        "states over time",
        (6,),
        lambda: [
            layers.Embedding(40, 9, mask_zero=True),
            layers.Bidirectional(
                layers.LSTM(11, return_sequences=True, dropout=0.2, recurrent_dropout=0.1)
            ),
            layers.GRU(17, return_sequences=True, go_backwards=True),
            layers.SimpleRNN(5),
            layers.Dense(1, "sigmoid"),
        ],
        lambda: losses.BinaryCrossentropy(),
        lambda: optimizers.Adam(0.01),
        "bits",
        samples=290,
        batch=270,
        ids=40,
    ),
    Case(
        "windows over time",
        (23, 6),
        lambda: [
            layers.ZeroPadding1D((1, 2)),
            layers.Conv1D(18, 5, activation="relu", kernel_regularizer="l1"),
            layers.MaxPooling1D(2),
            layers.SpatialDropout1D(0.2),
            layers.Conv1D(9, 3, padding="causal", dilation_rate=2, activation="gelu"),
            layers.AveragePooling1D(3, 2, "same"),
            layers.TimeDistributed(layers.Dense(7, "tanh")),
            layers.Conv1D(8, 2, strides=2, padding="same"),
            layers.GlobalMaxPooling1D(keepdims=True),
            layers.Permute((2, 1)),
            layers.GlobalAveragePooling1D(),
            layers.Reshape((1, -1)),
            layers.Flatten(),
            layers.Dense(3),
        ],
        lambda: losses.MeanSquaredError(),
        lambda: optimizers.Adam(0.01),
        "numbers",
        samples=290,
        batch=270,
    ),
    Case(
        "many filters over time",
        (23, 9),
        lambda: [
            layers.Conv1D(40, 5, padding="same", activation="relu"),
            layers.Conv1D(33, 2, padding="causal", dilation_rate=2),
            layers.Conv1D(35, 3, strides=2, activation="tanh"),
            layers.GlobalMaxPooling1D(),
            layers.Dense(3),
        ],
        lambda: losses.MeanSquaredError(),
        lambda: optimizers.Adam(0.01),
        "numbers",
        samples=290,
        batch=270,
    ),
    Case(
        "an encoder and a decoder",
        (9, 1),
        lambda: [
            layers.ReLU(),  # half of the steps are 0
            layers.Masking(),
            layers.LSTM(5),
            layers.RepeatVector(4),
            layers.GRU(6, return_sequences=True),
            layers.Dense(2),
            layers.Flatten(),
        ],
        lambda: losses.MeanSquaredError(),
        lambda: optimizers.Adam(0.01),
        "numbers",
        samples=290,
        batch=270,
    ),
)
