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

from .crossentropies import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    KLDivergence,
    SparseCategoricalCrossentropy,
    log_softmax,
    one_hot,
    smoothed,
)
from .element_losses import (
    Hinge,
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredLogarithmicError,
    Poisson,
    SquaredHinge,
)
from .focal_losses import BinaryFocalCrossentropy, CategoricalFocalCrossentropy
from .lists import Vector
from .loss import Loss, as_rows, as_weights, clip, is_clipped

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


class MeanSquaredError(Loss):
    """ℓ = 1/m Σ_j (y_j − t_j)², for numbers.

    With two outputs and one sample it is the Σ ½ (t − o)² of many course notes.

    Examples
    --------
    >>> loss = MeanSquaredError()
    >>> loss([[1.0, 2.0]], [[1.0, 5.0]])
    4.5
    >>> loss.gradient([[1.0, 2.0]], [[1.0, 5.0]])
    [[0.0, 3.0]]
    """

    def sample_loss(self, t: Vector, y: Vector) -> float:
        """Return the mean of squared errors."""
        # ℓ = 1/m Σ_j (y_j − t_j)²
        return sum((y_j - t_j) * (y_j - t_j) for t_j, y_j in zip(t, y, strict=True)) / len(y)

    def sample_gradient(self, t: Vector, y: Vector) -> Vector:
        """Return twice the errors, over m."""
        # ∂ℓ/∂y_j = 2/m (y_j − t_j)
        return [2 * (y_j - t_j) / len(y) for t_j, y_j in zip(t, y, strict=True)]
