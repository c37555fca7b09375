"""Texts as the numbers of their words."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from .._support.checks import WrongType, choice, integer, shown
from .._support.names import checked_keywords, either
from .._support.unpack import Unpack
from .base import KERAS, Layer, LayerArguments
from .encoding import MODES, MOST, Array
from .lookup import Lookup

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_STANDARD: dict[str, Callable[[str], str]] = {
    "lower_and_strip_punctuation": lambda text: text.lower().translate(_PUNCTUATION),
    "lower": str.lower,
    "strip_punctuation": lambda text: text.translate(_PUNCTUATION),
}


class TextVectorization(Lookup):
    """Texts as the numbers of their words, or as counts of them.

    A text is standardised, split and looked up: number 0 is padding, 1 a word that the vocabulary
    lacks, then come the words, the most frequent first.

    Parameters
    ----------
    max_tokens : int, optional
        How many numbers there are at most.
    standardize : str or callable, optional
        "lower_and_strip_punctuation", the default, "lower", "strip_punctuation", a function of a
        text, or None.
    split : {"whitespace", "character"}, callable or None, default "whitespace"
    ngrams : int or tuple of int, optional
        Also runs of words: up to so many, or of these lengths.
    output_mode : {"int", "multi_hot", "count", "tf_idf"}, default "int"
        As for `StringLookup`.
    output_sequence_length : int, optional
        Longer texts are cut, shorter ones padded; by default the longest of a call decides.
    pad_to_max_tokens : bool, default False
    vocabulary : list of str or path, optional
    idf_weights : list of float, optional
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it; when called before there is a vocabulary.

    Examples
    --------
    >>> import mundur as md
    >>> layer = md.layers.TextVectorization(output_sequence_length=4)
    >>> layer.adapt(["the cat, the dog", "the end"])
    >>> layer.get_vocabulary()[:3]
    ['', '[UNK]', 'the']
    >>> layer(["The cat!", "a dog"])
    array([[2, 5, 0, 0],
           [1, 4, 0, 0]])
    """

    _kind = "text_vectorization"

    @checked_keywords(
        ignored=KERAS | {"sparse": False, "ragged": False, "encoding": either("utf-8", "utf8")},
        rest=Layer,
    )
    def __init__(
        self,
        max_tokens: int | None = None,
        standardize: str | Callable[[str], str] | None = "lower_and_strip_punctuation",
        split: str | Callable[[str], Sequence[str]] | None = "whitespace",
        ngrams: int | Sequence[int] | None = None,
        output_mode: str = "int",
        output_sequence_length: int | None = None,
        pad_to_max_tokens: bool = False,
        vocabulary: Any = None,
        idf_weights: Any = None,
        **layer: Unpack[LayerArguments],
    ) -> None:
        if not callable(standardize):
            choice(standardize, "standardize", *_STANDARD, None)
        if not callable(split):
            choice(split, "split", "whitespace", "character", None)
        self.standardize, self.split = standardize, split
        if isinstance(ngrams, (tuple, list)):
            ngrams = tuple(integer(n, f"ngrams[{i}]", 1) for i, n in enumerate(ngrams))
        elif ngrams is not None:
            ngrams = integer(ngrams, "ngrams", 1)
        self.ngrams = ngrams
        choice(output_mode, "output_mode", "int", *MODES[2:], "tf-idf")
        length = output_sequence_length
        self.output_sequence_length = (
            None if length is None else integer(length, "output_sequence_length", 1, MOST)
        )
        fixed = {"num_oov_indices": 1, "mask_token": "", "oov_token": "[UNK]", "invert": False}
        self._keep(locals() | fixed)
        super().__init__(**layer)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        names = (
            *("max_tokens", "standardize", "split", "ngrams", "output_mode"),
            *("output_sequence_length", "pad_to_max_tokens", "vocabulary", "idf_weights"),
        )
        base = {"name": self._given_name, "trainable": self.trainable}
        return {name: getattr(self, name) for name in names} | base

    def adapt(  # type: ignore[override]
        self, data: Any, batch_size: int | None = None, steps: int | None = None
    ) -> None:
        """As `StringLookup`'s, of the texts' words; `batch_size` is Keras's."""
        super().adapt(data, steps)

    def _token(self, value: Any) -> Any:
        return value.decode("utf-8") if isinstance(value, bytes) else str(value)

    def _words(self, text: Any) -> list[str]:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        if not isinstance(text, str):
            raise WrongType(f"TextVectorization takes texts; got {shown(text)}")
        standard = self.standardize
        if standard is not None:
            text = standard(text) if callable(standard) else _STANDARD[standard](text)
        if callable(self.split):
            words = list(self.split(text))
        elif self.split is None:
            words = [text]
        else:
            words = text.split() if self.split == "whitespace" else list(text)
        if self.ngrams is None:
            return words
        lengths = range(1, self.ngrams + 1) if isinstance(self.ngrams, int) else self.ngrams
        return [" ".join(words[i : i + n]) for n in lengths for i in range(len(words) - n + 1)]

    def _rows(self, data: Any) -> Iterable[list[Any]]:
        return (self._words(text) for text in _texts(data))

    def __call__(self, inputs: Any) -> Array:  # type: ignore[override]
        """A row for each text."""
        if not self._tokens:
            raise ValueError(
                f"{self.name} has no vocabulary yet; call adapt(texts) first, or pass vocabulary="
            )
        self._refuse_symbols(inputs)
        single = isinstance(inputs, (str, bytes))
        rows = [self._words(text) for text in _texts([inputs] if single else inputs)]
        ids = [self._ids(np.array(row, object)) for row in rows]
        if self.output_mode != "int":
            made = [self._encoded(row) for row in ids]
            out = np.stack(made) if made else self._encoded(np.zeros((0, 0), np.int64))
        else:
            steps = self.output_sequence_length or max(map(len, ids), default=0)
            out = np.zeros((len(ids), steps), np.int64)
            for target, row in zip(out, ids, strict=True):
                target[: min(len(row), steps)] = row[:steps]
        return out[0] if single else out


def _texts(data: Any) -> Iterable[Any]:
    """Texts of a list, an array, also of shape (n, 1), or of batches of them."""
    if isinstance(data, (str, bytes)):
        return [data]
    if hasattr(data, "dtype") or isinstance(data, (list, tuple)):
        array = np.asarray(data, object)
        if array.ndim > 2 or (array.ndim == 2 and array.shape[1] != 1):
            raise ValueError(
                f"texts must be one for each sample, shape (samples,) or (samples, 1); got "
                f"{array.shape}"
            )
        return array.ravel().tolist()
    if isinstance(data, (dict, set)) or not hasattr(data, "__iter__"):
        raise WrongType(f"texts must be a list, an array or batches of them; got {shown(data)}")
    return (text for batch in data for text in _texts(batch))
