"""What several test files share."""

from __future__ import annotations

import workers

# isort: split

import faulthandler
import gc
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mundur as md
import numpy as np
import pytest
from mundur import _core

from cells import EVERY, few, one_of, place
from waiting import wait_for

# ---- how much is run -----------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    told = "slow tests too, more random cases, every instruction set with every number of threads"
    parser.addoption("--full", action="store_true", help=told)
    parser.addoption("--rest", action="store_true", help="of --full what it has beyond other runs")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    named = "slow" in config.option.markexpr or any("::" in one for one in config.args)
    if config.getoption("rest"):
        chosen = [one for one in items if is_slow(one) or "full" in one.fixturenames]
    elif config.getoption("full") or named:
        return
    else:
        chosen = [one for one in items if not is_slow(one)]
    kept = set(chosen)
    config.hook.pytest_deselected(items=[one for one in items if one not in kept])
    items[:] = chosen


def is_slow(item: pytest.Item) -> bool:
    share = item.get_closest_marker("share")
    left_out = share is not None and not one_of(share.args[0], item.name)
    return left_out or item.get_closest_marker("slow") is not None


pytest_make_collect_report = workers.pytest_make_collect_report

# ---- limits ------------------------------------------------------------------------------------
# pytest-timeout ends a test; what hangs while tests are collected, or when the interpreter waits
# for a thread that a test left behind, ends here.


def end_later(config: pytest.Config) -> None:
    """Ends this process with everyone's stack once the limit of a test has passed."""
    seconds = float(config.getini("timeout"))
    if seconds <= 0:
        return
    # Not where pytest has what is said captured: it would be lost with the process.
    with config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        where = os.dup(2)
    faulthandler.dump_traceback_later(seconds, exit=True, file=where)


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Iterator[None]:
    end_later(session.config)
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    end_later(session.config)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Thousands of tests and what they import stay: the collector need not go through them."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


# ---- fixtures -----------------------------------------------------------------------------------


@pytest.fixture(autouse=True, scope="session")
def _native_code_under_test() -> None:
    """Teams as large as told, however small the step; what native code must fill is NaN before."""
    _core.set_adaptive(False)
    _core.set_poison(True)


@pytest.fixture(autouse=True)
def _figures_end_with_their_test() -> Iterator[None]:
    """What is drawn and not closed would stay, and many of them be warned of."""
    yield
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close("all")


@pytest.fixture(scope="session")
def full(request: pytest.FixtureRequest) -> bool:
    """Whether nothing is left out, however long it takes."""
    return bool(request.config.getoption("full") or request.config.getoption("rest"))


@pytest.fixture
def same_everywhere(
    full: bool, request: pytest.FixtureRequest
) -> Callable[[Callable[[], Any]], None]:
    """Asserts that a function returns the same in a few cells as in the baseline, or in all."""
    cells = EVERY if full else few(request.node.name)

    def check(results: Callable[[], Any]) -> None:
        with place("generic", 1):
            expected = results()
        for isa, threads in cells:
            with place(isa, threads):
                assert results() == expected, f"{isa}, {threads} threads"

    return check


@pytest.fixture
def devices(request: pytest.FixtureRequest, full: bool) -> list[str]:
    """Those of `device="cuda"` that a test goes over."""
    from gpus import devices_of  # it opens the library for GPUs, where one is named

    return devices_of(request.node.name, full)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data: MUNDUR_SHARED_DATA, else ../shared/data beside the repository."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("MUNDUR_SHARED_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"no shared data in {folder} (set MUNDUR_SHARED_DATA)")
    return folder


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20_240_229)


@pytest.fixture
def blobs(rng: np.random.Generator) -> tuple[Any, Any]:
    """300 samples of three classes that a small network tells apart."""
    y = np.arange(300) % 3
    x = rng.normal(size=(300, 4)).astype(np.float32)
    x[np.arange(300), y] += 3
    return x, y


@pytest.fixture
def ctrl_c() -> Iterator[Callable[..., None]]:
    """Sends SIGINT, at once or later, as a KeyboardInterrupt.

    Also in a process that ignores it, as background jobs do, or blocks it, as supervisors may.
    """
    timers: list[threading.Timer] = []

    def send(after: float = 0) -> None:
        if not after:
            signal.raise_signal(signal.SIGINT)
        else:
            timers.append(threading.Timer(after, os.kill, (os.getpid(), signal.SIGINT)))
            timers[-1].start()

    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    mask = signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    yield send
    # One that comes later would meet the handler before.
    for timer in timers:
        timer.cancel()
    wait_for(*timers)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    signal.signal(signal.SIGINT, handler)


Maker = Callable[..., md.Model]


@pytest.fixture
def classifier() -> Maker:
    """A compiled model for `blobs`; keywords go to Model, optimizer= and metrics= to compile."""

    def make(
        optimizer: Any = None, metrics: Any = ("accuracy",), dropout: float = 0.0, **options: Any
    ) -> md.Model:
        model = md.Model(
            [md.layers.Dense(8, "tanh"), md.layers.Dropout(dropout), md.layers.Dense(3)],
            **({"seed": 7} | options),
        )
        loss = md.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(optimizer or md.optimizers.Adam(1e-2), loss, metrics=list(metrics))
        return model

    return make


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The system's Chromium, driven by Playwright: one for all tests of a process."""
    playwright = pytest.importorskip("playwright.sync_api", reason="install the extra 'browser'")
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("there is no chromium on the path")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def two_threads() -> Iterator[None]:
    """As on two cores, wherever the tests run."""
    _core.set_num_threads(2)
    yield
    _core.set_num_threads(0)
