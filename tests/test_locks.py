"""What comes beside a training in another thread waits or is refused: nothing is half done."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import mundur as md
import numpy as np
import numpy.typing as npt
import pytest

from waiting import wait_for

Array = npt.NDArray[Any]


def compiled(optimizer: Any = "sgd", activation: Any = "relu", seed: int = 0) -> md.Model:
    layers = [md.layers.Dense(64, activation), md.layers.Dense(1)]
    model = md.Model(layers, input_shape=(16,), seed=seed)
    model.compile(optimizer, "mse")
    return model


DATA = np.random.default_rng(0).normal(size=(5000, 16)), np.zeros(5000)


class Training:
    """A fit in another thread, for as long as the body lasts."""

    def __init__(self, model: md.Model) -> None:
        self.model = model
        self.begun = threading.Event()
        hook = md.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: self.begun.set())
        arguments = {"epochs": 10**6, "verbose": 0, "callbacks": [hook]}
        self.thread = threading.Thread(target=model.fit, args=DATA, kwargs=arguments)

    def __enter__(self) -> None:
        self.thread.start()
        assert self.begun.wait(timeout=30)

    def __exit__(self, *_: Any) -> None:
        self.stop()

    def stop(self) -> None:
        self.model.stop_training = True
        wait_for(self.thread)


@pytest.mark.parametrize(
    "freeze",
    [
        lambda model: setattr(model.layers[0], "trainable", False),
        lambda model: setattr(model, "trainable", False),
        lambda model: model.freeze("*/kernel"),
        lambda model: model.layers[0].set_trainable("kernel", False),
    ],
    ids=["layer", "model", "pattern", "parameter"],
)
def test_freezing_waits_for_a_training_and_is_whole(freeze: Callable[[md.Model], None]) -> None:
    model = compiled()
    training = Training(model)
    freezing = threading.Thread(target=freeze, args=(model,))
    with training:
        freezing.start()
        time.sleep(0.3)
        assert freezing.is_alive()
        assert model.layers[0].trainable
        assert "dense/kernel" in model.trainable_parameters
    wait_for(freezing)
    assert "dense/kernel" not in model.trainable_parameters
    before = model.parameters["dense/kernel"].copy()
    model.fit(*DATA, verbose=0)
    np.testing.assert_array_equal(model.parameters["dense/kernel"], before)


def test_freezing_that_the_core_refuses_leaves_all_as_it_was() -> None:
    """In a function that native code calls, the network is at work."""
    errors = []
    models: list[md.Model] = []

    def own(z: Array) -> Array:
        try:
            for model in models:
                model.layers[0].trainable = False
        except RuntimeError as error:
            errors.append(str(error))
        return np.tanh(z)

    model = compiled(activation=(own, lambda z: 1 - np.tanh(z) ** 2))
    before = model.parameters["dense/kernel"].copy()
    models.append(model)
    model.fit(*DATA, epochs=1, verbose=0)
    assert errors and "cannot use that model" in errors[0]
    assert model.layers[0].trainable
    assert (model.parameters["dense/kernel"] != before).any()


def test_reset_beside_a_training_is_refused() -> None:
    model = compiled("adam")
    assert model.optimizer is not None
    with Training(model), pytest.raises(RuntimeError, match="reset was called while fit trains"):
        model.optimizer.reset()
    assert model.optimizer.iterations > 0
    model.optimizer.reset()
    assert model.optimizer.iterations == 0


def test_one_optimizer_in_two_trainings_is_refused() -> None:
    optimizer = md.optimizers.Adam()
    one, other = compiled(optimizer), compiled(optimizer, seed=1)
    with Training(one):
        for call in (other.fit, other.train_on_batch):
            with pytest.raises((RuntimeError, ValueError), match="another model"):
                call(*DATA)
        with pytest.raises((RuntimeError, ValueError), match="another model"):
            optimizer.step(other)


def test_two_trainings_that_begin_together_are_not_both_let_in() -> None:
    """Neither has done a step: only the claim tells."""
    for _ in range(10):
        optimizer = md.optimizers.SGD()
        models = [compiled(optimizer, seed=seed) for seed in range(2)]
        barrier = threading.Barrier(2)
        failed: list[str] = []

        def fit(model: md.Model, barrier: Any = barrier, failed: list[str] = failed) -> None:
            barrier.wait(timeout=30)
            try:
                model.fit(*DATA, epochs=20, verbose=0)
            except (RuntimeError, ValueError) as error:
                failed.append(str(error))

        threads = [threading.Thread(target=fit, args=(model,)) for model in models]
        for thread in threads:
            thread.start()
        wait_for(*threads)
        assert len(failed) == 1 and "another model" in failed[0]


def test_the_learning_rate_may_be_set_beside_a_training() -> None:
    model = compiled()
    assert model.optimizer is not None
    with Training(model):
        model.optimizer.learning_rate = 0.0
        assert model.optimizer.learning_rate == 0.0
