"""Single passes over checked data: native code works in slices, Python reports and explains."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _core
from .._support.checks import boolean
from ..callbacks.base import CallbackList
from ..data import arrays
from ..data.dataset import Data, Dataset, prepare, resolve_batch_size
from ..data.stream import Stream, first_features, steps_without_batches, stream_of
from ..errors import NonFiniteLossError
from ..losses.base import is_native
from ..losses.in_python import native_loss
from ..metrics import accuracy
from .learner import LearningModel
from .progress import Progress, for_pass, verbosity

Array = npt.NDArray[Any]
Logs = dict[str, float]

# Native code returns this often for progress and Ctrl-C.
SLICE_SECONDS = 0.1
ALLOW = "allow_nonfinite=True"


def too_large(batch_size: int, error: MemoryError) -> MemoryError:
    """The core's error about a batch's workspace, with the argument that decides its size."""
    return MemoryError(f"batch_size={batch_size}: {error}")


def make_trainer(
    model: LearningModel,
    data: Dataset,
    batch_size: int,
    shuffle: bool,
    allow_nonfinite: bool,
    outputs: Array | None = None,
) -> _core.Trainer:
    """The native trainer of a model over checked data; each sample's outputs go into `outputs`."""
    network = model.native
    loss, y, forms = _loss_and_metrics(model, data)
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
        data.rows,
    )


def make_evaluator(
    model: LearningModel,
    data: Dataset,
    batch_size: int,
    allow_nonfinite: bool,
    outputs: Array | None,
) -> _core.Evaluator:
    """The native evaluation of checked data; each sample's outputs go into `outputs`."""
    network = model.native
    loss, y, forms = _loss_and_metrics(model, data)
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
        data.rows,
    )


def _loss_and_metrics(model: LearningModel, data: Dataset) -> tuple[_core.Loss, Array, list[str]]:
    """What the core computes in a pass, and the targets that it reads."""
    shape = model.native.output_shape
    forms = accuracy.forms(model.metrics, data.y.shape, (len(data.x), *shape))
    sparse = accuracy.SparseCategoricalAccuracy.form in forms
    loss, y = native_loss(model.compiled_loss, data, shape, bool(forms), sparse)
    return loss, y, forms


def room(model: LearningModel, data: Data) -> Array | None:
    """Where the outputs for a set go, if a metric asks for them."""
    if model.masks_output:
        _refuse_what_knows_no_mask(model)
    if data.whole_set_mend:
        _refuse_what_takes_a_whole_set(model, data.whole_set_mend)
        return None
    shape = (len(data.x), *model.native.output_shape)
    return accuracy.room(model.metrics, shape, model.dtype)


def _refuse_what_takes_a_whole_set(model: LearningModel, mend: str) -> None:
    whole = [metric.name for metric in model.metrics if not metric.form]
    if whole:
        raise TypeError(f"metrics {', '.join(whole)} are taken over a whole set: {mend}")
    loss = model.compiled_loss
    if not is_native(loss):
        raise TypeError(
            f"{type(loss).__name__} is written in Python and looks up a batch's targets in the "
            f"set: {mend}"
        )


def _refuse_what_knows_no_mask(model: LearningModel) -> None:
    others = [metric.name for metric in model.metrics if not metric.in_core]
    if not is_native(model.compiled_loss):
        others.append(f"the loss {type(model.compiled_loss).__name__}")
    if others:
        raise ValueError(
            f"{', '.join(others)} would count steps that a mask leaves out of the model's outputs; "
            "accuracies and the package's losses know it. Else build the model without Masking, or "
            "the Embedding without mask_zero=True"
        )


def named(model: LearningModel, loss: float, values: list[float], prefix: str = "") -> Logs:
    """{"loss": ..., the core's metrics ...}, as logs and History call them."""
    names = [metric.name for metric in model.metrics if metric.in_core]
    return {prefix + n: v for n, v in zip(["loss", *names], [loss, *values], strict=True)}


def complete(
    model: LearningModel, logs: Logs, data: Data, outputs: Array | None, seen: Any = None
) -> Logs:
    """The logs with those metrics that need the whole set, in the order of `compile`."""
    if outputs is None:
        return logs
    assert isinstance(data, Dataset)  # see room()
    if data.rows is not None:
        outputs = outputs[data.rows]
    own = data.alone()
    loss = model.compiled_loss
    logs = logs | accuracy.over_set(model.metrics, own.y, outputs, own.weights, loss, seen)
    return {name: logs[name] for name in model.metrics_names}


def fail_on(status: str, data: Data, model: LearningModel) -> None:
    """Raises the error that a native loop's "input" stands for."""
    if status == "input":
        own = data.alone()
        _fail_on_input(own.x, own.name, model)


def _fail_on_input(x: Array, name: str, model: LearningModel) -> None:
    arrays.check_values(x, model.vocabulary, name, ALLOW)
    error = arrays.overflow_error(x, model.dtype, name)
    raise error or ValueError(f"{name} must be finite; {ALLOW} allows it")


def _trained(model: LearningModel, data: Dataset, allow_nonfinite: bool) -> Logs:
    """One update on one batch; the loss and metrics are those before it."""
    outputs = room(model, data)
    with model.compiled_optimizer.training(model):
        trainer = make_trainer(model, data, len(data.x), False, allow_nonfinite, outputs)
        trainer.begin_epoch(0)
        status = trainer.run(SLICE_SECONDS, model.compiled_optimizer.look_ahead(1))
    fail_on(status, data, model)
    if status == "loss":
        raise NonFiniteLossError(0, model.compiled_optimizer.learning_rate)
    logs = named(model, trainer.loss, trainer.metric_values)
    return complete(model, logs, data, outputs)


def evaluated(
    model: LearningModel,
    data: Data,
    batch_size: int,
    callbacks: CallbackList,
    progress: Progress,
    allow_nonfinite: bool,
) -> Logs:
    """Loss and metrics over checked data, or over batches."""
    outputs = room(model, data)
    evaluator = data.evaluator(
        lambda part, size: make_evaluator(model, part, size, allow_nonfinite, outputs), batch_size
    )
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
        fail_on(status, data, model)
        logs = named(model, evaluator.loss, evaluator.metric_values)
        if by_batch:
            callbacks.call("on_test_batch_end", evaluator.step - 1, logs)
        progress.update(evaluator.step, logs)
    logs = complete(model, logs, data, outputs)
    progress.end_epoch(logs)
    callbacks.call("on_test_end", logs)
    return logs


def predict_batch(model: LearningModel, x: Array, allow_nonfinite: bool) -> Array:
    """The outputs for checked features, all at once, with nobody watching."""
    out = _core.new_array((len(x), *model.native.output_shape), model.dtype)
    _fill(model, out, x, len(x), allow_nonfinite)
    return out


def _fill(
    model: LearningModel,
    out: Array,
    x: Array,
    batch_size: int,
    allow_nonfinite: bool,
    seen: Callable[[int], None] | None = None,
) -> None:
    """The outputs for all of x; `seen` hears after each native call how many there are.

    A call ends when its time is over: nobody else counts how far it came.
    """
    done = 0
    while done < len(out):
        try:
            done = model.native.predict(
                x, out, done, batch_size, SLICE_SECONDS, not allow_nonfinite
            )
        except MemoryError as error:
            raise too_large(batch_size, error) from None
        if done < 0:
            _fail_on_input(x, "x", model)
        if seen is not None:
            seen(done)


def predicted(
    model: LearningModel,
    x: Array,
    batch_size: int,
    callbacks: CallbackList,
    progress: Progress,
    allow_nonfinite: bool,
) -> Array:
    """The outputs for checked features."""
    out = _core.new_array((len(x), *model.native.output_shape), model.dtype)
    callbacks.call("on_predict_begin", {})
    progress.begin_epoch(0, -(-len(x) // batch_size))
    if callbacks.wants_batches("predict"):
        # Workers would take several batches at once, which hooks would not see one by one.
        for step, start in enumerate(range(0, len(x), batch_size)):
            batch = slice(start, start + batch_size)
            callbacks.call("on_predict_batch_begin", step, {})
            _fill(model, out[batch], x[batch], batch_size, allow_nonfinite)
            callbacks.call("on_predict_batch_end", step, {})
            progress.update(step + 1, {})
    else:

        def seen(samples: int) -> None:
            progress.update(-(-samples // batch_size), {})

        _fill(model, out, x, batch_size, allow_nonfinite, seen)
    progress.end_epoch({})
    callbacks.call("on_predict_end", {})
    return out


def _predicted_batches(
    model: LearningModel,
    stream: Stream,
    callbacks: CallbackList,
    progress: Progress,
    allow_nonfinite: bool,
) -> Array:
    """The outputs for batches of features, one below another."""
    parts = []
    callbacks.call("on_predict_begin", {})
    progress.begin_epoch(0, stream.length)
    for step, x in enumerate(stream.features()):
        callbacks.call("on_predict_batch_begin", step, {})
        parts.append(predict_batch(model, x, allow_nonfinite))
        callbacks.call("on_predict_batch_end", step, {})
        progress.update(step + 1, {})
    progress.end_epoch({})
    callbacks.call("on_predict_end", {})
    return np.concatenate(parts)


# ---- what `Model` calls -------------------------------------------------------------------------


def evaluate(
    model: LearningModel,
    x: Any,
    y: Any,
    batch_size: Any,
    verbose: Any,
    sample_weight: Any,
    steps: Any,
    callbacks: Any,
    return_dict: Any,
    allow_nonfinite: Any,
) -> Any:
    """See `Model.evaluate`."""
    level = verbosity(verbose)
    boolean(return_dict, "return_dict")
    stream = stream_of(
        *(model, x, steps, "steps"),
        **{"y": y, "batch_size": batch_size, "sample_weight": sample_weight},
    )
    checked = first_features(x, stream, model._declared_shape)
    with model._built_for(checked):
        data: Data = stream or prepare(model, checked, y, sample_weight)
        size = data.size(batch_size)
        params = {"verbose": level, "epochs": 1, "steps": data.steps(size)}
        called = CallbackList(callbacks, model, params)
        allow = boolean(allow_nonfinite, "allow_nonfinite")
        shown = for_pass(level, "Evaluate")
        try:
            logs = evaluated(model, data, size, called, shown, allow)
        finally:
            shown.close()
    return _result(logs, return_dict)


def evaluate_rows(
    model: LearningModel,
    x: Any,
    y: Any,
    rows: npt.NDArray[np.int64],
    sample_weight: Any = None,
    batch_size: Any = None,
    allow_nonfinite: bool = False,
) -> Logs:
    """The loss and the metrics over some samples, on the quiet."""
    checked = arrays.features(x, model._declared_shape)
    with model.lock, _core.to_nearest:
        data = prepare(model, checked, y, sample_weight)._replace(rows=rows)
        called = CallbackList(None, model, {})
        return evaluated(model, data, data.size(batch_size), called, Progress(), allow_nonfinite)


def predict(
    model: LearningModel,
    x: Any,
    batch_size: Any,
    verbose: Any,
    steps: Any,
    callbacks: Any,
    allow_nonfinite: Any,
) -> Array:
    """See `Model.predict`."""
    level = verbosity(verbose)
    stream = None
    if not isinstance(x, np.ndarray):
        stream = stream_of(*(model, x, steps, "steps"), targets=False, batch_size=batch_size)
    elif steps is not None:
        raise steps_without_batches("steps")
    x = first_features(x, stream, model._declared_shape)
    allow = boolean(allow_nonfinite, "allow_nonfinite")
    with model._built_for(x):
        size = resolve_batch_size(batch_size, len(x))
        if stream is None and callbacks is None and level in ("auto", 0) and size == len(x):
            return predict_batch(model, x, allow)
        count = -(-len(x) // size) if stream is None else stream.steps(size)
        called = CallbackList(callbacks, model, {"verbose": level, "epochs": 1, "steps": count})
        shown = for_pass(level, "Predict")
        try:
            if stream is not None:
                return _predicted_batches(model, stream, called, shown, allow)
            return predicted(model, x, size, called, shown, allow)
        finally:
            shown.close()


def train_on_batch(
    model: LearningModel,
    x: Any,
    y: Any,
    sample_weight: Any,
    class_weight: Any,
    return_dict: Any,
    allow_nonfinite: Any,
) -> Any:
    """See `Model.train_on_batch`."""
    boolean(return_dict, "return_dict")
    allow = boolean(allow_nonfinite, "allow_nonfinite")
    _ = model.compiled_optimizer, model.compiled_loss
    checked = arrays.features(x, model._declared_shape)
    with model._built_for(checked):
        data = prepare(model, checked, y, sample_weight).weighed(model, class_weight)
        logs = _trained(model, data, allow)
    return _result(logs, return_dict)


def _result(logs: Logs, as_dict: bool) -> Any:
    if as_dict:
        return logs
    values = list(logs.values())
    return values[0] if len(values) == 1 else values
