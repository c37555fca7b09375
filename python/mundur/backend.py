"""What scripts for Keras ask of its backend; there is one here, the core.

>>> from mundur import backend
>>> backend.backend()
'mundur'
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._support.checks import set_seeds
from ._support.names import unknown_attribute

__all__ = ["backend", "clear_session", "epsilon", "floatx", "image_data_format"]


def backend() -> str:
    """The library that computes.

    Examples
    --------
    >>> backend()
    'mundur'
    """
    return "mundur"


def clear_session(free_memory: bool = True) -> None:
    """Forgets what models share: nothing but the seeds of `utils.set_random_seed`.

    A model goes when nobody holds it; names of layers are counted in each model by itself.

    Examples
    --------
    >>> clear_session()
    """
    set_seeds(None)


def floatx() -> str:
    """The type of numbers that a model has unless it is told.

    Examples
    --------
    >>> floatx()
    'float32'
    """
    return "float32"


def epsilon() -> float:
    """Where losses keep logarithms and quotients finite.

    Examples
    --------
    >>> epsilon()
    1e-07
    """
    return 1e-7


def image_data_format() -> str:
    """Where the channels of a sample are.

    Examples
    --------
    >>> image_data_format()
    'channels_last'
    """
    return "channels_last"


if not TYPE_CHECKING:  # else type checkers would believe in any name

    def __getattr__(name: str) -> object:
        raise unknown_attribute("mundur.backend", name, __all__)

    def __dir__() -> list[str]:
        return sorted(__all__)
