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
    resumed : bool, default False
        Whether the model is back within that epoch, where ``fit(resume_from=...)`` took it up,
        instead of at its start.

    Examples
    --------
    >>> import mundur as md
    >>> error = md.NonFiniteLossError(step=3, learning_rate=100.0, epoch=1)
    >>> error.step, error.learning_rate
    (3, 100.0)
    """

    def __init__(
        self, step: int, learning_rate: float, epoch: int = 0, resumed: bool = False
    ) -> None:
        self.step = step
        self.learning_rate = learning_rate
        self.epoch = epoch
        self.resumed = resumed
        back = "where resume_from took that epoch up" if resumed else "at that epoch's start"
        super().__init__(
            f"the loss was not finite in epoch {epoch + 1}, step {step + 1} (counted from 1), with "
            f"learning_rate={learning_rate:g}; parameters and optimizer are back {back}. A smaller "
            "learning rate, rescaled features or from_logits=True usually help"
        )

    def __reduce__(self) -> tuple[type[NonFiniteLossError], tuple[int, float, int, bool]]:
        return type(self), (self.step, self.learning_rate, self.epoch, self.resumed)
