"""Notebooks from scripts: the cells of each language, and faults that have a line."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "python" / "docs" / "notebooks"

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="not in the source tree")


@pytest.fixture(scope="module")
def build() -> dict[str, Any]:
    return runpy.run_path(str(FOLDER / "build.py"))


def test_cells_of_a_script(build: Any) -> None:
    text = "# %% [markdown] id\n# # Judul\n#\n# isi\n# %% [markdown] en\n# # Title\n# %%\nx = 1\n\n"
    assert list(build["cells"](text, "a.py")) == [
        ("id", "# Judul\n\nisi"),
        ("en", "# Title"),
        (None, "x = 1"),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = 1\n", "a.py, line 1: before the first cell"),
        ("# %% [markdown] de\n", "a.py, line 1: no such cell"),
        ("# %%\nx\n# %% [markdown] en\nTitle\n", "a.py, line 4: text must stand behind"),
    ],
)
def test_faults_name_the_line(build: Any, text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        list(build["cells"](text, "a.py"))


def test_every_text_stands_in_both_languages(build: Any) -> None:
    scripts = build["scripts"]()
    names = ["digits", "sentiment_cnn_lstm", "sentiment_lstm", "tuning"]
    assert [path.stem for path in scripts] == names
    for path in scripts:
        kinds = [kind for kind, text in build["cells"](path.read_text(encoding="utf-8"), path.name)]
        texts = [kind for kind in kinds if kind is not None]
        assert texts == ["id", "en"] * (len(texts) // 2)
        assert len(texts) >= 6 and kinds.count(None) >= 4


def test_the_same_script_is_the_same_notebook(build: Any) -> None:
    nbformat = pytest.importorskip("nbformat")
    path = build["scripts"]()[0]
    made = [nbformat.writes(build["notebook"](path, "id")) for _ in range(2)]
    assert made[0] == made[1]
    assert "Angka tulisan tangan" in made[0] and "Handwritten digits" not in made[0]
