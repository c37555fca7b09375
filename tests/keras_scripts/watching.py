"""What a training tells: checkpoints, a log, a rate by the epoch, callbacks of one's own."""

import csv
import os
import tempfile

import keras
import numpy as np
from keras import callbacks, layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(9)

x, y = load_digits(return_X_y=True)
x = x / 16.0
x_train, y_train, x_val, y_val = x[:1300], y[:1300], x[1300:], y[1300:]


class Watcher(callbacks.Callback):
    """Counts what it is told, and stops once it is good enough."""

    def __init__(self, target):
        super().__init__()
        self.target = target
        self.batches = 0
        self.told = []

    def on_train_begin(self, logs=None):
        self.told.append("begin")

    def on_epoch_begin(self, epoch, logs=None):
        self.rate = float(self.model.optimizer.learning_rate)

    def on_train_batch_end(self, batch, logs=None):
        self.batches += 1
        assert "loss" in logs and "accuracy" in logs

    def on_test_end(self, logs=None):
        self.told.append("tested")

    def on_epoch_end(self, epoch, logs=None):
        if logs.get("val_accuracy") > self.target:
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        self.told.append("end")


def scheduler(epoch, lr):
    return lr if epoch < 4 else lr * 0.9


model = keras.Sequential(
    [
        keras.Input((64,)),
        layers.Dense(48, activation="relu"),
        layers.BatchNormalization(),
        layers.Dropout(0.2),
        layers.Dense(10, activation="softmax"),
    ]
)
model.compile(
    optimizer=keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
watcher = Watcher(target=0.995)
lines = []
with tempfile.TemporaryDirectory() as folder:
    best, log = os.path.join(folder, "best.keras"), os.path.join(folder, "log.csv")
    history = model.fit(
        x_train,
        y_train,
        epochs=12,
        batch_size=64,
        validation_data=(x_val, y_val),
        verbose=0,
        callbacks=[
            callbacks.ModelCheckpoint(best, monitor="val_accuracy", save_best_only=True),
            callbacks.LearningRateScheduler(scheduler),
            callbacks.CSVLogger(log),
            callbacks.EarlyStopping(monitor="val_loss", patience=10),
            callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: lines.append(epoch)),
            watcher,
        ],
    )
    restored = keras.models.load_model(best)
    with open(log, newline="") as file:
        rows = list(csv.DictReader(file))
epochs = len(history.history["loss"])
_, best_accuracy = restored.evaluate(x_val, y_val, verbose=0)

scores = {
    "accuracy": best_accuracy,
    "it is the best": float(abs(best_accuracy - max(history.history["val_accuracy"])) < 1e-6),
    "log": float(
        len(rows) == epochs
        and np.isclose(float(rows[-1]["val_loss"]), history.history["val_loss"][-1])
    ),
    "rate": float(np.isclose(watcher.rate, 0.05 * 0.9 ** max(0, epochs - 4), rtol=1e-5)),
    "hooks": float(
        watcher.batches == 21 * epochs and watcher.told == ["begin", *["tested"] * epochs, "end"]
    ),
    "lines": float(lines == list(range(epochs))),
}
columns = sorted(rows[0])
