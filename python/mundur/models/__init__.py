"""Keras's place for `Model`, `Sequential` and `load_model`, and for models made of models.

>>> from mundur.models import Sequential, load_model
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._support.names import unknown_attribute
from .model import Model

if TYPE_CHECKING:
    from ..saving import load_model, model_from_json
    from .clone import clone_model

__all__ = ["Model", "Sequential", "clone_model", "load_model", "model_from_json"]

Sequential = Model


if not TYPE_CHECKING:  # else type checkers would believe in any name

    def __getattr__(name: str) -> object:
        if name == "clone_model":
            from .clone import clone_model

            return clone_model
        if name in ("load_model", "model_from_json"):
            from .. import saving

            return getattr(saving, name)
        raise unknown_attribute("mundur.models", name, __all__)

    def __dir__() -> list[str]:
        return sorted(__all__)
