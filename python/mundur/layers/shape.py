"""Layers that only move a sample's numbers: Flatten, Reshape, Permute, ..."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from .. import _core
from .._support.checks import MOST_AXES, WrongType, integer, shown
from .._support.names import checked_keywords
from .._support.unpack import Unpack
from .base import KERAS, Layer, LayerArguments, MaskFlow
from .windows import LAST, UNITS, axes_and_channels, channels_last, single


def _integers(value: Any, name: str, minimum: int) -> tuple[int, ...]:
    if not isinstance(value, (tuple, list)):
        raise WrongType(f"{name} must be a tuple of integers; got {shown(value)}")
    if len(value) > MOST_AXES:
        raise ValueError(f"{name} must have at most {MOST_AXES} extents; got {len(value)}")
    return tuple(integer(part, f"{name}[{i}]", minimum) for i, part in enumerate(value))


class Reshape(Layer):
    """A sample takes another shape, its numbers in the same (row-major) order.

    Shapes: x (batch, ...), y (batch, ...) with target_shape behind the batch. ∂L/∂x is ∂L/∂y in
    the old shape. A mask of time steps ends here, with a warning.

    Parameters
    ----------
    target_shape : tuple of int
        Of one sample; one extent may be -1, what the others leave.
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For what is no shape; when built, where a sample has not as many numbers.

    Examples
    --------
    >>> import mundur as md
    >>> md.Model([md.layers.Reshape((-1, 2))], input_shape=(6,), seed=0).output_shape
    (3, 2)
    """

    _kind = "reshape"

    @checked_keywords(ignored=KERAS, rest=Layer)
    def __init__(
        self,
        target_shape: Sequence[int],
        **layer: Unpack[LayerArguments],
    ) -> None:
        shape = _integers(target_shape, "target_shape", -1)
        if not shape:
            raise ValueError("target_shape must have at least one extent; got ()")
        if 0 in shape or shape.count(-1) > 1:
            raise ValueError(
                f"target_shape must have positive extents, one of them -1 at most; got {shape}"
            )
        self.target_shape = shape
        super().__init__(**layer)

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of one sample behind this layer."""
        size, shape = math.prod(input_shape), self.target_shape
        known = math.prod(extent for extent in shape if extent != -1)
        if size % known or (-1 not in shape and size != known):
            raise ValueError(
                f"{self.name}: samples of shape {input_shape} have {size} numbers, which do not "
                f"fill target_shape={shape}"
            )
        return tuple(size // known if extent == -1 else extent for extent in shape)

    @property
    def mask_flow(self) -> MaskFlow:
        """Time steps may be others, or none."""
        return "drops"

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.Reshape(self.target_shape)


class Permute(Layer):
    """The axes of a sample in another order.

    Shapes: with x (batch, d₁, d₂, ...), y (batch, d_dims[0], d_dims[1], ...). ∂L/∂x is ∂L/∂y with
    the axes in their old order. A mask of time steps ends here, with a warning.

    Parameters
    ----------
    dims : tuple of int
        Axes of x in the order of y, counted from 1: (2, 1) exchanges steps and channels.
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For dims that are not 1, 2, ... in some order; when built, for samples of another rank.

    Examples
    --------
    >>> import mundur as md
    >>> md.Model([md.layers.Permute((2, 1))], input_shape=(3, 5), seed=0).output_shape
    (5, 3)
    """

    _kind = "permute"

    @checked_keywords(ignored=KERAS, rest=Layer)
    def __init__(
        self,
        dims: Sequence[int],
        **layer: Unpack[LayerArguments],
    ) -> None:
        self.dims = _integers(dims, "dims", 0)
        if not self.dims or sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(f"dims must be 1, 2, ... in some order; got {self.dims}")
        super().__init__(**layer)

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of one sample behind this layer."""
        if len(input_shape) != len(self.dims):
            raise ValueError(
                f"{self.name}: dims={self.dims} are for samples of rank {len(self.dims)}; got "
                f"shape {input_shape}"
            )
        return tuple(input_shape[axis - 1] for axis in self.dims)

    @property
    def mask_flow(self) -> MaskFlow:
        """Time steps are another axis."""
        return "drops"

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.Permute([axis - 1 for axis in self.dims])


def both_sides(value: Any, name: str) -> tuple[int, int]:
    """What is before and behind, one number for both."""
    pair = isinstance(value, (tuple, list))
    both = _integers(value if pair else (integer(value, name),) * 2, name, 0)
    if len(both) != 2:
        raise ValueError(f"{name} must be an integer or (before, after); got {value!r}")
    return both[0], both[1]


class Margins(Layer):
    """Layers that add to a sample at both ends of its axes, or take away."""

    _axes: ClassVar[int] = 1
    _argument: ClassVar[str] = "padding"
    _sign: ClassVar[int] = 1

    def _margins(self) -> list[tuple[int, int]]:
        """What is added on each axis, before and behind."""
        given = getattr(self, self._argument)
        each = (given,) if self._axes == 1 else given
        return [(self._sign * before, self._sign * after) for before, after in each]

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of one sample behind this layer."""
        *image, channels = axes_and_channels(self.name, input_shape, self._axes)
        left = [n + sum(more) for n, more in zip(image, self._margins(), strict=True)]
        for n, rest, unit in zip(image, left, UNITS[self._axes], strict=True):
            if rest < 1:
                given = getattr(self, self._argument)
                raise ValueError(
                    f"{self.name}: {self._argument}={given} leaves nothing of {n} {unit}"
                )
        return (*left, channels)

    @property
    def mask_flow(self) -> MaskFlow:
        """Its steps are others."""
        return "drops"

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        before, after = zip(*self._margins(), strict=True)
        return _core.Margins(before, after)


class ZeroPadding1D(Margins):
    """Steps of zeros in front of a sample and behind it.

    Shapes: x (batch, steps, channels), y (batch, before + steps + after, channels). ∂L/∂x is ∂L/∂y
    without those steps. A mask of time steps ends here, with a warning.

    Parameters
    ----------
    padding : int or pair of int, default 1
        Steps on both sides, or (before, after).
    data_format : {"channels_last"}, optional
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it; when built, for samples of another rank.

    Examples
    --------
    >>> import mundur as md
    >>> model = md.Model([md.layers.ZeroPadding1D((2, 0))], seed=0)
    >>> model.predict([[[7], [8]]])[0].ravel()
    array([0., 0., 7., 8.], dtype=float32)
    """

    _kind = "zero_padding1d"

    @checked_keywords(ignored=KERAS, rest=Layer)
    def __init__(
        self,
        padding: int | Sequence[int] = 1,
        data_format: str | None = None,
        **layer: Unpack[LayerArguments],
    ) -> None:
        self.padding = both_sides(padding, "padding")
        self.data_format = channels_last(data_format)
        super().__init__(**layer)


class Cropping1D(Margins):
    """A sample without its first and its last steps: y_t = x_(t + before).

    Shapes: x (batch, steps, channels), y (batch, steps - before - after, channels). ∂L/∂x is ∂L/∂y
    with zeros around it. A mask of time steps ends here, with a warning.

    Parameters
    ----------
    cropping : int or (int, int), default (1, 1)
        Steps that are left out before and after, one number for both.
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For what are no such numbers; when built, for samples of another rank, or of no more steps.

    Examples
    --------
    >>> import mundur as md
    >>> md.Model([md.layers.Cropping1D((1, 0))], seed=0).predict([[[7], [8]]])[0].ravel()
    array([8.], dtype=float32)
    """

    _kind = "cropping1d"
    _argument = "cropping"
    _sign = -1

    @checked_keywords(ignored=KERAS, rest=Layer)
    def __init__(
        self, cropping: int | Sequence[int] = (1, 1), **layer: Unpack[LayerArguments]
    ) -> None:
        self.cropping = both_sides(cropping, "cropping")
        super().__init__(**layer)


class Repeating(Layer):
    """Layers that repeat a sample's steps, or its rows and columns, `size` times."""

    _axes: ClassVar[int] = 1
    size: int | tuple[int, int]

    def _sizes(self) -> tuple[int, ...]:
        return self.size if isinstance(self.size, tuple) else (self.size,)

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of one sample behind this layer."""
        *image, channels = axes_and_channels(self.name, input_shape, self._axes)
        return (*(n * times for n, times in zip(image, self._sizes(), strict=True)), channels)

    @property
    def mask_flow(self) -> MaskFlow:
        """Its steps are new ones."""
        return "drops"

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.UpSampling(self._sizes())


class UpSampling1D(Repeating):
    """Each step comes `size` times in a row: y_(t size + i) = x_t.

    Shapes: x (batch, steps, channels), y (batch, steps·size, channels). ∂L/∂x_t = Σ_i ∂L/∂y_(t size
    + i), in order of the steps. A mask of time steps ends here, with a warning.

    Parameters
    ----------
    size : int, default 2
        1 or more.
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a size that is no positive integer; when built, for samples of another rank.

    Examples
    --------
    >>> import mundur as md
    >>> md.Model([md.layers.UpSampling1D(2)], seed=0).predict([[[7], [8]]])[0].ravel()
    array([7., 7., 8., 8.], dtype=float32)
    """

    _kind = "up_sampling1d"

    @checked_keywords(ignored=KERAS, rest=Layer)
    def __init__(self, size: int = 2, **layer: Unpack[LayerArguments]) -> None:
        self.size = single(size, "size")
        super().__init__(**layer)


class RepeatVector(Layer):
    """A vector becomes a sequence that has it at each of n steps: y_t = x.

    Between two recurrent layers it hands what an encoder made of a sequence to a decoder that makes
    another sequence of it, at every step (Cho et al., "Learning phrase representations using RNN
    encoder-decoder for statistical machine translation", 2014).

    Shapes: x (batch, channels), y (batch, n, channels). ∂L/∂x = Σ_t ∂L/∂y_t, in order of the steps.

    Parameters
    ----------
    n : int
        Steps, 1 or more.
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For an n that is no positive integer; when built, for samples of another rank.
    MemoryError
        When built, where a sample of n steps does not fit into memory.

    Examples
    --------
    >>> import mundur as md
    >>> layers = [md.layers.LSTM(8), md.layers.RepeatVector(5)]
    >>> layers += [md.layers.LSTM(8, return_sequences=True)]
    >>> layers += [md.layers.TimeDistributed(md.layers.Dense(3))]
    >>> md.Model(layers, input_shape=(7, 2), seed=0).output_shape
    (5, 3)
    """

    _kind = "repeat_vector"

    @checked_keywords(ignored=KERAS, rest=Layer)
    def __init__(
        self,
        n: int,
        **layer: Unpack[LayerArguments],
    ) -> None:
        self.n = integer(n, "n", 1)
        super().__init__(**layer)

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of one sample behind this layer."""
        if len(input_shape) != 1:
            raise ValueError(
                f"{self.name}: samples must have shape (channels,), got {input_shape}; put "
                "Flatten() before it, or a recurrent layer without return_sequences"
            )
        return (self.n, *input_shape)

    @property
    def mask_flow(self) -> MaskFlow:
        """Its steps are new ones."""
        return "drops"

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.RepeatVector(self.n)


class Flatten(Layer):
    """A sample of any shape becomes a vector, in row-major order: (batch, 28, 28) → (batch, 784).

    Parameters
    ----------
    name, trainable, input_shape
        See `Layer`.

    Examples
    --------
    >>> import mundur as md
    >>> md.Model([md.layers.Flatten()], input_shape=(28, 28)).output_shape
    (784,)
    """

    _kind = "flatten"

    @checked_keywords(ignored=KERAS | {"data_format": LAST}, rest=Layer)
    def __init__(
        self,
        **layer: Unpack[LayerArguments],
    ) -> None:
        super().__init__(**layer)

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of one sample behind this layer."""
        return (math.prod(input_shape),)

    @property
    def mask_flow(self) -> MaskFlow:
        """There are no time steps behind it."""
        return "drops"

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.Flatten()
