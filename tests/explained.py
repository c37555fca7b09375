"""Explanations that several test files look at, and what a page of one holds."""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Callable, Iterator
from typing import Any

import mundur as md
import numpy as np
from mundur.reference import worked_example as textbook

D = md.layers.Dense


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


def two_ends(weights: tuple[float, float] = (1.0, 0.5), samples: int = 2) -> Any:
    """An explanation of two outputs that share a layer, each with a loss of its own."""
    x = md.Input((3,))
    h = D(4, "tanh")(x)
    model = md.Model(x, [D(2, name="kelas")(h), D(1, name="nilai")(h)], seed=0)
    losses = {"kelas": md.losses.CategoricalCrossentropy(from_logits=True), "nilai": "mse"}
    share = dict(zip(losses, weights, strict=True))
    model.compile(md.optimizers.SGD(0.1), losses, loss_weights=share)
    given = np.random.default_rng(0).normal(size=(samples, 3))
    y = {"kelas": np.eye(2)[np.arange(samples) % 2], "nilai": np.ones((samples, 1))}
    return model.explain(given, y)


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
    known = {name: getattr(math, name) for name in ("e", "sqrt", "tanh", "cosh")}
    known |= {"ln": math.log, "max": max, "min": min, "abs": abs, "float": float}
    known["sign"] = np.sign
    return float(eval(latex, {"__builtins__": {}}, known))


def numeric(part: str) -> bool:
    words = set(re.findall(r"[A-Za-z]+", re.sub(r"\\bigl|\\bigr", "", part)))
    functions = {
        "cdot",
        "frac",
        "sqrt",
        "tanh",
        "cosh",
        "ge",
        "le",
        "ln",
        "max",
        "min",
        "operatorname",
        "sign",
        "e",
    }
    return bool(part) and words <= functions


def equations(sheet: str) -> Iterator[list[str]]:
    """Of each aligned equation its parts, of which neighbours are equal."""
    for block in re.findall(r"\\begin\{align\*\}(.*?)\\end\{align\*\}", sheet, re.S):
        joined = block.replace("\\\\\n&\\quad", "")
        for row in joined.split("\\\\\n"):
            yield [part.strip(" &\n") for part in re.split(r"=|\\leftarrow \{\}", row)]


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

    def long_names() -> Any:
        own = md.layers.Bidirectional(md.layers.LSTM(2), name="a_layer_that_reads_both_ways")
        long = "lapisan_keluaran_yang_namanya_sangat_panjang_sekali"
        model = md.Model([own, D(2, "tanh", name=long)], seed=0)
        model.compile("sgd", "mse")
        return model.explain(rng.normal(size=(1, 3, 2)), [[0.0, 1.0]])

    def enormous() -> Any:
        model = md.Model([D(3, "relu"), D(2)], input_shape=(2,), seed=0)
        model.compile("sgd", "mse")
        return model.explain([[1e30, 1e30]], [[1.0, 1.0]])

    def wide() -> Any:
        model = md.Model([D(1)], input_shape=(6000,), seed=0)
        model.compile("adam", "mse")
        return model.explain(np.ones((1, 6000)), [[1.0]])

    def very_wide() -> Any:
        layers = [D(5000, "relu"), D(30), D(4500, "tanh"), D(1)]
        model = md.Model(layers, input_shape=(30,), seed=0)
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
        long_names,
        enormous,
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
