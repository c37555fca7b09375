"""How much of the targets' variance predictions explain."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._support.checks import choice, integer
from .._support.names import checked_keywords
from .base import KERAS, Array, Floats, Summed, by_element, pair


class R2Score(Summed):
    """The share of the targets' variance that predictions explain: R² = 1 - SSE / SST.

    For each output j: SSEⱼ = Σᵢ wᵢ (yᵢⱼ - pᵢⱼ)², SSTⱼ = Σᵢ wᵢ (yᵢⱼ - ȳⱼ)²; 1 is perfect, 0 is as
    good as the mean. Where all targets are equal it is 1 for no error and 0 otherwise, as in
    scikit-learn.

    Parameters
    ----------
    class_aggregation : {"uniform_average", "variance_weighted_average"} or None
        How outputs are joined, default "uniform_average"; the other is 1 - Σⱼ SSEⱼ / Σⱼ SSTⱼ. None
        gives one number per output, by hand only.
    num_regressors : int, default 0
        p of them make it the adjusted R² = 1 - (1 - R²)(n - 1) / (n - p - 1), where n - 1 > p.
    name : str, default "r2_score"

    Raises
    ------
    ValueError
        For another class_aggregation.

    Examples
    --------
    >>> import mundur as md
    >>> md.metrics.R2Score()([[1.0], [2.0], [3.0]], [[1.0], [2.0], [2.0]])
    0.5
    """

    title = "r2_score"
    larger_is_better = True

    @checked_keywords(ignored=KERAS)
    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = None,
    ) -> None:
        known = ("uniform_average", "variance_weighted_average", None)
        self.class_aggregation = choice(class_aggregation, "class_aggregation", *known)
        self.num_regressors = integer(num_regressors, "num_regressors")
        self._set_name(name)

    def check(self, target_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> None:
        """Raises for other shapes, and where one number per output would not fit into the logs."""
        if target_shape != output_shape:
            raise ValueError(
                f"R2Score compares numbers; it does not suit targets of shape {target_shape} and "
                f"outputs of shape {output_shape}"
            )
        if self.class_aggregation is None and output_shape[-1] > 1:
            raise ValueError("inside fit and evaluate R2Score needs a class_aggregation")

    def _sums(self, y_true: Array, y_pred: Array, weight: Floats | None) -> tuple[Floats, ...]:
        """Weights, targets' means, Σ w (y - mean)², Σ w (y - p)², for each output; rows."""
        y, p = pair(y_true, y_pred, "R2Score")
        w = np.ones_like(y)
        if weight is not None:
            w = by_element(weight, y_pred.shape).reshape(y.shape)
        total = w.sum(axis=0)
        mean = (w * y).sum(axis=0) / np.where(total > 0, total, 1.0)
        return (
            *(total, mean, (w * (y - mean) ** 2).sum(axis=0), (w * (y - p) ** 2).sum(axis=0)),
            np.asarray(float(len(y))),
        )

    def _joined(self, first: tuple[Floats, ...], then: tuple[Floats, ...]) -> tuple[Floats, ...]:
        """Chan, Golub and LeVeque (1983): no difference of large squares."""
        (w1, mean1, sst1, sse1, n1), (w2, mean2, sst2, sse2, n2) = first, then
        total = w1 + w2
        share = w2 / np.where(total > 0, total, 1.0)
        apart = mean2 - mean1
        spread = sst1 + sst2 + apart**2 * w1 * share
        return total, mean1 + apart * share, spread, sse1 + sse2, n1 + n2

    def _number(self, *sums: Floats) -> Any:
        total, _, sst, sse, rows = sums
        if not (total > 0).any():
            return 0.0
        if self.class_aggregation == "variance_weighted_average":
            sse, sst = sse.sum(keepdims=True), sst.sum(keepdims=True)
        flat = sst == 0
        scores = np.where(flat, np.where(sse == 0, 1.0, 0.0), 1 - sse / np.where(flat, 1.0, sst))
        left = float(rows) - 1 - self.num_regressors
        if self.num_regressors and left > 0:
            scores = 1 - (1 - scores) * (float(rows) - 1) / left
        return scores if self.class_aggregation is None else float(scores.mean())
