"""Layers that go through time: forward from step to step, and backward directly below it.

What all share is the way through time: each step has the state of the one before. Backward goes
from the last step to the first; at each step what comes from above, through y_t, and what comes
from the future, through the next state, add up ("backpropagation through time").

Source: Werbos, "Backpropagation through time: what it does and how to do it" (1990).
"""

from collections.abc import Sequence
from math import tanh
from operator import add, mul
from random import Random
from typing import Any

from .. import activations, constraints, initializers, regularizers
from .._lookup import check_number
from ..lists import Mask, Matrix, Shape, Tensor, Vector, dot, filled, transpose, zeros
from .base import Layer

State = tuple[Vector, ...]
"""What a step hands to the next: (h,) or (h, c)."""


def sigmoid(z: float) -> float:
    """Return 1 / (1 + e^-z), written through tanh so that no z is too large."""
    return 0.5 + 0.5 * tanh(0.5 * z)


def plus(a: Sequence[float], b: Sequence[float]) -> Vector:
    """Return a + b, element by element."""
    return list(map(add, a, b))


def times(a: Sequence[float], b: Sequence[float]) -> Vector:
    """Return a · b, element by element."""
    return list(map(mul, a, b))


class Recurrent(Layer):
    """What recurrent layers share: parameters, the loop over time, masks and dropout.

    Parameters
    ----------
    units : int
        The number of outputs.
    activation : str, pair (f, f′) or None, default "tanh"
        A SimpleRNN's f; the others have tanh.
    use_bias : bool, default True
        Whether there is a b.
    kernel_initializer, recurrent_initializer, bias_initializer : str, nested list or Initializer
        The first values of W, U and b.
    kernel_regularizer, recurrent_regularizer, bias_regularizer, activity_regularizer : optional
        What W, U, b and y add to the loss.
    kernel_constraint, recurrent_constraint, bias_constraint : str, Constraint or None
        What W, U and b hold to after every update.
    dropout, recurrent_dropout : float, default 0.0
        The share of x, and of h on its way to U, that is dropped in training, at every step alike.
    return_sequences, go_backwards : bool, default False
        Whether y is h of all steps, and whether the last step comes first.
    unit_forget_bias : bool, default True
        Whether an LSTM's forget gates' bias starts with 1 (but for a bias given as a list).

    Attributes
    ----------
    fixed_mask, fixed_recurrent_mask : nested list or None
        Set them to use these masks of 0 and 1, of shape (batch, inputs) and (batch, units), in
        place of drawing some.
    """

    gates = 1
    states = 1

    def __init__(
        self,
        units: int,
        activation: activations.Identifier = "tanh",
        use_bias: bool = True,
        kernel_initializer: initializers.Identifier = "glorot_uniform",
        recurrent_initializer: initializers.Identifier = "orthogonal",
        bias_initializer: initializers.Identifier = "zeros",
        kernel_regularizer: regularizers.Identifier = None,
        recurrent_regularizer: regularizers.Identifier = None,
        bias_regularizer: regularizers.Identifier = None,
        activity_regularizer: regularizers.Identifier = None,
        kernel_constraint: constraints.Identifier = None,
        recurrent_constraint: constraints.Identifier = None,
        bias_constraint: constraints.Identifier = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        go_backwards: bool = False,
        unit_forget_bias: bool = True,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        check_number("units", units, int)
        if units < 1:
            raise ValueError(f"units: expected a positive integer, got {units}")
        if activation != "tanh" and not isinstance(self, SimpleRNN):
            raise ValueError(f"activation: expected 'tanh', got {activation!r}")
        self.units = units
        self.activation = activations.get(activation)
        self.unit_forget_bias = unit_forget_bias
        self.use_bias = use_bias
        self.initializers = [
            initializers.get(kernel_initializer),
            initializers.get(recurrent_initializer),
            initializers.get(bias_initializer),
        ]
        names = ("kernel", "recurrent_kernel", "bias")
        penalties = (kernel_regularizer, recurrent_regularizer, bias_regularizer)
        limits = (kernel_constraint, recurrent_constraint, bias_constraint)
        self.regularizers = {
            p: r for p, i in zip(names, penalties, strict=True) if (r := regularizers.get(i))
        }
        self.constraints = {
            p: c for p, i in zip(names, limits, strict=True) if (c := constraints.get(i))
        }
        self.activity_regularizer = regularizers.get(activity_regularizer)
        for argument, rate in (("dropout", dropout), ("recurrent_dropout", recurrent_dropout)):
            check_number(argument, rate)
            if not 0 <= rate < 1:
                raise ValueError(f"{argument}: expected a number within [0, 1), got {rate}")
        self.dropout, self.recurrent_dropout = dropout, recurrent_dropout
        self.return_sequences, self.go_backwards = return_sequences, go_backwards
        self.rng = Random(0)
        self.fixed_mask: Matrix | None = None
        self.fixed_recurrent_mask: Matrix | None = None
        self.saved: list[list[Any]] = []
        self.y: Tensor | None = None

    @classmethod
    def kind(cls) -> str:
        """Return "simple_rnn", "lstm" or "gru"."""
        return "simple_rnn" if cls is SimpleRNN else cls.__name__.lower()

    def bias_shape(self) -> Shape:
        """Return the shape of b."""
        return (self.gates * self.units,)

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Make W (inputs, gates · units), U (units, gates · units) and b."""
        if len(input_shape) != 2:
            raise ValueError(
                f"{self.name}: expected samples of shape (steps, inputs), got {input_shape}"
            )
        steps, inputs = input_shape
        width = self.gates * self.units
        shapes: dict[str, Shape] = {
            "kernel": (inputs, width),
            "recurrent_kernel": (self.units, width),
        }
        if self.use_bias:
            shapes["bias"] = self.bias_shape()
        self.parameters = {
            name: initializer(shape, rng)
            for (name, shape), initializer in zip(shapes.items(), self.initializers, strict=False)
        }
        self.rng = rng
        return (steps, self.units) if self.return_sequences else (self.units,)

    def compute_mask(self, x: Tensor, mask: Mask | None) -> Mask | None:
        """Keep the mask of a sequence."""
        return mask if self.return_sequences else None

    def order(self) -> list[int]:
        """Return the steps in the order of their turn."""
        steps = list(range((self.input_shape or (0,))[0]))
        return steps[::-1] if self.go_backwards else steps

    def draw(self, rate: float, size: int, batch: int, fixed: Matrix | None) -> Matrix:
        """Return the factors of dropout: for each sample one vector for all its steps."""
        kept = fixed or filled((batch, size), lambda: 1.0 if self.rng.random() >= rate else 0.0)
        return [[k / (1 - rate) for k in row] for row in kept]

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Go from the first step to the last, with the state of the one before."""
        self.check_input(x)
        self.prepare()
        inputs = len(x[0][0])
        ones = [[1.0] * max(inputs, self.units)] * len(x)
        self.keep_x = self.keep_h = ones
        if training and self.dropout:
            self.keep_x = self.draw(self.dropout, inputs, len(x), self.fixed_mask)
        if training and self.recurrent_dropout:
            self.keep_h = self.draw(
                self.recurrent_dropout, self.units, len(x), self.fixed_recurrent_mask
            )
        self.saved = []
        y = []
        for n, x_n in enumerate(x):
            state: State = tuple([0.0] * self.units for _ in range(self.states))
            steps, outputs = [], []
            for t in self.order():
                saved = None
                if self.mask is None or self.mask[n][t]:  # else the state stays as it was
                    x_t = times(x_n[t], self.keep_x[n])
                    state, saved = self.step(x_t, times(state[0], self.keep_h[n]), state)
                steps.append(saved)
                outputs.append(state[0])
            self.saved.append(steps)
            y.append(outputs if self.return_sequences else outputs[-1])
        self.y = y
        return y

    def backward(self, gradient: Tensor) -> Tensor:
        """Go from the last step to the first, with the gradient of the state behind."""
        self.check_gradient(gradient, self.y)
        self.sums = {
            name: zeros((len(w), len(w[0])) if isinstance(w[0], list) else (len(w),))
            for name, w in self.parameters.items()
        }
        inputs = (self.input_shape or (0, 0))[1]
        dx = []
        for n, saved in enumerate(self.saved):
            dx_n: Matrix = [[0.0] * inputs for _ in saved]
            d_state: State = tuple([0.0] * self.units for _ in range(self.states))
            for s in reversed(range(len(saved))):
                # ∂L/∂h_t = ∂L/∂y_t + ∂h_{t+1}/∂h_t ∂L/∂h_{t+1}
                if self.return_sequences:
                    d_state = (plus(d_state[0], gradient[n][s]), *d_state[1:])
                elif s == len(saved) - 1:
                    d_state = (gradient[n], *d_state[1:])
                if saved[s] is None:
                    continue
                dx_t, dh, d_state = self.step_backward(d_state, saved[s])
                # ∂L/∂h_{t-1}: through the products, and past them
                d_state = (plus(d_state[0], times(dh, self.keep_h[n])), *d_state[1:])
                dx_n[self.order()[s]] = times(dx_t, self.keep_x[n])
            dx.append(dx_n)
        self.gradients = {name: g for name, g in self.sums.items() if self.learns(name)}
        return dx

    def prepare(self) -> None:
        """Take the columns of W and U, which every step needs."""
        self.w = transpose(self.parameters["kernel"])
        self.u = transpose(self.parameters["recurrent_kernel"])

    def bias(self) -> Vector:
        """Return b, or zeros."""
        bias: Vector = self.parameters.get("bias", [0.0] * (self.gates * self.units))
        return bias

    def parts(self, z: Vector) -> list[Vector]:
        """Return the part of each gate."""
        return [z[i : i + self.units] for i in range(0, len(z), self.units)]

    def accumulate(self, x: Vector, h: Vector, dz: Vector, dq: Vector | None = None) -> None:
        """Add a step's part to the gradients; `dq` is ∂L/∂(h U + b′) where it is not `dz`."""
        # ∂L/∂W_ij = Σ_t x_ti δ_tj        ∂L/∂U_ij = Σ_t h_(t-1)i δ_tj        ∂L/∂b_j = Σ_t δ_tj
        for name, column, delta in (("kernel", x, dz), ("recurrent_kernel", h, dq or dz)):
            for row, a in zip(self.sums[name], column, strict=True):
                row[:] = [w + a * d for w, d in zip(row, delta, strict=True)]
        if self.use_bias:
            bias = self.sums["bias"]
            for row, delta in ((bias, dz),) if dq is None else zip(bias, (dz, dq), strict=True):
                row[:] = plus(row, delta)

    def back(self, dz: Vector, dq: Vector | None = None) -> tuple[Vector, Vector]:
        """Return ∂L/∂x and ∂L/∂h of the products."""
        # ∂L/∂x_i = Σ_j W_ij δ_j        ∂L/∂h_i = Σ_j U_ij δ_j
        dx = [dot(w_i, dz) for w_i in self.parameters["kernel"]]
        dh = [dot(u_i, dq or dz) for u_i in self.parameters["recurrent_kernel"]]
        return dx, dh

    def step(self, x: Vector, h: Vector, state: State) -> tuple[State, Any]:
        """Return the new state, and what backward needs; `h` is state[0] behind dropout."""
        raise NotImplementedError

    def step_backward(self, d_state: State, saved: Any) -> tuple[Vector, Vector, State]:
        """Return ∂L/∂x, ∂L/∂h through the products, and the state's gradient past them."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.units})"


class SimpleRNN(Recurrent):
    """A layer that sees its own last output: h_t = f(x_t W + h_(t-1) U + b).

    Source: Elman, "Finding structure in time" (1990).

    Notes
    -----
    x has shape (batch, steps, inputs); y is the last h, of shape (batch, units), or with
    return_sequences all of them, (batch, steps, units).

    Examples
    --------
    >>> layer = SimpleRNN(1, "linear", kernel_initializer="ones", recurrent_initializer=[[2.0]])
    >>> layer.build((3, 1))
    (1,)
    >>> layer.forward([[[1.0], [0.0], [0.0]]]), layer.backward([[1.0]])
    ([[4.0]], [[[4.0], [2.0], [1.0]]])
    """

    def step(self, x: Vector, h: Vector, state: State) -> tuple[State, Any]:
        """Weigh input and state, sum and activate."""
        # z_j = Σ_i x_i W_ij + Σ_k h_k U_kj + b_j        h_j = f(z_j)
        z = [
            dot(x, w_j) + dot(h, u_j) + b_j
            for w_j, u_j, b_j in zip(self.w, self.u, self.bias(), strict=True)
        ]
        return (self.activation(z),), (x, h, z)

    def step_backward(self, d_state: State, saved: Any) -> tuple[Vector, Vector, State]:
        """Send δ back along the weights."""
        x, h, z = saved
        # δ_j = f′(z_j) ∂L/∂h_j
        dz = self.activation.backward(d_state[0], z)
        self.accumulate(x, h, dz)
        return *self.back(dz), ([0.0] * self.units,)


class LSTM(Recurrent):
    """A cell that decides at each step what to forget, take in and give out.

    Source: Hochreiter and Schmidhuber, "Long short-term memory" (1997); Gers, Schmidhuber and
    Cummins, "Learning to forget" (2000).

    Notes
    -----
    x has shape (batch, steps, inputs); y is the last h, of shape (batch, units), or with
    return_sequences all of them, (batch, steps, units). The gates stand in the order i, f, g, o.

    Examples
    --------
    >>> layer = LSTM(1, kernel_initializer="zeros", recurrent_initializer="zeros")
    >>> layer.build((2, 1))
    (1,)
    >>> layer.parameters["bias"]
    [0.0, 1.0, 0.0, 0.0]
    >>> layer.forward([[[1.0], [1.0]]])
    [[0.0]]
    """

    gates = 4
    states = 2

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Make W, U and b, of which the forget gates' part is 1."""
        output_shape = super().build_for(input_shape, rng)
        given = isinstance(self.initializers[2], initializers.Array)
        if self.use_bias and self.unit_forget_bias and not given:
            self.parameters["bias"][self.units : 2 * self.units] = [1.0] * self.units
        return output_shape

    def step(self, x: Vector, h: Vector, state: State) -> tuple[State, Any]:
        """Open the gates, then change the cell."""
        # z_j = Σ_i x_i W_ij + Σ_k h_k U_kj + b_j
        z = [
            dot(x, w_j) + dot(h, u_j) + b_j
            for w_j, u_j, b_j in zip(self.w, self.u, self.bias(), strict=True)
        ]
        z_i, z_f, z_g, z_o = self.parts(z)
        # i, f, o = σ(z_i), σ(z_f), σ(z_o)        g = tanh(z_g)
        i, f, o = (list(map(sigmoid, part)) for part in (z_i, z_f, z_o))
        g = list(map(tanh, z_g))
        # c_t = f c_(t-1) + i g        h_t = o tanh(c_t)
        c = plus(times(f, state[1]), times(i, g))
        return (times(o, map_tanh(c)), c), (x, h, (i, f, g, o), state[1], c)

    def step_backward(self, d_state: State, saved: Any) -> tuple[Vector, Vector, State]:
        """Send the gradient through h_t to the cell, from there to the gates."""
        x, h, (i, f, g, o), before, c = saved
        dh, dc = d_state
        y = map_tanh(c)
        # ∂L/∂o = tanh(c_t) ∂L/∂h_t        ∂L/∂c_t += o (1 − tanh²(c_t)) ∂L/∂h_t
        do = times(y, dh)
        dc = plus(dc, through_tanh(times(o, dh), y))
        # ∂L/∂i = g ∂L/∂c_t        ∂L/∂f = c_(t-1) ∂L/∂c_t        ∂L/∂g = i ∂L/∂c_t
        di, df, dg = times(g, dc), times(before, dc), times(i, dc)
        # δ = ∂L/∂z, gate by gate
        dz = [
            *through_sigmoid(di, i),
            *through_sigmoid(df, f),
            *through_tanh(dg, g),
            *through_sigmoid(do, o),
        ]
        self.accumulate(x, h, dz)
        # ∂L/∂c_(t-1) = f ∂L/∂c_t
        return *self.back(dz), ([0.0] * self.units, times(f, dc))


class GRU(Recurrent):
    """A cell that mixes its state with a new one, in a share that it decides at each step.

    Source: Cho et al., "Learning phrase representations using RNN encoder-decoder" (2014), with
    the reset gate behind the product.

    Notes
    -----
    x has shape (batch, steps, inputs); y is the last h, of shape (batch, units), or with
    return_sequences all of them, (batch, steps, units). The gates stand in the order u, r, n; the
    bias has two rows, b and b′.

    Examples
    --------
    >>> layer = GRU(1, kernel_initializer=[[0.0, 0.0, 1.0]], recurrent_initializer="zeros")
    >>> layer.build((1, 1))
    (1,)
    >>> layer.forward([[[0.0]]])
    [[0.0]]
    """

    gates = 3

    def bias_shape(self) -> Shape:
        """Return the shape of b and b′."""
        return (2, 3 * self.units)

    def step(self, x: Vector, h: Vector, state: State) -> tuple[State, Any]:
        """Open the gates, then mix the old state with the new one."""
        b, b_h = self.parameters.get("bias", zeros(self.bias_shape()))
        # z = x W + b        q = h U + b′
        z = [dot(x, w_j) + b_j for w_j, b_j in zip(self.w, b, strict=True)]
        q = [dot(h, u_j) + b_j for u_j, b_j in zip(self.u, b_h, strict=True)]
        (z_u, z_r, z_n), (q_u, q_r, q_n) = self.parts(z), self.parts(q)
        # u = σ(z_u + q_u)        r = σ(z_r + q_r)        n = tanh(z_n + r q_n)
        u, r = (list(map(sigmoid, plus(a, c))) for a, c in ((z_u, q_u), (z_r, q_r)))
        n = map_tanh(plus(z_n, times(r, q_n)))
        # h_t = u h_(t-1) + (1 − u) n
        new = [u_j * h_j + (1 - u_j) * n_j for u_j, h_j, n_j in zip(u, state[0], n, strict=True)]
        return (new,), (x, h, (u, r, n), q_n, state[0])

    def step_backward(self, d_state: State, saved: Any) -> tuple[Vector, Vector, State]:
        """Send the gradient through the mixture to the gates."""
        x, h, (u, r, n), q_n, before = saved
        dh = d_state[0]
        # ∂L/∂u = (h_(t-1) − n) ∂L/∂h_t        ∂L/∂n = (1 − u) ∂L/∂h_t
        du = [(h_j - n_j) * d_j for h_j, n_j, d_j in zip(before, n, dh, strict=True)]
        dn = [(1 - u_j) * d_j for u_j, d_j in zip(u, dh, strict=True)]
        # ∂L/∂(z_n + r q_n) = (1 − n²) ∂L/∂n: for r times q_n, for q_n times r
        inner = through_tanh(dn, n)
        delta = through_sigmoid(du, u) + through_sigmoid(times(inner, q_n), r)
        dz, dq = delta + inner, delta + times(inner, r)
        self.accumulate(x, h, dz, dq)
        # Past the products: ∂L/∂h_(t-1) = u ∂L/∂h_t
        return *self.back(dz, dq), (times(u, dh),)


def map_tanh(x: Sequence[float]) -> Vector:
    """Return tanh of each element."""
    return list(map(tanh, x))


def through_sigmoid(dy: Sequence[float], y: Sequence[float]) -> Vector:
    """Return ∂L/∂z from ∂L/∂y, y = σ(z)."""
    # σ′ = σ (1 − σ)
    return [d * y_j * (1 - y_j) for d, y_j in zip(dy, y, strict=True)]


def through_tanh(dy: Sequence[float], y: Sequence[float]) -> Vector:
    """Return ∂L/∂z from ∂L/∂y, y = tanh(z)."""
    # tanh′ = 1 − tanh²
    return [d * (1 - y_j * y_j) for d, y_j in zip(dy, y, strict=True)]
