"""The small set of sentences that ships with the package."""

from __future__ import annotations

from pathlib import Path

from .._support.names import checked_keywords
from .files import Texts, read_lines

__all__ = ["load_sentences"]

_FILE = Path(__file__).with_name("sentences.tsv")
_LANGUAGES = ("en", "id")


@checked_keywords()
def load_sentences(language: str | None = None) -> Texts:
    """300 short sentences, positive and negative, written for trying things out.

    Parameters
    ----------
    language : {"id", "en"}, optional
        Indonesian or English alone; by default both.

    Returns
    -------
    Texts
        ``texts, labels``; the labels "positive" and "negative" take turns. Such a pair may differ
        in the judging words alone; with both languages, groups of four belong together and should
        not be parted between training and test.

    Raises
    ------
    ValueError
        For another language.

    Examples
    --------
    >>> from mundur.text import load_sentences
    >>> texts, labels = load_sentences("id")
    >>> len(texts), labels[:4]
    (150, ['positive', 'negative', 'positive', 'negative'])
    """
    if language not in (None, *_LANGUAGES):
        raise ValueError(f"language must be 'id', 'en' or None; got {language!r}")
    rows = [line.split("\t") for line in read_lines(_FILE, "utf-8")[1:]]
    kept = [(text, label) for of, label, text in rows if language in (None, of)]
    return Texts([text for text, _ in kept], [label for _, label in kept])
