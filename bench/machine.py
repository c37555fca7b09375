"""What a measurement must say about where and when it was made."""

from __future__ import annotations

import datetime
import os
import platform
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]

# The instruction sets that matter for a matrix product.
_FLAGS = (
    *("avx", "avx2", "fma", "f16c"),
    *("avx512f", "avx512dq", "avx512bw", "avx512vl", "avx512_vnni", "avx512_bf16", "amx_tile"),
    *("asimd", "sve"),
)


class Elapsed(NamedTuple):
    """Seconds on the wall, and of processor time: this process's, and others' on the same cores."""

    seconds: float
    own: float
    others: float


class Watch:
    """Runs from its making on. Where others take much, a measurement is none."""

    def __init__(self) -> None:
        self._all = _busy_seconds()
        self._own = time.process_time()
        self._start = time.perf_counter()

    def read(self) -> Elapsed:
        seconds = time.perf_counter() - self._start
        own = time.process_time() - self._own
        return Elapsed(seconds, own, max(0.0, _busy_seconds() - self._all - own))


def processor_seconds(process: int | None) -> float:
    """What all threads of a process have taken so far."""
    text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    user, system = text.rpartition(")")[2].split()[11:13]  # its name, in brackets, may hold spaces
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _busy_seconds() -> float:
    """What all processes, interrupts and the hypervisor have taken of this process's cores."""
    mine = {f"cpu{core}" for core in os.sched_getaffinity(0)}
    ticks = 0
    for line in Path("/proc/stat").read_text(encoding="ascii").splitlines():
        name, *fields = line.split()
        if name in mine:
            user, nice, system, _, _, irq, softirq, steal = map(int, fields[:8])
            ticks += user + nice + system + irq + softirq + steal
    return ticks / os.sysconf("SC_CLK_TCK")


def describe() -> dict[str, Any]:
    """The processor, the system and the date. No path and no host name."""
    cpu = _cpuinfo()
    return {
        "cpu": cpu.get("model name", platform.processor() or platform.machine()),
        "family": cpu.get("cpu family", ""),
        "model": cpu.get("model", ""),
        "cores": cores(),
        "caches": _caches(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "flags": [f for f in _FLAGS if f in cpu.get("flags", cpu.get("Features", "")).split()],
        "system": f"{platform.system()} {platform.release()}",
        "libc": " ".join(platform.libc_ver()),
        "python": platform.python_version(),
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"),
        "commit": _commit(),
    }


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0))


def slug(machine: dict[str, Any]) -> str:
    """A name for this kind of machine that a file can carry."""
    if "gpu" in machine:
        return re.sub(r"[^a-z0-9]+", "-", machine["gpu"].lower()).strip("-")
    text = f"{machine['cpu']} f{machine['family']}m{machine['model']} {machine['cores']}cores"
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def title(machine: dict[str, Any]) -> str:
    """One line for people."""
    flags = machine["flags"]
    widest = next((isa for isa in ("avx512f", "avx2", "asimd") if isa in flags), "baseline")
    name = {"avx512f": "AVX-512", "avx2": "AVX2", "asimd": "NEON"}.get(widest, widest)
    family = f" (family {machine['family']}, model {machine['model']})" if machine["family"] else ""
    gpu = f"{machine['gpu']}; beside it " if "gpu" in machine else ""
    return f"{gpu}{machine['cpu']}{family}, {machine['cores']} cores, {name}"


def _cpuinfo() -> dict[str, str]:
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n\n")[0]
    pairs = (line.partition(":") for line in text.splitlines() if ":" in line)
    return {key.strip(): value.strip() for key, _, value in pairs}


def _caches() -> dict[str, str]:
    caches = {}
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = (
            (index / name).read_text(encoding="utf-8").strip() for name in ("level", "type", "size")
        )
        if kind != "Instruction":
            caches[f"L{level}"] = size
    return caches


def _commit() -> str:
    if shutil.which("git") is None:
        return "unknown"
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
