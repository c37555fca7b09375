"""A model as it was when it was explained: for its update, and for central differences."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .arguments import bare, checked, loss_value
from .lines import Line, Rule, Worked, work
from .rules import is_factored, rule_of

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
    rules : dict of str to Rule
        By "layer/parameter"; of those that learn.
    worked : dict of str to Worked or None
        The rules with their numbers; None where the new weights are not what the lines make.
    parameters : dict of str to ndarray
        The new ones.
    loss : float
        L + R of the same samples after the step.
    """

    optimizer: str
    learning_rate: float
    rules: dict[str, Rule]
    worked: dict[str, Worked | None]
    parameters: dict[str, Array]
    loss: float

    def lines(self, *paths: str) -> list[Line]:
        """The lines of these parameters, of all if none are named, each formula once."""
        found: dict[str, Line] = {}
        for path in paths or self.rules:
            for line in self.rules[path].lines:
                found.setdefault(line.formula, line)
        return list(found.values())

    @property
    def waits(self) -> int:
        """How many batches more are added up before the weights move."""
        return max((rule.waits for rule in self.rules.values()), default=0)


def update(
    again: Again, x: Any, y: Any, gradients: dict[str, Array], is_penalised: bool
) -> Update | None:
    """One step of the optimizer by those gradients; None where there is none, or no model."""
    model, _ = again.model()
    if model is None or model.optimizer is None:
        return None
    optimizer = model.optimizer
    text, rate = repr(optimizer), float(optimizer.learning_rate)
    rules = _rules(model, optimizer, gradients, is_penalised)
    before, old = _states(model, optimizer), {}
    for name, gradient in gradients.items():
        model.gradients[name] = gradient
        old[name] = model.parameters[name].copy()
    optimizer.step(model)
    after = _states(model, optimizer)
    parameters = {name: model.parameters[name].copy() for name in gradients}
    x, y, loss = checked(model, x, y, again.loss)
    value = loss_value(loss, y, bare(model, model.forward(x), "y_pred")) + model.penalty()
    known: dict[str, dict[str, Any]] = {}
    for name, gradient in gradients.items():
        first = rules[name].numbers.get("initial_accumulator_value", 0.0)
        new = {
            slot: np.full_like(v, first if slot in ("sum", "accumulator") else 0)
            for slot, v in after.get(name, {}).items()
        }
        known[name] = {"w": old[name], "g": gradient} | new | before.get(name, {})
    of_all: dict[str, float] = {}
    if any("squares_of_all" in line.places for rule in rules.values() for line in rule.lines):
        of_all["squares_of_all"] = sum(_squares(of, rules[name]) for name, of in known.items())
    worked = {
        name: work(
            rules[name],
            of | of_all,
            {f"{slot}'": v for slot, v in after.get(name, {}).items()},
            parameters[name],
        )
        for name, of in known.items()
    }
    return Update(text, rate, rules, worked, parameters, value)


def _rules(
    model: Model, optimizer: Optimizer, gradients: dict[str, Array], is_penalised: bool
) -> dict[str, Rule]:
    graph, found = model._graph_built, {}
    for place, layer in zip(graph.names, graph.layers, strict=True):
        for own, constraint in layer.parameter_constraints.items():
            found[f"{place}/{own}"] = constraint
    return {
        name: rule_of(
            optimizer,
            gradient.shape,
            found.get(name),
            optimizer._spares(name),
            is_penalised,
        )
        for name, gradient in gradients.items()
    }


def _squares(known: dict[str, Any], rule: Rule) -> float:
    """Σ g² as clipping by the norm of all gradients takes it."""
    g = np.asarray(known["g"], np.float64)
    if "accumulated" in known:
        g = (g + known["accumulated"]) / rule.numbers["gradient_accumulation_steps"]
    return float(np.sum(g**2))


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
        if type(optimizer).__name__ == "Adafactor" and is_factored(view.shape):
            found[name] |= _means(found[name].pop("v"))
    return found


def _means(packed: Array) -> dict[str, Array]:
    """Adafactor's means of rows and of columns, which it keeps where others have a mean each."""
    *several, rows, columns = packed.shape
    count = packed.size // columns
    flat = packed.reshape(-1)
    p = flat[:count].reshape(*several, rows, 1)
    q = flat[count : count + packed.size // rows].reshape(*several, 1, columns)
    return {name: np.array(np.broadcast_to(v, packed.shape)) for name, v in (("p", p), ("q", q))}
