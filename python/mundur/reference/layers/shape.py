"""Layers that change a sample's shape only: forward, and backward directly below it."""

from collections.abc import Sequence
from math import prod
from random import Random

from ..._support.checks import WrongType, integer
from ..lists import Shape, Tensor, flatten, nest, zeros
from .base import Layer


class Moving(Layer):
    """What these layers share: each number of a is one of x, or 0.

    A kind says by `sources` which: the place in a flat sample of x for each place of a, or None.
    """

    keeps_mask = False

    def sources(self, input_shape: Shape) -> list[int | None]:
        """Return where each number of a comes from."""
        raise NotImplementedError

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Move the numbers."""
        self.check_input(x)
        sources = self.sources(self.input_shape or ())
        self.a = []
        for x_n in x:
            flat = flatten(x_n)
            # a_i = x_source(i), or 0
            moved = [0.0 if source is None else flat[source] for source in sources]
            self.a.append(nest(moved, self.output_shape or ()))
        return self.a

    def backward(self, gradient: Tensor) -> Tensor:
        """Move the gradients back."""
        self.check_gradient(gradient)
        sources = self.sources(self.input_shape or ())
        result: Tensor = []
        for g_n in gradient:
            dx: list[float] = zeros((prod(self.input_shape or ()),))
            # ∂L/∂x_source(i) = ∂L/∂a_i
            for source, g_i in zip(sources, flatten(g_n), strict=True):
                if source is not None:
                    dx[source] = g_i
            result.append(nest(dx, self.input_shape or ()))
        return result


class Reshape(Moving):
    """A sample takes another shape, its numbers in the same order.

    Parameters
    ----------
    target_shape : tuple of int
        One extent may be -1: what the others leave.

    Notes
    -----
    x has shape (batch, ...), a has shape (batch, *target_shape).

    Examples
    --------
    >>> layer = Reshape((-1, 2))
    >>> layer.build((4,))
    (2, 2)
    >>> layer.forward([[1, 2, 3, 4]])
    [[[1, 2], [3, 4]]]
    >>> layer.backward([[[5, 6], [7, 8]]])
    [[5, 6, 7, 8]]
    """

    def __init__(self, target_shape: Sequence[int], *, name: str | None = None) -> None:
        super().__init__(name)
        self.target_shape = integers(target_shape, "target_shape", -1)
        if 0 in self.target_shape or self.target_shape.count(-1) > 1:
            raise ValueError(
                "target_shape must have positive extents, one of them -1 at most; got "
                f"{self.target_shape}"
            )

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Find the open extent."""
        size, known = prod(input_shape), prod(extent for extent in self.target_shape if extent > 0)
        shape = tuple(size // known if extent == -1 else extent for extent in self.target_shape)
        if prod(shape) != size:
            raise ValueError(
                f"{self.name}: samples of shape {input_shape} have {size} numbers, which do not "
                f"fill target_shape={self.target_shape}"
            )
        return shape

    def sources(self, input_shape: Shape) -> list[int | None]:
        """Return each place itself."""
        return list(range(prod(input_shape)))

    def __repr__(self) -> str:
        return f"Reshape({self.target_shape})"


class Flatten(Reshape):
    """All numbers of a sample in one row; backward, the row takes its old shape again.

    Notes
    -----
    x has shape (batch, d₁, d₂, ...), a has shape (batch, d₁·d₂·...).

    Examples
    --------
    >>> layer = Flatten()
    >>> layer.build((2, 2))
    (4,)
    >>> layer.forward([[[1, 2], [3, 4]]])
    [[1, 2, 3, 4]]
    >>> layer.backward([[5, 6, 7, 8]])
    [[[5, 6], [7, 8]]]
    """

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__((-1,), name=name)

    def __repr__(self) -> str:
        return "Flatten()"


class Permute(Moving):
    """The axes of a sample in another order.

    Parameters
    ----------
    dims : tuple of int
        Axes of x in the order of a, counted from 1.

    Notes
    -----
    x has shape (batch, d₁, d₂, ...), a has shape (batch, d_dims[0], d_dims[1], ...).

    Examples
    --------
    >>> layer = Permute((2, 1))
    >>> layer.build((2, 3))
    (3, 2)
    >>> layer.forward([[[1, 2, 3], [4, 5, 6]]])
    [[[1, 4], [2, 5], [3, 6]]]
    """

    def __init__(self, dims: Sequence[int], *, name: str | None = None) -> None:
        super().__init__(name)
        self.dims = integers(dims, "dims", 0)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(f"dims must be 1, 2, ... in some order; got {self.dims}")

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Reorder the extents."""
        if len(input_shape) != len(self.dims):
            raise ValueError(
                f"{self.name}: dims={self.dims} are for samples of rank {len(self.dims)}; got "
                f"shape {input_shape}"
            )
        return tuple(input_shape[axis - 1] for axis in self.dims)

    def sources(self, input_shape: Shape) -> list[int | None]:
        """Return the places in order of the new axes."""
        places: list[int] = [0]
        for axis in self.dims:
            # A step along an axis passes over all numbers of the axes behind it.
            stride = prod(input_shape[axis:])
            places = [p + i * stride for p in places for i in range(input_shape[axis - 1])]
        return list(places)

    def __repr__(self) -> str:
        return f"Permute({self.dims})"


class ZeroPadding1D(Moving):
    """Steps of zeros in front of a sample and behind it.

    Parameters
    ----------
    padding : int or pair of int, default 1
        Steps on both sides, or (before, after).

    Notes
    -----
    x has shape (batch, steps, channels), a has shape (batch, before + steps + after, channels).

    Examples
    --------
    >>> layer = ZeroPadding1D((1, 0))
    >>> layer.build((2, 1))
    (3, 1)
    >>> layer.forward([[[7.0], [8.0]]]), layer.backward([[[1.0], [2.0], [3.0]]])
    ([[[0.0], [7.0], [8.0]]], [[[2.0], [3.0]]])
    """

    def __init__(self, padding: int | Sequence[int] = 1, *, name: str | None = None) -> None:
        super().__init__(name)
        both = padding if isinstance(padding, (tuple, list)) else [integer(padding, "padding")] * 2
        self.padding = integers(both, "padding", 0)
        if len(self.padding) != 2:
            raise ValueError(f"padding must be an integer or (before, after); got {padding!r}")

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Add the steps."""
        self.check_samples("(steps, channels)", input_shape, len(input_shape) == 2)
        return (input_shape[0] + sum(self.padding), input_shape[1])

    def sources(self, input_shape: Shape) -> list[int | None]:
        """Return no place in front and behind, between them each step's."""
        channels, size = input_shape[1], prod(input_shape)
        before, after = self.padding
        return [None] * (before * channels) + list(range(size)) + [None] * (after * channels)

    def __repr__(self) -> str:
        return f"ZeroPadding1D({self.padding})"


class Cropping1D(Moving):
    """A sample without its first and its last steps.

    Parameters
    ----------
    cropping : int or pair of int, default (1, 1)
        Steps that are left out on both sides, or (before, after).

    Notes
    -----
    x has shape (batch, steps, channels), a has shape (batch, steps − before − after, channels).

    Examples
    --------
    >>> layer = Cropping1D((1, 0))
    >>> layer.build((3, 1))
    (2, 1)
    >>> layer.forward([[[7.0], [8.0], [9.0]]]), layer.backward([[[1.0], [2.0]]])
    ([[[8.0], [9.0]]], [[[0.0], [1.0], [2.0]]])
    """

    def __init__(self, cropping: int | Sequence[int] = (1, 1), *, name: str | None = None) -> None:
        super().__init__(name)
        if not isinstance(cropping, (tuple, list)):
            cropping = [integer(cropping, "cropping")] * 2
        self.cropping = integers(cropping, "cropping", 0)
        if len(self.cropping) != 2:
            raise ValueError(f"cropping must be an integer or (before, after); got {cropping!r}")

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Leave the steps out."""
        self.check_samples("(steps, channels)", input_shape, len(input_shape) == 2)
        if input_shape[0] <= sum(self.cropping):
            raise ValueError(
                f"{self.name}: cropping={self.cropping} leaves nothing of {input_shape[0]} steps"
            )
        return (input_shape[0] - sum(self.cropping), input_shape[1])

    def sources(self, input_shape: Shape) -> list[int | None]:
        """Return the places of the steps that stay."""
        steps, channels = input_shape
        before, after = self.cropping
        return list(range(before * channels, (steps - after) * channels))

    def __repr__(self) -> str:
        return f"Cropping1D({self.cropping})"


class UpSampling1D(Layer):
    """Each step comes several times in a row.

    Parameters
    ----------
    size : int, default 2
        How often.

    Notes
    -----
    x has shape (batch, steps, channels), a has shape (batch, steps · size, channels).

    Examples
    --------
    >>> layer = UpSampling1D(2)
    >>> layer.build((2, 1))
    (4, 1)
    >>> layer.forward([[[7.0], [8.0]]])
    [[[7.0], [7.0], [8.0], [8.0]]]
    >>> layer.backward([[[1.0], [2.0], [3.0], [4.0]]])
    [[[3.0], [7.0]]]
    """

    keeps_mask = False

    def __init__(self, size: int = 2, *, name: str | None = None) -> None:
        super().__init__(name)
        self.size = integer(size, "size", 1)

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Multiply the steps."""
        self.check_samples("(steps, channels)", input_shape, len(input_shape) == 2)
        return (input_shape[0] * self.size, input_shape[1])

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Repeat each step."""
        self.check_input(x)
        # a_(t size + i) = x_t
        self.a = [[list(x_t) for x_t in x_n for _ in range(self.size)] for x_n in x]
        return self.a

    def backward(self, gradient: Tensor) -> Tensor:
        """Add the gradients of each step's copies up."""
        self.check_gradient(gradient)
        # ∂L/∂x_t = Σ_i ∂L/∂a_(t size + i)
        return [
            [
                [sum(column) for column in zip(*g_n[t : t + self.size], strict=True)]
                for t in range(0, len(g_n), self.size)
            ]
            for g_n in gradient
        ]

    def __repr__(self) -> str:
        return f"UpSampling1D({self.size})"


class RepeatVector(Layer):
    """A vector becomes a sequence that has it at each of n steps.

    Parameters
    ----------
    n : int
        How many steps.

    Notes
    -----
    x has shape (batch, channels), a has shape (batch, n, channels).

    Examples
    --------
    >>> layer = RepeatVector(2)
    >>> layer.build((3,))
    (2, 3)
    >>> layer.forward([[1.0, 2.0, 3.0]])
    [[[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]]
    >>> layer.backward([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]])
    [[5.0, 7.0, 9.0]]
    """

    keeps_mask = False

    def __init__(self, n: int, *, name: str | None = None) -> None:
        super().__init__(name)
        self.n = integer(n, "n", 1)

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Put the steps in front."""
        self.check_samples("(channels,)", input_shape, len(input_shape) == 1)
        return (self.n, *input_shape)

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Repeat each sample."""
        self.check_input(x)
        # a_tc = x_c
        self.a = [[list(x_n) for _ in range(self.n)] for x_n in x]
        return self.a

    def backward(self, gradient: Tensor) -> Tensor:
        """Add the gradients of all steps up."""
        self.check_gradient(gradient)
        # ∂L/∂x_c = Σ_t ∂L/∂a_tc
        return [[sum(column) for column in zip(*g_n, strict=True)] for g_n in gradient]

    def __repr__(self) -> str:
        return f"RepeatVector({self.n})"


def integers(value: Sequence[int], name: str, least: int) -> tuple[int, ...]:
    """Return the integers of a tuple, each of which must be at least so great."""
    if not isinstance(value, (tuple, list)):
        raise WrongType(f"{name} must be a tuple of integers; got {value!r:.80}")
    return tuple(integer(part, f"{name}[{i}]", least) for i, part in enumerate(value))
