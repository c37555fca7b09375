"""The layers: dense, over time, normalising, disturbing, of shapes, and around other layers."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .._support.names import unknown_attribute
from .activation import ELU, Activation, ActivityRegularization, LeakyReLU, PReLU, ReLU, Softmax
from .base import Layer
from .conv1d import Conv1D
from .conv1d_transpose import Conv1DTranspose
from .conv2d import Conv2D
from .conv2d_transpose import Conv2DTranspose
from .dense import Dense
from .depthwise_conv import DepthwiseConv1D, DepthwiseConv2D
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
from .group_normalization import GroupNormalization
from .images import (
    CenterCrop,
    RandomContrast,
    RandomCrop,
    RandomFlip,
    RandomRotation,
    RandomTranslation,
    RandomZoom,
    Resizing,
)
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
from .pooling2d import AveragePooling2D, GlobalAveragePooling2D, GlobalMaxPooling2D, MaxPooling2D
from .recurrent import GRU, LSTM, SimpleRNN
from .separable_conv import SeparableConv1D, SeparableConv2D
from .shape import (
    Cropping1D,
    Flatten,
    Permute,
    RepeatVector,
    Reshape,
    UpSampling1D,
    ZeroPadding1D,
)
from .shape2d import Cropping2D, UpSampling2D, ZeroPadding2D
from .wrappers import Bidirectional, Residual, TimeDistributed

if TYPE_CHECKING:
    from .encoding import CategoryEncoding, Discretization
    from .lookup import IntegerLookup, StringLookup
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

# What is called on data, and stands in no model: few programs need it.
_ON_USE = {
    **dict.fromkeys(("CategoryEncoding", "Discretization"), "encoding"),
    **dict.fromkeys(("IntegerLookup", "StringLookup"), "lookup"),
    "TextVectorization": "text_vectorization",
}

# Keras's other names.
Convolution1D, Convolution1DTranspose = Conv1D, Conv1DTranspose
Convolution2D, Convolution2DTranspose = Conv2D, Conv2DTranspose
SeparableConvolution1D, SeparableConvolution2D = SeparableConv1D, SeparableConv2D
MaxPool1D, GlobalMaxPool1D = MaxPooling1D, GlobalMaxPooling1D
AvgPool1D, GlobalAvgPool1D = AveragePooling1D, GlobalAveragePooling1D
MaxPool2D, GlobalMaxPool2D = MaxPooling2D, GlobalMaxPooling2D
AvgPool2D, GlobalAvgPool2D = AveragePooling2D, GlobalAveragePooling2D


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

KNOWN: dict[str, type[Layer]] = {
    cls.__name__: cls
    for cls in (
        *(Dense, Activation, ActivityRegularization, Dropout, Flatten, Rescaling),
        *(ReLU, LeakyReLU, PReLU, ELU, Softmax),
        *(Normalization, Cropping1D, UpSampling1D, Conv1DTranspose),
        *(BatchNormalization, LayerNormalization, GroupNormalization, UnitNormalization),
        *(GaussianNoise, GaussianDropout, AlphaDropout),
        Embedding,
        *(Conv2D, Conv2DTranspose),
        *(DepthwiseConv1D, DepthwiseConv2D, SeparableConv1D, SeparableConv2D),
        *(Conv1D, MaxPooling1D, AveragePooling1D, GlobalMaxPooling1D, GlobalAveragePooling1D),
        *(SpatialDropout1D, Reshape, Permute, ZeroPadding1D, Masking, RepeatVector),
        *(MaxPooling2D, AveragePooling2D, GlobalMaxPooling2D, GlobalAveragePooling2D),
        *(SpatialDropout2D, ZeroPadding2D, Cropping2D, UpSampling2D),
        *(RandomFlip, RandomTranslation, RandomRotation, RandomZoom, RandomCrop, RandomContrast),
        *(Resizing, CenterCrop),
        *(SimpleRNN, LSTM, GRU),
        *(Bidirectional, TimeDistributed, Residual),
        *(Add, Subtract, Multiply, Average, Maximum, Minimum, Concatenate, Dot),
        Lambda,
    )
}


if not TYPE_CHECKING:  # else type checkers would believe in any name

    def __getattr__(name: str) -> object:
        if name in _ON_USE:
            return getattr(import_module(f".{_ON_USE[name]}", __name__), name)
        raise unknown_attribute("mundur.layers", name, __all__)

    def __dir__() -> list[str]:
        return sorted(__all__)
