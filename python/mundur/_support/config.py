"""What layers, losses, optimizers, initializers and callbacks share: they are their arguments."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from .checks import WrongType, came
from .names import argument_names, check_assignment, constructor, lookup, signature

__all__ = ["Configurable", "instance", "rebuild"]

C = TypeVar("C", bound="Configurable")
T = TypeVar("T")


class _Signature:
    """What `inspect.signature` says of a class, which need not be made for its import."""

    def __get__(self, thing: object, cls: type) -> inspect.Signature:
        is_made_otherwise = any("__new__" in vars(base) for base in cls.__mro__[:-1])
        if thing is not None or is_made_otherwise:
            raise AttributeError("__signature__")
        return signature(cls.__init__)  # type: ignore[misc]


class Configurable:
    """An object whose attributes carry the names of its constructor's arguments.

    From that follow `get_config`, `from_config` and a `repr` that can be pasted back. What the core
    was told cannot be changed behind its back: arguments are fixed unless there is a setter.
    """

    __signature__ = _Signature()

    def __setattr__(self, name: str, value: Any) -> None:
        check_assignment(self, name, argument_names(type(self).__init__), ())
        object.__setattr__(self, name, value)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments as they stand now."""
        return {name: getattr(self, name) for name in constructor(type(self))}

    @classmethod
    def from_config(cls: type[C], config: dict[str, Any]) -> C:
        """A new object from what `get_config` returned."""
        return cls(**config)

    def _repr_config(self) -> dict[str, Any]:
        return self.get_config()

    def __repr__(self) -> str:
        usual = constructor(type(self))
        parts = []
        try:
            config = self._repr_config()
        except AttributeError:  # a subclass that keeps its arguments elsewhere
            return object.__repr__(self)
        for name, value in config.items():
            if usual.get(name, inspect.Parameter.empty) is inspect.Parameter.empty:
                parts.append(repr(value))
            elif not _same(value, usual[name]):
                parts.append(f"{name}={value!r}")
        return f"{type(self).__name__}({', '.join(parts)})"


def instance(
    kind: type[T], given: Any, known: Mapping[str, Any], what: str, aliases: Mapping[str, Any]
) -> T | None:
    """An object itself, or by its class, by name, or by a dict of its class's name and arguments.

    The dict is as Keras serialises objects. None where it is none of these.
    """
    if isinstance(given, kind):
        return given
    if isinstance(given, type) and issubclass(given, kind):
        return given()
    made: T | None = None
    if isinstance(given, str):
        made = lookup(known, given, what, aliases)()
    elif isinstance(given, dict):
        config = given.get("config", {})
        if "class_name" not in given or not isinstance(config, Mapping):
            raise WrongType(
                f'{what} as a dict is {{"class_name": ..., "config": {{...}}}}; {came(given)}'
            )
        made = lookup(known, given["class_name"], what, aliases)(**config)
    return made


def rebuild(cls: type[C], config: dict[str, Any]) -> C:
    """What pickle calls for objects that hold more than their arguments."""
    return cls.from_config(config)


def _same(value: Any, default: Any) -> bool:
    if value is default:
        return True
    if isinstance(value, np.ndarray) or type(value) is not type(default):
        if not (isinstance(value, (int, float)) and isinstance(default, (int, float))):
            return False
        if isinstance(value, bool) or isinstance(default, bool):
            return False
    return bool(value == default)
