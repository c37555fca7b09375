"""The same bits for any number of threads, every instruction set, any split of a set into calls."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import mundur as md
import numpy as np
import numpy.typing as npt
import pytest
from mundur import _core

from cases import ACTIVATIONS, LAYERS, LayerCase
from cells import EVERY, few, one_of
from waiting import wait_for

Array = npt.NDArray[Any]
# "bfloat16" stands for products in it, on float32 parameters.
DTYPES = ["float32", "float64", "bfloat16", "bfloat16_pairs"]
ISAS = _core.available_isas()


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    isa = _core.current_isa()
    yield
    _core.set_isa(isa)
    _core.set_num_threads(0)


def types(dtype: str) -> dict[str, str]:
    """Model's arguments."""
    if dtype.startswith("bfloat16"):
        return {"dtype": "float32", "compute_dtype": dtype}
    return {"dtype": dtype}


def bits(arrays: dict[str, Array]) -> dict[str, bytes]:
    return {name: np.ascontiguousarray(array).tobytes() for name, array in arrays.items()}


def one_pass(case: LayerCase, dtype: str) -> dict[str, bytes]:
    model = md.Model(
        [getattr(md.layers, case.layer)(**case.arguments)],
        seed=9,
        input_shape=case.shape,
        **types(dtype),
    )
    rng = np.random.default_rng(4)
    x = case.samples(rng, model.dtype)
    y = model.forward(x, training=True)
    dx = model.backward(rng.normal(size=y.shape).astype(model.dtype))
    return bits(
        {
            "y": y,
            "dx": dx,
            **dict(model.parameters),
            **dict(model.state),
            **{f"gradient of {name}": value for name, value in model.gradients.items()},
        }
    )


ONE_OF_A_KIND = {case.layer: case for case in LAYERS}


def has_product(case: LayerCase) -> bool:
    """Whether some of it is computed in bfloat16 where that is asked for."""
    return case.layer in {"Dense", "Conv1D", "Conv2D", "SimpleRNN", "LSTM", "GRU"}


def is_everyday(case: LayerCase, dtype: str) -> bool:
    """One of a kind in float32; of the others one of four, in bfloat16 among what has products."""
    if dtype == "float32" and case is ONE_OF_A_KIND[case.layer]:
        return True
    matters = dtype in ("float32", "float64") or has_product(case)
    return matters and one_of(4, f"{case.id}-{dtype}")


ROWS = [
    pytest.param(
        *(case, dtype),
        id=f"{case.id}-{dtype}",
        marks=() if is_everyday(case, dtype) else pytest.mark.slow,
    )
    for case in LAYERS
    for dtype in DTYPES
]


@pytest.mark.parametrize(("case", "dtype"), ROWS)
def test_a_layer_has_the_same_bits_everywhere(
    case: LayerCase, dtype: str, same_everywhere: Any
) -> None:
    same_everywhere(lambda: one_pass(case, dtype))


def test_every_cell_is_some_rows() -> None:
    test = test_a_layer_has_the_same_bits_everywhere.__name__
    everyday = [row for row in ROWS if not row.marks]
    assert {cell for row in everyday for cell in few(f"{test}[{row.id}]")} == {*EVERY}


@pytest.mark.parametrize("case", ONE_OF_A_KIND.values(), ids=ONE_OF_A_KIND)
def test_only_products_are_in_bfloat16(case: LayerCase) -> None:
    for kind in DTYPES[2:]:
        assert (one_pass(case, kind) != one_pass(case, "float32")) == has_product(case)


def training(activation: str, dtype: str, weighted: bool, wide: int = 150) -> dict[str, bytes]:
    """A training large enough for a team of threads, with a short last batch."""
    rng = np.random.default_rng(8)
    x = rng.normal(size=(333, 70)).astype(np.float32)
    y = rng.integers(0, 7, size=333)
    model = md.Model(
        [
            md.layers.Dense(wide, activation),
            md.layers.Dropout(0.25),
            md.layers.Dense(37, activation),
            md.layers.Dense(7),
        ],
        seed=12,
        **types(dtype),
    )
    model.compile(
        md.optimizers.Adam(0.01),
        md.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    weights = np.linspace(0.5, 1.5, 333) if weighted else None
    history = model.fit(
        x,
        y,
        batch_size=100,
        epochs=2,
        sample_weight=weights,
        validation_data=(x[:50], y[:50]),
        verbose=0,
    )
    logs = {name: np.array(values) for name, values in history.history.items()}
    return bits({**dict(model.parameters), **logs, "predictions": model.predict(x, verbose=0)})


# Each run has every activation once, and every dtype with weights and without.
ALL = [*ACTIVATIONS, "log_softmax", "gelu", "elu"]
KINDS = [(dtype, weighted) for dtype in DTYPES for weighted in (False, True)]


@pytest.mark.parametrize(
    ("activation", "dtype", "weighted"),
    [
        pytest.param(activation, *kind, marks=() if i == j else pytest.mark.slow)
        for i, activation in enumerate(ALL)
        for j, kind in enumerate(KINDS)
    ],
)
def test_a_training_has_the_same_bits_everywhere(
    activation: str, dtype: str, weighted: bool, same_everywhere: Any
) -> None:
    same_everywhere(lambda: training(activation, dtype, weighted))


@pytest.mark.parametrize("outputs", [1, 3, 10, 50])
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_prediction_does_not_depend_on_its_batch(dtype: str, outputs: int) -> None:
    model = md.Model(
        [md.layers.Dense(130, "tanh"), md.layers.Dense(outputs, "softmax")], seed=2, **types(dtype)
    )
    x = np.random.default_rng(3).normal(size=(67, 90)).astype(model.dtype)
    whole = model.predict(x, batch_size=67, verbose=0)
    for batch in (1, 2, 5, 16, 33):
        np.testing.assert_array_equal(model.predict(x, batch_size=batch, verbose=0), whole)
    alone = np.concatenate([model.predict(x[i : i + 1], verbose=0) for i in range(67)])
    np.testing.assert_array_equal(alone, whole)


def test_slices_of_time_do_not_change_the_bits() -> None:
    """A batch hook makes native code return after each step."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(64, 5)), rng.normal(size=(64, 2))

    class Steps(md.Callback):
        seen = 0

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.seen += 1

    def run(callbacks: list[md.Callback]) -> dict[str, bytes]:
        model = md.Model([md.layers.Dense(4, "tanh"), md.layers.Dense(2)], seed=4)
        model.compile("adam", "mse")
        model.fit(x, y, batch_size=8, epochs=2, callbacks=callbacks, verbose=0)
        return bits(dict(model.parameters))

    steps = Steps()
    assert run([steps]) == run([])
    assert steps.seen == 16


def test_a_team_that_changes_its_size_does_not_change_the_bits(rng: np.random.Generator) -> None:
    x = rng.normal(size=(2048, 64)).astype(np.float32)
    y = rng.integers(0, 10, 2048)

    def weights() -> dict[str, bytes]:
        model = md.Model([md.layers.Dense(128, "relu"), md.layers.Dense(10)], seed=3)
        model.compile("adam", md.losses.SparseCategoricalCrossentropy(from_logits=True))
        model.fit(x, y, batch_size=256, epochs=60, verbose=0)
        return bits(model.parameters)

    _core.set_num_threads(1)
    alone = weights()
    _core.set_num_threads(8)
    _core.set_adaptive(True)
    try:
        assert weights() == alone
    finally:
        _core.set_adaptive(False)


@pytest.mark.parametrize(
    ("kind", "batch_size"),
    [
        pytest.param(kind, size, marks=() if (i + j) % 3 == 0 else pytest.mark.slow)
        for i, kind in enumerate(["labels", "dense", "weighted", "penalised", "sum"])
        for j, size in enumerate([15, 16, 40, 256, 257, "full"])
    ],
)
def test_an_evaluation_has_the_same_bits_everywhere(
    kind: str, batch_size: Any, rng: np.random.Generator, same_everywhere: Any
) -> None:
    """Many batches of some size are taken by one worker each, the others by all together."""
    x, labels = rng.normal(size=(2100, 20)), rng.integers(0, 3, 2100)
    softmax = md.losses.SparseCategoricalCrossentropy(from_logits=True)
    head = md.layers.Dense(3, activity_regularizer="l1" if kind == "penalised" else None)
    model = md.Model(
        [md.layers.Dense(30, "tanh", kernel_regularizer="l2"), md.layers.Dropout(0.3), head],
        input_shape=(20,),
        seed=2,
    )
    loss: Any = softmax if kind in ("labels", "weighted") else md.losses.MeanSquaredError()
    if kind == "sum":
        loss = md.losses.MeanSquaredError("sum")
    model.compile("adam", loss, metrics=["accuracy"], weighted_metrics=["acc"])
    y = labels if loss is softmax else np.eye(3)[labels]
    given: dict[str, Any] = {"batch_size": batch_size, "verbose": 0}
    if kind == "weighted":
        given["sample_weight"] = rng.random(2100) * (rng.random(2100) > 0.2)
    steps: list[int] = []
    count = md.callbacks.LambdaCallback(on_test_batch_end=lambda step, logs: steps.append(step))
    size = 2100 if batch_size == "full" else batch_size

    def told() -> Any:
        steps.clear()
        found = model.evaluate(x, y, **given)
        # Hooks see one batch after another.
        assert model.evaluate(x, y, callbacks=[count], **given) == found
        assert steps == list(range(-(-2100 // size)))
        return found

    same_everywhere(told)


def test_an_evaluation_over_time_steps_has_the_same_bits_everywhere(
    rng: np.random.Generator, same_everywhere: Any
) -> None:
    x = rng.integers(0, 9, (300, 7))  # 0 is masked
    y = rng.integers(0, 4, (300, 7))
    model = md.Model(
        [md.layers.Embedding(9, 5, mask_zero=True), md.layers.Dense(4)], input_shape=(7,), seed=2
    )
    loss = md.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, metrics=["accuracy"])
    count = md.callbacks.LambdaCallback(on_test_batch_end=lambda step, logs: None)

    def told() -> Any:
        found = model.evaluate(x, y, 16, verbose=0)
        assert model.evaluate(x, y, 16, callbacks=[count], verbose=0) == found
        return found

    same_everywhere(told)


def test_workers_evaluate_batches_of_their_own(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(200, 3)), rng.normal(size=(200, 1))
    model = md.Model([md.layers.Dense(1)], input_shape=(3,), seed=0)
    model.compile("sgd", "mse")
    data = md.data.dataset.Dataset(x, y, None, "x")
    _core.set_num_threads(3)
    evaluator = md.training.passes.make_evaluator(model, data, 20, False, None)
    seen = []
    for budget in (1e-12, 0.0, 1e-12, 0.0, 1e-12, 1e-12):
        seen.append((evaluator.run(budget), evaluator.step))
    assert seen == [
        *(("more", 3), ("more", 4), ("more", 7), ("more", 8)),
        *(("finished", 10), ("finished", 10)),
    ]
    assert evaluator.means[0] == model.evaluate(x, y, verbose=0)
    x[170, 1] = np.nan
    with pytest.raises(ValueError, match="got nan at sample 170, feature 1"):
        model.evaluate(x, y, batch_size=20, verbose=0)


@pytest.mark.parametrize("threads", [1, 3])
def test_batches_are_evaluated_several_at_once(rng: np.random.Generator, threads: int) -> None:
    """So that wide layers' weights are read once for them; what they cost is told of each alone."""
    x, y = rng.normal(size=(230, 7, 30)), rng.integers(0, 5, size=(230, 7))
    x[rng.random((230, 7)) < 0.2] = 0
    weights = rng.random(230)
    model = md.Model(
        [
            md.layers.Masking(0.0),
            md.layers.Dense(400, "relu", activity_regularizer="l2"),
            md.layers.Dense(400, "tanh", kernel_regularizer="l1"),
            md.layers.Dense(5),
        ],
        seed=0,
    )
    loss = md.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, metrics=["accuracy"])
    model.build((7, 30))
    _core.set_num_threads(threads)
    data = md.data.dataset.Dataset(x.astype(np.float32), y, None, "x")
    evaluator = md.training.passes.make_evaluator(model, data, 4, False, None)
    evaluator.run(1e-12)
    assert evaluator.step > threads

    class EachBatch(md.callbacks.Callback):
        def on_test_batch_end(self, batch: int, logs: Any) -> None:
            pass

    for given in (None, weights):
        together, alone = (
            model.evaluate(x, y, 4, 0, given, callbacks=callbacks)
            for callbacks in ([], [EachBatch()])
        )
        assert together == alone
    predictions = [model.predict(x, size, verbose=0) for size in (4, "full")]
    np.testing.assert_array_equal(*predictions)


def test_an_instruction_set_may_change_between_calls(rng: np.random.Generator) -> None:
    """Kernels of another set may need more scratch than those that the first call planned for."""
    x = rng.normal(size=(4, 125_000)).astype(np.float32)
    y = rng.normal(size=(4, 4))

    def weights(isas: list[str]) -> dict[str, bytes]:
        model = md.Model([md.layers.Dense(4)], seed=3)
        model.compile(md.optimizers.SGD(1e-6), "mse")
        for isa in isas:
            _core.set_isa(isa)
            model.fit(x, y, batch_size="full", epochs=1, shuffle=False, verbose=0)
        return bits(model.parameters)

    _core.set_num_threads(1)
    assert weights(["generic", ISAS[-1]]) == weights([ISAS[-1], ISAS[-1]])


def test_the_environment_forces_an_instruction_set() -> None:
    code = "from mundur import _core; print(_core.current_isa())"

    def run(isa: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "MUNDUR_ISA": isa},
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )

    for isa in ISAS:
        assert run(isa).stdout.strip() == isa
    foreign = "neon" if "avx2" in ISAS or ISAS == ["generic"] else "avx512"
    assert "not available here" in run(foreign).stderr
    assert "expected one of" in run("sse9").stderr


def test_philox_gives_random123s_known_answers() -> None:
    # kat_vectors of Random123 (Salmon et al. 2011), philox4x32 10.
    ones = 0xFFFFFFFF
    known = [
        ([0] * 4, [0] * 2, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
        ([ones] * 4, [ones] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
        (
            [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
            [0xA4093822, 0x299F31D0],
            [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
        ),
    ]
    for counter, key, words in known:
        assert list(_core.philox(counter, key)) == words


def test_a_shuffle_is_a_permutation_drawn_from_seed_and_epoch() -> None:
    order = _core.permutation(1000, 7, 3)
    assert sorted(order) == list(range(1000))
    np.testing.assert_array_equal(order, _core.permutation(1000, 7, 3))
    assert (order != _core.permutation(1000, 7, 4)).any()
    assert (order != _core.permutation(1000, 8, 3)).any()
    assert _core.permutation(0, 1, 1).size == 0


def test_a_sample_of_weight_zero_is_not_there() -> None:
    x = np.ones((4, 2))
    x[1] = np.nan
    model = md.Model([md.layers.Dense(1)], seed=0)
    model.compile("sgd", "mse")
    model.fit(x, np.zeros(4), sample_weight=[1, 0, 1, 1], allow_nonfinite=True, verbose=0)
    assert all(np.isfinite(value).all() for value in model.parameters.values())


def test_training_ends_what_forward_kept() -> None:
    model = md.Model([md.layers.Dense(1)], seed=0, input_shape=(2,))
    model.compile("sgd", "mse")
    model.forward(np.ones((2, 2)), training=True)
    model.train_on_batch(np.ones((2, 2)), np.zeros(2))
    with pytest.raises(RuntimeError, match="forward"):
        model.backward(np.ones((2, 1)))


def test_velocity_survives_a_pause_of_momentum() -> None:
    """A resumed run equals an uninterrupted one even if momentum is 0 when it is saved."""
    x, y = np.random.default_rng(0).normal(size=(64, 3)), np.ones(64)

    def run(save: bool) -> dict[str, bytes]:
        model = md.Model([md.layers.Dense(1)], seed=0)
        model.compile(md.optimizers.SGD(0.05, momentum=0.9), "mse")
        model.fit(x, y, verbose=0)
        model.optimizer.momentum = 0.0
        model.fit(x, y, verbose=0)
        if save:
            model = pickle.loads(pickle.dumps(model))
        model.optimizer.momentum = 0.9
        model.fit(x, y, verbose=0)
        return bits(dict(model.parameters))

    assert run(save=True) == run(save=False)


def test_an_optimizer_may_be_changed_from_another_thread() -> None:
    model = md.Model([md.layers.Dense(64, "relu"), md.layers.Dense(1)], input_shape=(64,), seed=0)
    optimizer = md.optimizers.SGD(1e-4)
    model.compile(optimizer, "mse")
    x = np.random.default_rng(0).normal(size=(20000, 64))

    def change() -> None:
        for step in range(40):
            optimizer.momentum = 0.9 * (step % 2)
            optimizer._native.reset()
            optimizer._native.state()

    thread = threading.Thread(target=change)
    thread.start()
    model.fit(x, np.zeros(20000), epochs=8, verbose=0)
    wait_for(thread)
    assert np.isfinite(model.parameters["dense/kernel"]).all()


def test_a_thread_count_for_a_while_leaves_the_default_behind() -> None:
    with md.runtime.threads(1):
        assert _core.chosen_num_threads() == 1
    assert _core.chosen_num_threads() == 0


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_gradient_that_no_cache_holds_makes_the_same_update(dtype: str) -> None:
    """In fit it passes strip by strip through a worker's scratch, by hand through memory."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 4099)), rng.integers(0, 1100, 40)

    def made() -> md.Model:
        penalty = md.regularizers.L2(1e-3)
        layers = [md.layers.Dense(1100, kernel_regularizer=penalty)]
        model = md.Model(layers, input_shape=(4099,), seed=0, **types(dtype))
        loss = md.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(md.optimizers.Adam(1e-2), loss)
        return model

    by_hand = made()
    for rows in (slice(0, 20), slice(20, 40)):
        outputs = by_hand.forward(x[rows], training=True)
        assert isinstance(by_hand.loss, md.Loss)
        by_hand.backward(by_hand.loss.gradient(y[rows], outputs))
        by_hand.optimizer.step(by_hand)  # type: ignore[union-attr]
    for threads in (1, 2, 3):
        _core.set_num_threads(threads)
        model = made()
        model.fit(x, y, 20, 1, shuffle=False, verbose=0)
        for name, values in by_hand.parameters.items():
            assert np.array_equal(model.parameters[name], values)


@pytest.mark.parametrize("rule", ["Adamax", "Adam", "Adagrad", "RMSprop"])
def test_a_pickled_optimizer_has_the_same_bytes_everywhere(rule: str) -> None:
    """Also between the parameters, where teams of several leave what a single worker moves on."""
    found = set()
    for threads in (1, 2, 3):
        _core.set_num_threads(threads)
        # A kernel of 64 numbers leaves no gap behind it, but one at the end.
        layers = [md.layers.Dense(8, "tanh"), md.layers.Dense(3)]
        model = md.Model(layers, input_shape=(8,), seed=1)
        model.compile(getattr(md.optimizers, rule)(0.01), "mse")
        model.fit(np.ones((40, 8)), np.ones((40, 3)), 8, 2, verbose=0)
        found.add(pickle.dumps(model.optimizer))
        model.optimizer.step(model)  # type: ignore[union-attr]
        copy = pickle.loads(pickle.dumps(model))
        assert pickle.dumps(copy.optimizer) == pickle.dumps(model.optimizer)
    assert len(found) == 1


@pytest.mark.parametrize("order", ["permutation", "block_permutation"])
def test_an_order_that_memory_lacks_room_for_is_refused(order: str) -> None:
    rows = 2**45
    arguments = (rows, 0, 0) if order == "permutation" else (rows, 1024, 0, 0)
    with pytest.raises(MemoryError, match=r"the order of the samples needs \d+ MB of memory"):
        getattr(_core, order)(*arguments)
