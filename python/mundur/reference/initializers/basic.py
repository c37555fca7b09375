"""Constant and random values that know nothing of fans."""

import math
from random import Random

from ..._support.checks import number
from ..lists import Shape, Tensor, Vector, dot, filled, transpose
from .base import Initializer


class Constant(Initializer):
    """The same value everywhere.

    Parameters
    ----------
    value : float, default 0.0

    Examples
    --------
    >>> Constant(0.35)((2,), Random(0))
    [0.35, 0.35]
    """

    def __init__(self, value: float = 0.0) -> None:
        self.value = number(value, "value")

    def __call__(self, shape: Shape, rng: Random) -> Tensor:
        """Return the value, in nested lists."""
        return filled(shape, lambda: self.value)


class Zeros(Initializer):
    """0 everywhere: right for biases, wrong for kernels, whose units would all learn the same."""

    def __call__(self, shape: Shape, rng: Random) -> Tensor:
        """Return the value, in nested lists."""
        return filled(shape, lambda: 0.0)


class Ones(Initializer):
    """1 everywhere."""

    def __call__(self, shape: Shape, rng: Random) -> Tensor:
        """Return the value, in nested lists."""
        return filled(shape, lambda: 1.0)


class RandomUniform(Initializer):
    """Uniform numbers of [minval, maxval).

    Parameters
    ----------
    minval, maxval : float, default -0.05 and 0.05
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05) -> None:
        self.minval = number(minval, "minval")
        self.maxval = number(maxval, "maxval", at_least=self.minval)

    def __call__(self, shape: Shape, rng: Random) -> Tensor:
        """Draw the numbers, in order of the elements."""
        return filled(shape, lambda: rng.uniform(self.minval, self.maxval))


class RandomNormal(Initializer):
    """Normal numbers.

    Parameters
    ----------
    mean, stddev : float, default 0.0 and 0.05
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05) -> None:
        self.mean = number(mean, "mean")
        self.stddev = number(stddev, "stddev", at_least=0)

    def __call__(self, shape: Shape, rng: Random) -> Tensor:
        """Draw the numbers, in order of the elements."""
        return filled(shape, lambda: rng.gauss(self.mean, self.stddev))


class TruncatedNormal(Initializer):
    """Normal numbers, drawn again where they lie beyond two deviations.

    Parameters
    ----------
    mean, stddev : float, default 0.0 and 0.05
        Of the normal distribution before the cut.
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05) -> None:
        self.mean = number(mean, "mean")
        self.stddev = number(stddev, "stddev", at_least=0)

    def __call__(self, shape: Shape, rng: Random) -> Tensor:
        """Draw the numbers, in order of the elements."""

        def draw() -> float:
            while abs(z := rng.gauss(0.0, 1.0)) > 2:
                pass
            return self.mean + self.stddev * z

        return filled(shape, draw)


class Orthogonal(Initializer):
    """A matrix whose columns are orthogonal and of length `gain`; its rows, if those are fewer.

    Source: Saxe, McClelland and Ganguli, "Exact solutions to the nonlinear dynamics of learning in
    deep linear neural networks" (2014).

    Parameters
    ----------
    gain : float, default 1.0
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = number(gain, "gain")

    def __call__(self, shape: Shape, rng: Random) -> Tensor:
        """Draw normal vectors, and take from each what it shares with those before."""
        rows, columns = shape
        found: list[Vector] = []
        for _ in range(min(rows, columns)):
            v = [rng.gauss(0.0, 1.0) for _ in range(max(rows, columns))]
            for q in found:
                # v ← v − (q·v) q
                share = dot(q, v)
                v = [v_i - share * q_i for v_i, q_i in zip(v, q, strict=True)]
            # q = v / ‖v‖
            norm = math.sqrt(dot(v, v))
            found.append([v_i / norm for v_i in v])
        scaled = [[self.gain * q_i for q_i in q] for q in found]
        return scaled if rows < columns else [list(row) for row in transpose(scaled)]


class Identity(Initializer):
    """`gain` on the diagonal of a matrix, 0 elsewhere.

    Examples
    --------
    >>> Identity()((2, 3), Random(0))
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = number(gain, "gain")

    def __call__(self, shape: Shape, rng: Random) -> Tensor:
        """Return the values, in nested lists."""
        rows, columns = shape
        return [[self.gain if i == j else 0.0 for j in range(columns)] for i in range(rows)]
