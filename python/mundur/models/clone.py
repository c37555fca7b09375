"""Models made anew of a model's layers: the same connections, numbers of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._support.checks import shown
from ..data.arrays import Several
from ..layers.base import Layer
from ..layers.container import copied
from ..layers.input import Symbol, again
from .chain import Chain
from .model import Model

__all__ = ["clone_model", "copy_of"]


def clone_model(
    model: Model, input_tensors: Any = None, clone_function: Callable[[Layer], Layer] | None = None
) -> Model:
    """A model of new layers with the same arguments and connections; its weights are new ones.

    Parameters
    ----------
    model : Model
    input_tensors : symbolic value, or list of them, optional
        Of a graph: what takes the place of its inputs.
    clone_function : callable, optional
        ``clone_function(layer)`` returns the layer that takes the place of each; by default a new
        one of the same arguments.

    Returns
    -------
    Model
        Not compiled, with the seed and the dtype of the model.

    Raises
    ------
    TypeError
        For what is no model, and where clone_function returns what is no layer.

    Examples
    --------
    >>> import mundur as md, numpy as np
    >>> model = md.Model([md.layers.Dense(2)], input_shape=(3,), seed=0)
    >>> clone = md.models.clone_model(model)
    >>> clone.set_weights(model.get_weights())
    >>> np.array_equal(clone.predict(np.ones((1, 3))), model.predict(np.ones((1, 3))))
    True
    """
    if not isinstance(model, Model):
        raise TypeError(f"model must be a Model; got {shown(model)}")
    if clone_function is not None and not callable(clone_function):
        raise TypeError(
            f"clone_function must be callable as clone_function(layer); got {shown(clone_function)}"
        )

    def new(layer: Layer) -> Layer:
        made = _new(layer) if clone_function is None else clone_function(layer)
        if not isinstance(made, Layer):
            raise TypeError(f"clone_function must return a layer; got {shown(made)}")
        return made

    return copy_of(model, new, model.dtype, input_tensors)


def _new(layer: Layer) -> Layer:
    return copied(layer, name=layer.name)


def copy_of(model: Chain, new: Callable[[Layer], Layer], dtype: str, inputs: Any = None) -> Model:
    """A model whose layers are what `new` makes of each, a graph's once for all of its calls."""
    name = model._given_name
    made: dict[int, Any] = {}

    def twin(layer: Any) -> Any:
        if id(layer) not in made:
            is_model = isinstance(layer, Chain)
            made[id(layer)] = copy_of(layer, new, dtype) if is_model else new(layer)
        return made[id(layer)]

    if model._order is None:
        layers = [twin(layer) for layer in model.layers]
        if model._batch is not None:
            assert model._declared_shape is not None
            layers.insert(0, Symbol(model._declared_shape, None, batch=model._batch))
        return Model(
            layers, name=name, seed=model.seed, dtype=dtype, input_shape=model._declared_shape
        )
    assert model._inputs is not None
    fresh = [Symbol(x.sample, None, x.given_name, x.dtype, x.batch) for x in model._inputs]
    if inputs is not None:
        fresh = list(model._ports_in.parts(inputs, "input_tensors"))
    values: dict[int, Any] = {id(x): y for x, y in zip(model._inputs, fresh, strict=True)}
    for call in model._order:
        layer, given = twin(call.layer), [values[id(x)] for x in call.inputs]
        anew = layer._call_on(given) if isinstance(layer, Chain) else again(layer, given)
        values |= {id(x): y for x, y in zip(call.outputs, anew.outputs, strict=True)}
    ports_in, ports_out = model._ports_in, model._ports_out
    return Model(
        inputs=ports_in.as_given(Several(fresh)),
        outputs=ports_out.as_given(Several([values[id(x)] for x in model._outputs])),
        name=name,
        seed=model.seed,
        dtype=dtype,
    )
