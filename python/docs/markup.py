"""Pieces of reStructuredText."""

from __future__ import annotations

import re

_MARKUP = re.compile(r"(?<=\w)_(?!\w)|[|]|[*](?! )")
_CODE = re.compile(r"(``.*?``|`.*?`)")


def escaped(text: str) -> str:
    """A line of a docstring: |x|, *args and val_... in it are no markup."""
    parts = _CODE.split(text)
    parts[::2] = [re.sub(_MARKUP, r"\\\g<0>", part) for part in parts[::2]]
    return "".join(parts)


def heading(text: str, line: str) -> list[str]:
    """A title, or a section's."""
    return [text, line * len(text), ""]


def table(
    header: tuple[str, ...], rows: list[tuple[str, ...]], widths: tuple[int, ...]
) -> list[str]:
    """A list table, whose columns have these shares of its width."""
    lines = [
        *(".. list-table::", "   :header-rows: 1", "   :width: 100%"),
        f"   :widths: {' '.join(map(str, widths))}",
        "",
    ]
    for row in [header, *rows]:
        cells = [f"{'* -' if i == 0 else '  -'} {cell}" for i, cell in enumerate(row)]
        lines += [f"   {cell}" for cell in cells]
    return [*lines, ""]


def literal(text: str) -> str:
    """The text in a fixed width."""
    return f"``{text}``" if text else ""
