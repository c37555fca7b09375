"""Losses of a whole batch, not of single samples: of sets that overlap, and of pairs.

With I = Σ t y over all elements of the batch:

    L = 1 − c I / D        ∂L/∂y = −(c t D − c I ∂D/∂y) / D²

so a class of sets says only what c and D are. Weights multiply a sample's terms in every sum. With
the distances d_ij = max(1 − y_i·y_j, 0), P_i the others of i's class and N_i those of another:

    a_i = log Σ_{j ∈ P_i} e^(γ (d_ij + m)(d_ij − m))
    b_i = log Σ_{j ∈ N_i} e^(γ max(1 + m − d_ij, 0)(1 − m − d_ij))
    ℓ_i = softplus(a_i + b_i)        L = Σ_i w_i ℓ_i / Σ_i w_i, over the i that have both
"""

import math
from collections.abc import Iterator

from ..._support.checks import boolean, number
from ..lists import Matrix, Tensor, Vector, check_shape, dot
from .base import EPSILON, Loss, as_weights


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


class Circle(Loss):
    """Embeddings of one class are to be near each other, those of others apart.

    Source: Sun et al., "Circle loss: a unified perspective of pair similarity optimization" (2020),
    as Keras has it.

    Parameters
    ----------
    gamma : float, default 80.0
        γ > 0.
    margin : float, default 0.4
        m >= 0.
    remove_diagonal : bool, default True
        Whether i is not in P_i.

    Examples
    --------
    >>> round(Circle(gamma=2.0)([0, 0, 1], [[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]]), 6)
    0.915035
    """

    def __init__(
        self, gamma: float = 80.0, margin: float = 0.4, remove_diagonal: bool = True
    ) -> None:
        self.gamma = number(gamma, "gamma", above=0)
        self.margin = number(margin, "margin", at_least=0)
        self.remove_diagonal = boolean(remove_diagonal, "remove_diagonal")

    def term(self, d: float, alike: bool) -> tuple[float, float]:
        """Return what stands in the exponent for a pair at distance d, and its slope."""
        gamma, m = self.gamma, self.margin
        if alike:
            # γ (d + m)(d − m)        ∂/∂d = 2 γ d
            return gamma * (d + m) * (d - m), 2 * gamma * d
        # γ max(1 + m − d, 0)(1 − m − d)        ∂/∂d = −2 γ (1 − d) where d < 1 + m, else 0
        nearness = max(1 + m - d, 0.0)
        return gamma * nearness * (1 - m - d), -2 * gamma * (1 - d) if nearness else 0.0

    def pairs(self, labels: Vector, y: Matrix) -> Iterator[tuple[int, float, Vector]]:
        """Yield i, ℓ_i and ∂ℓ_i/∂(y_i·y_j) of the samples that have pairs of both kinds."""
        for i, y_i in enumerate(y):
            slopes = [0.0] * len(y)
            sums = []
            for alike in (True, False):
                terms = {}
                for j, y_j in enumerate(y):
                    similarity = dot(y_i, y_j)
                    is_pair = (labels[i] == labels[j]) == alike
                    if is_pair and not (alike and self.remove_diagonal and i == j):
                        term, slope = self.term(max(1 - similarity, 0.0), alike)
                        # ∂d/∂(y_i·y_j) = −1 where the distance is not 0
                        terms[j] = term, -slope if similarity < 1 else 0.0
                if not terms:
                    break
                top = max(term for term, _ in terms.values())
                whole = sum(math.exp(term - top) for term, _ in terms.values())
                sums.append(top + math.log(whole))
                # ∂ log Σ_k e^(x_k) / ∂x_j = e^(x_j) / Σ_k e^(x_k)
                for j, (term, slope) in terms.items():
                    slopes[j] = math.exp(term - top) / whole * slope
            else:
                z = sum(sums)
                # softplus(z) = max(z, 0) + log(1 + e^(−|z|)), whose slope is σ(z)
                loss = max(z, 0.0) + math.log1p(math.exp(-abs(z)))
                sigma = math.exp(min(z, 0.0)) / (1 + math.exp(-abs(z)))
                yield i, loss, [sigma * slope for slope in slopes]

    def __call__(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Vector | None = None
    ) -> float:
        """Return the loss of the batch."""
        weights = self.check(y_true, y_pred, sample_weight)
        found = [(weights[i], loss) for i, loss, _ in self.pairs(y_true, y_pred)]
        total = sum(w for w, _ in found)
        return sum(w * loss for w, loss in found) / total if total else 0.0

    def gradient(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Vector | None = None
    ) -> Tensor:
        """Return ∂L/∂y_pred."""
        weights = self.check(y_true, y_pred, sample_weight)
        found = [(i, slopes) for i, _, slopes in self.pairs(y_true, y_pred)]
        total = sum(weights[i] for i, _ in found) or math.inf
        gradient = [[0.0] * len(row) for row in y_pred]
        for i, slopes in found:
            for j, slope in enumerate(slopes):
                share = weights[i] / total * slope
                for k in range(len(gradient[i])):
                    # ∂(y_i·y_j)/∂y_i = y_j        ∂(y_i·y_j)/∂y_j = y_i
                    gradient[i][k] += share * y_pred[j][k]
                    gradient[j][k] += share * y_pred[i][k]
        return gradient

    def check(self, y_true: Tensor, y_pred: Tensor, sample_weight: Vector | None) -> Vector:
        """Return the weights, once all shapes are found to fit."""
        samples, _ = check_shape("y_pred", y_pred, (None, None))
        check_shape("y_true", y_true, (samples,))
        return as_weights(sample_weight, samples)
