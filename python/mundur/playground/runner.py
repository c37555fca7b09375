"""A session that trains in a thread of its own, while others ask what is seen of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from .session import Session

__all__ = ["SPEEDS", "Runner"]

# Seconds from one picture to the next, and whether epochs fill them.
SPEEDS = {"slow": (0.4, False), "normal": (0.06, False), "fast": (0.06, True)}
UNSEEN = 120.0  # seconds without a look at it, behind which a training stops


class Runner:
    """One session for all pages: what changes it waits for the lock, what looks at it does not.

    Parameters
    ----------
    session : Session, optional
    """

    def __init__(self, session: Session | None = None) -> None:
        self.session = session or Session()
        self._lock = threading.Lock()  # of the session
        self._told = threading.Lock()  # of what is seen; held for moments only
        self._going = False
        self._thread: threading.Thread | None = None
        self._speed = "normal"
        self._looked = time.monotonic()
        self._version = 0
        with self._lock:
            self._publish()

    # ---- looking ------------------------------------------------------------------------------

    def seen(self, run: int = -1, version: int = -1, epoch: int = 0) -> dict[str, Any]:
        """The last picture, for someone who has this much; it never waits for a training."""
        self._looked = time.monotonic()
        with self._told:
            picture, now, going = self._picture, self._version, self._going
        told = {"version": now, "running": going, "run": picture["run"]}
        if (run, version) == (picture["run"], now):
            return told
        same = run == picture["run"]
        first = min(epoch, picture["frame"]["epoch"]) if same else 0
        told |= {"frame": picture["frame"], "first": first}
        told["curves"] = {name: values[first:] for name, values in picture["curves"].items()}
        return told if same else told | {"settings": picture["settings"], **picture["points"]}

    def _publish(self) -> None:
        """Takes a picture; for who holds the session's lock."""
        session = self.session
        picture: dict[str, Any] = {"run": session.run, "frame": session.frame()}
        before: dict[str, Any] = getattr(self, "_picture", {"run": -1})
        if before["run"] == session.run:
            old = before["curves"]
            new = session.curves(len(old["loss"]))
            picture["curves"] = {name: old[name] + new[name] for name in old}
            picture |= {name: before[name] for name in ("points", "settings")}
        else:
            picture["curves"] = session.curves()
            picture["points"] = {"points": session.points()}
            csv = session.table.name if session.table is not None else None
            picture["settings"] = {**session.settings.plain(), "csv": csv}
        with self._told:
            self._picture = picture
            self._version += 1

    # ---- changing -----------------------------------------------------------------------------

    def change(self, action: Callable[[Session], Any]) -> None:
        """Stops the training, and does something with the session."""
        self.stop()
        with self._lock:
            action(self.session)
            self._publish()

    def ask(self, question: Callable[[Session], Any]) -> Any:
        """Something of the session; a training goes on behind it."""
        with self._lock:
            return question(self.session)

    def start(self, speed: str = "normal") -> None:
        """Trains from now on."""
        with self._told:
            self._speed, self._looked = speed, time.monotonic()
            if self._going:
                return
            self._going = True
            self._thread = threading.Thread(target=self._work, args=(self._thread,), daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Ends the training behind the epoch at work."""
        with self._told:
            self._going = False
            thread = self._thread
        if thread is not None:
            thread.join()

    def _work(self, before: threading.Thread | None) -> None:
        if before is not None:
            before.join()
        while self._going:
            begun = time.monotonic()
            wait, fills = SPEEDS[self._speed]
            with self._lock:
                try:
                    if fills:
                        self.session.advance(wait / 2)
                    else:
                        self.session.advance(epochs=1)
                except Exception as error:  # pages are told, and may begin another training
                    self.session.error = {"code": "failed", "message": str(error)}
                over = self.session.is_over
                self._publish()
            unseen = time.monotonic() - self._looked > UNSEEN
            if over or unseen:
                with self._told:
                    if self._thread is threading.current_thread():
                        self._going = False
                return
            # Others get the lock here, also where a picture took longer than it should.
            time.sleep(max(0.005, wait - (time.monotonic() - begun)))
