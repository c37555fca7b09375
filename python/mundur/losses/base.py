"""What all losses share: `Loss`, for subclasses in Python, and `NativeLoss`, for the core's."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from .. import _core
from .._support.checks import MOST_AXES, choice, identifier, integer
from .._support.config import Configurable, rebuild
from .._support.dtypes import NAMED
from .._support.names import checked_keywords, snake_case
from ..data import arrays
from ..data.targets import like_outputs, targets_of

Array = npt.NDArray[Any]

MEAN = "sum_over_batch_size"
_MEANS = (MEAN, "mean", "mean_with_sample_weight")  # a weighted mean is a mean: all three are one
# What the core wants of every loss.
_NUMBERS = {"delta": 1.0, "label_smoothing": 0.0, "gamma": 0.0, "positive": 1.0, "negative": 1.0}
# Keras's arguments with one value here.
KERAS: dict[str, Any] = {"dtype": NAMED}


def _reduction(given: Any) -> str | None:
    choice(given, "reduction", *_MEANS, "sum", "none", None)
    return None if given == "none" else str(given) if given is not None else None


def _given(
    y_true: Any, y_pred: Any, sample_weight: Any
) -> tuple[Array, Array, npt.NDArray[np.float64] | None]:
    """What a loss with `call` gets."""
    p = arrays.real_array(y_pred, "y_pred")
    if p.ndim == 0 or p.size == 0:
        raise ValueError(f"y_pred must hold at least one sample; got shape {p.shape}")
    weight = None
    if sample_weight is not None:
        weight = np.asarray(arrays.real_array(sample_weight, "sample_weight"), np.float64)
        if weight.ndim == 0:
            weight = np.full(len(p), weight)
    return np.asarray(y_true), p, weight


def spread(weight: Array, axes: int) -> Array:
    """Weights with so many axes, of 1 where they have none."""
    return weight.reshape(*weight.shape, *(1,) * (axes - weight.ndim))


class Loss(Configurable):
    """Base class of the losses.

    A subclass in Python writes `call`, which returns the losses of the samples, and `gradient`, by
    which each of them changes with its predictions; this class makes means of both, with weights,
    as `reduction` says. Or it writes `__call__` and `gradient` of the one number that a batch is to
    have, weights among it. It serves training by hand, and `fit`, `evaluate` and `train_on_batch`,
    too. These call it with the GIL, on the thread that called them, once per batch: y_true are the
    batch's rows of the targets as they were given, of any shape; y_pred is an array (batch,
    *output_shape) of the model's dtype; `sample_weight`, a keyword of `__call__`, comes where
    weights were given. What is reported is the mean of the batches' losses, each weighing what its
    samples weigh; a batch whose weights sum to zero is not asked for.

    The first batch's gradient is held against central differences of the loss, in float64, unless
    ``checks_gradient = False``; functions instead of a class take `Custom`.

    Where the loss is not finite, `NonFiniteLossError` comes as for any loss. Any other exception
    ends the call and leaves the model as the last whole step made it.

    `load_model` finds the class by its name: ``load_model(path, custom_objects={"Mine": Mine})``.

    Parameters
    ----------
    name : str, optional
        By default the class's, as in my_loss.
    reduction : str or None, default "sum_over_batch_size"
        What becomes of what `call` returns; see `mundur.losses`.

    Examples
    --------
    >>> import mundur as md, numpy as np
    >>> class Quartic(md.Loss):
    ...     def call(self, y_true, y_pred):
    ...         return np.mean((y_pred - y_true) ** 4, axis=-1)
    ...     def gradient(self, y_true, y_pred):
    ...         return 4 * (y_pred - y_true) ** 3 / y_pred.shape[-1]
    >>> model = md.Model([md.layers.Dense(1, kernel_initializer="ones")], input_shape=(2,))
    >>> model.compile("sgd", Quartic())
    >>> model.train_on_batch(np.ones((4, 2)), np.ones((4, 1)))
    1.0
    """

    kind: ClassVar[str] = "python"
    from_logits: bool = False
    checks_gradient: bool = True
    name: str = ""
    reduction: str | None = MEAN

    _derivative: Any = None  # what a subclass with `call` writes as its gradient
    _row: tuple[int, ...] | None = None  # the shape of what `call` returned last, but for samples

    @checked_keywords(ignored=KERAS)
    def __init__(self, name: str | None = None, reduction: str | None = MEAN) -> None:
        self.name = snake_case(type(self).__name__) if name is None else identifier(name, "name")
        self.reduction = _reduction(reduction)

    def __init_subclass__(cls, **options: Any) -> None:
        """Beside `call` a subclass's gradient is that of each sample."""
        super().__init_subclass__(**options)
        if "gradient" in vars(cls) and cls._is_called():
            cls._derivative = vars(cls)["gradient"]
            del cls.gradient

    @classmethod
    def _is_called(cls) -> bool:
        """Whether it is `call` that the class writes."""
        return cls.call is not Loss.call and cls.__call__ is Loss.__call__

    def call(self, y_true: Any, y_pred: Array) -> Any:
        """A subclass's losses of the samples, (batch,) or (batch, ...)."""
        raise self._unwritten()

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The loss of predictions, a number."""
        if not self._is_called():
            raise self._unwritten()
        y, p, weight = _given(y_true, y_pred, sample_weight)
        values = np.asarray(self.call(y, p))
        title = f"{type(self).__name__}.call"
        if values.dtype.kind not in "biuf":
            raise TypeError(f"{title} must return real numbers; got {values.dtype}")
        if values.ndim == 0:
            if weight is not None:
                raise ValueError(
                    f"{title} returns one number for the batch, so that nothing weighs its "
                    f"samples: return one for each, of shape ({len(p)},)"
                )
            self._row = None
            return float(values)
        if len(values) != len(p):
            raise ValueError(
                f"{title} must return one number for each of the {len(p)} samples, or one for the "
                f"batch; got shape {values.shape}"
            )
        self._row = values.shape[1:]
        w = np.float64(1.0) if weight is None else spread(weight, values.ndim)
        weighed = w * values
        if self.reduction is None:
            return weighed
        total = float(weighed.sum())
        return total * self._factor(w, values.shape)

    def _factor(self, weight: Any, shape: tuple[int, ...]) -> float:
        """Of the sum of weighed values in the loss."""
        if self.reduction in ("sum", None):
            return 1.0
        total = float(np.broadcast_to(weight, shape).sum())
        return 1.0 / total if total > 0 else 0.0

    def gradient(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Array:
        """∂loss/∂y_pred, of y_pred's shape."""
        if not self._is_called():
            raise NotImplementedError(f"{type(self).__name__}.gradient is not written")
        title = type(self).__name__
        if self._derivative is None:
            raise TypeError(
                f"{title} writes call, and no gradient(y_true, y_pred), by which each sample's "
                "loss changes with its predictions: training needs both"
            )
        y, p, weight = _given(y_true, y_pred, sample_weight)
        made = np.asarray(self._derivative(y, p))
        if made.shape != p.shape or made.dtype.kind not in "biuf":
            raise ValueError(
                f"{title}.gradient must return real numbers of y_pred's shape {p.shape}; got "
                f"{made.dtype} of {made.shape}"
            )
        self(y_true, y_pred, sample_weight)  # the shape of the losses
        if self._row is None:
            return made
        w = np.float64(1.0) if weight is None else weight
        factor = self._factor(
            w if weight is None else spread(weight, 1 + len(self._row)), (len(p), *self._row)
        )
        return made * (w if weight is None else spread(weight, p.ndim)) * factor

    def _unwritten(self) -> NotImplementedError:
        return NotImplementedError(
            f"{type(self).__name__} must write call(y_true, y_pred) and gradient(y_true, y_pred), "
            "or __call__ and gradient with weights"
        )

    # ---- what suits it; a loss written in Python takes whatever comes ----

    def _check_head(self, head: str, output_shape: tuple[int, ...]) -> None:
        """Raises a ValueError, naming the mend, where it does not suit a model's last layer.

        `head` is the activation there, `output_shape` the shape of one sample behind it.
        """

    def _compared(self, axes: int) -> int:
        """Which of so many axes it compares along, the samples' counted."""
        return axes - 1

    def _suited(self, y: Array, shape: tuple[int, ...], name: str) -> Array:
        """Targets for outputs of `shape` as the loss wants them, their values checked."""
        return y

    def _classes(self, y: Array, outputs: int) -> tuple[int, Array] | None:
        """How many exclusive classes there are and that of each sample; None where there are none.

        `y` is what `_suited` returned.
        """
        return None


Formula = tuple[str, dict[str, float]]


class KnownLoss(Loss):
    """A loss of a batch, computed here, whose formula the core knows: a device has its own."""

    def _formula(self) -> Formula | None:
        """Its name and numbers; None for a class that somebody derived."""
        raise NotImplementedError

    def _terms(self, y_true: Any, shape: tuple[int, ...], sample_weight: Any) -> tuple[Any, ...]:
        """What the device takes of a batch for predictions of that shape; see BatchTerms."""
        raise NotImplementedError


class NativeLoss(Loss):
    """A loss that the core computes."""

    _exclusive: ClassVar[bool] = False  # whether one class excludes the others

    axis: int = -1
    _native: _core.Loss

    def _prepare(self, reduction: Any, name: Any, **numbers: float) -> None:
        """What every constructor ends with."""
        self.reduction = _reduction(reduction)
        self.name = identifier(name, "name")
        self._native = _core.Loss(
            self.kind,
            self.from_logits,
            **(_NUMBERS | numbers),
            sums=self.reduction not in _MEANS,
            axis=self.axis,
        )

    def _keep_axis(self, axis: Any) -> None:
        self.axis = integer(axis, "axis", -MOST_AXES)

    def _compared(self, axes: int) -> int:
        if self.axis == -1:
            return axes - 1
        axis = integer(self.axis, "axis", 1 - axes, axes - 1) % axes
        if axis == 0:
            raise ValueError("axis must not be that of the samples, 0")
        return axis

    def _suited(self, y: Array, shape: tuple[int, ...], name: str) -> Array:
        y = like_outputs(y, shape, name, type(self).__name__, self._hint(y, shape[-1], name))
        arrays.check_finite(y, name)
        self._check_values(y, name)
        return y

    def _hint(self, y: Array, outputs: int, name: str) -> str:
        """What to do about targets that hold one number for several outputs."""
        if y.dtype.kind == "f" and not self._exclusive:
            return f"; the model gives {outputs} numbers per sample, {name} holds one"
        return f"; integer labels become one-hot with to_categorical({name}, {outputs})"

    def _check_values(self, y: Array, name: str) -> None:
        """Raises for targets of the right shape that the loss is not made for."""

    def _check_predictions(self, p: Array, name: str = "y_pred") -> None:
        """Raises for predictions that it is not made for; NaN may be anything."""

    def __reduce__(self) -> Any:
        return rebuild, (type(self), self.get_config())

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The loss of predictions: a number, or one of each sample where reduction is None."""
        y, p, weight, shape = self._rows(y_true, y_pred, sample_weight)
        if self.reduction is not None:
            return self._native.value(y, p, weight, len(p) // shape[0])
        values = self._native.sample_values(y, p, weight, 1)
        return values.reshape(shape[:-1]) if len(shape) > 1 else values

    def _values(self, y_true: Any, p: Array) -> npt.NDArray[np.float64]:
        """The loss of each row, whatever the predictions; for metrics."""
        if self.axis != -1:
            y_true, p = self._with_axis_last(y_true, p)
        shape = p.shape
        with _core.to_nearest:
            y, p, weight, _ = self._converted(y_true, p if p.ndim > 1 else p[:, None], None, shape)
            return self._native.sample_values(y, p, weight, 1)

    def gradient(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Array:
        """∂loss/∂y_pred, of y_pred's shape; of the samples' sum where reduction is None."""
        y, p, weight, shape = self._rows(y_true, y_pred, sample_weight)
        found = self._native.gradient(y, p, weight, len(p) // shape[0]).reshape(shape)
        return found if self.axis == -1 else np.ascontiguousarray(np.moveaxis(found, -1, self.axis))

    def _rows(
        self, y_true: Any, y_pred: Any, sample_weight: Any
    ) -> tuple[Array, Array, Array | None, tuple[int, ...]]:
        """Checked arrays as the core wants them: two axes, one dtype, contiguous.

        Places beyond the samples, such as time steps, are rows of their own, as in `fit`.
        """
        p = arrays.real_array(y_pred, "y_pred")
        if p.ndim == 0 or p.size == 0:
            raise ValueError(f"y_pred must hold at least one sample; got shape {p.shape}")
        if self.axis != -1:
            y_true, p = self._with_axis_last(y_true, p)
        shape = p.shape
        if p.ndim == 1:
            p = p[:, None]
        self._check_predictions(p)
        with _core.to_nearest:  # conversions round
            return self._converted(y_true, p, sample_weight, shape)

    def _with_axis_last(self, y_true: Any, p: Array) -> tuple[Any, Array]:
        axis = self._compared(p.ndim)
        y = arrays.real_array(y_true, "y_true")
        return np.moveaxis(y, axis, -1) if y.ndim == p.ndim else y, np.moveaxis(p, axis, -1)

    def _converted(
        self, y_true: Any, p: Array, sample_weight: Any, shape: tuple[int, ...]
    ) -> tuple[Array, Array, Array | None, tuple[int, ...]]:
        y = self._suited(targets_of(y_true, len(p), "y_true", "y_pred"), p.shape, "y_true")
        dtype = np.float32 if p.dtype == np.float32 else np.float64
        rows, are_labels = p.size // p.shape[-1], y.ndim < p.ndim
        weight = None
        if sample_weight is not None:
            weight = arrays.weights(sample_weight, len(p), rows=p.shape[:-1]).astype(dtype)
            weight = weight.repeat(rows // len(weight))
        if are_labels and (y < 0).any():  # of no class: they weigh nothing
            kept: Array = (y.reshape(rows) >= 0).astype(dtype)
            y, weight = np.maximum(y, 0), kept if weight is None else kept * weight
        p = np.ascontiguousarray(p, dtype).reshape(rows, -1)
        if are_labels:
            return y.reshape(rows), p, weight, shape
        return np.ascontiguousarray(y, dtype).reshape(p.shape), p, weight, shape


def is_native(loss: Loss) -> bool:
    """Whether the core computes the loss; a subclass of one of its losses may do it anew."""
    cls = type(loss)
    return (
        isinstance(loss, NativeLoss)
        and cls.__call__ is NativeLoss.__call__
        and cls.gradient is NativeLoss.gradient
    )
