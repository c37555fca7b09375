"""Small epochs that nobody looks at follow each other within native code: the same training."""

from __future__ import annotations

from typing import Any

import mundur as md
import numpy as np
import pytest


class Looks(md.Callback):
    """Sees every epoch, so that native code returns behind each."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        pass


def trained(looked_at: bool, samples: int, batch_size: Any, **options: Any) -> Any:
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(samples, 2)), rng.uniform(size=(samples, 2))
    layers = [md.layers.Dense(2, "sigmoid"), md.layers.Dropout(0.1), md.layers.Dense(2, "sigmoid")]
    model = md.Model(layers, seed=0)
    schedule = md.optimizers.schedules.ExponentialDecay(0.1, 10, 0.99)
    loss = options.pop("loss", "mse")
    model.compile(
        options.pop("optimizer", md.optimizers.Adam(schedule)), loss, metrics=["accuracy"]
    )
    callbacks = [Looks()] if looked_at else None
    defaults: dict[str, Any] = {"epochs": 60, "verbose": 0}
    history = model.fit(x, y, batch_size, callbacks=callbacks, **(defaults | options))
    return model, history


def same(one: Any, two: Any) -> None:
    (model, history), (other, others) = one, two
    assert history.history == others.history
    assert (history.epoch, history.stop_reason) == (others.epoch, others.stop_reason)
    assert model.epochs_begun == other.epochs_begun
    assert all(map(np.array_equal, model.get_weights(), other.get_weights()))
    assert model.optimizer.iterations == other.optimizer.iterations


@pytest.mark.parametrize(("samples", "batch_size"), [(1, 1), (7, 2), (5, "full"), (64, 64)])
@pytest.mark.parametrize("shuffle", [True, False])
def test_epochs_in_native_code(samples: int, batch_size: Any, shuffle: bool) -> None:
    same(
        trained(False, samples, batch_size, shuffle=shuffle),
        trained(True, samples, batch_size, shuffle=shuffle),
    )


def test_the_loss_that_is_small_enough() -> None:
    _, history = trained(True, 7, 2)
    enough = history.history["loss"][30]
    runs = [trained(looked_at, 7, 2, stop_loss=enough) for looked_at in (False, True)]
    same(*runs)
    assert runs[0][1].stop_reason == "stop_loss"
    assert len(runs[0][1].epoch) <= 31


def test_first_and_last_epoch() -> None:
    same(
        trained(False, 7, 2, initial_epoch=20, epochs=23),
        trained(True, 7, 2, initial_epoch=20, epochs=23),
    )


@pytest.mark.parametrize("samples", [1, 7])
def test_a_loss_that_grows_beyond_all_bounds(samples: int) -> None:
    """The epoch is named in which it happened, and the model stands where that began."""
    found = []
    for looked_at in (False, True):
        model = md.Model([md.layers.Dense(1)], seed=0, input_shape=(2,))
        model.compile(md.optimizers.SGD(40.0), "mse")
        x = np.ones((samples, 2))
        with pytest.raises(md.NonFiniteLossError) as error:
            model.fit(
                x, 3 * np.ones(samples), 2, 500, 0, callbacks=[Looks()] if looked_at else None
            )
        found.append((str(error.value), model.get_weights(), model.history.history))
        assert model.epochs_begun == len(model.history.epoch)
    (message, weights, numbers), (other, others, others_numbers) = found
    assert message == other
    assert numbers == others_numbers
    assert all(map(np.array_equal, weights, others))


def test_a_loss_in_python_that_raises_within_a_later_epoch() -> None:
    class Raises(md.Loss):
        calls = 0

        def __call__(self, y: Any, p: Any) -> float:
            return float(np.mean((y - p) ** 2))

        def gradient(self, y: Any, p: Any) -> Any:
            Raises.calls += 1
            if Raises.calls == 31:
                raise RuntimeError("enough")
            return 2 * (p - y) / p.size

    seen = []
    for looked_at in (False, True):
        Raises.calls = 0
        model = md.Model([md.layers.Dense(2)], seed=0, input_shape=(2,))
        model.compile("sgd", Raises())
        with pytest.raises(RuntimeError, match="enough"):
            model.fit(np.eye(2), np.eye(2), 1, 100, 0, callbacks=[Looks()] if looked_at else None)
        seen.append((model.get_weights(), model.epochs_begun, model.optimizer.iterations))
    (weights, *counts), (others, *other_counts) = seen
    assert counts == other_counts
    assert all(map(np.array_equal, weights, others))


def test_ctrl_c_within_a_later_epoch_leaves_its_place() -> None:
    """The place is that epoch's, not that of the epoch which native code was called in."""

    class Interrupting(md.Loss):
        checks_gradient = False  # which would call it, too
        calls = 0

        def __call__(self, y_true: Any, y_pred: Any) -> Any:
            self.calls += 1
            if self.calls == 18:
                raise KeyboardInterrupt
            return np.mean((y_pred - y_true) ** 2)

        def gradient(self, y_true: Any, y_pred: Any) -> Any:
            return 2 * (y_pred - y_true) / y_pred.size

    model = md.Model([md.layers.Dense(1)], seed=0)
    model.compile("sgd", Interrupting())
    x = np.linspace(-1, 1, 64).reshape(-1, 1)
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, x, 16, 20, verbose=0)
    assert model.history is not None and model.history.epoch == [0, 1, 2, 3]
    place = model._place
    assert place is not None
    assert (place.epoch, place.order, place.step) == (4, 4, 1)


def test_lines_of_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    _, history = trained(False, 7, 2, verbose=2)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" - ")[0] for line in lines] == [f"Epoch {e}/60" for e in range(1, 61)]
    assert all(
        f"loss: {v:.4f}" in line for v, line in zip(history.history["loss"], lines, strict=True)
    )


def test_a_bar_that_counts_all_steps(capsys: pytest.CaptureFixture[str]) -> None:
    trained(False, 7, 2, verbose=1)
    out = capsys.readouterr()
    assert "Epoch 60/60" in out.out + out.err
    assert "100%" in out.out + out.err
