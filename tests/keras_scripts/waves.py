"""The next value of a noisy time series from windows of it, by stacked LSTMs and by a GRU."""

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(2)

rng = np.random.default_rng(1)
t = np.arange(900)
series = np.sin(t / 7) + 0.5 * np.sin(t / 3) + 0.1 * rng.normal(size=t.size)
series = (series - series[:700].mean()) / series[:700].std()

window = 24
x = np.array([series[i : i + window] for i in range(len(series) - window)])[..., np.newaxis]
y = series[window:]
split = 700 - window
x_train, y_train, x_test, y_test = x[:split], y[:split], x[split:], y[split:]


def stacked_lstm():
    return keras.Sequential(
        [
            keras.Input(shape=(window, 1)),
            layers.LSTM(16, return_sequences=True),
            layers.LSTM(16),
            layers.Dense(1),
        ]
    )


def gru():
    model = keras.Sequential(name="gru")
    model.add(layers.GRU(24, input_shape=(window, 1)))
    model.add(layers.Dense(8, activation="relu"))
    model.add(layers.Dense(1))
    return model


scores = {}
for make in (stacked_lstm, gru):
    model = make()
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse", metrics=["mae"])
    history = model.fit(
        x_train,
        y_train,
        epochs=12,
        batch_size=32,
        validation_data=(x_test, y_test),
        callbacks=[keras.callbacks.EarlyStopping(patience=6, restore_best_weights=True)],
        verbose=0,
    )
    mse, mae = model.evaluate(x_test, y_test, verbose=0)
    residual = y_test - model.predict(x_test, verbose=0).ravel()
    # The share of the variance that is explained.
    scores[make.__name__] = 1 - float(np.mean(residual**2) / np.var(y_test))
