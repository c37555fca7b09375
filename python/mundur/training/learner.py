"""What training asks of a model."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Protocol

from .. import _core
from .._support.views import Views
from ..callbacks.history import History
from ..data.dataset import Learner
from ..metrics.base import Metric
from ..optimizers.base import Optimizer

__all__ = ["LearningModel"]


class LearningModel(Learner, Protocol):
    """A model as its training sees it, beside what data are checked against."""

    epochs_begun: int
    stop_training: bool
    history: History | None
    _loop: Any  # the fit at work
    _place: Any  # where the last one ended
    _reported_names: tuple[str, ...]
    _stop_reason: str
    _is_open: bool  # whether samples may be of any length

    @property
    def lock(self) -> Any:
        """Held by whoever works with it."""

    @property
    def built(self) -> bool:
        """Whether its parameters exist."""

    @property
    def masks_output(self) -> bool:
        """Whether a mask of time steps reaches the outputs."""

    @property
    def dense_first(self) -> bool:
        """Whether a dense layer sums up samples' numbers as they come."""

    @property
    def convolution_first(self) -> bool:
        """Whether a convolution sums up the pixels of images as they come."""

    @property
    def shape_is_told(self) -> bool:
        """Whether somebody said what shape samples have, instead of the data alone."""

    @property
    def state(self) -> Views:
        """Views of what training changes, but no gradient."""

    @property
    def optimizer(self) -> Optimizer | None:
        """That of `compile`."""

    @property
    def compiled_optimizer(self) -> Optimizer:
        """Likewise; a RuntimeError before."""

    @property
    def metrics(self) -> list[Metric]:
        """Likewise, the loss not among them."""

    @property
    def metrics_names(self) -> list[str]:
        """Of the loss and of those."""

    def _writes(self, name: str) -> bool:
        """Whether its class writes a method itself."""

    def _built_for(self, x: Any) -> AbstractContextManager[_core.Network]:
        """Within, it is built; where that fails, it is what it was."""

    def _parameter_views(self) -> Views:
        """The parameters, for use within one call."""
