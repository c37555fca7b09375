"""Masking: see `mundur.layers`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from .. import _core
from .._support.checks import number
from .._support.names import checked_keywords
from .._support.unpack import Unpack
from ..data.arrays import real_array
from .base import KERAS, Layer, LayerArguments, MaskFlow
from .input import Symbol


class SymbolicMask(NamedTuple):
    """The mask that a layer makes of a symbolic value."""

    layer: Layer
    of: Symbol

    def comes_with(self, x: Symbol) -> bool:
        """Whether x has it."""
        while x.call is not None:
            if x.call.layer is self.layer:
                return x.call.inputs[0] is self.of
            if getattr(x.call.layer, "mask_flow", "") != "passes" or len(x.call.inputs) > 1:
                return False
            x = x.call.inputs[0]
        return False


def computed_mask(layer: Layer, inputs: Any, of: Callable[[Any], Any]) -> Any:
    """What a layer's compute_mask gives: of an array by a function."""
    if isinstance(inputs, Symbol):
        return SymbolicMask(layer, inputs)
    return of(real_array(inputs, "inputs"))


class Masking(Layer):
    """Time steps that hold nothing but one value are not there: padding of sequences of vectors.

    mask_t = any of x_t differs from mask_value; y_t = x_t where the mask has step t, else 0, and
    ∂L/∂x_t = ∂L/∂y_t there, else 0 (Keras's layer of this name). Recurrent layers, also within a
    `Bidirectional`, and means over time pass over the steps that are not there. Where the mask
    reaches the outputs, `fit` and `evaluate` leave them out of loss and accuracies; a loss called
    by hand knows of no mask.

    Shapes: x (batch, steps, channels), y the same, the mask (batch, steps); with other axes, the
    mask has all but the last. Behind an ``Embedding(mask_zero=True)`` the new mask takes the place
    of the old one, as in Keras. Numbers are compared in the model's dtype, and -0 equals 0.

    Parameters
    ----------
    mask_value : float, default 0.0
        Finite: NaN equals nothing, so no step would hold it alone. A step with NaN among its
        channels is there.
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a mask_value that is not a finite number.

    Examples
    --------
    >>> import mundur as md
    >>> model = md.Model([md.layers.Masking(-1), md.layers.GlobalAveragePooling1D()], seed=0)
    >>> model.predict([[[2, 4], [-1, -1], [4, -1]]])
    array([[3. , 1.5]], dtype=float32)
    """

    _kind = "masking"

    @checked_keywords(ignored=KERAS, rest=Layer)
    def __init__(
        self,
        mask_value: float = 0.0,
        **layer: Unpack[LayerArguments],
    ) -> None:
        self.mask_value = number(mask_value, "mask_value")
        super().__init__(**layer)

    @property
    def mask_flow(self) -> MaskFlow:
        """Steps of nothing but the value are not there."""
        return "makes"

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Which steps are there, for a recurrent layer's ``mask=``: (samples, steps), of bool.

        Of a symbolic value it is symbolic, too.
        """
        return computed_mask(self, inputs, lambda x: (x != self.mask_value).any(axis=-1))

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.Masking(self.mask_value)
