"""The textbook: backpropagation as it is taught, in plain Python lists and `math`.

Everything here is written to be read beside course notes, one formula per comment:

    z_j = Σ_i a_i W_ij + b_j        a_j = f(z_j)
    δ_j = f′(z_j) Σ_k W_jk δ_k      ∂L/∂W_ij = δ_j a_i      ∂L/∂b_j = δ_j

A batch is a list of samples, a sample a list of numbers (or of lists, before `Flatten`); every
number is a Python float, that is float64. Nothing here uses NumPy or the native core: central
differences prove the textbook (`check`), and the textbook proves the native code. It is slow on
purpose.

Read it in this order:

- `activations`: f and f′;
- `layers`: forward, and backward directly below it; then `normalization`, `noise` and `residual`,
  and for sequences `embedding`, `convolution` with its `windows`, `pooling`, `reshaping` and
  `time_distributed`;
- `losses`: L and ∂L/∂y;
- `optimizers`: w ← w − η ∂L/∂w, and its refinements;
- `model`: the chain rule as a loop over layers, and training as a loop over batches;
- `check`: why one should believe all of that;
- `worked_example`: a 2-2-2 network, number by number.

`initializers` and `metrics` give first weights and what people look at, `regularizers` and
`constraints` keep weights small, `lists` has the few helpers for nested lists.

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
