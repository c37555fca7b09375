"""Optimizers: one step against the gradient.

Each looks at one weight w and its gradient g at a time, with a few numbers of state per weight;
`update` is the whole rule. Formulas and initial states are PyTorch's, names are Keras's. What all
share, such as weight decay and clipping, is in `optimizer`.
"""

import math
from typing import Any

from ._lookup import check_number
from .lists import Tensor, rows, shape, zeros
from .optimizer import Optimizer, above_zero, fraction

__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Lion",
    "Nadam",
    "Optimizer",
    "RMSprop",
]


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
    arguments = ("learning_rate", "momentum", "nesterov")

    def __init__(
        self,
        learning_rate: float = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **shared: Any,
    ) -> None:
        super().__init__(learning_rate, **shared)
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
        self.beta_1 = fraction("beta_1", beta_1)
        self.beta_2 = fraction("beta_2", beta_2)
        self.epsilon = above_zero("epsilon", epsilon)
        self.amsgrad = amsgrad
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


class RMSprop(Optimizer):
    """Steps of about η: w ← w − η g / (√v + ε), v a running mean of g².

    Source: Hinton, "Neural networks for machine learning", lecture 6e (2012); centred as in Graves
    (2013); ε outside of the root, as in PyTorch.

    Parameters
    ----------
    learning_rate : float, default 0.001
        η.
    rho : float, default 0.9
        ρ of [0, 1): how slowly v forgets.
    momentum : float, default 0.0
        μ of [0, 1].
    epsilon : float, default 1e-7
        ε > 0.
    centered : bool, default False
        v − a² in place of v, with a the running mean of g.
    """

    slots = ("square", "velocity", "mean")
    arguments = ("learning_rate", "rho", "momentum", "epsilon", "centered")

    def __init__(
        self,
        learning_rate: float = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **shared: Any,
    ) -> None:
        super().__init__(learning_rate, **shared)
        self.rho = fraction("rho", rho)
        self.momentum = momentum
        self.epsilon = above_zero("epsilon", epsilon)
        self.centered = centered

    def update(self, w: float, g: float, *slots: float) -> tuple[float, ...]:
        """Return w, v, b and a after the step."""
        v, b, a = slots
        # v ← ρ v + (1 − ρ) g²        a ← ρ a + (1 − ρ) g
        v = self.rho * v + (1 - self.rho) * g * g
        a = self.rho * a + (1 - self.rho) * g
        variance = max(v - a * a, 0.0) if self.centered else v
        # b ← μ b + g / (√v + ε)
        b = self.momentum * b + g / (math.sqrt(variance) + self.epsilon)
        # w ← w − η b
        return w - self.learning_rate * b, v, b, a


class Adagrad(Optimizer):
    """Steps that shrink where gradients have been large: w ← w − η g / (√v + ε), v the sum of g².

    Source: Duchi, Hazan and Singer, "Adaptive subgradient methods" (2011).

    Parameters
    ----------
    learning_rate : float, default 0.001
        η.
    initial_accumulator_value : float, default 0.1
        v at first.
    epsilon : float, default 1e-7
        ε > 0.
    """

    slots = ("sum",)
    arguments = ("learning_rate", "initial_accumulator_value", "epsilon")

    def __init__(
        self,
        learning_rate: float = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **shared: Any,
    ) -> None:
        super().__init__(learning_rate, **shared)
        self.initial_accumulator_value = initial_accumulator_value
        self.epsilon = above_zero("epsilon", epsilon)

    def first(self, slot: str, like: Tensor) -> Tensor:
        """Return the first sums."""
        start = zeros(shape(like))
        for row in rows(start):
            row[:] = [self.initial_accumulator_value] * len(row)
        return start

    def update(self, w: float, g: float, *slots: float) -> tuple[float, ...]:
        """Return w and v after the step."""
        (v,) = slots
        # v ← v + g²
        v += g * g
        # w ← w − η g / (√v + ε)
        return w - self.learning_rate * g / (math.sqrt(v) + self.epsilon), v


class Adadelta(Optimizer):
    """Steps as long as the steps of late, against gradients of late.

    Source: Zeiler, "ADADELTA: an adaptive learning rate method" (2012), whose η is 1.

    Parameters
    ----------
    learning_rate : float, default 0.001
        η.
    rho : float, default 0.95
        ρ of [0, 1).
    epsilon : float, default 1e-7
        ε > 0, under both roots.
    """

    slots = ("square", "step")
    arguments = ("learning_rate", "rho", "epsilon")

    def __init__(
        self,
        learning_rate: float = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        **shared: Any,
    ) -> None:
        super().__init__(learning_rate, **shared)
        self.rho = fraction("rho", rho)
        self.epsilon = above_zero("epsilon", epsilon)

    def update(self, w: float, g: float, *slots: float) -> tuple[float, ...]:
        """Return w, v and d after the step."""
        v, d = slots
        # v ← ρ v + (1 − ρ) g²
        v = self.rho * v + (1 - self.rho) * g * g
        # s = √(d + ε) / √(v + ε) g
        s = math.sqrt(d + self.epsilon) / math.sqrt(v + self.epsilon) * g
        # d ← ρ d + (1 − ρ) s²
        d = self.rho * d + (1 - self.rho) * s * s
        return w - self.learning_rate * s, v, d


class Lion(Optimizer):
    """Steps of exactly η, along the sign of a running mean of gradients.

    Source: Chen et al., "Symbolic discovery of optimization algorithms" (2023).

    Parameters
    ----------
    learning_rate : float, default 0.001
        η.
    beta_1, beta_2 : float, default 0.9 and 0.99
        The mean's share in the step, and how slowly it forgets; of [0, 1).
    """

    slots = ("mean",)
    arguments = ("learning_rate", "beta_1", "beta_2")

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        **shared: Any,
    ) -> None:
        super().__init__(learning_rate, **shared)
        self.beta_1 = fraction("beta_1", beta_1)
        self.beta_2 = fraction("beta_2", beta_2)

    def update(self, w: float, g: float, *slots: float) -> tuple[float, ...]:
        """Return w and m after the step."""
        (m,) = slots
        # c = β₁ m + (1 − β₁) g        w ← w − η sign c
        c = self.beta_1 * m + (1 - self.beta_1) * g
        sign = (c > 0) - (c < 0)
        # m ← β₂ m + (1 − β₂) g
        return w - self.learning_rate * sign, self.beta_2 * m + (1 - self.beta_2) * g
