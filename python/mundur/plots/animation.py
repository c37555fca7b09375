"""Trainings as animations: the border between classes, the weights and the loss by epochs."""

from __future__ import annotations

import base64
import copy
import io
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .._support import disk
from .._support.checks import WrongType, came, integer, items, number
from .._support.drawing import INDONESIAN, indonesian
from ..callbacks.history import History
from ..callbacks.snapshots import Snapshot, Snapshots
from . import classes, units
from .figures import BLUE, VERMILION, in_language, language_value, pyplot

if TYPE_CHECKING:
    from ..models.model import Model

__all__ = ["Animation", "animate"]

_PANELS = ("boundary", "weights", "loss")
_WIDTHS = {"boundary": 3.9, "weights": 4.2, "loss": 3.9}


class Animation:
    """A figure that is drawn anew for each frame; what `plots.animate` returns.

    In a notebook it shows itself, with a button that plays and a slider that steps.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    draw : callable
        Draws a frame on the figure, by its number.
    frames : int
        How many there are.
    fps : float, default 8
        Frames per second.
    language : {"en", "id"}, default "en"
        Of the player's buttons.

    Raises
    ------
    TypeError, ValueError
        For bad arguments.

    Examples
    --------
    >>> import mundur as md, matplotlib
    >>> matplotlib.use("Agg")
    >>> from matplotlib import pyplot
    >>> figure, axis = pyplot.subplots()
    >>> md.plots.Animation(figure, lambda frame: axis.set_title(str(frame)), 3)
    <Animation: 3 frames, 8 a second>
    """

    def __init__(
        self,
        figure: Any,
        draw: Callable[[int], object],
        frames: int,
        *,
        fps: float = 8,
        language: str = "en",
    ) -> None:
        if not hasattr(figure, "savefig"):
            raise WrongType(f"figure must be a Matplotlib figure; {came(figure)}")
        if not callable(draw):
            raise WrongType(f"draw must be callable as draw(frame); {came(draw)}")
        self.figure, self.draw = figure, draw
        self.frames = integer(frames, "frames", 1)
        self.fps = number(fps, "fps", above=0, at_most=1000)
        self.language = language_value(language)
        draw(self.frames - 1)  # so that the figure, saved by itself, shows the end

    def save(self, path: disk.Path, *, dpi: float = 80, overwrite: bool = True) -> None:
        """Writes a GIF, or a page of HTML that plays it without any network.

        Parameters
        ----------
        path : path
            Ends in .gif or .html.
        dpi : float, default 80
            Dots per inch of figure.
        overwrite : bool, default True
            Whether a file that is there may be replaced.

        Raises
        ------
        ValueError
            For another ending.
        FileExistsError
            Where the file is there and may not be replaced.
        """
        name = disk.path_value(path, "path")
        dpi = number(dpi, "dpi", at_least=10, at_most=1000)
        if name.lower().endswith((".html", ".htm")):
            data = self.to_html(dpi=dpi).encode()
        elif name.lower().endswith(".gif"):
            data = self._gif(dpi)
        else:
            raise ValueError(f"path must end in .gif or .html; got {name!r}")
        disk.replace(name, data, overwrite)

    def to_html(self, *, dpi: float = 80) -> str:
        """The player as HTML, its pictures inside; arrow keys step, where its slider is chosen."""
        dpi = number(dpi, "dpi", at_least=10, at_most=1000)
        shown = "".join(
            f'<img alt="{frame + 1}/{self.frames}" src="data:image/png;base64,'
            f'{base64.b64encode(picture).decode()}" '
            f'style="max-width:100%;display:{"none" if frame else "block"}">'
            for frame, picture in enumerate(self._pictures(dpi))
        )
        play, step = _BUTTONS[self.language]
        return _PLAYER.format(
            shown=shown,
            last=self.frames - 1,
            pause=1000 / self.fps,
            play=play,
            step=step,
            language=self.language,
        )

    def _gif(self, dpi: float) -> bytes:
        from PIL import Image

        pictures = [
            # Without dithering, which would make flat colours flicker.
            Image.open(io.BytesIO(picture)).convert("RGB").quantize(128, dither=Image.Dither.NONE)
            for picture in self._pictures(dpi)
        ]
        file = io.BytesIO()
        pictures[0].save(
            file,
            format="GIF",
            save_all=True,
            append_images=pictures[1:],
            duration=1000 / self.fps,
            loop=0,
        )
        return file.getvalue()

    def _pictures(self, dpi: float) -> Iterator[bytes]:
        for frame in range(self.frames):
            self.draw(frame)
            file = io.BytesIO()
            self.figure.savefig(file, format="png", dpi=dpi)
            yield file.getvalue()

    def _repr_html_(self) -> str:
        return self.to_html()

    def __repr__(self) -> str:
        return f"<Animation: {self.frames} frames, {self.fps:g} a second>"


# The page asks nobody for anything, and has no names that another one in a notebook could have.
_BUTTONS = {"en": ("play or stop", "frame"), "id": ("putar atau hentikan", "gambar")}
_PLAYER = """\
<!DOCTYPE html>
<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<div lang="{language}"><div>{shown}</div>
<button type="button" aria-label="{play}" title="{play}" style="font-size:1.4em" onclick="
  var button = this, slider = button.nextElementSibling;
  if (button.timer) {{ clearInterval(button.timer); button.timer = null; return; }}
  if (+slider.value == {last}) {{ slider.value = 0; slider.oninput(); }}
  button.timer = setInterval(function () {{
    if (+slider.value == {last}) {{ clearInterval(button.timer); button.timer = null; return; }}
    slider.value = +slider.value + 1; slider.oninput();
  }}, {pause});">&#9654;</button>
<input type="range" min="0" max="{last}" value="0" aria-label="{step}" style="width:60%" oninput="
  var pictures = this.parentNode.querySelectorAll('img');
  for (var i = 0; i &lt; pictures.length; i++)
    pictures[i].style.display = i == +this.value ? 'block' : 'none';">
</div>
"""


def animate(
    source: Any, show: Any = None, *, fps: float = 8, most: int = 100, language: str = "en"
) -> Animation:
    """Animates a training: the border between the classes, the weights, the loss of the epochs.

    A `History` holds numbers alone, so it shows the loss; `callbacks.Snapshots` keeps weights and
    samples, too. The loss is drawn up to the frame's epoch, over what will come in grey.

    Parameters
    ----------
    source : History or callbacks.Snapshots
        What `fit` returned, or the callback that it was given.
    show : list of {"boundary", "weights", "loss"}, optional
        Panels from left to right; by default all that the source has. "boundary" is that of
        `decision_boundary`, "weights" that of `network`.
    fps : float, default 8
        Frames per second.
    most : int, default 100
        Frames at most, evenly chosen; from 2 on.
    language : {"en", "id"}, default "en"
        Of the labels: English or Indonesian.

    Returns
    -------
    Animation
        ``save("training.gif")`` or ``save("training.html")``; in a notebook it shows itself.

    Raises
    ------
    TypeError, ValueError
        For a source that is neither or empty, an unknown panel, or one that the source cannot show:
        the border without samples of two features, weights of what is no chain of layers.
    ImportError
        Where Matplotlib is missing.

    Examples
    --------
    >>> import mundur as md, numpy as np, matplotlib
    >>> matplotlib.use("Agg")
    >>> x, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    >>> model = md.Model([md.layers.Dense(8, "tanh"), md.layers.Dense(1, "sigmoid")], seed=1)
    >>> model.compile(md.optimizers.Adam(0.1), "binary_crossentropy")
    >>> snapshots = md.callbacks.Snapshots(x, y)
    >>> _ = model.fit(x, y, epochs=20, verbose=0, callbacks=[snapshots])
    >>> md.plots.animate(snapshots)
    <Animation: 21 frames, 8 a second>
    >>> md.plots.animate(snapshots).save("xor.gif")  # doctest: +SKIP
    """
    most, language = integer(most, "most", 2), language_value(language)
    if isinstance(source, History):
        taken, model = _of_history(source), None
    elif isinstance(source, Snapshots):
        if len(source.taken) < 2:
            raise ValueError(
                "source must have seen a training: pass callbacks=[snapshots] to fit; this "
                f"Snapshots took {len(source.taken)}"
            )
        taken, model = source.taken, copy.deepcopy(source.model)
    else:
        raise WrongType(
            "source must be the History that fit returned, or the callbacks.Snapshots that it was "
            f"given; {came(source)}"
        )
    panels = _panels(show, source, model)
    chosen = np.unique(np.linspace(0, len(taken) - 1, min(most, len(taken))).round().astype(int))
    taken = [taken[number] for number in chosen]
    widths = [_WIDTHS[panel] for panel in panels]
    figure, axes = pyplot().subplots(
        1,
        len(panels),
        figsize=(sum(widths), 4.6),
        squeeze=False,
        layout="constrained",
        width_ratios=widths,
    )

    def draw(frame: int) -> None:
        snapshot = taken[frame]
        if model is not None:
            model.set_weights(snapshot.weights)
        for panel, axis in zip(panels, axes[0], strict=True):
            axis.clear()
            if panel == "loss" or model is None:
                _draw_losses(axis, taken, frame)
            elif panel == "weights":
                units.network(model, axes=axis)
                axis.set_title("weights", pad=22)  # above the layers' names
            else:
                classes.decision_boundary(model, source.x, source.y, resolution=100, axes=axis)
                if source.y is not None:  # where there is most room would be elsewhere every time
                    axis.legend(loc="upper left", fontsize="small")
            in_language(axis, language)
        loss = snapshot.logs.get("loss")
        text = f"epoch {snapshot.epochs}" + ("" if loss is None else f": loss {loss:.4f}")
        figure.suptitle(indonesian(text, INDONESIAN) if language == "id" else text)

    animation = Animation(figure, draw, len(taken), fps=fps, language=language)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # so that nothing moves but what shall
    return animation


def _of_history(history: History) -> list[Snapshot]:
    if not history.history.get("loss"):
        raise ValueError("source must hold losses; this History has none")
    names = [name for name in ("loss", "val_loss") if name in history.history]
    by_epoch: dict[int, dict[str, float]] = {}
    for name in names:
        for epoch, value in zip(history._epochs_of[name], history.history[name], strict=True):
            by_epoch.setdefault(epoch, {})[name] = value
    return [Snapshot(epoch + 1, [], logs) for epoch, logs in sorted(by_epoch.items())]


def _panels(show: Any, source: Any, model: Model | None) -> list[str]:
    """The panels asked for, or all there can be."""
    reasons = {panel: _reason_against(panel, source, model) for panel in _PANELS}
    if show is None:
        return [panel for panel in _PANELS if not reasons[panel]]
    panels = [show] if isinstance(show, str) else items(show, "show", len(_PANELS))
    if not panels:
        raise ValueError("show must name a panel or more; got none")
    for panel in panels:
        if not isinstance(panel, str) or panel not in _PANELS:
            raise ValueError(f"show must be of {', '.join(map(repr, _PANELS))}; {came(panel)}")
        if reasons[panel]:
            raise ValueError(f"show cannot have {panel!r}: {reasons[panel]}")
    return panels


def _reason_against(panel: str, source: Any, model: Model | None) -> str:
    if panel == "loss":
        return ""
    if model is None:
        return (
            "a History holds numbers alone; pass callbacks=[md.callbacks.Snapshots(x, y)] to fit, "
            "and animate that"
        )
    if panel == "weights":
        return units.reason_against(model)
    if source.x is None:
        return "it needs samples: md.callbacks.Snapshots(x, y)"
    if source.x.shape[1:] != (2,) or model.input_shape != (2,):
        return (
            f"it needs samples of two features; the model takes {model.input_shape}, Snapshots "
            f"have {source.x.shape[1:]}"
        )
    return ""


def _draw_losses(axis: Any, taken: Sequence[Snapshot], frame: int) -> None:
    names = [name for name in ("loss", "val_loss") if any(name in s.logs for s in taken)]
    for name, colour, style in zip(names, (BLUE, VERMILION), ("-", "--"), strict=False):
        curve = [(s.epochs, s.logs[name]) for s in taken if name in s.logs]
        passed = [point for point in curve if point[0] <= taken[frame].epochs]
        axis.plot(*np.transpose(curve), style, color="0.8", zorder=1)
        label = "validation" if name == "val_loss" else "training"
        axis.plot(*np.reshape(passed, (-1, 2)).T, style, color=colour, label=label)
        if passed:
            axis.plot(*passed[-1], "o", color=colour)
    axis.set_xlabel("epoch")
    axis.set_ylabel("loss")
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.set_ylim(bottom=min(0.0, axis.get_ylim()[0]))
    axis.grid(alpha=0.3)
    axis.legend(loc="upper right")
