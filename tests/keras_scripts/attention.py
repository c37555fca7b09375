"""Where to look: scores of steps, a softmax over them, and the mean that they weigh."""

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(27)

steps, words, width = 16, 50, 12
rng = np.random.default_rng(8)
x = rng.integers(10, words, size=(1500, steps))
y = rng.integers(0, 4, size=1500)
places = rng.integers(0, steps, size=1500)
x[np.arange(1500), places] = 2 * y + rng.integers(0, 2, size=1500)
x_train, y_train, x_test, y_test = x[:1200], y[:1200], x[1200:], y[1200:]

inputs = keras.Input(shape=(steps,), dtype="int64")
embedded = layers.Embedding(words, width)(inputs)
hidden = layers.TimeDistributed(layers.Dense(width, activation="tanh"))(embedded)
score = layers.Flatten()(layers.Dense(1, use_bias=False, name="score")(hidden))
weights = layers.Softmax(name="weights")(score)
context = layers.Dot(axes=1, name="context")([weights, embedded])
outputs = layers.Dense(4, activation="softmax")(context)
model = keras.Model(inputs, outputs)
model.compile(
    keras.optimizers.Adam(0.02),
    loss=keras.losses.SparseCategoricalCrossentropy(),
    metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
)
history = model.fit(x_train, y_train, batch_size=64, epochs=8, verbose=0)

# A model that shares its layers shows where it looked.
looking = keras.Model(model.input, model.get_layer("weights").output)
looked = looking.predict(x_test, verbose=0)
scores = {
    "accuracy": model.evaluate(x_test, y_test, verbose=0)[1],
    "looked there": float((looked.argmax(axis=1) == places[1200:]).mean()),
    "weights": float(np.allclose(looked.sum(axis=1), 1, atol=1e-5)),
}
