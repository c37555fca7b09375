"""Conv1D: see `mundur.layers`."""

from __future__ import annotations

from typing import Any

from .. import _core
from .._support.checks import boolean, integer
from .._support.names import checked_keywords, either
from .._support.unpack import Unpack
from ..activations import Custom, Identifier, named, native
from .base import DTYPE, Layer, LayerArguments, MaskFlow, Weighted
from .windows import channels_last, output_steps, padding_name, single, steps_and_channels


class Convolving(Weighted):
    """What a convolution and a transposed one share: windows, filters, an activation."""

    filters: int
    kernel_size: int
    strides: int
    padding: str
    data_format: str | None
    dilation_rate: int
    activation: str | Custom
    use_bias: bool

    def _keep(self, arguments: dict[str, Any], *, causal: bool) -> None:
        """Checks and keeps those of a constructor's arguments, its `locals()`, that both have."""
        self.filters = integer(arguments["filters"], "filters", 1)
        for name in ("kernel_size", "strides", "dilation_rate"):
            setattr(self, name, single(arguments[name], name))
        self.padding = padding_name(arguments["padding"], causal=causal)
        self.data_format = channels_last(arguments["data_format"])
        if self.strides > 1 and self.dilation_rate > 1:
            raise ValueError(
                f"strides={self.strides} and dilation_rate={self.dilation_rate}: only one of them "
                "may be greater than 1"
            )
        self.activation = named(arguments["activation"])
        self.use_bias = boolean(arguments["use_bias"], "use_bias")
        self._take(arguments)

    def _shapes(self, *kernel: int) -> dict[str, tuple[int, ...]]:
        """Those of the kernel and, where there is one, of the bias."""
        return {"kernel": kernel} | ({"bias": (self.filters,)} if self.use_bias else {})

    @property
    def mask_flow(self) -> MaskFlow:
        """Windows see padding as they see data, and a transposed one's steps are new."""
        return "drops"

    def _repr_config(self) -> dict[str, Any]:
        linear = self.activation == "linear"
        return super()._repr_config() | ({"activation": None} if linear else {})


class Conv1D(Convolving):
    """Each step of the output sees a window of steps: y_t = f(Σ_k x_(tS - P + kD)·W_k + b).

    S is the stride, D the dilation, P the steps of padding in front. Steps beyond a sample's ends
    are left out of the sums (zeros stand for them in Keras: the same numbers).

    Shapes: x (batch, steps, channels), W = kernel (kernel_size, channels / groups, filters), b =
    bias (filters,), y (batch, steps', filters). With n steps and windows of m = (kernel_size - 1)·D
    + 1 steps, "valid" leaves ⌊(n - m) / S⌋ + 1 of them, "same" and "causal" ⌈n / S⌉. Backward, with
    δ = f′(z)·∂L/∂y and s the step that t sees with tap k: ∂L/∂W_k = Σ x_sᵀδ_t, ∂L/∂b = Σδ_t,
    ∂L/∂x_s = Σ_k δ_t W_kᵀ (LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to
    document recognition", 1998).

    A mask of time steps ends here, with a warning: a window sees padding as it sees data. With
    ``Model(..., compute_dtype="bfloat16")`` it is a Dense on what its steps see, 0 beyond the ends;
    its products stay in the model's dtype in groups, with fewer than 32 filters, and where
    kernel_size·channels·filters < 1536: there rounding would cost more time than it saves.

    Parameters
    ----------
    filters : int
        Channels of the output, at least 1.
    kernel_size : int
        Taps: steps that a window sees.
    strides : int, default 1
        Steps from a window to the next.
    padding : {"valid", "same", "causal"}, default "valid"
        Windows that lie within the sample only; as many in front as behind (or one less), so that
        no step is lost; or all in front, so that no output sees a later step.
    data_format : {"channels_last"}, optional
    dilation_rate : int, default 1
        Steps from a tap to the next; not together with strides.
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
        For a bad argument, naming it; when built, for samples of another rank, or of fewer steps
        than a window has.

    Examples
    --------
    >>> import mundur as md
    >>> layer = md.layers.Conv1D(1, 2, use_bias=False, kernel_initializer=[[[1]], [[-1]]])
    >>> model = md.Model([layer], seed=0)
    >>> model.predict([[[1], [4], [9]]])[0]
    array([[-3.],
           [-5.]], dtype=float32)
    """

    _kind = "conv1d"

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
        kernel_size: int,
        strides: int = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: int = 1,
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
        self._keep(locals(), causal=True)
        self.groups = integer(groups, "groups", 1)
        if self.filters % self.groups:
            raise ValueError(f"groups={groups} must divide filters={filters}")
        super().__init__(**layer)

    def parameter_shapes(self, input_shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        """Kernel (kernel_size, channels / groups, filters) and, where there is one, bias."""
        _, channels = steps_and_channels(self.name, input_shape)
        if channels % self.groups:
            raise ValueError(
                f"{self.name}: groups={self.groups} must divide the channels, got {channels}"
            )
        return self._shapes(self.kernel_size, channels // self.groups, self.filters)

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of one sample behind this layer."""
        steps, _ = steps_and_channels(self.name, input_shape)
        size, strides, dilation = self.kernel_size, self.strides, self.dilation_rate
        return (
            output_steps(self.name, "kernel_size", steps, size, strides, dilation, self.padding),
            self.filters,
        )

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.Conv1D(
            self.filters,
            self.kernel_size,
            self.strides,
            self.padding,
            self.dilation_rate,
            self.groups,
            native(self.activation),
            self.use_bias,
        )
