"""Input((None, ...)): sequences whose length comes with the data, each batch's its own."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from typing import Any

import mundur as md
import numpy as np
import pytest

L = md.layers
WORDS = 20


def of_words(length: int | None) -> list[Any]:
    return [
        md.Input((length,)),
        L.Embedding(WORDS, 6, mask_zero=True),
        L.LSTM(5),
        L.Dense(2, "softmax"),
    ]


def convolving(length: int | None) -> list[Any]:
    return [
        md.Input((length, 3)),
        L.Conv1D(4, 3, activation="relu", padding="same"),
        L.MaxPooling1D(2),
        L.Conv1D(5, 2, dilation_rate=2),
        L.GlobalMaxPooling1D(),
        L.Dense(2),
    ]


def step_by_step(length: int | None) -> list[Any]:
    return [
        md.Input((length, 3)),
        L.Bidirectional(L.GRU(4, return_sequences=True)),
        L.BatchNormalization(),
        L.Dropout(0.2),
        L.TimeDistributed(L.Dense(2)),
    ]


def pooled(length: int | None) -> list[Any]:
    return [
        md.Input((length, 3)),
        L.ZeroPadding1D(1),
        L.AveragePooling1D(3, strides=1),
        L.UpSampling1D(2),
        L.Dense(4, "tanh"),
        L.GlobalAveragePooling1D(),
    ]


CHAINS: dict[str, Callable[[int | None], list[Any]]] = {
    "words": of_words,
    "convolving": convolving,
    "step by step": step_by_step,
    "pooled": pooled,
}


def samples(model: md.Model, length: int, many: int = 6) -> np.ndarray:
    rng = np.random.default_rng(length)
    if model.vocabularies[0]:
        ids = rng.integers(1, WORDS, (many, length))
        ids[::2, length // 2 :] = 0
        return ids
    return rng.normal(size=(many, length, 3)).astype("float32")


@pytest.mark.parametrize("name", CHAINS)
def test_any_length_gives_what_that_length_alone_gives(name: str) -> None:
    free = md.Model(CHAINS[name](None), seed=1)
    for length in (9, 23, 9, 40):
        fixed = md.Model(CHAINS[name](length), seed=1)
        fixed.set_weights(free.get_weights())
        fixed.native.training_forwards = free.native.training_forwards
        x = samples(free, length)
        np.testing.assert_array_equal(free.predict(x), fixed.predict(x))
        np.testing.assert_array_equal(free(x, training=True), fixed(x, training=True))


@pytest.mark.parametrize("name", CHAINS)
def test_training_is_that_of_each_length(name: str) -> None:
    """Batches of other lengths, one after another: by an iterable as by train_on_batch."""
    lengths, models = [9, 23, 9, 14], []
    for feed in ("fit", "batches", "fixed"):
        model = md.Model(CHAINS[name](None), seed=1)
        model.compile("adam", "mse", metrics=["mae"])
        batches = []
        for length in lengths:
            x = samples(model, length)
            y = np.random.default_rng(0).random(model.predict(x).shape)
            batches.append((x, y))
        if feed == "fit":
            history = model.fit(Plain(batches), epochs=2, verbose=0)
            assert np.isfinite(history.history["mae"]).all()
        elif feed == "batches":
            for x, y in batches * 2:
                model.train_on_batch(x, y)
        else:
            model = trained_one_by_one(name, batches * 2)
        models.append(model)
    for other in models[1:]:
        for a, b in zip(models[0].get_weights(), other.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)


class Plain:
    """Batches that come one by one."""

    def __init__(self, batches: list[Any]) -> None:
        self.batches = batches

    def __iter__(self) -> Any:
        return iter(self.batches)

    def __len__(self) -> int:
        return len(self.batches)


def trained_one_by_one(name: str, batches: list[Any]) -> md.Model:
    """Each step by a model of that length alone, which hands weights and optimizer on."""
    before: md.Model | None = None
    for x, y in batches:
        model = md.Model(CHAINS[name](x.shape[1]), seed=1)
        model.compile("adam", "mse", metrics=["mae"])
        if before is not None:
            model.set_weights(before.get_weights())
            model.native.training_forwards = before.native.training_forwards
            model.optimizer._native.set_state(*before.optimizer._native.state())
        model.train_on_batch(x, y)
        before = model
    assert before is not None
    return before


@pytest.mark.parametrize("name", ["words", "step by step"])
def test_validation_of_another_length(name: str) -> None:
    free = md.Model(CHAINS[name](None), seed=1)
    free.compile("sgd", "mse", metrics=["mae", md.metrics.R2Score()])
    x, other = samples(free, 8, 40), samples(free, 21, 10)
    y, v = np.zeros(free.predict(x).shape), np.zeros(free.predict(other).shape)
    history = free.fit(
        x, y, epochs=3, verbose=0, validation_data=(other, v), batch_size=16, shuffle=False
    )
    found = free.evaluate(other, v, return_dict=True, verbose=0)
    assert found["loss"] == history.history["val_loss"][-1]
    alone = md.Model(CHAINS[name](8), seed=1)
    alone.set_weights(md.Model(CHAINS[name](None), seed=1).get_weights())
    alone.compile("sgd", "mse", metrics=["mae", md.metrics.R2Score()])
    beside = alone.fit(x, y, epochs=3, verbose=0, batch_size=16, shuffle=False)
    assert beside.history["loss"] == history.history["loss"]


def test_a_loss_in_python_sees_each_length() -> None:
    seen = []

    class Own(md.losses.Loss):
        def __call__(self, y_true: Any, y_pred: Any) -> float:
            seen.append(y_pred.shape)
            return float(np.mean((y_pred - y_true) ** 2))

        def gradient(self, y_true: Any, y_pred: Any) -> Any:
            return 2 * (y_pred - y_true) / y_pred.size

    model = md.Model(step_by_step(None), seed=0)
    model.compile("sgd", Own())
    batches = [(samples(model, n), np.zeros((6, n, 2))) for n in (5, 9)]
    model.fit(Plain(batches), verbose=0)
    assert {shape[1] for shape in seen} == {5, 9}


def test_predictions_of_batches() -> None:
    free = md.Model(of_words(None), seed=1)
    parts = [samples(free, n) for n in (4, 11)]
    whole = free.predict(Plain(parts))
    np.testing.assert_array_equal(whole[6:], free.predict(parts[1]))
    each_step = md.Model(step_by_step(None), seed=1)
    with pytest.raises(ValueError, match=r"one shape to be joined; .*\(4, 2\), \(11, 2\)"):
        each_step.predict(Plain([samples(each_step, n) for n in (4, 11)]))


def test_graphs() -> None:
    def wired(length: int | None) -> md.Model:
        a, b = md.Input((length,), name="words"), md.Input((length, 2), name="numbers")
        x = L.Concatenate()([L.Embedding(WORDS, 4)(a), b])
        x = L.Conv1D(4, 3, padding="causal")(x)
        y = L.Add()([x, L.LSTM(4, return_sequences=True)(x)])
        return md.Model([a, b], {"all": y, "last": L.GlobalMaxPooling1D()(y)}, seed=3)

    free = wired(None)
    assert free.input_shape == [(None,), (None, 2)]
    assert sorted(map(str, free.output_shape)) == ["(4,)", "(None, 4)"]
    for length in (7, 12):
        fixed = wired(length)
        fixed.set_weights(free.get_weights())
        rng = np.random.default_rng(0)
        x = [rng.integers(0, WORDS, (3, length)), rng.normal(size=(3, length, 2))]
        for mine, theirs in zip(free.predict(x).values(), fixed.predict(x).values(), strict=True):
            np.testing.assert_array_equal(mine, theirs)
    with pytest.raises(ValueError, match="concatenate needs values of one shape"):
        free.predict([np.zeros((3, 5), int), np.zeros((3, 6, 2))])


def test_models_as_layers() -> None:
    inner = md.Model([md.Input((None, 3)), L.Dense(4, "relu"), L.Conv1D(2, 2)], seed=0)
    outer = md.Model([inner, L.GlobalAveragePooling1D()], seed=0)
    assert outer.input_shape == (None, 3)
    x = md.Input((10, 3))
    fixed = md.Model(x, L.Flatten()(inner(x)), seed=0)
    assert fixed.output_shape == (18,)
    data = np.random.default_rng(0).normal(size=(2, 10, 3))
    np.testing.assert_array_equal(fixed.predict(data).reshape(2, 9, 2), inner.predict(data))
    assert outer.predict(data[:, :4]).shape == (2, 2)


def test_what_users_see(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    model = md.Model(step_by_step(None), seed=1)
    assert model.input_shape == (None, 3) and model.output_shape == (None, 2)
    assert model.inputs[0].shape == (None, None, 3) and model.outputs[0].shape == (None, None, 2)
    assert repr(model.inputs[0]).startswith("Input((None, 3)")
    model.summary()
    told = capsys.readouterr().out
    assert "(None, None, 8)" in told and "workspace" not in told
    x = samples(model, 7)
    model.predict(x)
    model.summary()
    assert "workspace (batches of 32 x (7, 3))" in capsys.readouterr().out
    for copy in copies(model, tmp_path):
        assert copy.input_shape == (None, 3) and copy.output_shape == (None, 2)
        copy.set_weights(model.get_weights())
        np.testing.assert_array_equal(copy.predict(x), model.predict(x))
        assert copy.predict(samples(model, 11)).shape == (6, 11, 2)


def copies(model: md.Model, folder: Any) -> list[md.Model]:
    model.save(folder / "m.safetensors")
    text = model.to_json()
    assert "4096" not in text and json.loads(text)
    return [
        md.load_model(folder / "m.safetensors"),
        md.models.model_from_json(text),
        md.Model.from_config(model.get_config()),
        md.models.clone_model(model),
        pickle.loads(pickle.dumps(model)),
    ]


def test_other_ways_to_say_it() -> None:
    for model in (
        md.Model([L.LSTM(3, input_shape=(None, 2)), L.Dense(1)]),
        md.Model([L.LSTM(3), L.Dense(1)], input_shape=(None, 2)),
        md.Model([L.InputLayer(batch_shape=(None, None, 2)), L.LSTM(3), L.Dense(1)]),
    ):
        assert model.input_shape == (None, 2)
        for length in (3, 6):
            assert model.predict(np.zeros((2, length, 2))).shape == (2, 1)
    model = md.Model([L.LSTM(3), L.Dense(1)])
    model.build((None, None, 2))
    assert model.predict(np.zeros((2, 4, 2))).shape == (2, 1)
    assert repr(L.LSTM(3, input_shape=(None, 2))) == "LSTM(3, input_shape=(None, 2))"
    assert L.LSTM(3, input_shape=(None, 2)).get_config()["input_shape"] == (None, 2)


def test_by_hand_and_shown() -> None:
    model = md.Model(convolving(None), seed=1)
    for length in (12, 9):
        x = samples(model, length)
        y = model.forward(x, training=True)
        assert model.backward(np.ones_like(y)).shape == x.shape
        assert model.check_gradients(x, np.zeros_like(y), loss="mse")
        assert model.verify(x, np.zeros_like(y), loss="mse")
        model.explain(x[:1], np.zeros_like(y[:1]), loss="mse")


def test_what_depends_on_the_length_is_refused() -> None:
    with pytest.raises(ValueError, match=r"dense: its kernel must .*Input\(\(200,\)"):
        md.Model([md.Input((None, 3)), L.Flatten(), L.Dense(2)])
    with pytest.raises(ValueError, match="GlobalMaxPooling1D"):
        L.Dense(3)(md.Input((None,)))
    with pytest.raises(ValueError, match="gamma must have one shape"):
        md.Model([md.Input((None, 3)), L.LayerNormalization(axis=(1, 2))])
    with pytest.raises(ValueError, match="but for the first"):
        md.Input((None, None, 3))
    with pytest.raises(ValueError, match="but for the first"):
        md.Input((3, None))
    with pytest.raises(ValueError, match="written in Python for samples of one shape"):

        class Own(md.Layer):
            def forward(self, x: Any) -> Any:
                return 2 * x

            def backward(self, dy: Any) -> Any:
                return 2 * dy

        Own()(md.Input((None, 3)))
    model = md.Model(convolving(None), seed=1)
    with pytest.raises(ValueError, match=r"shape \(samples, None, 3\); got \(2, 5, 4\)"):
        model.predict(np.zeros((2, 5, 4)))
    with pytest.raises(ValueError, match="steps"):
        model.predict(np.zeros((2, 2, 3)))
    assert model.predict(samples(model, 9)).shape == (6, 2)  # as before


def test_stateful_sequences_of_any_length() -> None:
    def chain(length: int | None) -> md.Model:
        memory = L.SimpleRNN(3, stateful=True, return_sequences=True)
        return md.Model([md.Input((length, 2), batch_size=4), memory], seed=0)

    free, whole = chain(None), chain(9)
    whole.set_weights(free.get_weights())
    x = np.random.default_rng(0).normal(size=(4, 9, 2))
    parts = [free.predict(x[:, a:b], batch_size=4) for a, b in ((0, 2), (2, 6), (6, 9))]
    np.testing.assert_array_equal(np.concatenate(parts, 1), whole.predict(x, batch_size=4))
