"""Augmented digits: what fit(augment=...) shows the network, and what that is good for.

    python -m mundur.examples.augmentation                 ten digits drawn here, 28 x 28 pixels
    python -m mundur.examples.augmentation --data DIR      MNIST's four IDX files in DIR

An augmentation changes each sample anew in each epoch, in a way that leaves its class: then a few
pictures become many. Which ways do, nobody but you knows: a digit that is moved is still that
digit, mirrored it is none. A layer that looks at what passes through takes the pictures from the
training itself.

Draws them, trains on few pictures without and with each augmentation, tests on pictures that lie
elsewhere, prints the accuracies, and writes augmentation.png.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import mundur as md
from mundur.examples import command, idx

Array = npt.NDArray[Any]

SIDE, SHOWN = 28, 6
# Five columns and seven rows of each digit, as on an old display.
DIGITS = (
    "01110 10001 10011 10101 11001 10001 01110",
    "00100 01100 00100 00100 00100 00100 01110",
    "01110 10001 00001 00110 01000 10000 11111",
    "11110 00001 00001 01110 00001 00001 11110",
    "00010 00110 01010 10010 11111 00010 00010",
    "11111 10000 11110 00001 00001 10001 01110",
    "00110 01000 10000 11110 10001 10001 01110",
    "11111 00001 00010 00100 01000 01000 01000",
    "01110 10001 10001 01110 10001 10001 01110",
    "01110 10001 10001 01111 00001 00010 01100",
)
AUGMENTATIONS: dict[str, list[md.augment.Augmentation]] = {
    "none": [],
    "Noise(0.2)": [md.augment.Noise(0.2)],
    "Shift(3)": [md.augment.Shift(3)],
    "Shift(3), Noise(0.2)": [md.augment.Shift(3), md.augment.Noise(0.2)],
    "Flip()": [md.augment.Flip()],
}
WORDS = {
    "none": "tanpa",
    r"none: (.*)": r"tanpa: \1",
    r"(\d+) pictures to train on, (\d+) to test, moved by up to 3 pixels": (
        r"\1 gambar latih, \2 gambar uji yang digeser sampai 3 piksel"
    ),
    "test": "uji",
    "Flip() makes a 2 what is no digit: the class has changed, and so it only costs.": (
        "Flip() mengubah 2 menjadi bukan angka: kelasnya berubah, jadi ia hanya merugikan."
    ),
}


class Look(md.Layer):
    """Keeps the first picture of every batch that training sends through; changes nothing."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._seen: list[Array] = []

    def forward(self, x: Array, training: bool = False) -> Array:
        """Nothing happens here."""
        if training:
            self._seen.append(x[0].copy())
        return x

    def backward(self, dy: Array) -> Array:
        """What comes back goes on."""
        return dy


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; 0 if all went well."""
    return command.run(
        "augmentation", __doc__, arguments, _work, epochs=60, data="MNIST's IDX files", words=WORDS
    )


def drawn(count: int, most: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """So many pictures of each digit, each up to `most` pixels off the middle, with some noise."""
    pictures, labels = [], np.tile(np.arange(10), count)
    for label in labels:
        rows = np.array([[float(c) for c in row] for row in DIGITS[label].split()])
        large = np.kron(rows, np.ones((3, 3)))
        picture = np.zeros((SIDE, SIDE))
        down, right = rng.integers(-most, most + 1, size=2) if most else (0, 0)
        top, left = (SIDE - large.shape[0]) // 2 + down, (SIDE - large.shape[1]) // 2 + right
        picture[top : top + large.shape[0], left : left + large.shape[1]] = large
        for axis in (0, 1):  # as a pen would, softly
            picture = (np.roll(picture, 1, axis) + 2 * picture + np.roll(picture, -1, axis)) / 4
        pictures.append(picture + rng.normal(scale=0.08, size=picture.shape))
    return np.clip(pictures, 0, 1).astype(np.float32), labels


def mnist(
    folder: Path, rng: np.random.Generator
) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Thirty pictures of each digit to train on, and the test set, each moved by up to 3 pixels."""
    try:
        (x, y), (xt, yt) = (idx.read_set(folder, name) for name in ("train", "t10k"))
    except (OSError, ValueError) as error:
        raise command.DataError(str(error)) from error
    few = np.concatenate([np.flatnonzero(y == digit)[:30] for digit in range(10)])
    moves = rng.integers(-3, 4, size=(len(xt), 2))
    moved = [np.roll(picture, move, (0, 1)) for picture, move in zip(xt, moves, strict=True)]
    train = (x[few] / np.float32(255), y[few].astype(np.int64))
    return train, (np.array(moved) / np.float32(255), yt.astype(np.int64))


def network(seed: int) -> md.Model:
    """One hidden layer, compiled."""
    layers = [md.layers.Flatten(), md.layers.Dense(64, "relu"), md.layers.Dense(10)]
    model = md.Model(layers, seed=seed)
    loss = md.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(md.optimizers.Adam(2e-3), loss, metrics=["accuracy"])
    return model


def looked_at(picture: Array, augment: list[md.augment.Augmentation], seed: int) -> list[Array]:
    """What training makes of one picture, in as many epochs as are shown."""
    look = Look()
    model = md.Model([look, md.layers.Flatten(), md.layers.Dense(1)], seed=seed)
    model.compile("sgd", "mse")
    model.fit(picture[np.newaxis], np.zeros(1), epochs=SHOWN, verbose=0, augment=augment or None)
    return look._seen[-SHOWN:]


def _work(options: argparse.Namespace) -> Any:
    from matplotlib import pyplot

    rng = np.random.default_rng(options.seed)
    if options.data:
        train, test = mnist(options.data, rng)
    else:
        train, test = drawn(6, 0, rng), drawn(40, 3, rng)
    print(f"{len(train[1])} pictures to train on, {len(test[1])} to test, moved by up to 3 pixels")
    figure, axes = pyplot.subplots(
        len(AUGMENTATIONS), SHOWN + 1, figsize=(10, 8), layout="constrained"
    )
    two = train[0][train[1] == 2][0]
    print(f"{'':24}{'training':>10}{'test':>8}")
    for row, (name, augment) in zip(axes, AUGMENTATIONS.items(), strict=True):
        model = network(options.seed)
        model.fit(*train, epochs=options.epochs, verbose=0, augment=augment or None)
        right, moved = (
            model.evaluate(*part, verbose=0, return_dict=True)["accuracy"] for part in (train, test)
        )
        print(f"{name:24}{right:10.1%}{moved:8.1%}")
        for axis, picture in zip(row, [two, *looked_at(two, augment, options.seed)], strict=True):
            axis.imshow(picture, cmap="Greys", vmin=0, vmax=1)
            axis.set_axis_off()
        row[1].set_title(f"{name}: {moved:.0%}", loc="left")
    axes[0, 0].set_title("x")
    print("Flip() makes a 2 what is no digit: the class has changed, and so it only costs.")
    return figure


if __name__ == "__main__":
    raise SystemExit(main())
