"""Layers that several models have: their numbers go to the model that is used.

Each model has memory of its own. Whoever is used takes the numbers of such layers over from the
model that was used last, so all of them see one set of weights. Models with layers in common share
a lock. A shared layer keeps the model alive that has its numbers; the others may go.
"""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from .. import _core

__all__ = ["adopt", "take_over"]


def adopt(model: Any) -> None:
    """The layers of a model that was just built belong to it, and to those that had them before."""
    for layer in model._graph.layers:
        other = layer.owner
        if other is model:
            continue
        if other is None:
            layer._owner = weakref.ref(model)
            continue
        _meet(model, other)
        for one in (model, other):
            if layer not in one._shared:
                one._shared.append(layer)
    take_over(model)


def _meet(model: Any, other: Any) -> None:
    """From now on the two, and all that they met before, are kin."""
    if model in other._kin:
        return
    family = other._kin or weakref.WeakSet([other])
    for one in model._kin or [model]:
        family.add(one)
        vars(one)["lock"] = other.lock
    for one in family:
        one._kin = family


def take_over(model: Any) -> None:
    """The numbers of layers that others have as well, from who had them last."""
    for layer in model._shared:
        other = layer.owner
        if other is model:
            continue
        if other is not None and other.built:
            theirs = other._views_of(layer)
            with _core.to_nearest:
                for name, view in model._views_of(layer).items():
                    _check_shape(layer.name, name, view.shape, theirs[name].shape)
                    np.copyto(view, theirs[name], casting="unsafe")
        layer._owner = _alive(model)
    if model._shared:
        model._trainable_changed()


def _alive(model: Any) -> Any:
    """In the place of a weak reference."""
    return lambda: model


def _check_shape(layer: str, name: str, shape: Any, found: Any) -> None:
    if shape != found:
        raise ValueError(
            f"{layer}: its {name} has shape {found} in the model that it is part of already; for "
            f"these samples it would have {shape}: make another layer"
        )
