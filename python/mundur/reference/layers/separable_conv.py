"""Convolution of each channel by itself, then of all channels in each place.

Sources: Sifre and Mallat, "Rigid-motion scattering for texture classification" (2014); Chollet,
"Xception" (2017).
"""

from collections.abc import Sequence
from random import Random
from typing import ClassVar

from ..._support.checks import boolean, integer
from .. import activations, constraints, initializers, regularizers
from ..lists import Shape, Tensor, shape
from .base import Weighted
from .conv1d import Conv1D
from .conv2d import Conv2D
from .depthwise_conv import DepthwiseConv1D, DepthwiseConv2D


class SeparableConv2D(Weighted):
    """A depthwise convolution h of x, and a = f(h_rt W′ + b) in each place.

    Parameters
    ----------
    filters : int
        The channels of the output.
    kernel_size, strides, padding, dilation_rate, depth_multiplier
        Those of the `DepthwiseConv2D` that makes h, which has neither bias nor activation.
    activation : str, pair (f, f′) or None
        f; None is linear.
    use_bias : bool, default True
        Whether there is a b.
    depthwise_initializer, pointwise_initializer, bias_initializer : str, nested list or Initializer
        The first values of W, of W′, shape (1, 1, channels · depth_multiplier, filters), and of b.
    depthwise_regularizer, pointwise_regularizer, bias_regularizer : str, Regularizer or None
        What W, W′ and b add to the loss.
    activity_regularizer : str, Regularizer or None
        What a adds to it.
    depthwise_constraint, pointwise_constraint, bias_constraint : str, Constraint or None
        What W, W′ and b hold to after every update.

    Notes
    -----
    x has shape (batch, rows, columns, channels), a has shape (batch, rows′, columns′, filters).

    Examples
    --------
    >>> layer = SeparableConv2D(
    ...     1,
    ...     (1, 2),
    ...     depthwise_initializer=[[[[1.0], [0.0]], [[1.0], [-1.0]]]],
    ...     pointwise_initializer=[[[[1.0], [10.0]]]],
    ... )
    >>> layer.build((1, 3, 2))
    (1, 2, 1)
    >>> layer.forward([[[[1.0, 5.0], [2.0, 6.0], [4.0, 8.0]]]])
    [[[[-57.0], [-74.0]]]]
    >>> layer.backward([[[[1.0], [0.0]]]])
    [[[[1.0, 0.0], [1.0, -10.0], [0.0, 0.0]]]]
    """

    keeps_mask = False
    starts: ClassVar[dict[str, str]] = {
        "depthwise_kernel": "depthwise",
        "pointwise_kernel": "pointwise",
        "bias": "bias",
    }
    axes: ClassVar[int] = 2

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        dilation_rate: int | Sequence[int] = 1,
        depth_multiplier: int = 1,
        activation: activations.Identifier = None,
        use_bias: bool = True,
        depthwise_initializer: initializers.Identifier = "glorot_uniform",
        pointwise_initializer: initializers.Identifier = "glorot_uniform",
        bias_initializer: initializers.Identifier = "zeros",
        depthwise_regularizer: regularizers.Identifier = None,
        pointwise_regularizer: regularizers.Identifier = None,
        bias_regularizer: regularizers.Identifier = None,
        activity_regularizer: regularizers.Identifier = None,
        depthwise_constraint: constraints.Identifier = None,
        pointwise_constraint: constraints.Identifier = None,
        bias_constraint: constraints.Identifier = None,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.filters = integer(filters, "filters", 1)
        self.use_bias = boolean(use_bias, "use_bias")
        self.take(locals())
        deep = DepthwiseConv1D if self.axes == 1 else DepthwiseConv2D
        wide: type[Conv1D | Conv2D] = Conv1D if self.axes == 1 else Conv2D
        windows = (kernel_size, strides, padding, depth_multiplier, dilation_rate)
        self.deep = deep(*windows, use_bias=False)
        self.wide = wide(self.filters, 1, activation=activation, use_bias=self.use_bias)

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Make W, W′, and b."""
        self.deep.name = self.name
        result = self.wide.build(self.deep.build(input_shape, rng), rng)
        (W,), wide = self.deep.parameters.values(), self.wide.parameters
        shapes = {"depthwise_kernel": shape(W), "pointwise_kernel": shape(wide["kernel"])}
        self.make(shapes | ({"bias": (self.filters,)} if self.use_bias else {}), rng)
        return result

    def share(self) -> None:
        """Give the two convolutions their parameters."""
        self.deep.parameters = {"kernel": self.parameters["depthwise_kernel"]}
        self.wide.parameters = {"kernel": self.parameters["pointwise_kernel"]}
        if self.use_bias:
            self.wide.parameters["bias"] = self.parameters["bias"]

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Convolve channel by channel, then place by place."""
        self.check_input(x)
        self.share()
        # h = the depthwise convolution of x        a = f(h W′ + b)
        self.a = self.wide.forward(self.deep.forward(x))
        return self.a

    def backward(self, gradient: Tensor) -> Tensor:
        """Go the same way back."""
        self.check_gradient(gradient)
        dx = self.deep.backward(self.wide.backward(gradient))
        found = {
            "depthwise_kernel": self.deep.gradients["kernel"],
            "pointwise_kernel": self.wide.gradients["kernel"],
        }
        if self.use_bias:
            found["bias"] = self.wide.gradients["bias"]
        self.gradients = {name: value for name, value in found.items() if self.learns(name)}
        return dx

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.deep}, {self.wide})"


class SeparableConv1D(SeparableConv2D):
    """The same over time steps.

    Parameters
    ----------
    filters, kernel_size, ... : as `SeparableConv2D` has them
        Sizes are integers; W has shape (kernel_size, channels, depth_multiplier), W′ (1, channels ·
        depth_multiplier, filters).

    Notes
    -----
    x has shape (batch, steps, channels), a has shape (batch, windows, filters).

    Examples
    --------
    >>> layer = SeparableConv1D(
    ...     1,
    ...     2,
    ...     depthwise_initializer=[[[1.0], [0.0]], [[1.0], [-1.0]]],
    ...     pointwise_initializer=[[[1.0], [10.0]]],
    ... )
    >>> layer.build((3, 2))
    (2, 1)
    >>> layer.forward([[[1.0, 5.0], [2.0, 6.0], [4.0, 8.0]]])
    [[[-57.0], [-74.0]]]
    """

    axes: ClassVar[int] = 1
