"""Activations: a = f(z), and backwards δ = ∂L/∂z from ∂L/∂a.

Most activations look at one element at a time, and then δ_j = f′(z_j) ∂L/∂a_j. Softmax looks at
the whole row.
"""

import math
from collections.abc import Callable
from typing import TypeAlias

from ._lookup import lookup
from .lists import Vector, dot


class ActivationFunction:
    """A function of one row of numbers, and the way back through it."""

    name: str

    def __call__(self, z: Vector) -> Vector:
        """Return the row a = f(z)."""
        raise NotImplementedError

    def backward(self, gradient: Vector, z: Vector) -> Vector:
        """Return the row δ = ∂L/∂z, from the row `gradient` = ∂L/∂a."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return repr(self.name)


class Elementwise(ActivationFunction):
    """An activation that treats every element alone: a_j = f(z_j), δ_j = f′(z_j) ∂L/∂a_j.

    Parameters
    ----------
    name : str
        The name by which layers know it.
    f : callable
        f, from a float to a float.
    derivative : callable
        f′, a function of z (not of a).

    Examples
    --------
    >>> square = Elementwise("square", lambda z: z * z, lambda z: 2 * z)
    >>> square([3.0]), square.backward([1.0], [3.0])
    ([9.0], [6.0])
    """

    def __init__(
        self, name: str, f: Callable[[float], float], derivative: Callable[[float], float]
    ) -> None:
        self.name = name
        self.f = f
        self.derivative = derivative

    def __call__(self, z: Vector) -> Vector:
        """Apply f to every element."""
        # a_j = f(z_j)
        return [self.f(z_j) for z_j in z]

    def backward(self, gradient: Vector, z: Vector) -> Vector:
        """Multiply by the slopes of f."""
        # δ_j = f′(z_j) ∂L/∂a_j
        return [self.derivative(z_j) * g_j for z_j, g_j in zip(z, gradient, strict=True)]


class Softmax(ActivationFunction):
    """Softmax of a row: positive numbers with sum 1, whose ratios are e^(z_j − z_k).

    Source: Bishop, *Pattern Recognition and Machine Learning* (2006), section 4.3.4.

    Examples
    --------
    >>> Softmax()([7.0, 7.0])
    [0.5, 0.5]
    """

    name = "softmax"

    def __call__(self, z: Vector) -> Vector:
        """Return the row's shares of e^z."""
        # Softmax ignores a shared offset, so taking the maximum away changes nothing but keeps
        # every exponential within [0, 1].
        top = max(z)
        exponentials = [math.exp(z_j - top) for z_j in z]
        total = sum(exponentials)
        # a_j = e^(z_j) / Σ_k e^(z_k)
        return [e_j / total for e_j in exponentials]

    def backward(self, gradient: Vector, z: Vector) -> Vector:
        """Multiply by the matrix of all ∂a_k/∂z_j, without ever writing it down."""
        a = self(z)
        # ∂a_k/∂z_j = a_k (1[j = k] − a_j), hence δ_j = a_j (∂L/∂a_j − Σ_k ∂L/∂a_k a_k)
        mean = dot(gradient, a)
        return [a_j * (g_j - mean) for a_j, g_j in zip(a, gradient, strict=True)]


def relu(z: float) -> float:
    """Return max(z, 0), where NaN stays NaN."""
    if math.isnan(z):
        return z
    return z if z > 0 else 0.0


def relu_derivative(z: float) -> float:
    """Return 1 if z > 0, else 0: at the kink, where there is none, it is 0 by convention."""
    return 1.0 if z > 0 else 0.0


def sigmoid(z: float) -> float:
    """Return 1 / (1 + e^(−z)), the logistic function, so written that no exponential overflows."""
    if z >= 0:
        return 1 / (1 + math.exp(-z))
    return math.exp(z) / (1 + math.exp(z))


def sigmoid_derivative(z: float) -> float:
    """Return σ(z) (1 − σ(z))."""
    return sigmoid(z) * (1 - sigmoid(z))


def tanh_derivative(z: float) -> float:
    """Return 1 − tanh²(z)."""
    return 1 - math.tanh(z) ** 2


KNOWN: dict[str, ActivationFunction] = {
    "linear": Elementwise("linear", lambda z: z, lambda z: 1.0),
    "relu": Elementwise("relu", relu, relu_derivative),
    "sigmoid": Elementwise("sigmoid", sigmoid, sigmoid_derivative),
    "tanh": Elementwise("tanh", math.tanh, tanh_derivative),
    "softmax": Softmax(),
}

Pair: TypeAlias = tuple[Callable[[float], float], Callable[[float], float]]
Identifier: TypeAlias = str | Pair | ActivationFunction | None


def get(identifier: Identifier) -> ActivationFunction:
    """Find the activation behind a name, a pair (f, f′), or None (linear).

    Raises
    ------
    ValueError
        For an unknown name, with the list of known ones.

    Examples
    --------
    >>> get("relu")([-1.0, 2.0])
    [0.0, 2.0]
    """
    if identifier is None:
        return KNOWN["linear"]
    if isinstance(identifier, str):
        return lookup("activation", identifier, KNOWN)
    if isinstance(identifier, ActivationFunction):
        return identifier
    f, derivative = identifier
    return Elementwise(getattr(f, "__name__", "custom"), f, derivative)
