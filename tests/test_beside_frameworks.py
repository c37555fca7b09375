"""One step in every framework that is installed; they must agree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mundur.examples import beside_frameworks

DOCS = Path(__file__).resolve().parents[1] / "python" / "docs"
LESSON = DOCS / "course" / "frameworks.rst"


def test_the_native_code_agrees_with_the_textbook(monkeypatch: Any, capsys: Any) -> None:
    def absent() -> beside_frameworks.Step:
        raise ImportError("No module named 'torch'")

    ways = {name: beside_frameworks.WAYS[name] for name in ("textbook", "mundur")}
    monkeypatch.setattr(beside_frameworks, "WAYS", {**ways, "PyTorch": absent})
    assert beside_frameworks.main([]) == 0
    text = capsys.readouterr().out
    assert re.findall(r"^(\w+) +0.2983711088 +0.3589164797 .* agrees$", text, re.M) == [*ways]
    assert "PyTorch     not installed (No module named 'torch')" in text


def test_in_indonesian(monkeypatch: Any, capsys: Any) -> None:
    ways = {"textbook": beside_frameworks.by_textbook, "mundur": beside_frameworks.by_mundur}
    monkeypatch.setattr(beside_frameworks, "WAYS", ways)
    assert beside_frameworks.main(["--language", "id"]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["E", "w5", "sesudahnya", "selisih"]
    assert [row.split()[-1] for row in rows] == ["cocok"] * 2 and rows[0].startswith("buku ajar")


@pytest.mark.parametrize("part", ["loss", "weights"])
def test_what_differs_is_told(part: str, monkeypatch: Any, capsys: Any) -> None:
    right = beside_frameworks.by_mundur()
    wrong = {"loss": right.loss + 1e-11, "weights": [w + 1e-11 for w in right.weights]}
    step = right._replace(**{part: wrong[part]})
    monkeypatch.setattr(beside_frameworks, "WAYS", {"mundur": lambda: step})
    assert beside_frameworks.main([]) == 1
    assert "DIFFERS" in capsys.readouterr().out


@pytest.mark.skipif(not LESSON.is_file(), reason="not in the source tree")
def test_the_lesson_shows_what_is_printed(monkeypatch: Any, capsys: Any) -> None:
    names = [*beside_frameworks.WAYS]
    monkeypatch.setattr(beside_frameworks, "WAYS", {"mundur": beside_frameworks.by_mundur})
    beside_frameworks.main([])
    head, *lines = capsys.readouterr().out.splitlines()
    lesson = [line.split() for line in LESSON.read_text(encoding="utf-8").splitlines()]
    assert head.split() in lesson
    shown = [line[:3] for line in lesson]  # the difference is the machine's
    for name in names:
        assert [name, *lines[0].split()[1:3]] in shown


def assert_agrees(name: str, tolerance: float) -> None:
    step = beside_frameworks.WAYS[name]()
    assert [np.shape(w) for w in step.weights] == [(2, 2), (2,), (2, 2), (2,)]
    assert beside_frameworks.difference(step, beside_frameworks.by_mundur()) <= tolerance


@pytest.mark.witness
def test_pytorch_agrees() -> None:
    pytest.importorskip("torch")
    assert_agrees("PyTorch", 1e-12)


@pytest.fixture
def float32_again() -> Iterator[None]:
    keras = pytest.importorskip("keras")
    before = keras.config.floatx()
    yield
    keras.config.set_floatx(before)


@pytest.mark.keras
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't:DeprecationWarning")
@pytest.mark.usefixtures("float32_again")
def test_keras_agrees() -> None:
    assert_agrees("Keras", beside_frameworks.OF_KERAS)


@pytest.mark.witness
@pytest.mark.parametrize(("module", "name"), [("tensorflow", "TensorFlow"), ("jax", "JAX")])
def test_others_agree(module: str, name: str) -> None:
    pytest.importorskip(module)
    assert_agrees(name, 1e-12)
