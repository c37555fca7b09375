"""What does not look like the rest: a convolutional autoencoder of windows, whose error tells."""

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(3)

TIME_STEPS = 32
rng = np.random.default_rng(0)
t = np.arange(1600)
value = np.sin(t / 5) + 0.4 * np.sin(t / 2.3) + 0.05 * rng.normal(size=t.size)
normal, other = value[:1100], value[1100:].copy()
other[300:330] = 1.5 * rng.normal(size=30)
mean, std = normal.mean(), normal.std()


def create_sequences(values, time_steps=TIME_STEPS):
    output = []
    for i in range(len(values) - time_steps + 1):
        output.append(values[i : (i + time_steps)])
    return np.stack(output)[..., np.newaxis]


x_train = create_sequences((normal - mean) / std)
x_test = create_sequences((other - mean) / std)

model = keras.Sequential(
    [
        layers.Input(shape=(x_train.shape[1], x_train.shape[2])),
        layers.Conv1D(16, 7, padding="same", strides=2, activation="relu"),
        layers.Dropout(rate=0.1),
        layers.Conv1D(8, 7, padding="same", strides=2, activation="relu"),
        layers.Conv1DTranspose(8, 7, padding="same", strides=2, activation="relu"),
        layers.Dropout(rate=0.1),
        layers.Conv1DTranspose(16, 7, padding="same", strides=2, activation="relu"),
        layers.Conv1DTranspose(filters=1, kernel_size=7, padding="same"),
    ]
)
model.compile(optimizer=keras.optimizers.Adam(learning_rate=0.003), loss="mse")
model.summary()
history = model.fit(
    x_train,
    x_train,
    epochs=16,
    batch_size=64,
    validation_split=0.1,
    callbacks=[keras.callbacks.EarlyStopping(monitor="val_loss", patience=5, mode="min")],
    verbose=0,
)
train_mae = np.mean(np.abs(model.predict(x_train, verbose=0) - x_train), axis=1)
threshold = np.max(train_mae)
test_mae = np.mean(np.abs(model.predict(x_test, verbose=0) - x_test), axis=1).ravel()
anomalies = test_mae > threshold

# A window is odd where at least half of the noise is in it.
starts = np.arange(len(x_test))
odd = (starts >= 315 - TIME_STEPS) & (starts <= 315)
scores = {
    "found": float(anomalies[odd].mean() > 0.8),
    "no alarms": float(1 - anomalies[(starts < 300 - TIME_STEPS) | (starts > 330)].mean()),
    "explained": float(1 - ((model.predict(x_train, verbose=0) - x_train) ** 2).mean()),
}
