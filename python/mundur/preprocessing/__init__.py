"""Keras's place for what makes samples of sequences: `sequence`, and windows of a time series."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._support.names import unknown_attribute
from ..data.windows import timeseries_dataset_from_array
from . import sequence

__all__ = ["sequence", "timeseries_dataset_from_array"]

if not TYPE_CHECKING:  # else type checkers would believe in any name

    def __getattr__(name: str) -> object:
        raise unknown_attribute("mundur.preprocessing", name, __all__)

    def __dir__() -> list[str]:
        return sorted(__all__)
