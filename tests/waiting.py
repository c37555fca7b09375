"""Waiting that has an end: for processes, and for threads."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from typing import Any


def _hears_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Child(subprocess.Popen[str]):
    """A Python process that is killed after so many seconds, or as its block ends.

    Who reads what it says then meets the end, instead of waiting for ever.
    """

    def __init__(self, *arguments: Any, seconds: float = 60, **options: Any) -> None:
        command = [sys.executable, *map(str, arguments)]
        # A shell's job in the background ignores Ctrl-C, and so would what it starts.
        options.setdefault("preexec_fn", _hears_ctrl_c)
        super().__init__(command, stdout=subprocess.PIPE, text=True, **options)
        self.watch = threading.Timer(seconds, self.kill)
        self.watch.daemon = True
        self.watch.start()

    def __exit__(self, *error: Any) -> None:
        self.kill()
        self.watch.cancel()
        super().__exit__(*error)

    def interrupt(self) -> None:
        """As Ctrl-C does."""
        self.send_signal(signal.SIGINT)

    def line(self) -> str:
        assert self.stdout is not None
        return self.stdout.readline()


def wait_for(*threads: threading.Thread, seconds: float = 60) -> None:
    """Until they have ended; that they have not is a failure, which `join` says nothing of."""
    for thread in threads:
        thread.join(timeout=seconds)
        assert not thread.is_alive(), f"{thread.name} did not end within {seconds} s"
