"""Learning rates that fall by a formula, and warm up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._support.checks import boolean, identifier, integer, items, number
from .._support.names import checked_keywords
from . import base as schedule
from .base import Array, BuiltIn, Decay, Rate


class PiecewiseConstantDecay(BuiltIn):
    """Constant between boundaries.

    η(t) = values[i] for the first i with t <= boundaries[i], else the last value.

    Parameters
    ----------
    boundaries : list of int
        Strictly increasing.
    values : list of float
        One more than boundaries, each >= 0.
    name : str, default "PiecewiseConstant"

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it.

    Examples
    --------
    >>> import mundur as md
    >>> schedule = md.schedules.PiecewiseConstantDecay([2], [0.1, 0.01])
    >>> [schedule(step) for step in range(4)]
    [0.1, 0.1, 0.1, 0.01]
    """

    @checked_keywords()
    def __init__(
        self,
        boundaries: Sequence[int],
        values: Sequence[float],
        name: str = "PiecewiseConstant",
    ) -> None:
        boundaries, values = items(boundaries, "boundaries"), items(values, "values")
        self.boundaries = [integer(b, f"boundaries[{i}]") for i, b in enumerate(boundaries)]
        self.values = [number(v, f"values[{i}]", at_least=0) for i, v in enumerate(values)]
        if any(a >= b for a, b in zip(self.boundaries, self.boundaries[1:], strict=False)):
            raise ValueError(f"boundaries must increase strictly; got {self.boundaries}")
        if len(self.values) != len(self.boundaries) + 1:
            raise ValueError(
                f"values must be one more than boundaries, {len(self.boundaries) + 1}; "
                f"got {len(self.values)}"
            )
        self.name = identifier(name, "name")

    def rates(self, steps: Array) -> Array:
        """η of each step."""
        return np.array(self.values)[np.searchsorted(self.boundaries, steps, "left")]


class ExponentialDecay(Decay):
    """A fixed factor every `decay_steps` steps.

    η(t) = η₀ rᵖ, p = t / decay_steps, or its whole part with `staircase`.

    Parameters
    ----------
    initial_learning_rate : float
        η₀ >= 0.
    decay_steps : int
    decay_rate : float
        r above 0.
    staircase : bool, default False
    name : str, default "ExponentialDecay"

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it.

    Examples
    --------
    >>> import mundur as md
    >>> round(md.schedules.ExponentialDecay(0.1, 100, 0.5)(200), 12)
    0.025
    """

    @checked_keywords()
    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ) -> None:
        self._keep(initial_learning_rate, decay_steps)
        self.decay_rate = number(decay_rate, "decay_rate", above=0)
        self.staircase = boolean(staircase, "staircase")
        self.name = identifier(name, "name")

    def rates(self, steps: Array) -> Array:
        """η of each step."""
        p = steps / self.decay_steps
        if self.staircase:
            p = np.floor(p)
        return self.initial_learning_rate * schedule.power(np.full_like(p, self.decay_rate), p)


class InverseTimeDecay(Decay):
    """Falls like 1/t.

    η(t) = η₀ / (1 + r p), p = t / decay_steps, or its whole part with `staircase`.

    Parameters
    ----------
    initial_learning_rate : float
        η₀ >= 0.
    decay_steps : int
    decay_rate : float
        r >= 0.
    staircase : bool, default False
    name : str, default "InverseTimeDecay"

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it.

    Examples
    --------
    >>> import mundur as md
    >>> md.schedules.InverseTimeDecay(0.5, 100, 1.0)(100)
    0.25
    """

    @checked_keywords()
    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ) -> None:
        self._keep(initial_learning_rate, decay_steps)
        self.decay_rate = number(decay_rate, "decay_rate", at_least=0)
        self.staircase = boolean(staircase, "staircase")
        self.name = identifier(name, "name")

    def rates(self, steps: Array) -> Array:
        """η of each step."""
        p = steps / self.decay_steps
        if self.staircase:
            p = np.floor(p)
        return self.initial_learning_rate / (1.0 + self.decay_rate * p)


class PolynomialDecay(Decay):
    """From one rate to another along a power, linearly by default.

    η(t) = (η₀ - η₁)(1 - p)^power + η₁, p = min(t, n) / n, n = decay_steps. With `cycle`, n is the
    first multiple of decay_steps that is not below t.

    Parameters
    ----------
    initial_learning_rate : float
        η₀ >= 0.
    decay_steps : int
    end_learning_rate : float, default 0.0001
        η₁ >= 0.
    power : float, default 1.0
        Above 0.
    cycle : bool, default False
    name : str, default "PolynomialDecay"

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it.

    Examples
    --------
    >>> import mundur as md
    >>> md.schedules.PolynomialDecay(1.0, 100, 0.0)(75)
    0.25
    """

    @checked_keywords()
    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ) -> None:
        self._keep(initial_learning_rate, decay_steps)
        self.end_learning_rate = number(end_learning_rate, "end_learning_rate", at_least=0)
        self.power = number(power, "power", above=0)
        self.cycle = boolean(cycle, "cycle")
        self.name = identifier(name, "name")

    def rates(self, steps: Array) -> Array:
        """η of each step."""
        n = float(self.decay_steps)
        if self.cycle:
            p = steps / (n * np.maximum(np.ceil(steps / n), 1.0))
        else:
            p = np.minimum(steps, n) / n
        fall = schedule.power(1.0 - p, np.full_like(p, self.power)) if self.power != 1 else 1.0 - p
        span = self.initial_learning_rate - self.end_learning_rate
        return span * fall + self.end_learning_rate


class OneCycle(BuiltIn):
    """Up along half a cosine, and down to almost nothing along another.

    From max/div_factor to max in the first `pct_start` of the steps, then down to
    max/(div_factor final_div_factor). Smith and Topin (2017), as PyTorch's OneCycleLR has it.

    Parameters
    ----------
    max_learning_rate : float
        At least 0.
    total_steps : int
        Of both parts; the last rate stays.
    pct_start : float, default 0.3
        In [0, 1].
    div_factor : float, default 25.0
        Above 0.
    final_div_factor : float, default 1e4
        Above 0.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it.

    Examples
    --------
    >>> import mundur as md
    >>> schedule = md.schedules.OneCycle(0.1, 101)
    >>> round(schedule(0), 12), round(schedule(100), 12)
    (0.004, 4e-07)
    """

    @checked_keywords()
    def __init__(
        self,
        max_learning_rate: float,
        total_steps: int,
        pct_start: float = 0.3,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
    ) -> None:
        self.max_learning_rate = number(max_learning_rate, "max_learning_rate", at_least=0)
        self.total_steps = integer(total_steps, "total_steps", 2)
        self.pct_start = number(pct_start, "pct_start", at_least=0, at_most=1)
        self.div_factor = number(div_factor, "div_factor", above=0)
        self.final_div_factor = number(final_div_factor, "final_div_factor", above=0)

    def rates(self, steps: Array) -> Array:
        """η of each step."""
        low, last = self.max_learning_rate / self.div_factor, self.total_steps - 1.0
        top = min(max(self.pct_start * self.total_steps - 1.0, 0.0), last)
        up = schedule.between(low, self.max_learning_rate, steps, 0.0, top)
        end = low / self.final_div_factor
        down = schedule.between(self.max_learning_rate, end, steps, top, last)
        return np.where(steps <= top, up, down)


class WarmUp(BuiltIn):
    """A linear start in front of any rate or schedule.

    η(t) = η' (t + 1) / n for t < n, where η' is the first rate behind it; then after(t - n).

    Parameters
    ----------
    after : float or schedule
        What follows.
    warmup_steps : int
        n, at least 1.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it.

    Examples
    --------
    >>> import mundur as md
    >>> schedule = md.schedules.WarmUp(0.1, 4)
    >>> [schedule(step) for step in range(5)]
    [0.025, 0.05, 0.07500000000000001, 0.1, 0.1]
    """

    @checked_keywords()
    def __init__(self, after: Rate, warmup_steps: int) -> None:
        self.after = after if callable(after) else number(after, "after", at_least=0)
        self.warmup_steps = integer(warmup_steps, "warmup_steps", 1)

    def rates(self, steps: Array) -> Array:
        """η of each step."""
        past = np.maximum(steps - self.warmup_steps, 0.0)
        rate: Any = self.after
        if not callable(rate):
            after = np.full_like(steps, rate)
        elif isinstance(rate, BuiltIn):
            after = rate.rates(past)
        else:
            after = np.array([schedule.rates_of(rate, int(step), 1)[0] for step in past])
        share = np.minimum((steps + 1.0) / self.warmup_steps, 1.0)
        return after * share
