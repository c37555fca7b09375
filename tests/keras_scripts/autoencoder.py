"""An autoencoder of digits by the functional API; encoder and decoder are models of their own."""

import keras
from keras import layers
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

keras.utils.set_random_seed(4)

x, labels = load_digits(return_X_y=True)
x = x / 16.0
x_train, x_test = x[:1400], x[1400:]

encoding_dim = 12
input_img = keras.Input(shape=(64,))
encoded = layers.Dense(32, activation="relu")(input_img)
encoded = layers.Dense(encoding_dim, activation="relu")(encoded)
decoded = layers.Dense(32, activation="relu")(encoded)
decoded = layers.Dense(64, activation="sigmoid")(decoded)

autoencoder = keras.Model(input_img, decoded)
encoder = keras.Model(input_img, encoded)
encoded_input = keras.Input(shape=(encoding_dim,))
decoder = keras.Model(encoded_input, autoencoder.layers[-1](autoencoder.layers[-2](encoded_input)))
autoencoder.compile(optimizer="adam", loss="mse")
history = autoencoder.fit(
    x_train,
    x_train,
    epochs=60,
    batch_size=64,
    shuffle=True,
    validation_data=(x_test, x_test),
    verbose=0,
)

codes = encoder.predict(x_test, verbose=0)
again = decoder.predict(codes, verbose=0)
whole = autoencoder.predict(x_test, verbose=0)
classifier = LogisticRegression(max_iter=2000).fit(
    encoder.predict(x_train, verbose=0), labels[:1400]
)
scores = {
    "explained": float(1 - ((whole - x_test) ** 2).sum() / ((x_test - x_test.mean(0)) ** 2).sum()),
    "both ways": float(abs(again - whole).max() < 1e-5),
    "codes": float(classifier.score(codes, labels[1400:]) > 0.75),
}
