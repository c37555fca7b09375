"""Callbacks that schedule, log, stop or call functions of yours."""

from __future__ import annotations

import csv
import inspect
import os
from collections.abc import Callable
from typing import Any

from .._support.checks import WrongType, boolean, is_function, number, shown, verbosity
from .._support.names import checked_keywords, suggestion
from ..data import arrays
from .base import BuiltIn, Callback, Logs


class LearningRateScheduler(BuiltIn):
    """Sets the learning rate before each epoch: η ← schedule(epoch, η).

    The logs get "learning_rate", as Keras's.

    Parameters
    ----------
    schedule : callable
        Takes the epoch, counted from 0, and the present rate (or the epoch alone); returns the new.
    verbose : {0, 1}, default 0
        1 prints the rate.

    Raises
    ------
    TypeError
        Where schedule is not callable, or does not return a number.

    Examples
    --------
    >>> import mundur as md, numpy as np
    >>> model = md.Model([md.layers.Dense(1)], seed=0)
    >>> model.compile(md.optimizers.SGD(0.1), "mse")
    >>> halve = md.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    >>> history = model.fit(np.ones((4, 2)), np.ones(4), epochs=2, verbose=0, callbacks=[halve])
    >>> history.history["learning_rate"]
    [0.05, 0.025]
    """

    @checked_keywords()
    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        if not is_function(schedule):
            raise WrongType(
                f"schedule must be callable as schedule(epoch, rate); got {shown(schedule)}"
            )
        self.schedule = schedule
        self.verbose = verbosity(verbose)
        self._takes_rate = _takes_two(schedule)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Asks the schedule."""
        optimizer = self.model.compiled_optimizer
        given = (epoch, float(optimizer.learning_rate)) if self._takes_rate else (epoch,)
        rate = number(self.schedule(*given), "what schedule returns", at_least=0)
        optimizer.learning_rate = rate
        if self.verbose:
            print(f"Epoch {epoch + 1}: learning rate set to {rate:g}")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Reports the rate."""
        if logs is not None:
            logs["learning_rate"] = float(self.model.compiled_optimizer.learning_rate)


def _takes_two(function: Callable[..., Any]) -> bool:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some built-in functions tell nothing
        return True
    try:
        signature.bind(0, 0.0)
    except TypeError:
        return False
    return True


class CSVLogger(BuiltIn):
    """Writes the numbers of every epoch to a CSV file, each row as soon as it is known.

    The columns are "epoch", counted from 0, and the names in the logs, sorted, as Keras's; an epoch
    without validation has "NA" there.

    Parameters
    ----------
    filename : path
    separator : str, default ","
        One character.
    append : bool, default False
        Whether rows are added to the file, which must have the same columns, instead of replacing
        it.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it; with `append`, for a file of other columns.

    Examples
    --------
    >>> import mundur as md, numpy as np, pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp(), "log.csv")
    >>> model = md.Model([md.layers.Dense(1, kernel_initializer="zeros")], seed=0)
    >>> model.compile(md.optimizers.SGD(0.0), "mse")
    >>> _ = model.fit(np.ones((4, 2)), np.ones(4), epochs=2, verbose=0,
    ...               callbacks=[md.callbacks.CSVLogger(path)])
    >>> print(path.read_text().strip())
    epoch,loss
    0,1.0
    1,1.0
    """

    @checked_keywords()
    def __init__(
        self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False
    ) -> None:
        if not isinstance(filename, (str, os.PathLike)) or not os.fspath(filename):
            raise WrongType(f"filename must be the path of a file; got {filename!r}")
        if not isinstance(separator, str) or len(separator) != 1:
            raise ValueError(f"separator must be one character; got {separator!r}")
        self.filename = os.fspath(filename)
        self.separator = separator
        self.append = boolean(append, "append")
        self._columns: list[str] = []

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Reads the columns of a file to append to, or empties the file."""
        self._columns = []
        if self.append and os.path.isfile(self.filename):
            with open(self.filename, newline="", encoding="utf-8") as file:
                self._columns = next(csv.reader(file, delimiter=self.separator), [])
        else:
            open(self.filename, "w", encoding="utf-8").close()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Writes a row."""
        row: dict[str, float] = {"epoch": epoch, **(logs or {})}
        header = not self._columns
        if header:
            self._columns = ["epoch", *sorted({*(logs or {}), *self.model._reported_names})]
        unknown = [name for name in row if name not in self._columns]
        if unknown:
            raise ValueError(
                f"{self.filename!r} has the columns {', '.join(self._columns)}; the logs also hold "
                f"{', '.join(unknown)}"
            )
        with open(self.filename, "a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, self._columns, "NA", delimiter=self.separator)
            if header:
                writer.writeheader()
            writer.writerow(row)


class TerminateOnNaN(BuiltIn):
    """Ends training, without an error, when a loss, or a parameter after an epoch, is not finite.

    Without it `fit` raises `NonFiniteLossError`. Either way parameters and optimizer are back at
    the start of that epoch (Keras leaves them broken); the update of an epoch of one step cannot be
    taken back. `History` gets the epoch with that loss, and ``stop_reason`` "nonfinite_loss".

    Parameters
    ----------
    raise_error : bool, default False
        Whether training ends with the `NonFiniteLossError`, a RuntimeError, after all.

    Examples
    --------
    >>> import mundur as md, numpy as np
    >>> model = md.Model([md.layers.Dense(1)], seed=0)
    >>> model.compile(md.optimizers.SGD(1e30), "mse")
    >>> history = model.fit(np.ones((64, 2)), np.ones(64), epochs=9, verbose=0,
    ...                     callbacks=[md.callbacks.TerminateOnNaN()])
    >>> history.stop_reason
    'nonfinite_loss'
    """

    @checked_keywords()
    def __init__(self, raise_error: bool = False) -> None:
        self.raise_error = boolean(raise_error, "raise_error")


class SwapEMAWeights(BuiltIn):
    """Evaluates the running mean of the parameters that an optimizer with `use_ema` keeps.

    Validation, `evaluate` and `predict` with this callback see the mean; training goes on from the
    parameters themselves.

    Parameters
    ----------
    swap_on_epoch : bool, default False
        Whether the model also has the mean from the end of an epoch to the beginning of the next,
        so that `ModelCheckpoint` saves it. Such a file is for predictions, not for `resume_from`.

    Raises
    ------
    ValueError
        Where the optimizer keeps no mean.

    Examples
    --------
    >>> import mundur as md, numpy as np
    >>> model = md.Model([md.layers.Dense(1)], seed=0)
    >>> model.compile(md.optimizers.SGD(0.1, use_ema=True), "mse")
    >>> x, y = np.ones((4, 2)), np.ones(4)
    >>> _ = model.fit(x, y, epochs=2, verbose=0, validation_data=(x, y),
    ...               callbacks=[md.callbacks.SwapEMAWeights()])
    """

    @checked_keywords()
    def __init__(self, swap_on_epoch: bool = False) -> None:
        self.swap_on_epoch = boolean(swap_on_epoch, "swap_on_epoch")
        self._kept: list[Any] | None = None  # the parameters, while the model has their mean

    def _take_mean(self) -> None:
        optimizer = self.model.compiled_optimizer
        if not optimizer.use_ema:
            raise ValueError("SwapEMAWeights needs an optimizer with use_ema=True")
        if self._kept is None:
            self._kept = [view.copy() for view in self.model._parameter_views().values()]
            optimizer.finalize_variable_values(self.model)

    def _give_back(self) -> None:
        if self._kept is not None:
            views = self.model._parameter_views().values()
            for view, values in zip(views, self._kept, strict=True):
                view[...] = values
            self._kept = None

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Gives the parameters back."""
        self._give_back()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Takes the mean, if asked to."""
        if self.swap_on_epoch:
            self._take_mean()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Forgets the parameters; `fit` ends with the mean."""
        self._kept = None

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Takes the mean."""
        self._take_mean()

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Gives the parameters back."""
        self._give_back()

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Takes the mean."""
        self._take_mean()

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """Gives the parameters back."""
        self._give_back()


class LambdaCallback(Callback):
    """A callback made of functions; hooks that were given none cost nothing.

    Parameters
    ----------
    on_epoch_begin, on_epoch_end : callable, optional
        Called with (epoch, logs).
    on_train_begin, on_train_end : callable, optional
        Called with (logs).
    on_train_batch_begin, on_train_batch_end : callable, optional
        Called with (batch, logs).
    **kwargs : callable
        Any other hook of `Callback`, such as ``on_test_end``.

    Raises
    ------
    TypeError
        For a hook that does not exist, or a value that is not callable.

    Examples
    --------
    >>> import mundur as md, numpy as np
    >>> show = md.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch))
    >>> model = md.Model([md.layers.Dense(1)], seed=0)
    >>> model.compile("sgd", "mse")
    >>> _ = model.fit(np.ones((4, 2)), np.ones(4), epochs=2, verbose=0, callbacks=[show])
    0
    1
    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
        **kwargs: Callable[..., Any] | None,
    ) -> None:
        given = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
            **kwargs,
        }
        hooks = [name for name in dir(Callback) if name.startswith("on_")]
        for name, function in given.items():
            if name not in hooks:
                raise WrongType(
                    f"LambdaCallback() has no argument {name!r}{suggestion(name, hooks)} "
                    f"(known: {', '.join(hooks)})"
                )
            if function is None:
                continue
            if not is_function(function):
                raise WrongType(f"{name} must be callable; got {shown(function)}")
            setattr(self, name, function)


PREFIX = "gradient_norm/"


class GradientNorms(Callback):
    """Takes down each layer's gradient norm after every epoch, on samples that stay the same.

    `fit` updates as soon as a gradient is known and keeps none, so this callback runs a forward
    and a backward of its own, as `Model.explain` does: ‖∂L/∂(weights of the layer)‖ of these
    samples, with the weights at the epoch's end, dropout dropping nothing. Training is the same to
    the bit with it and without.

    The numbers stand in ``history.history`` as "gradient_norm/LAYER"; `plots.gradient_flow` draws
    them.

    Parameters
    ----------
    x, y : array
        Samples and targets, as for `fit`; some dozens tell enough.

    Raises
    ------
    TypeError, ValueError
        For what is no samples and targets; in `fit`, for samples that do not suit the model.

    Examples
    --------
    >>> import mundur as md, numpy as np
    >>> x, y = np.eye(4), np.arange(4.0)
    >>> model = md.Model([md.layers.Dense(3, "tanh"), md.layers.Dense(1)], seed=0)
    >>> model.compile("adam", "mse")
    >>> norms = md.callbacks.GradientNorms(x, y)
    >>> history = model.fit(x, y, epochs=2, verbose=0, callbacks=[norms])
    >>> sorted(history.history)
    ['gradient_norm/dense', 'gradient_norm/dense_1', 'loss']
    """

    def __init__(self, x: Any, y: Any) -> None:
        self.x = arrays.real_array(x, "x")
        self.y = arrays.real_array(y, "y")
        if self.x.ndim == 0 or self.y.ndim == 0 or not 0 < len(self.x) == len(self.y):
            raise ValueError(
                "x and y must have the same number of samples, at least one; got shapes "
                f"{self.x.shape} and {self.y.shape}"
            )

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Adds the norms to the epoch's numbers."""
        if logs is not None:
            norms = self.model.explain(self.x, self.y).gradient_norms
            logs.update({PREFIX + name: norm for name, norm in norms.items()})
