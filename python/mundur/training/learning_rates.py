"""The search for a learning rate: a sweep over rates, from which the model comes back unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .._support.checks import integer, number
from ..data.dataset import Dataset, prepare
from .passes import SLICE_SECONDS, fail_on, make_trainer

if TYPE_CHECKING:
    from .learner import LearningModel

__all__ = ["LearningRates", "find_learning_rate"]

Floats = npt.NDArray[np.float64]

_KEPT = 0.9  # of the running mean that smooths losses
_DIVERGED = 4.0  # times the least smoothed loss: larger rates tell nothing


class LearningRates(NamedTuple):
    """What `Model.find_learning_rate` found; it unpacks into rates and losses.

    Attributes
    ----------
    rates : array (steps,)
    losses : array (steps,)
        Of each step's batch, before its update; the last may be infinite.
    """

    rates: Floats
    losses: Floats

    @property
    def smoothed(self) -> Floats:
        """Running means of the losses: mᵢ = 0.9 mᵢ₋₁ + 0.1 lossᵢ, over 1 - 0.9ⁱ."""
        result, mean = [], 0.0
        for step, loss in enumerate(self.losses, 1):
            mean = _KEPT * mean + (1 - _KEPT) * float(loss)
            result.append(mean / (1 - _KEPT**step))
        return np.array(result)

    @property
    def suggestion(self) -> float:
        """A tenth of the rate with the least smoothed loss: well on this side of divergence."""
        smoothed = self.smoothed
        finite = np.where(np.isfinite(smoothed), smoothed, np.inf)
        return float(self.rates[int(np.argmin(finite))]) / 10

    def __repr__(self) -> str:
        first, last = self.rates[0], self.rates[-1]
        return (
            f"<LearningRates: {len(self.rates)} from {first:.3g} to {last:.3g}, suggestion "
            f"{self.suggestion:.3g}>"
        )

    def plot(self, axes: Any = None) -> Any:
        """Draws the losses over the rates, smoothed and raw, and marks the suggestion.

        Parameters
        ----------
        axes : matplotlib.axes.Axes, optional
            Made where it is None.

        Returns
        -------
        matplotlib.axes.Axes
        """
        if axes is None:
            try:
                from matplotlib import pyplot
            except ImportError as error:
                raise ImportError("plot needs Matplotlib: pip install mundur[examples]") from error
            axes = pyplot.subplots()[1]
        axes.plot(self.rates, self.losses, ".", color="0.7", label="batches")
        axes.plot(self.rates, self.smoothed, color="C0", label="smoothed")
        label = f"suggestion {self.suggestion:.2g}"
        axes.axvline(self.suggestion, color="C1", linestyle="--", label=label)
        axes.set_xscale("log")
        axes.set_xlabel("learning rate")
        axes.set_ylabel("loss")
        axes.legend()
        axes.grid(alpha=0.3)
        return axes


def find_learning_rate(
    model: LearningModel,
    x: Any,
    y: Any,
    batch_size: Any,
    min_rate: Any,
    max_rate: Any,
    steps: Any,
    sample_weight: Any,
    class_weight: Any,
) -> LearningRates:
    """See `Model.find_learning_rate`."""
    least = number(min_rate, "min_rate", above=0)
    most = number(max_rate, "max_rate", above=least)
    steps = integer(steps, "steps", 2)
    if model._writes("train_step"):
        raise NotImplementedError(
            f"{type(model).__name__} writes train_step, which find_learning_rate does not call"
        )
    if model._loop is not None:
        raise RuntimeError("find_learning_rate was called by a callback of fit")
    _ = model.compiled_optimizer, model.objectives
    checked = model._features(x)
    with model._built_for(checked):
        data = prepare(model, checked, y, sample_weight).weighed(model, class_weight)
        size = data.size(batch_size)
        rates = least * (most / least) ** (np.arange(steps) / (steps - 1))
        with model.compiled_optimizer.training(model), _taken_back(model):
            return _sweep(model, data, size, rates)


def _sweep(model: LearningModel, data: Dataset, batch_size: int, rates: Floats) -> LearningRates:
    trainer = make_trainer(model, data, batch_size, True, False, None)
    epoch = model.epochs_begun
    losses: list[float] = []
    mean, least = 0.0, np.inf
    for step, rate in enumerate(rates, 1):
        if not losses or trainer.step == trainer.steps_per_epoch:
            trainer.begin_epoch(epoch)
            epoch += 1
        model.compiled_optimizer.learning_rate = float(rate)
        status = trainer.run(SLICE_SECONDS, 1)
        fail_on(status, data, model)
        losses.append(trainer.batch_loss if status != "loss" else np.inf)
        mean = _KEPT * mean + (1 - _KEPT) * losses[-1]
        smoothed = mean / (1 - _KEPT**step)
        if not smoothed <= _DIVERGED * least:
            break
        least = min(least, smoothed)
    return LearningRates(rates[: len(losses)], np.array(losses))


@contextmanager
def _taken_back(model: LearningModel) -> Iterator[None]:
    """Whatever happens within, the model ends as it began."""
    optimizer = model.compiled_optimizer
    rate, served = optimizer.learning_rate, optimizer._served
    slots, scalars = optimizer._native.state()
    slots = {name: values.copy() for name, values in slots.items()}
    weights = [np.copy(view) for view in model._parameter_views().values()]
    moving = {name: np.copy(view) for name, view in model.state.items()}
    forwards = model.native.training_forwards
    try:
        yield
    finally:
        for view, values in zip(model._parameter_views().values(), weights, strict=True):
            view[...] = values
        for name, values in moving.items():
            model.state[name] = values
        model.native.training_forwards = forwards
        optimizer.learning_rate = rate
        optimizer._forget()
        optimizer._served = served
        if slots or scalars != optimizer._native.state()[1]:
            optimizer._native.set_state(slots, scalars)
