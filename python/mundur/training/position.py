"""The place of a training in a file, and going on from there to the bit."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .. import _core
from .._support.checks import boolean, integer, shown
from ..callbacks.base import Callback
from ..callbacks.monitors import KEPT, Monitor
from ..data.arrays import Several, arrays_in
from ..data.dataset import Data, Dataset, Order, Trainer

if TYPE_CHECKING:
    from ..optimizers.base import Optimizer
    from .learner import LearningModel

__all__ = ["Cursor", "Place", "Resumed", "resumed_from"]

Array = npt.NDArray[Any]
Tensors = dict[str, Array]
Counters = dict[str, Any]

_INTEGERS = (
    *("epoch", "step", "samples", "batch_size", "block"),
    *("iterations", "forwards", "epochs_begun"),
)


class Place(NamedTuple):
    """Where a `fit` stands."""

    epoch: int  # to go on with, counted from 0
    order: int | None  # the number that its shuffle was drawn with; None: it has not begun
    step: int  # done in it
    sums: list[float]  # of loss and metrics over those
    names: list[str]  # of loss and metrics
    samples: int
    batch_size: int
    block: int  # rows that are shuffled together; 0: all
    shuffle: bool
    # The model's own counts, by which one sees whether it has been trained otherwise since.
    iterations: int
    forwards: int
    epochs_begun: int
    callbacks: list[Counters]  # of those that count
    outputs: Any  # of the samples seen, in the set's order, where a metric wants them, or None

    def describe(self, tensors: Tensors) -> dict[str, Any]:
        """As plain data for JSON; the arrays are added to `tensors`."""
        data = {name: getattr(self, name) for name in (*_INTEGERS, "order", "names", "shuffle")}
        if isinstance(self.outputs, Several):
            named = enumerate(self.outputs)
            tensors |= {f"place/outputs/{i}": part for i, part in named if part is not None}
        elif self.outputs is not None:
            tensors["place/outputs"] = self.outputs
        callbacks: list[Counters] = []
        for i, counters in enumerate(self.callbacks):
            callbacks.append({})
            for name, value in counters.items():
                if isinstance(value, list):
                    for j, array in enumerate(value):
                        tensors[f"place/{i}/{name}/{j}"] = np.array(array)
                    value = [len(value)]
                callbacks[i][name] = value.hex() if isinstance(value, float) else value
        return data | {"sums": [value.hex() for value in self.sums], "callbacks": callbacks}

    @classmethod
    def restore(cls, data: Any, tensors: Tensors) -> Place:
        """The place of `describe`; ValueError, TypeError or KeyError for anything else."""
        sums = [float.fromhex(value) for value in data["sums"]]
        if not all(map(math.isfinite, sums)):
            raise ValueError("the sums of an epoch must be finite")
        return cls(
            **{name: integer(data[name], name) for name in _INTEGERS},
            order=None if data["order"] is None else integer(data["order"], "order"),
            sums=sums,
            names=[str(name) for name in data["names"]],
            shuffle=boolean(data["shuffle"], "shuffle"),
            callbacks=[_counters(i, c, tensors) for i, c in enumerate(data["callbacks"])],
            outputs=_outputs(tensors),
        )

    def is_of(self, model: LearningModel) -> bool:
        """Whether the model still stands there."""
        then = (self.iterations, self.forwards, self.epochs_begun)
        return model.optimizer is not None and counts(model) == then

    def check(self, order: Order, names: list[str]) -> None:
        """Raises a ValueError where an epoch cannot go on with these arguments of `fit`."""
        if self.order is None:
            return
        for name, found, given in (
            ("the number of training samples", self.samples, order.samples),
            ("batch_size", self.batch_size, order.batch_size),
            ("shuffle", self.shuffle, order.shuffle),
            ("the rows of a block of shuffle", self.block, order.block),
            ("metrics", self.names[1:], names[1:]),
        ):
            if found != given:
                raise ValueError(
                    f"{name} must be {found!r}, as in the epoch that resume_from goes on with; "
                    f"got {given!r}"
                )
        if self.step > -(-self.samples // self.batch_size):
            raise ValueError("resume_from: the file's epoch has more steps than there are batches")

    def check_outputs(self, model: LearningModel) -> None:
        """Raises a ValueError where a metric would be taken over outputs that nobody computed."""
        if self.order is None:
            return
        seen = min(self.step * self.batch_size, self.samples)
        for number, one in enumerate(model.objectives):
            if not all(metric.in_core for metric in one.metrics):
                self._check_outputs(model, number, (seen, *model.native.output_shapes[number]))

    def _check_outputs(self, model: LearningModel, number: int, wanted: tuple[int, ...]) -> None:
        parts = arrays_in(self.outputs)
        outputs = parts[number] if number < len(parts) else None
        if outputs is None or outputs.shape != wanted or outputs.dtype != model.dtype:
            found = "none" if outputs is None else f"{outputs.dtype} of {outputs.shape}"
            raise ValueError(
                f"resume_from: the file must hold the outputs of the epoch's steps so far, "
                f"{model.dtype} of shape {wanted}; it has {found}"
            )

    def set_counters(self, callbacks: Iterable[Callback]) -> None:
        """Gives each callback that counts what its like had counted."""
        left = list(self.callbacks)
        for callback in callbacks:
            if not isinstance(callback, Monitor):
                continue
            like = (type(callback).__name__, callback.monitor)
            found = next((c for c in left if (c.get("class"), c.get("monitor")) == like), None)
            if found is None:
                continue
            left.remove(found)
            for name in callback._counters:
                if name in found:
                    setattr(callback, name, found[name])


def _outputs(tensors: Tensors) -> Any:
    """What a metric wants of each output, if anything."""
    several = {
        int(name[14:]): t for name, t in tensors.items() if name.startswith("place/outputs/")
    }
    if several:
        return Several([several.get(i) for i in range(1 + max(several))])
    return tensors.get("place/outputs")


def counts(model: LearningModel) -> tuple[int, int, int]:
    """Steps, training forwards and epochs of a compiled and built model."""
    forwards = model.native.training_forwards if model.built else 0
    return model.compiled_optimizer.iterations, forwards, model.epochs_begun


def counters_of(callbacks: Iterable[Callback]) -> list[Counters]:
    """What callbacks have counted, for a file."""
    return [
        {"class": type(c).__name__, "monitor": c.monitor}
        | {name: getattr(c, name) for name in c._counters}
        for c in callbacks
        if isinstance(c, Monitor)
    ]


def _counters(index: int, data: Any, tensors: Tensors) -> Counters:
    result: Counters = {"class": str(data["class"])}
    for name, value in data.items():
        if name == "class":
            continue
        if name not in KEPT:
            raise ValueError(f"a callback keeps no {name!r}")
        if isinstance(value, str) and name != "monitor":
            value = float.fromhex(value)
        elif isinstance(value, list):
            value = [tensors[f"place/{index}/{name}/{j}"] for j in range(*value)]
        result[name] = KEPT[name](value, name)
    return result


class Resumed(NamedTuple):
    """A model that was read from a file, and its place."""

    model: LearningModel
    place: Place

    def restore(self, model: LearningModel) -> None:
        """Gives a model of the same layers everything that the file holds."""
        for name, view in self.model._parameter_views().items():
            model._parameter_views()[name] = view
        for name, view in self.model.state.items():
            model.state[name] = view
        model.native.training_forwards = self.model.native.training_forwards
        model.epochs_begun = self.model.epochs_begun
        found, optimizer = self.model.compiled_optimizer, model.compiled_optimizer
        for name, value in _differing(found, optimizer).items():
            setattr(optimizer, name, value)
        optimizer._forget()
        native = optimizer.serve(model)
        state = found._native.state()
        if state[0] or state[1] != native.state()[1]:
            native.set_state(*state)


def resumed_from(
    model: LearningModel, path: Any, initial_epoch: int, train: Data, order: Order
) -> Resumed | None:
    """What `fit` goes on from, once its arguments and the file are found to fit together."""
    if path is None:
        return None
    if not isinstance(train, Dataset):
        raise TypeError(
            "resume_from goes with x and y as arrays, without steps_per_epoch "
            "or an augment written in Python: what an iterable has given already cannot be known"
        )
    resumed = _read(model, path, initial_epoch)
    resumed.place.check(order, model.metrics_names)
    resumed.place.check_outputs(model)
    return resumed


def _read(model: Any, path: Any, initial_epoch: int) -> Resumed:
    """What a file of `Model.save` or `ModelCheckpoint` holds, if the model is the same."""
    # Reading files takes json and safetensors, which `import mundur` does without.
    from ..saving.description import describe
    from ..saving.format import read_model
    from ..saving.own import custom_objects

    if initial_epoch != 0:
        raise ValueError(f"initial_epoch comes from the file of resume_from; got {initial_epoch}")
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"resume_from must be the path of a file; got {shown(path)}")
    where = f"resume_from={os.fspath(path)!r}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of metrics, which are the model's own here
        other = read_model(path, custom_objects=custom_objects(model))
    place = other._place
    if place is None or not place.is_of(other):
        raise ValueError(f"{where}: the file was not saved within or after a fit")
    mine, found = (_comparable(describe(m, {})) for m in (model, other))
    for name, value in mine.items():
        if value != found[name]:
            raise ValueError(
                f"{where}: the model's {name} must be that of the file, {found[name]}; got "
                f"{value}. md.load_model makes the same model"
            )
    rule = model.compiled_optimizer
    for name, value in _differing(other.compiled_optimizer, rule).items():
        setter = getattr(type(rule), name, None)
        if not isinstance(setter, property) or setter.fset is None:
            raise ValueError(
                f"{where}: {name} of the optimizer must be that of the file, {value!r}; got "
                f"{getattr(rule, name)!r}"
            )
    return Resumed(other, place)


def _differing(found: Optimizer, mine: Optimizer) -> dict[str, Any]:
    """The arguments of an optimizer that another one has otherwise."""
    own = mine.get_config()
    return {n: v for n, v in found.get_config().items() if repr(v) != repr(own[n])}


def _comparable(document: Mapping[str, Any]) -> dict[str, str]:
    """What two models must have in common, as text."""
    import json

    parts: tuple[str, ...] = ("layers", "input_shape", "dtype", "compute_dtype", "seed", "loss")
    asked = document.get("objectives", [document])
    told = {**document, "loss": [(one["loss"], one.get("weight")) for one in asked]}
    parts += ("graph",) if "graph" in document else ()
    result = {name: json.dumps(told[name], sort_keys=True) for name in parts}
    return result | {"optimizer": document["optimizer"]["class"]}


class Cursor:
    """Where a training stands, epoch and step, and how it takes up a place of a file."""

    def __init__(
        self,
        model: LearningModel,
        trainer: Trainer,
        order: Order,
        outputs: Any,
        resumed: Resumed | None,
        epoch: int,
    ) -> None:
        self._model = model
        self._trainer = trainer
        self._order = order
        self._outputs = outputs
        self._place = None if resumed is None else resumed.place
        self._number = 0  # what the epoch's shuffle is drawn with
        self._walk: tuple[int, Array] | None = None  # that, and the order
        self.epoch = epoch  # at work, or to come
        self.within = False  # whether it has begun, and callbacks have not seen its end
        self.is_over = False  # whether they have
        self.undone = False  # whether its updates were taken back

    def begun_before(self) -> bool:
        """Whether this epoch is the one that the file of resume_from was saved within."""
        place = self._place
        return place is not None and place.order is not None and place.epoch == self.epoch

    def begin(self) -> None:
        """An epoch, from its first step, or from the file's."""
        if self.begun_before():
            self._go_on()
        else:
            self._number = self._model.epochs_begun
            self._trainer.begin_epoch(self._number)
            self._model.epochs_begun += 1
        self.within, self.is_over, self.undone = True, False, False

    def _go_on(self) -> None:
        place, trainer = self._place, self._trainer
        assert place is not None and place.order is not None
        assert isinstance(trainer, _core.Trainer)  # see resumed_from()
        self._number = place.order
        trainer.begin_epoch(place.order)
        trainer.resume(place.step, place.sums)
        if self._outputs is not None and place.outputs is not None:
            seen = self.seen()
            self._outputs[slice(None) if seen is None else seen] = place.outputs

    def passed(self, epochs: int) -> None:
        """Native code has gone on into later epochs by itself."""
        self.epoch += epochs
        self._model.epochs_begun += epochs
        self._number = self._model.epochs_begun - 1

    def never_began(self) -> None:
        """The epoch's first step found no memory: nothing has happened."""
        self._model.epochs_begun -= 1
        self.within = False

    def undo(self) -> None:
        """After the core went back to where this call of `fit` took the epoch up."""
        if self.begun_before():
            self._go_on()
        else:
            self.never_began()

    def end(self) -> None:
        """The epoch is over, or was taken back."""
        self.within, self.is_over = False, not self.undone

    def next(self) -> None:
        """On to the next epoch."""
        self.epoch, self.is_over = self.epoch + 1, False

    def place(self, callbacks: Iterable[Callback]) -> Place | None:
        """For a file; None where batches come from an iterable."""
        trainer, outputs = self._trainer, None
        if not isinstance(trainer, _core.Trainer):
            return None
        if self.within and self._outputs is not None:
            seen = self.seen()
            outputs = self._outputs.copy() if seen is None else self._outputs[seen]
        iterations, forwards, epochs_begun = counts(self._model)
        return Place(
            epoch=self.epoch + self.is_over,
            order=self._number if self.within else None,
            step=trainer.step if self.within else 0,
            sums=trainer.sums if self.within else [],
            names=self._model.metrics_names,
            **self._order._asdict(),
            iterations=iterations,
            forwards=forwards,
            epochs_begun=epochs_begun,
            callbacks=counters_of(callbacks),
            outputs=outputs,
        )

    def places(self, first: int, last: int) -> Array:
        """The samples of some steps of the epoch at work, in their order."""
        if self._walk is None or self._walk[0] != self._number:
            self._walk = self._number, self._order.rows(self._model.seed, self._number)
        size = self._order.batch_size
        return self._walk[1][first * size : last * size]

    def seen(self) -> Array | None:
        """The samples of an epoch that ends midway, in the set's order; None: all."""
        if self._outputs is None:
            return None
        count = min(self._trainer.step * self._order.batch_size, self._order.samples)
        if count == self._order.samples:
            return None
        return np.sort(self._order.rows(self._model.seed, self._number)[:count])
