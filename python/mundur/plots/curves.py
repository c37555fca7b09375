"""Curves over learning: descent along one weight, gradients by layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .._support.checks import integer, number
from ..callbacks.basic import PREFIX
from ..callbacks.history import History
from ..inspection.arguments import bare, checked, float64_copy
from ..inspection.explanation import Explanation
from .figures import COLOURS, DASHES, MARKERS, axes_for, in_language, language_value

if TYPE_CHECKING:
    from ..models.model import Model

__all__ = ["descent", "gradient_flow"]

Array = npt.NDArray[Any]

_LETTERS = 64  # below axes of ordinary width


def descent(
    model: Model,
    x: Any,
    y: Any,
    parameter: str,
    learning_rates: Sequence[float],
    *,
    index: Any = None,
    steps: int = 12,
    loss: Any = None,
    axes: Any = None,
    language: str = "en",
) -> Any:
    """Draws the loss along one weight and the points that gradient descent visits on it.

    w ← w - η ∂L/∂w from the weight's present value, all others held fixed: one picture for each
    learning rate η. Near a minimum of curvature c = L″ descent converges from one side where
    η < 1/c, jumps over the minimum where η is larger, and diverges beyond 2/c. Computed in float64
    on a copy; the model stays as it is.

    Parameters
    ----------
    model : Model
    x, y : array
        The samples whose loss is drawn, and their targets.
    parameter : str
        "layer/parameter", such as "dense/kernel".
    learning_rates : list of float
    index : tuple of int, optional
        Which element of the parameter; the first by default.
    steps : int, default 12
    loss : str or Loss, optional
        By default that of `compile`.
    axes : sequence of matplotlib.axes.Axes, optional
        One per learning rate.
    language : {"en", "id"}, default "en"
        Of the labels: English or Indonesian.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes

    Raises
    ------
    KeyError
        For an unknown parameter; it lists the known ones.
    IndexError, TypeError, ValueError
        For other bad arguments.
    ImportError
        Where Matplotlib is missing.

    Examples
    --------
    >>> import mundur as md, numpy as np, matplotlib
    >>> matplotlib.use("Agg")
    >>> x = np.array([[1.0], [2.0], [3.0]])
    >>> line = md.layers.Dense(1, use_bias=False, kernel_initializer="zeros")
    >>> model = md.Model([line], input_shape=(1,), seed=0)
    >>> axes = md.plots.descent(model, x, 2 * x, "dense/kernel", [0.02, 0.2, 0.22], loss="mse")
    >>> [axis.get_title().partition(": ")[2] for axis in axes]
    ['converges', 'overshoots, converges', 'diverges']
    """
    x, y, loss = checked(model, x, y, loss)
    steps, language = integer(steps, "steps", 1), language_value(language)
    rates = [number(rate, "learning_rates", above=0) for rate in np.atleast_1d(learning_rates)]
    copy = float64_copy(model)
    weight = copy.parameters[parameter]
    copy.unfreeze(parameter)
    place = (0,) * weight.ndim if index is None else tuple(np.atleast_1d(index).tolist())
    if len(place) != weight.ndim:
        raise IndexError(f"index must have {weight.ndim} numbers for {parameter}; got {index!r}")
    gradient = copy.gradients[parameter]
    start = float(weight[place])

    def at(value: float) -> tuple[float, float]:
        weight[place] = value
        y_pred = bare(copy, copy.forward(x), "y_pred")
        copy.backward(loss.gradient(y, y_pred))
        return float(loss(y, y_pred)), float(gradient[place])

    drawn = axes_for(axes, len(rates), (4.0, 3.6))
    name = f"{parameter}[{', '.join(map(str, place))}]"
    for axis, rate in zip(drawn, rates, strict=True):
        points, verdict = _walk(at, start, rate, steps)
        _draw_walk(axis, at, points)
        axis.set_title(f"η = {rate:g}: {verdict}", fontsize="medium")
        axis.set_xlabel(name)
        axis.set_ylabel(f"L = {type(loss).__name__}")
    return in_language(drawn, language)


def _walk(at: Any, start: float, rate: float, steps: int) -> tuple[Array, str]:
    """The points (w, L) visited, and what became of it."""
    w, (value, slope) = start, at(start)
    points, slopes = [(w, value)], [slope]
    for _ in range(steps):
        w -= rate * slope
        value, slope = at(w)
        if not (np.isfinite(value) and np.isfinite(slope)):
            break
        points.append((w, value))
        slopes.append(slope)
    visited = np.array(points)
    turned = any(p * q < 0 for p, q in pairwise(slopes))
    if len(points) <= steps or visited[-1, 1] > visited[0, 1]:
        return visited, "diverges"
    return visited, "overshoots, converges" if turned else "converges"


def _draw_walk(axis: Any, at: Any, points: Array) -> None:
    from matplotlib.ticker import MaxNLocator

    low, high = points[:, 0].min(), points[:, 0].max()
    # The minimum belongs into the picture even where descent never passes it.
    margin = 0.25 * (high - low) or 1.0
    grid = np.linspace(low - margin, high + margin, 200)
    axis.plot(grid, [at(w)[0] for w in grid], color="black", linewidth=1, label="loss")
    axis.plot(*points.T, color=COLOURS[1], linewidth=0.8, linestyle="--", zorder=2)
    axis.scatter(*points.T, color=COLOURS[0], s=22, zorder=3, label=f"{len(points) - 1} steps")
    axis.scatter(*points[0], color=COLOURS[4], marker="s", s=42, zorder=4, label="start")
    axis.xaxis.set_major_locator(MaxNLocator(5))
    axis.grid(alpha=0.3)
    axis.legend(fontsize="small")


def gradient_flow(source: Any, *, axes: Any = None, language: str = "en") -> Any:
    """Draws the norm of the gradient in each layer, on a logarithmic scale.

    Where the norms fall towards the input the gradient vanishes, where they rise it explodes
    (Bengio, Simard and Frasconi, 1994; Glorot and Bengio, 2010).

    Parameters
    ----------
    source : Explanation, dict of str to Explanation, or History
        One pass; several to compare, by their labels; or the record of a training with the
        callback `GradientNorms`, drawn over its epochs.
    axes : matplotlib.axes.Axes, optional
    language : {"en", "id"}, default "en"
        Of the labels: English or Indonesian.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError, ValueError
        For another source; for a History without gradient norms.
    ImportError
        Where Matplotlib is missing.

    Examples
    --------
    >>> import mundur as md, numpy as np, matplotlib
    >>> matplotlib.use("Agg")
    >>> model = md.Model([md.layers.Dense(4, "sigmoid"), md.layers.Dense(1)], seed=0)
    >>> axis = md.plots.gradient_flow(model.explain(np.ones((2, 3)), [0.0, 1.0], loss="mse"))
    >>> [label.get_text() for label in axis.get_xticklabels()]
    ['dense', 'dense_1']
    """
    language = language_value(language)
    if isinstance(source, History):
        return in_language(_over_epochs(source, axes), language)
    passes = source if isinstance(source, Mapping) else {"": source}
    if not passes or not all(isinstance(p, Explanation) for p in passes.values()):
        raise TypeError(
            "source must be an Explanation, a dict of them or a History; got "
            f"{type(source).__name__}"
        )
    axis = axes_for(axes, 1, (6.0, 4.0))[0]
    names: list[str] = []
    for number_, (label, explanation) in enumerate(passes.items()):
        norms = explanation.gradient_norms
        names = max(names, list(norms), key=len)
        axis.plot(
            range(len(norms)),
            list(norms.values()),
            marker=MARKERS[number_ % len(MARKERS)],
            color=COLOURS[number_ % len(COLOURS)],
            linestyle=DASHES[number_ % len(DASHES)],
            label=label or None,
        )
    # As many names as stand side by side, evenly.
    step = -(-len(names) * (max(map(len, names)) + 2) // _LETTERS)
    axis.set_xticks(range(len(names)), minor=True)
    axis.set_xticks(range(0, len(names), step), names[::step], fontsize="small")
    _finish(axis, "layer, from input to output", bool(passes.keys() - {""}))
    return in_language(axis, language)


def _over_epochs(history: History, axes: Any) -> Any:
    norms = {name: values for name, values in history.history.items() if name.startswith(PREFIX)}
    if not norms:
        raise ValueError(
            "source must hold gradient norms: pass callbacks=[md.callbacks.GradientNorms(x, y)] "
            f"to fit; this History has {', '.join(history.history) or 'nothing'}"
        )
    axis = axes_for(axes, 1, (6.0, 4.0))[0]
    for number_, (name, values) in enumerate(norms.items()):
        axis.plot(
            [epoch + 1 for epoch in history._epochs_of[name]],
            values,
            marker=MARKERS[number_ % len(MARKERS)] if len(values) < 30 else None,
            color=COLOURS[number_ % len(COLOURS)],
            linestyle=DASHES[number_ % len(DASHES)],
            label=name.removeprefix(PREFIX),
        )
    axis.xaxis.get_major_locator().set_params(integer=True)
    _finish(axis, "epoch", True)
    return axis


def _finish(axis: Any, xlabel: str, legend: bool) -> None:
    axis.set_yscale("log")
    axis.set_xlabel(xlabel)
    axis.set_ylabel("‖∂L/∂(weights of the layer)‖")
    axis.set_title("Gradient norm by layer")
    axis.grid(alpha=0.3)
    if legend:
        axis.legend(fontsize="small")
