"""Metrics: what training reports beside the loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from .configurable import Configurable
from .keywords import checked_keywords, lookup, unknown_attribute
from .validation import identifier

__all__ = [
    "Accuracy",
    "BinaryAccuracy",
    "CategoricalAccuracy",
    "Metric",
    "SparseCategoricalAccuracy",
]


class Metric(Configurable):
    """Base class of the metrics: a name for logs and History, and the form that the core computes.

    Parameters
    ----------
    name : str, optional
        The key in logs, History and ``evaluate(return_dict=True)``.

    Examples
    --------
    >>> import mundur as md
    >>> md.metrics.BinaryAccuracy(name="hits").name
    'hits'
    """

    form: ClassVar[str] = ""
    larger_is_better: ClassVar[bool | None] = None

    @checked_keywords(ignored={"dtype": None})
    def __init__(self, *, name: str | None = None) -> None:
        self.name = self.form if name is None else identifier(name, "name")

    def _repr_config(self) -> dict[str, Any]:
        return {"name": None if self.name == self.form else self.name}

    def resolve(self, target_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> str:
        """The core's name of the metric for targets and outputs of these shapes."""
        return self.form


class Accuracy(Metric):
    """The share of right predictions; the form follows from the shapes, as in Keras.

    One output: `BinaryAccuracy`. Otherwise integer labels: `SparseCategoricalAccuracy`; targets of
    the outputs' shape: `CategoricalAccuracy`.

    Parameters
    ----------
    name : str, default "accuracy"

    Examples
    --------
    >>> import mundur as md
    >>> md.metrics.Accuracy()
    Accuracy()
    """

    form = "accuracy"
    larger_is_better = True

    def resolve(self, target_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> str:
        """The form for targets and outputs of these shapes."""
        if output_shape[-1] == 1:
            return BinaryAccuracy.form
        sparse = len(target_shape) < len(output_shape)
        return SparseCategoricalAccuracy.form if sparse else CategoricalAccuracy.form


class BinaryAccuracy(Metric):
    """The share of outputs on the right side: above 0.5, or above 0 when the loss says from_logits.

    Keras compares with 0.5 even for logits.

    Parameters
    ----------
    name : str, default "binary_accuracy"

    Examples
    --------
    >>> import mundur as md
    >>> md.metrics.BinaryAccuracy()
    BinaryAccuracy()
    """

    form = "binary_accuracy"
    larger_is_better = True

    @checked_keywords(ignored={"dtype": None, "threshold": 0.5})
    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(name=name)


class CategoricalAccuracy(Metric):
    """The share of samples whose largest output is the class of a one-hot target.

    Parameters
    ----------
    name : str, default "categorical_accuracy"

    Examples
    --------
    >>> import mundur as md
    >>> md.metrics.CategoricalAccuracy()
    CategoricalAccuracy()
    """

    form = "categorical_accuracy"
    larger_is_better = True


class SparseCategoricalAccuracy(Metric):
    """The share of samples whose largest output is the integer label.

    Parameters
    ----------
    name : str, default "sparse_categorical_accuracy"

    Examples
    --------
    >>> import mundur as md
    >>> md.metrics.SparseCategoricalAccuracy()
    SparseCategoricalAccuracy()
    """

    form = "sparse_categorical_accuracy"
    larger_is_better = True


_CLASSES: tuple[type[Metric], ...] = (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
)
KNOWN: dict[str, type[Metric]] = {cls.form: cls for cls in _CLASSES}
CLASS_NAMES: dict[str, type[Metric]] = {cls.__name__: cls for cls in _CLASSES}


def get(identifier: Any) -> Metric:
    """The metric of a name ("accuracy", "acc", ...), a class or an instance.

    Raises
    ------
    ValueError
        For an unknown name; it lists the known ones.
    TypeError
        For anything else.

    Examples
    --------
    >>> import mundur as md
    >>> md.metrics.get("acc").name
    'acc'
    """
    if isinstance(identifier, Metric):
        return identifier
    if isinstance(identifier, type) and issubclass(identifier, Metric):
        return identifier()
    if identifier == "acc":
        return Accuracy(name="acc")
    if isinstance(identifier, str):
        return lookup(KNOWN, identifier, "metric", CLASS_NAMES)()
    raise TypeError(f"a metric must be a name or a Metric; got {identifier!r}")


def get_all(metrics: Any) -> list[Metric]:
    """The metrics of ``compile(metrics=...)``, with distinct names."""
    if metrics is None:
        return []
    if isinstance(metrics, (str, Metric)) or not isinstance(metrics, Sequence):
        hint = f"; write metrics=[{metrics!r}]" if isinstance(metrics, (str, Metric)) else ""
        raise TypeError(f"metrics must be a list of names or metrics; got {metrics!r}{hint}")
    result = [get(metric) for metric in metrics]
    names = [metric.name for metric in result]
    for name in names:
        if names.count(name) > 1 or name == "loss" or name.startswith("val_"):
            raise ValueError(
                f"metrics must have distinct names, none of them 'loss' or 'val_...'; got {names}"
            )
    return result


def forms(
    metrics: Sequence[Metric], target_shape: tuple[int, ...], output_shape: tuple[int, ...]
) -> list[str]:
    """The core's names of the metrics for checked targets and outputs of these shapes."""
    if metrics and len(output_shape) > 2:
        raise ValueError(
            f"accuracies need one row of outputs per sample; the model gives {output_shape[1:]}"
        )
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


if not TYPE_CHECKING:  # else type checkers would believe in any name

    def __getattr__(name: str) -> object:
        raise unknown_attribute("mundur.metrics", name, __all__)
