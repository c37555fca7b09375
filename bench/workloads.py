"""The workloads that mundur and its peers are compared on: shapes, data, first weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Workload:
    """A dense network, how it is trained, and on how much data.

    `shuffled` workloads are whole epochs over a set in a new order each time; the others walk
    through their batches in order, and a step is their unit.
    """

    name: str
    widths: tuple[int, ...]
    hidden: str
    output: str
    loss: str
    optimizer: str
    learning_rate: float
    batch_size: int
    batches: int
    shuffled: bool = False

    @property
    def unit(self) -> str:
        return "epoch" if self.shuffled else "step"

    @property
    def samples(self) -> int:
        # An epoch over 60,000 samples in batches of 128 ends with a short batch.
        return 60_000 if self.shuffled else self.batches * self.batch_size

    def __str__(self) -> str:
        net = "-".join(str(width) for width in self.widths)
        loss = {"mse": "MSE", "crossentropy": "softmax CE"}[self.loss]
        optimizer = {"sgd": "SGD", "momentum": "momentum", "adam": "Adam"}[self.optimizer]
        scope = f"epoch of {self.samples:,} shuffled, " if self.shuffled else ""
        return f"{scope}MLP {net} {self.hidden}, {loss}, {optimizer}, batch {self.batch_size}"

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
        for inputs, outputs in zip(self.widths[:-1], self.widths[1:], strict=True):
            limit = np.sqrt(6.0 / (inputs + outputs))
            weights.append(rng.uniform(-limit, limit, (inputs, outputs)).astype(np.float32))
            weights.append(np.zeros(outputs, np.float32))
        return weights


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("W1", (784, 128, 10), "relu", "linear", "crossentropy", "sgd", 0.01, 64, 100),
        Workload(
            "W2", (784, 512, 512, 10), "relu", "linear", "crossentropy", "adam", 1e-3, 128, 40
        ),
        Workload("W3", (16, 64, 64, 1), "tanh", "linear", "mse", "adam", 1e-3, 32, 500),
        Workload(
            "W4",
            (1024, 2048, 2048, 1000),
            "relu",
            "linear",
            "crossentropy",
            "momentum",
            0.01,
            512,
            4,
        ),
        Workload("W5", (2, 2, 2), "sigmoid", "sigmoid", "mse", "sgd", 0.5, 1, 20_000),
        Workload(
            "W8",
            (784, 128, 10),
            "relu",
            "linear",
            "crossentropy",
            "adam",
            1e-3,
            128,
            469,
            shuffled=True,
        ),
    )
}
