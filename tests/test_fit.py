"""fit, evaluate, predict and single batches: what they do, report and leave behind."""

from __future__ import annotations

import pickle
import threading
import time
from typing import Any

import mundur as md
import numpy as np
import pytest

from states import training_state
from waiting import wait_for

D = md.layers.Dense


def weights_equal(one: md.Model, two: md.Model) -> bool:
    pairs = zip(one.get_weights(), two.get_weights(), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def test_training_learns(blobs: Any, classifier: Any) -> None:
    x, y = blobs
    model = classifier()
    history = model.fit(x, y, epochs=30, verbose=0)
    assert history is model.history
    assert history.history["loss"][-1] < history.history["loss"][0] / 2
    loss, accuracy = model.evaluate(x, y, verbose=0)
    assert accuracy > 0.9
    assert np.mean(model.predict(x).argmax(1) == y) == pytest.approx(accuracy)
    assert model.evaluate(x, y, return_dict=True) == {"loss": loss, "accuracy": accuracy}


def test_xor() -> None:
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    y = np.array([0, 1, 1, 0])
    model = md.Model([D(8, "tanh"), D(1, "sigmoid")], seed=1)
    model.compile(md.optimizers.Adam(0.05), "binary_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, batch_size=4, epochs=500, verbose=0)
    assert history.history["accuracy"][-1] == 1.0
    assert (model.predict(x)[:, 0] > 0.5).tolist() == [False, True, True, False]


def test_what_evaluate_returns() -> None:
    x, y = np.ones((4, 2)), np.ones(4)
    model = md.Model([D(1, kernel_initializer="zeros")], seed=0)
    model.compile("sgd", "mse")
    assert model.evaluate(x, y) == 1.0
    assert model.evaluate(x, y, return_dict=True) == {"loss": 1.0}
    model.compile("sgd", "mse", metrics=["accuracy"])
    assert model.evaluate(x, y) == [1.0, 0.0]
    assert model.metrics_names == ["loss", "accuracy"]
    assert model.test_on_batch(x, y) == [1.0, 0.0]


def test_two_fits_are_one_and_seeds_decide(blobs: Any, classifier: Any) -> None:
    x, y = blobs
    once, twice, other = classifier(dropout=0.2), classifier(dropout=0.2), classifier(seed=8)
    once.fit(x, y, epochs=4, verbose=0)
    twice.fit(x, y, epochs=2, verbose=0)
    twice.fit(x, y, epochs=4, initial_epoch=2, verbose=0)
    other.fit(x, y, epochs=4, verbose=0)
    assert weights_equal(once, twice)
    assert not weights_equal(once, other)


def test_batch_sizes(blobs: Any, classifier: Any) -> None:
    x, y = blobs
    steps: list[int] = []

    class Count(md.Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            steps.append(self.params["steps"])

    for size in (None, 1, 32, 299, 300, 10**15, "full"):
        classifier().fit(x, y, batch_size=size, verbose=0, callbacks=[Count()])
    assert steps == [10, 300, 10, 2, 1, 1, 1]
    default, explicit = classifier(), classifier()
    default.fit(x, y, verbose=0)
    explicit.fit(x, y, batch_size=32, verbose=0)
    assert weights_equal(default, explicit)


def test_train_on_batch_is_one_step_of_fit(blobs: Any, classifier: Any) -> None:
    x, y = blobs
    by_fit, by_batch, by_hand = classifier(), classifier(), classifier()
    expected = by_fit.evaluate(x, y)
    by_fit.fit(x, y, batch_size="full", shuffle=False, verbose=0)
    assert by_batch.train_on_batch(x, y) == expected
    loss, optimizer = by_hand.loss, by_hand.optimizer
    y_pred = by_hand.forward(x, training=True)
    assert loss(y, y_pred) == pytest.approx(expected[0], rel=1e-6)
    by_hand.backward(loss.gradient(y, y_pred))
    optimizer.step(by_hand)
    assert weights_equal(by_fit, by_batch)
    assert weights_equal(by_fit, by_hand)
    assert set(by_batch.train_on_batch(x, y, return_dict=True)) == {"loss", "accuracy"}


def test_predict_does_not_depend_on_the_batch(blobs: Any, classifier: Any) -> None:
    x, y = blobs
    model = classifier()
    model.fit(x, y, verbose=0)
    whole = model.predict(x, batch_size="full")
    assert whole.dtype == np.float32
    for other in (model.predict(x), model.predict(x, 7), model.predict_on_batch(x), model(x)):
        assert np.array_equal(whole, other)
    assert np.array_equal(whole[5:6], model.predict(x[5:6]))


def test_float64(blobs: Any, classifier: Any) -> None:
    model = classifier(dtype="float64")
    model.fit(*blobs, verbose=0)
    assert model.predict(blobs[0]).dtype == np.float64
    assert all(w.dtype == np.float64 for w in model.get_weights())
    assert md.Model(dtype=np.float64).dtype == "float64"


# ---- validation ---------------------------------------------------------------------------------


def test_validation_split_is_the_end_before_shuffling(blobs: Any, classifier: Any) -> None:
    x, y = blobs
    split, given = classifier(), classifier()
    one = split.fit(x, y, epochs=3, validation_split=0.2, verbose=0)
    two = given.fit(x[:240], y[:240], epochs=3, validation_data=(x[240:], y[240:]), verbose=0)
    assert one.history == two.history
    assert list(one.history) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert one.history["val_loss"][-1] == split.evaluate(x[240:], y[240:])[0]


def test_validation_splits_the_weights_too(blobs: Any, classifier: Any) -> None:
    x, y = blobs
    w = np.linspace(0, 1, 300)
    one = classifier().fit(x, y, sample_weight=w, validation_split=0.5, verbose=0)
    two = classifier().fit(
        x[:150],
        y[:150],
        sample_weight=w[:150],
        validation_data=(x[150:], y[150:], w[150:]),
        verbose=0,
    )
    assert one.history == two.history


def test_class_weights_leave_the_validation_alone(blobs: Any, classifier: Any) -> None:
    x, y = blobs
    model = classifier()
    options = {"class_weight": {0: 5.0}, "validation_split": 0.2, "verbose": 0}
    history = model.fit(x, y, **options)
    assert history.history["val_loss"][0] == model.evaluate(x[240:], y[240:])[0]


def test_validation_freq_and_batch_size(blobs: Any, classifier: Any) -> None:
    history = classifier().fit(
        *blobs,
        epochs=5,
        validation_split=0.2,
        validation_freq=2,
        validation_batch_size=7,
        verbose=0,
    )
    assert len(history.history["loss"]) == 5
    assert len(history.history["val_loss"]) == 2


@pytest.mark.parametrize("batch_size", [64, "full", None])
def test_batches_of_validation_are_as_large_as_told(batch_size: Any) -> None:
    """However few samples there are to train on; a sum tells the size of its batches."""
    x = np.random.default_rng(0).normal(size=(80, 3))
    model = md.Model([md.layers.Dense(1)], input_shape=(3,), seed=0)
    model.compile("sgd", md.losses.MeanSquaredError("sum"))
    held = (x[2:], x[2:, 0])
    history = model.fit(x[:2], x[:2, 0], batch_size, validation_data=held, verbose=0)
    assert history.history["val_loss"] == [model.evaluate(*held, batch_size, verbose=0)]


def test_validation_does_not_change_training(blobs: Any, classifier: Any) -> None:
    x, y = blobs
    with_it, without = classifier(dropout=0.5), classifier(dropout=0.5)
    with_it.fit(x, y, epochs=3, validation_data=(x, y), verbose=0)
    without.fit(x, y, epochs=3, verbose=0)
    assert weights_equal(with_it, without)


# ---- accuracy -----------------------------------------------------------------------------------

LOGITS = np.array([[-1.0, 2.0, 0.5], [3.0, -2.0, 0.1]])


def fixed(outputs: Any, loss: Any, metric: Any = "accuracy") -> md.Model:
    """A model whose outputs for the identity matrix are these rows."""
    rows = np.asarray(outputs, float)
    layer = D(rows.shape[1], use_bias=False, kernel_initializer=rows)
    model = md.Model([layer], seed=0, input_shape=(len(rows),))
    model.compile("sgd", loss, metrics=[metric])
    return model


@pytest.mark.parametrize(
    ("outputs", "loss", "y", "expected"),
    [
        ([[-0.1], [0.1], [0.6]], md.losses.BinaryCrossentropy(True), [0, 1, 0], 2 / 3),
        ([[-0.1], [0.1], [0.6]], "mse", [0, 1, 1], 2 / 3),
        (LOGITS, md.losses.SparseCategoricalCrossentropy(True), [1, 2], 0.5),
        (LOGITS, md.losses.CategoricalCrossentropy(True), [[0, 1, 0], [1, 0, 0]], 1.0),
        (LOGITS, "mse", [[0, 0, 1], [1, 0, 0]], 0.5),
    ],
)
@pytest.mark.parametrize("metric", ["accuracy", "acc"])
def test_the_form_of_accuracy(
    outputs: Any, loss: Any, y: Any, expected: float, metric: str
) -> None:
    model = fixed(outputs, loss, metric)
    result = model.evaluate(np.eye(len(outputs)), np.asarray(y), return_dict=True)
    assert result[metric] == pytest.approx(expected)


@pytest.mark.parametrize(
    "metric", ["binary_accuracy", md.metrics.BinaryAccuracy(), md.metrics.BinaryAccuracy]
)
def test_binary_accuracy_of_several_outputs(metric: Any) -> None:
    model = fixed([[-1.0, 2.0], [3.0, 4.0]], md.losses.BinaryCrossentropy(True), metric)
    result = model.evaluate(np.eye(2), np.array([[0, 1], [0, 1]]), return_dict=True)
    assert result["binary_accuracy"] == pytest.approx(0.75)


# ---- endings ------------------------------------------------------------------------------------


def line() -> tuple[Any, Any, md.Model]:
    x = np.linspace(-1, 1, 64).reshape(-1, 1)
    model = md.Model([D(1)], seed=0)
    model.compile(md.optimizers.SGD(0.1), "mse")
    return x, 3 * x + 1, model


def test_stop_loss() -> None:
    x, y, model = line()
    history = model.fit(x, y, epochs=10_000, stop_loss=1e-6, verbose=0)
    assert history.stop_reason == "stop_loss"
    assert history.history["loss"][-1] <= 1e-6 < history.history["loss"][-2]


def test_epochs_end_training() -> None:
    x, y, model = line()
    history = model.fit(x, y, epochs=3, verbose=0)
    assert (history.stop_reason, history.epoch) == ("epochs", [0, 1, 2])
    history = model.fit(x, y, epochs=3, initial_epoch=3, verbose=0)
    assert (history.stop_reason, history.epoch) == ("epochs", [])


def test_a_loss_that_is_not_finite_restores_the_epochs_start() -> None:
    x = np.linspace(-1, 1, 640).reshape(-1, 1) * 1e3
    model = md.Model([D(1)], seed=0)
    model.compile(md.optimizers.SGD(0.5, momentum=0.9), "mse")
    model.build((1,))
    before = model.get_weights()
    with pytest.raises(md.NonFiniteLossError) as caught:
        model.fit(x, x, epochs=3, verbose=0)
    error = caught.value
    assert error.learning_rate == 0.5
    assert 0 < error.step < 20
    assert error.epoch == 0
    assert "learning_rate=0.5" in str(error)
    assert f"epoch 1, step {error.step + 1} (counted from 1)" in str(error)
    assert isinstance(error, ArithmeticError)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert model.optimizer.iterations == 0
    model.optimizer.learning_rate = 1e-8
    model.optimizer.momentum = 0.0
    history = model.fit(x, x, verbose=0)
    assert np.isfinite(history.history["loss"][0])


@pytest.mark.parametrize("batches", [False, True], ids=["arrays", "iterable"])
def test_a_last_update_beyond_the_range_is_taken_back(batches: bool) -> None:
    x, y = np.array([[0.0], [0.0], [1e15]]), np.zeros(3)
    model = md.Model([D(1, kernel_initializer="ones")], input_shape=(1,), seed=0)
    model.compile(md.optimizers.SGD(1e10), "mse")

    class Loader:
        def __iter__(self) -> Any:
            return ((x[i : i + 1], y[i : i + 1]) for i in range(3))

    given: dict[str, Any] = {"x": x, "y": y, "batch_size": 1, "shuffle": False}
    given = {"x": Loader()} if batches else given
    with pytest.raises(md.NonFiniteLossError, match="dense/kernel was not finite after") as caught:
        model.fit(**given, verbose=0)
    assert (caught.value.step, caught.value.restored) == (2, True)
    assert [w.ravel().tolist() for w in model.get_weights()] == [[1.0], [0.0]]
    assert model.optimizer is not None
    assert (model.optimizer.iterations, model.epochs_begun) == (0, 0)
    history = model.fit(**given, epochs=3, verbose=0, callbacks=[md.callbacks.TerminateOnNaN()])
    assert (history.stop_reason, history.epoch) == ("nonfinite_loss", [0])
    assert [w.ravel().tolist() for w in model.get_weights()] == [[1.0], [0.0]]


def test_the_only_update_of_an_epoch_beyond_the_range_is_told() -> None:
    model = md.Model([D(1, kernel_initializer="ones")], input_shape=(1,), seed=0)
    model.compile(md.optimizers.SGD(1e10), "mse")
    with pytest.raises(md.NonFiniteLossError, match="one step cannot be taken back") as caught:
        model.fit([[1e15]], [0.0], verbose=0)
    assert not caught.value.restored
    assert pickle.loads(pickle.dumps(caught.value)).args == caught.value.args
    assert model.epochs_begun == 1


def test_train_on_batch_raises_too_and_changes_nothing() -> None:
    model = md.Model([D(1)], seed=0, input_shape=(1,))
    model.compile("sgd", "mse")
    before = model.get_weights()
    with pytest.raises(md.NonFiniteLossError):
        model.train_on_batch(np.full((2, 1), 1e30), np.zeros(2))
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_ctrl_c_ends_training_with_the_model_whole(rng: Any, ctrl_c: Any) -> None:
    x = rng.normal(size=(20_000, 64)).astype(np.float32)
    y = rng.integers(0, 3, 20_000)
    model = md.Model([D(256, "relu"), D(256, "relu"), D(3)], seed=0)
    model.compile("adam", md.losses.SparseCategoricalCrossentropy(from_logits=True))
    ended: list[int] = []

    class End(md.Callback):
        def on_train_end(self, logs: Any = None) -> None:
            ended.append(1)

    ctrl_c(after=0.7)
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, y, batch_size=64, epochs=100_000, verbose=0, callbacks=[End()])
    assert time.monotonic() - start < 5
    assert model.history.stop_reason == "interrupted"
    assert ended == [1]
    assert all(np.isfinite(w).all() for w in model.get_weights())
    assert model.fit(x[:640], y[:640], verbose=0).stop_reason == "epochs"


@pytest.mark.parametrize("verbose", [0, 1, 2])
def test_ctrl_c_in_the_first_epoch(verbose: int, blobs: Any, classifier: Any, capsys: Any) -> None:
    class Stop(md.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            raise KeyboardInterrupt

    model = classifier()
    with pytest.raises(KeyboardInterrupt):
        model.fit(*blobs, verbose=verbose, callbacks=[Stop()], validation_split=0.1)
    history = model.history
    assert history.stop_reason == "interrupted"
    names = ("loss", "accuracy", "val_loss", "val_accuracy")
    assert history.history == {name: [] for name in names}
    assert repr(history) == "<History: 0 epochs, ended by 'interrupted'>"
    said = (
        "interrupted in epoch 1; model.history has the epochs before, and another fit goes on from "
        "here\n"
    )
    assert capsys.readouterr().out.endswith(said if verbose else "")


def test_ctrl_c_ends_a_loop_over_fits(blobs: Any, classifier: Any, ctrl_c: Any) -> None:
    send = md.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: ctrl_c())
    begun = []
    with pytest.raises(KeyboardInterrupt):
        for rate in (0.1, 0.2):
            begun.append(rate)
            classifier(optimizer=md.optimizers.SGD(rate)).fit(*blobs, verbose=0, callbacks=[send])
    assert begun == [0.1]


def test_ctrl_c_behind_an_epoch(blobs: Any, classifier: Any) -> None:
    class Stop(md.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            raise KeyboardInterrupt

        def on_train_end(self, logs: Any = None) -> None:
            raise RuntimeError("of the callback's own")

    model = classifier()
    with pytest.raises(KeyboardInterrupt) as raised:
        model.fit(*blobs, verbose=0, callbacks=[Stop()])
    assert str(raised.value.__cause__) == "of the callback's own"
    assert model.history.epoch == [0] and model.epochs_begun == 1


@pytest.mark.parametrize("work", ["predict", "evaluate", "find_learning_rate"])
def test_ctrl_c_in_other_work(work: str, ctrl_c: Any) -> None:
    x = np.broadcast_to(np.zeros((1, 256), np.float32), (4_000_000, 256))
    y = np.broadcast_to(np.zeros((1, 1), np.float32), (4_000_000, 1))
    model = md.Model([D(512), D(1)], seed=0, input_shape=(256,))
    model.compile(md.optimizers.Adam(), "mse")
    before = training_state(model)
    ctrl_c(after=0.5)
    with pytest.raises(KeyboardInterrupt):
        if work == "predict":
            model.predict(x, 1024, allow_nonfinite=True)
        elif work == "evaluate":
            model.evaluate(x, y, 1024, allow_nonfinite=True)
        else:
            model.find_learning_rate(x, y, 1024, steps=3900)
    assert training_state(model) == before


# ---- several threads ----------------------------------------------------------------------------


def test_one_model_in_several_threads(blobs: Any, classifier: Any) -> None:
    x, y = blobs
    model, serial = classifier(), classifier()
    errors: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(3):
                model.train_on_batch(x, y)
                assert model.predict(x).shape == (300, 3)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    wait_for(*threads)
    assert not errors
    for _ in range(12):
        serial.train_on_batch(x, y)
    assert weights_equal(model, serial)


def test_fit_in_two_threads_is_serial(blobs: Any, classifier: Any) -> None:
    x, y = blobs
    model, serial = classifier(), classifier()
    threads = [
        threading.Thread(target=model.fit, args=(x, y), kwargs={"epochs": 3, "verbose": 0})
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    wait_for(*threads)
    serial.fit(x, y, epochs=6, verbose=0)
    assert weights_equal(model, serial)


def test_the_scale_of_weights_is_free(blobs: Any, classifier: Any) -> None:
    x, y = blobs
    weights = np.linspace(0.5, 2.0, len(x))
    expected = classifier().evaluate(x, y, sample_weight=weights, verbose=0)
    for scale in (2.0**-140, 2.0**900):
        found = classifier().evaluate(x, y, sample_weight=weights * scale, verbose=0)
        assert found == expected


def test_validation_data_are_looked_at_before_an_epoch_is_spent(
    blobs: Any, classifier: Any
) -> None:
    x, y = blobs
    bad = x.copy()
    bad[3, 1] = np.nan
    model = classifier()
    with pytest.raises(ValueError, match=r"validation_data\[0\] must be finite; got nan at"):
        model.fit(x, y, validation_data=(bad, y), verbose=0)
    assert model.epochs_begun == 0


def test_compile_within_fit_is_refused(blobs: Any, classifier: Any) -> None:
    class Compile(md.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.model.compile("sgd", "mse")

    with pytest.raises(RuntimeError, match="compile was called by a callback"):
        classifier().fit(*blobs, callbacks=[Compile()], verbose=0)
