"""Callbacks: code that runs at fixed points of training."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .configurable import Configurable
from .keywords import checked_keywords, suggestion, unknown_attribute
from .validation import boolean, integer, number

if TYPE_CHECKING:
    from .model import Model

__all__ = ["Callback", "EarlyStopping"]

Logs = dict[str, float]


class Callback:
    """Base class of the callbacks, with Keras's hooks; override the ones you need.

    ``self.model`` is the model, ``self.params`` holds epochs, steps and verbose. Hooks that no
    callback overrides cost nothing; a hook for batches makes native code return after each batch.
    Setting ``self.model.stop_training = True`` ends training. An exception ends it too, with the
    model whole.

    Examples
    --------
    >>> import mundur as md, numpy as np
    >>> class Print(md.Callback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         print(epoch, sorted(logs))
    >>> model = md.Model([md.layers.Dense(1)], seed=0)
    >>> model.compile("sgd", "mse")
    >>> _ = model.fit(np.ones((4, 2)), np.ones(4), verbose=0, callbacks=[Print()])
    0 ['loss']
    """

    model: Model
    params: dict[str, Any]

    def set_model(self, model: Model) -> None:
        """Called once before training with the model."""
        self.model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Called once before training with epochs, steps and verbose."""
        self.params = params

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Before the first epoch."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """After the last epoch, after Ctrl-C too; logs are the last epoch's."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Before an epoch, counted from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """After an epoch and its validation; logs hold loss, metrics, and val_... of them."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch, counted from 0 in its epoch."""

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch; logs hold the means of loss and metrics so far in this epoch."""

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Another name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Another name of `on_train_batch_end`."""

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Before an evaluation, validation too."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """After an evaluation, with its loss and metrics."""

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of an evaluation."""

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of an evaluation."""

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Before `Model.predict` begins."""

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """After `Model.predict` ends."""

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of `Model.predict`."""

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of `Model.predict`."""


_OLD_NAMES = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}


class CallbackList:
    """The callbacks of one call, of which only overridden hooks are ever called."""

    def __init__(self, callbacks: Any, model: Model, params: dict[str, Any]) -> None:
        self.callbacks = _checked(callbacks)
        for callback in self.callbacks:
            callback.set_model(model)
            callback.set_params(params)
        self._hooks: dict[str, list[Callable[..., None]]] = {}

    def hooks(self, hook: str) -> list[Callable[..., None]]:
        """The overridden methods of this name, in the order of the callbacks."""
        if hook not in self._hooks:
            names = ((c, _overridden(c, hook)) for c in self.callbacks)
            self._hooks[hook] = [getattr(c, name) for c, name in names if name]
        return self._hooks[hook]

    def call(self, hook: str, *args: Any) -> None:
        """Calls a hook of every callback that overrides it."""
        for method in self.hooks(hook):
            method(*args)

    def wants_batches(self, kind: str) -> bool:
        """Whether a hook for single batches ("train", "test", "predict") is overridden."""
        return bool(self.hooks(f"on_{kind}_batch_begin") or self.hooks(f"on_{kind}_batch_end"))


def _overridden(callback: Callback, hook: str) -> str:
    for name in (hook, _OLD_NAMES.get(hook, hook)):
        own = getattr(type(callback), name) is not getattr(Callback, name)
        if own or name in vars(callback):
            return name
    return ""


def _checked(callbacks: Any) -> list[Callback]:
    if callbacks is None:
        return []
    if isinstance(callbacks, Callback):
        return [callbacks]
    if not isinstance(callbacks, Iterable):
        raise TypeError(f"callbacks must be a list of md.Callback; got {callbacks!r}")
    result = list(callbacks)
    for callback in result:
        if not isinstance(callback, Callback):
            hint = "; make an instance of it" if isinstance(callback, type) else ""
            raise TypeError(f"callbacks must be instances of md.Callback; got {callback!r}{hint}")
        _check_hooks(type(callback))
    return result


def _check_hooks(cls: type[Callback]) -> None:
    """Raises for a misspelt hook, which would never be called."""
    if cls.__module__.startswith("mundur."):
        return
    for name in dir(cls):
        if name.startswith("on_") and not hasattr(Callback, name):
            near = suggestion(name, [hook for hook in dir(Callback) if hook.startswith("on_")])
            if near:
                raise AttributeError(f"{cls.__name__}.{name} is no hook{near}")


class EarlyStopping(Callback, Configurable):
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
        Whether the model ends with the weights of its best epoch instead of its last.
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

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)  # a callback may be changed while it is at work

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
        if not isinstance(monitor, str) or not monitor:
            raise TypeError(f"monitor must be the name of a number in the logs; got {monitor!r}")
        if mode not in ("auto", "min", "max"):
            raise ValueError(f"mode must be 'auto', 'min' or 'max'; got {mode!r}")
        self.monitor = monitor
        self.min_delta = abs(number(min_delta, "min_delta"))
        self.patience = integer(patience, "patience")
        self.verbose = integer(int(verbose), "verbose", 0, 2)
        self.mode = mode
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

    def check_monitor(self, names: Sequence[str]) -> None:
        """Raises a ValueError where training will not report the monitored number."""
        if self.monitor in names:
            return
        hint = suggestion(self.monitor, names)
        if self.monitor.startswith("val_") and not any(n.startswith("val_") for n in names):
            hint = "; pass validation_data= or validation_split= to fit, or monitor='loss'"
        raise ValueError(
            f"EarlyStopping monitors {self.monitor!r}, which training does not report{hint} "
            f"(known: {', '.join(names)})"
        )

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forgets an earlier training."""
        self._forget()
        if self.mode == "auto" and not self._larger_is_better() and "loss" not in self.monitor:
            raise ValueError(
                f"EarlyStopping cannot tell whether a larger {self.monitor!r} is better; pass "
                "mode='max' or mode='min'"
            )

    def _larger_is_better(self) -> bool:
        if self.mode == "auto":
            accuracies = {m.name for m in self.model.metrics if "accuracy" in m.form}
            return self.monitor.removeprefix("val_") in accuracies
        return self.mode == "max"

    def _improves(self, value: float, reference: float | None) -> bool:
        if reference is None:
            return not math.isnan(value)
        if self._larger_is_better():
            return value - self.min_delta > reference
        return value + self.min_delta < reference

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Compares the monitored number with the best so far."""
        value = (logs or {}).get(self.monitor)
        if value is None and self.monitor.removeprefix("val_") not in self.model.metrics_names:
            self.check_monitor(list(logs or {}))
        if value is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self._keep(epoch)
        self.wait += 1
        if self._improves(value, self.best):
            self.best = value
            self._keep(epoch)
            if self.baseline is None or self._improves(value, self.baseline):
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
        if self.best_weights is not None:
            if self.verbose:
                print(f"Restoring the weights of the best epoch: {self.best_epoch + 1}")
            self.model.set_weights(self.best_weights)


if not TYPE_CHECKING:  # else type checkers would believe in any name

    def __getattr__(name: str) -> object:
        raise unknown_attribute("mundur.callbacks", name, __all__)
