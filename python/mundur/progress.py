"""What long work shows while it runs: bars on a terminal, lines in a log, or nothing."""

from __future__ import annotations

import sys
import time
from typing import Any

from .validation import integer

__all__ = ["Progress", "for_fit", "for_pass"]

# Above this many epochs a terminal gets one bar over the epochs instead of one bar for each.
_MANY_EPOCHS = 100
# Evaluation and prediction show a bar by themselves only once they take this long.
_PATIENCE_SECONDS = 1.0


def verbosity(verbose: Any) -> int | str:
    """Checks verbose: "auto", 0, 1 or 2; True and False count as 1 and 0."""
    if isinstance(verbose, str):
        if verbose != "auto":
            raise ValueError(f"verbose must be 'auto', 0, 1 or 2; got {verbose!r}")
        return verbose
    return integer(int(verbose) if isinstance(verbose, bool) else verbose, "verbose", 0, 2)


def on_terminal() -> bool:
    """Whether bars can be redrawn: a terminal or a notebook."""
    try:
        return sys.stdout.isatty() or "ipykernel" in sys.modules
    except (AttributeError, ValueError):
        return False


class Progress:
    """Shows nothing; base of what shows something."""

    def begin_epoch(self, epoch: int, steps: int) -> None:
        """An epoch (counted from 0) of this many steps starts."""

    def update(self, step: int, logs: dict[str, float]) -> None:
        """So many steps of the epoch are done, with these means so far."""

    def end_epoch(self, logs: dict[str, float]) -> None:
        """The epoch and its validation are over."""

    def close(self) -> None:
        """Nothing more will come, after an error too."""


class _Lines(Progress):
    """One line per epoch, as Keras's verbose=2."""

    def __init__(self, epochs: int) -> None:
        self._epochs = epochs
        self._start = 0.0
        self._title = ""

    def begin_epoch(self, epoch: int, steps: int) -> None:
        self._start = time.perf_counter()
        self._title = f"Epoch {epoch + 1}/{self._epochs}"

    def end_epoch(self, logs: dict[str, float]) -> None:
        seconds = f"{time.perf_counter() - self._start:.2f}s"
        numbers = [f"{name}: {_short(value)}" for name, value in logs.items()]
        print(" - ".join([self._title, seconds, *numbers]), flush=True)


class _StepBars(Progress):
    """A bar per epoch."""

    def __init__(self, epochs: int) -> None:
        self._epochs = epochs
        self._bar: Any = None

    def begin_epoch(self, epoch: int, steps: int) -> None:
        self._bar = _bar(total=steps, desc=f"Epoch {epoch + 1}/{self._epochs}", unit="step")

    def update(self, step: int, logs: dict[str, float]) -> None:
        _move(self._bar, step, logs)

    def end_epoch(self, logs: dict[str, float]) -> None:
        self._bar.set_postfix(_rounded(logs), refresh=True)
        self.close()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class _EpochBar(Progress):
    """One bar over all epochs."""

    def __init__(self, epochs: int, first: int) -> None:
        self._epochs = epochs
        self._first = first
        self._bar: Any = None

    def begin_epoch(self, epoch: int, steps: int) -> None:
        if self._bar is None:
            self._bar = _bar(total=self._epochs, initial=self._first, desc="Epochs", unit="epoch")

    def end_epoch(self, logs: dict[str, float]) -> None:
        self._bar.set_postfix(_rounded(logs), refresh=False)
        self._bar.update(1)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


class _PassBar(_StepBars):
    """One bar for one pass over data, perhaps only once it takes long."""

    def __init__(self, title: str, delay: float) -> None:
        super().__init__(1)
        self._title = title
        self._delay = delay

    def begin_epoch(self, epoch: int, steps: int) -> None:
        self._bar = _bar(total=steps, desc=self._title, unit="step", delay=self._delay)

    def end_epoch(self, logs: dict[str, float]) -> None:
        if logs:
            self._bar.set_postfix(_rounded(logs), refresh=False)
        self.close()


class _PassLine(Progress):
    """One line at the end of a pass."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._start = time.perf_counter()

    def end_epoch(self, logs: dict[str, float]) -> None:
        seconds = f"{time.perf_counter() - self._start:.2f}s"
        numbers = [f"{name}: {_short(value)}" for name, value in logs.items()]
        print(" - ".join([self._title, seconds, *numbers]), flush=True)


def for_fit(verbose: int | str, epochs: int, first: int) -> Progress:
    """The progress of a `fit` from epoch `first` to `epochs`."""
    if verbose == "auto":
        if not on_terminal():
            return _Lines(epochs)
        return _EpochBar(epochs, first) if epochs - first > _MANY_EPOCHS else _StepBars(epochs)
    return (Progress(), _StepBars(epochs), _Lines(epochs))[int(verbose)]


def for_pass(verbose: int | str, title: str) -> Progress:
    """The progress of an evaluation or a prediction; "auto" shows only what takes long."""
    if verbose == "auto":
        return _PassBar(title, _PATIENCE_SECONDS) if on_terminal() else Progress()
    if verbose == 0:
        return Progress()
    return _PassBar(title, 0.0) if verbose == 1 else _PassLine(title)


def _bar(**options: Any) -> Any:
    if "ipykernel" in sys.modules:
        from tqdm.auto import tqdm
    else:
        from tqdm import tqdm
    return tqdm(file=sys.stdout, dynamic_ncols=True, **options)


def _move(bar: Any, step: int, logs: dict[str, float]) -> None:
    bar.set_postfix(_rounded(logs), refresh=False)
    bar.update(step - bar.n)


def _rounded(logs: dict[str, float]) -> dict[str, str]:
    return {name: _short(value) for name, value in logs.items()}


def _short(value: float) -> str:
    return f"{value:.4f}" if value == 0 or 1e-3 <= abs(value) < 1e5 else f"{value:.3e}"
