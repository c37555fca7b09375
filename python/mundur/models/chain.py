"""A chain of layers and its memory, made once the input shape is known."""

from __future__ import annotations

import math
import os
import sys
import warnings
import weakref
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import RLock
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .. import _core
from .._support.checks import (
    compute_dtype_name,
    dtype_name,
    extents,
    fresh_seed,
    identifier,
    integer,
    seed_value,
)
from .._support.names import check_assignment, checked_keywords, unknown
from ..initializers.base import stream_of
from ..layers.base import Layer, name_among
from ..layers.input import InputLayer

__all__ = ["Chain"]

Array = npt.NDArray[Any]


_CHAINS: weakref.WeakSet[Chain] = weakref.WeakSet()


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
            check_assignment(self, name, ("lock",), vars(self))
        object.__setattr__(self, name, value)

    def __init__(self, seed: int | None, dtype: Any, compute_dtype: Any, device: str) -> None:
        if not isinstance(device, str) or device != "cpu":
            raise ValueError(f'device must be "cpu", the only one for now; got {device!r}')
        self._dtype = dtype_name(dtype)
        self._compute_dtype = compute_dtype_name(compute_dtype, self._dtype)
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
        """What the products of dense layers compute in: `dtype`, or "bfloat16".

        In bfloat16 a product's two operands are rounded to 8 bits of precision (to nearest, ties
        to even, subnormal numbers to zeros); the sums are float32. Parameters, their updates,
        biases, activations, losses and everything else stay float32. With AVX512_BF16 a large
        network trains about 1.8 times as fast; other CPUs emulate it, to the bit, and gain nothing
        (AVX-512 alone is as fast as in float32, AVX2 takes 1.4 times as long, the rest longer).

        It costs accuracy: an operand is off by up to 2⁻⁹ of itself (float32: 2⁻²⁵), so outputs and
        gradients are off by some thousandths, and a loss stops falling earlier. Classifiers hardly
        notice: 784-128-10 on MNIST, 10 epochs of Adam, five seeds, 97.69% instead of 97.67%.

        Notes
        -----
        A sum runs over pairs of neighbours k, k + 1, as the instruction VDPBF16PS has it: the odd
        element's product is added first, then the even one's, each fused and rounded once; a
        result below float32's normal range becomes 0. A missing last partner counts as 0 · 0.
        Two products stay in float32: forward with at most 4 outputs and at least 32 inputs (so a
        regressor's head), and the inputs' gradient with at most 4 inputs and at least 32 outputs.
        """
        return self._compute_dtype

    @property
    def device(self) -> str:
        """Where the model computes, always "cpu"."""
        return "cpu"

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
            raise TypeError(f"a layer must be an instance of md.Layer; got {layer!r}{hint}")
        if layer.owner is not None:
            raise ValueError(
                f"layer {layer.name!r} is already part of a model; make a new one or a deepcopy"
            )
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

    def _trainable_changed(self) -> None:
        """Tells the network which parameters learn."""

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
        if any(layer.vocabulary for layer in list(_with_inner(self._layers))[1:]):
            raise ValueError("Embedding takes ids, so it must be the first layer")
        specs = [layer.describe() for layer in self._layers]
        names = [layer.name for layer in self._layers]
        network = _core.Network(specs, shape, self._dtype, self.seed, self._compute_dtype, names)
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
            _warn_of_a_dropped_mask(self._layers)

    def _check_memory(self, shape: tuple[int, ...]) -> None:
        size = np.dtype(self._dtype).itemsize
        widest = math.prod(shape)
        parameters = 0
        for layer in self._layers:
            parameters += sum(math.prod(s) for s in layer.parameter_shapes(shape).values())
            parameters += sum(math.prod(s) for s in layer.state_shapes(shape).values())
            shape = layer.compute_output_shape(shape)
            widest = max(widest, math.prod(shape))
        needed = (2 * parameters + widest) * size
        if needed > _core.available_memory():
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
        return _masked(self._layers)[-1]

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of one sample behind the last layer."""
        return self.native.output_shape

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


def _with_inner(layers: Sequence[Layer]) -> Iterator[Layer]:
    for layer in layers:
        yield layer
        yield from _with_inner(getattr(layer, "inner", ()))


def _masked(layers: Sequence[Layer]) -> list[bool]:
    """Whether a mask of time steps comes to each layer, and then to the outputs."""
    masked = [False]
    for layer in layers:
        flow = layer.mask_flow
        masked.append(flow == "makes" or (masked[-1] and flow == "passes"))
    return masked


def _warn_of_a_dropped_mask(layers: Sequence[Layer]) -> None:
    for layer, masked in zip(layers, _masked(layers), strict=False):  # the outputs drop nothing
        if masked and layer.mask_flow == "drops":
            warnings.warn(
                f"{layer.name} ({type(layer).__name__}) drops the mask of time steps: it takes "
                "padding for data, and layers behind it see no mask; without Masking or "
                "mask_zero=True in front of it this warning goes",
                UserWarning,
                stacklevel=2,
            )
