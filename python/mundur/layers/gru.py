"""GRU: see `mundur.layers`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import _core
from .._support.names import checked_keywords
from .recurrent import KERAS, Recurrent, only

__all__ = ["GRU"]


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

    Where an `Embedding` masks a step, h stays as it was. A training keeps the gates, h and h·U_n +
    b'_n of every step: 20·units bytes per step and sample in float32. With 64 units that is 125
    KiB per sample for 100 steps, 1.2 MiB for 1,000 and 12 MiB for 10,000; an inference keeps
    nothing per step.

    Parameters
    ----------
    units : int
        Outputs, at least 1.
    activation, recurrent_activation : str
        "tanh" and "sigmoid"; others are not supported.
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
    reset_after : bool, default True
        False, the reset gate in front of the product, is not supported.
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
    >>> model = md.Model([md.layers.GRU(8, return_sequences=True)], input_shape=(40, 3), seed=0)
    >>> model.output_shape
    (40, 8)
    """

    _kind = "gru"
    _gates = 3

    @checked_keywords(ignored=KERAS | {"reset_after": True})
    def __init__(
        self,
        units: int,
        activation: str = "tanh",
        recurrent_activation: str = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
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
        self._set(locals())
        self._take(locals())
        super().__init__(name=name, trainable=trainable, input_shape=input_shape)

    def _bias_shape(self) -> tuple[int, ...]:
        return (2, 3 * self.units)

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.GRU(self._native())
