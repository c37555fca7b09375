"""What a network of the self-test is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..layers.base import Layer
from ..losses.base import Loss
from ..optimizers.base import Optimizer

__all__ = ["Case"]


@dataclass(frozen=True)
class Case:
    """A small network, what it learns from, and how."""

    name: str
    shape: tuple[int, ...]
    layers: Callable[[], list[Layer]]
    loss: Callable[[], Loss]
    optimizer: Callable[[], Optimizer]
    targets: str  # "numbers", "counts", "bits", "rows" (one-hot) or "labels"
    samples: int
    batch: int
    weighted: bool = False
    images: bool = False  # uint8 features
    ids: int = 0  # features are ids below that
    connect: Callable[[Any, list[Any]], Any] | None = None  # what a graph makes of its input
