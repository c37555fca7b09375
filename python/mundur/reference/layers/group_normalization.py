"""GroupNormalization: forward, and backward directly below it.

Source: Wu and He, "Group normalization" (2018).
"""

from math import sqrt
from random import Random

from ..._support.checks import integer
from .. import initializers
from ..lists import Shape, Tensor, Vector, flatten, nest, rows, shape
from .normalization import Normalizing, mean_and_variance, without_mean_and_slope


class GroupNormalization(Normalizing):
    """Each sample's channels brought to mean 0 and variance 1, some of them together.

    Parameters
    ----------
    groups : int, default 32
        How many groups of neighbours there are; -1: each channel is one.
    epsilon : float, default 0.001
    center, scale : bool, default True
        Whether there is a β, a γ.
    beta_initializer, gamma_initializer : str, nested list or Initializer

    Notes
    -----
    x and a have shape (batch, ..., channels), the same.

    Examples
    --------
    >>> layer = GroupNormalization(2, epsilon=1e-12)
    >>> layer.build((4,))
    (4,)
    >>> [round(a, 6) for a in layer.forward([[1.0, 3.0, 10.0, 30.0]])[0]]
    [-1.0, 1.0, -1.0, 1.0]
    """

    def __init__(
        self,
        groups: int = 32,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: initializers.Identifier = "zeros",
        gamma_initializer: initializers.Identifier = "ones",
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(-1, epsilon, center, scale, beta_initializer, gamma_initializer, name)
        self.groups = integer(groups, "groups", -1)
        if self.groups == 0:
            raise ValueError("groups must be at least 1, or -1, one for each channel; got 0")
        self.deviation: Vector = []

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Make γ and β, where there are such, and cut the channels into groups."""
        result = super().build_for(input_shape, rng)
        count = self.columns if self.groups == -1 else self.groups
        if self.columns % count:
            raise ValueError(f"{self.name}: groups={self.groups} must divide {self.columns}")
        self.width = self.columns // count
        return result

    def grouped(self, samples: Tensor) -> list[Vector]:
        """Return the numbers of each sample and group, place by place."""
        return [
            [v for row in rows(sample) for v in row[first : first + self.width]]
            for sample in samples
            for first in range(0, self.columns, self.width)
        ]

    def ungrouped(self, grouped: list[Vector]) -> list[Vector]:
        """Return the rows of channels again that `grouped` took apart."""
        count, places = self.columns // self.width, len(grouped[0]) // self.width
        return [
            [
                v
                for group in grouped[n : n + count]
                for v in group[place * self.width : (place + 1) * self.width]
            ]
            for n in range(0, len(grouped), count)
            for place in range(places)
        ]

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Normalise each group."""
        self.check_input(x)
        groups = self.grouped(x)
        # μ_g = Σ x / N        σ²_g = Σ (x − μ_g)² / N, over the N numbers of the group
        moments = [mean_and_variance(group) for group in groups]
        self.deviation = [sqrt(variance + self.epsilon) for _, variance in moments]
        # x̂ = (x − μ_g) / √(σ²_g + ε)
        x_hat = [
            [(v - mean) / s for v in group]
            for group, (mean, _), s in zip(groups, moments, self.deviation, strict=True)
        ]
        return self.scaled_and_shifted(self.ungrouped(x_hat), x)

    def backward(self, gradient: Tensor) -> Tensor:
        """Take away from each group's slopes what μ and σ² do to all of its numbers."""
        self.check_gradient(gradient)
        da = list(rows(gradient))
        self.parameter_gradients(da)
        # ∂L/∂x̂_nj = γ_j ∂L/∂a_nj
        slopes = [[g * v for g, v in zip(self.gamma, row, strict=True)] for row in da]
        of_samples = self.grouped(nest(flatten(slopes), shape(gradient)))
        x_hat = self.grouped(nest(flatten(self.normalized), shape(gradient)))
        # ∂L/∂x = (∂L/∂x̂ − mean − x̂ slope) / √(σ²_g + ε)
        dx = [
            [g / s for g in without_mean_and_slope(group, hats, [True] * len(group))]
            for group, hats, s in zip(of_samples, x_hat, self.deviation, strict=True)
        ]
        return nest(flatten(self.ungrouped(dx)), shape(gradient))

    def __repr__(self) -> str:
        return f"GroupNormalization({self.groups}, epsilon={self.epsilon!r})"
