"""GroupNormalization: see `mundur.layers`."""

from __future__ import annotations

from typing import Any

from .. import _core, initializers
from .._support.checks import axes_of_sample, axis_of_batch, boolean, epsilon_value, integer
from .._support.names import checked_keywords
from .._support.unpack import Unpack
from .base import Layer, LayerArguments
from .normalization import NORMALIZING, Normalizing


class GroupNormalization(Normalizing):
    """Brings each sample's channels to mean 0 and variance 1, some channels together.

    The C channels are cut into groups of m neighbours. With the moments of all numbers of a sample
    in one group, whatever axes stand in front of the channels, in training and outside of it,

        μ = Σ x / N        σ² = Σ (x - μ)² / N        x̂ = (x - μ) / √(σ² + ε)        y = γ x̂ + β

    γ and β have one element for each channel. Shapes: x and y (batch, ..., C). Backward, with
    g = γ·dy: ∂L/∂x = (g - (Σ g + x̂ Σ g·x̂) / N) / √(σ² + ε), ∂L/∂γ = Σ dy·x̂ and ∂L/∂β = Σ dy of
    each channel (Wu and He, "Group normalization", 2018). No batch is needed, which small ones
    serve badly. A mask of time steps goes on behind it, but padding counts in the moments, as in
    Keras.

    Parameters
    ----------
    groups : int, default 32
        How many there are, which must divide the channels; -1 has one for each channel.
    axis : int, default -1
        That of the channels, the last.
    epsilon : float, default 0.001
        ε, at least float32's smallest normal number, 1.2e-38.
    center, scale : bool, default True
        Whether there is a β, a γ.
    beta_initializer, gamma_initializer : str, Initializer or array
        First values, by default "zeros" and "ones".
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it; when built, for groups that don't divide the channels.

    Examples
    --------
    >>> import mundur as md
    >>> model = md.Model([md.layers.GroupNormalization(2)], input_shape=(4,), seed=0)
    >>> model.predict([[1.0, 3.0, 10.0, 30.0]]).round(2).tolist()
    [[-1.0, 1.0, -1.0, 1.0]]
    """

    _kind = "group_normalization"

    @checked_keywords(ignored=NORMALIZING, rest=Layer)
    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        **layer: Unpack[LayerArguments],
    ) -> None:
        self.groups = integer(groups, "groups", -1)
        if self.groups == 0:
            raise ValueError("groups must be at least 1, or -1, one for each channel; got 0")
        self.axis = axis_of_batch(axis)
        self.epsilon = epsilon_value(epsilon)
        self.center = boolean(center, "center")
        self.scale = boolean(scale, "scale")
        self.beta_initializer = initializers.get(beta_initializer, "beta_initializer")
        self.gamma_initializer = initializers.get(gamma_initializer, "gamma_initializer")
        super().__init__(**layer)

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of one sample behind this layer."""
        if axes_of_sample(self.axis, len(input_shape), self.name) != [len(input_shape) - 1]:
            raise ValueError(
                f"{self.name}: axis must be the last, -1, that of the channels; got {self.axis}; "
                "Permute puts another there"
            )
        if input_shape[-1] % self.groups:
            raise ValueError(
                f"{self.name}: groups={self.groups} must divide the channels, got {input_shape[-1]}"
            )
        return input_shape

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.GroupNormalization(self.groups, self.epsilon, self.scale, self.center)
