"""The textbook: backpropagation as it is taught, in plain Python lists and `math`.

Every module has the same notation, and one formula per comment:

    z_j = Σ_i a_i W_ij + b_j        a_j = f(z_j)
    δ_j = f′(z_j) Σ_k W_jk δ_k      ∂L/∂W_ij = δ_j a_i      ∂L/∂b_j = δ_j

    x, a         a layer's input, which is the a of the layer before it, and its output
    W, b         its weights: W_ij leads from input i to unit j
    z, f         its weighted sums, z = x W + b, and its activation, a = f(z)
    δ            ∂L/∂z; what comes from the layer above is ∂L/∂a, so δ_j = f′(z_j) ∂L/∂a_j
    y, t         the last layer's a, and what it should be
    ℓ, L         the loss of a sample, and of a batch
    w, g, η      any one weight, its gradient ∂L/∂w, and the learning rate
    h, c, U      a recurrent layer's states, and the weights of its h of the step before
    i, f, c, o   an LSTM's gates: in, forget, cell and out; n is the new part of the cell
    z, r, n      a GRU's gates: update and reset, and the new part; p and q are its sums

As an index n counts samples, t time steps, i inputs, j units and k taps of a window.

A batch is a list of samples, a sample a list of numbers (or of lists, before `Flatten`); every
number is a Python float, that is float64. Nothing here uses NumPy or the native core: central
differences prove the textbook (`check`), and the textbook proves the native code. It is slow on
purpose. ``python -m mundur.reference`` prints the order in which to read.

Examples
--------
>>> from mundur.reference import Model, layers, losses, optimizers
>>> model = Model([layers.Dense(4, "tanh"), layers.Dense(1, "sigmoid")], seed=0)
>>> model.compile(optimizers.Adam(0.05), losses.BinaryCrossentropy())
>>> x, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
>>> history = model.fit(x, y, batch_size="full", epochs=300)
>>> [round(p) for [p] in model.predict(x)]
[0, 1, 1, 0]
"""

from . import (
    activations,
    check,
    constraints,
    exercises,
    graph,
    initializers,
    layers,
    lists,
    losses,
    metrics,
    model,
    optimizers,
    regularizers,
    worked_example,
)
from .model import Model

__all__ = [
    "Model",
    "activations",
    "check",
    "constraints",
    "exercises",
    "graph",
    "initializers",
    "layers",
    "lists",
    "losses",
    "metrics",
    "model",
    "optimizers",
    "regularizers",
    "worked_example",
]
