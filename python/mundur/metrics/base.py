"""The base of the metrics, and metrics made of functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from .. import _core
from .._support.checks import WrongType, choice, identifier, shown
from .._support.config import Configurable
from .._support.dtypes import NAMED
from .._support.names import checked_keywords, either
from .._support.views import Variable
from ..data import arrays

if TYPE_CHECKING:
    from ..losses.base import Loss

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

# Keras's arguments that change nothing here: NumPy computes metrics in float64.
KERAS: dict[str, Any] = {"dtype": NAMED}
_FIRST = ("zeros", "ones")


class Metric(Configurable):
    """Base class of the metrics: a name for logs and History, and a number from a whole set.

    A subclass writes `compute`; inside `fit` and `evaluate` it gets every sample of the epoch or
    the set at once, targets and outputs as training has them, so that a metric need not be a mean
    over batches. Or it writes `update_state` and `result`, as for Keras, on numbers that
    `add_variable` keeps, and `reset_state` where it keeps others; over arrays these are called once
    each. By hand those three collect batches. They do so, too, where batches come one by one, and
    in front of `Callback.on_train_batch_end`, for the number so far. A file holds the class's name
    and arguments: ``load_model(path, custom_objects={"Mine": Mine})``.

    Parameters
    ----------
    name : str, optional
        The key in logs, History and ``evaluate(return_dict=True)``.

    Examples
    --------
    >>> import mundur as md, numpy as np
    >>> class LargestError(md.Metric):
    ...     title = "largest_error"
    ...     def compute(self, y_true, y_pred, sample_weight=None):
    ...         return float(np.abs(y_pred - y_true).max())
    >>> metric = LargestError()
    >>> metric.update_state([1.0, 2.0], [1.0, 2.5])
    >>> metric.update_state([3.0], [1.0])
    >>> metric.name, metric.result()
    ('largest_error', 2.0)
    >>> class Wrong(md.Metric):
    ...     def __init__(self, **options):
    ...         super().__init__(**options)
    ...         self.count = self.add_variable((), "zeros", name="count")
    ...     def update_state(self, y_true, y_pred, sample_weight=None):
    ...         self.count.assign_add(np.sum(y_true != y_pred))
    ...     def result(self):
    ...         return self.count
    >>> float(Wrong()(np.array([1, 2]), np.array([1, 3])))
    1.0
    """

    form: ClassVar[str] = ""  # the core's name of what it computes; "": Python computes
    title: ClassVar[str] = ""  # the default name
    larger_is_better: ClassVar[bool | None] = None

    _weighted = False  # whether it came through weighted_metrics

    _seen: list[tuple[Array, Array, Floats | None]]

    @checked_keywords(ignored=KERAS)
    def __init__(self, *, name: str | None = None) -> None:
        self._set_name(name)

    def _set_name(self, name: str | None) -> None:
        self.name = self._default_name() if name is None else identifier(name, "name")

    def _default_name(self) -> str:
        return self.title or type(self).__name__.lower()

    def _repr_config(self) -> dict[str, Any]:
        config = self.get_config()
        return config | {"name": None if self.name == self._default_name() else self.name}

    # ---- inside fit and evaluate -------------------------------------------------------------

    def resolve(self, target_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> str:
        """The core's name of the metric for targets and outputs of these shapes."""
        return self.form

    def check(self, target_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> None:
        """Raises a ValueError where it cannot compare targets and outputs of these shapes."""

    @property
    def in_core(self) -> bool:
        """Whether the core computes it, batch by batch."""
        return bool(self.form) and not self._weighted

    def over_set(
        self, y_true: Array, y_pred: Array, loss: Loss, weight: Floats | None = None
    ) -> float:
        """The number over a set of targets and a model's outputs."""
        if len(y_pred) == 0:
            return float("nan")
        if not self.keeps_state:
            return self._one(self.compute(y_true, self._suited(y_pred, loss), weight))
        self.reset_state()
        self._update(y_true, y_pred, weight)
        value = self._one(self.result())
        self.reset_state()
        return value

    def _update(self, y_true: Array, y_pred: Array, weight: Floats | None) -> None:
        self.update_state(y_true, y_pred, *(() if weight is None else (weight,)))

    @property
    def keeps_state(self) -> bool:
        """Whether its class says how it goes on from batch to batch, so that it stands for one."""
        return not type(self).update_state.__module__.startswith("mundur.")

    def _one(self, value: Any) -> float:
        number = np.asarray(value, np.float64)
        if number.size != 1:
            raise ValueError(f"metric {self.name!r} must give one number; got {value!r}")
        return float(number.item())

    def _suited(self, y_pred: Array, loss: Loss) -> Array:
        """What `compute` shall see of a model's outputs, which may be logits."""
        return y_pred

    # ---- by hand -----------------------------------------------------------------------------

    def compute(self, y_true: Array, y_pred: Array, sample_weight: Floats | None = None) -> Any:
        """The number of targets and predictions."""
        raise NotImplementedError(f"{type(self).__name__}.compute is not written")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes a batch into account."""
        y, p, weight = checked_batch(y_true, y_pred, sample_weight)
        if not hasattr(self, "_seen"):
            self._seen = []
        if self._seen and (self._seen[0][2] is None) != (weight is None):
            raise ValueError("sample_weight must come with every batch or with none")
        self._seen.append((y.copy(), p.copy(), weight))

    @checked_keywords(ignored=KERAS | {"aggregation": either("sum", "none", None, "mean")})
    def add_variable(
        self,
        shape: Sequence[int],
        initializer: str,
        *,
        name: str | None = None,
    ) -> Variable:
        """Numbers that a subclass's `update_state` changes, and `reset_state` brings back.

        Parameters
        ----------
        shape : tuple of int
            () for one number.
        initializer : {"zeros", "ones"}
        name : str, optional

        Returns
        -------
        Variable
            An array of float64, with Keras's ``assign``, ``assign_add`` and ``numpy``.
        """
        first = np.full(tuple(shape), float(choice(initializer, "initializer", *_FIRST) == "ones"))
        variable = first.view(Variable)
        variable.path, variable.trainable = f"{self.name}/{name or 'variable'}", False
        kept = vars(self).setdefault("_kept", [])
        kept.append((variable, first.copy()))
        return variable

    def add_weight(
        self, shape: Sequence[int] = (), initializer: str | None = None, **options: Any
    ) -> Variable:
        """`add_variable` with defaults: one number, which is 0 at first."""
        return self.add_variable(shape, initializer or "zeros", **options)

    @property
    def variables(self) -> list[Variable]:
        """What `add_variable` made."""
        return [variable for variable, _ in vars(self).get("_kept", [])]

    def result(self) -> Any:
        """The number over all batches since `reset_state`; 0 before any."""
        seen = getattr(self, "_seen", [])
        if not seen:
            return 0.0
        y, p = (np.concatenate([batch[i] for batch in seen]) for i in (0, 1))
        weights = [batch[2] for batch in seen if batch[2] is not None]
        with _core.to_nearest:
            return self.compute(y, p, np.concatenate(weights) if weights else None)

    def reset_state(self) -> None:
        """Forgets all batches."""
        self._seen = []
        for variable, first in vars(self).get("_kept", []):
            variable.assign(first)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Takes a batch into account; the number over all batches so far."""
        self.update_state(y_true, y_pred, sample_weight)
        return self.result()


class Summed(Metric):
    """A metric that is a function of sums over samples: batches add up, none is kept."""

    _state: tuple[Floats, ...] | None = None

    def _sums(self, y_true: Array, y_pred: Array, weight: Floats | None) -> tuple[Floats, ...]:
        """Those of a batch."""
        raise NotImplementedError

    def _number(self, *sums: Floats) -> Any:
        """What they come to."""
        raise NotImplementedError

    def _joined(self, first: tuple[Floats, ...], then: tuple[Floats, ...]) -> tuple[Floats, ...]:
        """Those of two parts together."""
        return tuple(np.asarray(a + b) for a, b in zip(first, then, strict=True))

    def compute(self, y_true: Array, y_pred: Array, sample_weight: Floats | None = None) -> Any:
        """The number of targets and predictions."""
        return self._number(*self._sums(y_true, y_pred, sample_weight))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes a batch into account."""
        with _core.to_nearest:
            self._add(self._sums(*checked_batch(y_true, y_pred, sample_weight)))

    def _add(self, sums: tuple[Floats, ...]) -> None:
        self._state = sums if self._state is None else self._joined(self._state, sums)

    def result(self) -> Any:
        """The number over all batches since `reset_state`; 0 before any."""
        if self._state is None:
            return 0.0
        with _core.to_nearest:
            return self._number(*self._state)

    def reset_state(self) -> None:
        """Forgets all batches."""
        self._state = None


class MeanOf(Summed):
    """The mean of a number for each row of outputs: Σ w v / Σ w, 0 where the weights are."""

    def _values(self, y_true: Array, y_pred: Array) -> Floats:
        """That of each row, all axes but the last one."""
        raise NotImplementedError

    def _sums(self, y_true: Array, y_pred: Array, weight: Floats | None) -> tuple[Floats, ...]:
        values = self._values(y_true, y_pred).reshape(-1)
        if weight is None:
            return np.asarray(values.sum()), np.asarray(float(values.size))
        w = by_row(weight, y_pred.shape)
        return np.asarray((w * values).sum()), np.asarray(w.sum())

    def _number(self, *sums: Floats) -> float:
        total, weight = sums
        return float(total / weight) if weight > 0 else 0.0


class MeanMetricWrapper(Metric):
    """A function, or a `Loss`, as a metric; ``metrics=[function]`` and ``[loss]`` make one.

    The function gets all samples of the epoch or the set at once (Keras: each batch, and the mean
    of those). Model files hold its name only: after `load_model`, compile again.

    Parameters
    ----------
    fn : callable
        fn(y_true, y_pred), arrays, returns a number, or an array of which the mean is taken.
    name : str, optional
        By default the function's own.

    Raises
    ------
    TypeError
        Where fn is not callable, or has no name and none is given.

    Examples
    --------
    >>> import mundur as md, numpy as np
    >>> def bias(y_true, y_pred):
    ...     return y_pred - y_true
    >>> md.metrics.MeanMetricWrapper(bias)(np.zeros(2), np.array([1.0, 2.0]))
    1.5
    """

    @checked_keywords(ignored=KERAS)
    def __init__(self, fn: Callable[[Array, Array], Any], name: str | None = None) -> None:
        if not callable(fn) or isinstance(fn, type):
            raise WrongType(f"fn must be callable as fn(y_true, y_pred); got {shown(fn)}")
        self.fn = fn
        self._is_loss = hasattr(fn, "gradient")
        if self._is_loss:
            vars(self)["larger_is_better"] = False
        if name is None and not self._default_name():
            raise WrongType(f"{shown(fn)} has no name of its own; pass name=")
        self._set_name(name)

    def _default_name(self) -> str:
        return str(getattr(self.fn, "__name__", getattr(self.fn, "name", "")))

    def compute(self, y_true: Array, y_pred: Array, sample_weight: Floats | None = None) -> float:
        """The function's number, or the mean of its array."""
        weights = {"sample_weight": sample_weight} if self._is_loss else {}
        value = np.asarray(self.fn(y_true, y_pred, **weights), np.float64)
        if sample_weight is None or value.ndim == 0:
            return float(value.mean())
        w = by_element(sample_weight, value.shape)
        return float((w * value.ravel()).sum() / w.sum()) if w.sum() > 0 else 0.0


# ---- what metrics share -------------------------------------------------------------------------


def checked_batch(
    y_true: Any, y_pred: Any, sample_weight: Any
) -> tuple[Array, Array, Floats | None]:
    """A batch as arrays; weights as by `weights_of`."""
    y, p = arrays.real_array(y_true, "y_true"), arrays.real_array(y_pred, "y_pred")
    if p.ndim == 0 or y.ndim == 0 or len(y) != len(p):
        raise ValueError(
            f"y_true and y_pred must have as many samples; got shapes {y.shape} and {p.shape}"
        )
    return y, p, None if sample_weight is None else weights_of(sample_weight, p.shape)


def weights_of(value: Any, shape: tuple[int, ...]) -> Floats:
    """Weights of samples, of rows or of elements: an array of the first axes of `shape`."""
    array = np.asarray(arrays.real_array(value, "sample_weight"), np.float64)
    if array.ndim == 0:
        array = np.full(shape[0], array)
    while array.ndim > 1 and array.shape[-1] == 1 and array.shape != shape[: array.ndim]:
        array = array[..., 0]
    if array.ndim > 1 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.shape != shape[: array.ndim]:
        raise ValueError(
            f"sample_weight must have the first axes of y_pred, whose shape is {shape}; got "
            f"{np.shape(value)}"
        )
    if not (np.isfinite(array) & (array >= 0)).all():
        raise ValueError("sample_weight must be finite and not negative")
    return array


def by_row(weight: Floats, shape: tuple[int, ...]) -> Floats:
    """Those weights for each row, all axes but the last one."""
    rows = shape[:-1] or shape
    if weight.ndim > len(rows):
        raise ValueError(
            f"sample_weight must have one number for each row of y_pred, shape {rows} at most; got "
            f"{weight.shape}"
        )
    return by_element(weight, rows)


def by_element(weight: Floats, shape: tuple[int, ...]) -> Floats:
    """Those weights for each element."""
    spread = weight.reshape(*weight.shape, *(1,) * (len(shape) - weight.ndim))
    return np.broadcast_to(spread, shape).reshape(-1)


def pair(y_true: Array, y_pred: Array, what: str) -> tuple[Floats, Floats]:
    """Both as rows in float64, their shapes compared; (n,) equals (n, 1)."""
    y, p = _column(y_true), _column(y_pred)
    if y.shape != p.shape:
        raise ValueError(
            f"{what} needs y_true and y_pred of one shape; got {y_true.shape} and {y_pred.shape}"
        )
    rows = (-1, p.shape[-1])
    return y.reshape(rows).astype(np.float64), p.reshape(rows).astype(np.float64)


def _column(values: Array) -> Array:
    return values[:, None] if values.ndim == 1 else values


def with_labels(y_true: Array, y_pred: Array, what: str) -> tuple[Floats, Floats]:
    """As `pair`, where targets may also be integer labels of the classes in y_pred's columns."""
    if not takes_labels(y_true.shape, y_pred.shape):
        return pair(y_true, y_pred, what)
    labels, classes = y_true.reshape(-1), y_pred.shape[-1]
    bad = ~((labels >= 0) & (labels < classes) & (labels == np.floor(labels)))  # NaN too
    if bad.any():
        raise ValueError(
            f"y_true must hold labels in [0, {classes}) for {what}; got {labels[bad][0]}"
        )
    return np.eye(classes)[labels.astype(np.int64)], y_pred.reshape(-1, classes).astype(np.float64)


def takes_labels(target_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> bool:
    """Whether targets of this shape are labels beside outputs of that one."""
    rows = output_shape[:-1]
    return target_shape in (rows, (*rows, 1)) and len(rows) > 0 and output_shape[-1] > 1


def probabilities(y_pred: Array, loss: Loss) -> Array:
    """A model's outputs, from logits too, as probabilities in float64."""
    if not loss.from_logits:
        return y_pred
    z = y_pred.astype(np.float64)
    if "categorical" in loss.kind:
        e = np.exp(z - z.max(axis=-1, keepdims=True))
        return np.asarray(e / e.sum(axis=-1, keepdims=True))
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + e), e / (1 + e))
