"""Good or bad, of texts of any length: padding is masked, and two LSTMs read both ways."""

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(12)

max_features, maxlen = 120, 24
rng = np.random.default_rng(1)
x, y = [], []
for _ in range(1100):
    label = int(rng.integers(2))
    review = rng.integers(20, max_features, size=rng.integers(6, maxlen + 1))
    # The last word of the first third that means something says it.
    place = int(rng.integers(0, max(1, len(review) // 3)))
    review[place] = rng.integers(1, 10) if label else rng.integers(10, 20)
    x.append(review.tolist())
    y.append(label)
x = keras.utils.pad_sequences(x, maxlen=maxlen, padding="post")
y = np.array(y, "float32")
x_train, y_train, x_val, y_val = x[:800], y[:800], x[800:], y[800:]

inputs = keras.Input(shape=(maxlen,), dtype="int32")
x = layers.Embedding(max_features, 16, mask_zero=True)(inputs)
x = layers.SpatialDropout1D(0.1)(x)
x = layers.Bidirectional(layers.LSTM(16, return_sequences=True))(x)
x = layers.Bidirectional(layers.LSTM(16))(x)
outputs = layers.Dense(1, activation="sigmoid")(x)
model = keras.Model(inputs, outputs)
model.compile(keras.optimizers.Adam(1e-2), "binary_crossentropy", metrics=["accuracy"])
history = model.fit(
    x_train, y_train, batch_size=32, epochs=5, validation_data=(x_val, y_val), verbose=0
)
told = model.predict(x_val, verbose=0)
# What is padded says nothing: more of it changes nothing.
longer = keras.Input(shape=(maxlen + 6,), dtype="int32")
again = longer
for layer in model.layers:
    if not isinstance(layer, layers.InputLayer):
        again = layer(again)
padded = keras.Model(longer, again).predict(np.pad(x_val, ((0, 0), (0, 6))), verbose=0)

scores = {
    "accuracy": model.evaluate(x_val, y_val, verbose=0)[1],
    "padding": float(np.allclose(told, padded, atol=1e-5)),
}
