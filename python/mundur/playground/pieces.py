"""What a training is made of, as the call that makes it and as the text of that call."""

from __future__ import annotations

from typing import Any

import mundur as md

__all__ = ["Piece", "Rates", "text_of"]


class Piece:
    """A name within `mundur`, with its arguments: one source for the object and for its code."""

    def __init__(self, name: str, /, *args: Any, **kwargs: Any) -> None:
        self.name, self.args, self.kwargs = name, args, kwargs

    def make(self) -> Any:
        """A new object."""
        found: Any = md
        for part in self.name.split("."):
            found = getattr(found, part)
        args = [_made(value) for value in self.args]
        return found(*args, **{name: _made(value) for name, value in self.kwargs.items()})

    def text(self) -> str:
        """The call, as Python writes it."""
        given = [text_of(value) for value in self.args]
        given += [f"{name}={text_of(value)}" for name, value in self.kwargs.items()]
        return f"md.{self.name}({', '.join(given)})"


class Rates(md.Callback):
    """Sets the learning rate before these steps, told by epoch and batch, both counted from 0."""

    def __init__(self, rates: dict[tuple[int, int], float]) -> None:
        self.rates, self.epoch = rates, 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Notes the epoch."""
        self.epoch = epoch

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Sets the rate, where it is to change."""
        if (self.epoch, batch) in self.rates:
            self.model.compiled_optimizer.learning_rate = self.rates[self.epoch, batch]


def _made(value: Any) -> Any:
    return value.make() if isinstance(value, Piece) else value


def text_of(value: Any) -> str:
    """A value as Python writes it; texts in double quotes."""
    if isinstance(value, Piece):
        return value.text()
    if isinstance(value, list):
        return f"[{', '.join(map(text_of, value))}]"
    text = repr(value)
    return f'"{text[1:-1]}"' if isinstance(value, str) and '"' not in text else text
