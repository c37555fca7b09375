"""Masking: forward, and backward directly below it."""

from typing import Any

from ..._support.checks import number
from ..lists import Mask, Tensor, is_list
from .base import Layer


class Masking(Layer):
    """Time steps that hold nothing but one value are not there.

    Parameters
    ----------
    mask_value : float, default 0.0
        The value.

    Notes
    -----
    x and a have shape (batch, steps, channels), the mask (batch, steps).

    Examples
    --------
    >>> layer = Masking(-1)
    >>> layer.build((2, 2))
    (2, 2)
    >>> layer.forward([[[3.0, -1.0], [-1.0, -1.0]]])
    [[[3.0, -1.0], [0.0, 0.0]]]
    >>> layer.compute_mask([[[3.0, -1.0], [-1.0, -1.0]]], None)
    [[True, False]]
    >>> layer.backward([[[5.0, 6.0], [7.0, 8.0]]])
    [[[5.0, 6.0], [0.0, 0.0]]]
    """

    def __init__(self, mask_value: float = 0.0, *, name: str | None = None) -> None:
        super().__init__(name)
        self.mask_value = number(mask_value, "mask_value")

    def compute_mask(self, x: Tensor, mask: Mask | None) -> Mask | None:
        """Say which steps hold anything else; a mask from before ends here."""
        return [self.steps_that_are_there(x_n) for x_n in x]

    def steps_that_are_there(self, x: Any) -> Any:
        """Say so of one step, or of all in a list of them."""
        if is_list(x[0]):
            return [self.steps_that_are_there(part) for part in x]
        # mask_t = any x_tc ≠ value
        return any(x_tc != self.mask_value for x_tc in x)

    def masked(self, values: Any, mask: Any) -> Any:
        """Return the values of the steps that are there, else 0."""
        if is_list(mask):
            return [self.masked(v, m) for v, m in zip(values, mask, strict=True)]
        return values if mask else [0.0] * len(values)

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Put zeros in the place of what is not there."""
        self.check_input(x)
        self.x = x
        # a_t = x_t where the step is there, else 0
        self.a = self.masked(x, self.compute_mask(x, None))
        return self.a

    def backward(self, gradient: Tensor) -> Tensor:
        """Pass on the gradient of the steps that are there."""
        self.check_gradient(gradient)
        # ∂L/∂x_t = ∂L/∂a_t where the step is there, else 0
        dx: Tensor = self.masked(gradient, self.compute_mask(self.x, None))
        return dx

    def __repr__(self) -> str:
        return f"Masking({self.mask_value!r})"
