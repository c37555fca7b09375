"""Convolution over time: forward, and backward directly below it.

Source: LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition"
(1998).
"""

from collections.abc import Mapping
from random import Random
from typing import Any

from ..._support.checks import boolean, integer
from ..._support.names import lookup
from .. import activations, constraints, initializers, regularizers
from ..lists import Matrix, Shape, Tensor, dot, shape, transpose, zeros
from .base import Weighted
from .windows import CAUSAL, Windows


class Convolving(Weighted):
    """What a convolution and a transposed one share: arguments, activation, biases."""

    keeps_mask = False

    def keep(self, arguments: Mapping[str, Any], paddings: Mapping[str, str]) -> None:
        """Keep what the constructor's arguments, its `locals()`, say."""
        self.filters = integer(arguments["filters"], "filters", 1)
        self.kernel_size = integer(arguments["kernel_size"], "kernel_size", 1)
        self.strides = integer(arguments["strides"], "strides", 1)
        self.padding = lookup(paddings, arguments["padding"], "padding")
        self.dilation_rate = integer(arguments["dilation_rate"], "dilation_rate", 1)
        self.activation = activations.get(arguments["activation"])
        self.use_bias = boolean(arguments["use_bias"], "use_bias")
        self.take(arguments)
        self.z: Tensor = []

    def shapes(self, *kernel: int) -> dict[str, Shape]:
        """Return those of W and b."""
        return {"kernel": kernel} | ({"bias": (self.filters,)} if self.use_bias else {})

    def activated(self) -> Tensor:
        """Return the layer's output."""
        # a_t = f(z_t)
        self.a = [[self.activation(z_t) for z_t in z_n] for z_n in self.z]
        return self.a

    def delta(self, gradient: Tensor) -> Tensor:
        """Return ∂L/∂z."""
        # δ_tj = f′(z_tj) ∂L/∂a_tj
        return [
            [self.activation.backward(g_t, z_t) for g_t, z_t in zip(g_n, z_n, strict=True)]
            for g_n, z_n in zip(gradient, self.z, strict=True)
        ]

    def bias_gradient(self, delta: Tensor) -> dict[str, Tensor]:
        """Return ∂L/∂b, if b learns."""
        if not self.use_bias or not self.learns("bias"):
            return {}
        # ∂L/∂b_j = Σ_n Σ_t δ_tj
        columns = transpose([delta_t for delta_n in delta for delta_t in delta_n])
        return {"bias": [sum(delta_j) for delta_j in columns]}

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(filters={self.filters}, kernel_size={self.kernel_size}, "
            f"strides={self.strides}, padding={self.padding!r}, activation={self.activation})"
        )


class Conv1D(Convolving):
    """A window of steps makes a step: a_t = f(Σ_k x_(tS − P + kD) W_k + b).

    Steps beyond the ends of a sample are left out of the sum.

    Parameters
    ----------
    filters : int
        The channels of the output.
    kernel_size : int
        Taps of a window.
    strides : int, default 1
        S, steps from a window to the next.
    padding : str, default "valid"
        "valid", "same" or "causal"; see `windows`.
    dilation_rate : int, default 1
        D, steps from a tap to the next.
    groups : int, default 1
        Parts that channels and filters fall into; a filter sees the channels of its part.
    activation : str, pair (f, f′) or None
        f; None is linear.
    use_bias : bool, default True
        Whether there is a b.
    kernel_initializer, bias_initializer : str, nested list or Initializer
        The first values of W, shape (kernel_size, channels / groups, filters), and b, (filters,).
    kernel_regularizer, bias_regularizer, activity_regularizer : str, Regularizer or None
        What W, b and a add to the loss.
    kernel_constraint, bias_constraint : str, Constraint or None
        What W and b hold to after every update.

    Notes
    -----
    x has shape (batch, steps, channels), a has shape (batch, windows, filters).

    Examples
    --------
    >>> layer = Conv1D(1, 2, kernel_initializer=[[[1.0]], [[-1.0]]])
    >>> layer.build((3, 1))
    (2, 1)
    >>> layer.forward([[[1.0], [4.0], [9.0]]])
    [[[-3.0], [-5.0]]]
    >>> layer.backward([[[1.0], [10.0]]])
    [[[1.0], [9.0], [-10.0]]]
    >>> layer.gradients
    {'kernel': [[[41.0]], [[94.0]]], 'bias': [11.0]}
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        strides: int = 1,
        padding: str = "valid",
        dilation_rate: int = 1,
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
        self.keep(locals(), CAUSAL)
        self.groups = integer(groups, "groups", 1)
        if self.filters % self.groups:
            raise ValueError(f"groups={groups} must divide filters={filters}")

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Make W, and b."""
        self.check_samples("(steps, channels)", input_shape, len(input_shape) == 2)
        steps, channels = input_shape
        if channels % self.groups:
            raise ValueError(
                f"{self.name}: groups={self.groups} must divide the channels, got {channels}"
            )
        self.windows = Windows(
            steps, self.kernel_size, self.strides, self.dilation_rate, self.padding
        )
        self.make(self.shapes(self.kernel_size, channels // self.groups, self.filters), rng)
        return (self.windows.count, self.filters)

    def channels_of(self, j: int, channels: int) -> slice:
        """Return the channels that filter j sees."""
        width, group = channels // self.groups, j // (self.filters // self.groups)
        return slice(group * width, (group + 1) * width)

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Weigh what each window sees, sum and activate."""
        self.check_input(x)
        self.x = x
        kernel = [transpose(W_k) for W_k in self.parameters["kernel"]]
        bias = self.parameters.get("bias", [0.0] * self.filters)
        parts = [self.channels_of(j, shape(x)[2]) for j in range(self.filters)]
        # z_tj = Σ_k Σ_i x_(tS − P + kD)i W_kij + b_j
        self.z = [
            [
                [
                    sum(dot(x_n[s][parts[j]], kernel[k][j]) for k, s in self.windows.seen(t)) + b_j
                    for j, b_j in enumerate(bias)
                ]
                for t in range(self.windows.count)
            ]
            for x_n in x
        ]
        return self.activated()

    def backward(self, gradient: Tensor) -> Tensor:
        """Send δ back along the weights that each step came by."""
        self.check_gradient(gradient)
        delta = self.delta(gradient)
        self.gradients = self.parameter_gradients(delta)
        kernel, channels = self.parameters["kernel"], shape(self.x)[2]
        dx: Tensor = zeros(shape(self.x))
        for dx_n, delta_n in zip(dx, delta, strict=True):
            for t, delta_t in enumerate(delta_n):
                for k, s in self.windows.seen(t):
                    for j, delta_tj in enumerate(delta_t):
                        first = self.channels_of(j, channels).start
                        # ∂L/∂x_(tS − P + kD)i += W_kij δ_tj
                        for i, W_ki in enumerate(kernel[k]):
                            dx_n[s][first + i] += W_ki[j] * delta_tj
        return dx

    def parameter_gradients(self, delta: Tensor) -> dict[str, Tensor]:
        """Return ∂L/∂W and ∂L/∂b, sums over the samples and their windows."""
        gradients: dict[str, Tensor] = {}
        if self.learns("kernel"):
            kernel: list[Matrix] = zeros(shape(self.parameters["kernel"]))
            for x_n, delta_n in zip(self.x, delta, strict=True):
                for t, delta_t in enumerate(delta_n):
                    for k, s in self.windows.seen(t):
                        for j, delta_tj in enumerate(delta_t):
                            # ∂L/∂W_kij += x_(tS − P + kD)i δ_tj
                            for i, x_i in enumerate(x_n[s][self.channels_of(j, len(x_n[s]))]):
                                kernel[k][i][j] += x_i * delta_tj
            gradients["kernel"] = kernel
        return gradients | self.bias_gradient(delta)
