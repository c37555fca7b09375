"""First values of parameters.

Random values come from the package's own counter-based generator, so a seeded model starts with the
same bits on every machine. The key is the initializer's seed, or else the model's; the stream is
fixed by the parameter's position in the model (see `stream_of` in ``initializers/base.py``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._support.checks import WrongType, came, is_function
from .._support.config import instance
from .._support.names import unknown_attribute
from .base import ArrayInitializer, FunctionInitializer, Initializer
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

KNOWN: dict[str, type[Initializer]] = {
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
_CLASS_NAMES = {cls.__name__: cls for cls in KNOWN.values()}
# Keras's short names.
_ALIASES = {"uniform": RandomUniform, "normal": RandomNormal, "zero": Zeros, "one": Ones}


def get(identifier: Any, argument: str = "initializer") -> Initializer:
    """The initializer of a name, a class, an instance, a function, an array or a dict.

    Parameters
    ----------
    identifier : str, Initializer, function, array, nested list or dict
        For example ``"he_normal"``, ``HeNormal(seed=1)`` or an array of the parameter's shape. A
        function is called once, as ``function(shape, dtype="float32")``, for an array. A dict is
        ``{"class_name": ..., "config": {...}}``, as Keras writes one.
    argument : str, optional
        The name that an error mentions.

    Raises
    ------
    ValueError
        For an unknown name; it lists the known ones.
    TypeError
        For anything else.

    Examples
    --------
    >>> import mundur as md
    >>> md.initializers.get("he_normal")
    HeNormal()
    """
    found = instance(Initializer, identifier, KNOWN, argument, _CLASS_NAMES | _ALIASES)
    if found is not None:
        return found
    if isinstance(identifier, (list, tuple)) or hasattr(identifier, "__array__"):
        try:
            return ArrayInitializer(identifier)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{argument}: {error}") from None
    if is_function(identifier) and not isinstance(identifier, type):
        return FunctionInitializer(identifier)
    raise WrongType(
        f"{argument} must be a name, an Initializer, a function or an array; {came(identifier)}"
    )


def as_argument(initializer: Initializer, default: Any = None) -> Any:
    """The shortest thing to write in a call: a name where no argument differs from its default.

    Of two names that mean the same, `default`.
    """
    if isinstance(default, str) and repr(get(default)) == repr(initializer):
        return default
    for name, cls in KNOWN.items():
        if type(initializer) is cls and repr(initializer) == f"{cls.__name__}()":
            return name
    return initializer


if not TYPE_CHECKING:  # else type checkers would believe in any name

    def __getattr__(name: str) -> object:
        raise unknown_attribute("mundur.initializers", name, __all__)

    def __dir__() -> list[str]:
        return sorted(__all__)
