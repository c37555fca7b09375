"""Layers that disturb their input in training: forward, and backward directly below it.

See `layers` for the rest.
"""

from collections.abc import Callable
from math import sqrt
from random import Random

from .._lookup import check_number
from ..lists import Shape, Tensor, check_shape, filled, map_elements, shape
from .base import Layer
from .windows import check_steps


class Dropout(Layer):
    """While training, each element is dropped with probability `rate`; the others are scaled up.

    With m_j = 1 for a kept element and 0 for a dropped one, y_j = x_j m_j / (1 − rate): the
    expected value of y is x, so nothing needs to change when the network is used ("inverted"
    dropout). Outside of training, y = x.

    Source: Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, "Dropout: a simple way to
    prevent neural networks from overfitting" (2014).

    Parameters
    ----------
    rate : float
        The share of elements dropped, in [0, 1).

    Attributes
    ----------
    rng : random.Random
        Where masks are drawn from, in order of the elements; a model gives its own.
    fixed_mask : nested list or None
        Set it to use this mask of 0 and 1 in place of drawing one.
    mask : nested list or None
        The mask of the last forward in training; None if nothing was dropped.

    Notes
    -----
    x and y have shape (batch, ...), the same.

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

    def __init__(self, rate: float, *, name: str | None = None) -> None:
        super().__init__(name)
        check_number("rate", rate)
        if not 0 <= rate < 1:
            raise ValueError(f"rate: expected a number within [0, 1), got {rate}")
        self.rate = rate
        self.rng = Random(0)
        self.fixed_mask: Tensor | None = None
        self.mask: Tensor | None = None
        self.y: Tensor | None = None

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Keep the shape, and the source of random numbers."""
        self.rng = rng
        return input_shape

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Drop, in training; else hand x on."""
        self.check_input(x)
        self.mask = self.next_mask(shape(x)) if training else None
        # y_j = x_j m_j / (1 − rate)
        self.y = self.masked(x)
        return self.y

    def backward(self, gradient: Tensor) -> Tensor:
        """Let through what forward let through, as much enlarged."""
        self.check_gradient(gradient, self.y)
        # ∂L/∂x_j = ∂L/∂y_j m_j / (1 − rate)
        return self.masked(gradient)

    def next_mask(self, shape: Shape) -> Tensor:
        """Return the mask given, or a new one: m_j = 1 with probability 1 − rate, else 0."""
        if self.fixed_mask is not None:
            check_shape(f"{self.name}: fixed_mask", self.fixed_mask, shape)
            return self.fixed_mask
        return filled(shape, lambda: 1.0 if self.rng.random() >= self.rate else 0.0)

    def masked(self, x: Tensor) -> Tensor:
        """Return x_j / (1 − rate) where the mask keeps x_j, else 0; x without a mask."""
        if self.mask is None:
            return x
        scale = 1 / (1 - self.rate)
        return map_elements(lambda x_j, m_j: x_j * scale if m_j else 0.0, x, self.mask)

    def __repr__(self) -> str:
        return f"Dropout(rate={self.rate!r})"


class SpatialDropout1D(Dropout):
    """While training, whole channels of a sample are dropped: y_tc = x_tc m_c / (1 − rate).

    Neighbouring steps say much the same, so that a single one dropped would hardly be missed.

    Source: Tompson, Goroshin, Jain, LeCun and Bregler, "Efficient object localization using
    convolutional networks" (2015).

    Parameters
    ----------
    rate : float
        The share of channels dropped, in [0, 1).

    Notes
    -----
    x and y have shape (batch, steps, channels); so do `fixed_mask` and `mask`, alike in all steps.

    Examples
    --------
    >>> layer = SpatialDropout1D(0.5)
    >>> layer.build((2, 2))
    (2, 2)
    >>> layer.fixed_mask = [[[1, 0], [1, 0]]]
    >>> layer.forward([[[1.0, 2.0], [3.0, 4.0]]], training=True)
    [[[2.0, 0.0], [6.0, 0.0]]]
    """

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Keep the shape, and the source of random numbers."""
        check_steps(self.name, input_shape)
        return super().build_for(input_shape, rng)

    def next_mask(self, shape: Shape) -> Tensor:
        """Return the mask given, or a new one: for each sample a row, in all its steps."""
        if self.fixed_mask is not None:
            return super().next_mask(shape)
        batch, steps, channels = shape
        return [[row] * steps for row in super().next_mask((batch, channels))]

    def __repr__(self) -> str:
        return f"SpatialDropout1D(rate={self.rate!r})"


class Noise(Layer):
    """What the Gaussian layers share: one random number for each element, in training.

    Attributes
    ----------
    rng : random.Random
        Where numbers are drawn from, in order of the elements; a model gives its own.
    fixed_noise : nested list or None
        Set it to use these numbers in place of drawing.
    noise : nested list or None
        The numbers of the last forward in training; None outside of it.
    """

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        self.rng = Random(0)
        self.fixed_noise: Tensor | None = None
        self.noise: Tensor | None = None
        self.y: Tensor | None = None

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Keep the shape, and the source of random numbers."""
        self.rng = rng
        return input_shape

    def draw(self, x: Tensor, training: bool, number: Callable[[], float]) -> None:
        """Keep the noise for x: the one given, or a new one; none outside of training."""
        self.noise = None
        if training and self.fixed_noise is not None:
            check_shape(f"{self.name}: fixed_noise", self.fixed_noise, shape(x))
            self.noise = self.fixed_noise
        elif training:
            self.noise = filled(shape(x), number)


class GaussianNoise(Noise):
    """While training, a normal number is added to each element: y_j = x_j + s n_j.

    Source: Bishop, "Training with noise is equivalent to Tikhonov regularization" (1995).

    Parameters
    ----------
    stddev : float
        s, at least 0.

    Notes
    -----
    x and y have shape (batch, ...), the same.

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
        check_number("stddev", stddev)
        if not stddev >= 0:
            raise ValueError(f"stddev: expected a number of 0 or more, got {stddev}")
        self.stddev = stddev

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Add the noise, in training; else hand x on."""
        self.check_input(x)
        self.draw(x, training, lambda: self.rng.gauss(0.0, self.stddev))
        # y_j = x_j + s n_j
        self.y = (
            x if self.noise is None else map_elements(lambda x_j, n_j: x_j + n_j, x, self.noise)
        )
        return self.y

    def backward(self, gradient: Tensor) -> Tensor:
        """Hand the gradient on: a shift changes no slope."""
        self.check_gradient(gradient, self.y)
        # ∂L/∂x_j = ∂L/∂y_j
        return gradient

    def __repr__(self) -> str:
        return f"GaussianNoise(stddev={self.stddev!r})"


class GaussianDropout(Noise):
    """While training, each element is multiplied with a normal number of mean 1: y_j = x_j n_j.

    Its variance, rate / (1 − rate), is that of what `Dropout` multiplies with, 0 or 1 / (1 − rate).

    Source: Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, "Dropout: a simple way to
    prevent neural networks from overfitting" (2014), section 10.

    Parameters
    ----------
    rate : float
        In [0, 1).

    Notes
    -----
    x and y have shape (batch, ...), the same.

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
        check_number("rate", rate)
        if not 0 <= rate < 1:
            raise ValueError(f"rate: expected a number within [0, 1), got {rate}")
        self.rate = rate

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Multiply, in training; else hand x on."""
        self.check_input(x)
        deviation = sqrt(self.rate / (1 - self.rate))
        self.draw(x, training, lambda: self.rng.gauss(1.0, deviation))
        # y_j = x_j n_j
        self.y = self.multiplied(x)
        return self.y

    def backward(self, gradient: Tensor) -> Tensor:
        """Multiply with the same numbers."""
        self.check_gradient(gradient, self.y)
        # ∂L/∂x_j = ∂L/∂y_j n_j
        return self.multiplied(gradient)

    def multiplied(self, x: Tensor) -> Tensor:
        """Return x_j n_j; x without noise."""
        return x if self.noise is None else map_elements(lambda x_j, n_j: x_j * n_j, x, self.noise)

    def __repr__(self) -> str:
        return f"GaussianDropout(rate={self.rate!r})"


class AlphaDropout(Dropout):
    """Dropout that keeps mean 0 and variance 1, for networks of SELU units.

    While training, an element is set to α′ with probability `rate`, the lowest value of SELU, and
    then all are mapped by y = a x + b, which undoes what that does to mean and variance. For x of
    mean 0 and variance 1, with q = rate, what is left has mean q α′ and variance
    (1 − q) (1 + q α′²), so a = 1/√((1 − q) (1 + q α′²)) and b = −a q α′. Outside of training,
    y = x.

    Source: Klambauer, Unterthiner, Mayr and Hochreiter, "Self-normalizing neural networks" (2017).

    Parameters
    ----------
    rate : float
        The share of elements dropped, in [0, 1).

    Notes
    -----
    x and y have shape (batch, ...), the same; `fixed_mask` and `mask` are those of `Dropout`.

    Examples
    --------
    >>> layer = AlphaDropout(0.5)
    >>> layer.build((2,))
    (2,)
    >>> layer.fixed_mask = [[1, 0]]
    >>> [[round(y, 4) for y in row] for row in layer.forward([[1.0, 1.0]], training=True)]
    [[1.6656, -0.7792]]
    >>> [[round(g, 4) for g in row] for row in layer.backward([[1.0, 1.0]])]
    [[0.8864, 0.0]]
    """

    ALPHA = -1.6732632423543772848170429916717 * 1.0507009873554804934193349852946

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Set to α′ and map, in training; else hand x on."""
        self.check_input(x)
        self.mask = self.next_mask(shape(x)) if training and self.rate > 0 else None
        if self.mask is None:
            self.y = x
            return x
        a = self.slope()
        b = -a * self.rate * self.ALPHA
        # y_j = a (m_j x_j + (1 − m_j) α′) + b
        self.y = map_elements(lambda x_j, m_j: a * (x_j if m_j else self.ALPHA) + b, x, self.mask)
        return self.y

    def backward(self, gradient: Tensor) -> Tensor:
        """Let through what forward let through, by its slope."""
        self.check_gradient(gradient, self.y)
        if self.mask is None:
            return gradient
        a = self.slope()
        # ∂L/∂x_j = a m_j ∂L/∂y_j
        return map_elements(lambda g_j, m_j: a * g_j if m_j else 0.0, gradient, self.mask)

    def slope(self) -> float:
        """Return a."""
        # a = 1/√((1 − q) (1 + q α′²))
        return 1 / sqrt((1 - self.rate) * (1 + self.rate * self.ALPHA**2))

    def __repr__(self) -> str:
        return f"AlphaDropout(rate={self.rate!r})"
