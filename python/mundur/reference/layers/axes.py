"""Axes of a sample: which numbers stand beside each other along some of them."""

from collections.abc import Callable, Sequence
from itertools import product

from ..lists import Shape, Tensor, Vector, flatten, nest, shape


def places(sample: Shape, axes: Sequence[int]) -> list[list[int]]:
    """Return rows of numbers along these axes, by where each stands in the flattened sample.

    Examples
    --------
    >>> places((2, 3), [0])
    [[0, 3], [1, 4], [2, 5]]
    """
    groups: dict[Shape, list[int]] = {}
    for place, index in enumerate(product(*map(range, sample))):
        rest = tuple(i for axis, i in enumerate(index) if axis not in axes)
        groups.setdefault(rest, []).append(place)
    return list(groups.values())


def along(f: Callable[..., Vector], rows: list[list[int]], *batches: Tensor) -> Tensor:
    """Apply `f` to rows, of `places`, that stand in the same place; the batches' shape again."""
    sample = shape(batches[0][0])
    result = []
    for parts in zip(*batches, strict=True):
        values = [flatten(part) for part in parts]
        changed = [0.0] * len(values[0])
        for row in rows:
            found = f(*([of[place] for place in row] for of in values))
            for place, value in zip(row, found, strict=True):
                changed[place] = value
        result.append(nest(changed, sample))
    return result
