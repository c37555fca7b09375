"""Parameters of what an estimator holds: ``optimizer__learning_rate``, ``layers__0__units``.

`get_params` lists them, `set_params` takes them, and so does every search over parameters. A layer,
an optimizer or a loss is never changed: another one takes its place.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeGuard

from .. import losses, optimizers
from .._support.names import suggestion
from ..layers.base import Layer
from ..models.model import Model

__all__ = ["Nested", "call_builder", "is_builder"]


class Nested:
    """Beside `BaseEstimator`: parameters of parameters."""

    # Arguments that have some, beside layers, and what makes the piece that has them.
    _pieces: ClassVar[Mapping[str, Callable[[Any], Any]]] = {
        "optimizer": optimizers.get,
        "loss": losses.get,
    }

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The arguments; with `deep` those of layers, optimizer and loss, too.

        Parameters
        ----------
        deep : bool, default True

        Returns
        -------
        dict
        """
        own: dict[str, Any] = super().get_params(deep=False)  # type: ignore[misc]
        return own | (_inner(own, self._pieces) if deep else {})

    def set_params(self, **params: Any) -> Any:
        """Sets arguments, and those of layers, optimizer and loss.

        Parameters
        ----------
        **params
            ``optimizer__learning_rate=0.01``, ``loss__delta=2.0``; ``layers__0__units=32`` for the
            first of a list of layers; ``layers__units=32`` for an argument of a function that makes
            them.

        Returns
        -------
        self
        """
        own = {name: value for name, value in params.items() if "__" not in name}
        known = self.get_params(deep=False)
        for path in params:
            name = path.partition("__")[0]
            if name not in known:
                raise ValueError(
                    f"Invalid parameter {path!r} for estimator {type(self).__name__}"
                    f"{suggestion(name, known)} (known: {', '.join(sorted(known))})"
                )
        for name, value in own.items():
            setattr(self, name, value)
        for path in sorted(params.keys() - own.keys()):
            name, _, inner = path.partition("__")
            setattr(self, name, _replaced(self, name, inner, params[path]))
        return self


def _inner(own: Mapping[str, Any], pieces: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, piece in pieces.items():
        if own.get(name) is not None:
            try:
                found |= _under(name, piece(own[name]).get_config())
            except (TypeError, ValueError):  # fit says what is wrong with it
                continue
    layers = own.get("layers")
    if isinstance(layers, (list, tuple)):
        for i, layer in enumerate(layers):
            if isinstance(layer, Layer):
                found |= _under(f"layers__{i}", layer.get_config())
    elif is_builder(layers):
        found |= _under("layers", _options(layers))
    return found


def _under(name: str, config: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{name}__{key}": value for key, value in config.items()}


def _options(builder: Callable[..., Any]) -> dict[str, Any]:
    """The arguments of a function of layers behind the shape and the outputs, by name."""
    parameters = list(inspect.signature(builder).parameters.values())[2:]
    given = getattr(builder, "keywords", {})  # those of a **kwargs, as set_params gives them
    return {p.name: p.default for p in parameters if p.default is not p.empty} | given


def _takes_any(builder: Callable[..., Any]) -> bool:
    parameters = inspect.signature(builder).parameters.values()
    return any(p.kind is p.VAR_KEYWORD for p in parameters)


def is_builder(layers: Any) -> TypeGuard[Callable[..., Any]]:
    """Whether it is a function that makes layers; layers and models can be called, too."""
    kind = layers if isinstance(layers, type) else type(layers)
    return callable(layers) and not issubclass(kind, (Layer, Model))


def call_builder(builder: Callable[..., Any], shape: tuple[int, ...], outputs: int) -> Any:
    """What a function makes of the shape of a sample and the number of outputs."""
    try:
        inspect.signature(builder).bind(shape, outputs)
    except TypeError:
        raise TypeError(
            f"layers={builder!r} must take (input_shape, outputs), whatever follows by name with a "
            "default, and return a list of layers or a Model"
        ) from None
    return builder(shape, outputs)


def _replaced(estimator: Any, name: str, path: str, value: Any) -> Any:
    """An argument with one of its own arguments changed."""
    held, pieces = getattr(estimator, name, None), estimator._pieces
    invalid = f"Invalid parameter '{name}__{path}' for estimator {type(estimator).__name__}"
    if name not in pieces and name != "layers":
        raise ValueError(f"{invalid}: {name} is given whole, it has no parameters of its own here")
    if held is None:
        raise ValueError(f"{invalid}: {name} is None; set it first")
    if name in pieces:
        return _changed(pieces[name](held), path, value, name)
    if is_builder(held):
        options = _options(held)
        if path not in options and not _takes_any(held):
            raise ValueError(
                f"layers has no argument {path!r}{suggestion(path, options)} "
                f"(known: {', '.join(options) or 'none'})"
            )
        return functools.partial(held, **{path: value})
    place, _, inner = path.partition("__")
    if not place.isdigit() or int(place) >= len(held) or not inner:
        raise ValueError(
            f"'layers__{path}' must be layers__NUMBER__ARGUMENT, with a number below {len(held)}"
        )
    layers = list(held)
    layers[int(place)] = _changed(layers[int(place)], inner, value, f"layers__{place}")
    return layers


def _changed(piece: Any, name: str, value: Any, where: str) -> Any:
    config = piece.get_config()
    if name not in config:
        raise ValueError(
            f"{where} is {type(piece).__name__}, which has no argument {name!r}"
            f"{suggestion(name, config)} (known: {', '.join(config)})"
        )
    made = type(piece).from_config(config | {name: value})
    if isinstance(piece, Layer) and name != "trainable":
        for parameter in piece._frozen:
            made.set_trainable(parameter, False)
    return made
