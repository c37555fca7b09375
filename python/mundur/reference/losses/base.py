"""What all losses share: L is the weighted mean of the samples' losses. Read `losses` first."""

import math

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
        y_true, y_pred, sample_weight = in_rows(y_true, y_pred, sample_weight)
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
        if len(shape(y_pred)) > 2:
            flat = self.gradient(*in_rows(y_true, y_pred, sample_weight))
            return nest(flatten(flat), shape(y_pred))
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
