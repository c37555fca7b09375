"""What stays in an estimator from one fit to the next, and what a fit that is refused leaves."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["all_or_nothing", "keeps"]

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
