"""Initializers: the first values of parameters, before any learning.

Weights start at random so that the units of a layer differ; their scale is chosen so that the
size of activations (forward) and of δ (backward) neither grows nor fades from layer to layer.
The numbers drawn are not those of the native code: to compare the two, copy the weights.
"""

from collections.abc import Callable
from typing import TypeAlias

from ..._support.names import lookup
from ..lists import Tensor
from .base import Array, Initializer
from .basic import (
    Constant,
    Identity,
    Ones,
    Orthogonal,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    Zeros,
)
from .variance_scaling import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    VarianceScaling,
)

__all__ = [
    "Array",
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "get",
]

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


def get(identifier: Identifier, argument: str = "initializer") -> Initializer:
    """Find the initializer behind a name, or the one that gives these nested lists.

    Raises
    ------
    ValueError
        For an unknown name, with the list of known ones.

    Examples
    --------
    >>> from random import Random
    >>> get("zeros")((3,), Random(0))
    [0.0, 0.0, 0.0]
    """
    if isinstance(identifier, Initializer):
        return identifier
    if isinstance(identifier, str):
        return lookup(KNOWN, identifier, argument)()
    return Array(identifier)
