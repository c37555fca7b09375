"""Single passes over checked data: native code works in slices, Python reports and explains."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .. import _core
from .._support.checks import boolean, integer
from ..callbacks.base import CallbackList
from ..data import arrays
from ..data.arrays import ONE, Several, arrays_in, for_core, joined
from ..data.dataset import Data, Dataset, enough, prepare, resolve_batch_size
from ..data.stream import Stream, first_features, stream_of
from ..errors import NonFiniteLossError
from ..losses.base import is_native
from ..losses.in_python import native_loss
from ..metrics import accuracy
from .batchwise import Batchwise, each_weights, rooms, told
from .progress import Progress, for_pass, verbosity

if TYPE_CHECKING:
    from .learner import LearningModel

Array = npt.NDArray[Any]
Logs = dict[str, float]

# Native code returns this often for progress and Ctrl-C.
SLICE_SECONDS = 0.1
ALLOW = "allow_nonfinite=True"


def too_large(batch_size: int, error: MemoryError) -> MemoryError:
    """The core's error about a batch's workspace, with the argument that decides its size."""
    if str(error).startswith("the data set"):  # on a GPU
        return error
    return MemoryError(f"batch_size={batch_size}: {error}")


def make_trainer(
    model: LearningModel,
    data: Dataset,
    batch_size: int,
    shuffle: bool,
    allow_nonfinite: bool,
    outputs: Any = None,
    batches: Batchwise | None = None,
) -> _core.Trainer:
    """The native trainer of a model over checked data; each sample's outputs go into `outputs`.

    The data may be the first of `batches`.
    """
    network = model.native
    objectives, y, weights = _asked(model, data, batches)
    return _core.Trainer(
        network,
        model.compiled_optimizer.serve(model),
        objectives,
        for_core(data.x),
        y,
        weights,
        batch_size,
        shuffle,
        model.seed,
        not allow_nonfinite,
        for_core(outputs),
        data.rows,
    )


def make_evaluator(
    model: LearningModel,
    data: Dataset,
    batch_size: int,
    allow_nonfinite: bool,
    outputs: Any,
    batches: Batchwise | None = None,
) -> _core.Evaluator:
    """The native evaluation of checked data; each sample's outputs go into `outputs`.

    The data may be the first of `batches`.
    """
    network = model.native
    objectives, y, weights = _asked(model, data, batches)
    return _core.Evaluator(
        network,
        objectives,
        for_core(data.x),
        y,
        weights,
        batch_size,
        not allow_nonfinite,
        for_core(outputs),
        data.rows,
    )


_Objectives = list[tuple[_core.Loss | None, float, list[str]]]


def _asked(
    model: LearningModel, data: Dataset, batches: Batchwise | None
) -> tuple[_Objectives, Any, Any]:
    """What the core computes of each output in a pass, its targets and its weights."""
    targets, weights, forms = told(model, data)
    objectives: _Objectives = []
    for number, one in enumerate(model.objectives):
        if one.loss is None:
            objectives.append((None, 1.0, []))
            continue

        def at_hand(number: int = number) -> Dataset:
            whole = data if batches is None or batches.data is None else batches.data
            if not isinstance(whole.y, Several):
                return whole
            weights = each_weights(whole, model.objectives)[number]
            return whole._replace(y=whole.y.parts[number], weights=weights)

        def shape(number: int = number) -> tuple[int, ...]:
            return model.native.output_shapes[number]

        loss = native_loss(one.loss, at_hand, shape, forms[number])
        objectives.append((loss, one.weight, forms[number]))
    return objectives, targets, weights


def room(model: LearningModel, data: Data) -> Any:
    """Where the outputs for a set go, if a metric asks for them."""
    if model.masks_output:
        _refuse_what_knows_no_mask(model)
    if not isinstance(data, Dataset):
        return None
    return rooms(model, len(data.x))


def _losses_in_python(model: LearningModel) -> list[Any]:
    every = [one.loss for one in model.objectives]
    return [loss for loss in every if loss is not None and not is_native(loss)]


def _refuse_what_knows_no_mask(model: LearningModel) -> None:
    others = [metric.name for metric in model.metrics if not metric.in_core]
    others += [f"the loss {type(loss).__name__}" for loss in _losses_in_python(model)]
    if others:
        raise ValueError(
            f"{', '.join(others)} would count steps that a mask leaves out of the model's outputs; "
            "accuracies and the package's losses know it. Else build the model without Masking, or "
            "the Embedding without mask_zero=True"
        )


def named(model: LearningModel, means: list[float]) -> Logs:
    """{"loss": ..., the core's metrics ...}, as logs and History call them."""
    asked = model.objectives
    scored = [
        name
        for one in asked
        for name, metric in zip(one.metric_names, one.metrics, strict=True)
        if metric.in_core
    ]
    if len(asked) == 1:
        return dict(zip(["loss", *scored], means, strict=True))
    names = ["loss", *(one.loss_name for one in asked), *scored]
    found = dict(zip(names, means, strict=True))
    return {name: found[name] for name in model.metrics_names if name in found}


def complete(
    model: LearningModel,
    logs: Logs,
    data: Data,
    outputs: Any,
    batches: Batchwise,
    seen: Any = None,
) -> Logs:
    """The logs with the metrics of NumPy too, in the order of `compile`."""
    if not isinstance(data, Dataset):
        return batches.completed(logs)
    if outputs is None:
        return logs
    if data.rows is not None:
        outputs = outputs[data.rows]
    own = data.alone()
    asked = model.objectives
    logs = dict(logs)
    for one, y, p, weights in zip(
        asked, arrays_in(own.y), arrays_in(outputs), each_weights(own, asked), strict=True
    ):
        if p is not None:
            names = dict(zip((m.name for m in one.metrics), one.metric_names, strict=True))
            found = accuracy.over_set(one.metrics, y, p, weights, one.loss, seen)
            logs |= {names[name]: value for name, value in found.items()}
    return {name: logs[name] for name in model.metrics_names}


def fail_on(status: str, data: Data, model: LearningModel) -> None:
    """Raises the error that a native loop's "input" stands for."""
    if status == "input":
        own = data.alone()
        _fail_on_input(own.x, own.name, model)


def _fail_on_input(x: Any, name: str, model: LearningModel) -> None:
    for i, part in enumerate(arrays_in(x)):
        called = model._ports_in.called(name, i)
        arrays.check_values(part, model.vocabularies[i], called, ALLOW)
        error = arrays.overflow_error(part, model.dtype, called)
        if error is not None:
            raise error
    raise ValueError(f"{name} must be finite; {ALLOW} allows it")


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
    logs = named(model, trainer.means)
    return complete(model, logs, data, outputs, Batchwise(model))


def evaluated(
    model: LearningModel,
    data: Data,
    batch_size: int,
    callbacks: CallbackList,
    progress: Progress,
    allow_nonfinite: bool,
) -> Logs:
    """Loss and metrics over checked data, or over batches."""
    if isinstance(data, Dataset):
        model._suit(data.x)
    outputs, batches = room(model, data), Batchwise(model)

    def make(part: Dataset, size: int) -> _core.Evaluator:
        to = batches.outputs if outputs is None else outputs
        return make_evaluator(model, part, size, allow_nonfinite, to, batches)

    evaluator = data.evaluator(make, batch_size, batches)
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
        logs = named(model, evaluator.means)
        if by_batch:
            if isinstance(data, Dataset):
                first = (evaluator.step - 1) * batch_size
                places = np.arange(first, min(first + batch_size, data.samples))
                batches.add(data, outputs, places)
            logs = batches.completed(logs)
            callbacks.call("on_test_batch_end", evaluator.step - 1, logs)
        progress.update(evaluator.step, logs)
    logs = complete(model, logs, data, outputs, batches)
    progress.end_epoch(logs)
    callbacks.call("on_test_end", logs)
    return logs


def _new_outputs(model: LearningModel, samples: int) -> Any:
    """Where the outputs for so many samples go."""
    network = model.native
    if model._ports_out.kind is object:
        return _core.new_array((samples, *network.output_shape), model.dtype)
    shapes = network.output_shapes
    return Several([_core.new_array((samples, *shape), model.dtype) for shape in shapes])


def predict_batch(model: LearningModel, x: Any, allow_nonfinite: bool) -> Any:
    """The outputs for checked features, all at once, with nobody watching."""
    if model._ports_out is ONE:
        out = _core.new_array((len(x), *model.native.output_shape), model.dtype)
    else:
        out = _new_outputs(model, len(x))
    _fill(model, out, x, len(x), allow_nonfinite)
    return out


def _fill(
    model: LearningModel,
    out: Any,
    x: Any,
    batch_size: int,
    allow_nonfinite: bool,
    seen: Callable[[int], None] | None = None,
) -> None:
    """The outputs for all of x; `seen` hears after each native call how many there are.

    A call ends when its time is over: nobody else counts how far it came.
    """
    done, samples, network = 0, len(x), model.native
    # Predictions of single samples take microseconds: no calls where one array goes in and out.
    of = x.parts if type(x) is Several else x
    to = out.parts if type(out) is Several else out
    while done < samples:
        try:
            done = network.predict(of, to, done, batch_size, SLICE_SECONDS, not allow_nonfinite)
        except MemoryError as error:
            raise too_large(batch_size, error) from None
        if done < 0:
            _fail_on_input(x, "x", model)
        if seen is not None:
            seen(done)


def predicted(
    model: LearningModel,
    x: Any,
    batch_size: int,
    callbacks: CallbackList,
    progress: Progress,
    allow_nonfinite: bool,
) -> Any:
    """The outputs for checked features."""
    out = _new_outputs(model, len(x))
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
) -> Any:
    """The outputs for batches of features, one below another."""
    parts = []
    callbacks.call("on_predict_begin", {})
    progress.begin_epoch(0, stream.length)
    for step, x in enumerate(stream.features()):
        callbacks.call("on_predict_batch_begin", step, {})
        model._suit(x)
        parts.append(predict_batch(model, x, allow_nonfinite))
        callbacks.call("on_predict_batch_end", step, {})
        progress.update(step + 1, {})
    progress.end_epoch({})
    callbacks.call("on_predict_end", {})
    return joined(parts)


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
    checked = first_features(x, stream, model)
    with model._built_for(checked):
        data: Data = stream or prepare(model, checked, y, sample_weight)
        size = data.size(batch_size)
        if isinstance(data, Dataset) and steps is not None:
            data = data.first(integer(steps, "steps", 1) * size, "steps")
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
    if model._writes("test_step"):
        raise NotImplementedError(
            f"{type(model).__name__} writes test_step, which Model.evaluate calls, and nothing "
            "else yet"
        )
    checked = model._features(x)
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
) -> Any:
    """See `Model.predict`."""
    level = verbosity(verbose)
    stream = None
    if not isinstance(x, np.ndarray):
        stream = stream_of(*(model, x, steps, "steps"), targets=False, batch_size=batch_size)
    x = model._features(x) if stream is None else stream.first_features()
    allow = boolean(allow_nonfinite, "allow_nonfinite")
    with model._built_for(x):
        size = resolve_batch_size(batch_size, len(x))
        if stream is None and steps is not None:
            x = x[: enough(len(x), integer(steps, "steps", 1) * size, "steps")]
        if stream is None and callbacks is None and level in ("auto", 0) and size == len(x):
            out = predict_batch(model, x, allow)
            return out if type(out) is np.ndarray else model._ports_out.as_given(out)
        as_given = model._ports_out.as_given
        count = -(-len(x) // size) if stream is None else stream.steps(size)
        called = CallbackList(callbacks, model, {"verbose": level, "epochs": 1, "steps": count})
        shown = for_pass(level, "Predict")
        try:
            if stream is not None:
                return as_given(_predicted_batches(model, stream, called, shown, allow))
            return as_given(predicted(model, x, size, called, shown, allow))
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
    _ = model.compiled_optimizer, model.objectives
    checked = model._features(x)
    with model._built_for(checked):
        data = prepare(model, checked, y, sample_weight).weighed(model, class_weight)
        logs = _trained(model, data, allow)
    return _result(logs, return_dict)


def _result(logs: Logs, as_dict: bool) -> Any:
    if as_dict:
        return logs
    values = list(logs.values())
    return values[0] if len(values) == 1 else values
