"""Callbacks: code that runs at fixed points of training."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from .._support.names import unknown_attribute
from .backup import BackupAndRestore
from .base import Callback
from .basic import (
    CSVLogger,
    GradientNorms,
    LambdaCallback,
    LearningRateScheduler,
    SwapEMAWeights,
    TerminateOnNaN,
)
from .monitors import EarlyStopping, ModelCheckpoint, OptunaPruning, ReduceLROnPlateau

if TYPE_CHECKING:  # they are loaded on use
    from .snapshots import Snapshots
    from .tensorboard import TensorBoard

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "EarlyStopping",
    "GradientNorms",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "OptunaPruning",
    "ReduceLROnPlateau",
    "Snapshots",
    "SwapEMAWeights",
    "TensorBoard",
    "TerminateOnNaN",
]


if not TYPE_CHECKING:  # else type checkers would believe in any name

    def __getattr__(name: str) -> object:
        if name in ("Snapshots", "TensorBoard"):
            return getattr(import_module(f".{name.lower()}", __name__), name)
        raise unknown_attribute("mundur.callbacks", name, __all__)

    def __dir__() -> list[str]:
        return sorted(__all__)
