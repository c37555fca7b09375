"""Classes and functions of one's own, by the names that files call them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from .checks import WrongType, identifier, shown

__all__ = ["REGISTERED", "name_of", "register_keras_serializable"]

T = TypeVar("T")

REGISTERED: dict[str, Any] = {}


def register_keras_serializable(
    package: str = "Custom", name: str | None = None
) -> Callable[[T], T]:
    """Decorates a class or a function, which files then find without ``custom_objects``.

    Parameters
    ----------
    package : str, default "Custom"
    name : str, optional
        By default its own. Files call it "package>name", as Keras does.

    Raises
    ------
    TypeError
        For what has no name.

    Examples
    --------
    >>> import mundur as md
    >>> @md.saving.register_keras_serializable(package="shop")
    ... class Twice(md.Layer):
    ...     def call(self, x):
    ...         return x + x
    >>> model = md.Model([Twice()], input_shape=(2,))
    >>> md.models.model_from_json(model.to_json()).layers[0].name
    'twice'
    """
    identifier(package, "package")

    def decorate(piece: T) -> T:
        own = name or getattr(piece, "__name__", None)
        if own is None:
            raise WrongType(f"what is registered must be a class or a function; got {shown(piece)}")
        REGISTERED[f"{package}>{own}"] = piece
        return piece

    return decorate


def name_of(piece: Any) -> str:
    """What a file calls it."""
    for name, known in REGISTERED.items():
        if known is piece:
            return name
    return str(piece.__name__)
