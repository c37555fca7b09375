"""Fails where the linked extension module mixes the builds of its instruction sets.

python check_module.py NM OBJDUMP MODULE     the module with its symbols, as the build leaves it

1. It exports its init function alone: nothing weak, nothing unique (GNU_UNIQUE), no template of
   libstdc++ that another module could share.
2. No symbol of an instruction set's namespace is anything but local.
3. Code outside of the wide namespaces holds no AVX instruction, AVX2's none of AVX-512, AVX-512's
   none of AVX512_BF16: whatever the linker merged, a lesser CPU never meets them. Only on x86; NEON
   is in every aarch64. But the generic fma_of_cpu is the one instruction, for CPUs that have it.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator

FUNCTION = re.compile(r"^[0-9a-f]+ <(.*)>:$")
INSTRUCTION = re.compile(r"^ *[0-9a-f]+:\t(?:(?:bnd|lock|rep\w*|notrack|data16) +)*(\w+)(.*)")
# VEX and EVEX mnemonics begin with v, those of mask registers with k; nothing else of x86-64 does.
AVX = re.compile(r"[vk]")
# Not in every CPU with AVX-512.
BF16 = re.compile(r"v(dpbf16|cvtn)")
# What asks for the CPU first.
ASKED = re.compile(r"mundur::generic::\(anonymous namespace\)::fma_of_cpu\(")
AVX512_OPERANDS = re.compile(r"%zmm|%k[0-7]|%[xy]mm(1[6-9]|2\d|3[01])")


def output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=100).stdout


def namespace(symbol: str) -> str | None:
    match = re.search(r"mundur::(generic|avx2|avx512|avx512bf16|amx|neon)::", symbol)
    return match[1] if match else None


def check_symbols(nm: str, module: str) -> Iterator[str]:
    exported = [
        line.split(" ", 1)[1] for line in output(nm, "-DC", "--defined-only", module).splitlines()
    ]
    if exported != ["T PyInit__core"]:
        yield from (f"exported: {symbol}" for symbol in exported if symbol != "T PyInit__core")
        if "T PyInit__core" not in exported:
            yield "PyInit__core is not exported"
    seen: Counter[str] = Counter()
    for line in output(nm, "-C", "--defined-only", module).splitlines():
        kind, _, symbol = line.partition(" ")[2].partition(" ")
        isa = namespace(symbol)
        if isa is None:
            continue
        seen[isa] += 1
        if kind not in "tdrb":
            yield f"not local: {kind} {symbol}"
    if "generic" not in seen:
        yield "no symbols of the kernels: is the module stripped?"
    print("local symbols:", dict(seen))


def check_instructions(objdump: str, module: str) -> Iterator[str]:
    wide: Counter[str] = Counter()
    name, isa, told = "", None, True
    for line in output(objdump, "-dC", "--no-show-raw-insn", module).splitlines():
        if match := FUNCTION.match(line):
            name, isa, told = match[1], namespace(match[1]), False
            continue
        match = INSTRUCTION.match(line)
        if not match or not AVX.match(match[1]):
            continue
        fault = isa not in ("avx2", "avx512", "avx512bf16", "amx")
        if isa == "generic" and ASKED.match(name):
            fault = not match[1].startswith("vfmadd")
        if isa == "avx2":
            fault = match[1][0] == "k" or bool(AVX512_OPERANDS.search(match[2]))
        if isa == "avx512":
            fault = bool(BF16.match(match[1]))
        if fault and not told:
            told = True
            yield f"{name}: {match[1]}{match[2]}"
        wide[isa or "baseline"] += 1
    print("AVX instructions:", dict(wide))
    for needed in ("avx2", "avx512", "avx512bf16", "amx"):
        if not wide[needed]:
            yield f"no AVX instruction in mundur::{needed}: is this check blind?"


def main(nm: str, objdump: str, module: str) -> int:
    faults = list(check_symbols(nm, module))
    if "x86-64" in output(objdump, "-f", module):
        faults += check_instructions(objdump, module)
    for fault in faults:
        print("FAULT", fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
