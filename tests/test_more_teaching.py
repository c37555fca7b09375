"""The examples of single pieces: activations, losses, first weights, ways down, gates, films."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import mundur as md
import numpy as np
import pytest
from mundur.examples import (
    activations,
    augmentation,
    batch_sizes,
    boundary,
    command,
    error_flow,
    initializers,
    losses,
    lstm_gates,
    optimizers,
)

import figure_rules

PIECES = (
    activations,
    augmentation,
    batch_sizes,
    boundary,
    error_flow,
    initializers,
    losses,
    lstm_gates,
    optimizers,
)


def story(example: Any, out: Path, capsys: Any, *arguments: str) -> str:
    """What the example prints; it must end well and leave a figure that keeps to the rules."""
    name = example.__name__.rpartition(".")[2]
    with figure_rules.checked() as figures:
        assert example.main(["--out", str(out), *arguments]) == 0
    assert len(figures) == 1
    assert (out / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    text = str(capsys.readouterr().out)
    assert text.endswith(f"wrote {out / name}.png\n")
    assert not figure_rules.untold(text, example.WORDS)
    return text


def numbers(name: str, text: str) -> list[float]:
    row = re.search(rf"\n *{re.escape(name)}:? +(.*)\n", text)
    assert row, text
    return [float(n.replace(",", "")) for n in re.findall(r"-?[\d,]+\.?\d*(?:e[-+]\d+)?", row[1])]


@pytest.mark.parametrize("example", PIECES, ids=lambda example: example.__name__[16:])
def test_they_need_neither_scikit_learn_nor_keras(example: Any) -> None:
    source = Path(example.__file__).read_text(encoding="utf-8")
    assert not re.search(r"^\s*(import|from) (sklearn|keras|torch|scipy)", source, re.MULTILINE)


@pytest.mark.slow
def test_activations(tmp_path: Path, capsys: Any) -> None:
    text = story(activations, tmp_path, capsys)
    for name in activations.NAMES:
        assert name in activations.ALIASES or len(numbers(name, text)) == 5
    assert numbers("sigmoid", text)[3] == 0.25
    assert numbers("tanh", text)[:3] == [-0.964, 0.0, 0.964]


def test_activations_have_their_slopes() -> None:
    for name in activations.NAMES:
        z = np.array([-3.7, -0.3, 0.4, 2.9])
        f, slope = activations.both(name, z)
        if not name.endswith("softmax"):
            assert np.array_equal(f, getattr(md.activations, name)(z))
        above, below = (activations.both(name, z + h)[0] for h in (1e-6, -1e-6))
        assert slope == pytest.approx((above - below) / 2e-6, abs=1e-8)


def test_a_wrong_slope_is_told() -> None:
    with pytest.raises(RuntimeError, match="f′ of tanh"):
        activations._check("tanh", np.array([0.5]), np.array([0.5]))


def test_losses(tmp_path: Path, capsys: Any) -> None:
    text = story(losses, tmp_path, capsys)
    slopes = [numbers(name, text.partition("A line of")[2])[0] for name in losses.LINES]
    assert slopes[0] < 0.3 and slopes[1] > 0.85 and slopes[2] > 0.75
    starts = text.partition("surely wrong")[2]
    assert re.search(r"cross-entropy: over 90% after \d+ epochs", starts)
    at_end = re.search(r"squared error of σ\(z\): (\d+)% at the end", starts)
    assert at_end and int(at_end[1]) < 50
    (ones, right), (more, fewer) = (
        numbers(name, text)
        for name in ("sparse cross-entropy", "squared error of the class number")
    )
    assert abs(ones - 100) < 25 and more > 130 and fewer < right - 3


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_initializers(seed: int, tmp_path: Path, capsys: Any) -> None:
    text = story(initializers, tmp_path, capsys, "--seed", str(seed))
    tanh, relu = text.split("relu:")
    assert numbers("zeros", tanh)[:2] == [0.0, 0.0]
    assert numbers("normal 0.01", tanh)[1] < 1e-9
    assert numbers("normal 1", relu)[1] > 1e6
    assert 0.3 < numbers("he_normal", relu)[1] < 3
    assert numbers("he_normal", relu)[-1] < 0.6 < numbers("glorot_uniform", relu)[-1]
    assert numbers("glorot_uniform", tanh)[1] < numbers("he_normal", tanh)[1]


def test_optimizers(tmp_path: Path, capsys: Any) -> None:
    text = story(optimizers, tmp_path, capsys)
    sgd = numbers("SGD", text)
    assert re.search(r"\nSGD .* never\n", text)
    for name in ("momentum", "RMSprop", "Adam"):
        rate, loss, steps = numbers(name, text)
        assert rate in optimizers.RATES and loss < sgd[1] and steps < 80


def test_the_walks_are_those_of_the_formulas() -> None:
    x = np.random.default_rng(1).normal(size=(16, 2)) * [0.5, 2.0]
    w, v = np.array(optimizers.START), np.zeros(2)
    path = optimizers.walk(md.optimizers.SGD(0.05, momentum=0.9), x, 6)
    for point in path:
        assert point == pytest.approx(w)
        v = 0.9 * v + 2 * x.T @ (x @ (w - np.array(optimizers.BEST))) / len(x)
        w = w - 0.05 * v


def test_augmentation(tmp_path: Path, capsys: Any) -> None:
    text = story(augmentation, tmp_path, capsys)
    none, shift, flip = (numbers(name, text)[1] for name in ("none", "Shift(3)", "Flip()"))
    assert shift > 90 > none + 20 and flip < none + 5


def test_what_training_makes_of_a_picture() -> None:
    picture = augmentation.drawn(1, 0, np.random.default_rng(0))[0][2]
    shown = augmentation.looked_at(picture, [md.augment.Flip()], 0)
    assert len(shown) == augmentation.SHOWN
    kinds = {
        next(i for i, p in enumerate((picture, picture[:, ::-1])) if (p == s).all()) for s in shown
    }
    assert kinds == {0, 1}
    assert all((one == picture).all() for one in augmentation.looked_at(picture, [], 0))


def test_augmentation_without_its_data(tmp_path: Path, capsys: Any) -> None:
    assert augmentation.main(["--data", str(tmp_path), "--out", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("--data: ")


@pytest.mark.slow
def test_augmentation_of_mnist(shared_data: Path, tmp_path: Path, capsys: Any) -> None:
    text = story(augmentation, tmp_path, capsys, "--data", str(shared_data / "mnist"))
    assert "300 pictures to train on, 10000 to test" in text
    assert numbers("Shift(3)", text)[1] > numbers("none", text)[1] + 10


def test_batch_sizes(tmp_path: Path, capsys: Any) -> None:
    text = story(batch_sizes, tmp_path, capsys)
    rows = [numbers(str(size), text) for size in batch_sizes.SIZES]
    memory = [row[2] for row in rows]
    assert memory == sorted(memory) and memory[-1] > 4 * memory[3]
    assert max(row[0] for row in rows[2:5]) > rows[0][0]
    assert rows[-1][3] > rows[2][3]  # as many epochs, fewer steps


@pytest.mark.slow
def test_lstm_gates(tmp_path: Path, capsys: Any) -> None:
    text = story(lstm_gates, tmp_path, capsys)
    held = re.search(r"held out: (.*)% of those", text)
    assert held and float(held[1]) > 90
    ends = [
        float(block.strip().splitlines()[-1].split("= ")[1]) for block in text.split("\n\n")[1:4]
    ]
    assert ends[0] > 0.8 and ends[1] < 0.2 and ends[2] > 0.8


def test_gates_that_are_not_the_layers(tmp_path: Path, monkeypatch: Any) -> None:
    real = lstm_gates.gates
    monkeypatch.setattr(
        lstm_gates, "gates", lambda layer, x: {k: v + 0.01 for k, v in real(layer, x).items()}
    )
    with pytest.raises(RuntimeError, match="not those of the layer"):
        lstm_gates.main(["--out", str(tmp_path), "--epochs", "1"])


@pytest.mark.slow
def test_error_flow(tmp_path: Path, capsys: Any) -> None:
    from PIL import Image

    text = story(error_flow, tmp_path, capsys)
    found = re.search(r"L = (\S+), from (\S+)\n", text)
    assert found and float(found[1]) < float(found[2])
    with Image.open(tmp_path / "error_flow.gif") as film:
        assert getattr(film, "n_frames", 1) >= 14


def test_what_the_film_of_the_error_says() -> None:
    film = error_flow.scenes(1.0, 0.5)
    assert [scene.caption[0] for scene in film] == sorted(scene.caption[0] for scene in film)
    assert {scene.caption[0] for scene in film} == set("12345")
    shares = [s.share for s in film if s.going == 1 and s.errors]
    assert shares == sorted(shares, reverse=True)  # back is from right to left
    assert not any(s.errors for s in film if s.caption[0] in "12")


@pytest.mark.slow
def test_boundary(tmp_path: Path, capsys: Any) -> None:
    text = story(boundary, tmp_path, capsys)
    found = [float(loss) for loss in re.findall(r"epoch +\d+: loss (\S+)\n", text)]
    assert len(found) >= 3 and found[-1] < 0.1 < found[0]
    assert (tmp_path / "boundary.gif").read_bytes().startswith(b"GIF89a")


def test_labels_in_indonesian(tmp_path: Path, capsys: Any) -> None:
    with figure_rules.checked() as figures:
        arguments = ["--out", str(tmp_path), "--language", "id", "--epochs", "2"]
        assert losses.main(arguments) == 0
    shown = {text.get_text() for text in figure_rules.texts(figures[0])}
    assert {"Satu bilangan", "entropi silang", "bagian jawaban benar"} <= shown
    with pytest.raises(SystemExit):
        losses.main(["--language", "de"])
    assert "--language" in capsys.readouterr().err


def test_what_is_printed_in_indonesian(tmp_path: Path, capsys: Any) -> None:
    arguments = ["--out", str(tmp_path), "--epochs", "2"]
    tables = []
    for language in ("en", "id"):
        assert optimizers.main([*arguments, "--language", language]) == 0
        tables.append(capsys.readouterr().out.splitlines())
    english, indonesian = tables
    assert indonesian[0].startswith("Lembahnya ") and " langkah ke seperseribu" in indonesian[1]
    assert indonesian[-1] == f"ditulis: {tmp_path / 'optimizers.png'}"
    for line, its in zip(english[1:-1], indonesian[1:-1], strict=True):
        assert len(line) == len(its)
        assert re.findall(r"\d\S*", line) == re.findall(r"\d\S*", its)


def test_lines_of_a_table_keep_their_columns() -> None:
    words = {"name": "nama", "steps": "langkah", "loss": "galat", r"(\d+) steps": r"\1 langkah"}
    assert command.told("name        steps    loss", words) == "nama      langkah   galat"
    assert command.told("  name  steps  loss   x", words) == "  nama langkah galat  x"
    assert command.told("3 steps", words) == "3 langkah"
    assert command.told("nothing  of   this", words) == "nothing  of   this"


def test_lines_without_an_end_are_told_in_time(capsys: Any) -> None:
    with command.telling("id", {"loss": "galat"}):
        print("lo", end="")
        print("ss")
        print("loss", end="", flush=True)
        assert capsys.readouterr().out == "galat\nloss"
        print(" 3\nloss", end="")
    assert capsys.readouterr().out == " 3\nloss"
    with pytest.raises(ZeroDivisionError), command.telling("id", {"loss": "galat"}):
        print("loss")
        raise ZeroDivisionError
    print("loss")
    assert capsys.readouterr().out == "galat\nloss\n"


def test_the_rules_find_what_breaks_them() -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axis = pyplot.subplots(figsize=(12, 5))
    axis.plot([0, 1], color="red")
    axis.set_title("Some words", fontsize=7)
    assert "Some words" in figure_rules.small(figure)
    assert figure_rules.strange_colours(figure) == {"#ff0000"}
    assert figure_rules.untranslated(figure, {"Other": "Lain"}) == {"Some words"}
    assert figure_rules.untold("Some words\nepoch  other", {"Some words": "Kata"}) == {"other"}
    pyplot.close(figure)


def test_without_matplotlib(tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert activations.main(["--out", str(tmp_path)]) == 1
    assert "pip install mundur[examples]" in capsys.readouterr().err
