"""Losses for classes, from probabilities or from scores.

Losses "from logits" take the scores z from before the sigmoid or softmax. That is more than a
convenience: the logarithm and the exponential cancel on paper, so no rounding can make log 0 of
them, and the gradient becomes "prediction minus target".

Sources: Bishop, *Pattern Recognition and Machine Learning* (2006), sections 4.3.2 and 4.3.4; for
focal losses Lin, Goyal, Girshick, He and Dollár (2017), section 3.
"""

import math

from ..._support.checks import boolean, number
from ..activations import LogSoftmax, Softmax, sigmoid
from ..lists import Matrix, Tensor, Vector, shape
from .base import EPSILON, ElementLoss, Loss, as_rows, clip, is_clipped, refuse


class Crossentropy(Loss):
    """What cross-entropies share: outputs are probabilities p or, from logits, scores z."""

    head = "softmax"

    def __init__(self, from_logits: bool = False, label_smoothing: float = 0.0) -> None:
        self.from_logits = boolean(from_logits, "from_logits")
        self.label_smoothing = number(label_smoothing, "label_smoothing", at_least=0, at_most=1)

    def check_outputs(self, outputs: Matrix) -> None:
        """Raise where probabilities were expected, and something else came."""
        if not self.from_logits:
            check_probabilities(outputs, self.head, "set from_logits=True in the loss or ")


class BinaryCrossentropy(Crossentropy, ElementLoss):
    """ℓ = −1/m Σ_j [t_j log p_j + (1 − t_j) log(1 − p_j)], for yes or no, m times.

    Source: Bishop (2006), section 4.3.2.

    Parameters
    ----------
    from_logits : bool, default False
        Whether the outputs are scores z, with p = sigmoid(z), in place of probabilities p.
    label_smoothing : float, default 0.0
        s of [0, 1]: targets t become t (1 − s) + s / 2.

    Notes
    -----
    Probabilities are clipped to [1e-7, 1 − 1e-7] as in Keras; beyond, the clipped function is
    flat, its gradient 0. From logits, loss and gradient are finite for any finite z.

    Examples
    --------
    >>> round(BinaryCrossentropy()([[1.0]], [[0.5]]), 6)
    0.693147
    >>> BinaryCrossentropy(from_logits=True)([[0.0]], [[1e9]])
    1000000000.0
    """

    head = "sigmoid"

    def element(self, t: float, y: float) -> float:
        """Return one output's loss."""
        return self.from_logit(t, y) if self.from_logits else self.from_probability(t, y)

    def slope(self, t: float, y: float) -> float:
        """Return its derivative by the output: by z where that is a score, else by p."""
        return self.logit_slope(t, y) if self.from_logits else self.probability_slope(t, y)

    @staticmethod
    def from_probability(t: float, p: float) -> float:
        """Return one output's loss from p."""
        # −t log p − (1 − t) log(1 − p)
        p = clip(p)
        return -t * math.log(p) - (1 - t) * math.log1p(-p)

    @staticmethod
    def probability_slope(t: float, p: float) -> float:
        """Return its derivative by p."""
        # −t / p + (1 − t) / (1 − p), and 0 where clipping has made the function flat
        return 0.0 if is_clipped(p) else -t / p + (1 - t) / (1 - p)

    @staticmethod
    def from_logit(t: float, z: float) -> float:
        """Return one output's loss from z, finite for any finite z."""
        # −t log σ(z) − (1 − t) log(1 − σ(z)) = log(1 + e^z) − z t
        #                                     = max(z, 0) − z t + log(1 + e^(−|z|))
        return max(z, 0.0) - z * t + math.log1p(math.exp(-abs(z)))

    @staticmethod
    def logit_slope(t: float, z: float) -> float:
        """Return its derivative by z: prediction minus target."""
        # σ(z) − t
        return sigmoid(z) - t

    def targets(self, y_true: Tensor, outputs: Matrix) -> Matrix:
        """Return the targets, drawn towards ½."""
        return smoothed(super().targets(y_true, outputs), self.label_smoothing, 2)


class CategoricalCrossentropy(Crossentropy):
    """ℓ = −Σ_j t_j log p_j, for one class of several, the target a row of class probabilities.

    Source: Bishop (2006), section 4.3.4; log-sum-exp as in Blanchard, Higham and Higham (2021).

    Parameters
    ----------
    from_logits : bool, default False
        Whether the outputs are scores z, with p = softmax(z), in place of probabilities p.
    label_smoothing : float, default 0.0
        s of [0, 1]: targets t become t (1 − s) + s / m.

    Notes
    -----
    Probabilities are clipped to [1e-7, 1 − 1e-7]; beyond, the clipped function is flat, its
    gradient 0. Keras first divides a row of probabilities by its sum; here the row is taken as
    it is, and native code refuses one whose sum is not 1 (after softmax there is no difference but
    in the gradient's part along the row's sum, which softmax ignores). From logits, loss and
    gradient are finite for any finite z.

    Examples
    --------
    >>> round(CategoricalCrossentropy()([[0.0, 1.0]], [[0.75, 0.25]]), 6)
    1.386294
    >>> CategoricalCrossentropy(from_logits=True).gradient([[0.0, 1.0]], [[3.0, 3.0]])
    [[0.5, -0.5]]
    """

    def sample_loss(self, t: Vector, y: Vector) -> float:
        """Return minus the expected log p."""
        logs = log_softmax(y) if self.from_logits else [math.log(clip(p_j)) for p_j in y]
        # ℓ = −Σ_j t_j log p_j, where 0 log 0 = 0
        return -sum(t_j * log_j for t_j, log_j in zip(t, logs, strict=True) if t_j != 0)

    def sample_gradient(self, t: Vector, y: Vector) -> Vector:
        """Return the slopes by z or by p."""
        if self.from_logits:
            # ∂ℓ/∂z_j = softmax(z)_j Σ_k t_k − t_j
            total = sum(t)
            return [p_j * total - t_j for t_j, p_j in zip(t, Softmax()(y), strict=True)]
        # ∂ℓ/∂p_j = −t_j / p_j, and 0 where clipping has made the function flat
        return [0.0 if is_clipped(p_j) else -t_j / p_j for t_j, p_j in zip(t, y, strict=True)]

    def targets(self, y_true: Tensor, outputs: Matrix) -> Matrix:
        """Return the rows of class probabilities."""
        if len(shape(y_true)) == 1 and len(outputs[0]) > 1:
            raise ValueError(
                f"y_true must have shape {shape(outputs)} for {type(self).__name__}; got "
                f"{shape(y_true)}; integer labels become one-hot with to_categorical(y_true, "
                f"{len(outputs[0])}), or use SparseCategoricalCrossentropy"
            )
        return smoothed(super().targets(y_true, outputs), self.label_smoothing, len(outputs[0]))


class SparseCategoricalCrossentropy(CategoricalCrossentropy):
    """ℓ = −log p_c, for one class of several, the target the class's number c.

    It is the categorical cross-entropy with t_j = 1[j = c].

    Parameters
    ----------
    from_logits : bool, default False
        Whether the outputs are scores z, with p = softmax(z), in place of probabilities p.

    Notes
    -----
    Labels are integers of [0, classes), one per sample: shape (batch,) or (batch, 1). What
    `CategoricalCrossentropy` says of clipping, and of Keras's division by the sum, holds here too.

    Examples
    --------
    >>> round(SparseCategoricalCrossentropy()([1], [[0.75, 0.25]]), 6)
    1.386294
    """

    def __init__(self, from_logits: bool = False) -> None:
        self.from_logits = boolean(from_logits, "from_logits")

    def targets(self, y_true: Tensor, outputs: Matrix) -> Matrix:
        """Return the labels as one-hot rows."""
        labels, classes = as_rows("y_true", y_true), len(outputs[0])
        if len(labels[0]) != 1:
            raise ValueError(
                "y_true must hold one integer label per sample for SparseCategoricalCrossentropy; "
                f"got shape {shape(y_true)}, which looks one-hot: use CategoricalCrossentropy"
            )
        wanted, mend = "y_true must hold whole class numbers", " (counted from 0)"
        refuse(labels, lambda c: c != c // 1, wanted, mend)
        wanted = f"y_true must hold labels in [0, {classes}), one per output"
        refuse(labels, lambda c: not 0 <= c < classes, wanted)
        return [one_hot(label, classes) for [label] in labels]


class KLDivergence(Loss):
    """ℓ = Σ_j t_j log(t_j / p_j): how far a distribution p is from the target t.

    Source: Kullback and Leibler (1951). Both are clipped to [1e-7, 1], as in Keras.

    Examples
    --------
    >>> round(KLDivergence()([[0.5, 0.5]], [[0.75, 0.25]]), 6)
    0.143841
    """

    def check_outputs(self, outputs: Matrix) -> None:
        """Raise where these are no probabilities."""
        check_probabilities(outputs, "softmax")

    def sample_loss(self, t: Vector, y: Vector) -> float:
        """Return the divergence."""
        # ℓ = Σ_j t_j log(t_j / p_j)
        t, p = [list(map(self.inside, row)) for row in (t, y)]
        return sum(t_j * math.log(t_j / p_j) for t_j, p_j in zip(t, p, strict=True))

    def sample_gradient(self, t: Vector, y: Vector) -> Vector:
        """Return the slopes by p."""
        # ∂ℓ/∂p_j = −t_j / p_j, and 0 where clipping has made the function flat
        return [
            0.0 if p_j < EPSILON or p_j > 1 else -self.inside(t_j) / p_j
            for t_j, p_j in zip(t, y, strict=True)
        ]

    @staticmethod
    def inside(p: float) -> float:
        """Return the number of [EPSILON, 1] nearest to p; NaN stays NaN."""
        return min(max(p, EPSILON), 1.0)


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
        self.apply_class_balancing = boolean(apply_class_balancing, "apply_class_balancing")
        self.alpha = number(alpha, "alpha", at_least=0, at_most=1)
        self.gamma = number(gamma, "gamma", at_least=0)

    def weight(self, t: float) -> float:
        """Return w."""
        # t α + (1 − t) (1 − α)
        return t * self.alpha + (1 - t) * (1 - self.alpha) if self.apply_class_balancing else 1.0

    def element(self, t: float, y: float) -> float:
        """Return w q^γ c of one output."""
        p = sigmoid(y) if self.from_logits else y
        c = super().element(t, y)
        return self.weight(t) * math.pow(t * (1 - p) + (1 - t) * p, self.gamma) * c

    def slope(self, t: float, y: float) -> float:
        """Return its derivative by the output: by z where that is a score, else by p."""
        if not self.from_logits and is_clipped(y):
            return 0.0
        p = sigmoid(y) if self.from_logits else y
        q = t * (1 - p) + (1 - t) * p
        c, c_slope = super().element(t, y), super().slope(t, y)
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
        self.alpha = number(alpha, "alpha", at_least=0)
        self.gamma = number(gamma, "gamma", at_least=0)

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


class Hinge(ElementLoss):
    """f = max(1 − t y, 0), t = −1 or 1: scores on the right side by a margin of 1 cost nothing.

    Source: Cortes and Vapnik (1995). Targets of 0 and 1 become −1 and 1, as in Keras.

    Examples
    --------
    >>> Hinge()([[1.0, 0.0]], [[0.5, -2.0]])
    0.25
    """

    def margin(self, t: float, y: float) -> float:
        """Return how much is lacking to the margin."""
        # 1 − t y, with t = −1 for a target of 0
        return 1 - (-1 if t == 0 else t) * y

    def element(self, t: float, y: float) -> float:
        """Return what is lacking to the margin."""
        # max(1 − t y, 0)
        return max(self.margin(t, y), 0.0)

    def slope(self, t: float, y: float) -> float:
        """Return −t short of the margin, else 0."""
        # −t where 1 − t y > 0, else 0
        return -(-1.0 if t == 0 else t) if self.margin(t, y) > 0 else 0.0 * y


class CategoricalHinge(Loss):
    """ℓ = max(1 + max_j (1 − t_j) y_j − Σ_j t_j y_j, 0): the class is to lead by a margin of 1.

    Source: Crammer and Singer (2001), section 3.

    Examples
    --------
    >>> CategoricalHinge()([[0.0, 1.0]], [[0.5, 0.25]])
    1.25
    """

    def lacking(self, t: Vector, y: Vector) -> tuple[float, int]:
        """Return how much is lacking to the margin, and which wrong class is best."""
        # 1 + max_j (1 − t_j) y_j − Σ_j t_j y_j
        others = [(1 - t_j) * y_j for t_j, y_j in zip(t, y, strict=True)]
        best = others.index(max(others))
        return 1 + others[best] - sum(t_j * y_j for t_j, y_j in zip(t, y, strict=True)), best

    def sample_loss(self, t: Vector, y: Vector) -> float:
        """Return what is lacking to the margin."""
        return max(self.lacking(t, y)[0], 0.0)

    def sample_gradient(self, t: Vector, y: Vector) -> Vector:
        """Return a pull on the best wrong class and on the right one."""
        lacks, best = self.lacking(t, y)
        # ∂ℓ/∂y_j = 1[j = best] (1 − t_j) − t_j where something is lacking, else 0
        if not lacks > 0:
            return [0.0] * len(y)
        return [(1 - t_j if j == best else 0.0) - t_j for j, t_j in enumerate(t)]


class SquaredHinge(Hinge):
    """f = max(1 − t y, 0)²: `Hinge` squared, smooth at the margin.

    Examples
    --------
    >>> SquaredHinge()([[1.0, 0.0]], [[0.5, -2.0]])
    0.125
    """

    def element(self, t: float, y: float) -> float:
        """Return the square of what is lacking to the margin."""
        # max(1 − t y, 0)²
        return max(self.margin(t, y), 0.0) ** 2

    def slope(self, t: float, y: float) -> float:
        """Return its derivative."""
        # −2 t max(1 − t y, 0)
        return -2 * (-1 if t == 0 else t) * max(self.margin(t, y), 0.0)


def smoothed(targets: Matrix, s: float, classes: int) -> Matrix:
    """Return t (1 − s) + s / classes for every target: part of the certainty goes to all classes.

    Source: Szegedy and others (2016), section 7.

    Examples
    --------
    >>> smoothed([[0.0, 1.0]], 0.5, 2)
    [[0.25, 0.75]]
    """
    return [[t_j * (1 - s) + s / classes for t_j in row] for row in targets]


def log_softmax(z: Vector) -> Vector:
    """Return log p_j, the row of logarithms of softmax."""
    return LogSoftmax()(z)


def one_hot(label: float, classes: int) -> Vector:
    """Return the row t_j = 1[j = label].

    Examples
    --------
    >>> one_hot(2, 4)
    [0.0, 0.0, 1.0, 0.0]
    """
    return [1.0 if j == label else 0.0 for j in range(classes)]


def check_probabilities(outputs: Matrix, head: str, other: str = "") -> None:
    """Raise for what is no probability; rounding may go a little beyond."""
    mend = f'; {other}end the model in activation="{head}"'
    refuse(outputs, lambda p: p < -1e-6 or p > 1 + 1e-6, "y_pred must lie in [0, 1]", mend)
