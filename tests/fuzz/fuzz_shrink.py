"""A failing case made small: whatever can go while the law still fails goes."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

from fuzz_build import Refused
from fuzz_case import Case, Piece
from fuzz_laws import LAWS


def failure(law: str, case: Case) -> BaseException | None:
    """What a law raises for a case; None where it holds, or the package refuses the case."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            LAWS[law](case)
    except Refused:
        return None
    except Exception as error:
        return error
    return None


def smaller_values(value: Any) -> Iterator[Any]:
    """Simpler ones of the same kind."""
    if isinstance(value, bool) or not isinstance(value, int):
        return
    for less in (1, 2, value // 2, value - 1):
        if 0 < less < value:
            yield less


def smaller_pieces(piece: Piece) -> Iterator[Piece]:
    """A piece without one of its arguments, or with a simpler one."""
    name, arguments = piece
    for key, value in arguments.items():
        yield name, {other: arguments[other] for other in arguments if other != key}
        for less in smaller_arguments(value):
            yield name, arguments | {key: less}


def smaller_arguments(value: Any) -> Iterator[Any]:
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], dict):
        yield from smaller_pieces(value)
    elif isinstance(value, list) and value and isinstance(value[0], tuple):
        for i, inner in enumerate(value):
            if len(value) > 1:
                yield value[:i] + value[i + 1 :]
            yield from ([*value[:i], less, *value[i + 1 :]] for less in smaller_pieces(inner))
    else:
        yield from smaller_values(value)


def smaller_layers(layers: tuple[Piece, ...]) -> Iterator[tuple[Piece, ...]]:
    """Chains without a layer, with what it holds instead, or with a smaller one."""
    for i, (_, arguments) in enumerate(layers):
        before, after = layers[:i], layers[i + 1 :]
        if before or after:
            yield before + after
        if "layer" in arguments:
            yield (*before, arguments["layer"], *after)
        if "layers" in arguments:
            yield (*before, *arguments["layers"], *after)
    for i, piece in enumerate(layers):
        for less in smaller_pieces(piece):
            yield (*layers[:i], less, *layers[i + 1 :])


def smaller(case: Case) -> Iterator[Case]:
    """Cases a little smaller, the largest steps first."""
    for layers in smaller_layers(case.layers):
        yield replace(case, layers=layers)
    for field in fields(Case):
        value = getattr(case, field.name)
        if field.name == "layers" or value == field.default or field.name == "seed":
            continue
        if field.name == "places":
            yield from (replace(case, places=(one,)) for one in value if len(value) > 1)
            continue
        if field.name != "shape":
            yield replace(case, **{field.name: field.default})
        less_of = smaller_pieces if field.name in ("loss", "optimizer") else smaller_values
        yield from (replace(case, **{field.name: less}) for less in less_of(value))
    for i, extent in enumerate(case.shape):
        shapes = ((*case.shape[:i], less, *case.shape[i + 1 :]) for less in smaller_values(extent))
        yield from (replace(case, shape=shape) for shape in shapes)


def shrunk(law: str, case: Case, seconds: float = 20.0) -> Case:
    """The smallest case found for which the law fails in the same way."""
    kind = type(failure(law, case))
    end = time.perf_counter() + seconds
    found = True
    while found:
        found = False
        for less in smaller(case):
            if time.perf_counter() > end:
                return case
            if type(failure(law, less)) is kind:
                case, found = less, True
                break
    return case


def script(law: str, case: Case) -> str:
    """What fails again, to be run in `tests` with PYTHONPATH=.:fuzz."""
    error = failure(law, case)
    said = "\n".join(f"# {line}" for line in f"{type(error).__name__}: {error}".splitlines()[:12])
    return (
        f"# Seed {case.seed}: {LAWS[law].__doc__}\n{said}\n"
        "from fuzz_case import Case\nfrom fuzz_laws import LAWS\nfrom mundur import _core\n\n"
        f'_core.set_adaptive(False)\ncase = {case.text()}\nLAWS["{law}"](case)\n'
    )
