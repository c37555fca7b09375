"""The callbacks beside EarlyStopping: learning rates, logs, NaN, functions."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import mundur as md
import numpy as np
import pytest

CB = md.callbacks


class Puppet:
    """As much of a model as ReduceLROnPlateau needs."""

    metrics = (md.metrics.Accuracy(),)
    metrics_names = ("loss", "accuracy")

    def __init__(self) -> None:
        self.compiled_optimizer = md.optimizers.SGD(1.0)


def rates(callback: Any, values: list[float], name: str = "val_loss") -> list[float]:
    """The learning rate after each epoch with these monitored values."""
    model: Any = Puppet()
    callback.set_model(model)
    callback.on_train_begin()
    found = []
    for epoch, value in enumerate(values):
        logs = {name: value}
        before = model.compiled_optimizer.learning_rate
        callback.on_epoch_end(epoch, logs)
        assert logs["learning_rate"] == before
        found.append(model.compiled_optimizer.learning_rate)
    return found


# The expected numbers are what Keras 3.15 gives, but for NaN, which it takes for the first best.
@pytest.mark.parametrize(
    ("options", "values", "expected"),
    [
        ({"patience": 2}, [1, 1, 1, 1, 1], [1, 1, 0.5, 0.5, 0.25]),
        ({"patience": 2}, [1, 2, 0.5, 1, 1, 1], [1, 1, 1, 1, 0.5, 0.5]),
        ({"patience": 1, "cooldown": 2}, [1, 1, 1, 1, 1], [1, 0.5, 0.5, 0.25, 0.25]),
        ({"patience": 1, "min_lr": 0.4}, [1, 1, 1, 1], [1, 0.5, 0.4, 0.4]),
        ({"patience": 1, "min_delta": 0.2}, [1, 0.9, 0.7, 0.6], [1, 0.5, 0.5, 0.25]),
        ({"patience": 1, "mode": "max"}, [1, 2, 1.5, 3], [1, 1, 0.5, 0.5]),
        ({"patience": 0}, [1, 1, 0.5], [1, 0.5, 0.5]),
        ({"patience": 1}, [float("nan")] * 2, [0.5, 0.25]),
    ],
)
def test_reduce_lr_on_plateau(options: Any, values: list[float], expected: list[float]) -> None:
    assert rates(CB.ReduceLROnPlateau(factor=0.5, **options), values) == expected


def test_reduce_lr_on_plateau_watches_accuracy_upwards() -> None:
    callback = CB.ReduceLROnPlateau("val_accuracy", 0.5, 1)
    assert rates(callback, [0.1, 0.2, 0.2], "val_accuracy") == [1, 1, 0.5]


def test_reduce_lr_on_plateau_in_fit(blobs: Any, classifier: Any, capsys: Any) -> None:
    fall = CB.ReduceLROnPlateau("loss", factor=0.1, patience=1, min_delta=10.0, verbose=1)
    model = classifier()
    history = model.fit(*blobs, epochs=3, verbose=0, callbacks=[fall])
    assert history.history["learning_rate"] == pytest.approx([1e-2, 1e-2, 1e-3], rel=1e-12)
    assert model.optimizer.learning_rate == pytest.approx(1e-4)
    assert "Epoch 2: learning rate reduced to 0.001" in capsys.readouterr().out
    with pytest.raises(ValueError, match="ReduceLROnPlateau monitors 'val_loss'"):
        model.fit(*blobs, verbose=0, callbacks=[CB.ReduceLROnPlateau()])


@pytest.mark.parametrize("schedule", [lambda e, rate: rate / 2, lambda e: 0.5 ** (e + 1)])
def test_learning_rate_scheduler(schedule: Any, blobs: Any, classifier: Any) -> None:
    model = classifier(md.optimizers.SGD(1.0))
    change = CB.LearningRateScheduler(schedule)
    history = model.fit(*blobs, epochs=3, verbose=0, callbacks=[change])
    assert history.history["learning_rate"] == [0.5, 0.25, 0.125]
    assert model.optimizer.learning_rate == 0.125


def test_learning_rate_scheduler_is_used_by_the_epoch(blobs: Any, classifier: Any) -> None:
    model = classifier(md.optimizers.SGD(1.0))
    before = model.fit(*blobs, epochs=1, verbose=0) and model.get_weights()
    model.fit(*blobs, verbose=0, callbacks=[CB.LearningRateScheduler(lambda epoch: 0.0)])
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_errors_of_a_schedule_are_its_own(blobs: Any, classifier: Any) -> None:
    def broken(epoch: int, rate: float) -> float:
        raise TypeError("mine")

    for schedule, error, words in (
        (broken, TypeError, "mine"),
        (lambda epoch: "fast", TypeError, "what schedule returns must be a number"),
        (lambda epoch: -1.0, ValueError, "what schedule returns"),
    ):
        with pytest.raises(error, match=words):
            change = CB.LearningRateScheduler(schedule)
            classifier().fit(*blobs, verbose=0, callbacks=[change])


def rows(path: Path, separator: str = ",") -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file, delimiter=separator))


def test_csv_logger(blobs: Any, classifier: Any, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    options = {"validation_split": 0.2, "validation_freq": 2, "verbose": 0}
    model = classifier()
    history = model.fit(*blobs, epochs=2, callbacks=[CB.CSVLogger(path, ";")], **options)
    header, *numbers = rows(path, ";")
    assert header == ["epoch", "accuracy", "loss", "val_accuracy", "val_loss"]
    assert [row[0] for row in numbers] == ["0", "1"]
    assert [float(row[2]) for row in numbers] == history.history["loss"]
    assert numbers[0][3:] == ["NA", "NA"]
    assert float(numbers[1][4]) == history.history["val_loss"][0]
    more = CB.CSVLogger(path, ";", append=True)
    model.fit(*blobs, epochs=3, initial_epoch=2, callbacks=[more], **options)
    assert [row[0] for row in rows(path, ";")] == ["epoch", "0", "1", "2"]
    model.fit(*blobs, callbacks=[CB.CSVLogger(path)], **options)
    assert len(rows(path)) == 2


def test_csv_logger_does_not_mix_columns(blobs: Any, classifier: Any, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("epoch,loss\n0,1.0\n", encoding="utf-8")
    with pytest.raises(ValueError, match="has the columns epoch, loss; the logs also hold acc"):
        classifier().fit(*blobs, verbose=0, callbacks=[CB.CSVLogger(path, append=True)])
    assert path.read_text(encoding="utf-8") == "epoch,loss\n0,1.0\n"


def test_terminate_on_nan(blobs: Any, classifier: Any) -> None:
    x, y = blobs

    class Explode(md.Callback):
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            if self.model.epochs_begun == 2 and batch == 5:
                self.model.parameters["dense/kernel"] = np.full((4, 8), np.nan)

    model = classifier()
    twin = classifier()
    twin.fit(x, y, epochs=1, verbose=0)
    ends: list[int] = []
    count = CB.LambdaCallback(on_train_batch_end=lambda batch, logs: ends.append(batch))
    callbacks = [Explode(), CB.TerminateOnNaN(), count]
    history = model.fit(x, y, epochs=5, verbose=0, validation_split=0, callbacks=callbacks)
    assert history.stop_reason == "nonfinite_loss"
    assert history.epoch == [0, 1]
    assert np.isnan(history.history["loss"][1])
    pairs = zip(model.get_weights(), twin.get_weights(), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)
    assert model.epochs_begun == 1
    assert ends == [*range(10), *range(5)]
    again = classifier()
    with pytest.raises(md.NonFiniteLossError):
        again.fit(x, y, epochs=5, verbose=0, callbacks=[Explode()])


def test_terminate_on_nan_costs_no_hook() -> None:
    from mundur.callbacks.base import CallbackList  # the order of hooks is its own

    called = CallbackList([CB.TerminateOnNaN(), CB.ModelCheckpoint("m")], md.Model(), {})
    assert not called.wants_batches("train")
    assert len(called.hooks("on_epoch_end")) == 1


def test_lambda_callback(blobs: Any, classifier: Any) -> None:
    seen: list[Any] = []
    show = CB.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(("epoch", epoch, "loss" in logs)),
        on_train_begin=lambda logs: seen.append("begin"),
        on_test_end=lambda logs: seen.append("test"),
    )
    classifier().fit(*blobs, epochs=2, verbose=0, validation_split=0.1, callbacks=[show])
    assert seen == ["begin", "test", ("epoch", 0, True), "test", ("epoch", 1, True)]
    with pytest.raises(TypeError, match=r"no argument 'on_epoch_ends'; did you mean 'on_epoch_end"):
        CB.LambdaCallback(on_epoch_ends=print)
    with pytest.raises(TypeError, match="on_epoch_end must be callable"):
        CB.LambdaCallback(on_epoch_end=3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: CB.ReduceLROnPlateau(factor=1.0), "factor must be"),
        (lambda: CB.ReduceLROnPlateau(cooldown=-1), "cooldown must be"),
        (lambda: CB.ReduceLROnPlateau(mode="up"), "mode must be"),
        (lambda: CB.LearningRateScheduler(0.1), "schedule must be callable"),
        (lambda: CB.CSVLogger("x", separator=";;"), "separator must be one character"),
        (lambda: CB.CSVLogger(3), "filename must be"),
        (lambda: CB.ModelCheckpoint(None), "filepath must be"),
        (lambda: CB.ModelCheckpoint("x", save_freq="batch"), "save_freq must be"),
        (lambda: CB.ModelCheckpoint("x", save_freq=0), "save_freq must be"),
        (lambda: CB.ModelCheckpoint("x", save_best_only=1), "save_best_only must be"),
        (lambda: CB.ModelCheckpoint("x", save_best=True), "did you mean 'save_best_only'"),
    ],
)
def test_bad_arguments(make: Any, words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=words):
        make()
