"""The model: compile, fit, evaluate, predict, save."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .. import _core
from .. import augment as augmentation
from .._support.checks import boolean, check_layers, extents, integer, number
from .._support.names import checked_keywords
from ..callbacks.base import CallbackList
from ..callbacks.history import History
from ..data import arrays
from ..data import dataset as datasets
from ..data import stream as batches
from ..training import loop as training
from ..training import passes as predictions
from ..training import position as resume
from ..training import progress
from ..training.learning_rates import FindsRates
from .explained import Explained
from .keeping import Keeping

if TYPE_CHECKING:
    from ..layers.base import Layer
    from ..layers.input import InputLayer

__all__ = ["Model"]

Array = npt.NDArray[Any]
# float, [float, ...] or {name: float}, as Keras has it; Any spares callers the distinction.
Result = Any


class Model(Keeping, FindsRates, Explained):
    """A chain of layers that trains natively from NumPy arrays; `Sequential` is another name of it.

    Parameters
    ----------
    layers : list of Layer, optional
        In order; the first may be an `Input`. More can follow through `add`.
    trainable : bool, default True
        False freezes every layer.
    name : str, default "model"
    seed : int, optional
        Fixes first weights, dropout and shuffles; None draws one. Readable as ``model.seed``.
    dtype : {"float32", "float64"}, default "float32"
        Of parameters and computation.
    compute_dtype : {None, "bfloat16"}, optional
        What products compute in: `dtype`, or, faster where the CPU has AVX512_BF16 and at some
        cost in accuracy, bfloat16 with float32 sums; see `Model.compute_dtype`.
    device : {"cpu"}, default "cpu"
    input_shape : tuple of int, optional
        Shape of one sample; without it the first data tells.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it; for layers that do not fit one another.
    MemoryError
        Where the parameters do not fit in memory.

    Notes
    -----
    One model used from several threads at once is safe: calls wait for one another.

    Examples
    --------
    >>> import mundur as md, numpy as np
    >>> x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    >>> y = np.array([0, 1, 1, 0])
    >>> model = md.Model([md.layers.Dense(8, "tanh"), md.layers.Dense(1, "sigmoid")], seed=1)
    >>> model.compile(md.optimizers.Adam(0.1), "binary_crossentropy", metrics=["accuracy"])
    >>> history = model.fit(x, y, batch_size="full", epochs=200, verbose=0)
    >>> model.predict(x).round().ravel()
    array([0., 1., 1., 0.], dtype=float32)
    """

    @checked_keywords()
    def __init__(
        self,
        layers: Iterable[Layer | InputLayer] | None = None,
        trainable: bool = True,
        name: str | None = None,
        *,
        seed: int | None = None,
        dtype: Any = "float32",
        compute_dtype: Any = None,
        device: str = "cpu",
        input_shape: Sequence[int] | int | None = None,
    ) -> None:
        super().__init__(seed, dtype, compute_dtype, device)
        check_layers(() if layers is None else layers, "Model")
        hint = "; for a seed write seed=..." if isinstance(trainable, int) else ""
        boolean(trainable, "trainable", hint)
        self.name = "model" if name is None else name
        self.stop_training = False
        self.history: History | None = None
        self._stop_reason = "callback"
        if input_shape is not None:
            self._declare(extents(input_shape, "input_shape"))
        for layer in layers or ():
            self._append(layer)
        if not trainable:
            self.trainable = False
        if self._layers and self._declared_shape is not None:
            self._build(self._declared_shape)
        self._made = True

    # ---- fit ---------------------------------------------------------------------------------

    @checked_keywords()
    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | str | None = None,
        epochs: int = 1,
        verbose: str | int = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool | str = True,
        class_weight: Mapping[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | str | None = None,
        validation_freq: int = 1,
        *,
        stop_loss: float | None = None,
        allow_nonfinite: bool = False,
        augment: Any = None,
        resume_from: str | os.PathLike[str] | None = None,
    ) -> History:
        """Trains for a number of epochs in native code.

        Parameters
        ----------
        x : array (samples, *input_shape), DataFrame, or iterable of batches
            Any real dtype and strides, memory maps too; converted batch by batch. An iterable
            (generator, loader, ...) gives ``(x, y)`` or ``(x, y, sample_weight)`` and is begun
            again for each epoch; `y`, `batch_size`, `sample_weight` then stay None.
        y : array
            One row per sample; (n,) equals (n, 1); integer labels for the sparse loss.
        batch_size : int or "full", optional
            None is 32, "full" the whole set; the last batch may be short.
        epochs : int, default 1
            The epoch to train up to, counting from `initial_epoch`.
        verbose : {"auto", 0, 1, 2}, default "auto"
            0 silent, 1 bars, 2 a line per epoch; "auto": bars on a terminal, lines in a log.
        callbacks : list of Callback, optional
        validation_split : float, default 0.0
            The share of samples, from the end and before shuffling, to validate on.
        validation_data : (x, y), (x, y, sample_weight) or iterable of batches, optional
            Evaluated after each epoch; goes before `validation_split`.
        shuffle : bool or "block", default True
            The order is a function of the model's seed and the epochs begun so far. "block" is for
            maps larger than memory: blocks of neighbours (8 MiB, at least a batch) in random order,
            the samples of each in random order. Batches of an iterable stay as they come.
        class_weight : dict of int to float, optional
            The weight of each class; those left out weigh 1.
        sample_weight : array (samples,), optional
            Finite, not negative; multiplied with the weight of the sample's class. A batch's loss
            is divided by the sum of its weights, so weights say how samples compare within a
            batch (Keras divides by the number of samples, which scales the steps, too).
        initial_epoch : int, default 0
        steps_per_epoch, validation_steps : int, optional
            Batches that an epoch, or a validation, takes from an iterable, which may be endless.
        validation_batch_size : int or "full", optional
            By default `batch_size`.
        validation_freq : int, default 1 (after every epoch)
        stop_loss : float, optional
            Ends training after an epoch whose mean loss is this or less.
        allow_nonfinite : bool, default False
            Whether features may be NaN or infinite.
        augment : Augmentation, list of them, or callable, optional
            What changes each batch of training, see `mundur.augment`; ``f(x_batch, rng)``, with a
            NumPy generator of (seed, epoch, step), returns the batch to train on.
        resume_from : path, optional
            A file of `ModelCheckpoint`, or of `save` after Ctrl-C: training goes on from there up
            to `epochs` in all, to the bit as if it had never stopped, from within an epoch too.
            For x and y as arrays, without an `augment` written in Python.

        Returns
        -------
        History
            ``history.history`` holds the numbers, ``history.stop_reason`` why training ended:
            "epochs", "stop_loss", "patience", "callback", "nonfinite_loss" (`TerminateOnNaN`), or
            "interrupted" after Ctrl-C, which leaves the model whole.

        Raises
        ------
        TypeError, ValueError
            For bad arguments, each named with what was expected and what came.
        NonFiniteLossError
            Where a batch's loss, or a parameter after an epoch, is not finite; the model is back
            where this call took the epoch up.

        Examples
        --------
        >>> import mundur as md, numpy as np
        >>> x = np.linspace(-1, 1, 64).reshape(-1, 1)
        >>> model = md.Model([md.layers.Dense(1)], seed=0)
        >>> model.compile(md.optimizers.SGD(0.1), "mse")
        >>> history = model.fit(x, 3 * x + 1, epochs=1000, stop_loss=1e-6, verbose=0)
        >>> history.stop_reason
        'stop_loss'
        """
        level = progress.verbosity(verbose)
        with self.lock, _core.to_nearest:
            if self._fitting:
                raise RuntimeError("fit was called by a callback of the same model's fit")
            _ = self.compiled_optimizer, self.compiled_loss
            passes = integer(epochs, "epochs", 1) - integer(initial_epoch, "initial_epoch")
            stream = batches.stream_of(
                *(self, x, steps_per_epoch, "steps_per_epoch", passes),
                **{"y": y, "batch_size": batch_size, "sample_weight": sample_weight},
                validation_split=number(validation_split, "validation_split") or None,
            )
            checked = batches.first_features(x, stream, self._declared_shape)
            with self._built_for(checked):
                data = stream or datasets.prepare(self, checked, y, sample_weight)
                train, validation = batches.with_validation(
                    self, data, validation_split, validation_data, validation_steps, passes
                )
                train = batches.weigh(self, train, class_weight)
                size = batches.size_of(train, batch_size, len(checked))
                blocks = isinstance(shuffle, str) and shuffle == "block"
                block = batches.block_rows(checked, size) if blocks else 0
                steps, function = augmentation.resolve(augment, self.native.input_shape)
                if steps and self.vocabulary:
                    raise ValueError(
                        "augment must be a function f(x_batch, rng) where samples are ids; Noise, "
                        "Shift and Flip change numbers"
                    )
                if validation_batch_size is None:
                    # As it was given: `size` is no more than the samples to train on.
                    validation_batch_size = batch_size if stream is None else size
                options = training.FitOptions(
                    batch_size=size,
                    validation_batch_size=datasets.resolve_batch_size(
                        validation_batch_size,
                        len(validation.x) if isinstance(validation, datasets.Dataset) else 1,
                        "validation_batch_size",
                    ),
                    epochs=integer(epochs, "epochs", 1),
                    initial_epoch=integer(initial_epoch, "initial_epoch"),
                    shuffle=bool(block) or boolean(shuffle, "shuffle"),
                    validation_freq=integer(validation_freq, "validation_freq", 1),
                    stop_loss=None if stop_loss is None else number(stop_loss, "stop_loss"),
                    allow_nonfinite=boolean(allow_nonfinite, "allow_nonfinite"),
                    block=block,
                    augment=steps,
                )
                train = batches.transformed(self, train, options, function)
                options, resumed = resume.resumed_from(self, resume_from, options, train)
                length = batches.steps_of(train, size)
                params = {"verbose": level, "epochs": options.epochs, "steps": length}
                called = CallbackList(callbacks, self, params)
                shown = progress.for_fit(level, options.epochs, options.initial_epoch)
                loop = training.FitLoop(self, train, validation, options, called, shown, resumed)
            return self._run(loop, params)

    @property
    def stop_training(self) -> bool:
        """Whether `fit` ends after this epoch; a callback may set it."""
        return self._stop_training

    @stop_training.setter
    def stop_training(self, value: bool) -> None:
        self._stop_training = boolean(value, "stop_training")

    def _run(self, loop: training.FitLoop, params: dict[str, Any]) -> History:
        self.stop_training, self._stop_reason = False, "callback"
        self.history, self._fitting, self._loop = loop.history, True, loop
        try:
            with self.compiled_optimizer.training(self):
                return loop.run(params)
        finally:
            self._fitting, self._loop, self._place = False, None, loop.place()

    # ---- evaluate and predict ----------------------------------------------------------------

    @checked_keywords()
    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | str | None = None,
        verbose: str | int = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        *,
        allow_nonfinite: bool = False,
    ) -> Result:
        """The loss and the metrics over a set.

        Parameters
        ----------
        x, y, batch_size, verbose, sample_weight, callbacks, allow_nonfinite
            As for `fit`; "auto" shows a bar on a terminal once it takes long.
        steps : int, optional
            How many batches of an iterable, which may be endless; None is all.
        return_dict : bool, default False

        Returns
        -------
        float, list of float or dict
            The loss, penalties included; [loss, metric, ...] where there are metrics; a dict with
            `return_dict`.

        Examples
        --------
        >>> import mundur as md, numpy as np
        >>> model = md.Model([md.layers.Dense(1, kernel_initializer="zeros")], seed=0)
        >>> model.compile("sgd", "mse")
        >>> model.evaluate(np.ones((4, 2)), np.ones(4), verbose=0)
        1.0
        """
        level = progress.verbosity(verbose)
        boolean(return_dict, "return_dict")
        with self.lock, _core.to_nearest:
            stream = batches.stream_of(
                *(self, x, steps, "steps"),
                **{"y": y, "batch_size": batch_size, "sample_weight": sample_weight},
            )
            checked = batches.first_features(x, stream, self._declared_shape)
            with self._built_for(checked):
                data = stream or datasets.prepare(self, checked, y, sample_weight)
                size = datasets.resolve_batch_size(batch_size, len(checked))
                length = batches.steps_of(data, size)
                params = {"verbose": level, "epochs": 1, "steps": length}
                called = CallbackList(callbacks, self, params)
                shown = progress.for_pass(level, "Evaluate")
                allow = boolean(allow_nonfinite, "allow_nonfinite")
                try:
                    logs = training.evaluate(self, data, size, called, shown, allow)
                finally:
                    shown.close()
        return _result(logs, return_dict)

    @checked_keywords()
    def predict(
        self,
        x: Any,
        batch_size: int | str | None = None,
        verbose: str | int = "auto",
        steps: int | None = None,
        callbacks: Any = None,
        *,
        allow_nonfinite: bool = False,
    ) -> Array:
        """The outputs for samples; a sample's bits do not depend on what else is in the batch.

        Parameters
        ----------
        x, batch_size, verbose, steps, callbacks, allow_nonfinite
            As for `evaluate`; the batches of an iterable may be features alone.

        Returns
        -------
        ndarray (samples, *output_shape)

        Examples
        --------
        >>> import mundur as md, numpy as np
        >>> model = md.Model([md.layers.Dense(1, kernel_initializer="ones")], seed=0)
        >>> model.predict(np.ones((2, 3)))
        array([[3.],
               [3.]], dtype=float32)
        """
        level = progress.verbosity(verbose)
        with self.lock:
            stream = None
            if not isinstance(x, np.ndarray):
                stream = batches.stream_of(
                    *(self, x, steps, "steps"), targets=False, batch_size=batch_size
                )
            elif steps is not None:
                raise batches.steps_without_batches("steps")
            x = batches.first_features(x, stream, self._declared_shape)
            allow = boolean(allow_nonfinite, "allow_nonfinite")
            with self._built_for(x):
                size = datasets.resolve_batch_size(batch_size, len(x))
                if stream is None and callbacks is None and level in ("auto", 0) and size == len(x):
                    return predictions.predict_batch(self, x, allow)
                length = batches.steps_of(stream or x, size)
                params = {"verbose": level, "epochs": 1, "steps": length}
                called = CallbackList(callbacks, self, params)
                shown = progress.for_pass(level, "Predict")
                try:
                    if stream is not None:
                        return batches.predict(self, stream, called, shown, allow)
                    return predictions.predict(self, x, size, called, shown, allow)
                finally:
                    shown.close()

    # ---- single batches ----------------------------------------------------------------------

    @checked_keywords()
    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Mapping[int, float] | None = None,
        return_dict: bool = False,
        *,
        allow_nonfinite: bool = False,
    ) -> Result:
        """One update on one batch; returns its loss and metrics from before the update.

        Each call stands for itself.

        Examples
        --------
        >>> import mundur as md, numpy as np
        >>> model = md.Model([md.layers.Dense(1, kernel_initializer="zeros")], seed=0)
        >>> model.compile("sgd", "mse")
        >>> model.train_on_batch(np.ones((4, 2)), np.ones(4))
        1.0
        """
        boolean(return_dict, "return_dict")
        allow = boolean(allow_nonfinite, "allow_nonfinite")
        with self.lock, _core.to_nearest:
            _ = self.compiled_optimizer, self.compiled_loss
            checked = arrays.features(x, self._declared_shape)
            with self._built_for(checked):
                data = datasets.prepare(self, checked, y, sample_weight)
                data = datasets.weigh_classes(self, data, class_weight)
                logs = training.train_step(self, data, allow)
        return _result(logs, return_dict)

    @checked_keywords()
    def test_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        return_dict: bool = False,
        *,
        allow_nonfinite: bool = False,
    ) -> Result:
        """The loss and the metrics of one batch, as `evaluate`."""
        return self.evaluate(
            x,
            y,
            "full",
            verbose=0,
            sample_weight=sample_weight,
            return_dict=return_dict,
            allow_nonfinite=allow_nonfinite,
        )

    def predict_on_batch(self, x: Any) -> Array:
        """The outputs for one batch, as `predict`."""
        return self.predict(x, "full", verbose=0)


def _result(logs: dict[str, float], as_dict: bool) -> Result:
    if as_dict:
        return logs
    values = list(logs.values())
    return values[0] if len(values) == 1 else values
