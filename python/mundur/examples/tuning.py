"""Which network reads the digits best: learning rate, layers and neurons by cross-validation.

    python -m mundur.examples.tuning                 scikit-learn's 1,797 digits of 8 x 8

A grid of settings is searched. Each candidate is trained five times, on four fifths of the training
samples, and judged by the fifth that it has not seen; the best one is trained on all of them, and
tested on samples that had no part in the choice. Beside it the same grid by scikit-learn's
GridSearchCV and its own MLPClassifier, with the time of both.

Prints a table of the candidates, the winner and its test accuracy, and writes tuning.png: a heat
map of the accuracies.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

import mundur as md
from mundur.examples import command

Array = npt.NDArray[Any]

LABELS = {
    "learning rate": "laju pembelajaran",
    "network": "jaringan",
    r"Accuracy on the (\d+) folds": r"Akurasi pada \1 lipatan",
    r"(\d+) learning rates x (\d+) networks x (\d+) folds = (\d+) trainings of (\d+) epochs": (
        r"\1 laju pembelajaran x \2 jaringan x \3 lipatan = \4 pelatihan \5 epoch"
    ),
    "accuracy on the folds": "akurasi pada lipatan",
    r"rate (\S+)": r"laju \1",
    r"best: (\S+), learning rate (\S+): (\S+) on the folds, (\S+) on the test set": (
        r"terbaik: \1, laju pembelajaran \2: \3 pada lipatan, \4 pada himpunan uji"
    ),
    r"scikit-learn's GridSearchCV: (\S+) s, (\S+) times as long; best (\S+), learning rate (\S+): "
    r"(\S+) on the folds, (\S+) on the test set": (
        r"GridSearchCV dari scikit-learn: \1 s, \2 kali waktunya; terbaik \3, laju "
        r"pembelajaran \4: \5 pada lipatan, \6 pada himpunan uji"
    ),
}
RATES = (1e-4, 1e-3, 1e-2, 1e-1)
SHAPES = ((16,), (64,), (16, 16), (64, 64))  # neurons of each hidden layer
FOLDS, BATCH = 5, 32


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; 0 if all went well."""
    return command.run("tuning", __doc__, arguments, _work, epochs=20, words=LABELS)


def digits(seed: int) -> tuple[Array, Array, Array, Array]:
    """Features from 0 to 1 and labels, to train on and, a fifth, to test."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    x, y = load_digits(return_X_y=True)
    parts = train_test_split(x / 16, y, test_size=0.2, stratify=y, random_state=seed)
    return tuple(np.ascontiguousarray(part) for part in parts)  # type: ignore[return-value]


def network(hidden: Sequence[int], learning_rate: float, seed: int) -> md.Model:
    """A candidate."""
    layers = [md.layers.Dense(neurons, "relu") for neurons in hidden]
    model = md.Model([*layers, md.layers.Dense(10, "softmax")], seed=seed)
    model.compile(
        md.optimizers.Adam(learning_rate), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model


def named(hidden: Sequence[int]) -> str:
    """A network's hidden layers, for people."""
    return "-".join(map(str, hidden))


def _work(options: argparse.Namespace) -> Any:
    from matplotlib import pyplot

    x, test_x, y, test_y = digits(options.seed)
    print(
        f"{len(RATES)} learning rates x {len(SHAPES)} networks x {FOLDS} folds = "
        f"{len(RATES) * len(SHAPES) * FOLDS} trainings of {options.epochs} epochs"
    )
    begin = time.perf_counter()
    search = md.model_selection.GridSearch(
        lambda hidden, learning_rate: network(hidden, learning_rate, options.seed),
        {"hidden": list(SHAPES), "learning_rate": list(RATES)},
        cv=FOLDS,
        epochs=options.epochs,
        batch_size=BATCH,
    ).fit(x, y)
    seconds = time.perf_counter() - begin

    found = search.cv_results_
    means = found["mean_test_score"].reshape(len(SHAPES), len(RATES))
    spread = found["std_test_score"].reshape(means.shape)
    print("accuracy on the folds".ljust(22) + "".join(f"rate {rate:g}".rjust(16) for rate in RATES))
    for hidden, row, more in zip(SHAPES, means, spread, strict=True):
        cells = (f"{mean:.2%} ± {std:.1%}".rjust(16) for mean, std in zip(row, more, strict=True))
        print(f"64-{named(hidden)}-10".ljust(22) + "".join(cells))
    best = search.best_params_
    _, accuracy = search.best_model_.evaluate(test_x, test_y, verbose=0)
    print(
        f"best: 64-{named(best['hidden'])}-10, learning rate {best['learning_rate']:g}: "
        f"{search.best_score_:.2%} on the folds, {accuracy:.2%} on the test set"
    )
    print(f"mundur: {seconds:.2f} s")
    theirs, same = _scikit_learns(x, y, options)
    print(
        f"scikit-learn's GridSearchCV: {same:.2f} s, {same / seconds:.1f} times as long; best "
        f"64-{named(theirs.best_params_['hidden_layer_sizes'])}-10, learning rate "
        f"{theirs.best_params_['learning_rate_init']:g}: {theirs.best_score_:.2%} on the folds, "
        f"{theirs.score(test_x, test_y):.2%} on the test set"
    )
    figure, axes = pyplot.subplots(figsize=(8, 5.2), layout="constrained")
    _heat_map(axes, means)
    return figure


def _scikit_learns(x: Array, y: Array, options: argparse.Namespace) -> tuple[Any, float]:
    """The same grid, the same epochs, on all cores."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.model_selection import GridSearchCV
    from sklearn.neural_network import MLPClassifier

    network = MLPClassifier(
        alpha=0.0,
        batch_size=BATCH,
        max_iter=options.epochs,
        tol=0.0,
        n_iter_no_change=options.epochs,
        random_state=options.seed,
    )
    grid = {"hidden_layer_sizes": list(SHAPES), "learning_rate_init": list(RATES)}
    search = GridSearchCV(network, grid, cv=FOLDS, n_jobs=md.get_num_threads())
    begin = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # so many epochs were asked for
        search.fit(x, y)
    return search, time.perf_counter() - begin


def _heat_map(axes: Any, means: Array) -> None:
    """The accuracies: networks below one another, learning rates side by side."""
    image = axes.imshow(means, vmin=means.min(), vmax=1.0)
    axes.set_xticks(range(len(RATES)), [f"{rate:g}" for rate in RATES])
    axes.set_yticks(range(len(SHAPES)), [f"64-{named(hidden)}-10" for hidden in SHAPES])
    axes.set_xlabel("learning rate")
    axes.set_ylabel("network")
    axes.set_title(f"Accuracy on the {FOLDS} folds")
    middle = (means.min() + 1) / 2
    for (row, column), mean in np.ndenumerate(means):
        colour = "black" if mean > middle else "white"
        axes.text(column, row, f"{mean:.1%}", ha="center", va="center", color=colour)
    axes.figure.colorbar(image, ax=axes, format=lambda share, _: f"{share:.0%}")


if __name__ == "__main__":
    raise SystemExit(main())
