"""The machine's limits, as the native benchmark measures them, and what they mean for a workload.

    python bench/limits.py [--native build/bench/bench/mundur_bench]

A unit of work takes at least its floating-point operations over the FMA peak, and at least the
bytes it must move over the rate at which they can be read from wherever they lie.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import machine
from workloads import WORKLOADS, Workload

NATIVE = machine.ROOT / "build" / "bench" / "bench" / "mundur_bench"


@dataclass(frozen=True)
class Limits:
    """Of so many threads together, float32."""

    threads: int
    flops: float  # per second
    tile_flops: float  # of products in bfloat16
    read: dict[int, float]  # bytes gone over again and again -> bytes per second

    def read_rate(self, resident_bytes: int) -> float:
        """Between the measured sizes by the logarithm; beyond them the nearest."""
        sizes = sorted(self.read)
        rates = [self.read[size] for size in sizes]
        at = np.log(max(resident_bytes, 1))
        return float(np.exp(np.interp(at, np.log(sizes), np.log(rates))))

    def microseconds(self, workload: Workload) -> float:
        """The least that a unit of a workload can take."""
        flops = self.flops if workload.compute_dtype == "float32" else self.tile_flops
        arithmetic = workload.operations / flops
        memory = workload.moved_bytes / self.read_rate(workload.resident_bytes)
        return 1e6 * max(arithmetic, memory)

    def to_json(self) -> dict[str, Any]:
        return {
            "threads": self.threads,
            "flops_per_second": float(f"{self.flops:.4g}"),
            "bfloat16_flops_per_second": float(f"{self.tile_flops:.4g}"),
            "read_bytes_per_second": {
                str(size): float(f"{rate:.4g}") for size, rate in self.read.items()
            },
        }


def parse_native(output: str) -> dict[int, Limits]:
    """By number of threads, from the benchmark's JSON."""
    peaks: dict[int, float] = {}
    tile_peaks: dict[int, float] = {}
    reads: dict[int, dict[int, float]] = {}
    for row in json.loads(output)["benchmarks"]:
        match = re.match(
            r"limit/(?:peak|(peak/bfloat16)|read/bytes:(\d+))/threads:(\d+)(?:/|$)", row["name"]
        )
        if not match:
            continue
        tiles, size, threads = match[1], match[2], int(match[3])
        if size is None:
            (tile_peaks if tiles else peaks)[threads] = float(row["FLOP/s"])
        else:
            reads.setdefault(threads, {})[int(size)] = float(row["B/s"])
    if peaks.keys() != tile_peaks.keys():
        raise SystemExit("the native benchmark knows no peak of bfloat16: build it anew")
    return {t: Limits(t, peaks[t], tile_peaks[t], reads[t]) for t in peaks}


def measure(native: Path, threads: list[int]) -> dict[int, Limits]:
    """Takes a few seconds for each number of threads."""
    chosen = "|".join(str(t) for t in threads)
    command = [
        str(native),
        f"--benchmark_filter=^limit/.*/threads:({chosen})(/|$)",
        "--benchmark_format=json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{native} failed ({done.returncode}): {done.stderr.strip()}")
    return parse_native(done.stdout)


def add_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--native",
        type=Path,
        default=NATIVE,
        help="the native benchmark, for the limits (build/bench/bench/mundur_bench)",
    )


def measure_if_built(native: Path, threads: list[int]) -> dict[int, Limits]:
    """Without the native benchmark there are no limits, and that is said."""
    if native.exists():
        return measure(native, threads)
    if native != NATIVE:
        raise SystemExit(f"--native: there is no {native}")
    print("no limits: the native benchmark is not built (bench/RESULTS.md)")
    return {}


def main() -> None:
    assert __doc__
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_argument(parser)
    all_threads = list(range(1, machine.cores() + 1))
    for limits in measure_if_built(parser.parse_args().native, all_threads).values():
        print(f"{limits.threads} threads: {limits.flops / 1e9:.0f} GFLOP/s, ", end="")
        print(f"in bfloat16 {limits.tile_flops / 1e9:.0f}; read, GB/s:", end="")
        for size, rate in limits.read.items():
            print(f"  {size >> 10:,} KiB {rate / 1e9:.0f}", end="")
        print()
        for workload in WORKLOADS.values():
            print(f"  {workload.name:9} {limits.microseconds(workload):10,.4g} us: {workload}")


if __name__ == "__main__":
    main()
