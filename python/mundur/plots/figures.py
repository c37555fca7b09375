"""What all figures share."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..callbacks.history import AxesArray

__all__ = ["COLOURS", "DASHES", "MARKERS", "axes_for", "pyplot"]

# Okabe and Ito, "Color Universal Design" (2008).
BLUE, VERMILION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, BLACK, YELLOW = "#E69F00", "#56B4E9", "#000000", "#F0E442"
COLOURS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK, YELLOW)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES = ("-", "--", "-.", ":")


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
