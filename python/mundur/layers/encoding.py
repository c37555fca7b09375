"""What turns categories and texts into numbers: called on data, in front of a model.

A model takes numbers; these take what they are made from, and are called on it: ``layer(x)``
returns an array, which goes into `fit`, `predict` or an `Embedding`'s ids.
"""

from __future__ import annotations

import math
import string
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .._support.checks import WrongType, boolean, choice, integer, items, number, shown
from .._support.names import checked_keywords, either
from .._support.unpack import Unpack
from ..data import arrays
from .base import KERAS, Layer, LayerArguments

if TYPE_CHECKING:
    from .. import _core

Array = npt.NDArray[Any]

_MOST = 10**7
_KERAS = KERAS | {"sparse": False, "salt": None}
_MODES = ("int", "one_hot", "multi_hot", "count", "tf_idf")


class Preprocessing(Layer):
    """Base class of what is called on data, and stands in no model."""

    def describe(self) -> _core.LayerSpec:
        """Raises: a model takes numbers."""
        raise WrongType(
            f"{type(self).__name__} prepares data and stands in front of a model, not in it: "
            f"x = {self.name}(x), and the model takes what comes of it"
        )


def encoded(ids: Array, mode: str, depth: int, weights: Any = None) -> Array:
    """Numbers of categories in a mode: as they are, or as rows with a place for each.

    Of a batch of rows "multi_hot" and "count" join those of each row.
    """
    if mode == "int":
        return ids
    if not ids.ndim:
        ids = ids.reshape(1)
    flat = ids.reshape(math.prod(ids.shape[:-1]), ids.shape[-1])
    if mode == "one_hot":
        if ids.ndim and ids.shape[-1] == 1:
            ids = ids[..., 0]
        return np.eye(depth)[ids.reshape(-1)].reshape(*ids.shape, depth)
    out = np.zeros((len(flat), depth))
    rows = np.repeat(np.arange(len(flat)), flat.shape[1])
    one = 1.0 if weights is None else np.broadcast_to(weights, ids.shape).reshape(-1)
    np.add.at(out, (rows, flat.reshape(-1)), one)
    if mode == "multi_hot":
        out = (out > 0).astype(np.float64)
    return out.reshape(*ids.shape[:-1], depth)


class CategoryEncoding(Preprocessing):
    """Numbers of categories as rows with a place for each: which there are, or how often.

    Parameters
    ----------
    num_tokens : int
        How many categories there are; their numbers are 0 to num_tokens - 1.
    output_mode : {"multi_hot", "one_hot", "count"}, default "multi_hot"
        A row of 0 and 1 for each row of numbers; one for each number; or a row that counts.
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it; when called, for numbers beyond.

    Examples
    --------
    >>> import mundur as md
    >>> md.layers.CategoryEncoding(4)([[0, 1], [3, 3]])
    array([[1., 1., 0., 0.],
           [0., 0., 0., 1.]])
    """

    _kind = "category_encoding"

    @checked_keywords(ignored=KERAS | {"sparse": False}, rest=Layer)
    def __init__(
        self,
        num_tokens: int | None = None,
        output_mode: str = "multi_hot",
        **layer: Unpack[LayerArguments],
    ) -> None:
        if num_tokens is None:
            raise ValueError("num_tokens must be the number of categories; got None")
        self.num_tokens = integer(num_tokens, "num_tokens", 1, _MOST)
        self.output_mode = choice(output_mode, "output_mode", "multi_hot", "one_hot", "count")
        super().__init__(**layer)

    def __call__(self, inputs: Any, count_weights: Any = None) -> Array:
        """The rows; `count_weights`, of the inputs' shape, are what each counts for."""
        if count_weights is not None and self.output_mode != "count":
            raise ValueError('count_weights goes with output_mode="count"')
        ids = arrays.real_array(inputs, "inputs")
        bad = ~((ids >= 0) & (ids < self.num_tokens) & (ids == np.floor(ids)))
        if bad.any():
            raise ValueError(
                f"inputs must hold whole numbers in [0, {self.num_tokens}); got {ids[bad][0]}"
            )
        return encoded(ids.astype(np.int64), self.output_mode, self.num_tokens, count_weights)


class Discretization(Preprocessing):
    """Numbers as the numbers of their bins: how many boundaries are at most as large.

    Parameters
    ----------
    bin_boundaries : list of float, optional
        Ascending; n of them make n + 1 bins.
    num_bins : int, optional
        Instead: as many bins, between quantiles of the samples that `adapt` sees.
    output_mode : {"int", "one_hot", "multi_hot", "count"}, default "int"
        Numbers of bins, or rows as those of `CategoryEncoding`.
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it; when called before there are boundaries.

    Examples
    --------
    >>> import mundur as md
    >>> md.layers.Discretization([0.0, 1.0])([[-1.5, 0.0, 3.4]])
    array([[0, 1, 2]])
    """

    _kind = "discretization"

    @checked_keywords(ignored=KERAS | {"epsilon": 0.01, "sparse": False}, rest=Layer)
    def __init__(
        self,
        bin_boundaries: Sequence[float] | None = None,
        num_bins: int | None = None,
        *,
        output_mode: str = "int",
        **layer: Unpack[LayerArguments],
    ) -> None:
        if (bin_boundaries is None) == (num_bins is None):
            raise ValueError("give either bin_boundaries or num_bins")
        self.num_bins = None if num_bins is None else integer(num_bins, "num_bins", 2, _MOST)
        self._boundaries: list[float] | None = None
        if bin_boundaries is not None:
            self._boundaries = [
                number(one, f"bin_boundaries[{i}]")
                for i, one in enumerate(items(bin_boundaries, "bin_boundaries"))
            ]
            if self._boundaries != sorted(self._boundaries):
                raise ValueError(f"bin_boundaries must be ascending; got {bin_boundaries}")
        self.output_mode = choice(output_mode, "output_mode", *_MODES[:-1])
        super().__init__(**layer)

    @property
    def bin_boundaries(self) -> list[float] | None:
        """Those given, or found by `adapt`; None before."""
        return self._boundaries

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; once there are boundaries, these instead of a number."""
        config = super().get_config()
        return config if self._boundaries is None else config | {"num_bins": None}

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Finds boundaries that leave as many samples in each bin; `steps` is Keras's."""
        if self.num_bins is None:
            raise ValueError("adapt goes with num_bins; the boundaries are given already")
        values = arrays.real_array(data, "data").ravel()
        shares = np.arange(1, self.num_bins) / self.num_bins
        self._boundaries = np.quantile(values, shares).tolist()

    def __call__(self, inputs: Any) -> Array:  # type: ignore[override]
        """The numbers of the bins."""
        if self._boundaries is None:
            raise ValueError(f"{self.name} has no boundaries yet; call adapt(x_train) first")
        x = arrays.real_array(inputs, "inputs")
        ids = np.digitize(x, self._boundaries)
        return encoded(ids, self.output_mode, len(self._boundaries) + 1)


class _Lookup(Preprocessing):
    """Tokens as their numbers in a vocabulary, the most frequent first."""

    max_tokens: int | None
    num_oov_indices: int
    mask_token: Any
    oov_token: Any
    invert: bool
    output_mode: str
    pad_to_max_tokens: bool

    def _keep(self, arguments: dict[str, Any]) -> None:
        most, mode = arguments["max_tokens"], arguments["output_mode"]
        oov = integer(arguments["num_oov_indices"], "num_oov_indices", 0, _MOST)
        vars(self).update(  # not all of them take these
            max_tokens=None if most is None else integer(most, "max_tokens", 2, _MOST),
            num_oov_indices=oov,
            mask_token=arguments["mask_token"],
            oov_token=arguments["oov_token"],
            invert=boolean(arguments["invert"], "invert"),
            output_mode=choice("tf_idf" if mode == "tf-idf" else mode, "output_mode", *_MODES),
            pad_to_max_tokens=boolean(arguments["pad_to_max_tokens"], "pad_to_max_tokens"),
        )
        if self.pad_to_max_tokens and self.max_tokens is None:
            raise ValueError("pad_to_max_tokens=True needs max_tokens")
        if self.invert and self.output_mode != "int":
            raise ValueError('invert=True goes with output_mode="int"')
        self._tokens: list[Any] = []
        self._weights: Array | None = None
        if arguments["vocabulary"] is not None:
            self.set_vocabulary(arguments["vocabulary"], arguments["idf_weights"])

    @property
    def vocabulary(self) -> Any:
        """The tokens of the constructor's argument, None before there are any."""
        return self._tokens or None

    @property
    def idf_weights(self) -> list[float] | None:
        """What each token weighs with "tf_idf"."""
        return None if self._weights is None else self._weights.tolist()

    def _special(self) -> list[Any]:
        masked = self.mask_token is not None and self.output_mode == "int"
        return [self.mask_token] * masked + [self.oov_token] * self.num_oov_indices

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Takes tokens in order, without or with the special ones in front; or a file of lines."""
        if isinstance(vocabulary, str):
            with open(vocabulary, encoding="utf-8") as file:
                vocabulary = [self._token(line.rstrip("\n")) for line in file]
        tokens = [self._token(one) for one in items(vocabulary, "vocabulary", _MOST)]
        special = self._special()
        if special and tokens[: len(special)] == special:
            tokens = tokens[len(special) :]
        if len(set(tokens)) < len(tokens):
            raise ValueError("vocabulary must hold each token once")
        if self.max_tokens is not None and len(tokens) + len(special) > self.max_tokens:
            raise ValueError(
                f"vocabulary must hold at most max_tokens={self.max_tokens} with the special ones; "
                f"got {len(tokens) + len(special)}"
            )
        if (idf_weights is not None) != (self.output_mode == "tf_idf"):
            raise ValueError('idf_weights goes with output_mode="tf_idf", one for each token')
        if idf_weights is not None:
            weights = np.asarray(idf_weights, np.float64)
            if weights.shape != (len(tokens),):
                raise ValueError(f"idf_weights must have shape ({len(tokens)},)")
            self._weights = weights
        self._tokens = tokens

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Makes the vocabulary of the tokens in `data`, the most frequent first.

        Of equally frequent ones the last in order comes first, as in Keras, whose `steps` is; all
        is read.
        """
        counts: Counter[Any] = Counter()
        documents: Counter[Any] = Counter()
        rows = 0
        for row in self._rows(data):
            rows += 1
            counts.update(row)
            documents.update(set(row))
        special = self._special()
        found = [token for token in counts if token not in special and token != ""]
        found.sort(key=lambda token: (counts[token], token), reverse=True)
        if self.max_tokens is not None:
            found = found[: self.max_tokens - len(special)]
        self._tokens = found
        if self.output_mode == "tf_idf":
            self._weights = np.log(1 + rows / (1 + np.array([documents[t] for t in found])))

    def reset_state(self) -> None:
        """Forgets the vocabulary."""
        self._tokens, self._weights = [], None

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """The tokens by their numbers."""
        return [*(self._special() if include_special_tokens else []), *self._tokens]

    def vocabulary_size(self) -> int:
        """How many numbers there are, special tokens among them."""
        return len(self._special()) + len(self._tokens)

    def _token(self, value: Any) -> Any:
        raise NotImplementedError

    def _rows(self, data: Any) -> Iterable[list[Any]]:
        """The tokens of each sample."""
        values = np.asarray(data)
        if values.ndim < 2:
            values = values.reshape(-1, 1)
        return ([self._token(v) for v in row.ravel().tolist()] for row in values)

    def _ids(self, values: Array) -> Array:
        special = self._special()
        first = len(special)
        table = {token: first + i for i, token in enumerate(self._tokens)}
        masked = self.mask_token is not None and self.output_mode == "int"
        if masked:
            table[self.mask_token] = 0

        def of(value: Any) -> int:
            token = self._token(value)
            found = table.get(token)
            if found is not None:
                return found
            if self.num_oov_indices == 0:
                raise ValueError(f"{token!r} is not in the vocabulary, and num_oov_indices is 0")
            return int(masked) + (
                _hashed(token) % self.num_oov_indices if self.num_oov_indices > 1 else 0
            )

        flat = [of(value) for value in values.ravel().tolist()]
        return np.array(flat, np.int64).reshape(values.shape)

    def __call__(self, inputs: Any) -> Array:  # type: ignore[override]
        """The numbers of tokens; inverted, the tokens of numbers."""
        if not self._tokens:
            raise ValueError(
                f"{self.name} has no vocabulary yet; call adapt(x_train) first, or pass vocabulary="
            )
        if self.invert:
            ids = arrays.real_array(inputs, "inputs").astype(np.int64)
            known = self.get_vocabulary()
            names = [known[i] if 0 <= i < len(known) else self.oov_token for i in ids.ravel()]
            return np.array(names).reshape(ids.shape)
        return self._encoded(self._ids(np.asarray(inputs)))

    def _encoded(self, ids: Array) -> Array:
        depth = self.vocabulary_size()
        if self.pad_to_max_tokens and self.max_tokens is not None:
            depth = self.max_tokens
        if self.output_mode != "tf_idf":
            return encoded(ids, self.output_mode, depth)
        assert self._weights is not None
        weights = np.zeros(depth)
        first = len(self._special())
        weights[first : first + len(self._weights)] = self._weights
        weights[:first] = self._weights.mean()  # of tokens that nobody has counted
        return encoded(ids, "count", depth) * weights


def _hashed(token: Any) -> int:
    """A number of a token that is the same in every process."""
    if isinstance(token, int):
        return token
    import zlib

    return zlib.crc32(str(token).encode())


class StringLookup(_Lookup):
    """Words as their numbers in a vocabulary.

    Parameters
    ----------
    max_tokens : int, optional
        How many numbers there are at most.
    num_oov_indices : int, default 1
        Numbers for words that the vocabulary lacks; of several, a word's is drawn from its letters.
    mask_token : str, optional
        The word of number 0, for padding.
    oov_token : str, default "[UNK]"
        What stands for such a word when numbers become words.
    vocabulary : list of str or path, optional
        The words, instead of those that `adapt` finds; or a file of one a line.
    idf_weights : list of float, optional
        With "tf_idf" and a vocabulary, what each word weighs.
    invert : bool, default False
        Whether numbers become words.
    output_mode : {"int", "one_hot", "multi_hot", "count", "tf_idf"}, default "int"
        Numbers, or rows as those of `CategoryEncoding`; "tf_idf" counts, each word times log(1 +
        rows / (1 + rows that have it)).
    pad_to_max_tokens : bool, default False
        Whether rows have `max_tokens` places even where there are fewer words.
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it; when called before there is a vocabulary.

    Examples
    --------
    >>> import mundur as md
    >>> layer = md.layers.StringLookup(vocabulary=["a", "b"])
    >>> layer([["a", "z", "b"]])
    array([[1, 0, 2]])
    """

    _kind = "string_lookup"

    @checked_keywords(
        ignored=_KERAS
        | {"encoding": "utf-8", "vocabulary_dtype": "string", "oov_method": "farmhash"},
        rest=Layer,
    )
    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: str | None = None,
        oov_token: str = "[UNK]",
        vocabulary: Any = None,
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        pad_to_max_tokens: bool = False,
        **layer: Unpack[LayerArguments],
    ) -> None:
        self._keep(locals())
        super().__init__(**layer)

    def _token(self, value: Any) -> Any:
        if isinstance(value, bytes):
            return value.decode("utf-8")
        if not isinstance(value, str):
            raise WrongType(
                f"{type(self).__name__} takes text, its vocabulary too; got {shown(value)}"
            )
        return str(value)


class IntegerLookup(_Lookup):
    """Whole numbers as their places in a vocabulary.

    Parameters
    ----------
    max_tokens : int, optional
        How many numbers there are at most.
    num_oov_indices : int, default 1
        Numbers for those that the vocabulary lacks.
    mask_token : int, optional
        What has the number 0, for padding.
    oov_token : int, default -1
        What stands for one that is lacking, when places become numbers.
    vocabulary : list of int, optional
        Instead of those that `adapt` finds.
    idf_weights, invert, output_mode, pad_to_max_tokens
        As for `StringLookup`.
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it; when called before there is a vocabulary.

    Examples
    --------
    >>> import mundur as md
    >>> md.layers.IntegerLookup(vocabulary=[12, 36])([[36, 5, 12]])
    array([[2, 0, 1]])
    """

    _kind = "integer_lookup"

    @checked_keywords(
        ignored=_KERAS | {"vocabulary_dtype": "int64", "oov_method": "floormod"}, rest=Layer
    )
    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: int | None = None,
        oov_token: int = -1,
        vocabulary: Any = None,
        *,
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        pad_to_max_tokens: bool = False,
        **layer: Unpack[LayerArguments],
    ) -> None:
        self._keep(locals())
        super().__init__(**layer)

    def _token(self, value: Any) -> Any:
        return integer(int(value) if isinstance(value, str) else value, "a token", -(2**63) + 1)


_PUNCTUATION = str.maketrans("", "", string.punctuation)
_STANDARD: dict[str, Callable[[str], str]] = {
    "lower_and_strip_punctuation": lambda text: text.lower().translate(_PUNCTUATION),
    "lower": str.lower,
    "strip_punctuation": lambda text: text.translate(_PUNCTUATION),
}


class TextVectorization(_Lookup):
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
        choice(output_mode, "output_mode", "int", *_MODES[2:], "tf-idf")
        length = output_sequence_length
        self.output_sequence_length = (
            None if length is None else integer(length, "output_sequence_length", 1, _MOST)
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
        single = isinstance(inputs, (str, bytes))
        rows = [self._words(text) for text in _texts([inputs] if single else inputs)]
        ids = [self._ids(np.array(row, object)) for row in rows]
        if self.output_mode != "int":
            empty = np.zeros((0,), np.int64)
            made = [self._encoded(row if len(row) else empty) for row in ids]
            out = np.stack(made)
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
        return np.asarray(data, object).ravel().tolist()
    return (text for batch in data for text in _texts(batch))
