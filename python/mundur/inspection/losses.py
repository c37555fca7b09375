"""Losses as LaTeX, and the numbers that make one of them and its slope."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from . import losses_of_batches, losses_of_classes, losses_of_values
from .loss_terms import LEAST, Batch, LossLine
from .passes import Passes

__all__ = ["LOSSES", "LossFormula", "formula_of", "loss_formula"]

Array = npt.NDArray[Any]

LOSSES = losses_of_values.LOSSES | losses_of_classes.LOSSES | losses_of_batches.LOSSES
MOST_CLASSES = 4096  # of labels that become rows


@dataclass(frozen=True)
class LossFormula:
    """L over one output layer.

    Attributes
    ----------
    formulas : tuple of str
        L, and what stands in it.
    slope : str
        ∂L/∂a_j.
    lines : tuple of LossLine
        With numbers; the last is L. None for many outputs, and where these do not make L.
    slope_numbers : str or None
        ∂L/∂a_j with places for `numbers`, for a and what is in `known`.
    known : dict of str to ndarray
        Of the outputs' shape: y, the targets as the formula has them; p, probabilities of logits.
    numbers : dict of str to float
        n, what the mean is over, and the loss's own.
    """

    formulas: tuple[str, ...]
    slope: str
    lines: tuple[LossLine, ...] = ()
    slope_numbers: str | None = None
    known: dict[str, Array] = field(default_factory=dict)
    numbers: dict[str, float] = field(default_factory=dict)


def formula_of(explanation: Passes) -> LossFormula | None:
    """What is known of an explanation's loss, if it has one output."""
    e = explanation
    if e.again is None or len(e.outputs) != 1 or isinstance(e.y, tuple):
        return None
    return loss_formula(e.again.loss, e.y, e.y_pred, e[e.outputs[0]].da, e.loss)


def loss_formula(
    loss: Any, y: Any, y_pred: Any, gradient: Array, value: float
) -> LossFormula | None:
    """What is known of a loss; its numbers only where they give that gradient and that value.

    Parameters
    ----------
    loss : Loss
    y, y_pred, gradient : ndarray
        Targets, predictions and ∂L/∂predictions of the whole batch, samples first.
    value : float
        L.
    """
    kind = type(loss).__name__
    make = LOSSES.get(kind)
    if make is None or type(loss).__module__.partition(".")[0] != "mundur":
        return None
    written = make(loss)
    general = LossFormula(written.formulas, written.slope)
    if not isinstance(y_pred, np.ndarray) or y_pred.ndim < 2:
        return general
    # Each place of a sequence counts as a sample.
    a = y_pred.astype(np.float64).reshape(-1, y_pred.shape[-1])
    targets = _targets(loss, kind, y, a)
    if targets is None:
        return general
    with np.errstate(all="ignore"):
        made = written.numbers(Batch(loss, targets, a))
        # Weights, ignored classes, clipped probabilities: then the formulas alone are right.
        slopes = gradient.reshape(a.shape)
        if not np.allclose(made.slopes, slopes, rtol=1e-4, atol=1e-6):
            return general
        if not np.isclose(made.total, value, rtol=1e-4, atol=1e-6):
            return general
    lines = made.lines
    if lines:
        lines = [*lines[:-1], lines[-1]._replace(value=value)]
    whole = {
        name: np.array(np.broadcast_to(v, a.shape)).reshape(y_pred.shape)
        for name, v in made.known.items()
    }
    return LossFormula(
        written.formulas, written.slope, tuple(lines), made.slope or None, whole, made.numbers
    )


def _targets(loss: Any, kind: str, y: Any, a: Array) -> Array | None:
    """Targets as the formula has them."""
    if kind.startswith("Sparse"):
        if a.shape[1] > MOST_CLASSES:
            return None
        rows = np.zeros_like(a)
        rows[np.arange(len(a)), np.asarray(y).reshape(-1).astype(int)] = 1
        return rows
    if kind == "Circle":
        return np.asarray(y, np.float64).reshape(-1, 1)
    targets = np.asarray(y, np.float64).reshape(a.shape)
    smoothing = float(getattr(loss, "label_smoothing", 0.0))
    if smoothing:
        targets = targets * (1 - smoothing)
        targets = targets + smoothing / (2 if kind.startswith("Binary") else a.shape[1])
    if "Hinge" in kind and kind != "CategoricalHinge":
        return np.where(targets == 0, -1.0, targets)
    if kind == "KLDivergence":
        return np.clip(targets, LEAST, 1)
    return targets
