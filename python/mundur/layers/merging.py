"""Layers that make one value of several: see `mundur.layers`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from .. import _core
from .._support.checks import boolean, integer, shown
from .._support.names import checked_keywords
from .._support.unpack import Unpack
from .base import KERAS, Layer, LayerArguments, MaskFlow

Shape = tuple[int, ...]


class Merging(Layer):
    """Base of the layers that are called on a list of values: ``Add()([a, b])``."""

    _merges: ClassVar[bool] = True
    _mode: ClassVar[str] = ""
    _least: ClassVar[int] = 1
    _most: ClassVar[int | None] = None

    def _counted(self, input_shape: Any) -> list[Shape]:
        """The shapes of one sample of each input."""
        shapes = list(input_shape)
        if not shapes or not isinstance(shapes[0], (tuple, list)):
            raise ValueError(
                f"{self.name} joins several values: call it on a list of them, "
                f"{type(self).__name__}()([a, b]), for a Model(inputs, outputs); a list of layers "
                "is a chain, where each gets one"
            )
        if len(shapes) < self._least or (self._most is not None and len(shapes) > self._most):
            wanted = "two" if self._most == 2 else "at least one"
            raise ValueError(f"{self.name} must be called on {wanted}; got {len(shapes)} values")
        return shapes

    def compute_output_shape(self, input_shape: Any) -> Shape:
        """The shape of one sample, which all inputs must have."""
        shapes = self._counted(input_shape)
        other = next((shape for shape in shapes if shape != shapes[0]), None)
        if other is not None:
            raise ValueError(
                f"{self.name} needs values of one shape, since nothing is stretched to fit; got "
                f"samples of {shapes[0]} and {other}"
            )
        return shapes[0]

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.Merging(self._mode, -1)


class _OfElements(Merging):
    """Those that make of the elements in one place one."""

    @checked_keywords(ignored=KERAS, rest=Layer)
    def __init__(self, **layer: Unpack[LayerArguments]) -> None:
        super().__init__(**layer)


class Add(_OfElements):
    """The sum of several values: y = Σᵢ xᵢ.

    ∂L/∂xᵢ = ∂L/∂y for each: with one of them a layer's own input this is the skip of He, Zhang, Ren
    and Sun, "Deep residual learning for image recognition" (2015). ``a + b`` of symbolic values
    makes one.

    Shapes: every xᵢ and y (batch, ...), the same; nothing is stretched to fit, where Keras would. A
    time step that any of the inputs' masks has is there; one without a mask has all.

    Parameters
    ----------
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    ValueError
        When called on values of different shapes.

    Examples
    --------
    >>> import mundur as md, numpy as np
    >>> x = md.Input((2,))
    >>> y = md.layers.Add()([x, md.layers.Dense(2, kernel_initializer="ones")(x)])
    >>> md.Model(x, y).predict(np.array([[1.0, 2.0]]))
    array([[4., 5.]], dtype=float32)
    """

    _kind = "add"
    _mode = "sum"


class Subtract(_OfElements):
    """The difference of two values: y = x₁ - x₂.

    ∂L/∂x₁ = ∂L/∂y, ∂L/∂x₂ = -∂L/∂y. ``a - b`` of symbolic values makes one. Shapes and masks as of
    `Add`.

    Parameters
    ----------
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    ValueError
        When called on other than two values, or on two of different shapes.

    Examples
    --------
    >>> import mundur as md
    >>> a, b = md.Input((2,), name="a"), md.Input((2,), name="b")
    >>> model = md.Model([a, b], md.layers.Subtract()([a, b]))
    >>> model.predict([[[5.0, 5.0]], [[1.0, 2.0]]])
    array([[4., 3.]], dtype=float32)
    """

    _kind = "subtract"
    _mode = "sub"
    _least, _most = 2, 2


class Multiply(_OfElements):
    """The product of several values, element by element: y = Πᵢ xᵢ, a gate for instance.

    ∂L/∂xᵢ = ∂L/∂y · Πⱼ xⱼ over the others. ``a * b`` of symbolic values makes one. Shapes as of
    `Add`. As in Keras, a time step that one factor's mask lacks is a factor of 1 there, and 0 where
    all lack it.

    Parameters
    ----------
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    ValueError
        When called on values of different shapes.

    Examples
    --------
    >>> import mundur as md
    >>> x = md.Input((2,))
    >>> md.Model(x, md.layers.Multiply()([x, x, x])).predict([[2.0, 3.0]])
    array([[ 8., 27.]], dtype=float32)
    """

    _kind = "multiply"
    _mode = "mul"


class Average(_OfElements):
    """The mean of several values, element by element: y = Σᵢ xᵢ / n.

    ∂L/∂xᵢ = ∂L/∂y / n. Shapes and masks as of `Add`.

    Parameters
    ----------
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    ValueError
        When called on values of different shapes.

    Examples
    --------
    >>> import mundur as md
    >>> a, b = md.Input((2,)), md.Input((2,))
    >>> md.Model([a, b], md.layers.Average()([a, b])).predict([[[2.0, 3.0]], [[4.0, 5.0]]])
    array([[3., 4.]], dtype=float32)
    """

    _kind = "average"
    _mode = "ave"


class Maximum(_OfElements):
    """The largest of several values, element by element: y = maxᵢ xᵢ.

    ∂L/∂y goes to the first input that is the largest, and NaN wins: what `MaxPooling1D` does with
    time steps. (Keras leaves ties to its backend, some of which share ∂L/∂y out.) Shapes and masks
    as of `Add`.

    Parameters
    ----------
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    ValueError
        When called on values of different shapes.

    Examples
    --------
    >>> import mundur as md
    >>> a, b = md.Input((2,)), md.Input((2,))
    >>> md.Model([a, b], md.layers.Maximum()([a, b])).predict([[[2.0, 5.0]], [[4.0, 3.0]]])
    array([[4., 5.]], dtype=float32)
    """

    _kind = "maximum"
    _mode = "max"


class Minimum(_OfElements):
    """The smallest of several values, element by element: y = minᵢ xᵢ.

    ∂L/∂y goes to the first input that is the smallest, and NaN wins; see `Maximum`. Shapes and
    masks as of `Add`.

    Parameters
    ----------
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    ValueError
        When called on values of different shapes.

    Examples
    --------
    >>> import mundur as md
    >>> a, b = md.Input((2,)), md.Input((2,))
    >>> md.Model([a, b], md.layers.Minimum()([a, b])).predict([[[2.0, 5.0]], [[4.0, 3.0]]])
    array([[2., 3.]], dtype=float32)
    """

    _kind = "minimum"
    _mode = "min"


class Concatenate(Merging):
    """Several values side by side on one axis: y = (x₁, x₂, ...).

    Each ∂L/∂xᵢ is its part of ∂L/∂y. Shapes: those of all xᵢ are the same but for that axis, on
    which y is as long as they are together. On the last axis a time step that any of the inputs'
    masks has is there; on another one a mask ends here, with a warning.

    Parameters
    ----------
    axis : int, default -1
        Counted with the batch, which is axis 0 and stays as it is: 1 is that of time steps in
        (batch, steps, channels), -1 the last.
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For an axis that is 0 or no integer; when called on values that do not fit.

    Examples
    --------
    >>> import mundur as md
    >>> a, b = md.Input((2,)), md.Input((1,))
    >>> md.Model([a, b], md.layers.Concatenate()([a, b])).predict([[[1.0, 2.0]], [[3.0]]])
    array([[1., 2., 3.]], dtype=float32)
    """

    _kind = "concatenate"

    @checked_keywords(ignored=KERAS, rest=Layer)
    def __init__(self, axis: int = -1, **layer: Unpack[LayerArguments]) -> None:
        self.axis = integer(axis, "axis", -32, 32)
        if self.axis == 0:
            raise ValueError("axis must not be 0, that of the batch; got 0")
        super().__init__(**layer)

    def _of_sample(self, rank: int) -> int:
        at = self.axis - 1 if self.axis > 0 else self.axis + rank
        if not 0 <= at < rank:
            raise ValueError(
                f"{self.name}: axis={self.axis} is none of samples of rank {rank}; with the batch "
                f"they have axes 1 to {rank}"
            )
        return at

    def compute_output_shape(self, input_shape: Any) -> Shape:
        """The shape of one sample: the inputs', but for the axis, on which they add up."""
        shapes = self._counted(input_shape)
        first = shapes[0]
        at = self._of_sample(len(first))
        for shape in shapes:
            rest = (*shape[:at], *shape[at + 1 :])
            if len(shape) != len(first) or rest != (*first[:at], *first[at + 1 :]):
                raise ValueError(
                    f"{self.name} needs values of one shape but for axis {at + 1}; got samples of "
                    f"{first} and {shape}"
                )
        return (*first[:at], sum(shape[at] for shape in shapes), *first[at + 1 :])

    @property
    def mask_flow(self) -> MaskFlow:
        """On the last axis steps stay steps."""
        return "passes" if self.axis == -1 else "drops"

    def describe(self) -> _core.LayerSpec:
        """The native description, on the last axis."""
        return _core.Merging("concat", -1)

    def describe_on(self, shapes: Sequence[Shape]) -> _core.LayerSpec:
        """The native description, for inputs of these shapes."""
        return _core.Merging("concat", self._of_sample(len(shapes[0])))


class Dot(Merging):
    """Sums of products of two values along an axis of each: y_ij = Σ_k a_ik b_jk.

    Of two vectors that is one number, how alike they are: users and films in a recommender. Of two
    sequences it is a matrix, which step of one is like which of the other. ∂L/∂a_ik = Σ_j ∂L/∂y_ij
    b_jk, ∂L/∂b_jk = Σ_i ∂L/∂y_ij a_ik.

    Shapes: a and b (batch, n) or (batch, n, m), y what is left of a's axes, then of b's: (batch, 1)
    where nothing is. A mask of time steps ends here, with a warning.

    Parameters
    ----------
    axes : int or pair of int
        Along which the sums run, in both or in each, counted with the batch, which is axis 0; -1 is
        the last.
    normalize : bool, default False
        Whether a and b are first brought to length 1 along these axes, x / max(‖x‖, 10⁻⁷): y is
        then the cosine of the angle between them.
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For axes that are none; when called on values that do not fit.

    Examples
    --------
    >>> import mundur as md
    >>> a, b = md.Input((2,)), md.Input((2,))
    >>> md.Model([a, b], md.layers.Dot(axes=1)([a, b])).predict([[[1.0, 2.0]], [[3.0, 4.0]]])
    array([[11.]], dtype=float32)
    """

    _kind = "dot"
    _least, _most = 2, 2

    @checked_keywords(ignored=KERAS, rest=Layer)
    def __init__(
        self,
        axes: int | Sequence[int],
        normalize: bool = False,
        **layer: Unpack[LayerArguments],
    ) -> None:
        pair: list[Any] = list(axes) if isinstance(axes, (tuple, list)) else [axes, axes]
        if len(pair) != 2:
            raise ValueError(f"axes must be an integer or a pair of them; got {shown(axes)}")
        for i, axis in enumerate(pair):
            if integer(axis, "axes" if pair[0] is pair[1] else f"axes[{i}]", -2, 2) == 0:
                raise ValueError("axes must not be 0, that of the batch; got 0")
        self.axes = axes if isinstance(axes, int) else (pair[0], pair[1])
        self._pair = pair
        self.normalize = boolean(normalize, "normalize")
        super().__init__(**layer)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        """The shape of one sample: what is left of the first's axes, then of the second's."""
        left: list[int] = []
        along: list[int] = []
        for axis, shape in zip(self._pair, self._counted(input_shape), strict=True):
            rank = len(shape)
            at = axis - 1 if axis > 0 else axis + rank
            if rank > 2 or not 0 <= at < rank:
                raise ValueError(
                    f"{self.name}: axis {axis} must be one of samples of one or two axes; got "
                    f"samples of {shape}"
                )
            along.append(shape[at])
            left += [extent for i, extent in enumerate(shape) if i != at]
        if along[0] != along[1]:
            raise ValueError(
                f"{self.name} sums along axes of one length; got {along[0]} and {along[1]}, of "
                f"samples of {input_shape[0]} and {input_shape[1]}"
            )
        return tuple(left) or (1,)

    @property
    def mask_flow(self) -> MaskFlow:
        """Steps are summed up, or are a matrix's."""
        return "drops"

    def describe(self) -> _core.LayerSpec:
        """The native description, of vectors."""
        return _core.Dot(0, 0, self.normalize)

    def describe_on(self, shapes: Sequence[Shape]) -> _core.LayerSpec:
        """The native description, for inputs of these shapes."""
        pair = zip(self._pair, shapes, strict=True)
        first, second = (a - 1 if a > 0 else a + len(shape) for a, shape in pair)
        return _core.Dot(first, second, self.normalize)
