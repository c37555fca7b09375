"""What the perceptrons make small: scikit-learn's losses, told to the core in its own measure."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .. import losses

__all__ = ["Objective", "PoissonDeviance", "objective_of"]

Array = npt.NDArray[Any]


class PoissonDeviance(losses.Loss):
    """Half of Poisson's deviance, from the logarithm of the mean that is predicted.

    L = Σᵢⱼ (yᵢⱼ log(yᵢⱼ / pᵢⱼ) - yᵢⱼ + pᵢⱼ) / n with p = eᶻ; ∂L/∂z = (p - y) / n, which a loss that
    is told p has no digits left for where p is small.
    """

    from_logits = True

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
        """The mean over samples of what their outputs sum up to."""
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            own = np.where(y_true > 0, y_true * (np.log(np.maximum(y_true, 1e-300)) - y_pred), 0.0)
            rows = (own - y_true + np.exp(y_pred)).sum(axis=1)
        return float(np.average(rows, weights=sample_weight))

    def gradient(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Array:
        """∂L/∂z."""
        with np.errstate(over="ignore"):
            delta = np.exp(y_pred) - y_true
        if sample_weight is None:
            return np.asarray(delta / len(y_pred), y_pred.dtype)
        share = np.asarray(sample_weight) / np.sum(sample_weight)
        return np.asarray(delta * share[:, None], y_pred.dtype)


class Objective(NamedTuple):
    """A loss of the core, and what lies between it and scikit-learn's.

    Its gradient is `scale` times the core's loss's; the number it reports `reported` times. For
    several targets the two differ: the squared error is reported as a mean over them, and
    descended as their sum.
    """

    loss: losses.Loss
    scale: float
    reported: float
    activation: str  # behind the network's outputs, as `out_activation_` calls it


def objective_of(kind: str, outputs: int) -> Objective:
    """That of a kind of classification, or of the name of a regressor's loss."""
    if kind == "multiclass":
        loss = losses.SparseCategoricalCrossentropy(from_logits=True)
        return Objective(loss, 1.0, 1.0, "softmax")
    if kind in ("binary", "multilabel"):
        yes_or_no = losses.BinaryCrossentropy(from_logits=True)
        return Objective(yes_or_no, float(outputs), float(outputs), "logistic")
    if kind == "poisson":
        return Objective(PoissonDeviance(), 1.0, 1.0, "exp")
    return Objective(losses.MeanSquaredError(), outputs / 2, 0.5, "identity")
