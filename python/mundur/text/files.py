"""Text files, gzipped or not: their bytes, and their lines in a named encoding."""

from __future__ import annotations

import gzip
import os
import zlib
from typing import IO, NamedTuple

from .. import _core
from .._support.disk import Path, open_ordinary

__all__ = [
    "Path",
    "Texts",
    "check_size",
    "decoded",
    "memory_limit",
    "read_bytes",
    "read_lines",
]

_GZIP = b"\x1f\x8b"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_PIECE = 1 << 22
# Decoded text and the rows cut out of it take several times the bytes of the file.
_SHARE_OF_MEMORY = 8


class Texts(NamedTuple):
    """Texts and a label for each, in two lists; unpacks as ``texts, labels = ...``.

    Examples
    --------
    >>> from mundur.text import Texts
    >>> texts, labels = Texts(["a fine film", "a poor one"], ["positive", "negative"])
    """

    texts: list[str]
    labels: list[str] | list[int]


def read_bytes(path: Path) -> bytes:
    """A file's content, unpacked where it is gzip's; a ValueError names what is broken."""
    name = os.fspath(path)
    with open_ordinary(name) as file:
        compressed = file.read(2) == _GZIP
        file.seek(0)
        if not compressed:
            return _all(file, name)
        try:
            with gzip.GzipFile(fileobj=file) as unpacked:
                return _all(unpacked, name)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ValueError(f"{name}: damaged gzip data ({error})") from error


def _all(file: IO[bytes] | gzip.GzipFile, name: str) -> bytes:
    most = memory_limit()
    pieces, size = [], 0
    while piece := file.read(_PIECE):
        pieces.append(piece)
        size += len(piece)
        check_size(size, most, name)
    return b"".join(pieces)


def check_size(size: int, most: int, name: str) -> None:
    """A small archive may hold endless zeros."""
    if size > most:
        raise ValueError(f"{name}: more than {most >> 20} MiB unpacked do not fit in memory here")


def memory_limit() -> int:
    """The most bytes of text to read at once."""
    return _core.available_memory() // _SHARE_OF_MEMORY


def decoded(data: bytes, encoding: str, name: str) -> str:
    """The text of some bytes, without a byte order mark; the ValueError names the line."""
    try:
        text = data.decode(encoding)
    except LookupError:
        raise ValueError(f"unknown encoding {encoding!r}") from None
    except UnicodeDecodeError as error:
        line = data[: error.start].decode(encoding, "replace").count("\n") + 1
        found = "" if error.start >= len(data) else f", byte 0x{data[error.start]:02x}"
        hint = "utf-16" if data.startswith(_UTF16) else "cp1252"
        raise ValueError(
            f"{name}, line {line}: not {encoding}{found} ({error.reason}); name the encoding of "
            f"the file, such as encoding={hint!r}"
        ) from None
    except UnicodeError as error:  # UTF-16 without its mark, for one
        raise ValueError(f"{name}: not {encoding} ({error})") from None
    return text.removeprefix("\ufeff")


def read_lines(path: Path, encoding: str) -> list[str]:
    """The lines of a file; only a line feed, with a carriage return before it or not, ends one."""
    text = decoded(read_bytes(path), encoding, os.fspath(path))
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    if lines[-1] == "":
        lines.pop()
    return lines
