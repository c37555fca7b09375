"""Words through embeddings, beside numbers: a graph with several inputs.

    python -m mundur.examples.two_inputs                a made-up shop, numbers and words
    python -m mundur.examples.two_inputs --data DIR     Adult: adult.data, adult.test (or .gz)

A chain takes one array. Here each column of words has an input and an `Embedding` of its own: a few
numbers for each word, learned like all weights, so that words that mean the same come to lie near
one another. They are joined with the numbers, and what follows is a network as any other. A word
that training never saw is number 0.

Prints accuracy and AUC (the chance that of one sample of each class the right one scores higher) on
the test set, beside those of a network on one-hot columns and of scikit-learn's gradient boosting,
and writes two_inputs.png: how the layers are connected, the curves, and the embedding of a column.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import mundur as md
from mundur.examples import command, tables, tabular

Array = npt.NDArray[Any]

# Adult's columns of words, in the order of `tabular.WORDS`.
_ADULT = (
    *("workclass", "education", "marital-status", "occupation"),
    *("relationship", "race", "sex", "native-country"),
)
LABELS = {
    r"embedding of (.*)": r"embedding dari \1",
    r"(\d+) columns of numbers; of words (.*)": r"\1 kolom angka; kolom kata: \2",
    r"always the more frequent class: (\S+) right": r"selalu kelas yang lebih sering: \1 benar",
    r"embeddings beside numbers +accuracy (.*), (\S+) weights": (
        r"embedding di samping angka   akurasi \1, \2 bobot"
    ),
    r"(one-hot +)accuracy (.*), (\S+) weights": r"\1akurasi \2, \3 bobot",
    r"(gradient boosting +)accuracy (.*)": r"\1akurasi \2",
}
_SHOWN = {"adult": "occupation", "shop": "product"}


class Table(NamedTuple):
    """Numbers, the number of each word in its column's vocabulary, from 1 on, and labels 0 or 1."""

    numbers: Array
    words: dict[str, Array]
    labels: Array


class Task(NamedTuple):
    """A table to train on and one to test, and the words of each column."""

    train: Table
    test: Table
    vocabularies: dict[str, list[str]]
    shown: str  # the column whose embedding is drawn


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; 0 if all went well."""
    return command.run(
        "two_inputs", __doc__, arguments, _work, data="adult.data and adult.test", words=LABELS
    )


def adult(folder: Path) -> Task:
    """The census of 1994: 32,561 people to train on, 16,281 to test."""
    parts = [tabular.read(tables.find(folder, f"adult.{part}")) for part in ("data", "test")]
    numbers = [tabular.numbers_of(rows) for rows in parts]
    words = [
        {name: [row[at] for row in rows] for name, at in zip(_ADULT, tabular.WORDS, strict=True)}
        for rows in parts
    ]
    return _task(numbers, words, [tabular.labels_of(rows) for rows in parts], _SHOWN["adult"])


def shop(seed: int) -> Task:
    """Who buys what: whether a sale comes about, by product, district, price and age."""
    rng = np.random.default_rng(seed)
    products = [f"product {i}" for i in range(24)]
    districts = [f"district {i}" for i in range(40)]
    # Of each product and district two numbers that nobody knows: how dear, how modern.
    of_product, of_district = rng.normal(size=(24, 2)), rng.normal(size=(40, 2))
    counts = (3000, 1500)
    numbers, words, labels = [], [], []
    for count in counts:
        product, district = rng.integers(0, 24, count), rng.integers(0, 40, count)
        price, age = rng.gamma(2.0, size=count), rng.normal(45.0, 12.0, count)
        liking = (of_product[product] * of_district[district]).sum(axis=1)
        chance = 2 * liking - 0.8 * (price - 2) + 0.02 * (age - 45)
        labels.append((chance + rng.logistic(size=count) > 0).astype(np.int64))
        numbers.append(np.stack([price, age], axis=1))
        words.append(
            {
                "product": [products[i] for i in product],
                "district": [districts[i] for i in district],
            }
        )
    return _task(numbers, words, labels, _SHOWN["shop"])


def _task(
    numbers: list[Array], words: list[dict[str, list[str]]], labels: list[Array], shown: str
) -> Task:
    centre, scale = tables.standard(numbers[0])
    vocabularies = {name: sorted(set(column)) for name, column in words[0].items()}
    found = []
    for part, columns, y in zip(numbers, words, labels, strict=True):
        ids = {}
        for name, column in columns.items():
            places = {word: at for at, word in enumerate(vocabularies[name], 1)}
            ids[name] = np.array([places.get(word, 0) for word in column], np.int32)
        found.append(Table(((part - centre) / scale).astype(np.float32), ids, y))
    return Task(found[0], found[1], vocabularies, shown)


def with_embeddings(task: Task, units: int, seed: int) -> md.Model:
    """Each column of words through an embedding, beside the numbers."""
    numbers = md.Input((task.train.numbers.shape[1],), name="numbers")
    inputs, parts = [numbers], [numbers]
    for name, words in task.vocabularies.items():
        ids = md.Input((1,), name=name, dtype="int32")
        width = min(8, (len(words) + 1) // 2)
        embedding = md.layers.Embedding(len(words) + 1, width, name=f"{name}_embedding")
        inputs.append(ids)
        parts.append(md.layers.Flatten()(embedding(ids)))
    x = md.layers.Concatenate()(parts)
    x = md.layers.Dropout(0.2)(md.layers.Dense(units, "relu")(x))
    x = md.layers.Dropout(0.2)(md.layers.Dense(units // 2, "relu")(x))
    output = md.layers.Dense(1, "sigmoid", name="answer")(x)
    return md.Model(inputs, output, name="embeddings", seed=seed)


def with_one_hot(units: int, seed: int) -> md.Model:
    """The same network on one column per word."""
    layers = [
        *(md.layers.Dense(units, "relu"), md.layers.Dropout(0.2)),
        *(md.layers.Dense(units // 2, "relu"), md.layers.Dropout(0.2)),
        md.layers.Dense(1, "sigmoid"),
    ]
    return md.Model(layers, name="one-hot", seed=seed)


def inputs_of(table: Table) -> dict[str, Array]:
    """The arrays of the graph's inputs, by their names."""
    return {"numbers": table.numbers} | {name: ids[:, None] for name, ids in table.words.items()}


def one_hot(table: Table, vocabularies: dict[str, list[str]]) -> Array:
    """Numbers, and one column for each word; one that training never saw is all zeros."""
    columns = [table.numbers]
    for name, words in vocabularies.items():
        columns.append(table.words[name][:, None] == np.arange(1, len(words) + 1))
    return np.concatenate(columns, axis=1).astype(np.float32)


def _trained(model: md.Model, x: Any, y: Array, large: bool) -> md.History:
    model.compile(md.optimizers.Adam(1e-3), "binary_crossentropy", metrics=["accuracy"])
    return model.fit(
        x,
        y,
        batch_size=256 if large else 64,
        epochs=60,
        validation_split=0.15,
        callbacks=[md.callbacks.EarlyStopping(patience=4, restore_best_weights=True)],
        verbose=0,
    )


def _boosted(task: Task, seed: int) -> Array:
    """Probabilities of scikit-learn's gradient boosting, which knows columns of words as such."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    tables_ = [
        np.column_stack([part.numbers, *part.words.values()]) for part in (task.train, task.test)
    ]
    first = task.train.numbers.shape[1]
    categories = list(range(first, tables_[0].shape[1]))
    boosting = HistGradientBoostingClassifier(
        categorical_features=categories, early_stopping=True, random_state=seed
    )
    return np.asarray(boosting.fit(tables_[0], task.train.labels).predict_proba(tables_[1])[:, 1])


def _work(options: argparse.Namespace) -> Any:
    from matplotlib import pyplot
    from sklearn.metrics import roc_auc_score

    task = adult(options.data) if options.data else shop(options.seed)
    count, y, test_y = len(task.train.labels), task.train.labels, task.test.labels
    print(f"{count:,} samples to train on, {len(test_y):,} to test")
    print(
        f"{task.train.numbers.shape[1]} columns of numbers; of words "
        + ", ".join(f"{name} ({len(words)})" for name, words in task.vocabularies.items())
    )
    large = count > 20_000
    units = 64 if large else 32
    order = np.random.default_rng(options.seed).permutation(count)
    train = Table(
        task.train.numbers[order], {n: w[order] for n, w in task.train.words.items()}, y[order]
    )
    graph, chain = with_embeddings(task, units, options.seed), with_one_hot(units, options.seed)
    history = _trained(graph, inputs_of(train), train.labels, large)
    _trained(chain, one_hot(train, task.vocabularies), train.labels, large)
    found = {
        "embeddings beside numbers": graph.predict(inputs_of(task.test), verbose=0)[:, 0],
        "one-hot": chain.predict(one_hot(task.test, task.vocabularies), verbose=0)[:, 0],
        "gradient boosting": _boosted(task, options.seed),
    }
    weights = {"embeddings beside numbers": graph.count_params(), "one-hot": chain.count_params()}
    print(f"always the more frequent class: {max(np.mean(test_y), 1 - np.mean(test_y)):.2%} right")
    for name, probability in found.items():
        accuracy = np.mean((probability > 0.5) == test_y)
        told = f", {weights[name]:,} weights" if name in weights else ""
        auc = roc_auc_score(test_y, probability)
        print(f"{name:28} accuracy {accuracy:.2%}, AUC {auc:.4f}{told}")

    figure, axes = pyplot.subplot_mosaic(
        [["graph", "loss"], ["graph", "accuracy"], ["words", "words"]],
        figsize=(12, 14),
        layout="constrained",
    )
    md.plots.graph(graph, axes=axes["graph"])
    history.plot([axes["loss"], axes["accuracy"]])
    _draw_embedding(axes["words"], graph, task)
    return figure


def _draw_embedding(axis: Any, graph: md.Model, task: Task) -> None:
    """The two directions in which a column's words differ most."""
    vectors = graph.get_layer(f"{task.shown}_embedding").get_weights()[0][1:]
    off = vectors - vectors.mean(axis=0)
    x, y = (off @ np.linalg.svd(off, full_matrices=False)[2][:2].T).T
    axis.scatter(x, y, color="#0072B2")
    high, taken = 0.035 * np.ptp(y), np.empty((0, 3))
    for word, at, height in zip(task.vocabularies[task.shown], x, y, strict=True):
        wide = 0.009 * len(word) * np.ptp(x)
        for right, up in (1, 1), (1, 0), (0, 1), (0, 0):  # where no other word is, if anywhere
            left, low = at - (1 - right) * wide, height - (1 - up) * high
            beside = (taken[:, 0] > left + wide) | (taken[:, 0] + taken[:, 2] < left)
            if np.all(beside | (np.abs(taken[:, 1] - low) > high)):
                break
        taken = np.vstack([taken, (left, low, wide)])
        axis.annotate(
            word,
            (at, height),
            fontsize="x-small",
            xytext=(3 if right else -3, 3 if up else -3),
            textcoords="offset points",
            ha="left" if right else "right",
            va="bottom" if up else "top",
        )
    axis.margins(x=0.12)  # room for words beside the outermost points
    axis.set_title(f"embedding of {task.shown}")


if __name__ == "__main__":
    raise SystemExit(main())
