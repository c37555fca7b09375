"""Transfer between digits: a base of convolutions learns 0 to 4; frozen, it serves 5 to 9."""

import os
import tempfile

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(48)

digits = load_digits()
x, y = digits.images[..., None].astype("float32") / 16, digits.target
train = np.arange(len(x)) % 4 != 0
x_lt5, y_lt5 = x[train & (y < 5)], y[train & (y < 5)]
x_gte5, y_gte5 = x[train & (y >= 5)], y[train & (y >= 5)] - 5
x_test, y_test = x[~train & (y >= 5)], y[~train & (y >= 5)] - 5

base_model = keras.Sequential(
    [
        keras.Input((8, 8, 1)),
        layers.Conv2D(24, 3, padding="same", use_bias=False, name="conv"),
        layers.BatchNormalization(name="bn"),
        layers.ReLU(),
        layers.MaxPooling2D(2),
        layers.SeparableConv2D(32, 3, padding="same", activation="relu", name="separable"),
        layers.GlobalMaxPooling2D(),
    ],
    name="base",
)
model = keras.Sequential([base_model, layers.Dense(5, activation="softmax")])
model.compile(keras.optimizers.Adam(5e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_lt5, y_lt5, batch_size=32, epochs=8, verbose=0)
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "base.weights.h5")
    base_model.save_weights(path)
    base_model.load_weights(path)

# Freeze the base model
base_model.trainable = False
before = base_model.get_weights()
data_augmentation = keras.Sequential([layers.RandomContrast(0.1, value_range=(0.0, 1.0))])

inputs = keras.Input(shape=(8, 8, 1))
h = data_augmentation(inputs)
# The base model contains batchnorm layers. We want to keep them in inference mode
# when we unfreeze the base model for fine-tuning.
h = base_model(h, training=False)
h = layers.Dropout(0.2)(h)
outputs = layers.Dense(5)(h)
model = keras.Model(inputs, outputs)
frozen = len(model.trainable_weights), len(model.non_trainable_weights)
model.compile(
    optimizer=keras.optimizers.Adam(1e-2),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=[keras.metrics.SparseCategoricalAccuracy()],
)
model.fit(x_gte5, y_gte5, batch_size=32, epochs=12, verbose=0)
kept = all(np.array_equal(a, b) for a, b in zip(before, base_model.get_weights(), strict=True))
first = model.evaluate(x_test, y_test, verbose=0)[1]

# Unfreeze the base model
base_model.trainable = True
for layer in base_model.layers:
    if isinstance(layer, layers.BatchNormalization):
        layer.trainable = False
model.compile(
    optimizer=keras.optimizers.Adam(2e-3),  # Low learning rate
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=[keras.metrics.SparseCategoricalAccuracy()],
)
means = base_model.get_layer("bn").get_weights()[2]
model.fit(x_gte5, y_gte5, batch_size=32, epochs=8, verbose=0)
moved = not np.array_equal(before[0], base_model.get_weights()[0])
scores = {
    "frozen": float(first > 0.6),
    "tuned": model.evaluate(x_test, y_test, verbose=0)[1],
    "kept": float(kept),
    "counted": float(frozen == (2, 8)),
    "moved": float(moved and np.array_equal(means, base_model.get_layer("bn").get_weights()[2])),
}
