"""Pieces of the user's own in files, which hold their names and arguments alone."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from .. import losses, metrics
from .._support.config import Configurable
from .._support.registered import REGISTERED, name_of
from ..activations import Custom
from ..layers.base import Layer
from ..layers.container import Nested
from ..models.model import Model

__all__ = [
    "MissingCustomObject",
    "custom_activations",
    "custom_objects",
    "described",
    "described_metric",
    "describes_layers",
    "found",
    "found_metric",
    "holds_layers",
    "mapped",
    "warn_of_steps",
]


class MissingCustomObject(ValueError):
    """A sound file needs a class or a function that only the caller has."""


def warn_of_steps(model: Model) -> None:
    """Of what a class writes that files do not hold."""
    written = [name for name in ("train_step", "test_step") if model._writes(name)]
    if written:
        warnings.warn(
            f"{type(model).__name__} writes {' and '.join(written)}, which a file or a copy does "
            "not hold: what comes back is a plain Model of the same layers and numbers",
            UserWarning,
            stacklevel=4,
        )


def custom_objects(model: Model) -> dict[str, Any]:
    """What a file of the model only names; pickle takes classes and functions by reference."""
    pieces: dict[str, Any] = dict(custom_activations(model.layers))
    for layer in _all_layers(model.layers):
        pieces |= layer._own_pieces()
    for loss in (one.loss for one in model._objectives if one.loss is not None):
        if isinstance(loss, losses.Custom):
            pieces[loss.name] = loss
        elif losses.CLASS_NAMES.get(type(loss).__name__) is not type(loss):
            pieces[name_of(type(loss))] = type(loss)
    for metric in model.metrics:
        if isinstance(metric, metrics.MeanMetricWrapper):
            pieces[metric.name] = metric.fn
    own = [metric for metric in model.metrics if not _is_ours(metric)]
    optimizer: Any = model.optimizer
    if optimizer is not None and not _is_ours(optimizer):
        own.append(optimizer)
    return pieces | {name_of(type(piece)): type(piece) for piece in own}


def _is_ours(piece: Any) -> bool:
    return type(piece).__module__.startswith("mundur.")


def _all_layers(layers: Iterable[Any]) -> Iterator[Any]:
    """Layers, those of models and within layers too."""
    for layer in layers:
        if isinstance(layer, Model):
            yield from _all_layers(layer.layers)
        else:
            yield layer
            yield from _all_layers(layer.inner if isinstance(layer, Nested) else layer._within())


def custom_activations(layers: Iterable[Any]) -> dict[str, Custom]:
    """By the names that stand for them in a file."""
    found: dict[str, Custom] = {}
    for layer in _all_layers(layers):
        piece = getattr(layer, "activation", None)
        if not isinstance(piece, Custom):
            continue
        other = found.setdefault(piece.name, piece)
        if (other.f, other.f_prime) != (piece.f, piece.f_prime):
            raise ValueError(
                f"two custom activations are named {piece.name!r}, and a file holds only names; "
                "give them names of their own with md.activations.Custom(f, f_prime, name=...)"
            )
    return found


def described(piece: Configurable) -> dict[str, Any]:
    """A piece of a class of the user's: its name and its arguments."""
    cls = type(piece)
    try:
        config = piece.get_config()
    except AttributeError as error:
        raise ValueError(
            f"to be saved, {cls.__name__} must keep its constructor's arguments as "
            f"attributes of the same names, or write get_config: {error}"
        ) from None
    return {"class": name_of(cls), "config": config, "custom": True}


def described_metric(metric: metrics.Metric) -> dict[str, Any]:
    """What of a metric in Python is no function or other thing of Python's."""
    if isinstance(metric, metrics.MeanMetricWrapper):
        return {}
    try:
        entry = described(metric)
        json.dumps(entry)
    except (ValueError, TypeError):  # a name is enough to say what is missing
        return {}
    return entry


def found_metric(entry: Any, custom: Mapping[str, Any]) -> metrics.Metric | None:
    """The metric of an entry, where its class or its function is among the caller's."""
    try:
        if "class" not in entry:
            name = str(entry["python"])
            return metrics.MeanMetricWrapper(found(name, custom, "metric"), name=name)
        cls = found(str(entry["class"]), custom, "metric", metrics.Metric)
    except MissingCustomObject:
        return None
    made: metrics.Metric = cls.from_config(entry["config"])
    return made


def found(name: str, custom: Mapping[str, Any], what: str, kind: type | None = None) -> Any:
    """The piece of that name, among the caller's and what is registered.

    `kind` is the class that it must be a subclass of; without one it is a function.
    """
    plain = name.rpartition(">")[2]
    known = custom.get(name, custom.get(plain, REGISTERED.get(name)))
    if known is None:
        its = "class" if kind is not None else "function"
        rest = "" if what in ("layer", "function") else ", compile=False leaves it out"
        raise MissingCustomObject(
            f"the {what} {plain} is a {its} of its author's: load_model(path, "
            f'custom_objects={{"{plain}": {plain}}}) loads it{rest}'
        )
    if kind is not None and not (isinstance(known, type) and issubclass(known, kind)):
        raise MissingCustomObject(
            f"custom_objects[{name!r}] must be a subclass of {kind.__name__}; got {known!r}"
        )
    return known


# ---- layers among a layer's arguments --------------------------------------------------------


def holds_layers(value: Any) -> bool:
    """Whether an argument is a layer, or a list, tuple or dict with one."""
    return _any(value, lambda one: isinstance(one, Layer))


def describes_layers(value: Any) -> bool:
    """Whether it is what a file has of one of those."""
    return _any(value, _is_entry)


def _is_entry(value: Any) -> bool:
    return isinstance(value, dict) and list(value) == ["layer"]


def _any(value: Any, holds: Callable[[Any], bool]) -> bool:
    if holds(value):
        return True
    inner = value.values() if isinstance(value, dict) else value
    return isinstance(value, (list, tuple, dict)) and any(_any(one, holds) for one in inner)


def mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """The same with each layer, or what a file has of one, changed."""
    if isinstance(value, Layer) or _is_entry(value):
        return change(value)
    if isinstance(value, dict):
        return {key: mapped(one, change) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [mapped(one, change) for one in value]
    return value
