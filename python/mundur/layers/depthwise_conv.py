"""Convolutions of each channel by itself: see `mundur.layers`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import _core
from .._support.checks import integer
from .._support.names import checked_keywords
from .._support.unpack import Unpack
from ..activations import Identifier, native
from .base import KERAS, Layer, LayerArguments
from .conv1d import Windowed
from .windows import axes_and_channels


class Depthwise(Windowed):
    """What convolutions share whose channels have filters of their own, of steps or of images."""

    depth_multiplier: int

    def _keep(self, arguments: dict[str, Any]) -> None:
        super()._keep(arguments)
        self.depth_multiplier = integer(arguments["depth_multiplier"], "depth_multiplier", 1)

    def _kernel_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        channels = axes_and_channels(self.name, input_shape, self._axes)[-1]
        return (*self._sizes()[0], channels, self.depth_multiplier)

    def _describe(self, filters: int) -> _core.LayerSpec:
        size, strides, dilation = self._sizes()
        return _core.DepthwiseConv(
            size,
            strides,
            self.padding,
            dilation,
            self.depth_multiplier,
            filters,
            native(self.activation),
            self.use_bias,
        )


class DepthwiseConv(Depthwise):
    """Those that end there."""

    def _prefixes(self) -> dict[str, str]:
        return {"kernel": "depthwise"} | ({"bias": "bias"} if self.use_bias else {})

    def parameter_shapes(self, input_shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        """Kernel (*kernel_size, channels, depth_multiplier) and, where there is one, bias."""
        kernel = self._kernel_shape(input_shape)
        shapes: dict[str, tuple[int, ...]] = {"kernel": kernel}
        return shapes | ({"bias": (kernel[-2] * kernel[-1],)} if self.use_bias else {})

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of one sample behind this layer."""
        return (*self._places(input_shape), input_shape[-1] * self.depth_multiplier)

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return self._describe(0)


class DepthwiseConv2D(DepthwiseConv):
    """Each channel of an image seen by itself: y_rt(cd) = f(Σ_jk x_uvc W_jkcd + b_cd).

    Tap (j, k) of window (r, t) sees u = rS - P + jD, and so v: S are the strides, D the dilations,
    P the padding above and to the left, which is left out of the sums, each of the rows or of the
    columns. It is a `Conv2D` with as many groups as channels, and has the same bits.

    Shapes: x (batch, rows, columns, channels), W = kernel (*kernel_size, channels,
    depth_multiplier), b = bias (channels·depth_multiplier,), y (batch, rows', columns',
    channels·depth_multiplier), the filters of the first channel first; rows' and columns' are those
    of `Conv2D`. Backward, with δ = f′(z)·∂L/∂y and (u, v) what (r, t) sees with tap (j, k):
    ∂L/∂W_jkcd = Σ x_uvc δ_rt(cd), ∂L/∂b = Σδ_rt, ∂L/∂x_uvc = Σ_jk Σ_d δ_rt(cd) W_jkcd (Sifre and
    Mallat, "Rigid-motion scattering for texture classification", 2014; Howard et al., "MobileNets",
    2017). Its products stay in the model's dtype.

    Parameters
    ----------
    kernel_size : int or pair of int
        Taps: the rows and columns that a window sees; one number stands for both.
    strides : int or pair of int, default (1, 1)
        Rows and columns from a window to the next.
    padding : {"valid", "same"}, default "valid"
        As `Conv2D` has it.
    depth_multiplier : int, default 1
        Filters of each channel.
    data_format : {"channels_last"}, optional
    dilation_rate : int or pair of int, default (1, 1)
        Rows and columns from a tap to the next.
    activation : str, function of `mundur.activations` or pair (f, f_prime), optional
        f, as in `Dense`; None is "linear".
    use_bias : bool, default True
    depthwise_initializer, bias_initializer : str, Initializer, function or array
        First values of W and b, by default "glorot_uniform" and "zeros".
    depthwise_regularizer, bias_regularizer, activity_regularizer : str or Regularizer, optional
        What W, b and y add to the loss; see `mundur.regularizers`.
    depthwise_constraint, bias_constraint : str or Constraint, optional
        What W and b hold to after every update; see `mundur.constraints`.
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it; when built, for samples of another rank, or smaller
        than a window.

    Examples
    --------
    >>> import mundur as md
    >>> layer = md.layers.DepthwiseConv2D((1, 2), depthwise_initializer=[[[[1], [0]], [[1], [-1]]]])
    >>> md.Model([layer], seed=0).predict([[[[1, 5], [2, 6], [4, 8]]]])[0, 0]
    array([[ 3., -6.],
           [ 6., -8.]], dtype=float32)
    """

    _kind = "depthwise_conv2d"
    _axes = 2

    @checked_keywords(ignored=KERAS, rest=Layer)
    def __init__(
        self,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = (1, 1),
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = (1, 1),
        activation: Identifier = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        **layer: Unpack[LayerArguments],
    ) -> None:
        self._keep(locals())
        super().__init__(**layer)


class DepthwiseConv1D(DepthwiseConv):
    """Each channel of a sequence seen by itself: y_t(cd) = f(Σ_k x_(tS - P + kD)c W_kcd + b_cd).

    S is the stride, D the dilation, P the steps of padding in front, which are left out of the
    sums.

    Shapes: x (batch, steps, channels), W = kernel (kernel_size, channels, depth_multiplier), b =
    bias (channels·depth_multiplier,), y (batch, steps', channels·depth_multiplier), the filters of
    the first channel first; steps' are those of `Conv1D`. Backward is that of `DepthwiseConv2D` on
    images of one row, which gives the same bits (Howard et al., "MobileNets", 2017). A mask of time
    steps ends here, with a warning. Its products stay in the model's dtype.

    Parameters
    ----------
    kernel_size : int
        Taps: steps that a window sees.
    strides : int, default 1
        Steps from a window to the next.
    padding : {"valid", "same"}, default "valid"
        As `Conv1D` has it.
    depth_multiplier : int, default 1
        Filters of each channel.
    data_format : {"channels_last"}, optional
    dilation_rate : int, default 1
        Steps from a tap to the next.
    activation : str, function of `mundur.activations` or pair (f, f_prime), optional
        f, as in `Dense`; None is "linear".
    use_bias : bool, default True
    depthwise_initializer, bias_initializer : str, Initializer, function or array
        First values of W and b, by default "glorot_uniform" and "zeros".
    depthwise_regularizer, bias_regularizer, activity_regularizer : str or Regularizer, optional
        What W, b and y add to the loss; see `mundur.regularizers`.
    depthwise_constraint, bias_constraint : str or Constraint, optional
        What W and b hold to after every update; see `mundur.constraints`.
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
    >>> layer = md.layers.DepthwiseConv1D(2, depthwise_initializer=[[[1], [0]], [[1], [-1]]])
    >>> md.Model([layer], seed=0).predict([[[1, 5], [2, 6], [4, 8]]])[0]
    array([[ 3., -6.],
           [ 6., -8.]], dtype=float32)
    """

    _kind = "depthwise_conv1d"
    _axes = 1

    @checked_keywords(ignored=KERAS, rest=Layer)
    def __init__(
        self,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
        activation: Identifier = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        **layer: Unpack[LayerArguments],
    ) -> None:
        self._keep(locals())
        super().__init__(**layer)
