"""SimpleRNN, LSTM, GRU and Bidirectional beyond the table of cases: masks, dropout, both ways."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import mundur as md
import numpy as np
import numpy.typing as npt
import pytest
from mundur import reference

Array = npt.NDArray[Any]
LAYERS = ["SimpleRNN", "LSTM", "GRU"]
L, R = md.layers, reference.layers


def assert_close(found: Any, expected: Any, tolerance: float = 1e-12) -> None:
    expected = np.asarray(expected, dtype=np.float64)
    scale = np.abs(expected).max(initial=0.0)
    assert np.shape(found) == expected.shape
    assert np.abs(np.asarray(found) - expected).max(initial=0.0) <= tolerance * scale


def both(make: Callable[[Any], list[Any]], shape: tuple[int, ...]) -> tuple[md.Model, Any]:
    """The native model and the textbook's, with the same parameters."""
    native = md.Model(make(L), input_shape=shape, seed=3, dtype="float64")
    textbook = reference.Model(make(R), input_shape=shape)
    rng = np.random.default_rng(1)
    for name, value in native.parameters.items():
        if name.endswith("bias"):
            value[...] = rng.normal(size=value.shape)
    textbook.set_parameters({name: value.tolist() for name, value in native.parameters.items()})
    return native, textbook


def assert_same_pass(native: md.Model, textbook: Any, x: Array, training: bool = True) -> None:
    y = native.forward(x, training=training)
    assert_close(y, textbook.forward(x.tolist(), training=training))
    delta = np.random.default_rng(5).normal(size=y.shape)
    assert_close(native.backward(delta), textbook.backward(delta.tolist()))
    assert set(native.gradients) == set(textbook.gradients)
    for name, gradient in textbook.gradients.items():
        assert_close(native.gradients[name], gradient)


# 0 is padding: before, behind, between, nowhere and everywhere.
IDS = np.array([[0, 0, 3, 1], [2, 1, 0, 0], [4, 0, 0, 2], [1, 2, 3, 4], [0, 0, 0, 0]])


@pytest.mark.parametrize("options", [{}, {"return_sequences": True}, {"go_backwards": True}])
@pytest.mark.parametrize("layer", LAYERS)
def test_a_masked_step_leaves_the_state_as_it_was(layer: str, options: dict[str, Any]) -> None:
    native, textbook = both(
        lambda of: [of.Embedding(5, 3, mask_zero=True), getattr(of, layer)(7, **options)], (4,)
    )
    assert_same_pass(native, textbook, IDS)
    y = native.predict(IDS, verbose=0)
    assert not y[4].any()
    if options.get("return_sequences"):
        np.testing.assert_array_equal(y[2, 1:3], [y[2, 0]] * 2)


@pytest.mark.parametrize("layer", LAYERS)
def test_a_mask_goes_on_behind_a_sequence(layer: str) -> None:
    native, textbook = both(
        lambda of: [
            of.Embedding(5, 3, mask_zero=True),
            getattr(of, layer)(4, return_sequences=True),
            getattr(of, layer)(2),
        ],
        (4,),
    )
    assert_same_pass(native, textbook, IDS)


@pytest.mark.parametrize("mode", ["concat", "sum", "mul", "ave"])
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("layer", LAYERS)
def test_both_ways(layer: str, sequences: bool, mode: str) -> None:
    native, textbook = both(
        lambda of: [
            of.Embedding(5, 3, mask_zero=True),
            of.Bidirectional(getattr(of, layer)(3, return_sequences=sequences), mode),
        ],
        (4,),
    )
    assert_same_pass(native, textbook, IDS)
    x = np.random.default_rng(2).normal(size=(9, 4, 3))
    native, textbook = both(
        lambda of: [of.Bidirectional(getattr(of, layer)(3, return_sequences=sequences), mode)],
        (4, 3),
    )
    assert_same_pass(native, textbook, x)
    assert_same_pass(native, textbook, x, training=False)
    np.testing.assert_array_equal(native.predict(x, verbose=0), native.forward(x))


def test_both_ways_with_two_layers_of_ones_own() -> None:
    native, textbook = both(
        lambda of: [of.Bidirectional(of.LSTM(3), backward_layer=of.GRU(2, go_backwards=True))],
        (4, 3),
    )
    assert_same_pass(native, textbook, np.random.default_rng(2).normal(size=(5, 4, 3)))
    assert native.output_shape == (5,)


@pytest.mark.parametrize("layer", LAYERS)
def test_dropout_takes_the_same_away_at_each_step(layer: str) -> None:
    """The masks of one sample show: in the zeros of dx, and in the rows of ∂L/∂U."""
    options = {"dropout": 0.4, "recurrent_dropout": 0.4, "return_sequences": True}
    native, textbook = both(lambda of: [getattr(of, layer)(8, **options)], (5, 9))
    x = np.random.default_rng(2).normal(size=(1, 5, 9))
    drawn = set()
    for _ in range(5):
        native.forward(x, training=True)
        dx = native.backward(np.ones((1, 5, 8)))
        name = f"{native.layers[0].name}/recurrent_kernel"
        kept_x = dx[0].any(axis=0)
        np.testing.assert_array_equal(dx[0] != 0, np.tile(kept_x, (5, 1)))
        kept_h = native.gradients[name].any(axis=1)
        textbook.layers[0].fixed_mask = [kept_x.astype(float).tolist()]
        textbook.layers[0].fixed_recurrent_mask = [kept_h.astype(float).tolist()]
        textbook.forward(x.tolist(), training=True)
        assert_close(dx, textbook.backward(np.ones((1, 5, 8)).tolist()))
        assert_close(native.gradients[name], textbook.gradients[name])
        drawn.add((*kept_x, *kept_h))
    assert len(drawn) == 5
    assert_close(native.forward(x), textbook.forward(x.tolist()))


@pytest.mark.parametrize("options", [{}, {"return_sequences": True, "go_backwards": True}])
@pytest.mark.parametrize("units", [5, 50])
@pytest.mark.parametrize("layer", LAYERS)
def test_a_sample_has_the_same_bits_in_every_batch(
    layer: str, units: int, options: dict[str, Any]
) -> None:
    """Few samples go through time otherwise than many: x·W of many steps at once."""
    model = md.Model([getattr(L, layer)(units, **options)], input_shape=(11, 6), seed=0)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((70, 11, 6)).astype(np.float32)
    y = model.forward(x, training=True)
    delta = rng.standard_normal(y.shape).astype(np.float32)
    dx = model.backward(delta)
    for batch in (1, 3, 25):
        for begin in range(0, 70, batch):
            some = slice(begin, begin + batch)
            for training in (True, False):
                np.testing.assert_array_equal(model.forward(x[some], training=training), y[some])
            model.forward(x[some], training=True)
            np.testing.assert_array_equal(model.backward(delta[some]), dx[some])
        np.testing.assert_array_equal(model.predict(x, batch_size=batch, verbose=0), y)


def trained(dtype: str) -> bytes:
    rates = {"dropout": 0.3, "recurrent_dropout": 0.2}
    model = md.Model(
        [
            L.Embedding(30, 9, mask_zero=True),
            L.Bidirectional(L.LSTM(6, return_sequences=True, **rates)),
            L.GRU(17, return_sequences=True, go_backwards=True, **rates),
            L.SimpleRNN(5, **rates),
        ],
        seed=3,
        input_shape=(7,),
        dtype=dtype,
    )
    model.compile("adam", "mse")
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 30, (150, 7)), rng.normal(size=(150, 5))
    model.fit(x, y, batch_size=70, epochs=1, verbose=0)
    found = model.predict(x, verbose=0)
    np.testing.assert_array_equal(model.predict(x[:1], verbose=0), found[:1])
    return b"".join(w.tobytes() for w in [*model.get_weights(), found])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_training_has_the_same_bits_everywhere(dtype: str, same_everywhere: Any) -> None:
    same_everywhere(lambda: trained(dtype))


@pytest.mark.parametrize("layer", LAYERS)
def test_parameters_can_be_frozen_one_by_one(layer: str) -> None:
    model = md.Model([getattr(L, layer)(4)], input_shape=(3, 2), seed=0)
    model.freeze("*/recurrent_kernel")
    before = model.get_weights()
    model.compile("sgd", "mse")
    model.fit(np.ones((8, 3, 2)), np.ones((8, 4)), verbose=0)
    same = [bool((a == b).all()) for a, b in zip(before, model.get_weights(), strict=True)]
    assert same == [False, True, False]


def test_first_values_are_those_of_keras() -> None:
    model = md.Model([L.LSTM(3)], input_shape=(2, 2), seed=0)
    layer: Any = model.layers[0]
    np.testing.assert_array_equal(layer.bias, [0, 0, 0, 1, 1, 1, *[0] * 6])
    np.testing.assert_allclose(
        layer.recurrent_kernel @ layer.recurrent_kernel.T, np.eye(3), atol=1e-6
    )
    given = np.arange(12.0)
    model = md.Model([L.LSTM(3, bias_initializer=given)], input_shape=(2, 2), seed=0)
    np.testing.assert_array_equal(model.parameters["lstm/bias"], given)


def test_names_and_files_of_both_ways() -> None:
    model = md.Model([L.Bidirectional(L.LSTM(2), "sum")], input_shape=(3, 2), seed=0)
    assert list(model.parameters)[::3] == [
        "bidirectional/forward_lstm/kernel",
        "bidirectional/backward_lstm/kernel",
    ]
    copy = pickle.loads(pickle.dumps(model))
    x = np.random.default_rng(0).normal(size=(4, 3, 2))
    np.testing.assert_array_equal(copy.predict(x, verbose=0), model.predict(x, verbose=0))
    assert repr(copy) == repr(model)


def test_a_layer_of_another_model_is_refused_and_keeps_its_name() -> None:
    layer = L.LSTM(3)
    model = md.Model([layer], input_shape=(4, 2), seed=0)
    with pytest.raises(ValueError, match="already part of a model"):
        L.Bidirectional(layer)
    assert model.layers[0].name == "lstm"


@pytest.mark.parametrize(
    "make",
    [
        lambda: [L.LSTM(3, return_sequences=True), L.GRU(2, go_backwards=True)],
        lambda: [L.Bidirectional(L.SimpleRNN(3, "relu", return_sequences=True)), L.LSTM(2)],
    ],
)
def test_it_can_be_verified_checked_and_explained(make: Callable[[], list[Any]]) -> None:
    model = md.Model([*make(), L.Dense(1)], input_shape=(4, 2), seed=0)
    model.compile("sgd", "mse")
    x, y = np.random.default_rng(0).normal(size=(3, 4, 2)), np.ones((3, 1))
    assert model.verify(x, y)
    assert model.check_gradients(x, y)
    assert "lstm" in str(model.explain(x, y))


def test_long_sequences_stay_within_their_memory() -> None:
    """An inference needs far less than a training: nothing per step but its inputs."""
    model = md.Model([L.LSTM(8)], input_shape=(10_000, 1), seed=0)
    assert np.isfinite(model.predict(np.ones((2, 10_000, 1)), verbose=0)).all()
    model.compile("sgd", "mse")
    assert np.isfinite(model.train_on_batch(np.ones((2, 10_000, 1)), np.zeros((2, 8))))


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: L.LSTM(0), "units"),
        (lambda: L.LSTM(3, "log_softmax"), "activation must be"),
        (lambda: L.GRU(3, recurrent_activation="softmax"), "recurrent_activation must be"),
        (lambda: L.GRU(3, reset_after=0), "reset_after"),
        (lambda: L.SimpleRNN(3, "softmax"), "activation must be"),
        (lambda: L.LSTM(3, dropout=1.0), "dropout"),
        (lambda: L.LSTM(3, recurrent_dropout=-0.1), "recurrent_dropout"),
        (lambda: L.LSTM(3, return_sequences=1), "return_sequences"),
        (lambda: L.LSTM(3, return_state=1), "return_state"),
        (lambda: L.LSTM(3, stateful="yes"), "stateful"),
        (lambda: L.LSTM(3, zero_output_for_mask=1), "zero_output_for_mask"),
        (lambda: L.Bidirectional(L.Dense(3)), "layer must be a SimpleRNN, LSTM or GRU"),
        (lambda: L.Bidirectional(L.LSTM), "make an instance"),
        (lambda: L.Bidirectional(L.LSTM(3), None), "merge_mode"),
        (lambda: L.Bidirectional(L.LSTM(3), backward_layer=L.LSTM(3)), "go_backwards"),
        (
            lambda: L.Bidirectional(L.LSTM(3), "sum", backward_layer=L.LSTM(4, go_backwards=True)),
            "as many units",
        ),
        (
            lambda: md.Model([L.LSTM(3)], input_shape=(4,), seed=0).build(),
            r"\(steps, inputs\).*new",
        ),
        (lambda: md.Model([L.GRU(3)], input_shape=(4, 2, 2), seed=0).build(), r"\(4, 2, 2\)"),
        (lambda: md.Model([L.LSTM(3)], seed=0).predict(np.ones((2, 0, 3)), verbose=0), "0"),
    ],
)
def test_bad_input_is_named(make: Callable[[], Any], match: str) -> None:
    with pytest.raises((TypeError, ValueError), match=match):
        make()
