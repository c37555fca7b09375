"""Keras's functional API beside ours: the same lines build, name, compute and train alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mundur as md
import numpy as np
import pytest

import keras_shared  # noqa: F401 - chooses Keras's backend
from cases import MERGES, MergeCase

keras = pytest.importorskip("keras", reason="install the extra 'keras'")
torch = pytest.importorskip("torch")
pytestmark = [
    pytest.mark.keras,
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The structure of `inputs` doesn't match:UserWarning"),
]
RNG = np.random.default_rng(3)
A, B = RNG.normal(size=(24, 3)).astype("float32"), RNG.normal(size=(24, 4)).astype("float32")
IDS = RNG.integers(0, 9, (24, 5))
LABELS = RNG.integers(0, 3, 24)
NUMBERS = RNG.normal(size=(24, 1)).astype("float32")


def close(ours: Any, theirs: Any, tolerance: float = 1e-5) -> None:
    np.testing.assert_allclose(ours, np.asarray(theirs), rtol=tolerance, atol=tolerance)


# ---- the same lines for either library -----------------------------------------------------------


def skips(k: Any) -> Any:
    x = k.Input((3,), name="x")
    hidden = k.layers.Dense(4, "tanh", name="hidden")(x)
    for i in range(3):
        inner = k.layers.Dense(4, "tanh", name=f"inner_{i}")(hidden)
        hidden = k.layers.add([hidden, inner], name=f"sum_{i}")
    return k.Model(x, k.layers.Dense(1, name="out")(k.layers.concatenate([hidden, x], name="both")))


def two_branches(k: Any) -> Any:
    words, numbers = k.Input((5,), name="words"), k.Input((3,), name="numbers")
    text = k.layers.LSTM(4, name="lstm")(k.layers.Embedding(9, 3, name="table")(words))
    both = k.layers.Concatenate(name="both")(
        [text, k.layers.Dense(3, "relu", name="wide")(numbers)]
    )
    return k.Model([words, numbers], k.layers.Dense(3, "softmax", name="kind")(both))


def several_outputs(k: Any) -> Any:
    a, b = k.Input((3,), name="a"), k.Input((4,), name="b")
    twin = k.layers.Dense(4, "tanh", name="twin")
    p, q = twin(k.layers.Dense(4, name="fit")(a)), twin(b)
    most, mean = k.layers.Maximum(name="most")([p, q]), k.layers.Average(name="mean")([p, q])
    both = k.layers.Subtract(name="above")([most, mean])
    kind = k.layers.Dense(3, "softmax", name="kind")(both)
    size = k.layers.Dense(1, name="size")(k.layers.Multiply(name="times")([p, both]))
    return k.Model(inputs=[a, b], outputs=[kind, size])


def named_outputs(k: Any) -> Any:
    a, b = k.Input((3,), name="a"), k.Input((4,), name="b")
    code = k.layers.Dense(4, "tanh", name="code")(k.layers.Concatenate(name="c")([a, b]))
    outputs = {
        "kind": k.layers.Dense(3, "softmax", name="first")(code),
        "size": k.layers.Dense(1, name="second")(code),
    }
    return k.Model({"a": a, "b": b}, outputs)


def twins(k: Any) -> Any:
    base = k.Sequential(
        [k.Input((3,)), k.layers.Dense(4, "relu", name="wide"), k.layers.Dense(2, name="code")],
        name="base",
    )
    a, b = k.Input((3,), name="a"), k.Input((3,), name="b")
    alike = k.layers.Dot(axes=1, name="alike")([base(a), base(b)])
    return k.Model([a, b], k.layers.Dense(1, "sigmoid", name="same")(alike))


def models_in_models(k: Any) -> Any:
    x = k.Input((3,), name="x")
    inner = k.layers.Dense(4, "tanh", name="inner")(x)
    block = k.Model(
        x, k.layers.Add(name="skip")([inner, k.layers.Dense(4, name="d")(inner)]), name="block"
    )
    y = k.Input((3,), name="y")
    value = block(k.layers.Dense(3, name="before")(y))
    return k.Model(y, k.layers.Dense(1, name="after")(block(k.layers.Dense(3, name="n")(value))))


def steps_side_by_side(k: Any) -> Any:
    x = k.Input((5,), name="x")
    table = k.layers.Embedding(9, 4, name="table")(x)
    longer = k.layers.Concatenate(axis=1, name="longer")(
        [table, k.layers.LSTM(4, return_sequences=True, name="l")(table)]
    )
    likeness = k.layers.Dot(axes=2, name="likeness")([longer, table])
    return k.Model(x, k.layers.Dense(1, name="out")(k.layers.Flatten(name="flat")(likeness)))


def kept_mask(k: Any, table: Any, ids: Any) -> dict[str, Any]:
    """Which Keras forgets where it is given a first state."""
    return {"mask": table.compute_mask(ids)} if k is keras else {}


def sequence_to_sequence(k: Any) -> Any:
    """Keras's tutorial: what an encoder's last state is, a decoder begins with."""
    words, said = k.Input((5,), name="words"), k.Input((5,), name="said")
    table = k.layers.Embedding(9, 4, mask_zero=True, name="table")
    _, h, c = k.layers.LSTM(6, return_state=True, name="encoder")(table(words))
    y, _, _ = k.layers.LSTM(6, return_sequences=True, return_state=True, name="decoder")(
        table(said), initial_state=[h, c], **kept_mask(k, table, said)
    )
    return k.Model([words, said], k.layers.Dense(9, "softmax", name="next")(y))


def states_of_all_kinds(k: Any) -> Any:
    a, words = k.Input((4,), name="a"), k.Input((5,), name="words")
    embedding = k.layers.Embedding(9, 4, mask_zero=True, name="table")
    table, mask = embedding(words), kept_mask(k, embedding, words)
    first = k.layers.Dense(6, "tanh", name="first")(a)
    y, h = k.layers.GRU(6, return_sequences=True, return_state=True, name="after")(
        table, initial_state=first, **mask
    )
    z, g = k.layers.GRU(6, reset_after=False, return_state=True, name="front")(
        y, initial_state=h, **mask
    )
    around = k.layers.Bidirectional(
        k.layers.SimpleRNN(6, "hard_sigmoid", return_state=True), name="around"
    )
    both, ahead, back = around(y, initial_state=[g, z], **mask)
    outputs = [
        k.layers.Dense(3, "softmax", name="kind")(both),
        k.layers.Activation("tanh", name="ahead")(ahead),
        k.layers.Activation("tanh", name="back")(back),
    ]
    return k.Model([a, words], outputs)


Data = tuple[Any, Any]
BUILDERS: dict[Callable[[Any], Any], Data] = {
    skips: (A, NUMBERS),
    two_branches: ([IDS, A], LABELS),
    several_outputs: ([A, B], [LABELS, NUMBERS]),
    named_outputs: ({"a": A, "b": B}, {"kind": LABELS, "size": NUMBERS}),
    twins: ([A, A[::-1].copy()], (NUMBERS > 0).astype("float32")),
    models_in_models: (A, NUMBERS),
    steps_side_by_side: (IDS, NUMBERS),
    sequence_to_sequence: ([IDS, IDS[:, ::-1].copy()], RNG.integers(0, 9, (24, 5))),
    states_of_all_kinds: (
        [B, IDS],
        [LABELS, RNG.normal(size=(24, 6)).astype("float32"), A.repeat(2, axis=1)],
    ),
}
LOSSES: dict[Any, Any] = {
    skips: "mse",
    two_branches: "sparse_categorical_crossentropy",
    several_outputs: ["sparse_categorical_crossentropy", "mse"],
    named_outputs: {"kind": "sparse_categorical_crossentropy", "size": "mae"},
    twins: "binary_crossentropy",
    models_in_models: "mse",
    steps_side_by_side: "mse",
    sequence_to_sequence: "sparse_categorical_crossentropy",
    states_of_all_kinds: ["sparse_categorical_crossentropy", "mse", "mse"],
}
METRICS: dict[Any, Any] = {
    several_outputs: [["accuracy"], ["mae", "mse"]],
    named_outputs: {"size": "mse", "kind": ["accuracy"]},
}
ids = pytest.mark.parametrize("build", BUILDERS, ids=lambda build: build.__name__)


def parts(given: Any) -> list[Any]:
    return (
        list(given.values())
        if isinstance(given, dict)
        else given
        if isinstance(given, list)
        else [given]
    )


@ids
def test_graphs_compute_and_train_alike(build: Any) -> None:
    theirs, ours = build(keras), build(md)
    x, y = BUILDERS[build]
    # Names of layers, but for inputs, in one order; so weights go over as they are.
    kept = [layer.name for layer in theirs.layers if not isinstance(layer, keras.layers.InputLayer)]
    assert [layer.name for layer in ours.layers] == kept
    assert ours.count_params() == theirs.count_params()
    ours.set_weights(theirs.get_weights())
    predicted = theirs.predict(x, verbose=0)
    assert type(ours.predict(x)) is type(predicted)
    for mine, other in zip(parts(ours.predict(x)), parts(predicted), strict=True):
        close(mine, other)
    histories = []
    for library, model in ((keras, theirs), (md, ours)):
        weights = [0.5, 2.0] if build is several_outputs else None
        model.compile(
            library.optimizers.SGD(0.05),
            loss=LOSSES[build],
            loss_weights=weights,
            metrics=METRICS.get(build),
        )
        fitted = model.fit(
            x, y, batch_size=8, epochs=3, shuffle=False, verbose=0, validation_split=0.25
        )
        histories.append(fitted.history)
    assert sorted(histories[0]) == sorted(histories[1])
    for name, values in histories[0].items():
        close(histories[1][name], values, 1e-4)
    for mine, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        close(mine, other, 1e-4)
    told, expected = (model.evaluate(x, y, verbose=0) for model in (ours, theirs))
    close(told, expected, 1e-4)
    told, expected = (model.evaluate(x, y, verbose=0, return_dict=True) for model in (ours, theirs))
    assert sorted(told) == sorted(expected)


@pytest.mark.parametrize("case", MERGES, ids=lambda case: case.id)
def test_merging_layers(case: MergeCase, rng: np.random.Generator) -> None:
    theirs = getattr(keras.layers, case.layer)(**case.arguments)
    inputs = [md.Input(shape) for shape in case.shapes]
    if len(inputs) == 1:
        pytest.skip("Keras merges two or more")
    model = md.Model(inputs, getattr(md.layers, case.layer)(**case.arguments)(inputs))
    x = case.samples(rng, "float32")
    if case.layer in ("Maximum", "Minimum"):
        x[1][0] += 0.5  # PyTorch shares ∂L/∂y out where both are alike
    tensors = [torch.tensor(part, requires_grad=True) for part in x]
    outputs = theirs(tensors)
    close(model.forward(x, training=True), outputs.detach())
    assert (None, *model.output_shape) == tuple(
        theirs.compute_output_shape([(None, *shape) for shape in case.shapes])
    )
    delta = rng.normal(size=tuple(outputs.shape)).astype("float32")
    expected = torch.autograd.grad((outputs * torch.tensor(delta)).sum(), tensors)
    for mine, other in zip(model.backward(delta), expected, strict=True):
        close(mine, other, 1e-4)


def test_parts_of_a_graph_are_models_of_their_own() -> None:
    for k in (keras, md):
        x = k.Input((3,))
        code = k.layers.Dense(2, name="code")(x)
        auto = k.Model(x, k.layers.Dense(3)(code))
        encoder = k.Model(auto.input, auto.get_layer("code").output)
        auto.compile("sgd", "mse")
        before = np.asarray(encoder.predict(A, verbose=0))
        auto.fit(A, A, epochs=2, verbose=0)
        after = encoder.predict(A, verbose=0)
        assert not np.allclose(before, after)
        w, b = auto.get_layer("code").get_weights()
        close(after, A @ w + b, 1e-4)


def test_clones_and_json() -> None:
    for k in (keras, md):
        model = several_outputs(k)
        for again in (k.models.clone_model(model), k.models.model_from_json(model.to_json())):
            again.set_weights(model.get_weights())
            for mine, other in zip(again.predict([A, B]), model.predict([A, B]), strict=True):
                close(mine, other)


def test_what_a_symbolic_value_knows() -> None:
    for k in (keras, md):
        x = k.Input(shape=(3, 2), name="x")
        assert (tuple(x.shape), x.name, x.ndim) == ((None, 3, 2), "x", 3)
        model = k.Model(x, k.layers.Flatten()(x))
        assert model.input is x and tuple(model.output.shape) == (None, 6)
        assert tuple(k.Input((4,), dtype="int32").shape) == (None, 4)
