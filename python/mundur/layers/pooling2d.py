"""Pooling over the rows and columns of images: see `mundur.layers`."""

from __future__ import annotations

from collections.abc import Sequence

from .._support.names import checked_keywords
from .base import KERAS, MaskFlow
from .pooling1d import GlobalPooling, Pooling


class MaxPooling2D(Pooling):
    """The greatest number of each window and channel: y_ijc = max_kl x_(iS - P + k)(jS' - P' + l)c.

    S and S' are the strides, P and P' the padding above and on the left, which no window sees. Of
    equal numbers the first counts, row by row; a NaN is greater than all. Backward, ∂L/∂y goes to
    where the maximum stood; numbers that several windows saw get their sum, in order of the windows
    (Ranzato, Huang, Boureau and LeCun, "Unsupervised learning of invariant feature hierarchies",
    2007).

    Shapes: x (batch, rows, columns, channels), y (batch, rows', columns', channels): of n rows,
    "valid" leaves ⌊(n - pool_size) / S⌋ + 1, "same" ⌈n / S⌉, and so of columns.

    Parameters
    ----------
    pool_size : int or (int, int), default (2, 2)
        Rows and columns that a window sees; one number for both.
    strides : int or (int, int), optional
        Rows and columns from a window to the next; without it, `pool_size`.
    padding : {"valid", "same"}, default "valid"
        Windows that lie within the image only, or enough for all of it to be seen.
    data_format : {"channels_last"}, optional
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it; when built, for samples of another rank, or smaller than a
        window.

    Examples
    --------
    >>> import mundur as md
    >>> model = md.Model([md.layers.MaxPooling2D(2), md.layers.Flatten()], seed=0)
    >>> model.predict([[[[1], [4], [0], [0]], [[9], [2], [0], [3]]]])
    array([[9., 3.]], dtype=float32)
    """

    _kind = "max_pooling2d"
    _averages = False
    _axes = 2

    @checked_keywords(ignored=KERAS)
    def __init__(
        self,
        pool_size: int | Sequence[int] = (2, 2),
        strides: int | Sequence[int] | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        *,
        trainable: bool = True,
        input_shape: Sequence[int] | int | None = None,
    ) -> None:
        super().__init__(
            *(pool_size, strides, padding, data_format, name),
            trainable=trainable,
            input_shape=input_shape,
        )


class AveragePooling2D(Pooling):
    """The mean of each window and channel: y_ijc = (1/n) Σ_kl x_(iS - P + k)(jS' - P' + l)c.

    S and S' are the strides, P and P' the padding above and on the left; n counts the pixels of the
    window that are there. Backward, ∂L/∂y / n goes to each of them (LeCun, Bottou, Bengio and
    Haffner, "Gradient-based learning applied to document recognition", 1998).

    Shapes are those of `MaxPooling2D`.

    Parameters
    ----------
    pool_size : int or (int, int)
        Rows and columns that a window sees; one number for both.
    strides : int or (int, int), optional
        Rows and columns from a window to the next; without it, `pool_size`.
    padding : {"valid", "same"}, default "valid"
        Windows that lie within the image only, or enough for all of it to be seen.
    data_format : {"channels_last"}, optional
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it; when built, for samples of another rank, or smaller than a
        window.

    Examples
    --------
    >>> import mundur as md
    >>> model = md.Model([md.layers.AveragePooling2D(2), md.layers.Flatten()], seed=0)
    >>> model.predict([[[[1], [4], [0], [0]], [[9], [2], [0], [3]]]])
    array([[4.  , 0.75]], dtype=float32)
    """

    _kind = "average_pooling2d"
    _averages = True
    _axes = 2


class GlobalMaxPooling2D(GlobalPooling):
    """The greatest number of each channel: y_c = max_ij x_ijc.

    Of equal numbers the first counts, row by row; a NaN is greater than all. Backward, ∂L/∂y goes
    to where the maximum stood (Oquab, Bottou, Laptev and Sivic, "Is object localization for free?",
    2015). Shapes: x (batch, rows, columns, channels), y (batch, channels).

    Parameters
    ----------
    data_format : {"channels_last"}, optional
    keepdims : bool, default False
        Whether y is (batch, 1, 1, channels).
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it; when built, for samples of another rank.

    Examples
    --------
    >>> import mundur as md
    >>> model = md.Model([md.layers.GlobalMaxPooling2D()], seed=0)
    >>> model.predict([[[[1, 5], [4, 2]], [[3, 6], [0, 0]]]])
    array([[4., 6.]], dtype=float32)
    """

    _kind = "global_max_pooling2d"
    _averages = False
    _axes = 2

    @property
    def mask_flow(self) -> MaskFlow:
        """Padding may be the greatest."""
        return "drops"


class GlobalAveragePooling2D(GlobalPooling):
    """The mean of each channel: y_c = (1/n) Σ_ij x_ijc over all n pixels.

    Backward, ∂L/∂y / n goes to each of them. Shapes: x (batch, rows, columns, channels), y (batch,
    channels) (Lin, Chen and Yan, "Network in network", 2013).

    Parameters
    ----------
    data_format : {"channels_last"}, optional
    keepdims : bool, default False
        Whether y is (batch, 1, 1, channels).
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it; when built, for samples of another rank.

    Examples
    --------
    >>> import mundur as md
    >>> model = md.Model([md.layers.GlobalAveragePooling2D()], seed=0)
    >>> model.predict([[[[1, 5], [4, 2]], [[3, 6], [0, 3]]]])
    array([[2., 4.]], dtype=float32)
    """

    _kind = "global_average_pooling2d"
    _averages = True
    _axes = 2

    @property
    def mask_flow(self) -> MaskFlow:
        """All pixels count."""
        return "drops"
