"""Activations as functions, as parametrised layers, and as pairs of the user's own."""

from __future__ import annotations

import copy
import math
import pickle
import threading
from pathlib import Path
from typing import Any

import mundur as md
import numpy as np
import numpy.typing as npt
import pytest
from mundur import _core, reference

from cases import NAMED

Array = npt.NDArray[Any]
DTYPES = ["float32", "float64"]
Dense = md.layers.Dense


# ---- functions of arrays ------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMED)
def test_a_function_is_what_the_layer_computes(name: str, dtype: str) -> None:
    x = np.random.default_rng(1).normal(size=(5, 19)).astype(dtype) * 3
    model = md.Model([md.layers.Activation(name)], dtype=dtype, input_shape=(19,))
    function = md.activations.get(name)
    y = function(x)
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, model.predict(x, verbose=0))
    assert Dense(1, function).activation == name
    assert md.layers.Activation(function).activation == name


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMED)
def test_extremes(name: str, dtype: str) -> None:
    """Finite numbers give the textbook's values, to an ulp of the argument; NaN stays NaN."""
    info = np.finfo(np.dtype(dtype))
    largest = [1e30, -1e30, 1e4, -1e4]
    small = [info.tiny, -info.tiny, info.smallest_subnormal, 0.0, -0.0, 1e-5, -1e-5]
    edges = [3.0, -3.0, 6.0, np.nextafter(3, 4), 20.5, -20.5, 44.5, -44.5, 89.0, -104.0]
    x = np.array([*largest, *small, *edges], dtype=dtype)
    if name == "exponential":
        x = np.minimum(x, 88 if dtype == "float32" else 700)
    rows = x[:, None]  # softmax of one number is 1
    function, textbook = md.activations.get(name), reference.activations.get(name)
    expected = np.array([textbook(row) for row in rows.astype(float).tolist()])
    got = function(rows)
    bound = 4 * info.eps * np.maximum(np.abs(expected), np.abs(rows))
    assert (np.abs(got - expected) <= bound + info.tiny).all()
    assert np.isnan(function(np.full((1, 1), np.nan, dtype))).all()


@pytest.mark.parametrize(
    ("name", "told", "of_x"),
    [
        *(("exponential", 1.0, False), ("elu", 1.1, False), ("hard_sigmoid", 1.1, False)),
        *(("softsign", 1.6, False), ("selu", 2.0, False), ("softplus", 2.0, False)),
        *(("hard_silu", 2.0, False), ("gelu", 2.0, True), ("gelu_tanh", 2.0, True)),
        *(("silu", 1.1, True), ("mish", 2.0, True)),
    ],
)
def test_float32_is_as_exact_as_told(name: str, told: float, of_x: bool) -> None:
    patterns = np.arange(0, 2**32, 30_011, dtype=np.uint64).astype(np.uint32)
    x = np.concatenate([patterns.view(np.float32), np.linspace(-9, 9, 50_000, dtype=np.float32)])
    x = x[np.isfinite(x)]
    function = md.activations.get(name)
    truth = function(x.astype(np.float64))
    known = np.abs(truth) < np.finfo(np.float32).max
    x, truth = x[known], truth[known]
    _, exponent = np.frexp(x.astype(np.float64) if of_x else truth)
    ulp = np.ldexp(1.0, np.maximum(exponent - 24, -149))
    worst = float(np.max(np.abs(function(x) - truth) / ulp))
    assert told / 2 < worst < told


def test_any_shape_and_axis() -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    for name in ("softmax", "log_softmax"):
        function = getattr(md.activations, name)
        for axis in (0, 1, 2, -2):
            moved = np.moveaxis(function(np.moveaxis(x, axis, -1)), -1, axis)
            np.testing.assert_array_equal(function(x, axis=axis), moved)
    np.testing.assert_array_equal(md.activations.gelu(x.T), md.activations.gelu(x).T)
    assert md.activations.gelu(np.float32(1)).dtype == np.float32
    assert md.activations.gelu(1).shape == ()
    assert md.activations.mish(np.empty((0, 3))).shape == (0, 3)
    assert md.activations.relu(np.array([-1, 2])).tolist() == [0.0, 2.0]


def test_parameters_of_functions() -> None:
    a = md.activations
    x = np.linspace(-3, 9, 25)
    np.testing.assert_array_equal(a.leaky_relu(x), np.where(x > 0, x, 0.2 * x))
    np.testing.assert_array_equal(a.leaky_relu(x, 0.5), np.where(x > 0, x, 0.5 * x))
    np.testing.assert_array_equal(a.relu(x, max_value=6), a.relu6(x))
    np.testing.assert_array_equal(a.relu(x, threshold=1), np.where(x > 1, x, 0.0))
    np.testing.assert_array_equal(a.gelu(x, approximate=True), a.gelu_tanh(x))
    np.testing.assert_allclose(a.elu(x, 0.5), np.where(x < 0, 0.5 * np.expm1(x), x), rtol=1e-15)
    assert a.get("swish") is a.silu
    assert a.get(None) is a.linear
    assert a.get(a.selu) is a.selu
    assert np.abs(a.gelu(x) - a.gelu_tanh(x)).max() < 5e-4


def test_layers_compute_what_their_parameters_say() -> None:
    x = np.linspace(-3, 9, 25)[None, :]

    def through(layer: md.Layer) -> Array:
        return md.Model([layer], dtype="float64", input_shape=(25,)).predict(x, verbose=0)

    a, layers = md.activations, md.layers
    np.testing.assert_array_equal(through(layers.LeakyReLU()), a.leaky_relu(x, 0.3))
    np.testing.assert_array_equal(through(layers.ReLU(6, 0.1, 0.5)), a.relu(x, 0.1, 6, 0.5))
    np.testing.assert_array_equal(through(layers.ELU(0.3)), a.elu(x, 0.3))
    np.testing.assert_array_equal(through(layers.Softmax()), a.softmax(x))
    model = md.Model([layers.ReLU(), layers.LeakyReLU(), layers.ReLU()], input_shape=(1,))
    assert [layer.name for layer in model.layers] == ["re_lu", "leaky_re_lu", "re_lu_1"]


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: md.layers.ReLU(max_value=-1), ValueError, "max_value"),
        (lambda: md.layers.ReLU(negative_slope=-1), ValueError, "negative_slope"),
        (lambda: md.layers.ReLU(threshold=-0.5), ValueError, "threshold"),
        (lambda: md.layers.LeakyReLU(None), TypeError, "negative_slope"),
        (lambda: md.layers.ELU("1"), TypeError, "alpha"),
        (lambda: md.layers.Softmax(axis=0), ValueError, "axis must not be 0"),
        (lambda: md.layers.Softmax(axis=(1, "2")), TypeError, r"axis\[1\] must be an integer"),
        (lambda: md.layers.PReLU("onne"), ValueError, "alpha_initializer"),
        (lambda: md.layers.PReLU(shared_axes=0), ValueError, "shared_axes must not be 0"),
        (lambda: md.activations.gelu("x"), TypeError, "x must be an array"),
        (lambda: md.activations.gelu([1j]), TypeError, "real numbers"),
        (lambda: Dense(2, np.tanh), TypeError, r"with its derivative, as \(f, f_prime\)"),
        (lambda: Dense(2, 3), TypeError, "must be a name"),
        (lambda: Dense(2, (np.sin, np.cos, 1)), TypeError, "must be a name"),
        (lambda: Dense(2, md.layers.ReLU()), TypeError, "stands by itself, behind this one"),
        (lambda: md.layers.LeakyReLU(alpha=0.1), TypeError, "did you mean 'negative_slope'"),
        (lambda: md.activations.geluu, AttributeError, "did you mean 'gelu'"),
        (lambda: _core.ActivationFunction("elu", []), ValueError, "expected 1, got 0"),
        (lambda: _core.ActivationFunction("custom", []), ValueError, "unknown name"),
    ],
)
def test_errors_name_the_argument(make: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        make()


@pytest.mark.parametrize("compute_dtype", [None, "bfloat16", "bfloat16_pairs"])
def test_backward_behind_a_forward_outside_of_training(compute_dtype: str | None) -> None:
    found = []
    for training in (False, True):
        model = md.Model(
            [Dense(9, "gelu"), Dense(7, "mish")],
            input_shape=(5,),
            seed=1,
            compute_dtype=compute_dtype,
        )
        x = np.random.default_rng(0).normal(size=(13, 5))
        model.forward(np.ones((20, 5)), training=True)  # a larger workspace than needed
        y = model.forward(x, training=training)
        found.append([y, model.backward(np.cos(y)), *map(np.array, model.gradients.values())])
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_heads_that_give_probabilities() -> None:
    x, _ = data()
    logistic = (lambda z: 1 / (1 + np.exp(-z)), lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2)
    for head in ("hard_sigmoid", logistic):
        model = md.Model([Dense(1, head)], seed=0)
        model.compile("sgd", "binary_crossentropy")
        model.fit(x, x[:, 0] > 0, epochs=1, verbose=0)
    model = md.Model([Dense(1, "relu6")], seed=0)
    model.compile("sgd", "binary_crossentropy")
    with pytest.raises(ValueError, match="ends in rectifier"):
        model.fit(x, x[:, 0] > 0, verbose=0)


# ---- pairs --------------------------------------------------------------------------------------


def cube(z: Array) -> Array:
    return z**3 / 3


def square(z: Array) -> Array:
    return z**2


def data(outputs: int = 2, samples: int = 50) -> tuple[Array, Array]:
    rng = np.random.default_rng(4)
    return rng.normal(size=(samples, 5)), rng.normal(size=(samples, outputs))


def model_of(activation: Any, dtype: str = "float64", as_layer: bool = False) -> md.Model:
    own = md.layers.Activation(activation) if as_layer else Dense(4, activation)
    model = md.Model([Dense(7, "tanh"), own, Dense(2)], seed=2, dtype=dtype, input_shape=(5,))
    model.compile(md.optimizers.Adam(0.01), "mse")
    return model


@pytest.mark.parametrize("as_layer", [False, True], ids=["dense", "layer"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_pair_learns_what_its_native_twin_learns(dtype: str, as_layer: bool) -> None:
    pair = (np.tanh, lambda z: 1 - np.tanh(z) ** 2)
    x, y = data()
    own, twin = model_of(pair, dtype, as_layer), model_of("tanh", dtype, as_layer)
    for model in (own, twin):
        model.fit(x, y, batch_size=16, epochs=3, verbose=0, validation_split=0.2)
    tolerance = 1e-5 if dtype == "float32" else 1e-12
    for name, value in twin.parameters.items():
        np.testing.assert_allclose(own.parameters[name], value, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(own.predict(x), twin.predict(x), rtol=tolerance, atol=tolerance)
    assert own.evaluate(x, y, verbose=0) == pytest.approx(twin.evaluate(x, y, verbose=0), rel=1e-4)


def test_a_pair_is_the_textbooks() -> None:
    native = md.Model([Dense(3, (cube, square))], seed=1, dtype="float64", input_shape=(5,))
    textbook = reference.Model(
        [reference.layers.Dense(3, (lambda z: z**3 / 3, lambda z: z**2))], input_shape=(5,)
    )
    textbook.set_parameters({name: value.tolist() for name, value in native.parameters.items()})
    x, _ = data()
    delta = np.cos(np.arange(150)).reshape(50, 3)
    np.testing.assert_allclose(native.forward(x), textbook.forward(x.tolist()), rtol=1e-12)
    dx = native.backward(delta)
    np.testing.assert_allclose(dx, textbook.backward(delta.tolist()), rtol=1e-11, atol=1e-13)
    for name, gradient in textbook.gradients.items():
        np.testing.assert_allclose(native.gradients[name], gradient, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("threads", [1, 3])
def test_functions_are_called_once_per_batch_on_the_calling_thread(threads: int) -> None:
    calls: list[tuple[str, tuple[int, ...], Any]] = []

    def f(z: Array) -> Array:
        calls.append(("f", z.shape, threading.current_thread()))
        return np.tanh(z)

    def f_prime(z: Array) -> Array:
        calls.append(("f'", z.shape, threading.current_thread()))
        return 1 - np.tanh(z) ** 2

    model = model_of((f, f_prime), "float32")
    x, y = data(samples=40)
    calls.clear()
    with md.runtime.threads(threads):
        model.fit(x, y, batch_size=16, epochs=1, verbose=0)
    assert [call[:2] for call in calls] == [
        (which, (rows, 4)) for rows in (16, 16, 8) for which in ("f", "f'")
    ]
    assert {call[2] for call in calls} == {threading.current_thread()}


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("samples", [16, 50])
@pytest.mark.parametrize("which", ["f", "f_prime"])
def test_what_a_function_raises_leaves_the_epochs_start(
    which: str, samples: int, threads: int
) -> None:
    armed = {"f": math.inf, "f_prime": math.inf}

    def call(name: str) -> None:
        armed[name] -= 1
        if armed[name] < 0:
            raise LookupError(f"{name} has had enough")

    def f(z: Array) -> Array:
        call("f")
        return np.tanh(z)

    def f_prime(z: Array) -> Array:
        call("f_prime")
        return 1 - np.tanh(z) ** 2

    x, y = data(samples=samples)
    model, twin = (model_of((f, f_prime)) for _ in range(2))
    with md.runtime.threads(threads):
        for one in (model, twin):
            one.fit(x, y, batch_size=16, epochs=1, verbose=0)
        armed[which] = 0 if samples == 16 else 2
        with pytest.raises(LookupError, match=f"{which} has had enough"):
            model.fit(x, y, batch_size=16, epochs=1, verbose=0)
        armed[which] = math.inf
        for name, value in twin.parameters.items():
            np.testing.assert_array_equal(model.parameters[name], value)
        # The optimizer's state is whole, too: training goes on as if nothing had been.
        for one in (model, twin):
            one.fit(x, y, batch_size=16, epochs=1, verbose=0)
    for name, value in twin.parameters.items():
        np.testing.assert_array_equal(model.parameters[name], value)


def test_a_function_may_ask_for_the_optimizers_state() -> None:
    optimizer = md.optimizers.Adam(0.01)
    seen: list[float] = []

    def f(z: Array) -> Array:
        seen.append(optimizer._native.state()[1]["iterations"])
        return np.tanh(z)

    model = model_of((f, lambda z: 1 - np.tanh(z) ** 2))
    model.compile(optimizer, "mse")
    seen.clear()
    x, y = data()
    model.fit(x, y, batch_size=25, epochs=1, verbose=0)
    assert len(seen) == 2


def test_what_a_function_raises_reaches_every_caller() -> None:
    angry = [False]

    def f(z: Array) -> Array:
        if angry[0]:
            raise LookupError("no")
        return np.tanh(z)

    model = model_of((f, lambda z: 1 - np.tanh(z) ** 2))
    x, y = data()
    y_pred = model.forward(x, training=True)
    angry[0] = True
    for work in (
        lambda: model.forward(x),
        lambda: model.predict(x, verbose=0),
        lambda: model.evaluate(x, y, verbose=0),
        lambda: model.train_on_batch(x, y),
    ):
        with pytest.raises(LookupError, match="no"):
            work()
    with pytest.raises(RuntimeError, match="call forward first"):  # what it kept is overwritten
        model.backward(y_pred)
    angry[0] = False
    np.testing.assert_array_equal(model.forward(x), y_pred)


@pytest.mark.parametrize(
    ("pair", "error", "words"),
    [
        ((cube, cube), ValueError, r"'cube'.*not the derivative of f. At z = "),
        ((cube, 3), TypeError, "f_prime must be callable; got 3"),
        ((lambda z: z.sum(axis=0), square), ValueError, r"must return the shape that it gets"),
        ((lambda z: z + 0j, square), TypeError, "must return real numbers"),
        ((lambda z: z - z.mean(), lambda z: 1 - 1 / z.size), ValueError, "shape"),
        ((lambda z: z - z.mean(), np.ones_like), ValueError, "each element by itself"),
        ((lambda z: z * np.nan, square), ValueError, "is finite nowhere"),
        ((np.sqrt, lambda z: 0.4 / np.sqrt(z)), ValueError, "not the derivative"),
    ],
)
def test_a_pair_that_does_not_fit(pair: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        Dense(3, pair)


def test_pairs_that_fit() -> None:
    hinge = (lambda z: np.maximum(z, 0), lambda z: (z > 0).astype(float))
    for pair in (hinge, (np.sqrt, lambda z: 0.5 / np.sqrt(z)), [np.sin, np.cos]):
        assert isinstance(Dense(3, pair).activation, md.activations.Custom)
    custom = md.activations.Custom(cube, square, name="third")
    assert repr(Dense(3, custom)) == "Dense(3, activation=Custom(cube, square, name='third'))"
    np.testing.assert_array_equal(custom([3.0]), [9.0])


def test_a_shape_that_changes_later_is_told() -> None:
    late = [False]

    def f(z: Array) -> Array:
        return z[:1] if late[0] else z

    model = model_of((f, np.ones_like))
    late[0] = True
    with pytest.raises(
        ValueError, match=r"f of the activation 'f' must return the shape.*\(1, 4\)"
    ):
        model.predict(data()[0], verbose=0)


def test_what_f_raises_in_the_core_is_raised() -> None:
    def fails(z: Array) -> Array:
        raise KeyError("f")

    with pytest.raises(KeyError, match="f"):
        _core.ActivationFunction.custom(fails, fails)(np.ones((2, 3)))


def test_files_hold_names(tmp_path: Path) -> None:
    x, y = data()
    model = model_of((cube, square))
    model.fit(x, y, epochs=1, verbose=0)
    path = tmp_path / "own.safetensors"
    model.save(path)
    with pytest.raises(ValueError, match=r"own.safetensors.*'cube'.*custom_objects=\{'cube': \("):
        md.load_model(path)
    with pytest.raises(ValueError, match=r"custom_objects\['cube'\] must be a pair"):
        md.load_model(path, custom_objects={"cube": np.sin})
    loaded = md.load_model(path, custom_objects={"cube": (cube, square)})
    for one in (loaded, pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        np.testing.assert_array_equal(one.predict(x, verbose=0), model.predict(x, verbose=0))
        assert repr(one.layers[1]) == repr(model.layers[1])


def test_two_pairs_of_one_name_cannot_be_saved(tmp_path: Path) -> None:
    sine, cosine = (lambda z: np.sin(z), np.cos), (lambda z: np.cos(z), lambda z: -np.sin(z))
    model = md.Model([Dense(2, sine), Dense(2, cosine)], input_shape=(2,), seed=0)
    with pytest.raises(ValueError, match=r"two custom activations are named '<lambda>'.*name="):
        model.save(tmp_path / "x.safetensors")


def test_an_activation_of_ones_own_computes_integers_in_float64() -> None:
    own = md.activations.Custom(np.tanh, lambda z: 1 - np.tanh(z) ** 2)
    assert own([0, 1]).tolist() == np.tanh([0.0, 1.0]).tolist()
    assert own(np.ones(2, np.float32)).dtype == np.float32
