"""Batch sizes: what they do to speed, to memory and to learning.

    python -m mundur.examples.batch_sizes

A batch is one matrix product: the larger, the less of its time goes into everything else, and the
more often a weight is used once it has come from memory. That ends where all units are busy. The
numbers of a batch must be kept until its error comes back, so memory grows with it. And an epoch of
larger batches is fewer steps: with the same learning rate it learns less.

Measures an epoch and a prediction on this machine for batches of 1 to 2,048 samples, with the
memory that a training takes beside its parameters; prints a table, and writes batch_sizes.png.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

import mundur as md
from mundur.examples import command
from mundur.plots.figures import COLOURS

SAMPLES, FEATURES = 4096, 64
SIZES = (1, 4, 16, 64, 256, 1024, 2048)
WORDS = {
    "Speed": "Kecepatan",
    "Memory": "Memori",
    "Learning": "Belajar",
    "batch size": "ukuran batch",
    "samples per second": "sampel per detik",
    "workspace in KiB": "memori kerja (KiB)",
    "prediction": "prediksi",
    r"loss after (\d+) epochs": r"galat setelah \1 epoch",
    r"(\d+) samples, ([\d-]+), (\d+) threads": r"\1 sampel, \2, \3 thread",
    "samples/s, training": "sampel/s, pelatihan",
    "workspace": "memori kerja",
    r"loss, (\d+) epochs": r"galat, \1 epoch",
    "Time it where you train: these numbers are this machine's, at this moment.": (
        "Ukurlah di tempat Anda melatih: angka-angka ini milik mesin ini, pada saat ini."
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; 0 if all went well."""
    return command.run("batch_sizes", __doc__, arguments, _work, epochs=3, words=WORDS)


def network(seed: int) -> md.Model:
    """64-128-64-10 with ReLU, compiled."""
    layers = [md.layers.Dense(128, "relu"), md.layers.Dense(64, "relu"), md.layers.Dense(10)]
    model = md.Model(layers, input_shape=(FEATURES,), seed=seed)
    loss = md.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(md.optimizers.SGD(0.02), loss)
    return model


def fastest(work: Callable[[], object], times: int = 3) -> float:
    """Seconds of the fastest run: others disturb, nobody helps."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken)


def _work(options: argparse.Namespace) -> Any:
    from matplotlib import pyplot

    rng = np.random.default_rng(options.seed)
    x = rng.normal(size=(SAMPLES, FEATURES)).astype(np.float32)
    y = (x[:, :20].reshape(-1, 10, 2).sum(axis=-1)).argmax(axis=1)
    print(f"{SAMPLES} samples, 64-128-64-10, {md.get_num_threads()} threads")
    print(
        f"{'batch':>6}{'samples/s, training':>22}{'prediction':>14}{'workspace':>13}"
        f"{f'loss, {options.epochs} epochs':>18}"
    )
    rows = []
    for size in SIZES:
        model = network(options.seed)
        losses = model.fit(x, y, size, options.epochs, verbose=0).history["loss"]
        training = SAMPLES / fastest(partial(model.fit, x, y, size, 1, verbose=0))
        predicting = SAMPLES / fastest(partial(model.predict, x, size, verbose=0))
        kept = model.native.workspace_bytes(size, True) / 1024
        rows.append((training, predicting, kept, losses[-1]))
        print(f"{size:6}{training:22,.0f}{predicting:14,.0f}{kept:9,.0f} KiB{losses[-1]:18.3f}")
    print("Time it where you train: these numbers are this machine's, at this moment.")

    figure, (speed, memory, learning) = pyplot.subplots(
        1, 3, figsize=(12, 4.4), layout="constrained"
    )
    training, predicting, kept, last = np.transpose(rows)
    speed.plot(SIZES, training, "o-", color=COLOURS[0], label="training")
    speed.plot(SIZES, predicting, "s--", color=COLOURS[1], label="prediction")
    speed.set(title="Speed", ylabel="samples per second", yscale="log")
    speed.legend()
    memory.plot(SIZES, kept, "o-", color=COLOURS[0])
    memory.set(title="Memory", ylabel="workspace in KiB", yscale="log")
    learning.plot(SIZES, last, "o-", color=COLOURS[0])
    learning.set(title="Learning", ylabel=f"loss after {options.epochs} epochs")
    for axis in (speed, memory, learning):
        axis.set(xlabel="batch size", xscale="log")
        axis.grid(alpha=0.3)
    return figure


if __name__ == "__main__":
    raise SystemExit(main())
