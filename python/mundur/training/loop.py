"""The loop of `fit`: native code works in slices, Python reports, stops and recovers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from .. import _core
from ..callbacks.base import CallbackList
from ..callbacks.basic import TerminateOnNaN
from ..callbacks.history import History
from ..callbacks.monitors import check_monitors
from ..data.arrays import warn_of_images, warn_of_scales
from ..data.dataset import Data, Dataset
from ..errors import NonFiniteLossError
from . import passes
from .batchwise import Batchwise
from .passes import ALLOW, Logs, complete, evaluated, fail_on, make_trainer, named, room, too_large
from .plan import ALL, Plan, Rows, planned
from .position import Cursor, Place
from .progress import Progress

if TYPE_CHECKING:
    from .learner import LearningModel

__all__ = ["Fit", "fit"]


class Fit:
    """One call of `fit`, its plan made: epochs, slices, reports, and what goes wrong."""

    def __init__(self, model: LearningModel, plan: Plan) -> None:
        self._model = model
        self._plan = plan
        self._callbacks = plan.callbacks
        self._progress = plan.progress
        if plan.validation is not None:  # before an epoch is spent
            plan.validation.check(model, None if plan.allow_nonfinite else ALLOW)
        self._outputs = room(model, plan.train)
        self._batches = Batchwise(model)
        self._trainer = plan.train.trainer(
            self._make, plan.order.batch_size, plan.order.shuffle, self._batches
        )
        if plan.augment:
            self._trainer.set_augment(plan.augment)
        self._at = Cursor(
            model, self._trainer, plan.order, self._outputs, plan.resumed, plan.initial_epoch
        )
        self._logs: Logs = {}
        self.history = History()

    def _make(self, data: Dataset, batch_size: int, shuffle: bool) -> _core.Trainer:
        allow, order = self._plan.allow_nonfinite, self._plan.order
        outputs = self._batches.outputs if self._outputs is None else self._outputs
        trainer = make_trainer(
            self._model, data, batch_size, shuffle, allow, outputs, self._batches
        )
        if shuffle and order.block:
            trainer.set_block(order.block)
        return trainer

    def place(self) -> Place | None:
        """Where the training stands, for a file; None where batches come from an iterable."""
        return self._at.place(self._callbacks.callbacks)

    def run(self) -> History:
        """Trains until an epoch limit, a callback, `stop_loss`, Ctrl-C or another error ends it."""
        model = self._model
        model.stop_training, model._stop_reason = False, "callback"
        model.history, model._loop = self.history, self
        try:
            with model.compiled_optimizer.training(model):
                return self._run()
        finally:
            model._loop, model._place = None, self.place()

    def _run(self) -> History:
        history, resumed = self.history, self._plan.resumed
        CallbackList([history], self._model, self._plan.params)  # tells it both
        self._model._reported_names = tuple(self._names())
        if resumed is not None:
            resumed.restore(self._model)
        check_monitors(self._callbacks, self._model.metrics_names, self._names())
        try:
            reason = self._trained()
        except KeyboardInterrupt as interrupt:
            try:
                self._interrupted()
            except Exception as error:
                raise interrupt from error
            raise
        self._model.compiled_optimizer.finalize_variable_values(self._model)
        self._end(reason)
        return history

    def _trained(self) -> str:
        try:
            self._callbacks.call("on_train_begin", {})
            if self._plan.resumed is not None:
                self._plan.resumed.place.set_counters(self._callbacks.callbacks)
            return self._epochs()
        finally:
            self._progress.close()

    def _interrupted(self) -> None:
        for name in self._names():
            self.history.history.setdefault(name, [])
        self._progress.say(
            f"interrupted in epoch {self._at.epoch + 1}; model.history has the epochs before, and "
            "another fit goes on from here"
        )
        self._end("interrupted")

    def _end(self, reason: str) -> None:
        self.history.stop_reason = reason
        self._callbacks.call("on_train_end", self._logs)

    def _names(self) -> list[str]:
        own = self._model.metrics_names
        return own if self._plan.validation is None else [*own, *(f"val_{name}" for name in own)]

    def _epochs(self) -> str:
        model, plan, at = self._model, self._plan, self._at
        while at.epoch < plan.epochs:
            if not at.begun_before():
                self._callbacks.call("on_epoch_begin", at.epoch, {})
            logs = self._train_epoch()
            epoch = at.epoch
            due = (epoch + 1) % plan.validation_freq == 0
            if plan.validation is not None and due and not at.undone:
                logs |= self._validate(plan.validation)
            self._logs = logs
            self._progress.end_epoch(logs)
            at.end()
            try:
                self._callbacks.call("on_epoch_end", epoch, logs)
            finally:  # trained it is, whatever they raise
                self.history.on_epoch_end(epoch, logs)
            if model.stop_training:
                return model._stop_reason
            if plan.stop_loss is not None and logs["loss"] <= plan.stop_loss:
                return "stop_loss"
            at.next()
        return "epochs"

    def _slice(self, by_batch: bool) -> str:
        """A slice of the epoch, or a batch; small epochs go on into the next ones."""
        _ = self._model.native  # who has layers in common with it may have been used meanwhile
        self._model._suit(self._plan.train.x)
        trainer, steps = self._trainer, self._trainer.steps_per_epoch or 2**31
        look_ahead = self._model.compiled_optimizer.look_ahead
        ahead = self._ahead()
        if not ahead:
            return trainer.run(
                passes.SLICE_SECONDS, look_ahead(1 if by_batch else steps - trainer.step)
            )
        assert isinstance(trainer, _core.Trainer)
        left = steps * (1 + ahead[0]) - trainer.step
        try:
            return trainer.run(passes.SLICE_SECONDS, look_ahead(min(left, 2**62)), *ahead)
        finally:
            self._pass_on(trainer)

    def _ahead(self) -> tuple[int, float] | tuple[()]:
        """How many epochs native code may go on by itself, and above which loss."""
        plan = self._plan
        hooks = ("on_epoch_begin", "on_epoch_end", "on_train_batch_begin", "on_train_batch_end")
        seen = plan.validation is not None or any(map(self._callbacks.hooks, hooks))
        if seen or self._outputs is not None or not isinstance(plan.train, Dataset):
            return ()
        least = -math.inf if plan.stop_loss is None else plan.stop_loss
        return min(plan.epochs - 1 - self._at.epoch, 2**31), least

    def _pass_on(self, trainer: _core.Trainer) -> None:
        """Takes down the epochs that native code has left behind."""
        passed = trainer.passed
        if len(passed) == 0:
            return
        names = named(self._model, list(range(passed.shape[1])))
        logs = {name: passed[:, int(at)].tolist() for name, at in names.items()}
        self.history._extend(self._at.epoch, logs)
        self._progress.pass_epochs(self._at.epoch, trainer.steps_per_epoch, logs)
        self._at.passed(len(passed))

    def _train_epoch(self) -> Logs:
        model, trainer, at = self._model, self._trainer, self._at
        at.begin()
        by_batch = self._callbacks.wants_batches("train")
        if by_batch:
            self._watch(0, trainer.step)
        self._progress.begin_epoch(at.epoch, trainer.steps_per_epoch)
        logs = named(model, trainer.means)
        # A place at the end of an epoch is one too; batches may be without number (0).
        is_over = 0 < trainer.steps_per_epoch <= trainer.step
        status = "finished" if is_over else "more"
        while status == "more":
            if by_batch:
                self._callbacks.call("on_train_batch_begin", trainer.step, {})
            try:
                status = self._slice(by_batch)
            except MemoryError as error:
                if trainer.step == 0:
                    at.never_began()
                raise too_large(self._plan.order.batch_size, error) from None
            except BaseException:  # from a function of the user's, Ctrl-C within it too
                if trainer.restored:
                    at.undo()
                raise
            if status in ("loss", "input"):
                self._fail(status)
                logs = named(model, trainer.means)
                break
            logs = named(model, trainer.means)
            if by_batch:
                self._watch(trainer.step - 1, trainer.step)
                logs = self._batches.completed(logs)
                self._callbacks.call("on_train_batch_end", trainer.step - 1, logs)
            self._progress.update(trainer.step, logs)
            if model.stop_training:
                break
        if not at.undone:
            self._check_parameters()
        return complete(model, logs, self._plan.train, self._outputs, self._batches, at.seen())

    def _watch(self, first: int, last: int) -> None:
        """Takes some steps' samples into the numbers that callbacks see after each batch."""
        train = self._plan.train
        if self._outputs is None or not isinstance(train, Dataset):
            return
        if first == 0:
            self._batches.begin()
        if last > first:
            self._batches.add(train, self._outputs, self._at.places(first, last))

    def _fail(self, status: str) -> None:
        step = self._trainer.step
        self._at.undo()
        self._at.undone = True
        fail_on(status, self._plan.train, self._model)
        self._stop(step)

    def _check_parameters(self) -> None:
        """What the last update made is seen by no loss."""
        views = self._model._parameter_views().items()
        bad = next((name for name, v in views if _core.first_nonfinite(v) is not None), None)
        if bad is None:
            return
        step = self._trainer.step - 1
        self._at.undone = self._trainer.undo()
        if self._at.undone:
            self._at.undo()
        self._stop(step, bad)

    def _stop(self, step: int, parameter: str | None = None) -> None:
        ends = (c for c in self._callbacks.callbacks if isinstance(c, TerminateOnNaN))
        if any(not callback.raise_error for callback in ends):
            self._model.stop_training = True
            self._model._stop_reason = "nonfinite_loss"
            return
        rate, at = self._model.compiled_optimizer.learning_rate, self._at
        raise NonFiniteLossError(step, rate, at.epoch, at.begun_before(), parameter, at.undone)

    def _validate(self, data: Data) -> Logs:
        plan = self._plan
        logs = evaluated(
            self._model,
            data,
            plan.validation_batch_size,
            self._callbacks,
            Progress(),
            plan.allow_nonfinite,
        )
        return {f"val_{name}": value for name, value in logs.items()}


def fit(
    model: LearningModel,
    x: Any,
    *arguments: Any,
    rows: Rows = ALL,
    progress: Progress | None = None,
) -> History:
    """See `Model.fit`; on these rows of x, and shown by that, if given."""
    if model._writes("train_step"):
        raise NotImplementedError(
            f"{type(model).__name__} writes train_step, which Model.fit calls, and nothing else yet"
        )
    told = model.built or model.shape_is_told
    with planned(model, x, *arguments, rows=rows) as plan:
        if progress is not None:
            plan = plan._replace(progress=progress)
        if isinstance(plan.train, Dataset) and model.dense_first:
            warn_of_scales(plan.train.x, x, stacklevel=5)
        if model.convolution_first:
            warn_of_images(plan.features, told, stacklevel=5)
        loop = Fit(model, plan)
    return loop.run()
