"""Many models trained side by side, one on each core."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _core
from .._support.checks import integer, items
from .._support.names import suggestion
from ..callbacks.history import History
from ..data.arrays import Several, features, real_array
from ..data.targets import targets_of
from ..errors import FitManyError
from ..models.model import Model
from ..training import loop
from ..training.plan import Rows
from .side_by_side import Board, Job, Share, side_by_side, workers_for

__all__ = ["FIT_ARGUMENTS", "checked_data", "copied", "fit_many", "fitted", "parts_of", "rows_of"]

Indices = npt.NDArray[np.int64]
_FIT = inspect.signature(Model.fit)
# All but what models share, what shows them together, and what takes batches.
FIT_ARGUMENTS = tuple(
    name
    for name in _FIT.parameters
    if name not in ("self", "x", "y", "verbose", "steps_per_epoch", "validation_steps")
)
_ROWS = ("rows", "validation_rows")


def fit_many(
    models: Sequence[Model],
    x: Any,
    y: Any,
    *,
    each: Sequence[Mapping[str, Any]] | None = None,
    workers: int | None = None,
    verbose: str | int = "auto",
    **arguments: Any,
) -> list[History]:
    """Trains many models at once, each on one thread, in native code and without the GIL.

    A second core brings little to a small network, and everything to a second network: this is the
    way to train folds, seeds, settings, members of an ensemble. Every model ends with the bits that
    it would have if fitted alone; x and y are shared, not copied.

    Parameters
    ----------
    models : sequence of Model
        Compiled, each with an optimizer of its own, and with its own metrics, where these have an
        `update_state` written in Python; architectures and losses may differ.
    x, y : array, or list or dict of arrays
        As for `Model.fit`, the same for all; of several inputs or outputs one array each.
    each : sequence of dict, optional
        For each model what is its own: any of the arguments below, and ``rows`` and
        ``validation_rows``, the indices of the samples that it trains on, and is validated on after
        each epoch (folds, without a copy); without them all samples, and none. A model with
        ``validation_rows`` has neither ``validation_data`` nor ``validation_split``.
    workers : int, optional
        Models at work at once; by default, and at most, as many as there are threads.
    verbose : {"auto", 0, 1, 2}, default "auto"
        One bar over the epochs of all models; 2 says a line at the end.
    **arguments
        Of `Model.fit`, for all: batch_size, epochs, validation_split, shuffle, stop_loss, ...
        Callbacks are copied: each model gets its own; those of `each` are not.

    Returns
    -------
    list of History
        That of each model.

    Raises
    ------
    TypeError, ValueError
        For bad arguments, each named.
    FitManyError
        Where models could not be trained: it names them, the others are trained.
    KeyboardInterrupt
        After Ctrl-C: every model is whole, those that had begun have a `Model.history` that says
        "interrupted".

    Examples
    --------
    >>> import mundur as md, numpy as np
    >>> x = np.linspace(-1, 1, 60).reshape(-1, 1)
    >>> models = [md.Model([md.layers.Dense(n, "tanh"), md.layers.Dense(1)]) for n in (2, 4, 8)]
    >>> for model in models:
    ...     model.compile(md.optimizers.Adam(0.01), "mse")
    >>> folds = [{"rows": np.arange(0, 40), "validation_rows": np.arange(40, 60)}] * 3
    >>> histories = md.fit_many(models, x, x**2, each=folds, epochs=5, verbose=0)
    >>> [len(history.history["val_loss"]) for history in histories]
    [5, 5, 5]
    """
    models = _checked_models(models)
    settings = [arguments | dict(own) for own in _checked_settings(each, len(models))]
    _check_arguments(settings)
    samples, x, y = _shared_data(models, x, y)
    rows = [rows_of(own.pop("rows", None), samples, "rows") for own in settings]
    judged = [
        rows_of(own.pop("validation_rows", None), samples, "validation_rows") for own in settings
    ]
    epochs = [integer(own.get("epochs", 1), "epochs", 1) for own in settings]
    epochs = [
        max(last - integer(own.get("initial_epoch", 0), "initial_epoch"), 0)
        for last, own in zip(epochs, settings, strict=True)
    ]
    _give_callbacks(settings, arguments.get("callbacks"), each)

    def job(i: int) -> Job[History]:
        def work(board: Board) -> History:
            chosen = Rows(rows[i], judged[i])
            return fitted(models[i], x, y, settings[i], chosen, Share(board, epochs[i]))

        return Job(work)

    jobs = [job(i) for i in range(len(models))]
    board = Board(sum(epochs), verbose, "Models")
    side_by_side(jobs, workers_for(workers, len(jobs)), board)
    errors = {i: job.error for i, job in enumerate(jobs) if job.error is not None}
    if errors:
        first = next(iter(errors))
        raise FitManyError(errors, len(models), models[first].name) from errors[first]
    return [job.result for job in jobs if job.result is not None]


def fitted(
    model: Model, x: Any, y: Any, arguments: Mapping[str, Any], rows: Rows, progress: Share
) -> History:
    """One model's fit on its rows; `progress` hears of its epochs."""
    bound = _FIT.bind(model, x, y, verbose=0, **arguments)
    bound.apply_defaults()
    try:
        with model.lock, _core.to_nearest:
            return loop.fit(*bound.arguments.values(), rows=rows, progress=progress)
    finally:
        progress.close()


def checked_data(x: Any, y: Any) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """The samples and targets that all models share, as arrays once for all of them."""
    if y is None:
        raise TypeError("y must be an array; got None (batches of an iterable cannot be shared)")
    array = real_array(x, "x")
    checked = array if array.ndim == 1 and array.size else features(array, None, "x")
    return checked, targets_of(y, len(checked))


def _shared_data(models: Sequence[Model], x: Any, y: Any) -> tuple[int, Any, Any]:
    """How many samples, and both, for models of which some may have several inputs or outputs."""
    into, out_of = (
        next((ports for ports in all_ports if not ports.alone), None)
        for all_ports in ([m._ports_in for m in models], [m._ports_out for m in models])
    )
    if into is None and out_of is None:
        x, y = checked_data(x, y)
        return len(x), x, y
    if y is None:
        raise TypeError("y must be arrays; got None (batches of an iterable cannot be shared)")
    x = real_array(x, "x") if into is None else into.checked(x, "x", _array)
    samples = len(x)

    def targets(_: int, part: Any, name: str) -> npt.NDArray[Any]:
        return targets_of(part, samples, name)

    y = targets(0, y, "y") if out_of is None else out_of.checked(y, "y", targets)
    return samples, _listed(x), _listed(y)


def _array(_: int, part: Any, name: str) -> npt.NDArray[Any]:
    return real_array(part, name)


def _listed(given: Any) -> Any:
    return list(given.parts) if isinstance(given, Several) else given


def rows_of(given: Any, samples: int, name: str) -> Indices | None:
    """Checked indices of samples, or a mask of them; None is None."""
    if given is None:
        return None
    found = np.asarray(given)
    if found.dtype == bool and found.shape == (samples,):
        found = np.flatnonzero(found)
    if found.ndim != 1 or found.size == 0 or found.dtype.kind not in "iu":
        raise TypeError(
            f"{name} must be indices of samples, or {samples} booleans; got {found.dtype} of shape "
            f"{found.shape}"
        )
    if found.min() < 0 or found.max() >= samples:
        raise ValueError(
            f"{name} must be indices from 0 to {samples - 1}; got {found.min()} to {found.max()}"
        )
    return np.ascontiguousarray(found, np.int64)


def _checked_models(given: Any) -> list[Model]:
    models = items(given, "models")
    seen: dict[int, int] = {}
    for i, model in enumerate(models):
        if not isinstance(model, Model):
            raise TypeError(f"models[{i}] must be a Model; got {type(model).__name__}")
        for what, part in parts_of(model):
            twin = seen.setdefault(id(part), i)
            if twin != i:
                raise ValueError(
                    f"{what}s must be {len(models)} of their own: models[{i}] and models[{twin}] "
                    f"{'are' if part is model else 'have'} the same"
                )
    return models


def parts_of(model: Model) -> Iterator[tuple[str, object]]:
    """What training changes: no two models may share it."""
    yield "model", model
    if model.optimizer is not None:
        yield "optimizer", model.optimizer
    for metric in model.metrics:
        if metric.keeps_state:
            yield "metric", metric


def _checked_settings(given: Any, count: int) -> list[Mapping[str, Any]]:
    if given is None:
        return [{}] * count
    settings = items(given, "each")
    if len(settings) != count:
        raise ValueError(f"each must have an entry for each of {count} models; got {len(settings)}")
    for i, own in enumerate(settings):
        if not isinstance(own, Mapping):
            raise TypeError(f"each[{i}] must be a dict of arguments; got {type(own).__name__}")
    return settings


def _check_arguments(settings: Sequence[Mapping[str, Any]]) -> None:
    known = [*FIT_ARGUMENTS, *_ROWS]
    for i, own in enumerate(settings):
        for name in own:
            if name not in known:
                raise TypeError(
                    f"fit_many has no argument {name!r}{suggestion(str(name), known)} (known: "
                    f"{', '.join(known)})"
                )
        if own.get("validation_rows") is None:
            continue
        data, split = own.get("validation_data"), own.get("validation_split")
        if data is not None or split:
            raise ValueError(
                "validation_rows cannot stand beside "
                f"validation_{'split' if data is None else 'data'}; models[{i}] has both"
            )


def _give_callbacks(settings: Sequence[dict[str, Any]], common: Any, each: Any) -> None:
    """Each model its own: copies of those for all, as they are those that stand in `each`."""
    seen: dict[int, int] = {}
    for i, own in enumerate(settings):
        if each is None or "callbacks" not in each[i]:
            own["callbacks"] = copied(common)
            continue
        given = own["callbacks"]
        for callback in given if isinstance(given, (list, tuple)) else [given]:
            if callback is not None and seen.setdefault(id(callback), i) != i:
                raise ValueError(
                    f"each[{i}]['callbacks'] has the same {type(callback).__name__} as "
                    f"each[{seen[id(callback)]}]: a callback serves one model at a time"
                )


def copied(callbacks: Any) -> Any:
    """Callbacks for one of several models."""
    try:
        return copy.deepcopy(callbacks)
    except Exception as error:
        raise TypeError(
            f"callbacks must be such as can be copied, one for each model: {error}"
        ) from error
