"""Models in files: what a file holds, and how it is read without trust; imported on use."""

from __future__ import annotations

from .description import custom_objects, describe
from .format import (
    from_bytes,
    load_model,
    load_weights,
    read_model,
    save_model,
    save_weights,
    to_bytes,
)

__all__ = [
    "custom_objects",
    "describe",
    "from_bytes",
    "load_model",
    "load_weights",
    "read_model",
    "save_model",
    "save_weights",
    "to_bytes",
]
