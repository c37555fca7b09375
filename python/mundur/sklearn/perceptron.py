"""What both perceptrons do: checks, a network, a solver, and weights under scikit-learn's names."""

from __future__ import annotations

import copy
from numbers import Integral, Real
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, is_classifier
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.validation import check_is_fitted

from .. import optimizers
from ..callbacks.base import CallbackList
from ..callbacks.monitors import check_monitors
from ..losses.base import is_native
from ..models.model import Model
from ..optimizers.base import Optimizer
from . import network
from .callbacks import Observable, Observer
from .epochs import Epochs, Validation, train
from .held_out import parts_of, share_of
from .inputs import checked, dense, is_large, sample_weights
from .lbfgs import descend
from .nested_parameters import Nested
from .objectives import Objective, objective_of
from .rules import Rule, rule_of
from .state import all_or_nothing, keeps, not_within_itself

__all__ = ["Perceptron", "goes_by_batches"]

Array = npt.NDArray[Any]

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


def _instance(solver: Any) -> Any:
    """An optimizer, whose arguments are parameters; a solver by name has the estimator's."""
    if isinstance(solver, Optimizer):
        return solver
    raise ValueError(
        f"solver={solver!r} takes the estimator's arguments, such as learning_rate_init; give an "
        "instance of mundur.optimizers to set its own"
    )


class Perceptron(Nested, Observable, BaseEstimator):
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
        "dropout": [_SHARE, "array-like"],
        "batch_normalization": ["boolean"],
        "dtype": [StrOptions({"float32", "float64"}), None],
        "callbacks": "no_validation",
    }

    _pieces = MappingProxyType({"solver": _instance})
    loss_: float
    n_outputs_: int
    _best_weights: Any = None
    _steps_by: Any = None
    stopped_ = False
    _target: Any
    _shape: network.Shape

    def __sklearn_tags__(self) -> Any:
        """Sparse features are welcome."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    # ---- what the two differ in ------------------------------------------------------------------

    def _target_of(self, y: Any, first: bool, incremental: bool, named: Any) -> Any:
        """What targets are of, `Classes` or `Numbers`; `named` are the classes of partial_fit."""
        raise NotImplementedError

    def _score_of(self, y: Array, outputs: Array, weights: Any) -> float:
        """What early stopping goes by, of encoded targets and of what the network gave."""
        raise NotImplementedError

    # ---- training --------------------------------------------------------------------------------

    @property
    def _stops_by(self) -> str:
        """What early stopping goes by; "" without."""
        if isinstance(self.early_stopping, str):
            return self.early_stopping
        return "score" if self.early_stopping else ""  # NumPy has booleans, too

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
        with all_or_nothing(self):
            self._check_together(incremental, validation_data)
            first = not hasattr(self, "coefs_") or not (self.warm_start or incremental)
            dtype = (np.float64, np.float32) if self.dtype is None else self.dtype
            X, y = checked(self, X, y, multi_output=True, reset=first, dtype=dtype)
            target = self._target_of(y, first, incremental, named)
            codes = target.encode(y)
            weights = sample_weights(sample_weight, X, y, getattr(self, "class_weight", None))
            if incremental and self.early_stopping and not first and self.stopped_:
                return self
            objective = objective_of(target.kind, target.outputs)
            by_batch = self.solver != "lbfgs" and is_native(objective.loss)
            x = X if by_batch and is_large(X) else dense(X)
            random = check_random_state(self.random_state)
            model = self._network_for(x, target, first, random)
            self._become(target)
            self.n_outputs_, self.out_activation_ = target.outputs, objective.activation
            samples = (x.astype(model.dtype, copy=False), codes, weights)
            self.__dict__.pop("loss_", None)  # Ctrl-C may come before there is another
            if not incremental:
                self.__dict__.pop("_optimizer", None)
                self._best_weights, self.stopped_ = None, False
            loop = None
            if self.solver == "lbfgs":
                model.compile("sgd", objective.loss)
            else:
                loop = self._loop(model, objective, samples, random, validation_data, incremental)
        most = None if loop is None else 1 if incremental else self.max_iter
        observer, restored = Observer(self, most, (X, y), sample_weight), False
        with model.lock:
            if loop is None:
                descend(self, model, objective, *samples, observer)
            else:
                with loop[1].optimizer.training(model):
                    train(self, *loop, once=incremental, observer=observer)
                ended = self.stopped_ or not incremental
                if self.early_stopping and ended and self._best_weights is not None:
                    model.set_weights(self._best_weights)
                    restored = True
        observer.end_fit()
        self._check_finite(restored)
        return self

    def _become(self, target: Any) -> None:
        """Takes what the targets are of."""
        self._target = target

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

    def _network_for(self, x: Any, target: Any, first: bool, random: Any) -> Model:
        """The network: a new one, or that to go on with, where it is what the arguments say."""
        shape = network.shape_of(self, x.shape[1], self._hidden(), target.outputs)
        if not first:
            model = self._bound(shape)
            network.check_units(model, shape)
            for name, before, now in zip(shape._fields, self._shape, shape, strict=True):
                keeps(name, before, now)
            keeps("dtype", model.dtype, self.dtype or model.dtype)
            return model
        for name in _CURVES:
            self.__dict__.pop(name, None)
        model = network.build(shape, str(x.dtype), network.seed_from(random))
        network.draw(random, shape, model)
        self.model_, self._shape = model, shape
        self.coefs_, self.intercepts_ = network.views(model)
        self.n_iter_, self.t_, self.n_layers_ = 0, 0, len(shape.units)
        return model

    def _open_curves(self) -> None:
        """What epochs are told in, as far as it is not there; solvers may change in warm starts."""
        by_score = self._stops_by == "score"
        opened: dict[str, Any] = {
            "loss_curve_": [],
            "validation_loss_curve_": [],
            "_no_improvement_count": 0,
            "validation_scores_": [] if by_score else None,
            "best_validation_score_": -np.inf if by_score else None,
            "best_validation_loss_": np.inf if self._stops_by == "loss" else None,
            "best_loss_": None if self.early_stopping else np.inf,
        }
        for name, value in opened.items():
            if vars(self).get(name) is None:
                setattr(self, name, value)

    def _loop(
        self,
        model: Model,
        objective: Objective,
        samples: tuple[Any, Array, Any],
        random: Any,
        validation_data: Any,
        incremental: bool,
    ) -> tuple[Epochs, Rule, Validation | None, CallbackList]:
        """What `train` runs."""
        self._open_curves()
        made = getattr(self, "_optimizer", None) if self._steps_by == self.solver else None
        rule = rule_of(self, objective.scale, made)
        held = None
        if validation_data is not None:
            held = self._given(validation_data)
        elif self.early_stopping:
            samples, held = self._split(*samples, random)
        count = len(samples[1])
        size = min(200, count) if self.batch_size == "auto" else self.batch_size
        if size > count:
            network.warn_of_batch_size(size, count)
            size = count
        epochs = 1 if incremental else self.max_iter
        params = {"verbose": 0, "epochs": epochs, "steps": -(-count // size)}
        callbacks = CallbackList(self.callbacks, model, params)
        told = ["loss"] if held is None else ["loss", "val_loss", "val_score"]
        check_monitors(callbacks, ["loss", "score"], told)
        if model.optimizer is not rule.optimizer:  # somebody else may have compiled it, too
            model.compile(rule.optimizer, objective.loss)
        if rule.optimizer is not made:
            self._optimizer, self._steps_by = rule.optimizer, self.solver
            rule.begin_with(model)
        loop = Epochs(
            model,
            objective,
            rule,
            *samples,
            alpha=self.alpha,
            batch_size=size,
            shuffle=self.shuffle,
            callbacks=callbacks,
        )
        validation = held and Validation(model, objective, *held, self._score_of)
        return loop, rule, validation or None, callbacks

    def _split(self, x: Any, y: Array, weights: Any, random: Any) -> Any:
        """What to train on, and what is held out; classes keep their shares where there are two."""
        two = is_classifier(self) and self.n_outputs_ == 1
        strata = y.astype(bool).reshape(-1, 1) if two else None
        rest, held = share_of(self, x, y, weights, random, strata)
        if len(held[1]) < 2:
            raise ValueError(
                "The validation set is too small, it has fewer than 2 samples: raise "
                f"validation_fraction={self.validation_fraction}, or give validation_data"
            )
        return rest, held

    def _given(self, data: Any) -> tuple[Any, Array, Any]:
        """The parts of `validation_data`; classes weigh what they weigh in training."""
        x, y, weights, meant = parts_of(data)
        with meant:
            x, y = checked(self, x, y, multi_output=True, reset=False)
            codes = self._target.encode(y)
            weights = sample_weights(weights, x, y, getattr(self, "class_weight", None))
            if self._stops_by == "score" and len(codes) < 2:
                raise ValueError("a score to stop by needs 2 samples or more; got 1")
        return x.astype(self.model_.dtype, copy=False), codes, weights

    def _check_finite(self, restored: bool) -> None:
        """Raises where training diverged; the best weights may be from before that."""
        if (restored or np.isfinite(vars(self).get("loss_", 0.0))) and all(
            np.isfinite(w).all() for w in (*self.coefs_, *self.intercepts_)
        ):
            return
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
        network.bind(self, model)
        return model

    def _around_weights(self, shape: network.Shape | None) -> Model:
        """A model for an estimator that was given weights and never fitted."""
        coefs, _ = network.weights_of(self)
        units = (coefs[0].shape[0], *(coef.shape[1] for coef in coefs))
        self._shape = shape or network.shape_of(self, units[0], units[1:-1], units[-1])
        self.model_ = network.build(self._shape, str(coefs[0].dtype), 0)
        return self.model_

    def _copied(self) -> dict[str, Any]:
        """What makes a copy of this one that can predict and stays as it is."""
        model = copy.deepcopy(self.model_)
        coefs, intercepts = network.views(model)
        return {"model_": model, "coefs_": coefs, "intercepts_": intercepts}

    def _predicted(self, X: Any) -> Array:
        """What the network gives for samples, before the last activation."""
        check_is_fitted(self)
        model = self._bound()
        return network.outputs_of(model, checked(self, X, reset=False))

    def __setstate__(self, state: Any) -> None:
        """Weights are views of the model's again, and the optimizer is its own."""
        super().__setstate__(state)
        if "model_" not in vars(self):
            return
        network.bind(self, self.model_)
        if "_optimizer" in vars(self):
            self._optimizer = self.model_.compiled_optimizer
