"""What is chosen on the page: its names, its limits, and what they come to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from .data import MADE
from .pieces import Piece
from .texts import FieldError

__all__ = ["ACTIVATIONS", "LIMITS", "LIVE", "LOSSES", "PRESETS", "Layer", "Settings"]

ACTIVATIONS = (
    *("linear", "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "softplus", "softsign"),
    *("tanh", "sigmoid"),
)
OPTIMIZERS = ("SGD", "RMSprop", "Adagrad", "Adadelta", "Adam", "AdamW", "Adamax", "Nadam", "Lion")
WITH_MOMENTUM = ("SGD", "RMSprop")
INITIALIZERS = {
    **{
        name: Piece(f"initializers.{name}")
        for name in ("GlorotUniform", "GlorotNormal", "HeUniform", "HeNormal", "LecunNormal")
    },
    "Orthogonal": Piece("initializers.Orthogonal"),
    "RandomNormal": Piece("initializers.RandomNormal", stddev=1.0),
    "Zeros": Piece("initializers.Zeros"),
}
REGULARIZERS = ("none", "L1", "L2")
# Of each kind of task: of two classes, of several, of numbers.
LOSSES = {
    "binary": ("crossentropy", "squared", "hinge"),
    "classes": ("crossentropy", "squared"),
    "numbers": ("squared", "absolute", "huber"),
}
LIMITS: dict[str, tuple[float, float]] = {
    "samples": (20, 2000),
    "noise": (0, 1),
    "share": (0.1, 0.9),
    "seed": (0, 2**32 - 1),
    "layers": (0, 12),
    "units": (1, 64),
    "learning_rate": (1e-8, 1e6),
    "momentum": (0, 0.999),
    "strength": (0, 10),
    "dropout": (0, 0.9),
    "batch_size": (1, 2000),
}
_WHOLE = ("samples", "seed", "layers", "units", "batch_size")
LIVE = ("learning_rate",)  # what may change in the midst of a training


@dataclass(frozen=True)
class Layer:
    """A hidden layer."""

    units: int
    activation: str


@dataclass(frozen=True)
class Settings:
    """Everything that a training depends on, but for the rows of a CSV file."""

    data: str = "circle"
    samples: int = 300
    noise: float = 0.05
    share: float = 0.7  # of the samples that train; the others validate
    seed: int = 0
    layers: tuple[Layer, ...] = (Layer(8, "tanh"), Layer(4, "tanh"))
    loss: str = "crossentropy"
    optimizer: str = "Adam"
    learning_rate: float = 0.01
    momentum: float = 0.0
    regularizer: str = "none"
    strength: float = 0.001
    dropout: float = 0.0
    batch_size: int = 16
    initializer: str = "GlorotUniform"

    @classmethod
    def of(cls, given: Any) -> Settings:
        """Settings out of JSON; those left out are the defaults. A FieldError names a bad one."""
        if not isinstance(given, Mapping):
            raise FieldError("settings", "object")
        names = [field.name for field in fields(cls)]
        unknown = [name for name in given if name not in names]
        if unknown:
            raise FieldError(str(unknown[0])[:40], "no_setting", names=", ".join(names))
        return cls(**{name: _checked(name, value) for name, value in given.items()})

    def plain(self) -> dict[str, Any]:
        """As data for JSON."""
        return asdict(self)

    def check_loss(self, classes: int) -> None:
        """Raises a FieldError where the loss does not suit the data."""
        known = LOSSES[kind_of(classes)]
        if self.loss not in known:
            raise FieldError("loss", "loss", names=", ".join(known), got=self.loss)

    def objective(self, classes: int) -> tuple[Piece, int, str, list[str]]:
        """The loss, the outputs, their activation, the metrics."""
        binary = kind_of(classes) == "binary"
        outputs = 1 if classes in (0, 2) else classes
        accuracy = ["accuracy"] if classes else []
        if self.loss == "crossentropy":
            name = "BinaryCrossentropy" if binary else "SparseCategoricalCrossentropy"
            return Piece(f"losses.{name}", from_logits=True), outputs, "linear", accuracy
        if self.loss == "hinge":
            return Piece("losses.Hinge"), outputs, "linear", accuracy
        head = "linear" if not classes else "sigmoid" if binary else "softmax"
        names = {"absolute": "MeanAbsoluteError", "huber": "Huber"}
        name = names.get(self.loss, "MeanSquaredError")
        return Piece(f"losses.{name}"), outputs, head, accuracy

    def network(self, outputs: int, head: str) -> list[Piece]:
        """The layers, the last one too."""
        options: dict[str, Any] = {}
        if self.initializer != "GlorotUniform":
            options["kernel_initializer"] = INITIALIZERS[self.initializer]
        if self.regularizer != "none":
            penalty = Piece(f"regularizers.{self.regularizer}", self.strength)
            options["kernel_regularizer"] = penalty
        pieces = []
        for layer in self.layers:
            pieces.append(Piece("layers.Dense", layer.units, layer.activation, **options))
            if self.dropout:
                pieces.append(Piece("layers.Dropout", self.dropout))
        ends = (outputs,) if head == "linear" else (outputs, head)
        return [*pieces, Piece("layers.Dense", *ends, **options)]

    def rule(self) -> Piece:
        """The optimizer."""
        options: dict[str, Any] = {"learning_rate": self.learning_rate}
        if self.momentum and self.optimizer in WITH_MOMENTUM:
            options["momentum"] = self.momentum
        return Piece(f"optimizers.{self.optimizer}", **options)


def kind_of(classes: int) -> str:
    """Which losses are to choose from; classes as the data have them, 0 for numbers."""
    return "numbers" if classes == 0 else "binary" if classes == 2 else "classes"


CHOICES: dict[str, tuple[str, ...]] = {
    "data": (*MADE, "csv"),
    "activation": ACTIVATIONS,
    "loss": tuple(dict.fromkeys(name for names in LOSSES.values() for name in names)),
    "optimizer": OPTIMIZERS,
    "regularizer": REGULARIZERS,
    "initializer": tuple(INITIALIZERS),
}


def _checked(name: str, value: Any, field: str | None = None) -> Any:
    """One value, checked; `field` is what the page calls it, by default the name."""
    field = field or name
    if name == "layers":
        return _layers(value)
    if name in CHOICES:
        if not isinstance(value, str) or value not in CHOICES[name]:
            raise FieldError(field, "choice", names=", ".join(CHOICES[name]))
        return value
    least, most = LIMITS[name]
    kind = "whole" if name in _WHOLE else "number"
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, float))
        or not least <= value <= most  # nor is NaN
        or (kind == "whole" and value != int(value))
    ):
        got = "–" if value is None else str(value)[:40]
        raise FieldError(field, kind, least=least, most=most, got=got)
    return int(value) if kind == "whole" else float(value)


def _layers(value: Any) -> tuple[Layer, ...]:
    most = int(LIMITS["layers"][1])
    if not isinstance(value, (list, tuple)):
        raise FieldError("layers", "list")
    if len(value) > most:
        raise FieldError("layers", "layers", most=most, count=len(value))
    result = []
    for number, layer in enumerate(value, 1):
        if not isinstance(layer, Mapping) or set(layer) != {"units", "activation"}:
            raise FieldError(f"layer {number}", "layer")
        units = _checked("units", layer["units"], f"units of layer {number}")
        activation = layer["activation"]
        result.append(
            Layer(units, _checked("activation", activation, f"activation of layer {number}"))
        )
    return tuple(result)


# What goes wrong, to be seen; the page has a sentence on each.
PRESETS = {
    "overshoot": Settings(
        *("plane", 200, 0.05),
        layers=(),
        loss="squared",
        optimizer="SGD",
        learning_rate=1.3,
        batch_size=140,
    ),
    "vanishing": Settings(
        data="xor",
        layers=(Layer(8, "sigmoid"),) * 8,
        optimizer="SGD",
        learning_rate=0.1,
    ),
    "overfitting": Settings(
        *("gaussians", 90, 0.3),
        share=0.4,
        layers=(Layer(32, "relu"), Layer(32, "relu")),
        learning_rate=0.01,
        batch_size=8,
    ),
}
