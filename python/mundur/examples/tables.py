"""Tables under --data, as text that may be compressed with gzip, and their scale."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from mundur.examples.command import DataError


def find(folder: Path, name: str) -> Path:
    """The file of this name, or with .gz behind it; a DataError where there is neither."""
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise DataError(f"{folder} holds neither {name} nor {name}.gz")


@contextmanager
def opened(path: Path) -> Iterator[IO[str]]:
    """The file as lines of text; a DataError where it is damaged."""
    try:
        if path.suffix == ".gz":
            with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
                yield lines
        else:
            with path.open(encoding="utf-8", newline="") as lines:
                yield lines
    except (EOFError, zlib.error, OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: {error}") from error


def numbers(rows: Sequence[Sequence[str]], columns: int, path: Path) -> npt.NDArray[Any]:
    """Rows of text as float64; a DataError for one of another length or with another content."""
    for line, row in enumerate(rows, 2):
        if len(row) != columns:
            raise DataError(f"{path}, line {line}: expected {columns} fields, got {len(row)}")
    try:
        values = np.array(rows, dtype=np.float64)
    except ValueError as error:
        raise DataError(f"{path}: {error}") from error
    if not len(values):
        raise DataError(f"{path}: there are no samples")
    return values


def standard(values: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Mean and deviation of each column, the latter 1 where all are alike."""
    deviation = values.std(axis=0)
    return values.mean(axis=0), np.where(deviation > 0, deviation, 1.0)
