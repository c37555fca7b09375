"""Layers that bring numbers to one scale: normalisations and Rescaling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _core, initializers
from .._support.checks import (
    axes_of_batch,
    axes_of_sample,
    axis_of_batch,
    boolean,
    epsilon_value,
    number,
    without_batch,
)
from .._support.names import checked_keywords
from .._support.unpack import Unpack
from ..data import arrays
from ..data.stream import is_batches
from .base import KERAS, Layer, LayerArguments
from .input import is_symbolic

NORMALIZING = KERAS | dict.fromkeys(
    ("beta_regularizer", "gamma_regularizer", "beta_constraint", "gamma_constraint")
)


class Normalizing(Layer):
    """What normalisations share: scale γ and shift β, a number each for each element of axes."""

    axis: Any
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
        """One number for each element of the axis, or axes."""
        shape = self._columns(input_shape)
        return {name: shape for name in self.parameter_initializers}

    def _columns(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        axes = axes_of_sample(self.axis, len(input_shape), self.name)
        return tuple(input_shape[axis] for axis in axes)

    @property
    def gamma(self) -> npt.NDArray[Any] | None:
        """Live view of γ; None without `scale`."""
        return self._view("gamma") if self.scale else None

    @property
    def beta(self) -> npt.NDArray[Any] | None:
        """Live view of β; None without `center`."""
        return self._view("beta") if self.center else None


class BatchNormalization(Normalizing):
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
        The columns' axis, the batch's being 0. Another than the last is brought there and back.
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
        ignored=NORMALIZING
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
        self.axis = axis_of_batch(axis)
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
        """One number for each element of the axis."""
        shape = self._columns(input_shape)
        return {name: shape for name in self.state_initializers}

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        (axis,) = without_batch(self.axis)
        return _core.BatchNormalization(self.momentum, self.epsilon, self.scale, self.center, axis)

    @property
    def moving_mean(self) -> npt.NDArray[Any]:
        """Live view of the moving mean."""
        return self._view("moving_mean")

    @property
    def moving_variance(self) -> npt.NDArray[Any]:
        """Live view of the moving variance."""
        return self._view("moving_variance")


class LayerNormalization(Normalizing):
    """Brings each sample's last axis to mean 0 and variance 1, then scales and shifts it.

    With the moments of the C elements of one row, in training and outside of it,

        μ = Σ x / C        σ² = Σ (x - μ)² / C        x̂ = (x - μ) / √(σ² + ε)        y = γ x̂ + β

    γ and β have one element for each of the C. Shapes: x and y (batch, ..., C). Backward, with
    g = γ·dy: ∂L/∂x = (g - (Σ g + x̂ Σ g·x̂) / C) / √(σ² + ε), ∂L/∂γ = Σ dy·x̂ and ∂L/∂β = Σ dy over
    the rows (Ba, Kiros and Hinton, 2016).

    Parameters
    ----------
    axis : int or tuple of int, default -1
        What is normalised together, the batch's axis being 0; γ and β have its shape.
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

    @checked_keywords(ignored=NORMALIZING | {"rms_scaling": False}, rest=Layer)
    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        **layer: Unpack[LayerArguments],
    ) -> None:
        self.axis = axes_of_batch(axis)
        self.epsilon = epsilon_value(epsilon)
        self.center = boolean(center, "center")
        self.scale = boolean(scale, "scale")
        self.beta_initializer = initializers.get(beta_initializer, "beta_initializer")
        self.gamma_initializer = initializers.get(gamma_initializer, "gamma_initializer")
        super().__init__(**layer)

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.LayerNormalization(
            self.epsilon, self.scale, self.center, without_batch(self.axis)
        )


class UnitNormalization(Layer):
    """Brings each sample's last axis, or some axes together, to length 1: y = x / max(‖x‖, 10⁻¹²).

    ‖x‖ = √Σ x². What is left is the direction: for `Dot` and `losses.Circle`. x and y have the same
    shape; ∂L/∂x = (∂L/∂y - y Σ y·∂L/∂y) / ‖x‖.

    Parameters
    ----------
    axis : int or tuple of int, default -1
        What has length 1, the batch's axis being 0.
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For an axis that is none, or the samples'.

    Examples
    --------
    >>> import mundur as md
    >>> md.layers.UnitNormalization()([[3.0, 4.0]])
    array([[0.6, 0.8]], dtype=float32)
    """

    _kind = "unit_normalization"

    @checked_keywords(ignored=KERAS, rest=Layer)
    def __init__(self, axis: int | Sequence[int] = -1, **layer: Unpack[LayerArguments]) -> None:
        self.axis = axes_of_batch(axis)
        super().__init__(**layer)

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of one sample behind this layer."""
        axes_of_sample(self.axis, len(input_shape), self.name)
        return input_shape

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.UnitNormalization(without_batch(self.axis))


class Normalization(Layer):
    """Brings each column to mean 0 and variance 1 by numbers that are known beforehand.

    y = (x - μ) / √σ², with μ and σ² of a training set from `adapt`, or given; training never
    changes them. Inverted, y = x √σ² + μ. Shapes: x and y (batch, ..., columns); ∂L/∂x = ∂L/∂y /
    √σ². A variance counts as at least 10⁻¹⁴, so that a constant column becomes 0.

    Parameters
    ----------
    axis : int or None, default -1
        The columns', the last one; None: one mean and variance for all numbers.
    mean, variance : float or array, optional
        μ and σ²; only together.
    invert : bool, default False
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it; when built, without a mean and a variance.

    Examples
    --------
    >>> import mundur as md, numpy as np
    >>> layer = md.layers.Normalization()
    >>> layer.adapt(np.array([[1.0, 10.0], [3.0, 30.0]]))
    >>> model = md.Model([layer, md.layers.Dense(1)], seed=0)
    >>> layer([[1.0, 20.0]])
    array([[-1.,  0.]])
    """

    _kind = "normalization"

    @checked_keywords(ignored=KERAS, rest=Layer)
    def __init__(
        self,
        axis: int | None = -1,
        mean: Any = None,
        variance: Any = None,
        invert: bool = False,
        **layer: Unpack[LayerArguments],
    ) -> None:
        self.axis = None if axis is None else axis_of_batch(axis)
        self.invert = boolean(invert, "invert")
        if (mean is None) != (variance is None):
            raise ValueError("mean and variance come together; got one of them")
        self._moments: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]] | None = None
        if mean is not None:
            self._keep(_numbers(mean, "mean"), _numbers(variance, "variance"))
        super().__init__(**layer)

    def _keep(self, mean: npt.NDArray[np.float64], variance: npt.NDArray[np.float64]) -> None:
        if (variance < 0).any():
            raise ValueError(f"variance must not be negative; got {variance.min()}")
        self._moments = mean, variance

    @property
    def mean(self) -> npt.NDArray[np.float64] | None:
        """μ, or None before `adapt`."""
        return None if self._moments is None else self._moments[0]

    @property
    def variance(self) -> npt.NDArray[np.float64] | None:
        """σ², or None before `adapt`."""
        return None if self._moments is None else self._moments[1]

    def adapt(self, data: Any) -> None:
        """Takes μ and σ² from samples, an array or batches of them; a model has them at once.

        Parameters
        ----------
        data : array (samples, ..., columns) or iterable of such
        """
        batches = iter(data) if is_batches(data) else iter([data])
        count, mean, spread = 0.0, np.zeros(()), np.zeros(())
        for batch in batches:
            x = np.asarray(arrays.real_array(batch, "data"), np.float64)
            arrays.check_finite(x, "data")
            if x.ndim < 2:
                x = x.reshape(-1, 1)
            rows = x.reshape(-1, 1 if self.axis is None else x.shape[-1])
            if not rows.size:
                continue
            if count and rows.shape[1] != len(mean):
                raise ValueError(
                    f"data must have as many columns in every batch; got {len(mean)} and then "
                    f"{rows.shape[1]}"
                )
            own, centre = float(len(rows)), rows.mean(axis=0)
            apart, total = centre - mean, count + own
            spread = spread + ((rows - centre) ** 2).sum(axis=0) + apart**2 * (count * own / total)
            mean, count = mean + apart * (own / total), total
        if not count:
            raise ValueError("data must hold at least one sample")
        self._keep(mean, spread / count)
        if self._owner is not None and self.owner is not None:
            self._tell_model()

    def _tell_model(self) -> None:
        """A model that is built has numbers of its own."""
        try:
            views = self._views()
        except (KeyError, RuntimeError):  # not built yet
            return
        for name, values in self._native_moments().items():
            views[name][...] = values

    def _native_moments(self) -> dict[str, npt.NDArray[np.float64]]:
        """What the core takes off, and whose root it divides by."""
        if self._moments is None:
            raise ValueError(
                f"{self.name} has no mean and variance yet; call adapt(x_train) before the model "
                "is built, or pass mean= and variance="
            )
        mean, variance = (np.atleast_1d(part).ravel() for part in self._moments)
        variance = np.maximum(variance, 1e-14)
        if self.invert:  # x √σ² + μ = (x + μ/√σ²) / √(1/σ²)
            return {"mean": -mean / np.sqrt(variance), "variance": 1 / variance}
        return {"mean": mean, "variance": variance}

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """The normalised numbers of an array."""
        if len(inputs) != 1 or is_symbolic(inputs[0]):
            return super().__call__(*inputs, **options)
        x = np.asarray(arrays.real_array(inputs[0], "inputs"), np.float64)
        moments = self._native_moments()
        self._check_columns(x.shape[1:] or (1,))
        return (x - moments["mean"]) / np.sqrt(moments["variance"])

    def _check_columns(self, sample: tuple[int, ...]) -> None:
        found = len(self._native_moments()["mean"])
        if found not in (1, sample[-1]):
            raise ValueError(
                f"{self.name}: mean and variance have {found} columns; samples of shape "
                f"{sample} have {sample[-1]}"
            )

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, what `adapt` found among them."""
        config = super().get_config()
        for name in ("mean", "variance"):
            config[name] = None if config[name] is None else config[name].tolist()
        return config

    @property
    def state_initializers(self) -> dict[str, initializers.Initializer]:
        """Those of mean and variance."""
        if self._moments is None:
            return {"mean": initializers.Zeros(), "variance": initializers.Ones()}
        moments = self._native_moments()
        return {
            name: initializers.Constant(float(values[0]))
            if len(values) == 1
            else initializers.get(values, name)
            for name, values in moments.items()
        }

    def state_shapes(self, input_shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        """One number for each column, or one for all."""
        columns = 1
        if self.axis is not None:
            axes_of_sample(self.axis, len(input_shape), self.name)
            if self.axis not in (-1, len(input_shape)):
                raise ValueError(
                    f"{self.name}: axis must be the last one, -1 or {len(input_shape)}, or None; "
                    f"got {self.axis}. Permute brings another one there"
                )
            columns = input_shape[-1]
            self._check_columns(input_shape)
        return {"mean": (columns,), "variance": (columns,)}

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.Normalization(self.axis is None)


def _numbers(value: Any, name: str) -> npt.NDArray[np.float64]:
    array = np.asarray(arrays.real_array(value, name), np.float64)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite; got {array}")
    return array


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
