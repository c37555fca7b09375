"""NumPy archives (.npz) of integer sequences, without pickle."""

from __future__ import annotations

import math
import os
import zipfile
import zlib
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from .._support.disk import open_ordinary
from .files import Path, check_size, memory_limit

__all__ = ["load_sequences"]

Array = npt.NDArray[Any]

_LENGTHS = "_lengths"
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError)
_PICKLED = """{name}: {key} is an array of Python objects, which only pickle reads, and pickle
runs whatever a file says. If you trust the file, as Keras's imdb.npz, convert it once:
    with np.load({path!r}, allow_pickle=True) as old:
        plain = dict(old)
    for key in ("x_train", "x_test"):
        plain[key + "_lengths"] = [len(row) for row in plain[key]]
        plain[key] = np.concatenate([np.asarray(row) for row in plain[key]])
    np.savez("plain.npz", **plain)"""


def load_sequences(path: Path) -> dict[str, Any]:
    """Reads integer sequences and labels from a .npz file; nothing is ever unpickled.

    Parameters
    ----------
    path : path
        A file of `numpy.savez` or `numpy.savez_compressed`. Sequences of different lengths stand
        behind one another in one array, ``NAME``, with their lengths in another, ``NAME_lengths``.

    Returns
    -------
    dict of str to ndarray, or list of ndarray
        By name, as in the file; with ``NAME_lengths`` a list of arrays, which
        `mundur.utils.pad_sequences` makes one of.

    Raises
    ------
    OSError
        Where the file cannot be read.
    ValueError
        For arrays of Python objects (the message says how to convert Keras's imdb.npz), for arrays
        that hold no integers, lengths that do not fit, and damaged or truncated files.

    Examples
    --------
    >>> import numpy as np, os, tempfile
    >>> from mundur.text import load_sequences
    >>> path = os.path.join(tempfile.mkdtemp(), "reviews.npz")
    >>> np.savez(path, x_train=[4, 5, 6], x_train_lengths=[2, 1], y_train=[1, 0])
    >>> data = load_sequences(path)
    >>> data["x_train"], data["y_train"]
    ([array([4, 5]), array([6])], array([1, 0]))
    """
    name = os.fspath(path)
    with open_ordinary(name) as file:
        arrays = _arrays(file, name)
    return {
        key: _split(values, arrays[key + _LENGTHS], f"{name}: {key}")
        if key + _LENGTHS in arrays
        else values
        for key, values in arrays.items()
        if not (key.endswith(_LENGTHS) and key.removesuffix(_LENGTHS) in arrays)
    }


def _arrays(file: IO[bytes], name: str) -> dict[str, Any]:
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            check_size(sum(member.file_size for member in members), memory_limit(), name)
            return {
                _key(member.filename): _array(archive, member, name)
                for member in members
                if member.filename.endswith(".npy")
            }
    except _BROKEN as error:
        raise ValueError(f"{name}: no .npz file, or a damaged or truncated one ({error})") from None


def _key(filename: str) -> str:
    return filename.removesuffix(".npy")


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> Array:
    """An array; its header is compared with the bytes that there are."""
    key = _key(member.filename)
    with archive.open(member) as file:
        try:
            version = np.lib.format.read_magic(file)
            reads = {
                (1, 0): np.lib.format.read_array_header_1_0,
                (2, 0): np.lib.format.read_array_header_2_0,
            }
            shape, by_columns, dtype = reads[version](file)
        except Exception as error:  # NumPy's parser lets those of Python's own through, too
            raise ValueError(f"{name}: {key} has no sound header ({error})") from None
        if dtype.hasobject:
            raise ValueError(_PICKLED.format(name=name, path=name, key=key))
        if dtype.kind not in "iub":
            raise ValueError(f"{name}: {key} must hold integers; it holds {dtype}")
        data = file.read()
    if len(data) != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"{name}: {key} of shape {shape} and {dtype} does not fit its bytes")
    array: Array = np.frombuffer(data, dtype.newbyteorder("=")).copy()
    if not dtype.isnative:
        array = array.byteswap()
    return array.reshape(shape, order="F" if by_columns else "C")


def _split(values: Array, lengths: Array, name: str) -> list[Array]:
    if values.ndim != 1 or lengths.ndim != 1:
        raise ValueError(f"{name} and its lengths must have one axis; got {values.ndim}")
    if (lengths < 0).any() or sum(map(int, lengths)) != len(values):
        raise ValueError(f"{name}_lengths must add up to the {len(values)} numbers of {name}")
    return np.split(values, np.cumsum(lengths)[:-1]) if len(lengths) else []
