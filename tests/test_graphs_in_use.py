"""Graphs and what is around them in the hands of users: what trips, and what it says then."""

from __future__ import annotations

import copy
import pickle
import traceback
from typing import Any

import mundur as md
import numpy as np
import pytest
from mundur._support.checks import WrongType  # which users see as a TypeError

L = md.layers
RNG = np.random.default_rng(3)
A, Y = RNG.normal(size=(20, 3)), RNG.normal(size=(20, 1))


# ---- errors that read as what users know --------------------------------------------------------


def test_a_wrong_type_reads_as_a_type_error_and_goes_to_other_processes() -> None:
    with pytest.raises(WrongType) as caught:
        L.Dense("ten")
    told = traceback.format_exception_only(caught.value)[-1]
    assert told == "TypeError: units must be an integer; got 'ten' (str)\n"
    again = pickle.loads(pickle.dumps(caught.value))
    assert type(again) is WrongType and str(again) == str(caught.value)
    assert isinstance(copy.copy(caught.value), ValueError)


# ---- chains that graphs are made of -------------------------------------------------------------


def test_a_chain_grows_after_its_values_were_looked_at() -> None:
    model = md.Sequential([md.Input((3,)), L.Dense(2)])
    before = model.layers[0].output
    assert model.output is before
    encoder = md.Model(model.input, before)
    model.add(L.Dense(1))
    assert model.output is model.layers[1].output is not before
    assert model.layers[0].output is not before
    assert encoder.output_shape == (2,) and model.output_shape == (1,)


def test_a_chain_within_a_graph_stays_as_it_is() -> None:
    base = md.Sequential([md.Input((3,)), L.Dense(2)], name="base")
    value = base(md.Input((3,)))
    with pytest.raises(RuntimeError, match="add would change 'base' within a graph"):
        base.add(L.Dense(5))
    assert value.shape == (None, 2)
    inner = md.Sequential([L.Dense(2)])
    outer = md.Sequential([inner, L.Dense(1)])
    with pytest.raises(RuntimeError, match=r"pop layers before, or to copy\.deepcopy"):
        inner.pop()
    copied = copy.deepcopy(inner)
    copied.add(L.Dense(7))
    outer.add(L.Dense(4))
    assert outer.predict(A).shape == (20, 4)


def test_a_model_in_a_graph_does_not_always_train() -> None:
    base = md.Sequential([md.Input((3,)), L.Dropout(0.5)])
    with pytest.raises(ValueError, match="training must be False in a graph"):
        base(md.Input((3,)), training=True)


def test_one_input_in_a_list() -> None:
    x = md.Input((3,))
    for model in (md.Model(x, L.Dense(1)(x)), md.Sequential([md.Input((3,)), L.Dense(1)])):
        model.compile("sgd", "mse")
        model.fit([A], Y, validation_data=([A], Y), verbose=0)
        np.testing.assert_array_equal(model.predict([A]), model.predict(A))
        assert model.predict([A[0]]).shape == (1, 1)
        with pytest.raises(ValueError, match="x must have shape"):
            model.predict([A, A])


def test_an_axis_of_one_may_be_left_out_of_samples_as_of_targets() -> None:
    x = md.Input((6, 1))
    model = md.Model(x, L.LSTM(1, return_sequences=True)(x))
    model.compile("sgd", "mse")
    series = RNG.normal(size=(8, 6))
    model.fit(series, series, verbose=0)
    np.testing.assert_array_equal(model.predict(series), model.predict(series[..., None]))
    with pytest.raises(ValueError, match=r"x must have shape \(samples, 6, 1\); got \(8, 5\)"):
        model.predict(series[:, :5])


# ---- losses of sets -----------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [md.losses.Dice(), md.losses.Tversky()])
def test_sets_have_members_or_not(loss: Any) -> None:
    for call in (loss, loss.gradient):
        with pytest.raises(ValueError, match=r"y_true must lie in \[0, 1\].*got 5.0 at sample 1"):
            call([[0.0], [5.0]], [[0.5], [0.5]])
        with pytest.raises(ValueError, match="y_true must be finite; got nan at sample 1"):
            call([[0.0], [np.nan]], [[0.5], [0.5]])
    model = md.Model([L.Dense(1, "sigmoid")])
    model.compile("sgd", loss)
    y = np.zeros((20, 1))
    y[3] = np.nan
    with pytest.raises(ValueError, match="y must be finite; got nan at sample 3"):
        model.fit(A, y, verbose=0)


# ---- one output by its name, or in a list -------------------------------------------------------


def one_output(kind: Any = None) -> md.Model:
    x = md.Input((3,))
    y = L.Dense(1, name="rate")(x)
    return md.Model(x, y if kind is None else kind([y]))


@pytest.mark.parametrize("kind", [None, list])
def test_one_output_by_its_name(kind: Any) -> None:
    asked: list[dict[str, Any]] = [
        {"loss": {"rate": "mse"}, "metrics": {"rate": "mae"}, "loss_weights": {"rate": 1.0}},
        {"loss": {"rate": md.losses.MeanSquaredError()}, "metrics": {"rate": ["mae"]}},
        {"loss": ["mse"], "metrics": [["mae"]], "loss_weights": [1.0]},
        {"loss": {"class_name": "mean_squared_error"}, "metrics": ["mae"]},
        {"loss": "mse", "metrics": {"rate": {"class_name": "MeanAbsoluteError"}}},
    ]
    for one in asked:
        model = one_output(kind)
        model.compile("sgd", **one)
        for y in (Y, [Y], {"rate": Y}):
            history = model.fit(A, y, validation_data=(A, y), verbose=0).history
        assert len(history) == 4 and "val_loss" in history
    with pytest.raises(ValueError, match=r"loss names 'rato'; the only output is 'rate'"):
        model.compile("sgd", {"rato": "mse"})
    with pytest.raises(ValueError, match=r"metrics names 'a', 'b'; the only output is 'rate'"):
        model.compile("sgd", "mse", metrics={"a": "mae", "b": "mae"})
    with pytest.raises(ValueError, match="loss must not be a dict by outputs where there is one"):
        md.Sequential([L.Dense(1)]).compile("sgd", {"dense": "mse"})
    with pytest.raises(ValueError, match="loss_weights must be None"):
        model.compile("sgd", "mse", loss_weights=[0.5])


@pytest.mark.parametrize("given", [lambda y: y, lambda y: {"rate": y}])
@pytest.mark.parametrize("kind", [None, list, lambda y: {"rate": y[0]}])
def test_one_output_is_looked_into_in_whatever_it_comes(kind: Any, given: Any) -> None:
    model, bare = one_output(kind), one_output()
    model.set_weights(bare.get_weights())
    for one in (model, bare):
        one.compile("sgd", "mse")
    x, y = A[:4], Y[:4]
    assert model.check_gradients(x, given(y)) and model.verify(x, given(y))
    assert str(model.explain(x, given(y))) == str(bare.explain(x, y))
    for name, gradients in model.per_sample_gradients(x, given(y)).items():
        assert np.array_equal(gradients, bare.per_sample_gradients(x, y)[name])


def test_outputs_that_are_no_values() -> None:
    x = md.Input((3,))
    for given, came in (((L.Dense(2),), r"Dense\(2\), a layer: call it on a value"), ((), "none")):
        with pytest.raises(TypeError, match=f"outputs must be symbolic, .*; got {came}"):
            md.Model(x, *given)


# ---- metrics that are losses --------------------------------------------------------------------


def test_a_loss_among_the_metrics() -> None:
    model = md.Model([L.Dense(1)], seed=0)
    model.compile("sgd", "mse", metrics=[md.losses.Huber(2.0), md.losses.LogCosh(name="soft")])
    stop = md.callbacks.EarlyStopping("val_soft", patience=1)
    history = model.fit(A, Y, validation_data=(A, Y), callbacks=[stop], verbose=0).history
    assert [*history] == ["loss", "huber_loss", "soft", "val_loss", "val_huber_loss", "val_soft"]
    expected = md.losses.Huber(2.0)(Y, model.predict(A))
    assert history["val_huber_loss"][-1] == pytest.approx(expected, rel=1e-6)
    weights = np.linspace(0, 1, 20)
    model.compile("sgd", "mae", weighted_metrics=[md.losses.MeanSquaredError(name="squares")])
    told = model.evaluate(A, Y, sample_weight=weights, verbose=0, return_dict=True)
    expected = md.losses.MeanSquaredError()(Y, model.predict(A), weights)
    assert told["squares"] == pytest.approx(expected, rel=1e-6)


# ---- layers in front ----------------------------------------------------------------------------


def test_normalization_in_a_graph_and_on_what_does_not_suit_it() -> None:
    layer = L.Normalization()
    layer.adapt(A)
    x = md.Input((3,))
    model = md.Model(x, layer(x))
    np.testing.assert_allclose(model.predict(A), (A - A.mean(0)) / A.std(0), rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match=r"have 3 columns; samples of shape \(4,\) have 4"):
        layer(np.ones((2, 4)))
    with pytest.raises(ValueError, match="data must be finite; got nan at sample 0, feature 1"):
        layer.adapt([[1.0, np.nan]])
    with pytest.raises(ValueError, match="data must hold at least one sample"):
        layer.adapt(np.ones((0, 3)))
    with pytest.raises(ValueError, match="as many columns in every batch; got 3 and then 4"):
        layer.adapt(iter([np.ones((2, 3)), np.ones((2, 4))]))


# ---- callbacks and figures ----------------------------------------------------------------------


def test_a_backup_says_at_once_where_it_could_not_go_on(tmp_path: Any) -> None:
    def model() -> md.Model:
        made = md.Model([L.Dense(1)], seed=1)
        made.compile("sgd", "mse")
        return made

    def backup(**options: Any) -> md.callbacks.BackupAndRestore:
        return md.callbacks.BackupAndRestore(tmp_path, **options)

    with pytest.raises(TypeError, match="BackupAndRestore goes with x and y as arrays"):
        model().fit(iter([(A, Y)]), callbacks=[backup()], verbose=0)
    kept = backup(delete_checkpoint=False)
    model().fit(A, Y, epochs=2, callbacks=iter([kept]), verbose=0)
    assert model().fit(A, Y, epochs=3, callbacks=iter([backup()]), verbose=0).epoch == [2]


def test_a_graph_is_drawn_into_a_file(tmp_path: Any) -> None:
    pytest.importorskip("matplotlib")
    x = md.Input((3,), name="features")
    model = md.Model(x, L.Add()([x, L.Dense(3, name="bent")(x)]))
    md.utils.plot_model(model, tmp_path / "model.svg", show_shapes=True)
    text = (tmp_path / "model.svg").read_text(encoding="utf-8")
    assert "features" in text and "bent" in text
    md.utils.plot_model(md.Sequential([model, L.Dense(1)]), tmp_path / "nested.svg")
    with pytest.raises(TypeError, match="model must be a Model; got None"):
        md.utils.plot_model(None, tmp_path / "none.svg")


# ---- classes that overlap -----------------------------------------------------------------------


def test_classes_that_there_are_none_of() -> None:
    metrics = md.metrics
    for y, p, words in (
        ([0, 1, 7], [0, 1, 1], r"y_true must hold classes in \[0, 2\) for MeanIoU; got 7"),
        ([0, 0.5], [0, 1], r"y_true must hold classes .* got 0.5"),
        ([0, np.nan], [0, 1], r"y_true must hold classes .* got nan"),
        ([0, 1], [0, -1], r"y_pred must hold classes in \[0, 2\) for MeanIoU; got -1"),
    ):
        with pytest.raises(ValueError, match=words):
            metrics.MeanIoU(2)(y, p)
    assert metrics.MeanIoU(2, ignore_class=255)([0, 1, 255], [0, 1, 1]) == 1
    with pytest.raises(ValueError, match=r"OneHotIoU\(axis=5\) needs rows along that axis"):
        metrics.OneHotIoU(2, [0], axis=5)(np.eye(2), np.eye(2))
    model = md.Model([L.Dense(2, "softmax")])
    model.compile("sgd", "categorical_crossentropy", metrics=[metrics.OneHotIoU(2, [0], axis=5)])
    with pytest.raises(ValueError, match="OneHotIoU needs 2 outputs, one for each class"):
        model.fit(A, np.eye(2)[(Y[:, 0] > 0).astype(int)], verbose=0)


# ---- categories and texts -----------------------------------------------------------------------


def test_vocabularies_that_cannot_be(tmp_path: Any) -> None:
    (tmp_path / "words").write_text("a\nb\n", encoding="utf-8")
    assert L.StringLookup(vocabulary=tmp_path / "words")(["b", "z"]).tolist() == [2, 0]
    (tmp_path / "words").write_text("1\nx\n", encoding="utf-8")
    for make, words in (
        (lambda: L.IntegerLookup(vocabulary=tmp_path / "words"), "a token must be an integer"),
        (lambda: L.StringLookup(2, num_oov_indices=5), "room for words beside 5 special ones"),
        (lambda: L.StringLookup(vocabulary=["a", ""], mask_token=""), "holds '', a special token"),
        (
            lambda: L.StringLookup(vocabulary=["a", "[UNK]"], invert=True),
            r"holds '\[UNK\]', a special token",
        ),
    ):
        with pytest.raises(ValueError, match=words):
            make()
    numbers = L.IntegerLookup(vocabulary=[1, 2])
    assert numbers([1.0, 2.0, 3.0]).tolist() == [1, 2, 0]  # as a column that once had gaps
    for odd in (1.5, float("nan"), float("inf")):
        with pytest.raises(TypeError, match="a token must be an integer"):
            numbers([odd])
    with pytest.raises(ValueError, match="inputs must hold whole numbers, of tokens"):
        L.StringLookup(vocabulary=["a"], invert=True)([0.5])


def test_texts_that_are_none() -> None:
    layer = L.TextVectorization(vocabulary=["a"])
    for odd in (None, 3, {"a": 1}):
        with pytest.raises(TypeError, match="texts must be a list, an array or batches of them"):
            layer.adapt(odd)
    with pytest.raises(TypeError, match=r"texts must be a list, .* got 1"):
        layer.adapt(iter([1, 2]))
    with pytest.raises(ValueError, match=r"shape \(samples,\) or \(samples, 1\); got \(2, 2\)"):
        layer([["a", "a"], ["b", "b"]])
    assert layer([]).shape == (0, 0)
    assert L.TextVectorization(vocabulary=["a"], output_mode="count")([]).shape == (0, 2)


def test_layers_in_front_say_that_they_stand_there() -> None:
    x = md.Input((1,))
    for layer in (
        *(L.CategoryEncoding(3), L.Discretization([0.5]), L.StringLookup(vocabulary=["a"])),
        *(L.IntegerLookup(vocabulary=[1]), L.TextVectorization(vocabulary=["a"])),
    ):
        with pytest.raises(
            TypeError, match=f"stands in front of a model, .* = {layer.name}\\(x\\)"
        ):
            layer(x)


def test_categories_and_bins_of_what_is_none() -> None:
    rows = L.CategoryEncoding(10**6, "one_hot")([[3], [999_999]])  # no matrix of all by all
    assert rows.shape == (2, 10**6) and rows.sum() == 2 and rows[1, 999_999] == 1
    with pytest.raises(ValueError, match=r"count_weights must have the shape of inputs, \(1, 2\)"):
        L.CategoryEncoding(3, "count")([[0, 1]], count_weights=[[1, 2, 3]])
    with pytest.raises(ValueError, match="inputs must not hold NaN, which lies in no bin"):
        L.Discretization([0.0])([np.nan])
    bins = L.Discretization(num_bins=3)
    with pytest.raises(ValueError, match="data must be finite; got nan at sample 1"):
        bins.adapt([1.0, np.nan])
    with pytest.raises(ValueError, match="data must hold at least one number"):
        bins.adapt([])
