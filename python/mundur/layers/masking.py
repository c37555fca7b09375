"""Masking: see `mundur.layers`."""

from __future__ import annotations

from .. import _core
from .._support.checks import number
from .._support.names import checked_keywords
from .._support.unpack import Unpack
from .base import KERAS, Layer, LayerArguments, MaskFlow


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

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.Masking(self.mask_value)
