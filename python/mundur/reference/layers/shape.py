"""Layers that change a sample's shape only: forward, and backward directly below it."""

from collections.abc import Sequence
from math import prod
from random import Random

from ..lists import Mask, Matrix, Shape, Tensor, flatten, nest, zeros
from .base import Layer
from .windows import check_steps


class Flatten(Layer):
    """All numbers of a sample in one row; backward, the row takes its old shape again.

    Notes
    -----
    x has shape (batch, d₁, d₂, ...), y has shape (batch, d₁·d₂·...).

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
        super().__init__(name)
        self.y: Matrix | None = None

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Give a row as long as a sample has numbers."""
        return (prod(input_shape),)

    def compute_mask(self, x: Tensor, mask: Mask | None) -> Mask | None:
        """Drop the mask: there are no time steps."""
        return None

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Put each sample in a row."""
        self.check_input(x)
        # y_(i·d₂ + j) = x_ij
        self.y = [flatten(x_n) for x_n in x]
        return self.y

    def backward(self, gradient: Tensor) -> Tensor:
        """Give each row its sample's shape again."""
        self.check_gradient(gradient, self.y)
        # ∂L/∂x_ij = ∂L/∂y_(i·d₂ + j)
        return [nest(g_n, self.input_shape or ()) for g_n in gradient]

    def __repr__(self) -> str:
        return "Flatten()"


class Moving(Layer):
    """What these layers share: each number of y is one of x, or 0.

    A kind says by `sources` which: the place in a flat sample of x for each place of y, or None.
    """

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        self.y: Tensor | None = None

    def sources(self, input_shape: Shape) -> list[int | None]:
        """Return where each number of y comes from."""
        raise NotImplementedError

    def compute_mask(self, x: Tensor, mask: Mask | None) -> Mask | None:
        """Drop the mask: time steps are others."""
        return None

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Move the numbers."""
        self.check_input(x)
        sources = self.sources(self.input_shape or ())
        self.y = []
        for x_n in x:
            flat = flatten(x_n)
            # y_i = x_source(i), or 0
            moved = [0.0 if source is None else flat[source] for source in sources]
            self.y.append(nest(moved, self.output_shape or ()))
        return self.y

    def backward(self, gradient: Tensor) -> Tensor:
        """Move the gradients back."""
        self.check_gradient(gradient, self.y)
        sources = self.sources(self.input_shape or ())
        result: Tensor = []
        for g_n in gradient:
            dx: list[float] = zeros((prod(self.input_shape or ()),))
            # ∂L/∂x_source(i) = ∂L/∂y_i
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
    x has shape (batch, ...), y has shape (batch, *target_shape).

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
        self.target_shape = tuple(target_shape)

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Find the open extent."""
        size, known = prod(input_shape), prod(extent for extent in self.target_shape if extent > 0)
        shape = tuple(size // known if extent == -1 else extent for extent in self.target_shape)
        if prod(shape) != size:
            raise ValueError(f"{self.name}: samples of shape {input_shape} do not fill {shape}")
        return shape

    def sources(self, input_shape: Shape) -> list[int | None]:
        """Return each place itself."""
        return list(range(prod(input_shape)))

    def __repr__(self) -> str:
        return f"Reshape({self.target_shape})"


class Permute(Moving):
    """The axes of a sample in another order.

    Parameters
    ----------
    dims : tuple of int
        Axes of x in the order of y, counted from 1.

    Notes
    -----
    x has shape (batch, d₁, d₂, ...), y has shape (batch, d_dims[0], d_dims[1], ...).

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
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(f"dims: expected 1, 2, ... in some order, got {self.dims}")

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Reorder the extents."""
        if len(input_shape) != len(self.dims):
            raise ValueError(
                f"{self.name}: expected samples of rank {len(self.dims)}, got {input_shape}"
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
    x has shape (batch, steps, channels), y has shape (batch, before + steps + after, channels).

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
        self.padding = (padding, padding) if isinstance(padding, int) else tuple(padding)

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Add the steps."""
        check_steps(self.name, input_shape)
        return (input_shape[0] + sum(self.padding), input_shape[1])

    def sources(self, input_shape: Shape) -> list[int | None]:
        """Return no place in front and behind, between them each step's."""
        channels, size = input_shape[1], prod(input_shape)
        before, after = self.padding
        return [None] * (before * channels) + list(range(size)) + [None] * (after * channels)

    def __repr__(self) -> str:
        return f"ZeroPadding1D({self.padding})"


class RepeatVector(Layer):
    """A vector becomes a sequence that has it at each of n steps.

    Parameters
    ----------
    n : int
        How many steps.

    Notes
    -----
    x has shape (batch, channels), y has shape (batch, n, channels).

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

    def __init__(self, n: int, *, name: str | None = None) -> None:
        super().__init__(name)
        self.n = n
        self.y: Tensor | None = None

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Put the steps in front."""
        if len(input_shape) != 1 or self.n < 1:
            raise ValueError(
                f"{self.name}: expected samples of rank 1 and n of 1 or more, got {input_shape} "
                f"and {self.n}"
            )
        return (self.n, *input_shape)

    def compute_mask(self, x: Tensor, mask: Mask | None) -> Mask | None:
        """Drop the mask: the steps are new."""
        return None

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Repeat each sample."""
        self.check_input(x)
        # y_tc = x_c
        self.y = [[list(x_n) for _ in range(self.n)] for x_n in x]
        return self.y

    def backward(self, gradient: Tensor) -> Tensor:
        """Add the gradients of all steps up."""
        self.check_gradient(gradient, self.y)
        # ∂L/∂x_c = Σ_t ∂L/∂y_tc
        return [[sum(column) for column in zip(*g_n, strict=True)] for g_n in gradient]

    def __repr__(self) -> str:
        return f"RepeatVector({self.n})"
