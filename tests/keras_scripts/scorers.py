"""What one wants to know of a classifier and no library has: metrics of one's own."""

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_iris

keras.utils.set_random_seed(15)

x, y = load_iris(return_X_y=True)
x = ((x - x.mean(axis=0)) / x.std(axis=0)).astype("float32")
order = np.random.default_rng(1).permutation(len(x))
x, y = x[order], keras.utils.to_categorical(y[order], 3).astype("float32")
x_train, y_train, x_test, y_test = x[:100], y[:100], x[100:], y[100:]


class Confidence(keras.metrics.Metric):
    """The mean probability of the class that is true."""

    def __init__(self, name="confidence", **kwargs):
        super().__init__(name=name, **kwargs)
        self.total = self.add_variable(shape=(), initializer="zeros", name="total")
        self.count = self.add_variable(shape=(), initializer="zeros", name="count")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.total.assign(self.total + (y_true * y_pred).sum())
        self.count.assign(self.count + len(y_true))

    def result(self):
        return self.total / self.count


class LastBatch(keras.metrics.Metric):
    """How many samples the last batch had."""

    def __init__(self, name="last_batch", **kwargs):
        super().__init__(name=name, **kwargs)
        self.samples = self.add_weight(shape=(), initializer="zeros", name="samples")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.samples.assign(0.0 * self.samples + len(y_true))

    def result(self):
        return self.samples


def brier_score(y_true, y_pred):
    return ((y_true - y_pred) ** 2).sum(-1)


model = keras.Sequential(
    [keras.Input((4,)), layers.Dense(16, activation="relu"), layers.Dense(3, activation="softmax")]
)
model.compile(
    keras.optimizers.Adam(0.02),
    "categorical_crossentropy",
    metrics=["accuracy", Confidence(), brier_score],
)
history = model.fit(
    x_train, y_train, batch_size=20, epochs=20, validation_data=(x_test, y_test), verbose=0
)
results = model.evaluate(x_test, y_test, batch_size=16, verbose=0, return_dict=True)
told = model.predict(x_test, verbose=0)
by_hand, last = Confidence(), LastBatch()
for start in range(0, 50, 16):
    by_hand.update_state(y_test[start : start + 16], told[start : start + 16])
    last.update_state(y_test[start : start + 16], told[start : start + 16])
first = float(by_hand.result())
by_hand.reset_state()

scores = {
    "accuracy": results["accuracy"],
    "confidence": results["confidence"],
    "the same": float(np.isclose(first, results["confidence"], atol=1e-5)),
    "expected": float(np.isclose(first, (told * y_test).sum() / 50, atol=1e-5)),
    "brier": 1 - results["brier_score"],
    "last": float(float(last.result()) == 2),
    "validated": history.history["val_confidence"][-1],
}
