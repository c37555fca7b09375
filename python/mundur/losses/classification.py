"""Losses of classes: cross-entropies, focal ones too, divergence and hinges."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from .._support.checks import boolean, integer, number
from .._support.names import checked_keywords
from ..data.targets import in_unit_interval, label_targets, refuse, signs
from .base import KERAS, MEAN, NativeLoss

Array = npt.NDArray[Any]

# Activations without values below 0.
UNSIGNED = {"relu", "relu6", "sigmoid", "hard_sigmoid", "softmax", "softplus", "exponential"}


_SLACK = 1e-2  # of a sum of probabilities, which may have come in float16


class _FromProbabilities(NativeLoss):
    """Those that take probabilities, and targets in [0, 1]."""

    _head: ClassVar[str]  # the activation whose outputs it is made for
    _mend: ClassVar[str] = "set from_logits=True in the loss or "

    def _check_values(self, y: Array, name: str) -> None:
        in_unit_interval(y, name, type(self).__name__)

    def _check_predictions(self, p: Array, name: str = "y_pred") -> None:
        slack = 1e-6  # rounding may go a little beyond
        if not self.from_logits and (p.min() < -slack or p.max() > 1 + slack):
            mend = f'; {self._mend}end the model in activation="{self._head}"'
            refuse(p, (p < -slack) | (p > 1 + slack), f"{name} must lie in [0, 1]", mend)


class _Crossentropy(_FromProbabilities):
    """Those that take logits, too."""

    _other_heads: ClassVar[tuple[str, ...]] = ()

    def _check_head(self, head: str, output_shape: tuple[int, ...]) -> None:
        title = type(self).__name__
        if self.from_logits:
            if head in ("sigmoid", "softmax"):
                raise ValueError(
                    f"{title} expects logits, but the model ends in {head}; drop that activation "
                    "or set from_logits=False"
                )
        elif head not in (self._head, "custom", *self._other_heads):
            raise ValueError(
                f"{title} expects probabilities, but the model ends in {head}; set "
                f'from_logits=True in the loss or activation="{self._head}" in the last layer'
            )


class _Binary(_Crossentropy):
    """Those of yes or no, for each output by itself."""

    _head = "sigmoid"
    _other_heads = ("softmax", "hard_sigmoid")

    def _check_head(self, head: str, output_shape: tuple[int, ...]) -> None:
        units = output_shape[-1]
        if head == "softmax" and units <= 2 and not self.from_logits:
            raise ValueError(
                f"{type(self).__name__} does not suit a softmax of {units} outputs; use "
                "SparseCategoricalCrossentropy (labels) or CategoricalCrossentropy (one-hot), or "
                'one output with activation="sigmoid"'
            )
        super()._check_head(head, output_shape)

    def _classes(self, y: Array, outputs: int) -> tuple[int, Array] | None:
        if outputs != 1:
            return None
        return 2, np.rint(y.reshape(len(y), math.prod(y.shape[1:]))[:, 0])


class _Categorical(_Crossentropy):
    """Those of one class of several."""

    _head = "softmax"
    _exclusive = True

    def _check_head(self, head: str, output_shape: tuple[int, ...]) -> None:
        if output_shape[-1] < 2:
            raise ValueError(
                f"{type(self).__name__} needs one output per class, at least 2; the model has "
                f"{output_shape[-1]}. For two classes with one output use BinaryCrossentropy and "
                'activation="sigmoid"'
            )
        super()._check_head(head, output_shape)

    def _hint(self, y: Array, outputs: int, name: str) -> str:
        return super()._hint(y, outputs, name) + ", or use SparseCategoricalCrossentropy"

    def _check_predictions(self, p: Array, name: str = "y_pred") -> None:
        super()._check_predictions(p, name)
        if self.from_logits:
            return
        sums = p.sum(axis=-1, dtype=np.float64, keepdims=True)
        refuse(
            sums,
            abs(sums - 1) > _SLACK,
            f"{name} must hold probabilities, whose sum is 1 in every row",
            f"; divide by the sum, {name} / {name}.sum(axis=-1, keepdims=True)",
        )

    def _classes(self, y: Array, outputs: int) -> tuple[int, Array] | None:
        return outputs, y.argmax(axis=-1)


class _Hinges(NativeLoss):
    """Those that take scores, and targets that are signs."""

    def _check_head(self, head: str, output_shape: tuple[int, ...]) -> None:
        if head in UNSIGNED:
            raise ValueError(
                f"{type(self).__name__} expects scores on both sides of 0, but the model ends in "
                f"{head}; drop that activation"
            )

    def _check_values(self, y: Array, name: str) -> None:
        signs(y, name, type(self).__name__)


class BinaryCrossentropy(_Binary):
    """For targets of yes or no: one output for two classes, or several that do not exclude another.

    L = -Σᵢⱼ (yᵢⱼ log pᵢⱼ + (1 - yᵢⱼ) log(1 - pᵢⱼ)) / (n·m) (Bishop, 2006, section 4.3.2).
    From logits z, p = 1 / (1 + e⁻ᶻ), computed as max(z, 0) - z·y + log(1 + e^-|z|), which is finite
    for every finite z; ∂L/∂z = (p - y) / (n·m).

    Parameters
    ----------
    from_logits : bool, default False
        Whether predictions are logits (a linear last layer) instead of probabilities.
    label_smoothing : float, default 0.0
        s in [0, 1]: targets become y (1 - s) + s / 2, so that no answer is to be certain.
    axis : int, default -1
        Of the outputs that belong together.
    reduction : str or None, default "sum_over_batch_size"
        See `mundur.losses`.
    name : str, default "binary_crossentropy"

    Raises
    ------
    ValueError
        When called with different shapes ((n,) equals (n, 1)) or y_true outside [0, 1].

    Examples
    --------
    >>> import mundur as md
    >>> loss = md.losses.BinaryCrossentropy(from_logits=True)
    >>> round(loss([1, 0], [0.0, 0.0]), 6)
    0.693147
    """

    kind = "binary_crossentropy"

    @checked_keywords(ignored=KERAS)
    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = MEAN,
        name: str = "binary_crossentropy",
    ) -> None:
        self.from_logits = boolean(from_logits, "from_logits")
        self._keep_axis(axis)
        self.label_smoothing = number(label_smoothing, "label_smoothing", at_least=0, at_most=1)
        self._prepare(reduction, name, label_smoothing=self.label_smoothing)


class CategoricalCrossentropy(_Categorical):
    """For one class of several, the targets one-hot rows (or distributions) over the classes.

    L = -Σᵢⱼ yᵢⱼ log pᵢⱼ / n (Bishop, 2006, section 4.3.4).
    From logits z, p = softmax(z), through log Σ exp, which is finite for every finite z;
    ∂L/∂z = (p - y) / n.

    Parameters
    ----------
    from_logits : bool, default False
        Whether predictions are logits (a linear last layer) instead of probabilities.
    label_smoothing : float, default 0.0
        s in [0, 1]: targets become y (1 - s) + s / m, so that no answer is to be certain.
    axis : int, default -1
        Of the outputs that belong together.
    reduction : str or None, default "sum_over_batch_size"
        See `mundur.losses`.
    name : str, default "categorical_crossentropy"

    Raises
    ------
    ValueError
        When called with different shapes, integer labels, or y_true outside [0, 1].

    Examples
    --------
    >>> import mundur as md
    >>> loss = md.losses.CategoricalCrossentropy()
    >>> round(loss([[0, 1]], [[0.5, 0.5]]), 6)
    0.693147
    """

    kind = "categorical_crossentropy"

    @checked_keywords(ignored=KERAS)
    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = MEAN,
        name: str = "categorical_crossentropy",
    ) -> None:
        self.from_logits = boolean(from_logits, "from_logits")
        self._keep_axis(axis)
        self.label_smoothing = number(label_smoothing, "label_smoothing", at_least=0, at_most=1)
        self._prepare(reduction, name, label_smoothing=self.label_smoothing)


class SparseCategoricalCrossentropy(_Categorical):
    """For one class of several, the targets an integer label in [0, classes) per sample.

    L = -Σᵢ log pᵢ,yᵢ / n (Bishop, 2006, section 4.3.4).
    The same number as `CategoricalCrossentropy` on one-hot targets, without making them.

    Parameters
    ----------
    from_logits : bool, default False
        Whether predictions are logits (a linear last layer) instead of probabilities.
    ignore_class : int, optional
        A label, of a class or of none, whose samples or time steps weigh nothing.
    reduction : str or None, default "sum_over_batch_size"
        See `mundur.losses`.
    axis : int, default -1
        Of the classes.
    name : str, default "sparse_categorical_crossentropy"

    Raises
    ------
    ValueError
        When called with one-hot targets, fractional labels or labels outside [0, classes).

    Examples
    --------
    >>> import mundur as md
    >>> loss = md.losses.SparseCategoricalCrossentropy(from_logits=True)
    >>> round(loss([1], [[0.0, 0.0]]), 6)
    0.693147
    >>> loss.gradient([1], [[0.0, 0.0]])
    array([[ 0.5, -0.5]])
    """

    kind = "sparse_categorical_crossentropy"

    def _suited(self, y: Array, shape: tuple[int, ...], name: str) -> Array:
        return label_targets(y, shape, name, self.ignore_class)

    def _classes(self, y: Array, outputs: int) -> tuple[int, Array] | None:
        return outputs, y

    @checked_keywords(ignored=KERAS)
    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = MEAN,
        axis: int = -1,
        name: str = "sparse_categorical_crossentropy",
    ) -> None:
        self.from_logits = boolean(from_logits, "from_logits")
        self.ignore_class = (
            None if ignore_class is None else integer(ignore_class, "ignore_class", -(2**31))
        )
        self._keep_axis(axis)
        self._prepare(reduction, name)


class KLDivergence(_FromProbabilities):
    """How far a predicted distribution over classes is from the target one.

    L = Σᵢⱼ yᵢⱼ log(yᵢⱼ / pᵢⱼ) / n, both clipped to [10⁻⁷, 1] as in Keras; ∂L/∂p = -y / p / n, and 0
    where p is clipped (Kullback and Leibler, 1951). It is the cross-entropy less what the targets
    alone add to it.

    Parameters
    ----------
    reduction : str or None, default "sum_over_batch_size"
        See `mundur.losses`.
    name : str, default "kl_divergence"

    Raises
    ------
    ValueError
        When called with different shapes, or with y_true or y_pred outside [0, 1].

    Examples
    --------
    >>> import mundur as md
    >>> round(md.losses.KLDivergence()([[0.5, 0.5]], [[0.75, 0.25]]), 6)
    0.143841
    """

    kind = "kl_divergence"
    _exclusive = True
    _head = "softmax"
    _mend = ""

    def _check_head(self, head: str, output_shape: tuple[int, ...]) -> None:
        if output_shape[-1] < 2:
            raise ValueError(
                "KLDivergence needs one output per class, at least 2; the model has "
                f"{output_shape[-1]}. For two classes with one output use BinaryCrossentropy"
            )
        if head not in ("softmax", "sigmoid"):
            raise ValueError(
                f"KLDivergence expects probabilities, but the model ends in {head}; set "
                'activation="softmax" in the last layer, or use '
                "CategoricalCrossentropy(from_logits=True), which has the same gradient"
            )

    @checked_keywords(ignored=KERAS)
    def __init__(self, reduction: str | None = MEAN, name: str = "kl_divergence") -> None:
        self._prepare(reduction, name)


class CategoricalHinge(NativeLoss):
    """For one class of several with a margin, from scores instead of probabilities.

    L = Σᵢ max(1 + maxⱼ (1 - yᵢⱼ) pᵢⱼ - Σⱼ yᵢⱼ pᵢⱼ, 0) / n, y one-hot rows: the class's score is to
    be 1 above the best other one (Crammer and Singer, 2001, section 3). Where that is above 0,
    ∂L/∂pᵢⱼ = ([j is the first that is greatest] (1 - yᵢⱼ) - yᵢⱼ) / n.

    Parameters
    ----------
    reduction : str or None, default "sum_over_batch_size"
        See `mundur.losses`.
    name : str, default "categorical_hinge"

    Raises
    ------
    ValueError
        When called with different shapes, integer labels, or y_true outside [0, 1].

    Examples
    --------
    >>> import mundur as md
    >>> md.losses.CategoricalHinge()([[0, 1]], [[0.5, 0.25]])
    1.25
    """

    kind = "categorical_hinge"
    _exclusive = True

    def _check_values(self, y: Array, name: str) -> None:
        in_unit_interval(y, name, type(self).__name__)

    def _classes(self, y: Array, outputs: int) -> tuple[int, Array] | None:
        return outputs, y.argmax(axis=-1)

    @checked_keywords(ignored=KERAS)
    def __init__(self, reduction: str | None = MEAN, name: str = "categorical_hinge") -> None:
        self._prepare(reduction, name)


class Hinge(_Hinges):
    """For yes or no with a margin, from scores instead of probabilities.

    L = Σᵢⱼ max(1 - yᵢⱼ pᵢⱼ, 0) / (n·m), y = -1 or 1 (targets of 0 become -1, as in Keras);
    ∂L/∂p = -y / (n·m) where 1 - y p > 0, else 0 (Cortes and Vapnik, 1995).

    Parameters
    ----------
    reduction : str or None, default "sum_over_batch_size"
        See `mundur.losses`.
    name : str, default "hinge"

    Raises
    ------
    ValueError
        When called with different shapes ((n,) equals (n, 1)), or targets that are neither -1 and 1
        nor 0 and 1.

    Examples
    --------
    >>> import mundur as md
    >>> md.losses.Hinge()([1, 0], [0.5, -2.0])
    0.25
    """

    kind = "hinge"

    @checked_keywords(ignored=KERAS)
    def __init__(self, reduction: str | None = MEAN, name: str = "hinge") -> None:
        self._prepare(reduction, name)


class SquaredHinge(_Hinges):
    """The square of `Hinge`, sample by sample and output by output: smooth at the margin.

    L = Σᵢⱼ max(1 - yᵢⱼ pᵢⱼ, 0)² / (n·m), y = -1 or 1 (targets of 0 become -1, as in Keras);
    ∂L/∂p = -2 y max(1 - y p, 0) / (n·m).

    Parameters
    ----------
    reduction : str or None, default "sum_over_batch_size"
        See `mundur.losses`.
    name : str, default "squared_hinge"

    Raises
    ------
    ValueError
        When called with different shapes ((n,) equals (n, 1)), or targets that are neither -1 and 1
        nor 0 and 1.

    Examples
    --------
    >>> import mundur as md
    >>> md.losses.SquaredHinge()([1, 0], [0.5, -2.0])
    0.125
    """

    kind = "squared_hinge"

    @checked_keywords(ignored=KERAS)
    def __init__(self, reduction: str | None = MEAN, name: str = "squared_hinge") -> None:
        self._prepare(reduction, name)


class BinaryFocalCrossentropy(_Binary):
    """`BinaryCrossentropy`, each term times a power of what is wrong with the answer.

    L = -Σᵢⱼ w qᵢⱼᵞ (yᵢⱼ log pᵢⱼ + (1 - yᵢⱼ) log(1 - pᵢⱼ)) / (n·m), with q = y (1 - p) + (1 - y) p
    (Lin and others, 2017, section 3). With balancing w = y α + (1 - y) (1 - α), else 1. From
    logits, p = 1 / (1 + e⁻ᶻ); loss and gradient are finite for every finite z.

    Parameters
    ----------
    apply_class_balancing : bool, default False
        Whether α weighs the classes.
    alpha : float, default 0.25
        α in [0, 1], the weight of class 1; class 0 has 1 - α.
    gamma : float, default 2.0
        γ >= 0; 0 is the cross-entropy.
    from_logits : bool, default False
        Whether predictions are logits (a linear last layer) instead of probabilities.
    label_smoothing : float, default 0.0
        s in [0, 1]: targets become y (1 - s) + s / 2, so that no answer is to be certain.
    axis : int, default -1
        Of the outputs that belong together.
    reduction : str or None, default "sum_over_batch_size"
        See `mundur.losses`.
    name : str, default "binary_focal_crossentropy"

    Raises
    ------
    ValueError
        When called with different shapes ((n,) equals (n, 1)) or y_true outside [0, 1].

    Examples
    --------
    >>> import mundur as md
    >>> loss = md.losses.BinaryFocalCrossentropy()
    >>> round(loss([1, 0], [0.5, 0.5]), 6)
    0.173287
    """

    kind = "binary_focal_crossentropy"

    @checked_keywords(ignored=KERAS)
    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = MEAN,
        name: str = "binary_focal_crossentropy",
    ) -> None:
        self.apply_class_balancing = boolean(apply_class_balancing, "apply_class_balancing")
        self.alpha = number(alpha, "alpha", at_least=0, at_most=1)
        self.gamma = number(gamma, "gamma", at_least=0)
        self.from_logits = boolean(from_logits, "from_logits")
        self._keep_axis(axis)
        self.label_smoothing = number(label_smoothing, "label_smoothing", at_least=0, at_most=1)
        balance = {"positive": self.alpha, "negative": 1 - self.alpha}
        self._prepare(
            reduction,
            name,
            gamma=self.gamma,
            label_smoothing=self.label_smoothing,
            **(balance if self.apply_class_balancing else {}),
        )


class CategoricalFocalCrossentropy(_Categorical):
    """`CategoricalCrossentropy`, each term times a power of what is wrong with the answer.

    L = -Σᵢⱼ α (1 - pᵢⱼ)ᵞ yᵢⱼ log pᵢⱼ / n (Lin and others, 2017, section 3). From logits z, p =
    softmax(z), through log Σ exp; loss and gradient are finite for every finite z.

    Parameters
    ----------
    alpha : float, default 0.25
        α >= 0, a factor of all classes; Keras's list of one per class is not supported.
    gamma : float, default 2.0
        γ >= 0; with 0 and α = 1 this is the cross-entropy.
    from_logits : bool, default False
        Whether predictions are logits (a linear last layer) instead of probabilities.
    label_smoothing : float, default 0.0
        s in [0, 1]: targets become y (1 - s) + s / m, so that no answer is to be certain.
    axis : int, default -1
        Of the outputs that belong together.
    reduction : str or None, default "sum_over_batch_size"
        See `mundur.losses`.
    name : str, default "categorical_focal_crossentropy"

    Raises
    ------
    ValueError
        When called with different shapes, integer labels, or y_true outside [0, 1].

    Examples
    --------
    >>> import mundur as md
    >>> loss = md.losses.CategoricalFocalCrossentropy()
    >>> round(loss([[0, 1]], [[0.5, 0.5]]), 6)
    0.043322
    """

    kind = "categorical_focal_crossentropy"

    @checked_keywords(ignored=KERAS)
    def __init__(
        self,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = MEAN,
        name: str = "categorical_focal_crossentropy",
    ) -> None:
        self.alpha = number(alpha, "alpha", at_least=0)
        self.gamma = number(gamma, "gamma", at_least=0)
        self.from_logits = boolean(from_logits, "from_logits")
        self._keep_axis(axis)
        self.label_smoothing = number(label_smoothing, "label_smoothing", at_least=0, at_most=1)
        self._prepare(
            reduction,
            name,
            gamma=self.gamma,
            positive=self.alpha,
            label_smoothing=self.label_smoothing,
        )
