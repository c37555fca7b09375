"""The native network of a model's layers: made once the input shape is known; its numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy.typing as npt

from .. import _core
from .._support.checks import extents
from .._support.lengths import has_length
from .._support.names import checked_keywords
from .._support.views import Variable, Views, copy_all, variables
from ..data.arrays import arrays_in
from ..initializers.base import stream_of
from ..layers.base import Layer
from ..layers.input import InputLayer
from ..layers.recurrent import Recurrent
from .graph import Graph, warn_of_a_dropped_mask, wired, with_inner
from .parts import Array, Parts

__all__ = ["Built"]


class Built(Parts):
    """Layers and the network made of them."""

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
        from .shared_layers import take_over

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
                self._declare(extents(input_shape, "input_shape", lengths=True))
            _ = self.native

    def _build(self, shape: tuple[int, ...] | None, initialize: bool = True) -> None:
        """The network, of a chain for samples of this shape."""
        if not (self._layers or self._traces()):
            raise ValueError("a model needs at least one layer")
        self._make(self._planned(shape), initialize)
        if self._order is None:
            self._declared_shape = shape

    def _traces(self) -> bool:
        """Whether the layers are still to come, from what a subclass writes."""
        return False

    def _planned(self, shape: tuple[int, ...] | None) -> Graph:
        """The graph, of a chain for samples of this shape."""
        if self._order is None:
            assert shape is not None
            return self._graph_of([shape])
        return self._graph_of(self._input_shapes)

    @property
    def _input_shapes(self) -> list[tuple[int, ...]]:
        """Of a sample of each input, as declared."""
        if self._inputs is None or self._order is None:
            return [self._declared_shape] if self._declared_shape is not None else []
        return [x.sample for x in self._inputs]

    def _graph_of(self, shapes: Sequence[tuple[int, ...]]) -> Graph:
        """The graph for samples of these shapes."""
        names = [""] if self._ports_in.alone else self._ports_in.names
        return self._graph_for(list(zip(names, shapes, strict=True)))

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
        return wired(graph, (self._inputs, self._order, self._outputs), sources, within)

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
        self._is_open = any(has_length(shape) for _, shape in graph.inputs)
        self._values, self._gradients, self._state = values, gradients, state
        self._flags = None
        self._trainable_changed()
        owners: list[object] = [layer.owner for layer in graph.layers]
        if any(owner is not self for owner in owners):
            from .shared_layers import adopt

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
        if self._network is None:
            return self._newly_built_for(x)
        if self._is_open:
            self._suit(x)
        return nullcontext(self._network)

    def _suit(self, x: Any) -> None:
        """From now on samples are as long as these, where Input leaves it open."""
        if not self._is_open:
            return
        shapes = [part.shape[1:] for part in arrays_in(x)]
        if self._graph is not None and shapes == [shape for _, shape in self._graph.inputs]:
            return
        graph = self._graph_of(shapes)
        self.native.reshape(shapes, graph.specs())
        self._graph = graph

    @contextmanager
    def _newly_built_for(self, x: Array) -> Iterator[_core.Network]:
        declared = self._declared_shape
        if declared is None:
            self._build(x.shape[1:])
        try:
            native = self.native
            self._suit(x)
            yield native
        except BaseException:
            self._network, self._values, self._gradients, self._state = None, {}, {}, {}
            self._graph = None
            self._declared_shape = declared
            raise

    @property
    def _graph_built(self) -> Graph:
        _ = self.native
        assert self._graph is not None
        return self._graph

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
            if isinstance(layer, Parts):
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
