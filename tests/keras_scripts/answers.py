"""Two answers to one image, which digit and how much ink: branches behind a common trunk."""

import keras
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(21)

images, digits = load_digits(return_X_y=True)
images = (images / 16.0).astype("float32")
ink = images.mean(axis=1, keepdims=True) * 10
train, test = slice(0, 1400), slice(1400, None)

image = keras.Input(shape=(64,), name="image")
trunk = layers.Dense(64, activation="relu", name="trunk_1")(image)
trunk = layers.Dense(32, activation="relu", name="trunk_2")(trunk)
digit = layers.Dense(10, activation="softmax", name="digit")(trunk)
amount = layers.Dense(16, activation="tanh")(trunk)
amount = layers.Dense(1, name="ink")(amount)
model = keras.Model(inputs=image, outputs=[digit, amount])

model.compile(
    optimizer="adam",
    loss={"digit": "sparse_categorical_crossentropy", "ink": "mse"},
    loss_weights={"digit": 1.0, "ink": 0.5},
    metrics={"digit": "accuracy", "ink": ["mae", keras.metrics.RootMeanSquaredError(name="rmse")]},
)
history = model.fit(
    images[train],
    {"digit": digits[train], "ink": ink[train]},
    validation_split=0.15,
    epochs=25,
    batch_size=32,
    verbose=0,
)
results = model.evaluate(
    images[test], {"digit": digits[test], "ink": ink[test]}, verbose=0, return_dict=True
)
found_digit, found_ink = model.predict(images[test], verbose=0)
r2 = 1 - ((found_ink - ink[test]) ** 2).mean() / ink[test].var()

scores = {
    "accuracy": results["digit_accuracy"],
    "agrees": float((found_digit.argmax(axis=1) == digits[test]).mean()),
    "ink": float(r2),
    "sum": float(
        abs(results["loss"] - results["digit_loss"] - 0.5 * results["ink_loss"])
        < 0.02 * results["loss"]
    ),
    "rmse": float(abs(results["ink_rmse"] ** 2 - results["ink_loss"]) < 1e-2),
}
names = sorted(results)
