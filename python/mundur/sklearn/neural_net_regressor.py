"""The regressor around any network."""

from __future__ import annotations

import inspect
from typing import Any

import numpy.typing as npt
from sklearn.base import RegressorMixin, _fit_context

from .. import losses
from ..models.model import Model
from .inputs import keep
from .neural_net import NeuralNet
from .targets import Numbers

__all__ = ["NeuralNetRegressor"]

Array = npt.NDArray[Any]


class NeuralNetRegressor(RegressorMixin, NeuralNet):
    """A regressor around any layers; `Model.fit` trains it.

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
        By default the mean squared error. `predict` gives what the layers give: for a loss of
        probabilities they end in ``activation="sigmoid"``.
    metrics : list, optional
        As for `Model.compile`; `history_` has their numbers.
    batch_size : int or "full", default 32
    epochs : int, default 100
    shuffle : bool, default True
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
    _target: Numbers

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
        keep(self, locals())

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None, validation_data: Any = None) -> Any:
        """Trains.

        Parameters
        ----------
        X : array, DataFrame or sparse matrix (samples, ...)
            Of any shape that the layers take; whole numbers stay whole. A large sparse
            matrix is made dense batch by batch; as a whole, where Python computes loss or metric.
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

    def _target_of(self, y: Any, first: bool, incremental: bool, named: Any) -> Numbers:
        return Numbers.of(y, "") if first else self._target

    def _become(self, target: Numbers) -> None:
        self._target, self.n_outputs_ = target, target.outputs

    def _loss_for(self, model: Model, target: Numbers) -> losses.Loss:
        shape = model.native.output_shape
        if shape != (target.outputs,):
            raise ValueError(
                f"layers must end in Dense({target.outputs}) for the {target.outputs} columns of "
                f"y; they give {shape}"
            )
        loss = losses.get("mse" if self.loss is None else self.loss)
        takes = "from_logits" in inspect.signature(type(loss)).parameters
        if takes and (loss.from_logits or model.native.head == "linear"):
            raise ValueError(
                f"loss={type(loss).__name__} is one of probabilities, and predict gives what the "
                'layers give: end them in activation="sigmoid", with from_logits=False'
            )
        return loss

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
