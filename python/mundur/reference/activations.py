"""Activations: a = f(z), and backwards δ = ∂L/∂z from ∂L/∂a.

Most activations look at one element at a time, and then δ_j = f′(z_j) ∂L/∂a_j. Softmax looks at
the whole row.
"""

import math
from collections.abc import Callable
from typing import Any, TypeAlias

from .._support.names import lookup
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


class LogSoftmax(ActivationFunction):
    """The logarithm of softmax, finite where a share of softmax is too small for a float.

    Examples
    --------
    >>> LogSoftmax()([0.0, -1000.0])
    [0.0, -1000.0]
    """

    name = "log_softmax"

    def __call__(self, z: Vector) -> Vector:
        """Return z_j − log Σ_k e^(z_k)."""
        top = max(z)
        # a_j = z_j − log Σ_k e^(z_k), with the maximum taken away as in softmax
        log_sum = math.log(sum(math.exp(z_k - top) for z_k in z))
        return [z_j - top - log_sum for z_j in z]

    def backward(self, gradient: Vector, z: Vector) -> Vector:
        """Take softmax's share of the gradients' sum away."""
        # ∂a_k/∂z_j = 1[j = k] − e^(a_j), hence δ_j = ∂L/∂a_j − e^(a_j) Σ_k ∂L/∂a_k
        total = sum(gradient)
        return [g_j - math.exp(a_j) * total for a_j, g_j in zip(self(z), gradient, strict=True)]


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


# ---- with parameters -----------------------------------------------------------------------------


def rectifier(
    negative_slope: float = 0.0, max_value: float = math.inf, threshold: float = 0.0
) -> Elementwise:
    """Make a relu with bends of one's own.

    Examples
    --------
    >>> rectifier(negative_slope=0.5, max_value=6)([-2.0, 3.0, 9.0])
    [-1.0, 3.0, 6]
    """

    def f(z: float) -> float:
        if math.isnan(z):
            return z
        # f(z) = min(z, max_value) where z > threshold, else negative_slope (z − threshold)
        if z > threshold:
            return min(z, max_value)
        return negative_slope * (z - threshold) if negative_slope else 0.0

    def derivative(z: float) -> float:
        # At a bend, where there is none: that of the left side, and 0 where f ends.
        if z > threshold:
            return 1.0 if z < max_value else 0.0
        return negative_slope

    return Elementwise("rectifier", f, derivative)


def exponential_unit(alpha: float = 1.0, scale: float = 1.0) -> Elementwise:
    """Make an elu: z on the right, an exponential that falls to −alpha on the left.

    Examples
    --------
    >>> exponential_unit(alpha=0.5)([-50.0, 2.0])
    [-0.5, 2.0]
    """

    def f(z: float) -> float:
        # f(z) = z where z ≥ 0, else alpha (e^z − 1)
        return scale * (alpha * math.expm1(z) if z < 0 else z)

    def derivative(z: float) -> float:
        return scale * (alpha * math.exp(z) if z < 0 else 1.0)

    return Elementwise("elu", f, derivative)


def named(name: str, activation: Elementwise) -> Elementwise:
    """Give an activation the name by which layers know it."""
    return Elementwise(name, activation.f, activation.derivative)


# ---- z times a share -----------------------------------------------------------------------------


def normal_distribution(z: float) -> float:
    """Return Φ(z) = (1 + erf(z/√2)) / 2."""
    return (1 + math.erf(z / math.sqrt(2))) / 2


def gelu(z: float) -> float:
    """Return z Φ(z)."""
    return z * normal_distribution(z)


def gelu_derivative(z: float) -> float:
    """Return Φ(z) + z φ(z), where φ(z) = e^(−z²/2) / √(2π) is the slope of Φ."""
    return normal_distribution(z) + z * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def gelu_tanh(z: float) -> float:
    """Return z (1 + tanh u) / 2, where u = √(2/π) (z + 0.044715 z³)."""
    u = math.sqrt(2 / math.pi) * (z + 0.044715 * z**3)
    return z * (1 + math.tanh(u)) / 2


def gelu_tanh_derivative(z: float) -> float:
    """Return (1 + tanh u) / 2 + z (1 − tanh² u) u′ / 2."""
    u = math.sqrt(2 / math.pi) * (z + 0.044715 * z**3)
    slope = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * z**2)
    return (1 + math.tanh(u)) / 2 + z * tanh_derivative(u) * slope / 2


def silu(z: float) -> float:
    """Return z σ(z)."""
    return z * sigmoid(z)


def silu_derivative(z: float) -> float:
    """Return σ(z) + z σ′(z)."""
    return sigmoid(z) + z * sigmoid_derivative(z)


def mish(z: float) -> float:
    """Return z tanh(softplus(z))."""
    return z * math.tanh(softplus(z))


def mish_derivative(z: float) -> float:
    """Return tanh(s) + z (1 − tanh² s) σ(z), where s = softplus(z)."""
    s = softplus(z)
    return math.tanh(s) + z * tanh_derivative(s) * sigmoid(z)


# ---- smooth and hard -----------------------------------------------------------------------------


def softplus(z: float) -> float:
    """Return log(1 + e^z), so written that no exponential overflows."""
    return max(z, 0.0) + math.log1p(math.exp(-abs(z)))


def softsign(z: float) -> float:
    """Return z / (1 + |z|)."""
    return z / (1 + abs(z))


def softsign_derivative(z: float) -> float:
    """Return 1 / (1 + |z|)²."""
    return 1 / (1 + abs(z)) ** 2


def hard_sigmoid(z: float) -> float:
    """Return (z + 3) / 6, held within [0, 1]."""
    return min(max(z + 3, 0.0), 6.0) / 6


def hard_sigmoid_derivative(z: float) -> float:
    """Return 1/6 between −3 and 3, else 0."""
    return 1 / 6 if abs(z) < 3 else 0.0


def hard_silu(z: float) -> float:
    """Return z times hard_sigmoid(z)."""
    return z * hard_sigmoid(z)


def hard_silu_derivative(z: float) -> float:
    """Return h(z) + z h′(z), where h is hard_sigmoid."""
    return hard_sigmoid(z) + z * hard_sigmoid_derivative(z)


# Klambauer, Unterthiner, Mayr and Hochreiter, "Self-normalizing neural networks" (2017).
SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805

KNOWN: dict[str, ActivationFunction] = {
    "linear": Elementwise("linear", lambda z: z, lambda z: 1.0),
    "relu": Elementwise("relu", relu, relu_derivative),
    "sigmoid": Elementwise("sigmoid", sigmoid, sigmoid_derivative),
    "tanh": Elementwise("tanh", math.tanh, tanh_derivative),
    "softmax": Softmax(),
    "log_softmax": LogSoftmax(),
    "leaky_relu": named("leaky_relu", rectifier(negative_slope=0.2)),
    "relu6": named("relu6", rectifier(max_value=6.0)),
    "elu": exponential_unit(),
    "selu": named("selu", exponential_unit(SELU_ALPHA, SELU_SCALE)),
    "gelu": Elementwise("gelu", gelu, gelu_derivative),
    "gelu_tanh": Elementwise("gelu_tanh", gelu_tanh, gelu_tanh_derivative),
    "silu": Elementwise("silu", silu, silu_derivative),
    "mish": Elementwise("mish", mish, mish_derivative),
    "softplus": Elementwise("softplus", softplus, sigmoid),
    "softsign": Elementwise("softsign", softsign, softsign_derivative),
    "hard_sigmoid": Elementwise("hard_sigmoid", hard_sigmoid, hard_sigmoid_derivative),
    "hard_silu": Elementwise("hard_silu", hard_silu, hard_silu_derivative),
    "exponential": Elementwise("exponential", math.exp, math.exp),
}

Pair: TypeAlias = tuple[Callable[[float], float], Callable[[float], float]]
Identifier: TypeAlias = str | Pair | ActivationFunction | None


def get(identifier: Identifier, argument: str = "activation") -> ActivationFunction:
    """Find the activation behind a name, a pair (f, f′), or None (linear).

    Raises
    ------
    TypeError, ValueError
        For what is none of these, and for an unknown name; with the list of known ones.

    Examples
    --------
    >>> get("relu")([-1.0, 2.0])
    [0.0, 2.0]
    """
    if identifier is None:
        return KNOWN["linear"]
    if isinstance(identifier, str):
        return lookup(KNOWN, identifier, argument)
    if isinstance(identifier, ActivationFunction):
        return identifier
    pair: Any = identifier
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise TypeError(
            f"{argument} must be a name (known: {', '.join(sorted(KNOWN))}) or a pair of "
            f"functions; got {pair!r} ({type(pair).__name__})"
        )
    f, derivative = pair
    return Elementwise(getattr(f, "__name__", "custom"), f, derivative)
