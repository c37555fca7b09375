"""The worked example as a command, and the list of examples."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mundur import examples
from mundur.examples import worked_example

import figure_rules


def test_the_worked_example_begins_with_its_task(capsys: Any) -> None:
    assert worked_example.main([]) == 0
    text = capsys.readouterr().out
    task, numbers = text.split("Forward, before the first update")
    for words in ("i1 ──w1── h1", "w5 = 0.40", "η = 0.5", "t2 = 0.99", "δ_o = (o − t)", "frozen"):
        assert words in task
    assert "0.2910277736935993" in numbers
    assert "0.291027924" in numbers
    assert "b1" not in numbers


def test_the_worked_example_with_biases(capsys: Any) -> None:
    assert worked_example.main(["--train-biases"]) == 0
    text = capsys.readouterr().out
    assert "b1′ of h2" in text
    assert "∂E/∂b1′" in text
    assert "0.291027924" not in text


@pytest.mark.parametrize("arguments", [[], ["--train-biases"], ["--updates", "2"]])
def test_the_worked_example_in_indonesian(arguments: list[str], capsys: Any) -> None:
    found = []
    for language in ("en", "id"):
        assert worked_example.main([*arguments, "--language", language]) == 0
        found.append(capsys.readouterr().out)
    names = "z_h z_o"
    assert not figure_rules.untold(found[0], worked_example.WORDS, names)
    numbers = [re.findall(r"\d+\.\d{3,}", text) for text in found]
    assert numbers[0] == numbers[1] and "Selisih terbesar" in found[1]


def test_the_package_says_where_to_go_on() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mundur"], capture_output=True, text=True, check=True, timeout=100
    )
    for module in re.findall(r"python -m (\S+)", done.stdout):
        assert importlib.util.find_spec(module) is not None
    assert {"mundur.examples", "mundur.selftest"} <= {*done.stdout.split()}


@pytest.mark.parametrize("arguments", [[], ["nonsense"]])
def test_the_examples_are_listed(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mundur.examples", *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    folder = Path(examples.__file__).parent
    runnable = [p.stem for p in folder.glob("*.py") if "def main(" in p.read_text(encoding="utf-8")]
    assert len(runnable) == len(done.stdout.splitlines())
    for name in runnable:
        assert f"python -m mundur.examples.{name}" in done.stdout
