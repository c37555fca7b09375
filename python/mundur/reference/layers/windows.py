"""Windows over a sample's time steps, or rows and columns, as convolution and pooling have them.

With a stride S, a dilation D and P steps of padding in front, tap k of the window that makes step t
of the output lies on step t S − P + k D of the input.
"""

from typing import Any

from ..._support.checks import integer, shown

PADDINGS = {name: name for name in ("valid", "same")}
CAUSAL = PADDINGS | {"causal": "causal"}


class Windows:
    """Where windows lie.

    Parameters
    ----------
    steps : int
        Steps of a sample.
    size, stride, dilation : int
        Taps of a window, steps from one window to the next, steps from one tap to the next.
    padding : str
        "valid": windows that lie within the sample; "same": as much in front as behind, or one
        less, so that with stride 1 there are as many windows as steps; "causal": all in front.

    Examples
    --------
    >>> windows = Windows(4, size=3, stride=1, dilation=1, padding="same")
    >>> [windows.seen(t) for t in range(windows.count)]
    [[(1, 0), (2, 1)], [(0, 0), (1, 1), (2, 2)], [(0, 1), (1, 2), (2, 3)], [(0, 2), (1, 3)]]
    """

    def __init__(self, steps: int, size: int, stride: int, dilation: int, padding: str) -> None:
        self.steps, self.size, self.stride, self.dilation = steps, size, stride, dilation
        extent = (size - 1) * dilation + 1
        if padding == "valid":
            if steps < extent:
                raise ValueError(f"samples must have the {extent} steps of a window; got {steps}")
            self.count, self.before = (steps - extent) // stride + 1, 0
        else:
            self.count = -(-steps // stride)
            missing = max((self.count - 1) * stride + extent - steps, 0)
            self.before = extent - 1 if padding == "causal" else missing // 2

    def seen(self, t: int) -> list[tuple[int, int]]:
        """Return what window t sees: (tap, step), of the taps whose step is there."""
        places = [(k, t * self.stride - self.before + k * self.dilation) for k in range(self.size)]
        return [(k, s) for k, s in places if 0 <= s < self.steps]


class Windows2D:
    """Windows on images: each sees what one of the rows and one of the columns see together.

    Windows and pixels are counted row by row.

    Examples
    --------
    >>> rows, columns = Windows(2, 2, 1, 1, "valid"), Windows(3, 2, 1, 1, "valid")
    >>> windows = Windows2D(rows, columns)
    >>> [[pixel for _, pixel in windows.seen(t)] for t in range(windows.count)]
    [[0, 1, 3, 4], [1, 2, 4, 5]]
    """

    def __init__(self, rows: Windows, columns: Windows) -> None:
        self.rows, self.columns = rows, columns
        self.count = rows.count * columns.count

    def seen(self, t: int) -> list[tuple[int, int]]:
        """Return what window t sees: (tap, pixel), of the taps whose pixel is there."""
        row, column = divmod(t, self.columns.count)
        return [
            (down * self.columns.size + right, i * self.columns.steps + j)
            for down, i in self.rows.seen(row)
            for right, j in self.columns.seen(column)
        ]


def pair(value: Any, name: str, least: int = 1) -> tuple[int, int]:
    """Return two integers, of rows and columns, for which one number may stand.

    Examples
    --------
    >>> pair(3, "pool_size"), pair((2, 1), "pool_size")
    ((3, 3), (2, 1))
    """
    if not isinstance(value, (tuple, list)):
        return (integer(value, name, least),) * 2
    if len(value) != 2:
        raise ValueError(f"{name} must be an integer, or two: (rows, columns); got {shown(value)}")
    return integer(value[0], f"{name}[0]", least), integer(value[1], f"{name}[1]", least)
