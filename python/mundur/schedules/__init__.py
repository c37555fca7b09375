"""Learning rates that follow the count of updates: ``Adam(learning_rate=schedule)``.

t is the number of updates done before the step, η(t) its rate. Formulas and names are Keras's, or
as each class says; the rates have the same bits on every machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._support.checks import is_function
from .._support.names import unknown_attribute
from .base import BuiltIn, LearningRateSchedule
from .cosine import CosineDecay, CosineDecayRestarts
from .decays import (
    ExponentialDecay,
    InverseTimeDecay,
    OneCycle,
    PiecewiseConstantDecay,
    PolynomialDecay,
    WarmUp,
)

__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "OneCycle",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "WarmUp",
]

KNOWN: dict[str, type[BuiltIn]] = {
    cls.__name__: cls
    for cls in (
        PiecewiseConstantDecay,
        ExponentialDecay,
        InverseTimeDecay,
        PolynomialDecay,
        CosineDecay,
        CosineDecayRestarts,
        OneCycle,
        WarmUp,
    )
}


def describe(value: Any) -> Any:
    """A rate or an argument of a schedule as data for JSON."""
    if isinstance(value, BuiltIn):
        config = {key: describe(part) for key, part in value.get_config().items()}
        return {"class": type(value).__name__, "config": config}
    if is_function(value):
        raise ValueError(
            f"the learning rate {value!r} is of a kind that files cannot name yet; those of "
            "mundur.schedules can be saved"
        )
    return value


def restore(value: Any) -> Any:
    """What `describe` made data of."""
    if not isinstance(value, dict):
        return value
    config = {key: restore(part) for key, part in value["config"].items()}
    return KNOWN[value["class"]].from_config(config)


if not TYPE_CHECKING:  # else type checkers would believe in any name

    def __getattr__(name: str) -> object:
        raise unknown_attribute("mundur.schedules", name, __all__)

    def __dir__() -> list[str]:
        return sorted(__all__)
