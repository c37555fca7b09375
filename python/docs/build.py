"""Builds the documentation: the pages beside this file, the examples, the docstrings' reference.

python python/docs/build.py OUT     needs the extra `docs` and an installed mundur

The code of pages and of the course's lessons is run, and draws their figures; so are the examples,
whose figures and output stay in OUT/.examples as long as the package is the same. Any warning is an
error, and so is a public name that the index lacks.
"""

from __future__ import annotations

import doctest
import importlib
import inspect
import os
import pkgutil
import re
import runpy
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import course
import gallery
import mundur
import mundur.reference
from markup import escaped, heading, literal, table

HERE = Path(__file__).resolve().parent
README = HERE.parents[1] / "README.md"
MEND = """\
Sphinx indexes what has a docstring. Give a class or function one; give data one below its line, in
the module whose `__all__` names it, for Sphinx does not follow data to where it was imported from;
or take the name out of `__all__`."""
DIFFERENCES = HERE.parents[1] / "tests" / "keras_differences.py"
SKLEARN_DIFFERENCES = HERE.parents[1] / "tests" / "sklearn_differences.py"

# The layers by what they are for.
LAYERS = {
    "Core": "Layer Input InputLayer Dense Embedding Masking",
    "Convolution and pooling": (
        "Conv1D Conv1DTranspose DepthwiseConv1D SeparableConv1D UpSampling1D Cropping1D "
        "MaxPooling1D AveragePooling1D GlobalMaxPooling1D GlobalAveragePooling1D "
        "Conv2D Conv2DTranspose DepthwiseConv2D SeparableConv2D UpSampling2D Cropping2D "
        "MaxPooling2D AveragePooling2D GlobalMaxPooling2D GlobalAveragePooling2D"
    ),
    "Images": (
        "RandomFlip RandomTranslation RandomRotation RandomZoom RandomCrop RandomContrast Resizing "
        "CenterCrop"
    ),
    "Recurrent": "SimpleRNN LSTM GRU",
    "Normalising": (
        "BatchNormalization LayerNormalization GroupNormalization UnitNormalization Normalization "
        "Rescaling"
    ),
    "Regularising": (
        "Dropout SpatialDropout1D SpatialDropout2D AlphaDropout GaussianDropout GaussianNoise "
        "ActivityRegularization"
    ),
    "Shape": "Flatten Reshape Permute RepeatVector ZeroPadding1D ZeroPadding2D",
    "Encoding": ("CategoryEncoding Discretization IntegerLookup StringLookup TextVectorization"),
    "Wrappers": "Bidirectional TimeDistributed Residual Lambda",
    "Merging": "Add Subtract Multiply Average Maximum Minimum Concatenate Dot",
    "Activations": "Activation ReLU LeakyReLU PReLU ELU Softmax",
}


# ---- the reference -------------------------------------------------------------------------------


def public_modules() -> Iterator[ModuleType]:
    """mundur, the modules among its public names, and the textbook's."""
    yield mundur
    for name in mundur.__all__:
        if inspect.ismodule(getattr(mundur, name)):
            yield getattr(mundur, name)
    yield importlib.import_module("mundur.sklearn")
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
    lines = [*heading(title, "="), f".. automodule:: {title}", "   :members:"]
    guests = {n: home[f"{title}.{n}"] for n in public_names(module)}
    guests = {n: full for n, full in guests.items() if full != f"{title}.{n}"}
    if module is mundur:
        guests["Model"] = "mundur.Model"  # which has a page of its own
    if guests:
        lines.append(f"   :exclude-members: {', '.join(guests)}")
    lines.append("")
    for name, full in guests.items():
        lines += [f".. index:: {name} ({title})", "", f"- ``{title}.{name}``: see `{full}`", ""]
    return "\n".join(lines)


def layers_page(module: ModuleType) -> str:
    """The layers by kind: at first their names alone, then each."""
    title = module.__name__
    lines = [*heading(title, "="), f".. automodule:: {title}", ""]
    lines += table(
        ("Kind", "Layers"),
        [(kind, re.sub(r"\w+", r"`\g<0>`", names)) for kind, names in LAYERS.items()],
        widths=(25, 75),
    )
    for kind, names in LAYERS.items():
        lines += heading(kind, "-")
        for name in names.split():
            what = "class" if inspect.isclass(getattr(module, name)) else "function"
            shown = ["   :members:"] * (what == "class")
            if name == "Layer":  # what a subclass writes stands in a base of its own
                shown.append("   :inherited-members: Configurable")
            lines += [f".. auto{what}:: {title}.{name}", *shown, ""]
    return "\n".join(lines)


def model_page() -> str:
    """The class that everything else is for."""
    lines = [*heading("mundur.Model", "="), ".. autoclass:: mundur.Model"]
    return "\n".join([*lines, "   :members:", "   :inherited-members:", ""])


def contents(title: str, modules: list[ModuleType]) -> str:
    """What each module holds, in a line."""
    names = [module.__name__ for module in modules]
    rows = [
        (f":doc:`{name} <{name}>`", escaped(str(module.__doc__).partition("\n")[0]))
        for name, module in zip(names, modules, strict=True)
    ]
    lines = [*heading(title, "="), *table(("Module", "What it holds"), rows, (40, 60))]
    return "\n".join([*lines, ".. toctree::", "   :hidden:", "", *(f"   {n}" for n in names), ""])


# ---- pages ---------------------------------------------------------------------------------------
def pages() -> list[Path]:
    """The pages by hand."""
    return sorted(HERE.glob("*.rst"))


def run_code(page: Path, folder: Path) -> None:
    """Runs a page's code in a folder, which gets what the code writes."""
    import matplotlib

    matplotlib.use("agg")
    before = Path.cwd()
    os.chdir(folder)
    try:
        failed, _ = doctest.testfile(str(page), module_relative=False, encoding="utf-8")
    finally:
        os.chdir(before)
    if failed:
        raise SystemExit(f"{page}: its code does something else than it says")


def ten_lines() -> str:
    """README's first code."""
    found = re.search(r"^```python\n(.*?)^```$", README.read_text(encoding="utf-8"), re.M | re.S)
    assert found
    return found[1]


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
            *table(("Where", "Here", "Keras", "Why"), behaviours, (22, 24, 21, 33)),
            "Signatures",
            "----------",
            "",
            *table(("Where", "Argument", "What", "Why"), signatures, (27, 23, 15, 35)),
            "Numbers",
            "-------",
            "",
            *table(("Where", "Why"), numbers, (38, 62)),
        ]
    )


def sklearn_page() -> str:
    """Which of scikit-learn's own tests its estimators here do not pass, and why."""
    data: dict[str, Any] = runpy.run_path(str(SKLEARN_DIFFERENCES))
    rows = [(literal(d.test), data["KINDS"][d.kind], d.reason) for d in data["DIFFERENCES"]]
    page = (HERE / "sklearn.rst").read_text(encoding="utf-8")
    return "\n".join([page, *table(("Test", "What", "Why"), rows, (30, 25, 45))])


# ---- all of it -----------------------------------------------------------------------------------
def write_sources(folder: Path, kept: Path) -> None:
    """The pages by hand and the pages that follow from the code."""
    for path in [HERE / "conf.py", HERE / "mundur.css", HERE / "digits.png", *pages()]:
        shutil.copy(path, folder)
    (folder / "ten_lines.py").write_text(ten_lines(), encoding="utf-8")
    for page in pages():
        run_code(page, folder)
    course.write(folder, run_code)
    gallery.write(folder, kept)
    modules = list(public_modules())
    home = homes(modules)
    for module in modules:
        page = layers_page(module) if module is mundur.layers else module_page(module, home)
        (folder / f"{module.__name__}.rst").write_text(page, encoding="utf-8")
    textbook = [module for module in modules if module.__name__.startswith("mundur.reference")]
    package = [module for module in modules if module not in textbook]
    for name, page in (
        ("mundur.Model", model_page()),
        ("modules", contents("Modules", package)),
        ("textbook", contents("The textbook", textbook)),
        ("keras", keras_page()),
        ("sklearn", sklearn_page()),
    ):
        (folder / f"{name}.rst").write_text(page, encoding="utf-8")


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
        write_sources(Path(folder), Path(out).resolve() / ".examples")
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
