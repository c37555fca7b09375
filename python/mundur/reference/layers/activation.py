"""Activations as layers, those with bends of one's own too."""

import math
from collections.abc import Sequence
from random import Random
from typing import ClassVar

from ..._support.checks import axes_of_batch, axes_of_sample, number
from .. import activations, constraints, initializers, regularizers
from ..lists import Shape, Tensor, Vector, flatten, map_rows, nest, shape
from .axes import along, places
from .base import Layer, Weighted


class Activation(Layer):
    """An activation as a layer of its own: a = f(x).

    Parameters
    ----------
    activation : str, pair (f, f′)
        "linear", "relu", "sigmoid", "tanh", ... (see `activations`); softmax and log_softmax go
        over the last axis.
    activity_regularizer : str, Regularizer or None
        What a adds to the loss.

    Notes
    -----
    x and a have shape (batch, ...), the same.

    Examples
    --------
    >>> layer = Activation("relu")
    >>> layer.build((2,))
    (2,)
    >>> layer.forward([[-1.0, 3.0]]), layer.backward([[5.0, 5.0]])
    ([[0.0, 3.0]], [[0.0, 5.0]])
    """

    def __init__(
        self,
        activation: activations.Identifier,
        *,
        activity_regularizer: regularizers.Identifier = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.activation = activations.get(activation)
        self.activity_regularizer = regularizers.get(activity_regularizer, "activity_regularizer")

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Keep the shape, which needs an axis for the activation."""
        self.check_samples("(..., inputs)", input_shape, len(input_shape) > 0)
        return input_shape

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Activate."""
        self.check_input(x)
        self.x = x
        # a_j = f(x_j)
        self.a = map_rows(self.activation, x)
        return self.a

    def backward(self, gradient: Tensor) -> Tensor:
        """Multiply by the slopes."""
        self.check_gradient(gradient)
        # ∂L/∂x_j = f′(x_j) ∂L/∂a_j
        return map_rows(self.activation.backward, gradient, self.x)

    def __repr__(self) -> str:
        return f"Activation({self.activation})"


class ActivityRegularization(Activation):
    """a = x; l1 Σ|x| + l2 Σx², divided by the samples of the batch, is added to the loss.

    Parameters
    ----------
    l1, l2 : float, default 0.0
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0, *, name: str | None = None) -> None:
        penalty = regularizers.L1L2(l1, l2)
        super().__init__("linear", activity_regularizer=penalty, name=name)

    def __repr__(self) -> str:
        return f"ActivityRegularization({self.activity_regularizer})"


class ReLU(Activation):
    """a = min(x, max_value) where x > threshold, else negative_slope (x − threshold).

    Parameters
    ----------
    max_value : float or None
        Where a ends; None is nowhere.
    negative_slope : float, default 0.0
        The slope on the left.
    threshold : float, default 0.0
        Where the left side ends.

    Examples
    --------
    >>> layer = ReLU(max_value=6.0)
    >>> layer.build((3,))
    (3,)
    >>> layer.forward([[-1.0, 3.0, 9.0]]), layer.backward([[1.0, 1.0, 1.0]])
    ([[0.0, 3.0, 6.0]], [[0.0, 1.0, 0.0]])
    """

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        *,
        name: str | None = None,
    ) -> None:
        end = math.inf if max_value is None else number(max_value, "max_value", at_least=0)
        slope = number(negative_slope, "negative_slope", at_least=0)
        start = number(threshold, "threshold", at_least=0)
        super().__init__(activations.rectifier(slope, end, start), name=name)


class LeakyReLU(Activation):
    """a = x where x > 0, else negative_slope x.

    Parameters
    ----------
    negative_slope : float, default 0.3
        The slope on the left.

    Examples
    --------
    >>> layer = LeakyReLU(0.5)
    >>> layer.build((2,))
    (2,)
    >>> layer.forward([[-1.0, 3.0]])
    [[-0.5, 3.0]]
    """

    def __init__(self, negative_slope: float = 0.3, *, name: str | None = None) -> None:
        slope = number(negative_slope, "negative_slope", at_least=0)
        super().__init__(activations.rectifier(slope), name=name)


class ELU(Activation):
    """a = x where x ≥ 0, else alpha (e^x − 1).

    Parameters
    ----------
    alpha : float, default 1.0
        −alpha is the limit on the left.

    Examples
    --------
    >>> layer = ELU(0.5)
    >>> layer.build((2,))
    (2,)
    >>> layer.forward([[-50.0, 3.0]])
    [[-0.5, 3.0]]
    """

    def __init__(self, alpha: float = 1.0, *, name: str | None = None) -> None:
        lowest = number(alpha, "alpha", at_least=0)
        super().__init__(activations.exponential_unit(lowest), name=name)


class Softmax(Activation):
    """a_i = e^(x_i) / Σ_j e^(x_j) along an axis, or over all places of several.

    Parameters
    ----------
    axis : int or tuple of int, default -1
        The batch's is 0.

    Examples
    --------
    >>> layer = Softmax()
    >>> layer.build((2,))
    (2,)
    >>> layer.forward([[7.0, 7.0]])
    [[0.5, 0.5]]
    """

    def __init__(self, axis: int | Sequence[int] = -1, *, name: str | None = None) -> None:
        super().__init__("softmax", name=name)
        self.axis = axes_of_batch(axis)

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Find what stands along the axes."""
        self.rows = places(input_shape, axes_of_sample(self.axis, len(input_shape), self.name))
        return super().build_for(input_shape, rng)

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Return the shares of e^x."""
        self.check_input(x)
        self.x = x
        # a_i = e^(x_i) / Σ_j e^(x_j)
        self.a = along(self.activation, self.rows, x)
        return self.a

    def backward(self, gradient: Tensor) -> Tensor:
        """Return ∂L/∂x."""
        self.check_gradient(gradient)
        # ∂L/∂x_i = a_i (∂L/∂a_i − Σ_j a_j ∂L/∂a_j)
        return along(self.activation.backward, self.rows, gradient, self.x)

    def __repr__(self) -> str:
        return f"Softmax(axis={self.axis!r})"


class PReLU(Weighted):
    """a = x where x > 0, else α x, α learned: one for each element of a sample, or for several.

    Source: He, Zhang, Ren and Sun, "Delving deep into rectifiers" (2015).

    Parameters
    ----------
    alpha_initializer, alpha_regularizer, alpha_constraint : see `Weighted`
    shared_axes : int or tuple of int, optional
        Axes along which α is the same, the batch's being 0.

    Examples
    --------
    >>> layer = PReLU("ones")
    >>> layer.build((2,))
    (2,)
    >>> layer.forward([[-1.0, 3.0]]), layer.backward([[5.0, 5.0]]), layer.gradients
    ([[-1.0, 3.0]], [[5.0, 5.0]], {'alpha': [-5.0, 0.0]})
    """

    starts: ClassVar[dict[str, str]] = {"alpha": "alpha"}

    def __init__(
        self,
        alpha_initializer: initializers.Identifier = "zeros",
        alpha_regularizer: regularizers.Identifier = None,
        alpha_constraint: constraints.Identifier = None,
        shared_axes: int | Sequence[int] | None = None,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.take(locals())
        self.shared_axes = (
            None if shared_axes is None else axes_of_batch(shared_axes, "shared_axes")
        )

    @classmethod
    def kind(cls) -> str:
        """Return what a layer without a name is called."""
        return "p_re_lu"

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Make α."""
        self.check_samples("(..., inputs)", input_shape, len(input_shape) > 0)
        shared: list[int] = []
        if self.shared_axes not in (None, ()):
            shared = axes_of_sample(self.shared_axes, len(input_shape), self.name, "shared_axes")
        self.rows = places(input_shape, shared)  # one for each α
        alpha = tuple(1 if axis in shared else n for axis, n in enumerate(input_shape))
        self.make({"alpha": alpha}, rng)
        return input_shape

    def slopes(self) -> Vector:
        """Return α of each element of a flattened sample."""
        found = [0.0] * sum(map(len, self.rows))
        for row, alpha in zip(self.rows, flatten(self.parameters["alpha"]), strict=True):
            for place in row:
                found[place] = alpha
        return found

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Bend."""
        self.check_input(x)
        self.x = x
        # a_j = x_j where x_j > 0, else α_j x_j
        slopes = self.slopes()
        samples = (zip(flatten(sample), slopes, strict=True) for sample in x)
        bent = [v if v > 0 else slope * v for sample in samples for v, slope in sample]
        self.a = nest(bent, shape(x))
        return self.a

    def backward(self, gradient: Tensor) -> Tensor:
        """Return ∂L/∂x, with ∂L/∂α."""
        self.check_gradient(gradient)
        slopes = self.slopes()
        dx: Vector = []
        dalpha = [0.0] * len(slopes)
        for sample, da in zip(self.x, gradient, strict=True):
            for j, (v, g) in enumerate(zip(flatten(sample), flatten(da), strict=True)):
                # ∂L/∂x_j = ∂L/∂a_j where x_j > 0, else α_j ∂L/∂a_j        ∂L/∂α = Σ x_j ∂L/∂a_j
                dx.append(g if v > 0 else slopes[j] * g)
                dalpha[j] += 0.0 if v > 0 else v * g
        if self.learns("alpha"):
            sums = [sum(dalpha[place] for place in row) for row in self.rows]
            self.gradients["alpha"] = nest(sums, shape(self.parameters["alpha"]))
        return nest(dx, shape(self.x))

    def __repr__(self) -> str:
        return f"PReLU(shared_axes={self.shared_axes!r})"
