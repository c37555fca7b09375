"""Means and sums of numbers, batch by batch, for loops of one's own."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from .. import _core
from .._support.names import checked_keywords
from ..data import arrays
from .base import KERAS, Floats, Summed, by_element, weights_of


class _OfNumbers(Summed):
    @checked_keywords(ignored=KERAS)
    def __init__(self, name: str | None = None) -> None:
        self._set_name(name)

    def check(self, target_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> NoReturn:
        """Raises: it knows no targets."""
        title = type(self).__name__
        raise ValueError(
            f"{title} is for numbers by hand, {title.lower()}.update_state(values); inside fit and "
            "evaluate metrics compare targets with outputs"
        )

    def update_state(self, values: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Takes numbers into account, with weights of theirs, or of their first axes."""
        array = np.atleast_1d(np.asarray(arrays.real_array(values, "values"), np.float64))
        weight = None if sample_weight is None else weights_of(sample_weight, array.shape)
        with _core.to_nearest:
            self._add(self._totals(array, weight))

    def _totals(self, values: Floats, weight: Floats | None) -> tuple[Floats, ...]:
        w = np.ones(values.size) if weight is None else by_element(weight, values.shape)
        return np.asarray((w * values.ravel()).sum()), np.asarray(w.sum())

    def __call__(self, values: Any, sample_weight: Any = None) -> Any:  # type: ignore[override]
        """Takes numbers into account; the result so far."""
        self.update_state(values, sample_weight)
        return self.result()


class Mean(_OfNumbers):
    """The mean of numbers: Σ w v / Σ w, 0 where the weights are.

    Parameters
    ----------
    name : str, default "mean"

    Examples
    --------
    >>> import mundur as md
    >>> losses = md.metrics.Mean()
    >>> losses.update_state(1.0)
    >>> losses.update_state([2.0, 6.0])
    >>> losses.result()
    3.0
    """

    title = "mean"

    def _number(self, *sums: Floats) -> float:
        return float(sums[0] / sums[1]) if sums[1] > 0 else 0.0


class Sum(_OfNumbers):
    """The sum of numbers: Σ w v.

    Parameters
    ----------
    name : str, default "sum"

    Examples
    --------
    >>> import mundur as md
    >>> md.metrics.Sum()([1.0, 3.0, 5.0], sample_weight=[1, 1, 0])
    4.0
    """

    title = "sum"

    def _number(self, *sums: Floats) -> float:
        return float(sums[0])
