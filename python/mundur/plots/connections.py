"""A model's layers as boxes, and arrows from what makes a value to what reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from .figures import BLACK, BLUE, GREEN, VERMILION, axes_for, in_language, language_value

if TYPE_CHECKING:
    from ..models.model import Model

__all__ = ["graph"]

_WIDTH, _HEIGHT = 2.6, 1.3  # of a place; boxes take less


class _Box(NamedTuple):
    """A call of a layer, or an input."""

    title: str
    kind: str
    shape: str
    reads: tuple[int, ...]  # boxes
    colour: str


def graph(model: Model, *, axes: Any = None, language: str = "en") -> Any:
    """Draws layers as boxes and values as arrows, from the inputs above to the outputs below.

    A layer that is called twice stands there twice, its name with a number behind it; a model
    within is one box. Inputs are green, outputs vermilion, all others blue, and frames tell them
    apart, too: dashed, thick, thin.

    Parameters
    ----------
    model : Model
        Of a chain the input shape must be known.
    axes : matplotlib.axes.Axes, optional
    language : {"en", "id"}, default "en"
        Of the labels: English or Indonesian.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        For a chain that does not know its input shape.
    ImportError
        Where Matplotlib is missing.

    Examples
    --------
    >>> import mundur as md, matplotlib
    >>> matplotlib.use("Agg")
    >>> x = md.Input((4,), name="features")
    >>> model = md.Model(x, md.layers.Add()([x, md.layers.Dense(4)(x)]), name="skip")
    >>> md.plots.graph(model).get_title()
    'skip'
    """
    language = language_value(language)
    boxes, outputs = _boxes(model)
    rows = _rows(boxes)
    places = {}
    for height, row in enumerate(rows):
        for number, member in enumerate(row):
            places[member] = ((number - (len(row) - 1) / 2) * _WIDTH, -height * _HEIGHT)
    widest = max(map(len, rows))
    axis = axes_for(axes, 1, (max(4.0, 1.7 * widest), max(2.5, 0.95 * len(rows))))[0]
    for number, box in enumerate(boxes):
        _draw(axis, box, places[number], number in outputs)
        for read in box.reads:
            _draw_arrow(axis, places[read], places[number])
    axis.set_title(model.name)
    axis.set_xlim(-widest * _WIDTH / 2, widest * _WIDTH / 2)
    axis.set_ylim(-(len(rows) - 0.4) * _HEIGHT, 0.6 * _HEIGHT)
    axis.set_axis_off()
    return in_language(axis, language)


def _boxes(model: Model) -> tuple[list[_Box], set[int]]:
    """Inputs and calls in order, and which of them make outputs."""
    if model.input_shape is None:
        raise ValueError("model must know its input shape; build it, or give it data first")
    names = model.input_names if model._order is not None else ["input"]
    boxes = [
        _Box(name, "Input", _shape(x.sample), (), GREEN)
        for x, name in zip(model.inputs, names, strict=True)
    ]
    made = {id(x): number for number, x in enumerate(model.inputs)}
    for call in _calls(model):
        again = sum(box.title.partition(":")[0] == call.layer.name for box in boxes)
        title = f"{call.layer.name}:{again}" if again else call.layer.name
        shapes = ", ".join(_shape(x.sample) for x in call.outputs)
        reads = tuple(made[id(x)] for x in call.inputs)
        made |= {id(x): len(boxes) for x in call.outputs}
        boxes.append(_Box(title, type(call.layer).__name__, shapes, reads, BLUE))
    return boxes, {made[id(x)] for x in model.outputs}


def _calls(model: Model) -> list[Any]:
    if model._order is not None:
        return model._order
    calls, value = [], model.outputs[0]
    while value.call is not None:
        calls.append(value.call)
        value = value.call.inputs[0]
    return calls[::-1]


def _shape(sample: tuple[int, ...]) -> str:
    return "×".join(map(str, sample))


def _rows(boxes: list[_Box]) -> list[list[int]]:
    """Boxes by how many arrows lead to them at most; within a row near what they read."""
    depths: list[int] = []
    for box in boxes:
        depths.append(1 + max((depths[read] for read in box.reads), default=-1))
    rows: list[list[int]] = [[] for _ in range(1 + max(depths))]
    for number, depth in enumerate(depths):
        rows[depth].append(number)
    at = {number: float(place) for place, number in enumerate(rows[0])}
    for row in rows[1:]:
        row.sort(key=lambda n: sum(at[r] for r in boxes[n].reads) / len(boxes[n].reads))
        at |= {number: place - (len(row) - len(rows[0])) / 2 for place, number in enumerate(row)}
    return rows


def _draw(axis: Any, box: _Box, place: tuple[float, float], is_output: bool) -> None:
    colour = VERMILION if is_output else box.colour
    style = "--" if box.kind == "Input" else "-"
    axis.text(
        *place,
        f"{box.title}\n{box.kind} {box.shape}",
        ha="center",
        va="center",
        fontsize="small",
        bbox={
            "boxstyle": "round,pad=0.4",
            "facecolor": "white",
            "edgecolor": colour,
            "linestyle": style,
            "linewidth": 2.2 if is_output else 1.1,
        },
        zorder=3,
    )


def _draw_arrow(axis: Any, begin: tuple[float, float], end: tuple[float, float]) -> None:
    # Past what lies between, where it leads over several rows.
    bend = 0.0 if begin[1] - end[1] < 1.5 * _HEIGHT else 0.25
    axis.annotate(
        "",
        xy=(end[0], end[1] + 0.3 * _HEIGHT),
        xytext=(begin[0], begin[1] - 0.3 * _HEIGHT),
        arrowprops={
            "arrowstyle": "->",
            "color": BLACK,
            "alpha": 0.6,
            "connectionstyle": f"arc3,rad={bend}",
        },
        zorder=2,
    )
