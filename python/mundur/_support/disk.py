"""Ordinary files: opened without waiting for anybody, replaced whole or not at all."""

from __future__ import annotations

import os
import re
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

__all__ = ["Path", "open_ordinary", "path_value", "replace"]

Path = str | os.PathLike[str]

# A temporary file's name must not be longer than the target's may be; NAME_MAX is 143 at worst.
_LONGEST_STEM = 100
_KINDS = (
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)


def path_value(value: object, name: str) -> str:
    """The text of a path; a TypeError or ValueError names the argument."""
    if not isinstance(value, (str, bytes, os.PathLike)):
        raise TypeError(f"{name} must be a path; got {value!r:.80} ({type(value).__name__})")
    path = os.fsdecode(value)
    try:
        sound = path and b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:  # half a surrogate pair
        sound = False
    if not sound:
        raise ValueError(f"{name} must be a path; got {path!r}")
    return path


# ---- reading ------------------------------------------------------------------------------------


def open_ordinary(path: str) -> BinaryIO:
    """Opens a file for reading; a FIFO without a writer is an error, not a wait."""
    file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return file
    file.close()
    raise ValueError(f"{path!r} is no ordinary file")


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)


# ---- writing ------------------------------------------------------------------------------------


def replace(path: str, data: bytes, overwrite: bool) -> None:
    """The old file or the new one, never a part of it: a temporary file beside it, renamed.

    While its writer lives, a temporary file is locked; the kernel drops the lock of one that was
    killed, and so the next to write the same file can tell what was left behind.
    """
    with _named(path):
        target, before = _target(path, overwrite)
        folder, name = os.path.split(target)
        short = len(os.fsencode(name)) <= _LONGEST_STEM
        stem = name if short else f"{zlib.crc32(os.fsencode(name)):08x}"
        _sweep(folder, stem)
        temporary, descriptor = _temporary(folder, stem)
        try:
            with open(descriptor, "wb") as file:
                if before is not None:
                    with suppress(OSError):  # some file systems have no modes
                        os.fchmod(descriptor, stat.S_IMODE(before.st_mode))
                file.write(data)
                file.flush()
                os.fsync(descriptor)
                if overwrite or not _linked(temporary, target, path):
                    os.replace(temporary, target)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary)
            raise
        _sync_folder(folder)


def _linked(temporary: str, target: str, path: str) -> bool:
    """Whether a file has got its second name; what took it meanwhile is no older than the look."""
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise _exists(path) from None
    except OSError:  # some file systems have no links
        return False
    os.unlink(temporary)
    return True


def _exists(path: str) -> FileExistsError:
    return FileExistsError(f"{path!r} exists and overwrite is False")


@contextmanager
def _named(path: str) -> Iterator[None]:
    """What the system refuses is told of the file that the user named, not of one beside it."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, path) from None


def _target(path: str, overwrite: bool) -> tuple[str, os.stat_result | None]:
    """Where links lead, and what is there."""
    target = os.path.realpath(path)
    try:
        found = os.stat(path)
    except FileNotFoundError:
        found = None
    if path.endswith(os.sep) or (found is not None and stat.S_ISDIR(found.st_mode)):
        raise IsADirectoryError(f"{path!r} is a folder; give the name of a file in it")
    folder = os.path.dirname(target)
    if found is None:
        if not os.path.isdir(folder):
            raise FileNotFoundError(f"cannot write {path!r}: make the folder {folder!r} first")
        return target, None
    if not overwrite:
        raise _exists(path)
    for is_kind, kind in _KINDS:
        if is_kind(found.st_mode):
            raise ValueError(
                f"{path!r} is {kind}, no ordinary file; save to a file and copy it from there"
            )
    # /dev/stdout and its like lead to open files, which may have lost their names. No inodes are
    # compared: another save may replace the file between two looks.
    if not os.path.lexists(target) and os.path.exists(path):
        raise ValueError(f"{path!r} is an open file without a name of its own; name a file")
    if not os.access(target, os.W_OK):
        raise PermissionError(f"cannot write {path!r}: no permission to change it")
    return target, found


def _temporary(folder: str, stem: str) -> tuple[str, int]:
    """A new file under this process's lock."""
    while True:
        path = os.path.join(folder, f".{stem}.{os.urandom(8).hex()}.tmp")
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o666)
        _lock(descriptor, wait=True)  # for one who sweeps, a moment
        if os.fstat(descriptor).st_nlink:
            return path, descriptor
        os.close(descriptor)  # it was swept before it was locked


def _sweep(folder: str, stem: str) -> None:
    """Removes what killed processes left, as far as that is allowed."""
    pattern = re.compile(re.escape(f".{stem}.") + r"[0-9a-f]{16}\.tmp")
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if pattern.fullmatch(entry.name):
                with suppress(OSError):
                    _remove_orphan(entry.path)


def _remove_orphan(path: str) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if stat.S_ISREG(os.fstat(descriptor).st_mode) and _lock(descriptor):
            os.unlink(path)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, wait: bool = False) -> bool:
    """Whether the file is this caller's alone; never where the file system knows no locks."""
    import fcntl  # not on every system that this module can be imported on

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        return False
    return True


def _sync_folder(folder: str) -> None:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except PermissionError:  # one may write into a folder that one may not read
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
