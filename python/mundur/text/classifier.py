"""Sentences in, labels out: a vocabulary and a model as one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, overload

import numpy as np
import numpy.typing as npt

from .. import activations, layers, losses, optimizers, utils
from .._support.checks import choice, integer, number, seed_value
from .._support.names import check_assignment, checked_keywords
from ..models.model import Model
from ..saving.format import read_model, register_texts
from .checks import Label, checked_labels, checked_texts
from .part import TextPart, check_embedding
from .vocabulary import Vocabulary

if TYPE_CHECKING:
    from ..callbacks.history import History
    from ..layers.base import Layer

__all__ = ["Prediction", "TextClassifier"]

Array = npt.NDArray[Any]

# Without a length of its user's: the one that holds this share of the texts whole, within bounds.
_WHOLE = 0.95
_SHORTEST, _LONGEST = 8, 400
# Outputs that are no probabilities yet.
_PROBABILITIES = ("sigmoid", "softmax", "hard_sigmoid", "sparsemax", "custom")


class Prediction(NamedTuple):
    """A label, and how probable the model holds it.

    Examples
    --------
    >>> from mundur.text import Prediction
    >>> label, probability = Prediction("positive", 0.9)
    """

    label: Label
    probability: float


class TextClassifier:
    """Learns to label texts: texts and labels in, a label and its probability out.

    The first `fit` numbers the words of its texts, unless the vocabulary is fitted already, and
    notes the labels, which it sorts. `save` writes all of it with the model into one file, and
    `mundur.load_model` reads it: what it returns predicts sentences.

    Parameters
    ----------
    model : Model or list of Layer, optional
        Beginning with an Embedding, ending in one output per class, or in one for two classes. By
        default Embedding, Conv1D, MaxPooling1D, LSTM and Dense, with Dropout between. A model that
        is not compiled yet is compiled with `optimizer`, the cross-entropy that suits its outputs,
        and the accuracy.
    vocabulary : Vocabulary or int, default 20000
        How words are numbered; an integer is the most numbers, ``Vocabulary(max_size)``.
    length : int, optional
        Words of a text that count. By default as many as hold 95% of the first `fit`'s texts
        whole, at least 8 and at most 400.
    padding, truncating : {"pre", "post"}, default "pre"
        Where short texts are padded and long ones cut, see `Vocabulary.encode`.
    optimizer : str or Optimizer, optional
        By default Adam.
    labels : list of str or int, optional
        For a model that was trained by hand: the label of each class, in order. With `model` and a
        fitted `vocabulary` that is all a classifier needs.
    seed : int, optional
        Of a model that is made here; None draws one.

    Attributes
    ----------
    model : Model
        The network over integers; there once it was given or fitted.
    vocabulary : Vocabulary
    length : int or None

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it.
    ImportError
        In use, where the package `tokenizers` is missing; ``pip install mundur[text]``.

    Examples
    --------
    >>> import mundur as md
    >>> layers = [md.layers.Embedding(100, 8), md.layers.Flatten(), md.layers.Dense(1)]
    >>> classifier = md.text.TextClassifier(layers, vocabulary=100, seed=0)
    >>> texts = ["this is good", "this is bad", "really good", "really bad"]
    >>> history = classifier.fit(texts, ["yes", "no", "yes", "no"], epochs=200, verbose=0)
    >>> classifier.predict("how good").label
    'yes'
    >>> [label for label, probability in classifier.predict(["it was bad", "good"])]
    ['no', 'yes']
    """

    @checked_keywords()
    def __init__(
        self,
        model: Model | Sequence[Layer] | None = None,
        vocabulary: Vocabulary | int = 20_000,
        length: int | None = None,
        *,
        padding: str = "pre",
        truncating: str = "pre",
        optimizer: Any = None,
        labels: Iterable[Any] | None = None,
        seed: int | None = None,
    ) -> None:
        if isinstance(model, TextClassifier):
            raise TypeError("model must be a Model or a list of layers; got a TextClassifier")
        if isinstance(model, Model) and seed is not None:
            raise ValueError("seed is that of a model made here; give it to your Model")
        if isinstance(model, Model) and model.optimizer is not None and optimizer is not None:
            raise ValueError("the model is compiled already; give it no optimizer here")
        for side, name in ((padding, "padding"), (truncating, "truncating")):
            choice(side, name, "pre", "post")
        if optimizer is not None:
            optimizers.get(optimizer)
        if not isinstance(vocabulary, Vocabulary):
            vocabulary = Vocabulary(integer(vocabulary, "vocabulary", 3))
        if isinstance(model, (list, tuple)):
            model = Model(model, seed=seed)
        elif not (model is None or isinstance(model, Model)):
            raise TypeError(f"model must be a Model or a list of layers; got {model!r}")
        self.model: Model | None = model
        self.vocabulary = vocabulary
        self.length = None if length is None else integer(length, "length", 1)
        self._sides = (padding, truncating)
        self._optimizer = optimizer
        self._seed = seed_value(seed)
        if labels is not None:
            self._trained(list(labels))

    def __setattr__(self, name: str, value: Any) -> None:
        check_assignment(self, name, ("model", "vocabulary", "length"), ())
        object.__setattr__(self, name, value)

    def _trained(self, labels: list[Any]) -> None:
        if self.model is None or not len(self.vocabulary) or self.length is None:
            raise ValueError("labels go with a model, a fitted vocabulary and a length")
        given = checked_labels(labels, len(labels))
        if len(set(given)) != len(given):
            raise ValueError(f"labels must be different; got {given!r}")
        part = TextPart(self.vocabulary, tuple(given), self.length, *self._sides)
        check_embedding(self.model, self.vocabulary)
        self.model.build((self.length,))
        part.check(self.model)
        self.model._text = part

    @classmethod
    def _of(cls, model: Model) -> TextClassifier:
        part = model._text
        assert part is not None
        return cls(
            model, part.vocabulary, part.length, padding=part.padding, truncating=part.truncating
        )

    @property
    def labels(self) -> tuple[Label, ...]:
        """The labels in the order of the classes; there after `fit`."""
        return self._part.labels

    @property
    def _part(self) -> TextPart:
        part: TextPart | None = None if self.model is None else self.model._text
        if part is None:
            raise RuntimeError("this classifier knows no labels yet: call fit(texts, labels) first")
        return part

    @property
    def _ready(self) -> Model:
        _ = self._part
        assert self.model is not None
        return self.model

    # ---- fit -------------------------------------------------------------------------------------

    @checked_keywords()
    def fit(
        self,
        texts: Iterable[str],
        labels: Iterable[Any],
        batch_size: int | str | None = None,
        epochs: int = 5,
        verbose: str | int = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Mapping[Any, float] | str | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        *,
        stop_loss: float | None = None,
        resume_from: str | os.PathLike[str] | None = None,
    ) -> History:
        """Trains; a second call goes on with the same vocabulary, labels and weights.

        Parameters
        ----------
        texts : list of str
        labels : list of str or int
            Two different ones or more.
        epochs : int, default 5
        validation_split : float, default 0.0
            The share of texts, from the end, to validate on; where texts are sorted by label,
            shuffle them first. The vocabulary is made of all texts of this call.
        validation_data : (texts, labels) or (texts, labels, sample_weight), optional
        class_weight : dict of label to float, or "balanced", optional
            "balanced" gives all classes the same share: samples / (classes * those of the class).
        batch_size, verbose, callbacks, shuffle, sample_weight, initial_epoch : optional
        stop_loss, resume_from : optional
            As for `Model.fit`.

        Returns
        -------
        History

        Raises
        ------
        TypeError, ValueError
            For rows that are no texts or labels, naming the row; for a model that does not suit
            the labels or the vocabulary.
        """
        rows = checked_texts(texts)
        given = checked_labels(labels, len(rows))
        before = (self.model, self.vocabulary, self.length)
        try:
            model, part = self._prepared(rows, given)
            x, classes = part.ids(rows), part.classes(given, "labels")
            if validation_data is not None:
                validation_data = self._validation(validation_data, part)
            return model.fit(
                x,
                self._targets(classes),
                batch_size,
                epochs,
                verbose,
                callbacks,
                validation_split,
                validation_data,
                shuffle,
                _class_weights(class_weight, part.labels, classes),
                sample_weight,
                initial_epoch,
                stop_loss=stop_loss,
                resume_from=resume_from,
            )
        except (TypeError, ValueError):
            # A first call with wrong arguments leaves no labels and no numbers behind.
            if before[0] is None and self.model is not None and not self.model.epochs_begun:
                self._become(*before)
            raise

    def _prepared(self, texts: list[str], labels: list[Label]) -> tuple[Model, TextPart]:
        """The model, built and compiled for these texts and labels."""
        if self.model is not None and self.model._text is not None:
            return self.model, self.model._text
        different = sorted(set(labels))  # of one kind, as checked
        if len(different) < 2:
            raise ValueError(f"labels must hold two different ones or more; got {different!r}")
        vocabulary = self.vocabulary
        if not len(vocabulary):
            vocabulary = Vocabulary(**vocabulary.get_config()).fit(texts)
        length = self.length or _length_of(vocabulary, texts)
        part = TextPart(vocabulary, tuple(different), length, *self._sides)
        model = self.model
        if model is None:
            model = Model(_default_layers(len(vocabulary), length, part), seed=self._seed)
        check_embedding(model, vocabulary)
        model.build((length,))
        part.check(model)
        if model.optimizer is None:
            rule = "adam" if self._optimizer is None else self._optimizer
            model.compile(rule, _loss_for(model), metrics=["accuracy"])
        model._text = part
        self._become(model, vocabulary, length)
        return model, part

    def _become(self, model: Model | None, vocabulary: Vocabulary, length: int | None) -> None:
        vars(self).update(model=model, vocabulary=vocabulary, length=length)

    def _targets(self, classes: npt.NDArray[np.int64]) -> Array:
        model = self._ready
        outputs = model.native.output_shape[-1]
        labels = losses.SparseCategoricalCrossentropy
        if outputs == 1 or isinstance(model.compiled_loss, labels):
            return classes
        return utils.to_categorical(classes, outputs)

    def _validation(self, given: Any, part: TextPart) -> tuple[Any, ...]:
        if not isinstance(given, (tuple, list)) or len(given) not in (2, 3):
            raise TypeError("validation_data must be (texts, labels) or (texts, labels, weights)")
        rows = checked_texts(given[0], "validation_data[0]")
        labels = checked_labels(given[1], len(rows), "validation_data[1]")
        classes = part.classes(labels, "validation_data[1]")
        return (part.ids(rows), self._targets(classes), *given[2:])

    # ---- evaluate and predict --------------------------------------------------------------------

    @checked_keywords()
    def evaluate(
        self,
        texts: Iterable[str],
        labels: Iterable[Any],
        batch_size: int | str | None = None,
        verbose: str | int = "auto",
        sample_weight: Any = None,
        *,
        return_dict: bool = False,
    ) -> Any:
        """The loss and the metrics over texts with labels; as `Model.evaluate`."""
        part, model, rows = self._part, self._ready, checked_texts(texts)
        classes = part.classes(checked_labels(labels, len(rows)), "labels")
        return model.evaluate(
            part.ids(rows),
            self._targets(classes),
            batch_size,
            verbose,
            sample_weight,
            return_dict=return_dict,
        )

    @overload
    def predict(  # type: ignore[overload-overlap]  # a text is an iterable of texts, too
        self, texts: str, batch_size: int | str | None = None, verbose: str | int = "auto"
    ) -> Prediction: ...

    @overload
    def predict(
        self, texts: Iterable[str], batch_size: int | str | None = None, verbose: str | int = "auto"
    ) -> list[Prediction]: ...

    def predict(
        self, texts: Any, batch_size: int | str | None = None, verbose: str | int = "auto"
    ) -> Any:
        """The label of each text, and its probability.

        Parameters
        ----------
        texts : list of str, or str
            Empty texts and words never seen are ordinary.
        batch_size, verbose
            As for `Model.predict`.

        Returns
        -------
        list of Prediction, or Prediction for a single text
            ``label, probability``.
        """
        rows = [texts] if isinstance(texts, str) else texts
        probabilities = self.predict_proba(rows, batch_size, verbose)
        best = probabilities.argmax(axis=1)
        found = [
            Prediction(self.labels[i], float(row[i]))
            for i, row in zip(best, probabilities, strict=True)
        ]
        return found[0] if isinstance(texts, str) else found

    def predict_proba(
        self,
        texts: Iterable[str],
        batch_size: int | str | None = None,
        verbose: str | int = "auto",
    ) -> Array:
        """The probability of each label for each text.

        Returns
        -------
        ndarray (samples, classes)
            Columns in the order of `labels`.
        """
        part, model, rows = self._part, self._ready, checked_texts(texts)
        if not rows:
            return np.zeros((0, len(part.labels)), model.dtype)
        outputs = model.predict(part.ids(rows), batch_size, verbose)
        if model.native.head not in _PROBABILITIES:
            squash = activations.sigmoid if outputs.shape[1] == 1 else activations.softmax
            outputs = np.asarray(squash(outputs))
        return np.hstack([1 - outputs, outputs]) if outputs.shape[1] == 1 else outputs

    def encode(self, texts: Iterable[str]) -> npt.NDArray[np.int32]:
        """The integers (samples, length) that the model gets for texts."""
        return self._part.ids(checked_texts(texts))

    # ---- files -----------------------------------------------------------------------------------

    def save(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Writes model, vocabulary and labels to one safetensors file; see `Model.save`."""
        self._ready.save(filepath, overwrite)

    @classmethod
    @checked_keywords()
    def load(
        cls,
        filepath: str | os.PathLike[str],
        custom_objects: Mapping[str, Any] | None = None,
        compile: bool = True,
    ) -> TextClassifier:
        """Reads what `save` wrote, as `mundur.load_model` does.

        Raises
        ------
        ValueError
            Where the file holds no vocabulary, beside what `mundur.load_model` raises.
        """
        model = read_model(filepath, custom_objects, compile)
        if model._text is None:
            raise ValueError(f"{os.fspath(filepath)!r} holds a model without a vocabulary")
        return cls._of(model)

    def __repr__(self) -> str:
        model = "" if self.model is None else f"{self.model!r}, "
        sides = "".join(
            f", {name}={side!r}"
            for name, side in zip(("padding", "truncating"), self._sides, strict=True)
            if side != "pre"
        )
        return f"TextClassifier({model}vocabulary={self.vocabulary!r}, length={self.length}{sides})"


def _length_of(vocabulary: Vocabulary, texts: list[str]) -> int:
    lengths = [len(row) for row in vocabulary.sequences(texts)]
    most = int(np.quantile(lengths, _WHOLE, method="inverted_cdf"))
    return min(max(most, _SHORTEST), _LONGEST)


def _loss_for(model: Model) -> losses.Loss:
    logits = model.native.head not in _PROBABILITIES
    if model.native.output_shape == (1,):
        return losses.BinaryCrossentropy(from_logits=logits)
    return losses.SparseCategoricalCrossentropy(from_logits=logits)


def _class_weights(
    given: Any, labels: tuple[Label, ...], classes: npt.NDArray[np.int64]
) -> dict[int, float] | None:
    """By class instead of by label."""
    if given is None:
        return None
    if isinstance(given, str):
        if given != "balanced":
            raise ValueError(f"class_weight must be a dict or 'balanced'; got {given!r}")
        counts = np.bincount(classes, minlength=len(labels))
        return {i: len(classes) / (len(labels) * int(n)) for i, n in enumerate(counts) if n}
    if not isinstance(given, Mapping):
        raise TypeError(f"class_weight must be a dict of label to number; got {given!r}")
    unknown = [label for label in given if label not in labels]
    if unknown:
        listed = ", ".join(map(repr, labels))
        raise ValueError(f"class_weight has {unknown[0]!r}, none of the labels {listed}")
    return {
        i: number(given[label], f"class_weight[{label!r}]", at_least=0)
        for i, label in enumerate(labels)
        if label in given
    }


def _default_layers(size: int, length: int, part: TextPart) -> list[Layer]:
    return [
        layers.Embedding(size, 64),
        layers.Dropout(0.3),
        layers.Conv1D(64, 5, padding="same", activation="relu"),
        layers.MaxPooling1D(min(4, length)),
        layers.LSTM(64),
        layers.Dropout(0.3),
        layers.Dense(1 if len(part.labels) == 2 else len(part.labels)),
    ]


register_texts(TextPart.restore, TextClassifier._of)
