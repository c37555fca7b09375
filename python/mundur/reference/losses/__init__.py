"""Losses: how wrong the outputs are, L, and in which direction, ∂L/∂y."""

from .base import Loss, as_rows, as_weights, clip, is_clipped
from .classification import (
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    Hinge,
    KLDivergence,
    SparseCategoricalCrossentropy,
    SquaredHinge,
    log_softmax,
    one_hot,
    smoothed,
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
    "as_rows",
    "as_weights",
    "clip",
    "is_clipped",
    "log_softmax",
    "one_hot",
    "smoothed",
]

CLASS_NAMES: dict[str, type[Loss]] = {
    cls.__name__: cls
    for cls in (
        *(MeanSquaredError, MeanAbsoluteError, MeanAbsolutePercentageError),
        *(MeanSquaredLogarithmicError, Huber, LogCosh, Poisson),
        *(BinaryCrossentropy, CategoricalCrossentropy, SparseCategoricalCrossentropy),
        *(BinaryFocalCrossentropy, CategoricalFocalCrossentropy, KLDivergence),
        *(Hinge, SquaredHinge),
    )
}
"""The losses by the names of their classes, which are those of their native twins."""
