"""Which time steps of a pass are there: masks, as the core's layers make them and hand them on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .._support.views import Views
from ..layers.embedding import Embedding
from ..layers.masking import Masking
from ..layers.wrappers import Residual
from ..models.graph import mask_flow

if TYPE_CHECKING:
    from ..layers.base import Layer

__all__ = ["Mask", "behind", "together"]

Mask = npt.NDArray[np.bool_] | None


def together(masks: Sequence[Mask]) -> Mask:
    """Of several values: a step is there if any has it; one without a mask has all steps."""
    first = masks[0]
    if first is None or any(one is None or one.shape != first.shape for one in masks):
        return None
    return np.asarray(np.any(np.stack([one for one in masks if one is not None]), axis=0))


def behind(layer: Layer, name: str, x: Any, mask: Mask, values: Views) -> Mask:
    """The mask of what a layer of that name makes of x.

    Parameters
    ----------
    layer : Layer
    name : str
        Of the call, in front of the names of values within the layer.
    x : ndarray
        In the model's dtype; ids as they are.
    mask : ndarray of bool (samples, steps, ...) or None
        That of x.
    values : Views
        What the pass made on the way.
    """
    if isinstance(layer, Embedding):
        return np.asarray(x != 0) if layer.mask_zero else None
    if isinstance(layer, Masking):
        return np.asarray((x != x.dtype.type(layer.mask_value)).any(axis=-1))
    if isinstance(layer, Residual):
        for inner in layer.inner:
            scope = f"{name}/{inner.name}"
            mask = behind(inner, scope, x, mask, values)
            x = values[f"{scope}/a"]
        return mask
    return mask if mask is not None and mask_flow(layer, mask.ndim) == "passes" else None
