"""Two ways to check a model's gradients: central differences, and the textbook."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .._support.checks import boolean, integer, number
from .._support.config import Configurable
from ..activations import Custom
from ..layers.base import Layer
from ..losses.base import Loss
from .explain import checked, explain, float64_copy, loss_value

if TYPE_CHECKING:
    from .. import reference
    from ..models.model import Model

__all__ = ["CheckedParameter", "GradientCheck", "Verification", "check_gradients", "verify"]

Array = npt.NDArray[Any]

# The textbook computes in float64; a chain of layers passes its roundings on.
VERIFY_TOLERANCE = {"float64": 1e-10, "float32": 1e-4, "bfloat16": 5e-2}
# Arguments that leave the numbers of one pass alone.
_NOT_OF_A_PASS = {"input_dim", "input_shape", "name", "seed", "trainable"}
# The step that balances curvature, h²/6 · f‴, against rounding, u |f| / h.
STEP = 6e-6
# Rounding of one loss, in units of its last place: a few hundred additions, some exponentials.
ROUNDING = 16 * 2.0**-52


@dataclass(frozen=True)
class CheckedParameter:
    """One parameter of a `GradientCheck`.

    Attributes
    ----------
    name : str
    checked, size : int
        How many of its elements were varied, and how many it has.
    difference : float
        The largest |backward - central difference|, relative to the gradient's largest element.
    kinks : int
        Elements left out of it: the loss has a corner there, and backward's slope lies between
        those of the two sides, as it should.
    verdict : {"ok", "FAILED", "too small to tell"}
        The last where rounding of the loss drowns the gradient.
    """

    name: str
    checked: int
    size: int
    difference: float
    kinks: int
    verdict: str


@dataclass(frozen=True)
class GradientCheck:
    """What `Model.check_gradients` found; true if nothing failed.

    Attributes
    ----------
    parameters : tuple of CheckedParameter
    tolerance : float

    Examples
    --------
    >>> import mundur as md, numpy as np
    >>> model = md.Model([md.layers.Dense(1, "tanh")], seed=0)
    >>> check = model.check_gradients(np.ones((2, 3)), [1.0, 0.5], loss="mse")
    >>> check.passed, [p.name for p in check.parameters]
    (True, ['dense/kernel', 'dense/bias'])
    """

    parameters: tuple[CheckedParameter, ...]
    tolerance: float

    @property
    def passed(self) -> bool:
        """Whether no parameter failed."""
        return all(p.verdict != "FAILED" for p in self.parameters)

    @property
    def largest(self) -> float:
        """The largest relative difference of all that could be told."""
        told = [p.difference for p in self.parameters if p.verdict != "too small to tell"]
        return max(told, default=0.0)

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        width = max((len(p.name) for p in self.parameters), default=0) + 2
        lines = [
            "Gradients by backward against central differences, in float64, relative to the "
            "largest element",
            *(self._line(p, width) for p in self.parameters),
            ("passed" if self.passed else "FAILED")
            + f" (tolerance {self.tolerance:g}{self._untold()})",
        ]
        return "\n".join(lines)

    def _untold(self) -> str:
        count = sum(p.verdict == "too small to tell" for p in self.parameters)
        return f"; {count} of {len(self.parameters)} too small to tell" if count else ""

    @staticmethod
    def _line(p: CheckedParameter, width: int) -> str:
        part = f"all of {p.size:,}" if p.checked == p.size else f"{p.checked:,} of {p.size:,}"
        kinks = f", {p.kinks} at a kink" if p.kinks else ""
        return f"  {p.name:{width}}{p.difference:8.1e}  {p.verdict} ({part}{kinks})"


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


# ---- central differences ------------------------------------------------------------------------


def check_gradients(
    model: Model,
    x: Any,
    y: Any,
    loss: Any,
    training: bool,
    elements: int | None,
    tolerance: float,
) -> GradientCheck:
    """See `Model.check_gradients`."""
    x, loss = checked(model, x, loss)
    boolean(training, "training")
    most = None if elements is None else integer(elements, "elements", 1)
    tolerance = number(tolerance, "tolerance", above=0)
    chain = float64_copy(model)
    forward = _forward(chain, x, training)
    chain.backward(loss.gradient(y, forward()))
    analytic = {name: chain.gradients[name].copy() for name in chain.trainable_parameters}
    # Regularizers' part, where the model knows of any.
    penalty: Callable[[], float] = getattr(chain, "penalty", lambda: 0.0)

    def value() -> float:
        return loss_value(loss, y, forward()) + penalty()

    found = [
        _check(name, chain.parameters[name], gradient, value, most, tolerance)
        for name, gradient in analytic.items()
    ]
    return GradientCheck(tuple(found), tolerance)


def _forward(chain: Model, x: Array, training: bool) -> Callable[[], Array]:
    """The outputs for x, with the same random numbers each time."""
    count = chain.native.training_forwards

    def forward() -> Array:
        chain.native.training_forwards = count
        return chain.forward(x, training)

    return forward


def _check(
    name: str,
    parameter: Array,
    analytic: Array,
    value: Callable[[], float],
    most: int | None,
    tolerance: float,
) -> CheckedParameter:
    size = parameter.size
    places = np.arange(size)
    if most is not None and most < size:
        places = np.sort(np.random.default_rng(0).choice(size, most, replace=False))
    here = value()
    slopes = np.array(
        [_slopes(parameter, np.unravel_index(p, parameter.shape), value, here) for p in places]
    )
    left, central, right = slopes.T
    expected = analytic.ravel()[places]
    scale = max(np.abs(analytic).max(), np.abs(central).max())
    noise = ROUNDING * max(abs(here), 1e-300) / STEP
    off = np.abs(expected - central)
    allowed = tolerance * scale + noise
    between = (np.minimum(left, right) - 2 * allowed <= expected) & (
        expected <= np.maximum(left, right) + 2 * allowed
    )
    kink = (off > allowed) & between
    smooth = off[~kink]
    worst = float(smooth.max()) if smooth.size else 0.0
    if not worst <= allowed:  # NaN too
        verdict = "FAILED"
    else:
        verdict = "too small to tell" if noise > 0.01 * scale > 0 else "ok"
    difference = worst / scale if scale > 0 else worst
    return CheckedParameter(name, len(places), size, difference, int(kink.sum()), verdict)


def _slopes(
    parameter: Array, place: Any, value: Callable[[], float], here: float
) -> tuple[float, float, float]:
    """The loss's slope on the left, across, and on the right of one element's value."""
    w = float(parameter[place])
    h = STEP * max(1.0, abs(w))
    parameter[place] = w + h
    above, up = value(), float(parameter[place])
    parameter[place] = w - h
    below, down = value(), float(parameter[place])
    parameter[place] = w
    # w + h is rounded: what lies between two points is their difference, not h.
    left, right = (here - below) / (w - down), (above - here) / (up - w)
    return left, (above - below) / (up - down), right


# ---- the textbook -------------------------------------------------------------------------------


def verify(model: Model, x: Any, y: Any, loss: Any, tolerance: float | None) -> Verification:
    """See `Model.verify`."""
    x, loss = checked(model, x, loss)
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
    from .. import reference

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
    from .. import reference

    if isinstance(piece, (list, tuple)):
        return [_textbook(part) for part in piece]
    if isinstance(piece, Custom):
        return _of_numbers(piece.f), _of_numbers(piece.f_prime)
    if not isinstance(piece, Configurable):
        return piece
    kind = "layers" if isinstance(piece, Layer) else "losses" if isinstance(piece, Loss) else ""
    module = kind or type(piece).__module__.rpartition(".")[2]
    cls = getattr(getattr(reference, module, None), type(piece).__name__, None)
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
