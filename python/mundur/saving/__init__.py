"""Models in files: what a file holds, and how it is read without trust; imported on use."""

from __future__ import annotations

from .._support.registered import register_keras_serializable
from .format import load_model, model_from_json

__all__ = ["load_model", "model_from_json", "register_keras_serializable"]


def __dir__() -> list[str]:
    return sorted(__all__)
