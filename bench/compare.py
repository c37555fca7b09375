"""Measure training against PyTorch and scikit-learn, in one interleaved run.

    python bench/compare.py --quick
    python bench/compare.py --workloads W1 W3 --threads 1 2 --rounds 9

Every peer lives in its own process, told how many threads it may use before it imports anything,
and waits asleep while another is measured. First all must compute the same losses from the same
weights; then they take turns (A B C A B C ...), and the median of the rounds counts. What is
missing or fails is reported. The result goes to bench/results/, with the machine.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import time
import traceback
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import machine
import report
from peers import PEERS, Peer, library_version
from workloads import WORKLOADS, Workload

CHECKED_STEPS = 5
LOSS_TOLERANCE = 1e-3  # relative, after CHECKED_STEPS steps in float32
PAUSE = 0.02  # seconds in which the threads of the one measured last fall asleep


def serve(connection: Connection, peer_name: str, threads: int) -> None:
    """In a peer's process: answers `prepare`, `first_losses` and `measure` until the end."""
    peer: Peer | None = None
    while True:
        try:
            method, argument = connection.recv()
        except EOFError:
            return
        try:
            if method == "prepare":
                peer = None  # gives the memory of the last workload back first
                peer = PEERS[peer_name](WORKLOADS[argument], threads)
                connection.send(("ok", peer.note))
            else:
                connection.send(("ok", getattr(peer, method)(argument)))
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            text = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
            connection.send(("error", f"{text} (in {last.name})"))


class PeerFailure(Exception):
    """A peer's process answered with an error, or not at all."""


class PeerProcess:
    """The parent's end of a peer."""

    def __init__(self, name: str, threads: int) -> None:
        self.name = name
        for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            os.environ[variable] = str(threads)
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, name, threads), daemon=True)
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
    losses: list[float] = field(default_factory=list)
    microseconds: list[float] = field(default_factory=list)
    error: str = ""

    def to_json(self) -> dict[str, Any]:
        peer = PEERS[self.peer]
        row: dict[str, Any] = {
            "workload": self.workload.name,
            "description": str(self.workload),
            "unit": self.workload.unit,
            "threads": self.threads,
            "peer": self.peer,
            "library": peer.library,
            "mode": peer.mode,
            "note": self.note,
        }
        if self.error:
            return row | {"error": self.error}
        return row | {
            "median": _rounded(statistics.median(self.microseconds)),
            "lowest": _rounded(min(self.microseconds)),
            "highest": _rounded(max(self.microseconds)),
            "rounds": [_rounded(value) for value in self.microseconds],
            "first_losses": [float(f"{loss:.7g}") for loss in self.losses],
        }


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


def compare(
    workload: Workload, peers: list[PeerProcess], threads: int, rounds: int, seconds: float
) -> list[Measurement]:
    """All peers on one workload, interleaved."""
    measurements = {peer.name: Measurement(workload, threads, peer.name) for peer in peers}

    def attempt(peer: PeerProcess, method: str, argument: Any) -> Any:
        one = measurements[peer.name]
        if one.error:
            return None
        try:
            return peer.ask(method, argument)
        except PeerFailure as failure:
            one.error = str(failure)
            print(f"  {peer.name}: FAILED: {failure}", flush=True)
            return None

    for peer in peers:
        measurements[peer.name].note = attempt(peer, "prepare", workload.name) or ""
        measurements[peer.name].losses = attempt(peer, "first_losses", CHECKED_STEPS) or []
    check_losses(list(measurements.values()))
    for peer in peers:
        attempt(peer, "measure", seconds)  # warm: compiles, allocates, wakes the threads
    for _ in range(rounds):
        for peer in peers:
            time.sleep(PAUSE)
            microseconds = attempt(peer, "measure", seconds)
            if microseconds is not None:
                measurements[peer.name].microseconds.append(microseconds)
    return list(measurements.values())


def check_losses(measurements: list[Measurement]) -> None:
    """Marks as failed whoever computes something else than the first peer does."""
    reference = next((m for m in measurements if not m.error and not m.note), None)
    if reference is None:
        return
    for m in measurements:
        if m.error or m.note:
            continue
        for step, (ours, theirs) in enumerate(zip(reference.losses, m.losses, strict=True)):
            if abs(ours - theirs) > LOSS_TOLERANCE * abs(ours):
                m.error = (
                    f"computes something else: loss {theirs:.6g} before step {step}, "
                    f"where {reference.peer} has {ours:.6g}"
                )
                print(f"  {m.peer}: FAILED: {m.error}", flush=True)
                break


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


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """The whole comparison as one JSON document."""
    names, missing = installed(arguments.peers)
    results: list[Measurement] = []
    for threads in arguments.threads:
        peers = [PeerProcess(name, threads) for name in names]
        try:
            for workload in (WORKLOADS[name] for name in arguments.workloads):
                print(f"{workload.name}, {threads} threads: {workload}", flush=True)
                measured = compare(workload, peers, threads, arguments.rounds, arguments.seconds)
                for m in measured:
                    if m.microseconds and not m.error:
                        median = statistics.median(m.microseconds)
                        spread = f"{min(m.microseconds):,.4g} to {max(m.microseconds):,.4g}"
                        print(f"  {m.peer:16} {median:12,.4g} us/{workload.unit} ({spread})")
                results += measured
        finally:
            for peer in peers:
                peer.close()
    libraries = sorted({PEERS[name].library for name in names} | {"numpy"})
    return {
        "kind": "compare",
        "machine": machine.describe(),
        "versions": {library: version(library) for library in libraries},
        "method": {"rounds": arguments.rounds, "seconds_per_measurement": arguments.seconds},
        "missing": missing,
        "results": [m.to_json() for m in results],
    }


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    assert __doc__
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workloads", nargs="+", choices=WORKLOADS, default=list(WORKLOADS))
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.3, help="per measurement (0.3)")
    parser.add_argument("--quick", action="store_true", help="3 rounds, 0.05 s, neither W4 nor W8")
    parser.add_argument("--output", type=Path, help="the JSON file (default: in bench/results/)")
    arguments = parser.parse_args(argv)
    if arguments.quick:
        arguments.rounds, arguments.seconds = min(arguments.rounds, 3), 0.05
        arguments.workloads = [name for name in arguments.workloads if name not in ("W4", "W8")]
    if max(arguments.threads) > len(os.sched_getaffinity(0)):
        parser.error(f"--threads {max(arguments.threads)}: more than this machine's cores")
    return arguments


def main() -> None:
    arguments = parse()
    document = run(arguments)
    output = arguments.output
    if output is None:
        if arguments.quick:
            print("quick: nothing is kept without --output")
            return
        output = report.RESULTS / f"compare_{machine.slug(document['machine'])}.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    table = report.comparison_table(document)
    output.with_suffix(".md").write_text(table + "\n", encoding="utf-8")
    try:
        report.draw_comparison(document, output.with_suffix(".png"))
    except ModuleNotFoundError as error:
        print(f"no figure: {error}")
    print(
        f"\n{table}\n\nwritten: {output} (.md, .png); README: python bench/report.py --write-readme"
    )


if __name__ == "__main__":
    main()
