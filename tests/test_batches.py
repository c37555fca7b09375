"""Iterables of batches in fit, evaluate and predict."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import mundur as md
import numpy as np
import pytest

X = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
Y = X.sum(axis=1, keepdims=True)
W = np.linspace(0.5, 2, 60)


class Batches:
    """Begun again for each pass, as a loader is; the last batch is short."""

    def __init__(self, size: int = 16, weights: bool = False) -> None:
        self.size = size
        self.weights = weights
        self.passes = 0

    def __iter__(self) -> Iterator[Any]:
        self.passes += 1
        for start in range(0, len(X), self.size):
            rows = np.s_[start : start + self.size]
            yield (X[rows], Y[rows], W[rows]) if self.weights else (X[rows], Y[rows])

    def __len__(self) -> int:
        return -(-len(X) // self.size)


class Indexed:
    """A length and items, as Keras's PyDataset; asking beyond the end is an error there."""

    def __len__(self) -> int:
        return 4

    def __getitem__(self, i: int) -> Any:
        assert i < 4
        return list(Batches())[i]


def endless() -> Iterator[Any]:
    while True:
        yield from Batches()


def regression(**options: Any) -> md.Model:
    model = md.Model([md.layers.Dense(4, "tanh"), md.layers.Dense(1)], seed=3)
    model.compile(md.optimizers.Adam(1e-2), "mse", **options)
    return model


def assert_same(one: md.Model, two: md.Model) -> None:
    for a, b in zip(one.get_weights(), two.get_weights(), strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize("weights", [False, True])
def test_batches_equal_the_array_in_order(weights: bool) -> None:
    streamed, whole = regression(), regression()
    one = streamed.fit(Batches(16, weights), epochs=5, verbose=0)
    sample_weight = W if weights else None
    two = whole.fit(X, Y, 16, 5, 0, shuffle=False, sample_weight=sample_weight)
    assert_same(streamed, whole)
    np.testing.assert_allclose(one.history["loss"], two.history["loss"], rtol=1e-12)
    assert one.params["steps"] == two.params["steps"] == 4
    assert one.stop_reason == "epochs"


@pytest.mark.parametrize("make", [Indexed, lambda: itertools.islice(endless(), 4)])
def test_one_epoch_of_other_iterables(make: Any) -> None:
    streamed, whole = regression(), regression()
    streamed.fit(make(), verbose=0)
    whole.fit(X, Y, 16, verbose=0, shuffle=False)
    assert_same(streamed, whole)


def test_an_endless_generator_takes_steps() -> None:
    streamed, whole = regression(), regression()
    source = endless()
    history = streamed.fit(source, epochs=6, steps_per_epoch=2, verbose=0)
    whole.fit(X, Y, 16, 3, 0, shuffle=False)
    assert len(history.epoch) == 6
    assert_same(streamed, whole)
    assert np.array_equal(next(source)[0], X[:16])  # not one batch more was taken


def test_steps_go_on_through_what_begins_again() -> None:
    streamed, whole = regression(), regression()
    source = Batches()
    streamed.fit(source, epochs=4, steps_per_epoch=3, verbose=0)
    whole.fit(X, Y, 16, 3, 0, shuffle=False)
    assert_same(streamed, whole)
    assert source.passes == 3


@pytest.mark.parametrize("validation", [(X, Y), Batches(), Indexed()])
def test_validation_from_arrays_and_batches(validation: Any) -> None:
    streamed, whole = regression(), regression()
    one = streamed.fit(Batches(), epochs=3, validation_data=validation, verbose=0)
    two = whole.fit(X, Y, 16, 3, 0, shuffle=False, validation_data=(X, Y))
    np.testing.assert_allclose(one.history["val_loss"], two.history["val_loss"], rtol=1e-12)
    third = regression().fit(X, Y, 16, 3, 0, shuffle=False, validation_data=validation)
    np.testing.assert_allclose(third.history["val_loss"], two.history["val_loss"], rtol=1e-12)


def test_validation_steps() -> None:
    part = regression()
    options: dict[str, Any] = {"epochs": 2, "validation_steps": 2, "verbose": 0}
    one = part.fit(Batches(), validation_data=Batches(), **options)
    two = regression().fit(Batches(), epochs=2, validation_data=(X[:32], Y[:32]), verbose=0)
    np.testing.assert_allclose(one.history["val_loss"], two.history["val_loss"], rtol=1e-12)
    part.fit(Batches(), validation_data=endless(), **options)


def test_evaluate_and_predict() -> None:
    model = regression(metrics=["mse"] if "mse" in md.metrics.__all__ else None)
    model.fit(X, Y, verbose=0)
    assert model.evaluate(Batches(), verbose=0) == pytest.approx(model.evaluate(X, Y, verbose=0))
    part = model.evaluate(endless(), steps=2, verbose=0)
    assert part == pytest.approx(model.evaluate(X[:32], Y[:32], verbose=0))
    expected = model.predict(X)
    assert np.array_equal(model.predict(Batches()), expected)
    assert np.array_equal(model.predict(x for x, _ in Batches()), expected)
    assert np.array_equal(model.predict(endless(), steps=2), expected[:32])
    again = model.predict(Batches(), steps=5)
    assert np.array_equal(again, np.concatenate([expected, expected[:16]]))
    for call in (model.predict, model.evaluate):
        with pytest.raises(ValueError, match="x ended after 4 batches of a pass that takes 5"):
            call(iter(Batches()), steps=5)


def test_metrics_and_class_weights(blobs: Any, classifier: Any) -> None:
    x, y = blobs
    batches = [(x[i : i + 50], y[i : i + 50]) for i in range(0, 300, 50)]
    streamed, whole = classifier(), classifier()
    weight = {0: 2.0, 2: 0.5}
    one = streamed.fit(iter(batches), class_weight=weight, verbose=0)
    two = whole.fit(x, y, 50, verbose=0, class_weight=weight, shuffle=False)
    assert_same(streamed, whole)
    assert one.history["accuracy"] == pytest.approx(two.history["accuracy"])
    both = [model.evaluate(*data, verbose=0) for model, data in [(streamed, (x, y))]]
    assert streamed.evaluate(iter(batches), verbose=0) == pytest.approx(both[0])


def test_batches_of_growing_size() -> None:
    sizes = [4, 9, 30, 17]
    ends = np.cumsum(sizes)
    parts = [(X[e - n : e], Y[e - n : e]) for e, n in zip(ends, sizes, strict=True)]
    streamed, by_hand = regression(), regression()
    streamed.fit(iter(parts), verbose=0)
    for x, y in parts:
        by_hand.train_on_batch(x, y)
    assert_same(streamed, by_hand)


def test_hooks_see_each_batch() -> None:
    calls: list[Any] = []

    class Watch(md.Callback):
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            calls.append(("begin", batch))

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            calls.append(("end", batch))

        def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
            calls.append(("predict", batch))

        def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
            calls.append(("test", batch))

    model = regression()
    model.fit(Batches(), verbose=0, callbacks=[Watch()])
    assert calls == [(name, batch) for batch in range(4) for name in ("begin", "end")]
    calls.clear()
    model.predict(Batches(30), callbacks=[Watch()], verbose=0)
    model.evaluate(Batches(30), callbacks=[Watch()], verbose=0)
    assert calls == [("predict", 0), ("predict", 1), ("test", 0), ("test", 1)]


def test_a_callback_ends_training_within_an_epoch() -> None:
    class Stop(md.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.model.stop_training = batch == 1

    history = regression().fit(
        endless(), epochs=3, steps_per_epoch=4, verbose=0, callbacks=[Stop()]
    )
    assert history.stop_reason == "callback"
    assert len(history.epoch) == 1


@pytest.mark.parametrize("verbose", [0, 1, 2])
def test_progress_of_unknown_length(verbose: int, capsys: Any) -> None:
    def batches() -> Iterator[Any]:
        yield from Batches()

    regression().fit(batches(), verbose=verbose)
    model = regression()
    model.evaluate(batches(), verbose=verbose)
    model.predict(batches(), verbose=verbose)
    assert ("loss" in capsys.readouterr().out) == bool(verbose)


# ---- errors -------------------------------------------------------------------------------------


def broken(*items: Any) -> Iterator[Any]:
    yield from items


@pytest.mark.parametrize(
    ("x", "options", "error", "words"),
    [
        (Batches(), {"y": Y}, ValueError, "y must be None where x gives batches; got ndarray"),
        (Batches(), {"batch_size": 16}, ValueError, "batch_size must be None"),
        (Batches(), {"sample_weight": W}, ValueError, "sample_weight must be None"),
        (Batches(), {"validation_split": 0.5}, ValueError, "validation_split must be None"),
        (endless(), {"epochs": 2}, ValueError, "can be walked once, for 2 passes"),
        (broken(), {}, ValueError, "x gave no batches"),
        (broken((X[:4], Y[:4])), {"steps_per_epoch": 2}, ValueError, "x ended after 1 batches"),
        (broken(None), {}, TypeError, "is a NoneType"),
        (broken(X), {}, TypeError, "must give batches (x, y) or (x, y, sample_weight); batch 0"),
        (broken((X,)), {}, TypeError, "is a tuple of 1"),
        (
            broken((X, Y), (X[:, :2], Y)),
            {},
            ValueError,
            "x of batch 1 of x must have shape (samples, 3); got (60, 2)",
        ),
        (broken((X, Y), (X, Y[:5])), {}, ValueError, "y of batch 1 of x has 5"),
        (broken((X, Y, -W)), {}, ValueError, "sample_weight of batch 0 of x must be finite"),
        (broken((X, Y), (X * np.nan, Y)), {}, ValueError, "must be finite; got nan at sample 0"),
        ([(X, Y), (X, Y)], {}, TypeError, "got a list of (x, y): join them, with x = np.concat"),
        (broken, {}, TypeError, "got the function broken: call it, broken()"),
        (X, {"y": Y, "steps_per_epoch": 0}, ValueError, "steps_per_epoch must be >= 1"),
        (Batches(), {"steps_per_epoch": 0}, ValueError, "steps_per_epoch must be >= 1"),
        (
            Batches(),
            {"validation_data": broken(), "epochs": 2},
            ValueError,
            "validation_data is an iterator",
        ),
        (Batches(), {"validation_data": broken()}, ValueError, "validation_data gave no batches"),
        (3.5, {}, ValueError, "x must have shape"),
    ],
)
def test_bad_batches(x: Any, options: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error) as caught:
        regression().fit(x, **({"verbose": 0} | options))
    assert words in str(caught.value)


def test_a_loss_that_is_not_finite_goes_back_to_the_epochs_start() -> None:
    model = regression()
    model.fit(Batches(), verbose=0)
    before = model.get_weights()
    huge = np.full((4, 1), 1e30)
    with pytest.raises(md.NonFiniteLossError) as caught:
        model.fit(broken((X, Y), (X, Y), (X[:4], huge)), verbose=0)
    assert caught.value.step == 2
    for a, b in zip(before, model.get_weights(), strict=True):
        assert np.array_equal(a, b)


def test_an_exception_in_the_iterable_passes_and_training_can_go_on() -> None:
    def failing() -> Iterator[Any]:
        yield X, Y
        raise OSError("disk")

    model = regression()
    with pytest.raises(OSError, match="disk"):
        model.fit(failing(), verbose=0)
    model.fit(X, Y, verbose=0)


@pytest.mark.parametrize("error", [TypeError, NotImplementedError])
def test_a_loader_whose_length_raises_has_none(error: type[Exception]) -> None:
    """As PyTorch's DataLoader over an IterableDataset."""

    class Loader:
        def __init__(self, targets: bool = True) -> None:
            self.targets = targets

        def __len__(self) -> int:
            raise error("has no len()")

        def __iter__(self) -> Iterator[Any]:
            for i in range(5):
                x = np.full((4, 3), i / 10.0)
                yield (x, x[:, :1]) if self.targets else x

    model = md.Model([md.layers.Dense(1)], input_shape=(3,), seed=0)
    model.compile("sgd", "mse")
    history = model.fit(Loader(), epochs=2, verbose=0, validation_data=Loader())
    assert history.epoch == [0, 1]
    assert isinstance(model.evaluate(Loader(), verbose=0), float)
    assert model.predict(Loader(targets=False), verbose=0).shape == (20, 1)
