"""Cross-entropies that look away from what is right already, for classes of very unequal size."""

from __future__ import annotations

from .._support.checks import boolean, number
from .._support.names import checked_keywords
from .base import KERAS, MEAN, NativeLoss

__all__ = ["BinaryFocalCrossentropy", "CategoricalFocalCrossentropy"]


class BinaryFocalCrossentropy(NativeLoss):
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

    @checked_keywords(ignored=KERAS | {"axis": -1})
    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        *,
        reduction: str | None = MEAN,
        name: str = "binary_focal_crossentropy",
    ) -> None:
        self.apply_class_balancing = boolean(apply_class_balancing, "apply_class_balancing")
        self.alpha = number(alpha, "alpha", at_least=0, at_most=1)
        self.gamma = number(gamma, "gamma", at_least=0)
        self.from_logits = boolean(from_logits, "from_logits")
        self.label_smoothing = number(label_smoothing, "label_smoothing", at_least=0, at_most=1)
        balance = {"positive": self.alpha, "negative": 1 - self.alpha}
        self._prepare(
            reduction,
            name,
            gamma=self.gamma,
            label_smoothing=self.label_smoothing,
            **(balance if self.apply_class_balancing else {}),
        )


class CategoricalFocalCrossentropy(NativeLoss):
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

    @checked_keywords(ignored=KERAS | {"axis": -1})
    def __init__(
        self,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        *,
        reduction: str | None = MEAN,
        name: str = "categorical_focal_crossentropy",
    ) -> None:
        self.alpha = number(alpha, "alpha", at_least=0)
        self.gamma = number(gamma, "gamma", at_least=0)
        self.from_logits = boolean(from_logits, "from_logits")
        self.label_smoothing = number(label_smoothing, "label_smoothing", at_least=0, at_most=1)
        self._prepare(
            reduction,
            name,
            gamma=self.gamma,
            positive=self.alpha,
            label_smoothing=self.label_smoothing,
        )
