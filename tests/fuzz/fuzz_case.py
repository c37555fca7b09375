"""A random model and its training as plain data, of which nothing is built yet.

A piece is (name of a class, its arguments), so that a case prints as what makes it again.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

Piece = tuple[str, dict[str, Any]]
Shape = tuple[int, ...]
PYTHON_LOSS: Piece = ("Squares", {})


@dataclass(frozen=True)
class Case:
    """One model, its data and how it is trained; what is left out is the plainest."""

    layers: tuple[Piece, ...]
    loss: Piece = ("MeanSquaredError", {})
    targets: str = "real"  # as in cases.LossCase
    shape: Shape = (3,)
    ids: int = 0  # samples are ids below that
    pads: bool = False  # whether there is a 0 among the ids, or a step for Masking to find
    optimizer: Piece = ("SGD", {"learning_rate": 0.05})
    metrics: tuple[str, ...] = ()
    dtype: str = "float32"  # or "float64", or a kind of bfloat16 for products in it
    features: str = "float64"  # the dtype of x, or "strided"
    augment: bool = False
    samples: int = 5
    batch_size: int | str = "full"
    epochs: int = 1
    shuffle: bool | str = False
    weights: str = "none"  # or "plain", "zeros" (some are), "nan" (which those rows hold)
    class_weight: bool = False
    frozen: tuple[str, ...] = ()
    places: tuple[tuple[str, int], ...] = (("generic", 2),)  # instruction sets and threads
    seed: int = 0

    def text(self) -> str:
        """Python that makes the case again."""
        given = [(f.name, getattr(self, f.name), f.default) for f in fields(self)]
        lines = [f"    {name}={value!r},\n" for name, value, usual in given if value != usual]
        return f"Case(\n{''.join(lines)})"

    def holds(self, *names: str) -> bool:
        """Whether any piece, however deep, or any argument has one of these names."""
        return any(f"'{name}'" in repr((self.layers, self.optimizer)) for name in names)
