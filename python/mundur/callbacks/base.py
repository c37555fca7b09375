"""The base of the callbacks, and the list of them that one call runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from .._support.checks import WrongType, shown
from .._support.config import Configurable
from .._support.names import suggestion

if TYPE_CHECKING:
    from ..models.model import Model

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
    # Whether it is called behind those that may change what it reads.
    _last: ClassVar[bool] = False

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


class BuiltIn(Callback, Configurable):
    """A callback of ours: it is its arguments, and may be changed while it is at work."""

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)


_OLD_NAMES = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}


class CallbackList:
    """The callbacks of one call, of which only overridden hooks are ever called."""

    def __init__(self, callbacks: Any, model: Any, params: dict[str, Any]) -> None:
        self.callbacks = callbacks_in(callbacks)
        for callback in self.callbacks:
            callback.set_model(model)
            callback.set_params(params)
        self._hooks: dict[str, list[Callable[..., None]]] = {}

    def hooks(self, hook: str) -> list[Callable[..., None]]:
        """The overridden methods of this name, in the order of the callbacks, checkpoints last."""
        if hook not in self._hooks:
            ordered = sorted(self.callbacks, key=lambda callback: callback._last)
            names = ((c, _overridden(c, hook)) for c in ordered)
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


def callbacks_in(callbacks: Any) -> list[Callback]:
    """Those that were given, checked: none, one, or a list or another iterable of them."""
    if callbacks is None:
        return []
    if isinstance(callbacks, Callback):
        return [callbacks]
    try:
        given = iter(callbacks)
    except TypeError:
        raise WrongType(
            f"callbacks must be a list of md.Callback; got {shown(callbacks)}"
        ) from None
    result = []
    for callback in given:
        if not isinstance(callback, Callback):
            hint = "; make an instance of it" if isinstance(callback, type) else ""
            raise WrongType(f"callbacks must be instances of md.Callback; got {callback!r}{hint}")
        _check_hooks(type(callback))
        result.append(callback)
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
