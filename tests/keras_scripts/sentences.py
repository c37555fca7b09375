"""Good or bad? Sequences of word ids as IMDB's reviews are: a convolution, pooling and an LSTM."""

import numpy as np
from keras.layers import LSTM, Conv1D, Dense, Dropout, Embedding, MaxPooling1D
from keras.models import Sequential
from keras.utils import pad_sequences, set_random_seed

set_random_seed(7)

max_features = 200  # words
maxlen = 40  # of a review
embedding_dim = 16

# Ids 1 to 9 praise, 10 to 19 blame, the others say nothing; "not" (20) turns what follows.
rng = np.random.default_rng(0)
reviews, labels = [], []
for _ in range(1500):
    review = rng.integers(21, max_features, size=rng.integers(10, 60)).tolist()
    label = int(rng.integers(0, 2))
    for place in rng.integers(0, len(review) - 1, size=6):
        negated = rng.random() < 0.3
        praise = bool(label) != negated
        review[place] = 20 if negated else review[place]
        review[place + 1] = int(rng.integers(1, 10) if praise else rng.integers(10, 20))
    reviews.append(review)
    labels.append(label)
x = pad_sequences(reviews, maxlen=maxlen)
y = np.array(labels)
x_train, y_train, x_test, y_test = x[:1200], y[:1200], x[1200:], y[1200:]

model = Sequential()
model.add(Embedding(max_features, embedding_dim))
model.add(Dropout(0.2))
model.add(Conv1D(32, 5, padding="valid", activation="relu", strides=1))
model.add(MaxPooling1D(pool_size=4))
model.add(LSTM(24))
model.add(Dense(1, activation="sigmoid"))
model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])

history = model.fit(x_train, y_train, batch_size=32, epochs=6, validation_split=0.1, verbose=0)
loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
sentiment = (model.predict(x_test, verbose=0) > 0.5).astype("int32").ravel()

scores = {"accuracy": accuracy, "predictions": float((sentiment == y_test).mean())}
