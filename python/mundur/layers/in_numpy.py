"""Layers in NumPy: how the core's questions are answered, and a first look at what a class does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

from .._support.checks import shown
from .._support.derivatives import Trial, first_difference
from .._support.names import takes_training
from .weight import Weight

__all__ = ["Work", "first_look"]

Array = npt.NDArray[Any]
Shape = tuple[int, ...]

_SAMPLES = 3  # of a first look


class Work:
    """One call of a layer within a program: what the core asks, and how it is answered."""

    def __init__(self, layer: Any, output: Shape | None) -> None:
        self._layer = layer
        self._output = output
        self._saved = SimpleNamespace()
        self._arrays: dict[str, Array] = {}
        self._shapes: list[Shape] = []

    def forward(
        self,
        inputs: list[Array],
        parameters: list[Array],
        states: list[Array],
        training: bool,
        seed: int,
        stream: int,
        count: int,
    ) -> Array:
        """The output; arrays of state are changed in place."""
        layer = self._layer
        for array in parameters:
            array.flags.writeable = False
        names = (*layer._of_weights(True), *layer._of_weights(False))
        self._arrays = dict(zip(names, (*parameters, *states), strict=True))
        self._saved = SimpleNamespace()
        self._shapes = [x.shape for x in inputs]
        key = np.array([seed, (stream << 48) + count], np.uint64)
        random = np.random.Generator(np.random.Philox(key=key))
        options = {"training": training} if takes_training(type(layer).forward) else {}
        with self._at_work(random):
            y = layer.forward(inputs if layer._merges else inputs[0], **options)
        wanted = None if self._output is None else (len(inputs[0]), *self._output)
        return self._real(y, inputs[0].dtype, wanted, "forward must return y")

    def backward(self, dy: Array) -> list[Array]:
        """The gradients of inputs, then those of parameters."""
        with self._at_work(None):
            made = self._layer.backward(dy)
        learning = self._layer._of_weights(True)
        dx: Any = made
        told: Mapping[str, Any] = {}
        if isinstance(made, tuple) and len(made) == 2 and isinstance(made[1], Mapping):
            dx, told = made
        if set(told) != set(learning):
            raise ValueError(
                f"{self._title}.backward must return (dx, {{name: dw}}) with the gradients of "
                f"{sorted(learning) or 'no weights'}; got those of {sorted(told) or 'none'}"
            )
        every = list(dx) if self._layer._merges else [dx]
        if len(every) != len(self._shapes):
            raise ValueError(
                f"{self._title}.backward must return ∂L/∂x of each of the {len(self._shapes)} "
                f"inputs; got {len(every)}"
            )
        gradients = [
            self._real(one, dy.dtype, shape, f"backward must return ∂L/∂x{_number(every, i)}")
            for i, (one, shape) in enumerate(zip(every, self._shapes, strict=True))
        ]
        for name, weight in learning.items():
            what = f"backward must return ∂L/∂{name}"
            gradients.append(self._real(told[name], dy.dtype, weight.shape, what))
        return gradients

    @property
    def _title(self) -> str:
        return type(self._layer).__name__

    @contextmanager
    def _at_work(self, random: np.random.Generator | None) -> Iterator[None]:
        """The layer has the arrays of this call, and what it saved."""
        layer = self._layer
        for name, array in self._arrays.items():
            layer._declared[name]._at_work = array
        vars(layer)["saved"] = self._saved
        if random is not None:
            vars(layer)["random"] = random
        try:
            yield
        finally:
            for name in self._arrays:
                layer._declared[name]._at_work = None
            for name in ("saved", "random"):
                vars(layer).pop(name, None)

    def _real(self, value: Any, dtype: Any, shape: Shape | None, what: str) -> Array:
        array = np.asarray(value)
        if array.dtype.kind not in "biuf":
            raise TypeError(f"{self._title}.{what}, real numbers; got {shown(value)}")
        if shape is not None and array.shape != shape:
            raise ValueError(f"{self._title}.{what} of shape {shape}; got {array.shape}")
        with np.errstate(over="ignore"):
            return np.ascontiguousarray(array, dtype)


def _number(every: list[Any], i: int) -> str:
    return f"[{i}]" if len(every) > 1 else ""


def first_look(layer: Any, shapes: Sequence[Shape]) -> Shape:
    """The output's shape, found by a forward of a few samples, whose gradients are checked."""
    trial = _Trial(layer, shapes)
    shape = trial.output_shape()
    if layer.checks_gradient:
        for training in (False, True)[: 1 + takes_training(type(layer).forward)]:
            trial.check(training)
    return shape


class _Trial:
    """A layer on random samples in float64, with weights near those that it would begin with."""

    def __init__(self, layer: Any, shapes: Sequence[Shape]) -> None:
        self._layer = layer
        self._shapes = [(_SAMPLES, *shape) for shape in shapes]
        self._weights = {
            name: _begun(one, number) for number, (name, one) in enumerate(layer._declared.items())
        }
        x = "inputs" if "x" in layer._declared else "x"
        self._inputs = [f"{x}[{i}]" if len(shapes) > 1 else x for i in range(len(shapes))]

    def output_shape(self) -> Shape:
        """That of one sample."""
        at = self._point(np.random.default_rng(0))
        y, again = (self._run(at, False)[1] for _ in range(2))
        title = type(self._layer).__name__
        if y.ndim == 0 or len(y) != _SAMPLES:
            raise ValueError(
                f"{title}.forward must return one row for each of the batch's {_SAMPLES} samples; "
                f"got shape {y.shape}"
            )
        if not np.array_equal(y, again, equal_nan=True):
            raise ValueError(
                f"{title}.forward gives other numbers for the same samples: draw random ones from "
                "self.random, which repeats itself with the step"
            )
        return y.shape[1:]

    def check(self, training: bool) -> None:
        """Raises a ValueError where backward is not the derivative of forward."""
        found = first_difference(lambda random: self._trial(random, training))
        if found is None:
            return
        mode = " in training" if training else ""
        raise ValueError(
            f"{type(self._layer).__name__}.backward{mode}: ∂L/∂{found.name} is not the derivative "
            f"of forward: {found}. To go without this check, set checks_gradient = False"
        )

    def _trial(self, random: np.random.Generator, training: bool) -> Trial | None:
        at = self._point(random)
        work, y = self._run(at, training)
        if not np.isfinite(y).all():  # of another domain
            at |= {name: random.uniform(0.1, 0.9, at[name].shape) for name in self._inputs}
            work, y = self._run(at, training)
        if not np.isfinite(y).all():
            return None
        r = random.standard_normal(y.shape)
        names = (*self._inputs, *self._layer._of_weights(True))
        told = dict(zip(names, work.backward(r.copy()), strict=True))
        return Trial(at, lambda point: float((self._run(point, training)[1] * r).sum()), told)

    def _point(self, random: np.random.Generator) -> dict[str, Array]:
        x = {
            name: random.standard_normal(shape)
            for name, shape in zip(self._inputs, self._shapes, strict=True)
        }
        return x | {
            name: value + 0.1 * random.standard_normal(value.shape)
            if self._layer._declared[name].learns
            else value
            for name, value in self._weights.items()
        }

    def _run(self, at: Mapping[str, Array], training: bool) -> tuple[Work, Array]:
        work = Work(self._layer, None)
        given = (self._inputs, self._layer._of_weights(True), self._layer._of_weights(False))
        inputs, _, states = ([np.array(at[name]) for name in names] for names in given)
        parameters = [np.asarray(at[name]).view() for name in given[1]]
        with np.errstate(all="ignore"):
            return work, work.forward(inputs, parameters, states, training, 0, 0, 0)


def _begun(weight: Weight, number: int) -> Array:
    values = np.zeros(weight.shape)
    weight.initializer.start(values, 0, number)
    return values
