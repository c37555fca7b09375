"""What metrics share: the mean over samples, and the greatest of several outputs."""

from ..lists import Matrix, Tensor, Vector, check_shape, dot, shape
from ..losses import as_rows, as_weights


def argmax(values: Vector) -> int:
    """Return where the greatest value is; of several, the first.

    Examples
    --------
    >>> argmax([1.0, 3.0, 3.0])
    1
    """
    return values.index(max(values))


def pair(y_true: Tensor, y_pred: Tensor) -> tuple[Matrix, Matrix]:
    """Return targets and outputs as rows beside each other."""
    outputs, targets = as_rows("y_pred", y_pred), as_rows("y_true", y_true)
    check_shape("y_true", targets, shape(outputs))
    return targets, outputs


def weighted_mean(values: Vector, sample_weight: Vector | None = None) -> float:
    """Return Σ_n w_n v_n / Σ_n w_n, and 0 if the weights sum to zero."""
    weights = as_weights(sample_weight, len(values))
    total = sum(weights)
    return dot(weights, values) / total if total else 0.0
