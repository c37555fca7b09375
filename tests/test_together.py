"""Pieces that meet in one training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mundur as md
import numpy as np
import pytest

X = np.random.default_rng(1).normal(size=(50, 5))
Y = np.random.default_rng(2).normal(size=(50, 3))


class Squares(md.Loss):
    """MeanSquaredError once more, in Python; raises at the call that `fails_at` counts."""

    checks_gradient = False  # which would call it, too

    def __init__(self, fails_at: int = 0) -> None:
        self._fails_at = fails_at
        self._calls = 0

    def get_config(self) -> dict[str, Any]:
        return {}

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
        self._calls += 1
        if self._calls == self._fails_at:
            raise RuntimeError("enough")
        return float(np.mean((y_pred - y_true) ** 2))

    def gradient(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        return 2 * (y_pred - y_true) / y_pred.size


def made(loss: Any) -> md.Model:
    model = md.Model([md.layers.Dense(8, (np.sin, np.cos)), md.layers.Dense(3)], seed=3)
    model.compile(md.optimizers.Adam(0.01), loss)
    return model


def weights(model: md.Model) -> list[bytes]:
    return [value.tobytes() for value in model.get_weights()]


@pytest.mark.parametrize("loss", ["mse", Squares()])
def test_augmentation_reaches_every_loss(loss: Any) -> None:
    plain, noisy = made(loss), made(loss)
    plain.fit(X, Y, batch_size=8, verbose=0)
    noisy.fit(X, Y, batch_size=8, verbose=0, augment=md.augment.Noise(1.0))
    assert weights(plain) != weights(noisy)


@pytest.mark.parametrize("loss", ["mse", Squares()])
@pytest.mark.parametrize("shuffle", [True, False, "block"])
@pytest.mark.parametrize("step", [3, 9])
def test_resumed_with_augmentation(loss: Any, shuffle: Any, step: int, tmp_path: Path) -> None:
    path = tmp_path / "place.safetensors"
    model = made(loss)

    class Saves(md.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if model.optimizer is not None and model.optimizer.iterations == step:
                model.save(path)

    options: dict[str, Any] = {
        "batch_size": 8,
        "epochs": 3,
        "shuffle": shuffle,
        "verbose": 0,
        "augment": md.augment.Noise(0.1),
    }
    model.fit(X, Y, callbacks=[Saves()], **options)
    other = made(loss)
    other.fit(X, Y, resume_from=path, **options)
    assert weights(other) == weights(model)


def test_a_loss_that_raises_leaves_a_true_count(tmp_path: Path) -> None:
    """The model stands at the last whole step, in the middle of an epoch that has begun."""
    model = made(Squares(fails_at=5))
    with pytest.raises(RuntimeError, match="enough"):
        model.fit(X, Y, batch_size=8, verbose=0)
    assert model.optimizer is not None
    assert (model.optimizer.iterations, model.epochs_begun) == (4, 1)
    path = tmp_path / "place.safetensors"
    model.save(path)
    whole, other = made(Squares()), made(Squares())
    whole.fit(X, Y, batch_size=8, epochs=2, verbose=0)
    other.fit(X, Y, batch_size=8, epochs=2, verbose=0, resume_from=path)
    assert weights(other) == weights(whole)


def test_a_loss_that_is_not_finite_in_a_resumed_epoch_leaves_its_place(tmp_path: Path) -> None:
    path, again = tmp_path / "place.safetensors", tmp_path / "again.safetensors"
    model = made(Squares(fails_at=4))
    with pytest.raises(RuntimeError, match="enough"):
        model.fit(X, Y, batch_size=8, shuffle=False, verbose=0)
    model.save(path)
    bad = Y.copy()
    bad[40] = 1e300
    other = made(Squares())
    with np.errstate(all="ignore"), pytest.raises(md.NonFiniteLossError) as caught:
        other.fit(X, bad, batch_size=8, shuffle=False, verbose=0, resume_from=path)
    assert caught.value.resumed
    assert "back where resume_from took that epoch up" in str(caught.value)
    assert other.epochs_begun == 1
    other.save(again)
    whole, third = made(Squares()), made(Squares())
    whole.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0)
    third.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0, resume_from=again)
    assert weights(third) == weights(whole)
