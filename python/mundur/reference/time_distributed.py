"""A layer on every time step: forward, and backward directly below it."""

from random import Random

from .layers import Layer
from .lists import Mask, Shape, Tensor, flatten, is_list


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
