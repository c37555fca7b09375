"""Losses of sets that overlap: Tversky's index and its special case, Dice's, of a whole batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _core
from .._support.checks import choice, identifier, integer, items, number
from .._support.config import rebuild
from .._support.names import checked_keywords
from ..data import arrays
from ..data.targets import in_unit_interval, like_outputs
from .base import KERAS, MEAN, Loss

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

_EPSILON = 1e-7  # what keeps the quotient finite; Keras's number


class _Overlap(Loss):
    """1 - c I / (d I + α Σ y + β Σ p + ε), I = Σ y p: along some axes, or of all there is.

    NumPy computes it, in float64, by sums and products that are the same on every machine.
    """

    name: str
    reduction: str | None
    axis: tuple[int, ...] | None

    def _keep(self, reduction: Any, name: Any, axis: Any) -> None:
        choice(reduction, "reduction", MEAN, "mean", "mean_with_sample_weight", "sum", "none", None)
        self.reduction = None if reduction == "none" else reduction
        self.name = identifier(name, "name")
        if axis is not None:
            axis = items(axis, "axis") if isinstance(axis, (tuple, list)) else [axis]
            axis = tuple(integer(a, f"axis[{i}]", -32) for i, a in enumerate(axis))
        self.axis = axis

    def _numbers(self) -> tuple[float, float, float, float]:
        """c, d, α and β."""
        raise NotImplementedError

    def __reduce__(self) -> Any:
        return rebuild, (type(self), self.get_config())

    def _suited(self, y: Array, shape: tuple[int, ...], name: str) -> Array:
        title = type(self).__name__
        y = like_outputs(y, shape, name, title, f"; it has {shape[-1]} numbers per sample")
        in_unit_interval(y, name, title)
        return y

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The loss of predictions; one number for each place of the other axes for no reduction."""
        with _core.to_nearest:
            common, whole, *_ = self._sums(y_true, y_pred, sample_weight)
            losses = 1 - self._numbers()[0] * common / whole
            if _weighs_nothing(sample_weight):
                losses = np.zeros_like(losses)
        if self.reduction is None:
            return losses if losses.ndim else float(losses)
        return float(losses.sum() if self.reduction == "sum" else losses.mean())

    def gradient(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Array:
        """∂loss/∂y_pred, of y_pred's shape; of the losses' sum where reduction is None."""
        with _core.to_nearest:
            common, whole, y, w, axes, dtype = self._sums(y_true, y_pred, sample_weight)
            c, d, _, beta = self._numbers()
            common, whole = (np.expand_dims(part, axes) for part in (common, whole))
            slope = -c * w * (y * whole - common * (d * y + beta)) / (whole * whole)
            if self.reduction not in ("sum", None):
                slope /= common.size
            return np.asarray(0 * slope if _weighs_nothing(sample_weight) else slope, dtype)

    def _sums(
        self, y_true: Any, y_pred: Any, sample_weight: Any
    ) -> tuple[Floats, Floats, Floats, Floats, tuple[int, ...], Any]:
        """I and the denominator, the targets, the weights, the axes of sums, y_pred's type."""
        p = arrays.real_array(y_pred, "y_pred")
        y = arrays.real_array(y_true, "y_true")
        if p.ndim == 0 or p.size == 0 or y.shape != p.shape:
            raise ValueError(
                f"{type(self).__name__} needs y_true and y_pred of one shape; got {y.shape} and "
                f"{p.shape}"
            )
        given = range(p.ndim) if self.axis is None else self.axis
        axes = tuple(sorted({integer(a, "axis", -p.ndim, p.ndim - 1) % p.ndim for a in given}))
        w: Floats = np.ones((1,) * p.ndim)
        if sample_weight is not None:
            weight = arrays.weights(sample_weight, len(p))
            w = weight.reshape(-1, *(1,) * (p.ndim - 1))
        _, d, alpha, beta = self._numbers()
        y, q = y.astype(np.float64), p.astype(np.float64)
        common = _total(w * (y * q), axes)
        whole = d * common + alpha * _total(w * y, axes) + beta * _total(w * q, axes) + _EPSILON
        dtype = np.float32 if p.dtype == np.float32 else np.float64
        return common, whole, y, w, axes, dtype


def _weighs_nothing(sample_weight: Any) -> bool:
    return sample_weight is not None and not np.any(sample_weight)


def _total(values: Floats, axes: tuple[int, ...]) -> Floats:
    """Sums over some axes, each over numbers that lie side by side: one order for all strides."""
    others = [axis for axis in range(values.ndim) if axis not in axes]
    kept = tuple(values.shape[axis] for axis in others)
    rows = np.ascontiguousarray(values.transpose(*others, *axes))
    return np.asarray(rows.reshape(*kept, -1).sum(axis=-1))


class Tversky(_Overlap):
    """How little predicted sets overlap with true ones, what is missed and what is too much apart.

    L = 1 - I / (I + α Σ y (1 - p) + β Σ p (1 - y) + 10⁻⁷), I = Σ y p (Salehi, Erdogmus and
    Gholipour, 2017). The sums run over the whole batch, or over `axis`; L is then the mean over
    the other axes. Weights multiply a sample's terms in every sum. For masks and rare labels,
    where most elements are rightly 0.

    Parameters
    ----------
    alpha, beta : float, default 0.5
        What a miss costs, and a false alarm; α = β = ½ is `Dice`.
    reduction : str or None, default "sum_over_batch_size"
        See `mundur.losses`; of a whole batch there is one number anyway.
    name : str, default "tversky"
    axis : int or tuple of int, optional
        Over which the sums run, the samples' axis being 0.

    Raises
    ------
    ValueError
        When called with y_true and y_pred of different shapes, or y_true outside [0, 1].

    Examples
    --------
    >>> import mundur as md
    >>> round(md.losses.Tversky()([[1.0], [0.0]], [[0.5], [0.5]]), 6)
    0.5
    """

    kind = "tversky"

    @checked_keywords(ignored=KERAS)
    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: str | None = MEAN,
        name: str = "tversky",
        axis: int | tuple[int, ...] | None = None,
    ) -> None:
        self.alpha = number(alpha, "alpha", at_least=0)
        self.beta = number(beta, "beta", at_least=0)
        self._keep(reduction, name, axis)

    def _numbers(self) -> tuple[float, float, float, float]:
        return 1.0, 1 - self.alpha - self.beta, self.alpha, self.beta


class Dice(_Overlap):
    """How little predicted sets overlap with true ones: L = 1 - 2 Σ y p / (Σ y + Σ p + 10⁻⁷).

    The sums run over the whole batch, or over `axis`; L is then the mean over the other axes
    (Milletari, Navab and Ahmadi, 2016, with p in place of p²). Weights as in `Tversky`.

    Parameters
    ----------
    reduction : str or None, default "sum_over_batch_size"
        See `mundur.losses`; of a whole batch there is one number anyway.
    name : str, default "dice"
    axis : int or tuple of int, optional
        Over which the sums run, the samples' axis being 0.

    Raises
    ------
    ValueError
        When called with y_true and y_pred of different shapes, or y_true outside [0, 1].

    Examples
    --------
    >>> import mundur as md
    >>> round(md.losses.Dice()([[1.0], [0.0]], [[0.5], [0.5]]), 6)
    0.5
    """

    kind = "dice"

    @checked_keywords(ignored=KERAS)
    def __init__(
        self,
        reduction: str | None = MEAN,
        name: str = "dice",
        axis: int | tuple[int, ...] | None = None,
    ) -> None:
        self._keep(reduction, name, axis)

    def _numbers(self) -> tuple[float, float, float, float]:
        return 2.0, 0.0, 1.0, 1.0
