"""A model's gradients against central differences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .._support.checks import boolean, integer, number
from ..data.arrays import Several
from .arguments import bare, checked, float64_copy, loss_value

if TYPE_CHECKING:
    from ..models.model import Model

__all__ = ["CheckedParameter", "GradientCheck", "central_differences", "check_gradients"]

Array = npt.NDArray[Any]

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
    x, y, loss = checked(model, x, y, loss)
    boolean(training, "training")
    most = None if elements is None else integer(elements, "elements", 1)
    tolerance = number(tolerance, "tolerance", above=0)
    analytic, chain, value = _measured(model, x, y, loss, training)
    found = [
        _check(name, chain.parameters[name], gradient, value, most, tolerance)
        for name, gradient in analytic.items()
    ]
    return GradientCheck(tuple(found), tolerance)


def central_differences(
    model: Model, x: Any, y: Any, loss: Any, most: int
) -> dict[str, tuple[Array, Array, Array]]:
    """Of each parameter that learns at most so many elements, in float64.

    Their places are flat indices in ascending order; then come backward's gradient there, and the
    slopes on the left, across, and on the right. Where there are more elements,
    half are the gradient's largest, the others drawn.
    """
    x, y, loss = checked(model, x, y, loss)
    analytic, chain, value = _measured(model, x, y, loss, False)
    found = {}
    for name, gradient in analytic.items():
        if most >= gradient.size:
            places = np.arange(gradient.size)
        else:
            largest = np.argpartition(np.abs(gradient.ravel()), -(most // 2))[-(most // 2) :]
            drawn = np.random.default_rng(0).choice(gradient.size, most, replace=False)
            others = drawn[~np.isin(drawn, largest)][: most - len(largest)]
            places = np.sort(np.concatenate([largest, others]))
        slopes = _all_slopes(chain.parameters[name], places, value, value())
        found[name] = places, gradient.ravel()[places], slopes
    return found


def _measured(
    model: Model, x: Any, y: Any, loss: Any, training: bool
) -> tuple[dict[str, Array], Model, Callable[[], float]]:
    """Backward's gradients in float64, the model that made them, and its L + R as a function."""
    chain = float64_copy(model)
    forward = _forward(chain, x, training)
    chain.backward(_as_outputs(loss.gradient(y, forward())))
    analytic = {name: chain.gradients[name].copy() for name in chain.trainable_parameters}
    # Regularizers' part, where the model knows of any.
    penalty: Callable[[], float] = getattr(chain, "penalty", lambda: 0.0)

    def value() -> float:
        return loss_value(loss, y, forward()) + penalty()

    return analytic, chain, value


def _all_slopes(parameter: Array, places: Array, value: Callable[[], float], here: float) -> Array:
    """Left, central and right slope of each place: (places, 3)."""
    shape = parameter.shape
    return np.array(
        [_slopes(parameter, np.unravel_index(p, shape), value, here) for p in places]
    ).reshape(-1, 3)


def _as_outputs(gradient: Any) -> Any:
    return Several(gradient) if isinstance(gradient, list) else gradient


def _forward(chain: Model, x: Any, training: bool) -> Callable[[], Any]:
    """The outputs for x, with the same random numbers each time, from the same state."""
    count = chain.native.training_forwards
    state = {name: view.copy() for name, view in chain.state.items()}

    def forward() -> Any:
        chain.native.training_forwards = count
        for name, values in state.items():
            chain.state[name] = values
        return bare(chain, chain.forward(x, training), "y_pred")

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
    left, central, right = _all_slopes(parameter, places, value, here).T
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
