"""Activations: f and f′ of every one of them, drawn.

    python -m mundur.examples.activations

f bends what a layer has summed; f′ is what is left of the error on its way back through it, since
δ = f′(z) ∂L/∂a. Where f′ is near 0 nothing comes through: on both sides of a sigmoid, left of 0 of
ReLU. Softmax works on whole rows: drawn is its first output for the row (z, 0), which is σ(z).

f is the layer's forward pass, f′ its backward pass of a 1, both native; f′ is checked against
central differences. Prints where f′ is largest, and what of an error is left behind ten layers at
z = 1; writes activations.png.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

import mundur as md
from mundur.examples import command
from mundur.plots.figures import BLUE, VERMILION

Array = npt.NDArray[Any]

NAMES = [name for name in md.activations.__all__ if name.islower() and name != "get"]
ALIASES = {"swish": "silu", "hard_swish": "hard_silu"}
WORDS = {
    "largest f′": "f′ terbesar",
    "f′(1)^10 is what ten layers at z = 1 leave of an error, weights aside.": (
        "f′(1)^10: sisa galat setelah sepuluh lapisan dengan z = 1, tanpa bobot."
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; 0 if all went well."""
    return command.run("activations", __doc__, arguments, _work, words=WORDS)


def both(name: str, z: Array) -> tuple[Array, Array]:
    """f(z) and f′(z), by the layer's own forward and backward pass."""
    row = name.endswith("softmax")
    x = np.stack([z, np.zeros_like(z)], axis=1) if row else z[:, np.newaxis]
    model = md.Model([md.layers.Activation(name)], input_shape=x.shape[1:], dtype="float64", seed=0)
    a = model.forward(x, training=True)
    one = np.zeros_like(a)
    one[:, 0] = 1.0
    return a[:, 0].copy(), model.backward(one)[:, 0].copy()


def _work(options: argparse.Namespace) -> Any:
    from matplotlib import pyplot

    names = [name for name in NAMES if name not in ALIASES]
    columns = 4
    rows = -(-len(names) // columns)
    figure, axes = pyplot.subplots(
        rows, columns, figsize=(12, 2.5 * rows), sharex=True, layout="constrained"
    )
    z = np.linspace(-7, 7, 402)  # no kink lies on it
    print(f"{'':14}{'f(-2)':>8}{'f(0)':>8}{'f(2)':>8}{'largest f′':>12}{'f′(1)^10':>10}")
    for axis, name in zip(axes.flat, names, strict=False):
        f, slope = both(name, z)
        _check(name, z, slope)
        at, slopes = both(name, np.array([-2.0, 0.0, 2.0, 1.0]))
        print(
            f"{name:14}{at[0]:8.3f}{at[1]:8.3f}{at[2]:8.3f}{slope.max():12.3f}"
            f"{slopes[3] ** 10:10.2g}"
        )
        axis.axhline(0, color="0.7", linewidth=0.8)
        axis.axvline(0, color="0.7", linewidth=0.8)
        axis.plot(z, f, color=BLUE, linewidth=2.5, label="f")
        axis.plot(z, slope, color=VERMILION, linestyle="--", linewidth=2, label="f′")
        axis.set_title(name)
        axis.set_ylim(max(f.min(), -4) - 0.3, min(max(f.max(), 1), 6) + 0.3)
    for axis in axes.flat[len(names) :]:
        axis.set_axis_off()
    axes.flat[0].legend()
    for axis in axes[-1]:
        axis.set_xlabel("z")
    print("f′(1)^10 is what ten layers at z = 1 leave of an error, weights aside.")
    return figure


def _check(name: str, z: Array, slope: Array) -> None:
    step = 1e-6
    above, below = both(name, z + step)[0], both(name, z - step)[0]
    gap = (np.abs((above - below) / (2 * step) - slope) / np.maximum(np.abs(slope), 1)).max()
    if gap > 1e-7:
        raise RuntimeError(f"f′ of {name} is {gap:.1e} off its central difference")


if __name__ == "__main__":
    raise SystemExit(main())
