"""Callbacks that watch a number of the logs: stop, keep the best, learn more slowly, prune."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from .._support.checks import (
    WrongType,
    boolean,
    check_ending,
    choice,
    integer,
    items,
    number,
    shown,
    verbosity,
)
from .._support.names import checked_keywords, suggestion
from .base import BuiltIn, CallbackList, Logs


def _monitor(value: Any, name: str) -> str:
    if not isinstance(value, str) or not value:
        raise WrongType(f"{name} must be the name of a number in the logs; got {shown(value)}")
    return str(value)


def _best(value: Any, name: str) -> float | None:
    """None or a number, which other callbacks may have put into the logs as NaN or infinity."""
    known = value is None or (isinstance(value, (float, np.floating)) and not np.isfinite(value))
    return number(value, name) if not known else None if value is None else float(value)


def _arrays(value: Any, name: str) -> list[npt.NDArray[Any]] | None:
    if value is None:
        return None
    arrays = [np.asarray(array) for array in items(value, name)]
    for array in arrays:
        if array.dtype.kind not in "biuf":
            raise WrongType(f"{name} must be a list of real arrays or None; got {array.dtype}")
    kept = (np.float32, np.float64)
    return [a if a.dtype in kept else a.astype(np.float64) for a in arrays]


# What files keep of a callback at work, under these names in all of them, and its check.
KEPT: dict[str, Callable[[Any, str], Any]] = {
    "monitor": _monitor,
    "best": _best,
    "best_weights": _arrays,
    **dict.fromkeys(("wait", "stopped_epoch", "best_epoch", "cooldown_counter"), integer),
    **dict.fromkeys(("_batches", "_epoch"), integer),
}


class Monitor(BuiltIn):
    """A callback that watches one number of the logs, and knows whether larger is better."""

    monitor: str
    mode: str
    # What a resumed run must find again.
    _counters: ClassVar[tuple[str, ...]] = ()

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, KEPT[name](value, name) if name in KEPT else value)

    def _watch(self, monitor: Any, mode: Any) -> None:
        self.monitor, self.mode = monitor, choice(mode, "mode", "auto", "min", "max")

    def check_monitor(self, names: Sequence[str]) -> None:
        """Raises a ValueError where training will not report the monitored number."""
        if self.monitor in names:
            return
        hint = suggestion(self.monitor, names)
        if self.monitor.startswith("val_") and not any(n.startswith("val_") for n in names):
            hint = "; pass validation_data= or validation_split= to fit, or monitor='loss'"
        raise ValueError(
            f"{type(self).__name__} monitors {self.monitor!r}, which training does not "
            f"report{hint} (known: {', '.join(names)})"
        )

    def _check_direction(self) -> None:
        if self.mode == "auto" and self._direction() is None and "loss" not in self.monitor:
            raise ValueError(
                f"{type(self).__name__} cannot tell whether a larger {self.monitor!r} is better; "
                "pass mode='max' or mode='min'"
            )

    def _direction(self) -> bool | None:
        """Whether a larger value of the monitored metric is better, as the metric says."""
        own = self.monitor.removeprefix("val_")
        return next((m.larger_is_better for m in self.model.metrics if m.name == own), None)

    def _larger_is_better(self) -> bool:
        return bool(self._direction()) if self.mode == "auto" else self.mode == "max"

    def _better(self, value: float, reference: float | None, by: float = 0.0) -> bool:
        if reference is None:
            return not math.isnan(value)
        if self._larger_is_better():
            return value - by > reference
        return value + by < reference

    def _monitored(self, logs: Logs | None) -> float | None:
        """The number, None in epochs without; an error where nothing will ever report it."""
        value = (logs or {}).get(self.monitor)
        if value is None and self.monitor.removeprefix("val_") not in self.model.metrics_names:
            self.check_monitor(list(logs or {}))
        return value


def check_monitors(callbacks: CallbackList, own: Sequence[str], names: Sequence[str]) -> None:
    """Raises where a callback watches what training will not report; `own` are its own numbers."""
    # Another callback may add to the logs, though hardly the numbers that are training's own.
    hooks = callbacks.hooks("on_epoch_end")
    closed = all(isinstance(getattr(hook, "__self__", None), Monitor) for hook in hooks)
    for callback in callbacks.callbacks:
        if not isinstance(callback, Monitor):
            continue
        if isinstance(callback, ModelCheckpoint) and not callback.save_best_only:
            continue
        if closed or callback.monitor.removeprefix("val_") in own:
            callback.check_monitor(names)


class EarlyStopping(Monitor):
    """Ends training when a monitored number has stopped improving.

    Parameters
    ----------
    monitor : str, default "val_loss"
        "loss", the name of a metric, or "val_" and one of them.
    min_delta : float, default 0
        An improvement by less than this is none.
    patience : int, default 0
        Epochs without improvement after which training ends.
    verbose : {0, 1}, default 0
        1 prints what it does.
    mode : {"auto", "min", "max"}, default "auto"
        Whether smaller or larger is better; "auto": larger for accuracies, smaller for losses.
    baseline : float, optional
        Improvements count only once they beat it.
    restore_best_weights : bool, default False
        Whether the model ends with the weights of its best epoch instead of its last; not after
        Ctrl-C, which leaves it where another `fit` goes on.
    start_from_epoch : int, default 0
        Epochs to wait before watching.

    Raises
    ------
    ValueError
        For a bad argument; in `fit`, for a monitor that training does not report.

    Examples
    --------
    >>> import mundur as md
    >>> md.callbacks.EarlyStopping("val_accuracy", patience=3)
    EarlyStopping(monitor='val_accuracy', patience=3)
    """

    _counters = ("wait", "stopped_epoch", "best", "best_epoch", "best_weights")

    @checked_keywords()
    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        self._watch(monitor, mode)
        self.min_delta = abs(number(min_delta, "min_delta"))
        self.patience = integer(patience, "patience")
        self.verbose = verbosity(verbose)
        self.baseline = None if baseline is None else number(baseline, "baseline")
        self.restore_best_weights = boolean(restore_best_weights, "restore_best_weights")
        self.start_from_epoch = integer(start_from_epoch, "start_from_epoch")
        self._forget()

    def _forget(self) -> None:
        self.wait = 0
        self.stopped_epoch = 0
        self.best: float | None = None
        self.best_epoch = 0
        self.best_weights: Sequence[npt.NDArray[Any]] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forgets an earlier training."""
        self._forget()
        self._check_direction()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Compares the monitored number with the best so far."""
        value = self._monitored(logs)
        if value is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self._keep(epoch)
        self.wait += 1
        if self._better(value, self.best, self.min_delta):
            self.best = value
            self._keep(epoch)
            if self.baseline is None or self._better(value, self.baseline, self.min_delta):
                self.wait = 0
            return
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True
            self.model._stop_reason = "patience"

    def _keep(self, epoch: int) -> None:
        self.best_epoch = epoch
        if self.restore_best_weights:
            self.best_weights = [np.copy(w) for w in self.model.get_weights()]

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Restores the best weights where that was asked for."""
        if self.stopped_epoch > 0 and self.verbose:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")
        history = getattr(self.model, "history", None)
        if history is not None and history.stop_reason == "interrupted":
            return
        if self.best_weights is not None:
            if self.verbose:
                print(f"Restoring the weights of the best epoch: {self.best_epoch + 1}")
            self.model.set_weights(self.best_weights)


class ReduceLROnPlateau(Monitor):
    """Multiplies the learning rate by a factor when a monitored number has stopped improving.

    Each time it has not improved for `patience` epochs, η ← max(factor · η, min_lr). The logs get
    "learning_rate", as Keras's.

    Parameters
    ----------
    monitor : str, default "val_loss"
        "loss", the name of a metric, or "val_" and one of them.
    factor : float, default 0.1
        In [0, 1).
    patience : int, default 10
        Epochs without improvement before the rate falls.
    verbose : {0, 1}, default 0
        1 prints what it does.
    mode : {"auto", "min", "max"}, default "auto"
        Whether smaller or larger is better; "auto": what the metric says, smaller for losses.
    min_delta : float, default 1e-4
        An improvement by this or less is none.
    cooldown : int, default 0
        Epochs after a fall that do not count as waiting.
    min_lr : float, default 0.0
        The rate never falls below.

    Raises
    ------
    ValueError
        For a bad argument; in `fit`, for a monitor that training does not report.

    Examples
    --------
    >>> import mundur as md
    >>> md.callbacks.ReduceLROnPlateau(factor=0.5, patience=3)
    ReduceLROnPlateau(factor=0.5, patience=3)
    """

    _counters = ("wait", "best", "cooldown_counter")

    @checked_keywords()
    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        self._watch(monitor, mode)
        self.factor = number(factor, "factor", at_least=0, below=1)
        self.patience = integer(patience, "patience")
        self.verbose = verbosity(verbose)
        self.min_delta = number(min_delta, "min_delta", at_least=0)
        self.cooldown = integer(cooldown, "cooldown")
        self.min_lr = number(min_lr, "min_lr", at_least=0)
        self._forget()

    def _forget(self) -> None:
        self.wait = 0
        self.cooldown_counter = 0
        self.best: float | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forgets an earlier training."""
        self._forget()
        self._check_direction()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Compares the monitored number with the best so far."""
        optimizer = self.model.compiled_optimizer
        value = self._monitored(logs)
        if logs is not None:
            logs["learning_rate"] = float(optimizer.learning_rate)
        if value is None:
            return
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.wait = 0
        if self._better(value, self.best, self.min_delta):
            self.best = value
            self.wait = 0
            return
        if self.cooldown_counter > 0:
            return
        self.wait += 1
        rate = float(optimizer.learning_rate)
        if self.wait >= self.patience and rate > self.min_lr:
            optimizer.learning_rate = max(rate * self.factor, self.min_lr)
            if self.verbose:
                print(f"Epoch {epoch + 1}: learning rate reduced to {optimizer.learning_rate:g}")
            self.cooldown_counter = self.cooldown
            self.wait = 0


class ModelCheckpoint(Monitor):
    """Saves the model while it trains, in one step: a file is the old one or the new one, whole.

    That holds for a kill or a loss of power at any instant. It runs behind all other callbacks, so
    that the file has what they changed, and ``fit(resume_from=...)`` goes on from it to the bit,
    also from within an epoch.

    Parameters
    ----------
    filepath : path
        May hold {epoch} (counted from 1), {batch} (with an integer `save_freq`) and names from the
        logs, as in ``"best-{epoch:02d}-{val_loss:.2f}.safetensors"``. Folders are made.
    monitor : str, default "val_loss"
        What `save_best_only` compares.
    verbose : {0, 1}, default 0
        1 prints what it does.
    save_best_only : bool, default False
        Whether to save only where the monitored number is the best so far.
    save_weights_only : bool, default False
        Whether to write the parameters alone, from which training cannot be resumed.
    mode : {"auto", "min", "max"}, default "auto"
        Whether smaller or larger is better; "auto": what the metric says, smaller for losses.
    save_freq : "epoch" or int, default "epoch"
        After each epoch, or after so many batches, counted on from epoch to epoch.
    initial_value_threshold : float, optional
        What the first best must beat.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it; in `fit`, for a monitor that training does not report.

    Examples
    --------
    >>> import mundur as md, numpy as np, tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "last.safetensors")
    >>> model = md.Model([md.layers.Dense(1)], seed=0)
    >>> model.compile("sgd", "mse")
    >>> _ = model.fit(np.ones((4, 2)), np.ones(4), epochs=2, verbose=0,
    ...               callbacks=[md.callbacks.ModelCheckpoint(path)])
    >>> md.load_model(path).fit(np.ones((4, 2)), np.ones(4), epochs=5, verbose=0,
    ...                         resume_from=path).epoch
    [2, 3, 4]
    """

    _last = True
    _counters = ("best", "_batches", "_epoch")

    @checked_keywords()
    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        if not isinstance(filepath, (str, os.PathLike)) or not os.fspath(filepath):
            raise WrongType(f"filepath must be the path of a file; got {filepath!r}")
        self.filepath = os.fspath(filepath)
        check_ending(self.filepath, "filepath")
        self._watch(monitor, mode)
        self.verbose = verbosity(verbose)
        self.save_best_only = boolean(save_best_only, "save_best_only")
        self.save_weights_only = boolean(save_weights_only, "save_weights_only")
        if isinstance(save_freq, str) and save_freq != "epoch":
            raise ValueError(f'save_freq must be "epoch" or an integer >= 1; got {save_freq!r}')
        self.save_freq = (
            save_freq if isinstance(save_freq, str) else integer(save_freq, "save_freq", 1)
        )
        self.initial_value_threshold = (
            None
            if initial_value_threshold is None
            else number(initial_value_threshold, "initial_value_threshold")
        )
        self.best = self.initial_value_threshold
        self._batches = 0
        self._epoch = 0
        # On the object, so that fit calls only the hooks that have work to do.
        if self.save_freq == "epoch":
            self.on_epoch_end = self._after_epoch  # type: ignore[method-assign]
        else:
            self.on_train_batch_end = self._after_batch  # type: ignore[method-assign]

    def __reduce__(self) -> Any:
        return type(self)._restored, (self.get_config(), self.best, self._batches)

    @classmethod
    def _restored(cls, config: dict[str, Any], best: float | None, batches: int) -> ModelCheckpoint:
        callback = cls(**config)
        callback.best, callback._batches = best, batches
        return callback

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Checks what there is to check."""
        if self.save_best_only:
            self._check_direction()

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Takes down the epoch's number."""
        self._epoch = epoch

    def _after_epoch(self, epoch: int, logs: Logs | None = None) -> None:
        self._save(epoch, None, logs)

    def _after_batch(self, batch: int, logs: Logs | None = None) -> None:
        self._batches += 1
        if self._batches >= int(self.save_freq):
            self._batches = 0
            self._save(self._epoch, batch, logs)

    def _save(self, epoch: int, batch: int | None, logs: Logs | None) -> None:
        if self.save_best_only:
            value = self._monitored(logs)
            if value is None or not self._better(value, self.best):
                return
            self.best = value
        path = self._path(epoch, batch, logs or {})
        if self.verbose:
            print(f"Epoch {epoch + 1}: saving the model to {path}")
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path)
        else:
            self.model.save(path)

    def _path(self, epoch: int, batch: int | None, logs: Logs) -> str:
        names: dict[str, float] = {**logs, "epoch": epoch + 1}
        if batch is not None:
            names["batch"] = batch + 1
        try:
            return self.filepath.format(**names)
        except (KeyError, IndexError, ValueError) as error:
            raise ValueError(
                f"filepath {self.filepath!r} cannot be filled in ({error!r}); "
                f"known: {', '.join(names)}"
            ) from None


class OptunaPruning(Monitor):
    """Tells an Optuna trial a number after every epoch, and ends the training that it gives up.

    Parameters
    ----------
    trial : optuna.Trial
        The one whose model is trained.
    monitor : str, default "val_loss"
        "loss", the name of a metric, or "val_" and one of them.

    Raises
    ------
    optuna.TrialPruned
        Out of `fit`, where the study's pruner gives the trial up; the study takes it as the end of
        the trial. The model is whole, as the epoch left it.
    TypeError
        For a `trial` that is none.
    ValueError
        Where the number is not reported, or where the study minimises what should be large, or the
        reverse.

    Notes
    -----
    Needs the extra `optuna`. A number that is not finite is not reported; the trial goes on.

    Examples
    --------
    >>> import mundur as md
    >>> def objective(trial):
    ...     model = md.Model([md.layers.Dense(trial.suggest_int("units", 4, 64)), ...])
    ...     ...
    ...     watch = md.callbacks.OptunaPruning(trial, "val_accuracy")
    ...     history = model.fit(x, y, validation_split=0.2, epochs=30, callbacks=[watch])
    ...     return history.history["val_accuracy"][-1]
    """

    def __init__(self, trial: Any, monitor: str = "val_loss") -> None:
        if not all(callable(getattr(trial, name, None)) for name in ("report", "should_prune")):
            raise WrongType(f"trial must be an optuna.Trial; got {type(trial).__name__}")
        self.trial = trial
        self._watch(monitor, "auto")

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Looks whether the number suits the study."""
        study = getattr(self.trial, "study", None)
        directions = getattr(study, "directions", ())
        if len(directions) > 1:
            raise ValueError(f"trial must be of a study of one objective; got {len(directions)}")
        larger = self._direction()
        if self.monitor.removeprefix("val_") == "loss":
            larger = False
        wanted = "maximize" if larger else "minimize"
        found = directions[0].name.lower() if directions else wanted
        if larger is not None and found != wanted:
            size = "large" if larger else "small"
            raise ValueError(
                f"monitor={self.monitor!r} does not suit trial: its study would {found} what "
                f"should be {size}; optuna.create_study(direction={wanted!r})"
            )

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Reports, and asks."""
        value = self._monitored(logs)
        if value is None or not math.isfinite(value):
            return
        self.trial.report(float(value), step=epoch)
        if self.trial.should_prune():
            from optuna import TrialPruned

            raise TrialPruned(f"pruned after epoch {epoch + 1}: {self.monitor}={value:g}")
