"""Peers in processes of their own, which agree first and are then measured in turns.

Each process may use so many cores and no others, from its start on, and waits asleep while another
is measured.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

import machine
from layers import Array
from peers import PEERS, Measured, Peer, library_version
from workloads import Workload

# Enough for a wrong update to show. After more of them Adam has made more of one ulp in W2's
# weights than is tolerated.
CHECKED_STEPS = 6
# Of the losses of these steps and of a batch's outputs, relative to the largest, in float32.
LOSS_TOLERANCE = 1e-3
OUTPUT_TOLERANCE = 1e-5
# Where products take bfloat16, of which each library has less or more.
ROUNDED_TOLERANCE = 3e-2
# OpenBLAS's threads spin for 0.1 s after their last work, on the cores of whoever is next.
PAUSE, LONGEST_PAUSE = 0.03, 2.0


def serve(connection: Connection, peer_name: str, threads: int) -> None:
    """In a peer's process: answers `prepare`, `witness` and `measure` until the end."""
    peer: Peer | None = None
    while True:
        try:
            method, argument = connection.recv()
        except EOFError:
            return
        try:
            if method == "prepare":
                peer = None  # gives the memory of the last workload back first
                peer = PEERS[peer_name](argument, threads)
                connection.send(("ok", peer.note))
            else:
                connection.send(("ok", getattr(peer, method)(argument)))
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            text = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
            connection.send(("error", f"{text} (in {last.name})"))


class PeerFailure(Exception):
    """A peer's process answered with an error, or not at all."""


@contextmanager
def on_cores(count: int) -> Iterator[None]:
    """Processes started in the body have the first so many cores of this one."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:count])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class PeerProcess:
    """The parent's end of a peer."""

    def __init__(self, name: str, threads: int) -> None:
        self.name = name
        self.threads = threads
        for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            os.environ[variable] = str(threads)
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, name, threads), daemon=True)
        with on_cores(threads):
            self.process.start()
        theirs.close()

    def ask(self, method: str, argument: Any) -> Any:
        try:
            self.connection.send((method, argument))
            status, answer = self.connection.recv()
        except (EOFError, OSError) as error:
            raise PeerFailure("its process died") from error
        if status == "error":
            raise PeerFailure(answer)
        return answer

    def fall_asleep(self) -> None:
        """Waits until its threads take no time any more."""
        deadline = time.monotonic() + LONGEST_PAUSE
        before = -PAUSE
        while time.monotonic() < deadline:
            now = machine.processor_seconds(self.process.pid)
            if now - before < PAUSE / 2:
                return
            before = now
            time.sleep(PAUSE)

    def close(self) -> None:
        self.connection.close()
        self.process.join(timeout=10)
        if self.process.is_alive():
            self.process.kill()


@dataclass
class Measurement:
    """One peer on one workload with a number of threads."""

    workload: Workload
    threads: int
    peer: str
    note: str = ""
    witness: Array = field(default_factory=lambda: np.empty(0))
    rounds: list[Measured] = field(default_factory=list)
    error: str = ""

    @property
    def microseconds(self) -> list[float]:
        return [one.microseconds for one in self.rounds]

    @property
    def median(self) -> float:
        return statistics.median(self.microseconds)

    @property
    def others(self) -> float:
        """Cores that other processes kept busy meanwhile."""
        return statistics.mean(one.others for one in self.rounds)

    def fail(self, error: str) -> None:
        self.error = error
        print(f"  {self.peer}: FAILED: {error}", flush=True)

    def to_json(self) -> dict[str, Any]:
        peer = PEERS[self.peer]
        row: dict[str, Any] = {
            "workload": self.workload.name,
            "description": str(self.workload),
            "unit": self.workload.unit,
            "threads": self.threads,
            "peer": self.peer,
            "library": peer.library,
            "mode": peer.prediction if self.workload.predicts else peer.mode,
            "note": self.note,
        }
        if self.error:
            return row | {"error": self.error}
        return row | {
            "median": rounded(self.median),
            "rounds": [rounded(value) for value in self.microseconds],
            "cores_busy": round(statistics.median(one.busy for one in self.rounds), 2),
            "cores_busy_by_others": round(self.others, 2),
            "witness": [rounded(value, 7) for value in self.witness.ravel()[:CHECKED_STEPS]],
        }


def rounded(value: float, digits: int = 4) -> float:
    return float(f"{value:.{digits}g}")


def measure_in_turns(
    workload: Workload, peers: list[PeerProcess], rounds: int, seconds: float
) -> list[Measurement]:
    """All peers that serve the workload: checked, warmed up, then A B C A B C ..."""
    serving = [peer for peer in peers if PEERS[peer.name].serves(workload)]
    pairs = [(peer, Measurement(workload, peer.threads, peer.name)) for peer in serving]

    def ask_all(method: str, argument: Any, keep: Callable[[Measurement, Any], None]) -> None:
        for peer, measurement in pairs:
            if measurement.error:
                continue
            try:
                keep(measurement, peer.ask(method, argument))
                peer.fall_asleep()
            except PeerFailure as failure:
                measurement.fail(str(failure))

    def keep_note(measurement: Measurement, note: str) -> None:
        measurement.note = note

    def keep_witness(measurement: Measurement, witness: Array) -> None:
        measurement.witness = witness

    def keep_time(measurement: Measurement, measured: Measured) -> None:
        measurement.rounds.append(measured)

    ask_all("prepare", workload, keep_note)
    ask_all("witness", CHECKED_STEPS, keep_witness)
    measurements = [measurement for _, measurement in pairs]
    check_agreement(measurements)
    ask_all("measure", seconds, lambda *_: None)  # warm: compiles, allocates, wakes the threads
    for _ in range(rounds):
        ask_all("measure", seconds, keep_time)
    return measurements


def check_agreement(measurements: list[Measurement]) -> None:
    """Marks as failed whoever computes something else than the first peer does."""
    same_work = [m for m in measurements if not m.error and not m.note]
    for m in same_work[1:]:
        first = same_work[0]
        if m.witness.shape != first.witness.shape:
            m.fail(f"computes something else: {m.witness.shape}, not {first.witness.shape}")
            continue
        tolerance = OUTPUT_TOLERANCE if m.workload.predicts else LOSS_TOLERANCE
        if m.workload.compute_dtype != "float32":
            tolerance = ROUNDED_TOLERANCE
        apart = np.abs(m.witness - first.witness) / np.abs(first.witness).max()
        if not apart.max() <= tolerance:
            at = np.unravel_index(apart.argmax(), apart.shape)
            m.fail(
                f"computes something else: {m.witness[at]:.7g} at {'/'.join(map(str, at))}, "
                f"where {first.peer} has {first.witness[at]:.7g}"
            )


def installed(names: list[str]) -> tuple[list[str], dict[str, str]]:
    """The peers whose library is here, and why the others are left out."""
    present, missing = [], {}
    for name in names:
        try:
            library_version(PEERS[name])
            present.append(name)
        except PackageNotFoundError:
            missing[name] = f"{PEERS[name].library} is not installed"
            print(f"{name} left out: {missing[name]}")
    return present, missing
