"""Words as integers: a vocabulary fitted on texts, and texts as rows of its numbers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .._support.checks import boolean, integer
from .._support.names import argument_names, check_assignment, checked_keywords
from ..utils import pad_sequences
from .checks import check_encodable, checked_texts

if TYPE_CHECKING:
    from tokenizers import Tokenizer

__all__ = ["PADDING", "UNKNOWN", "Vocabulary"]

Ids = npt.NDArray[np.int32]

PADDING, UNKNOWN = 0, 1
# Words of texts hold no brackets, so that no text can spell these.
_RESERVED = ("[PAD]", "[UNK]")
# Words with what stands behind an apostrophe (don't, jum'at), and each other sign by itself.
_WORDS = r"\w+(?:['’]\w+)*"
_SIGN = r"[^\w\s]"
_SYMBOL = r"[^\w\s\p{P}]"
_LINE_BREAKS = r"<br\s*/?>"
# Texts tokenized at a time: what the library keeps of one is many times as large as its numbers.
_CHUNK = 1024


@contextmanager
def _panics_told(what: str) -> Iterator[None]:
    """A panic of the library's native code, which is no Exception, as a ValueError."""
    try:
        yield
    except BaseException as error:
        if type(error).__name__ == "PanicException":
            raise ValueError(
                f"{what} can't be split into words: one holds millions of spaces or quotes in a "
                f"row, or the like ({error})"
            ) from None
        raise


class Vocabulary:
    """The most frequent words of some texts, numbered by frequency; texts of any language.

    A text is brought into Unicode's normal form C and, unless told otherwise, to lower case; HTML's
    line breaks count as spaces. Words are runs of letters, digits and marks, an apostrophe within
    one included, and each ideograph and each other sign by itself. Number 0 is padding, 1 every
    word that is not among the numbered; 2 is the most frequent word, and of words equally frequent
    the one first in order of code points has the smaller number. The same texts give the same
    vocabulary.

    Parameters
    ----------
    max_size : int, default 20000
        The most numbers there may be, padding and the unknown word included, so that
        ``Embedding(max_size, ...)`` holds them all.
    min_count : int, default 1
        Words that occur less often in the texts of `fit` are unknown.
    lowercase : bool, default True
    punctuation : bool, default True
        Whether signs of punctuation are words, too; emoji and other symbols always are.

    Raises
    ------
    ImportError
        Where the package `tokenizers`, which does the work, is missing; ``pip install
        mundur[text]`` brings it.

    Examples
    --------
    >>> from mundur.text import Vocabulary
    >>> vocabulary = Vocabulary(max_size=100).fit(["Filmnya bagus", "Filmnya buruk, buruk!"])
    >>> vocabulary.words
    ['[PAD]', '[UNK]', 'buruk', 'filmnya', '!', ',', 'bagus']
    >>> ids = vocabulary.encode(["filmnya sangat buruk", ""], length=4)
    >>> ids
    array([[0, 3, 1, 2],
           [0, 0, 0, 0]], dtype=int32)
    >>> vocabulary.decode(ids)
    ['filmnya [UNK] buruk', '']
    """

    @checked_keywords()
    def __init__(
        self,
        max_size: int = 20_000,
        *,
        min_count: int = 1,
        lowercase: bool = True,
        punctuation: bool = True,
    ) -> None:
        self.max_size = integer(max_size, "max_size", len(_RESERVED) + 1)
        self.min_count = integer(min_count, "min_count", 1)
        self.lowercase = boolean(lowercase, "lowercase")
        self.punctuation = boolean(punctuation, "punctuation")
        self._fitted: Tokenizer | None = None

    def __setattr__(self, name: str, value: Any) -> None:
        check_assignment(self, name, argument_names(type(self).__init__), ())
        object.__setattr__(self, name, value)

    # ---- fit -------------------------------------------------------------------------------------

    def fit(self, texts: Iterable[str]) -> Vocabulary:
        """Numbers the words of these texts, instead of any it had; returns itself.

        Parameters
        ----------
        texts : list of str
            Or any iterable of them, such as a column of a DataFrame.

        Raises
        ------
        TypeError
            For a row that is no text, naming it.
        ValueError
            For texts without a single word, and for half a surrogate pair.
        """
        rows = checked_texts(texts)
        check_encodable(rows, 0)
        library = _library()
        learner = self._tokenizer({})
        trainer = library.trainers.WordLevelTrainer(
            vocab_size=self.max_size - len(_RESERVED),
            min_frequency=self.min_count,
            show_progress=False,
            special_tokens=[],
        )
        with _panics_told("texts"):
            learner.train_from_iterator(rows, trainer, length=len(rows))
        counted = sorted(learner.get_vocab().items(), key=lambda entry: entry[1])
        if not counted:
            raise ValueError(
                f"texts hold no word that occurs {self.min_count} times, in {len(rows)} rows"
            )
        words = [*_RESERVED, *(word for word, _ in counted)]
        learner.model = library.models.WordLevel(_numbers(words), unk_token=_RESERVED[UNKNOWN])
        self._fitted = learner
        return self

    def _tokenizer(self, numbers: dict[str, int]) -> Tokenizer:
        library = _library()
        normalizers, regex = library.normalizers, library.Regex
        tokenizer: Tokenizer = library.Tokenizer(
            library.models.WordLevel(numbers, unk_token=_RESERVED[UNKNOWN])
        )
        tokenizer.normalizer = normalizers.Sequence(
            [
                normalizers.NFC(),
                normalizers.Replace(regex(_LINE_BREAKS), " "),
                normalizers.BertNormalizer(
                    clean_text=True,
                    handle_chinese_chars=True,
                    strip_accents=False,
                    lowercase=self.lowercase,
                ),
            ]
        )
        pattern = f"{_WORDS}|{_SIGN if self.punctuation else _SYMBOL}"
        split = library.pre_tokenizers.Split(regex(pattern), "removed", invert=True)
        tokenizer.pre_tokenizer = split
        return tokenizer

    @property
    def words(self) -> list[str]:
        """The word of each number, ``[PAD]`` and ``[UNK]`` first."""
        numbers = self._ready.get_vocab()
        return sorted(numbers, key=numbers.__getitem__)

    @property
    def _ready(self) -> Tokenizer:
        if self._fitted is None:
            raise RuntimeError("this vocabulary holds no words yet: call fit(texts) first")
        return self._fitted

    def __len__(self) -> int:
        return 0 if self._fitted is None else self._fitted.get_vocab_size()

    def __bool__(self) -> bool:
        return True

    # ---- texts and numbers -----------------------------------------------------------------------

    def encode(
        self,
        texts: Iterable[str],
        length: int | None = None,
        *,
        padding: str = "pre",
        truncating: str = "pre",
    ) -> Ids:
        """Texts as rows of numbers, padded with 0 or cut to one length.

        Parameters
        ----------
        texts : list of str
            An empty text is a row of zeros.
        length : int, optional
            None is that of the longest text.
        padding : {"pre", "post"}, default "pre"
            Where zeros are added. Before the words, so that a recurrent layer ends on the last one.
        truncating : {"pre", "post"}, default "pre"
            Where words are cut away. From the start, since a review's verdict stands at its end.

        Returns
        -------
        ndarray (samples, length) of int32

        Raises
        ------
        TypeError, ValueError
            For rows that are no text and for bad arguments.
        RuntimeError
            Before `fit`.
        """
        if length is not None:
            integer(length, "length", 1)
        rows = self.sequences(texts)
        longest = max((len(row) for row in rows), default=0) if length is None else length
        return pad_sequences(
            rows, max(longest, 1), dtype="int32", padding=padding, truncating=truncating
        )

    def sequences(self, texts: Iterable[str]) -> list[Ids]:
        """The numbers of each text, as many as it has words."""
        return list(self._sequences(checked_texts(texts)))

    def _sequences(self, texts: list[str]) -> Iterator[Ids]:
        tokenizer = self._ready
        for start in range(0, len(texts), _CHUNK):
            chunk = texts[start : start + _CHUNK]
            check_encodable(chunk, start)
            with _panics_told(f"texts[{start}:{start + len(chunk)}]"):
                batch = tokenizer.encode_batch_fast(chunk, add_special_tokens=False)
            for encoded in batch:
                yield np.array(encoded.ids, np.int32)

    def decode(self, ids: Any) -> list[str]:
        """The words of each row of numbers, a space between two; padding is left out.

        Parameters
        ----------
        ids : array (samples, length) of integers, or list of such rows

        Raises
        ------
        TypeError, ValueError
            For anything else, and for numbers outside of the vocabulary.
        """
        words = self.words
        return [
            " ".join(words[number] for number in row if number != PADDING)
            for row in _rows(ids, len(words))
        ]

    # ---- files -----------------------------------------------------------------------------------

    def to_json(self) -> str:
        """The tokenizer as JSON, which `tokenizers.Tokenizer.from_str` reads in any program."""
        return self._ready.to_str()

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        names = ("max_size", "min_count", "lowercase", "punctuation")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_json(cls, text: str, **config: Any) -> Vocabulary:
        """The vocabulary of `to_json`, and of `get_config` as keywords.

        Raises
        ------
        ValueError
            Where the JSON is not that of a vocabulary.
        """
        vocabulary = cls(**config)
        document, numbers = _checked_document(text)
        # Made anew of the words alone: what else a file may say, the library need not believe.
        own = json.loads(vocabulary._tokenizer({}).to_str())
        for part in ("normalizer", "pre_tokenizer"):
            if not _agree(document.get(part), own[part]):
                raise ValueError(f"no vocabulary's JSON: its {part} is not that of {vocabulary!r}")
        try:
            vocabulary._fitted = vocabulary._tokenizer(numbers)
        except Exception as error:
            raise ValueError(f"no sound vocabulary: {error}") from None
        return vocabulary

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value!r}" for name, value in self.get_config().items())
        return f"Vocabulary({options})"

    def __reduce__(self) -> Any:
        text = None if self._fitted is None else self._fitted.to_str()
        return _restore, (self.get_config(), text)


def _library() -> Any:
    try:
        import tokenizers
    except ImportError as error:
        raise ImportError(f"{error}; mundur.text needs: pip install mundur[text]") from error
    return tokenizers


def _restore(config: dict[str, Any], text: str | None) -> Vocabulary:
    return Vocabulary(**config) if text is None else Vocabulary.from_json(text, **config)


def _numbers(words: list[str]) -> dict[str, int]:
    return {word: number for number, word in enumerate(words)}


def _checked_document(text: str) -> tuple[dict[str, Any], dict[str, int]]:
    """Only what `fit` makes: words numbered from 0 without gaps, and nothing that adds others."""
    try:
        document = json.loads(text)
        model = document["model"]
        kind, numbers, unknown = model["type"], model["vocab"], model["unk_token"]
        others = [document[key] for key in ("added_tokens", "post_processor", "truncation")]
        others += [document.get(key) for key in ("padding", "decoder")]
        given = sorted(numbers.values())
        plain = all(type(number) is int for number in given)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"no vocabulary's JSON: {error!r}") from None
    if kind != "WordLevel" or any(others):
        raise ValueError("no vocabulary's JSON: expected a WordLevel model and nothing around it")
    if not plain or given != list(range(len(given))) or unknown != _RESERVED[UNKNOWN]:
        raise ValueError("no vocabulary's JSON: words must be numbered from 0 without gaps")
    for number, word in enumerate(_RESERVED):
        if numbers.get(word) != number:
            raise ValueError(f"no vocabulary's JSON: {number} must stand for {word}")
    return document, numbers


def _agree(found: Any, own: Any) -> bool:
    """Whether JSON says the same; another release of the library may name more or less."""
    if isinstance(own, dict):
        both = found.keys() & own.keys() if isinstance(found, dict) else set()
        return bool(both) and all(_agree(found[key], own[key]) for key in both)
    if isinstance(own, list):
        alike = isinstance(found, list) and len(found) == len(own)
        return alike and all(map(_agree, found, own))
    return type(found) is type(own) and bool(found == own)


def _rows(ids: Any, size: int) -> Iterator[list[int]]:
    if isinstance(ids, np.ndarray) and ids.ndim != 2:
        raise ValueError(f"ids must have shape (samples, length); got {ids.shape}")
    for index, row in enumerate(ids):
        numbers = np.asarray(row)
        if numbers.ndim != 1 or (numbers.dtype.kind not in "iu" and numbers.size):
            raise TypeError(f"ids[{index}] must be a row of integers; got {row!r:.60}")
        if numbers.size and not 0 <= numbers.min() <= numbers.max() < size:
            wrong = numbers[(numbers < 0) | (numbers >= size)][0]
            raise ValueError(f"ids[{index}] holds {wrong}, outside of [0, {size})")
        yield [int(number) for number in numbers]
