"""The folder aclImdb of film reviews (Maas et al., 2011), or its archive, which stays packed."""

from __future__ import annotations

import os
import re
import stat
import tarfile
import zlib
from collections.abc import Callable, Iterator
from lzma import LZMAError

from .._support.disk import open_ordinary
from .files import Path, Texts, check_size, decoded, memory_limit

__all__ = ["load_aclimdb"]

_SETS = ("train", "test")
# Labels in the order in which their reviews take turns.
_LABELS = {"pos": "positive", "neg": "negative"}
_FILE = re.compile(r"(\d{1,9})_\d{1,2}\.txt", re.ASCII)
_MEMBER = re.compile(rf"(?:\./)?(?:aclImdb/)?(train|test)/(pos|neg)/{_FILE.pattern}", re.ASCII)
# The longest review has 14 kB.
_LARGEST_REVIEW = 1 << 24
# Long names and records of a member stand before it, and the module reads them whole.
_LARGEST_HEADER = 1 << 16
_HEADERS = (
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
)
_BROKEN = (tarfile.TarError, EOFError, zlib.error, LZMAError)

# (set, class) -> number of the review -> bytes
Found = dict[tuple[str, str], dict[int, bytes]]


def load_aclimdb(path: Path) -> tuple[Texts, Texts]:
    """Reads the reviews of aclImdb, from its folder or from its archive.

    Of an archive nothing is unpacked to the disk. Only ordinary files such as
    ``train/pos/NUMBER_STARS.txt`` count; links, devices, other paths, and the unlabelled reviews in
    ``unsup`` are passed over.

    Parameters
    ----------
    path : path
        The folder aclImdb, or the one it lies in, or aclImdb_v1.tar.gz (.tar, .tar.bz2, .tar.xz).

    Returns
    -------
    train, test : Texts
        Labels "positive" and "negative" take turns, each in order of the reviews' numbers.

    Raises
    ------
    OSError
        Where something cannot be read.
    ValueError
        For a damaged or truncated archive, bytes that are not UTF-8 (with file and line), and where
        one of the four sets of reviews is missing.

    Examples
    --------
    >>> import os, tempfile
    >>> from mundur.text import load_aclimdb
    >>> folder = tempfile.mkdtemp()
    >>> for name in ("train/pos", "train/neg", "test/pos", "test/neg"):
    ...     os.makedirs(os.path.join(folder, name))
    ...     with open(os.path.join(folder, name, "0_9.txt"), "w") as file:
    ...         _ = file.write(f"a review of {name}")
    >>> train, test = load_aclimdb(folder)
    >>> train
    Texts(texts=['a review of train/pos', 'a review of train/neg'], labels=['positive', 'negative'])
    """
    name = os.fspath(path)
    found = _in_folder(name) if os.path.isdir(name) else _in_archive(name)
    for part in ((s, c) for s in _SETS for c in _LABELS):
        if not found.get(part):
            raise ValueError(f"{name} is no aclImdb: it holds no {'/'.join(part)}/NUMBER_STARS.txt")
    train, test = (_set(found, which, name) for which in _SETS)
    return train, test


def _set(found: Found, which: str, name: str) -> Texts:
    # By number, and of one number the positive review first.
    order = sorted((number, i, c) for i, c in enumerate(_LABELS) for number in found[which, c])
    texts = [
        decoded(found[which, c][number], "utf-8", f"{name}: {which}/{c}/{number}_*.txt")
        for number, _, c in order
    ]
    return Texts(texts, [_LABELS[c] for _, _, c in order])


# ---- folder -------------------------------------------------------------------------------------


def _in_folder(folder: str) -> Found:
    inner = os.path.join(folder, "aclImdb")
    base = inner if os.path.isdir(inner) and not os.path.islink(inner) else folder
    budget = _budget(folder)
    found: Found = {}
    for which in _SETS:
        for c in _LABELS:
            part = found[which, c] = {}
            for number, data in _reviews(os.path.join(base, which, c), budget):
                _add(part, number, data, f"{folder}: {which}/{c}")
    return found


def _add(part: dict[int, bytes], number: int, data: bytes, name: str) -> None:
    if number in part:
        raise ValueError(f"{name} holds two reviews of the number {number}")
    part[number] = data


def _reviews(folder: str, budget: Callable[[int], None]) -> Iterator[tuple[int, bytes]]:
    if not os.path.isdir(folder):
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            match = _FILE.fullmatch(entry.name)
            if match is None or not entry.is_file(follow_symlinks=False):
                continue
            with open(entry.path, "rb") as file:
                if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    data = file.read(_LARGEST_REVIEW + 1)
                    check_size(len(data), _LARGEST_REVIEW, entry.path)
                    budget(len(data))
                    yield int(match[1]), data


def _budget(name: str) -> Callable[[int], None]:
    """Counts bytes, and raises when they are too many for this machine."""
    most, used = memory_limit(), 0

    def use(size: int) -> None:
        nonlocal used
        used += size
        check_size(used, most, name)

    return use


# ---- archive ------------------------------------------------------------------------------------


class _Member(tarfile.TarInfo):
    """One whose header needs no more memory than a header should."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _Member:
        member = super().frombuf(buf, encoding, errors)
        if member.type in _HEADERS and member.size > _LARGEST_HEADER:
            raise tarfile.ReadError(f"a header of {member.size} bytes")
        return member

    def _no_holes(self, *_: object) -> None:
        raise tarfile.ReadError("a sparse file")  # its list of holes may be of any length

    _proc_sparse = _proc_gnusparse_10 = _no_holes


def _in_archive(name: str) -> Found:
    try:
        with (
            open_ordinary(name) as file,
            tarfile.open(name, "r:*", file, tarinfo=_Member) as archive,
        ):
            found = _members(archive, name)
            _check_end(archive)
    except _BROKEN as error:
        raise ValueError(f"{name}: a damaged or truncated archive, or none ({error})") from error
    except OSError as error:
        if error.errno is not None:  # the file's own trouble: missing, no permission
            raise
        raise ValueError(f"{name}: a damaged or truncated archive ({error})") from error
    return found


def _members(archive: tarfile.TarFile, name: str) -> Found:
    found: Found = {}
    budget = _budget(name)
    while (member := _next(archive)) is not None:
        archive.members.clear()  # type: ignore[attr-defined]  # else 100,000 are kept for nothing
        match = _MEMBER.fullmatch(member.name)
        if match is None or not member.isreg():
            continue
        check_size(member.size, _LARGEST_REVIEW, f"{name}: {member.name}")
        budget(member.size)
        file = archive.extractfile(member)
        if file is not None:
            part = found.setdefault((match[1], match[2]), {})
            _add(part, int(match[3]), file.read(), f"{name}: {match[1]}/{match[2]}")
    return found


def _next(archive: tarfile.TarFile) -> tarfile.TarInfo | None:
    try:
        return archive.next()
    except ValueError as error:  # records that hold no numbers where these belong
        raise tarfile.ReadError(str(error)) from error


def _check_end(archive: tarfile.TarFile) -> None:
    """The module takes a broken or missing header for the end; the real one is a block of zeros."""
    file = archive.fileobj
    assert file is not None
    file.seek(archive.offset)
    block = file.read(tarfile.BLOCKSIZE)
    if block != bytes(tarfile.BLOCKSIZE):
        raise tarfile.ReadError("it breaks off before its end mark")
    while file.read(1 << 20):  # to the checksum of what packs it
        pass
