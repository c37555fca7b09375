"""`fit` and `evaluate` of models whose class writes train_step or test_step: batch after batch."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .._support.checks import boolean, integer, number, shown
from ..callbacks.base import CallbackList
from ..callbacks.history import History
from ..data.dataset import Order, resolve_batch_size
from ..data.stream import is_batches
from ..errors import NonFiniteLossError
from ..metrics.base import Metric
from .progress import Progress, for_fit, for_pass, verbosity

__all__ = ["evaluate", "fit", "on_batch"]

Logs = dict[str, float]

_NOT_HERE = ("class_weight", "augment", "resume_from")
_NO_PLACE = (
    "{} must be None where a class writes train_step or test_step, as {} does: what becomes of a "
    "batch is known to these alone"
)


# ---- batches -------------------------------------------------------------------------------------


class Batches:
    """Batches for steps: rows of arrays, or what an iterable gives."""

    def __init__(self, x: Any, y: Any, weight: Any, batch_size: Any, steps: Any, name: str) -> None:
        self.given = tuple(one for one in (x, y, weight) if one is not None)
        self.steps = None if steps is None else integer(steps, name, 1)
        self._order: Order | None = None
        if is_batches(x) and y is None:
            self.length = self.steps or (len(x) if hasattr(x, "__len__") else 0)
            return
        self.given = tuple(map(_arrays, self.given))
        counts = {len(part) for one in self.given for part in _parts(one)}
        if len(counts) > 1:
            raise ValueError(f"x, y and sample_weight must have as many samples; got {counts}")
        (samples,) = counts
        self._count(samples, resolve_batch_size(batch_size, samples))

    def _count(self, samples: int, size: int) -> None:
        self._order = Order(samples, size, False, 0)
        every = -(-samples // size)
        self.length = min(self.steps or every, every)

    @property
    def size(self) -> int | None:
        """Samples of a batch, where they are known."""
        return None if self._order is None else self._order.batch_size

    def of_epoch(self, shuffle: bool, seed: int, epoch: int) -> Iterator[Any]:
        """What a step gets: (x,), (x, y) or (x, y, sample_weight)."""
        if self._order is None:
            for step, batch in enumerate(self.given[0]):
                if step == self.steps:
                    return
                yield tuple(batch) if isinstance(batch, (list, tuple)) else (batch,)
            return
        rows, size = self._order._replace(shuffle=shuffle).rows(seed, epoch), self._order.batch_size
        for step in range(self.length):
            own = rows[step * size : (step + 1) * size]
            yield tuple(_taken(one, own) for one in self.given)

    def split(self, fraction: float) -> Batches | None:
        """The last samples, for validation, which this leaves out from now on."""
        if fraction == 0:
            return None
        if self._order is None:
            raise ValueError("validation_split goes with arrays, not with an iterable of batches")
        samples, size = self._order.samples, self._order.batch_size
        boundary = int(samples * (1.0 - fraction))
        if boundary in (0, samples):
            raise ValueError(
                f"validation_split={fraction} of {samples} samples leaves one part empty"
            )
        first, last = np.arange(boundary), np.arange(boundary, samples)
        rest = (*(_taken(one, last) for one in self.given), None, None)[:3]
        self.given = tuple(_taken(one, first) for one in self.given)
        self._count(boundary, min(size, boundary))
        x, y, weight = rest
        return Batches(x, y, weight, size, None, "")


def _arrays(given: Any) -> Any:
    if isinstance(given, Mapping):
        return {name: np.asarray(part) for name, part in given.items()}
    is_list = isinstance(given, (list, tuple)) and len(given) > 0
    if is_list and all(isinstance(part, np.ndarray) and part.ndim for part in given):
        return list(given)
    return np.asarray(given)


def _parts(given: Any) -> Sequence[Any]:
    if isinstance(given, dict):
        return list(given.values())
    return given if type(given) is list else [given]


def _taken(given: Any, rows: Any) -> Any:
    if isinstance(given, dict):
        return {name: part[rows] for name, part in given.items()}
    return [part[rows] for part in given] if type(given) is list else given[rows]


# ---- steps ---------------------------------------------------------------------------------------


def _stepped(model: Any, name: str, data: Any) -> Logs:
    """What a model's train_step or test_step says of a batch, as numbers."""
    made = getattr(model, name)(data)
    title = f"{type(model).__name__}.{name}"
    if not isinstance(made, Mapping):
        raise TypeError(
            f'{title} must return a dict of names and numbers, {{"loss": ...}}; got {shown(made)}'
        )
    logs = {}
    for key, value in made.items():
        array = np.asarray(value)
        if array.size != 1 or array.dtype.kind not in "biuf":
            raise TypeError(f"{title}: {key!r} must be one number; got {shown(value)}")
        logs[str(key)] = float(array.item())
    return logs


def _pass(model: Any, name: str, batches: Iterator[Any], calls: CallbackList) -> Iterator[Logs]:
    """One pass over batches, with its hooks; the logs after each step.

    Where the class does not write the step, they are means: else its metrics go on by themselves.
    """
    kind = name.partition("_")[0]
    held = [value for value in vars(model).values() if isinstance(value, Metric)]
    for metric in (*model.metrics, *held):
        metric.reset_state()
    total: Logs = {}
    for step, data in enumerate(batches):
        calls.call(f"on_{kind}_batch_begin", step, {})
        logs = _stepped(model, name, data)
        if not model._writes(name):
            total = {key: total.get(key, 0.0) + value for key, value in logs.items()}
            logs = {key: value / (step + 1) for key, value in total.items()}
        calls.call(f"on_{kind}_batch_end", step, logs)
        yield logs


def _tested(model: Any, batches: Batches, calls: CallbackList) -> Logs:
    if not model._writes("test_step"):
        x, y, weight = (*batches.given, None, None)[:3]
        found: Logs = model._evaluated(x, y, batches.size, weight, batches.steps)
        return found
    calls.call("on_test_begin", {})
    last = deque(_pass(model, "test_step", batches.of_epoch(False, 0, 0), calls), 1)
    logs: Logs = last.pop() if last else {}
    calls.call("on_test_end", logs)
    return logs


class Steps:
    """One call of `fit`."""

    def __init__(self, model: Any, progress: Progress, calls: CallbackList) -> None:
        self._model = model
        self._progress = progress
        self._calls = calls
        self.history = History()
        self.logs: Logs = {}

    def place(self) -> None:
        """Where it stands: nowhere that a file could go on from."""

    def epochs(
        self, train: Batches, held_out: Batches | None, epochs: range, shuffle: bool, freq: int
    ) -> Iterator[None]:
        """One epoch after another; whoever asks for the next may look between."""
        for epoch in epochs:
            self._calls.call("on_epoch_begin", epoch, {})
            logs = self._train(train, epoch, shuffle)
            if held_out is not None and (epoch + 1) % freq == 0:
                found = _tested(self._model, held_out, self._calls)
                logs |= {f"val_{name}": value for name, value in found.items()}
            self.logs = logs
            self._progress.end_epoch(logs)
            try:
                self._calls.call("on_epoch_end", epoch, logs)
            finally:
                self.history.on_epoch_end(epoch, logs)
            yield

    def _train(self, batches: Batches, epoch: int, shuffle: bool) -> Logs:
        """One epoch; where the loss is not finite, the model is back where it began."""
        model = self._model
        before = _numbers(model) if model.built else None
        self._progress.begin_epoch(epoch, batches.length)
        ordered = batches.of_epoch(shuffle, model.seed, model.epochs_begun)
        model.epochs_begun += 1
        logs: Logs = {}
        for step, logs in enumerate(_pass(model, "train_step", ordered, self._calls)):
            self._progress.update(step + 1, logs)
            if not math.isfinite(logs.get("loss", 0.0)):
                if before is not None:
                    _restore(model, before)
                rate = 0.0 if model.optimizer is None else float(model.optimizer.learning_rate)
                raise NonFiniteLossError(step, rate, epoch, restored=before is not None)
            if model.stop_training:
                break
        return dict(logs)


def _numbers(model: Any) -> Any:
    optimizer = model.optimizer
    return model.get_weights(), None if optimizer is None else optimizer._native.state()


def _restore(model: Any, numbers: Any) -> None:
    weights, state = numbers
    model.set_weights(weights)
    if state is not None:
        model.optimizer._native.reset()
        model.optimizer._native.set_state(*state)


# ---- what `Model` calls --------------------------------------------------------------------------


def fit(
    model: Any,
    x: Any,
    y: Any,
    batch_size: Any,
    epochs: Any,
    verbose: Any,
    callbacks: Any,
    validation_split: Any,
    validation_data: Any,
    shuffle: Any,
    class_weight: Any,
    sample_weight: Any,
    initial_epoch: Any,
    steps_per_epoch: Any,
    validation_steps: Any,
    validation_batch_size: Any,
    validation_freq: Any,
    stop_loss: Any,
    allow_nonfinite: Any,
    augment: Any,
    resume_from: Any,
) -> History:
    """See `Model.fit`."""
    for name, value in zip(_NOT_HERE, (class_weight, augment, resume_from), strict=True):
        if value is not None:
            raise ValueError(_NO_PLACE.format(name, type(model).__name__))
    if model._loop is not None:
        raise RuntimeError("fit was called by a callback of the same model's fit")
    level, last = verbosity(verbose), integer(epochs, "epochs", 1)
    first = integer(initial_epoch, "initial_epoch")
    train = Batches(x, y, sample_weight, batch_size, steps_per_epoch, "steps_per_epoch")
    held_out = train.split(number(validation_split, "validation_split", at_least=0, below=1))
    if validation_data is not None:
        given = (validation_data,) if is_batches(validation_data) else tuple(validation_data)
        size = batch_size if validation_batch_size is None else validation_batch_size
        vx, vy, vw = (*given, None, None)[:3]
        held_out = Batches(vx, vy, vw, size, validation_steps, "validation_steps")
    params = {"verbose": level, "epochs": last, "steps": train.length}
    calls, progress = CallbackList(callbacks, model, params), for_fit(level, last, first)
    loop = Steps(model, progress, calls)
    CallbackList([loop.history], model, params)
    shuffles = bool(shuffle) if isinstance(shuffle, str) else boolean(shuffle, "shuffle")
    freq = integer(validation_freq, "validation_freq", 1)
    least = -math.inf if stop_loss is None else number(stop_loss, "stop_loss")
    each = loop.epochs(train, held_out, range(first, last), shuffles, freq)
    return _run(model, loop, each, least, calls, progress)


def _run(
    model: Any,
    loop: Steps,
    epochs: Iterator[None],
    least: float,
    calls: CallbackList,
    progress: Progress,
) -> History:
    model.stop_training, model._stop_reason = False, "callback"
    model.history, model._loop = loop.history, loop
    reason = "epochs"
    try:
        calls.call("on_train_begin", {})
        for _ in epochs:
            if model.stop_training or loop.logs.get("loss", math.inf) <= least:
                reason = model._stop_reason if model.stop_training else "stop_loss"
                break
    except KeyboardInterrupt:
        loop.history.stop_reason = "interrupted"
        calls.call("on_train_end", loop.logs)
        raise
    finally:
        progress.close()
        model._loop = None
    if model.optimizer is not None:
        model.optimizer.finalize_variable_values(model)
    loop.history.stop_reason = reason
    calls.call("on_train_end", loop.logs)
    return loop.history


def evaluate(
    model: Any,
    x: Any,
    y: Any,
    batch_size: Any,
    verbose: Any,
    sample_weight: Any,
    steps: Any,
    callbacks: Any,
    return_dict: Any,
) -> Any:
    """See `Model.evaluate`."""
    level = verbosity(verbose)
    as_dict = boolean(return_dict, "return_dict")
    batches = Batches(x, y, sample_weight, batch_size, steps, "steps")
    params = {"verbose": level, "epochs": 1, "steps": batches.length}
    progress = for_pass(level, "Evaluate")
    try:
        progress.begin_epoch(0, batches.length)
        logs = _tested(model, batches, CallbackList(callbacks, model, params))
        progress.end_epoch(logs)
    finally:
        progress.close()
    return logs if as_dict else _as_keras(logs)


def on_batch(
    model: Any, x: Any, y: Any, sample_weight: Any, class_weight: Any, return_dict: Any
) -> Any:
    """See `Model.train_on_batch`."""
    if class_weight is not None:
        raise ValueError(_NO_PLACE.format("class_weight", type(model).__name__))
    boolean(return_dict, "return_dict")
    given = tuple(one for one in (x, y, sample_weight) if one is not None)
    logs = _stepped(model, "train_step", tuple(map(_arrays, given)))
    return logs if return_dict else _as_keras(logs)


def _as_keras(logs: Logs) -> Any:
    values = list(logs.values())
    return values[0] if len(values) == 1 else values
