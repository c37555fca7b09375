"""An activation in Python: a function and its derivative, held against each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _core
from ._support.checks import WrongType, identifier, shown
from .data.arrays import real_array

__all__ = ["Custom"]

Array = npt.NDArray[Any]

# Where f′ is compared with f: no multiple of 0.1, where bends like to be.
_POINTS = np.arange(-30, 31)[None, :] * 0.1 + 0.0371
_STEP = 1e-5
_TOLERANCE = 1e-5


class Custom:
    """An activation of your own: f and its derivative f′, two NumPy functions of z.

    A layer makes one of a pair: ``Dense(8, activation=(f, f_prime))``. Both get z, an array of
    shape (rows, outputs) in the model's dtype, and return one of the same shape; f must act on each
    element by itself. They are called once per batch, f forward and f′ backward, on the thread that
    called `fit`, which holds the GIL meanwhile. What they raise goes on to the caller; `fit` then
    has put parameters and optimizer back to where the epoch started.

    A file keeps the name alone: ``load_model(path, custom_objects={name: (f, f_prime)})``. The
    promise of the same bits everywhere ends where NumPy computes.

    Parameters
    ----------
    f, f_prime : callable
        f′ is compared with central differences of f, (f(z + h) - f(z - h)) / 2h, between -3 and 3,
        wherever f is finite there.
    name : str, optional
        What files call it; by default f's own name.

    Raises
    ------
    TypeError
        For what cannot be called, or returns no real numbers.
    ValueError
        Where f′ is not the derivative of f, a shape changes, or f does not act on each element by
        itself.

    Examples
    --------
    >>> import mundur as md
    >>> import numpy as np
    >>> def bump(z):
    ...     return np.exp(-z * z)
    >>> def bump_prime(z):
    ...     return -2 * z * np.exp(-z * z)
    >>> md.layers.Dense(8, activation=(bump, bump_prime))
    Dense(8, activation=Custom(bump, bump_prime))
    """

    def __init__(
        self,
        f: Callable[[Array], Array],
        f_prime: Callable[[Array], Array],
        name: str | None = None,
    ) -> None:
        for function, what in ((f, "f"), (f_prime, "f_prime")):
            if not callable(function):
                raise WrongType(
                    f"activation: {what} must be callable; got {shown(function)} "
                    f"({type(function).__name__})"
                )
        self.f = f
        self.f_prime = f_prime
        self.name = identifier(_name(f) if name is None else name, "name")
        self._check_derivative()

    def __call__(self, x: npt.ArrayLike) -> Array:
        """f(x)."""
        z = real_array(x, "x")
        return self._checked(self.f, "f")(z if z.dtype == np.float32 else z.astype(np.float64))

    def __repr__(self) -> str:
        given = "" if self.name == _name(self.f) else f", name={self.name!r}"
        return f"Custom({_name(self.f)}, {_name(self.f_prime)}{given})"

    def native(self) -> _core.ActivationFunction:
        """What the core calls."""
        return _core.ActivationFunction.custom(
            self._checked(self.f, "f"), self._checked(self.f_prime, "f_prime")
        )

    def _checked(self, function: Callable[[Array], Array], what: str) -> Callable[[Array], Array]:
        def call(z: Array) -> Array:
            where = f"{what} of the activation {self.name!r}"
            result = np.asarray(function(z))
            if result.shape != z.shape:
                raise ValueError(
                    f"{where} must return the shape that it gets, {z.shape}; got {result.shape}"
                )
            if result.dtype.kind not in "biuf":
                raise WrongType(f"{where} must return real numbers; got dtype {result.dtype}")
            return np.ascontiguousarray(result, dtype=z.dtype)

        return call

    def _check_derivative(self) -> None:
        f, slope = self._checked(self.f, "f"), self._checked(self.f_prime, "f_prime")
        with np.errstate(all="ignore"):
            y, told = f(_POINTS.copy()), slope(_POINTS.copy())
            difference = (f(_POINTS + _STEP) - f(_POINTS - _STEP)) / (2 * _STEP)
            alone = np.concatenate([f(z.reshape(1, 1)) for z in _POINTS[0]], axis=1)
        known = np.isfinite(difference)
        if not known.any():
            raise ValueError(f"the activation {self.name!r} is finite nowhere between -3 and 3")
        if not np.allclose(y[known], alone[known], rtol=1e-9, atol=1e-12):
            raise ValueError(
                f"the activation {self.name!r} must act on each element by itself; f gives another "
                "value where z has other neighbours"
            )
        error = np.abs(told - difference) / (1 + np.abs(difference))
        error = np.where(known, np.where(np.isfinite(told), error, np.inf), 0.0)
        if error.max() > _TOLERANCE:
            at = np.unravel_index(error.argmax(), error.shape)
            raise ValueError(
                f"the activation {self.name!r}: f_prime is not the derivative of f. At "
                f"z = {_POINTS[at]:.4f} it gives {told[at]:.6g}, but "
                f"(f(z + h) - f(z - h)) / 2h is {difference[at]:.6g}"
            )


def _name(function: Any) -> str:
    return str(getattr(function, "__name__", type(function).__name__))
