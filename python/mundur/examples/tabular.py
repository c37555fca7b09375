"""Tables of numbers and words, and who earns more than 50,000 dollars.

    python -m mundur.examples.tabular                scikit-learn's breast cancer, numbers only
    python -m mundur.examples.tabular --data DIR     Adult: adult.data and adult.test, or with .gz

A network takes numbers. A column of words becomes one column per word, 1 where the word stands and
0 elsewhere (one-hot; a missing "?" is a word like others); amounts that span orders of magnitude go
in as logarithms, all numbers with mean 0 and deviation 1. Words and scales are learned from the
training set alone.

Prints the accuracy on the test set beside that of always answering with the more frequent class,
and writes tabular.png: the curves, and the confusion of classes.
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

Array = npt.NDArray[Any]
Rows = list[list[str]]

# Adult's columns by their place; the last, 14, is the class.
LABELS = {
    "malignant": "ganas",
    "benign": "jinak",
    "to 50,000": "sampai 50.000",
    "above 50,000": "di atas 50.000",
    r"(\d+) columns of numbers; (\d+) of words become (\d+), one for each word": (
        r"\1 kolom angka; \2 kolom kata menjadi \3, satu untuk tiap kata"
    ),
    r"always '(.+)': (\S+) right": "selalu '{1}': {2} benar",
    r"([\d,]+) weights, (\d+) epochs": r"\1 bobot, \2 epoch",
    r"  of those '(.+)' it finds (\S+)": "  dari yang '{1}' ditemukan {2}",
}
NUMBERS = (0, 2, 4, 10, 11, 12)  # age, fnlwgt, education-num, capital-gain, capital-loss, hours
AMOUNTS = (2, 10, 11)
WORDS = (1, 3, 5, 6, 7, 8, 9, 13)
FIELDS = 15


class Task(NamedTuple):
    """Features and labels 0 or 1, and the names of the two classes."""

    train: tuple[Array, Array]
    test: tuple[Array, Array]
    classes: tuple[str, str]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; 0 if all went well."""
    return command.run(
        "tabular", __doc__, arguments, _work, data="adult.data and adult.test", words=LABELS
    )


def adult(folder: Path) -> Task:
    """The census of 1994: 32,561 people to train on, 16,281 to test."""
    train, test = (read(tables.find(folder, f"adult.{part}")) for part in ("data", "test"))
    numbers, others = numbers_of(train), numbers_of(test)
    centre, scale = tables.standard(numbers)
    vocabularies = [sorted({row[column] for row in train}) for column in WORDS]
    parts = [
        np.concatenate([(part - centre) / scale, one_hot(rows, vocabularies)], axis=1)
        for part, rows in ((numbers, train), (others, test))
    ]
    print(
        f"{len(NUMBERS)} columns of numbers; {len(WORDS)} of words become "
        f"{sum(map(len, vocabularies))}, one for each word"
    )
    return Task(
        (parts[0], labels_of(train)), (parts[1], labels_of(test)), ("to 50,000", "above 50,000")
    )


def read(path: Path) -> Rows:
    """The rows of one file, without what is not one."""
    with tables.opened(path) as lines:
        rows = [[field.strip() for field in row] for row in csv.reader(lines)]
    # adult.test begins with a remark, and both end in an empty line.
    rows = [row for row in rows if row and not row[0].startswith("|")]
    for row in rows:
        if len(row) != FIELDS or row[-1].rstrip(".") not in ("<=50K", ">50K"):
            raise command.DataError(
                f"{path}: expected {FIELDS} fields, the last <=50K or >50K; got {row}"
            )
    if not rows:
        raise command.DataError(f"{path}: there are no samples")
    return rows


def one_hot(rows: Rows, vocabularies: list[list[str]]) -> Array:
    """One column for each word of each vocabulary; a word unknown in training is all zeros."""
    columns = []
    for column, words in zip(WORDS, vocabularies, strict=True):
        values = np.array([row[column] for row in rows])
        columns.append(values[:, None] == np.array(words))
    return np.concatenate(columns, axis=1).astype(np.float32)


def numbers_of(rows: Rows) -> Array:
    """The columns of numbers, amounts as logarithms."""
    try:
        values = np.array([[float(row[column]) for column in NUMBERS] for row in rows])
    except ValueError as error:
        raise command.DataError(str(error)) from error
    amounts = [NUMBERS.index(column) for column in AMOUNTS]
    values[:, amounts] = np.log1p(values[:, amounts])
    return values


def labels_of(rows: Rows) -> Array:
    """1 where somebody earns more than 50,000 dollars."""
    return np.array([row[-1].startswith(">") for row in rows], np.int64)


def breast_cancer(seed: int) -> Task:
    """scikit-learn's 569 tumours, thirty measurements of each; a quarter tests."""
    from sklearn.datasets import load_breast_cancer
    from sklearn.model_selection import train_test_split

    x, y = load_breast_cancer(return_X_y=True)
    x, test_x, y, test_y = train_test_split(x, y, test_size=0.25, stratify=y, random_state=seed)
    centre, scale = tables.standard(x)
    return Task(
        ((x - centre) / scale, y), ((test_x - centre) / scale, test_y), ("malignant", "benign")
    )


def _work(options: argparse.Namespace) -> Any:
    from matplotlib import pyplot

    task = adult(options.data) if options.data else breast_cancer(options.seed)
    (x, y), (test_x, test_y) = task.train, task.test
    print(f"{len(x):,} samples to train on, {len(test_x):,} to test, {x.shape[1]} features")
    frequent = int(y.mean() > 0.5)
    print(f"always {task.classes[frequent]!r}: {np.mean(test_y == frequent):.2%} right")

    large = len(x) > 5000
    units = 64 if large else 16
    model = md.Model(
        [
            md.layers.Dense(units, "relu"),
            md.layers.Dropout(0.3),
            md.layers.Dense(units // 2, "relu"),
            md.layers.Dropout(0.3),
            md.layers.Dense(1, "sigmoid"),
        ],
        seed=options.seed,
    )
    model.compile(md.optimizers.Adam(1e-3), "binary_crossentropy", metrics=["accuracy"])
    order = np.random.default_rng(options.seed).permutation(len(x))
    history = model.fit(
        x[order],
        y[order],
        batch_size=128 if large else 16,
        epochs=100,
        validation_split=0.15,
        callbacks=[md.callbacks.EarlyStopping(patience=8, restore_best_weights=True)],
        verbose=0,
    )
    probability = model.predict(test_x, verbose=0)[:, 0]
    predicted = (probability > 0.5).astype(np.int64)
    print(f"{model.count_params():,} weights, {len(history.epoch)} epochs")
    print(f"test accuracy: {np.mean(predicted == test_y):.2%}")
    for label, name in enumerate(task.classes):
        found = np.mean(predicted[test_y == label] == label)
        print(f"  of those {name!r} it finds {found:.1%}")

    figure, axes = pyplot.subplots(1, 3, figsize=(12, 4.6), layout="constrained")
    history.plot(axes[:2])
    md.plots.confusion(test_y, predicted, labels=task.classes, axes=axes[2])
    return figure


if __name__ == "__main__":
    raise SystemExit(main())
