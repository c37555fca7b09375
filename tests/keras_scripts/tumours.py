"""Malignant or benign: two classes of different weight, callbacks, saved weights."""

import os
import tempfile

import keras
import numpy as np
from keras.callbacks import Callback, EarlyStopping
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(11)

data = load_breast_cancer()
X_train, X_test, y_train, y_test = train_test_split(
    data.data, data.target, test_size=0.25, random_state=0, stratify=data.target
)
mean, std = X_train.mean(axis=0), X_train.std(axis=0)
X_train, X_test = (X_train - mean) / std, (X_test - mean) / std

counts = np.bincount(y_train)
class_weight = {0: len(y_train) / (2 * counts[0]), 1: len(y_train) / (2 * counts[1])}


class LossHistory(Callback):
    def on_train_begin(self, logs=None):
        self.losses = []

    def on_epoch_end(self, epoch, logs=None):
        self.losses.append(logs["loss"])
        if epoch == 20:
            self.model.optimizer.learning_rate = 1e-4


def make_model():
    return keras.Sequential(
        [
            keras.layers.Dense(32, activation="relu", input_shape=(30,)),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(16),
            keras.layers.Activation("relu"),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )


model = make_model()
model.compile(
    optimizer=keras.optimizers.Adam(learning_rate=1e-3),
    loss=keras.losses.BinaryCrossentropy(),
    metrics=[keras.metrics.BinaryAccuracy(name="accuracy")],
)
losses = LossHistory()
history = model.fit(
    X_train,
    y_train,
    batch_size=16,
    epochs=40,
    verbose=0,
    class_weight=class_weight,
    validation_data=(X_test, y_test),
    callbacks=[losses, EarlyStopping(monitor="val_loss", patience=8, restore_best_weights=True)],
)
loss, accuracy = model.evaluate(X_test, y_test, verbose=0)

other = make_model()
other.set_weights(model.get_weights())
other.compile(loss="binary_crossentropy", metrics=["accuracy"], optimizer="sgd")
with tempfile.TemporaryDirectory() as folder:
    model.save_weights(os.path.join(folder, "best.weights.h5"))
copied = other.evaluate(X_test, y_test, verbose=0)[1]

scores = {"accuracy": accuracy, "copied": copied, "epochs": float(len(losses.losses) >= 8)}
