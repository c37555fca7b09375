"""What the recurrent layers share; see `lstm`, `gru` and `simple_rnn`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy.typing as npt

from . import _core, activations, constraints, initializers, regularizers
from .initializer import Initializer
from .layer import Layer
from .validation import boolean, integer, number, seed_value

if TYPE_CHECKING:
    from .layer import MaskFlow

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


_GET: dict[str, Callable[[Any, str], Any]] = {
    "initializer": initializers.get,
    "regularizer": regularizers.get,
    "constraint": constraints.get,
}


class Recurrent(Layer):
    """What the recurrent layers share."""

    _gates: ClassVar[int]

    units: int
    use_bias: bool
    kernel_initializer: Initializer
    recurrent_initializer: Initializer
    bias_initializer: Initializer
    return_sequences: bool
    go_backwards: bool

    def _take(
        self,
        units: Any,
        use_bias: Any,
        dropout: Any,
        recurrent_dropout: Any,
        seed: Any,
        return_sequences: Any,
        go_backwards: Any,
        **named: Any,
    ) -> None:
        self.units = integer(units, "units", 1, _MOST)
        self.use_bias = boolean(use_bias, "use_bias")
        self.dropout = number(dropout, "dropout", at_least=0, below=1)
        self.recurrent_dropout = number(recurrent_dropout, "recurrent_dropout", at_least=0, below=1)
        self.seed = seed_value(seed)
        self.return_sequences = boolean(return_sequences, "return_sequences")
        self.go_backwards = boolean(go_backwards, "go_backwards")
        for name, value in named.items():
            setattr(self, name, _GET[name.rpartition("_")[2]](value, name))

    def _of_parameters(self, kind: str) -> dict[str, Any]:
        names = {"kernel": "kernel", "recurrent_kernel": "recurrent", "bias": "bias"}
        if not self.use_bias:
            del names["bias"]
        return {name: getattr(self, f"{prefix}_{kind}") for name, prefix in names.items()}

    @property
    def parameter_initializers(self) -> dict[str, Initializer]:
        """Those of kernel, recurrent_kernel and, where there is one, bias."""
        return self._of_parameters("initializer")

    @property
    def parameter_regularizers(self) -> dict[str, regularizers.Regularizer | None]:
        """Those of kernel, recurrent_kernel and bias."""
        return self._of_parameters("regularizer")

    @property
    def parameter_constraints(self) -> dict[str, constraints.Constraint | None]:
        """Those of kernel, recurrent_kernel and bias."""
        return self._of_parameters("constraint")

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
    def activation_is_last(self) -> bool:
        """No: the next step sees what it made."""
        return False

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
    def kernel(self) -> npt.NDArray[Any]:
        """Live view of W, (inputs, gates·units)."""
        return self._view("kernel")

    @property
    def recurrent_kernel(self) -> npt.NDArray[Any]:
        """Live view of U, (units, gates·units)."""
        return self._view("recurrent_kernel")

    @property
    def bias(self) -> npt.NDArray[Any]:
        """Live view of b."""
        return self._view("bias")

    def _repr_config(self) -> dict[str, Any]:
        return {
            name: initializers.as_argument(value) if isinstance(value, Initializer) else value
            for name, value in self.get_config().items()
        }


def only(given: Any, name: str, supported: str) -> str:
    """The one activation that a gate has."""
    found = activations.named(given, name)
    if found == supported:
        return supported
    raise ValueError(f"{name} must be {supported!r}, the only one supported here; got {given!r}")
