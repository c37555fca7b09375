"""What `Model.compile` asks of each output: a loss, how much it counts, and metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import losses
from .. import metrics as known_metrics
from .._support.checks import number, shown
from ..data.arrays import Ports
from ..data.dataset import Objective
from ..losses.base import Loss
from ..losses.in_python import check_compiled

__all__ = ["are_of_several", "names_of", "objectives_of"]


def are_of_several(loss: Any, loss_weights: Any, metrics: Any, weighted_metrics: Any) -> bool:
    """Whether what was given to compile tells outputs apart, by number or by name."""
    return (
        any(_is_dict(given) for given in (loss, loss_weights, metrics, weighted_metrics))
        or any(isinstance(given, (list, tuple)) for given in (loss, loss_weights))
        or any(
            one is None or isinstance(one, (list, tuple))
            for given in (metrics, weighted_metrics)
            if isinstance(given, (list, tuple))
            for one in given
        )
    )


def objectives_of(
    ports: Ports, loss: Any, loss_weights: Any, metrics: Any, weighted_metrics: Any
) -> tuple[Objective, ...]:
    """One for each output; of a loss that is not given, None."""
    if ports.alone:
        return (_of_one(ports, loss, loss_weights, metrics, weighted_metrics),)
    chosen = [_loss(given) for given in _spread(ports, loss, "loss", _for_all)]
    weights = _weights(ports, loss_weights)
    plain = _spread(ports, metrics, "metrics", _for_none)
    weighted = _spread(ports, weighted_metrics, "weighted_metrics", _for_none)
    found = []
    for name, own, weight, *each in zip(ports.names, chosen, weights, plain, weighted, strict=True):
        both = tuple(known_metrics.get_both(*map(_listed, each)))
        if both and own is None and loss is not None:
            raise ValueError(
                f"metrics of {name!r} need a loss there, by whose targets they go; got None"
            )
        found.append(Objective(own, weight, both, name))
    if loss is not None and all(own is None for own in chosen):
        raise ValueError("loss must be given for at least one output; got None for all")
    names = names_of(found)
    for name in names:
        if names.count(name) > 1:
            raise ValueError(
                f"metrics must have distinct names, and two are {name!r}: give one of them another "
                "name=, or the outputs' layers"
            )
    return tuple(found)


def _of_one(ports: Ports, loss: Any, loss_weights: Any, metrics: Any, weighted: Any) -> Objective:
    (name,) = ports.names
    loss, loss_weights = _of_name(loss, name, "loss"), _of_name(loss_weights, name, "loss_weights")
    if isinstance(loss, (list, tuple)) and len(loss) == 1:
        loss = loss[0]
    if isinstance(loss_weights, (list, tuple)) and len(loss_weights) == 1:
        (loss_weights,) = loss_weights
    one = isinstance(loss_weights, (int, float)) and loss_weights == 1.0
    if not (one or loss_weights is None):
        raise ValueError(
            f"loss_weights must be None, a model has one loss; got {shown(loss_weights)}"
        )
    each = (_metrics_of(metrics, name, "metrics"), _metrics_of(weighted, name, "weighted_metrics"))
    return Objective(_loss(loss), 1.0, tuple(known_metrics.get_both(*each)))


def _of_name(given: Any, name: str, argument: str) -> Any:
    """What was given for the only output, by its name or by itself."""
    if not _is_dict(given):
        return given
    strange = [one for one in given if one != name]
    if strange or not given:
        raise ValueError(
            f"{argument} names {', '.join(map(repr, strange)) or 'nothing'}; the only output is "
            f"{name!r}"
            if name
            else f"{argument} must not be a dict by outputs where there is one by itself; got "
            f"{shown(given)}"
        )
    return given[name]


def _is_dict(given: Any) -> bool:
    """By outputs, that is: losses and metrics as dicts name their class."""
    return isinstance(given, dict) and "class_name" not in given


def _metrics_of(given: Any, name: str, argument: str) -> Any:
    """The list of metrics, alone or in a list of lists."""
    found = _of_name(given, name, argument)
    if found is not given and (isinstance(found, dict) or not isinstance(found, (list, tuple))):
        return _listed(found)
    if isinstance(found, (list, tuple)) and len(found) == 1 and isinstance(found[0], (list, tuple)):
        return found[0]
    return found


def names_of(objectives: Sequence[Objective]) -> list[str]:
    """What logs call the losses and the metrics, in Keras's order."""
    own = [one.loss_name for one in objectives if one.loss is not None]
    metrics = [name for one in objectives for name in one.metric_names]
    if len(objectives) == 1:
        return ["loss", *metrics]
    return ["loss", *(own if len(own) > 1 else ()), *sorted(metrics)]


def _loss(given: Any) -> Loss | None:
    if given is None:
        return None
    loss = losses.get(given)
    check_compiled(loss)
    return loss


def _listed(given: Any) -> Any:
    return given if given is None or isinstance(given, (list, tuple)) else [given]


def _for_all(given: Any, count: int) -> list[Any]:
    return [given] * count


def _for_none(given: Any, count: int) -> list[Any]:
    raise TypeError


def _spread(ports: Ports, given: Any, argument: str, otherwise: Any) -> list[Any]:
    """What was given for each output, by number or by name."""
    count, names = len(ports.names), ", ".join(map(repr, ports.names))
    if given is None:
        return [None] * count
    if isinstance(given, dict):
        strange = [name for name in given if name not in ports.names]
        if strange:
            raise ValueError(f"{argument} names {strange[0]!r}; the outputs are {names}")
        missing = [name for name in ports.names if name not in given]
        if missing and argument == "loss":
            raise ValueError(
                f"loss lacks the output {missing[0]!r}; the outputs are {names}, and None says "
                "that one has no loss"
            )
        return [given.get(name) for name in ports.names]
    if isinstance(given, (list, tuple)):
        if len(given) == count:
            return list(given)
        raise ValueError(
            f"{argument} must hold one entry for each of the {count} outputs ({names}); got "
            f"{len(given)}"
        )
    try:
        return list(otherwise(given, count))
    except TypeError:
        raise TypeError(
            f"{argument} must be a list with an entry for each of the {count} outputs, or a dict "
            f"by their names ({names}); got {shown(given)}"
        ) from None


def _weights(ports: Ports, given: Any) -> list[float]:
    weights = _spread(ports, given, "loss_weights", _for_none)
    return [
        1.0 if weight is None else number(weight, f"loss_weights of {name!r}")
        for name, weight in zip(ports.names, weights, strict=True)
    ]
