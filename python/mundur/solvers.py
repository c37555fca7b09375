"""Solvers that see the whole set at once: L-BFGS, from SciPy, on the native loss and gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ._support.checks import integer, number
from ._support.names import checked_keywords, unknown_attribute
from .callbacks.history import History

if TYPE_CHECKING:
    from .models.model import Model

__all__ = ["lbfgs"]

Array = npt.NDArray[Any]


@checked_keywords()
def lbfgs(
    model: Model,
    x: Any,
    y: Any,
    sample_weight: Any = None,
    *,
    max_iterations: int = 1000,
    tolerance: float = 1e-6,
    memory: int = 10,
) -> History:
    """Minimises a model's loss over a whole set by L-BFGS, which needs no learning rate.

    For small sets and networks, where it takes fewer and better steps than any `fit`; each one sees
    all samples. Liu and Nocedal (1989), as scipy.optimize.minimize(method="L-BFGS-B") has it. The
    loss is that of `evaluate`: nothing drops out. Its numbers are SciPy's, outside of the promise
    of equal bits. ``Model(dtype="float64")`` lets it come nearer to the minimum.

    Parameters
    ----------
    model : Model
        Compiled with a loss; its optimizer has no part in this. Frozen parameters stay.
    x, y, sample_weight
        As for `Model.fit`.
    max_iterations : int, default 1000
    tolerance : float, default 1e-6
        Ends where no element of the gradient is larger; above 0.
    memory : int, default 10
        How many of the last steps are remembered, each as two vectors of the parameters' size.

    Returns
    -------
    History
        The loss after each iteration; ``stop_reason`` is "converged", "iterations", or "precision"
        where the numbers' own digits allow no better step. It is `Model.history`, too.

    Raises
    ------
    ImportError
        Where SciPy is missing; ``pip install mundur[scipy]`` brings it.
    TypeError, ValueError
        For bad arguments, and a first loss that is not finite.
    KeyboardInterrupt
        After Ctrl-C; the model is where the last whole iteration left it, and `Model.history` has
        the reason "interrupted".

    Examples
    --------
    >>> import mundur as md, numpy as np
    >>> x = np.linspace(-1, 1, 50).reshape(-1, 1)
    >>> model = md.Model([md.layers.Dense(1)], seed=0, dtype="float64")
    >>> model.compile(loss="mse")
    >>> history = md.solvers.lbfgs(model, x, 3 * x + 1)
    >>> history.stop_reason, model.get_weights()[0].round(4).item()
    ('converged', 3.0)
    """
    integer(max_iterations, "max_iterations", 1)
    number(tolerance, "tolerance", above=0)
    integer(memory, "memory", 1)
    try:
        from scipy.optimize import minimize
    except ImportError as error:
        raise ImportError("solvers.lbfgs needs SciPy: pip install mundur[scipy]") from error
    problem = _Problem(model, x, y, sample_weight)
    history = History()
    with model.lock:
        first = problem.loss()
        if not np.isfinite(first):
            raise ValueError(f"the loss must be finite at the start; got {first}")
        model.history, reached = history, problem.parameters()

        def iterated(intermediate_result: Any) -> None:
            nonlocal reached
            reached = np.array(intermediate_result.x)
            history.on_epoch_end(len(history.epoch), {"loss": float(intermediate_result.fun)})

        try:
            result = minimize(
                problem.loss_and_gradient,
                reached,
                method="L-BFGS-B",
                jac=True,
                callback=iterated,
                options={
                    "maxiter": max_iterations,
                    "maxfun": 20 * max_iterations,
                    "maxcor": memory,
                    "gtol": tolerance,
                    "ftol": 0.0,
                },
            )
            reached = result.x
        except KeyboardInterrupt:
            history.stop_reason = "interrupted"
            raise
        finally:
            problem.place(reached)
    history.stop_reason = {0: "converged", 1: "iterations"}.get(result.status, "precision")
    return history


class _Problem:
    """A model's loss over one set as a function of one vector."""

    def __init__(self, model: Model, x: Any, y: Any, sample_weight: Any) -> None:
        self._model, self._x, self._y, self._weight = model, x, y, sample_weight
        if len(model.output_names) > 1:
            raise ValueError(
                f"L-BFGS is for models with one output; {model.name!r} has "
                f"{', '.join(model.output_names)}"
            )
        if not model.built:
            model.build(np.shape(x)[1:])
        self._names = model.trainable_parameters
        if not self._names:
            raise ValueError("the model has no trainable parameter")
        for name, layer in model._parts():
            if any(layer.parameter_constraints.values()):
                raise ValueError(
                    f"{name} has a constraint, which L-BFGS does not hold to; train by fit"
                )

    def _vector(self, of: Any) -> npt.NDArray[np.float64]:
        return np.concatenate([of[name].ravel() for name in self._names]).astype(np.float64)

    def parameters(self) -> npt.NDArray[np.float64]:
        """The trainable parameters as one vector."""
        return self._vector(self._model.parameters)

    def place(self, w: Array) -> None:
        """Makes them the numbers of such a vector."""
        at = 0
        for name in self._names:
            view = self._model.parameters[name]
            view[...] = w[at : at + view.size].reshape(view.shape)
            at += view.size

    def loss(self) -> float:
        """As `evaluate` has it, penalties included."""
        logs = self._model.evaluate(
            self._x, self._y, "full", 0, sample_weight=self._weight, return_dict=True
        )
        return float(logs["loss"])

    def loss_and_gradient(self, w: Array) -> tuple[float, npt.NDArray[np.float64]]:
        """Both at w."""
        model = self._model
        self.place(w)
        value = self.loss()
        y_pred = model.forward(self._x)
        model.backward(model.compiled_loss.gradient(self._y, y_pred, self._weight))
        return value, self._vector(model.gradients)


if not TYPE_CHECKING:  # else type checkers would believe in any name

    def __getattr__(name: str) -> object:
        raise unknown_attribute("mundur.solvers", name, __all__)

    def __dir__() -> list[str]:
        return sorted(__all__)
