"""Saving replaces an ordinary file whole; of what is none, or can't be written, it says so."""

from __future__ import annotations

import errno
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mundur as md
import numpy as np
import pytest
from mundur._support import disk  # a kill at each of its steps
from mundur.text import TextClassifier

from waiting import Child, wait_for


def model() -> md.Model:
    return md.Model([md.layers.Dense(2)], input_shape=(3,), seed=0)


def checkpoint(path: Any) -> None:
    one = model()
    one.compile("sgd", "mse")
    callback = md.callbacks.ModelCheckpoint(path)
    one.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0, callbacks=[callback])


def classifier(path: Any) -> None:
    chain = [md.layers.Embedding(9, 2), md.layers.GlobalAveragePooling1D(), md.layers.Dense(1)]
    one = TextClassifier(md.Model(chain, seed=0), length=2)
    one.fit(["a good one", "a poor one"], [1, 0], epochs=1, verbose=0)
    one.save(path)


WRITERS: dict[str, Callable[[Any], None]] = {
    "save": lambda path: model().save(path),
    "save_weights": lambda path: model().save_weights(path),
    "ModelCheckpoint": checkpoint,
    "TextClassifier": classifier,
}


@pytest.fixture(params=WRITERS)
def write(request: Any) -> Callable[[Any], None]:
    return WRITERS[request.param]


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


# ---- what is no ordinary file -------------------------------------------------------------------


def test_a_fifo_stays_one(write: Any, tmp_path: Path) -> None:
    path = tmp_path / "model.st"
    os.mkfifo(path)
    with pytest.raises(ValueError, match=r"model\.st' is a FIFO, no ordinary file"):
        write(path)
    (tmp_path / "link.st").symlink_to(path)
    with pytest.raises(ValueError, match=r"link\.st' is a FIFO"):
        write(tmp_path / "link.st")
    assert stat.S_ISFIFO(path.stat().st_mode)
    assert names(tmp_path) == ["link.st", "model.st"]


def test_devices_and_sockets(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'/dev/null' is a device"):
        model().save("/dev/null")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))
        with pytest.raises(ValueError, match="is a socket"):
            model().save(path)
    assert stat.S_ISSOCK(path.stat().st_mode)


def test_open_files_without_a_name(tmp_path: Path) -> None:
    read, written = os.pipe()
    try:
        with pytest.raises(ValueError, match="is a FIFO"):
            model().save(f"/proc/self/fd/{written}")
    finally:
        os.close(read)
        os.close(written)
    with open(tmp_path / "gone", "wb") as file:
        os.unlink(tmp_path / "gone")
        with pytest.raises(ValueError, match="an open file without a name"):
            model().save(f"/proc/self/fd/{file.fileno()}")
    assert names(tmp_path) == []


def test_reading_a_fifo_does_not_wait(tmp_path: Path) -> None:
    path = tmp_path / "model.st"
    os.mkfifo(path)
    for read in (md.load_model, model().load_weights, md.text.load_sequences):
        with pytest.raises(ValueError, match=r"model\.st' is no ordinary file"):
            read(path)


# ---- links --------------------------------------------------------------------------------------


def test_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "there.st").symlink_to("real/there.st")
    (tmp_path / "again.st").symlink_to("there.st")
    for _ in range(2):  # dangling at first
        model().save(tmp_path / "again.st")
        assert (tmp_path / "again.st").is_symlink()
        assert (tmp_path / "there.st").is_symlink()
        assert names(tmp_path / "real") == ["there.st"]
    (tmp_path / "nowhere.st").symlink_to("none/m.st")
    with pytest.raises(FileNotFoundError, match=r"nowhere\.st': make the folder '.*none' first"):
        model().save(tmp_path / "nowhere.st")


def test_loops_of_links(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    for path in (tmp_path / "a", tmp_path / "a" / "m.st"):
        with pytest.raises(OSError, match=r"symbolic links: '.*/a") as caught:
            model().save(path)
        assert (caught.value.errno, caught.value.filename) == (errno.ELOOP, str(path))
    assert names(tmp_path) == ["a", "b"]


# ---- what the system refuses --------------------------------------------------------------------


def test_errors_name_the_target(write: Any, tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "model.st"
    write(path)
    before = path.read_bytes()
    for function in ("open", "fsync", "replace"):
        for code in (errno.EROFS, errno.ENOSPC, errno.EACCES, errno.EDQUOT, errno.EBUSY):
            real = getattr(os, function)

            def fail(*args: Any, real: Any = real, code: int = code, **options: Any) -> Any:
                if isinstance(args[0], str) and not args[0].endswith(".tmp"):
                    return real(*args, **options)
                raise OSError(code, os.strerror(code), args[0])

            with monkeypatch.context() as patch:
                patch.setattr(os, function, fail)
                with pytest.raises(OSError) as caught:
                    write(path)
            error = caught.value
            assert (type(error), error.errno) == (type(OSError(code, "")), code)
            assert str(error) == f"[Errno {code}] {os.strerror(code)}: {str(path)!r}"
            assert error.__suppress_context__
            assert path.read_bytes() == before
            assert names(tmp_path) == ["model.st"]


@pytest.fixture
def as_nobody() -> Iterator[Path]:
    """A folder, and no right to what belongs to root; its path must be one for all."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        inner = Path(folder, "inner")
        inner.mkdir()
        (inner / "old.st").write_bytes(b"old")
        os.chmod(inner / "old.st", 0o444)
        os.chmod(inner, 0o555)
        root = os.geteuid() == 0
        if root:
            os.seteuid(65_534)
        try:
            yield inner
        finally:
            if root:
                os.seteuid(0)
            os.chmod(inner, 0o755)


def test_without_permission(as_nobody: Path) -> None:
    for name in ("new.st", "old.st"):
        with pytest.raises(PermissionError, match=rf"inner/{name}'"):
            model().save(as_nobody / name)
    assert names(as_nobody) == ["old.st"]
    assert (as_nobody / "old.st").read_bytes() == b"old"


def test_a_full_disk(tmp_path: Path) -> None:
    code = (
        "import resource, signal, mundur as md\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "try: md.Model([md.layers.Dense(2)], input_shape=(3,), seed=0).save('model.st')\n"
        "except OSError as error: print(error)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert run.stdout == f"[Errno {errno.EFBIG}] File too large: 'model.st'\n", run.stderr
    assert names(tmp_path) == []


def test_long_names(tmp_path: Path) -> None:
    longest = os.pathconf(tmp_path, "PC_NAME_MAX")
    for name in ("n" * longest, "é" * (longest // 2)):
        model().save(tmp_path / name)
        assert md.load_model(tmp_path / name).seed == 0
        with pytest.raises(OSError, match=f"too long: '.*{name}") as caught:
            model().save(tmp_path / (name + "nn"))
        assert caught.value.errno == errno.ENAMETOOLONG
    assert len(names(tmp_path)) == 2


@pytest.mark.parametrize("path", [5, None, 1.5, b"", "", "a\0b", "\ud800"])
def test_what_is_no_path(path: Any) -> None:
    for call in (model().save, model().save_weights, model().load_weights, md.load_model):
        with pytest.raises((TypeError, ValueError), match="filepath must be a path; got"):
            call(path)


def test_folders(tmp_path: Path) -> None:
    for path in (str(tmp_path), f"{tmp_path}/new.st/", "/"):
        with pytest.raises(IsADirectoryError, match="is a folder; give the name of a file"):
            model().save(path)
    assert names(tmp_path) == []


@pytest.mark.parametrize("flag", ["no", "", 1, 0, None, np.array([True]), [], 2.0])
def test_flags_are_true_or_false(flag: Any, tmp_path: Path) -> None:
    path = tmp_path / "model.st"
    model().save(path, overwrite=np.bool_(True))
    before = path.read_bytes()
    for write in (model().save, model().save_weights):
        with pytest.raises(TypeError, match="overwrite must be True or False; got"):
            write(path, overwrite=flag)
    for read in (md.load_model, TextClassifier.load):
        with pytest.raises(TypeError, match="compile must be True or False; got"):
            read(path, compile=flag)
    assert path.read_bytes() == before
    assert names(tmp_path) == ["model.st"]


def test_the_mode_stays(tmp_path: Path) -> None:
    path = tmp_path / "model.st"
    model().save(path)
    path.chmod(0o640)
    model().save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


# ---- what a kill leaves behind ------------------------------------------------------------------

# Stops with the temporary file open, says so, and goes on once a line comes.
SLOW = """
import os, sys, mundur as md
real = os.replace
def replace(*paths):
    print("at work", flush=True)
    sys.stdin.readline()
    real(*paths)
os.replace = replace
md.Model([md.layers.Dense(2)], input_shape=(3,), seed=int(sys.argv[2])).save(sys.argv[1])
"""


class Slow:
    """Another process that saves to a path, held at the moment before its file has the name."""

    def __init__(self, path: Path, seed: int = 1) -> None:
        self.process = Child("-c", SLOW, path, seed, stdin=subprocess.PIPE)
        assert self.process.line() == "at work\n"

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate(timeout=60)

    def go_on(self) -> int:
        self.process.communicate("\n", timeout=60)
        return self.process.returncode


def test_the_next_save_sweeps_what_a_kill_left(tmp_path: Path) -> None:
    path = tmp_path / "model.st"
    Slow(path).kill()
    (left,) = names(tmp_path)
    assert left.startswith(".model.st.")
    other = tmp_path / left.replace("model", "other")
    other.touch()
    alike = tmp_path / (left + ".safetensors")
    alike.touch()
    model().save(path)
    assert names(tmp_path) == sorted([other.name, alike.name, "model.st"])


def test_long_names_are_swept(tmp_path: Path) -> None:
    path = tmp_path / ("n" * os.pathconf(tmp_path, "PC_NAME_MAX"))
    Slow(path).kill()
    assert len(names(tmp_path)) == 1
    assert not path.exists()
    model().save(path)
    assert names(tmp_path) == [path.name]


def test_a_save_at_work_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "model.st"
    one, dead = Slow(path, 1), Slow(path, 2)
    dead.kill()
    assert len(names(tmp_path)) == 2
    model().save(path)
    assert len(names(tmp_path)) == 2
    assert md.load_model(path).seed == 0
    assert one.go_on() == 0
    assert names(tmp_path) == ["model.st"]
    assert md.load_model(path).seed == 1


def test_threads_that_save_the_same_file(tmp_path: Path) -> None:
    path, failed = tmp_path / "model.st", []

    def save(one: md.Model) -> None:
        try:
            for _ in range(40):
                one.save(path)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=save, args=(model(),)) for _ in range(6)]
    for thread in threads:
        thread.start()
    wait_for(*threads)
    assert failed == []
    assert names(tmp_path) == ["model.st"]
    assert md.load_model(path).seed == 0


def test_a_file_swept_before_its_lock_is_made_anew(tmp_path: Path, monkeypatch: Any) -> None:
    real_lock, real_unlink, real_replace = disk._lock, os.unlink, os.replace
    locked = threading.Event()
    sweepers: list[threading.Thread] = []

    def lock(descriptor: int, wait: bool = False) -> bool:
        if wait and not sweepers:  # another save comes in between, and takes its time
            other = threading.Thread(target=disk._sweep, args=(str(tmp_path), "model.st"))
            sweepers.append(other)
            other.start()
            assert locked.wait(60)
        return real_lock(descriptor, wait)

    def unlink(path: str) -> None:
        locked.set()
        time.sleep(0.2)
        real_unlink(path)

    def replace(*paths: str) -> None:
        wait_for(sweepers[0])
        real_replace(*paths)

    with monkeypatch.context() as patch:
        patch.setattr(disk, "_lock", lock)
        patch.setattr(os, "unlink", unlink)
        patch.setattr(os, "replace", replace)
        model().save(tmp_path / "model.st")
    assert names(tmp_path) == ["model.st"]


def test_a_file_that_comes_meanwhile_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without permission to overwrite, between the look and the writing."""
    path, fsync = tmp_path / "m.safetensors", os.fsync

    def arrives(descriptor: int) -> None:
        fsync(descriptor)
        path.write_bytes(b"theirs")

    monkeypatch.setattr(os, "fsync", arrives)
    with pytest.raises(FileExistsError, match="overwrite is False"):
        model().save(path, overwrite=False)
    assert path.read_bytes() == b"theirs"
    assert os.listdir(tmp_path) == ["m.safetensors"]
