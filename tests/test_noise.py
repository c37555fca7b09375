"""GaussianNoise, GaussianDropout and AlphaDropout: what they draw, and when."""

from __future__ import annotations

from typing import Any

import mundur as md
import numpy as np
import pytest
from mundur import _core

L = md.layers
NOISES = [L.GaussianNoise(0.5), L.GaussianDropout(0.3), L.AlphaDropout(0.3)]
# Four standard errors of a mean of so many numbers.
N = 200_000


def drawn(layer: md.Layer, x: Any, seed: int = 1) -> Any:
    model = md.Model([layer], seed=seed, dtype="float64", input_shape=(x.shape[1],))
    return model.forward(x, training=True)


def anew(layer: md.Layer) -> Any:
    return type(layer).from_config(layer.get_config())


def assert_normal(noise: Any, deviation: float) -> None:
    noise = noise.ravel() / deviation
    assert abs(noise.mean()) < 4 / np.sqrt(noise.size)
    assert abs((noise**2).mean() - 1) < 4 * np.sqrt(2 / noise.size)
    assert abs((noise**3).mean()) < 4 * np.sqrt(15 / noise.size)
    assert abs((noise**4).mean() - 3) < 4 * np.sqrt(96 / noise.size)
    neighbours = (noise[1:] * noise[:-1]).mean()
    assert abs(neighbours) < 4 / np.sqrt(noise.size)


def test_gaussian_noise_is_normal() -> None:
    x = np.arange(N, dtype=float).reshape(100, -1)
    assert_normal(drawn(L.GaussianNoise(0.25), x) - x, 0.25)


def test_gaussian_dropout_has_dropouts_mean_and_variance() -> None:
    x = np.full((100, N // 100), 2.0)
    assert_normal(drawn(L.GaussianDropout(0.2), x) / x - 1, np.sqrt(0.2 / 0.8))


@pytest.mark.parametrize("rate", [0.05, 0.3, 0.9])
def test_alpha_dropout_keeps_mean_and_variance(rate: float, rng: np.random.Generator) -> None:
    x = rng.normal(size=(100, N // 100))
    y = drawn(L.AlphaDropout(rate), x)
    values, counts = np.unique(y, return_counts=True)
    dropped = counts.max()  # all of one value
    assert values[counts.argmax()] < 0
    assert abs(dropped / N - rate) < 4 * np.sqrt(rate * (1 - rate) / N)
    assert y.mean() == pytest.approx(0, abs=5 / np.sqrt(N))
    assert y.var() == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("layer", NOISES, ids=repr)
def test_nothing_happens_outside_of_training(layer: Any) -> None:
    x = np.random.default_rng(0).normal(size=(5, 40))
    model = md.Model([anew(layer)], seed=0, dtype="float64", input_shape=(40,))
    np.testing.assert_array_equal(model.predict(x, verbose=0), x)
    np.testing.assert_array_equal(model.forward(x), x)
    np.testing.assert_array_equal(model.backward(x), x)


@pytest.mark.parametrize("layer", NOISES, ids=repr)
def test_each_layer_and_forward_draws_anew_and_seeds_repeat(layer: Any) -> None:
    x = np.ones((3, 50))

    def model(seed: int, own_seed: int | None = None) -> md.Model:
        own = type(layer).from_config(layer.get_config() | {"seed": own_seed})
        return md.Model([own], seed=seed, dtype="float64", input_shape=(50,))

    one, same = model(1), model(1)
    first, second = (one.forward(x, training=True) for _ in range(2))
    assert (first != second).any()
    np.testing.assert_array_equal(same.forward(x, training=True), first)
    assert (model(2).forward(x, training=True) != first).any()
    np.testing.assert_array_equal(model(2, own_seed=1).forward(x, training=True), first)
    pair = md.Model([L.Flatten(), anew(layer)], seed=1, dtype="float64", input_shape=(50,))
    assert (pair.forward(x, training=True) != first).any()


@pytest.mark.parametrize("layer", NOISES, ids=repr)
def test_a_sample_has_its_noise_wherever_a_worker_starts(layer: Any) -> None:
    """Parts of a batch begin within a group of random numbers."""
    x = np.ones((7, 101))
    _core.set_num_threads(1)
    try:
        expected = drawn(anew(layer), x)
        for threads in (2, 3, 5):
            _core.set_num_threads(threads)
            np.testing.assert_array_equal(drawn(anew(layer), x), expected)
    finally:
        _core.set_num_threads(0)


def test_training_with_noise_in_the_chain(blobs: tuple[Any, Any]) -> None:
    x, y = blobs
    model = md.Model(
        [
            L.GaussianNoise(0.1),
            L.Dense(16, "tanh"),
            L.AlphaDropout(0.1),
            L.GaussianDropout(0.1),
            L.Dense(3),
        ],
        seed=2,
    )
    loss = md.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(md.optimizers.Adam(0.02), loss, metrics=["accuracy"])
    model.fit(x, y, epochs=20, verbose=0)
    assert model.evaluate(x, y, verbose=0)[1] > 0.9


@pytest.mark.parametrize(
    ("make", "argument"),
    [
        (lambda: L.GaussianNoise(-0.1), "stddev"),
        (lambda: L.GaussianNoise("0.1"), "stddev"),
        (lambda: L.GaussianDropout(1.0), "rate"),
        (lambda: L.AlphaDropout(-0.1), "rate"),
        (lambda: L.AlphaDropout(0.1, seed=-1), "seed"),
        (lambda: L.GaussianNoise(std=0.1), "did you mean 'stddev'"),
    ],
)
def test_bad_arguments(make: Any, argument: str) -> None:
    with pytest.raises((TypeError, ValueError), match=argument):
        make()
