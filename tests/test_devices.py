"""Which devices there are, what is said where one is missing, and what never holds one."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import mundur as md
import numpy as np
import pytest
from mundur import _core, selftest
from mundur.selftest import __main__ as command

from gpus import DEVICES, LIBRARY, needs_emulation, needs_library

X = np.random.default_rng(0).normal(size=(20, 4))


def asked_in_a_new_process(**environment: str) -> str:
    """What asking for a GPU is answered where only that is set."""
    code = "import mundur as md\nmd.Model([md.layers.Dense(1)], device='cuda')"
    clean = {k: v for k, v in os.environ.items() if not k.startswith("MUNDUR_")}
    command = [sys.executable, "-c", code]
    run = subprocess.run(
        command, env=clean | environment, capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 1, run.stderr
    return run.stderr.strip().splitlines()[-1]


def test_without_the_package() -> None:
    assert asked_in_a_new_process() == (
        'RuntimeError: device: "cuda" needs the package mundur-cuda, which is not installed; '
        f"pip install mundur-cuda=={md.__version__}"
    )


def test_a_library_that_is_none(tmp_path: Path) -> None:
    said = asked_in_a_new_process(MUNDUR_CUDA_LIBRARY=str(tmp_path / "libnone.so"))
    assert said.startswith("RuntimeError: device: the CUDA library cannot be opened: ")
    said = asked_in_a_new_process(MUNDUR_CUDA_LIBRARY=_core.__file__)
    assert said.endswith(f"is none of mundur's; install mundur-cuda=={md.__version__}")


@needs_emulation
@pytest.mark.parametrize(
    ("lacks", "said"),
    [
        ("driver", 'there is no NVIDIA driver on this machine; .* built for CUDA 13.0 .*"cpu"$'),
        ("new driver", "driver is too old: it is for CUDA 11.4, .* built for CUDA 13.0 .*update"),
        ("device", "driver, for CUDA 13.0, finds no GPU; .*CUDA_VISIBLE_DEVICES"),
    ],
)
def test_without_a_gpu(lacks: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = asked_in_a_new_process(MUNDUR_CUDA_LIBRARY=LIBRARY, MUNDUR_CUDA_LACKS=lacks)
    with pytest.raises(RuntimeError, match=f"^device: .*{said}"):
        raise RuntimeError(answer.removeprefix("RuntimeError: "))


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:x", "cuda:-1", "CUDA", "", 0, None])
def test_a_name_that_is_none(name: Any) -> None:
    with pytest.raises(ValueError, match='device must be "cpu", "cuda" or a certain GPU'):
        md.Model(device=name)


@needs_library
def test_a_gpu_too_many() -> None:
    with pytest.raises(RuntimeError, match='device: expected one of "cuda:0" to "cuda:'):
        md.Model(device="cuda:99")


@needs_library
def test_what_is_open_is_told() -> None:
    model = md.Model([md.layers.Dense(1)], device=DEVICES[0])
    assert model.device == DEVICES[0]
    told = md.build_info()["devices"]
    assert any(name.startswith("cuda:0 (") for name in told)
    if DEVICES[0] == "cuda:0":
        assert "cuda:0 (host emulation)" in told


class Outside(md.losses.Loss):
    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
        return float(np.mean(y_pred))

    def gradient(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        return np.full_like(y_pred, 1 / y_pred.size)


class LikeDice(md.losses.Dice):
    """Whatever it may have changed."""


@needs_library
def test_what_runs_on_the_cpu_only() -> None:
    device = DEVICES[0]
    with pytest.raises(NotImplementedError, match=r'float32 and float64 only, got .*"bfloat16"'):
        md.Model([md.layers.Dense(3)], compute_dtype="bfloat16", input_shape=(2,), device=device)
    for loss in (Outside(), LikeDice()):
        model = md.Model([md.layers.Dense(1)], device=device)
        model.compile("sgd", loss)
        with pytest.raises(NotImplementedError, match="a loss written in Python runs on the CPU"):
            model.fit(X, np.ones(len(X)), verbose=0)
    a, b = md.Input((4,)), md.Input((4,))
    with pytest.raises(
        NotImplementedError, match=r"not have the operation Larger.* It has Product,"
    ):
        md.Model([a, b], md.layers.Maximum()([a, b]), device=device)

    def square() -> md.layers.Dense:
        return md.layers.Dense(1, activation=(lambda z: z * z, lambda z: 2 * z))

    with pytest.raises(NotImplementedError, match="an activation written in Python"):
        md.Model([square()], input_shape=(4,), device=device)
    model = md.Model([square()], input_shape=(4,), seed=1)
    with pytest.raises(NotImplementedError):
        model.device = device
    assert model.device == "cpu"
    assert model.predict(X[:2, :4]).shape == (2, 1)


@needs_library
def test_the_self_test_takes_a_device(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    some = [case for case in selftest.CASES if case.name in ("images", "adafactor", "graph")]
    monkeypatch.setattr(command, "run_on", lambda *told: selftest.run_on(*told, cases=some))
    assert command.main(["--device", DEVICES[-1]]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "yes"
    assert lines[-2].endswith("hashes of 2 networks compared; the same bits as everywhere?")
    assert any(
        line.startswith('not tried: graph, for "cuda" does not have the operation Larger')
        for line in lines
    )
    assert any(line.split() == ["training", DEVICES[-1], "equal"] for line in lines)


@needs_library
def test_files_and_pickles_hold_no_device(tmp_path: Path) -> None:
    model = md.Model([md.layers.Dense(2)], seed=1, device=DEVICES[0])
    model.compile("adam", "mse")
    model.fit(X, X[:, :2], verbose=0)
    model.save(tmp_path / "model.safetensors")
    expected = model.predict(X)
    loaded = md.load_model(tmp_path / "model.safetensors")
    unpickled = pickle.loads(pickle.dumps(model))
    for other in (loaded, unpickled):
        assert other.device == "cpu"
        assert other.predict(X).tobytes() == expected.tobytes()
    assert b"cuda" not in pickle.dumps(model)
    copied = copy.deepcopy(model)
    assert copied.device == DEVICES[0]
    assert copied.predict(X).tobytes() == expected.tobytes()


@needs_library
def test_after_a_fork_the_way_out_is_named() -> None:
    code = f"""
import os, sys, numpy as np, mundur as md
model = md.Model([md.layers.Dense(2)], input_shape=(4,), device={DEVICES[0]!r})
child = os.fork()
if child == 0:
    for ask in (lambda: model.predict(np.ones((2, 4))), lambda: md.Model(device={DEVICES[0]!r})):
        try:
            ask()
        except RuntimeError as error:
            print(error, flush=True)
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    said = run.stdout.splitlines()
    assert len(said) == 2
    assert all("forked from one that had opened cuda" in line and "spawn" in line for line in said)
