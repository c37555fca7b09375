"""Focal losses: each term of a cross-entropy times a power of what is wrong with the answer.

Source: Lin, Goyal, Girshick, He and Dollár (2017), section 3.
"""

import math

from ._lookup import check_number
from .activations import Softmax, sigmoid
from .crossentropies import BinaryCrossentropy, CategoricalCrossentropy, log_softmax
from .lists import Vector
from .loss import clip, is_clipped


class BinaryFocalCrossentropy(BinaryCrossentropy):
    """ℓ = 1/m Σ_j w_j q_j^γ c_j, where c is the binary cross-entropy of output j.

    q = t (1 − p) + (1 − t) p is how wrong the answer is, and w = t α + (1 − t) (1 − α) the weight
    of its class, or 1 without balancing.

    Parameters
    ----------
    apply_class_balancing : bool, default False
        Whether α weighs the classes.
    alpha : float, default 0.25
        The weight of class 1; class 0 has 1 − α.
    gamma : float, default 2.0
        The power, 0 or more.
    from_logits : bool, default False
        Whether the outputs are scores z, with p = sigmoid(z), in place of probabilities p.
    label_smoothing : float, default 0.0
        s of [0, 1]: targets t become t (1 − s) + s / 2.

    Examples
    --------
    >>> round(BinaryFocalCrossentropy()([[1.0]], [[0.5]]), 6)
    0.173287
    """

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(from_logits, label_smoothing)
        check_focus(alpha, gamma)
        self.apply_class_balancing = apply_class_balancing
        self.alpha = alpha
        self.gamma = gamma

    def weight(self, t: float) -> float:
        """Return w."""
        # t α + (1 − t) (1 − α)
        return t * self.alpha + (1 - t) * (1 - self.alpha) if self.apply_class_balancing else 1.0

    def sample_loss(self, t: Vector, y: Vector) -> float:
        """Return the mean over the m outputs."""
        # ℓ = 1/m Σ_j w_j q_j^γ c_j
        return sum(map(self.element, t, y)) / len(y)

    def sample_gradient(self, t: Vector, y: Vector) -> Vector:
        """Return the slopes of the m outputs, over m."""
        return [self.slope(t_j, y_j) / len(y) for t_j, y_j in zip(t, y, strict=True)]

    def element(self, t: float, y: float) -> float:
        """Return w q^γ c of one output."""
        p = sigmoid(y) if self.from_logits else y
        c = self.from_logit(t, y) if self.from_logits else self.from_probability(t, y)
        return self.weight(t) * math.pow(t * (1 - p) + (1 - t) * p, self.gamma) * c

    def slope(self, t: float, y: float) -> float:
        """Return its derivative by the output: by z where that is a score, else by p."""
        if not self.from_logits and is_clipped(y):
            return 0.0
        p = sigmoid(y) if self.from_logits else y
        q = t * (1 - p) + (1 - t) * p
        c = self.from_logit(t, y) if self.from_logits else self.from_probability(t, y)
        c_slope = self.logit_slope(t, y) if self.from_logits else self.probability_slope(t, y)
        # ∂q/∂p = 1 − 2t, and ∂p/∂z = p (1 − p)
        q_slope = (1 - 2 * t) * (p * (1 - p) if self.from_logits else 1.0)
        # w (γ q^(γ−1) ∂q/∂y c + q^γ ∂c/∂y), nothing where nothing is wrong
        bend = self.gamma * math.pow(q, self.gamma) * (q_slope / q) * c if q else 0.0
        return self.weight(t) * (bend + math.pow(q, self.gamma) * c_slope)


class CategoricalFocalCrossentropy(CategoricalCrossentropy):
    """ℓ = −Σ_j α (1 − p_j)^γ t_j log p_j.

    Parameters
    ----------
    alpha : float, default 0.25
        A factor of all classes.
    gamma : float, default 2.0
        The power, 0 or more.
    from_logits : bool, default False
        Whether the outputs are scores z, with p = softmax(z), in place of probabilities p.
    label_smoothing : float, default 0.0
        s of [0, 1]: targets t become t (1 − s) + s / m.

    Examples
    --------
    >>> round(CategoricalFocalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]]), 6)
    0.043322
    """

    def __init__(
        self,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(from_logits, label_smoothing)
        check_focus(alpha, gamma)
        self.alpha = alpha
        self.gamma = gamma

    def sample_loss(self, t: Vector, y: Vector) -> float:
        """Return the cross-entropy's terms, each times α (1 − p)^γ."""
        logs = log_softmax(y) if self.from_logits else [math.log(clip(p_j)) for p_j in y]
        # ℓ = −Σ_j α (1 − p_j)^γ t_j log p_j
        return -sum(
            self.alpha * math.pow(1 - math.exp(log_j), self.gamma) * t_j * log_j
            for t_j, log_j in zip(t, logs, strict=True)
        )

    def sample_gradient(self, t: Vector, y: Vector) -> Vector:
        """Return the slopes by z or by p."""
        if not self.from_logits:
            return [
                0.0 if is_clipped(p_j) else self.pull(t_j, p_j, math.log(p_j)) / p_j
                for t_j, p_j in zip(t, y, strict=True)
            ]
        p = Softmax()(y)
        pulls = list(map(self.pull, t, p, log_softmax(y)))
        # ∂ℓ/∂z_j = p_j ∂ℓ/∂p_j − p_j Σ_k p_k ∂ℓ/∂p_k
        total = sum(pulls)
        return [pull_j - p_j * total for p_j, pull_j in zip(p, pulls, strict=True)]

    def pull(self, t: float, p: float, log_p: float) -> float:
        """Return p ∂ℓ/∂p of one output."""
        # α t (γ (1 − p)^(γ−1) p log p − (1 − p)^γ), where nothing is wrong the second part alone
        q = 1 - p
        bend = self.gamma * math.pow(q, self.gamma) / q * p * log_p if q else 0.0
        return self.alpha * t * (bend - math.pow(q, self.gamma))


def check_focus(alpha: float, gamma: float) -> None:
    """Raise unless both are numbers of 0 or more."""
    for name, value in (("alpha", alpha), ("gamma", gamma)):
        check_number(name, value)
        if not 0 <= value < math.inf:
            raise ValueError(f"{name}: expected a finite number of 0 or more, got {value!r}")
