"""What long work shows while it runs: bars on a terminal, lines in a log, or nothing."""

from __future__ import annotations

import sys
import time
from typing import Any

from .._support import checks as validation

__all__ = ["Counter", "Progress", "counter", "for_fit", "for_pass", "verbosity"]

# Above this many epochs a terminal gets the bar alone, without a line for each.
_MANY_EPOCHS = 100
# Without the rate, so that title, share and two numbers fit into 80 columns.
_FORMAT = "{l_bar}{bar}| [{elapsed}<{remaining}{postfix}]"
# Evaluation and prediction show a bar by themselves only once they take this long.
_PATIENCE_SECONDS = 1.0


def verbosity(verbose: Any) -> int | str:
    """Checks verbose: "auto", 0, 1 or 2; True and False count as 1 and 0."""
    if isinstance(verbose, str):
        if verbose != "auto":
            raise ValueError(f"verbose must be 'auto', 0, 1 or 2; got {verbose!r}")
        return verbose
    return validation.verbosity(verbose)


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

    def pass_epochs(self, first: int, steps: int, logs: dict[str, list[float]]) -> None:
        """Epochs from this one on, begun and ended without a look; the next has begun."""

    def close(self) -> None:
        """Nothing more will come, after an error too."""

    def say(self, line: str) -> None:
        """A line of its own, after `close`."""


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
        print(_line(self._title, self._start, logs), flush=True)

    def pass_epochs(self, first: int, steps: int, logs: dict[str, list[float]]) -> None:
        now = time.perf_counter()
        each = (now - self._start) / len(logs["loss"])
        for epoch, values in enumerate(zip(*logs.values(), strict=True), first):
            self._start = time.perf_counter() - each
            self.end_epoch(dict(zip(logs, values, strict=True)))
            self.begin_epoch(epoch + 1, steps)

    def say(self, line: str) -> None:
        print(line, flush=True)


class _FitBar(_Lines):
    """One bar over all steps of a `fit`; above it stays a line per epoch, if there are not many."""

    def __init__(self, epochs: int, first: int, lines: bool) -> None:
        super().__init__(epochs)
        self._left = epochs - first
        self._lines = lines
        self._bar: Any = None
        self._done = 0
        self._steps = 0

    def begin_epoch(self, epoch: int, steps: int) -> None:
        super().begin_epoch(epoch, steps)
        if self._bar is None:
            total = self._left * steps or None  # 0: nobody knows how many there will be
            self._bar = _bar(total=total, desc=self._title, leave=not self._lines)
        self._bar.set_description(self._title, refresh=False)
        self._steps = steps

    def update(self, step: int, logs: dict[str, float]) -> None:
        self._steps = max(self._steps, step)
        _move(self._bar, self._done + step, logs)

    def pass_epochs(self, first: int, steps: int, logs: dict[str, list[float]]) -> None:
        if self._lines:
            return super().pass_epochs(first, steps, logs)
        count = len(logs["loss"])
        self._done += count * steps
        self.begin_epoch(first + count, steps)

    def end_epoch(self, logs: dict[str, float]) -> None:
        self._done += self._steps
        if self._lines:
            self._bar.write(_line(self._title, self._start, logs), file=sys.stdout)
        else:
            _move(self._bar, self._done, logs)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


class _PassLine(Progress):
    """One line at the end of a pass over data."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._start = time.perf_counter()

    def end_epoch(self, logs: dict[str, float]) -> None:
        print(_line(self._title, self._start, logs), flush=True)


class _PassBar(Progress):
    """A bar for a pass over data, which only shows once that takes so many seconds."""

    def __init__(self, title: str, delay: float) -> None:
        self._title = title
        self._delay = delay
        self._bar: Any = None

    def begin_epoch(self, epoch: int, steps: int) -> None:
        self._bar = _bar(total=steps or None, desc=self._title, delay=self._delay)

    def update(self, step: int, logs: dict[str, float]) -> None:
        _move(self._bar, step, logs)

    def end_epoch(self, logs: dict[str, float]) -> None:
        _move(self._bar, self._bar.n, logs)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


def for_fit(verbose: int | str, epochs: int, first: int) -> Progress:
    """The progress of a `fit` from epoch `first` to `epochs`."""
    if verbose == "auto":
        if not on_terminal():
            return _Lines(epochs)
        return _FitBar(epochs, first, lines=epochs - first <= _MANY_EPOCHS)
    return (Progress(), _FitBar(epochs, first, lines=True), _Lines(epochs))[int(verbose)]


def for_pass(verbose: int | str, title: str) -> Progress:
    """The progress of an evaluation or a prediction; "auto" shows only what takes long."""
    if verbose == "auto":
        return _PassBar(title, _PATIENCE_SECONDS) if on_terminal() else Progress()
    if verbose == 0:
        return Progress()
    return _PassBar(title, 0.0) if verbose == 1 else _PassLine(title)


class Counter:
    """How much of a lot of work is done: shows nothing; base of what shows something."""

    def show(self, done: int, note: str) -> None:
        """So much of the total is done."""

    def close(self) -> None:
        """Nothing more will come."""


class _CountBar(Counter):
    def __init__(self, total: int, title: str) -> None:
        self._bar = _bar(total=total, desc=title)

    def show(self, done: int, note: str) -> None:
        self._bar.set_postfix_str(note, refresh=False)
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        self._bar.close()


class _CountLine(Counter):
    def __init__(self, title: str) -> None:
        self._title = title
        self._start = time.perf_counter()
        self._note = ""

    def show(self, done: int, note: str) -> None:
        self._note = note

    def close(self) -> None:
        seconds = _duration(time.perf_counter() - self._start)
        print(f"{self._title}: {self._note} - {seconds}", flush=True)


def counter(verbose: int | str, total: int, title: str) -> Counter:
    """A bar on a terminal, a line at the end in a log, or nothing."""
    if verbose == 0:
        return Counter()
    bar = on_terminal() if verbose == "auto" else verbose == 1
    return _CountBar(total, title) if bar else _CountLine(title)


def _line(title: str, start: float, logs: dict[str, float]) -> str:
    seconds = _duration(time.perf_counter() - start)
    numbers = [f"{name}: {_short(value)}" for name, value in logs.items()]
    return " - ".join([title, seconds, *numbers])


def _duration(seconds: float) -> str:
    if seconds < 0.1:
        return f"{1e3 * seconds:.3g} ms"
    return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"


def _bar(**options: Any) -> Any:
    """In a notebook as on a terminal: text, in one output with the lines."""
    import shutil

    from tqdm import tqdm

    # A terminal that does not know its size says 0; tqdm would draw nothing then.
    size = shutil.get_terminal_size()
    shape = {"ncols": size.columns or 80, "nrows": size.lines or 24, "bar_format": _FORMAT}
    return tqdm(file=sys.stdout, **shape, **options)


def _move(bar: Any, step: int, logs: dict[str, float]) -> None:
    bar.set_postfix(_rounded(logs), refresh=False)
    bar.update(step - bar.n)


def _rounded(logs: dict[str, float]) -> dict[str, str]:
    return {name: _short(value) for name, value in logs.items()}


def _short(value: float) -> str:
    return f"{value:.4f}" if value == 0 or 1e-3 <= abs(value) < 1e5 else f"{value:.3e}"
