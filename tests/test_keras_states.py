"""States, masks and gates of recurrent layers beside Keras's."""

from __future__ import annotations

from typing import Any

import mundur as md
import numpy as np
import pytest

import keras_shared  # noqa: F401 - chooses Keras's backend

keras = pytest.importorskip("keras", reason="install the extra 'keras'")
pytestmark = [
    pytest.mark.keras,
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't:DeprecationWarning"),
]
LAYERS = ["SimpleRNN", "LSTM", "GRU"]
layers = pytest.mark.parametrize("layer", LAYERS)
RNG = np.random.default_rng(3)
# 0 is padding: before, behind, between, nowhere and everywhere.
IDS = np.array([[0, 0, 3, 1], [2, 1, 0, 0], [4, 0, 0, 2], [1, 2, 3, 4], [0, 0, 0, 0], [0, 1, 0, 2]])
FIRST = RNG.normal(size=(6, 3)).astype("float32")
X = RNG.normal(size=(12, 5, 3)).astype("float32")


def close(ours: Any, theirs: Any, tolerance: float = 1e-5) -> None:
    np.testing.assert_allclose(ours, np.asarray(theirs), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("zeroes", [False, True])
@pytest.mark.parametrize("sequences", [False, True])
@layers
def test_masked_steps_behind_a_first_state(
    layer: str, sequences: bool, zeroes: bool, backwards: bool
) -> None:
    def build(k: Any) -> Any:
        ids, first = k.Input((4,)), k.Input((3,))
        table = k.layers.Embedding(5, 3, mask_zero=True)
        mask = table.compute_mask(ids)  # else Keras forgets it where it is given a first state
        recurrent = getattr(k.layers, layer)(
            3,
            return_sequences=sequences,
            return_state=True,
            zero_output_for_mask=zeroes,
            go_backwards=backwards,
        )
        states = [first, first] if layer == "LSTM" else [first]
        return k.Model([ids, first], list(recurrent(table(ids), initial_state=states, mask=mask)))

    theirs, ours = build(keras), build(md)
    ours.set_weights(theirs.get_weights())
    expected = theirs.predict([IDS, FIRST], verbose=0)
    for mine, other in zip(ours.predict([IDS, FIRST]), expected, strict=True):
        close(mine, other)


def test_sequences_of_any_length() -> None:
    def build(k: Any) -> Any:
        words = k.Input((None,))
        x = k.layers.Embedding(9, 4)(words)
        x = k.layers.Conv1D(5, 3, padding="same", activation="relu")(x)
        y = k.layers.GRU(3, return_sequences=True)(k.layers.MaxPooling1D(2)(x))
        return k.Model(words, [y, k.layers.GlobalAveragePooling1D()(x)])

    theirs, ours = build(keras), build(md)
    assert ours.input_shape == (None,) and ours.output_shape == [(None, 3), (5,)]
    ours.set_weights(theirs.get_weights())
    for length in (6, 15, 8):
        x = RNG.integers(0, 9, (4, length))
        for mine, other in zip(ours.predict(x), theirs.predict(x, verbose=0), strict=True):
            close(mine, other)


def stateful(k: Any, layer: str, **options: Any) -> Any:
    inner = getattr(k.layers, layer)(4, stateful=True, **options)
    if options.get("return_sequences"):
        inner = k.layers.Bidirectional(inner)
    return k.Sequential([k.Input((5, 3), batch_size=6), inner, k.layers.Dense(2)])


@pytest.mark.parametrize("options", [{}, {"return_sequences": True}], ids=["last", "both ways"])
@layers
def test_batches_go_on_alike(layer: str, options: dict[str, Any]) -> None:
    theirs, ours = (stateful(k, layer, **options) for k in (keras, md))
    ours.set_weights(theirs.get_weights())
    assert ours.count_params() == theirs.count_params()
    y = RNG.normal(size=(12, *theirs.output_shape[1:])).astype("float32")

    def reset(model: Any) -> None:
        for one in model.layers:
            if getattr(one, "stateful", False):
                one.reset_states()

    for _ in range(2):
        for _ in range(2):
            close(ours.predict(X, batch_size=6), theirs.predict(X, batch_size=6, verbose=0))
        reset(ours), reset(theirs)
    histories = []
    for k, model in ((keras, theirs), (md, ours)):
        if layer != "SimpleRNN":
            return  # PyTorch's Keras fails in backward, in place of what it needs there
        model.compile(k.optimizers.SGD(0.05), "mse")
        how = {"batch_size": 6, "shuffle": False, "verbose": 0}
        fitted = model.fit(X, y, epochs=3, validation_data=(X, y), **how)
        histories.append(fitted.history)
        histories[-1]["told"] = model.evaluate(X, y, batch_size=6, verbose=0)
    for name, values in histories[0].items():
        close(histories[1][name], values, 1e-4)
    close(ours.predict(X, batch_size=6), theirs.predict(X, batch_size=6, verbose=0), 1e-4)


@layers
def test_both_ask_for_the_size_of_batches(layer: str) -> None:
    for k in (keras, md):
        with pytest.raises(ValueError, match="batch"):
            getattr(k.layers, layer)(4, stateful=True)(k.Input((5, 3)))
        with pytest.raises(ValueError, match="batch"):
            stateful(k, layer).predict(X[:4], batch_size=4, verbose=0)
