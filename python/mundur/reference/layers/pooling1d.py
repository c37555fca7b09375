"""Pooling, and that over time: forward, and backward directly below it.

Sources: for maxima Ranzato, Huang, Boureau and LeCun, "Unsupervised learning of invariant feature
hierarchies" (2007); for means LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied
to document recognition" (1998).
"""

from math import isnan
from random import Random

from ..._support.checks import boolean, integer
from ..._support.names import lookup
from ..lists import Matrix, Shape, Tensor, Vector, flatten, nest, rows, shape, zeros
from .base import Layer
from .windows import PADDINGS, Windows, Windows2D


class Pooling(Layer):
    """What poolings share: each window and channel of x makes a number of a.

    A kind of pooling says by `weights` how much each number of a window counts:
    a = Σ_k w_k x_k, and ∂a/∂x_k = w_k.
    """

    keeps_mask = False
    windows: Windows | Windows2D
    seen: list[Matrix]
    """Of each sample the steps, or the pixels of its image row by row: their channels."""

    def weights(self, values: Vector, there: list[bool]) -> Vector:
        """Return how much each of the values, of steps that a mask has or not, counts."""
        raise NotImplementedError

    def counts(self, n: int, t: int, c: int) -> list[tuple[int, float]]:
        """Return the steps that window t sees of sample n, each with its weight in channel c."""
        steps = [s for _, s in self.windows.seen(t)]
        has_mask = self.mask is not None and len(self.mask[n]) == len(self.seen[n])
        there = [bool(self.mask[n][s]) if self.mask and has_mask else True for s in steps]
        weights = self.weights([self.seen[n][s][c] for s in steps], there)
        return [(s, w) for s, w in zip(steps, weights, strict=True) if w]

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Pool what each window sees."""
        self.check_input(x)
        self.x, self.seen = x, [list(rows(x_n)) for x_n in x]
        # a_tc = Σ_s w_s x_sc over what window t sees
        pooled = [
            [
                [sum(w * x_n[s][c] for s, w in self.counts(n, t, c)) for c in range(len(x_n[0]))]
                for t in range(self.windows.count)
            ]
            for n, x_n in enumerate(self.seen)
        ]
        self.a = [nest(flatten(a_n), self.output_shape or ()) for a_n in pooled]
        return self.a

    def backward(self, gradient: Tensor) -> Tensor:
        """Send the gradient to where it came from."""
        self.check_gradient(gradient)
        dx: Tensor = zeros(shape(self.x))
        for n, g_n in enumerate(gradient):
            dx_n = list(rows(dx[n]))
            for t, g_t in enumerate(rows(g_n)):
                for c, g_tc in enumerate(g_t):
                    # ∂L/∂x_sc += w_s ∂L/∂a_tc
                    for s, w in self.counts(n, t, c):
                        dx_n[s][c] += w * g_tc
        return dx


def all_for_the_first_maximum(values: Vector) -> Vector:
    """Return weight 1 for the first maximum, or the first NaN.

    Examples
    --------
    >>> all_for_the_first_maximum([1.0, 3.0, 3.0])
    [0.0, 1.0, 0.0]
    """
    order = [(isnan(value), 0.0 if isnan(value) else value) for value in values]
    first = order.index(max(order))
    return [1.0 if k == first else 0.0 for k in range(len(values))]


def shared_evenly(there: list[bool]) -> Vector:
    """Return equal weights for those that are there.

    Examples
    --------
    >>> shared_evenly([True, False, True]), shared_evenly([False])
    ([0.5, 0.0, 0.5], [0.0])
    """
    return [1 / sum(there) if here else 0.0 for here in there]


class MaxPooling1D(Pooling):
    """The greatest number of each window and channel; of equal ones, the first.

    Parameters
    ----------
    pool_size : int, default 2
        Steps that a window sees.
    strides : int, optional
        Steps from a window to the next; without it, `pool_size`.
    padding : str, default "valid"
        "valid" or "same"; see `windows`.

    Notes
    -----
    x has shape (batch, steps, channels), a has shape (batch, windows, channels).

    Examples
    --------
    >>> layer = MaxPooling1D(2)
    >>> layer.build((4, 1))
    (2, 1)
    >>> layer.forward([[[1.0], [4.0], [9.0], [2.0]]])
    [[[4.0], [9.0]]]
    >>> layer.backward([[[1.0], [10.0]]])
    [[[0.0], [1.0], [10.0], [0.0]]]
    """

    def __init__(
        self,
        pool_size: int = 2,
        strides: int | None = None,
        padding: str = "valid",
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.pool_size = integer(pool_size, "pool_size", 1)
        self.strides = self.pool_size if strides is None else integer(strides, "strides", 1)
        self.padding = lookup(PADDINGS, padding, "padding")

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Place the windows."""
        self.check_samples("(steps, channels)", input_shape, len(input_shape) == 2)
        steps, channels = input_shape
        self.windows = Windows(steps, self.pool_size, self.strides, 1, self.padding)
        return (self.windows.count, channels)

    def weights(self, values: Vector, there: list[bool]) -> Vector:
        """Return 1 for the maximum; a mask changes nothing."""
        return all_for_the_first_maximum(values)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.pool_size}, strides={self.strides}, "
            f"padding={self.padding!r})"
        )


class AveragePooling1D(MaxPooling1D):
    """The mean of each window and channel, over the steps that lie within the sample.

    Parameters
    ----------
    pool_size, strides, padding
        As `MaxPooling1D` has them.

    Examples
    --------
    >>> layer = AveragePooling1D(2)
    >>> layer.build((4, 1))
    (2, 1)
    >>> layer.forward([[[1.0], [4.0], [9.0], [2.0]]])
    [[[2.5], [5.5]]]
    """

    def weights(self, values: Vector, there: list[bool]) -> Vector:
        """Return 1/n for each; a mask changes nothing."""
        return shared_evenly([True] * len(values))


class GlobalMaxPooling1D(Pooling):
    """The greatest number of each channel; of equal ones, the first.

    Parameters
    ----------
    keepdims : bool, default False
        Whether a keeps an axis of one step.

    Notes
    -----
    x has shape (batch, steps, channels), a has shape (batch, channels).

    Examples
    --------
    >>> layer = GlobalMaxPooling1D()
    >>> layer.build((2, 2))
    (2,)
    >>> layer.forward([[[1.0, 5.0], [4.0, 2.0]]])
    [[4.0, 5.0]]
    """

    def __init__(self, keepdims: bool = False, *, name: str | None = None) -> None:
        super().__init__(name)
        self.keepdims = boolean(keepdims, "keepdims")

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Make one window of all steps."""
        self.check_samples("(steps, channels)", input_shape, len(input_shape) == 2)
        steps, channels = input_shape
        self.windows = Windows(steps, steps, 1, 1, "valid")
        return (1, channels) if self.keepdims else (channels,)

    def weights(self, values: Vector, there: list[bool]) -> Vector:
        """Return 1 for the maximum; a mask changes nothing."""
        return all_for_the_first_maximum(values)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(keepdims={self.keepdims})"


class GlobalAveragePooling1D(GlobalMaxPooling1D):
    """The mean of each channel, over the steps that the mask has; without any, 0.

    Source: Lin, Chen and Yan, "Network in network" (2013).

    Parameters
    ----------
    keepdims : bool, default False
        Whether a keeps an axis of one step.

    Examples
    --------
    >>> layer = GlobalAveragePooling1D()
    >>> layer.build((3, 1))
    (1,)
    >>> layer.mask = [[True, False, True]]
    >>> layer.forward([[[1.0], [8.0], [2.0]]]), layer.backward([[4.0]])
    ([[1.5]], [[[2.0], [0.0], [2.0]]])
    """

    def weights(self, values: Vector, there: list[bool]) -> Vector:
        """Return 1/n for each that is there."""
        return shared_evenly(there)
