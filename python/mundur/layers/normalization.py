"""Layers that bring numbers to one scale: normalisations and Rescaling."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from .. import _core, initializers
from .._support.checks import boolean, epsilon_value, integer, number
from .._support.names import checked_keywords
from .._support.unpack import Unpack
from .base import KERAS, Layer, LayerArguments

_KERAS = KERAS | dict.fromkeys(
    ("beta_regularizer", "gamma_regularizer", "beta_constraint", "gamma_constraint")
)


class _Normalization(Layer):
    """What both share: scale γ and shift β, a number each for every element of the last axis."""

    axis: int
    center: bool
    scale: bool
    beta_initializer: initializers.Initializer
    gamma_initializer: initializers.Initializer

    @property
    def parameter_initializers(self) -> dict[str, initializers.Initializer]:
        """Those of gamma and beta, where there are such."""
        gamma = {"gamma": self.gamma_initializer} if self.scale else {}
        return gamma | ({"beta": self.beta_initializer} if self.center else {})

    def parameter_shapes(self, input_shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        """One number for each element of the last axis."""
        shape = self._columns(input_shape)
        return {name: shape for name in self.parameter_initializers}

    def _columns(self, input_shape: tuple[int, ...]) -> tuple[int]:
        if self.axis not in (-1, len(input_shape)):
            raise ValueError(
                f"{self.name}: axis must be the last one, -1 or {len(input_shape)} for samples of "
                f"shape {input_shape}; got {self.axis}"
            )
        return (input_shape[-1],)

    @property
    def gamma(self) -> npt.NDArray[Any]:
        """Live view of γ."""
        return self._view("gamma")

    @property
    def beta(self) -> npt.NDArray[Any]:
        """Live view of β."""
        return self._view("beta")


class BatchNormalization(_Normalization):
    """Brings each column to mean 0 and variance 1, then scales and shifts it by what is learned.

    In training, with the moments of the batch's N samples,

        μ = Σ x / N        σ² = Σ (x - μ)² / N        x̂ = (x - μ) / √(σ² + ε)        y = γ x̂ + β

    and the moving statistics, in ``model.state``, follow: m ← momentum·m + (1 - momentum)·μ, and so
    with σ². Outside of training they take the place of μ and σ², so a prediction does not depend on
    the other samples. Shapes: x and y (batch, ..., columns); all axes but the last count as
    samples. Backward: ∂L/∂β = Σ dy, ∂L/∂γ = Σ dy·x̂, ∂L/∂x = γ (dy - (∂L/∂β + x̂ ∂L/∂γ) / N) /
    √(σ² + ε) (Ioffe and Szegedy, 2015).

    Behind a mask, N counts the time steps that are there; of a batch without any, the moving
    statistics serve, and stay. Sample weights don't enter the moments, as in Keras. A batch of one
    sample has σ² = 0 and yields β. The variance is the biased one, for the moving variance too;
    PyTorch's is unbiased there.

    Parameters
    ----------
    axis : int, default -1
        The columns' axis; only the last one is supported.
    momentum : float, default 0.99
        In [0, 1]. PyTorch counts the other way: its 0.1 is 0.9 here.
    epsilon : float, default 0.001
        ε, at least float32's smallest normal number, 1.2e-38.
    center, scale : bool, default True
        Whether there is a β, a γ.
    beta_initializer, gamma_initializer : str, Initializer or array
        First values, by default "zeros" and "ones".
    moving_mean_initializer, moving_variance_initializer : str, Initializer or array
        First moving statistics, by default "zeros" and "ones".
    name, input_shape
        See `Layer`.
    trainable : bool, default True
        Frozen, it uses and keeps its moving statistics, in training too.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it.

    Examples
    --------
    >>> import mundur as md, numpy as np
    >>> model = md.Model([md.layers.BatchNormalization()], input_shape=(1,), seed=0)
    >>> model.forward([[1.0], [3.0]], training=True).round(2).ravel().tolist()
    [-1.0, 1.0]
    >>> model.state["batch_normalization/moving_mean"]
    array([0.02], dtype=float32)
    """

    _kind = "batch_normalization"

    @checked_keywords(
        ignored=_KERAS
        | {
            "synchronized": False,
            "renorm": False,
            "renorm_clipping": None,
            "renorm_momentum": 0.99,
        },
        rest=Layer,
    )
    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        **layer: Unpack[LayerArguments],
    ) -> None:
        self.axis = integer(axis, "axis", -1)
        self.momentum = number(momentum, "momentum", at_least=0, at_most=1)
        self.epsilon = epsilon_value(epsilon)
        self.center = boolean(center, "center")
        self.scale = boolean(scale, "scale")
        self.beta_initializer = initializers.get(beta_initializer, "beta_initializer")
        self.gamma_initializer = initializers.get(gamma_initializer, "gamma_initializer")
        self.moving_mean_initializer = initializers.get(
            moving_mean_initializer, "moving_mean_initializer"
        )
        self.moving_variance_initializer = initializers.get(
            moving_variance_initializer, "moving_variance_initializer"
        )
        super().__init__(**layer)

    @property
    def state_initializers(self) -> dict[str, initializers.Initializer]:
        """Those of the moving statistics."""
        return {
            "moving_mean": self.moving_mean_initializer,
            "moving_variance": self.moving_variance_initializer,
        }

    def state_shapes(self, input_shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        """One number for each element of the last axis."""
        shape = self._columns(input_shape)
        return {name: shape for name in self.state_initializers}

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.BatchNormalization(self.momentum, self.epsilon, self.scale, self.center)

    @property
    def moving_mean(self) -> npt.NDArray[Any]:
        """Live view of the moving mean."""
        return self._view("moving_mean")

    @property
    def moving_variance(self) -> npt.NDArray[Any]:
        """Live view of the moving variance."""
        return self._view("moving_variance")


class LayerNormalization(_Normalization):
    """Brings each sample's last axis to mean 0 and variance 1, then scales and shifts it.

    With the moments of the C elements of one row, in training and outside of it,

        μ = Σ x / C        σ² = Σ (x - μ)² / C        x̂ = (x - μ) / √(σ² + ε)        y = γ x̂ + β

    γ and β have one element for each of the C. Shapes: x and y (batch, ..., C). Backward, with
    g = γ·dy: ∂L/∂x = (g - (Σ g + x̂ Σ g·x̂) / C) / √(σ² + ε), ∂L/∂γ = Σ dy·x̂ and ∂L/∂β = Σ dy over
    the rows (Ba, Kiros and Hinton, 2016).

    Parameters
    ----------
    axis : int, default -1
        Only the last one is supported.
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
        For a bad argument, naming it.

    Examples
    --------
    >>> import mundur as md
    >>> model = md.Model([md.layers.LayerNormalization()], input_shape=(2,), seed=0)
    >>> model.predict([[1.0, 3.0], [10.0, 30.0]]).round(2).tolist()
    [[-1.0, 1.0], [-1.0, 1.0]]
    """

    _kind = "layer_normalization"

    @checked_keywords(ignored=_KERAS | {"rms_scaling": False}, rest=Layer)
    def __init__(
        self,
        axis: int = -1,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        **layer: Unpack[LayerArguments],
    ) -> None:
        self.axis = integer(axis, "axis", -1)
        self.epsilon = epsilon_value(epsilon)
        self.center = boolean(center, "center")
        self.scale = boolean(scale, "scale")
        self.beta_initializer = initializers.get(beta_initializer, "beta_initializer")
        self.gamma_initializer = initializers.get(gamma_initializer, "gamma_initializer")
        super().__init__(**layer)

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.LayerNormalization(self.epsilon, self.scale, self.center)


class Rescaling(Layer):
    """y = x·scale + offset. As the first layer it takes uint8 images without a float copy of them.

    Parameters
    ----------
    scale : float
        For instance 1/255.
    offset : float, default 0.0
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a scale or offset that is not a finite number.

    Examples
    --------
    >>> import mundur as md
    >>> md.layers.Rescaling(0.5, offset=-1.0)
    Rescaling(0.5, offset=-1.0)
    """

    _kind = "rescaling"

    @checked_keywords(ignored=KERAS, rest=Layer)
    def __init__(
        self,
        scale: float,
        offset: float = 0.0,
        **layer: Unpack[LayerArguments],
    ) -> None:
        self.scale = number(scale, "scale")
        self.offset = number(offset, "offset")
        super().__init__(**layer)

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.Rescaling(self.scale, self.offset)
