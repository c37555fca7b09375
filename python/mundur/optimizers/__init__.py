"""The optimizers: how a gradient changes the parameters.

w are the parameters, g = ∂L/∂w, η the learning rate. Formulas and first states are PyTorch's,
under Keras's argument names. Hyper-parameters may be set at any time, between batches too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import schedules
from .._support.checks import WrongType, shown
from .._support.config import instance
from .._support.names import unknown_attribute
from .adam import Adam, Adamax, AdamW, Nadam
from .adaptive import Adadelta, Adafactor, Adagrad, Ftrl, Lion, RMSprop
from .base import Optimizer
from .sgd import SGD

__all__ = [
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lion",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "get",
    "schedules",
]

KNOWN: dict[str, type[Optimizer]] = {
    cls.__name__.lower(): cls
    for cls in (
        *(SGD, RMSprop, Adam, AdamW, Nadam, Adamax, Adagrad, Adadelta),
        *(Lion, Ftrl, Adafactor),
    )
}
CLASS_NAMES: dict[str, type[Optimizer]] = {cls.__name__: cls for cls in KNOWN.values()}


def get(identifier: Any) -> Optimizer:
    """The optimizer of a name ("adam", ...), a class, an instance or a dict.

    A dict is ``{"class_name": ..., "config": {...}}``, as Keras writes one.

    Raises
    ------
    ValueError
        For an unknown name; it lists the known ones.
    TypeError
        For anything else.

    Examples
    --------
    >>> import mundur as md
    >>> md.optimizers.get("adam")
    Adam()
    """
    found = instance(Optimizer, identifier, KNOWN, "optimizer", CLASS_NAMES)
    if found is not None:
        return found
    raise WrongType(f"optimizer must be a name or an Optimizer; got {shown(identifier)}")


if not TYPE_CHECKING:  # else type checkers would believe in any name

    def __getattr__(name: str) -> object:
        raise unknown_attribute("mundur.optimizers", name, __all__)

    def __dir__() -> list[str]:
        return sorted(__all__)
