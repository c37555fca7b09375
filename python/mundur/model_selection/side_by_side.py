"""Work side by side: a job for each core, none of which waits for another."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from .. import _core
from .._support.checks import integer
from ..training.progress import Progress, counter, verbosity

__all__ = ["Board", "Job", "side_by_side", "workers_for"]

T = TypeVar("T")


class _Stopped(KeyboardInterrupt):
    """A job was told to stop: it ends as after Ctrl-C."""


class Board:
    """How far all jobs are; whoever works asks it whether to go on.

    Parameters
    ----------
    total : int
        Epochs of all jobs.
    verbose : {"auto", 0, 1, 2}
        As for `Model.fit`.
    title : str
        What the bar says.
    """

    def __init__(self, total: int, verbose: Any, title: str) -> None:
        self._bar = counter(verbosity(verbose), total, title)
        self._lock = threading.Lock()
        self._epochs = 0
        self._stops = False

    def look(self) -> None:
        """Ends a job as Ctrl-C would, once all are to stop."""
        if self._stops:
            raise _Stopped

    def add(self, epochs: int) -> None:
        """So many more epochs are over, or will never be."""
        with self._lock:
            self._epochs += epochs

    def draw(self, jobs: int, of: int) -> None:
        """What there is by now; the caller's thread alone draws."""
        self._bar.show(self._epochs, f"{jobs} of {of}")

    def stop(self) -> None:
        """Jobs end where they next look."""
        self._stops = True

    def close(self) -> None:
        """Nothing more will come."""
        self._bar.close()


class Share(Progress):
    """What a job's fit tells the board. `epochs`: as many as were announced."""

    def __init__(self, board: Board, epochs: int) -> None:
        self._board = board
        self._left = epochs

    def update(self, step: int, logs: dict[str, float]) -> None:
        self._board.look()

    def end_epoch(self, logs: dict[str, float]) -> None:
        self._tell(1)

    def pass_epochs(self, first: int, steps: int, logs: dict[str, list[float]]) -> None:
        self._tell(len(logs["loss"]))

    def close(self) -> None:
        """One that stops early had been expected to go on."""
        self._tell(self._left)

    def _tell(self, epochs: int) -> None:
        epochs = min(epochs, self._left)
        self._left -= epochs
        self._board.add(epochs)


class Job(Generic[T]):
    """What is to be done, and what came of it: `result`, or `error`, or neither, if stopped."""

    def __init__(self, work: Callable[[Board], T]) -> None:
        self._work = work
        self.result: T | None = None
        self.error: BaseException | None = None

    def run(self, board: Board) -> None:
        """Keeps what comes of it; an error of one job is no other's."""
        try:
            self.result = self._work(board)
        except _Stopped:
            pass
        except BaseException as error:  # the caller hears of it
            self.error = error


def workers_for(given: Any, jobs: int) -> int:
    """How many jobs run at once: no more than threads, which None stands for, or than jobs."""
    most = _core.num_threads()
    return min(most if given is None else min(integer(given, "workers", 1), most), max(jobs, 1))


def side_by_side(
    jobs: Sequence[Job[Any]],
    workers: int,
    board: Board,
    *,
    most: int = 1,
    until_error: bool = False,
) -> None:
    """Runs all jobs, each on so many threads (0: all); those that are left begin as others end.

    `until_error`: an error of one stops all. Raises KeyboardInterrupt after Ctrl-C, and where a job
    raised it, once the jobs at work have come to a stop.
    """
    ends_all = BaseException if until_error else KeyboardInterrupt
    waiting = iter(jobs)
    lock = threading.Lock()
    done = 0

    def work(ended: threading.Event) -> None:
        nonlocal done
        _core.limit_threads(most)
        try:
            while not board._stops:
                with lock:
                    job = next(waiting, None)
                if job is None:
                    return
                job.run(board)
                if isinstance(job.error, ends_all):
                    board.stop()
                with lock:
                    done += 1
        finally:
            ended.set()

    # Python 3.11's `Thread.join` takes a thread for ended once Ctrl-C interrupts it.
    ends: list[threading.Event] = []
    try:
        for _ in range(workers):
            ended = threading.Event()
            threading.Thread(target=work, args=[ended], daemon=True).start()
            ends.append(ended)
        for ended in ends:
            while not ended.wait(0.1):
                board.draw(done, len(jobs))
    except BaseException:
        board.stop()
        for ended in ends:
            ended.wait()
        raise
    finally:
        board.draw(done, len(jobs))
        board.close()
    for job in jobs:
        if isinstance(job.error, KeyboardInterrupt):
            raise job.error
