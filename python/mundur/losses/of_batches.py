"""Losses of a whole batch: of sets that overlap, Tversky's and Dice's, and of pairs, Circle's."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _core
from .._support.checks import boolean, choice, identifier, integer, items, number
from .._support.config import rebuild
from .._support.names import checked_keywords
from ..data import arrays
from ..data.targets import in_unit_interval, like_outputs, refuse
from .base import KERAS, MEAN, Formula, KnownLoss

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

_NONE: Floats = np.empty(0)
_EPSILON = 1e-7  # what keeps the quotient finite; Keras's number
_softmax, _log_softmax, _softplus, _sigmoid = (
    _core.ActivationFunction(name, ()) for name in ("softmax", "log_softmax", "softplus", "sigmoid")
)


class _Overlap(KnownLoss):
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
        self._check_sets(y, name)
        return y

    def _check_sets(self, y: Array, name: str) -> None:
        arrays.check_finite(y, name)
        in_unit_interval(y, name, type(self).__name__)

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
        y, w, axes = self._taken(y_true, p.shape, sample_weight)
        _, d, alpha, beta = self._numbers()
        q = p.astype(np.float64)
        common = _total(w * (y * q), axes)
        whole = d * common + alpha * _total(w * y, axes) + beta * _total(w * q, axes) + _EPSILON
        dtype = np.float32 if p.dtype == np.float32 else np.float64
        return common, whole, y, w, axes, dtype

    def _taken(
        self, y_true: Any, shape: tuple[int, ...], sample_weight: Any
    ) -> tuple[Floats, Floats, tuple[int, ...]]:
        """The targets of predictions of this shape, the weights, the axes of sums."""
        y = arrays.real_array(y_true, "y_true")
        if 0 in shape or not shape or y.shape != shape:
            raise ValueError(
                f"{type(self).__name__} needs y_true and y_pred of one shape; got {y.shape} and "
                f"{shape}"
            )
        self._check_sets(y, "y_true")
        given = range(len(shape)) if self.axis is None else self.axis
        axes = tuple(sorted({integer(a, "axis", -y.ndim, y.ndim - 1) % y.ndim for a in given}))
        w: Floats = np.ones((1,) * y.ndim)
        if sample_weight is not None:
            weight = arrays.weights(sample_weight, len(y))
            w = weight.reshape(-1, *(1,) * (y.ndim - 1))
        return y.astype(np.float64), w, axes

    def _formula(self) -> Formula | None:
        if type(self) not in (Tversky, Dice):
            return None
        c, d, alpha, beta = self._numbers()
        numbers = {"c": c, "d": d, "alpha": alpha, "beta": beta}
        return "overlap", {**numbers, "sums": float(self.reduction == "sum")}

    def _terms(self, y_true: Any, shape: tuple[int, ...], sample_weight: Any) -> tuple[Any, ...]:
        y, w, axes = self._taken(y_true, shape, sample_weight)
        order = [*(axis for axis in range(y.ndim) if axis not in axes), *axes]
        groups = y.size // math.prod(shape[axis] for axis in axes)

        def laid_out(values: Floats) -> Floats:
            return np.ascontiguousarray(values.transpose(order)).reshape(-1)

        weights = _NONE if sample_weight is None else laid_out(np.broadcast_to(w, shape))
        return laid_out(y), weights, _NONE, shape, order, groups, 1.0


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


class Circle(KnownLoss):
    """Embeddings of one class are to be near each other, those of others apart, in a batch.

    With the distances dᵢⱼ = max(1 - pᵢ·pⱼ, 0) of rows of length 1, what `UnitNormalization` makes,

        Lᵢ = softplus(log Σ_(j of i's class) e^(γ (dᵢⱼ + m)(dᵢⱼ - m))
                      + log Σ_(j of others) e^(γ max(1 + m - dᵢⱼ, 0)(1 - m - dᵢⱼ)))

    and L is the mean of Lᵢ over the samples that have both, weighted where weights are given (Sun
    et al., 2020, as Keras has it: its gradient goes through the factors of the differences, too).
    y_true are labels, one integer for each sample. It looks at pairs, so batches must be large
    enough to hold some of each class. The core's products and functions compute it in float64, the
    same on every machine.

    Parameters
    ----------
    gamma : float, default 80.0
        γ > 0: how sharply the worst pairs count.
    margin : float, default 0.4
        m >= 0.
    remove_diagonal : bool, default True
        Whether a sample is no pair with itself.
    reduction : str or None, default "sum_over_batch_size"
        See `mundur.losses`.
    name : str, default "circle"

    Raises
    ------
    ValueError
        When called with y_true that are no labels, one for each row of y_pred.

    Examples
    --------
    >>> import mundur as md
    >>> p = [[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]]
    >>> round(md.losses.Circle(gamma=2.0)([0, 0, 1], p), 6)
    0.915035
    """

    kind = "circle"

    name: str
    reduction: str | None

    @checked_keywords(ignored=KERAS)
    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
        reduction: str | None = MEAN,
        name: str = "circle",
    ) -> None:
        self.gamma = number(gamma, "gamma", above=0)
        self.margin = number(margin, "margin", at_least=0)
        self.remove_diagonal = boolean(remove_diagonal, "remove_diagonal")
        choice(reduction, "reduction", MEAN, "mean", "mean_with_sample_weight", "sum", "none", None)
        self.reduction = None if reduction == "none" else reduction
        self.name = identifier(name, "name")

    def __reduce__(self) -> Any:
        return rebuild, (type(self), self.get_config())

    def _suited(self, y: Array, shape: tuple[int, ...], name: str) -> Array:
        return _labels(y, shape[0], name)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The loss of embeddings; one number for each sample for no reduction."""
        with _core.to_nearest:
            p, labels, weights = self._checked(y_true, y_pred, sample_weight)
            pairs = Pairs(self, p, labels, p, labels)
            losses = weights * pairs.losses()
            if self.reduction is None:
                return losses
            return float(losses.sum() * self._share(pairs.there, weights))

    def gradient(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Array:
        """∂loss/∂y_pred, of y_pred's shape; of the losses' sum where reduction is None."""
        with _core.to_nearest:
            p, labels, weights = self._checked(y_true, y_pred, sample_weight)
            pairs = Pairs(self, p, labels, p, labels)
            slopes = pairs.slopes() * (weights * self._share(pairs.there, weights))[:, None]
            found = _core.matrix_product(slopes + slopes.T, p)
            dtype = np.float32 if np.asarray(y_pred).dtype == np.float32 else np.float64
            return found.astype(dtype, copy=False)

    def _formula(self) -> Formula | None:
        if type(self) is not Circle:
            return None
        numbers = {"gamma": self.gamma, "margin": self.margin}
        return "circle", {**numbers, "itself": float(not self.remove_diagonal)}

    def _terms(self, y_true: Any, shape: tuple[int, ...], sample_weight: Any) -> tuple[Any, ...]:
        with _core.to_nearest:
            _, labels, weights = self._checked(y_true, np.zeros(shape), sample_weight)
            there = _there(*_kinds(self, labels, labels))
            classes = np.unique(labels, return_inverse=True)[1].reshape(-1)
            told = (np.ascontiguousarray(one, np.float64) for one in (classes, weights, there))
            return *told, (), (), 1, self._share(there, weights)

    def _share(self, there: Array, weights: Floats) -> float:
        """What the sum of the samples' losses is multiplied by."""
        if self.reduction in ("sum", None):
            return 1.0
        total = float(weights[there].sum())
        return 1.0 / total if total else 0.0

    def _checked(
        self, y_true: Any, y_pred: Any, sample_weight: Any
    ) -> tuple[Floats, Array, Floats]:
        p = _embeddings(y_pred, "y_pred")
        labels = _labels(arrays.real_array(y_true, "y_true"), len(p), "y_true")
        weights: Floats = np.ones(len(p))
        if sample_weight is not None:
            weights = np.asarray(arrays.weights(sample_weight, len(p)), np.float64)
        return p, labels, weights


class Pairs:
    """Samples beside others, the same ones or references."""

    def __init__(
        self, loss: Circle, p: Floats, labels: Array, others: Floats, their_labels: Array
    ) -> None:
        self._gamma, self._margin = loss.gamma, loss.margin
        similar = _core.matrix_product(p, np.ascontiguousarray(others.T))
        self._moves = similar < 1  # else the distance is 0, and stays
        self._distance = np.maximum(1 - similar, 0)
        self._alike, self._others = _kinds(loss, labels, their_labels)
        self.there = _there(self._alike, self._others)

    def _parts(self) -> tuple[Floats, Floats]:
        """What stands in both sums, of the rows that have both."""
        m, d = self._margin, self._distance[self.there]
        near = self._gamma * (d + m) * (d - m)
        far = self._gamma * np.maximum(1 + m - d, 0) * (1 - m - d)
        return (
            np.where(self._alike[self.there], near, -np.inf),
            np.where(self._others[self.there], far, -np.inf),
        )

    def losses(self) -> Floats:
        """That of each sample; 0 where it has no pair of either kind."""
        found = np.zeros(len(self.there))
        if self.there.any():
            near, far = self._parts()
            found[self.there] = _softplus(_log_sum(near) + _log_sum(far))
        return found

    def slopes(self) -> Floats:
        """∂Lᵢ/∂(pᵢ·pⱼ)."""
        found = np.zeros(self._distance.shape)
        if not self.there.any():
            return found
        m, d = self._margin, self._distance[self.there]
        near, far = self._parts()
        of_sum = _sigmoid(_log_sum(near) + _log_sum(far))[:, None]
        by_distance = _softmax(near) * (2 * self._gamma * d)
        by_distance -= _softmax(far) * np.where(d < 1 + m, 2 * self._gamma * (1 - d), 0)
        found[self.there] = np.where(self._moves[self.there], -of_sum * by_distance, 0)
        return found


def _kinds(loss: Circle, labels: Array, their_labels: Array) -> tuple[Array, Array]:
    """Which samples are a pair of one class, and which of two."""
    alike = labels[:, None] == their_labels[None, :]
    return alike & (np.eye(*alike.shape) == 0) if loss.remove_diagonal else alike, ~alike


def _there(alike: Array, others: Array) -> Array:
    """The samples that have both."""
    return np.asarray(alike.any(axis=1) & others.any(axis=1))


def _log_sum(x: Floats) -> Floats:
    """Log Σ eˣ of each row, which holds a finite number."""
    at = x.argmax(axis=1)[:, None]
    found = np.take_along_axis(x, at, 1) - np.take_along_axis(_log_softmax(x), at, 1)
    return np.asarray(found[:, 0])


def _embeddings(value: Any, name: str) -> Floats:
    p = arrays.real_array(value, name)
    if p.ndim != 2 or p.size == 0:
        raise ValueError(f"{name} must be of shape (samples, numbers) for Circle; got {p.shape}")
    return np.ascontiguousarray(p, np.float64)


def _labels(y: Array, samples: int, name: str) -> Array:
    if y.shape not in ((samples,), (samples, 1)):
        raise ValueError(
            f"{name} must hold one integer label per sample for Circle, {samples}; got shape "
            f"{y.shape}"
        )
    y = y.reshape(samples)
    refuse(y, y != np.floor(y), f"{name} must hold whole class numbers for Circle")
    return y


def circle(
    y_true: Any,
    y_pred: Any,
    ref_labels: Any = None,
    ref_embeddings: Any = None,
    remove_diagonal: bool = True,
    gamma: float = 80.0,
    margin: float = 0.4,
) -> Array:
    """`Circle` of each sample, against the others or against references.

    Examples
    --------
    >>> import mundur as md
    >>> p = [[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]]
    >>> md.losses.circle([0, 0, 1], p, gamma=2.0).round(4)
    array([0.5459, 1.2842, 0.    ])
    """
    loss = Circle(gamma, margin, remove_diagonal, None)
    p = _embeddings(y_pred, "y_pred")
    labels = _labels(arrays.real_array(y_true, "y_true"), len(p), "y_true")
    others = p if ref_embeddings is None else _embeddings(ref_embeddings, "ref_embeddings")
    known = labels
    if ref_labels is not None:
        known = _labels(arrays.real_array(ref_labels, "ref_labels"), len(others), "ref_labels")
    if len(known) != len(others) or p.shape[1] != others.shape[1]:
        raise ValueError(
            "ref_labels and ref_embeddings must go together, and the embeddings have as many "
            f"numbers as y_pred's; got {len(known)} labels, shapes {others.shape} and {p.shape}"
        )
    with _core.to_nearest:
        return Pairs(loss, p, labels, others, known).losses()
