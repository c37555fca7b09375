"""Gives each process of `pytest -n` cores of its own: teams that share one wait for each other.

Imported before mundur, since OpenMP looks but once, as it is loaded, on how many cores it runs.
"""

from __future__ import annotations

import os

if "PYTEST_XDIST_WORKER" in os.environ:
    index = int(os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw"))
    count = int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[index % len(cores) :: count])
