"""A loss in Python: a function of targets and predictions, and its derivative."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy.typing as npt

from .._support.checks import WrongType, boolean, identifier, shown
from .._support.names import checked_keywords
from .base import KERAS, MEAN, Loss

__all__ = ["Custom"]

Array = npt.NDArray[Any]


class Custom(Loss):
    """A loss of your own: a function f(y_true, y_pred) of NumPy arrays, and its derivative.

    ``compile(loss=(f, gradient))`` makes one, too. What f returns are the losses of the samples,
    (batch,) or (batch, ...), of which `reduction` makes one number, as Keras has it, weights among
    it; or that number itself, which takes no weights.

    A file keeps the name alone: ``load_model(path, custom_objects={name: (f, gradient)})``.

    Parameters
    ----------
    function : callable
        f(y_true, y_pred).
    gradient : callable
        A function of the same: ∂f/∂y_pred, of y_pred's shape; of a sample's loss, by its own
        predictions.
    reduction : {"sum_over_batch_size", "mean", "mean_with_sample_weight", "sum"}, optional
    name : str, optional
        By default the function's own.
    checks_gradient : bool, default True
        Whether the first batch's gradient is held against central differences.

    Raises
    ------
    TypeError, ValueError
        For what cannot be called, or has no name; and for a gradient that is not f's.

    Examples
    --------
    >>> import mundur as md, numpy as np
    >>> def quartic(y_true, y_pred):
    ...     return np.mean((y_pred - y_true) ** 4, axis=-1)
    >>> def quartic_prime(y_true, y_pred):
    ...     return 4 * (y_pred - y_true) ** 3 / y_pred.shape[-1]
    >>> loss = md.losses.Custom(quartic, quartic_prime)
    >>> loss(np.zeros((2, 1)), np.array([[1.0], [2.0]]))
    8.5
    >>> model = md.Model([md.layers.Dense(1)], input_shape=(2,))
    >>> model.compile("sgd", (quartic, quartic_prime))
    """

    @checked_keywords(ignored=KERAS)
    def __init__(
        self,
        function: Callable[[Any, Any], Any],
        gradient: Callable[[Any, Any], Any],
        reduction: str = MEAN,
        name: str | None = None,
        checks_gradient: bool = True,
    ) -> None:
        for what, given in (("function", function), ("gradient", gradient)):
            if not callable(given):
                raise WrongType(
                    f"loss: {what} must be callable, as f(y_true, y_pred); got {shown(given)}"
                )
        own = getattr(function, "__name__", type(function).__name__)
        super().__init__(identifier(own if name is None else name, "name"), reduction)
        self._functions = (function, gradient)
        self.checks_gradient = boolean(checks_gradient, "checks_gradient")

    def call(self, y_true: Any, y_pred: Array) -> Any:
        """f(y_true, y_pred)."""
        return self._functions[0](y_true, y_pred)

    def _derivative(self, y_true: Any, y_pred: Array) -> Any:
        return self._functions[1](y_true, y_pred)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        function, gradient = self._functions
        return {"function": function, "gradient": gradient} | self.config_of_file()

    def config_of_file(self) -> dict[str, Any]:
        """Those that are no functions."""
        names = ("reduction", "name", "checks_gradient")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_file(cls, config: Mapping[str, Any], given: Any) -> Custom:
        """The loss whose functions a caller has given, as a pair or a loss."""
        if isinstance(given, Custom):
            given = given._functions
        try:
            function, gradient = given
        except (TypeError, ValueError):
            raise WrongType(
                f"custom_objects[{config['name']!r}] must be a pair (f, gradient); got {given!r}"
            ) from None
        return cls(function, gradient, **config)
