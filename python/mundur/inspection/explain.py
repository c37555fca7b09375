"""Passes through a model that are watched: `Model.explain`, and what else is read off one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .._support.views import Views
from ..data.arrays import Several, arrays_in, for_core
from ..layers.conv1d import Windowed
from ..layers.conv1d_transpose import Conv1DTranspose
from ..layers.conv2d_transpose import Conv2DTranspose
from ..layers.recurrent import Recurrent
from ..layers.wrappers import Bidirectional
from ..models.graph import with_inner
from ..models.model import Model
from .arguments import Total, checked, loss_value
from .explanation import Explanation
from .gates import GATES, Recurrence
from .masks import Mask, behind, together
from .passes import LayerPass
from .snapshot import snapshot
from .terms import Window

if TYPE_CHECKING:
    from .. import _core
    from ..layers.base import Layer
    from ..models.graph import Graph

__all__ = ["explain", "per_sample_gradients"]

Array = npt.NDArray[Any]


def explain(model: Model, x: Any, y: Any, loss: Any = None) -> Explanation:
    """See `Model.explain`."""
    x, y, loss = checked(model, x, y, loss)
    again = snapshot(model, loss)
    x = _inputs(model, x)
    with watching(model) as native:
        y_pred = native.forward(for_core(x), False, watched=True)
        value, losses = _loss_values(loss, y, y_pred)
        dx = native.backward(_gradient(loss, y, y_pred), watched=True)
        penalty = native.penalty(watched=True)
        values = Views(native.watched_values(), "value")
        gradients = {name: model._gradients[name].copy() for name in model.trainable_parameters}
    graph = model._graph_built
    made = dict(enumerate(zip(arrays_in(x), dx if isinstance(dx, tuple) else (dx,), strict=True)))
    masks: list[Mask] = [None] * len(made)
    names = ["x"] if model._ports_in.alone else model.input_names
    passes: list[LayerPass] = []
    for (number, sources), name in zip(graph.calls, scopes(graph), strict=True):
        reads = tuple(names[source] for source in sources)
        own = [made[source] for source in sources]
        layer = graph.layers[number]
        given: Any
        given, back = zip(*own, strict=True) if layer._merges or len(own) > 1 else own[0]
        # What goes beside a sequence is a state.
        mask = together([masks[source] for source in (sources if layer._merges else sources[:1])])
        what = _What(values, gradients, mask)
        one = _layer_pass(layer, name, given, back, what, graph.names[number])
        passes.append(replace(one, reads=reads))
        masks.append(behind(layer, name, own[0][0], mask, values))
        masks += [None] * (layer._makes - 1)
        made[len(made)] = one.a, one.da
        names.append(name)
        for state in range(1, layer._makes):
            a = values[f"{name}/a:{state}"]
            made[len(made)] = a, values.get(f"{name}/da:{state}", np.zeros_like(a))
            names.append(f"{name}[{state}]")
    loss_name = getattr(loss, "title", type(loss).__name__)
    return Explanation(
        x if isinstance(x, np.ndarray) else x.parts,
        _as_arrays(model, y),
        y_pred,
        value,
        penalty,
        loss_name,
        tuple(passes),
        values,
        tuple(names[value] for value in graph.outputs),
        again,
        losses,
    )


def _loss_values(loss: Any, y: Any, y_pred: Any) -> tuple[float, tuple[float | None, ...]]:
    """L, and what the loss of each output comes to."""
    if isinstance(loss, Total):
        values = loss.values(y, y_pred)
        return loss.weighed(values), values
    value = loss_value(loss, y, y_pred)
    return value, (value,)


def scopes(graph: Graph) -> list[str]:
    """What the values of each call are called: its layer's name, from the second on numbered."""
    found: list[str] = []
    for number, _ in graph.calls:
        name, count = graph.names[number], 0
        while name in found:
            count += 1
            name = f"{graph.names[number]}:{count}"
        found.append(name)
    return found


def _as_arrays(model: Model, y: Any) -> Any:
    """Bare targets, whatever holds their numbers."""
    if model._ports_out.alone:
        return np.asarray(y)
    return tuple(None if part is None else np.asarray(part) for part in y)


class _What(NamedTuple):
    """What a pass has made, and which steps of a layer's input are there."""

    values: Views
    gradients: dict[str, Array]
    mask: Mask


def _layer_pass(layer: Layer, name: str, x: Any, dx: Any, what: _What, place: str) -> LayerPass:
    """Of a call of that name, of a layer whose parameters' names begin with the place."""
    values = what.values
    a = values[f"{name}/a"]
    da = values.get(f"{name}/da", np.zeros_like(a))  # where a later layer takes but the states
    has_z = f"{name}/z" in values
    # Where the next step sees what f made there is no z.
    activation = (has_z and getattr(layer, "activation", None)) or "linear"
    slope = np.ones_like(a) if activation == "linear" else values.get(f"{name}/slope")
    views = layer._views()
    parameters = {own: views[own].copy() for own in layer.parameter_initializers}
    learning = [own for own in parameters if layer.is_trainable(own)]
    penalties, factors = {}, []
    for own, regularizer in layer.parameter_regularizers.items():
        if regularizer is not None and own in learning:
            l1, l2 = regularizer.penalty()
            factors.append((own, l1, l2))
            penalties[own] = l1 * np.sign(parameters[own]) + 2 * l2 * parameters[own]
    return LayerPass(
        name=name,
        kind=type(layer).__name__,
        activation=str(getattr(activation, "name", activation)),
        x=x,
        z=values[f"{name}/z"] if has_z else a,
        a=a,
        slope=slope,
        da=da,
        delta=values[f"{name}/delta"] if has_z else da,
        dx=dx,
        parameters=parameters,
        gradients={own: what.gradients[f"{place}/{own}"] for own in learning},
        penalties=penalties,
        notes=tuple(_notes(layer)),
        penalty_factors=tuple(factors),
        recurrence=_recurrence(layer, name, what),
        window=_window(layer),
        within=tuple(_within(layer, name, x, what, place)),
    )


def _within(layer: Layer, name: str, x: Any, what: _What, place: str) -> Iterator[LayerPass]:
    """The passes of the layers that go through a sequence in both directions."""
    if not isinstance(layer, Bidirectional):
        return
    sequence, *states = x if isinstance(x, tuple) else (x,)
    half = len(states) // 2
    for inner, own in zip(layer.inner, (states[:half], states[half:]), strict=True):
        given = (sequence, *own) if own else sequence
        scope = f"{name}/{inner.name}"
        one = _layer_pass(inner, scope, given, None, what, f"{place}/{inner.name}")
        if one.recurrence is not None:
            dx = one.recurrence.delta @ one.parameters["kernel"].T
            yield replace(one, dx=dx, recurrence=replace(one.recurrence, in_order=True))


def _window(layer: Layer) -> Window | None:
    if not isinstance(layer, Windowed):
        return None
    _, strides, dilation = layer._sizes()
    is_transposed = isinstance(layer, (Conv1DTranspose, Conv2DTranspose))
    return Window(strides, dilation, layer.padding, is_transposed)


def _recurrence(layer: Layer, name: str, what: _What) -> Recurrence | None:
    values, mask = what.values, what.mask
    delta = values.get(f"{name}/delta")
    if not isinstance(layer, Recurrent) or delta is None:
        return None
    states = (values.get(f"{name}/da:{state}") for state in range(1, layer._makes))
    like = np.zeros_like(delta[:, 0, : layer.units])
    return Recurrence(
        next(kind.__name__ for kind in type(layer).__mro__ if kind.__name__ in GATES),
        str(getattr(layer, "activation", None) or "linear"),
        str(getattr(layer, "recurrent_activation", None) or "linear"),
        layer.go_backwards,
        bool(getattr(layer, "reset_after", False)),
        delta,
        tuple(like if one is None else one for one in states),
        mask if mask is not None and mask.shape == delta.shape[:2] else None,
    )


def _notes(layer: Layer) -> Iterator[str]:
    if layer.way == "forward":
        yield "python"
    if layer.mask_flow == "makes":
        yield "masks"
    known = isinstance(layer, (Recurrent, Bidirectional))
    if not known and any(isinstance(one, Recurrent) for one in with_inner([layer])):
        yield "holds_recurrent"


@contextmanager
def watching(model: Model) -> Iterator[_core.Network]:
    """The network, whose watched calls by hand leave the model as it was."""
    native = model.native
    gradients = native.flat_gradients.copy()
    state = {name: view.copy() for name, view in model._state.items()}
    try:
        yield native
    finally:
        native.flat_gradients[...] = gradients
        for name, values in state.items():  # which stateful layers move on
            model._state[name][...] = values
        native.forget_watch()


def _inputs(model: Model, x: Any) -> Any:
    """Numbers in the model's dtype, ids as they are."""
    parts = [
        part if ids else np.asarray(part, model.dtype)
        for part, ids in zip(arrays_in(x), model.vocabularies, strict=True)
    ]
    return parts[0] if len(parts) == 1 else Several(parts)


def _gradient(loss: Any, y: Any, y_pred: Any) -> Any:
    """∂L/∂y_pred as the core takes it."""
    gradient = loss.gradient(y, y_pred)
    if isinstance(y_pred, tuple):
        return tuple(_like(g, p) for g, p in zip(gradient, y_pred, strict=True))
    return _like(gradient, y_pred)


def _like(gradient: Any, y_pred: Array) -> Array:
    return np.ascontiguousarray(gradient, y_pred.dtype).reshape(y_pred.shape)


def activations(model: Model, x: Any) -> dict[str, tuple[Any, Array]]:
    """What goes into each layer of a built model, and what comes out, by its name."""
    x = _inputs(model, model._features(x))
    with watching(model) as native:
        native.forward(for_core(x), False, watched=True)
        values = native.watched_values()
    graph = model._graph_built
    made: list[Any] = list(arrays_in(x))
    found = {}
    for (number, sources), name in zip(graph.calls, scopes(graph), strict=True):
        layer, given = graph.layers[number], tuple(made[source] for source in sources)
        a = values[f"{name}/a"]
        made += [a, *(values[f"{name}/a:{state}"] for state in range(1, layer._makes))]
        found[name] = (given if layer._merges or len(given) > 1 else given[0], a)
    return found


def per_sample_gradients(model: Model, x: Any, y: Any, loss: Any = None) -> dict[str, Array]:
    """See `Model.per_sample_gradients`."""
    x, y, loss = checked(model, x, y, loss)
    y = _as_arrays(model, y)
    y = Several(y) if isinstance(y, tuple) else y
    result = {
        name: np.empty((len(x), *model._gradients[name].shape), model.dtype)
        for name in model.trainable_parameters
    }
    with watching(model) as native:
        for n in range(len(x)):
            one = slice(n, n + 1)
            y_pred = native.forward(for_core(x[one]), False, watched=True)
            native.backward(_gradient(loss, y[one], y_pred), watched=True)
            for name, gradients in result.items():
                gradients[n] = model._gradients[name]
    return result
