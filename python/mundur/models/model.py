"""The model: compile, fit, evaluate, predict, save, and what it shows of itself.

The methods say what they do; what does it stands in `mundur.training`, `saving` and `inspection`.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from .. import _core, optimizers
from .._support.checks import boolean, check_layers, extents, integer, shown
from .._support.names import Harmless, checked_keywords, either
from ..callbacks.history import History
from ..data.dataset import Objective
from ..layers.base import Layer
from ..layers.input import is_symbolic
from ..losses.base import Loss
from ..metrics.base import Metric
from ..optimizers.base import Optimizer
from ..training import loop, passes
from ..training.loop import Fit
from ..training.position import Place
from .chain import Chain
from .steps import Stepping

if TYPE_CHECKING:
    from ..inspection.explanation import Explanation
    from ..inspection.gradient_check import GradientCheck
    from ..inspection.verify import Verification
    from ..training.learning_rates import LearningRates

__all__ = ["Model"]

_OWN = ("lock", "history")  # public attributes that are no properties

Array = npt.NDArray[Any]
# float, [float, ...] or {name: float}, as Keras has it; Any spares callers the distinction.
Result = Any


class Model(Stepping):
    """Layers that train natively from NumPy arrays; `Sequential` is another name of it.

    ``Model([layer, ...])`` is a chain, ``Model(inputs, outputs)`` a graph of symbolic values, as in
    Keras's functional API: several inputs and outputs, in lists or dicts, layers that are skipped
    or called more than once, models within. A graph is built at once.

    Parameters
    ----------
    layers : list of Layer, optional
        In order; the first may be an `Input`. More can follow through `add`. Of a graph: what
        `inputs` says.
    trainable : bool, default True
        False freezes every layer. Of a graph this second place is that of `outputs`.
    name : str, default "model"
    seed : int, optional
        Fixes first weights, dropout and shuffles; None draws one. Readable as ``model.seed``.
    dtype : {"float32", "float64"}, default "float32"
        Of parameters and computation.
    compute_dtype : {None, "bfloat16", "bfloat16_pairs"}, optional
        What products compute in: `dtype`, or, at some cost in accuracy, bfloat16 with float32 sums:
        much faster where the CPU has AMX, or, in pairs, AVX512_BF16; see `Model.compute_dtype`.
    device : str, default "cpu"
        Where it computes: "cuda" or "cuda:1" is a GPU, with the package mundur-cuda, and the same
        bits; see `Model.device`.
    input_shape : tuple of int, optional
        Shape of one sample; without it the first data tells.
    inputs, outputs : symbolic value, or list, tuple or dict of them
        A graph's: what `Input` gave, and what layers made of it. With a dict its names are those of
        the arrays; else an `Input`'s name, and that of the layer that makes an output. Layers may
        belong to other models, too: all of them have the same numbers. (Each model has a copy;
        what is used takes over the numbers of what was used last, so live views of a layer that
        models share are of the model that they came from.)

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it; for layers that do not fit one another, and outputs that
        other inputs lead to.
    MemoryError
        Where the parameters do not fit in memory.
    RuntimeError
        Where a `device` lacks its package, its driver or itself.
    NotImplementedError
        For what does not run on a GPU yet.

    Notes
    -----
    One model used from several threads at once is safe: calls wait for one another. An attribute of
    your own, such as ``model.note = "..."``, goes with copies and pickles, not into files.

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

    >>> a, b = md.Input((2,), name="a"), md.Input((3,), name="b")
    >>> both = md.layers.Concatenate()([md.layers.Dense(4, "relu")(a), b])
    >>> model = md.Model([a, b], md.layers.Dense(1)(both), seed=0)
    >>> model.predict({"a": np.ones((5, 2)), "b": np.ones((5, 3))}).shape
    (5, 1)
    """

    _optimizer: Optimizer | None = None
    _objectives: tuple[Objective, ...] = ()  # of each output
    _given: tuple[Any, Any, Any, Any] | None = None  # to compile, before `call` told the outputs
    _has_loss = False  # whether any of them
    _names: tuple[str, ...] = ("loss",)  # of losses and metrics
    _epochs_begun = 0
    _loop: Fit | None = None  # the fit at work
    _place: Place | None = None  # where the last one ended
    _reported_names: tuple[str, ...] = ()  # what fit puts into the logs
    _stop_reason = "callback"
    _text: Any = None  # of a `TextClassifier`: files hold it beside the layers

    @checked_keywords()
    def __init__(
        self,
        layers: Any = None,
        trainable: Any = True,
        name: str | None = None,
        *,
        seed: int | None = None,
        dtype: Any = "float32",
        compute_dtype: Any = None,
        device: str = "cpu",
        input_shape: Sequence[int] | int | None = None,
        inputs: Any = None,
        outputs: Any = None,
    ) -> None:
        super().__init__(seed, dtype, compute_dtype, device)
        if is_symbolic(trainable):
            outputs, trainable = trainable, True
        if outputs is not None or inputs is not None:
            both = layers is not None and inputs is not None
            inputs, layers = layers if inputs is None else inputs, None
            if both or outputs is None or input_shape is not None:
                raise TypeError(
                    "Model(inputs, outputs) takes symbolic values for both, as Input(shape) and "
                    "layer(x) are, and no input_shape"
                )
        elif is_symbolic(layers) and not isinstance(layers, list):
            came = shown(trainable) if trainable is not True else "none"
            raise TypeError(
                "outputs must be symbolic, as Input(shape) and layer(x) are, in "
                f"Model(inputs, outputs); got {came}"
                + (", a layer: call it on a value" if isinstance(trainable, Layer) else "")
            )
        check_layers(() if layers is None else layers, "Model")
        hint = "; for a seed write seed=..." if isinstance(trainable, int) else ""
        boolean(trainable, "trainable", hint)
        if name is not None:
            self.name = name
        self.stop_training = False
        self.history: History | None = None
        if input_shape is not None:
            self._declare(extents(input_shape, "input_shape", lengths=True))
        for layer in layers or ():
            self._append(layer)
        if outputs is not None:
            self._connect(inputs, outputs)
        if not trainable:
            self.trainable = False
        if self._layers and not self.built and self._declared_shape is not None:
            self._build(self._declared_shape)
        self._made = True

    # ---- compile ------------------------------------------------------------------------------

    @checked_keywords(
        ignored={
            "run_eagerly": either(False, True),
            "steps_per_execution": Harmless(1, lambda _, name, value: integer(value, name, 1)),
            "jit_compile": either("auto", True, False),
            "auto_scale_loss": either(True, False),
        }
    )
    def compile(
        self,
        optimizer: str | Optimizer | type[Optimizer] = "rmsprop",
        loss: str | Loss | type[Loss] | Sequence[Any] | Mapping[str, Any] | None = None,
        loss_weights: Sequence[float] | Mapping[str, float] | None = None,
        metrics: Sequence[Any] | Mapping[str, Any] | None = None,
        weighted_metrics: Sequence[Any] | Mapping[str, Any] | None = None,
    ) -> None:
        """Sets what training uses.

        Parameters
        ----------
        optimizer : str or Optimizer
            "adam", "sgd", ... or an instance; "rmsprop" by default, as in Keras.
        loss : str or Loss
            "mse", "binary_crossentropy", ... or an instance, also of a class of yours: see `Loss`.
            With several outputs a list of them, or a dict by the outputs' names, None where an
            output has none; one by itself is for all.
        loss_weights : list or dict of float, optional
            With several outputs: the loss is Σ weight · loss of the output. Logs have each by
            itself, ``a_loss`` for an output "a", beside ``loss``.
        metrics : list of str, Metric or callable, optional
            For instance ``["accuracy"]``; a function f(y_true, y_pred) -> number too. See
            `mundur.metrics`. With several outputs a list or dict of them; logs call those of an
            output "a" ``a_accuracy``, ...
        weighted_metrics : list of str, Metric or callable, optional
            Those that sample and class weights count for.

        Raises
        ------
        ValueError
            For unknown names, and a loss that does not suit the last layer; it names the mend.

        Examples
        --------
        >>> import mundur as md
        >>> model = md.Model([md.layers.Dense(1)], input_shape=(2,), seed=0)
        >>> model.compile("adam", "mse")
        >>> model.compile("adam", "binary_crossentropy")
        Traceback (most recent call last):
        ...
        ValueError: BinaryCrossentropy expects probabilities, but the model ends in linear; set \
from_logits=True in the loss or activation="sigmoid" in the last layer
        """
        from ..training.objectives import are_of_several, objectives_of

        new_optimizer = optimizers.get(optimizer)
        given = (loss, loss_weights, metrics, weighted_metrics)
        # Which outputs there are, a class may say by `call`, once there are data.
        waits = self._traces() and are_of_several(*given)
        asked = () if waits else objectives_of(self._ports_out, *given)
        new_optimizer._check_usable()
        self._check_overrides()
        with self.lock:
            if self._loop is not None:
                raise RuntimeError("compile was called by a callback of the same model's fit")
            if self.built:
                heads = zip(asked, self.native.heads, self.native.output_shapes, strict=True)
                for one, head, shape in heads:
                    if one.loss is not None:
                        one.loss._check_head(head, shape)
            self._optimizer, self._place = new_optimizer, None
            self._given = given if self._traces() else None
            self._ask(asked)
            self._has_loss = self._has_loss or waits

    def _ask(self, objectives: tuple[Objective, ...]) -> None:
        from ..training.objectives import names_of

        self._objectives = objectives
        self._has_loss = any(one.loss is not None for one in objectives)
        self._names = tuple(names_of(objectives))

    def _trace(self, shapes: Any) -> None:
        super()._trace(shapes)
        given, self._given = self._given, None
        if given is not None and not (self._objectives and self._ports_out.alone):
            from ..training.objectives import objectives_of

            self._objectives, self._has_loss = (), False
            self._ask(objectives_of(self._ports_out, *given))

    @property
    def optimizer(self) -> Optimizer | None:
        """The optimizer of `compile`."""
        return self._optimizer

    @property
    def loss(self) -> Any:
        """The loss of `compile`; with several outputs a dict of them."""
        if len(self._objectives) < 2:
            return self._objectives[0].loss if self._objectives else None
        return {one.name: one.loss for one in self._objectives}

    @property
    def epochs_begun(self) -> int:
        """How many epochs `fit` has begun, by which shuffles are told apart."""
        return self._epochs_begun

    @epochs_begun.setter
    def epochs_begun(self, value: int) -> None:
        self._epochs_begun = integer(value, "epochs_begun")

    @property
    def metrics(self) -> list[Metric]:
        """The metrics of `compile`, the weighted ones behind, the loss not among them."""
        return [metric for one in self._objectives for metric in one.metrics]

    @property
    def metrics_names(self) -> list[str]:
        """Names of what `evaluate` returns, in order."""
        return list(self._names)

    @property
    def compiled_optimizer(self) -> Optimizer:
        """The optimizer; a RuntimeError before `compile`."""
        if self._optimizer is None:
            raise RuntimeError("call compile(optimizer, loss) before training")
        return self._optimizer

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """What is asked of each output; a RuntimeError before `compile` named a loss."""
        if not self._has_loss:
            raise RuntimeError("call compile(optimizer, loss) with a loss first")
        return self._objectives

    @property
    def compiled_loss(self) -> Loss:
        """The loss of the first output that has one; a RuntimeError before `compile` named one."""
        loss: Loss = next(one.loss for one in self.objectives if one.loss is not None)
        return loss

    def _left_behind(self) -> None:
        self._loop, self._place = None, None
        if self._optimizer is not None:
            self._optimizer._left_behind()

    def _place_now(self) -> Place | None:
        """Where a training stands; None where there was none, or other steps came since."""
        place = self._place if self._loop is None else self._loop.place()
        return place if place is not None and place.is_of(self) else None

    def _before_change(self, what: str) -> None:
        if self._order is None and self.built and self._optimizer is not None:
            raise RuntimeError(
                f"{what} comes before compile; the optimizer knows the old layers. "
                "Model(model.input, layer(model.output)), or another layer's output, is another "
                "model of the same layers, models.clone_model(model) one with layers of its own"
            )
        super()._before_change(what)

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
            Any real dtype and strides, memory maps too; converted batch by batch. Of several inputs
            a list, or a dict by their names; targets and sample_weight of several outputs likewise.
            An iterable
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
            "epochs", "stop_loss", "patience", "callback" or "nonfinite_loss" (`TerminateOnNaN`).
            It is `Model.history`, too.

        Raises
        ------
        TypeError, ValueError
            For bad arguments, each named with what was expected and what came.
        NonFiniteLossError
            Where a batch's loss, or a parameter after an epoch, is not finite; the model is back
            where this call took the epoch up.
        KeyboardInterrupt
            After Ctrl-C, within a batch. The model is whole and another `fit` goes on with it;
            `Model.history` has the epochs before, and the reason "interrupted". With `use_ema` the
            parameters are not their mean yet: see `Optimizer.finalize_variable_values`.

        Warns
        -----
        UserWarning
            Where a dense layer comes first and columns of float features differ a thousandfold in
            scale, as far as the first samples tell.

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
        fitting: Any = loop.fit
        if self._writes("train_step") or self._writes("test_step"):
            from ..training import by_steps  # few classes write one

            fitting = by_steps.fit
        with self.lock, _core.to_nearest:
            history: History = fitting(
                *(self, x, y, batch_size, epochs, verbose, callbacks, validation_split),
                *(validation_data, shuffle, class_weight, sample_weight, initial_epoch),
                *(steps_per_epoch, validation_steps, validation_batch_size, validation_freq),
                *(stop_loss, allow_nonfinite, augment, resume_from),
            )
            return history

    @property
    def stop_training(self) -> bool:
        """Whether `fit` ends after this epoch; a callback may set it."""
        return self._stop_training

    @stop_training.setter
    def stop_training(self, value: bool) -> None:
        self._stop_training = boolean(value, "stop_training")

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
        given = x, y, batch_size, verbose, sample_weight, steps, callbacks, return_dict
        with self.lock, _core.to_nearest, self._as_before():
            if self._writes("test_step"):
                from ..training import by_steps

                return by_steps.evaluate(self, *given)
            return passes.evaluate(self, *given, allow_nonfinite)

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
    ) -> Any:
        """The outputs for samples; a sample's bits do not depend on what else is in the batch.

        Parameters
        ----------
        x, batch_size, verbose, steps, callbacks, allow_nonfinite
            As for `evaluate`; the batches of an iterable may be features alone.

        Returns
        -------
        ndarray (samples, *output_shape)
            Of several outputs a list, or what the model was made with.

        Examples
        --------
        >>> import mundur as md, numpy as np
        >>> model = md.Model([md.layers.Dense(1, kernel_initializer="ones")], seed=0)
        >>> model.predict(np.ones((2, 3)))
        array([[3.],
               [3.]], dtype=float32)
        """
        with self.lock, self._as_before():
            return passes.predict(self, x, batch_size, verbose, steps, callbacks, allow_nonfinite)

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
        with self.lock, _core.to_nearest:
            if self._writes("train_step"):
                from ..training.by_steps import on_batch

                return on_batch(self, x, y, sample_weight, class_weight, return_dict)
            return passes.train_on_batch(
                self, x, y, sample_weight, class_weight, return_dict, allow_nonfinite
            )

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

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for one batch, as `predict`."""
        return self.predict(x, "full", verbose=0)

    # ---- looking for a learning rate ----------------------------------------------------------

    @checked_keywords()
    def find_learning_rate(
        self,
        x: Any,
        y: Any,
        batch_size: int | str | None = None,
        *,
        min_rate: float = 1e-6,
        max_rate: float = 1.0,
        steps: int = 100,
        sample_weight: Any = None,
        class_weight: Mapping[int, float] | None = None,
    ) -> LearningRates:
        """Trains with exponentially growing rates, until the loss diverges, and takes it all back.

        Step i of n takes the rate min_rate · (max_rate / min_rate)^(i / (n - 1)) (Smith, 2017,
        *Cyclical learning rates*, section 3.3). It ends where the smoothed loss is 4 times its
        least, or not finite. Afterwards parameters, optimizer and random state are what they were.

        Parameters
        ----------
        x, y, batch_size, sample_weight, class_weight
            As for `fit`.
        min_rate, max_rate : float, default 1e-6 and 1.0
        steps : int, default 100

        Returns
        -------
        LearningRates
            Arrays ``rates`` and ``losses``, the ``suggestion``, and ``plot()``.

        Raises
        ------
        TypeError, ValueError
            For bad arguments, each named.

        Examples
        --------
        >>> import mundur as md, numpy as np
        >>> x = np.linspace(-1, 1, 64).reshape(-1, 1)
        >>> model = md.Model([md.layers.Dense(1)], seed=0)
        >>> model.compile(md.optimizers.SGD(), "mse")
        >>> found = model.find_learning_rate(x, 3 * x, max_rate=10)
        >>> 1e-3 < found.suggestion < 1
        True
        """
        from ..training.learning_rates import find_learning_rate

        with self.lock, _core.to_nearest:
            return find_learning_rate(
                *(self, x, y, batch_size, min_rate, max_rate, steps, sample_weight, class_weight)
            )

    # ---- the chain rule at work ---------------------------------------------------------------

    def explain(self, x: Any, y: Any, loss: Any = None) -> Explanation:
        """One pass forward and backward with every number: z, a, δ, ∂L/∂W, ∂L/∂b of each layer.

        Layers work as in `predict` (dropout drops nothing); the model stays as it is.

        Parameters
        ----------
        x : array (samples, *input_shape)
        y : array
            Targets, as for `fit`.
        loss : str or Loss, optional
            By default that of `compile`.

        Returns
        -------
        Explanation
            ``print`` shows a calculation as in course notes; ``[0]`` or ``["dense"]`` is a
            `LayerPass` with the arrays ``z``, ``a``, ``delta``, ``dW``, ``db``; ``update`` is one
            step of the optimizer that was compiled. ``save("steps.html", language="en")``, or
            "id", writes a page that walks through all of it, ``to_latex()`` an exercise sheet with
            solutions; a notebook shows the page.

        Raises
        ------
        TypeError, ValueError
            For arrays that do not suit model and loss; where there is no loss.

        Examples
        --------
        >>> import mundur as md, numpy as np
        >>> model = md.Model([md.layers.Dense(1, kernel_initializer="ones")], seed=0)
        >>> explanation = model.explain(np.ones((2, 3)), [1.0, 2.0], loss="mse")
        >>> explanation["dense"].delta.ravel(), explanation["dense"].db
        (array([2., 1.], dtype=float32), array([3.], dtype=float32))
        """
        from ..inspection.explain import explain

        with self.lock, _core.to_nearest:
            return explain(self, x, y, loss)

    def per_sample_gradients(self, x: Any, y: Any, loss: Any = None) -> dict[str, npt.NDArray[Any]]:
        """The gradient of every sample by itself, whose mean is the batch's gradient.

        With L = 1/n Σ ℓᵢ that is ∂ℓᵢ/∂w, one pass per sample: which samples pull where, and how
        noisy a mini-batch's gradient is. Layers work as in `predict`; the model stays as it is.

        Parameters
        ----------
        x, y, loss
            As for `explain`.

        Returns
        -------
        dict of str to ndarray (samples, *parameter's shape)
            Those that are not frozen, by "layer/parameter".

        Raises
        ------
        TypeError, ValueError
            As `explain`.

        Examples
        --------
        >>> import mundur as md, numpy as np
        >>> model = md.Model([md.layers.Dense(1, kernel_initializer="zeros")], seed=0)
        >>> gradients = model.per_sample_gradients([[1.0], [1.0]], [1.0, 3.0], loss="mse")
        >>> gradients["dense/bias"].ravel()
        array([-2., -6.], dtype=float32)
        """
        from ..inspection.explain import per_sample_gradients

        with self.lock, _core.to_nearest:
            return per_sample_gradients(self, x, y, loss)

    def check_gradients(
        self,
        x: Any,
        y: Any,
        loss: Any = None,
        *,
        training: bool = False,
        elements: int | None = 200,
        tolerance: float = 1e-6,
    ) -> GradientCheck:
        """Whether `backward` tells the truth about `forward`: native gradients, differences beside.

        ∂L/∂w ≈ (L(w + h) - L(w - h)) / 2h with h = 6·10⁻⁶ max(1, |w|), on a copy of the model in
        float64 (Baydin, Pearlmutter, Radul and Siskind, 2018, section 2.1). The model stays as it
        is. A few samples are enough: every element costs two passes forward of them.

        Parameters
        ----------
        x, y, loss
            As for `explain`.
        training : bool, default False
            Whether layers work as in training, with one and the same draw of random numbers, or as
            in `predict`.
        elements : int or None, default 200
            How many of each parameter's elements to vary, drawn at random; None is all.
        tolerance : float, default 1e-6
            Of the difference, relative to the gradient's largest element.

        Returns
        -------
        GradientCheck
            True where nothing failed; ``print`` shows each parameter.

        Raises
        ------
        TypeError, ValueError
            As `explain`.

        Examples
        --------
        >>> import mundur as md, numpy as np
        >>> model = md.Model([md.layers.Dense(4, "tanh"), md.layers.Dense(1)], seed=0)
        >>> x = np.linspace(-1, 1, 6).reshape(3, 2)
        >>> bool(model.check_gradients(x, [0.0, 1.0, 0.0], loss="mse"))
        True
        """
        from ..inspection.gradient_check import check_gradients

        with self.lock, _core.to_nearest:
            return check_gradients(self, x, y, loss, training, elements, tolerance)

    def verify(
        self, x: Any, y: Any, loss: Any = None, *, tolerance: float | None = None
    ) -> Verification:
        """The native code against the textbook, `mundur.reference`: one pass, every number.

        Layers work as in `predict`; the model stays as it is. The textbook is plain Python: a few
        samples are enough, and large layers take their time.

        Parameters
        ----------
        x, y, loss
            As for `explain`.
        tolerance : float, optional
            Of differences, relative to an array's largest element; by default 1e-10 in float64,
            1e-4 in float32, 5e-2 in bfloat16.

        Returns
        -------
        Verification
            True where everything agrees; ``print`` shows outputs, ∂L/∂x and gradients by layer.

        Raises
        ------
        TypeError, ValueError
            As `explain`; for a layer or loss that the textbook does not have.

        Examples
        --------
        >>> import mundur as md, numpy as np
        >>> model = md.Model([md.layers.Dense(4, "tanh"), md.layers.Dense(1)], seed=0)
        >>> x = np.linspace(-1, 1, 6).reshape(3, 2)
        >>> bool(model.verify(x, [0.0, 1.0, 0.0], loss="mse"))
        True
        """
        from ..inspection.verify import verify

        with self.lock, _core.to_nearest:
            return verify(self, x, y, loss, tolerance)

    # ---- what is shown and kept ---------------------------------------------------------------

    @checked_keywords(
        ignored={"expand_nested": False, "show_trainable": False, "layer_range": None}
    )
    def summary(
        self,
        line_length: int | None = None,
        positions: None = None,
        print_fn: Any = None,
        *,
        batch_size: int = 32,
    ) -> None:
        """Prints layers, shapes, parameters and the memory of a training step.

        Gradients and the optimizer's state have room for every parameter, frozen ones too. The
        workspace is what backward needs of forward at its fullest (y of a convolution and its
        relu, positions of a max-pooling, no more), and the scratch of each worker. `fit` also
        keeps the parameters and the optimizer's state as they were when an epoch began, unless
        that is a single step.

        Parameters
        ----------
        line_length : int, optional
            Columns, 72 by default.
        positions : None
            Keras's name; no other value is supported.
        print_fn : callable, optional
            Called with each line instead of `print`.
        batch_size : int, default 32
            The batch whose workspace is shown.

        Examples
        --------
        >>> import mundur as md
        >>> md.Model([md.layers.Dense(2)], input_shape=(3,), seed=0).summary()  # doctest: +ELLIPSIS
        Model "model" (float32, seed 0)
        ...
        dense (Dense)                   (None, 2)                              8
        ...
        """
        from .summary import summary

        slots = 0 if self._optimizer is None else len(self._optimizer.slots)
        summary(self, slots, line_length, positions, print_fn, batch_size)

    @checked_keywords(ignored={"zipped": None})
    def save(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Writes the whole model to one safetensors file, in one step: the old file or the new.

        It holds layers, weights, compile's arguments, the optimizer's state and the random state,
        so training goes on after `load_model` as if it had never stopped.

        Parameters
        ----------
        filepath : path
            Best ends in ".safetensors". Scripts for Keras end it in ".keras" or ".h5", which works,
            with a warning: the file is not one of Keras's. Other formats' endings are refused.
        overwrite : bool, default True
            False raises FileExistsError where the file exists.

        Raises
        ------
        OSError
            Where the file cannot be written, naming it.
        ValueError
            Where it is a FIFO, a device or a socket, or ends as ".onnx", ".pkl", ".pt", ... do.

        Notes
        -----
        A link stays one, and the file it leads to is replaced. What a killed process left of a
        save, ``.NAME.*.tmp``, is swept by the next save of the same name.

        Examples
        --------
        >>> import mundur as md, tempfile, os
        >>> model = md.Model([md.layers.Dense(2)], input_shape=(3,), seed=0)
        >>> path = os.path.join(tempfile.mkdtemp(), "model.safetensors")
        >>> model.save(path)
        >>> md.load_model(path)
        Model([Dense(2)], seed=0, input_shape=(3,))
        """
        from ..saving.format import save_model

        with self.lock:
            save_model(self, filepath, overwrite)

    @checked_keywords(ignored={"max_shard_size": None})
    def save_weights(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Writes parameters and state alone, by name, to a safetensors file."""
        from ..saving.format import save_weights

        with self.lock:
            save_weights(self, filepath, overwrite)

    @checked_keywords(ignored={"skip_mismatch": False})
    def load_weights(self, filepath: str | os.PathLike[str]) -> None:
        """Reads parameters and state by name from a file of `save_weights` or `save`."""
        from ..saving.format import load_weights

        with self.lock:
            load_weights(self, filepath)

    def get_config(self) -> dict[str, Any]:
        """The layers and how they are connected, without weights, as data that JSON can hold."""
        from ..saving.description import architecture

        with self.lock:
            return architecture(self)

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> Model:
        """A model of what `get_config` returned, with new weights and not compiled.

        Examples
        --------
        >>> import mundur as md
        >>> model = md.Model([md.layers.Dense(2)], input_shape=(3,), seed=0)
        >>> md.Model.from_config(model.get_config())
        Model([Dense(2)], seed=0, input_shape=(3,))
        """
        from ..saving.description import of_architecture

        return of_architecture(config, custom_objects)

    def to_json(self, **options: Any) -> str:
        """`get_config` as text, for `mundur.models.model_from_json`; options are json.dumps's."""
        import json

        return json.dumps(self.get_config(), **options)

    def __reduce__(self) -> Any:
        from ..saving.format import from_bytes, to_bytes
        from ..saving.own import custom_objects

        with self.lock:
            made = from_bytes, (to_bytes(self), custom_objects(self))
        notes = {name: v for name, v in vars(self).items() if name not in _OWN and name[0] != "_"}
        # What a class's call or train_step works with belongs to this model.
        notes = {name: v for name, v in notes.items() if not isinstance(v, (Layer, Chain, Metric))}
        return (*made, notes) if notes else made

    def __deepcopy__(self, memo: dict[int, Any]) -> Model:
        make, arguments, *notes = self.__reduce__()
        copied: Model = make(*arguments)
        memo[id(self)] = copied
        vars(copied).update(*copy.deepcopy(notes, memo))
        if self.device != copied.device:  # a file would not hold it
            copied.device = self.device
        return copied
