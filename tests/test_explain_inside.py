"""What explanations show within layers: the gates of recurrent ones, the maps of images."""

from __future__ import annotations

from typing import Any

import mundur as md
import numpy as np
import pytest
from mundur.examples.lstm_gates import gates as by_hand
from mundur.inspection import page as pages  # data of a page, without a browser
from mundur.inspection.formulas import tex  # a number of a sheet
from mundur.inspection.sheet import fill  # a formula of a sheet

from explained import data_of, equations, numeric, unpacked, value_of

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


UNKNOWN = {"why": "gates_unknown", "values": []}


def both_ways(layer: Any, masked: bool = False, **options: Any) -> Any:
    """An explanation of a Bidirectional of that layer, "own"."""
    L = md.layers
    merge = options.pop("merge_mode", "concat")
    one = type(layer).from_config(layer.get_config() | options | {"name": "cell"})
    both = L.Bidirectional(one, merge, name="own")
    layers = [*([L.Masking()] if masked else []), both, L.Dense(1)]
    model = md.Model(layers, seed=0, input_shape=(5, 2), dtype="float64")
    x = np.random.default_rng(0).normal(size=(2, 5, 2))
    if masked:
        x[0, 3:], x[1, 1] = 0, 0
    return model.explain(x, np.zeros((2, 5, 1) if one.return_sequences else (2, 1)), "mse")


@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize(
    ("layer", "masked", "merge"),
    [
        (RECURRENT[0], True, "concat"),
        (RECURRENT[2], False, "sum"),
        (RECURRENT[3], True, "ave"),
        (RECURRENT[5], False, "concat"),
        (RECURRENT[5], True, "mul"),
    ],
    ids=repr,
)
def test_both_directions_have_their_gates(
    layer: Any, masked: bool, merge: str, sequences: bool
) -> None:
    made = both_ways(layer, masked, merge_mode=merge, return_sequences=sequences)
    step = made["own"]
    assert step.gates is None
    assert [one.name for one in step.within] == ["own/forward_cell", "own/backward_cell"]
    ahead, back = (one.gates for one in step.within)
    assert (ahead.order, back.order) == ([0, 1, 2, 3, 4], [4, 3, 2, 1, 0])
    heard = np.ones((2, 5), bool)
    if masked:
        heard[0, 3:] = heard[1, 1] = False
    hs = [
        one.values["h"] if sequences else one.values["h"][:, one.order[-1]] for one in (ahead, back)
    ]
    joined = {
        "concat": np.concatenate(hs, -1),
        "sum": hs[0] + hs[1],
        "ave": (hs[0] + hs[1]) / 2,
        "mul": hs[0] * hs[1],
    }[merge]
    if sequences:
        joined = np.where(heard[..., None], joined, 0)
    assert step.a == pytest.approx(joined, abs=1e-12)
    for one, gates in zip(step.within, (ahead, back), strict=True):
        assert np.array_equal(gates.heard, heard)
        assert set(gates.errors) >= {"h", "from_a", "from_next"}, "the way back is known"
        first = gates.order[-1]  # the step that the error comes to last: ∂L/∂x from δ
        sums = np.concatenate([gates.deltas[name] for name in gates.deltas], -1)
        kernel = made.gradients[f"{one.name}/kernel"]
        assert kernel == pytest.approx(np.einsum("nti,ntz->iz", one.x, sums), abs=1e-12)
        assert np.array_equal(one.dx[:, first], (sums @ one.parameters["kernel"].T)[:, first])
    assert step.dx == pytest.approx(step.within[0].dx + step.within[1].dx, abs=1e-12)


def test_both_directions_are_in_the_page() -> None:
    made = both_ways(RECURRENT[0])
    own = data_of(made.to_html())["layers"][0]
    assert [cell["name"] for cell in own["gates"]] == ["forward_cell", "backward_cell"]
    for cell, one in zip(own["gates"], made["own"].within, strict=True):
        assert {f"{cell['prefix']}{name}" for name in one.parameters} <= {
            parameter["name"] for parameter in own["parameters"]
        }
        for name, of in one.gates.values.items():
            assert np.array_equal(unpacked(cell["values"][name]), of.reshape(2, -1))
        assert cell["order"] == one.gates.order


def test_both_directions_go_on_from_states() -> None:
    x = md.Input((4, 2))
    _, *states = L.Bidirectional(L.GRU(3, return_state=True), name="reads")(x)
    out = L.Dense(1)(L.Bidirectional(L.GRU(3), name="writes")(x, initial_state=states))
    made = md.Model(x, out, seed=0).explain(np.ones((1, 4, 2)), [[0.0]], "mse")
    for name in ("reads", "writes"):
        for one in made[name].within:
            assert one.gates is not None and one.gates.errors, one.name
    assert made["writes"].within[1].inputs[1] is made["writes"].inputs[2]


def test_recurrent_layers_within_others_say_why_there_are_no_gates() -> None:
    layers = [L.Residual([L.SimpleRNN(2, return_sequences=True)], name="around"), L.Dense(1)]
    made = md.Model(layers, seed=0).explain(np.ones((1, 3, 2)), np.ones((1, 3, 1)), "mse")
    around, _ = data_of(made.to_html())["layers"]
    assert around["gates"] == [{"why": "gates_within", "values": ["Residual"]}]


def test_a_class_derived_from_a_recurrent_layer_has_its_gates() -> None:
    class Own(md.layers.GRU):
        """The same by another name."""

    made = md.Model([Own(2), L.Dense(1)], seed=0).explain(np.ones((1, 3, 2)), [[1.0]], "mse")
    (cell,) = data_of(made.to_html())["layers"][0]["gates"]
    assert cell["kind"] == "GRU" and made[0].gates.kind == "GRU"


# ---- masks ---------------------------------------------------------------------------------------


def test_a_dead_cell_is_not_taken_for_a_masked_step() -> None:
    layer = L.SimpleRNN(1, "relu", name="own", return_sequences=True)
    model = md.Model([L.Masking(), layer, L.Dense(1)], input_shape=(5, 1), seed=0)
    model.parameters["own/kernel"] = [[1.0]]
    model.parameters["own/recurrent_kernel"] = [[0.5]]
    x = np.array([[1.0, -2.0, 0.0, 3.0, 0.0]]).reshape(1, 5, 1)  # dead, masked, alive, masked
    made = model.explain(x, np.zeros((1, 5, 1)), "mse")
    gates = made["own"].gates
    assert not made.values["own/delta"][0, 1].any(), "δ is 0 there as it is at masked steps"
    assert gates.heard.tolist() == [[True, True, False, True, False]]
    assert gates.values["h"].ravel().tolist() == [1.0, 0.0, 0.0, 3.0, 3.0]
    assert gates.errors


def masked_ways() -> dict[str, Any]:
    """Models through which a mask comes to "own", of sequences of 4 steps, and which have it."""
    x = md.Input((4, 2))
    left, right = L.Masking()(x), L.Masking(1.0)(x)
    own = {"name": "own"}
    return {
        "embedding": md.Model([L.Embedding(5, 2, mask_zero=True), L.Dense(2), L.LSTM(2, **own)]),
        "value": md.Model([L.Masking(1.0), L.LSTM(2, **own)]),
        "within": md.Model([L.Residual([L.Masking(), L.Dense(2)]), L.LSTM(2, **own)]),
        "either": md.Model(x, L.LSTM(2, **own)(L.Add()([left, right]))),
        "one alone": md.Model(x, L.LSTM(2, **own)(L.Add()([left, x]))),
        "each step": md.Model([L.Masking(), L.TimeDistributed(L.Dense(2)), L.LSTM(2, **own)]),
        "behind another": md.Model(
            [L.Masking(), L.GRU(2, return_sequences=True), L.LSTM(2, **own)]
        ),
        "dropped": md.Model([L.Masking(), L.Conv1D(2, 1), L.LSTM(2, **own)]),
    }


@pytest.mark.filterwarnings("ignore:.*drops the mask")
@pytest.mark.parametrize("name", masked_ways())
def test_masks_come_to_the_gates_as_they_come_to_the_layer(name: str) -> None:
    x = np.array([[[0, 0], [1, 1], [2, 3], [0, 0]], [[1, 1], [0, 4], [0, 0], [1, 1]]], float)
    zero, one = (x != 0).any(-1), (x != 1).any(-1)
    if name == "embedding":
        x = np.array([[0, 1, 2, 0], [3, 0, 0, 4]])
    heard = {
        "embedding": x != 0,
        "value": one,
        "either": zero | one,
        "one alone": np.ones((2, 4), bool),
        "dropped": np.ones((2, 4), bool),
    }.get(name, zero)
    gates = masked_ways()[name].explain(x, np.ones((2, 2)), "mse")["own"].gates
    assert gates is not None and np.array_equal(gates.heard, heard)


def test_gates_that_are_not_known_say_so() -> None:
    layer = L.LSTM(2, stateful=True, name="own")
    model = md.Model([L.Input((3, 2), batch_size=1), layer, L.Dense(1)], seed=0)
    x = np.ones((1, 3, 2))
    model.predict(x, batch_size=1)
    made = model.explain(x, [[1.0]], "mse")
    assert made["own"].gates is None and made["dense"].gates is None
    own, dense = data_of(made.to_html())["layers"]
    assert own["gates"] == [{"kind": "LSTM", "name": "own", "prefix": "", **UNKNOWN}]
    assert dense["gates"] is None


def test_gates_of_long_sequences_are_not_in_the_page() -> None:
    model = md.Model([L.GRU(3), L.Dense(1)], seed=0)
    made = model.explain(np.ones((1, pages.MOST_STEPS + 1, 2)), [[1.0]], "mse")
    (told,) = data_of(made.to_html())["layers"][0]["gates"]
    assert (told["why"], told["values"]) == ("gates_large", [24, 16, 32, 25, 3, 2])
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


# ---- single weights ------------------------------------------------------------------------------


def kinds() -> dict[str, tuple[list[Any], Any]]:
    """Layers whose weights are no dense layer's, behind each other, and a sample's shape."""
    return {
        "sequences": (
            [
                L.Conv1D(3, 2, name="conv"),
                L.BatchNormalization(name="norm"),
                L.DepthwiseConv1D(2, depth_multiplier=2, name="deep"),
                L.Conv1DTranspose(2, 2, name="up"),
                L.SeparableConv1D(3, 2, name="apart"),
                L.GRU(2, return_sequences=True, name="gru"),
                L.LayerNormalization(name="rows"),
                L.Bidirectional(L.LSTM(2), name="both"),
                L.Dense(2),
            ],
            (8, 2),
        ),
        "images": (
            [
                L.Conv2D(3, 2, name="conv", kernel_regularizer="l2"),
                L.DepthwiseConv2D(2, name="deep"),
                L.Conv2DTranspose(2, 2, name="up"),
                L.GroupNormalization(2, name="groups"),
                L.Flatten(),
                L.Dense(2),
            ],
            (5, 5, 2),
        ),
        "ids": ([L.Embedding(6, 3, name="table"), L.SimpleRNN(2, name="rnn"), L.Dense(2)], (4,)),
    }


def of_kind(kind: str, optimizer: Any = "nadam") -> Any:
    layers, shape = kinds()[kind]
    model = md.Model(layers, seed=0, input_shape=shape)
    model.compile(optimizer, "mse")
    rng = np.random.default_rng(0)
    x = rng.integers(0, 5, (2, *shape)) if kind == "ids" else rng.normal(size=(2, *shape))
    model.fit(x, np.zeros((2, 2)), epochs=2, verbose=0)
    return model.explain(x, np.zeros((2, 2)))


def evaluated_update(one: Any, flat: int) -> tuple[float, float]:
    """Checks the page's lines for an element that it holds; its old and its new number."""
    held = one.get("values") or one["singles"]
    at = flat if "values" in one else unpacked(one["places"]).tolist().index(flat)
    of = {**one["known"], **{slot: float(unpacked(v).ravel()[at]) for slot, v in held.items()}}
    old = of["w"]
    for k, line in enumerate(one["lines"]):
        result = line.get("value", of["new"] if line.get("last") else of.get(f"@{k}"))
        assert value_of(fill(line["numbers"], of)) == pytest.approx(result, rel=5e-4, abs=2e-6)
        of[line["makes"]] = result
    return old, of["new"]


@pytest.mark.parametrize("kind", kinds())
def test_every_weight_of_every_layer_has_its_update_in_the_page(kind: str) -> None:
    made = of_kind(kind)
    data = data_of(made.to_html())
    seen = set()
    for layer in data["layers"][:-1]:
        for one in layer["parameters"]:
            path, shape = one["path"], tuple(one["shape"])
            assert len(one["axes"]) == len(shape), path
            gradient, new = made.gradients[path], made.update.parameters[path]
            assert np.array_equal(unpacked(one["values"]["g"]), gradient)
            assert np.array_equal(unpacked(one["values"]["new"]), new)
            for flat in {0, new.size // 2, int(np.abs(gradient).argmax())}:
                old, now = evaluated_update(one, flat)
                assert now == new.ravel()[flat] != old or not gradient.ravel()[flat]
            seen.add((one["name"].rpartition("/")[2], tuple(one["axes"])))
            if "axis_gate" in one["axes"]:
                assert shape[-1] % len(one["gates"]) == 0
    assert len(seen) >= 3


def test_single_weights_of_large_parameters_are_held() -> None:
    model = md.Model([L.Embedding(4000, 4, name="table"), L.GRU(2), L.Dense(1)], seed=0)
    model.compile("adam", "mse")
    x = np.array([[7, 3999, 7], [12, 0, 1]])
    made = model.explain(x, np.ones((2, 1)))
    text = made.to_html()
    assert len(text) < 400_000
    one = data_of(text)["layers"][0]["parameters"][0]
    assert "values" not in one and one["axes"] == ["axis_id", "axis_component"]
    places = unpacked(one["places"])
    gradient = made.gradients["table/embeddings"]
    rows = {int(place) // 4 for place in places[: 5 * 4]}
    assert rows == {7, 3999, 12, 0, 1}, "first come the rows of the batch"
    assert set(unpacked(one["check"]["places"])[:128].tolist()) <= set(places.tolist())
    assert len(set(places.tolist())) == len(places) <= 2 * pages.MOST_SINGLE
    for flat in places[:8].tolist():
        old, new = evaluated_update(one, flat)
        assert new == made.update.parameters["table/embeddings"].ravel()[flat]
        assert old != new and gradient.ravel()[flat]


def test_a_large_dense_kernel_has_the_rules_numbers_of_single_weights() -> None:
    model = md.Model([L.Dense(60, "tanh"), L.Dense(1)], input_shape=(100,), seed=0)
    model.compile("adam", "mse")
    made = model.explain(np.random.default_rng(0).normal(size=(1, 100)), [[1.0]])
    one = data_of(made.to_html())["layers"][0]["parameters"][0]
    assert "m" not in one["values"]
    flat = int(np.abs(made[0].dW).argmax())
    at = unpacked(one["places"]).tolist().index(flat)
    assert at == 0 and unpacked(one["singles"]["g"])[0] == made[0].dW.ravel()[flat]
    assert {"m", "v", "@0", "@1", "new"} <= set(one["singles"])


def test_the_sheet_moves_one_weight_of_every_layer() -> None:
    made = of_kind("images")
    sheet = made.to_latex("id")
    for path, gradient in made.gradients.items():
        name = path.partition("/")[2]
        if path.startswith("dense"):
            continue
        place = np.unravel_index(np.abs(gradient).argmax(), gradient.shape)
        w = rf"\text{{{name}}}_{{{','.join(str(int(i) + 1) for i in place)}}}"
        of_path = [
            parts for parts in equations(sheet) if w in parts[0] and "partial" not in parts[0]
        ]
        new = tex(made.update.parameters[path][place])
        assert any(parts[-1] == new and numeric(parts[1]) for parts in of_path), path
    for parts in equations(sheet):
        values = [value_of(part) for part in parts if numeric(part)] or [0.0]
        # Terms of six digits that nearly cancel lose them.
        size = 1e-5 if parts[0] == "" else 2e-6
        assert values == pytest.approx([values[-1]] * len(values), rel=1e-3, abs=size), parts


def test_maps_of_what_is_no_image_are_refused() -> None:
    made = images()
    with pytest.raises(
        ValueError, match=r"maps are of a layer .* those of dense have shape \(2,\)"
    ):
        made["dense"].maps()
