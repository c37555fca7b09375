"""SimpleRNN: see `mundur.layers`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import _core
from .._support.names import checked_keywords
from ..activations.functions import named, native
from .recurrent import KERAS, Recurrent

__all__ = ["SimpleRNN"]


class SimpleRNN(Recurrent):
    """A layer that sees its own last output: h_t = f(x_t·W + h_{t-1}·U + b), h_0 = 0.

    Shapes: x (batch, steps, inputs), W = kernel (inputs, units), U = recurrent_kernel (units,
    units), b = bias (units,); y (batch, units) is the last h, or with return_sequences (batch,
    steps, units) all of them (Elman, "Finding structure in time", 1990). Over many steps its
    gradients vanish or grow: `LSTM` and `GRU` are made against that.

    Where an `Embedding` masks a step, h stays as it was. A training keeps 8·units bytes per step
    and sample in float32: with 64 units 50 KiB per sample for 100 steps, 500 KiB for 1,000 and 5
    MiB for 10,000; an inference keeps nothing per step.

    Parameters
    ----------
    units : int
        Outputs, at least 1.
    activation : str, default "tanh"
        f: "tanh", "sigmoid", "relu" or "linear"; None is "linear".
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
    With ``Model(..., compute_dtype="bfloat16")`` its products stay in float32.

    Examples
    --------
    >>> import mundur as md
    >>> md.Model([md.layers.SimpleRNN(8)], input_shape=(40, 3), seed=0).output_shape
    (8,)
    """

    _kind = "simple_rnn"
    _gates = 1

    @checked_keywords(ignored=KERAS)
    def __init__(
        self,
        units: int,
        activation: str | None = "tanh",
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
        return_sequences: bool = False,
        *,
        go_backwards: bool = False,
        seed: int | None = None,
        name: str | None = None,
        trainable: bool = True,
        input_shape: Sequence[int] | int | None = None,
    ) -> None:
        found = named(activation, "activation")
        if found not in ("linear", "relu", "sigmoid", "tanh"):
            raise ValueError(
                f"activation must be 'tanh', 'sigmoid', 'relu' or 'linear'; got {activation!r}"
            )
        self.activation = found
        self._set(locals())
        self._take(locals())
        super().__init__(name=name, trainable=trainable, input_shape=input_shape)

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.SimpleRNN(self._native(), native(self.activation))
