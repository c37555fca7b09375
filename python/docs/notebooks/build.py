"""Makes notebooks of the scripts beside this file: one in Indonesian, one in English, of each.

python python/docs/notebooks/build.py OUT              writes NAME.id.ipynb and NAME.en.ipynb
python python/docs/notebooks/build.py OUT --execute    runs them, too, and keeps what they show

Needs the extra `notebooks`. A script is cells: "# %%" begins one of code, "# %% [markdown] id" and
"# %% [markdown] en" one of text in that language, whose lines stand behind "# ".

In a sheet of exercises "# %% [solution] NAME" begins what students write, from "### BEGIN SOLUTION"
to "### END SOLUTION", and "# %% [test] NAME POINTS" what grades it. Its notebooks lack the
solutions, which NAME.solution.id.ipynb and NAME.solution.en.ipynb have; all cells are marked as
nbgrader has them, whose `generate_assignment` takes the latter.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
LANGUAGES = ("id", "en")
_MARKER = re.compile(
    r"# %%(?: \[markdown\] (?P<language>id|en)"
    r"| \[(?P<part>solution|test)\] (?P<name>\w+(?: \d+)?))?"
)
_SOLUTION = re.compile(r"^( *)### BEGIN SOLUTION\n.*?### END SOLUTION$", re.M | re.S)
_TO_WRITE = {"id": "# TULIS KODE ANDA DI SINI", "en": "# YOUR CODE HERE"}


def scripts() -> list[Path]:
    """The scripts beside this file."""
    return sorted(path for path in HERE.glob("*.py") if path.name != Path(__file__).name)


def cells(text: str, where: str) -> Iterator[tuple[str | None, str]]:
    """The cells of a script: (language, text), where None stands for code.

    In place of a language stands "solution NAME" or "test NAME POINTS" of a cell of exercises.
    """
    kind: str | None = None
    lines: list[str] | None = None
    for number, line in enumerate(text.splitlines(), 1):
        match = _MARKER.fullmatch(line)
        if line.startswith("# %%") and match is None:
            raise ValueError(f"{where}, line {number}: no such cell: {line}")
        if match is None:
            if lines is None:
                raise ValueError(f"{where}, line {number}: before the first cell")
            is_text = kind in LANGUAGES
            if is_text and line and not line.startswith("#"):
                raise ValueError(f"{where}, line {number}: text must stand behind '# '")
            lines.append(line.removeprefix("#").removeprefix(" ") if is_text else line)
            continue
        if lines is not None:
            yield kind, "\n".join(lines).strip()
        kind, lines = match["language"], []
        if match["part"]:
            kind = f"{match['part']} {match['name']}"
    if lines is not None:
        yield kind, "\n".join(lines).strip()


def has_exercises(script: Path) -> bool:
    """Whether there is something for students to write."""
    text = script.read_text(encoding="utf-8")
    return any((kind or "").startswith("solution") for kind, _ in cells(text, script.name))


def _marks(kind: str) -> dict[str, Any]:
    """What nbgrader reads of a cell of exercises."""
    what, name, *points = kind.split()
    is_test = what == "test"
    marks = {
        "schema_version": 3,
        "grade_id": f"{what}-{name}",
        "grade": is_test,
        "solution": not is_test,
        "locked": is_test,
        "task": False,
    }
    return marks | ({"points": int(points[0])} if is_test else {})


def _to_write(text: str, language: str) -> str:
    """A student's cell: the solution is left out."""
    if not _SOLUTION.search(text):
        raise ValueError(f"a solution stands between BEGIN SOLUTION and END SOLUTION; got {text!r}")
    blank = rf"\1{_TO_WRITE[language]}\n\1raise NotImplementedError"
    return _SOLUTION.sub(blank, text)


def notebook(script: Path, language: str, solved: bool = True) -> Any:
    """The notebook of a script in one language, with or without solutions."""
    from nbformat import v4

    made = v4.new_notebook(
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python"},
        }
    )
    for kind, text in cells(script.read_text(encoding="utf-8"), script.name):
        if kind in LANGUAGES and kind != language:
            continue
        new = v4.new_markdown_cell if kind == language else v4.new_code_cell
        if kind != language:  # whoever grades speaks it, too
            text = text.replace('language="en"', f'language="{language}"')
        if kind is not None and kind.startswith("solution") and not solved:
            text = _to_write(text, language)
        # Without an id of its own: the same script is the same notebook.
        cell = new(text, id=f"cell-{len(made.cells)}")
        if kind not in (None, language):
            cell.metadata["nbgrader"] = _marks(kind)
        made.cells.append(cell)
    return made


def main() -> None:
    """Writes every notebook to a folder."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--execute", action="store_true", help="run them; the first error ends it")
    options = parser.parse_args()
    import nbformat

    options.out.mkdir(parents=True, exist_ok=True)
    for script, language, solved in _all():
        made = notebook(script, language, solved)
        apart = ".solution" if solved and has_exercises(script) else ""
        path = options.out / f"{script.stem}{apart}.{language}.ipynb"
        if options.execute and solved:
            from nbclient import NotebookClient

            resources = {"metadata": {"path": str(options.out)}}
            NotebookClient(made, timeout=300, resources=resources, coalesce_streams=True).execute()
        nbformat.validate(made)
        nbformat.write(made, path)
        print(path)


def _all() -> Iterator[tuple[Path, str, bool]]:
    """Each notebook: its script, its language, and whether solutions are in it."""
    for script in scripts():
        for language in LANGUAGES:
            yield script, language, True
            if has_exercises(script):
                yield script, language, False


if __name__ == "__main__":
    main()
