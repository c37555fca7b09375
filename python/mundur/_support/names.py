"""Names: unknown ones are answered with the known ones and the nearest."""

from __future__ import annotations

import functools
import inspect
import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, ParamSpec, TypeVar

from .checks import WrongType, came, shown

__all__ = [
    "Harmless",
    "argument_names",
    "check_assignment",
    "checked_keywords",
    "constructor",
    "either",
    "lookup",
    "signature",
    "snake_case",
    "suggestion",
    "takes_training",
    "unknown",
    "unknown_attribute",
]

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


def suggestion(given: str, known: Iterable[str], nearness: float = 0.6) -> str:
    """The end of an error message: "; did you mean 'x'?" where something is near, else ""."""
    known = list(known)
    near = [name for name in _ALIASES.get(given.lower(), ()) if name in known]
    if not near and given.lower() not in _OTHERS:
        import difflib

        folded = {name.lower().replace("_", ""): name for name in known}
        close = difflib.get_close_matches(given.lower().replace("_", ""), folded, 1, nearness)
        near = [folded[name] for name in close]
    return f"; did you mean {' or '.join(map(repr, near))}?" if near else ""


@functools.lru_cache(256)
def takes_training(function: Callable[..., Any]) -> bool:
    """Whether a function has that argument."""
    return "training" in inspect.signature(function).parameters


def snake_case(name: str) -> str:
    """What Keras makes of a class's name: MyLayer is my_layer."""
    import re

    return re.sub("([a-z])([A-Z])", r"\1_\2", re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)).lower()


def lookup(
    table: Mapping[str, R], given: Any, what: str, aliases: Mapping[str, R] | None = None
) -> R:
    """The entry of a table of names; a ValueError that lists the names where there is none."""
    every = {**(aliases or {}), **table}
    if not isinstance(given, str):
        listed = ", ".join(repr(name) for name in sorted(table))
        raise WrongType(f"{what} must be one of {listed}; {came(given)}")
    if given in every:
        return every[given]
    listed = ", ".join(repr(name) for name in sorted(table))
    raise ValueError(f"unknown {what} {shown(given)}{suggestion(given, table)} (known: {listed})")


_ONE_MACHINE = "a model trains on one machine, by threads= or on device=; see fit_many for several"
_ONE_LIBRARY = "no other library computes here, so that its layers have no place in a model"
_NO_TAPE = (
    "nothing is differentiated by itself; layers are made of layers (call), or of NumPy with a "
    "derivative of yours (forward and backward)"
)
_OF_OUTPUTS = (
    "a loss is one of an output: give the model what is to be small as another output, with a loss "
    "of its own in compile, or the layer an activity_regularizer"
)
# What Keras has for clusters, half precision, tapes and other libraries' layers; what is here
# instead.
_NOT_HERE = {
    "ops": _NO_TAPE,
    "GradientTape": _NO_TAPE,
    "add_loss": _OF_OUTPUTS,
    "losses": _OF_OUTPUTS,
    "distribution": _ONE_MACHINE,
    "distribute": _ONE_MACHINE,
    "mixed_precision": 'a model is told: Model(compute_dtype="bfloat16")',
    "set_global_policy": 'a model is told: Model(compute_dtype="bfloat16")',
    "set_floatx": 'a model is told: Model(dtype="float64")',
    "LossScaleOptimizer": "float16 needs it; bfloat16, which there is, has the range of float32",
    "RematScope": "no model here needs its activations computed twice for want of memory",
    "remat": "no model here needs its activations computed twice for want of memory",
    "TFSMLayer": _ONE_LIBRARY,
    "JaxLayer": _ONE_LIBRARY,
    "FlaxLayer": _ONE_LIBRARY,
    "TorchModuleWrapper": _ONE_LIBRARY,
}


def unknown_attribute(module: str, name: str, known: Iterable[str]) -> AttributeError:
    """What a module's `__getattr__` raises: the names it has, and the nearest."""
    if name in _NOT_HERE:
        return AttributeError(f"{module} has no {name!r}: {_NOT_HERE[name]}")
    known = [public for public in known if not public.startswith("_")]
    hint = "" if name.startswith("_") else suggestion(name, known)
    return AttributeError(f"{module} has no {name!r}{hint} (known: {', '.join(known)})")


def signature(function: Callable[..., Any]) -> inspect.Signature:
    """A function's signature without self, arguments of `checked_keywords`' rest by name."""
    if function is object.__init__:
        return inspect.Signature()
    all_of = list(inspect.signature(function).parameters.values())
    if all_of and (function.__name__ == "__init__" or all_of[0].name == "self"):
        del all_of[0]
    own = {p.name: p for p in all_of}
    if rest := getattr(function, "rest", None):
        own = {name: p for name, p in own.items() if p.kind is not p.VAR_KEYWORD}
        shared = signature(rest.__init__).parameters
        own |= {name: p for name, p in shared.items() if name not in own}
    return inspect.Signature(sorted(own.values(), key=lambda p: p.kind))


# Found once for each function and class; one that goes takes what is known of it along.
_KNOWN: weakref.WeakKeyDictionary[Any, dict[str, Any]] = weakref.WeakKeyDictionary()


def _arguments(function: Callable[..., Any]) -> dict[str, Any]:
    """A function's arguments by name, without self, in order, with their defaults."""
    if function is object.__init__:
        return {}
    found = _KNOWN.get(function)
    if found is None:
        unnamed = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        parameters = signature(function).parameters.values()
        found = {p.name: p.default for p in parameters if p.kind not in unnamed}
        _KNOWN[function] = found
    return found


def constructor(cls: type) -> dict[str, Any]:
    """What a class's constructor takes, with defaults; where that is anything, its base's too."""
    found = _KNOWN.get(cls)
    if found is None:
        found = {}
        for base in cls.__mro__[:-1]:
            own = vars(base).get("__init__")
            if own is None:
                continue
            found |= {name: value for name, value in _arguments(own).items() if name not in found}
            if all(p.kind is not p.VAR_KEYWORD for p in signature(own).parameters.values()):
                break
        _KNOWN[cls] = found
    return found


def argument_names(function: Callable[..., Any]) -> tuple[str, ...]:
    """Names of a function's arguments, without self, in order."""
    return tuple(_arguments(function))


class Harmless(NamedTuple):
    """An argument of Keras's that says what is so here anyway, with other values than one."""

    usual: Any
    check: Callable[[Any, str, Any], Any]  # of what is made, the argument, its value: raises


def either(*values: Any) -> Harmless:
    """An argument whose values all come to the same here; the first is Keras's default."""

    def check(_: Any, name: str, value: Any) -> None:
        if not any(value is one or (type(value) is type(one) and value == one) for one in values):
            listed = ", ".join(map(repr, values[:-1]))
            raise ValueError(f"{name} must be {listed} or {values[-1]!r}; got {shown(value)}")

    return Harmless(values[0], check)


def checked_keywords(
    ignored: Mapping[str, Any] | None = None, rest: type | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorates a function so that an unknown keyword is answered with the nearest known one.

    `ignored` holds Keras's arguments that have only one value here, or are `Harmless`: that value
    is accepted and dropped, any other is an error. `rest` is for a constructor that takes
    `**others`: the class for whose constructor they are. They may be given by position, too.
    """
    single = dict(ignored or {})

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        most = function.__code__.co_argcount
        known: dict[str, Any] = {}  # found when first needed

        @functools.wraps(function)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            if kwargs and not known:
                known.update(_arguments(checked))
            if not kwargs.keys() <= known.keys():
                constructor = function.__name__ == "__init__"
                name = type(args[0]).__name__ if constructor else function.__name__
                for key in [key for key in kwargs if key not in known]:
                    value = kwargs.pop(key)
                    harmless = single.get(key)
                    if isinstance(harmless, Harmless):
                        harmless.check(args[0] if args else None, key, value)
                    else:
                        _drop_or_raise(name, key, value, known, single)
            if rest is not None and len(args) > most:
                try:
                    named = signature(checked).bind(*args[1:], **kwargs).arguments
                except TypeError as error:
                    raise WrongType(f"{type(args[0]).__name__}(): {error}") from None
                return function(args[0], **named)  # type: ignore[arg-type]
            return function(*args, **kwargs)

        vars(checked)["rest"] = rest
        vars(checked)["ignored"] = {
            key: only.usual if isinstance(only, Harmless) else only for key, only in single.items()
        }
        return checked

    return decorate


def _drop_or_raise(
    function: str, key: str, value: Any, known: Iterable[str], single: Mapping[str, Any]
) -> None:
    if key not in single:
        raise WrongType(
            f"{function}() has no argument {key!r}{suggestion(key, known)} "
            f"(known: {', '.join(known)})"
        )
    only = single[key]
    if value is not only and not (type(value) is type(only) and value == only):
        raise ValueError(
            f"{function}({key}=...): there is only {key}={only!r} here; got {value!r}"
            f"{_MENDS.get(key, '')}"
        )


_MENDS = {
    "dtype": '; numbers have the model\'s dtype: Model(..., dtype="float64")',
    "batch_size": "; a batch's size is an argument of fit, evaluate and predict",
    "run_eagerly": "; piece by piece work Model.forward, Model.backward and Optimizer.step",
}

# What a user may take for a model's, and where it is.
_ELSEWHERE = {
    **dict.fromkeys(("learning_rate", "lr"), "set model.optimizer.learning_rate"),
    **dict.fromkeys(("batch_size", "epochs", "callbacks"), "it is an argument of fit"),
    "weights": "set_weights copies into them",
}


def check_assignment(
    thing: object, name: str, fixed: Iterable[str], known: Iterable[str], notes: bool = False
) -> None:
    """Raises an AttributeError where ``thing.name = ...`` would be ignored.

    `fixed` are names that can be set once, by the constructor; `known` those of plain attributes.
    Objects of other people's subclasses take any attribute; with `notes` others do where the name
    means nothing here, nor looks as if it should.
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
        hint = suggestion(name, public, 0.8 if notes else 0.6)
        if notes and name in _ELSEWHERE:
            hint = f"; {_ELSEWHERE[name]}"
        if hint or not notes:
            raise AttributeError(f"{title} has no attribute {name!r}{hint}")


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
    if name in _NOT_HERE:
        return AttributeError(f"{message}: {_NOT_HERE[name]}")
    public = [known for known in dir(thing) if not known.startswith("_")]
    return AttributeError(message + ("" if name.startswith("_") else suggestion(name, public)))
