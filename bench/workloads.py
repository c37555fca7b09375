"""The workloads that mundur and its peers are compared on: networks, data, weights, limits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from math import ceil, prod
from typing import Any

import numpy as np

from layers import (
    LSTM,
    Activation,
    Array,
    BatchNormalization,
    Block,
    Conv1D,
    Conv2D,
    Dense,
    Embedding,
    Flatten,
    GlobalAveragePooling2D,
    Layer,
    MaxPooling1D,
    MaxPooling2D,
    Shape,
)

_LOSSES = {"mse": "MSE", "crossentropy": "softmax CE", "binary": "BCE"}
_OPTIMIZERS = {"sgd": "SGD", "momentum": "momentum", "adam": "Adam"}
_SLOTS = {"": 0, "sgd": 0, "momentum": 1, "adam": 2}


@dataclass(frozen=True)
class Workload:
    """A network, how it is trained, and on how much data.

    `shuffled` workloads are whole epochs over all samples in a new order each time; the others walk
    through their batches in order, and a step is their unit. Without an optimizer it is a
    prediction of one batch, the same each time, and a call is its unit.
    """

    name: str
    inputs: Shape  # of one sample: features, or as many ids as an Embedding in front takes
    layers: tuple[Layer, ...]
    batch_size: int
    samples: int
    loss: str = "crossentropy"
    optimizer: str = ""
    learning_rate: float = 1e-3
    shuffled: bool = False
    title: str = ""  # of the network; by default its layers
    compute_dtype: str = "float32"  # of what products take

    @property
    def of_images(self) -> bool:
        return len(self.inputs) == 3

    @property
    def is_graph(self) -> bool:
        return any(isinstance(layer, Block) for layer in self.layers)

    @property
    def predicts(self) -> bool:
        return not self.optimizer

    @property
    def unit(self) -> str:
        return "call" if self.predicts else "epoch" if self.shuffled else "step"

    @property
    def batches(self) -> int:
        """The last may be short."""
        return ceil(self.samples / self.batch_size)

    @property
    def dense(self) -> list[Dense] | None:
        """The layers of a multi-layer perceptron; None if it has others."""
        layers = [layer for layer in self.layers if isinstance(layer, Dense)]
        return layers if len(layers) == len(self.layers) else None

    @property
    def widths(self) -> tuple[int, ...]:
        """A multi-layer perceptron's inputs, hidden layers, outputs."""
        return *self.inputs, *(layer.units for layer in self.dense or [])

    def __str__(self) -> str:
        if self.dense:
            widths = "-".join(str(width) for width in self.widths)
            net = f"MLP {widths} {self.dense[0].activation}"
        else:
            net = self.title or "-".join(str(layer) for layer in self.layers)
            size = "x".join(map(str, self.inputs)) if self.of_images else f"T={self.inputs[0]:,}"
            net = f"{net}, {size}"
        if self.predicts:
            return f"predict, {net}, batch {self.batch_size:,}{self._products}"
        scope = f"epoch of {self.samples:,} shuffled, " if self.shuffled else ""
        return (
            f"{scope}{net}, {_LOSSES[self.loss]}, {_OPTIMIZERS[self.optimizer]}, "
            f"batch {self.batch_size:,}{self._products}"
        )

    @property
    def _products(self) -> str:
        return "" if self.compute_dtype == "float32" else f", products in {self.compute_dtype}"

    def data(self) -> tuple[Array, Array]:
        """Samples in float32, or ids in int32; labels in int64, or targets in float32."""
        if self.name == "W5":
            pair = np.array([[0.05, 0.10]], np.float32), np.array([[0.01, 0.99]], np.float32)
            return np.tile(pair[0], (self.samples, 1)), np.tile(pair[1], (self.samples, 1))
        rng = np.random.default_rng(0)
        first, shape = self.layers[0], (self.samples, *self.inputs)
        x: Array
        if isinstance(first, Embedding):
            x = rng.integers(0, first.input_dim, shape, np.int32)
        else:
            x = rng.random(shape, dtype=np.float32)
        (outputs,) = self._output_shape
        if self.loss == "crossentropy":
            return x, rng.integers(0, outputs, self.samples)
        if self.loss == "binary":
            return x, rng.integers(0, 2, (self.samples, outputs)).astype(np.float32)
        if self.name == "W10":
            return x, _exponentials(x)
        return x, np.sin(x.sum(axis=1, keepdims=True)).astype(np.float32)

    def layer_weights(self) -> list[list[Array]]:
        """Of every layer, in Keras's order and layout: what all start from."""
        if self.name == "W5":
            first = [[0.15, 0.25], [0.20, 0.30]], [0.35, 0.35]
            second = [[0.40, 0.50], [0.45, 0.55]], [0.60, 0.60]
            return [[np.array(values, np.float32) for values in layer] for layer in (first, second)]
        rng = np.random.default_rng(1)
        return [layer.first_weights(rng, inputs) for layer, inputs in self._chain()]

    def weights(self) -> list[Array]:
        """All of them in one list."""
        return list(chain.from_iterable(self.layer_weights()))

    def graph(self, library: Any, x: Any) -> tuple[Any, list[Any]]:
        """What a graph of Keras's layers, or of mundur's, makes of a value; those with weights."""
        made: list[Any] = []
        for layer in self.layers:
            x = layer.applied(library, x, made)
        return x, made

    # ---- what the limit is made of ---------------------------------------------------------------
    @property
    def operations(self) -> float:
        """Floating-point operations of a unit's matrix products; nobody needs the first dx."""
        rows = self.samples if self.shuffled else self.batch_size
        products = [rows * layer.products(inputs) for layer, inputs in self._chain()]
        return sum(products) if self.predicts else 3 * sum(products) - products[0]

    @property
    def resident_bytes(self) -> int:
        """Parameters and the optimizer's state in float32: what every step must go over.

        An Embedding's whole table is, even where a batch has few of its ids: Adam's moments decay,
        and move the weights, in every row and every step.
        """
        shapes = [shape for layer, inputs in self._chain() for shape in layer.weight_shapes(inputs)]
        return 4 * sum(prod(shape) for shape in shapes) * (1 + _SLOTS[self.optimizer])

    @property
    def moved_bytes(self) -> int:
        """Of these, how many a unit moves at least: training writes what it has read."""
        if self.predicts:
            return self.resident_bytes
        return 2 * self.resident_bytes * (self.batches if self.shuffled else 1)

    def _chain(self) -> Iterator[tuple[Layer, Shape]]:
        """Each layer with the shape that comes into it."""
        shape = self.inputs
        for layer in self.layers:
            yield layer, shape
            shape = layer.output_shape(shape)

    @property
    def _output_shape(self) -> Shape:
        *_, (last, inputs) = self._chain()
        return last.output_shape(inputs)


def perceptron(*units: int, hidden: str, output: str = "linear") -> tuple[Dense, ...]:
    return *(Dense(width, hidden) for width in units[:-1]), Dense(units[-1], output)


def lstm_classifier(vocabulary: int, units: int = 64) -> tuple[Layer, ...]:
    """What tells one sentiment from the other, one logit of a sequence of ids."""
    return Embedding(vocabulary, 64), LSTM(units), Dense(1)


def _exponentials(x: Array) -> Array:
    """e^X of each 2x2 matrix, by its series: the elements are below 1."""
    matrices = x.reshape(-1, 2, 2).astype(np.float64)
    term = total = np.broadcast_to(np.eye(2), matrices.shape)
    for order in range(1, 20):
        term = term @ matrices / order
        total = total + term
    return total.reshape(-1, 4).astype(np.float32)


_PIXELS = (784,)
_W1 = perceptron(128, 10, hidden="relu")
_W2 = perceptron(512, 512, 10, hidden="relu")
_W3 = perceptron(64, 64, 1, hidden="tanh")
_W4 = perceptron(2048, 2048, 1000, hidden="relu")
_W5 = perceptron(2, 2, hidden="sigmoid", output="sigmoid")
_W6 = lstm_classifier(10_000)
_W7 = Embedding(10_000, 64), Conv1D(64, 5, "relu"), MaxPooling1D(4), LSTM(64), Dense(1)
_W9 = lstm_classifier(20_000)
_W10 = perceptron(32, 16, 4, hidden="tanh")
_W11 = perceptron(*[300] * 5, 1, hidden="tanh")
_W12 = perceptron(1000, 500, 100, hidden="relu")
_W13 = perceptron(4096, 4096, 10, hidden="relu")

_DIGITS = (28, 28, 1)
# LeCun et al., "Gradient-based learning applied to document recognition", 1998, with what has come
# since: maxima and relu. Keras's example for MNIST, but for its dropout, which no two libraries
# draw alike. He et al., 2016, for CIFAR-10, 20 layers.
_W14 = (
    *(Conv2D(6, 5, activation="relu"), MaxPooling2D(2)),
    *(Conv2D(16, 5, activation="relu"), MaxPooling2D(2)),
    *(Flatten(), *perceptron(120, 84, 10, hidden="relu")),
)
_W15 = (
    *(Conv2D(32, 3, activation="relu"), MaxPooling2D(2)),
    *(Conv2D(64, 3, activation="relu"), MaxPooling2D(2)),
    *(Flatten(), Dense(10)),
)
_W16 = (
    *(Conv2D(16, 3, padding="same", use_bias=False), BatchNormalization(), Activation("relu")),
    *(Block(16), Block(16), Block(16)),
    *(Block(32, 2), Block(32), Block(32)),
    *(Block(64, 2), Block(64), Block(64)),
    *(GlobalAveragePooling2D(), Dense(10)),
)
_IMAGES = {
    "W14": (_DIGITS, _W14, "LeNet-5"),
    "W15": (_DIGITS, _W15, "convnet 32-64"),
    "W16": ((32, 32, 3), _W16, "ResNet-20"),
}

WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("W1", _PIXELS, _W1, 64, 6_400, optimizer="sgd", learning_rate=0.01),
        Workload("W2", _PIXELS, _W2, 128, 5_120, optimizer="adam"),
        Workload("W3", (16,), _W3, 32, 16_000, "mse", "adam"),
        Workload("W4", (1024,), _W4, 512, 2_048, "crossentropy", "momentum", 0.01),
        Workload("W5", (2,), _W5, 1, 20_000, "mse", "sgd", 0.5),
        Workload("W6", (100,), _W6, 32, 1_600, "binary", "adam"),
        Workload("W7", (200,), _W7, 32, 1_600, "binary", "adam"),
        Workload("W8", _PIXELS, _W1, 128, 60_000, optimizer="adam", shuffled=True),
        Workload("W9", (200,), _W9, 64, 12_800, "binary", "adam", shuffled=True),
        # What others publish: SimpleChains.jl a matrix's exponential, OpenNN a network for HIGGS.
        Workload("W10", (4,), _W10, 10_000, 10_000, "mse", "adam"),
        Workload("W11", (28,), _W11, 100, 10_000, "binary", "adam"),
        Workload("W12", (3072,), _W12, 256, 2_560, optimizer="sgd", learning_rate=0.01),
        Workload("W13", (4096,), _W13, 256, 1_024, "crossentropy", "momentum", 0.01),
        Workload("W1f/1", _PIXELS, _W1, 1, 1),
        Workload("W1f/1024", _PIXELS, _W1, 1024, 1024),
        Workload("W2f/1", _PIXELS, _W2, 1, 1),
        Workload("W2f/1024", _PIXELS, _W2, 1024, 1024),
        *(
            Workload(name, inputs, layers, 128, 512, optimizer="adam", title=title)
            for name, (inputs, layers, title) in _IMAGES.items()
        ),
        *(
            Workload(f"{name}f/{batch}", inputs, layers, batch, batch, title=title)
            for name, (inputs, layers, title) in _IMAGES.items()
            for batch in (1, 256)
        ),
    )
}
# What tiles are for. Peers have names for it of their own: autocast, mixed precision.
WORKLOADS |= {
    f"{name}bfloat16": replace(WORKLOADS[name], name=f"{name}bfloat16", compute_dtype="bfloat16")
    for name in ("W2", "W4", "W6", "W7")
}
