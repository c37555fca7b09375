"""Inception blocks: windows of several sizes side by side, their channels joined; two heads."""

import keras
import numpy as np
from keras.layers import (
    Concatenate,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    Input,
    MaxPooling2D,
    Rescaling,
)
from keras.models import Model
from sklearn.datasets import load_digits

keras.utils.set_random_seed(44)

digits = load_digits()
images, labels = np.expand_dims(digits.images, axis=3), digits.target
train_images, train_labels = images[:1400], labels[:1400]
test_images, test_labels = images[1400:], labels[1400:]


def inception_module(x, f1, f3_reduce, f3, f5_reduce, f5, pool_proj, name=None):
    conv_1x1 = Conv2D(f1, (1, 1), padding="same", activation="relu")(x)

    conv_3x3 = Conv2D(f3_reduce, (1, 1), padding="same", activation="relu")(x)
    conv_3x3 = Conv2D(f3, (3, 3), padding="same", activation="relu")(conv_3x3)

    conv_5x5 = Conv2D(f5_reduce, (1, 1), padding="same", activation="relu")(x)
    conv_5x5 = Conv2D(f5, (5, 5), padding="same", activation="relu")(conv_5x5)

    pool = MaxPooling2D((3, 3), strides=(1, 1), padding="same")(x)
    pool = Conv2D(pool_proj, (1, 1), padding="same", activation="relu")(pool)

    return Concatenate(axis=-1, name=name)([conv_1x1, conv_3x3, conv_5x5, pool])


input_layer = Input(shape=(8, 8, 1))
x = Rescaling(1.0 / 16)(input_layer)
x = Conv2D(16, (3, 3), padding="same", activation="relu", name="conv_1_3x3")(x)
x = inception_module(x, 8, 8, 16, 4, 8, 8, name="inception_3a")
x = MaxPooling2D((2, 2), name="max_pool_3x3")(x)

x1 = Conv2D(16, (1, 1), activation="relu")(x)
x1 = Flatten()(x1)
x1 = Dropout(0.3)(x1)
x1 = Dense(10, activation="softmax", name="auxiliary_output")(x1)

x = inception_module(x, 16, 12, 24, 4, 8, 8, name="inception_4a")
x = GlobalAveragePooling2D(name="avg_pool")(x)
x = Dropout(0.2)(x)
x = Dense(10, activation="softmax", name="output")(x)

model = Model(input_layer, [x, x1], name="inception")
model.compile(
    loss=["sparse_categorical_crossentropy", "sparse_categorical_crossentropy"],
    loss_weights=[1, 0.3],
    optimizer=keras.optimizers.Adam(8e-3),
    metrics=[["accuracy"], ["accuracy"]],
)
history = model.fit(
    train_images,
    [train_labels, train_labels],
    validation_data=(test_images, [test_labels, test_labels]),
    epochs=6,
    batch_size=32,
    verbose=0,
)
results = model.evaluate(test_images, [test_labels, test_labels], verbose=0, return_dict=True)
main, auxiliary = model.predict(test_images, verbose=0)
scores = {
    "accuracy": results["output_accuracy"],
    "auxiliary": results["auxiliary_output_accuracy"],
    "together": float(((main + auxiliary).argmax(axis=1) == test_labels).mean()),
    "joined": float(tuple(model.get_layer("inception_3a").output.shape) == (None, 8, 8, 40)),
}
