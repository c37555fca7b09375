"""Augmentation: changes of training batches that leave a sample's meaning as it is.

``fit(augment=...)`` takes one of these, or one of the layers that change images by chance
(``md.layers.RandomRotation(0.1)``, for instance), a list of them, applied in order, or a function
``f(x_batch, rng) -> x_batch``. Evaluation and prediction never augment. What is drawn is a function
of the model's seed, the epoch, the sample's place in it and the element, so it is the same for any
number of threads, and a run that was saved and resumed equals one that was never interrupted; a
layer's own seed takes the place of the model's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from . import _core
from ._support.checks import extents, integer, number, shown
from ._support.config import Configurable
from ._support.names import checked_keywords, lookup, unknown_attribute

__all__ = ["Augmentation", "Flip", "Noise", "Shift"]

_FLIPS = {
    "horizontal": (True, False),
    "vertical": (False, True),
    "horizontal_and_vertical": (True, True),
}


class Augmentation(Configurable):
    """Base class of the native augmentations.

    Examples
    --------
    >>> import mundur as md
    >>> isinstance(md.augment.Noise(0.1), md.augment.Augmentation)
    True
    """

    def native(self, sample_shape: tuple[int, ...]) -> _core.Augmentation:
        """The native step for samples of this shape; a ValueError where it does not suit them."""
        raise NotImplementedError(f"{type(self).__name__}.native is not written")


class Noise(Augmentation):
    """Adds normal noise: x + ε, ε ~ N(0, stddev²), drawn anew for every element of every batch.

    For small noise this is a penalty on the derivative of the outputs by the inputs (Bishop,
    "Training with noise is equivalent to Tikhonov regularization", 1995).

    Parameters
    ----------
    stddev : float
        Its standard deviation, >= 0, in units of the features as they come in.

    Raises
    ------
    TypeError, ValueError
        For a deviation that is not a finite number >= 0.

    Examples
    --------
    >>> import mundur as md
    >>> md.augment.Noise(0.1)
    Noise(0.1)
    """

    @checked_keywords()
    def __init__(self, stddev: float) -> None:
        self.stddev = number(stddev, "stddev", at_least=0)

    def native(self, sample_shape: tuple[int, ...]) -> _core.Augmentation:
        """The native step; any shape will do."""
        return _core.Augmentation.noise(self.stddev)


class Shift(Augmentation):
    """Moves each picture by whole pixels, down or up and right or left; the gap is filled.

    The two distances are uniform over the integers in [-rows, rows] and [-columns, columns].

    Parameters
    ----------
    rows, columns : int
        The largest distances, smaller than the picture; `columns` is `rows` where it is None.
    fill : float, default 0.0
        What moves in.
    shape : tuple of int, optional
        The picture's (height, width) or (height, width, channels) where samples are flat; by
        default the shape of a sample.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it; in `fit`, where samples are no pictures of this shape.

    Examples
    --------
    >>> import mundur as md
    >>> md.augment.Shift(2, shape=(28, 28))
    Shift(2, shape=(28, 28))
    """

    @checked_keywords()
    def __init__(
        self,
        rows: int,
        columns: int | None = None,
        *,
        fill: float = 0.0,
        shape: Sequence[int] | None = None,
    ) -> None:
        self.rows = integer(rows, "rows")
        self.columns = None if columns is None else integer(columns, "columns")
        self.fill = number(fill, "fill")
        self.shape = _shape(shape)

    def native(self, sample_shape: tuple[int, ...]) -> _core.Augmentation:
        """The native step for samples that are pictures."""
        picture = _picture(self, sample_shape)
        columns = self.rows if self.columns is None else self.columns
        if self.rows >= picture[0] or columns >= picture[1]:
            raise ValueError(
                f"augment: Shift moves by up to {self.rows} rows and {columns} columns, but "
                f"pictures have {picture[0]} and {picture[1]}"
            )
        return _core.Augmentation.shift(picture, self.rows, columns, self.fill)


class Flip(Augmentation):
    """Mirrors each picture with probability 1/2, for each of the directions asked for.

    Parameters
    ----------
    mode : {"horizontal", "vertical", "horizontal_and_vertical"}, default "horizontal"
        "horizontal" exchanges left and right.
    shape : tuple of int, optional
        As for `Shift`.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it; in `fit`, where samples are no pictures of this shape.

    Examples
    --------
    >>> import mundur as md
    >>> md.augment.Flip("vertical")
    Flip(mode='vertical')
    """

    @checked_keywords()
    def __init__(self, mode: str = "horizontal", *, shape: Sequence[int] | None = None) -> None:
        lookup(_FLIPS, mode, "mode")
        self.mode = mode
        self.shape = _shape(shape)

    def native(self, sample_shape: tuple[int, ...]) -> _core.Augmentation:
        """The native step for samples that are pictures."""
        return _core.Augmentation.flip(_picture(self, sample_shape), *_FLIPS[self.mode])


def _shape(value: Any) -> tuple[int, ...] | None:
    if value is None:
        return None
    shape = extents(value, "shape")
    if len(shape) not in (2, 3):
        raise ValueError(
            f"shape must be (height, width) or (height, width, channels); got {value!r}"
        )
    return shape


def _picture(step: Shift | Flip, sample_shape: tuple[int, ...]) -> tuple[int, int, int]:
    shape = sample_shape if step.shape is None else step.shape
    title = type(step).__name__
    if len(shape) not in (2, 3):
        raise ValueError(
            f"augment: {title} needs pictures; samples have shape {sample_shape}: pass "
            f"{title}(..., shape=(height, width))"
        )
    if math.prod(shape) != math.prod(sample_shape) or (
        len(sample_shape) > 1 and sample_shape not in (shape, (*shape, 1))
    ):
        raise ValueError(
            f"augment: {title} has shape={shape}, which does not suit samples of {sample_shape}"
        )
    return shape[0], shape[1], shape[2] if len(shape) == 3 else 1


Function = Callable[[Any, Any], Any]


def resolve(
    given: Any, sample_shape: tuple[int, ...]
) -> tuple[tuple[_core.Augmentation, ...], Function | None]:
    """What `fit(augment=)` was given: native steps, or a function over batches."""
    if given is None:
        return (), None
    if callable(given) and not isinstance(given, (type, Configurable)):
        return (), given
    steps = [given] if _changes(given) else given
    if not isinstance(steps, (list, tuple)) or not all(_changes(step) for step in steps):
        raise TypeError(
            "augment must be a Noise, Shift or Flip, a layer such as RandomRotation, a list of "
            f"them, or a function f(x_batch, rng); got {shown(given)}"
        )
    return tuple(_native(step, sample_shape) for step in steps), None


def _changes(step: Any) -> bool:
    return isinstance(step, Augmentation) or hasattr(type(step), "drawn_change")


def _native(step: Any, sample_shape: tuple[int, ...]) -> _core.Augmentation:
    if isinstance(step, Augmentation):
        return step.native(sample_shape)
    name = type(step).__name__
    if len(sample_shape) not in (2, 3):
        raise ValueError(
            f"augment: {name} needs images; samples have shape {sample_shape}: give x as "
            "(samples, rows, columns, channels), and the model a Flatten where it wants them flat"
        )
    rows, columns, channels = (*sample_shape, 1)[:3]
    if step._kind == "random_crop":
        raise ValueError(
            f"augment: {name} makes images of another size: put it in front of the model's layers"
        )
    return _core.Augmentation.random((rows, columns, channels), step.drawn_change())


if not TYPE_CHECKING:  # else type checkers would believe in any name

    def __getattr__(name: str) -> object:
        raise unknown_attribute("mundur.augment", name, __all__)

    def __dir__() -> list[str]:
        return sorted(__all__)
