"""Labelled texts in the forms in which they are found."""

from __future__ import annotations

import os
from typing import NamedTuple

from .aclimdb import load_aclimdb
from .files import Path, Texts, read_lines
from .tables import Row, load_table, read_rows

__all__ = ["Corpus", "load_corpus"]

_TEXT_TITLES = ("text", "review", "sentence", "tweet", "comment", "content")
_LABEL_TITLES = ("label", "sentiment", "class", "category", "polarity")
_NAMES = {1: "positive", 0: "negative"}


class Corpus(NamedTuple):
    """Texts to train on, and to validate and test on where they come parted.

    Examples
    --------
    >>> from mundur.text import Corpus, Texts
    >>> Corpus(Texts(["a fine film"], ["positive"]), None, None).test is None
    True
    """

    train: Texts
    validation: Texts | None
    test: Texts | None


def load_corpus(path: Path, encoding: str | None = None) -> Corpus:
    r"""Reads labelled texts in one of the forms in which people have them.

    Known are: the folder ``aclImdb`` or its archive (see `load_aclimdb`); a folder with
    ``imdb_train.tsv.gz`` and ``imdb_test.tsv.gz`` (label 1 or 0, stars, number, text); with
    ``rt-polarity.pos`` and ``rt-polarity.neg``; with IndoNLU's ``train_preprocess.tsv``,
    ``valid_preprocess.tsv`` and ``test_preprocess.tsv``; a TSV or CSV file, gzipped or not, with
    titles such as text and label, or with two columns, of which the label's has fewer different
    values. For any other table there is `load_table`.

    Parameters
    ----------
    path : path
    encoding : str, optional
        By default UTF-8; for rt-polarity, as it is distributed, Windows-1252.

    Returns
    -------
    Corpus
        ``train, validation, test``; the latter two are None where the data do not come parted.

    Raises
    ------
    OSError
        Where something cannot be read.
    ValueError
        For damaged data, with file and line, and where the form is none of these.

    Examples
    --------
    >>> import os, tempfile
    >>> from mundur.text import load_corpus
    >>> path = os.path.join(tempfile.mkdtemp(), "reviews.tsv")
    >>> with open(path, "w", encoding="utf-8") as file:
    ...     _ = file.write("bagus\tpositif\nburuk\tnegatif\njelek\tnegatif\n")
    >>> load_corpus(path).train
    Texts(texts=['bagus', 'buruk', 'jelek'], labels=['positif', 'negatif', 'negatif'])
    """
    name = os.fspath(path)
    if not os.path.isdir(name):
        if ".tar" in os.path.basename(name) or name.endswith(".tgz"):
            return _parted(*load_aclimdb(name))
        return Corpus(_table(name, encoding or "utf-8"), None, None)
    if _holds(name, "imdb_train.tsv.gz", "imdb_test.tsv.gz"):
        files = (os.path.join(name, f"imdb_{part}.tsv.gz") for part in ("train", "test"))
        return _parted(*(_imdb(file, encoding or "utf-8") for file in files))
    if _holds(name, "rt-polarity.pos", "rt-polarity.neg"):
        return Corpus(_polarity(name, encoding or "cp1252"), None, None)
    if _holds(name, *(f"{part}_preprocess.tsv" for part in ("train", "valid", "test"))):
        parts = [
            load_table(
                os.path.join(name, f"{part}_preprocess.tsv"), 0, 1, encoding=encoding or "utf-8"
            )
            for part in ("train", "valid", "test")
        ]
        return Corpus(*parts)
    if any(os.path.isdir(os.path.join(name, *p)) for p in (("aclImdb",), ("train", "pos"))):
        return _parted(*load_aclimdb(name))
    raise ValueError(
        f"{name} holds none of: aclImdb's folders, imdb_train.tsv.gz and imdb_test.tsv.gz, "
        "rt-polarity.pos and rt-polarity.neg, train_preprocess.tsv with its valid and test"
    )


def _parted(train: Texts, test: Texts) -> Corpus:
    return Corpus(train, None, test)


def _holds(folder: str, *names: str) -> bool:
    return all(os.path.isfile(os.path.join(folder, name)) for name in names)


def _imdb(file: str, encoding: str) -> Texts:
    texts, labels = load_table(file, 3, 0, encoding=encoding)
    wrong = next((label for label in labels if label not in _NAMES), None)
    if wrong is not None:
        raise ValueError(f"{file}: labels must be 1 or 0; got {wrong!r}")
    return Texts(texts, [_NAMES[int(label)] for label in labels])


def _polarity(folder: str, encoding: str) -> Texts:
    """Positive and negative sentences by turns, so that any part holds both."""
    files = [os.path.join(folder, f"rt-polarity.{end}") for end in ("pos", "neg")]
    sentences = [[line.strip() for line in read_lines(file, encoding)] for file in files]
    rows = [
        (i, kind, text)
        for kind, lines in enumerate(sentences)
        for i, text in enumerate(lines)
        if text
    ]
    rows.sort(key=lambda row: row[:2])
    return Texts([text for _, _, text in rows], [_NAMES[1 - kind] for _, kind, _ in rows])


def _table(file: str, encoding: str) -> Texts:
    rows = read_rows(file, encoding)
    if not rows:
        raise ValueError(f"{file}: there are no rows")
    titles = [title.strip().lower() for title in rows[0][1]]
    text = [i for i, title in enumerate(titles) if title in _TEXT_TITLES]
    label = [i for i, title in enumerate(titles) if title in _LABEL_TITLES]
    if len(text) == len(label) == 1:
        return load_table(file, text[0], label[0], encoding=encoding, header=True)
    if len(titles) == 2:
        place = _label_column(rows, file)
        return load_table(file, 1 - place, place, encoding=encoding)
    raise ValueError(
        f"{file}: which columns hold text and label? The first line holds "
        f"{', '.join(map(repr, rows[0][1]))}; titles such as 'text' and 'label' would tell, or "
        "mundur.text.load_table with text=... and label=..."
    )


def _label_column(rows: list[Row], file: str) -> int:
    for line, fields in rows:
        if len(fields) != 2:
            raise ValueError(f"{file}, line {line}: expected 2 fields, got {len(fields)}")
    first, second = (len({fields[i] for _, fields in rows}) for i in (0, 1))
    return 0 if first <= second else 1
