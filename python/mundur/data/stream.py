"""Batches that come one by one: from an iterable, or from arrays through a function."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _core
from .._support.checks import WrongType, integer, number
from . import arrays
from .arrays import Several, for_core
from .dataset import Batches, Dataset, Learner, Order, prepare, resolve_batch_size
from .py_dataset import PyDataset

__all__ = ["ArrayBatches", "Stream", "is_batches", "stream_of"]

Array = npt.NDArray[Any]

# Apart from what other uses of NumPy's Philox with the same seed would draw.
_RNG_KEY = 0x6D756E647572
_END = object()


def is_batches(x: Any) -> bool:
    """Whether `x` is an iterable of batches rather than an array."""
    if isinstance(x, (str, bytes, list, tuple, dict, set, frozenset)):
        return False
    if any(hasattr(x, name) for name in ("__array__", "__dlpack__", "toarray", "columns")):
        return False
    return hasattr(x, "__iter__") or (hasattr(x, "__getitem__") and hasattr(x, "__len__"))


def _lists_batches(x: Any) -> bool:
    first = x[0] if isinstance(x, list) and x else None
    return isinstance(first, tuple) and len(first) in (2, 3) and hasattr(first[0], "__len__")


class ArrayBatches:
    """Checked arrays as batches, in `fit`'s order of the epoch that begins.

    Where x is a sparse matrix, each batch is made dense.
    """

    def __init__(self, model: Learner, data: Dataset, order: Order) -> None:
        self._model = model
        self._data = data
        self._order = order
        self._walk = -1

    def __len__(self) -> int:
        return -(-self._order.samples // self._order.batch_size)

    def __iter__(self) -> Iterator[tuple[Array, ...]]:
        samples, size = self._order.samples, self._order.batch_size
        # Steps may end an epoch midway, and a walk begin there.
        self._walk = max(self._walk + 1, self._model.epochs_begun)
        order = self._order.rows(self._model.seed, self._walk)
        for start in range(0, samples, size):
            rows = order[start : start + size]
            x = self._data.x[rows]
            others = (self._data.y, self._data.weights)
            yield (
                x.toarray() if hasattr(x, "toarray") else x,
                *(part[rows] for part in others if part is not None),
            )


class Stream:
    """The batches of an iterable, checked one by one, for pass after pass.

    Parameters
    ----------
    given : iterable of (x, y) or (x, y, sample_weight)
        Begun again for each pass, unless `steps` says how many batches a pass takes.
    steps : int, optional
    name : str
        What errors call the iterable.
    passes : int
        How many there will be.
    restart : bool
        Whether each pass begins the iterable again even where `steps` is given.
    """

    def __init__(
        self,
        model: Learner,
        given: Any,
        steps: int | None = None,
        name: str = "x",
        *,
        passes: int = 1,
        restart: bool = False,
        targets: bool = True,
    ) -> None:
        self._model = model
        self._given: Any = given
        if not hasattr(given, "__iter__"):
            self._given = _Indexed(given)
        self._numbered = given if isinstance(given, PyDataset) else None
        self.shuffle = False  # of the numbers of a PyDataset's batches
        self._once = hasattr(given, "__next__")
        self._steps = steps
        self._restart = restart
        self._targets = targets
        self._title = name
        self._iterator: Iterator[Any] | None = None
        self._waiting: Any = _END  # the first batch, where it was looked at
        self._first_rows = 0
        self._count = 0  # batches of this pass
        self._walks = -1  # how shuffles are told apart
        self._epoch = 0
        self._class_weight: Mapping[int, float] | None = None
        self.transform: Callable[..., Any] | None = None
        self._current: Dataset | None = None
        if self._once and steps is None and passes > 1:
            raise ValueError(
                f"{name} is an iterator, which can be walked once, for {passes} passes; say how "
                "many batches each takes (steps_per_epoch= or validation_steps=), or pass "
                "something that begins again"
            )

    @property
    def length(self) -> int:
        """Batches of a pass; 0 where nobody knows."""
        if self._steps is not None:
            return self._steps
        if self._numbered is not None:
            return self._numbered.num_batches or 0
        try:
            return len(self._given)
        except (TypeError, NotImplementedError):  # a DataLoader over an IterableDataset has one
            return 0

    @property
    def x(self) -> Any:
        """The features of the batch at hand."""
        assert self._current is not None
        return self._current.x

    @property
    def name(self) -> str:
        """What errors call the batch at hand's features."""
        return f"x of batch {self._count - 1} of {self._title}"

    def first_features(self) -> Any:
        """Those of the first batch, to build a model for; the batch is not used up."""
        if self._numbered is not None and self._numbered.num_batches != 0:
            first = self._numbered[0]
        else:
            self._rewind()
            first = self._waiting = self._take()
        if first is _END:
            raise ValueError(f"{self._title} gave no batches")
        x = self._model._features(self._parts(first)[0], self._place(0))
        self._first_rows = len(x)
        return x

    def size(self, batch_size: Any, name: str = "batch_size") -> int:
        """That of the first batch, where it was looked at; an argument is checked only."""
        return max(self._first_rows, resolve_batch_size(batch_size, 1, name))

    def steps(self, batch_size: int) -> int | None:
        """Batches of a pass, or None where nobody knows."""
        return self.length or None

    def split(self, fraction: Any) -> tuple[Stream, None]:
        """Of batches nothing is ever split: the fraction is 0."""
        number(fraction, "validation_split", at_least=0, at_most=0)
        return self, None

    def weighed(self, model: Learner, class_weight: Any) -> Stream:
        """The same batches, each weighed as it comes."""
        self._class_weight = class_weight
        return self

    def alone(self) -> Stream:
        """Batches have nothing else."""
        return self

    def check(self, model: Learner, switch: str | None) -> None:
        """Nothing: batches are checked as they come."""

    def begin(self, epoch: int = 0) -> Dataset:
        """A new pass; its first batch."""
        self._count, self._epoch = 0, epoch
        if self._numbered is not None:
            self._numbered.on_epoch_begin()
        if self._waiting is _END:
            self._rewind()
        data = self.advance()
        if data is None:
            raise ValueError(f"{self._title} gave no batches")
        return data

    def advance(self) -> Dataset | None:
        """The next batch, or None at the end of the pass."""
        item = self._next()
        if item is _END:
            if self._numbered is not None:
                self._numbered.on_epoch_end()
            return None
        self._current = self._checked(item)
        self._count += 1
        return self._current

    def _next(self) -> Any:
        if self._count == self._steps:
            return _END
        item, self._waiting = self._waiting, _END
        if item is _END:
            item = self._take()
        return self._again() if item is _END and self._steps is not None else item

    def _rewind(self) -> None:
        if self._iterator is None or self._steps is None or self._restart:
            self._iterator = self._walk()

    def _walk(self) -> Iterator[Any]:
        data, model = self._numbered, self._model
        if data is None or not self.shuffle or not data.num_batches:
            return iter(self._given)
        self._walks = max(self._walks + 1, model.epochs_begun)
        order = _core.permutation(data.num_batches, model.seed, self._walks)
        return (data[int(i)] for i in order)

    def _take(self) -> Any:
        assert self._iterator is not None
        return next(self._iterator, _END)

    def _again(self) -> Any:
        """The first batch of the iterable begun again: it is shorter than `steps`."""
        if not self._once:
            self._iterator = self._walk()
            item = self._take()
            if item is not _END:
                return item
        raise ValueError(
            f"{self._title} ended after {self._count} batches of a pass that takes {self._steps}"
        )

    def _place(self, batch: int) -> str:
        return f"x of batch {batch} of {self._title}"

    def _parts(self, item: Any) -> tuple[Any, ...]:
        fitting = (2, 3) if self._targets else (1, 2, 3)
        if isinstance(item, (tuple, list)) and len(item) in fitting:
            return tuple(item)
        if not self._targets:
            return (item,)
        many = f" of {len(item)}" if isinstance(item, (tuple, list)) else ""
        raise WrongType(
            f"{self._title} must give batches (x, y) or (x, y, sample_weight); batch {self._count} "
            f"is a {type(item).__name__}{many}"
        )

    def features(self) -> Iterator[Any]:
        """The features of a pass alone, for prediction."""
        self._count = 0
        if self._iterator is None:
            self._rewind()
        while (item := self._next()) is not _END:
            yield self._model._features(self._parts(item)[0], self._place(self._count))
            self._count += 1

    def _checked(self, item: Any) -> Dataset:
        parts = self._parts(item)
        where = f"batch {self._count} of {self._title}"
        names = (f"x of {where}", f"y of {where}", f"sample_weight of {where}")
        model = self._model
        x = model._features(parts[0], names[0])
        if self.transform is not None:
            x = self._transformed(x)
        data = prepare(model, x, parts[1], parts[2] if len(parts) == 3 else None, names)
        return data.weighed(model, self._class_weight)

    def _transformed(self, x: Any) -> Array:
        assert self.transform is not None
        if isinstance(x, Several):
            raise ValueError(f"augment must be None where there are {len(x.parts)} inputs")
        key = np.array([self._model.seed, _RNG_KEY], np.uint64)
        counter = np.array([0, 0, self._count, self._epoch], np.uint64)
        rng = np.random.Generator(np.random.Philox(key=key, counter=counter))
        result = self.transform(x.astype(self._model.dtype), rng)
        result = arrays.real_array(result, "what augment returned")
        if result.shape != x.shape:
            raise ValueError(
                f"augment must keep the shape of a batch, {x.shape}; it returned {result.shape}"
            )
        return result

    def trainer(
        self,
        make: Callable[[Dataset, int, bool], _core.Trainer],
        batch_size: int,
        shuffle: bool,
        batches: Batches,
    ) -> StreamTrainer:
        """What trains on these batches."""
        return StreamTrainer(self, make, batches)

    def evaluator(
        self, make: Callable[[Dataset, int], _core.Evaluator], batch_size: int, batches: Batches
    ) -> StreamEvaluator:
        """What evaluates on these batches, once."""
        return StreamEvaluator(self, make, batches)


class StreamTrainer:
    """The native trainer's face over batches: one native trainer that is fed one after another.

    A batch is fetched right after the one before it was used, so that the last is known as such.
    """

    def __init__(
        self,
        stream: Stream,
        make: Callable[[Dataset, int, bool], _core.Trainer],
        batches: Batches,
    ) -> None:
        self._stream = stream
        self._batches = batches
        self._make = make
        self._augment: Sequence[_core.Augmentation] = ()
        self._native: _core.Trainer | None = None
        self.step = 0

    @property
    def steps_per_epoch(self) -> int:
        """Batches of an epoch; 0 where nobody knows."""
        return self._stream.length

    @property
    def native(self) -> _core.Trainer:
        """The trainer behind, from the first epoch on."""
        assert self._native is not None
        return self._native

    @property
    def restored(self) -> bool:
        """Whether the model went back to where the epoch began."""
        return self.native.restored

    def undo(self) -> bool:
        """Takes the epoch's updates back."""
        return self.native.undo()

    @property
    def means(self) -> list[float]:
        """Of the epoch so far."""
        return self.native.means

    @property
    def sums(self) -> list[float]:
        """What those are means of."""
        return self.native.sums

    def set_augment(self, steps: Sequence[_core.Augmentation]) -> None:
        """Native augmentation of every batch."""
        self._augment = steps

    def begin_epoch(self, epoch: int) -> None:
        """Fetches the first batch and clears the sums."""
        data = self._stream.begin(epoch)
        self._batches.begin()
        given = self._batches.take(data)
        if self._native is None:
            self._native = self._make(data, len(data.x), False)
            self._native.set_augment(self._augment)
        self._native.feed(for_core(data.x), *given)
        self._native.begin_epoch(epoch)
        self.step = 0

    def run(self, budget: float, max_steps: int) -> str:
        """As the native trainer's."""
        end = time.perf_counter() + budget
        last = self.step + max_steps
        while True:
            status = self.native.run(budget, 1)
            if status in ("loss", "input"):
                return status
            self.step += 1
            self._batches.took()
            data = self._stream.advance()
            if data is None:
                return "finished"
            self.native.feed(for_core(data.x), *self._batches.take(data))
            if self.step == last or time.perf_counter() >= end:
                return "more"


class StreamEvaluator:
    """The native evaluator's face over batches."""

    def __init__(
        self, stream: Stream, make: Callable[[Dataset, int], _core.Evaluator], batches: Batches
    ) -> None:
        self._stream = stream
        self._batches = batches
        data = stream.begin()
        batches.begin()
        batches.take(data)
        self._native = make(data, len(data.x))
        self.step = 0

    @property
    def steps(self) -> int:
        """Batches of the pass; 0 where nobody knows."""
        return self._stream.length

    @property
    def means(self) -> list[float]:
        """So far."""
        return self._native.means

    def run(self, budget: float) -> str:
        """As the native evaluator's."""
        end = time.perf_counter() + budget
        while True:
            status = self._native.run(budget)
            if status == "more":  # a batch that takes longer than the budget
                continue
            if status != "finished":
                return status
            self.step += 1
            self._batches.took()
            data = self._stream.advance()
            if data is None:
                return "finished"
            self._native.feed(for_core(data.x), *self._batches.take(data))
            if time.perf_counter() >= end:
                return "more"


class _Indexed:
    """What has a length and items, as an iterable."""

    def __init__(self, given: Any) -> None:
        self._given = given

    def __len__(self) -> int:
        return len(self._given)

    def __iter__(self) -> Iterator[Any]:
        return (self._given[i] for i in range(len(self._given)))


def stream_of(
    model: Learner,
    x: Any,
    steps: Any,
    steps_name: str,
    passes: int = 1,
    *,
    targets: bool = True,
    **others: Any,
) -> Stream | None:
    """The source of batches where `x` is an iterable of them, else None.

    A ValueError where `others`, which speak of arrays, are given as well.
    """
    if not is_batches(x):
        if targets and others["y"] is None and _lists_batches(x):
            raise WrongType(
                "x must be an array or give batches; got a list of (x, y): join them, with "
                "x = np.concatenate([x for x, y in batches]) and y likewise"
            )
        return None
    for other, value in others.items():
        if value is not None:
            raise ValueError(f"{other} must be None where x gives batches; got {_came(value)}")
    steps = checked_steps(steps, steps_name)
    return Stream(model, x, steps, passes=passes, targets=targets)


def first_features(x: Any, stream: Stream | None, model: Learner) -> Any:
    """The features that tell a model its shape: all of an array, or the first batch."""
    return model._features(x) if stream is None else stream.first_features()


def checked_steps(steps: Any, name: str) -> int | None:
    """How many batches a pass takes, or None."""
    return None if steps is None else integer(steps, name, 1)


def _came(value: Any) -> str:
    return type(value).__name__ if hasattr(value, "__len__") else repr(value)
