"""Activations: functions of arrays, to be called, or named in a layer.

``Dense(8, "gelu")``, ``Dense(8, activation=md.activations.gelu)`` and a layer of its own behind
``Dense(8)``, ``Activation("gelu")``, are the same. Each function takes an array of any shape,
float32 or float64 (other real numbers become float64), and returns one of the same shape; it raises
TypeError for what is no array of real numbers. softmax and log_softmax act along an axis, all
others on each element. The arithmetic is that of the layers, to the bit; an infinite element gets
the function's limit, a NaN stays one. `mundur.layers.Activation` tells how exact they are.

>>> import mundur as md
>>> md.activations.relu([-1.0, 0.5]).tolist()
[0.0, 0.5]
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from . import _core
from ._support.checks import WrongType, boolean, came, integer, number
from ._support.names import lookup, unknown_attribute
from .custom_activation import Custom
from .data.arrays import real_array

__all__ = [
    "Custom",
    "elu",
    "exponential",
    "gelu",
    "gelu_tanh",
    "get",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "leaky_relu",
    "linear",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "swish",
    "tanh",
]


Array = npt.NDArray[Any]
Function: TypeAlias = Callable[..., Array]
# What a layer takes as its activation.
Identifier: TypeAlias = "str | Function | Custom | tuple[Function, Function] | None"

# Klambauer et al. (2017): alpha and scale that keep mean 0 and variance 1.
_SELU = (1.6732632423543772, 1.0507009873554805)


def _native(name: str, *parameters: float) -> _core.ActivationFunction:
    return _core.ActivationFunction(name, parameters)


def _rectifier(slope: float, threshold: float, maximum: float | None) -> _core.ActivationFunction:
    return _native("rectifier", slope, threshold, math.inf if maximum is None else maximum)


NATIVE: dict[str, _core.ActivationFunction] = {
    "linear": _native("linear"),
    "relu": _native("relu"),
    "sigmoid": _native("sigmoid"),
    "tanh": _native("tanh"),
    "softmax": _native("softmax"),
    "log_softmax": _native("log_softmax"),
    "leaky_relu": _rectifier(0.2, 0.0, None),
    "relu6": _rectifier(0.0, 0.0, 6.0),
    "elu": _native("elu", 1.0),
    "selu": _native("selu", *_SELU),
    "gelu": _native("gelu"),
    "gelu_tanh": _native("gelu_tanh"),
    "silu": _native("silu"),
    "softplus": _native("softplus"),
    "softsign": _native("softsign"),
    "mish": _native("mish"),
    "hard_sigmoid": _native("hard_sigmoid"),
    "hard_silu": _native("hard_silu"),
    "exponential": _native("exponential"),
}
_ALIASES = {"swish": "silu", "hard_swish": "hard_silu"}


def rectifier(
    negative_slope: float, max_value: float | None, threshold: float
) -> _core.ActivationFunction:
    """The native function of `relu` with checked arguments."""
    slope = number(negative_slope, "negative_slope", at_least=0)
    most = None if max_value is None else number(max_value, "max_value", at_least=0)
    least = number(threshold, "threshold", at_least=0)
    if (slope, most, least) == (0.0, None, 0.0):
        return NATIVE["relu"]
    return _rectifier(slope, least, most)


def exponential_unit(alpha: float) -> _core.ActivationFunction:
    """The native function of `elu` with a checked argument."""
    return _native("elu", number(alpha, "alpha"))


def _applied(function: _core.ActivationFunction, x: Any) -> Array:
    array = real_array(x, "x")
    if array.dtype != np.float32:
        array = array.astype(np.float64, copy=False)
    return function(np.ascontiguousarray(array)).reshape(array.shape)


def _along(name: str, x: Any, axis: int) -> Array:
    array = real_array(x, "x")
    if array.ndim == 0:
        raise ValueError("x must have at least one axis; got a single number")
    axis = integer(axis, "axis", -array.ndim, array.ndim - 1)
    array = np.moveaxis(array, axis, -1)
    return np.moveaxis(_applied(NATIVE[name], array), -1, axis)


def linear(x: npt.ArrayLike) -> Array:
    """The identity: f(x) = x.

    Examples
    --------
    >>> linear([-1.0, 2.0]).tolist()
    [-1.0, 2.0]
    """
    return _applied(NATIVE["linear"], x)


def relu(
    x: npt.ArrayLike,
    negative_slope: float = 0.0,
    max_value: float | None = None,
    threshold: float = 0.0,
) -> Array:
    """The rectified linear unit: f(x) = max(x, 0), or with bends of your own.

    f(x) = min(x, max_value) where x > threshold, else negative_slope·(x - threshold). At a bend f′
    is that of the left side of `threshold`, and 0 at `max_value`. Source: Nair and Hinton (2010).

    Parameters
    ----------
    negative_slope : float, default 0.0
        At least 0.
    max_value : float, optional
        At least 0; without it f does not end.
    threshold : float, default 0.0
        At least 0.

    Raises
    ------
    TypeError, ValueError
        For a parameter that is no number, or negative.

    Examples
    --------
    >>> relu([-2.0, 0.5, 9.0], negative_slope=0.5, max_value=6).tolist()
    [-1.0, 0.5, 6.0]
    """
    return _applied(rectifier(negative_slope, max_value, threshold), x)


def leaky_relu(x: npt.ArrayLike, negative_slope: float = 0.2) -> Array:
    """A relu that leaks: f(x) = x where x > 0, else negative_slope·x.

    Source: Maas, Hannun and Ng (2013). As in Keras 3, the function and the name "leaky_relu" have
    a slope of 0.2, the layer `LeakyReLU` one of 0.3.

    Parameters
    ----------
    negative_slope : float, default 0.2
        At least 0.

    Examples
    --------
    >>> leaky_relu([-1.0, 2.0]).tolist()
    [-0.2, 2.0]
    """
    return relu(x, negative_slope)


def relu6(x: npt.ArrayLike) -> Array:
    """A relu that ends at 6: f(x) = min(max(x, 0), 6).

    Source: Krizhevsky (2010).

    Examples
    --------
    >>> relu6([-1.0, 2.0, 9.0]).tolist()
    [0.0, 2.0, 6.0]
    """
    return _applied(NATIVE["relu6"], x)


def elu(x: npt.ArrayLike, alpha: float = 1.0) -> Array:
    """The exponential linear unit: f(x) = x where x >= 0, else alpha·(eˣ - 1).

    Source: Clevert, Unterthiner and Hochreiter (2016).

    Parameters
    ----------
    alpha : float, default 1.0
        -alpha is the limit on the left.

    Examples
    --------
    >>> elu([-50.0, 2.0], alpha=0.5).tolist()
    [-0.5, 2.0]
    """
    return _applied(exponential_unit(alpha), x)


def selu(x: npt.ArrayLike) -> Array:
    """The scaled elu: f(x) = 1.0507…·elu(x, 1.6733…).

    The constants keep mean 0 and variance 1 from layer to layer (Klambauer et al., 2017), with
    weights from "lecun_normal".

    Examples
    --------
    >>> selu([-50.0, 0.0, 1.0]).round(4).tolist()
    [-1.7581, 0.0, 1.0507]
    """
    return _applied(NATIVE["selu"], x)


def gelu(x: npt.ArrayLike, approximate: bool = False) -> Array:
    """The Gaussian error linear unit: f(x) = x·Φ(x) = x·(1 + erf(x/√2)) / 2.

    Source: Hendrycks and Gimpel (2016).

    Parameters
    ----------
    approximate : bool, default False
        True is `gelu_tanh`, in layers "gelu_tanh".

    Examples
    --------
    >>> gelu([-1.0, 0.0, 1.0]).round(4).tolist()
    [-0.1587, 0.0, 0.8413]
    """
    return _applied(NATIVE["gelu_tanh" if boolean(approximate, "approximate") else "gelu"], x)


def gelu_tanh(x: npt.ArrayLike) -> Array:
    """The older approximation of gelu: f(x) = x·(1 + tanh(√(2/π)·(x + 0.044715·x³))) / 2.

    It differs from `gelu` by up to 0.0005 (Hendrycks and Gimpel, 2016).

    Examples
    --------
    >>> gelu_tanh([-1.0, 0.0, 1.0]).round(4).tolist()
    [-0.1588, 0.0, 0.8412]
    """
    return _applied(NATIVE["gelu_tanh"], x)


def silu(x: npt.ArrayLike) -> Array:
    """The sigmoid linear unit, also swish: f(x) = x·sigmoid(x).

    Source: Elfwing, Uchibe and Doya (2018); Ramachandran, Zoph and Le (2017).

    Examples
    --------
    >>> silu([-1.0, 0.0, 1.0]).round(4).tolist()
    [-0.2689, 0.0, 0.7311]
    """
    return _applied(NATIVE["silu"], x)


def softplus(x: npt.ArrayLike) -> Array:
    """A smooth relu: f(x) = log(1 + eˣ), whose slope is sigmoid(x).

    Source: Dugas et al. (2001).

    Examples
    --------
    >>> softplus([-1000.0, 0.0, 1000.0]).round(4).tolist()
    [0.0, 0.6931, 1000.0]
    """
    return _applied(NATIVE["softplus"], x)


def softsign(x: npt.ArrayLike) -> Array:
    """A slower tanh: f(x) = x / (1 + |x|).

    Source: Bergstra et al. (2009).

    Examples
    --------
    >>> softsign([-1.0, 0.0, 3.0]).tolist()
    [-0.5, 0.0, 0.75]
    """
    return _applied(NATIVE["softsign"], x)


def mish(x: npt.ArrayLike) -> Array:
    """f(x) = x·tanh(softplus(x)).

    Source: Misra (2019).

    Examples
    --------
    >>> mish([-1.0, 0.0, 1.0]).round(4).tolist()
    [-0.3034, 0.0, 0.8651]
    """
    return _applied(NATIVE["mish"], x)


def sigmoid(x: npt.ArrayLike) -> Array:
    """The logistic function: f(x) = 1 / (1 + e⁻ˣ).

    Examples
    --------
    >>> sigmoid([0.0, 1000.0]).tolist()
    [0.5, 1.0]
    """
    return _applied(NATIVE["sigmoid"], x)


def hard_sigmoid(x: npt.ArrayLike) -> Array:
    """A sigmoid of three lines: f(x) = relu6(x + 3) / 6.

    Source: Courbariaux, Bengio and David (2015), with the slope of Keras 3.

    Examples
    --------
    >>> hard_sigmoid([-4.0, 0.0, 1.5, 4.0]).tolist()
    [0.0, 0.5, 0.75, 1.0]
    """
    return _applied(NATIVE["hard_sigmoid"], x)


def hard_silu(x: npt.ArrayLike) -> Array:
    """f(x) = x·hard_sigmoid(x), also hard_swish.

    Source: Howard et al. (2019).

    Examples
    --------
    >>> hard_silu([-4.0, -1.5, 4.0]).tolist()
    [-0.0, -0.375, 4.0]
    """
    return _applied(NATIVE["hard_silu"], x)


def tanh(x: npt.ArrayLike) -> Array:
    """The hyperbolic tangent: f(x) = (eˣ - e⁻ˣ) / (eˣ + e⁻ˣ).

    Examples
    --------
    >>> tanh([0.0, 1000.0]).tolist()
    [0.0, 1.0]
    """
    return _applied(NATIVE["tanh"], x)


def exponential(x: npt.ArrayLike) -> Array:
    """f(x) = eˣ.

    Examples
    --------
    >>> exponential([-1000.0, 0.0]).tolist()
    [0.0, 1.0]
    """
    return _applied(NATIVE["exponential"], x)


def softmax(x: npt.ArrayLike, axis: int = -1) -> Array:
    """Positive numbers with sum 1: f(x)ᵢ = eˣⁱ / Σⱼ eˣʲ.

    Parameters
    ----------
    axis : int, default -1
        Along which j runs.

    Examples
    --------
    >>> softmax([[7.0, 7.0]]).tolist()
    [[0.5, 0.5]]
    """
    return _along("softmax", x, axis)


def log_softmax(x: npt.ArrayLike, axis: int = -1) -> Array:
    """The logarithm of softmax: f(x)ᵢ = xᵢ - log Σⱼ eˣʲ, finite where softmax is 0.

    Parameters
    ----------
    axis : int, default -1
        Along which j runs.

    Examples
    --------
    >>> log_softmax([[0.0, -1000.0]]).tolist()
    [[0.0, -1000.0]]
    """
    return _along("log_softmax", x, axis)


swish, hard_swish = silu, hard_silu
_FUNCTIONS: dict[str, Function] = {name: globals()[name] for name in NATIVE}
_NAMES = {function: name for name, function in _FUNCTIONS.items()}


def get(identifier: Identifier) -> Function | Custom:
    """The function behind a name, a pair ``(f, f_prime)``, a function of this module, or None.

    Parameters
    ----------
    identifier : str, callable, pair or None
        None is `linear`.

    Raises
    ------
    TypeError, ValueError
        As the layers do.

    Examples
    --------
    >>> get("swish") is silu
    True
    """
    found = named(identifier, "identifier")
    return found if isinstance(found, Custom) else _FUNCTIONS[found]


def named(value: Any, argument: str = "activation") -> str | Custom:
    """What a layer keeps of its activation: a name, or a `Custom`."""
    if value is None:
        return "linear"
    if isinstance(value, str):
        return lookup({name: name for name in NATIVE}, value, argument, _ALIASES)
    if isinstance(value, Custom):
        return value
    if isinstance(value, (tuple, list)) and len(value) == 2:
        return Custom(*value)
    if callable(value) and value in _NAMES:
        return _NAMES[value]
    hint = ""
    if hasattr(value, "describe"):
        hint = "; a layer stands by itself, behind this one"
    elif callable(value):
        hint = "; a function of your own comes with its derivative, as (f, f_prime)"
    raise WrongType(
        f"{argument} must be a name (known: {', '.join(sorted(NATIVE))}), a function of "
        f"md.activations or a pair of functions; {came(value)}"
        f"{hint}"
    )


def native(value: str | Custom) -> _core.ActivationFunction:
    """What the core computes for what `named` returned."""
    return value.native() if isinstance(value, Custom) else NATIVE[value]


if not TYPE_CHECKING:  # else type checkers would believe in any name

    def __getattr__(name: str) -> object:
        raise unknown_attribute("mundur.activations", name, __all__)

    def __dir__() -> list[str]:
        return sorted(__all__)
