"""The base of layers that hold layers."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy.typing as npt

from .._support.checks import boolean, shown
from ..initializers.base import Initializer
from .base import Layer
from .input import name_among

if TYPE_CHECKING:
    from ..constraints import Constraint
    from ..regularizers import Regularizer
    from .base import MaskFlow

T = TypeVar("T")

# Of one layer: initializers draw from streams of their own, and files check every name.
_MOST_ARRAYS = 256


class Nested(Layer):
    """A layer that holds layers: their arrays, with their names in front, are its own.

    A subclass calls `_hold` at the end of its constructor, names in `_holds` the arguments that are
    a layer or a list of layers, and says in `inner_shapes` what samples each of them gets.
    """

    _holds: ClassVar[tuple[str, ...]] = ()
    _passes_states: ClassVar[bool] = False  # what recurrent layers within give as their last

    def __init__(
        self,
        *,
        name: str | None = None,
        input_shape: Sequence[int] | int | None = None,
    ) -> None:
        self._inner: list[Layer] = []
        super().__init__(name=name, input_shape=input_shape)

    def _hold(self, layers: Sequence[Layer], trainable: bool) -> None:
        for layer in layers:
            self._take(layer)
        if len(self.parameter_initializers | self.state_initializers) > _MOST_ARRAYS:
            raise ValueError(
                f"{self._kind}: the layers within must hold at most {_MOST_ARRAYS} arrays in all; "
                "use several"
            )
        if not boolean(trainable, "trainable"):
            self.trainable = False

    def _take_batch(self, batch: int | None) -> None:
        super()._take_batch(batch)
        for layer in self._inner:
            layer._take_batch(batch)

    def _take(self, layer: Any) -> None:
        if not isinstance(layer, Layer):
            hint = "; make an instance of it" if isinstance(layer, type) else ""
            raise TypeError(f"a layer must be an instance of md.Layer; got {shown(layer)}{hint}")
        if layer.owner is not None:
            raise ValueError(
                f"layer {layer.name!r} is already part of a model; make a new one or a deepcopy"
            )
        if layer.input_shape is not None:
            raise ValueError(
                f"input_shape= belongs to a model's first layer, not to {layer.name!r}"
            )
        if layer._merges:
            raise ValueError(
                f"{layer.name!r} joins several values, and within a {type(self).__name__} there is "
                "one: call it on a list of values, for a Model(inputs, outputs)"
            )
        if layer._makes > 1 and not self._passes_states:
            raise ValueError(
                f"{layer.name!r} gives its last state as well, return_state=True, and within a "
                f"{type(self).__name__} there is no place for it: call it in a graph, "
                "Model(inputs, outputs)"
            )
        if layer.activity_regularizer is not None:
            kind = type(self).__name__
            raise ValueError(
                f"{layer.name!r} has an activity_regularizer, which within a {kind} nobody asks "
                f"for; put an ActivityRegularization behind the {kind}"
            )
        layer.describe()
        name_among(layer, self._inner)
        layer._owner = weakref.ref(self)
        self._inner.append(layer)

    @property
    def inner(self) -> list[Layer]:
        """The layers within, in order (a copy of the list)."""
        return list(self._inner)

    def inner_shapes(self, input_shape: tuple[int, ...]) -> list[tuple[int, ...]]:
        """The shape of one sample in front of each layer within."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, with copies of the layers, which can belong to another."""
        config = super().get_config()
        return config | {name: _all_copied(config[name]) for name in self._holds}

    # ---- the layers' arrays, with the layers' names in front ---------------------------------

    def _named(self, of: Callable[[Layer], dict[str, T]]) -> dict[str, T]:
        return {
            f"{layer.name}/{name}": value
            for layer in self._inner
            for name, value in of(layer).items()
        }

    def _shapes(
        self,
        input_shape: tuple[int, ...],
        of: Callable[[Layer, tuple[int, ...]], dict[str, tuple[int, ...]]],
    ) -> dict[str, tuple[int, ...]]:
        return {
            f"{layer.name}/{name}": extent
            for layer, shape in zip(self._inner, self.inner_shapes(input_shape), strict=True)
            for name, extent in of(layer, shape).items()
        }

    @property
    def parameter_initializers(self) -> dict[str, Initializer]:
        """Those of the layers."""
        return self._named(lambda layer: layer.parameter_initializers)

    @property
    def parameter_regularizers(self) -> dict[str, Regularizer | None]:
        """Those of the layers."""
        return self._named(lambda layer: layer.parameter_regularizers)

    @property
    def parameter_constraints(self) -> dict[str, Constraint | None]:
        """Those of the layers."""
        return self._named(lambda layer: layer.parameter_constraints)

    def parameter_shapes(self, input_shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        """Those of the layers."""
        return self._shapes(input_shape, lambda layer, shape: layer.parameter_shapes(shape))

    @property
    def state_initializers(self) -> dict[str, Initializer]:
        """Those of the layers."""
        return self._named(lambda layer: layer.state_initializers)

    @property
    def weight_names(self) -> list[str]:
        """Of the layers' parameters, then of their state that belongs to the weights."""
        own = {f"{layer.name}/{name}" for layer in self._inner for name in layer.weight_names}
        return [name for name in super().weight_names if name in own]

    def state_shapes(self, input_shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        """Those of the layers."""
        return self._shapes(input_shape, lambda layer, shape: layer.state_shapes(shape))

    # ---- masks -------------------------------------------------------------------------------

    @property
    def mask_flow(self) -> MaskFlow:
        """What the last of the layers within does that does not just pass a mask on."""
        flows = [one.mask_flow for one in reversed(self._inner)]
        return next((flow for flow in flows if flow != "passes"), "passes")

    # ---- freezing: the layers know ------------------------------------------------------------

    @property
    def trainable(self) -> bool:
        """Whether any of the layers learns; setting it sets all of them."""
        return any(layer.trainable for layer in self._inner)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        with self._held():
            for layer in self._inner:
                layer.trainable = value

    def _whose(self, parameter: str) -> tuple[Layer, str]:
        name, _, rest = str(parameter).partition("/")
        for layer in self._inner:
            if layer.name == name:
                return layer, rest
        known = ", ".join(self.parameter_initializers) or "none"
        raise ValueError(f"{self.name} has no parameter {parameter!r} (known: {known})")

    def is_trainable(self, parameter: str) -> bool:
        """Whether one parameter, such as "dense/bias", learns."""
        layer, name = self._whose(parameter)
        return layer.is_trainable(name)

    def set_trainable(self, parameter: str, value: bool) -> None:
        """Freezes or unfreezes one parameter."""
        layer, name = self._whose(parameter)
        layer.set_trainable(name, value)

    def learning_flags(self) -> list[bool]:
        """Whether this layer learns, then whether each of those within it does."""
        return [self.trainable, *(flag for one in self._inner for flag in one.learning_flags())]

    # ---- what the layers ask their owner ------------------------------------------------------

    def _trainable_changed(self) -> None:
        self._tell_owner()

    def _call_symbolically(self) -> None:
        """Within another layer nothing has a value of its own."""

    def _views_of(self, layer: Layer) -> dict[str, npt.NDArray[Any]]:
        """What of the arrays is one layer's."""
        start = f"{layer.name}/"
        return {n.removeprefix(start): v for n, v in self._views().items() if n.startswith(start)}

    @property
    def _views_given(self) -> bool:
        owner = self.owner
        return owner is not None and owner._views_given

    @_views_given.setter
    def _views_given(self, value: bool) -> None:
        self._built_owner()._views_given = value


def _all_copied(held: Any) -> Any:
    """A layer or a list of layers, or none, copied."""
    if isinstance(held, list):
        return [copied(layer) for layer in held]
    return None if held is None else copied(held)


def copied(layer: Layer, **changes: Any) -> Layer:
    """A layer of the same arguments, but for these, and with what is frozen."""
    copy = type(layer).from_config(layer.get_config() | changes)
    if layer.is_written:
        copy._freeze_paths(layer._frozen_paths())
        return copy
    for parameter in layer.parameter_initializers:
        copy.set_trainable(parameter, layer.is_trainable(parameter))
    return copy
