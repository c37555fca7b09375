"""The layers: dense, over time, of images, normalising, disturbing, of shapes, around others."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .._support.names import unknown_attribute
from .activation import ELU, Activation, ActivityRegularization, LeakyReLU, PReLU, ReLU, Softmax
from .base import Layer
from .conv1d import Conv1D
from .conv1d_transpose import Conv1DTranspose
from .dense import Dense
from .dropout import (
    AlphaDropout,
    Dropout,
    GaussianDropout,
    GaussianNoise,
    SpatialDropout1D,
    SpatialDropout2D,
)
from .embedding import Embedding
from .function import Lambda
from .input import ARITHMETIC, Input, InputLayer
from .masking import Masking
from .merging import (
    Add,
    Average,
    Concatenate,
    Dot,
    Maximum,
    Merging,
    Minimum,
    Multiply,
    Subtract,
)
from .normalization import (
    BatchNormalization,
    LayerNormalization,
    Normalization,
    Rescaling,
    UnitNormalization,
)
from .pooling1d import AveragePooling1D, GlobalAveragePooling1D, GlobalMaxPooling1D, MaxPooling1D
from .recurrent import GRU, LSTM, SimpleRNN
from .shape import (
    Cropping1D,
    Flatten,
    Permute,
    RepeatVector,
    Reshape,
    UpSampling1D,
    ZeroPadding1D,
)
from .wrappers import Bidirectional, Residual, TimeDistributed

if TYPE_CHECKING:
    from .conv2d import Conv2D
    from .conv2d_transpose import Conv2DTranspose
    from .depthwise_conv import DepthwiseConv1D, DepthwiseConv2D
    from .encoding import CategoryEncoding, Discretization
    from .group_normalization import GroupNormalization
    from .lookup import IntegerLookup, StringLookup
    from .pooling2d import (
        AveragePooling2D,
        GlobalAveragePooling2D,
        GlobalMaxPooling2D,
        MaxPooling2D,
    )
    from .random_image import (
        RandomContrast,
        RandomCrop,
        RandomFlip,
        RandomRotation,
        RandomTranslation,
        RandomZoom,
    )
    from .resizing import CenterCrop, Resizing
    from .separable_conv import SeparableConv1D, SeparableConv2D
    from .shape2d import Cropping2D, UpSampling2D, ZeroPadding2D
    from .text_vectorization import TextVectorization

__all__ = [
    "ELU",
    "GRU",
    "LSTM",
    "Activation",
    "ActivityRegularization",
    "Add",
    "AlphaDropout",
    "Average",
    "AveragePooling1D",
    "AveragePooling2D",
    "BatchNormalization",
    "Bidirectional",
    "CategoryEncoding",
    "CenterCrop",
    "Concatenate",
    "Conv1D",
    "Conv1DTranspose",
    "Conv2D",
    "Conv2DTranspose",
    "Cropping1D",
    "Cropping2D",
    "Dense",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "Discretization",
    "Dot",
    "Dropout",
    "Embedding",
    "Flatten",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GroupNormalization",
    "Input",
    "InputLayer",
    "IntegerLookup",
    "Lambda",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "Masking",
    "MaxPooling1D",
    "MaxPooling2D",
    "Maximum",
    "Minimum",
    "Multiply",
    "Normalization",
    "PReLU",
    "Permute",
    "RandomContrast",
    "RandomCrop",
    "RandomFlip",
    "RandomRotation",
    "RandomTranslation",
    "RandomZoom",
    "ReLU",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "Residual",
    "Resizing",
    "SeparableConv1D",
    "SeparableConv2D",
    "SimpleRNN",
    "Softmax",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "StringLookup",
    "Subtract",
    "TextVectorization",
    "TimeDistributed",
    "UnitNormalization",
    "UpSampling1D",
    "UpSampling2D",
    "ZeroPadding1D",
    "ZeroPadding2D",
]

# What many programs do without: what is called on data and stands in no model; layers of images.
_OF_DATA = {
    "encoding": ("CategoryEncoding", "Discretization"),
    "lookup": ("IntegerLookup", "StringLookup"),
    "text_vectorization": ("TextVectorization",),
}
_ON_USE = {
    name: module
    for module, names in {
        **_OF_DATA,
        "conv2d": ("Conv2D",),
        "conv2d_transpose": ("Conv2DTranspose",),
        "depthwise_conv": ("DepthwiseConv1D", "DepthwiseConv2D"),
        "group_normalization": ("GroupNormalization",),
        "pooling2d": (
            *("MaxPooling2D", "AveragePooling2D"),
            *("GlobalMaxPooling2D", "GlobalAveragePooling2D"),
        ),
        "random_image": (
            *("RandomFlip", "RandomTranslation", "RandomRotation", "RandomZoom"),
            *("RandomCrop", "RandomContrast"),
        ),
        "resizing": ("Resizing", "CenterCrop"),
        "separable_conv": ("SeparableConv1D", "SeparableConv2D"),
        "shape2d": ("Cropping2D", "UpSampling2D", "ZeroPadding2D"),
    }.items()
    for name in names
}

# Keras's other names.
Convolution1D, Convolution1DTranspose = Conv1D, Conv1DTranspose
MaxPool1D, GlobalMaxPool1D = MaxPooling1D, GlobalMaxPooling1D
AvgPool1D, GlobalAvgPool1D = AveragePooling1D, GlobalAveragePooling1D
_OTHER_NAMES = {
    "Convolution2D": "Conv2D",
    "Convolution2DTranspose": "Conv2DTranspose",
    "SeparableConvolution1D": "SeparableConv1D",
    "SeparableConvolution2D": "SeparableConv2D",
    "MaxPool2D": "MaxPooling2D",
    "GlobalMaxPool2D": "GlobalMaxPooling2D",
    "AvgPool2D": "AveragePooling2D",
    "GlobalAvgPool2D": "GlobalAveragePooling2D",
}


ARITHMETIC |= {cls.__name__: cls for cls in (Activation, Add, Subtract, Multiply, Rescaling)}


def _function(layer: type[Merging]) -> Callable[..., Any]:
    """Keras's function of the same name: add([a, b]) is Add()([a, b])."""

    def merge(inputs: Any, *arguments: Any, **options: Any) -> Any:
        return layer(*arguments, **options)(inputs)

    merge.__name__ = merge.__qualname__ = layer._kind
    merge.__doc__ = f"As ``{layer.__name__}(...)(inputs)``; see there."
    return merge


add, subtract, multiply, average = map(_function, (Add, Subtract, Multiply, Average))
maximum, minimum, concatenate, dot = map(_function, (Maximum, Minimum, Concatenate, Dot))

_BASES = ("Input", "InputLayer", "Layer")
KNOWN = [name for name in __all__ if name not in (*_BASES, *sum(_OF_DATA.values(), ()))]
"""Names of the layers that models are made of."""


def known(name: str) -> type[Layer] | None:
    """The layer of that name, if models are made of it."""
    return getattr(import_module(__name__), name) if name in KNOWN else None


if not TYPE_CHECKING:  # else type checkers would believe in any name

    def __getattr__(name: str) -> object:
        name = _OTHER_NAMES.get(name, name)
        if name in _ON_USE:
            return getattr(import_module(f".{_ON_USE[name]}", __name__), name)
        raise unknown_attribute("mundur.layers", name, __all__)

    def __dir__() -> list[str]:
        return sorted(__all__)
