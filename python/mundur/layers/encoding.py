"""What turns categories into numbers: called on data, in front of a model.

A model takes numbers; these take what they are made from, and are called on it: ``layer(x)``
returns an array, which goes into `fit`, `predict` or an `Embedding`'s ids.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .._support.checks import WrongType, choice, integer, items, number
from .._support.names import checked_keywords
from .._support.unpack import Unpack
from ..data import arrays
from .base import KERAS, Layer, LayerArguments
from .input import is_symbolic

if TYPE_CHECKING:
    from .. import _core

Array = npt.NDArray[Any]

MOST = 10**7
PREPARING = KERAS | {"sparse": False, "salt": None}
MODES = ("int", "one_hot", "multi_hot", "count", "tf_idf")


class Preprocessing(Layer):
    """Base class of what is called on data, and stands in no model."""

    def describe(self) -> _core.LayerSpec:
        """Raises: a model takes numbers."""
        raise WrongType(
            f"{type(self).__name__} prepares data and stands in front of a model, not in it: "
            f"x = {self.name}(x), and the model takes what comes of it"
        )

    def _refuse_symbols(self, inputs: Any) -> None:
        """Raises for what only a layer within a model is called on."""
        if is_symbolic(inputs):
            self.describe()


def encoded(ids: Array, mode: str, depth: int, weights: Any = None) -> Array:
    """Numbers of categories in a mode: as they are, or as rows with a place for each.

    Of a batch of rows "multi_hot" and "count" join those of each row.
    """
    if mode == "int":
        return ids
    if not ids.ndim:
        ids = ids.reshape(1)
    flat = ids.reshape(math.prod(ids.shape[:-1]), ids.shape[-1])
    if mode == "one_hot":
        if ids.ndim and ids.shape[-1] == 1:
            ids = ids[..., 0]
        flat = ids.reshape(-1, 1)
    out = np.zeros((len(flat), depth))
    rows = np.repeat(np.arange(len(flat)), flat.shape[1])
    one = 1.0 if weights is None else np.broadcast_to(weights, ids.shape).reshape(-1)
    np.add.at(out, (rows, flat.reshape(-1)), one)
    if mode == "multi_hot":
        out = (out > 0).astype(np.float64)
    return out.reshape(*(ids.shape if mode == "one_hot" else ids.shape[:-1]), depth)


class CategoryEncoding(Preprocessing):
    """Numbers of categories as rows with a place for each: which there are, or how often.

    Parameters
    ----------
    num_tokens : int
        How many categories there are; their numbers are 0 to num_tokens - 1.
    output_mode : {"multi_hot", "one_hot", "count"}, default "multi_hot"
        A row of 0 and 1 for each row of numbers; one for each number; or a row that counts.
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it; when called, for numbers beyond.

    Examples
    --------
    >>> import mundur as md
    >>> md.layers.CategoryEncoding(4)([[0, 1], [3, 3]])
    array([[1., 1., 0., 0.],
           [0., 0., 0., 1.]])
    """

    _kind = "category_encoding"

    @checked_keywords(ignored=KERAS | {"sparse": False}, rest=Layer)
    def __init__(
        self,
        num_tokens: int | None = None,
        output_mode: str = "multi_hot",
        **layer: Unpack[LayerArguments],
    ) -> None:
        if num_tokens is None:
            raise ValueError("num_tokens must be the number of categories; got None")
        self.num_tokens = integer(num_tokens, "num_tokens", 1, MOST)
        self.output_mode = choice(output_mode, "output_mode", "multi_hot", "one_hot", "count")
        super().__init__(**layer)

    def __call__(self, inputs: Any, count_weights: Any = None) -> Array:
        """The rows; `count_weights`, of the inputs' shape, are what each counts for."""
        if count_weights is not None and self.output_mode != "count":
            raise ValueError('count_weights goes with output_mode="count"')
        self._refuse_symbols(inputs)
        ids = arrays.real_array(inputs, "inputs")
        if count_weights is not None:
            count_weights = arrays.real_array(count_weights, "count_weights")
            if count_weights.shape != ids.shape:
                raise ValueError(
                    f"count_weights must have the shape of inputs, {ids.shape}; got "
                    f"{count_weights.shape}"
                )
        bad = ~((ids >= 0) & (ids < self.num_tokens) & (ids == np.floor(ids)))
        if bad.any():
            raise ValueError(
                f"inputs must hold whole numbers in [0, {self.num_tokens}); got {ids[bad][0]}"
            )
        return encoded(ids.astype(np.int64), self.output_mode, self.num_tokens, count_weights)


class Discretization(Preprocessing):
    """Numbers as the numbers of their bins: how many boundaries are at most as large.

    Parameters
    ----------
    bin_boundaries : list of float, optional
        Ascending; n of them make n + 1 bins.
    num_bins : int, optional
        Instead: as many bins, between quantiles of the samples that `adapt` sees.
    output_mode : {"int", "one_hot", "multi_hot", "count"}, default "int"
        Numbers of bins, or rows as those of `CategoryEncoding`.
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it; when called before there are boundaries.

    Examples
    --------
    >>> import mundur as md
    >>> md.layers.Discretization([0.0, 1.0])([[-1.5, 0.0, 3.4]])
    array([[0, 1, 2]])
    """

    _kind = "discretization"

    @checked_keywords(ignored=KERAS | {"epsilon": 0.01, "sparse": False}, rest=Layer)
    def __init__(
        self,
        bin_boundaries: Sequence[float] | None = None,
        num_bins: int | None = None,
        *,
        output_mode: str = "int",
        **layer: Unpack[LayerArguments],
    ) -> None:
        if (bin_boundaries is None) == (num_bins is None):
            raise ValueError("give either bin_boundaries or num_bins")
        self.num_bins = None if num_bins is None else integer(num_bins, "num_bins", 2, MOST)
        self._boundaries: list[float] | None = None
        if bin_boundaries is not None:
            self._boundaries = [
                number(one, f"bin_boundaries[{i}]")
                for i, one in enumerate(items(bin_boundaries, "bin_boundaries"))
            ]
            if self._boundaries != sorted(self._boundaries):
                raise ValueError(f"bin_boundaries must be ascending; got {bin_boundaries}")
        self.output_mode = choice(output_mode, "output_mode", *MODES[:-1])
        super().__init__(**layer)

    @property
    def bin_boundaries(self) -> list[float] | None:
        """Those given, or found by `adapt`; None before."""
        return self._boundaries

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; once there are boundaries, these instead of a number."""
        config = super().get_config()
        return config if self._boundaries is None else config | {"num_bins": None}

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Finds boundaries that leave as many samples in each bin; `steps` is Keras's."""
        if self.num_bins is None:
            raise ValueError("adapt goes with num_bins; the boundaries are given already")
        values = arrays.real_array(data, "data").ravel()
        if not values.size:
            raise ValueError("data must hold at least one number; got an empty array")
        arrays.check_finite(values, "data")
        shares = np.arange(1, self.num_bins) / self.num_bins
        self._boundaries = np.quantile(values, shares).tolist()

    def __call__(self, inputs: Any) -> Array:  # type: ignore[override]
        """The numbers of the bins."""
        if self._boundaries is None:
            raise ValueError(f"{self.name} has no boundaries yet; call adapt(x_train) first")
        self._refuse_symbols(inputs)
        x = arrays.real_array(inputs, "inputs")
        if np.isnan(x).any():
            raise ValueError("inputs must not hold NaN, which lies in no bin")
        ids = np.digitize(x, self._boundaries)
        return encoded(ids, self.output_mode, len(self._boundaries) + 1)
