"""What the examples share as commands: their arguments, a folder to write to, a figure.

A figure is at most a foot wide, its letters then a hundredth of that or more: what is projected as
wide as a slide can be read from the last row.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mundur._support.drawing import COLOURS, INDONESIAN, in_language
from mundur.plots.animation import Animation

Run = Callable[[argparse.Namespace], Any]


def run(
    name: str,
    text: str | None,
    arguments: Sequence[str] | None,
    work: Run,
    *,
    epochs: int | str | None = None,
    data: str | None = None,
    words: Mapping[str, str] | None = None,
) -> int:
    """Parse the arguments, let `work` print its story and draw, write NAME.png; 0 if all went well.

    Of an animation, which may be drawn instead, NAME.gif is written, too; NAME.png is its end.

    Parameters
    ----------
    name : str
        Of the example, and of its figure.
    text : str
        The module's docstring, whose first line describes the command.
    arguments : list of str, optional
        Without them those of the command line.
    work : callable
        Takes the options, returns a figure or an Animation. What it raises as ImportError (a
        package is missing) or OSError and ValueError (the data are) is told, not thrown.
    epochs : int or str, optional
        The default of --epochs, or what to say of it where it depends on the data and the option
        is None; without it there is no such option.
    data : str, optional
        What --data names; without it there is no such option.
    words : dict of str to str, optional
        The figure's labels in Indonesian, beside those of `plots`; see `_support.drawing`.
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

        with matplotlib.rc_context(style()):
            drawn = work(options)
            written = write(drawn, options, figure_file, {**INDONESIAN, **(words or {})})
    except ImportError as error:
        print(f"{error}; this example needs: pip install mundur[examples]", file=sys.stderr)
        return 1
    except DataError as error:
        print(f"--data: {error}", file=sys.stderr)
        return 1
    pyplot.close("all")
    for file in written:
        print(f"wrote {file.resolve()}")
    return 0


def style() -> dict[Any, Any]:
    """Letters for a projector, colours for all eyes; for `matplotlib.rc_context`."""
    return {
        "font.size": 13,
        "axes.titlesize": "medium",
        "legend.fontsize": "small",
        "xtick.labelsize": "small",
        "ytick.labelsize": "small",
        "axes.prop_cycle": f"cycler('color', {list(COLOURS)})",
        "image.cmap": "cividis",
    }


def write(
    drawn: Any, options: argparse.Namespace, file: Path, words: Mapping[str, str]
) -> list[Path]:
    """Puts what was drawn into the language of the options, and into its files."""
    if not isinstance(drawn, Animation):
        in_language(drawn, options.language, words).savefig(file, dpi=100)
        return [file]
    draw = drawn.draw
    drawn.draw = lambda frame: (draw(frame), in_language(drawn.figure, options.language, words))
    film = file.with_suffix(".gif")
    drawn.save(film)
    drawn.figure.savefig(file, dpi=100)
    return [film, file]


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
    add_language(parser)
    return parser


def add_language(parser: argparse.ArgumentParser) -> None:
    """The option of the figure's labels."""
    parser.add_argument(
        "--language", choices=("en", "id"), default="en", help="of the figure's labels (default en)"
    )
