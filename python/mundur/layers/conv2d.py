"""Conv2D: see `mundur.layers`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import _core
from .._support.checks import boolean, integer
from .._support.names import checked_keywords, either
from .._support.unpack import Unpack
from ..activations import Identifier, named, native
from .base import DTYPE, Layer, LayerArguments, MaskFlow, Weighted
from .windows import channels_last, image_and_channels, output_image, padding_name, pair


class Conv2D(Weighted):
    """Each place of the output sees a window: y_rt = f(Σ_jk x_(rS - P + jD, tS - P + kD)·W_jk + b).

    S are the strides, D the dilations, P the padding above and to the left, which holds 0, each of
    the rows or of the columns.

    Shapes: x (batch, rows, columns, channels), W = kernel (*kernel_size, channels / groups,
    filters), b = bias (filters,), y (batch, rows', columns', filters). With n rows and windows of m
    = (kernel_size - 1)·D + 1, "valid" leaves ⌊(n - m) / S⌋ + 1 of them, "same" ⌈n / S⌉; columns
    likewise. Backward, with δ = f′(z)·∂L/∂y and (u, v) what (r, t) sees with tap (j, k): ∂L/∂W_jk =
    Σ x_uvᵀδ_rt, ∂L/∂b = Σδ_rt, ∂L/∂x_uv = Σ_jk δ_rt W_jkᵀ (LeCun, Bottou, Bengio and Haffner,
    "Gradient-based learning applied to document recognition", 1998).

    With ``Model(..., compute_dtype="bfloat16")`` it is a Dense on what its places see, 0 beyond the
    edges; its products stay in the model's dtype in groups, with fewer than 32 filters, and where
    the taps times channels·filters are fewer than 1536: there rounding would cost more time than it
    saves.

    Parameters
    ----------
    filters : int
        Channels of the output, at least 1.
    kernel_size : int or pair of int
        Taps: the rows and columns that a window sees; one number stands for both.
    strides : int or pair of int, default (1, 1)
        Rows and columns from a window to the next.
    padding : {"valid", "same"}, default "valid"
        Windows that lie within the image only; or as much padding in front as behind (or one less),
        so that no row and no column is lost.
    data_format : {"channels_last"}, optional
    dilation_rate : int or pair of int, default (1, 1)
        Rows and columns from a tap to the next; not together with strides.
    groups : int, default 1
        Parts that channels and filters are divided into, each with its own kernel.
    activation : str, function of `mundur.activations` or pair (f, f_prime), optional
        f, as in `Dense`; None is "linear".
    use_bias : bool, default True
    kernel_initializer, bias_initializer : str, Initializer, function or array
        First values, by default "glorot_uniform" and "zeros".
    kernel_regularizer, bias_regularizer, activity_regularizer : str or Regularizer, optional
        What W, b and y add to the loss; see `mundur.regularizers`.
    kernel_constraint, bias_constraint : str or Constraint, optional
        What W and b hold to after every update; see `mundur.constraints`.
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it; when built, for samples of another rank, or smaller
        than a window.

    Examples
    --------
    >>> import mundur as md
    >>> edges = md.layers.Conv2D(1, (1, 2), use_bias=False, kernel_initializer=[[[[-1]], [[1]]]])
    >>> model = md.Model([edges], seed=0)
    >>> model.predict([[[[0], [0], [5]], [[0], [5], [5]]]])[0, :, :, 0]
    array([[0., 5.],
           [5., 0.]], dtype=float32)
    """

    _kind = "conv2d"

    @checked_keywords(
        ignored={
            "dtype": DTYPE,
            "autocast": either(True, False),
            "lora_rank": None,
            "lora_alpha": None,
        },
        rest=Layer,
    )
    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = (1, 1),
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = (1, 1),
        groups: int = 1,
        activation: Identifier = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **layer: Unpack[LayerArguments],
    ) -> None:
        self.filters = integer(filters, "filters", 1)
        self.kernel_size = pair(kernel_size, "kernel_size")
        self.strides = pair(strides, "strides")
        self.padding = padding_name(padding, causal=False)
        self.data_format = channels_last(data_format, 2)
        self.dilation_rate = pair(dilation_rate, "dilation_rate")
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"strides={self.strides} and dilation_rate={self.dilation_rate}: only one of them "
                "may be greater than 1"
            )
        self.groups = integer(groups, "groups", 1)
        if self.filters % self.groups:
            raise ValueError(f"groups={groups} must divide filters={filters}")
        self.activation = named(activation)
        self.use_bias = boolean(use_bias, "use_bias")
        self._take(locals())
        super().__init__(**layer)

    def parameter_shapes(self, input_shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        """Kernel (*kernel_size, channels / groups, filters) and, where there is one, bias."""
        *_, channels = image_and_channels(self.name, input_shape)
        if channels % self.groups:
            raise ValueError(
                f"{self.name}: groups={self.groups} must divide the channels, got {channels}"
            )
        kernel: dict[str, tuple[int, ...]] = {
            "kernel": (*self.kernel_size, channels // self.groups, self.filters)
        }
        return kernel | ({"bias": (self.filters,)} if self.use_bias else {})

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of one sample behind this layer."""
        image = image_and_channels(self.name, input_shape)
        size, strides, dilation = self.kernel_size, self.strides, self.dilation_rate
        places = output_image(
            self.name, "kernel_size", image, size, strides, dilation, self.padding
        )
        return (*places, self.filters)

    @property
    def mask_flow(self) -> MaskFlow:
        """There are no time steps any more."""
        return "drops"

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.Conv2D(
            self.filters,
            self.kernel_size,
            self.strides,
            self.padding,
            self.dilation_rate,
            self.groups,
            native(self.activation),
            self.use_bias,
        )

    def _repr_config(self) -> dict[str, Any]:
        linear = self.activation == "linear"
        return super()._repr_config() | ({"activation": None} if linear else {})
