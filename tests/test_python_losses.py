"""Losses written in Python, inside fit, evaluate and train_on_batch, and in files."""

from __future__ import annotations

import copy
import pickle
import threading
from pathlib import Path
from typing import Any

import mundur as md
import numpy as np
import numpy.typing as npt
import pytest
from mundur import losses

Array = npt.NDArray[Any]


class Squares(md.Loss):
    """MeanSquaredError, and what it was asked."""

    checks_gradient = False  # which asks, too

    def __init__(self, factor: float = 1.0) -> None:
        self.factor = factor
        self._seen: list[tuple[Array, Array, Array | None, threading.Thread]] = []

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
        self._seen.append((y_true, y_pred, sample_weight, threading.current_thread()))
        w = np.ones(len(y_true)) if sample_weight is None else sample_weight
        each: Array = ((y_pred - y_true) ** 2).mean(axis=1)
        return float(self.factor * np.dot(w, each) / w.sum())

    def gradient(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Array:
        w = np.ones(len(y_true)) if sample_weight is None else sample_weight
        slope: Array = self.factor * 2 * (y_pred - y_true) * w[:, None] / w.sum()
        return slope / y_pred.shape[1]


def data(n: int = 50) -> tuple[Array, Array]:
    rng = np.random.default_rng(1)
    return rng.normal(size=(n, 4)), rng.normal(size=(n, 3))


def model_of(loss: Any, optimizer: Any = "adam", **options: Any) -> md.Model:
    layers = [md.layers.Dense(8, "tanh"), md.layers.Dropout(0.2), md.layers.Dense(3)]
    model = md.Model(layers, input_shape=(4,), seed=2, dtype="float64")
    model.compile(optimizer, loss, **options)
    return model


def weights_of(model: md.Model) -> list[bytes]:
    return [w.tobytes() for w in model.get_weights()]


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
def test_a_python_loss_trains_as_the_native_one(weighted: bool) -> None:
    x, y = data()
    w = np.linspace(0.5, 2, 50) if weighted else None
    histories, models = [], []
    for loss in ("mse", Squares()):
        model = model_of(loss, metrics=["accuracy"])
        history = model.fit(
            x, y, sample_weight=w, batch_size=16, epochs=4, validation_split=0.2, verbose=0
        )
        histories.append(history.history)
        models.append(model)
    for name, values in histories[0].items():
        assert histories[1][name] == pytest.approx(values, rel=1e-12), name
    for ours, theirs in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_allclose(theirs, ours, rtol=1e-9, atol=1e-12)
    assert models[1].evaluate(x, y, verbose=0) == pytest.approx(models[0].evaluate(x, y, verbose=0))
    assert models[1].train_on_batch(x, y) == pytest.approx(models[0].train_on_batch(x, y))


def test_what_a_python_loss_gets() -> None:
    x = np.arange(10.0).reshape(10, 1)
    y = np.arange(60).reshape(10, 3, 2)  # any shape
    seen: list[Any] = []

    class Looks(md.Loss):
        checks_gradient = False

        def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
            seen.append((y_true, y_pred, sample_weight, threading.current_thread()))
            return float(np.mean(y_pred))

        def gradient(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Array:
            return np.ones_like(y_pred) / y_pred.size

    model = md.Model([md.layers.Dense(2, kernel_initializer="ones")], input_shape=(1,), seed=0)
    model.compile(md.optimizers.SGD(0.0), Looks())
    model.fit(x, y, sample_weight=np.arange(10) + 1, batch_size=4, verbose=0)
    assert [len(batch[0]) for batch in seen] == [4, 4, 2]
    for y_true, y_pred, weight, thread in seen:
        rows = y_pred[:, 0]
        assert y_pred.dtype == np.float32
        np.testing.assert_array_equal(y_true, y[rows.astype(int)])
        np.testing.assert_array_equal(weight, rows + 1)
        assert y_true.dtype == y.dtype
        assert thread is threading.current_thread()
    assert sorted(np.concatenate([batch[1][:, 0] for batch in seen])) == list(range(10))
    model.evaluate(x, y, verbose=0)
    assert seen[-1][2] is None


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("where", ["__call__", "gradient"])
def test_an_exception_leaves_the_last_whole_step(where: str, threads: int) -> None:
    md.set_num_threads(threads)
    x, y = data()

    class Stops(Squares):
        left = 100

        def _count(self) -> None:
            self.left -= 1
            if self.left < 0:
                raise KeyError("enough")

    def counted(self: Any, *args: Any, **kwargs: Any) -> Any:
        self._count()
        return getattr(Squares, where)(self, *args, **kwargs)

    setattr(Stops, where, counted)
    loss = Stops()
    stopped, whole = model_of(loss), model_of(Squares())
    loss.left = 6
    with pytest.raises(KeyError, match="enough"):
        stopped.fit(x, y, batch_size=10, epochs=2, shuffle=False, verbose=0)
    whole.fit(x, y, batch_size=10, shuffle=False, verbose=0)
    whole.train_on_batch(x[:10], y[:10])
    assert weights_of(stopped) == weights_of(whole)
    assert stopped.optimizer is not None
    assert whole.optimizer is not None
    assert stopped.optimizer.iterations == whole.optimizer.iterations == 6
    loss.left = 100
    stopped.train_on_batch(x[10:20], y[10:20])
    whole.train_on_batch(x[10:20], y[10:20])
    assert weights_of(stopped) == weights_of(whole)


def test_a_loss_that_is_not_finite() -> None:
    x, y = data()

    class Explodes(Squares):
        left = 8

        def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
            self.left -= 1
            return float("nan") if self.left < 0 else super().__call__(y_true, y_pred)

    model, whole = model_of(Explodes()), model_of(Squares())
    with pytest.raises(md.NonFiniteLossError, match="epoch 2, step 4") as caught:
        model.fit(x, y, batch_size=10, epochs=2, verbose=0)
    assert (caught.value.epoch, caught.value.step) == (1, 3)
    whole.fit(x, y, batch_size=10, verbose=0)
    assert weights_of(model) == weights_of(whole)
    assert model.epochs_begun == whole.epochs_begun == 1


@pytest.mark.parametrize(
    ("value", "slope", "error", "words"),
    [
        (np.ones(3), None, TypeError, r"must return one number for the batch; got an array of sha"),
        ("1", None, TypeError, "must return one number for the batch; got '1'"),
        (None, None, TypeError, "must return one number for the batch; got None"),
        (1.0, np.ones((5, 2)), ValueError, r"of y_pred's shape \(5, 3\); got \(5, 2\)"),
        (1.0, 1.0, ValueError, r"of y_pred's shape \(5, 3\); got \(\)"),
        (1.0, np.full((5, 3), np.inf), ValueError, "must be finite where the loss is; got inf at"),
        (1.0, np.full((5, 3), "a"), TypeError, "gradient must return real numbers"),
    ],
)
def test_wrong_answers(value: Any, slope: Any, error: type[Exception], words: str) -> None:
    class Wrong(md.Loss):
        def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
            return value

        def gradient(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
            return slope

    x, y = data(5)
    model = model_of(Wrong())
    before = weights_of(model)
    with pytest.raises(error, match=f"Wrong.*{words}"):
        model.fit(x, y, verbose=0)
    assert weights_of(model) == before


def test_a_loss_cannot_use_the_model_that_asks_it() -> None:
    x, y = data(5)
    other = model_of("mse")

    class Asks(Squares):
        def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
            other.predict(x)  # another model's will do
            model.predict(x)
            return 0.0

    model = model_of(Asks())
    for work in (model.fit, model.evaluate):
        with pytest.raises(RuntimeError, match="a function that a model calls, such as a loss"):
            work(x, y, verbose=0)
    model.predict(x)


def test_a_loss_without_a_gradient_only_evaluates() -> None:
    class Half(md.Loss):
        def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
            return 0.5

    x, y = data(5)
    model = model_of(Half())
    assert model.evaluate(x, y, verbose=0) == 0.5
    with pytest.raises(NotImplementedError, match=r"Half\.gradient is not written"):
        model.fit(x, y, verbose=0)


def test_a_native_loss_computed_anew() -> None:
    """What a subclass of a native loss overrides is not passed over."""

    class Doubled(losses.MeanSquaredError):
        def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
            return 2 * super().__call__(y_true, y_pred, sample_weight)

        def gradient(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Array:
            return 2 * super().gradient(y_true, y_pred, sample_weight)

    x, y = data(20)
    plain, doubled = (model_of(loss, md.optimizers.SGD(0.1)) for loss in ("mse", Doubled()))
    assert doubled.evaluate(x, y, verbose=0) == 2 * plain.evaluate(x, y, verbose=0)
    plain.compile(md.optimizers.SGD(0.2), "mse")
    assert doubled.train_on_batch(x, y) == pytest.approx(2 * plain.train_on_batch(x, y))
    for ours, theirs in zip(plain.get_weights(), doubled.get_weights(), strict=True):
        np.testing.assert_allclose(theirs, ours, rtol=1e-12)


def test_weights_that_sum_to_zero_are_not_asked_for() -> None:
    x, y = data(20)
    loss = Squares()
    model = model_of(loss, md.optimizers.SGD(0.1))
    before = weights_of(model)
    model.fit(x, y, sample_weight=np.zeros(20), batch_size=5, verbose=0)
    assert weights_of(model) == before
    assert loss._seen == []


def test_metrics_beside_a_python_loss() -> None:
    class Logits(md.Loss):
        def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
            return float(native(y_true, y_pred))

        def gradient(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Array:
            return native.gradient(y_true, y_pred)

    native = losses.SparseCategoricalCrossentropy(from_logits=True)
    x, y = data()
    labels = y.argmax(axis=1)
    results = []
    for loss in (native, Logits()):
        model = model_of(loss, metrics=["accuracy"])
        model.fit(x, labels, epochs=3, verbose=0)
        results.append(model.evaluate(x, labels, verbose=0))
    assert results[1] == pytest.approx(results[0])
    with pytest.raises(ValueError, match="metrics compare targets with outputs of shape"):
        model_of(Squares(), metrics=["accuracy"]).fit(x, np.ones((50, 3, 2)), verbose=0)


def test_metrics_over_a_whole_set_beside_a_python_loss() -> None:
    x, y = data()
    results = []
    for loss in ("mse", Squares()):
        model = model_of(loss, metrics=["r2", "mae"])
        model.fit(x, y, batch_size=16, epochs=2, verbose=0)
        results.append(model.evaluate(x, y, verbose=0))
    assert results[1] == pytest.approx(results[0])


def test_an_exception_leaves_the_layers_state() -> None:
    class Raises(Squares):
        def gradient(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Array:
            raise KeyError("enough")

    layers = [md.layers.BatchNormalization(), md.layers.Dense(3)]
    model = md.Model(layers, input_shape=(4,), seed=0)
    model.compile("sgd", Raises())
    before = {name: value.copy() for name, value in model.state.items()}
    assert before
    with pytest.raises(KeyError, match="enough"):
        model.train_on_batch(*data())
    for name, value in model.state.items():
        np.testing.assert_array_equal(value, before[name])


def test_a_loss_may_look_at_the_optimizer() -> None:
    class Looks(Squares):
        def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
            model.optimizer._native.state()
            model.optimizer.learning_rate = 0.001
            return super().__call__(y_true, y_pred)

    x, y = data(20)
    model: Any = model_of(Looks())
    model.fit(x, y, verbose=0)
    assert model.optimizer.learning_rate == 0.001


def test_files_name_a_python_loss(tmp_path: Path) -> None:
    x, y = data()
    path = tmp_path / "model.safetensors"
    model = model_of(Squares(factor=0.5))
    model.fit(x, y, verbose=0)
    model.save(path)
    with pytest.raises(ValueError, match=r'the loss Squares .* custom_objects=\{"Squares": Sq'):
        md.load_model(path)
    assert md.load_model(path, compile=False).loss is None
    with pytest.raises(ValueError, match="must be a subclass of Loss; got 3"):
        md.load_model(path, custom_objects={"Squares": 3})
    loaded = md.load_model(path, custom_objects={"Squares": Squares})
    assert isinstance(loaded.loss, Squares)
    assert loaded.loss.factor == 0.5
    for other in (loaded, pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert type(other.loss) is Squares
    model.fit(x, y, verbose=0)
    loaded.fit(x, y, verbose=0)
    assert weights_of(loaded) == weights_of(model)


def test_a_name_of_ours_is_not_taken_for_ours(tmp_path: Path) -> None:
    own = type("MeanAbsoluteError", (Squares,), {})
    model = model_of(own())
    model.save(tmp_path / "m")
    with pytest.raises(ValueError, match="the loss MeanAbsoluteError is a class of its author's"):
        md.load_model(tmp_path / "m")


def test_arguments_kept_elsewhere(tmp_path: Path) -> None:
    class Hides(Squares):
        def __init__(self, power: int) -> None:
            super().__init__()
            self._power = power

    with pytest.raises(ValueError, match="Hides must keep its constructor's arguments as attrib"):
        model_of(Hides(3)).save(tmp_path / "m")
