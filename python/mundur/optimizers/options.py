"""Arguments of optimizers: the native optimizer holds them, and Python sees them as attributes."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .._support.checks import number

__all__ = ["Clip", "LearningRate", "Option", "option"]

_CLIPS = ("clipnorm", "clipvalue", "global_clipnorm")
_NEVER = object()


class Option(property):
    """An argument that the native optimizer holds under its name; see `option`."""

    def __init__(
        self, name: str, doc: str, check: Callable[..., Any], none: Any, is_fixed: bool
    ) -> None:
        self.name, self.check, self.none = name, check, none
        super().__init__(self.get, None if is_fixed else self.put, doc=doc)

    def get(self, optimizer: Any) -> Any:
        """What the native optimizer holds."""
        value = optimizer._native[self.name]
        return None if value == self.none else value

    def put(self, optimizer: Any, value: Any) -> None:
        """Sets it there."""
        is_none = value is None and self.none is not _NEVER
        optimizer._native[self.name] = self.none if is_none else self.check(value, self.name)


class Clip(Option):
    """A limit, of which there may be one."""

    def put(self, optimizer: Any, value: Any) -> None:
        """Sets it, if no other limit is there."""
        if value is not None:
            self.check(value, self.name)
            for other in _CLIPS:
                if other != self.name and getattr(optimizer, other) is not None:
                    raise ValueError(
                        f"only one of {', '.join(_CLIPS)} may be given; got {self.name} and {other}"
                    )
        super().put(optimizer, value)


def option(
    name: str,
    doc: str,
    check: Callable[..., Any] = number,
    *,
    none: Any = _NEVER,
    is_fixed: bool = False,
    kind: type[Option] = Option,
    **bounds: float,
) -> Any:
    """A property: an argument of this name, which the native optimizer holds.

    `check(value, name, **bounds)` returns the clean value; `none` is what None stands for;
    `is_fixed`: only the constructor sets it.
    """
    return kind(name, doc, functools.partial(check, **bounds), none, is_fixed)


class LearningRate(float):
    """A rate that can be asked as Keras's variables are, and knows where it is from.

    Examples
    --------
    >>> import mundur as md
    >>> optimizer = md.optimizers.SGD(0.1)
    >>> optimizer.learning_rate.assign(0.01)
    >>> optimizer.learning_rate, optimizer.learning_rate.value
    (0.01, 0.01)
    """

    _optimizer: Any

    def __new__(cls, value: float, optimizer: Any) -> LearningRate:
        """A number of an optimizer's."""
        rate = super().__new__(cls, value)
        rate._optimizer = optimizer
        return rate

    @property
    def value(self) -> float:
        """The number alone."""
        return float(self)

    def numpy(self) -> np.float64:
        """The number as NumPy's."""
        return np.float64(self)

    def assign(self, value: float) -> None:
        """Sets the optimizer's rate."""
        self._optimizer.learning_rate = value

    def __reduce__(self) -> Any:
        return float, (float(self),)
