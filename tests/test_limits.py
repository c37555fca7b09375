"""No test may hang: whatever waits says for how long at most."""

from __future__ import annotations

import ast
import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import mundur as md
import numpy as np
import pytest

from waiting import Child, wait_for

TESTS = Path(__file__).parent
PYPROJECT = TESTS.parent / "pyproject.toml"
RUNS = {"run", "check_call", "check_output", "call"}
# Methods that wait without end unless they are given a time; "join" and "get" also belong to texts
# and dicts, which give them arguments.
WAITS = {"wait", "communicate", "join", "get", "acquire"}


# What may be used in these files alone, which care for the end of it, or of a handler.
ONLY_IN = {
    "Popen": {"waiting.py", "fuzz/fuzz_run.py"},  # the latter only communicates, with a limit
    "waitpid": set(),
    # The fixture ctrl_c sends it, and Child.interrupt.
    "SIGINT": {"conftest.py", "test_limits.py", "waiting.py"},
    "interrupt_main": set(),
}


def is_constant(node: ast.expr, *types: type) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, types)


def is_endless(node: ast.Call) -> bool:
    """Whether this call may wait for ever, or end without a word of what it waited for."""
    assert isinstance(node.func, ast.Attribute)
    of, name = node.func.value, node.func.attr
    times = [keyword.value for keyword in node.keywords if keyword.arg == "timeout"]
    if name in {"join", "wait"}:
        times += [one for one in node.args if is_constant(one, int, float, type(None))]
    unknown = any(keyword.arg is None for keyword in node.keywords)  # **options
    is_run = isinstance(of, ast.Name) and of.id == "subprocess" and name in RUNS
    if not (is_run or name in WAITS):
        return False
    if times:  # of `join` too: it says nothing of what has not ended, as wait_for does
        return name == "join" or any(is_constant(time, type(None)) for time in times)
    return not unknown and (is_run or not (node.args or node.keywords))


def endless_waits(source: str, name: str = "") -> list[int]:
    """The lines that may wait for ever."""
    lines: list[int] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            found = name != "waiting.py" and is_endless(node)
        elif isinstance(node, ast.Attribute):
            found = name not in ONLY_IN.get(node.attr, {name})
        else:
            found = isinstance(node, ast.ImportFrom) and node.module == "subprocess"
        if found:
            lines.append(node.lineno)
    return lines


def test_whatever_waits_in_a_test_says_for_how_long() -> None:
    names = {path.relative_to(TESTS).as_posix(): path for path in sorted(TESTS.rglob("*.py"))}
    found = {name: endless_waits(path.read_text("utf-8"), name) for name, path in names.items()}
    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "line",
    [
        "subprocess.run(command, check=True)",
        "subprocess.run(command, timeout=None)",
        "from subprocess import run",
        "subprocess.Popen(command)",
        "os.waitpid(child, 0)",
        "thread.join()",
        "thread.join(timeout=60)",
        "thread.join(60)",
        "process.wait()",
        "process.wait(None)",
        "process.communicate()",
        "process.communicate(timeout=None)",
        "queue.get()",
        "lock.acquire()",
        "os.kill(os.getpid(), signal.SIGINT)",
        "_thread.interrupt_main()",
    ],
)
def test_that_test_can_fail(line: str) -> None:
    assert set(endless_waits(line)) == {1}


def test_a_child_that_says_nothing_is_killed() -> None:
    with Child("-c", "import time; time.sleep(100)", seconds=0.5) as child:
        assert child.line() == ""
    assert child.returncode == -signal.SIGKILL
    with pytest.raises(ZeroDivisionError), Child("-c", "import time; time.sleep(100)") as child:
        raise ZeroDivisionError
    assert child.returncode == -signal.SIGKILL


def test_a_thread_that_does_not_end_is_a_failure() -> None:
    event = threading.Event()
    thread = threading.Thread(target=event.wait, args=(60,))
    thread.start()
    with pytest.raises(AssertionError, match="did not end"):
        wait_for(thread, seconds=0.01)
    event.set()
    wait_for(thread)


def test_every_test_has_a_limit(pytestconfig: pytest.Config) -> None:
    assert 0 < float(pytestconfig.getini("timeout")) <= 600
    # A signal's handler waits for native code to come back; a thread ends the process.
    assert pytestconfig.getini("timeout_method") == "thread"
    assert pytestconfig.getini("faulthandler_timeout") > float(pytestconfig.getini("timeout"))


def ended(test: str, tmp_path: Path, **options: float) -> str:
    """What pytest says, with this folder's conftest and limits of seconds, until it is ended."""
    (tmp_path / "conftest.py").write_text((TESTS / "conftest.py").read_text("utf-8"), "utf-8")
    (tmp_path / "test_hangs.py").write_text(test, "utf-8")
    limits = [f"-o{name}={value}" for name, value in ({"timeout": 1} | options).items()]
    own = ["-p", "no:cacheprovider", *limits]
    command = [sys.executable, "-m", "pytest", "-c", str(PYPROJECT), *own, "test_hangs.py"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=40, cwd=tmp_path, env=environment
    )
    assert done.returncode != 0
    return done.stdout + done.stderr


# A lock taken twice: unlike a sleep, no signal ends it, nor lets a signal's handler in Python run.
HANG = """
import ctypes, threading
def hang(library):
    lock = ctypes.create_string_buffer(128)
    for _ in range(2):
        library(None).pthread_mutex_lock(lock)
"""


@pytest.mark.slow
@pytest.mark.skipif(not PYPROJECT.exists(), reason="not in the source tree")
@pytest.mark.parametrize(
    ("library", "behind"),
    [("CDLL", 600), ("PyDLL", 3)],  # the latter keeps the GIL, which faulthandler does not need
)
def test_native_code_that_hangs_is_ended(library: str, behind: int, tmp_path: Path) -> None:
    test = HANG + f"def test_hangs(): hang(ctypes.{library})\n"
    said = ended(test, tmp_path, faulthandler_timeout=behind)
    assert "Timeout" in said and "in hang" in said


@pytest.mark.slow
@pytest.mark.skipif(not PYPROJECT.exists(), reason="not in the source tree")
@pytest.mark.parametrize(
    "test",
    [
        "hang(ctypes.CDLL)",
        "def test_well(): threading.Thread(target=hang, args=(ctypes.CDLL,)).start()",
    ],
    ids=["while tests are collected", "in a thread left behind"],
)
def test_a_hang_outside_of_tests_is_ended(test: str, tmp_path: Path) -> None:
    said = ended(HANG + test + "\n", tmp_path, timeout=2)
    assert "Timeout" in said and "in hang" in said


# ---- SIGINT -------------------------------------------------------------------------------------


def trained(**options: Any) -> md.History:
    model = md.Model([md.layers.Dense(2)], input_shape=(3,), seed=0)
    model.compile("sgd", "mse")
    return model.fit(np.ones((64, 3)), np.ones((64, 2)), 8, 3, verbose=0, **options)


def own(signum: int, frame: Any) -> None:
    """A handler of the user's."""


class Stop(md.Callback):
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        raise KeyboardInterrupt


class Fail(md.Callback):
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        raise ZeroDivisionError


@pytest.mark.parametrize("callback", [md.Callback, Stop, Fail])
@pytest.mark.parametrize(
    "handler", [signal.SIG_IGN, signal.SIG_DFL, signal.default_int_handler, own]
)
def test_fit_leaves_sigint_as_it_was(handler: Any, callback: type[md.Callback]) -> None:
    before = signal.signal(signal.SIGINT, handler)
    try:
        for work in (trained, in_a_thread):
            with contextlib.suppress(KeyboardInterrupt, ZeroDivisionError):
                work(callbacks=[callback()])
                assert callback is md.Callback
            assert signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_handler_of_the_users_is_called_and_training_goes_on() -> None:
    called: list[int] = []

    def handler(signum: int, frame: Any) -> None:
        called.append(signum)

    send = md.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: signal.raise_signal(signal.SIGINT)
    )
    before = signal.signal(signal.SIGINT, handler)
    try:
        assert trained(callbacks=[send]).stop_reason == "epochs"
        assert called == [signal.SIGINT] * 3
        assert signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_ctrl_c_in_fit_leaves_the_handler(ctrl_c: Any) -> None:
    send = md.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: ctrl_c())
    with pytest.raises(KeyboardInterrupt):
        trained(callbacks=[send])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def in_a_thread(**options: Any) -> None:
    errors: list[BaseException] = []

    def work() -> None:
        try:
            trained(**options)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    wait_for(thread)
    if errors:
        raise errors[0]


def test_a_training_in_the_background_is_not_interrupted() -> None:
    """SIGINT is ignored there, and stays so."""
    code = f"""
import os, signal, sys
sys.path.insert(0, {str(TESTS)!r})
import mundur as md, numpy as np
assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
model = md.Model([md.layers.Dense(2)], input_shape=(3,), seed=0)
model.compile("sgd", "mse")
kill = md.callbacks.LambdaCallback(
    on_train_batch_end=lambda batch, logs: os.kill(os.getpid(), signal.SIGINT)
)
history = model.fit(np.ones((64, 3)), np.ones((64, 2)), 8, 3, verbose=0, callbacks=[kill])
assert history.stop_reason == "epochs" and history.epoch == [0, 1, 2]
assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
"""
    ignore = "trap '' INT; exec \"$@\""
    command = ["/bin/sh", "-c", ignore, "sh", sys.executable, "-c", code]
    subprocess.run(command, check=True, timeout=60, env=os.environ)


@pytest.mark.parametrize(
    "inherited",
    [
        pytest.param("signal.signal(signal.SIGINT, signal.SIG_IGN)", id="ignored"),
        pytest.param("signal.signal(signal.SIGINT, signal.SIG_DFL)", id="default"),
        pytest.param("signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])", id="blocked"),
    ],
)
@pytest.mark.slow
def test_tests_of_ctrl_c_work_whatever_is_inherited(inherited: str, tmp_path: Path) -> None:
    """As in a shell's background job, or under a supervisor."""
    chosen = [f"{TESTS}/test_fit.py", f"{TESTS}/test_resume.py", "-k", "ctrl_c"]
    own = ["-m", "pytest", "-q", "-p", "no:cacheprovider", f"--basetemp={tmp_path / 'own'}"]
    start = f"import os, signal, sys\n{inherited}\nos.execv(sys.executable, sys.argv[1:])"
    command = [sys.executable, "-c", start, sys.executable, *own, *chosen]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, cwd=TESTS.parent)
    assert done.returncode == 0, done.stdout[-3000:]
