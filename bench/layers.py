"""The layers that workloads are made of: shapes, first weights and products, whatever runs them.

Classes and fields have Keras's names, and mundur's, so that both make their own layer out of
`type(layer).__name__` and the fields. Shapes are those of one sample.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import astuple, dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Layer(ABC):
    """One step of a network; its weights come in Keras's order and layout."""

    @abstractmethod
    def output_shape(self, inputs: Shape) -> Shape: ...

    def weight_shapes(self, inputs: Shape) -> list[Shape]:
        return []

    def products(self, inputs: Shape) -> float:
        """Floating-point operations of the matrix products that one sample needs forward; backward
        needs as many for the weights' gradients, and again for that of its input."""
        return 0.0

    def first_weights(self, rng: np.random.Generator, inputs: Shape) -> list[Array]:
        """Glorot's uniform matrices and zero biases."""
        return [
            glorot(rng, shape) if len(shape) > 1 else np.zeros(shape, np.float32)
            for shape in self.weight_shapes(inputs)
        ]


def glorot(rng: np.random.Generator, shape: Shape) -> Array:
    """The last two are inputs and outputs; each pair of them meets at every place before."""
    limit = np.sqrt(6.0 / (prod(shape[:-2]) * (shape[-2] + shape[-1])))
    return rng.uniform(-limit, limit, shape).astype(np.float32)


@dataclass(frozen=True)
class Dense(Layer):
    units: int
    activation: str = "linear"

    def __str__(self) -> str:
        return f"Dense({self.units})"

    def output_shape(self, inputs: Shape) -> Shape:
        return (*inputs[:-1], self.units)

    def weight_shapes(self, inputs: Shape) -> list[Shape]:
        return [(inputs[-1], self.units), (self.units,)]

    def products(self, inputs: Shape) -> float:
        return 2.0 * prod(inputs) * self.units


@dataclass(frozen=True)
class Embedding(Layer):
    input_dim: int
    output_dim: int

    def __str__(self) -> str:
        return f"Embedding({self.input_dim},{self.output_dim})"

    def output_shape(self, inputs: Shape) -> Shape:
        return (*inputs, self.output_dim)

    def weight_shapes(self, inputs: Shape) -> list[Shape]:
        return [astuple(self)]

    def first_weights(self, rng: np.random.Generator, inputs: Shape) -> list[Array]:
        return [rng.uniform(-0.05, 0.05, astuple(self)).astype(np.float32)]


@dataclass(frozen=True)
class Conv1D(Layer):
    """Strides of one, within the sequence."""

    filters: int
    kernel_size: int
    activation: str = "linear"

    def __str__(self) -> str:
        return f"Conv1D({self.filters},{self.kernel_size}) {self.activation}"

    def output_shape(self, inputs: Shape) -> Shape:
        return inputs[0] - self.kernel_size + 1, self.filters

    def weight_shapes(self, inputs: Shape) -> list[Shape]:
        return [(self.kernel_size, inputs[1], self.filters), (self.filters,)]

    def products(self, inputs: Shape) -> float:
        steps, _ = self.output_shape(inputs)
        return 2.0 * steps * self.kernel_size * inputs[1] * self.filters


@dataclass(frozen=True)
class MaxPooling1D(Layer):
    pool_size: int

    def __str__(self) -> str:
        return f"MaxPool({self.pool_size})"

    def output_shape(self, inputs: Shape) -> Shape:
        return inputs[0] // self.pool_size, inputs[1]


@dataclass(frozen=True)
class LSTM(Layer):
    """Its output is the last step's."""

    units: int

    def __str__(self) -> str:
        return f"LSTM({self.units})"

    def output_shape(self, inputs: Shape) -> Shape:
        return (self.units,)

    def weight_shapes(self, inputs: Shape) -> list[Shape]:
        gates = 4 * self.units
        return [(inputs[1], gates), (self.units, gates), (gates,)]

    def products(self, inputs: Shape) -> float:
        steps, width = inputs
        return 2.0 * steps * (width + self.units) * 4 * self.units

    def first_weights(self, rng: np.random.Generator, inputs: Shape) -> list[Array]:
        kernel, recurrent_kernel, bias = super().first_weights(rng, inputs)
        bias[self.units : 2 * self.units] = 1.0  # gates i, f, c, o
        return [kernel, recurrent_kernel, bias]
