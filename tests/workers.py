"""Gives each process of `pytest -n` cores of its own: teams that share one wait for each other.

Imported before mundur, since OpenMP looks but once, as it is loaded, on how many cores it runs.
And each compiles its share of the tests, asserts rewritten, and reads what others have compiled.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import suppress
from typing import Any

import pytest

index, count = 0, 1
if "PYTEST_XDIST_WORKER" in os.environ:
    index = int(os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw"))
    count = int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[index % len(cores) :: count])
    sys.dont_write_bytecode = False


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, Any]:
    """Imports a folder's tests, the processes one share after the other, each from its own on."""
    report = yield
    if count > 1 and isinstance(collector, pytest.Dir):
        files = [one for one in report.result if isinstance(one, pytest.Module)]
        start = len(files) * index // count
        for file in files[start:] + files[:start]:
            with suppress(Exception, pytest.skip.Exception):  # it is collected later, and tells
                _ = file.obj
    return report
