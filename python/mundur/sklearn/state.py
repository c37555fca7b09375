"""What stays in an estimator from one fit to the next, and what a fit that is refused leaves."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, cast

__all__ = ["all_or_nothing", "keeps", "not_within_itself"]

F = TypeVar("F", bound=Callable[..., Any])

_at_work = threading.local()

# By these scikit-learn ends its callbacks, whatever became of the fit.
_CALLBACKS = ("_callback_fit_ctx", "_skl_callbacks_to_teardown")


@contextlib.contextmanager
def all_or_nothing(estimator: Any, has_begun: Callable[[], bool] = lambda: False) -> Iterator[None]:
    """Where this fails, the estimator is what it was before, unless training has begun."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        if not has_begun():
            now = vars(estimator)
            before |= {name: now[name] for name in _CALLBACKS if name in now}
            now.clear()
            now.update(before)
        raise


def keeps(name: str, before: Any, now: Any) -> None:
    """Raises where an estimator that goes on learning was given another network."""
    if before is not now and before != now:
        raise ValueError(
            f"{name} must stay {before!r:.80} where fit goes on with the network of the fit before "
            f"(warm_start=True, partial_fit); got {now!r:.80}. warm_start=False begins anew"
        )


def not_within_itself(fit: F) -> F:
    """Decorates a method that trains: a callback cannot train the estimator that called it."""

    @functools.wraps(fit)
    def alone(estimator: Any, *args: Any, **kwargs: Any) -> Any:
        busy: list[Any] = vars(_at_work).setdefault("estimators", [])
        if any(estimator is one for one in busy):
            raise RuntimeError(
                f"fit of a {type(estimator).__name__} was called by a callback of its own fit; fit "
                "another one there, sklearn.base.clone(estimator)"
            )
        busy.append(estimator)
        try:
            return fit(estimator, *args, **kwargs)
        finally:
            busy.pop()

    return cast(F, alone)
