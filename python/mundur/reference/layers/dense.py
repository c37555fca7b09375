"""Dense, the layer of course notes: a = f(x W + b), and δ on its way back.

Source: Rumelhart, Hinton and Williams, "Learning representations by back-propagating errors"
(1986). Layouts and names are those of Keras: a kernel has shape (inputs, units).
"""

from random import Random

from ..._support.checks import boolean, integer
from .. import activations, constraints, initializers, regularizers
from ..lists import Shape, Tensor, Vector, dot, map_rows, rows, transpose
from .base import Weighted


class Dense(Weighted):
    """Every unit sees every input: a = f(x W + b).

    Parameters
    ----------
    units : int
        The number of outputs.
    activation : str, pair (f, f′) or None
        f; None is linear.
    use_bias : bool, default True
        Whether there is a b.
    kernel_initializer, bias_initializer : str, nested list or Initializer
        The first values of W, shape (inputs, units), and b, shape (units,).
    kernel_regularizer, bias_regularizer, activity_regularizer : str, Regularizer or None
        What W, b and a add to the loss.
    kernel_constraint, bias_constraint : str, Constraint or None
        What W and b hold to after every update.

    Notes
    -----
    x has shape (batch, inputs), a has shape (batch, units); with more axes, every row of a sample,
    such as a time step, is treated alike. After a pass forward and backward, the attributes `x`,
    `z`, `a` and `delta` hold x, z = x W + b, a = f(z) and δ = ∂L/∂z of the batch.

    Examples
    --------
    >>> layer = Dense(1, kernel_initializer=[[2.0], [3.0]])
    >>> layer.build((2,))
    (1,)
    >>> layer.forward([[10.0, 1.0]])
    [[23.0]]
    >>> layer.backward([[1.0]])
    [[2.0, 3.0]]
    >>> layer.gradients
    {'kernel': [[10.0], [1.0]], 'bias': [1.0]}
    """

    def __init__(
        self,
        units: int,
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
        self.units = integer(units, "units", 1)
        self.activation = activations.get(activation)
        self.use_bias = boolean(use_bias, "use_bias")
        self.take(locals())
        self.z: Tensor = []
        self.delta: Tensor = []

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Make W of shape (inputs, units), and b of shape (units,)."""
        self.check_samples("(..., inputs)", input_shape, len(input_shape) > 0)
        shapes: dict[str, Shape] = {"kernel": (input_shape[-1], self.units)}
        self.make(shapes | ({"bias": (self.units,)} if self.use_bias else {}), rng)
        return (*input_shape[:-1], self.units)

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Weigh, sum and activate."""
        self.check_input(x)
        columns = transpose(self.parameters["kernel"])
        bias = self.parameters.get("bias", [0.0] * self.units)
        self.x = x

        def weighed(x_n: Vector) -> Vector:
            # z_j = Σ_i x_i W_ij + b_j
            return [dot(x_n, W_j) + b_j for W_j, b_j in zip(columns, bias, strict=True)]

        self.z = map_rows(weighed, x)
        # a_j = f(z_j)
        self.a = map_rows(self.activation, self.z)
        return self.a

    def backward(self, gradient: Tensor) -> Tensor:
        """Send δ back along the weights that the inputs came by."""
        self.check_gradient(gradient)
        # δ_j = f′(z_j) ∂L/∂a_j
        self.delta = map_rows(self.activation.backward, gradient, self.z)
        self.gradients = self.parameter_gradients(
            transpose(list(rows(self.x))), transpose(list(rows(self.delta)))
        )
        kernel = self.parameters["kernel"]
        # ∂L/∂x_i = Σ_j W_ij δ_j
        return map_rows(lambda delta_n: [dot(W_i, delta_n) for W_i in kernel], self.delta)

    def parameter_gradients(
        self, x: list[tuple[float, ...]], delta: list[tuple[float, ...]]
    ) -> dict[str, Tensor]:
        """Return ∂L/∂W and ∂L/∂b, sums over the rows n of the batch, from columns of x and δ."""
        gradients: dict[str, Tensor] = {}
        if self.learns("kernel"):
            # ∂L/∂W_ij = Σ_n δ_nj x_ni
            gradients["kernel"] = [[dot(x_i, delta_j) for delta_j in delta] for x_i in x]
        if self.use_bias and self.learns("bias"):
            # ∂L/∂b_j = Σ_n δ_nj
            gradients["bias"] = [sum(delta_j) for delta_j in delta]
        return gradients

    def __repr__(self) -> str:
        return f"Dense(units={self.units}, activation={self.activation}, use_bias={self.use_bias})"
