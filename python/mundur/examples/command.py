"""What the examples share as commands: their arguments, a folder to write to, a figure.

A figure is at most a foot wide, its letters then a hundredth of that or more: what is projected as
wide as a slide can be read from the last row.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mundur._support.drawing import COLOURS, INDONESIAN, in_language, indonesian
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
        The figure's labels, and the lines that are printed, in Indonesian, beside those of `plots`;
        see `_support.drawing`.
    """
    options = _parser(name, text, epochs, data).parse_args(arguments)
    with telling(options.language, words or {}):
        return _run(name, options, work, words or {})


def _run(name: str, options: argparse.Namespace, work: Run, words: Mapping[str, str]) -> int:
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
            written = write(drawn, options, figure_file, {**INDONESIAN, **words})
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


# What several examples print.
PRINTED = {
    r"epoch( +\d+): loss (.*)": r"epoch\1: galat \2",
    "prediction": "prediksi",
    r"([\d,]+) samples to train on, ([\d,]+) to test": r"\1 sampel latih, \2 sampel uji",
    r"([\d,]+ samples to train on, [\d,]+ to test), (\d+) features": "{1}, {2} fitur",
    "test accuracy": "akurasi uji",
    r"test accuracy: (.*)": r"akurasi uji: \1",
    r"wrote (.*)": r"ditulis: \1",
}


def lines(english: str, indonesian: str) -> dict[str, str]:
    """A table of a text's lines."""
    return dict(zip(english.splitlines(), indonesian.splitlines(), strict=True))


def table(words: Mapping[str, str]) -> dict[str, str]:
    """An example's own words, and behind them those that all have."""
    return dict(words) | {k: v for k, v in (INDONESIAN | PRINTED).items() if k not in words}


@contextlib.contextmanager
def telling(language: str, words: Mapping[str, str]) -> Iterator[None]:
    """What is printed meanwhile is in this language, as far as the table goes."""
    if language == "en":
        yield
        return
    told = Telling(sys.stdout, table(words))
    with contextlib.redirect_stdout(told):
        yield
        told.flush()


class Telling:
    """A stream that puts lines into Indonesian; what is flushed before a line's end stays."""

    def __init__(self, out: Any, words: Mapping[str, str]) -> None:
        self._out, self._words, self._begun = out, words, ""

    def write(self, text: str) -> int:
        """Writes whole lines, and keeps what has no end yet."""
        *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            self._out.write(told(line, self._words) + "\n")
        return len(text)

    def flush(self) -> None:
        """Writes what there is."""
        self._out.write(self._begun)
        self._out.flush()
        self._begun = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._out, name)


def told(line: str, words: Mapping[str, str]) -> str:
    """A line in Indonesian: as a whole, or else cell by cell, which two spaces part.

    The first cell begins where it began, others, headings of numbers, end where they ended.
    """
    whole = indonesian(line, words)
    if whole != line:
        return whole
    text, owed = "", 0  # owed are columns that what stands before takes too many
    first, *rest = re.split(r"( {2,})", line)
    if not first and rest and len(rest[0]) <= 4:
        text, first, rest = rest[0], rest[1], rest[2:]
    new = indonesian(first, words)
    text, owed = text + new, len(new) - len(first)
    for gap, cell in zip(rest[::2], rest[1::2], strict=True):
        new = indonesian(cell, words)
        room = len(gap) - owed - (len(new) - len(cell))
        text, owed = text + " " * max(1, room) + new, max(1, room) - room
    return text


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
    """The option of what is told and drawn."""
    parser.add_argument(
        "--language", choices=("en", "id"), default="en", help="of text and figure (default en)"
    )
