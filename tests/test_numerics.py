"""The textbook proves the native code: one pass of every piece, 20 steps of every optimizer."""

from __future__ import annotations

from typing import Any

import mundur as md
import numpy as np
import numpy.typing as npt
import pytest
from mundur import _core, reference

from cases import (
    ACTIVATIONS,
    AROUND,
    LAYERS,
    LOSSES,
    OPTIMIZERS,
    TOLERANCE,
    LayerCase,
    LossCase,
    OptimizerCase,
    targets_of,
)
from cells import one_of_a_kind_and_some

Array = npt.NDArray[Any]
DTYPES = ["float32", "float64"]


def ids(case: Any) -> str:
    return str(case.id)


def assert_close(native: Any, textbook: Any, tolerance: float) -> None:
    """Equal within a tolerance relative to the largest element."""
    expected = np.asarray(textbook, dtype=np.float64)
    got = np.asarray(native, dtype=np.float64)
    assert got.shape == expected.shape
    worst = np.max(np.abs(got - expected), initial=0.0)
    largest = np.max(np.abs(expected), initial=0.0)
    assert worst <= tolerance * largest, f"off by {worst:.3e} where the largest is {largest:.3e}"


def teach(textbook: reference.Model, native: md.Model) -> None:
    """Give the textbook the native parameters."""
    textbook.set_parameters({name: value.tolist() for name, value in native.parameters.items()})


def pair_of(
    layers: list[tuple[str, dict[str, Any]]], shape: tuple[int, ...], dtype: str, seed: int = 3
) -> tuple[md.Model, reference.Model]:
    native = md.Model(
        [getattr(md.layers, kind)(**arguments) for kind, arguments in layers],
        seed=seed,
        dtype=dtype,
        input_shape=shape,
    )
    textbook = reference.Model(
        [getattr(reference.layers, kind)(**arguments) for kind, arguments in layers],
        input_shape=shape,
    )
    rng = np.random.default_rng(seed)
    for name, value in native.parameters.items():
        if name.endswith(("bias", "beta", "gamma")):  # zeros and ones would hide a forgotten one
            value[...] = rng.normal(size=value.shape)
    teach(textbook, native)
    return native, textbook


def draws_of(images: int, seed: int, place: int = 0, forward: int = 0) -> list[list[float]]:
    """The two numbers that a layer draws for each image, in a model of that seed."""
    stream = 1 << 63 | place << 48 | forward

    def unit(low: int, high: int) -> float:
        return ((high << 32 | low) >> 11) / 2**53

    found = []
    for image in range(images):
        a, b, c, d = _core.philox((image, 0, stream % 2**32, stream >> 32), (seed, 0))
        found.append([unit(a, b), unit(c, d)])
    return found


def share_noise(layer: Any, x: Array, y: Array) -> None:
    """Tell the textbook's layer what the native one drew, as far as y shows it."""
    kind = type(layer).__name__
    if kind in ("Dropout", "SpatialDropout1D", "SpatialDropout2D"):
        layer.fixed_mask = (y != 0).astype(float).tolist()
    elif kind == "AlphaDropout" and layer.rate > 0:
        dropped = layer.slope() * layer.ALPHA * (1 - layer.rate)
        layer.fixed_mask = (~np.isclose(y, dropped, rtol=1e-6)).astype(float).tolist()
    elif kind.startswith("Random"):
        layer.fixed_draws = draws_of(len(x), seed=3)
    elif kind == "GaussianNoise":
        layer.fixed_noise = (y.astype(float) - x).tolist()
    elif kind == "GaussianDropout":
        layer.fixed_noise = (y.astype(float) / x).tolist()


def is_told(layer: Any) -> bool:
    """Whether it takes part in training alone: `share_noise` told it how."""
    return any(n.startswith("fixed_") and told is not None for n, told in vars(layer).items())


@pytest.mark.parametrize("case", one_of_a_kind_and_some(LAYERS, "layer"))
def test_one_pass_of_a_layer(case: LayerCase) -> None:
    """The textbook's is compared with either dtype's, float32 from the same numbers rounded."""
    wide, textbook = pair_of([(case.layer, case.arguments)], case.shape, "float64")
    narrow, _ = pair_of([(case.layer, case.arguments)], case.shape, "float32")
    narrow.set_weights(wide.get_weights())
    rng = np.random.default_rng(7)
    x = case.samples(rng)
    shape = (len(x), *wide.output_shape)
    delta = rng.normal(size=shape)
    for training in (True, False):  # outside of training, by whatever state that left
        ys = [model.forward(x, training=training) for model in (wide, narrow)]
        if training:
            share_noise(textbook.layers[0], x, ys[0])
        if training or textbook.state or is_told(textbook.layers[0]):  # else it is the same again
            expected = textbook.forward(x.tolist(), training=training)
            slope = textbook.backward(delta.tolist())
        for model, y in zip((wide, narrow), ys, strict=True):
            tolerance = case.tolerance[model.dtype]
            assert y.dtype == model.dtype
            assert_close(y, expected, tolerance)
            assert_close(model.backward(delta), slope, tolerance)
            for name, gradient in textbook.gradients.items():
                assert_close(model.gradients[name], gradient, tolerance)
            assert list(model.state) == list(textbook.state)
            for name, state in textbook.state.items():
                assert_close(model.state[name], state, tolerance)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_chain_of_layers(dtype: str) -> None:
    layers: list[tuple[str, dict[str, Any]]] = [
        ("Rescaling", {"scale": 0.5, "offset": 0.1}),
        ("Flatten", {}),
        *(("Dense", {"units": 6, "activation": activation}) for activation in ACTIVATIONS),
        ("Dense", {"units": 3}),
    ]
    native, textbook = pair_of(layers, (2, 3), dtype)
    x = np.random.default_rng(1).normal(size=(4, 2, 3)).astype(dtype)
    y = native.forward(x, training=True)
    assert_close(y, textbook.forward(x.tolist(), training=True), 2 * TOLERANCE[dtype])
    delta = np.ones_like(y)
    dx = native.backward(delta)
    assert_close(dx, textbook.backward(delta.tolist()), 10 * TOLERANCE[dtype])
    for name, gradient in textbook.gradients.items():
        assert_close(native.gradients[name], gradient, 10 * TOLERANCE[dtype])


def predictions_and_targets(case: LossCase, batch: int, dtype: str) -> tuple[Array, Array]:
    rng = np.random.default_rng(11)
    p = rng.normal(size=(batch, case.outputs)) * 3
    if case.head == "sigmoid":
        p = 1 / (1 + np.exp(-p))
    if case.head == "softmax":
        p = np.exp(p) / np.exp(p).sum(axis=1, keepdims=True)
    y = targets_of(case.targets, p.shape, rng)
    return p.astype(dtype), y if case.targets == "labels" else y.astype(dtype)


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", LOSSES, ids=ids)
def test_a_loss(case: LossCase, dtype: str, weighted: bool) -> None:
    p, y = predictions_and_targets(case, 9, dtype)
    weights = np.array([1, 0, 2, 0.5, 1, 3, 1, 1, 0.25], dtype=dtype) if weighted else None
    native = getattr(md.losses, case.loss)(**case.arguments)
    textbook = getattr(reference.losses, case.loss)(**case.arguments)
    listed = None if weights is None else weights.tolist()
    expected = textbook(y.tolist(), p.tolist(), listed)
    assert native(y, p, weights) == pytest.approx(expected, rel=TOLERANCE[dtype])
    gradient = textbook.gradient(y.tolist(), p.tolist(), listed)
    assert_close(native.gradient(y, p, weights), gradient, TOLERANCE[dtype])


@pytest.mark.parametrize("case", [case for case in LOSSES if "logits" in case.id], ids=ids)
@pytest.mark.parametrize("dtype", DTYPES)
def test_logits_of_a_thousand_million_are_finite(case: LossCase, dtype: str) -> None:
    p, y = predictions_and_targets(case, 6, dtype)
    p[::2] = np.sign(p[::2]) * np.asarray(1e9, dtype=dtype)
    loss = getattr(md.losses, case.loss)(**case.arguments)
    assert np.isfinite(loss(y, p))
    assert np.isfinite(loss.gradient(y, p)).all()
    textbook = getattr(reference.losses, case.loss)(**case.arguments)
    assert_close(loss.gradient(y, p), textbook.gradient(y.tolist(), p.tolist()), TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", one_of_a_kind_and_some([*OPTIMIZERS, *AROUND], "optimizer"))
def test_twenty_steps(case: OptimizerCase, dtype: str) -> None:
    layers = [("Dense", {"units": 8, "activation": "tanh"}), ("Dense", {"units": 3})]
    native, textbook = pair_of(layers, (4,), dtype)
    rng = np.random.default_rng(2)
    x = rng.normal(size=(10, 4)).astype(dtype)
    y = rng.normal(size=(10, 3)).astype(dtype)
    optimizer = getattr(md.optimizers, case.optimizer)(**case.arguments)
    teacher = getattr(reference.optimizers, case.optimizer)(**case.arguments)
    loss, textbook_loss = md.losses.MeanSquaredError(), reference.losses.MeanSquaredError()
    for _ in range(20):
        y_pred = native.forward(x, training=True)
        native.backward(loss.gradient(y, y_pred))
        optimizer.step(native)
        expected = textbook.forward(x.tolist(), training=True)
        textbook.backward(textbook_loss.gradient(y.tolist(), expected))
        teacher.step(textbook)
    expected = textbook.parameters
    if teacher.use_ema:
        optimizer.finalize_variable_values(native)
        expected = teacher.average
    for name, value in expected.items():
        assert_close(native.parameters[name], value, case.tolerance[dtype])


@pytest.mark.share(2)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", LOSSES, ids=ids)
def test_twenty_steps_of_fit(case: LossCase, dtype: str) -> None:
    """With weights and a short last batch; fusing a head changes nothing but rounding."""
    layers = [
        ("Dense", {"units": 6, "activation": "sigmoid"}),
        ("Dense", {"units": case.outputs, "activation": case.head or "linear"}),
    ]
    native, textbook = pair_of(layers, (3,), dtype)
    x = np.random.default_rng(5).normal(size=(11, 3)).astype(dtype)
    _, y = predictions_and_targets(case, 11, dtype)
    weights = np.linspace(0.0, 2.0, 11)
    native.compile(md.optimizers.SGD(0.1), getattr(md.losses, case.loss)(**case.arguments))
    textbook.compile(
        reference.optimizers.SGD(0.1), getattr(reference.losses, case.loss)(**case.arguments)
    )
    for run in (native, textbook):
        lists = run is textbook
        history = run.fit(
            x.tolist() if lists else x,
            y.tolist() if lists else y,
            batch_size=4,
            epochs=7,
            shuffle=False,
            sample_weight=weights.tolist() if lists else weights,
            **({} if lists else {"verbose": 0}),
        )
        losses = history["loss"] if lists else (first := history.history["loss"])
    assert_close(first, losses, 1e-4 if dtype == "float32" else 1e-10)
    for name, value in textbook.parameters.items():
        assert_close(native.parameters[name], value, 1e-4 if dtype == "float32" else 1e-10)


@pytest.mark.parametrize("dtype", [*DTYPES, "bfloat16", "bfloat16_pairs"])
def test_by_hand_equals_fit_to_the_bit(dtype: str) -> None:
    compute_dtype = dtype if dtype.startswith("bfloat16") else None
    dtype = "float32" if compute_dtype else dtype

    def build() -> md.Model:
        return md.Model(
            [md.layers.Dense(9, "relu"), md.layers.Dropout(0.3), md.layers.Dense(4)],
            seed=5,
            dtype=dtype,
            compute_dtype=compute_dtype,
            input_shape=(6,),
        )

    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 6)).astype(dtype)
    y = rng.integers(0, 4, size=50)
    loss = md.losses.SparseCategoricalCrossentropy(from_logits=True)
    trained, by_hand = build(), build()
    trained.compile(md.optimizers.Adam(0.01), loss)
    trained.fit(x, y, batch_size=16, epochs=3, shuffle=False, verbose=0)
    optimizer = md.optimizers.Adam(0.01)
    for _ in range(3):
        for start in range(0, 50, 16):
            batch = slice(start, start + 16)
            y_pred = by_hand.forward(x[batch], training=True)
            by_hand.backward(loss.gradient(y[batch], y_pred))
            optimizer.step(by_hand)
    for name, value in trained.parameters.items():
        np.testing.assert_array_equal(by_hand.parameters[name], value)


def worked_model(bias_learns: bool) -> md.Model:
    model = md.Model(
        [md.layers.Dense(2, "sigmoid"), md.layers.Dense(2, "sigmoid")],
        seed=0,
        dtype="float64",
        input_shape=(2,),
    )
    # w1, w2 lead to the first hidden unit, w3, w4 to the second: columns of a kernel (in, out).
    model.parameters["dense/kernel"][...] = [[0.15, 0.25], [0.20, 0.30]]
    model.parameters["dense/bias"][...] = 0.35
    model.parameters["dense_1/kernel"][...] = [[0.40, 0.50], [0.45, 0.55]]
    model.parameters["dense_1/bias"][...] = 0.60
    if not bias_learns:
        model.freeze("*/bias")
    return model


X, Y = np.array([[0.05, 0.10]]), np.array([[0.01, 0.99]])


def test_worked_example_forward_and_gradients() -> None:
    model = worked_model(bias_learns=False)
    y_pred = model.forward(X, training=True)
    np.testing.assert_allclose(
        y_pred, [[0.7513650695523157, 0.7729284653214625]], rtol=0, atol=1e-12
    )
    loss = md.losses.MeanSquaredError()
    assert loss(Y, y_pred) == pytest.approx(0.2983711087600027, abs=1e-12)
    model.backward(loss.gradient(Y, y_pred))
    assert model.gradients["dense_1/kernel"][0, 0] == pytest.approx(0.08216704056423077, abs=1e-12)
    assert model.gradients["dense/kernel"][0, 0] == pytest.approx(0.0004385677344743, abs=1e-12)
    assert not model.gradients["dense/bias"].any()


@pytest.mark.parametrize(
    ("bias_learns", "updates", "error"),
    [
        (False, 1, 0.2910277736935993),
        (False, 10_000, 3.510187782978859e-5),
        (True, 1, 0.28047144679143016),
        (True, 10_000, 2.44756223593e-6),
    ],
)
def test_worked_example_updates(bias_learns: bool, updates: int, error: float) -> None:
    model = worked_model(bias_learns)
    model.compile(md.optimizers.SGD(0.5), md.losses.MeanSquaredError())
    model.fit(np.repeat(X, updates, axis=0), np.repeat(Y, updates, axis=0), 1, verbose=0)
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(error, abs=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
def test_xor_is_learned(dtype: str) -> None:
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    y = np.array([0, 1, 1, 0])
    model = md.Model(
        [md.layers.Dense(4, "tanh"), md.layers.Dense(1, "sigmoid")], seed=1, dtype=dtype
    )
    model.compile(md.optimizers.Adam(0.05), md.losses.BinaryCrossentropy(), metrics=["accuracy"])
    model.fit(x, y, batch_size="full", epochs=500, verbose=0)
    loss, accuracy = model.evaluate(x, y, verbose=0)
    assert accuracy == 1.0
    assert loss < 0.05
