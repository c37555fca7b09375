"""What `fit` returns: the numbers of every epoch, and why training ended."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .base import Callback, Logs


class AxesArray(np.ndarray[Any, np.dtype[Any]]):
    """The axes that were drawn on, as an array; the last line of a notebook's cell shows nothing.

    The figure shows by itself.
    """

    def _ipython_display_(self) -> None:
        """Instead of a text."""

    def __repr__(self) -> str:
        labels = [axis.get_ylabel() or axis.get_title() for axis in self.ravel()]
        return f"<{self.size} axes: {', '.join(labels)}>"


class History(Callback):
    """The numbers of every epoch of one `fit`, and why it ended.

    Attributes
    ----------
    history : dict of str to list of float
        "loss", the metrics, and "val_..." of each.
    epoch : list of int
        The epochs, counted from 0.
    params : dict
        epochs, steps and verbose of the call.
    stop_reason : str or None
        "epochs", "stop_loss", "patience", "nonfinite_loss", "interrupted" (by Ctrl-C; see
        `Model.history`) or "callback"; None while training runs.

    Examples
    --------
    >>> import mundur as md, numpy as np
    >>> model = md.Model([md.layers.Dense(1)], seed=0)
    >>> model.compile("sgd", "mse")
    >>> history = model.fit(np.ones((4, 2)), np.ones(4), epochs=2, verbose=0)
    >>> history.epoch, len(history.history["loss"]), history.stop_reason
    ([0, 1], 2, 'epochs')
    """

    def __init__(self) -> None:
        self.params: dict[str, Any] = {}
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []
        self.stop_reason: str | None = None
        self._epochs_of: dict[str, list[int]] = {}

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Takes down the numbers of an epoch."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
            self._epochs_of.setdefault(name, []).append(epoch)

    def _extend(self, first: int, logs: dict[str, list[float]]) -> None:
        """Takes down the numbers of several epochs."""
        epochs = range(first, first + len(logs["loss"]))
        self.epoch.extend(epochs)
        for name, values in logs.items():
            self.history.setdefault(name, []).extend(values)
            self._epochs_of.setdefault(name, []).extend(epochs)

    def plot(self, axes: Any = None, *, language: str = "en") -> Any:
        """Draws the loss and the metrics over epochs, training solid and validation dashed.

        Shares, such as accuracies, have axes of their own, so have other metrics, and each of those
        whose numbers are more than ten times another's.

        Parameters
        ----------
        axes : sequence of matplotlib.axes.Axes, optional
            One for the loss and one for each group of metrics; where there are fewer, the last
            takes all that are left. Made where it is None.
        language : {"en", "id"}, default "en"
            Of the labels: English or Indonesian.

        Returns
        -------
        numpy.ndarray of matplotlib.axes.Axes
            The axes drawn on; ``axes[0].figure.savefig("curves.png")`` writes them.

        Raises
        ------
        ImportError
            Where Matplotlib is missing; ``pip install mundur[examples]`` brings it.

        Examples
        --------
        >>> import mundur as md, matplotlib
        >>> matplotlib.use("Agg")
        >>> history = md.History()
        >>> history.on_epoch_end(0, {"loss": 1.0, "accuracy": 0.5})
        >>> [axis.get_ylabel() for axis in history.plot()]
        ['loss', 'accuracy']
        """
        from .._support.drawing import in_language, language_value

        language = language_value(language)
        # Gradient norms belong to plots.gradient_flow; a rate would not be seen beside accuracies.
        metrics = [
            name
            for name in self.history
            if name not in ("loss", "learning_rate")
            and not name.startswith(("val_", "gradient_norm/"))
        ]
        groups = self._groups(metrics)
        drawn = _axes(axes, 1 + len(groups), 1 + bool(metrics))
        _curves(drawn[0], self, ["loss"], "loss")
        fitting, rest = groups[: len(drawn) - 2], groups[len(drawn) - 2 :]
        if rest:
            fitting = [*fitting, [name for group in rest for name in group]]
        for axis, names in zip(drawn[1:], fitting, strict=True):
            _curves(axis, self, names, names[0] if len(names) == 1 else "metrics")
        return in_language(drawn, language)

    def _groups(self, metrics: list[str]) -> list[list[str]]:
        """Metrics that one axis can show: shares together, others where sizes are alike."""
        sizes = {name: self._largest(name) for name in metrics}
        groups: list[list[str]] = []
        for name in metrics:
            for group in groups:
                low, high = sorted((sizes[name], sizes[group[0]]))
                if high <= 1 or (low > 1 and high <= 10 * low):
                    group.append(name)
                    break
            else:
                groups.append([name])
        return groups

    def _largest(self, name: str) -> float:
        values = [*self.history[name], *self.history.get(f"val_{name}", [])]
        return max((abs(value) for value in values if math.isfinite(value)), default=0.0)

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if key != "model"}

    def __repr__(self) -> str:
        last = ", ".join(f"{name}={v[-1]:.4g}" for name, v in self.history.items() if v)
        count = f"{len(self.epoch)} epoch{'' if len(self.epoch) == 1 else 's'}"
        return f"<History: {count}, ended by {self.stop_reason!r}{'; last ' if last else ''}{last}>"


def _axes(axes: Any, count: int, least: int) -> Any:
    if axes is not None:
        given = np.atleast_1d(np.asarray(axes, dtype=object)).ravel()
        if len(given) < least:
            raise ValueError(f"axes must hold {least} axes or more; got {len(given)}")
        return given[:count].view(AxesArray)
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError("History.plot needs Matplotlib: pip install mundur[examples]") from error
    figure, made = pyplot.subplots(1, count, figsize=(5 * count, 4), squeeze=False)
    figure.set_layout_engine("tight")
    return made[0].view(AxesArray)


def _curves(axis: Any, record: History, names: list[str], label: str) -> None:
    from .._support.drawing import COLOURS

    for i, name in enumerate(names):
        prefix = "" if len(names) == 1 else f"{name}, "
        colour = COLOURS[i % len(COLOURS)]
        _curve(axis, record, name, f"{prefix}training", colour, "-")
        colour = COLOURS[1] if len(names) == 1 else colour
        _curve(axis, record, f"val_{name}", f"{prefix}validation", colour, "--")
    axis.set_xlabel("epoch")
    axis.set_ylabel(label)
    axis.xaxis.get_major_locator().set_params(integer=True)
    if axis.lines:
        axis.legend()
    axis.grid(alpha=0.3)


def _curve(axis: Any, record: History, name: str, label: str, colour: str, style: str) -> None:
    values = record.history.get(name, [])
    if values:
        epochs = [epoch + 1 for epoch in record._epochs_of[name]]
        marker = "." if len(values) == 1 else None
        axis.plot(epochs, values, style, color=colour, marker=marker, label=label)
