"""Networks of images, for `mundur.selftest`."""

from __future__ import annotations

from .. import layers, losses, optimizers
from .case import Case

IMAGES = (
    Case(
        "a convnet",
        (15, 11, 2),
        lambda: [
            layers.Conv2D(17, 3, activation="relu", padding="same"),
            layers.MaxPooling2D(),
            layers.Conv2D(34, (2, 3), strides=(1, 2), groups=17),
            layers.GroupNormalization(2),
            layers.Conv2D(5, 2, dilation_rate=(2, 1), activation="tanh"),
            layers.Conv2D(19, 1),
            layers.SpatialDropout2D(0.25),
            layers.GlobalAveragePooling2D(),
            layers.Dense(4),
        ],
        lambda: losses.SparseCategoricalCrossentropy(from_logits=True),
        lambda: optimizers.Adam(0.01),
        "labels",
        samples=290,
        batch=270,
    ),
    Case(
        "a convnet of channels",
        (9, 21, 3),
        lambda: [
            layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2, activation="relu"),
            layers.SeparableConv2D(18, (2, 3), strides=(2, 3), depth_multiplier=3),
            layers.Conv2DTranspose(7, 3, strides=2, padding="same", activation="tanh"),
            layers.DepthwiseConv2D((3, 2), dilation_rate=(1, 2)),
            layers.Conv2D(21, 3, groups=7, activation="relu"),
            layers.Conv2DTranspose(19, (3, 4), (2, 1), output_padding=(1, 0)),
            layers.GlobalAveragePooling2D(),
            layers.Dense(4),
        ],
        lambda: losses.SparseCategoricalCrossentropy(from_logits=True),
        lambda: optimizers.Adam(0.01),
        "labels",
        samples=270,
        batch=260,
    ),
    Case(
        "channels over time",
        (40, 5),
        lambda: [
            layers.DepthwiseConv1D(5, padding="same", activation="relu"),
            layers.SeparableConv1D(17, 3, strides=2, depth_multiplier=2),
            layers.DepthwiseConv1D(3, dilation_rate=2),
            layers.GlobalMaxPooling1D(),
            layers.Dense(2),
        ],
        lambda: losses.MeanSquaredError(),
        lambda: optimizers.SGD(0.1),
        "numbers",
        samples=30,
        batch=20,
    ),
    Case(
        "margins and windows",
        (5, 7, 3),
        lambda: [
            layers.ZeroPadding2D(((1, 0), (0, 2))),
            layers.UpSampling2D((2, 1)),
            layers.AveragePooling2D((3, 2), strides=2, padding="same"),
            layers.Cropping2D((1, 0)),
            layers.GlobalMaxPooling2D(),
            layers.Dense(3),
        ],
        lambda: losses.MeanSquaredError(),
        lambda: optimizers.SGD(0.1),
        "numbers",
        samples=30,
        batch=20,
    ),
)
