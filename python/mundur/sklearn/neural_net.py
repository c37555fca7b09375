"""Estimators around any network: a list of layers, or a function that makes one for the data."""

from __future__ import annotations

import copy
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, is_classifier
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from .. import layers as known_layers
from .._support.config import Configurable
from ..data.dataset import Dataset, Order, resolve_batch_size
from ..data.stream import ArrayBatches
from ..layers.base import Layer
from ..losses.base import Loss, is_native
from ..models.model import Model
from .callbacks import Observable, Observer
from .held_out import parts_of, share_of
from .inputs import checked, dense, fresh_layers, is_large, own_optimizer, sample_weights
from .nested_parameters import Nested, call_builder, is_builder
from .network import outputs_of
from .state import all_or_nothing, keeps, not_within_itself

__all__ = ["NeuralNet"]

Array = npt.NDArray[Any]

_HIDDEN = 100  # units, where no layers are given


class NeuralNet(Nested, Observable, BaseEstimator):
    """What both share: a model made for the data, and `Model.fit`."""

    model_: Model
    loss_curve_: list[float]
    _target: Any
    _made_of: dict[str, Any]

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

    def _target_of(self, y: Any, first: bool, incremental: bool, named: Any) -> Any:
        """What targets are of, `Classes` or `Numbers`; `named` are the classes of partial_fit."""
        raise NotImplementedError

    def _loss_for(self, model: Model, target: Any) -> Loss:
        """The loss of a built model, after a look at whether both fit the targets."""
        raise NotImplementedError

    def _targets(self, codes: Array) -> Array:
        """What that loss wants."""
        return codes

    # ---- training --------------------------------------------------------------------------------

    @not_within_itself
    def _train(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        validation_data: Any,
        incremental: bool,
        named: Any = None,
    ) -> Any:
        begun = False
        with all_or_nothing(self, lambda: begun):  # what an interrupted fit came to stays
            first = not hasattr(self, "model_") or not (self.warm_start or incremental)
            X, y = self._checked(X, y, reset=first)
            target = self._target_of(y, first, incremental, named)
            weights = sample_weights(sample_weight, X, y, getattr(self, "class_weight", None))
            samples = (X, target.encode(y), weights)
            model = self._network_for(X, target, first)
            self._become(target)
            held = None if validation_data is None else self._given(validation_data)
            if held is None and self.validation_fraction and not incremental:
                samples, held = self._split(*samples)
            epochs = 1 if incremental else self.epochs
            observer = Observer(self, epochs, (X, y), sample_weight)
            before = model.history
            try:
                model.fit(
                    **self._data(model, *samples),
                    epochs=epochs,
                    verbose=2 if self.verbose else 0,
                    callbacks=observer.beside(self.callbacks),
                    validation_data=held and self._held(model, *held),
                )
            finally:
                begun = model.history is not before
                if begun:
                    self._note(model.history)
        observer.end_fit()
        return self

    def _checked(self, X: Any, y: Any, reset: bool) -> Any:
        how = {"multi_output": True, "allow_nd": True, "dtype": "numeric"}
        return checked(self, X, y, reset=reset, **how)

    def _data(self, model: Model, x: Any, codes: Array, weights: Any) -> dict[str, Any]:
        """The arguments of `Model.fit` that are data, and their order."""
        batches = self._batches(model, x, codes, weights, self.shuffle)
        if batches is not None:
            return {"x": batches}
        x, y = dense(x), self._targets(codes)
        order = {"batch_size": self.batch_size, "shuffle": self.shuffle}
        return {"x": x, "y": y, "sample_weight": weights, **order}

    def _held(self, model: Model, x: Any, codes: Array, weights: Any) -> Any:
        """The argument of `Model.fit` that is validation data."""
        batches = self._batches(model, x, codes, weights, False)
        if batches is not None:
            return batches
        held = (dense(x), self._targets(codes))
        return held if weights is None else (*held, weights)

    def _batches(
        self, model: Model, x: Any, codes: Array, weights: Any, shuffle: bool
    ) -> ArrayBatches | None:
        """Of many sparse samples, made dense one by one, where the core needs no more at once."""
        by_batch = is_native(model.compiled_loss) and all(m.form for m in model.metrics)
        if not (by_batch and is_large(x)):
            return None
        size = resolve_batch_size(self.batch_size, x.shape[0])
        order = Order(x.shape[0], size, shuffle, 0)
        return ArrayBatches(model, Dataset(x, self._targets(codes), weights, "X"), order)

    def _become(self, target: Any) -> None:
        """Takes what the targets are of."""
        self._target = target

    def _network_for(self, x: Any, target: Any, first: bool) -> Model:
        """The network: a new one, or that to go on with, where it is what the arguments say."""
        layers = tuple(self.layers) if isinstance(self.layers, list) else self.layers
        compiled = (_told(self.optimizer), _told(self.loss), self.metrics)
        if first:
            self.model_, self.loss_curve_ = self._made(x, target), []
            self._made_of = {"layers": layers}
        else:
            keeps("layers", self._made_of["layers"], layers)
            keeps("dtype", self.model_.dtype, self.dtype or self.model_.dtype)
        loss = self._loss_for(self.model_, target)
        if compiled != self._made_of.get("compiled"):
            self.model_.compile(own_optimizer(self.optimizer), loss, metrics=self.metrics)
            # In place, as the model is: a fit that is refused leaves both.
            self._made_of["compiled"] = compiled
        return self.model_

    def _made(self, x: Any, target: Any) -> Model:
        """A new model for these samples."""
        seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        dtype = self.dtype or ("float32" if x.dtype == np.float32 else "float64")
        shape = x.shape[1:]
        made = self.layers
        if made is None:
            made = _default(shape, target.outputs)
        elif is_builder(made):
            made = call_builder(made, shape, target.outputs)
        if isinstance(made, Model) and made is not self.layers:
            model = copy.deepcopy(made)  # whoever else has it keeps its weights
            if self.dtype not in (None, model.dtype):
                raise ValueError(
                    f"dtype={self.dtype!r}, but layers returns a Model of {model.dtype}; make it "
                    "with that dtype, or return a list of layers"
                )
        else:
            model = Model(fresh_layers(made), seed=seed, dtype=dtype)
        if not model.built:
            model.build(shape)
        if model.native.input_shape != shape:
            raise ValueError(
                f"layers take samples of shape {model.native.input_shape}; X has {shape}"
            )
        return model

    def _given(self, data: Any) -> Any:
        """The parts of `validation_data`; classes weigh what they weigh in training."""
        x, y, weights, meant = parts_of(data)
        with meant:
            x, y = self._checked(x, y, reset=False)
            codes = self._target.encode(y)
            weights = sample_weights(weights, x, y, getattr(self, "class_weight", None))
        return x, codes, weights

    def _split(self, x: Any, y: Array, weights: Any) -> Any:
        strata = y if is_classifier(self) and y.ndim == 1 else None
        random = check_random_state(self.random_state)
        return share_of(self, x, y, weights, random, strata)

    def _note(self, history: Any) -> None:
        self.history_, self.n_iter_ = history, len(history.epoch)
        self.loss_curve_ = self.loss_curve_ + history.history.get("loss", [])

    def _copied(self) -> dict[str, Any]:
        """What makes a copy of this one that can predict and stays as it is."""
        return {"model_": copy.deepcopy(self.model_)}

    def _predicted(self, X: Any) -> Array:
        check_is_fitted(self)
        X = checked(self, X, reset=False, allow_nd=True, dtype="numeric")
        return outputs_of(self.model_, X)


def _told(piece: Any) -> Any:
    """What an optimizer or a loss is, for comparison."""
    return (type(piece), piece.get_config()) if isinstance(piece, Configurable) else piece


def _default(shape: tuple[int, ...], outputs: int) -> list[Layer]:
    front: list[Layer] = [known_layers.Flatten()] if len(shape) > 1 else []
    return [*front, known_layers.Dense(_HIDDEN, "relu"), known_layers.Dense(outputs)]
