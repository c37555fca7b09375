"""Files with something wrong in them: read as a whole model, or refused in a sentence.

Some dozens of cases by default, some hundreds with --full. MUNDUR_FUZZ_SECONDS=600 goes on for so
long, in processes of their own, with seeds that differ from run to run; a seed that fails is said,
and ``python tests/fuzz/fuzz_files_cases.py SEED 1 FOLDER`` repeats it.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

import fuzz_files_cases

SECONDS = float(os.environ.get("MUNDUR_FUZZ_SECONDS", 0))
CASES, LANES = 80, 4
BATCH, LIMIT = 500, 120  # seconds; a batch takes about five


@pytest.mark.parametrize("lane", range(LANES))
def test_mutated_files(lane: int, full: bool, tmp_path: Path) -> None:
    each = CASES // LANES * (3 if full else 1)
    faults = fuzz_files_cases.run(range(lane * each, (lane + 1) * each), str(tmp_path))
    assert not faults, "\n\n".join(faults)


def test_sound_files_are_read(tmp_path: Path) -> None:
    for name in fuzz_files_cases.SOURCES:
        fuzz_files_cases.check(fuzz_files_cases.source(name), str(tmp_path / f"{name}.st"))


def batch(first: int, folder: str) -> list[str]:
    """What was wrong in a process of its own; a crash or a hang names its seed, too."""
    command = [sys.executable, fuzz_files_cases.__file__, str(first), str(BATCH), folder]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT)
        lines, ended = done.stdout.splitlines(), f"ended with {done.returncode}: {done.stderr}"
        well = done.returncode == 0
    except subprocess.TimeoutExpired as error:
        lines, ended = (error.stdout or b"").decode().splitlines(), f"took more than {LIMIT} s"
        well = False
    seeds = [line for line in lines if line.isdigit()]
    faults = [line for line in lines if not line.isdigit()]
    return faults if well else [*faults, f"seed {seeds[-1] if seeds else first} {ended}"]


@pytest.mark.timeout(SECONDS + 600)
@pytest.mark.skipif(not SECONDS, reason="set MUNDUR_FUZZ_SECONDS to go on for so long")
def test_mutated_files_for_long(tmp_path: Path) -> None:
    end = time.monotonic() + SECONDS
    first, cases, faults = random.SystemRandom().randrange(10**12), 0, []
    while time.monotonic() < end and len(faults) < 20:
        faults += batch(first + cases, str(tmp_path))
        cases += BATCH
    print(f"{cases} mutated files from seed {first}")
    assert not faults, f"{cases} cases from seed {first}\n" + "\n\n".join(faults)
