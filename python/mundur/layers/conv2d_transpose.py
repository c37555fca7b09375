"""Conv2DTranspose: see `mundur.layers`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import _core
from .._support.names import checked_keywords
from .._support.unpack import Unpack
from ..activations import Identifier, native
from .base import KERAS, Layer, LayerArguments
from .conv1d import Convolving
from .windows import UNITS, image_and_channels, pair


class Conv2DTranspose(Convolving):
    """What a `Conv2D` sends back, sent ahead: y_uv = f(Σ_jk x_rt·W_jk + b), as (r, t) sees (u, v).

    Each place (r, t) of the input is seen by windows of the output, S apart: u = rS - P + jD, and
    so v. S are the strides, D the dilations, P the padding above and to the left.

    Shapes: x (batch, rows, columns, channels), W = kernel (*kernel_size, filters, channels), b =
    bias (filters,), y (batch, rows', columns', filters). With n rows and windows of m =
    (kernel_size - 1)·D + 1, "valid" makes n·S + max(m - S, 0) of them, "same" n·S; with an
    output_padding p "valid" makes (n - 1)·S + m + p, "same" (n - 1)·S + (m mod 2) + p. Columns
    likewise. Pixels that no window reaches, where m < S, hold f(b). Backward, with δ = f′(z)·∂L/∂y:
    ∂L/∂x_rt = Σ_jk δ_uv W_jk, ∂L/∂W_jk = Σ δ_uvᵀx_rt, ∂L/∂b = Σδ_uv (Zeiler, Krishnan, Taylor and
    Fergus, "Deconvolutional networks", 2010). Its products stay in the model's dtype.

    Parameters
    ----------
    filters : int
        Channels of the output, at least 1.
    kernel_size : int or pair of int
        Taps of the rows and of the columns; one number stands for both.
    strides : int or pair of int, default (1, 1)
        Rows and columns of the output for one of the input.
    padding : {"valid", "same"}, default "valid"
        Whether all that windows reach is there, or `strides` rows and columns for one of the input.
    output_padding : int or pair of int, optional
        What there is beyond the last window, less than `strides`; see Shapes.
    data_format : {"channels_last"}, optional
    dilation_rate : int or pair of int, default (1, 1)
        Rows and columns from a tap to the next; not together with strides.
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
    >>> layer = md.layers.Conv2DTranspose(
    ...     1, (1, 2), strides=(1, 2), kernel_initializer=[[[[1]], [[10]]]]
    ... )
    >>> md.Model([layer], seed=0).predict([[[[1], [4]]]])[0].ravel()
    array([ 1., 10.,  4., 40.], dtype=float32)
    """

    kernel_size: tuple[int, int]
    strides: tuple[int, int]
    dilation_rate: tuple[int, int]

    _kind = "conv2d_transpose"
    _axes = 2

    @checked_keywords(ignored=KERAS, rest=Layer)
    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = (1, 1),
        padding: str = "valid",
        output_padding: int | Sequence[int] | None = None,
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = (1, 1),
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
        more = None if output_padding is None else pair(output_padding, "output_padding", 0)
        self.output_padding = more
        if more is not None and any(p >= s for p, s in zip(more, self.strides, strict=True)):
            raise ValueError(
                f"output_padding must be less than strides={self.strides}; got {more}. "
                "ZeroPadding2D makes more of them"
            )
        super().__init__(**layer)

    def parameter_shapes(self, input_shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        """Kernel (*kernel_size, filters, channels) and, where there is one, bias."""
        *_, channels = image_and_channels(self.name, input_shape)
        return self._shapes(self.filters, channels)

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of one sample behind this layer."""
        image = image_and_channels(self.name, input_shape)
        made = tuple(self._made(image[i], i) for i in range(2))
        for i, unit in enumerate(UNITS[2]):
            if made[i] < 1:
                raise ValueError(
                    f"{self.name}: output_padding={self.output_padding} leaves no {unit} of "
                    f"samples that have {image[i]}; choose a larger one"
                )
        return (*made, self.filters)

    def _made(self, n: int, i: int) -> int:
        """Of n rows, or columns."""
        strides = self.strides[i]
        extent = (self.kernel_size[i] - 1) * self.dilation_rate[i] + 1
        if self.output_padding is None:
            return n * strides + (max(extent - strides, 0) if self.padding == "valid" else 0)
        last = extent if self.padding == "valid" else extent % 2
        return (n - 1) * strides + last + self.output_padding[i]

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.Conv2DTranspose(
            self.filters,
            self.kernel_size,
            self.strides,
            self.padding,
            self.dilation_rate,
            self.output_padding or (),
            native(self.activation),
            self.use_bias,
        )
