"""Layers by which images become others by chance, in training: RandomFlip and its kin."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from .. import _core
from .._support.checks import factor as factor_value
from .._support.checks import integer, number, seed_value, shown
from .._support.names import checked_keywords, lookup
from .._support.unpack import Unpack
from .base import KERAS, Layer, LayerArguments, MaskFlow
from .resizing import INTERPOLATIONS
from .windows import LAST, channels_last, image_and_channels

Pair = tuple[float, float]
Factor = float | Pair

_FLIPS: dict[str, tuple[float, float]] = {  # of the rows, and of the columns
    "horizontal": (0.0, 1.0),
    "vertical": (1.0, 0.0),
    "horizontal_and_vertical": (1.0, 1.0),
}
_FILLS = {name: name for name in ("constant", "nearest", "reflect", "wrap")}
_CHECKS: dict[str, Callable[[Any, str], Any]] = {
    "fill_mode": functools.partial(lookup, _FILLS),
    "interpolation": functools.partial(lookup, INTERPOLATIONS),
    "seed": lambda value, _: seed_value(value),
    "fill_value": number,
    "data_format": lambda value, _: channels_last(value, 2),
}
# Keras has boxes drawn into images follow them; `factor` is an argument of all its layers here.
_BOXES = KERAS | {"bounding_box_format": None}
_KERAS = _BOXES | {"factor": None}


def _bounds(factor: Factor) -> Pair:
    """The lower and the upper bound; a number stands for both sides of 0."""
    if isinstance(factor, tuple):
        return min(factor), max(factor)
    return -abs(factor), abs(factor)


class RandomImage(Layer):
    """Layers by which an image becomes another in training, by chance."""

    _change_kind: ClassVar[str]
    seed: int | None
    data_format: str | None
    fill_mode: str = "constant"
    interpolation: str = "nearest"
    fill_value: float = 0.0

    def _bounds(self) -> tuple[Pair, Pair]:
        """What is drawn for the rows, and for the columns: from, up to."""
        return (0.0, 0.0), (0.0, 0.0)

    def drawn_change(self) -> _core.RandomChange:
        """What the layer does in training; `mundur.augment` asks for it too."""
        rows, columns = self._bounds()
        return _core.RandomChange(
            self._change_kind,
            (rows[0], columns[0]),
            (rows[1], columns[1]),
            getattr(self, "width_factor", 0.0) is None,
            self.fill_mode,
            self.interpolation == "nearest",
            self.fill_value,
            self.seed,
        )

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of one sample behind this layer."""
        image_and_channels(self.name, input_shape)
        return input_shape

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.RandomImage(self.drawn_change(), ())

    def _keep(self, arguments: dict[str, Any]) -> None:
        """Checks and keeps a constructor's arguments, its `locals()`, that several have."""
        for name in _CHECKS.keys() & arguments.keys():
            setattr(self, name, _CHECKS[name](arguments[name], name))


class RandomFlip(RandomImage):
    """In training, turns each image over with probability 1/2, for each direction asked for.

    Outside of training y = x. What is drawn is a function of (seed, layer, count of training
    forwards, sample). Shapes: x and y (batch, rows, columns, channels). ∂L/∂x is ∂L/∂y, turned
    over likewise.

    Keras draws once for both directions; here each has a draw of its own.

    Parameters
    ----------
    mode : {"horizontal", "vertical", "horizontal_and_vertical"}
        "horizontal" exchanges left and right; both by default.
    seed : int, optional
        The model's seed where it is None.
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
    >>> flip = md.layers.RandomFlip("horizontal", seed=1)
    >>> flip([[[[1], [2]]], [[[1], [2]]], [[[1], [2]]]], training=True)[:, 0, :, 0]
    array([[1., 2.],
           [1., 2.],
           [2., 1.]], dtype=float32)
    """

    _kind = "random_flip"
    _change_kind = "flip"

    @checked_keywords(ignored=_KERAS, rest=Layer)
    def __init__(
        self,
        mode: str = "horizontal_and_vertical",
        seed: int | None = None,
        data_format: str | None = None,
        **layer: Unpack[LayerArguments],
    ) -> None:
        lookup(_FLIPS, mode, "mode")
        self.mode = mode
        self._keep(locals())
        super().__init__(**layer)

    def _bounds(self) -> tuple[Pair, Pair]:
        rows, columns = _FLIPS[self.mode]
        return (0.0, rows), (0.0, columns)


class RandomTranslation(RandomImage):
    """In training, moves each image up or down and to the left or right.

    y_ij = x_(i - dH)(j - eW), d and e uniform between the bounds; between pixels, x is what the
    four around make of it, each by its nearness. Outside of training y = x. What is drawn is a
    function of (seed, layer, count of training forwards, sample). Shapes: x and y (batch, rows H,
    columns W, channels). ∂L/∂x is ∂L/∂y moved back, the transpose of that linear map.

    Parameters
    ----------
    height_factor, width_factor : float or (float, float)
        The bounds, parts of the image's height and width within [-1, 1]: down and to the right
        where positive; one number f stands for (-f, f).
    fill_mode : {"constant", "nearest", "reflect", "wrap"}, default "reflect"
        What stands beyond the image's edges: `fill_value`; the nearest pixel; the image mirrored
        (d c b a | a b c d | d c b a); the image again (a b c d | a b c d | a b c d).
    interpolation : {"nearest", "bilinear"}, default "bilinear"
        "nearest": the pixel at hand instead of four.
    seed : int, optional
        The model's seed where it is None.
    fill_value : float, default 0.0
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
    >>> move = md.layers.RandomTranslation(0, (0.5, 0.5), fill_mode="constant")
    >>> move([[[[1], [2], [3], [4]]]], training=True)[0, 0, :, 0]
    array([0., 0., 1., 2.], dtype=float32)
    """

    _kind = "random_translation"
    _change_kind = "translation"

    @checked_keywords(ignored=_KERAS, rest=Layer)
    def __init__(
        self,
        height_factor: float | Sequence[float],
        width_factor: float | Sequence[float],
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **layer: Unpack[LayerArguments],
    ) -> None:
        self.height_factor = factor_value(height_factor, "height_factor", at_least=-1, at_most=1)
        self.width_factor = factor_value(width_factor, "width_factor", at_least=-1, at_most=1)
        self._keep(locals())
        super().__init__(**layer)

    def _bounds(self) -> tuple[Pair, Pair]:
        return _bounds(self.height_factor), _bounds(self.width_factor)


class RandomRotation(RandomImage):
    """In training, turns each image about its middle.

    y_ij = x where (i, j), seen from the middle, lies turned by 2πt, t uniform between the bounds;
    between pixels, x is what the four around make of it, each by its nearness. Sine and cosine are
    our own, within 1 ulp. Outside of training y = x. What is drawn is a function of (seed, layer,
    count of training forwards, sample). Shapes: x and y (batch, rows, columns, channels). ∂L/∂x is
    the transpose of that linear map of ∂L/∂y.

    Parameters
    ----------
    factor : float or (float, float)
        The bounds in whole turns, within [-1, 1]: counter-clockwise where positive; one number f
        stands for (-f, f).
    fill_mode, interpolation, seed, fill_value, data_format
        As for `RandomTranslation`.
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it; when built, for samples of another rank.

    Examples
    --------
    >>> import mundur as md
    >>> quarter = md.layers.RandomRotation((0.25, 0.25))
    >>> quarter([[[[1], [2]], [[3], [4]]]], training=True)[0, :, :, 0]
    array([[2., 4.],
           [1., 3.]], dtype=float32)
    """

    _kind = "random_rotation"
    _change_kind = "rotation"

    @checked_keywords(ignored=_BOXES, rest=Layer)
    def __init__(
        self,
        factor: float | Sequence[float],
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **layer: Unpack[LayerArguments],
    ) -> None:
        self.factor = factor_value(factor, "factor", at_least=-1, at_most=1)
        self._keep(locals())
        super().__init__(**layer)

    def _bounds(self) -> tuple[Pair, Pair]:
        return _bounds(self.factor), (0.0, 0.0)


class RandomZoom(RandomImage):
    """In training, shows each image from further away, or from nearer.

    y_ij = x where (i, j), seen from the middle, lies (1 + f) as far down and (1 + g) as far to the
    right, f and g uniform between the bounds; between pixels, x is what the four around make of
    it, each by its nearness. Outside of training y = x. What is drawn is a function of (seed,
    layer, count of training forwards, sample). Shapes: x and y (batch, rows, columns, channels).
    ∂L/∂x is the transpose of that linear map of ∂L/∂y.

    Parameters
    ----------
    height_factor : float or (float, float)
        The bounds of f, above -1 and at most 1: the image gets smaller where positive; one number
        stands for both sides of 0.
    width_factor : float or (float, float), optional
        The bounds of g; None: g is f, which keeps the ratio of height and width.
    fill_mode, interpolation, seed, fill_value, data_format
        As for `RandomTranslation`.
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it; when built, for samples of another rank.

    Examples
    --------
    >>> import mundur as md
    >>> double = md.layers.RandomZoom(0, (1, 1), fill_mode="constant")
    >>> double([[[[1], [2], [3], [4]]]], training=True)[0, 0, :, 0]
    array([0. , 1.5, 3.5, 0. ], dtype=float32)
    """

    _kind = "random_zoom"
    _change_kind = "zoom"

    @checked_keywords(ignored=_KERAS, rest=Layer)
    def __init__(
        self,
        height_factor: float | Sequence[float],
        width_factor: float | Sequence[float] | None = None,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **layer: Unpack[LayerArguments],
    ) -> None:
        self.height_factor = factor_value(height_factor, "height_factor", above=-1, at_most=1)
        self.width_factor = (
            None
            if width_factor is None
            else factor_value(width_factor, "width_factor", above=-1, at_most=1)
        )
        self._keep(locals())
        super().__init__(**layer)

    def _bounds(self) -> tuple[Pair, Pair]:
        rows = _bounds(self.height_factor)
        return rows, rows if self.width_factor is None else _bounds(self.width_factor)


class RandomContrast(RandomImage):
    """In training, spreads the values of each image about their mean, or draws them together.

    y = (x - m)·f + m, cut off at the ends of `value_range`, with m the mean of each channel of each
    image and f uniform in [1 - lower, 1 + upper]. Outside of training y = x. What is drawn is a
    function of (seed, layer, count of training forwards, sample). Shapes: x and y (batch, rows,
    columns, channels). ∂L/∂x = f·δ + (1 - f)·(mean of δ over the channel), δ = ∂L/∂y, or 0 where y
    was cut off.

    Keras 3.15 takes a single number for `upper` alone, and puts a pair in order.

    Parameters
    ----------
    factor : float or (float, float)
        lower and upper, or one number for both, within [0, 1].
    value_range : (float, float), default (0, 255)
        The least and the greatest value there may be: (0, 1) behind a `Rescaling(1/255)`.
    seed : int, optional
        The model's seed where it is None.
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it; when built, for samples of another rank.

    Examples
    --------
    >>> import mundur as md
    >>> more = md.layers.RandomContrast((0, 1), seed=1)
    >>> more([[[[100], [120]]], [[[100], [120]]]], training=True)[:, 0, :, 0].round()
    array([[ 99., 121.],
           [ 98., 122.]], dtype=float32)
    """

    _kind = "random_contrast"
    _change_kind = "contrast"

    @checked_keywords(
        ignored=_BOXES | {"data_format": LAST},
        rest=Layer,
    )
    def __init__(
        self,
        factor: float | Sequence[float],
        value_range: Sequence[float] = (0, 255),
        seed: int | None = None,
        **layer: Unpack[LayerArguments],
    ) -> None:
        self.factor = factor_value(factor, "factor", at_least=0, at_most=1)
        if not isinstance(value_range, (tuple, list)) or len(value_range) != 2:
            raise ValueError(f"value_range must be (least, greatest); got {shown(value_range)}")
        least, most = (number(part, "value_range") for part in value_range)
        if least >= most:
            raise ValueError(f"value_range must have the lower value first; got {value_range!r}")
        self.value_range = (least, most)
        self._keep(locals())
        super().__init__(**layer)

    def _bounds(self) -> tuple[Pair, Pair]:
        lower, upper = self.factor if isinstance(self.factor, tuple) else (self.factor,) * 2
        return (1.0 - lower, 1.0 + upper), self.value_range


class RandomCrop(RandomImage):
    """In training, shows a part of each image, at a place by chance.

    y_ij = x_(i + r)(j + s), r and s uniform over the places there are. Outside of training, and for
    images that are smaller than the part, y is the largest part in the middle of x that has the
    ratio of height and width asked for, brought to that size as by `Resizing`. What is drawn is a
    function of (seed, layer, count of training forwards, sample). Shapes: x (batch, rows, columns,
    channels), y (batch, height, width, channels). ∂L/∂x is ∂L/∂y in its place, with zeros around.

    Keras draws one place for all of a batch, and none where an image is as high or as wide as the
    part; here each image has its own. Outside of training Keras 3.15 documents the same and leaves
    images as they are.

    Parameters
    ----------
    height, width : int
        Of the part.
    seed : int, optional
        The model's seed where it is None.
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
    >>> crop = md.layers.RandomCrop(1, 2, seed=1)
    >>> crop([[[[1], [2], [3]]]], training=True)[0, 0, :, 0]
    array([2., 3.], dtype=float32)
    """

    _kind = "random_crop"
    _change_kind = "crop"

    @checked_keywords(ignored=_KERAS)
    def __init__(
        self,
        height: int,
        width: int,
        seed: int | None = None,
        data_format: str | None = None,
        name: str | None = None,
        *,
        trainable: bool = True,
        input_shape: Sequence[int] | int | None = None,
    ) -> None:
        self.height = integer(height, "height", 1)
        self.width = integer(width, "width", 1)
        self._keep(locals())
        super().__init__(name=name, trainable=trainable, input_shape=input_shape)

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of one sample behind this layer."""
        return self.height, self.width, image_and_channels(self.name, input_shape)[2]

    @property
    def mask_flow(self) -> MaskFlow:
        """Its rows are others."""
        return "drops"

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.RandomImage(self.drawn_change(), (self.height, self.width))
