"""The gradients' sizes, taken down after each epoch."""

from __future__ import annotations

from typing import Any

from ..data import arrays
from .base import Callback, Logs

__all__ = ["PREFIX", "GradientNorms"]

PREFIX = "gradient_norm/"


class GradientNorms(Callback):
    """Takes down each layer's gradient norm after every epoch, on samples that stay the same.

    `fit` updates as soon as a gradient is known and keeps none, so this callback runs a forward
    and a backward of its own, as `Model.explain` does: ‖∂L/∂(weights of the layer)‖ of these
    samples, with the weights at the epoch's end, dropout dropping nothing. Training is the same to
    the bit with it and without.

    The numbers stand in ``history.history`` as "gradient_norm/LAYER"; `plots.gradient_flow` draws
    them.

    Parameters
    ----------
    x, y : array
        Samples and targets, as for `fit`; some dozens tell enough.

    Raises
    ------
    TypeError, ValueError
        For what is no samples and targets; in `fit`, for samples that do not suit the model.

    Examples
    --------
    >>> import mundur as md, numpy as np
    >>> x, y = np.eye(4), np.arange(4.0)
    >>> model = md.Model([md.layers.Dense(3, "tanh"), md.layers.Dense(1)], seed=0)
    >>> model.compile("adam", "mse")
    >>> norms = md.callbacks.GradientNorms(x, y)
    >>> history = model.fit(x, y, epochs=2, verbose=0, callbacks=[norms])
    >>> sorted(history.history)
    ['gradient_norm/dense', 'gradient_norm/dense_1', 'loss']
    """

    def __init__(self, x: Any, y: Any) -> None:
        self.x = arrays.real_array(x, "x")
        self.y = arrays.real_array(y, "y")
        if self.x.ndim == 0 or self.y.ndim == 0 or not 0 < len(self.x) == len(self.y):
            raise ValueError(
                "x and y must have the same number of samples, at least one; got shapes "
                f"{self.x.shape} and {self.y.shape}"
            )

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Adds the norms to the epoch's numbers."""
        if logs is not None:
            norms = self.model.explain(self.x, self.y).gradient_norms
            logs.update({PREFIX + name: norm for name, norm in norms.items()})
