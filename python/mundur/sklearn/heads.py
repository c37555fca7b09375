"""What a network gives, as classes and numbers: its last layer, its loss, its targets."""

from __future__ import annotations

import inspect
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .. import activations, losses, utils
from ..models.model import Model
from .targets import Classes

__all__ = ["Head", "gives_of", "head_of"]

Array = npt.NDArray[Any]

_HINGES = (losses.Hinge, losses.SquaredHinge)
_BINARY = (losses.BinaryCrossentropy, losses.BinaryFocalCrossentropy)
# Outputs that are probabilities, or what somebody takes for such.
_PROBABILITIES = ("sigmoid", "softmax", "hard_sigmoid", "custom")


class Head(NamedTuple):
    """Between the classes of a classification and the outputs of a network for it."""

    classes: Classes
    outputs: int
    loss: losses.Loss
    gives: str  # "logits", "probabilities", "signs", or "targets": numbers that come near 0 and 1

    @property
    def _cut(self) -> float:
        """Where an output by itself turns from no to yes."""
        return 0.0 if self.gives in ("logits", "signs") else 0.5

    def targets(self, codes: Array) -> Array:
        """What the loss wants, of what `Classes.encode` gives: a row for each row of outputs."""
        if codes.ndim == 1 and self.outputs == 1:
            codes = codes[:, None]
        if self.classes.kind != "multilabel" and self.outputs > 1:
            if isinstance(self.loss, losses.SparseCategoricalCrossentropy):
                return codes
            codes = utils.to_categorical(codes, self.outputs)
        return 2.0 * codes - 1.0 if self.gives == "signs" else codes

    def labels(self, outputs: Array) -> Array:
        """The classes of the largest outputs."""
        classes = self.classes
        if classes.kind == "multilabel" or self.outputs == 1:
            return classes.decode(outputs - self._cut)
        if len(classes.labels) == 1:
            return np.repeat(classes.labels, len(outputs))
        return np.asarray(classes.labels[outputs.argmax(axis=1)])

    def probabilities(self, outputs: Array) -> Array:
        """One column per class."""
        several = self.classes.kind == "multilabel"
        if not several and len(self.classes.labels) == 1:
            return np.ones((len(outputs), 1), outputs.dtype)
        p = outputs
        if self.gives == "logits":
            # Binary cross-entropy asks of each output by itself.
            by_itself = several or self.outputs == 1 or isinstance(self.loss, _BINARY)
            p = activations.sigmoid(outputs) if by_itself else activations.softmax(outputs)
        if several:
            return p
        if self.outputs == 1:
            return np.hstack([1 - p, p])
        if getattr(self.loss, "_exclusive", False):
            return p
        sums = p.sum(axis=1, keepdims=True)
        even = np.full_like(p, 1 / self.outputs)
        return np.asarray(np.divide(p, sums, out=even, where=sums > 0))

    def scores(self, outputs: Array) -> Array:
        """As `decision_function` has them: for two classes one number, above 0 for the second."""
        if self.classes.kind == "multilabel":
            return outputs - self._cut
        if self.classes.kind != "binary":
            return outputs
        if self.outputs > 1:
            return outputs[:, 1] - outputs[:, 0]
        scores = outputs[:, 0] - self._cut
        return scores if len(self.classes.labels) > 1 else np.abs(scores)


def gives_of(loss: Any, head: str) -> str:
    """What outputs behind this activation are to a loss, or to the default where that is None."""
    made = None if loss is None else losses.get(loss)
    if isinstance(made, _HINGES):
        return "signs"
    if head in _PROBABILITIES:
        return "probabilities"
    return "logits" if made is None or _takes_logits(made) else "targets"


def head_of(classes: Classes, model: Model, loss: Any) -> Head:
    """How a built model serves these classes; a ValueError where it does not."""
    shape = model.native.output_shape
    count = len(classes.labels)
    fitting = {count} if classes.kind != "binary" else {1, max(count, 2)}
    if len(shape) != 1 or shape[0] not in fitting:
        raise ValueError(_mend(classes, shape))
    gives = gives_of(loss, model.native.head)
    if loss is None:
        several = shape[0] > 1 and classes.kind != "multilabel"
        loss = losses.SparseCategoricalCrossentropy if several else losses.BinaryCrossentropy
    made = losses.get(loss)
    if gives == "logits" and not made.from_logits:
        made = type(made).from_config(made.get_config() | {"from_logits": True})
    return Head(classes, shape[0], made, gives)


def _takes_logits(loss: losses.Loss) -> bool:
    return loss.from_logits or "from_logits" in inspect.signature(type(loss)).parameters


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
