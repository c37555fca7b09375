"""Lambda: a function of NumPy and its derivative, or a composition of layers, as a layer."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy.typing as npt

from .._support.checks import WrongType, boolean, shown
from .._support.names import checked_keywords
from .._support.unpack import Unpack
from .base import KERAS, Layer, LayerArguments
from .written import Way

__all__ = ["Lambda"]

Array = npt.NDArray[Any]


class Lambda(Layer):
    """y = f(x), a function of your own.

    With a `gradient` f is a function of NumPy arrays; without one it is made of layers, or of
    arithmetic of symbolic values, which have theirs.

    Parameters
    ----------
    function : callable
        f(x) of an array (batch, ...), which it must not change, or of a list of them where the
        layer is called on a list.
    gradient : callable, optional
        f′(x), of x's shape, where f acts on each element by itself; else a function of (x, dy),
        which returns ∂L/∂x for dy = ∂L/∂y, a list of them for several inputs.
    arguments : dict, optional
        Further arguments of both, by name.
    checks_gradient : bool, default True
        Whether the gradient is held against central differences when it is first used.
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For what cannot be called, a gradient that is not f's, and NumPy without one.

    Notes
    -----
    Files hold the functions' names: ``load_model(path, custom_objects={"f": f, ...})``, unless they
    are registered; a lambda expression goes by the layer's name: "lambda.function".

    Examples
    --------
    >>> import mundur as md, numpy as np
    >>> layer = md.layers.Lambda(np.sin, gradient=np.cos)
    >>> layer([[0.0]])
    array([[0.]], dtype=float32)
    >>> def total(x):
    ...     return x.sum(axis=1, keepdims=True)
    >>> def spread(x, dy):
    ...     return np.broadcast_to(dy, x.shape)
    >>> md.Model([md.layers.Lambda(total, spread)], input_shape=(3,)).predict(np.ones((1, 3)))
    array([[3.]], dtype=float32)
    >>> md.Model([md.layers.Lambda(lambda x: 2 * x + 1)], input_shape=(1,)).predict(np.ones((1, 1)))
    array([[3.]], dtype=float32)
    """

    _kind = "lambda"

    @checked_keywords(ignored=KERAS | {"output_shape": None, "mask": None}, rest=Layer)
    def __init__(
        self,
        function: Callable[..., Any],
        gradient: Callable[..., Any] | None = None,
        arguments: Mapping[str, Any] | None = None,
        checks_gradient: bool = True,
        **layer: Unpack[LayerArguments],
    ) -> None:
        for name, value in (("function", function), ("gradient", gradient)):
            if not callable(value) and not (value is None and name == "gradient"):
                raise WrongType(f"{name} must be callable; got {shown(value)}")
        self.function = function
        self.gradient = gradient
        if not isinstance(arguments, (Mapping, type(None))):
            raise WrongType(f"arguments must be a dict; got {shown(arguments)}")
        self.arguments = dict(arguments or {})
        self.checks_gradient = boolean(checks_gradient, "checks_gradient")
        super().__init__(**layer)

    @property
    def way(self) -> Way:
        """NumPy with a gradient, without one a composition."""
        return "call" if self.gradient is None else "forward"

    def call(self, inputs: Any) -> Any:
        """F of symbolic values."""
        try:
            return self.function(inputs, **self.arguments)
        except TypeError as error:
            raise TypeError(
                f"{self._name_of('function')} is no composition of layers: {error}. Where it is "
                "NumPy, give its derivative, Lambda(f, gradient=f_prime)"
            ) from None

    def forward(self, inputs: Any) -> Any:
        """f(x)."""
        self.saved.x = inputs
        return self.function(inputs, **self.arguments)

    def backward(self, dy: Array) -> Any:
        """Dy f′(x), or what the gradient makes of both."""
        assert self.gradient is not None
        if _takes_two(self.gradient, len(self.arguments)):
            return self.gradient(self.saved.x, dy, **self.arguments)
        return dy * self.gradient(self.saved.x, **self.arguments)

    def _name_of(self, argument: str) -> str:
        name = getattr(getattr(self, argument), "__name__", "<lambda>")
        return f"{self.name}.{argument}" if name == "<lambda>" else super()._name_of(argument)

    def _own_pieces(self) -> dict[str, Any]:
        given = {name: getattr(self, name) for name in ("function", "gradient")}
        return {self._name_of(name): f for name, f in given.items() if f is not None}


def _takes_two(gradient: Callable[..., Any], named: int) -> bool:
    try:
        parameters = inspect.signature(gradient).parameters.values()
    except ValueError:  # a ufunc
        return False
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    required = [p for p in parameters if p.kind in positional and p.default is p.empty]
    return len(required) - named > 1
