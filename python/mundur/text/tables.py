"""Tables of labelled texts: TSV and CSV, gzipped or not."""

from __future__ import annotations

import csv
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from .._support.checks import boolean, integer
from .._support.names import checked_keywords, suggestion
from .files import Path, Texts, decoded, read_bytes

__all__ = ["load_table", "plain_labels", "read_rows"]

# A line's number, counted from 1, and its fields.
Row = tuple[int, list[str]]
Column = str | int


@checked_keywords()
def load_table(
    path: Path,
    text: Column = "text",
    label: Column = "label",
    *,
    encoding: str = "utf-8",
    delimiter: str | None = None,
    quoted: bool | None = None,
    header: bool | None = None,
) -> Texts:
    r"""Reads labelled texts from a TSV or CSV file, gzipped or not.

    Parameters
    ----------
    path : path
    text, label : str or int, defaults "text" and "label"
        Which columns: titles in the first line, or places counted from 0.
    encoding : str, default "utf-8"
        Of the file, such as "cp1252" or "utf-16"; nothing is guessed and nothing replaced.
    delimiter : str, optional
        One character; by default a comma where the file's name ends in .csv or .csv.gz, else a tab.
    quoted : bool, optional
        Whether a field may stand in double quotes and then hold delimiters and line feeds; by
        default not where the delimiter is a tab.
    header : bool, optional
        Whether the first line holds titles; by default where a column is given by its title.

    Returns
    -------
    Texts
        ``texts, labels``. Labels are integers where all are written as such, else texts. Blank
        lines are left out; an empty text is one like any other.

    Raises
    ------
    OSError
        Where the file cannot be read.
    ValueError
        For damaged gzip data, bytes that are not of that encoding, lines with too few or too many
        fields or no label (each with file and line), and columns that there are not.

    Examples
    --------
    >>> import os, tempfile
    >>> from mundur.text import load_table
    >>> path = os.path.join(tempfile.mkdtemp(), "reviews.csv")
    >>> with open(path, "w", encoding="utf-8") as file:
    ...     _ = file.write('label,text\npositive,"good, really"\nnegative,bad\n')
    >>> load_table(path)
    Texts(texts=['good, really', 'bad'], labels=['positive', 'negative'])
    """
    titled = isinstance(text, str) or isinstance(label, str)
    first = titled if header is None else boolean(header, "header")
    rows = read_rows(path, encoding, delimiter, quoted)
    name = os.fspath(path)
    titles = [title.strip() for title in rows.pop(0)[1]] if first and rows else []
    if not rows:
        raise ValueError(f"{name}: there are no rows")
    width = len(titles) or len(rows[0][1])
    places = [
        _place(text, "text", titles, width, name),
        _place(label, "label", titles, width, name),
    ]
    if places[0] == places[1]:
        raise ValueError(f"{name}: text and label are the same column, {text!r}")
    texts, labels = [], []
    for line, fields in rows:
        if len(fields) != width:
            raise ValueError(f"{name}, line {line}: expected {width} fields, got {len(fields)}")
        texts.append(fields[places[0]])
        labels.append(fields[places[1]].strip())
        if not labels[-1]:
            raise ValueError(f"{name}, line {line}: there is no label")
    return Texts(texts, plain_labels(labels))


def _place(column: Column, role: str, titles: Sequence[str], width: int, name: str) -> int:
    if isinstance(column, str):
        if column not in titles:
            listed = ", ".join(map(repr, titles)) or "none"
            raise ValueError(
                f"{name} has no column {column!r}{suggestion(column, titles)} (its first line "
                f"holds {listed}); name it, or give its place counted from 0, with {role}=..."
            )
        return list(titles).index(column)
    place = integer(column, role)
    if place >= width:
        raise ValueError(f"{name}: {role}={place}, but there are {width} columns, counted from 0")
    return place


def plain_labels(labels: list[str]) -> list[str] | list[int]:
    """Integers where each label is written exactly as one, else the labels as they are."""
    try:
        numbers = [int(label) for label in labels]
    except ValueError:
        return labels
    return numbers if [str(number) for number in numbers] == labels else labels


# ---- rows ---------------------------------------------------------------------------------------


def read_rows(
    path: Path, encoding: str, delimiter: str | None = None, quoted: bool | None = None
) -> list[Row]:
    """The fields of every line that is not blank."""
    name = os.fspath(path)
    comma = name.lower().removesuffix(".gz").endswith(".csv")
    separator = ("," if comma else "\t") if delimiter is None else delimiter
    if not isinstance(separator, str) or len(separator) != 1 or separator in "\r\n\0":
        raise ValueError(f"delimiter must be one character; got {separator!r}")
    quotes = separator != "\t" if quoted is None else boolean(quoted, "quoted")
    text = decoded(read_bytes(path), encoding, name)
    lines = text.split("\n")
    if quotes:
        return list(_quoted(lines, separator, name))
    kept = ((number, line.removesuffix("\r")) for number, line in enumerate(lines, 1))
    return [(number, line.split(separator)) for number, line in kept if line.strip()]


def _quoted(lines: list[str], delimiter: str, name: str) -> Iterator[Row]:
    whole = (f"{line}\n" for line in lines)
    reader = csv.reader(whole, delimiter=delimiter, strict=True)
    begun = 1
    with _long_fields():
        try:
            for fields in reader:
                if any(field.strip() for field in fields):
                    yield begun, fields
                begun = reader.line_num + 1
        except csv.Error as error:
            raise ValueError(
                f"{name}, line {begun}: {error}; where quotes are signs like any other, pass "
                "quoted=False"
            ) from None


_limit_lock = threading.Lock()


@contextmanager
def _long_fields() -> Iterator[None]:
    """The csv module's limit belongs to the process, and a review may be longer."""
    with _limit_lock:
        before = csv.field_size_limit(2**31 - 1)
        try:
            yield
        finally:
            csv.field_size_limit(before)
