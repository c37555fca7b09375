"""Initializers side by side: what the first weights decide.

    python -m mundur.examples.initializers

A layer of n inputs multiplies the variance of what it gets by n Var(w) (times what the activation
leaves of it). Ten layers do so ten times: too small first weights let every signal, and every error
on its way back, shrink to nothing, too large ones drive tanh into its flat ends. Glorot and Bengio
(2010) chose Var(w) = 2 / (inputs + outputs), He and others (2015) 2 / inputs for ReLU, LeCun (1998)
1 / inputs; Saxe and others (2014) orthogonal matrices. With zeros all units of a layer are the
same, and stay the same.

Draws the first weights, what passes through ten hidden layers of tanh and ReLU, and how they learn;
prints the same, and writes initializers.png.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np

import mundur as md
from mundur.examples import command
from mundur.plots.figures import COLOURS, DASHES, MARKERS

LAYERS, UNITS = 10, 64
INITIALIZERS: dict[str, md.Initializer] = {
    "zeros": md.initializers.Zeros(),
    "normal 0.01": md.initializers.RandomNormal(0.0, 0.01),
    "normal 1": md.initializers.RandomNormal(0.0, 1.0),
    "glorot_uniform": md.initializers.GlorotUniform(),
    "he_normal": md.initializers.HeNormal(),
    "orthogonal": md.initializers.Orthogonal(),
}
WORDS = {
    "zeros": "nol",
    "standard deviation of a": "simpangan baku a",
    "hidden layer": "lapisan tersembunyi",
    r"(tanh|relu): forward": r"\1: maju",
    r"(tanh|relu): training": r"\1: pelatihan",
    r"zeros: (.*)": r"nol: \1",
    "a behind layer 1": "a setelah lapisan 1",
    "layer 10": "lapisan 10",
    r"(\S+) not finite": r"\1 tak hingga",
    r"Who knows nothing has the loss (.*)\.": r"Galat yang tidak tahu apa-apa adalah \1.",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; 0 if all went well."""
    return command.run("initializers", __doc__, arguments, _work, epochs=15, words=WORDS)


def network(initializer: md.Initializer, activation: str, seed: int) -> md.Model:
    """Ten hidden layers and a sigmoid, compiled."""
    layers = [
        md.layers.Dense(UNITS, activation, kernel_initializer=initializer) for _ in range(LAYERS)
    ]
    head = md.layers.Dense(1, kernel_initializer=initializer)
    model = md.Model([*layers, head], input_shape=(UNITS,), seed=seed)
    model.compile(md.optimizers.SGD(0.02), md.losses.BinaryCrossentropy(from_logits=True))
    return model


def _work(options: argparse.Namespace) -> Any:
    from matplotlib import pyplot

    rng = np.random.default_rng(options.seed)
    x = rng.normal(size=(512, UNITS)).astype(np.float32)
    y = (x[:, 0] * x[:, 1] > 0).astype(float)
    figure = pyplot.figure(figsize=(12, 11), layout="constrained")
    parts: Any = figure.subfigures(2, 1, height_ratios=[1, 2])
    _histograms(parts[0].subplots(2, 3, sharex=False), options.seed)
    rows = parts[1].subplots(2, 2)
    for activation, (signal, curves) in zip(("tanh", "relu"), rows, strict=True):
        print(
            f"{activation}: {'a behind layer 1':>24}{'layer 10':>12}{'‖δ‖ 1 / 10':>14}{'loss':>8}"
        )
        for number, (name, initializer) in enumerate(INITIALIZERS.items()):
            model = network(initializer, activation, options.seed)
            passes = model.explain(x[:128], y[:128])
            sizes = [float(one.a.std()) for one in passes.layers[:-1]]
            errors = [float(np.linalg.norm(one.delta)) for one in passes.layers[:-1]]
            ratio = errors[0] / errors[-1] if errors[-1] else float("nan")
            try:
                history = model.fit(x, y, epochs=options.epochs, verbose=0).history["loss"]
            except md.NonFiniteLossError:
                history = []
            last = f"{history[-1]:8.3f}" if history else " not finite"
            print(f"  {name:16}{sizes[0]:11.3g}{sizes[-1]:12.3g}{ratio:14.2g}{last}")
            style = {
                "color": COLOURS[number],
                "linestyle": DASHES[number % len(DASHES)],
                "marker": MARKERS[number],
                "label": name,
            }
            # On a logarithmic scale zeros have no place; the smallest numbers stand for them.
            signal.plot(range(1, LAYERS + 1), np.maximum(sizes, 1e-16), **style)
            curves.plot(range(1, len(history) + 1), history, markevery=2, **style)
        signal.set(title=f"{activation}: forward", xlabel="hidden layer", yscale="log")
        signal.set_ylabel("standard deviation of a")
        curves.set(title=f"{activation}: training", xlabel="epoch", ylabel="loss", ylim=(0, 3))
        for axis in (signal, curves):
            axis.grid(alpha=0.3)
    rows[0][0].legend(loc="lower left", ncols=2)
    print(f"Who knows nothing has the loss log 2 = {np.log(2):.3f}.")
    return figure


def _histograms(axes: Any, seed: int) -> None:
    for axis, (name, initializer) in zip(axes.flat, INITIALIZERS.items(), strict=True):
        model = network(initializer, "tanh", seed)
        weights = model.parameters["dense/kernel"].ravel()
        axis.hist(weights, bins=40, color=COLOURS[0])
        axis.set_title(f"{name}: σ = {weights.std():.3g}")
        axis.set_yticks([])


if __name__ == "__main__":
    raise SystemExit(main())
