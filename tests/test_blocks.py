"""Shuffles for maps larger than memory: neighbours stay together."""

from __future__ import annotations

from typing import Any

import mundur as md
import numpy as np
import pytest

RNG = np.random.default_rng(0)


def model_for(inputs: int) -> md.Model:
    model = md.Model([md.layers.Dense(1)], input_shape=(inputs,), seed=0)
    model.compile("sgd", "mse")
    return model


def test_a_block_shuffle_keeps_blocks_together() -> None:
    order = md._core.block_permutation(1003, 100, 7, 2)
    assert sorted(order) == list(range(1003))
    start, seen = 0, []
    while start < 1003:
        block = order[start] // 100
        rows = order[start : start + (3 if block == 10 else 100)]
        assert set(rows // 100) == {block}
        assert list(rows) != sorted(rows)
        seen.append(block)
        start += len(rows)
    assert seen != sorted(seen)
    assert np.array_equal(order, md._core.block_permutation(1003, 100, 7, 2))
    assert not np.array_equal(order, md._core.block_permutation(1003, 100, 7, 3))
    assert not np.array_equal(order, md._core.block_permutation(1003, 100, 8, 2))
    # Rows are not shuffled alike in each block.
    first = order[:100] % 100
    assert not np.array_equal(first, order[100:200] % 100)


@pytest.mark.parametrize(("n", "block"), [(1, 1), (1, 5), (5, 5), (6, 5), (5, 1)])
def test_a_block_shuffle_of_few(n: int, block: int) -> None:
    assert sorted(md._core.block_permutation(n, block, 0, 0)) == list(range(n))


def test_fit_with_a_block_shuffle(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order that it says."""
    np.save(tmp_path / "x.npy", RNG.normal(size=(120, 3)).astype(np.float16))
    x = np.load(tmp_path / "x.npy", mmap_mode="r")
    y = np.asarray(x, np.float32).sum(axis=1)
    monkeypatch.setattr(md.training.plan, "block_rows", lambda features, size: 25)
    whole, by_hand = model_for(3), model_for(3)
    whole.fit(x, y, 10, epochs=4, shuffle="block", verbose=0)
    for epoch in range(4):
        order = md._core.block_permutation(120, 25, by_hand.seed, epoch)
        by_hand.fit(x[order], y[order], 10, shuffle=False, verbose=0)
    assert np.array_equal(by_hand.get_weights()[0], whole.get_weights()[0])


def test_blocks_are_as_large_as_a_disk_likes() -> None:
    wide = np.lib.stride_tricks.as_strided(np.zeros(1), (10**6, 1024), (0, 0))
    assert md.data.dataset.block_rows(wide, 32) == 1024
    assert md.data.dataset.block_rows(wide, 4096) == 4096
