"""One model, made, trained on some samples and judged by others: the work of every search."""

from __future__ import annotations

import copy
import inspect
import time
import warnings
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Integral
from typing import Any, NamedTuple

from .._support.checks import integer, is_function
from .._support.names import suggestion
from ..models.model import Model
from ..training.passes import evaluate_rows
from ..training.plan import Rows
from .folds import Fold, KFold, StratifiedKFold
from .many import FIT_ARGUMENTS, copied, fitted, parts_of, rows_of
from .side_by_side import Board, Job, Share, side_by_side, workers_for

__all__ = ["Judge", "Judged", "Scoring", "folds_of", "named", "said"]

Scoring = str | Callable[[Model, Any, Any], float] | None


class Judged(NamedTuple):
    """What came of one model."""

    test: dict[str, float]  # loss and metrics, and "score", of which more is better
    train: dict[str, float]  # empty, if nobody asks
    fit_seconds: float
    score_seconds: float
    model: Model | None


class Judge:
    """What the models of a search have in common: data, arguments of `fit`, what is asked of them.

    Parameters
    ----------
    make : function or Model
        ``make(**parameters)`` returns a compiled model; a compiled model is copied instead.
    scoring : str, function or None
        A name in each model's logs, ``f(model, x, y)``, or None: its first metric, else its loss.
    train_scores, keeps : bool
        Whether the training samples are judged as well, and models kept.
    arguments : dict
        Of `Model.fit`.
    """

    def __init__(
        self,
        make: Any,
        scoring: Scoring,
        train_scores: bool,
        keeps: bool,
        arguments: Mapping[str, Any],
    ) -> None:
        if not (isinstance(make, Model) or is_function(make)):
            raise TypeError(
                "make must be a function of parameters that returns a compiled model, or such a "
                f"model; got {type(make).__name__}"
            )
        if not (scoring is None or isinstance(scoring, str) or is_function(scoring)):
            raise TypeError(
                "scoring must be the name of a metric, a function f(model, x, y) or None; got "
                f"{type(scoring).__name__}"
            )
        self.make, self.scoring = make, scoring
        self.train_scores, self.keeps = train_scores, keeps
        self.arguments = dict(arguments)
        self._parts: weakref.WeakSet[Any] = weakref.WeakSet()
        for name in self.arguments:
            if name not in FIT_ARGUMENTS:
                raise TypeError(
                    f"fit has no argument {name!r}{suggestion(name, FIT_ARGUMENTS)} (known: "
                    f"{', '.join(FIT_ARGUMENTS)})"
                )
        self._takes, self._takes_all = _taken_by(make)

    def check(self, parameters: Iterable[str]) -> None:
        """Raises for parameters that neither `make` nor `fit` takes."""
        known = [*self._takes, *(n for n in FIT_ARGUMENTS if n not in self._takes)]
        for name in parameters:
            if not self._takes_all and name not in known:
                raise ValueError(
                    f"parameter {name!r} is none of make or of Model.fit"
                    f"{suggestion(str(name), known)} (known: {', '.join(known)})"
                )

    def first(self, candidates: Iterable[Mapping[str, Any]]) -> Model | None:
        """The first model that can be made, checked. None: none can, as their jobs will say."""
        if isinstance(self.make, Model) and self.make.epochs_begun:
            warnings.warn(
                f"make was trained before, for {self.make.epochs_begun} epochs, and each copy goes "
                "on from there: where it has learned from samples that are to judge it, their "
                "scores flatter. A function returns a new model for each fold",
                UserWarning,
                stacklevel=3,
            )
        for parameters in candidates:
            try:
                given = self._given(parameters)
            except Exception:  # the candidate's own, for which `error_score` may stand
                continue
            return self._checked(given)
        return None

    def made(self, parameters: Mapping[str, Any]) -> Model:
        """The model of some parameters, a new one."""
        return self._checked(self._given(parameters))

    def _given(self, parameters: Mapping[str, Any]) -> Any:
        if isinstance(self.make, Model):
            return copy.deepcopy(self.make)
        return self.make(**{n: v for n, v in parameters.items() if self._is_makes(n)})

    def _checked(self, model: Any) -> Model:
        if not isinstance(model, Model):
            raise TypeError(f"make must return a Model; it returned {type(model).__name__}")
        parts = list(parts_of(model))
        for what, part in parts:
            if part in self._parts:
                raise ValueError(
                    f"make must return a new Model with every call; its {what} came before, and "
                    "has seen the samples that are to judge it"
                )
        self._parts.update(part for _, part in parts)
        _ = model.compiled_optimizer, model.compiled_loss
        if not callable(self.scoring):
            self._rating(model)
        return model

    def _is_makes(self, name: str) -> bool:
        return name in self._takes or (self._takes_all and name not in FIT_ARGUMENTS)

    def fit_arguments(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of its fit; callbacks are copies, each model's own."""
        own = {n: v for n, v in parameters.items() if not self._is_makes(n)}
        found = self.arguments | own
        return found | {"callbacks": copied(found.get("callbacks"))}

    def epochs(self, parameters: Mapping[str, Any]) -> int:
        """How many there will be at most."""
        return integer(self.fit_arguments(parameters).get("epochs", 1), "epochs", 1)

    def fitted(
        self, parameters: Mapping[str, Any], x: Any, y: Any, train: Any, board: Board
    ) -> Model:
        """The model of some parameters, trained."""
        model = self.made(parameters)
        share = Share(board, self.epochs(parameters))
        fitted(model, x, y, self.fit_arguments(parameters), Rows(train, None), share)
        return model

    def judged(
        self, parameters: Mapping[str, Any], x: Any, y: Any, fold: Fold, board: Board
    ) -> Judged:
        """A fold's model, and what it is worth."""
        train, test = fold
        begin = time.perf_counter()
        model = self.fitted(parameters, x, y, train, board)
        middle = time.perf_counter()
        scores = self.score(model, x, y, test)
        end = time.perf_counter()
        of_train = self.score(model, x, y, train) if self.train_scores else {}
        kept = model if self.keeps else None
        return Judged(scores, of_train, middle - begin, end - middle, kept)

    def score(self, model: Model, x: Any, y: Any, rows: Any) -> dict[str, float]:
        """Loss and metrics over some samples, and the score."""
        # Of all candidates alike: one that trains with its own weights is judged as the others.
        weights = self.arguments.get("sample_weight")
        allow = self.arguments.get("allow_nonfinite", False)
        size = self.arguments.get("validation_batch_size", self.arguments.get("batch_size"))
        logs = evaluate_rows(model, x, y, rows, weights, size, allow)
        if callable(self.scoring):
            return logs | {"score": float(self.scoring(model, x[rows], y[rows]))}
        name, sign = self._rating(model)
        return logs | {"score": sign * logs[name]}

    def _rating(self, model: Model) -> tuple[str, int]:
        """What of a model's logs is the score, and with which sign."""
        names = model.metrics_names
        name = self.scoring if isinstance(self.scoring, str) else (names[1:] or names)[0]
        if name not in names:
            raise ValueError(
                f"scoring must be one of {', '.join(map(repr, names))} or a function; got {name!r}"
            )
        larger = {m.name: m.larger_is_better for m in model.metrics}.get(name, False)
        if larger is None:
            raise ValueError(
                f"scoring={name!r} does not say whether more of it is better; pass a function "
                "f(model, x, y), of whose result more is"
            )
        return name, 1 if larger else -1

    def all_judged(
        self,
        candidates: Sequence[Mapping[str, Any]],
        x: Any,
        y: Any,
        folds: Sequence[Fold],
        workers: int | None,
        verbose: Any,
        raises: bool = True,
    ) -> list[Judged | Exception]:
        """Each candidate's folds, one behind another, side by side.

        What a model raises ends all, and names it; or stands in its place, if not `raises`.
        """

        def job(parameters: Mapping[str, Any], fold: Fold) -> Job[Judged]:
            return Job(lambda board: self.judged(parameters, x, y, fold, board))

        jobs = [job(parameters, fold) for parameters in candidates for fold in folds]
        epochs = sum(map(self.epochs, candidates)) * len(folds)
        board = Board(epochs, verbose, "Fits")
        side_by_side(jobs, workers_for(workers, len(jobs)), board, until_error=raises)
        found: list[Judged | Exception] = []
        for i, done in enumerate(jobs):
            if done.result is not None:
                found.append(done.result)
            elif isinstance(done.error, Exception) and not raises:
                found.append(done.error)
            elif done.error is not None:
                where = named(candidates[i // len(folds)], i % len(folds))
                raise RuntimeError(f"{where}: {said(done.error)}") from done.error
        return found


def named(candidate: Mapping[str, Any], fold: int) -> str:
    """A model, for messages."""
    return f"{dict(candidate)} on fold {fold}" if candidate else f"fold {fold}"


def said(error: BaseException) -> str:
    """An error, for messages."""
    return f"{type(error).__name__}: {error}"


def _taken_by(make: Any) -> tuple[tuple[str, ...], bool]:
    """The parameters of a function by name, and whether it takes any."""
    if isinstance(make, Model):
        return (), False
    try:
        parameters = inspect.signature(make).parameters.values()
    except (TypeError, ValueError):  # of a builtin
        return (), True
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    takes_all = any(p.kind is p.VAR_KEYWORD for p in parameters)
    return tuple(p.name for p in parameters if p.kind in kinds), takes_all


def folds_of(cv: Any, model: Model | None, x: Any, y: Any) -> list[Fold]:
    """Checked folds. A number stands for stratified ones where the model's loss is over classes."""
    if isinstance(cv, Integral):
        count = integer(cv, "cv", 2)
        labels = _labels(model, y)
        try:
            return list((KFold if labels is None else StratifiedKFold)(count).split(x, labels))
        except ValueError as error:
            raise ValueError(f"cv={cv}: {error}") from None
    if isinstance(cv, (str, bytes)) or not (hasattr(cv, "split") or isinstance(cv, Iterable)):
        raise TypeError(
            "cv must be a number of folds, an object with split(x, y), or pairs of indices (train, "
            f"test); got {type(cv).__name__}"
        )
    folds = []
    for number, fold in enumerate(cv.split(x, y) if hasattr(cv, "split") else cv):
        if not isinstance(fold, (tuple, list)) or len(fold) != 2:
            raise TypeError(
                f"cv must give pairs of indices (train, test); fold {number} is a "
                f"{type(fold).__name__}"
            )
        train, test = (
            rows_of(rows, len(x), f"{name} of cv's fold {number}")
            for rows, name in zip(fold, ("train", "test"), strict=True)
        )
        assert train is not None and test is not None
        folds.append((train, test))
    if not folds:
        raise ValueError("cv must give at least one fold")
    return folds


def _labels(model: Model | None, y: Any) -> Any:
    """The class of each sample, where the loss is over classes, one to each sample."""
    if model is None or y.ndim > 2:
        return None
    outputs = y.shape[1] if y.ndim > 1 else 1
    found = model.compiled_loss._classes(y, outputs)
    return found[1] if found is not None and found[1].size == len(y) else None
