"""A training step of one's own: samples that lie between two others, and a count of the steps."""

import keras
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(24)

x, labels = load_digits(return_X_y=True)
x = (x / 16.0).astype("float32")
y = keras.utils.to_categorical(labels, 10).astype("float32")
x_train, y_train, x_test, y_test = x[:1400], y[:1400], x[1400:], y[1400:]


class Mixed(keras.Model):
    """Trains on mixtures of the two halves of each batch, of samples and of their targets."""

    steps = 0
    tested = 0

    def train_step(self, data):
        x, y = data
        half = len(x) // 2
        x = 0.8 * x[:half] + 0.2 * x[half : 2 * half]
        y = 0.8 * y[:half] + 0.2 * y[half : 2 * half]
        self.steps += 1
        return super().train_step((x, y))

    def test_step(self, data):
        self.tested += 1
        return super().test_step(data)


inputs = keras.Input(shape=(64,))
hidden = layers.Dense(48, activation="relu")(inputs)
hidden = layers.Dropout(0.1)(hidden)
outputs = layers.Dense(10, activation="softmax")(hidden)
model = Mixed(inputs, outputs)
model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
history = model.fit(
    x_train, y_train, batch_size=40, epochs=25, validation_data=(x_test, y_test), verbose=0
)
results = model.evaluate(x_test, y_test, batch_size=100, verbose=0, return_dict=True)

scores = {
    "accuracy": results["accuracy"],
    "trained": float(model.steps == 25 * 35),
    "tested": float(model.tested == 25 * 10 + 4),
    "fell": float(history.history["loss"][-1] < history.history["loss"][0]),
}
