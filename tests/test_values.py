"""Values of a program by name: z, a and δ of any layer, as the textbook has them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import mundur as md
import numpy as np
import pytest
from mundur import _core, reference
from mundur.inspection.verify import _textbook_model  # the same twin as verify has

L = md.layers
IDS = np.array([[1, 2, 3, 4, 5, 6, 7, 8], [3, 1, 4, 1, 5, 0, 0, 0], [2, 7, 0, 0, 0, 0, 0, 0]])
SEQUENCES = np.random.default_rng(1).normal(size=(3, 4, 5))


def masked_lstm() -> list[Any]:
    return [L.Embedding(9, 4, mask_zero=True), L.LSTM(3, return_sequences=True), L.LSTM(2)]


def convolution() -> list[Any]:
    return [
        L.Embedding(9, 4),
        L.Conv1D(5, 3, activation="relu", padding="same"),
        L.MaxPooling1D(2),
        L.LSTM(3),
        L.Dense(1, "sigmoid"),
    ]


def residual() -> list[Any]:
    chain = [L.LayerNormalization(), L.Dense(7, "gelu"), L.Dropout(0.5), L.Dense(5)]
    return [L.Residual(chain), L.BatchNormalization(), L.Residual([L.Activation("tanh")])]


def both_ways() -> list[Any]:
    layer = L.GRU(3, return_sequences=True)
    return [L.Embedding(9, 4, mask_zero=True), L.Bidirectional(layer, "mul"), L.Dense(2)]


def each_step() -> list[Any]:
    inner = L.Residual([L.Dense(5, "softmax")])
    return [L.TimeDistributed(inner), L.Bidirectional(L.SimpleRNN(2)), L.Dense(3, "elu")]


MAKERS = {
    maker.__name__: maker for maker in (masked_lstm, convolution, residual, both_ways, each_step)
}
Makers = Callable[[], list[Any]]
each_model = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS.keys())


def made(make: Makers, dtype: str = "float64") -> tuple[md.Model, Any, Any]:
    layers = make()
    x = IDS if isinstance(layers[0], L.Embedding) else SEQUENCES
    model = md.Model(layers, input_shape=x.shape[1:], dtype=dtype, seed=4)
    y = np.random.default_rng(2).normal(size=(len(x), *model.output_shape))
    model.compile("adam", "mse")
    return model, x, y


@pytest.fixture(params=[1, 2])
def teams(request: Any) -> Iterator[int]:
    adaptive = _core.adaptive()
    _core.set_adaptive(False)
    _core.set_num_threads(request.param)
    yield request.param
    _core.set_num_threads(0)
    _core.set_adaptive(adaptive)


# ---- the textbook -------------------------------------------------------------------------------


class Taught:
    """What went through each of the textbook's layers, those within others too."""

    def __init__(self, model: md.Model, x: Any, y: Any) -> None:
        self.values: dict[str, Any] = {}
        textbook = _textbook_model(model)
        for layer, called, _ in textbook.calls:
            self._record(called, layer.name)
        (y_pred,) = textbook.forward([np.asarray(x, float).tolist()])
        textbook.backward([reference.losses.MeanSquaredError().gradient(y.tolist(), y_pred)])

    def _record(self, layer: Any, name: str) -> None:
        forward, backward = layer.forward, layer.backward

        def recording(x: Any, training: bool = False) -> Any:
            self.values[f"{name}/a"] = forward(x, training)
            return self.values[f"{name}/a"]

        def recording_backward(gradient: Any) -> Any:
            self.values[f"{name}/da"] = gradient
            dx = backward(gradient)
            if isinstance(layer, reference.layers.Dense):
                self.values[f"{name}/z"], self.values[f"{name}/delta"] = layer.z, layer.delta
            return dx

        layer.forward, layer.backward = recording, recording_backward
        for inner in [*getattr(layer, "layers", ()), *filter(None, [getattr(layer, "layer", 0)])]:
            self._record(inner, f"{name}/{inner.name}")


@each_model
def test_values_are_those_of_the_textbook(make: Makers) -> None:
    model, x, y = made(make)
    explanation = model.explain(x, y)
    taught = Taught(model, x, y).values
    assert len(taught) >= 2 * len(model.layers)
    for name, expected in taught.items():
        got = explanation.values[name]
        if "/backward_" in name and got.ndim == 3:  # here in the order of time
            got = got[:, ::-1]
        shaped = np.asarray(expected, float).reshape(got.shape)
        assert got == pytest.approx(shaped, rel=1e-10, abs=1e-13), name
    assert model.verify(x, y).passed, str(model.verify(x, y))
    assert {name for name in model.verify(x, y).differences if name.endswith(" a")} == {
        f"{layer.name} a" for layer in model.layers
    }


def test_delta_of_a_recurrent_layer_is_that_of_its_gates() -> None:
    model, x, y = made(masked_lstm)
    explanation = model.explain(x, y)
    delta = explanation.values["lstm/delta"]
    assert delta.shape == (3, 8, 12)
    assert not delta[x == 0].any() and delta[x != 0].any(axis=1).all()
    step = explanation["lstm"]
    assert step.gradients["bias"] == pytest.approx(delta.sum(axis=(0, 1)))
    assert step.gradients["kernel"] == pytest.approx(np.einsum("nti,ntj->ij", step.x, delta))
    assert step.dx == pytest.approx(delta @ step.parameters["kernel"].T)
    # δ belongs to gates; a layer's own is ∂L/∂a, where no activation comes last.
    assert step.z is step.a and step.delta is step.da


def test_masked_steps_hand_their_state_on() -> None:
    model, x, y = made(masked_lstm)
    a = model.explain(x, y)["lstm"].a
    assert np.array_equal(a[1, 4:], np.tile(a[1, 4], (4, 1)))
    assert "lstm: LSTM, 8×4 → 8×3" in str(model.explain(x, y))


# ---- the same bits ------------------------------------------------------------------------------


@each_model
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_watched_passes_have_the_bits_of_others(make: Makers, dtype: str, teams: int) -> None:
    model, x, y = made(make, dtype)
    explanation = model.explain(x, y)
    y_pred = model.forward(x)
    dx = model.backward(md.losses.MeanSquaredError().gradient(y, y_pred))
    assert np.array_equal(explanation.y_pred, y_pred)
    assert np.array_equal(explanation[0].dx, dx)
    for name, gradient in model.gradients.items():
        assert np.array_equal(explanation.gradients[name], gradient), name
    _core.set_num_threads(3 - teams)
    for name, value in model.explain(x, y).values.items():
        assert np.array_equal(explanation.values[name], value), name


def test_slopes_are_those_of_every_activation(teams: int) -> None:
    for f in ("relu", "sigmoid", "tanh", "gelu", "mish", (np.sin, np.cos)):
        model = md.Model([L.Dense(4, f), L.Activation(f)], seed=0, dtype="float64")
        for step in model.explain(SEQUENCES[:, 0], np.ones((3, 4)), "mse"):
            assert step.delta == pytest.approx(step.slope * step.da)
            slope = reference.activations.get(f).derivative if isinstance(f, str) else f[1]
            expected = [[float(slope(z)) for z in row] for row in step.z]
            assert step.slope == pytest.approx(np.array(expected), rel=1e-9), f


def test_penalties_of_outputs_are_in_delta() -> None:
    layer = L.Dense(1, "tanh", kernel_initializer=[[0.5], [0.25]], activity_regularizer="l2")
    linear = L.Dense(1, kernel_initializer="ones", activity_regularizer="l2")
    model = md.Model([layer, linear], input_shape=(2,), seed=0, dtype="float64")
    explanation = model.explain([[1.0, 2.0]], [[0.0]], "mse")
    for step in explanation:
        assert step.slope is not None
        assert step.delta == pytest.approx(step.slope * (step.da + 2 * 0.01 * step.a))
        assert step.dW == pytest.approx(step.x.T @ step.delta)
    assert "δ1 = ∂(L + R)/∂a1 = " in str(explanation)
    assert "δ1 = f′(z1)·∂(L + R)/∂a1 = " in str(explanation)


# ---- names --------------------------------------------------------------------------------------


def test_every_layer_has_its_values() -> None:
    model, x, y = made(each_step)
    values = model.explain(x, y).values
    inner = "time_distributed/residual/dense"
    assert {f"{inner}/{name}" for name in ("z", "a", "da", "delta")} < set(values)
    assert f"{inner}/slope" not in values  # softmax acts on whole rows
    assert values[f"{inner}/z"].shape == (3, 4, 5)
    assert {"bidirectional/backward_simple_rnn/delta", "dense/slope"} < set(values)
    with pytest.raises(KeyError, match=r"no value 'dense/dleta'; did you mean 'dense/delta'\?"):
        values["dense/dleta"]


def test_nothing_is_read_before_a_watched_forward() -> None:
    model, x, y = made(residual)
    model.forward(x)
    with pytest.raises(RuntimeError, match="call forward first"):
        model.native.watched_values()
    with pytest.raises(RuntimeError, match="call forward first"):
        model.native.backward(np.asarray(y), watched=True)
    model.backward(y)


# ---- the model stays as it is -------------------------------------------------------------------


@each_model
def test_a_pass_by_hand_goes_on_behind_an_explanation(make: Makers) -> None:
    model, x, y = made(make)
    model.fit(x, y, epochs=2, verbose=0)
    model.freeze(f"{model.layers[-1].name}/*") if model.layers[-1].parameter_initializers else None
    other = copy.deepcopy(model)
    for one in (model, other):
        y_pred = one.forward(x, training=True)
        one.backward(y_pred - y)
    before = {name: gradient.copy() for name, gradient in model.gradients.items()}
    for watch in (model.explain, model.verify, model.per_sample_gradients):
        watch(x[:2], y[:2])
    assert model.penalty() == other.penalty()
    assert np.array_equal(model.backward(y_pred), other.backward(y_pred))
    assert model.native.training_forwards == other.native.training_forwards
    model.backward(y_pred - y)
    for name, gradient in model.gradients.items():
        assert np.array_equal(gradient, before[name]), name
    for one in (model, other):
        one.fit(x, y, epochs=2, verbose=0)
    for mine, theirs in zip(model.get_weights(), other.get_weights(), strict=True):
        assert np.array_equal(mine, theirs)


def test_a_loss_that_fails_leaves_the_model_as_it_was() -> None:
    model, x, y = made(convolution)
    dx = model.backward(model.forward(x))
    before = model.gradients["dense/kernel"].copy()

    class Failing(md.losses.MeanSquaredError):
        def gradient(self, *arguments: Any) -> Any:
            raise RuntimeError("no gradient today")

    with pytest.raises(RuntimeError, match="today"):
        model.explain(x, y, Failing())
    assert np.array_equal(model.gradients["dense/kernel"], before)
    assert np.array_equal(model.backward(model.forward(x)), dx)
