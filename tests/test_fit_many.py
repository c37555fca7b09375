"""Many models side by side: each as if alone, on shared arrays, and whole whatever happens."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from typing import Any

import mundur as md
import numpy as np
import numpy.typing as npt
import pytest
from mundur import _core
from mundur.errors import FitManyError

from cells import mostly_slow

Array = npt.NDArray[Any]
L = md.layers
pytestmark = pytest.mark.usefixtures("two_threads")


def data(samples: int = 200, seed: int = 0) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(samples, 6)).astype(np.float32)
    return x, (x[:, 0] * x[:, 1] > 0).astype(np.int64)


def made(seed: int, width: int = 8, loss: str = "sparse_categorical_crossentropy") -> md.Model:
    model = md.Model([L.Dense(width, "tanh"), L.Dropout(0.1), L.Dense(3, "softmax")], seed=seed)
    model.compile(md.optimizers.Adam(0.01), loss, metrics=["accuracy"])
    return model


def weights(model: md.Model) -> list[bytes]:
    return [w.tobytes() for w in model.get_weights()]


SETTINGS: list[dict[str, Any]] = [
    {},
    {"batch_size": 16, "epochs": 5},
    {"shuffle": False, "validation_split": 0.25},
    {"validation_data": data(50, 1), "callbacks": [md.callbacks.EarlyStopping(patience=1)]},
    {"batch_size": "full", "class_weight": {0: 2.0, 1: 0.5}},
    {"sample_weight": np.linspace(0, 1, 200)},
]


@pytest.mark.parametrize("workers", [None, 1])
def test_each_has_the_bits_that_it_has_alone(workers: int | None) -> None:
    x, y = data()
    models = [made(i, 8 + i) for i in range(len(SETTINGS))]
    alone = [made(i, 8 + i) for i in range(len(SETTINGS))]
    found = md.fit_many(
        models, x, y, each=SETTINGS, epochs=3, workers=workers, verbose=0, callbacks=[]
    )
    for one, model, history, own in zip(alone, models, found, SETTINGS, strict=True):
        expected = one.fit(x, y, **{"epochs": 3, "verbose": 0} | own)
        assert expected.history == history.history == model.history.history
        assert expected.stop_reason == history.stop_reason
        assert weights(one) == weights(model)


@pytest.mark.parametrize("metrics", [["accuracy"], ["accuracy", "AUC"]])
@pytest.mark.parametrize("shuffle", [True, False, "block"])
@pytest.mark.parametrize("weighted", [False, True])
def test_rows_are_as_a_copy_of_them(shuffle: Any, weighted: bool, metrics: list[str]) -> None:
    x, y = data()
    rng = np.random.default_rng(2)
    order = rng.permutation(len(x))
    train, test = order[:130], order[130:170]
    x[order[170:]] = np.nan  # nobody looks there
    w = rng.uniform(size=len(x)) if weighted else None

    def model() -> md.Model:
        made = md.Model([L.Dense(8, "tanh"), L.Dense(1, "sigmoid")], seed=1)
        made.compile("adam", "binary_crossentropy", metrics=metrics)
        return made

    by_rows, by_copies = model(), model()
    how: dict[str, Any] = {"epochs": 3, "batch_size": 16, "verbose": 0, "shuffle": shuffle}
    [history] = md.fit_many(
        [by_rows], x, y, each=[{"rows": train, "validation_rows": test}], sample_weight=w, **how
    )
    given = (x[test], y[test]) if w is None else (x[test], y[test], w[test])
    own = None if w is None else w[train]
    expected = by_copies.fit(x[train], y[train], sample_weight=own, validation_data=given, **how)
    assert history.history == expected.history
    assert weights(by_rows) == weights(by_copies)


@pytest.mark.parametrize("loss", ["mse", "python"])
def test_rows_of_other_losses_and_of_batches_changed_in_python(loss: str) -> None:
    class Squares(md.Loss):
        def __call__(self, y_true: Array, y_pred: Array, sample_weight: Any = None) -> float:
            return float(np.mean((y_pred - y_true) ** 2))

        def gradient(self, y_true: Array, y_pred: Array, sample_weight: Any = None) -> Array:
            return 2 * (y_pred - y_true) / y_pred.size

    x, _ = data()
    y = np.sin(x[:, :2])
    rows = np.arange(0, 200, 3)

    def model() -> md.Model:
        made = md.Model([L.Dense(8, "tanh"), L.Dense(2)], seed=1)
        made.compile("adam", Squares() if loss == "python" else loss)
        return made

    in_python = [] if loss == "python" else [lambda batch, rng: batch + 0.5]
    for augment in (None, md.augment.Noise(0.1), *in_python):
        by_rows, by_copies = model(), model()
        how: dict[str, Any] = {"epochs": 2, "batch_size": 16, "verbose": 0, "augment": augment}
        md.fit_many([by_rows], x, y, each=[{"rows": rows}], **how)
        by_copies.fit(x[rows], y[rows], **how)
        assert weights(by_rows) == weights(by_copies)


def test_rows_may_come_more_than_once() -> None:
    x, y = data()
    bag = np.random.default_rng(0).integers(0, len(x), len(x))

    def model() -> md.Model:
        made = md.Model([L.Dense(8, "tanh"), L.Dense(1, "sigmoid")], seed=1)
        made.compile("adam", "binary_crossentropy", metrics=["accuracy", "AUC"])
        return made

    by_rows, by_copies = model(), model()
    how: dict[str, Any] = {"epochs": 3, "batch_size": 16, "verbose": 0}
    each = [{"rows": bag, "validation_rows": bag[:50]}]
    [history] = md.fit_many([by_rows], x, y, each=each, **how)
    expected = by_copies.fit(x[bag], y[bag], validation_data=(x[bag[:50]], y[bag[:50]]), **how)
    assert history.history == expected.history
    assert weights(by_rows) == weights(by_copies)


def test_an_error_counts_among_the_rows() -> None:
    x, y = data()
    x[[50, 120]] = np.nan
    for each, words in (
        ({"rows": np.arange(40, 90)}, r"x\[rows\] must be finite; got nan at sample 10"),
        (
            {"rows": np.arange(40), "validation_rows": np.arange(100, 150)},
            r"validation x\[rows\] must be finite; got nan at sample 20",
        ),
    ):
        with pytest.raises(FitManyError, match=words):
            md.fit_many([made(0)], x, y, each=[each], verbose=0)


def test_rows_may_be_a_mask() -> None:
    x, y = data()
    first, second = made(0), made(0)
    some = np.arange(len(x)) % 3 > 0
    each = [{"rows": some}, {"rows": np.flatnonzero(some)}]
    md.fit_many([first, second], x, y, each=each, verbose=0)
    assert weights(first) == weights(second)


def test_a_model_that_fails_leaves_the_others() -> None:
    x, y = data()
    models = [made(i) for i in range(4)]
    each = [{}, {"rows": np.array([0])}, {"sample_weight": np.ones(3)}, {}]
    with pytest.raises(FitManyError, match=r"models\[2\] \('model'\): ValueError: sample_weight"):
        md.fit_many(models, x, y, each=each, epochs=2, verbose=0)
    assert [model.history and len(model.history.history["loss"]) for model in models] == [
        *(2, 2),
        None,
        2,
    ]
    with pytest.raises(FitManyError) as raised:
        md.fit_many([made(0), made(1)], x, y + 7, verbose=0)
    assert set(raised.value.errors) == {0, 1}
    assert "models 1 failed as well" in str(raised.value)
    again = pickle.loads(pickle.dumps(raised.value))
    assert str(again) == str(raised.value)


def test_bad_arguments_are_named() -> None:
    x, y = data()
    twice = made(0)
    optimizer = md.optimizers.Adam()
    sharing = [made(0), made(1)]
    for model in sharing:
        model.compile(optimizer, "mse")
    for models, arguments, words in (
        ([twice, twice], {}, r"models\[1\] and models\[0\] are the same"),
        (sharing, {}, r"optimizers must be 2 .*models\[1\] and models\[0\] have the same"),
        ([1], {}, r"models\[0\] must be a Model; got int"),
        (made(0), {}, "models must be a list"),
        ([made(0)], {"epoch": 3}, "no argument 'epoch'; did you mean 'epochs'"),
        ([made(0)], {"each": [{}, {}]}, "each must have an entry for each of 1 models; got 2"),
        ([made(0)], {"each": [3]}, r"each\[0\] must be a dict"),
        ([made(0)], {"each": [{"rows": [0, 200]}]}, "rows must be indices from 0 to 199"),
        ([made(0)], {"each": [{"rows": []}]}, "rows must be indices"),
        ([made(0)], {"each": [{"rows": [0.5]}]}, "rows must be indices"),
        ([made(0)], {"each": [{"validation_rows": [[1]]}]}, "validation_rows must be indices"),
        *(
            (
                [made(1), made(0)],
                {"each": [{}, {"validation_rows": [0]}], f"validation_{name}": given},
                rf"validation_rows .* beside validation_{name}; models\[1\] has both",
            )
            for name, given in (("split", 0.3), ("data", (x, y)))
        ),
        ([made(0)], {"workers": 0}, "workers must be >= 1; got 0"),
        ([made(0)], {"epochs": 0}, "epochs must be >= 1; got 0"),
        ([made(0)], {"callbacks": [threading.Lock()]}, "callbacks must be such as can be copied"),
    ):
        with pytest.raises((TypeError, ValueError), match=words):
            md.fit_many(models, x, y, verbose=0, **arguments)  # type: ignore[arg-type]


def test_targets_are_checked_before_any_model_trains() -> None:
    x, y = data()
    model = made(0)
    for targets, words in (
        (y[:150], "x and y must have the same number of samples; x has 200, y has 150"),
        (y.astype(str), "y must hold real numbers"),
    ):
        with pytest.raises((TypeError, ValueError), match=words):
            md.fit_many([model], x, targets, verbose=0)
    assert model.history is None


class Counting(md.Metric):
    """One that keeps what it has seen."""

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        self.count = len(y_pred)

    def result(self) -> float:
        return float(self.count)


def test_metrics_that_keep_state_are_each_models_own() -> None:
    x, _ = data()
    counting, error = Counting(), md.metrics.MeanAbsoluteError()
    models = [md.Model([L.Dense(1)], seed=i) for i in range(2)]
    for metrics in ([[error, counting], [error, Counting()]], [[counting], [counting]]):
        for model, own in zip(models, metrics, strict=True):
            model.compile("sgd", "mse", metrics=own)
        if metrics[1] == [counting]:
            with pytest.raises(ValueError, match=r"metrics must be 2 .* have the same"):
                md.fit_many(models, x, x[:, 0], verbose=0)
        else:
            [history, _] = md.fit_many(models, x, x[:, 0], verbose=0)
            assert history.history["counting"] == [200.0]


def test_a_model_that_is_interrupted_interrupts_all() -> None:
    begun = threading.Event()

    class Begins(md.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            begun.set()

    class Interrupts(md.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            assert begun.wait(10)
            raise KeyboardInterrupt

    models = [made(i) for i in range(3)]
    each = [{"callbacks": [Interrupts()]}, {"callbacks": [Begins()]}, {}]
    with pytest.raises(KeyboardInterrupt):
        md.fit_many(models, *data(), each=each, epochs=10**6, verbose=0)
    assert [m.history and m.history.stop_reason for m in models] == [*["interrupted"] * 2, None]


def test_no_models_are_no_work() -> None:
    assert md.fit_many([], *data(), verbose=0) == []


def test_callbacks_are_each_models_own() -> None:
    x, y = data()
    models = [made(i) for i in range(3)]
    watching = md.callbacks.EarlyStopping("loss", patience=0, min_delta=10.0)
    found = md.fit_many(models, x, y, epochs=9, callbacks=[watching], verbose=0)
    assert [history.stop_reason for history in found] == ["patience"] * 3
    assert getattr(watching, "model", None) is None


def test_callbacks_of_each_are_the_callers() -> None:
    x, y = data()
    watching = [md.callbacks.EarlyStopping("loss", patience=0, min_delta=10.0) for _ in range(2)]
    each = [{"callbacks": [callback]} for callback in watching]
    models = [made(0), made(1)]
    md.fit_many(models, x, y, each=each, epochs=9, verbose=0)
    assert [callback.model for callback in watching] == models
    assert [callback.stopped_epoch for callback in watching] == [1, 1]
    with pytest.raises(ValueError, match=r"each\[1\]\['callbacks'\] has the same EarlyStopping"):
        md.fit_many([made(0), made(1)], x, y, each=[each[0], each[0]], verbose=0)


def test_one_inside_another_takes_one_thread() -> None:
    seen = []

    class Within(md.Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            seen.append(_core.num_threads())
            inner = made(7)
            md.fit_many([inner], *data(), verbose=0)

    md.fit_many([made(0), made(1)], *data(), callbacks=[Within()], verbose=0)
    assert seen == [1, 1]
    assert _core.num_threads() == 2


def test_a_log_gets_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    md.fit_many([made(0), made(1)], *data(), epochs=2, verbose=2)
    out = capsys.readouterr().out
    assert out.startswith("Models: 2 of 2 - ")
    assert out.count("\n") == 1


INTERRUPTED = """
import os, signal, threading, time
import mundur as md, numpy as np
signal.signal(signal.SIGINT, signal.default_int_handler)
x = np.random.default_rng(0).normal(size=(2000, 6)).astype("f")
models = [md.Model([md.layers.Dense(64), md.layers.Dense(1)], seed=i) for i in range(5)]
for model in models:
    model.compile("adam", "mse")
threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT)).start()
begin = time.perf_counter()
try:
    md.fit_many(models, x, x[:, :1], epochs=10**6, verbose=0, callbacks=CALLBACKS)
except KeyboardInterrupt:
    print([model.history and model.history.stop_reason for model in models])
    print(time.perf_counter() - begin < 10)
    models[0].fit(x, x[:, :1], verbose=0)
    print(bool(np.isfinite(models[0].predict(x[:5], verbose=0)).all()))
"""


@pytest.mark.parametrize(
    "callbacks",
    mostly_slow(["None", "[md.callbacks.EarlyStopping('loss', patience=9**9)]"], ["None"]),
)
def test_ctrl_c_leaves_all_of_them_whole(callbacks: str) -> None:
    code = INTERRUPTED.replace("CALLBACKS", callbacks)
    environment = os.environ | {"MUNDUR_NUM_THREADS": "2"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env=environment,
    )
    first, *rest = done.stdout.splitlines()
    assert first == "['interrupted', 'interrupted', None, None, None]", done.stderr
    assert rest == ["True", "True"]


def two_by_two(seed: int, width: int) -> md.Model:
    """Two inputs, one of them ids, and two outputs."""
    a, ids = md.Input((6,), name="a"), md.Input((2,), name="ids", dtype="int32")
    words = L.Flatten()(L.Embedding(5, 3)(ids))
    both = L.Concatenate()([L.Dense(width, "tanh")(a), words])
    outputs = {"size": L.Dense(1)(both), "kind": L.Dense(3, "softmax")(both)}
    model = md.Model([a, ids], outputs, seed=seed)
    losses = {"size": "mse", "kind": "sparse_categorical_crossentropy"}
    metrics = {"size": ["mae"], "kind": ["accuracy", md.metrics.F1Score(average="macro")]}
    model.compile(md.optimizers.Adam(0.01), losses, metrics=metrics)
    return model


@pytest.mark.parametrize("by_name", [False, True])
def test_models_with_several_inputs_and_outputs(by_name: bool) -> None:
    x, y = data()
    rng = np.random.default_rng(5)
    ids = rng.integers(0, 5, size=(200, 2))
    inputs: Any = {"ids": ids, "a": x} if by_name else [x, ids]
    targets = {"size": x.sum(axis=1), "kind": y}
    order = rng.permutation(200)
    folds = [(order[:150], order[150:]), (order[50:], order[:50]), (order[:120], order[120:])]
    each = [{"rows": train, "validation_rows": test} for train, test in folds]
    models = [two_by_two(i, 4 + i) for i in range(3)]
    found = md.fit_many(models, inputs, targets, each=each, epochs=2, verbose=0)

    def of(part: Any, rows: Any) -> Any:
        if isinstance(part, dict):
            return {name: array[rows] for name, array in part.items()}
        return [array[rows] for array in part]

    for i, (train, test) in enumerate(folds):
        alone = two_by_two(i, 4 + i)
        held_out = (of(inputs, test), of(targets, test))
        expected = alone.fit(
            of(inputs, train), of(targets, train), validation_data=held_out, epochs=2, verbose=0
        )
        assert expected.history == found[i].history
        assert {"size_mae", "val_kind_f1_score", "kind_loss"} <= set(found[i].history)
        assert weights(alone) == weights(models[i])


def test_what_several_inputs_lack_is_named() -> None:
    x, y = data()
    models = [two_by_two(i, 4) for i in range(2)]
    ids = np.zeros((200, 2), int)
    with pytest.raises(ValueError, match="x must hold one array for each of the model's 2 inputs"):
        md.fit_many(models, x, {"size": x[:, 0], "kind": y}, verbose=0)
    with pytest.raises(ValueError, match="y lacks 'kind'"):
        md.fit_many(models, [x, ids], {"size": x[:, 0]}, verbose=0)
    with pytest.raises(ValueError, match=r"as many samples; x\['a'\] has 200, x\['ids'\] has 9"):
        md.fit_many(models, [x, ids[:9]], {"size": x[:, 0], "kind": y}, verbose=0)
    with pytest.raises(TypeError, match="y must be arrays; got None"):
        md.fit_many(models, [x, ids], None, verbose=0)
