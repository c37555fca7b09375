"""The devices that tests of "cuda" go over: a GPU, or those of the library that emulates them.

The emulation has three whose threads and blocks come forward, reversed and shuffled, three that
leave a barrier out, the first of each block, the second or the third, and one that leaves out
barriers of the whole grid.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from mundur import _core

LIBRARY = os.environ.get("MUNDUR_CUDA_LIBRARY", "")
EMULATES = bool(LIBRARY) and _core.open_cuda(LIBRARY, 0).is_emulation
DEVICES = ["cuda:0", "cuda:1", "cuda:2"] if EMULATES else ["cuda"]
WITHOUT_A_BARRIER = "cuda:3"
WITHOUT_BARRIERS = [WITHOUT_A_BARRIER, "cuda:4", "cuda:5"]
WITHOUT_A_GRID_BARRIER = "cuda:6"

NO_LIBRARY = "no library for GPUs: build with -DMUNDUR_CUDA=HOST, name it in MUNDUR_CUDA_LIBRARY"
needs_library = pytest.mark.skipif(not LIBRARY, reason=NO_LIBRARY)
needs_emulation = pytest.mark.skipif(not EMULATES, reason="of the emulation alone")


def devices_of(row: str, full: bool) -> list[str]:
    """Those of a row that a run tries: one, by a hash of its name; or all."""
    return DEVICES if full else [DEVICES[zlib.crc32(row.encode()) % len(DEVICES)]]


def same_on(devices: list[str], run: Callable[[str], Any]) -> None:
    """Holds what a run returns on each of them against what it returns on the CPU."""
    expected = run("cpu")
    for device in devices:
        assert run(device) == expected, device
