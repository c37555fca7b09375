"""How the time of a training step grows with a network's sizes, with batch and threads.

    python bench/growth.py --quick
    python bench/growth.py --sweeps width batch --threads 2
    python bench/growth.py --network lstm
    python bench/growth.py --network images

One of them varies around a network of two hidden layers, 256 wide, on batches of 128, around an
LSTM of 64 units on batches of 32 sequences of 100 ids, or around two convolutions of 3x3 windows
between 16 channels on batches of 32 images of 28x28; mundur stands beside the limit's line and
the peers that are installed. A cliff is a point that costs more than twice what its neighbours
predict, and is measured once more before it is called one. The result goes to bench/results/ as
JSON and a figure with a panel for each sweep.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import limits
import machine
import report
from layers import Conv2D, Dense, GlobalAveragePooling2D
from peers import PEERS
from processes import Measurement, PeerProcess, installed, measure_in_turns, rounded
from workloads import Workload, lstm_classifier, perceptron

COMPARED = ["mundur", "torch-eager", "torch-fused", "jax-scan"]
# A disturbed pair of sizes hides from the sizes next to it, a step upwards from those further off.
NEIGHBOURS_APART = (1.0, 1.2)


class Network(NamedTuple):
    """What varies around one network, beside the number of threads."""

    workload: Callable[..., Workload]
    sweeps: dict[str, tuple[int, int]]  # the first value and the last


class Point(NamedTuple):
    """One measurement to be made; `common`: by the peers too."""

    value: int
    workload: Workload
    threads: int
    common: bool


class Cliff(NamedTuple):
    value: int
    microseconds: float
    predicted: float

    def __str__(self) -> str:
        times = self.microseconds / self.predicted
        return (
            f"{self.value}: {report.duration(self.microseconds)}, {times:.1f} times the "
            f"{report.duration(self.predicted)} that its neighbours predict"
        )


# ---- what is measured ----------------------------------------------------------------------------
def dense(width: int = 256, depth: int = 2, batch: int = 128) -> Workload:
    layers = perceptron(*[width] * depth, 10, hidden="relu")
    # A small rate: what a deep network makes of rounding must not look like another computation.
    step = Workload("growth", (256,), layers, batch, batch, "crossentropy", "adam", 1e-5)
    return for_milliseconds(step)


def lstm(hidden: int = 64, steps: int = 100, batch: int = 32) -> Workload:
    # Few ids: updating a table of thousands would hide what the LSTM costs.
    layers = lstm_classifier(1000, hidden)
    return for_milliseconds(
        Workload("growth", (steps,), layers, batch, batch, "binary", "adam", 1e-4)
    )


def images(channels: int = 16, size: int = 28, kernel: int = 3, batch: int = 32) -> Workload:
    convolution = Conv2D(channels, kernel, padding="same", activation="relu")
    layers = convolution, convolution, GlobalAveragePooling2D(), Dense(10)
    inputs = (size, size, channels)
    return for_milliseconds(
        Workload("growth", inputs, layers, batch, batch, "crossentropy", "adam", 1e-5)
    )


def for_milliseconds(step: Workload) -> Workload:
    """With as many batches as make a run last some milliseconds."""
    batches = min(max(math.ceil(5e8 / step.operations), 4), 1000)
    return replace(step, samples=batches * step.batch_size)


NETWORKS = {
    "dense": Network(dense, {"width": (16, 4096), "depth": (1, 64), "batch": (1, 8192)}),
    "lstm": Network(lstm, {"hidden": (16, 512), "steps": (10, 1000), "batch": (1, 256)}),
    "images": Network(
        images, {"channels": (1, 256), "size": (8, 64), "kernel": (1, 7), "batch": (1, 512)}
    ),
}


def sizes(first: int, last: int, fine: bool) -> list[int]:
    """Both, and the powers of two between them; fine: also one more than each, where a tile or a
    shard is just exceeded, and halfway to the next."""
    powers = [2**e for e in range(last.bit_length())]
    between = {s for p in powers for s in ((p, p + 1, p * 3 // 2) if fine else (p,))}
    return sorted({first, last} | {size for size in between if first <= size <= last})


def points(network: Network, sweep: str, threads: int, quick: bool) -> list[Point]:
    """Of one sweep, ascending."""
    if sweep == "threads":
        # Twice the cores: too many threads must not collapse.
        counts = sorted({*sizes(1, threads, False), threads, 2 * threads})
        return [Point(n, network.workload(), n, n <= threads) for n in counts]
    first, last = network.sweeps[sweep]
    last //= 4 if quick else 1
    common = set(sizes(first, last, False)[::2]) | {last}
    return [
        Point(value, network.workload(**{sweep: value}), threads, value in common)
        for value in sizes(first, last, not quick)
    ]


# ---- what is found -------------------------------------------------------------------------------
def cliffs(times: dict[int, float], flat_end: bool = False) -> list[Cliff]:
    """Sizes that cost more than report.CLIFF times what lies between their neighbours' times.

    Between is meant in logarithms of both. The first and the last have no neighbour on one side and
    are no cliffs; `flat_end`: the last is expected to take as long as the one before.
    """
    values = sorted(times)
    found = []
    for i, value in enumerate(values):
        predicted = []
        for apart in NEIGHBOURS_APART:
            below = [v for v in values[:i] if v * apart <= value]
            above = [v for v in values[i + 1 :] if value * apart <= v]
            if below and above:
                predicted.append(_between(value, below[-1], above[0], times))
        if flat_end and i > 0 and i == len(values) - 1:
            predicted.append(times[values[i - 1]])
        if predicted and times[value] > report.CLIFF * min(predicted):
            found.append(Cliff(value, times[value], min(predicted)))
    return found


def _between(value: int, below: int, above: int, times: dict[int, float]) -> float:
    at = math.log(value / below) / math.log(above / below)
    return math.exp((1 - at) * math.log(times[below]) + at * math.log(times[above]))


def best_times(rows: list[dict[str, Any]], library: str) -> dict[int, float]:
    """Of the library's modes, by the size that varies."""
    best: dict[int, float] = {}
    for row in rows:
        if row["library"] == library and "median" in row:
            best[row["value"]] = min(row["median"], best.get(row["value"], math.inf))
    return best


# ---- measuring -----------------------------------------------------------------------------------
class Sweeper:
    """Measures points, keeping the peers of the last number of threads alive for the next point."""

    def __init__(self, names: list[str], rounds: int, seconds: float) -> None:
        self.names, self.rounds, self.seconds = names, rounds, seconds
        self.peers: list[PeerProcess] = []

    def measure(self, point: Point, names: list[str]) -> list[Measurement]:
        if not self.peers or self.peers[0].threads != point.threads:
            self.close()
            self.peers = [PeerProcess(name, point.threads) for name in self.names]
        peers = [peer for peer in self.peers if peer.name in names]
        return measure_in_turns(point.workload, peers, self.rounds, self.seconds)

    def close(self) -> None:
        for peer in self.peers:
            peer.close()
        self.peers = []


@contextmanager
def sweeper(names: list[str], arguments: argparse.Namespace) -> Iterator[Sweeper]:
    one = Sweeper(names, arguments.rounds, arguments.seconds)
    try:
        yield one
    finally:
        one.close()


def measure_sweep(
    sweep: str, all_points: list[Point], at: Sweeper, of: dict[int, limits.Limits]
) -> list[dict[str, Any]]:
    """One row per point and peer."""
    rows = []
    for point in all_points:
        limit = of.get(min(point.threads, machine.cores()))
        line = f"{sweep:7} {point.value:5}"
        if limit:
            line += f"  limit {limit.microseconds(point.workload):12,.4g}"
        for one in at.measure(point, at.names if point.common else ["mundur"]):
            row = one.to_json() | {"sweep": sweep, "value": point.value}
            if limit:
                row["limit"] = rounded(limit.microseconds(point.workload))
            rows.append(row)
            if not one.error:
                line += f"  {one.peer} {one.median:,.4g}"
        print(line, flush=True)
    return rows


def confirm(sweep: str, rows: list[dict[str, Any]], all_points: list[Point], at: Sweeper) -> None:
    """Measures what looks like a cliff once more; a disturbance only ever costs time."""
    for cliff in cliffs(best_times(rows, "mundur"), sweep == "threads"):
        (point,) = (p for p in all_points if p.value == cliff.value)
        (again,) = at.measure(point, ["mundur"])
        row = next(r for r in rows if r["value"] == cliff.value and r["library"] == "mundur")
        if not again.error and again.median < row["median"]:
            row |= again.to_json()


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    names, missing = installed(arguments.peers)
    cores = list(range(1, machine.cores() + 1))
    measured_limits = limits.measure_if_built(arguments.native, cores)
    results: list[dict[str, Any]] = []
    found: dict[str, list[str]] = {}
    network = NETWORKS[arguments.network]
    print("microseconds per step, medians")
    with sweeper(names, arguments) as at:
        for sweep in arguments.sweeps:
            all_points = points(network, sweep, arguments.threads, arguments.quick)
            rows = measure_sweep(sweep, all_points, at, measured_limits)
            confirm(sweep, rows, all_points, at)
            results += rows
            times = best_times(rows, "mundur")
            found[sweep] = [str(cliff) for cliff in cliffs(times, sweep == "threads")]
            for cliff in found[sweep]:
                print(f"  CLIFF at {sweep} {cliff}", flush=True)
    libraries = sorted({PEERS[name].library for name in names} | {"numpy"})
    return {
        "kind": "growth",
        "machine": machine.describe(),
        "versions": {library: version(library) for library in libraries},
        "method": {
            "rounds": arguments.rounds,
            "seconds_per_measurement": arguments.seconds,
            "threads": arguments.threads,
            "network": arguments.network,
            "base": str(network.workload()),
        },
        "limits": [limit.to_json() for limit in measured_limits.values()],
        "missing": missing,
        "cliffs": found,
        "results": results,
    }


# ---- showing -------------------------------------------------------------------------------------
def draw(document: dict[str, Any], path: Path) -> None:
    """A panel for each sweep, both axes logarithmic."""
    plt = report.pyplot()
    sweeps = list(document["cliffs"])
    columns = min(2, len(sweeps))
    figure, grid = plt.subplots(
        *(math.ceil(len(sweeps) / columns), columns),
        figsize=(5 * columns, 3.6 * math.ceil(len(sweeps) / columns)),
        layout="constrained",
        squeeze=False,
    )
    panels = list(itertools.chain(*grid))
    for axes, sweep in zip(panels, sweeps, strict=False):
        rows = [row for row in document["results"] if row["sweep"] == sweep]
        limit = {row["value"]: row["limit"] for row in rows if "limit" in row}
        axes.plot(limit.keys(), limit.values(), color="0.5", label="limit")
        for library, name in ({"mundur": "mundur"} | report.PEERS).items():
            times = dict(sorted(best_times(rows, library).items()))
            if not times:
                continue
            axes.plot(
                *(times.keys(), times.values(), report.MARKERS[library]),
                color=report.COLOURS[library],
                linestyle="-",
                markersize=3,
                label=name,
            )
        flagged = cliffs(best_times(rows, "mundur"), sweep == "threads")
        axes.plot(
            *([c.value for c in flagged], [c.microseconds for c in flagged], "o"),
            markersize=11,
            markerfacecolor="none",
            markeredgecolor="red",
            label="cliff" if flagged else None,
        )
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_xlabel(sweep)
        axes.set_ylabel("µs per step")
        axes.grid(color="0.9")
        axes.legend(fontsize=8)
    for axes in panels[len(sweeps) :]:
        axes.set_visible(False)
    base, threads = document["method"]["base"], document["method"]["threads"]
    figure.suptitle(f"{base}; {machine.title(document['machine'])}; {threads} threads", fontsize=9)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    assert __doc__
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    all_sweeps = {name: [*network.sweeps, "threads"] for name, network in NETWORKS.items()}
    parser.add_argument("--network", choices=NETWORKS, default="dense", help="(dense)")
    parser.add_argument(
        "--sweeps",
        nargs="+",
        help="; ".join(f"{name}: {' '.join(of)}" for name, of in all_sweeps.items()) + " (all)",
    )
    parser.add_argument("--threads", type=int, default=machine.cores(), help="all cores")
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=COMPARED)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.1, help="per measurement (0.1)")
    parser.add_argument("--quick", action="store_true", help="fewer, smaller sizes; 3 x 0.02 s")
    parser.add_argument("--output", type=Path, help="the JSON file (default: in bench/results/)")
    limits.add_argument(parser)
    arguments = parser.parse_args(argv)
    known = all_sweeps[arguments.network]
    arguments.sweeps = arguments.sweeps or known
    if unknown := [sweep for sweep in arguments.sweeps if sweep not in known]:
        parser.error(f"--sweeps: {unknown[0]!r} is none of {', '.join(known)}")
    if arguments.quick:
        arguments.rounds, arguments.seconds = min(arguments.rounds, 3), 0.02
    if not 1 <= arguments.threads <= machine.cores():
        parser.error(f"--threads: from 1 to this machine's {machine.cores()} cores")
    if "mundur" not in arguments.peers:
        parser.error("--peers: mundur must be among them")
    return arguments


def main() -> None:
    arguments = parse()
    document = run(arguments)
    cliff_count = sum(len(found) for found in document["cliffs"].values())
    print(f"{cliff_count} cliffs" if cliff_count != 1 else "1 cliff")
    print(*report.disturbed(document["results"]), sep="\n")
    output = arguments.output
    if output is None:
        if arguments.quick:
            print("quick: nothing is kept without --output")
            return
        output = report.RESULTS / f"{report.growth_name(document)}.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    try:
        draw(document, output.with_suffix(".png"))
    except ModuleNotFoundError as error:
        print(f"no figure: {error}")
    print(f"written: {output} (.png)")


if __name__ == "__main__":
    main()
