"""Pooling over the rows and columns of images: what a window sees is all that differs from steps.

Sources: see `pooling1d`; for maxima over all pixels Oquab, Bottou, Laptev and Sivic, "Is object
localization for free?" (2015).
"""

from collections.abc import Sequence
from random import Random

from ..._support.names import lookup
from ..lists import Shape, Vector
from .pooling1d import GlobalMaxPooling1D, MaxPooling1D, shared_evenly
from .windows import PADDINGS, Windows, Windows2D, pair

SAMPLES = "(rows, columns, channels)"


class MaxPooling2D(MaxPooling1D):
    """The greatest number of each window and channel; of equal ones, the first, row by row.

    Parameters
    ----------
    pool_size : int or (int, int), default (2, 2)
        Rows and columns that a window sees.
    strides : int or (int, int), optional
        Rows and columns from a window to the next; without it, `pool_size`.
    padding : str, default "valid"
        "valid" or "same"; see `windows`.

    Notes
    -----
    x has shape (batch, rows, columns, channels); so has a, of windows.

    Examples
    --------
    >>> layer = MaxPooling2D((2, 1))
    >>> layer.build((2, 2, 1))
    (1, 2, 1)
    >>> layer.forward([[[[1.0], [4.0]], [[9.0], [2.0]]]])
    [[[[9.0], [4.0]]]]
    >>> layer.backward([[[[1.0], [10.0]]]])
    [[[[0.0], [10.0]], [[1.0], [0.0]]]]
    """

    def __init__(
        self,
        pool_size: int | Sequence[int] = (2, 2),
        strides: int | Sequence[int] | None = None,
        padding: str = "valid",
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.size = pair(pool_size, "pool_size")
        self.stride = self.size if strides is None else pair(strides, "strides")
        self.padding = lookup(PADDINGS, padding, "padding")

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Place the windows."""
        self.check_samples(SAMPLES, input_shape, len(input_shape) == 3)
        *image, channels = input_shape
        rows, columns = (
            Windows(image[axis], self.size[axis], self.stride[axis], 1, self.padding)
            for axis in (0, 1)
        )
        self.windows = Windows2D(rows, columns)
        return (rows.count, columns.count, channels)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.size}, strides={self.stride}, padding={self.padding!r})"
        )


class AveragePooling2D(MaxPooling2D):
    """The mean of each window and channel, over the pixels that lie within the image.

    Parameters
    ----------
    pool_size, strides, padding
        As `MaxPooling2D` has them.

    Examples
    --------
    >>> layer = AveragePooling2D(2)
    >>> layer.build((2, 2, 1))
    (1, 1, 1)
    >>> layer.forward([[[[1.0], [4.0]], [[9.0], [2.0]]]])
    [[[[4.0]]]]
    """

    def weights(self, values: Vector, there: list[bool]) -> Vector:
        """Return 1/n for each."""
        return shared_evenly([True] * len(values))


class GlobalMaxPooling2D(GlobalMaxPooling1D):
    """The greatest number of each channel; of equal ones, the first, row by row.

    Parameters
    ----------
    keepdims : bool, default False
        Whether a keeps axes of one row and one column.

    Notes
    -----
    x has shape (batch, rows, columns, channels), a has shape (batch, channels).

    Examples
    --------
    >>> layer = GlobalMaxPooling2D()
    >>> layer.build((1, 2, 2))
    (2,)
    >>> layer.forward([[[[1.0, 5.0], [4.0, 2.0]]]])
    [[4.0, 5.0]]
    """

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Make one window of all pixels."""
        self.check_samples(SAMPLES, input_shape, len(input_shape) == 3)
        rows, columns, channels = input_shape
        all_rows, all_columns = (Windows(n, n, 1, 1, "valid") for n in (rows, columns))
        self.windows = Windows2D(all_rows, all_columns)
        return (1, 1, channels) if self.keepdims else (channels,)


class GlobalAveragePooling2D(GlobalMaxPooling2D):
    """The mean of each channel, over all pixels.

    Source: Lin, Chen and Yan, "Network in network" (2013).

    Parameters
    ----------
    keepdims : bool, default False
        Whether a keeps axes of one row and one column.

    Examples
    --------
    >>> layer = GlobalAveragePooling2D()
    >>> layer.build((1, 2, 1))
    (1,)
    >>> layer.forward([[[[1.0], [2.0]]]]), layer.backward([[4.0]])
    ([[1.5]], [[[[2.0], [2.0]]]])
    """

    def weights(self, values: Vector, there: list[bool]) -> Vector:
        """Return 1/n for each."""
        return shared_evenly([True] * len(values))
