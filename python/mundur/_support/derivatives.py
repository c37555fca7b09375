"""Gradients written by hand, held against central differences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Difference", "Trial", "first_difference"]

Array = npt.NDArray[Any]

_STEP = 1e-5
_TOLERANCE = 1e-5  # of the derivative; of the largest one of its array, a hundredth of it
_ALL = 64  # so many elements are changed each by itself, larger arrays along a few directions
_DIRECTIONS = 8
_ATTEMPTS = 3  # at other points: the first may lie on a bend


class Trial(NamedTuple):
    """A function of arrays, and what somebody says of its derivative."""

    at: Mapping[str, Array]
    value: Callable[[Mapping[str, Array]], float]
    told: Mapping[str, Array]  # of those that are there


class Difference(NamedTuple):
    """Where a derivative is not what it should be."""

    name: str
    where: tuple[int, ...] | None  # None: along a direction through all of the array
    told: float
    found: float

    def __str__(self) -> str:
        place = "along a random direction" if self.where is None else f"at {list(self.where)}"
        return (
            f"{place} it is {self.told:.6g}, and central differences give {self.found:.6g}, an "
            f"error of {abs(self.told - self.found):.3g}"
        )


def first_difference(trial: Callable[[np.random.Generator], Trial | None]) -> Difference | None:
    """What is wrong at each of a few random points; None where one of them shows nothing."""
    worst = None
    for attempt in range(_ATTEMPTS):
        random = np.random.default_rng(attempt)
        made = trial(random)
        found = None if made is None else _difference(made, random)
        if found is None:
            return None
        worst = worst or found
    return worst


def _difference(trial: Trial, random: np.random.Generator) -> Difference | None:
    for name, told in trial.told.items():
        checks = [(where, *_both(trial, name, told, v)) for where, v in _directions(told, random)]
        scale = max((abs(found) for _, _, found in checks), default=0.0)
        for where, said, found in checks:
            allowed = _TOLERANCE * (abs(said) + abs(found)) + 1e-2 * _TOLERANCE * max(scale, 1.0)
            if not abs(said - found) <= allowed and np.isfinite(found):
                return Difference(name, where, said, found)
    return None


def _directions(
    like: Array, random: np.random.Generator
) -> Iterator[tuple[tuple[int, ...] | None, Array]]:
    if like.size <= _ALL:
        for where in np.ndindex(like.shape):
            v = np.zeros(like.shape)
            v[where] = 1.0
            yield where, v
        return
    for _ in range(_DIRECTIONS):
        v = random.standard_normal(like.shape)
        yield None, v / np.linalg.norm(v)


def _both(trial: Trial, name: str, told: Array, v: Array) -> tuple[float, float]:
    """The derivative along v: as it is told, and by central differences."""
    point = trial.at[name]
    ahead = trial.value({**trial.at, name: point + _STEP * v})
    behind = trial.value({**trial.at, name: point - _STEP * v})
    return float((told * v).sum()), (ahead - behind) / (2 * _STEP)
