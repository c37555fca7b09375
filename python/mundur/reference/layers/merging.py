"""Layers that make one value of several: sums, products, the largest, side by side.

Their x is a list of batches, one for each value, and what `backward` returns is such a list.
"""

from collections.abc import Sequence
from operator import add, mul, sub
from random import Random
from typing import Any

from ..._support.checks import boolean
from ..lists import (
    Mask,
    Shape,
    Tensor,
    check_shape,
    filled,
    flatten,
    map_elements,
    map_rows,
    nest,
    shape,
)
from .base import Layer
from .normalization import unit, unit_slope

Shapes = Sequence[Shape]


class Merging(Layer):
    """What all of them share.

    Attributes
    ----------
    input_shapes : list of tuple of int
        The shape of one sample of each input.
    masks : list of mask or None
        That of each input's batch; a model sets them before forward.
    """

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(name)
        self.input_shapes: list[Shape] = []
        self.masks: list[Mask | None] = []

    def build(self, input_shape: Any, rng: Random | None = None) -> Shape:
        """Take the shapes of the inputs; give that of output samples."""
        self.input_shapes = list(input_shape)
        self.output_shape = self.merged(self.input_shapes)
        return self.output_shape

    def forward_all(self, x: list[Tensor], training: bool = False) -> list[Tensor]:
        """Return what is made of all, alone."""
        return [self.forward(x, training)]

    def backward_all(self, gradients: list[Tensor]) -> list[Tensor]:
        """Return ∂L/∂x_i of each."""
        return list(self.backward(gradients[0]))

    def merged(self, shapes: Shapes) -> Shape:
        """Return the shape of output samples, which is that of all inputs."""
        for other in shapes[1:]:
            if other != shapes[0]:
                raise ValueError(f"{self.name}: samples must have one shape; got {shapes}")
        return shapes[0]

    def compute_mask(self, x: Tensor, mask: Any) -> Mask | None:
        """Return which steps any input has; `mask` is the list of their masks; None: all."""
        if not self.keeps_mask or any(one is None for one in mask):
            return None
        found: Mask = mask[0]
        for other in mask[1:]:
            found = map_elements(lambda p, q: bool(p or q), found, other)
        return found

    def check_inputs(self, x: Tensor) -> None:
        """Raise unless these are batches that this layer was built for."""
        if not self.input_shapes:
            raise RuntimeError(f"{self.name}: call build(input_shapes) before forward")
        for i, (batch, of) in enumerate(zip(x, self.input_shapes, strict=True)):
            check_shape(f"{self.name}: x[{i}]", batch, (None, *of))


class Add(Merging):
    """a_j = Σ_i x_ij: one way of putting a value beside what layers have made of it.

    Examples
    --------
    >>> layer = Add()
    >>> layer.build([(2,), (2,)])
    (2,)
    >>> layer.forward([[[1.0, 2.0]], [[3.0, 5.0]]]), layer.backward([[1.0, -1.0]])
    ([[4.0, 7.0]], [[[1.0, -1.0]], [[1.0, -1.0]]])
    """

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Return the sum."""
        self.check_inputs(x)
        # a_j = Σ_i x_ij
        self.a = x[0]
        for other in x[1:]:
            self.a = map_elements(add, self.a, other)
        self.count = len(x)
        return self.a

    def backward(self, gradient: Tensor) -> Tensor:
        """Return ∂L/∂x_i, the same for all."""
        self.check_gradient(gradient)
        # ∂L/∂x_ij = ∂L/∂a_j
        return [gradient] * self.count


class Average(Add):
    """a_j = Σ_i x_ij / n.

    Examples
    --------
    >>> layer = Average()
    >>> layer.build([(1,), (1,)])
    (1,)
    >>> layer.forward([[[1.0]], [[3.0]]]), layer.backward([[1.0]])
    ([[2.0]], [[[0.5]], [[0.5]]])
    """

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Return the mean."""
        # a_j = Σ_i x_ij / n
        self.a = map_elements(lambda s: s / len(x), super().forward(x, training))
        return self.a

    def backward(self, gradient: Tensor) -> Tensor:
        """Return ∂L/∂x_i, the same for all."""
        # ∂L/∂x_ij = ∂L/∂a_j / n
        return super().backward(map_elements(lambda g: g / self.count, gradient))


class Subtract(Merging):
    """a_j = x_1j − x_2j.

    Examples
    --------
    >>> layer = Subtract()
    >>> layer.build([(1,), (1,)])
    (1,)
    >>> layer.forward([[[5.0]], [[3.0]]]), layer.backward([[1.0]])
    ([[2.0]], [[[1.0]], [[-1.0]]])
    """

    def merged(self, shapes: Shapes) -> Shape:
        """Return the shape of output samples."""
        if len(shapes) != 2:
            raise ValueError(f"{self.name}: there must be two inputs; got {len(shapes)}")
        return super().merged(shapes)

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Return the difference."""
        self.check_inputs(x)
        # a_j = x_1j − x_2j
        self.a = map_elements(sub, *x)
        return self.a

    def backward(self, gradient: Tensor) -> Tensor:
        """Return ∂L/∂x_1 and ∂L/∂x_2."""
        self.check_gradient(gradient)
        # ∂L/∂x_1j = ∂L/∂a_j        ∂L/∂x_2j = −∂L/∂a_j
        return [gradient, map_elements(lambda g: -g, gradient)]


class Multiply(Merging):
    """a_j = Π_i x_ij; a step that a mask lacks is a factor of 1, and 0 if all of them lack it.

    Examples
    --------
    >>> layer = Multiply()
    >>> layer.build([(1,), (1,)])
    (1,)
    >>> layer.forward([[[5.0]], [[3.0]]]), layer.backward([[1.0]])
    ([[15.0]], [[[3.0]], [[5.0]]])
    """

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Return the product."""
        self.check_inputs(x)
        masks = self.masks or [None] * len(x)
        self.factors = [in_steps(one, mask, 1.0) for one, mask in zip(x, masks, strict=True)]
        # a_j = Π_i x_ij
        self.a = self.factors[0]
        for other in self.factors[1:]:
            self.a = map_elements(mul, self.a, other)
        self.a = in_steps(self.a, self.compute_mask(x, masks), 0.0)
        return self.a

    def backward(self, gradient: Tensor) -> Tensor:
        """Return ∂L/∂x_i."""
        self.check_gradient(gradient)
        masks = self.masks or [None] * len(self.factors)
        gradient = in_steps(gradient, self.compute_mask([], masks), 0.0)
        result = []
        for i, mask in enumerate(masks):
            # ∂L/∂x_ij = ∂L/∂a_j Π_k≠i x_kj
            back = gradient
            for k, factor in enumerate(self.factors):
                if k != i:
                    back = map_elements(mul, back, factor)
            result.append(in_steps(back, mask, 0.0))
        return result


class Maximum(Merging):
    """a_j = max_i x_ij, the first of those that are equal.

    Examples
    --------
    >>> layer = Maximum()
    >>> layer.build([(2,), (2,)])
    (2,)
    >>> layer.forward([[[5.0, 1.0]], [[3.0, 4.0]]]), layer.backward([[1.0, 2.0]])
    ([[5.0, 4.0]], [[[1.0, 0.0]], [[0.0, 2.0]]])
    """

    sign = 1.0

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Return the largest."""
        self.check_inputs(x)
        # w_j: the first i with the greatest x_ij        a_j = x_wj
        self.chosen = map_elements(lambda *all_: float(self.first(all_)), *x)
        self.a = map_elements(lambda *all_: all_[self.first(all_)], *x)
        self.count = len(x)
        return self.a

    def first(self, values: Sequence[float]) -> int:
        """Return the place of the first that is the largest."""
        return max(range(len(values)), key=lambda i: self.sign * values[i])

    def backward(self, gradient: Tensor) -> Tensor:
        """Return ∂L/∂x_i: ∂L/∂a where a came from, else 0."""
        self.check_gradient(gradient)
        # ∂L/∂x_ij = ∂L/∂a_j where i is w_j, else 0
        return [
            map_elements(lambda g, w, i=i: g if w == i else 0.0, gradient, self.chosen)
            for i in range(self.count)
        ]


class Minimum(Maximum):
    """a_j = min_i x_ij, the first of those that are equal.

    Examples
    --------
    >>> layer = Minimum()
    >>> layer.build([(2,), (2,)])
    (2,)
    >>> layer.forward([[[5.0, 1.0]], [[3.0, 4.0]]])
    [[3.0, 1.0]]
    """

    sign = -1.0


class Concatenate(Merging):
    """a = (x_1, x_2, ...) along one axis.

    Parameters
    ----------
    axis : int, default -1
        Counted with the batch, which is axis 0.

    Examples
    --------
    >>> layer = Concatenate()
    >>> layer.build([(2,), (1,)])
    (3,)
    >>> layer.forward([[[5.0, 1.0]], [[3.0]]]), layer.backward([[1.0, 2.0, 3.0]])
    ([[5.0, 1.0, 3.0]], [[[1.0, 2.0]], [[3.0]]])
    """

    def __init__(self, axis: int = -1, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.axis = axis
        self.keeps_mask = axis == -1

    def place(self, rank: int) -> int:
        """Return the axis of samples of this rank."""
        return self.axis - 1 if self.axis > 0 else self.axis + rank

    def merged(self, shapes: Shapes) -> Shape:
        """Return the shape of output samples."""
        first, at = shapes[0], self.place(len(shapes[0]))
        rests = {(*of[:at], *of[at + 1 :]) for of in shapes}
        if len(rests) > 1 or not 0 <= at < len(first):
            raise ValueError(
                f"{self.name}: samples must have one shape but for axis {at + 1}; got {shapes}"
            )
        return (*first[:at], sum(of[at] for of in shapes), *first[at + 1 :])

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Return them side by side."""
        self.check_inputs(x)
        # a_j = x_1j, then x_2j, ...
        self.a = joined(x, 1 + self.place(len(self.input_shapes[0])))
        return self.a

    def backward(self, gradient: Tensor) -> Tensor:
        """Return the part of ∂L/∂a that belongs to each."""
        self.check_gradient(gradient)
        at, begin, result = self.place(len(self.input_shapes[0])), 0, []
        for of in self.input_shapes:
            # ∂L/∂x_ij = ∂L/∂a_(begin + j)
            result.append(part(gradient, 1 + at, begin, begin + of[at]))
            begin += of[at]
        return result


class Dot(Merging):
    """a_ij = Σ_k x_ik y_jk, sums of products along an axis of each.

    Parameters
    ----------
    axes : int or pair of int
        Counted with the batch, which is axis 0.
    normalize : bool, default False
        Whether x and y are first brought to length 1 along these: x / max(‖x‖, 1e-7).

    Examples
    --------
    >>> layer = Dot(1)
    >>> layer.build([(2,), (2,)])
    (1,)
    >>> layer.forward([[[5.0, 1.0]], [[3.0, 4.0]]]), layer.backward([[1.0]])
    ([[19.0]], [[[3.0, 4.0]], [[5.0, 1.0]]])
    """

    keeps_mask = False

    epsilon = 1e-7

    def __init__(
        self, axes: int | Sequence[int], normalize: bool = False, *, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        self.axes = (axes, axes) if isinstance(axes, int) else tuple(axes)
        self.normalize = boolean(normalize, "normalize")

    def turns(self) -> list[bool]:
        """Say of each input whether the sums run along its first axis of two."""
        pairs = zip(self.axes, self.input_shapes, strict=True)
        return [len(of) == 2 and axis in (1, -2) for axis, of in pairs]

    def merged(self, shapes: Shapes) -> Shape:
        """Return the shape of output samples."""
        if len(shapes) != 2 or any(len(of) > 2 for of in shapes):
            raise ValueError(f"{self.name}: there must be two inputs of 1 or 2 axes; got {shapes}")
        along, left = [], []
        for of, turned in zip(shapes, self.turns(), strict=True):
            along.append(of[0] if turned else of[-1])
            left += [of[1] if turned else of[0]] if len(of) == 2 else []
        if along[0] != along[1]:
            raise ValueError(f"{self.name}: axes must have one length; got {shapes}")
        return tuple(left) or (1,)

    def matrices(self, x: Tensor) -> Tensor:
        """Return each sample as rows along which the sums run."""
        result = []
        for batch, of, turned in zip(x, self.input_shapes, self.turns(), strict=True):
            if len(of) == 1:
                result.append([[sample] for sample in batch])
            else:
                result.append([turn(sample) if turned else sample for sample in batch])
        return result

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Return the sums of products."""
        self.check_inputs(x)
        self.given = self.matrices(x)
        self.x = self.given
        if self.normalize:
            self.x = map_rows(lambda row: unit(row, self.epsilon), self.given)
        # a_ij = Σ_k x_ik y_jk
        sums = [
            [[sum(map(mul, p, q)) for q in second] for p in first]
            for first, second in zip(*self.x, strict=True)
        ]
        self.a = nest(flatten(sums), (len(sums), *(self.output_shape or ())))
        return self.a

    def backward(self, gradient: Tensor) -> Tensor:
        """Return ∂L/∂x and ∂L/∂y."""
        self.check_gradient(gradient)
        result: Tensor = [[], []]
        for first, second, sample, *given in zip(*self.x, gradient, *self.given, strict=True):
            g = nest(flatten(sample), (len(first), len(second)))
            depth = range(len(first[0]))
            # ∂L/∂x_ik = Σ_j ∂L/∂a_ij y_jk        ∂L/∂y_jk = Σ_i ∂L/∂a_ij x_ik
            dx = [[sum(map(mul, row, [q[k] for q in second])) for k in depth] for row in g]
            dy = [[sum(map(mul, row, [p[k] for p in first])) for k in depth] for row in turn(g)]
            if self.normalize:
                dx, dy = (
                    [unit_slope(d, row, self.epsilon) for d, row in zip(*both, strict=True)]
                    for both in ((dx, given[0]), (dy, given[1]))
                )
            for back, d, of, turned in zip(
                result, (dx, dy), self.input_shapes, self.turns(), strict=True
            ):
                back.append(d[0] if len(of) == 1 else turn(d) if turned else d)
        return result


def turn(matrix: Tensor) -> Tensor:
    """Return the columns of a matrix as rows."""
    return [list(column) for column in zip(*matrix, strict=True)]


def joined(parts: Sequence[Tensor], axis: int) -> Tensor:
    """Return nested lists one behind the other along an axis.

    Examples
    --------
    >>> joined([[[1.0], [2.0]], [[3.0], [4.0]]], 1)
    [[1.0, 3.0], [2.0, 4.0]]
    """
    if axis == 0:
        return [element for one in parts for element in one]
    return [joined(ones, axis - 1) for ones in zip(*parts, strict=True)]


def part(x: Tensor, axis: int, begin: int, end: int) -> Tensor:
    """Return what lies from `begin` to `end` along an axis."""
    return x[begin:end] if axis == 0 else [part(one, axis - 1, begin, end) for one in x]


def in_steps(x: Tensor, mask: Mask | None, fill: float) -> Tensor:
    """Return x with `fill` in the steps that are not there."""
    if mask is None:
        return x
    steps = []
    for sample, there in zip(x, mask, strict=True):
        empty = filled(shape(sample)[1:], lambda: fill)
        pairs = zip(sample, there, strict=True)
        steps.append([step if is_there else empty for step, is_there in pairs])
    return steps
