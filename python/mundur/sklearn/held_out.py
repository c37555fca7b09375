"""What is held out of training: a share of the samples, or samples that are given for it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split

__all__ = ["parts_of", "share_of"]


@contextlib.contextmanager
def _meant() -> Iterator[None]:
    try:
        yield
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"validation_data: {error}") from None


def parts_of(data: Any) -> tuple[Any, Any, Any, contextlib.AbstractContextManager[None]]:
    """Features, targets, weights or None, and what says of an error that these are meant."""
    if not isinstance(data, (tuple, list)) or len(data) not in (2, 3):
        raise ValueError(
            f"validation_data must be (X, y) or (X, y, sample_weight); got {data!r:.80}"
        )
    x, y, *weights = data
    return x, y, weights[0] if weights else None, _meant()


def share_of(estimator: Any, x: Any, y: Any, weights: Any, random: Any, strata: Any) -> Any:
    """(x, y, weights) to train on, and (x, y, weights) of `validation_fraction`."""
    given = [x, y] if weights is None else [x, y, weights]
    fraction = estimator.validation_fraction
    try:
        parts = train_test_split(*given, random_state=random, test_size=fraction, stratify=strata)
    except ValueError as error:
        said = str(error).replace("test_size", "validation_fraction")
        raise ValueError(
            f"validation_fraction={fraction} cannot be held out of {x.shape[0]} samples: {said}. "
            "Change it, or give validation_data"
        ) from None
    if weights is None:
        return (*parts[0::2], None), (*parts[1::2], None)
    if not (np.any(parts[4]) and np.any(parts[5])):
        raise ValueError(
            f"validation_fraction={fraction}: all samples that are "
            f"{'held out' if np.any(parts[4]) else 'left to train on'} weigh 0. Change it, leave "
            "out samples of weight 0, or give validation_data"
        )
    return tuple(parts[0::2]), tuple(parts[1::2])
