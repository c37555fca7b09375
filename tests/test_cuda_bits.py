"""On a GPU, or its emulation, the same bits as on the CPU."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import mundur as md
import numpy as np
import numpy.typing as npt
import pytest
from mundur import selftest

from cases import (
    AROUND,
    LAYERS,
    LOSSES,
    OPTIMIZERS,
    PENALTIES,
    LayerCase,
    LossCase,
    OptimizerCase,
    PenaltyCase,
    targets_of,
)
from gpus import (
    DEVICES,
    LIBRARY,
    NO_LIBRARY,
    WITHOUT_A_BARRIER,
    WITHOUT_BARRIERS,
    needs_emulation,
    same_on,
)
from states import training_state

Array = npt.NDArray[Any]
DTYPES = ["float32", "float64"]

if not LIBRARY:
    pytest.skip(NO_LIBRARY, allow_module_level=True)


def one_pass(case: LayerCase, dtype: str, device: str) -> dict[str, bytes]:
    model = md.Model(
        [getattr(md.layers, case.layer)(**case.arguments)],
        seed=9,
        input_shape=case.shape,
        dtype=dtype,
        device=device,
    )
    rng = np.random.default_rng(4)
    x = case.samples(rng, model.dtype)
    y = model.forward(x, training=True)
    dx = model.backward(rng.normal(size=y.shape).astype(model.dtype))
    found = {
        "y": y,
        "dx": dx,
        "predicted": model.predict(x, batch_size=2),
        **dict(model.parameters),
        **dict(model.state),
        **{f"gradient of {name}": value for name, value in model.gradients.items()},
    }
    return {name: np.ascontiguousarray(array).tobytes() for name, array in found.items()}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", LAYERS, ids=lambda case: case.id)
def test_a_layer(case: LayerCase, dtype: str, devices: list[str]) -> None:
    same_on(devices, lambda device: one_pass(case, dtype, device))


STORED = json.loads(selftest.TABLE.read_text(encoding="utf-8"))
NETWORKS = [
    *("a convnet", "channels over time", "images from elsewhere", "margins and windows"),
    *("few steps and many", "slopes that learn", "windows over time"),
    *("overlap", "uneven overlap", "pairs"),
    pytest.param("a wider convnet", marks=pytest.mark.slow),
    pytest.param("a convnet of channels", marks=pytest.mark.slow),
    pytest.param("many filters over time", marks=pytest.mark.slow),
]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_of_the_self_test(name: str, devices: list[str]) -> None:
    cases = [case for case in selftest.CASES if case.name == name]
    for device in devices:
        for result in selftest.run_on(device, STORED, cases):
            assert result.found, result
            assert not result.differs, result


@pytest.mark.slow
@pytest.mark.parametrize("dtype", DTYPES)
def test_sums_over_places_that_are_made_one_after_another(dtype: str, devices: list[str]) -> None:
    """Of a kernel so large that a shard's sums are as many as are made at once."""
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(2, 300, 180)), rng.normal(size=(2, 300, 1000))

    def run(device: str) -> list[Any]:
        layers = [md.layers.Conv1D(1000, 3, padding="same")]
        model = md.Model(layers, seed=5, dtype=dtype, device=device)
        model.compile("sgd", "mse")
        return [model.fit(x, y, verbose=0).history, training_state(model)]

    same_on(devices, run)


def trained(
    device: str,
    dtype: str = "float32",
    optimizer: md.Optimizer | None = None,
    epochs: int = 2,
    samples: int = 90,
    **arguments: Any,
) -> list[Any]:
    """A classifier of all that dense networks are made of, with a short last batch."""
    rng = np.random.default_rng(8)
    x = rng.normal(size=(samples, 40)).astype(np.float32)
    y = rng.integers(0, 5, size=samples)
    model = md.Model(
        [
            md.layers.Dense(33, "relu", kernel_regularizer="l2"),
            md.layers.BatchNormalization(),
            md.layers.Dropout(0.25),
            md.layers.Dense(17, "gelu", activity_regularizer="l1"),
            md.layers.LayerNormalization(),
            md.layers.GaussianNoise(0.1),
            md.layers.Dense(5, "softmax"),
        ],
        seed=12,
        dtype=dtype,
        device=device,
    )
    loss = "sparse_categorical_crossentropy"
    model.compile(optimizer or md.optimizers.Adam(0.01), loss, metrics=["accuracy"])
    history = model.fit(
        *(x, y),
        epochs=epochs,
        validation_data=(x[:50], y[:50]),
        verbose=0,
        **{"batch_size": 32, **arguments},
    )
    evaluated = model.evaluate(x, y, batch_size=37, verbose=0)
    predicted = model.predict(x, batch_size=33)
    return [history.history, evaluated, predicted.tobytes(), training_state(model)]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_training(dtype: str, device: str) -> None:
    same_on([device], lambda where: trained(where, dtype))


@pytest.mark.parametrize("batch_size", [1, 90, 257, 600])
def test_batches(batch_size: int, devices: list[str]) -> None:
    samples = 90 if batch_size == 1 else 700  # groups of 256 samples, and a short batch
    run = {"batch_size": batch_size, "samples": samples, "epochs": 1}
    same_on(devices, lambda device: trained(device, **run))


def test_weights(devices: list[str]) -> None:
    weights = np.random.default_rng(1).uniform(size=400)
    weights[::5] = 0.0
    run = {"samples": 400, "batch_size": 300, "sample_weight": weights}
    same_on(devices, lambda device: trained(device, **run))


def test_rows_that_weigh_nothing_may_hold_anything(devices: list[str]) -> None:
    x = np.random.default_rng(1).normal(size=(40, 3))
    x[::4] = np.nan
    weights = np.where(np.arange(40) % 4, 1.0, 0.0)

    def run(device: str) -> list[Any]:
        model = md.Model([md.layers.Dense(1)], seed=1, device=device)
        model.compile("sgd", "mse")
        model.fit(
            *(x, np.ones(40)), sample_weight=weights, verbose=0, epochs=2, allow_nonfinite=True
        )
        return training_state(model)

    same_on(devices, run)


@pytest.mark.parametrize("case", (*OPTIMIZERS, *AROUND), ids=lambda case: case.id)
@pytest.mark.parametrize("dtype", DTYPES)
def test_an_optimizer(case: OptimizerCase, dtype: str, devices: list[str]) -> None:
    def run(device: str) -> list[Any]:
        optimizer = getattr(md.optimizers, case.optimizer)(**case.arguments)
        return trained(device, dtype, optimizer, epochs=7)  # 21 steps

    same_on(devices, run)


@pytest.mark.parametrize("units", [20, 500])  # updates at a step's end; behind each gradient
@pytest.mark.parametrize("rule", ["SGD", "Adafactor"])
def test_parameters_that_do_not_decay(rule: str, units: int, devices: list[str]) -> None:
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=(50, 10)), rng.normal(size=(50, 3))

    def run(device: str, *spared: str) -> list[Any]:
        layers = [md.layers.Dense(units, "tanh"), md.layers.Dense(3)]
        model = md.Model(layers, seed=5, device=device)
        optimizer = getattr(md.optimizers, rule)(0.1, weight_decay=0.5)
        if spared:
            optimizer.exclude_from_weight_decay(var_names=spared)
        model.compile(optimizer, "mse")
        return [model.fit(x, y, batch_size=20, verbose=0).history, training_state(model)]

    for device in devices:
        found = [run(device, *spared) for spared in ((), ("bias",), ("dense_1/kernel", "dense/b"))]
        assert found[0] != found[1] != found[2]
    same_on(devices, lambda device: run(device, "bias"))
    same_on(devices, lambda device: run(device, "dense_1/kernel", "dense/b"))


@pytest.mark.parametrize("dtype", DTYPES)
def test_adafactor_of_several_matrices_and_pieces(dtype: str, devices: list[str]) -> None:
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=(12, 30, 4)), rng.normal(size=12)

    def run(device: str) -> list[Any]:
        layers = [md.layers.Conv1D(150, 3), md.layers.Flatten(), md.layers.Dense(1)]
        model = md.Model(layers, seed=5, dtype=dtype, device=device)
        model.compile(md.optimizers.Adafactor(0.05), "mse")
        return [model.fit(x, y, batch_size=5, epochs=2, verbose=0).history, training_state(model)]

    same_on(devices, run)


@pytest.mark.parametrize("case", LOSSES, ids=lambda case: case.id)
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_loss(case: LossCase, dtype: str, devices: list[str]) -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(21, 6))
    y = targets_of(case.targets, (21, case.outputs), rng)
    weights = np.where(rng.random(21) < 0.2, 0.0, rng.uniform(size=21))

    def run(device: str) -> list[Any]:
        layers = [md.layers.Dense(case.outputs, case.head)]
        model = md.Model(layers, seed=5, dtype=dtype, device=device)
        model.compile(md.optimizers.SGD(0.1), getattr(md.losses, case.loss)(**case.arguments))
        plain = model.fit(x, y, batch_size=8, epochs=3, verbose=0).history
        weighted = model.fit(x, y, batch_size=8, sample_weight=weights, verbose=0).history
        return [plain, weighted, training_state(model)]

    same_on(devices, run)


# Of whole batches, along some axes: pieces of 128 numbers and less, and trees of them.
OF_BATCHES: dict[str, Callable[[], md.losses.Loss]] = {
    "dice": md.losses.Dice,
    "dice_of_each_sample": lambda: md.losses.Dice(axis=(1, 2)),
    "dice_of_each_channel": lambda: md.losses.Dice("sum", axis=(0, -2)),
    "tversky": lambda: md.losses.Tversky(0.3, 0.8),
    "tversky_of_each_step": lambda: md.losses.Tversky(0.9, 0.2, axis=(2, 0)),
    "tversky_of_few": lambda: md.losses.Tversky(1.5, 0.7, axis=-1),
}


@pytest.mark.parametrize("name", OF_BATCHES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_loss_of_a_batch(name: str, dtype: str, devices: list[str]) -> None:
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(80, 31, 3)), rng.uniform(size=(80, 31, 5))
    weights = np.where(rng.random(80) < 0.2, 0.0, rng.uniform(size=80))
    weights[35:70] = 0.0  # all of the second batch

    def run(device: str) -> list[Any]:
        layers = [md.layers.Dense(4, "tanh"), md.layers.Dense(5, "sigmoid")]
        model = md.Model(layers, seed=5, dtype=dtype, device=device)
        model.compile(md.optimizers.SGD(0.5, momentum=0.9), OF_BATCHES[name]())
        plain = model.fit(x, y, batch_size=35, epochs=2, verbose=0).history
        weighted = model.fit(
            *(x, y), batch_size=35, sample_weight=weights, shuffle=False, verbose=0
        ).history
        evaluated = model.evaluate(x, y, batch_size=3, verbose=0)
        one = model.train_on_batch(x[:2], y[:2])
        return [plain, weighted, evaluated, one, training_state(model)]

    same_on(devices, run)


@pytest.mark.parametrize(
    ("size", "loss"),
    [
        (4, {"gamma": 2.0}),
        (17, {"gamma": 20.0, "margin": 0.1, "remove_diagonal": False}),
        (1, {"gamma": 1.0, "reduction": "sum"}),
    ],
)
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_loss_of_pairs(size: int, loss: dict[str, Any], dtype: str, devices: list[str]) -> None:
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(300, 6)), rng.integers(0, 40, size=300) * 2**40  # some are alone
    weights = np.where(rng.random(300) < 0.2, 0.0, rng.uniform(size=300))

    def run(device: str) -> list[Any]:
        layers = [md.layers.Dense(size, "tanh"), md.layers.UnitNormalization()]
        model = md.Model(layers, seed=5, dtype=dtype, device=device)
        model.compile(md.optimizers.SGD(0.5, momentum=0.9), md.losses.Circle(**loss))
        plain = model.fit(x, y, batch_size=150, epochs=2, verbose=0).history
        weighted = model.fit(x, y, batch_size=90, sample_weight=weights, verbose=0).history
        evaluated = model.evaluate(x, y, batch_size=7, verbose=0)  # often of nobody
        return [plain, weighted, evaluated, training_state(model)]

    same_on(devices, run)


@pytest.mark.parametrize("case", PENALTIES, ids=lambda case: case.id)
def test_penalties_and_constraints(case: PenaltyCase, devices: list[str]) -> None:
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(21, 70)), rng.normal(size=(21, 65))

    def run(device: str) -> list[Any]:
        layers = [md.layers.Dense(65, "tanh", **case.built(md))]  # more than a piece of 4096
        model = md.Model(layers, seed=5, device=device)
        model.compile(md.optimizers.Adam(0.1), "mse")
        return [model.fit(x, y, batch_size=8, verbose=0).history, training_state(model)]

    same_on(devices, run)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("axis", [(0, 2), (1, 3), (0, 3), (0, 1, 3)])
def test_constraints_along_axes_that_lie_apart(
    axis: tuple[int, ...], dtype: str, devices: list[str]
) -> None:
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(20, 5, 6, 7)), rng.normal(size=(20, 3, 3, 9))

    def run(device: str) -> list[Any]:
        limit = md.constraints.MinMaxNorm(0.9, 1.1, rate=0.7, axis=axis)
        layers = [md.layers.Conv2D(9, (3, 4), kernel_constraint=limit)]
        model = md.Model(layers, seed=5, dtype=dtype, device=device)
        model.compile(md.optimizers.Adam(0.1), "mse")
        return [model.fit(x, y, batch_size=8, verbose=0).history, training_state(model)]

    same_on(devices, run)


def test_averages_of_parameters(devices: list[str]) -> None:
    def run(device: str) -> list[Any]:
        around = {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 3}
        return trained(device, optimizer=md.optimizers.SGD(0.1, momentum=0.9, **around))

    same_on(devices, run)


@pytest.mark.parametrize(
    "data", ["uint8", "float16", "big_endian", "strided", "noise", "generator"]
)
def test_data_of_every_kind(data: str, devices: list[str]) -> None:
    rng = np.random.default_rng(2)
    x: Any = rng.integers(0, 200, size=(60, 8)).astype(np.uint8)
    y = rng.normal(size=60)
    augment = md.augment.Noise(0.1) if data == "noise" else None
    if data == "float16":
        x = x.astype(np.float16)
    elif data == "big_endian":
        x = x.astype(">f4")
    elif data == "strided":
        x = np.asfortranarray(x)[::-1]

    def run(device: str) -> list[Any]:
        model = md.Model([md.layers.Rescaling(1 / 255), md.layers.Dense(1)], seed=4, device=device)
        model.compile("adam", "mse")
        if data == "generator":
            batches = [(x[i : i + 20], y[i : i + 20]) for i in range(0, 60, 20)]
            return [model.fit(iter(batches), verbose=0).history, training_state(model)]
        return [model.fit(x, y, augment=augment, verbose=0).history, training_state(model)]

    same_on(devices, run)


def test_by_hand_and_from_view_to_view(devices: list[str]) -> None:
    """What is written into a view counts, and views show what a call has done."""

    def run(device: str) -> list[Any]:
        rng = np.random.default_rng(0)
        layers = [md.layers.Dense(9, "tanh"), md.layers.Dropout(0.5), md.layers.Dense(2)]
        model = md.Model(layers, input_shape=(4,), seed=3, device=device)
        optimizer, loss = md.optimizers.Adam(0.1), md.losses.MeanSquaredError()
        x, y = rng.normal(size=(12, 4)), rng.normal(size=(12, 2)).astype(np.float32)
        kernel, gradient = model.parameters["dense/kernel"], model.gradients["dense/kernel"]
        seen = []
        for _ in range(4):
            delta = loss.gradient(y, model.forward(x, training=True))
            seen.append(model.backward(delta).tobytes())
            seen.append(model.backward(2 * delta).tobytes())  # of the same forward
            seen.append(gradient.tobytes())
            optimizer.step(model)
            seen.append(kernel.tobytes())
            kernel[0] = 0.25
            model.freeze("dense/bias")
        return seen

    same_on(devices, run)


def test_a_training_goes_on_elsewhere(devices: list[str]) -> None:
    """Begun on the CPU and ended on a GPU, and the reverse."""
    x = np.random.default_rng(0).normal(size=(50, 6))
    y = x[:, 0] > 0

    def run(first: str, then: str) -> list[Any]:
        model = md.Model(
            [md.layers.Dense(8, "relu"), md.layers.Dropout(0.3), md.layers.Dense(1, "sigmoid")],
            seed=2,
            device=first,
        )
        model.compile("adam", "binary_crossentropy")
        model.fit(x, y, epochs=2, verbose=0)
        model.device = then
        model.fit(x, y, epochs=4, initial_epoch=2, verbose=0)
        return training_state(model)

    whole = run("cpu", "cpu")
    for device in devices:
        assert run("cpu", device) == run(device, "cpu") == whole


def test_a_loss_that_is_no_number_changes_nothing(devices: list[str]) -> None:
    x = np.ones((64, 3))
    model = md.Model([md.layers.Dense(4), md.layers.Dense(1)], seed=1, device=devices[0])
    model.compile(md.optimizers.SGD(1e20, momentum=0.9), "mse")
    model.build((None, 3))
    before = copy.deepcopy(model.get_weights())
    with pytest.raises(md.NonFiniteLossError):
        model.fit(x, np.ones(64), batch_size=8, verbose=0, epochs=3)
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))


def test_two_models_take_turns(devices: list[str]) -> None:
    x = np.random.default_rng(0).normal(size=(40, 5))

    def run(device: str) -> list[Any]:
        models = [md.Model([md.layers.Dense(3)], seed=s, device=device) for s in (1, 2)]
        for model in models:
            model.compile("adam", "mse")
        for _ in range(2):
            for model in models:
                model.fit(x, x[:, :3], verbose=0)
        return [training_state(model) for model in models]

    same_on(devices, run)


@needs_emulation
def test_a_barrier_that_is_missing_shows() -> None:
    """What the orders are for: a product whose block does not wait for what it has in common."""
    case = next(case for case in LAYERS if case.id == "dense_49x9_b257".replace("49x9", "9x49"))
    found, expected = (one_pass(case, "float32", name) for name in (WITHOUT_A_BARRIER, "cpu"))
    assert found["y"] != expected["y"]
    assert np.isnan(np.frombuffer(found["y"], np.float32)).any()  # common memory, as it was


@needs_emulation
def test_the_barrier_of_adafactor_shows() -> None:
    """Rows wait for the mean that their matrix has in common."""
    ids = np.random.default_rng(4).integers(0, 9, size=(8, 3))

    def run(device: str) -> None:
        layers = [md.layers.Embedding(9, 4), md.layers.GlobalAveragePooling1D()]
        model = md.Model(layers, seed=5, device=device)
        model.compile(md.optimizers.Adafactor(0.05), "mse")
        model.fit(ids, np.ones((8, 4)), batch_size=8, verbose=0)

    run("cuda:0")
    with pytest.raises(md.NonFiniteLossError, match="embedding/embeddings was not finite"):
        run(WITHOUT_A_BARRIER)


@needs_emulation
@pytest.mark.parametrize("device", WITHOUT_BARRIERS)
def test_each_barrier_of_a_convolution_shows(device: str) -> None:
    case = next(case for case in LAYERS if case.id == "conv2d_3x2x17_of_5x4_b3")
    found, expected = (one_pass(case, "float32", name) for name in (device, "cpu"))
    for name in ("y", "dx", "gradient of conv2d/kernel"):
        assert found[name] != expected[name], name
