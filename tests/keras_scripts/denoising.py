"""Noise off digits: an autoencoder of convolutions that stride and of transposed ones."""

import numpy as np
from keras import layers
from keras.models import Model
from keras.optimizers import Adam
from keras.utils import set_random_seed
from sklearn.datasets import load_digits

set_random_seed(45)
rng = np.random.default_rng(0)


def preprocess(array):
    """Normalizes the supplied array and reshapes it."""
    array = array.astype("float32") / 16.0
    return np.reshape(array, (len(array), 8, 8, 1))


def noise(array):
    """Adds random noise to each image in the supplied array."""
    noise_factor = 0.4
    noisy_array = array + noise_factor * rng.normal(loc=0.0, scale=1.0, size=array.shape)
    return np.clip(noisy_array, 0.0, 1.0)


data = load_digits().images
train_data, test_data = preprocess(data[:1400]), preprocess(data[1400:])
noisy_train_data, noisy_test_data = noise(train_data), noise(test_data)

input = layers.Input(shape=(8, 8, 1))

# Encoder
x = layers.Conv2D(16, (3, 3), activation="relu", padding="same")(input)
x = layers.MaxPooling2D((2, 2), padding="same")(x)
x = layers.Conv2D(16, (3, 3), strides=2, activation="relu", padding="same")(x)

# Decoder
x = layers.Conv2DTranspose(16, (3, 3), strides=2, activation="relu", padding="same")(x)
x = layers.Conv2DTranspose(16, (3, 3), strides=2, activation="relu", padding="same")(x)
x = layers.Conv2D(1, (3, 3), activation="sigmoid", padding="same")(x)

# Autoencoder
autoencoder = Model(input, x)
autoencoder.compile(optimizer=Adam(1e-2), loss="binary_crossentropy")
autoencoder.fit(
    x=noisy_train_data,
    y=train_data,
    epochs=20,
    batch_size=32,
    shuffle=True,
    validation_data=(noisy_test_data, test_data),
    verbose=0,
)
predictions = autoencoder.predict(noisy_test_data, verbose=0)


def off(images):
    return ((images - test_data) ** 2).mean()


scores = {
    "cleaned": float(1 - off(predictions) / off(noisy_test_data)),
    "explained": float(off(predictions) / off(test_data.mean(axis=0)) < 0.6),
    "shape": float(predictions.shape == test_data.shape),
}
