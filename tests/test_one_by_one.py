"""Batches that come one by one: metrics and losses over them, steps, sets by number."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import mundur as md
import numpy as np
import pytest

L, M = md.layers, md.metrics
N, C = 53, 4


def batches(*parts: Any, size: int = 8) -> Iterator[tuple[Any, ...]]:
    for start in range(0, len(parts[0]), size):
        yield tuple(part[start : start + size] for part in parts)


class Again:
    """An iterable that begins again."""

    def __init__(self, *parts: Any) -> None:
        self.parts = parts

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return batches(*self.parts)


class Quartic(md.Loss):
    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
        return float(np.mean((y_pred - y_true) ** 4))

    def gradient(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        return 4 * (y_pred - y_true) ** 3 / y_pred.size


def model_of(loss: Any, metrics: Any, head: str, units: int = C, **options: Any) -> md.Model:
    model = md.Model([L.Dense(6, "tanh"), L.Dense(units, head)], seed=3, dtype="float64")
    model.compile(md.optimizers.SGD(0.1), loss, metrics=metrics, **options)
    return model


def largest(y: Any, p: Any) -> float:
    return float(np.abs(y - p).max())


ONE_HOT = [
    *("accuracy", "auc", "precision", "recall", "mse", "categorical_crossentropy"),
    *(M.F1Score("macro"), M.TruePositives(0.3), M.RecallAtPrecision(0.5), M.R2Score()),
    *(M.AUC(50, "PR", name="pr"), M.OneHotMeanIoU(C), M.TopKCategoricalAccuracy(2), largest),
    *("kl_divergence", "cosine_similarity", M.Accuracy(name="equal")),
]
SETTINGS = [
    ("categorical_crossentropy", "softmax", ONE_HOT, "rows"),
    ("sparse_categorical_crossentropy", "softmax", ["acc", "auc", "recall"], "labels"),
    (Quartic(), "linear", ["mae", "r2", "rmse", largest, "accuracy"], "numbers"),
    (md.losses.Dice(), "sigmoid", ["binary_accuracy", M.BinaryIoU()], "rows"),
]


def data(kind: str, rng: Any) -> tuple[Any, Any]:
    x = rng.normal(size=(N, 5))
    labels = rng.integers(0, C, N)
    if kind == "labels":
        return x, labels
    return x, np.eye(C)[labels] if kind == "rows" else rng.normal(size=(N, C))


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: type(s[0]).__name__ + s[3])
def test_metrics_over_batches_are_those_over_the_set(setting: Any, rng: Any) -> None:
    loss, head, metrics, kind = setting
    x, y = data(kind, rng)
    one, two = model_of(loss, metrics, head), model_of(loss, metrics, head)
    whole = one.evaluate(x, y, batch_size=8, verbose=0, return_dict=True)
    parts = two.evaluate(Again(x, y), verbose=0, return_dict=True)
    assert list(whole) == list(parts)
    assert parts == pytest.approx(whole, rel=1e-12)
    history = one.fit(x, y, 8, 3, shuffle=False, verbose=0, validation_data=(x, y)).history
    other = two.fit(Again(x, y), epochs=3, verbose=0, validation_data=Again(x, y)).history
    for name, values in history.items():
        assert other[name] == pytest.approx(values, rel=1e-9), name


def test_weighted_metrics_over_batches(rng: Any) -> None:
    x, y = data("rows", rng)
    weight = rng.integers(0, 3, N).astype(float)
    names = ["accuracy", M.R2Score(), "auc", M.AUC(multi_label=True, name="each")]
    loss = "categorical_crossentropy"
    one, two = (model_of(loss, None, "softmax", weighted_metrics=names) for _ in "ab")
    whole = one.evaluate(x, y, sample_weight=weight, verbose=0)
    assert two.evaluate(Again(x, y, weight), verbose=0) == pytest.approx(whole, rel=1e-12)


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("streams", [True, False])
def test_callbacks_see_all_metrics_after_each_batch(streams: bool, shuffle: bool, rng: Any) -> None:
    x, y = data("rows", rng)
    seen: list[dict[str, float]] = []
    tested: list[dict[str, float]] = []
    watch = md.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(dict(logs)),
        on_test_batch_end=lambda batch, logs: tested.append(dict(logs)),
    )
    names = ["accuracy", "mse", M.F1Score("micro"), largest]
    watched, plain = (model_of("categorical_crossentropy", names, "softmax") for _ in "ab")
    given: Any = (Again(x, y),) if streams else (x, y, 8)
    options: Any = {"epochs": 2, "verbose": 0, "shuffle": shuffle}
    history = watched.fit(*given, callbacks=[watch], **options).history
    assert plain.fit(*given, **options).history == history
    assert len(seen) == 14 and all(list(logs) == watched.metrics_names for logs in seen)
    for epoch in range(2):
        last = seen[7 * epoch + 6]
        assert last == pytest.approx({k: v[epoch] for k, v in history.items()}, rel=1e-12)
    assert seen[0]["mse"] != seen[6]["mse"]
    watched.evaluate(*given[:2], callbacks=[watch], verbose=0)
    assert tested[-1] == pytest.approx(plain.evaluate(*given[:2], verbose=0, return_dict=True))


class InDicts:
    """Batches of several inputs and outputs, and weights, by name."""

    def __init__(self, *parts: Any) -> None:
        self.parts = parts

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        for first in range(0, N, 8):
            cut = slice(first, first + 8)
            yield tuple({name: part[cut] for name, part in of.items()} for of in self.parts)


def two_outputs(weighted: bool) -> md.Model:
    a, b = md.Input((5,), name="a"), md.Input((2,), name="b")
    both = L.Concatenate()([L.Dense(6, "tanh")(a), b])
    outputs = {"kind": L.Dense(C, "softmax")(both), "size": L.Dense(2)(both)}
    model = md.Model({"a": a, "b": b}, outputs, seed=3, dtype="float64")
    metrics: dict[str, Any] = {
        "kind": ["accuracy", "auc", M.F1Score("macro"), M.RecallAtPrecision(0.5), largest],
        "size": ["mae", "r2", M.CosineSimilarity(), "rmse"],
    }
    plain = None if weighted else metrics
    heavy = {"kind": ["accuracy", "auc"], "size": ["mae", M.R2Score()]} if weighted else None
    model.compile(
        md.optimizers.SGD(0.1),
        {"kind": "categorical_crossentropy", "size": "mse"},
        metrics=plain,
        weighted_metrics=heavy,
        loss_weights={"kind": 1.0, "size": 0.5},
    )
    return model


@pytest.mark.parametrize("weighted", [False, True])
def test_several_outputs_over_batches_with_metrics_of_each(weighted: bool, rng: Any) -> None:
    x = {"a": rng.normal(size=(N, 5)), "b": rng.normal(size=(N, 2))}
    y = {"kind": np.eye(C)[rng.integers(0, C, N)], "size": rng.normal(size=(N, 2))}
    weight = {name: rng.integers(0, 3, N).astype(float) for name in y} if weighted else None
    given = (x, y) if weight is None else (x, y, weight)
    one, two = two_outputs(weighted), two_outputs(weighted)
    whole = one.evaluate(x, y, sample_weight=weight, batch_size=8, verbose=0, return_dict=True)
    parts = two.evaluate(InDicts(*given), verbose=0, return_dict=True)
    assert list(whole) == list(parts) == one.metrics_names
    assert parts == pytest.approx(whole, rel=1e-12)
    options: dict[str, Any] = {"epochs": 3, "verbose": 0}
    history = one.fit(
        x, y, 8, sample_weight=weight, shuffle=False, validation_data=given, **options
    ).history
    other = two.fit(InDicts(*given), validation_data=InDicts(*given), **options).history
    assert list(other) == list(history)
    for name, values in history.items():
        assert other[name] == pytest.approx(values, rel=1e-9), name


# ---- weights ------------------------------------------------------------------------------------


def sequences(rng: Any, head: str | None = None) -> tuple[Any, Any, Any]:
    x, y = rng.normal(size=(30, 5, 2)), rng.normal(size=(30, 5, 3))
    return x, y, rng.integers(0, 3, (30, 5)).astype(float)


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum"])
def test_weights_of_time_steps(reduction: str, rng: Any) -> None:
    """As of samples of one step each."""
    x, y, weight = sequences(rng)
    loss = md.losses.Huber(0.5, reduction)
    steps, flat = (md.Model([L.Dense(3)], seed=1, dtype="float64") for _ in "ab")
    for model in (steps, flat):
        model.compile(md.optimizers.SGD(0.01), loss, weighted_metrics=["mae"])
    rows = [part.reshape(150, *part.shape[2:]) for part in (x, y, weight)]
    for size in (30, 7):
        for model, parts, count in ((steps, (x, y, weight), 1), (flat, rows, 5)):
            model.fit(*parts[:2], size * count, 2, sample_weight=parts[2], shuffle=False, verbose=0)
        assert np.allclose(*(m.get_weights()[0] for m in (steps, flat)), rtol=1e-12)
        one = steps.evaluate(x, y, sample_weight=weight, verbose=0)
        two = flat.evaluate(*rows[:2], sample_weight=rows[2], verbose=0)
        if reduction != "sum":
            assert one == pytest.approx(two, rel=1e-12)
    again = steps.evaluate(Again(x, y, weight), verbose=0)
    if reduction != "sum":
        assert again == pytest.approx(one, rel=1e-12)


def test_a_single_weight_is_that_of_all(rng: Any) -> None:
    x, y = rng.normal(size=(20, 3)), rng.normal(size=(20, 1))
    for loss in ("mse", md.losses.MeanAbsoluteError("sum")):
        one, two = (md.Model([L.Dense(1)], seed=1) for _ in "ab")
        for model, weight in ((one, 2.0), (two, np.full(20, 2.0))):
            model.compile("sgd", loss)
            model.fit(x, y, sample_weight=weight, verbose=0)
        assert np.array_equal(one.get_weights()[0], two.get_weights()[0])
    assert md.losses.MeanSquaredError("sum")(y, y + 1, 0.5) == pytest.approx(10)
    with pytest.raises(ValueError, match="sample_weight must have shape"):
        one.fit(x, y, sample_weight=np.ones((20, 4)), verbose=0)


def test_a_loss_in_python_sees_weights_of_steps(rng: Any) -> None:
    x, y, weight = sequences(rng)
    seen: list[Any] = []

    class Weighed(Quartic):
        checks_gradient = False  # without weights

        def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
            seen.append(sample_weight)
            return super().__call__(y_true, y_pred)

    model = md.Model([L.Dense(3)], seed=1)
    model.compile("sgd", Weighed())
    model.fit(x, y, 30, sample_weight=weight, shuffle=False, verbose=0)
    assert np.array_equal(seen[0], weight)


def test_ignored_classes_weigh_nothing(rng: Any) -> None:
    x, y = rng.normal(size=(40, 5, 2)), rng.integers(-1, 3, (40, 5))
    there = y >= 0
    models = [md.Model([L.Dense(3, "softmax")], seed=1, dtype="float64") for _ in "ab"]
    for model, ignored in zip(models, (-1, None), strict=True):
        loss = md.losses.SparseCategoricalCrossentropy(ignore_class=ignored)
        model.compile(md.optimizers.SGD(0.1), loss, metrics=["accuracy"])
    models[0].fit(x, y, 16, 2, shuffle=False, verbose=0)
    labels = np.maximum(y, 0)
    models[1].fit(x, labels, 16, 2, sample_weight=there * 1.0, shuffle=False, verbose=0)
    assert np.allclose(*(m.get_weights()[0] for m in models), rtol=1e-12)
    loss, accuracy = models[0].evaluate(x, y, verbose=0)
    assert loss == pytest.approx(models[1].evaluate(x, labels, sample_weight=there * 1.0)[0])
    p = models[0].predict(x)
    assert accuracy == pytest.approx((p.argmax(axis=-1) == y).mean())  # as in Keras
    assert models[0].compiled_loss(y, p) == pytest.approx(loss, rel=1e-12)
    assert not models[0].compiled_loss.gradient(y, p)[~there].any()
    with pytest.raises(ValueError, match=r"labels in \[0, 3\)"):
        models[1].fit(x, y, verbose=0)
    with pytest.raises(ValueError, match=r"labels in \[0, 3\)"):
        models[0].fit(x, y - 1, verbose=0)


# ---- steps --------------------------------------------------------------------------------------


def test_steps_of_arrays(rng: Any) -> None:
    x, y = rng.normal(size=(40, 3)), rng.normal(size=(40, 1))
    one, two = (md.Model([L.Dense(1)], seed=1) for _ in "ab")
    for model in (one, two):
        model.compile("sgd", "mse", metrics=["mae"])
    history = one.fit(x, y, 8, 4, steps_per_epoch=3, shuffle=False, verbose=0).history
    assert len(history["mae"]) == 4
    order = [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1]  # an epoch goes on where the last one ended
    for i in order:
        part = slice(8 * i, 8 * i + 8)
        two.train_on_batch(x[part], y[part])
    assert np.array_equal(one.get_weights()[0], two.get_weights()[0])
    assert one.evaluate(x, y, 8, steps=2, verbose=0) == one.evaluate(x[:16], y[:16], 8, verbose=0)
    assert np.array_equal(one.predict(x, 8, steps=2), one.predict(x[:16]))
    fitted = one.fit(x, y, 8, validation_data=(x, y), validation_steps=2, verbose=0).history
    assert fitted["val_loss"][0] == one.evaluate(x[:16], y[:16], verbose=0)[0]
    with pytest.warns(UserWarning, match="steps asks for 800 samples; there are 40"):
        one.evaluate(x, y, 8, steps=100, verbose=0)
    with pytest.raises(ValueError, match="steps must be >= 1"):
        one.predict(x, steps=0)
    seen = {tuple(row) for row in x}
    shuffled = one.fit(x, y, 8, 2, steps_per_epoch=5, verbose=0).history
    assert len(shuffled["loss"]) == 2 and len(seen) == 40


class Numbered(md.utils.PyDataset):
    def __init__(self, count: int | None = 6, **options: Any) -> None:
        super().__init__(**options)
        self.count = count
        self.asked: list[int] = []
        self.ends = 0

    @property
    def num_batches(self) -> int | None:
        return self.count

    def __getitem__(self, index: int) -> Any:
        self.asked.append(index)
        x = np.full((4, 1), float(index))
        return x, 2 * x

    def on_epoch_end(self) -> None:
        self.ends += 1


def line() -> md.Model:
    model = md.Model([L.Dense(1)], seed=1)
    model.compile(md.optimizers.SGD(0.001), "mse", metrics=["mae"])
    return model


def test_sets_by_number() -> None:
    orders = []
    for shuffle in (True, True, False):
        data = Numbered(workers=2)
        line().fit(data, epochs=2, shuffle=shuffle, verbose=0)
        assert data.ends == 2
        orders.append(data.asked[1:])  # the first tells the shapes
    assert orders[0] == orders[1] != orders[2] == [*range(6)] * 2
    assert sorted(orders[0][:6]) == sorted(orders[0][6:]) == [*range(6)]
    assert orders[0][:6] != orders[0][6:]
    model, data = line(), Numbered()
    whole = np.concatenate([data[i][0] for i in range(6)])
    assert model.evaluate(Numbered(), verbose=0) == pytest.approx(
        model.evaluate(whole, 2 * whole, batch_size=4, verbose=0)
    )
    assert np.array_equal(model.predict(Numbered()), model.predict(whole))
    assert md.utils.Sequence is md.utils.PyDataset


def test_endless_sets_by_number() -> None:
    data = Numbered(None)
    line().fit(data, epochs=2, steps_per_epoch=3, verbose=0)
    assert data.asked == [0, *range(6)]
    assert list(itertools.islice(Numbered(None), 2))[1][0][0, 0] == 1.0
    with pytest.raises(NotImplementedError, match="must have __len__, or the property"):
        list(md.utils.PyDataset())


def test_a_class_with_a_length_and_items() -> None:
    class Items:
        def __len__(self) -> int:
            return 6

        def __getitem__(self, index: int) -> Any:
            return Numbered()[index]

    one, two = line(), line()
    first = one.fit(Items(), epochs=2, verbose=0).history
    assert first == two.fit(Numbered(), epochs=2, shuffle=False, verbose=0).history
