"""The classifier around any network."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy.typing as npt
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if

from ..losses.base import Loss
from ..models.model import Model
from .heads import Head, gives_of, head_of
from .inputs import keep
from .neural_net import NeuralNet
from .targets import Classes, classes_for

__all__ = ["NeuralNetClassifier"]

Array = npt.NDArray[Any]


def _gives(estimator: Any) -> str:
    """What outputs are; of a function of layers and of what it makes that is known after fit."""
    fitted = vars(estimator).get("_head")
    if fitted is not None:
        return str(fitted.gives)
    layers = estimator.layers
    last = layers[-1] if isinstance(layers, (list, tuple)) and layers else None
    activation = getattr(last, "activation", None)
    try:
        return gives_of(estimator.loss, activation if isinstance(activation, str) else "linear")
    except (TypeError, ValueError):  # fit says what is wrong with the loss
        return "logits"


def _gives_probabilities(estimator: Any) -> bool:
    if _gives(estimator) in ("signs", "targets"):
        raise AttributeError(
            f"predict_proba needs a loss of probabilities, a cross-entropy; got {estimator.loss!r}"
        )
    return True


def _gives_scores(estimator: Any) -> bool:
    if _gives(estimator) == "probabilities":
        raise AttributeError("decision_function needs layers that end without an activation")
    return True


class NeuralNetClassifier(ClassifierMixin, NeuralNet):
    """A classifier around any layers; `Model.fit` trains it.

    Parameters
    ----------
    layers : list of Layer or callable, optional
        The network, its outputs too: it ends in a Dense layer of one unit per output. Each fit
        makes such layers anew: weights that they have stay behind. Or a function f(input_shape,
        outputs) that returns such a list, or a Model, of which fit trains a copy: with its weights,
        seed and dtype. By default ``[Dense(100, "relu"), Dense(outputs)]``.
    optimizer : str or Optimizer, default "adam"
        Each fit makes one of its own.
    loss : str or Loss, optional
        By default the cross-entropy that suits the outputs. Linear outputs are logits to each
        cross-entropy. "hinge" and "squared_hinge" make scores of them, above 0 for yes, and a loss
        of numbers, such as "mse", numbers near 1 for yes and 0 for no; of neither there is
        `predict_proba`. A loss of your own says by `from_logits` whether it takes logits.
    metrics : list, optional
        As for `Model.compile`; `history_` has their numbers.
    batch_size : int or "full", default 32
    epochs : int, default 100
    shuffle : bool, default True
    class_weight : dict, "balanced" or None, default None
        The weight of each class, multiplied with those of its samples, also in what is held out.
        "balanced" gives all classes the same sum of weights, those of samples included.
    validation_fraction : float, default 0.0
        The share of samples that is held out, for `history_` and callbacks such as EarlyStopping.
    callbacks : list of Callback, optional
    warm_start : bool, default False
        Whether fit goes on with the model of the fit before. Layers and dtype must stay; another
        optimizer, loss or metrics take the place of those before.
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
    _target: Classes
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
        keep(self, locals())

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
            Of any shape that the layers take; whole numbers stay whole. A large sparse
            matrix is made dense batch by batch; as a whole, where Python computes loss or metric.
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
        return self._train(X, y, sample_weight, None, True, classes)

    def _target_of(self, y: Any, first: bool, incremental: bool, named: Any) -> Classes:
        return classes_for(self, y, first, incremental, named)

    def _become(self, target: Classes) -> None:
        self._target, self.classes_ = target, target.labels

    def _loss_for(self, model: Model, target: Classes) -> Loss:
        self._head = head_of(target, model, self.loss)
        return self._head.loss

    def _targets(self, codes: Array) -> Array:
        return self._head.targets(codes)

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
            Columns in the order of `classes_`; of a single class one column.
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
