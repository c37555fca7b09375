"""What the examples share as commands: their arguments, a folder to write to, a figure."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

Run = Callable[[argparse.Namespace], Any]


def run(
    name: str,
    text: str | None,
    arguments: Sequence[str] | None,
    work: Run,
    *,
    epochs: int | str | None = None,
    data: str | None = None,
) -> int:
    """Parse the arguments, let `work` print its story and draw, write NAME.png; 0 if all went well.

    Parameters
    ----------
    name : str
        Of the example, and of its figure.
    text : str
        The module's docstring, whose first line describes the command.
    arguments : list of str, optional
        Without them those of the command line.
    work : callable
        Takes the options, returns a figure. What it raises as ImportError (a package is missing)
        or OSError and ValueError (the data are) is told, not thrown.
    epochs : int or str, optional
        The default of --epochs, or what to say of it where it depends on the data and the option
        is None; without it there is no such option.
    data : str, optional
        What --data names; without it there is no such option.
    """
    options = _parser(name, text, epochs, data).parse_args(arguments)
    figure_file = options.out / f"{name}.png"
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        figure_file.touch()
    except OSError as error:
        print(f"--out: {error}", file=sys.stderr)
        return 1
    try:
        import matplotlib

        matplotlib.use("Agg")  # a file, not a window
        from matplotlib import pyplot

        figure = work(options)
    except ImportError as error:
        print(f"{error}; this example needs: pip install mundur[examples]", file=sys.stderr)
        return 1
    except DataError as error:
        print(f"--data: {error}", file=sys.stderr)
        return 1
    figure.savefig(figure_file, dpi=100)
    pyplot.close(figure)
    print(f"wrote {figure_file.resolve()}")
    return 0


class DataError(Exception):
    """The files under --data are missing or not what they should be."""


def positive(text: str) -> int:
    """A positive integer of the command line."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a positive integer, got {text}")
    return value


def _parser(
    name: str, text: str | None, epochs: int | str | None, data: str | None
) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m mundur.examples.{name}", description=(text or "").split("\n")[0]
    )
    if data is not None:
        parser.add_argument("--data", type=Path, help=f"folder of {data}")
    if isinstance(epochs, str):
        parser.add_argument("--epochs", type=positive, help=epochs)
    elif epochs is not None:
        parser.add_argument("--epochs", type=positive, default=epochs, help=f"default {epochs}")
    parser.add_argument("--out", type=Path, default=Path(), help="folder to write to (default .)")
    parser.add_argument("--seed", type=int, default=0, help="fixes every bit (default 0)")
    return parser
