"""Convolutions of each channel by itself, then of all channels: see `mundur.layers`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from .. import _core
from .._support.checks import integer
from .._support.names import checked_keywords
from .._support.unpack import Unpack
from ..activations import Identifier
from .base import KERAS, Layer, LayerArguments
from .depthwise_conv import Depthwise


class SeparableConv(Depthwise):
    """A depthwise convolution, and behind it one of windows of one place."""

    filters: int

    def _prefixes(self) -> dict[str, str]:
        both = {"depthwise_kernel": "depthwise", "pointwise_kernel": "pointwise"}
        return both | ({"bias": "bias"} if self.use_bias else {})

    def parameter_shapes(self, input_shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        """Those of both kernels and, where there is one, of the bias."""
        kernel = self._kernel_shape(input_shape)
        ones = (1,) * self._axes
        shapes: dict[str, tuple[int, ...]] = {
            "depthwise_kernel": kernel,
            "pointwise_kernel": (*ones, kernel[-2] * kernel[-1], self.filters),
        }
        return shapes | ({"bias": (self.filters,)} if self.use_bias else {})

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of one sample behind this layer."""
        return (*self._places(input_shape), self.filters)

    @property
    def depthwise_kernel(self) -> npt.NDArray[Any]:
        """Live view of W, of the shape under Shapes."""
        return self._view("depthwise_kernel")

    @property
    def pointwise_kernel(self) -> npt.NDArray[Any]:
        """Live view of W′, of the shape under Shapes."""
        return self._view("pointwise_kernel")

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return self._describe(self.filters)


class SeparableConv2D(SeparableConv):
    """Each channel of an image seen by itself, then all of them in each place: y = f(h·W′ + b).

    h is what a `DepthwiseConv2D` with the kernel W makes of x, without bias and activation, and
    the rest a `Conv2D` with windows of one pixel; the two have the same bits.

    Shapes: x (batch, rows, columns, channels), W = depthwise_kernel (*kernel_size, channels,
    depth_multiplier), W′ = pointwise_kernel (1, 1, channels·depth_multiplier, filters), b = bias
    (filters,), y (batch, rows', columns', filters); rows' and columns' are those of `Conv2D`.
    Backward, with δ = f′(z)·∂L/∂y: ∂L/∂W′ = Σ h_rtᵀδ_rt, ∂L/∂b = Σδ_rt, and what `DepthwiseConv2D`
    makes of ∂L/∂h_rt = δ_rt W′ᵀ (Sifre and Mallat, "Rigid-motion scattering for texture
    classification", 2014; Chollet, "Xception", 2017). Its products stay in the model's dtype.

    Parameters
    ----------
    filters : int
        Channels of the output, at least 1.
    kernel_size : int or pair of int
        Taps: the rows and columns that a window sees; one number stands for both.
    strides : int or pair of int, default (1, 1)
        Rows and columns from a window to the next.
    padding : {"valid", "same"}, default "valid"
        As `Conv2D` has it.
    data_format : {"channels_last"}, optional
    dilation_rate : int or pair of int, default (1, 1)
        Rows and columns from a tap to the next.
    depth_multiplier : int, default 1
        Numbers that each channel becomes in h.
    activation : str, function of `mundur.activations` or pair (f, f_prime), optional
        f, as in `Dense`; None is "linear".
    use_bias : bool, default True
    depthwise_initializer, pointwise_initializer, bias_initializer : str, Initializer, ...
        First values of W, W′ and b, functions and arrays too; by default "glorot_uniform",
        "glorot_uniform" and "zeros".
    depthwise_regularizer, pointwise_regularizer, bias_regularizer, activity_regularizer : str, ...
        What W, W′, b and y add to the loss, or None; see `mundur.regularizers`.
    depthwise_constraint, pointwise_constraint, bias_constraint : str or Constraint, optional
        What W, W′ and b hold to after every update; see `mundur.constraints`.
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
    >>> layer = md.layers.SeparableConv2D(
    ...     1,
    ...     (1, 2),
    ...     depthwise_initializer=[[[[1], [0]], [[1], [-1]]]],
    ...     pointwise_initializer=[[[[1], [10]]]],
    ... )
    >>> md.Model([layer], seed=0).predict([[[[1, 5], [2, 6], [4, 8]]]])[0, 0]
    array([[-57.],
           [-74.]], dtype=float32)
    """

    _kind = "separable_conv2d"
    _axes = 2

    @checked_keywords(ignored=KERAS, rest=Layer)
    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = (1, 1),
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = (1, 1),
        depth_multiplier: int = 1,
        activation: Identifier = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        **layer: Unpack[LayerArguments],
    ) -> None:
        self.filters = integer(filters, "filters", 1)
        self._keep(locals())
        super().__init__(**layer)


class SeparableConv1D(SeparableConv):
    """Each channel of a sequence seen by itself, then all of them at each step: y = f(h·W′ + b).

    h is what a `DepthwiseConv1D` with the kernel W makes of x, without bias and activation.

    Shapes: x (batch, steps, channels), W = depthwise_kernel (kernel_size, channels,
    depth_multiplier), W′ = pointwise_kernel (1, channels·depth_multiplier, filters), b = bias
    (filters,), y (batch, steps', filters); steps' are those of `Conv1D`. Backward is that of
    `SeparableConv2D` on images of one row, which gives the same bits (Kaiser, Gomez and Chollet,
    "Depthwise separable convolutions for neural machine translation", 2018). A mask of time steps
    ends here, with a warning. Its products stay in the model's dtype.

    Parameters
    ----------
    filters : int
        Channels of the output, at least 1.
    kernel_size : int
        Taps: steps that a window sees.
    strides : int, default 1
        Steps from a window to the next.
    padding : {"valid", "same"}, default "valid"
        As `Conv1D` has it.
    data_format : {"channels_last"}, optional
    dilation_rate : int, default 1
        Steps from a tap to the next.
    depth_multiplier : int, default 1
        Numbers that each channel becomes in h.
    activation : str, function of `mundur.activations` or pair (f, f_prime), optional
        f, as in `Dense`; None is "linear".
    use_bias : bool, default True
    depthwise_initializer, pointwise_initializer, bias_initializer : str, Initializer, ...
        First values of W, W′ and b, functions and arrays too; by default "glorot_uniform",
        "glorot_uniform" and "zeros".
    depthwise_regularizer, pointwise_regularizer, bias_regularizer, activity_regularizer : str, ...
        What W, W′, b and y add to the loss, or None; see `mundur.regularizers`.
    depthwise_constraint, pointwise_constraint, bias_constraint : str or Constraint, optional
        What W, W′ and b hold to after every update; see `mundur.constraints`.
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
    >>> layer = md.layers.SeparableConv1D(
    ...     1,
    ...     2,
    ...     depthwise_initializer=[[[1], [0]], [[1], [-1]]],
    ...     pointwise_initializer=[[[1], [10]]],
    ... )
    >>> md.Model([layer], seed=0).predict([[[1, 5], [2, 6], [4, 8]]])[0]
    array([[-57.],
           [-74.]], dtype=float32)
    """

    _kind = "separable_conv1d"
    _axes = 1

    @checked_keywords(ignored=KERAS, rest=Layer)
    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
        depth_multiplier: int = 1,
        activation: Identifier = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        **layer: Unpack[LayerArguments],
    ) -> None:
        self.filters = integer(filters, "filters", 1)
        self._keep(locals())
        super().__init__(**layer)
