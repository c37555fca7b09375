"""What mundur and Keras both have, found by walking over mundur's public names.

Whatever is added to a module's `__all__` under one of Keras's names is compared from then on.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, NamedTuple

import mundur as md

os.environ.setdefault("KERAS_BACKEND", "torch")


class Pair(NamedTuple):
    """One thing under one name in both libraries; `name` is where it is, as in "losses.Huber"."""

    name: str
    ours: Any
    theirs: Any


class Fault(NamedTuple):
    """One difference between two signatures: which argument of what, and how it differs."""

    where: str
    argument: str
    kind: str
    text: str


def shared(keras: ModuleType) -> list[Pair]:
    """Every public class and function of mundur that Keras has in the same place."""
    return list(_walk(md, keras, "", set()))


def shared_in(keras: ModuleType, module: str) -> list[Pair]:
    """The classes among them in one module, base classes aside."""
    return [
        pair
        for pair in shared(keras)
        if pair.name.rpartition(".")[0] == module
        and inspect.isclass(pair.ours)
        and pair.ours not in (md.Layer, md.Loss, md.Metric, md.Optimizer, md.Callback)
        and pair.ours is not md.Initializer
    ]


def _walk(ours: ModuleType, theirs: Any, prefix: str, seen: set[int]) -> Iterator[Pair]:
    for name in [*ours.__all__, *_modules(ours, theirs)]:
        mine, other = getattr(ours, name), getattr(theirs, name, None)
        if name.startswith("_") or other is None:
            continue
        if inspect.ismodule(mine):
            if id(mine) not in seen:
                seen.add(id(mine))
                yield from _walk(mine, other, f"{prefix}{name}.", seen)
        elif callable(mine):
            # Keras's Model is its functional one; ours is its Sequential.
            if mine is md.Model and name == "Model":
                continue
            yield Pair(prefix + name, mine, other)


def _modules(ours: ModuleType, theirs: Any) -> list[str]:
    """Modules of mundur that can be reached from another, as Keras's of the same name can."""
    return [
        name
        for name, value in vars(ours).items()
        if inspect.ismodule(value)
        and value.__name__.startswith("mundur.")
        and hasattr(value, "__all__")
        and inspect.ismodule(getattr(theirs, name, None))
    ]


def faults(pair: Pair) -> list[Fault]:
    """How a class's constructor and methods, or a function, differ from Keras's."""
    if not inspect.isclass(pair.ours):
        return compare(pair.name, pair.ours, list(_parameters(pair.theirs)), _ignored(pair.ours))
    own = pair.ours.__init__
    takes_anything = own is object.__init__
    found = compare(
        pair.name,
        own if takes_anything else pair.ours,
        _constructor(pair.theirs),
        _ignored(own),
    )
    for name in dir(pair.ours):
        mine, other = getattr(pair.ours, name), getattr(pair.theirs, name, None)
        public = not name.startswith("_") or name == "__call__"
        if not public or not inspect.isroutine(other) or not hasattr(other, "__code__"):
            continue
        where = f"{pair.name}.{name}"
        if not callable(mine):
            found.append(Fault(where, "", "attribute", "is an attribute here, a method there"))
        else:
            found += compare(where, mine, list(_parameters(other)), _ignored(mine))
    return found


def compare(
    where: str, function: Callable[..., Any], theirs: list[inspect.Parameter], ignored: Any
) -> list[Fault]:
    """What a call that Keras understands would meet here: other names, order or defaults."""
    ours = {p.name: p for p in _parameters(function)}
    open_ended = any(p.kind is p.VAR_KEYWORD for p in ours.values())
    keywords = [p for p in theirs if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    places = {p.name: i for i, p in enumerate(keywords) if p.kind is not p.KEYWORD_ONLY}
    found = []

    def fault(name: str, kind: str, text: str) -> None:
        found.append(Fault(where, name, kind, text))

    for their in keywords:
        name, mine = their.name, ours.get(their.name)
        if mine is None:
            if name in ignored:
                if not same(ignored[name], their.default):
                    text = f"takes only {ignored[name]!r}; Keras's default is {their.default!r}"
                    fault(name, "default", text)
            elif not open_ended:
                fault(name, "lacks", "is not taken")
            continue
        if not same(mine.default, their.default):
            fault(name, "default", f"{_shown(mine)} where Keras has {_shown(their)}")
        if mine.kind is mine.KEYWORD_ONLY and name in places:
            fault(name, "keyword", f"by keyword only; Keras's position {places[name]}")
    if any(p.kind is p.VAR_POSITIONAL for p in theirs):
        return found  # whatever is passed by position, in whatever order
    positional = [p for p in ours.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    for place, mine in enumerate(positional):
        if mine.name not in {p.name for p in keywords}:
            fault(mine.name, "extra", f"unknown to Keras, at position {place}")
        elif places.get(mine.name) != place:
            text = f"at position {place}; Keras's is {places.get(mine.name, 'keyword only')}"
            fault(mine.name, "order", text)
    return found


def same(ours: Any, theirs: Any) -> bool:
    """Whether two defaults mean the same; 0 and 0.0 do, 0 and False do not."""
    if isinstance(ours, bool) or isinstance(theirs, bool):
        return ours is theirs
    return bool(ours is theirs or ours == theirs)


def _shown(parameter: inspect.Parameter) -> str:
    return "no default" if parameter.default is parameter.empty else repr(parameter.default)


def _ignored(function: Any) -> dict[str, Any]:
    ignored: dict[str, Any] = getattr(function, "ignored", {})
    return ignored


def _parameters(function: Any) -> Iterator[inspect.Parameter]:
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name != "self":
            yield parameter


def _constructor(cls: type) -> list[inspect.Parameter]:
    """A constructor's parameters; what **kwargs hands on to the bases is by keyword."""
    found: dict[str, inspect.Parameter] = {}
    for base in cls.__mro__:
        if "__init__" not in vars(base) or base is object:
            continue
        parameters = list(_parameters(base.__init__))  # type: ignore[misc]
        first = not found
        for p in parameters:
            if p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL):
                continue
            found.setdefault(p.name, p if first else p.replace(kind=p.KEYWORD_ONLY))
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return list(found.values())
