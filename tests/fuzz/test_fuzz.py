"""Random models and trainings against laws: some hundred cases, with --full three times as many.

`MUNDUR_FUZZ_SECONDS=3600` runs on for that long, with new seeds each time, or from
`MUNDUR_FUZZ_SEED` on. A case that fails is made small and printed as a script.
"""

from __future__ import annotations

import os
import random

import pytest

from fuzz_build import Refused, first_run
from fuzz_case import Case
from fuzz_draw import draw
from fuzz_laws import LAWS
from fuzz_run import soak
from fuzz_shrink import failure, script, shrunk

CASES = 7  # of each law, each with seeds of its own
# Dear laws, and those that leave many cases alone, at once.
OF_A_LAW = {"predictions": 4, "everywhere": 10, "weightless": 20, "whole_mask": 20}
OF_A_LAW |= {"padding": 150, "nan_padding": 150}
SECONDS = float(os.environ.get("MUNDUR_FUZZ_SECONDS", 0))


@pytest.mark.parametrize("law", LAWS)
def test_a_law_holds(law: str, full: bool) -> None:
    first = 1000 * list(LAWS).index(law)
    for seed in range(first, first + OF_A_LAW.get(law, CASES) * (3 if full else 1)):
        case = draw(seed)
        if failure(law, case) is not None:
            pytest.fail(script(law, shrunk(law, case)), pytrace=False)


def test_few_cases_are_refused(full: bool) -> None:
    """Else the laws would hold for want of cases."""
    refused, cases = 0, 100 if full else 40
    for seed in range(cases):
        try:
            first_run(draw(seed))
        except Refused:
            refused += 1
    assert refused <= cases / 10


def test_a_case_prints_as_what_makes_it_again() -> None:
    for seed in range(20):
        case = draw(seed)
        assert eval(case.text(), {"Case": Case}) == case


def test_a_failing_case_is_made_small(monkeypatch: pytest.MonkeyPatch) -> None:
    def law(case: Case) -> None:
        """No recurrent layers."""
        assert "GRU" not in repr(case.layers)

    monkeypatch.setitem(LAWS, "law", law)
    case = next(case for seed in range(500) if failure("law", case := draw(seed)))
    small = shrunk("law", case)
    assert "GRU" in repr(small.layers)
    assert len(small.text().splitlines()) <= 6
    assert "No recurrent layers" in script("law", small)


@pytest.mark.timeout(SECONDS + 1800)
@pytest.mark.skipif(not SECONDS, reason="set MUNDUR_FUZZ_SECONDS to go on for so long")
def test_random_models_for_long(capsys: pytest.CaptureFixture[str]) -> None:
    first = int(os.environ.get("MUNDUR_FUZZ_SEED", random.SystemRandom().randrange(10**9)))
    counts, faults = soak(first, SECONDS)
    with capsys.disabled():
        print(f"\nMUNDUR_FUZZ_SEED={first}: {dict(counts)}")
    assert not faults, "\n\n".join(faults)
