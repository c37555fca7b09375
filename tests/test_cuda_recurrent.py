"""Recurrent layers on a GPU, or its emulation: the same bits as on the CPU.

Rows of the table of cases are tried in test_cuda_bits.py.
"""

from __future__ import annotations

from typing import Any

import mundur as md
import numpy as np
import numpy.typing as npt
import pytest

from gpus import LIBRARY, NO_LIBRARY, WITHOUT_A_BARRIER, needs_emulation, same_on
from states import training_state

Array = npt.NDArray[Any]
L = md.layers
DTYPES = ["float32", "float64"]
RATES = {"dropout": 0.3, "recurrent_dropout": 0.2}
KINDS: list[tuple[str, dict[str, Any]]] = [
    ("SimpleRNN", {}),
    ("LSTM", {}),
    ("GRU", {}),
    ("GRU", {"reset_after": False}),
    ("SimpleRNN", {"activation": "gelu", "use_bias": False}),
    ("LSTM", {"recurrent_activation": "hard_sigmoid", "activation": "softsign"}),
    ("GRU", {"activation": "elu", "zero_output_for_mask": True}),
]
kinds = pytest.mark.parametrize("layer, options", KINDS, ids=str)

if not LIBRARY:
    pytest.skip(NO_LIBRARY, allow_module_level=True)


def tagger(layer: str, options: dict[str, Any], dtype: str, device: str) -> md.Model:
    """Both ways over masked ids, then backwards to the state that is left."""
    kind = getattr(L, layer)
    model = md.Model(
        [
            L.Embedding(30, 5, mask_zero=True),
            L.Bidirectional(kind(7, return_sequences=True, **RATES, **options)),
            kind(9, go_backwards=True, recurrent_regularizer="l2", **options),
            L.Dense(1, "sigmoid"),
        ],
        seed=3,
        dtype=dtype,
        device=device,
    )
    model.compile(md.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    return model


def ids_and_labels(samples: int, steps: int = 10) -> tuple[Array, Array]:
    rng = np.random.default_rng(5)
    ids = rng.integers(0, 30, (samples, steps))
    ids[::3, 4:] = 0
    ids[0] = 0
    return ids, rng.integers(0, 2, samples)


@kinds
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_training(layer: str, options: dict[str, Any], dtype: str, devices: list[str]) -> None:
    x, y = ids_and_labels(50)

    def run(device: str) -> list[Any]:
        model = tagger(layer, options, dtype, device)
        history = model.fit(x, y, batch_size=32, epochs=2, validation_split=0.2, verbose=0)
        predicted = model.predict(x, batch_size=33).tobytes()
        return [history.history, predicted, training_state(model)]

    same_on(devices, run)


@pytest.mark.parametrize("layer, options", KINDS[:4], ids=str)
def test_many_samples(layer: str, options: dict[str, Any], devices: list[str]) -> None:
    """Several in each block, groups of 256, and a block that is not full."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(267, 3, 2)), rng.normal(size=(267, 3))

    def run(device: str) -> list[Any]:
        model = md.Model([getattr(L, layer)(3, **options)], seed=2, device=device)
        model.compile("adam", "mse")
        model.fit(x, y, batch_size=267, epochs=2, verbose=0)
        return [model.predict(x, batch_size=267).tobytes(), training_state(model)]

    same_on(devices, run)


@pytest.mark.parametrize(
    "layer, options", [("GRU", {}), ("GRU", {"reset_after": False, **RATES})], ids=str
)
def test_many_units(layer: str, options: dict[str, Any], devices: list[str]) -> None:
    """Rows that common memory holds in pieces: of h, and of the gates."""
    rng, units = np.random.default_rng(1), 1030
    x, dy = rng.normal(size=(2, 2, 3)), rng.normal(size=(2, units)).astype(np.float32)

    def run(device: str) -> list[bytes]:
        some = {"recurrent_initializer": "glorot_uniform", "bias_initializer": "random_normal"}
        model = md.Model([getattr(L, layer)(units, **some, **options)], seed=2, device=device)
        y = model.forward(x, training=True)
        found = [y, model.backward(dy), *model.gradients.values(), model.predict(x)]
        return [array.tobytes() for array in found]

    same_on(devices, run)


@kinds
def test_states_given_out_and_in(layer: str, options: dict[str, Any], devices: list[str]) -> None:
    """An encoder's last states begin a decoder, some of whose first steps are masked."""
    kind = getattr(L, layer)
    rng = np.random.default_rng(0)
    x = [rng.normal(size=(40, 5, 4)), ids_and_labels(40, 9)[0]]
    y = [rng.normal(size=(40, 9, 2)), rng.normal(size=(40, 6))]

    def run(device: str) -> list[Any]:
        words, ids = md.Input((5, 4)), md.Input((9,))
        _, *states = kind(6, return_state=True, **RATES, **options)(words)
        table = L.Embedding(30, 5, mask_zero=True)(ids)
        decoder = kind(6, return_state=True, return_sequences=True, **RATES, **options)
        seen, *last = decoder(table, initial_state=states)
        model = md.Model([words, ids], [L.Dense(2)(seen), last[-1]], seed=3, device=device)
        model.compile("adam", "mse")
        model.fit(x, y, batch_size=25, epochs=2, verbose=0)
        return [*(p.tobytes() for p in model.predict(x)), training_state(model)]

    same_on(devices, run)


@pytest.mark.parametrize("layer, options", KINDS[:4], ids=str)
def test_states_kept_from_batch_to_batch(
    layer: str, options: dict[str, Any], devices: list[str]
) -> None:
    kind = getattr(L, layer)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 4, 3)), rng.normal(size=(30, 10))

    def run(device: str) -> list[Any]:
        first = kind(4, stateful=True, return_sequences=True, **RATES, **options)
        second = L.Bidirectional(kind(5, stateful=True, **options))
        layers = [md.Input((4, 3), batch_size=10), first, second]
        model = md.Model(layers, seed=3, device=device)
        model.compile("adam", "mse")
        found = []
        for _ in range(2):
            model.fit(x, y, batch_size=10, shuffle=False, verbose=0)
            found.append(model.predict(x, batch_size=10).tobytes())
            found += [state.tobytes() for state in model.state.values()]
            first.reset_state()
        return [found, training_state(model)]

    same_on(devices, run)


@pytest.mark.parametrize("layer, options", KINDS[:4], ids=str)
def test_by_hand(layer: str, options: dict[str, Any], devices: list[str]) -> None:
    """Backward twice of one forward, which its gates outlive."""
    rng = np.random.default_rng(0)
    x, dy = rng.normal(size=(12, 9, 4)), rng.normal(size=(12, 9, 5)).astype(np.float32)

    def run(device: str) -> list[bytes]:
        layers = [getattr(L, layer)(5, return_sequences=True, recurrent_dropout=0.3, **options)]
        model = md.Model(layers, input_shape=(9, 4), seed=3, device=device)
        optimizer, seen = md.optimizers.SGD(0.1), []
        for _ in range(2):
            seen.append(model.forward(x, training=True))
            seen += [model.backward(dy), model.backward(2 * dy), *model.gradients.values()]
            optimizer.step(model)
        return [np.ascontiguousarray(array).tobytes() for array in seen]

    same_on(devices, run)


@pytest.mark.parametrize("layer, options", KINDS[1:4], ids=str)
def test_a_training_goes_on_elsewhere(
    layer: str, options: dict[str, Any], devices: list[str]
) -> None:
    """Begun on the CPU and ended on a GPU, and the reverse."""
    x, y = ids_and_labels(40)

    def run(first: str, then: str) -> list[Any]:
        model = tagger(layer, options, "float32", first)
        model.fit(x, y, epochs=1, verbose=0)
        model.device = then
        model.fit(x, y, epochs=3, initial_epoch=1, verbose=0)
        return training_state(model)

    whole = run("cpu", "cpu")
    for device in devices:
        assert run("cpu", device) == run(device, "cpu") == whole


@needs_emulation
@pytest.mark.parametrize("layer, options", KINDS[:4], ids=str)
def test_a_barrier_that_is_missing_shows(
    layer: str, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A block that does not wait for the rows that its threads multiply, ahead and back."""
    rng = np.random.default_rng(0)
    x, dy = rng.normal(size=(3, 4, 2)), rng.normal(size=(3, 5)).astype(np.float32)

    def run(device: str, ahead: str, back: str) -> tuple[bytes, bytes]:
        layers = [getattr(L, layer)(5, **options)]
        model = md.Model(layers, input_shape=(4, 2), seed=1, device=device)
        monkeypatch.setenv("MUNDUR_CUDA_LATE", ahead)
        y = model.forward(x, training=True)
        monkeypatch.setenv("MUNDUR_CUDA_LATE", back)
        return y.tobytes(), model.backward(dy).tobytes()

    y, dx = run("cpu", "-1", "-1")
    assert run(WITHOUT_A_BARRIER, "-1", "-1") == (y, dx)
    assert run(WITHOUT_A_BARRIER, "1", "-1")[0] != y
    same_y, other_dx = run(WITHOUT_A_BARRIER, "-1", "1")
    assert same_y == y
    assert other_dx != dx
