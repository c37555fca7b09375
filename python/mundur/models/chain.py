"""Layers, in a chain or a graph, and their memory, made once the input shape is known."""

from __future__ import annotations

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
from .._support.views import Variable, Views, copy_all, variables
from ..data import arrays
from ..data.arrays import ONE, Ports, Several, arrays_in, for_core
from ..initializers.base import stream_of
from ..layers.base import Layer, name_among
from ..layers.dense import Dense
from ..layers.dropout import Dropout
from ..layers.input import (
    Call,
    InputLayer,
    Symbol,
    batch_of,
    is_symbolic,
    refuse_training,
    symbols_in,
)
from ..layers.recurrent import Recurrent
from ..layers.shape import Flatten
from .graph import Graph, in_order, warn_of_a_dropped_mask, with_inner

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
    """Layers, their names, and the native network made of them.

    They stand one behind the other, unless symbolic values say how they are connected.
    """

    _given_name: str | None = None
    _automatic_name = "model"
    _kind = "model"
    _made = False  # whether the constructor is done
    _is_alone = False  # whether it computes layer(array), and nothing else
    _is_part = False  # whether it was called on symbolic values, or stands in another model
    _ports_in = _ports_out = ONE
    _takes_one = True  # array, by itself
    _inputs: tuple[Symbol, ...] | None = None  # of a graph; of a chain once somebody asks
    _outputs: tuple[Symbol, ...] = ()
    _order: list[Call] | None = None  # None: a chain

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
        self._layers: list[Any] = []  # and models
        self._graph: Graph | None = None
        self._shared: list[Layer] = []  # which other models have as well
        self._kin: weakref.WeakSet[Chain] = weakref.WeakSet()  # those models
        self._declared_shape: tuple[int, ...] | None = None
        self._batch: int | None = None  # samples of each batch, if an Input said so
        self._network: _core.Network | None = None
        self._values: dict[str, Array] = {}
        self._gradients: dict[str, Array] = {}
        self._state: dict[str, Array] = {}
        self._views_given = False
        self._flags: tuple[list[bool], list[bool]] | None = None  # what the network was told

    if not TYPE_CHECKING:  # else type checkers would believe in any name

        def __getattr__(self, name: str) -> object:
            raise unknown(self, name)

    # ---- layers ------------------------------------------------------------------------------

    @property
    def layers(self) -> list[Any]:
        """The layers in order (a copy of the list), models among them where there are some."""
        return list(self._layers)

    @property
    def name(self) -> str:
        """What the model is called in its summary, and as a layer of another model."""
        return self._given_name or self._automatic_name

    @name.setter
    def name(self, value: str) -> None:
        self._given_name = identifier(value, "name")

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

    def get_layer(self, name: str | None = None, index: int | None = None) -> Any:
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
        if isinstance(layer, (InputLayer, Symbol)):
            shape = layer.shape if isinstance(layer, InputLayer) else layer.sample
            if isinstance(layer, Symbol) and layer.call is not None:
                raise TypeError(
                    f"a layer must be an instance of md.Layer; got {layer!r}: values of a graph go "
                    "into Model(inputs, outputs)"
                )
            if self._layers:
                raise ValueError("an Input must come before the layers")
            self._declare(shape)
            self._batch = layer.batch
            return
        self._take(layer)
        if isinstance(layer, Layer) and layer._merges:
            layer.compute_output_shape((1,))  # which says that it joins several
        if isinstance(layer, Layer) and layer._makes > 1:
            raise ValueError(
                f"{layer.name!r} gives its last state as well, return_state=True, and in a chain "
                "there is no place for it: call it in a graph, y, *states = layer(x), for a "
                "Model(inputs, outputs)"
            )
        declared = layer._declared_shape if isinstance(layer, Chain) else layer.input_shape
        if declared is not None and not (self._layers and isinstance(layer, Chain)):
            if self._layers:
                raise ValueError(
                    f"input_shape= belongs to the first layer; {layer.name!r} is layer "
                    f"{len(self._layers)}"
                )
            self._declare(declared)
        self._layers.append(layer)
        if isinstance(layer, Chain):
            layer._is_part = True

    def _take(self, layer: Any, shares: bool = False) -> None:
        """What becomes a part of the model, checked and named; a graph may share it with others."""
        if isinstance(layer, Chain):
            self._check_model(layer, shares)
            if layer._given_name is None:
                name_among(layer, self._layers)
            elif any(layer.name == other.name for other in self._layers):
                raise ValueError(f"two layers are named {layer.name!r}; names must be distinct")
            return
        if not isinstance(layer, Layer):
            hint = "; make an instance of it" if isinstance(layer, type) else ""
            raise TypeError(f"a layer must be an instance of md.Layer; got {shown(layer)}{hint}")
        owner = layer.owner
        is_free = owner is None or getattr(owner, "_is_alone", False)
        if not is_free and not (shares and isinstance(owner, Chain)):
            raise ValueError(
                f"layer {layer.name!r} is already part of a model; make a new one or a deepcopy"
            )
        self._check_dtype(layer)
        layer.describe()
        keeps_name = owner is not None and all(layer.name != other.name for other in self._layers)
        if not keeps_name:
            name_among(layer, self._layers)
        if owner is None:
            layer._owner = weakref.ref(self)

    def _check_model(self, model: Chain, shares: bool) -> None:
        """Raises where a model cannot be a part of this one."""
        if not shares and len(model._ports_in.names) > 1:
            raise ValueError(
                f"model {model.name!r} takes {len(model._ports_in.names)} inputs, and in a chain "
                "there is one: call it on them, for a Model(inputs, outputs)"
            )
        if model._holds_model(self):
            raise ValueError(f"{model.name!r} cannot be a part of itself: the graph has a cycle")
        if not shares and model in self._layers:
            raise ValueError(f"model {model.name!r} is part of this one already")
        if model.dtype != self.dtype:
            raise ValueError(
                f"a model of {model.dtype} cannot be part of one of {self.dtype}: make both of one "
                "dtype, Model(..., dtype=...)"
            )
        if not model._layers:
            raise ValueError(f"model {model.name!r} has no layers yet; add some first")

    def _holds_model(self, model: Chain) -> bool:
        inner = (layer for layer in self._layers if isinstance(layer, Chain))
        return self is model or any(one._holds_model(model) for one in inner)

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
            if isinstance(layer, Chain):
                self._check_model(layer, False)
            self._before_change("add")
            self._append(layer)
            if self.built:
                self._rebuild()

    @checked_keywords(ignored={"rebuild": True})
    def pop(self) -> Any:
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
        if self._order is not None:
            raise RuntimeError(
                f"{what} is for chains, and {self.name!r} is a graph: make another one, "
                "Model(model.inputs, layer(model.output))"
            )
        if self._is_part:
            raise RuntimeError(
                f"{what} would change {self.name!r} within a graph or a model that has it as a "
                f"layer; {what} layers before, or to copy.deepcopy(model)"
            )
        self._forget_symbols()
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
            if self._declared_shape is None and self._order is None:
                raise RuntimeError(
                    "the model does not know its input shape yet; pass input_shape= to it or to "
                    "its first layer, call build(shape), or give it data through fit or forward"
                )
            self._build(self._declared_shape)
        if self._shared:
            self._take_over()
        assert self._network is not None
        return self._network

    def _take_over(self) -> None:
        from .kin import take_over

        take_over(self)

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

    def _build(self, shape: tuple[int, ...] | None, initialize: bool = True) -> None:
        """The network, of a chain for samples of this shape."""
        if not self._layers:
            raise ValueError("a model needs at least one layer")
        self._make(self._planned(shape), initialize)
        if self._order is None:
            self._declared_shape = shape

    def _planned(self, shape: tuple[int, ...] | None) -> Graph:
        """The graph, of a chain for samples of this shape."""
        if self._order is None:
            assert shape is not None
            return self._graph_for([("", shape)])
        assert self._inputs is not None
        names = [""] if self._ports_in.alone else self._ports_in.names
        return self._graph_for([(n, x.sample) for n, x in zip(names, self._inputs, strict=True)])

    def _graph_for(
        self, inputs: list[tuple[str, tuple[int, ...]]], batch: int | None = None
    ) -> Graph:
        graph = Graph(inputs, batch or self._batch)
        graph.outputs = self._wire(graph, range(len(inputs)), "")
        return graph

    def _wire(self, graph: Graph, sources: Sequence[int], within: str) -> tuple[int, ...]:
        """Calls the layers in a graph; the numbers of what comes out."""
        values = tuple(sources)
        if self._order is None:
            for layer in self._layers:
                values = graph.add(layer, values, within)
            return values
        assert self._inputs is not None
        known = {id(x): value for x, value in zip(self._inputs, values, strict=True)}
        for call in self._order:
            made = graph.add(call.layer, [known[id(x)] for x in call.inputs], within)
            known |= {id(x): value for x, value in zip(call.outputs, made, strict=True)}
        return tuple(known[id(x)] for x in self._outputs)

    def _make(self, graph: Graph, initialize: bool) -> None:
        """The network of a graph."""
        graph.check_memory(self._dtype)
        network = graph.native(self._dtype, self.seed, self._compute_dtype, self._gpu)
        values, gradients = {}, {}
        for index, parameter, value, gradient in network.parameters:
            name = f"{graph.names[index]}/{parameter}"
            values[name], gradients[name] = value, gradient
        state = {f"{graph.names[i]}/{name}": view for i, name, view in network.state}
        if initialize:
            self._initialize(graph, values | state)
        self._regularize(graph, network)
        self._graph, self._network = graph, network
        self._values, self._gradients, self._state = values, gradients, state
        self._flags = None
        self._trainable_changed()
        if any(layer.owner is not self for layer in graph.layers):
            from .kin import adopt

            adopt(self)
        if initialize:
            warn_of_a_dropped_mask(graph)

    def _initialize(self, graph: Graph, values: dict[str, Array]) -> None:
        for index, layer in enumerate(graph.layers):
            every = layer.parameter_initializers | layer.state_initializers
            for number, (name, initializer) in enumerate(every.items()):
                name = f"{graph.names[index]}/{name}"
                try:
                    initializer.start(values[name], self.seed, stream_of(index, number))
                except ValueError as error:
                    raise ValueError(f"{name}: {error}") from None

    def _regularize(self, graph: Graph, network: _core.Network) -> None:
        for index, layer in enumerate(graph.layers):
            if layer.activity_regularizer is not None:
                network.set_activity_penalty(index, *layer.activity_regularizer.penalty())
        for number, (index, parameter, value, _) in enumerate(network.parameters):
            layer = graph.layers[index]
            regularizer = layer.parameter_regularizers.get(parameter)
            if regularizer is not None:
                network.set_penalty(number, *regularizer.penalty())
            constraint = layer.parameter_constraints.get(parameter)
            if constraint is not None:
                try:
                    network.set_constraint(number, constraint.native(value.ndim))
                except ValueError as error:
                    raise ValueError(f"{graph.names[index]}/{parameter}: {error}") from None

    def _rebuild(self) -> None:
        """After layers came or went: a new network, with the numbers of the layers that stayed."""
        before, self._network, self._graph = self._values | self._state, None, None
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
        if self._shared:
            self._take_over()
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
            self._graph = None
            self._declared_shape = declared
            raise

    # ---- symbolic values ---------------------------------------------------------------------

    def _connect(self, inputs: Any, outputs: Any, build: bool = True) -> None:
        """The graph that leads from symbolic values to others."""
        given, made = symbols_in(inputs, "inputs"), symbols_in(outputs, "outputs")
        if len({id(x) for x in given}) < len(given):
            raise ValueError("inputs: a symbolic value comes twice; give each once")
        self._order = in_order(given, made)
        if not self._order:
            raise ValueError("outputs must be made by a layer; got what is an input itself")
        for call in self._order:
            if all(call.layer is not layer for layer in self._layers):
                self._take(call.layer, shares=True)
                self._layers.append(call.layer)
        self._inputs, self._outputs = given, made
        self._ports_in = _ports(inputs, [x.given_name for x in given], "input_layer", "input")
        makers = [x.name if x.call else x.given_name for x in made]
        self._ports_out = _ports(outputs, makers, "output", "output")
        self._takes_one = self._ports_in.kind is object
        self._batch = batch_of(given)
        if len(given) == 1:
            self._declared_shape = given[0].sample
        if build:
            self._build(self._declared_shape)

    def _called(self, x: Any) -> Any:
        """What model(x) is: symbolic values."""
        what = f"what {self.name} is called on"
        symbols = symbols_in(x, what)
        if len(self._ports_in.names) > 1:
            symbols = self._ports_in.parts(x, what)
        return self._ports_out.as_given(Several(self._call_on(symbols).outputs))

    def _call_on(self, symbols: Sequence[Symbol]) -> Call:
        shapes = [symbol.sample for symbol in symbols]
        if len(symbols) != len(self._ports_in.names):
            raise ValueError(
                f"{self.name} takes {len(self._ports_in.names)} values; it was called on "
                f"{len(symbols)}"
            )
        if self._order is None:
            self._declare(shapes[0])
        else:
            assert self._inputs is not None
            wanted = [symbol.sample for symbol in self._inputs]
            if shapes != wanted:
                raise ValueError(
                    f"{self.name} takes samples of {', '.join(map(str, wanted))}; it was called on "
                    f"{', '.join(map(str, shapes))}"
                )
        graph = self._graph_for([("", shape) for shape in shapes], batch_of(symbols))
        self._is_part = True
        return Call(self, symbols, [graph.shapes[value] for value in graph.outputs])

    def _call_symbolically(self) -> None:
        """Calls a chain's layers on a symbolic value, if nobody has."""
        if self._inputs is not None:
            return
        if self._declared_shape is None:
            raise RuntimeError(
                "the model has no symbolic values before it knows its input shape; pass "
                "input_shape= to it, or begin it with an Input"
            )
        x: Any = Symbol(self._declared_shape, None, batch=self._batch)
        self._inputs = (x,)
        for layer in self._layers:
            x = layer._called(x) if isinstance(layer, Chain) else layer(x)
        self._outputs = (x,)

    def _forget_symbols(self) -> None:
        """A chain's, of the layers that it had: others will take their place."""
        call = self._outputs[0].call if self._outputs else None
        while call is not None:
            if isinstance(call.layer, Layer):
                call.layer._calls.remove(call)
            call = call.inputs[0].call
        self._inputs, self._outputs = None, ()

    @property
    def inputs(self) -> list[Symbol]:
        """The symbolic values that the model begins with, for another Model(inputs, outputs)."""
        self._call_symbolically()
        assert self._inputs is not None
        return list(self._inputs)

    @property
    def outputs(self) -> list[Symbol]:
        """The symbolic values that it ends with."""
        self._call_symbolically()
        return list(self._outputs)

    @property
    def input(self) -> Any:
        """As `inputs`, but one by itself, and several as the model was made with them."""
        return self._ports_in.as_given(Several(self.inputs))

    @property
    def output(self) -> Any:
        """As `outputs`, but one by itself, and several as the model was made with them."""
        return self._ports_out.as_given(Several(self.outputs))

    @property
    def input_names(self) -> list[str]:
        """What a dict of arrays calls the inputs."""
        return list(self._ports_in.names)

    @property
    def output_names(self) -> list[str]:
        """What a dict of targets, and the logs, call the outputs."""
        return list(self._ports_out.names)

    def _features(self, x: Any, name: str = "x") -> Any:
        """Samples for the model, checked: an array, or several."""
        if self._takes_one and type(x) is not dict:
            if type(x) in (list, tuple):
                x = self._alone_in(x)
            return arrays.features(x, self._declared_shape, name)
        shapes = self._graph_built.shapes

        def check(number: int, part: Any, called: str) -> Array:
            return arrays.features(part, shapes[number], called)

        return self._ports_in.checked(x, name, check)

    def _alone_in(self, x: Any) -> Any:
        """What a list, as of the arrays of several inputs, holds of one input."""
        shape = self._declared_shape
        if shape is None or len(x) != 1 or getattr(x[0], "ndim", None) != 1 + len(shape):
            return x
        return x[0]

    @property
    def _graph_built(self) -> Graph:
        _ = self.native
        assert self._graph is not None
        return self._graph

    @property
    def input_shape(self) -> Any:
        """Shape of one sample, a list of them for several inputs; None before it is known."""
        if len(self._ports_in.names) > 1:
            return self._graph_built.shapes[: len(self._ports_in.names)]
        return self._declared_shape

    @property
    def vocabularies(self) -> list[int]:
        """How many ids there are for each input whose samples are ids, not numbers; else 0."""
        if self._graph is not None:
            return self._graph.vocabularies
        if self._order is not None:
            return self._planned(None).vocabularies
        return [self._layers[0].vocabulary if self._layers else 0]

    @property
    def vocabulary(self) -> int:
        """The same of the first input."""
        return self.vocabularies[0]

    @property
    def masks_output(self) -> bool:
        """Whether a mask of time steps reaches the outputs, which then count where it is."""
        return self._graph_built.masks_output

    @property
    def dense_first(self) -> bool:
        """Whether a dense layer sums up samples' numbers as they come."""
        graph, passing = self._graph_built, {0}
        for value, (number, sources) in enumerate(graph.calls, len(graph.inputs)):
            layer = graph.layers[number]
            if passing.isdisjoint(sources):
                continue
            if isinstance(layer, Dense):
                return len(graph.inputs) == 1
            if isinstance(layer, (Flatten, Dropout)):
                passing.add(value)
        return False

    @property
    def output_shape(self) -> Any:
        """Shape of one sample behind the last layer; a list of them for several outputs."""
        shapes = self.native.output_shapes
        return shapes[0] if len(shapes) == 1 else shapes

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
        every, graph = self._values | self._state, self._graph_built
        names = [
            f"{within}/{name}"
            for layer, within in zip(graph.layers, graph.names, strict=True)
            for name in layer.weight_names
        ]
        return Views({name: every[name] for name in names}, "weight")

    def _views_of(self, layer: Layer) -> dict[str, Array]:
        """A layer's parameters and then its state, by name, for use within one call."""
        graph = self._graph or self._graph_built
        number = graph.number_of(layer)
        assert number is not None
        within, every = graph.names[number], self._values | self._state
        names = (*layer.parameter_initializers, *layer.state_initializers)
        return {name: every[f"{within}/{name}"] for name in names}

    @property
    def weights(self) -> list[Variable]:
        """Live views of parameters and state, in the order of `get_weights`, with their names.

        `variables` is another name; there are none before the input shape is known.
        """
        if self._network is None and self._declared_shape is None:
            return []
        self._views_given = True
        return variables(self._weight_views(), self.trainable_parameters)

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

    def reset_states(self) -> None:
        """Sets what stateful layers keep from batch to batch to zeros.

        See `LSTM`; layers do it one by one with `reset_state`. Without any nothing happens.

        Examples
        --------
        >>> import mundur as md, numpy as np
        >>> memory = md.layers.SimpleRNN(1, stateful=True, kernel_initializer="ones")
        >>> model = md.Model([md.Input((2, 1), batch_size=1), memory], seed=0)
        >>> first = model.predict(np.ones((1, 2, 1)), batch_size=1)
        >>> second = model.predict(np.ones((1, 2, 1)), batch_size=1)
        >>> model.reset_states()
        >>> again = model.predict(np.ones((1, 2, 1)), batch_size=1)
        >>> bool(second != first), bool(again == first)
        (True, True)
        """
        with self.lock:
            for layer in with_inner([layer for _, layer in self._parts()]):
                if isinstance(layer, Recurrent) and layer.stateful:
                    layer.reset_state()

    def _as_before(self) -> AbstractContextManager[None]:
        """Where the body fails, what stateful layers keep is as it was."""
        return nullcontext() if self._batch is None else self._restored()

    @contextmanager
    def _restored(self) -> Iterator[None]:
        before = {name: view.copy() for name, view in self._state.items()}
        try:
            yield
        except BaseException:
            for name, values in before.items():
                self._state[name][...] = values
            raise

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

    def _parts(self) -> Iterable[tuple[str, Layer]]:
        """The layers, those of models within for them, with the names that weights go by."""
        if self._graph is not None:
            return zip(self._graph.names, self._graph.layers, strict=True)
        return _leaves(self, "")

    def _named(self) -> Iterable[tuple[str, Layer, str]]:
        for within, layer in self._parts():
            for parameter in layer.parameter_initializers:
                yield f"{within}/{parameter}", layer, parameter

    def _set_trainable(self, pattern: str, value: bool) -> None:
        if not isinstance(pattern, str):
            raise TypeError(f"pattern must be text such as '*/bias'; got {shown(pattern)}")
        import fnmatch

        named = list(self._named())
        matching = [entry for entry in named if fnmatch.fnmatchcase(entry[0], pattern)]
        # A layer without parameters goes by the names of its state.
        bare = [
            layer
            for within, layer in self._parts()
            if not layer.parameter_initializers
            and any(
                fnmatch.fnmatchcase(f"{within}/{state}", pattern)
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
            learning = [flag for _, layer in self._parts() for flag in layer.learning_flags()]
            if (flags, learning) == self._flags:
                return
            self._network.set_trainable(flags)
            self._network.set_learning(learning)
            self._flags = flags, learning

    # ---- by hand -----------------------------------------------------------------------------

    def forward(self, x: Any, training: bool = False) -> Any:
        """The outputs for samples; keeps what `backward` needs.

        Every forward does, with `training` or without, in place of what the last one kept.

        Parameters
        ----------
        x : array (samples, *input_shape)
            Any real dtype; for several inputs a list of arrays, or a dict by name.
        training : bool, default False
            Whether dropout drops and BatchNormalization goes by the batch.

        Returns
        -------
        ndarray (samples, *output_shape)
            Of several outputs a list, or what the model was made with.

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
            x = self._features(x)
            with self._built_for(x) as network:
                try:
                    y = network.forward(for_core(x), training)
                except ValueError:
                    self._check_ids(x)
                    raise
        return y if self._ports_out.kind is object else self._ports_out.as_given(_from_core(y))

    def __call__(self, x: Any, training: bool = False) -> Any:
        """As `forward`; on symbolic values, the model as a piece of another graph."""
        if not is_symbolic(x):
            return self.forward(x, training)
        refuse_training(training)
        return self._called(x)

    def _check_ids(self, x: Any) -> None:
        """Raises where an input holds what is no id."""
        for i, (part, ids) in enumerate(zip(arrays_in(x), self.vocabularies, strict=True)):
            if ids:
                arrays.check_ids(part, ids, self._ports_in.called("x", i))

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

    def backward(self, delta: Any) -> Any:
        """∂L/∂x from delta = ∂L/∂outputs of the last `forward`; fills the gradients.

        Regularizers' part is in both.

        Parameters
        ----------
        delta : array (samples, *output_shape)
            For instance ``loss.gradient(y, y_pred)``; of several outputs all, as `forward` gave
            them.

        Returns
        -------
        ndarray (samples, *input_shape)
            Of several inputs a list, or what the model was made with.

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
            checked = self._ports_out.checked(delta, "delta", self._delta)
            try:
                dx = self.native.backward(for_core(checked))
            except ValueError as error:
                shapes = ", ".join(str(part.shape) for part in arrays_in(checked))
                raise ValueError(f"{error}; got {shapes}") from None
        return dx if self._ports_in.kind is object else self._ports_in.as_given(_from_core(dx))

    def _delta(self, number: int, delta: Any, name: str) -> Array:
        delta = arrays.real_array(delta, name)
        wanted = self.native.output_shapes[number]
        if delta.shape[1:] != wanted or delta.ndim != 1 + len(wanted):
            shape = ", ".join(map(str, ("samples", *wanted)))
            raise ValueError(f"{name} must have shape ({shape}); got {delta.shape}")
        with _core.to_nearest:
            return np.ascontiguousarray(delta, self._dtype)

    def __repr__(self) -> str:
        if self._order is not None:
            ways = ", ".join(self._ports_in.names), ", ".join(self._ports_out.names)
            return f"<Model {self.name!r} of {len(self._layers)} layers: {' → '.join(ways)}>"
        sized = [] if self._batch is None else [Symbol(self.input_shape, None, batch=self._batch)]
        parts = [f"[{', '.join(map(repr, [*sized, *self._layers]))}]"]
        if self.name != "model":
            parts.append(f"name={self.name!r}")
        parts.append(f"seed={self.seed}")
        if self.dtype != "float32":
            parts.append(f"dtype={self.dtype!r}")
        if self.compute_dtype != self.dtype:
            parts.append(f"compute_dtype={self.compute_dtype!r}")
        first = self._layers[0].input_shape if self._layers else None
        if self.input_shape is not None and first is None and not sized:
            parts.append(f"input_shape={self.input_shape}")
        return f"Model({', '.join(parts)})"


def _opened(device: Any) -> tuple[str, _core.Gpu | None]:
    """The name of a device, checked, and the GPU that it is."""
    if isinstance(device, str) and device == "cpu":
        return device, None
    from .._support.devices import open_device  # few ask for one

    return open_device(device)


def _leaves(model: Chain, within: str) -> Iterator[tuple[str, Layer]]:
    """The layers of a model and of those within it, with their names."""
    for layer in model._layers:
        if isinstance(layer, Chain):
            yield from _leaves(layer, f"{within}{layer.name}/")
        else:
            yield within + layer.name, layer


def _from_core(given: Any) -> Any:
    return Several(given) if isinstance(given, tuple) else given


def _ports(given: Any, names: Sequence[str | None], fallback: str, title: str) -> Ports:
    """Inputs or outputs, named as the dict does that they were given in, or as themselves."""
    if isinstance(given, dict):
        return Ports(tuple(identifier(name, f"{title}s") for name in given), dict, title)
    distinct: list[str] = []
    own = [name for name in names if name is not None]
    for name in names:
        if name is not None and title == "input" and own.count(name) > 1:
            raise ValueError(f"two inputs are named {name!r}; names must be distinct")
        base = number = name or fallback
        for count in range(1, len(names) + 1):
            if number not in distinct and (number == name or number not in own):
                break
            number = f"{base}_{count}"
        distinct.append(number)
    kind = object if isinstance(given, Symbol) else type(given)
    return Ports(tuple(distinct), kind, title)


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
