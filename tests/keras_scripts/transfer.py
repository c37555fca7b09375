"""Digits 0 to 4, then 5 to 9 with the first layers frozen, then all of it, slowly."""

import keras
import numpy as np
from keras import layers
from keras.models import Sequential
from sklearn.datasets import load_digits

keras.utils.set_random_seed(6)

x, y = load_digits(return_X_y=True)
x = (x / 16.0).astype("float32")
train = np.arange(len(x)) % 4 != 0


def part(low, high, mask):
    chosen = mask & (y >= low) & (y < high)
    return x[chosen], y[chosen] - low


features = Sequential(
    [
        keras.Input((64,)),
        layers.Dense(64, activation="relu"),
        layers.Dropout(0.2),
        layers.Dense(32, activation="relu"),
    ],
    name="features",
)
first = Sequential([features, layers.Dense(5, activation="softmax")])
first.compile(keras.optimizers.Adam(5e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
first.fit(*part(0, 5, train), epochs=6, verbose=0)
frozen_weights = features.get_weights()

features.trainable = False
inputs = keras.Input((64,))
outputs = layers.Dense(5, activation="softmax")(features(inputs))
second = keras.Model(inputs, outputs)
second.compile(keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy", metrics=["accuracy"])
history = second.fit(*part(5, 10, train), epochs=8, verbose=0)
kept = all(
    np.array_equal(a, b) for a, b in zip(frozen_weights, features.get_weights(), strict=True)
)
_, frozen_accuracy = second.evaluate(*part(5, 10, ~train), verbose=0)

features.trainable = True
second.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
second.fit(*part(5, 10, train), epochs=6, verbose=0)
_, accuracy = second.evaluate(*part(5, 10, ~train), verbose=0)

logits = Sequential([second, layers.Activation("linear")])
scores = {
    "frozen": float(frozen_accuracy > 0.5),
    "all": accuracy,
    "kept": float(kept),
    "nested": float(np.allclose(logits.predict(x[:5]), second.predict(x[:5]), atol=1e-6)),
}
