"""The layers that workloads are made of: shapes, first weights and products, whatever runs them.

Classes and fields have Keras's names, and mundur's, so that both make their own layer out of
`type(layer).__name__` and the fields. Shapes are those of one sample.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict, astuple, dataclass
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

    def applied(self, library: Any, x: Any, made: list[Any]) -> Any:
        """This step in a graph of Keras's, or of mundur's; layers with weights come into `made`."""
        layer = getattr(library, type(self).__name__)(**asdict(self))
        made.append(layer)
        return layer(x)


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


# ---- images --------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Conv2D(Layer):
    """Square windows."""

    filters: int
    kernel_size: int
    strides: int = 1
    padding: str = "valid"
    activation: str = "linear"
    use_bias: bool = True

    def __str__(self) -> str:
        return f"Conv({self.filters},{self.kernel_size}x{self.kernel_size})"

    def output_shape(self, inputs: Shape) -> Shape:
        less = 0 if self.padding == "same" else self.kernel_size - 1
        rows, columns = (-(-(size - less) // self.strides) for size in inputs[:2])
        return rows, columns, self.filters

    def weight_shapes(self, inputs: Shape) -> list[Shape]:
        kernel = (self.kernel_size, self.kernel_size, inputs[2], self.filters)
        return [kernel, (self.filters,)] if self.use_bias else [kernel]

    def products(self, inputs: Shape) -> float:
        """Multiplications by the padding's zeros count, too."""
        return 2.0 * prod(self.output_shape(inputs)) * self.kernel_size**2 * inputs[2]


@dataclass(frozen=True)
class BatchNormalization(Layer):
    momentum: float = 0.99
    epsilon: float = 1e-3

    def output_shape(self, inputs: Shape) -> Shape:
        return inputs

    def weight_shapes(self, inputs: Shape) -> list[Shape]:
        return [inputs[-1:], inputs[-1:]]

    def first_weights(self, rng: np.random.Generator, inputs: Shape) -> list[Array]:
        return [np.ones(inputs[-1:], np.float32), np.zeros(inputs[-1:], np.float32)]


@dataclass(frozen=True)
class Activation(Layer):
    activation: str

    def output_shape(self, inputs: Shape) -> Shape:
        return inputs


@dataclass(frozen=True)
class MaxPooling2D(Layer):
    pool_size: int

    def __str__(self) -> str:
        return f"MaxPool({self.pool_size})"

    def output_shape(self, inputs: Shape) -> Shape:
        return inputs[0] // self.pool_size, inputs[1] // self.pool_size, inputs[2]


@dataclass(frozen=True)
class GlobalAveragePooling2D(Layer):
    def output_shape(self, inputs: Shape) -> Shape:
        return inputs[2:]


@dataclass(frozen=True)
class Flatten(Layer):
    def output_shape(self, inputs: Shape) -> Shape:
        return (prod(inputs),)


@dataclass(frozen=True)
class Block(Layer):
    """ResNet's: relu(x + BN(conv(relu(BN(conv(x)))))), x by a convolution where shapes change.

    He et al., "Deep residual learning for image recognition", 2016.
    """

    filters: int
    strides: int = 1

    def parts(self, inputs: Shape) -> list[tuple[Layer, Shape]]:
        """In the order of their weights, each with what comes into it: the shortcut's last."""
        first = Conv2D(self.filters, 3, self.strides, "same", use_bias=False)
        inner = first.output_shape(inputs)
        second = Conv2D(self.filters, 3, 1, "same", use_bias=False)
        normal = BatchNormalization()
        found = [(first, inputs), (normal, inner), (second, inner), (normal, inner)]
        if inner != inputs:
            shortcut = Conv2D(self.filters, 1, self.strides, "same", use_bias=False)
            found += [(shortcut, inputs), (normal, inner)]
        return found

    def output_shape(self, inputs: Shape) -> Shape:
        first, _ = self.parts(inputs)[0]
        return first.output_shape(inputs)

    def weight_shapes(self, inputs: Shape) -> list[Shape]:
        return [shape for part, of in self.parts(inputs) for shape in part.weight_shapes(of)]

    def first_weights(self, rng: np.random.Generator, inputs: Shape) -> list[Array]:
        return [one for part, of in self.parts(inputs) for one in part.first_weights(rng, of)]

    def products(self, inputs: Shape) -> float:
        return sum(part.products(of) for part, of in self.parts(inputs))

    def applied(self, library: Any, x: Any, made: list[Any]) -> Any:
        first, normal, second, again, *shortcut = (
            part for part, _ in self.parts(tuple(x.shape)[-3:])
        )
        y = library.ReLU()(normal.applied(library, first.applied(library, x, made), made))
        y = again.applied(library, second.applied(library, y, made), made)
        for part in shortcut:
            x = part.applied(library, x, made)
        return library.ReLU()(library.Add()([x, y]))
