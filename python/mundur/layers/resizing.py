"""Images of another size: Resizing, CenterCrop."""

from __future__ import annotations

from .. import _core
from .._support.checks import boolean, integer, number
from .._support.names import checked_keywords, lookup
from .._support.unpack import Unpack
from .base import KERAS, Layer, LayerArguments, MaskFlow
from .windows import channels_last, image_and_channels

INTERPOLATIONS = {name: name for name in ("nearest", "bilinear")}
# Arguments of all of Keras's layers that change images.
_KERAS = KERAS | {"bounding_box_format": None, "factor": None}


class _Resized(Layer):
    """Layers that bring images to a size."""

    height: int
    width: int

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of one sample behind this layer."""
        return self.height, self.width, image_and_channels(self.name, input_shape)[2]

    @property
    def mask_flow(self) -> MaskFlow:
        """Its rows are others."""
        return "drops"


class Resizing(_Resized):
    """Images of another size.

    Pixels are squares, whose middles stand for them: y_ij = x where (i + 1/2)·H/height - 1/2 and
    (j + 1/2)·W/width - 1/2 are; between pixels, x is what the four around make of it, each by its
    nearness, and beyond its edges the nearest. Shapes: x (batch, rows H, columns W, channels), y
    (batch, height, width, channels). ∂L/∂x is the transpose of that linear map of ∂L/∂y.

    Parameters
    ----------
    height, width : int
        Of the output.
    interpolation : {"bilinear", "nearest"}, default "bilinear"
        "nearest": the pixel at hand instead of four. Keras's others are not there.
    crop_to_aspect_ratio : bool, default False
        Take the largest part in the middle that has the ratio of height and width.
    pad_to_aspect_ratio : bool, default False
        Put margins around the image for that ratio.
    fill_mode : {"constant"}
        What these margins hold: `fill_value`.
    fill_value : float, default 0.0
    antialias : {False}
        Keras's other is not there.
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
    >>> md.layers.Resizing(1, 4)([[[[1], [2]]]])[0, 0, :, 0]
    array([1.  , 1.25, 1.75, 2.  ], dtype=float32)
    """

    _kind = "resizing"

    @checked_keywords(ignored=_KERAS, rest=Layer)
    def __init__(
        self,
        height: int,
        width: int,
        interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        fill_mode: str = "constant",
        fill_value: float = 0.0,
        antialias: bool = False,
        data_format: str | None = None,
        **layer: Unpack[LayerArguments],
    ) -> None:
        self.height = integer(height, "height", 1)
        self.width = integer(width, "width", 1)
        self.interpolation = lookup(INTERPOLATIONS, interpolation, "interpolation")
        self.crop_to_aspect_ratio = boolean(crop_to_aspect_ratio, "crop_to_aspect_ratio")
        self.pad_to_aspect_ratio = boolean(pad_to_aspect_ratio, "pad_to_aspect_ratio")
        if self.crop_to_aspect_ratio and self.pad_to_aspect_ratio:
            raise ValueError("crop_to_aspect_ratio and pad_to_aspect_ratio must not both be True")
        self.fill_mode = lookup({"constant": "constant"}, fill_mode, "fill_mode")
        self.fill_value = number(fill_value, "fill_value")
        self.antialias = boolean(antialias, "antialias")
        if self.antialias:
            raise ValueError(
                "antialias must be False: AveragePooling2D before the layer does the like"
            )
        self.data_format = channels_last(data_format, 2)
        super().__init__(**layer)

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        fit = (
            "crop"
            if self.crop_to_aspect_ratio
            else "pad"
            if self.pad_to_aspect_ratio
            else "stretch"
        )
        nearest = self.interpolation == "nearest"
        return _core.Resizing((self.height, self.width), fit, nearest, self.fill_value, False)


class CenterCrop(_Resized):
    """The middle of an image: y_ij = x_(i + r)(j + s), r = ⌊(H - height)/2⌋, s = ⌊(W - width)/2⌋.

    Of an image that is smaller, y is the largest part in its middle that has the ratio of height
    and width, brought to that size as by `Resizing`. Shapes: x (batch, rows H, columns W,
    channels), y (batch, height, width, channels). ∂L/∂x is ∂L/∂y with zeros around.

    Parameters
    ----------
    height, width : int
        Of the middle.
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
    >>> md.layers.CenterCrop(1, 2)([[[[1], [2], [3], [4]]]])[0, 0, :, 0]
    array([2., 3.], dtype=float32)
    """

    _kind = "center_crop"

    @checked_keywords(ignored=_KERAS, rest=Layer)
    def __init__(
        self,
        height: int,
        width: int,
        data_format: str | None = None,
        **layer: Unpack[LayerArguments],
    ) -> None:
        self.height = integer(height, "height", 1)
        self.width = integer(width, "width", 1)
        self.data_format = channels_last(data_format, 2)
        super().__init__(**layer)

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.Resizing((self.height, self.width), "middle", False, 0.0, False)
