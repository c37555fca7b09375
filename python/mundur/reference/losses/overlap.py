"""Losses of sets that overlap: of a whole batch, not of single samples.

With I = Σ t y over all elements of the batch:

    L = 1 − c I / D        ∂L/∂y = −(c t D − c I ∂D/∂y) / D²

so a class below says only what c and D are. Weights multiply a sample's terms in every sum.
"""

from ..._support.checks import number
from ..lists import Tensor, Vector
from .base import EPSILON, Loss


class Tversky(Loss):
    """L = 1 − I / (I + α Σ t (1 − y) + β Σ y (1 − t) + 1e-7): misses cost α, false alarms β.

    Source: Salehi, Erdogmus and Gholipour (2017).

    Examples
    --------
    >>> round(Tversky()([[1.0], [0.0]], [[0.5], [0.5]]), 6)
    0.5
    """

    def __init__(self, alpha: float = 0.5, beta: float = 0.5) -> None:
        self.alpha = number(alpha, "alpha", at_least=0)
        self.beta = number(beta, "beta", at_least=0)

    def numbers(self) -> tuple[float, float, float, float]:
        """Return c, and what I, Σ t and Σ y count for in D."""
        # I + α (Σ t − I) + β (Σ y − I) = (1 − α − β) I + α Σ t + β Σ y
        return 1.0, 1 - self.alpha - self.beta, self.alpha, self.beta

    def sums(self, y_true: Tensor, y_pred: Tensor, sample_weight: Vector | None) -> Vector:
        """Return I and D."""
        targets, outputs, weights = self.checked(y_true, y_pred, sample_weight)
        _, of_both, of_t, of_y = self.numbers()
        both = t_sum = y_sum = 0.0
        for w, t, y in zip(weights, targets, outputs, strict=True):
            both += w * sum(t_j * y_j for t_j, y_j in zip(t, y, strict=True))
            t_sum += w * sum(t)
            y_sum += w * sum(y)
        return [both, of_both * both + of_t * t_sum + of_y * y_sum + EPSILON]

    def __call__(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Vector | None = None
    ) -> float:
        """Return the loss of the batch."""
        if sample_weight is not None and not sum(sample_weight):
            return 0.0
        both, whole = self.sums(y_true, y_pred, sample_weight)
        # L = 1 − c I / D
        return 1 - self.numbers()[0] * both / whole

    def gradient(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Vector | None = None
    ) -> Tensor:
        """Return ∂L/∂y_pred."""
        both, whole = self.sums(y_true, y_pred, sample_weight)
        targets, _, weights = self.checked(y_true, y_pred, sample_weight)
        c, of_both, _, of_y = self.numbers()
        # ∂L/∂y_nj = −c w_n (t_nj D − I (d t_nj + β)) / D²
        if not sum(weights):
            c = 0.0
        rows = [
            [0.0 - c * w * (t_j * whole - both * (of_both * t_j + of_y)) / whole**2 for t_j in t]
            for w, t in zip(weights, targets, strict=True)
        ]
        return rows if isinstance(y_pred[0], list) else [value for [value] in rows]


class Dice(Tversky):
    """L = 1 − 2 I / (Σ t + Σ y + 1e-7), twice what sets share over both their sizes.

    Source: Milletari, Navab and Ahmadi (2016), with y in place of y².

    Examples
    --------
    >>> round(Dice()([[1.0], [0.0]], [[0.5], [0.5]]), 6)
    0.5
    """

    def __init__(self) -> None:
        """Take nothing: misses and false alarms cost the same."""

    def __repr__(self) -> str:
        return "Dice()"

    def numbers(self) -> tuple[float, float, float, float]:
        """Return c, and what I, Σ t and Σ y count for in D."""
        return 2.0, 0.0, 1.0, 1.0
