"""Conv1DTranspose: see `mundur.layers`."""

from __future__ import annotations

from typing import Any

from .. import _core
from .._support.checks import shown
from .._support.names import checked_keywords
from .._support.unpack import Unpack
from ..activations import Identifier, native
from .base import KERAS, Layer, LayerArguments
from .conv1d import Convolving
from .windows import steps_and_channels


class Conv1DTranspose(Convolving):
    """What a `Conv1D` sends back, sent ahead: y_s = f(Σ_k x_t·W_k + b), s = tS - P + kD.

    Each step t of the input is seen by windows of the output, S apart: a decoder's way from few
    steps to many. S is the stride, D the dilation, P the steps of padding in front.

    Shapes: x (batch, steps, channels), W = kernel (kernel_size, filters, channels), b = bias
    (filters,), y (batch, steps', filters). With n steps and windows of m = (kernel_size - 1)·D + 1
    steps, "valid" makes n·S + max(m - S, 0) of them, "same" n·S; where m < S, steps that no window
    reaches hold f(b). Backward, with δ = f′(z)·∂L/∂y: ∂L/∂x_t = Σ_k δ_s W_k, ∂L/∂W_k = Σ δ_sᵀx_t,
    ∂L/∂b = Σδ_s (Zeiler, Krishnan, Taylor and Fergus, "Deconvolutional networks", 2010).

    A mask of time steps ends here, with a warning. Its products stay in the model's dtype.

    Parameters
    ----------
    filters : int
        Channels of the output, at least 1.
    kernel_size : int
        Taps.
    strides : int, default 1
        Steps of the output for one of the input.
    padding : {"valid", "same"}, default "valid"
        Whether all that windows reach is there, or `strides` steps for each of the input.
    output_padding : None
        Keras's; no other value is supported.
    data_format : {"channels_last"}, optional
    dilation_rate : int, default 1
        Steps from a tap to the next; not together with strides.
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
        For a bad argument, naming it; when built, for samples of another rank.

    Examples
    --------
    >>> import mundur as md
    >>> layer = md.layers.Conv1DTranspose(1, 2, strides=2, kernel_initializer=[[[1]], [[10]]])
    >>> md.Model([layer], seed=0).predict([[[1], [4]]])[0].ravel()
    array([ 1., 10.,  4., 40.], dtype=float32)
    """

    kernel_size: int
    strides: int
    dilation_rate: int

    _kind = "conv1d_transpose"

    @checked_keywords(ignored=KERAS, rest=Layer)
    def __init__(
        self,
        filters: int,
        kernel_size: int,
        strides: int = 1,
        padding: str = "valid",
        output_padding: None = None,
        data_format: str | None = None,
        dilation_rate: int = 1,
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
        if output_padding is not None:
            raise ValueError(
                "output_padding must be None: padding says how many steps there are; got "
                f"{shown(output_padding)}. Cropping1D or ZeroPadding1D makes others of them"
            )
        self.output_padding = None
        super().__init__(**layer)

    def parameter_shapes(self, input_shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        """Kernel (kernel_size, filters, channels) and, where there is one, bias."""
        _, channels = steps_and_channels(self.name, input_shape)
        return self._shapes(self.filters, channels)

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of one sample behind this layer."""
        steps, _ = steps_and_channels(self.name, input_shape)
        extent = (self.kernel_size - 1) * self.dilation_rate + 1
        more = max(extent - self.strides, 0) if self.padding == "valid" else 0
        return (steps * self.strides + more, self.filters)

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.Conv1DTranspose(
            self.filters,
            self.kernel_size,
            self.strides,
            self.padding,
            self.dilation_rate,
            native(self.activation),
            self.use_bias,
        )
