"""Optimizers that fit the step to each weight's gradients, and Lion."""

import math
from collections.abc import Iterator
from typing import Any

from ..._support.checks import SMALLEST, boolean, epsilon_value, number
from ..lists import Matrix, Tensor, Vector, is_list, rows, shape, zeros
from .base import Optimizer, squares


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


class Ftrl(Optimizer):
    """The regularised leader is followed: w is a function of all gradients so far.

    Source: McMahan et al., "Ad click prediction: a view from the trenches" (2013), as Keras has it.

    Parameters
    ----------
    learning_rate : float, default 0.001
        η; where it is 0 nothing changes.
    learning_rate_power : float, default -0.5
        −p, at most 0.
    initial_accumulator_value : float, default 0.1
        n at first.
    l1_regularization_strength, l2_regularization_strength : float, default 0.0
        λ₁ and λ₂.
    l2_shrinkage_regularization_strength : float, default 0.0
        λₛ.
    beta : float, default 0.0
        β.
    """

    slots = ("accumulator", "linear")
    arguments = (
        "learning_rate",
        "learning_rate_power",
        "initial_accumulator_value",
        "l1_regularization_strength",
        "l2_regularization_strength",
        "l2_shrinkage_regularization_strength",
        "beta",
    )

    def __init__(
        self,
        learning_rate: float = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        **shared: Any,
    ) -> None:
        super().__init__(learning_rate, **shared)
        self.learning_rate_power = number(learning_rate_power, "learning_rate_power", at_most=0)
        self.initial_accumulator_value = number(
            initial_accumulator_value, "initial_accumulator_value", at_least=0
        )
        self.l1_regularization_strength = number(
            l1_regularization_strength, "l1_regularization_strength", at_least=0
        )
        self.l2_regularization_strength = number(
            l2_regularization_strength, "l2_regularization_strength", at_least=0
        )
        self.l2_shrinkage_regularization_strength = number(
            l2_shrinkage_regularization_strength, "l2_shrinkage_regularization_strength", at_least=0
        )
        self.beta = number(beta, "beta", at_least=0)

    def first(self, slot: str, like: Tensor) -> Tensor:
        """Return n and z at first."""
        start = zeros(shape(like))
        for row in rows(start):
            row[:] = [self.initial_accumulator_value if slot == "accumulator" else 0.0] * len(row)
        return start

    def update(self, w: float, g: float, *slots: float) -> tuple[float, ...]:
        """Return w, n and z after the step."""
        n, z = slots
        eta, p = self.learning_rate, -self.learning_rate_power
        if eta == 0:
            return w, n, z
        # n′ = n + g²        z ← z + g + 2 λₛ w − (n′ᵖ − nᵖ) / η · w
        before, n = n, n + g * g
        z += g + 2 * self.l2_shrinkage_regularization_strength * w - (n**p - before**p) / eta * w
        # w ← (min(max(z, −λ₁), λ₁) − z) / ((n′ᵖ + β) / η + 2 λ₂)
        l1 = self.l1_regularization_strength
        curve = (n**p + self.beta) / eta + 2 * self.l2_regularization_strength
        return (min(max(z, -l1), l1) - z) / curve, n, z


class Adafactor(Optimizer):
    """Steps relative to the size of a parameter, over the root of what is known of its gradients.

    Source: Shazeer and Stern, "Adafactor: adaptive learning rates with sublinear memory cost"
    (2018), as Keras has it. It looks at whole parameters; a parameter of more than two axes is
    matrices, its last two axes.

    Parameters
    ----------
    learning_rate : float, default 0.001
        η.
    beta_2_decay : float, default -0.8
        d, at most 0.
    epsilon_1 : float, default 1e-30
        ε₁ > 0.
    epsilon_2 : float, default 0.001
        ε₂ >= 0.
    clip_threshold : float, default 1.0
        c > 0.
    relative_step : bool, default True
        Without effect.
    """

    slots = ("rows", "columns")
    arguments = (
        "learning_rate",
        "beta_2_decay",
        "epsilon_1",
        "epsilon_2",
        "clip_threshold",
        "relative_step",
    )

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        **shared: Any,
    ) -> None:
        super().__init__(learning_rate, **shared)
        self.beta_2_decay = number(beta_2_decay, "beta_2_decay", at_most=0)
        self.epsilon_1 = number(epsilon_1, "epsilon_1", at_least=SMALLEST)
        self.epsilon_2 = number(epsilon_2, "epsilon_2", at_least=0)
        self.clip_threshold = number(clip_threshold, "clip_threshold", at_least=SMALLEST)
        self.relative_step = boolean(relative_step, "relative_step")
        self.t = 0

    def begin_step(self) -> None:
        """Count the step."""
        self.t += 1

    def first(self, slot: str, like: Tensor) -> Tensor:
        """Return means of 0: of each row, of each column; of a vector its elements' own."""
        sizes = shape(like)
        if len(sizes) == 1:
            return zeros(sizes)
        return zeros(sizes[:-1] if slot == "rows" else (*sizes[:-2], sizes[-1]))

    def update_parameter(self, w: Tensor, g: Tensor, slots: dict[str, Tensor]) -> None:
        """Update one parameter, and its state, in place."""
        # β = 1 − tᵈ        ρ = min(η, 1/√t)
        beta = 1 - self.t**self.beta_2_decay
        rate = min(self.learning_rate, 1 / math.sqrt(self.t))
        steps: Matrix = []
        for matrix, a, b in zip(
            matrices(g), rows(slots["rows"]), rows(slots["columns"]), strict=True
        ):
            steps += self.steps(matrix, a, b, beta)
        # w ← w − ρ max(ε₂, rms(w)) u / max(1, rms(u) / c)
        size = sum(map(len, steps))
        rate *= max(self.epsilon_2, math.sqrt(squares(w) / size))
        rate /= max(1.0, math.sqrt(squares(steps) / size) / self.clip_threshold)
        for w_row, u_row in zip(rows(w), steps, strict=True):
            w_row[:] = [w_i - rate * u_i for w_i, u_i in zip(w_row, u_row, strict=True)]

    def steps(self, g: Matrix, a: Vector, b: Vector, beta: float) -> Matrix:
        """Return u = g / √v, and move what is known of v on; of a vector in a list that is all."""
        s = [[g_ij * g_ij + self.epsilon_1 for g_ij in row] for row in g]
        if len(g) == 1 and len(a) == len(g[0]):
            # v ← β v + (1 − β) s
            a[:] = [beta * v + (1 - beta) * s_j for v, s_j in zip(a, s[0], strict=True)]
            return [[g_j / math.sqrt(v) for g_j, v in zip(g[0], a, strict=True)]]
        # a_i ← β a_i + (1 − β) Σ_j s_ij / C        b_j ← β b_j + (1 − β) Σ_i s_ij / R
        a[:] = [
            beta * a_i + (1 - beta) * sum(s_i) / len(s_i) for a_i, s_i in zip(a, s, strict=True)
        ]
        b[:] = [
            beta * b_j + (1 - beta) * sum(s_i[j] for s_i in s) / len(s) for j, b_j in enumerate(b)
        ]
        # v_ij = a_i b_j / (Σ_k a_k / R)
        mean = sum(a) / len(a)
        return [
            [g_ij / math.sqrt(a_i / mean * b_j) for g_ij, b_j in zip(g_i, b, strict=True)]
            for g_i, a_i in zip(g, a, strict=True)
        ]


def matrices(x: Tensor) -> Iterator[Matrix]:
    """Walk over the innermost matrices of `x`; a vector is a matrix of one row.

    Examples
    --------
    >>> list(matrices([1.0, 2.0])), list(matrices([[[1.0]], [[2.0]]]))
    ([[[1.0, 2.0]]], [[[1.0]], [[2.0]]])
    """
    if not is_list(x[0]):
        yield [x]
    elif not is_list(x[0][0]):
        yield x
    else:
        for part in x:
            yield from matrices(part)
