"""The losses: what training makes small, and its derivative.

Every loss is called as ``loss(y_true, y_pred)`` and differentiated with
``loss.gradient(y_true, y_pred)``, with or without a model. float32 predictions are computed in
float32, everything else in float64. Below, n is the number of samples, m of outputs.

``reduction`` says how the losses of the samples become one: "sum_over_batch_size", the default, is
their mean (with weights, over the sum of the weights), and so are Keras's other names for it,
"mean" and "mean_with_sample_weight"; "sum" is their sum, and None or "none" leaves one number for
each place of the last axis, times its weight, as the functions do that have the losses' names in
small letters. What such a number is stands in each formula: the mean over outputs where that
divides by n·m, the sum where it divides by n. `fit` needs a number, so it takes no None.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._support.checks import WrongType, is_function, shown
from .._support.config import instance
from .._support.names import unknown_attribute
from .base import Loss
from .classification import (
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalHinge,
    Hinge,
    KLDivergence,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)
from .custom import Custom
from .functions import (
    FUNCTIONS,
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    categorical_hinge,
    cosine_similarity,
    dice,
    hinge,
    huber,
    kl_divergence,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    sparse_categorical_crossentropy,
    squared_hinge,
    tversky,
)
from .of_batches import Circle, Dice, Tversky, circle
from .regression import (
    CosineSimilarity,
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
    "CategoricalHinge",
    "Circle",
    "CosineSimilarity",
    "Custom",
    "Dice",
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
    "Tversky",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_hinge",
    "circle",
    "cosine_similarity",
    "dice",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "sparse_categorical_crossentropy",
    "squared_hinge",
    "tversky",
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
    CategoricalHinge,
    CosineSimilarity,
    Tversky,
    Dice,
    Circle,
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
    """The loss of a name ("mse", ...), a class, an instance, a function of ours or a dict.

    A pair (f, gradient) of functions of your own is a `Custom`. A dict is
    ``{"class_name": ..., "config": {...}}``, as Keras writes one.

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
    found = instance(Loss, identifier, KNOWN, "loss", CLASS_NAMES | _SHORT)
    if found is not None:
        return found
    hint = ""
    if isinstance(identifier, tuple) and len(identifier) == 2 and all(map(callable, identifier)):
        return Custom(*identifier)
    if is_function(identifier):
        if identifier in FUNCTIONS:
            return FUNCTIONS[identifier]()
        hint = (
            "; of your own it takes its derivative, too: loss=(f, gradient), both functions of "
            "(y_true, y_pred), or a class, class Mine(md.Loss), with call and gradient"
        )
    raise WrongType(f"loss must be a name or a Loss; got {shown(identifier)}{hint}")


if not TYPE_CHECKING:  # else type checkers would believe in any name

    def __getattr__(name: str) -> object:
        raise unknown_attribute("mundur.losses", name, __all__)

    def __dir__() -> list[str]:
        return sorted(__all__)
