"""Callbacks: code that runs at fixed points of training."""

from __future__ import annotations

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
        raise unknown_attribute("mundur.callbacks", name, __all__)

    def __dir__() -> list[str]:
        return sorted(__all__)
