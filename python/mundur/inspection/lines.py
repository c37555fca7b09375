"""Rules as lines of LaTeX, worked through with the numbers that make one step of them.

A line stands for one assignment: as a formula, and with places for numbers, ``<w>``. Lines are
worked through in their order, so ``<g>`` and ``<w>`` are what the lines before made of the gradient
and of the weight. What an optimizer keeps is ``<m>`` before the step and ``<m'>`` after it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Line", "Rule", "Worked", "evaluated", "work"]

Array = npt.NDArray[Any]
Known = Mapping[str, Any]


@dataclass(frozen=True)
class Line:
    """One assignment.

    Attributes
    ----------
    formula : str
    numbers : str
        Its right side, with places for numbers.
    makes : str
        What later lines call it: "g", "w", or a state's name with a prime.
    of : {"weight", "parameter", "step"}
        What has a value of its own: each weight, each parameter, or the step as a whole.
    helps : callable or None
        Makes numbers for its places that no line does, from what is known: sums and norms.
    """

    formula: str
    numbers: str
    makes: str
    of: str = "weight"
    helps: Callable[[Known], dict[str, Any]] | None = field(default=None, repr=False)

    @property
    def left(self) -> str:
        """What stands before the arrow, or before the sign of equality."""
        return re.split(r"\\leftarrow| = ", self.formula, maxsplit=1)[0].strip()

    @property
    def places(self) -> list[str]:
        """The names of its places."""
        return _PLACE.findall(self.numbers)


@dataclass(frozen=True)
class Rule:
    """An optimizer's step on one parameter.

    Attributes
    ----------
    lines : tuple of Line
        None of an optimizer that is not known here.
    numbers : dict of str to float
        What has a place in its lines: "eta", ...
    waits : int
        This many batches are added up before the weights move; 0 where they move now.
    """

    lines: tuple[Line, ...]
    numbers: dict[str, float]
    waits: int = 0


# ---- what a line comes to ------------------------------------------------------------------------

_PLACE = re.compile(r"<([A-Za-z_0-9']+)>")
_PYTHON = (
    (r"\\operatorname\{(\w+)\}", r"\1"),
    (r"\\cdot", "*"),
    (r"\\le\b", "<="),
    (r"\\(\w+)", r"\1"),
    (r"\|([^|]*)\|", r"abs(\1)"),
    (r"\[([^\]]*)\]", r"(1.0 * (\1))"),
)
_FUNCTIONS = {"sqrt": np.sqrt, "sign": np.sign, "max": np.maximum, "min": np.minimum, "abs": np.abs}


def evaluated(numbers: str, known: Known) -> Any:
    """What the right side of one of this module's lines comes to, of numbers or arrays."""
    names: dict[str, str] = {}
    text = _PLACE.sub(lambda found: names.setdefault(found[1], f"_{len(names)}"), numbers)
    before = ""
    while text != before:
        before = text
        text = re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", r"((\1)/(\2))", text)
        text = re.sub(r"(\\sqrt|\^)\{([^{}]*)\}", r"\1(\2)", text)
    for latex, python in _PYTHON:
        text = re.sub(latex, python, text)
    values = {own: known[name] for name, own in names.items()}
    with np.errstate(all="ignore"):
        return eval(text.replace("^", "**"), {"__builtins__": {}}, _FUNCTIONS | values)


@dataclass(frozen=True, eq=False)
class Worked:
    """A rule's lines, worked through with the numbers of one parameter.

    Attributes
    ----------
    lines : tuple of Line
    known : dict of str to float or ndarray
        What stood before the first line, and what helped on the way.
    results : tuple of float or ndarray
        What each line came to; of the last that makes "w", and of what the optimizer keeps, the
        optimizer's own numbers.
    """

    lines: tuple[Line, ...]
    known: dict[str, Any]
    results: tuple[Any, ...]

    @property
    def last(self) -> int:
        """The number of the line that makes the new weights."""
        return max(k for k, line in enumerate(self.lines) if line.makes == "w")

    def at(self, place: tuple[int, ...]) -> Iterator[tuple[Line, dict[str, float], float]]:
        """Of one weight: each line, the numbers for its places, and what it comes to."""
        of = {name: _element(value, place) for name, value in self.known.items()}
        for line, result in zip(self.lines, self.results, strict=True):
            value = _element(result, place)
            yield line, dict(of), value
            of[line.makes] = value


def _element(value: Any, place: tuple[int, ...]) -> float:
    return float(value[place] if np.ndim(value) else value)


def work(rule: Rule, known: dict[str, Any], kept: Known, new: Array) -> Worked | None:
    """Works through a rule's lines, if it has any.

    Parameters
    ----------
    known : dict
        "w", "g" and the state before the step, by their names in the lines.
    kept : mapping
        What the optimizer keeps after it: "m'", ...
    new : ndarray
        The weights that the optimizer made: None is returned where the lines make others.
    """
    if not rule.lines:
        return None
    known = known | rule.numbers
    of, results = dict(known), []
    for line in rule.lines:
        if line.helps is not None:
            helped = line.helps(of)
            of |= helped
            known |= helped
        of[line.makes] = kept.get(line.makes, evaluated(line.numbers, of))
        results.append(of[line.makes])
    made = Worked(rule.lines, known, tuple(results))
    old = known["w"]
    with np.errstate(all="ignore"):
        most = np.fmax.reduce(np.abs(new - old), axis=None, initial=0.0)  # NaN aside
        same = np.allclose(
            of["w"], new, rtol=8 * np.finfo(new.dtype).eps, atol=1e-3 * most, equal_nan=True
        )
    if not same:
        return None
    return replace(made, results=(*results[: made.last], new, *results[made.last + 1 :]))
