"""Dense: every output sees every input."""

from __future__ import annotations

from typing import Any

from .. import _core
from .._support.checks import boolean, integer
from .._support.names import checked_keywords
from .._support.unpack import Unpack
from ..activations import Identifier, named, native
from .base import ADAPTED, Layer, LayerArguments, Weighted


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

    @checked_keywords(ignored=ADAPTED | {"quantization_config": None}, rest=Layer)
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
        input_dim: int | None = None,
        **layer: Unpack[LayerArguments],
    ) -> None:
        self.units = integer(units, "units", 1)
        self.activation = named(activation)
        self.use_bias = boolean(use_bias, "use_bias")
        self._take(locals())
        if input_dim is not None:
            if layer.get("input_shape") is not None:
                raise ValueError("input_dim and input_shape say the same; give one of them")
            layer["input_shape"] = (integer(input_dim, "input_dim", 1),)
        self.input_dim = None
        super().__init__(**layer)

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
