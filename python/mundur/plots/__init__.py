"""Figures of models, training and predictions, drawn with Matplotlib, which is imported on use.

Every function takes axes to draw on, or makes some, and returns them:
``axes.figure.savefig("figure.png")`` writes the figure. `animate` alone returns an `Animation`.
Colours are those of Okabe and Ito (2008), which colour-blind eyes tell apart; what colour says,
line styles, markers or numbers say too. ``language="id"`` labels in Indonesian.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._support.names import unknown_attribute
from .animation import Animation, animate
from .classes import confusion, decision_boundary
from .connections import graph
from .curves import descent, gradient_flow
from .units import network

__all__ = [
    "Animation",
    "animate",
    "confusion",
    "decision_boundary",
    "descent",
    "gradient_flow",
    "graph",
    "network",
]


if not TYPE_CHECKING:  # else type checkers would believe in any name

    def __getattr__(name: str) -> object:
        raise unknown_attribute("mundur.plots", name, __all__)

    def __dir__() -> list[str]:
        return sorted(__all__)
