"""A chain of layers whose output is added to its input; see `mundur.layers`."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from . import _core
from .initializer import Initializer
from .keywords import checked_keywords
from .layer import Layer, name_among
from .validation import boolean, check_layers
from .views import Views

if TYPE_CHECKING:
    from .constraints import Constraint
    from .regularizers import Regularizer

__all__ = ["Residual"]

T = TypeVar("T")


class Residual(Layer):
    """Adds what a chain of layers makes of x to x: y = x + chain(x).

    The chain learns only what to add, and gradients also go past it: ∂L/∂x = ∂L/∂y plus what comes
    back through the chain (He, Zhang, Ren and Sun, "Deep residual learning for image recognition",
    2015). Shapes: x and y the same, which the chain must keep. Keras has no such layer; there it
    takes the functional interface.

    The parameters' names hold the inner layers': ``residual/dense/kernel``. Its layers can be
    frozen one by one, and a `Residual` can be among them.

    Parameters
    ----------
    layers : list of Layer
        At least one, none of them with an input_shape; they belong to this layer from now on.
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For what is no list of layers; when built, for a chain that changes the shape.

    Examples
    --------
    >>> import mundur as md
    >>> block = md.layers.Residual([md.layers.Dense(8, "relu"), md.layers.Dense(4)])
    >>> model = md.Model([block, md.layers.Dense(1)], input_shape=(4,), seed=0)
    >>> list(model.parameters)[:2]
    ['residual/dense/kernel', 'residual/dense/bias']
    """

    _kind = "residual"

    @checked_keywords(ignored={"dtype": None, "activity_regularizer": None})
    def __init__(
        self,
        layers: Sequence[Layer],
        *,
        name: str | None = None,
        trainable: bool = True,
        input_shape: Sequence[int] | int | None = None,
    ) -> None:
        check_layers(layers, "Residual")
        self._layers: list[Layer] = []
        super().__init__(name=name, input_shape=input_shape)
        for layer in layers:
            self._take(layer)
        if not self._layers:
            raise ValueError("layers must hold at least one layer")
        if len(self.parameter_initializers | self.state_initializers) > 256:
            raise ValueError("layers must hold at most 256 arrays in all; use several Residuals")
        if not boolean(trainable, "trainable"):
            self.trainable = False

    def _take(self, layer: Any) -> None:
        if not isinstance(layer, Layer):
            hint = "; make an instance of it" if isinstance(layer, type) else ""
            raise TypeError(f"a layer must be an instance of md.Layer; got {layer!r}{hint}")
        if layer.owner is not None:
            raise ValueError(
                f"layer {layer.name!r} is already part of a model; make a new one or a deepcopy"
            )
        if layer.input_shape is not None:
            raise ValueError(
                f"input_shape= belongs to a model's first layer, not to {layer.name!r}"
            )
        if layer.activity_regularizer is not None:
            raise ValueError(
                f"{layer.name!r} has an activity_regularizer, which within a Residual nobody asks "
                "for; put an ActivityRegularization behind the Residual"
            )
        layer.describe()
        name_among(layer, self._layers)
        layer._owner = weakref.ref(self)
        self._layers.append(layer)

    @property
    def layers(self) -> list[Layer]:
        """The layers in order (a copy of the list)."""
        return list(self._layers)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, with copies of the layers, which can belong to another."""
        copies = [type(layer).from_config(layer.get_config()) for layer in self._layers]
        for layer, copy in zip(self._layers, copies, strict=True):
            for parameter in layer.parameter_initializers:
                copy.set_trainable(parameter, layer.is_trainable(parameter))
        return super().get_config() | {"layers": copies}

    # ---- the layers' arrays, with the layers' names in front ---------------------------------

    def _named(self, of: Callable[[Layer], dict[str, T]]) -> dict[str, T]:
        return {
            f"{layer.name}/{name}": value
            for layer in self._layers
            for name, value in of(layer).items()
        }

    def _shapes(
        self,
        input_shape: tuple[int, ...],
        of: Callable[[Layer, tuple[int, ...]], dict[str, tuple[int, ...]]],
    ) -> dict[str, tuple[int, ...]]:
        shapes = {}
        for layer in self._layers:
            for name, shape in of(layer, input_shape).items():
                shapes[f"{layer.name}/{name}"] = shape
            input_shape = layer.compute_output_shape(input_shape)
        return shapes

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

    def state_shapes(self, input_shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        """Those of the layers."""
        return self._shapes(input_shape, lambda layer, shape: layer.state_shapes(shape))

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of one sample, which the chain must keep."""
        shape = input_shape
        for layer in self._layers:
            shape = layer.compute_output_shape(shape)
        if shape != input_shape:
            raise ValueError(
                f"{self.name}: the chain's output is added to its input, so it must have the shape "
                f"{input_shape}; got {shape}, behind {self._layers[-1].name!r}"
            )
        return input_shape

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        names = [layer.name for layer in self._layers]
        return _core.Residual([layer.describe() for layer in self._layers], names)

    # ---- freezing: the layers know ------------------------------------------------------------

    @property
    def trainable(self) -> bool:
        """Whether any of the layers learns; setting it sets all of them."""
        return any(layer.trainable for layer in self._layers)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for layer in self._layers:
            layer.trainable = value

    def _whose(self, parameter: str) -> tuple[Layer, str]:
        name, _, rest = parameter.partition("/")
        return next(layer for layer in self._layers if layer.name == name), rest

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
        return [self.trainable, *(flag for one in self._layers for flag in one.learning_flags())]

    # ---- what the layers ask their owner ------------------------------------------------------

    def _trainable_changed(self) -> None:
        self._tell_owner()

    def _weight_views(self) -> Views:
        return Views(self._views(), "weight")

    @property
    def _views_given(self) -> bool:
        owner = self.owner
        return owner is not None and owner._views_given

    @_views_given.setter
    def _views_given(self, value: bool) -> None:
        self._built_owner()._views_given = value
