"""Products in bfloat16, of both kinds, in NumPy, to the bit: their definition."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

Array = npt.NDArray[Any]
SHARD = 256


def rounded(x: Array) -> Array:
    """To bfloat16, as Intel's manual writes VCVTNEPS2BF16: to nearest, ties to even."""
    bits = x.astype(np.float32).view(np.uint32)
    nearest = (bits + 0x7FFF + (bits >> 16 & 1)) & np.uint32(0xFFFF0000)
    nearest = np.where(np.abs(x) < 2.0**-126, bits & np.uint32(0x80000000), nearest)
    return np.where(np.isnan(x), np.float32(np.nan), nearest.astype(np.uint32).view(np.float32))


def fused(a: Array, b: Array, c: Array) -> Array:
    """a·b + c rounded once to float32, a result below its normal range to zero."""
    product = a.astype(np.float64) * b  # exact: 16 bits
    total = product + c
    # What the sum lacks (Knuth's two-sum) decides its last bit, "rounding to odd": rounding once
    # more, to float32, then errs nowhere.
    back = total - product
    error = (product - (total - back)) + (c - back)
    odd = total.view(np.int64) & 1 == 1
    step = np.where((error == 0) | odd, 0, np.where((error > 0) == (total > 0), 1, -1))
    total = np.where(np.isfinite(total), (total.view(np.int64) + step).view(np.float64), total)
    tiny = np.abs(total) < 2.0**-126 - 2.0**-151  # rounds below 2^-126 with 24 bits
    return np.where(tiny, np.copysign(0.0, total), total).astype(np.float32)


def filled_up(a: Array, b: Array, block: int) -> tuple[Array, Array]:
    """Zeros behind the inner index, up to whole blocks of it."""
    more = -a.shape[1] % block
    return np.pad(a, ((0, 0), (0, more))), np.pad(b, ((0, more), (0, 0)))


def by_pairs(a: Array, b: Array) -> Array:
    """a[n, k] · b[k, m] over pairs along k, the odd element first."""
    a, b = filled_up(a, b, 2)
    total = np.zeros((a.shape[0], b.shape[1]), np.float32)
    for k in range(0, a.shape[1], 2):
        for element in (k + 1, k):
            total = fused(a[:, element, None], b[element], total)
    return total


def by_tiles(a: Array, b: Array) -> Array:
    """a[n, k] · b[k, m] over blocks of 32 along k, even and odd elements apart."""
    a, b = filled_up(a, b, 32)
    one = np.float32(1)
    total = np.zeros((a.shape[0], b.shape[1]), np.float32)
    for k in range(0, a.shape[1], 32):
        sides = [np.zeros_like(total), np.zeros_like(total)]
        for element in range(k, k + 32):
            side = element % 2
            sides[side] = fused(a[:, element, None], b[element], sides[side])
        total = fused(total, one, fused(sides[0], one, sides[1]))
    return total


CHAINS = {"bfloat16": by_tiles, "bfloat16_pairs": by_pairs}
kinds = pytest.mark.parametrize("kind", CHAINS)


def over_samples(x: Array, delta: Array, kind: str) -> Array:
    """xᵀ · delta, shards of 256 samples joined by a tree."""
    shards = -(-len(x) // SHARD)
    if shards <= 1:
        return CHAINS[kind](x.T, delta)
    half = SHARD << (shards - 1).bit_length() - 1
    return over_samples(x[:half], delta[:half], kind) + over_samples(x[half:], delta[half:], kind)
