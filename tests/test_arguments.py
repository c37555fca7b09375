"""Constructors: positional use, defaults, names, and an error for every bad argument."""

from __future__ import annotations

import copy
import math
import pickle
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any

import mundur as md
import numpy as np
import pytest

L, OPT, S, INIT, C, M = (
    md.layers,
    md.optimizers,
    md.losses,
    md.initializers,
    md.callbacks,
    md.metrics,
)
ARRAY, U = np.ones(2), md.utils


def test_positional_use_is_keras() -> None:
    dense = L.Dense(10, "relu", False, "he_normal")
    assert (dense.units, dense.activation, dense.use_bias) == (10, "relu", False)
    assert OPT.Adam(1e-2, 0.8, 0.9, 1e-5).epsilon == 1e-5
    assert OPT.SGD(0.1, 0.9, True).nesterov is True
    assert L.Dropout(0.5).rate == 0.5
    assert L.Rescaling(2, 1).offset == 1.0
    assert S.BinaryCrossentropy(True).from_logits is True
    assert C.EarlyStopping("loss", 0.1, 3).patience == 3


def test_defaults() -> None:
    shared = {
        "name": None,
        "weight_decay": None,
        "clipnorm": None,
        "clipvalue": None,
        "global_clipnorm": None,
        "use_ema": False,
        "ema_momentum": 0.99,
        "ema_overwrite_frequency": None,
        "gradient_accumulation_steps": None,
    }
    sgd = {"learning_rate": 0.01, "momentum": 0.0, "nesterov": False}
    assert OPT.SGD().get_config() == sgd | shared
    adam = {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8}
    assert OPT.Adam().get_config() == adam | {"amsgrad": False} | shared
    assert repr(L.Dense(3)) == "Dense(3)"
    assert L.Dense(3).name == "dense"
    assert S.MeanSquaredError().name == "mean_squared_error"


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        # unknown keywords, answered with the nearest
        (
            lambda: OPT.Adam(lr=0.1),
            TypeError,
            "Adam() has no argument 'lr'; did you mean 'learning_rate'",
        ),
        (lambda: OPT.Adam(learning_rat=0.1), TypeError, "did you mean 'learning_rate'"),
        (lambda: OPT.Adam(beta1=0.9), TypeError, "did you mean 'beta_1'"),
        (lambda: OPT.Adam(eps=1e-9), TypeError, "did you mean 'epsilon'"),
        (lambda: L.Dense(3, activaton="relu"), TypeError, "did you mean 'activation'"),
        (lambda: L.Dense(3, bias=False), TypeError, "did you mean 'use_bias'"),
        (lambda: L.Dropout(p=0.5), TypeError, "did you mean 'rate'"),
        (lambda: S.BinaryCrossentropy(logits=True), TypeError, "did you mean 'from_logits'"),
        (lambda: INIT.RandomNormal(std=1), TypeError, "did you mean 'stddev'"),
        (lambda: C.EarlyStopping(patients=1), TypeError, "did you mean 'patience'"),
        (lambda: md.Model(random_state=1), TypeError, "did you mean 'seed'"),
        (lambda: L.Dense(3, zzz=1), TypeError, "known: units, activation"),
        # unknown names
        (lambda: L.Dense(3, "rellu"), ValueError, "did you mean 'relu'"),
        (lambda: L.Dense(3, "celu"), ValueError, "known: 'elu', 'exponential'"),
        (lambda: L.Activation("sigmoyd"), ValueError, "did you mean 'sigmoid'"),
        (lambda: INIT.get("glorot"), ValueError, "mean 'glorot_normal' or 'glorot_uniform'?"),
        (lambda: INIT.get("he"), ValueError, "did you mean 'he_normal' or 'he_uniform'?"),
        (lambda: L.Dense(3, "logistic"), ValueError, "did you mean 'sigmoid'"),
        (lambda: L.Dense(3, "glu"), ValueError, "'glu' (known"),
        (lambda: S.get("rmse"), ValueError, "unknown loss 'rmse'"),
        (lambda: S.MeanSquaredError("max"), ValueError, 'reduction must be "sum_over_batch_size"'),
        (lambda: S.Huber(0), ValueError, "delta must be a finite number > 0; got 0"),
        (lambda: S.get("crossentropy"), ValueError, "'binary_crossentropy' or 'sparse_"),
        (lambda: S.get("MeanSquareError"), ValueError, "did you mean 'mean_squared_error'"),
        (lambda: OPT.get("muon"), ValueError, "'muon' (known"),
        (lambda: L.Linear, AttributeError, "did you mean 'Dense'?"),
        (lambda: md.utils.to_categorial, AttributeError, "did you mean 'to_categorical'?"),
        (lambda: md.models.Sequental, AttributeError, "did you mean 'Sequential'?"),
        (lambda: md.utils.set_random_seed(-1), ValueError, "seed"),
        (lambda: L.Dense(3, kernel_initializer="he"), ValueError, "kernel_initializer"),
        (lambda: OPT.get("adm"), ValueError, "did you mean 'adam'"),
        (lambda: S.get("binary_crossentrop"), ValueError, "did you mean 'binary_crossentropy'"),
        (lambda: M.get("accurracy"), ValueError, "did you mean 'accuracy'"),
        # Keras's arguments with one value here
        (lambda: OPT.Adam(loss_scale_factor=2.0), ValueError, "only loss_scale_factor=None"),
        (lambda: S.BinaryCrossentropy(label_smoothing=1.1), ValueError, "label_smoothing"),
        (lambda: L.Dropout(0.3, activity_regularizer="l2"), ValueError, "activity_regularizer"),
        # penalties, constraints, initializers
        (
            lambda: L.Dense(3, kernel_regularizer="l3"),
            ValueError,
            "kernel_regularizer 'l3'",
        ),
        (
            lambda: L.Dense(3, bias_regularizer=0.01),
            TypeError,
            "bias_regularizer must be None",
        ),
        (lambda: L.Dense(3, activity_regularizer=abs), TypeError, "written in Python are not"),
        (lambda: L.Dense(3, kernel_constraint="maxnorm"), ValueError, "did you mean 'max_norm'"),
        (
            lambda: L.Dense(3, bias_constraint=abs),
            TypeError,
            "bias_constraint must be None",
        ),
        (lambda: md.regularizers.L2(-1), ValueError, "l2 must be a finite number >= 0"),
        (lambda: md.regularizers.L1L2(l1="a"), TypeError, "l1 must be a number"),
        (lambda: md.regularizers.L3, AttributeError, "mundur.regularizers has no 'L3'"),
        (lambda: md.constraints.MaxNrm, AttributeError, "did you mean 'MaxNorm'"),
        (lambda: md.constraints.MaxNorm(-1.0), ValueError, "max_value"),
        (lambda: md.constraints.MinMaxNorm(2.0, 1.0), ValueError, "max_value must be a finite"),
        (lambda: md.constraints.MinMaxNorm(rate=2), ValueError, "rate"),
        (lambda: md.constraints.UnitNorm((0, 1.5)), TypeError, "axis[1] must be an integer"),
        (lambda: md.constraints.MaxNorm(axis=[]), ValueError, "axis must be an integer, or some"),
        (lambda: INIT.VarianceScaling(0.0), ValueError, "scale must be a finite number > 0"),
        (lambda: INIT.VarianceScaling(mode="in"), ValueError, "unknown mode 'in'"),
        (
            lambda: INIT.VarianceScaling(distribution="gauss"),
            ValueError,
            "unknown distribution",
        ),
        (lambda: INIT.Orthogonal()((3,)), ValueError, "two axes or more; got the shape (3,)"),
        (lambda: INIT.Identity()((3, 3, 3)), ValueError, "two axes; got the shape (3, 3, 3)"),
        (lambda: INIT.VarianceScaling(mode=None), TypeError, "mode must be one of 'fan_avg'"),
        (lambda: INIT.VarianceScaling(distribution=3), TypeError, "distribution must be one of"),
        (lambda: INIT.get([]), ValueError, "initializer: initial values must not be empty"),
        (lambda: INIT.get([None]), TypeError, "initializer: initial values must be real"),
        (lambda: INIT.Constant(1e300)((2,)), ValueError, "finite in float32; got inf"),
        (lambda: INIT.get(lambda shape, dtype: [1e300])((1,)), ValueError, "finite in float32"),
        # arrays, which compare with nothing
        (lambda: S.MeanSquaredError(ARRAY), TypeError, "reduction must be"),
        (lambda: M.F1Score(ARRAY), TypeError, "average must be None"),
        (lambda: C.EarlyStopping(mode=ARRAY), TypeError, "mode must be"),
        (lambda: C.ModelCheckpoint("m", save_freq=ARRAY), TypeError, "save_freq must be"),
        (lambda: md.Model(device=ARRAY), ValueError, "device must be"),
        (lambda: md.Model(dtype=np.float32("nan")), ValueError, "dtype must be"),
        (lambda: md.Model(compute_dtype=np.float32("nan")), ValueError, "compute_dtype must be"),
        # values
        (lambda: L.Dense(0), ValueError, "units must be >= 1; got 0"),
        (lambda: L.Dense(-3), ValueError, "units"),
        (lambda: L.Dense(3.0), TypeError, "units must be an integer; got 3.0 (float)"),
        (lambda: L.Dense(True), TypeError, "units"),
        (lambda: L.Dense("3"), TypeError, "units"),
        (lambda: L.Dense(3, use_bias=1), TypeError, "use_bias must be True or False"),
        (lambda: L.Dense(3, activation=math.tanh), TypeError, "activation must be a name"),
        (lambda: L.Dense(3, name=5), TypeError, "name"),
        (lambda: L.Dense(3, name="a/b"), ValueError, "'/'"),
        (lambda: L.Dense(3, name=""), ValueError, "name"),
        (lambda: L.Dense(3, trainable="no"), TypeError, "trainable"),
        (lambda: L.Dense(3, input_shape=(0,)), ValueError, r"input_shape[0]"),
        (lambda: L.Dense(3, input_shape=(4, None)), ValueError, "without the batch"),
        (lambda: md.Input((3, None)), ValueError, "but for the first, a number of time steps"),
        (lambda: L.Dense(3, input_shape="784"), TypeError, "input_shape"),
        (lambda: L.Dense(3, input_shape=(2,), input_dim=2), ValueError, "input_dim"),
        (lambda: L.Dense(3, kernel_initializer=[[1.0, "a"]]), TypeError, "initial values"),
        (lambda: L.Dense(3, kernel_initializer=[[1.0], [1.0, 2.0]]), ValueError, "initial values"),
        (lambda: L.Dense(3, kernel_initializer=np.array([np.nan])), ValueError, "finite"),
        (lambda: L.Dense(3, kernel_initializer=7), TypeError, "kernel_initializer"),
        (lambda: L.Dropout(1.0), ValueError, "rate must be a finite number >= 0 and < 1; got 1.0"),
        (lambda: L.Dropout(-0.1), ValueError, "rate"),
        (lambda: L.Dropout(math.nan), ValueError, "rate"),
        (lambda: L.Dropout(0.5, seed=-1), ValueError, "seed"),
        (lambda: L.Rescaling(math.inf), ValueError, "scale"),
        (lambda: L.Rescaling("x"), TypeError, "scale"),
        (lambda: md.Input(()), ValueError, "shape"),
        (lambda: md.Input((3, -1)), ValueError, "shape[1]"),
        (lambda: OPT.SGD(-0.1), ValueError, "learning_rate must be a finite number >= 0; got -0.1"),
        (lambda: OPT.SGD(math.nan), ValueError, "learning_rate"),
        (lambda: OPT.SGD(math.inf), ValueError, "learning_rate"),
        (lambda: OPT.SGD("fast"), TypeError, "learning_rate"),
        (lambda: OPT.SGD(True), TypeError, "learning_rate"),
        (lambda: OPT.SGD(momentum=1.5), ValueError, "momentum"),
        (lambda: OPT.SGD(nesterov=2), TypeError, "nesterov"),
        (lambda: OPT.Adam(beta_1=1.0), ValueError, "beta_1"),
        (lambda: OPT.Adam(beta_2=-0.1), ValueError, "beta_2"),
        (lambda: OPT.Adam(epsilon=0), ValueError, "epsilon"),
        (lambda: OPT.Adam(epsilon=1e-60), ValueError, "epsilon must be a finite number >= 1.17"),
        (lambda: L.BatchNormalization(epsilon=1e-60), ValueError, "epsilon must be a finite"),
        (lambda: L.LayerNormalization(epsilon=1e-60), ValueError, "epsilon must be a finite"),
        (lambda: OPT.RMSprop(rho=1.0), ValueError, "rho must be a finite number >= 0 and < 1"),
        (lambda: OPT.RMSprop(centered=1), TypeError, "centered"),
        (
            lambda: OPT.Adagrad(initial_accumulator_value=-1),
            ValueError,
            "initial_accumulator_value",
        ),
        (lambda: OPT.Lion(beta_2=1), ValueError, "beta_2"),
        (lambda: OPT.Ftrl(learning_rate_power=0.5), ValueError, "learning_rate_power"),
        (lambda: OPT.Ftrl(beta=-1), ValueError, "beta"),
        (lambda: OPT.Adafactor(beta_2_decay=0.8), ValueError, "beta_2_decay"),
        (lambda: OPT.Adafactor(clip_threshold=0), ValueError, "clip_threshold"),
        (lambda: OPT.AdamW(weight_decay=-1), ValueError, "weight_decay"),
        (lambda: OPT.SGD(clipnorm=0), ValueError, "clipnorm must be a finite number > 0; got 0"),
        (lambda: OPT.SGD(clipvalue=math.inf), ValueError, "clipvalue"),
        (lambda: OPT.SGD(clipnorm=1, clipvalue=1), ValueError, "got clipvalue and clipnorm"),
        (lambda: OPT.SGD(use_ema=1), TypeError, "use_ema"),
        (lambda: OPT.SGD(use_ema=True, ema_momentum=2), ValueError, "ema_momentum"),
        (lambda: OPT.SGD(ema_overwrite_frequency=0), ValueError, "ema_overwrite_frequency"),
        (lambda: OPT.SGD(gradient_accumulation_steps=1), ValueError, ">= 2; got 1"),
        (lambda: OPT.SGD(lambda step: -1.0), ValueError, "the schedule's rate of step 0"),
        (lambda: OPT.SGD(lambda step: None), TypeError, "the schedule's rate of step 0"),
        (lambda: OPT.get(3), TypeError, "optimizer"),
        (lambda: S.get(None), TypeError, "loss"),
        (lambda: S.BinaryCrossentropy(from_logits="yes"), TypeError, "from_logits"),
        (lambda: INIT.Constant(math.inf), ValueError, "value"),
        (lambda: INIT.RandomUniform(1, 0), ValueError, "maxval"),
        (lambda: INIT.RandomNormal(stddev=-1), ValueError, "stddev"),
        (lambda: INIT.HeNormal(seed=1.5), TypeError, "seed"),
        (lambda: INIT.Zeros()((0,)), ValueError, "shape"),
        (lambda: INIT.Zeros()((2,), dtype="float16"), ValueError, "dtype"),
        (lambda: C.EarlyStopping(mode="up"), ValueError, "mode"),
        (lambda: C.EarlyStopping(verbose=None), TypeError, "verbose must be an integer"),
        (lambda: C.ReduceLROnPlateau(verbose=math.nan), TypeError, "verbose must be an integer"),
        (lambda: C.GradientNorms(5, 6), ValueError, "got shapes () and ()"),
        (lambda: C.GradientNorms([[1.0]], [1, 2]), ValueError, "same number of samples"),
        (lambda: md.schedules.PiecewiseConstantDecay(3, [0.1]), TypeError, "boundaries must be a"),
        (lambda: md.schedules.PiecewiseConstantDecay([3], 0.1), TypeError, "values must be a list"),
        (lambda: C.EarlyStopping(patience=-1), ValueError, "patience"),
        (lambda: C.EarlyStopping(monitor=None), TypeError, "monitor"),
        (lambda: C.EarlyStopping(restore_best_weights=1), TypeError, "restore_best_weights"),
        (lambda: md.Model(dtype="float16"), ValueError, 'dtype must be "float32" or "float64"'),
        (lambda: md.Model(dtype="int32"), ValueError, "dtype"),
        (lambda: md.Model(dtype="nonsense"), ValueError, "dtype"),
        (lambda: md.Model(device="gpu"), ValueError, "device"),
        (lambda: md.Model(seed=-1), ValueError, "seed"),
        (lambda: md.Model(seed=2**63), ValueError, "seed"),
        (lambda: md.Model(seed=0.5), TypeError, "seed"),
        (lambda: md.Model([], 0), TypeError, "for a seed write seed=..."),
        (lambda: md.Model("dense"), TypeError, "layers"),
        (lambda: L.Residual(None), TypeError, "layers must be a list of layers; got None"),
        (lambda: L.Residual(L.Dense(3)), TypeError, "write Residual([Dense(3), ...])"),
        (lambda: md.Model(L.Dense(3), L.Dense(4)), TypeError, "write Model([Dense(3), ...])"),
        (lambda: md.Model([L.Dense]), TypeError, "make an instance"),
        (lambda: md.Model([3]), TypeError, "md.Layer"),
        (lambda: md.utils.to_categorical([0, 3], 3), ValueError, "[0, 3)"),
        (lambda: md.utils.to_categorical([-1]), ValueError, "labels"),
        (lambda: md.utils.to_categorical([0.5]), ValueError, "whole"),
        (lambda: md.utils.to_categorical([]), ValueError, "num_classes"),
        (lambda: md.utils.to_categorical(["a"]), TypeError, "encode text"),
        (lambda: md.set_num_threads(-1), ValueError, "n must be >= 0"),
        (lambda: md.set_num_threads(1.5), TypeError, "n must be an integer"),
        (lambda: md.runtime.set_isa("sse"), ValueError, "instruction set"),
        (lambda: md.Modle, AttributeError, "did you mean 'Model'"),
        (lambda: L.Dens, AttributeError, "mundur.layers has no 'Dens'; did you mean 'Dense'"),
        (lambda: L.Normalisation, AttributeError, "did you mean 'Normalization'?"),
        (lambda: S.get(math.hypot), TypeError, "or a class, class Mine(md.Loss)"),
        (lambda: L.Dense(3)("text"), TypeError, "x must be an array; got str"),
        (lambda: L.Dense(3).unit, AttributeError, "did you mean 'units'?"),
        (lambda: L.Dense(3, activation=L.ReLU()), TypeError, "a layer stands by itself, behind"),
        (lambda: L.Dense(3, dtype="float16"), ValueError, 'dtype must be "float32" or "float64"'),
        (lambda: md.Input((3,), dtype="string"), ValueError, "got 'string'; texts become numbers"),
        (
            lambda: md.Model([L.Bidirectional(L.LSTM(3, dtype="float64"))]),
            ValueError,
            "LSTM(dtype='float64') in a model of float32: all layers have the model's dtype",
        ),
        (
            lambda: S.MeanSquaredError(dtype="int8"),
            ValueError,
            'dtype must be "float32" or "float64"; got',
        ),
        (lambda: md.Model().sumary(), AttributeError, "no attribute 'sumary'; did you mean 'summ"),
        (lambda: L.ConvLSTM2D, AttributeError, "known: ELU, GRU, LSTM, Activation"),
        (lambda: OPT.Adamm, AttributeError, "did you mean 'Adam'"),
        (lambda: S.MSE, AttributeError, "MeanSquaredError"),
    ],
)
def test_bad_arguments(make: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error) as caught:
        make()
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("thing", "name", "words"),
    [
        (L.Dense(3), "units", "units of a Dense is fixed; make a new Dense"),
        (L.Dense(3), "activation", "fixed"),
        (L.Dense(3), "name", "fixed"),
        (L.Dense(3), "kernel_initializer", "fixed"),
        (L.Dense(3), "kernel", "write into it: kernel[...] = values"),
        (L.Dense(3), "trainble", "Dense has no attribute 'trainble'; did you mean 'trainable'?"),
        (L.Dropout(0.5), "rate", "fixed"),
        (L.Rescaling(0.5), "scale", "fixed"),
        (S.BinaryCrossentropy(), "from_logits", "fixed; make a new BinaryCrossentropy"),
        (S.MeanSquaredError(), "from_logits", "no attribute"),
        (INIT.RandomNormal(), "stddev", "fixed"),
        (M.get("acc"), "name", "fixed"),
        (OPT.Adam(), "lr", "did you mean 'learning_rate'?"),
        (OPT.Adam(), "beta1", "did you mean 'beta_1'?"),
        (OPT.SGD(), "iterations", "fixed"),
        (md.Model(), "seed", "fixed; make a new Model"),
        (md.Model(), "optimizer", "call compile(optimizer=...)"),
        (md.Model(), "stop_trainig", "did you mean 'stop_training'?"),
        (md.Model(), "lr", "no attribute 'lr'; set model.optimizer.learning_rate"),
        (md.Model(), "batch_size", "it is an argument of fit"),
    ],
)
def test_attributes_that_would_be_ignored(thing: Any, name: str, words: str) -> None:
    with pytest.raises(AttributeError) as caught:
        setattr(thing, name, 1)
    assert words in str(caught.value)


def test_a_modules_names_are_those_to_use() -> None:
    modules = {md, *(getattr(md, name) for name in md.__all__ if name != "__version__")}
    for module in modules:
        if isinstance(module, types.ModuleType):
            more = ["sklearn"] if module is md else []  # which needs scikit-learn
            assert dir(module) == sorted([*module.__all__, *more])


def test_type_checkers_see_what_compile_takes_and_load_model_returns() -> None:
    hints = typing.get_type_hints(md.Model.compile)
    assert {*typing.get_args(hints["optimizer"])} == {str, md.Optimizer, type[md.Optimizer]}
    one = {str, md.Loss, type[md.Loss], type(None)}
    several = {Sequence[typing.Any], Mapping[str, typing.Any]}
    assert {*typing.get_args(hints["loss"])} == one | several
    assert typing.get_type_hints(md.load_model)["return"] is md.Model


def test_a_model_takes_notes() -> None:
    model = md.Model([L.Dense(1)], seed=0)
    model.note = {"set": "A"}
    model.columns = ["a", "b"]
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert (other.note, other.columns) == (model.note, model.columns)
    assert "note" not in vars(copy.deepcopy(md.Model([L.Dense(1)], seed=0)))


def test_dtypes_that_change_nothing_are_taken() -> None:
    layers = [md.Input((3,), dtype="int32"), L.Dense(2, dtype="float32"), L.Dense(1, dtype=None)]
    assert repr(md.Model(layers, seed=0)) == repr(
        md.Model([L.Dense(2), L.Dense(1)], seed=0, input_shape=(3,))
    )
    assert md.Model([L.LSTM(2, dtype=np.float64)], dtype="float64").layers[0].units == 2


def test_attributes_that_may_be_set() -> None:
    class Mine(L.Dense):
        pass

    class Own(md.Model):
        pass

    mine, own = Mine(3), Own([L.Dense(1)])
    mine.remark = own.remark = "free"  # type: ignore[attr-defined]
    model = md.Model([L.Dense(1)])
    model.stop_training, model.name = True, "other"
    stopping = C.EarlyStopping(patience=1)
    stopping.patience, stopping.remark = 2, "free"  # type: ignore[attr-defined]
    L.Dense(1).trainable = False


def test_keras_defaults_are_accepted_and_dropped() -> None:
    OPT.Adam(amsgrad=False, weight_decay=None, name=None)
    L.Dense(3, kernel_regularizer=None, dtype=None)
    S.CategoricalCrossentropy(label_smoothing=0.0, axis=-1, reduction="sum_over_batch_size")
    M.BinaryAccuracy(threshold=0.5)
    md.Input((3,), batch_size=None)


def test_numpy_numbers_are_numbers() -> None:
    assert L.Dense(np.int64(3)).units == 3
    assert OPT.Adam(np.float32(0.5)).learning_rate == 0.5
    assert md.Model(seed=np.uint8(3)).seed == 3
    assert L.Dense(2, use_bias=np.bool_(False)).use_bias is False


@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf, "1", None, True])
def test_learning_rate_is_checked_when_set(value: Any) -> None:
    optimizer = OPT.Adam(0.5)
    with pytest.raises((TypeError, ValueError), match="learning_rate"):
        optimizer.learning_rate = value
    assert optimizer.learning_rate == 0.5


def test_hyper_parameters_can_be_set() -> None:
    sgd, adam = OPT.SGD(), OPT.Adam()
    sgd.learning_rate, sgd.momentum, sgd.nesterov = 1, 0.5, True
    assert (sgd.learning_rate, sgd.momentum, sgd.nesterov) == (1.0, 0.5, True)
    adam.beta_1, adam.beta_2, adam.epsilon = 0.1, 0.2, 1e-3
    assert (adam.beta_1, adam.beta_2, adam.epsilon) == (0.1, 0.2, 1e-3)


@pytest.mark.parametrize(
    ("identifier", "cls"),
    [
        ("mse", S.MeanSquaredError),
        ("mean_squared_error", S.MeanSquaredError),
        ("binary_crossentropy", S.BinaryCrossentropy),
        ("categorical_crossentropy", S.CategoricalCrossentropy),
        ("sparse_categorical_crossentropy", S.SparseCategoricalCrossentropy),
        (S.MeanSquaredError, S.MeanSquaredError),
    ],
)
def test_names_of_losses(identifier: Any, cls: type) -> None:
    assert type(S.get(identifier)) is cls


def test_the_modules_of_keras() -> None:
    from mundur.models import Sequential, load_model

    assert (Sequential, load_model) == (md.Model, md.load_model)


def test_random_seeds_of_all_models(monkeypatch: Any) -> None:
    monkeypatch.setattr("mundur._support.checks._seeds", None)
    drawn = []
    for _ in range(2):
        md.utils.set_random_seed(3)
        drawn.append((md.Model().seed, md.Model().seed, np.random.rand()))  # noqa: NPY002
    assert drawn[0] == drawn[1]
    assert drawn[0][0] != drawn[0][1]
    assert md.Model(seed=5).seed == 5


def test_to_categorical() -> None:
    assert md.utils.to_categorical([[1], [0]], 3).tolist() == [[0, 1, 0], [1, 0, 0]]
    assert md.utils.to_categorical([[0, 1], [1, 0]]).shape == (2, 2, 2)
    assert md.utils.to_categorical(np.array([], int), 4).shape == (0, 4)


def test_before_compile() -> None:
    model = md.Model([L.Dense(1)], seed=0)
    for call in ("fit", "evaluate", "train_on_batch"):
        with pytest.raises(RuntimeError, match="compile"):
            getattr(model, call)(np.ones((6, 3)), np.ones(6))
    model.compile("adam")
    with pytest.raises(RuntimeError, match="loss"):
        model.fit(np.ones((6, 3)), np.ones(6))


@pytest.mark.parametrize(
    ("arguments", "options", "error", "words"),
    [
        (("muon",), {}, ValueError, "unknown optimizer 'muon' (known: 'adadelta'"),
        (("adam", "mse"), {"metrics": "accuracy"}, TypeError, "write metrics=['accuracy']"),
        (("adam", "mse"), {"metrics": ["acuracy"]}, ValueError, "did you mean 'accuracy'"),
        (("adam", "mse"), {"metrics": ["accuracy", "accuracy"]}, ValueError, "distinct"),
        (("adam", "mse"), {"metrics": [3]}, TypeError, "metric"),
        (("adam", "mse"), {"jit_compile": "yes"}, ValueError, "jit_compile"),
        (("adam", "mse"), {"metric": ["accuracy"]}, TypeError, "did you mean 'metrics'"),
        ((md.Optimizer(), "mse"), {}, TypeError, "written in Python"),
    ],
)
def test_bad_arguments_of_compile(
    arguments: Any, options: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error) as caught:
        md.Model([L.Dense(1)]).compile(*arguments, **options)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: md.Input(range(10**12)), TypeError, r"shape must be a tuple of integers"),
        (lambda: md.Input(bytearray(4)), TypeError, r"shape must be a tuple of integers"),
        (lambda: md.Input([1] * 40), ValueError, r"shape must have 1 to 32 extents; got 40"),
        (
            lambda: L.Softmax(input_shape=bytearray(10**7)),
            TypeError,
            r"input_shape must be a tuple",
        ),
        (lambda: L.Reshape(range(10**12)), TypeError, r"target_shape must be a tuple"),
        (lambda: md.activations.softmax([[1.0]], axis=5), ValueError, r"axis must be <= 1; got 5"),
        (lambda: md.activations.softmax(1.0), ValueError, r"x must have at least one axis"),
        (lambda: md.activations.gelu([1.0], "no"), TypeError, r"approximate must be True or False"),
        (
            lambda: U.pad_sequences([[1]], value=-(2**63)),
            ValueError,
            r"value must be a whole number",
        ),
        (lambda: U.pad_sequences([[1]], value=0.5), ValueError, r"value must be a whole number"),
        (lambda: U.pad_sequences([[1]], dtype="no"), TypeError, r"dtype must be a type of numbers"),
        (lambda: U.to_categorical(np.inf), ValueError, r"x must hold whole class numbers"),
        (lambda: U.to_categorical([1], 2**40), MemoryError, r"num_classes: an array of shape"),
        (lambda: built().get_layer(index=2**63), ValueError, r"index must be <= 0"),
        (lambda: built().forward([[1.0]], training="no"), TypeError, r"training must be True or"),
        (lambda: setattr(built(), "stop_training", 1), TypeError, r"stop_training must be True or"),
        (lambda: built().summary(print_fn=3), TypeError, r"print_fn must be callable"),
        (
            lambda: built().predict([[1.0]], callbacks=range(10**12)),
            TypeError,
            r"callbacks must be",
        ),
        (
            lambda: L.Flatten().compute_output_shape(range(10**12)),
            TypeError,
            r"input_shape must be",
        ),
        (lambda: L.Dense(2).compute_output_shape(None), TypeError, r"input_shape must be a tuple"),
        (lambda: L.Dropout(0.5).compute_output_shape("no"), TypeError, r"input_shape must be a"),
        (lambda: M.Precision()([0.5, 1], np.eye(2)), ValueError, r"labels in \[0, 2\).*got 0.5"),
        (lambda: md.Model(np.zeros(3)), TypeError, r"layers must be a list of layers"),
    ],
)
def test_what_took_long_or_said_little(call: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        call()


def built() -> md.Model:
    return md.Model([L.Dense(1)], input_shape=(1,), seed=0)
