"""A case built: its data, its model, what a training of it comes to."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

import mundur as md
import numpy as np
import numpy.typing as npt
from mundur import _core
from mundur.training import passes  # how long a native call takes is no argument

from cases import targets_of
from fuzz_case import Case, Piece, Shape
from states import training_state

Array = npt.NDArray[Any]
ALLOW = {"allow_nonfinite": True, "verbose": 0}


class Refused(Exception):
    """A case that the package refuses with a sentence, as it may."""


class Broken(AssertionError):
    """A law that does not hold."""


def same(found: dict[str, Any], expected: dict[str, Any], where: str) -> None:
    """Raises where two accounts differ, with the names of what does."""
    names = [n for n in expected if found.get(n) != expected[n]]
    if not names and found.keys() == expected.keys():
        return
    small = [n for n in names if n in ("logs", "evaluation", "end", "scalars", "forwards")]
    shown = "".join(f"\n  {n}: {found.get(n)!r}\n  not {expected[n]!r}" for n in small)
    raise Broken(f"{where}: {', '.join(names)} differ{shown}")


class Squares(md.Loss):
    """A loss in Python: the weighted mean of squares."""

    def get_config(self) -> dict[str, Any]:
        return {}

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
        return float(np.sum(_shares(y_pred, sample_weight) * (y_pred - y_true) ** 2))

    def gradient(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Array:
        return np.asarray(2 * _shares(y_pred, sample_weight) * (y_pred - y_true), y_pred.dtype)


def _shares(y_pred: Array, weights: Array | None) -> Array:
    w = np.ones(len(y_pred)) if weights is None else np.asarray(weights, float)
    each = w / w.sum() / (y_pred.size / len(y_pred))
    return each.reshape(-1, *[1] * (y_pred.ndim - 1))


def sin(z: Array) -> Array:
    with np.errstate(invalid="ignore"):
        return np.asarray(np.sin(z))


def cos(z: Array) -> Array:
    with np.errstate(invalid="ignore"):
        return np.asarray(np.cos(z))


CUSTOM = {"Squares": Squares, "sin": (sin, cos)}
MODULES = ("layers", "losses", "optimizers", "regularizers", "constraints", "schedules")


def made(value: Any, library: Any = md) -> Any:
    """What a piece describes, of mundur's classes or of the textbook's."""
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], dict):
        name, arguments = value
        if name == "Squares":
            return Squares()
        modules = [getattr(library, m) for m in MODULES if hasattr(library, m)]
        cls = next(getattr(m, name) for m in modules if hasattr(m, name))
        return cls(**{key: made(entry, library) for key, entry in arguments.items()})
    if isinstance(value, list):
        return [made(entry, library) for entry in value]
    return CUSTOM["sin"] if value == "sin" else value


def chain_of(layers: tuple[Piece, ...], shape: Shape, **options: Any) -> md.Model:
    """The layers as a model; of masks that they drop nobody needs to be told."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return md.Model([made(piece) for piece in layers], input_shape=shape, **options)


def built(case: Case, metrics: tuple[str, ...] | None = None) -> md.Model:
    """The case's model, compiled; Refused where the package refuses it."""
    types = (
        {"dtype": "float32", "compute_dtype": case.dtype}
        if case.dtype.startswith("bfloat16")
        else {"dtype": case.dtype}
    )
    try:
        model = chain_of(case.layers, case.shape, seed=case.seed, **types)
        for pattern in case.frozen:
            if any(np.char.find(name, pattern.strip("*")) >= 0 for name in model.parameters):
                model.freeze(pattern)
        wanted = case.metrics if metrics is None else metrics
        model.compile(made(case.optimizer), made(case.loss), metrics=list(wanted))
    except (ValueError, TypeError) as error:
        raise Refused(str(error)) from None
    return model


class Data(NamedTuple):
    """A case's arrays, and fit's arguments for their weights."""

    x: Array
    y: Array
    weighing: dict[str, Any]

    @property
    def weights(self) -> Array | None:
        return self.weighing.get("sample_weight")

    @property
    def nothing(self) -> Array:
        """Which rows weigh nothing by themselves."""
        return np.zeros(len(self.x), bool) if self.weights is None else self.weights == 0


def data_of(case: Case, output_shape: Shape, samples: int | None = None, salt: int = 1) -> Data:
    """Samples, targets and weights."""
    rng = np.random.default_rng([case.seed, salt])
    n = case.samples if samples is None else samples
    y = targets_of(case.targets, (n, *output_shape), rng)
    weights = rng.uniform(0.5, 2, n)
    weights[rng.random(n) < 0.3] = 0 if case.weights in ("zeros", "nan") else 1.5
    x = inputs(case, rng, n)
    if case.weights == "nan" and not case.ids and x.dtype.kind == "f":
        rows = (weights == 0) & (rng.random(n) < 0.6)  # others weigh nothing, but are finite
        holes = rows.reshape(-1, *[1] * (x.ndim - 1)) & (rng.random(x.shape) < 0.7)
        x[holes] = rng.choice([np.nan, np.inf, -np.inf], size=int(holes.sum()))
    weighing: dict[str, Any] = {} if case.weights == "none" else {"sample_weight": weights}
    if case.class_weight:
        weighing["class_weight"] = {0: 2.0, 1: 0.0}
    return Data(x, y, weighing)


def inputs(case: Case, rng: np.random.Generator, n: int) -> Array:
    """Random features or ids."""
    if case.ids:
        return rng.integers(0 if case.pads else 1, case.ids, (n, *case.shape)).astype(case.features)
    x = rng.normal(size=(n, *case.shape))
    name, arguments = case.layers[0]
    if name == "Masking" and case.pads:
        x[rng.random(size=x.shape[:-1]) < 0.3] = arguments.get("mask_value", 0.0)
    if case.features == "strided":
        return np.asfortranarray(np.repeat(x, 2, axis=0))[::2]
    return (2 * x if case.features == "int8" else x).astype(case.features)


class Run(NamedTuple):
    """A model behind a training, and what fit told."""

    model: md.Model
    logs: dict[str, list[float]]
    end: str


def fitted(case: Case, data: Data, model: md.Model | None = None, **options: Any) -> Run:
    """The case's training; a loss that is not finite is an end like others."""
    model = built(case) if model is None else model
    if case.augment:
        options = {"augment": md.augment.Noise(0.1), **options}
    given = {
        **{"batch_size": case.batch_size, "epochs": case.epochs, "shuffle": case.shuffle},
        **{"x": data.x, "y": data.y, **data.weighing, **ALLOW, **options},
    }
    with np.errstate(all="ignore"):
        try:
            history = model.fit(**given)
            return Run(model, history.history, history.stop_reason)
        except md.NonFiniteLossError as error:
            return Run(model, model.history.history if model.history else {}, str(error))


def first_run(case: Case) -> tuple[Data, Run]:
    """Data and a training; Refused where the package takes them not."""
    model = built(case)
    data = data_of(case, model.output_shape)
    try:
        return data, fitted(case, data, model)
    except (ValueError, TypeError) as error:
        raise Refused(str(error)) from None


def bits(array: Any) -> bytes:
    """An array to the bit, but for what NaNs carry."""
    array = np.array(array)
    if array.dtype.kind == "f":
        array[np.isnan(array)] = np.nan
    return array.tobytes()


def state(model: md.Model) -> dict[str, Any]:
    """Everything that training changes, by name."""
    names = ("weights", "optimizer", "scalars", "settings", "forwards", "epochs")
    found = dict(zip(names, training_state(model), strict=True))
    assert model.optimizer is not None
    arrays, _ = model.optimizer._native.state()
    slots = {name: bits(array) for name, array in arrays.items()}
    return found | {"settings": repr(found["settings"]), "optimizer": slots}


def told(logs: dict[str, list[float]]) -> dict[str, list[str]]:
    """Logs to the bit."""
    return {name: [float(value).hex() for value in values] for name, values in logs.items()}


def everything(case: Case, run: Run, data: Data) -> dict[str, Any]:
    """What a training left, and what the model then says of its data."""
    found = {**state(run.model), "logs": told(run.logs), "end": run.end}
    if run.end == "epochs":
        weighing = {} if data.weights is None else {"sample_weight": data.weights}
        size = case.batch_size
        found["predictions"] = bits(run.model.predict(data.x, size, **ALLOW))
        with np.errstate(all="ignore"):
            logs = run.model.evaluate(data.x, data.y, size, return_dict=True, **weighing, **ALLOW)
            found["evaluation"] = told({name: [value] for name, value in logs.items()})
            y = run.model.forward(data.x, training=True)
            found["dx"] = bits(run.model.backward(np.cos(np.arange(y.size)).reshape(y.shape)))
            found["gradients"] = {n: bits(g) for n, g in run.model.gradients.items()}
    return found


@contextmanager
def slices_of(seconds: float) -> Iterator[None]:
    """Native calls that return so soon that small cases take many."""
    before = passes.SLICE_SECONDS
    passes.SLICE_SECONDS = seconds
    try:
        yield
    finally:
        passes.SLICE_SECONDS = before


@cache
def isas() -> tuple[str, ...]:
    return tuple(_core.available_isas())
