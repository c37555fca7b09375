"""What explanations show within layers: the gates of recurrent ones, the maps of images."""

from __future__ import annotations

from typing import Any

import mundur as md
import numpy as np
import pytest
from mundur.examples.lstm_gates import gates as by_hand
from mundur.inspection import page as pages  # data of a page, without a browser

from explained import data_of, unpacked

L = md.layers
RECURRENT = [
    L.LSTM(3, bias_initializer="random_normal"),
    L.LSTM(3, "gelu", "hard_sigmoid", use_bias=False),
    L.GRU(3, bias_initializer="random_normal"),
    L.GRU(3, reset_after=False, bias_initializer="random_normal"),
    L.GRU(2, "softsign", use_bias=False),
    L.SimpleRNN(3, bias_initializer="random_normal"),
    L.SimpleRNN(3, None),
]


def through_time(layer: Any, **options: Any) -> Any:
    """An explanation of a layer of that kind behind a mask, where "masked" is among the options."""
    masked = options.pop("masked", False)
    own = type(layer).from_config(layer.get_config() | options | {"name": "own"})
    layers = [*([L.Masking()] if masked else []), own, L.Dense(1)]
    model = md.Model(layers, seed=0, input_shape=(5, 2), dtype="float64")
    x = np.random.default_rng(0).normal(size=(2, 5, 2))
    if masked:
        x[0, 3:], x[1, 1] = 0, 0
    shape = (2, 5, 1) if own.return_sequences else (2, 1)
    return model.explain(x, np.zeros(shape), "mse")


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("layer", RECURRENT, ids=repr)
def test_gates_come_to_the_layers_outputs_and_errors(
    layer: Any, backwards: bool, sequences: bool, masked: bool
) -> None:
    made = through_time(layer, go_backwards=backwards, return_sequences=sequences, masked=masked)
    step = made["own"]
    gates = step.gates
    assert gates is not None
    h, units = gates.values["h"], layer.units
    a = step.a if sequences else step.a[:, None]
    assert a == pytest.approx(h[:, gates.order if sequences else gates.order[-1:]], abs=1e-12)
    assert (gates.steps, gates.units) == (5, units)
    heard = np.ones((2, 5), bool)
    if masked:
        heard[0, 3:] = heard[1, 1] = False
    assert np.array_equal(gates.heard, heard)
    assert set(gates.errors) >= {"h", "from_a", "from_next"}
    assert np.array_equal(gates.errors["h"], gates.errors["from_a"] + gates.errors["from_next"])
    delta = made.values["own/delta"]
    for k, (name, own) in enumerate(gates.deltas.items()):
        assert np.array_equal(own, delta[..., k * units : (k + 1) * units]), name
    # δ by the definitions of the gates, from the errors of the states.
    v, f, e = gates.values, gates.slopes, gates.errors
    first = gates.order[0]
    if step.kind == "LSTM":
        mine = {"i": e["c"] * v["g"] * f["i"], "g": e["c"] * v["i"] * f["g"]}
        before = np.zeros_like(v["c"])
        before[:, gates.order[1:]] = v["c"][:, gates.order[:-1]]
        mine["f"] = e["c"] * before * f["f"]
        assert not gates.deltas["f"][:, first].any()
    elif step.kind == "GRU":
        mine = {"n": e["h"] * (1 - v["z"]) * f["n"]}
    else:
        mine = {"h": e["h"] * f["h"]}
    for name, own in mine.items():
        assert own[heard] == pytest.approx(gates.deltas[name][heard], rel=1e-6, abs=1e-12), name


def test_gates_are_those_of_the_example() -> None:
    made = through_time(L.LSTM(3), return_sequences=True)
    layer = L.LSTM(3, name="own")
    model = md.Model([layer], seed=0, input_shape=(5, 2), dtype="float64")
    for name, value in made["own"].parameters.items():
        model.parameters[f"own/{name}"] = value
    for name, own in by_hand(layer, made.x[1]).items():
        assert made["own"].gates.values[name][1] == pytest.approx(own, abs=1e-12)


def test_states_that_are_handed_on_are_in_the_gates() -> None:
    x = md.Input((4, 2))
    _, *states = L.LSTM(3, return_state=True, name="reads")(x)
    out = L.Dense(1)(L.LSTM(3, name="writes")(x, initial_state=states))
    made = md.Model(x, out, seed=0).explain(np.ones((1, 4, 2)), [[0.0]], "mse")
    for name in ("reads", "writes"):
        assert made[name].gates is not None and made[name].gates.errors
    assert made["writes"].gates.deltas["f"][0, 0].any(), "c is not 0 before the first step"


def test_gates_that_are_not_known_say_so() -> None:
    layer = L.LSTM(2, stateful=True, name="own")
    model = md.Model([L.Input((3, 2), batch_size=1), layer, L.Dense(1)], seed=0)
    x = np.ones((1, 3, 2))
    model.predict(x, batch_size=1)
    made = model.explain(x, [[1.0]], "mse")
    assert made["own"].gates is None and made["dense"].gates is None
    own, dense = data_of(made.to_html())["layers"]
    assert own["gates"] == {"why": "gates_unknown", "values": []} and dense["gates"] is None


def test_gates_of_long_sequences_are_not_in_the_page() -> None:
    model = md.Model([L.GRU(3), L.Dense(1)], seed=0)
    made = model.explain(np.ones((1, pages.MOST_STEPS + 1, 2)), [[1.0]], "mse")
    told = data_of(made.to_html())["layers"][0]["gates"]
    assert told == {"why": "gates_large", "values": [24, 16, 32, 25, 3, 2]}
    assert made[0].gates is not None, "the explanation has them"


def images(**options: Any) -> Any:
    layers = [
        L.Conv2D(4, 3, activation="relu", name="first", **options),
        L.DepthwiseConv2D(2, depth_multiplier=2, name="deep"),
        L.Conv2DTranspose(3, 2, name="up"),
        L.MaxPooling2D(2, name="pool"),
        L.Flatten(),
        L.Dense(2),
    ]
    model = md.Model(layers, seed=0)
    model.compile("sgd", "mse")
    x = np.random.default_rng(1).normal(size=(2, 8, 7, 2))
    return model.explain(x, np.zeros((2, 2)))


def test_maps_are_the_layers_outputs_and_errors_by_channel() -> None:
    made = images()
    layers = {layer["name"]: layer for layer in data_of(made.to_html())["layers"]}
    for name in ("first", "deep", "up", "pool"):
        step, maps = made[name], layers[name]["maps"]
        height, width, channels = step.a.shape[1:]
        assert maps["channels"] == list(range(channels))
        for what in ("a", "delta"):
            shown = unpacked(maps[what]).reshape(2, channels, height, width)
            for sample in range(2):
                assert np.array_equal(shown[sample], step.maps(sample)[what])
            assert step.maps(1)[what][2, 1, 0] == getattr(step, what)[1, 1, 0, 2]
    kernel, gradient = (of["kernel"] for of in (made["first"].parameters, made["first"].gradients))
    for what, own in (("kernel", kernel), ("gradient", gradient)):
        shown = unpacked(layers["first"]["maps"][what])
        assert shown.shape == (4, 2, 3, 3) and shown[3, 1, 2, 0] == own[2, 0, 1, 3]
    deep, up = (unpacked(layers[name]["maps"]["kernel"]) for name in ("deep", "up"))
    assert deep.shape == (8, 1, 2, 2) and up.shape == (3, 8, 2, 2)
    assert deep[5, 0, 0, 1] == made["deep"].parameters["kernel"][0, 1, 2, 1]
    assert up[2, 7, 1, 0] == made["up"].parameters["kernel"][1, 0, 2, 7]
    assert "kernel" not in layers["pool"]["maps"] and layers["flatten"]["maps"] is None
    (given,) = data_of(made.to_html())["inputs"]
    assert np.array_equal(unpacked(given["maps"]["a"])[1].reshape(2, 8, 7)[1], made.x[1, :, :, 1])


def test_a_map_computed_by_hand() -> None:
    """The numbers of a map are the sums of its windows: no channel, row or column is mixed up."""
    made = images()
    step = made["first"]
    window, kernel = made.x[1, 2:5, 3:6], step.parameters["kernel"][..., 2]
    assert step.maps(1)["a"][2, 2, 3] == pytest.approx(max(0, float((window * kernel).sum())))


def test_many_maps_show_the_largest_and_large_ones_say_so() -> None:
    layer = L.Conv2D(40, 1, name="own")
    model = md.Model([layer, L.GlobalAveragePooling2D(), L.Dense(1)], seed=0, input_shape=(4, 4, 1))
    kernel = np.zeros((1, 1, 1, 40), "float32")
    kernel[..., 5:37] = np.linspace(-1, 1.1, 32)
    model.parameters["own/kernel"] = kernel
    made = model.explain(np.ones((1, 4, 4, 1)), [[1.0]], "mse")
    maps = data_of(made.to_html())["layers"][0]["maps"]
    assert maps["channels"] == list(range(5, 37)) and unpacked(maps["a"]).shape == (1, 32 * 16)
    assert (maps["why"], maps["values"]) == ("maps_some", [32, 40])
    assert unpacked(maps["kernel"]).shape == (32, 1, 1, 1)

    wide = md.Model([L.Conv2D(1, 1), L.GlobalMaxPooling2D()], seed=0)
    made = wide.explain(np.ones((1, 210, 200, 1)), [[1.0]], "mse")
    data = data_of(made.to_html())
    told = {"why": "maps_large", "values": [210, 200]}
    assert data["layers"][0]["maps"] == data["inputs"][0]["maps"] == told
    assert len(made.to_html()) < 400_000


def test_maps_of_what_is_no_image_are_refused() -> None:
    made = images()
    with pytest.raises(
        ValueError, match=r"maps are of a layer .* those of dense have shape \(2,\)"
    ):
        made["dense"].maps()
