"""The perceptron that predicts numbers, as scikit-learn has it, trained in native code."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.base import RegressorMixin, _fit_context
from sklearn.metrics import r2_score
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if

from .inputs import keep
from .perceptron import Perceptron, goes_by_batches
from .state import keeps
from .targets import Numbers

__all__ = ["MLPRegressor"]

Array = npt.NDArray[Any]


class MLPRegressor(RegressorMixin, Perceptron):
    """scikit-learn's regressor of this name, several times as fast, and with what that one lacks.

    The same objective and updates: from the same weights and order of batches, the same losses. A
    chain of dense layers with linear outputs, whose squared errors over 2 are made small; or e to
    the power of them, for counts, and Poisson's deviance.

    Parameters
    ----------
    loss : {"squared_error", "poisson"}, default "squared_error"
        "poisson" is for targets >= 0.
    hidden_layer_sizes : int or list of int, default (100,)
        Units of each hidden layer; an empty list leaves a linear model.
    activation : str, function or list of them, default "relu"
        Of all hidden layers, or one for each: "identity", "logistic", "tanh", "relu", and every
        other of `mundur.activations`. A tuple of two functions is one of your own, (f, f').
    solver : {"lbfgs", "sgd", "adam"}, str or Optimizer, default "adam"
        L-BFGS sees the whole set at once; the others go by batches. Also a name of
        `mundur.optimizers`, or an instance, of which each fit makes its own: it has a rate of its
        own, ``solver__learning_rate``, and steps by mundur's loss, the mean of squared errors over
        samples and targets, so that SGD's rate is another one than that of "sgd".
    alpha : float, default 0.0001
        α >= 0: ½ α ‖W‖² over the number of a batch's samples is added to its loss.
    batch_size : int or "auto", default "auto"
        "auto" is 200, or all samples where there are fewer.
    learning_rate : {"constant", "invscaling", "adaptive"}, default "constant"
        For "sgd": the rate stays; or it is learning_rate_init / (t + 1)^power_t after t samples; or
        it falls to a fifth each time that nothing gets better.
    learning_rate_init : float, default 0.001
        Callbacks read and set it as ``self.model.optimizer.learning_rate``; "invscaling" and
        "adaptive" set it, too, after the epoch.
    power_t : float, default 0.5
    max_iter : int, default 200
        Epochs at most, or iterations of L-BFGS.
    shuffle : bool, default True
        Whether each epoch has an order of its own.
    random_state : int, RandomState or None, default None
        First weights and what early stopping holds out are scikit-learn's for it; the order of
        batches is mundur's own.
    tol : float, default 0.0001
        An improvement by less is none.
    verbose : bool, default False
    warm_start : bool, default False
        Whether fit goes on with the weights of the fit before. Sizes, activations, dropout, batch
        normalisation, loss and dtype must stay; curves and best scores go on, as scikit-learn's do.
    momentum, nesterovs_momentum : float and bool, default 0.9 and True
        For "sgd".
    early_stopping : bool or "loss", default False
        Whether some samples are held out, training ends when their score, or their loss, gets no
        better, and the best weights are taken.
    validation_fraction : float, default 0.1
        The share that is held out.
    beta_1, beta_2, epsilon : float, default 0.9, 0.999 and 1e-8
        For "adam".
    n_iter_no_change : int, default 10
        Epochs without improvement after which training ends.
    max_fun : int, default 15000
        Evaluations of the loss, at most, for "lbfgs".
    dropout : float or list of float, default 0.0
        The share of each hidden layer's units that drop out in training; one for all, or one each.
    batch_normalization : bool, default False
        Whether hidden layers normalise their sums before the activation.
    dtype : {"float32", "float64"}, optional
        What is computed in; by default what the features are in, float64 for integers.
    callbacks : list of Callback, optional
        Callbacks of mundur; logs hold "loss", and of what is held out "val_loss" and "val_score".

    Attributes
    ----------
    coefs_, intercepts_ : list of ndarray
        Weights (inputs, outputs) and biases of each layer; what is written into them counts.
    model_ : Model
        The network, its last layer without `out_activation_`.
    loss_curve_ : list of float
        Mean loss of each epoch, penalty included, before each batch's update.
    validation_loss_curve_, validation_scores_ : list of float
        Of what is held out after each epoch, without penalty; the scores only where they decide.
    loss_, best_loss_, best_validation_score_, best_validation_loss_ : float
        The last, and the best of what training goes by.
    n_iter_, t_, n_layers_, n_outputs_ : int
        Epochs, samples seen, layers with the features' as one, outputs.
    stopped_ : bool
        Whether training ended because nothing got better.
    out_activation_ : str
    n_features_in_, feature_names_in_
        Of the features.

    See Also
    --------
    mundur.Model : any other network.

    Examples
    --------
    >>> from mundur.sklearn import MLPRegressor
    >>> import numpy as np
    >>> x = np.linspace(-1, 1, 100).reshape(-1, 1)
    >>> regressor = MLPRegressor(solver="lbfgs", max_iter=500, random_state=0).fit(x, x[:, 0] ** 2)
    >>> regressor.score(x, x[:, 0] ** 2) > 0.99
    True
    """

    loss: str
    _target: Numbers
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **Perceptron._parameter_constraints,
        "loss": [StrOptions({"squared_error", "poisson"})],
    }

    def __init__(
        self,
        loss: str = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: Any = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: Any = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: Any = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        dropout: Any = 0.0,
        batch_normalization: bool = False,
        dtype: Any = None,
        callbacks: Any = None,
    ) -> None:
        keep(self, locals())

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None, validation_data: Any = None) -> Any:
        """Trains.

        Parameters
        ----------
        X : array, DataFrame or sparse matrix (samples, features)
            Features of about the same size, as StandardScaler makes them, train best. A large
            sparse matrix is made dense batch by batch, by "lbfgs" and for "poisson" as a whole.
        y : array (samples,) or (samples, targets)
        sample_weight : array (samples,), optional
            Not negative.
        validation_data : (X, y) or (X, y, sample_weight), optional
            What `validation_loss_curve_` is of, and what early stopping goes by instead of a
            share of the samples.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            For arguments or data that do not fit, naming them; where training diverged.

        Warns
        -----
        ConvergenceWarning
            Where `max_iter` came first.
        """
        return self._train(X, y, sample_weight, validation_data, False)

    @available_if(goes_by_batches)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, validation_data: Any = None
    ) -> Any:
        """Trains for one epoch more.

        Parameters
        ----------
        X, y, sample_weight, validation_data
            As for `fit`. Early stopping needs `validation_data`: once nothing gets better,
            `stopped_` is True, the best weights are taken, and further calls change nothing.

        Returns
        -------
        self
        """
        return self._train(X, y, sample_weight, validation_data, True)

    def _target_of(self, y: Any, first: bool, incremental: bool, named: Any) -> Numbers:
        if not first and hasattr(self, "_target"):
            keeps("loss", self._target.kind, self.loss)
            return self._target
        return Numbers.of(y, self.loss)

    def _score_of(self, y: Array, outputs: Array, weights: Any) -> float:
        with np.errstate(over="ignore"):
            predicted = np.exp(outputs) if self._target.kind == "poisson" else outputs
        if len(y) < 2 or not np.isfinite(predicted).all():
            return float("nan")
        return float(r2_score(y, predicted, sample_weight=weights))

    def predict(self, X: Any) -> Array:
        """The targets of each sample.

        Parameters
        ----------
        X : array, DataFrame or sparse matrix (samples, features)

        Returns
        -------
        ndarray (samples,) or (samples, targets)
        """
        outputs = self._predicted(X)
        if self._target.kind == "poisson":
            outputs = np.exp(outputs)
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs
