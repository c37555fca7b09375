"""The solver that sees the whole set at once: SciPy's L-BFGS on the native loss and gradient."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning

from ..models.model import Model
from .callbacks import Observer
from .objectives import Objective

__all__ = ["descend"]

Array = npt.NDArray[Any]


def descend(
    estimator: Any,
    model: Model,
    objective: Objective,
    x: Array,
    y: Array,
    weights: npt.NDArray[np.float64] | None,
    observer: Observer,
) -> None:
    """Brings the model's parameters to a minimum; tells `n_iter_` and `loss_`."""
    e, network, loss = estimator, model.native, objective.loss
    weighs = len(x) if weights is None else float(weights.sum())
    for place, (_, name, *_) in enumerate(network.parameters):
        if name == "kernel":
            network.set_penalty(place, 0.0, 0.5 * e.alpha / (weighs * objective.scale))
    flat, gradient = network.flat_parameters, network.flat_gradients

    def evaluate(w: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        """The loss whose gradient is descended, and that."""
        flat[...] = w
        with np.errstate(over="ignore"):
            outputs = model.forward(x)
            if not np.isfinite(outputs).all():
                return np.inf, np.zeros(len(flat))
            value = loss(y, outputs, weights) + network.penalty()
            model.backward(loss.gradient(y, outputs, weights))
        return objective.scale * value, objective.scale * gradient.astype(np.float64)

    epochs = 0

    def iterated(intermediate_result: Any) -> None:
        nonlocal epochs
        epochs += 1
        if e.verbose:
            print(f"Iteration {epochs}, loss = {intermediate_result.fun:.8f}")
        flat[...] = intermediate_result.x
        observer.begin_epoch()
        if observer.end_epoch():
            raise StopIteration

    result = minimize(
        evaluate,
        flat.astype(np.float64),
        method="L-BFGS-B",
        jac=True,
        callback=iterated,
        options={"maxiter": e.max_iter, "maxfun": e.max_fun, "gtol": e.tol},
    )
    flat[...] = result.x
    e.n_iter_ = min(int(result.nit), e.max_iter)
    e.loss_ = _reported(model, objective, x, y, weights)
    if result.status == 1 or (result.status != 0 and not np.isfinite(result.fun)):
        warnings.warn(
            f"{type(e).__name__}: lbfgs ended after {result.nit} iterations and {result.nfev} "
            f"evaluations without having converged (max_iter={e.max_iter}, max_fun={e.max_fun}); "
            "give it more of them, or standardise the features",
            ConvergenceWarning,
            stacklevel=6,
        )


def _reported(model: Model, objective: Objective, x: Array, y: Array, weights: Any) -> float:
    outputs = model.forward(x)
    if not np.isfinite(outputs).all():
        return float("inf")
    own = objective.reported * objective.loss(y, outputs, weights)
    return float(own + objective.scale * model.native.penalty())
