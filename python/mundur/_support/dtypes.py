"""Names of the number types that a model keeps and computes in."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from .checks import shown
from .names import Harmless

__all__ = ["NAMED", "ROUNDED", "compute_dtype_name", "dtype_name"]

ROUNDED = ("bfloat16", "bfloat16_pairs")
"""What products may compute in beside a model's dtype."""


def dtype_name(value: Any) -> str:
    """Turns a name, a NumPy type or a dtype into "float32" or "float64"."""
    name = _type_name(value)
    if name not in ("float32", "float64"):
        hint = f"; for products in it pass compute_dtype={name!r}" if name in ROUNDED else ""
        raise ValueError(f'dtype must be "float32" or "float64"; got {shown(value)}{hint}')
    return name


def _type_name(value: Any) -> str:
    if not isinstance(value, (str, type, np.dtype)):  # NumPy takes any array or number for its type
        return ""
    if isinstance(value, str) and value in ("float32", "float64", *ROUNDED):
        return value
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of old names, refused below
            return np.dtype(value).name
    except (TypeError, ValueError):
        return str(value)


def compute_dtype_name(value: Any, dtype: str) -> str:
    """What a model of this dtype computes in: None is the dtype itself."""
    name = dtype if value is None else _type_name(value)
    if name not in (dtype, *ROUNDED):
        kinds = " or ".join(f'"{kind}"' for kind in ROUNDED)
        raise ValueError(f'compute_dtype must be None, "{dtype}", {kinds}; got {shown(value)}')
    if name in ROUNDED and dtype != "float32":
        raise ValueError(
            f'compute_dtype="{name}" goes with dtype="float32", whose sums it keeps; got '
            f"dtype={dtype!r}"
        )
    return name


def _check(_: object, name: str, value: Any) -> None:
    if value is not None:
        dtype_name(value)


NAMED = Harmless(None, _check)
"""Keras's `dtype` of what computes in the type of its arrays, or in float64."""
