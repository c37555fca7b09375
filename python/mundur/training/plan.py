"""The arguments of `fit`, checked, and what they come to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .. import _core, augment
from .._support.checks import boolean, integer, number
from ..callbacks.backup import backup_among
from ..callbacks.base import CallbackList, callbacks_in
from ..data.dataset import (
    Data,
    Dataset,
    Order,
    block_rows,
    given_for_validation,
    prepare,
    resolve_batch_size,
)
from ..data.stream import (
    ArrayBatches,
    Stream,
    checked_steps,
    first_features,
    is_batches,
    stream_of,
)
from .position import Resumed, resumed_from
from .progress import Progress, for_fit, verbosity

if TYPE_CHECKING:
    from .learner import LearningModel

__all__ = ["ALL", "Plan", "Rows", "planned"]

Indices = npt.NDArray[np.int64]


class Rows(NamedTuple):
    """Which samples of the arrays a fit trains on, and validates on; None: all, and none."""

    train: Indices | None
    validation: Indices | None


ALL = Rows(None, None)


class Plan(NamedTuple):
    """What a call of `fit` comes to."""

    train: Data
    features: Any  # of all samples, or of a first batch
    validation: Data | None
    order: Order  # of samples; for an iterable its batch size alone means something
    validation_batch_size: int
    epochs: int
    initial_epoch: int
    validation_freq: int
    stop_loss: float | None
    allow_nonfinite: bool
    augment: tuple[_core.Augmentation, ...]
    callbacks: CallbackList
    progress: Progress
    params: dict[str, Any]  # for callbacks
    resumed: Resumed | None


@contextmanager
def planned(
    model: LearningModel,
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
    augmentation: Any,
    resume_from: Any,
    *,
    rows: Rows = ALL,
) -> Iterator[Plan]:
    """The plan of the arguments of `Model.fit`; within, the model is built for their data.

    Where the body fails, a model that was only built for them is unbuilt again.
    """
    level = verbosity(verbose)
    if model._loop is not None:
        raise RuntimeError("fit was called by a callback of the same model's fit")
    _ = model.compiled_optimizer, model.objectives
    last, first = integer(epochs, "epochs", 1), integer(initial_epoch, "initial_epoch")
    callbacks = callbacks_in(callbacks)
    if steps_per_epoch is not None:
        integer(steps_per_epoch, "steps_per_epoch", 1)
    stream = stream_of(
        *(model, x, steps_per_epoch, "steps_per_epoch", last - first),
        **{"y": y, "batch_size": batch_size, "sample_weight": sample_weight},
        validation_split=number(validation_split, "validation_split") or None,
    )
    checked = first_features(x, stream, model)
    with model._built_for(checked):
        data: Data = stream or prepare(model, checked, y, sample_weight)
        whole = data
        if isinstance(data, Dataset):
            data = data._replace(rows=rows.train)
            # A sample that comes twice has two outputs in an epoch, and a place for one.
            if _repeats(rows.train) and not all(metric.in_core for metric in model.metrics):
                data = data.alone()
        train, validation = _with_validation(
            model, data, validation_split, validation_data, validation_steps, last - first
        )
        model._suit(checked)  # those of the validation may be longer
        if rows.validation is not None and isinstance(whole, Dataset):
            validation = whole._replace(rows=rows.validation, name="validation x")
        train = train.weighed(model, class_weight)
        size = train.size(batch_size)
        blocks = isinstance(shuffle, str) and shuffle == "block"
        block = block_rows(checked, size) if blocks else 0
        if augmentation is not None and not model._ports_in.alone:
            raise ValueError("augment must be None where there are several inputs")
        steps, function = augment.resolve(augmentation, model.native.input_shape)
        if steps and model.vocabularies[0]:
            raise ValueError(
                "augment must be a function f(x_batch, rng) where samples are ids; Noise, "
                "Shift and Flip change numbers"
            )
        if validation_batch_size is None:
            # As it was given: `size` is no more than the samples to train on.
            validation_batch_size = batch_size if stream is None else size
        if isinstance(validation, Dataset) and validation_steps is not None:
            count = integer(validation_steps, "validation_steps", 1)
            count *= validation.size(validation_batch_size, "validation_batch_size")
            validation = validation.first(count, "validation_steps")
        samples = train.samples if isinstance(train, Dataset) else 0
        order = Order(samples, size, bool(block) or boolean(shuffle, "shuffle"), block)
        if isinstance(train, Dataset) and (function is not None or steps_per_epoch is not None):
            batches = ArrayBatches(model, train.alone(), order)
            train = stream = Stream(model, batches, steps_per_epoch)
        if stream is not None:
            stream.shuffle = order.shuffle
        if function is not None:
            assert stream is not None
            stream.transform = function
        if resume_from is None:
            resume_from = backup_among(callbacks, isinstance(train, Dataset))
        resumed = resumed_from(model, resume_from, first, train, order)
        if resumed is not None:
            first = resumed.place.epoch
        params = {"verbose": level, "epochs": last, "steps": train.steps(size)}
        yield Plan(
            train=train,
            features=checked,
            validation=validation,
            order=order,
            validation_batch_size=_size(validation, validation_batch_size),
            epochs=last,
            initial_epoch=first,
            validation_freq=integer(validation_freq, "validation_freq", 1),
            stop_loss=None if stop_loss is None else number(stop_loss, "stop_loss"),
            allow_nonfinite=boolean(allow_nonfinite, "allow_nonfinite"),
            augment=steps,
            callbacks=CallbackList(callbacks, model, params),
            progress=for_fit(level, last, first),
            params=params,
            resumed=resumed,
        )


def _repeats(rows: Indices | None) -> bool:
    return rows is not None and len(np.unique(rows)) < len(rows)


def _size(validation: Data | None, batch_size: Any) -> int:
    name = "validation_batch_size"
    if validation is None:
        return resolve_batch_size(batch_size, 1, name)
    return validation.size(batch_size, name)


def _with_validation(
    model: LearningModel, data: Data, fraction: Any, given: Any, steps: Any, passes: int
) -> tuple[Data, Data | None]:
    """What to train on and what to validate on, from fit's arguments for them."""
    if given is not None:
        number(fraction, "validation_split", at_least=0, below=1)
        if is_batches(given):
            steps = checked_steps(steps, "validation_steps")
            return data, Stream(model, given, steps, "validation_data", passes=passes, restart=True)
    return data.split(fraction) if given is None else (data, given_for_validation(model, given))
