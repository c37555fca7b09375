"""Adam and its relatives."""

import math
from typing import Any

from ..._support.checks import boolean, epsilon_value, number
from .base import Optimizer


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
    amsgrad : bool, default False
        Divide by the greatest v so far; Reddi, Kale and Kumar, "On the convergence of Adam and
        beyond" (2018).

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

    slots: tuple[str, ...] = ("mean", "square")
    arguments: tuple[str, ...] = ("learning_rate", "beta_1", "beta_2", "epsilon", "amsgrad")

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        amsgrad: bool = False,
        **shared: Any,
    ) -> None:
        super().__init__(learning_rate, **shared)
        self.beta_1 = number(beta_1, "beta_1", at_least=0, below=1)
        self.beta_2 = number(beta_2, "beta_2", at_least=0, below=1)
        self.epsilon = epsilon_value(epsilon)
        self.amsgrad = boolean(amsgrad, "amsgrad")
        if amsgrad:
            self.slots = ("mean", "square", "greatest")
        self.power_1 = 1.0
        self.power_2 = 1.0

    def begin_step(self) -> None:
        """Multiply the powers of β₁ and β₂ on."""
        # β₁ᵗ = β₁ᵗ⁻¹ β₁        β₂ᵗ = β₂ᵗ⁻¹ β₂
        self.power_1 *= self.beta_1
        self.power_2 *= self.beta_2

    def update(self, w: float, g: float, *slots: float) -> tuple[float, ...]:
        """Return w, m and v after the step."""
        m, v, *greatest = slots
        # m ← β₁ m + (1 − β₁) g
        m = self.beta_1 * m + (1 - self.beta_1) * g
        # v ← β₂ v + (1 − β₂) g²
        v = self.beta_2 * v + (1 - self.beta_2) * g * g
        # m̂ = m / (1 − β₁ᵗ)        v̂ = v / (1 − β₂ᵗ): both means began at 0, this undoes it
        m_hat = m / (1 - self.power_1)
        # AMSGrad: u ← max(u, v) in place of v
        greatest = [max(u, v) for u in greatest]
        v_hat = (greatest[0] if greatest else v) / (1 - self.power_2)
        # w ← w − η m̂ / (√v̂ + ε)
        w -= self.learning_rate * m_hat / (math.sqrt(v_hat) + self.epsilon)
        return w, m, v, *greatest


class AdamW(Adam):
    """Adam with decoupled weight decay: λ is no part of the gradient, and so not rescaled.

    Source: Loshchilov and Hutter, "Decoupled weight decay regularization" (2019).
    """

    def __init__(
        self,
        learning_rate: float = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        amsgrad: bool = False,
        **shared: Any,
    ) -> None:
        super().__init__(
            learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=weight_decay, **shared
        )


class Nadam(Adam):
    """Adam that looks ahead by the momentum, as Nesterov's does.

    Source: Dozat, "Incorporating Nesterov momentum into Adam" (2016), with
    μₜ = β₁ (1 − ½ 0.96^(0.004 t)).
    """

    arguments = ("learning_rate", "beta_1", "beta_2", "epsilon")
    t = 0
    product = 1.0

    def momentum(self, t: int) -> float:
        """Return μₜ."""
        return self.beta_1 * (1 - 0.5 * math.pow(0.96, 0.004 * t))

    def begin_step(self) -> None:
        """Count, and multiply the product of all μ on."""
        super().begin_step()
        self.t += 1
        self.product *= self.momentum(self.t)

    def update(self, w: float, g: float, *slots: float) -> tuple[float, ...]:
        """Return w, m and v after the step."""
        m, v = slots
        m = self.beta_1 * m + (1 - self.beta_1) * g
        v = self.beta_2 * v + (1 - self.beta_2) * g * g
        now, ahead = self.momentum(self.t), self.momentum(self.t + 1)
        # (1 − μₜ) g / (1 − μ₁...μₜ) + μₜ₊₁ m / (1 − μ₁...μₜ₊₁)
        direction = (1 - now) * g / (1 - self.product) + ahead * m / (1 - self.product * ahead)
        root = math.sqrt(v / (1 - self.power_2)) + self.epsilon
        return w - self.learning_rate * direction / root, m, v


class Adamax(Adam):
    """Adam with the greatest gradient of late, u, in place of √v.

    Source: Kingma and Ba (2015), section 7.1; ε inside of the maximum, as in PyTorch.
    """

    slots = ("mean", "greatest")
    arguments = ("learning_rate", "beta_1", "beta_2", "epsilon")

    def update(self, w: float, g: float, *slots: float) -> tuple[float, ...]:
        """Return w, m and u after the step."""
        m, u = slots
        m = self.beta_1 * m + (1 - self.beta_1) * g
        # u ← max(β₂ u, |g| + ε)
        u = max(self.beta_2 * u, abs(g) + self.epsilon)
        # w ← w − η m̂ / u
        return w - self.learning_rate * m / (1 - self.power_1) / u, m, u
