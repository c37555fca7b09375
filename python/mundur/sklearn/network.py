"""The network of a perceptron: made from sizes, and its weights under scikit-learn's names."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Sequence
from itertools import pairwise
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .. import activations, layers
from ..models.model import Model

__all__ = [
    "Shape",
    "build",
    "draw",
    "outputs_of",
    "seed_from",
    "shape_of",
    "spelt",
    "views",
    "weights_of",
]

Array = npt.NDArray[Any]

_PREDICTED = 4096  # samples at a time
_SPELT = {"identity": "linear", "logistic": "sigmoid"}


class Shape(NamedTuple):
    """What a perceptron is made of; `units` from features to outputs, the rest per hidden layer."""

    units: tuple[int, ...]
    activation: tuple[Any, ...]
    dropout: tuple[float, ...]
    batch_normalization: bool


def shape_of(estimator: Any, features: int, hidden: Sequence[int], outputs: int) -> Shape:
    """That of an estimator's arguments, each checked."""
    activation = _per_layer(estimator.activation, len(hidden), "activation")
    dropout = _per_layer(estimator.dropout, len(hidden), "dropout")
    for rate in dropout:
        if not (isinstance(rate, Real) and 0 <= float(rate) < 1):
            raise ValueError(
                f"dropout must be a number >= 0 and < 1 for each hidden layer; got {rate!r}"
            )
    units = (features, *hidden, outputs)
    return Shape(units, tuple(map(spelt, activation)), dropout, estimator.batch_normalization)


def spelt(activation: Any) -> Any:
    """The name of a function of `mundur.activations`; other functions as they are."""
    if isinstance(activation, str):
        activation = _SPELT.get(activation, activation)
    name = getattr(activation, "__name__", "")
    if name in activations.__all__ and getattr(activations, name) is activation:
        activation = name
    layers.Activation(activation)  # knows what there is
    return activation


def _per_layer(value: Any, count: int, name: str) -> tuple[Any, ...]:
    """One value for each hidden layer, from one for all or a list."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    is_pair = isinstance(value, tuple) and len(value) == 2 and all(map(callable, value))
    if is_pair or not isinstance(value, (list, tuple)):
        return (value,) * max(count, 1)  # outputs alone start by it, too
    if len(value) != count:
        raise ValueError(
            f"{name} must hold one value for each of the {count} hidden layers, or be one for "
            f"all; got {len(value)}"
        )
    return tuple(value)


def build(shape: Shape, dtype: str, seed: int) -> Model:
    """The model, its last layer linear: losses and probabilities start from logits."""
    chain: list[layers.Layer] = []
    hidden = zip(shape.units[1:-1], shape.activation, shape.dropout, strict=False)
    for units, activation, dropout in hidden:
        if shape.batch_normalization:
            chain += [layers.Dense(units), layers.BatchNormalization()]
            chain.append(layers.Activation(activation))
        else:
            chain.append(layers.Dense(units, activation))
        if dropout:
            chain.append(layers.Dropout(dropout))
    chain.append(layers.Dense(shape.units[-1]))
    return Model(chain, seed=seed, dtype=dtype, input_shape=(shape.units[0],))


def views(model: Model) -> tuple[list[Array], list[Array]]:
    """The live weights and biases of the dense layers, in order."""
    named = model.parameters
    dense = [layer for layer in model.layers if isinstance(layer, layers.Dense)]
    return (
        [named[f"{layer.name}/kernel"] for layer in dense],
        [named[f"{layer.name}/bias"] for layer in dense],
    )


def draw(random: np.random.RandomState, shape: Shape, model: Model) -> None:
    """First weights and biases: scikit-learn's draws, so that its seeds begin where they do there.

    Uniform within ±√(6 / (inputs + outputs)), or √(2 / ...) for the logistic function (Glorot and
    Bengio, 2010).
    """
    coefs, intercepts = views(model)
    for i, (inputs, outputs) in enumerate(pairwise(shape.units)):
        by = (*shape.activation, *shape.activation[-1:], "linear")[i]
        bound = np.sqrt((2.0 if by == "sigmoid" else 6.0) / (inputs + outputs))
        coefs[i][...] = random.uniform(-bound, bound, (inputs, outputs))
        intercepts[i][...] = random.uniform(-bound, bound, outputs)


def seed_from(random: np.random.RandomState) -> int:
    """A seed for shuffles and dropout, without a draw: later ones stay scikit-learn's."""
    before = random.get_state()
    seed = int(random.randint(np.iinfo(np.int32).max))
    random.set_state(before)
    return seed


def outputs_of(model: Model, x: Any) -> Array:
    """What the model gives for samples; of a sparse matrix only some rows are dense at a time."""
    if not hasattr(x, "toarray"):
        whole: Array = model.predict(x, batch_size=_PREDICTED, verbose=0)
        return whole
    parts = [
        model.predict(x[i : i + _PREDICTED].toarray(), batch_size=_PREDICTED, verbose=0)
        for i in range(0, x.shape[0], _PREDICTED)
    ]
    return np.concatenate(parts)


def weights_of(estimator: Any) -> tuple[Sequence[Array], Sequence[Array]]:
    """An estimator's own arrays, checked against one another."""
    coefs = [np.asarray(coef) for coef in estimator.coefs_]
    intercepts = [np.asarray(intercept) for intercept in estimator.intercepts_]
    if len(coefs) != len(intercepts):
        raise ValueError(
            f"coefs_ and intercepts_ must be as many; got {len(coefs)} and {len(intercepts)}"
        )
    return coefs, intercepts


def bind(estimator: Any, model: Model) -> None:
    """Makes an estimator's weights views of the model's, keeping the estimator's numbers."""
    own = views(model)
    given = (*estimator.coefs_, *estimator.intercepts_)
    if len(given) == 2 * len(own[0]) and all(map(operator.is_, (*own[0], *own[1]), given)):
        return
    coefs, intercepts = weights_of(estimator)
    for views_, arrays in zip(own, (coefs, intercepts), strict=True):
        wanted = [view.shape for view in views_]
        if wanted != [array.shape for array in arrays]:
            raise ValueError(
                f"coefs_ and intercepts_ must have the shapes that fit made; expected {wanted}, "
                f"got {[array.shape for array in arrays]}"
            )
        for view, array in zip(views_, arrays, strict=True):
            if array is not view:
                view[...] = array
    estimator.coefs_, estimator.intercepts_ = own


def check_units(model: Model, shape: Shape) -> None:
    """Raises where an estimator that goes on learning was given other sizes."""
    coefs, _ = views(model)
    units = (coefs[0].shape[0], *(coef.shape[1] for coef in coefs))
    if units != shape.units:
        raise ValueError(
            f"hidden_layer_sizes and y must fit the weights to go on with, of {units} features, "
            f"units and outputs; got {shape.units}. warm_start=False begins anew"
        )


def warn_of_batch_size(size: int, samples: int) -> None:
    """As scikit-learn does."""
    warnings.warn(
        f"batch_size={size} is more than the {samples} samples to train on, which make one batch",
        UserWarning,
        stacklevel=7,
    )
