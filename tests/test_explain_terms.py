"""Gradients of weights that many places use, term by term."""

from __future__ import annotations

from typing import Any

import mundur as md
import numpy as np
import pytest
from mundur.inspection import page as pages  # data of a page, without a browser
from mundur.inspection.formulas import tex  # a number of a sheet

from explained import data_of, equations, numeric, unpacked, value_of

L = md.layers
some = {"bias_initializer": "random_normal"}
LAYERS = [
    (L.Conv1D(3, 2, **some), (6, 2)),
    (L.Conv1D(4, 3, strides=2, padding="same", groups=2, activation="tanh"), (7, 4)),
    (L.Conv1D(2, 3, dilation_rate=2, padding="causal", use_bias=False), (6, 2)),
    (L.Conv2D(2, (2, 3), strides=(2, 1), padding="same", **some), (5, 4, 2)),
    (L.Conv2D(4, 3, dilation_rate=(1, 2), groups=2, kernel_regularizer="l1"), (6, 6, 2)),
    (L.DepthwiseConv1D(2, depth_multiplier=2, strides=2, padding="same"), (5, 2)),
    (L.DepthwiseConv2D((3, 2), padding="same", depth_multiplier=2, activation="relu"), (4, 4, 2)),
    (L.SeparableConv1D(3, 3, strides=2, padding="same"), (6, 2)),
    (L.SeparableConv2D(2, 2, depth_multiplier=2, dilation_rate=2, **some), (4, 4, 2)),
    (L.Conv1DTranspose(2, 3, strides=2, padding="same", **some), (4, 3)),
    (L.Conv1DTranspose(2, 2, strides=3), (3, 2)),
    (L.Conv2DTranspose(2, 3, strides=2, padding="same", output_padding=1), (3, 3, 2)),
    (L.Conv2DTranspose(2, (3, 2), dilation_rate=2, activation="elu"), (3, 3, 1)),
    (L.Dense(2, "tanh", **some), (4, 3)),
    (L.TimeDistributed(L.Dense(2)), (4, 3)),
    (L.BatchNormalization(), (4, 3)),
    (L.LayerNormalization(axis=(1, 2)), (3, 2)),
    (L.GroupNormalization(2), (3, 4)),
    (L.LSTM(2, return_sequences=True, **some), (4, 2)),
    (L.LSTM(2, go_backwards=True), (4, 2)),
    (L.GRU(2, return_sequences=True, **some), (4, 2)),
    (L.GRU(2, reset_after=False, go_backwards=True, **some), (4, 2)),
    (L.SimpleRNN(3, use_bias=False), (4, 2)),
    (L.Bidirectional(L.GRU(2, return_sequences=True, **some)), (4, 2)),
    (L.Bidirectional(L.LSTM(2)), (4, 2)),
]


def explained(layer: Any, shape: tuple[int, ...], dtype: str = "float64", **options: Any) -> Any:
    """An explanation of a layer of that kind behind another, in a whole network."""
    own = type(layer).from_config(layer.get_config() | {"name": "own"})
    layers = [L.Activation("tanh"), own, L.Flatten(), L.Dense(2)]
    model = md.Model(layers, input_shape=shape, seed=0, dtype=dtype, **options)
    model.compile("adam", "mse")
    rng = np.random.default_rng(0)
    return model.explain(rng.normal(size=(3, *shape)), rng.normal(size=(3, 2)))


@pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=lambda one: repr(one))
def test_terms_add_up_to_the_gradient_of_every_weight(layer: Any, shape: tuple[int, ...]) -> None:
    step = explained(layer, shape)["own"]
    assert step.gradients
    for name, gradient in step.gradients.items():
        bare = gradient - step.penalties.get(name, 0)
        for place in np.ndindex(gradient.shape):
            terms = step.terms(name, place)
            assert terms is not None, (name, place)
            assert terms.sum == pytest.approx(bare[place], rel=1e-9, abs=1e-12)
            assert (terms.values != 0).all() and len(terms.places) == len(terms.values)
            assert (terms.given is None) == (name.rpartition("/")[2] in ("bias", "beta"))


def test_terms_are_what_went_in_times_the_error_at_each_place() -> None:
    step = explained(L.Conv2D(2, 2, strides=2, padding="same", name="own"), (5, 3, 2))["own"]
    terms = step.terms("kernel", (1, 0, 1, 0))
    assert terms.places.shape[1] == 3
    padded = np.pad(step.x, ((0, 0), (0, 1), (0, 1), (0, 0)))
    for (n, r, t), x, delta in zip(terms.places, terms.given, terms.delta, strict=True):
        assert x == padded[n, 2 * r + 1, 2 * t, 1] and delta == step.delta[n, r, t, 0]


def test_terms_of_recurrent_weights_begin_with_the_state_that_is_given() -> None:
    x, h = md.Input((4, 2)), md.Input((2,))
    y = L.GRU(2, name="own")(x, initial_state=h)
    model = md.Model([x, h], L.Dense(1)(y), seed=0, dtype="float64")
    rng = np.random.default_rng(0)
    given = [rng.normal(size=(3, 4, 2)), rng.normal(size=(3, 2))]
    step = model.explain(given, np.zeros((3, 1)), loss="mse")["own"]
    terms = step.terms("recurrent_kernel", (1, 0))
    assert terms.sum == pytest.approx(step.gradients["recurrent_kernel"][1, 0], rel=1e-9)
    first = terms.given[terms.places[:, 1] == 0]
    assert first == pytest.approx(given[1][:, 1])


def test_terms_leave_out_masked_steps_and_ids_that_do_not_occur() -> None:
    layers = [L.Embedding(6, 2, mask_zero=True, name="table"), L.LSTM(2, name="own"), L.Dense(1)]
    model = md.Model(layers, seed=0, dtype="float64")
    made = model.explain(np.array([[1, 2, 0, 1], [3, 0, 0, 0]]), [[1], [0]], loss="mse")
    for step in made.layers[:2]:
        for name, gradient in step.gradients.items():
            for place in np.ndindex(gradient.shape):
                terms = step.terms(name, place)
                assert terms.sum == pytest.approx(gradient[place], rel=1e-9, abs=1e-12)
    ones = made["table"].terms("embeddings", (1, 0))
    assert ones.places.tolist() == [[0, 0], [0, 3]]
    assert len(made["table"].terms("embeddings", (5, 0)).delta) == 0
    heard = made["own"].terms("kernel", (0, 0)).places.tolist()
    assert heard == [[0, 0], [0, 1], [0, 3], [1, 0]]


def test_rounded_products_have_terms_too() -> None:
    step = explained(L.Conv1D(3, 2), (6, 2), "float32", compute_dtype="bfloat16")["own"]
    gradient = step.gradients["kernel"]
    terms = step.terms("kernel", (0, 0, 0))
    assert terms.sum == pytest.approx(gradient[0, 0, 0], abs=0.02 * np.abs(terms.values).sum())


def test_sums_that_are_not_the_gradient_are_not_shown() -> None:
    x, shared = md.Input((4, 2)), L.Conv1D(2, 2, padding="same", name="own")
    model = md.Model(x, L.Flatten()(shared(shared(x))), seed=0)
    made = model.explain(np.ones((2, 4, 2)), np.ones((2, 8)), loss="mse")
    assert made["own"].terms("kernel", (0, 0, 0)) is None
    assert "Σ" not in made.to_latex() and not any(
        one.get("terms")
        for layer in data_of(made.to_html())["layers"]
        for one in layer["parameters"]
        if one["name"] == "kernel"
    )


def test_wrong_places_are_refused() -> None:
    step = explained(L.Conv1D(3, 2, name="own"), (6, 2))["own"]
    with pytest.raises(
        KeyError, match=r"own has no parameter 'kernels' that learns .*kernel, bias"
    ):
        step.terms("kernels", (0, 0, 0))
    assert step.terms("bias", 2).sum == step.terms("bias", (2,)).sum
    for place in [(0, 0), (2, 0, 0), (), 3]:
        with pytest.raises(IndexError, match=r"place must be within own/kernel's \(2, 2, 3\); got"):
            step.terms("kernel", place)
    with pytest.raises((TypeError, ValueError), match="place must be"):
        step.terms("kernel", (0, 0, -1))
    with pytest.raises(TypeError, match="place must be"):
        step.terms("kernel", (0, 0, 0.5))
    with pytest.raises(TypeError, match="place must be"):
        step.terms("kernel", "one")


@pytest.mark.parametrize("number", range(0, len(LAYERS), 4))
def test_the_page_holds_sums_that_come_to_the_gradients(number: int) -> None:
    made = explained(*LAYERS[number])
    layer = data_of(made.to_html())["layers"][1]
    for one in layer["parameters"]:
        terms, gradient = one["terms"], made["own"].gradients[one["name"]].ravel()
        flats, first = unpacked(terms["flats"]), 0
        assert flats.tolist() == list(range(gradient.size))
        penalty = unpacked(one["values"]["penalty"]).ravel() if "penalty" in one["values"] else None
        delta = unpacked(terms["delta"])
        given = unpacked(terms["given"]) if "given" in terms else np.ones_like(delta)
        for k, (count, shown) in enumerate(unpacked(terms["counts"])):
            some = slice(first, first + shown)
            assert shown == count or (shown == pages.MOST_TERMS and count > shown + 1)
            whole = (given[some] * delta[some]).sum() + unpacked(terms["others"])[k]
            whole += 0 if penalty is None else penalty[k]
            assert whole == pytest.approx(gradient[flats[k]], rel=1e-9, abs=1e-12)
            first += shown
        assert first == len(delta) == len(unpacked(terms["places"]))
        assert all(0 <= which < len(terms["formulas"]) for which in unpacked(terms["which"]))


def test_a_large_kernel_has_the_sums_of_its_largest_gradients() -> None:
    made = explained(L.Conv1D(40, 3), (5, 30))
    one = data_of(made.to_html())["layers"][1]["parameters"][0]
    flats = unpacked(one["terms"]["flats"])
    assert len(flats) == pages.MOST_SUMS < 40 * 90
    gradient = np.abs(made["own"].dW).ravel()
    assert gradient[flats].min() >= np.delete(gradient, flats).max()


@pytest.mark.parametrize("number", range(1, len(LAYERS), 4))
def test_the_sheet_writes_out_the_largest_gradient(number: int) -> None:
    made = explained(*LAYERS[number])
    found = 0
    for parts in equations(made.to_latex("id")):
        if parts[0] == "":
            values = [value_of(part) for part in parts if numeric(part)]
            assert len(values) == 2
            assert values[0] == pytest.approx(values[1], rel=1e-3, abs=2e-5), parts
            found += 1
    assert found >= len(made["own"].gradients), "a large dense layer has them, too"


def test_sheets_of_enormous_numbers_have_their_norms() -> None:
    layers = [L.Conv2D(2, 2, name="conv"), L.Flatten(), L.Dense(1)]
    model = md.Model(layers, input_shape=(4, 4, 1), seed=0)
    made = model.explain(np.full((1, 4, 4, 1), 1e30), [[1.0]], loss="mse")
    norm = np.linalg.norm(made["conv"].a[0].astype(np.float64))
    assert rf"\textbf{{conv}}: $\| a \| = {tex(norm)}$" in made.to_latex()
