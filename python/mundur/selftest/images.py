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
        "images from elsewhere",
        (9, 7, 2),
        lambda: [
            layers.Dense(3, "tanh"),
            layers.RandomFlip(),
            layers.RandomTranslation(0.2, (-0.1, 0.3), "wrap"),
            layers.RandomRotation(0.1),
            layers.RandomZoom(0.3, fill_mode="nearest"),
            layers.RandomContrast(0.3, (-1, 1)),
            layers.RandomCrop(7, 6),
            layers.Resizing(5, 4),
            layers.UpSampling2D(2, interpolation="bilinear"),
            layers.CenterCrop(6, 6),
            layers.GlobalMaxPooling2D(),
            layers.Dense(3),
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
