"""The losses: what training makes small, and its derivative.

Every loss is called as ``loss(y_true, y_pred)`` and differentiated with
``loss.gradient(y_true, y_pred)``, with or without a model. float32 predictions are computed in
float32, everything else in float64. Below, n is the number of samples, m of outputs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from . import _core, arrays
from .configurable import Configurable, rebuild
from .keywords import checked_keywords, lookup, unknown_attribute
from .targets import check_probabilities, sample_targets
from .validation import boolean, identifier

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "Loss",
    "MeanSquaredError",
    "SparseCategoricalCrossentropy",
    "get",
]

Array = npt.NDArray[Any]

# Keras's arguments with one value here: means over the last axis.
_KERAS: dict[str, Any] = {"reduction": "sum_over_batch_size", "dtype": None}


class Loss(Configurable):
    """Base class of the losses.

    A subclass in Python writes `__call__` and `gradient`; it serves training by hand. Inside
    `fit` only the native losses serve for now.

    Examples
    --------
    >>> import mundur as md, numpy as np
    >>> class MeanAbsoluteError(md.Loss):
    ...     def __call__(self, y_true, y_pred, sample_weight=None):
    ...         return float(np.mean(np.abs(y_pred - y_true)))
    ...     def gradient(self, y_true, y_pred, sample_weight=None):
    ...         return np.sign(y_pred - y_true) / y_pred.size
    >>> MeanAbsoluteError()(np.zeros((2, 1)), np.ones((2, 1)))
    1.0
    """

    kind: ClassVar[str] = "python"
    from_logits: bool = False

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
        """The loss of predictions, a number."""
        raise NotImplementedError(f"{type(self).__name__}.__call__ is not written")

    def gradient(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Array:
        """∂loss/∂y_pred, of y_pred's shape."""
        raise NotImplementedError(f"{type(self).__name__}.gradient is not written")


class NativeLoss(Loss):
    """A loss that the core computes."""

    name: str
    _native: _core.Loss

    def __reduce__(self) -> Any:
        return rebuild, (type(self), self.get_config())

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
        y, p, weight, _ = self._rows(y_true, y_pred, sample_weight)
        return self._native.value(y, p, weight)

    def gradient(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Array:
        y, p, weight, shape = self._rows(y_true, y_pred, sample_weight)
        return self._native.gradient(y, p, weight).reshape(shape)

    def _rows(
        self, y_true: Any, y_pred: Any, sample_weight: Any
    ) -> tuple[Array, Array, Array | None, tuple[int, ...]]:
        """Checked arrays as the core wants them: two axes, one dtype, contiguous."""
        p = arrays.real_array(y_pred, "y_pred")
        if p.ndim == 0 or p.size == 0:
            raise ValueError(f"y_pred must hold at least one sample; got shape {p.shape}")
        shape = p.shape
        if p.ndim == 1:
            p = p[:, None]
        if self.kind != "mean_squared_error" and not self.from_logits:
            check_probabilities(p, self.kind)
        y = sample_targets(y_true, self, p.shape, "y_true", "y_pred")
        dtype = np.float32 if p.dtype == np.float32 else np.float64
        # Every element counts alike, so positions beyond the samples are rows of their own where
        # classes exclude one another, and outputs where they do not.
        by_position = "categorical" in self.kind
        rows = p.size // p.shape[-1] if by_position else len(p)
        weight = None
        if sample_weight is not None:
            weight = arrays.weights(sample_weight, len(p)).astype(dtype).repeat(rows // len(p))
        p = np.ascontiguousarray(p, dtype).reshape(rows, -1)
        if y.dtype == np.int32 and self.kind.startswith("sparse"):
            return y.reshape(rows), p, weight, shape
        return np.ascontiguousarray(y, dtype).reshape(p.shape), p, weight, shape


class MeanSquaredError(NativeLoss):
    """The mean of squared errors, for targets that are numbers (regression).

    L = Σᵢⱼ (pᵢⱼ - yᵢⱼ)² / (n·m); ∂L/∂p = 2 (p - y) / (n·m) (Bishop, 2006, section 3.1.1).
    With sample weights w: the mean over each sample's outputs, then Σ wᵢ Lᵢ / Σ wᵢ.

    Parameters
    ----------
    name : str, default "mean_squared_error"

    Raises
    ------
    ValueError
        When called with y_true and y_pred of different shapes; (n,) equals (n, 1), nothing else
        broadcasts.

    Examples
    --------
    >>> import mundur as md
    >>> loss = md.losses.MeanSquaredError()
    >>> loss([[0.0], [2.0]], [[1.0], [2.0]])
    0.5
    >>> loss.gradient([[0.0], [2.0]], [[1.0], [2.0]])
    array([[1.],
           [0.]])
    """

    kind = "mean_squared_error"

    @checked_keywords(ignored=_KERAS)
    def __init__(self, *, name: str = "mean_squared_error") -> None:
        self.name = identifier(name, "name")
        self._native = _core.Loss(self.kind, False)


class BinaryCrossentropy(NativeLoss):
    """For targets of yes or no: one output for two classes, or several that do not exclude another.

    L = -Σᵢⱼ (yᵢⱼ log pᵢⱼ + (1 - yᵢⱼ) log(1 - pᵢⱼ)) / (n·m) (Bishop, 2006, section 4.3.2).
    From logits z, p = 1 / (1 + e⁻ᶻ), computed as max(z, 0) - z·y + log(1 + e^-|z|), which is finite
    for every finite z; ∂L/∂z = (p - y) / (n·m).

    Parameters
    ----------
    from_logits : bool, default False
        Whether predictions are logits (a linear last layer) instead of probabilities.
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

    @checked_keywords(ignored=_KERAS | {"label_smoothing": 0.0, "axis": -1})
    def __init__(self, from_logits: bool = False, *, name: str = "binary_crossentropy") -> None:
        self.from_logits = boolean(from_logits, "from_logits")
        self.name = identifier(name, "name")
        self._native = _core.Loss(self.kind, self.from_logits)


class CategoricalCrossentropy(NativeLoss):
    """For one class of several, the targets one-hot rows (or distributions) over the classes.

    L = -Σᵢⱼ yᵢⱼ log pᵢⱼ / n (Bishop, 2006, section 4.3.4).
    From logits z, p = softmax(z), through log Σ exp, which is finite for every finite z;
    ∂L/∂z = (p - y) / n.

    Parameters
    ----------
    from_logits : bool, default False
        Whether predictions are logits (a linear last layer) instead of probabilities.
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

    @checked_keywords(ignored=_KERAS | {"label_smoothing": 0.0, "axis": -1})
    def __init__(
        self, from_logits: bool = False, *, name: str = "categorical_crossentropy"
    ) -> None:
        self.from_logits = boolean(from_logits, "from_logits")
        self.name = identifier(name, "name")
        self._native = _core.Loss(self.kind, self.from_logits)


class SparseCategoricalCrossentropy(NativeLoss):
    """For one class of several, the targets an integer label in [0, classes) per sample.

    L = -Σᵢ log pᵢ,yᵢ / n (Bishop, 2006, section 4.3.4).
    The same number as `CategoricalCrossentropy` on one-hot targets, without making them.

    Parameters
    ----------
    from_logits : bool, default False
        Whether predictions are logits (a linear last layer) instead of probabilities.
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

    @checked_keywords(ignored=_KERAS | {"ignore_class": None, "axis": -1})
    def __init__(
        self, from_logits: bool = False, *, name: str = "sparse_categorical_crossentropy"
    ) -> None:
        self.from_logits = boolean(from_logits, "from_logits")
        self.name = identifier(name, "name")
        self._native = _core.Loss(self.kind, self.from_logits)


_CLASSES: tuple[type[Loss], ...] = (
    MeanSquaredError,
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
)
KNOWN: dict[str, type[Loss]] = {cls.kind: cls for cls in _CLASSES}
CLASS_NAMES: dict[str, type[Loss]] = {cls.__name__: cls for cls in _CLASSES}
_SHORT: dict[str, type[Loss]] = {
    "mse": MeanSquaredError,
    "MSE": MeanSquaredError,
    "bce": BinaryCrossentropy,
    "BCE": BinaryCrossentropy,
}


def get(identifier: Any) -> Loss:
    """The loss of a name ("mse", "binary_crossentropy", ...), a class or an instance.

    Raises
    ------
    ValueError
        For an unknown name; it lists the known ones.
    TypeError
        For anything else.

    Examples
    --------
    >>> import mundur as md
    >>> md.losses.get("mse")
    MeanSquaredError()
    """
    if isinstance(identifier, Loss):
        return identifier
    if isinstance(identifier, type) and issubclass(identifier, Loss):
        return identifier()
    if isinstance(identifier, str):
        return lookup(KNOWN, identifier, "loss", CLASS_NAMES | _SHORT)()
    raise TypeError(f"loss must be a name or a Loss; got {identifier!r}")


if not TYPE_CHECKING:  # else type checkers would believe in any name

    def __getattr__(name: str) -> object:
        raise unknown_attribute("mundur.losses", name, __all__)
