"""Layers of one's own: what `Layer` does for a subclass that writes forward and backward, or call.

The core asks a layer in NumPy between two stretches of its own work. A layer that is a composition
of others has no arithmetic: it is a graph within the graph.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from .. import _core, constraints, initializers, regularizers
from .._support.checks import boolean, extents, identifier
from .._support.names import checked_keywords, either
from ..constraints import Constraint
from ..initializers import Initializer
from ..regularizers import Regularizer

if TYPE_CHECKING:
    from .composing import Composition
    from .weight import Weight

Array = npt.NDArray[Any]
Shape = tuple[int, ...]
Way = Literal["core", "call", "forward"]

_OURS = ("_alone", "_compositions")  # attributes in which no user keeps layers


class Written:
    """The part of `Layer` that is for subclasses in Python."""

    checks_gradient: bool = True
    supports_masking: bool = False

    _merges: ClassVar[bool] = False
    _frozen_whole = False
    _frozen: set[str]
    saved: SimpleNamespace
    random: np.random.Generator

    @property
    def way(self) -> Way:
        """Whether the core computes the layer, or a composition of layers, or NumPy."""
        return way_of(type(self))

    # ---- what a subclass writes ---------------------------------------------------------------

    def build(self, input_shape: Any) -> None:
        """Makes the weights, by `add_weight`, once the shape of the inputs is known.

        A subclass's own, called by the model. A layer of this package makes its weights here, if it
        is part of no model yet.

        Parameters
        ----------
        input_shape : tuple, or list of them for several inputs
            With None for the batch, as in Keras: ``input_shape[-1]`` are the columns.
        """
        if self.way == "core" and self.owner is None:  # type: ignore[attr-defined]
            from ..models.single_layer import build_alone

            build_alone(self, input_shape)

    def call(self, inputs: Any) -> Any:
        """A subclass's output as a composition of layers: symbolic values in, one out.

        Nothing else is needed: whatever is made of layers has its gradient. Layers are made in the
        constructor or in `build`, and kept as attributes; arithmetic of symbolic values works,
        NumPy does not. May take ``training`` as well, to hand it to layers.
        """
        if self.way == "core":
            return self(inputs)  # type: ignore[operator]
        raise self._unwritten("call")

    def forward(self, inputs: Array) -> Array:
        """A subclass's output in NumPy: y, of shape (batch, ...).

        ``self.saved`` is empty, and what is put there `backward` finds, for this call of the layer
        alone: ``self.saved.x = x``. ``self.random`` is a generator of random numbers, the same ones
        whenever this step comes again. May take ``training`` as well.

        Parameters
        ----------
        inputs : ndarray (batch, ...), or list of them where the layer is called on a list
            Of the model's dtype.
        """
        raise self._unwritten("forward")

    def backward(self, dy: Array) -> Any:
        """A subclass's gradients in NumPy, for what `forward` was last called on.

        Parameters
        ----------
        dy : ndarray
            ∂L/∂y, of y's shape.

        Returns
        -------
        dx, or (dx, {name: dw})
            ∂L/∂x, of x's shape, a list of them for several inputs; and, of a layer with weights,
            ∂L/∂w of each that is trainable, by the names of `add_weight`, of its shape: sums over
            the batch.
        """
        raise TypeError(
            f"{type(self).__name__} has forward, and no backward(dy), which returns the gradients: "
            "write it, or write call as a composition of layers in place of both"
        )

    def _unwritten(self, what: str) -> NotImplementedError:
        if self.way == "core":
            return NotImplementedError(
                f"{type(self).__name__} is computed by the core, as layer(x) and within models; "
                f"{what} is for subclasses of md.Layer"
            )
        return NotImplementedError(
            f"{type(self).__name__} writes neither call(x), a composition of layers, nor "
            f"forward(x) and backward(dy), in NumPy; {what} is one of the two ways"
        )

    @checked_keywords(
        ignored={
            "dtype": either(None, "float32", "float64"),
            "autocast": either(True, False),
            "aggregation": either("none", None, "mean", "sum", "only_first_replica"),
            "overwrite_with_gradient": False,
        }
    )
    def add_weight(
        self,
        shape: Sequence[int] | int | None = None,
        initializer: Any = None,
        *,
        trainable: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        name: str | None = None,
    ) -> Weight:
        """An array of the layer's own, made with the model's numbers; within `build`, mostly.

        Parameters
        ----------
        shape : tuple of int, optional
            () by default: one number.
        initializer : str, Initializer or callable, default "glorot_uniform"
        trainable : bool, default True
            False: no gradient; what `forward` writes into it in training stays.
        regularizer, constraint : optional
            As the arguments of `Dense` are.
        name : str, optional
            The last part of its name in ``model.parameters``; else "variable", "variable_1", ...

        Returns
        -------
        Weight
            Which NumPy takes for an array.

        Examples
        --------
        >>> import mundur as md, numpy as np
        >>> class Scale(md.Layer):
        ...     def build(self, input_shape):
        ...         self.w = self.add_weight(name="w", shape=(input_shape[-1],), initializer="ones")
        ...     def forward(self, x):
        ...         self.saved.x = x
        ...         return x * self.w
        ...     def backward(self, dy):
        ...         return dy * self.w, {"w": (dy * self.saved.x).sum(axis=0)}
        >>> model = md.Model([Scale()], input_shape=(2,))
        >>> model.parameters["scale/w"]
        array([1., 1.], dtype=float32)
        """
        from .weight import Weight  # few layers have one

        declared: dict[str, Weight] = vars(self).setdefault("_weights_declared", {})
        if name is None:
            number = sum(one.startswith("variable") for one in declared)
            name = f"variable_{number}" if number else "variable"
        name = identifier(name, "name")
        if name in declared:
            raise ValueError(f"{type(self).__name__} has two weights named {name!r}")
        weight = Weight(
            self,
            name,
            () if shape is None or shape == () else extents(shape, "shape"),
            initializers.get(initializer or "glorot_uniform", "initializer"),
            regularizers.get(regularizer, "regularizer"),
            constraints.get(constraint, "constraint"),
            boolean(trainable, "trainable"),
        )
        declared[name] = weight
        if weight.learns and self._frozen_whole:
            self._frozen.add(name)
        return weight

    # ---- files -------------------------------------------------------------------------------

    def _own_pieces(self) -> dict[str, Any]:
        """What a file of the layer only names."""
        from .._support.registered import name_of  # files alone ask

        return {} if self.way == "core" else {name_of(type(self)): type(self)}

    def _name_of(self, argument: str) -> str:
        """What a file calls the function of an argument."""
        from .._support.registered import name_of

        return name_of(getattr(self, argument))

    # ---- what the model asks -------------------------------------------------------------------

    @property
    def _declared(self) -> dict[str, Weight]:
        """The weights by name."""
        found: dict[str, Weight] = vars(self).get("_weights_declared", {})
        return found

    def _of_weights(self, learns: bool) -> dict[str, Weight]:
        return {name: one for name, one in self._declared.items() if one.learns == learns}

    @property
    def parameter_initializers(self) -> dict[str, Initializer]:
        """The initializer of each parameter, in order."""
        return {name: one.initializer for name, one in self._of_weights(True).items()}

    @property
    def parameter_regularizers(self) -> dict[str, Regularizer | None]:
        """The regularizers of parameters that can have one."""
        return {name: one.regularizer for name, one in self._of_weights(True).items()}

    @property
    def parameter_constraints(self) -> dict[str, Constraint | None]:
        """The constraints of parameters that can have one."""
        return {name: one.constraint for name, one in self._of_weights(True).items()}

    @property
    def state_initializers(self) -> dict[str, Initializer]:
        """The initializer of each array that training changes, but no gradient, in order."""
        return {name: one.initializer for name, one in self._of_weights(False).items()}

    def parameter_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """The shape of each parameter for samples of `input_shape`, in order."""
        return self._weight_shapes(input_shape, True)

    def state_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """The shape of each array of state for samples of `input_shape`, in order."""
        return self._weight_shapes(input_shape, False)

    def _weight_shapes(self, input_shape: Any, learns: bool) -> dict[str, Shape]:
        if self.way == "core":
            return {}
        self._build_for(_listed(input_shape))
        return {name: one.shape for name, one in self._of_weights(learns).items()}

    def _is_unbuilt(self) -> bool:
        """Whether its parameters are yet to be known."""
        return self.way == "forward" and "_built_for" not in vars(self)

    def _build_for(self, shapes: Sequence[Shape]) -> None:
        """Builds the layer, unless it is; one that no built model has, for other shapes anew."""
        known, owner = vars(self).get("_built_for"), self.owner  # type: ignore[attr-defined]
        if known == shapes or (known is not None and owner is not None and owner.built):
            return
        made_in_build = vars(self).get("_made_in_build", set())
        for name in made_in_build:
            self._declared.pop(name, None)
        before = set(self._declared)
        with_batch: list[Any] = [(None, *shape) for shape in shapes]
        self.build(with_batch if self._merges else with_batch[0])
        vars(self)["_made_in_build"] = set(self._declared) - before
        vars(self)["_built_for"], vars(self)["_looked_at"] = list(shapes), {}

    def _output_shape(self, input_shape: Any) -> Shape:
        """The shape of one sample behind a layer of one's own."""
        shapes = _listed(input_shape)
        self._build_for(shapes)
        known: dict[Any, Shape] = vars(self)["_looked_at"]
        key = tuple(shapes)
        if key not in known:
            if self.way == "call":
                known[key] = self._composition(shapes).output.sample
            else:
                from .in_numpy import first_look

                known[key] = first_look(self, shapes)
            self._check_told(shapes, known[key])
        return known[key]

    def _check_told(self, shapes: Sequence[Shape], found: Shape) -> None:
        """Raises where the subclass says another shape than it gives."""
        told = type(self)._told_shape
        if told is None:
            return
        with_batch: list[Any] = [(None, *shape) for shape in shapes]
        said = tuple(told(self, with_batch if self._merges else with_batch[0]))
        if said != (None, *found):
            raise ValueError(
                f"{type(self).__name__}.compute_output_shape({with_batch}) says {said}; the "
                f"layer's output has shape {(None, *found)}"
            )

    _told_shape: ClassVar[Any] = None  # a subclass's own compute_output_shape

    def _composition(self, shapes: Sequence[Shape]) -> Composition:
        """What call makes of samples of these shapes, made once for each."""
        from .composing import composed

        known: dict[Any, Composition] = vars(self).setdefault("_compositions", {})
        key = tuple(shapes)
        if key not in known:
            self._build_for(shapes)
            known[key] = composed(self, shapes)
            frozen = vars(self).pop("_frozen_within", ())
            for path, one, name in self._parameters_within():
                if path in frozen:
                    one.set_trainable(name, False)
        return known[key]

    def _within(self) -> list[Any]:
        """The layers and models that a composition holds, as attributes."""
        if self.way != "call":
            return []
        return list(_held(value for name, value in vars(self).items() if name not in _OURS))

    def _leaves(self) -> list[Any]:
        """The layers that the last composition was made of, models among them."""
        known = vars(self).get("_compositions")
        return [] if not known else list(known.values())[-1].layers

    def _parameters_within(self) -> Iterator[tuple[str, Any, str]]:
        """Of a composition: paths such as "dense/bias", with the layer and its parameter."""
        return parameters_of(self._leaves(), "")

    def _frozen_paths(self) -> list[str]:
        """Those parameters that do not learn, of a composition by their paths."""
        if self.way != "call":
            names = self.parameter_initializers
            return [name for name in names if not self.is_trainable(name)]  # type: ignore[attr-defined]
        return [path for path, one, name in self._parameters_within() if not one.is_trainable(name)]

    def _freeze_paths(self, paths: Sequence[str]) -> None:
        """Freezes those; where they are not there yet, as soon as they are."""
        if self.way == "core":
            for path in paths:
                self.set_trainable(path, False)  # type: ignore[attr-defined]
        elif self.way == "forward":
            self._frozen = {*self._frozen, *paths}
        else:
            vars(self)["_frozen_within"] = set(paths)

    def describe_on(self, shapes: Sequence[Shape]) -> _core.LayerSpec:
        """The native description, for inputs of these shapes."""
        if self.way == "core":
            return self.describe()
        from .in_numpy import Work

        of = weakref.ref(self)
        learning, state = self._of_weights(True), self._of_weights(False)
        output = self._output_shape(list(shapes) if self._merges else shapes[0])

        def begin() -> Work:
            return Work(of(), output)

        return _core.Outside(
            begin,
            output,
            [(name, one.shape) for name, one in learning.items()],
            [(name, one.shape) for name, one in state.items()],
            self.supports_masking,
        )

    def describe(self) -> _core.LayerSpec:
        """The native description, of layers of the core's."""
        raise NotImplementedError(
            f"{type(self).__name__} is written in Python: it has a place in a model, and none "
            "within another layer, such as TimeDistributed or Bidirectional"
        )


# ---- which way a class goes ----------------------------------------------------------------------


def in_core(cls: Any) -> bool:
    """Whether the core has an own description of what layers of a class do."""
    return cls.describe is not Written.describe or cls.describe_on is not Written.describe_on


def way_of(cls: Any) -> Way:
    """Whether the core computes the layers of a class, a composition or NumPy."""
    if "_way" not in vars(cls):
        cls._way = _found_way(cls)
    way: Way = cls._way
    return way


def _found_way(cls: Any) -> Way:
    written = [
        name
        for name in ("call", "forward", "backward")
        if getattr(cls, name) is not getattr(Written, name)
    ]
    if in_core(cls) and written:
        base = next(one for one in cls.__mro__ if one.__module__.startswith("mundur."))
        raise TypeError(
            f"{cls.__name__}.{written[0]} would be ignored, for the core computes what a "
            f"{base.__name__} does: derive from md.Layer, with a {base.__name__} as an attribute"
        )
    if in_core(cls):
        return "core"
    if not written:
        raise NotImplementedError(
            f"{cls.__name__} writes neither call(x), as a composition of layers, nor forward(x) "
            "and backward(dy), in NumPy: one of the two makes it a layer"
        )
    if hasattr(cls, "compute_mask"):
        raise TypeError(
            f"{cls.__name__}.compute_mask would be ignored: a mask of time steps holds behind the "
            "layer with supports_masking = True, and is dropped without"
        )
    if "call" in written and len(written) > 1:
        raise TypeError(
            f"{cls.__name__} writes call and {written[1]}: a layer is a composition of layers "
            "(call) or NumPy (forward and backward), not both"
        )
    return "call" if written == ["call"] else "forward"


def _listed(shapes: Any) -> list[Shape]:
    return list(shapes) if shapes and not isinstance(shapes[0], int) else [tuple(shapes)]


def parameters_of(layers: Sequence[Any], within: str) -> Iterator[tuple[str, Any, str]]:
    """Parameters of layers, and of those within them, by their paths."""
    for one in layers:
        inner = one.layers if hasattr(type(one), "_call_on") else one._leaves()
        if inner or getattr(one, "composes", True):
            yield from parameters_of(inner, f"{within}{one.name}/")
            continue
        for name in one.parameter_initializers:
            yield f"{within}{one.name}/{name}", one, name


def _held(values: Any) -> Iterator[Any]:
    """Layers and models among attributes, and in lists, tuples and dicts of them."""
    for value in values:
        if isinstance(value, Written) or hasattr(type(value), "_call_on"):
            yield value
        elif isinstance(value, dict):
            yield from _held(value.values())
        elif isinstance(value, (list, tuple)):
            yield from _held(value)
