"""SGD against momentum against Adam: the same surface, the same start, four ways down.

    python -m mundur.examples.optimizers

The loss of one linear unit with two weights is a bowl, and where one input is larger than the other
a narrow valley. Gradient descent may go no faster than its steep side allows, so along the valley
it creeps. Momentum adds up what all gradients agree on. RMSprop and Adam divide each weight's step
by the usual size of its gradient, so that both weights go alike.

Each may choose its learning rate: that of a list with the lowest second half. Prints rates, losses
and how many steps it took to come down to a thousandth, and writes optimizers.png.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

import mundur as md
from mundur.examples import command
from mundur.plots.figures import COLOURS, DASHES, MARKERS

Array = npt.NDArray[Any]

START, BEST = (-4.0, 2.2), (2.0, -0.5)
RATES = (0.01, 0.02, 0.04, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0)
OPTIMIZERS: dict[str, Callable[[float], md.Optimizer]] = {
    "SGD": lambda rate: md.optimizers.SGD(rate),
    "momentum": lambda rate: md.optimizers.SGD(rate, momentum=0.9),
    "RMSprop": lambda rate: md.optimizers.RMSprop(rate),
    "Adam": lambda rate: md.optimizers.Adam(rate),
}
WORDS = {
    "loss above the lowest": "galat di atas minimum",
    "step": "langkah",
    "After each step": "Setelah tiap langkah",
    "end": "akhir",
    r"The valley is (\d+) times as steep across as along; SGD diverges beyond η = (.*)": (
        r"Lembahnya \1 kali lebih curam melintang daripada memanjang; SGD divergen di atas η = \2"
    ),
    "loss at the end": "galat akhir",
    "steps to a thousandth": "langkah ke seperseribu",
    "never": "tidak pernah",
}


class Path(md.Callback):
    """Takes down both weights after every step."""

    def __init__(self) -> None:
        self.points: list[tuple[float, ...]] = [START]

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a step."""
        self.points.append(tuple(self.model.get_weights()[0].ravel().tolist()))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; 0 if all went well."""
    return command.run("optimizers", __doc__, arguments, _work, epochs=100, words=WORDS)


def walk(optimizer: md.Optimizer, x: Array, steps: int) -> Array:
    """The weights after each of so many steps of the whole set."""
    unit = md.layers.Dense(1, use_bias=False)
    model = md.Model([unit], input_shape=(2,), seed=0, dtype="float64")
    model.set_weights([np.reshape(START, (2, 1))])
    model.compile(optimizer, "mse")
    path = Path()
    y = x @ np.array(BEST)
    model.fit(x, y, batch_size="full", epochs=steps, verbose=0, callbacks=[path])
    return np.array(path.points)


def surface(x: Array, w: Array) -> Array:
    """The loss at weights (..., 2): the mean of ((w - best)·x)²."""
    return np.asarray(np.mean(((w - np.array(BEST)) @ x.T) ** 2, axis=-1))


def _work(options: argparse.Namespace) -> Any:
    rng = np.random.default_rng(options.seed)
    x = rng.normal(size=(128, 2)) * [0.25, 2.5]
    curvatures = np.linalg.eigvalsh(2 * x.T @ x / len(x))
    print(
        f"The valley is {curvatures[1] / curvatures[0]:.0f} times as steep across as along; SGD "
        f"diverges beyond η = 2/{curvatures[1]:.1f} = {2 / curvatures[1]:.3f}"
    )
    print(f"{'':12}{'η':>8}{'loss at the end':>18}{'steps to a thousandth':>24}")
    paths: dict[str, Array] = {}
    for name, make in OPTIMIZERS.items():
        walks = {}
        for rate in RATES:
            try:
                walks[rate] = walk(make(rate), x, options.epochs)
            except md.NonFiniteLossError:
                continue
        late = {rate: surface(x, path)[options.epochs // 2 :] for rate, path in walks.items()}
        rate = min(late, key=lambda rate: float(np.log(late[rate] + 1e-300).mean()))
        losses = surface(x, walks[rate])
        below = np.flatnonzero(losses < losses[0] / 1000)
        steps = str(below[0]) if len(below) else "never"
        print(f"{name:12}{rate:8g}{losses[-1]:18.3g}{steps:>24}")
        paths[f"{name}, η = {rate:g}"] = walks[rate]
    return _draw(x, paths)


def _draw(x: Array, paths: dict[str, Array]) -> Any:
    from matplotlib import pyplot

    figure = pyplot.figure(figsize=(12, 10), layout="constrained")
    axes = figure.subplot_mosaic([["a", "b"], ["c", "d"], ["e", "e"]])
    w = np.stack(np.meshgrid(np.linspace(-5, 5, 120), np.linspace(-3, 3, 120)), axis=-1)
    heights = surface(x, w)
    levels = np.geomspace(0.02, heights.max(), 12)
    for number, (place, (name, path)) in enumerate(zip("abcd", paths.items(), strict=True)):
        axis = axes[place]
        axis.contour(*np.moveaxis(w, -1, 0), heights, levels=levels, colors="0.7", linewidths=0.8)
        axis.plot(*path.T, color=COLOURS[number], marker=".", linewidth=1.3)
        axis.plot(*START, "s", color="black", label="start")
        axis.plot(*path[-1], "*", markersize=15, color="black", label="end")
        axis.set(title=name, xlabel="w₁", ylabel="w₂", xlim=(-5, 5), ylim=(-3, 3))
        losses = surface(x, path)
        style: Any = {
            "color": COLOURS[number],
            "linestyle": DASHES[number],
            "marker": MARKERS[number],
        }
        axes["e"].plot(np.maximum(losses, 1e-16), markevery=5, label=name, **style)
    axes["a"].legend(loc="lower right")
    axes["e"].set(
        title="After each step", xlabel="step", ylabel="loss above the lowest", yscale="log"
    )
    axes["e"].grid(alpha=0.3)
    axes["e"].legend()
    return figure


if __name__ == "__main__":
    raise SystemExit(main())
