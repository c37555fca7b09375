"""Images of another size, seen from elsewhere: forward, and backward directly below it.

Pixel (i, j) of such a layer's output shows the place (r, s) of its input, an affine map of it:

    r = r₀ + r₁ i + r₂ j        s = s₀ + s₁ i + s₂ j

Between pixels, the four around count by their nearness, so that every pixel of the output is a
weighted sum of pixels of the input, and backward is the transpose of that linear map.
"""

from collections.abc import Sequence
from math import floor
from operator import add
from random import Random
from typing import NamedTuple

from ..._support.checks import boolean, integer, number
from ..._support.names import lookup
from ..lists import Shape, Tensor, shape, zeros
from .base import Layer
from .pooling2d import SAMPLES
from .windows import pair

FILL_MODES = {name: name for name in ("constant", "nearest", "reflect", "wrap")}
INTERPOLATIONS = {name: name for name in ("nearest", "bilinear")}

Line = tuple[float, float, float]
"""r₀, r₁ and r₂, or s₀, s₁ and s₂."""


class Sampling(NamedTuple):
    """What stands beyond an image, and between its pixels."""

    fill_mode: str = "nearest"
    interpolation: str = "bilinear"
    fill_value: float = 0.0


class Box(NamedTuple):
    """The part of an image that is seen; what of it lies outside of the image holds fill_value."""

    row: int
    column: int
    rows: int
    columns: int


def inside(i: int, n: int, fill_mode: str) -> int | None:
    """Return the place in 0, ..., n − 1 that row or column i shows; None: the constant.

    Examples
    --------
    >>> [[inside(i, 3, mode) for i in (-2, -1, 0, 3, 4)] for mode in FILL_MODES]
    [[None, None, 0, None, None], [0, 0, 0, 2, 2], [1, 0, 0, 2, 1], [1, 2, 0, 0, 1]]
    """
    if 0 <= i < n:
        return i
    if fill_mode == "constant":
        return None
    if fill_mode == "nearest":
        return 0 if i < 0 else n - 1
    if fill_mode == "wrap":
        return i % n
    return min(i % (2 * n), 2 * n - 1 - i % (2 * n))


def around(place: float, interpolation: str) -> list[tuple[int, float]]:
    """Return the pixels around a place on a line, each with its weight.

    Examples
    --------
    >>> around(1.25, "bilinear"), around(1.75, "nearest"), around(2.0, "bilinear")
    ([(1, 0.75), (2, 0.25)], [(2, 1.0)], [(2, 1.0)])
    """
    if interpolation == "nearest":
        return [(floor(place + 0.5), 1.0)]
    first, beyond = floor(place), place - floor(place)
    return [(i, w) for i, w in ((first, 1 - beyond), (first + 1, beyond)) if w]


class Seeing(Layer):
    """What these layers share: where pixels come from."""

    keeps_mask = False
    sampling = Sampling()

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        self.maps: list[tuple[Line, Line]] | None = None
        self.box = Box(0, 0, 0, 0)

    def seen(self, n: int, i: int, j: int) -> list[tuple[tuple[int, int] | None, float]]:
        """Return what pixel (i, j) of image n is made of: pixels of x, or the constant, by weight.

        Those are taken from the image's map, within the box.
        """
        assert self.maps is not None
        (r0, r1, r2), (s0, s1, s2) = self.maps[n]
        # r = r₀ + r₁ i + r₂ j, s = s₀ + s₁ i + s₂ j
        r, s = r0 + r1 * i + r2 * j, s0 + s1 * i + s2 * j
        _, rows, columns, _ = shape(self.x)
        box, (fill_mode, interpolation, _) = self.box, self.sampling
        parts: list[tuple[tuple[int, int] | None, float]] = []
        for k, w in around(r, interpolation):
            for m, v in around(s, interpolation):
                down, right = inside(k, box.rows, fill_mode), inside(m, box.columns, fill_mode)
                at = None
                if down is not None and right is not None:
                    at = (box.row + down, box.column + right)
                    at = at if 0 <= at[0] < rows and 0 <= at[1] < columns else None
                parts.append((at, w * v))
        return parts

    def show(self, x: Tensor, output: Shape) -> Tensor:
        """Return a of x, by the maps."""
        result: Tensor = zeros((len(x), *output))
        for n, a_n in enumerate(result):
            for i, a_i in enumerate(a_n):
                for j, a_ij in enumerate(a_i):
                    for at, w in self.seen(n, i, j):
                        # a_ij = Σ w x_rs
                        seen = x[n][at[0]][at[1]] if at else [self.sampling.fill_value] * len(a_ij)
                        a_ij[:] = [a + w * x_rs for a, x_rs in zip(a_ij, seen, strict=True)]
        return result

    def backward(self, gradient: Tensor) -> Tensor:
        """Hand each pixel's gradient to what it was made of."""
        self.check_gradient(gradient)
        if self.maps is None:
            return gradient
        dx: Tensor = zeros(shape(self.x))
        for n, g_n in enumerate(gradient):
            for i, g_i in enumerate(g_n):
                for j, g_ij in enumerate(g_i):
                    for at, w in self.seen(n, i, j):
                        if at:
                            # ∂L/∂x_rs += w ∂L/∂a_ij
                            target = dx[n][at[0]][at[1]]
                            target[:] = map(add, target, [w * g for g in g_ij])
        return dx


def spread(box: Box, rows: int, columns: int) -> tuple[Line, Line]:
    """Return the map that spreads a box over so many rows and columns."""
    # (r + 1/2) / (rows seen) = (i + 1/2) / rows
    down, right = box.rows / rows, box.columns / columns
    return (down / 2 - 0.5, down, 0.0), (right / 2 - 0.5, 0.0, right)


def middle(rows: int, columns: int, height: int, width: int, whole: bool = False) -> Box:
    """Return the largest part of an image that has the ratio of height and width, in its middle.

    `whole`: the smallest that has all of it.

    Examples
    --------
    >>> middle(4, 8, 2, 2), middle(4, 8, 2, 2, whole=True)
    (Box(row=0, column=2, rows=4, columns=4), Box(row=-2, column=0, rows=8, columns=8))
    """
    by_width, by_height = columns * height // width, rows * width // height
    if whole:
        above = (max(rows, by_width) - rows) // 2
        left = (max(columns, by_height) - columns) // 2
        return Box(-above, -left, rows + 2 * above, columns + 2 * left)
    part = max(min(rows, by_width), 1), max(min(columns, by_height), 1)
    return Box((rows - part[0]) // 2, (columns - part[1]) // 2, *part)


class Resized(Seeing):
    """What Resizing and CenterCrop share: every image is seen in the same way."""

    height: int
    width: int

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Put the output's size in the place of the input's."""
        self.check_samples(SAMPLES, input_shape, len(input_shape) == 3)
        return (self.height, self.width, input_shape[2])

    def part(self, rows: int, columns: int) -> Box:
        """Return the part of an image that is seen."""
        raise NotImplementedError

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Spread what is seen over the output."""
        self.check_input(x)
        self.x = x
        assert self.output_shape is not None
        rows, columns, _ = self.output_shape
        self.box = self.part(*shape(x)[1:3])
        self.maps = [spread(self.box, rows, columns)] * len(x)
        self.a = self.show(x, self.output_shape)
        return self.a


class Resizing(Resized):
    """Images of another size.

    Pixels are squares, whose middles stand for them: a_ij shows ((i + ½) H/height − ½,
    (j + ½) W/width − ½), and beyond its edges the nearest pixel.

    Parameters
    ----------
    height, width : int
        Of the output.
    interpolation : {"bilinear", "nearest"}, default "bilinear"
    crop_to_aspect_ratio, pad_to_aspect_ratio : bool, default False
        Take the largest part that has the output's ratio; put margins of `fill_value` around.
    fill_value : float, default 0

    Notes
    -----
    x has shape (batch, H, W, channels), a (batch, height, width, channels).

    Examples
    --------
    >>> layer = Resizing(1, 4)
    >>> layer.build((1, 2, 1))
    (1, 4, 1)
    >>> layer.forward([[[[1.0], [2.0]]]])
    [[[[1.0], [1.25], [1.75], [2.0]]]]
    >>> layer.backward([[[[1.0], [1.0], [1.0], [0.0]]]])
    [[[[2.0], [1.0]]]]
    """

    def __init__(
        self,
        height: int,
        width: int,
        interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        fill_value: float = 0.0,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.height, self.width = integer(height, "height", 1), integer(width, "width", 1)
        self.crops = boolean(crop_to_aspect_ratio, "crop_to_aspect_ratio")
        self.pads = boolean(pad_to_aspect_ratio, "pad_to_aspect_ratio")
        if self.crops and self.pads:
            raise ValueError("crop_to_aspect_ratio and pad_to_aspect_ratio must not both be True")
        self.sampling = Sampling(
            "nearest",
            lookup(INTERPOLATIONS, interpolation, "interpolation"),
            number(fill_value, "fill_value"),
        )

    def part(self, rows: int, columns: int) -> Box:
        """Return the whole, or what has the ratio of the output."""
        if self.crops or self.pads:
            return middle(rows, columns, self.height, self.width, self.pads)
        return Box(0, 0, rows, columns)

    def __repr__(self) -> str:
        return f"Resizing({self.height}, {self.width}, {self.sampling.interpolation!r})"


class CenterCrop(Resized):
    """The middle of an image; of one that is smaller, the largest part of its ratio, resized.

    Parameters
    ----------
    height, width : int
        Of the middle.

    Notes
    -----
    x has shape (batch, H, W, channels), a (batch, height, width, channels).

    Examples
    --------
    >>> layer = CenterCrop(1, 2)
    >>> layer.build((1, 4, 1))
    (1, 2, 1)
    >>> layer.forward([[[[1.0], [2.0], [3.0], [4.0]]]])
    [[[[2.0], [3.0]]]]
    """

    def __init__(self, height: int, width: int, *, name: str | None = None) -> None:
        super().__init__(name)
        self.height, self.width = integer(height, "height", 1), integer(width, "width", 1)

    def part(self, rows: int, columns: int) -> Box:
        """Return the middle, as large as the output where the image is."""
        if rows >= self.height and columns >= self.width:
            row, column = (rows - self.height) // 2, (columns - self.width) // 2
            return Box(row, column, self.height, self.width)
        return middle(rows, columns, self.height, self.width)

    def __repr__(self) -> str:
        return f"CenterCrop({self.height}, {self.width})"


class Enlarged(Resized):
    """UpSampling2D in between pixels: `Resizing` to so many times the size."""

    def __init__(self, size: int | Sequence[int], name: str | None = None) -> None:
        super().__init__(name)
        self.size = pair(size, "size")

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Multiply rows and columns."""
        self.check_samples(SAMPLES, input_shape, len(input_shape) == 3)
        rows, columns, channels = input_shape
        return (rows * self.size[0], columns * self.size[1], channels)

    def part(self, rows: int, columns: int) -> Box:
        """Return the whole."""
        return Box(0, 0, rows, columns)
