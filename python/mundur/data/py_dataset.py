"""A set that is given batch by batch, by their numbers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from .._support.checks import boolean, integer

__all__ = ["PyDataset"]


class PyDataset:
    """Base class of sets that are too large for memory, or made as they are needed.

    A subclass writes `__getitem__`, the batch of a number, and `__len__`, how many there are. It
    goes into `fit`, `evaluate` and `predict` as x. `fit` takes the batches of an epoch in random
    order, unless ``shuffle=False`` says otherwise.

    Parameters
    ----------
    workers : int, default 1
    use_multiprocessing : bool, default False
    max_queue_size : int, default 10
        Keras's; batches are asked for one by one, by the thread that trains.

    Examples
    --------
    >>> import mundur as md, numpy as np
    >>> class Squares(md.utils.PyDataset):
    ...     def __len__(self):
    ...         return 3
    ...     def __getitem__(self, index):
    ...         x = np.linspace(index, index + 1, 8).reshape(-1, 1)
    ...         return x, x**2
    >>> model = md.Model([md.layers.Dense(4, "tanh"), md.layers.Dense(1)], seed=0)
    >>> model.compile("adam", "mse")
    >>> len(model.fit(Squares(), epochs=2, verbose=0).history["loss"])
    2
    """

    def __init__(
        self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10
    ) -> None:
        self.workers = integer(workers, "workers")
        self.use_multiprocessing = boolean(use_multiprocessing, "use_multiprocessing")
        self.max_queue_size = integer(max_queue_size, "max_queue_size")

    def __getitem__(self, index: int) -> Any:
        """The batch of a number: (x, y) or (x, y, sample_weight)."""
        raise NotImplementedError(f"{type(self).__name__}.__getitem__ is not written")

    def __iter__(self) -> Iterator[Any]:
        """All batches, in order."""
        count = self.num_batches
        return (self[i] for i in (itertools.count() if count is None else range(count)))

    @property
    def num_batches(self) -> int | None:
        """How many batches there are; None where they never end."""
        if hasattr(self, "__len__"):
            return len(self)
        raise NotImplementedError(
            f"{type(self).__name__} must have __len__, or the property num_batches"
        )

    def on_epoch_begin(self) -> None:
        """Called before each pass over the batches."""

    def on_epoch_end(self) -> None:
        """Called after each pass."""
