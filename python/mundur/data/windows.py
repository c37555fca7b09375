"""Windows of a time series as batches, without a copy of them all."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .._support.checks import boolean, integer, seed_value
from .._support.names import checked_keywords
from . import arrays
from .py_dataset import PyDataset

__all__ = ["Windows", "timeseries_dataset_from_array"]

Array = npt.NDArray[Any]


class Windows(PyDataset):
    """What `timeseries_dataset_from_array` returns: windows and their targets, batch by batch.

    Examples
    --------
    >>> import mundur as md
    >>> data = md.utils.timeseries_dataset_from_array(range(6), None, 3)
    >>> data[0].tolist()
    [[0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5]]
    """

    def __init__(
        self, data: Array, targets: Array | None, starts: Array, steps: Array, batch_size: int
    ) -> None:
        super().__init__()
        self.data, self.targets = data, targets
        self._starts, self._steps, self._size = starts, steps, batch_size

    def __len__(self) -> int:
        return -(-len(self._starts) // self._size)

    def __getitem__(self, index: int) -> Any:
        """The batch of a number."""
        count = len(self)
        index = integer(index, "index", -count, count - 1) % max(count, 1)
        starts = self._starts[index * self._size : (index + 1) * self._size]
        x = self.data[starts[:, None] + self._steps]
        return x if self.targets is None else (x, self.targets[starts])


@checked_keywords(ignored={"format": "tf"})
def timeseries_dataset_from_array(
    data: Any,
    targets: Any,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
) -> Windows:
    """Windows that slide over a time series, each with the target of its start, as batches.

    Window i has the steps s, s + r, ..., s + (sequence_length - 1) r with s = i·sequence_stride and
    r = sampling_rate, of those from `start_index` on and before `end_index`; its target is
    ``targets[s]``, so that a value d steps behind the window is predicted from ``targets=data[d +
    ...:]``. The result goes into `fit`, `evaluate` and `predict`; only one batch at a time is
    copied.

    Parameters
    ----------
    data : array (time, ...)
    targets : array (time, ...) or None
        None: batches are windows alone.
    sequence_length : int
        Steps of a window.
    sequence_stride : int, default 1
        Steps from a window to the next.
    sampling_rate : int, default 1
        Steps from one of a window's to the next.
    batch_size : int or None, default 128
        None: one batch of all.
    shuffle : bool, default False
        Whether windows come in random order, one for all epochs.
    seed : int, optional
        Of that order.
    start_index, end_index : int, optional
        Which steps of the series are used.

    Returns
    -------
    PyDataset

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it, and where no window fits.

    Examples
    --------
    >>> import mundur as md, numpy as np
    >>> series = np.arange(10.0)
    >>> data = md.utils.timeseries_dataset_from_array(series[:-3], series[3:], 3, batch_size=4)
    >>> x, y = data[0]
    >>> x[0].tolist(), float(y[0])
    ([0.0, 1.0, 2.0], 3.0)
    """
    series = arrays.real_array(list(data) if isinstance(data, range) else data, "data")
    if series.ndim == 0 or len(series) == 0:
        raise ValueError(f"data must have at least one step; got shape {series.shape}")
    steps = len(series)
    length = integer(sequence_length, "sequence_length", 1)
    stride = integer(sequence_stride, "sequence_stride", 1)
    rate = integer(sampling_rate, "sampling_rate", 1)
    first = 0 if start_index is None else integer(start_index, "start_index", 0, steps - 1)
    end = steps if end_index is None else integer(end_index, "end_index", first + 1, steps)
    count = end - first - (length - 1) * rate
    wanted = None
    if targets is not None:
        wanted = arrays.real_array(targets, "targets")
        if wanted.ndim == 0:
            raise ValueError("targets must be an array with one row per step; got a single number")
        wanted = wanted[first:end]
        count = min(count, len(wanted))
    if count < 1:
        raise ValueError(
            f"sequence_length={length} with sampling_rate={rate} needs {(length - 1) * rate + 1} "
            f"steps; data has {end - first} from start_index to end_index"
        )
    starts = np.arange(0, count, stride)
    if boolean(shuffle, "shuffle"):
        np.random.default_rng(seed_value(seed)).shuffle(starts)
    size = len(starts) if batch_size is None else integer(batch_size, "batch_size", 1)
    return Windows(series[first:end], wanted, starts, np.arange(length) * rate, size)
