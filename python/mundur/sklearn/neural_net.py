"""Estimators around any network: a list of layers, or a function that makes one for the data."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, _fit_context, is_classifier
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from .. import layers as known_layers
from .. import optimizers
from ..callbacks.base import Callback
from ..callbacks.history import History
from ..layers.base import Layer
from ..models.model import Model
from ..optimizers.base import Optimizer
from .heads import Head, gives_scores_only, head_of, loss_with
from .inputs import checked, dense, fresh_layers, sample_weights
from .nested import Nested, call_builder
from .observed import Observable, Observer
from .targets import Classes, classes_of, named_classes

__all__ = ["NeuralNetClassifier", "NeuralNetRegressor"]

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
        optimizer = optimizers.get(self.optimizer)
        # Each fit has an optimizer of its own, whatever the argument has done.
        self._compile(model, y, type(optimizer).from_config(optimizer.get_config()))
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


def _gives_probabilities(estimator: Any) -> bool:
    if gives_scores_only(estimator.loss):
        raise AttributeError(
            f"predict_proba needs a loss of probabilities, a cross-entropy; got {estimator.loss!r}"
        )
    return True


def _gives_scores(estimator: Any) -> bool:
    """Whether the outputs are scores; of a function of layers that is known after fit."""
    fitted = vars(estimator).get("_head")
    if fitted is not None:
        linear = fitted.is_linear
    elif isinstance(estimator.layers, (list, tuple)) and estimator.layers:
        last = estimator.layers[-1]
        linear = getattr(last, "activation", None) in (None, "linear")
    else:
        linear = True
    if not linear:
        raise AttributeError("decision_function needs layers that end without an activation")
    return True


class NeuralNetClassifier(ClassifierMixin, NeuralNet):
    """A classifier around any layers; `Model.fit` trains it.

    Parameters
    ----------
    layers : list of Layer or callable, optional
        The network, its outputs too: it ends in a Dense layer of one unit per output.
        Or a function f(input_shape, outputs) that returns such a list, or a Model. By default
        ``[Dense(100, "relu"), Dense(outputs)]``.
    optimizer : str or Optimizer, default "adam"
        Each fit makes one of its own.
    loss : str or Loss, optional
        By default the cross-entropy that suits the outputs. By name it takes linear ones as logits;
        "hinge" and "squared_hinge" give scores instead of probabilities.
    metrics : list, optional
        As for `Model.compile`; `history_` has their numbers.
    batch_size : int or "full", default 32
    epochs : int, default 100
    shuffle : bool, default True
    class_weight : dict, "balanced" or None, default None
        The weight of each class, multiplied with those of its samples.
    validation_fraction : float, default 0.0
        The share of samples that is held out, for `history_` and callbacks such as EarlyStopping.
    callbacks : list of Callback, optional
    warm_start : bool, default False
        Whether fit goes on with the model of the fit before.
    dtype : {"float32", "float64"}, optional
        What is computed in; by default what the features are in, float64 for integers.
    verbose : bool, default False
        Whether each epoch prints a line.
    random_state : int, RandomState or None, default None
        Weights, dropout, shuffles, and what is held out.

    Attributes
    ----------
    classes_ : ndarray
        Sorted; for several labels at once the columns' numbers.
    model_ : Model
    history_ : History
        Of the last fit.
    loss_curve_ : list of float
    n_iter_ : int
        Epochs of the last fit.
    n_features_in_, feature_names_in_
        Of the features.

    See Also
    --------
    mundur.sklearn.MLPClassifier : with the arguments of scikit-learn's.

    Examples
    --------
    >>> from mundur import layers
    >>> from mundur.sklearn import NeuralNetClassifier
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import GridSearchCV
    >>> x, y = load_iris(return_X_y=True)
    >>> net = [layers.BatchNormalization(), layers.Dense(16, "tanh"), layers.Dense(3)]
    >>> classifier = NeuralNetClassifier(net, epochs=60, batch_size=16, random_state=0)
    >>> grid = {"layers__1__units": [8, 32], "optimizer__learning_rate": [0.01]}
    >>> GridSearchCV(classifier, grid, cv=3).fit(x, y).score(x, y) > 0.9
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **NeuralNet._parameter_constraints,
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }
    classes_: Array
    _classes: Classes
    _head: Head

    def __init__(
        self,
        layers: Any = None,
        *,
        optimizer: Any = "adam",
        loss: Any = None,
        metrics: Any = None,
        batch_size: Any = 32,
        epochs: int = 100,
        shuffle: bool = True,
        class_weight: Any = None,
        validation_fraction: float = 0.0,
        callbacks: Any = None,
        warm_start: bool = False,
        dtype: Any = None,
        verbose: Any = False,
        random_state: Any = None,
    ) -> None:
        self.layers = layers
        self.optimizer = optimizer
        self.loss = loss
        self.metrics = metrics
        self.batch_size = batch_size
        self.epochs = epochs
        self.shuffle = shuffle
        self.class_weight = class_weight
        self.validation_fraction = validation_fraction
        self.callbacks = callbacks
        self.warm_start = warm_start
        self.dtype = dtype
        self.verbose = verbose
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        """Several labels at once are fine."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None, validation_data: Any = None) -> Any:
        """Trains.

        Parameters
        ----------
        X : array, DataFrame or sparse matrix (samples, ...)
            Of any shape that the layers take; whole numbers stay whole.
        y : array (samples,) or (samples, labels)
            Classes of any dtype, or 0 and 1 for each label.
        sample_weight : array (samples,), optional
            Not negative.
        validation_data : (X, y) or (X, y, sample_weight), optional
            Goes before `validation_fraction`.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            For arguments or data that do not fit, naming them.
        NonFiniteLossError
            Where training diverged.
        """
        return self._train(X, y, sample_weight, validation_data, False)

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Any:
        """Trains for one epoch more.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.
        classes : array, optional
            All classes there will be; the first call needs it.

        Returns
        -------
        self
        """
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' needs all samples at once; give partial_fit a dict"
            )
        if not hasattr(self, "classes_"):
            if classes is None:
                raise ValueError("classes must name all classes in the first call of partial_fit")
            self._classes = named_classes(classes, y)
            self.classes_ = self._classes.labels
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise ValueError(
                f"classes must be those of the first call, {self.classes_}; got {classes}"
            )
        return self._train(X, y, sample_weight, None, True)

    def _encode(self, y: Any, first: bool) -> Array:
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if not hasattr(self, "model_") and hasattr(self, "classes_"):
            return self._classes.encode(y)  # of the first partial_fit
        if first:
            self._classes = classes_of(y)
            self.classes_ = self._classes.labels
        return self._classes.encode(y)

    def _count(self, y: Array) -> int:
        return self._classes.outputs

    def _compile(self, model: Model, y: Array, optimizer: Optimizer) -> None:
        self._head = head_of(self._classes, model, self.loss)
        model.compile(optimizer, self._head.loss, metrics=self.metrics)

    def _targets(self, y: Array) -> Array:
        return self._head.targets(y)

    def predict(self, X: Any) -> Array:
        """The class, or the labels, of each sample.

        Parameters
        ----------
        X : array, DataFrame or sparse matrix (samples, ...)

        Returns
        -------
        ndarray (samples,) or (samples, labels)
        """
        outputs = self._predicted(X)
        return self._head.labels(outputs)

    @available_if(_gives_probabilities)
    def predict_proba(self, X: Any) -> Array:
        """The probability of each class, or of each label, for each sample.

        Parameters
        ----------
        X : array, DataFrame or sparse matrix (samples, ...)

        Returns
        -------
        ndarray (samples, classes)
            Columns in the order of `classes_`.
        """
        outputs = self._predicted(X)
        return self._head.probabilities(outputs)

    @available_if(_gives_scores)
    def decision_function(self, X: Any) -> Array:
        """The outputs as scores; for two classes one, above 0 for the second.

        Parameters
        ----------
        X : array, DataFrame or sparse matrix (samples, ...)

        Returns
        -------
        ndarray (samples,) or (samples, classes)
        """
        outputs = self._predicted(X)
        return self._head.scores(outputs)


class NeuralNetRegressor(RegressorMixin, NeuralNet):
    """A regressor around any layers; `Model.fit` trains it.

    Parameters
    ----------
    layers : list of Layer or callable, optional
        The network, its outputs too: it ends in a Dense layer of one unit per output.
        Or a function f(input_shape, outputs) that returns such a list, or a Model. By default
        ``[Dense(100, "relu"), Dense(outputs)]``.
    optimizer : str or Optimizer, default "adam"
        Each fit makes one of its own.
    loss : str or Loss, optional
        By default the mean squared error.
    metrics : list, optional
        As for `Model.compile`; `history_` has their numbers.
    batch_size : int or "full", default 32
    epochs : int, default 100
    shuffle : bool, default True
    validation_fraction : float, default 0.0
        The share of samples that is held out, for `history_` and callbacks such as EarlyStopping.
    callbacks : list of Callback, optional
    warm_start : bool, default False
        Whether fit goes on with the model of the fit before.
    dtype : {"float32", "float64"}, optional
        What is computed in; by default what the features are in, float64 for integers.
    verbose : bool, default False
        Whether each epoch prints a line.
    random_state : int, RandomState or None, default None
        Weights, dropout, shuffles, and what is held out.

    Attributes
    ----------
    n_outputs_ : int
    model_ : Model
    history_ : History
        Of the last fit.
    loss_curve_ : list of float
    n_iter_ : int
        Epochs of the last fit.
    n_features_in_, feature_names_in_
        Of the features.

    See Also
    --------
    mundur.sklearn.MLPRegressor : with the arguments of scikit-learn's.

    Examples
    --------
    >>> from mundur import layers
    >>> from mundur.sklearn import NeuralNetRegressor
    >>> import numpy as np
    >>> x = np.linspace(-1, 1, 200).reshape(-1, 1)
    >>> def net(input_shape, outputs, units=16):
    ...     return [layers.Dense(units, "tanh"), layers.Dense(outputs)]
    >>> regressor = NeuralNetRegressor(net, epochs=200, batch_size=20, random_state=0)
    >>> regressor = regressor.set_params(layers__units=32, optimizer__learning_rate=0.01)
    >>> regressor.fit(x, x[:, 0] ** 2).score(x, x[:, 0] ** 2) > 0.98
    True
    """

    n_outputs_: int

    def __init__(
        self,
        layers: Any = None,
        *,
        optimizer: Any = "adam",
        loss: Any = None,
        metrics: Any = None,
        batch_size: Any = 32,
        epochs: int = 100,
        shuffle: bool = True,
        validation_fraction: float = 0.0,
        callbacks: Any = None,
        warm_start: bool = False,
        dtype: Any = None,
        verbose: Any = False,
        random_state: Any = None,
    ) -> None:
        self.layers = layers
        self.optimizer = optimizer
        self.loss = loss
        self.metrics = metrics
        self.batch_size = batch_size
        self.epochs = epochs
        self.shuffle = shuffle
        self.validation_fraction = validation_fraction
        self.callbacks = callbacks
        self.warm_start = warm_start
        self.dtype = dtype
        self.verbose = verbose
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None, validation_data: Any = None) -> Any:
        """Trains.

        Parameters
        ----------
        X : array, DataFrame or sparse matrix (samples, ...)
            Of any shape that the layers take; whole numbers stay whole.
        y : array (samples,) or (samples, targets)
        sample_weight : array (samples,), optional
            Not negative.
        validation_data : (X, y) or (X, y, sample_weight), optional
            Goes before `validation_fraction`.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            For arguments or data that do not fit, naming them.
        NonFiniteLossError
            Where training diverged.
        """
        return self._train(X, y, sample_weight, validation_data, False)

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Trains for one epoch more.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.

        Returns
        -------
        self
        """
        return self._train(X, y, sample_weight, None, True)

    def __sklearn_tags__(self) -> Any:
        """Several targets are fine."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _encode(self, y: Any, first: bool) -> Array:
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        columns = np.asarray(y, np.float64).reshape(len(y), -1)
        if not first and columns.shape[1] != self.n_outputs_:
            raise ValueError(f"y must have {self.n_outputs_} columns; got {columns.shape[1]}")
        self.n_outputs_ = columns.shape[1]
        return columns

    def _count(self, y: Array) -> int:
        return int(y.shape[1])

    def _compile(self, model: Model, y: Array, optimizer: Optimizer) -> None:
        shape = model.native.output_shape
        if shape != y.shape[1:]:
            raise ValueError(
                f"layers must end in Dense({y.shape[1]}) for the {y.shape[1]} columns of y; they "
                f"give {shape}"
            )
        loss = "mse" if self.loss is None else self.loss
        linear = model.native.head == "linear"
        model.compile(optimizer, loss_with(loss, linear), metrics=self.metrics)

    def _targets(self, y: Array) -> Array:
        return y

    def predict(self, X: Any) -> Array:
        """The targets of each sample.

        Parameters
        ----------
        X : array, DataFrame or sparse matrix (samples, ...)

        Returns
        -------
        ndarray (samples,) or (samples, targets)
        """
        outputs = self._predicted(X)
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs
