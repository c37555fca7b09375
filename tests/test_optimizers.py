"""What surrounds the optimizers' rules: clipping, decay, averages, accumulation, bits."""

from __future__ import annotations

from typing import Any

import mundur as md
import numpy as np
import numpy.typing as npt
import pytest

from cases import AROUND, OPTIMIZERS, OptimizerCase

Array = npt.NDArray[Any]
OPT = md.optimizers


def two(values: Array, gradients: Array, dtype: str = "float64") -> md.Model:
    """A model with a kernel (2, 1) and a bias of 1, and gradients for its three numbers."""
    model = md.Model([md.layers.Dense(1)], dtype=dtype, input_shape=(2,), seed=0)
    model.parameters["dense/kernel"] = np.reshape(values[:2], (2, 1))
    model.parameters["dense/bias"] = values[2:]
    model.gradients["dense/kernel"] = np.reshape(gradients[:2], (2, 1))
    model.gradients["dense/bias"] = gradients[2:]
    return model


def numbers(model: md.Model) -> Array:
    return np.concatenate([value.ravel() for value in model.parameters.values()])


W, G = np.array([1.0, 2.0, 3.0]), np.array([3.0, -4.0, 12.0])


@pytest.mark.parametrize(
    ("options", "gradient"),
    [
        ({}, G),
        ({"clipvalue": 3.5}, [3.0, -3.5, 3.5]),
        ({"clipnorm": 1.0}, [0.6, -0.8, 1.0]),
        ({"clipnorm": 5.0}, [3.0, -4.0, 5.0]),
        ({"clipnorm": 100.0}, G),
        ({"global_clipnorm": 1.0}, G / 13),
        ({"global_clipnorm": 13.0}, G),
    ],
    ids=repr,
)
def test_clipping_on_paper(options: dict[str, float], gradient: Any) -> None:
    model = two(W, G)
    OPT.SGD(0.5, **options).step(model)
    np.testing.assert_allclose(numbers(model), W - 0.5 * np.asarray(gradient), rtol=1e-15)
    np.testing.assert_array_equal(model.gradients["dense/kernel"].ravel(), G[:2])  # as they were


def test_a_frozen_gradient_is_no_part_of_the_norm() -> None:
    model = two(W, G)
    model.freeze("*/bias")
    OPT.SGD(1.0, global_clipnorm=1.0).step(model)
    np.testing.assert_allclose(numbers(model), W - [0.6, -0.8, 0.0], rtol=1e-15)


def test_decay_is_no_part_of_the_gradient() -> None:
    model = two(W, 0 * G)
    OPT.Adam(0.1, weight_decay=0.5).step(model)
    np.testing.assert_allclose(numbers(model), W * 0.95, rtol=1e-15)
    decayed, plain = two(W, G), two(W, G)
    OPT.AdamW(0.1, weight_decay=0.5).step(decayed)
    OPT.Adam(0.1).step(plain)
    np.testing.assert_allclose(numbers(decayed), numbers(plain) - 0.05 * W, rtol=1e-14)


def test_a_frozen_parameter_does_not_decay() -> None:
    model = two(W, 0 * G)
    model.freeze("*/kernel")
    OPT.SGD(0.1, weight_decay=0.5, use_ema=True).step(model)
    np.testing.assert_allclose(numbers(model), [1.0, 2.0, 2.85], rtol=1e-15)


def test_accumulated_gradients_make_one_update_by_their_mean() -> None:
    model = two(W, G)
    optimizer = OPT.SGD(1.0, gradient_accumulation_steps=2, clipvalue=5.0)
    optimizer.step(model)
    np.testing.assert_array_equal(numbers(model), W)
    assert optimizer.iterations == 0
    model.gradients["dense/kernel"] = [[1.0], [0.0]]
    optimizer.step(model)
    np.testing.assert_allclose(numbers(model), W - [2.0, -2.0, 5.0])  # 12 is clipped afterwards
    assert optimizer.iterations == 1
    for _ in range(2):  # the sum began anew
        optimizer.step(model)
    np.testing.assert_allclose(numbers(model), W - [3.0, -2.0, 10.0])


def test_batches_that_are_accumulated_are_one_large_batch() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(64, 5)), rng.normal(size=(64, 2))

    def weights(batch: int, **options: Any) -> Array:
        model = md.Model([md.layers.Dense(4, "tanh"), md.layers.Dense(2)], seed=1, dtype="float64")
        model.compile(OPT.Adam(0.01, **options), "mse")
        model.fit(x, y, batch_size=batch, epochs=3, shuffle=False, verbose=0)
        return numbers(model)

    pieces = weights(8, gradient_accumulation_steps=4)
    np.testing.assert_allclose(pieces, weights(32), rtol=1e-9)


def test_an_average_on_paper() -> None:
    model = two(W, G)
    optimizer = OPT.SGD(1.0, use_ema=True, ema_momentum=0.75)
    for _ in range(3):
        optimizer.step(model)
    np.testing.assert_array_equal(numbers(model), W - 3 * G)
    optimizer.finalize_variable_values(model)
    # a = w₁, then a ← ¾ a + ¼ w: 1, 1.25, 1.6875 steps behind W
    np.testing.assert_allclose(numbers(model), W - 1.6875 * G, rtol=1e-15)


def test_an_average_overwrites_the_parameters_now_and_then() -> None:
    model = two(W, G)
    optimizer = OPT.SGD(1.0, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=2)
    optimizer.step(model)
    np.testing.assert_array_equal(numbers(model), W - G)
    optimizer.step(model)
    np.testing.assert_allclose(numbers(model), W - 1.5 * G, rtol=1e-15)


def test_fit_ends_with_the_average() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(32, 3)), rng.normal(size=(32, 1))
    fitted, by_hand = (
        md.Model([md.layers.Dense(1)], seed=0, dtype="float64", input_shape=(3,)) for _ in range(2)
    )
    fitted.compile(OPT.SGD(0.1, use_ema=True, ema_momentum=0.8), "mse")
    fitted.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0)
    loss, optimizer = md.losses.MeanSquaredError(), OPT.SGD(0.1)
    average = None
    for step in range(8):
        batch = slice(step % 4 * 8, step % 4 * 8 + 8)
        by_hand.backward(loss.gradient(y[batch], by_hand.forward(x[batch], training=True)))
        optimizer.step(by_hand)
        w = numbers(by_hand)
        average = w if average is None else 0.8 * average + 0.2 * w
    np.testing.assert_allclose(numbers(fitted), average, rtol=1e-12)


def test_a_loss_that_is_not_finite_leaves_the_epochs_start() -> None:
    x, y = np.ones((8, 2)), np.ones(8)
    model = md.Model([md.layers.Dense(1)], seed=0)
    optimizer = OPT.Adam(
        md.schedules.PiecewiseConstantDecay([0], [0.1, 3e38]),
        use_ema=True,
        gradient_accumulation_steps=3,
        clipnorm=0.1,
    )
    model.compile(optimizer, "mse")
    model.fit(x, y, batch_size=2, epochs=1, verbose=0)
    before, (arrays, scalars) = numbers(model), optimizer._native.state()
    with pytest.raises(md.NonFiniteLossError):
        model.fit(x, y, batch_size=1, epochs=1, verbose=0)
    np.testing.assert_array_equal(numbers(model), before)
    after = optimizer._native.state()
    assert after[1] == scalars
    for name, values in arrays.items():
        np.testing.assert_array_equal(after[0][name], values)


# ---- the same bits ------------------------------------------------------------------------------

EVERY = [*OPTIMIZERS, *AROUND]


def build(case: OptimizerCase, dtype: str, wide: int = 120) -> md.Model:
    """Large enough for a team of threads; its kernels have several pieces of a norm."""
    model = md.Model(
        [md.layers.Dense(wide, "tanh"), md.layers.Dropout(0.2), md.layers.Dense(9)],
        seed=4,
        dtype=dtype,
    )
    model.compile(getattr(OPT, case.optimizer)(**case.arguments), "mse")
    return model


def data() -> tuple[Array, Array]:
    rng = np.random.default_rng(1)
    return rng.normal(size=(150, 70)), rng.normal(size=(150, 9))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", EVERY, ids=lambda case: case.id)
def test_a_rule_has_the_same_bits_everywhere(
    case: OptimizerCase, dtype: str, same_everywhere: Any
) -> None:
    x, y = data()

    def trained() -> bytes:
        model = build(case, dtype)
        model.fit(x, y, batch_size=40, epochs=2, verbose=0)
        return numbers(model).tobytes()

    same_everywhere(trained)


@pytest.mark.parametrize("case", EVERY, ids=lambda case: case.id)
def test_by_hand_equals_fit_to_the_bit(case: OptimizerCase) -> None:
    x, y = data()
    trained, by_hand = build(case, "float32"), build(case, "float32")
    trained.fit(x, y, batch_size=40, epochs=1, shuffle=False, verbose=0)
    loss, optimizer = md.losses.MeanSquaredError(), by_hand.compiled_optimizer
    for start in range(0, 150, 40):
        batch = slice(start, start + 40)
        by_hand.backward(loss.gradient(y[batch], by_hand.forward(x[batch], training=True)))
        optimizer.step(by_hand)
    optimizer.finalize_variable_values(by_hand)
    assert numbers(trained).tobytes() == numbers(by_hand).tobytes()


def test_the_default_optimizer_is_keras_s() -> None:
    model = md.Model([md.layers.Dense(1)], seed=0)
    model.compile(loss="mse")
    assert repr(model.optimizer) == "RMSprop()"
    assert [repr(OPT.get(name)) for name in ("adamw", "nadam", "lion")] == [
        "AdamW()",
        "Nadam()",
        "Lion()",
    ]


def test_what_a_function_of_the_callers_sets_holds_from_the_next_step_on(rng: Any) -> None:
    x, y = rng.normal(size=(8, 2)), rng.normal(size=(8, 1))
    steps: list[Any] = []
    rules: list[Any] = []

    def identity(z: Any) -> Any:
        for rule in rules:  # while it is trained
            steps.append(rule)
            if len(steps) == 4:
                rule.learning_rate = 0.01
        return z

    def made(activation: Any) -> md.Model:
        layers = [md.layers.Dense(3, activation), md.layers.Dense(1)]
        found = md.Model(layers, seed=0, input_shape=(2,))
        found.compile(md.optimizers.SGD(0.1), "mse")
        return found

    model, twin = made((identity, np.ones_like)), made("linear")
    rules.append(model.optimizer)
    model.fit(x, y, batch_size=1, epochs=1, shuffle=False, verbose=0)
    twin.fit(x[:4], y[:4], batch_size=1, epochs=1, shuffle=False, verbose=0)
    twin.optimizer.learning_rate = 0.01
    twin.fit(x[4:], y[4:], batch_size=1, epochs=1, shuffle=False, verbose=0)
    for one, other in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
