"""Layers that disturb their input in training: forward, and backward directly below it."""

import random
from collections.abc import Callable, Sequence
from itertools import zip_longest
from math import sqrt
from operator import add, mul

from ..._support.checks import number
from ..lists import Shape, Tensor, check_shape, filled, map_elements, shape
from .base import Layer


class Drawing(Layer):
    """What these layers share: a source of random numbers.

    Attributes
    ----------
    rng : random.Random
        Where numbers are drawn from, in order of the elements; a model gives its own.
    """

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        self.rng = random.Random(0)

    def build_for(self, input_shape: Shape, rng: random.Random) -> Shape:
        """Keep the shape, and the source of random numbers."""
        self.rng = rng
        return input_shape


class Dropout(Drawing):
    """While training, each element is dropped with probability `rate`; the others are scaled up.

    With m_j = 1 for a kept element and 0 for a dropped one, a_j = x_j m_j / (1 − rate): the
    expected value of a is x, so nothing needs to change when the network is used ("inverted"
    dropout). Outside of training, a = x.

    Source: Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, "Dropout: a simple way to
    prevent neural networks from overfitting" (2014).

    Parameters
    ----------
    rate : float
        The share of elements dropped, in [0, 1).
    noise_shape : tuple of int or None, optional
        Where it is 1, the elements of that axis are dropped together; None or the extent elsewhere,
        and in front, for the batch.

    Attributes
    ----------
    fixed_mask : nested list or None
        Set it to use this mask of 0 and 1, of the shape of x, in place of drawing one.
    kept : nested list or None
        The mask of the last forward in training; None if nothing was dropped.

    Notes
    -----
    x and a have shape (batch, ...), the same.

    Examples
    --------
    >>> layer = Dropout(0.5)
    >>> layer.build((4,))
    (4,)
    >>> layer.fixed_mask = [[1, 0, 0, 1]]
    >>> layer.forward([[1.0, 2.0, 3.0, 4.0]], training=True)
    [[2.0, 0.0, 0.0, 8.0]]
    >>> layer.backward([[1.0, 1.0, 1.0, 1.0]])
    [[2.0, 0.0, 0.0, 2.0]]
    """

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.rate = number(rate, "rate", at_least=0, below=1)
        self.noise_shape = noise_shape
        self.fixed_mask: Tensor | None = None
        self.kept: Tensor | None = None

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Drop, in training; else hand x on."""
        self.check_input(x)
        self.kept = self.next_mask(shape(x)) if training else None
        # a_j = x_j m_j / (1 − rate)
        self.a = self.masked(x)
        return self.a

    def backward(self, gradient: Tensor) -> Tensor:
        """Let through what forward let through, as much enlarged."""
        self.check_gradient(gradient)
        # ∂L/∂x_j = ∂L/∂a_j m_j / (1 − rate)
        return self.masked(gradient)

    def next_mask(self, shape: Shape) -> Tensor:
        """Return the mask given, or a new one: m_j = 1 with probability 1 − rate, else 0."""
        if self.fixed_mask is not None:
            check_shape(f"{self.name}: fixed_mask", self.fixed_mask, shape)
            return self.fixed_mask
        together = [extent == 1 for extent in self.noise_shape or ()]
        drawn = tuple(1 if one else n for n, one in zip_longest(shape, together, fillvalue=False))
        mask = filled(drawn, lambda: 1.0 if self.rng.random() >= self.rate else 0.0)
        return spread(mask, shape)

    def masked(self, x: Tensor) -> Tensor:
        """Return x_j / (1 − rate) where the mask keeps x_j, else 0; x without a mask."""
        if self.kept is None:
            return x
        scale = 1 / (1 - self.rate)
        return map_elements(lambda x_j, m_j: x_j * scale if m_j else 0.0, x, self.kept)

    def __repr__(self) -> str:
        return f"Dropout(rate={self.rate!r})"


def spread(x: Tensor, to: Shape) -> Tensor:
    """Return nested lists with what an axis of extent 1 holds as often as the shape asks for.

    Examples
    --------
    >>> spread([[1.0, 0.0]], (2, 2))
    [[1.0, 0.0], [1.0, 0.0]]
    """
    if not to:
        return x
    return [spread(part, to[1:]) for part in (x * to[0] if len(x) == 1 else x)]


class SpatialDropout1D(Dropout):
    """While training, whole channels of a sample are dropped: a_tc = x_tc m_c / (1 − rate).

    Neighbouring steps say much the same, so that a single one dropped would hardly be missed.

    Source: Tompson, Goroshin, Jain, LeCun and Bregler, "Efficient object localization using
    convolutional networks" (2015).

    Parameters
    ----------
    rate : float
        The share of channels dropped, in [0, 1).

    Notes
    -----
    x and a have shape (batch, steps, channels); so do `fixed_mask` and `kept`, alike in all steps.

    Examples
    --------
    >>> layer = SpatialDropout1D(0.5)
    >>> layer.build((2, 2))
    (2, 2)
    >>> layer.fixed_mask = [[[1, 0], [1, 0]]]
    >>> layer.forward([[[1.0, 2.0], [3.0, 4.0]]], training=True)
    [[[2.0, 0.0], [6.0, 0.0]]]
    """

    def __init__(self, rate: float, *, name: str | None = None) -> None:
        super().__init__(rate, (None, 1, None), name=name)

    def build_for(self, input_shape: Shape, rng: random.Random) -> Shape:
        """Keep the shape, and the source of random numbers."""
        self.check_samples("(steps, channels)", input_shape, len(input_shape) == 2)
        return super().build_for(input_shape, rng)

    def __repr__(self) -> str:
        return f"SpatialDropout1D(rate={self.rate!r})"


class SpatialDropout2D(Dropout):
    """While training, whole channels of an image are dropped: a_ijc = x_ijc m_c / (1 − rate).

    Source: that of `SpatialDropout1D`.

    Parameters
    ----------
    rate : float
        The share of channels dropped, in [0, 1).

    Notes
    -----
    x and a have shape (batch, rows, columns, channels); so do `fixed_mask` and `kept`, alike in all
    pixels.

    Examples
    --------
    >>> layer = SpatialDropout2D(0.5)
    >>> layer.build((1, 2, 2))
    (1, 2, 2)
    >>> layer.fixed_mask = [[[[1, 0], [1, 0]]]]
    >>> layer.forward([[[[1.0, 2.0], [3.0, 4.0]]]], training=True)
    [[[[2.0, 0.0], [6.0, 0.0]]]]
    """

    def __init__(self, rate: float, *, name: str | None = None) -> None:
        super().__init__(rate, (None, 1, 1, None), name=name)

    def build_for(self, input_shape: Shape, rng: random.Random) -> Shape:
        """Keep the shape, and the source of random numbers."""
        self.check_samples("(rows, columns, channels)", input_shape, len(input_shape) == 3)
        return super().build_for(input_shape, rng)

    def __repr__(self) -> str:
        return f"SpatialDropout2D(rate={self.rate!r})"


class Noise(Drawing):
    """What the Gaussian layers share: one random number for each element, in training.

    Attributes
    ----------
    fixed_noise : nested list or None
        Set it to use these numbers in place of drawing.
    noise : nested list or None
        The numbers of the last forward in training; None outside of it.
    """

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        self.fixed_noise: Tensor | None = None
        self.noise: Tensor | None = None

    def draw(self, x: Tensor, training: bool, source: Callable[[], float]) -> None:
        """Keep the noise for x: the one given, or a new one; none outside of training."""
        self.noise = None
        if training and self.fixed_noise is not None:
            check_shape(f"{self.name}: fixed_noise", self.fixed_noise, shape(x))
            self.noise = self.fixed_noise
        elif training:
            self.noise = filled(shape(x), source)


class GaussianNoise(Noise):
    """While training, a normal number is added to each element: a_j = x_j + s n_j.

    Source: Bishop, "Training with noise is equivalent to Tikhonov regularization" (1995).

    Parameters
    ----------
    stddev : float
        s, at least 0.

    Notes
    -----
    x and a have shape (batch, ...), the same.

    Examples
    --------
    >>> layer = GaussianNoise(0.5)
    >>> layer.build((2,))
    (2,)
    >>> layer.fixed_noise = [[0.25, -1.0]]
    >>> layer.forward([[1.0, 2.0]], training=True), layer.forward([[1.0, 2.0]])
    ([[1.25, 1.0]], [[1.0, 2.0]])
    """

    def __init__(self, stddev: float, *, name: str | None = None) -> None:
        super().__init__(name)
        self.stddev = number(stddev, "stddev", at_least=0)

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Add the noise, in training; else hand x on."""
        self.check_input(x)
        self.draw(x, training, lambda: self.rng.gauss(0.0, self.stddev))
        # a_j = x_j + s n_j
        self.a = x if self.noise is None else map_elements(add, x, self.noise)
        return self.a

    def backward(self, gradient: Tensor) -> Tensor:
        """Hand the gradient on: a shift changes no slope."""
        self.check_gradient(gradient)
        # ∂L/∂x_j = ∂L/∂a_j
        return gradient

    def __repr__(self) -> str:
        return f"GaussianNoise(stddev={self.stddev!r})"


class GaussianDropout(Noise):
    """While training, each element is multiplied with a normal number of mean 1: a_j = x_j n_j.

    Its variance, rate / (1 − rate), is that of what `Dropout` multiplies with, 0 or 1 / (1 − rate).

    Source: Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, "Dropout: a simple way to
    prevent neural networks from overfitting" (2014), section 10.

    Parameters
    ----------
    rate : float
        In [0, 1).

    Notes
    -----
    x and a have shape (batch, ...), the same.

    Examples
    --------
    >>> layer = GaussianDropout(0.5)
    >>> layer.build((2,))
    (2,)
    >>> layer.fixed_noise = [[0.5, 1.5]]
    >>> layer.forward([[1.0, 2.0]], training=True), layer.backward([[1.0, 1.0]])
    ([[0.5, 3.0]], [[0.5, 1.5]])
    """

    def __init__(self, rate: float, *, name: str | None = None) -> None:
        super().__init__(name)
        self.rate = number(rate, "rate", at_least=0, below=1)

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Multiply, in training; else hand x on."""
        self.check_input(x)
        deviation = sqrt(self.rate / (1 - self.rate))
        self.draw(x, training, lambda: self.rng.gauss(1.0, deviation))
        # a_j = x_j n_j
        self.a = self.multiplied(x)
        return self.a

    def backward(self, gradient: Tensor) -> Tensor:
        """Multiply with the same numbers."""
        self.check_gradient(gradient)
        # ∂L/∂x_j = ∂L/∂a_j n_j
        return self.multiplied(gradient)

    def multiplied(self, x: Tensor) -> Tensor:
        """Return x_j n_j; x without noise."""
        return x if self.noise is None else map_elements(mul, x, self.noise)

    def __repr__(self) -> str:
        return f"GaussianDropout(rate={self.rate!r})"


class AlphaDropout(Dropout):
    """Dropout that keeps mean 0 and variance 1, for networks of SELU units.

    While training, an element is set to α′ with probability `rate`, the lowest value of SELU, and
    then all are mapped by a = s x + r, which undoes what that does to mean and variance. For x of
    mean 0 and variance 1, with q = rate, what is left has mean q α′ and variance
    (1 − q) (1 + q α′²), so s = 1/√((1 − q) (1 + q α′²)) and r = −s q α′. Outside of training,
    a = x.

    Source: Klambauer, Unterthiner, Mayr and Hochreiter, "Self-normalizing neural networks" (2017).

    Parameters
    ----------
    rate : float
        The share of elements dropped, in [0, 1).

    Notes
    -----
    x and a have shape (batch, ...), the same; `fixed_mask` and `kept` are those of `Dropout`.

    Examples
    --------
    >>> layer = AlphaDropout(0.5)
    >>> layer.build((2,))
    (2,)
    >>> layer.fixed_mask = [[1, 0]]
    >>> [[round(a, 4) for a in row] for row in layer.forward([[1.0, 1.0]], training=True)]
    [[1.6656, -0.7792]]
    >>> [[round(g, 4) for g in row] for row in layer.backward([[1.0, 1.0]])]
    [[0.8864, 0.0]]
    """

    ALPHA = -1.6732632423543772848170429916717 * 1.0507009873554804934193349852946

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Set to α′ and map, in training; else hand x on."""
        self.check_input(x)
        self.kept = self.next_mask(shape(x)) if training and self.rate > 0 else None
        self.a = x
        if self.kept is not None:
            s = self.slope()
            r = -s * self.rate * self.ALPHA
            # a_j = s (m_j x_j + (1 − m_j) α′) + r
            self.a = map_elements(
                lambda x_j, m_j: s * (x_j if m_j else self.ALPHA) + r, x, self.kept
            )
        return self.a

    def backward(self, gradient: Tensor) -> Tensor:
        """Let through what forward let through, by its slope."""
        self.check_gradient(gradient)
        if self.kept is None:
            return gradient
        s = self.slope()
        # ∂L/∂x_j = s m_j ∂L/∂a_j
        return map_elements(lambda g_j, m_j: s * g_j if m_j else 0.0, gradient, self.kept)

    def slope(self) -> float:
        """Return s."""
        # s = 1/√((1 − q) (1 + q α′²))
        return 1 / sqrt((1 - self.rate) * (1 + self.rate * self.ALPHA**2))

    def __repr__(self) -> str:
        return f"AlphaDropout(rate={self.rate!r})"
