"""Keras's guide to the functional API: tickets with a title, a text and tags, two answers."""

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(5)

num_tags, num_words, num_departments = 12, 60, 4
rng = np.random.default_rng(0)
title_data = rng.integers(1, num_words, size=(1280, 8))
body_data = rng.integers(1, num_words, size=(1280, 20))
tags_data = rng.integers(2, size=(1280, num_tags)).astype("float32")
# Urgent is what has one of ten words in its title; who answers is told by the tags.
priority_targets = (title_data < 6).any(axis=1).astype("float32").reshape(-1, 1)
who = tags_data[:, :3] @ np.array([2, 1, 1]) % num_departments
dept_targets = keras.utils.to_categorical(who.astype(int), num_classes=num_departments)

title_input = keras.Input(shape=(8,), name="title", dtype="int32")
body_input = keras.Input(shape=(20,), name="body", dtype="int32")
tags_input = keras.Input(shape=(num_tags,), name="tags")
title_features = layers.Embedding(num_words, 16)(title_input)
body_features = layers.Embedding(num_words, 8)(body_input)
title_features = layers.LSTM(24)(title_features)
body_features = layers.LSTM(8)(body_features)
x = layers.concatenate([title_features, body_features, tags_input])
x = layers.Dense(32, activation="relu")(x)
priority_pred = layers.Dense(1, name="priority", activation="sigmoid")(x)
department_pred = layers.Dense(num_departments, name="department")(x)
model = keras.Model(
    inputs=[title_input, body_input, tags_input],
    outputs={"priority": priority_pred, "department": department_pred},
)
model.compile(
    optimizer=keras.optimizers.Adam(5e-3),
    loss={
        "priority": keras.losses.BinaryCrossentropy(from_logits=False),
        "department": keras.losses.CategoricalCrossentropy(from_logits=True),
    },
    loss_weights={"priority": 1.0, "department": 0.5},
    metrics={"priority": ["accuracy"], "department": ["accuracy"]},
)
features = {"title": title_data, "body": body_data, "tags": tags_data}
targets = {"priority": priority_targets, "department": dept_targets}
history = model.fit(features, targets, epochs=20, batch_size=32, verbose=0)
results = model.evaluate(features, targets, verbose=0, return_dict=True)
found = model.predict(features, verbose=0)

scores = {
    "priority": results["priority_accuracy"],
    "department": results["department_accuracy"],
    "predictions": float((found["department"].argmax(1) == dept_targets.argmax(1)).mean()),
}
