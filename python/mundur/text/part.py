"""What a model of texts keeps beside its layers: vocabulary, labels, and how texts are cut."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .._support.checks import integer
from .checks import Label
from .vocabulary import Vocabulary

if TYPE_CHECKING:
    from ..models.model import Model

__all__ = ["TextPart", "check_embedding"]

Array = npt.NDArray[Any]

_TENSOR = "text/vocabulary"
_SIDES = ("pre", "post")


@dataclass(frozen=True)
class TextPart:
    """From texts to ids and from classes to labels."""

    vocabulary: Vocabulary
    labels: tuple[Label, ...]
    length: int
    padding: str
    truncating: str

    def ids(self, texts: list[str]) -> npt.NDArray[np.int32]:
        """The model's input."""
        return self.vocabulary.encode(
            texts, self.length, padding=self.padding, truncating=self.truncating
        )

    def classes(self, labels: list[Label], name: str) -> npt.NDArray[np.int64]:
        """The class of each label; the ValueError for an unknown one names its row."""
        number = {label: i for i, label in enumerate(self.labels)}
        for row, label in enumerate(labels):
            if label not in number:
                known = ", ".join(map(repr, self.labels))
                raise ValueError(f"{name}[{row}] is {label!r}, none of the labels {known}")
        return np.array([number[label] for label in labels], np.int64)

    def check(self, model: Model) -> None:
        """Raises a ValueError where a built model does not suit."""
        check_embedding(model, self.vocabulary)
        given, wanted, classes = model.native.input_shape, (self.length,), len(self.labels)
        if given != wanted:
            raise ValueError(f"the model must take {wanted} per text; it takes {given}")
        shape = model.native.output_shape
        if shape != (classes,) and not (shape == (1,) and classes == 2):
            suitable = "(1,) or (2,)" if classes == 2 else f"({classes},)"
            raise ValueError(
                f"for {classes} labels the model must give {suitable} per text; it gives {shape}"
            )

    def describe(self, tensors: dict[str, Array]) -> dict[str, Any]:
        """Data for JSON; the tokenizer's own JSON goes to the tensors, as bytes."""
        tensors[_TENSOR] = np.frombuffer(self.vocabulary.to_json().encode(), np.uint8)
        return {
            "vocabulary": self.vocabulary.get_config(),
            "labels": list(self.labels),
            "length": self.length,
            "padding": self.padding,
            "truncating": self.truncating,
        }

    @classmethod
    def restore(cls, document: Any, tensors: Mapping[str, Array], model: Model) -> TextPart:
        """The part of `describe`; ValueError, TypeError or KeyError for what does not suit."""
        tensor = tensors[_TENSOR]
        if tensor.dtype != np.uint8 or tensor.ndim != 1:
            raise ValueError(f"{_TENSOR} must be bytes; got {tensor.dtype} of {tensor.shape}")
        labels, sides = document["labels"], (document["padding"], document["truncating"])
        plain = isinstance(labels, list) and all(type(label) in (str, int) for label in labels)
        if not plain or len(set(labels)) != len(labels) or len(labels) < 2:
            raise ValueError(f"labels must be two or more different texts or integers; {labels!r}")
        if any(side not in _SIDES for side in sides):
            raise ValueError(f"sides must be 'pre' or 'post'; got {sides}")
        part = cls(
            Vocabulary.from_json(tensor.tobytes().decode(), **document["vocabulary"]),
            tuple(labels),
            integer(document["length"], "length", 1),
            *sides,
        )
        part.check(model)
        return part


def check_embedding(model: Model, vocabulary: Vocabulary) -> None:
    """Raises a ValueError where a model's first layer cannot take the vocabulary's numbers."""
    from ..layers.embedding import Embedding

    first = model.layers[0] if model.layers else None
    if not isinstance(first, Embedding):
        raise ValueError(
            "the model must begin with an Embedding, which takes the numbers of words; it begins "
            f"with {type(first).__name__}"
        )
    if first.input_dim < len(vocabulary):
        raise ValueError(
            f"Embedding(input_dim={first.input_dim}) holds fewer ids than the vocabulary of "
            f"{len(vocabulary)}; pass vocabulary={first.input_dim}"
        )
