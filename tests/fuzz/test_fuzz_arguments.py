"""Odd arguments for all that is public: it works, or says which argument was expected to be what.

The default is every 15th call of the table of single arguments, with --full every fifth, and some
of several at once; MUNDUR_FUZZ_SECONDS=600 makes all of the table, and draws several for so long. A
call that fails is printed, and ``fuzz_arguments.fault`` repeats it.
"""

from __future__ import annotations

import os
import random
import time
import warnings
from collections.abc import Iterator

import numpy as np
import pytest

from fuzz_arguments import ODD, Callee, arguments, callees, fault

SECONDS = float(os.environ.get("MUNDUR_FUZZ_SECONDS", 0))
EVERY, SEVERAL = 15, 400


@pytest.fixture(scope="module")
def public() -> list[Callee]:
    return callees()


def table(public: list[Callee]) -> Iterator[tuple[Callee, dict[str, str]]]:
    for one in public:
        for name in one.parameters:
            yield from ((one, {name: text}) for text in ODD)


def faults(calls: list[tuple[Callee, dict[str, str]]], capsys: pytest.CaptureFixture[str]) -> str:
    found = [said for one, odd in calls if (said := fault(one, odd))]
    noise = capsys.readouterr().err
    return "\n".join(found) + noise


def drawn(public: list[Callee], seed: int) -> tuple[Callee, dict[str, str]]:
    rng = random.Random(seed)
    one = rng.choice([callee for callee in public if callee.parameters])
    names = rng.sample(one.parameters, rng.randint(1, min(4, len(one.parameters))))
    return one, {name: rng.choice([*ODD]) for name in names}


def test_the_table_holds_all_that_is_public(public: list[Callee]) -> None:
    assert len(public) > 150
    assert sum(1 for _ in table(public)) > 15_000


def test_what_suits_is_taken(public: list[Callee], capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        for one in public:
            one.make()(**arguments(one))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("part", range(4))
def test_single_arguments(
    part: int, full: bool, public: list[Callee], capsys: pytest.CaptureFixture[str]
) -> None:
    every = EVERY // 3 if full else EVERY
    calls = [call for i, call in enumerate(table(public)) if i % (4 * every) == part * every]
    assert faults(calls, capsys) == ""


def test_several_at_once(public: list[Callee], capsys: pytest.CaptureFixture[str]) -> None:
    assert faults([drawn(public, seed) for seed in range(SEVERAL)], capsys) == ""


@pytest.mark.timeout(SECONDS + 600)
@pytest.mark.skipif(not SECONDS, reason="set MUNDUR_FUZZ_SECONDS to go on for so long")
def test_odd_arguments_for_long(public: list[Callee], capsys: pytest.CaptureFixture[str]) -> None:
    end = time.monotonic() + SECONDS
    said = faults([*table(public)], capsys)
    first = seed = random.SystemRandom().randrange(10**12)
    while time.monotonic() < end and len(said) < 10_000:
        said += faults([drawn(public, seed + i) for i in range(100)], capsys)
        seed += 100
    with capsys.disabled():
        print(f"\n{seed - first} calls with several odd arguments from seed {first}")
    assert said == ""


@pytest.mark.slow
def test_these_tests_can_fail() -> None:
    def takes(size: object) -> None:
        if size == -1:
            raise ValueError("wrong")
        if isinstance(size, np.ndarray):
            _ = bool(size)
        if isinstance(size, str):
            raise ZeroDivisionError
        if size is None:
            while True:
                pass

    one = Callee("takes", lambda: takes, ("size",), ())
    assert "does not name" in fault(one, {"size": "-1"})
    assert "a raw message" in fault(one, {"size": "np.ones((2, 3, 4))"})
    assert "ZeroDivisionError" in fault(one, {"size": "'no'"})
    assert "took more than" in fault(one, {"size": "None"})
    assert fault(one, {"size": "2**63"}) == ""
