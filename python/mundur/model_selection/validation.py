"""Cross-validation: what a model is worth on samples that it was not trained on."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._support.checks import boolean
from ..models.model import Model
from .folds import Fold
from .judging import Judge, Judged, Scoring, folds_of
from .many import checked_data

__all__ = ["cross_validate"]


def cross_validate(
    make: Any,
    x: Any,
    y: Any,
    *,
    cv: Any = 5,
    scoring: Scoring = None,
    return_train_score: bool = False,
    return_model: bool = False,
    return_indices: bool = False,
    workers: int | None = None,
    verbose: str | int = "auto",
    **arguments: Any,
) -> dict[str, Any]:
    """Trains and judges a model on each fold; the folds side by side, one on each core.

    Parameters
    ----------
    make : function or Model
        ``make()`` returns a compiled model, a new one with every call: for each fold, and one at
        the beginning. A compiled model is copied instead for each fold, with its weights as they
        are now, and stays as it is; one that was trained before is warned of, as it may know the
        samples that are to judge it.
    x, y : array
        As for `Model.fit`; folds are indices into them, not copies.
    cv : int, splitter or iterable, default 5
        A number of folds (of each class an equal share where the loss is over classes), an object
        with ``split(x, y)``, as scikit-learn's are, or pairs of indices (train, test).
    scoring : str or function, optional
        What the score is: the name of a metric, or "loss", or ``f(model, x, y)`` of the fold's
        samples, arrays. By default the first metric of `compile`, else the loss.
    return_train_score, return_model, return_indices : bool, default False
        Whether the training samples are judged as well, the models kept, the folds returned.
    workers : int, optional
        Models at work at once; by default, and at most, as many as there are threads.
    verbose : {"auto", 0, 1, 2}, default "auto"
        As for `fit_many`.
    **arguments
        Of `Model.fit`: epochs, batch_size, callbacks (each model gets a copy), ...; a
        ``sample_weight`` weighs the samples that judge, too.

    Returns
    -------
    dict
        As scikit-learn's: arrays with an entry for each fold, "fit_time" and "score_time" in
        seconds, "test_score", of which more is better (of a loss its negative), "test_loss" and
        "test_NAME" for each metric; "train_..." likewise; "model" (a list) and "indices" (a dict of
        lists "train" and "test") on demand.

    Raises
    ------
    TypeError, ValueError
        For bad arguments, each named, before anything is trained.
    RuntimeError
        Where a model could not be made, trained or judged: it names the fold, and its cause is the
        model's own error. The first one ends the work.
    KeyboardInterrupt
        After Ctrl-C.

    Examples
    --------
    >>> import mundur as md, numpy as np
    >>> def line():
    ...     model = md.Model([md.layers.Dense(1)], seed=0)
    ...     model.compile(md.optimizers.SGD(0.1), "mse")
    ...     return model
    >>> x = np.linspace(-1, 1, 50).reshape(-1, 1)
    >>> found = md.model_selection.cross_validate(line, x, 3 * x, cv=5, epochs=100, verbose=0)
    >>> found["test_loss"].shape, bool((found["test_loss"] < 0.01).all())
    ((5,), True)
    """
    trains, keeps = (
        boolean(return_train_score, "return_train_score"),
        boolean(return_model, "return_model"),
    )
    indices = boolean(return_indices, "return_indices")
    judge = Judge(make, scoring, trains, keeps, arguments)
    x, y = checked_data(x, y)
    folds = folds_of(cv, judge.first([{}]), x, y)
    judged = judge.all_judged([{}], x, y, folds, workers, verbose)
    found = [one for one in judged if isinstance(one, Judged)]
    columns: dict[str, Any] = {
        "fit_time": np.array([one.fit_seconds for one in found]),
        "score_time": np.array([one.score_seconds for one in found]),
    }
    for kind in ("test", "train") if trains else ("test",):
        for name in getattr(found[0], kind):
            columns[f"{kind}_{name}"] = np.array([getattr(one, kind)[name] for one in found])
    if keeps:
        columns["model"] = models_of(found)
    if indices:
        columns["indices"] = indices_of(folds)
    return columns


def models_of(found: list[Judged]) -> list[Model]:
    """Those that were kept."""
    return [one.model for one in found if one.model is not None]


def indices_of(folds: list[Fold]) -> dict[str, list[Any]]:
    """The folds, by what they are for."""
    return {"train": [train for train, _ in folds], "test": [test for _, test in folds]}
