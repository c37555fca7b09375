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
from .lists import Shape, Tensor, check_shape, filled, flatten, nest


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
