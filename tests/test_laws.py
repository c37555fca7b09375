"""Laws that hold whatever the numbers: of shapes, of softmax, of means, of optimizers, of files."""

from __future__ import annotations

import pickle
from typing import Any

import mundur as md
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mundur import reference

from cases import LAYERS, NAMED, OPTIMIZERS, LayerCase, OptimizerCase
from cells import one_of

sizes = st.integers(1, 40)
seeds = st.integers(0, 2**32 - 1)
activations = st.sampled_from(NAMED)


@settings(max_examples=60, deadline=None)
@given(batch=sizes, inputs=sizes, units=sizes, activation=activations, seed=seeds)
def test_dense_of_any_shape_is_the_textbooks(
    batch: int, inputs: int, units: int, activation: str, seed: int
) -> None:
    native = md.Model(
        [md.layers.Dense(units, activation)], seed=seed, dtype="float64", input_shape=(inputs,)
    )
    textbook = reference.Model([reference.layers.Dense(units, activation)], input_shape=(inputs,))
    textbook.set_parameters({name: value.tolist() for name, value in native.parameters.items()})
    rng = np.random.default_rng(seed)
    x, delta = rng.normal(size=(batch, inputs)), rng.normal(size=(batch, units))
    y = native.forward(x, training=True)
    np.testing.assert_allclose(y, textbook.forward(x.tolist()), rtol=1e-11, atol=1e-12)
    dx = native.backward(delta)
    np.testing.assert_allclose(dx, textbook.backward(delta.tolist()), rtol=1e-9, atol=1e-11)
    for name, gradient in textbook.gradients.items():
        np.testing.assert_allclose(native.gradients[name], gradient, rtol=1e-9, atol=1e-11)


@settings(max_examples=40, deadline=None)
@given(outputs=sizes, offset=st.floats(-50, 50), seed=seeds)
def test_softmax_ignores_a_shared_offset(outputs: int, offset: float, seed: int) -> None:
    model = md.Model([md.layers.Activation("softmax")], dtype="float64", input_shape=(outputs,))
    z = np.random.default_rng(seed).normal(size=(3, outputs))
    y = model.predict(z, verbose=0)
    np.testing.assert_allclose(model.predict(z + offset, verbose=0), y, rtol=1e-12)
    np.testing.assert_allclose(y.sum(axis=1), 1.0, rtol=1e-14)


def logit_model(seed: int) -> tuple[md.Model, Any, Any, Any]:
    model = md.Model(
        [md.layers.Dense(6, "tanh"), md.layers.Dense(4)],
        seed=seed,
        dtype="float64",
        input_shape=(5,),
    )
    rng = np.random.default_rng(seed)
    loss = md.losses.SparseCategoricalCrossentropy(from_logits=True)
    return model, loss, rng.normal(size=(7, 5)), rng.integers(0, 4, size=7)


def gradients(model: md.Model, loss: Any, x: Any, y: Any, weights: Any = None) -> dict[str, Any]:
    y_pred = model.forward(x, training=True)
    model.backward(loss.gradient(y, y_pred, weights))
    return {name: value.copy() for name, value in model.gradients.items()}


@settings(max_examples=20, deadline=None)
@given(seed=seeds)
def test_the_gradient_of_a_mean_is_the_mean_of_gradients(seed: int) -> None:
    model, loss, x, y = logit_model(seed)
    whole = gradients(model, loss, x, y)
    alone = [gradients(model, loss, x[i : i + 1], y[i : i + 1]) for i in range(len(x))]
    for name, gradient in whole.items():
        mean = np.mean([one[name] for one in alone], axis=0)
        np.testing.assert_allclose(gradient, mean, rtol=1e-9, atol=1e-13)


@settings(max_examples=20, deadline=None)
@given(seed=seeds)
def test_a_weight_of_two_is_a_sample_seen_twice(seed: int) -> None:
    model, loss, x, y = logit_model(seed)
    weighted = gradients(model, loss, x, y, np.array([2.0, 1, 1, 1, 1, 1, 1]))
    doubled = gradients(model, loss, np.vstack([x, x[:1]]), np.append(y, y[0]))
    for name, gradient in weighted.items():
        np.testing.assert_allclose(gradient, doubled[name], rtol=1e-9, atol=1e-13)


def minimise(optimizer: Any, slope: Any, start: list[float], steps: int) -> Any:
    """Steps of a native optimizer on a function of a few variables, held in a kernel."""
    model = md.Model(
        [md.layers.Dense(1, use_bias=False)], dtype="float64", input_shape=(len(start),)
    )
    w, g = model.parameters["dense/kernel"], model.gradients["dense/kernel"]
    model.forward(np.ones((1, len(start))), training=True)
    model.backward(np.ones((1, 1)))
    w[:, 0] = start
    for _ in range(steps):
        g[:, 0] = slope(w[:, 0])
        optimizer.step(model)
    return w[:, 0]


def settling(case: OptimizerCase, rate: float, steps: int) -> Any:
    """The rule with a rate under which it comes to rest: steps of about one size never would."""
    fixed_size = case.optimizer in ("RMSprop", "Lion", "Adadelta")
    schedule = md.schedules.PolynomialDecay(rate, steps, 0.0) if fixed_size else rate
    arguments = {**case.arguments, "learning_rate": schedule}
    return getattr(md.optimizers, case.optimizer)(**arguments)


@pytest.mark.parametrize("case", OPTIMIZERS, ids=lambda case: case.id)
def test_every_optimizer_finds_a_parabolas_foot(case: OptimizerCase) -> None:
    optimizer = settling(case, max(case.arguments["learning_rate"], 0.005), 3000)
    found = minimise(optimizer, lambda w: 2 * (w - [3.0, -1.0]), [0.0, 0.0], 3000)
    np.testing.assert_allclose(found, [3.0, -1.0], atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("case", OPTIMIZERS, ids=lambda case: case.id)
def test_every_optimizer_descends_rosenbrocks_valley(case: OptimizerCase) -> None:
    def slope(w: Any) -> Any:
        x, y = w
        return [-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)]

    rate = {"SGD": 2e-4, "Adagrad": 0.5, "Ftrl": 0.5, "Adadelta": 0.03}.get(case.optimizer, 0.01)
    optimizer = settling(case, rate, 30_000)
    x, y = minimise(optimizer, slope, [-1.2, 1.0], 30_000)
    assert (1 - x) ** 2 + 100 * (y - x * x) ** 2 < 0.01


LAST_OF_A_KIND = {case.layer: case for case in LAYERS}
SAVED = [
    pytest.param(
        *(case, dtype),
        id=f"{case.id}-{dtype}",
        marks=()
        if (case is LAST_OF_A_KIND[case.layer] and dtype == "float32")
        or one_of(8, f"{case.id}-{dtype}")
        else pytest.mark.slow,
    )
    for case in LAYERS
    for dtype in ("float32", "float64")
]


@pytest.mark.parametrize(("case", "dtype"), SAVED)
def test_a_layer_is_saved_and_loaded_to_the_bit(case: LayerCase, dtype: str) -> None:
    layer = getattr(md.layers, case.layer)(**case.arguments)
    model = md.Model([layer], seed=3, dtype=dtype, input_shape=case.shape)
    again = pickle.loads(pickle.dumps(model))
    x = case.samples(np.random.default_rng(0))
    for training in (False, True):  # dropout's masks go on with the same count
        np.testing.assert_array_equal(
            model.forward(x, training=training), again.forward(x, training=training)
        )
    assert repr(again.layers[0]) == repr(layer)
