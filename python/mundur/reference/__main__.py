"""Prints the order in which to read the textbook: ``python -m mundur.reference``."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from . import __doc__ as page
from . import __name__ as package

COURSE = (
    *("activations", "layers.base", "layers.dense", "losses.base", "losses.regression"),
    *("optimizers.base", "optimizers.sgd", "model", "check", "worked_example"),
)


def appendix() -> list[str]:
    """Return the names of all other modules of the textbook, but for this program."""
    folder = Path(__file__).parent
    files = [file.relative_to(folder).with_suffix("") for file in sorted(folder.rglob("*.py"))]
    names = [".".join(file.parts).removesuffix(".__init__") for file in files]
    return [name for name in names if name not in (*COURSE, "__init__", "__main__")]


def entry(name: str) -> str:
    """Return the line of a module: its name, and what its text begins with."""
    text = str(import_module(f"{package}.{name}").__doc__)
    return f"    {name:32}{text.splitlines()[0]}"


def lines() -> Iterator[str]:
    """Yield the notation, the course and the appendix."""
    yield str(page).partition("Examples\n--------")[0].rstrip()
    yield "\nThe course, in this order\n"
    yield from map(entry, COURSE)
    yield "\nThe appendix\n"
    yield from map(entry, appendix())


if __name__ == "__main__":
    print("\n".join(lines()))
