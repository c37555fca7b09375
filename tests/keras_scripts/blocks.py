"""Layers of one's own, made of layers: gated blocks within one another, in a graph, in a file."""

import os
import tempfile

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_breast_cancer

keras.utils.set_random_seed(6)

x, y = load_breast_cancer(return_X_y=True)
x = ((x - x.mean(axis=0)) / x.std(axis=0)).astype("float32")
order = np.random.default_rng(2).permutation(len(x))
x, y = x[order], y[order]
x_train, y_train, x_test, y_test = x[:400], y[:400], x[400:], y[400:]


class GatedLinear(layers.Layer):
    def __init__(self, units, activation="relu", **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.activation = activation
        self.linear = layers.Dense(units, activation=activation)
        self.gate = layers.Dense(units, activation="sigmoid")
        self.multiply = layers.Multiply()

    def build(self, input_shape):
        self.linear.build(input_shape)
        self.gate.build(input_shape)

    def call(self, inputs):
        return self.multiply([self.linear(inputs), self.gate(inputs)])

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        config = super().get_config()
        config.update({"units": self.units, "activation": self.activation})
        return config


class ResidualBlock(layers.Layer):
    def __init__(self, rate=0.1, **kwargs):
        super().__init__(**kwargs)
        self.rate = rate
        self.dropout = layers.Dropout(rate)
        self.norm = layers.LayerNormalization()
        self.add = layers.Add()

    def build(self, input_shape):
        self.gated = GatedLinear(input_shape[-1])
        self.gated.build(input_shape)
        self.norm.build(input_shape)

    def call(self, inputs, training=None):
        hidden = self.gated(self.norm(inputs))
        hidden = self.dropout(hidden, training=training)
        return self.add([inputs, hidden])

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "rate": self.rate}


inputs = keras.Input(shape=(30,))
hidden = layers.Dense(16)(inputs)
hidden = ResidualBlock(name="first")(hidden)
hidden = ResidualBlock(0.2, name="second")(hidden)
outputs = layers.Dense(1, activation="sigmoid")(hidden)
model = keras.Model(inputs, outputs)
model.compile(keras.optimizers.Adam(2e-3), "binary_crossentropy", metrics=["accuracy"])
history = model.fit(x_train, y_train, batch_size=32, epochs=8, verbose=0)
told = model.predict(x_test, verbose=0)

own = {"GatedLinear": GatedLinear, "ResidualBlock": ResidualBlock}
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "blocks.keras")
    model.save(path)
    again = keras.models.load_model(path, custom_objects=own)
    config = model.get_layer("second").get_config()
    fresh = ResidualBlock.from_config(config)
scores = {
    "accuracy": model.evaluate(x_test, y_test, verbose=0)[1],
    "kept": float(np.allclose(again.predict(x_test, verbose=0), told, atol=1e-5)),
    "rate": float(fresh.rate == 0.2 and fresh.name == "second"),
    "weights": float(len(model.get_layer("first").get_weights()) == 6),
}
