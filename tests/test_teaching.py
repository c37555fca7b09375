"""The examples that teach: what they claim must come out of their numbers."""

from __future__ import annotations

import gzip
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mundur._support.drawing import indonesian  # the words of the pictures
from mundur.examples import (
    command,
    descent,
    digits_convnet,
    learning_rates,
    overfitting,
    regression,
    tables,
    tabular,
    tuning,
    two_inputs,
    vanishing_gradients,
)

import figure_rules

# What layers, columns and their words are called.
NAMES = {
    "regression": "gradient boosting rmse mundur",
    "two_inputs": (
        "product district numbers answer embedding embeddings product_embedding "
        "district_embedding flatten concatenate input"
    ),
}


def story(example: Any, out: Path, capsys: Any, *arguments: str) -> str:
    """What the example prints; it must end well and leave a figure that keeps to the rules."""
    name = example.__name__.rpartition(".")[2]
    with figure_rules.checked(NAMES.get(name, "")) as figures:
        assert example.main(["--out", str(out), *arguments]) == 0
    assert len(figures) == 1
    assert (out / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    text = str(capsys.readouterr().out)
    assert text.endswith(f"wrote {out / name}.png\n")
    if "--data" not in arguments:
        words = getattr(example, "LABELS", None) or example.WORDS
        assert not figure_rules.untold(text, words, NAMES.get(name, ""))
    return text


def number(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    assert found, text
    return float(found[1])


def test_vanishing_gradients(tmp_path: Path, capsys: Any) -> None:
    text = story(vanishing_gradients, tmp_path, capsys, "--epochs", "8")
    ratios = text.partition("The first layer's norm over the last's")[2]
    assert number(r"sigmoid +(\S+)\n", ratios) < 1e-8
    assert 1e-2 < number(r"relu +(\S+)\n", ratios) < 1e2
    assert number(r"sigmoid +loss (\S+),", text) > 2.25
    assert number(r"relu +loss (\S+),", text) < 1.0


@pytest.mark.parametrize("seed", range(5))
def test_gradients_vanish_whatever_the_seed(seed: int) -> None:
    x = np.random.default_rng(seed).uniform(-1, 1, size=(64, 64))
    y = np.arange(64) % 10
    ratio = {}
    for name in vanishing_gradients.NETWORKS:
        norms = list(vanishing_gradients.deep(name, seed).explain(x, y).gradient_norms.values())
        ratio[name] = norms[0] / norms[-1]
    assert ratio["sigmoid"] < 1e-8
    assert 1e-2 < ratio["relu"] < 1e2


def test_descent(tmp_path: Path, capsys: Any) -> None:
    text = story(descent, tmp_path, capsys)
    for size in (1, 4, 16, 64):
        row = re.search(rf"\n +{size} +(\S+) +(\S+)\n", text)
        assert row
        assert float(row[1]) == pytest.approx(float(row[2]), rel=0.05)
    rows = {
        name: [float(v) for v in re.findall(rf"\n{name} +(.*)\n", text)[0].split()]
        for name in descent.BATCHES
    }
    assert [rows[name][1] for name in descent.BATCHES] == [12, 192, 3072]
    distance = {name: row[-1] for name, row in rows.items()}
    assert distance["mini-batch"] < distance["stochastic"] < distance["batch"]


def test_learning_rates(tmp_path: Path, capsys: Any) -> None:
    text = story(learning_rates, tmp_path, capsys, "--epochs", "10")
    assert re.findall(r"/c (.*)\n", text.partition("A network")[0])[-4:] == [
        "converges",
        "converges",
        "overshoots, converges",
        "diverges",
    ]
    best = number(r"η = (\S+) ends lowest", text)
    assert 1e-2 < best < 10


@pytest.mark.slow
def test_overfitting(tmp_path: Path, capsys: Any) -> None:
    text = story(overfitting, tmp_path, capsys)
    rows = {
        name: [float(v.rstrip("%")) for v in re.findall(rf"\n{name} +(.*)\n", text)[0].split()]
        for name in overfitting.CURES
    }
    epochs, training, validation, accuracy = rows["none"]
    assert epochs == 100
    assert training < 0.05
    lowest = number(r"validation loss from (\S+), its lowest", text)
    assert validation > 1.2 * lowest
    for name, cured in rows.items():
        assert name == "none" or cured[2] < validation
        assert name == "none" or cured[3] > accuracy


def test_titles_in_indonesian_have_room() -> None:
    titles = [f"{name}: 94.1% of the test set" for name in overfitting.CURES]
    longest = max(map(len, titles))
    for title in titles:
        its = indonesian(title, overfitting.WORDS)
        assert "uji 94.1%" in its and len(its) <= longest


def told_of_digits(text: str) -> dict[str, float]:
    """The share of the test set that each network reads."""
    found = {}
    for how in ("without", "with"):
        words = rf"{how} augmentation: .*epochs in \S+ s; epoch \d+ was the best on the (.*)"
        held_out = re.search(words, text)
        assert held_out
        assert "digits held out" in held_out[1]
        found[how] = number(r"test set: (\S+)% of", text[held_out.end() :])
    return found


@pytest.mark.slow
def test_digits_by_convolutions(tmp_path: Path, capsys: Any) -> None:
    right = told_of_digits(story(digits_convnet, tmp_path, capsys, "--epochs", "6"))
    assert min(right.values()) > 88
    assert digits_convnet.main(["--data", str(tmp_path), "--out", str(tmp_path)]) == 1
    assert "holds none of" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_mnist_by_convolutions(shared_data: Path, tmp_path: Path, capsys: Any) -> None:
    data = str(shared_data / "mnist")
    options = ("--data", data, "--epochs", "3")  # of ten
    right = told_of_digits(story(digits_convnet, tmp_path, capsys, *options))
    assert right["without"] > 99.0
    assert right["with"] > 99.2


def test_regression_on_the_bundled_set(tmp_path: Path, capsys: Any) -> None:
    text = story(regression, tmp_path, capsys)
    mean = number(r"training mean: RMSE (\S+)", text)
    boosting = number(r"gradient boosting: RMSE (\S+)", text)
    assert number(r"epochs: RMSE (\S+)", text) < min(0.85 * mean, 1.15 * boosting)


@pytest.mark.slow
def test_regression_on_california_housing(shared_data: Path, tmp_path: Path, capsys: Any) -> None:
    data = str(shared_data / "california-housing")
    text = story(regression, tmp_path, capsys, "--data", data)
    assert number(r"gradient boosting: RMSE (\S+)", text) < 50
    assert number(r"epochs: RMSE (\S+)", text) < 53


def test_tabular_on_the_bundled_set(tmp_path: Path, capsys: Any) -> None:
    text = story(tabular, tmp_path, capsys)
    assert number(r"test accuracy: (\S+)%", text) > 94


@pytest.mark.slow
def test_tuning(tmp_path: Path, capsys: Any) -> None:
    text = story(tuning, tmp_path, capsys, "--epochs", "4")
    assert "4 learning rates x 4 networks x 5 folds = 80 trainings of 4 epochs" in text
    assert number(r"best: .* (\S+)% on the test set", text) > 90
    assert number(r"GridSearchCV: .* (\S+)% on the test set", text) > 90


@pytest.mark.slow
def test_tabular_on_adult(shared_data: Path, tmp_path: Path, capsys: Any) -> None:
    text = story(tabular, tmp_path, capsys, "--data", str(shared_data / "adult"))
    assert "32,561 samples to train on, 16,281 to test" in text
    assert number(r"test accuracy: (\S+)%", text) >= 85


def test_two_inputs_on_the_made_up_shop(tmp_path: Path, capsys: Any) -> None:
    text = story(two_inputs, tmp_path, capsys)
    assert "of words product (24), district (40)" in text
    frequent = number(r"more frequent class: (\S+)%", text)
    with_embeddings = number(r"embeddings beside numbers +accuracy (\S+)%", text)
    assert with_embeddings > frequent + 15
    areas = [
        number(rf"{name} +accuracy \S+, AUC (0\.\d+)", text)
        for name in ("embeddings beside numbers", "one-hot", "gradient boosting")
    ]
    assert min(areas) > 0.75 and areas[0] > areas[1]


@pytest.mark.slow
def test_two_inputs_on_adult(shared_data: Path, tmp_path: Path, capsys: Any) -> None:
    text = story(two_inputs, tmp_path, capsys, "--data", str(shared_data / "adult"))
    assert number(r"embeddings beside numbers +accuracy (\S+)%", text) > 85
    assert number(r"embeddings beside numbers +accuracy \S+, AUC (\S+),", text) > 0.905
    assert number(r"gradient boosting +accuracy \S+, AUC (\S+)", text) > 0.92


# ---- files --------------------------------------------------------------------------------------

PERSON = "39, State-gov, 77516, Bachelors, 13, {}, ?, {}, White, Male, 2174, 0, 40, Cuba, {}\n"


def write_adult(folder: Path) -> None:
    train = PERSON.format("Single", "Own", "<=50K") + PERSON.format("Married", "Wife", ">50K")
    (folder / "adult.data.gz").write_bytes(gzip.compress((train + "\n").encode()))
    remark = "|1x3 Cross validator\n"
    test = PERSON.format("Widowed", "Own", ">50K.")
    (folder / "adult.test").write_text(remark + test + "\n", encoding="utf-8")


def test_words_become_columns(tmp_path: Path) -> None:
    write_adult(tmp_path)
    task = tabular.adult(tmp_path)
    x, y = task.train
    # Six numbers; single or married, own or wife; one word in each of the other six columns.
    assert x.shape == (2, 6 + 2 + 2 + 6)
    assert y.tolist() == [0, 1]
    assert not x[:, :6].any()  # all alike
    assert x[0, 6:].sum() == x[1, 6:].sum() == 8
    # "Widowed" is unknown in training.
    assert task.test[0][0, 6:].sum() == 7
    assert task.test[1].tolist() == [1]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("adult.data", b"1, 2\n", "expected 15 fields"),
        ("adult.data", b"\n", "no samples"),
        ("adult.data", PERSON.format("a", "b", "rich").encode(), "the last <=50K or >50K"),
        ("adult.data.gz", b"no gzip", "adult.data.gz: Not a gzipped file"),
        ("adult.data.gz", gzip.compress(bytes(99), mtime=0)[:-9], "adult.data.gz"),
        ("adult.data", b"\xff\xfe", "can't decode"),
    ],
)
def test_broken_tables(name: str, content: bytes, words: str, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / name).write_bytes(content)
    assert tabular.main(["--data", str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("--data: ")
    assert words in error


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("", "expected the columns longitude"),
        (",".join(regression.COLUMNS) + "\n1,2\n", "line 2: expected 9 fields, got 2"),
        (",".join(regression.COLUMNS) + "\n" + "x," * 8 + "1\n", "could not convert"),
        (",".join(regression.COLUMNS) + "\n", "there are no samples"),
    ],
)
def test_broken_houses(rows: str, words: str, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "cal_housing.csv").write_text(rows, encoding="utf-8")
    assert regression.main(["--data", str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    assert words in capsys.readouterr().err


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(command.DataError, match=r"neither a\.csv nor a\.csv\.gz"):
        tables.find(tmp_path, "a.csv")


def test_commands_with_bad_arguments(tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    (tmp_path / "file").touch()
    assert descent.main(["--out", str(tmp_path / "file")]) == 1
    assert capsys.readouterr().err.startswith("--out: ")
    for arguments in (["--epochs", "0"], ["--nonsense"]):
        with pytest.raises(SystemExit):
            descent.main(arguments)
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    assert overfitting.main(["--out", str(tmp_path)]) == 1
    assert "pip install mundur[examples]" in capsys.readouterr().err
