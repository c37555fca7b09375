"""mundur trains neural networks natively on the CPU from NumPy arrays.

>>> import numpy as np
>>> import mundur as md
>>> model = md.Model([md.layers.Dense(16, activation="tanh"), md.layers.Dense(1)], seed=0)
>>> model.compile(optimizer=md.optimizers.Adam(1e-2), loss="mse")
>>> x = np.linspace(-1, 1, 200).reshape(-1, 1)
>>> history = model.fit(x, x**2, epochs=200, verbose=0)
>>> history.history["loss"][-1] < 0.01
True
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import (
    activations,
    augment,
    callbacks,
    constraints,
    errors,
    initializers,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    regularizers,
    runtime,
    schedules,
    utils,
)
from ._support import moved as _moved  # noqa: F401 - old pickles name what has moved
from ._support.names import unknown_attribute
from .callbacks import Callback
from .callbacks.history import History
from .errors import NonFiniteLossError
from .initializers import Initializer
from .layers import Input, Layer
from .losses import Loss
from .metrics import Metric
from .models import Model
from .optimizers import Optimizer
from .runtime import build_info, get_num_threads, isa, set_num_threads

if TYPE_CHECKING:
    from . import backend, model_selection, plots, preprocessing, saving, solvers, text
    from . import sklearn as sklearn
    from .model_selection import fit_many
    from .saving import load_model

Sequential = Model

__all__ = [
    "Callback",
    "History",
    "Initializer",
    "Input",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "NonFiniteLossError",
    "Optimizer",
    "Sequential",
    "__version__",
    "activations",
    "augment",
    "backend",
    "build_info",
    "callbacks",
    "constraints",
    "errors",
    "fit_many",
    "get_num_threads",
    "initializers",
    "isa",
    "layers",
    "load_model",
    "losses",
    "metrics",
    "model_selection",
    "models",
    "optimizers",
    "plots",
    "preprocessing",
    "regularizers",
    "runtime",
    "saving",
    "schedules",
    "set_num_threads",
    "solvers",
    "text",
    "utils",
]
__version__: str = build_info()["version"]
_ON_USE = (
    *("backend", "model_selection", "plots", "preprocessing"),
    *("saving", "sklearn", "solvers", "text"),
)
_EVERY = (*__all__, "sklearn")  # which `from mundur import *` goes without: it needs scikit-learn


if not TYPE_CHECKING:  # else type checkers would believe in any name

    def __getattr__(name: str) -> object:
        # What `import mundur` does without: json and safetensors for files, estimators, figures,
        # texts.
        if name == "load_model":
            from .saving import load_model

            return load_model
        if name in (*_ON_USE, "fit_many"):
            from importlib import import_module

            if name == "fit_many":
                return import_module("mundur.model_selection").fit_many
            return import_module(f"mundur.{name}")
        raise unknown_attribute("mundur", name, _EVERY)

    def __dir__() -> list[str]:
        return sorted(_EVERY)
