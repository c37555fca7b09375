"""A model as it was when it was explained: for its update, and for central differences."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .asked import checked, loss_value
from .formulas import Rule, rule_of

if TYPE_CHECKING:
    from ..models.model import Model
    from ..optimizers.base import Optimizer

__all__ = ["Again", "Update", "snapshot", "told", "update"]

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Again:
    """What makes the model again, and the loss that it was explained with.

    Attributes
    ----------
    made : tuple or None
        As of `pickle`: a function and its arguments.
    loss : Loss
    reason : str
        Why the model cannot be made again, if so.
    """

    made: tuple[Any, ...] | None
    loss: Any
    reason: str = ""

    def model(self) -> tuple[Model | None, str]:
        """A model of its own, with the numbers and the optimizer of then; else why there is none.

        Pieces of one's own may have names that are not their own, as lambdas have.
        """
        if self.made is None:
            return None, self.reason
        make, arguments, *_ = self.made
        try:
            return make(*arguments), ""
        except Exception as error:
            return None, told(error)

    def __getstate__(self) -> dict[str, Any]:
        """What pickle keeps: an explanation has a pickle, whatever its loss and layers are."""
        pieces = () if self.made is None else self.made[1][1:]
        try:
            pickle.dumps((self.loss, pieces))
        except Exception as error:  # a lambda's, or the caller's own
            return {"made": None, "loss": None, "reason": told(error)}
        return dict(vars(self))


def snapshot(model: Model, loss: Any) -> Again:
    """See `Again`; what a file cannot hold is no error here, but a reason."""
    try:
        return Again(model.__reduce__(), loss)
    except Exception as error:  # of a user's own piece, too
        return Again(None, loss, told(error))


def told(error: Exception) -> str:
    """An error in a line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


@dataclass(frozen=True, eq=False)
class Update:
    """What the compiled optimizer makes of the gradients: one step.

    Attributes
    ----------
    optimizer : str
        As it is written in Python.
    learning_rate : float
    rule : Rule
    parameters : dict of str to ndarray
        The new ones, by "layer/parameter"; those that learn.
    before, after : dict of str to dict of str to ndarray
        The optimizer's state beside each parameter, by its name and the state's.
    loss : float
        L + R of the same samples after the step.
    """

    optimizer: str
    learning_rate: float
    rule: Rule
    parameters: dict[str, Array]
    before: dict[str, dict[str, Array]]
    after: dict[str, dict[str, Array]]
    loss: float


def update(again: Again, x: Any, y: Any, gradients: dict[str, Array]) -> Update | None:
    """One step of the optimizer by those gradients; None where there is none, or no model."""
    model, _ = again.model()
    if model is None or model.optimizer is None:
        return None
    optimizer = model.optimizer
    text, rate, rule = repr(optimizer), float(optimizer.learning_rate), rule_of(optimizer)
    for name, gradient in gradients.items():
        model.gradients[name] = gradient
    before = _states(model, optimizer)
    optimizer.step(model)
    after = _states(model, optimizer)
    parameters = {name: model.parameters[name].copy() for name in gradients}
    x, loss = checked(model, x, y, again.loss)
    value = loss_value(loss, y, model.forward(x)) + model.penalty()
    first = rule.numbers.get("initial_accumulator_value", 0.0)
    new = {
        name: {
            slot: np.full_like(value, first if slot in ("sum", "accumulator") else 0)
            for slot, value in of.items()
        }
        for name, of in after.items()
    }
    return Update(text, rate, rule, parameters, before or new, after, value)


def _states(model: Model, optimizer: Optimizer) -> dict[str, dict[str, Array]]:
    """The optimizer's vectors cut at the parameters; empty before the first step."""
    slots, _ = optimizer._native.state()
    flat = model.native.flat_parameters
    vectors = {name: value for name, value in slots.items() if np.shape(value) == flat.shape}
    if not vectors:
        return {}
    first = flat.__array_interface__["data"][0]
    found = {}
    for name, view in model.parameters.items():
        start = (view.__array_interface__["data"][0] - first) // flat.itemsize
        part = slice(start, start + view.size)
        found[name] = {
            slot: np.array(value[part]).reshape(view.shape) for slot, value in vectors.items()
        }
    return found
