"""The IDX files of MNIST and its relatives, plain or compressed with gzip.

A file is two zero bytes, a type (8: unsigned bytes), the number of axes, one big-endian 32-bit
extent per axis, and the values. Reads what the header promises and not a byte more, so a broken or
hostile file costs an error message.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]

_UNSIGNED_BYTES = 8
_MOST_BYTES = 1 << 31


def read_idx(path: Path, axes: int) -> Bytes:
    """The array of unsigned bytes in a file that must have this many axes.

    Raises
    ------
    OSError
        Where the file cannot be read.
    ValueError
        Where it is not such a file, is cut short or goes on too long.
    """
    try:
        with path.open("rb") as raw:
            compressed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            if not compressed:
                return _read(raw, path, axes)
            with gzip.GzipFile(fileobj=raw) as file:
                return _read(file, path, axes)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path}: damaged gzip data ({error})") from error


def _read(file: IO[bytes] | gzip.GzipFile, path: Path, axes: int) -> Bytes:
    magic = file.read(4)
    expected = bytes([0, 0, _UNSIGNED_BYTES, axes])
    if magic != expected:
        raise ValueError(
            f"{path}: expected an IDX file of unsigned bytes with {axes} axes, which starts with "
            f"{expected.hex(' ')}; got {magic.hex(' ') or 'nothing'}"
        )
    header = file.read(4 * axes)
    if len(header) != 4 * axes:
        raise ValueError(f"{path}: cut short within the header")
    shape = struct.unpack(f">{axes}I", header)
    size = math.prod(shape)
    if not 0 < size <= _MOST_BYTES:
        raise ValueError(f"{path}: the header promises an array of shape {shape}")
    data = file.read(size + 1)
    if len(data) != size:
        what = "cut short" if len(data) < size else "longer than promised"
        raise ValueError(f"{path}: {what}; shape {shape} takes {size} bytes")
    return np.frombuffer(data, np.uint8).reshape(shape)


def read_set(folder: Path, name: str) -> tuple[Bytes, Bytes]:
    """Images (n, rows, columns) and labels (n,) of "train" or "t10k" in a folder.

    Raises
    ------
    FileNotFoundError
        Where a file is missing; it names those looked for.
    ValueError
        For damaged files, and images and labels of different numbers.
    """
    images = read_idx(_find(folder, f"{name}-images", 3), 3)
    labels = read_idx(_find(folder, f"{name}-labels", 1), 1)
    if len(images) != len(labels):
        raise ValueError(f"{folder}: {len(images)} {name} images, but {len(labels)} labels")
    return images, labels


def _find(folder: Path, stem: str, axes: int) -> Path:
    names = [f"{stem}{dot}idx{axes}-ubyte{end}" for dot in "-." for end in ("", ".gz")]
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(f"{folder} holds none of {', '.join(names)}")
