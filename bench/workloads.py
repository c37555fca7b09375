"""The workloads that mundur and its peers are compared on: shapes, data, first weights, limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

_LOSSES = {"mse": "MSE", "crossentropy": "softmax CE"}
_OPTIMIZERS = {"sgd": "SGD", "momentum": "momentum", "adam": "Adam"}
_SLOTS = {"": 0, "sgd": 0, "momentum": 1, "adam": 2}


@dataclass(frozen=True)
class Workload:
    """A dense network, how it is trained, and on how much data.

    `shuffled` workloads are whole epochs over 60,000 samples in a new order each time; the others
    walk through their batches in order, and a step is their unit. Without an optimizer it is a
    prediction of one batch, the same each time, and a call is its unit.
    """

    name: str
    widths: tuple[int, ...]
    hidden: str
    output: str = "linear"
    loss: str = "crossentropy"
    optimizer: str = ""
    learning_rate: float = 1e-3
    batch_size: int = 1
    batches: int = 1
    shuffled: bool = False

    @property
    def predicts(self) -> bool:
        return not self.optimizer

    @property
    def unit(self) -> str:
        return "call" if self.predicts else "epoch" if self.shuffled else "step"

    @property
    def samples(self) -> int:
        # An epoch over 60,000 samples in batches of 128 ends with a short batch.
        return 60_000 if self.shuffled else self.batches * self.batch_size

    def __str__(self) -> str:
        net = f"MLP {'-'.join(str(width) for width in self.widths)} {self.hidden}"
        if self.predicts:
            return f"predict, {net}, batch {self.batch_size:,}"
        scope = f"epoch of {self.samples:,} shuffled, " if self.shuffled else ""
        return (
            f"{scope}{net}, {_LOSSES[self.loss]}, {_OPTIMIZERS[self.optimizer]}, "
            f"batch {self.batch_size:,}"
        )

    def data(self) -> tuple[Array, Array]:
        """Features (samples, inputs) in float32; labels in int64, or targets in float32."""
        if self.name == "W5":
            x = np.tile(np.array([[0.05, 0.10]], np.float32), (self.samples, 1))
            return x, np.tile(np.array([[0.01, 0.99]], np.float32), (self.samples, 1))
        rng = np.random.default_rng(0)
        x = rng.random((self.samples, self.widths[0]), dtype=np.float32)
        if self.loss == "crossentropy":
            return x, rng.integers(0, self.widths[-1], self.samples)
        return x, np.sin(x.sum(axis=1, keepdims=True)).astype(np.float32)

    def weights(self) -> list[Array]:
        """Kernel (inputs, outputs) and bias of every layer, in order: what all start from."""
        if self.name == "W5":
            first = [[0.15, 0.25], [0.20, 0.30]], [0.35, 0.35]
            second = [[0.40, 0.50], [0.45, 0.55]], [0.60, 0.60]
            return [np.array(values, np.float32) for values in (*first, *second)]
        rng = np.random.default_rng(1)
        weights: list[Array] = []
        for inputs, outputs in self._layers():
            limit = np.sqrt(6.0 / (inputs + outputs))
            weights.append(rng.uniform(-limit, limit, (inputs, outputs)).astype(np.float32))
            weights.append(np.zeros(outputs, np.float32))
        return weights

    def activations(self) -> list[str]:
        """One name per layer."""
        return [self.hidden] * (len(self.widths) - 2) + [self.output]

    # ---- what the limit is made of ---------------------------------------------------------------
    @property
    def operations(self) -> float:
        """Floating-point operations of a unit's matrix products; nobody needs the first dx."""
        rows = self.samples if self.shuffled else self.batch_size
        products = [2.0 * rows * inputs * outputs for inputs, outputs in self._layers()]
        return sum(products) if self.predicts else 3 * sum(products) - products[0]

    @property
    def resident_bytes(self) -> int:
        """Parameters and the optimizer's state in float32: what every step must go over."""
        parameters = sum((inputs + 1) * outputs for inputs, outputs in self._layers())
        return 4 * parameters * (1 + _SLOTS[self.optimizer])

    @property
    def moved_bytes(self) -> int:
        """Of these, how many a unit moves at least: training writes what it has read."""
        if self.predicts:
            return self.resident_bytes
        return 2 * self.resident_bytes * (self.batches if self.shuffled else 1)

    def _layers(self) -> list[tuple[int, int]]:
        return list(zip(self.widths[:-1], self.widths[1:], strict=True))


_W1, _W2 = (784, 128, 10), (784, 512, 512, 10)
_W4 = (1024, 2048, 2048, 1000)

WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload(
            "W1", _W1, "relu", optimizer="sgd", learning_rate=0.01, batch_size=64, batches=100
        ),
        Workload("W2", _W2, "relu", optimizer="adam", batch_size=128, batches=40),
        Workload("W3", (16, 64, 64, 1), "tanh", "linear", "mse", "adam", 1e-3, 32, 500),
        Workload("W4", _W4, "relu", "linear", "crossentropy", "momentum", 0.01, 512, 4),
        Workload("W5", (2, 2, 2), "sigmoid", "sigmoid", "mse", "sgd", 0.5, 1, 20_000),
        Workload("W8", _W1, "relu", optimizer="adam", batch_size=128, batches=469, shuffled=True),
        Workload("W1f/1", _W1, "relu"),
        Workload("W1f/1024", _W1, "relu", batch_size=1024),
        Workload("W2f/1", _W2, "relu"),
        Workload("W2f/1024", _W2, "relu", batch_size=1024),
    )
}
