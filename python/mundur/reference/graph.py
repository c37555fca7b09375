"""The model as a graph: values that several layers read, and layers that are called again.

The chain rule asks for no more than a sum. Where a value is used twice, ∂L/∂ of it is what comes
back from both uses; where a layer is called twice, so is ∂L/∂w of its weights.

The first values, v₁, ..., vₙ, are the inputs. Each call makes one more, or several: the sequence of
a recurrent layer, and its last states.

forward     v = layer(v_i, v_k, ...), one call after the other
backward    δ_v = ∂L/∂v = Σ_u ∂u/∂v δ_u over all calls that made a value u of v, the last first
"""

from collections.abc import Sequence
from copy import deepcopy
from operator import add
from typing import Any

from .check import difference, numerical_gradient
from .layers import Layer
from .layers.container import Nested
from .layers.merging import Merging
from .lists import Mask, Shape, Tensor, filled, flatten, map_elements, shape
from .losses import Loss
from .model import Model, add_mean
from .optimizers import Optimizer


class Graph(Model):
    """Layers that are called on values.

    Parameters
    ----------
    layers : sequence of Layer
    calls : sequence of (int, sequence of int)
        Which layer, and on which values: first come the inputs, then what each call makes.
    outputs : sequence of int
        Values.
    input_shapes : sequence of tuple of int
        The shape of one sample of each input.
    seed : int, default 0

    Examples
    --------
    A value beside what a layer makes of it, y = x + 2x + 1:

    >>> from mundur.reference import layers
    >>> graph = Graph(
    ...     [layers.Rescaling(2.0, offset=1.0), layers.Add()], [(0, [0]), (1, [0, 1])], [2], [(2,)]
    ... )
    >>> graph.forward([[[1.0, 5.0]]]), graph.backward([[[1.0, 1.0]]])
    ([[[4.0, 16.0]]], [[[3.0, 3.0]]])
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        calls: Sequence[tuple[int, Sequence[int]]],
        outputs: Sequence[int],
        input_shapes: Sequence[Shape],
        seed: int = 0,
    ) -> None:
        super().__init__(layers, seed)
        self.made = list(outputs)
        self.calls: list[tuple[Layer, Layer, list[int]]] = []
        self.first: list[int] = []  # of the values that each call makes
        self.values: list[Tensor] = []
        self.losses: list[Loss | None] = []
        self.loss_weights: list[float] = []
        shapes = list(input_shapes)
        self.inputs = len(shapes)
        for number, sources in calls:
            layer = self.layers[number]
            of: Any = [shapes[v] for v in sources]
            if layer.output_shape is None:
                layer.build(of if isinstance(layer, Merging) else of[0], self.rng)
            called = of_its_own(layer)
            if isinstance(called, Merging):
                called.build(of)
            self.first.append(len(shapes))
            shapes += called.output_shapes(called.output_shape or ())
            self.calls.append((layer, called, list(sources)))
        self.built = True

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Return the outputs, a list, for the batches of the inputs, a list."""
        # v_1 = x_1, v_2 = x_2, ...        v = layer(v_i, v_k, ...)
        values: list[Tensor] = list(x)
        masks: list[Mask | None] = [None] * len(values)
        for layer, called, sources in self.calls:
            called.trainable, called.frozen = layer.trainable, layer.frozen
            given = [values[v] for v in sources]
            theirs: Any = [masks[v] for v in sources]
            if isinstance(called, Merging):
                called.masks = theirs
                values += called.forward_all(given, training)
                masks.append(called.compute_mask(given, theirs))
            else:
                called.mask = theirs[0]
                values += called.forward_all(given, training)
                masks.append(called.compute_mask(given[0], theirs[0]))
            masks += [None] * (len(values) - len(masks))
        self.outputs = [values[v] for v in self.first]
        self.values = values
        return [values[v] for v in self.made]

    def backward(self, gradient: Tensor) -> Tensor:
        """Return ∂L/∂x of each input from ∂L/∂y of each output; fill `gradients`."""
        self.deltas: list[Tensor | None] = [None] * len(self.values)
        for v, g in zip(self.made, gradient, strict=True):
            self.meet(v, g)
        for layer in self.layers:
            layer.gradients = {}
        for i in reversed(range(len(self.calls))):
            layer, called, sources = self.calls[i]
            deltas = []
            for v in self.made_by(i):
                delta = self.deltas[v] = self.deltas[v] or zeros_like(self.values[v])
                if layer.activity_regularizer:
                    delta = add_mean(delta, layer.activity_regularizer.gradient(self.values[v]))
                deltas.append(delta)
            for v, g in zip(sources, called.backward_all(deltas), strict=True):
                self.meet(v, g)
            # ∂L/∂w = Σ over the layer's calls
            for name, g in called.gradients.items():
                before = layer.gradients.get(name)
                layer.gradients[name] = g if before is None else map_elements(add, before, g)
        for layer in self.layers:
            layer.add_penalties()
        found = zip(self.deltas[: self.inputs], self.values, strict=False)
        return [delta or zeros_like(value) for delta, value in found]

    def made_by(self, call: int) -> range:
        """Return the values that a call makes."""
        return range(self.first[call], [*self.first, len(self.values)][call + 1])

    def meet(self, v: int, g: Tensor) -> None:
        """Add what one use of a value sends back to what others have."""
        # δ_v = Σ_u ∂u/∂v δ_u
        before = self.deltas[v]
        self.deltas[v] = g if before is None else map_elements(add, before, g)

    def penalty(self) -> float:
        """Return what regularizers add to the loss, for the batch that went forward last."""
        # Σ_w R(w) + Σ_a R(a) / B
        weights = sum(
            regularizer(layer.parameters[p])
            for layer in self.layers
            for p, regularizer in layer.regularizers.items()
            if p in layer.parameters
        )
        return weights + sum(
            layer.activity_regularizer(self.values[v]) / len(self.values[v])
            for i, (layer, _, _) in enumerate(self.calls)
            for v in self.made_by(i)
            if layer.activity_regularizer and self.values
        )

    def compile_all(
        self,
        optimizer: Optimizer,
        losses: Sequence[Loss | None],
        loss_weights: Sequence[float] | None = None,
    ) -> None:
        """Say how to learn, and what of each output: L = Σ_o c_o L_o."""
        self.optimizer = optimizer
        self.losses = list(losses)
        self.loss_weights = list(loss_weights or [1.0] * len(self.losses))

    def train_on_all(self, x: Tensor, y: Tensor) -> list[float]:
        """Learn one step from one batch; give L before the step, and each output's L_o."""
        if self.optimizer is None:
            raise RuntimeError("call compile_all(optimizer, losses) first")
        y_pred = self.forward(x, training=True)
        gradients, values = [], []
        for loss, c, t, p in zip(self.losses, self.loss_weights, y, y_pred, strict=True):
            # ∂L/∂y_o = c_o ∂L_o/∂y_o
            if loss is None:
                gradients.append(zeros_like(p))
                continue
            values.append((c, loss(t, p)))
            gradients.append(map_elements(lambda g, c=c: c * g, loss.gradient(t, p)))
        self.backward(gradients)
        total = sum(c * value for c, value in values) + self.penalty()
        self.optimizer.step(self)
        return [total, *(value for _, value in values)]

    def __repr__(self) -> str:
        return f"Graph({self.layers!r}, {len(self.calls)} calls, seed={self.seed})"


def of_its_own(layer: Layer) -> Layer:
    """Return the layer for one of its calls: the same weights, what it keeps its own."""
    shared: dict[int, Any] = {}
    layers = [layer]
    for one in layers:  # which grows
        shared |= {id(kept): kept for kept in (one.parameters, one.state, one.frozen)}
        layers += one.layers if isinstance(one, Nested) else []
    return deepcopy(layer, shared)


def zeros_like(x: Tensor) -> Tensor:
    """Return 0.0 in the shape of x."""
    return filled(shape(x), lambda: 0.0)


def check_graph(graph: Graph, x: Tensor, training: bool = False) -> dict[str, float]:
    """Compare a graph's backward with central differences, as `check.check_backward` does.

    Examples
    --------
    >>> from mundur.reference import layers
    >>> graph = Graph([layers.Activation("tanh"), layers.Multiply()],
    ...               [(0, [0]), (1, [0, 1])], [2, 1], [(2,)])
    >>> max(check_graph(graph, [[[0.5, -1.0]]]).values()) < 1e-8
    True
    """
    y = graph.forward(x, training)
    c = [filled(shape(one), lambda: graph.rng.uniform(-1.0, 1.0)) for one in y]

    def value() -> float:
        # L = Σ c y + R        ∂L/∂y = c
        y = graph.forward(x, training)
        pairs = zip(flatten_all(c), flatten_all(y), strict=True)
        return sum(p * q for p, q in pairs) + graph.penalty()

    found = graph.backward(c)
    differences = {
        f"x[{i}]": difference(dx, numerical_gradient(value, one))
        for i, (dx, one) in enumerate(zip(found, x, strict=True))
        if isinstance(flatten(one)[0], float)
    }
    parameters = graph.parameters
    for name, gradient in dict(graph.gradients).items():
        differences[name] = difference(gradient, numerical_gradient(value, parameters[name]))
    return differences


def flatten_all(parts: Sequence[Tensor]) -> list[float]:
    """Return all numbers of several nested lists."""
    return [number for one in parts for number in flatten(one)]
