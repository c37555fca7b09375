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

from typing import TYPE_CHECKING

from .._support.names import unknown_attribute
from .custom import Custom
from .functions import (
    elu,
    exponential,
    gelu,
    gelu_tanh,
    get,
    hard_sigmoid,
    hard_silu,
    hard_swish,
    leaky_relu,
    linear,
    log_softmax,
    mish,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    softmax,
    softplus,
    softsign,
    swish,
    tanh,
)

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


if not TYPE_CHECKING:  # else type checkers would believe in any name

    def __getattr__(name: str) -> object:
        raise unknown_attribute("mundur.activations", name, __all__)
