"""Windows over a sample's time steps, or its rows and columns: arguments, and what they leave."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .._support.checks import WrongType, integer, shown
from .._support.names import Harmless, lookup

_NAMES = {name: name for name in ("valid", "same", "causal")}


def single(value: Any, name: str) -> int:
    """A positive integer, or Keras's form of it, a tuple of one."""
    if isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 1:
        value = value[0]
    if isinstance(value, (Sequence, np.ndarray)):
        raise ValueError(f"{name} must be an integer, or a tuple of one; got {value!r}")
    return integer(value, name, 1)


def pair(value: Any, name: str, minimum: int = 1) -> tuple[int, int]:
    """Two integers, of rows and columns; one number stands for both."""
    is_list = isinstance(value, Sequence) or (isinstance(value, np.ndarray) and value.ndim > 0)
    if not is_list:
        return (integer(value, name, minimum),) * 2
    if isinstance(value, str) or len(value) != 2:
        raise ValueError(f"{name} must be an integer, or two: (rows, columns); got {shown(value)}")
    rows, columns = (integer(part, f"{name}[{i}]", minimum) for i, part in enumerate(value))
    return rows, columns


def padding_name(value: Any, *, causal: bool) -> str:
    """One of "valid", "same" and, where it has a meaning, "causal"; upper case is Keras's too."""
    if not isinstance(value, str):
        raise WrongType(f"padding must be text; got {shown(value)}")
    known = {name: name for name in _NAMES if causal or name != "causal"}
    return lookup(known, value.lower(), "padding")


# Of samples with so many axes in front of the channels: their axes, and how they get there.
_AXES = {1: "(steps, channels)", 2: "(rows, columns, channels)"}
_FIRST = {1: "(channels, steps)", 2: "(channels, rows, columns)"}
_LAST = {1: "Permute((2, 1))", 2: "Permute((2, 3, 1))"}


def channels_last(value: Any, axes: int = 1) -> str | None:
    """The only data_format there is, for samples with so many axes in front of the channels."""
    if not (value is None or (isinstance(value, str) and value == "channels_last")):
        raise ValueError(
            f'data_format must be "channels_last", samples of shape {_AXES[axes]}; got '
            f"{shown(value)}; {_LAST[axes]} turns samples of shape {_FIRST[axes]} around"
        )
    return None if value is None else str(value)


# `data_format` of layers that have no use for it.
LAST = Harmless(None, lambda _, __, value: channels_last(value, 2))


def steps_and_channels(layer: str, shape: tuple[int, ...]) -> tuple[int, int]:
    """The two extents of a sample; an error says how to get there from another rank."""
    if len(shape) == 2:
        return shape[0], shape[1]
    if len(shape) == 1:
        hint = f"put Reshape(({shape[0]}, 1)) before it, or Embedding where the numbers are ids"
    elif len(shape) > 2:
        hint = f"put Reshape(({shape[0]}, -1)) or TimeDistributed(Flatten()) before it"
    else:
        hint = "a sample is a sequence of rows"
    raise ValueError(f"{layer}: samples must have shape (steps, channels), got {shape}; {hint}")


def image_and_channels(layer: str, shape: tuple[int, ...]) -> tuple[int, int, int]:
    """The three extents of a sample; an error says how to get there from another rank."""
    if len(shape) == 3:
        return shape[0], shape[1], shape[2]
    if len(shape) == 2:
        hint = (
            f"put Reshape(({shape[0]}, {shape[1]}, 1)) before it, or give x[..., np.newaxis]: the "
            "channels, 1 where images are grey, are an axis"
        )
    elif len(shape) == 1 and (side := math.isqrt(shape[0])) ** 2 == shape[0] > 1:
        hint = f"put Reshape(({side}, {side}, 1)) before it, where the rows are {side}"
    else:
        hint = "Reshape brings others into that shape, and TimeDistributed takes sequences of such"
    raise ValueError(f"{layer}: samples must have shape {_AXES[2]}, got {shape}; {hint}")


def axes_and_channels(layer: str, shape: tuple[int, ...], axes: int) -> tuple[int, ...]:
    """The extents of a sample with so many axes in front of its channels."""
    return (steps_and_channels if axes == 1 else image_and_channels)(layer, shape)


UNITS = {1: ("steps",), 2: ("rows", "columns")}


def output_image(
    layer: str,
    argument: str,
    image: Sequence[int],
    size: Sequence[int],
    strides: Sequence[int],
    dilation: Sequence[int],
    padding: str,
) -> tuple[int, ...]:
    """How many places a window of `size` has on each axis of an image, or of a sequence."""
    return tuple(
        output_steps(layer, argument, image[i], size[i], strides[i], dilation[i], padding, unit)
        for i, unit in enumerate(UNITS[len(size)])
    )


def output_steps(
    layer: str,
    argument: str,
    steps: int,
    size: int,
    strides: int,
    dilation: int,
    padding: str,
    unit: str = "steps",
) -> int:
    """How many places a window of `size` steps, `dilation` apart, has in `steps`."""
    if padding != "valid":
        return -(-steps // strides)
    extent = (size - 1) * dilation + 1
    if steps < extent:
        first = f"; samples are {_AXES[2]}, and {_LAST[2]} brings those of {_FIRST[2]} there"
        raise ValueError(
            f"{layer}: {argument}={size} needs {extent} {unit}, and samples here have {steps}; "
            f"choose a smaller one, pad the samples, or say padding='same'"
            + ("" if unit == "steps" else first)
        )
    return (steps - extent) // strides + 1
