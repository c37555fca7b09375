"""How a disease went on, by ten numbers: four-fold validation of a small network, by hand."""

import keras
import numpy as np
from keras import layers, models
from sklearn.datasets import load_diabetes
from sklearn.model_selection import KFold

keras.utils.set_random_seed(8)

data, targets = load_diabetes(return_X_y=True, scaled=False)
targets = (targets - targets.mean()) / targets.std()


def build_model():
    model = models.Sequential()
    model.add(layers.Input(shape=(data.shape[1],)))
    model.add(layers.Dense(16, activation="relu"))
    model.add(layers.Dense(16, activation="relu"))
    model.add(layers.Dense(1))
    model.compile(optimizer="rmsprop", loss="mse", metrics=["mae"])
    return model


num_epochs = 25
all_scores, all_mae_histories, told = [], [], np.zeros(len(targets))
for train, held_out in KFold(n_splits=4, shuffle=True, random_state=0).split(data):
    mean, std = data[train].mean(axis=0), data[train].std(axis=0)
    model = build_model()
    history = model.fit(
        (data[train] - mean) / std,
        targets[train],
        validation_data=((data[held_out] - mean) / std, targets[held_out]),
        epochs=num_epochs,
        batch_size=16,
        verbose=0,
    )
    all_mae_histories.append(history.history["val_mae"])
    val_mse, val_mae = model.evaluate((data[held_out] - mean) / std, targets[held_out], verbose=0)
    all_scores.append(val_mae)
    told[held_out] = model.predict((data[held_out] - mean) / std, verbose=0)[:, 0]

average_mae_history = [np.mean([one[i] for one in all_mae_histories]) for i in range(num_epochs)]
scores = {
    "correlation": float(np.corrcoef(told, targets)[0, 1]),
    "better than the mean": float(np.mean(all_scores) < 0.8 * np.abs(targets).mean()),
    "fell": float(average_mae_history[-1] < average_mae_history[0]),
}
