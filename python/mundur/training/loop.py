"""The loops behind `Model`: native code works in slices, Python reports, stops and recovers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy.typing as npt

from .. import _core
from ..callbacks.base import CallbackList
from ..callbacks.basic import TerminateOnNaN
from ..callbacks.history import History
from ..callbacks.monitors import ModelCheckpoint, Monitor
from ..data import arrays
from ..data.dataset import Dataset
from ..errors import NonFiniteLossError
from ..losses.base import is_native
from ..losses.in_python import native_loss
from ..metrics import accuracy as selection
from .position import Resumable, Resumed
from .progress import Progress

if TYPE_CHECKING:
    from ..data.stream import Source
    from ..models.model import Model
    from .fed import FedEvaluator, FedTrainer

Array = npt.NDArray[Any]
Logs = dict[str, float]

# Native code returns this often for progress and Ctrl-C.
SLICE_SECONDS = 0.1
_ALLOW = "allow_nonfinite=True"


class FitOptions(NamedTuple):
    """The arguments of `fit` that its loop needs, checked."""

    batch_size: int
    validation_batch_size: int
    epochs: int
    initial_epoch: int
    shuffle: bool
    validation_freq: int
    stop_loss: float | None
    allow_nonfinite: bool
    block: int = 0  # rows that shuffles keep together
    augment: tuple[_core.Augmentation, ...] = ()


def too_large(batch_size: int, error: MemoryError) -> MemoryError:
    """The core's error about a batch's workspace, with the argument that decides its size."""
    return MemoryError(f"batch_size={batch_size}: {error}")


def make_trainer(
    model: Model,
    data: Dataset,
    batch_size: int,
    shuffle: bool,
    allow_nonfinite: bool,
    outputs: Array | None = None,
) -> _core.Trainer:
    """The native trainer of a model over checked data; each sample's outputs go into `outputs`."""
    network = model.native
    forms = selection.forms(model.metrics, data.y.shape, (len(data.x), *network.output_shape))
    loss, y = native_loss(model.compiled_loss, data, forms, network.output_shape)
    return _core.Trainer(
        network,
        model.compiled_optimizer.serve(model),
        loss,
        data.x,
        y,
        data.weights,
        batch_size,
        shuffle,
        model.seed,
        forms,
        not allow_nonfinite,
        outputs,
    )


def make_evaluator(
    model: Model, data: Dataset, batch_size: int, allow_nonfinite: bool, outputs: Array | None
) -> _core.Evaluator:
    """The native evaluation of checked data; each sample's outputs go into `outputs`."""
    network = model.native
    forms = selection.forms(model.metrics, data.y.shape, (len(data.x), *network.output_shape))
    loss, y = native_loss(model.compiled_loss, data, forms, network.output_shape)
    return _core.Evaluator(
        network,
        loss,
        data.x,
        y,
        data.weights,
        batch_size,
        forms,
        not allow_nonfinite,
        outputs,
    )


def room(model: Model, data: Dataset | Source) -> Array | None:
    """Where the outputs for a set go, if a metric asks for them."""
    if model.masks_output:
        _refuse_what_knows_no_mask(model)
    if not isinstance(data, Dataset):
        whole = [metric.name for metric in model.metrics if not metric.form]
        if whole:
            raise TypeError(
                f"metrics {', '.join(whole)} are taken over a whole set: {data.whole_set_mend}"
            )
        return None
    shape = (len(data.x), *model.native.output_shape)
    return selection.room(model.metrics, shape, model.dtype)


def _refuse_what_knows_no_mask(model: Model) -> None:
    others = [metric.name for metric in model.metrics if not metric.in_core]
    if not is_native(model.compiled_loss):
        others.append(f"the loss {type(model.compiled_loss).__name__}")
    if others:
        raise ValueError(
            f"{', '.join(others)} would count steps that a mask leaves out of the model's outputs; "
            "accuracies and the package's losses know it. Else build the model without Masking, or "
            "the Embedding without mask_zero=True"
        )


def named(model: Model, loss: float, values: list[float], prefix: str = "") -> Logs:
    """{"loss": ..., the core's metrics ...}, as logs and History call them."""
    names = [metric.name for metric in model.metrics if metric.in_core]
    return {prefix + n: v for n, v in zip(["loss", *names], [loss, *values], strict=True)}


def complete(
    model: Model, logs: Logs, data: Dataset | Source, outputs: Array | None, seen: Any = None
) -> Logs:
    """The logs with those metrics that need the whole set, in the order of `compile`."""
    if outputs is None:
        return logs
    assert isinstance(data, Dataset)  # see room()
    loss = model.compiled_loss
    logs = logs | selection.over_set(model.metrics, data.y, outputs, data.weights, loss, seen)
    return {name: logs[name] for name in model.metrics_names}


def fail_on(status: str, x: Array, name: str, model: Model) -> None:
    """Raises the error that a native loop's "input" stands for."""
    if status == "input":
        arrays.check_values(x, model.vocabulary, name, _ALLOW)
        error = arrays.overflow_error(x, model.dtype, name)
        raise error or ValueError(f"{name} must be finite; {_ALLOW} allows it")


def train_step(model: Model, data: Dataset, allow_nonfinite: bool) -> Logs:
    """One update on one batch; the loss and metrics are those before it."""
    outputs = room(model, data)
    with model.compiled_optimizer.training(model):
        trainer = make_trainer(model, data, len(data.x), False, allow_nonfinite, outputs)
        trainer.begin_epoch(0)
        status = trainer.run(SLICE_SECONDS, model.compiled_optimizer.look_ahead(1))
    fail_on(status, data.x, data.name, model)
    if status == "loss":
        raise NonFiniteLossError(0, model.compiled_optimizer.learning_rate)
    logs = named(model, trainer.loss, trainer.metric_values)
    return complete(model, logs, data, outputs)


def evaluate(
    model: Model,
    data: Dataset | Source,
    batch_size: int,
    callbacks: CallbackList,
    progress: Progress,
    allow_nonfinite: bool,
) -> Logs:
    """Loss and metrics over checked data, or over batches."""
    outputs = room(model, data)
    evaluator: _core.Evaluator | FedEvaluator
    if isinstance(data, Dataset):
        evaluator = make_evaluator(model, data, batch_size, allow_nonfinite, outputs)
    else:
        evaluator = data.evaluator(allow_nonfinite)
    callbacks.call("on_test_begin", {})
    progress.begin_epoch(0, evaluator.steps)
    by_batch = callbacks.wants_batches("test")
    status = "more"
    while status == "more":
        if by_batch:
            callbacks.call("on_test_batch_begin", evaluator.step, {})
        try:
            status = evaluator.run(0.0 if by_batch else SLICE_SECONDS)
        except MemoryError as error:
            raise too_large(batch_size, error) from None
        fail_on(status, data.x, data.name, model)
        logs = named(model, evaluator.loss, evaluator.metric_values)
        if by_batch:
            callbacks.call("on_test_batch_end", evaluator.step - 1, logs)
        progress.update(evaluator.step, logs)
    logs = complete(model, logs, data, outputs)
    progress.end_epoch(logs)
    callbacks.call("on_test_end", logs)
    return logs


class FitLoop(Resumable):
    """One call of `fit` over checked data."""

    def __init__(
        self,
        model: Model,
        train: Dataset | Source,
        validation: Dataset | Source | None,
        options: FitOptions,
        callbacks: CallbackList,
        progress: Progress,
        resumed: Resumed | None = None,
    ) -> None:
        self._model = model
        self._resumed = resumed
        self._train = train
        self._validation = validation
        self._options = options
        self._callbacks = callbacks
        self._progress = progress
        if isinstance(validation, Dataset) and (model.vocabulary or not options.allow_nonfinite):
            # Before an epoch is spent.
            arrays.check_values(validation.x, model.vocabulary, validation.name, _ALLOW)
        self._trainer: _core.Trainer | FedTrainer
        self._outputs = room(model, train)
        if isinstance(train, Dataset):
            self._trainer = make_trainer(
                model,
                train,
                options.batch_size,
                options.shuffle,
                options.allow_nonfinite,
                self._outputs,
            )
        else:
            self._trainer = train.trainer(options.allow_nonfinite)
        if options.block:
            self._trainer.set_block(options.block)
        if options.augment:
            self._trainer.set_augment(options.augment)
        self._logs: Logs = {}
        self._epoch = options.initial_epoch
        self._order = 0  # of the epoch's shuffle
        # Whether an epoch has begun that callbacks have not seen the end of, and which is next.
        self._within, self._next = False, options.initial_epoch
        self._undone = False  # whether the epoch's updates were taken back
        self.history = History()

    def run(self, params: dict[str, Any]) -> History:
        """Trains until an epoch limit, a callback, `stop_loss` or Ctrl-C ends it."""
        history = self.history
        history.set_params(params)
        history.set_model(self._model)
        self._model._reported_names = tuple(self._names())
        if self._resumed is not None:
            self._resumed.restore(self._model)
        self._check_monitors()
        try:
            self._callbacks.call("on_train_begin", {})
            if self._resumed is not None:
                self._resumed.place.set_counters(self._callbacks.callbacks)
            reason = self._epochs()
        except KeyboardInterrupt:
            reason = "interrupted"
            for name in self._names():
                history.history.setdefault(name, [])
        else:
            self._model.compiled_optimizer.finalize_variable_values(self._model)
        finally:
            self._progress.close()
        if reason == "interrupted":
            self._progress.say(f"interrupted in epoch {self._epoch + 1}; call fit again to go on")
        history.stop_reason = reason
        self._callbacks.call("on_train_end", self._logs)
        return history

    def _names(self) -> list[str]:
        own = self._model.metrics_names
        return own if self._validation is None else [*own, *(f"val_{name}" for name in own)]

    def _check_monitors(self) -> None:
        own, names = self._model.metrics_names, self._names()
        watching = [c for c in self._callbacks.callbacks if isinstance(c, Monitor)]
        # Another callback may add to the logs, though hardly the numbers that are training's own.
        hooks = self._callbacks.hooks("on_epoch_end")
        closed = all(isinstance(getattr(hook, "__self__", None), Monitor) for hook in hooks)
        for callback in watching:
            if isinstance(callback, ModelCheckpoint) and not callback.save_best_only:
                continue
            if closed or callback.monitor.removeprefix("val_") in own:
                callback.check_monitor(names)

    def _epochs(self) -> str:
        model, options = self._model, self._options
        while self._epoch < options.epochs:
            if not self._begun_before(self._epoch):
                self._callbacks.call("on_epoch_begin", self._epoch, {})
            logs = self._train_epoch(self._epoch)
            epoch, undone = self._epoch, self._undone
            if (
                self._validation is not None
                and not undone
                and (epoch + 1) % options.validation_freq == 0
            ):
                logs |= self._validate(self._validation)
            self._logs = logs
            self._progress.end_epoch(logs)
            self._within, self._next = False, epoch + (not undone)
            self._callbacks.call("on_epoch_end", epoch, logs)
            self.history.on_epoch_end(epoch, logs)
            if model.stop_training:
                return model._stop_reason
            if options.stop_loss is not None and logs["loss"] <= options.stop_loss:
                return "stop_loss"
            self._epoch += 1
        return "epochs"

    def _run(self, by_batch: bool) -> str:
        """A slice of the epoch, or a batch; small epochs go on into the next ones."""
        trainer, steps = self._trainer, self._trainer.steps_per_epoch or 2**31
        look_ahead = self._model.compiled_optimizer.look_ahead
        ahead = self._ahead()
        if not ahead:
            return trainer.run(SLICE_SECONDS, look_ahead(1 if by_batch else steps - trainer.step))
        assert isinstance(trainer, _core.Trainer)
        left = steps * (1 + ahead[0]) - trainer.step
        try:
            return trainer.run(SLICE_SECONDS, look_ahead(min(left, 2**62)), *ahead)
        finally:
            self._pass_on(trainer)

    def _ahead(self) -> tuple[int, float] | tuple[()]:
        """How many epochs native code may go on by itself, and above which loss."""
        options = self._options
        hooks = ("on_epoch_begin", "on_epoch_end", "on_train_batch_begin", "on_train_batch_end")
        seen = self._validation is not None or any(map(self._callbacks.hooks, hooks))
        if seen or self._outputs is not None or not isinstance(self._train, Dataset):
            return ()
        least = -math.inf if options.stop_loss is None else options.stop_loss
        return min(options.epochs - 1 - self._epoch, 2**31), least

    def _pass_on(self, trainer: _core.Trainer) -> None:
        """Takes down the epochs that native code has left behind."""
        passed = trainer.passed
        if len(passed) == 0:
            return
        names = named(self._model, 0.0, trainer.metric_values)
        logs = dict(zip(names, passed.T.tolist(), strict=True))
        self.history._extend(self._epoch, logs)
        self._progress.pass_epochs(self._epoch, trainer.steps_per_epoch, logs)
        self._epoch += len(passed)
        self._model.epochs_begun += len(passed)
        self._order = self._model.epochs_begun - 1

    def _train_epoch(self, epoch: int) -> Logs:
        model, trainer = self._model, self._trainer
        if self._begun_before(epoch):
            self._go_on()
        else:
            self._order = model.epochs_begun
            trainer.begin_epoch(self._order)
            model.epochs_begun += 1
        self._within, self._undone = True, False
        self._progress.begin_epoch(epoch, trainer.steps_per_epoch)
        by_batch = self._callbacks.wants_batches("train")
        logs = named(model, trainer.loss, trainer.metric_values)
        # A place at the end of an epoch is one too; batches may be without number (0).
        is_over = 0 < trainer.steps_per_epoch <= trainer.step
        status = "finished" if is_over else "more"
        while status == "more":
            if by_batch:
                self._callbacks.call("on_train_batch_begin", trainer.step, {})
            try:
                status = self._run(by_batch)
            except MemoryError as error:
                if trainer.step == 0:  # nothing has happened yet
                    model.epochs_begun -= 1
                    self._within = False
                raise too_large(self._options.batch_size, error) from None
            except BaseException:  # from a function of the user's, Ctrl-C within it too
                if trainer.restored:
                    self._undo(self._epoch)
                raise
            if status in ("loss", "input"):
                self._fail(status, self._epoch)
                logs = named(model, trainer.loss, trainer.metric_values)
                break
            logs = named(model, trainer.loss, trainer.metric_values)
            if by_batch:
                self._callbacks.call("on_train_batch_end", trainer.step - 1, logs)
            self._progress.update(trainer.step, logs)
            if model.stop_training:
                break
        if not self._undone:
            self._check_parameters(self._epoch)
        return complete(model, logs, self._train, self._outputs, self._seen())

    def _fail(self, status: str, epoch: int) -> None:
        step = self._trainer.step
        self._undo(epoch)
        self._undone = True
        fail_on(status, self._train.x, self._train.name, self._model)
        self._stop(step, epoch)

    def _check_parameters(self, epoch: int) -> None:
        """What the last update made is seen by no loss."""
        views = self._model._parameter_views().items()
        bad = next((name for name, v in views if _core.first_nonfinite(v) is not None), None)
        if bad is None:
            return
        step = self._trainer.step - 1
        self._undone = self._trainer.undo()
        if self._undone:
            self._undo(epoch)
        self._stop(step, epoch, bad)

    def _stop(self, step: int, epoch: int, parameter: str | None = None) -> None:
        if any(isinstance(c, TerminateOnNaN) for c in self._callbacks.callbacks):
            self._model.stop_training = True
            self._model._stop_reason = "nonfinite_loss"
            return
        rate = self._model.compiled_optimizer.learning_rate
        resumed = self._begun_before(epoch)
        raise NonFiniteLossError(step, rate, epoch, resumed, parameter, self._undone)

    def _validate(self, data: Dataset | Source) -> Logs:
        options = self._options
        logs = evaluate(
            self._model,
            data,
            options.validation_batch_size,
            self._callbacks,
            Progress(),
            options.allow_nonfinite,
        )
        return {f"val_{name}": value for name, value in logs.items()}
