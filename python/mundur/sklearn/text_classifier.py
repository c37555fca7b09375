"""The classifier of texts as an estimator."""

from __future__ import annotations

import copy
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from ..models.model import Model
from ..text import classifier as native
from .callbacks import Observable, Observer
from .held_out import parts_of
from .inputs import fresh_layers, keep, own_optimizer, sample_weights
from .nested_parameters import Nested
from .state import all_or_nothing, not_within_itself
from .targets import Classes, check_weighed, classes_of

__all__ = ["TextClassifier"]

Array = npt.NDArray[Any]

_POSITIVE = Interval(Integral, 1, None, closed="left")


class TextClassifier(Nested, Observable, ClassifierMixin, BaseEstimator):
    """`mundur.text.TextClassifier` as an estimator: texts in, classes of any dtype out.

    Parameters
    ----------
    layers : list of Layer, optional
        Beginning with an Embedding, ending in one output per class, or in one for two classes. By
        default Embedding, Conv1D, MaxPooling1D, LSTM and Dense, with Dropout between.
    vocabulary : int, default 20000
        The most numbers of words.
    length : int, optional
        Words of a text that count. By default as many as hold 95% of the texts whole, at least 8
        and at most 400.
    padding, truncating : {"pre", "post"}, default "pre"
        Where short texts are padded and long ones cut.
    optimizer : str or Optimizer, default "adam"
        Each fit makes one of its own.
    batch_size : int or "full", default 32
    epochs : int, default 5
    class_weight : dict, "balanced" or None, default None
        The weight of each class, multiplied with those of its samples, also in `validation_data`.
        "balanced" gives all classes the same sum of weights, those of samples included.
    callbacks : list of Callback, optional
    verbose : bool, default False
        Whether each epoch prints a line.
    random_state : int, RandomState or None, default None

    Attributes
    ----------
    classes_ : ndarray
        Sorted.
    classifier_ : mundur.text.TextClassifier
        Its labels are numbers of classes; its `save` writes model and vocabulary.
    history_ : History
    n_iter_ : int
        Epochs.

    Examples
    --------
    >>> from mundur import layers
    >>> from mundur.sklearn import TextClassifier
    >>> texts = ["this is good", "this is bad", "really good", "really bad"]
    >>> net = [layers.Embedding(100, 8), layers.Flatten(), layers.Dense(1)]
    >>> classifier = TextClassifier(net, vocabulary=100, epochs=200, random_state=0)
    >>> classifier.fit(texts, ["+", "-", "+", "-"]).predict(["how good", "bad"]).tolist()
    ['+', '-']
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "layers": "no_validation",
        "vocabulary": [Interval(Integral, 3, None, closed="left")],
        "length": [_POSITIVE, None],
        "padding": [StrOptions({"pre", "post"})],
        "truncating": [StrOptions({"pre", "post"})],
        "optimizer": "no_validation",
        "batch_size": [StrOptions({"full"}), _POSITIVE],
        "epochs": [_POSITIVE],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "callbacks": "no_validation",
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }
    _target: Classes

    def __init__(
        self,
        layers: Any = None,
        *,
        vocabulary: int = 20_000,
        length: int | None = None,
        padding: str = "pre",
        truncating: str = "pre",
        optimizer: Any = "adam",
        batch_size: Any = 32,
        epochs: int = 5,
        class_weight: Any = None,
        callbacks: Any = None,
        verbose: Any = False,
        random_state: Any = None,
    ) -> None:
        keep(self, locals())

    def __sklearn_tags__(self) -> Any:
        """Texts, and no columns of numbers."""
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags

    @_fit_context(prefer_skip_nested_validation=True)
    @not_within_itself
    def fit(self, X: Any, y: Any, sample_weight: Any = None, validation_data: Any = None) -> Any:
        """Numbers the words of the texts, and trains.

        Parameters
        ----------
        X : list, Series or array of str (samples,)
        y : array (samples,)
            Classes of any dtype, at least two.
        sample_weight : array (samples,), optional
            Not negative.
        validation_data : (X, y) or (X, y, sample_weight), optional

        Returns
        -------
        self

        Raises
        ------
        TypeError, ValueError
            For what is no text, naming the row; for layers that do not suit the classes.
        ImportError
            Where the package `tokenizers` is missing; ``pip install mundur[text]``.
        """
        begun = None
        with all_or_nothing(self, lambda: begun is not None):  # what training came to stays
            texts, y = _texts(X), column_or_1d(y, warn=True)
            check_consistent_length(texts, y)
            target = classes_of(y)
            if len(target.labels) < 2:
                raise ValueError(f"y must hold two classes or more; got one class, {target.labels}")
            check_weighed(self.class_weight, target)
            rows = np.empty((len(texts), 1))
            weights = sample_weights(sample_weight, rows, y, self.class_weight)
            seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
            model = None if self.layers is None else Model(fresh_layers(self.layers), seed=seed)
            self.classifier_ = native.TextClassifier(
                model,
                self.vocabulary,
                self.length,
                padding=self.padding,
                truncating=self.truncating,
                optimizer=own_optimizer(self.optimizer),
                seed=seed if model is None else None,
            )
            self._target, self.classes_ = target, target.labels
            held = None if validation_data is None else self._given(validation_data)
            observer = Observer(self, self.epochs, (X, y), sample_weight)
            try:
                self.classifier_.fit(
                    texts,
                    target.encode(y).tolist(),
                    self.batch_size,
                    self.epochs,
                    2 if self.verbose else 0,
                    observer.beside(self.callbacks),
                    validation_data=held,
                    sample_weight=weights,
                )
            finally:
                model = self.classifier_.model
                if model is not None and model.history is not None:
                    self.history_ = begun = model.history
                    self.n_iter_ = len(begun.epoch)
        observer.end_fit()
        return self

    def _given(self, data: Any) -> Any:
        """`validation_data` as the classifier takes it; classes weigh what they do in training."""
        x, y, weights, meant = parts_of(data)
        with meant:
            texts, y = _texts(x), column_or_1d(y, warn=True)
            check_consistent_length(texts, y)
            rows = np.empty((len(texts), 1))
            weights = sample_weights(weights, rows, y, self.class_weight)
            codes = self._target.encode(y).tolist()
        return (texts, codes) if weights is None else (texts, codes, weights)

    def predict(self, X: Any) -> Array:
        """The class of each text.

        Parameters
        ----------
        X : list, Series or array of str (samples,)

        Returns
        -------
        ndarray (samples,)
        """
        probabilities = self.predict_proba(X)
        return np.asarray(self.classes_[probabilities.argmax(axis=1)])

    def predict_proba(self, X: Any) -> Array:
        """The probability of each class for each text.

        Parameters
        ----------
        X : list, Series or array of str (samples,)

        Returns
        -------
        ndarray (samples, classes)
            Columns in the order of `classes_`.
        """
        check_is_fitted(self)
        return self.classifier_.predict_proba(_texts(X), verbose=0)

    def _copied(self) -> dict[str, Any]:
        """What makes a copy of this one that can predict and stays as it is."""
        model = copy.deepcopy(self.classifier_.model)
        assert model is not None
        return {"classifier_": native.TextClassifier._of(model)}

    def __getstate__(self) -> Any:
        """With model and vocabulary as the bytes of their file."""
        state = dict(super().__getstate__())
        if "classifier_" in state:
            state["classifier_"] = state["classifier_"].model
        return state

    def __setstate__(self, state: Any) -> None:
        """Of them a classifier again."""
        state = dict(state)
        if "classifier_" in state:
            state["classifier_"] = native.TextClassifier._of(state["classifier_"])
        super().__setstate__(state)


def _texts(x: Any) -> list[Any]:
    """The rows; a single column of a frame is one of texts, too."""
    if hasattr(x, "iloc") and hasattr(x, "columns"):
        if len(x.columns) != 1:
            raise ValueError(
                f"X must be texts, one for each sample; got {len(x.columns)} columns. In a "
                "ColumnTransformer name the column as a text, not as a list"
            )
        x = x.iloc[:, 0]
    array = x if isinstance(x, (list, tuple)) else np.asarray(x, object)
    if not isinstance(array, (list, tuple)):
        if array.ndim == 2 and array.shape[1] == 1:
            array = array[:, 0]
        if array.ndim != 1:
            raise TypeError(f"X must be a list, Series or array of texts; got {x!r:.80}")
    return list(array)
