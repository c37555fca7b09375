"""Keras and PyTorch as witnesses of the recurrent layers: outputs and gradients."""

from __future__ import annotations

import os
from typing import Any

import mundur as md
import numpy as np
import numpy.typing as npt
import pytest

os.environ.setdefault("KERAS_BACKEND", "torch")
torch = pytest.importorskip("torch", reason="the witness is PyTorch: install the extra 'witness'")

Array = npt.NDArray[Any]
LAYERS = ["SimpleRNN", "LSTM", "GRU"]
OPTIONS: list[dict[str, bool]] = [
    {},
    {"return_sequences": True},
    {"return_sequences": True, "go_backwards": True},
    {"use_bias": False},
]


def error(found: Any, expected: Any) -> float:
    expected = np.asarray(expected)
    assert np.shape(found) == expected.shape
    return float(np.abs(np.asarray(found) - expected).max() / np.abs(expected).max())


# ---- Keras --------------------------------------------------------------------------------------


def stack(library: Any, mode: str | None, layer: str, mask: bool, options: dict[str, bool]) -> Any:
    one = getattr(library.layers, layer)(6, **options)
    return [
        library.layers.Embedding(input_dim=9, output_dim=4, mask_zero=mask),
        library.layers.Bidirectional(one, merge_mode=mode) if mode else one,
    ]


@pytest.mark.keras
@pytest.mark.parametrize("mask", [False, True], ids=["whole", "masked"])
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("mode", [None, "concat", "sum", "mul", "ave"])
@pytest.mark.parametrize("layer", LAYERS)
def test_keras_has_the_same_outputs_and_gradients(
    layer: str, mode: str | None, options: dict[str, bool], mask: bool
) -> None:
    keras = pytest.importorskip("keras", reason="install the extra 'keras'")
    if mode and options.get("go_backwards"):
        options = {"return_sequences": True}
    rng = np.random.default_rng(0)
    ours = md.Model(stack(md, mode, layer, mask, options), input_shape=(7,), seed=0)
    layers = stack(keras, mode, layer, mask, options)
    theirs = keras.Sequential([keras.Input((7,), dtype="int32"), *layers])
    weights = [rng.normal(size=w.shape).astype(np.float32) * 0.5 for w in ours.get_weights()]
    ours.set_weights(weights)
    theirs.set_weights(weights)
    x = rng.integers(0, 9, (5, 7))
    x[0, :3] = x[1, 4:] = 0
    y, expected = ours.forward(x, training=True), theirs(x, training=True)
    assert error(y, expected.detach().numpy()) < 1e-5
    delta = rng.normal(size=y.shape).astype(np.float32)
    ours.backward(delta)
    variables = theirs.trainable_variables
    gradients = torch.autograd.grad(
        (expected * torch.tensor(delta)).sum(), [v.value for v in variables]
    )
    for found, gradient in zip(ours.gradients.values(), gradients, strict=True):
        assert error(found, gradient.numpy()) < 1e-4


# ---- PyTorch ------------------------------------------------------------------------------------

# PyTorch's gates, in the order in which ours stand.
ORDER = {"SimpleRNN": [0], "LSTM": [0, 1, 2, 3], "GRU": [1, 0, 2]}


def from_torch(layer: str, weight: Any) -> Array:
    """A weight (gates·units, ...) of PyTorch as ours: gates in our order, transposed."""
    parts = np.split(np.asarray(weight.detach().numpy()), len(ORDER[layer]))
    return np.concatenate([parts[i] for i in ORDER[layer]]).T


@pytest.mark.witness
@pytest.mark.parametrize("layer", LAYERS)
def test_pytorch_has_the_same_outputs_and_gradients(layer: str) -> None:
    kind = {"SimpleRNN": torch.nn.RNN, "LSTM": torch.nn.LSTM, "GRU": torch.nn.GRU}[layer]
    torch.manual_seed(0)
    theirs = kind(4, 6, batch_first=True).double()
    ours = md.Model(
        [getattr(md.layers, layer)(6, return_sequences=True)],
        input_shape=(7, 4),
        seed=0,
        dtype="float64",
    )

    def converted(w: Any, u: Any, b: Any, c: Any) -> list[Array]:
        biases = [from_torch(layer, b), from_torch(layer, c)]
        bias = np.stack(biases) if layer == "GRU" else sum(biases)
        return [from_torch(layer, w), from_torch(layer, u), np.asarray(bias)]

    parameters = list(theirs.parameters())
    ours.set_weights(converted(*parameters))
    rng = np.random.default_rng(1)
    x = rng.normal(size=(5, 7, 4))
    given = torch.tensor(x, requires_grad=True)
    y, expected = ours.forward(x, training=True), theirs(given)[0]
    assert error(y, expected.detach().numpy()) < 1e-12
    delta = rng.normal(size=y.shape)
    dx = ours.backward(delta)
    w, u, b, c, d = torch.autograd.grad(
        (expected * torch.tensor(delta)).sum(), [*parameters, given]
    )
    assert error(dx, d.numpy()) < 1e-12
    gradients = converted(w, u, b, c)
    if layer != "GRU":  # both biases have the gradient of their sum
        gradients[2] = from_torch(layer, b)
    for found, gradient in zip(ours.gradients.values(), gradients, strict=True):
        assert error(found, gradient) < 1e-12
