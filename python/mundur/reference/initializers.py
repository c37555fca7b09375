"""Initializers: the first values of parameters, before any learning.

Weights start at random so that the units of a layer differ; their scale is chosen so that the
size of activations (forward) and of δ (backward) neither grows nor fades from layer to layer.
The numbers drawn are not those of the native code: to compare the two, copy the weights.
"""

import math
from collections.abc import Callable
from random import Random
from typing import TypeAlias

from ._lookup import lookup
from .lists import Shape, Tensor, Vector, check_shape, dot, filled, flatten, nest, transpose


class Initializer:
    """Gives a nested list of a shape: `initializer(shape, rng)`."""

    def __call__(self, shape: Shape, rng: Random) -> Tensor:
        """Return first values of the given shape, random ones drawn from `rng`."""
        raise NotImplementedError

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({options})"


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
        self.value = value

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


class Array(Initializer):
    """Values given as nested lists, copied.

    Parameters
    ----------
    values : nested list
        Must have the shape of the parameter.

    Examples
    --------
    >>> Array([[1, 2]])((1, 2), Random(0))
    [[1.0, 2.0]]
    """

    def __init__(self, values: Tensor) -> None:
        self.values = values

    def __call__(self, shape: Shape, rng: Random) -> Tensor:
        """Return a copy of the values."""
        check_shape("initializer's values", self.values, shape)
        return nest(map(float, flatten(self.values)), shape)


class RandomUniform(Initializer):
    """Uniform numbers of [minval, maxval).

    Parameters
    ----------
    minval, maxval : float, default -0.05 and 0.05
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05) -> None:
        self.minval = minval
        self.maxval = maxval

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
        self.mean = mean
        self.stddev = stddev

    def __call__(self, shape: Shape, rng: Random) -> Tensor:
        """Draw the numbers, in order of the elements."""
        return filled(shape, lambda: rng.gauss(self.mean, self.stddev))


def fans(shape: Shape) -> tuple[int, int]:
    """Return (fan_in, fan_out): how many numbers come into a unit, how many units a number goes to.

    Examples
    --------
    >>> fans((784, 128)), fans((10,))
    ((784, 128), (10, 10))
    """
    return shape[0], shape[-1]


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


class TruncatedNormal(Initializer):
    """Normal numbers, drawn again where they lie beyond two deviations.

    Parameters
    ----------
    mean, stddev : float, default 0.0 and 0.05
        Of the normal distribution before the cut.
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05) -> None:
        self.mean = mean
        self.stddev = stddev

    def __call__(self, shape: Shape, rng: Random) -> Tensor:
        """Draw the numbers, in order of the elements."""

        def draw() -> float:
            while abs(z := rng.gauss(0.0, 1.0)) > 2:
                pass
            return self.mean + self.stddev * z

        return filled(shape, draw)


# The deviation of a standard normal number that lies within [−2, 2].
TRUNCATED_DEVIATION = 0.87962566103423978


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
        self.scale = scale
        self.mode = mode
        self.distribution = distribution

    def __call__(self, shape: Shape, rng: Random) -> Tensor:
        """Draw the numbers, in order of the elements."""
        fan_in, fan_out = fans(shape)
        modes = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}
        # s = √(scale / n)
        s = math.sqrt(self.scale / lookup("mode", self.mode, modes))
        # U(−√3 s, √3 s) has variance s²; what is cut off a normal is made up for beforehand
        distributions: dict[str, Initializer] = {
            "truncated_normal": TruncatedNormal(stddev=s / TRUNCATED_DEVIATION),
            "untruncated_normal": RandomNormal(stddev=s),
            "uniform": RandomUniform(-math.sqrt(3) * s, math.sqrt(3) * s),
        }
        return lookup("distribution", self.distribution, distributions)(shape, rng)


class Orthogonal(Initializer):
    """A matrix whose columns are orthogonal and of length `gain`; its rows, if those are fewer.

    Source: Saxe, McClelland and Ganguli, "Exact solutions to the nonlinear dynamics of learning in
    deep linear neural networks" (2014).

    Parameters
    ----------
    gain : float, default 1.0
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

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
        self.gain = gain

    def __call__(self, shape: Shape, rng: Random) -> Tensor:
        """Return the values, in nested lists."""
        rows, columns = shape
        return [[self.gain if i == j else 0.0 for j in range(columns)] for i in range(rows)]


KNOWN: dict[str, Callable[[], Initializer]] = {
    "zeros": Zeros,
    "ones": Ones,
    "constant": Constant,
    "random_uniform": RandomUniform,
    "random_normal": RandomNormal,
    "glorot_uniform": GlorotUniform,
    "glorot_normal": GlorotNormal,
    "he_uniform": HeUniform,
    "he_normal": HeNormal,
    "lecun_uniform": LecunUniform,
    "lecun_normal": LecunNormal,
    "truncated_normal": TruncatedNormal,
    "variance_scaling": VarianceScaling,
    "orthogonal": Orthogonal,
    "identity": Identity,
}

Identifier: TypeAlias = str | Tensor | Initializer


def get(identifier: Identifier) -> Initializer:
    """Find the initializer behind a name, or the one that gives these nested lists.

    Raises
    ------
    ValueError
        For an unknown name, with the list of known ones.

    Examples
    --------
    >>> get("zeros")((3,), Random(0))
    [0.0, 0.0, 0.0]
    """
    if isinstance(identifier, Initializer):
        return identifier
    if isinstance(identifier, str):
        return lookup("initializer", identifier, KNOWN)()
    return Array(identifier)
