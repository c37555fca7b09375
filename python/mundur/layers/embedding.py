"""Embedding: see `mundur.layers`."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from .. import _core
from .._support.checks import boolean, extents, integer
from .._support.names import checked_keywords
from .._support.unpack import Unpack
from ..initializers.base import ArrayInitializer
from .base import ADAPTED, Layer, LayerArguments, MaskFlow, Weighted
from .masking import computed_mask

_MOST = 2**31 - 1


class Embedding(Weighted):
    """A vector for each id, learned: y = W[id].

    Shapes: x (batch, steps) of integers in [0, input_dim), W = embeddings (input_dim, output_dim),
    y (batch, steps, output_dim); any other number of axes keeps them and gets one more. Backward:
    ∂L/∂W[v] = Σ ∂L/∂y over the places of the id v; an id has no gradient, so ∂L/∂x is 0 (Bengio,
    Ducharme, Vincent and Jauvin, "A neural probabilistic language model", 2003).

    It must be a model's first layer, whose input it takes as it is: integers of any dtype, and
    floats that hold whole numbers. An optimizer updates all rows in each step, those of ids that
    the batch lacks with a gradient of 0, as PyTorch and Keras do.

    Parameters
    ----------
    input_dim : int
        How many ids there are: the largest, plus one.
    output_dim : int
        Numbers of each vector.
    embeddings_initializer : str, Initializer, function or array
        First values, by default "uniform" in [-0.05, 0.05].
    embeddings_regularizer : str or Regularizer, optional
        What W adds to the loss.
    embeddings_constraint : str or Constraint, optional
        What W holds to after every update.
    mask_zero : bool, default False
        Whether id 0 is padding: recurrent layers and means over time then pass over its steps.
        Where the mask reaches the outputs, `fit` and `evaluate` leave them out of loss and
        accuracies; a loss called by hand knows of no mask. What is not finite in the row of
        padding becomes 0 in the outputs.
    weights : array or list of one array, optional
        First values as Keras also takes them, such as vectors that others trained.
    name, trainable, input_shape
        See `Layer`.
    input_length : int, optional
        Short for ``input_shape=(input_length,)``.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it; in use, for an id outside of [0, input_dim), naming the
        sample.

    Examples
    --------
    >>> import mundur as md
    >>> layer = md.layers.Embedding(3, 2, embeddings_initializer=[[0, 0], [1, 2], [3, 4]])
    >>> model = md.Model([layer], seed=0)
    >>> model.predict([[2, 1], [1, 0]])[0]
    array([[3., 4.],
           [1., 2.]], dtype=float32)
    """

    _kind = "embedding"

    @checked_keywords(ignored=ADAPTED | {"quantization_config": None}, rest=Layer)
    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        weights: Any = None,
        *,
        input_length: int | None = None,
        **layer: Unpack[LayerArguments],
    ) -> None:
        self.input_dim = integer(input_dim, "input_dim", 1, _MOST)
        self.output_dim = integer(output_dim, "output_dim", 1, _MOST)
        if weights is not None:
            embeddings_initializer = self._given(weights)
        self._take(locals())
        self.mask_zero = boolean(mask_zero, "mask_zero")
        if input_length is not None:
            if layer.get("input_shape") is not None:
                raise ValueError("input_length and input_shape say the same; give one of them")
            layer["input_shape"] = extents(integer(input_length, "input_length", 1), "input_length")
        self.input_length = None
        super().__init__(**layer)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; given weights are the initializer."""
        return super().get_config() | {"weights": None}

    def _given(self, weights: Any) -> ArrayInitializer:
        if isinstance(weights, (list, tuple)) and len(weights) == 1:
            weights = weights[0]
        try:
            given = ArrayInitializer(weights)
        except (TypeError, ValueError) as error:
            raise type(error)(f"weights: {error}") from None
        shape = (self.input_dim, self.output_dim)
        if given.values.shape != shape:
            raise ValueError(f"weights must have shape {shape}; got {given.values.shape}")
        return given

    @property
    def vocabulary(self) -> int:
        """How many ids there are."""
        return self.input_dim

    @property
    def mask_flow(self) -> MaskFlow:
        """Steps of id 0 are not there, if that is padding."""
        return "makes" if self.mask_zero else "ends"

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Which ids are there, for a recurrent layer's ``mask=``; None without mask_zero.

        Of a symbolic value it is symbolic, too.
        """
        return computed_mask(self, inputs, lambda x: x != 0) if self.mask_zero else None

    def _prefixes(self) -> dict[str, str]:
        return {"embeddings": "embeddings"}

    def parameter_shapes(self, input_shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        """Embeddings (input_dim, output_dim)."""
        return {"embeddings": (self.input_dim, self.output_dim)}

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of one sample behind this layer."""
        return (*input_shape, self.output_dim)

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.Embedding(self.input_dim, self.output_dim, self.mask_zero)

    @property
    def embeddings(self) -> npt.NDArray[Any]:
        """Live view of W."""
        return self._view("embeddings")
