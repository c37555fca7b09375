"""Checks of single arguments: each returns the clean value or says what was expected and came.

Without NumPy, for the textbook checks here, too: what one half of the package refuses, the other
refuses with the same sentence.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Iterator
from numbers import Integral
from typing import Any

from .lengths import Length

__all__ = [
    "MOST_AXES",
    "SMALLEST",
    "WrongType",
    "axes_of_batch",
    "axes_of_sample",
    "axis_of_batch",
    "boolean",
    "came",
    "check_ending",
    "check_layers",
    "choice",
    "epsilon_value",
    "extents",
    "identifier",
    "integer",
    "is_function",
    "items",
    "number",
    "seed_value",
    "shown",
    "verbosity",
    "without_batch",
]


class WrongType(TypeError, ValueError):
    """An argument of a type that is not taken: a TypeError, and a ValueError as Keras raises.

    Tracebacks call it what its readers know, "TypeError: ...".
    """

    def __reduce__(self) -> Any:
        return wrong_type, self.args


WrongType.__name__ = WrongType.__qualname__ = "TypeError"
WrongType.__module__ = "builtins"


def wrong_type(*args: Any) -> WrongType:
    """The error again, in another process: pickle would look its class up by that name."""
    return WrongType(*args)


_INT64_MAX = 2**63 - 1
MOST_AXES = 32  # of a sample; NumPy 1 had no more either
SMALLEST = 2.0**-126  # of the normal numbers in float32


def shown(value: Any) -> str:
    """At most 80 characters of what `repr` says, in one line; it may say nothing."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # a number of more digits than Python writes, or the caller's own
        return "a value that repr does not show"
    return text if len(text) <= 80 else text[:77] + "..."


def came(value: Any) -> str:
    """What came, and of which type: the end of a message."""
    return f"got {shown(value)} ({type(value).__name__})"


def _is_bool(value: Any) -> bool:
    """Whether it is True or False, NumPy's too."""
    return type(value).__name__ in ("bool", "bool_")


def integer(value: Any, name: str, minimum: int = 0, maximum: int = _INT64_MAX) -> int:
    """A whole number in [minimum, maximum]; neither bool nor float."""
    if type(value) is not int and _is_bool(value):
        raise WrongType(f"{name} must be an integer; {came(value)}")
    try:
        result = operator.index(value)
    except TypeError:
        raise WrongType(f"{name} must be an integer; {came(value)}") from None
    if not minimum <= result <= maximum:
        bound = f">= {minimum}" if result < minimum else f"<= {maximum}"
        raise ValueError(f"{name} must be {bound}; got {shown(result)}")
    return result


def number(
    value: Any,
    name: str,
    *,
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    below: float | None = None,
) -> float:
    """A finite real number within the bounds; neither bool nor text."""
    if _is_bool(value) or isinstance(value, (str, bytes)) or not hasattr(value, "__float__"):
        raise WrongType(f"{name} must be a number; {came(value)}")
    try:
        result = float(value)
    except (TypeError, ValueError, OverflowError):
        raise WrongType(f"{name} must be a number; {came(value)}") from None
    wanted = [
        (at_least is None or result >= at_least, f">= {at_least}"),
        (above is None or result > above, f"> {above}"),
        (at_most is None or result <= at_most, f"<= {at_most}"),
        (below is None or result < below, f"< {below}"),
    ]
    if not (math.isfinite(result) and all(holds for holds, _ in wanted)):
        given = (at_least, above, at_most, below)
        bounds = [text for (_, text), b in zip(wanted, given, strict=True) if b is not None]
        raise ValueError(
            f"{name} must be a finite number{' ' if bounds else ''}{' and '.join(bounds)}; "
            f"got {result!r}"
        )
    return result


def factor(value: Any, name: str, **bounds: float) -> float | tuple[float, float]:
    """A number, or a lower and an upper bound, within these bounds; see `number`."""
    if not isinstance(value, (tuple, list)):
        return number(value, name, **bounds)
    if len(value) != 2:
        raise ValueError(f"{name} must be a number or a pair (lower, upper); got {shown(value)}")
    return number(value[0], f"{name}[0]", **bounds), number(value[1], f"{name}[1]", **bounds)


def epsilon_value(value: Any) -> float:
    """What keeps a quotient finite: above 0 in float32, too."""
    return number(value, "epsilon", at_least=SMALLEST)


def boolean(value: Any, name: str, hint: str = "") -> bool:
    """True or False, NumPy's too; no other truthy value."""
    if value is True or value is False or _is_bool(value):
        return bool(value)
    raise WrongType(f"{name} must be True or False; {came(value)}{hint}")


def choice(value: Any, name: str, *known: str | None) -> Any:
    """One of a few texts, or None where that is among them."""
    if value is None or isinstance(value, str):
        if value in known:
            return value
        error: type[Exception] = ValueError
    else:
        error = WrongType
    *most, last = (f'"{text}"' if isinstance(text, str) else "None" for text in known)
    raise error(f"{name} must be {', '.join(most)} or {last}; {came(value)}")


def items(value: Any, name: str, most: int = 10**7) -> list[Any]:
    """What a list, a tuple or an array holds."""
    if isinstance(value, (str, bytes, bytearray)) or not hasattr(value, "__len__"):
        raise WrongType(f"{name} must be a list; {came(value)}")
    try:
        count = len(value)
    except TypeError:  # an array without axes
        raise WrongType(f"{name} must be a list; {came(value)}") from None
    if count > most:
        raise ValueError(f"{name} must hold at most {most} items; got {count}")
    return list(value)


def verbosity(value: Any) -> int:
    """0, 1 or 2; True and False count as 1 and 0."""
    if type(value) is not int and _is_bool(value):
        value = int(value)
    return integer(value, "verbose", 0, 2)


def identifier(value: Any, name: str) -> str:
    """A name for a layer or model: not empty, without '/' (which separates layer/parameter)."""
    if not isinstance(value, str):
        raise WrongType(f"{name} must be text; {came(value)}")
    if not value or "/" in value or not value.isprintable():
        raise ValueError(f"{name} must be printable, not empty and without '/'; got {value!r}")
    return str(value)  # NumPy's text, too


# What other formats' files end in, but for Keras's: its scripts run here.
_FOREIGN = (
    *(".onnx", ".pkl", ".pickle", ".joblib", ".pt", ".pth", ".tflite", ".pb", ".npz", ".npy"),
    *(".json", ".mat", ".csv"),
)


def check_ending(path: str, name: str) -> None:
    """Raises where a model's file would end in what means another format than safetensors."""
    stem, dot, ending = path.rpartition(".")
    if dot + ending.lower() in _FOREIGN:
        raise ValueError(
            f"{name} must not end in {dot + ending!r}: what is written is a safetensors file, best "
            f"named {stem + '.safetensors'!r}; got {path!r}"
        )


def is_function(value: Any) -> bool:
    """Whether it is there to be called; a layer is not, whose call raises."""
    return callable(value) and not hasattr(value, "compute_output_shape")


def extents(value: Any, name: str, lengths: bool = False) -> tuple[int, ...]:
    """A shape of one sample: positive integers, without the batch.

    Where `lengths`, the first may be None, a number of time steps that comes with the data.
    """
    if isinstance(value, Integral) and not _is_bool(value):
        value = (value,)
    if not isinstance(value, (tuple, list)):
        raise WrongType(f"{name} must be a tuple of integers; {came(value)}")
    if not 1 <= len(value) <= MOST_AXES:
        raise ValueError(f"{name} must have 1 to {MOST_AXES} extents; got {len(value)}")
    if lengths and value[0] is None:
        value = (Length(), *value[1:])
    if any(extent is None for extent in value):
        first = " but for the first, a number of time steps," if lengths else ""
        raise ValueError(
            f"{name} is the shape of one sample, in whole numbers{first} and without the batch; "
            f"got {value!r}"
        )
    return tuple(
        extent if isinstance(extent, Length) else integer(extent, f"{name}[{i}]", 1)
        for i, extent in enumerate(value)
    )


def axis_of_batch(value: Any, name: str = "axis") -> int:
    """An axis of a batch, but not that of the samples."""
    axis = integer(value, name, -MOST_AXES, MOST_AXES)
    if axis == 0:
        raise ValueError(f"{name} must not be 0, the axis of the samples")
    return axis


def axes_of_batch(value: Any, name: str = "axis") -> int | tuple[int, ...]:
    """One of them, or some."""
    if isinstance(value, (tuple, list)):
        return tuple(axis_of_batch(one, f"{name}[{i}]") for i, one in enumerate(value))
    return axis_of_batch(value, name)


def axes_of_array(value: Any, name: str = "axis") -> int | tuple[int, ...]:
    """An axis of an array, or some, at least one."""
    if not isinstance(value, (tuple, list)):
        return integer(value, name, -MOST_AXES, MOST_AXES - 1)
    if not value:
        raise ValueError(f"{name} must be an integer, or some; got none")
    return tuple(
        integer(one, f"{name}[{i}]", -MOST_AXES, MOST_AXES - 1) for i, one in enumerate(value)
    )


def axes_among(axis: int | tuple[int, ...], rank: int, what: str) -> list[int]:
    """Those of so many, counted from 0, ascending; errors begin with `what`."""
    given = axis if isinstance(axis, tuple) else (axis,)
    for one in given:
        if not -rank <= one < rank:
            raise ValueError(f"{what}: axis={one} is none of the axes of a parameter with {rank}")
    found = sorted({one % rank for one in given})
    if len(found) < len(given):
        raise ValueError(f"{what}: axis={axis} names one twice of a parameter with {rank}")
    return found


def without_batch(axis: int | tuple[int, ...]) -> list[int]:
    """The same counted from a sample's first; negative ones from the end."""
    given = axis if isinstance(axis, tuple) else (axis,)
    return [one if one < 0 else one - 1 for one in given]


def axes_of_sample(
    axis: int | tuple[int, ...], rank: int, layer: str, name: str = "axis"
) -> list[int]:
    """Those of a sample with so many, counted from 0, ascending; errors name the layer."""
    found = sorted({one + rank if one < 0 else one for one in without_batch(axis)})
    if not found or found[0] < 0 or found[-1] >= rank:
        raise ValueError(
            f"{layer}: {name} must be of 1 to {rank}, or -{rank} to -1, for samples of {rank} "
            f"axes (0 is the batch's); got {axis}"
        )
    return found


def seed_value(value: Any, name: str = "seed") -> int | None:
    """None or an integer in [0, 2**63)."""
    return None if value is None else integer(value, name)


def check_layers(value: Any, title: str) -> None:
    """Raises where a Model or Residual was given anything but layers one can walk through."""
    others = (str, bytes, bytearray, range, dict, set, frozenset)
    is_array = hasattr(value, "__array__")
    if is_array or isinstance(value, others) or not isinstance(value, Iterable):
        hint = f"; write {title}([{value!r}, ...])" if hasattr(value, "describe") else ""
        raise WrongType(f"layers must be a list of layers; {came(value)}{hint}")


_seeds: Iterator[int] | None = None


def set_seeds(seeds: Iterator[int] | None) -> None:
    """Where `fresh_seed` takes seeds from; None: the operating system."""
    global _seeds
    _seeds = seeds


def fresh_seed() -> int:
    """63 bits for seed=None."""
    import os

    return int.from_bytes(os.urandom(8), "little") >> 1 if _seeds is None else next(_seeds)
