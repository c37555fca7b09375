"""LSTM: see `mundur.layers`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _core
from .._support.checks import boolean
from .._support.names import checked_keywords
from ..initializers.base import ArrayInitializer, Initializer
from .recurrent import KERAS, Recurrent, only

__all__ = ["LSTM"]


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

    Where an `Embedding` masks a step, h and c stay as they were. Threads share the batch, none
    waits for another at a step.

    A training keeps the gates, h and c of every step: 24·units bytes per step and sample in
    float32. With 64 units that is 150 KiB per sample for 100 steps, 1.5 MiB for 1,000 and 15 MiB
    for 10,000; an inference keeps nothing per step. Dropout of the inputs adds a copy of them,
    recurrent dropout one of h.

    Parameters
    ----------
    units : int
        Outputs, at least 1.
    activation, recurrent_activation : str
        "tanh" and "sigmoid"; others are not supported.
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
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it; when built, for samples that are not (steps, inputs).

    Notes
    -----
    With ``Model(..., compute_dtype="bfloat16")`` its products stay in float32.

    Examples
    --------
    >>> import mundur as md
    >>> layers = [md.layers.Embedding(1000, 16, mask_zero=True), md.layers.LSTM(8)]
    >>> md.Model(layers, input_shape=(40,), seed=0).output_shape
    (8,)
    """

    _kind = "lstm"
    _gates = 4

    @checked_keywords(ignored=KERAS)
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
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        *,
        go_backwards: bool = False,
        name: str | None = None,
        trainable: bool = True,
        input_shape: Sequence[int] | int | None = None,
    ) -> None:
        self.activation = only(activation, "activation", "tanh")
        self.recurrent_activation = only(recurrent_activation, "recurrent_activation", "sigmoid")
        self.unit_forget_bias = boolean(unit_forget_bias, "unit_forget_bias")
        self._set(locals())
        self._take(locals())
        super().__init__(name=name, trainable=trainable, input_shape=input_shape)

    @property
    def parameter_initializers(self) -> dict[str, Initializer]:
        """Those of kernel, recurrent_kernel and, where there is one, bias."""
        all_of = super().parameter_initializers
        if self.use_bias and self.unit_forget_bias:
            all_of["bias"] = _ForgetBias(self.bias_initializer)
        return all_of

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.LSTM(self._native())
