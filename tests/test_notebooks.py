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
    names = [
        *("digits", "digits_convnet", "exercise_backpropagation", "sentiment_cnn_lstm"),
        *("sentiment_lstm", "tuning"),
    ]
    assert [path.stem for path in scripts] == names
    for path in scripts:
        kinds = [kind for kind, text in build["cells"](path.read_text(encoding="utf-8"), path.name)]
        texts = [kind for kind in kinds if kind in build["LANGUAGES"]]
        assert texts == ["id", "en"] * (len(texts) // 2)
        assert len(texts) >= 6 and len(kinds) - len(texts) >= 4


def test_the_same_script_is_the_same_notebook(build: Any) -> None:
    nbformat = pytest.importorskip("nbformat")
    path = build["scripts"]()[0]
    made = [nbformat.writes(build["notebook"](path, "id")) for _ in range(2)]
    assert made[0] == made[1]
    assert "Angka tulisan tangan" in made[0] and "Handwritten digits" not in made[0]


@pytest.mark.parametrize("language", ["id", "en"])
def test_a_sheet_of_exercises(build: Any, language: str) -> None:
    """Students get no solution, and learn that it lacks; with solutions every cell is right."""
    pytest.importorskip("nbformat")
    (path,) = (one for one in build["scripts"]() if build["has_exercises"](one))
    sheet, solved = (build["notebook"](path, language, with_them) for with_them in (False, True))
    assert [c.metadata for c in sheet.cells] == [c.metadata for c in solved.cells]
    marks = [c.metadata["nbgrader"] for c in solved.cells if "nbgrader" in c.metadata]
    assert [m["grade_id"].partition("-")[0] for m in marks] == ["solution", "test"] * 6
    assert len({m["grade_id"] for m in marks}) == 12
    assert sum(m.get("points", 0) for m in marks) == 11
    known: dict[str, Any] = {}
    for cell in solved.cells:
        if cell.cell_type == "code":
            exec(cell.source, known)
    assert 0 < known["errors"][-1] < 2e-3
    empty: dict[str, Any] = {}
    said = {"id": "belum dikerjakan", "en": "is still to be written"}[language]
    for cell in sheet.cells[:-3]:
        if cell.cell_type != "code":
            continue
        assert "SOLUTION" not in cell.source and "sum(" not in cell.source
        if cell.metadata.get("nbgrader", {}).get("grade"):
            with pytest.raises(AssertionError, match=said):
                exec(cell.source, empty)
        else:
            exec(cell.source, empty)


def test_what_is_to_be_written_must_be_marked(build: Any, tmp_path: Path) -> None:
    pytest.importorskip("nbformat")
    script = tmp_path / "a.py"
    script.write_text("# %% [solution] f\ndef f():\n    return 1\n", encoding="utf-8")
    with pytest.raises(ValueError, match="between BEGIN SOLUTION and END SOLUTION"):
        build["notebook"](script, "en", False)
