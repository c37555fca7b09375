"""A callback that keeps what animations show."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy.typing as npt

from .._support.checks import integer, number
from ..data import arrays
from .base import Callback, Logs

__all__ = ["Snapshot", "Snapshots"]


class Snapshot(NamedTuple):
    """A model after so many epochs: its weights, as `get_weights` gives them, and the logs."""

    epochs: int
    weights: list[npt.NDArray[Any]]
    logs: Logs


class Snapshots(Callback):
    """Keeps the weights and the losses of some epochs of one `fit`, for `plots.animate`.

    The first is of the model before training, the last of its last epoch. Memory is bounded: where
    an epoch would be one too many, every second snapshot goes, and from then on half as many come.
    So however long training is, there are at most `frames`, evenly apart but for the last. Training
    is the same to the bit with it and without.

    Parameters
    ----------
    x, y : array, optional
        Samples that the animation shows, two features each, and their labels; some hundreds do.
    frames : int, default 60
        Snapshots at most; 3 or more.
    megabytes : float, default 64
        What all weights together may take; where it is too little there are fewer snapshots.

    Attributes
    ----------
    taken : list of Snapshot
        ``epochs, weights, logs`` of each: how many epochs had passed, what `get_weights` gave, and
        the numbers of the epoch.

    Raises
    ------
    TypeError, ValueError
        For bad arguments; in `fit`, where not even three snapshots have room.

    Examples
    --------
    >>> import mundur as md, numpy as np
    >>> x, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    >>> model = md.Model([md.layers.Dense(8, "tanh"), md.layers.Dense(1, "sigmoid")], seed=1)
    >>> model.compile(md.optimizers.Adam(0.1), "binary_crossentropy")
    >>> snapshots = md.callbacks.Snapshots(x, y, frames=5)
    >>> _ = model.fit(x, y, epochs=10, verbose=0, callbacks=[snapshots])
    >>> [snapshot.epochs for snapshot in snapshots.taken]
    [0, 4, 8, 10]
    """

    def __init__(
        self, x: Any = None, y: Any = None, *, frames: int = 60, megabytes: float = 64
    ) -> None:
        self.x = None if x is None else arrays.real_array(x, "x")
        self.y = None if y is None else arrays.real_array(y, "y")
        if self.x is None and self.y is not None:
            raise ValueError("y needs an x to go with; got only y")
        if self.x is not None and (self.x.ndim == 0 or not len(self.x)):
            raise ValueError(f"x must hold samples; got the shape {self.x.shape}")
        if self.x is not None and self.y is not None and self.y.shape[:1] != self.x.shape[:1]:
            raise ValueError(
                f"x and y must have the same number of samples; got shapes {self.x.shape} and "
                f"{self.y.shape}"
            )
        self.frames = integer(frames, "frames", 3)
        self.megabytes = number(megabytes, "megabytes", above=0)
        self.taken: list[Snapshot] = []
        self._every, self._most = 1, self.frames
        self._newest: Snapshot | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forgets what another training left, and takes the model as it is."""
        first = Snapshot(0, self.model.get_weights(), {})
        size = sum(weight.nbytes for weight in first.weights)
        room = int(self.megabytes * 2**20 // max(size, 1))
        if room < 3:
            raise ValueError(
                f"megabytes must hold three snapshots of {size / 2**20:.3g} MB; got "
                f"{self.megabytes:g}"
            )
        self._every, self._most = 1, min(self.frames, room)
        self.taken, self._newest = [first], None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Takes a snapshot, if this epoch's turn has come."""
        if self._newest is None:  # a training may begin at any epoch
            self.taken[0] = self.taken[0]._replace(epochs=epoch)
        passed = epoch + 1 - self.taken[0].epochs
        self._newest = Snapshot(epoch + 1, self.model.get_weights(), dict(logs or {}))
        # One place is kept for the end.
        if passed % self._every == 0 and len(self.taken) >= self._most - 1:
            self.taken = self.taken[::2]
            self._every *= 2
        if passed % self._every == 0:
            self.taken.append(self._newest)

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Takes the last epoch, too."""
        if self._newest is not None and self.taken[-1] is not self._newest:
            self.taken.append(self._newest)
        self._newest = None
