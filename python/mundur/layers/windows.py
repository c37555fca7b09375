"""Windows over the time steps of a sample: their arguments, and how many steps they leave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._support.checks import WrongType, integer, shown
from .._support.names import lookup

_NAMES = {name: name for name in ("valid", "same", "causal")}


def single(value: Any, name: str) -> int:
    """A positive integer, or Keras's form of it, a tuple of one."""
    if isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 1:
        value = value[0]
    if isinstance(value, (Sequence, np.ndarray)):
        raise ValueError(f"{name} must be an integer, or a tuple of one; got {value!r}")
    return integer(value, name, 1)


def padding_name(value: Any, *, causal: bool) -> str:
    """One of "valid", "same" and, where it has a meaning, "causal"; upper case is Keras's too."""
    if not isinstance(value, str):
        raise WrongType(f"padding must be text; got {shown(value)}")
    known = {name: name for name in _NAMES if causal or name != "causal"}
    return lookup(known, value.lower(), "padding")


def channels_last(value: Any) -> str | None:
    """The only data_format there is."""
    if not (value is None or (isinstance(value, str) and value == "channels_last")):
        raise ValueError(
            'data_format must be "channels_last", samples of shape (steps, channels); got '
            f"{shown(value)}; Permute((2, 1)) turns samples of shape (channels, steps) around"
        )
    return None if value is None else str(value)


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


def output_steps(
    layer: str, argument: str, steps: int, size: int, strides: int, dilation: int, padding: str
) -> int:
    """How many places a window of `size` steps, `dilation` apart, has in `steps`."""
    if padding != "valid":
        return -(-steps // strides)
    extent = (size - 1) * dilation + 1
    if steps < extent:
        raise ValueError(
            f"{layer}: {argument}={size} needs {extent} steps, and samples here have {steps}; "
            f"choose a smaller one, pad the samples, or say padding='same'"
        )
    return (steps - extent) // strides + 1
