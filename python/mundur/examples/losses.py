"""Losses: which for what, and what a wrong one does.

    python -m mundur.examples.losses

What a loss punishes is what a network avoids. The squared error punishes one large error more than
many small ones, so a few wrong measurements bend a line; the absolute error hardly minds them,
Huber's is squared near 0 and absolute beyond. Of classes cross-entropy asks for the logarithm of a
probability: its gradient by z is p - y, large where the answer is wrong. The squared error behind a
sigmoid multiplies that by p(1 - p), which is next to nothing exactly where the network is surely
wrong: it learns late or never. And class numbers are names: a squared error on them believes that
class 1 lies between 0 and 2.

Shows all three by training, prints what came of each, and writes losses.png.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

import mundur as md
from mundur.examples import command
from mundur.plots.figures import COLOURS, DASHES, MARKERS

Array = npt.NDArray[Any]

CHOICES = """\
a number                       MeanSquaredError
a number, some far off         Huber, MeanAbsoluteError
a count                        Poisson, behind softplus or exponential
yes or no                      BinaryCrossentropy, one output
one of several classes         SparseCategoricalCrossentropy of labels, Categorical... of one-hot
several tags at once           BinaryCrossentropy, an output for each
few of many are yes            BinaryFocalCrossentropy, or class_weight in fit
"""
PILIHAN = """\
bilangan                       MeanSquaredError
bilangan, ada yang jauh        Huber, MeanAbsoluteError
cacahan                        Poisson, setelah softplus atau exponential
ya atau tidak                  BinaryCrossentropy, satu keluaran
satu dari beberapa kelas       SparseCategoricalCrossentropy untuk label, Categorical... one-hot
beberapa tag sekaligus         BinaryCrossentropy, satu keluaran untuk tiap tag
sedikit "ya" di antara banyak  BinaryFocalCrossentropy, atau class_weight pada fit
"""
LINES = ("MeanSquaredError", "MeanAbsoluteError", "Huber")
WORDS = {
    "error y - p": "galat y - p",
    "loss of one sample": "galat satu sampel",
    "One number": "Satu bilangan",
    "A tenth of y far off": "Sepersepuluh y menyimpang jauh",
    "z, where class 1 is right": "z, kelas 1 yang benar",
    "One class": "Satu kelas",
    "From a surely wrong start": "Mulai dari jawaban yakin tetapi salah",
    "true line": "garis sebenarnya",
    "share of right answers": "bagian jawaban benar",
    "squared error of σ(z)": "galat kuadrat dari σ(z)",
    "cross-entropy": "entropi silang",
    "hinge": "engsel (hinge)",
    "Which for what": "Yang mana untuk apa",
    **command.lines(CHOICES, PILIHAN),
    "A line of slope 1, a tenth of whose points are far off": (
        "Garis dengan kemiringan 1, sepersepuluh titiknya menyimpang jauh"
    ),
    r"  (\w+ +)slope (.*)": r"  \1kemiringan \2",
    "Two classes, from weights that are surely wrong: right answers by epoch": (
        "Dua kelas, mulai dari bobot yang yakin tetapi salah: jawaban benar tiap epoch"
    ),
    r"  (.+): over 90% after (\d+) epochs": "  {1}: di atas 90% setelah {2} epoch",
    r"  (.+): (\d+)% at the end": "  {1}: {2}% pada akhirnya",
    "Three classes of 100 samples: how many are taken for class 1": (
        "Tiga kelas, masing-masing 100 sampel: berapa yang dianggap kelas 1"
    ),
    "sparse cross-entropy": "entropi silang (sparse)",
    "squared error of the class number": "galat kuadrat dari nomor kelas",
    r"  (.+): (\d+), (\d+)% right": "  {1}: {2}, {3}% benar",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; 0 if all went well."""
    return command.run("losses", __doc__, arguments, _work, epochs=60, words=WORDS)


def _work(options: argparse.Namespace) -> Any:
    from matplotlib import pyplot

    print("Which for what\n")
    print(CHOICES)
    figure, axes = pyplot.subplots(2, 2, figsize=(12, 9), layout="constrained")
    _curves_of_numbers(axes[0, 0])
    _outliers(axes[0, 1], options)
    _curves_of_classes(axes[1, 0])
    _wrong_start(axes[1, 1], options)
    _classes_as_numbers(options)
    for axis in axes.flat:
        axis.grid(alpha=0.3)
        axis.legend()
    return figure


def _curves_of_numbers(axis: Any) -> None:
    error = np.linspace(-3, 3, 121)
    for number, name in enumerate((*LINES, "LogCosh")):
        loss = getattr(md.losses, name)()
        values = [loss(np.array([[e]]), np.array([[0.0]])) for e in error]
        axis.plot(error, values, color=COLOURS[number], linestyle=DASHES[number], label=name)
    axis.set(title="One number", xlabel="error y - p", ylabel="loss of one sample", ylim=(0, 5))


def _outliers(axis: Any, options: argparse.Namespace) -> None:
    rng = np.random.default_rng(options.seed)
    x = np.sort(rng.uniform(-2, 2, size=(100, 1)), axis=0)
    y = x[:, 0] + rng.normal(scale=0.2, size=100)
    y[-10:] = -8.0  # ten sensors on the right have failed
    axis.plot(x, y, ".", color="0.5")
    axis.plot(x, x, color="black", linewidth=1, label="true line")
    print("A line of slope 1, a tenth of whose points are far off")
    for number, name in enumerate(LINES):
        model = md.Model([md.layers.Dense(1)], seed=options.seed)
        model.compile(md.optimizers.Adam(0.1), getattr(md.losses, name)())
        model.fit(x, y, epochs=options.epochs, verbose=0)
        slope = float(model.parameters["dense/kernel"].item())
        print(f"  {name:20} slope {slope:6.3f}")
        style = {"color": COLOURS[number], "linestyle": DASHES[number], "linewidth": 2.5}
        axis.plot(x, model.predict(x, verbose=0)[:, 0], label=name, **style)
    axis.set(title="A tenth of y far off", xlabel="x", ylabel="y")


def _curves_of_classes(axis: Any) -> None:
    z = np.linspace(-5, 5, 121)
    one = np.ones((1, 1))
    sigmoid, hinge = md.activations.sigmoid, md.losses.Hinge()
    crossentropy = md.losses.BinaryCrossentropy(from_logits=True)
    squared = md.losses.MeanSquaredError()
    curves = {
        "cross-entropy": [crossentropy(one, np.array([[v]])) for v in z],
        "squared error of σ(z)": [squared(one, sigmoid(np.array([[v]]))) for v in z],
        "hinge": [hinge(one, np.array([[v]])) for v in z],
    }
    for number, (name, values) in enumerate(curves.items()):
        axis.plot(z, values, color=COLOURS[number], linestyle=DASHES[number], label=name)
    axis.set(title="One class", xlabel="z, where class 1 is right", ylabel="loss of one sample")


def _wrong_start(axis: Any, options: argparse.Namespace) -> None:
    rng = np.random.default_rng(options.seed)
    x = rng.normal(size=(200, 2))
    y = (x.sum(axis=1) > 0).astype(float)
    print("\nTwo classes, from weights that are surely wrong: right answers by epoch")
    losses: dict[str, tuple[Any, str | None]] = {
        "cross-entropy": (md.losses.BinaryCrossentropy(from_logits=True), None),
        "squared error of σ(z)": ("mse", "sigmoid"),
    }
    for number, (name, (loss, activation)) in enumerate(losses.items()):
        model = md.Model([md.layers.Dense(1, activation)], input_shape=(2,), seed=options.seed)
        model.set_weights([[[-8.0], [-8.0]], [0.0]])
        model.compile(md.optimizers.SGD(0.5), loss, metrics=["accuracy"])
        history = model.fit(x, y, epochs=options.epochs, validation_data=(x, y), verbose=0)
        right = history.history["val_accuracy"]
        first = next((i + 1 for i, share in enumerate(right) if share > 0.9), None)
        when = f"over 90% after {first} epochs" if first else f"{right[-1]:.0%} at the end"
        print(f"  {name}: {when}")
        axis.plot(
            range(1, len(right) + 1),
            right,
            color=COLOURS[number],
            linestyle=DASHES[number],
            marker=MARKERS[number],
            markevery=5,
            label=name,
        )
    axis.set(title="From a surely wrong start", xlabel="epoch", ylabel="share of right answers")
    axis.set_ylim(-0.03, 1.03)


def _classes_as_numbers(options: argparse.Namespace) -> None:
    rng = np.random.default_rng(options.seed)
    # Class 1 lies to the left, 0 and 2 overlap on the right: between them there is no 1.
    y = np.repeat([0, 1, 2], 100)
    centres = np.array([[1.0, 0.7], [-2.0, 0.0], [1.0, -0.7]])
    x = centres[y] + rng.normal(scale=0.7, size=(300, 2))
    print("\nThree classes of 100 samples: how many are taken for class 1")
    for name, loss, outputs in (
        ("sparse cross-entropy", md.losses.SparseCategoricalCrossentropy(from_logits=True), 3),
        ("squared error of the class number", md.losses.MeanSquaredError(), 1),
    ):
        model = md.Model([md.layers.Dense(16, "tanh"), md.layers.Dense(outputs)], seed=options.seed)
        model.compile(md.optimizers.Adam(0.02), loss)
        model.fit(x, y, epochs=options.epochs, verbose=0)
        p = model.predict(x, verbose=0)
        labels = p.argmax(axis=1) if outputs > 1 else np.clip(np.round(p[:, 0]), 0, 2)
        print(f"  {name}: {(labels == 1).sum()}, {np.mean(labels == y):.0%} right")


if __name__ == "__main__":
    raise SystemExit(main())
