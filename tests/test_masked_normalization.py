"""BatchNormalization behind a mask counts no padding; what padding holds reaches nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mundur as md
import numpy as np
import numpy.typing as npt
import pytest
from mundur import reference

Array = npt.NDArray[Any]
L = md.layers
STEPS, WORDS = 6, 9


def ids(samples: int, lengths: Any = None) -> Array:
    rng = np.random.default_rng(samples)
    x = rng.integers(1, WORDS, size=(samples, STEPS))
    for row, n in zip(x, rng.integers(0, STEPS + 1, samples), strict=True):
        row[n if lengths is None else lengths :] = 0
    return x


def network(library: Any, inside: str = "", **options: Any) -> Any:
    layers = library.layers
    normalization = layers.BatchNormalization(momentum=0.5, name="bn")
    if inside:
        normalization = getattr(layers, inside)(
            normalization if inside == "TimeDistributed" else [normalization], name="around"
        )
    return library.Model(
        [
            layers.Embedding(WORDS, 4, mask_zero=True),
            normalization,
            layers.Dense(3, "tanh"),
            layers.GlobalAveragePooling1D(),
        ],
        input_shape=(STEPS,),
        **options,
    )


def state_of(model: md.Model, which: str) -> Array:
    return next(v for name, v in model.state.items() if name.endswith(which))


@pytest.mark.parametrize("inside", ["", "TimeDistributed", "Residual"])
@pytest.mark.parametrize("samples", [1, 5, 300])
def test_moments_are_of_the_steps_that_are_there(samples: int, inside: str) -> None:
    model = network(md, inside, seed=0, dtype="float64")
    x = ids(samples)
    table = model.parameters["embedding/embeddings"][...]
    rows = table[x[x != 0]]
    before = {which: state_of(model, which).copy() for which in ("mean", "variance")}
    model.forward(x, training=True)
    mean, variance = (rows.mean(axis=0), rows.var(axis=0)) if len(rows) else before.values()
    for which, value in (("mean", mean), ("variance", variance)):
        expected = 0.5 * before[which] + 0.5 * value if len(rows) else before[which]
        np.testing.assert_allclose(state_of(model, which), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("inside", ["", "TimeDistributed", "Residual"])
@pytest.mark.parametrize("lengths", [None, 0, STEPS], ids=["some", "no steps", "all steps"])
def test_forward_and_backward_are_the_textbook_s(lengths: Any, inside: str) -> None:
    native = network(md, inside, seed=0, dtype="float64")
    textbook = network(reference, inside)
    rng = np.random.default_rng(3)
    for name, view in native.parameters.items():
        view[...] = rng.normal(size=view.shape)
        textbook.parameters[name][:] = view.tolist()
    x = ids(7, lengths)
    y = native.forward(x, training=True)
    np.testing.assert_allclose(y, textbook.forward(x.tolist(), training=True), rtol=1e-12)
    delta = rng.normal(size=y.shape)
    native.backward(delta)
    textbook.backward(delta.tolist())
    for name, gradient in native.gradients.items():
        np.testing.assert_allclose(
            gradient, textbook.gradients[name], rtol=1e-9, atol=1e-12, err_msg=name
        )
    for name, value in native.state.items():
        np.testing.assert_allclose(value, textbook.state[name], rtol=1e-12, err_msg=name)


def test_gradients_are_those_of_central_differences() -> None:
    model = network(md, seed=0, dtype="float64")
    x, w = ids(5), np.random.default_rng(2).normal(size=(5, 3))
    state = {name: value.copy() for name, value in model.state.items()}

    def value() -> float:
        for name, kept in state.items():
            model.state[name] = kept
        return float((model.forward(x, training=True) * w).sum())

    value()
    model.backward(w)
    gradients = {name: gradient.copy() for name, gradient in model.gradients.items()}
    for name, view in model.parameters.items():
        flat, found = view.reshape(-1), gradients[name].reshape(-1)
        for i in range(0, flat.size, 3):
            kept, h = flat[i], 1e-6
            flat[i] = kept + h
            above = value()
            flat[i] = kept - h
            below = value()
            flat[i] = kept
            assert (above - below) / (2 * h) == pytest.approx(found[i], rel=1e-5, abs=1e-7), name


def bits(model: md.Model, x: Array) -> list[bytes]:
    model.compile("adam", "mse")
    model.fit(x, np.ones((len(x), 3)), 100, 2, verbose=0)
    return [w.tobytes() for w in model.get_weights()]


def test_the_same_bits_everywhere(same_everywhere: Any) -> None:
    same_everywhere(lambda: bits(network(md, seed=0), ids(300)))


def test_a_mask_that_masks_nothing_is_no_mask() -> None:
    found = []
    for mask in (True, False):
        layers = [L.Embedding(WORDS, 4, mask_zero=mask), L.BatchNormalization()]
        layers += [L.Dense(3), L.GlobalAveragePooling1D()]
        found.append(bits(md.Model(layers, input_shape=(STEPS,), seed=0), ids(200, STEPS)))
    assert found[0] == found[1]


BEHIND: dict[str, Callable[[], list[Any]]] = {
    "lstm": lambda: [L.LSTM(5), L.Dense(1)],
    "bidirectional": lambda: [L.Bidirectional(L.GRU(3)), L.Dense(1)],
    "normalized": lambda: [L.BatchNormalization(), L.SimpleRNN(4), L.Dense(1)],
    "dense": lambda: [L.Dense(5, "relu"), L.GlobalAveragePooling1D(), L.Dense(1)],
    "masked outputs": lambda: [L.Dense(1)],
}


@pytest.mark.parametrize("held", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("behind", BEHIND)
def test_what_the_row_of_padding_holds_reaches_nothing(behind: str, held: float) -> None:
    def trained(value: float) -> list[bytes]:
        model = md.Model(
            [L.Embedding(WORDS, 4, mask_zero=True), *BEHIND[behind]()],
            input_shape=(STEPS,),
            seed=0,
        )
        model.parameters["embedding/embeddings"][0] = value
        model.compile("sgd", "mse")
        x = ids(40)
        y = np.ones((40, STEPS, 1) if behind == "masked outputs" else (40, 1))
        model.train_on_batch(x, y)
        model.forward(x, training=True)
        dx = model.backward(np.ones_like(y) * (x != 0)[..., None] if y.ndim == 3 else y)
        assert np.isfinite(dx).all()
        weights = [w.copy() for w in model.get_weights()]
        weights[0][0] = 0.0
        numbers = [*weights, *(g.copy() for g in model.gradients.values())]
        assert all(np.isfinite(number).all() for number in numbers)
        return [number.tobytes() for number in numbers]

    assert trained(held) == trained(0.0)
