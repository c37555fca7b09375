"""Four in a hundred are fraud: a bias to begin with, weights of classes, and what counts then."""

import keras
import numpy as np
from keras import layers
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(14)

features, labels = make_classification(
    n_samples=6000,
    n_features=12,
    n_informative=6,
    weights=[0.96],
    class_sep=1.6,
    flip_y=0.0,
    random_state=2,
)
x_train, x_test, y_train, y_test = train_test_split(
    features, labels, test_size=0.3, random_state=0, stratify=labels
)
neg, pos = np.bincount(y_train)

METRICS = [
    keras.metrics.TruePositives(name="tp"),
    keras.metrics.FalsePositives(name="fp"),
    keras.metrics.TrueNegatives(name="tn"),
    keras.metrics.FalseNegatives(name="fn"),
    keras.metrics.BinaryAccuracy(name="accuracy"),
    keras.metrics.Precision(name="precision"),
    keras.metrics.Recall(name="recall"),
    keras.metrics.AUC(name="auc"),
    keras.metrics.AUC(name="prc", curve="PR"),
]


def make_model(output_bias=None):
    if output_bias is not None:
        output_bias = keras.initializers.Constant(output_bias)
    model = keras.Sequential(
        [
            keras.Input((12,)),
            layers.Dense(16, activation="relu"),
            layers.Dropout(0.3),
            layers.Dense(1, activation="sigmoid", bias_initializer=output_bias or "zeros"),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate=5e-3),
        loss=keras.losses.BinaryCrossentropy(),
        metrics=METRICS,
    )
    return model


model = make_model(output_bias=np.log([pos / neg]).item())
first_loss = model.evaluate(x_train, y_train, batch_size=500, verbose=0)[0]
careful = first_loss < make_model().evaluate(x_train, y_train, batch_size=500, verbose=0)[0]
total = neg + pos
history = model.fit(
    x_train,
    y_train,
    batch_size=200,
    epochs=15,
    verbose=0,
    validation_split=0.2,
    class_weight={0: total / (2.0 * neg), 1: total / (2.0 * pos)},
    callbacks=[
        keras.callbacks.EarlyStopping(
            monitor="val_prc", verbose=0, patience=10, mode="max", restore_best_weights=True
        )
    ],
)
results = model.evaluate(x_test, y_test, verbose=0, return_dict=True)
counted = sum(results[name] for name in ("tp", "fp", "tn", "fn"))

scores = {
    "auc": results["auc"],
    "recall": results["recall"],
    "counted": float(counted == len(y_test)),
    "adds up": float(
        np.isclose(results["tp"] / (results["tp"] + results["fp"]), results["precision"])
    ),
    "careful": float(careful),
}
