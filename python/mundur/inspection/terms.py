"""The gradient of one weight that is used at many places, as the sum that it is.

Whatever the layer, ∂L/∂w = Σ x·δ: at every place that uses w, what went in through it times the
error that it led to (LeCun et al., "Backpropagation applied to handwritten zip code recognition",
1989; Werbos, "Backpropagation through time", 1990). Here stands which x and which δ meet at a
place. A sum is given only where it comes to the core's own gradient.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from .gates import GATES

__all__ = ["Terms", "Window", "sums_of"]

Array = npt.NDArray[Any]
Place = tuple[int, ...]

# How far a sum may be off, relative to that of its terms' sizes: bfloat16 rounds both factors.
_OFF = 5e-3


@dataclass(frozen=True)
class Window:
    """Which inputs a convolution's kernel meets; a number for each axis.

    Attributes
    ----------
    strides, dilation : tuple of int
    padding : {"valid", "same", "causal"}
    is_transposed : bool
        Whether the kernel lies on the output.
    """

    strides: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: str
    is_transposed: bool

    def seen(self, values: Array, tap: Place, kernel: Place, counts: Place) -> Array:
        """What lies under one tap of so many windows: 0 beyond the edges.

        `values` have shape (samples, *places), the result (samples, *counts).
        """
        for axis, (k, size, n) in enumerate(zip(tap, kernel, counts, strict=True), 1):
            stride, dilation = self.strides[axis - 1], self.dilation[axis - 1]
            extent, length = (size - 1) * dilation + 1, values.shape[axis]
            both = max((n - 1) * stride + extent - length, 0)
            before = {"same": both // 2, "causal": extent - 1}.get(self.padding, 0)
            at = np.arange(n) * stride + k * dilation - before
            is_in = (at >= 0) & (at < length)
            values = values.take(at.clip(0, length - 1), axis)
            values = np.where(is_in.reshape(-1, *[1] * (values.ndim - 1 - axis)), values, 0)
        return values


@dataclass(frozen=True, eq=False)
class Terms:
    """∂L/∂ of one weight, term by term; terms that are 0 are left out.

    Attributes
    ----------
    formula : str
        The sum, in LaTeX.
    given : ndarray (terms,) or None
        What went in through the weight; None of a bias, where δ is a term by itself.
    delta : ndarray (terms,)
        The error that it led to.
    places : ndarray of int (terms, axes)
        Sample, and place in it: step, or row and column.
    """

    formula: str
    given: Array | None
    delta: Array
    places: npt.NDArray[np.int64]

    @property
    def values(self) -> Array:
        """Each term, x·δ."""
        return self.delta if self.given is None else self.given * self.delta

    @property
    def sum(self) -> float:
        """∂L/∂w, without what a regularizer adds."""
        return math.fsum(self.values) if np.isfinite(self.values).all() else math.nan

    def largest(self, most: int) -> npt.NDArray[np.intp]:
        """The numbers of so many terms that count most, in their order; one more if that is all."""
        most += len(self.delta) == most + 1
        return np.sort(np.argsort(-np.abs(self.values), kind="stable")[:most])


@dataclass(frozen=True)
class Sums:
    """The sums of all weights of one parameter.

    Attributes
    ----------
    places : tuple of int
        The grid on which terms lie: (samples, *places).
    of : callable
        A sum by its weight's place in the parameter; None where it isn't the core's own.
    """

    places: Place
    of: Callable[[Place], Terms | None]


# Of a weight: the formula, and both factors on the grid.
Meeting = tuple[str, Array | None, Array]
Meet = Callable[[Place], Meeting]


def sums_of(step: Any, name: str) -> Sums | None:
    """The sums of a parameter's gradients; None of a kind of layer that has none here."""
    gradient, penalty = step.gradients.get(name), step.penalties.get(name)
    if gradient is None or not gradient.size:
        return None
    with np.errstate(all="ignore"):
        meet = _meet(step, name)
    if meet is None:
        return None
    grid = meet((0,) * gradient.ndim)[2].shape

    def of(place: Place) -> Terms | None:
        with np.errstate(all="ignore"):
            formula, given, delta = meet(place)
            values = delta if given is None else given * delta
            places = np.argwhere(values != 0)
            at = tuple(places.T)
            made = Terms(formula, None if given is None else given[at], delta[at], places)
            whole = float(gradient[place]) - (0 if penalty is None else float(penalty[place]))
            # Beside each other a penalty and a small gradient lose digits.
            size = float(np.abs(made.values).sum()) + 1e-4 * abs(float(gradient[place]))
            is_right = abs(made.sum - whole) <= _OFF * size
        return made if is_right else None

    return Sums(grid, of)


def _meet(step: Any, name: str) -> Meet | None:
    scope, _, own = name.rpartition("/")
    for one in step.within:
        if scope == one.name.removeprefix(f"{step.name}/"):
            return _meet(one, own)
    if step.recurrence is not None:
        return _recurrent(step, own)
    if isinstance(step.x, tuple) or name not in step.parameters:
        return None
    shape = step.parameters[name].shape
    if step.kind == "Embedding":
        x = np.asarray(step.x)
        return lambda place: (
            r"\sum_p \delta_p",
            None,
            np.where(x == place[0], step.delta[..., place[1]], 0).astype(np.float64),
        )
    if own == "bias" and shape == step.delta.shape[-1:]:
        return lambda place: (r"\sum_p \delta_p", None, _channel(step.delta, place[0]))
    if own in ("gamma", "beta") and shape == step.delta.shape[-len(shape) :]:
        return _normalized(step, own)
    if step.window is not None:
        return _convolved(step, step.window, own)
    if own == "kernel" and shape == (step.x.shape[-1], step.delta.shape[-1]):
        return lambda place: (
            r"\sum_p x_p \cdot \delta_p",
            _channel(step.x, place[0]),
            _channel(step.delta, place[1]),
        )
    return None


def _channel(values: Array, *place: int) -> Array:
    at: Any = (..., *place)
    return np.asarray(values[at], np.float64)


def _normalized(step: Any, own: str) -> Meet | None:
    gamma, beta = step.parameters.get("gamma"), step.parameters.get("beta", 0)
    if own == "beta":
        return lambda place: (r"\sum_p \delta_p", None, _channel(step.da, *place))
    if gamma is None:
        return None
    x = (step.a.astype(np.float64) - beta) / gamma
    formula = r"\sum_p \operatorname{norm}(x_p) \cdot \delta_p"
    return lambda place: (formula, _channel(x, *place), _channel(step.da, *place))


# ---- convolutions --------------------------------------------------------------------------------


def _convolved(step: Any, window: Window, own: str) -> Meet | None:
    kernel = step.parameters[own].shape
    x, delta, error = np.asarray(step.x), step.delta, r"\delta_p"
    if own == "pointwise_kernel":
        middle = _between(step, window)
        return lambda place: (
            r"\sum_p x'_p \cdot \delta_p",
            _channel(middle, place[-2]),
            _channel(delta, place[-1]),
        )
    if own == "depthwise_kernel":
        error = r"\delta'_p"
        delta = delta @ step.parameters["pointwise_kernel"].reshape(-1, delta.shape[-1]).T
    *sizes, rows, columns = kernel
    taps, counts = tuple(sizes), (x if window.is_transposed else delta).shape[1:-1]
    is_depthwise = own == "depthwise_kernel" or step.kind.startswith("Depthwise")

    def meet(place: Place) -> Meeting:
        *tap, i, j = place
        at = tuple(tap)
        if window.is_transposed:  # its kernel: (..., filters, channels)
            ahead = window.seen(_channel(delta, i), at, taps, counts)
            return r"\sum_p x_p \cdot \delta_{p+k}", _channel(x, j), ahead
        if is_depthwise:
            channel, out = i, i * columns + j
        else:  # filters of a group see its channels
            group = j // (columns // (x.shape[-1] // rows))
            channel, out = group * rows + i, j
        given = window.seen(_channel(x, channel), at, taps, counts)
        return rf"\sum_p x_{{p+k}} \cdot {error}", given, _channel(delta, out)

    return meet


def _between(step: Any, window: Window) -> Array:
    """What a separable convolution's first half makes, (samples, *places, channels·multiplier)."""
    kernel = step.parameters["depthwise_kernel"].astype(np.float64)
    *sizes, channels, multiplier = kernel.shape
    counts = step.delta.shape[1:-1]
    found = np.zeros((len(step.x), *counts, channels, multiplier))
    for channel in range(channels):
        x = _channel(step.x, channel)
        for tap in product(*map(range, sizes)):
            seen = window.seen(x, tap, tuple(sizes), counts)
            found[..., channel, :] += seen[..., None] * kernel[(*tap, channel)]
    return found.reshape(*found.shape[:-2], -1)


# ---- recurrent layers ----------------------------------------------------------------------------


def _recurrent(step: Any, own: str) -> Meet | None:
    made = step.recurrence
    assert made is not None
    names, delta = GATES[made.cell], made.delta
    units = delta.shape[-1] // len(names)
    if own == "kernel":
        return lambda place: (
            r"\sum_t x_t \cdot \delta_t",
            _channel(step.inputs[0], place[0]),
            _channel(delta, place[1]),
        )
    gates = step.gates
    if own == "bias" and (step.parameters[own].ndim == 1 or gates is None):
        return lambda place: (r"\sum_t \delta_t", None, _channel(delta, place[-1]))
    if gates is None:
        return None
    before = gates.before["h"]

    def meet(place: Place) -> Meeting:
        i, j = place
        given = None if own == "bias" else before[..., i]
        error, left, right = _channel(delta, j), r"h_{t-1} \cdot ", r"\delta_t"
        if made.cell == "GRU" and names[j // units] == "n":
            if made.reset_after and (own != "bias" or i):
                error, right = error * gates.values["r"][..., j % units], r"r_t \cdot \delta_t"
            elif given is not None:
                given = given * gates.values["r"][..., i]
                left = r"r_t \cdot h_{t-1} \cdot "
        return rf"\sum_t {'' if given is None else left}{right}", given, error

    return meet
