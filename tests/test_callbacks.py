"""Callbacks: which hooks run when, EarlyStopping as Keras has it, History and its figure."""

from __future__ import annotations

import math
from typing import Any

import mundur as md
import numpy as np
import pytest
from mundur.callbacks.base import CallbackList  # which hooks are called costs time

HOOKS = [name for name in dir(md.Callback) if name.startswith("on_")]


class Recorder(md.Callback):
    """Notes every hook it was made for."""

    def __init__(self, *hooks: str) -> None:
        self.seen: list[Any] = []
        for hook in hooks:
            setattr(self, hook, lambda *args, hook=hook: self.seen.append((hook[3:], *args)))

    def names(self) -> list[str]:
        return [entry[0] for entry in self.seen]


def test_hooks_of_fit_in_order(blobs: Any, classifier: Any) -> None:
    recorder = Recorder(*(hook for hook in HOOKS if hook not in ("on_batch_begin", "on_batch_end")))
    model = classifier()
    model.fit(*blobs, 128, 2, verbose=0, validation_split=0.5, callbacks=[recorder])
    batches = ["train_batch_begin", "train_batch_end"]
    test = ["test_begin", *["test_batch_begin", "test_batch_end"] * 2, "test_end"]
    epoch = ["epoch_begin", *batches * 2, *test, "epoch_end"]
    assert recorder.names() == ["train_begin", *epoch * 2, "train_end"]
    assert recorder.model is model
    assert recorder.params == {"verbose": 0, "epochs": 2, "steps": 2}
    numbers = [entry[1] for entry in recorder.seen if entry[0].startswith("train_batch")]
    assert numbers == [0, 0, 1, 1] * 2
    ends = [entry for entry in recorder.seen if entry[0] == "epoch_end"]
    assert [entry[1] for entry in ends] == [0, 1]
    assert list(ends[0][2]) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    last_batch = [entry for entry in recorder.seen if entry[0] == "train_batch_end"][-1]
    assert last_batch[2]["loss"] == ends[1][2]["loss"]


def test_old_names_of_batch_hooks(blobs: Any, classifier: Any) -> None:
    recorder = Recorder("on_batch_begin", "on_batch_end")
    classifier().fit(*blobs, 100, verbose=0, callbacks=[recorder])
    assert recorder.names() == ["batch_begin", "batch_end"] * 3


def test_hooks_of_evaluate_and_predict(blobs: Any, classifier: Any) -> None:
    x, y = blobs
    recorder = Recorder(*HOOKS)
    model = classifier()
    model.evaluate(x, y, 200, callbacks=[recorder])
    test = ["test_begin", *["test_batch_begin", "test_batch_end"] * 2, "test_end"]
    assert recorder.names() == test
    recorder.seen.clear()
    whole = model.predict(x, 100, callbacks=recorder)
    batches = ["predict_batch_begin", "predict_batch_end"] * 3
    assert recorder.names() == ["predict_begin", *batches, "predict_end"]
    assert np.array_equal(whole, model.predict(x))


def test_hooks_that_are_not_overridden_are_not_called() -> None:
    class Mine(md.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            pass

    called = CallbackList([Mine(), md.Callback()], md.Model(), {})
    assert len(called.hooks("on_epoch_end")) == 1
    assert all(not called.hooks(hook) for hook in HOOKS if hook != "on_epoch_end")
    assert not called.wants_batches("train")


def test_batch_hooks_do_not_change_the_bits(blobs: Any, classifier: Any) -> None:
    with_hook, without = classifier(dropout=0.3), classifier(dropout=0.3)
    one = with_hook.fit(*blobs, epochs=2, verbose=0, callbacks=[Recorder("on_batch_end")])
    two = without.fit(*blobs, epochs=2, verbose=0)
    assert one.history == two.history
    pairs = zip(with_hook.get_weights(), without.get_weights(), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("hook", ["on_epoch_end", "on_train_batch_end", "on_train_begin"])
def test_stop_training(hook: str, blobs: Any, classifier: Any) -> None:
    class Stop(md.Callback):
        pass

    def stop(self: Any, *args: Any) -> None:
        if hook != "on_train_batch_end" or args[0] == 3:
            self.model.stop_training = True

    setattr(Stop, hook, stop)
    steps = Recorder("on_train_batch_end")
    model = classifier()
    history = model.fit(*blobs, epochs=5, verbose=0, callbacks=[Stop(), steps])
    assert history.stop_reason == "callback"
    assert len(history.epoch) == 1
    assert (
        len(steps.seen) == {"on_epoch_end": 10, "on_train_batch_end": 4, "on_train_begin": 1}[hook]
    )
    assert model.fit(*blobs, verbose=0).stop_reason == "epochs"


@pytest.mark.parametrize("hook", ["on_epoch_begin", "on_train_batch_end", "on_test_end"])
def test_exceptions_propagate_and_the_model_stays_whole(
    hook: str, blobs: Any, classifier: Any
) -> None:
    class Fail(md.Callback):
        pass

    def fail(self: Any, *args: Any) -> None:
        raise ZeroDivisionError("mine")

    setattr(Fail, hook, fail)
    model = classifier()
    with pytest.raises(ZeroDivisionError, match="mine"):
        model.fit(*blobs, epochs=5, verbose=0, validation_split=0.1, callbacks=[Fail()])
    assert all(np.isfinite(w).all() for w in model.get_weights())
    assert model.fit(*blobs, verbose=0).stop_reason == "epochs"


def test_callbacks_may_use_the_model(blobs: Any, classifier: Any) -> None:
    x, y = blobs
    seen = []

    class Use(md.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.model.predict(x[:5])
            self.model.evaluate(x[:7], y[:7], verbose=0)

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            seen.append(self.model.get_weights())
            with pytest.raises(RuntimeError, match="callback"):
                self.model.fit(x, y)

    used, plain = classifier(dropout=0.3), classifier(dropout=0.3)
    used.fit(x, y, epochs=2, verbose=0, callbacks=[Use()])
    plain.fit(x, y, epochs=2, verbose=0)
    assert all(
        np.array_equal(a, b) for a, b in zip(used.get_weights(), plain.get_weights(), strict=True)
    )
    assert all(np.array_equal(a, b) for a, b in zip(seen[-1], used.get_weights(), strict=True))


def test_callbacks_may_write_weights_and_logs(blobs: Any, classifier: Any) -> None:
    class Write(md.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.model.parameters["dense/bias"] = np.full(8, 5.0)
            logs["rate"] = self.model.optimizer.learning_rate

    model = classifier(md.optimizers.SGD(0.0))
    history = model.fit(*blobs, epochs=2, verbose=0, callbacks=[Write()])
    assert (model.layers[0].bias == 5).all()
    assert history.history["rate"] == [0.0, 0.0]


# ---- EarlyStopping ------------------------------------------------------------------------------


class Puppet:
    """As much of a model as EarlyStopping needs."""

    metrics = (md.metrics.Accuracy(),)
    metrics_names = ("loss", "accuracy")

    def __init__(self) -> None:
        self.stop_training = False
        self._stop_reason = "callback"
        self.weight = 0.0

    def get_weights(self) -> Any:
        return [np.array(self.weight)]

    def set_weights(self, weights: Any) -> None:
        self.weight = float(weights[0])


def run(callback: Any, values: list[float], name: str = "val_loss") -> tuple[int, Puppet]:
    """Epochs until it stops, with these monitored values; the weight is the epoch's number."""
    model: Any = Puppet()
    callback.set_model(model)
    callback.on_train_begin()
    epochs = 0
    for epoch, value in enumerate(values):
        model.weight = float(epoch)
        callback.on_epoch_end(epoch, {name: value})
        epochs += 1
        if model.stop_training:
            break
    callback.on_train_end()
    return epochs, model


# The expected numbers are what Keras 3.15's EarlyStopping gives.
@pytest.mark.parametrize(
    ("options", "values", "epochs"),
    [
        ({}, [1.0, 0.9, 0.95, 0.1], 3),
        ({}, [1.0, 1.0], 2),
        ({"patience": 2}, [1.0, 1.1, 1.2, 0.1], 3),
        ({"patience": 2}, [1.0, 1.1, 0.9, 1.0, 1.1, 1.2], 5),
        ({"min_delta": 0.1}, [1.0, 0.95, 0.5], 2),
        ({"min_delta": -0.1}, [1.0, 0.95, 0.5], 2),
        ({"baseline": 0.5, "patience": 2}, [1.0, 0.9, 0.8, 0.4], 4),
        ({"baseline": 0.5, "patience": 2}, [1.0, 1.1, 0.9, 0.4], 2),
        ({"baseline": 0.5, "patience": 2}, [0.45, 0.4, 0.5, 0.5, 0.5], 4),
        ({"start_from_epoch": 3}, [1.0, 2.0, 3.0, 4.0, 5.0], 5),
        ({"mode": "max"}, [1.0, 2.0, 1.5, 3.0], 3),
    ],
)
def test_early_stopping_as_keras(options: Any, values: list[float], epochs: int) -> None:
    stopped, model = run(md.callbacks.EarlyStopping(**options), values)
    assert stopped == epochs
    assert model._stop_reason == ("patience" if model.stop_training else "callback")


def test_early_stopping_watches_accuracy_upwards() -> None:
    callback = md.callbacks.EarlyStopping("val_accuracy", patience=1)
    assert run(callback, [0.1, 0.2, 0.3, 0.3], "val_accuracy")[0] == 4


def test_early_stopping_takes_nan_for_no_improvement() -> None:
    assert run(md.callbacks.EarlyStopping(patience=2), [math.nan] * 5)[0] == 2
    assert run(md.callbacks.EarlyStopping(patience=2), [1.0, math.nan, math.nan])[0] == 3


@pytest.mark.parametrize("stops", [True, False])
def test_early_stopping_restores_the_best(stops: bool) -> None:
    callback = md.callbacks.EarlyStopping(patience=2 if stops else 10, restore_best_weights=True)
    _, model = run(callback, [3.0, 1.0, 2.0, 2.5, 2.7])
    assert model.weight == 1.0
    assert callback.best_epoch == 1


def test_early_stopping_speaks(capsys: Any) -> None:
    run(md.callbacks.EarlyStopping(verbose=1, restore_best_weights=True), [1.0, 2.0])
    text = capsys.readouterr().out
    assert "Epoch 2: early stopping" in text
    assert "best epoch: 1" in text


def test_early_stopping_in_fit(blobs: Any, classifier: Any) -> None:
    x, y = blobs
    stop = md.callbacks.EarlyStopping(patience=1, min_delta=10.0, restore_best_weights=True)
    model = classifier()
    history = model.fit(x, y, epochs=9, validation_split=0.2, verbose=0, callbacks=[stop])
    assert history.stop_reason == "patience"
    assert len(history.epoch) == 2
    assert model.evaluate(x[240:], y[240:])[0] == history.history["val_loss"][0]
    again = model.fit(x, y, epochs=9, validation_split=0.2, verbose=0, callbacks=[stop])
    assert len(again.epoch) == 2


@pytest.mark.parametrize(
    ("monitor", "options", "words"),
    [
        ("val_loss", {}, "validation_data= or validation_split="),
        ("val_los", {"validation_split": 0.2}, "did you mean 'val_loss'"),
        ("acc", {}, "known: loss, accuracy"),
    ],
)
def test_early_stopping_needs_a_number_that_is_reported(
    monitor: str, options: Any, words: str, blobs: Any, classifier: Any
) -> None:
    with pytest.raises(ValueError, match=words):
        classifier().fit(
            *blobs, verbose=0, callbacks=[md.callbacks.EarlyStopping(monitor)], **options
        )


def test_early_stopping_may_watch_what_another_callback_adds(blobs: Any, classifier: Any) -> None:
    class Add(md.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            logs["mine"] = 1.0

    stop = md.callbacks.EarlyStopping("mine", mode="min")
    history = classifier().fit(*blobs, epochs=9, verbose=0, callbacks=[Add(), stop])
    assert len(history.epoch) == 2
    with pytest.raises(ValueError, match="mode='max'"):
        auto = md.callbacks.EarlyStopping("mine")
        classifier().fit(*blobs, verbose=0, callbacks=[Add(), auto])
    missing = md.callbacks.EarlyStopping("other", mode="min")
    with pytest.raises(ValueError, match="'other'"):
        classifier().fit(*blobs, verbose=0, callbacks=[Add(), missing])


def test_early_stopping_skips_epochs_without_validation(blobs: Any, classifier: Any) -> None:
    stop = md.callbacks.EarlyStopping(patience=1, min_delta=10.0)
    history = classifier().fit(
        *blobs, epochs=9, validation_split=0.2, validation_freq=3, verbose=0, callbacks=[stop]
    )
    assert len(history.epoch) == 6


def test_a_misspelt_hook_is_an_error(blobs: Any, classifier: Any) -> None:
    class Misspelt(md.Callback):
        def on_epoch_ends(self, epoch: int, logs: Any = None) -> None:
            pass

    with pytest.raises(AttributeError, match="did you mean 'on_epoch_end'"):
        classifier().fit(*blobs, verbose=0, callbacks=[Misspelt()])


# ---- History ------------------------------------------------------------------------------------


@pytest.fixture
def pyplot() -> Any:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")


def test_plot(blobs: Any, classifier: Any, pyplot: Any, tmp_path: Any) -> None:
    history = classifier().fit(*blobs, epochs=4, validation_split=0.2, validation_freq=2, verbose=0)
    loss, accuracy = axes = history.plot()
    assert repr(axes) == "<2 axes: loss, accuracy>"
    assert axes[0].figure is loss.figure
    # What IPython calls in place of printing the last value of a cell.
    assert axes._ipython_display_() is None
    training, validation = loss.get_lines()
    assert training.get_xdata().tolist() == [1, 2, 3, 4]
    assert training.get_ydata().tolist() == history.history["loss"]
    assert validation.get_xdata().tolist() == [2, 4]
    assert accuracy.get_ylabel() == "accuracy"
    assert [text.get_text() for text in loss.get_legend().get_texts()] == ["training", "validation"]
    loss.figure.savefig(tmp_path / "curves.png")


def test_plot_of_nothing_and_of_whole_epochs(blobs: Any, classifier: Any, pyplot: Any) -> None:
    history = md.History()
    history.history = {"loss": [], "accuracy": []}
    assert len(history.plot()) == 2
    (axis,) = classifier(metrics=()).fit(*blobs, epochs=3, verbose=0).plot()
    axis.figure.canvas.draw()
    assert all(tick == int(tick) for tick in axis.get_xticks())


def test_plot_of_metrics_of_several_scales(pyplot: Any) -> None:
    history = md.History()
    logs = {"loss": 9.0, "accuracy": 0.9, "mae": 30.0, "auc": 0.8, "mse": 900.0, "rmse": 40.0}
    history.on_epoch_end(0, logs | {"val_mae": float("nan"), "val_rmse": 250.0})
    drawn = [[line.get_label() for line in axis.get_lines()] for axis in history.plot()]
    assert drawn == [
        ["training"],
        ["accuracy, training", "auc, training"],
        ["mae, training", "mae, validation", "rmse, training", "rmse, validation"],
        ["training"],
    ]
    _, axes = pyplot.subplots(2)
    assert len(history.plot(axes)[1].get_lines()) == 7


def test_plot_on_given_axes(blobs: Any, classifier: Any, pyplot: Any) -> None:
    history = classifier(metrics=()).fit(*blobs, verbose=0)
    _, axis = pyplot.subplots()
    drawn = history.plot(axis)
    assert len(drawn) == 1
    assert drawn[0] is axis
    with pytest.raises(ValueError, match="axes must hold 2"):
        classifier().fit(*blobs, verbose=0).plot([axis])


def test_plot_without_matplotlib(monkeypatch: Any) -> None:
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    history = md.History()
    history.on_epoch_end(0, {"loss": 1.0})
    with pytest.raises(ImportError, match=r"mundur\[examples\]"):
        history.plot()


@pytest.mark.parametrize("make", [md.optimizers.Adam, md.optimizers.SGD])
def test_momentum_may_come_and_go_while_training(make: Any, blobs: Any, classifier: Any) -> None:
    class Change(md.Callback):
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            rule = self.model.optimizer
            rule.learning_rate = 1e-3 * (batch + 1)
            if isinstance(rule, md.optimizers.SGD):
                rule.momentum = 0.9 if batch % 3 else 0.0

    history = classifier(make()).fit(*blobs, epochs=2, verbose=0, callbacks=[Change()])
    assert np.isfinite(history.history["loss"]).all()
