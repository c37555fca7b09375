"""What comes into an estimator: features, as scikit-learn checks them, weights and layers.

What it refuses is refused in its words; what it cannot know, which column and what to do, follows.
"""

from __future__ import annotations

import copy
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils import column_or_1d
from sklearn.utils.validation import _check_sample_weight, validate_data

from .. import optimizers
from ..data.arrays import features, real_array
from ..layers.base import Layer
from ..layers.input import InputLayer
from ..models.model import Model
from ..optimizers.base import Optimizer

__all__ = [
    "checked",
    "dense",
    "fresh_layers",
    "is_large",
    "keep",
    "own_optimizer",
    "raveled",
    "sample_weights",
]

Array = npt.NDArray[Any]

_SHOWN = 5  # names of columns in an error
_LARGE = 64 << 20  # bytes of a sparse matrix once it is dense


def checked(estimator: Any, *data: Any, **how: Any) -> Any:
    """`validate_data`, whose errors say which column is meant and what mends it."""
    how = {"accept_sparse": "csr", "dtype": (np.float64, np.float32)} | how
    try:
        found = validate_data(estimator, *data, **how)
        x = found[0] if len(data) > 1 else found
        if x.dtype.kind not in "OUS":  # as a frame with categories may still be
            return found
        raise ValueError("could not convert string to float")
    except (TypeError, ValueError) as error:
        hint = _hint(data[0], str(error)) or _of_samples(estimator, data[0], str(error))
        if not hint:
            raise
        raise ValueError(f"{error}\n{hint}") from None


def _hint(x: Any, message: str) -> str:
    if "could not convert string" in message or "dtype='numeric'" in message:
        return (
            f"X holds text{_columns(x, _is_text)}; turn categories into numbers with "
            "OneHotEncoder or OrdinalEncoder, in a ColumnTransformer where only some columns are "
            "text, and sentences with mundur.text.TextClassifier"
        )
    if "NaN" in message and "Input X" in message:
        return (
            f"X lacks values{_columns(x, _lacks)}; fill them in a pipeline: "
            "make_pipeline(SimpleImputer(), StandardScaler(), ...)"
        )
    if "setting an array element with a sequence" in message:
        try:
            real_array(x, "X")
        except (TypeError, ValueError) as error:
            return str(error)
    return ""


def _of_samples(estimator: Any, x: Any, message: str) -> str:
    """What samples of several axes should be like: scikit-learn counts along the first alone."""
    shape = getattr(getattr(estimator, "model_", None), "input_shape", None)
    if "is expecting" not in message or shape is None or len(shape) < 2:
        return ""
    try:
        features(x, shape, "X")
    except (TypeError, ValueError) as error:
        return str(error)
    return ""


def _columns(x: Any, is_meant: Any) -> str:
    """Which ones, as the middle of a sentence, as far as that can be told."""
    if not hasattr(x, "columns"):
        array: Array = np.asarray(None if hasattr(x, "toarray") else x)
        if array.ndim != 2:
            return ""
        names: list[Any] = list(range(array.shape[1]))
        found = [name for name in names if is_meant(array[:, name])]
    else:
        found = [name for name in x.columns if is_meant(np.asarray(x[name]))]
    if not found:
        return ""
    listed = ", ".join(repr(name) for name in found[:_SHOWN])
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return f" in column{'s' if len(found) > 1 else ''} {listed}{more}"


def _is_text(column: Array) -> bool:
    if column.dtype.kind == "O":
        return any(isinstance(value, (str, bytes)) for value in column)
    return column.dtype.kind in "US"


def _lacks(column: Array) -> bool:
    try:
        return bool(np.isnan(column.astype(np.float64)).any())
    except (TypeError, ValueError):
        return False


def keep(estimator: Any, arguments: dict[str, Any]) -> None:
    """Each argument of a constructor, ``locals()``, under its own name and unchanged."""
    vars(estimator).update({name: value for name, value in arguments.items() if name != "self"})


def raveled(y: Any) -> Array:
    """A vector from a column, with scikit-learn's warning."""
    return np.asarray(column_or_1d(y, warn=True))


def dense(x: Any) -> Array:
    """An array of what may be a sparse matrix."""
    return np.asarray(x.toarray() if hasattr(x, "toarray") else x)


def is_large(x: Any) -> bool:
    """Whether it is a sparse matrix that is better made dense batch by batch, slower as that is."""
    return hasattr(x, "toarray") and 8 * x.shape[0] * x.shape[1] > _LARGE


def sample_weights(
    given: Any, x: Any, y: Any = None, class_weight: Any = None
) -> npt.NDArray[np.float64] | None:
    """One weight per sample, of its own and of its class; None where all weigh the same."""
    weights = None
    if given is not None:
        weights = np.asarray(
            _check_sample_weight(given, x, dtype=np.float64, ensure_non_negative=True), np.float64
        )
    if class_weight is not None:
        by_class = _weights_of_classes(class_weight, dense(y), weights)
        weights = by_class if weights is None else weights * by_class
    if weights is not None and not weights.any():
        raise ValueError(
            "Sample weights must contain at least one non-zero number; here sample_weight and "
            "class_weight leave none"
        )
    return weights


def _weights_of_classes(
    class_weight: Any, y: Array, weights: npt.NDArray[np.float64] | None
) -> npt.NDArray[np.float64]:
    """That of each sample's class; "balanced" gives all classes the same sum of weights."""
    by_class = np.ones(len(y))
    if isinstance(class_weight, dict):
        if y.ndim == 2 and y.shape[1] > 1:
            raise ValueError(
                "class_weight as a dict needs one class per sample; got several labels"
            )
        for label, weight in class_weight.items():
            if not (isinstance(weight, Real) and 0 <= float(weight) < np.inf):
                raise ValueError(
                    f"class_weight must hold numbers >= 0; got {weight!r} for class {label!r}"
                )
    for column in y.reshape(len(y), -1).T:
        labels, places = np.unique(column, return_inverse=True)
        if class_weight == "balanced":
            sums = np.bincount(places, weights)
            with np.errstate(divide="ignore"):
                factors = sums.sum() / (np.count_nonzero(sums) * sums)
            factors[sums == 0] = 0.0
        else:
            factors = np.array([class_weight.get(label, 1.0) for label in labels.tolist()])
        by_class *= factors[places]
    return by_class


def own_optimizer(given: Any) -> Optimizer:
    """Another one of the same arguments: each fit has its own, whatever the given one has done."""
    made = optimizers.get(given)
    return type(made).from_config(made.get_config())


def fresh_layers(layers: Any) -> list[Layer | InputLayer]:
    """Layers as those given: a model keeps its own, and an argument stays as it is."""
    if not isinstance(layers, (list, tuple)):
        mend = "; write a function that returns the Model" if isinstance(layers, Model) else ""
        raise TypeError(
            "layers must be a list of layers, or a function of (input_shape, outputs) that makes "
            f"one; got {layers!r:.80}{mend}"
        )
    return [copy.deepcopy(layer) for layer in layers]
