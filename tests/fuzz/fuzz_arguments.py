"""Every public callable, with arguments that suit it; odd values to put in their place."""

from __future__ import annotations

import inspect
import itertools
import os
import signal
import types
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import mundur as md
import numpy as np

L = md.layers
X = np.random.default_rng(0).normal(size=(6, 3))
Y = np.arange(12).reshape(6, 2) / 7.0
IDS = np.arange(24).reshape(6, 4) % 5


def network(*layers: Any, shape: tuple[int, ...] = (3,)) -> md.Model:
    model = md.Model(layers or [L.Dense(2)], input_shape=shape, seed=0)
    model.compile("sgd", "mse")
    return model


def prepared(method: str) -> md.Model:
    """A model that a method may be called on."""
    if method in ("add", "pop"):
        return md.Model([L.Dense(2), L.Dense(2)], seed=0)
    model = network()
    model.forward(X)
    return model


# Values that suit a parameter of this name, made anew for each call.
class Trial:
    """Optuna's, as far as a callback sees it."""

    def report(self, value: float, step: int) -> None:
        """Hears a number."""

    def should_prune(self) -> bool:
        return False


SUITS: dict[str, Callable[[], Any]] = {
    "shape": lambda: (4,),
    "f": lambda: np.tanh,
    "function": lambda: np.tanh,
    "gradient": lambda: lambda y_true, y_pred: y_pred - y_true,
    "f_prime": lambda: lambda z: 1 - np.tanh(z) ** 2,
    "x": lambda: X,
    "y": lambda: Y,
    "w": lambda: Y,
    "y_true": lambda: Y,
    "y_pred": lambda: Y + 0.5,
    "delta": lambda: Y,
    "trial": Trial,
    "identifier": lambda: None,
    "stddev": lambda: 0.5,
    **{name: lambda: 0.5 for name in ("factor", "height_factor", "width_factor")},
    **{name: lambda: 4 for name in ("height", "width")},
    "rows": lambda: 1,
    "schedule": lambda: lambda epoch, rate: rate,
    "step": lambda: 3,
    "units": lambda: 3,
    "activation": lambda: "relu",
    "rate": lambda: 0.5,
    "pool_size": lambda: 2,
    "filters": lambda: 3,
    "kernel_size": lambda: 2,
    "input_dim": lambda: 9,
    "output_dim": lambda: 3,
    "dims": lambda: (2, 1),
    "axes": lambda: 1,
    "json_string": lambda: network().to_json(),
    "scale": lambda: 0.5,
    "target_shape": lambda: (2, 3),
    "layers": lambda: [L.Dense(3)],
    "fn": lambda: lambda y_true, y_pred: 1.0,
    "initial_learning_rate": lambda: 0.1,
    "learning_rate": lambda: 0.1,
    "decay_steps": lambda: 10,
    "first_decay_steps": lambda: 10,
    "decay_rate": lambda: 0.5,
    "max_learning_rate": lambda: 0.1,
    "total_steps": lambda: 10,
    "warmup_steps": lambda: 5,
    "boundaries": lambda: [2, 4],
    "values": lambda: [0.1, 0.2, 0.3],
    "after": lambda: 0.1,
    "sequences": lambda: [[1, 2], [3]],
    "n": lambda: 1,
    "num_classes": lambda: 3,
    "num_tokens": lambda: 3,
    "target_class_ids": lambda: [0],
    **{name: lambda: 0.5 for name in ("precision", "recall", "sensitivity", "specificity")},
    "optimizer": lambda: "sgd",
    "loss": lambda: "mse",
    "pattern": lambda: "*/bias",
    "weights": lambda: [np.zeros((3, 2)), np.zeros(2)],
    "input_shape": lambda: (3,),
    "model": network,
    "models": lambda: [network()],
    "make": network,
    "param_grid": lambda: {"epochs": [1, 2]},
    "param_distributions": lambda: {"epochs": [1, 2]},
    "seed": lambda: 1,
}
# Of one callable, before the above.
OWN: dict[str, dict[str, Callable[[], Any]]] = {
    "layers.Bidirectional": {"layer": lambda: L.LSTM(2)},
    "layers.TimeDistributed": {"layer": lambda: L.Dense(2)},
    **{name: {"shape": lambda: (4,)} for name in ("Input", "layers.Input", "layers.InputLayer")},
    "Model.add": {"layer": lambda: L.Dense(2)},
    "Model.get_layer": {"index": lambda: 0},
    **{name: {"x": lambda: X, "y": lambda: Y} for name in ("Model.fit", "Model.evaluate")},
    "Model.fit": {"x": lambda: X, "y": lambda: Y, "verbose": lambda: 0},
    **{
        name: {"x": lambda: X, "y": lambda: Y}
        for name in ("Model.train_on_batch", "Model.test_on_batch")
    },
    **{name: {"verbose": lambda: 0} for name in ("fit_many", "model_selection.fit_many")},
    "model_selection.cross_validate": {"cv": lambda: 2, "verbose": lambda: 0},
    "utils.to_categorical": {"x": lambda: [0, 2]},
    **{
        f"{module}.timeseries_dataset_from_array": {
            "data": lambda: np.arange(9.0),
            "targets": lambda: None,
            "sequence_length": lambda: 3,
        }
        for module in ("utils", "preprocessing")
    },
    "constraints.get": {"identifier": lambda: "non_neg"},
    "initializers.get": {"identifier": lambda: "zeros"},
    "regularizers.get": {"identifier": lambda: "l2"},
    "losses.get": {"identifier": lambda: "mse"},
    "optimizers.get": {"identifier": lambda: "sgd"},
    "activations.get": {"identifier": lambda: "relu"},
    "metrics.get": {"identifier": lambda: "mae"},
    **{
        f"{module.__name__[7:]}.{name}": {
            "y_true": lambda: np.eye(2),
            "y_pred": lambda: np.full((2, 2), 0.5),
        }
        for module in (md.losses, md.metrics)
        for name in module.__all__
        if name.islower() and name != "get"
    },
    **{
        name: {"y_true": lambda: [0, 1], "y_pred": lambda: np.full((2, 2), 0.5)}
        for name in (
            "losses.sparse_categorical_crossentropy",
            "losses.circle",
            "metrics.sparse_categorical_crossentropy",
            "metrics.sparse_categorical_accuracy",
            "metrics.sparse_top_k_categorical_accuracy",
        )
    },
    "layers.CategoryEncoding": {"num_tokens": lambda: 3},
    "layers.Discretization": {"bin_boundaries": lambda: [0.0, 1.0]},
}
# Left out, each for a reason.
FILES = "reads or writes files: see test_fuzz_files.py, test_replacing_files.py"
FIGURES = "draws: see test_plots.py"
OUTSIDE = "changes this process for good"
RECORD = "a record of what the package found; nobody makes one"
LONG = "trains as fit does, many times"
DERIVED = "for classes to derive from: see test_own_layers.py, test_own_pieces.py"
LEFT_OUT = {
    **dict.fromkeys(("Layer", "layers.Layer", "Model.train_step", "Model.test_step"), DERIVED),
    **dict.fromkeys(("Model.call", "Model.compute_loss", "Model.compute_metrics"), DERIVED),
    **dict.fromkeys(("load_model", "models.load_model", "callbacks.CSVLogger"), FILES),
    **dict.fromkeys(("callbacks.BackupAndRestore", "callbacks.TensorBoard"), FILES),
    **dict.fromkeys(("callbacks.ModelCheckpoint", "Model.save", "Model.save_weights"), FILES),
    **dict.fromkeys(
        ("Model.load_weights", "text", "saving", "Model.get_config", "Model.from_config"), FILES
    ),
    **dict.fromkeys(("plots", "utils.plot_model"), FIGURES),
    **dict.fromkeys(("set_num_threads", "runtime", "utils.set_random_seed", "threads"), OUTSIDE),
    **dict.fromkeys(("NonFiniteLossError", "errors", "History", "callbacks.History"), RECORD),
    **dict.fromkeys(("solvers.lbfgs", "Model.find_learning_rate", "Model.check_gradients"), LONG),
    **dict.fromkeys(("Model.verify", "Model.explain", "Model.per_sample_gradients"), LONG),
    "callbacks.GradientNorms": LONG,
}


# Right as they are, and long.
LASTS = {("Model.fit", name): ("2**31",) for name in ("epochs", "steps_per_epoch")}


class Callee(NamedTuple):
    """A callable, by the name that a user calls it by; methods take a new object each time."""

    name: str
    make: Callable[[], Callable[..., Any]]
    parameters: tuple[str, ...]
    required: tuple[str, ...]


def callees() -> list[Callee]:
    """All that is public, but for what is left out."""
    found = []
    for name in md.__all__:
        thing = getattr(md, name)
        if isinstance(thing, types.ModuleType):
            pairs = [(f"{name}.{inner}", getattr(thing, inner)) for inner in thing.__all__]
        else:
            pairs = [(name, thing)]
        for title, one in pairs:
            module = title.partition(".")[0]
            if callable(one) and title not in LEFT_OUT and module not in LEFT_OUT:
                found.append(callee(title, lambda one=one: one, one))
    for method in sorted(vars_of(md.Model)):
        if f"Model.{method}" not in LEFT_OUT:
            make = lambda method=method: getattr(prepared(method), method)  # noqa: E731
            found.append(callee(f"Model.{method}", make, getattr(md.Model, method), 1))
    return found


def vars_of(cls: type) -> set[str]:
    return {n for n in dir(cls) if not n.startswith("_") and callable(getattr(cls, n, None))}


def callee(name: str, make: Callable[[], Any], thing: Any, skipped: int = 0) -> Callee:
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    given = [*inspect.signature(thing).parameters.values()][skipped:]
    # `argument` is what messages are to call the identifier.
    known = [one for one in given if one.kind not in kinds and one.name != "argument"]
    required = [one.name for one in known if one.default is inspect.Parameter.empty]
    return Callee(name, make, tuple(one.name for one in known), tuple(required))


def suiting(one: Callee, name: str) -> Any:
    """A value that suits an argument."""
    own = OWN.get(one.name, {})
    return (own[name] if name in own else SUITS[name])()


def arguments(one: Callee) -> dict[str, Any]:
    """What a call needs."""
    names = dict.fromkeys([*one.required, *OWN.get(one.name, {})])
    return {name: suiting(one, name) for name in names}


class Endless:
    """Walked through for ever, by text as by data."""

    def __iter__(self) -> Iterator[int]:
        return itertools.count()

    def __repr__(self) -> str:
        return "Endless()"


ODD: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "True": lambda: True,
    "'no'": lambda: "no",
    "''": lambda: "",
    "-1": lambda: -1,
    "0": lambda: 0,
    "2**31": lambda: 2**31,
    "2**63": lambda: 2**63,
    "-2**63": lambda: -(2**63),
    "10**400": lambda: 10**400,
    "10**5000": lambda: 10**5000,
    "float('nan')": lambda: float("nan"),
    "float('inf')": lambda: float("inf"),
    "-0.5": lambda: -0.5,
    "1j": lambda: 1j,
    "b'x'": lambda: b"x",
    "bytearray(99999)": lambda: bytearray(99999),
    "object()": object,
    "[]": list,
    "{}": dict,
    "set()": set,
    "[None]": lambda: [None],
    "[[1], [2, 3]]": lambda: [[1], [2, 3]],
    "range(10**12)": lambda: range(10**12),
    "np.array(3)": lambda: np.array(3),
    "np.float32(1)": lambda: np.float32(1),
    "np.ones((2, 0))": lambda: np.ones((2, 0)),
    "np.array(['a'])": lambda: np.array(["a"]),
    "np.ones((2, 3, 4))": lambda: np.ones((2, 3, 4)),
    "int": lambda: int,
    "Endless()": Endless,
    "(i for i in ())": lambda: iter(()),
    "pd.NA": lambda: __import__("pandas").NA,
    "lambda: 1": lambda: lambda: 1,
}

# Words of others that say nothing to a user of the package.
RAW = (
    *("incompatible function arguments", "incompatible constructor arguments", "bad_alloc"),
    *("too large to convert", "is ambiguous", "cannot convert float", "unhashable type"),
    *("object is not", "not subscriptable", "has no len", "'NoneType'", "must be real number, not"),
    *("unsupported operand", "not supported between", "object has no attribute", "broadcast"),
    *("unexpected keyword", "positional argument", "out of bounds", "maximum recursion"),
    *("cannot be interpreted as an integer", "bad operand", "truth value"),
)
# What messages call an argument of another name.
CALLED = {
    "identifier": (
        *("activation", "constraint", "initializer", "loss", "metric", "optimizer"),
        "regularizer",
    ),
    "layers": ("a layer",),
    "learning_rate": ("schedule",),
    "metrics": ("a metric",),
    "weighted_metrics": ("a metric",),
    "pattern": ("no parameter matches",),
    "weights": ("must have shape",),
    "resume_from": ("filepath",),
}
KINDS = (TypeError, ValueError)
# A sanitizer writes an eighth of what is allocated, though nobody touches it.
_SECONDS = 20.0 if "libasan" in os.environ.get("LD_PRELOAD", "") else 2.0
ALSO = {
    "RuntimeError",
    "FitManyError",
    "KeyError",
    "MemoryError",
    "FileNotFoundError",
    "NonFiniteLossError",
}


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """A TimeoutError after so long, where Python code runs."""

    def over(signum: int, frame: Any) -> None:
        raise TimeoutError(f"took more than {seconds} s")

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def odd_functions(odd: dict[str, str]) -> bool:
    """Whether an odd value is a function, but for another signature."""
    return any(text in ("int", "lambda: 1") for text in odd.values())


def fault(one: Callee, odd: dict[str, str]) -> str:
    """What is wrong with a call that has odd values for some arguments; "" if nothing is."""
    if any(text in LASTS.get((one.name, name), ()) for name, text in odd.items()):
        return ""
    given = arguments(one) | {name: ODD[text]() for name, text in odd.items()}
    called = one.make()
    text = ", ".join(f"{name}={value}" for name, value in odd.items())
    where = f"{one.name}(..., {text})"
    try:
        with warnings.catch_warnings(), at_most(_SECONDS):
            warnings.simplefilter("error", RuntimeWarning)
            warnings.simplefilter("error", DeprecationWarning)
            warnings.simplefilter("ignore", UserWarning)
            called(**given)
    except KINDS as error:
        said = str(error)
    except Exception as error:
        if type(error).__name__ not in ALSO:
            return f"{where}: {type(error).__name__}: {error}"
        said = str(error)
    else:
        return ""
    if "<lambda>" in said or odd_functions(odd):  # what a function of the user's raises is theirs
        return ""
    raw = [words for words in RAW if words in said]
    if raw:
        return f"{where}: a raw message: {said:.300}"
    # Another argument may be what no longer suits the odd one.
    words = {*one.parameters, *(word for name in odd for word in CALLED.get(name, ()))}
    if not any(word in said for word in words):
        return f"{where}: does not name the argument: {said:.300}"
    return ""
