"""A child forked beside a training thread, or from within one: nothing hangs."""

from __future__ import annotations

import subprocess
import sys

import pytest

START = """
import os, pickle, copy, random, signal, sys, tempfile, threading, time, warnings
import mundur as md, numpy as np

warnings.simplefilter("ignore")
model = md.Model([md.layers.Dense(64, "relu"), md.layers.Dense(1)], input_shape=(64,), seed=0)
model.compile("adam", "mse")
x = np.random.default_rng(0).normal(size=(20000, 64))
y = np.zeros(20000)


signal.signal(signal.SIGALRM, signal.SIG_DFL)  # may be ignored here


def in_child(work):
    "work() in a forked child, which has 20 seconds; its exit status."
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        status = 1
        try:
            work()
            status = 0
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", flush=True)
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
"""

BESIDE = """
def attempt(work):
    try:
        work()
    except RuntimeError as error:
        assert "was at work in another thread when this process was forked" in str(error), error


def everything():
    path = os.path.join(tempfile.mkdtemp(), "model.safetensors")
    optimizer = model.optimizer
    for work in (
        lambda: optimizer.learning_rate,
        lambda: setattr(optimizer, "learning_rate", 0.5),
        lambda: pickle.dumps(optimizer),
        lambda: copy.deepcopy(model),
        lambda: model.save(path),
        lambda: model.predict(x[:2], verbose=0),
        lambda: setattr(model, "trainable", False),
        lambda: model.fit(x[:64], y[:64], verbose=1),
        lambda: model.evaluate(x[:64], y[:64], verbose=1),
    ):
        attempt(work)
    optimizer.reset()  # makes it whole
    assert optimizer.iterations == 0
    fresh = md.Model([md.layers.Dense(1)], input_shape=(64,), seed=0)
    fresh.compile(optimizer, "mse")
    fresh.fit(x[:64], y[:64], verbose=1)


fit = lambda: model.fit(x, y, epochs=100000, verbose=1)  # whose bars have locks, too
threading.Thread(target=fit, daemon=True).start()
# A child forked amid an import of another thread, such as the first bar's, waits for it for ever.
while model.epochs_begun < 2:
    time.sleep(0.01)
random.seed(1)
for attempts in range(int(sys.argv[1])):
    time.sleep(random.uniform(0.0, 0.15))
    status = in_child(everything)
    assert status == 0, status
print("done", flush=True)  # os._exit flushes nothing
os._exit(0)
"""

WITHIN = """
statuses = []


class Fork(md.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 0:
            statuses.append(in_child(lambda: self.model.predict(x[:2], verbose=0)))
            child = os.fork()
            if child == 0:  # goes on with its copy of the training
                signal.alarm(20)
                self.forked = True
            else:
                statuses.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


history = model.fit(x[:640], y[:640], epochs=3, callbacks=[fork := Fork()], verbose=0)
assert len(history.history["loss"]) == 3
model.fit(x[:640], y[:640], verbose=0)
if getattr(fork, "forked", False):
    os._exit(0)
assert statuses == [0, 0], statuses
print("done")
"""


MANY = """
def trained():
    models = [md.Model([md.layers.Dense(8), md.layers.Dense(1)], seed=i) for i in range(4)]
    for one in models:
        one.compile("adam", "mse")
    return md.fit_many(models, x[:2000], y[:2000], epochs=20, verbose=0)


md.set_num_threads(2)
trained()
beside = threading.Thread(target=lambda: [trained() for _ in range(9)], daemon=True)
beside.start()
for attempts in range(int(sys.argv[1])):
    time.sleep(0.05)
    status = in_child(trained)
    assert status == 0, status
print("done", flush=True)
os._exit(0)
"""


@pytest.mark.parametrize("code", [BESIDE, WITHIN, MANY], ids=["beside", "within", "many"])
def test_a_forked_child_never_waits_for_who_stayed_behind(code: str, full: bool) -> None:
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", START + code, "40" if full else "10"],
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert found.returncode == 0, found.stdout[-2000:] + found.stderr
    assert "done" in found.stdout  # a bar of the training beside may come after it
