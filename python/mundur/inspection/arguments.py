"""What is asked of a model that is looked into: arguments that suit it, its losses as one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .. import losses
from ..data import arrays
from ..data.arrays import arrays_in
from ..data.dataset import Objective
from ..data.targets import sample_targets
from ..layers.container import copied
from ..losses.base import NativeLoss
from ..models.clone import copy_of
from ..models.model import Model

if TYPE_CHECKING:
    from ..layers.base import Layer

__all__ = ["Total", "bare", "checked", "float64_copy", "loss_value"]

Array = npt.NDArray[Any]


class Total:
    """The losses of several outputs as one: Σ weight · loss."""

    def __init__(self, model: Model, asked: Sequence[Objective]) -> None:
        self._ports = model._ports_out
        self.asked = asked
        weights = ("" if one.weight == 1 else f"{one.weight:g}·" for one in asked)
        self.title = " + ".join(
            f"{weight}{type(one.loss).__name__}({one.name})"
            for weight, one in zip(weights, asked, strict=True)
            if one.loss is not None
        )

    def _each(self, y: Any, y_pred: Any) -> Iterator[tuple[Objective, Any, Array]]:
        parts = self._ports.parts
        return zip(self.asked, parts(y, "y"), parts(y_pred, "y_pred"), strict=True)

    def values(self, y: Any, y_pred: Any) -> tuple[float | None, ...]:
        """Each by itself, without its weight; None where an output has no loss."""
        return tuple(
            None if one.loss is None else loss_value(one.loss, target, p)
            for one, target, p in self._each(y, y_pred)
        )

    def weighed(self, values: Sequence[float | None]) -> float:
        """The sum of `values`, each times its weight."""
        pairs = zip(self.asked, values, strict=True)
        return sum(one.weight * value for one, value in pairs if value is not None)

    def __call__(self, y: Any, y_pred: Any) -> float:
        """Their sum."""
        return self.weighed(self.values(y, y_pred))

    def gradient(self, y: Any, y_pred: Any) -> list[Array]:
        """∂L/∂y_pred of each output; zeros where it has no loss."""
        return [
            np.zeros_like(p) if one.loss is None else one.weight * one.loss.gradient(target, p)
            for one, target, p in self._each(y, y_pred)
        ]


def bare(model: Model, given: Any, what: str) -> Any:
    """Of one output the array, of several a tuple: whatever a model's outputs come in."""
    parts = model._ports_out.parts(given, what)
    return parts[0] if model._ports_out.alone else parts


def checked(model: Model, x: Any, y: Any, loss: Any) -> tuple[Any, Any, Any]:
    """Features that suit the model, which is built for them if it was not, bare targets, the loss.

    Targets of a loss of ours are looked at as in fit; one written in Python may take any.
    """
    x = model._features(x)
    for i, (part, ids) in enumerate(zip(arrays_in(x), model.vocabularies, strict=True)):
        arrays.check_values(part, ids, model._ports_in.called("x", i))
    asked = _asked(model, loss)
    if not model.built:
        model.build(x.shape[1:])
    native = model.native
    if isinstance(y, dict):
        y = dict.fromkeys(one.name for one in asked if one.loss is None) | y
    targets = model._ports_out.parts(y, "y")
    for i, (one, head, shape, target) in enumerate(
        zip(asked, native.heads, native.output_shapes, targets, strict=True)
    ):
        if isinstance(one.loss, NativeLoss):
            one.loss._check_head(head, shape)
            sample_targets(target, one.loss, (len(x), *shape), model._ports_out.called("y", i))
    loss = asked[0].loss if len(asked) == 1 else Total(model, asked)
    return x, bare(model, y, "y"), loss


def _asked(model: Model, loss: Any) -> Sequence[Objective]:
    """What is asked of each output."""
    found: Sequence[Objective]
    if isinstance(loss, Total):
        found = loss.asked
    elif loss is None:
        found = model._objectives
    elif model._ports_out.alone:
        found = (Objective(losses.get(loss)),)
    else:
        every = dict(zip(model.output_names, model._ports_out.parts(loss, "loss"), strict=True))
        found = tuple(
            Objective(None if own is None else losses.get(own), name=name)
            for name, own in every.items()
        )
    if all(one.loss is None for one in found):
        raise ValueError("loss must be given where compile named none; got None")
    return found


def loss_value(loss: Any, y: Any, y_pred: Array) -> float:
    """The loss as a number; a ValueError where it is none, so that nothing has a gradient."""
    value: Any = loss(y, y_pred)
    if np.ndim(value):
        raise ValueError(f"loss must give one number; {loss!r} gives shape {np.shape(value)}")
    return float(value)


def float64_copy(model: Model) -> Model:
    """A model of its own with the same layers and numbers, in float64."""

    def new(layer: Layer) -> Layer:
        first = {name: "zeros" for name in layer.get_config() if name.endswith("_initializer")}
        return copied(layer, name=layer.name, input_shape=None, **first)

    chain = copy_of(model, new, "float64")
    chain.set_weights(model.get_weights())
    for name, state in model._state.items():
        chain._state[name][...] = state
    return chain
