"""What the self-test computes, step by step, as hashes."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _core
from .._support.dtypes import ROUNDED
from ..layers.input import Input
from ..models.model import Model
from .case import Case
from .networks import data_of, numbers, words

Array = npt.NDArray[Any]

STEPS = (
    "functions",
    "random numbers",
    "initial weights",
    "shuffle",
    "forward",
    "loss",
    "gradients",
    "update",
    "epoch",
    "training",
    "predictions",
    "not finite",
)


def _digest(named: Mapping[str, Any]) -> str:
    sha = hashlib.sha256()
    for name, value in named.items():
        array = np.array(value, order="C")
        if array.dtype.kind == "f":
            array[np.isnan(array)] = np.nan
        little = array.astype(array.dtype.newbyteorder("<"))
        sha.update(f"{name} {little.dtype.str} {little.shape}\n".encode())
        sha.update(little.tobytes())
    return sha.hexdigest()


def _pieces(dtype: str) -> Iterator[tuple[str, str]]:
    """The steps that need no network."""
    if dtype == "float32":  # one pattern of bits in 65,537
        x: Array = np.arange(0, 2**32, 65537, dtype=np.uint64).astype(np.uint32).view(np.float32)
    else:  # patterns of bits, and the range where the functions are not constant
        x = np.concatenate([words(20000, 4).view(np.float64), numbers((20000,), 5) * 40])
    names = ("exp", "log", "tanh", "sigmoid", "erf")
    yield "functions", _digest({name: _core.elementary(name, x) for name in names})
    uniform, normal = np.empty(3001, dtype), np.empty(3001, dtype)
    _core.random_uniform(uniform, 6, 7, -0.5, 2.0)
    _core.random_normal(normal, 6, 8, 1.0, 3.0)
    yield "random numbers", _digest({"uniform": uniform, "normal": normal})


def _compiled(case: Case, dtype: str, device: str) -> Model:
    types = ("float32", dtype) if dtype in ROUNDED else (dtype, None)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="compute_dtype=.* gains no speed")
        how: dict[str, Any] = {"seed": 11, "dtype": types[0], "compute_dtype": types[1]}
        how["device"] = device
        if case.connect is None:
            model = Model(case.layers(), input_shape=case.shape, **how)
        else:
            x = Input(case.shape)
            model = Model(x, case.connect(x, case.layers()), **how)
    metrics = [] if case.targets == "numbers" else ["accuracy"]
    model.compile(case.optimizer(), case.loss(), metrics=metrics)
    return model


def _by_hand(case: Case, model: Model) -> Iterator[tuple[str, str]]:
    x, y, weights = data_of(case, model.output_shape[-1])
    b = case.batch
    yield "initial weights", _digest(model.parameters)
    orders = {str(epoch): _core.permutation(case.samples, 11, epoch) for epoch in range(3)}
    yield "shuffle", _digest(orders)
    y_pred = model.forward(x[:b], training=True)
    yield "forward", _digest({"y": y_pred})
    loss, weight = case.loss(), None if weights is None else weights[:b]
    delta = loss.gradient(y[:b], y_pred, weight)
    yield "loss", _digest({"value": loss(y[:b], y_pred, weight), "delta": delta})
    dx = model.backward(delta)
    yield "gradients", _digest({"dx": dx, **model.gradients})
    case.optimizer().step(model)
    yield "update", _digest({**model.parameters, **model.state})
    if x.dtype.kind == "f":
        # Infinities, NaN, zeros of both signs and subnormal numbers go as the formulas say.
        x.reshape(len(x), -1)[:7, 0] = [np.inf, -np.inf, np.nan, -0.0, 0.0, 1e-40, 1e-310]
        yield "not finite", _digest({"y": model.forward(x[:b])})


def _by_fit(case: Case, model: Model) -> Iterator[tuple[str, str]]:
    x, y, weights = data_of(case, model.output_shape[-1])

    def fit(first: int, epochs: int) -> dict[str, Any]:
        history = model.fit(
            x,
            y,
            batch_size=case.batch,
            sample_weight=weights,
            initial_epoch=first,
            epochs=epochs,
            validation_data=(x[:20], y[:20]),
            verbose=0,
        )
        return {**history.history, **model.parameters, **model.state}

    yield "epoch", _digest(fit(0, 1))
    yield "training", _digest(fit(1, 3))
    told = model.evaluate(x, y, batch_size=13, sample_weight=weights, verbose=0)
    yield "predictions", _digest({"y": model.predict(x, batch_size=24, verbose=0), "told": told})


def hashes(case: Case | None, dtype: str, device: str = "cpu") -> dict[str, str]:
    """What every step computes, as hashes, with the instruction set and the threads in force.

    Parameters
    ----------
    case : Case or None
        One of `CASES`; None for the functions and the random numbers, which need no network.
    dtype : {"float32", "float64", "bfloat16", "bfloat16_pairs"}
        Of parameters and computation; the last two of products alone, on float32.
    device : str, default "cpu"
        Where networks are; what needs none is the CPU's.

    Raises
    ------
    NotImplementedError
        For a network that does not run there.

    Examples
    --------
    >>> from mundur import selftest
    >>> list(selftest.hashes(None, "float32"))
    ['functions', 'random numbers']
    """
    if case is None:
        return dict(_pieces(dtype))
    found = dict(_by_hand(case, _compiled(case, dtype, device)))
    found |= _by_fit(case, _compiled(case, dtype, device))
    return found
