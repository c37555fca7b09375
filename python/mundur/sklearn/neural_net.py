"""Estimators around any network: a list of layers, or a function that makes one for the data."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, is_classifier
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from .. import layers as known_layers
from ..callbacks.base import Callback
from ..callbacks.history import History
from ..layers.base import Layer
from ..models.model import Model
from ..optimizers.base import Optimizer
from .inputs import checked, dense, fresh_layers, own_optimizer, sample_weights
from .nested import Nested, call_builder
from .observed import Observable, Observer

__all__ = ["NeuralNet"]

Array = npt.NDArray[Any]

_PREDICTED = 4096  # samples at a time
_HIDDEN = 100  # units, where no layers are given


class NeuralNet(Nested, Observable, BaseEstimator):
    """What both share: a model made for the data, and `Model.fit`."""

    model_: Model
    loss_curve_: list[float]

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "layers": "no_validation",
        "optimizer": "no_validation",  # `compile` knows
        "loss": "no_validation",
        "metrics": "no_validation",
        "batch_size": [StrOptions({"full"}), Interval(Integral, 1, None, closed="left")],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "callbacks": "no_validation",
        "warm_start": ["boolean"],
        "dtype": [StrOptions({"float32", "float64"}), None],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    def __sklearn_tags__(self) -> Any:
        """Sparse features are welcome."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    # ---- what the two differ in ------------------------------------------------------------------

    def _encode(self, y: Any, first: bool) -> Array:
        """Checked targets; where it is the first call, what they are of."""
        raise NotImplementedError

    def _count(self, y: Array) -> int:
        """How many outputs a network for them has."""
        raise NotImplementedError

    def _compile(self, model: Model, y: Array, optimizer: Optimizer) -> None:
        """Gives a built model its loss, after a look at whether it fits."""
        raise NotImplementedError

    def _targets(self, y: Array) -> Array:
        """What that loss wants."""
        raise NotImplementedError

    # ---- training --------------------------------------------------------------------------------

    def _train(
        self, X: Any, y: Any, sample_weight: Any, validation_data: Any, incremental: bool
    ) -> Any:
        first = not hasattr(self, "model_") or not (self.warm_start or incremental)
        X, y = checked(
            *(self, X, y), multi_output=True, reset=first, allow_nd=True, dtype="numeric"
        )
        x, codes = dense(X), self._encode(y, first)
        weights = sample_weights(sample_weight, X, y, getattr(self, "class_weight", None))
        if first:
            self._make(x, codes)
        held = self._given(validation_data)
        if held is None and self.validation_fraction and not incremental:
            x, codes, weights, held = self._split(x, codes, weights)
        epochs = 1 if incremental else self.epochs
        observer = Observer(self, epochs, (X, y), weights)
        history = self.model_.fit(
            x,
            self._targets(codes),
            self.batch_size,
            epochs,
            2 if self.verbose else 0,
            [*_listed(self.callbacks), *_heard(observer)],
            validation_data=held,
            shuffle=self.shuffle,
            sample_weight=weights,
        )
        observer.end_fit()
        self._note(history, first)
        return self

    def _make(self, x: Array, y: Array) -> None:
        """A new model for these samples."""
        seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        dtype = self.dtype or ("float32" if x.dtype == np.float32 else "float64")
        shape, outputs = x.shape[1:], self._count(y)
        made = self.layers
        if made is None:
            made = _default(shape, outputs)
        elif callable(made) and not isinstance(made, Layer):
            made = call_builder(made, shape, outputs)
        model = (
            made if isinstance(made, Model) else Model(fresh_layers(made), seed=seed, dtype=dtype)
        )
        if not model.built:
            model.build(shape)
        if model.native.input_shape != shape:
            raise ValueError(
                f"layers take samples of shape {model.native.input_shape}; X has {shape}"
            )
        self._compile(model, y, own_optimizer(self.optimizer))
        self.model_ = model

    def _given(self, data: Any) -> Any:
        """`validation_data` as the model takes it."""
        if data is None:
            return None
        if not isinstance(data, (tuple, list)) or len(data) not in (2, 3):
            raise ValueError("validation_data must be (X, y) or (X, y, sample_weight)")
        x, y = checked(
            *(self, data[0], data[1]),
            multi_output=True,
            reset=False,
            allow_nd=True,
            dtype="numeric",
        )
        held = (dense(x), self._targets(self._encode(y, False)))
        return held if len(data) == 2 else (*held, sample_weights(data[2], x))

    def _split(self, x: Array, y: Array, weights: Any) -> Any:
        arrays = [x, y] if weights is None else [x, y, weights]
        parts = train_test_split(
            *arrays,
            random_state=check_random_state(self.random_state),
            test_size=self.validation_fraction,
            stratify=y if is_classifier(self) and y.ndim == 1 else None,
        )
        held = [parts[1], self._targets(parts[3]), *parts[5:6]]
        return parts[0], parts[2], parts[4] if weights is not None else None, tuple(held)

    def _note(self, history: History, first: bool) -> None:
        self.history_ = history
        self.n_iter_ = len(history.epoch)
        before = [] if first else self.loss_curve_
        self.loss_curve_ = before + history.history["loss"]

    def _predicted(self, X: Any) -> Array:
        check_is_fitted(self)
        X = checked(self, X, reset=False, allow_nd=True, dtype="numeric")
        if not hasattr(X, "toarray"):
            return self.model_.predict(X, batch_size=_PREDICTED, verbose=0)
        parts = [
            self.model_.predict(X[i : i + _PREDICTED].toarray(), batch_size=_PREDICTED, verbose=0)
            for i in range(0, X.shape[0], _PREDICTED)
        ]
        return np.concatenate(parts)


class _Tasks(Callback):
    """Epochs of a fit, told to scikit-learn's callbacks."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """An epoch is a task."""
        self._observer.begin_epoch()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Whoever hears of its end may ask to stop."""
        if self._observer.end_epoch():
            self.model.stop_training = True


def _heard(observer: Observer) -> list[Callback]:
    return [_Tasks(observer)] if observer.is_heard else []


def _listed(callbacks: Any) -> list[Any]:
    if callbacks is None:
        return []
    return [callbacks] if isinstance(callbacks, Callback) else list(callbacks)


def _default(shape: tuple[int, ...], outputs: int) -> list[Layer]:
    front: list[Layer] = [known_layers.Flatten()] if len(shape) > 1 else []
    return [*front, known_layers.Dense(_HIDDEN, "relu"), known_layers.Dense(outputs)]
