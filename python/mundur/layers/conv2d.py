"""Conv2D: see `mundur.layers`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import _core
from .._support.names import checked_keywords
from .._support.unpack import Unpack
from ..activations import Identifier, native
from .base import ADAPTED, Layer, LayerArguments
from .conv1d import Convolution


class Conv2D(Convolution):
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

    kernel_size: tuple[int, int]
    strides: tuple[int, int]
    dilation_rate: tuple[int, int]

    _kind = "conv2d"
    _axes = 2

    @checked_keywords(ignored=ADAPTED, rest=Layer)
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
        self._keep(locals())
        super().__init__(**layer)

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
