"""What repr prints can be pasted back, and pickle, copy and joblib keep what they get."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import joblib
import mundur as md
import numpy as np
import pytest

NAMES: dict[str, Any] = {"md": md}
for module in (
    md,
    md.layers,
    md.metrics,
    md.losses,  # some of whose names are metrics', too
    md.optimizers,
    md.schedules,
    md.initializers,
    md.regularizers,
    md.constraints,
    md.callbacks,
):
    NAMES |= {name: getattr(module, name) for name in module.__all__}

THINGS = [
    "Dense(3)",
    "Dense(3, activation='relu', use_bias=False)",
    "Dense(3, kernel_initializer='he_normal', bias_initializer=Constant(value=0.1))",
    "Dense(2, kernel_initializer=[[0.1, 0.25], [1.0, -3.0]])",
    "Dense(2, name='head', trainable=False, input_shape=(4,))",
    "Activation('tanh')",
    "Activation('gelu')",
    "ReLU()",
    "ReLU(max_value=6.0, negative_slope=0.1, threshold=0.5)",
    "LeakyReLU(negative_slope=0.1)",
    "ELU()",
    "Softmax(name='shares')",
    "Softmax(axis=(1, 2))",
    "PReLU(shared_axes=(1,))",
    "PReLU(alpha_initializer=Constant(value=0.25), alpha_constraint=NonNeg())",
    "UnitNormalization(axis=1)",
    "Activation('relu', activity_regularizer=L1())",
    "ActivityRegularization(l2=0.5)",
    "Dense(3, kernel_regularizer=L1L2(l1=0.01, l2=0.01), bias_regularizer=L2())",
    "Dense(3, kernel_constraint=MaxNorm(max_value=1.0, axis=1), bias_constraint=NonNeg())",
    "Dense(3, kernel_constraint=UnitNorm(), bias_constraint=MinMaxNorm(rate=0.5))",
    "Conv2D(3, (2, 2), kernel_constraint=MaxNorm(axis=(0, 1, 2)))",
    "Dropout(0.25, seed=3)",
    "Flatten(input_shape=(2, 3))",
    "Rescaling(0.00392156862745098, offset=-1.0)",
    "BatchNormalization()",
    "BatchNormalization(momentum=0.9, center=False, moving_mean_initializer='ones')",
    "LayerNormalization(epsilon=1e-05, trainable=False)",
    "GroupNormalization(groups=4, scale=False)",
    "GaussianNoise(0.1, seed=3)",
    "GaussianDropout(0.25)",
    "AlphaDropout(0.25, seed=3)",
    "Conv2D(8, (3, 3), strides=(2, 1), padding='same', activation='relu', kernel_regularizer=L2())",
    "Conv2DTranspose(8, (4, 4), strides=(2, 2), padding='same', output_padding=(1, 0))",
    "DepthwiseConv2D((3, 3), depth_multiplier=2, depthwise_regularizer=L2())",
    "DepthwiseConv1D(3, strides=2, padding='same', activation='relu', use_bias=False)",
    "SeparableConv2D(8, (3, 3), dilation_rate=(2, 2), pointwise_constraint=NonNeg())",
    "SeparableConv1D(8, 3, depth_multiplier=2, depthwise_initializer='he_normal')",
    "Conv1D(8, 3, strides=2, padding='same', activation='relu', kernel_regularizer=L2())",
    "MaxPooling1D(pool_size=4, padding='same')",
    "AveragePooling1D(4, strides=2)",
    "GlobalMaxPooling1D(keepdims=True)",
    "GlobalAveragePooling1D(name='mean')",
    "MaxPooling2D(pool_size=(4, 4), padding='same')",
    "MaxPooling2D(strides=(1, 2))",
    "AveragePooling2D((4, 2), strides=(2, 2))",
    "GlobalMaxPooling2D(keepdims=True)",
    "GlobalAveragePooling2D(name='mean')",
    "SpatialDropout2D(0.25, seed=3)",
    "ZeroPadding2D(padding=((1, 0), (2, 2)))",
    "Cropping2D(cropping=((1, 0), (2, 2)))",
    "UpSampling2D(size=(3, 1))",
    "UpSampling2D(interpolation='bilinear')",
    "RandomFlip(mode='vertical', seed=3)",
    "RandomTranslation(0.25, (-0.5, 0.0), fill_mode='wrap', seed=3)",
    "RandomRotation(0.125, fill_mode='constant', fill_value=1.0)",
    "RandomZoom((0.25, 0.5), interpolation='nearest')",
    "RandomZoom(0.5, width_factor=0.25)",
    "RandomCrop(3, 4, seed=3)",
    "RandomContrast((0.25, 0.5), value_range=(0.0, 1.0))",
    "Resizing(3, 4, crop_to_aspect_ratio=True)",
    "CenterCrop(3, 4)",
    "Embedding(100, 8)",
    "Embedding(100, 8, embeddings_initializer='zeros', mask_zero=True)",
    "LSTM(4, return_sequences=True)",
    "GRU(4, kernel_initializer='he_normal', dropout=0.5)",
    "SpatialDropout1D(0.25, seed=3)",
    "Reshape((2, -1))",
    "Permute((2, 1))",
    "ZeroPadding1D(padding=(1, 0))",
    "Masking()",
    "Masking(mask_value=-1.0)",
    "RepeatVector(4)",
    "Cropping1D(cropping=(1, 2))",
    "UpSampling1D(size=3)",
    "Normalization(mean=[0.0, 1.0], variance=[2.0, 4.0])",
    "Normalization(axis=None, invert=True)",
    "Conv1DTranspose(8, 3, strides=2, padding='same', activation='relu')",
    "Dropout(0.25, noise_shape=(None, 1, 5))",
    "LayerNormalization(axis=(1, 2))",
    "CategoryEncoding(num_tokens=4, output_mode='count')",
    "Discretization(bin_boundaries=[0.0, 1.0])",
    "StringLookup(vocabulary=['a', 'b'], output_mode='multi_hot')",
    "IntegerLookup(vocabulary=[12, 36])",
    "TextVectorization(ngrams=2, output_sequence_length=4)",
    "TimeDistributed(Dense(3, activation='relu', name='step'), name='steps')",
    "Residual([Dense(3, activation='relu'), Residual([Dense(3)]), Dropout(0.5)], name='block')",
    "Input((28, 28))",
    "MeanSquaredError()",
    "BinaryCrossentropy(from_logits=True)",
    "CategoricalCrossentropy(name='cc')",
    "SparseCategoricalCrossentropy(ignore_class=-1, axis=1)",
    "CosineSimilarity(axis=1)",
    "CategoricalHinge(reduction='sum')",
    "Tversky(alpha=0.3, axis=(1, 2))",
    "Circle(gamma=10.0, margin=0.25, remove_diagonal=False)",
    "Dice()",
    "SparseCategoricalCrossentropy(from_logits=True)",
    "SGD()",
    "SGD(name='plain')",
    "SGD(learning_rate=0.1, momentum=0.9, nesterov=True)",
    "Adam(learning_rate=1e-05)",
    "AdamW(learning_rate=0.01, weight_decay=0.1, global_clipnorm=1.0)",
    "RMSprop(momentum=0.9, centered=True, use_ema=True, ema_overwrite_frequency=10)",
    "Lion(learning_rate=CosineDecay(0.1, 100, warmup_target=0.2, warmup_steps=5))",
    "Ftrl(learning_rate=0.1, learning_rate_power=-0.25, l1_regularization_strength=0.5)",
    "Adafactor(epsilon_2=0.01, clip_threshold=2.0, relative_step=False)",
    "PiecewiseConstantDecay([10, 20], [0.1, 0.01, 0.001])",
    "WarmUp(ExponentialDecay(0.1, 100, 0.5, staircase=True), 10)",
    "Zeros()",
    "Constant(value=2.5)",
    "RandomUniform(minval=-1.0, maxval=1.0, seed=4)",
    "RandomNormal(stddev=0.1)",
    "GlorotUniform(seed=3)",
    "LecunNormal()",
    "LecunUniform(seed=2)",
    "TruncatedNormal(stddev=0.1)",
    "VarianceScaling(scale=2.0, mode='fan_avg', distribution='uniform', seed=1)",
    "Orthogonal(gain=2.0)",
    "Identity()",
    "HeNormal()",
    "EarlyStopping(patience=3, restore_best_weights=True)",
    "ReduceLROnPlateau(factor=0.5, min_lr=0.001)",
    "ModelCheckpoint('m.safetensors', save_best_only=True, save_freq=3)",
    "CSVLogger('log.csv', separator=';')",
    "TerminateOnNaN()",
    "TerminateOnNaN(raise_error=True)",
    "BackupAndRestore('backup', save_freq=3)",
    "SwapEMAWeights(swap_on_epoch=True)",
    "TensorBoard(histogram_freq=1)",
    "Accuracy()",
    "Accuracy(name='acc')",
    "BinaryAccuracy()",
    "Precision(thresholds=0.7, class_id=1)",
    "Recall(name='hits')",
    "F1Score(average='macro')",
    "R2Score(class_aggregation='variance_weighted_average')",
    "TopKCategoricalAccuracy(k=3)",
    "AUC()",
    "AUC(curve='PR', thresholds=[0.1, 0.5])",
    "BinaryAccuracy(threshold=0.3)",
    "TruePositives(thresholds=[0.1, 0.5])",
    "RecallAtPrecision(0.5, num_thresholds=30)",
    "FBetaScore(average='macro', beta=2.0)",
    "MeanIoU(3, ignore_class=0)",
    "BinaryIoU(threshold=0.3)",
    "LogCoshError()",
    "Mean(name='loss')",
    "Model([Dense(3), Dropout(0.5), Dense(1)], seed=4)",
    "Model([Dense(3)], name='small', seed=4, dtype='float64', input_shape=(2,))",
    "Model([Dense(3)], seed=4, compute_dtype='bfloat16', input_shape=(2,))",
    "Model([Dense(3, input_shape=(2,))], seed=1)",
]


@pytest.mark.parametrize("text", THINGS)
def test_repr_can_be_pasted_back(text: str) -> None:
    thing = eval(text, NAMES)
    assert repr(thing) == text
    assert repr(eval(repr(thing), NAMES)) == text


def test_pieces_can_be_pickled_and_copied() -> None:
    for text in (t for t in THINGS if not t.startswith(("Model", "Input"))):
        thing = eval(text, NAMES)
        assert repr(pickle.loads(pickle.dumps(thing))) == text
        assert repr(copy.deepcopy(thing)) == text


def test_exact_values_survive_repr() -> None:
    values = np.array([[0.1, 1 / 3], [np.pi, 1e-30]], np.float32)
    layer = eval(repr(md.layers.Dense(2, kernel_initializer=values)), NAMES)
    model = md.Model([layer], input_shape=(2,), seed=0)
    assert np.array_equal(model.parameters["dense/kernel"], values)


@pytest.mark.parametrize("way", ["pickle", "deepcopy", "copy", "joblib"])
def test_models_go_through_bytes(way: str, classifier: Any, blobs: Any, tmp_path: Any) -> None:
    x, y = blobs
    model = classifier(dropout=0.3)
    model.fit(x, y, epochs=2, verbose=0)
    if way == "pickle":
        other = pickle.loads(pickle.dumps(model))
    elif way == "joblib":
        joblib.dump(model, tmp_path / "model.joblib")
        other = joblib.load(tmp_path / "model.joblib")
    else:
        other = getattr(copy, way)(model)
    for trained in (model, other):
        trained.fit(x, y, epochs=2, verbose=0)
    assert all(
        np.array_equal(a, b) for a, b in zip(model.get_weights(), other.get_weights(), strict=True)
    )
    assert repr(other) == repr(model)
    assert repr(other.optimizer) == repr(model.optimizer)


def test_a_used_optimizer_keeps_its_state_in_pickle(blobs: Any, classifier: Any) -> None:
    x, y = blobs
    model = classifier()
    model.fit(x, y, verbose=0)
    optimizer = model.optimizer
    other = pickle.loads(pickle.dumps(optimizer))
    assert other.iterations == optimizer.iterations > 0
    twin = copy.deepcopy(model)
    gradient = np.ones(model.gradients["dense/kernel"].shape)
    for m, rule in ((model, optimizer), (twin, other)):
        m.gradients["dense/kernel"] = gradient
        rule.step(m)
    assert np.array_equal(model.parameters["dense/kernel"], twin.parameters["dense/kernel"])


def test_history_is_picklable(blobs: Any, classifier: Any) -> None:
    history = classifier().fit(*blobs, epochs=2, verbose=0)
    other = pickle.loads(pickle.dumps(history))
    assert other.history == history.history
    assert other.stop_reason == "epochs"
    assert "2 epochs" in repr(other)


def test_subclasses_with_other_arguments_still_have_a_repr() -> None:
    class Odd(md.Loss):
        def __init__(self, strength: float) -> None:
            self._strength = strength

    assert "Odd" in repr(Odd(2.0))
