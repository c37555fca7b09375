"""The command ``python -m mundur.selftest``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from .. import runtime
from . import STEPS, TABLE, Result, run, run_on


def _table(results: Sequence[Result]) -> Iterator[str]:
    """A row for each step and instruction set, a column for each number of threads."""
    counts = sorted({result.threads for result in results})
    yield f"{'step':16} {'instructions':13}" + "".join(
        f"{f'{n} thread' + 's' * (n > 1):>11}" for n in counts
    )
    for step in STEPS:
        label = step
        for isa in dict.fromkeys(result.isa for result in results):
            cells = []
            for count in counts:
                here = [r for r in results if (r.isa, r.threads) == (isa, count)]
                wrong = any(step in result.differs for result in here)
                done = any(step in result.found for result in here)
                cells.append("differs" if wrong else "equal" if done else "-")
            yield f"{label:16} {isa:13}" + "".join(f"{cell:>11}" for cell in cells)
            label = ""


def _left_out() -> Iterator[str]:
    info = runtime.build_info()
    for isa in ("generic", "avx2", "avx512", "avx512bf16", "amx", "neon"):
        if isa not in info["isas_built"]:
            yield f"not tried: {isa}, which is not in this build"
        elif isa not in info["isas_available"]:
            yield f"not tried: {isa}, which this CPU lacks"


def _not_on(results: Sequence[Result]) -> Iterator[str]:
    for result in results:
        if result.lacks and result.what.endswith(" float32"):
            why = result.lacks.removeprefix("device: ").partition("; ")[0]
            yield f"not tried: {result.what.rpartition(' ')[0]}, for {why}"


def _write(table: Path) -> int:
    stored: dict[str, dict[str, str]] = {}
    for result in run({}, isas=["generic"], threads=[1]):
        stored[result.what] = result.found
    apart = [result for result in run(stored) if result.differs]
    if apart:
        print("\n".join(map(str, apart)))
        print(f"{table} stays as it is: this machine does not agree with itself")
        return 1
    table.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
    print(f"wrote {sum(map(len, stored.values()))} hashes to {table}")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit status.

    Examples
    --------
    >>> from mundur.selftest.__main__ import main
    >>> main(["--table", "/nowhere.json"])
    there is no table /nowhere.json
    no
    1
    """
    parser = argparse.ArgumentParser(
        prog="python -m mundur.selftest",
        description="Does this machine train the bits that every other one trains? Exits with 0 "
        "if so, else with 1, and names the steps that differ.",
    )
    parser.add_argument(
        "--table", type=Path, default=TABLE, help="the stored hashes (default: the package's)"
    )
    parser.add_argument(
        "--write", action="store_true", help="store this machine's hashes instead of comparing"
    )
    parser.add_argument(
        "--device", default="cpu", help='"cuda" or "cuda:1": networks on that GPU (default: cpu)'
    )
    options = parser.parse_args(arguments)
    if options.write:
        return _write(options.table)
    if not options.table.exists():
        print(f"there is no table {options.table}\nno")
        return 1
    stored = json.loads(options.table.read_text(encoding="utf-8"))
    results = list(run(stored) if options.device == "cpu" else run_on(options.device, stored))
    done = [result for result in results if not result.lacks]
    print("\n".join(_table(done)), end="\n\n")
    apart = [result for result in done if result.differs]
    for result in apart:
        print(f"differs: {result}")
    for line in _left_out() if options.device == "cpu" else _not_on(results):
        print(line)
    count = sum(len(result.found) for result in done)
    networks = len({result.what.rpartition(" ")[0] for result in done} - {"functions"})
    print(f"{count} hashes of {networks} networks compared; the same bits as everywhere?")
    print("no" if apart else "yes")
    return 1 if apart else 0


if __name__ == "__main__":
    sys.exit(main())
