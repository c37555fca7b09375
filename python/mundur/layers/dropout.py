"""Layers that disturb their input in training: Dropout and its kin, and noise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from .. import _core
from .._support.checks import integer, items, number, seed_value
from .._support.names import checked_keywords
from .._support.unpack import Unpack
from .base import KERAS, Layer, LayerArguments
from .windows import axes_and_channels, channels_last


class GaussianNoise(Layer):
    """In training, adds to each element a normal number: y = x + stddev·n, n ~ N(0, 1).

    Outside of training y = x (Bishop, "Training with noise is equivalent to Tikhonov
    regularization", 1995). The noise is a function of (seed, layer, count of training forwards,
    element), as `Dropout`'s mask. x and y have the same shape; ∂L/∂x = ∂L/∂y.

    Parameters
    ----------
    stddev : float
        At least 0.
    seed : int, optional
        The model's seed where it is None.
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a stddev that is no number >= 0.

    Examples
    --------
    >>> import mundur as md
    >>> md.layers.GaussianNoise(0.1)
    GaussianNoise(0.1)
    """

    _kind = "gaussian_noise"

    @checked_keywords(ignored=KERAS, rest=Layer)
    def __init__(
        self,
        stddev: float,
        seed: int | None = None,
        **layer: Unpack[LayerArguments],
    ) -> None:
        self.stddev = number(stddev, "stddev", at_least=0)
        self.seed = seed_value(seed)
        super().__init__(**layer)

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.GaussianNoise(self.stddev, self.seed)


class GaussianDropout(Layer):
    """In training, multiplies each element with a normal number of mean 1.

    y = x·n, n ~ N(1, rate / (1 - rate)), the mean and variance that `Dropout(rate)` has; outside
    of training y = x (Srivastava et al., 2014, section 10). The noise is a function of (seed,
    layer, count of training forwards, element). x and y have the same shape; ∂L/∂x = n·∂L/∂y.

    Parameters
    ----------
    rate : float
        In [0, 1).
    seed : int, optional
        The model's seed where it is None.
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a rate outside [0, 1).

    Examples
    --------
    >>> import mundur as md
    >>> md.layers.GaussianDropout(0.2)
    GaussianDropout(0.2)
    """

    _kind = "gaussian_dropout"

    @checked_keywords(ignored=KERAS, rest=Layer)
    def __init__(
        self,
        rate: float,
        seed: int | None = None,
        **layer: Unpack[LayerArguments],
    ) -> None:
        self.rate = number(rate, "rate", at_least=0, below=1)
        self.seed = seed_value(seed)
        super().__init__(**layer)

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.GaussianDropout(self.rate, self.seed)


class AlphaDropout(Layer):
    """Dropout that keeps mean 0 and variance 1, for networks of SELU units.

    In training an element becomes α′ = -1.7581 with probability `rate`, SELU's lowest value, and an
    affine map undoes what that does to mean and variance:

        y = a (x·m + α′ (1 - m)) + b        m ~ Bernoulli(1 - rate)
        a = ((1 - rate)(1 + rate α′²))^(-1/2)        b = -a α′ rate

    Outside of training y = x (Klambauer et al., "Self-normalizing neural networks", 2017). The mask
    is a function of (seed, layer, count of training forwards, element). x and y have the same
    shape; ∂L/∂x = a·m·∂L/∂y.

    Parameters
    ----------
    rate : float
        In [0, 1).
    seed : int, optional
        The model's seed where it is None.
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a rate outside [0, 1).

    Examples
    --------
    >>> import mundur as md
    >>> md.layers.AlphaDropout(0.1)
    AlphaDropout(0.1)
    """

    _kind = "alpha_dropout"

    @checked_keywords(ignored=KERAS | {"noise_shape": None}, rest=Layer)
    def __init__(
        self,
        rate: float,
        *,
        seed: int | None = None,
        **layer: Unpack[LayerArguments],
    ) -> None:
        self.rate = number(rate, "rate", at_least=0, below=1)
        self.seed = seed_value(seed)
        super().__init__(**layer)

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.AlphaDropout(self.rate, self.seed)


class _SpatialDropout(Layer):
    """Whole channels are dropped, in all their steps or pixels."""

    _axes: ClassVar[int]
    rate: float
    seed: int | None

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of one sample behind this layer."""
        axes_and_channels(self.name, input_shape, self._axes)
        return input_shape

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.SpatialDropout(self.rate, self.seed, self._axes)


class SpatialDropout1D(_SpatialDropout):
    """`Dropout` of whole channels: in training, a channel of a sample becomes 0 in all its steps.

    y_tc = x_tc·m_c / (1 - rate), m ~ Bernoulli(1 - rate); outside of training y = x (Tompson,
    Goroshin, Jain, LeCun and Bregler, "Efficient object localization using convolutional networks",
    2015). Where neighbouring steps say much the same, behind an `Embedding` or a `Conv1D`, single
    ones dropped would hardly be missed. The mask is a function of (seed, layer, count of training
    forwards, sample, channel). Shapes: x and y (batch, steps, channels). ∂L/∂x = ∂L/∂y·m_c /
    (1 - rate).

    Parameters
    ----------
    rate : float
        In [0, 1).
    seed : int, optional
        The model's seed where it is None.
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a rate outside [0, 1); when built, for samples of another rank.

    Examples
    --------
    >>> import mundur as md
    >>> md.layers.SpatialDropout1D(0.2)
    SpatialDropout1D(0.2)
    """

    _kind = "spatial_dropout1d"
    _axes = 1

    @checked_keywords(ignored=KERAS)
    def __init__(
        self,
        rate: float,
        seed: int | None = None,
        name: str | None = None,
        *,
        trainable: bool = True,
        input_shape: Sequence[int] | int | None = None,
    ) -> None:
        self.rate = number(rate, "rate", at_least=0, below=1)
        self.seed = seed_value(seed)
        super().__init__(name=name, trainable=trainable, input_shape=input_shape)


class SpatialDropout2D(_SpatialDropout):
    """`Dropout` of whole channels: in training, a channel of an image becomes 0 everywhere.

    y_ijc = x_ijc·m_c / (1 - rate), m ~ Bernoulli(1 - rate); outside of training y = x (Tompson,
    Goroshin, Jain, LeCun and Bregler, "Efficient object localization using convolutional networks",
    2015). Behind a convolution neighbouring pixels say much the same, so that single ones dropped
    would hardly be missed. The mask is a function of (seed, layer, count of training forwards,
    sample, channel). Shapes: x and y (batch, rows, columns, channels). ∂L/∂x = ∂L/∂y·m_c /
    (1 - rate).

    Parameters
    ----------
    rate : float
        In [0, 1).
    data_format : {"channels_last"}, optional
    seed : int, optional
        The model's seed where it is None.
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a rate outside [0, 1); when built, for samples of another rank.

    Examples
    --------
    >>> import mundur as md
    >>> md.layers.SpatialDropout2D(0.2)
    SpatialDropout2D(0.2)
    """

    _kind = "spatial_dropout2d"
    _axes = 2

    @checked_keywords(ignored=KERAS)
    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        seed: int | None = None,
        name: str | None = None,
        *,
        trainable: bool = True,
        input_shape: Sequence[int] | int | None = None,
    ) -> None:
        self.rate = number(rate, "rate", at_least=0, below=1)
        self.data_format = channels_last(data_format, 2)
        self.seed = seed_value(seed)
        super().__init__(name=name, trainable=trainable, input_shape=input_shape)


class Dropout(Layer):
    """In training, each element becomes 0 with probability `rate` and is else divided by 1 - rate.

    y = x·m / (1 - rate), m ~ Bernoulli(1 - rate) (Srivastava et al., 2014, in its inverted form);
    outside of training y = x. The mask is a function of (seed, layer, count of training forwards,
    element), so it is the same for any number of threads and goes on after save and load.

    Parameters
    ----------
    rate : float
        In [0, 1).
    noise_shape : tuple, optional
        The mask's shape, None or the samples' number first: along an axis where it is 1, elements
        are kept or dropped together.
    seed : int, optional
        The model's seed where it is None.
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    ValueError
        For a rate outside [0, 1).

    Examples
    --------
    >>> import mundur as md
    >>> md.layers.Dropout(0.2)
    Dropout(0.2)
    """

    _kind = "dropout"

    @checked_keywords(ignored=KERAS, rest=Layer)
    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        **layer: Unpack[LayerArguments],
    ) -> None:
        self.rate = number(rate, "rate", at_least=0, below=1)
        self.noise_shape = None if noise_shape is None else _mask_shape(noise_shape)
        self.seed = seed_value(seed)
        super().__init__(**layer)

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of one sample behind this layer."""
        shape = (self.noise_shape or (None,) * (len(input_shape) + 1))[1:]
        fits = len(shape) == len(input_shape) and all(
            one in (None, 1, extent) for one, extent in zip(shape, input_shape, strict=False)
        )
        if not fits:
            raise ValueError(
                f"{self.name}: noise_shape must have 1, None or the extent for each axis of "
                f"samples of shape {input_shape}; got {self.noise_shape}"
            )
        return input_shape

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        shape = (self.noise_shape or ())[1:]
        shared = [axis for axis, extent in enumerate(shape) if extent == 1]
        return _core.Dropout(self.rate, self.seed, shared)


def _mask_shape(value: Any) -> tuple[int | None, ...]:
    shape = tuple(
        None if one is None else integer(one, f"noise_shape[{i}]", 1)
        for i, one in enumerate(items(value, "noise_shape"))
    )
    if len(shape) < 2 or shape[0] == 1:
        raise ValueError(
            "noise_shape must begin with None, for the samples, each of which has a mask of its "
            f"own, and go on with those of a sample; got {shape}"
        )
    return shape
