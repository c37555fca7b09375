"""The course: each lesson is one file that holds both languages around the same code.

In a lesson's source a line ".. id" or ".. en" begins text in that language, ".. both" what the two
have in common: code and formulas. reStructuredText takes these lines for comments.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import mundur

HERE = Path(__file__).resolve().parent / "course"
LANGUAGES = ("id", "en")
_MARKER = re.compile(r"\.\. (id|en|both)")
_OTHER = {
    "id": "*In English:* :doc:`/course/en/{}`",
    "en": "*Dalam bahasa Indonesia:* :doc:`/course/id/{}`",
}


def lessons() -> list[Path]:
    """The lessons, and the index, which has their order."""
    return sorted(HERE.glob("*.rst"))


def parts(text: str, where: str) -> Iterator[tuple[str, str]]:
    """The parts of a lesson: (language or "both", text)."""
    kind, lines = "", [""]
    for number, line in enumerate(text.splitlines(), 1):
        if match := _MARKER.fullmatch(line):
            if kind:
                yield kind, "\n".join(lines).strip("\n")
            kind, lines = match[1], []
        elif line and not kind:
            raise ValueError(f"{where}, line {number}: before the first line of a language")
        else:
            lines.append(line)
    yield kind, "\n".join(lines).strip("\n")


def page(lesson: Path, language: str) -> str:
    """A lesson in one language, and below its title the way to the other."""
    found = list(parts(lesson.read_text(encoding="utf-8"), lesson.name))
    title, _, rest = "\n\n".join(t for k, t in found if k in (language, "both")).partition("\n\n")
    return "\n\n".join([title, _OTHER[language].format(lesson.stem), rest]) + "\n"


def write(folder: Path, run_code: Callable[[Path, Path], None]) -> None:
    """The pages of both languages, the figures that their code draws, and the textbook's code."""
    course = folder / "course"
    shutil.copytree(
        Path(mundur.__file__).parent / "reference",
        course / "reference",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    for language in LANGUAGES:
        (course / language).mkdir()
    for lesson in lessons():
        run_code(lesson, course)
        for language in LANGUAGES:
            (course / language / lesson.name).write_text(page(lesson, language), encoding="utf-8")
