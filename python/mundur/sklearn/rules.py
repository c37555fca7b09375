"""How the solvers step: scikit-learn's updates, by optimizers of the core."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import optimizers
from ..models.model import Model
from ..optimizers.base import Optimizer
from .inputs import own_optimizer

__all__ = ["Descent", "Moments", "Rule", "rule_of"]


class Rule:
    """An optimizer of ours at a perceptron's work; as it is, it needs no help."""

    def __init__(self, estimator: Any, optimizer: Optimizer, scale: float) -> None:
        self._estimator = estimator
        self._scale = scale  # of the gradient that is meant to the one that the core has
        self.optimizer = optimizer

    def begin_with(self, model: Model) -> None:
        """Before the first step of all."""

    def look_ahead(self, steps: int) -> None:
        """Tells the core the rates of the next steps."""
        self.optimizer.look_ahead(steps)

    def look_back(self) -> None:
        """After them the optimizer's rate is the estimator's again."""

    def epoch_over(self, seen: int) -> None:
        """After an epoch, `seen` samples after the beginning."""

    def slow_down(self) -> bool:
        """Where nothing gets better: whether to go on, more slowly."""
        return False


class Moments(Rule):
    """Adam with ε beside the root of the uncorrected mean: η √(1-β₂ᵗ) / (1-β₁ᵗ) m / (√v + ε).

    Kingma and Ba (2015), end of section 2. The core corrects the means by 1 - βᵗ: with 0 for those
    powers it corrects nothing, and the rates do.
    """

    def begin_with(self, model: Model) -> None:
        """Zeros, and powers that stay 0."""
        zeros = np.zeros(model.native.flat_parameters.size, model.dtype)
        scalars = {"iterations": 0.0, "beta_1_power": 0.0, "beta_2_power": 0.0}
        self.optimizer._native.set_state({"m": zeros, "v": zeros}, scalars)

    def look_ahead(self, steps: int) -> None:
        """The rates of Adam's correction."""
        native = self.optimizer._native  # whose numbers are known to be checked
        self._rate, done = native["learning_rate"], native.iterations
        t = np.arange(done + 1, done + 1 + steps, dtype=np.float64)
        first, second = self.optimizer.beta_1, self.optimizer.beta_2  # type: ignore[attr-defined]
        rates = self._rate * np.sqrt(1 - second**t) / (1 - first**t)
        native.set_learning_rates(done, rates.tolist())

    def look_back(self) -> None:
        """The core's was that of the last step."""
        self.optimizer._native["learning_rate"] = self._rate


class Descent(Rule):
    """SGD whose velocity holds the rate: v ← μ v - η g, where the core has v ← μ v + g."""

    def __init__(self, estimator: Any, optimizer: Optimizer, scale: float) -> None:
        super().__init__(estimator, optimizer, scale)
        self._rate = optimizer.learning_rate

    def look_ahead(self, steps: int) -> None:
        """The rate, whoever set it, in the measure of the core's gradient."""
        self._follow()
        self._asked = self.optimizer._native["learning_rate"]
        self.optimizer._native["learning_rate"] = self._asked * self._scale

    def look_back(self) -> None:
        """In the estimator's measure, for callbacks to read and to set."""
        self.optimizer._native["learning_rate"] = self._asked

    def epoch_over(self, seen: int) -> None:
        """The rate of "invscaling" falls."""
        e = self._estimator
        if e.learning_rate == "invscaling":
            self.optimizer.learning_rate = float(e.learning_rate_init) / (seen + 1) ** e.power_t
        self._follow()

    def slow_down(self) -> bool:
        """The rate of "adaptive" falls to a fifth, until it is 1e-6."""
        rate = self.optimizer.learning_rate
        if self._estimator.learning_rate != "adaptive" or rate <= 1e-6:
            return False
        self.optimizer.learning_rate = rate / 5.0
        self._follow()
        if self._estimator.verbose:
            print(f"Learning rate set to {rate / 5.0:g}")
        return True

    def _follow(self) -> None:
        """Where the rate is another one, the velocity stays what it is as a step."""
        native = self.optimizer._native
        rate = native["learning_rate"]
        if rate in (0.0, self._rate):
            return
        slots, scalars = native.state()
        if "velocity" in slots:
            native.set_state({"velocity": slots["velocity"] * (self._rate / rate)}, scalars)
        self._rate = rate


def rule_of(estimator: Any, scale: float, made: Optimizer | None = None) -> Rule:
    """That of an estimator's solver; `made` is the optimizer of earlier calls."""
    solver, rate = estimator.solver, estimator.learning_rate_init
    if solver == "sgd":
        made = made or optimizers.SGD(
            rate, estimator.momentum, nesterov=estimator.nesterovs_momentum
        )
        return Descent(estimator, made, scale)
    if solver == "adam":
        epsilon = estimator.epsilon / scale
        made = made or optimizers.Adam(rate, estimator.beta_1, estimator.beta_2, epsilon)
        return Moments(estimator, made, scale)
    if made is None:
        made = own_optimizer(solver)
        if isinstance(solver, str):
            made.learning_rate = rate
    return Rule(estimator, made, scale)
