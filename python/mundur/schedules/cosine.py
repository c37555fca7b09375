"""Learning rates along half a cosine, once or again and again; see `mundur.schedules`."""

from __future__ import annotations

import numpy as np

from .._support.checks import identifier, integer, number
from .._support.names import checked_keywords
from . import base as schedule
from .base import Array, BuiltIn, Decay


class CosineDecay(Decay):
    """Half a cosine down to a share of the rate, behind a linear warm-up if wanted.

    η(t) = η₀ ((1 - α) ½(1 + cos πp) + α), p = min(t, decay_steps) / decay_steps. With a
    `warmup_target` the rate first goes from η₀ to it in `warmup_steps` steps, and the cosine
    follows from there (Loshchilov and Hutter, 2017).

    Parameters
    ----------
    initial_learning_rate : float
        η₀ >= 0.
    decay_steps : int
        Of the cosine.
    alpha : float, default 0.0
        α in [0, 1]: what is left at the end.
    name : str, default "CosineDecay"
    warmup_target : float, optional
    warmup_steps : int, default 0

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it.

    Examples
    --------
    >>> import mundur as md
    >>> schedule = md.schedules.CosineDecay(0.0, 100, warmup_target=0.1, warmup_steps=10)
    >>> schedule(5), schedule(10), round(schedule(60), 12), schedule(110)
    (0.05, 0.1, 0.05, 0.0)
    """

    @checked_keywords()
    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ) -> None:
        self._keep(initial_learning_rate, decay_steps)
        self.alpha = number(alpha, "alpha", at_least=0, at_most=1)
        self.warmup_target = (
            None if warmup_target is None else number(warmup_target, "warmup_target", at_least=0)
        )
        self.warmup_steps = integer(warmup_steps, "warmup_steps")
        self.name = identifier(name, "name")

    def rates(self, steps: Array) -> Array:
        """η of each step."""
        start, top, warm = self.initial_learning_rate, self.warmup_target, self.warmup_steps
        if top is None:
            start, top, warm = 0.0, start, 0
        p = np.clip(steps - warm, 0, self.decay_steps) / self.decay_steps
        rates = top * ((1.0 - self.alpha) * schedule.half_cosine(p) + self.alpha)
        if warm == 0:
            return rates
        return np.where(steps < warm, (top - start) * (steps / warm) + start, rates)


class CosineDecayRestarts(BuiltIn):
    """Cosines one after another, each longer and lower.

    Cycle i has first_decay_steps t_mulⁱ steps; in it, at the share p of the way,
    η = η₀ ((1 - α) ½ m_mulⁱ (1 + cos πp) + α) (Loshchilov and Hutter, 2017).

    Parameters
    ----------
    initial_learning_rate : float
        η₀ >= 0.
    first_decay_steps : int
    t_mul : float, default 2.0
        At least 1.
    m_mul : float, default 1.0
        Above 0.
    alpha : float, default 0.0
        α in [0, 1].
    name : str, default "SGDRDecay"

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it.

    Examples
    --------
    >>> import mundur as md
    >>> schedule = md.schedules.CosineDecayRestarts(0.1, 10, m_mul=0.5)
    >>> schedule(0), schedule(10), round(schedule(20), 12)
    (0.1, 0.05, 0.025)
    """

    @checked_keywords()
    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: int,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        self.initial_learning_rate = number(
            initial_learning_rate, "initial_learning_rate", at_least=0
        )
        self.first_decay_steps = integer(first_decay_steps, "first_decay_steps", 1)
        self.t_mul = number(t_mul, "t_mul", at_least=1)
        self.m_mul = number(m_mul, "m_mul", above=0)
        self.alpha = number(alpha, "alpha", at_least=0, at_most=1)
        self.name = identifier(name, "name")

    def rates(self, steps: Array) -> Array:
        """η of each step."""
        starts, lengths, heights = [0.0], [float(self.first_decay_steps)], [1.0]
        while starts[-1] + lengths[-1] <= steps.max(initial=0.0):
            starts.append(starts[-1] + lengths[-1])
            lengths.append(lengths[-1] * self.t_mul)
            heights.append(heights[-1] * self.m_mul)
        cycle = np.searchsorted(starts, steps, "right") - 1
        p = (steps - np.array(starts)[cycle]) / np.array(lengths)[cycle]
        cosine = np.array(heights)[cycle] * schedule.half_cosine(p)
        return self.initial_learning_rate * ((1.0 - self.alpha) * cosine + self.alpha)
