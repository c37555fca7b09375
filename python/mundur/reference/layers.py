"""Layers: forward, and backward directly below it.

`forward` keeps what `backward` needs; `backward` takes ∂L/∂y, where y is the layer's output,
fills `gradients` with ∂L/∂w of its parameters, and returns ∂L/∂x of its input.

Source: Rumelhart, Hinton and Williams, "Learning representations by back-propagating errors"
(1986). Layouts and names are those of Keras: a kernel has shape (inputs, units).
"""

from collections.abc import Sequence
from operator import add
from random import Random

from . import activations, constraints, initializers, regularizers
from ._lookup import check_number
from .lists import (
    Mask,
    Shape,
    Tensor,
    Vector,
    check_shape,
    dot,
    map_elements,
    map_rows,
    rows,
    shape,
    transpose,
)


class Layer:
    """What all layers share.

    Attributes
    ----------
    name : str
        Unique within a model, which names its layers "dense", "dense_1", ... where they have none.
    parameters : dict of str to nested list
        What is learned, changed in place by optimizers.
    gradients : dict of str to nested list
        ∂L/∂w of every parameter that is not frozen, since the last `backward`.
    state : dict of str to nested list
        What training changes, but no gradient, such as moving statistics.
    trainable : bool
        False freezes all of the layer's parameters.
    frozen : set of str
        The names of single frozen parameters, such as {"bias"}.
    regularizers, constraints : dict
        The regularizer, and the constraint, of each parameter that has one.
    activity_regularizer : Regularizer or None
        That of the outputs.
    mask : nested list of bool or None
        Which time steps of the batch to come are there; None: all. A model sets it before forward.
    """

    def __init__(self, name: str | None = None) -> None:
        self.name = name or self.kind()
        self.has_own_name = name is not None
        self.trainable = True
        self.frozen: set[str] = set()
        self.parameters: dict[str, Tensor] = {}
        self.gradients: dict[str, Tensor] = {}
        self.state: dict[str, Tensor] = {}
        self.regularizers: dict[str, regularizers.Regularizer] = {}
        self.constraints: dict[str, constraints.Constraint] = {}
        self.activity_regularizer: regularizers.Regularizer | None = None
        self.input_shape: Shape | None = None
        self.output_shape: Shape | None = None
        self.mask: Mask | None = None

    @classmethod
    def kind(cls) -> str:
        """Return what a layer without a name is called: layer_normalization, for instance."""
        name = cls.__name__.replace("1D", "1d")
        return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).strip("_")

    def build(self, input_shape: Shape, rng: Random | None = None) -> Shape:
        """Make the parameters for samples of `input_shape`; give the shape of output samples.

        Parameters
        ----------
        input_shape : tuple of int
            The shape of one sample, without the batch.
        rng : random.Random, optional
            Where random numbers come from.
        """
        self.input_shape = input_shape
        self.output_shape = self.build_for(input_shape, rng or Random(0))
        return self.output_shape

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Do in `build` what a kind of layer has to; without parameters, only the shape matters."""
        return input_shape

    def compute_mask(self, x: Tensor, mask: Mask | None) -> Mask | None:
        """Return which time steps of the output are there, by the input and its mask."""
        return mask

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Return y of the batch x; `training` says whether dropout drops."""
        raise NotImplementedError

    def backward(self, gradient: Tensor) -> Tensor:
        """Return ∂L/∂x from `gradient` = ∂L/∂y, for the batch that went forward last."""
        raise NotImplementedError

    def learns(self, parameter: str) -> bool:
        """Say whether the parameter of this name gets a gradient."""
        return self.trainable and parameter not in self.frozen

    def add_penalties(self) -> None:
        """Add to the gradients, as `backward` left them, those of the weights' penalties."""
        for name, regularizer in self.regularizers.items():
            if name in self.gradients:
                # ∂L/∂w ← ∂L/∂w + ∂R/∂w
                slopes = regularizer.gradient(self.parameters[name])
                self.gradients[name] = map_elements(add, self.gradients[name], slopes)

    def check_input(self, x: Tensor) -> None:
        """Raise unless x is a batch of at least one sample that this layer was built for."""
        if self.input_shape is None:
            raise RuntimeError(f"{self.name}: call build(input_shape) before forward")
        check_shape(f"{self.name}: input (batch first)", x, (None, *self.input_shape))

    def check_gradient(self, gradient: Tensor, y: Tensor | None) -> None:
        """Raise unless there was a forward, with an output of the gradient's shape."""
        if y is None:
            raise RuntimeError(f"{self.name}: call forward before backward")
        check_shape(f"{self.name}: gradient of the output", gradient, shape(y))


def forward_chain(
    layers: Sequence[Layer], x: Tensor, training: bool, mask: Mask | None = None
) -> list[Tensor]:
    """Send a batch through one layer after the other, and its mask along; return all outputs."""
    outputs = []
    for layer in layers:
        layer.mask = mask
        y = layer.forward(x, training)
        mask = layer.compute_mask(x, mask)
        x = y
        outputs.append(y)
    return outputs


class Dense(Layer):
    """Every unit sees every input: y = f(x W + b).

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
        What W, b and y add to the loss.
    kernel_constraint, bias_constraint : str, Constraint or None
        What W and b hold to after every update.

    Notes
    -----
    x has shape (batch, inputs), y has shape (batch, units); with more axes, every row of a sample,
    such as a time step, is treated alike. After a pass forward and backward, the attributes `z`,
    `y` and `delta` hold z, f(z) and δ = ∂L/∂z of the batch.

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
        check_number("units", units, int)
        if units < 1:
            raise ValueError(f"units: expected a positive integer, got {units}")
        self.units = units
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        penalties = {"kernel": kernel_regularizer, "bias": bias_regularizer}
        self.regularizers = {p: r for p, i in penalties.items() if (r := regularizers.get(i))}
        limits = {"kernel": kernel_constraint, "bias": bias_constraint}
        self.constraints = {p: c for p, i in limits.items() if (c := constraints.get(i))}
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.x: Tensor = []
        self.z: Tensor = []
        self.y: Tensor | None = None
        self.delta: Tensor = []

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Make W of shape (inputs, units), and b of shape (units,)."""
        if not input_shape:
            raise ValueError(f"{self.name}: expected samples of rank 1 or more, got single numbers")
        kernel_shape = (input_shape[-1], self.units)
        self.parameters = {"kernel": self.kernel_initializer(kernel_shape, rng)}
        if self.use_bias:
            self.parameters["bias"] = self.bias_initializer((self.units,), rng)
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
        # y_j = f(z_j)
        self.y = map_rows(self.activation, self.z)
        return self.y

    def backward(self, gradient: Tensor) -> Tensor:
        """Send δ back along the weights that the inputs came by."""
        self.check_gradient(gradient, self.y)
        kernel = self.parameters["kernel"]
        # δ_j = f′(z_j) ∂L/∂y_j
        self.delta = map_rows(self.activation.backward, gradient, self.z)
        self.gradients = self.parameter_gradients(
            transpose(list(rows(self.x))), transpose(list(rows(self.delta)))
        )
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


class Activation(Layer):
    """An activation as a layer of its own: y = f(x).

    Parameters
    ----------
    activation : str, pair (f, f′)
        "linear", "relu", "sigmoid", "tanh", ... (see `activations`); softmax and log_softmax go
        over the last axis.
    activity_regularizer : str, Regularizer or None
        What y adds to the loss.

    Notes
    -----
    x and y have shape (batch, ...), the same.

    Examples
    --------
    >>> layer = Activation("relu")
    >>> layer.build((2,))
    (2,)
    >>> layer.forward([[-1.0, 3.0]]), layer.backward([[5.0, 5.0]])
    ([[0.0, 3.0]], [[0.0, 5.0]])
    """

    def __init__(
        self,
        activation: activations.Identifier,
        *,
        activity_regularizer: regularizers.Identifier = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.activation = activations.get(activation)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.x: Tensor | None = None

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Keep the shape, which needs an axis for the activation."""
        if not input_shape:
            raise ValueError(f"{self.name}: expected samples of rank 1 or more, got single numbers")
        return input_shape

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Activate."""
        self.check_input(x)
        self.x = x
        # y_j = f(x_j)
        return map_rows(self.activation, x)

    def backward(self, gradient: Tensor) -> Tensor:
        """Multiply by the slopes."""
        self.check_gradient(gradient, self.x)
        # ∂L/∂x_j = f′(x_j) ∂L/∂y_j
        return map_rows(self.activation.backward, gradient, self.x or [])

    def __repr__(self) -> str:
        return f"Activation({self.activation})"


class ActivityRegularization(Activation):
    """y = x; l1 Σ|x| + l2 Σx², divided by the samples of the batch, is added to the loss.

    Parameters
    ----------
    l1, l2 : float, default 0.0
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0, *, name: str | None = None) -> None:
        penalty = regularizers.L1L2(l1, l2)
        super().__init__("linear", activity_regularizer=penalty, name=name)

    def __repr__(self) -> str:
        return f"ActivityRegularization({self.activity_regularizer})"


class Rescaling(Layer):
    """Inputs brought to another range: y_j = x_j · scale + offset.

    Parameters
    ----------
    scale : float
        1/255 brings the bytes of an image to [0, 1].
    offset : float, default 0.0

    Notes
    -----
    x and y have shape (batch, ...), the same.

    Examples
    --------
    >>> layer = Rescaling(1 / 255)
    >>> layer.build((2,))
    (2,)
    >>> layer.forward([[0, 255]])
    [[0.0, 1.0]]
    """

    def __init__(self, scale: float, offset: float = 0.0, *, name: str | None = None) -> None:
        super().__init__(name)
        check_number("scale", scale)
        check_number("offset", offset)
        self.scale = scale
        self.offset = offset
        self.y: Tensor | None = None

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Scale and shift."""
        self.check_input(x)
        # y_j = x_j · scale + offset
        self.y = map_elements(lambda x_j: x_j * self.scale + self.offset, x)
        return self.y

    def backward(self, gradient: Tensor) -> Tensor:
        """Scale; a shift changes no slope."""
        self.check_gradient(gradient, self.y)
        # ∂L/∂x_j = ∂L/∂y_j · scale
        return map_elements(lambda g_j: g_j * self.scale, gradient)

    def __repr__(self) -> str:
        return f"Rescaling(scale={self.scale!r}, offset={self.offset!r})"


# Below the base class that these modules need.
from .activation_layers import ELU, LeakyReLU, ReLU, Softmax  # noqa: E402
from .bidirectional import Bidirectional  # noqa: E402
from .convolution import Conv1D  # noqa: E402
from .embedding import Embedding  # noqa: E402
from .masking import Masking  # noqa: E402
from .noise import (  # noqa: E402
    AlphaDropout,
    Dropout,
    GaussianDropout,
    GaussianNoise,
    SpatialDropout1D,
)
from .normalization import BatchNormalization, LayerNormalization  # noqa: E402
from .pooling import (  # noqa: E402
    AveragePooling1D,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    MaxPooling1D,
)
from .recurrent import GRU, LSTM, SimpleRNN  # noqa: E402
from .reshaping import Flatten, Permute, RepeatVector, Reshape, ZeroPadding1D  # noqa: E402
from .residual import Residual  # noqa: E402
from .time_distributed import TimeDistributed  # noqa: E402

__all__ = [
    "ELU",
    "GRU",
    "LSTM",
    "Activation",
    "AlphaDropout",
    "AveragePooling1D",
    "BatchNormalization",
    "Bidirectional",
    "Conv1D",
    "Dense",
    "Dropout",
    "Embedding",
    "Flatten",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePooling1D",
    "GlobalMaxPooling1D",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "Masking",
    "MaxPooling1D",
    "Permute",
    "ReLU",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "Residual",
    "SimpleRNN",
    "Softmax",
    "SpatialDropout1D",
    "TimeDistributed",
    "ZeroPadding1D",
]
