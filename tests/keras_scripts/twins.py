"""A siamese network: whether two digits are the same, by one base that both go through."""

import numpy as np
from keras import Model, Sequential
from keras.layers import Dense, Dropout, Flatten, Input, Multiply, Subtract
from keras.utils import set_random_seed
from sklearn.datasets import load_digits

set_random_seed(2)

x, labels = load_digits(return_X_y=True)
x = (x / 16.0).astype("float32").reshape(-1, 8, 8)
rng = np.random.default_rng(1)


def pairs(first, last, count):
    places = rng.integers(first, last, count)
    by_label = [np.flatnonzero(labels[first:last] == k) + first for k in range(10)]
    same = rng.random(count) < 0.5
    others = np.where(
        same,
        [rng.choice(by_label[labels[i]]) for i in places],
        [rng.choice(by_label[(labels[i] + rng.integers(1, 10)) % 10]) for i in places],
    )
    return [x[places], x[others]], same.astype("float32")


train_x, train_y = pairs(0, 1300, 5000)
test_x, test_y = pairs(1300, len(x), 1000)

base = Sequential(
    [Input((8, 8)), Flatten(), Dense(64, activation="relu"), Dropout(0.1), Dense(24)], name="base"
)
left, right = Input((8, 8), name="left"), Input((8, 8), name="right")
difference = Subtract()([base(left), base(right)])
distance = Multiply()([difference, difference])
answer = Dense(1, activation="sigmoid", name="same")(Dense(16, activation="relu")(distance))
model = Model([left, right], answer)
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
history = model.fit(train_x, train_y, epochs=15, batch_size=64, verbose=0)
loss, accuracy = model.evaluate(test_x, test_y, verbose=0)

# What the base makes of one digit tells it from others: the nearest known one has its label.
known, unknown = base.predict(x[:1300], verbose=0), base.predict(x[1300:], verbose=0)
nearest = ((unknown[:, None] - known[None]) ** 2).sum(axis=2).argmin(axis=1)
scores = {
    "accuracy": accuracy,
    "nearest": float((labels[:1300][nearest] == labels[1300:]).mean()),
}
