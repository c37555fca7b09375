"""Keras's place for `Model`, `Sequential` and `load_model`.

>>> from mundur.models import Sequential, load_model
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._support.names import unknown_attribute
from .model import Model

if TYPE_CHECKING:
    from ..saving import load_model

__all__ = ["Model", "Sequential", "load_model"]

Sequential = Model


if not TYPE_CHECKING:  # else type checkers would believe in any name

    def __getattr__(name: str) -> object:
        if name == "load_model":
            from ..saving import load_model

            return load_model
        raise unknown_attribute("mundur.models", name, __all__)

    def __dir__() -> list[str]:
        return sorted(__all__)
