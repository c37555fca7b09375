"""Where things are that pickles name by modules of before the package had folders."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType

__all__ = ["MOVED"]

# Where a name of an old module is now; public names, of layers for instance, are in these, too.
MOVED = {
    "configurable": "_support.config",
    "views": "_support.views",
    "optimizer": "optimizers.base",
    "serialization": "saving.format",
    "explain": "inspection.explain",
    "checks": "inspection",
    "history": "callbacks.history",
    "learning_rates": "training.learning_rates",
    "initializer": "initializers.base",
    "custom_activation": "activations",
    "schedule": "schedules.base",
    "adams": "optimizers",
    "cosine_decays": "schedules",
    "variance_scaling": "initializers",
    **dict.fromkeys(("callback", "gradient_norms", "monitors"), "callbacks"),
    **dict.fromkeys(("metric", "classification_metrics", "regression_metrics"), "metrics"),
    **dict.fromkeys(("loss", "regression_losses", "focal_losses"), "losses"),
    **dict.fromkeys(
        ("layer", "activation_layers", "activity_regularization", "bidirectional", "convolution"),
        "layers",
    ),
    **dict.fromkeys(("embedding", "gru", "lstm", "masking", "noise", "normalization"), "layers"),
    **dict.fromkeys(("pooling", "reshaping", "residual", "simple_rnn"), "layers"),
    "time_distributed": "layers",
}


class _Finder:
    """Asked last, for a module that nobody else found: an old one hands on what has moved."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        package, _, module = name.partition(".")
        is_old = package == "mundur" and module in MOVED
        return ModuleSpec(name, _Finder) if is_old else None  # type: ignore[arg-type]

    @staticmethod
    def create_module(spec: ModuleSpec) -> None:
        """The usual one."""

    @staticmethod
    def exec_module(module: ModuleType) -> None:
        home = f"mundur.{MOVED[module.__name__.partition('.')[2]]}"
        vars(module)["__getattr__"] = lambda name: getattr(import_module(home), name)


sys.meta_path.append(_Finder)
