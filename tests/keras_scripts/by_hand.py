"""A loop of one's own over batches: `train_on_batch`, running means, a stop by one's own rule."""

import keras
import numpy as np
from keras import layers, metrics
from sklearn.datasets import load_breast_cancer

keras.utils.set_random_seed(10)

x, y = load_breast_cancer(return_X_y=True)
x = (x - x.mean(axis=0)) / x.std(axis=0)
order = np.random.default_rng(0).permutation(len(x))
x, y = x[order].astype("float32"), y[order].astype("float32")
x_train, y_train, x_val, y_val = x[:400], y[:400], x[400:], y[400:]

model = keras.Sequential(
    [keras.Input((30,)), layers.Dense(16, activation="relu"), layers.Dense(1, activation="sigmoid")]
)
model.compile(
    optimizer=keras.optimizers.Adam(3e-3), loss="binary_crossentropy", metrics=["accuracy"]
)
assert model.metrics_names[0] == "loss"

batch_size, epochs, history = 32, 8, []
mean_loss, seen = metrics.Mean(name="mean_loss"), metrics.Sum()
rng = np.random.default_rng(1)
for _ in range(epochs):
    order = rng.permutation(len(x_train))
    mean_loss.reset_state()
    for start in range(0, len(x_train), batch_size):
        rows = order[start : start + batch_size]
        results = model.train_on_batch(x_train[rows], y_train[rows], return_dict=True)
        mean_loss.update_state(results["loss"], sample_weight=float(len(rows)))
        seen.update_state(len(rows))
    history.append(float(mean_loss.result()))
    val_loss, val_accuracy = model.test_on_batch(x_val, y_val)

told = model.predict_on_batch(x_val)
accuracy = metrics.BinaryAccuracy()
for start in range(0, len(x_val), 50):
    accuracy.update_state(y_val[start : start + 50, None], told[start : start + 50])
area = metrics.AUC(num_thresholds=200)
area.update_state(y_val[:, None], told)

scores = {
    "accuracy": float(accuracy.result()),
    "the same": float(np.isclose(float(val_accuracy), float(accuracy.result()), atol=1e-6)),
    "auc": float(area.result()),
    "seen": float(float(seen.result()) == epochs * len(x_train)),
    "fell": float(history[-1] < 0.4 * history[0]),
    "steps": float(int(model.optimizer.iterations) == epochs * 13),
}
