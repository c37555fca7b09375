"""The interpreter's end, with a daemon thread at work: quiet, and with the status that was set."""

from __future__ import annotations

import platform
import random
import subprocess
import sys

import pytest

from cells import mostly_slow

# The team is as large as it is told, so that f is called in a parallel region. f gives the GIL up
# and asks for it again, f' keeps it: a thread may be ended at either.
SCRIPT = """
import ctypes, sys, threading, time
import mundur as md, numpy as np
from mundur import _core
piece, work, threads, batch, seconds, status = sys.argv[1:]
_core.set_adaptive(False)
md.set_num_threads(int(threads))
def f(z):
    time.sleep(1e-4)
    return np.tanh(z)
class Squares(md.Loss):
    def __call__(self, y_true, y_pred, sample_weight=None):
        time.sleep(1e-4)
        return np.mean((y_pred - y_true) ** 2)
    def gradient(self, y_true, y_pred, sample_weight=None):
        return 2 * (y_pred - y_true) / y_pred.size
own = (f, lambda z: 1 - np.tanh(z) ** 2) if piece == "activation" else "tanh"
layers = [md.layers.Dense(256, own), md.layers.Dense(64, own), md.layers.Dense(1)]
model = md.Model(layers, input_shape=(64,), seed=0)
model.compile("adam", Squares() if piece == "loss" else "mse")
x = np.random.default_rng(0).normal(size=(20000, 64))
y = np.zeros((20000, 1))
works = {
    "fit": lambda: model.fit(x, y, epochs=100000, batch_size=int(batch), verbose=0),
    "evaluate": lambda: model.evaluate(x, y, batch_size=int(batch), verbose=0),
    "predict": lambda: model.predict(x, batch_size=int(batch), verbose=0),
    "by hand": lambda: model.backward(model.forward(x[:int(batch)], training=True)),
}
begun = threading.Event()
def go_on():
    while True:
        begun.set()
        works[work]()
threading.Thread(target=go_on, daemon=True).start()
begun.wait()
time.sleep(float(seconds))
if int(status):  # sleep(status), when the interpreter is gone already
    ctypes.CDLL(None).on_exit(ctypes.CDLL(None).sleep, None)
sys.exit(int(status))
"""


def run(piece: str, work: str, threads: int, batch: int, status: int = 0) -> None:
    moment = str(random.uniform(0.02, 0.2))
    arguments = (piece, work, str(threads), str(batch), moment, str(status))
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (status, ""), f"after {moment} s"


@pytest.mark.parametrize("threads", [pytest.param(1, marks=pytest.mark.slow), 2])
@pytest.mark.parametrize(
    ("piece", "work"),
    [
        *(("activation", work) for work in ("fit", "predict")),
        *(
            pytest.param("activation", work, marks=pytest.mark.slow)
            for work in ("evaluate", "by hand")
        ),
        ("loss", "fit"),
        pytest.param("loss", "evaluate", marks=pytest.mark.slow),
        ("native", "fit"),
    ],
)
def test_a_daemon_thread_may_be_at_work(piece: str, work: str, threads: int) -> None:
    run(piece, work, threads, 256)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="on_exit is glibc's")
@pytest.mark.parametrize("piece", mostly_slow(["activation", "loss"], ["activation"]))
def test_it_may_ask_for_python_when_that_has_gone(piece: str) -> None:
    run(piece, "fit", 2, 20000, status=1)
