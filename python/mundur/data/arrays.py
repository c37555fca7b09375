"""What comes in as data, checked: the arrays themselves stay as they are wherever possible."""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .. import _core
from .._support.checks import WrongType, shown
from .._support.lengths import suits
from .._support.names import suggestion

__all__ = [
    "ONE",
    "Ports",
    "Several",
    "arrays_in",
    "check_ids",
    "check_values",
    "features",
    "for_core",
    "joined",
    "nonfinite_error",
    "real_array",
    "warn_of_images",
    "warn_of_scales",
    "weights",
]

Array = npt.NDArray[Any]

_OF_TEXT = "encode text as numbers first, with mundur.text for instance"
_HINTS = {
    "O": (
        "; rows of different lengths? mundur.utils.pad_sequences brings them to one. Mixed "
        "columns? Convert with np.asarray(..., dtype=float)"
    ),
    "c": "; give real and imaginary parts as separate features",
    "M": "; convert times to numbers first",
    "m": "; convert times to numbers first",
}

_COLUMN_HINTS = {
    "M": "; convert times to numbers first",
    "m": "; convert times to numbers first",
    "c": "; give real and imaginary parts as separate columns",
}


def real_array(value: Any, name: str, of_text: str = _OF_TEXT) -> Array:
    """An array of real numbers, native byte order, aligned; a copy only where that needs one.

    `of_text` is what the error for text advises.
    """
    array = value if type(value) in (np.ndarray, np.memmap) else _converted(value, name)
    dtype = array.dtype
    if dtype.kind not in "biuf":
        raise WrongType(
            f"{name} must hold real numbers (bool, integers, float16, float32 or float64); "
            f"got dtype {dtype}" + (f", text; {of_text}" if _is_text(array) else _hint(array, name))
        )
    if dtype.itemsize > 8:
        raise WrongType(
            f"{name} has dtype {dtype}, wider than float64; convert it with "
            f"{name.split()[-1]}.astype(np.float64)"
        )
    if not dtype.isnative:
        array = array.astype(dtype.newbyteorder("="))
    if not array.flags.aligned:
        array = array.copy()
    return array


def _hint(array: Array, name: str) -> str:
    if array.ndim == 1 and all(isinstance(part, np.ndarray) for part in array):
        _asarray(list(array), name)  # raises where they differ in shape
        return f"; np.stack({_bare(name)}) makes one array of arrays of one shape"
    return _HINTS.get(array.dtype.kind, "")


def _is_text(array: Array) -> bool:
    if array.dtype.kind == "O":
        return any(isinstance(value, (str, bytes)) for value in array.flat[:100])
    return array.dtype.kind in "UST"


def _converted(value: Any, name: str) -> Array:
    if value is None:
        raise WrongType(f"{name} must be an array; got None")
    if isinstance(value, (str, bytes, dict, set)):
        raise WrongType(f"{name} must be an array; got {type(value).__name__}")
    if isinstance(value, np.ma.MaskedArray):
        raise WrongType(f"{name} is a masked array; fill or drop what is masked first (x.filled)")
    if hasattr(value, "columns") and hasattr(value, "dtypes"):
        return _from_columns(value, name)
    if hasattr(value, "__array__") or isinstance(value, (list, tuple, int, float)):
        return _asarray(value, name)
    if hasattr(value, "__dlpack__"):
        return np.from_dlpack(value)
    if hasattr(value, "toarray"):
        raise WrongType(f"{name} is a sparse matrix; make it dense with {name}.toarray()")
    if inspect.isgeneratorfunction(value):
        raise WrongType(
            f"{name} must be an array or give batches; got the function {value.__name__}: call it, "
            f"{value.__name__}()"
        )
    if hasattr(value, "__iter__"):
        raise WrongType(
            f"{name} must be an array; got {type(value).__name__}, an iterable; batches go into "
            "fit, evaluate and predict as x alone"
        )
    raise WrongType(f"{name} must be an array; got {type(value).__name__}")


def _from_columns(frame: Any, name: str) -> Array:
    """A data frame's columns side by side, in the narrowest dtype that holds them all.

    The frame's own array where its columns have one dtype, else one copy, filled by column.
    """
    if hasattr(frame, "iloc"):
        columns = [frame.iloc[:, i] for i in range(len(frame.columns))]
    else:
        columns = [frame[column] for column in frame.columns]
    arrays = [
        _column(column, f"column {title!r} of {name}")
        for title, column in zip(frame.columns, columns, strict=True)
    ]
    if not arrays:
        raise ValueError(f"{name} has no columns")
    if len({array.dtype for array in arrays}) == 1:
        whole = np.asarray(frame)
        if whole.dtype == arrays[0].dtype:
            return whole
    out = np.empty((len(frame), len(arrays)), np.result_type(*arrays))
    for i, array in enumerate(arrays):
        out[:, i] = array
    return out


def _column(column: Any, name: str) -> Array:
    array = np.asarray(column)
    # pandas's nullable numbers; a missing one becomes NaN.
    numbers = getattr(column.dtype, "numpy_dtype", None)
    if array.dtype.kind == "O" and numbers is not None and numbers.kind in "biuf":
        array = column.to_numpy(np.float64, na_value=np.nan)
    if array.dtype.kind not in "biuf":
        raise WrongType(
            f"{name} must hold real numbers; got dtype {column.dtype}"
            f"{_COLUMN_HINTS.get(array.dtype.kind, '; encode text and categories as numbers')}"
        )
    return array


def _asarray(value: Any, name: str) -> Array:
    try:
        return np.asarray(value)
    except ValueError as error:
        shapes = [np.shape(part) for part in value if hasattr(part, "shape")]
        other = next((i for i, shape in enumerate(shapes) if shape != shapes[0]), 0)
        alike = len(shapes) == len(value) and len({len(shape) for shape in shapes}) == 1
        if other and alike and len(shapes[0]) in (2, 3):
            grey = len(shapes[0]) == 2
            image = "image[np.newaxis, ..., np.newaxis]" if grey else "image[np.newaxis]"
            one = "[0, ..., 0]" if grey else "[0]"
            rows, columns = shapes[0][:2]
            raise ValueError(
                f"{name} does not form an array: {_bare(name)}[0] has shape {shapes[0]}, "
                f"{_bare(name)}[{other}] {shapes[other]}. Images must have one size: "
                f"md.layers.Resizing({rows}, {columns})({image}){one} brings an image to that one; "
                "mundur.utils.pad_sequences does the like to sequences"
            ) from None
        raise ValueError(
            f"{name} does not form an array ({error}): rows of different lengths must be padded or "
            "cut to one, which mundur.utils.pad_sequences does, and features and targets go in as "
            "two arguments, (x, y) as x, y"
        ) from None


def features(value: Any, input_shape: tuple[int, ...] | None, name: str = "x") -> Array:
    """Samples for a model: (samples, *input_shape), at least one."""
    x = real_array(value, name)
    if input_shape is not None and x.shape[1:] != input_shape:
        if x.ndim == len(input_shape) and suits((*x.shape[1:], 1), input_shape):
            x = x[..., None]
        elif not suits(x.shape[1:], input_shape):
            raise _wrong_shape(x, input_shape, name)
    if x.ndim < 2:
        raise _wrong_shape(x, input_shape, name)
    if x.size == 0:
        raise ValueError(f"{name} must not be empty; got shape {x.shape}")
    return x


_LOOKED_AT = 256  # rows and columns at most
_APART = 1000.0
_LARGE = 10.0  # it is silent of small numbers beside ordinary ones
_NOISE = 1e-9  # smaller ones are nobody's features


def warn_of_scales(x: Array, given: Any, stacklevel: int) -> None:
    """Warns where columns of a table are a thousandfold apart, by the names that `given` has.

    What is told of a column is the root mean square of its numbers other than 0, so that rare
    events are as large as frequent ones.
    """
    if x.ndim != 2 or x.dtype.kind != "f" or not 2 <= x.shape[1] <= _LOOKED_AT or len(x) < 20:
        return
    rows = np.asarray(x[:_LOOKED_AT], np.float64)
    present = np.maximum(np.count_nonzero(rows, axis=0), 1)
    with np.errstate(over="ignore", invalid="ignore"):
        sizes = np.sqrt(np.square(rows).sum(axis=0) / present)
    told = (sizes > _NOISE) & (rows != rows[0]).any(axis=0)  # a constant column tells nothing
    if not told.any() or not np.isfinite(sizes).all():
        return
    large, small = int(np.argmax(sizes * told)), int(np.argmin(np.where(told, sizes, np.inf)))
    if sizes[large] < _LARGE or sizes[large] < _APART * sizes[small]:
        return
    names = list(getattr(given, "columns", range(x.shape[1])))
    warnings.warn(
        f"features of x are far apart in scale: column {names[large]!r} holds numbers about "
        f"{sizes[large]:.2g}, column {names[small]!r} about {sizes[small]:.2g}, and so train "
        "badly. Standardise them, (x - mean) / std with the columns' mean and std of the training "
        "set, or put BatchNormalization() first",
        UserWarning,
        stacklevel=stacklevel,
    )


_SIDE = 8  # smaller images may well have as many rows as columns, and 3 of what precedes them


def warn_of_images(x: Array, told: bool, stacklevel: int) -> None:
    """Warns where images are bytes as they come, or seem to have their channels first.

    `told`: somebody said what shape they have, so that the order of axes is meant.
    """
    if x.dtype == np.uint8 and x[:_LOOKED_AT].max() > 1:
        warnings.warn(
            "images of x are bytes, 0 to 255, and a convolution takes them as they come, which "
            "trains badly: put md.layers.Rescaling(1/255) first",
            UserWarning,
            stacklevel=stacklevel,
        )
    if not told and x.ndim == 4 and x.shape[1] in (1, 3) and x.shape[2] == x.shape[3] >= _SIDE:
        warnings.warn(
            f"images of x have shape {x.shape[1:]}, taken as {x.shape[1]} rows and {x.shape[2]} "
            f"columns of {x.shape[3]} channels; are the channels first? np.moveaxis(x, 1, -1) "
            "brings them behind. If they are not, say input_shape="
            f"{x.shape[1:]}",
            UserWarning,
            stacklevel=stacklevel,
        )


def _wrong_shape(x: Array, input_shape: tuple[int, ...] | None, name: str) -> ValueError:
    extents = "features" if input_shape is None else ", ".join(map(str, input_shape))
    message = f"{name} must have shape (samples, {extents}); got {x.shape}"
    if x.shape == input_shape:
        message += f"; for a single sample pass {_bare(name)}[np.newaxis]"
    elif x.ndim == 4 and (*x.shape[2:], x.shape[1]) == input_shape:
        message += f", channels first: np.moveaxis({_bare(name)}, 1, -1) brings them behind"
    elif x.ndim == 3 and len(input_shape or ()) == 3:
        message += (
            "; an axis is missing: that of the channels, x[..., np.newaxis] where images are grey, "
            "or that of the samples, x[np.newaxis] where it is one image"
        ).replace("x[", f"{_bare(name)}[")
    elif input_shape and x.ndim == 2 and x.shape[1] == math.prod(input_shape):
        message += f"; {_bare(name)}.reshape(-1, {extents}) brings flat rows into it"
    elif x.ndim < 2:
        message += (
            f". One feature per sample: {_bare(name)}.reshape(-1, 1); a single sample: "
            f"{_bare(name)}.reshape(1, -1)"
        )
    return ValueError(message)


def _bare(name: str) -> str:
    return name if name.isidentifier() else "array"


def weights(
    value: Any, samples: int, name: str = "sample_weight", rows: tuple[int, ...] = ()
) -> npt.NDArray[np.float64]:
    """One finite weight >= 0 per sample, or per row where they have that shape, as float64.

    A single number is the weight of all.
    """
    array = real_array(value, name)
    if array.ndim == 0:
        array = np.full(samples, array)
    rows = rows or (samples,)
    if array.shape not in ((samples,), (samples, 1), rows, (*rows, 1)):
        steps = f" or {rows}" if len(rows) > 1 else ""
        raise ValueError(f"{name} must have shape ({samples},){steps}; got {array.shape}")
    result = np.ascontiguousarray(array.reshape(-1), np.float64)
    bad = ~(np.isfinite(result) & (result >= 0))
    if bad.any():
        first = int(bad.argmax())
        raise ValueError(
            f"{name} must be finite and not negative; got {result[first]} at sample {first}"
        )
    return _in_scale(result)


def _in_scale(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The same weights in a scale that float32 holds; only their proportions matter."""
    exponent = int(np.frexp(values.max(initial=0.0))[1])
    return values if abs(exponent) < 64 else np.ldexp(values, -exponent)


def check_finite(array: Array, name: str, switch: str = "") -> None:
    """Raises the error of `nonfinite_error` where the array holds NaN or infinity."""
    if array.dtype.kind == "f":
        place = _core.first_nonfinite(array)
        if place is not None:
            raise nonfinite_error(array, place, name, switch)


def check_values(array: Array, vocabulary: int, name: str, switch: str = "") -> None:
    """Raises where samples hold what is no id, or, without a vocabulary, what is not finite."""
    if vocabulary:
        check_ids(array, vocabulary, name)
    else:
        check_finite(array, name, switch)


def check_ids(array: Array, vocabulary: int, name: str) -> None:
    """Raises where an array holds anything but ids, whole numbers in [0, vocabulary)."""
    for start in range(0, len(array), 4096):
        part = array[start : start + 4096]
        good = (part >= 0) & (part < vocabulary)
        if part.dtype.kind == "f":
            good &= part == np.floor(part)
        if not good.all():
            place = divmod(int(good.argmin()), max(1, part[0].size))
            value, where = _at(array, (start + place[0], place[1]))
            raise ValueError(
                f"{name} must hold ids, whole numbers from 0 to {vocabulary - 1} (the Embedding's "
                f"input_dim is {vocabulary}); got {value} at {where.replace('feature', 'step')} "
                "(counted from 0)"
            )


def overflow_error(array: Array, dtype: str, name: str) -> ValueError | None:
    """The error for the first finite number that is infinite in the model's dtype."""
    for start in range(0, len(array), 4096):
        with np.errstate(over="ignore"):
            place = _core.first_nonfinite(array[start : start + 4096].astype(dtype))
        if place is not None:
            value, where = _at(array, (start + place[0], place[1]))
            return ValueError(
                f"{name} holds {value} at {where} (counted from 0), beyond the range of {dtype}; "
                "scale the features or use Model(..., dtype='float64')"
            )
    return None


def nonfinite_error(array: Array, place: tuple[int, int], name: str, switch: str) -> ValueError:
    """The error that says where the first NaN or infinity is and which argument allows it."""
    value, where = _at(array, place)
    allow = f"; {switch} allows it" if switch else ""
    return ValueError(f"{name} must be finite; got {value} at {where} (counted from 0){allow}")


def _at(array: Array, place: tuple[int, int]) -> tuple[Any, str]:
    """The number at (sample, flat feature index), and where that is, in words."""
    sample, feature = place
    index = np.unravel_index(feature, array.shape[1:]) if array.ndim > 1 else ()
    value = array[sample][index] if index else array[sample]
    where = f"sample {sample}"
    if index:
        where += f", feature {index[0] if len(index) == 1 else tuple(map(int, index))}"
    return value, where


# ---- several of the same samples -----------------------------------------------------------------


class Several:
    """Arrays beside each other; its length is how many samples there are, and it slices each.

    An array may be missing, as targets that nothing asks for are.
    """

    __slots__ = ("parts",)

    def __init__(self, parts: Sequence[Any]) -> None:
        self.parts = tuple(parts)

    def __len__(self) -> int:
        return len(next(part for part in self.parts if part is not None))

    def __getitem__(self, rows: Any) -> Several:
        return Several([None if part is None else part[rows] for part in self.parts])

    def __setitem__(self, rows: Any, values: Several) -> None:
        for part, value in zip(self.parts, values.parts, strict=True):
            if part is not None:
                part[rows] = value

    def __iter__(self) -> Iterator[Any]:
        return iter(self.parts)

    def copy(self) -> Several:
        """Arrays of its own."""
        return Several([None if part is None else part.copy() for part in self.parts])


def arrays_in(given: Any) -> tuple[Any, ...]:
    """The arrays of what is one, or several."""
    return given.parts if isinstance(given, Several) else (given,)


def for_core(given: Any) -> Any:
    """As the core takes it: an array, or a tuple of them."""
    return given.parts if type(given) is Several else given


class Ports(NamedTuple):
    """The inputs of a model, or its outputs: their names, and how data for them are held."""

    names: tuple[str, ...]
    kind: type  # list, tuple or dict; object where there is one by itself
    title: str = "input"

    @property
    def alone(self) -> bool:
        """Whether there is one."""
        return len(self.names) == 1

    def parts(self, given: Any, what: str) -> tuple[Any, ...]:
        """What was given for each, by number or by name."""
        if self is ONE:
            return (given,)
        if isinstance(given, Several):
            return given.parts
        if isinstance(given, dict):
            return tuple(self._by_name(given, what))
        is_list = isinstance(given, (list, tuple))
        if self.alone:
            holds_it = is_list and self.kind in (list, tuple) and len(given) == 1
            return (given[0],) if holds_it else (given,)
        if is_list and len(given) == len(self.names):
            return tuple(given)
        came = f"a {type(given).__name__} of {len(given)}" if is_list else _kind_of(given)
        raise ValueError(
            f"{what} must hold one array for each of the model's {len(self.names)} {self.title}s "
            f"({self._listed()}), in a list or in a dict by name; got {came}"
        )

    def _by_name(self, given: dict[Any, Any], what: str) -> Iterator[Any]:
        for name in given:
            if name not in self.names:
                raise ValueError(
                    f"{what} names {name!r}, and the model's {self.title}s are {self._listed()}"
                    f"{suggestion(str(name), self.names)}"
                )
        for name in self.names:
            if name not in given:
                raise ValueError(
                    f"{what} lacks {name!r}; the model's {self.title}s are {self._listed()}"
                )
            yield given[name]

    def _listed(self) -> str:
        return ", ".join(map(repr, self.names))

    def called(self, what: str, number: int) -> str:
        """What errors call the array of one of them."""
        return what if self.alone else f"{what}[{self.names[number]!r}]"

    def checked(self, given: Any, what: str, check: Callable[[int, Any, str], Any]) -> Any:
        """What ``check(number, array, what errors call it)`` makes of each: as many samples."""
        parts = self.parts(given, what)
        found = [check(i, part, self.called(what, i)) for i, part in enumerate(parts)]
        if len(found) == 1:
            return found[0]
        samples = {len(part) for part in found if part is not None}
        if len(samples) > 1:
            told = ", ".join(
                f"{self.called(what, i)} has {len(part)}"
                for i, part in enumerate(found)
                if part is not None
            )
            raise ValueError(f"{what} must hold arrays of as many samples; {told}")
        return Several(found)

    def as_given(self, arrays: Any) -> Any:
        """Arrays of all of them, as the model was made: one, a list, a tuple or a dict."""
        if self.kind is object:
            return arrays.parts[0] if type(arrays) is Several else arrays
        if self.kind is dict:
            return dict(zip(self.names, arrays_in(arrays), strict=True))
        return self.kind(arrays_in(arrays))


ONE = Ports(("",), object)  # a chain has one of each, without a name


def joined(parts: Sequence[Any]) -> Any:
    """Arrays of samples, one below another, each of them one or several."""
    if isinstance(parts[0], Several):
        return Several([joined(same) for same in zip(*parts, strict=True)])
    shapes = dict.fromkeys(part.shape[1:] for part in parts)
    if len(shapes) > 1:
        raise ValueError(
            "outputs of batches must have one shape to be joined; there are "
            f"{', '.join(map(str, shapes))}: call predict on each batch"
        )
    return np.concatenate(parts)


def _kind_of(given: Any) -> str:
    shape = getattr(given, "shape", None)
    return f"an array of shape {shape}" if shape is not None else shown(given)
