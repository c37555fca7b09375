"""What other inputs than float32 arrays in memory cost, and what bringing batches together costs.

    python bench/data.py --quick

W8's epoch from the same numbers in float32, uint8 and float64, in memory and memory-mapped (in the
page cache), shuffled and in order, measured in turns; all that are shuffled must end with the same
weights, bit for bit. Beside them: the same steps, in order, on a set whose samples are all one row,
which the nearest cache holds. What these save is what shuffling, gathering from memory and
converting cost; the copy of that row into batches, which is left in them, is measured by itself and
added.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mundur as md
import numpy as np

import machine
import report
from layers import Array
from processes import rounded
from workloads import WORKLOADS

W8 = WORKLOADS["W8"]
TYPES = ("float32", "uint8", "float64")


class Case:
    """W8's steps from one kind of input."""

    def __init__(self, name: str, x: Array, y: Array, shuffled: bool) -> None:
        self.name, self.x, self.y, self.shuffled = name, x, y, shuffled
        layers = [md.layers.Dense(W8.widths[1], "relu"), md.layers.Dense(W8.widths[2])]
        self.model = md.Model(layers, input_shape=W8.widths[:1], seed=0)
        for view, value in zip(self.model.parameters.values(), W8.weights(), strict=True):
            view[...] = value
        loss = md.losses.SparseCategoricalCrossentropy(from_logits=True)
        # Bytes as features are large numbers: a small rate keeps the losses finite.
        self.model.compile(md.optimizers.Adam(1e-6), loss)
        self.milliseconds: list[float] = []
        self.others: list[float] = []

    def run(self) -> float:
        """Milliseconds for an epoch."""
        watch = machine.Watch()
        self.model.fit(
            self.x, self.y, batch_size=W8.batch_size, epochs=1, shuffle=self.shuffled, verbose=0
        )
        elapsed = watch.read()
        self.others.append(elapsed.others / elapsed.seconds)
        return 1e3 * elapsed.seconds

    @property
    def weights(self) -> bytes:
        return b"".join(value.tobytes() for value in self.model.parameters.values())


def cases(folder: Path) -> list[Case]:
    """float32 in memory first: the one that the others are compared with."""
    rng = np.random.default_rng(0)
    numbers = rng.integers(0, 256, (W8.samples, W8.widths[0]), np.uint8)
    y = rng.integers(0, W8.widths[-1], W8.samples)
    made = []
    for dtype in TYPES:
        x = numbers.astype(dtype)
        path = folder / f"{dtype}.npy"
        np.save(path, x)
        mapped = np.load(path, mmap_mode="r")
        made += [
            Case(dtype, x, y, True),
            Case(f"{dtype}, in order", x, y, False),
            Case(f"{dtype}, mapped", mapped, y, True),
        ]
    made.append(Case("one row", one_row(W8.samples), y, False))
    return made


def one_row(samples: int) -> Array:
    """So many samples in the memory of one."""
    return np.broadcast_to(np.ones(W8.widths[0], np.float32), (samples, W8.widths[0]))


def copy_milliseconds(threads: int) -> float:
    """What it takes to fill an epoch's batches with that row, shared by so many threads."""
    batch, times = one_row(W8.batch_size), []
    out = np.empty(batch.shape, batch.dtype)
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(W8.batches):
            np.copyto(out, batch)
        times.append(1e3 * (time.perf_counter() - start))
    return min(times) / threads


def measure(all_cases: list[Case], rounds: int) -> None:
    """In turns, after one round that counts for nothing but the check."""
    for case in all_cases:
        case.run()
    apart = {c.name for c in all_cases if c.shuffled and c.weights != all_cases[0].weights}
    if apart:
        raise SystemExit(f"not the weights that {all_cases[0].name} gives: {sorted(apart)}")
    for _ in range(rounds):
        for case in all_cases:
            case.milliseconds.append(case.run())


def to_json(all_cases: list[Case], threads: int) -> dict[str, Any]:
    medians = {case.name: statistics.median(case.milliseconds) for case in all_cases}
    reference = medians[all_cases[0].name]
    copied = copy_milliseconds(threads)
    bare = medians["one row"] - copied
    return {
        "threads": threads,
        "one_row_ms": rounded(medians["one row"]),
        "copy_ms": rounded(copied),
        "cases": [
            {
                "name": case.name,
                "median_ms": rounded(medians[case.name]),
                "rounds_ms": [rounded(value) for value in case.milliseconds],
                "over_float32": rounded(medians[case.name] / reference),
                "cores_busy_by_others": round(statistics.mean(case.others[1:]), 2),
                "input_share": rounded(1 - bare / medians[case.name]),
            }
            for case in all_cases
            if case.name != "one row"
        ],
    }


def run(threads: list[int], rounds: int) -> dict[str, Any]:
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for count in threads:
            md.set_num_threads(count)
            all_cases = cases(Path(folder))
            measure(all_cases, rounds)
            results.append(to_json(all_cases, count))
    return {
        "kind": "data",
        "machine": machine.describe(),
        "versions": {name: version(name) for name in ("mundur", "numpy")},
        "method": {"rounds": rounds},
        "results": results,
    }


def main() -> None:
    assert __doc__
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--quick", action="store_true", help="3 rounds; nothing is kept")
    parser.add_argument("--output", type=Path, help="the JSON file (default: in bench/results/)")
    arguments = parser.parse_args()
    if not 1 <= min(arguments.threads) <= max(arguments.threads) <= machine.cores():
        parser.error(f"--threads: from 1 to this machine's {machine.cores()} cores")

    document = run(arguments.threads, min(arguments.rounds, 3 if arguments.quick else 99))
    print(report.data_table(document))
    output = arguments.output
    if output is None:
        if arguments.quick:
            print("quick: nothing is kept without --output")
            return
        output = report.RESULTS / f"data_{machine.slug(document['machine'])}.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(f"written: {output}")


if __name__ == "__main__":
    main()
