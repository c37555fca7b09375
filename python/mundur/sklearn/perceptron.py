"""What both perceptrons do: checks, a network, a solver, and weights under scikit-learn's names."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, is_classifier
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.validation import check_is_fitted

from .. import optimizers
from ..callbacks.base import CallbackList
from ..models.model import Model
from ..optimizers.base import Optimizer
from . import network
from .epochs import Epochs, Validation, train
from .inputs import checked, dense, sample_weights
from .minimum import descend
from .objectives import Objective, objective_of
from .observed import Observable, Observer
from .rules import rule_of

__all__ = ["Perceptron", "goes_by_batches"]

Array = npt.NDArray[Any]

_PREDICTED = 4096  # samples at a time
_SOLVERS = ("lbfgs", "sgd", "adam")
_CURVES = (
    *("loss_curve_", "validation_loss_curve_", "validation_scores_", "_no_improvement_count"),
    *("best_loss_", "best_validation_loss_", "best_validation_score_"),
)
_POSITIVE = Interval(Integral, 1, None, closed="left")
_SHARE = Interval(Real, 0, 1, closed="left")


def goes_by_batches(estimator: Any) -> bool:
    """Whether `partial_fit` can serve; the AttributeError says why not."""
    if estimator.solver == "lbfgs":
        raise AttributeError(
            "partial_fit needs a solver that goes by batches, such as 'adam'; got solver='lbfgs'"
        )
    return True


class Perceptron(Observable, BaseEstimator):
    """A chain of dense layers, trained as scikit-learn's perceptrons are."""

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "hidden_layer_sizes": ["array-like", _POSITIVE],
        "activation": "no_validation",  # a layer knows which there are
        "solver": [StrOptions({*_SOLVERS, *optimizers.KNOWN}), Optimizer],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), _POSITIVE],
        "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "max_iter": [_POSITIVE],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean", StrOptions({"loss"})],
        "validation_fraction": [_SHARE],
        "beta_1": [_SHARE],
        "beta_2": [_SHARE],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [_POSITIVE, Options(Real, {np.inf})],
        "max_fun": [_POSITIVE],
        "dropout": [_SHARE, list, tuple],
        "batch_normalization": ["boolean"],
        "dtype": [StrOptions({"float32", "float64"}), None],
        "callbacks": "no_validation",
    }

    loss_: float
    n_outputs_: int
    _best_weights: Any = None
    stopped_ = False

    def __sklearn_tags__(self) -> Any:
        """Sparse features are welcome."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    # ---- what the two differ in ------------------------------------------------------------------

    def _encode(self, y: Any, first: bool, incremental: bool) -> Array:
        """The targets as the core wants them; where it is the first call, what they are of."""
        raise NotImplementedError

    def _kind(self) -> str:
        """What `objective_of` knows."""
        raise NotImplementedError

    def _outputs(self, y: Array) -> int:
        """How many numbers the network gives for a sample."""
        raise NotImplementedError

    def _score_of(self, y: Array, outputs: Array, weights: Any) -> float:
        """What early stopping goes by, of encoded targets and of what the network gave."""
        raise NotImplementedError

    # ---- training --------------------------------------------------------------------------------

    def _train(
        self, X: Any, y: Any, sample_weight: Any, validation_data: Any, incremental: bool
    ) -> Any:
        hidden = self._hidden()
        self._check_together(incremental, validation_data)
        first = not hasattr(self, "coefs_") or not (self.warm_start or incremental)
        dtype = (np.float64, np.float32) if self.dtype is None else self.dtype
        X, y = checked(self, X, y, multi_output=True, reset=first, dtype=dtype)
        weights = sample_weights(sample_weight, X, y, getattr(self, "class_weight", None))
        targets = self._encode(y, first, incremental)
        random = check_random_state(self.random_state)
        shape = network.Shape(
            (X.shape[1], *hidden, self._outputs(targets)),
            network.per_layer(self.activation, len(hidden), "activation"),
            network.per_layer(self.dropout, len(hidden), "dropout"),
            self.batch_normalization,
        )
        if incremental and self.early_stopping and not first and self.stopped_:
            return self
        x = dense(X)
        if first:
            self._start(shape, str(x.dtype), random)
        model = self._bound(shape)
        self.n_outputs_ = shape.units[-1]
        x = x.astype(model.dtype, copy=False)
        with model.lock:
            self._solve(model, x, targets, weights, random, validation_data, incremental, (X, y))
        if not all(np.isfinite(w).all() for w in (*self.coefs_, *self.intercepts_)):
            self._refuse_divergence()
        return self

    def _hidden(self) -> tuple[int, ...]:
        given = self.hidden_layer_sizes
        sizes = tuple(np.atleast_1d(np.asarray(given)).tolist()) if np.size(given) else ()
        if not all(isinstance(size, int) and size > 0 for size in sizes):
            raise ValueError(f"hidden_layer_sizes must be > 0, in whole numbers; got {given!r}")
        return sizes

    def _check_together(self, incremental: bool, validation_data: Any) -> None:
        """Raises for arguments that make no sense together."""
        if self.early_stopping and incremental and validation_data is None:
            raise ValueError(
                "partial_fit does not support early_stopping=True without validation_data: what "
                "would be held out of these samples was trained on before"
            )
        if self.solver != "lbfgs":
            return
        for name, idle in (("dropout", 0.0), ("batch_normalization", False)):
            if np.any(np.asarray(getattr(self, name)) != idle):
                raise ValueError(
                    f"{name}={getattr(self, name)!r} needs a solver that goes by batches; lbfgs "
                    "needs a loss that is the same whenever it asks: take solver='adam' or 'sgd'"
                )
        if validation_data is not None or self.callbacks is not None:
            name = "callbacks" if validation_data is None else "validation_data"
            raise ValueError(f"{name} needs epochs, which solver='lbfgs' has none of; take 'adam'")

    def _start(self, shape: network.Shape, dtype: str, random: np.random.RandomState) -> None:
        """A new network, and what is told of it before any epoch."""
        self.__dict__.pop("_optimizer", None)
        self.model_ = network.build(shape, dtype, network.seed_from(random))
        self._compile(shape.units[-1])
        network.draw(random, shape, self.model_, self.activation)
        self.coefs_, self.intercepts_ = network.views(self.model_)
        self._reset(len(shape.units))

    def _compile(self, outputs: int) -> None:
        self.model_.compile("sgd", objective_of(self._kind(), outputs).loss)

    def _reset(self, layers: int) -> None:
        self.n_iter_, self.t_, self.n_layers_ = 0, 0, layers
        self._best_weights, self.stopped_ = None, False
        for name in _CURVES:
            self.__dict__.pop(name, None)

    def _open_curves(self) -> None:
        """What epochs are told in, as far as it is not there; solvers may change in warm starts."""
        by_score = self.early_stopping is True
        opened: dict[str, Any] = {
            "loss_curve_": [],
            "validation_loss_curve_": [],
            "_no_improvement_count": 0,
            "validation_scores_": [] if by_score else None,
            "best_validation_score_": -np.inf if by_score else None,
            "best_validation_loss_": np.inf if self.early_stopping == "loss" else None,
            "best_loss_": None if self.early_stopping else np.inf,
        }
        for name, value in opened.items():
            if vars(self).get(name) is None:
                setattr(self, name, value)

    def _solve(
        self,
        model: Model,
        x: Array,
        y: Array,
        weights: Any,
        random: np.random.RandomState,
        validation_data: Any,
        incremental: bool,
        given: tuple[Any, Any],
    ) -> None:
        objective = objective_of(self._kind(), self.n_outputs_)
        self.out_activation_ = objective.activation
        most = None if self.solver == "lbfgs" else 1 if incremental else self.max_iter
        observer = Observer(self, most, given, weights)
        if self.solver == "lbfgs":
            descend(self, model, objective, x, y, weights, observer)
            if not np.isfinite(self.loss_):
                self._refuse_divergence()
        else:
            self._by_batches(
                model, objective, x, y, weights, random, validation_data, incremental, observer
            )
        observer.end_fit()

    def _by_batches(
        self,
        model: Model,
        objective: Objective,
        x: Array,
        y: Array,
        weights: Any,
        random: np.random.RandomState,
        validation_data: Any,
        incremental: bool,
        observer: Observer,
    ) -> None:
        self._open_curves()
        made = getattr(self, "_optimizer", None)
        rule = rule_of(self, objective.scale, made if incremental else None)
        if rule.optimizer is not made:
            self._optimizer = rule.optimizer
            model.compile(self._optimizer, objective.loss)
            rule.begin_with(model)
        held = None
        if validation_data is not None:
            held = self._given(validation_data)
        elif self.early_stopping:
            x, y, weights, held = self._split(x, y, weights, random)
        validation = held and Validation(model, objective, *held, self._score_of)
        size = min(200, len(x)) if self.batch_size == "auto" else self.batch_size
        if size > len(x):
            network.warn_of_batch_size(size, len(x))
            size = len(x)
        epochs = 1 if incremental else self.max_iter
        params = {"verbose": 0, "epochs": epochs, "steps": -(-len(x) // size)}
        callbacks = CallbackList(self.callbacks, model, params)
        loop = Epochs(
            model,
            objective,
            rule,
            x,
            y,
            weights,
            alpha=self.alpha,
            batch_size=size,
            shuffle=self.shuffle,
            callbacks=callbacks,
        )
        with rule.optimizer.training(model):
            train(
                self,
                loop,
                rule,
                validation or None,
                callbacks,
                samples=len(x),
                once=incremental,
                observer=observer,
            )
        ended = self.stopped_ or not incremental
        if self.early_stopping and ended and self._best_weights is not None:
            model.set_weights(self._best_weights)
        elif np.isnan(self.loss_):
            self._refuse_divergence()

    def _split(self, x: Array, y: Array, weights: Any, random: Any) -> Any:
        """What to train on, and what is held out; classes keep their shares where there are two."""
        two = is_classifier(self) and self.n_outputs_ == 1
        arrays = [x, y] if weights is None else [x, y, weights]
        parts = train_test_split(
            *arrays,
            random_state=random,
            test_size=self.validation_fraction,
            stratify=y.astype(bool).reshape(-1, 1) if two else None,
        )
        if len(parts[1]) < 2:
            raise ValueError(
                "The validation set is too small, it has fewer than 2 samples: raise "
                f"validation_fraction={self.validation_fraction}, or give validation_data"
            )
        held = (parts[1], parts[3], None if weights is None else parts[5])
        return parts[0], parts[2], None if weights is None else parts[4], held

    def _given(self, data: Any) -> tuple[Array, Array, Any]:
        """The arrays of `validation_data`."""
        if not isinstance(data, (tuple, list)) or len(data) not in (2, 3):
            raise ValueError("validation_data must be (X, y) or (X, y, sample_weight)")
        x, y = checked(self, data[0], data[1], multi_output=True, reset=False)
        weights = sample_weights(data[2] if len(data) == 3 else None, x)
        return dense(x).astype(self.model_.dtype, copy=False), self._encode(y, False, True), weights

    def _refuse_divergence(self) -> None:
        raise ValueError(
            f"{type(self).__name__}: loss or weights were not finite in epoch {self.n_iter_}, with "
            f"learning_rate_init={self.learning_rate_init}; standardise the features "
            "(StandardScaler), or lower learning_rate_init"
        )

    # ---- the network -----------------------------------------------------------------------------

    def _bound(self, shape: network.Shape | None = None) -> Model:
        """The model, with the weights of `coefs_` and `intercepts_`, whoever set those."""
        model: Model | None = self.__dict__.get("model_")
        if model is None:
            model = self._around_weights(shape)
        elif shape is not None:
            network.check_units(model, shape)
        network.bind(self, model)
        return model

    def _around_weights(self, shape: network.Shape | None) -> Model:
        """A model for an estimator that was given weights and never fitted."""
        coefs, _ = network.weights_of(self)
        units = (coefs[0].shape[0], *(coef.shape[1] for coef in coefs))
        hidden = len(units) - 2
        shape = shape or network.Shape(
            units, network.per_layer(self.activation, hidden, "activation"), (0.0,) * hidden, False
        )
        self.model_ = network.build(shape, str(coefs[0].dtype), 0)
        network.check_units(self.model_, shape)
        self._compile(shape.units[-1])
        return self.model_

    def _predicted(self, X: Any) -> Array:
        """What the network gives for samples, before the last activation."""
        check_is_fitted(self)
        model = self._bound()
        X = checked(self, X, reset=False)
        if not hasattr(X, "toarray"):
            return model.predict(X, batch_size=_PREDICTED, verbose=0)
        parts = [
            model.predict(X[i : i + _PREDICTED].toarray(), batch_size=_PREDICTED, verbose=0)
            for i in range(0, X.shape[0], _PREDICTED)
        ]
        return np.concatenate(parts)

    def __setstate__(self, state: Any) -> None:
        """Weights are views of the model's again, and the optimizer is its own."""
        super().__setstate__(state)
        if "model_" not in vars(self):
            return
        network.bind(self, self.model_)
        if "_optimizer" in vars(self):
            self._optimizer = self.model_.compiled_optimizer
