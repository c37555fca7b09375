"""Overfitting, and its cures side by side.

    python -m mundur.examples.overfitting

A network with far more weights than examples learns its few training images by heart, those with
wrong labels too: the training loss falls to zero while the validation loss, past its lowest point,
rises. Each cure changes one thing: dropout keeps units from relying on one another, early stopping
goes back to the best epoch.

Learns 300 of scikit-learn's digits, a tenth of them with a wrong label, prints a table, and writes
overfitting.png.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import mundur as md
from mundur.examples import command
from mundur.plots.figures import COLOURS

Array = npt.NDArray[Any]
Part = tuple[Array, Array]

WORDS = {
    "lowest validation": "validasi terendah",
    "loss with penalty": "galat dengan penalti",
    r"none: (.*) of the test set": r"tanpa: uji \1",
    r"dropout: (.*) of the test set": r"dropout: uji \1",
    r"L2: (.*) of the test set": r"L2: uji \1",
    r"shifts: (.*) of the test set": r"geseran: uji \1",
    r"early stopping: (.*) of the test set": r"penghentian dini: uji \1",
    r"dropout, stopped: (.*) of the test set": r"dropout, penghentian dini: uji \1",
    r"(\d+) images to train on, (\S+) of them with a wrong label; (\d+) validate, (\d+) test": (
        r"\1 gambar latih, \2 di antaranya berlabel salah; \3 untuk validasi, \4 untuk uji"
    ),
    "epochs": "epoch",
    "training loss": "galat pelatihan",
    "none": "tanpa",
    "shifts": "geseran",
    "early stopping": "penghentian dini",
    "dropout, stopped": "dropout, dini",
    r"Without a cure ([\d,]+) weights learn (\d+) images by heart, wrong labels too:": (
        r"Tanpa penawar, \1 bobot menghafal \2 gambar, label yang salah juga:"
    ),
    r"the training loss goes to zero, the validation loss from (\S+), its lowest, up to (\S+)\.": (
        r"galat pelatihan menuju nol, galat validasi naik dari \1, yang terendah, ke \2."
    ),
    "The table holds losses as the model ends, without what L2 adds; the curves are those of "
    "training, with it.": (
        "Tabel memuat galat model akhir, tanpa tambahan dari L2; kurva berasal dari pelatihan, "
        "dengan tambahan itu."
    ),
}
TRAIN, VALIDATION, WRONG_LABELS = 300, 500, 0.1


class Digits(NamedTuple):
    """Images (n, 8, 8) from 0 to 1 with labels; only the training labels are wrong in part."""

    train: Part
    validation: Part
    test: Part


def network(*between: md.Layer, **dense: Any) -> list[md.Layer]:
    """Two wide layers; a cure puts layers behind each of them, or gives both an argument more."""
    layers: list[md.Layer] = [md.layers.Flatten()]
    for _ in range(2):
        layers.append(md.layers.Dense(256, "relu", **dense))
        layers.extend(type(layer).from_config(layer.get_config()) for layer in between)
    return [*layers, md.layers.Dense(10)]


def early_stopping() -> dict[str, Any]:
    """Patience of ten epochs, then back to the best one."""
    return {"callbacks": [md.callbacks.EarlyStopping(patience=10, restore_best_weights=True)]}


class Cure(NamedTuple):
    """One change: to the layers, or to the arguments of `fit`."""

    layers: Callable[[], list[md.Layer]] = network
    fit: Callable[[], dict[str, Any]] = dict


CURES = {
    "none": Cure(),
    "dropout": Cure(layers=lambda: network(md.layers.Dropout(0.5))),
    "L2": Cure(layers=lambda: network(kernel_regularizer=md.regularizers.L2(1e-3))),
    "shifts": Cure(fit=lambda: {"augment": md.augment.Shift(1)}),
    "early stopping": Cure(fit=early_stopping),
    "dropout, stopped": Cure(lambda: network(md.layers.Dropout(0.5)), early_stopping),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; 0 if all went well."""
    return command.run("overfitting", __doc__, arguments, _work, epochs=100, words=WORDS)


def digits(seed: int) -> Digits:
    """scikit-learn's digits in a random order."""
    from sklearn.datasets import load_digits

    rng = np.random.default_rng(seed)
    x, y = load_digits(return_X_y=True)
    order = rng.permutation(len(x))
    x, y = (x[order].reshape(-1, 8, 8) / 16).astype(np.float32), y[order]
    train, validation = slice(TRAIN), slice(TRAIN, TRAIN + VALIDATION)
    labels = y[train].copy()
    wrong = rng.choice(TRAIN, int(WRONG_LABELS * TRAIN), replace=False)
    labels[wrong] = (labels[wrong] + rng.integers(1, 10, len(wrong))) % 10
    rest = slice(TRAIN + VALIDATION, None)
    return Digits((x[train], labels), (x[validation], y[validation]), (x[rest], y[rest]))


def _work(options: argparse.Namespace) -> Any:
    from matplotlib import pyplot

    data = digits(options.seed)
    print(
        f"{TRAIN} images to train on, {WRONG_LABELS:.0%} of them with a wrong label; {VALIDATION} "
        f"validate, {len(data.test[1])} test\n"
    )
    print(f"{'':16}{'epochs':>8}{'training loss':>15}{'validation':>12}{'test accuracy':>15}")
    figure, axes = pyplot.subplots(
        2, (len(CURES) + 1) // 2, figsize=(12, 7), sharey=True, layout="constrained", squeeze=False
    )
    loss = md.losses.SparseCategoricalCrossentropy(from_logits=True)
    for axis, (name, cure) in zip(axes.flat, CURES.items(), strict=False):
        model = md.Model(cure.layers(), seed=options.seed)
        model.compile(md.optimizers.Adam(1e-3), loss, metrics=["accuracy"])
        history = model.fit(
            *data.train,
            epochs=options.epochs,
            validation_data=data.validation,
            verbose=0,
            **cure.fit(),
        )
        # What the model's user gets.
        training, validation = (loss(y, model.predict(x)) for x, y in (data.train, data.validation))
        accuracy = model.evaluate(*data.test, verbose=0, return_dict=True)["accuracy"]
        print(f"{name:16}{len(history.epoch):8}{training:15.3f}{validation:12.3f}{accuracy:15.1%}")
        _draw(axis, history, f"{name}: {accuracy:.1%} of the test set")
        if name == "L2":
            axis.set_ylabel("loss with penalty")
        if name == "none":
            lowest, last = min(history.history["val_loss"]), history.history["val_loss"][-1]
            weights = model.count_params()
    print(
        f"\nWithout a cure {weights:,} weights learn {TRAIN} images by heart, wrong labels too:\n"
        f"the training loss goes to zero, the validation loss from {lowest:.3f}, its lowest, up to "
        f"{last:.3f}.\n"
        "The table holds losses as the model ends, without what L2 adds; the curves are those of "
        "training, with it."
    )
    return figure


def _draw(axis: Any, history: md.History, title: str) -> None:
    for number, (name, style) in enumerate((("loss", "-"), ("val_loss", "--"))):
        values = history.history[name]
        label = "validation" if number else "training"
        axis.plot(range(1, len(values) + 1), values, style, color=COLOURS[number], label=label)
    best = int(np.argmin(history.history["val_loss"]))
    axis.plot(best + 1, history.history["val_loss"][best], "ko", label="lowest validation")
    axis.set(title=title, xlabel="epoch", ylabel="loss")
    axis.grid(alpha=0.3)
    axis.legend()


if __name__ == "__main__":
    raise SystemExit(main())
