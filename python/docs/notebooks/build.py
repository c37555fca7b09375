"""Makes notebooks of the scripts beside this file: one in Indonesian, one in English, of each.

python python/docs/notebooks/build.py OUT              writes NAME.id.ipynb and NAME.en.ipynb
python python/docs/notebooks/build.py OUT --execute    runs them, too, and keeps what they show

Needs the extra `notebooks`. A script is cells: "# %%" begins one of code, "# %% [markdown] id" and
"# %% [markdown] en" one of text in that language, whose lines stand behind "# ".
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
LANGUAGES = ("id", "en")
_MARKER = re.compile(r"# %%(?: \[markdown\] (id|en))?")


def scripts() -> list[Path]:
    """The scripts beside this file."""
    return sorted(path for path in HERE.glob("*.py") if path.name != Path(__file__).name)


def cells(text: str, where: str) -> Iterator[tuple[str | None, str]]:
    """The cells of a script: (language, text), where None stands for code."""
    kind: str | None = None
    lines: list[str] | None = None
    for number, line in enumerate(text.splitlines(), 1):
        match = _MARKER.fullmatch(line)
        if line.startswith("# %%") and match is None:
            raise ValueError(f"{where}, line {number}: no such cell: {line}")
        if match is None:
            if lines is None:
                raise ValueError(f"{where}, line {number}: before the first cell")
            if kind is not None and line and not line.startswith("#"):
                raise ValueError(f"{where}, line {number}: text must stand behind '# '")
            lines.append(line if kind is None else line.removeprefix("#").removeprefix(" "))
            continue
        if lines is not None:
            yield kind, "\n".join(lines).strip()
        kind, lines = match[1], []
    if lines is not None:
        yield kind, "\n".join(lines).strip()


def notebook(script: Path, language: str) -> Any:
    """The notebook of a script in one language."""
    from nbformat import v4

    made = v4.new_notebook(
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python"},
        }
    )
    for kind, text in cells(script.read_text(encoding="utf-8"), script.name):
        if kind in (None, language):
            new = v4.new_code_cell if kind is None else v4.new_markdown_cell
            # Without an id of its own: the same script is the same notebook.
            made.cells.append(new(text, id=f"cell-{len(made.cells)}"))
    return made


def main() -> None:
    """Writes every notebook to a folder."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--execute", action="store_true", help="run them; the first error ends it")
    options = parser.parse_args()
    import nbformat

    options.out.mkdir(parents=True, exist_ok=True)
    for script in scripts():
        for language in LANGUAGES:
            made = notebook(script, language)
            path = options.out / f"{script.stem}.{language}.ipynb"
            if options.execute:
                from nbclient import NotebookClient

                resources = {"metadata": {"path": str(options.out)}}
                NotebookClient(
                    made, timeout=300, resources=resources, coalesce_streams=True
                ).execute()
            nbformat.validate(made)
            nbformat.write(made, path)
            print(path)


if __name__ == "__main__":
    main()
