"""Layers around layers: forward, and backward directly below it.

Sources: Schuster and Paliwal, "Bidirectional recurrent neural networks" (1997); He, Zhang, Ren and
Sun, "Deep residual learning for image recognition" (2015).
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from random import Random
from typing import TypeVar

from ..lists import Mask, Shape, Tensor, Vector, flatten, is_list, map_elements
from .base import Layer
from .container import forward_chain, name_layers
from .recurrent import Recurrent, plus, times

Part = TypeVar("Part")


class Bidirectional(Layer):
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
    x has shape (batch, steps, inputs), y (batch, [steps,] 2 · units) with "concat", else (batch,
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
        super().__init__(name)
        if merge_mode not in ("concat", "sum", "mul", "ave"):
            raise ValueError(f"merge_mode: expected concat, sum, mul or ave, got {merge_mode!r}")
        if backward_layer is None:
            backward_layer = deepcopy(layer)
            backward_layer.go_backwards = not layer.go_backwards
        self.merge_mode = merge_mode
        self.layers = (layer, backward_layer)
        layer.name = f"forward_{layer.name}"
        backward_layer.name = f"backward_{backward_layer.name}"
        self.outputs: list[Tensor] = []
        self.y: Tensor | None = None

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Make the parameters of both."""
        shapes = [layer.build(input_shape, rng) for layer in self.layers]
        self.parameters = self.both(lambda layer: layer.parameters)
        self.regularizers = self.both(lambda layer: layer.regularizers)
        self.constraints = self.both(lambda layer: layer.constraints)
        *steps, units = shapes[0]
        return (*steps, units + shapes[1][-1] if self.merge_mode == "concat" else units)

    def both(self, of: Callable[[Recurrent], dict]) -> dict:  # type: ignore[type-arg]
        """Return what the layers have, with their names in front."""
        return {
            f"{layer.name}/{p}": value for layer in self.layers for p, value in of(layer).items()
        }

    def compute_mask(self, x: Tensor, mask: Mask | None) -> Mask | None:
        """Keep the mask of a sequence."""
        return self.layers[0].compute_mask(x, mask)

    def turned(self, y: Tensor) -> Tensor:
        """Return the backward layer's sequences in the order of time, and back."""
        return [y_n[::-1] for y_n in y] if self.layers[0].return_sequences else y

    def rows(self, y: Tensor) -> list[Vector]:
        """Return the outputs of all steps of all samples."""
        return [row for y_n in y for row in y_n] if self.layers[0].return_sequences else y

    def like(self, rows: list[Vector]) -> Tensor:
        """Return rows sample by sample again."""
        if not self.layers[0].return_sequences:
            return rows
        steps = (self.input_shape or (1,))[0]
        return [rows[i : i + steps] for i in range(0, len(rows), steps)]

    def without_masked(self, rows: list[Vector]) -> list[Vector]:
        """Return the rows, with zeros at the masked steps of a sequence."""
        if self.mask is None or not self.layers[0].return_sequences:
            return rows
        there = flatten(self.mask)
        return [row if m else [0.0] * len(row) for row, m in zip(rows, there, strict=True)]

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Send x through both, and join what comes out."""
        self.check_input(x)
        for layer in self.layers:
            layer.mask = self.mask
            layer.frozen = {p for p in layer.parameters if not self.learns(f"{layer.name}/{p}")}
        ahead, back = (layer.forward(x, training) for layer in self.layers)
        self.outputs = [self.rows(ahead), self.rows(self.turned(back))]
        joined = [self.join(a, b) for a, b in zip(*self.outputs, strict=True)]
        self.y = self.like(self.without_masked(joined))
        return self.y

    def join(self, a: Vector, b: Vector) -> Vector:
        """Return y of one step."""
        if self.merge_mode == "concat":
            return [*a, *b]
        if self.merge_mode == "mul":
            return times(a, b)
        # y = a + b, or its half
        return [s / 2 if self.merge_mode == "ave" else s for s in plus(a, b)]

    def backward(self, gradient: Tensor) -> Tensor:
        """Send each layer's part back through it; x got to both."""
        self.check_gradient(gradient, self.y)
        parts = [
            self.part(g, a, b)
            for g, a, b in zip(self.without_masked(self.rows(gradient)), *self.outputs, strict=True)
        ]
        ahead, back = (self.like([part[i] for part in parts]) for i in (0, 1))
        dx = [
            self.layers[0].backward(ahead),
            self.layers[1].backward(self.turned(back)),
        ]
        self.gradients = self.both(lambda layer: layer.gradients)
        # ∂L/∂x is the sum of both
        return [
            [plus(a, b) for a, b in zip(*steps, strict=True)] for steps in zip(*dx, strict=True)
        ]

    def part(self, g: Vector, a: Vector, b: Vector) -> tuple[Vector, Vector]:
        """Return ∂L/∂a and ∂L/∂b of one step from ∂L/∂y."""
        if self.merge_mode == "concat":
            return g[: len(a)], g[len(a) :]
        if self.merge_mode == "mul":
            # ∂(a b)/∂a = b
            return times(g, b), times(g, a)
        half = [g_j / 2 if self.merge_mode == "ave" else g_j for g_j in g]
        return half, half

    def __repr__(self) -> str:
        return f"Bidirectional({self.layers[0]!r}, {self.merge_mode!r})"


class TimeDistributed(Layer):
    """A layer on every time step alike: y_t = layer(x_t), on all steps of all samples at once.

    Parameters
    ----------
    layer : Layer
        Without a name of its own it is called by its kind.

    Notes
    -----
    x has shape (batch, steps, ...), y has shape (batch, steps, *output of the layer). Parameters,
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
        super().__init__(name)
        self.layer = layer
        self.y: Tensor | None = None

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Make the layer's parameters."""
        if len(input_shape) < 2:
            raise ValueError(
                f"{self.name}: expected samples of shape (steps, ...), got {input_shape}"
            )
        output_shape = self.layer.build(input_shape[1:], rng)
        prefix = f"{self.layer.name}/"
        self.parameters = {prefix + name: value for name, value in self.layer.parameters.items()}
        self.state = {prefix + name: value for name, value in self.layer.state.items()}
        self.regularizers = {prefix + name: r for name, r in self.layer.regularizers.items()}
        self.constraints = {prefix + name: c for name, c in self.layer.constraints.items()}
        return (input_shape[0], *output_shape)

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Make samples of the steps, and steps of the outputs."""
        self.check_input(x)
        names = self.layer.parameters
        self.layer.frozen = {n for n in names if not self.learns(f"{self.layer.name}/{n}")}
        self.layer.mask = self.mask_within(self.mask)
        # y_nt = layer(x_nt)
        self.y = self.in_samples(self.layer.forward([x_t for x_n in x for x_t in x_n], training))
        return self.y

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
        self.check_gradient(gradient, self.y)
        # ∂L/∂x_nt = layer.backward(∂L/∂y_nt)
        dx = self.layer.backward([g_t for g_n in gradient for g_t in g_n])
        self.gradients = {f"{self.layer.name}/{n}": g for n, g in self.layer.gradients.items()}
        return self.in_samples(dx)

    def in_samples(self, steps: Tensor) -> Tensor:
        """Return the steps of all samples, sample by sample."""
        count = (self.input_shape or (1,))[0]
        return [steps[at : at + count] for at in range(0, len(steps), count)]

    def __repr__(self) -> str:
        return f"TimeDistributed({self.layer!r})"


class Residual(Layer):
    """What a chain makes of x is added to x: y = x + chain(x).

    Gradients take both ways back, so they reach the first layers of a deep network whatever the
    chain does to them.

    Parameters
    ----------
    layers : sequence of Layer
        They must keep the shape. Layers without a name of their own become "dense", "dense_1", ...

    Notes
    -----
    x and y have the same shape. Parameters, gradients and state are those of the layers, by names
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
        super().__init__(name)
        self.layers = list(layers)
        if not self.layers:
            raise ValueError("layers: expected at least one")
        name_layers(self.layers)
        self.y: Tensor | None = None

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Make the parameters of all layers."""
        output_shape = input_shape
        for layer in self.layers:
            output_shape = layer.build(output_shape, rng)
        if output_shape != input_shape:
            raise ValueError(
                f"{self.name}: expected a chain that keeps the shape {input_shape}, got "
                f"{output_shape}"
            )
        self.parameters = self.by_name([layer.parameters for layer in self.layers])
        self.state = self.by_name([layer.state for layer in self.layers])
        self.regularizers = self.by_name([layer.regularizers for layer in self.layers])
        self.constraints = self.by_name([layer.constraints for layer in self.layers])
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
        # y_j = x_j + chain(x)_j
        self.y = map_elements(lambda x_j, c_j: x_j + c_j, x, out)
        return self.y

    def backward(self, gradient: Tensor) -> Tensor:
        """Send the gradient back through the chain, and past it."""
        self.check_gradient(gradient, self.y)
        back = gradient
        for layer in reversed(self.layers):
            back = layer.backward(back)
        self.gradients = self.by_name([layer.gradients for layer in self.layers])
        # ∂L/∂x_j = ∂L/∂y_j + Σ_k ∂chain_k/∂x_j ∂L/∂y_k
        return map_elements(lambda g_j, c_j: g_j + c_j, gradient, back)

    def by_name(self, parts: Sequence[dict[str, Part]]) -> dict[str, Part]:
        """Return what the layers have, with their names in front."""
        return {
            f"{layer.name}/{name}": value
            for layer, part in zip(self.layers, parts, strict=True)
            for name, value in part.items()
        }

    def hand_on_what_is_frozen(self) -> None:
        """Freeze in each layer what is frozen of it here."""
        for layer in self.layers:
            layer.frozen = {
                name for name in layer.parameters if not self.learns(f"{layer.name}/{name}")
            }

    def __repr__(self) -> str:
        return f"Residual({self.layers!r})"
