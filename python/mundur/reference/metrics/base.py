"""What metrics share: the mean over samples, and the greatest of several outputs."""

from ..lists import Vector, dot
from ..losses import as_weights


def argmax(values: Vector) -> int:
    """Return where the greatest value is; of several, the first.

    Examples
    --------
    >>> argmax([1.0, 3.0, 3.0])
    1
    """
    return values.index(max(values))


def weighted_mean(values: Vector, sample_weight: Vector | None = None) -> float:
    """Return Σ_n w_n v_n / Σ_n w_n, and 0 if the weights sum to zero."""
    weights = as_weights(sample_weight, len(values))
    total = sum(weights)
    return dot(weights, values) / total if total else 0.0
