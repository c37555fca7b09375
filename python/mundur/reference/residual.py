"""A chain of layers whose output is added to its input: forward, and backward directly below it.

Source: He, Zhang, Ren and Sun, "Deep residual learning for image recognition" (2015).
"""

from collections.abc import Sequence
from random import Random
from typing import TypeVar

from .layers import Layer, forward_chain
from .lists import Mask, Shape, Tensor, map_elements

Part = TypeVar("Part")


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
        from .model import name_layers

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
