"""The median value of Californian houses: regression, with features and target in their units."""

import os

import keras
import numpy as np
from keras.layers import Dense
from keras.models import Sequential

keras.utils.set_random_seed(5)

path = os.environ["CALIFORNIA_HOUSING"]
table = np.loadtxt(path, delimiter=",", skiprows=1)
np.random.shuffle(table)  # noqa: NPY002 - as tutorials write it
table = table[:6000]
X, y = table[:, :-1], table[:, -1] / 100_000
X[:, 3:7] = np.log(X[:, 3:7])
X_train, X_test, y_train, y_test = X[:5000], X[5000:], y[:5000], y[5000:]
mean, std = X_train.mean(axis=0), X_train.std(axis=0)
X_train, X_test = (X_train - mean) / std, (X_test - mean) / std


def build_model():
    model = Sequential()
    model.add(keras.Input(shape=(X_train.shape[1],)))
    model.add(Dense(64, activation="relu"))
    model.add(Dense(64, activation="relu"))
    model.add(Dense(1))
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="mse")
    return model


model = build_model()
history = model.fit(X_train, y_train, 32, 15, 0, validation_data=(X_test, y_test))
mse = model.evaluate(X_test, y_test, verbose=0)
predictions = model.predict(X_test, verbose=0).flatten()
r2 = 1 - np.mean((predictions - y_test) ** 2) / np.var(y_test)
print(f"MSE {mse:.3f}, R2 {r2:.3f}")

scores = {"r2": float(r2), "r2_of_loss": float(1 - mse / np.var(y_test))}
