"""Losses with call, or of functions, metrics with variables, models with steps of their own."""

from __future__ import annotations

import copy
import warnings
from pathlib import Path
from typing import Any

import mundur as md
import numpy as np
import numpy.typing as npt
import pytest
from mundur import layers as L

Array = npt.NDArray[Any]
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(50, 4)), RNG.normal(size=(50, 2))
W = np.linspace(0.5, 2, 50)


def squares(y_true: Any, y_pred: Any) -> Any:
    return np.mean((y_pred - y_true) ** 2, axis=-1)


def squares_prime(y_true: Any, y_pred: Any) -> Any:
    return 2 * (y_pred - y_true) / y_pred.shape[-1]


class Squares(md.Loss):
    def __init__(self, factor: float = 1.0, **options: Any) -> None:
        super().__init__(**options)
        self.factor = factor

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return self.factor * squares(y_true, y_pred)

    def gradient(self, y_true: Any, y_pred: Any) -> Any:  # type: ignore[override]
        return self.factor * squares_prime(y_true, y_pred)


def model_of(loss: Any, cls: Any = md.Model, **compiled: Any) -> Any:
    layers = [L.Dense(8, "tanh"), L.Dense(2)]
    model = cls(layers, input_shape=(4,), seed=2, dtype="float64")
    model.compile("adam", loss, **compiled)
    return model


def close(ours: md.Model, theirs: md.Model, tolerance: float = 1e-9) -> None:
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=1e-12)


# ---- losses --------------------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum"])
@pytest.mark.parametrize("kind", ["class", "functions", "pair"])
def test_a_loss_with_call_trains_as_the_cores(kind: str, reduction: str, weighted: bool) -> None:
    loss: Any = {
        "class": Squares(reduction=reduction),
        "functions": md.losses.Custom(squares, squares_prime, reduction=reduction),
        "pair": (squares, squares_prime),
    }[kind]
    if kind == "pair" and reduction == "sum":
        return
    ours = model_of(loss, metrics=["mae"])
    theirs = model_of(md.losses.MeanSquaredError(reduction=reduction), metrics=["mae"])
    weight = W if weighted else None
    histories = [
        m.fit(X, Y, sample_weight=weight, batch_size=16, epochs=3, verbose=0).history
        for m in (ours, theirs)
    ]
    for name, values in histories[1].items():
        if weighted and reduction == "sum" and name == "loss":
            continue  # that is of a whole epoch, ours of the batches
        assert histories[0][name] == pytest.approx(values, rel=1e-9), name
    close(ours, theirs)


def test_a_loss_with_call_by_hand() -> None:
    ours, theirs = Squares(), md.losses.MeanSquaredError()
    for weight in (None, W):
        assert ours(Y, X[:, :2], weight) == pytest.approx(theirs(Y, X[:, :2], weight))
        np.testing.assert_allclose(
            ours.gradient(Y, X[:, :2], weight),  # type: ignore[call-arg]
            theirs.gradient(Y, X[:, :2], weight),
        )
    assert ours.name == "squares" and ours.reduction == "sum_over_batch_size"
    none = Squares(reduction=None)
    np.testing.assert_allclose(none(Y, X[:, :2]), squares(Y, X[:, :2]))
    whole = md.losses.Custom(
        lambda y, p: np.mean((p - y) ** 2), lambda y, p: 2 * (p - y) / p.size, name="whole"
    )
    np.testing.assert_allclose(whole.gradient(Y, X[:, :2]), theirs.gradient(Y, X[:, :2]))
    with pytest.raises(ValueError, match="nothing weighs its samples"):
        whole(Y, X[:, :2], W)


def test_weights_of_time_steps() -> None:
    y, p = RNG.normal(size=(5, 3, 2)), RNG.normal(size=(5, 3, 2))
    w = RNG.uniform(size=(5, 3))
    assert Squares()(y, p, w) == pytest.approx(md.losses.MeanSquaredError()(y, p, w))
    np.testing.assert_allclose(
        Squares().gradient(y, p, w),  # type: ignore[call-arg]
        md.losses.MeanSquaredError().gradient(y, p, w),
    )


@pytest.mark.parametrize(
    ("loss", "error", "text"),
    [
        (
            lambda: md.losses.Custom(squares, lambda y, p: 2 * (p - y)),
            ValueError,
            r"Custom.gradient is not the derivative of the loss by y_pred: at \[0, 0\] it is .*an "
            "error of",
        ),
        (
            lambda: type("Half", (Squares,), {"gradient": lambda self, y, p: 2 * (p - y)})(),
            ValueError,
            "Half.gradient is not the derivative",
        ),
        (
            lambda: type("Old", (md.Loss,), {
                "__call__": lambda self, y, p, sample_weight=None: float(np.mean(p**2)),
                "gradient": lambda self, y, p, sample_weight=None: p / p.size,
            })(),
            ValueError,
            "Old.gradient is not the derivative",
        ),
        (
            lambda: type("Call", (md.Loss,), {"call": lambda self, y, p: squares(y, p)})(),
            TypeError,
            "Call writes call, and no gradient",
        ),
        (
            lambda: type("Own", (md.losses.MeanSquaredError,), {"call": lambda self, y, p: 0})(),
            TypeError,
            "Own.call would be ignored",
        ),
        (lambda: squares, TypeError, "it takes its derivative, too"),
        (lambda: (squares, 3), TypeError, "must be a name or a Loss|callable"),
    ],
    ids=["functions", "class", "old", "no gradient", "derived", "one function", "no function"],
)  # fmt: skip
def test_losses_that_are_wrong(loss: Any, error: Any, text: str) -> None:
    with pytest.raises(error, match=text):
        model_of(loss()).fit(X, Y, verbose=0)


def test_the_check_of_a_loss_can_be_switched_off_and_comes_once() -> None:
    calls: list[int] = []

    def counted(y_true: Any, y_pred: Any) -> Any:
        calls.append(len(y_pred))
        return squares(y_true, y_pred)

    loss = md.losses.Custom(counted, squares_prime)
    model = model_of(loss)
    model.fit(X, Y, batch_size=25, verbose=0)
    assert 3 in calls
    calls.clear()
    model.fit(X, Y, batch_size=25, verbose=0)
    assert set(calls) == {25}
    skew = md.losses.Custom(squares, lambda y, p: p - y + 1, checks_gradient=False)
    model_of(skew).fit(X, Y, verbose=0)


def test_files_keep_losses_by_their_names(tmp_path: Path) -> None:
    path = tmp_path / "own.safetensors"
    for loss, custom in (
        (Squares(2.0), {"Squares": Squares}),
        ((squares, squares_prime), {"squares": (squares, squares_prime)}),
    ):
        model = model_of(loss)
        model.fit(X, Y, verbose=0)
        model.save(path)
        with pytest.raises(ValueError, match="custom_objects"):
            md.load_model(path)
        loaded, copied = md.load_model(path, custom_objects=custom), copy.deepcopy(model)
        for one in (model, loaded, copied):
            one.fit(X, Y, verbose=0)
        close(loaded, model, 0)
        close(copied, model, 0)


# ---- metrics -------------------------------------------------------------------------------------


class Worst(md.Metric):
    def __init__(self, power: int = 1, name: str = "worst", **options: Any) -> None:
        super().__init__(name=name, **options)
        self.power = power
        self.largest = self.add_variable(shape=(), initializer="zeros", name="largest")
        self.samples = self.add_weight(name="samples")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        self.largest.assign(max(self.largest, np.abs(y_pred - y_true).max() ** self.power))
        self.samples.assign_add(len(y_true))

    def result(self) -> Any:
        return self.largest


def test_a_metric_with_variables_goes_on_from_batch_to_batch(tmp_path: Path) -> None:
    metric = Worst()
    metric.update_state(np.ones((1, 1)), np.full((1, 1), 3.0))
    assert metric(np.ones((1, 1)), np.full((1, 1), 2.0)) == 2.0
    assert [v.name for v in metric.variables] == ["largest", "samples"]
    assert float(metric.samples) == 2.0
    metric.reset_state()
    assert [float(v) for v in metric.variables] == [0.0, 0.0]
    model = model_of("mse", metrics=[Worst(2)])
    whole = model.evaluate(X, Y, verbose=0)[1]
    assert whole == pytest.approx(np.abs(model.predict(X) - Y).max() ** 2)
    batches = [(X[:30], Y[:30]), (X[30:], Y[30:])]
    assert model.evaluate(iter(batches), verbose=0)[1] == pytest.approx(whole)
    path = tmp_path / "own.safetensors"
    model.save(path)
    with pytest.warns(UserWarning, match="left out: worst"):
        assert md.load_model(path).metrics == []
    loaded = md.load_model(path, custom_objects={"Worst": Worst})
    assert loaded.evaluate(X, Y, verbose=0)[1] == pytest.approx(whole)
    assert loaded.metrics[0].power == 2  # type: ignore[attr-defined]


# ---- models --------------------------------------------------------------------------------------


class ByHand(md.Model):
    def train_step(self, data: Any) -> dict[str, float]:
        x, y = data
        y_pred = self(x, training=True)
        loss = self.compute_loss(y=y, y_pred=y_pred)
        self.backward(self.loss.gradient(y, y_pred))
        self.compiled_optimizer.step(self)
        return {"loss": loss, **self.compute_metrics(x, y, y_pred)}


def test_a_step_of_ones_own_trains_as_fit() -> None:
    ours, theirs = model_of("mse", ByHand, metrics=["mae"]), model_of("mse", metrics=["mae"])
    for model in (ours, theirs):
        model.fit(X, Y, batch_size=16, epochs=3, verbose=0)
    close(ours, theirs, 1e-12)
    assert ours.history.epoch == [0, 1, 2]
    assert sorted(ours.history.history) == ["loss", "mae"]
    assert ours.history.history["mae"] == pytest.approx(theirs.history.history["mae"])
    assert ours.evaluate(X, Y, verbose=0) == pytest.approx(theirs.evaluate(X, Y, verbose=0))
    step = ours.train_on_batch(X, Y, return_dict=True)
    assert step["loss"] == pytest.approx(theirs.train_on_batch(X, Y, return_dict=True)["loss"])


def test_what_fit_does_around_steps() -> None:
    class Watch(md.callbacks.Callback):
        def __init__(self) -> None:
            super().__init__()
            self.seen: list[str] = []

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.seen.append(f"batch {batch}")

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.seen.append(f"epoch {epoch} {sorted(logs)}")

    watch = Watch()
    model = model_of("mse", ByHand)
    history = model.fit(
        *(X, Y), batch_size=20, epochs=2, validation_split=0.2, callbacks=[watch], verbose=0
    )
    assert watch.seen[:3] == ["batch 0", "batch 1", "epoch 0 ['loss', 'val_loss']"]
    expected = model.evaluate(X[40:], Y[40:], verbose=0)
    assert history.history["val_loss"][-1] == pytest.approx(expected)
    model.fit(((X[i : i + 10], Y[i : i + 10]) for i in (0, 10)), verbose=0)
    stopped = model.fit(X, Y, epochs=50, stop_loss=1e9, verbose=0)
    assert stopped.stop_reason == "stop_loss" and len(stopped.epoch) == 1
    model.compiled_optimizer.learning_rate = 1e300
    before = model.get_weights()
    with pytest.raises(md.NonFiniteLossError):
        model.fit(X, Y, batch_size=10, verbose=0)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_callbacks_that_watch_work_around_steps(tmp_path: Path) -> None:
    model = model_of("mse", ByHand)
    stop = md.callbacks.EarlyStopping("loss", patience=2, min_delta=100.0)
    log = md.callbacks.CSVLogger(tmp_path / "log.csv")
    history = model.fit(X, Y, epochs=30, callbacks=[stop, log], verbose=0)
    assert len(history.epoch) == 3 and history.stop_reason == "patience"
    assert (tmp_path / "log.csv").read_text().startswith("epoch,loss")


def test_no_loss_no_targets_and_metrics_as_attributes() -> None:
    class Reconstructs(md.Model):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self.tracker = md.metrics.Mean(name="loss")

        def _step(self, x: Array, training: bool) -> dict[str, float]:
            y = self(x, training=training)
            self.tracker.update_state(((y - x) ** 2).mean())
            if training:
                self.backward(2 * (y - x) / x.size)
                self.compiled_optimizer.step(self)
            return {"loss": float(self.tracker.result())}

        def train_step(self, data: Any) -> dict[str, float]:
            return self._step(data[0], True)

        def test_step(self, data: Any) -> dict[str, float]:
            return self._step(data[0], False)

    model = Reconstructs([L.Dense(2), L.Dense(4)], input_shape=(4,), seed=0)
    model.compile("adam")
    losses = model.fit(X, epochs=20, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert model.evaluate(X, batch_size=50, verbose=0) == pytest.approx(
        ((model(X) - X) ** 2).mean(), rel=1e-5
    )
    assert model.evaluate(X, verbose=0, return_dict=True).keys() == {"loss"}


def test_super_does_what_the_core_does() -> None:
    class Counts(md.Model):
        steps = 0

        def train_step(self, data: Any) -> dict[str, float]:
            type(self).steps += 1
            return super().train_step(data)

        def test_step(self, data: Any) -> dict[str, float]:
            return {"twice": 2 * super().test_step(data)["loss"]}

    ours, theirs = model_of("mse", Counts), model_of("mse")
    for model in (ours, theirs):
        model.fit(X, Y, batch_size=10, verbose=0)
    close(ours, theirs, 0)
    assert Counts.steps == 5
    twice = ours.evaluate(X, Y, batch_size=50, verbose=0)
    assert twice == pytest.approx(2 * theirs.evaluate(X, Y, verbose=0))


class Subclassed(md.Model):
    """As Keras's subclassed models are."""

    def __init__(self) -> None:
        super().__init__(seed=1)
        self.hidden = L.Dense(8, "relu")
        self.drop = L.Dropout(0.3)
        self.head = L.Dense(2)

    def call(self, inputs: Any, training: Any = None) -> Any:
        hidden = self.drop(self.hidden(inputs), training=training)
        return self.head(L.Concatenate()([hidden, inputs]))


def test_a_model_whose_class_writes_call() -> None:
    model = Subclassed()
    assert not model.built
    model.compile("adam", "mse")
    first = model.fit(X, Y, epochs=20, verbose=0).history["loss"]
    assert first[-1] < first[0]
    assert list(model.parameters) == [
        "dense/kernel",
        "dense/bias",
        "dense_1/kernel",
        "dense_1/bias",
    ]
    assert model.hidden.kernel.shape == (4, 8)  # type: ignore[attr-defined]
    x = md.Input((4,))
    graph = md.Model(x, model.call(x), seed=0)
    np.testing.assert_array_equal(graph.predict(X), model.predict(X))
    built = Subclassed()
    built.build((None, 4))
    assert built.output_shape == (2,) and len(built.layers) == 4
    built.summary(print_fn=lambda line: None)


def test_a_model_whose_class_writes_call_on_several_inputs() -> None:
    class Two(md.Model):
        def __init__(self) -> None:
            super().__init__(seed=1)
            self.head = L.Dense(2)

        def call(self, inputs: Any) -> Any:
            return self.head(L.Concatenate()([inputs["a"], inputs["b"]]))

    model = Two()
    model.compile("sgd", "mse")
    model.fit({"a": X, "b": X}, Y, verbose=0)
    assert model.predict({"a": X, "b": X}).shape == (50, 2)


class TwoHeads(md.Model):
    def __init__(self, **options: Any) -> None:
        super().__init__(seed=3, **options)
        self.near, self.far = L.Dense(2, name="near"), L.Dense(2, name="far")

    def call(self, inputs: Any) -> Any:
        return [self.near(inputs), self.far(inputs)]


@pytest.mark.parametrize(
    "asked",
    [
        {"loss": ["mse", "mae"], "loss_weights": [1, 0.5]},
        {"loss": "mse", "loss_weights": [1, 0.5]},
        {"loss": "mse", "metrics": [["mae"], None]},
        {"loss": {"near": "mse", "far": "mae"}, "metrics": {"far": ["mse"]}},
        {"loss": "mse"},
    ],
)
def test_outputs_that_call_tells_of_have_losses_of_their_own(asked: dict[str, Any]) -> None:
    written, told = TwoHeads(), TwoHeads()
    told.build((None, 4))
    for model in (written, told):
        model.compile("sgd", **copy.deepcopy(asked))
    first, second = (model.fit(X, [Y, -Y], epochs=2, verbose=0) for model in (written, told))
    assert first.history == second.history and len(first.history) >= 3
    assert written.metrics_names == told.metrics_names
    assert [repr(one) for one in written.metrics] == [repr(one) for one in told.metrics]


def test_losses_for_other_outputs_than_call_makes() -> None:
    model = TwoHeads()
    model.compile("sgd", ["mse", "mae", "mse"])
    with pytest.raises(ValueError, match=r"loss must hold one entry for each of the 2 outputs"):
        model.fit(X, [Y, Y], verbose=0)
    with pytest.raises(RuntimeError, match="call compile"):
        model.fit(X, [Y, Y], verbose=0)
    model.compile("sgd", ["mse", "mae"])
    assert len(model.fit(X, [Y, Y], verbose=0).history) == 3
    alone = Subclassed()
    alone.compile("sgd", {"other": "mse"})
    with pytest.raises(ValueError, match=r"loss names 'other'"):
        alone.fit(X, Y, verbose=0)


def numpy_call(self: Any, x: Any) -> Any:
    return np.tanh(x)


@pytest.mark.parametrize(
    ("work", "error", "text"),
    [
        (
            lambda: type("M", (md.Model,), {"predict_step": lambda self, data: 0})(
                [L.Dense(1)]
            ).compile("sgd", "mse"),
            TypeError,
            "M.predict_step would be ignored",
        ),
        (
            lambda: type("M", (md.Model,), {"compute_loss": lambda self, **k: 0})(
                [L.Dense(1)]
            ).compile("sgd", "mse"),
            TypeError,
            "M.compute_loss would be ignored",
        ),
        (lambda: type("M", (md.Model,), {"call": numpy_call})().predict(X), TypeError, "np.tanh"),
        (
            lambda: type("M", (md.Model,), {"call": lambda self, x: 3})().predict(X),
            TypeError,
            "must return symbolic values",
        ),
        (
            lambda: type("M", (md.Model,), {"call": lambda self, x: x})([L.Dense(1)]).predict(X),
            TypeError,
            "M.call would be ignored",
        ),
        (
            lambda: model_of("mse", ByHand).fit(X, Y, class_weight={0: 1}, verbose=0),
            ValueError,
            "class_weight must be None where a class writes train_step",
        ),
        (
            lambda: model_of(
                "mse", type("M", (md.Model,), {"train_step": lambda self, data: 3})
            ).fit(X, Y, verbose=0),
            TypeError,
            "M.train_step must return a dict",
        ),
        (
            lambda: model_of("mse", ByHand).find_learning_rate(X, Y),
            NotImplementedError,
            "writes train_step, which find_learning_rate",
        ),
        (
            lambda: md.fit_many([model_of("mse", ByHand)], X, Y, verbose=0),
            Exception,
            "writes train_step",
        ),
    ],
    ids=[
        "predict_step",
        "compute_loss",
        "numpy",
        "no graph",
        "layers",
        "weights",
        "dict",
        "rates",
        "many",
    ],
)
def test_what_is_refused(work: Any, error: Any, text: str) -> None:
    with pytest.raises(error, match=text):
        work()


def test_copies_of_models_with_steps_say_that_they_lack_them() -> None:
    model = model_of("mse", ByHand)
    model.fit(X, Y, verbose=0)
    with pytest.warns(UserWarning, match="ByHand writes train_step.*a file or a copy"):
        copied = copy.deepcopy(model)
    assert type(copied) is md.Model
    np.testing.assert_array_equal(copied.predict(X), model.predict(X))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        copy.deepcopy(model_of("mse"))
