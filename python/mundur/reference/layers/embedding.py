"""Embedding: a vector for each id.

Source: Bengio, Ducharme, Vincent and Jauvin, "A neural probabilistic language model" (2003).
"""

from random import Random
from typing import ClassVar

from ..._support.checks import boolean, integer
from .. import constraints, initializers, regularizers
from ..lists import Mask, Shape, Tensor, flatten, map_elements, nest, shape
from .base import Weighted


class Embedding(Weighted):
    """Each id's own row of W: a = W[id].

    Parameters
    ----------
    input_dim, output_dim : int
        How many ids there are, and how many numbers stand for each.
    embeddings_initializer : str, nested list or Initializer, default "random_uniform"
        The first values of W, shape (input_dim, output_dim).
    embeddings_regularizer : str, Regularizer or None
        What W adds to the loss.
    embeddings_constraint : str, Constraint or None
        What W holds to after every update.
    mask_zero : bool, default False
        Whether the steps of id 0 are padding.

    Notes
    -----
    x has shape (batch, ...) and holds whole numbers, a has shape (batch, ..., output_dim).

    Examples
    --------
    >>> layer = Embedding(2, 3, embeddings_initializer=[[1, 2, 3], [4, 5, 6]])
    >>> layer.build((2,))
    (2, 3)
    >>> layer.forward([[1, 0]])
    [[[4.0, 5.0, 6.0], [1.0, 2.0, 3.0]]]
    >>> layer.backward([[[1, 1, 1], [0, 0, 2]]])
    [[0.0, 0.0]]
    >>> layer.gradients
    {'embeddings': [[0.0, 0.0, 2.0], [1.0, 1.0, 1.0]]}
    """

    starts: ClassVar[dict[str, str]] = {"embeddings": "embeddings"}

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: initializers.Identifier = "random_uniform",
        embeddings_regularizer: regularizers.Identifier = None,
        embeddings_constraint: constraints.Identifier = None,
        mask_zero: bool = False,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.input_dim = integer(input_dim, "input_dim", 1)
        self.output_dim = integer(output_dim, "output_dim", 1)
        self.mask_zero = boolean(mask_zero, "mask_zero")
        self.take(locals())

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Make W."""
        self.make({"embeddings": (self.input_dim, self.output_dim)}, rng)
        return (*input_shape, self.output_dim)

    def compute_mask(self, x: Tensor, mask: Mask | None) -> Mask | None:
        """Say which steps hold an id other than 0, if that one is padding."""
        return map_elements(lambda v: v != 0, x) if self.mask_zero else None

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Look each id up."""
        self.check_input(x)
        table = self.parameters["embeddings"]
        for v in flatten(x):
            if v != int(v) or not 0 <= v < self.input_dim:
                raise ValueError(f"{self.name}: x must hold ids in [0, {self.input_dim}); got {v}")
        self.x = x
        # a_n = W[v_n]
        rows = [number for v in flatten(x) for number in table[int(v)]]
        self.a = nest(rows, (*shape(x), self.output_dim))
        return self.a

    def backward(self, gradient: Tensor) -> Tensor:
        """Add each place's gradient to the row of its id."""
        self.check_gradient(gradient)
        if self.learns("embeddings"):
            table = [[0.0] * self.output_dim for _ in range(self.input_dim)]
            places = nest(flatten(gradient), (len(flatten(self.x)), self.output_dim))
            # ∂L/∂W_v = Σ_n [v_n = v] ∂L/∂a_n
            for v, g_n in zip(flatten(self.x), places, strict=True):
                table[int(v)] = [w + g for w, g in zip(table[int(v)], g_n, strict=True)]
            self.gradients = {"embeddings": table}
        # A step from one id to the next has no slope.
        return map_elements(lambda v: 0.0, self.x)

    def __repr__(self) -> str:
        return f"Embedding({self.input_dim}, {self.output_dim})"
