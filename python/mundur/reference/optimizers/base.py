"""What all optimizers share: the walk over the weights, clipping, decay, averages.

The order in a step: the mean of the gradients waiting, clipping, decay, the rule, the average.
"""

import math
from collections.abc import Mapping
from typing import Any, Protocol

from ..._support.checks import boolean, integer, number
from ..lists import Tensor, Vector, rows, shape, zeros

SHARED = {
    "weight_decay": 0.0,
    "clipvalue": math.inf,
    "clipnorm": math.inf,
    "global_clipnorm": math.inf,
    "use_ema": False,
    "ema_momentum": 0.99,
    "gradient_accumulation_steps": 1,
}


class Learner(Protocol):
    """Anything with parameters and gradients under the same names, such as a model."""

    @property
    def parameters(self) -> Mapping[str, Tensor]:
        """Return the parameters, by name."""

    @property
    def gradients(self) -> Mapping[str, Tensor]:
        """Return ∂L/∂w, by the same names."""


class Optimizer:
    """Walks over all weights that have a gradient; subclasses say `update`.

    Parameters
    ----------
    learning_rate : float
        η; may be changed between steps.
    weight_decay : float, default 0.0
        λ: w ← w − η λ w before the rule; Loshchilov and Hutter, "Decoupled weight decay
        regularization" (2019).
    clipvalue, clipnorm, global_clipnorm : float, optional
        c, a limit for each element of the gradients, for the norm of each parameter's gradient, or
        for the norm of all together; Pascanu, Mikolov and Bengio (2013).
    use_ema, ema_momentum : bool and float, default False and 0.99
        Keep a running mean of the weights: a ← μ a + (1 − μ) w after each update.
    gradient_accumulation_steps : int, default 1
        How many steps' gradients make one update, by their mean.

    Attributes
    ----------
    slots : tuple of str
        The names of the numbers kept for each weight; all start at 0.
    state : dict of str to dict
        Those numbers, by parameter name and slot name.
    average : dict of str to list
        The running means, by parameter name.
    """

    slots: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ("learning_rate",)

    def __init__(
        self,
        learning_rate: float,
        weight_decay: float = 0.0,
        clipvalue: float | None = None,
        clipnorm: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        gradient_accumulation_steps: int = 1,
    ) -> None:
        self.learning_rate = number(learning_rate, "learning_rate", at_least=0)
        self.weight_decay = number(weight_decay, "weight_decay", at_least=0)
        self.clipvalue = limit_of(clipvalue, "clipvalue")
        self.clipnorm = limit_of(clipnorm, "clipnorm")
        self.global_clipnorm = limit_of(global_clipnorm, "global_clipnorm")
        self.use_ema = boolean(use_ema, "use_ema")
        self.ema_momentum = number(ema_momentum, "ema_momentum", at_least=0, at_most=1)
        self.gradient_accumulation_steps = integer(
            gradient_accumulation_steps, "gradient_accumulation_steps", 1
        )
        self.state: dict[str, dict[str, Tensor]] = {}
        self.average: dict[str, Tensor] = {}
        self.waiting: list[dict[str, Tensor]] = []

    def begin_step(self) -> None:
        """Do what is done once per step, before any weight is updated."""

    def update(self, w: float, g: float, *slots: float) -> tuple[float, ...]:
        """Return the new w and the new state, from w, its gradient g and the state."""
        raise NotImplementedError

    def step(self, model: Learner) -> None:
        """Update every parameter that has a gradient, in place; then comes its constraint.

        Parameters
        ----------
        model : Model, or anything else with `parameters` and `gradients`
        """
        self.waiting.append({name: scaled(g, 1.0) for name, g in model.gradients.items()})
        if len(self.waiting) < self.gradient_accumulation_steps:
            return
        gradients, self.waiting = mean(self.waiting), []
        self.begin_step()
        for name, gradient in self.clipped(gradients).items():
            if name not in self.state:
                self.state[name] = {slot: self.first(slot, gradient) for slot in self.slots}
            for w in rows(model.parameters[name]):
                self.decay_row(w)
            self.update_parameter(model.parameters[name], gradient, self.state[name])
            if self.use_ema:
                self.average_in(name, model.parameters[name])
            constraint = getattr(model, "constraints", {}).get(name)
            if constraint:
                model.parameters[name][:] = constraint(model.parameters[name])

    def first(self, slot: str, like: Tensor) -> Tensor:
        """Return what a slot holds before the first step."""
        return zeros(shape(like))

    def clipped(self, gradients: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the gradients within the limits."""
        # g ← g min(1, c / ‖g‖), by one norm of all or by that of each
        together = limit(math.sqrt(sum(map(squares, gradients.values()))), self.global_clipnorm)
        found = {}
        for name, gradient in gradients.items():
            alone = limit(math.sqrt(squares(gradient)), self.clipnorm)
            found[name] = scaled(gradient, together * alone)
            # g ← min(max(g, −c), c)
            for row in rows(found[name]):
                row[:] = [min(max(g, -self.clipvalue), self.clipvalue) for g in row]
        return found

    def decay_row(self, w: Vector) -> None:
        """Shrink one innermost list of weights: w ← w − η λ w."""
        for i in range(len(w)):
            w[i] -= self.learning_rate * self.weight_decay * w[i]

    def average_in(self, name: str, parameter: Tensor) -> None:
        """Move the running mean of one parameter on; it begins as the first update leaves w."""
        if name not in self.average:
            self.average[name] = scaled(parameter, 1.0)
        # a ← μ a + (1 − μ) w
        for a, w in zip(rows(self.average[name]), rows(parameter), strict=True):
            for i in range(len(a)):
                a[i] = self.ema_momentum * a[i] + (1 - self.ema_momentum) * w[i]

    def update_parameter(self, w: Tensor, g: Tensor, slots: dict[str, Tensor]) -> None:
        """Update one parameter, and its state, in place."""
        for w_row, g_row, *slot_rows in zip(*map(rows, (w, g, *slots.values())), strict=True):
            self.update_row(w_row, g_row, slot_rows)

    def update_row(self, w: Vector, g: Vector, slots: list[Vector]) -> None:
        """Update one innermost list of weights, and of state, in place."""
        for i in range(len(w)):
            new = self.update(w[i], g[i], *(slot[i] for slot in slots))
            for row, value in zip((w, *slots), new, strict=True):
                row[i] = value

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value!r}" for name, value in self.options().items())
        return f"{type(self).__name__}({options})"

    def options(self) -> dict[str, Any]:
        """Return the constructor's own arguments, and the shared ones that were given."""
        given = [name for name, usual in SHARED.items() if getattr(self, name) != usual]
        return {name: getattr(self, name) for name in (*self.arguments, *given)}


def limit_of(value: float | None, name: str) -> float:
    """Return a limit of gradients, above 0; None is none."""
    return math.inf if value is None else number(value, name, above=0)


def scaled(tensor: Tensor, factor: float) -> Tensor:
    """Return factor · tensor, in new lists."""
    return [scaled(part, factor) if isinstance(part, list) else part * factor for part in tensor]


def squares(tensor: Tensor) -> float:
    """Return ‖tensor‖²."""
    return sum(value * value for row in rows(tensor) for value in row)


def limit(norm: float, most: float) -> float:
    """Return the factor that brings a norm down to `most`: min(1, most / norm).

    Examples
    --------
    >>> limit(5.0, 1.0), limit(0.5, 1.0)
    (0.2, 1.0)
    """
    return most / norm if norm > most else 1.0


def mean(several: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Return the mean of the gradients of several steps."""
    found = {name: scaled(tensor, 0.0) for name, tensor in several[0].items()}
    for gradients in several:
        for name, gradient in gradients.items():
            for total, row in zip(rows(found[name]), rows(gradient), strict=True):
                for i, g in enumerate(row):
                    total[i] += g / len(several)
    return found
