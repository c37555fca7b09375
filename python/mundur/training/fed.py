"""The native passes over a set, for a set that is told batch by batch."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .. import _core
from ..losses.base import is_native
from .loop import make_evaluator, make_trainer

if TYPE_CHECKING:
    from ..data.stream import Source
    from ..models.model import Model

__all__ = ["FedEvaluator", "FedTrainer"]


def _require_native(model: Model, source: Source) -> None:
    loss = model.compiled_loss
    if not is_native(loss):
        raise TypeError(
            f"{type(loss).__name__} is written in Python and looks up a batch's targets in the "
            f"set: {source.whole_set_mend}"
        )


class FedTrainer:
    """The native trainer's face over batches: one native trainer that is fed one after another.

    A batch is fetched right after the one before it was used, so that the last is known as such.
    """

    def __init__(self, model: Model, source: Source, allow_nonfinite: bool) -> None:
        _require_native(model, source)
        self._model = model
        self._source = source
        self._allow_nonfinite = allow_nonfinite
        self._augment: Sequence[_core.Augmentation] = ()
        self._native: _core.Trainer | None = None
        self.step = 0

    @property
    def steps_per_epoch(self) -> int:
        """Batches of an epoch; 0 where nobody knows."""
        return self._source.length

    @property
    def native(self) -> _core.Trainer:
        """The trainer behind, from the first epoch on."""
        assert self._native is not None
        return self._native

    @property
    def restored(self) -> bool:
        """Whether the model went back to where the epoch began."""
        return self.native.restored

    def undo(self) -> bool:
        """Takes the epoch's updates back."""
        return self.native.undo()

    @property
    def loss(self) -> float:
        """The mean loss of the epoch so far."""
        return self.native.loss

    @property
    def metric_values(self) -> list[float]:
        """The metrics of the epoch so far."""
        return self.native.metric_values

    @property
    def batch_loss(self) -> float:
        """The last batch's loss."""
        return self.native.batch_loss

    def set_augment(self, steps: Sequence[_core.Augmentation]) -> None:
        """Native augmentation of every batch."""
        self._augment = steps

    def set_block(self, rows: int) -> None:
        """Nothing: batches come in the order that they come in."""

    def begin_epoch(self, epoch: int) -> None:
        """Fetches the first batch and clears the sums."""
        data = self._source.begin(epoch)
        if self._native is None:
            size = len(data.x)
            self._native = make_trainer(self._model, data, size, False, self._allow_nonfinite, None)
            self._native.set_augment(self._augment)
        self._native.feed(data.x, data.y, data.weights)
        self._native.begin_epoch(epoch)
        self.step = 0

    def run(self, budget: float, max_steps: int) -> str:
        """As the native trainer's."""
        end = time.perf_counter() + budget
        last = self.step + max_steps
        while True:
            status = self.native.run(budget, 1)
            if status in ("loss", "input"):
                return status
            self.step += 1
            data = self._source.advance()
            if data is None:
                return "finished"
            self.native.feed(data.x, data.y, data.weights)
            if self.step == last or time.perf_counter() >= end:
                return "more"


class FedEvaluator:
    """The native evaluator's face over batches."""

    def __init__(self, model: Model, source: Source, allow_nonfinite: bool) -> None:
        _require_native(model, source)
        self._source = source
        data = source.begin()
        self._native = make_evaluator(model, data, len(data.x), allow_nonfinite, None)
        self.step = 0

    @property
    def steps(self) -> int:
        """Batches of the pass; 0 where nobody knows."""
        return self._source.length

    @property
    def loss(self) -> float:
        """The mean loss so far."""
        return self._native.loss

    @property
    def metric_values(self) -> list[float]:
        """The metrics so far."""
        return self._native.metric_values

    def run(self, budget: float) -> str:
        """As the native evaluator's."""
        end = time.perf_counter() + budget
        while True:
            status = self._native.run(budget)
            if status == "more":  # a batch that takes longer than the budget
                continue
            if status != "finished":
                return status
            self.step += 1
            data = self._source.advance()
            if data is None:
                return "finished"
            self._native.feed(data.x, data.y, data.weights)
            if time.perf_counter() >= end:
                return "more"
