"""Sixty noisy labels and a network too large for them: penalties, dropout and a stop help."""

import keras
from keras import layers, regularizers
from sklearn.datasets import make_moons

keras.utils.set_random_seed(5)

x, y = make_moons(n_samples=1060, noise=0.25, random_state=1)
x_train, y_train, x_test, y_test = x[:60], y[:60], x[60:], y[60:]


def plain():
    return keras.Sequential(
        [
            keras.Input((2,)),
            layers.Dense(64, activation="elu"),
            layers.Dense(64, activation="elu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


def penalised():
    return keras.Sequential(
        [
            keras.Input((2,)),
            layers.Dense(64, activation="elu", kernel_regularizer=regularizers.l2(0.001)),
            layers.Dense(
                64,
                activation="elu",
                kernel_regularizer=regularizers.L1L2(l1=1e-5, l2=1e-3),
                activity_regularizer=regularizers.l2(1e-5),
            ),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


def dropped():
    return keras.Sequential(
        [
            keras.Input((2,)),
            layers.GaussianNoise(0.05),
            layers.Dense(64, activation="elu", kernel_constraint=keras.constraints.MaxNorm(3.0)),
            layers.Dropout(0.4),
            layers.Dense(64, activation="elu"),
            layers.AlphaDropout(0.1),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


lr_schedule = keras.optimizers.schedules.InverseTimeDecay(
    0.01, decay_steps=200, decay_rate=1, staircase=False
)
scores, size_histories = {}, {}
for make in (plain, penalised, dropped):
    model = make()
    model.compile(
        optimizer=keras.optimizers.Adam(lr_schedule),
        loss="binary_crossentropy",
        metrics=[
            keras.losses.BinaryCrossentropy(name="binary_crossentropy"),
            keras.metrics.BinaryAccuracy(name="accuracy"),
        ],
    )
    size_histories[make.__name__] = model.fit(
        x_train,
        y_train,
        epochs=40,
        batch_size=20,
        validation_data=(x_test, y_test),
        verbose=0,
        callbacks=[keras.callbacks.EarlyStopping("val_binary_crossentropy", patience=25)],
    )
    results = model.evaluate(x_test, y_test, batch_size=100, verbose=0, return_dict=True)
    scores[make.__name__] = results["accuracy"]
    if make is plain:
        scores["the loss alone"] = float(
            abs(results["loss"] - results["binary_crossentropy"]) < 1e-3
        )
    if make is penalised:
        scores["penalties"] = float(results["loss"] > results["binary_crossentropy"] + 1e-3)
history = size_histories["penalised"]
