"""A convolutional variational autoencoder: a model as a class, of an encoder and a decoder.

Kingma and Welling's -½ Σ (1 + log σ² - μ² - σ²) is ½ Σ μ² + ½ Σ (σ² - log σ²), less a constant: the
squared error of μ to 0, and Poisson's loss of σ² with a target of 1.
"""

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

keras.utils.set_random_seed(47)

latent_dim = 6
digits = load_digits()
x = np.expand_dims(digits.images, -1).astype("float32") / 16
x_train, x_test, y_train, y_test = x[:1400], x[1400:], digits.target[:1400], digits.target[1400:]


class Sampling(layers.Layer):
    """Uses (z_mean, z_log_var) to sample z, the vector encoding a digit."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.noise = layers.GaussianNoise(1.0)
        self.exp = layers.Activation("exponential")

    def call(self, inputs, training=None):
        z_mean, z_log_var = inputs
        epsilon = self.noise(0.0 * z_mean, training=training)
        return z_mean + self.exp(0.5 * z_log_var) * epsilon


encoder_inputs = keras.Input(shape=(8, 8, 1))
h = layers.Conv2D(16, 3, activation="relu", strides=2, padding="same")(encoder_inputs)
h = layers.Conv2D(32, 3, activation="relu", strides=2, padding="same")(h)
h = layers.Flatten()(h)
h = layers.Dense(32, activation="relu")(h)
z_mean = layers.Dense(latent_dim, name="z_mean")(h)
z_log_var = layers.Dense(latent_dim, name="z_log_var", kernel_initializer="zeros")(h)
z = Sampling()([z_mean, z_log_var])
encoder = keras.Model(encoder_inputs, [z_mean, z_log_var, z], name="encoder")

latent_inputs = keras.Input(shape=(latent_dim,))
h = layers.Dense(2 * 2 * 32, activation="relu")(latent_inputs)
h = layers.Reshape((2, 2, 32))(h)
h = layers.Conv2DTranspose(32, 3, activation="relu", strides=2, padding="same")(h)
h = layers.Conv2DTranspose(16, 3, activation="relu", strides=2, padding="same")(h)
decoder_outputs = layers.Conv2DTranspose(1, 3, activation="sigmoid", padding="same")(h)
decoder = keras.Model(latent_inputs, decoder_outputs, name="decoder")


class VAE(keras.Model):
    def __init__(self, encoder, decoder, **kwargs):
        super().__init__(**kwargs)
        self.encoder = encoder
        self.decoder = decoder
        self.variance = layers.Activation("exponential")

    def call(self, inputs, training=None):
        z_mean, z_log_var, z = self.encoder(inputs, training=training)
        variance = self.variance(z_log_var)
        return {"decoded": self.decoder(z), "mean": z_mean, "variance": variance}


vae = VAE(encoder, decoder)
vae.compile(
    optimizer=keras.optimizers.Adam(5e-3),
    loss={"decoded": "binary_crossentropy", "mean": "mse", "variance": "poisson"},
    loss_weights={"decoded": 8 * 8, "mean": latent_dim / 2, "variance": latent_dim / 2},
)
shape = (len(x_train), latent_dim)
targets = {"decoded": x_train, "mean": np.zeros(shape), "variance": np.ones(shape)}
vae.fit(x_train, targets, epochs=25, batch_size=64, verbose=0)

codes = encoder.predict(x_test, verbose=0)[0]
again = decoder.predict(codes, verbose=0)
known = KNeighborsClassifier(3).fit(encoder.predict(x_train, verbose=0)[0], y_train)
# Where codes of all digits lie normally distributed, what is drawn there looks like digits.
drawn = decoder.predict(np.random.default_rng(0).normal(size=(200, latent_dim)), verbose=0)
nearest = ((drawn.reshape(200, 1, -1) - x_train.reshape(1, 1400, -1)) ** 2).mean(-1).min(1)
off = ((again - x_test) ** 2).sum() / ((x_test - x_train.mean(0)) ** 2).sum()
scores = {
    "explained": float(off < 0.6),
    "codes": float(known.score(codes, y_test) > 0.7),
    "drawn": float(1 - nearest.mean() / x_train.var(0).mean()),
    "spread": float(0.5 < codes.std() < 1.5 and abs(codes.mean()) < 0.3),
}
