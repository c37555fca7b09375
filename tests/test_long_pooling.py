"""Where a maximum stood is a whole number: float32 has none of its own beyond 2^24."""

from __future__ import annotations

import mundur as md
import numpy as np
import pytest


@pytest.mark.parametrize("place", [2**20, 2**24 + 1, 2**24 + 3])
def test_the_gradient_goes_to_the_step_of_the_maximum(place: int) -> None:
    steps = 2**24 + 4
    model = md.Model([md.layers.GlobalMaxPooling1D()], input_shape=(steps, 1), seed=0)
    x = np.zeros((1, steps, 1), np.float32)
    x[0, place] = 2.0
    assert model.forward(x).item() == 2.0
    dx = model.backward([[3.0]])
    assert dx[0, place, 0] == 3.0
    assert np.count_nonzero(dx) == 1


def test_ties_and_nan_across_blocks() -> None:
    """The first maximum, and the first NaN, wherever 2^20 steps end."""
    steps = 2**21
    model = md.Model([md.layers.GlobalMaxPooling1D()], input_shape=(steps, 3), seed=0)
    x = np.zeros((1, steps, 3), np.float32)
    x[0, [2**20 + 5, 2**20 + 9], 0] = 1.0
    x[0, [7, 2**20 + 9], 1] = 1.0
    x[0, 2**20 + 3, 2] = np.nan
    x[0, [9, 2**20 + 7], 2] = 5.0
    y = model.forward(x)
    assert y[0, 0] == y[0, 1] == 1.0
    assert np.isnan(y[0, 2])
    dx = model.backward([[1.0, 1.0, 1.0]])
    assert [tuple(np.flatnonzero(dx[0, :, c])) for c in range(3)] == [
        (2**20 + 5,),
        (7,),
        (2**20 + 3,),
    ]
