"""Which of scikit-learn's own tests of its perceptrons ours do not pass, and why, as data.

The documentation has a page made of it, and `test_sklearn_own_tests` takes exactly these.
"""

from __future__ import annotations

from typing import NamedTuple


class Difference(NamedTuple):
    """A test of sklearn/neural_network/tests/test_mlp.py; `kind` is one of `KINDS`."""

    test: str
    kind: str
    reason: str


KINDS = {
    "private": "asks for what is private",
    "wording": "another sentence",
    "order": "another order of batches",
}

DIFFERENCES = [
    Difference(
        "test_gradient",
        "private",
        "It calls a private method for the gradient; `Model.check_gradients` shows ours.",
    ),
    Difference(
        "test_nonfinite_params",
        "wording",
        "A ValueError too; it names the epoch and learning_rate_init.",
    ),
    Difference(
        "test_warm_start",
        "wording",
        "A ValueError too, with both lists of classes; it says how to begin anew.",
    ),
    Difference(
        "test_mlp_regressor_dtypes_casting",
        "order",
        "A prediction of this order of batches lies near 0, where float32 has no such relative "
        "precision; all others agree.",
    ),
]
