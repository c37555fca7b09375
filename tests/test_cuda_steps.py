"""Many steps at once on a GPU, or its emulation: whoever runs them, the bits are the CPU's."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable
from typing import Any

import mundur as md
import numpy as np
import pytest

from gpus import (
    DEVICES,
    LIBRARY,
    NO_LIBRARY,
    WITHOUT_A_GRID_BARRIER,
    devices_of,
    needs_emulation,
)
from states import training_state

EXECUTORS = ["launches", "graph", "persistent"]


def sparing(optimizer: md.Optimizer) -> md.Optimizer:
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma"])
    return optimizer


OPTIMIZERS: dict[str, Callable[[], md.Optimizer]] = {
    "adam": lambda: md.optimizers.Adam(0.01),
    "adafactor": lambda: md.optimizers.Adafactor(
        0.05, weight_decay=0.01, clipnorm=0.1, gradient_accumulation_steps=2, use_ema=True
    ),
    "spared": lambda: sparing(md.optimizers.AdamW(0.01, weight_decay=0.1)),
}
RNG = np.random.default_rng(3)
X = RNG.integers(0, 256, size=(330, 12)).astype(np.uint8)
Y = RNG.integers(0, 4, size=330)
B = RNG.normal(size=(330, 3)).astype(">f4")

if not LIBRARY:
    pytest.skip(NO_LIBRARY, allow_module_level=True)


@pytest.fixture
def device(request: pytest.FixtureRequest) -> str:
    return devices_of(request.node.name, False)[0]


def network(device: str, dtype: str = "float32", optimizer: str = "adam") -> md.Model:
    layers = [
        md.layers.Rescaling(1 / 255),
        md.layers.Dense(19, "relu", kernel_regularizer="l2"),
        md.layers.BatchNormalization(),
        md.layers.Dropout(0.25),
        md.layers.Dense(4, "softmax"),
    ]
    model = md.Model(layers, input_shape=(12,), seed=12, dtype=dtype, device=device)
    loss = "sparse_categorical_crossentropy"
    model.compile(OPTIMIZERS[optimizer](), loss, metrics=["accuracy"])
    return model


def trained(
    device: str, dtype: str = "float32", optimizer: str = "adam", **arguments: Any
) -> list[Any]:
    """42 steps an epoch, the last one short: more than a graph has."""
    model = network(device, dtype, optimizer)
    history = model.fit(X, Y, **{"batch_size": 8, "epochs": 3, "verbose": 0, **arguments})
    return [history.history, training_state(model)]


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_an_executor(
    optimizer: str, executor: str, dtype: str, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = trained("cpu", dtype, optimizer)
    monkeypatch.setenv("MUNDUR_CUDA_EXECUTOR", executor)
    assert trained(device, dtype, optimizer) == expected


def test_the_fastest_is_chosen_unseen(device: str) -> None:
    """Each has its tries within these epochs."""
    assert trained(device, epochs=8) == trained("cpu", epochs=8)


def test_an_executor_that_is_none(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUNDUR_CUDA_EXECUTOR", "fast")
    with pytest.raises(RuntimeError, match="expected launches, graph or persistent, got fast"):
        trained(device)


@needs_emulation
def test_a_grid_barrier_that_is_missing_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUNDUR_CUDA_EXECUTOR", "launches")
    expected = trained("cpu", epochs=1)
    assert trained(WITHOUT_A_GRID_BARRIER, epochs=1) == expected
    monkeypatch.setenv("MUNDUR_CUDA_EXECUTOR", "persistent")
    with contextlib.suppress(md.NonFiniteLossError):  # of what nobody has written yet
        assert trained(WITHOUT_A_GRID_BARRIER, epochs=1) != expected


@pytest.mark.parametrize("of", ["order", "rows", "weights", "ignored", "ids", "several"])
def test_a_set_that_the_device_has(of: str, device: str) -> None:
    weights = np.where(Y == 1, 0.0, RNG.uniform(size=len(Y)))

    def run(where: str) -> list[Any]:
        if of == "order":
            return trained(where, shuffle=False, epochs=2)
        if of == "weights":
            return trained(where, sample_weight=weights, class_weight={2: 3.0}, epochs=2)
        if of == "rows":
            model = network(where)
            own = {"rows": np.arange(3, 300, 2), "validation_rows": np.arange(0, 300, 2)}
            (history,) = md.fit_many([model], X, Y, each=[own], batch_size=8, epochs=2, verbose=0)
            return [history.history, training_state(model)]
        loss: Any = "sparse_categorical_crossentropy"
        if of == "ignored":
            model = network(where)
            loss = md.losses.SparseCategoricalCrossentropy(ignore_class=1)
            x, y = X, Y
        elif of == "ids":
            layers = [md.layers.Embedding(256, 5), md.layers.GlobalAveragePooling1D()]
            model = md.Model([*layers, md.layers.Dense(4, "softmax")], seed=2, device=where)
            x, y = X.astype(np.float16), Y
        else:
            a, b = md.Input((12,)), md.Input((3,))
            first = md.layers.Dense(5, "tanh")(a)
            second = md.layers.Dense(2)(md.layers.Concatenate()([first, b]))
            model = md.Model([a, b], [first, second], seed=2, device=where)
            loss = ["mse", "mae"]
            x = [X.astype(np.float64)[:, ::-1] / 300, B]
            y = [X[:, :5] / 256, np.asfortranarray(X[:, 5:7])]
        model.compile(md.optimizers.SGD(0.05, momentum=0.9), loss)
        history = model.fit(x, y, batch_size=16, epochs=2, verbose=0)
        return [history.history, training_state(model)]

    assert run(device) == run("cpu")


def by_and_by(device: str, seen: Callable[[md.Model], Any]) -> list[Any]:
    """What somebody sees who looks after each epoch, and changes something."""
    model = network(device)
    found = []

    class Looks(md.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            found.append((seen(model), dict(logs or {})))

    model.fit(X, Y, batch_size=8, epochs=3, callbacks=[Looks()], verbose=0)
    return [found, training_state(model)]


def test_views_are_true_after_each_epoch(device: str) -> None:
    def look(model: md.Model) -> bytes:
        kernel = model.parameters["dense/kernel"]
        kernel[0] *= 0.5
        return kernel.tobytes()

    assert by_and_by(device, look) == by_and_by("cpu", look)


@pytest.mark.parametrize("clip", [None, 1e38])
def test_a_loss_that_is_no_number_epochs_later(clip: float | None, device: str) -> None:
    """Nobody looks at the epochs before it; all is as that one began."""
    x = np.random.default_rng(1).normal(size=(60, 3))

    def run(where: str) -> list[Any]:
        rest = md.layers.BatchNormalization(center=False, scale=False)
        layers = [rest, md.layers.Dense(1)]
        model = md.Model(layers, seed=1, device=where)
        optimizer = md.optimizers.SGD(1.0, momentum=0.5, clipvalue=clip)
        model.compile(optimizer, "mse")
        with pytest.raises(md.NonFiniteLossError) as told:
            model.fit(x, x[:, 0], batch_size=8, epochs=400, verbose=0)
        return [str(told.value), training_state(model), len(model.history.history["loss"])]

    found = run(device)
    assert found == run("cpu")
    assert found[-1] > 1


@needs_emulation
def test_a_set_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    gc.collect()  # what models of other tests still hold
    model = network(DEVICES[0])
    monkeypatch.setenv("MUNDUR_CUDA_BYTES", str(50_000_000))
    large = np.zeros((6_000_000, 12), np.uint8)
    said = r"^the data set needs 72 MB on host emulation, which has \d+ MB free \(out of memory\)$"
    with pytest.raises(MemoryError, match=said):
        model.fit(large, np.zeros(len(large), np.int64), batch_size=4096, verbose=0)
    assert len(model.fit(X, Y, verbose=0).history["loss"]) == 1


def test_many_models_side_by_side(device: str) -> None:
    def run(where: str, together: bool) -> list[Any]:
        models = [network(where) for _ in range(4)]
        for i, model in enumerate(models):
            model.compile(md.optimizers.Adam(0.01 * (i + 1)), "sparse_categorical_crossentropy")
        if together:
            md.fit_many(models, X, Y, epochs=3, batch_size=8, verbose=0)
        else:
            for model in models:
                model.fit(X, Y, epochs=3, batch_size=8, verbose=0)
        return [training_state(model) for model in models]

    assert run(device, True) == run(device, False) == run("cpu", False)
