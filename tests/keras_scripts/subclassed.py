"""A model as a class: layers made in its constructor, joined in `call`; a factorisation machine."""

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(35)

rng = np.random.default_rng(12)
fields, values = 4, 12
x = rng.integers(0, values, size=(3000, fields))
like = rng.normal(size=(fields, values, 3))
chosen = like[np.arange(fields), x]
y = ((chosen[:, 0] * chosen[:, 1]).sum(1) + (chosen[:, 2] * chosen[:, 3]).sum(1) > 0).astype(
    "float32"
)
x_train, y_train, x_test, y_test = x[:2500], y[:2500], x[2500:], y[2500:]


class Crosses(keras.Model):
    def __init__(self, width=6, **kwargs):
        super().__init__(**kwargs)
        self.embedding = layers.Embedding(values * fields, width)
        self.likeness = layers.Dot(axes=2)
        self.flatten = layers.Flatten()
        self.hidden = layers.Dense(16, activation="relu")
        self.joined = layers.Concatenate()
        self.head = layers.Dense(1, activation="sigmoid")

    def call(self, inputs):
        embedded = self.embedding(inputs)
        crosses = self.flatten(self.likeness([embedded, embedded]))
        deep = self.hidden(self.flatten(embedded))
        return self.head(self.joined([crosses, deep]))


offsets = np.arange(fields) * values
model = Crosses(8)
model.compile(keras.optimizers.Adam(5e-3), "binary_crossentropy", metrics=["accuracy"])
history = model.fit(
    x_train + offsets, y_train, batch_size=50, epochs=20, validation_split=0.1, verbose=0
)
results = model.evaluate(x_test + offsets, y_test, verbose=0, return_dict=True)
told = model.predict(x_test + offsets, verbose=0)
weights = model.get_weights()
twin = Crosses(8)
twin.compile(loss="binary_crossentropy", metrics=["accuracy"])
twin.predict(x_test[:1] + offsets, verbose=0)
twin.set_weights(weights)

scores = {
    "accuracy": results["accuracy"],
    "told": float(((told[:, 0] > 0.5) == y_test).mean()),
    "twin": float(np.allclose(twin.predict(x_test + offsets, verbose=0), told, atol=1e-5)),
    "parameters": float(model.count_params() == sum(w.size for w in weights)),
}
