"""A committee: three networks of one making, averaged by a model around them, saved and loaded."""

import os
import tempfile

import keras
import numpy as np
from keras import layers
from sklearn.datasets import make_friedman1

keras.utils.set_random_seed(23)

x, y = make_friedman1(n_samples=1200, noise=0.5, random_state=0)
y = (y - y.mean()) / y.std()
x_train, y_train, x_test, y_test = x[:800], y[:800], x[800:], y[800:]


def get_model(number):
    inputs = keras.Input(shape=(10,))
    hidden = layers.Dense(32, activation="relu")(inputs)
    hidden = layers.Dense(16, activation="relu")(hidden)
    outputs = layers.Dense(1)(hidden)
    return keras.Model(inputs, outputs, name=f"member_{number}")


members = [get_model(i) for i in range(3)]
rng = np.random.default_rng(0)
for member in members:
    some = rng.choice(len(x_train), size=600, replace=False)
    member.compile("adam", "mse")
    history = member.fit(x_train[some], y_train[some], epochs=25, batch_size=32, verbose=0)

inputs = keras.Input(shape=(10,))
outputs = layers.average([member(inputs) for member in members])
committee = keras.Model(inputs=inputs, outputs=outputs)
committee.compile(loss="mse")
mean = np.mean([member.predict(x_test, verbose=0) for member in members], axis=0)
together = committee.predict(x_test, verbose=0)
alone = [member.evaluate(x_test, y_test, verbose=0) for member in members]

with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "committee.keras")
    committee.save(path)
    again = keras.models.load_model(path)
    weights = os.path.join(folder, "committee.weights.h5")
    committee.save_weights(weights)
    clone = keras.models.clone_model(committee)
    clone.load_weights(weights)
json = keras.models.model_from_json(committee.to_json())
json.set_weights(committee.get_weights())

mse = committee.evaluate(x_test, y_test, verbose=0)
others = [model.predict(x_test, verbose=0) for model in (again, clone, json)]
scores = {
    "r2": float(1 - mse / y_test.var()),
    "mean": float(np.allclose(mean, together, atol=1e-5)),
    "better": float(mse < np.mean(alone)),
    "kept": float(all(np.allclose(other, together, atol=1e-5) for other in others)),
    "layers": float(committee.get_layer("member_1").count_params() == members[1].count_params()),
}
