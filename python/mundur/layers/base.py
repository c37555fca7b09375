"""The bases of the layers: `Layer`, a description that a model turns into native memory."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypeAlias, TypedDict

import numpy.typing as npt

from .. import constraints, initializers, regularizers
from .._support.checks import boolean, extents, identifier
from .._support.config import Configurable, rebuild
from .._support.dtypes import dtype_name
from .._support.lengths import shown_shape
from .._support.names import Harmless, constructor, either, snake_case, unknown
from .._support.views import Variable, Views, copy_all, variables
from ..constraints import Constraint
from ..initializers import Initializer
from ..regularizers import Regularizer
from .input import Call, as_called, called, is_symbolic, refuse_training
from .written import Written, in_core

if TYPE_CHECKING:
    pass

# "ends": the layer makes use of the mask, and it has no meaning behind it. "drops": it can't.
MaskFlow: TypeAlias = Literal["passes", "makes", "ends", "drops"]


def _ask_for_dtype(layer: Layer, _: str, value: Any) -> None:
    """Keeps it until the layer meets its model, whose dtype it must be."""
    layer._asked_dtype = None if value is None else dtype_name(value)


DTYPE = Harmless(None, _ask_for_dtype)
# Arguments that every layer has in Keras, with one value here.
KERAS: dict[str, Any] = {
    "dtype": DTYPE,
    "activity_regularizer": None,
    "autocast": either(True, False),
}
# Those of layers whose kernels it can fine-tune by a product of low rank.
ADAPTED: dict[str, Any] = KERAS | {"lora_rank": None, "lora_alpha": None}


class Owner(Protocol):
    """What a layer asks of what it was added to: a model, or a layer around it."""

    _views_given: bool

    def _held(self) -> AbstractContextManager[Any]:
        """The lock: a training in another thread ends first."""

    def _trainable_changed(self) -> None:
        """Another set of parameters learns."""

    def _call_symbolically(self) -> None:
        """Calls the layers on symbolic values, if nobody has."""

    def _views_of(self, layer: Layer) -> dict[str, npt.NDArray[Any]]:
        """The layer's parameters and then its state, by name, for use within one call."""


class LayerArguments(TypedDict, total=False):
    """What every layer takes behind its own arguments; see `Layer`."""

    name: str | None
    trainable: bool
    input_shape: Sequence[int] | int | None


class Layer(Written, Configurable):
    """Base class of the layers: what a model needs to know to build one.

    A layer is a description (its arguments); the numbers live in the model it was added to, and
    `get_weights`, `set_weights` and views such as ``layer.kernel`` reach into that model.

    A subclass of one's own writes `call`, as a composition of layers, or `forward` and `backward`
    in NumPy, with `build` and `add_weight` where it has weights of its own. What it is called with
    first is a first look: it finds the output's shape, and holds backward against central
    differences of forward, unless ``checks_gradient = False``.

    Parameters
    ----------
    name : str, optional
        Without it the model chooses: ``dense``, ``dense_1``, ...
    trainable : bool, default True
        False freezes the layer: no gradient, no update, no change of state.
    input_shape : tuple of int, optional
        Shape of one sample, without the batch; on a model's first layer only.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it.

    Examples
    --------
    >>> import mundur as md
    >>> layer = md.layers.Dense(3, name="head", trainable=False)
    >>> layer.name, layer.trainable, isinstance(layer, md.Layer)
    ('head', False, True)
    >>> class Square(md.Layer):
    ...     def forward(self, x):
    ...         self.saved.x = x
    ...         return x * x
    ...     def backward(self, dy):
    ...         return 2 * self.saved.x * dy
    >>> Square()([[3.0]])
    array([[9.]], dtype=float32)
    """

    _kind: ClassVar[str] = "layer"
    _holds: ClassVar[tuple[str, ...]] = ()  # arguments that are a layer or a list of layers
    _merges: ClassVar[bool] = False  # whether it is called on a list of values
    _batch: int | None = None  # samples of each batch, where the model's Input says so

    activity_regularizer: Regularizer | None = None
    _asked_dtype: str | None = None

    def __init__(
        self,
        *,
        name: str | None = None,
        trainable: bool = True,
        input_shape: Sequence[int] | int | None = None,
    ) -> None:
        self._given_name = None if name is None else identifier(name, "name")
        self._automatic_name = self._kind
        self._input_shape = (
            None if input_shape is None else extents(input_shape, "input_shape", lengths=True)
        )
        self._frozen: set[str] = set()
        self._frozen_whole = False
        self._owner: Callable[[], Any] | None = None  # a weak reference, if nobody shares it
        self._calls: list[Call] = []  # on symbolic values
        self._alone: Any = None  # the model that computes layer(array)
        self.trainable = trainable

    def __init_subclass__(cls, **options: Any) -> None:
        """Wherever a subclass says how shapes change, what it is asked for is a shape."""
        super().__init_subclass__(**options)
        is_own = not (cls.__module__.startswith("mundur.") or in_core(cls))
        if is_own and "_kind" not in vars(cls):
            cls._kind = snake_case(cls.__name__)
        own = vars(cls).get("compute_output_shape")
        if own is not None and is_own:
            cls._told_shape = own
            del cls.compute_output_shape
        elif own is not None:

            @functools.wraps(own)
            def checked(self: Any, input_shape: Any) -> tuple[int, ...]:
                shape: tuple[int, ...] = own(self, _checked_shape(self._merges, input_shape))
                return shape

            cls.compute_output_shape = checked  # type: ignore[method-assign]

    def __call__(self, inputs: Any, training: bool = False) -> Any:
        """The layer on symbolic values, a piece of a graph; on arrays, its output for them.

        Called on several values a layer is shared: it has its parameters once.

        Parameters
        ----------
        inputs : symbolic value or array, or list of them for layers that merge
            What `Input` gave, or another call.
        training : bool, default False
            For arrays: whether dropout drops and BatchNormalization goes by the batch.

        Returns
        -------
        symbolic value, or ndarray (samples, ...)

        Raises
        ------
        TypeError, ValueError
            Where the layer does not fit what it is called on.

        Examples
        --------
        >>> import mundur as md
        >>> x = md.Input((4,))
        >>> y = md.layers.Dense(3)(x)
        >>> y.shape
        (None, 3)
        >>> layer = md.layers.Dense(2, kernel_initializer="ones")
        >>> layer([[1.0, 2.0]])
        array([[3., 3.]], dtype=float32)
        """
        if is_symbolic(inputs):
            refuse_training(training)
            return called(self, inputs)
        from ..models.single_layer import output_of

        return output_of(self, inputs, boolean(training, "training"))

    @property
    def output(self) -> Any:
        """The symbolic value that the layer makes, for another Model(inputs, outputs).

        A tuple of them, where it makes several.
        """
        return as_called(self._one_call())

    @property
    def input(self) -> Any:
        """The symbolic value that the layer is called on; a list, where it takes several."""
        inputs = self._one_call().inputs
        return list(inputs) if self._merges or len(inputs) > 1 else inputs[0]

    def _one_call(self) -> Call:
        owner = self.owner
        if not self._calls and owner is not None:
            owner._call_symbolically()
        if len(self._calls) != 1:
            raise ValueError(
                f"{self.name} was called {len(self._calls)} times on symbolic values, so input and "
                "output are not one: keep what layer(x) returns"
            )
        return self._calls[0]

    if not TYPE_CHECKING:  # else type checkers would believe in any name

        def __getattr__(self, name: str) -> object:
            if hasattr(type(self), name):  # a property's own error, which brought us here
                return object.__getattribute__(self, name)
            raise unknown(self, name)

    # ---- what a layer is ---------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The given name, or the one its model chose."""
        return self._given_name or self._automatic_name

    @property
    def input_shape(self) -> Any:
        """The declared shape of one sample, or None."""
        return shown_shape(self._input_shape)

    @property
    def vocabulary(self) -> int:
        """How many ids there are, if the layer takes ids instead of numbers; else 0."""
        return 0

    @property
    def weight_names(self) -> list[str]:
        """Of the parameters, then of the state that belongs to the weights, in order."""
        return [*self.parameter_initializers, *self.state_initializers]

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of one sample behind this layer."""
        if not self.is_written:
            return extents(input_shape, "input_shape")
        with_batch = bool(input_shape) and input_shape[0] is None
        behind = self._output_shape(input_shape[1:] if with_batch else input_shape)
        return (None, *behind) if with_batch else behind  # type: ignore[arg-type]

    @property
    def is_written(self) -> bool:
        """Whether the layer is of a class in Python, which writes forward and backward, or call."""
        return self.way != "core"

    @property
    def composes(self) -> bool:
        """Whether it is a composition of layers."""
        return self.way == "call"

    def _take_batch(self, batch: int | None) -> None:
        """How many samples each batch has, as an Input said; None: any number."""
        self._batch = batch

    @property
    def _makes(self) -> int:
        """How many values a call makes."""
        return 1

    def _shapes_behind(self, shapes: Sequence[tuple[int, ...]]) -> list[tuple[int, ...]]:
        """The shape of one sample of each value that a call on such values makes."""
        if self._merges:
            return [self.compute_output_shape(list(shapes))]  # type: ignore[arg-type]
        if len(shapes) != 1:
            raise ValueError(
                f"{self.name} takes one value; it was called on {len(shapes)}: join them, with "
                "Concatenate or Add for instance"
            )
        self.parameter_shapes(shapes[0])
        return [self.compute_output_shape(shapes[0])]

    @property
    def mask_flow(self) -> MaskFlow:
        """What becomes of a mask of time steps; of one that is dropped, a model warns."""
        return "drops" if self.is_written and not self.supports_masking else "passes"

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; `name` is None where the model chose it."""
        return super().get_config() | {"name": self._given_name}

    def _repr_config(self) -> dict[str, Any]:
        usual = constructor(type(self))
        return {
            name: initializers.as_argument(value, usual.get(name))
            if isinstance(value, Initializer)
            else value
            for name, value in self.get_config().items()
        }

    def __reduce__(self) -> Any:
        # Behind the arguments, which know of layers frozen as a whole, single parameters.
        frozen = {"_frozen": set(self._frozen)} if self._frozen else None
        return rebuild, (type(self), self.get_config()), frozen

    # ---- freezing ----------------------------------------------------------------------------

    @property
    def trainable(self) -> bool:
        """Whether any of the layer's parameters learns; setting it sets all of them."""
        if within := self._within():
            return any(one.trainable for one in within)
        if not self.parameter_initializers:
            return not self._frozen_whole
        return any(self.is_trainable(parameter) for parameter in self.parameter_initializers)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        frozen = not boolean(value, "trainable")
        self._freeze(frozen, set(self.parameter_initializers) if frozen else set())
        for one in self._within():
            one.trainable = value

    def is_trainable(self, parameter: str) -> bool:
        """Whether one parameter, such as "bias", learns."""
        return parameter not in self._frozen

    def set_trainable(self, parameter: str, value: bool) -> None:
        """Freezes or unfreezes one parameter."""
        if parameter not in self.parameter_initializers and not self._is_unbuilt():
            known = ", ".join(self.parameter_initializers) or "none"
            raise ValueError(f"{self.name} has no parameter {parameter!r} (known: {known})")
        boolean(value, "value")
        with self._held():
            change = {parameter}
            self._freeze(
                self._frozen_whole, self._frozen - change if value else self._frozen | change
            )

    def learning_flags(self) -> list[bool]:
        """Whether the layer learns, then whether each of those within it does."""
        return [self.trainable]

    def _freeze(self, whole: bool, parameters: set[str]) -> None:
        """Freezes these and no others, or nothing where the model can't be told."""
        with self._held():
            before = self._frozen_whole, self._frozen
            self._frozen_whole, self._frozen = whole, parameters
            try:
                self._tell_owner()
            except BaseException:
                self._frozen_whole, self._frozen = before
                raise

    def _held(self) -> AbstractContextManager[Any]:
        """The model's lock, if there is a model: a training in another thread ends first."""
        owner = self.owner
        return nullcontext() if owner is None else owner._held()

    def _tell_owner(self) -> None:
        owner = self.owner
        if owner is not None:
            owner._trainable_changed()

    # ---- the numbers, which live in the model ------------------------------------------------

    @property
    def owner(self) -> Owner | None:
        """The model that this layer was added to."""
        owner: Owner | None = None if self._owner is None else self._owner()
        return owner

    def _built_owner(self) -> Owner:
        owner = self.owner
        if owner is None:
            raise RuntimeError(f"layer {self.name!r} has no weights before it is part of a model")
        return owner

    def _views(self) -> dict[str, npt.NDArray[Any]]:
        """The parameters, then the state, by name, for use within one call."""
        return self._built_owner()._views_of(self)

    def _weight_views(self) -> dict[str, npt.NDArray[Any]]:
        if self.composes:
            parts = [(one.name, one._weight_views()) for one in self._leaves()]
            return {f"{part}/{name}": view for part, of in parts for name, view in of.items()}
        views = self._views()
        return {name: views[name] for name in self.weight_names}

    def _learning(self) -> list[str]:
        """The parameters that learn, by the names of `_views`."""
        if self.composes:
            return [f"{one.name}/{name}" for one in self._leaves() for name in one._learning()]
        return [name for name in self.parameter_initializers if self.is_trainable(name)]

    def _view(self, parameter: str) -> npt.NDArray[Any]:
        """One parameter, or one array of state, for the user to keep."""
        owner = self._built_owner()
        owner._views_given = True
        views = {f"{self.name}/{name}": view for name, view in owner._views_of(self).items()}
        return Views(views)[f"{self.name}/{parameter}"]

    @property
    def weights(self) -> list[Variable]:
        """Live views of the parameters and then of the state, with their names.

        `variables` is another name; there are none before the layer is part of a built model.
        """
        owner = self.owner
        if owner is None or not getattr(owner, "built", True):
            return []
        named = {f"{self.name}/{name}": view for name, view in self._weight_views().items()}
        owner._views_given = True
        return variables(named, [f"{self.name}/{name}" for name in self._learning()])

    @property
    def trainable_weights(self) -> list[Variable]:
        """Those that learn."""
        return [one for one in self.weights if one.trainable]

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """Those that don't: frozen ones, and state."""
        return [one for one in self.weights if not one.trainable]

    variables, trainable_variables = weights, trainable_weights
    non_trainable_variables = non_trainable_weights

    def get_weights(self) -> list[npt.NDArray[Any]]:
        """Copies of the layer's parameters and then its state, in order."""
        return [view.copy() for view in self._weight_views().values()]

    def set_weights(self, weights: Sequence[npt.ArrayLike]) -> None:
        """Copies arrays, in the order of `get_weights`, into the layer's parameters and state."""
        named = {f"{self.name}/{name}": view for name, view in self._weight_views().items()}
        copy_all(named, weights)

    def count_params(self) -> int:
        """How many numbers the layer's parameters and state hold."""
        return sum(view.size for view in self._weight_views().values())


def _checked_shape(merges: bool, given: Any) -> Any:
    """The shape of one sample, or, for layers that merge, of each input's."""
    if merges and isinstance(given, (tuple, list)) and given and not isinstance(given[0], int):
        return [extents(shape, f"input_shape[{i}]") for i, shape in enumerate(given)]
    return extents(given, "input_shape")


_GET: dict[str, Callable[[Any, str], Any]] = {
    "initializer": initializers.get,
    "regularizer": regularizers.get,
    "constraint": constraints.get,
}


class Weighted(Layer):
    """Layers whose arguments ``kernel_initializer``, ``bias_regularizer``, ... say how to begin."""

    use_bias: bool

    def _take(self, arguments: dict[str, Any]) -> None:
        """Keeps those of the constructor's arguments, its `locals()`, checked."""
        for name, value in arguments.items():
            if get := _GET.get(name.rpartition("_")[2]):
                setattr(self, name, get(value, name))

    def _prefixes(self) -> dict[str, str]:
        """With what the arguments of each parameter begin, in order."""
        return {"kernel": "kernel"} | ({"bias": "bias"} if self.use_bias else {})

    def _of_parameters(self, kind: str) -> dict[str, Any]:
        return {name: getattr(self, f"{start}_{kind}") for name, start in self._prefixes().items()}

    @property
    def parameter_initializers(self) -> dict[str, Initializer]:
        """The initializer of each parameter, in order."""
        return self._of_parameters("initializer")

    @property
    def parameter_regularizers(self) -> dict[str, Regularizer | None]:
        """The regularizer of each parameter."""
        return self._of_parameters("regularizer")

    @property
    def parameter_constraints(self) -> dict[str, Constraint | None]:
        """The constraint of each parameter."""
        return self._of_parameters("constraint")

    @property
    def kernel(self) -> npt.NDArray[Any]:
        """Live view of W, of the shape under Shapes."""
        return self._view("kernel")

    @property
    def bias(self) -> npt.NDArray[Any] | None:
        """Live view of b, of the shape under Shapes; None without `use_bias`."""
        return self._view("bias") if self.use_bias else None
