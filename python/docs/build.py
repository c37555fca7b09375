"""Builds the documentation: the pages beside this file, and the reference from the docstrings.

python python/docs/build.py OUT     needs Sphinx (the extra `docs`) and an installed mundur

Any warning is an error, and so is a public name that the index lacks.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import runpy
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import mundur
import mundur.reference

HERE = Path(__file__).resolve().parent
MEND = """\
Sphinx indexes what has a docstring. Give a class or function one; give data one below its line, in
the module whose `__all__` names it, for Sphinx does not follow data to where it was imported from;
or take the name out of `__all__`."""
DIFFERENCES = HERE.parents[1] / "tests" / "keras_differences.py"


def public_modules() -> Iterator[ModuleType]:
    """mundur, the modules among its public names, and the textbook's."""
    yield mundur
    for name in mundur.__all__:
        if inspect.ismodule(getattr(mundur, name)):
            yield getattr(mundur, name)
    yield mundur.reference
    for found in pkgutil.iter_modules(mundur.reference.__path__, "mundur.reference."):
        if not found.name.rpartition(".")[2].startswith("_"):
            yield importlib.import_module(found.name)


def homes(modules: list[ModuleType]) -> dict[str, str]:
    """Where each public name is documented: "mundur.Layer" in "mundur.layers.Layer"."""
    last = {"mundur": 1, "mundur.models": 2}  # these show what is at home elsewhere
    ordered = sorted(modules, key=lambda module: last.get(module.__name__, 0))
    first: dict[int, str] = {}
    found = {}
    for module in ordered:
        for name in public_names(module):
            full = f"{module.__name__}.{name}"
            thing = getattr(module, name)
            # Equal numbers and texts are not the same thing under two names.
            shared = inspect.isclass(thing) or inspect.isfunction(thing)
            found[full] = first.setdefault(id(thing), full) if shared else full
    return found


def public_names(module: ModuleType) -> list[str]:
    """The names of a module's `__all__`, modules and versions aside."""
    names = getattr(module, "__all__", ())
    return [n for n in names if n[0] != "_" and not inspect.ismodule(getattr(module, n))]


def module_page(module: ModuleType, home: dict[str, str]) -> str:
    """A page of everything that a module makes public."""
    title = module.__name__
    lines = [title, "=" * len(title), "", f".. automodule:: {title}", "   :members:"]
    guests = {n: home[f"{title}.{n}"] for n in public_names(module)}
    guests = {n: full for n, full in guests.items() if full != f"{title}.{n}"}
    by_itself = ["Model"] if module is mundur else []
    if guests or by_itself:
        lines.append(f"   :exclude-members: {', '.join([*by_itself, *guests])}")
    lines.append("")
    for name, full in guests.items():
        lines += [f".. index:: {name} ({title})", "", f"- ``{title}.{name}``: see `{full}`", ""]
    if module is mundur:
        lines += [".. autoclass:: mundur.Model", "   :members:", "   :inherited-members:", ""]
    return "\n".join(lines)


def table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    """A list table."""
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for row in [header, *rows]:
        cells = [f"{'* -' if i == 0 else '  -'} {cell}" for i, cell in enumerate(row)]
        lines += [f"   {cell}" for cell in cells]
    return [*lines, ""]


def literal(text: str) -> str:
    """The text in a fixed width."""
    return f"``{text}``" if text else ""


def keras_page() -> str:
    """How this package differs from Keras, from the data that its tests hold it to."""
    data: dict[str, Any] = runpy.run_path(str(DIFFERENCES))
    signatures = [
        (literal(d.where), literal(d.argument), data["KINDS"][d.kind], d.reason)
        for d in data["SIGNATURES"]
    ]
    behaviours = [(literal(d.where), d.here, d.keras, d.reason) for d in data["BEHAVIOURS"]]
    numbers = [(literal(name), reason) for name, reason in data["NUMBERS"].items()]
    return "\n".join(
        [
            (HERE / "keras.rst").read_text(encoding="utf-8"),
            "Behaviour",
            "---------",
            "",
            *table(("Where", "Here", "Keras", "Why"), behaviours),
            "Signatures",
            "----------",
            "",
            *table(("Where", "Argument", "What", "Why"), signatures),
            "Numbers",
            "-------",
            "",
            *table(("Where", "Why"), numbers),
        ]
    )


def write_sources(folder: Path) -> None:
    """The pages by hand and the pages that follow from the code."""
    for path in [HERE / "conf.py", *HERE.glob("*.rst")]:
        shutil.copy(path, folder)
    modules = list(public_modules())
    home = homes(modules)
    for module in modules:
        page = module_page(module, home)
        (folder / f"{module.__name__}.rst").write_text(page, encoding="utf-8")
    listed = "\n".join(f"   {module.__name__}" for module in modules)
    contents = f"Modules\n=======\n\n.. toctree::\n   :maxdepth: 2\n\n{listed}\n"
    (folder / "modules.rst").write_text(contents, encoding="utf-8")
    (folder / "keras.rst").write_text(keras_page(), encoding="utf-8")


def missing_names(inventory: Path) -> list[str]:
    """Public names that the index lacks."""
    from sphinx.util.inventory import InventoryFile

    with inventory.open("rb") as file:
        known = InventoryFile.load(file, "", lambda base, uri: uri)
    indexed = {name for kind, names in known.items() if kind.startswith("py:") for name in names}
    return sorted(set(homes(list(public_modules())).values()) - indexed)


def main(out: str) -> int:
    """Builds the pages into a folder; the exit status."""
    from sphinx.cmd.build import build_main

    with tempfile.TemporaryDirectory() as folder:
        write_sources(Path(folder))
        status = build_main(["-q", "-W", "--keep-going", "-E", "-b", "html", folder, out])
    if status:
        return status
    missing = missing_names(Path(out) / "objects.inv")
    if missing:
        print(f"not in the index: {', '.join(missing)}\n{MEND}", file=sys.stderr)
        return 1
    print(f"{out}/index.html")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    raise SystemExit(main(sys.argv[1]))
