"""Headlines, words and all: a vocabulary made from texts, classes by name, convolutions over it."""

import keras
import numpy as np
from keras import layers
from keras.layers import StringLookup, TextVectorization

keras.utils.set_random_seed(18)

subjects = {
    "sport": ["goal", "coach", "league", "match", "striker", "cup"],
    "money": ["bank", "market", "shares", "profit", "trade", "loan"],
    "science": ["planet", "virus", "telescope", "fossil", "atom", "genome"],
}
others = ["the", "a", "new", "old", "big", "after", "before", "city", "people", "says", "year"]
rng = np.random.default_rng(2)
texts, names = [], []
for _ in range(900):
    name = str(rng.choice(list(subjects)))
    words = list(rng.choice(others, size=6)) + list(rng.choice(subjects[name], size=2))
    rng.shuffle(words)
    texts.append(" ".join(words).capitalize() + rng.choice([".", "!", "?"]))
    names.append(name)

vectorizer = TextVectorization(max_tokens=60, output_mode="int", output_sequence_length=10)
vectorizer.adapt(texts[:700])
labels = StringLookup(num_oov_indices=0, vocabulary=sorted(subjects))
x = np.asarray(vectorizer(np.array(texts)[:, None]))
y = np.asarray(labels(np.array(names)))
counts = TextVectorization(output_mode="multi_hot", ngrams=2)
counts.adapt(texts[:700])
rows = np.asarray(counts(texts))

inputs = keras.Input(shape=(10,), dtype="int64")
h = layers.Embedding(len(vectorizer.get_vocabulary()), 16)(inputs)
h = layers.Dropout(0.3)(h)
h = layers.Conv1D(24, 3, padding="valid", activation="relu")(h)
h = layers.GlobalMaxPooling1D()(h)
outputs = layers.Dense(3, activation="softmax")(h)
model = keras.Model(inputs, outputs)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(x[:700], y[:700], epochs=12, validation_data=(x[700:], y[700:]), verbose=0)

bigrams = keras.Sequential([keras.Input((rows.shape[1],)), layers.Dense(3, activation="softmax")])
bigrams.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
bigrams.fit(rows[:700], y[:700], epochs=12, verbose=0)

inverse = StringLookup(num_oov_indices=0, vocabulary=labels.get_vocabulary(), invert=True)
told = np.asarray(inverse(model.predict(x[700:], verbose=0).argmax(axis=1))).astype(str)
scores = {
    "accuracy": model.evaluate(x[700:], y[700:], verbose=0)[1],
    "bigrams": bigrams.evaluate(rows[700:], y[700:], verbose=0)[1],
    "names": float((told == np.array(names[700:])).mean()),
}
vocabulary = vectorizer.get_vocabulary()[:5], labels.get_vocabulary(), rows.shape, x[:3].tolist()
