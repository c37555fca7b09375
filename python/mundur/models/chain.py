"""A chain of layers and its memory, made once the input shape is known."""

from __future__ import annotations

import math
import os
import sys
import warnings
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import RLock
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .. import _core
from .._support.checks import (
    boolean,
    extents,
    fresh_seed,
    identifier,
    integer,
    seed_value,
    shown,
)
from .._support.dtypes import ROUNDED, compute_dtype_name, dtype_name
from .._support.names import check_assignment, checked_keywords, unknown
from .._support.views import Views, copy_all
from ..data import arrays
from ..initializers.base import stream_of
from ..layers.base import Layer, name_among
from ..layers.dense import Dense
from ..layers.dropout import Dropout
from ..layers.input import InputLayer
from ..layers.shape import Flatten
from .flow import check_for_sequences, masked_axes, warn_of_a_dropped_mask, with_inner

__all__ = ["Chain"]

Array = npt.NDArray[Any]

_CHAINS: weakref.WeakSet[Chain] = weakref.WeakSet()
_WARNED_OF: set[str] = set()  # kinds of bfloat16


def _free_locks() -> None:
    """In a forked child: the threads that held locks stayed behind in the parent."""
    for chain in _CHAINS:
        # Its own, where the fork comes from within the model's work, it goes on with.
        if chain.lock.acquire(blocking=False):
            chain.lock.release()
        else:
            vars(chain)["lock"] = RLock()
            chain._left_behind()
    bars = sys.modules.get("tqdm.std")
    if bars is None:
        return
    # All bars share one lock, which whoever drew at the fork holds for ever.
    lock = bars.TqdmDefaultWriteLock.th_lock
    if lock.acquire(blocking=False):
        lock.release()
    else:
        bars.tqdm.set_lock(RLock())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_free_locks)


class Chain:
    """Layers one behind the other, their names, and the native network made of them."""

    _name: str
    _made = False  # whether the constructor is done

    def __setattr__(self, name: str, value: Any) -> None:
        if self._made:
            check_assignment(self, name, ("lock",), vars(self), notes=True)
        object.__setattr__(self, name, value)

    def __init__(self, seed: int | None, dtype: Any, compute_dtype: Any, device: str) -> None:
        self._device, self._gpu = _opened(device)
        self._dtype = dtype_name(dtype)
        self._compute_dtype = compute_dtype_name(compute_dtype, self._dtype)
        _warn_of_no_gain(self._compute_dtype)
        given = seed_value(seed)
        self._seed = fresh_seed() if given is None else given
        self.lock = RLock()
        _CHAINS.add(self)
        self._layers: list[Layer] = []
        self._declared_shape: tuple[int, ...] | None = None
        self._network: _core.Network | None = None
        self._values: dict[str, Array] = {}
        self._gradients: dict[str, Array] = {}
        self._state: dict[str, Array] = {}
        self._views_given = False

    if not TYPE_CHECKING:  # else type checkers would believe in any name

        def __getattr__(self, name: str) -> object:
            raise unknown(self, name)

    # ---- layers ------------------------------------------------------------------------------

    @property
    def layers(self) -> list[Layer]:
        """The layers in order (a copy of the list)."""
        return list(self._layers)

    @property
    def name(self) -> str:
        """What the model is called in its summary."""
        return self._name

    @name.setter
    def name(self, value: str) -> None:
        self._name = identifier(value, "name")

    @property
    def seed(self) -> int:
        """What first weights, dropout and shuffles are drawn from."""
        return self._seed

    @property
    def dtype(self) -> str:
        """The type of parameters and computation, "float32" or "float64"; see `compute_dtype`."""
        return self._dtype

    @property
    def compute_dtype(self) -> str:
        """What layers' products compute in: `dtype`, "bfloat16" or "bfloat16_pairs".

        In bfloat16 a product's two operands are rounded to 8 bits of precision (to nearest, ties
        to even, subnormal numbers to zeros); the sums are float32. Parameters, their updates,
        biases, activations, losses and everything else stay float32. The two kinds differ in the
        order of the sums, which is that of an instruction; a CPU with it is much faster than in
        float32, others emulate it, to the bit, and gain nothing: ``mundur.build_info()`` lists the
        kinds that are fast here. "bfloat16" is for Intel's AMX, "bfloat16_pairs" for AVX512_BF16 on
        AMD's Zen 4 and 5.

        It costs accuracy: an operand is off by up to 2⁻⁹ of itself (float32: 2⁻²⁵), so outputs and
        gradients are off by some thousandths, and a loss stops falling earlier. Classifiers hardly
        notice: 784-128-10 on MNIST, 10 epochs of Adam, batches of 128, five seeds, 97.72% in
        "bfloat16" instead of 97.76%.

        Notes
        -----
        In "bfloat16", as TDPBF16PS has it, the terms 2k and the terms 2k + 1 of each 32 neighbours
        make one sum each; the two are added, then their sum to that of the terms before. In
        "bfloat16_pairs", as VDPBF16PS has it, a sum runs over pairs 2k, 2k + 1, the odd element's
        product first. Products are fused with their addition, each step is rounded once, and a
        result below float32's normal range becomes 0. Terms that are missing count as 0 · 0.
        A Conv1D is a Dense on what its steps see, 0 beyond the ends, and the gradient of its inputs
        a sum over those steps. Some products stay in float32: forward with at most 4 outputs and at
        least 32 inputs (so a regressor's head), and the inputs' gradient with at most 4 inputs and
        at least 32 outputs; a Conv1D in groups; and of the recurrent layers those of the state with
        the recurrent kernel, and back, whose operands are made anew at each step.
        """
        return self._compute_dtype

    @property
    def device(self) -> str:
        """Where the model computes: "cpu", "cuda" or a certain GPU, such as "cuda:1".

        To set it moves the model. On a GPU parameters have the same bits as on the CPU, in float32
        and float64; arrays such as ``model.parameters`` stay the host's, which each call carries
        there and back. Files, pickles and joblib do not hold it: what they load is on the CPU.

        Setting it raises RuntimeError where mundur-cuda, a driver or the GPU is missing, and
        NotImplementedError for what does not run there.
        """
        return self._device

    @device.setter
    def device(self, value: str) -> None:
        name, gpu = _opened(value)
        with self.lock:
            if self._network is not None:
                self._network.move_to(gpu)
            self._device, self._gpu = name, gpu

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """The layer of a name or of an index."""
        if (name is None) == (index is None):
            raise ValueError("give either name or index")
        if index is not None:
            most = len(self._layers)
            return self._layers[integer(index, "index", -most, most - 1)]
        by_name = {layer.name: layer for layer in self._layers}
        name = identifier(name, "name")
        if name not in by_name:
            known = ", ".join(by_name) or "none"
            raise ValueError(f"name: no layer {name!r} (known: {known})")
        return by_name[name]

    def _append(self, layer: Any) -> None:
        if isinstance(layer, InputLayer):
            if self._layers:
                raise ValueError("an Input must come before the layers")
            self._declare(layer.shape)
            return
        if not isinstance(layer, Layer):
            hint = "; make an instance of it" if isinstance(layer, type) else ""
            raise TypeError(f"a layer must be an instance of md.Layer; got {shown(layer)}{hint}")
        if layer.owner is not None:
            raise ValueError(
                f"layer {layer.name!r} is already part of a model; make a new one or a deepcopy"
            )
        self._check_dtype(layer)
        layer.describe()
        name_among(layer, self._layers)
        if layer.input_shape is not None:
            if self._layers:
                raise ValueError(
                    f"input_shape= belongs to the first layer; {layer.name!r} is layer "
                    f"{len(self._layers)}"
                )
            self._declare(layer.input_shape)
        layer._owner = weakref.ref(self)
        self._layers.append(layer)

    def _check_dtype(self, layer: Layer) -> None:
        """Raises where a layer, or one within it, asked for another dtype than the model's."""
        for part in with_inner([layer]):
            if part._asked_dtype not in (None, self._dtype):
                raise ValueError(
                    f"{type(part).__name__}(dtype={part._asked_dtype!r}) in a model of "
                    f"{self._dtype}: all layers have the model's dtype, Model(..., "
                    f"dtype={part._asked_dtype!r})"
                )

    def _declare(self, shape: tuple[int, ...]) -> None:
        if self._declared_shape not in (None, shape):
            raise ValueError(
                f"input_shape is given twice, as {self._declared_shape} and as {shape}"
            )
        self._declared_shape = shape

    @checked_keywords(ignored={"rebuild": True})
    def add(self, layer: Layer | InputLayer) -> None:
        """Appends a layer; to a built model too, whose weights stay.

        Raises
        ------
        TypeError, ValueError
            For what is no layer, or one that already belongs to a model.
        RuntimeError
            After `compile` of a built model, whose optimizer knows the old parameters; after live
            views of them were handed out, which would come to nothing.
        """
        with self.lock:
            self._before_change("add")
            self._append(layer)
            if self.built:
                self._rebuild()

    @checked_keywords(ignored={"rebuild": True})
    def pop(self) -> Layer:
        """Removes the last layer and returns it."""
        with self.lock:
            self._before_change("pop")
            if not self._layers:
                raise ValueError("the model has no layers to pop")
            layer = self._layers.pop()
            layer._owner = None
            if self.built:
                self._rebuild()
            return layer

    def _before_change(self, what: str) -> None:
        """Raises where layers may no longer come or go."""
        if self._views_given:
            raise RuntimeError(
                f"{what} would cut off the live views that this model gave out (parameters, "
                f"gradients, layer.kernel); {what} layers before, or to copy.deepcopy(model)"
            )

    def _left_behind(self) -> None:
        """In a forked child: what another thread was doing with the model is not done here."""

    def _held(self) -> AbstractContextManager[Any]:
        """The lock, for layers."""
        return self.lock

    # ---- building ----------------------------------------------------------------------------

    @property
    def built(self) -> bool:
        """Whether the parameters exist."""
        return self._network is not None

    @property
    def native(self) -> _core.Network:
        """The native network; built now if its input shape is known."""
        if self._network is None:
            if self._declared_shape is None:
                raise RuntimeError(
                    "the model does not know its input shape yet; pass input_shape= to it or to "
                    "its first layer, call build(shape), or give it data through fit or forward"
                )
            self._build(self._declared_shape)
        assert self._network is not None
        return self._network

    def build(self, input_shape: Sequence[int | None] | int | None = None) -> None:
        """Makes the parameters now, instead of with the first data.

        Parameters
        ----------
        input_shape : tuple of int, optional
            Shape of one sample; Keras's form with a leading None for the batch is understood.

        Raises
        ------
        ValueError
            Where a shape does not fit, or the model was built for another.
        MemoryError
            Where the parameters do not fit in memory.

        Examples
        --------
        >>> import mundur as md
        >>> model = md.Model([md.layers.Dense(2)], seed=0)
        >>> model.build((None, 3))
        >>> model.parameters["dense/kernel"].shape
        (3, 2)
        """
        with self.lock:
            if input_shape is not None:
                if isinstance(input_shape, Sequence) and input_shape and input_shape[0] is None:
                    input_shape = input_shape[1:]
                self._declare(extents(input_shape, "input_shape"))
            _ = self.native

    def _build(self, shape: tuple[int, ...], initialize: bool = True) -> None:
        if not self._layers:
            raise ValueError("a model needs at least one layer")
        self._check_memory(shape)
        if any(layer.vocabulary for layer in list(with_inner(self._layers))[1:]):
            raise ValueError("Embedding takes ids, so it must be the first layer")
        specs = [layer.describe() for layer in self._layers]
        names = [layer.name for layer in self._layers]
        network = _core.Network(
            specs, shape, self._dtype, self.seed, self._compute_dtype, names, self._gpu
        )
        values, gradients = {}, {}
        for index, parameter, value, gradient in network.parameters:
            name = f"{self._layers[index].name}/{parameter}"
            values[name], gradients[name] = value, gradient
        state = {f"{self._layers[i].name}/{name}": view for i, name, view in network.state}
        if initialize:
            self._initialize(values | state)
        self._regularize(network)
        self._network, self._values, self._gradients = network, values, gradients
        self._state = state
        self._declared_shape = shape
        self._trainable_changed()
        if initialize:
            warn_of_a_dropped_mask(self._layers, shape)

    def _check_memory(self, shape: tuple[int, ...]) -> None:
        size = np.dtype(self._dtype).itemsize
        widest = math.prod(shape)
        parameters = 0
        shapes = [shape]
        for index, layer in enumerate(self._layers):
            try:
                parameters += sum(math.prod(s) for s in layer.parameter_shapes(shape).values())
                parameters += sum(math.prod(s) for s in layer.state_shapes(shape).values())
                shapes.append(layer.compute_output_shape(shape))
            except ValueError:
                if index:
                    check_for_sequences(self._layers[index - 1], layer, *shapes[-2:])
                raise
            shape = shapes[-1]
            widest = max(widest, math.prod(shape))
        needed = (2 * parameters + widest) * size
        # To ask takes longer than to build a small model.
        if needed > 2**24 and needed > _core.available_memory():
            raise MemoryError(
                f"the model needs {needed / 2**30:.3g} GiB for {parameters:,} parameters, their "
                f"gradients and one sample, more than the machine can spare"
            )

    def _initialize(self, values: dict[str, Array]) -> None:
        for index, layer in enumerate(self._layers):
            every = layer.parameter_initializers | layer.state_initializers
            for number, (name, initializer) in enumerate(every.items()):
                try:
                    view = values[f"{layer.name}/{name}"]
                    initializer.start(view, self.seed, stream_of(index, number))
                except ValueError as error:
                    raise ValueError(f"{layer.name}/{name}: {error}") from None

    def _regularize(self, network: _core.Network) -> None:
        for index, layer in enumerate(self._layers):
            if layer.activity_regularizer is not None:
                network.set_activity_penalty(index, *layer.activity_regularizer.penalty())
        for number, (index, parameter, value, _) in enumerate(network.parameters):
            layer = self._layers[index]
            regularizer = layer.parameter_regularizers.get(parameter)
            if regularizer is not None:
                network.set_penalty(number, *regularizer.penalty())
            constraint = layer.parameter_constraints.get(parameter)
            if constraint is not None:
                try:
                    network.set_constraint(number, constraint.native(value.ndim))
                except ValueError as error:
                    raise ValueError(f"{layer.name}/{parameter}: {error}") from None

    def _rebuild(self) -> None:
        """After layers came or went: a new network, with the numbers of the layers that stayed."""
        before, self._network = self._values | self._state, None
        if self._declared_shape is not None and self._layers:
            self._build(self._declared_shape)
            after = self._values | self._state
            for name in before.keys() & after.keys():
                if before[name].shape == after[name].shape:
                    after[name][...] = before[name]

    def _built_for(self, x: Array) -> AbstractContextManager[_core.Network]:
        """The network for these samples.

        Where the body fails, a chain that was only built for them is unbuilt again: a first call
        with wrong data leaves no trace.
        """
        # Predictions of single samples take microseconds: this way in must be short.
        return self._newly_built_for(x) if self._network is None else nullcontext(self._network)

    @contextmanager
    def _newly_built_for(self, x: Array) -> Iterator[_core.Network]:
        declared = self._declared_shape
        if declared is None:
            self._build(x.shape[1:])
        try:
            yield self.native
        except BaseException:
            self._network, self._values, self._gradients, self._state = None, {}, {}, {}
            self._declared_shape = declared
            raise

    @property
    def input_shape(self) -> tuple[int, ...] | None:
        """Shape of one sample, or None before it is known."""
        return self._declared_shape

    @property
    def vocabulary(self) -> int:
        """How many ids there are, if samples are ids instead of numbers; else 0."""
        return self._layers[0].vocabulary if self._layers else 0

    @property
    def masks_output(self) -> bool:
        """Whether a mask of time steps reaches the outputs, which then count where it is."""
        return masked_axes(self._layers, self.native.input_shape)[-1] > 0

    @property
    def dense_first(self) -> bool:
        """Whether a dense layer sums up samples' numbers as they come."""
        passing = (Flatten, Dropout)
        first = next((layer for layer in self._layers if not isinstance(layer, passing)), None)
        return isinstance(first, Dense)

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of one sample behind the last layer."""
        return self.native.output_shape

    # ---- numbers -----------------------------------------------------------------------------

    @property
    def parameters(self) -> Views:
        """Live views of the parameters by "layer/parameter"; see `Views`."""
        views = self._parameter_views()
        self._views_given = True
        return views

    @property
    def gradients(self) -> Views:
        """Live views of ∂L/∂parameter, as the last `backward` left them.

        `fit` and `train_on_batch` update at once and leave numbers of no meaning here.
        """
        _ = self.native
        self._views_given = True
        return Views(self._gradients, "gradient")

    def _parameter_views(self) -> Views:
        """The parameters for use within one call."""
        _ = self.native
        return Views(self._values)

    @property
    def state(self) -> Views:
        """Live views of numbers that training changes but no gradient (moving statistics)."""
        _ = self.native
        self._views_given = True
        return Views(self._state, "state")

    def _weight_views(self) -> Views:
        """Parameters and state, layer by layer, for use within one call."""
        _ = self.native
        if not self._state:
            return Views(self._values)
        every = self._values | self._state
        names = [
            f"{layer.name}/{name}"
            for layer in self._layers
            for name in (*layer.parameter_initializers, *layer.state_initializers)
        ]
        return Views({name: every[name] for name in names}, "weight")

    def get_weights(self) -> list[Array]:
        """Copies of the parameters and the state: layer by layer, in each the parameters first."""
        with self.lock:
            return [view.copy() for view in self._weight_views().values()]

    def set_weights(self, weights: Sequence[npt.ArrayLike]) -> None:
        """Copies arrays, in the order of `get_weights`, into the parameters and the state."""
        with self.lock:
            copy_all(self._weight_views(), weights)

    def count_params(self) -> int:
        """How many numbers the parameters and the state hold."""
        return sum(view.size for view in self._weight_views().values())

    # ---- freezing ----------------------------------------------------------------------------

    @property
    def trainable(self) -> bool:
        """Whether any parameter learns; setting it sets all."""
        return any(layer.trainable for layer in self._layers)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        with self.lock:
            for layer in self._layers:
                layer.trainable = value

    def freeze(self, pattern: str) -> None:
        """Freezes the parameters whose name matches: no gradient, no update, no decay.

        Files, pickle and copies keep what is frozen, `summary` shows it; `repr` can only tell of
        layers frozen as a whole.

        Parameters
        ----------
        pattern : str
            As in file names: ``"*/bias"``, ``"dense/*"``, ``"*"``.

        Raises
        ------
        ValueError
            Where nothing matches; it lists the names.

        Examples
        --------
        >>> import mundur as md
        >>> model = md.Model([md.layers.Dense(2)], input_shape=(3,), seed=0)
        >>> model.freeze("*/bias")
        >>> model.trainable_parameters
        ['dense/kernel']
        """
        self._set_trainable(pattern, False)

    def unfreeze(self, pattern: str) -> None:
        """Lets the parameters whose name matches learn again; see `freeze`."""
        self._set_trainable(pattern, True)

    @property
    def trainable_parameters(self) -> list[str]:
        """Names of the parameters that learn."""
        return [name for name, layer, parameter in self._named() if layer.is_trainable(parameter)]

    def _named(self) -> Iterable[tuple[str, Layer, str]]:
        for layer in self._layers:
            for parameter in layer.parameter_initializers:
                yield f"{layer.name}/{parameter}", layer, parameter

    def _set_trainable(self, pattern: str, value: bool) -> None:
        if not isinstance(pattern, str):
            raise TypeError(f"pattern must be text such as '*/bias'; got {shown(pattern)}")
        import fnmatch

        named = list(self._named())
        matching = [entry for entry in named if fnmatch.fnmatchcase(entry[0], pattern)]
        # A layer without parameters goes by the names of its state.
        bare = [
            layer
            for layer in self._layers
            if not layer.parameter_initializers
            and any(
                fnmatch.fnmatchcase(f"{layer.name}/{state}", pattern)
                for state in layer.state_initializers
            )
        ]
        if not (matching or bare):
            known = ", ".join(name for name, _, _ in named) or "none"
            raise ValueError(f"no parameter matches {pattern!r} (known: {known})")
        with self.lock:
            for _, layer, parameter in matching:
                layer.set_trainable(parameter, value)
            for layer in bare:
                layer.trainable = value

    def _trainable_changed(self) -> None:
        if self._network is not None:
            flags = [layer.is_trainable(parameter) for _, layer, parameter in self._named()]
            self._network.set_trainable(flags)
            learning = [flag for layer in self._layers for flag in layer.learning_flags()]
            self._network.set_learning(learning)

    # ---- by hand -----------------------------------------------------------------------------

    def forward(self, x: Any, training: bool = False) -> Array:
        """The outputs for samples; keeps what `backward` needs.

        Every forward does, with `training` or without, in place of what the last one kept.

        Parameters
        ----------
        x : array (samples, *input_shape)
            Any real dtype.
        training : bool, default False
            Whether dropout drops and BatchNormalization goes by the batch.

        Returns
        -------
        ndarray (samples, *output_shape)

        Raises
        ------
        TypeError, ValueError
            For arrays of the wrong dtype or shape.

        Examples
        --------
        >>> import mundur as md, numpy as np
        >>> model = md.Model([md.layers.Dense(2, kernel_initializer="ones")], seed=0)
        >>> model.forward(np.ones((1, 3)))
        array([[3., 3.]], dtype=float32)
        """
        training = boolean(training, "training")
        with self.lock:
            x = arrays.features(x, self._declared_shape)
            with self._built_for(x) as network:
                try:
                    return network.forward(x, training)
                except ValueError:
                    if self.vocabulary:
                        arrays.check_ids(x, self.vocabulary, "x")
                    raise

    __call__ = forward

    def penalty(self) -> float:
        """What regularizers add to the loss: for weights as they are, activities as of `forward`.

        ``loss(y, y_pred) + model.penalty()`` is the loss that `fit` and `evaluate` report and that
        the gradients of `backward` belong to. The activities' part, over the samples of the last
        `forward`, is 0 before any, and again after training.

        Examples
        --------
        >>> import mundur as md
        >>> layer = md.layers.Dense(1, kernel_initializer="ones", kernel_regularizer="l2")
        >>> md.Model([layer], input_shape=(3,), seed=0).penalty()
        0.03
        """
        with self.lock:
            return self.native.penalty()

    def backward(self, delta: Any) -> Array:
        """∂L/∂x from delta = ∂L/∂outputs of the last `forward`; fills the gradients.

        Regularizers' part is in both.

        Parameters
        ----------
        delta : array (samples, *output_shape)
            For instance ``loss.gradient(y, y_pred)``.

        Returns
        -------
        ndarray (samples, *input_shape)

        Raises
        ------
        RuntimeError
            Before any `forward`.
        ValueError
            For another shape than that forward's outputs.

        Examples
        --------
        >>> import mundur as md, numpy as np
        >>> model = md.Model([md.layers.Dense(1, kernel_initializer="ones")], seed=0)
        >>> y = model.forward(np.ones((1, 2)), training=True)
        >>> model.backward([[2.0]])
        array([[2., 2.]], dtype=float32)
        >>> model.gradients["dense/kernel"].ravel()
        array([2., 2.], dtype=float32)
        """
        with self.lock:
            delta = arrays.real_array(delta, "delta")
            wanted = self.native.output_shape
            if delta.shape[1:] != wanted or delta.ndim != 1 + len(wanted):
                shape = ", ".join(map(str, ("samples", *wanted)))
                raise ValueError(f"delta must have shape ({shape}); got {delta.shape}")
            with _core.to_nearest:
                delta = np.ascontiguousarray(delta, self._dtype)
            try:
                return self.native.backward(delta)
            except ValueError as error:
                raise ValueError(f"{error}; got {delta.shape}") from None

    def __repr__(self) -> str:
        parts = [f"[{', '.join(map(repr, self._layers))}]"]
        if self.name != "model":
            parts.append(f"name={self.name!r}")
        parts.append(f"seed={self.seed}")
        if self.dtype != "float32":
            parts.append(f"dtype={self.dtype!r}")
        if self.compute_dtype != self.dtype:
            parts.append(f"compute_dtype={self.compute_dtype!r}")
        first = self._layers[0].input_shape if self._layers else None
        if self.input_shape is not None and first is None:
            parts.append(f"input_shape={self.input_shape}")
        return f"Model({', '.join(parts)})"


def _opened(device: Any) -> tuple[str, _core.Gpu | None]:
    """The name of a device, checked, and the GPU that it is."""
    if isinstance(device, str) and device == "cpu":
        return device, None
    from .._support.devices import open_device  # few ask for one

    return open_device(device)


def _warn_of_no_gain(compute_dtype: str) -> None:
    """Once for each kind of bfloat16 that this CPU computes no faster than float32."""
    if compute_dtype not in ROUNDED or compute_dtype in _WARNED_OF:
        return
    _WARNED_OF.add(compute_dtype)
    fast = _core.build_info()["fast_compute_dtypes"]
    if compute_dtype not in fast:
        hint = "".join(f', but "{kind}" does' for kind in fast)
        warnings.warn(
            f'compute_dtype="{compute_dtype}" gains no speed over float32 on this CPU{hint}',
            UserWarning,
            stacklevel=5,
        )
