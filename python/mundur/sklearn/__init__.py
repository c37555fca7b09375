"""Estimators for scikit-learn, which is imported with this module; ``pip install mundur[sklearn]``.

`MLPClassifier` and `MLPRegressor` have the arguments, attributes and numbers of scikit-learn's
classes of these names, so that code for those runs after changing one import, and beside them what
those lack. `NeuralNetClassifier` and `NeuralNetRegressor` are made around any layers,
`TextClassifier` around a vocabulary, too.

>>> from mundur.sklearn import MLPClassifier
>>> from sklearn.datasets import load_iris
>>> x, y = load_iris(return_X_y=True)
>>> MLPClassifier(random_state=0, max_iter=400, dropout=0.1).fit(x, y).score(x, y) > 0.9
True
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._support.names import unknown_attribute

try:
    from .mlp_classifier import MLPClassifier
    from .mlp_regressor import MLPRegressor
    from .neural_net_classifier import NeuralNetClassifier
    from .neural_net_regressor import NeuralNetRegressor
    from .text_classifier import TextClassifier
except ImportError as error:
    if (error.name or "").partition(".")[0] not in ("sklearn", "scipy"):
        raise
    raise ImportError(
        "mundur.sklearn needs scikit-learn 1.6 or later: pip install mundur[sklearn]"
    ) from error

__all__ = [
    "MLPClassifier",
    "MLPRegressor",
    "NeuralNetClassifier",
    "NeuralNetRegressor",
    "TextClassifier",
]


if not TYPE_CHECKING:  # else type checkers would believe in any name

    def __getattr__(name: str) -> object:
        raise unknown_attribute("mundur.sklearn", name, __all__)

    def __dir__() -> list[str]:
        return sorted(__all__)
