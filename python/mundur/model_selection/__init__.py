"""Many models at once: `fit_many`, and on it cross-validation, grid and random search.

>>> import mundur as md
>>> [test.tolist() for train, test in md.model_selection.KFold(2).split(range(4))]
[[0, 1], [2, 3]]
"""

from __future__ import annotations

from .._support.names import unknown_attribute
from .folds import KFold, StratifiedKFold
from .many import fit_many
from .search import GridSearch, RandomSearch
from .validation import cross_validate

__all__ = [
    "GridSearch",
    "KFold",
    "RandomSearch",
    "StratifiedKFold",
    "cross_validate",
    "fit_many",
]


def __getattr__(name: str) -> object:
    raise unknown_attribute("mundur.model_selection", name, __all__)


def __dir__() -> list[str]:
    return sorted(__all__)
