"""The network as units and weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .._support.checks import integer
from ..inspection.explain import activations
from ..models.model import Model
from .figures import BLUE, VERMILION, axes_for, in_language, language_value

if TYPE_CHECKING:
    from ..inspection.explanation import Explanation

Array = npt.NDArray[Any]

_GAP = 2.6  # between columns; units stand 1 apart
_RADIUS = 0.27
# With more weights than this their numbers would cover one another.
_MOST_NUMBERS = 16
_NO_DENSE = "model must have a dense layer whose samples are rows; it has none"


class _Column(NamedTuple):
    """The units of one layer: which are shown, where, and the row of the dots if some are not."""

    size: int
    shown: list[int]
    heights: list[float]
    dots: float | None


def network(
    model: Model,
    x: Any = None,
    y: Any = None,
    *,
    loss: Any = None,
    most: int = 8,
    axes: Any = None,
    language: str = "en",
) -> Any:
    """Draws units as circles and weights as lines; with a sample, the numbers at the units.

    A line's width is its weight's size, blue and solid where it is positive, vermilion and dashed
    where it is negative. With x each unit holds its activation a, with y too its δ = ∂L/∂z below;
    small networks show their weights and biases as numbers.

    Parameters
    ----------
    model : Model
        Of dense layers, built or given an x; layers without weights are named in the titles.
    x, y : array, optional
        One sample, with or without the leading axis of samples, and its target.
    loss : str or Loss, optional
        By default that of `compile`.
    most : int, default 8
        Units to show of one layer; dots stand for the others.
    axes : matplotlib.axes.Axes, optional
    language : {"en", "id"}, default "en"
        Of the labels: English or Indonesian.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        For a y without x, several samples, or a model without dense layers.
    ImportError
        Where Matplotlib is missing.

    Examples
    --------
    >>> import mundur as md, matplotlib
    >>> matplotlib.use("Agg")
    >>> model = md.Model([md.layers.Dense(2, "tanh"), md.layers.Dense(1)], input_shape=(2,), seed=0)
    >>> md.plots.network(model, [0.05, 0.10], [0.5], loss="mse").get_title()
    'model: L = 0.0852'
    """
    most, language = integer(most, "most", 3), language_value(language)
    if not_a_chain(model):
        raise ValueError(not_a_chain(model))
    sample, target = _one_sample(model, x, y)
    if sample is not None and not model.built:
        model.build(sample.shape[1:])
    dense = _dense_layers(model)
    if not dense:
        raise ValueError(_NO_DENSE)
    kernels = [model._parameter_views()[f"{name}/kernel"].copy() for name in dense]
    columns = [_column(size, most) for size in (len(kernels[0]), *(k.shape[1] for k in kernels))]
    axis = axes_for(axes, 1, _figure_size(columns))[0]
    _draw_weights(axis, kernels, columns)
    biases = [model._parameter_views().get(f"{name}/bias") for name in dense]
    outputs, deltas, explanation = _numbers(model, dense, sample, target, loss)
    for number, column in enumerate(columns):
        bias = biases[number - 1] if number and _few(kernels) else None
        a = outputs[number] if outputs else None
        delta = deltas[number] if deltas and number else None
        _draw_units(axis, number * _GAP, column, a, bias, delta)
    titles = _titles(model, dense)
    for number, title in enumerate(titles):
        top = max(max(c.heights) for c in columns)
        axis.text(number * _GAP, top + 0.75, title, ha="center", va="bottom", fontsize="small")
    axis.set_title(model.name + (f": L = {explanation.loss:.3g}" if explanation else ""))
    tallest = max(max(c.heights) for c in columns)
    axis.set_xlim(-0.7, (len(columns) - 1) * _GAP + 0.7)
    lines = 1 + max(title.count("\n") for title in titles)
    axis.set_ylim(-tallest - 0.85, tallest + 0.8 + 0.25 * lines)
    axis.text(
        (len(columns) - 1) * _GAP / 2,
        -tallest - 0.75,
        "weights: blue, solid > 0; vermilion, dashed < 0",
        ha="center",
        va="bottom",
        fontsize="x-small",
    )
    axis.set_aspect("equal")
    axis.set_axis_off()
    return in_language(axis, language)


def _one_sample(model: Model, x: Any, y: Any) -> tuple[Array | None, Array | None]:
    if x is None:
        if y is not None:
            raise ValueError("y needs an x to go with; got only y")
        return None, None
    x = np.asarray(x)
    if x.ndim == 1 or x.shape == model.input_shape:
        x, y = x[np.newaxis], None if y is None else np.asarray(y)[np.newaxis]
    if len(x) != 1:
        raise ValueError(f"x must be one sample; got {len(x)}, x[:1] is the first")
    return x, None if y is None else np.asarray(y)


def _dense_layers(model: Model) -> list[str]:
    shape = model.native.input_shape
    names = []
    for layer in model.layers:
        kernel = layer.parameter_shapes(shape).get("kernel")
        if kernel is not None and len(shape) == 1:
            names.append(layer.name)
        shape = layer.compute_output_shape(shape)
    return names


def not_a_chain(model: Model) -> str:
    """Why `network` cannot draw a graph of layers; nothing where it is none."""
    if model._order is None and not any(isinstance(layer, Model) for layer in model.layers):
        return ""
    return (
        "network draws the units of a chain of layers; md.plots.graph draws how the layers of "
        f"{model.name!r} are connected"
    )


def reason_against(model: Model) -> str:
    """Why `network` cannot draw a built model, or nothing."""
    return not_a_chain(model) or ("" if _dense_layers(model) else _NO_DENSE)


def _column(size: int, most: int) -> _Column:
    if size <= most:
        shown, rows = list(range(size)), size
        places = list(range(size))
    else:
        first, last = (most - 1) // 2 + (most - 1) % 2, (most - 1) // 2
        shown, rows = [*range(first), *range(size - last, size)], most
        places = [*range(first), *range(first + 1, most)]
    middle = (rows - 1) / 2
    dots = middle - (most - 1) // 2 - (most - 1) % 2 if size > most else None
    return _Column(size, shown, [middle - place for place in places], dots)


def _figure_size(columns: list[_Column]) -> tuple[float, float]:
    rows = max(len(c.shown) for c in columns)
    return max(5.0, 2.3 * len(columns)), max(3.6, 0.85 * rows + 1.8)


def _few(kernels: list[Array]) -> bool:
    return sum(kernel.size for kernel in kernels) <= _MOST_NUMBERS


def _draw_weights(axis: Any, kernels: list[Array], columns: list[_Column]) -> None:
    numbers = _few(kernels)
    for layer, kernel in enumerate(kernels):
        largest = float(np.abs(kernel).max()) or 1.0
        left, right = columns[layer], columns[layer + 1]
        for i, above in zip(left.shown, left.heights, strict=True):
            for j, below in zip(right.shown, right.heights, strict=True):
                weight = float(kernel[i, j])
                start, end = (layer * _GAP, above), ((layer + 1) * _GAP, below)
                axis.plot(
                    *zip(start, end, strict=True),
                    color=BLUE if weight >= 0 else VERMILION,
                    linestyle="-" if weight >= 0 else (0, (4, 2)),
                    linewidth=0.3 + 3.2 * abs(weight) / largest,
                    alpha=0.85,
                    zorder=1,
                )
                if numbers:
                    _number_on_line(axis, start, end, weight)


def _number_on_line(
    axis: Any, start: tuple[float, float], end: tuple[float, float], weight: float
) -> None:
    # Lines cross in the middle: near their start there is room.
    share = 0.27
    place = [p + share * (q - p) for p, q in zip(start, end, strict=True)]
    angle = float(np.degrees(np.arctan2(end[1] - start[1], end[0] - start[0])))
    axis.text(
        *place,
        f"{weight:.3g}",
        fontsize="small",
        ha="center",
        va="center",
        rotation=angle,
        zorder=2,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
    )


def _draw_units(
    axis: Any, at: float, column: _Column, a: Array | None, bias: Any, delta: Array | None
) -> None:
    for unit, height in zip(column.shown, column.heights, strict=True):
        axis.add_patch(_circle(at, height))
        if a is not None:
            text = _within(float(a[unit]))
            size = "small" if len(text) < 6 else "x-small"
            axis.text(at, height, text, ha="center", va="center", fontsize=size, zorder=4)
        if bias is not None:
            above = height + _RADIUS + 0.04
            axis.text(
                at,
                above,
                f"b = {bias[unit]:.3g}",
                ha="center",
                va="bottom",
                fontsize="x-small",
                zorder=4,
            )
        if delta is not None:
            below = height - _RADIUS - 0.04
            axis.text(
                at,
                below,
                f"δ = {delta[unit]:.3g}",
                ha="center",
                va="top",
                fontsize="x-small",
                zorder=4,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.4},
            )
    if column.dots is not None:
        for shift in (-0.17, 0.0, 0.17):
            axis.plot(at, column.dots + shift, "o", color="black", markersize=3, zorder=4)


def _within(value: float) -> str:
    """A number that a circle has room for, of six characters at most."""
    for text in (f"{value:.3g}", f"{value:.2g}"):
        if len(text) <= 6:
            return text
    mantissa, exponent = f"{value:.0e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def _circle(at: float, height: float) -> Any:
    from matplotlib.patches import Circle

    return Circle((at, height), _RADIUS, facecolor="white", edgecolor="black", zorder=3)


def _numbers(
    model: Model, dense: list[str], x: Array | None, y: Array | None, loss: Any
) -> tuple[list[Array], list[Array], Explanation | None]:
    if x is None:
        return [], [], None
    # A unit shows what its lines carry on: behind all that lies before the next dense layer.
    if y is None:
        steps = activations(model, x)
        carried = [steps[name][0][0] for name in dense]
        return [*carried, _last(list(steps.values())[-1][1][0], steps[dense[-1]][1][0])], [], None
    explanation = model.explain(x, y, loss)
    passes = [explanation[name] for name in dense]
    outputs = [*(p.x[0] for p in passes), _last(explanation.layers[-1].a[0], passes[-1].a[0])]
    return outputs, [outputs[0], *(p.delta[0] for p in passes)], explanation


def _last(behind_all: Array, of_dense: Array) -> Array:
    return behind_all if behind_all.shape == of_dense.shape else of_dense


def _titles(model: Model, dense: list[str]) -> list[str]:
    """Above each column its layer, and below that what else lies before the next one.

    Layers with weights that are not drawn make other units of them: those are named in their place.
    """
    groups: list[list[str]] = [["input"]]
    shape = model.native.input_shape
    for layer in model.layers:
        before, shape = shape, layer.compute_output_shape(shape)
        kind = type(layer).__name__
        activation = str(getattr(layer, "activation", None) or "linear")
        if layer.name in dense:
            groups.append([layer.name] + [activation] * (activation != "linear"))
        elif layer.parameter_initializers and shape != before:
            behind = [name.removesuffix(" →") for name in groups[-1]]
            groups[-1] = [f"{' → '.join(behind)} →", layer.name]
        else:
            groups[-1].append(activation if kind == "Activation" else kind)
    return ["\n".join(group) for group in groups]
