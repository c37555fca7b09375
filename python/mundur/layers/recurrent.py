"""Layers that go through time: SimpleRNN, LSTM and GRU, and what they share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from .. import _core, initializers
from .._support.checks import boolean, integer, number, seed_value
from .._support.names import checked_keywords, either
from .._support.unpack import Unpack
from ..activations import Custom, named, native
from ..initializers.base import ArrayInitializer, Initializer
from .base import KERAS, Layer, LayerArguments, Weighted
from .states import WithStates

if TYPE_CHECKING:
    from .base import MaskFlow

_MOST = 2**28
# Arguments of Keras that have one value here.
_KERAS = KERAS | {
    "unroll": either(False, True),
    "use_cudnn": either("auto", True, False),
    "implementation": either(2, 1, 0),
}

_share = functools.partial(number, at_least=0, below=1)
_CHECKS: dict[str, Callable[[Any, str], Any]] = {
    "units": functools.partial(integer, minimum=1, maximum=_MOST),
    "use_bias": boolean,
    "dropout": _share,
    "recurrent_dropout": _share,
    "seed": lambda value, _: seed_value(value),
    "return_sequences": boolean,
    "return_state": boolean,
    "go_backwards": boolean,
    "stateful": boolean,
    "zero_output_for_mask": boolean,
}


class RecurrentArguments(LayerArguments, total=False):
    """What every recurrent layer takes behind its own arguments."""

    kernel_regularizer: Any
    recurrent_regularizer: Any
    bias_regularizer: Any
    activity_regularizer: Any
    kernel_constraint: Any
    recurrent_constraint: Any
    bias_constraint: Any
    dropout: float
    recurrent_dropout: float
    seed: int | None
    return_sequences: bool
    return_state: bool
    go_backwards: bool
    stateful: bool
    zero_output_for_mask: bool


class Recurrent(Weighted, WithStates):
    """What the recurrent layers share."""

    _gates: ClassVar[int]
    _states: ClassVar[tuple[str, ...]] = ("h",)

    units: int
    dropout: float
    recurrent_dropout: float
    seed: int | None
    bias_initializer: Initializer
    return_sequences: bool
    return_state: bool
    go_backwards: bool
    stateful: bool
    zero_output_for_mask: bool

    @checked_keywords(rest=Layer)
    def __init__(
        self,
        units: int,
        use_bias: bool,
        kernel_initializer: Any,
        recurrent_initializer: Any,
        bias_initializer: Any,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        *,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        zero_output_for_mask: bool = False,
        **layer: Unpack[LayerArguments],
    ) -> None:
        arguments = locals()
        for name, check in _CHECKS.items():
            setattr(self, name, check(arguments[name], name))
        self._take(arguments)
        super().__init__(**layer)

    def _prefixes(self) -> dict[str, str]:
        weights = {"kernel": "kernel", "recurrent_kernel": "recurrent"}
        return weights | ({"bias": "bias"} if self.use_bias else {})

    def _bias_shape(self) -> tuple[int, ...]:
        return (self._gates * self.units,)

    def parameter_shapes(self, input_shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        """Kernel (inputs, gates·units), recurrent_kernel (units, gates·units) and bias."""
        gates = self._gates * self.units
        shapes: dict[str, tuple[int, ...]] = {
            "kernel": (self._steps_and_inputs(input_shape)[1], gates),
            "recurrent_kernel": (self.units, gates),
        }
        return shapes | ({"bias": self._bias_shape()} if self.use_bias else {})

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of one sample behind this layer."""
        steps, _ = self._steps_and_inputs(input_shape)
        return (steps, self.units) if self.return_sequences else (self.units,)

    @property
    def _gives_states(self) -> bool:
        return self.return_state

    @property
    def state_sizes(self) -> list[int]:
        """The units of each state that goes from step to step: h, of an LSTM h and c."""
        return [self.units] * len(self._states)

    @property
    def state_initializers(self) -> dict[str, Initializer]:
        """Of what a stateful layer keeps from batch to batch: zeros."""
        names = self._states if self.stateful else ()
        return {f"state_{name}": initializers.Zeros() for name in names}

    def state_shapes(self, input_shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        """Of what a stateful layer keeps from batch to batch: (batch_size, units)."""
        if not self.stateful:
            return {}
        if self._batch is None:
            raise ValueError(
                f"{self.name} is stateful, so it has a state for each sample of a batch, and all "
                "batches must have one size: say it, with Input(shape, batch_size=32) for instance"
            )
        return dict.fromkeys(self.state_initializers, (self._batch, self.units))

    @property
    def weight_names(self) -> list[str]:
        """Of the parameters; what goes from batch to batch is no weight."""
        return list(self.parameter_initializers)

    @property
    def states(self) -> list[npt.NDArray[Any]] | None:
        """Live views of what a stateful layer keeps from batch to batch; None of any other."""
        if not self.stateful:
            return None
        views = self._views()
        return [views[name] for name in self.state_initializers]

    def reset_state(self) -> None:
        """Sets what a stateful layer keeps from batch to batch to zeros.

        Its other name is `reset_states`.

        Raises
        ------
        ValueError
            Where the layer is not stateful.
        """
        if not self.stateful:
            raise ValueError(f"{self.name} keeps no state: it was made without stateful=True")
        with self._held():
            try:
                views = self._views()
            except RuntimeError:
                return  # there is no model yet, so there is no state
            for name in self.state_initializers:
                views[name][...] = 0.0

    reset_states = reset_state

    def _steps_and_inputs(self, input_shape: tuple[int, ...]) -> tuple[int, int]:
        if len(input_shape) != 2:
            mend = (
                "; numbers over time take x[..., np.newaxis], ids an Embedding in front, and a "
                "recurrent layer in front return_sequences=True"
                if len(input_shape) == 1
                else ""
            )
            raise ValueError(
                f"{self.name}: expected samples of shape (steps, inputs), x of shape (batch, "
                f"steps, inputs); got samples of shape {input_shape}{mend}"
            )
        return input_shape[0], input_shape[1]

    @property
    def mask_flow(self) -> MaskFlow:
        """Behind a sequence it still holds."""
        return "passes" if self.return_sequences else "ends"

    def _native(self) -> _core.Recurrent:
        return _core.Recurrent(
            self.units,
            self.use_bias,
            self.dropout,
            self.recurrent_dropout,
            self.seed,
            self.return_sequences,
            self.go_backwards,
            self.return_state,
            self.zero_output_for_mask,
            (self._batch or 1) if self.stateful else 0,
        )

    @property
    def recurrent_kernel(self) -> npt.NDArray[Any]:
        """Live view of U, (units, gates·units)."""
        return self._view("recurrent_kernel")


def gate(given: Any, name: str) -> str:
    """The activation of a gate, by name."""
    found = named(given, name)
    if isinstance(found, Custom) or found in ("softmax", "log_softmax"):
        what = "a function of whole rows" if isinstance(found, str) else "one of your own"
        raise ValueError(
            f"{name} must be the name of a function of one element, as 'tanh', 'sigmoid', 'relu' "
            f"or 'hard_sigmoid', since gates are computed step by step in the core; got {given!r}, "
            f"{what}"
        )
    return found


class SimpleRNN(Recurrent):
    """A layer that sees its own last output: h_t = f(x_t·W + h_{t-1}·U + b), h_0 = 0.

    Shapes: x (batch, steps, inputs), W = kernel (inputs, units), U = recurrent_kernel (units,
    units), b = bias (units,); y (batch, units) is the last h, or with return_sequences (batch,
    steps, units) all of them (Elman, "Finding structure in time", 1990). Over many steps its
    gradients vanish or grow: `LSTM` and `GRU` are made against that.

    Called with ``initial_state=h``, it begins there instead of at zeros. Where an `Embedding` or a
    `Masking` masks a step, h stays as it was. A training keeps 8·units bytes per step
    and sample in float32: with 64 units 50 KiB per sample for 100 steps, 500 KiB for 1,000 and 5
    MiB for 10,000; an inference keeps nothing per step.

    Parameters
    ----------
    units : int
        Outputs, at least 1.
    activation : str, default "tanh"
        f: any of `mundur.activations` but softmax, log_softmax and functions of your own; None is
        "linear". "tanh", "sigmoid", "relu" and "linear" are fastest.
    use_bias : bool, default True
    kernel_initializer, recurrent_initializer, bias_initializer : str, Initializer, function, array
        First values, by default "glorot_uniform", "orthogonal" and "zeros".
    kernel_regularizer, recurrent_regularizer, bias_regularizer : str or Regularizer, optional
        What W, U and b add to the loss; see `mundur.regularizers`.
    activity_regularizer : str or Regularizer, optional
        What y adds to the loss.
    kernel_constraint, recurrent_constraint, bias_constraint : str or Constraint, optional
        What W, U and b hold to after every update; see `mundur.constraints`.
    dropout, recurrent_dropout : float, default 0.0
        In training, the share of the inputs, and of h on its way to U, that is dropped, the same
        ones at every step of a sample (see `Dropout`).
    return_sequences : bool, default False
        Whether y is h of all steps.
    go_backwards : bool, default False
        Whether to begin with the last step; y then comes in that order.
    return_state : bool, default False
        Whether the layer gives its last state too: ``y, h = layer(x)``, in graphs, for
        another's initial_state for instance.
    stateful : bool, default False
        Whether a batch's samples go on where those of the batch before have ended, one by one, in
        fit, evaluate, predict and by hand, until `reset_state`. All batches then have the size that
        ``Input(shape, batch_size=...)`` says. Files keep the states, `get_weights` does not.
    zero_output_for_mask : bool, default False
        Whether y is 0 at masked steps, in place of the h that stays.
    seed : int, optional
        Of dropout; the model's where it is None.
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it; when built, for samples that are not (steps, inputs).

    Notes
    -----
    With ``Model(..., compute_dtype="bfloat16")`` the products h·U, and back, stay in float32, and a
    prediction, too, holds x·W of all steps.

    Examples
    --------
    >>> import mundur as md
    >>> md.Model([md.layers.SimpleRNN(8)], input_shape=(40, 3), seed=0).output_shape
    (8,)
    """

    _kind = "simple_rnn"
    _gates = 1

    @checked_keywords(ignored=_KERAS, rest=Recurrent)
    def __init__(
        self,
        units: int,
        activation: str | None = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        **others: Unpack[RecurrentArguments],
    ) -> None:
        self.activation = gate(activation, "activation")
        super().__init__(
            units, use_bias, kernel_initializer, recurrent_initializer, bias_initializer, **others
        )

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.SimpleRNN(self._native(), native(self.activation))


class _ForgetBias(Initializer):
    """The bias of an LSTM whose forget gates start open: 1 in the second quarter."""

    def __init__(self, rest: Initializer) -> None:
        self.rest = rest

    def fill(self, out: npt.NDArray[Any], seed: int, stream: int) -> None:
        """Writes the first values into `out`."""
        if isinstance(self.rest, ArrayInitializer):  # given outright, of all gates
            self.rest.fill(out, seed, stream)
            return
        units = out.size // 4
        rest = np.empty(3 * units, out.dtype)
        self.rest.fill(rest, seed, stream)
        out[:units], out[2 * units :] = rest[:units], rest[units:]
        out[units : 2 * units] = 1.0


class LSTM(Recurrent):
    """A cell that decides at each step what to forget, take in and give out.

    With x_t (batch, inputs) at step t, h_0 = c_0 = 0, * element by element:

        (i, f, g, o) = (σ, σ, tanh, σ)(x_t·W + h_{t-1}·U + b)
        c_t = f * c_{t-1} + i * g        h_t = o * tanh(c_t)

    Shapes: x (batch, steps, inputs), W = kernel (inputs, 4·units), U = recurrent_kernel (units,
    4·units), b = bias (4·units,), the gates in the order i, f, g, o; y (batch, units) is the last
    h, or with return_sequences (batch, steps, units) all of them. Backward goes through time from
    the last step to the first (Hochreiter and Schmidhuber, "Long short-term memory", 1997; Gers,
    Schmidhuber and Cummins, "Learning to forget", 2000). PyTorch's nn.LSTM has the same gates with
    its weights transposed and two biases, of which b is the sum.

    Called with ``initial_state=[h, c]``, it begins there instead of at zeros. Where an `Embedding`
    or a `Masking` masks a step, h and c stay as they were. Threads share the batch, none
    waits for another at a step.

    A training keeps the gates, h and c of every step: 24·units bytes per step and sample in
    float32. With 64 units that is 150 KiB per sample for 100 steps, 1.5 MiB for 1,000 and 15 MiB
    for 10,000; an inference keeps nothing per step. Dropout of the inputs adds a copy of them,
    recurrent dropout one of h.

    Parameters
    ----------
    units : int
        Outputs, at least 1.
    activation, recurrent_activation : str, default "tanh" and "sigmoid"
        What stands for tanh and for σ: any of `mundur.activations` but softmax, log_softmax and
        functions of your own; None is "linear". With these two a step is fastest.
    use_bias : bool, default True
    kernel_initializer, recurrent_initializer, bias_initializer : str, Initializer, function, array
        First values, by default "glorot_uniform", "orthogonal" and "zeros".
    unit_forget_bias : bool, default True
        Whether the forget gate's part of b starts with 1 (but for a b given as an array).
    kernel_regularizer, recurrent_regularizer, bias_regularizer : str or Regularizer, optional
        What W, U and b add to the loss; see `mundur.regularizers`.
    activity_regularizer : str or Regularizer, optional
        What y adds to the loss.
    kernel_constraint, recurrent_constraint, bias_constraint : str or Constraint, optional
        What W, U and b hold to after every update; see `mundur.constraints`.
    dropout, recurrent_dropout : float, default 0.0
        In training, the share of the inputs, and of h on its way to U, that is dropped, the same
        ones at every step of a sample (see `Dropout`).
    seed : int, optional
        Of dropout; the model's where it is None.
    return_sequences : bool, default False
        Whether y is h of all steps.
    go_backwards : bool, default False
        Whether to begin with the last step; y then comes in that order.
    return_state : bool, default False
        Whether the layer gives its last states too: ``y, h, c = layer(x)``, in graphs, for
        another's initial_state for instance.
    stateful : bool, default False
        Whether a batch's samples go on where those of the batch before have ended, one by one, in
        fit, evaluate, predict and by hand, until `reset_state`. All batches then have the size that
        ``Input(shape, batch_size=...)`` says. Files keep the states, `get_weights` does not.
    zero_output_for_mask : bool, default False
        Whether y is 0 at masked steps, in place of the h that stays.
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it; when built, for samples that are not (steps, inputs).

    Notes
    -----
    With ``Model(..., compute_dtype="bfloat16")`` the products h·U, and back, stay in float32, and a
    prediction, too, holds x·W of all steps.

    Examples
    --------
    >>> import mundur as md
    >>> layers = [md.layers.Embedding(1000, 16, mask_zero=True), md.layers.LSTM(8)]
    >>> md.Model(layers, input_shape=(40,), seed=0).output_shape
    (8,)
    """

    _kind = "lstm"
    _gates = 4
    _states = ("h", "c")

    @checked_keywords(ignored=_KERAS, rest=Recurrent)
    def __init__(
        self,
        units: int,
        activation: str = "tanh",
        recurrent_activation: str = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        **others: Unpack[RecurrentArguments],
    ) -> None:
        self.activation = gate(activation, "activation")
        self.recurrent_activation = gate(recurrent_activation, "recurrent_activation")
        self.unit_forget_bias = boolean(unit_forget_bias, "unit_forget_bias")
        super().__init__(
            units, use_bias, kernel_initializer, recurrent_initializer, bias_initializer, **others
        )

    @property
    def parameter_initializers(self) -> dict[str, Initializer]:
        """Those of kernel, recurrent_kernel and, where there is one, bias."""
        all_of = super().parameter_initializers
        if self.use_bias and self.unit_forget_bias:
            all_of["bias"] = _ForgetBias(self.bias_initializer)
        return all_of

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        gates = native(self.activation), native(self.recurrent_activation)
        return _core.LSTM(self._native(), *gates)


class GRU(Recurrent):
    """A cell that mixes its state with a new one, in a share that it decides at each step.

    With x_t (batch, inputs) at step t, h_0 = 0, * element by element, and W, U, b, b' in three
    parts each, of which the last are W_n, U_n, b_n, b'_n:

        (z, r) = σ(x_t·W + b + h_{t-1}·U + b')
        n = tanh(x_t·W_n + b_n + r * (h_{t-1}·U_n + b'_n))
        h_t = z * h_{t-1} + (1 - z) * n

    Shapes: x (batch, steps, inputs), W = kernel (inputs, 3·units), U = recurrent_kernel (units,
    3·units), bias (2, 3·units) holds b and b', the gates in the order z, r, n; y (batch, units) is
    the last h, or with return_sequences (batch, steps, units) all of them (Cho et al., "Learning
    phrase representations using RNN encoder-decoder", 2014; the reset gate r behind the product,
    as in PyTorch's nn.GRU, whose order is r, z, n).

    Called with ``initial_state=h``, it begins there instead of at zeros. Where an `Embedding` or a
    `Masking` masks a step, h stays as it was. A training keeps the gates, h and h·U_n + b'_n of
    every step: 20·units bytes per step and sample in float32. With 64 units that is 125
    KiB per sample for 100 steps, 1.2 MiB for 1,000 and 12 MiB for 10,000; an inference keeps
    nothing per step.

    Parameters
    ----------
    units : int
        Outputs, at least 1.
    activation, recurrent_activation : str, default "tanh" and "sigmoid"
        What stands for tanh and for σ: any of `mundur.activations` but softmax, log_softmax and
        functions of your own; None is "linear". With these two a step is fastest.
    use_bias : bool, default True
    kernel_initializer, recurrent_initializer, bias_initializer : str, Initializer, function, array
        First values, by default "glorot_uniform", "orthogonal" and "zeros".
    kernel_regularizer, recurrent_regularizer, bias_regularizer : str or Regularizer, optional
        What W, U and the biases add to the loss; see `mundur.regularizers`.
    activity_regularizer : str or Regularizer, optional
        What y adds to the loss.
    kernel_constraint, recurrent_constraint, bias_constraint : str or Constraint, optional
        What W, U and the biases hold to after every update; see `mundur.constraints`.
    dropout, recurrent_dropout : float, default 0.0
        In training, the share of the inputs, and of h on its way to U, that is dropped, the same
        ones at every step of a sample (see `Dropout`).
    seed : int, optional
        Of dropout; the model's where it is None.
    return_sequences : bool, default False
        Whether y is h of all steps.
    go_backwards : bool, default False
        Whether to begin with the last step; y then comes in that order.
    return_state : bool, default False
        Whether the layer gives its last state too: ``y, h = layer(x)``, in graphs, for
        another's initial_state for instance.
    stateful : bool, default False
        Whether a batch's samples go on where those of the batch before have ended, one by one, in
        fit, evaluate, predict and by hand, until `reset_state`. All batches then have the size that
        ``Input(shape, batch_size=...)`` says. Files keep the states, `get_weights` does not.
    zero_output_for_mask : bool, default False
        Whether y is 0 at masked steps, in place of the h that stays.
    reset_after : bool, default True
        Whether r stands behind the product with h. In front of it, as in the paper, n =
        tanh(x_t·W_n + b_n + (r * h_{t-1})·U_n), there is one bias (3·units,), and a step has to
        wait for a second product.
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it; when built, for samples that are not (steps, inputs).

    Notes
    -----
    With ``Model(..., compute_dtype="bfloat16")`` the products h·U, and back, stay in float32, and a
    prediction, too, holds x·W of all steps.

    Examples
    --------
    >>> import mundur as md
    >>> model = md.Model([md.layers.GRU(8, return_sequences=True)], input_shape=(40, 3), seed=0)
    >>> model.output_shape
    (40, 8)
    """

    _kind = "gru"
    _gates = 3

    @checked_keywords(ignored=_KERAS, rest=Recurrent)
    def __init__(
        self,
        units: int,
        activation: str = "tanh",
        recurrent_activation: str = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        *,
        reset_after: bool = True,
        **others: Unpack[RecurrentArguments],
    ) -> None:
        self.reset_after = boolean(reset_after, "reset_after")
        self.activation = gate(activation, "activation")
        self.recurrent_activation = gate(recurrent_activation, "recurrent_activation")
        super().__init__(
            units, use_bias, kernel_initializer, recurrent_initializer, bias_initializer, **others
        )

    def _bias_shape(self) -> tuple[int, ...]:
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        gates = native(self.activation), native(self.recurrent_activation)
        return _core.GRU(self._native(), *gates, self.reset_after)
