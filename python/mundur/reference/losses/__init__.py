"""Losses: how wrong the outputs are, L, and in which direction, ∂L/∂y."""

from .base import Loss, as_rows, as_weights, clip, is_clipped
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
    log_softmax,
    one_hot,
    smoothed,
)
from .of_batches import Circle, Dice, Tversky
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
        *(Hinge, SquaredHinge, CategoricalHinge, CosineSimilarity, Tversky, Dice),
        Circle,
    )
}
"""The losses by the names of their classes, which are those of their native twins."""
