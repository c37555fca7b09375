"""What the recurrent layers share; see `lstm`, `gru` and `simple_rnn`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy.typing as npt

from .. import _core
from .._support.checks import boolean, integer, number, seed_value
from ..activations.functions import named
from ..initializers.base import Initializer
from .weighted import Weighted

if TYPE_CHECKING:
    from .base import MaskFlow

__all__ = ["KERAS", "Recurrent", "only"]

_MOST = 2**28
# Arguments of Keras that have one value here.
KERAS: dict[str, Any] = {
    "dtype": None,
    "autocast": True,
    "return_state": False,
    "stateful": False,
    "unroll": False,
    "use_cudnn": "auto",
    "implementation": 2,
    "zero_output_for_mask": False,
}

_share = functools.partial(number, at_least=0, below=1)
_CHECKS: dict[str, Callable[[Any, str], Any]] = {
    "units": functools.partial(integer, minimum=1, maximum=_MOST),
    "use_bias": boolean,
    "dropout": _share,
    "recurrent_dropout": _share,
    "seed": lambda value, _: seed_value(value),
    "return_sequences": boolean,
    "go_backwards": boolean,
}


class Recurrent(Weighted):
    """What the recurrent layers share."""

    _gates: ClassVar[int]

    units: int
    dropout: float
    recurrent_dropout: float
    seed: int | None
    bias_initializer: Initializer
    return_sequences: bool
    go_backwards: bool

    def _set(self, arguments: dict[str, Any]) -> None:
        """Keeps what all take of the constructor's arguments, its `locals()`, checked."""
        for name, check in _CHECKS.items():
            setattr(self, name, check(arguments[name], name))

    def _prefixes(self) -> dict[str, str]:
        weights = {"kernel": "kernel", "recurrent_kernel": "recurrent"}
        return weights | ({"bias": "bias"} if self.use_bias else {})

    def _bias_shape(self) -> tuple[int, ...]:
        return (self._gates * self.units,)

    def parameter_shapes(self, input_shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        """Kernel (inputs, gates·units), recurrent_kernel (units, gates·units) and bias."""
        gates = self._gates * self.units
        shapes: dict[str, tuple[int, ...]] = {
            "kernel": (self._steps_and_inputs(input_shape)[1], gates),
            "recurrent_kernel": (self.units, gates),
        }
        return shapes | ({"bias": self._bias_shape()} if self.use_bias else {})

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of one sample behind this layer."""
        steps, _ = self._steps_and_inputs(input_shape)
        return (steps, self.units) if self.return_sequences else (self.units,)

    def _steps_and_inputs(self, input_shape: tuple[int, ...]) -> tuple[int, int]:
        if len(input_shape) != 2:
            mend = (
                "; numbers over time take x[..., np.newaxis], ids an Embedding in front"
                if len(input_shape) == 1
                else ""
            )
            raise ValueError(
                f"{self.name}: expected samples of shape (steps, inputs), x of shape (batch, "
                f"steps, inputs); got samples of shape {input_shape}{mend}"
            )
        return input_shape[0], input_shape[1]

    @property
    def mask_flow(self) -> MaskFlow:
        """Behind a sequence it still holds."""
        return "passes" if self.return_sequences else "ends"

    def _native(self) -> _core.Recurrent:
        return _core.Recurrent(
            self.units,
            self.use_bias,
            self.dropout,
            self.recurrent_dropout,
            self.seed,
            self.return_sequences,
            self.go_backwards,
        )

    @property
    def recurrent_kernel(self) -> npt.NDArray[Any]:
        """Live view of U, (units, gates·units)."""
        return self._view("recurrent_kernel")


def only(given: Any, name: str, supported: str) -> str:
    """The one activation that a gate has."""
    found = named(given, name)
    if found == supported:
        return supported
    raise ValueError(f"{name} must be {supported!r}, the only one supported here; got {given!r}")
