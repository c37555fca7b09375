"""One network, many optimizers, and rates that change by a rule: which ones learn these spirals?"""

import keras
import numpy as np
from keras import layers, optimizers

keras.utils.set_random_seed(3)

rng = np.random.default_rng(4)
angle = rng.uniform(0.5, 2.0, size=900)
side = rng.integers(0, 2, size=900)
x = np.stack(
    [angle * np.cos(2 * angle + np.pi * side), angle * np.sin(2 * angle + np.pi * side)], 1
)
x += 0.05 * rng.normal(size=x.shape)
x_train, y_train, x_test, y_test = x[:600], side[:600], x[600:], side[600:]

steps_per_epoch = len(x_train) // 30
schedules = optimizers.schedules
choices = {
    "exponential": optimizers.RMSprop(schedules.ExponentialDecay(0.01, 100, 0.96, staircase=True)),
    "cosine": optimizers.AdamW(
        schedules.CosineDecay(1e-4, 400, warmup_target=0.02, warmup_steps=50), weight_decay=1e-4
    ),
    "pieces": optimizers.SGD(
        schedules.PiecewiseConstantDecay([200, 300], [0.2, 0.1, 0.05]), momentum=0.9, nesterov=True
    ),
    "polynomial": optimizers.Nadam(schedules.PolynomialDecay(0.02, 400, 0.001, power=1.0)),
    "restarts": optimizers.Adam(schedules.CosineDecayRestarts(0.02, 150), amsgrad=True),
    "clipped": optimizers.Adagrad(learning_rate=0.2, clipnorm=1.0),
    "followed": optimizers.Ftrl(learning_rate=0.3),
    "factored": optimizers.Adafactor(learning_rate=0.05, relative_step=False),
}
scores = {}
for name, optimizer in choices.items():
    model = keras.Sequential(
        [
            keras.Input((2,)),
            layers.Dense(32, activation="tanh"),
            layers.Dense(32, activation="tanh"),
            layers.Dense(2, activation="softmax"),
        ]
    )
    model.compile(optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x_train, y_train, batch_size=30, epochs=20, verbose=0)
    scores[name] = model.evaluate(x_test, y_test, verbose=0)[1]
    assert int(model.optimizer.iterations) == 20 * steps_per_epoch

schedule = schedules.ExponentialDecay(0.5, decay_steps=10, decay_rate=0.5)
scores["by hand"] = float(np.isclose(float(schedule(20)), 0.125))
