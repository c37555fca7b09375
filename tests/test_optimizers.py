"""What surrounds the optimizers' rules: clipping, decay, averages, accumulation, bits."""

from __future__ import annotations

import copy
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


@pytest.mark.share(2)
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


# ---- parameters that do not decay ----------------------------------------------------------------


def decayed(optimizer: Any, **options: Any) -> md.Model:
    """Two layers after a step along gradients of 0."""
    model = md.Model(
        [md.layers.Dense(3, bias_initializer="ones"), md.layers.Dense(2, bias_initializer="ones")],
        input_shape=(4,),
        seed=0,
        dtype="float64",
    )
    before = {name: np.array(view) for name, view in model.parameters.items()}
    optimizer.exclude_from_weight_decay(
        **{k: v(model) if callable(v) else v for k, v in options.items()}
    )
    optimizer.step(model)
    for name, view in model.parameters.items():
        model.parameters[name] = view / before[name]
    return model


@pytest.mark.parametrize(
    ("options", "spared"),
    [
        ({"var_names": ["bias"]}, ["dense/bias", "dense_1/bias"]),
        ({"var_names": ["dense_1"]}, ["dense_1/kernel", "dense_1/bias"]),
        ({"var_names": ["dense/", "1/bias"]}, ["dense/kernel", "dense/bias", "dense_1/bias"]),
        ({"var_list": ["dense/kernel"]}, ["dense/kernel"]),
        ({"var_list": lambda model: model.layers[1].weights}, ["dense_1/kernel", "dense_1/bias"]),
        ({"var_list": [], "var_names": []}, []),
        ({}, []),
    ],
    ids=["names", "a layer", "several", "a path", "variables", "empty", "none"],
)
@pytest.mark.parametrize("around", [{}, {"clipnorm": 1.0}], ids=["", "gathered"])
@pytest.mark.parametrize("rule", ["SGD", "AdamW", "Adafactor"])
def test_what_is_excluded_does_not_decay(
    rule: str, around: dict[str, float], options: dict[str, Any], spared: list[str]
) -> None:
    model = decayed(getattr(OPT, rule)(0.1, weight_decay=0.5, **around), **options)
    for name, view in model.parameters.items():
        np.testing.assert_allclose(view, 1.0 if name in spared else 0.95, rtol=1e-15, err_msg=name)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("units", [9, 200])  # one stretch, or each with its gradient
def test_fit_spares_what_steps_by_hand_spare(units: int, threads: int, rng: Any) -> None:
    x, y = rng.normal(size=(64, 30)), rng.normal(size=(64, 1))

    def model() -> tuple[md.Model, Any]:
        layers = [md.layers.Dense(units, "tanh"), md.layers.Dense(1)]
        optimizer = OPT.AdamW(0.01, weight_decay=0.3)
        optimizer.exclude_from_weight_decay(var_names=["bias", "dense_1"])
        return md.Model(layers, seed=0, input_shape=(30,)), optimizer

    fitted, optimizer = model()
    fitted.compile(optimizer, "mse")
    md.set_num_threads(threads)
    try:
        fitted.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0)
    finally:
        md.set_num_threads(1)
    other, optimizer = model()
    loss = md.losses.MeanSquaredError()
    for step in range(8):
        batch = slice(step % 4 * 16, step % 4 * 16 + 16)
        other.backward(loss.gradient(y[batch], other.forward(x[batch], training=True)))
        optimizer.step(other)
    assert numbers(fitted).tobytes() == numbers(other).tobytes()


def test_files_and_copies_know_what_does_not_decay(tmp_path: Any, rng: Any) -> None:
    x, y = rng.normal(size=(32, 4)), rng.normal(size=(32, 2))
    model = md.Model([md.layers.Dense(3), md.layers.Dense(2)], seed=0)
    optimizer = OPT.AdamW(0.05, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(["dense/kernel"], ["bias"])
    model.compile(optimizer, "mse")
    model.fit(x, y, epochs=1, verbose=0)
    model.save(tmp_path / "m.safetensors")
    others = [md.load_model(tmp_path / "m.safetensors"), copy.deepcopy(model)]
    for one in (model, *others):
        one.fit(x, y, epochs=2, initial_epoch=1, verbose=0)
    for one in others:
        assert numbers(one).tobytes() == numbers(model).tobytes()
    plain = copy.deepcopy(optimizer)
    assert plain._spared == optimizer._spared == (("dense/kernel",), ("bias",))


def test_what_cannot_be_excluded_is_named() -> None:
    model = two(W, G)
    optimizer = OPT.SGD(0.1, weight_decay=0.1)
    with pytest.raises(TypeError, match=r'such as "dense/bias"; got'):
        optimizer.exclude_from_weight_decay([np.ones(2)])
    with pytest.raises(TypeError, match="var_names must hold strings"):
        optimizer.exclude_from_weight_decay(var_names=[3])
    with pytest.raises(ValueError, match="regular expressions"):
        optimizer.exclude_from_weight_decay(var_names=["("])
    optimizer.exclude_from_weight_decay(["dense_7/bias"])
    with pytest.raises(
        ValueError, match="no 'dense_7/bias'; its parameters are dense/kernel, dense"
    ):
        optimizer.step(model)
    optimizer.exclude_from_weight_decay(var_names=["beta", "bias"])
    with pytest.warns(UserWarning, match="no parameter's path holds 'beta'"):
        optimizer.step(model)
    with pytest.raises(ValueError, match="before the first step; this optimizer has done 1"):
        optimizer.exclude_from_weight_decay(var_names=["bias"])


def test_an_optimizers_own_variables_come_back() -> None:
    model, other = two(W, G), two(W, G)
    first, second = OPT.Adam(0.1), OPT.Adam(0.1)
    first.step(model)
    store: dict[str, Any] = {}
    first.save_own_variables(store)
    assert list(store) == ["0", "1", "2", "3", "4"]
    assert [v.tobytes() for v in first.variables] == [v.tobytes() for v in store.values()]
    second.load_own_variables(store)
    for name, view in model.parameters.items():
        other.parameters[name] = view
    for optimizer, one in ((first, model), (second, other)):
        optimizer.step(one)
    assert numbers(model).tobytes() == numbers(other).tobytes()


def test_a_rate_of_0_moves_nothing() -> None:
    for name in ("Ftrl", "Adafactor"):
        model = two(W, G)
        getattr(OPT, name)(0.0).step(model)
        np.testing.assert_array_equal(numbers(model), W)


def test_adafactor_bears_rows_and_columns_of_zeros() -> None:
    """Both factors of such an element are tiny: their product would be 0 in float32."""
    model = md.Model([md.layers.Dense(3, use_bias=False)], input_shape=(4,), seed=0)
    kernel = model.parameters["dense/kernel"].copy()
    gradient = np.zeros((4, 3), np.float32)
    gradient[1:, 1:] = [[1, 2], [3, 4], [5, 6]]
    optimizer = OPT.Adafactor(0.1)
    for _ in range(3):
        model.gradients["dense/kernel"] = gradient
        optimizer.step(model)
    moved = model.parameters["dense/kernel"] != kernel
    np.testing.assert_array_equal(moved, gradient != 0)
    assert np.isfinite(model.parameters["dense/kernel"]).all()
