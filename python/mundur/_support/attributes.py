"""Which attributes may be set: a misspelt or a fixed one is an error, not a silence."""

from __future__ import annotations

from collections.abc import Iterable

from .names import suggestion

__all__ = ["check_assignment", "unknown"]

# What Keras calls a model's numbers.
_NUMBERS = {
    "": "get_weights() copies them, parameters and state are live views by name",
    "trainable_": "trainable_parameters names them, parameters[name] is a live view",
    "non_trainable_": "state holds live views of those that no gradient changes",
}


def check_assignment(thing: object, name: str, fixed: Iterable[str], known: Iterable[str]) -> None:
    """Raises an AttributeError where ``thing.name = ...`` would be ignored.

    `fixed` are names that can be set once, by the constructor; `known` those of plain attributes.
    Objects of other people's subclasses take any attribute.
    """
    cls = type(thing)
    if name.startswith("_") or not cls.__module__.startswith("mundur."):
        return
    title = cls.__name__
    inherited = getattr(cls, name, None)
    if isinstance(inherited, property) and inherited.fset is not None:
        return
    if name in fixed or isinstance(inherited, property):
        if name in vars(thing) or isinstance(inherited, property):
            raise AttributeError(f"{name} of a {title} is fixed; {_mend(thing, name)}")
        return
    if name not in known:
        public = [*fixed, *known, *(n for n in dir(cls) if isinstance(getattr(cls, n), property))]
        raise AttributeError(f"{title} has no attribute {name!r}{suggestion(name, public)}")


def _mend(thing: object, name: str) -> str:
    arrays = ("parameter_initializers", "state_initializers")
    if any(name in getattr(thing, kind, ()) for kind in arrays):
        return f"write into it: {name}[...] = values"
    if name in ("optimizer", "loss", "metrics"):
        return f"call compile({name}=...)"
    return f"make a new {type(thing).__name__}"


def unknown(thing: object, name: str) -> AttributeError:
    """The error for ``thing.name`` where there is no such attribute."""
    cls = type(thing)
    message = f"{cls.__name__} has no attribute {name!r}"
    kind = name.removesuffix("weights").removesuffix("variables")
    if kind != name and kind in _NUMBERS:
        return AttributeError(f"{message}; {_NUMBERS[kind]}")
    public = [known for known in dir(cls) if not known.startswith("_")]
    return AttributeError(message + ("" if name.startswith("_") else suggestion(name, public)))
