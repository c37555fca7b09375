"""Convolutions, and that over time steps, Conv1D: see `mundur.layers`."""

from __future__ import annotations

from typing import Any, ClassVar

from .. import _core
from .._support.checks import boolean, integer
from .._support.names import checked_keywords
from .._support.unpack import Unpack
from ..activations import Custom, Identifier, named, native
from .base import ADAPTED, Layer, LayerArguments, MaskFlow, Weighted
from .windows import axes_and_channels, channels_last, output_image, padding_name, pair, single


class Windowed(Weighted):
    """What all convolutions share: windows over steps or over rows and columns, an activation."""

    _axes: ClassVar[int] = 1
    _may_be_causal: ClassVar[bool] = False

    kernel_size: int | tuple[int, int]
    strides: int | tuple[int, int]
    padding: str
    data_format: str | None
    dilation_rate: int | tuple[int, int]
    activation: str | Custom

    def _keep(self, arguments: dict[str, Any]) -> None:
        """Checks and keeps those of a constructor's arguments, its `locals()`, that all have."""
        extents = single if self._axes == 1 else pair
        for name in ("kernel_size", "strides", "dilation_rate"):
            setattr(self, name, extents(arguments[name], name))
        self.padding = padding_name(arguments["padding"], causal=self._may_be_causal)
        self.data_format = channels_last(arguments["data_format"], self._axes)
        self.activation = named(arguments["activation"])
        self.use_bias = boolean(arguments["use_bias"], "use_bias")
        self._take(arguments)

    def _sizes(self) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        """Size, strides and dilation, each with a number for each axis."""
        all_three = self.kernel_size, self.strides, self.dilation_rate
        size, strides, dilation = (one if isinstance(one, tuple) else (one,) for one in all_three)
        return size, strides, dilation

    def _places(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """How many windows there are on each axis."""
        *image, _ = axes_and_channels(self.name, input_shape, self._axes)
        return output_image(self.name, "kernel_size", image, *self._sizes(), self.padding)

    @property
    def mask_flow(self) -> MaskFlow:
        """Windows see padding as they see data, and a transposed one's steps are new."""
        return "drops"

    def _repr_config(self) -> dict[str, Any]:
        linear = self.activation == "linear"
        return super()._repr_config() | ({"activation": None} if linear else {})


class Convolving(Windowed):
    """With filters that see all channels: convolutions, and transposed ones."""

    filters: int

    def _keep(self, arguments: dict[str, Any]) -> None:
        self.filters = integer(arguments["filters"], "filters", 1)
        super()._keep(arguments)
        _, strides, dilation = self._sizes()
        if max(strides) > 1 and max(dilation) > 1:
            raise ValueError(
                f"strides={self.strides} and dilation_rate={self.dilation_rate}: only one of them "
                "may be greater than 1"
            )

    def _shapes(self, *channels: int) -> dict[str, tuple[int, ...]]:
        """Those of the kernel, behind its extents, and, where there is one, of the bias."""
        shapes: dict[str, tuple[int, ...]] = {"kernel": (*self._sizes()[0], *channels)}
        return shapes | ({"bias": (self.filters,)} if self.use_bias else {})


class Convolution(Convolving):
    """Those that are no transposed ones, whose channels may be in groups."""

    groups: int

    def _keep(self, arguments: dict[str, Any]) -> None:
        super()._keep(arguments)
        self.groups = integer(arguments["groups"], "groups", 1)
        if self.filters % self.groups:
            raise ValueError(f"groups={self.groups} must divide filters={self.filters}")

    def parameter_shapes(self, input_shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        """Kernel (*kernel_size, channels / groups, filters) and, where there is one, bias."""
        channels = axes_and_channels(self.name, input_shape, self._axes)[-1]
        if channels % self.groups:
            raise ValueError(
                f"{self.name}: groups={self.groups} must divide the channels, got {channels}"
            )
        return self._shapes(channels // self.groups, self.filters)

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of one sample behind this layer."""
        return (*self._places(input_shape), self.filters)


class Conv1D(Convolution):
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

    kernel_size: int
    strides: int
    dilation_rate: int

    _kind = "conv1d"
    _may_be_causal = True

    @checked_keywords(ignored=ADAPTED, rest=Layer)
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
        self._keep(locals())
        super().__init__(**layer)

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
