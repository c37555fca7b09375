"""Names: unknown ones are answered with the known ones and the nearest."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ParamSpec, TypeVar

__all__ = ["argument_names", "checked_keywords", "lookup", "suggestion", "unknown_attribute"]

P = ParamSpec("P")
R = TypeVar("R")

# What other libraries call our arguments, where the spelling alone would not lead there.
_ALIASES: dict[str, tuple[str, ...]] = {
    "lr": ("learning_rate",),
    "learning_rate_init": ("learning_rate",),
    "eta": ("learning_rate",),
    "b1": ("beta_1",),
    "b2": ("beta_2",),
    "betas": ("beta_1",),
    "eps": ("epsilon",),
    "p": ("rate",),
    "prob": ("rate",),
    "out_features": ("units",),
    "neurons": ("units",),
    "alpha": ("negative_slope",),
    "in_features": ("input_shape",),
    "batch_input_shape": ("input_shape",),
    "bias": ("use_bias",),
    "max_iter": ("epochs",),
    "nb_epoch": ("epochs",),
    "val_data": ("validation_data",),
    "val_split": ("validation_split",),
    "random_state": ("seed",),
    "std": ("stddev",),
    "low": ("minval",),
    "high": ("maxval",),
    "logits": ("from_logits",),
    "criterion": ("loss",),
    "solver": ("optimizer",),
    "y_pred": ("x",),
    "logistic": ("sigmoid",),
    "identity": ("linear",),
    "linear": ("Dense",),
    "normalization": ("Rescaling", "BatchNormalization"),
    "he": ("he_normal", "he_uniform"),
    "glorot": ("glorot_normal", "glorot_uniform"),
    "xavier": ("glorot_normal", "glorot_uniform"),
    "crossentropy": ("binary_crossentropy", "sparse_categorical_crossentropy"),
    "cross_entropy": ("binary_crossentropy", "sparse_categorical_crossentropy"),
    "crossentropyloss": ("CategoricalCrossentropy", "SparseCategoricalCrossentropy"),
    "bceloss": ("BinaryCrossentropy",),
    "mseloss": ("MeanSquaredError",),
}
# Names of other things, near in spelling only: no suggestion is better than that.
_OTHERS = {
    *("celu", "glu"),
}


def suggestion(given: str, known: Iterable[str]) -> str:
    """The end of an error message: "; did you mean 'x'?" where something is near, else ""."""
    known = list(known)
    near = [name for name in _ALIASES.get(given.lower(), ()) if name in known]
    if not near and given.lower() not in _OTHERS:
        import difflib

        folded = {name.lower().replace("_", ""): name for name in known}
        close = difflib.get_close_matches(given.lower().replace("_", ""), folded, 1, 0.6)
        near = [folded[name] for name in close]
    return f"; did you mean {' or '.join(map(repr, near))}?" if near else ""


def lookup(
    table: Mapping[str, R], given: Any, what: str, aliases: Mapping[str, R] | None = None
) -> R:
    """The entry of a table of names; a ValueError that lists the names where there is none."""
    every = {**(aliases or {}), **table}
    if not isinstance(given, str):
        listed = ", ".join(repr(name) for name in sorted(table))
        raise TypeError(f"{what} must be one of {listed}; got {given!r} ({type(given).__name__})")
    if given in every:
        return every[given]
    listed = ", ".join(repr(name) for name in sorted(table))
    raise ValueError(f"unknown {what} {given!r}{suggestion(given, table)} (known: {listed})")


def unknown_attribute(module: str, name: str, known: Iterable[str]) -> AttributeError:
    """What a module's `__getattr__` raises: the names it has, and the nearest."""
    known = [public for public in known if not public.startswith("_")]
    hint = "" if name.startswith("_") else suggestion(name, known)
    return AttributeError(f"{module} has no {name!r}{hint} (known: {', '.join(known)})")


def argument_names(function: Callable[..., Any]) -> tuple[str, ...]:
    """Names of a function's arguments, without self, in order."""
    code = getattr(getattr(function, "__wrapped__", function), "__code__", None)
    if code is None:  # object.__init__
        return ()
    names: tuple[str, ...] = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return names[1:] if names[:1] == ("self",) else names


def checked_keywords(
    ignored: Mapping[str, Any] | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorates a function so that an unknown keyword is answered with the nearest known one.

    `ignored` holds Keras's arguments that have only one value here: that value is accepted and
    dropped, any other is an error.
    """
    single = dict(ignored or {})

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        known = argument_names(function)
        known_set = frozenset(known)

        @functools.wraps(function)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            if not kwargs.keys() <= known_set:
                constructor = function.__name__ == "__init__"
                name = type(args[0]).__name__ if constructor else function.__name__
                for key in [key for key in kwargs if key not in known_set]:
                    _drop_or_raise(name, key, kwargs.pop(key), known, single)
            return function(*args, **kwargs)

        vars(checked)["ignored"] = single
        return checked

    return decorate


def _drop_or_raise(
    function: str, key: str, value: Any, known: tuple[str, ...], single: Mapping[str, Any]
) -> None:
    if key not in single:
        raise TypeError(
            f"{function}() has no argument {key!r}{suggestion(key, known)} "
            f"(known: {', '.join(known)})"
        )
    only = single[key]
    if value is not only and not (type(value) is type(only) and value == only):
        raise ValueError(
            f"{function}({key}=...): only {key}={only!r} is supported for now; got {value!r}"
        )
