"""Losses as LaTeX, and the numbers that make one of them and its slope."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..data.dataset import Objective
from . import losses_of_batches, losses_of_classes, losses_of_values
from .arguments import Total
from .formulas import tex
from .loss_terms import LEAST, Batch, LossLine, Piece, summed
from .passes import Passes

__all__ = ["LOSSES", "LossFormula", "LossSum", "formulas_of", "loss_formula", "sum_of"]

Array = npt.NDArray[Any]

LOSSES = losses_of_values.LOSSES | losses_of_classes.LOSSES | losses_of_batches.LOSSES
MOST_CLASSES = 4096  # of labels that become rows


@dataclass(frozen=True)
class LossFormula:
    """The loss of one output.

    Attributes
    ----------
    kind : str
        What it is called.
    value : float
        What it comes to, without its weight.
    symbol : str
        "L"; of several that add up to L, "L_1", "L_2", ...
    weight : float
        Its factor in that sum, and of its slopes.
    formulas : tuple of str
        The loss, and what stands in it; none where that is not known.
    slope : str
        ∂L/∂a_j.
    lines : tuple of LossLine
        With numbers; the last is the loss. None for many outputs, and where these do not make it.
    slope_numbers : str or None
        ∂L/∂a_j with places for `numbers`, for a and what is in `known`.
    known : dict of str to ndarray
        Of the outputs' shape: y, the targets as the formula has them; p, probabilities of logits.
    numbers : dict of str to float
        n, what the mean is over, the weight, and the loss's own.
    """

    kind: str
    value: float
    symbol: str = "L"
    weight: float = 1.0
    formulas: tuple[str, ...] = ()
    slope: str = ""
    lines: tuple[LossLine, ...] = ()
    slope_numbers: str | None = None
    known: dict[str, Array] = field(default_factory=dict)
    numbers: dict[str, float] = field(default_factory=dict)


class LossSum(NamedTuple):
    """L of several losses: in symbols, and with numbers."""

    formula: str
    line: LossLine


def formulas_of(explanation: Passes) -> tuple[LossFormula | None, ...]:
    """What is known of the loss of each output; None where it has none, or none that was kept."""
    e = explanation
    loss = None if e.again is None else e.again.loss
    if loss is None or len(e.losses) != len(e.outputs):
        return (None,) * len(e.outputs)
    asked = loss.asked if isinstance(loss, Total) else (Objective(loss),)
    parts = (v if isinstance(v, tuple) else (v,) for v in (e.y, e.y_pred))
    each = list(zip(asked, e.losses, _symbols(asked), e.outputs, *parts, strict=True))
    return tuple(
        None
        if value is None
        else loss_formula(
            LossFormula(_title(one.loss), value, symbol, one.weight),
            one.loss,
            y,
            y_pred,
            # What comes back to one that counts twice is not this loss's.
            e.sent_to(name) if e.outputs.count(name) == 1 else None,
        )
        for one, value, symbol, name, y, y_pred in each
    )


def sum_of(explanation: Passes, formulas: Sequence[LossFormula | None]) -> LossSum | None:
    """How losses make L; None where one is all of it."""
    known = [one for one in formulas if one is not None]
    value = explanation.loss
    if any(one.symbol == "L" for one in known):
        return None
    total = sum(one.weight * one.value for one in known)
    if not known or not np.isclose(total, value, rtol=1e-6, atol=0):
        return LossSum("", LossLine("L", (), value))
    signs, numbers = [], []
    for k, one in enumerate(known):
        signs.append(Piece(_weighed(one.weight, tex(one.weight), one.symbol), {}))
        of = {f"l_{k}": one.value, f"w_{k}": one.weight}
        numbers.append(Piece(_weighed(one.weight, f"<w_{k}>", f"<l_{k}>"), of))
    formula = " ".join(text for text, _ in summed(signs))
    return LossSum(f"L {formula}", LossLine("L", summed(numbers), value))


def _title(loss: Any) -> str:
    return str(getattr(loss, "title", type(loss).__name__))


def _symbols(asked: Sequence[Objective]) -> Iterator[str]:
    """What each is called: L where it is the only one and has no weight, else L_1, L_2, ..."""
    with_loss = [one for one in asked if one.loss is not None]
    is_alone = len(with_loss) == 1 and with_loss[0].weight == 1
    number = 0
    for one in asked:
        number += one.loss is not None
        yield "L" if is_alone else f"L_{{{number}}}"


def _weighed(weight: float, told: str, formula: str) -> str:
    """A formula times its weight, as the weight is told."""
    if weight == 1:
        return formula
    alone, inner = "", formula
    while alone != inner:  # what no brackets hold
        alone, inner = inner, re.sub(r"\([^()]*\)|\{[^{}]*\}|\[[^][]*\]", "", inner)
    is_sum = re.search(r"^-| [+-] ", alone)
    return rf"{told} \cdot ({formula})" if is_sum else rf"{told} \cdot {formula}"


def loss_formula(
    of: LossFormula, loss: Any, y: Any, y_pred: Any, gradient: Array | None
) -> LossFormula:
    """What is known of a loss; its numbers only where they give that gradient and its value.

    Parameters
    ----------
    of : LossFormula
        Its value, symbol and weight.
    loss : Loss
    y, y_pred, gradient : ndarray
        Targets, predictions and ∂L/∂predictions of the whole batch, samples first; no gradient
        where there is none of this loss alone.
    """
    kind = type(loss).__name__
    make = LOSSES.get(kind)
    if make is None or type(loss).__module__.partition(".")[0] != "mundur":
        return of
    written = make(loss)
    first, *rest = written.formulas
    general = replace(of, formulas=(f"{of.symbol}{first.removeprefix('L')}", *rest))
    if gradient is None:
        return general
    general = replace(general, slope=_weighed(of.weight, tex(of.weight), written.slope))
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
        slopes, scale = gradient.reshape(a.shape), abs(of.weight)
        if not np.allclose(of.weight * made.slopes, slopes, rtol=1e-4, atol=1e-6 * scale):
            return general
        if not np.isclose(made.total, of.value, rtol=1e-4, atol=1e-6):
            return general
    lines = made.lines
    if lines:
        lines = [*lines[:-1], lines[-1]._replace(left=of.symbol, value=of.value)]
    whole = {
        name: np.array(np.broadcast_to(v, a.shape)).reshape(y_pred.shape)
        for name, v in made.known.items()
    }
    return replace(
        general,
        lines=tuple(lines),
        slope_numbers=_weighed(of.weight, "<weight>", made.slope) if made.slope else None,
        known=whole,
        numbers=made.numbers | ({} if of.weight == 1 else {"weight": of.weight}),
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
