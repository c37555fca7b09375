"""The course's lessons: their code runs, and both languages say the same around it."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mundur import _core
from mundur.examples.__main__ import EXAMPLES
from mundur.inspection.page_texts import TEXTS  # words alone
from mundur.playground.texts import STRINGS

DOCS = Path(__file__).resolve().parents[1] / "python" / "docs"
LESSONS = sorted((DOCS / "course").glob("*.rst"))

pytestmark = pytest.mark.skipif(not DOCS.is_dir(), reason="not in the source tree")

each = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.stem)


@pytest.fixture
def docs(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Imports a module of python/docs."""
    monkeypatch.syspath_prepend(str(DOCS))
    return importlib.import_module


def figures(page: str) -> list[str]:
    return re.findall(r"^\.\. figure:: \.\./(\S+)$", page, re.M)


@pytest.fixture
def as_users_run_it() -> Iterator[None]:
    """Small steps on one thread: teams that need not be take seconds where cores are busy."""
    _core.set_adaptive(True)
    yield
    _core.set_adaptive(False)


@pytest.mark.share(2)
@each
@pytest.mark.usefixtures("as_users_run_it")
def test_the_code_of_a_lesson_runs_and_draws_its_figures(
    lesson: Path, docs: Any, tmp_path: Path
) -> None:
    for package in ("sklearn", "matplotlib", "tokenizers"):
        pytest.importorskip(package)
    docs("build").run_code(lesson, tmp_path)
    drawn = {path.name for path in tmp_path.glob("*.png")}
    drawn |= {f"../example_{name}.png" for name in EXAMPLES}
    assert set(figures(docs("course").page(lesson, "id"))) <= drawn


@each
def test_both_languages_have_the_same_parts(lesson: Path, docs: Any) -> None:
    found = list(docs("course").parts(lesson.read_text(encoding="utf-8"), lesson.name))
    texts = [kind for kind, text in found if kind != "both"]
    assert texts == ["id", "en"] * (len(texts) // 2) and texts
    for kind, text in found:
        code = re.search(r"^ *>>>|^\.\. math::|literalinclude", text, re.M)
        assert kind == "both" or not code, code
    pages = {language: docs("course").page(lesson, language) for language in ("id", "en")}
    for pattern in (r"^[-=]{3,}$", r"^ +\* -", r"^- ", r"^\d\. "):
        counts = {len(re.findall(pattern, page, re.M)) for page in pages.values()}
        assert len(counts) == 1, pattern
    assert figures(pages["id"]) == figures(pages["en"])
    links = [sorted(re.findall(r":doc:`(?:[^`]*<)?(\w+)>?`", page)) for page in pages.values()]
    assert links[0] == links[1]


@each
def test_a_lesson_teaches_by_formula_textbook_native_code_and_figure(lesson: Path) -> None:
    text = lesson.read_text(encoding="utf-8")
    if lesson.stem not in ("index", "glossary"):
        for part in (".. math::", "reference", "import mundur as md", ".. figure::"):
            assert part in text, part


@each
def test_the_code_that_a_lesson_shows_is_there(lesson: Path) -> None:
    text = lesson.read_text(encoding="utf-8")
    for path, options in re.findall(r"literalinclude:: (\S+)\.py\n((?: +:.*\n)+)", text):
        shown = dict(re.findall(r":([\w-]+): (.*)", options))
        module = path.lstrip("./").replace("/", ".")
        module = module if module.startswith("reference.") else f"examples.{module}"
        found: Any = importlib.import_module(f"mundur.{module}")
        for name in shown["pyobject"].split("."):
            found = getattr(found, name)
        lines = [line[int(shown["dedent"]) :] for line in inspect.getsource(found).splitlines()]
        begin = shown.get("start-at", "def ")
        assert any(line.startswith(begin) for line in lines), begin


def test_every_lesson_stands_in_the_index(docs: Any) -> None:
    index = docs("course").page(DOCS / "course" / "index.rst", "id")
    listed = re.findall(r"^   (\w+)$", index, re.M)
    assert sorted([*listed, "index"]) == [lesson.stem for lesson in LESSONS]


def test_pages_call_things_as_the_glossary_does() -> None:
    listed = (DOCS / "course" / "glossary.rst").read_text(encoding="utf-8")
    terms = re.findall(r"^   \* - (\w.*)\n     - (.*)", listed, re.M)
    found = {english: indonesian.split(", ")[0] for indonesian, english in terms}
    page = {name: text["id"].lower() for name, text in TEXTS.items()}
    assert page["central"] == found["central differences"]
    assert page["forward"] == found["forward pass"]
    assert page["backward"] == found["backpropagation"]
    assert page["inputs"] == found["input"] and page["layer"] == found["layer"]
    said = STRINGS["id"]["preset_vanishing"].lower()
    assert said == found["vanishing, exploding gradient"]


def test_the_parts_of_a_lesson(docs: Any, tmp_path: Path) -> None:
    lesson = tmp_path / "a.rst"
    lesson.write_text(
        ".. id\n\nJudul\n=====\n\nisi\n\n.. en\n\nTitle\n=====\n\n.. both\n\n>>> x = 1\n"
    )
    assert docs("course").page(lesson, "id") == (
        "Judul\n=====\n\n*In English:* :doc:`/course/en/a`\n\nisi\n\n>>> x = 1\n"
    )
    assert docs("course").page(lesson, "en") == (
        "Title\n=====\n\n*Dalam bahasa Indonesia:* :doc:`/course/id/a`\n\n>>> x = 1\n"
    )
    with pytest.raises(ValueError, match=r"a\.rst, line 2: before the first"):
        list(docs("course").parts("\nTitle\n", "a.rst"))


def test_a_formula_is_mathml(docs: Any) -> None:
    nodes = pytest.importorskip("docutils.nodes")

    class Writer:
        def __init__(self) -> None:
            self.body: list[str] = []

    writer = Writer()
    for node in (nodes.math("", "a_i"), nodes.math_block("", r"\frac{a}{b}")):
        with pytest.raises(nodes.SkipNode):
            docs("conf").formula(writer, node)
    assert "<msub>" in writer.body[0] and 'display="block"' not in writer.body[0]
    assert "<mfrac>" in writer.body[1] and 'display="block"' in writer.body[1]
    assert writer.body[1].startswith('<div class="formula">')
