"""Passes through a model that are watched: `Model.explain`, and what else is read off one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .. import losses
from .._support.views import Views
from ..data import arrays
from ..data.targets import sample_targets
from ..layers.container import copied
from ..losses.base import NativeLoss
from ..models.model import Model
from .explanation import Explanation, LayerPass

if TYPE_CHECKING:
    from .. import _core
    from ..layers.base import Layer
    from ..losses.base import Loss

__all__ = ["explain", "per_sample_gradients"]

Array = npt.NDArray[Any]


def explain(model: Model, x: Any, y: Any, loss: Any = None) -> Explanation:
    """See `Model.explain`."""
    x, loss = checked(model, x, y, loss)
    x = _inputs(model, x)
    with watching(model) as native:
        y_pred = native.forward(x, False, watched=True)
        value = loss_value(loss, y, y_pred)
        dx = native.backward(_gradient(loss, y, y_pred), watched=True)
        penalty = native.penalty(watched=True)
        values = Views(native.watched_values(), "value")
        gradients = {name: model._gradients[name].copy() for name in model.trainable_parameters}
    passes: list[LayerPass] = []
    before = x, dx
    for layer in model.layers:
        passes.append(_layer_pass(layer, *before, values, gradients))
        before = passes[-1].a, passes[-1].da
    loss_name = type(loss).__name__
    return Explanation(x, np.asarray(y), y_pred, value, penalty, loss_name, tuple(passes), values)


def _layer_pass(
    layer: Layer, x: Array, dx: Array, values: Views, gradients: dict[str, Array]
) -> LayerPass:
    a, da = values[f"{layer.name}/a"], values[f"{layer.name}/da"]
    has_z = f"{layer.name}/z" in values
    # Where the next step sees what f made there is no z.
    activation = (has_z and getattr(layer, "activation", None)) or "linear"
    slope = np.ones_like(a) if activation == "linear" else values.get(f"{layer.name}/slope")
    views = layer._views()
    parameters = {name: views[name].copy() for name in layer.parameter_initializers}
    learning = [name for name in parameters if layer.is_trainable(name)]
    penalties = {}
    for name, regularizer in layer.parameter_regularizers.items():
        if regularizer is not None and name in learning:
            l1, l2 = regularizer.penalty()
            penalties[name] = l1 * np.sign(parameters[name]) + 2 * l2 * parameters[name]
    return LayerPass(
        name=layer.name,
        kind=type(layer).__name__,
        activation=str(getattr(activation, "name", activation)),
        x=x,
        z=values[f"{layer.name}/z"] if has_z else a,
        a=a,
        slope=slope,
        da=da,
        delta=values[f"{layer.name}/delta"] if has_z else da,
        dx=dx,
        parameters=parameters,
        gradients={name: gradients[f"{layer.name}/{name}"] for name in learning},
        penalties=penalties,
    )


@contextmanager
def watching(model: Model) -> Iterator[_core.Network]:
    """The network, whose watched calls by hand leave the model as it was."""
    native = model.native
    gradients = native.flat_gradients.copy()
    try:
        yield native
    finally:
        native.flat_gradients[...] = gradients
        native.forget_watch()


def _inputs(model: Model, x: Array) -> Array:
    return x if model.vocabulary else np.asarray(x, model.dtype)


def _gradient(loss: Loss, y: Any, y_pred: Array) -> Array:
    """∂L/∂y_pred as the core takes it."""
    gradient = np.ascontiguousarray(loss.gradient(y, y_pred), y_pred.dtype)
    return gradient.reshape(y_pred.shape)


def activations(model: Model, x: Any) -> dict[str, tuple[Array, Array]]:
    """What goes into each layer of a built model, and what comes out, by its name."""
    x = _inputs(model, arrays.features(x, model.input_shape))
    with watching(model) as native:
        native.forward(x, False, watched=True)
        values = native.watched_values()
    names = [layer.name for layer in model.layers]
    outputs = [x, *(values[f"{name}/a"] for name in names)]
    return dict(zip(names, pairwise(outputs), strict=True))


def per_sample_gradients(model: Model, x: Any, y: Any, loss: Any = None) -> dict[str, Array]:
    """See `Model.per_sample_gradients`."""
    x, loss = checked(model, x, y, loss)
    y = arrays.real_array(y, "y")
    result = {
        name: np.empty((len(x), *model._gradients[name].shape), model.dtype)
        for name in model.trainable_parameters
    }
    with watching(model) as native:
        for n in range(len(x)):
            one = slice(n, n + 1)
            y_pred = native.forward(x[one], False, watched=True)
            native.backward(_gradient(loss, y[one], y_pred), watched=True)
            for name, gradients in result.items():
                gradients[n] = model._gradients[name]
    return result


def checked(model: Model, x: Any, y: Any, loss: Any) -> tuple[Array, Loss]:
    """Features that suit the model, which is built for them if it was not, and the loss.

    Targets of a loss of ours are looked at as in fit; one written in Python may take any.
    """
    x = arrays.features(x, model.input_shape)
    arrays.check_values(x, model.vocabulary, "x")
    chosen = model.loss if loss is None else losses.get(loss)
    if chosen is None:
        raise ValueError("loss must be given where compile named none; got None")
    if not model.built:
        model.build(x.shape[1:])
    if isinstance(chosen, NativeLoss):
        chosen._check_head(model.native.head, model.output_shape)
        sample_targets(y, chosen, (len(x), *model.output_shape))
    return x, chosen


def loss_value(loss: Loss, y: Any, y_pred: Array) -> float:
    """The loss as a number; a ValueError where it is none, so that nothing has a gradient."""
    value: Any = loss(y, y_pred)
    if np.ndim(value):
        raise ValueError(f"loss must give one number; {loss!r} gives shape {np.shape(value)}")
    return float(value)


def float64_copy(model: Model) -> Model:
    """A model of its own with the same layers and numbers, in float64."""
    layers = []
    for layer in model.layers:
        first = {name: "zeros" for name in layer.get_config() if name.endswith("_initializer")}
        layers.append(copied(layer, name=layer.name, input_shape=None, **first))
    chain = Model(layers, seed=model.seed, dtype="float64", input_shape=model.native.input_shape)
    chain.set_weights(model.get_weights())
    return chain
