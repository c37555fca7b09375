"""What figures share: colours that colour-blind eyes tell apart, and the language of labels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .checks import choice

# Okabe and Ito, "Color Universal Design" (2008).
BLUE, VERMILION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, BLACK, YELLOW = "#E69F00", "#56B4E9", "#000000", "#F0E442"
COLOURS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK, YELLOW)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES = ("-", "--", "-.", ":")

# What is the same in both languages, or a name of ours or of the reader's, stands in no table.
# Keys are whole lines; those with a \d, a group or the like are patterns.
INDONESIAN = {
    "accuracy": "akurasi",
    r"class (\d+)": r"kelas \1",
    "converges": "konvergen",
    "diverges": "divergen",
    r"epoch (\d+): loss (.*)": r"epoch \1: galat \2",
    "first feature": "fitur pertama",
    "Gradient norm by layer": "Norma gradien tiap lapisan",
    "input": "masukan",
    r"input →(.*)": r"masukan →\1",
    "layer, from input to output": "lapisan, dari masukan ke keluaran",
    "loss": "galat",
    "metrics": "metrik",
    "overshoots, converges": "melompati minimum, konvergen",
    "Predicted class": "Kelas tebakan",
    "predicted class": "kelas tebakan",
    r"([\d,]+) of ([\d,]+) right \((.*)\)": r"\1 dari \2 benar (\3)",
    "second feature": "fitur kedua",
    "start": "awal",
    r"(\d+) steps": r"\1 langkah",
    "training": "pelatihan",
    "true class": "kelas sebenarnya",
    "validation": "validasi",
    "weights": "bobot",
    "weights: blue, solid > 0; vermilion, dashed < 0": (
        "bobot: biru, garis penuh > 0; jingga, putus-putus < 0"
    ),
    "‖∂L/∂(weights of the layer)‖": "‖∂L/∂(bobot lapisan)‖",
    # Parts that are joined: "accuracy, training", "η = 0.1: diverges".
    r"(.+), (training|validation)": "{1}, {2}",
    r"(η = \S+): (.+)": "{1}: {2}",
}


def language_value(value: Any) -> str:
    """That of a figure's labels."""
    return str(choice(value, "language", "en", "id"))


def indonesian(text: str, words: Mapping[str, str]) -> str:
    """A label, line by line; what the table does not know stays as it is."""
    if "\n" in text and text not in words:
        return "\n".join(indonesian(line, words) for line in text.split("\n"))
    if text in words:
        return words[text]
    for pattern, new in words.items():
        found = re.fullmatch(pattern, text)
        if found and "{" in new:  # whose parts are labels, too
            return new.format("", *(indonesian(part, words) for part in found.groups()))
        if found:
            return found.expand(new)
    return text


def in_language(drawn: Any, language: str, words: Mapping[str, str] = INDONESIAN) -> Any:
    """The axes (one or an array) or the figure that came, its labels in this language."""
    if language == "en":
        return drawn
    from matplotlib.text import Text
    from matplotlib.ticker import FixedLocator, FuncFormatter

    for part in drawn.ravel() if hasattr(drawn, "ravel") else [drawn]:
        for axis in part.axes if isinstance(part.axes, list) else [part]:
            for side in (axis.xaxis, axis.yaxis):
                named = isinstance(side.get_major_formatter(), FuncFormatter)
                if named and isinstance(side.get_major_locator(), FixedLocator):
                    labels = [label.get_text() for label in side.get_ticklabels()]
                    side.set_ticklabels([indonesian(label, words) for label in labels])
        for text in part.findobj(Text):
            if text.get_text():
                text.set_text(indonesian(text.get_text(), words))
    return drawn
