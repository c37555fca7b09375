"""The cells of a test of bits: each instruction set with each of some numbers of threads."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from mundur import _core

Cell = tuple[str, int]

EVERY: list[Cell] = [(isa, n) for isa in _core.available_isas() for n in (1, 2, 3, 5, 8)]
FEW = 2


def few(row: str) -> list[Cell]:
    """Those of a row that each run tries: by a hash of its name, so always the same."""
    return sorted(EVERY, key=lambda cell: zlib.crc32(f"{row} {cell}".encode()))[:FEW]


@contextmanager
def place(isa: str, threads: int) -> Iterator[None]:
    """An instruction set and a number of threads, for a while."""
    before = _core.current_isa()
    _core.set_isa(isa)
    _core.set_num_threads(threads)
    try:
        yield
    finally:
        _core.set_isa(before)
        _core.set_num_threads(0)


def mostly_slow(values: Iterable[Any], daily: Collection[Any]) -> list[Any]:
    """As parameters of a test: all but those few wait for --full."""
    return [one if one in daily else pytest.param(one, marks=pytest.mark.slow) for one in values]


def one_of(many: int, name: str) -> bool:
    """Whether each run tries it: one of so many alike, by a hash of its name; the others wait."""
    return zlib.crc32(name.encode()) % many == 0


def one_of_a_kind_and_some(cases: Collection[Any], kind: str) -> list[Any]:
    """As parameters of a test: the last case of each kind, one of three others; the rest waits."""
    last = {getattr(case, kind): case for case in cases}
    return [
        pytest.param(
            case,
            id=case.id,
            marks=()
            if case is last[getattr(case, kind)] or one_of(3, case.id)
            else pytest.mark.slow,
        )
        for case in cases
    ]
