"""What all schedules share, and their arithmetic: plain IEEE and the core's functions, no libm."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _core
from .._support.checks import integer, number
from .._support.config import Configurable

Array = npt.NDArray[np.float64]
Rate = float | Callable[[int], float]

# Rates handed to native code at a time: a slice of training is longer than their computation.
_AHEAD = 4096
_CALLS_AHEAD = 256


class LearningRateSchedule(Configurable):
    """Base class of the schedules; own ones override ``__call__``.

    Own ones train like any callable; files can name the built-in ones only.

    Examples
    --------
    >>> import mundur as md
    >>> class Halving(md.schedules.LearningRateSchedule):
    ...     def __call__(self, step):
    ...         return 0.1 / 2 ** (step // 100)
    >>> md.optimizers.SGD(Halving()).learning_rate
    0.1
    """

    def __call__(self, step: int) -> float:
        """η(step)."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(step)")


class BuiltIn(LearningRateSchedule):
    """A schedule of many steps at once."""

    def __call__(self, step: float) -> float:
        """η(step); parts of a step too."""
        at = np.array([number(step, "step", at_least=0)])
        with _core.to_nearest:
            return float(self.rates(at)[0])

    def rates(self, steps: Array) -> Array:
        """η of each step."""
        raise NotImplementedError


class Decay(BuiltIn):
    """What the decays by a quotient of steps share."""

    def _keep(self, initial_learning_rate: float, decay_steps: int) -> None:
        self.initial_learning_rate = number(
            initial_learning_rate, "initial_learning_rate", at_least=0
        )
        self.decay_steps = integer(decay_steps, "decay_steps", 1)


class Asked(LearningRateSchedule):
    """A function without arguments, asked anew before each step."""

    def __init__(self, function: Callable[[], float]) -> None:
        self.function = function

    def __call__(self, step: int) -> float:
        """What the function says now."""
        return number(self.function(), "what learning_rate returns", at_least=0)


def schedule_of(rate: Callable[..., float]) -> Callable[[int], float]:
    """A rate that is a function, as one of the step; Keras's have no argument."""
    try:
        takes = inspect.signature(rate).parameters
    except (TypeError, ValueError):  # some built-in functions tell nothing
        return rate
    return rate if takes else Asked(rate)


def rates_of(schedule: Any, first: int, count: int) -> list[float]:
    """η of `count` steps from `first` on, or of fewer; a ValueError for what is no rate."""
    if isinstance(schedule, BuiltIn):
        steps = np.arange(first, first + min(count, _AHEAD), dtype=np.float64)
        with _core.to_nearest:
            return [float(rate) for rate in schedule.rates(steps)]
    if isinstance(schedule, Asked):
        return [schedule(first)]
    return [
        number(schedule(step), f"the schedule's rate of step {step}", at_least=0)
        for step in range(first, first + min(count, _CALLS_AHEAD))
    ]


def power(x: Array, p: Array) -> Array:
    """x^p for x >= 0 as e^(p log x), by the core's exp and log."""
    return np.asarray(_core.elementary("exp", p * _core.elementary("log", x)), np.float64)


def between(start: float, end: float, steps: Array, first: float, last: float) -> Array:
    """Along half a cosine from `start` at step `first` to `end` at step `last`."""
    p = np.clip((steps - first) / max(last - first, 1.0), 0.0, 1.0)
    return (start - end) * half_cosine(p) + end


def half_cosine(p: Array) -> Array:
    """½(1 + cos πp) for p in [0, 1]."""
    # cos is odd around ½, and nearer to it than ¼ it is the sine of what is missing.
    mirrored = np.where(p > 0.5, 1.0 - p, p)
    x = math.pi * np.where(mirrored <= 0.25, mirrored, 0.5 - mirrored)
    near = np.where(mirrored <= 0.25, _series(x, 0), x * _series(x, 1))
    return 0.5 * (1.0 + np.where(p > 0.5, -near, near))


def _series(x: Array, odd: int) -> Array:
    """Taylor's series of cos x, or of sin(x)/x, for 0 <= x <= π/4.

    The first term left out is below 2⁻⁵⁶ of the value.
    """
    square = x * x
    total = np.zeros_like(x)
    for k in range(9, -1, -1):
        total = total * square + (-1.0 if k % 2 else 1.0) / math.factorial(2 * k + odd)
    return total
