"""Regularizers and constraints in training: the textbook proves them, their bits are promised."""

from __future__ import annotations

import pickle
from typing import Any

import mundur as md
import numpy as np
import numpy.typing as npt
import pytest
from mundur import reference

from cases import PENALTIES, TOLERANCE, PenaltyCase

Array = npt.NDArray[Any]
DTYPES = ["float32", "float64"]
MSE, L = md.losses.MeanSquaredError, md.layers


def ids(case: Any) -> str:
    return str(case.id)


def regression(samples: int, inputs: int, outputs: int, dtype: str = "float64") -> tuple[Any, Any]:
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(samples, inputs)), rng.normal(size=(samples, outputs))
    return x.astype(dtype), y.astype(dtype)


def network(
    case: PenaltyCase, inputs: int, units: int, dtype: str, seed: int = 3, **options: Any
) -> md.Model:
    chain = [L.Dense(units, "tanh", **case.built(md)), L.Dense(3, **case.built(md))]
    model = md.Model(chain, seed=seed, dtype=dtype, input_shape=(inputs,), **options)
    for name in ("dense/bias", "dense_1/bias"):  # zeros would hide a forgotten bias
        bias = model.parameters[name]
        bias[...] = np.linspace(-0.5, 0.5, bias.size)
    return model


def textbook_of(native: md.Model, case: PenaltyCase, units: int) -> reference.Model:
    dense = reference.layers.Dense
    chain = [dense(units, "tanh", **case.built(reference)), dense(3, **case.built(reference))]
    textbook = reference.Model(chain, input_shape=native.input_shape)
    textbook.set_parameters({name: value.tolist() for name, value in native.parameters.items()})
    return textbook


def assert_close(native: Any, textbook: Any, tolerance: float) -> None:
    got, expected = np.asarray(native, np.float64), np.asarray(textbook, np.float64)
    assert got.shape == expected.shape
    assert np.max(np.abs(got - expected)) <= tolerance * np.max(np.abs(expected))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", PENALTIES, ids=ids)
def test_a_training_equals_the_textbooks(case: PenaltyCase, dtype: str) -> None:
    """Weighted, with a short last batch; losses, parameters and an evaluation."""
    native = network(case, 4, 6, dtype)
    textbook = textbook_of(native, case, 6)
    x, y = regression(11, 4, 3, dtype)
    weights = np.linspace(0.0, 2.0, 11)
    native.compile(md.optimizers.SGD(0.1), MSE())
    textbook.compile(reference.optimizers.SGD(0.1), reference.losses.MeanSquaredError())
    history = native.fit(
        x, y, 4, 7, shuffle=False, sample_weight=weights, verbose=0, validation_data=(x, y)
    )
    expected = textbook.fit(x.tolist(), y.tolist(), 4, 7, False, weights.tolist())
    tolerance = 1e-4 if dtype == "float32" else 1e-10
    assert_close(history.history["loss"], expected["loss"], tolerance)
    for name, value in textbook.parameters.items():
        assert_close(native.parameters[name], value, tolerance)
    told = textbook.evaluate(x.tolist(), y.tolist())
    assert native.evaluate(x, y, 5, verbose=0) == pytest.approx(told, rel=tolerance)
    assert history.history["val_loss"][-1] == pytest.approx(told, rel=tolerance)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", PENALTIES, ids=ids)
def test_by_hand(case: PenaltyCase, dtype: str) -> None:
    """fit's bits, its loss, and the textbook's penalty."""
    fitted, by_hand = network(case, 4, 6, dtype), network(case, 4, 6, dtype)
    textbook = textbook_of(by_hand, case, 6)
    x, y = regression(8, 4, 3, dtype)
    fitted.compile("adam", "mse")
    optimizer, loss = md.optimizers.Adam(), MSE()
    for _ in range(3):
        told = fitted.train_on_batch(x, y)
        y_pred = by_hand.forward(x, training=True)
        textbook.set_parameters({n: value.tolist() for n, value in by_hand.parameters.items()})
        textbook.forward(x.tolist())
        assert by_hand.penalty() == pytest.approx(textbook.penalty(), rel=TOLERANCE[dtype])
        assert loss(y, y_pred) + by_hand.penalty() == pytest.approx(told, rel=1e-14)
        by_hand.backward(loss.gradient(y, y_pred))
        optimizer.step(by_hand)
    for name, value in fitted.parameters.items():
        np.testing.assert_array_equal(by_hand.parameters[name], value)


def bits(case: PenaltyCase, dtype: str) -> dict[str, bytes]:
    options: dict[str, Any] = {"compute_dtype": dtype} if dtype.startswith("bfloat16") else {}
    model = network(case, 70, 150, "float32" if options else dtype, **options)
    x, y = regression(20, 70, 3)
    model.compile(md.optimizers.SGD(0.05, momentum=0.9), "mse")
    history = model.fit(x, y, 12, verbose=0, validation_data=(x[:9], y[:9]))
    results = {name: np.array(values) for name, values in history.history.items()}
    results |= dict(model.parameters) | {"predictions": model.predict(x, verbose=0)}
    return {name: value.tobytes() for name, value in results.items()}


@pytest.mark.share(2)
@pytest.mark.parametrize("dtype", [*DTYPES, "bfloat16", "bfloat16_pairs"])
@pytest.mark.parametrize("case", PENALTIES, ids=ids)
def test_a_training_has_the_same_bits_everywhere(
    case: PenaltyCase, dtype: str, same_everywhere: Any
) -> None:
    same_everywhere(lambda: bits(case, dtype))


@pytest.mark.parametrize("case", PENALTIES, ids=ids)
def test_files_keep_them(case: PenaltyCase) -> None:
    x, y = regression(20, 4, 3)
    model = network(case, 4, 6, "float32")
    model.compile("adam", "mse")
    model.fit(x, y, epochs=2, verbose=0)
    other = pickle.loads(pickle.dumps(model))
    assert repr(other) == repr(model)
    for one in (model, other):
        one.fit(x, y, epochs=2, verbose=0)
    assert model.evaluate(x, y, verbose=0) == other.evaluate(x, y, verbose=0)
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


# ---- penalties --------------------------------------------------------------------------------


def test_a_large_parameter_is_summed_piece_by_piece() -> None:
    values = np.random.default_rng(0).normal(size=(97, 131)).astype(np.float32)
    layer = L.Dense(131, use_bias=False, kernel_regularizer="l1_l2", kernel_initializer=values)
    model = md.Model([layer], input_shape=(97,), seed=0)
    wide = values.astype(np.float64)
    expected = 0.01 * np.abs(wide).sum() + 0.01 * (wide**2).sum()
    assert model.penalty() == pytest.approx(expected, rel=1e-6)
    assert md.regularizers.get("l1_l2")(values) == model.penalty()  # type: ignore[misc]


def test_the_gradient_of_a_magnitude_at_zero_is_zero() -> None:
    layer = L.Dense(1, kernel_initializer=[[0.0], [-2.0]], kernel_regularizer=md.regularizers.L1(3))
    model = md.Model([layer], input_shape=(2,), seed=0)
    model.forward(np.zeros((1, 2)), training=True)
    model.backward([[0.0]])
    np.testing.assert_array_equal(model.gradients["dense/kernel"], [[0.0], [-3.0]])


def test_a_frozen_parameters_penalty_stays_in_the_loss() -> None:
    layer = L.Dense(
        1, kernel_initializer="ones", kernel_regularizer="l2", kernel_constraint="unit_norm"
    )
    model = md.Model([layer], input_shape=(3,), seed=0)
    model.freeze("*/kernel")
    model.compile("sgd", "mse")
    x, y = np.ones((4, 3)), np.full(4, 3.0)
    assert model.train_on_batch(x, y) == pytest.approx(0.03)
    np.testing.assert_array_equal(model.parameters["dense/kernel"], 1.0)
    model.forward(x, training=True)
    model.backward(np.ones((4, 1)))
    assert not model.gradients["dense/kernel"].any()


@pytest.mark.parametrize("head", ["sigmoid", "softmax"])
def test_a_penalised_head_is_not_fused_with_its_loss(head: str) -> None:
    """The penalty's gradient belongs in front of the activation, where no fused loss looks."""
    softmax = head == "softmax"
    kind = "CategoricalCrossentropy" if softmax else "BinaryCrossentropy"
    arguments: dict[str, Any] = {"units": 3, "activation": head, "activity_regularizer": "l2"}
    native = md.Model([L.Dense(**arguments)], seed=1, dtype="float64", input_shape=(4,))
    textbook = reference.Model([reference.layers.Dense(**arguments)], input_shape=(4,))
    textbook.set_parameters({name: value.tolist() for name, value in native.parameters.items()})
    x, _ = regression(6, 4, 3)
    y = np.eye(3)[[0, 1, 2, 0, 1, 2]]
    native.compile(md.optimizers.SGD(0.5), getattr(md.losses, kind)())
    textbook.compile(reference.optimizers.SGD(0.5), getattr(reference.losses, kind)())
    for _ in range(5):
        expected = textbook.train_on_batch(x.tolist(), y.tolist())
        assert native.train_on_batch(x, y) == pytest.approx(expected, rel=1e-10)
    for name, value in textbook.parameters.items():
        assert_close(native.parameters[name], value, 1e-9)


def test_a_layer_of_its_own_is_the_argument() -> None:
    """That of a Dense, of the Activation behind it, of a layer behind both."""
    x, y = regression(12, 4, 2)
    penalty = md.regularizers.L1L2(0.1, 0.2)
    kernel = np.random.default_rng(1).normal(size=(5, 2))

    def trained(chain: list[md.Layer]) -> list[float]:
        model = md.Model(chain, seed=4, dtype="float64")
        model.compile("sgd", "mse")
        losses = model.fit(x, y, batch_size=5, epochs=3, verbose=0).history["loss"]
        return [*losses, model.evaluate(x, y, verbose=0)]

    def head() -> md.Layer:  # a layer's random numbers depend on its place
        return L.Dense(2, kernel_initializer=kernel)

    given = trained([L.Dense(5, "relu", activity_regularizer=penalty), head()])
    behind = [L.Dense(5, "relu"), L.ActivityRegularization(0.1, 0.2), head()]
    assert trained(behind) == pytest.approx(given, rel=1e-12)
    split = [L.Dense(5), L.Activation("relu", activity_regularizer=penalty), head()]
    assert trained(split) == pytest.approx(given, rel=1e-12)


def test_activities_behind_a_dropout_that_rests() -> None:
    x = np.array([[1.0, -2.0], [3.0, 0.5]])
    model = md.Model([L.Dropout(0.5), L.ActivityRegularization(l1=2.0)], input_shape=(2,), seed=0)
    model.forward(x)
    assert model.penalty() == pytest.approx(2.0 * 6.5 / 2)


def test_the_penalty_by_hand_forgets_a_batch_that_training_overwrote() -> None:
    x, y = regression(4, 2, 2)
    layer = L.Dense(2, kernel_regularizer="l2", activity_regularizer="l2")
    model = md.Model([layer], input_shape=(2,), seed=0)
    weights = model.penalty()
    model.forward(x)
    assert model.penalty() > weights
    model.compile(md.optimizers.SGD(0.0), "mse")
    model.fit(x, y, verbose=0)
    assert model.penalty() == weights


def test_a_penalty_that_overflows_is_a_loss_that_is_not_finite() -> None:
    layer = L.Dense(1, kernel_initializer=md.initializers.Constant(1e30), kernel_regularizer="l2")
    model = md.Model([layer], input_shape=(1,), seed=0)
    model.compile("sgd", "mse")
    with pytest.raises(md.NonFiniteLossError):
        model.train_on_batch(np.zeros((1, 1)), np.zeros(1))


def test_l2_is_weight_decay_for_sgd() -> None:
    """w ← w − η(g + 2λw) = (1 − 2ηλ)w − ηg."""
    x, y = regression(10, 3, 1)
    models = [
        md.Model(
            [L.Dense(1, kernel_regularizer=penalty)], seed=2, dtype="float64", input_shape=(3,)
        )
        for penalty in (md.regularizers.L2(0.25), None)
    ]
    for model in models:
        model.compile(md.optimizers.SGD(0.1), "mse")
    models[1].train_on_batch(x, y)
    expected = models[1].parameters["dense/kernel"] - 0.05 * models[0].parameters["dense/kernel"]
    models[0].train_on_batch(x, y)
    assert_close(models[0].parameters["dense/kernel"], expected, 1e-14)


def test_l1_makes_weights_small_that_nothing_needs(rng: np.random.Generator) -> None:
    x = rng.normal(size=(256, 10))
    model = md.Model([L.Dense(1, kernel_regularizer=md.regularizers.L1(0.05))], seed=0)
    model.compile(md.optimizers.SGD(0.01), "mse")
    model.fit(x, 3 * x[:, 0], epochs=60, verbose=0)
    kernel = np.abs(model.parameters["dense/kernel"].ravel())
    assert kernel[0] > 2.9
    assert kernel[1:].max() < 0.01


# ---- constraints ------------------------------------------------------------------------------


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, (0, 1), [1, -1], (2, 0), (0, 1, 2)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_norms_along_any_axes(axis: Any, dtype: Any) -> None:
    w = np.random.default_rng(1).normal(size=(3, 4, 5)).astype(dtype)
    along = tuple(axis) if isinstance(axis, list) else axis
    before = np.sqrt((w**2).sum(along, keepdims=True))
    most = float(np.median(before)) + 1e-6
    limited = md.constraints.MaxNorm(most, axis)(w)
    assert limited.dtype == dtype
    np.testing.assert_allclose(limited, w * np.minimum(1, most / before), rtol=1e-6)
    kept = np.broadcast_to(before <= most, w.shape)
    assert kept.any()
    np.testing.assert_array_equal(limited[kept], w[kept])
    np.testing.assert_allclose(md.constraints.UnitNorm(axis)(w), w / before, rtol=1e-6)


@pytest.mark.parametrize("name", ["MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm"])
def test_empty_arrays_hold_to_anything(name: str) -> None:
    """A division by one of their extents once ended the process."""
    for shape in ((0,), (2, 0), (0, 2), (2, 0, 3)):
        assert getattr(md.constraints, name)()(np.ones(shape)).shape == shape
    with pytest.raises(ValueError, match="w must have at least one axis"):
        getattr(md.constraints, name)()(1.0)


def test_zeros_and_nan() -> None:
    np.testing.assert_array_equal(md.constraints.UnitNorm()([[0.0, 1.0], [0.0, 0.0]])[:, 0], 0.0)
    np.testing.assert_array_equal(md.constraints.NonNeg()([-1.0, np.nan, 2.0]), [0.0, np.nan, 2.0])


def test_an_axis_that_a_parameter_lacks_is_named_when_the_model_is_built() -> None:
    layer = L.Dense(2, bias_constraint=md.constraints.MaxNorm(axis=1))
    with pytest.raises(ValueError, match=r"dense/bias: MaxNorm\(axis=1\): axis=1 is none"):
        md.Model([layer], input_shape=(3,), seed=0)
    with pytest.raises(ValueError, match="axis=2 is none"):
        md.constraints.UnitNorm(axis=2)(np.ones((2, 2)))
    for library in (md, reference):
        with pytest.raises(ValueError, match=r"axis=\(0, -2\) names one twice"):
            library.constraints.UnitNorm((0, -2))([[1.0, 2.0]])


@pytest.mark.parametrize("axis", [(0, 1, 2), (0, 1, 3)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_norms_of_filters_in_training(axis: tuple[int, ...], dtype: str) -> None:
    """Of a convolution's kernel, and of a transposed one's, whose axes lie apart."""
    kind = "Conv2D" if axis == (0, 1, 2) else "Conv2DTranspose"

    def chain(library: Any) -> list[Any]:
        limit = library.constraints.MaxNorm(0.1, axis)
        return [getattr(library.layers, kind)(3, 2, kernel_constraint=limit)]

    native = md.Model(chain(md), seed=3, dtype=dtype, input_shape=(4, 5, 2))
    textbook = reference.Model(chain(reference), input_shape=(4, 5, 2))
    textbook.set_parameters({name: value.tolist() for name, value in native.parameters.items()})
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(6, 4, 5, 2)), rng.normal(size=(6, *native.output_shape))
    native.compile(md.optimizers.SGD(0.1), MSE())
    textbook.compile(reference.optimizers.SGD(0.1), reference.losses.MeanSquaredError())
    native.fit(x, y, 3, 2, shuffle=False, verbose=0)
    textbook.fit(x.tolist(), y.tolist(), 3, 2, False)
    for name, value in textbook.parameters.items():
        assert_close(native.parameters[name], value, 1e-4 if dtype == "float32" else 1e-10)
    same = md.models.clone_model(native).layers[0]
    assert same.kernel_constraint.axis == axis
    norms = np.sqrt((native.parameters[f"{native.layers[0].name}/kernel"] ** 2).sum(axis))
    assert norms.max() == pytest.approx(0.1, rel=1e-5)


def test_pieces_written_in_python_say_that_they_cannot_train() -> None:
    class Mine(md.regularizers.Regularizer):
        pass

    with pytest.raises(TypeError, match="kernel_regularizer must be None"):
        L.Dense(1, kernel_regularizer=Mine())
    with pytest.raises(NotImplementedError, match="Mine is written in Python"):
        Mine()([1.0])


def test_both_names_of_keras() -> None:
    assert md.regularizers.l2 is md.regularizers.L2
    assert md.constraints.max_norm is md.constraints.MaxNorm
    assert md.constraints.MaxNorm().max_value == 2
    assert md.regularizers.L1L2().penalty() == (0.0, 0.0)
    assert repr(md.regularizers.get("L1L2")) == "L1L2(l1=0.01, l2=0.01)"


def test_a_shared_penalty_is_divided_by_the_samples_of_each_batch() -> None:
    """Ten samples in batches of four, the last one of two; the core's alone, for estimators."""
    x, y = regression(10, 4, 3)

    def made() -> md.Model:
        model = md.Model([L.Dense(3)], seed=3, dtype="float64", input_shape=(4,))
        model.compile(md.optimizers.SGD(0.1), MSE())
        return model

    shared, stepped = made(), made()
    shared.native.set_penalty(0, 0.3, 0.5, True)
    history = shared.fit(x, y, batch_size=4, epochs=1, shuffle=False, verbose=0)
    losses = []
    for start in (0, 4, 8):
        batch = slice(start, start + 4)
        own = x[batch], y[batch]
        stepped.native.set_penalty(0, 0.3 / len(own[0]), 0.5 / len(own[0]))
        losses += [stepped.train_on_batch(*own)] * len(own[0])
    np.testing.assert_array_equal(shared.native.flat_parameters, stepped.native.flat_parameters)
    assert history.history["loss"] == pytest.approx([np.mean(losses)], rel=1e-12)

    norms = np.abs(shared.parameters["dense/kernel"]), shared.parameters["dense/kernel"] ** 2
    penalty = 0.3 * norms[0].sum() + 0.5 * norms[1].sum()
    plain = MSE()(y, shared.predict(x, verbose=0))
    told = shared.evaluate(x, y, batch_size=4, verbose=0)
    assert told == pytest.approx(plain + 3 * penalty / 10, rel=1e-12)  # of 4, 4 and 2 samples
    shared.forward(x)
    assert shared.native.penalty() == pytest.approx(penalty / 10, rel=1e-12)
