"""Graphs, as in Keras's functional API: how they are made, trained, kept, and what is no graph."""

from __future__ import annotations

import copy
import gc
import json
import pickle
import weakref
from pathlib import Path
from typing import Any

import mundur as md
import numpy as np
import numpy.typing as npt
import pytest
from mundur import reference
from mundur.inspection.verify import _textbook_model  # a graph's

L = md.layers
Array = npt.NDArray[Any]
RNG = np.random.default_rng(5)
A, B = RNG.normal(size=(20, 3)), RNG.normal(size=(20, 4))
LABELS, NUMBERS = RNG.integers(0, 2, 20), RNG.normal(size=(20, 1))
ASKED: dict[str, Any] = {
    "loss": {"kind": "sparse_categorical_crossentropy", "size": "mse"},
    "loss_weights": {"kind": 0.5, "size": 2.0},
    "metrics": {"kind": ["accuracy"], "size": ["mae"]},
}


def two_by_two(dtype: str = "float32", seed: int = 0, rate: float = 0.3) -> md.Model:
    """Two inputs, a shared layer, a skip, two outputs."""
    a, b = md.Input((3,), name="a"), md.Input((4,), name="b")
    hidden = L.Dense(4, "tanh")(a)
    shared = L.Dense(5, "tanh", name="shared", kernel_regularizer="l2")
    first = shared(hidden)
    both = L.Concatenate()([first, L.Add()([shared(b), first]), hidden])
    kind = L.Dense(2, "softmax", name="kind")(L.Dropout(rate)(both))
    size = L.Dense(1, name="size")(both)
    model = md.Model([a, b], [kind, size], seed=seed, dtype=dtype)
    model.compile(md.optimizers.Adam(0.01), **ASKED)
    return model


def renewed(layer: L.Layer) -> L.Layer:
    return type(layer).from_config(layer.get_config() | {"name": layer.name})


def same(first: Any, second: Any) -> None:
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


# ---- a chain is the simplest graph ---------------------------------------------------------------


def layers() -> list[L.Layer]:
    return [L.Dense(6, "relu"), L.Dropout(0.2), L.BatchNormalization(), L.Dense(1)]


def test_a_graph_of_a_chains_calls_has_the_chains_bits() -> None:
    chain = md.Model(layers(), input_shape=(3,), seed=7)
    x = md.Input((3,))
    value = x
    for layer in layers():
        value = layer(value)
    graph = md.Model(x, value, seed=7)
    for model in (chain, graph):
        model.compile("adam", "mse", metrics=["mae"])
    histories = [
        model.fit(A, NUMBERS, epochs=3, validation_split=0.2, batch_size=6, verbose=0).history
        for model in (chain, graph)
    ]
    assert histories[0] == histories[1]
    same(chain.get_weights(), graph.get_weights())
    assert list(chain.parameters) == list(graph.parameters)
    np.testing.assert_array_equal(chain.predict(A), graph.predict(A))
    assert chain.evaluate(A, NUMBERS, verbose=0) == graph.evaluate(A, NUMBERS, verbose=0)


def test_symbolic_values() -> None:
    x = md.Input((3, 2), name="x", dtype="int32")
    y = L.Dense(4)(x)
    assert (x.shape, x.dtype, x.name, x.ndim) == ((None, 3, 2), "int32", "x", 3)
    assert y.shape == (None, 3, 4)
    model = md.Model(x, y)
    assert model.input is x and model.output is y
    assert (model.inputs, model.outputs) == ([x], [y])
    dense = model.get_layer("dense")
    assert dense.output is y and dense.input is x
    assert (model.input_shape, model.output_shape) == ((3, 2), (3, 4))


def test_layers_stand_in_kerass_order_with_their_names() -> None:
    model = two_by_two()
    names = ["dense", "shared", "add", "concatenate", "dropout", "kind", "size"]
    assert [layer.name for layer in model.layers] == names
    assert (model.input_names, model.output_names) == (["a", "b"], ["kind", "size"])
    assert (model.input_shape, model.output_shape) == ([(3,), (4,)], [(2,), (1,)])
    assert list(model.parameters)[:4] == [
        *("dense/kernel", "dense/bias", "shared/kernel", "shared/bias"),
    ]
    assert repr(model) == "<Model 'model' of 7 layers: a, b → kind, size>"


# ---- data ----------------------------------------------------------------------------------------


def test_by_number_and_by_name() -> None:
    model = two_by_two()
    first = model.predict([A, B])
    assert [p.shape for p in first] == [(20, 2), (20, 1)]
    for x in ((A, B), {"a": A, "b": B}, {"b": B, "a": A}, [A.tolist(), B]):
        same(model.predict(x), first)
    same(model.predict([A, B], batch_size=7), first)
    same(model([A, B]), first)
    told = model.evaluate([A, B], [LABELS, NUMBERS], verbose=0)
    assert told == model.evaluate({"a": A, "b": B}, {"size": NUMBERS, "kind": LABELS}, verbose=0)
    names = ["loss", "kind_loss", "size_loss", "kind_accuracy", "size_mae"]
    assert model.metrics_names == names and len(told) == 5
    as_dict = model.evaluate([A, B], [LABELS, NUMBERS], verbose=0, return_dict=True)
    assert list(as_dict) == names and list(as_dict.values()) == told


@pytest.mark.parametrize("kind", [list, tuple, dict])
def test_what_comes_back_is_held_as_the_model_was_made(kind: Any) -> None:
    x = md.Input((3,))
    one, other = L.Dense(1, name="one")(x), L.Dense(2, name="other")(x)
    outputs = {"u": one, "v": other} if kind is dict else kind([one, other])
    model = md.Model(x, outputs)
    for found in (model.predict(A), model.predict(A, batch_size=4), model.forward(A)):
        assert type(found) is kind
        parts = list(found.values()) if kind is dict else list(found)
        assert [part.shape for part in parts] == [(20, 1), (20, 2)]
    assert model.output_names == (["u", "v"] if kind is dict else ["one", "other"])
    assert type(md.Model({"x": x}, [one]).predict({"x": A})) is list
    again = pickle.loads(pickle.dumps(model))
    assert type(again.predict(A)) is kind and again.output_names == model.output_names


def batches() -> Any:
    for start in range(0, 20, 5):
        part = slice(start, start + 5)
        yield {"a": A[part], "b": B[part]}, [LABELS[part], NUMBERS[part]]


class Loader:
    """What begins again."""

    def __len__(self) -> int:
        return 4

    def __iter__(self) -> Any:
        return batches()


def test_batches_train_as_arrays_do() -> None:
    whole, fed = two_by_two(), two_by_two()
    for model in (whole, fed):
        loss = {"kind": "sparse_categorical_crossentropy", "size": "mse"}
        model.compile("sgd", loss, metrics={"kind": "accuracy"})
    first = whole.fit([A, B], [LABELS, NUMBERS], batch_size=5, shuffle=False, epochs=2, verbose=0)
    second = fed.fit(Loader(), epochs=2, verbose=0, validation_data=Loader())
    assert first.history == {n: v for n, v in second.history.items() if not n.startswith("val_")}
    same(whole.get_weights(), fed.get_weights())
    same(fed.predict(Loader()), fed.predict([A, B]))
    expected = whole.evaluate([A, B], [LABELS, NUMBERS], verbose=0)
    np.testing.assert_allclose(fed.evaluate(Loader(), verbose=0), expected, rtol=1e-6)


def test_the_loss_is_the_weighted_sum_and_validation_is_told_of_each() -> None:
    model = two_by_two()
    history = model.fit(
        *([A, B], [LABELS, NUMBERS]),
        validation_data=({"a": A[:6], "b": B[:6]}, [LABELS[:6], NUMBERS[:6]]),
        epochs=2,
        verbose=0,
    ).history
    assert set(history) == {
        name
        for own in ("loss", "kind_loss", "size_loss", "kind_accuracy", "size_mae")
        for name in (own, f"val_{own}")
    }
    penalty = model.penalty()
    parts = 0.5 * history["val_kind_loss"][-1] + 2 * history["val_size_loss"][-1]
    assert history["val_loss"][-1] == pytest.approx(parts + penalty, rel=1e-6)


def test_sample_weights_of_each_output_or_of_all() -> None:
    weights = np.linspace(0, 2, 20)
    told = []
    for given in (weights, [weights, weights], {"kind": weights, "size": weights}):
        model = two_by_two()
        model.fit([A, B], [LABELS, NUMBERS], sample_weight=given, epochs=2, verbose=0)
        told.append(model.get_weights())
    same(told[0], told[1])
    same(told[0], told[2])
    one, other = two_by_two(), two_by_two()
    one.fit([A, B], [LABELS, NUMBERS], sample_weight={"size": weights}, epochs=2, verbose=0)
    parts = [np.ones(20), weights]
    other.fit([A, B], [LABELS, NUMBERS], sample_weight=parts, epochs=2, verbose=0)
    same(one.get_weights(), other.get_weights())
    assert not np.array_equal(one.get_weights()[0], told[0][0])


def test_an_output_without_a_loss_needs_no_targets() -> None:
    model = two_by_two()
    model.compile("sgd", {"kind": None, "size": "mse"}, metrics={"size": ["mae", "r2"]})
    assert model.metrics_names == ["loss", "size_mae", "size_r2"]
    by_name = model.evaluate([A, B], {"size": NUMBERS}, verbose=0)
    assert by_name == model.evaluate([A, B], [None, NUMBERS], verbose=0)
    assert model.train_on_batch([A, B], {"size": NUMBERS})[0] == pytest.approx(by_name[0], abs=0.5)
    assert model.loss == {"kind": None, "size": md.losses.get("mse")} or model.loss["kind"] is None
    some = [A[:4], B[:4]], {"size": NUMBERS[:4]}
    assert model.check_gradients(*some) and model.verify(*some)
    assert model.explain(*some).y[0] is None


def test_ids_in_one_input_numbers_in_another() -> None:
    ids, numbers = md.Input((2,), name="ids", dtype="int32"), md.Input((3,), name="numbers")
    table = L.Flatten()(L.Embedding(9, 3)(ids))
    model = md.Model([ids, numbers], L.Dense(1)(L.Concatenate()([table, numbers])), seed=0)
    model.compile("adam", "mse")
    x = [RNG.integers(0, 9, (20, 2)), A]
    model.fit(x, NUMBERS, epochs=2, verbose=0)
    assert model.verify(x, NUMBERS) and model.vocabularies == [9, 0]
    with pytest.raises(ValueError, match=r"x\['ids'\] must hold ids, whole numbers from 0 to 8"):
        model.predict([np.full((20, 2), 9), A])
    with pytest.raises(ValueError, match=r"x\['numbers'\] must be finite; got nan at sample 3"):
        model.fit([x[0], np.where(np.arange(20)[:, None] == 3, np.nan, A)], NUMBERS, verbose=0)
    with pytest.raises(ValueError, match=r"validation_data\[0\]\['ids'\] must hold ids"):
        model.fit(x, NUMBERS, validation_data=([x[0] - 9, A], NUMBERS), verbose=0)


def test_a_loss_and_a_metric_in_python_for_one_output() -> None:
    class Quartic(md.Loss):
        def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
            return float(np.mean((y_pred - y_true) ** 4))

        def gradient(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Array:
            return 4 * (y_pred - y_true) ** 3 / y_pred.size

    def bias(y_true: Array, y_pred: Array) -> Array:
        return y_pred - y_true

    model = two_by_two("float64")
    model.compile("sgd", [ASKED["loss"]["kind"], Quartic()], metrics=[["accuracy"], [bias]])
    assert model.check_gradients([A, B], [LABELS, NUMBERS])
    history = model.fit([A, B], [LABELS, NUMBERS], epochs=2, verbose=0).history
    assert list(history) == ["loss", "kind_loss", "size_loss", "kind_accuracy", "size_bias"]
    predicted = model.predict([A, B])[1]
    told = model.evaluate([A, B], [LABELS, NUMBERS], verbose=0, return_dict=True)
    assert told["size_bias"] == pytest.approx(np.mean(predicted - NUMBERS))


# ---- by hand, and looked into --------------------------------------------------------------------


def test_by_hand_equals_fit() -> None:
    fitted, by_hand = two_by_two(), two_by_two()
    # From a linear head, where what fit computes is nothing else.
    fitted, by_hand = (
        md.models.clone_model(
            model,
            clone_function=lambda layer: (
                L.Dense(2, name="kind") if layer.name == "kind" else renewed(layer)
            ),
        )
        for model in (fitted, by_hand)
    )
    logits = md.losses.SparseCategoricalCrossentropy(from_logits=True)
    losses, weights = [logits, md.losses.MeanSquaredError()], [0.5, 2.0]
    fitted.compile(md.optimizers.Adam(0.01), losses, loss_weights=weights)
    fitted.fit([A, B], [LABELS, NUMBERS], batch_size="full", shuffle=False, epochs=3, verbose=0)
    rule = md.optimizers.Adam(0.01)
    for _ in range(3):
        y_pred = by_hand.forward([A, B], training=True)
        each = zip(losses, weights, [LABELS, NUMBERS], y_pred, strict=True)
        dx = by_hand.backward([w * loss.gradient(y, p) for loss, w, y, p in each])
        assert [part.shape for part in dx] == [(20, 3), (20, 4)]
        rule.step(by_hand)
    same(fitted.get_weights(), by_hand.get_weights())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_textbook_agrees(dtype: str) -> None:
    model = two_by_two(dtype)
    verification = model.verify([A, B], [LABELS, NUMBERS])
    assert verification
    names = list(verification.differences)
    assert "shared:1 ∂L/∂x" in names and "concatenate ∂L/∂x[2]" in names
    if dtype == "float64":
        assert model.check_gradients([A, B], [LABELS, NUMBERS])


def test_an_explanation_tells_what_reads_what() -> None:
    model = two_by_two("float64")
    told = model.explain([A[:1], B[:1]], [LABELS[:1], NUMBERS[:1]])
    assert sorted(told["add"].reads) == ["shared", "shared:1"]
    assert told.outputs == ("kind", "size") and told.samples == 1
    # δ's of a value that is read twice are added.
    hidden = told["dense"]
    np.testing.assert_array_equal(hidden.da, told["concatenate"].dx[2])
    assert set(told.gradients) == set(model.trainable_parameters)
    text = str(told)
    assert "add: Add, 5, 5 → 5, of shared" in text and "with what others send" in text
    assert "0.5·SparseCategoricalCrossentropy(kind) + 2·MeanSquaredError(size)" in text
    by_sample = model.per_sample_gradients([A, B], [LABELS, NUMBERS])
    whole = model.explain([A, B], [LABELS, NUMBERS]).gradients
    np.testing.assert_allclose(by_sample["size/bias"].mean(axis=0), whole["size/bias"])


def test_the_summary_shows_connections() -> None:
    lines: list[str] = []
    two_by_two().summary(print_fn=lines.append)
    text = "\n".join(lines)
    assert "Connected to" in text and "a (Input)" in text
    row = next(line for line in lines if line.startswith("concatenate"))
    assert row.endswith("shared, add, dense")
    shared = next(line for line in lines if line.startswith("shared"))
    assert "dense; b" in shared or "b; dense" in shared
    assert max(map(len, lines)) <= 110


def test_figures() -> None:
    pytest.importorskip("matplotlib").use("Agg")
    axes = md.plots.graph(two_by_two())
    shown = [text.get_text() for text in axes.texts]
    for title in ("a\nInput 3", "shared:1\nDense 5", "kind\nDense 2", "dropout\nDropout 14"):
        assert title in shown
    chain = md.Model([L.Dense(2), L.Dense(1)], input_shape=(3,), name="chain")
    assert md.plots.graph(chain).get_title() == "chain"
    with pytest.raises(ValueError, match=r"md\.plots\.graph draws how the layers"):
        md.plots.network(two_by_two())
    with pytest.raises(ValueError, match="must know its input shape"):
        md.plots.graph(md.Model([L.Dense(2)]))


# ---- files ---------------------------------------------------------------------------------------


def test_saved_in_the_midst_and_trained_on_to_the_bit(tmp_path: Path) -> None:
    whole, half = two_by_two(), two_by_two()
    whole.fit([A, B], [LABELS, NUMBERS], epochs=4, batch_size=6, verbose=0)
    half.fit([A, B], [LABELS, NUMBERS], epochs=2, batch_size=6, verbose=0)
    half.save(tmp_path / "half.safetensors")
    again = md.load_model(tmp_path / "half.safetensors")
    assert again.metrics_names == half.metrics_names and again.output_names == half.output_names
    assert repr(again) == repr(half)
    again.fit([A, B], [LABELS, NUMBERS], initial_epoch=2, epochs=4, batch_size=6, verbose=0)
    same(whole.get_weights(), again.get_weights())
    resumed = two_by_two()
    resumed.fit(
        *([A, B], [LABELS, NUMBERS]),
        epochs=4,
        batch_size=6,
        verbose=0,
        resume_from=tmp_path / "half.safetensors",
    )
    same(whole.get_weights(), resumed.get_weights())


def test_resumed_within_an_epoch_with_a_metric_of_the_whole_set(tmp_path: Path) -> None:
    def model() -> md.Model:
        one = two_by_two()
        one.compile("adam", ASKED["loss"], metrics={"size": ["r2"], "kind": ["accuracy"]})
        return one

    class Stop(md.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if batch == 1:
                self.model.save(tmp_path / "within.safetensors")
                self.model.stop_training = True

    whole, cut = model(), model()
    history = whole.fit([A, B], [LABELS, NUMBERS], epochs=2, batch_size=6, verbose=0).history
    cut.fit([A, B], [LABELS, NUMBERS], epochs=2, batch_size=6, verbose=0, callbacks=[Stop()])
    again = model()
    told = again.fit(
        *([A, B], [LABELS, NUMBERS]),
        epochs=2,
        batch_size=6,
        verbose=0,
        resume_from=tmp_path / "within.safetensors",
    ).history
    assert {name: values[-2:] for name, values in told.items()} == history
    same(whole.get_weights(), again.get_weights())


def test_copies_and_architectures() -> None:
    model = two_by_two()
    model.fit([A, B], [LABELS, NUMBERS], verbose=0)
    expected = model.predict([A, B])
    for again in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        same(again.predict([A, B]), expected)
    made = (
        md.models.clone_model(model),
        md.models.model_from_json(model.to_json()),
        md.Model.from_config(json.loads(json.dumps(model.get_config()))),
    )
    for again in made:
        assert again.optimizer is None and again.output_names == model.output_names
        again.set_weights(model.get_weights())
        same(again.predict([A, B]), expected)
    assert model.to_json(indent=2).startswith("{\n")
    arrays = md.Model([L.Dense(2, kernel_initializer=np.ones((3, 2)))], input_shape=(3,))
    again = md.models.model_from_json(arrays.to_json())
    np.testing.assert_array_equal(again.get_weights()[0], np.ones((3, 2)))


def test_clones_of_other_layers() -> None:
    model = two_by_two()
    narrow = md.models.clone_model(
        model,
        clone_function=lambda layer: (
            L.Dense(4, "relu", name="other") if layer.name == "dense" else renewed(layer)
        ),
    )
    assert next(iter(narrow.parameters)) == "other/kernel"
    inputs = [md.Input((3,), name="p"), md.Input((4,), name="q")]
    assert md.models.clone_model(model, inputs).input_names == ["p", "q"]
    with pytest.raises(TypeError, match="clone_function must return a layer; got 3"):
        md.models.clone_model(model, clone_function=lambda layer: 3)  # type: ignore
    with pytest.raises(TypeError, match="model must be a Model"):
        md.models.clone_model(L.Dense(1))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="json_string is no JSON"):
        md.models.model_from_json("{")
    with pytest.raises(ValueError, match="config does not describe a model"):
        md.models.model_from_json('{"name": "x"}')


@pytest.mark.parametrize(
    "change",
    [
        {"calls": [[0, [0]], [0, [99]]]},
        {"calls": [[9, [0]]]},
        {"calls": [[0, [-1]]]},
        {"made": [99]},
        {"made": []},
        {"shapes": [[3], [0]]},
        {"inputs": {"kind": "list", "names": ["a", "a"]}},
        {"inputs": {"kind": "heap", "names": ["a", "b"]}},
        {"outputs": {"kind": "one", "names": ["kind", "size"]}},
        {"calls": "no"},
    ],
)
def test_files_that_describe_no_graph(change: dict[str, Any]) -> None:
    config = two_by_two().get_config()
    config["graph"] |= change
    with pytest.raises(ValueError, match="config does not describe a model"):
        md.Model.from_config(config)


def test_chains_are_kept_as_before_graphs_are_not_taken_for_chains() -> None:
    def version(model: md.Model) -> str:
        data = model.__reduce__()[1][0]
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        return str(json.loads(header["__metadata__"]["mundur"])["format_version"])

    chain = md.Model([L.Dense(2)], input_shape=(3,), seed=0)
    assert version(chain) == "1"
    assert version(two_by_two()) == "2"
    assert version(md.Sequential([chain, L.Softmax()])) == "2"


# ---- models as layers, and layers of several models ----------------------------------------------


def trained() -> md.Model:
    model = md.Sequential([L.Dense(8, "relu"), L.Dense(2)], seed=1)
    model.compile("adam", md.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(A, LABELS, epochs=2, verbose=0)
    return model


def test_a_model_and_a_softmax() -> None:
    model = trained()
    logits = model.predict(A)
    probabilities = md.Sequential([model, L.Softmax()])
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(probabilities(A), expected, rtol=1e-5)
    assert probabilities.layers[0] is model
    assert next(iter(probabilities.parameters)) == "model/dense/kernel"
    model.fit(A, LABELS, epochs=1, verbose=0)
    assert not np.allclose(probabilities(A), expected)
    same(model.get_weights(), probabilities.get_weights())


def test_an_encoder_sees_what_its_autoencoder_learns() -> None:
    x = md.Input((3,))
    code = L.Dense(2, "tanh", name="code")(x)
    auto, encoder = md.Model(x, L.Dense(3)(code), seed=0), md.Model(x, code)
    before = encoder.predict(A)

    class Watch(md.Callback):
        def __init__(self) -> None:
            self.seen: list[Array] = []

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.seen.append(encoder.predict(A))

    watch, plain = Watch(), copy.deepcopy(auto)
    for model, callbacks in ((auto, [watch]), (plain, None)):
        model.compile("adam", "mse")
        model.fit(A, A, epochs=3, callbacks=callbacks, verbose=0)
    same(auto.get_weights(), plain.get_weights())  # who looks on changes nothing
    assert not np.array_equal(before, watch.seen[0])
    assert not np.array_equal(watch.seen[0], watch.seen[2])
    np.testing.assert_array_equal(watch.seen[2], encoder.predict(A))
    w, b = auto.get_layer("code").get_weights()
    np.testing.assert_allclose(encoder.predict(A), np.tanh(A @ w + b), rtol=1e-5)
    encoder.set_weights([np.zeros_like(w), np.zeros_like(b)])
    np.testing.assert_array_equal(auto.parameters["code/kernel"], np.zeros_like(w))
    assert encoder.lock is auto.lock
    del auto
    gc.collect()
    np.testing.assert_array_equal(encoder.predict(A), np.zeros((20, 2)))


def test_what_a_model_learned_outlives_it() -> None:
    model = trained()
    hidden = md.Model(model.input, model.layers[0].output)
    model.fit(A, LABELS, epochs=1, verbose=0)
    kernel, bias = model.layers[0].get_weights()
    del model
    gc.collect()
    np.testing.assert_allclose(hidden.predict(A), np.maximum(0, A @ kernel + bias), rtol=1e-5)


def test_parts_that_nobody_has_any_longer_go() -> None:
    model = trained()
    seen = []
    for _ in range(3):
        part = md.Model(model.input, model.layers[0].output)
        part.predict(A)
        seen.append(weakref.ref(part))
    del part
    model.predict(A)
    gc.collect()
    assert [one() for one in seen] == [None] * 3


def test_twins_of_a_model_called_twice() -> None:
    base = md.Sequential([L.Dense(4, "relu"), L.Dropout(0.5), L.Dense(2)], name="base")
    a, b = md.Input((3,), name="a"), md.Input((3,), name="b")
    twins = md.Model([a, b], L.Dense(1, "sigmoid")(base(a) - base(b)), seed=3)
    twins.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    twins.fit([A, A[::-1]], LABELS, epochs=2, verbose=0)
    assert [layer.name for layer in twins.layers] == ["base", "subtract", "dense"]
    assert twins.count_params() == base.count_params() + 3
    np.testing.assert_array_equal(base.get_weights()[0], twins.parameters["base/dense/kernel"])
    again = pickle.loads(pickle.dumps(twins))
    np.testing.assert_array_equal(again.predict([A, A + 1]), twins.predict([A, A + 1]))
    assert twins.verify([A, A + 1], LABELS)


def test_what_is_frozen_stays_in_every_model() -> None:
    base = trained()
    base.trainable = False
    x = md.Input((3,))
    top = md.Model(x, L.Dense(1)(base(x)), seed=0)
    assert top.trainable_parameters == ["dense/kernel", "dense/bias"]
    before = base.get_weights()
    top.compile("adam", "mse")
    top.fit(A, NUMBERS, epochs=2, verbose=0)
    same(base.get_weights(), before)
    base.trainable = True
    top.fit(A, NUMBERS, epochs=1, verbose=0)
    assert not np.array_equal(base.get_weights()[0], before[0])


def test_a_layer_by_itself() -> None:
    layer = L.Dense(2, "tanh")
    y = layer(A)
    kernel, bias = layer.get_weights()
    np.testing.assert_allclose(y, np.tanh(A @ kernel + bias), rtol=1e-5, atol=1e-6)
    model = md.Sequential([layer, L.Dense(1)], seed=0)
    model.compile("sgd", "mse")
    np.testing.assert_array_equal(model.predict(A).shape, (20, 1))
    np.testing.assert_array_equal(layer.get_weights()[0], kernel)  # it kept its numbers
    model.fit(A, NUMBERS, verbose=0)
    assert not np.array_equal(layer(A), y)
    np.testing.assert_array_equal(L.Dropout(0.5)(A), A.astype(np.float32))
    assert (L.Dropout(0.5)(A, training=True) == 0).any()
    ids = L.Embedding(5, 2)
    np.testing.assert_array_equal(ids([[1, 2]])[0], ids.get_weights()[0][[1, 2]])


def test_deep_graphs_and_many_outputs() -> None:
    x = value = md.Input((2,))
    for _ in range(1500):
        value = L.Activation("tanh")(value)
    assert md.Model(x, value).predict(np.ones((1, 2))).shape == (1, 2)
    with pytest.raises(ValueError, match="outputs: expected 1 to 16, got 17"):
        md.Model(x, [L.Dense(1)(x) for _ in range(17)])


# ---- what is refused -----------------------------------------------------------------------------

X, Y = md.Input((3,), name="x"), md.Input((4,), name="y")


def fit(x: Any = None, y: Any = None, **options: Any) -> Any:
    x = [A, B] if x is None else x
    y = [LABELS, NUMBERS] if y is None else y
    return lambda: two_by_two().fit(x, y, verbose=0, **options)


def compiled(**asked: Any) -> Any:
    return lambda: two_by_two().compile("sgd", **asked)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        # graphs
        (lambda: md.Model(X, L.Dense(1)(Y)), ValueError, r"outputs need .*name='y'.* is cut there"),
        (lambda: md.Model([X, Y], L.Dense(1)(X)), ValueError, "no output needs .*name='y'"),
        (lambda: md.Model([X, X], L.Dense(1)(X)), ValueError, "comes twice"),
        (lambda: md.Model(X, X), ValueError, "what is an input itself"),
        (lambda: md.Model(X, [L.Dense(1)(X), 3]), TypeError, "must be symbolic.*got 3"),
        (lambda: md.Model(inputs=X), TypeError, "takes symbolic values for both"),
        (
            lambda: md.Model([L.Dense(1)], inputs=X, outputs=X),
            TypeError,
            "symbolic values for both",
        ),
        (lambda: md.Model(X, L.Dense(1)(X), input_shape=(3,)), TypeError, "and no input_shape"),
        (lambda: md.Model([X, L.Dense(1)(X)]), TypeError, "into Model\\(inputs, outputs\\)"),
        (
            lambda: md.Model([X, md.Input((3,), name="x")], L.Add()([X, md.Input((3,))])),
            ValueError,
            "is cut there",
        ),
        (lambda: two_by_two().add(L.Dense(1)), RuntimeError, "add is for chains"),
        (lambda: two_by_two().pop(), RuntimeError, "pop is for chains"),
        # calls
        (lambda: L.Dense(1)([X, Y]), ValueError, "takes one value; it was called on 2"),
        (lambda: L.LSTM(2)(X), ValueError, r"called on 'x', samples of \(3,\)"),
        (lambda: L.Dense(1)(X, training=True), ValueError, "training must be False in a graph"),
        (lambda: two_by_two()([X]), ValueError, "one array for each of the model's 2 inputs"),
        (lambda: two_by_two()([Y, X]), ValueError, r"takes samples of \(3,\), \(4,\)"),
        (lambda: md.Sequential([two_by_two()]), ValueError, "takes 2 inputs, and in a chain"),
        (lambda: md.Sequential([md.Sequential()]), ValueError, "has no layers yet"),
        (lambda: md.Model(X, L.Embedding(9, 2)(L.Dense(1)(X))), ValueError, "called on an Input"),
        # NumPy
        (lambda: np.exp(X), TypeError, "np.exp needs numbers"),
        (lambda: np.asarray(X), TypeError, "a NumPy array needs numbers"),
        (lambda: np.concatenate([X, Y]), TypeError, "np.concatenate needs numbers"),
        (lambda: X @ Y, TypeError, "@ needs numbers"),
        (lambda: X**2, TypeError, "needs numbers"),
        (lambda: X[0], TypeError, "an index needs numbers"),
        (lambda: bool(X > 0), TypeError, "a comparison needs numbers"),
        (lambda: X + np.ones(3), TypeError, "arithmetic with an array"),
        (lambda: list(X), TypeError, "a loop needs numbers"),
        # arrays
        (fit(A), ValueError, r"'a', 'b'\), in a list or in a dict by name; got an array of shape"),
        (fit([A]), ValueError, "got a list of 1"),
        (fit({"a": A}), ValueError, "x lacks 'b'"),
        (fit({"a": A, "c": B}), ValueError, "x names 'c', and the model's inputs are 'a', 'b'"),
        (fit([A, A]), ValueError, r"x\['b'\] must have shape \(samples, 4\)"),
        (fit([A, B[:5]]), ValueError, r"x\['a'\] has 20, x\['b'\] has 5"),
        (fit(None, NUMBERS), ValueError, "one array for each of the model's 2 outputs"),
        (fit(None, {"size": NUMBERS}), ValueError, "y lacks 'kind'"),
        (fit(None, {"size": NUMBERS, "king": LABELS}), ValueError, "y names 'king'.*mean 'kind'"),
        (fit(None, [LABELS, A]), ValueError, r"y\['size'\] must have shape \(20, 1\)"),
        (fit(None, [LABELS + 1, NUMBERS]), ValueError, r"y\['kind'\] must hold labels in \[0, 2\)"),
        (fit(class_weight={0: 1.0}), ValueError, "class_weight is for models with one output"),
        (fit(augment=md.augment.Noise(0.1)), ValueError, "augment must be None"),
        (fit(sample_weight=[np.ones(3), None]), ValueError, r"sample_weight\['kind'\] must have"),
        (
            lambda: two_by_two().backward([np.ones((20, 2))]),
            ValueError,
            "delta must hold one array for each of the model's 2 outputs",
        ),
        # compile
        (compiled(loss={"size": "mse"}), ValueError, "loss lacks the output 'kind'"),
        (compiled(loss={"size": "mse", "x": "mse"}), ValueError, "loss names 'x'"),
        (compiled(loss=["mse"]), ValueError, "loss must hold one entry for each of the 2 outputs"),
        (compiled(loss=[None, None]), ValueError, "loss must be given for at least one output"),
        (compiled(loss="mse", metrics=["mae"]), ValueError, "metrics must hold one entry"),
        (compiled(loss="mse", metrics="mae"), TypeError, "metrics must be a list with an entry"),
        (compiled(loss="mse", loss_weights=2.0), TypeError, "loss_weights must be a list"),
        (compiled(loss="mse", loss_weights=[1.0, "x"]), TypeError, "loss_weights of 'size'"),
        (
            compiled(loss=["mse", None], metrics=[None, "mae"]),
            ValueError,
            "metrics of 'size' need a loss there",
        ),
        (
            compiled(loss=["binary_crossentropy", "mse"]),
            ValueError,
            "BinaryCrossentropy",
        ),
    ],
)
def test_what_is_refused(make: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        make()


def test_a_model_in_itself() -> None:
    model = md.Sequential([L.Dense(2)])
    with pytest.raises(ValueError, match="cannot be a part of itself: the graph has a cycle"):
        model.add(model)
    outer = md.Sequential([model, L.Dense(1)])
    with pytest.raises(ValueError, match="has a cycle"):
        model.add(outer)
    with pytest.raises(ValueError, match="is part of this one already"):
        md.Sequential([model, model])
    wide = md.Sequential([L.Dense(2)], dtype="float64")
    with pytest.raises(ValueError, match="a model of float64 cannot be part of one of float32"):
        md.Sequential([wide])


def test_a_layer_called_twice_has_no_one_output() -> None:
    layer = L.Dense(2)
    layer(X), layer(X)
    with pytest.raises(ValueError, match="dense was called 2 times"):
        _ = layer.output
    with pytest.raises(ValueError, match="was called 0 times"):
        _ = L.Dense(2).output
    with pytest.raises(RuntimeError, match="no symbolic values before it knows its input shape"):
        _ = md.Sequential([L.Dense(2)]).input


def test_a_layer_of_other_samples_in_another_model() -> None:
    layer = L.Dense(2)
    kept = md.Model(X, layer(X))
    with pytest.raises(ValueError, match=r"dense: its kernel has shape \(3, 2\)"):
        md.Model(Y, layer(Y))
    assert kept.predict(A).shape == (20, 2)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_twenty_steps_beside_the_textbooks(dtype: str) -> None:
    model = two_by_two(dtype, rate=0.0)
    taught = _textbook_model(model)
    losses = reference.losses
    taught.compile_all(
        reference.optimizers.Adam(0.01),
        [losses.SparseCategoricalCrossentropy(), losses.MeanSquaredError()],
        [0.5, 2.0],
    )
    x, y = [A.tolist(), B.tolist()], [LABELS.tolist(), NUMBERS.tolist()]
    for _ in range(20):
        told = model.train_on_batch([A, B], [LABELS, NUMBERS])
        expected = taught.train_on_all(x, y)
        np.testing.assert_allclose(told[:3], expected, rtol=1e-3 if dtype == "float32" else 1e-10)
    tolerance = 1e-3 if dtype == "float32" else 1e-10
    for name, value in taught.parameters.items():
        np.testing.assert_allclose(model.parameters[name], value, atol=tolerance)
