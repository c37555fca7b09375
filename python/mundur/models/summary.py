"""The table that `Model.summary` prints."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .._support.checks import integer, shown
from .chain import Chain

if TYPE_CHECKING:
    from ..layers.base import Layer


def summary(
    model: Chain, slots: int, line_length: Any, positions: Any, print_fn: Any, batch_size: Any
) -> None:
    """See `Model.summary`."""
    if positions is not None:
        raise ValueError(f"positions must be None; got {shown(positions)}")
    if print_fn is not None and not callable(print_fn):
        raise TypeError(f"print_fn must be callable as print_fn(line); got {shown(print_fn)}")
    width = None if line_length is None else integer(line_length, "line_length", 40, 10_000)
    for line in lines(model, slots, integer(batch_size, "batch_size", 1), width):
        (print if print_fn is None else print_fn)(line)


def lines(model: Chain, slots: int, batch_size: int, width: int | None) -> list[str]:
    """Title, one row per layer, totals, and memory with that of the optimizer's `slots`."""
    width = width or 72
    rows = [("Layer (type)", "Output shape", "Parameters"), *_rows(model)]
    heading, *table = [line for row in rows for line in _row(row, width)]
    types = [model.dtype]
    if model.compute_dtype != model.dtype:
        types.append(f"{model.compute_dtype} products")
    title = f'Model "{model.name}" ({", ".join(types)}, seed {model.seed})'
    return [
        title,
        "=" * width,
        heading,
        "-" * width,
        *table,
        "=" * width,
        *_totals(model, slots, batch_size),
    ]


def _row(cells: tuple[str, str, str], width: int) -> list[str]:
    """A label that is too long for its column has a line of its own."""
    first, last = max(width * 45 // 100, 8), max(width * 25 // 100, 8)
    middle = width - first - last
    fits = len(cells[0]) < first
    line = f"{cells[0] if fits else '':<{first}}{cells[1]:<{middle}}{cells[2]:>{last}}"
    return [line] if fits else [cells[0], line]


def _rows(model: Chain) -> list[tuple[str, str, str]]:
    shape = model.input_shape
    result = []
    for layer in model.layers:
        label = f"{layer.name} ({type(layer).__name__})"
        if shape is None:
            result.append((label, "?", "?"))
            continue
        every = layer.parameter_shapes(shape) | layer.state_shapes(shape)
        sizes = [math.prod(s) for s in every.values()]
        shape = layer.compute_output_shape(shape)
        output = f"({', '.join(map(str, ('None', *shape)))})"
        result.append((label, output, f"{sum(sizes):,}{_frozen(layer)}"))
    return result


def _frozen(layer: Layer) -> str:
    names = list(layer.parameter_initializers)
    frozen = [name for name in names if not layer.is_trainable(name)]
    if not frozen:
        return ""
    return " frozen" if frozen == names else f", {' and '.join(frozen)} frozen"


def _totals(model: Chain, slots: int, batch_size: int) -> list[str]:
    if model.input_shape is None or not model.layers:
        return ["Not built: the input shape is not known yet"]
    item = np.dtype(model.dtype).itemsize
    total, learning = model.count_params(), set(model.trainable_parameters)
    trainable = sum(
        view.size for name, view in model._parameter_views().items() if name in learning
    )
    state = sum(view.size for view in model._state.values())
    learned = total - state
    memory = {
        "parameters": learned * item,
        **({"state": state * item} if state else {}),
        "gradients": learned * item,
        "optimizer state": slots * learned * item,
        f"workspace (batches of {batch_size})": model.native.workspace_bytes(batch_size, True),
    }
    return [
        f"Parameters: {total:,}, trainable {trainable:,}, non-trainable {total - trainable:,}",
        "Memory: " + ", ".join(f"{name} {_size(size)}" for name, size in memory.items()),
    ]


def _size(size: float) -> str:
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.4g} {unit}"
        size /= 1024
    return f"{size:.4g} GiB"
