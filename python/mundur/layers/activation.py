"""Activations as layers, those with parameters too, and a penalty on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from .. import _core, constraints, initializers, regularizers
from .._support.checks import axes_of_batch, axes_of_sample, number, without_batch
from .._support.names import checked_keywords
from .._support.unpack import Unpack
from ..activations import NATIVE, Identifier, exponential_unit, named, native, rectifier
from ..constraints import Constraint
from ..initializers import Initializer
from ..regularizers import L1L2, Regularizer
from .base import KERAS, Layer, LayerArguments


class ReLU(Layer):
    """y = min(x, max_value) where x > threshold, else negative_slope·(x - threshold).

    By default y = max(x, 0). x and y have the same shape. At a bend f′ is that of the left side of
    `threshold`, and 0 at `max_value` (Nair and Hinton, 2010).

    Parameters
    ----------
    max_value : float, optional
        At least 0; without it y does not end.
    negative_slope : float, default 0.0
        At least 0.
    threshold : float, default 0.0
        At least 0.
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a parameter that is no number, or negative.

    Examples
    --------
    >>> import mundur as md
    >>> md.Model([md.layers.ReLU(max_value=6)], seed=0).predict([[-1.0, 3.0, 9.0]]).tolist()
    [[0.0, 3.0, 6.0]]
    """

    _kind = "re_lu"

    @checked_keywords(ignored=KERAS, rest=Layer)
    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **layer: Unpack[LayerArguments],
    ) -> None:
        self.max_value = None if max_value is None else number(max_value, "max_value", at_least=0)
        self.negative_slope = number(negative_slope, "negative_slope", at_least=0)
        self.threshold = number(threshold, "threshold", at_least=0)
        super().__init__(**layer)

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.Activation(rectifier(self.negative_slope, self.max_value, self.threshold))


class LeakyReLU(Layer):
    """y = x where x > 0, else negative_slope·x.

    x and y have the same shape (Maas, Hannun and Ng, 2013).

    Parameters
    ----------
    negative_slope : float, default 0.3
        At least 0. By name, as ``Activation("leaky_relu")``, it is 0.2; both are Keras's.
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a slope that is no number, or negative.

    Examples
    --------
    >>> import mundur as md
    >>> md.Model([md.layers.LeakyReLU(0.5)], seed=0).predict([[-1.0, 3.0]]).tolist()
    [[-0.5, 3.0]]
    """

    _kind = "leaky_re_lu"

    @checked_keywords(ignored=KERAS, rest=Layer)
    def __init__(
        self,
        negative_slope: float = 0.3,
        **layer: Unpack[LayerArguments],
    ) -> None:
        self.negative_slope = number(negative_slope, "negative_slope", at_least=0)
        super().__init__(**layer)

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.Activation(rectifier(self.negative_slope, None, 0.0))


class ELU(Layer):
    """y = x where x >= 0, else alpha·(eˣ - 1).

    x and y have the same shape (Clevert, Unterthiner and Hochreiter, 2016).

    Parameters
    ----------
    alpha : float, default 1.0
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For an alpha that is no finite number.

    Examples
    --------
    >>> import mundur as md
    >>> md.layers.ELU(0.5)
    ELU(alpha=0.5)
    """

    _kind = "elu"

    @checked_keywords(ignored=KERAS, rest=Layer)
    def __init__(
        self,
        alpha: float = 1.0,
        **layer: Unpack[LayerArguments],
    ) -> None:
        self.alpha = number(alpha, "alpha")
        super().__init__(**layer)

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.Activation(exponential_unit(self.alpha))


class Softmax(Layer):
    """yᵢ = eˣⁱ / Σⱼ eˣʲ along an axis, or over all places of several together.

    Along the last axis it is what ``Activation("softmax")`` computes. x and y have the same shape.

    Parameters
    ----------
    axis : int or tuple of int, default -1
        The batch's is 0.
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For an axis that is none, or the samples'.

    Examples
    --------
    >>> import mundur as md
    >>> md.Model([md.layers.Softmax()], seed=0).predict([[7.0, 7.0]]).tolist()
    [[0.5, 0.5]]
    """

    _kind = "softmax"

    @checked_keywords(ignored=KERAS, rest=Layer)
    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        **layer: Unpack[LayerArguments],
    ) -> None:
        self.axis = axes_of_batch(axis)
        super().__init__(**layer)

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of one sample behind this layer."""
        axes_of_sample(self.axis, len(input_shape), self.name)
        return input_shape

    def describe(self) -> _core.LayerSpec:
        """The native description, where the axis is the last one or counted from it."""
        return self.describe_on([()])

    def describe_on(self, shapes: Sequence[tuple[int, ...]]) -> _core.LayerSpec:
        """The native description, for inputs of these shapes."""
        axes = without_batch(self.axis)
        if axes in ([-1], [len(shapes[0]) - 1]):
            return _core.Activation(NATIVE["softmax"])
        return _core.Softmax(axes)


class PReLU(Layer):
    """y = x where x > 0, else α·x, with α learned.

    There is an α for each element of a sample, or one for several. x and y have the same shape;
    ∂L/∂x = ∂L/∂y where x > 0, else α·∂L/∂y; ∂L/∂α = Σ x·∂L/∂y over where x <= 0 (He, Zhang, Ren and
    Sun, 2015, who begin with 0.25; Keras with 0).

    Parameters
    ----------
    alpha_initializer : str, Initializer or array, default "Zeros"
    alpha_regularizer, alpha_constraint : str or object, optional
        See `mundur.regularizers` and `mundur.constraints`.
    shared_axes : int or tuple of int, optional
        Axes along which α is the same, the batch's being 0: 1 for one α for each channel of (batch,
        steps, channels), in all steps. Negative ones count from the end (in Keras, off by one).
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it; when built, for an axis that samples lack.

    Examples
    --------
    >>> import mundur as md
    >>> layer = md.layers.PReLU(md.initializers.Constant(0.25))
    >>> layer([[-4.0, 3.0]])
    array([[-1.,  3.]], dtype=float32)
    """

    _kind = "p_re_lu"

    alpha_initializer: Initializer
    alpha_regularizer: Regularizer | None
    alpha_constraint: Constraint | None

    @checked_keywords(ignored=KERAS, rest=Layer)
    def __init__(
        self,
        alpha_initializer: Any = "Zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: int | Sequence[int] | None = None,
        **layer: Unpack[LayerArguments],
    ) -> None:
        self.alpha_initializer = initializers.get(alpha_initializer, "alpha_initializer")
        self.alpha_regularizer = regularizers.get(alpha_regularizer, "alpha_regularizer")
        self.alpha_constraint = constraints.get(alpha_constraint, "alpha_constraint")
        if shared_axes is not None:
            shared_axes = axes_of_batch(shared_axes, "shared_axes")
        self.shared_axes = shared_axes
        super().__init__(**layer)

    @property
    def parameter_initializers(self) -> dict[str, Initializer]:
        """That of alpha."""
        return {"alpha": self.alpha_initializer}

    @property
    def parameter_regularizers(self) -> dict[str, Regularizer | None]:
        """That of alpha."""
        return {"alpha": self.alpha_regularizer}

    @property
    def parameter_constraints(self) -> dict[str, Constraint | None]:
        """That of alpha."""
        return {"alpha": self.alpha_constraint}

    def parameter_shapes(self, input_shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        """That of a sample, with 1 for the shared axes."""
        shared = self._shared(len(input_shape))
        return {
            "alpha": tuple(1 if i in shared else extent for i, extent in enumerate(input_shape))
        }

    def _shared(self, rank: int) -> list[int]:
        if self.shared_axes in (None, ()):
            return []
        return axes_of_sample(self.shared_axes, rank, self.name, "shared_axes")

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of one sample behind this layer."""
        self._shared(len(input_shape))
        return input_shape

    @property
    def alpha(self) -> npt.NDArray[Any]:
        """Live view of α."""
        return self._view("alpha")

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.PReLU([] if self.shared_axes is None else without_batch(self.shared_axes))


class Activation(Layer):
    """An activation as a layer of its own, for instance behind a layer that has none.

    y = f(x), element by element; softmax and log_softmax over the last axis. x and y have the same
    shape. `mundur.activations` has the formula and the source of each:

    - "linear", "relu", "sigmoid", "tanh", "softmax", "log_softmax"
    - "leaky_relu" (slope 0.2), "relu6", "elu", "selu"
    - "gelu", its approximation "gelu_tanh", "silu" (or "swish"), "mish"
    - "softplus", "softsign", "exponential", "hard_sigmoid", "hard_silu" (or "hard_swish")

    Parameters
    ----------
    activation : str, function of `mundur.activations` or pair (f, f_prime)
        A pair is two functions of your own, see `mundur.activations.Custom`.
    activity_regularizer : str or Regularizer, optional
        What y adds to the loss; see `mundur.regularizers`.
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For an unknown name, with the known ones, and for a pair that does not fit.

    Notes
    -----
    The functions are the package's own polynomials, the same on every machine. Largest error in
    units of the last place, over every float32 there is and over 12 million float64 numbers:

    ========  =======  =======
    function  float32  float64
    ========  =======  =======
    exp          0.99     0.98
    log          0.83     0.83
    tanh         1.65     1.91
    sigmoid      0.99     0.97
    erf          1.16     1.18
    ========  =======  =======

    softmax is made of exp, log_softmax and the cross-entropies of exp and log. The others are made
    of these too. Their largest error is, in units of the last place of f(x), below 1.0 for
    exponential, 1.1 for elu and hard_sigmoid, 1.6 for softsign and 2.0 for selu, softplus and
    hard_silu. gelu, gelu_tanh, silu and mish multiply x by a share: below 2.0 units of the last
    place of x, which is more of f(x) where the share is small.

    Examples
    --------
    >>> import mundur as md
    >>> md.layers.Activation("tanh")
    Activation('tanh')
    """

    _kind = "activation"

    @checked_keywords(ignored=KERAS, rest=Layer)
    def __init__(
        self,
        activation: Identifier,
        *,
        activity_regularizer: Any = None,
        **layer: Unpack[LayerArguments],
    ) -> None:
        self.activation = named(activation)
        self.activity_regularizer = regularizers.get(activity_regularizer, "activity_regularizer")
        super().__init__(**layer)

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.Activation(native(self.activation))


class ActivityRegularization(Layer):
    """y = x, and l1·Σ|x| + l2·Σx², divided by the batch's samples, is added to the loss.

    Behind another layer it does what that layer's `activity_regularizer` does. x and y have the
    same shape.

    Parameters
    ----------
    l1, l2 : float, default 0.0
        Not negative.
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a factor that is not a finite number of at least 0.

    Examples
    --------
    >>> import mundur as md
    >>> md.layers.ActivityRegularization(l1=1e-3)
    ActivityRegularization(l1=0.001)
    """

    _kind = "activity_regularization"

    @checked_keywords(ignored=KERAS, rest=Layer)
    def __init__(
        self,
        l1: float = 0.0,
        l2: float = 0.0,
        **layer: Unpack[LayerArguments],
    ) -> None:
        self.l1 = number(l1, "l1", at_least=0)
        self.l2 = number(l2, "l2", at_least=0)
        self._activity_regularizer = L1L2(self.l1, self.l2)
        super().__init__(**layer)

    @property
    def activity_regularizer(self) -> L1L2:  # type: ignore[override]
        """What the arguments say, as a regularizer."""
        return self._activity_regularizer

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.Activation(native("linear"))
