"""Layers around layers: forward, and backward directly below it.

Sources: Schuster and Paliwal, "Bidirectional recurrent neural networks" (1997); He, Zhang, Ren and
Sun, "Deep residual learning for image recognition" (2015).
"""

from collections.abc import Sequence
from copy import deepcopy
from operator import add
from random import Random

from ..._support.checks import check_layers, choice
from ..lists import Mask, Shape, Tensor, Vector, flatten, is_list, map_elements
from .base import Layer
from .container import Nested, forward_chain, name_layers
from .recurrent import Recurrent, plus, times


class Bidirectional(Nested):
    """At each step the outputs that both layers have there, joined; else their last ones.

    Parameters
    ----------
    layer : Recurrent
        The one ahead in time, and the pattern of the other.
    merge_mode : {"concat", "sum", "mul", "ave"}
        How the outputs are joined: beside each other, by sum, product or mean.
    backward_layer : Recurrent, optional
        One with go_backwards=True.

    Notes
    -----
    x has shape (batch, steps, inputs), a (batch, [steps,] 2 · units) with "concat", else (batch,
    [steps,] units); a sequence has zeros at masked steps.

    Examples
    --------
    >>> from mundur.reference.layers import SimpleRNN
    >>> both = Bidirectional(SimpleRNN(1, "linear", kernel_initializer="ones"), "sum")
    >>> both.build((2, 1))
    (1,)
    >>> sorted(both.parameters)[::3]
    ['backward_simple_rnn/bias', 'forward_simple_rnn/bias']
    """

    def __init__(
        self,
        layer: Recurrent,
        merge_mode: str = "concat",
        backward_layer: Recurrent | None = None,
        *,
        name: str | None = None,
    ) -> None:
        self.merge_mode = choice(merge_mode, "merge_mode", "concat", "sum", "mul", "ave")
        self.ahead = layer
        self.back = deepcopy(layer) if backward_layer is None else backward_layer
        if backward_layer is None:
            self.back.go_backwards = not layer.go_backwards
        super().__init__([self.ahead, self.back], name)
        for one in (self.ahead, self.back):
            one.zero_output_for_mask = False  # a sequence has zeros there, joined
        self.ahead.name = f"forward_{self.ahead.name}"
        self.back.name = f"backward_{self.back.name}"
        self.outputs: list[list[Vector]] = []

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Make the parameters of both."""
        shapes = [layer.build(input_shape, rng) for layer in self.layers]
        self.gather("parameters", "regularizers", "constraints", "state")
        *steps, units = shapes[0]
        return (*steps, units + shapes[1][-1] if self.merge_mode == "concat" else units)

    def compute_mask(self, x: Tensor, mask: Mask | None) -> Mask | None:
        """Keep the mask of a sequence."""
        return self.ahead.compute_mask(x, mask)

    def turned(self, h: Tensor) -> Tensor:
        """Return the backward layer's sequences in the order of time, and back."""
        return [h_n[::-1] for h_n in h] if self.ahead.return_sequences else h

    def rows(self, h: Tensor) -> list[Vector]:
        """Return the outputs of all steps of all samples."""
        return [row for h_n in h for row in h_n] if self.ahead.return_sequences else h

    def like(self, rows: list[Vector]) -> Tensor:
        """Return rows sample by sample again."""
        return self.in_samples(rows) if self.ahead.return_sequences else rows

    def without_masked(self, rows: list[Vector]) -> list[Vector]:
        """Return the rows, with zeros at the masked steps of a sequence."""
        if self.mask is None or not self.ahead.return_sequences:
            return rows
        there = flatten(self.mask)
        return [row if m else [0.0] * len(row) for row, m in zip(rows, there, strict=True)]

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Send x through both, and join what comes out."""
        self.check_input(x)
        self.hand_on_what_is_frozen()
        for layer in self.layers:
            layer.mask = self.mask
        ahead, back = (layer.forward(x, training) for layer in self.layers)
        self.outputs = [self.rows(ahead), self.rows(self.turned(back))]
        joined = [self.join(h, k) for h, k in zip(*self.outputs, strict=True)]
        self.a = self.like(self.without_masked(joined))
        return self.a

    def forward_all(self, x: list[Tensor], training: bool = False) -> list[Tensor]:
        """Hand half of the first states to each; give a, and the last states of both."""
        half = len(x) // 2
        self.ahead.first, self.back.first = x[1 : 1 + half], x[1 + half :]
        a = self.forward(x[0], training)
        both = [*self.ahead.last, *self.back.last] if self.ahead.return_state else []
        return [a, *both]

    def join(self, h: Vector, k: Vector) -> Vector:
        """Return a of one step, from h of the layer ahead and k of the other."""
        if self.merge_mode == "concat":
            return [*h, *k]
        if self.merge_mode == "mul":
            return times(h, k)
        # a = h + k, or its half
        return [s / 2 if self.merge_mode == "ave" else s for s in plus(h, k)]

    def backward(self, gradient: Tensor) -> Tensor:
        """Send each layer's part back through it; x got to both."""
        self.check_gradient(gradient)
        parts = [
            self.part(g, h, k)
            for g, h, k in zip(self.without_masked(self.rows(gradient)), *self.outputs, strict=True)
        ]
        ahead, back = (self.like([part[i] for part in parts]) for i in (0, 1))
        dx = self.ahead.backward(ahead), self.back.backward(self.turned(back))
        self.gather("gradients")
        # ∂L/∂x is the sum of both
        return map_elements(add, *dx)

    def backward_all(self, gradients: list[Tensor]) -> list[Tensor]:
        """Hand half of ∂L/∂ of the last states to each; give that of the first of both."""
        half = len(gradients) // 2
        self.ahead.d_last, self.back.d_last = gradients[1 : 1 + half], gradients[1 + half :]
        dx = self.backward(gradients[0])
        self.ahead.d_last, self.back.d_last = [], []
        both = [*self.ahead.d_first, *self.back.d_first] if self.ahead.first else []
        return [dx, *both]

    def output_shapes(self, output_shape: Shape) -> list[Shape]:
        """Return the shapes of a and of the last states of both."""
        of_each = [one.output_shapes(output_shape)[1:] for one in (self.ahead, self.back)]
        return [output_shape, *of_each[0], *of_each[1]]

    def part(self, g: Vector, h: Vector, k: Vector) -> tuple[Vector, Vector]:
        """Return ∂L/∂h and ∂L/∂k of one step from ∂L/∂a."""
        if self.merge_mode == "concat":
            return g[: len(h)], g[len(h) :]
        if self.merge_mode == "mul":
            # ∂(h k)/∂h = k
            return times(g, k), times(g, h)
        half = [g_j / 2 if self.merge_mode == "ave" else g_j for g_j in g]
        return half, half

    def __repr__(self) -> str:
        return f"Bidirectional({self.ahead!r}, {self.merge_mode!r})"


class TimeDistributed(Nested):
    """A layer on every time step alike: a_t = layer(x_t), on all steps of all samples at once.

    Parameters
    ----------
    layer : Layer
        Without a name of its own it is called by its kind.

    Notes
    -----
    x has shape (batch, steps, ...), a has shape (batch, steps, *output of the layer). Parameters,
    gradients and state are the layer's, by names such as "dense/kernel"; to freeze one, use that
    name here, in `frozen`.

    Examples
    --------
    >>> from mundur.reference.layers import Flatten
    >>> layer = TimeDistributed(Flatten())
    >>> layer.build((2, 1, 2))
    (2, 2)
    >>> layer.forward([[[[1, 2]], [[3, 4]]]])
    [[[1, 2], [3, 4]]]
    """

    def __init__(self, layer: Layer, *, name: str | None = None) -> None:
        super().__init__([layer], name)
        self.layer = layer

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Make the layer's parameters."""
        self.check_samples("(steps, ...)", input_shape, len(input_shape) > 1)
        output_shape = self.layer.build(input_shape[1:], rng)
        self.gather("parameters", "state", "regularizers", "constraints")
        return (input_shape[0], *output_shape)

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Make samples of the steps, and steps of the outputs."""
        self.check_input(x)
        self.hand_on_what_is_frozen()
        self.layer.mask = self.mask_within(self.mask)
        # a_nt = layer(x_nt)
        self.a = self.in_samples(self.layer.forward([x_t for x_n in x for x_t in x_n], training))
        return self.a

    def mask_within(self, mask: Mask | None) -> Mask | None:
        """Return what the layer sees of it: which steps within each, or which rows, are there."""
        if mask is None:
            return None
        if is_list(mask[0][0]):
            return [mask_t for mask_n in mask for mask_t in mask_n]
        return flatten(mask) if len(self.layer.input_shape or ()) == 1 else None

    def compute_mask(self, x: Tensor, mask: Mask | None) -> Mask | None:
        """Keep that of the steps; one of steps within them, where the layer keeps it."""
        if mask is None or not is_list(mask[0][0]):
            return mask
        steps = [x_t for x_n in x for x_t in x_n]
        return mask if self.layer.compute_mask(steps, self.mask_within(mask)) else None

    def backward(self, gradient: Tensor) -> Tensor:
        """Do the same with the gradients."""
        self.check_gradient(gradient)
        # ∂L/∂x_nt = layer.backward(∂L/∂a_nt)
        dx = self.layer.backward([g_t for g_n in gradient for g_t in g_n])
        self.gather("gradients")
        return self.in_samples(dx)

    def __repr__(self) -> str:
        return f"TimeDistributed({self.layer!r})"


class Residual(Nested):
    """What a chain makes of x is added to x: a = x + chain(x).

    Gradients take both ways back, so they reach the first layers of a deep network whatever the
    chain does to them.

    Parameters
    ----------
    layers : sequence of Layer
        They must keep the shape. Layers without a name of their own become "dense", "dense_1", ...

    Notes
    -----
    x and a have the same shape. Parameters, gradients and state are those of the layers, by names
    such as "dense/kernel"; to freeze one, use that name here, in `frozen`.

    Examples
    --------
    >>> from mundur.reference.layers import Rescaling
    >>> layer = Residual([Rescaling(2.0, offset=1.0)])
    >>> layer.build((2,))
    (2,)
    >>> layer.forward([[1.0, 5.0]]), layer.backward([[1.0, 1.0]])
    ([[4.0, 16.0]], [[3.0, 3.0]])
    """

    def __init__(self, layers: Sequence[Layer], *, name: str | None = None) -> None:
        check_layers(layers, "Residual")
        super().__init__(layers, name)
        if not self.layers:
            raise ValueError("layers must hold at least one layer")
        name_layers(self.layers)

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Make the parameters of all layers."""
        output_shape = input_shape
        for layer in self.layers:
            output_shape = layer.build(output_shape, rng)
        if output_shape != input_shape:
            raise ValueError(
                f"{self.name}: the chain's output is added to its input, so it must have the shape "
                f"{input_shape}; got {output_shape}, behind {self.layers[-1].name!r}"
            )
        self.gather("parameters", "state", "regularizers", "constraints")
        return input_shape

    def compute_mask(self, x: Tensor, mask: Mask | None) -> Mask | None:
        """Keep the mask if every layer does."""
        for layer in self.layers:
            mask = layer.compute_mask(x, mask)
        return mask

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Send x through the chain, and past it."""
        self.check_input(x)
        self.hand_on_what_is_frozen()
        out = forward_chain(self.layers, x, training, self.mask)[-1]
        # a_j = x_j + chain(x)_j
        self.a = map_elements(add, x, out)
        return self.a

    def backward(self, gradient: Tensor) -> Tensor:
        """Send the gradient back through the chain, and past it."""
        self.check_gradient(gradient)
        back = gradient
        for layer in reversed(self.layers):
            back = layer.backward(back)
        self.gather("gradients")
        # ∂L/∂x_j = ∂L/∂a_j + Σ_k ∂chain_k/∂x_j ∂L/∂a_k
        return map_elements(add, gradient, back)

    def __repr__(self) -> str:
        return f"Residual({self.layers!r})"
