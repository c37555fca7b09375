"""The sentiment examples: on the shipped sentences, on files of one's own, and on what is none."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import mundur as md
import numpy as np
import pytest

pytest.importorskip("tokenizers")

from mundur.examples import reviews, sentiment_cnn_lstm, sentiment_lstm
from mundur.examples.command import DataError

import figure_rules

EXAMPLES = {"sentiment_lstm": sentiment_lstm, "sentiment_cnn_lstm": sentiment_cnn_lstm}

each = pytest.mark.parametrize("name", list(EXAMPLES))


def accuracy_of(text: str) -> float:
    found = re.search(r"test accuracy: ([\d.]+)%", text)
    assert found
    return float(found[1])


@each
def test_the_shipped_sentences(name: str, tmp_path: Path, capsys: Any) -> None:
    with figure_rules.checked():
        assert EXAMPLES[name].main(["--out", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert accuracy_of(text) >= 80.0
    denying = re.search(r"([\d.]+)% of the (\d+) that deny", text)
    assert denying and float(denying[1]) >= 85.0 and int(denying[2]) > 150
    assert "of the 300 sentences that no pattern made" in text and "guessing" in text
    assert re.search(r"negative .*: Kopinya gak bagus", text)
    assert re.search(r"positive .*: Hotelnya tidak buruk", text)
    assert text.count("val_accuracy") == 12
    assert "Filmnya lucu" in text and "A wonderful film" in text
    assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    loaded = md.load_model(tmp_path / f"{name}.safetensors")
    assert loaded.labels == ("negative", "positive")
    assert loaded.predict("bagus sekali, saya suka").label == "positive"


@each
def test_a_table_of_ones_own(name: str, tmp_path: Path, capsys: Any) -> None:
    rows = [(f"kata{i % 7} {word}", word) for i in range(40) for word in ("baik", "buruk", "biasa")]
    path = tmp_path / "a.csv"
    path.write_text("text,label\n" + "".join(f"{a},{b}\n" for a, b in rows), encoding="utf-8")
    arguments = ["--data", str(path), "--out", str(tmp_path), "--epochs", "8"]
    assert EXAMPLES[name].main(arguments) == 0
    text = capsys.readouterr().out
    assert text.count("val_accuracy") == 8
    assert md.load_model(tmp_path / f"{name}.safetensors").labels == ("baik", "biasa", "buruk")


@each
def test_data_that_are_none(name: str, tmp_path: Path, capsys: Any) -> None:
    broken = tmp_path / "a.tsv"
    broken.write_bytes(b"a\xef\tx\n")
    for path, words in (
        (tmp_path / "nothing", "nothing"),
        (tmp_path, "holds none of"),
        (broken, "line 1: not utf-8"),
    ):
        assert EXAMPLES[name].main(["--data", str(path), "--out", str(tmp_path)]) == 1
        error = capsys.readouterr().err
        assert error.startswith("--data: ") and words in error


@each
def test_without_the_extra(name: str, tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    assert EXAMPLES[name].main(["--out", str(tmp_path)]) == 1
    assert "pip install mundur[" in capsys.readouterr().err


def test_parts_of_the_shipped_sentences_keep_groups_together() -> None:
    found = reviews.read(None, 3)
    texts, _ = md.text.load_sentences()
    composed = md.text.load_negations()
    place: dict[str, int | str] = {text: i // 4 for i, text in enumerate(texts)}
    place |= dict(zip(composed.texts, composed.patterns, strict=True))
    groups = [{place[text] for text in part.texts} for part in found[:3]]
    assert len(set().union(*groups)) == sum(map(len, groups)) == 75 + len({*composed.patterns})
    every = sum(len(part.texts) for part in found[:3])
    assert every == len(place) == 2460
    assert 0.19 * every < len(found.test.texts) <= 0.2 * every
    for part in found[:3]:
        assert part.labels.count("positive") == part.labels.count("negative")
    assert {
        t for t, no in zip(composed.texts, composed.negated, strict=True) if no
    } == found.denying


def test_what_300_sentences_cannot_teach() -> None:
    """That "tidak" turns what follows: a model of them is worse than guessing where it does."""
    found = reviews.read(None, 0)
    known = {*md.text.load_sentences().texts}
    rows = [row for row, text in enumerate(found.train.texts) if text in known]
    rest = [row for row, text in enumerate(found.test.texts) if text in found.denying]
    denying = reviews._chosen(found.test, rest)

    def right(train: md.text.Texts) -> float:
        classifier = md.text.TextClassifier(seed=0)
        classifier.fit(*train, epochs=15, verbose=0)
        predicted = [label for label, _ in classifier.predict(denying.texts, verbose=0)]
        return reviews.accuracy(denying.labels, predicted)

    assert right(reviews._chosen(found.train, rows)) < 0.6
    assert right(found.train) > 0.85


def test_parts_of_other_data(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("".join(f"t{i}\t{i % 2}\n" for i in range(100)), encoding="utf-8")
    parts = reviews.read(path, 0)[:3]
    assert [len(part.texts) for part in parts] == [81, 9, 10]
    assert sorted(text for part in parts for text in part.texts) == sorted(
        f"t{i}" for i in range(100)
    )
    assert all(
        int(text[1:]) % 2 == label for part in parts for text, label in zip(*part, strict=True)
    )
    path.write_text("a\t1\nb\t0\n", encoding="utf-8")
    with pytest.raises(DataError, match="too few texts"):
        reviews.read(path, 0)


def test_macro_f1() -> None:
    sklearn = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    truth, labels = (rng.choice(["a", "b", "c"], 50, p=[0.6, 0.3, 0.1]).tolist() for _ in range(2))
    assert reviews.macro_f1(truth, labels) == pytest.approx(
        sklearn.f1_score(truth, labels, average="macro")
    )


def test_the_loop_by_hand_is_that_of_fit() -> None:
    """Same batches, same model: the loop's loss is what fit reports."""
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 20, (32, 6)), rng.integers(0, 2, 32)
    part = sentiment_lstm.Part(x, y)
    by_hand, fitted = (sentiment_lstm.network(20, 2, seed=1) for _ in range(2))
    for model in (by_hand, fitted):
        model.build((6,))
    loss = md.losses.BinaryCrossentropy(from_logits=True)
    optimizer = md.optimizers.Adam(1e-2)
    history, best = sentiment_lstm.train(by_hand, loss, optimizer, (part, part), 1, 32)
    order = np.random.default_rng(1).permutation(32)
    fitted.compile(md.optimizers.Adam(1e-2), loss, metrics=["accuracy"])
    expected = fitted.fit(x[order], y[order], 32, shuffle=False, verbose=0).history
    assert best == 0
    assert history.history["loss"] == pytest.approx(expected["loss"], rel=1e-6)
    assert history.history["accuracy"] == expected["accuracy"]
    for a, b in zip(by_hand.get_weights(), fitted.get_weights(), strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize(("train", "validation"), [(1, 1), (9, 1), (216, 24), (11_000, 1_260)])
def test_the_split_gives_back_the_validation_set(train: int, validation: int) -> None:
    every = md.text.Texts(["a"] * train, ["x"] * train)
    held = md.text.Texts(["b"] * validation, ["y"] * validation)
    share = sentiment_cnn_lstm._share(reviews.Reviews(every, held, held, [], False))
    assert int((train + validation) * (1.0 - share)) == train
