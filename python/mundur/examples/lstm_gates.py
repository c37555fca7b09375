"""The gates of an LSTM, word by word: how "tidak" turns what "bagus" says.

    python -m mundur.examples.lstm_gates

An LSTM of a few units learns short sentences such as "filmnya tidak bagus sekali": whether they
praise. Then its gates are computed as they are defined,

    (i, f, g, o) = (σ, σ, tanh, σ)(x·W + h·U + b)      c ← f·c + i·g      h ← o·tanh(c)

from the words' vectors, which `Model.explain` hands out, and the layer's weights: f is what stays
of the memory c, i what of the new g comes in, o what of it is shown. The last h must be that of
`explain`.

Prints what the network says after each word, and writes lstm_gates.png: the gates of all units over
the words.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

import mundur as md
from mundur.examples import command

Array = npt.NDArray[Any]

UNITS = 4
THINGS = ("filmnya", "kopinya", "bukunya", "the film", "the coffee", "the book")
NOT = {"id": ("tidak", "gak"), "en": ("is not", "is never")}
PRAISE = {"id": ("bagus", "menarik"), "en": ("good", "pleasant")}
BLAME = {"id": ("buruk", "membosankan"), "en": ("bad", "boring")}
ENDS = {"id": ("", "sekali", "menurut saya"), "en": ("", "at all", "I think")}
SHOWN = ("filmnya bagus sekali", "filmnya tidak bagus sekali", "the book is not boring at all")
WORDS = {
    "forget gate f": "gerbang lupa f",
    "input gate i": "gerbang masukan i",
    "new content g": "isi baru g",
    "output gate o": "gerbang keluaran o",
    "memory c": "memori c",
    "unit": "unit",
    "praise": "pujian",
    "P(praise) after each word": "P(pujian) setelah tiap kata",
    r"(\d+) sentences, (\d+) of them held out: (\S+) of those are right": (
        r"\1 kalimat, \2 di antaranya disisihkan: \3 darinya benar"
    ),
    r"  (\S+ +)P\(praise\) = (.*)": r"  \1P(pujian) = \2",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; 0 if all went well."""
    return command.run("lstm_gates", __doc__, arguments, _work, epochs=40, words=WORDS)


def sentences() -> list[tuple[str, int]]:
    """All that can be said with these words, and whether it praises."""
    found = []
    for thing, language in product(THINGS, ("id", "en")):
        if thing.startswith("the ") != (language == "en"):
            continue
        plain = "" if language == "id" else "is"
        judged = [(word, 1) for word in PRAISE[language]] + [(word, 0) for word in BLAME[language]]
        for (word, label), end in product(judged, ENDS[language]):
            for no in (plain, *NOT[language]):
                text = " ".join(f"{thing} {no} {word} {end}".split())
                found.append((text, label if no == plain else 1 - label))
    return found


def numbered(texts: Sequence[str], words: list[str], length: int) -> Array:
    """Rows of word numbers from 1 on, padded with 0 in front."""
    rows = [[words.index(word) + 1 for word in text.split()] for text in texts]
    return np.asarray(md.utils.pad_sequences(rows, length))


def gates(layer: md.layers.LSTM, x: Array) -> dict[str, Array]:
    """i, f, g, o, c and h (steps, units) of one sentence's vectors (steps, inputs)."""
    h = c = np.zeros(layer.units)
    steps: dict[str, list[Array]] = {name: [] for name in "ifgoch"}
    for vector in x.astype(np.float64):
        z = vector @ layer.kernel + h @ layer.recurrent_kernel + layer.bias
        i, f, g, o = np.split(z, 4)
        i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
        g = np.tanh(g)
        c = f * c + i * g
        h = o * np.tanh(c)
        for name, value in zip("ifgoch", (i, f, g, o, c, h), strict=True):
            steps[name].append(value)
    return {name: np.array(values) for name, values in steps.items()}


def _work(options: argparse.Namespace) -> Any:
    rng = np.random.default_rng(options.seed)
    said = sentences()
    words = sorted({word for text, _ in said for word in text.split()})
    order = rng.permutation(len(said))
    texts, labels = [said[i][0] for i in order], np.array([said[i][1] for i in order])
    length = max(len(text.split()) for text in texts)
    x = numbered(texts, words, length)
    held = len(said) // 5
    lstm = md.layers.LSTM(UNITS, name="lstm")
    model = md.Model(
        [md.layers.Embedding(len(words) + 1, 6, mask_zero=True), lstm, md.layers.Dense(1)],
        seed=options.seed,
    )
    loss = md.losses.BinaryCrossentropy(from_logits=True)
    model.compile(md.optimizers.Adam(0.02), loss, metrics=["accuracy"])
    model.fit(x[held:], labels[held:], epochs=options.epochs, verbose=0)
    right = model.evaluate(x[:held], labels[:held], verbose=0, return_dict=True)["accuracy"]
    print(f"{len(said)} sentences, {held} of them held out: {right:.1%} of those are right\n")

    found = []
    for text in SHOWN:
        said_words = text.split()
        passes = model.explain(numbered([text], words, length), np.ones((1, 1)))
        # Padding is masked: h and c are still zeros where the sentence begins.
        vectors = passes.values["embedding/a"][0, -len(said_words) :]
        values = gates(lstm, vectors)
        if not np.allclose(values["h"][-1], passes["lstm"].a[0], atol=1e-5):
            raise RuntimeError("the gates are not those of the layer")
        z = values["h"] @ model.parameters["dense/kernel"] + model.parameters["dense/bias"]
        praise = 1 / (1 + np.exp(-z[:, 0]))
        found.append((said_words, values, praise))
        for word, p in zip(said_words, praise, strict=True):
            print(f"  {word:14}P(praise) = {p:.2f}")
        print()
    return _draw(found)


def _draw(found: list[tuple[list[str], dict[str, Array], Array]]) -> Any:
    from matplotlib import pyplot

    titles = {
        "f": "forget gate f",
        "i": "input gate i",
        "g": "new content g",
        "o": "output gate o",
        "c": "memory c",
    }
    figure, axes = pyplot.subplots(
        len(titles) + 1, len(found), figsize=(12, 13), layout="constrained", squeeze=False
    )
    for number, (words, values, praise) in enumerate(found):
        largest = max(float(np.abs(other["c"]).max()) for _, other, _ in found)
        for axis, (name, title) in zip(axes[:, number], titles.items(), strict=False):
            limit = {"g": 1.0, "c": largest}.get(name)
            colours = {"cmap": "PuOr", "vmin": -limit, "vmax": limit} if limit else {"vmin": 0}
            axis.imshow(values[name].T, aspect="auto", **{"vmax": limit or 1.0, **colours})
            for step, unit in np.ndindex(values[name].shape):
                value = values[name][step, unit]
                dark = abs(value) > 0.6 * limit if limit else value < 0.5
                colour = "white" if dark else "black"
                axis.text(
                    step, unit, f"{value:.1f}", ha="center", va="center", color=colour, size="small"
                )
            axis.set_yticks(range(UNITS), [str(unit + 1) for unit in range(UNITS)])
            axis.set_xticks(range(len(words)), words)
            axis.set_title(title)
            if number == 0:
                axis.set_ylabel("unit")
        axis = axes[-1, number]
        axis.bar(range(len(words)), praise, color="#0072B2")
        axis.axhline(0.5, color="black", linestyle=":")
        axis.set_xticks(range(len(words)), words)
        axis.set(title="P(praise) after each word", ylim=(0, 1), xlim=(-0.5, len(words) - 0.5))
    return figure


if __name__ == "__main__":
    raise SystemExit(main())
