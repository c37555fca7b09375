"""Which metrics the core computes, and those that NumPy computes over a whole set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .. import _core
from .accuracy import SparseCategoricalAccuracy
from .base import Array, Floats, Metric

if TYPE_CHECKING:
    from ..losses.base import Loss

__all__ = ["forms", "over_set", "room"]


def forms(
    metrics: Sequence[Metric], target_shape: tuple[int, ...], output_shape: tuple[int, ...]
) -> list[str]:
    """The core's names of those it computes, for checked targets and outputs of these shapes."""
    for metric in metrics:
        metric.check(target_shape, output_shape)
    metrics = [metric for metric in metrics if metric.in_core]
    sparse = len(target_shape) < len(output_shape)
    result = [metric.resolve(target_shape, output_shape) for metric in metrics]
    for form in result:
        if (form == SparseCategoricalAccuracy.form) != sparse:
            kind = "integer labels" if sparse else "one value per output"
            raise ValueError(
                f"{form} does not suit targets of {kind} (targets {target_shape}, outputs "
                f"{output_shape}); use 'accuracy', whose form follows from the shapes"
            )
    return result


def room(metrics: Sequence[Metric], shape: tuple[int, ...], dtype: str) -> Array | None:
    """Where training puts outputs of this shape; None where no metric asks for them."""
    return _core.new_array(shape, dtype) if any(not m.in_core for m in metrics) else None


def over_set(
    metrics: Sequence[Metric],
    y: Array,
    outputs: Array,
    weights: Floats | None,
    loss: Loss,
    seen: Array | None = None,
) -> dict[str, float]:
    """What NumPy computes, by name; `seen` are the samples that an unfinished epoch came to."""
    if seen is not None:
        y, outputs = y[seen], outputs[seen]
        weights = None if weights is None else weights[seen]
    return {
        m.name: m.over_set(y, outputs, loss, weights if m._weighted else None)
        for m in metrics
        if not m.in_core
    }
