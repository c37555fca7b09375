"""Optimizers: one step against the gradient.

Each looks at one weight w and its gradient g at a time, with a few numbers of state per weight;
`update` is the whole rule. Formulas and initial states are PyTorch's, names are Keras's.
"""

import math
from collections.abc import Mapping
from typing import Protocol

from ._lookup import check_number
from .lists import Tensor, Vector, rows, shape, zeros


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

    Attributes
    ----------
    slots : tuple of str
        The names of the numbers kept for each weight; all start at 0.
    state : dict of str to dict
        Those numbers, by parameter name and slot name.
    """

    slots: tuple[str, ...] = ()

    def __init__(self, learning_rate: float) -> None:
        check_number("learning_rate", learning_rate)
        if not 0 <= learning_rate < math.inf:
            raise ValueError(
                f"learning_rate: expected a finite number, not negative, got {learning_rate}"
            )
        self.learning_rate = learning_rate
        self.state: dict[str, dict[str, Tensor]] = {}

    def begin_step(self) -> None:
        """Do what is done once per step, before any weight is updated."""

    def update(self, w: float, g: float, *slots: float) -> tuple[float, ...]:
        """Return the new w and the new state, from w, its gradient g and the state."""
        raise NotImplementedError

    def step(self, model: Learner) -> None:
        """Update every parameter that has a gradient, in place.

        Parameters
        ----------
        model : Model, or anything else with `parameters` and `gradients`
        """
        self.begin_step()
        parameters = model.parameters
        for name, gradient in model.gradients.items():
            if name not in self.state:
                self.state[name] = {slot: zeros(shape(gradient)) for slot in self.slots}
            slots = self.state[name].values()
            tensors = [parameters[name], gradient, *slots]
            for w, g, *slot_rows in zip(*map(rows, tensors), strict=True):
                self.update_row(w, g, slot_rows)

    def update_row(self, w: Vector, g: Vector, slots: list[Vector]) -> None:
        """Update one innermost list of weights, and of state, in place."""
        for i in range(len(w)):
            new = self.update(w[i], g[i], *(slot[i] for slot in slots))
            for row, value in zip((w, *slots), new, strict=True):
                row[i] = value

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value!r}" for name, value in self.options().items())
        return f"{type(self).__name__}({options})"

    def options(self) -> dict[str, float]:
        """Return the arguments of the constructor."""
        raise NotImplementedError


class SGD(Optimizer):
    """Gradient descent, with momentum if wanted: v ← μ v + g, w ← w − η v.

    Sources: momentum, Polyak (1964); Nesterov's as in Sutskever, Martens, Dahl and Hinton, "On the
    importance of initialization and momentum in deep learning" (2013), in PyTorch's form. With a
    constant η, v is PyTorch's buffer; Keras's velocity is −η v.

    Parameters
    ----------
    learning_rate : float, default 0.01
        η.
    momentum : float, default 0.0
        μ of [0, 1]: how much of the last direction is kept.
    nesterov : bool, default False
        Look ahead: step along g + μ v in place of v.

    Examples
    --------
    >>> SGD(learning_rate=0.5).update(1.0, 0.25, 0.0)
    (0.875, 0.25)
    """

    slots = ("velocity",)

    def __init__(
        self, learning_rate: float = 0.01, momentum: float = 0.0, nesterov: bool = False
    ) -> None:
        super().__init__(learning_rate)
        check_number("momentum", momentum)
        if not 0 <= momentum <= 1:
            raise ValueError(f"momentum: expected a number within [0, 1], got {momentum}")
        self.momentum = momentum
        self.nesterov = nesterov

    def update(self, w: float, g: float, *slots: float) -> tuple[float, ...]:
        """Return w and v after the step."""
        (v,) = slots
        # v ← μ v + g
        v = self.momentum * v + g
        # w ← w − η v,  or with Nesterov  w ← w − η (g + μ v)
        direction = g + self.momentum * v if self.nesterov else v
        return w - self.learning_rate * direction, v

    def options(self) -> dict[str, float]:
        """Return the arguments of the constructor."""
        return {
            "learning_rate": self.learning_rate,
            "momentum": self.momentum,
            "nesterov": self.nesterov,
        }


class Adam(Optimizer):
    """Steps of about η, whatever the gradient's scale: w ← w − η m̂ / (√v̂ + ε).

    Source: Kingma and Ba, "Adam: a method for stochastic optimization" (2015), Algorithm 1. Keras
    takes the form at the end of section 2, where ε has another place, and 1e-7 for it.

    Parameters
    ----------
    learning_rate : float, default 0.001
        η.
    beta_1, beta_2 : float, default 0.9 and 0.999
        How slowly the mean of the gradient, m, and of its square, v, forget; of [0, 1).
    epsilon : float, default 1e-8
        ε > 0 keeps the quotient finite.

    Notes
    -----
    The powers β₁ᵗ and β₂ᵗ are running products, one multiplication per step.

    Examples
    --------
    >>> adam = Adam(learning_rate=0.1)
    >>> adam.begin_step()
    >>> w, m, v = adam.update(1.0, 50.0, 0.0, 0.0)
    >>> round(w, 6)
    0.9
    """

    slots = ("mean", "square")

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
    ) -> None:
        super().__init__(learning_rate)
        self.beta_1 = fraction("beta_1", beta_1)
        self.beta_2 = fraction("beta_2", beta_2)
        check_number("epsilon", epsilon)
        if not 0 < epsilon < math.inf:
            raise ValueError(f"epsilon: expected a finite number above 0, got {epsilon}")
        self.epsilon = epsilon
        self.power_1 = 1.0
        self.power_2 = 1.0

    def begin_step(self) -> None:
        """Multiply the powers of β₁ and β₂ on."""
        # β₁ᵗ = β₁ᵗ⁻¹ β₁        β₂ᵗ = β₂ᵗ⁻¹ β₂
        self.power_1 *= self.beta_1
        self.power_2 *= self.beta_2

    def update(self, w: float, g: float, *slots: float) -> tuple[float, ...]:
        """Return w, m and v after the step."""
        m, v = slots
        # m ← β₁ m + (1 − β₁) g
        m = self.beta_1 * m + (1 - self.beta_1) * g
        # v ← β₂ v + (1 − β₂) g²
        v = self.beta_2 * v + (1 - self.beta_2) * g * g
        # m̂ = m / (1 − β₁ᵗ)        v̂ = v / (1 − β₂ᵗ): both means began at 0, this undoes it
        m_hat = m / (1 - self.power_1)
        v_hat = v / (1 - self.power_2)
        # w ← w − η m̂ / (√v̂ + ε)
        return w - self.learning_rate * m_hat / (math.sqrt(v_hat) + self.epsilon), m, v

    def options(self) -> dict[str, float]:
        """Return the arguments of the constructor."""
        return {
            "learning_rate": self.learning_rate,
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }


def fraction(name: str, value: float) -> float:
    """Return the value, which must lie within [0, 1)."""
    check_number(name, value)
    if not 0 <= value < 1:
        raise ValueError(f"{name}: expected a number within [0, 1), got {value}")
    return value
