"""What losses as formulas are made of: equations with places for numbers; see formulas.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["LEAST", "Batch", "LossLine", "Numbers", "Piece", "Written", "summed"]

Array = npt.NDArray[Any]

MOST_TERMS = 32  # outputs of a batch whose terms are written out
LEAST = 1e-7  # what losses raise numbers to, or add


class Piece(NamedTuple):
    """A piece of an equation, between which and the next a line may break."""

    text: str
    of: dict[str, float]


class LossLine(NamedTuple):
    """An equation: what stands before "=", what is put in, and what it comes to."""

    left: str
    pieces: tuple[Piece, ...]
    value: float


class Numbers(NamedTuple):
    """What a loss comes to, and its slopes, by what goes into their formulas."""

    slope: str
    slopes: Array
    known: dict[str, Array]
    numbers: dict[str, float]
    lines: list[LossLine]
    total: float


class Written(NamedTuple):
    """A loss in symbols, and what makes its numbers."""

    formulas: tuple[str, ...]
    slope: str
    numbers: Callable[[Batch], Numbers]


def summed(terms: Sequence[Piece], before: str = "", after: str = "") -> tuple[Piece, ...]:
    """Terms with signs between them."""
    made = []
    for k, (text, of) in enumerate(terms):
        sign = "" if not k else "- " if text.startswith("-") else "+ "
        text = text[1:] if sign == "- " else text
        made.append(Piece(f"{sign}{text}" if k else f"= {before}{text}", of))
    made[-1] = Piece(made[-1].text + after, made[-1].of)
    return tuple(made)


class Batch:
    """Targets and outputs as rows, samples first."""

    def __init__(self, loss: Any, y: Array, a: Array) -> None:
        self.loss, self.y, self.a = loss, y, a
        self.rows, self.outputs = a.shape
        self.is_written = a.size <= MOST_TERMS
        self.is_sum = loss.reduction == "sum"

    def index(self, i: int, j: int | None = None) -> str:
        """Of a sample's line, or of one of its outputs: what tells it from others."""
        places = [i + 1] if self.rows > 1 else []
        places += [] if j is None else [j + 1]
        joined = ("," if max(places, default=0) > 9 else "").join(map(str, places))
        return f"_{{{joined}}}" if joined else ""

    def of(self, i: int, j: int, known: dict[str, Array]) -> dict[str, float]:
        """The numbers of one output."""
        found = {"y": self.y, "a": self.a} | known
        return {name: float(np.broadcast_to(v, self.a.shape)[i, j]) for name, v in found.items()}

    def elements(
        self,
        term: str | Callable[[int, int], str],
        slope: str,
        slopes: Array,
        values: Array,
        *,
        by_row: bool = False,
        factor: str = r"\frac{1}{<n>}",
        scale: float = 1.0,
        known: dict[str, Array] | None = None,
        numbers: dict[str, float] | None = None,
        lines: Sequence[LossLine] = (),
    ) -> Numbers:
        """Of a loss that is a mean of terms, one for each output.

        Parameters
        ----------
        term, slope : str
            With places; a function of the output's place where not all have the same.
        slopes, values : ndarray
            What they come to, the slopes but for 1/n.
        by_row : bool
            Whether the mean is over samples alone.
        """
        known = {"y": self.y} | (known or {})
        n = self.rows if by_row else self.a.size
        n //= self.rows if self.is_sum else 1
        numbers = {"n": float(n)} | (numbers or {})
        made = list(lines) if self.is_written else []
        total = float(scale * values.sum() / n)
        if self.is_written:
            terms = []
            for i, j in np.ndindex(self.a.shape):
                text = term if isinstance(term, str) else term(i, j)
                terms.append(Piece(text, self.of(i, j, known) | numbers))
            made.append(LossLine("L", summed(terms, rf"{factor} \cdot (", ")"), total))
        return Numbers(slope, slopes / n, known, numbers, made, total)

    def samples(
        self, values: Array, lines: list[LossLine], name: str = r"<l>"
    ) -> tuple[list[LossLine], float, float]:
        """L as the mean over samples of what each costs."""
        n = 1.0 if self.is_sum else float(len(values))
        terms = [Piece(name, {"l": float(v), "n": n}) for v in values]
        total = float(values.sum() / n)
        pieces = summed(terms, r"\frac{1}{<n>} \cdot (", ")")
        return [*lines, LossLine("L", pieces, total)], total, n

    def probabilities(self, by_row: bool) -> tuple[Array, list[LossLine]]:
        """Of logits."""
        lines = []
        if by_row:
            e = np.exp(self.a - self.a.max(axis=1, keepdims=True))
            p = e / e.sum(axis=1, keepdims=True)
        else:
            p = 1 / (1 + np.exp(-self.a))
        if self.is_written and (not by_row or self.outputs <= 4):
            for i, j in np.ndindex(p.shape):
                of = {"a": float(self.a[i, j])}
                text = r"= \frac{1}{1 + e^{-<a>}}"
                if by_row:
                    of |= {f"a_{k}": float(self.a[i, k]) for k in range(self.outputs)}
                    below = " + ".join(f"e^{{<a_{k}>}}" for k in range(self.outputs))
                    text = rf"= \frac{{e^{{<a>}}}}{{{below}}}"
                lines.append(LossLine(f"p{self.index(i, j)}", (Piece(text, of),), float(p[i, j])))
        return np.asarray(p), lines
