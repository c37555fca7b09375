"""Layers by which images become others by chance, in training: forward, and backward below it."""

from collections.abc import Sequence
from math import cos, floor, pi, sin
from random import Random
from typing import Any

from ..._support.checks import factor as checked_factor
from ..._support.checks import integer, number
from ..._support.names import lookup
from ..lists import Shape, Tensor, Vector, check_shape, shape
from .dropout import Drawing
from .pooling2d import SAMPLES
from .resizing import FILL_MODES, INTERPOLATIONS, Box, Line, Sampling, Seeing, middle, spread

FLIPS = {
    "horizontal": (False, True),
    "vertical": (True, False),
    "horizontal_and_vertical": (True, True),
}


class RandomImage(Seeing, Drawing):
    """What the random layers share: two numbers u and v for each image, in training.

    Attributes
    ----------
    fixed_draws : list of (float, float) or None
        Set it to use these numbers, uniform in [0, 1), in place of drawing: for each image u and v.
    """

    keeps_mask = True
    seed: int | None = None

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        self.fixed_draws: list[Vector] | None = None

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Keep the shape, and the source of random numbers."""
        self.check_samples(SAMPLES, input_shape, len(input_shape) == 3)
        return Drawing.build_for(self, input_shape, rng)

    def draws(self, images: int) -> list[Vector]:
        """Return u and v of so many images: those given, or new ones."""
        if self.fixed_draws is not None:
            check_shape(f"{self.name}: fixed_draws", self.fixed_draws, (images, 2))
            return self.fixed_draws
        return [[self.rng.random(), self.rng.random()] for _ in range(images)]

    def map_of(self, u: float, v: float, rows: int, columns: int) -> tuple[Line, Line]:
        """Return the map of an image for which u and v were drawn."""
        raise NotImplementedError

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Show the images from elsewhere, in training; else hand them on."""
        self.check_input(x)
        self.x, self.maps = x, None
        self.a = x
        if training:
            _, rows, columns, _ = shape(x)
            assert self.output_shape is not None
            self.box = Box(0, 0, rows, columns)
            self.maps = [self.map_of(u, v, rows, columns) for u, v in self.draws(len(x))]
            self.a = self.show(x, self.output_shape)
        return self.a

    def take_sampling(self, fill_mode: str, interpolation: str, fill_value: float) -> None:
        """Keep what stands beyond the images, and between pixels."""
        self.sampling = Sampling(
            lookup(FILL_MODES, fill_mode, "fill_mode"),
            lookup(INTERPOLATIONS, interpolation, "interpolation"),
            number(fill_value, "fill_value"),
        )


def within(value: Any, name: str, **least: float) -> float | tuple[float, float]:
    """Return a number, or a pair, of at most 1 and at least −1, if nothing else is said."""
    return checked_factor(value, name, **(least or {"at_least": -1}), at_most=1)


def bounds(value: float | tuple[float, float]) -> tuple[float, float]:
    """Return the lower and the upper bound, which one number has on both sides of 0.

    Examples
    --------
    >>> bounds(0.2), bounds((0.3, -0.1))
    ((-0.2, 0.2), (-0.1, 0.3))
    """
    if isinstance(value, tuple):
        return min(value), max(value)
    return -abs(value), abs(value)


def between(u: float, limits: tuple[float, float]) -> float:
    """Return what u, uniform in [0, 1), is between two bounds."""
    return limits[0] + u * (limits[1] - limits[0])


class RandomFlip(RandomImage):
    """While training, each image is turned over with probability ½, for each direction asked for.

    Parameters
    ----------
    mode : {"horizontal", "vertical", "horizontal_and_vertical"}
        "horizontal" exchanges left and right.

    Notes
    -----
    x and a have shape (batch, rows, columns, channels), the same.

    Examples
    --------
    >>> layer = RandomFlip("horizontal")
    >>> layer.build((1, 2, 1))
    (1, 2, 1)
    >>> layer.fixed_draws = [[0.9, 0.3]]
    >>> layer.forward([[[[1.0], [2.0]]]], training=True), layer.backward([[[[3.0], [4.0]]]])
    ([[[[2.0], [1.0]]]], [[[[4.0], [3.0]]]])
    """

    def __init__(self, mode: str = "horizontal_and_vertical", *, name: str | None = None) -> None:
        super().__init__(name)
        self.mode = mode
        self.turns = lookup(FLIPS, mode, "mode")

    def map_of(self, u: float, v: float, rows: int, columns: int) -> tuple[Line, Line]:
        """Return r = H − 1 − i or i, s = W − 1 − j or j."""
        down = (rows - 1, -1.0, 0.0) if self.turns[0] and u < 0.5 else (0.0, 1.0, 0.0)
        right = (columns - 1, 0.0, -1.0) if self.turns[1] and v < 0.5 else (0.0, 0.0, 1.0)
        return down, right

    def __repr__(self) -> str:
        return f"RandomFlip({self.mode!r})"


class RandomTranslation(RandomImage):
    """While training, each image is moved: a_ij = x_(i − d H)(j − e W), d and e by chance.

    Parameters
    ----------
    height_factor, width_factor : float or (float, float)
        The bounds of d and e, within [−1, 1]; one number is both, on both sides of 0.
    fill_mode : {"constant", "nearest", "reflect", "wrap"}, default "reflect"
        What stands beyond an image's edges.
    interpolation : {"nearest", "bilinear"}, default "bilinear"
    fill_value : float, default 0

    Notes
    -----
    x and a have shape (batch, rows, columns, channels), the same.

    Examples
    --------
    >>> layer = RandomTranslation(0.0, (0.25, 0.25), fill_mode="constant")
    >>> layer.build((1, 4, 1))
    (1, 4, 1)
    >>> layer.forward([[[[1.0], [2.0], [3.0], [4.0]]]], training=True)
    [[[[0.0], [1.0], [2.0], [3.0]]]]
    """

    def __init__(
        self,
        height_factor: float | Sequence[float],
        width_factor: float | Sequence[float],
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        fill_value: float = 0.0,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.height_factor = bounds(within(height_factor, "height_factor"))
        self.width_factor = bounds(within(width_factor, "width_factor"))
        self.take_sampling(fill_mode, interpolation, fill_value)

    def map_of(self, u: float, v: float, rows: int, columns: int) -> tuple[Line, Line]:
        """Return r = i − d H, s = j − e W."""
        down = between(u, self.height_factor) * rows
        right = between(v, self.width_factor) * columns
        return (-down, 1.0, 0.0), (-right, 0.0, 1.0)

    def __repr__(self) -> str:
        return f"RandomTranslation({self.height_factor}, {self.width_factor})"


class RandomRotation(RandomImage):
    """While training, each image is turned about its middle, by 2πt, t by chance.

    Parameters
    ----------
    factor : float or (float, float)
        The bounds of t, within [−1, 1]: counter-clockwise where positive.
    fill_mode, interpolation, fill_value
        As for `RandomTranslation`.

    Notes
    -----
    x and a have shape (batch, rows, columns, channels), the same.

    Examples
    --------
    >>> layer = RandomRotation((0.5, 0.5))
    >>> layer.build((1, 2, 1))
    (1, 2, 1)
    >>> [[[round(c, 9) for c in a_ij] for a_ij in a_i] for a_i in
    ...  layer.forward([[[[1.0], [2.0]]]], training=True)[0]]
    [[[2.0], [1.0]]]
    """

    def __init__(
        self,
        factor: float | Sequence[float],
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        fill_value: float = 0.0,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.factor = bounds(within(factor, "factor"))
        self.take_sampling(fill_mode, interpolation, fill_value)

    def map_of(self, u: float, v: float, rows: int, columns: int) -> tuple[Line, Line]:
        """Return the place turned about the middle (m, l)."""
        m, l = (rows - 1) / 2, (columns - 1) / 2  # noqa: E741
        angle = 2 * pi * between(u, self.factor)
        c, s = cos(angle), sin(angle)
        # r = m + c (i − m) + s (j − l), s = l − s (i − m) + c (j − l)
        return (m - c * m - s * l, c, s), (l + s * m - c * l, -s, c)

    def __repr__(self) -> str:
        return f"RandomRotation({self.factor})"


class RandomZoom(RandomImage):
    """While training, each image is seen from further away or from nearer, by chance.

    Parameters
    ----------
    height_factor : float or (float, float)
        The bounds of f, above −1 and at most 1: 1 + f times as many rows are seen.
    width_factor : float or (float, float), optional
        Those of the columns' g; None: g is f.
    fill_mode, interpolation, fill_value
        As for `RandomTranslation`.

    Notes
    -----
    x and a have shape (batch, rows, columns, channels), the same.

    Examples
    --------
    >>> layer = RandomZoom(0.0, (1.0, 1.0), fill_mode="constant")
    >>> layer.build((1, 4, 1))
    (1, 4, 1)
    >>> layer.forward([[[[1.0], [2.0], [3.0], [4.0]]]], training=True)
    [[[[0.0], [1.5], [3.5], [0.0]]]]
    """

    def __init__(
        self,
        height_factor: float | Sequence[float],
        width_factor: float | Sequence[float] | None = None,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        fill_value: float = 0.0,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.height_factor = bounds(within(height_factor, "height_factor", above=-1))
        self.width_factor = None
        if width_factor is not None:
            limits = within(width_factor, "width_factor", above=-1)
            self.width_factor = bounds(limits)
        self.take_sampling(fill_mode, interpolation, fill_value)

    def map_of(self, u: float, v: float, rows: int, columns: int) -> tuple[Line, Line]:
        """Return r = m + (1 + f)(i − m), s = l + (1 + g)(j − l), (m, l) the middle."""
        f = 1 + between(u, self.height_factor)
        g = f if self.width_factor is None else 1 + between(v, self.width_factor)
        m, l = (rows - 1) / 2, (columns - 1) / 2  # noqa: E741
        return (m * (1 - f), f, 0.0), (l * (1 - g), 0.0, g)

    def __repr__(self) -> str:
        return f"RandomZoom({self.height_factor}, {self.width_factor})"


class RandomCrop(RandomImage):
    """While training, a part of each image at a place by chance: a_ij = x_(i + r)(j + s).

    Outside of training, and of smaller images, the largest part in the middle that has the ratio
    of height and width, brought to that size as by `Resizing`.

    Parameters
    ----------
    height, width : int
        Of the part.

    Notes
    -----
    x has shape (batch, H, W, channels), a (batch, height, width, channels).

    Examples
    --------
    >>> layer = RandomCrop(1, 2)
    >>> layer.build((1, 3, 1))
    (1, 2, 1)
    >>> layer.fixed_draws = [[0.0, 0.9]]
    >>> layer.forward([[[[1.0], [2.0], [3.0]]]], training=True), layer.backward([[[[3.0], [4.0]]]])
    ([[[[2.0], [3.0]]]], [[[[0.0], [3.0], [4.0]]]])
    """

    keeps_mask = False

    def __init__(self, height: int, width: int, *, name: str | None = None) -> None:
        super().__init__(name)
        self.height, self.width = integer(height, "height", 1), integer(width, "width", 1)

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Put the part's size in the place of the input's."""
        super().build_for(input_shape, rng)
        return (self.height, self.width, input_shape[2])

    def map_of(self, u: float, v: float, rows: int, columns: int) -> tuple[Line, Line]:
        """Return r = i + ⌊u (H − height + 1)⌋, s = j + ⌊v (W − width + 1)⌋."""
        down, right = floor(u * (rows - self.height + 1)), floor(v * (columns - self.width + 1))
        return (float(down), 1.0, 0.0), (float(right), 0.0, 1.0)

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Show a part by chance, or the middle."""
        self.check_input(x)
        _, rows, columns, _ = shape(x)
        if training and rows >= self.height and columns >= self.width:
            return super().forward(x, training)
        self.x = x
        assert self.output_shape is not None
        self.box = middle(rows, columns, self.height, self.width)
        self.maps = [spread(self.box, self.height, self.width)] * len(x)
        self.a = self.show(x, self.output_shape)
        return self.a

    def __repr__(self) -> str:
        return f"RandomCrop({self.height}, {self.width})"


class RandomContrast(RandomImage):
    """While training, values are spread about their mean: a = (x − m) f + m, f by chance.

    m is the mean of each channel of each image, and a is cut off at the ends of `value_range`.

    Parameters
    ----------
    factor : float or (float, float)
        (lower, upper), or one number for both, within [0, 1]: f is within [1 − lower, 1 + upper].
    value_range : (float, float), default (0, 255)

    Notes
    -----
    x and a have shape (batch, rows, columns, channels), the same.

    Examples
    --------
    >>> layer = RandomContrast((0, 1))
    >>> layer.build((1, 2, 1))
    (1, 2, 1)
    >>> layer.fixed_draws = [[0.5, 0.0]]
    >>> layer.forward([[[[1.0], [11.0]]]], training=True), layer.backward([[[[1.0], [1.0]]]])
    ([[[[0.0], [13.5]]]], [[[[-0.25], [1.25]]]])
    """

    def __init__(
        self,
        factor: float | Sequence[float],
        value_range: Sequence[float] = (0, 255),
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        parts = within(factor, "factor", at_least=0)
        self.factor = parts if isinstance(parts, tuple) else (parts, parts)
        least, most = (number(part, "value_range") for part in value_range)
        if least >= most:
            raise ValueError(f"value_range must have the lower value first; got {value_range!r}")
        self.value_range = (least, most)
        self.factors: Vector | None = None

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Spread the values, in training; else hand them on."""
        self.check_input(x)
        self.x, self.factors = x, None
        self.a = x
        if training:
            lower, upper = self.factor
            self.factors = [between(u, (1 - lower, 1 + upper)) for u, _ in self.draws(len(x))]
            least, most = self.value_range
            self.a = [
                [[[min(max(z, least), most) for z in z_ij] for z_ij in z_i] for z_i in z_n]
                for z_n in self.spread_out()
            ]
        return self.a

    def spread_out(self) -> Tensor:
        """Return z = (x − m) f + m."""
        assert self.factors is not None
        result = []
        for x_n, f in zip(self.x, self.factors, strict=True):
            m = means(x_n)
            result.append(
                [
                    [[(v - m_c) * f + m_c for v, m_c in zip(x_ij, m, strict=True)] for x_ij in x_i]
                    for x_i in x_n
                ]
            )
        return result

    def backward(self, gradient: Tensor) -> Tensor:
        """Let through what was not cut off, by the slopes of x and of its mean."""
        self.check_gradient(gradient)
        if self.factors is None:
            return gradient
        least, most = self.value_range
        dx = []
        for g_n, z_n, f in zip(gradient, self.spread_out(), self.factors, strict=True):
            # δ = ∂L/∂a where least ≤ z ≤ most, else 0
            delta = [
                [
                    [g if least <= z <= most else 0.0 for g, z in zip(g_ij, z_ij, strict=True)]
                    for g_ij, z_ij in zip(g_i, z_i, strict=True)
                ]
                for g_i, z_i in zip(g_n, z_n, strict=True)
            ]
            m = means(delta)
            # ∂L/∂x = f δ + (1 − f) (mean of δ)
            dx.append(
                [
                    [
                        [f * d + (1 - f) * m_c for d, m_c in zip(d_ij, m, strict=True)]
                        for d_ij in d_i
                    ]
                    for d_i in delta
                ]
            )
        return dx

    def __repr__(self) -> str:
        return f"RandomContrast({self.factor}, {self.value_range})"


def means(image: Tensor) -> Vector:
    """Return the mean of each channel of an image.

    Examples
    --------
    >>> means([[[1.0, 2.0], [3.0, 6.0]]])
    [2.0, 4.0]
    """
    pixels = [pixel for row in image for pixel in row]
    return [sum(channel) / len(pixels) for channel in zip(*pixels, strict=True)]
