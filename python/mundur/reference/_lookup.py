"""Finding things by name, with an answer that helps when the name is unknown."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TypeVar

T = TypeVar("T")


def check_number(name: str, value: object, kind: type = float) -> None:
    """Raise a TypeError unless the value is a number, or an integer if `kind` is int."""
    kinds = (int,) if kind is int else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds):
        wanted = "an integer" if kind is int else "a number"
        raise TypeError(f"{name}: expected {wanted}, got {value!r}")


def lookup(kind: str, name: str, known: Mapping[str, T]) -> T:
    """Return `known[name]`, or raise a ValueError with the list of known names and the nearest."""
    if name in known:
        return known[name]
    near = get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"unknown {kind} {name!r}: expected one of {', '.join(known)}{hint}")
