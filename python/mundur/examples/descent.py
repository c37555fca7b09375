"""Batch, stochastic and mini-batch gradient descent: the same loss, three ways down.

    python -m mundur.examples.descent

Fits a line y = w x + b to noisy points. Batch gradient descent takes every step from all samples;
stochastic gradient descent from one, so it takes many more steps in an epoch, each of them noisy;
mini-batches lie between. The mean of a batch's gradients has a standard deviation of σ/√B: that is
measured here too, from the gradient of every single sample.

Prints the noise, the way of each to the least-squares line, and writes descent.png: the paths over
the loss's contours, and the loss after each epoch.
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

SAMPLES, LEARNING_RATE = 256, 0.05
BATCHES = {"batch": SAMPLES, "mini-batch": 16, "stochastic": 1}
START = (-1.5, 2.5)
MORAL = """\
An epoch costs each the same arithmetic. One step of the whole batch is exact and
there are few; steps of single samples arrive soon and then wander about the minimum,
as far as η and their noise carry them; mini-batches get most of both."""
SIMPULAN = """\
Satu epoch sama banyak hitungannya bagi ketiganya. Langkah seluruh batch tepat, tetapi
jumlahnya sedikit; langkah dari satu sampel cepat sampai lalu mengembara di sekitar minimum,
sejauh η dan deraunya membawanya; mini-batch mendapat sebagian besar dari keduanya."""
WORDS = {
    r"batch: (\d+) steps": r"batch: \1 langkah",
    r"mini-batch: (\d+) steps": r"mini-batch: \1 langkah",
    r"stochastic: (\d+) steps": r"stokastik: \1 langkah",
    "stochastic": "stokastik",
    "end": "akhir",
    "After each epoch": "Setelah tiap epoch",
    "loss above the lowest": "galat di atas minimum",
    r"(\d+) points; the least-squares line is (.*)": r"\1 titik; garis kuadrat terkecilnya \2",
    r"At the start ∂L/∂w is (.*), the mean of all samples' gradients": (
        r"Pada awalnya ∂L/∂w = \1, rata-rata gradien semua sampel"
    ),
    "its deviation": "simpangannya",
    r"(η = .*), (\d+) epochs from (w = .*)": r"\1, \2 epoch dari \3",
    "steps": "langkah",
    "from the best line": "dari garis terbaik",
    **command.lines(MORAL, SIMPULAN),
}


class Path(md.Callback):
    """Takes down w and b after every step."""

    def __init__(self) -> None:
        self.points: list[tuple[float, float]] = [START]

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a step."""
        w, b = (float(value.item()) for value in self.model.get_weights())
        self.points.append((w, b))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; 0 if all went well."""
    return command.run("descent", __doc__, arguments, _work, epochs=12, words=WORDS)


def line(seed: int) -> md.Model:
    """One unit without an activation, at the common start."""
    model = md.Model([md.layers.Dense(1)], input_shape=(1,), seed=seed, dtype="float64")
    model.set_weights([[[START[0]]], [START[1]]])
    model.compile(md.optimizers.SGD(LEARNING_RATE), "mse")
    return model


def _work(options: argparse.Namespace) -> Any:
    rng = np.random.default_rng(options.seed)
    x = rng.normal(size=(SAMPLES, 1))
    y = 2 * x[:, 0] + 0.5 + rng.normal(scale=0.8, size=SAMPLES)
    best = np.polyfit(x[:, 0], y, 1)
    lowest = float(np.mean((np.polyval(best, x[:, 0]) - y) ** 2))
    print(
        f"{SAMPLES} points; the least-squares line is y = {best[0]:.4f} x + {best[1]:.4f}, "
        f"L = {lowest:.4f}"
    )
    _print_noise(x, y, options.seed)

    print(f"\nη = {LEARNING_RATE}, {options.epochs} epochs from w = {START[0]}, b = {START[1]}")
    print(f"{'':12}{'batch':>7}{'steps':>7}{'w':>9}{'b':>9}{'L':>9}{'from the best line':>20}")
    paths, losses = {}, {}
    for name, size in BATCHES.items():
        model, path = line(options.seed), Path()
        history = model.fit(
            x,
            y,
            batch_size=size,
            epochs=options.epochs,
            verbose=0,
            callbacks=[path],
            validation_data=(x, y),
        )
        paths[name], losses[name] = np.array(path.points), history.history["val_loss"]
        (w, b), distance = paths[name][-1], np.linalg.norm(paths[name][-1] - best)
        print(
            f"{name:12}{size:7}{len(path.points) - 1:7}{w:9.4f}{b:9.4f}"
            f"{losses[name][-1]:9.4f}{distance:20.4f}"
        )
    print(MORAL)
    return _draw(x, y, paths, losses, lowest)


def _print_noise(x: Array, y: Array, seed: int) -> None:
    """The standard deviation of ∂L/∂w over batches, as measured and as the law has it."""
    model = line(seed)
    by_sample = model.per_sample_gradients(x, y)["dense/kernel"].ravel()
    print(f"\nAt the start ∂L/∂w is {by_sample.mean():.3f}, the mean of all samples' gradients")
    print(f"{'batch':>8}{'its deviation':>16}{'σ/√B':>10}")
    rng = np.random.default_rng(seed)
    for size in (1, 4, 16, 64):
        means = rng.choice(by_sample, (4000, size)).mean(axis=1)
        print(f"{size:8}{means.std():16.3f}{by_sample.std() / np.sqrt(size):10.3f}")


def _draw(
    x: Array, y: Array, paths: dict[str, Array], losses: dict[str, list[float]], lowest: float
) -> Any:
    from matplotlib import pyplot

    figure, grid = pyplot.subplots(2, 2, figsize=(12, 9), layout="constrained")
    axes = grid.ravel()
    visited = np.concatenate(list(paths.values()))
    w = np.linspace(visited[:, 0].min() - 0.3, visited[:, 0].max() + 0.6, 80)
    b = np.linspace(visited[:, 1].min() - 0.6, visited[:, 1].max() + 0.3, 80)
    surface = np.mean((w[:, None, None] * x[:, 0] + b[:, None] - y) ** 2, axis=-1).T
    for axis, (name, path), colour in zip(axes, paths.items(), COLOURS, strict=False):
        axis.contour(w, b, surface, levels=14, colors="grey", linewidths=0.6)
        axis.plot(*path.T, color=colour, linewidth=0.9, marker=".", markersize=3)
        axis.plot(*START, marker="s", color="black", label="start")
        axis.plot(*path[-1], marker="*", markersize=13, color="black", label="end")
        axis.set(title=f"{name}: {len(path) - 1} steps", xlabel="w", ylabel="b")
        axis.legend()
    for (name, values), colour, style, marker in zip(
        losses.items(), COLOURS, DASHES, MARKERS, strict=False
    ):
        above = np.asarray(values) - lowest
        epochs = range(1, len(values) + 1)
        axes[-1].plot(epochs, above, color=colour, linestyle=style, marker=marker, label=name)
    axes[-1].set(
        title="After each epoch", xlabel="epoch", ylabel="loss above the lowest", yscale="log"
    )
    axes[-1].legend()
    axes[-1].grid(alpha=0.3)
    return figure


if __name__ == "__main__":
    raise SystemExit(main())
