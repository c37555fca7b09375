"""Pooling, and that over time steps: see `mundur.layers`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from .. import _core
from .._support.checks import boolean
from .._support.names import checked_keywords
from .._support.unpack import Unpack
from .base import KERAS, Layer, LayerArguments, MaskFlow
from .windows import axes_and_channels, channels_last, output_image, padding_name, pair, single


class Pooling(Layer):
    """A number of each window and channel, of steps or of rows and columns."""

    _averages: ClassVar[bool]
    _axes: ClassVar[int] = 1

    @checked_keywords(ignored=KERAS)
    def __init__(
        self,
        pool_size: int | Sequence[int],
        strides: int | Sequence[int] | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        *,
        trainable: bool = True,
        input_shape: Sequence[int] | int | None = None,
    ) -> None:
        extents = single if self._axes == 1 else pair
        self.pool_size = extents(pool_size, "pool_size")
        self.strides = None if strides is None else extents(strides, "strides")
        self.padding = padding_name(padding, causal=False)
        self.data_format = channels_last(data_format, self._axes)
        super().__init__(name=name, trainable=trainable, input_shape=input_shape)

    def _windows(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Their size and strides on each axis."""
        both = self.pool_size, self.strides or self.pool_size
        size, strides = (one if isinstance(one, tuple) else (one,) for one in both)
        return size, strides

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of one sample behind this layer."""
        *image, channels = axes_and_channels(self.name, input_shape, self._axes)
        size, strides = self._windows()
        dilation = (1,) * self._axes
        left = output_image(self.name, "pool_size", image, size, strides, dilation, self.padding)
        return (*left, channels)

    @property
    def mask_flow(self) -> MaskFlow:
        """Windows see padding as they see data."""
        return "drops"

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.Pooling(self._averages, *self._windows(), self.padding)


class MaxPooling1D(Pooling):
    """The greatest number of each window and channel: y_tc = max_k x_(tS - P + k)c.

    S is the stride, P the steps of padding in front, which no window sees. Of equal numbers the
    first counts; a NaN is greater than all. Backward, ∂L/∂y goes to where the maximum stood
    (Ranzato, Huang, Boureau and LeCun, "Unsupervised learning of invariant feature hierarchies",
    2007).

    Shapes: x (batch, steps, channels), y (batch, steps', channels): of n steps, "valid" leaves
    ⌊(n - pool_size) / S⌋ + 1, "same" ⌈n / S⌉. A mask of time steps ends here, with a warning.

    Parameters
    ----------
    pool_size : int, default 2
        Steps that a window sees.
    strides : int, optional
        Steps from a window to the next; without it, `pool_size`.
    padding : {"valid", "same"}, default "valid"
        Windows that lie within the sample only, or enough for every step to be seen.
    data_format : {"channels_last"}, optional
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it; when built, for samples of another rank, or of fewer steps
        than a window has.

    Examples
    --------
    >>> import mundur as md
    >>> model = md.Model([md.layers.MaxPooling1D(2)], seed=0)
    >>> model.predict([[[1], [4], [9], [2]]])[0].ravel()
    array([4., 9.], dtype=float32)
    """

    _kind = "max_pooling1d"
    _averages = False

    @checked_keywords(ignored=KERAS)
    def __init__(
        self,
        pool_size: int | Sequence[int] = 2,
        strides: int | Sequence[int] | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        *,
        trainable: bool = True,
        input_shape: Sequence[int] | int | None = None,
    ) -> None:
        super().__init__(
            *(pool_size, strides, padding, data_format, name),
            trainable=trainable,
            input_shape=input_shape,
        )


class AveragePooling1D(Pooling):
    """The mean of each window and channel: y_tc = (1/n) Σ_k x_(tS - P + k)c.

    S is the stride, P the steps of padding in front; n counts the steps of the window that are
    there. Backward, ∂L/∂y / n goes to each of them (LeCun, Bottou, Bengio and Haffner,
    "Gradient-based learning applied to document recognition", 1998).

    Shapes and masks are those of `MaxPooling1D`.

    Parameters
    ----------
    pool_size : int
        Steps that a window sees.
    strides : int, optional
        Steps from a window to the next; without it, `pool_size`.
    padding : {"valid", "same"}, default "valid"
        Windows that lie within the sample only, or enough for every step to be seen.
    data_format : {"channels_last"}, optional
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it; when built, for samples of another rank, or of fewer steps
        than a window has.

    Examples
    --------
    >>> import mundur as md
    >>> model = md.Model([md.layers.AveragePooling1D(2)], seed=0)
    >>> model.predict([[[1], [4], [9], [2]]])[0].ravel()
    array([2.5, 5.5], dtype=float32)
    """

    _kind = "average_pooling1d"
    _averages = True


class GlobalPooling(Layer):
    """A number of each channel, of all steps or of all rows and columns."""

    _averages: ClassVar[bool]
    _axes: ClassVar[int] = 1

    @checked_keywords(ignored=KERAS, rest=Layer)
    def __init__(
        self,
        data_format: str | None = None,
        keepdims: bool = False,
        **layer: Unpack[LayerArguments],
    ) -> None:
        self.data_format = channels_last(data_format, self._axes)
        self.keepdims = boolean(keepdims, "keepdims")
        super().__init__(**layer)

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of one sample behind this layer."""
        *_, channels = axes_and_channels(self.name, input_shape, self._axes)
        return (*(1,) * self._axes, channels) if self.keepdims else (channels,)

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.WholePooling(self._averages, self.keepdims, self._axes)


class GlobalMaxPooling1D(GlobalPooling):
    """The greatest number of each channel: y_c = max_t x_tc.

    Of equal numbers the first counts; a NaN is greater than all. Backward, ∂L/∂y goes to where the
    maximum stood (Collobert, Weston, Bottou, Karlen, Kavukcuoglu and Kuksa, "Natural language
    processing (almost) from scratch", 2011, section 3.3). Shapes: x (batch, steps, channels),
    y (batch, channels). A mask of time steps ends here, with a warning.

    Parameters
    ----------
    data_format : {"channels_last"}, optional
    keepdims : bool, default False
        Whether y is (batch, 1, channels).
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it; when built, for samples of another rank.

    Examples
    --------
    >>> import mundur as md
    >>> md.Model([md.layers.GlobalMaxPooling1D()], seed=0).predict([[[1, 5], [4, 2]]])
    array([[4., 5.]], dtype=float32)
    """

    _kind = "global_max_pooling1d"
    _averages = False

    @property
    def mask_flow(self) -> MaskFlow:
        """Padding may be the greatest."""
        return "drops"


class GlobalAveragePooling1D(GlobalPooling):
    """The mean of each channel: y_c = (1/n) Σ_t x_tc over the n steps that are there.

    With a mask, such as that of ``Embedding(mask_zero=True)``, those that it has; a sample without
    any gives zeros (NaN in Keras). Backward, ∂L/∂y / n goes to each of them. Shapes: x (batch,
    steps, channels), y (batch, channels) (Lin, Chen and Yan, "Network in network", 2013).

    Parameters
    ----------
    data_format : {"channels_last"}, optional
    keepdims : bool, default False
        Whether y is (batch, 1, channels).
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it; when built, for samples of another rank.

    Examples
    --------
    >>> import mundur as md
    >>> md.Model([md.layers.GlobalAveragePooling1D()], seed=0).predict([[[1, 5], [4, 2]]])
    array([[2.5, 3.5]], dtype=float32)
    """

    _kind = "global_average_pooling1d"
    _averages = True

    @property
    def mask_flow(self) -> MaskFlow:
        """The mean is over the steps that are there."""
        return "ends"
