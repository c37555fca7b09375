"""What `compile` sets: optimizer, loss, metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import losses, optimizers
from .._support.checks import integer
from .._support.names import checked_keywords
from ..data.targets import check_head
from ..losses.in_python import check_compiled
from ..metrics import get_both
from ..metrics.base import Metric
from ..training.position import Place, Resumable
from .by_hand import ByHand

__all__ = ["Compiled"]


class Compiled(ByHand):
    """A chain with an optimizer, a loss and metrics."""

    _optimizer: optimizers.Optimizer | None = None
    _loss: losses.Loss | None = None
    _metrics: tuple[Metric, ...] = ()
    _epochs_begun = 0
    _fitting = False
    _loop: Resumable | None = None  # the fit at work
    _place: Place | None = None  # where the last one ended
    _reported_names: tuple[str, ...] = ()  # what fit puts into the logs

    @checked_keywords(
        ignored={
            "run_eagerly": False,
            "steps_per_execution": 1,
            "jit_compile": "auto",
            "auto_scale_loss": True,
        }
    )
    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: None = None,
        metrics: Sequence[Any] | None = None,
        weighted_metrics: Sequence[Any] | None = None,
    ) -> None:
        """Sets what training uses.

        Parameters
        ----------
        optimizer : str or Optimizer
            "adam", "sgd", ... or an instance; "rmsprop" by default, as in Keras.
        loss : str or Loss
            "mse", "binary_crossentropy", ... or an instance, also of a class of yours: see `Loss`.
        loss_weights : None
            Keras's name; a model has one loss here.
        metrics : list of str, Metric or callable, optional
            For instance ``["accuracy"]``; a function f(y_true, y_pred) -> number too. See
            `mundur.metrics`.
        weighted_metrics : list of str, Metric or callable, optional
            Those that sample and class weights count for.

        Raises
        ------
        ValueError
            For unknown names, and a loss that does not suit the last layer; it names the mend.

        Examples
        --------
        >>> import mundur as md
        >>> model = md.Model([md.layers.Dense(1)], input_shape=(2,), seed=0)
        >>> model.compile("adam", "mse")
        >>> model.compile("adam", "binary_crossentropy")
        Traceback (most recent call last):
        ...
        ValueError: BinaryCrossentropy expects probabilities, but the model ends in linear; set \
from_logits=True in the loss or activation="sigmoid" in the last layer
        """
        if loss_weights is not None:
            raise ValueError(
                f"loss_weights must be None, a model has one loss; got {loss_weights!r}"
            )
        new_optimizer = optimizers.get(optimizer)
        new_loss = None if loss is None else losses.get(loss)
        new_metrics = tuple(get_both(metrics, weighted_metrics))
        if not hasattr(new_optimizer, "_native"):
            raise _written_in_python(new_optimizer)
        if new_loss is not None:
            check_compiled(new_loss)
        with self.lock:
            if self._fitting:
                raise RuntimeError("compile was called by a callback of the same model's fit")
            if new_loss is not None and self.built:
                check_head(new_loss, self.native.head, self.native.output_shape)
            self._optimizer, self._loss, self._metrics = new_optimizer, new_loss, new_metrics
            self._place = None

    @property
    def optimizer(self) -> optimizers.Optimizer | None:
        """The optimizer of `compile`."""
        return self._optimizer

    @property
    def loss(self) -> losses.Loss | None:
        """The loss of `compile`."""
        return self._loss

    @property
    def epochs_begun(self) -> int:
        """How many epochs `fit` has begun, by which shuffles are told apart."""
        return self._epochs_begun

    @epochs_begun.setter
    def epochs_begun(self, value: int) -> None:
        self._epochs_begun = integer(value, "epochs_begun")

    @property
    def metrics(self) -> list[Metric]:
        """The metrics of `compile`, the weighted ones behind, the loss not among them."""
        return list(self._metrics)

    @property
    def metrics_names(self) -> list[str]:
        """Names of what `evaluate` returns, in order."""
        return ["loss", *(metric.name for metric in self._metrics)]

    @property
    def compiled_optimizer(self) -> optimizers.Optimizer:
        """The optimizer; a RuntimeError before `compile`."""
        if self._optimizer is None:
            raise RuntimeError("call compile(optimizer, loss) before training")
        return self._optimizer

    @property
    def compiled_loss(self) -> losses.Loss:
        """The loss; a RuntimeError before `compile` named one."""
        if self._loss is None:
            raise RuntimeError("call compile(optimizer, loss) with a loss first")
        return self._loss

    def _left_behind(self) -> None:
        self._fitting, self._loop, self._place = False, None, None
        if self._optimizer is not None:
            self._optimizer._left_behind()

    def _place_now(self) -> Place | None:
        """Where a training stands; None where there was none, or other steps came since."""
        place = self._place if self._loop is None else self._loop.place()
        return place if place is not None and place.is_of(self) else None

    def _before_change(self, what: str) -> None:
        if self.built and self._optimizer is not None:
            raise RuntimeError(f"{what} comes before compile; the optimizer knows the old layers")
        super()._before_change(what)


def _written_in_python(piece: object) -> TypeError:
    return TypeError(
        f"{type(piece).__name__} is written in Python; inside fit only the built-in optimizers "
        "work for now, yours serves training by hand"
    )
