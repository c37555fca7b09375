"""A model against the textbook: one pass, every number."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .. import reference
from .._support.checks import number
from .._support.config import Configurable
from .._support.dtypes import ROUNDED
from ..activations import Custom
from ..layers.base import Layer
from ..losses.base import Loss
from ..regularizers import Regularizer
from .explain import checked, explain

if TYPE_CHECKING:
    from ..models.model import Model

__all__ = ["Verification", "verify"]

Array = npt.NDArray[Any]

# The textbook computes in float64; a chain of layers passes its roundings on.
VERIFY_TOLERANCE = {"float64": 1e-10, "float32": 1e-4} | dict.fromkeys(ROUNDED, 5e-2)
# The textbook's pieces by the names that they share with ours.
_BOOKS: dict[type, Mapping[str, type]] = {
    Layer: reference.layers.KNOWN,
    Loss: reference.losses.CLASS_NAMES,
    Regularizer: reference.regularizers.CLASS_NAMES,
}
# Arguments that leave the numbers of one pass alone.
_NOT_OF_A_PASS = {"input_dim", "input_shape", "name", "seed", "trainable"}


@dataclass(frozen=True)
class Verification:
    """What `Model.verify` found; true if everything agrees.

    Attributes
    ----------
    differences : dict of str to float
        By "loss", "layer a", "layer ∂L/∂x" and "layer/parameter": the largest difference,
        relative to the largest element.
    tolerance : float
    dtype : str
        What the native code computed in.

    Examples
    --------
    >>> import mundur as md, numpy as np
    >>> model = md.Model([md.layers.Dense(1, "tanh")], seed=0)
    >>> verification = model.verify(np.ones((2, 3)), [1.0, 0.5], loss="mse")
    >>> verification.passed, list(verification.differences)
    (True, ['loss', 'dense a', 'dense ∂L/∂x', 'dense/kernel', 'dense/bias'])
    """

    differences: dict[str, float]
    tolerance: float
    dtype: str

    @property
    def passed(self) -> bool:
        """Whether no difference, NaN among them, goes beyond the tolerance."""
        return all(value <= self.tolerance for value in self.differences.values())

    @property
    def largest(self) -> float:
        """The largest difference."""
        return float(np.max(list(self.differences.values())))

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        width = max(map(len, self.differences)) + 2
        rows = [
            f"  {name:{width}}{value:8.1e}  {'ok' if value <= self.tolerance else 'FAILED'}"
            for name, value in self.differences.items()
        ]
        verdict = "passed" if self.passed else "FAILED"
        title = (
            f"Native code in {self.dtype} against mundur.reference, relative to the largest element"
        )
        return "\n".join([title, *rows, f"{verdict} (tolerance {self.tolerance:g})"])


def verify(model: Model, x: Any, y: Any, loss: Any, tolerance: float | None) -> Verification:
    """See `Model.verify`."""
    x, loss = checked(model, x, y, loss)
    dtype = model.compute_dtype
    limit = (
        VERIFY_TOLERANCE[dtype] if tolerance is None else number(tolerance, "tolerance", above=0)
    )
    textbook, taught_loss = _textbook_model(model), _textbook(loss)
    shown = explain(model, x, y, loss)

    outputs, inputs = _recorded(textbook, "forward"), _recorded(textbook, "backward")
    targets = np.asarray(y).tolist()
    taught = textbook.forward(np.asarray(x, np.float64).tolist())
    textbook.backward(taught_loss.gradient(targets, taught))
    found = {"loss": _difference(shown.loss, taught_loss(targets, taught))}
    for native, output, dx in zip(shown, outputs, reversed(inputs), strict=True):
        found[f"{native.name} a"] = _difference(native.a, output)
        found[f"{native.name} ∂L/∂x"] = _difference(native.dx, dx)
    for name, gradient in shown.gradients.items():
        found[name] = _difference(gradient, textbook.gradients[name])
    return Verification(found, limit, dtype)


def _recorded(textbook: reference.Model, method: str) -> list[Any]:
    """What a method of the layers returns, in the order of the calls that follow."""
    record: list[Any] = []

    def recording(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            record.append(original(*arguments))
            return record[-1]

        return call

    for layer in textbook.layers:
        setattr(layer, method, recording(getattr(layer, method)))
    return record


def _difference(native: Any, taught: Any) -> float:
    got, expected = np.asarray(native, np.float64), np.asarray(taught, np.float64)
    if got.shape != expected.shape:
        raise ValueError(f"the textbook gives shape {expected.shape}; native code {got.shape}")
    largest = max(np.abs(got).max(), np.abs(expected).max())
    return float(np.abs(got - expected).max() / largest) if largest > 0 else 0.0


def _textbook_model(model: Model) -> reference.Model:
    layers = [_textbook(layer, name=layer.name) for layer in model.layers]
    textbook = reference.Model(layers, input_shape=model.native.input_shape)
    parameters = model._parameter_views()
    textbook.set_parameters({name: value.tolist() for name, value in parameters.items()})
    for name, value in model._state.items():
        layer_name, _, state = name.partition("/")
        layer: Any = next(p for p in layers if p.name == layer_name)
        layer.state[state][:] = value.tolist()
    for name in set(parameters) - set(model.trainable_parameters):
        textbook.freeze(name)
    return textbook


def _of_numbers(function: Callable[[Array], Array]) -> Callable[[float], float]:
    return lambda z: float(function(np.array([[z]]))[0, 0])


def _textbook(piece: Any, **changes: Any) -> Any:
    """The textbook's piece of the same name and arguments; first values aside, which are copied."""
    if isinstance(piece, (list, tuple)):
        return [_textbook(part) for part in piece]
    if isinstance(piece, Custom):
        return _of_numbers(piece.f), _of_numbers(piece.f_prime)
    if not isinstance(piece, Configurable):
        return piece
    book = next((book for base, book in _BOOKS.items() if isinstance(piece, base)), {})
    cls = book.get(type(piece).__name__)
    if cls is None:
        raise ValueError(
            f"mundur.reference has no {type(piece).__name__} to verify this model against; "
            "check_gradients needs none"
        )
    known, defaults = inspect.signature(cls).parameters, inspect.signature(type(piece)).parameters
    config = {}
    for name, value in piece.get_config().items():
        # A Dense's input_dim is its input_shape, an Embedding's is its own.
        is_dim = name == "input_dim" and name in known
        if not is_dim and (
            name in _NOT_OF_A_PASS or name.endswith(("_initializer", "_constraint"))
        ):
            continue
        if name in known:
            config[name] = _textbook(value)
        elif value is not defaults[name].default and value != defaults[name].default:
            raise ValueError(
                f"mundur.reference's {type(piece).__name__} knows no {name}={value!r} to verify "
                "this model against; check_gradients needs none"
            )
    return cls(**config | {n: v for n, v in changes.items() if n in known})
