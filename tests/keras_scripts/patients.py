"""Columns of a table, each in its way: numbers scaled, ages in bins, categories as rows of ones."""

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(16)

rng = np.random.default_rng(6)
n = 1600
age = rng.integers(20, 90, size=n).astype("float32")
pressure = rng.normal(130, 18, size=n).astype("float32")
sugar = rng.normal(95, 25, size=n).astype("float32")
pain = rng.integers(0, 4, size=n)
clinic = rng.integers(0, 5, size=n)
risk = 0.02 * (pressure - 130) + 0.8 * (pain == 2) - 0.8 * (clinic == 1) + ((age > 45) & (age < 65))
target = (risk + 0.3 * rng.normal(size=n) > 0.3).astype("int32")
train, test = slice(0, 1200), slice(1200, None)

numbers = np.stack([pressure, sugar], axis=1)
normalizer = layers.Normalization()
normalizer.adapt(numbers[train])
bins = layers.Discretization(bin_boundaries=[30.0, 45.0, 55.0, 65.0, 80.0], output_mode="one_hot")
pains = layers.CategoryEncoding(num_tokens=4, output_mode="one_hot")
clinics = layers.CategoryEncoding(num_tokens=5, output_mode="multi_hot")


def encoded(rows):
    return {
        "numbers": numbers[rows],
        "age": np.asarray(bins(age[rows].reshape(-1, 1))),
        "pain": np.asarray(pains(pain[rows].reshape(-1, 1))),
        "clinic": np.asarray(clinics(clinic[rows].reshape(-1, 1))),
    }


all_inputs = {
    "numbers": keras.Input(shape=(2,), name="numbers"),
    "age": keras.Input(shape=(6,), name="age"),
    "pain": keras.Input(shape=(4,), name="pain"),
    "clinic": keras.Input(shape=(5,), name="clinic"),
}
scaled = normalizer(all_inputs["numbers"])
features = layers.concatenate([scaled, all_inputs["age"], all_inputs["pain"], all_inputs["clinic"]])
x = layers.Dense(32, activation="relu")(features)
x = layers.Dropout(0.2)(x)
output = layers.Dense(1, activation="sigmoid")(x)
model = keras.Model(all_inputs, output)
model.compile("adam", "binary_crossentropy", metrics=["accuracy", "auc"])
history = model.fit(encoded(train), target[train], epochs=20, batch_size=32, verbose=0)
results = model.evaluate(encoded(test), target[test], verbose=0, return_dict=True)

sample = {name: values[:1] for name, values in encoded(test).items()}
probability = float(model.predict(sample, verbose=0)[0][0])
ages = np.asarray(bins(np.array([[20.0], [50.0], [90.0]])))
scores = {
    "accuracy": results["accuracy"],
    "bins": float(np.array_equal(ages.argmax(axis=1), [0, 2, 5])),
    "probability": float(0 < probability < 1),
    "scaled": float(np.allclose(np.asarray(normalizer(numbers[train])).mean(axis=0), 0, atol=1e-3)),
}
