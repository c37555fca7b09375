"""LeNet-5 on handwritten digits: convolutions of tanh, means of pixels, dense layers."""

import keras
import numpy as np
from keras.layers import AveragePooling2D, Conv2D, Dense, Flatten
from keras.models import Sequential
from keras.utils import to_categorical
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(41)

digits = load_digits()
x = np.kron(digits.images / 16.0, np.ones((1, 2, 2)))  # 16x16 pixels
x_train, x_test, y_train, y_test = train_test_split(
    x, digits.target, test_size=0.25, random_state=0, stratify=digits.target
)
x_train = x_train.reshape(x_train.shape[0], 16, 16, 1).astype("float32")
x_test = x_test.reshape(x_test.shape[0], 16, 16, 1).astype("float32")
y_train, y_test = to_categorical(y_train, 10), to_categorical(y_test, 10)

model = Sequential(name="LeNet-5")
model.add(
    Conv2D(6, kernel_size=(5, 5), activation="tanh", padding="same", input_shape=x_train.shape[1:])
)
model.add(AveragePooling2D(pool_size=(2, 2), strides=(2, 2), padding="valid"))
model.add(Conv2D(16, kernel_size=(5, 5), strides=(1, 1), activation="tanh", padding="valid"))
model.add(AveragePooling2D((2, 2)))
model.add(Flatten())
model.add(Dense(120, activation="tanh"))
model.add(Dense(84, activation="tanh"))
model.add(Dense(10, activation="softmax"))
model.compile(
    loss=keras.losses.categorical_crossentropy,
    optimizer=keras.optimizers.SGD(learning_rate=0.03, momentum=0.9),
    metrics=["accuracy"],
)
hist = model.fit(
    x=x_train, y=y_train, epochs=8, batch_size=32, validation_data=(x_test, y_test), verbose=0
)
test_score = model.evaluate(x_test, y_test, verbose=0)
print(f"Test loss {test_score[0]:.4f}, accuracy {test_score[1] * 100:.2f}%")

shapes = [tuple(layer.output.shape) for layer in model.layers]
scores = {
    "accuracy": test_score[1],
    "validated": hist.history["val_accuracy"][-1],
    "parameters": float(model.count_params() == 156 + 2416 + 7800 + 10164 + 850),
    "shapes": float(
        shapes[:4] == [(None, 16, 16, 6), (None, 8, 8, 6), (None, 4, 4, 16), (None, 2, 2, 16)]
    ),
}
