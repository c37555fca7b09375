"""Predictions over checked features: native code works in slices, Python reports."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .. import _core
from ..callbacks.base import CallbackList
from .loop import SLICE_SECONDS, Array, fail_on, too_large
from .progress import Progress

if TYPE_CHECKING:
    from ..models.model import Model


def predict_batch(model: Model, x: Array, allow_nonfinite: bool) -> Array:
    """The outputs for checked features, all at once, with nobody watching."""
    out = _core.new_array((len(x), *model.native.output_shape), model.dtype)
    _fill(model, out, x, len(x), allow_nonfinite)
    return out


def _fill(
    model: Model,
    out: Array,
    x: Array,
    batch_size: int,
    allow_nonfinite: bool,
    seen: Callable[[int], None] | None = None,
) -> None:
    """The outputs for all of x; `seen` hears after each native call how many there are.

    A call ends when its time is over: nobody else counts how far it came.
    """
    done = 0
    while done < len(out):
        try:
            done = model.native.predict(
                x, out, done, batch_size, SLICE_SECONDS, not allow_nonfinite
            )
        except MemoryError as error:
            raise too_large(batch_size, error) from None
        if done < 0:
            fail_on("input", x, "x", model)
        if seen is not None:
            seen(done)


def predict(
    model: Model,
    x: Array,
    batch_size: int,
    callbacks: CallbackList,
    progress: Progress,
    allow_nonfinite: bool,
) -> Array:
    """The outputs for checked features."""
    out = _core.new_array((len(x), *model.native.output_shape), model.dtype)
    callbacks.call("on_predict_begin", {})
    progress.begin_epoch(0, -(-len(x) // batch_size))
    if callbacks.wants_batches("predict"):
        # Workers would take several batches at once, which hooks would not see one by one.
        for step, start in enumerate(range(0, len(x), batch_size)):
            batch = slice(start, start + batch_size)
            callbacks.call("on_predict_batch_begin", step, {})
            _fill(model, out[batch], x[batch], batch_size, allow_nonfinite)
            callbacks.call("on_predict_batch_end", step, {})
            progress.update(step + 1, {})
    else:

        def seen(samples: int) -> None:
            progress.update(-(-samples // batch_size), {})

        _fill(model, out, x, batch_size, allow_nonfinite, seen)
    progress.end_epoch({})
    callbacks.call("on_predict_end", {})
    return out
