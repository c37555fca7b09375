"""Whether this machine trains the bits that every other machine trains.

    python -m mundur.selftest

Trains small networks, every layer, activation, loss and optimizer among them, in float32, in
float64 and with products in either kind of bfloat16, with each instruction set that this CPU has
and with one and several threads. After every step it hashes what was computed (SHA-256 of the
bytes, all NaNs alike) and compares with the hashes in ``hashes.json``, which came with the package.
It prints a table, the first step that differs wherever one does, and in the last line ``yes`` or
``no``; the exit status is 0 or 1. ``--device cuda`` computes them on a GPU instead, and names the
networks that do not run there yet.

A change of what is computed needs new hashes. They are taken from the generic code on one thread,
and kept only if every other instruction set and number of threads here agrees::

    python -m mundur.selftest --write --table python/mundur/selftest/hashes.json
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from .. import _core, runtime
from .._support.dtypes import ROUNDED
from .case import Case
from .networks import CASES
from .steps import STEPS, hashes

__all__ = ["CASES", "STEPS", "TABLE", "Case", "Result", "hashes", "run", "run_on"]

TABLE = Path(__file__).with_name("hashes.json")
DTYPES = ("float32", "float64", *ROUNDED)  # the last: of products, on float32


class Result(NamedTuple):
    """One network's steps under one instruction set and number of threads."""

    what: str  # "images float32", ...
    isa: str
    threads: int
    found: dict[str, str]
    differs: list[str]  # steps whose hash is not the stored one, in order
    lacks: str = ""  # why a device does not run it

    def __str__(self) -> str:
        if self.lacks:
            return f"{self.what}, {self.isa}: {self.lacks}"
        threads = f"{self.threads} thread" + "s" * (self.threads > 1)
        return f"{self.what}, {self.isa}, {threads}: {', '.join(self.differs) or 'equal'}"


def _default_threads() -> list[int]:
    """One, two, more than most small machines have, and the default."""
    with runtime.threads(0):
        return sorted({1, 2, 5, runtime.get_num_threads()})


@contextmanager
def _under(isa: str, threads: int) -> Iterator[None]:
    """An instruction set, and teams that are as large as told."""
    before, adaptive = runtime.isa(), _core.adaptive()
    runtime.set_isa(isa)
    _core.set_adaptive(False)
    try:
        with runtime.threads(threads):
            yield
    finally:
        runtime.set_isa(before)
        _core.set_adaptive(adaptive)


def run(
    stored: Mapping[str, Mapping[str, str]],
    cases: Iterable[Case | None] = (None, *CASES),
    isas: Sequence[str] | None = None,
    threads: Sequence[int] | None = None,
) -> Iterator[Result]:
    """Computes every step under every instruction set and number of threads; compares the hashes.

    Parameters
    ----------
    stored : mapping
        Hashes by step, by network and dtype ("images float32"); what it lacks differs.
    cases : iterable of Case, optional
        Default all, after None: the functions and the random numbers.
    isas : sequence of str, optional
        Default every instruction set that build and CPU share.
    threads : sequence of int, optional
        Default 1, 2, 5 and `get_num_threads`.

    Yields
    ------
    Result

    Examples
    --------
    >>> import json
    >>> from mundur import selftest
    >>> stored = json.loads(selftest.TABLE.read_text())
    >>> for result in selftest.run(stored, [None], isas=["generic"], threads=[1]):
    ...     print(result)
    functions float32, generic, 1 thread: equal
    functions float64, generic, 1 thread: equal
    """
    for case in cases:
        for dtype in DTYPES if case else DTYPES[:2]:
            what = f"{case.name if case else 'functions'} {dtype}"
            expected = stored.get(what, {})
            for isa in isas or _core.available_isas():
                for count in threads or _default_threads():
                    with _under(isa, count):
                        found = hashes(case, dtype)
                    yield Result(what, isa, count, found, _differing(found, expected))


def _differing(found: Mapping[str, str], expected: Mapping[str, str]) -> list[str]:
    steps = [step for step in STEPS if step in found.keys() | expected.keys()]
    return [step for step in steps if found.get(step) != expected.get(step)]


def run_on(
    device: str, stored: Mapping[str, Mapping[str, str]], cases: Iterable[Case] = CASES
) -> Iterator[Result]:
    """The same of networks on a device, in float32 and float64.

    Parameters
    ----------
    device : str
        As `Model` takes it: "cuda".
    stored : mapping
        As `run` takes it.
    cases : iterable of Case, optional
        Default all.

    Yields
    ------
    Result
        The device stands in the place of the instruction set; a network that does not run there has
        no hashes, and `lacks` says why.

    Examples
    --------
    >>> from mundur import selftest
    >>> [str(result) for result in selftest.run_on("cpu", {}, selftest.CASES[:1])][0].split(":")[0]
    'images float32, cpu, 1 thread'
    """
    for case in cases:
        for dtype in DTYPES[:2]:
            what = f"{case.name} {dtype}"
            try:
                found = hashes(case, dtype, device)
            except NotImplementedError as error:
                yield Result(what, device, 1, {}, [], str(error))
                continue
            yield Result(what, device, 1, found, _differing(found, stored.get(what, {})))
