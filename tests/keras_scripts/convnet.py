"""A simple convnet of digits, bytes to probabilities, with a drop of half before the last layer."""

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(42)

# Model / data parameters
num_classes = 10
input_shape = (8, 8, 1)

images, labels = load_digits().images.astype("uint8"), load_digits().target
x_train, y_train, x_test, y_test = images[:1400], labels[:1400], images[1400:], labels[1400:]

# Scale images to the [0, 1] range
x_train = x_train.astype("float32") / 16
x_test = x_test.astype("float32") / 16
# Make sure images have shape (8, 8, 1)
x_train = np.expand_dims(x_train, -1)
x_test = np.expand_dims(x_test, -1)

# convert class vectors to binary class matrices
y_train = keras.utils.to_categorical(y_train, num_classes)
y_test = keras.utils.to_categorical(y_test, num_classes)

model = keras.Sequential(
    [
        keras.Input(shape=input_shape),
        layers.Conv2D(32, kernel_size=(3, 3), activation="relu"),
        layers.MaxPooling2D(pool_size=(2, 2)),
        layers.Conv2D(32, kernel_size=(3, 3), activation="relu"),
        layers.GlobalAveragePooling2D(),
        layers.Dropout(0.5),
        layers.Dense(num_classes, activation="softmax"),
    ]
)
model.summary(print_fn=lambda line, **_: None)

batch_size = 64
epochs = 10
model.compile(
    loss="categorical_crossentropy", optimizer=keras.optimizers.Adam(5e-3), metrics=["accuracy"]
)
model.fit(x_train, y_train, batch_size=batch_size, epochs=epochs, validation_split=0.1, verbose=0)
score = model.evaluate(x_test, y_test, verbose=0)

# What the first layers make of a digit.
extractor = keras.Model(inputs=model.inputs, outputs=[layer.output for layer in model.layers[:3]])
maps = extractor.predict(x_test[:2], verbose=0)
kernel, bias = model.layers[0].get_weights()
scores = {
    "accuracy": score[1],
    "maps": float([m.shape for m in maps] == [(2, 6, 6, 32), (2, 3, 3, 32), (2, 1, 1, 32)]),
    "pooled": float(np.allclose(maps[0].reshape(2, 3, 2, 3, 2, 32).max((2, 4)), maps[1])),
    "kernels": float(kernel.shape == (3, 3, 1, 32) and bias.shape == (32,)),
}
