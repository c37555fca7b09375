"""What all figures share."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._support.drawing import (
    BLACK,
    BLUE,
    COLOURS,
    DASHES,
    GREEN,
    MARKERS,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    YELLOW,
    in_language,
    language_value,
)
from ..callbacks.history import AxesArray

__all__ = [
    "BLACK",
    "BLUE",
    "COLOURS",
    "DASHES",
    "GREEN",
    "MARKERS",
    "ORANGE",
    "PURPLE",
    "SKY",
    "VERMILION",
    "YELLOW",
    "axes_for",
    "in_language",
    "language_value",
    "pyplot",
]


def pyplot() -> Any:
    """`matplotlib.pyplot`, or an ImportError that says how to get it."""
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError("figures need Matplotlib: pip install mundur[examples]") from error
    return pyplot


def axes_for(axes: Any, count: int = 1, size: tuple[float, float] = (5.0, 4.0)) -> Any:
    """The given axes, checked, or new ones side by side: an array of so many."""
    if axes is None:
        _, made = pyplot().subplots(
            1, count, figsize=(size[0] * count, size[1]), squeeze=False, layout="constrained"
        )
        return made[0].view(AxesArray)
    given = np.atleast_1d(np.asarray(axes, dtype=object)).ravel()
    if len(given) < count or not all(hasattr(axis, "plot") for axis in given):
        raise ValueError(f"axes must hold {count} Matplotlib axes; got {axes!r}")
    return given[:count].view(AxesArray)
