"""Figures: what they say, not how they look."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import matplotlib
import mundur as md
import numpy as np
import pytest
from mundur.reference import worked_example as textbook

D, plots = md.layers.Dense, md.plots


@pytest.fixture(autouse=True)
def _headless() -> Iterator[None]:
    matplotlib.use("Agg")
    yield
    from matplotlib import pyplot

    pyplot.close("all")


def texts(axis: Any) -> list[str]:
    return [text.get_text() for text in axis.texts]


def two_two_two() -> md.Model:
    model = md.Model([D(2, "sigmoid"), D(2, "sigmoid")], dtype="float64", input_shape=(2,), seed=0)
    for name, value in textbook.WEIGHTS.items():
        model.parameters[name] = value
    return model


def test_matplotlib_is_imported_on_use() -> None:
    code = (
        "import sys, mundur.plots, mundur as md; md.plots; assert 'matplotlib' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=100)


def test_figures_without_matplotlib(monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot", raising=False)
    with pytest.raises(ImportError, match=r"pip install mundur\[examples\]"):
        plots.network(two_two_two())


# ---- network ------------------------------------------------------------------------------------


def test_the_2_2_2_network_with_its_numbers() -> None:
    axis = plots.network(two_two_two(), textbook.INPUTS[0], textbook.TARGETS[0], loss="mse")
    shown = texts(axis)
    for text in ("0.05", "0.1", "0.593", "0.773", "b = 0.35", "δ = 0.138", "δ = 0.00877"):
        assert text in shown
    for weight in (0.15, 0.2, 0.25, 0.3, 0.4, 0.45, 0.5, 0.55):
        assert f"{weight:.3g}" in shown
    assert axis.get_title() == "model: L = 0.298"
    assert len(axis.patches) == 6
    assert "dense_1\nsigmoid" in shown


def test_weights_as_width_and_colour() -> None:
    model = md.Model([D(1, use_bias=False)], input_shape=(3,), seed=0)
    model.parameters["dense/kernel"] = [[2.0], [-1.0], [0.0]]
    strong, negative, nothing = plots.network(model).lines
    assert strong.get_linewidth() > negative.get_linewidth() > nothing.get_linewidth()
    assert strong.get_color() != negative.get_color()
    assert strong.get_linestyle() == "-" != negative.get_linestyle()


def test_large_layers_are_abbreviated_with_dots() -> None:
    model = md.Model(
        [md.layers.Rescaling(0.1), D(40, "relu"), md.layers.Dropout(0.1), D(3)],
        input_shape=(64,),
        seed=0,
    )
    axis = plots.network(model, np.arange(64.0), most=6)
    assert len(axis.patches) == 5 + 5 + 3
    assert "0" in texts(axis) and "6.3" in texts(axis)  # the first input and the last, rescaled
    assert "input\nRescaling" in texts(axis) and "dense\nrelu\nDropout" in texts(axis)
    assert not [text for text in texts(axis) if text.startswith("δ")]


def test_units_are_named_by_the_layer_whose_outputs_they_are() -> None:
    layers = [md.layers.Embedding(9, 4), md.layers.LSTM(3), md.layers.Dropout(0.1), D(2)]
    model = md.Model(layers, input_shape=(5,), seed=0)
    shown = texts(plots.network(model, [[1, 2, 3, 4, 5]]))
    assert "input → embedding →\nlstm\nDropout" in shown
    normalized = md.Model([md.layers.BatchNormalization(), D(2)], input_shape=(5,), seed=0)
    assert "input\nBatchNormalization" in texts(plots.network(normalized))


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.593, "0.593"), (-0.00769, "-8e-3"), (0.000961, "1e-3"), (-12345.0, "-1e4"), (0.0, "0")],
)
def test_numbers_fit_into_their_circles(value: float, text: str) -> None:
    identity = D(1, use_bias=False, kernel_initializer="ones")
    axis = plots.network(md.Model([identity], input_shape=(1,), seed=0), [[value]])
    assert texts(axis).count(text) == 2


def test_networks_that_cannot_be_drawn() -> None:
    model = two_two_two()
    with pytest.raises(ValueError, match="y needs an x"):
        plots.network(model, y=[0.0])
    with pytest.raises(ValueError, match="one sample; got 3"):
        plots.network(model, np.ones((3, 2)))
    with pytest.raises(ValueError, match="dense layer"):
        plots.network(md.Model([md.layers.Flatten()], input_shape=(2, 2), seed=0))
    with pytest.raises(ValueError, match="Matplotlib axes"):
        plots.network(model, axes=3)


def test_axes_may_be_given() -> None:
    from matplotlib import pyplot

    _, axis = pyplot.subplots()
    assert plots.network(two_two_two(), axes=axis) is axis


# ---- descent ------------------------------------------------------------------------------------


def parabola() -> tuple[md.Model, Any]:
    """L = 14/3 (w - 2)², whose curvature is 28/3: 1/c = 0.107, 2/c = 0.214."""
    line = D(1, use_bias=False, kernel_initializer="zeros")
    return md.Model([line], input_shape=(1,), seed=0), np.array([[1.0], [2.0], [3.0]])


def test_descent_converges_overshoots_and_diverges() -> None:
    model, x = parabola()
    axes = plots.descent(model, x, 2 * x, "dense/kernel", [0.1, 0.11, 0.21, 0.215], loss="mse")
    assert [axis.get_title() for axis in axes] == [
        "η = 0.1: converges",
        "η = 0.11: overshoots, converges",
        "η = 0.21: overshoots, converges",
        "η = 0.215: diverges",
    ]
    w, loss = axes[0].lines[1].get_data()
    expected = [0.0]
    for _ in range(12):
        expected.append(expected[-1] - 0.1 * 28 / 3 * (expected[-1] - 2))
    assert w == pytest.approx(expected)
    assert loss == pytest.approx(14 / 3 * (w - 2) ** 2)
    assert model.parameters["dense/kernel"].item() == 0.0


def test_descent_to_infinity_is_drawn_as_far_as_it_goes() -> None:
    model, x = parabola()
    (axis,) = plots.descent(model, x, 2 * x, "dense/kernel", [1e100], loss="mse")
    assert axis.get_title().endswith("diverges")


def test_descent_along_a_frozen_bias_of_a_network() -> None:
    model = two_two_two()
    model.freeze("*/bias")
    axes = plots.descent(
        model, textbook.INPUTS, textbook.TARGETS, "dense_1/bias", [0.5], index=1, loss="mse"
    )
    assert axes[0].get_xlabel() == "dense_1/bias[1]"
    assert axes[0].lines[1].get_ydata()[0] == pytest.approx(0.2983711087600027)
    w = axes[0].lines[1].get_xdata()
    assert w[1] == pytest.approx(0.6 - 0.5 * textbook.worked_example().deltas["δ_o2"])


def test_bad_descents() -> None:
    model, x = parabola()
    with pytest.raises(KeyError, match="dense/kernel"):
        plots.descent(model, x, x, "dense/kernle", [0.1], loss="mse")
    with pytest.raises(IndexError, match="2 numbers"):
        plots.descent(model, x, x, "dense/kernel", [0.1], index=1, loss="mse")
    with pytest.raises(ValueError, match="learning_rates"):
        plots.descent(model, x, x, "dense/kernel", [0.0], loss="mse")


# ---- gradients by layer -------------------------------------------------------------------------


def test_gradient_flow_of_passes() -> None:
    x = np.random.default_rng(0).normal(size=(8, 4))
    passes = {
        f: md.Model([D(4, f), D(4, f), D(1)], seed=0).explain(x, np.ones(8), "mse")
        for f in ("sigmoid", "relu")
    }
    axis = plots.gradient_flow(passes)
    assert [line.get_label() for line in axis.lines] == ["sigmoid", "relu"]
    norms = axis.lines[0].get_ydata()
    g = passes["sigmoid"].gradients
    both = np.concatenate([g["dense_1/kernel"].ravel(), g["dense_1/bias"]])
    assert norms[1] == pytest.approx(np.linalg.norm(both))
    assert axis.get_yscale() == "log"


def test_names_of_many_layers_stand_side_by_side() -> None:
    deep = md.Model([D(2) for _ in range(21)], seed=0)
    axis = plots.gradient_flow(deep.explain(np.ones((2, 2)), np.ones((2, 2)), "mse"))
    names = [label.get_text() for label in axis.get_xticklabels()]
    assert names == ["dense", "dense_4", "dense_8", "dense_12", "dense_16", "dense_20"]
    axis.figure.canvas.draw()
    boxes = [label.get_window_extent() for label in axis.get_xticklabels()]
    assert all(left.x1 < right.x0 for left, right in itertools.pairwise(boxes))


def test_gradient_norms_in_history(blobs: Any, classifier: Any) -> None:
    x, y = blobs
    watched, alone = classifier(dropout=0.3), classifier(dropout=0.3)
    norms = md.callbacks.GradientNorms(x[:50], y[:50])
    history = watched.fit(x, y, epochs=3, verbose=0, callbacks=[norms])
    plain = alone.fit(x, y, epochs=3, verbose=0)
    assert set(history.history) - set(plain.history) == {
        "gradient_norm/dense",
        "gradient_norm/dense_1",
    }
    assert history.history["loss"] == plain.history["loss"]
    for mine, theirs in zip(watched.get_weights(), alone.get_weights(), strict=True):
        assert np.array_equal(mine, theirs)
    last = watched.explain(x[:50], y[:50]).gradient_norms
    assert history.history["gradient_norm/dense"][-1] == last["dense"]
    axis = plots.gradient_flow(history)
    assert [line.get_label() for line in axis.lines] == ["dense", "dense_1"]
    assert axis.lines[0].get_xdata().tolist() == [1, 2, 3]
    assert len(history.plot()) == 2  # loss and accuracy, not the norms
    with pytest.raises(ValueError, match="GradientNorms"):
        plots.gradient_flow(plain)
    with pytest.raises(TypeError, match="Explanation"):
        plots.gradient_flow([1.0])


def test_a_history_draws_losses_and_metrics_alone() -> None:
    history = md.History()
    for epoch in range(3):
        logs = {"loss": 1.0, "accuracy": 0.5, "learning_rate": 1e-3, "gradient_norm/dense": 2.0}
        history.on_epoch_end(epoch, logs | {"val_loss": 1.5, "val_accuracy": 0.4})
    loss, metrics = history.plot()
    assert [line.get_label() for line in loss.lines] == ["training", "validation"]
    assert [line.get_label() for line in metrics.lines] == ["training", "validation"]
    assert metrics.get_ylabel() == "accuracy"


# ---- classifiers --------------------------------------------------------------------------------


def test_a_confusion_of_labels_and_scores() -> None:
    scores = np.eye(3)[[0, 1, 1, 2, 2, 0]]
    axis = plots.confusion([0, 1, 1, 2, 1, 0], scores, labels=["a", "b", "c"])
    assert axis.get_title() == "5 of 6 right (83.3%)"
    cells = {t.get_position(): t.get_text() for t in axis.texts}
    shown = {(0, 0): "2\n100%", (1, 1): "2\n67%", (2, 1): "1\n33%", (2, 2): "1\n100%"}
    assert cells == shown
    assert {label.get_rotation() for label in axis.get_xticklabels()} == {0}
    assert axis.get_xlabel().startswith("predicted") and axis.get_ylabel().startswith("true")
    shares = plots.confusion(np.eye(3)[[0, 1, 1, 2, 1, 0]], scores.argmax(1), normalize=True)
    assert {t.get_position(): t.get_text() for t in shares.texts}[2, 1] == "0.33"


@pytest.mark.parametrize(
    ("y_true", "y_pred", "words"),
    [
        ([0, 1], [0], "same number of samples"),
        ([0, 1], [0.2, 0.8], "round probabilities"),
        ([0, -1], [0, 1], "whole class numbers"),
        ([0, 1], [[0.5, np.nan], [0.5, 0.5]], "y_pred must hold numbers; got NaN"),
        ([], [], "y_true must hold"),
        ([0, 3], [0, 1], "labels must name 4"),
    ],
)
def test_bad_confusions(y_true: Any, y_pred: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        plots.confusion(y_true, y_pred, labels=["a", "b"])


@pytest.mark.parametrize("head", ["sigmoid", "logit", "softmax"])
def test_a_decision_boundary(head: str) -> None:
    # Class 1 where the first feature exceeds 0.25, whatever the head.
    units = 2 if head == "softmax" else 1
    activation = None if head == "logit" else head
    model = md.Model([D(units, activation)], input_shape=(2,), seed=0)
    kernel = np.zeros((2, units))
    kernel[0, -1] = 4.0
    model.parameters["dense/kernel"] = kernel
    model.parameters["dense/bias"] = [0.0] * (units - 1) + [-1.0]
    loss: Any = {
        "sigmoid": "binary_crossentropy",
        "logit": md.losses.BinaryCrossentropy(from_logits=True),
        "softmax": "sparse_categorical_crossentropy",
    }[head]
    model.compile("sgd", loss)
    x = np.array([[-1.0, -1.0], [1.0, 1.0]])
    axis = plots.decision_boundary(model, x, [0, 1], labels=["left", "right"], resolution=121)
    image = axis.images[0].get_array()
    assert image.shape[:2] == (121, 121)
    places = np.linspace(-1.2, 1.2, 121)
    is_right = (image[60] == image[60, -1]).all(axis=-1)
    assert np.array_equal(is_right, places > 0.25)
    assert [t.get_text() for t in axis.get_legend().get_texts()] == ["left", "right"]


def test_bad_decision_boundaries() -> None:
    model = md.Model([D(1)], input_shape=(3,), seed=0)
    with pytest.raises(ValueError, match="samples, 2"):
        plots.decision_boundary(model, np.ones((4, 3)))
    with pytest.raises(ValueError, match="4 rows"):
        plots.decision_boundary(md.Model([D(1)], seed=0), np.ones((4, 2)), [0, 1])


# ---- languages ----------------------------------------------------------------------------------


def words_of(axis: Any) -> set[str]:
    from matplotlib.text import Text

    axis.figure.canvas.draw()
    return {text.get_text() for text in axis.findobj(Text)} - {""}


def test_labels_in_indonesian(blobs: Any) -> None:
    x, y = blobs
    x, y = x[:, :2], y == 0
    model = md.Model([D(4, "tanh"), D(1, "sigmoid")], seed=0)
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, epochs=2, validation_split=0.2, verbose=0)
    found = words_of(plots.decision_boundary(model, x, y, language="id"))
    assert {"fitur pertama", "fitur kedua", "Kelas tebakan", "kelas 0", "kelas 1"} <= found
    found = words_of(plots.confusion([0, 1, 1], [0, 1, 0], language="id"))
    assert {"2 dari 3 benar (66.7%)", "kelas tebakan", "kelas sebenarnya"} <= found
    names = md.plots.confusion([0, 1], [0, 1], labels=["loss", "dog"], language="id")
    assert {"galat", "dog"} <= words_of(names)  # names on an axis, too
    axes = history.plot(language="id")
    assert [axis.get_ylabel() for axis in axes] == ["galat", "akurasi"]
    assert {"pelatihan", "validasi"} <= words_of(axes[0])
    flow = plots.gradient_flow(model.explain(x, y), language="id")
    assert {"lapisan, dari masukan ke keluaran", "dense", "dense_1"} <= words_of(flow)
    assert "masukan" in words_of(plots.network(model, x[:1], language="id"))
    line, at = parabola()
    rates = [0.1, 0.11, 0.215]
    axes = plots.descent(line, at, 2 * at, "dense/kernel", rates, loss="mse", language="id")
    assert [axis.get_title() for axis in axes] == [
        "η = 0.1: konvergen",
        "η = 0.11: melompati minimum, konvergen",
        "η = 0.215: divergen",
    ]
    assert {"galat", "12 langkah", "awal"} <= words_of(axes[0])


@pytest.mark.parametrize("language", ["de", "ID", 3])
def test_other_languages(language: Any) -> None:
    calls = [
        lambda: plots.confusion([0], [0], language=language),
        lambda: plots.network(two_two_two(), language=language),
        lambda: plots.graph(two_two_two(), language=language),
        lambda: plots.gradient_flow({}, language=language),
        lambda: md.History().plot(language=language),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="language must be"):
            call()


def test_colours_are_of_one_palette() -> None:
    from mundur.plots.figures import COLOURS  # the palette itself

    history = md.History()
    history.on_epoch_end(0, {"loss": 1.0, "val_loss": 2.0, "accuracy": 0.5, "val_accuracy": 0.2})
    for axis in history.plot():
        assert [line.get_color() for line in axis.lines] == list(COLOURS[:2])
