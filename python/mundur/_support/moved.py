"""Where things are that pickles name by modules of before the package had folders."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType

# By where their names are now, the old modules; the names of layers, for instance, in `layers`.
_HOMES = {
    "_support.config": "configurable",
    "_support.views": "views",
    "callbacks": "callback gradient_norms monitors",
    "callbacks.history": "history",
    "initializers": "variance_scaling",
    "initializers.base": "initializer",
    "inspection": "checks explain",
    "layers": (
        "activation_layers activity_regularization bidirectional convolution embedding gru layer "
        "lstm masking noise normalization pooling reshaping residual simple_rnn time_distributed"
    ),
    "losses": "focal_losses loss regression_losses",
    "metrics": "classification_metrics metric regression_metrics",
    "optimizers": "adams",
    "optimizers.base": "optimizer",
    "saving.format": "serialization",
    "schedules": "cosine_decays",
    "schedules.base": "schedule",
    "training.learning_rates": "learning_rates",
}
_MOVED = {old: home for home, modules in _HOMES.items() for old in modules.split()}


class _Finder:
    """Asked last, for a module that nobody else found: an old one hands on what has moved."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        package, _, module = name.partition(".")
        is_old = package == "mundur" and module in _MOVED
        return ModuleSpec(name, _Finder) if is_old else None  # type: ignore[arg-type]

    @staticmethod
    def create_module(spec: ModuleSpec) -> None:
        """The usual one."""

    @staticmethod
    def exec_module(module: ModuleType) -> None:
        home = f"mundur.{_MOVED[module.__name__.partition('.')[2]]}"
        vars(module)["__getattr__"] = lambda name: getattr(import_module(home), name)


sys.meta_path.append(_Finder)
