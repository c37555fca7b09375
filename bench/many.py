"""Many small networks: one after another, by all threads, and side by side, by `fit_many`.

    python bench/many.py [--threads N] [--networks N] [--rounds N]

Networks of W3's kind (16-64-64-1 tanh, MSE, Adam, batch 32) on 3,200 samples that all share, 20
epochs, with nobody watching and with early stopping, which looks at every epoch. Both ways take
turns; the figure is the median of their ratios.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

import mundur as md
import numpy as np

import machine

SAMPLES, EPOCHS, BATCH = 3200, 20, 32


def network(seed: int) -> md.Model:
    """W3's."""
    layers = [md.layers.Dense(64, "tanh"), md.layers.Dense(64, "tanh"), md.layers.Dense(1)]
    model = md.Model(layers, seed=seed, input_shape=(16,))
    model.compile(md.optimizers.Adam(), "mse")
    return model


def seconds(networks: int, side_by_side: bool, x: Any, y: Any, **how: Any) -> float:
    """How long they take, from their first step to their last."""
    models = [network(seed) for seed in range(networks)]
    begin = time.perf_counter()
    if side_by_side:
        md.fit_many(models, x, y, batch_size=BATCH, epochs=EPOCHS, verbose=0, **how)
    else:
        for model in models:
            model.fit(x, y, batch_size=BATCH, epochs=EPOCHS, verbose=0, **how)
    return time.perf_counter() - begin


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--threads", type=int, default=machine.cores())
    parser.add_argument("--networks", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    md.set_num_threads(options.threads)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(SAMPLES, 16)).astype(np.float32)
    y = np.tanh(x[:, :1] * x[:, 1:2])
    print(machine.title(machine.describe()))
    for name, callbacks in (
        ("nobody watches", None),
        ("early stopping", [md.callbacks.EarlyStopping("loss", patience=EPOCHS)]),
    ):
        alone, many = [], []
        for _ in range(options.rounds):
            alone.append(seconds(options.networks, False, x, y, callbacks=callbacks))
            many.append(seconds(options.networks, True, x, y, callbacks=callbacks))
        ratio = statistics.median(m / a for a, m in zip(alone, many, strict=True))
        print(
            f"{options.networks} networks, {options.threads} threads, {name}: one after another "
            f"{statistics.median(alone):.3f} s, side by side {statistics.median(many):.3f} s, "
            f"ratio {ratio:.3f}"
        )


if __name__ == "__main__":
    main()
