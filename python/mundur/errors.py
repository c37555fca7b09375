"""Exceptions that only this package raises."""

from __future__ import annotations

__all__ = ["NonFiniteLossError"]


class NonFiniteLossError(ArithmeticError):
    """The loss of a batch was NaN or infinite; the model is back where `fit` took that epoch up.

    Parameters
    ----------
    step : int
        Step within the epoch, counted from 0, whose loss was not finite.
    learning_rate : float
        The optimizer's learning rate in that step.
    epoch : int, default 0
        Epoch of the call to ``fit``, counted from 0.

    Examples
    --------
    >>> import mundur as md
    >>> error = md.NonFiniteLossError(step=3, learning_rate=100.0, epoch=1)
    >>> error.step, error.learning_rate
    (3, 100.0)
    """

    def __init__(self, step: int, learning_rate: float, epoch: int = 0) -> None:
        self.step = step
        self.learning_rate = learning_rate
        self.epoch = epoch
        super().__init__(
            f"the loss was not finite in epoch {epoch + 1}, step {step + 1} (counted from 1), with "
            f"learning_rate={learning_rate:g}; parameters and optimizer are back at that epoch's "
            "start. A smaller learning rate, rescaled features or from_logits=True usually help"
        )

    def __reduce__(self) -> tuple[type[NonFiniteLossError], tuple[int, float, int]]:
        return type(self), (self.step, self.learning_rate, self.epoch)
