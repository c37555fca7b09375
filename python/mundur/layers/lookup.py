"""Tokens as their numbers in a vocabulary: of words, names and whole numbers."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from .._support.checks import WrongType, boolean, choice, integer, items, shown
from .._support.names import checked_keywords
from .._support.unpack import Unpack
from ..data import arrays
from .base import Layer, LayerArguments
from .encoding import MODES, MOST, PREPARING, Array, Preprocessing, encoded


def _special(value: Any, name: str) -> Any:
    """A token of its own, or None."""
    if value is None or isinstance(value, (str, bytes, int, np.integer)):
        return value
    raise WrongType(f"{name} must be a token, text or a whole number, or None; got {shown(value)}")


class Lookup(Preprocessing):
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
        oov = integer(arguments["num_oov_indices"], "num_oov_indices", 0, MOST)
        vars(self).update(  # not all of them take these
            max_tokens=None if most is None else integer(most, "max_tokens", 2, MOST),
            num_oov_indices=oov,
            mask_token=_special(arguments["mask_token"], "mask_token"),
            oov_token=_special(arguments["oov_token"], "oov_token"),
            invert=boolean(arguments["invert"], "invert"),
            output_mode=choice(
                "tf_idf" if isinstance(mode, str) and mode == "tf-idf" else mode,
                "output_mode",
                *MODES,
            ),
            pad_to_max_tokens=boolean(arguments["pad_to_max_tokens"], "pad_to_max_tokens"),
        )
        if self.pad_to_max_tokens and self.max_tokens is None:
            raise ValueError("pad_to_max_tokens=True needs max_tokens")
        if self.invert and self.output_mode != "int":
            raise ValueError('invert=True goes with output_mode="int"')
        most, special = self.max_tokens, len(self._special())
        if most is not None and most <= special:
            raise ValueError(
                f"max_tokens must leave room for words beside {special} special ones; got {most}"
            )
        self._become([], None)
        if arguments["vocabulary"] is not None:
            self.set_vocabulary(arguments["vocabulary"], arguments["idf_weights"])

    def _become(self, tokens: list[Any], weights: Array | None) -> None:
        self._tokens, self._weights = tokens, weights
        special = self._special()
        self._numbers = {token: len(special) + i for i, token in enumerate(tokens)}
        if special and special[0] is self.mask_token:
            self._numbers[self.mask_token] = 0

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
        if isinstance(vocabulary, (str, os.PathLike)):
            try:
                with open(vocabulary, encoding="utf-8") as file:
                    vocabulary = [self._token(line.rstrip("\n")) for line in file]
            except OSError as error:
                raise type(error)(
                    f"vocabulary must be tokens, or a file of them; {error}"
                ) from None
        try:
            tokens = [self._token(one) for one in items(vocabulary, "vocabulary", MOST)]
        except (TypeError, ValueError) as error:
            if str(error).startswith("vocabulary"):
                raise
            raise type(error)(f"vocabulary: {error}") from None
        special = self._special()
        if special and tokens[: len(special)] == special:
            tokens = tokens[len(special) :]
        if len(set(tokens)) < len(tokens):
            raise ValueError("vocabulary must hold each token once")
        reserved = special if self.invert else [one for one in special if one == self.mask_token]
        for token in tokens:
            if token in reserved:
                raise ValueError(
                    f"vocabulary holds {token!r}, a special token, among its words; leave the "
                    f"special ones out, or put all of them in front: {special}"
                )
        if self.max_tokens is not None and len(tokens) + len(special) > self.max_tokens:
            raise ValueError(
                f"vocabulary must hold at most max_tokens={self.max_tokens} with the special ones; "
                f"got {len(tokens) + len(special)}"
            )
        if (idf_weights is not None) != (self.output_mode == "tf_idf"):
            raise ValueError('idf_weights goes with output_mode="tf_idf", one for each token')
        weights = None
        if idf_weights is not None:
            weights = np.asarray(idf_weights, np.float64)
            if weights.shape != (len(tokens),):
                raise ValueError(f"idf_weights must have shape ({len(tokens)},)")
        self._become(tokens, weights)

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
        weights = None
        if self.output_mode == "tf_idf":
            weights = np.log(1 + rows / (1 + np.array([documents[t] for t in found])))
        self._become(found, weights)

    def reset_state(self) -> None:
        """Forgets the vocabulary."""
        self._become([], None)

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
        masked = self.mask_token is not None and self.output_mode == "int"

        def of(value: Any) -> int:
            token = self._token(value)
            found = self._numbers.get(token)
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
        self._refuse_symbols(inputs)
        if self.invert:
            given = arrays.real_array(inputs, "inputs")
            if (given != np.floor(given)).any():  # NaN too
                raise ValueError("inputs must hold whole numbers, of tokens; got others")
            ids = given.astype(np.int64)
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


class StringLookup(Lookup):
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
        ignored=PREPARING
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


class IntegerLookup(Lookup):
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
        ignored=PREPARING | {"vocabulary_dtype": "int64", "oov_method": "floormod"}, rest=Layer
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
        if isinstance(value, (str, float)):  # of a file, or of a column that once had gaps
            try:
                whole = int(value)
            except (ValueError, OverflowError):
                whole = None
            if whole is None or (isinstance(value, float) and whole != value):
                raise WrongType(f"a token must be an integer; got {shown(value)}")
            value = whole
        return integer(value, "a token", -(2**63) + 1)
