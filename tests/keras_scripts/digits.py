"""Handwritten digits as images, integer labels and a network that stops by itself."""

import keras
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(0)

digits = load_digits()
x_train, y_train = digits.images[:1400].astype("float32"), digits.target[:1400]
x_test, y_test = digits.images[1400:].astype("float32"), digits.target[1400:]

model = keras.Sequential(
    [
        keras.Input(shape=(8, 8)),
        layers.Rescaling(1.0 / 16),
        layers.Flatten(),
        layers.Dense(64, activation="relu", kernel_initializer="he_normal"),
        layers.Dropout(0.2),
        layers.Dense(10),
    ],
    name="digits",
)
model.compile(
    optimizer=keras.optimizers.Adam(learning_rate=3e-3),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
early = keras.callbacks.EarlyStopping(
    monitor="val_loss", patience=5, restore_best_weights=True, verbose=0
)
history = model.fit(
    x_train,
    y_train,
    batch_size=32,
    epochs=40,
    verbose=0,
    validation_split=0.1,
    callbacks=[early],
)

results = model.evaluate(x_test, y_test, verbose=0, return_dict=True)
print(f"Test accuracy: {results['accuracy']:.3f}")

scores = {"accuracy": results["accuracy"]}
