"""Print what stands elsewhere, so that no script repeats it.

python .ci/show.py command Test     the one line of README's section "## Test"
python .ci/show.py extra lint       the requirements of an extra in pyproject.toml, one per line
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def command(section: str) -> str:
    """The command in the first fenced block of README's section, which must be a single line."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    match = re.search(rf"^## {re.escape(section)}$(.*?)(?=^## |\Z)", readme, re.M | re.S)
    if match is None:
        raise SystemExit(f"README.md has no section '## {section}'")
    block = re.search(r"^```[a-z]*\n(.*?)^```$", match[1], re.M | re.S)
    if block is None:
        raise SystemExit(f"README.md: section '## {section}' has no fenced block")
    lines = block[1].splitlines()
    if len(lines) != 1:
        raise SystemExit(f"README.md: the block of '## {section}' has {len(lines)} lines, not one")
    return lines[0]


def extra(name: str) -> list[str]:
    """The requirements of one extra, without installing the project."""
    try:
        import tomllib
    except ModuleNotFoundError:  # Python 3.10
        from pip._vendor import tomli as tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    if name not in extras:
        raise SystemExit(f"pyproject.toml has no extra '{name}': there are {', '.join(extras)}")
    return list(extras[name])


if __name__ == "__main__":
    what, name = sys.argv[1:]
    print("\n".join({"command": lambda n: [command(n)], "extra": extra}[what](name)))
