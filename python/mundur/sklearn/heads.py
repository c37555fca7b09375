"""What a network gives, as classes and numbers: its last layer, its loss, its targets."""

from __future__ import annotations

import inspect
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .. import activations, losses, utils
from ..models.model import Model
from .targets import Classes

__all__ = ["Head", "gives_scores_only", "head_of", "loss_with"]

Array = npt.NDArray[Any]

_HINGES = (losses.Hinge, losses.SquaredHinge)
# Outputs that are probabilities, or what somebody takes for such.
_PROBABILITIES = ("sigmoid", "softmax", "hard_sigmoid", "custom")


class Head(NamedTuple):
    """Between the classes of a classification and the outputs of a network for it."""

    classes: Classes
    outputs: int
    loss: losses.Loss
    is_linear: bool  # whether outputs are scores, and no probabilities yet

    def targets(self, codes: Array) -> Array:
        """What the loss wants, of what `Classes.encode` gives."""
        if self.classes.kind == "multilabel" or self.outputs == 1:
            return 2.0 * codes - 1.0 if isinstance(self.loss, _HINGES) else codes
        if isinstance(self.loss, losses.SparseCategoricalCrossentropy):
            return codes
        one_hot = utils.to_categorical(codes, self.outputs)
        return 2.0 * one_hot - 1.0 if isinstance(self.loss, _HINGES) else one_hot

    def labels(self, outputs: Array) -> Array:
        """The classes of the largest outputs."""
        classes = self.classes
        if classes.kind == "multilabel" or self.outputs == 1:
            return classes.decode(outputs if self.is_linear else outputs - 0.5)
        if len(classes.labels) == 1:
            return np.repeat(classes.labels, len(outputs))
        return np.asarray(classes.labels[outputs.argmax(axis=1)])

    def probabilities(self, outputs: Array) -> Array:
        """One column per class."""
        if self.classes.kind == "multilabel":
            return activations.sigmoid(outputs) if self.is_linear else outputs
        if len(self.classes.labels) == 1:
            return np.ones((len(outputs), 1), outputs.dtype)
        if self.outputs > 1:
            return activations.softmax(outputs) if self.is_linear else outputs
        p = activations.sigmoid(outputs) if self.is_linear else outputs
        return np.hstack([1 - p, p])

    def scores(self, outputs: Array) -> Array:
        """As `decision_function` has them: for two classes one number, above 0 for the second."""
        if self.classes.kind != "binary":
            return outputs
        return outputs[:, 1] - outputs[:, 0] if self.outputs > 1 else outputs[:, 0]


def gives_scores_only(loss: Any) -> bool:
    """Whether a loss makes no probabilities of outputs."""
    return loss is not None and isinstance(losses.get(loss), _HINGES)


def head_of(classes: Classes, model: Model, loss: Any) -> Head:
    """How a built model serves these classes; a ValueError where it does not."""
    shape = model.native.output_shape
    count = len(classes.labels)
    fitting = {count} if classes.kind != "binary" else {1, max(count, 2)}
    if len(shape) != 1 or shape[0] not in fitting:
        raise ValueError(_mend(classes, shape))
    linear = model.native.head not in _PROBABILITIES
    if loss is None:
        several = shape[0] > 1 and classes.kind != "multilabel"
        kind = losses.SparseCategoricalCrossentropy if several else losses.BinaryCrossentropy
        made: losses.Loss = kind(from_logits=linear)
    else:
        made = loss_with(loss, linear)
    return Head(classes, shape[0], made, linear or isinstance(made, _HINGES))


def loss_with(loss: Any, linear: bool) -> losses.Loss:
    """A loss by name takes the outputs as they are, an instance as it says."""
    made = losses.get(loss)
    if isinstance(loss, losses.Loss) or not linear:
        return made
    takes = "from_logits" in inspect.signature(type(made)).parameters
    return type(made)(from_logits=True) if takes else made  # type: ignore[call-arg]


def _mend(classes: Classes, shape: tuple[int, ...]) -> str:
    count = len(classes.labels)
    wanted = "Dense(1)" if count == 2 and classes.kind == "binary" else f"Dense({max(count, 1)})"
    what = "labels" if classes.kind == "multilabel" else "classes"
    if len(shape) != 1:
        return (
            f"layers must end in one row of outputs per sample, in {wanted} for {count} {what}; "
            f"they give {shape}: Flatten() or a pooling in front of it makes one"
        )
    hint = ""
    if what == "classes" and 1 < count < shape[0]:
        hint = (
            "; where a fold lacks a class, split by StratifiedKFold, or give layers as a function "
            "of (input_shape, outputs)"
        )
    return f"layers must end in {wanted} for the {count} {what} of y; they give {shape[0]}{hint}"
