"""Convolution of images: forward, and backward directly below it.

Source: LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition"
(1998).
"""

from collections.abc import Iterator
from random import Random

from ..._support.checks import boolean, integer
from ..._support.names import lookup
from .. import activations, constraints, initializers, regularizers
from ..lists import Shape, Tensor, dot, map_rows, shape, transpose, zeros
from .base import Weighted
from .windows import PADDINGS, Windows, pair


class Conv2D(Weighted):
    """A window makes a place: a_rt = f(Σ_jk x_(rS − P + jD, tS − P + kD) W_jk + b).

    What lies beyond the edges of an image is left out of the sum.

    Parameters
    ----------
    filters : int
        The channels of the output.
    kernel_size : int or pair of int
        Taps of a window: of its rows, and of its columns.
    strides : int or pair of int, default 1
        S, rows and columns from a window to the next.
    padding : str, default "valid"
        "valid" or "same"; see `windows`.
    dilation_rate : int or pair of int, default 1
        D, rows and columns from a tap to the next.
    groups : int, default 1
        Parts that channels and filters fall into; a filter sees the channels of its part.
    activation : str, pair (f, f′) or None
        f; None is linear.
    use_bias : bool, default True
        Whether there is a b.
    kernel_initializer, bias_initializer : str, nested list or Initializer
        The first values of W, shape (*kernel_size, channels / groups, filters), and b, (filters,).
    kernel_regularizer, bias_regularizer, activity_regularizer : str, Regularizer or None
        What W, b and a add to the loss.
    kernel_constraint, bias_constraint : str, Constraint or None
        What W and b hold to after every update.

    Notes
    -----
    x has shape (batch, rows, columns, channels), a has shape (batch, rows′, columns′, filters).

    Examples
    --------
    >>> layer = Conv2D(1, (1, 2), kernel_initializer=[[[[1.0]], [[-1.0]]]])
    >>> layer.build((1, 3, 1))
    (1, 2, 1)
    >>> layer.forward([[[[1.0], [4.0], [9.0]]]])
    [[[[-3.0], [-5.0]]]]
    >>> layer.backward([[[[1.0], [10.0]]]])
    [[[[1.0], [9.0], [-10.0]]]]
    >>> layer.gradients
    {'kernel': [[[[41.0]], [[94.0]]]], 'bias': [11.0]}
    """

    keeps_mask = False

    def __init__(
        self,
        filters: int,
        kernel_size: int | tuple[int, int],
        strides: int | tuple[int, int] = 1,
        padding: str = "valid",
        dilation_rate: int | tuple[int, int] = 1,
        groups: int = 1,
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
        self.dilation_rate = pair(dilation_rate, "dilation_rate")
        self.groups = integer(groups, "groups", 1)
        if self.filters % self.groups:
            raise ValueError(f"groups={groups} must divide filters={filters}")
        self.activation = activations.get(activation)
        self.use_bias = boolean(use_bias, "use_bias")
        self.take(locals())
        self.z: Tensor = []

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Make W, and b."""
        self.check_samples("(rows, columns, channels)", input_shape, len(input_shape) == 3)
        *image, channels = input_shape
        if channels % self.groups:
            raise ValueError(
                f"{self.name}: groups={self.groups} must divide the channels, got {channels}"
            )
        sizes = zip(image, self.kernel_size, self.strides, self.dilation_rate, strict=True)
        self.down, self.across = (Windows(*axis, self.padding) for axis in sizes)
        shapes: dict[str, Shape] = {
            "kernel": (*self.kernel_size, channels // self.groups, self.filters)
        }
        self.make(shapes | ({"bias": (self.filters,)} if self.use_bias else {}), rng)
        return (self.down.count, self.across.count, self.filters)

    def channels_of(self, j: int, channels: int) -> slice:
        """Return the channels that filter j sees."""
        width, group = channels // self.groups, j // (self.filters // self.groups)
        return slice(group * width, (group + 1) * width)

    def places(self) -> Iterator[tuple[int, int]]:
        """Return the places of the output, row by row."""
        return ((r, t) for r in range(self.down.count) for t in range(self.across.count))

    def seen(self, r: int, t: int) -> list[tuple[int, int, int, int]]:
        """Return what window (r, t) sees: (tap j, tap k, row, column), of those that are there."""
        return [(j, k, u, v) for j, u in self.down.seen(r) for k, v in self.across.seen(t)]

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Weigh what each window sees, sum and activate."""
        self.check_input(x)
        self.x = x
        kernel = [[transpose(W_jk) for W_jk in W_j] for W_j in self.parameters["kernel"]]
        bias = self.parameters.get("bias", [0.0] * self.filters)
        parts = [self.channels_of(o, shape(x)[3]) for o in range(self.filters)]
        self.z = zeros((len(x), self.down.count, self.across.count, self.filters))
        for x_n, z_n in zip(x, self.z, strict=True):
            for r, t in self.places():
                # z_rto = Σ_jk Σ_i x_(rS − P + jD, tS − P + kD)i W_jkio + b_o
                z_n[r][t] = [
                    sum(dot(x_n[u][v][parts[o]], kernel[j][k][o]) for j, k, u, v in self.seen(r, t))
                    + b_o
                    for o, b_o in enumerate(bias)
                ]
        # a_rt = f(z_rt)
        self.a = map_rows(self.activation, self.z)
        return self.a

    def backward(self, gradient: Tensor) -> Tensor:
        """Send δ back along the weights that each place came by."""
        self.check_gradient(gradient)
        # δ_rto = f′(z_rto) ∂L/∂a_rto
        delta = map_rows(self.activation.backward, gradient, self.z)
        self.gradients = self.parameter_gradients(delta)
        kernel, channels = self.parameters["kernel"], shape(self.x)[3]
        dx: Tensor = zeros(shape(self.x))
        for dx_n, delta_n in zip(dx, delta, strict=True):
            for r, t in self.places():
                for j, k, u, v in self.seen(r, t):
                    for o, delta_o in enumerate(delta_n[r][t]):
                        first = self.channels_of(o, channels).start
                        # ∂L/∂x_(rS − P + jD, tS − P + kD)i += W_jkio δ_rto
                        for i, W_jki in enumerate(kernel[j][k]):
                            dx_n[u][v][first + i] += W_jki[o] * delta_o
        return dx

    def parameter_gradients(self, delta: Tensor) -> dict[str, Tensor]:
        """Return ∂L/∂W and ∂L/∂b, sums over the samples and their places."""
        gradients: dict[str, Tensor] = {}
        if self.learns("kernel"):
            kernel: Tensor = zeros(shape(self.parameters["kernel"]))
            for x_n, delta_n in zip(self.x, delta, strict=True):
                for r, t in self.places():
                    for j, k, u, v in self.seen(r, t):
                        for o, delta_o in enumerate(delta_n[r][t]):
                            # ∂L/∂W_jkio += x_(rS − P + jD, tS − P + kD)i δ_rto
                            seen = x_n[u][v][self.channels_of(o, len(x_n[u][v]))]
                            for i, x_i in enumerate(seen):
                                kernel[j][k][i][o] += x_i * delta_o
            gradients["kernel"] = kernel
        if self.use_bias and self.learns("bias"):
            # ∂L/∂b_o = Σ_n Σ_rt δ_rto
            places = [delta_rt for delta_n in delta for delta_r in delta_n for delta_rt in delta_r]
            gradients["bias"] = [sum(delta_o) for delta_o in transpose(places)]
        return gradients

    def __repr__(self) -> str:
        return (
            f"Conv2D(filters={self.filters}, kernel_size={self.kernel_size}, "
            f"strides={self.strides}, padding={self.padding!r}, activation={self.activation})"
        )
