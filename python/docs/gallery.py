"""The gallery: the examples are run, and shown with what they drew and printed."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import mundur
from markup import heading
from mundur.examples.__main__ import EXAMPLES

HERE = Path(__file__).resolve().parent


def package_hash() -> str:
    """What tells this package from any other."""
    digest = hashlib.sha256()
    for path in sorted(Path(mundur.__file__).parent.rglob("*")):
        if path.suffix in (".py", ".so"):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def ran(name: str, package: str, kept: Path) -> Path:
    """The folder of what an example wrote and printed, which is run where this package did not."""
    folder = kept / name
    stamp, printed = folder / "package.txt", folder / "printed.txt"
    if not stamp.exists() or stamp.read_text() != package:
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", f"mundur.examples.{name}"]
        with printed.open("w", encoding="utf-8") as file:
            subprocess.run(command, cwd=folder, stdout=file, check=True, timeout=600)
        stamp.write_text(package)
    return folder


def write(folder: Path, kept: Path) -> None:
    """A page for each example, and their figures side by side."""
    listed = [".. toctree::", "   :hidden:", "", *(f"   example_{name}" for name in EXAMPLES)]
    shown = [(HERE / "gallery.rst").read_text(encoding="utf-8"), *listed]
    package = package_hash()
    for name, what in EXAMPLES.items():
        source = Path(mundur.__file__).parent / "examples" / f"{name}.py"
        result = ran(name, package, kept)
        shutil.copy(source, folder)
        shutil.copy(result / "printed.txt", folder / f"{name}.txt")
        page = [*heading(name, "="), f".. automodule:: mundur.examples.{name}", "   :no-index:", ""]
        shown += [
            "",
            ".. container:: example",
            "",
            f"   :doc:`{name} <example_{name}>`: {what}",
            "",
        ]
        written = [result / f"{name}.{ending}" for ending in ("gif", "png")]
        made = next((file for file in written if file.exists()), None)
        if made is not None:
            figure = f"example_{made.name}"
            shutil.copy(made, folder / figure)
            page += [f".. image:: {figure}", f"   :alt: what {name} draws", ""]
            shown += [f"   .. image:: {figure}", f"      :target: example_{name}.html", ""]
        else:
            lines = (result / "printed.txt").read_text(encoding="utf-8").count("\n")
            shown += [f"   .. literalinclude:: {name}.txt", f"      :lines: -{min(lines, 14)}"]
            shown += ["      :language: text", ""]
        for title, file in (("What it prints", f"{name}.txt"), ("Its code", f"{name}.py")):
            language = "python" if file.endswith(".py") else "text"
            page += [*heading(title, "-"), f".. literalinclude:: {file}"]
            page += [f"   :language: {language}", ""]
        (folder / f"example_{name}.rst").write_text("\n".join(page), encoding="utf-8")
    (folder / "gallery.rst").write_text("\n".join(shown), encoding="utf-8")
