"""What passes go over, and its first kind: arrays, checked, that are here as a whole."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from .. import _core
from .._support.checks import WrongType, integer, number
from . import arrays
from .arrays import Ports, Several, arrays_in
from .targets import Suitable, class_weights, sample_targets, with_last

__all__ = ["Data", "Dataset", "Evaluator", "Learner", "Objective", "Order", "Trainer", "prepare"]

Array = npt.NDArray[Any]


class Objective(NamedTuple):
    """What is asked of an output: a loss, which counts so much in the sum, and metrics."""

    loss: Any  # Suitable; None: nothing is asked
    weight: float = 1.0
    metrics: tuple[Any, ...] = ()
    name: str = ""  # of the output, where there are several

    @property
    def loss_name(self) -> str:
        """What logs call its loss, beside that of all."""
        return f"{self.name}_loss"

    @property
    def metric_names(self) -> list[str]:
        """What logs call its metrics."""
        return [
            f"{self.name}_{metric.name}" if self.name else metric.name for metric in self.metrics
        ]


class Learner(Protocol):
    """What data are checked against: a model with a loss, once it is built."""

    @property
    def native(self) -> _core.Network:
        """The network."""

    _ports_in: Ports
    _ports_out: Ports

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """What is asked of each output; a RuntimeError where there is no loss."""

    def _features(self, x: Any, name: str = "x") -> Any:
        """Samples for it, checked: an array, or several."""

    def _suit(self, x: Any) -> None:
        """From now on it computes on samples as long as these."""

    @property
    def seed(self) -> int:
        """What shuffles are drawn from."""

    @property
    def vocabularies(self) -> list[int]:
        """How many ids there are for each input whose samples are ids; else 0."""

    @property
    def dtype(self) -> str:
        """Of parameters and computation."""

    @property
    def epochs_begun(self) -> int:
        """By which shuffles are told apart."""


class Pass(Protocol):
    """What works through data: the core's, or one that feeds it batch by batch."""

    @property
    def step(self) -> int:
        """Done so far."""

    @property
    def means(self) -> list[float]:
        """So far: the loss, that of each output where there are several, what the core scores."""


class Evaluator(Pass, Protocol):
    """What evaluates."""

    @property
    def steps(self) -> int:
        """Of the pass; 0 where nobody knows."""

    def run(self, budget: float, /) -> str:
        """Works for some seconds: "more", "finished", or what went wrong, "loss" or "input"."""


class Trainer(Pass, Protocol):
    """What trains."""

    @property
    def steps_per_epoch(self) -> int:
        """0 where nobody knows."""

    @property
    def restored(self) -> bool:
        """Whether the model went back to where the epoch began."""

    def set_augment(self, steps: Sequence[_core.Augmentation], /) -> None:
        """What changes each batch."""

    def begin_epoch(self, epoch: int, /) -> None:
        """Clears the sums; shuffles are drawn with the number."""

    def run(self, budget: float, max_steps: int, /) -> str:
        """As an `Evaluator`'s, for so many steps at most."""

    def undo(self) -> bool:
        """Takes the epoch's updates back, where that can be done."""


class Batches(Protocol):
    """What a pass over batches that come one by one tells of each."""

    def begin(self) -> None:
        """A new pass."""

    def take(self, data: Dataset) -> tuple[Array, Array | None, Array | None]:
        """The next: targets and weights as the core reads them, and where its outputs go."""

    def took(self) -> None:
        """The core is done with it."""


class Data(Protocol):
    """A set to go over: a `Dataset`, or a `Stream` of batches that come one by one."""

    @property
    def x(self) -> Any:
        """The features, of the batch at hand where there are batches."""

    @property
    def name(self) -> str:
        """What errors call x."""

    def size(self, batch_size: Any, name: str = "batch_size") -> int:
        """The checked batch size."""

    def steps(self, batch_size: int) -> int | None:
        """Batches of a pass, or None where nobody knows."""

    def split(self, fraction: Any) -> tuple[Data, Data | None]:
        """What to train on and what to validate on, from fit's `validation_split`."""

    def weighed(self, model: Learner, class_weight: Any) -> Data:
        """The same samples, each weight multiplied with that of the sample's class."""

    def alone(self) -> Data:
        """Its samples and no others, as far as they are here."""

    def check(self, model: Learner, switch: str | None) -> None:
        """Raises for features that are not finite, or no ids, as far as they are here.

        `switch` is the argument that allows the former; None: it was given.
        """

    def trainer(
        self,
        make: Callable[[Dataset, int, bool], _core.Trainer],
        batch_size: int,
        shuffle: bool,
        batches: Batches,
    ) -> Trainer:
        """What trains on it; `make` makes the core's for checked arrays."""

    def evaluator(
        self, make: Callable[[Dataset, int], _core.Evaluator], batch_size: int, batches: Batches
    ) -> Evaluator:
        """What evaluates it once."""


class Order(NamedTuple):
    """In which order epochs take the samples of a set."""

    samples: int
    batch_size: int
    shuffle: bool
    block: int  # rows that shuffles keep together; 0: none

    def rows(self, seed: int, epoch: int) -> Array:
        """The samples of the epoch that was begun as this one."""
        if not self.shuffle:
            return np.arange(self.samples)
        if self.block:
            return _core.block_permutation(self.samples, self.block, seed, epoch)
        return _core.permutation(self.samples, seed, epoch)


class Dataset(NamedTuple):
    """Checked arrays, what an error calls x, and which of their samples a pass takes; None: all.

    Of several inputs or outputs they are `Several`.
    """

    x: Any
    y: Any
    weights: Any  # None: all weigh 1
    name: str
    rows: npt.NDArray[np.int64] | None = None

    @property
    def samples(self) -> int:
        """Of a pass."""
        return len(self.x) if self.rows is None else len(self.rows)

    def alone(self) -> Dataset:
        """Its samples and no others; copies, where it has rows."""
        if self.rows is None:
            return self
        weights = None if self.weights is None else self.weights[self.rows]
        return Dataset(self.x[self.rows], self.y[self.rows], weights, f"{self.name}[rows]")

    def size(self, batch_size: Any, name: str = "batch_size") -> int:
        """None is 32, "full" every sample; never more than there are."""
        return resolve_batch_size(batch_size, self.samples, name)

    def steps(self, batch_size: int) -> int:
        """Batches of a pass."""
        return -(-self.samples // batch_size)

    def slice(self, start: int, stop: int | None, name: str) -> Dataset:
        """A part of the samples, without a copy."""
        part = np.s_[start:stop]
        if self.rows is not None:
            return self._replace(rows=self.rows[part], name=name)
        weights = None if self.weights is None else self.weights[part]
        return Dataset(self.x[part], self.y[part], weights, name)

    def first(self, count: int, argument: str) -> Dataset:
        """So many samples of it, for a pass that an argument cuts short."""
        return self.slice(0, enough(self.samples, count, argument), self.name)

    def split(self, fraction: Any) -> tuple[Dataset, Dataset | None]:
        """The samples before and those of the last `fraction`, as Keras splits them."""
        fraction = number(fraction, "validation_split", at_least=0, below=1)
        if fraction == 0:
            return self, None
        samples = self.samples
        boundary = int(samples * (1.0 - fraction))
        if boundary in (0, samples):
            raise ValueError(
                f"validation_split={fraction} of {samples} samples leaves one part empty"
            )
        return self.slice(0, boundary, self.name), self.slice(
            boundary, None, "x of validation_split"
        )

    def weighed(self, model: Learner, class_weight: Any) -> Dataset:
        """The same samples, each weight multiplied with that of the sample's class."""
        if class_weight is None:
            return self
        if len(model.objectives) > 1:
            raise ValueError(
                "class_weight is for models with one output; give sample_weight for each output"
            )
        loss, outputs = model.objectives[0].loss, model.native.output_shape[-1]
        by_class = class_weights(class_weight, self.y, loss, outputs)
        if self.weights is not None:
            by_class = self.weights * by_class.reshape(-1, *[1] * (self.weights.ndim - 1))
        return self._replace(weights=by_class)

    def check(self, model: Learner, switch: str | None) -> None:
        """Raises for features that are not finite, or no ids."""
        own = self.alone()
        for i, part in enumerate(arrays_in(own.x)):
            ids, name = model.vocabularies[i], model._ports_in.called(own.name, i)
            if ids or switch is not None:
                arrays.check_values(part, ids, name, switch or "")

    def trainer(
        self,
        make: Callable[[Dataset, int, bool], _core.Trainer],
        batch_size: int,
        shuffle: bool,
        batches: Batches,
    ) -> Trainer:
        """The core's."""
        return make(self, batch_size, shuffle)

    def evaluator(
        self, make: Callable[[Dataset, int], _core.Evaluator], batch_size: int, batches: Batches
    ) -> Evaluator:
        """The core's."""
        return make(self, batch_size)


def prepare(
    model: Learner,
    x: Any,
    y: Any,
    sample_weight: Any,
    names: tuple[str, str, str] = ("x", "y", "sample_weight"),
) -> Dataset:
    """Checks targets and weights against features (already checked) and the model's losses."""
    network, ports, asked = model.native, model._ports_out, model.objectives
    samples = len(x)
    model._suit(x)
    if len(asked) == 1:
        (y,) = ports.parts(y, names[1])
        if type(y) in (list, tuple) and len(y) == 1 and _rows_in(y[0]) == samples > 1:
            y = y[0]  # in a list, as of the targets of several outputs
        if sample_weight is not None:
            (sample_weight,) = ports.parts(sample_weight, names[2])
        shape = network.output_shape
        y = _targets(asked[0].loss, network.head, shape, samples, y, names)
        if sample_weight is not None:
            sample_weight = _row_weights(sample_weight, asked[0].loss, (samples, *shape), names[2])
        return Dataset(x, y, sample_weight, names[0])
    given = _by_output(model, y, names[1])
    parts = [
        None
        if one.loss is None
        else _targets(one.loss, head, shape, samples, part, (names[0], called, names[2]))
        for one, head, shape, part, called in zip(
            *(asked, network.heads, network.output_shapes, given),
            [ports.called(names[1], i) for i in range(len(asked))],
            strict=True,
        )
    ]
    return Dataset(x, Several(parts), _weights(model, sample_weight, samples, names[2]), names[0])


def _rows_in(given: Any) -> int:
    shape = getattr(given, "shape", ())
    return int(shape[0]) if shape else 0


def _targets(
    loss: Suitable,
    head: str,
    outputs: tuple[int, ...],
    samples: int,
    y: Any,
    names: tuple[str, str, str],
) -> Array:
    loss._check_head(head, outputs)
    return sample_targets(y, loss, (samples, *outputs), names[1], names[0])


def _row_weights(
    given: Any, loss: Suitable | None, shape: tuple[int, ...], name: str
) -> npt.NDArray[np.float64]:
    """One of each sample, or one of each time step, for outputs of a shape."""
    if loss is not None:
        shape = with_last(shape, loss._compared(len(shape)))
    weights = arrays.weights(given, shape[0], name, shape[:-1])
    return weights.reshape(shape[:-1]) if len(weights) > shape[0] else weights


def _by_output(model: Learner, given: Any, name: str) -> tuple[Any, ...]:
    """Targets of each output; a dict may leave out those that nothing is asked of."""
    ports = model._ports_out
    if isinstance(given, dict):
        idle = [one.name for one in model.objectives if one.loss is None]
        given = dict.fromkeys(idle) | given
    return ports.parts(given, name)


def _weights(model: Learner, given: Any, samples: int, name: str) -> Any:
    """Those of each output; one array is for all."""
    if given is None:
        return None
    ports = model._ports_out
    if not isinstance(given, (list, tuple, dict, Several)):
        return Several([arrays.weights(given, samples, name)] * len(ports.names))
    if isinstance(given, dict):
        given = dict.fromkeys(ports.names) | given
    shapes = model.native.output_shapes
    found = [
        None if part is None else _row_weights(part, one.loss, (samples, *shape), called)
        for part, one, shape, called in zip(
            *(ports.parts(given, name), model.objectives, shapes),
            [ports.called(name, i) for i in range(len(shapes))],
            strict=True,
        )
    ]
    return None if all(part is None for part in found) else Several(found)


def given_for_validation(model: Learner, given: Any) -> Dataset:
    """The arrays of fit's `validation_data`, checked."""
    if not isinstance(given, (tuple, list)) or len(given) not in (2, 3):
        many = f" of {len(given)}" if isinstance(given, (tuple, list)) else ""
        raise WrongType(
            "validation_data must be (x, y) or (x, y, sample_weight); got "
            f"{type(given).__name__}{many}"
        )
    names = ("validation_data[0]", "validation_data[1]", "validation_data[2]")
    x = model._features(given[0], names[0])
    weight = given[2] if len(given) == 3 else None
    return prepare(model, x, given[1], weight, names)


def enough(samples: int, wanted: int, argument: str) -> int:
    """How many samples an array gives; a warning where it has not all that were asked for."""
    if wanted > samples:
        warnings.warn(
            f"{argument} asks for {wanted} samples; there are {samples}, which all are taken",
            UserWarning,
            stacklevel=7,
        )
    return min(wanted, samples)


def resolve_batch_size(batch_size: Any, samples: int, name: str = "batch_size") -> int:
    """None is 32, "full" every sample; never more than there are."""
    if batch_size is None:
        batch_size = 32
    elif isinstance(batch_size, str):
        if batch_size != "full":
            raise ValueError(f'{name} must be an integer >= 1 or "full"; got {batch_size!r}')
        batch_size = samples
    return min(integer(batch_size, name, 1), samples)


def block_rows(x: Any, batch_size: int) -> int:
    """Rows of about 8 MiB, which a disk reads at full speed; at least a batch."""
    bytes_of_row = sum(part[0].size * part.dtype.itemsize for part in arrays_in(x))
    return int(max(batch_size, (8 << 20) // max(1, bytes_of_row)))
