"""Layers of one's own: in NumPy, with forward and backward, and as compositions, with call."""

from __future__ import annotations

import copy
import pickle
import re
from pathlib import Path
from typing import Any

import mundur as md
import numpy as np
import numpy.typing as npt
import pytest
from mundur import layers as L

Array = npt.NDArray[Any]
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(50, 4)), RNG.normal(size=(50, 2))


class Linear(md.Layer):
    """Dense, in NumPy."""

    def __init__(self, units: int, **layer: Any) -> None:
        super().__init__(**layer)
        self.units = units

    def build(self, input_shape: Any) -> None:
        self.w = self.add_weight(name="kernel", shape=(input_shape[-1], self.units))
        self.b = self.add_weight(name="bias", shape=(self.units,), initializer="zeros")

    def forward(self, x: Any) -> Any:
        self.saved.x = x
        return x @ self.w + self.b

    def backward(self, dy: Any) -> Any:
        x = self.saved.x
        return dy @ self.w.T, {"kernel": x.T @ dy, "bias": dy.sum(axis=0)}


class Weighed(md.Layer):
    """a·x₀ + b·x₁, two inputs and two numbers."""

    def build(self, input_shape: Any) -> None:
        assert input_shape == [(None, 4), (None, 4)]
        self.a = self.add_weight(name="a", initializer="ones")
        self.b = self.add_weight(name="b", initializer="ones", regularizer="l2")

    def forward(self, inputs: Any) -> Any:
        self.saved.x = inputs
        return self.a * inputs[0] + self.b * inputs[1]

    def backward(self, dy: Any) -> Any:
        first, second = self.saved.x
        gradients = {"a": (dy * first).sum(), "b": (dy * second).sum()}
        return [dy * self.a, dy * self.b], gradients


class Counted(md.Layer):
    """Noise in training, and how often there was some."""

    def build(self, input_shape: Any) -> None:
        self.count = self.add_weight(name="count", initializer="zeros", trainable=False)

    def forward(self, x: Any, training: bool) -> Any:
        if not training:
            return 1.0 * x
        self.count.assign_add(1)
        return x + self.random.normal(size=x.shape)

    def backward(self, dy: Any) -> Any:
        return dy


def trained(layers: list[Any], dtype: str = "float64", **options: Any) -> md.Model:
    model = md.Model(layers, input_shape=(4,), seed=1, dtype=dtype)
    model.compile("adam", "mse")
    model.fit(X, Y, epochs=3, batch_size=16, verbose=0, **options)
    return model


def same(ours: Any, theirs: Any) -> None:
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)


# ---- NumPy ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("place", [0, 1, 2], ids=["first", "within", "last"])
def test_a_layer_in_numpy_trains_as_the_cores(dtype: str, place: int) -> None:
    def layers(kind: Any) -> list[Any]:
        units = (5, 3, 2)[place]
        all_of: list[Any] = [L.Dense(5, name="a"), L.Dense(3, name="b"), L.Dense(2, name="c")]
        all_of[place] = kind(units, name="abc"[place])
        return all_of

    ours, theirs = trained(layers(Linear), dtype), trained(layers(L.Dense), dtype)
    assert list(ours.parameters) == list(theirs.parameters)
    tolerance = 1e-12 if dtype == "float64" else 1e-5
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)
    assert ours.evaluate(X, Y, verbose=0) == pytest.approx(theirs.evaluate(X, Y, verbose=0))
    assert ours.train_on_batch(X, Y) == pytest.approx(theirs.train_on_batch(X, Y), rel=1e-5)


def test_by_hand_backward_may_follow_twice() -> None:
    model = md.Model([L.Dense(3), Linear(3), Linear(2)], input_shape=(4,), seed=0)
    y = model.forward(X, training=True)
    first = model.backward(np.ones_like(y)), dict(model.gradients)
    first = first[0].copy(), {name: view.copy() for name, view in first[1].items()}
    again = model.backward(np.ones_like(y))
    np.testing.assert_array_equal(first[0], again)
    same(first[1].values(), model.gradients.values())
    textbook = md.Model([L.Dense(3), L.Dense(3), L.Dense(2)], input_shape=(4,), seed=0)
    textbook.set_weights(model.get_weights())
    np.testing.assert_allclose(textbook.forward(X, training=True), y, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(textbook.backward(np.ones_like(y)), again, rtol=1e-5, atol=1e-6)


def test_a_forward_between_does_not_disturb_what_is_saved() -> None:
    layer = Linear(2)
    model = md.Model([layer], input_shape=(4,), seed=0)
    model.compile("sgd", "mse")
    y = model.forward(X[:5], training=True)
    model.predict(X)
    model.explain(X[:2], Y[:2])
    dx = model.backward(np.ones_like(y))
    assert dx.shape == (5, 4)
    np.testing.assert_allclose(model.gradients["linear/kernel"][:, 0], X[:5].sum(axis=0), rtol=1e-5)


def test_a_shared_layer_keeps_what_each_call_saved() -> None:
    def model_of(kind: Any) -> md.Model:
        a, b = md.Input((4,)), md.Input((4,))
        shared = kind(3, name="shared")
        both = L.Subtract()([shared(a), shared(b)])
        model = md.Model([a, b], L.Dense(2)(both), seed=3, dtype="float64")
        model.compile("sgd", "mse")
        return model

    ours, theirs = model_of(Linear), model_of(L.Dense)
    for model in (ours, theirs):
        model.fit([X, X[::-1]], Y, epochs=2, verbose=0)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12)


def test_several_inputs_and_single_numbers() -> None:
    a, b = md.Input((4,)), md.Input((4,))
    layer = Weighed()
    model = md.Model([a, b], layer([a, b]), seed=0, dtype="float64")
    model.forward([X, 2 * X])
    dx = model.backward(np.ones((50, 4)))
    assert model.gradients["weighed/a"] == pytest.approx(X.sum())
    assert model.gradients["weighed/b"] == pytest.approx(2 * X.sum() + 0.02)  # and its penalty's
    np.testing.assert_array_equal(dx[0], np.ones((50, 4)))
    assert layer([X, X]).shape == (50, 4)
    assert float(layer.a) == 1.0 and layer.a.shape == ()


def test_training_its_noise_and_its_state() -> None:
    def run(splits: list[int]) -> md.Model:
        model = md.Model([Counted(), L.Dense(2)], input_shape=(4,), seed=1)
        model.compile("sgd", "mse")
        for epochs in splits:
            model.fit(X, Y, batch_size=25, epochs=epochs, verbose=0)
        return model

    once, twice = run([3]), run([1, 2])
    same(once.get_weights(), twice.get_weights())
    assert once.state["counted/count"] == 6.0
    once.predict(X)
    once.forward(X)
    assert once.state["counted/count"] == 6.0
    once.layers[0].trainable = False
    once.fit(X, Y, verbose=0)
    assert once.state["counted/count"] == 6.0
    np.testing.assert_array_equal(once.predict(X), once.predict(X))


def test_frozen_weights_stay_and_the_layer_passes_on() -> None:
    model = md.Model([L.Dense(3), Linear(2)], input_shape=(4,), seed=0)
    model.freeze("linear/kernel")
    before = model.get_weights()
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    changed = [not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)]
    assert changed == [True, True, False, True]
    frozen = Linear(2, trainable=False)
    other = md.Model([frozen], input_shape=(4,), seed=0)
    assert other.trainable_parameters == [] and not frozen.trainable
    other.unfreeze("*")
    assert frozen.trainable


def test_weights_are_live_views_outside_of_the_work() -> None:
    layer = Linear(2)
    with pytest.raises(RuntimeError, match="no weights before it is part of a model"):
        _ = layer.add_weight(name="early").value
    layer = Linear(2)
    model = md.Model([layer], input_shape=(4,), seed=0)
    layer.w.assign(np.ones((4, 2)))
    np.testing.assert_array_equal(model.parameters["linear/kernel"], np.ones((4, 2)))
    assert [w.path for w in layer.weights] == ["linear/kernel", "linear/bias"]
    assert layer.count_params() == 10
    assert model.predict(np.ones((1, 4))).tolist() == [[4.0, 4.0]]


def test_what_forward_raises_comes_through_and_the_model_stays_whole() -> None:
    class Fails(md.Layer):
        calls = 0

        def forward(self, x: Any) -> Any:
            type(self).calls += 1
            if len(x) == 25 and type(self).calls > 100:
                raise KeyError("mine")
            return 1.0 * x

        def backward(self, dy: Any) -> Any:
            return dy

    model = md.Model([L.Dense(2), Fails()], input_shape=(4,), seed=0)
    model.compile("sgd", "mse")
    before = model.get_weights()
    Fails.calls = 99
    with pytest.raises(KeyError, match="mine"):
        model.fit(X, Y, batch_size=25, epochs=2, verbose=0)
    same(before, model.get_weights())
    Fails.calls = 0
    model.fit(X, Y, verbose=0)


# ---- the first look ------------------------------------------------------------------------------


def wrong(**parts: Any) -> type[md.Layer]:
    return type("Wrong", (Linear,), parts)


@pytest.mark.parametrize(
    ("parts", "error", "text"),
    [
        (
            {"backward": lambda self, dy: (2 * (dy @ self.w.T), Linear.backward(self, dy)[1])},
            ValueError,
            r"Wrong.backward: ∂L/∂x is not the derivative of forward: at \[0, 0\] it is .*, and "
            r"central differences give .*, an error of .*. To go without this check, set "
            "checks_gradient = False",
        ),
        (
            {
                "backward": lambda self, dy: (
                    dy @ self.w.T,
                    {"kernel": self.saved.x.T @ dy, "bias": dy.mean(axis=0)},
                )
            },
            ValueError,
            r"∂L/∂bias is not the derivative of forward: at \[0\]",
        ),
        (
            {"backward": lambda self, dy: dy @ self.w.T},
            ValueError,
            "gradients of .*got those of none",
        ),
        (
            {"backward": lambda self, dy: (dy, Linear.backward(self, dy)[1])},
            ValueError,
            r"must return ∂L/∂x of shape \(3, 4\); got \(3, 2\)",
        ),
        (
            {"forward": lambda self, x: (x @ self.w)[0]},
            ValueError,
            "one row for each of the batch's",
        ),
        ({"forward": lambda self, x: "no"}, TypeError, "forward must return y, real numbers"),
        (
            {"forward": lambda self, x: x @ self.w + np.random.default_rng().normal()},
            ValueError,
            "draw random ones from self.random",
        ),
        (
            {"compute_output_shape": lambda self, shape: (None, 7)},
            ValueError,
            r"says \(None, 7\); the layer's output has shape \(None, 2\)",
        ),
    ],
    ids=["dx", "dw", "lacks dw", "shape", "rows", "text", "random", "told shape"],
)
def test_the_first_look_finds(parts: Any, error: Any, text: str) -> None:
    with pytest.raises(error, match=text):
        md.Model([wrong(**parts)(2)], input_shape=(4,))


def test_the_check_can_be_switched_off_and_bends_are_no_errors() -> None:
    skew = {"backward": lambda self, dy: (2 * (dy @ self.w.T), Linear.backward(self, dy)[1])}
    md.Model([wrong(**skew, checks_gradient=False)(2)], input_shape=(4,))

    class Bent(md.Layer):
        def forward(self, x: Any) -> Any:
            self.saved.x = x
            return np.abs(x)

        def backward(self, dy: Any) -> Any:
            return dy * np.sign(self.saved.x)

    class Logarithm(md.Layer):
        def forward(self, x: Any) -> Any:
            self.saved.x = x
            return np.log(x)

        def backward(self, dy: Any) -> Any:
            return dy / self.saved.x

    md.Model([Bent(), Logarithm()], input_shape=(500,))


# ---- compositions --------------------------------------------------------------------------------


class Block(md.Layer):
    def __init__(self, units: int, **layer: Any) -> None:
        super().__init__(**layer)
        self.units = units
        self.hidden = L.Dense(units, "tanh")
        self.drop = L.Dropout(0.5)

    def call(self, x: Any, training: Any = None) -> Any:
        return L.Activation("relu")(2 * x + self.drop(self.hidden(x), training=training))


def test_a_composition_is_a_graph_within_the_graph() -> None:
    ours = trained([L.Dense(6), Block(6), Block(6), L.Dense(2)])
    x = md.Input((4,))
    h = L.Dense(6)(x)
    for _ in range(2):
        h = L.Activation("relu")(2 * h + L.Dropout(0.5)(L.Dense(6, "tanh")(h)))
    theirs = md.Model(x, L.Dense(2)(h), seed=1, dtype="float64")
    theirs.compile("adam", "mse")
    theirs.fit(X, Y, epochs=3, batch_size=16, verbose=0)
    same(ours.get_weights(), theirs.get_weights())
    names = ["dense", "block/dense", "block_1/dense", "dense_1"]
    assert list(ours.parameters) == [f"{n}/{w}" for n in names for w in ("kernel", "bias")]
    assert [type(layer).__name__ for layer in ours.layers] == ["Dense", "Block", "Block", "Dense"]


def test_a_composition_has_the_weights_of_its_layers() -> None:
    block = Block(4)
    model = md.Model([block], input_shape=(4,), seed=0)
    assert [w.path for w in block.weights] == ["block/dense/kernel", "block/dense/bias"]
    assert block.count_params() == model.count_params() == 20
    assert block.trainable
    block.trainable = False
    assert model.trainable_parameters == [] and not block.hidden.trainable
    model.unfreeze("block/dense/bias")
    assert model.trainable_parameters == ["block/dense/bias"]
    assert "block (Block)" in "\n".join(lines_of(model)) and "20" in "\n".join(lines_of(model))
    assert Block(4, trainable=False)(X).shape == (50, 4)


def test_build_of_a_layer_of_the_cores_makes_its_weights() -> None:
    layer = L.Dense(3)
    layer.build((None, 4))
    assert layer.kernel.shape == (4, 3) and layer.count_params() == 15
    with pytest.raises(NotImplementedError, match="Dense is computed by the core"):
        layer.forward(X)
    np.testing.assert_array_equal(layer.call(X), layer(X))


def lines_of(model: md.Model) -> list[str]:
    lines: list[str] = []
    model.summary(print_fn=lines.append)
    return lines


def test_a_composition_of_models_and_of_several_values() -> None:
    class Pair(md.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = md.Model([L.Dense(3, "relu")], name="encoder")

        def call(self, inputs: Any) -> Any:
            first, second = inputs
            return L.Dot(1)([self.encoder(first), self.encoder(second)])

    a, b = md.Input((4,)), md.Input((4,))
    model = md.Model([a, b], Pair()([a, b]), seed=0)
    assert list(model.parameters) == ["pair/encoder/dense/kernel", "pair/encoder/dense/bias"]
    assert model.predict([X, X]).shape == (50, 1)
    model.compile("sgd", "mse")
    model.fit([X, X], Y[:, :1], verbose=0)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda self, x: np.tanh(x), TypeError, "np.tanh needs numbers.*forward"),
        (lambda self, x: np.zeros(3), TypeError, "must return one symbolic value"),
        (lambda self, x: L.Dense(3)(x), ValueError, "makes a Dense each time"),
        (
            lambda self, x, training: x * 2 if training else x,
            TypeError,
            "training is not known where call makes a graph",
        ),
        (
            lambda self, x: x * self.add_weight(),
            TypeError,
            "arithmetic with an array needs numbers",
        ),
        (lambda self, x: self.add_weight() * x, TypeError, "an array of add_weight, and call"),
    ],
    ids=["numpy", "array", "new layers", "training", "x w", "w x"],
)
def test_a_call_that_leaves_the_composition(call: Any, error: Any, text: str) -> None:
    cls = type("Leaves", (md.Layer,), {"call": call})
    with pytest.raises(error, match=text):
        md.Model([cls()], input_shape=(4,))


class Nothing(md.Layer):
    pass


class Both(Linear):
    def call(self, x: Any) -> Any:
        return x


class Derived(L.Dense):
    def call(self, x: Any) -> Any:
        return x


class NoBackward(md.Layer):
    def forward(self, x: Any) -> Any:
        return 1.0 * x


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: md.Model([Nothing()]), NotImplementedError, "Nothing writes neither call"),
        (lambda: md.Model([Both(2)]), TypeError, "Both writes call and forward"),
        (lambda: md.Model([Derived(2)]), TypeError, "Derived.call would be ignored"),
        (lambda: md.Model([NoBackward()], input_shape=(2,)), TypeError, "no backward"),
        (
            lambda: md.Model([wrong(compute_mask=lambda self, x: None)(2)]),
            TypeError,
            "Wrong.compute_mask would be ignored",
        ),
        (lambda: L.TimeDistributed(Linear(2)), NotImplementedError, "none within another layer"),
    ],
    ids=["nothing", "both", "derived", "no backward", "mask", "within"],
)
def test_what_is_refused(make: Any, error: Any, text: str) -> None:
    with pytest.raises(error, match=text):
        make()


# ---- files, copies -----------------------------------------------------------------------------


@md.saving.register_keras_serializable(package="tests")
class Registered(Linear):
    pass


def test_files_find_the_class_by_its_name(tmp_path: Path) -> None:
    model = trained([Linear(3), Block(3), L.Dense(2)])
    path = tmp_path / "own.safetensors"
    model.save(path)
    with pytest.raises(ValueError, match=re.escape('custom_objects={"Linear": Linear}')):
        md.load_model(path)
    loaded = md.load_model(path, custom_objects={"Linear": Linear, "Block": Block})
    same(model.get_weights(), loaded.get_weights())
    np.testing.assert_array_equal(model.predict(X), loaded.predict(X))
    for one in (model, loaded):
        one.fit(X, Y, verbose=0)
    same(model.get_weights(), loaded.get_weights())
    registered = md.Model([Registered(2)], input_shape=(4,))
    registered.save(path)
    assert type(md.load_model(path).layers[0]) is Registered


def test_what_is_frozen_within_is_kept(tmp_path: Path) -> None:
    class Outer(md.Layer):
        def __init__(self, **layer: Any) -> None:
            super().__init__(**layer)
            self.block, self.linear = Block(4), Linear(2)

        def call(self, x: Any) -> Any:
            return self.linear(self.block(x))

    model = md.Model([Outer(), Linear(2)], input_shape=(4,))
    model.freeze("*/bias")
    frozen = ["outer/block/dense/kernel", "outer/linear/kernel", "linear/kernel"]
    path = tmp_path / "own.safetensors"
    model.save(path)
    custom = {"Outer": Outer, "Block": Block, "Linear": Linear}
    loaded = md.load_model(path, custom_objects=custom)
    for one in (loaded, copy.deepcopy(model), md.models.clone_model(model)):
        assert one.trainable_parameters == model.trainable_parameters == frozen


def test_copies_clones_and_pickles() -> None:
    model = trained([Linear(3), Block(3), L.Lambda(np.sin, np.cos), L.Dense(2)])
    for copied in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        same(model.get_weights(), copied.get_weights())
        np.testing.assert_array_equal(model.predict(X), copied.predict(X))
    clone = md.models.clone_model(model)
    clone.set_weights(model.get_weights())
    np.testing.assert_array_equal(model.predict(X), clone.predict(X))
    config = model.get_config()
    custom = {"Linear": Linear, "Block": Block, "sin": np.sin, "cos": np.cos}
    assert len(md.Model.from_config(config, custom).layers) == 4


# ---- Lambda ------------------------------------------------------------------------------------


def test_lambda_with_a_derivative_or_a_product() -> None:
    def norm(x: Array, power: int) -> Any:
        return (x**power).sum(axis=1, keepdims=True)

    def norm_prime(x: Array, dy: Array, power: int) -> Any:
        return dy * power * x ** (power - 1)

    model = trained([L.Lambda(norm, norm_prime, arguments={"power": 2}), L.Dense(2)])
    np.testing.assert_allclose(
        model.predict(X), (X**2).sum(axis=1, keepdims=True) @ model.get_weights()[0]
        + model.get_weights()[1], rtol=1e-12
    )  # fmt: skip
    with pytest.raises(ValueError, match="∂L/∂x is not the derivative"):
        md.Model([L.Lambda(np.sin, np.sin)], input_shape=(3,))
    md.Model([L.Lambda(np.sin, np.sin, checks_gradient=False)], input_shape=(3,))
    with pytest.raises(TypeError, match=r"give its derivative, Lambda\(f, gradient=f_prime\)"):
        md.Model([L.Lambda(np.sin)], input_shape=(3,))
    assert L.Lambda(lambda x: x + x)(X)[0, 0] == pytest.approx(2 * X[0, 0], rel=1e-6)
