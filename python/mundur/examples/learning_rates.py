"""The learning rate: too small and nothing happens, too large and everything does.

    python -m mundur.examples.learning_rates

First along a single weight, where the loss is a parabola of curvature c: gradient descent converges
for η < 1/c, jumps from side to side but still converges up to 2/c, and diverges beyond. Then on a
network that learns scikit-learn's digits by plain gradient descent, with learning rates over six
orders of magnitude: the same story, with no formula to tell where the borders are.

Prints both, and writes learning_rates.png.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np

import mundur as md
from mundur.examples import command
from mundur.plots.figures import COLOURS, DASHES, MARKERS

RATES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2)
WORDS = {
    "Training of a network": "Pelatihan sebuah jaringan",
    r"Loss after (\d+) epochs": r"Galat setelah \1 epoch",
    "learning rate η": "laju pembelajaran η",
    "guessing": "menebak",
    r"One weight: L = (.*) has the curvature c = L″ = (.*), so": (
        r"Satu bobot: kelengkungan L = \1 adalah c = L″ = \2, jadi"
    ),
    r"1/c = (\S+) and 2/c = (\S+)": r"1/c = \1 dan 2/c = \2",
    r"  (η = .*/c) (.+)": "  {1} {2}",
    "A network: 64-32-10, tanh, on digits, by SGD in mini-batches of 32": (
        "Sebuah jaringan: 64-32-10, tanh, untuk angka, dengan SGD dan mini-batch 32 sampel"
    ),
    "loss, first epoch": "galat epoch pertama",
    "last": "terakhir",
    r"η = (\S+) ends lowest\. Guessing has the loss (.*)\.": (
        r"η = \1 berakhir paling rendah. Galat menebak adalah \2."
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; 0 if all went well."""
    return command.run("learning_rates", __doc__, arguments, _work, epochs=20, words=WORDS)


def _work(options: argparse.Namespace) -> Any:
    from matplotlib import pyplot

    figure = pyplot.figure(figsize=(12, 10), layout="constrained")
    parts: Any = figure.subfigures(2, 1)
    _one_weight(parts[0].subplots(1, 4), options.seed)
    _network(parts[1].subplots(1, 2), options)
    return figure


def _one_weight(axes: Any, seed: int) -> None:
    x = np.random.default_rng(seed).normal(size=(64, 1))
    unit = md.layers.Dense(1, use_bias=False, kernel_initializer="zeros")
    model = md.Model([unit], input_shape=(1,), seed=seed, dtype="float64")
    # L = 1/n Σ (w x - 2 x)² is a parabola in w.
    curvature = 2 * float(np.mean(x**2))
    print(f"One weight: L = 1/n Σ (w x - 2 x)² has the curvature c = L″ = {curvature:.3f}, so")
    print(f"1/c = {1 / curvature:.3f} and 2/c = {2 / curvature:.3f}")
    rates = [share / curvature for share in (0.2, 0.9, 1.8, 2.1)]
    md.plots.descent(model, x, 2 * x, "dense/kernel", rates, loss="mse", axes=axes)
    for axis, rate in zip(axes, rates, strict=True):
        verdict = axis.get_title().partition(": ")[2]
        axis.set_title(f"η = {rate:.3f} = {rate * curvature:.1f}/c:\n{verdict}", fontsize="small")
        print(f"  η = {rate:.3f} = {rate * curvature:.1f}/c {verdict}")


def _network(axes: Any, options: argparse.Namespace) -> None:
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype(np.float32)
    print("\nA network: 64-32-10, tanh, on digits, by SGD in mini-batches of 32")
    print(f"{'η':>8}{'loss, first epoch':>20}{'last':>10}{'test accuracy':>16}")
    curves, ends = axes
    final: dict[float, float] = {}
    for number, rate in enumerate(RATES):
        model = md.Model([md.layers.Dense(32, "tanh"), md.layers.Dense(10)], seed=options.seed)
        loss = md.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(md.optimizers.SGD(rate), loss, metrics=["accuracy"])
        try:
            history = model.fit(x[:1400], y[:1400], epochs=options.epochs, verbose=0)
        except md.NonFiniteLossError as error:
            print(f"{rate:8g}  {error}")
            continue
        losses = history.history["loss"]
        final[rate] = losses[-1]
        accuracy = model.evaluate(x[1400:], y[1400:], verbose=0, return_dict=True)["accuracy"]
        print(f"{rate:8g}{losses[0]:20.4g}{losses[-1]:10.4g}{accuracy:16.1%}")
        curves.plot(
            range(1, len(losses) + 1),
            losses,
            color=COLOURS[number % len(COLOURS)],
            linestyle=DASHES[number % len(DASHES)],
            marker=MARKERS[number % len(MARKERS)],
            markersize=4,
            label=f"η = {rate:g}",
        )
    best = min(final, key=lambda rate: final[rate])
    print(f"η = {best:g} ends lowest. Guessing has the loss log 10 = {np.log(10):.3f}.")
    curves.set(title="Training of a network", xlabel="epoch", ylabel="loss", yscale="log")
    curves.axhline(np.log(10), color="grey", linewidth=0.8, linestyle=":")
    curves.legend(loc="upper left", bbox_to_anchor=(1.01, 1))
    curves.xaxis.get_major_locator().set_params(integer=True)
    ends.plot(list(final), list(final.values()), marker="o", color=COLOURS[0])
    ends.axhline(np.log(10), color="grey", linewidth=0.8, linestyle=":", label="guessing")
    ends.set(
        title=f"Loss after {options.epochs} epochs",
        xlabel="learning rate η",
        ylabel="loss",
        xscale="log",
        yscale="log",
    )
    ends.legend()
    for axis in axes:
        axis.grid(alpha=0.3)


if __name__ == "__main__":
    raise SystemExit(main())
