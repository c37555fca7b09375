"""What control groups grant: the default number of threads, and memory."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import mundur as md
import pytest


def run_in(group: Path, code: str) -> str:
    """What code prints in a process of the group."""
    enter = f"open({str(group / 'cgroup.procs')!r}, 'w').write('0')"
    environment = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    result = subprocess.run(
        [sys.executable, "-c", f"{enter}\n{code}"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


@pytest.fixture
def group(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A control group of version 1 below this process's own, with another one within it."""
    controller: str = request.param
    root = Path("/sys/fs/cgroup", controller)
    lines = Path("/proc/self/cgroup").read_text(encoding="utf-8") if root.is_dir() else ""
    parts = [line.split(":", 2) for line in lines.splitlines()]
    own = next((path for _, names, path in parts if controller in names.split(",")), "/")
    outer = root / own.lstrip("/") / f"mundur-{os.getpid()}"
    try:
        (outer / "inner").mkdir(parents=True)
    except OSError as error:
        pytest.skip(f"needs the right to make a control group of version 1: {error}")
    yield outer
    (outer / "inner").rmdir()
    outer.rmdir()


@pytest.mark.parametrize("group", ["cpu"], indirect=True)
@pytest.mark.parametrize("where", [".", "inner"])
def test_the_default_number_of_threads_keeps_within_a_quota(group: Path, where: str) -> None:
    if md.get_num_threads() < 2:
        pytest.skip("needs two threads")
    (group / "cpu.cfs_period_us").write_text("100000", encoding="ascii")
    (group / "cpu.cfs_quota_us").write_text("150000", encoding="ascii")
    assert run_in(group / where, "import mundur as md; print(md.get_num_threads())") == "1"


@pytest.mark.parametrize("group", ["memory"], indirect=True)
def test_memory_keeps_within_a_limit_that_files_do_not_use_up(group: Path, tmp_path: Path) -> None:
    (group / "memory.limit_in_bytes").write_text(str(400 << 20), encoding="ascii")
    path = tmp_path / "pages"
    code = f"""
import os, time
from mundur import _core
first = _core.available_memory() >> 20
with open({str(path)!r}, "wb") as file:
    file.write(bytes(200 << 20))
    file.flush()
    os.fsync(file.fileno())
# The system sums up what a group's pages are every other second, or later under load.
end = time.monotonic() + 20
while first - (_core.available_memory() >> 20) >= 50 and time.monotonic() < end:
    time.sleep(0.1)
print(first)
print(_core.available_memory() >> 20)
held = bytearray(b"x") * (100 << 20)
print(_core.available_memory() >> 20)
"""
    first, with_file, holding = map(int, run_in(group / "inner", code).split())
    assert 100 < first < 400
    assert abs(first - with_file) < 50
    assert 90 < with_file - holding < 130
