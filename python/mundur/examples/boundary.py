"""The border between two classes as it is learnt: a film of weights, border and loss.

    python -m mundur.examples.boundary

A ring around a disc cannot be parted by a line: the hidden units bend one, epoch by epoch.
`callbacks.Snapshots` keeps the weights of some epochs, `plots.animate` draws them.

Prints the loss now and then, and writes boundary.gif, and its last picture as boundary.png.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np

import mundur as md
from mundur.examples import command

WORDS = {r"validation accuracy: (.*)": r"akurasi validasi: \1"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; 0 if all went well."""
    return command.run("boundary", __doc__, arguments, _work, epochs=120, words=WORDS)


def _work(options: argparse.Namespace) -> Any:
    rng = np.random.default_rng(options.seed)
    angle = rng.uniform(0, 2 * np.pi, size=240)
    y = np.arange(240) % 2
    radius = np.where(y == 1, rng.uniform(0.0, 0.9, 240), rng.uniform(1.3, 2.0, 240))
    x = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    model = md.Model([md.layers.Dense(6, "tanh"), md.layers.Dense(1, "sigmoid")], seed=options.seed)
    model.compile(md.optimizers.Adam(0.03), "binary_crossentropy", metrics=["accuracy"])
    snapshots = md.callbacks.Snapshots(x[40:], y[40:], frames=20)
    model.fit(
        x[40:],
        y[40:],
        epochs=options.epochs,
        validation_data=(x[:40], y[:40]),
        verbose=0,
        callbacks=[snapshots],
    )
    for snapshot in snapshots.taken[1::4]:
        print(f"epoch {snapshot.epochs:4}: loss {snapshot.logs['loss']:.4f}")
    accuracy = model.evaluate(x[:40], y[:40], verbose=0, return_dict=True)["accuracy"]
    print(f"validation accuracy: {accuracy:.1%}")
    return md.plots.animate(snapshots, fps=4)


if __name__ == "__main__":
    raise SystemExit(main())
