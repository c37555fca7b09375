"""Exceptions that only this package raises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ._support.names import unknown_attribute

__all__ = ["FitManyError", "NonFiniteLossError"]


class NonFiniteLossError(ArithmeticError, RuntimeError):
    """A batch's loss, or a parameter after an epoch, was NaN or infinite.

    The model is back where `fit` took that epoch up; only an epoch of one step whose update went
    beyond the range cannot be taken back.

    Parameters
    ----------
    step : int
        Step within the epoch, counted from 0, whose loss was not finite, or the epoch's last.
    learning_rate : float
        The optimizer's learning rate in that step.
    epoch : int, default 0
        Epoch of the call to ``fit``, counted from 0.
    resumed : bool, default False
        Whether the model is back within that epoch, where ``fit(resume_from=...)`` took it up,
        instead of at its start.
    parameter : str, optional
        What was not finite after the step, "layer/parameter"; None: the loss.
    restored : bool, default True
        Whether the model is back.

    Examples
    --------
    >>> import mundur as md
    >>> error = md.NonFiniteLossError(step=3, learning_rate=100.0, epoch=1)
    >>> error.step, error.learning_rate
    (3, 100.0)
    """

    def __init__(
        self,
        step: int,
        learning_rate: float,
        epoch: int = 0,
        resumed: bool = False,
        parameter: str | None = None,
        restored: bool = True,
    ) -> None:
        self.step = step
        self.learning_rate = learning_rate
        self.epoch = epoch
        self.resumed = resumed
        self.parameter = parameter
        self.restored = restored
        what = "the loss was not finite in"
        if parameter is not None:
            what = f"{parameter} was not finite after"
        start = "where resume_from took that epoch up" if resumed else "at that epoch's start"
        back = f"parameters and optimizer are back {start}"
        super().__init__(
            f"{what} epoch {epoch + 1}, step {step + 1} (counted from 1), with "
            f"learning_rate={learning_rate:g}; "
            f"{back if restored else 'the update of an epoch of one step cannot be taken back'}. "
            "A smaller learning rate, rescaled features or from_logits=True usually help"
        )

    def __reduce__(self) -> tuple[type[NonFiniteLossError], tuple[object, ...]]:
        names = ("step", "learning_rate", "epoch", "resumed", "parameter", "restored")
        return type(self), tuple(getattr(self, name) for name in names)


class FitManyError(RuntimeError):
    """Some of many models could not be trained; the others are.

    Parameters
    ----------
    errors : dict of int to Exception
        What each of them raised, by the model's place in the list.
    count : int
        Of all models.
    name : str
        That of the first of them.

    Examples
    --------
    >>> from mundur.errors import FitManyError
    >>> print(FitManyError({3: ValueError("y has 9 samples, x has 10")}, 16, "model"))
    models[3] ('model'): ValueError: y has 9 samples, x has 10; the other 15 models are trained
    """

    def __init__(self, errors: Mapping[int, BaseException], count: int, name: str) -> None:
        self.errors, self.count, self.name = dict(errors), count, name
        at, error = next(iter(self.errors.items()))
        others = f"the other {count - 1} models are trained"
        if len(self.errors) > 1:
            places = ", ".join(map(str, list(self.errors)[1:10]))
            more = ", ..." if len(self.errors) > 10 else ""
            others = f"models {places}{more} failed as well; .errors has them"
        super().__init__(f"models[{at}] ({name!r}): {type(error).__name__}: {error}; {others}")

    def __reduce__(self) -> tuple[type[FitManyError], tuple[object, ...]]:
        return type(self), (self.errors, self.count, self.name)


if not TYPE_CHECKING:  # else type checkers would believe in any name

    def __getattr__(name: str) -> object:
        raise unknown_attribute("mundur.errors", name, __all__)

    def __dir__() -> list[str]:
        return sorted(__all__)
