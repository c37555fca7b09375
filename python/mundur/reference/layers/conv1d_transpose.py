"""The transposed convolution: forward, and backward directly below it.

Source: Zeiler, Krishnan, Taylor and Fergus, "Deconvolutional networks" (2010).
"""

from random import Random

from .. import activations, constraints, initializers, regularizers
from ..lists import Shape, Tensor, dot, shape, transpose, zeros
from .conv1d import Convolving
from .windows import PADDINGS, Windows


class Conv1DTranspose(Convolving):
    """What a convolution sends back, sent ahead: a_s = f(Σ W_k x_t + b), over tS − P + kD = s.

    Parameters
    ----------
    filters : int
        The channels of the output.
    kernel_size : int
        Taps of a window of the output.
    strides : int, default 1
        S, steps of the output from a window to the next.
    padding : str, default "valid"
        "valid" or "same"; see `windows`.
    dilation_rate : int, default 1
        D, steps from a tap to the next.
    activation : str, pair (f, f′) or None
        f; None is linear.
    use_bias : bool, default True
        Whether there is a b.
    kernel_initializer, bias_initializer : str, nested list or Initializer
        The first values of W, shape (kernel_size, filters, channels), and b, (filters,).
    kernel_regularizer, bias_regularizer, activity_regularizer : str, Regularizer or None
        What W, b and a add to the loss.
    kernel_constraint, bias_constraint : str, Constraint or None
        What W and b hold to after every update.

    Notes
    -----
    x has shape (batch, steps, channels), a has shape (batch, steps′, filters): n S of these steps,
    and with "valid" as many more as a window is longer than S. Steps that no window reaches have
    z = b.

    Examples
    --------
    >>> layer = Conv1DTranspose(1, 2, strides=2, kernel_initializer=[[[1.0]], [[10.0]]])
    >>> layer.build((2, 1))
    (4, 1)
    >>> layer.forward([[[1.0], [4.0]]])
    [[[1.0], [10.0], [4.0], [40.0]]]
    >>> layer.backward([[[1.0], [0.0], [0.0], [1.0]]])
    [[[1.0], [10.0]]]
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        strides: int = 1,
        padding: str = "valid",
        dilation_rate: int = 1,
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
        self.keep(locals(), PADDINGS)

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Make W, and b."""
        self.check_samples("(steps, channels)", input_shape, len(input_shape) == 2)
        n, channels = input_shape
        extent = (self.kernel_size - 1) * self.dilation_rate + 1
        more = max(extent - self.strides, 0) if self.padding == "valid" else 0
        # the convolution that this one undoes sees the output
        self.windows = Windows(
            *(n * self.strides + more, self.kernel_size, self.strides, self.dilation_rate),
            self.padding,
        )
        self.make(self.shapes(self.kernel_size, self.filters, channels), rng)
        return (self.windows.steps, self.filters)

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Give each step of the input to the steps of its window, and activate."""
        self.check_input(x)
        self.x = x
        kernel = self.parameters["kernel"]
        bias = self.parameters.get("bias", [0.0] * self.filters)
        self.z = [[list(bias) for _ in range(self.windows.steps)] for _ in x]
        for z_n, x_n in zip(self.z, x, strict=True):
            for t, x_t in enumerate(x_n):
                for k, s in self.windows.seen(t):
                    # z_(tS − P + kD)j += Σ_i W_kji x_ti
                    z_n[s] = [z + dot(w, x_t) for z, w in zip(z_n[s], kernel[k], strict=True)]
        return self.activated()

    def backward(self, gradient: Tensor) -> Tensor:
        """Convolve δ, and sum what each weight brought."""
        self.check_gradient(gradient)
        delta = self.delta(gradient)
        self.gradients = self.parameter_gradients(delta)
        kernel = [transpose(W_k) for W_k in self.parameters["kernel"]]
        # ∂L/∂x_ti = Σ_k Σ_j W_kji δ_(tS − P + kD)j
        return [
            [
                [
                    sum(dot(kernel[k][i], delta_n[s]) for k, s in self.windows.seen(t))
                    for i in range(len(x_n[t]))
                ]
                for t in range(len(x_n))
            ]
            for x_n, delta_n in zip(self.x, delta, strict=True)
        ]

    def parameter_gradients(self, delta: Tensor) -> dict[str, Tensor]:
        """Return ∂L/∂W and ∂L/∂b, sums over the samples and their windows."""
        gradients: dict[str, Tensor] = {}
        if self.learns("kernel"):
            kernel: Tensor = zeros(shape(self.parameters["kernel"]))
            for x_n, delta_n in zip(self.x, delta, strict=True):
                for t, x_t in enumerate(x_n):
                    for k, s in self.windows.seen(t):
                        for j, delta_sj in enumerate(delta_n[s]):
                            # ∂L/∂W_kji += δ_(tS − P + kD)j x_ti
                            for i, x_ti in enumerate(x_t):
                                kernel[k][j][i] += delta_sj * x_ti
            gradients["kernel"] = kernel
        return gradients | self.bias_gradient(delta)
