"""One training that goes forward and back: a model, its data, where it stands and what is seen.

A place is a number of epochs and of steps beyond. Going back takes up a state that was kept and
trains from there again, which comes to the same bits.
"""

from __future__ import annotations

import inspect
import math
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import mundur as md
from mundur.callbacks.base import Logs
from mundur.saving.format import from_bytes, to_bytes

from . import data
from .pieces import Piece, Rates, text_of
from .settings import LIVE, LOSSES, Settings, kind_of
from .tables import Table
from .texts import FieldError

__all__ = ["EPOCHS", "Place", "Session"]

Array = npt.NDArray[Any]

EPOCHS = 10_000  # a training on the page ends there
KEPT, KEPT_LATEST = 120, 40  # states to go back to
GRID = 40  # points of the boundary in each direction
SHOWN = 8  # units of a layer whose weights are shown
GRADIENT_SAMPLES = 128
BINS = 15


class Place(NamedTuple):
    """Whole epochs, and steps of the next one."""

    epoch: int
    step: int


class Samples(NamedTuple):
    """What a training works with."""

    x: Array
    y: Array
    train: int  # so many come first, the others validate
    classes: list[str]  # their names; none for numbers


class _Enough(Exception):
    """Ends `fit` behind a step."""


class _Watch(md.Callback):
    """Takes down epochs as they end, and lets no more begin behind a time."""

    def __init__(self, epochs: list[Logs], seconds: float) -> None:
        self._epochs = epochs
        self._end = time.monotonic() + seconds

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._epochs.append(dict(logs or {}))
        if time.monotonic() >= self._end:
            self.model.stop_training = True


class _OneStep(md.Callback):
    """Ends `fit` behind its first step."""

    logs: Logs

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self.logs = dict(logs or {})
        raise _Enough


class Session:
    """A state machine over a model, for one thread at a time.

    Parameters
    ----------
    settings : Settings, optional
    table : Table, optional
        Where the data are "csv".
    """

    error: dict[str, Any] | None

    def __init__(self, settings: Settings | None = None, table: Table | None = None) -> None:
        self.run = 0  # counts trainings, and turns: what was seen of an earlier one is no more
        self.configure(settings or Settings(), table)

    # ---- choosing -----------------------------------------------------------------------------

    def configure(self, settings: Settings, table: Table | None = None) -> None:
        """Begins another training; where a FieldError says why not, the old one stays."""
        if settings.data == "csv" and table is None:
            raise FieldError("csv", "no_table")
        samples = _samples(settings, table)
        settings.check_loss(len(samples.classes))
        self.changes = {Place(0, 0): settings}
        self.table, self.samples = table, samples
        x = samples.x
        self.extent = 1.15 * max(1.0, float(np.abs(x).max()))
        self.steps = -(-samples.train // min(settings.batch_size, samples.train))
        self.reset()

    def take(self, settings: Settings, table: Table) -> None:
        """`configure` for a new file, with a loss that suits it where the chosen one does not."""
        known = LOSSES[kind_of(len(_samples(settings, table).classes))]
        loss = settings.loss if settings.loss in known else known[0]
        self.configure(replace(settings, loss=loss), table)

    def adjust(self, settings: Settings) -> None:
        """Goes on with these settings; begins anew where more than what may change is new."""
        same = {name: getattr(self.settings, name) for name in LIVE}
        if self.place == (0, 0) or replace(settings, **same) != self.settings:
            self.configure(settings, self.table)
        elif settings != self.settings:
            self.changes.pop(self.place, None)
            if settings != self.settings:
                self.changes[self.place] = settings
            self.model.compiled_optimizer.learning_rate = settings.learning_rate
            self.error = None
            self._keep()
            self.run += 1

    @property
    def settings(self) -> Settings:
        """Those of the steps to come."""
        return self.changes[max(self.changes)]

    def reset(self) -> None:
        """Back to the first weights."""
        self._forget_changes(Place(0, 0))
        self._network, self._rule, self._loss, self._metrics = self._pieces()
        self.model = md.Model(
            [piece.make() for piece in self._network], seed=self.settings.seed, input_shape=(2,)
        )
        self.model.compile(self._rule.make(), self._loss.make(), metrics=self._metrics)
        self.epochs: list[Logs] = []
        self.step_logs: Logs = {}  # of the steps of an epoch that is not over
        self.place = Place(0, 0)
        self.error = None
        self._kept: dict[Place, tuple[bytes, Logs]] = {}
        self._keep()
        self.run += 1

    def _pieces(self) -> tuple[list[Piece], Piece, Piece, list[str]]:
        settings = self.settings
        loss, outputs, head, metrics = settings.objective(len(self.samples.classes))
        return settings.network(outputs, head), settings.rule(), loss, metrics

    # ---- forward and back ---------------------------------------------------------------------

    @property
    def is_over(self) -> bool:
        """Whether there is nothing more to train."""
        return self.error is not None or self.place.epoch >= EPOCHS

    def advance(self, seconds: float = 0.0, epochs: int = EPOCHS) -> None:
        """Trains to the end of an epoch, and for more of them as long as the time lasts."""
        if self.is_over:
            return
        done: list[Logs] = []
        last = min(self.place.epoch + epochs, EPOCHS)
        self._fit(_Watch(done, seconds), last)
        self.epochs += done
        if done:
            self.place, self.step_logs = Place(self.place.epoch + len(done), 0), {}
        self._settle()

    def step(self) -> None:
        """Trains one batch."""
        if self.is_over:
            return
        if self.place.step == self.steps - 1:  # and the epoch is over, validation too
            self.advance(epochs=1)
            return
        one = _OneStep()
        self._fit(one, self.place.epoch + 1)
        if self.error is None:
            self.step_logs = one.logs
            self.place = Place(self.place.epoch, self.place.step + 1)
        self._settle()

    def back(self, what: str) -> None:
        """Back by one "step", or to the beginning of this "epoch" or the one before."""
        epoch, step = self.place
        if what == "step":
            total = max(0, epoch * self.steps + step - 1)
            self.go(Place(*divmod(total, self.steps)))
        else:
            self.go(Place(epoch if step else max(0, epoch - 1), 0))

    def go(self, place: Place) -> None:
        """To an earlier place."""
        nearest = max(kept for kept in self._kept if kept <= place)
        self._kept = {kept: state for kept, state in self._kept.items() if kept <= place}
        self._forget_changes(place)
        state, self.step_logs = self._kept[nearest]
        self.model = from_bytes(state)
        self.place, self.error = nearest, None
        self.epochs = self.epochs[: nearest.epoch]
        self.run += 1
        while self.place.epoch < place.epoch and self.error is None:
            self.advance(epochs=place.epoch - self.place.epoch, seconds=math.inf)
        while self.place.step < place.step and self.error is None:
            self.step()

    def _fit(self, callback: md.Callback, epochs: int) -> None:
        """Goes on from here; from within an epoch through a file, as any other training does."""
        options: dict[str, Any] = {"initial_epoch": self.place.epoch}
        with tempfile.TemporaryDirectory() as folder:
            if self.place.step:
                path = Path(folder, "place.safetensors")
                path.write_bytes(to_bytes(self.model))
                options = {"resume_from": path}
            try:
                self.model.fit(
                    *self._part(True),
                    batch_size=self.settings.batch_size,
                    epochs=epochs,
                    validation_data=self._part(False),
                    callbacks=[callback],
                    verbose=0,
                    **options,
                )
            except _Enough:
                pass
            except md.errors.NonFiniteLossError as error:
                self.error = {
                    "code": "nonfinite",
                    "epoch": error.epoch + 1,
                    "step": error.step + 1,
                    "learning_rate": error.learning_rate,
                }

    def _part(self, train: bool) -> tuple[Array, Array]:
        x, y, count, _ = self.samples
        part = slice(count) if train else slice(count, None)
        return x[part], self._targets(y[part])

    def _targets(self, y: Array) -> Array:
        """One-hot rows where several outputs are compared with them."""
        classes = len(self.samples.classes)
        return np.eye(classes)[y] if classes > 2 and self.settings.loss == "squared" else y

    def _settle(self) -> None:
        """Keeps this place; after an update that cannot be, the model of the last one that was."""
        if self.error is None:
            self._keep()
            return
        error = self.error
        self.go(self.place)
        self.error = error

    def _keep(self) -> None:
        self._kept[self.place] = to_bytes(self.model), self.step_logs
        if len(self._kept) > KEPT:
            places = sorted(self._kept)
            for place in places[1:-KEPT_LATEST:2]:
                if place not in self.changes:  # from there on it is trained again as it was
                    del self._kept[place]

    def _forget_changes(self, behind: Place) -> None:
        self.changes = {place: its for place, its in self.changes.items() if place <= behind}

    # ---- what is seen -------------------------------------------------------------------------

    def points(self) -> dict[str, Any]:
        """The samples: x₁, x₂, the class or the number."""
        x, y, train, classes = self.samples
        rows = [[_short(a), _short(b), _short(c)] for (a, b), c in zip(x, y, strict=True)]
        return {
            "train": rows[:train],
            "validation": rows[train:],
            "classes": classes,
            "extent": _short(self.extent),
        }

    def frame(self) -> dict[str, Any]:
        """How the model stands: the boundary, weights, norms, the last numbers."""
        last = self.epochs[-1] if self.epochs else {}
        return {
            "epoch": self.place.epoch,
            "step": self.place.step,
            "steps": self.steps,
            "over": self.is_over,
            "last": {name: _short(value) for name, value in last.items()},
            "so_far": {name: _short(value) for name, value in self.step_logs.items()},
            "error": self.error,
            "rates": [[*place, its.learning_rate] for place, its in self.changes.items()],
            "boundary": self.boundary(),
            "layers": self.layers(),
        }

    def curves(self, first: int = 0) -> dict[str, list[float | None]]:
        """Losses of the epochs from one on."""
        part = self.epochs[first:]
        return {name: [_short(logs.get(name)) for logs in part] for name in ("loss", "val_loss")}

    def boundary(self) -> dict[str, Any]:
        """The output over the plane, row by row from above: 0 to 100, and the class of several."""
        axis = np.linspace(-self.extent, self.extent, GRID)
        x = np.stack(np.meshgrid(axis, -axis), axis=-1).reshape(-1, 2)
        out = self.model.predict(x, batch_size="full", verbose=0).astype(np.float64)
        classes = len(self.samples.classes)
        with np.errstate(all="ignore"):
            if classes > 2:
                if self.settings.loss == "crossentropy":
                    out = np.exp(out - out.max(axis=1, keepdims=True))
                    out /= out.sum(axis=1, keepdims=True)
                share, best = out.max(axis=1), out.argmax(axis=1)
                share = (share - 1 / classes) / (1 - 1 / classes)
                return {"values": _hundredths(share), "classes": best.tolist()}
            out = out[:, 0]
            if classes == 2 and self.settings.loss == "crossentropy":
                out = 0.5 + 0.5 * np.tanh(out / 2)
            elif self.settings.loss == "hinge" or not classes:
                out = (out + 1) / 2
        return {"values": _hundredths(out)}

    def layers(self) -> list[dict[str, Any]]:
        """Of each dense layer some weights, their distribution, its norm and its gradient's."""
        x, y = self._part(True)
        norms = self.model.explain(x[:GRADIENT_SAMPLES], y[:GRADIENT_SAMPLES]).gradient_norms
        shown = []
        for layer in self.model.layers:
            if layer.name not in norms:
                continue
            kernel, bias = layer.get_weights()
            counts, edges = _histogram(kernel)
            shown.append(
                {
                    "name": layer.name,
                    "units": kernel.shape[1],
                    "weights": [[_short(w) for w in row[:SHOWN]] for row in kernel[:SHOWN]],
                    "bias": [_short(b) for b in bias[:SHOWN]],
                    "norm": _short(np.linalg.norm(kernel.astype(np.float64))),
                    "gradient": _short(norms[layer.name]),
                    "counts": counts,
                    "edges": edges,
                }
            )
        return shown

    # ---- taking it away -----------------------------------------------------------------------

    def saved(self) -> bytes:
        """The file of `Model.save`."""
        return to_bytes(self.model)

    def code(self) -> str:
        """Python that trains the same model, for as many epochs, to the bit."""
        settings, classes = self.settings, len(self.samples.classes)
        if self.table is not None and settings.data == "csv":
            makers: list[Any] = [data.table, data.cells, data.is_number]
            name = text_of(self.table.name)
            lines = [
                f'text = Path({name}).read_text(encoding="utf-8")',
                f"x, y, classes = table(text, seed={settings.seed})",
            ]
            imports = ["import csv", "from pathlib import Path", "from typing import Any"]
        else:
            makers, imports = [data.MADE[settings.data]], ["from typing import Any"]
            given = f"{self.settings.samples}, noise={settings.noise!r}, seed={settings.seed}"
            lines = [f"x, y = {settings.data}({given})"]
        if classes > 2 and settings.loss == "squared":
            lines.append(f"y = np.eye({classes})[y]")
        callbacks = ""
        if len(self.changes) > 1:
            makers.append(Rates)
            callbacks = "    callbacks=[Rates(rates)],\n"
            later = [(tuple(at), its.learning_rate) for at, its in self.changes.items()][1:]
            lines += ["rates = {", *(f"    {at}: {rate!r}," for at, rate in later), "}"]
        layers = "".join(f"        {piece.text()},\n" for piece in self._network)
        train, epochs = self.samples.train, self.place.epoch or 100
        return "\n".join(
            [
                '"""A training of the playground, python -m mundur.playground, to the bit."""\n',
                "from __future__ import annotations\n",
                *imports,
                "\nimport numpy as np\n\nimport mundur as md\n\nArray = Any\n\n",
                "\n\n".join(map(inspect.getsource, makers)),
                "",
                *lines,
                f"train, validation = slice({train}), slice({train}, None)",
                f"model = md.Model(\n    [\n{layers}    ],",
                f"    seed={settings.seed},\n    input_shape=(2,),\n)",
                f"model.compile(\n    {self._rule.text()},\n    {self._loss.text()},",
                f"    metrics={text_of(self._metrics)},\n)",
                "history = model.fit(",
                f"    x[train],\n    y[train],\n    batch_size={settings.batch_size},",
                f"    epochs={epochs},",
                "    validation_data=(x[validation], y[validation]),",
                f"{callbacks}    verbose=0,\n)",
                'print("loss", history.history["loss"][-1])',
                'print("validation", history.history["val_loss"][-1])',
                "",
            ]
        )


def _samples(settings: Settings, table: Table | None) -> Samples:
    if settings.data == "csv":
        assert table is not None
        table.check()
        x, y, names = data.table(table.text, settings.seed)
    else:
        x, y = data.MADE[settings.data](settings.samples, settings.noise, settings.seed)
        names = [] if y.dtype.kind == "f" else [str(i) for i in range(int(y.max()) + 1)]
    train = min(len(x) - 1, max(1, round(settings.share * len(x))))
    return Samples(x, y, train, names)


def _short(value: Any) -> float | None:
    """Four digits are enough to be seen; JSON knows no infinity."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{float(value):.4g}")


def _hundredths(values: Array) -> list[int]:
    finite = np.nan_to_num(values, nan=0.5, posinf=1.0, neginf=0.0)
    return [int(value) for value in np.round(100 * np.clip(finite, 0, 1))]


def _histogram(values: Array) -> tuple[list[int], list[float | None]]:
    values = values.astype(np.float64).ravel()
    most = float(np.abs(values).max()) or 1.0
    counts, edges = np.histogram(values, BINS, (-most, most))
    return counts.tolist(), [_short(edges[0]), _short(edges[-1])]
