"""The layers: forward, and backward directly below it."""

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
from .group_normalization import GroupNormalization
from .masking import Masking
from .merging import Add, Average, Concatenate, Dot, Maximum, Minimum, Multiply, Subtract
from .normalization import (
    BatchNormalization,
    LayerNormalization,
    Normalization,
    Rescaling,
    UnitNormalization,
)
from .pooling1d import AveragePooling1D, GlobalAveragePooling1D, GlobalMaxPooling1D, MaxPooling1D
from .pooling2d import AveragePooling2D, GlobalAveragePooling2D, GlobalMaxPooling2D, MaxPooling2D
from .random_image import (
    RandomContrast,
    RandomCrop,
    RandomFlip,
    RandomRotation,
    RandomTranslation,
    RandomZoom,
)
from .recurrent import GRU, LSTM, SimpleRNN
from .resizing import CenterCrop, Resizing
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
    "Subtract",
    "TimeDistributed",
    "UnitNormalization",
    "UpSampling1D",
    "UpSampling2D",
    "ZeroPadding1D",
    "ZeroPadding2D",
]

KNOWN: dict[str, type[Layer]] = {
    cls.__name__: cls
    for cls in (
        *(Dense, Activation, ActivityRegularization, ReLU, LeakyReLU, PReLU, ELU, Softmax),
        *(Dropout, SpatialDropout1D, GaussianNoise, GaussianDropout, AlphaDropout),
        *(Flatten, Reshape, Permute, ZeroPadding1D, RepeatVector, Masking, Embedding),
        *(BatchNormalization, LayerNormalization, GroupNormalization, UnitNormalization),
        *(Normalization, Rescaling),
        *(Cropping1D, UpSampling1D, Conv1DTranspose),
        *(Conv2D, Conv2DTranspose),
        *(DepthwiseConv1D, DepthwiseConv2D, SeparableConv1D, SeparableConv2D),
        *(Conv1D, MaxPooling1D, AveragePooling1D, GlobalMaxPooling1D, GlobalAveragePooling1D),
        *(MaxPooling2D, AveragePooling2D, GlobalMaxPooling2D, GlobalAveragePooling2D),
        *(SpatialDropout2D, ZeroPadding2D, Cropping2D, UpSampling2D),
        *(RandomFlip, RandomTranslation, RandomRotation, RandomZoom, RandomCrop, RandomContrast),
        *(Resizing, CenterCrop),
        *(SimpleRNN, LSTM, GRU, Bidirectional, TimeDistributed, Residual),
        *(Add, Subtract, Multiply, Average, Maximum, Minimum, Concatenate, Dot),
    )
}
"""The layers by the names of their classes, which are those of their native twins."""
