"""Losses: how wrong the outputs are, L, and in which direction, ∂L/∂y.

`loss(y_true, y_pred)` is L, `loss.gradient(y_true, y_pred)` is ∂L/∂y_pred. Every loss here is a
mean over samples, weighted if weights w_n are given:

    L = Σ_n w_n ℓ_n / Σ_n w_n        ∂L/∂y_nj = w_n / Σ_n w_n · ∂ℓ_n/∂y_nj

so a class below says only what ℓ, the loss of one sample, is. Where ℓ is itself a mean over the m
outputs of a sample, L is the mean over every element. If the weights sum to zero, there is nothing
to learn from: loss and gradient are zero.

Losses "from logits" take the scores z from before the sigmoid or softmax. That is more than a
convenience: the logarithm and the exponential cancel on paper, so no rounding can make log 0 of
them, and the gradient becomes "prediction minus target".
"""

import math

from .activations import Softmax, sigmoid
from .lists import Matrix, Tensor, Vector, check_shape, dot, shape

EPSILON = 1e-7
"""Probabilities are clipped to [EPSILON, 1 − EPSILON] before a logarithm, as in Keras."""


class Loss:
    """A mean of per-sample losses: subclasses say `sample_loss` and `sample_gradient`."""

    def sample_loss(self, t: Vector, y: Vector) -> float:
        """Return ℓ of one sample with targets t and outputs y."""
        raise NotImplementedError

    def sample_gradient(self, t: Vector, y: Vector) -> Vector:
        """Return ∂ℓ/∂y_j of one sample."""
        raise NotImplementedError

    def __call__(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Vector | None = None
    ) -> float:
        """Return the loss L.

        Parameters
        ----------
        y_true : list
            Targets, of the shape of y_pred (labels for the sparse loss: one integer per sample).
        y_pred : list
            Outputs, of shape (batch, outputs); shape (batch,) stands for (batch, 1).
        sample_weight : list of float, optional
            One weight per sample.

        Raises
        ------
        ValueError
            If the shapes do not fit each other, or a label is not one of the classes.
        """
        outputs = as_rows("y_pred", y_pred)
        self.check_outputs(outputs)
        targets = self.targets(y_true, outputs)
        weights = as_weights(sample_weight, len(outputs))
        # L = Σ_n w_n ℓ_n / Σ_n w_n
        total = sum(weights)
        if total == 0:
            return 0.0
        return dot(weights, list(map(self.sample_loss, targets, outputs))) / total

    def gradient(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Vector | None = None
    ) -> Tensor:
        """Return ∂L/∂y_pred, of the shape of y_pred; parameters as for the loss itself."""
        outputs = as_rows("y_pred", y_pred)
        self.check_outputs(outputs)
        targets = self.targets(y_true, outputs)
        weights = as_weights(sample_weight, len(outputs))
        # ∂L/∂y_nj = w_n / Σ_n w_n · ∂ℓ_n/∂y_nj
        total = sum(weights) or math.inf
        gradient = [
            [w_n / total * g for g in self.sample_gradient(t_n, y_n)]
            for w_n, t_n, y_n in zip(weights, targets, outputs, strict=True)
        ]
        return gradient if len(shape(y_pred)) == 2 else [g for [g] in gradient]

    def check_outputs(self, outputs: Matrix) -> None:
        """Raise where a loss of probabilities was given something else."""
        if getattr(self, "from_logits", True):
            return
        for n, row in enumerate(outputs):
            for p in row:
                # Rounding may lead a little beyond.
                if p < -1e-6 or p > 1 + 1e-6:
                    raise ValueError(
                        f"y_pred: expected probabilities in [0, 1], got {p} at sample {n}; set "
                        "from_logits=True or end the model in sigmoid or softmax"
                    )

    def targets(self, y_true: Tensor, outputs: Matrix) -> Matrix:
        """Return the targets as rows beside the outputs' rows."""
        targets = as_rows("y_true", y_true)
        check_shape("y_true", targets, shape(outputs))
        return targets

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({options})"


class MeanSquaredError(Loss):
    """ℓ = 1/m Σ_j (y_j − t_j)², for numbers.

    With two outputs and one sample it is the Σ ½ (t − o)² of many course notes.

    Examples
    --------
    >>> loss = MeanSquaredError()
    >>> loss([[1.0, 2.0]], [[1.0, 5.0]])
    4.5
    >>> loss.gradient([[1.0, 2.0]], [[1.0, 5.0]])
    [[0.0, 3.0]]
    """

    def sample_loss(self, t: Vector, y: Vector) -> float:
        """Return the mean of squared errors."""
        # ℓ = 1/m Σ_j (y_j − t_j)²
        return sum((y_j - t_j) * (y_j - t_j) for t_j, y_j in zip(t, y, strict=True)) / len(y)

    def sample_gradient(self, t: Vector, y: Vector) -> Vector:
        """Return twice the errors, over m."""
        # ∂ℓ/∂y_j = 2/m (y_j − t_j)
        return [2 * (y_j - t_j) / len(y) for t_j, y_j in zip(t, y, strict=True)]


class BinaryCrossentropy(Loss):
    """ℓ = −1/m Σ_j [t_j log p_j + (1 − t_j) log(1 − p_j)], for yes or no, m times.

    Source: Bishop (2006), section 4.3.2.

    Parameters
    ----------
    from_logits : bool, default False
        Whether the outputs are scores z, with p = sigmoid(z), in place of probabilities p.

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

    def __init__(self, from_logits: bool = False) -> None:
        self.from_logits = from_logits

    def sample_loss(self, t: Vector, y: Vector) -> float:
        """Return the mean over the m outputs."""
        element = self.from_logit if self.from_logits else self.from_probability
        return sum(map(element, t, y)) / len(y)

    def sample_gradient(self, t: Vector, y: Vector) -> Vector:
        """Return the slopes of the m outputs, over m."""
        slope = self.logit_slope if self.from_logits else self.probability_slope
        return [slope(t_j, y_j) / len(y) for t_j, y_j in zip(t, y, strict=True)]

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


class CategoricalCrossentropy(Loss):
    """ℓ = −Σ_j t_j log p_j, for one class of several, the target a row of class probabilities.

    Source: Bishop (2006), section 4.3.4; log-sum-exp as in Blanchard, Higham and Higham (2021).

    Parameters
    ----------
    from_logits : bool, default False
        Whether the outputs are scores z, with p = softmax(z), in place of probabilities p.

    Notes
    -----
    Probabilities are clipped to [1e-7, 1 − 1e-7]; beyond, the clipped function is flat, its
    gradient 0. Keras first divides a row of probabilities by its sum; here the row is taken as
    it is (after softmax the sum is 1 and there is no difference but in the gradient's part along
    the row's sum, which softmax ignores). From logits, loss and gradient are finite for any
    finite z.

    Examples
    --------
    >>> round(CategoricalCrossentropy()([[0.0, 1.0]], [[0.75, 0.25]]), 6)
    1.386294
    >>> CategoricalCrossentropy(from_logits=True).gradient([[0.0, 1.0]], [[3.0, 3.0]])
    [[0.5, -0.5]]
    """

    def __init__(self, from_logits: bool = False) -> None:
        self.from_logits = from_logits

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
                f"y_true: expected rows of class probabilities, shape {shape(outputs)}, got "
                f"{shape(y_true)}; labels belong to SparseCategoricalCrossentropy"
            )
        return super().targets(y_true, outputs)


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

    def targets(self, y_true: Tensor, outputs: Matrix) -> Matrix:
        """Return the labels as one-hot rows."""
        labels = as_rows("y_true", y_true)
        if len(labels[0]) != 1:
            raise ValueError(
                f"y_true: expected one label per sample, got shape {shape(y_true)}; "
                "one-hot rows belong to CategoricalCrossentropy"
            )
        check_shape("y_true", labels, (len(outputs), 1))
        return [one_hot(label, len(outputs[0])) for [label] in labels]


def clip(p: float) -> float:
    """Return the number of [EPSILON, 1 − EPSILON] nearest to p; NaN stays NaN."""
    return min(max(p, EPSILON), 1 - EPSILON)


def is_clipped(p: float) -> bool:
    """Say whether `clip` moves p, so that its slope there is 0."""
    return p < EPSILON or p > 1 - EPSILON


def log_softmax(z: Vector) -> Vector:
    """Return log p_j = z_j − log Σ_k e^(z_k), the maximum taken away first: nothing overflows.

    Examples
    --------
    >>> log_softmax([1e9, -1e9])
    [0.0, -2000000000.0]
    """
    top = max(z)
    log_sum = math.log(sum(math.exp(z_k - top) for z_k in z))
    return [z_j - top - log_sum for z_j in z]


def one_hot(label: float, classes: int) -> Vector:
    """Return the row t_j = 1[j = label].

    Raises
    ------
    ValueError
        If the label is not one of 0, 1, ..., classes − 1.

    Examples
    --------
    >>> one_hot(2, 4)
    [0.0, 0.0, 1.0, 0.0]
    """
    if label not in range(classes):
        raise ValueError(f"y_true: expected labels of 0, ..., {classes - 1}, got {label!r}")
    return [1.0 if j == label else 0.0 for j in range(classes)]


def as_rows(what: str, y: Tensor) -> Matrix:
    """Return y of shape (batch, outputs) as it is, of shape (batch,) as (batch, 1)."""
    if len(shape(y)) == 1:
        y = [[value] for value in y]
    check_shape(what, y, (None, None))
    return y


def as_weights(sample_weight: Vector | None, samples: int) -> Vector:
    """Return one weight for each sample; all are 1 if none are given."""
    if sample_weight is None:
        return [1.0] * samples
    check_shape("sample_weight", sample_weight, (samples,))
    return sample_weight
