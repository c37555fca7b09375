"""House prices (made up): a wide and a deep path to one output, by the functional API."""

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(3)

rng = np.random.default_rng(0)
X = rng.normal(size=(900, 6)).astype("float32")
y = X[:, 0] - 0.5 * X[:, 1] + np.tanh(2 * X[:, 2] * X[:, 3]) + 0.05 * rng.normal(size=900)
X_train, X_test, y_train, y_test = X[:700], X[700:], y[:700], y[700:]

input_wide = layers.Input(shape=(4,), name="wide_input")
input_deep = layers.Input(shape=(5,), name="deep_input")
hidden1 = layers.Dense(30, activation="relu")(input_deep)
hidden2 = layers.Dense(30, activation="relu")(hidden1)
concat = layers.concatenate([input_wide, hidden2])
output = layers.Dense(1, name="main")(concat)
aux_output = layers.Dense(1, name="aux")(hidden2)
model = keras.Model(inputs=[input_wide, input_deep], outputs=[output, aux_output])
model.summary()
model.compile(
    loss=["mse", "mse"],
    loss_weights=[0.9, 0.1],
    optimizer=keras.optimizers.Adam(learning_rate=1e-2),
    metrics={"main": ["mae"]},
)


def split(X):
    return X[:, :4], X[:, 1:]


history = model.fit(
    split(X_train),
    [y_train, y_train],
    batch_size=64,
    epochs=40,
    validation_split=0.1,
    verbose=0,
    callbacks=[keras.callbacks.EarlyStopping("val_main_loss", patience=10, mode="min")],
)
results = model.evaluate(split(X_test), [y_test, y_test], verbose=0, return_dict=True)
main, aux = model.predict(split(X_test), verbose=0)
residual = ((main[:, 0] - y_test) ** 2).mean()

scores = {
    "r2": float(1 - residual / y_test.var()),
    "aux is worse": float(((aux[:, 0] - y_test) ** 2).mean() > residual),
    "same": float(abs(results["main_loss"] - residual) < 1e-4),
}
