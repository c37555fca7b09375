"""Shapes whose first extent, a number of time steps, each batch brings anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["Length", "has_length", "longer", "shown_shape", "suits"]

Shape = tuple[int, ...]


class Length(int):
    """An extent that nobody knows before there are data; shows as None, as in Keras.

    It is a number that stands for any, so that shapes behind it can be worked out, and `longer`,
    what would stand in its place for longer samples: where the two differ behind a layer, nobody
    knows the extent there either.
    """

    longer: int

    def __new__(cls, value: int = 4096, longer: int = 8192) -> Length:
        """The numbers of an Input by default: long enough for any window, and even."""
        made = super().__new__(cls, value)
        made.longer = longer
        return made

    def __repr__(self) -> str:
        return "None"

    __str__ = __repr__

    def __format__(self, _: str) -> str:
        return "None"


def has_length(shape: Sequence[int]) -> bool:
    """Whether one of the extents is known with the data only."""
    return any(isinstance(extent, Length) for extent in shape)


def longer(shape: Shape) -> Shape:
    """The shape of longer samples."""
    return tuple(e.longer if isinstance(e, Length) else e for e in shape)


def suits(given: Shape, wanted: Shape) -> bool:
    """Whether samples of a shape may go where those of another are expected."""
    return len(given) == len(wanted) and all(
        found == extent or isinstance(extent, Length)
        for found, extent in zip(given, wanted, strict=True)
    )


def shown_shape(shape: Shape | None) -> Any:
    """As users and files see it: None for what is known with the data only."""
    if shape is None:
        return None
    return tuple(None if isinstance(extent, Length) else extent for extent in shape)
