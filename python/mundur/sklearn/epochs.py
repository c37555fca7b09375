"""The loop of the solvers that go by batches: native epochs, and what is looked at between them."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning

from .. import _core
from ..callbacks.base import CallbackList
from ..data.dataset import Dataset, Order, prepare
from ..data.stream import ArrayBatches, Stream, StreamTrainer
from ..models.model import Model
from ..training.batchwise import Batchwise
from ..training.passes import SLICE_SECONDS, make_trainer
from .callbacks import Observer
from .network import outputs_of
from .objectives import Objective
from .rules import Rule

__all__ = ["Epochs", "Validation", "train"]

Array = npt.NDArray[Any]

# Of a trainer's sums over an epoch.
_LOSS, _TERMS, _ROWS, _PENALTIES = range(4)


class Epochs:
    """Native epochs over one set, with the penalty divided by what each batch weighs.

    The core divides by a batch's samples; with weights each batch is told its own penalty.
    """

    def __init__(
        self,
        model: Model,
        objective: Objective,
        rule: Rule,
        x: Any,
        y: Array,
        weights: npt.NDArray[np.float64] | None,
        *,
        alpha: float,
        batch_size: int,
        shuffle: bool,
        callbacks: CallbackList,
    ) -> None:
        self._model, self._objective, self._rule = model, objective, rule
        self._alpha = alpha
        self._penalty: tuple[float, bool] | None = None  # what the core was told last
        self._callbacks, self._is_watched = callbacks, callbacks.wants_batches("train")
        self._weights = weights
        self.samples = x.shape[0]
        self._order = Order(self.samples, batch_size, shuffle, 0)
        with model._built_for(x):
            self._trainer = self._trainer_of(x, y)
        self._kernels = [
            place for place, (_, name, *_) in enumerate(model.native.parameters) if name == "kernel"
        ]

    def _trainer_of(self, x: Any, y: Array) -> _core.Trainer | StreamTrainer:
        """The core's; of a sparse matrix it gets one dense batch after another."""
        model, (_, size, shuffle, _) = self._model, self._order

        def make(data: Dataset, batch_size: int, shuffle: bool) -> _core.Trainer:
            return make_trainer(model, data, batch_size, shuffle, True)

        if not hasattr(x, "toarray"):
            return make(prepare(model, x, y, self._weights), size, shuffle)
        batches = ArrayBatches(model, Dataset(x, y, self._weights, "x"), self._order)
        return Stream(model, batches).trainer(make, size, shuffle, Batchwise(model))

    def run(self) -> float:
        """One epoch; returns its mean loss, or NaN where a loss was not finite.

        Then the model is back at the epoch's beginning.
        """
        model, trainer = self._model, self._trainer
        number = model.epochs_begun
        trainer.begin_epoch(number)
        model.epochs_begun = number + 1
        self._rule.look_ahead(trainer.steps_per_epoch)
        try:
            if self._weights is not None or self._is_watched:
                return self._by_batch(number)
            return self._at_once()
        finally:
            self._rule.look_back()

    def _at_once(self) -> float:
        trainer = self._trainer
        self._penalise(1.0, shared=True)
        if not self._steps(trainer.steps_per_epoch):
            return math.nan
        sums = trainer.sums
        return self._loss(sums[_LOSS] / sums[_TERMS], sums[_PENALTIES] / sums[_ROWS])

    def _by_batch(self, number: int) -> float:
        samples, size, _, _ = self._order
        trainer = self._trainer
        rows = self._order.rows(self._model.seed, number)
        total, before = 0.0, [0.0] * 4
        for start in range(0, samples, size):
            batch = rows[start : start + size]
            weighs = len(batch) if self._weights is None else float(self._weights[batch].sum())
            self._penalise(weighs)
            self._tell("on_train_batch_begin", trainer.step, {})
            if not self._steps(trainer.step + 1):
                return math.nan
            sums = trainer.sums
            loss, terms, _, penalties = (sums[i] - before[i] for i in range(4))
            before = sums
            own = self._loss(loss / terms if terms else 0.0, penalties / len(batch))
            total += own * len(batch)
            seen = min(start + size, samples)
            self._tell("on_train_batch_end", trainer.step - 1, {"loss": total / seen})
            if self._model.stop_training:
                return total / seen
        return total / samples

    def _tell(self, hook: str, batch: int, logs: dict[str, float]) -> None:
        """Callbacks of batches, which may set the rate."""
        if self._is_watched:
            self._rule.look_back()
            self._callbacks.call(hook, batch, logs)
            self._rule.look_ahead(1)

    def _loss(self, own: float, penalty: float) -> float:
        return self._objective.reported * own + self._objective.scale * penalty

    def _penalise(self, weighs: float, shared: bool = False) -> None:
        """½ α ‖W‖² over what a batch weighs, in the measure of the core's loss."""
        factor = 0.0
        if weighs > 0:
            factor = 0.5 * self._alpha / (weighs * self._objective.scale)
        if (factor, shared) == self._penalty:  # to say it again would have the core compile again
            return
        self._penalty = factor, shared
        for place in self._kernels:
            self._model.native.set_penalty(place, 0.0, factor, shared)

    def _steps(self, up_to: int) -> bool:
        """On to this step of the epoch; whether all losses were finite."""
        trainer = self._trainer
        while trainer.step < up_to:
            if trainer.run(SLICE_SECONDS, up_to - trainer.step) in ("loss", "input"):
                return False
        return True


class Validation:
    """What is held out: its loss and its score after each epoch."""

    def __init__(
        self,
        model: Model,
        objective: Objective,
        x: Any,
        y: Array,
        weights: npt.NDArray[np.float64] | None,
        score: Callable[[Array, Array, Any], float],
    ) -> None:
        self._model, self._objective, self._score = model, objective, score
        self._x, self._y, self._weights = x, y, weights

    def look(self) -> tuple[float, float]:
        """(loss, score); NaN where outputs are not finite."""
        outputs = outputs_of(self._model, self._x)
        if not np.isfinite(outputs).all():
            return math.nan, math.nan
        loss = self._objective.loss(self._y, outputs, self._weights)
        return self._objective.reported * loss, self._score(self._y, outputs, self._weights)


def train(
    estimator: Any,
    epochs: Epochs,
    rule: Rule,
    validation: Validation | None,
    callbacks: CallbackList,
    *,
    once: bool,
    observer: Observer,
) -> None:
    """Epochs until `max_iter`, or until nothing gets better; what is told stands on `estimator`."""
    e, model = estimator, estimator.model_
    e.n_iter_ = 0
    model.stop_training = False
    callbacks.call("on_train_begin", {})
    logs: dict[str, float] = {}
    try:
        while e.n_iter_ < e.max_iter:
            callbacks.call("on_epoch_begin", e.n_iter_, {})
            observer.begin_epoch()
            e.loss_ = epochs.run()
            e.n_iter_ += 1
            e.t_ += epochs.samples
            e.loss_curve_.append(e.loss_)
            if e.verbose:
                print(f"Iteration {e.n_iter_}, loss = {e.loss_:.8f}")
            logs = {"loss": e.loss_}
            diverged = math.isnan(e.loss_)
            if validation is not None:
                logs |= _validated(e, *((math.nan, math.nan) if diverged else validation.look()))
            _count(e)
            callbacks.call("on_epoch_end", e.n_iter_ - 1, logs)
            asked = observer.end_epoch()
            rule.epoch_over(e.t_)
            stuck = e._no_improvement_count > e.n_iter_no_change
            e.stopped_ = stuck and not _goes_on(e, rule)
            if diverged or e.stopped_:
                break
            if asked or model.stop_training or once:
                break
            if e.n_iter_ == e.max_iter:
                warnings.warn(
                    f"{type(e).__name__}: max_iter={e.max_iter} epochs are over, and the loss was "
                    "still falling",
                    ConvergenceWarning,
                    stacklevel=6,
                )
    except KeyboardInterrupt:
        warnings.warn(
            f"{type(e).__name__} was interrupted in epoch {e.n_iter_ + 1}; it has the weights that "
            "it came to",
            stacklevel=6,
        )
    callbacks.call("on_train_end", logs)


def _goes_on(e: Any, rule: Rule) -> bool:
    if e.verbose:
        what = "validation" if e._stops_by else "training loss"
        print(f"{e.n_iter_no_change} epochs without a better {what} by tol={e.tol:g}")
    if not rule.slow_down():
        return False
    e._no_improvement_count = 0
    return True


def _validated(e: Any, loss: float, score: float) -> dict[str, float]:
    e.validation_loss_curve_.append(loss)
    if e._stops_by == "score":
        e.validation_scores_.append(score)
    if e.verbose:
        print(f"Validation score: {score:.6f}, loss: {loss:.8f}")
    return {"val_loss": loss, "val_score": score}


def _count(e: Any) -> None:
    """Epochs without an improvement by `tol`, and the best so far."""
    if e._stops_by == "score":
        value, best = e.validation_scores_[-1], e.best_validation_score_
        worse, better = value < best + e.tol, value > best
    else:
        curve = e.validation_loss_curve_ if e._stops_by else e.loss_curve_
        value, best = curve[-1], e.best_validation_loss_ if e._stops_by else e.best_loss_
        worse, better = value > best - e.tol, value < best
    e._no_improvement_count = e._no_improvement_count + 1 if worse else 0
    if not better:
        return
    if not e._stops_by:
        e.best_loss_ = value
        return
    if e._stops_by == "score":
        e.best_validation_score_ = value
    else:
        e.best_validation_loss_ = value
    e._best_weights = e.model_.get_weights()
