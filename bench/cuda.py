"""All that asks for a GPU, in less than eight minutes on a machine with nvcc, PyTorch and JAX.

    python bench/cuda.py                    the whole of it
    python bench/cuda.py --emulation        what of it a machine without a GPU can try
    python bench/cuda.py --library FILE     a library that is built already

Builds the core, unless this Python has it, and the library for the GPU that is here; holds
networks' hashes against those that CPUs have recorded; runs the tests of "cuda" on the device, and
the self-test under compute-sanitizer's four tools; times each executor, and mundur beside the
peers. Each step says how it ended, and no step waits for one that failed but for the builds. Logs
go to a folder; the status is 0 if all went well.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MINUTES = 7.5
TOOLS = ("memcheck", "racecheck", "synccheck", "initcheck")
TESTS = [*sorted(map(str, (ROOT / "tests").glob("test_cuda_*.py"))), "tests/test_devices.py"]
EXECUTORS = ("launches", "graph", "persistent")
TIMED = ["W1", "W2", "W3", "W8"]


@dataclass
class Steps:
    """Steps of which each has so many seconds at most, and all of them what is left."""

    logs: Path
    python: str
    end: float
    environment: dict[str, str] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)

    def left(self) -> float:
        return self.end - time.monotonic()

    def run(self, name: str, command: Sequence[str], seconds: float, **more: str) -> bool:
        """Whether it went well; its last line is shown."""
        log = self.logs / f"{name.replace(' ', '-')}.log"
        seconds = min(seconds, self.left())
        begin = time.monotonic()
        said = "no time was left for it"
        good = False
        if seconds > 1:
            with log.open("w", encoding="utf-8") as file:
                try:
                    good = not subprocess.run(
                        command,
                        cwd=ROOT,
                        env=os.environ | self.environment | more,
                        stdout=file,
                        stderr=subprocess.STDOUT,
                        timeout=seconds,
                        check=False,
                    ).returncode
                    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
                    said = next((line.strip() for line in reversed(lines) if line.strip()), "")
                except (OSError, subprocess.TimeoutExpired) as error:
                    said = str(error).rpartition("] ")[2]
        took = time.monotonic() - begin
        print(f"{'yes' if good else 'NO':4}{took:6.0f} s  {name}: {said[:120]}", flush=True)
        if not good:
            self.failed.append(name)
        return good

    def skip(self, name: str, why: str) -> None:
        print(f"{'-':4}{'':8}  {name}: {why}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--emulation", action="store_true")
    parser.add_argument("--library", type=Path, help="built already")
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "cuda-report")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    steps = Steps(options.output, sys.executable, time.monotonic() + 60 * options.minutes)
    if not build(steps, options.library, options.emulation):
        return 1
    check(steps, options.emulation)
    compare(steps, options.emulation)
    print(f"failed: {', '.join(steps.failed) or 'nothing'}; logs in {options.output}")
    return bool(steps.failed)


def build(steps: Steps, library: Path | None, emulation: bool) -> bool:
    """The core and the library, side by side."""

    def core() -> bool:
        there = "import mundur, importlib.metadata as m; m.version('mundur')"
        asked = subprocess.run([sys.executable, "-c", there], capture_output=True, check=False)
        if asked.returncode == 0:
            return True
        user = [] if sys.prefix != sys.base_prefix else ["--user"]  # an environment has no users
        command = [sys.executable, "-m", "pip", "install", "-q", *user, ".[test]"]
        return steps.run("core", command, 240)

    def device() -> bool:
        tree = steps.logs / "build"
        name = "libmundur_cuda_host.so" if emulation else "libmundur_cuda.so"
        steps.environment["MUNDUR_CUDA_LIBRARY"] = str(library or tree / "cpp" / name)
        if library:
            return True
        how = ["-DMUNDUR_CUDA=HOST" if emulation else "-DMUNDUR_CUDA=ON"]
        how += [] if emulation else ["-DCMAKE_CUDA_ARCHITECTURES=native"]
        configure = ["cmake", "-S", ".", "-B", str(tree), "-DCMAKE_BUILD_TYPE=Release", *how]
        jobs = str(os.cpu_count() or 1)
        make = ["cmake", "--build", str(tree), "--target", "mundur_cuda", "-j", jobs]
        return steps.run("configure", configure, 60) and steps.run("library", make, 240)

    with ThreadPoolExecutor(2) as pool:
        return all([one.result() for one in (pool.submit(core), pool.submit(device))])


def check(steps: Steps, emulation: bool) -> None:
    """Hashes, tests, and the four tools, of which each takes long and little of the GPU."""
    selftest = [sys.executable, "-m", "mundur.selftest", "--device", "cuda"]
    steps.run("hashes", selftest, 400 if emulation else 120)
    sanitizer = shutil.which("compute-sanitizer") or "/usr/local/cuda/bin/compute-sanitizer"
    with ThreadPoolExecutor(1 + len(TOOLS)) as pool:
        pool.submit(
            steps.run, "tests", [sys.executable, "-m", "pytest", "-q", "-n", "auto", *TESTS], 180
        )
        for tool in TOOLS:
            command = [sanitizer, "--tool", tool, "--error-exitcode", "9", *selftest]
            if emulation:
                steps.skip(tool, "it watches GPUs; AddressSanitizer watches the emulation, .ci/run")
            elif not Path(sanitizer).exists():
                steps.skip(tool, "compute-sanitizer is not here")
                steps.failed.append(tool)
            else:
                pool.submit(steps.run, tool, command, 180)


def compare(steps: Steps, emulation: bool) -> None:
    """Each executor by itself, then all beside the peers, alone on the machine."""
    program = [sys.executable, "bench/compare.py", "--device", "cuda"]
    if emulation:
        own = [*program, "--emulation", "--quick", "--rounds", "1", "--peers", "mundur-gpu"]
        steps.run("comparison", [*own, "--workloads", "W3"], 120)
        return
    few = [*program, "--quick", "--peers", "mundur-gpu", "--workloads", *TIMED]
    for executor in EXECUTORS:
        steps.run(f"executor {executor}", few, 30, MUNDUR_CUDA_EXECUTOR=executor)
    output = ["--output", str(steps.logs / "comparison.json")]
    many = [*program, "--rounds", "3", "--seconds", "0.1", *output]
    steps.run("comparison", many, steps.left() - 5)


if __name__ == "__main__":
    sys.exit(main())
