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
from ..data.arrays import Several, arrays_in
from ..data.dataset import Objective
from ..layers.base import Layer
from ..losses.base import Loss
from ..regularizers import Regularizer
from .arguments import Total, checked
from .explain import explain

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
    x, y, loss = checked(model, x, y, loss)
    dtype = model.compute_dtype
    limit = (
        VERIFY_TOLERANCE[dtype] if tolerance is None else number(tolerance, "tolerance", above=0)
    )
    textbook, taught_loss = _textbook_model(model), _taught(loss, model)
    shown = explain(model, x, y, loss)
    graph = model._graph_built
    targets = [
        None if part is None else np.asarray(part).tolist() for part in arrays_in(_all(shown.y))
    ]
    outputs = textbook.forward([_numbers(part) for part in arrays_in(x)])
    total, gradients = taught_loss(targets, outputs)
    deltas = textbook.backward(gradients)
    found = {"loss": _difference(shown.loss, total)}
    of_values = [*deltas, *textbook.deltas[len(graph.inputs) :]]
    for native, output, (_, sources) in zip(shown, textbook.outputs, graph.calls, strict=True):
        found[f"{native.name} a"] = _difference(native.a, output)
        back = native.dx if isinstance(native.dx, tuple) else (native.dx,)
        for i, (dx, source) in enumerate(zip(back, sources, strict=True)):
            at = f"[{i}]" if len(sources) > 1 else ""
            found[f"{native.name} ∂L/∂x{at}"] = _difference(dx, of_values[source])
    for name, gradient in shown.gradients.items():
        found[name] = _difference(gradient, textbook.gradients[name])
    return Verification(found, limit, dtype)


def _all(given: Any) -> Any:
    return Several(given) if isinstance(given, tuple) else given


def _numbers(x: Array) -> Any:
    return np.asarray(x, np.float64).tolist()


def _taught(loss: Any, model: Model) -> Callable[[list[Any], list[Any]], tuple[float, list[Any]]]:
    """The textbook's loss of all outputs, and its gradient by each."""
    asked = loss.asked if isinstance(loss, Total) else [Objective(loss)]
    taught = [None if one.loss is None else _textbook(one.loss) for one in asked]

    def total(targets: list[Any], outputs: list[Any]) -> tuple[float, list[Any]]:
        value, gradients = 0.0, []
        for one, own, t, p in zip(asked, taught, targets, outputs, strict=True):
            if own is None:
                gradients.append(np.zeros(np.shape(p)).tolist())
                continue
            value += one.weight * own(t, p)
            gradients.append((one.weight * np.asarray(own.gradient(t, p))).tolist())
        return value, gradients

    return total


def _difference(native: Any, taught: Any) -> float:
    got, expected = np.asarray(native, np.float64), np.asarray(taught, np.float64)
    if got.shape != expected.shape:
        raise ValueError(f"the textbook gives shape {expected.shape}; native code {got.shape}")
    largest = max(np.abs(got).max(), np.abs(expected).max())
    return float(np.abs(got - expected).max() / largest) if largest > 0 else 0.0


def _textbook_model(model: Model) -> Any:
    graph = model._graph_built
    pairs = zip(graph.layers, graph.names, strict=True)
    layers = [_textbook(layer, name=name) for layer, name in pairs]
    textbook = reference.graph.Graph(
        layers, graph.calls, graph.outputs, graph.shapes[: len(graph.inputs)]
    )
    parameters = model._parameter_views()
    textbook.set_parameters({name: value.tolist() for name, value in parameters.items()})
    for name, value in model._state.items():
        layer: Any = next(p for p in layers if name.startswith(f"{p.name}/"))
        layer.state[name.removeprefix(f"{layer.name}/")][:] = value.tolist()
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
