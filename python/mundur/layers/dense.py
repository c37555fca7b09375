"""The layers: Dense, Embedding, activations, Dropout and its kin, normalisations, shapes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .. import _core, regularizers
from .._support.checks import boolean, extents, integer, number, seed_value
from .._support.names import checked_keywords
from ..activations.functions import Identifier, named, native
from .base import Layer, MaskFlow
from .weighted import Weighted

__all__ = ["Activation", "Dense", "Dropout", "Flatten", "Input", "InputLayer", "Rescaling"]


_KERAS: dict[str, Any] = {"dtype": None, "activity_regularizer": None, "autocast": True}


class Dense(Weighted):
    """Every output sees every input: y = f(x·W + b).

    Shapes: x (batch, ..., inputs), W = kernel (inputs, units), b = bias (units,), y (batch, ...,
    units). Backward, with δ = f′(z)·∂L/∂y: ∂L/∂W = xᵀδ, ∂L/∂b = Σδ, ∂L/∂x = δWᵀ (Rumelhart,
    Hinton and Williams, 1986).

    Parameters
    ----------
    units : int
        Outputs, at least 1.
    activation : str, function of `mundur.activations` or pair (f, f_prime), optional
        f, one of the names under `Activation` or two functions of your own (see
        `mundur.activations.Custom`); None is "linear".
    use_bias : bool, default True
    kernel_initializer, bias_initializer : str, Initializer, function or array
        First values, by default "glorot_uniform" and "zeros".
    kernel_regularizer, bias_regularizer, activity_regularizer : str or Regularizer, optional
        What W, b and y add to the loss; see `mundur.regularizers`.
    kernel_constraint, bias_constraint : str or Constraint, optional
        What W and b hold to after every update; see `mundur.constraints`.
    name, trainable, input_shape
        See `Layer`.
    input_dim : int, optional
        Short for ``input_shape=(input_dim,)``.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it.

    Examples
    --------
    >>> import mundur as md
    >>> md.layers.Dense(10, "relu", kernel_initializer="he_normal")
    Dense(10, activation='relu', kernel_initializer='he_normal')
    """

    _kind = "dense"

    @checked_keywords(
        ignored=_KERAS
        | {
            "lora_rank": None,
            "lora_alpha": None,
            "quantization_config": None,
        }
    )
    def __init__(
        self,
        units: int,
        activation: Identifier = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        *,
        name: str | None = None,
        trainable: bool = True,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
    ) -> None:
        self.units = integer(units, "units", 1)
        self.activation = named(activation)
        self.use_bias = boolean(use_bias, "use_bias")
        self._take(locals())
        if input_dim is not None:
            if input_shape is not None:
                raise ValueError("input_dim and input_shape say the same; give one of them")
            input_shape = (integer(input_dim, "input_dim", 1),)
        self.input_dim = None
        super().__init__(name=name, trainable=trainable, input_shape=input_shape)

    def parameter_shapes(self, input_shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        """Kernel (inputs, units) and, where there is one, bias (units,)."""
        kernel: dict[str, tuple[int, ...]] = {"kernel": (input_shape[-1], self.units)}
        return kernel | ({"bias": (self.units,)} if self.use_bias else {})

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of one sample behind this layer."""
        return (*input_shape[:-1], self.units)

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.Dense(self.units, native(self.activation), self.use_bias)

    def _repr_config(self) -> dict[str, Any]:
        linear = self.activation == "linear"
        return super()._repr_config() | ({"activation": None} if linear else {})


class Activation(Layer):
    """An activation as a layer of its own, for instance behind a layer that has none.

    y = f(x), element by element; softmax and log_softmax over the last axis. x and y have the same
    shape. `mundur.activations` has the formula and the source of each:

    - "linear", "relu", "sigmoid", "tanh", "softmax", "log_softmax"
    - "leaky_relu" (slope 0.2), "relu6", "elu", "selu"
    - "gelu", its approximation "gelu_tanh", "silu" (or "swish"), "mish"
    - "softplus", "softsign", "exponential", "hard_sigmoid", "hard_silu" (or "hard_swish")

    Parameters
    ----------
    activation : str, function of `mundur.activations` or pair (f, f_prime)
        A pair is two functions of your own, see `mundur.activations.Custom`.
    activity_regularizer : str or Regularizer, optional
        What y adds to the loss; see `mundur.regularizers`.
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For an unknown name, with the known ones, and for a pair that does not fit.

    Notes
    -----
    The functions are the package's own polynomials, the same on every machine. Largest error in
    units of the last place, over every float32 there is and over 12 million float64 numbers:

    ========  =======  =======
    function  float32  float64
    ========  =======  =======
    exp          0.99     0.98
    log          0.83     0.83
    tanh         1.65     1.91
    sigmoid      0.99     0.97
    erf          1.16     1.18
    ========  =======  =======

    softmax is made of exp, log_softmax and the cross-entropies of exp and log. The others are made
    of these too. Their largest error is, in units of the last place of f(x), below 1.0 for
    exponential, 1.1 for elu and hard_sigmoid, 1.6 for softsign and 2.0 for selu, softplus and
    hard_silu. gelu, gelu_tanh, silu and mish multiply x by a share: below 2.0 units of the last
    place of x, which is more of f(x) where the share is small.

    Examples
    --------
    >>> import mundur as md
    >>> md.layers.Activation("tanh")
    Activation('tanh')
    """

    _kind = "activation"

    @checked_keywords(ignored=_KERAS)
    def __init__(
        self,
        activation: Identifier,
        *,
        activity_regularizer: Any = None,
        name: str | None = None,
        trainable: bool = True,
        input_shape: Sequence[int] | int | None = None,
    ) -> None:
        self.activation = named(activation)
        self.activity_regularizer = regularizers.get(activity_regularizer, "activity_regularizer")
        super().__init__(name=name, trainable=trainable, input_shape=input_shape)

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.Activation(native(self.activation))


class Dropout(Layer):
    """In training, each element becomes 0 with probability `rate` and is else divided by 1 - rate.

    y = x·m / (1 - rate), m ~ Bernoulli(1 - rate) (Srivastava et al., 2014, in its inverted form);
    outside of training y = x. The mask is a function of (seed, layer, count of training forwards,
    element), so it is the same for any number of threads and goes on after save and load.

    Parameters
    ----------
    rate : float
        In [0, 1).
    seed : int, optional
        The model's seed where it is None.
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    ValueError
        For a rate outside [0, 1).

    Examples
    --------
    >>> import mundur as md
    >>> md.layers.Dropout(0.2)
    Dropout(0.2)
    """

    _kind = "dropout"

    @checked_keywords(ignored=_KERAS | {"noise_shape": None})
    def __init__(
        self,
        rate: float,
        *,
        seed: int | None = None,
        name: str | None = None,
        trainable: bool = True,
        input_shape: Sequence[int] | int | None = None,
    ) -> None:
        self.rate = number(rate, "rate", at_least=0, below=1)
        self.seed = seed_value(seed)
        super().__init__(name=name, trainable=trainable, input_shape=input_shape)

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.Dropout(self.rate, self.seed)


class Flatten(Layer):
    """A sample of any shape becomes a vector, in row-major order: (batch, 28, 28) → (batch, 784).

    Parameters
    ----------
    name, trainable, input_shape
        See `Layer`.

    Examples
    --------
    >>> import mundur as md
    >>> md.Model([md.layers.Flatten()], input_shape=(28, 28)).output_shape
    (784,)
    """

    _kind = "flatten"

    @checked_keywords(ignored=_KERAS | {"data_format": None})
    def __init__(
        self,
        *,
        name: str | None = None,
        trainable: bool = True,
        input_shape: Sequence[int] | int | None = None,
    ) -> None:
        super().__init__(name=name, trainable=trainable, input_shape=input_shape)

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of one sample behind this layer."""
        return (math.prod(input_shape),)

    @property
    def mask_flow(self) -> MaskFlow:
        """There are no time steps behind it."""
        return "drops"

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.Flatten()


class Rescaling(Layer):
    """y = x·scale + offset. As the first layer it takes uint8 images without a float copy of them.

    Parameters
    ----------
    scale : float
        For instance 1/255.
    offset : float, default 0.0
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a scale or offset that is not a finite number.

    Examples
    --------
    >>> import mundur as md
    >>> md.layers.Rescaling(0.5, offset=-1.0)
    Rescaling(0.5, offset=-1.0)
    """

    _kind = "rescaling"

    @checked_keywords(ignored=_KERAS)
    def __init__(
        self,
        scale: float,
        offset: float = 0.0,
        *,
        name: str | None = None,
        trainable: bool = True,
        input_shape: Sequence[int] | int | None = None,
    ) -> None:
        self.scale = number(scale, "scale")
        self.offset = number(offset, "offset")
        super().__init__(name=name, trainable=trainable, input_shape=input_shape)

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.Rescaling(self.scale, self.offset)


class InputLayer:
    """The shape of one sample, as the first item of a model's layers; made by `Input`.

    Parameters
    ----------
    shape : tuple of int
        Without the batch.

    Examples
    --------
    >>> import mundur as md
    >>> model = md.Model([md.layers.InputLayer((4,)), md.layers.Dense(2)], seed=0)
    >>> model.output_shape
    (2,)
    """

    @checked_keywords(
        ignored={
            "batch_size": None,
            "dtype": None,
            "sparse": None,
            "ragged": None,
            "batch_shape": None,
            "name": None,
            "tensor": None,
            "input_tensor": None,
            "optional": False,
        }
    )
    def __init__(self, shape: Sequence[int] | int) -> None:
        self.shape = extents(shape, "shape")

    def __repr__(self) -> str:
        return f"Input({self.shape!r})"


def Input(shape: Sequence[int] | int, **keras: Any) -> InputLayer:
    """Declares the shape of one sample, as the first item of a model's layers.

    Parameters
    ----------
    shape : tuple of int
        Without the batch.

    Raises
    ------
    TypeError, ValueError
        For a shape that is not made of positive integers.

    Examples
    --------
    >>> import mundur as md
    >>> md.Model([md.Input((784,)), md.layers.Dense(10)], seed=0).input_shape
    (784,)
    """
    return InputLayer(shape, **keras)
