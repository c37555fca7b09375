"""Optimizers of one's own: what the core asks of a rule in Python, and how it is answered."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _core
from .._support.stand_ins import Standing

__all__ = ["Slot", "Trained", "native_optimizer", "variables_of"]

Array = npt.NDArray[Any]
Updates = list[tuple[int, Array, dict[str, Array]]]


class Trained(Standing):
    """A variable that an optimizer's `build` and `update_step` get: NumPy takes it for an array.

    Attributes
    ----------
    path : str
        "layer/parameter".
    """

    def __init__(self, number: int, path: str, shape: tuple[int, ...]) -> None:
        super().__init__(path.rpartition("/")[2], shape)
        self.path = path
        self.number = number


class Slot(Standing):
    """State of an optimizer beside a variable, of its shape."""

    def __init__(self, of: Trained, name: str) -> None:
        super().__init__(name, of.shape)
        self.number = of.number


def native_optimizer(optimizer: Any) -> _core.OutsideOptimizer:
    """What the core knows of an optimizer in Python."""
    of = weakref.ref(optimizer)

    def step(updates: Updates) -> None:
        asked = of()
        assert asked is not None
        update_all(asked, updates)

    return _core.OutsideOptimizer(step)


def update_all(optimizer: Any, updates: Updates) -> None:
    """One step: clipping, decay, the rule, the average."""
    rate = float(optimizer._native["learning_rate"])
    share = 1.0 / (optimizer.gradient_accumulation_steps or 1)
    gradients = [gradient * gradient.dtype.type(share) for _, gradient, _ in updates]
    with np.errstate(all="ignore"):
        gradients = _clipped(optimizer, gradients)
        before = [] if optimizer._seen_to_change else [a["w"].copy() for _, _, a in updates]
        for (number, _, arrays), gradient in zip(updates, gradients, strict=True):
            path = optimizer._variables[number].path
            if optimizer.weight_decay is not None and not optimizer._spares(path):
                arrays["w"] *= 1.0 - rate * optimizer.weight_decay
            _update(optimizer, optimizer._variables[number], gradient, rate, arrays)
            if optimizer.use_ema:
                _average(optimizer, arrays)
    if before:
        after = [arrays["w"] for _, _, arrays in updates]
        _check_change(optimizer, rate, gradients, before, after)


def _check_change(
    optimizer: Any, rate: float, gradients: list[Array], before: list[Array], after: list[Array]
) -> None:
    """Raises where a first step that should have changed something has changed nothing."""
    if not all(map(np.array_equal, before, after)):
        optimizer._seen_to_change = True
        return
    if any(
        (rate * abs(g) > 1e-3 * (1 + abs(w))).any() for g, w in zip(gradients, after, strict=True)
    ):
        raise ValueError(
            f"{type(optimizer).__name__}.update_step changes nothing, with gradients that are not "
            "0: change the variable in place, as variable.assign_sub(learning_rate * gradient) or "
            "variable -= ... does; variable = ... makes another one"
        )


def _clipped(optimizer: Any, gradients: list[Array]) -> list[Array]:
    if optimizer.clipvalue is not None:
        most = optimizer.clipvalue
        return [np.clip(g, -most, most) for g in gradients]
    if optimizer.clipnorm is not None:
        return [_scaled(g, _norm([g]), optimizer.clipnorm) for g in gradients]
    if optimizer.global_clipnorm is not None:
        norm = _norm(gradients)
        return [_scaled(g, norm, optimizer.global_clipnorm) for g in gradients]
    return gradients


def _norm(gradients: Sequence[Array]) -> float:
    return float(np.sqrt(sum(np.square(g, dtype=np.float64).sum() for g in gradients)))


def _scaled(gradient: Array, norm: float, most: float) -> Array:
    return gradient * gradient.dtype.type(most / norm) if norm > most else gradient


def _update(
    optimizer: Any, variable: Trained, gradient: Array, rate: float, arrays: dict[str, Array]
) -> None:
    title = f"{type(optimizer).__name__}.update_step"
    slots = [slot for slot in optimizer._own_slots if slot.number == variable.number]
    standing: list[tuple[str, Standing]] = [("w", variable), *((s.name, s) for s in slots)]
    for name, one in standing:
        one._at_work = arrays[name]
    try:
        returned = optimizer.update_step(gradient, variable, rate)
    finally:
        for _, one in standing:
            one._at_work = None
    if returned is not None:
        raise TypeError(
            f"{title} must change the variable in place, as variable.assign_sub(learning_rate * "
            f"gradient) does, and return None; got {type(returned).__name__}"
        )


def _average(optimizer: Any, arrays: dict[str, Array]) -> None:
    iterations = optimizer.iterations
    momentum = optimizer.ema_momentum if iterations > 1 else 0.0
    arrays["average"] *= momentum
    arrays["average"] += (1.0 - momentum) * arrays["w"]
    every = optimizer.ema_overwrite_frequency
    if every is not None and iterations % every == 0:
        arrays["w"][...] = arrays["average"]


def variables_of(model: Any) -> list[Trained]:
    """The parameters of a model, by their numbers in the core."""
    views = model._parameter_views().items()
    return [Trained(number, path, view.shape) for number, (path, view) in enumerate(views)]
