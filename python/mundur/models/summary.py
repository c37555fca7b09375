"""The table that `Model.summary` prints."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._support.checks import integer, shown
from .._support.lengths import has_length
from .chain import Chain
from .graph import Graph


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
    connected = model._order is not None
    width = width or (98 if connected else 72)
    rows: list[tuple[str, ...]] = [("Layer (type)", "Output shape", "Parameters")]
    if connected:
        rows = [(*rows[0], "Connected to"), *_connected_rows(model)]
    else:
        rows += _rows(model)
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


def _row(cells: tuple[str, ...], width: int) -> list[str]:
    """A label that is too long for its column has a line of its own."""
    shares: tuple[int, ...] = (45, 30, 25) if len(cells) == 3 else (33, 25, 18, 24)
    first, last = max(width * shares[0] // 100, 8), max(width * shares[2] // 100, 8)
    behind = width * sum(shares[3:]) // 100
    middle = width - first - last - behind
    fits = len(cells[0]) < first
    line = f"{cells[0] if fits else '':<{first}}{cells[1]:<{middle}}{cells[2]:>{last}}"
    if len(cells) > 3:
        line = f"{line}   {cells[3]}".rstrip()
    return [line] if fits else [cells[0], line]


def _rows(model: Chain) -> list[tuple[str, ...]]:
    if model._declared_shape is None:
        return [(_label(layer), "?", "?") for layer in model.layers]
    graph = Graph([("", model._declared_shape)], model._batch)
    result: list[tuple[str, ...]] = []
    values: tuple[int, ...] = (0,)
    for layer in model.layers:
        values = graph.add(layer, values)
        shapes = [graph.shapes[value] for value in values]
        result.append((_label(layer), _shapes(shapes), _size_of(layer, graph)))
    return result


def _connected_rows(model: Chain) -> list[tuple[str, ...]]:
    """Inputs, then layers in the order of their first call, with whose outputs they read."""
    assert model._order is not None
    inputs = list(zip(model.inputs, model.input_names, strict=True))
    graph = Graph([(name, x.sample) for x, name in inputs], model._batch)
    values = {id(x): value for value, (x, _) in enumerate(inputs)}
    names = {id(x): name for x, name in inputs}
    rows = [[f"{name} (Input)", _shapes([x.sample]), "0", ""] for x, name in inputs]
    by_layer: dict[int, list[str]] = {}
    for call in model._order:
        layer = call.layer
        made = graph.add(layer, [values[id(x)] for x in call.inputs])
        values |= {id(x): value for x, value in zip(call.outputs, made, strict=True)}
        several = len(call.outputs) > 1
        names |= {
            id(x): f"{layer.name}[{i}]" if several else layer.name
            for i, x in enumerate(call.outputs)
        }
        reads = ", ".join(names[id(x)] for x in call.inputs)
        row = by_layer.get(id(layer))
        if row is None:
            shapes = [graph.shapes[value] for value in made]
            row = [_label(layer), _shapes(shapes), _size_of(layer, graph), reads]
            by_layer[id(layer)] = row
            rows.append(row)
        else:
            row[3] += f"; {reads}"
    return [tuple(row) for row in rows]


def _label(layer: Any) -> str:
    return f"{layer.name} ({type(layer).__name__})"


def _shapes(shapes: list[tuple[int, ...]]) -> str:
    return ", ".join(f"({', '.join(map(str, ('None', *shape)))})" for shape in shapes)


def _size_of(layer: Any, graph: Graph) -> str:
    """How many numbers a layer has, or all of a model's."""
    size = sum(
        math.prod(shape)
        for number, name in enumerate(graph.names)
        if name == layer.name or name.startswith(f"{layer.name}/")
        for shapes in (graph.parameter_shapes(number), graph.state_shapes(number))
        for array, shape in shapes.items()
        if array in graph.layers[number].weight_names
    )
    return f"{size:,}{_frozen(layer)}"


def _frozen(layer: Any) -> str:
    if isinstance(layer, Chain):
        return "" if layer.trainable else " frozen"
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
    learned = sum(view.size for view in model._parameter_views().values())
    memory = {
        "parameters": learned * item,
        **({"state": state * item} if state else {}),
        "gradients": learned * item,
        "optimizer state": slots * learned * item,
    }
    whole = []
    if not has_length(model._graph_built.inputs[0][1]):
        batches = f"batches of {batch_size}"
        if model._is_open:
            batches += f" x {', '.join(map(str, (s for _, s in model._graph_built.inputs)))}"
        memory[f"workspace ({batches})"] = model.native.workspace_bytes(batch_size, True)
        kept = _size(memory["parameters"] + memory["optimizer state"])
        step = _size(sum(memory.values()))
        whole = [f"Memory of a training step: {step}; fit takes {kept} more, to undo an epoch"]
    return [
        f"Parameters: {total:,}, trainable {trainable:,}, non-trainable {total - trainable:,}",
        "Memory: " + ", ".join(f"{name} {_size(size)}" for name, size in memory.items()),
        *whole,
    ]


def _size(size: float) -> str:
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.4g} {unit}"
        size /= 1024
    return f"{size:.4g} GiB"
