"""NumPy archives of integer sequences: what is read, and what is broken or hostile in them."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any

import mundur as md
import numpy as np
import pytest
from mundur.text import load_sequences


def test_integer_sequences(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    matrix = np.asfortranarray([[1, 2, 3], [4, 5, 6]], dtype=">i2")
    lengths = np.array([2, 0, 3])
    np.savez_compressed(path, x=np.arange(5), x_lengths=lengths, y=[True, False], z=matrix)
    data = load_sequences(path)
    assert [row.tolist() for row in data["x"]] == [[0, 1], [], [2, 3, 4]]
    assert data["y"].tolist() == [True, False]
    assert np.array_equal(data["z"], matrix)
    assert data["z"].dtype == np.int16
    assert sorted(data) == ["x", "y", "z"]
    assert md.utils.pad_sequences(data["x"], 2).tolist() == [[0, 1], [0, 0], [3, 4]]


def test_lengths_of_lengths(tmp_path: Path) -> None:
    """Whatever the names, each array is there, or is the lengths of one that is."""
    path = tmp_path / "a.npz"
    np.savez(path, x=np.arange(3), x_lengths=np.array([2, 1]), x_lengths_lengths=np.array([2]))
    data = load_sequences(path)
    assert sorted(data) == ["x"]
    assert [row.tolist() for row in data["x"]] == [[0, 1], [2]]


class Trap:
    def __reduce__(self) -> Any:
        return (os.mkdir, ("trapped",))


def test_what_keras_ships_is_an_error_that_says_how_to_convert(
    tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = np.array([[1, 2], [3]], dtype=object)
    np.savez("imdb.npz", x_train=rows, y_train=[1, 0], x_test=rows, y_test=[1, 0])
    with pytest.raises(
        ValueError, match=r"imdb.npz: x_train is an array of Python objects"
    ) as told:
        load_sequences("imdb.npz")
    exec("\n".join(line[4:] for line in str(told.value).splitlines()[2:]), {"np": np})
    data = load_sequences("plain.npz")
    assert [row.tolist() for row in data["x_test"]] == [[1, 2], [3]]
    np.savez("trap.npz", x=np.array([Trap()], dtype=object))
    with pytest.raises(ValueError, match=r"trap.npz: x is an array of Python objects"):
        load_sequences("trap.npz")
    assert not Path("trapped").exists()


def test_broken_npz_files(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, x=np.arange(1000))
    whole = path.read_bytes()
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 0xFF
    for data in (b"", b"no archive", whole[:-1], whole[: len(whole) // 2], bytes(damaged)):
        path.write_bytes(data)
        with pytest.raises(ValueError, match=r"a.npz: no .npz file, or a damaged"):
            load_sequences(path)
    with pytest.raises(FileNotFoundError):
        load_sequences(tmp_path / "nothing.npz")


def npy(header: str, data: bytes = b"") -> bytes:
    text = header.encode().ljust(118 - 1) + b"\n"
    return b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text + data


@pytest.mark.parametrize(
    ("member", "words"),
    [
        (b"", "no sound header"),
        (b"\x93NUMPY\7\0", "no sound header"),
        (npy("{"), "no sound header"),
        (npy("__import__('os').mkdir('trapped')"), "no sound header"),
        (npy("{'descr': '<i8', 'fortran_order': False, 'shape': (2,)}", bytes(15)), "not fit its"),
        (npy("{'descr': '<i8', 'fortran_order': False, 'shape': (10**15,)}"), "no sound header"),
        (npy(f"{{'descr': '<i8', 'fortran_order': False, 'shape': ({10**15},)}}"), "not fit its"),
        (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", bytes(4)), "hold integers"),
        (npy("{'descr': '<U1', 'fortran_order': False, 'shape': (1,)}", bytes(4)), "hold integers"),
        (npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}"), "Python objects"),
    ],
)
def test_broken_arrays(member: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("x.npy", member)
    with pytest.raises(ValueError, match=f"a.npz: x .*{words}"):
        load_sequences(path)


@pytest.mark.parametrize("lengths", [[1, 1], [4, -1], [[3]], [2**62, 2**62]])
def test_lengths_that_do_not_fit(lengths: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, x=np.arange(3), x_lengths=np.array(lengths))
    with pytest.raises(ValueError, match="lengths"):
        load_sequences(path)
