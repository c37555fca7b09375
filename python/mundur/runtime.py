"""Threads, instruction sets and what the package was built from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from . import _core
from ._support.checks import integer
from ._support.names import lookup, unknown_attribute

__all__ = ["build_info", "get_num_threads", "isa", "set_isa", "set_num_threads", "threads"]


def set_num_threads(n: int) -> None:
    """Sets how many threads native calls may use from now on; results do not depend on it.

    A call uses fewer where fewer are faster: for small steps, on more threads than cores, beside
    other busy processes. It finds out by trying, and tries again when its pace changes.

    Parameters
    ----------
    n : int
        At least 1; 0 goes back to the default, which is MUNDUR_NUM_THREADS, else the least of
        OpenMP's maximum, the CPU affinity, the cgroup quota and the cores.

    Raises
    ------
    TypeError, ValueError
        For anything but an integer >= 0.

    Examples
    --------
    >>> import mundur as md
    >>> md.set_num_threads(1)
    >>> md.get_num_threads()
    1
    >>> md.set_num_threads(0)
    """
    _core.set_num_threads(integer(n, "n", 0, 2**31 - 1))


def get_num_threads() -> int:
    """How many threads a native call may use.

    Examples
    --------
    >>> import mundur as md
    >>> md.get_num_threads() >= 1
    True
    """
    return _core.num_threads()


@contextmanager
def threads(n: int) -> Iterator[None]:
    """Sets the number of threads for the body of a ``with``.

    Parameters
    ----------
    n : int
        See `set_num_threads`.

    Examples
    --------
    >>> import mundur as md
    >>> with md.runtime.threads(1):
    ...     md.get_num_threads()
    1
    """
    before = _core.chosen_num_threads()
    set_num_threads(n)
    try:
        yield
    finally:
        _core.set_num_threads(before)


def isa() -> str:
    """The instruction set in force: "generic", "avx2", "avx512", "avx512bf16", "amx" or "neon".

    It is the widest that build and CPU share, or MUNDUR_ISA's.

    Examples
    --------
    >>> import mundur as md
    >>> md.isa() in md.build_info()["isas_available"]
    True
    """
    return _core.current_isa()


def set_isa(name: str) -> None:
    """Forces an instruction set for native calls that start later; results do not depend on it.

    Parameters
    ----------
    name : str
        One of ``build_info()["isas_available"]``.

    Raises
    ------
    ValueError
        Where this build or this CPU lacks it.

    Examples
    --------
    >>> import mundur as md
    >>> before = md.isa()
    >>> md.runtime.set_isa("generic")
    >>> md.isa()
    'generic'
    >>> md.runtime.set_isa(before)
    """
    available = {isa: isa for isa in _core.available_isas()}
    _core.set_isa(lookup(available, name, "instruction set"))


def build_info() -> dict[str, Any]:
    """Version, compiler, OpenMP, the instruction sets built in and those this CPU can run.

    "fast_compute_dtypes" lists the kinds of bfloat16 whose products the instruction set in force
    computes faster than float32's; the others cost accuracy and gain nothing. "devices" lists the
    GPUs that models compute on now: "cuda:0 (NVIDIA H200)", or "cuda:0 (host emulation)" where the
    library is the one that tests compute with on the CPU.

    Examples
    --------
    >>> import mundur as md
    >>> md.build_info()["version"] == md.__version__
    True
    """
    return _core.build_info() | {
        "isas_available": _core.available_isas(),
        "isa": isa(),
        "devices": _core.open_devices(),
    }


if not TYPE_CHECKING:  # else type checkers would believe in any name

    def __getattr__(name: str) -> object:
        raise unknown_attribute("mundur.runtime", name, __all__)

    def __dir__() -> list[str]:
        return sorted(__all__)
