"""Searches for the settings of a model: each candidate is judged by cross-validation."""

from __future__ import annotations

import inspect
import itertools
import math
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .._support.checks import boolean, integer, items, number, seed_value
from ..models.model import Model
from .judging import Judge, Judged, Scoring, folds_of, named, said
from .many import checked_data
from .side_by_side import Board, Job, side_by_side

__all__ = ["GridSearch", "RandomSearch"]

Candidate = dict[str, Any]


class _Search:
    """What both searches share; see there."""

    cv_results_: dict[str, Any]
    best_index_: int
    best_params_: Candidate
    best_score_: float
    best_model_: Model
    refit_time_: float
    n_splits_: int

    def __init__(
        self,
        make: Any,
        *,
        cv: Any = 5,
        scoring: Scoring = None,
        refit: bool = True,
        return_train_score: bool = False,
        error_score: float | str = "raise",
        workers: int | None = None,
        verbose: str | int = "auto",
        **arguments: Any,
    ) -> None:
        self.make, self.cv, self.scoring = make, cv, scoring
        self.refit = boolean(refit, "refit")
        self.return_train_score = boolean(return_train_score, "return_train_score")
        self.error_score = error_score
        if error_score != "raise" and not _is_nan(error_score):
            self.error_score = number(error_score, "error_score")
        self.workers, self.verbose, self.arguments = workers, verbose, arguments
        self._judge()  # refuses bad arguments here, not after hours

    def _judge(self) -> Judge:
        """For one search, with what the attributes say by now."""
        trains = self.return_train_score
        return Judge(self.make, self.scoring, trains, False, self.arguments)

    def __repr__(self) -> str:
        own = inspect.signature(type(self)).parameters
        parts = []
        for name, usual in {**own, **inspect.signature(_Search).parameters}.items():
            value = vars(self).get(name, usual.default)
            if usual.kind is usual.VAR_KEYWORD:
                continue
            if usual.default is usual.empty:
                parts.append(getattr(value, "__name__", repr(value)))
            elif repr(value) != repr(usual.default):
                parts.append(f"{name}={value!r}")
        parts += [f"{name}={value!r}" for name, value in self.arguments.items()]
        return f"{type(self).__name__}({', '.join(parts)})"

    def _candidates(self) -> list[Candidate]:
        raise NotImplementedError

    def fit(self, x: Any, y: Any) -> _Search:
        """Judges every candidate, and trains the best one on all samples.

        Parameters
        ----------
        x, y : array
            As for `Model.fit`.

        Returns
        -------
        The search itself.

        Raises
        ------
        TypeError, ValueError
            For bad arguments, each named, before anything is trained.
        RuntimeError
            Names the candidate and the fold; its cause is the model's own error.
        KeyboardInterrupt
            After Ctrl-C.
        """
        candidates, judge = self._candidates(), self._judge()
        x, y = checked_data(x, y)
        judge.check({name for candidate in candidates for name in candidate})
        folds = folds_of(self.cv, judge.first(candidates), x, y)
        self.n_splits_ = len(folds)
        raises = self.error_score == "raise"
        judged = judge.all_judged(
            candidates, x, y, folds, self.workers, self.verbose, raises=raises
        )
        wheres = [named(one, fold) for one in candidates for fold in range(len(folds))]
        errors = [one for one in judged if isinstance(one, Exception)]
        if len(errors) == len(judged):
            first = f"{wheres[0]}: {said(errors[0])}"
            raise RuntimeError(f"no model could be judged; {first}") from errors[0]
        found = [self._settled(*both) for both in zip(judged, wheres, strict=True)]
        self.cv_results_ = _columns(candidates, found, len(folds))
        self.best_index_ = int(self.cv_results_["rank_test_score"].argmin())
        self.best_params_ = candidates[self.best_index_]
        self.best_score_ = float(self.cv_results_["mean_test_score"][self.best_index_])
        if math.isnan(self.best_score_):
            raise RuntimeError("no candidate could be judged: every score is NaN")
        if self.refit:
            self._refit(judge, x, y)
        return self

    def _settled(self, one: Judged | Exception, where: str) -> Judged:
        if isinstance(one, Judged):
            return one
        score = float(self.error_score)
        warnings.warn(f"{where} scores {score:g}: {said(one)}", UserWarning, stacklevel=4)
        return Judged({"score": score}, {}, 0.0, 0.0, None)

    def _refit(self, judge: Judge, x: Any, y: Any) -> None:
        """On all samples, with all threads."""
        best = self.best_params_
        begin = time.perf_counter()
        job = Job(lambda board: judge.fitted(best, x, y, None, board))
        side_by_side([job], 1, Board(judge.epochs(best), self.verbose, "Refit"), most=0)
        if job.error is not None:
            raise RuntimeError(f"{best} on all samples: {said(job.error)}") from job.error
        assert job.result is not None
        self.best_model_ = job.result
        self.refit_time_ = time.perf_counter() - begin


class GridSearch(_Search):
    """Every combination of the values given, judged by cross-validation, side by side.

    Parameters
    ----------
    make : function or Model
        ``make(**parameters)`` returns a compiled model, a new one with every call: for each fit,
        and one at the beginning. A compiled model is copied instead, as for `cross_validate`.
    param_grid : dict of str to list, or list of them
        The values to try, of `make`'s parameters and of `Model.fit`'s (epochs, batch_size). A
        ``sample_weight`` among them weighs training alone: every candidate is judged alike.
    cv, scoring, workers, verbose, **arguments
        As for `cross_validate`.
    refit : bool, default True
        Whether the best candidate is trained on all samples, as `best_model_`.
    return_train_score : bool, default False
    error_score : "raise" or float, default "raise"
        The score of a model that could not be made, trained or judged, with a warning. By default,
        and where no model could be judged, that is an error, and the first one ends the search.

    Attributes
    ----------
    cv_results_ : dict of arrays
        As scikit-learn's, a row for each candidate: "params", "param_NAME", "mean_fit_time",
        "split0_test_score", ..., "mean_test_score", "std_test_score", "rank_test_score";
        "mean_test_loss" and so on for what else the models tell. ``pandas.DataFrame`` shows it.
    best_params_, best_score_, best_index_, best_model_, refit_time_, n_splits_

    Examples
    --------
    >>> import mundur as md, numpy as np
    >>> def line(learning_rate):
    ...     model = md.Model([md.layers.Dense(1)], seed=0)
    ...     model.compile(md.optimizers.SGD(learning_rate), "mse")
    ...     return model
    >>> x = np.linspace(-1, 1, 50).reshape(-1, 1)
    >>> grid = {"learning_rate": [1e-4, 0.1], "epochs": [20]}
    >>> search = md.model_selection.GridSearch(line, grid, cv=3, verbose=0).fit(x, 3 * x)
    >>> search.best_params_["learning_rate"]
    0.1
    """

    def __init__(self, make: Any, param_grid: Any, **options: Any) -> None:
        super().__init__(make, **options)
        self.param_grid = _checked_grids(param_grid)

    def _candidates(self) -> list[Candidate]:
        return [c for grid in self.param_grid for c in _combinations(grid)]


class RandomSearch(_Search):
    """Candidates drawn at random, judged by cross-validation, side by side.

    Parameters
    ----------
    make : function or Model
        As for `GridSearch`.
    param_distributions : dict of str to list or distribution
        Lists, of which each value is equally likely, or objects with ``rvs(random_state=...)``, as
        SciPy's distributions are.
    n_iter : int, default 10
        How many are drawn; of lists alone never the same twice, and no more than there are.
    random_state : int, optional
        Fixes what is drawn; None draws it.
    **options
        As for `GridSearch`, whose attributes it has.

    Examples
    --------
    >>> import mundur as md, numpy as np
    >>> def line(learning_rate):
    ...     model = md.Model([md.layers.Dense(1)], seed=0)
    ...     model.compile(md.optimizers.SGD(learning_rate), "mse")
    ...     return model
    >>> x = np.linspace(-1, 1, 50).reshape(-1, 1)
    >>> rates = {"learning_rate": [1e-4, 1e-3, 1e-2, 0.1]}
    >>> search = md.model_selection.RandomSearch(
    ...     line, rates, n_iter=2, random_state=0, cv=3, epochs=20, verbose=0
    ... ).fit(x, 3 * x)
    >>> len(search.cv_results_["params"])
    2
    """

    def __init__(
        self,
        make: Any,
        param_distributions: Any,
        n_iter: int = 10,
        *,
        random_state: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(make, **options)
        self.param_distributions = _checked_distributions(param_distributions)
        self.n_iter = integer(n_iter, "n_iter", 1)
        self.random_state = seed_value(random_state, "random_state")

    def _candidates(self) -> list[Candidate]:
        rng = np.random.default_rng(self.random_state)
        given = self.param_distributions
        if all(isinstance(values, list) for values in given.values()):
            # By their places, each for itself: there may be more combinations than int64 counts.
            sizes = [len(values) for values in given.values()]
            drawn: dict[tuple[int, ...], None] = {}
            while len(drawn) < min(self.n_iter, math.prod(sizes)):
                drawn[tuple(int(rng.integers(size)) for size in sizes)] = None
            return [
                {name: given[name][at] for name, at in zip(given, places, strict=True)}
                for places in drawn
            ]
        return [{name: _draw(v, rng) for name, v in given.items()} for _ in range(self.n_iter)]


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _checked_grids(given: Any) -> list[dict[str, list[Any]]]:
    grids = [given] if isinstance(given, Mapping) else items(given, "param_grid")
    for grid in grids:
        if not isinstance(grid, Mapping):
            raise TypeError(
                f"param_grid must be a dict of lists, or a list of them; got {type(grid).__name__}"
            )
    checked = [{str(n): _values(v, "param_grid", n) for n, v in grid.items()} for grid in grids]
    if not checked:
        raise ValueError("param_grid must have at least one candidate; got none")
    return checked


def _checked_distributions(given: Any) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise TypeError(
            "param_distributions must be a dict of lists and distributions; got "
            f"{type(given).__name__}"
        )
    return {
        str(n): v if hasattr(v, "rvs") else _values(v, "param_distributions", n)
        for n, v in given.items()
    }


def _values(given: Any, argument: str, name: Any) -> list[Any]:
    values = items(given, f"{argument}[{name!r}]")
    if not values:
        raise ValueError(f"{argument}[{name!r}] must have at least one value; got none")
    return values


def _combinations(grid: Mapping[str, Sequence[Any]]) -> Iterator[Candidate]:
    for values in itertools.product(*grid.values()):
        yield dict(zip(grid, values, strict=True))


def _draw(values: Any, rng: np.random.Generator) -> Any:
    if isinstance(values, list):
        return values[rng.integers(len(values))]
    drawn = values.rvs(random_state=int(rng.integers(2**31)))
    return drawn.item() if isinstance(drawn, np.generic) else drawn


def _columns(candidates: Sequence[Candidate], found: Sequence[Judged], k: int) -> dict[str, Any]:
    """What scikit-learn calls cv_results_."""
    rows = [found[i : i + k] for i in range(0, len(found), k)]
    columns: dict[str, Any] = {}
    for kind in ("fit", "score"):
        seconds = np.array([[getattr(one, f"{kind}_seconds") for one in row] for row in rows])
        columns[f"mean_{kind}_time"] = seconds.mean(axis=1)
        columns[f"std_{kind}_time"] = seconds.std(axis=1)
    for name in {name: None for candidate in candidates for name in candidate}:
        values = np.ma.MaskedArray(np.empty(len(candidates), object), mask=True)
        for i, candidate in enumerate(candidates):
            if name in candidate:
                values[i] = candidate[name]
        columns[f"param_{name}"] = values
    columns["params"] = list(candidates)
    for kind in ("test", "train"):
        for name in {n: None for one in found for n in getattr(one, kind)}:
            told = np.array([[getattr(one, kind).get(name, np.nan) for one in r] for r in rows])
            title = f"{kind}_{name}"
            if name == "score":
                columns |= {f"split{i}_{title}": told[:, i] for i in range(k)}
            columns[f"mean_{title}"] = told.mean(axis=1)
            columns[f"std_{title}"] = told.std(axis=1)
            if title == "test_score":
                columns["rank_test_score"] = _ranks(columns["mean_test_score"])
    return columns


def _ranks(scores: Any) -> Any:
    """1 for the best; equal scores share one, and NaN come last."""
    settled = np.where(np.isnan(scores), -np.inf, scores)
    return np.array([1 + int((settled > score).sum()) for score in settled], np.int32)
