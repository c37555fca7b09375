"""Small helpers around data."""

from __future__ import annotations

import math
import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from . import _core
from ._support.checks import WrongType, boolean, choice, integer, number, set_seeds, shown
from ._support.names import checked_keywords, either, unknown_attribute
from .data.arrays import real_array
from .data.py_dataset import PyDataset

if TYPE_CHECKING:  # it is loaded on use
    from .data.windows import timeseries_dataset_from_array

__all__ = [
    "PyDataset",
    "Sequence",
    "pad_sequences",
    "set_random_seed",
    "timeseries_dataset_from_array",
    "to_categorical",
]

Sequence = PyDataset


@checked_keywords(
    ignored={
        "show_dtype": either(False, True),
        "show_layer_names": either(False, True),
        "show_layer_activations": either(False, True),
        "show_trainable": either(False, True),
        "expand_nested": either(False, True),
        "rankdir": either("TB", "LR"),
        "splines": either("ortho", "curved", "polyline"),
    }
)
def plot_model(
    model: Any,
    to_file: str | os.PathLike[str] = "model.png",
    show_shapes: bool = False,
    *,
    dpi: int = 200,
) -> Any:
    """Draws a model as `plots.network` does, a graph as `plots.graph`, into a file.

    Parameters
    ----------
    model : Model
    to_file : path, default "model.png"
    show_shapes : bool, default False
        Keras's; shapes are shown anyway, as are what its other arguments ask for.
    dpi : int, default 200

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ImportError
        Without Matplotlib.
    """
    boolean(show_shapes, "show_shapes")
    from importlib import import_module

    plots, models = import_module("mundur.plots"), import_module("mundur.models")
    if not isinstance(model, models.Model):
        raise WrongType(f"model must be a Model; got {shown(model)}")
    holds_models = any(isinstance(layer, models.Model) for layer in model.layers)
    is_chain = model._order is None and not holds_models
    axes = plots.network(model) if is_chain else plots.graph(model)
    axes.figure.savefig(to_file, dpi=integer(dpi, "dpi", 1))
    return axes


def set_random_seed(seed: int) -> None:
    """Fixes the seeds of models made with ``seed=None`` from now on; Python's and NumPy's too.

    Parameters
    ----------
    seed : int
        In [0, 2**32).

    Raises
    ------
    TypeError, ValueError
        For anything else.

    Examples
    --------
    >>> import mundur as md
    >>> md.utils.set_random_seed(7)
    >>> first = md.Model().seed
    >>> md.utils.set_random_seed(7)
    >>> md.Model().seed == first
    True
    """
    import random

    seed = integer(seed, "seed", 0, 2**32 - 1)
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - what scripts for Keras draw from
    source = random.Random(seed)
    set_seeds(iter(lambda: source.getrandbits(63), -1))


@checked_keywords()
def pad_sequences(
    sequences: Any,
    maxlen: int | None = None,
    dtype: npt.DTypeLike = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: float = 0.0,
) -> npt.NDArray[Any]:
    """Sequences of different lengths as one array: short ones padded, long ones cut.

    Parameters
    ----------
    sequences : iterable of sequences
        Of numbers, or of vectors of one size.
    maxlen : int, optional
        Steps of the result; by default those of the longest.
    dtype : dtype, default "int32"
        Of the result.
    padding, truncating : {"pre", "post"}, default "pre"
        At which end steps are added, and at which they go.
    value : float, default 0.0
        What is added.

    Returns
    -------
    ndarray (samples, maxlen, ...)

    Raises
    ------
    TypeError, ValueError
        For what is no sequence, or holds what the dtype can't, naming its place, and for vectors of
        different sizes.

    Examples
    --------
    >>> import mundur as md
    >>> md.utils.pad_sequences([[1], [2, 3, 4], []], maxlen=2)
    array([[0, 1],
           [3, 4],
           [0, 0]], dtype=int32)
    """
    choice(padding, "padding", "pre", "post")
    choice(truncating, "truncating", "pre", "post")
    try:
        given = None if isinstance(sequences, (str, bytes)) else iter(sequences)
    except TypeError:  # a number, also as an array without axes
        given = None
    if given is None:
        raise WrongType(f"sequences must be a list of sequences; got {shown(sequences)}")
    kind = _number_type(dtype)
    value = _padding(value, kind)
    rows = [_row(sequence, place, kind) for place, sequence in enumerate(given)]
    sizes = {row.shape[1:] for row in rows if len(row)}
    if len(sizes) > 1:
        raise ValueError(f"sequences must hold steps of one shape; got {sorted(sizes)}")
    steps = max(map(len, rows), default=0) if maxlen is None else integer(maxlen, "maxlen", 0)
    out: npt.NDArray[Any] = np.full(
        _room("maxlen", len(rows), steps, *(sizes.pop() if sizes else ())), value, kind
    )
    for target, row in zip(out, rows, strict=True):
        kept = row[len(row) - min(len(row), steps) :] if truncating == "pre" else row[:steps]
        if len(kept):
            target[slice(steps - len(kept), None) if padding == "pre" else slice(len(kept))] = kept
    return out


def _number_type(dtype: Any) -> np.dtype[Any]:
    try:
        kind: np.dtype[Any] = np.dtype(dtype)
    except (TypeError, ValueError):
        raise WrongType(f"dtype must be a type of numbers; got {shown(dtype)}") from None
    if dtype is None or kind.kind not in "biuf":
        raise WrongType(f"dtype must be a type of numbers; got {shown(dtype)}")
    return kind


def _padding(value: Any, kind: np.dtype[Any]) -> Any:
    if kind.kind == "f" and isinstance(value, (float, np.floating)) and not math.isfinite(value):
        return value
    found = number(value, "value")
    whole = int(value) if isinstance(value, (int, np.integer)) else int(found)  # beyond 2**53, too
    least, most = (0, 1) if kind.kind == "b" else (-math.inf, math.inf)
    if kind.kind in "iu":
        least, most = np.iinfo(kind).min, np.iinfo(kind).max
    if kind.kind != "f" and (found != whole or not least <= whole <= most):
        raise ValueError(f"value must be a whole number that {kind} can hold; got {value!r}")
    return value


def _room(name: str, *shape: int) -> tuple[int, ...]:
    if math.prod(shape) * 8 > _core.available_memory():
        raise MemoryError(f"{name}: an array of shape {shape} is more than memory can hold")
    return shape


def _row(sequence: Any, place: int, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    if isinstance(sequence, (str, bytes)) or not hasattr(sequence, "__iter__"):
        raise WrongType(f"sequences[{place}] must be a sequence of numbers; got {sequence!r}")
    row = np.asarray(sequence if hasattr(sequence, "__len__") else list(sequence))
    if row.dtype.kind not in "biuf":
        raise WrongType(f"sequences[{place}] must hold numbers; got dtype {row.dtype}")
    if dtype.kind in "iu" and row.size:
        limits = np.iinfo(dtype)
        bad = ~((row >= limits.min) & (row <= limits.max) & (row == np.floor(row)))
        if bad.any():
            raise ValueError(
                f"sequences[{place}] must hold whole numbers that {dtype} can hold; got "
                f"{row[bad][0]}; dtype= chooses another"
            )
    return row


@checked_keywords()
def to_categorical(x: Any, num_classes: int | None = None) -> npt.NDArray[np.float64]:
    """Integer labels as one-hot rows: out[..., x] = 1, the rest 0.

    Parameters
    ----------
    x : array of integers
        Of any shape; a last extent of 1 is dropped.
    num_classes : int, optional
        By default the largest label plus one.

    Returns
    -------
    ndarray (..., num_classes) of float64

    Raises
    ------
    TypeError, ValueError
        For labels that are not whole numbers in [0, num_classes).

    Examples
    --------
    >>> import mundur as md
    >>> md.utils.to_categorical([0, 2])
    array([[1., 0., 0.],
           [0., 0., 1.]])
    """
    labels = real_array(x, "x")
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    if labels.dtype.kind == "f" and not (np.isfinite(labels) & (labels == np.floor(labels))).all():
        raise ValueError("x must hold whole class numbers; got fractions, NaN or infinity")
    given = num_classes is not None
    if num_classes is None:
        if labels.size == 0:
            raise ValueError("num_classes is needed for empty labels")
        num_classes = max(int(labels.max()) + 1, 1)
    classes = integer(num_classes, "num_classes", 1)
    if labels.size and not (labels.min() >= 0 and labels.max() < classes):
        raise ValueError(
            f"x must hold labels in [0, {classes}); got {labels.min()} to {labels.max()}"
        )
    flat = labels.ravel().astype(np.int64)
    out = np.zeros(_room("num_classes" if given else "x", flat.size, classes))
    out[np.arange(flat.size), flat] = 1
    return out.reshape(*labels.shape, classes)


if not TYPE_CHECKING:  # else type checkers would believe in any name

    def __getattr__(name: str) -> object:
        if name == "timeseries_dataset_from_array":
            return getattr(import_module("mundur.data.windows"), name)
        raise unknown_attribute("mundur.utils", name, __all__)

    def __dir__() -> list[str]:
        return sorted(__all__)
