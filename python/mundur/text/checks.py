"""What comes in as texts and labels, checked row by row."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from .._support.checks import integer

__all__ = ["check_encodable", "checked_labels", "checked_texts"]

Label = str | int

# The tokenizer's regular expressions give up, with noise, after 10 million steps in one match.
_LONGEST_RUN = 4_000_000
_RUNS = re.compile(r"[^ \t\n\r]+|\s+")


def checked_texts(texts: Any, name: str = "texts") -> list[str]:
    """A list of texts; the TypeError for anything else names the first wrong row."""
    if isinstance(texts, (str, bytes)) or not isinstance(texts, Iterable):
        raise TypeError(
            f"{name} must be a list of texts; got {type(texts).__name__}"
            + ("; for a single text write [text]" if isinstance(texts, str) else "")
        )
    rows = list(texts)
    for row, text in enumerate(rows):
        if not isinstance(text, str):
            raise TypeError(f"{name}[{row}] must be text; got {_shown(text)}{_hint(text)}")
    return rows


def check_encodable(texts: Iterable[str], start: int, name: str = "texts") -> None:
    """Raises for what the tokenizer cannot take: half a surrogate pair, and endless runs."""
    for row, text in enumerate(texts, start):
        if len(text) >= _LONGEST_RUN:
            lengths = (match.end() - match.start() for match in _RUNS.finditer(text))
            if max(lengths) >= _LONGEST_RUN:
                raise ValueError(
                    f"{name}[{row}] can't be split into words: it holds {_LONGEST_RUN:,} "
                    "characters or more without a space, or as many spaces in a row"
                )
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise ValueError(
                f"{name}[{row}] is not sound Unicode: {error.reason} at character {error.start}"
            ) from None


def checked_labels(labels: Any, samples: int, name: str = "labels") -> list[Label]:
    """One text or whole number per sample, as plain str or int; never both kinds."""
    if isinstance(labels, (str, bytes)) or not isinstance(labels, Iterable):
        raise TypeError(f"{name} must be a list of labels; got {type(labels).__name__}")
    rows = [_label(label, f"{name}[{row}]") for row, label in enumerate(labels)]
    if len(rows) != samples:
        raise ValueError(f"{name} must have one label per text, {samples}; got {len(rows)}")
    kinds = {type(label) for label in rows}
    if len(kinds) > 1:
        odd = next(row for row, label in enumerate(rows) if type(label) is not type(rows[0]))
        raise TypeError(
            f"{name} must be all texts or all integers; {name}[0] is {rows[0]!r}, {name}[{odd}] "
            f"is {rows[odd]!r}"
        )
    return rows


def _label(value: Any, name: str) -> Label:
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.reshape(())[()]  # a column of labels
    if isinstance(value, str):
        return str(value)
    whole = isinstance(value, (float, np.floating)) and float(value).is_integer()
    if whole or isinstance(value, (bool, np.bool_, int, np.integer)):
        return integer(int(value), name, -(2**63))
    raise TypeError(f"{name} must be text or a whole number; got {_shown(value)}{_hint(value)}")


def _shown(value: Any) -> str:
    text = repr(value)
    return f"{text if len(text) <= 40 else text[:37] + '...'} ({type(value).__name__})"


def _hint(value: Any) -> str:
    if isinstance(value, bytes):
        return "; decode it first, .decode('utf-8')"
    if value is None or (isinstance(value, float) and value != value):
        return "; drop or fill the rows that are missing"
    return ""
