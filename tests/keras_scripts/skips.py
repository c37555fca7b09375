"""Wines by their chemistry: blocks with skips around them, and a rate that falls on plateaus."""

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(1)

x, y = load_wine(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.3, random_state=3)
normalizer = layers.Normalization(axis=-1)
normalizer.adapt(x_train)


def block(x, units, rate):
    shortcut = x
    x = layers.Dense(units)(x)
    x = layers.BatchNormalization()(x)
    x = layers.Activation("relu")(x)
    x = layers.Dropout(rate)(x)
    x = layers.Dense(units)(x)
    x = layers.add([shortcut, x])
    return layers.PReLU()(x)


inputs = keras.Input(shape=(13,))
x = normalizer(inputs)
x = layers.Dense(24, activation="relu", kernel_initializer="he_uniform")(x)
for _ in range(3):
    x = block(x, 24, 0.1)
outputs = layers.Dense(3, activation="softmax", name="kind")(x)
model = keras.Model(inputs=inputs, outputs=outputs, name="skips")
model.compile(
    optimizer=keras.optimizers.RMSprop(1e-3),
    loss="categorical_crossentropy",
    metrics=["accuracy", keras.metrics.TopKCategoricalAccuracy(k=2, name="top2")],
)
history = model.fit(
    x_train,
    keras.utils.to_categorical(y_train, 3),
    batch_size=16,
    epochs=25,
    validation_data=(x_test, keras.utils.to_categorical(y_test, 3)),
    callbacks=[keras.callbacks.ReduceLROnPlateau(factor=0.5, patience=4, min_lr=1e-5)],
    verbose=0,
)
loss, accuracy, top2 = model.evaluate(x_test, keras.utils.to_categorical(y_test, 3), verbose=0)
probabilities = model.predict(x_test, verbose=0)

scores = {
    "accuracy": accuracy,
    "top2": top2,
    "sums": float(np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)),
}
