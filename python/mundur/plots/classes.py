"""Figures of classifiers: which classes are taken for which, and where the border runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .._support.checks import boolean, integer
from ..data import arrays
from .figures import COLOURS, MARKERS, axes_for, in_language, language_value

if TYPE_CHECKING:
    from ..models.model import Model

__all__ = ["confusion", "decision_boundary"]

Array = npt.NDArray[Any]


def confusion(
    y_true: Any,
    y_pred: Any,
    *,
    labels: Any = None,
    normalize: bool = False,
    axes: Any = None,
    language: str = "en",
) -> Any:
    """Draws how often each class was taken for which: a row per true class, numbers in the cells.

    Up to a dozen classes a cell holds the share of its row, too.

    Parameters
    ----------
    y_true : array (samples,) or (samples, classes)
        Labels from 0 on, or one-hot rows.
    y_pred : array (samples,) or (samples, classes)
        Predicted labels, or a score per class, the largest of which counts.
    labels : list of str, optional
        Names of the classes; by default their numbers.
    normalize : bool, default False
        Whether cells show the share of the row instead of a count.
    axes : matplotlib.axes.Axes, optional
    language : {"en", "id"}, default "en"
        Of the labels: English or Indonesian.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError, ValueError
        For labels that are not whole numbers from 0 on; for different numbers of samples.
    ImportError
        Where Matplotlib is missing.

    Examples
    --------
    >>> import mundur as md, matplotlib
    >>> matplotlib.use("Agg")
    >>> axis = md.plots.confusion([0, 1, 1], [0, 1, 0], labels=["cat", "dog"])
    >>> axis.get_title()
    '2 of 3 right (66.7%)'
    """
    boolean(normalize, "normalize")
    language = language_value(language)
    true, predicted = _labels(y_true, "y_true"), _labels(y_pred, "y_pred")
    if len(true) != len(predicted):
        raise ValueError(
            f"y_true and y_pred must have the same number of samples; got {len(true)} and "
            f"{len(predicted)}"
        )
    known = max(int(true.max()), int(predicted.max())) + 1
    names = [str(i) for i in range(known)] if labels is None else [str(name) for name in labels]
    if len(names) < known:
        raise ValueError(f"labels must name {known} classes; got {len(names)}")
    counts = np.zeros((len(names), len(names)), np.int64)
    np.add.at(counts, (true, predicted), 1)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)

    few, longest = len(names) <= 12, max(map(len, names))
    # Names stand below their columns where a dozen letters do, else aslant.
    cell = max(0.55 if few else 0.45, min(0.095 * longest, 1.2) if few else 0)
    side = 2.2 + cell * len(names)
    axis = axes_for(axes, 1, (side, side))[0]
    # By share, so that a rare class is as dark as a frequent one that fares alike.
    axis.imshow(shares, cmap="Greys", vmin=0, vmax=1)
    for row, column in np.ndindex(counts.shape):
        share, count = shares[row, column], counts[row, column]
        text = f"{share:.2f}" if normalize else f"{count:,}" + (f"\n{share:.0%}" if few else "")
        colour = "white" if share > 0.5 else "black"
        if count:
            size = "small" if few and not normalize else "medium"
            axis.text(column, row, text, ha="center", va="center", color=colour, fontsize=size)
    if 0.095 * longest <= cell:
        axis.set_xticks(range(len(names)), names)
    else:
        axis.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor")
    axis.set_yticks(range(len(names)), names)
    axis.set_xlabel("predicted class")
    axis.set_ylabel("true class")
    right = int(np.trace(counts))
    axis.set_title(f"{right:,} of {len(true):,} right ({right / len(true):.1%})")
    return in_language(axis, language)


def _labels(value: Any, name: str) -> npt.NDArray[np.int64]:
    array = arrays.real_array(value, name)
    if np.isnan(array).any():
        raise ValueError(f"{name} must hold numbers; got NaN")
    if array.ndim == 2 and array.shape[1] > 1:
        array = array.argmax(axis=1)
    if array.ndim == 2:
        array = array[:, 0]
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name} must hold a label or a row of scores per sample; got {value!r}")
    if not (array >= 0).all() or (array != np.floor(array)).any():
        raise ValueError(f"{name} must hold whole class numbers from 0 on; round probabilities")
    return array.astype(np.int64)


def decision_boundary(
    model: Model,
    x: Any,
    y: Any = None,
    *,
    labels: Any = None,
    resolution: int = 200,
    axes: Any = None,
    language: str = "en",
) -> Any:
    """Draws which class a model of two features predicts where, and the samples by their classes.

    A single output divides at ½, or at 0 where the model's loss takes logits; of several outputs
    the largest wins.

    Parameters
    ----------
    model : Model
        With samples of shape (2,).
    x : array (samples, 2)
        They set the range and are drawn.
    y : array, optional
        Labels or one-hot rows, for colours and markers.
    labels : list of str, optional
        Names of the classes; by default their numbers.
    resolution : int, default 200
        Points of the grid along each axis.
    axes : matplotlib.axes.Axes, optional
    language : {"en", "id"}, default "en"
        Of the labels: English or Indonesian.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError, ValueError
        For a model of other than two features, or bad arrays.
    ImportError
        Where Matplotlib is missing.

    Examples
    --------
    >>> import mundur as md, numpy as np, matplotlib
    >>> matplotlib.use("Agg")
    >>> x, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    >>> model = md.Model([md.layers.Dense(8, "tanh"), md.layers.Dense(1, "sigmoid")], seed=1)
    >>> model.compile(md.optimizers.Adam(0.1), "binary_crossentropy")
    >>> _ = model.fit(x, y, batch_size="full", epochs=200, verbose=0)
    >>> md.plots.decision_boundary(model, x, y).get_xlabel()
    'first feature'
    """
    x = arrays.features(x, (2,))
    resolution = integer(resolution, "resolution", 2)
    language = language_value(language)
    truth = None if y is None else _labels(y, "y")
    if truth is not None and len(truth) != len(x):
        raise ValueError(f"y must have {len(x)} rows, as x has; got {len(truth)}")
    low, high = x.min(axis=0).astype(float), x.max(axis=0).astype(float)
    margin = np.where(high > low, 0.1 * (high - low), 1.0)
    sides = [
        np.linspace(a, b, resolution) for a, b in zip(low - margin, high + margin, strict=True)
    ]
    grid = np.stack(np.meshgrid(*sides), axis=-1).reshape(-1, 2)
    predicted = _classes(model, model.predict(grid, verbose=0)).reshape(resolution, resolution)
    count = max(int(predicted.max()), 0 if truth is None else int(truth.max())) + 1
    names = [f"class {i}" for i in range(count)] if labels is None else [str(n) for n in labels]
    if len(names) < count:
        raise ValueError(f"labels must name {count} classes; got {len(names)}")

    axis = axes_for(axes, 1, (5.0, 4.2))[0]
    _draw_regions(axis, sides, predicted)
    for number in range(count) if truth is not None else ():
        chosen = x[truth == number]
        axis.scatter(
            *chosen.T,
            marker=MARKERS[number % len(MARKERS)],
            color=COLOURS[number % len(COLOURS)],
            edgecolors="black",
            linewidths=0.5,
            s=28,
            label=names[number],
        )
    if truth is None:
        axis.scatter(*x.T, color="black", s=12)
    else:
        axis.legend(fontsize="small")
    axis.set_xlabel("first feature")
    axis.set_ylabel("second feature")
    axis.set_title("Predicted class")
    return in_language(axis, language)


def _classes(model: Model, outputs: Array) -> npt.NDArray[np.int64]:
    if outputs.ndim != 2:
        raise ValueError(f"model must give one row per sample; it gives {outputs.shape[1:]}")
    if outputs.shape[1] > 1:
        return np.asarray(outputs.argmax(axis=1), np.int64)
    logits = model.loss is not None and model.loss.from_logits
    second: npt.NDArray[np.bool_] = outputs[:, 0] > (0.0 if logits else 0.5)
    return second.astype(np.int64)


def _draw_regions(axis: Any, sides: list[Array], predicted: Array) -> None:
    from matplotlib.colors import to_rgb

    tints = np.array([np.array(to_rgb(colour)) * 0.3 + 0.7 for colour in COLOURS])
    extent = (sides[0][0], sides[0][-1], sides[1][0], sides[1][-1])
    axis.imshow(
        tints[predicted % len(tints)],
        extent=extent,
        origin="lower",
        aspect="auto",
        interpolation="nearest",
    )
    for border in np.unique(predicted)[:-1]:
        # Between this class and all others; black, for those who see no colours.
        axis.contour(*sides, predicted == border, [0.5], colors="black", linewidths=1)
