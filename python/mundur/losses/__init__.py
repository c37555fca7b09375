"""The losses: what training makes small, and its derivative.

Every loss is called as ``loss(y_true, y_pred)`` and differentiated with
``loss.gradient(y_true, y_pred)``, with or without a model. float32 predictions are computed in
float32, everything else in float64. Below, n is the number of samples, m of outputs.

``reduction`` says how the losses of the samples become one: "sum_over_batch_size", the default, is
their mean (with weights, over the sum of the weights), "sum" their sum, and None or "none" leaves
one number per sample, times its weight. What a sample's loss is stands in each formula: the mean
over outputs where that divides by n·m, the sum where it divides by n. `fit` needs a number, so it
takes the first two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._support.checks import is_function, shown
from .._support.names import lookup, unknown_attribute
from .base import Loss
from .classification import (
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    Hinge,
    KLDivergence,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)
from .regression import (
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
)

__all__ = [
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "get",
]

_CLASSES: tuple[type[Loss], ...] = (
    MeanSquaredError,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredLogarithmicError,
    Huber,
    LogCosh,
    Poisson,
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalFocalCrossentropy,
    KLDivergence,
    Hinge,
    SquaredHinge,
)
KNOWN: dict[str, type[Loss]] = {cls.kind: cls for cls in _CLASSES}
CLASS_NAMES: dict[str, type[Loss]] = {cls.__name__: cls for cls in _CLASSES}
_KERAS_SHORT: dict[str, type[Loss]] = {
    "mse": MeanSquaredError,
    "mae": MeanAbsoluteError,
    "mape": MeanAbsolutePercentageError,
    "msle": MeanSquaredLogarithmicError,
    "bce": BinaryCrossentropy,
    "kld": KLDivergence,
}
_SHORT: dict[str, type[Loss]] = {
    **_KERAS_SHORT,
    **{name.upper(): cls for name, cls in _KERAS_SHORT.items()},
    "logcosh": LogCosh,
    "kullback_leibler_divergence": KLDivergence,
}


def get(identifier: Any) -> Loss:
    """The loss of a name ("mse", "binary_crossentropy", ...), a class or an instance.

    Raises
    ------
    ValueError
        For an unknown name; it lists the known ones.
    TypeError
        For anything else.

    Examples
    --------
    >>> import mundur as md
    >>> md.losses.get("mse")
    MeanSquaredError()
    """
    if isinstance(identifier, Loss):
        return identifier
    if isinstance(identifier, type) and issubclass(identifier, Loss):
        return identifier()
    if isinstance(identifier, str):
        return lookup(KNOWN, identifier, "loss", CLASS_NAMES | _SHORT)()
    hint = ""
    if is_function(identifier):
        hint = "; for your own write a class, class Mine(md.Loss), with __call__ and gradient"
    raise TypeError(f"loss must be a name or a Loss; got {shown(identifier)}{hint}")


if not TYPE_CHECKING:  # else type checkers would believe in any name

    def __getattr__(name: str) -> object:
        raise unknown_attribute("mundur.losses", name, __all__)

    def __dir__() -> list[str]:
        return sorted(__all__)
