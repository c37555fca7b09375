"""Layers that only move the pixels of an image: ZeroPadding2D, Cropping2D, UpSampling2D."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import _core
from .._support.names import checked_keywords, lookup
from .._support.unpack import Unpack
from .base import KERAS, Layer, LayerArguments
from .shape import Margins, Repeating, both_sides
from .windows import channels_last, pair

_INTERPOLATIONS = {name: name for name in ("nearest", "bilinear")}
Sides = tuple[tuple[int, int], tuple[int, int]]


def _all_sides(value: Any, name: str) -> Sides:
    """What is at the top and at the bottom, on the left and on the right."""
    if not isinstance(value, (tuple, list)):
        value = value, value
    if len(value) != 2:
        raise ValueError(
            f"{name} must be an integer, (rows, columns) or ((top, bottom), (left, right)); "
            f"got {value!r}"
        )
    rows, columns = (both_sides(part, name) for part in value)
    return rows, columns


class ZeroPadding2D(Margins):
    """Rows and columns of zeros around an image.

    Shapes: x (batch, rows, columns, channels), y (batch, top + rows + bottom, left + columns +
    right, channels). ∂L/∂x is ∂L/∂y without those.

    Parameters
    ----------
    padding : int, (int, int) or pair of pairs, default (1, 1)
        On all sides; or (rows, columns), each on both sides; or ((top, bottom), (left, right)).
    data_format : {"channels_last"}, optional
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it; when built, for samples of another rank.

    Examples
    --------
    >>> import mundur as md
    >>> model = md.Model([md.layers.ZeroPadding2D(((1, 0), (0, 2)))], seed=0)
    >>> model.predict([[[[7], [8]]]])[0, :, :, 0]
    array([[0., 0., 0., 0.],
           [7., 8., 0., 0.]], dtype=float32)
    """

    _kind = "zero_padding2d"
    _axes = 2

    @checked_keywords(ignored=KERAS, rest=Layer)
    def __init__(
        self,
        padding: int | Sequence[int | Sequence[int]] = (1, 1),
        data_format: str | None = None,
        **layer: Unpack[LayerArguments],
    ) -> None:
        self.padding = _all_sides(padding, "padding")
        self.data_format = channels_last(data_format, 2)
        super().__init__(**layer)


class Cropping2D(Margins):
    """An image without its first and last rows and columns: y_ij = x_(i + top)(j + left).

    Shapes: x (batch, rows, columns, channels), y (batch, rows - top - bottom, columns - left -
    right, channels). ∂L/∂x is ∂L/∂y with zeros around it.

    Parameters
    ----------
    cropping : int, (int, int) or pair of pairs, default ((0, 0), (0, 0))
        What is left out on all sides; or (rows, columns), each on both sides; or ((top, bottom),
        (left, right)).
    data_format : {"channels_last"}, optional
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it; when built, for samples of another rank, or of no more rows
        or columns.

    Examples
    --------
    >>> import mundur as md
    >>> model = md.Model([md.layers.Cropping2D(((0, 0), (1, 0)))], seed=0)
    >>> model.predict([[[[7], [8]], [[5], [6]]]])[0, :, :, 0]
    array([[8.],
           [6.]], dtype=float32)
    """

    _kind = "cropping2d"
    _axes = 2
    _argument = "cropping"
    _sign = -1

    @checked_keywords(ignored=KERAS, rest=Layer)
    def __init__(
        self,
        cropping: int | Sequence[int | Sequence[int]] = ((0, 0), (0, 0)),
        data_format: str | None = None,
        **layer: Unpack[LayerArguments],
    ) -> None:
        self.cropping = _all_sides(cropping, "cropping")
        self.data_format = channels_last(data_format, 2)
        super().__init__(**layer)


class UpSampling2D(Repeating):
    """Each row and each column of an image comes several times: y_(i s + k)(j s' + l) = x_ij.

    Shapes: x (batch, rows, columns, channels), y (batch, rows·s, columns·s', channels). ∂L/∂x_ij =
    Σ_l Σ_k ∂L/∂y_(i s + k)(j s' + l), in order of k, then of l. With interpolation="bilinear" y is
    what `Resizing` to that size makes of x.

    Parameters
    ----------
    size : int or (int, int), default (2, 2)
        s and s', 1 or more; one number for both.
    data_format : {"channels_last"}, optional
    interpolation : {"nearest", "bilinear"}, default "nearest"
        "bilinear": what the four pixels around make of it, each by its nearness. Keras's others
        are not there.
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it; when built, for samples of another rank.

    Examples
    --------
    >>> import mundur as md
    >>> model = md.Model([md.layers.UpSampling2D((1, 2))], seed=0)
    >>> model.predict([[[[7], [8]], [[5], [6]]]])[0, :, :, 0]
    array([[7., 7., 8., 8.],
           [5., 5., 6., 6.]], dtype=float32)
    """

    _kind = "up_sampling2d"
    _axes = 2

    @checked_keywords(ignored=KERAS, rest=Layer)
    def __init__(
        self,
        size: int | Sequence[int] = (2, 2),
        data_format: str | None = None,
        interpolation: str = "nearest",
        **layer: Unpack[LayerArguments],
    ) -> None:
        self.size = pair(size, "size")
        self.data_format = channels_last(data_format, 2)
        self.interpolation = lookup(_INTERPOLATIONS, interpolation, "interpolation")
        super().__init__(**layer)

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        if self.interpolation == "nearest":
            return super().describe()
        return _core.Resizing(self._sizes(), "stretch", False, 0.0, True)
