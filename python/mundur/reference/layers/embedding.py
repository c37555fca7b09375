"""Embedding: a vector for each id.

Source: Bengio, Ducharme, Vincent and Jauvin, "A neural probabilistic language model" (2003).
"""

from random import Random

from .. import constraints, initializers, regularizers
from ..lists import Mask, Shape, Tensor, flatten, map_elements, nest, shape
from .base import Layer


class Embedding(Layer):
    """Each id's own row of W: y = W[id].

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
    x has shape (batch, ...) and holds whole numbers, y has shape (batch, ..., output_dim).

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
        self.input_dim, self.output_dim = input_dim, output_dim
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.mask_zero = mask_zero
        regularizer = regularizers.get(embeddings_regularizer)
        if regularizer:
            self.regularizers["embeddings"] = regularizer
        constraint = constraints.get(embeddings_constraint)
        if constraint:
            self.constraints["embeddings"] = constraint
        self.x: Tensor = []
        self.y: Tensor | None = None

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Make W."""
        table = self.embeddings_initializer((self.input_dim, self.output_dim), rng)
        self.parameters = {"embeddings": table}
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
                raise ValueError(f"{self.name}: expected ids 0 to {self.input_dim - 1}, got {v}")
        self.x = x
        # y_n = W[v_n]
        rows = [number for v in flatten(x) for number in table[int(v)]]
        self.y = nest(rows, (*shape(x), self.output_dim))
        return self.y

    def backward(self, gradient: Tensor) -> Tensor:
        """Add each place's gradient to the row of its id."""
        self.check_gradient(gradient, self.y)
        if self.learns("embeddings"):
            table = [[0.0] * self.output_dim for _ in range(self.input_dim)]
            places = nest(flatten(gradient), (len(flatten(self.x)), self.output_dim))
            # ∂L/∂W_v = Σ_n [v_n = v] ∂L/∂y_n
            for v, g_n in zip(flatten(self.x), places, strict=True):
                table[int(v)] = [w + g for w, g in zip(table[int(v)], g_n, strict=True)]
            self.gradients = {"embeddings": table}
        # A step from one id to the next has no slope.
        return map_elements(lambda v: 0.0, self.x)

    def __repr__(self) -> str:
        return f"Embedding({self.input_dim}, {self.output_dim})"
