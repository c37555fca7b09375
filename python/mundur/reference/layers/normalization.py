"""Layers that normalise: forward, and backward directly below it.

Sources: Ioffe and Szegedy, "Batch normalization: accelerating deep network training by reducing
internal covariate shift" (2015); Ba, Kiros and Hinton, "Layer normalization" (2016).
"""

from collections.abc import Sequence
from math import sqrt
from random import Random
from typing import ClassVar

from ..._support.checks import (
    axes_of_batch,
    axes_of_sample,
    boolean,
    epsilon_value,
    number,
)
from .. import initializers
from ..lists import (
    Matrix,
    Shape,
    Tensor,
    Vector,
    dot,
    flatten,
    map_elements,
    nest,
    rows,
    shape,
    transpose,
)
from .axes import along, places
from .base import Layer, Weighted


class Normalizing(Weighted):
    """What both normalisations share: a = γ x̂ + β, a γ and a β for each element of the axis.

    All others count as samples: the attributes hold matrices (rows, columns), whatever the axes.
    """

    starts: ClassVar[dict[str, str]] = {"gamma": "gamma", "beta": "beta"}

    def __init__(
        self,
        axis: int | Sequence[int],
        epsilon: float,
        center: bool,
        scale: bool,
        beta_initializer: initializers.Identifier,
        gamma_initializer: initializers.Identifier,
        name: str | None,
    ) -> None:
        super().__init__(name)
        self.axis = axes_of_batch(axis)
        self.epsilon = epsilon_value(epsilon)
        self.center = boolean(center, "center")
        self.scale = boolean(scale, "scale")
        self.take(locals())
        self.columns = 0
        self.normalized: Matrix = []

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Make γ and β, where there are such."""
        self.check_samples("(..., columns)", input_shape, len(input_shape) > 0)
        axes = axes_of_sample(self.axis, len(input_shape), self.name)
        self.of_parameters = tuple(input_shape[axis] for axis in axes)
        self.places = places(input_shape, axes)
        self.columns = len(self.places[0])
        there = {"gamma": self.scale, "beta": self.center}
        self.make({name: self.of_parameters for name in there if there[name]}, rng)
        return input_shape

    @property
    def gamma(self) -> Vector:
        """Return γ as a row, ones where there is none."""
        return flatten(self.parameters.get("gamma", [1.0] * self.columns))

    @property
    def beta(self) -> Vector:
        """Return β as a row, zeros where there is none."""
        return flatten(self.parameters.get("beta", [0.0] * self.columns))

    def rows_of(self, x: Tensor) -> Matrix:
        """Return what stands along the axes, in rows, sample after sample."""
        samples = [flatten(sample) for sample in x]
        return [[sample[place] for place in row] for sample in samples for row in self.places]

    def back(self, rows: Matrix, of: Tensor) -> Tensor:
        """Return such rows in the shape of `of`."""
        each = len(self.places)
        result = []
        for first in range(0, len(rows), each):
            sample = [0.0] * (each * self.columns)
            for there, row in zip(self.places, rows[first : first + each], strict=True):
                for place, value in zip(there, row, strict=True):
                    sample[place] = value
            result.append(nest(sample, shape(of[0])))
        return result

    def scaled_and_shifted(self, x_hat: Matrix, of: Tensor) -> Tensor:
        """Return a, in the shape of `of`."""
        self.normalized = x_hat
        # a_nj = γ_j x̂_nj + β_j
        scaled = [
            [g * v + b for g, v, b in zip(self.gamma, row, self.beta, strict=True)] for row in x_hat
        ]
        self.a = self.back(scaled, of)
        return self.a

    def parameter_gradients(self, gradient: Matrix) -> None:
        """Fill ∂L/∂γ and ∂L/∂β, sums over the rows n."""
        da, x_hat = transpose(gradient), transpose(self.normalized)
        self.gradients = {}
        if self.scale and self.learns("gamma"):
            # ∂L/∂γ_j = Σ_n ∂L/∂a_nj x̂_nj
            slopes = [dot(g, v) for g, v in zip(da, x_hat, strict=True)]
            self.gradients["gamma"] = nest(slopes, self.of_parameters)
        if self.center and self.learns("beta"):
            # ∂L/∂β_j = Σ_n ∂L/∂a_nj
            self.gradients["beta"] = nest([sum(g) for g in da], self.of_parameters)


class BatchNormalization(Normalizing):
    """Each column brought to mean 0 and variance 1 over the batch, then scaled and shifted.

    Outside of training, and where the layer is frozen, the moving statistics take the place of the
    batch's.

    Parameters
    ----------
    axis : int, default -1
        The columns', the batch's being 0.
    momentum : float, default 0.99
        The share of a moving statistic that a training forward keeps.
    epsilon : float, default 0.001
    center, scale : bool, default True
        Whether there is a β, a γ.
    beta_initializer, gamma_initializer : str, nested list or Initializer

    Attributes
    ----------
    state : dict of str to list
        "moving_mean" and "moving_variance".

    Notes
    -----
    x and a have the same shape, (batch, ..., columns) by default. The batch's moments are taken
    over the time steps that the mask of the input has; without any, the moving ones serve and stay.

    Examples
    --------
    >>> layer = BatchNormalization(momentum=0.5, epsilon=1e-12)
    >>> layer.build((1,))
    (1,)
    >>> [[round(a, 6)] for [a] in layer.forward([[1.0], [3.0]], training=True)]
    [[-1.0], [1.0]]
    >>> layer.state
    {'moving_mean': [1.0], 'moving_variance': [1.0]}
    """

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: initializers.Identifier = "zeros",
        gamma_initializer: initializers.Identifier = "ones",
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(axis, epsilon, center, scale, beta_initializer, gamma_initializer, name)
        self.momentum = number(momentum, "momentum", at_least=0, at_most=1)
        self.deviation: Vector = []
        self.by_batch = False
        self.there: list[bool] = []

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Make γ and β, and moving statistics: mean 0, variance 1."""
        super().build_for(input_shape, rng)
        self.state = {
            "moving_mean": [0.0] * self.columns,
            "moving_variance": [1.0] * self.columns,
        }
        return input_shape

    @property
    def is_frozen(self) -> bool:
        """Say whether the layer keeps its moving statistics."""
        learning = [self.learns(parameter) for parameter in self.parameters]
        return not (any(learning) if learning else self.trainable)

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Normalise each column."""
        self.check_input(x)
        samples = self.rows_of(x)
        self.there = self.rows_there(len(samples))
        self.by_batch = training and not self.is_frozen and any(self.there)
        if self.by_batch:
            # μ_j = Σ_n x_nj / N        σ²_j = Σ_n (x_nj − μ_j)² / N, over the N rows that are there
            counted = [row for row, is_there in zip(samples, self.there, strict=True) if is_there]
            moments = [mean_and_variance(column) for column in transpose(counted)]
            mean, variance = [m for m, _ in moments], [v for _, v in moments]
            self.move("moving_mean", mean)
            self.move("moving_variance", variance)
        else:
            mean, variance = self.state["moving_mean"], self.state["moving_variance"]
        self.deviation = [sqrt(v + self.epsilon) for v in variance]
        # x̂_nj = (x_nj − μ_j) / √(σ²_j + ε)
        x_hat = [
            [(v - m) / s for v, m, s in zip(row, mean, self.deviation, strict=True)]
            for row in samples
        ]
        return self.scaled_and_shifted(x_hat, x)

    def backward(self, gradient: Tensor) -> Tensor:
        """Take away from each column's slopes what μ and σ² do to all of its samples."""
        self.check_gradient(gradient)
        da = self.rows_of(gradient)
        self.parameter_gradients(da)
        # ∂L/∂x̂_nj = γ_j ∂L/∂a_nj
        slopes = transpose([[g * v for g, v in zip(self.gamma, row, strict=True)] for row in da])
        columns = transpose(self.normalized)
        # ∂L/∂x_nj = (∂L/∂x̂_nj − mean − x̂_nj slope) / √(σ²_j + ε), by the batch's moments;
        # moving ones do not depend on x
        there = self.there if self.by_batch else [False] * len(da)
        dx = [
            [g / s for g in without_mean_and_slope(slope, x_hat, there)]
            for slope, x_hat, s in zip(slopes, columns, self.deviation, strict=True)
        ]
        return self.back([list(row) for row in transpose(dx)], gradient)

    def rows_there(self, count: int) -> list[bool]:
        """Say of each row whether its time step is there, by the mask of the input."""
        steps = [True] if self.mask is None else [bool(step) for step in flatten(self.mask)]
        return [step for step in steps for _ in range(count // len(steps))]

    def move(self, name: str, values: Vector) -> None:
        """Let a moving statistic follow the batch's."""
        # m ← momentum m + (1 − momentum) μ
        self.state[name][:] = [
            self.momentum * m + (1 - self.momentum) * v
            for m, v in zip(self.state[name], values, strict=True)
        ]

    def __repr__(self) -> str:
        return (
            f"BatchNormalization(axis={self.axis!r}, momentum={self.momentum!r}, "
            f"epsilon={self.epsilon!r})"
        )


class LayerNormalization(Normalizing):
    """Each sample's last axis, or others, brought to mean 0, variance 1, then scaled and shifted.

    Parameters
    ----------
    axis : int or tuple of int, default -1
        What is normalised together, the batch's being 0; γ and β have its shape.
    epsilon : float, default 0.001
    center, scale : bool, default True
        Whether there is a β, a γ.
    beta_initializer, gamma_initializer : str, nested list or Initializer

    Notes
    -----
    x and a have shape (batch, ..., columns), the same.

    Examples
    --------
    >>> layer = LayerNormalization(epsilon=1e-12)
    >>> layer.build((2,))
    (2,)
    >>> [[round(a, 6) for a in row] for row in layer.forward([[1.0, 3.0], [10.0, 30.0]])]
    [[-1.0, 1.0], [-1.0, 1.0]]
    """

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: initializers.Identifier = "zeros",
        gamma_initializer: initializers.Identifier = "ones",
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(axis, epsilon, center, scale, beta_initializer, gamma_initializer, name)
        self.deviation: Vector = []

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Normalise each row."""
        self.check_input(x)
        samples = self.rows_of(x)
        # μ_n = Σ_j x_nj / C        σ²_n = Σ_j (x_nj − μ_n)² / C
        moments = [mean_and_variance(row) for row in samples]
        self.deviation = [sqrt(variance + self.epsilon) for _, variance in moments]
        # x̂_nj = (x_nj − μ_n) / √(σ²_n + ε)
        x_hat = [
            [(v - mean) / s for v in row]
            for row, (mean, _), s in zip(samples, moments, self.deviation, strict=True)
        ]
        return self.scaled_and_shifted(x_hat, x)

    def backward(self, gradient: Tensor) -> Tensor:
        """Take away from each row's slopes what μ and σ² do to all of its elements."""
        self.check_gradient(gradient)
        da = self.rows_of(gradient)
        self.parameter_gradients(da)
        # ∂L/∂x̂_nj = γ_j ∂L/∂a_nj
        slopes = [[g * v for g, v in zip(self.gamma, row, strict=True)] for row in da]
        # ∂L/∂x_nj = (∂L/∂x̂_nj − mean − x̂_nj slope) / √(σ²_n + ε)
        dx = [
            [g / s for g in without_mean_and_slope(row, x_hat, [True] * len(row))]
            for row, x_hat, s in zip(slopes, self.normalized, self.deviation, strict=True)
        ]
        return self.back(dx, gradient)

    def __repr__(self) -> str:
        return f"LayerNormalization(axis={self.axis!r}, epsilon={self.epsilon!r})"


def mean_and_variance(x: Vector | tuple[float, ...]) -> tuple[float, float]:
    """Return μ = Σ x / N and σ² = Σ (x − μ)² / N.

    Examples
    --------
    >>> mean_and_variance([1.0, 3.0])
    (2.0, 1.0)
    """
    mean = sum(x) / len(x)
    return mean, sum((v - mean) ** 2 for v in x) / len(x)


def without_mean_and_slope(
    g: Vector | tuple[float, ...], x_hat: Vector | tuple[float, ...], there: Sequence[bool]
) -> Vector:
    """Return g − Σ g / N − x̂ Σ g x̂ / N for the N samples that are there, g for the others.

    That is ∂L/∂x √(σ² + ε) for g = ∂L/∂x̂: moving one x of which μ and σ² are made also moves μ, by
    1/N for all samples, and σ², by 2 (x − μ) / N.
    """
    count = max(sum(there), 1)
    mean = sum(g) / count
    slope = dot(g, x_hat) / count
    return [
        g_n - mean - v * slope if is_there else g_n
        for g_n, v, is_there in zip(g, x_hat, there, strict=True)
    ]


class UnitNormalization(Layer):
    """Each sample's last axis, or some axes together, brought to length 1: a = x / max(‖x‖, ε).

    Parameters
    ----------
    axis : int or tuple of int, default -1
        The batch's is 0.

    Examples
    --------
    >>> layer = UnitNormalization()
    >>> layer.build((2,))
    (2,)
    >>> layer.forward([[3.0, 4.0]])
    [[0.6, 0.8]]
    """

    epsilon = 1e-12

    def __init__(self, axis: int | Sequence[int] = -1, *, name: str | None = None) -> None:
        super().__init__(name)
        self.axis = axes_of_batch(axis)

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Find what stands along the axes."""
        self.rows = places(input_shape, axes_of_sample(self.axis, len(input_shape), self.name))
        return input_shape

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Divide by the lengths."""
        self.check_input(x)
        self.x = x
        self.a = along(lambda row: unit(row, self.epsilon), self.rows, x)
        return self.a

    def backward(self, gradient: Tensor) -> Tensor:
        """Take away what runs along x."""
        self.check_gradient(gradient)
        return along(lambda g, row: unit_slope(g, row, self.epsilon), self.rows, gradient, self.x)

    def __repr__(self) -> str:
        return f"UnitNormalization(axis={self.axis!r})"


def unit(x: Vector, epsilon: float) -> Vector:
    """Return x / max(‖x‖, ε).

    Examples
    --------
    >>> unit([3.0, 4.0], 1e-7)
    [0.6, 0.8]
    """
    length = max(sqrt(dot(x, x)), epsilon)
    return [x_j / length for x_j in x]


def unit_slope(gradient: Vector, x: Vector, epsilon: float) -> Vector:
    """Return ∂L/∂x of a = x / max(‖x‖, ε)."""
    length = sqrt(dot(x, x))
    a = unit(x, epsilon)
    # ∂L/∂x_j = (∂L/∂a_j − a_j Σ_k a_k ∂L/∂a_k) / ‖x‖; where that is below ε, ∂L/∂a_j / ε
    along_x = dot(a, gradient) if length > epsilon else 0.0
    return [(g - a_j * along_x) / max(length, epsilon) for g, a_j in zip(gradient, a, strict=True)]


class Normalization(Layer):
    """Each column brought to mean 0 and variance 1 by numbers known beforehand: a = (x − μ) / √σ².

    Parameters
    ----------
    axis : int or None, default -1
        The columns', the last one; None: one mean and variance for all numbers.
    mean, variance : float or list of float, optional
        μ and σ²; a variance counts as at least 1e-14.
    invert : bool, default False
        Whether a = x √σ² + μ.

    Notes
    -----
    x and a have shape (batch, ..., columns), the same. ``state`` holds μ and σ² as they are used:
    inverted, −μ / √σ² and 1 / σ².

    Examples
    --------
    >>> layer = Normalization(mean=[2.0, 20.0], variance=[1.0, 100.0])
    >>> layer.build((2,))
    (2,)
    >>> layer.forward([[1.0, 20.0]]), layer.backward([[1.0, 1.0]])
    ([[-1.0, 0.0]], [[1.0, 0.1]])
    """

    def __init__(
        self,
        axis: int | None = -1,
        mean: Tensor | float | None = None,
        variance: Tensor | float | None = None,
        invert: bool = False,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.axis = axis
        self.invert = boolean(invert, "invert")
        if (mean is None) != (variance is None):
            raise ValueError("mean and variance come together; got one of them")
        self.mean: Vector = numbers(mean)
        self.variance: Vector = numbers(variance)

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Take μ and σ² for each column."""
        self.check_samples("(..., columns)", input_shape, len(input_shape) > 0)
        columns = 1 if self.axis is None else input_shape[-1]
        mean, variance = (
            part * columns if len(part) == 1 else part for part in (self.mean, self.variance)
        )
        variance = [max(v, 1e-14) for v in variance]
        if self.invert:
            # x √σ² + μ = (x + μ / √σ²) / √(1 / σ²)
            mean = [-m / sqrt(v) for m, v in zip(mean, variance, strict=True)]
            variance = [1 / v for v in variance]
        self.state = {"mean": list(mean), "variance": list(variance)}
        return input_shape

    def of_row(self, row: Vector) -> list[tuple[float, float, float]]:
        """Return each number with its μ and σ²."""
        mean, variance = self.state["mean"], self.state["variance"]
        if len(mean) == 1:
            mean, variance = mean * len(row), variance * len(row)
        return list(zip(row, mean, variance, strict=True))

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Take the mean away, and divide by the deviation."""
        self.check_input(x)
        # a_nj = (x_nj − μ_j) / √σ²_j
        out = [[(v - m) / sqrt(s) for v, m, s in self.of_row(row)] for row in rows(x)]
        self.a = nest(flatten(out), shape(x))
        return self.a

    def backward(self, gradient: Tensor) -> Tensor:
        """Divide by the deviation."""
        self.check_gradient(gradient)
        # ∂L/∂x_nj = ∂L/∂a_nj / √σ²_j
        out = [[g / sqrt(s) for g, _, s in self.of_row(row)] for row in rows(gradient)]
        return nest(flatten(out), shape(gradient))

    def __repr__(self) -> str:
        return f"Normalization(axis={self.axis!r})"


def numbers(value: Tensor | float | None) -> Vector:
    """Return a number or nested numbers as a list.

    Examples
    --------
    >>> numbers(2), numbers([[1.0, 2.0]])
    ([2.0], [1.0, 2.0])
    """
    if value is None:
        return []
    return [float(v) for v in (flatten(value) if isinstance(value, list) else [value])]


class Rescaling(Layer):
    """Inputs brought to another range: a_j = x_j · scale + offset.

    Parameters
    ----------
    scale : float
        1/255 brings the bytes of an image to [0, 1].
    offset : float, default 0.0

    Notes
    -----
    x and a have shape (batch, ...), the same.

    Examples
    --------
    >>> layer = Rescaling(1 / 255)
    >>> layer.build((2,))
    (2,)
    >>> layer.forward([[0, 255]])
    [[0.0, 1.0]]
    """

    def __init__(self, scale: float, offset: float = 0.0, *, name: str | None = None) -> None:
        super().__init__(name)
        self.scale = number(scale, "scale")
        self.offset = number(offset, "offset")

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Scale and shift."""
        self.check_input(x)
        # a_j = x_j · scale + offset
        self.a = map_elements(lambda x_j: x_j * self.scale + self.offset, x)
        return self.a

    def backward(self, gradient: Tensor) -> Tensor:
        """Scale; a shift changes no slope."""
        self.check_gradient(gradient)
        # ∂L/∂x_j = ∂L/∂a_j · scale
        return map_elements(lambda g_j: g_j * self.scale, gradient)

    def __repr__(self) -> str:
        return f"Rescaling(scale={self.scale!r}, offset={self.offset!r})"
