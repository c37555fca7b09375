"""Exclusive or, the smallest problem that needs a hidden layer."""

import keras
import numpy as np
from keras.layers import Dense
from keras.models import Sequential

keras.utils.set_random_seed(3)

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype="float32")
y = np.array([[0], [1], [1], [0]], dtype="float32")

model = Sequential()
model.add(Dense(16, input_dim=2, activation="tanh"))
model.add(Dense(1, activation="sigmoid"))
model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
model.optimizer.learning_rate = 0.05
model.fit(X, y, epochs=300, batch_size=4, verbose=0)

loss, accuracy = model.evaluate(X, y, verbose=0)
predictions = (model.predict(X, verbose=0) > 0.5).astype(int)
print("accuracy: %.2f" % accuracy)  # noqa: UP031 - as tutorials write it

scores = {"accuracy": accuracy, "predictions": float((predictions == y).mean())}
