"""The default number of threads keeps within the quota of a control group."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import mundur as md
import pytest

ROOT = Path("/sys/fs/cgroup/cpu")


@pytest.fixture
def group() -> Iterator[Path]:
    """A control group of version 1 within this process's own, two levels below."""
    lines = Path("/proc/self/cgroup").read_text(encoding="utf-8") if ROOT.is_dir() else ""
    own = [line.split(":", 2)[2] for line in lines.splitlines() if "cpu" in _names(line)]
    outer = ROOT / own[0].lstrip("/") / f"mundur-{os.getpid()}" if own else ROOT
    try:
        (outer / "inner").mkdir(parents=True)
    except OSError as error:
        pytest.skip(f"needs the right to make a control group of version 1: {error}")
    yield outer
    (outer / "inner").rmdir()
    outer.rmdir()


def _names(line: str) -> list[str]:
    return line.split(":", 2)[1].split(",")


@pytest.mark.parametrize("where", [".", "inner"])
def test_the_default_keeps_within_a_quota(group: Path, where: str) -> None:
    if md.get_num_threads() < 2:
        pytest.skip("needs two threads")
    (group / "cpu.cfs_period_us").write_text("100000", encoding="ascii")
    (group / "cpu.cfs_quota_us").write_text("150000", encoding="ascii")
    enter = f"open({str(group / where / 'cgroup.procs')!r}, 'w').write('0')"
    code = f"{enter}; import mundur as md; print(md.get_num_threads())"
    environment = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert result.stdout.strip() == "1", result.stderr
