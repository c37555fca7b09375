"""Data that never stand in memory as a whole: a generator without end, a dataset by numbers."""

import math

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(17)

num_features, batch_size = 8, 32
weights = np.random.default_rng(0).normal(size=num_features)


def made(seed, count):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, num_features)).astype("float32")
    return x, (x @ weights + np.abs(x[:, 0]) > 0.5).astype("float32")


def generator(first):
    seed = first
    while True:
        yield made(seed, batch_size)
        seed += 1


class Batches(keras.utils.PyDataset):
    def __init__(self, x, y, size, **kwargs):
        super().__init__(**kwargs)
        self.x, self.y, self.size = x, y, size

    def __len__(self):
        return math.ceil(len(self.x) / self.size)

    def __getitem__(self, idx):
        low = idx * self.size
        high = min(low + self.size, len(self.x))
        return self.x[low:high], self.y[low:high]


def make_model():
    inputs = keras.Input(shape=(num_features,))
    x = layers.Dense(24, activation="relu")(inputs)
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(x))
    model.compile(keras.optimizers.Adam(5e-3), loss="binary_crossentropy", metrics=["accuracy"])
    return model


x_test, y_test = made(10**6, 900)
held_out = Batches(x_test, y_test, 100)

endless = make_model()
history = endless.fit(
    generator(0),
    steps_per_epoch=30,
    epochs=5,
    validation_data=generator(10**5),
    validation_steps=8,
    verbose=0,
)
by_number = make_model()
numbered = by_number.fit(
    Batches(*made(5, 1500), batch_size, workers=1), epochs=4, validation_data=held_out, verbose=0
)
loss, accuracy = endless.evaluate(held_out, verbose=0)
results = by_number.evaluate(generator(10**6 + 1), steps=20, verbose=0, return_dict=True)
told = endless.predict(held_out, verbose=0)
some = endless.predict(((x,) for x, _ in generator(3)), steps=4, verbose=0)

scores = {
    "endless": accuracy,
    "by number": results["accuracy"],
    "validated": numbered.history["val_accuracy"][-1],
    "told": float(((told[:, 0] > 0.5) == y_test).mean()),
    "some": float(some.shape == (4 * batch_size, 1)),
    "epochs": float(len(history.history["val_loss"]) == 5),
}
