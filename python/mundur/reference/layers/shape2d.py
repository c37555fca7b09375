"""Layers that only move the pixels of an image: forward, and backward directly below it."""

from collections.abc import Sequence
from operator import add
from random import Random
from typing import Any

from ..._support.checks import WrongType
from ..._support.names import lookup
from ..lists import Shape, Tensor, shape, zeros
from .base import Layer
from .pooling2d import SAMPLES
from .resizing import INTERPOLATIONS, Enlarged
from .shape import Moving
from .windows import pair

Sides = tuple[tuple[int, int], tuple[int, int]]
"""What is at the top and at the bottom, on the left and on the right."""


def sides(value: Any, name: str) -> Sides:
    """Return all sides, for which one number may stand, or one for rows and one for columns.

    Examples
    --------
    >>> sides(1, "padding"), sides((1, (0, 2)), "padding")
    (((1, 1), (1, 1)), ((1, 1), (0, 2)))
    """
    if not isinstance(value, (tuple, list)):
        value = (value, value)
    if len(value) != 2:
        raise WrongType(f"{name} must be an integer or a pair of numbers or pairs; got {value!r}")
    return pair(value[0], name, 0), pair(value[1], name, 0)


class Margins(Moving):
    """What ZeroPadding2D and Cropping2D share: rows and columns more than x has, or fewer."""

    margins: Sides

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Add the rows and columns, or take them away."""
        self.check_samples(SAMPLES, input_shape, len(input_shape) == 3)
        rows, columns = (n + sum(more) for n, more in zip(input_shape, self.margins, strict=False))
        if rows < 1 or columns < 1:
            raise ValueError(f"{self.name}: nothing is left of {input_shape}")
        return (rows, columns, input_shape[2])

    def sources(self, input_shape: Shape) -> list[int | None]:
        """Return for each pixel that of x, if it lies there."""
        rows, columns, channels = input_shape
        (top, bottom), (left, right) = self.margins
        return [
            (i * columns + j) * channels + c if 0 <= i < rows and 0 <= j < columns else None
            for i in range(-top, rows + bottom)
            for j in range(-left, columns + right)
            for c in range(channels)
        ]


class ZeroPadding2D(Margins):
    """Rows and columns of zeros around an image.

    Parameters
    ----------
    padding : int, or pair of int or pairs, default (1, 1)
        On all sides, of rows and of columns, or ((top, bottom), (left, right)).

    Notes
    -----
    x has shape (batch, rows, columns, channels); so has a, with more of them.

    Examples
    --------
    >>> layer = ZeroPadding2D(((1, 0), (0, 1)))
    >>> layer.build((1, 1, 1))
    (2, 2, 1)
    >>> layer.forward([[[[7.0]]]])
    [[[[0.0], [0.0]], [[7.0], [0.0]]]]
    >>> layer.backward([[[[1.0], [2.0]], [[3.0], [4.0]]]])
    [[[[3.0]]]]
    """

    def __init__(
        self, padding: int | Sequence[int | Sequence[int]] = (1, 1), *, name: str | None = None
    ) -> None:
        super().__init__(name)
        self.padding = self.margins = sides(padding, "padding")

    def __repr__(self) -> str:
        return f"ZeroPadding2D({self.padding})"


class Cropping2D(Margins):
    """An image without its first and last rows and columns.

    Parameters
    ----------
    cropping : int, or pair of int or pairs, default ((0, 0), (0, 0))
        What is left out on all sides, of rows and of columns, or ((top, bottom), (left, right)).

    Notes
    -----
    x has shape (batch, rows, columns, channels); so has a, with fewer of them.

    Examples
    --------
    >>> layer = Cropping2D(((0, 0), (1, 0)))
    >>> layer.build((1, 2, 1))
    (1, 1, 1)
    >>> layer.forward([[[[7.0], [8.0]]]]), layer.backward([[[[3.0]]]])
    ([[[[8.0]]]], [[[[0.0], [3.0]]]])
    """

    def __init__(
        self,
        cropping: int | Sequence[int | Sequence[int]] = ((0, 0), (0, 0)),
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.cropping = sides(cropping, "cropping")
        (top, bottom), (left, right) = self.cropping
        self.margins = (-top, -bottom), (-left, -right)

    def __repr__(self) -> str:
        return f"Cropping2D({self.cropping})"


class UpSampling2D(Layer):
    """Each row and each column comes several times in a row.

    Parameters
    ----------
    size : int or (int, int), default (2, 2)
        How often rows come, and columns.
    interpolation : {"nearest", "bilinear"}, default "nearest"
        "bilinear": as by `Resizing`, what lies between the pixels.

    Notes
    -----
    x has shape (batch, rows, columns, channels), a has shape (batch, rows · size, columns · size,
    channels).

    Examples
    --------
    >>> layer = UpSampling2D((2, 1))
    >>> layer.build((1, 2, 1))
    (2, 2, 1)
    >>> layer.forward([[[[7.0], [8.0]]]])
    [[[[7.0], [8.0]], [[7.0], [8.0]]]]
    >>> layer.backward([[[[1.0], [2.0]], [[3.0], [4.0]]]])
    [[[[4.0], [6.0]]]]
    """

    keeps_mask = False

    def __init__(
        self,
        size: int | Sequence[int] = (2, 2),
        interpolation: str = "nearest",
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.size = pair(size, "size")
        self.interpolation = lookup(INTERPOLATIONS, interpolation, "interpolation")
        self.between = Enlarged(self.size) if interpolation == "bilinear" else None

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Multiply rows and columns."""
        self.check_samples(SAMPLES, input_shape, len(input_shape) == 3)
        rows, columns, channels = input_shape
        if self.between:
            self.between.build(input_shape)
        return (rows * self.size[0], columns * self.size[1], channels)

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Repeat rows and columns, or show what lies between."""
        self.check_input(x)
        self.x = x
        if self.between:
            self.a = self.between.forward(x)
            return self.a
        s, r = self.size
        # a_(i s + k)(j r + l) = x_ij
        self.a = [
            [[list(x_ij) for x_ij in x_i for _ in range(r)] for x_i in x_n for _ in range(s)]
            for x_n in x
        ]
        return self.a

    def backward(self, gradient: Tensor) -> Tensor:
        """Add the gradients of each pixel's copies up."""
        self.check_gradient(gradient)
        if self.between:
            return self.between.backward(gradient)
        dx: Tensor = zeros(shape(self.x))
        for g_n, dx_n in zip(gradient, dx, strict=True):
            for i, g_i in enumerate(g_n):
                for j, g_ij in enumerate(g_i):
                    # ∂L/∂x_(i / s)(j / r) += ∂L/∂a_ij
                    target = dx_n[i // self.size[0]][j // self.size[1]]
                    target[:] = map(add, target, g_ij)
        return dx

    def __repr__(self) -> str:
        return f"UpSampling2D({self.size})"
