"""Optimizers that fit the step to each weight's gradients, and Lion."""

import math
from typing import Any

from ..._support.checks import boolean, epsilon_value, number
from ..lists import Tensor, rows, shape, zeros
from .base import Optimizer


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
        self.rho = number(rho, "rho", at_least=0, below=1)
        self.momentum = number(momentum, "momentum", at_least=0, at_most=1)
        self.epsilon = epsilon_value(epsilon)
        self.centered = boolean(centered, "centered")

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
        self.initial_accumulator_value = number(
            initial_accumulator_value, "initial_accumulator_value", at_least=0
        )
        self.epsilon = epsilon_value(epsilon)

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
        self.rho = number(rho, "rho", at_least=0, below=1)
        self.epsilon = epsilon_value(epsilon)

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
        self.beta_1 = number(beta_1, "beta_1", at_least=0, below=1)
        self.beta_2 = number(beta_2, "beta_2", at_least=0, below=1)

    def update(self, w: float, g: float, *slots: float) -> tuple[float, ...]:
        """Return w and m after the step."""
        (m,) = slots
        # c = β₁ m + (1 − β₁) g        w ← w − η sign c
        c = self.beta_1 * m + (1 - self.beta_1) * g
        sign = (c > 0) - (c < 0)
        # m ← β₂ m + (1 − β₂) g
        return w - self.learning_rate * sign, self.beta_2 * m + (1 - self.beta_2) * g
