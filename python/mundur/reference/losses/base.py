"""What all losses share: L is the weighted mean of what each sample costs.

`loss(y_true, y_pred)` is L, `loss.gradient(y_true, y_pred)` is ∂L/∂y_pred. With t the targets and y
the model's outputs, ℓ the loss of one sample and w_n its weight, where weights are given:

    L = Σ_n w_n ℓ_n / Σ_n w_n        ∂L/∂y_nj = w_n / Σ_n w_n · ∂ℓ_n/∂y_nj

so a kind of loss says only what ℓ is. Where ℓ is itself a mean over the m outputs of a sample, L is
the mean over every element. If the weights sum to zero, there is nothing to learn from: loss and
gradient are zero.
"""

import math
from collections.abc import Callable

from ..lists import Matrix, Tensor, Vector, check_shape, dot, flatten, nest, shape

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
            Outputs, of shape (batch, outputs); shape (batch,) stands for (batch, 1). With more axes
            each place of the last, such as a time step, counts as a sample of its sample's weight.
        sample_weight : list of float, optional
            One weight per sample.

        Raises
        ------
        ValueError
            If the shapes do not fit each other, or a label is not one of the classes.
        """
        targets, outputs, weights = self.checked(*in_rows(y_true, y_pred, sample_weight))
        # L = Σ_n w_n ℓ_n / Σ_n w_n
        total = sum(weights)
        if total == 0:
            return 0.0
        return dot(weights, list(map(self.sample_loss, targets, outputs))) / total

    def gradient(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Vector | None = None
    ) -> Tensor:
        """Return ∂L/∂y_pred, of the shape of y_pred; parameters as for the loss itself."""
        if len(shape(y_pred)) > 2:
            flat = self.gradient(*in_rows(y_true, y_pred, sample_weight))
            return nest(flatten(flat), shape(y_pred))
        targets, outputs, weights = self.checked(y_true, y_pred, sample_weight)
        # ∂L/∂y_nj = w_n / Σ_n w_n · ∂ℓ_n/∂y_nj
        total = sum(weights) or math.inf
        gradient = [
            [w_n / total * g for g in self.sample_gradient(t_n, y_n)]
            for w_n, t_n, y_n in zip(weights, targets, outputs, strict=True)
        ]
        return gradient if len(shape(y_pred)) == 2 else [g for [g] in gradient]

    def checked(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Vector | None
    ) -> tuple[Matrix, Matrix, Vector]:
        """Return targets and outputs as rows beside each other, and the weights of the samples."""
        outputs = as_rows("y_pred", y_pred)
        self.check_outputs(outputs)
        if len(y_true) != len(outputs):
            raise ValueError(
                "y_pred and y_true must have the same number of samples; y_pred has "
                f"{len(outputs)}, y_true has {len(y_true)}"
            )
        return self.targets(y_true, outputs), outputs, as_weights(sample_weight, len(outputs))

    def check_outputs(self, outputs: Matrix) -> None:
        """Raise for outputs that the loss is not made for."""

    def targets(self, y_true: Tensor, outputs: Matrix) -> Matrix:
        """Return the targets as rows beside the outputs' rows."""
        targets = as_rows("y_true", y_true)
        if shape(targets) != shape(outputs):
            raise ValueError(
                f"y_true must have shape {shape(outputs)} for {type(self).__name__}; got "
                f"{shape(y_true)}"
            )
        return targets

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({options})"


class ElementLoss(Loss):
    """A mean over outputs: subclasses say `element` and `slope`."""

    def element(self, t: float, y: float) -> float:
        """Return f of one target t and output y."""
        raise NotImplementedError

    def slope(self, t: float, y: float) -> float:
        """Return ∂f/∂y."""
        raise NotImplementedError

    def sample_loss(self, t: Vector, y: Vector) -> float:
        """Return the mean over the m outputs."""
        # ℓ = 1/m Σ_j f(t_j, y_j)
        return sum(map(self.element, t, y)) / len(y)

    def sample_gradient(self, t: Vector, y: Vector) -> Vector:
        """Return the slopes of the m outputs, over m."""
        # ∂ℓ/∂y_j = 1/m ∂f/∂y_j
        return [self.slope(t_j, y_j) / len(y) for t_j, y_j in zip(t, y, strict=True)]


def clip(p: float) -> float:
    """Return the number of [EPSILON, 1 − EPSILON] nearest to p; NaN stays NaN.

    Examples
    --------
    >>> clip(0.5), clip(-2.0)
    (0.5, 1e-07)
    """
    return min(max(p, EPSILON), 1 - EPSILON)


def is_clipped(p: float) -> bool:
    """Say whether `clip` moves p, so that its slope there is 0."""
    return p < EPSILON or p > 1 - EPSILON


def in_rows(
    y_true: Tensor, y_pred: Tensor, sample_weight: Vector | None
) -> tuple[Tensor, Tensor, Vector | None]:
    """Return all three with each place of the last axis as a sample of its own.

    Examples
    --------
    >>> in_rows([[0, 1]], [[[0.2, 0.8], [0.3, 0.7]]], [5.0])
    ([0, 1], [[0.2, 0.8], [0.3, 0.7]], [5.0, 5.0])
    """
    extents = shape(y_pred)
    if len(extents) <= 2:
        return y_true, y_pred, sample_weight
    rows = math.prod(extents[:-1])
    targets: Tensor = flatten(y_true)
    if len(targets) != rows:
        check_shape("y_true", y_true, extents)
        targets = nest(targets, (rows, extents[-1]))
    if sample_weight is not None:
        check_shape("sample_weight", sample_weight, extents[:1])
        sample_weight = [w for w in sample_weight for _ in range(rows // extents[0])]
    return targets, nest(flatten(y_pred), (rows, extents[-1])), sample_weight


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


def refuse(rows: Matrix, bad: Callable[[float], bool], wanted: str, mend: str = "") -> None:
    """Raise with the first bad value, if there is one; NaN may be anything."""
    for n, row in enumerate(rows):
        for value in filter(bad, row):
            raise ValueError(f"{wanted}; got {value} at sample {n}{mend}")
