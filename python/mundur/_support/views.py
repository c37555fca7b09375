"""Live views of a model's numbers, by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _core
from .names import suggestion

__all__ = ["Variable", "Views", "copy_all", "variables"]


class Views(MutableMapping[str, npt.NDArray[Any]]):
    """Names and live NumPy views: reading one copies nothing, assigning copies into it.

    Examples
    --------
    >>> import mundur as md
    >>> model = md.Model([md.layers.Dense(2)], input_shape=(3,), seed=0)
    >>> list(model.parameters)
    ['dense/kernel', 'dense/bias']
    >>> model.parameters["dense/bias"] = [1.0, 2.0]
    >>> model.parameters["dense/bias"]
    array([1., 2.], dtype=float32)
    """

    def __init__(self, arrays: Mapping[str, npt.NDArray[Any]], what: str = "parameter") -> None:
        self._arrays = arrays
        self._what = what

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        try:
            return self._arrays[name]
        except KeyError:
            raise KeyError(
                f"no {self._what} {name!r}{suggestion(str(name), self._arrays)} "
                f"(known: {', '.join(self._arrays) or 'none'})"
            ) from None

    def __setitem__(self, name: str, value: npt.ArrayLike) -> None:
        copy_into(self[name], value, name)

    def __delitem__(self, name: str) -> None:
        raise TypeError(f"{self._what} {name!r} belongs to the model and cannot be deleted")

    def __contains__(self, name: object) -> bool:
        return name in self._arrays

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __repr__(self) -> str:
        rows = (f"  {name}: {a.dtype} {a.shape}" for name, a in self._arrays.items())
        return "\n".join([f"{len(self)} live views:", *rows])


def copy_into(view: npt.NDArray[Any], value: npt.ArrayLike, name: str) -> None:
    """Copies an array of exactly the view's shape into it."""
    array = _checked(view, value, name)
    with _core.to_nearest:
        np.copyto(view, array, casting="unsafe")


def copy_all(views: Mapping[str, npt.NDArray[Any]], values: Sequence[npt.ArrayLike]) -> None:
    """Copies as many arrays as there are views, in order; all are checked before any is copied."""
    if isinstance(values, (str, bytes)) or not isinstance(values, Sequence):
        raise TypeError(f"weights must be a list of arrays; got {type(values).__name__}")
    if len(values) != len(views):
        raise ValueError(
            f"weights must hold {len(views)} arrays ({', '.join(views) or 'none'}); "
            f"got {len(values)}"
        )
    pairs = zip(views.items(), values, strict=True)
    arrays = [_checked(view, value, name) for (name, view), value in pairs]
    with _core.to_nearest:
        for view, array in zip(views.values(), arrays, strict=True):
            np.copyto(view, array, casting="unsafe")


def _checked(view: npt.NDArray[Any], value: npt.ArrayLike, name: str) -> npt.NDArray[Any]:
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must be real numbers; got dtype {array.dtype}")
    if array.shape != view.shape:
        raise ValueError(f"{name} must have shape {view.shape}; got {array.shape}")
    return array


class Variable(np.ndarray):
    """A live view of a parameter, or of an array of state, with what Keras's variables have.

    Attributes
    ----------
    path : str
        "layer/parameter".
    name : str
        "parameter".
    trainable : bool
        Whether it learns.

    Examples
    --------
    >>> import mundur as md
    >>> model = md.Model([md.layers.Dense(1)], input_shape=(2,), seed=0)
    >>> [(w.path, w.shape) for w in model.trainable_weights]
    [('dense/kernel', (2, 1)), ('dense/bias', (1,))]
    >>> model.weights[1].assign([3.0])
    >>> model.layers[0].bias
    array([3.], dtype=float32)
    """

    path: str = ""
    trainable: bool = False

    @property
    def name(self) -> str:
        """The path's last part."""
        return self.path.rpartition("/")[2]

    @property
    def value(self) -> npt.NDArray[Any]:
        """The live view, without all that."""
        return self.view(np.ndarray)

    def numpy(self) -> npt.NDArray[Any]:
        """A copy of the numbers."""
        return np.array(self.value)

    def assign(self, value: npt.ArrayLike) -> None:
        """Copies numbers into it."""
        copy_into(self.value, value, self.path)

    def assign_add(self, value: npt.ArrayLike) -> None:
        """Adds numbers to it."""
        self.assign(self.value + np.asarray(value))

    def assign_sub(self, value: npt.ArrayLike) -> None:
        """Subtracts numbers from it."""
        self.assign(self.value - np.asarray(value))


def variables(views: Mapping[str, npt.NDArray[Any]], learning: Iterable[str]) -> list[Variable]:
    """Those of live views by path, of which some learn."""
    found, names = [], set(learning)
    for path, view in views.items():
        variable = view.view(Variable)
        variable.path, variable.trainable = path, path in names
        found.append(variable)
    return found
