"""Convolution of each channel by itself: forward, and backward directly below it.

Sources: Sifre and Mallat, "Rigid-motion scattering for texture classification" (2014); Howard et
al., "MobileNets" (2017).
"""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, ClassVar

from ..._support.checks import boolean, integer
from ..._support.names import lookup
from .. import activations, constraints, initializers, regularizers
from ..lists import Matrix, Shape, Tensor, flatten, map_rows, nest, rows, shape, transpose, zeros
from .base import Weighted
from .windows import PADDINGS, Windows, Windows2D, pair

SAMPLES = {1: "(steps, channels)", 2: "(rows, columns, channels)"}


def places(
    axes: int, sizes: Sequence[Any], padding: str, image: Sequence[int]
) -> tuple[Windows | Windows2D, Shape]:
    """Return windows on a sequence or an image, and how many there are on each axis."""
    size, strides, dilation = ([one] if axes == 1 else list(one) for one in sizes)
    found = [Windows(n, size[i], strides[i], dilation[i], padding) for i, n in enumerate(image)]
    windows = found[0] if axes == 1 else Windows2D(*found)
    return windows, tuple(one.count for one in found)


class DepthwiseConv2D(Weighted):
    """Filters of each channel: a_rt(cd) = f(Σ_jk x_(rS − P + jD, tS − P + kD)c W_jkcd + b_cd).

    What lies beyond the edges of an image is left out of the sum.

    Parameters
    ----------
    kernel_size : int or pair of int
        Taps of a window: of its rows, and of its columns.
    strides : int or pair of int, default 1
        S, rows and columns from a window to the next.
    padding : str, default "valid"
        "valid" or "same"; see `windows`.
    depth_multiplier : int, default 1
        Filters of each channel.
    dilation_rate : int or pair of int, default 1
        D, rows and columns from a tap to the next.
    activation : str, pair (f, f′) or None
        f; None is linear.
    use_bias : bool, default True
        Whether there is a b.
    depthwise_initializer, bias_initializer : str, nested list or Initializer
        The first values of W, shape (*kernel_size, channels, depth_multiplier), and of b.
    depthwise_regularizer, bias_regularizer, activity_regularizer : str, Regularizer or None
        What W, b and a add to the loss.
    depthwise_constraint, bias_constraint : str, Constraint or None
        What W and b hold to after every update.

    Notes
    -----
    x has shape (batch, rows, columns, channels), a has shape (batch, rows′, columns′, channels ·
    depth_multiplier): the filters of the first channel stand in front.

    Examples
    --------
    >>> layer = DepthwiseConv2D((1, 2), depthwise_initializer=[[[[1.0], [0.0]], [[1.0], [-1.0]]]])
    >>> layer.build((1, 3, 2))
    (1, 2, 2)
    >>> layer.forward([[[[1.0, 5.0], [2.0, 6.0], [4.0, 8.0]]]])
    [[[[3.0, -6.0], [6.0, -8.0]]]]
    >>> layer.backward([[[[1.0, 0.0], [0.0, 1.0]]]])
    [[[[1.0, 0.0], [1.0, 0.0], [0.0, -1.0]]]]
    >>> layer.gradients
    {'kernel': [[[[1.0], [6.0]], [[2.0], [8.0]]]], 'bias': [1.0, 1.0]}
    """

    keeps_mask = False
    axes: ClassVar[int] = 2
    starts: ClassVar[dict[str, str]] = {"kernel": "depthwise", "bias": "bias"}

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        dilation_rate: int | Sequence[int] = 1,
        activation: activations.Identifier = None,
        use_bias: bool = True,
        depthwise_initializer: initializers.Identifier = "glorot_uniform",
        bias_initializer: initializers.Identifier = "zeros",
        depthwise_regularizer: regularizers.Identifier = None,
        bias_regularizer: regularizers.Identifier = None,
        activity_regularizer: regularizers.Identifier = None,
        depthwise_constraint: constraints.Identifier = None,
        bias_constraint: constraints.Identifier = None,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.keep(locals())

    def keep(self, arguments: Mapping[str, Any]) -> None:
        """Keep what the constructor's arguments, its `locals()`, say."""
        extents = integer if self.axes == 1 else pair
        self.sizes = [
            extents(arguments[name], name, 1)
            for name in ("kernel_size", "strides", "dilation_rate")
        ]
        self.padding = lookup(PADDINGS, arguments["padding"], "padding")
        self.depth_multiplier = integer(arguments["depth_multiplier"], "depth_multiplier", 1)
        self.activation = activations.get(arguments["activation"])
        self.use_bias = boolean(arguments["use_bias"], "use_bias")
        self.take(arguments)
        self.z: list[Matrix] = []

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Make W, and b."""
        self.check_samples(SAMPLES[self.axes], input_shape, len(input_shape) == self.axes + 1)
        *image, channels = input_shape
        self.windows, count = places(self.axes, self.sizes, self.padding, image)
        size, depth = self.sizes[0], channels * self.depth_multiplier
        taps: Shape = size if isinstance(size, tuple) else (size,)
        kernel = (*taps, channels, self.depth_multiplier)
        shapes: dict[str, Shape] = {"kernel": kernel}
        self.make(shapes | ({"bias": (depth,)} if self.use_bias else {}), rng)
        return (*count, depth)

    def taps(self, kernel: Tensor) -> list[Matrix]:
        """Return W_jk of each tap, row by row."""
        return list(kernel) if self.axes == 1 else [W_jk for W_j in kernel for W_jk in W_j]

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Weigh what each window sees of each channel, sum and activate."""
        self.check_input(x)
        self.x = x
        W, depth = self.taps(self.parameters["kernel"]), self.depth_multiplier
        bias = self.parameters.get("bias", [0.0] * len(W[0]) * depth)
        self.z = []
        for x_n in (list(rows(one)) for one in x):
            # z_t(cd) = Σ_k x_(k's pixel)c W_kcd + b_cd
            self.z.append(
                [
                    [
                        sum(x_n[s][c] * W[k][c][d] for k, s in self.windows.seen(t))
                        + bias[c * depth + d]
                        for c in range(len(W[0]))
                        for d in range(depth)
                    ]
                    for t in range(self.windows.count)
                ]
            )
        # a_t = f(z_t)
        self.a = [
            nest(flatten(map_rows(self.activation, z_n)), self.output_shape or ()) for z_n in self.z
        ]
        return self.a

    def backward(self, gradient: Tensor) -> Tensor:
        """Send δ back along the weights that each place came by."""
        self.check_gradient(gradient)
        # δ_t = f′(z_t) ∂L/∂a_t
        delta = [
            [self.activation.backward(g_t, z_t) for g_t, z_t in zip(rows(g_n), z_n, strict=True)]
            for g_n, z_n in zip(gradient, self.z, strict=True)
        ]
        kernel, dx = zeros(shape(self.parameters["kernel"])), zeros(shape(self.x))
        W, dW = self.taps(self.parameters["kernel"]), self.taps(kernel)
        depth = self.depth_multiplier
        for n, delta_n in enumerate(delta):
            x_n, dx_n = list(rows(self.x[n])), list(rows(dx[n]))
            for t, delta_t in enumerate(delta_n):
                for k, s in self.windows.seen(t):
                    for i, delta_ti in enumerate(delta_t):
                        c, d = divmod(i, depth)
                        # ∂L/∂x_sc += W_kcd δ_t(cd)        ∂L/∂W_kcd += x_sc δ_t(cd)
                        dx_n[s][c] += W[k][c][d] * delta_ti
                        dW[k][c][d] += x_n[s][c] * delta_ti
        self.gradients = {"kernel": kernel} if self.learns("kernel") else {}
        if self.use_bias and self.learns("bias"):
            # ∂L/∂b = Σ_n Σ_t δ_t
            columns = transpose([delta_t for delta_n in delta for delta_t in delta_n])
            self.gradients["bias"] = [sum(column) for column in columns]
        return dx

    def __repr__(self) -> str:
        size, strides, dilation = self.sizes
        return (
            f"{type(self).__name__}(kernel_size={size}, strides={strides}, "
            f"padding={self.padding!r}, depth_multiplier={self.depth_multiplier}, "
            f"dilation_rate={dilation}, activation={self.activation})"
        )


class DepthwiseConv1D(DepthwiseConv2D):
    """The same over time steps: a_t(cd) = f(Σ_k x_(tS − P + kD)c W_kcd + b_cd).

    Parameters
    ----------
    kernel_size, strides, dilation_rate : int
        Taps of a window; steps from a window, and from a tap, to the next.
    padding, depth_multiplier, activation, use_bias : as `DepthwiseConv2D` has them
    depthwise_initializer, ... : as well; W has shape (kernel_size, channels, depth_multiplier)

    Notes
    -----
    x has shape (batch, steps, channels), a has shape (batch, windows, channels · depth_multiplier).

    Examples
    --------
    >>> layer = DepthwiseConv1D(2, depthwise_initializer=[[[1.0], [0.0]], [[1.0], [-1.0]]])
    >>> layer.build((3, 2))
    (2, 2)
    >>> layer.forward([[[1.0, 5.0], [2.0, 6.0], [4.0, 8.0]]])
    [[[3.0, -6.0], [6.0, -8.0]]]
    """

    axes: ClassVar[int] = 1
