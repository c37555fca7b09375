"""Input: the shape of one sample, declared as the first item of a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._support.checks import extents
from .._support.names import Harmless, checked_keywords


def _check_dtype(_: object, value: Any) -> None:
    """Features of any real dtype are converted batch by batch, whatever an Input says of them."""
    if value is None:
        return
    try:
        real = np.dtype(value).kind in "biuf"
    except TypeError:
        real = False
    if not real:
        raise ValueError(
            "Input(dtype=...) must be a type of real numbers, as float32, int32 or uint8; got "
            f"{value!r}; texts become numbers first, with mundur.text for instance"
        )


class InputLayer:
    """The shape of one sample, as the first item of a model's layers; made by `Input`.

    Parameters
    ----------
    shape : tuple of int
        Without the batch.

    Examples
    --------
    >>> import mundur as md
    >>> model = md.Model([md.layers.InputLayer((4,)), md.layers.Dense(2)], seed=0)
    >>> model.output_shape
    (2,)
    """

    @checked_keywords(
        ignored={
            "batch_size": None,
            "dtype": Harmless(None, _check_dtype),
            "sparse": None,
            "ragged": None,
            "batch_shape": None,
            "name": None,
            "tensor": None,
            "input_tensor": None,
            "optional": False,
        }
    )
    def __init__(self, shape: Sequence[int] | int) -> None:
        self.shape = extents(shape, "shape")

    def __repr__(self) -> str:
        return f"Input({self.shape!r})"


def Input(shape: Sequence[int] | int, **keras: Any) -> InputLayer:
    """Declares the shape of one sample, as the first item of a model's layers.

    Parameters
    ----------
    shape : tuple of int
        Without the batch.

    Raises
    ------
    TypeError, ValueError
        For a shape that is not made of positive integers.

    Examples
    --------
    >>> import mundur as md
    >>> md.Model([md.Input((784,)), md.layers.Dense(10)], seed=0).input_shape
    (784,)
    """
    return InputLayer(shape, **keras)
