"""Random values whose variance follows from the shape."""

import math
from random import Random

from ..._support.checks import number
from ..._support.names import lookup
from ..lists import Shape, Tensor, filled
from .base import Initializer
from .basic import RandomNormal, RandomUniform, TruncatedNormal

# The deviation of a standard normal number that lies within [−2, 2].
TRUNCATED_DEVIATION = 0.87962566103423978

MODES = {name: name for name in ("fan_in", "fan_out", "fan_avg")}
DISTRIBUTIONS = {name: name for name in ("truncated_normal", "untruncated_normal", "uniform")}


def fans(shape: Shape) -> tuple[int, int]:
    """Return (fan_in, fan_out): how many numbers come into a unit, how many units a number goes to.

    Examples
    --------
    >>> fans((784, 128)), fans((10,))
    ((784, 128), (10, 10))
    """
    return shape[0], shape[-1]


class VarianceScaling(Initializer):
    """Numbers of variance s² = scale / n, n one of the fans or their mean.

    Parameters
    ----------
    scale : float, default 1.0
    mode : {"fan_in", "fan_out", "fan_avg"}, default "fan_in"
    distribution : {"truncated_normal", "untruncated_normal", "uniform"}, default the first
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
    ) -> None:
        self.scale = number(scale, "scale", above=0)
        self.mode = lookup(MODES, mode, "mode")
        self.distribution = lookup(DISTRIBUTIONS, distribution, "distribution")

    def __call__(self, shape: Shape, rng: Random) -> Tensor:
        """Draw the numbers, in order of the elements."""
        fan_in, fan_out = fans(shape)
        n = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        # s = √(scale / n)
        s = math.sqrt(self.scale / n)
        # U(−√3 s, √3 s) has variance s²; what is cut off a normal is made up for beforehand
        distributions: dict[str, Initializer] = {
            "truncated_normal": TruncatedNormal(stddev=s / TRUNCATED_DEVIATION),
            "untruncated_normal": RandomNormal(stddev=s),
            "uniform": RandomUniform(-math.sqrt(3) * s, math.sqrt(3) * s),
        }
        return distributions[self.distribution](shape, rng)


class GlorotUniform(Initializer):
    """Uniform with variance 2 / (fan_in + fan_out), a compromise between forward and backward.

    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
    networks" (2010), equation 16.
    """

    def __call__(self, shape: Shape, rng: Random) -> Tensor:
        """Draw the numbers, in order of the elements."""
        # W ~ U(−l, l), l = √(6 / (fan_in + fan_out)); U(−l, l) has variance l²/3
        limit = math.sqrt(6 / sum(fans(shape)))
        return filled(shape, lambda: rng.uniform(-limit, limit))


class GlorotNormal(Initializer):
    """Normal with variance 2 / (fan_in + fan_out); source as `GlorotUniform`.

    Keras truncates the normal at two deviations and widens it to the same variance.
    """

    def __call__(self, shape: Shape, rng: Random) -> Tensor:
        """Draw the numbers, in order of the elements."""
        # W ~ N(0, s²), s = √(2 / (fan_in + fan_out))
        stddev = math.sqrt(2 / sum(fans(shape)))
        return filled(shape, lambda: rng.gauss(0.0, stddev))


class HeUniform(Initializer):
    """Uniform with variance 2 / fan_in: made for ReLU, which silences half of the units.

    Source: He, Zhang, Ren and Sun, "Delving deep into rectifiers" (2015), section 2.2.
    """

    def __call__(self, shape: Shape, rng: Random) -> Tensor:
        """Draw the numbers, in order of the elements."""
        # W ~ U(−l, l), l = √(6 / fan_in)
        limit = math.sqrt(6 / fans(shape)[0])
        return filled(shape, lambda: rng.uniform(-limit, limit))


class HeNormal(Initializer):
    """Normal with variance 2 / fan_in; source as `HeUniform`, and truncated in Keras as well."""

    def __call__(self, shape: Shape, rng: Random) -> Tensor:
        """Draw the numbers, in order of the elements."""
        # W ~ N(0, s²), s = √(2 / fan_in)
        stddev = math.sqrt(2 / fans(shape)[0])
        return filled(shape, lambda: rng.gauss(0.0, stddev))


class LecunUniform(Initializer):
    """Uniform with variance 1 / fan_in: keeps the variance of sums of independent inputs.

    Source: LeCun, Bottou, Orr and Müller, "Efficient backprop" (1998), section 4.6.
    """

    def __call__(self, shape: Shape, rng: Random) -> Tensor:
        """Draw the numbers, in order of the elements."""
        # W ~ U(−l, l), l = √(3 / fan_in)
        limit = math.sqrt(3 / fans(shape)[0])
        return filled(shape, lambda: rng.uniform(-limit, limit))


class LecunNormal(Initializer):
    """Normal with variance 1 / fan_in; source as `LecunUniform`, and truncated in Keras."""

    def __call__(self, shape: Shape, rng: Random) -> Tensor:
        """Draw the numbers, in order of the elements."""
        # W ~ N(0, s²), s = √(1 / fan_in)
        stddev = math.sqrt(1 / fans(shape)[0])
        return filled(shape, lambda: rng.gauss(0.0, stddev))
