"""Siamese convolutions: digits of one kind lie close, by a contrastive loss of the distance."""

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(46)

epochs = 8
batch_size = 64

digits = load_digits()
x = (digits.images / 16.0).astype("float32")[..., np.newaxis]
y = digits.target
rng = np.random.default_rng(5)


def make_pairs(x, y, times):
    """Pairs of images, and 1 for those of different digits."""
    num_classes = max(y) + 1
    digit_indices = [np.where(y == i)[0] for i in range(num_classes)]
    pairs = []
    labels = []
    for _ in range(times):
        for idx1 in range(len(x)):
            x1 = x[idx1]
            label1 = y[idx1]
            idx2 = rng.choice(digit_indices[label1])
            pairs += [[x1, x[idx2]]]
            labels += [0]

            label2 = (label1 + rng.integers(1, num_classes)) % num_classes
            idx2 = rng.choice(digit_indices[label2])
            pairs += [[x1, x[idx2]]]
            labels += [1]
    return np.array(pairs), np.array(labels).astype("float32")


pairs_train, labels_train = make_pairs(x[:1300], y[:1300], 1)
pairs_test, labels_test = make_pairs(x[1300:], y[1300:], 1)

input = layers.Input((8, 8, 1))
h = layers.BatchNormalization()(input)
h = layers.Conv2D(8, (3, 3), activation="relu")(h)
h = layers.AveragePooling2D(pool_size=(2, 2))(h)
h = layers.Conv2D(16, (2, 2), activation="relu")(h)
h = layers.Flatten()(h)
h = layers.BatchNormalization()(h)
h = layers.Dense(24, activation="tanh")(h)
embedding_network = keras.Model(input, h)

input_1 = layers.Input((8, 8, 1))
input_2 = layers.Input((8, 8, 1))
tower_1 = embedding_network(input_1)
tower_2 = embedding_network(input_2)

difference = layers.Subtract()([tower_1, tower_2])
merge_layer = layers.Dot(axes=1)([difference, difference])
normal_layer = layers.BatchNormalization()(merge_layer)
output_layer = layers.Dense(1, activation="sigmoid", kernel_initializer="ones")(normal_layer)
siamese = keras.Model(inputs=[input_1, input_2], outputs=output_layer)
siamese.compile(
    loss="binary_crossentropy", optimizer=keras.optimizers.RMSprop(3e-3), metrics=["accuracy"]
)

history = siamese.fit(
    [pairs_train[:, 0], pairs_train[:, 1]],
    labels_train,
    validation_data=([pairs_test[:, 0], pairs_test[:, 1]], labels_test),
    batch_size=batch_size,
    epochs=epochs,
    verbose=0,
)
loss, accuracy = siamese.evaluate([pairs_test[:, 0], pairs_test[:, 1]], labels_test, verbose=0)
one_way = siamese.predict([pairs_test[:9, 0], pairs_test[:9, 1]], verbose=0)
other_way = siamese.predict([pairs_test[:9, 1], pairs_test[:9, 0]], verbose=0)
scores = {
    "accuracy": accuracy,
    "both ways": float(np.allclose(one_way, other_way, atol=1e-5)),
    "one network": float(len(embedding_network.get_weights()) == 14),
}
