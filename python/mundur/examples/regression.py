"""Regression: house prices, beside scikit-learn's gradient boosting.

    python -m mundur.examples.regression              scikit-learn's diabetes, 442 patients
    python -m mundur.examples.regression --data DIR   California housing: cal_housing.csv[.gz]

What networks ask for that trees do not: features and targets of mean 0 and deviation 1, by the
training set's numbers alone. Prints the root of the mean squared error (RMSE) of both on samples
neither has seen, in the target's own unit, and writes regression.png: curves, and predictions
against the truth.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import mundur as md
from mundur.examples import command, tables
from mundur.plots.figures import COLOURS

Array = npt.NDArray[Any]

LABELS = {
    "Training": "Pelatihan",
    "MSE of the scaled target": "MSE target yang diskalakan",
    "right": "tepat",
    "predicted": "tebakan",
    r"gradient boosting: (.*)": r"gradient boosting: \1",
    "disease progression in points": "perkembangan penyakit (poin)",
    "median house value in 1,000 dollars": "median harga rumah (1.000 dolar)",
    r"(.+): ([\d,]+) samples to train on, ([\d,]+) to test, (\d+) features": (
        "{1}: {2} sampel latih, {3} sampel uji, {4} fitur"
    ),
    r"always the training mean: RMSE (\S+) (.*)": "selalu rata-rata pelatihan: RMSE {1} {2}",
    r"mundur, ([\d,]+) weights, (\d+) epochs: RMSE (\S+) (.*)": (
        "mundur, {1} bobot, {2} epoch: RMSE {3} {4}"
    ),
    r"scikit-learn's gradient boosting: RMSE (\S+) (.*)": (
        "gradient boosting dari scikit-learn: RMSE {1} {2}"
    ),
    "disease progression": "perkembangan penyakit",
    "median house value": "median harga rumah",
    "points": "poin",
    "1,000 dollars": "1.000 dolar",
}
COLUMNS = (
    "longitude",
    "latitude",
    "housing_median_age",
    "total_rooms",
    "total_bedrooms",
    "population",
    "households",
    "median_income",
    "median_house_value",
)


class Table(NamedTuple):
    """Features, targets and what they are."""

    x: Array
    y: Array
    what: str
    unit: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; 0 if all went well."""
    return command.run(
        "regression", __doc__, arguments, _work, data="cal_housing.csv[.gz]", words=LABELS
    )


def california(folder: Path) -> Table:
    """The 20,640 block groups, with features as scikit-learn derives them, counts as logarithms."""
    path = tables.find(folder, "cal_housing.csv")
    with tables.opened(path) as lines:
        rows = list(csv.reader(lines))
    if not rows or tuple(rows[0]) != COLUMNS:
        raise command.DataError(f"{path}: expected the columns {', '.join(COLUMNS)}")
    values = tables.numbers(rows[1:], len(COLUMNS), path)
    longitude, latitude, age, rooms, bedrooms, population, households, income, price = values.T
    x = np.stack(
        [
            longitude,
            latitude,
            age,
            np.log(rooms / households),
            np.log(bedrooms / rooms),
            np.log(population / households),
            np.log(population),
            np.log(income),
        ],
        axis=1,
    )
    return Table(x, price / 1000, "median house value", "1,000 dollars")


def diabetes() -> Table:
    """scikit-learn's 442 patients: ten measurements, and the progression after a year."""
    from sklearn.datasets import load_diabetes

    x, y = load_diabetes(return_X_y=True)
    return Table(x, y, "disease progression", "points")


def _work(options: argparse.Namespace) -> Any:
    table = california(options.data) if options.data else diabetes()
    large = len(table.x) > 5000
    order = np.random.default_rng(options.seed).permutation(len(table.x))
    test, train = np.split(order, [len(order) // 5])
    x, y = table.x[train], table.y[train]
    print(
        f"{table.what}: {len(x):,} samples to train on, {len(test):,} to test, "
        f"{x.shape[1]} features"
    )
    print(f"always the training mean: RMSE {_rmse(y.mean(), table.y[test]):.2f} {table.unit}")

    centre, scale = tables.standard(x)
    model = _model(large, options.seed)
    history = model.fit(
        (x - centre) / scale,
        (y - y.mean()) / y.std(),
        batch_size=64 if large else 32,
        epochs=200 if large else 400,
        validation_split=0.15,
        callbacks=[md.callbacks.EarlyStopping(patience=15, restore_best_weights=True)],
        verbose=0,
    )
    predicted = model.predict((table.x[test] - centre) / scale, verbose=0)[:, 0]
    predicted = predicted * y.std() + y.mean()
    error = _rmse(predicted, table.y[test])
    print(
        f"mundur, {model.count_params():,} weights, {len(history.epoch)} epochs: "
        f"RMSE {error:.2f} {table.unit}"
    )
    boosted = _boosted(x, y, table.x[test], options.seed)
    print(
        f"scikit-learn's gradient boosting: RMSE {_rmse(boosted, table.y[test]):.2f} {table.unit}"
    )
    return _draw(history, table, table.y[test], predicted, boosted)


def _model(large: bool, seed: int) -> md.Model:
    hidden = (
        [md.layers.Dense(128, "relu"), md.layers.Dense(128, "relu"), md.layers.Dense(64, "relu")]
        if large
        else [md.layers.Dense(16, "tanh"), md.layers.Dropout(0.2)]
    )
    model = md.Model([*hidden, md.layers.Dense(1)], seed=seed)
    model.compile(md.optimizers.Adam(1e-3), "mse")
    return model


def _boosted(x: Array, y: Array, test: Array, seed: int) -> Array:
    from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingRegressor

    # For some hundreds of samples histograms of values are too coarse.
    make = HistGradientBoostingRegressor if len(x) > 5000 else GradientBoostingRegressor
    return np.asarray(make(random_state=seed).fit(x, y).predict(test))


def _rmse(predicted: Any, y: Array) -> float:
    return float(np.sqrt(np.mean((predicted - y) ** 2)))


def _draw(history: md.History, table: Table, y: Array, ours: Array, theirs: Array) -> Any:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 3, figsize=(12, 4.6), layout="constrained")
    history.plot(axes[0])
    axes[0].set(title="Training", ylabel="MSE of the scaled target", yscale="log")
    names = ("mundur", "gradient boosting")
    for axis, name, predicted, colour in zip(
        axes[1:], names, (ours, theirs), COLOURS, strict=False
    ):
        axis.plot(y, predicted, ".", color=colour, markersize=3, alpha=0.5)
        ends = [min(y.min(), predicted.min()), max(y.max(), predicted.max())]
        axis.plot(ends, ends, color="black", linewidth=1, linestyle="--", label="right")
        axis.set(
            title=f"{name}: RMSE {_rmse(predicted, y):.2f}",
            xlabel=f"{table.what} in {table.unit}",
            ylabel="predicted",
        )
        axis.legend()
        axis.grid(alpha=0.3)
    return figure


if __name__ == "__main__":
    raise SystemExit(main())
