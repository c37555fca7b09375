"""Callbacks of scikit-learn 1.9 and later, an experiment there: fit is a task, each epoch another.

``estimator.set_callbacks(ProgressBar(), ScoringMonitor(scoring="accuracy"))`` serves; where the
installed release has none, nothing is lost.
"""

from __future__ import annotations

from typing import Any

from ..callbacks.base import Callback, CallbackList

try:
    from sklearn.callback import CallbackSupportMixin as Observable
except ImportError:  # before 1.9

    class Observable:  # type: ignore[no-redef]
        """Without callbacks."""


__all__ = ["Observable", "Observer"]


class Observer:
    """Tells of a fit and its epochs; of what nobody asked for it makes nothing."""

    def __init__(
        self, estimator: Any, most: int | None, data: tuple[Any, Any], weights: Any
    ) -> None:
        self._estimator = estimator
        self._fit: Any = None
        self._epoch: Any = None
        metadata = None if weights is None else {"sample_weight": weights}
        self._data = {"X": data[0], "y": data[1], "metadata": metadata}
        if hasattr(estimator, "_init_callback_context"):
            self._fit = estimator._init_callback_context(max_subtasks=most)
            self._fit.call_on_fit_task_begin(estimator=estimator, **self._data)
        self.is_heard = self._fit is not None and bool(getattr(estimator, "_skl_callbacks", ()))

    def beside(self, callbacks: Any) -> Any:
        """Callbacks of ours, and where somebody listens one that tells of epochs."""
        if not self.is_heard:
            return callbacks
        model = getattr(self._estimator, "model_", None)
        return [*CallbackList(callbacks, model, {}).callbacks, _Tasks(self)]

    def begin_epoch(self) -> None:
        """An epoch, or an iteration, begins."""
        if self.is_heard:
            self._epoch = self._fit.subcontext(task_name="epoch")
            self._epoch.call_on_fit_task_begin(estimator=self._estimator, **self._data)

    def end_epoch(self) -> bool:
        """It is over; whether somebody asks to stop."""
        return self.is_heard and self._end(self._epoch)

    def end_fit(self) -> None:
        """All is over."""
        if self._fit is not None:
            self._end(self._fit)

    def _end(self, task: Any) -> bool:
        return bool(
            task.call_on_fit_task_end(
                estimator=self._estimator,
                reconstruction_attributes=self._estimator._copied,
                **self._data,
            )
        )


class _Tasks(Callback):
    """Epochs of a fit, told to scikit-learn's callbacks."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """An epoch is a task."""
        self._observer.begin_epoch()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Whoever hears of its end may ask to stop."""
        if self._observer.end_epoch():
            self.model.stop_training = True
