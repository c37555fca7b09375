"""Bidirectional: two layers through time, one of them backwards.

Source: Schuster and Paliwal, "Bidirectional recurrent neural networks" (1997).
"""

from collections.abc import Callable
from copy import deepcopy
from random import Random

from .layers import Layer
from .lists import Mask, Shape, Tensor, Vector, flatten
from .recurrent import Recurrent, plus, times


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
