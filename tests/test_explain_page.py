"""The page and the sheet that explain a pass: their numbers, their words, and how they behave."""

from __future__ import annotations

import base64
import copy
import html
import json
import math
import pickle
import re
import shutil
import subprocess
import unicodedata
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mundur as md
import numpy as np
import pytest
from mundur.inspection import page as pages
from mundur.inspection.formulas import ACTIVATIONS, loss_formula, plain, rule_of
from mundur.inspection.page_texts import LANGUAGES, TEXTS
from mundur.inspection.sheet import fill
from mundur.reference import worked_example as textbook

D = md.layers.Dense
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def two_two_two(optimizer: Any = None) -> Any:
    model = md.Model([D(2, "sigmoid"), D(2, "sigmoid")], dtype="float64", input_shape=(2,), seed=0)
    for name, value in textbook.WEIGHTS.items():
        model.parameters[name] = value
    model.compile(optimizer or md.optimizers.SGD(0.5), "mse")
    return model


def worked() -> md.inspection.Explanation:
    return two_two_two().explain(textbook.INPUTS, textbook.TARGETS)


def classifier(units: int = 8, inputs: int = 4, samples: int = 3, **options: Any) -> Any:
    layers = [D(units, "tanh"), D(3, "softmax", bias_initializer="random_normal")]
    model = md.Model(layers, input_shape=(inputs,), seed=1, **options)
    model.compile("adam", "sparse_categorical_crossentropy")
    x = np.random.default_rng(0).normal(size=(samples, inputs))
    return model, x, np.arange(samples) % 3


def data_of(text: str) -> Any:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    assert found
    return json.loads(found[1])


def unpacked(packed: Any) -> Any:
    kind = np.dtype(f"<{packed['type']}")
    return np.frombuffer(base64.b64decode(packed["data"]), kind).reshape(packed["shape"])


def value_of(latex: str) -> float:
    """What a formula of numbers comes to."""
    while True:
        new = re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", r"((\1)/(\2))", latex)
        new = re.sub(r"\\sqrt\{([^{}]*)\}", r"sqrt(\1)", new)
        new = re.sub(r"\^\{([^{}]*)\}", r"**(\1)", new)
        if new == latex:
            break
        latex = new
    for name, of in (
        (r"\\operatorname\{(\w+)\}", r"\1"),
        (r"\\cdot", "*"),
        (r"\\le\b", "<="),
        (r"\\ge\b", ">="),
        (r"\\bigl|\\bigr", ""),
        (r"\\(\w+)", r"\1"),
        (r"\|([^|]*)\|", r"abs(\1)"),
        (r"\[([^\]]*)\]", r"float(\1)"),
        ("[{}]", ""),
    ):
        latex = re.sub(name, of, latex)
    known = {name: getattr(math, name) for name in ("e", "sqrt", "tanh")}
    known |= {"ln": math.log, "max": max, "min": min, "abs": abs, "float": float}
    known["sign"] = np.sign
    return float(eval(latex, {"__builtins__": {}}, known))


# ---- the formulas --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_f_and_its_slope_are_what_the_layer_computes(name: str) -> None:
    model = md.Model([D(6, name, bias_initializer="random_normal")], seed=0, dtype="float64")
    x = np.random.default_rng(1).normal(size=(2, 5)) * 2
    step = model.explain(x, np.zeros((2, 6)), "mse")[0]
    of = ACTIVATIONS[name]
    assert step.slope is not None
    for z, a, slope in zip(step.z.flat, step.a.flat, step.slope.flat, strict=True):
        for numbers, expected in ((of.f_numbers, a), (of.slope_numbers, slope)):
            if numbers is not None:
                written = fill(numbers, {"z": z, "a": a})
                assert value_of(written) == pytest.approx(expected, rel=1e-4, abs=1e-5), written
    assert "\\" not in plain(of.f) + plain(of.slope) and "{" not in plain(of.f) + plain(of.slope)


def test_every_activation_has_its_formula() -> None:
    known = {name for name in md.activations.NATIVE if "softmax" not in name}
    assert known == set(ACTIVATIONS)


RULES = [
    md.optimizers.SGD(0.5),
    md.optimizers.SGD(0.5, momentum=0.9),
    md.optimizers.SGD(0.5, momentum=0.9, nesterov=True),
    md.optimizers.Adam(0.1),
    md.optimizers.RMSprop(0.1),
    md.optimizers.Adagrad(0.1),
    md.optimizers.Lion(0.1),
]


@pytest.mark.parametrize("steps", [0, 3])
@pytest.mark.parametrize("optimizer", RULES, ids=repr)
def test_the_rules_numbers_make_the_new_weights(optimizer: Any, steps: int) -> None:
    model = two_two_two(copy.deepcopy(optimizer))
    x, y = np.asarray(textbook.INPUTS), np.asarray(textbook.TARGETS)
    for _ in range(steps):
        model.train_on_batch(x, y)
    made = model.explain(x, y)
    update = made.update
    assert update is not None and update.rule.numbers["t"] == steps + 1
    model.backward(model.compiled_loss.gradient(y, model.forward(x)))
    model.optimizer.step(model)
    for path, new in update.parameters.items():
        assert np.array_equal(new, model.parameters[path])
        layer, name = path.split("/")
        for place in np.ndindex(new.shape):
            known = dict(update.rule.numbers)
            known |= {"w": made[layer].parameters[name][place], "g": made.gradients[path][place]}
            for slot, state in update.after.get(path, {}).items():
                known |= {f"{slot}'": state[place], slot: update.before[path][slot][place]}
            known["w'"] = new[place]
            for _, numbers, makes in update.rule.lines:
                assert numbers is not None and makes is not None
                assert value_of(fill(numbers, known)) == pytest.approx(known[makes], rel=2e-4)
    after = model.evaluate(x, y, verbose=0)
    assert update.loss == pytest.approx(after, abs=1e-12)


def test_the_textbooks_error_after_one_update() -> None:
    update = worked().update
    assert update is not None and update.loss == pytest.approx(0.28047144679143016, abs=1e-12)


def test_what_acts_beside_a_rule_is_named() -> None:
    rule = rule_of(md.optimizers.SGD(0.1, weight_decay=0.01, clipnorm=1.0))
    assert rule.besides == ("weight_decay=0.01", "clipnorm=1.0")
    assert rule_of(md.optimizers.RMSprop(momentum=0.5)).besides == ("momentum=0.5",)

    class Own(md.Optimizer):
        def update_step(self, gradient: Any, variable: Any, learning_rate: float) -> None:
            variable.assign_sub(learning_rate * np.sign(gradient))

    assert rule_of(Own(0.1)).lines == ()
    update = two_two_two(Own(0.1)).explain(textbook.INPUTS, textbook.TARGETS).update
    assert update is not None
    assert update.parameters["dense/bias"] == pytest.approx([0.25, 0.25])


LOSSES = [
    ("mean_squared_error", "linear", np.linspace(-1, 1, 6).reshape(2, 3)),
    ("mean_absolute_error", "linear", np.linspace(-1, 1, 6).reshape(2, 3)),
    ("binary_crossentropy", "sigmoid", np.array([[0, 1, 1], [1, 0, 0]])),
    (md.losses.BinaryCrossentropy(True), "linear", np.array([[0, 1, 1], [1, 0, 0]])),
    ("categorical_crossentropy", "softmax", np.eye(3)[[2, 0]]),
    (md.losses.CategoricalCrossentropy(True, label_smoothing=0.1), "linear", np.eye(3)[[2, 0]]),
    ("sparse_categorical_crossentropy", "softmax", np.array([2, 0])),
    (md.losses.SparseCategoricalCrossentropy(True), "linear", np.array([2, 0])),
]


@pytest.mark.parametrize(("loss", "head", "y"), LOSSES, ids=str)
def test_the_losses_numbers_make_it_and_its_slope(loss: Any, head: str, y: Any) -> None:
    model = md.Model([D(3, head)], seed=0, dtype="float64")
    made = model.explain(np.random.default_rng(0).normal(size=(2, 4)), y, loss)
    assert made.again is not None
    formula = loss_formula(made.again.loss, made.y, made.y_pred, made[0].da)
    assert formula is not None and formula.y is not None
    assert formula.term is not None and formula.factor is not None and formula.slope_numbers
    total = 0.0
    for n, j in np.ndindex(formula.y.shape):
        p = 0.0 if formula.p is None else formula.p[n, j]
        known = {"y": formula.y[n, j], "a": made.y_pred[n, j], "p": p, "n": formula.n}
        slope = value_of(fill(formula.slope_numbers, known))
        assert slope == pytest.approx(made[0].da[n, j], rel=2e-4, abs=1e-5)
        total += value_of(fill(formula.term, known))
    assert total * value_of(fill(formula.factor, known)) == pytest.approx(made.loss, rel=1e-4)


def test_a_loss_whose_formula_is_not_known_has_none() -> None:
    made = md.Model([D(2)], seed=0).explain(np.ones((1, 2)), [[1.0, 2.0]], md.losses.Huber())
    assert "whole" not in pages.page_data(made)["loss"]
    ignoring = md.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=0)
    made = md.Model([D(3)], seed=0).explain(np.ones((2, 2)), [0, 1], ignoring)
    loss = pages.page_data(made)["loss"]
    assert "whole" in loss and "y" not in loss


# ---- the page's data -----------------------------------------------------------------------------


def test_the_pages_numbers_are_the_explanations() -> None:
    model, x, y = classifier()
    made = model.explain(x, y)
    data = data_of(made.to_html())
    for step, layer in zip(made, data["layers"], strict=True):
        assert layer["name"] == step.name and layer["form"] == "dense"
        for name in ("z", "a", "slope", "da", "delta"):
            whole = getattr(step, name)
            if whole is None:
                assert name not in layer["values"]
            else:
                assert np.array_equal(unpacked(layer["values"][name]["packed"]), whole)
        for one in layer["parameters"]:
            assert np.array_equal(unpacked(one["values"]["w"]), step.parameters[one["name"]])
            assert np.array_equal(unpacked(one["values"]["g"]), step.gradients[one["name"]])
            new = made.update.parameters[one["path"]]
            assert np.array_equal(unpacked(one["values"]["new"]), new)
            size = step.parameters[one["name"]].size
            assert np.array_equal(unpacked(one["check"]["places"]), np.arange(size))
            central = unpacked(one["check"]["central"])
            scale = np.abs(central).max()
            assert central == pytest.approx(made.gradients[one["path"]].ravel(), abs=1e-4 * scale)
            assert one["check"]["difference"] < 1e-6
    assert data["loss"]["value"] == made.loss
    assert data["checked"] == [67, 67]
    assert [layer["column"] for layer in data["layers"]] == [1, 2]


def test_the_page_is_one_file_that_asks_for_nothing(tmp_path: Path) -> None:
    path = tmp_path / "langkah.html"
    worked().save(path, language="id")
    text = path.read_text(encoding="utf-8")
    assert text == worked().to_html("id"), "the same bytes each time"
    assert text.startswith("<!doctype html>") and '<html lang="id">' in text
    assert "default-src 'none'" in text
    addresses = set(re.findall(r"https?://[^\s\"'<]+", text))
    assert addresses == {"http://www.w3.org/1998/Math/MathML", "http://www.w3.org/2000/svg"}
    assert not re.search(r"<link|@import|url\(|\bsrc=|fetch\(|XMLHttp|localStorage", text)
    worked().save(path)  # a second one takes its place
    assert '<html lang="en">' in path.read_text(encoding="utf-8")


def test_names_do_not_break_out_of_the_page() -> None:
    class Evil(md.losses.MeanSquaredError):
        title = "</script><script>alert(1)</script>"

    made = two_two_two().explain(textbook.INPUTS, textbook.TARGETS, Evil())
    assert made.loss_name == Evil.title
    text = made.to_html()
    assert Evil.title not in text and data_of(text)["loss"]["name"] == Evil.title
    assert "</script>" not in made._repr_html_() and "\\end{document}" in made.to_latex()


def test_notebooks_show_the_page_in_a_frame_of_its_own() -> None:
    made = worked()
    shown = made._repr_html_()
    inner = re.search(r' srcdoc="([^"]*)"', shown)
    assert inner and html.unescape(inner[1]) == made.to_html()
    assert 'sandbox="allow-scripts"' in shown


def test_texts_are_there_in_both_languages() -> None:
    script = (Path(pages.__file__).parent / "page.js").read_text(encoding="utf-8")
    for name, text in TEXTS.items():
        assert set(text) == set(LANGUAGES) and all(text.values()), name
        places = [sorted(re.findall(r"\{\d\}", text[language])) for language in LANGUAGES]
        assert places[0] == places[1], name
    asked = set(re.findall(r'\bt\("(\w+)"', script))
    asked |= set(re.findall(r'\bt\([^()"]*\? "(\w+)" : "(\w+)"', script)[0])
    assert asked and asked <= set(TEXTS), asked - set(TEXTS)
    python = "".join(
        (Path(pages.__file__).parent / name).read_text(encoding="utf-8")
        for name in ("page.py", "sheet.py")
    )
    starts = ("step_", "about_", "kind_", "note_", "ask_")
    for name in TEXTS:
        used = name.startswith(starts) or f'"{name}"' in script or name in python
        assert used, f"{name} is said nowhere"
    for note in re.findall(r'_note\("(\w+)"', python):
        assert f"note_{note}" in TEXTS


def test_what_the_page_is_made_of_is_shipped() -> None:
    for name in ("page.html", "page.css", "page.js"):
        assert (Path(md.__file__).parent / "inspection" / name).stat().st_size > 300


# ---- large, odd and broken models ----------------------------------------------------------------


def test_large_batches_show_one_sample() -> None:
    model, x, y = classifier(samples=20)
    made = model.explain(x, y)
    data = data_of(made.to_html(sample=-3))
    assert data["samples"] == [17] and data["count"] == 20
    assert np.array_equal(unpacked(data["layers"][0]["values"]["z"]["packed"]), made[0].z[17:18])
    assert {"name": "one_of_many", "values": ["20", "17"]} in data["notes"]


def test_large_kernels_keep_the_neurons_that_count() -> None:
    model = md.Model([D(700, "relu"), D(10, "softmax")], input_shape=(500,), seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    made = model.explain(np.random.default_rng(0).normal(size=(2, 500)), [1, 2])
    text = made.to_html()
    data = data_of(text)
    first, last = data["layers"]
    assert len(text) < 2_000_000
    assert last["columns"] is None and len(first["columns"]) == 24
    assert set(np.argsort(-np.abs(made[0].delta[0]))[:24]) == set(first["columns"])
    kernel = next(one for one in first["parameters"] if one["name"] == "kernel")
    assert np.array_equal(
        unpacked(kernel["values"]["w"]), made[0].parameters["kernel"][:, first["columns"]]
    )
    assert kernel["summary"]["norm"] == pytest.approx(np.linalg.norm(made[0].parameters["kernel"]))
    assert sum(kernel["gradient"]["counts"]) == 350_000
    assert "some_neurons" in [note["name"] for note in data["notes"]]
    assert 0 < data["checked"][0] < data["checked"][1] == 357_710
    assert "too large" in made.to_latex()


class Twice(md.Layer):
    def forward(self, x: Any) -> Any:
        return 2 * x

    def backward(self, dy: Any) -> Any:
        return 2 * dy


def odd_models() -> dict[str, Callable[[], Any]]:
    """Explanations of all that is no chain of dense layers."""
    rng = np.random.default_rng(0)
    L = md.layers

    def masked() -> Any:
        model = md.Model([L.Embedding(9, 4, mask_zero=True), L.LSTM(5), D(1, "sigmoid")], seed=0)
        model.compile("adam", "binary_crossentropy")
        return model.explain(np.array([[1, 2, 0], [3, 0, 0]]), [[1], [0]])

    def own() -> Any:
        model = md.Model([D(3), Twice(), D(2, (np.sin, np.cos))], input_shape=(2,), seed=0)
        model.compile("rmsprop", "mse")
        return model.explain(np.ones((1, 2)), np.ones((1, 2)))

    def images() -> Any:
        layers = [L.Conv2D(3, 2, activation="relu"), L.MaxPooling2D(2), L.Flatten()]
        model = md.Model([*layers, L.Dropout(0.5), D(2), L.Activation("tanh")], seed=0)
        model.compile("adam", "mse")
        return model.explain(rng.normal(size=(2, 5, 5, 1)), np.zeros((2, 2)))

    def graph() -> Any:
        a, b = md.Input((3,), name="left"), md.Input((2,), name="right")
        shared = D(4, "tanh", name="shared")
        joined = L.Concatenate()([shared(a), shared(D(3)(b))])
        ends = [D(1, name="first")(joined), D(2, name="second")(joined)]
        model = md.Model([a, b], ends, seed=0)
        model.compile("adam", {"first": "mse", "second": "mae"})
        return model.explain([np.ones((2, 3)), np.ones((2, 2))], [np.ones((2, 1)), np.ones((2, 2))])

    def sequences() -> Any:
        layers = [L.Conv1D(4, 2), L.GRU(3, return_sequences=True), D(2), L.GlobalMaxPooling1D()]
        model = md.Model(layers, seed=0)
        model.compile("sgd", "mse")
        return model.explain(rng.normal(size=(1, 6, 3)), [[0.0, 1.0]])

    def penalised() -> Any:
        one = D(2, "tanh", kernel_regularizer="l2", activity_regularizer="l2")
        model = md.Model([one, L.BatchNormalization(), D(1)], input_shape=(3,), seed=0)
        model.compile(md.optimizers.SGD(0.1, clipnorm=1.0), "mse")
        model.freeze("dense_1/bias")
        return model.explain(np.ones((2, 3)), [[1.0], [2.0]])

    def rounded() -> Any:
        model = md.Model([D(8, "tanh"), D(2)], input_shape=(64,), seed=0, compute_dtype="bfloat16")
        model.compile("adam", "mse")
        return model.explain(rng.normal(size=(2, 64)), np.zeros((2, 2)))

    def without_names() -> Any:
        layers = [D(3, (lambda z: z * z, lambda z: 2 * z)), D(1)]
        model = md.Model(layers, input_shape=(2,), seed=0)
        loss = md.losses.Custom(
            lambda y, p: np.mean((y - p) ** 2), lambda y, p: 2 * (p - y) / p.size
        )
        model.compile("adam", loss)
        return model.explain(np.ones((1, 2)), [[1.0]])

    def within() -> Any:
        inner = md.Model([D(3, "relu")], name="inner", input_shape=(4,))
        x = md.Input((4,))
        behind = L.Residual([D(3, "gelu")])(inner(x))
        model = md.Model(x, D(2)(behind), seed=0)
        model.compile(md.optimizers.SGD(0.1, gradient_accumulation_steps=2), "huber")
        return model.explain(rng.normal(size=(2, 4)), np.zeros((2, 2)))

    def not_a_number() -> Any:
        model = two_two_two()
        model.parameters["dense/kernel"][...] = [[np.nan, np.inf], [1, 2]]
        return model.explain(textbook.INPUTS, textbook.TARGETS)

    def wide() -> Any:
        model = md.Model([D(1)], input_shape=(6000,), seed=0)
        model.compile("adam", "mse")
        return model.explain(np.ones((1, 6000)), [[1.0]])

    def very_wide() -> Any:
        model = md.Model([D(5000, "relu"), D(4500, "tanh"), D(1)], input_shape=(30,), seed=0)
        model.compile("sgd", "mse")
        return model.explain(np.ones((1, 30)), [[1.0]])

    def without_optimizer() -> Any:
        model = md.Model([D(2, "log_softmax")], input_shape=(2,), seed=0)
        return model.explain(np.ones((1, 2)), np.ones((1, 2)), "mse")

    made = (
        masked,
        own,
        images,
        graph,
        sequences,
        penalised,
        rounded,
        not_a_number,
        wide,
        very_wide,
        without_names,
        within,
    )
    return {one.__name__: one for one in (*made, without_optimizer)}


ODD = odd_models()
NOTES = {
    "very_wide": {"some_neurons"},
    "without_names": {"not_again"},
    "masked": {"masked"},
    "own": {"python_layers"},
    "rounded": {"rounded"},
}


@pytest.mark.parametrize("name", ODD)
def test_models_of_every_kind_have_a_page_and_a_sheet(name: str) -> None:
    made = ODD[name]()
    data = data_of(made.to_html("id"))
    assert NOTES.get(name, set()) == {note["name"] for note in data["notes"]}
    assert [layer["name"] for layer in data["layers"]] == [step.name for step in made]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for language in LANGUAGES:
            assert made.to_latex(language).endswith("\\end{document}\n")
    if name in ("without_optimizer", "without_names"):
        assert made.update is None and data["update"] is None
    else:
        assert set(made.update.parameters) == set(made.gradients)
    if name == "without_names":
        assert "must be a pair (f, f_prime)" in data["why_not"] and not data["checked"][0]
    elif name != "not_a_number":
        assert data["checked"][0] > 0
        for layer in data["layers"]:
            for one in layer["parameters"]:
                assert one.get("check", {}).get("difference", 0) < 1e-4, one["path"]
    str(made)


def test_a_model_that_moved_on_does_not_change_its_explanation() -> None:
    model, x, y = classifier()
    model.fit(x, y, epochs=2, verbose=0)
    made, late = (model.explain(x, y) for _ in range(2))
    before = made.to_html()
    model.fit(x, y, epochs=2, verbose=0)
    assert late.to_html() == before
    assert pickle.loads(pickle.dumps(late)).to_html() == before


def test_explanations_by_lambdas_have_a_pickle() -> None:
    loss = md.losses.Custom(lambda y, p: np.mean((y - p) ** 2), lambda y, p: 2 * (p - y) / p.size)
    made = two_two_two().explain(textbook.INPUTS, textbook.TARGETS, loss)
    assert made.update is not None
    again = pickle.loads(pickle.dumps(made))
    assert "lambda" in data_of(again.to_html())["why_not"]
    assert again.loss == made.loss and again[0].delta.tolist() == made[0].delta.tolist()


def test_text_shows_the_update_and_the_slopes_formula() -> None:
    text = str(worked())
    for line in (
        "  dense_1:  f′(z) = a·(1 - a)",
        "Update    w ← w - η·∂L/∂w,  by SGD(learning_rate=0.5)",
        "    w11 ← 0.4 - 0.5·0.0821670406 = 0.35891648",
        "  L = 0.298371109 → 0.280471447",
    ):
        assert line in text.splitlines(), text
    adam = two_two_two("adam").explain(textbook.INPUTS, textbook.TARGETS)
    assert "    w11: 0.4 → 0.399" in str(adam).splitlines()
    assert "Update" not in str(md.Model([D(1)], seed=0).explain([[1.0]], [[1.0]], "mse"))


def test_bad_arguments_are_named(tmp_path: Path) -> None:
    made = worked()
    for call in (made.to_html, made.to_latex, lambda language: made.save("a.html", language)):
        with pytest.raises(ValueError, match='language must be "en" or "id"; got'):
            call("fr")
        with pytest.raises(TypeError, match='language must be "en" or "id"; got 3'):
            call(3)
    for sample, error in ((1, IndexError), (-2, IndexError), (0.5, TypeError)):
        with pytest.raises(error, match="sample must be"):
            made.to_html(sample=sample)
    with pytest.raises(TypeError, match="path must be a path; got 3"):
        made.save(3)
    with pytest.raises(FileNotFoundError, match=r"path cannot be written: .*make the folder"):
        made.save(tmp_path / "none" / "a.html")
    with pytest.raises(IsADirectoryError, match=r"path cannot be written: .*is a folder"):
        made.save(tmp_path)
    assert not list(tmp_path.iterdir())


# ---- the sheet -----------------------------------------------------------------------------------


def equations(sheet: str) -> Iterator[list[str]]:
    """Of each aligned equation its parts, of which neighbours are equal."""
    for block in re.findall(r"\\begin\{align\*\}(.*?)\\end\{align\*\}", sheet, re.S):
        joined = block.replace("\\\\\n&\\quad", "")
        for row in joined.split("\\\\\n"):
            yield [part.strip(" &\n") for part in re.split(r"=|\\leftarrow \{\}", row)]


def numeric(part: str) -> bool:
    words = set(re.findall(r"[A-Za-z]+", re.sub(r"\\bigl|\\bigr", "", part)))
    functions = {"cdot", "frac", "sqrt", "tanh", "ln", "max", "min", "operatorname", "sign", "e"}
    return bool(part) and words <= functions


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("samples", [1, 2])
def test_the_sheets_equations_hold(language: str, samples: int) -> None:
    model, x, y = classifier(units=4, samples=samples)
    model.fit(x, y, epochs=2, verbose=0)
    held = 0
    for made in (worked(), model.explain(x, y)):
        for parts in equations(made.to_latex(language)):
            values = [value_of(part) for part in parts if numeric(part)]
            assert values, parts
            for value in values:
                assert value == pytest.approx(values[-1], rel=1e-3, abs=2e-6), parts
            held += len(values) > 1
    assert held > (100 if samples == 1 else 60)


def test_the_sheet_asks_in_its_language_and_answers() -> None:
    sheet = worked().to_latex("id")
    assert sheet.index("Soal") < sheet.index("Penyelesaian") < sheet.index("0.593270".rstrip("0"))
    for word in ("bobot", "galat", "laju pembelajaran", "Propagasi maju", "SGD(learning"):
        assert word in sheet
    for number in ("0.298371", "0.280471", "0.082167", "0.000438568"):
        assert number in sheet


@pytest.fixture(scope="module")
def pdflatex() -> str:
    found, finder = shutil.which("pdflatex"), shutil.which("kpsewhich")
    if (
        found
        and finder
        and subprocess.run([finder, "tikz.sty"], capture_output=True, timeout=60).stdout
    ):
        return found
    pytest.skip("needs pdflatex with TikZ")


@pytest.mark.parametrize("name", ["worked", "classifier", *ODD])
def test_the_sheet_compiles(name: str, pdflatex: str, tmp_path: Path) -> None:
    if name == "classifier":
        model, x, y = classifier()
        made = model.explain(x, y)
    else:
        made = worked() if name == "worked" else ODD[name]()
    (tmp_path / "sheet.tex").write_text(made.to_latex("id"), encoding="utf-8")
    command = [pdflatex, "-interaction=nonstopmode", "-halt-on-error", "sheet.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "Overfull" not in done.stdout and "Missing character" not in done.stdout


# ---- in a browser --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Debian's Chromium, driven by Playwright."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright")
    if CHROMIUM is None:
        pytest.skip("needs chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Opened:
    """A page on file://, without a network, and all that it asked for or complained of."""

    def __init__(self, page: Any, path: Path) -> None:
        self.page, self.path = page, path
        self.complaints: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.set_default_timeout(20_000)
        page.goto(path.as_uri())

    def texts(self, selector: str) -> list[str]:
        return [str(text) for text in self.page.locator(selector).all_inner_texts()]

    def title(self) -> str:
        return self.texts(".panel h2")[0]

    def steps(self) -> int:
        return int(self.texts(".at")[0].split("/")[1])

    def numbers(self) -> dict[str, str]:
        """What the page says of each number, by its name there, at this step."""
        script = "all => all.map(one => [one.dataset.of, one.dataset.value, one.textContent])"
        found = {}
        for name, value, text in self.page.eval_on_selector_all("[data-of]", script):
            if not name.startswith(("new", "g")) or "=" in text:  # tables have fewer digits
                shown = text.replace("=", "").replace(" ", "")
                assert re.sub(r"·10(.*)", r"·10", value) == re.sub(r"·10.*", "·10", shown)
            assert found.setdefault(name, value) == value
        return found

    def is_wide(self) -> bool:
        # Not innerWidth: a phone's grows with what it has to show.
        width = self.page.evaluate("document.documentElement.scrollWidth")
        return bool(width > self.page.viewport_size["width"])


Open = Callable[..., Opened]


@pytest.fixture
def opened(chromium: Any, tmp_path: Path) -> Iterator[Open]:
    """Opens an explanation's page; afterwards none has asked for anything or complained."""
    pages: list[Opened] = []
    contexts: list[Any] = []

    def open_(made: Any, language: str = "en", **options: Any) -> Opened:
        text = made if isinstance(made, str) else made.to_html(language)
        path = tmp_path / f"page{len(pages)}.html"
        path.write_text(text, encoding="utf-8")
        size = {"width": 1200, "height": 900}
        contexts.append(chromium.new_context(**({"viewport": size, "offline": True} | options)))
        pages.append(Opened(contexts[-1].new_page(), path))
        return pages[-1]

    yield open_
    for one, context in zip(pages, contexts, strict=True):
        assert one.complaints == []
        assert {url for url in one.requests if not url.startswith("about:")} == {one.path.as_uri()}
        context.close()


PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
POWERS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")


def read(text: str) -> float:
    mantissa, _, power = text.replace("−", "-").partition("·10")
    return float(f"{mantissa}e{power.translate(POWERS)}" if power else mantissa)


def expected(made: Any, name: str, sample: int = 0) -> Any:
    """The number of the explanation that the page calls so."""
    what, *rest = name.split("-")
    if what == "L":
        return made.loss
    step = made[int(rest.pop(0))]
    if what in ("z", "a", "slope", "da", "delta"):
        return getattr(step, what)[sample].ravel()[int(rest[0])]
    if rest[0] in ("kernel", "bias"):
        parameter = rest.pop(0)
    else:
        parameter = "bias" if what == "gb" else "kernel"
    path = f"{step.name}/{parameter}"
    place = tuple(map(int, rest if parameter == "kernel" else rest[-1:]))
    if what in ("g", "gb", "central"):
        return made.gradients[path][place]
    assert what == "new"
    return made.update.parameters[path][place]


def walked(one: Opened) -> dict[str, str]:
    found: dict[str, str] = {}
    for _ in range(one.steps()):
        found |= one.numbers()
        one.page.keyboard.press("ArrowRight")
    return found


@pytest.mark.browser
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("which", ["worked", "classifier"])
def test_every_number_in_the_browser_is_the_explanations(
    opened: Open, which: str, language: str
) -> None:
    if which == "worked":
        made = worked()
    else:
        model, x, y = classifier(samples=1)
        model.fit(x, y, epochs=3, verbose=0)
        made = model.explain(x, y)
    found = walked(opened(made, language))
    for name, text in found.items():
        assert read(text) == float(f"{expected(made, name):.6g}"), name
    for layer, step in enumerate(made):
        for j in range(step.z.shape[1]):
            for what in ("z", "a", "delta", "da", "gb"):
                assert f"{what}-{layer}-{j}" in found
            assert f"new-{layer}-bias-0-{j}" in found
            for i in range(step.x.shape[1]):
                assert f"g-{layer}-{i}-{j}" in found
                assert {f"new-{layer}-kernel-{i}-{j}", f"new-{layer}-{i}-{j}"} & set(found)
    assert "L" in found


@pytest.mark.browser
@pytest.mark.parametrize("which", ["worked", "one", "three", "penalised", "large"])
def test_every_equation_in_the_browser_holds(opened: Open, which: str) -> None:
    """Numbers put into a formula come to the number behind it, in steps and in traces."""
    if which in ("worked", "penalised"):
        made = worked() if which == "worked" else ODD[which]()
    else:
        sizes = {"units": 30, "inputs": 5, "samples": 2} if which == "large" else {"units": 3}
        model, x, y = classifier(**({"samples": 1 if which == "one" else 3} | sizes))
        model.fit(x, y, epochs=2, verbose=0)
        made = model.explain(x, y)
    one = opened(made)
    script = """all => all.map(one => [...one.querySelectorAll('math')].map(m => m.dataset.tex))"""
    held = 0

    def check() -> int:
        count = 0
        for pieces in one.page.eval_on_selector_all(".eq", script):
            parts = [part.strip() for part in re.split(r"=|\\leftarrow", " ".join(pieces))]
            values = [value_of(part) for part in parts if numeric(part)]
            for value in values:
                assert value == pytest.approx(values[-1], rel=1e-3, abs=2e-6), pieces
            count += len(values) > 1
        return count

    for _ in range(one.steps()):
        held += check()
        one.page.keyboard.press("ArrowRight")
    for layer, step in enumerate(made):
        if step.kind != "Dense":
            continue
        one.page.locator("[data-key='s-layer']").select_option(str(layer))
        for i in (0, step.x.shape[1] - 1):
            one.page.locator("[data-key='s-weight']").select_option(label=str(i + 1))
            held += check()
    assert held > 30


@pytest.mark.browser
def test_the_worked_examples_calculation_is_written_out(opened: Open) -> None:
    one = opened(worked(), "id")
    for _ in range(one.steps()):
        one.page.keyboard.press("ArrowRight")
        if one.title() == "Propagasi mundur: galat δ dari dense":
            break
    # Letters in italics are characters of their own.
    row = unicodedata.normalize("NFKC", "".join(one.texts(".panel .line")[0].split()))
    for part in (
        "=w11(2)·δ1(2)+w12(2)·δ2(2)=0.4·0.138499+0.5·(−0.0380982)=0.0363503",
        "(z1(1))=a·(1−a)=0.59327·(1−0.59327)=0.241301",
        "=0.241301·0.0363503=0.00877135",
    ):
        assert part in row


@pytest.mark.browser
def test_a_click_traces_a_neuron_and_a_weight(opened: Open) -> None:
    made = worked()
    one = opened(made)
    trace = ".trace h3"
    one.page.locator("[data-key='n-0-0']").click()
    assert one.texts(trace) == ["Neuron 1 of dense"]
    assert one.page.locator(".edge.path").count() == 4  # both its weights, and both outputs to L
    one.page.locator("[data-key='n-0-0']").click()
    assert one.texts(trace) == []
    box = one.page.locator("[data-key='w-1-0-1']").bounding_box()
    one.page.mouse.click(box["x"] + 0.86 * box["width"], box["y"] + 0.86 * box["height"])
    assert one.texts(trace) == ["Weight w12 of dense_1"]
    numbers = one.numbers()
    assert read(numbers["g-1-0-1"]) == float(f"{made[1].dW[0, 1]:.6g}")
    assert read(numbers["central-kernel-1-0-1"]) == float(f"{made[1].dW[0, 1]:.6g}")
    assert "new-1-kernel-0-1" in numbers
    text = one.texts(".trace")[0]
    assert "straight from the loss" in text and "differs by" in text
    one.page.locator("[data-key='s-weight']").select_option(label="2")
    assert one.texts(trace) == ["Weight w22 of dense_1"]
    one.page.locator("[data-key='s-layer']").select_option(label="(1) dense")
    assert one.texts(trace) == ["Neuron 1 of dense"]
    one.page.locator("[data-key='clear']").click()
    assert one.texts(trace) == []


@pytest.mark.browser
def test_buttons_and_keys_go_through_the_steps(opened: Open) -> None:
    one = opened(worked())
    press, page = one.page.keyboard.press, one.page
    last = one.steps()
    first = one.title()
    page.locator("[data-key='next']").click()
    assert one.title() == "Forward: weighted sums z of dense"
    press("Enter")  # the button keeps the focus
    assert one.title() == "Forward: activations a of dense"
    press("ArrowLeft")
    press("ArrowLeft")
    press("ArrowLeft")
    assert one.title() == first
    press("End")
    assert one.texts(".at") == [f"{last} / {last}"] and "central differences" in one.title()
    assert page.locator("[data-key='next']").is_disabled()
    press("Home")
    page.locator("[data-key='phase-backward']").click()
    assert one.title() == "Backward: errors δ of dense_1"
    assert page.locator(".told").inner_text() == one.title()  # said to who does not see it
    page.locator("[data-key='digits']").focus()
    press("ArrowRight")  # belongs to the choice
    assert one.title() == "Backward: errors δ of dense_1"
    page.locator("[data-key='n-1-1']").focus()
    press("Enter")
    assert one.texts(".trace h3") == ["Neuron 2 of dense_1"]
    assert page.evaluate("document.activeElement.dataset.key") == "n-1-1"
    press("Escape")
    assert one.texts(".trace h3") == []


@pytest.mark.browser
def test_the_language_changes_on_the_page(opened: Open) -> None:
    one = opened(worked(), "id")
    assert one.page.title() == "Propagasi mundur, langkah demi langkah"
    one.page.keyboard.press("End")
    assert "beda pusat" in one.title()
    one.page.locator("[data-key='language-en']").click()
    assert one.page.title() == "Backpropagation, step by step"
    assert "central differences" in one.title()
    assert one.page.evaluate("document.documentElement.lang") == "en"


@pytest.mark.browser
@pytest.mark.parametrize("name", ["worked", "classifier", *ODD])
def test_every_kind_of_model_fits_on_a_phone(opened: Open, name: str) -> None:
    if name == "classifier":
        model, x, y = classifier(units=16, inputs=9)
        made = model.explain(x, y)
    else:
        made = worked() if name == "worked" else ODD[name]()
    one = opened(made, "id", **PHONE)
    one.page.locator("[data-key='phase-check']").tap()
    assert one.page.locator("[data-key='phase-check']").is_visible()
    box = one.page.locator("[data-key='phase-check']").bounding_box()
    assert box["x"] + box["width"] <= 360, "the phase at hand is in sight"
    one.page.locator("[data-key='first']").tap()
    circles = one.page.locator(".node.choosable")
    if circles.count():
        circles.first.tap()
        assert one.texts(".trace h3")
    for _ in range(one.steps()):
        assert not one.is_wide(), one.title()
        said = one.texts("body")[0]
        assert "undefined" not in said
        assert "NaN" not in said or name == "not_a_number"
        one.page.locator("[data-key='next']").tap(force=True)
    for key in one.page.eval_on_selector_all(
        "button", "all => all.filter(one => !one.textContent && !one.ariaLabel).length ? ['x'] : []"
    ):
        pytest.fail(f"a button without a name: {key}")


@pytest.mark.browser
def test_a_large_layer_shows_single_neurons_on_demand(opened: Open) -> None:
    model, x, y = classifier(units=40, inputs=30, samples=20)
    made = model.explain(x, y)
    one = opened(made)
    assert "20 samples" in one.texts(".note")[0]
    one.page.keyboard.press("ArrowRight")
    assert one.page.locator(".panel .histogram").count() == 1
    chip = one.page.locator(".chips button").first
    j = int(chip.inner_text()) - 1
    assert j == np.abs(made[0].z[0]).argmax()
    chip.click()
    assert read(one.numbers()[f"z-0-{j}"]) == float(f"{made[0].z[0, j]:.6g}")
    one.page.locator("[data-key='s-weight']").select_option(label="30")
    assert read(one.numbers()[f"g-0-29-{j}"]) == float(f"{made[0].dW[29, j]:.6g}")


@pytest.mark.browser
def test_samples_take_turns(opened: Open) -> None:
    model, x, y = classifier(samples=3)
    made = model.explain(x, y)
    one = opened(made)
    one.page.keyboard.press("ArrowRight")
    one.page.locator("[data-key='sample']").select_option(value="2")
    for name, text in one.numbers().items():
        assert read(text) == float(f"{expected(made, name, sample=2):.6g}")


@pytest.mark.browser
def test_two_in_a_notebook_do_not_disturb_each_other(opened: Open) -> None:
    frames = worked()._repr_html_() * 2
    style = "<style>button { color: rgb(1, 2, 3) } .panel { display: none }</style>"
    one = opened(f"<!doctype html><title>a</title>{style}<button class=outer>b</button>{frames}")
    first, second = (one.page.frame_locator("iframe").nth(n) for n in range(2))
    first.locator("[data-key='phase-loss']").click()
    assert first.locator(".panel h2").inner_text() == "Loss: how far from the targets"
    assert second.locator(".panel h2").inner_text() == "What you see here"
    second.locator("[data-key='language-id']").click()
    assert first.locator("h1").inner_text() == "Backpropagation, step by step"
    colour = "one => getComputedStyle(one).color"
    assert one.page.locator(".outer").evaluate(colour) == "rgb(1, 2, 3)"
    assert first.locator("[data-key='next']").evaluate(colour) != "rgb(1, 2, 3)"


@pytest.mark.browser
def test_who_wants_no_motion_gets_none_and_signs_differ_by_more_than_colour(opened: Open) -> None:
    model, x, y = classifier(samples=1)
    made = model.explain(x, y)
    moving = "one => getComputedStyle(one).transitionDuration"
    one = opened(made)
    assert one.page.locator(".node circle").first.evaluate(moving) != "0s"
    dashes = "all => all.map(one => getComputedStyle(one).strokeDasharray)"
    assert "none" not in one.page.eval_on_selector_all(".edge.minus", dashes)
    assert set(one.page.eval_on_selector_all(".edge.plus", dashes)) == {"none"}
    still = opened(made, reduced_motion="reduce")
    assert still.page.locator(".node circle").first.evaluate(moving) == "0s"
