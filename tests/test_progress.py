"""What long work shows: bars on a terminal, lines in a log, nothing."""

from __future__ import annotations

import subprocess
import sys
import types
from typing import Any

import mundur as md
import numpy as np
import pytest
from mundur.training import progress  # numbers and times as text


@pytest.fixture
def terminal(monkeypatch: Any) -> None:
    monkeypatch.setattr(progress, "on_terminal", lambda: True)


def test_lines_in_a_log(blobs: Any, classifier: Any, capsys: Any) -> None:
    classifier().fit(*blobs, epochs=3, validation_split=0.2)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[1].startswith("Epoch 2/3 - ")
    for name in ("loss: ", "accuracy: ", "val_loss: ", "val_accuracy: "):
        assert f" - {name}" in lines[1]


@pytest.mark.parametrize("verbose", [0, False])
def test_silence(verbose: Any, blobs: Any, classifier: Any, capsys: Any) -> None:
    model = classifier()
    model.fit(*blobs, verbose=verbose, validation_split=0.2)
    model.evaluate(*blobs, verbose=verbose)
    model.predict(blobs[0], verbose=verbose)
    model.evaluate(*blobs)
    model.predict(blobs[0])
    captured = capsys.readouterr()
    assert captured.out + captured.err == ""


@pytest.mark.parametrize("verbose", [1, True])
def test_bars(verbose: Any, blobs: Any, classifier: Any, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    model = classifier()
    model.fit(*blobs, epochs=2, verbose=verbose, validation_split=0.2)
    text = capsys.readouterr().out
    assert text.startswith("\rEpoch 1/2:   0%|")
    assert all(len(line) <= 80 for line in text.split("\r") if "|" in line)
    assert "\rEpoch 1/2 - " in text
    assert "\rEpoch 2/2 - " in text
    assert " - val_accuracy: " in text
    model.evaluate(*blobs, verbose=verbose)
    assert "Evaluate: 100%" in capsys.readouterr().out
    model.predict(blobs[0], verbose=verbose)
    assert "Predict: 100%" in capsys.readouterr().out


def test_one_line_per_pass(blobs: Any, classifier: Any, capsys: Any) -> None:
    model = classifier()
    model.evaluate(*blobs, verbose=2)
    model.predict(blobs[0], verbose=2)
    evaluate, predict = capsys.readouterr().out.splitlines()
    assert evaluate.startswith("Evaluate - ")
    assert "accuracy: " in evaluate
    assert predict.startswith("Predict - ")


@pytest.mark.usefixtures("terminal")
def test_auto_on_a_terminal(blobs: Any, classifier: Any, capsys: Any) -> None:
    model = classifier()
    model.fit(*blobs, epochs=2)
    text = capsys.readouterr().out
    assert "Epoch 1/2:   0%|" in text
    assert text.count("Epoch 2/2 - ") == 1
    model.fit(*blobs, epochs=200)
    text = capsys.readouterr().out
    assert "Epoch 200/200: 100%" in text
    assert text.count("\n") == 1
    model.evaluate(*blobs)
    assert "Evaluate" not in capsys.readouterr().out


def test_a_notebook_has_bars_and_lines_in_one_output(
    blobs: Any, classifier: Any, capsys: Any, monkeypatch: Any
) -> None:
    monkeypatch.setitem(sys.modules, "ipykernel", types.ModuleType("ipykernel"))
    classifier().fit(*blobs, epochs=2)
    captured = capsys.readouterr()
    assert captured.err == ""
    assert "\rEpoch 2/2 - " in captured.out and "Epoch 1/2:   0%|" in captured.out


@pytest.mark.usefixtures("terminal")
def test_bars_are_closed_after_an_error(capsys: Any) -> None:
    model = md.Model([md.layers.Dense(1)], seed=0)
    model.compile(md.optimizers.SGD(1e9), "mse")
    x = np.linspace(1, 2, 640).reshape(-1, 1)
    with pytest.raises(md.NonFiniteLossError):
        model.fit(x, x, epochs=3)
    text = capsys.readouterr().out
    assert "Epoch 1/3:   0%|" in text
    assert text.endswith("\r")  # the bar is wiped away
    assert not text.split("\r")[-2].strip()


def test_numbers_are_short() -> None:
    assert progress._duration(123.4) == "123.4 s"
    assert progress._duration(1.234) == "1.23 s"
    assert progress._duration(0.00456) == "4.56 ms"
    assert progress._short(0.12345) == "0.1235"
    assert progress._short(0.0) == "0.0000"
    assert progress._short(1.2344e-7) == "1.234e-07"
    assert progress._short(1e9) == "1.000e+09"


LIGHT = """
import sys
import numpy
before = set(sys.modules)
import mundur
new = {name.split(".")[0] for name in set(sys.modules) - before} - {"numpy"}
new -= set(sys.stdlib_module_names)
heavy = {"json", "difflib", "dataclasses", "tempfile", "logging", "asyncio", "unittest"}
print(sorted(new), sorted(heavy & (set(sys.modules) - before)))
"""


def test_import_takes_numpy_only() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIGHT], capture_output=True, text=True, check=True, timeout=100
    )
    assert done.stdout.strip() == "['mundur'] []"
