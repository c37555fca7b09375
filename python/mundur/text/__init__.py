"""Texts: a vocabulary, readers of what people have, and a classifier of sentences.

>>> import mundur as md
>>> vocabulary = md.text.Vocabulary().fit(["a fine film", "a poor film"])
>>> vocabulary.encode(["a fine day"], length=4)
array([[0, 2, 4, 1]], dtype=int32)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._support.names import unknown_attribute
from .aclimdb import load_aclimdb
from .classifier import Prediction, TextClassifier
from .corpora import Corpus, load_corpus
from .files import Texts
from .negations import Negations, load_negations
from .sentences import load_sentences
from .sequences import load_sequences
from .tables import load_table
from .vocabulary import Vocabulary

__all__ = [
    "Corpus",
    "Negations",
    "Prediction",
    "TextClassifier",
    "Texts",
    "Vocabulary",
    "load_aclimdb",
    "load_corpus",
    "load_negations",
    "load_sentences",
    "load_sequences",
    "load_table",
]


if not TYPE_CHECKING:  # else type checkers would believe in any name

    def __getattr__(name: str) -> object:
        raise unknown_attribute("mundur.text", name, __all__)

    def __dir__() -> list[str]:
        return sorted(__all__)
