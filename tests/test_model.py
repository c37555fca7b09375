"""Building models: names, shapes, weights, freezing, summary."""

from __future__ import annotations

import copy
import gc
from typing import Any

import mundur as md
import numpy as np
import pytest

D = md.layers.Dense


def small(**options: Any) -> md.Model:
    return md.Model([D(3, "relu"), D(2)], **({"input_shape": (4,), "seed": 0} | options))


def test_sequential_is_model() -> None:
    assert md.Sequential is md.Model


@pytest.mark.parametrize(
    "model",
    [
        md.Model([D(3)], input_shape=(4,)),
        md.Model([D(3, input_shape=(4,))]),
        md.Model([D(3, input_dim=4)]),
        md.Model([md.Input((4,)), D(3)]),
        md.Model([md.Input(4), D(3)]),
        md.Model([md.layers.InputLayer(shape=(4,)), D(3)]),
    ],
)
def test_ways_to_give_the_input_shape(model: md.Model) -> None:
    assert model.built
    assert model.input_shape == (4,)
    assert model.output_shape == (3,)
    assert model.parameters["dense/kernel"].shape == (4, 3)


def test_add_as_keras_does() -> None:
    model = md.Sequential(seed=0)
    model.add(md.Input((4,)))
    model.add(D(3))
    model.add(D(2))
    assert [layer.name for layer in model.layers] == ["dense", "dense_1"]
    assert model.output_shape == (2,)


def test_adding_to_a_built_model_keeps_its_weights() -> None:
    model = small()
    before = model.get_weights()
    model.add(D(5))
    assert model.output_shape == (5,)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights()[:4], strict=True))
    assert model.pop().name == "dense_2"
    assert model.output_shape == (2,)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_a_model_that_gave_out_live_views_keeps_its_layers() -> None:
    for look in (
        lambda m: m.parameters["dense/kernel"],
        lambda m: m.gradients,
        lambda m: m.layers[0].bias,
    ):
        model = small()
        look(model)
        for change in (lambda m: m.add(D(5)), lambda m: m.pop()):
            with pytest.raises(RuntimeError, match="live views"):
                change(model)
        other = copy.deepcopy(model)
        other.add(D(5))
        assert other.output_shape == (5,)


def test_keras_scripts_look_between_layers() -> None:
    model = md.Sequential([md.Input((4,)), D(3)], seed=0)
    for units in (3, 2):
        model.summary(print_fn=lambda line: None)
        model.set_weights(model.get_weights())
        assert model.layers[0].count_params() == len(model.layers[0].get_weights()[0].ravel()) + 3
        model.add(D(units))
    model.compile("sgd", "mse")
    model.fit(np.ones((2, 4)), np.ones((2, 2)), verbose=0)
    assert model.count_params() == 15 + 12 + 8


def test_adding_after_compile_is_an_error() -> None:
    model = small()
    model.compile("sgd", "mse")
    with pytest.raises(RuntimeError, match="before compile"):
        model.add(D(1))


def test_the_first_data_tell_the_input_shape() -> None:
    model = md.Model([D(2)], seed=0)
    assert not model.built
    assert model.input_shape is None
    with pytest.raises(RuntimeError, match="input_shape="):
        model.parameters  # noqa: B018
    model.forward(np.zeros((1, 5)))
    assert model.input_shape == (5,)


def test_wrong_first_data_leave_no_trace() -> None:
    model = md.Model([D(2)], seed=0)
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="same number of samples"):
        model.fit(np.zeros((7, 3)), np.zeros((3, 2)), verbose=0)
    assert not model.built
    model.fit(np.zeros((3, 7)), np.zeros((3, 2)), verbose=0)
    assert model.input_shape == (7,)


def test_names() -> None:
    model = md.Model([D(1), D(1, name="a"), D(1), md.layers.Dropout(0.1), D(1)])
    assert [layer.name for layer in model.layers] == ["dense", "a", "dense_1", "dropout", "dense_2"]
    assert model.get_layer("a") is model.layers[1]
    assert model.get_layer(index=0) is model.layers[0]
    with pytest.raises(ValueError, match="no layer 'b'"):
        model.get_layer("b")
    with pytest.raises(ValueError, match="distinct"):
        md.Model([D(1, name="a"), D(1, name="a")])
    with pytest.raises(ValueError, match="distinct"):
        md.Model([D(1), D(1, name="dense")])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: md.Model([D(1), md.Input((3,))]), "before the layers"),
        (lambda: md.Model([D(1), D(1, input_shape=(2,))]), "first layer"),
        (lambda: md.Model([D(1, input_shape=(3,))], input_shape=(4,)), "twice"),
        (lambda: md.Model([], input_shape=(4,)).build(), "at least one layer"),
        (lambda: small().build((5,)), "twice"),
        (lambda: md.Model([]).pop(), "no layers"),
        (
            lambda: md.Model([D(3, kernel_initializer=np.zeros((2, 2)))], input_shape=(4,)),
            "dense/kernel",
        ),
    ],
)
def test_what_does_not_fit(make: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()


def test_a_layer_belongs_to_one_model() -> None:
    layer = D(3)
    model = md.Model([layer], input_shape=(2,))
    with pytest.raises(ValueError, match="already part of a model"):
        md.Model([layer])
    md.Model([copy.deepcopy(layer)])
    del model
    gc.collect()
    md.Model([layer])


def test_a_layer_in_python_that_writes_nothing_is_an_error() -> None:
    class Mine(md.Layer):
        pass

    with pytest.raises(NotImplementedError, match="Mine writes neither call"):
        md.Model([Mine()])


def test_a_model_too_large_is_a_memory_error_at_once() -> None:
    with pytest.raises(MemoryError, match="GiB"):
        md.Model([D(10**9)], input_shape=(10**9,))
    with pytest.raises(MemoryError, match="GiB"):
        md.Model([D(2**62), D(2**62)], input_shape=(2**62,))
    model = md.Model([D(1)], seed=0)
    with pytest.raises(MemoryError):
        model.build((10**15,))
    assert not model.built


def test_a_batch_too_large_is_a_memory_error_at_once() -> None:
    x = np.broadcast_to(np.zeros((1, 1), np.float32), (10**6, 1))
    model = md.Model([D(200_000), D(1)], seed=0)
    model.compile("sgd", "mse")
    with pytest.raises(MemoryError, match="batch_size=1000000"):
        model.fit(x, np.zeros(10**6), batch_size="full", verbose=0)
    with pytest.raises(MemoryError, match="batch_size"):
        model.evaluate(x, np.zeros(10**6), batch_size="full", verbose=0)


# ---- parameters ---------------------------------------------------------------------------------


def test_views_are_live() -> None:
    model = small()
    view = model.parameters["dense/kernel"]
    view[...] = 1.5
    assert model.parameters["dense/kernel"][0, 0] == 1.5
    model.parameters["dense/bias"] = [1, 2, 3]
    x = np.ones((1, 4))
    assert np.array_equal(model.layers[0].bias, [1, 2, 3])
    model.parameters["dense_1/kernel"] = np.ones((3, 2))
    assert model.predict(x)[0, 0] == (6 + 1) + (6 + 2) + (6 + 3)
    model.parameters["dense_1/bias"] += 1
    assert model.predict(x)[0, 0] == 25


def test_views_outlive_the_model() -> None:
    view = small().parameters["dense/kernel"]
    gc.collect()
    assert view.sum() == view.sum()


def test_views_as_a_mapping() -> None:
    model = small()
    names = ["dense/kernel", "dense/bias", "dense_1/kernel", "dense_1/bias"]
    assert list(model.parameters) == names
    assert list(model.gradients) == names
    assert len(model.parameters) == 4
    assert "dense/kernel" in model.parameters
    assert "dense/x" not in model.parameters
    assert dict(model.state) == {}
    assert "dense/kernel: float32 (4, 3)" in repr(model.parameters)
    with pytest.raises(KeyError, match="did you mean 'dense/kernel'"):
        model.parameters["dense/kernal"]
    with pytest.raises(TypeError, match="cannot be deleted"):
        del model.parameters["dense/bias"]
    with pytest.raises(KeyError, match="known"):
        model.parameters["new"] = [1]


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (np.zeros(4), ValueError),
        (np.zeros((3, 1)), ValueError),
        (5.0, ValueError),
        (["a", "b", "c"], TypeError),
        ([1j, 0, 0], TypeError),
    ],
)
def test_assigned_values_are_checked(value: Any, error: type[Exception]) -> None:
    model = small()
    before = model.parameters["dense/bias"].copy()
    with pytest.raises(error, match="dense/bias"):
        model.parameters["dense/bias"] = value
    assert np.array_equal(before, model.parameters["dense/bias"])


def test_get_and_set_weights() -> None:
    model, other = small(), small(seed=1)
    other.set_weights(model.get_weights())
    x = np.ones((2, 4), np.float32)
    assert np.array_equal(model.predict(x), other.predict(x))
    copies = model.get_weights()
    copies[0][...] = 9
    assert model.parameters["dense/kernel"].max() < 9
    layer = model.layers[1]
    layer.set_weights([np.ones((3, 2)), np.zeros(2)])
    assert np.array_equal(layer.kernel, np.ones((3, 2)))
    assert [w.shape for w in layer.get_weights()] == [(3, 2), (2,)]
    assert layer.count_params() == 8
    assert model.count_params() == 4 * 3 + 3 + 8


def test_bad_weights_change_nothing() -> None:
    model = small()
    before = model.get_weights()
    weights = [np.zeros_like(w) for w in before]
    with pytest.raises(ValueError, match="4 arrays"):
        model.set_weights(weights[:3])
    with pytest.raises(ValueError, match="dense_1/bias"):
        model.set_weights([*weights[:3], np.zeros(7)])
    with pytest.raises(TypeError, match="list of arrays"):
        model.set_weights("weights")
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_a_layer_alone_has_no_weights() -> None:
    with pytest.raises(RuntimeError, match="part of a model"):
        D(3).kernel  # noqa: B018


def test_a_layer_without_bias() -> None:
    model = md.Model([D(3, use_bias=False)], input_shape=(2,))
    assert list(model.parameters) == ["dense/kernel"]
    assert model.layers[0].bias is None


# ---- seeds --------------------------------------------------------------------------------------


def test_seeds() -> None:
    one, two, other = small(seed=5), small(seed=5), small(seed=6)
    assert all(
        np.array_equal(a, b) for a, b in zip(one.get_weights(), two.get_weights(), strict=True)
    )
    assert not np.array_equal(one.get_weights()[0], other.get_weights()[0])
    drawn = small(seed=None)
    again = small(seed=drawn.seed)
    assert 0 <= drawn.seed < 2**63
    assert small(seed=None).seed != drawn.seed
    assert all(
        np.array_equal(a, b) for a, b in zip(drawn.get_weights(), again.get_weights(), strict=True)
    )


def test_layers_of_equal_shape_start_apart() -> None:
    model = md.Model([D(4), D(4)], input_shape=(4,), seed=0)
    first, second = model.get_weights()[0], model.get_weights()[2]
    assert not np.array_equal(first, second)


def test_an_initializers_seed_goes_before_the_models() -> None:
    def kernel(seed: int) -> Any:
        layer = D(3, kernel_initializer=md.initializers.HeNormal(seed=9))
        return md.Model([layer], input_shape=(4,), seed=seed).get_weights()[0]

    assert np.array_equal(kernel(1), kernel(2))


# ---- freezing -----------------------------------------------------------------------------------


def trained(model: md.Model) -> list[bool]:
    """Which parameters one epoch changes."""
    model.compile(md.optimizers.Adam(0.1), "mse")
    before = model.get_weights()
    rng = np.random.default_rng(0)
    model.fit(rng.normal(size=(8, 4)), rng.normal(size=(8, 2)), verbose=0)
    return [not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)]


def test_freezing() -> None:
    linear = lambda: md.Model([D(3), D(2)], input_shape=(4,), seed=0)  # noqa: E731
    assert trained(linear()) == [True, True, True, True]
    model = linear()
    model.layers[0].trainable = False
    assert trained(model) == [False, False, True, True]
    assert not model.gradients["dense/kernel"].any()
    model = linear()
    model.freeze("*/bias")
    assert trained(model) == [True, False, True, False]
    model.unfreeze("dense/*")
    assert trained(model) == [True, True, True, False]
    assert model.trainable_parameters == ["dense/kernel", "dense/bias", "dense_1/kernel"]
    model.trainable = False
    assert trained(model) == [False] * 4
    assert not model.trainable
    model.layers[1].trainable = True
    assert trained(model) == [False, False, True, True]


def test_freezing_before_building_and_by_argument() -> None:
    model = md.Model([D(3, trainable=False), D(2)], seed=0)
    model.freeze("dense_1/bias")
    model.build((4,))
    assert trained(model) == [False, False, True, False]
    assert md.Model([D(3)], trainable=False).trainable is False


def test_a_pattern_that_matches_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"no parameter matches 'bias'.*dense/kernel, dense/bias"):
        small().freeze("bias")
    with pytest.raises(TypeError, match="pattern"):
        small().unfreeze(None)  # type: ignore[arg-type]


# ---- summary ------------------------------------------------------------------------------------


def test_summary(capsys: Any) -> None:
    model = md.Model([D(128, "relu"), md.layers.Dropout(0.5), D(10)], input_shape=(784,), seed=3)
    model.compile("adam", md.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.layers[0].trainable = False
    assert model.summary() is None  # type: ignore[func-returns-value]
    text = capsys.readouterr().out
    for words in (
        "dense_1 (Dense)",
        "(None, 128)",
        "100,480 frozen",
        "Parameters: 101,770, trainable 1,290, non-trainable 100,480",
        "parameters 397.5 KiB, gradients 397.5 KiB, optimizer state 795.1 KiB",
        "batches of 32",
        "seed 3",
    ):
        assert words in text
    assert sum(one.nbytes for one in model.gradients.values()) == 4 * 101_770  # frozen ones too
    step = 4 * 4 * 101_770 + model.native.workspace_bytes(32, True)
    last = f"{step / 2**20:.4g} MiB; fit takes {3 * 4 * 101_770 / 2**20:.4g} MiB more"
    assert f"Memory of a training step: {last}, to undo an epoch" in text
    lines: list[str] = []
    model.summary(60, print_fn=lines.append)
    assert max(len(line) for line in lines[1:8]) <= 60
    assert not capsys.readouterr().out


def test_summary_gives_a_long_label_a_line_of_its_own(capsys: Any) -> None:
    name = "a_name_that_is_longer_than_its_column"
    md.Model([D(2, name=name)], input_shape=(3,)).summary()
    lines = capsys.readouterr().out.splitlines()
    at = lines.index(f"{name} (Dense)")
    assert lines[at + 1].split() == ["(None,", "2)", "8"]


def test_summary_shows_single_frozen_parameters(capsys: Any) -> None:
    model = small()
    model.freeze("*/bias")
    model.freeze("dense_1/*")
    model.summary()
    rows = [line for line in capsys.readouterr().out.splitlines() if "(Dense)" in line]
    assert [row.split(")  ")[-1].strip() for row in rows] == ["15, bias frozen", "8 frozen"]


def test_summary_before_the_shape_is_known(capsys: Any) -> None:
    md.Model([D(3)]).summary()
    assert "Not built" in capsys.readouterr().out
