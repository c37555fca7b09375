"""What passes go over, and its first kind: arrays, checked, that are here as a whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from .. import _core
from .._support.checks import integer, number
from . import arrays
from .targets import Suitable, class_weights, sample_targets

__all__ = ["Data", "Dataset", "Evaluator", "Learner", "Order", "Trainer", "prepare"]

Array = npt.NDArray[Any]


class Learner(Protocol):
    """What data are checked against: a model with a loss, once it is built."""

    @property
    def native(self) -> _core.Network:
        """The network."""

    @property
    def compiled_loss(self) -> Suitable:
        """The loss; a RuntimeError where there is none."""

    @property
    def seed(self) -> int:
        """What shuffles are drawn from."""

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
    def loss(self) -> float:
        """The mean so far."""

    @property
    def metric_values(self) -> list[float]:
        """Those of the core, so far."""


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


class Data(Protocol):
    """A set to go over: a `Dataset`, or a `Stream` of batches that come one by one."""

    @property
    def x(self) -> Array:
        """The features, of the batch at hand where there are batches."""

    @property
    def name(self) -> str:
        """What errors call x."""

    @property
    def whole_set_mend(self) -> str:
        """What an error advises where all is needed at once; "" where all is here."""

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

    def check(self, vocabulary: int, switch: str) -> None:
        """Raises for features that are not finite, or no ids, as far as they are here."""

    def trainer(
        self, make: Callable[[Dataset, int, bool], _core.Trainer], batch_size: int, shuffle: bool
    ) -> Trainer:
        """What trains on it; `make` makes the core's for checked arrays."""

    def evaluator(
        self, make: Callable[[Dataset, int], _core.Evaluator], batch_size: int
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
    """Checked arrays, what an error calls x, and which of their samples a pass takes; None: all."""

    x: Array
    y: Array
    weights: npt.NDArray[np.float64] | None
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

    @property
    def whole_set_mend(self) -> str:
        """Nothing: all is here."""
        return ""

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
        loss, outputs = model.compiled_loss, model.native.output_shape[-1]
        by_class = class_weights(class_weight, self.y, loss, outputs)
        return self._replace(weights=by_class if self.weights is None else self.weights * by_class)

    def check(self, vocabulary: int, switch: str) -> None:
        """Raises for features that are not finite, or no ids."""
        own = self.alone()
        arrays.check_values(own.x, vocabulary, own.name, switch)

    def trainer(
        self, make: Callable[[Dataset, int, bool], _core.Trainer], batch_size: int, shuffle: bool
    ) -> Trainer:
        """The core's."""
        return make(self, batch_size, shuffle)

    def evaluator(
        self, make: Callable[[Dataset, int], _core.Evaluator], batch_size: int
    ) -> Evaluator:
        """The core's."""
        return make(self, batch_size)


def prepare(
    model: Learner,
    x: Array,
    y: Any,
    sample_weight: Any,
    names: tuple[str, str, str] = ("x", "y", "sample_weight"),
) -> Dataset:
    """Checks targets and weights against features (already checked) and the model's loss."""
    loss, outputs = model.compiled_loss, model.native.output_shape
    loss._check_head(model.native.head, outputs)
    shape = (len(x), *outputs)
    y = sample_targets(y, loss, shape, names[1], names[0])
    weights = None
    if sample_weight is not None:
        weights = arrays.weights(sample_weight, len(x), names[2])
    return Dataset(x, y, weights, names[0])


def given_for_validation(model: Learner, given: Any) -> Dataset:
    """The arrays of fit's `validation_data`, checked."""
    if not isinstance(given, (tuple, list)) or len(given) not in (2, 3):
        many = f" of {len(given)}" if isinstance(given, (tuple, list)) else ""
        raise TypeError(
            "validation_data must be (x, y) or (x, y, sample_weight); got "
            f"{type(given).__name__}{many}"
        )
    names = ("validation_data[0]", "validation_data[1]", "validation_data[2]")
    x = arrays.features(given[0], model.native.input_shape, names[0])
    weight = given[2] if len(given) == 3 else None
    return prepare(model, x, given[1], weight, names)


def resolve_batch_size(batch_size: Any, samples: int, name: str = "batch_size") -> int:
    """None is 32, "full" every sample; never more than there are."""
    if batch_size is None:
        batch_size = 32
    elif isinstance(batch_size, str):
        if batch_size != "full":
            raise ValueError(f'{name} must be an integer >= 1 or "full"; got {batch_size!r}')
        batch_size = samples
    return min(integer(batch_size, name, 1), samples)


def block_rows(x: Array, batch_size: int) -> int:
    """Rows of about 8 MiB, which a disk reads at full speed; at least a batch."""
    return int(max(batch_size, (8 << 20) // max(1, x[0].size * x.dtype.itemsize)))
