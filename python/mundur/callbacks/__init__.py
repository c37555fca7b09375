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

if TYPE_CHECKING:  # it is loaded on use
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
    "SwapEMAWeights",
    "TensorBoard",
    "TerminateOnNaN",
]


if not TYPE_CHECKING:  # else type checkers would believe in any name

    def __getattr__(name: str) -> object:
        if name == "TensorBoard":
            return getattr(import_module(".tensorboard", __name__), name)
        raise unknown_attribute("mundur.callbacks", name, __all__)

    def __dir__() -> list[str]:
        return sorted(__all__)
