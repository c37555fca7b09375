"""Models in files: what a file holds, and how it is read without trust; imported on use."""

from __future__ import annotations

from .format import load_model

__all__ = ["load_model"]
