"""The textbook beside the native half: the same names in the same files, the same sentences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mundur as md
import pytest
from mundur import reference

# Each with one fault; `p` is the half of the package that is to refuse it.
FAULTS: list[Callable[[Any], object]] = [
    lambda p: p.layers.Dense("10"),
    lambda p: p.layers.Dense(2.5),
    lambda p: p.layers.Dense(True),
    lambda p: p.layers.Dense(0),
    lambda p: p.layers.Dense(2, "rleu"),
    lambda p: p.layers.Dense(2, "logistic"),
    lambda p: p.layers.Dense(2, use_bias="yes"),
    lambda p: p.layers.Dense(2, kernel_initializer="glorot"),
    lambda p: p.layers.Dense(2, bias_regularizer="l3"),
    lambda p: p.layers.Dense(2, activity_regularizer="l3"),
    lambda p: p.layers.Dense(2, kernel_constraint="positive"),
    lambda p: p.layers.Activation("tan"),
    lambda p: p.layers.ActivityRegularization(-1),
    lambda p: p.layers.ReLU(max_value=-1),
    lambda p: p.layers.ReLU(negative_slope="0.1"),
    lambda p: p.layers.ReLU(threshold=float("nan")),
    lambda p: p.layers.LeakyReLU(-0.1),
    lambda p: p.layers.ELU(None),
    lambda p: p.layers.Softmax(axis=0),
    lambda p: p.layers.Softmax(axis=(1, 0.5)),
    lambda p: p.layers.UnitNormalization("last"),
    lambda p: p.layers.PReLU(shared_axes=0),
    lambda p: p.layers.PReLU("one's"),
    lambda p: p.layers.PReLU(alpha_regularizer="l3"),
    lambda p: p.layers.Dot(1, normalize=2),
    lambda p: p.layers.Dropout(1),
    lambda p: p.layers.Dropout("0.5"),
    lambda p: p.layers.SpatialDropout1D(-0.1),
    lambda p: p.layers.AlphaDropout(1.0),
    lambda p: p.layers.GaussianDropout(1.0),
    lambda p: p.layers.GaussianNoise(-1),
    lambda p: p.layers.Rescaling("1"),
    lambda p: p.layers.Rescaling(1, offset=float("inf")),
    lambda p: p.layers.BatchNormalization(momentum=2),
    lambda p: p.layers.BatchNormalization(epsilon=0),
    lambda p: p.layers.BatchNormalization(gamma_initializer="one's"),
    lambda p: p.layers.LayerNormalization(epsilon=-1),
    lambda p: p.layers.LayerNormalization(center=2),
    lambda p: p.layers.GroupNormalization(0),
    lambda p: p.layers.GroupNormalization(2.5),
    lambda p: p.layers.Embedding(0, 2),
    lambda p: p.layers.Embedding(2, 2.5),
    lambda p: p.layers.Embedding(2, 2, mask_zero=None),
    lambda p: p.layers.Embedding(2, 2, embeddings_initializer="unifrom"),
    lambda p: p.layers.Masking("pad"),
    lambda p: p.layers.Conv1D(0, 3),
    lambda p: p.layers.Conv1D(2, 0),
    lambda p: p.layers.Conv1D(2, 3, strides=0),
    lambda p: p.layers.Conv1D(2, 3, padding="full"),
    lambda p: p.layers.Conv1D(2, 3, dilation_rate=-1),
    lambda p: p.layers.Conv1D(4, 3, groups=3),
    lambda p: p.layers.Conv2D(0, 3),
    lambda p: p.layers.Conv2D(2, (3, 0)),
    lambda p: p.layers.Conv2D(2, (3, 3, 3)),
    lambda p: p.layers.Conv2D(2, 3, strides=(1, 0)),
    lambda p: p.layers.Conv2D(2, 3, padding="causal"),
    lambda p: p.layers.Conv2D(4, 3, groups=3),
    lambda p: p.layers.Conv2DTranspose(2, 3, padding="causal"),
    lambda p: p.layers.Conv2DTranspose(2, 3, output_padding=-1),
    lambda p: p.layers.DepthwiseConv2D((3, 0)),
    lambda p: p.layers.DepthwiseConv2D(3, depth_multiplier=0),
    lambda p: p.layers.DepthwiseConv2D(3, padding="causal"),
    lambda p: p.layers.DepthwiseConv1D(0),
    lambda p: p.layers.SeparableConv2D(0, 3),
    lambda p: p.layers.SeparableConv2D(2, 3, depth_multiplier=0),
    lambda p: p.layers.SeparableConv1D(2, 3, dilation_rate=0),
    lambda p: p.layers.MaxPooling1D(0),
    lambda p: p.layers.MaxPooling1D(2, strides=0),
    lambda p: p.layers.AveragePooling1D(2, padding="causal"),
    lambda p: p.layers.GlobalMaxPooling1D(keepdims=1),
    lambda p: p.layers.Reshape((2, 0)),
    lambda p: p.layers.Reshape(4),
    lambda p: p.layers.Permute((2, 3)),
    lambda p: p.layers.Permute((1, "2")),
    lambda p: p.layers.ZeroPadding1D(-1),
    lambda p: p.layers.ZeroPadding1D((1, 2, 3)),
    lambda p: p.layers.MaxPooling2D((2, 0)),
    lambda p: p.layers.MaxPooling2D(2, strides=(1, 0)),
    lambda p: p.layers.AveragePooling2D(2, padding="causal"),
    lambda p: p.layers.GlobalAveragePooling2D(keepdims=1),
    lambda p: p.layers.ZeroPadding2D((1, -1)),
    lambda p: p.layers.Cropping2D(((1, 0), (-1, 0))),
    lambda p: p.layers.UpSampling2D((2, 0)),
    lambda p: p.layers.UpSampling2D(2, interpolation="bicubic"),
    lambda p: p.layers.RandomFlip("sideways"),
    lambda p: p.layers.RandomTranslation(0.1, 1.5),
    lambda p: p.layers.RandomTranslation((0.1, 0.2, 0.3), 0.5),
    lambda p: p.layers.RandomTranslation(0.1, 0.1, fill_mode="mirror"),
    lambda p: p.layers.RandomRotation(-2),
    lambda p: p.layers.RandomRotation(0.1, interpolation="cubic"),
    lambda p: p.layers.RandomZoom(-1),
    lambda p: p.layers.RandomZoom(0.1, (-1, 0.5)),
    lambda p: p.layers.RandomCrop(0, 3),
    lambda p: p.layers.RandomContrast(1.5),
    lambda p: p.layers.RandomContrast(0.5, value_range=(1, 0)),
    lambda p: p.layers.Resizing(3, 0),
    lambda p: p.layers.Resizing(3, 3, crop_to_aspect_ratio=True, pad_to_aspect_ratio=True),
    lambda p: p.layers.CenterCrop(2, -1),
    lambda p: p.layers.SpatialDropout2D(1.5),
    lambda p: p.layers.RepeatVector(0),
    lambda p: p.layers.SimpleRNN(0),
    lambda p: p.layers.SimpleRNN(2, "tahn"),
    lambda p: p.layers.LSTM(2, recurrent_activation="sigmiod"),
    lambda p: p.layers.LSTM(2, return_state=1),
    lambda p: p.layers.SimpleRNN(2, stateful=0),
    lambda p: p.layers.SimpleRNN(2, zero_output_for_mask=None),
    lambda p: p.layers.GRU(2, reset_after=1),
    lambda p: p.layers.LSTM(2, unit_forget_bias=1),
    lambda p: p.layers.GRU(2, recurrent_dropout=1),
    lambda p: p.layers.GRU(2, recurrent_initializer="ortogonal"),
    lambda p: p.layers.Bidirectional(p.layers.GRU(2), "add"),
    lambda p: p.layers.Residual([]),
    lambda p: p.layers.Residual("dense"),
    lambda p: p.losses.Huber(0),
    lambda p: p.losses.BinaryCrossentropy(from_logits="yes"),
    lambda p: p.losses.BinaryCrossentropy(label_smoothing=-0.1),
    lambda p: p.losses.CategoricalCrossentropy(label_smoothing=1.5),
    lambda p: p.losses.BinaryFocalCrossentropy(alpha=1.5),
    lambda p: p.losses.CategoricalFocalCrossentropy(gamma=-1),
    lambda p: p.losses.MeanSquaredError()([1.0, 2.0], [1.0]),
    lambda p: p.losses.MeanSquaredError()([[1.0, 2.0, 3.0]], [[1.0, 2.0]]),
    lambda p: p.losses.MeanSquaredError()([1.0], [1.0], [1.0, 2.0]),
    lambda p: p.losses.BinaryCrossentropy()([1.0, 0.0], [0.5, 3.0]),
    lambda p: p.losses.CategoricalCrossentropy()([1, 0], [[0.5, 0.5], [0.5, 0.5]]),
    lambda p: p.losses.SparseCategoricalCrossentropy()([0, 2], [[0.5, 0.5], [0.5, 0.5]]),
    lambda p: p.losses.SparseCategoricalCrossentropy()([0.5, 0.0], [[0.5, 0.5], [0.5, 0.5]]),
    lambda p: p.losses.Tversky(alpha=-1),
    lambda p: p.losses.KLDivergence()([[0.5, 0.5]], [[1.5, 0.5]]),
    lambda p: p.losses.Poisson()([1.0], [-0.5]),
    lambda p: p.optimizers.SGD(-0.1),
    lambda p: p.optimizers.SGD(momentum=1.5),
    lambda p: p.optimizers.SGD(nesterov=None),
    lambda p: p.optimizers.SGD(weight_decay=-1),
    lambda p: p.optimizers.SGD(clipnorm=0),
    lambda p: p.optimizers.SGD(clipvalue="1"),
    lambda p: p.optimizers.SGD(use_ema=1),
    lambda p: p.optimizers.SGD(ema_momentum=1.5),
    lambda p: p.optimizers.Adam(beta_1=1),
    lambda p: p.optimizers.Adam(epsilon=0),
    lambda p: p.optimizers.Adam(amsgrad=1),
    lambda p: p.optimizers.RMSprop(rho=-1),
    lambda p: p.optimizers.RMSprop(momentum=2),
    lambda p: p.optimizers.RMSprop(centered=1),
    lambda p: p.optimizers.Adagrad(initial_accumulator_value=-1),
    lambda p: p.optimizers.Adadelta(epsilon=-1),
    lambda p: p.optimizers.Lion(beta_2=1),
    lambda p: p.optimizers.Ftrl(learning_rate_power=0.5),
    lambda p: p.optimizers.Ftrl(l1_regularization_strength=-1),
    lambda p: p.optimizers.Adafactor(beta_2_decay=0.8),
    lambda p: p.optimizers.Adafactor(epsilon_1=0),
    lambda p: p.optimizers.Adafactor(relative_step=1),
    lambda p: p.losses.Circle(gamma=0),
    lambda p: p.losses.Circle(margin=-1),
    lambda p: p.initializers.Constant("1"),
    lambda p: p.initializers.RandomUniform(1, 0),
    lambda p: p.initializers.RandomNormal(stddev=-1),
    lambda p: p.initializers.TruncatedNormal(mean=None),
    lambda p: p.initializers.Orthogonal("1"),
    lambda p: p.initializers.Identity(float("nan")),
    lambda p: p.initializers.VarianceScaling(0),
    lambda p: p.initializers.VarianceScaling(mode="fan"),
    lambda p: p.initializers.VarianceScaling(distribution="unifrom"),
    lambda p: p.initializers.get("zeroes"),
    lambda p: p.regularizers.L2(-1),
    lambda p: p.regularizers.L1L2(l1="1"),
    lambda p: p.constraints.MaxNorm(-1),
    lambda p: p.constraints.MinMaxNorm(2, 1),
    lambda p: p.constraints.MinMaxNorm(rate=2),
    lambda p: p.constraints.UnitNorm(axis=0.5),
    lambda p: p.constraints.UnitNorm(axis=()),
    lambda p: p.Model("dense"),
    lambda p: p.Model([p.layers.Dense(1, name="a"), p.layers.Dense(1, name="a")]),
]


def refusal(fault: Callable[[Any], object], half: Any) -> tuple[type[Exception], str]:
    with pytest.raises((TypeError, ValueError)) as caught:
        fault(half)
    return caught.type, str(caught.value)


@pytest.mark.parametrize("fault", FAULTS, ids=[str(i) for i in range(len(FAULTS))])
def test_both_halves_refuse_with_the_same_sentence(fault: Callable[[Any], object]) -> None:
    assert refusal(fault, reference) == refusal(fault, md)


@pytest.mark.parametrize(
    ("native", "taught"),
    [
        (
            {name: getattr(md.layers, name) for name in md.layers.KNOWN if name != "Lambda"},
            reference.layers.KNOWN,
        ),
        (md.losses.CLASS_NAMES, reference.losses.CLASS_NAMES),
        (md.regularizers.CLASS_NAMES, reference.regularizers.CLASS_NAMES),
    ],
)
def test_each_native_piece_has_a_twin_in_the_file_of_that_name(
    native: dict[str, type], taught: dict[str, type]
) -> None:
    assert sorted(native) == sorted(taught)
    for name, cls in taught.items():
        assert cls.__name__ == name
        assert cls.__module__.replace("mundur.reference.", "mundur.") == native[name].__module__


@pytest.mark.parametrize("package", ["optimizers", "initializers", "constraints"])
def test_public_classes_are_in_the_file_of_that_name(package: str) -> None:
    native, taught = getattr(md, package), getattr(reference, package)
    for name in native.__all__:
        cls = getattr(native, name)
        if isinstance(cls, type):
            twin = getattr(taught, name)
            assert twin.__module__.replace("mundur.reference.", "mundur.") == cls.__module__
