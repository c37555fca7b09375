"""The transposed convolution of images: forward, and backward directly below it.

Source: Zeiler, Krishnan, Taylor and Fergus, "Deconvolutional networks" (2010).
"""

from collections.abc import Sequence
from random import Random

from ..._support.checks import boolean, integer
from ..._support.names import lookup
from .. import activations, constraints, initializers, regularizers
from ..lists import (
    Matrix,
    Shape,
    Tensor,
    dot,
    flatten,
    map_rows,
    nest,
    rows,
    shape,
    transpose,
    zeros,
)
from .base import Weighted
from .windows import PADDINGS, Windows, Windows2D, pair


def windows_of(
    n: int, size: int, stride: int, dilation: int, padding: str, more: int | None
) -> Windows:
    """Return the windows on the output of a transposed convolution of n steps.

    Examples
    --------
    >>> [windows_of(4, 3, 2, 1, padding, None).steps for padding in ("valid", "same")]
    [9, 8]
    >>> windows_of(4, 3, 2, 1, "same", 0).steps
    7
    """
    extent = (size - 1) * dilation + 1
    if more is None:
        last = max(extent, stride) if padding == "valid" else stride
    else:
        last = (extent if padding == "valid" else extent % 2) + more
    steps = (n - 1) * stride + last
    windows = Windows(max(steps, extent), size, stride, dilation, "valid")
    windows.steps, windows.count = steps, n
    if padding == "same":
        windows.before = max((n - 1) * stride + extent - steps, 0) // 2
    return windows


class Conv2DTranspose(Weighted):
    """What a convolution sends back, sent ahead: a_uv = f(Σ W_jk x_rt + b), as (r, t) sees (u, v).

    Parameters
    ----------
    filters : int
        The channels of the output.
    kernel_size : int or pair of int
        Taps of a window of the output.
    strides : int or pair of int, default 1
        S, rows and columns of the output from a window to the next.
    padding : str, default "valid"
        "valid" or "same"; see `windows`.
    output_padding : int or pair of int, optional
        Rows and columns beyond the last window.
    dilation_rate : int or pair of int, default 1
        D, rows and columns from a tap to the next.
    activation : str, pair (f, f′) or None
        f; None is linear.
    use_bias : bool, default True
        Whether there is a b.
    kernel_initializer, bias_initializer : str, nested list or Initializer
        The first values of W, shape (*kernel_size, filters, channels), and b, (filters,).
    kernel_regularizer, bias_regularizer, activity_regularizer : str, Regularizer or None
        What W, b and a add to the loss.
    kernel_constraint, bias_constraint : str, Constraint or None
        What W and b hold to after every update.

    Notes
    -----
    x has shape (batch, rows, columns, channels), a has shape (batch, rows′, columns′, filters): S
    for each of n rows; with "valid" as many more as a window is longer than S. Pixels that no
    window reaches have z = b.

    Examples
    --------
    >>> layer = Conv2DTranspose(1, (1, 2), (1, 2), kernel_initializer=[[[[1.0]], [[10.0]]]])
    >>> layer.build((1, 2, 1))
    (1, 4, 1)
    >>> layer.forward([[[[1.0], [4.0]]]])
    [[[[1.0], [10.0], [4.0], [40.0]]]]
    >>> layer.backward([[[[1.0], [0.0], [0.0], [1.0]]]])
    [[[[1.0], [10.0]]]]
    """

    keeps_mask = False

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        output_padding: int | Sequence[int] | None = None,
        dilation_rate: int | Sequence[int] = 1,
        activation: activations.Identifier = None,
        use_bias: bool = True,
        kernel_initializer: initializers.Identifier = "glorot_uniform",
        bias_initializer: initializers.Identifier = "zeros",
        kernel_regularizer: regularizers.Identifier = None,
        bias_regularizer: regularizers.Identifier = None,
        activity_regularizer: regularizers.Identifier = None,
        kernel_constraint: constraints.Identifier = None,
        bias_constraint: constraints.Identifier = None,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.filters = integer(filters, "filters", 1)
        self.kernel_size = pair(kernel_size, "kernel_size")
        self.strides = pair(strides, "strides")
        self.padding = lookup(PADDINGS, padding, "padding")
        self.output_padding: Sequence[int | None] = (None, None)
        if output_padding is not None:
            self.output_padding = pair(output_padding, "output_padding", 0)
        self.dilation_rate = pair(dilation_rate, "dilation_rate")
        self.activation = activations.get(activation)
        self.use_bias = boolean(use_bias, "use_bias")
        self.take(locals())
        self.z: list[Matrix] = []

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Make W, and b."""
        self.check_samples("(rows, columns, channels)", input_shape, len(input_shape) == 3)
        *image, channels = input_shape
        # the convolution that this one undoes sees the output
        down, across = (
            windows_of(n, size, stride, dilation, self.padding, more)
            for n, size, stride, dilation, more in zip(
                image,
                self.kernel_size,
                self.strides,
                self.dilation_rate,
                self.output_padding,
                strict=True,
            )
        )
        self.windows = Windows2D(down, across)
        shapes: dict[str, Shape] = {"kernel": (*self.kernel_size, self.filters, channels)}
        self.make(shapes | ({"bias": (self.filters,)} if self.use_bias else {}), rng)
        return (down.steps, across.steps, self.filters)

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Give each place of the input to those of its window, and activate."""
        self.check_input(x)
        self.x = x
        W = [W_jk for W_j in self.parameters["kernel"] for W_jk in W_j]
        bias = self.parameters.get("bias", [0.0] * self.filters)
        pixels = self.windows.rows.steps * self.windows.columns.steps
        self.z = [[list(bias) for _ in range(pixels)] for _ in x]
        for z_n, x_n in zip(self.z, x, strict=True):
            for t, x_t in enumerate(rows(x_n)):
                for k, s in self.windows.seen(t):
                    # z_so += Σ_i W_koi x_ti
                    z_n[s] = [z + dot(w, x_t) for z, w in zip(z_n[s], W[k], strict=True)]
        # a_s = f(z_s)
        self.a = [
            nest(flatten(map_rows(self.activation, z_n)), self.output_shape or ()) for z_n in self.z
        ]
        return self.a

    def backward(self, gradient: Tensor) -> Tensor:
        """Convolve δ, and sum what each weight brought."""
        self.check_gradient(gradient)
        # δ_s = f′(z_s) ∂L/∂a_s
        delta = [
            [self.activation.backward(g_s, z_s) for g_s, z_s in zip(rows(g_n), z_n, strict=True)]
            for g_n, z_n in zip(gradient, self.z, strict=True)
        ]
        kernel, dx = zeros(shape(self.parameters["kernel"])), zeros(shape(self.x))
        W, dW = ([W_jk for W_j in w for W_jk in W_j] for w in (self.parameters["kernel"], kernel))
        for x_n, dx_n, delta_n in zip(self.x, dx, delta, strict=True):
            for t, (x_t, dx_t) in enumerate(zip(rows(x_n), rows(dx_n), strict=True)):
                for k, s in self.windows.seen(t):
                    for o, delta_so in enumerate(delta_n[s]):
                        for i, x_ti in enumerate(x_t):
                            # ∂L/∂x_ti += W_koi δ_so        ∂L/∂W_koi += δ_so x_ti
                            dx_t[i] += W[k][o][i] * delta_so
                            dW[k][o][i] += delta_so * x_ti
        self.gradients = {"kernel": kernel} if self.learns("kernel") else {}
        if self.use_bias and self.learns("bias"):
            # ∂L/∂b_o = Σ_n Σ_s δ_so
            columns = transpose([delta_s for delta_n in delta for delta_s in delta_n])
            self.gradients["bias"] = [sum(column) for column in columns]
        return dx

    def __repr__(self) -> str:
        return (
            f"Conv2DTranspose(filters={self.filters}, kernel_size={self.kernel_size}, "
            f"strides={self.strides}, padding={self.padding!r}, activation={self.activation})"
        )
