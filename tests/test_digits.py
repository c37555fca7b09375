"""The digits example, and its reader of IDX files."""

from __future__ import annotations

import gzip
import re
import struct
import sys
from pathlib import Path
from typing import Any

import mundur as md
import numpy as np
import pytest
from mundur.examples import digits, idx

import figure_rules

IMAGES = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


def encoded(array: Any) -> bytes:
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return header + array.tobytes()


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_idx_files(pack: Any, tmp_path: Path) -> None:
    path = tmp_path / "images"
    path.write_bytes(pack(encoded(IMAGES)))
    assert np.array_equal(idx.read_idx(path, 3), IMAGES)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "got nothing"),
        (b"\0\0\x08", "got 00 00 08"),
        (encoded(IMAGES)[:10], "cut short within the header"),
        (encoded(IMAGES)[:-1], "cut short; shape (2, 3, 4) takes 24 bytes"),
        (encoded(IMAGES) + b"\0", "longer than promised"),
        (encoded(IMAGES[0]), "3 axes"),
        (b"\0\0\x0d\x03" + encoded(IMAGES)[4:], "unsigned bytes"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "the header promises"),
        (b"\0\0\x08\x03" + bytes(12), "the header promises"),
        (b"PK\x03\x04" + bytes(50), "got 50 4b 03 04"),
    ],
)
def test_broken_idx_files(pack: Any, data: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "images"
    path.write_bytes(pack(data))
    with pytest.raises(ValueError, match=re.escape(words)):
        idx.read_idx(path, 3)


def test_damaged_gzip(tmp_path: Path) -> None:
    path = tmp_path / "images.gz"
    good = gzip.compress(encoded(np.random.default_rng(0).integers(0, 255, (9, 9, 9), np.uint8)))
    for place in range(0, len(good), 11):
        for data in (good[:place], good[:place] + bytes([good[place] ^ 0xFF]) + good[place + 1 :]):
            path.write_bytes(data)
            try:
                idx.read_idx(path, 3)
            except ValueError as error:
                assert str(path) in str(error)


def test_a_folder_of_idx_files(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"train-images-idx3-ubyte.gz"):
        idx.read_set(tmp_path, "train")
    (tmp_path / "train-images-idx3-ubyte").write_bytes(encoded(IMAGES))
    (tmp_path / "train-labels.idx1-ubyte.gz").write_bytes(gzip.compress(encoded(IMAGES[0, 0, :2])))
    images, labels = idx.read_set(tmp_path, "train")
    assert (images.shape, labels.tolist()) == ((2, 3, 4), [0, 1])
    (tmp_path / "train-labels.idx1-ubyte.gz").write_bytes(encoded(IMAGES[0, 0]))
    with pytest.raises(ValueError, match="2 train images, but 4 labels"):
        idx.read_set(tmp_path, "train")


def accuracy(text: str) -> float:
    found = re.search(r"test accuracy: ([\d.]+)%", text)
    assert found
    return float(found[1])


def test_the_example(tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "new" / "folder"
    with figure_rules.checked() as figures:
        assert digits.main(["--out", str(out)]) == 0
    assert len(figures) == 1
    text = capsys.readouterr().out
    assert accuracy(text) >= 97.0
    assert text.count("val_accuracy") == 7
    assert f"{out / 'digits.safetensors'}, the model: loaded from there it predicts" in text
    assert 'next: mundur.load_model("' in text
    assert (out / "digits.png").read_bytes().startswith(b"\x89PNG")
    assert md.load_model(out / "digits.safetensors").seed == 0


@pytest.mark.slow
def test_the_example_on_mnist(shared_data: Path, tmp_path: Path, capsys: Any) -> None:
    arguments = ["--data", str(shared_data / "mnist"), "--out", str(tmp_path), "--epochs", "10"]
    assert digits.main(arguments) == 0
    text = capsys.readouterr().out
    assert accuracy(text) >= 98.0
    assert re.search(r"10 epochs in [\d.]+ s", text)


def test_the_example_without_its_extras(monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    assert digits.main([]) == 1
    assert "pip install mundur[examples]" in capsys.readouterr().err


def test_the_example_cut_short(tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    def interrupted(self: Any, epoch: int, logs: Any = None) -> None:
        raise KeyboardInterrupt

    fit = md.Model.fit

    def cut(self: md.Model, *args: Any, **kwargs: Any) -> Any:
        stop = md.Callback()
        stop.on_epoch_begin = interrupted.__get__(stop)  # type: ignore[method-assign]
        return fit(self, *args, **kwargs | {"callbacks": [stop]})

    monkeypatch.setattr(md.Model, "fit", cut)
    assert digits.main(["--out", str(tmp_path)]) == 0
    assert "cut short by Ctrl-C: 60 epochs were asked for" in capsys.readouterr().out


def test_the_example_with_bad_arguments(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "file").touch()
    assert digits.main(["--out", str(tmp_path / "file")]) == 1
    assert capsys.readouterr().err.startswith("--out: ")
    assert digits.main(["--data", str(tmp_path)]) == 1
    assert "holds none of" in capsys.readouterr().err
    for arguments in (["--epochs", "0"], ["--epochs", "x"], ["--epoch", "3", "--nonsense"]):
        with pytest.raises(SystemExit):
            digits.main(arguments)
