"""Passes batch by batch: what the core is given of each, and the metrics of NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .. import _core
from ..data.arrays import Several, arrays_in, for_core
from ..data.dataset import Dataset
from ..data.targets import seen
from ..losses.in_python import core_targets, core_weights
from ..metrics import accuracy

if TYPE_CHECKING:
    from .learner import LearningModel

__all__ = ["Batchwise", "each_weights", "rooms", "told"]


def each_weights(data: Dataset, outputs: Any) -> tuple[Any, ...]:
    """The weights of each output."""
    return (None,) * len(outputs) if data.weights is None else arrays_in(data.weights)


def rooms(model: LearningModel, samples: int) -> Any:
    """Where the outputs for so many samples go, if a metric asks for them."""
    found = [
        accuracy.room(one.metrics, (samples, *shape), model.dtype)
        for one, shape in zip(model.objectives, model.native.output_shapes, strict=True)
    ]
    if len(found) == 1:
        return found[0]
    return None if all(one is None for one in found) else Several(found)


def told(model: LearningModel, data: Dataset) -> tuple[Any, Any, list[list[str]]]:
    """Targets and weights as the core reads them, and the forms of accuracy of each output."""
    targets: list[Any] = []
    weights: list[Any] = []
    forms: list[list[str]] = []
    asked = model.objectives
    each = zip(asked, model.native.output_shapes, arrays_in(data.y), strict=True)
    for (one, shape, y), own in zip(each, each_weights(data, asked), strict=True):
        whole = (len(data.x), *shape)
        if one.loss is not None:
            y, whole = seen(one.loss, y, whole)
        forms.append([] if one.loss is None else accuracy.forms(one.metrics, y.shape, whole))
        targets.append(None if one.loss is None else core_targets(one.loss, y, whole, forms[-1]))
        weights.append(None if one.loss is None else core_weights(one.loss, own))
    if len(asked) == 1:
        return targets[0], weights[0], forms
    return tuple(targets), None if data.weights is None else tuple(weights), forms


class Batchwise:
    """A pass over a model's batches as they come."""

    data: Dataset | None = None  # the batch at hand
    outputs: Any = None  # and where its outputs go, where a metric asks for them

    def __init__(self, model: LearningModel) -> None:
        self._model = model
        self._running = [accuracy.Running(one.metrics, one.loss) for one in model.objectives]

    def begin(self) -> None:
        """A new pass."""
        for running in self._running:
            running.reset()

    def take(self, data: Dataset) -> tuple[Any, Any, Any]:
        """The next batch: its targets and weights as the core reads them, room for its outputs."""
        if self.outputs is None or len(self.outputs) != len(data.x) or self._model._is_open:
            self.outputs = rooms(self._model, len(data.x))
        self.data = data
        targets, weights, _ = told(self._model, data)
        return targets, weights, for_core(self.outputs)

    def took(self) -> None:
        """The core is done with it."""
        if self.data is not None and self.outputs is not None:
            self._add(self.data, self.outputs)

    def add(self, data: Dataset, outputs: Any, places: npt.NDArray[np.int64]) -> None:
        """These samples of a set that is here as a whole."""
        if outputs is not None:
            rows = places if data.rows is None else data.rows[places]
            weights = None if data.weights is None else data.weights[rows]
            part = data._replace(x=data.x[:0], y=data.y[rows], weights=weights)
            with _core.to_nearest:
                self._add(part, outputs[rows])

    def _add(self, data: Dataset, outputs: Any) -> None:
        each = zip(arrays_in(data.y), each_weights(data, self._running), strict=True)
        for running, p, (y, weights) in zip(self._running, arrays_in(outputs), each, strict=True):
            if p is not None:
                running.add(y, p, weights)

    def completed(self, logs: dict[str, float]) -> dict[str, float]:
        """The logs with every metric so far, in the order of `compile`."""
        logs = dict(logs)
        for running, one in zip(self._running, self._model.objectives, strict=True):
            names = dict(zip((m.name for m in one.metrics), one.metric_names, strict=True))
            logs |= {names[name]: value for name, value in running.values().items()}
        return {name: logs[name] for name in self._model.metrics_names}
