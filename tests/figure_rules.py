"""What the examples keep to: letters for the last row, colours for all eyes, both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from mundur._support.drawing import COLOURS, in_language, indonesian  # palette, words
from mundur.examples import command
from mundur.plots.animation import Animation  # nobody makes one himself

# Of the figure's width: on a slide of 13.3 inches 9.6 points.
SMALLEST = 0.01
# Words of three letters or more that are the same in Indonesian, or names of ours.
SAME_WORDS = """
adam batch bagus boring book dense dropout elu epoch exponential filmnya flip gelu glorot_uniform
gelu_tanh hard_sigmoid hard_silu he_normal huber leaky_relu kernel linear log log_softmax logcosh
meanabsoluteerror meansquarederror mini minimum mish momentum mse noise normal orthogonal relu
rmsprop lstm sekali selu sgd shift sigmoid silu softmax softplus softsign sparse target
tanh the tidak unit not all nan kib mundur
"""


def texts(figure: Any) -> list[Any]:
    """All that can be read in it, once it is drawn."""
    from matplotlib.text import Text

    found = [t for t in figure.findobj(Text) if t.get_text().strip() and t.get_visible()]
    return [t for t in found if t.axes is None or t.axes.axison or t in t.axes.texts]


def small(figure: Any) -> set[str]:
    """What is too small for a projector."""
    width = 72 * figure.get_figwidth()
    return {t.get_text() for t in texts(figure) if t.get_fontsize() < SMALLEST * width - 1e-9}


def strange_colours(figure: Any) -> set[str]:
    """Colours of lines that are neither grey nor of the palette."""
    from matplotlib.colors import to_hex, to_rgb
    from matplotlib.lines import Line2D

    found = {to_hex(line.get_color()) for line in figure.findobj(Line2D)}
    known = {colour.lower() for colour in COLOURS}
    return {c for c in found if c not in known and len(set(to_rgb(c))) > 1}


def untranslated(figure: Any, words: Mapping[str, str], names: str = "") -> set[str]:
    """What is English in Indonesian, too; leaves the figure in Indonesian."""
    before = {id(t): (t, t.get_text()) for t in texts(figure)}
    in_language(figure, "id", words)
    figure.set_layout_engine("none")  # its ticks are written anew, and stay where they are
    figure.draw_without_rendering()
    same = {old for t, old in before.values() if t.get_text() == old}
    # Formulas of TeX, such as the numbers of an axis, have no words.
    return english({text for text in same if "$" not in text}, names)


def untold(text: str, words: Mapping[str, str], names: str = "") -> set[str]:
    """What is printed in English where it should be Indonesian: lines, or cells of a table."""
    table = command.table(words)
    text = re.sub(r"(?s).*\nMemory of a training step[^\n]*", "", text)  # what `summary` says
    text = re.sub(r"(?m)^(Fits|Refit): \d+ of \d+ - .*$", "", text)  # and a search's progress
    lines = [line for line in text.splitlines() if indonesian(line, table) == line]
    cells = {cell for line in lines for cell in re.split(" {2,}", line)}
    return english({cell for cell in cells if indonesian(cell, table) == cell}, names)


def english(texts: set[str], names: str) -> set[str]:
    """Those that have words which are neither the same in both languages nor names."""
    same_words = {*SAME_WORDS.split(), *names.split()}
    words_of = {text: re.findall(r"[a-z_]{3,}", text.lower()) for text in texts}
    return {text for text in texts if {w.strip("_") for w in words_of[text]} - same_words}


@contextmanager
def checked(names: str = "") -> Iterator[list[Any]]:
    """Holds every figure that an example writes against the rules; the figures.

    Of what data and layers are called, `names`, nobody expects that it is translated.
    """
    seen: list[Any] = []
    write = command.write

    def looked_at(drawn: Any, options: Any, file: Any, words: Mapping[str, str]) -> Any:
        written = write(drawn, options, file, words)
        figure = drawn.figure if isinstance(drawn, Animation) else drawn
        assert not small(figure), small(figure)
        assert not strange_colours(figure), strange_colours(figure)
        # Other data have words of their own.
        if options.language == "en" and getattr(options, "data", None) is None:
            english = untranslated(figure, words, names)
            assert not english, english
        seen.append(figure)
        return written

    command.write = looked_at  # type: ignore[assignment]
    try:
        yield seen
    finally:
        command.write = write
