"""Nested lists in the place of arrays: their shape, their rows, their elements."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import mul
from typing import Any, TypeAlias

Vector: TypeAlias = list[float]
Matrix: TypeAlias = list[list[float]]
Tensor: TypeAlias = list[Any]
"""Lists of lists of ... of floats, to any depth."""
Shape: TypeAlias = tuple[int, ...]
Mask: TypeAlias = list[Any]
"""For each sample a list of whether its time steps are there."""


def is_list(x: object) -> bool:
    """Say whether `x` is a list (or tuple), not a number."""
    return isinstance(x, (list, tuple))


def shape(x: Any) -> Shape:
    """Return the lengths of `x` from the outermost list to the innermost; () for a number.

    Raises
    ------
    ValueError
        If lists beside each other have different shapes.
    TypeError
        For arrays and text.

    Examples
    --------
    >>> shape([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    (2, 3)
    """
    if not is_list(x):
        if isinstance(x, str):
            raise TypeError(f"expected a number or a list of numbers, got the text {x!r}")
        if getattr(x, "shape", ()) != ():
            raise TypeError(f"expected nested lists, got {type(x).__name__}: pass x.tolist()")
        return ()
    if not any(map(is_list, x)):
        return (len(x),)
    inner = shape(x[0])
    for i, element in enumerate(x):
        if shape(element) != inner:
            raise ValueError(
                f"lists beside each other must have one shape: element 0 has shape {inner}, "
                f"element {i} has shape {shape(element)}"
            )
    return (len(x), *inner)


def check_shape(what: str, x: Any, expected: Sequence[int | None]) -> Shape:
    """Return the shape of `x`, which must be `expected`; None stands for any length but zero.

    Raises
    ------
    ValueError
        Naming `what`, the expected shape and the one given.
    """
    given = shape(x)
    fits = len(given) == len(expected) and all(
        g > 0 if e is None else g == e for g, e in zip(given, expected, strict=True)
    )
    if not fits:
        wanted = ", ".join("any" if e is None else str(e) for e in expected)
        comma = "," if len(expected) == 1 else ""
        raise ValueError(f"{what} must have shape ({wanted}{comma}); got {given}")
    return given


def rows(x: Tensor) -> Iterator[Vector]:
    """Yield the innermost lists of `x`, in order (the lists themselves, not copies)."""
    if x and is_list(x[0]):
        for part in x:
            yield from rows(part)
    else:
        yield x


def flatten(x: Any) -> Vector:
    """Return all numbers of `x` in one list.

    Examples
    --------
    >>> flatten([[1.0, 2.0], [3.0, 4.0]])
    [1.0, 2.0, 3.0, 4.0]
    """
    return [value for row in rows(x) for value in row] if is_list(x) else [x]


def nest(values: Iterable[float], shape: Shape) -> Tensor:
    """Return numbers in order, as nested lists of the given shape: `flatten` backwards.

    Examples
    --------
    >>> nest([1.0, 2.0, 3.0, 4.0], (2, 2))
    [[1.0, 2.0], [3.0, 4.0]]
    """
    source = iter(values)

    def take(shape: Shape) -> Any:
        return [take(shape[1:]) for _ in range(shape[0])] if shape else next(source)

    result: Tensor = take(shape)
    return result


def zeros(shape: Shape) -> Tensor:
    """Return nested lists of 0.0 of the given shape."""
    return filled(shape, lambda: 0.0)


def filled(shape: Shape, draw: Callable[[], float]) -> Tensor:
    """Return nested lists of the given shape, each number from one call of `draw`, in order."""
    return [filled(shape[1:], draw) if shape[1:] else draw() for _ in range(shape[0])]


def map_rows(f: Callable[..., Vector], *tensors: Tensor) -> Tensor:
    """Apply `f` to innermost lists that stand in the same place; nested lists again."""
    if tensors[0] and is_list(tensors[0][0]):
        return [map_rows(f, *parts) for parts in zip(*tensors, strict=True)]
    return f(*tensors)


def map_elements(f: Callable[..., float], *tensors: Tensor) -> Tensor:
    """Apply `f` to numbers that stand in the same place; nested lists again.

    Examples
    --------
    >>> map_elements(max, [[1.0, 5.0]], [[2.0, 4.0]])
    [[2.0, 5.0]]
    """
    return map_rows(lambda *parts: list(map(f, *parts)), *tensors)


def transpose(x: Matrix) -> list[tuple[float, ...]]:
    """Return the columns of a matrix.

    Examples
    --------
    >>> transpose([[1.0, 2.0], [3.0, 4.0]])
    [(1.0, 3.0), (2.0, 4.0)]
    """
    return list(zip(*x, strict=True))


def dot(a: Sequence[float], b: Sequence[float]) -> float:
    """Return Σ_i a_i b_i.

    Examples
    --------
    >>> dot([1.0, 2.0], [3.0, 4.0])
    11.0
    """
    total: float = sum(map(mul, a, b))
    return total
