"""Losses: how wrong the outputs are, L, and in which direction, ∂L/∂y.

`loss(y_true, y_pred)` is L, `loss.gradient(y_true, y_pred)` is ∂L/∂y_pred. Every loss here is a
mean over samples, weighted if weights w_n are given:

    L = Σ_n w_n ℓ_n / Σ_n w_n        ∂L/∂y_nj = w_n / Σ_n w_n · ∂ℓ_n/∂y_nj

so a class below says only what ℓ, the loss of one sample, is. Where ℓ is itself a mean over the m
outputs of a sample, L is the mean over every element. If the weights sum to zero, there is nothing
to learn from: loss and gradient are zero.

Losses "from logits" take the scores z from before the sigmoid or softmax. That is more than a
convenience: the logarithm and the exponential cancel on paper, so no rounding can make log 0 of
them, and the gradient becomes "prediction minus target".

Below stands the squared error. `element_losses` has the other losses for numbers, `crossentropies`
and `focal_losses` those for classes; `loss` is what all of them share.
"""

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
