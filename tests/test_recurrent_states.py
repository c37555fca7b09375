"""States of recurrent layers: given out, given in, kept from batch to batch; other gates."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import mundur as md
import numpy as np
import numpy.typing as npt
import pytest
from mundur.inspection.verify import _textbook_model  # the same twin as verify has
from mundur.reference.graph import check_graph

Array = npt.NDArray[Any]
LAYERS = ["SimpleRNN", "LSTM", "GRU"]
L = md.layers
RNG = np.random.default_rng(4)
WORDS, ANSWER = RNG.normal(size=(7, 5, 3)), RNG.normal(size=(7, 4, 2))
# 0 is padding: before, behind, between, nowhere and everywhere.
IDS = np.array([[0, 0, 3, 1], [2, 1, 0, 0], [4, 0, 0, 2], [1, 2, 3, 4], [0, 0, 0, 0], [0, 1, 0, 2]])


def seq2seq(layer: str, units: int = 6, **options: Any) -> md.Model:
    """What an encoder's last state is, a decoder begins with."""
    kind = getattr(L, layer)
    words, answer = md.Input((5, 3), name="words"), md.Input((4, 2), name="answer")
    _, *states = kind(units, return_state=True, name="encoder", **options)(words)
    decoder = kind(units, return_sequences=True, return_state=True, name="decoder", **options)
    y, *last = decoder(answer, initial_state=states)
    out = L.Dense(2, name="out")(y)
    return md.Model([words, answer], [out, *last], seed=1, dtype="float64")


def masked(layer: str, **options: Any) -> md.Model:
    """States in front of masked steps, of which some samples have no others."""
    kind = getattr(L, layer)
    ids, first = md.Input((4,), name="ids"), md.Input((3,), name="first")
    table = L.Embedding(5, 3, mask_zero=True)(ids)
    states = [first, L.Dense(3, "tanh")(first)][: 2 if layer == "LSTM" else 1]
    y, *last = kind(3, return_state=True, **options)(table, initial_state=states)
    return md.Model([ids, first], [y, *last], seed=2, dtype="float64")


def both_ways(layer: str, **options: Any) -> md.Model:
    kind = getattr(L, layer)
    words, answer = md.Input((5, 3), name="words"), md.Input((4, 2), name="answer")
    around = L.Bidirectional(kind(3, return_state=True, **options), name="there")
    again = L.Bidirectional(kind(3, return_sequences=True, return_state=True, **options), "sum")
    _, *states = around(words)
    y, *last = again(answer, initial_state=states)
    return md.Model([words, answer], [y, *last], seed=3, dtype="float64")


def around(layer: str, **options: Any) -> md.Model:
    """A shared layer, whose last state it begins again with."""
    kind = getattr(L, layer)
    x = md.Input((5, 3))
    shared = kind(4, return_state=True, go_backwards=True, **options)
    y, *states = shared(x)
    z, *last = shared(x, initial_state=states)
    return md.Model(x, L.Add()([y, z, last[0]]), seed=4, dtype="float64")


GRAPHS: dict[str, tuple[Callable[..., md.Model], Any]] = {
    "seq2seq": (seq2seq, [WORDS, ANSWER]),
    "masked": (masked, [IDS, RNG.normal(size=(6, 3))]),
    "both ways": (both_ways, [WORDS, ANSWER]),
    "around": (around, WORDS),
}
OPTIONS: list[dict[str, Any]] = [{}, {"return_sequences": True}, {"zero_output_for_mask": True}]


def targets(model: md.Model, x: Any) -> Any:
    rng = np.random.default_rng(9)
    y = model.predict(x)
    if isinstance(y, list):
        return [rng.normal(size=part.shape) for part in y]
    return rng.normal(size=y.shape)


def is_as_in_the_textbook(model: md.Model, x: Any) -> None:
    y = targets(model, x)
    found = model.verify(x, y, ["mse"] * len(y) if isinstance(y, list) else "mse")
    assert found, found


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("graph", GRAPHS)
def test_states_go_as_in_the_textbook(graph: str, layer: str) -> None:
    build, x = GRAPHS[graph]
    model = build(layer)
    is_as_in_the_textbook(model, x)


@pytest.mark.share(3)
@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("graph", GRAPHS)
def test_the_textbooks_states_have_the_gradients_of_central_differences(
    graph: str, layer: str
) -> None:
    build, x = GRAPHS[graph]
    some = [part[:2].tolist() for part in (x if isinstance(x, list) else [x])]
    differences = check_graph(_textbook_model(build(layer)), some)
    assert max(differences.values()) < 1e-7, differences


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("options", OPTIONS[1:], ids=str)
@pytest.mark.parametrize("layer", LAYERS)
def test_masks_and_states(layer: str, options: dict[str, Any], backwards: bool) -> None:
    for sequences in (False, True):
        how = {"return_sequences": sequences} | options
        model = masked(layer, go_backwards=backwards, **how)
        x = GRAPHS["masked"][1]
        is_as_in_the_textbook(model, x)
        y, state, *_ = model.predict(x)
        np.testing.assert_array_equal(state[4], x[1][4])  # no step is there
        assert not y[4].any()
        if how.get("zero_output_for_mask") and sequences:
            there = IDS != 0
            assert not y[~(there[:, ::-1] if backwards else there)].any()


@pytest.mark.parametrize("layer", LAYERS)
def test_zeros_at_masked_steps_without_states(layer: str) -> None:
    for sequences in (False, True):
        options = {"return_sequences": sequences, "zero_output_for_mask": True}
        layers = [L.Embedding(5, 3, mask_zero=True), getattr(L, layer)(3, **options)]
        model = md.Model(layers, input_shape=(4,), seed=0, dtype="float64")
        y = model.predict(IDS)
        assert not (y[IDS == 0] if sequences else y[IDS[:, -1] == 0]).any()
        is_as_in_the_textbook(model, IDS)


GATES = [
    {"recurrent_activation": "hard_sigmoid"},
    {"activation": "relu", "recurrent_activation": "tanh"},
    {"activation": "softsign", "recurrent_activation": "linear"},
    {"activation": "gelu"},
    {"activation": None, "recurrent_activation": "sigmoid"},
]
FRONT = [{"reset_after": False}, {"reset_after": False, "use_bias": False, "activation": "elu"}]
KINDS = [
    *((layer, gates) for layer in ("LSTM", "GRU") for gates in GATES),
    *(("GRU", options) for options in FRONT),
    *(("GRU", FRONT[0] | gates) for gates in GATES),
    *(("SimpleRNN", {"activation": name}) for name in ("hard_sigmoid", "softplus", "silu")),
]
kinds = pytest.mark.parametrize("layer, options", KINDS, ids=lambda value: str(value))


@kinds
def test_other_gates_go_as_in_the_textbook(layer: str, options: dict[str, Any]) -> None:
    for graph in ("seq2seq", "masked"):
        build, x = GRAPHS[graph]
        model = build(layer, **options)
        is_as_in_the_textbook(model, x)


@pytest.mark.share(3)
@kinds
def test_the_textbooks_other_gates(layer: str, options: dict[str, Any]) -> None:
    some = [part[:2].tolist() for part in (WORDS, ANSWER)]
    differences = check_graph(_textbook_model(seq2seq(layer, 2, **options)), some)
    assert max(differences.values()) < 1e-6, differences


RATES = {"dropout": 0.3, "recurrent_dropout": 0.2}


def trained(layer: str, options: dict[str, Any], dtype: str) -> bytes:
    kind = getattr(L, layer)
    words, ids = md.Input((5, 9), name="words"), md.Input((4,), name="ids")
    options = RATES | options
    _, *states = kind(17, return_state=True, **options)(words)
    table = L.Embedding(30, 5, mask_zero=True)(ids)
    y, *last = kind(17, return_state=True, return_sequences=True, **options)(
        table, initial_state=states
    )
    model = md.Model([words, ids], [L.Dense(2)(y), last[-1]], seed=3, dtype=dtype)
    model.compile("adam", "mse")
    rng = np.random.default_rng(0)
    x = [rng.normal(size=(150, 5, 9)), rng.integers(0, 30, (150, 4))]
    y = [rng.normal(size=(150, 4, 2)), rng.normal(size=(150, 17))]
    model.fit(x, y, batch_size=70, epochs=1, verbose=0)
    found = model.predict(x, verbose=0)
    for one, some in zip(found, model.predict([part[:1] for part in x], verbose=0), strict=True):
        np.testing.assert_array_equal(some, one[:1])
    return b"".join(w.tobytes() for w in [*model.get_weights(), *found])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "layer, options",
    [
        *((layer, {}) for layer in LAYERS),
        ("GRU", {"reset_after": False}),
        ("LSTM", {"recurrent_activation": "hard_sigmoid", "zero_output_for_mask": True}),
    ],
    ids=str,
)
def test_a_training_with_states_has_the_same_bits_everywhere(
    layer: str, options: dict[str, Any], dtype: str, same_everywhere: Any
) -> None:
    same_everywhere(lambda: trained(layer, options, dtype))


@pytest.mark.parametrize("kind", ["bfloat16", "bfloat16_pairs"])
@pytest.mark.parametrize(
    "layer, options", [("LSTM", {}), ("GRU", {"reset_after": False}), ("SimpleRNN", {})], ids=str
)
def test_states_in_bfloat16(layer: str, options: dict[str, Any], kind: str) -> None:
    """What is rounded is rounded as without states; the first state is not."""
    exact = seq2seq(layer, **options)
    rounded = rebuilt(exact, kind)
    rounded.set_weights(exact.get_weights())
    x = [WORDS, ANSWER]
    for found, expected in zip(rounded.predict(x), exact.predict(x), strict=True):
        np.testing.assert_allclose(found, expected, atol=0.03)
    deltas = [np.ones_like(part) for part in rounded.forward(x, training=True)]
    exact.forward(x, training=True)
    for found, expected in zip(rounded.backward(deltas), exact.backward(deltas), strict=True):
        np.testing.assert_allclose(found, expected, atol=0.05)
    for name, gradient in exact.gradients.items():
        scale = np.abs(gradient).max()
        np.testing.assert_allclose(rounded.gradients[name], gradient, atol=0.03 * scale)


def rebuilt(model: md.Model, compute_dtype: str) -> md.Model:
    clone = md.models.clone_model(model)
    return md.Model(clone.inputs, clone.outputs, seed=1, compute_dtype=compute_dtype)


@pytest.mark.parametrize("layer", LAYERS)
def test_an_encoder_and_a_decoder_learn(layer: str) -> None:
    """To say a sequence backwards: the decoder has nothing but the state to know it by."""
    kind = getattr(L, layer)
    rng = np.random.default_rng(0)
    x = np.eye(4)[rng.integers(0, 4, (256, 3))]
    begun = np.concatenate([np.zeros((256, 1, 4)), x[:, :0:-1]], axis=1)
    words, answer = md.Input((3, 4)), md.Input((3, 4))
    _, *states = kind(32, return_state=True)(words)
    decoded = kind(32, return_sequences=True)(answer, initial_state=states)
    model = md.Model([words, answer], L.Dense(4, "softmax")(decoded), seed=0)
    model.compile(md.optimizers.Adam(0.01), "categorical_crossentropy", metrics=["accuracy"])
    model.fit([x, begun], x[:, ::-1].copy(), epochs=40, verbose=0)
    assert model.evaluate([x, begun], x[:, ::-1].copy(), verbose=0)[1] > 0.95


# ---- kept from batch to batch ----------------------------------------------------------------


def summary_of(model: md.Model) -> list[str]:
    lines: list[str] = []
    model.summary(print_fn=lines.append)
    return lines


X_KEPT = RNG.normal(size=(6, 5, 3))


def keeping(layer: str, batch: int, steps: int, **options: Any) -> md.Model:
    inner = getattr(L, layer)(4, stateful=True, return_sequences=True, name="keeps", **options)
    layers = [md.Input((steps, 3), batch_size=batch), inner, L.Dense(2, name="out")]
    return md.Model(layers, seed=5, dtype="float64")


@pytest.mark.parametrize("layer", LAYERS)
def test_batches_go_on_from_the_last(layer: str) -> None:
    """Two batches of five steps are one of ten, whoever computes them."""
    x = RNG.normal(size=(6, 10, 3))
    whole, model = keeping(layer, 6, 10), keeping(layer, 6, 5)
    expected = whole.predict(x, batch_size=6)
    parts = x[:, :5].copy(), x[:, 5:].copy()
    model.set_weights(whole.get_weights())
    for compute in (lambda p: model.predict(p, batch_size=6), model.forward, model):
        model.reset_states()
        found = np.concatenate([compute(part) for part in parts], axis=1)
        np.testing.assert_array_equal(found, expected)
    model.reset_states()
    # Batches of one call, too: the first six samples, then the others.
    found = model.predict(np.concatenate(parts), batch_size=6)
    np.testing.assert_array_equal(np.concatenate([found[:6], found[6:]], axis=1), expected)
    model.compile("sgd", "mse")
    model.reset_states()
    model.evaluate(np.concatenate(parts), np.zeros((12, 5, 2)), batch_size=6, verbose=0)
    whole.reset_states()
    whole.predict(x, batch_size=6)
    for name, state in whole.state.items():
        np.testing.assert_array_equal(model.state[name], state)
        assert state.any()
    model.layers[0].reset_state()
    assert not any(state.any() for state in model.state.values())


@pytest.mark.parametrize("layer", LAYERS)
def test_a_training_goes_on_from_the_last_batch(layer: str) -> None:
    """A step is that of a layer that is given the state, to which no gradient goes."""
    x, y = RNG.normal(size=(12, 5, 3)), RNG.normal(size=(12, 5, 2))
    model = keeping(layer, 6, 5)
    sequence = md.Input((5, 3))
    count = 2 if layer == "LSTM" else 1
    states = [md.Input((4,)) for _ in range(count)]
    given = getattr(L, layer)(4, return_sequences=True, return_state=True)
    seen, *last = given(sequence, initial_state=states)
    twin = md.Model([sequence, *states], [L.Dense(2)(seen), *last], seed=5, dtype="float64")
    twin.set_weights(model.get_weights())
    model.compile(md.optimizers.SGD(0.1), "mse")
    twin.compile(md.optimizers.SGD(0.1), ["mse", *[None] * count])
    model.fit(x, y, batch_size=6, shuffle=False, epochs=1, verbose=0)
    carried = [np.zeros((6, 4))] * count
    for part in (slice(0, 6), slice(6, 12)):
        given_in = [x[part], *carried]
        after = twin.predict(given_in)[1:]  # with the weights from before the step
        twin.train_on_batch(given_in, [y[part], *[None] * count])
        carried = after
    for mine, other in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-12, atol=1e-14)
    for state, expected in zip(model.state.values(), carried, strict=True):
        np.testing.assert_allclose(state, expected, rtol=1e-12)


def trained_on_and_on(layer: str, dtype: str) -> bytes:
    kind = getattr(L, layer)
    first = kind(17, stateful=True, return_sequences=True, **RATES)
    layers = [md.Input((5, 9), batch_size=70), first, L.Bidirectional(kind(9, stateful=True))]
    model = md.Model(layers, seed=3, dtype=dtype)
    model.compile("adam", "mse")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(210, 5, 9)), rng.normal(size=(210, 18))
    model.fit(x, y, batch_size=70, shuffle=False, epochs=1, verbose=0)
    found = model.predict(x, batch_size=70, verbose=0)
    return b"".join(w.tobytes() for w in [*model.get_weights(), *model.state.values(), found])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layer", LAYERS)
def test_what_goes_on_has_the_same_bits_everywhere(
    layer: str, dtype: str, same_everywhere: Any
) -> None:
    same_everywhere(lambda: trained_on_and_on(layer, dtype))


def test_what_is_kept_is_state_and_no_weight(tmp_path: Any) -> None:
    model = keeping("LSTM", 6, 5)
    assert sorted(model.state) == ["keeps/state_c", "keeps/state_h"]
    plain = md.Model([L.LSTM(4, return_sequences=True), L.Dense(2)], input_shape=(9, 3), seed=0)
    assert [w.shape for w in model.get_weights()] == [w.shape for w in plain.get_weights()]
    assert model.count_params() == plain.count_params()
    assert len(model.weights) == len(plain.weights)
    told = ["\n".join(summary_of(one)) for one in (model, plain)]
    for text in told:
        assert "keeps (LSTM)" in text or "lstm (LSTM)" in text
        assert "Parameters: 138, trainable 138, non-trainable 0" in text
    assert "state 384 B" in told[0]  # 6 samples, 4 units, h and c
    model.predict(X_KEPT, batch_size=6)
    assert model.state["keeps/state_h"].any()
    # Batches of another size, the same weights.
    one = keeping("LSTM", 1, 5)
    one.set_weights(model.get_weights())
    model.reset_states()
    expected = model.predict(X_KEPT, batch_size=6)
    np.testing.assert_array_equal(one.predict(X_KEPT[:1], batch_size=1), expected[:1])
    for save in (model.save, model.save_weights):
        save(tmp_path / "kept.safetensors")
        another = keeping("LSTM", 1, 5)
        another.load_weights(tmp_path / "kept.safetensors")
        np.testing.assert_array_equal(another.predict(X_KEPT[:1], batch_size=1), expected[:1])


def test_files_and_copies_keep_states(tmp_path: Any) -> None:
    x = RNG.normal(size=(6, 5, 3))
    model = keeping("GRU", 6, 5, reset_after=False, recurrent_activation="hard_sigmoid")
    model.compile("adam", "mse")
    model.fit(x, np.zeros((6, 5, 2)), batch_size=6, epochs=1, verbose=0)
    model.save(tmp_path / "m.safetensors")
    twins = [
        md.load_model(tmp_path / "m.safetensors"),
        pickle.loads(pickle.dumps(model)),
        copy.deepcopy(model),
    ]
    expected = model.predict(x, batch_size=6)
    for twin in twins:
        np.testing.assert_array_equal(twin.predict(x, batch_size=6), expected)
        assert repr(twin) == repr(model)
    again = eval(repr(model), {"Model": md.Model, "Input": md.Input, **vars(L)})
    assert repr(again) == repr(model)
    clone = md.models.clone_model(model)
    clone.set_weights(model.get_weights())
    model.reset_states()
    np.testing.assert_array_equal(clone.predict(x, batch_size=6), model.predict(x, batch_size=6))


def test_who_looks_leaves_the_states_alone() -> None:
    x, y = RNG.normal(size=(6, 5, 3)), RNG.normal(size=(6, 5, 2))
    model = keeping("LSTM", 6, 5)
    model.predict(x, batch_size=6)
    before = {name: state.copy() for name, state in model.state.items()}
    model.explain(x, y, "mse")
    assert model.verify(x, y, "mse"), model.verify(x, y, "mse")
    assert model.check_gradients(x, y, "mse").passed
    for name, state in model.state.items():
        np.testing.assert_array_equal(state, before[name])


def test_what_fails_leaves_the_states_alone() -> None:
    model = keeping("GRU", 6, 5)
    model.compile("sgd", "mse")
    model.predict(X_KEPT, batch_size=6)
    before = model.state["keeps/state_h"].copy()
    spoilt = np.concatenate([X_KEPT, X_KEPT])
    spoilt[9, 2, 1] = np.nan
    y = np.zeros((12, 5, 2))
    for run in (
        lambda: model.predict(spoilt, batch_size=6),
        lambda: model.evaluate(spoilt, y, batch_size=6, verbose=0),
        lambda: model.fit(spoilt, y, batch_size=6, verbose=0),
        lambda: model.train_on_batch(spoilt[6:], y[6:]),
        lambda: model.predict(X_KEPT[:4], batch_size=4),
    ):
        with pytest.raises(ValueError, match=r"finite|batch_size"):
            run()
        np.testing.assert_array_equal(model.state["keeps/state_h"], before)


def test_states_both_ways() -> None:
    layer = L.Bidirectional(L.GRU(3, stateful=True), name="b")
    model = md.Model([md.Input((5, 3), batch_size=2), layer], seed=0)
    first = model.predict(WORDS[:2], batch_size=2)
    assert sorted(model.state) == ["b/backward_gru/state_h", "b/forward_gru/state_h"]
    assert not np.array_equal(model.predict(WORDS[:2], batch_size=2), first)
    layer.reset_states()
    np.testing.assert_array_equal(model.predict(WORDS[:2], batch_size=2), first)


# ---- layers, files, summaries ----------------------------------------------------------------


def test_graphs_with_states_are_kept(tmp_path: Any) -> None:
    model = seq2seq("LSTM", recurrent_activation="hard_sigmoid")
    x = [WORDS, ANSWER]
    expected = model.predict(x)
    model.save(tmp_path / "m.safetensors")
    clone = md.models.clone_model(model)
    clone.set_weights(model.get_weights())
    again = md.models.model_from_json(model.to_json())
    again.set_weights(model.get_weights())
    for twin in (md.load_model(tmp_path / "m.safetensors"), copy.deepcopy(model), clone, again):
        for found, other in zip(twin.predict(x), expected, strict=True):
            np.testing.assert_array_equal(found, other)
    text = "\n".join(summary_of(model))
    assert "answer, encoder[1], encoder[2]" in text
    shown = model.explain(x, targets(model, x), ["mse"] * 3)
    assert shown["decoder"].reads == ("answer", "encoder[1]", "encoder[2]")


def test_a_layer_by_itself() -> None:
    layer = L.LSTM(6, return_state=True)
    y, h, c = layer(WORDS)
    np.testing.assert_array_equal(y, h)
    z, *_ = layer(WORDS, initial_state=[h, c])
    assert c.shape == z.shape == (7, 6) and not np.array_equal(y, z)
    keeps = L.GRU(4, stateful=True)
    first = keeps(WORDS)
    assert not np.array_equal(keeps(WORDS), first)
    keeps.reset_state()
    np.testing.assert_array_equal(keeps(WORDS), first)


@pytest.mark.parametrize("layer", [*LAYERS, "Bidirectional"])
def test_a_mask_of_a_layer_by_itself(layer: str) -> None:
    """That of Masking in front; also when it comes and goes."""
    made = L.Bidirectional(L.GRU(3)) if layer == "Bidirectional" else getattr(L, layer)(3)
    there = np.array([[True, True, False, False, False], [False, True, False, True, True]])
    x = WORDS[:2]
    y = made(x, mask=there)
    whole = made(x)
    masked = md.Model([L.Masking(0.0), made.__class__.from_config(made.get_config())], seed=0)
    masked.build((5, 3))
    masked.set_weights(made.get_weights())
    np.testing.assert_array_equal(y, masked.predict(np.where(there[..., None], x, 0.0)))
    assert (whole != y).any()
    np.testing.assert_array_equal(made(x, mask=there), y)
    np.testing.assert_array_equal(made(x, mask=np.ones((2, 5), bool)), whole)
    states = [np.ones((2, 3))] * len(made.state_sizes)
    assert (made(x, initial_state=states, mask=there) != y).any()
    with pytest.raises(ValueError, match=r"bool of shape \(2, 5\).*got int64 of shape \(2, 5\)"):
        made(x, mask=there.astype(int))
    with pytest.raises(ValueError, match=r"got bool of shape \(2, 4\)"):
        made(x, mask=there[:, :4])
    with pytest.raises(ValueError, match="mask must be the one that comes with the symbolic value"):
        made(md.Input((5, 3)), mask=there)


def test_a_mask_that_a_graph_names() -> None:
    """The one that comes anyway; no other."""
    ids, others = md.Input((4,)), md.Input((4,))
    table, plain = L.Embedding(5, 3, mask_zero=True), L.Embedding(5, 3)
    np.testing.assert_array_equal(table.compute_mask(IDS), IDS != 0)
    assert plain.compute_mask(ids) is None
    x = np.array([[[1.0, 0.0], [0.0, 0.0]]])
    assert L.Masking().compute_mask(x).tolist() == [[True, False]]
    mask, words = table.compute_mask(ids), L.Dropout(0.5)(table(ids))
    named = md.Model(ids, L.GRU(2)(words, mask=mask), seed=0)
    silent = md.Model(ids, named.layers[-1](words), seed=0)
    np.testing.assert_array_equal(named.predict(IDS), silent.predict(IDS))
    for other in (table.compute_mask(others), L.Masking().compute_mask(words), True):
        with pytest.raises(ValueError, match="mask must be the one that comes with"):
            L.GRU(2)(words, mask=other)


def test_the_states_that_a_layer_keeps() -> None:
    memory = L.LSTM(3, stateful=True)
    model = md.Model([md.Input((5, 3), batch_size=2), memory], seed=0)
    assert L.LSTM(3).states is None and memory.states is not None
    assert [state.shape for state in memory.states] == [(2, 3), (2, 3)]
    model.predict(WORDS[:2], batch_size=2)
    assert all(state.any() for state in memory.states)
    memory.reset_states()
    assert not any(state.any() for state in memory.states)


def test_a_part_of_a_decoder_goes_step_by_step() -> None:
    """As Keras's tutorial infers: a model of the same layers, that is given its own last states."""
    model = seq2seq("LSTM")
    states_of = model.get_layer("encoder").output[1:]
    encoder = md.Model(model.inputs[0], states_of, dtype="float64")
    decoder = model.get_layer("decoder")
    step, h, c = md.Input((1, 2)), md.Input((6,)), md.Input((6,))
    y, *states = decoder(step, initial_state=[h, c])
    one = md.Model([step, h, c], [model.get_layer("out")(y), *states], dtype="float64")
    expected, *_ = model.predict([WORDS, ANSWER])
    carried = list(encoder.predict(WORDS))
    for t in range(4):
        said, *carried = one.predict([ANSWER[:, t : t + 1], *carried])
        np.testing.assert_allclose(said[:, 0], expected[:, t], rtol=1e-12, atol=1e-14)


X, STATE = md.Input((5, 3), name="x"), md.Input((4,), name="state")
STEP = np.zeros((6, 5, 3))


@pytest.mark.parametrize(
    "make, kind, told",
    [
        (lambda: md.Model([L.LSTM(3, return_state=True)]), ValueError, "in a chain"),
        (
            lambda: L.TimeDistributed(L.LSTM(3, return_state=True)),
            ValueError,
            "within a TimeDistributed",
        ),
        (lambda: L.LSTM(4)(X, initial_state=[STATE]), ValueError, "must be 2 of samples"),
        (lambda: L.GRU(3)(X, initial_state=STATE), ValueError, r"samples of \(3,\); got 1"),
        (lambda: L.GRU(4)(X, initial_state=np.ones((1, 4))), TypeError, "symbolic values where"),
        (lambda: L.GRU(4)([X, X], initial_state=STATE), ValueError, "called on one sequence"),
        (lambda: L.GRU(4, stateful=True)(X), ValueError, "batch_size=32"),
        (
            lambda: md.Model([L.GRU(4, stateful=True)], input_shape=(5, 3)).build(),
            ValueError,
            "all batches must have one size",
        ),
        (lambda: L.GRU(4).reset_state(), ValueError, "without stateful=True"),
        (lambda: keeping("GRU", 4, 5).predict(STEP), ValueError, "batch_size: expected 4"),
        (lambda: keeping("GRU", 4, 5).forward(STEP), ValueError, "batch_size: expected 4"),
        (
            lambda: keeping("GRU", 4, 5).predict(STEP, batch_size=4),
            ValueError,
            "got 6 samples in batches of 4",
        ),
        (lambda: L.LSTM(3, "softmax"), ValueError, "function of whole rows"),
        (
            lambda: L.GRU(3, recurrent_activation=(np.tanh, lambda z: 1 - np.tanh(z) ** 2)),
            ValueError,
            "one of your own",
        ),
        (
            lambda: L.Bidirectional(
                L.LSTM(3, return_state=True), backward_layer=L.LSTM(3, go_backwards=True)
            ),
            ValueError,
            "the same return_state",
        ),
        (lambda: md.Input((3,), batch_shape=(2, 3)), ValueError, "batch_shape goes without"),
        (lambda: md.Input((3,), batch_size=0), ValueError, "batch_size"),
    ],
)
def test_what_does_not_fit(make: Callable[[], Any], kind: type[Exception], told: str) -> None:
    with pytest.raises(kind, match=told):
        make()


def test_fit_and_evaluate_ask_for_whole_batches() -> None:
    model = keeping("LSTM", 4, 5)
    model.compile("sgd", "mse")
    for run in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match="batch_size: expected 4"):
            run(STEP, np.zeros((6, 5, 2)), batch_size=4, verbose=0)
    model.fit(STEP[:4], np.zeros((4, 5, 2)), batch_size=4, verbose=0)
    with pytest.raises(ValueError, match="batch_size: expected 4"):
        model.train_on_batch(STEP, np.zeros((6, 5, 2)))


def test_what_an_input_says_of_batches() -> None:
    x = md.Input(batch_shape=(4, 5, 3))
    assert x.shape == (4, 5, 3) and repr(x) == "Input((5, 3), batch_size=4)"
    y = L.GRU(2, stateful=True)(x)
    assert y.shape == (4, 2)
    assert md.Input(batch_shape=(None, 5)).shape == (None, 5)
