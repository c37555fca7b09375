"""Whether nvcc makes of the GPU's kernels what keeps the bits: python .ci/ptx.py [SOURCE...]

Builds each source of cpp/cuda/library to PTX and reads it: arithmetic that rounds to nearest, in no
approximation, with subnormal numbers; no sums in memory, whose order nobody knows; no minimum or
maximum that drops a NaN. And products and time steps to machine code, which spills nothing.
"""

from __future__ import annotations

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

CPP = Path(__file__).resolve().parent.parent / "cpp"
LIBRARY = CPP / "cuda" / "library"
WITHOUT_SPILLS = ("products.cpp", "convolutions.cpp", "recurrent.cpp")  # whose loops are products
NVCC = [
    *("nvcc", "-x", "cu", "-std=c++20", "-O3", "-fmad=false", "--expt-relaxed-constexpr"),
    *("-I", str(CPP), "-I", str(CPP / "include")),
    *("-DMUNDUR_ISA=lane", "-DMUNDUR_ISA_lane=1", '-DMUNDUR_VERSION="ptx"'),
]

ARITHMETIC = re.compile(r"^\s*(?:@%\w+ )?(add|sub|mul|fma|mad|div|sqrt|rcp)\.(\S*f(?:32|64)\S*)")
FORBIDDEN = re.compile(
    r"\.approx|\.ftz|\.full|"
    r"\b(?:ex2|lg2|sin|cos|tanh|rsqrt)\.|"
    r"\b(?:atom|red)\.\S*f(?:16|32|64)|"
    r"\b(?:min|max)\.\S*f(?:32|64)"
)


def faults(ptx: str) -> list[str]:
    found = []
    for number, line in enumerate(ptx.splitlines(), 1):
        if line.lstrip().startswith(("//", ".file", ".loc", ".ident")):
            continue
        arithmetic = ARITHMETIC.match(line)
        if (arithmetic and "rn" not in arithmetic[2].split(".")) or FORBIDDEN.search(line):
            found.append(f"{number}: {line.strip()}")
    return found


def built(source: Path, *more: str) -> subprocess.CompletedProcess[str]:
    run = subprocess.run([*NVCC, *more, str(source)], capture_output=True, text=True)
    if run.returncode:
        sys.exit(f"{source.name}: {run.stderr}")
    return run


def checked(source: Path) -> list[str]:
    ptx = built(source, "-ptx", "-arch=compute_80", "-o", "-").stdout
    if ".visible .entry" not in ptx and ".entry" not in ptx:
        return [] if source.name == "device.cpp" else ["has no kernels"]
    return faults(ptx)


def main(named: list[str]) -> int:
    sources = [Path(name) for name in named] or sorted(LIBRARY.glob("*.cpp"))
    sources = [source for source in sources if source.name != "host.cpp"]
    status = 0
    with ThreadPoolExecutor(2) as pool:
        for source, found in zip(sources, pool.map(checked, sources), strict=True):
            print(f"{source.name}: {'; '.join(found[:5]) or 'rounds as the CPU does'}")
            status |= bool(found)
    for name in WITHOUT_SPILLS:
        report = built(LIBRARY / name, "-cubin", "-arch=sm_80", "-Xptxas=-v", "-o", "/dev/null")
        spilt = sum(map(int, re.findall(r"(\d+) bytes spill (?:stores|loads)", report.stderr)))
        registers = re.findall(r"Used (\d+) registers", report.stderr)
        print(f"{name}: {', '.join(registers)} registers, {spilt} bytes spilt")
        status |= spilt > 0
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
