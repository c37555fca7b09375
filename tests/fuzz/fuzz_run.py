"""Case after case in a process of its own: `python fuzz_run.py FIRST COUNT`.

Each case is named before it runs, so that a crash or a hang has a name, too.
"""

from __future__ import annotations

import faulthandler
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from mundur import _core

from fuzz_draw import draw
from fuzz_laws import LAWS
from fuzz_shrink import failure, script, shrunk

HERE = Path(__file__).parent
BATCH = 50  # seeds of one process
LIMIT = 900.0  # seconds that it may take


def main(first: int, count: int) -> int:
    """The number of cases that broke a law."""
    faulthandler.enable()
    _core.set_adaptive(False)
    found: Counter[str] = Counter()
    for seed in range(first, first + count):
        case = draw(seed)
        for law in LAWS:
            print(f"seed {seed}, law {law}", flush=True)
            found["cases"] += 1
            if failure(law, case) is not None:
                found["failed"] += 1
                print(f"BROKEN LAW\n{script(law, shrunk(law, case))}", flush=True)
    print(*(f"{name} {number}" for name, number in found.items()), sep="\n")
    return found["failed"]


def soak(first: int, seconds: float) -> tuple[Counter[str], list[str]]:
    """Runs process after process; how many cases ran, and what was found."""
    end = time.monotonic() + seconds
    counts: Counter[str] = Counter()
    faults: list[str] = []
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parent), *sys.path])}
    while time.monotonic() < end:
        command = [sys.executable, str(HERE / "fuzz_run.py"), str(first), str(BATCH)]
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
        )
        try:
            said, _ = process.communicate(timeout=LIMIT)
            how = f"ended with {process.returncode}"
        except subprocess.TimeoutExpired:
            process.kill()
            said, _ = process.communicate(timeout=60)
            how = f"did not end within {LIMIT} s"
        lines = said.splitlines()
        counts["seeds"] += BATCH
        for name in ("cases", "failed"):
            counts[name] += sum(int(s.split()[1]) for s in lines if s.startswith(f"{name} "))
        faults += [part.split("\nseed ")[0] for part in said.split("BROKEN LAW\n")[1:]]
        if process.returncode not in (0, 1):
            last = [line for line in lines if line.startswith("seed ")][-1:]
            faults.append(f"# the process {how} at {last}\n" + "\n".join(lines[-25:]))
        first += BATCH
    return counts, faults


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:3])) > 0)
