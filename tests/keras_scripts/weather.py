"""Tomorrow's temperature from the days before: windows of a series as a dataset, three models."""

import keras
import numpy as np
from keras import layers
from keras.utils import timeseries_dataset_from_array

keras.utils.set_random_seed(31)

rng = np.random.default_rng(3)
days = np.arange(1600)
season = np.sin(2 * np.pi * days / 365)
temperature = np.zeros(days.size)
for i in range(1, days.size):
    temperature[i] = 0.9 * temperature[i - 1] + 0.35 * rng.normal()
temperature += 8 * season
pressure = np.roll(temperature, -1) * 0.3 + rng.normal(size=days.size)
raw_data = np.stack([temperature, pressure, season], axis=1)

num_train, num_val = 1000, 300
mean, std = raw_data[:num_train].mean(axis=0), raw_data[:num_train].std(axis=0)
raw_data = (raw_data - mean) / std
target = raw_data[:, 0]

sampling_rate, sequence_length = 1, 14
delay = sampling_rate * (sequence_length + 1 - 1)
common = {
    "targets": target[delay:],
    "sampling_rate": sampling_rate,
    "sequence_length": sequence_length,
    "batch_size": 64,
}
train_dataset = timeseries_dataset_from_array(
    raw_data[:-delay], shuffle=True, start_index=0, end_index=num_train, seed=1, **common
)
val_dataset = timeseries_dataset_from_array(
    raw_data[:-delay], start_index=num_train, end_index=num_train + num_val, **common
)
test_dataset = timeseries_dataset_from_array(
    raw_data[:-delay], start_index=num_train + num_val, **common
)
for samples, targets in test_dataset:
    batch_shape = tuple(samples.shape), tuple(targets.shape)
    break


def dense():
    inputs = keras.Input(shape=(sequence_length, 3))
    x = layers.Flatten()(inputs)
    x = layers.Dense(16, activation="relu")(x)
    return keras.Model(inputs, layers.Dense(1)(x))


def convolutions():
    inputs = keras.Input(shape=(sequence_length, 3))
    x = layers.Conv1D(8, 5, activation="relu")(inputs)
    x = layers.MaxPooling1D(2)(x)
    x = layers.Conv1D(8, 3, activation="relu")(x)
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model(inputs, layers.Dense(1)(x))


def recurrent():
    inputs = keras.Input(shape=(sequence_length, 3))
    x = layers.LSTM(12, recurrent_dropout=0.1)(inputs)
    x = layers.Dropout(0.1)(x)
    return keras.Model(inputs, layers.Dense(1)(x))


scores = {"shape": float(batch_shape == ((64, 14, 3), (64,)))}
truth = np.concatenate([np.asarray(y) for _, y in test_dataset])
for make in (dense, convolutions, recurrent):
    model = make()
    model.compile(optimizer=keras.optimizers.RMSprop(3e-3), loss="mse", metrics=["mae"])
    history = model.fit(train_dataset, epochs=12, validation_data=val_dataset, verbose=0)
    mse, mae = model.evaluate(test_dataset, verbose=0)
    told = model.predict(test_dataset, verbose=0)[:, 0]
    scores[make.__name__] = float(1 - ((told - truth) ** 2).mean() / truth.var())
    assert abs(((told - truth) ** 2).mean() - mse) < 1e-4
