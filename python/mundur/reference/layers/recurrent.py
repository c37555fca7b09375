"""Layers that go through time: forward from step to step, and backward directly below it.

What all share is the way through time: each step has the state of the one before. Backward goes
from the last step to the first; at each step what comes from above, through a_t, and what comes
from the future, through the next state, add up ("backpropagation through time"). W weighs x_t and
U weighs h_(t-1), the output of the step before.

Source: Werbos, "Backpropagation through time: what it does and how to do it" (1990).
"""

from collections.abc import Sequence
from operator import add, mul
from random import Random
from typing import Any, ClassVar

from ..._support.checks import boolean, integer, number
from .. import activations, constraints, initializers, regularizers
from ..lists import Mask, Matrix, Shape, Tensor, Vector, dot, filled, transpose, zeros
from .base import Weighted

State = tuple[Vector, ...]
"""What a step hands to the next: (h,) or (h, c)."""


def plus(a: Sequence[float], b: Sequence[float]) -> Vector:
    """Return a + b, element by element."""
    return list(map(add, a, b))


def times(a: Sequence[float], b: Sequence[float]) -> Vector:
    """Return a · b, element by element."""
    return list(map(mul, a, b))


class Recurrent(Weighted):
    """What recurrent layers share: parameters, the loop over time, masks and dropout.

    Parameters
    ----------
    units : int
        The number of outputs.
    activation, recurrent_activation : str, pair (f, f′) or None, default "tanh" and "sigmoid"
        The f of what goes in, and the σ of the other gates, which a SimpleRNN lacks.
    use_bias : bool, default True
        Whether there is a b.
    kernel_initializer, recurrent_initializer, bias_initializer : str, nested list or Initializer
        The first values of W, U and b.
    kernel_regularizer, recurrent_regularizer, bias_regularizer, activity_regularizer : optional
        What W, U, b and a add to the loss.
    kernel_constraint, recurrent_constraint, bias_constraint : str, Constraint or None
        What W, U and b hold to after every update.
    dropout, recurrent_dropout : float, default 0.0
        The share of x, and of h on its way to U, that is dropped in training, at every step alike.
    return_sequences, go_backwards : bool, default False
        Whether a is h of all steps, and whether the last step comes first.
    return_state : bool, default False
        Whether the last states are given as well, to who calls the layer in a graph.
    stateful : bool, default False
        Whether a batch begins with the last states of the one before.
    zero_output_for_mask : bool, default False
        Whether a is 0 at masked steps, instead of the h that stays.
    reset_after : bool, default True
        Whether a GRU's reset gate stands behind the product with h.
    unit_forget_bias : bool, default True
        Whether an LSTM's forget gates' bias starts with 1 (but for a bias given as a list).

    Attributes
    ----------
    fixed_mask, fixed_recurrent_mask : nested list or None
        Set them to use these masks of 0 and 1, of shape (batch, inputs) and (batch, units), in
        place of drawing some.
    """

    starts: ClassVar[dict[str, str]] = {
        "kernel": "kernel",
        "recurrent_kernel": "recurrent",
        "bias": "bias",
    }
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
        recurrent_activation: activations.Identifier = "sigmoid",
        return_state: bool = False,
        stateful: bool = False,
        zero_output_for_mask: bool = False,
        reset_after: bool = True,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.units = integer(units, "units", 1)
        self.activation = activations.get(activation)
        self.recurrent_activation = activations.get(recurrent_activation, "recurrent_activation")
        self.unit_forget_bias = boolean(unit_forget_bias, "unit_forget_bias")
        self.use_bias = boolean(use_bias, "use_bias")
        self.take(locals())
        self.dropout = number(dropout, "dropout", at_least=0, below=1)
        self.recurrent_dropout = number(recurrent_dropout, "recurrent_dropout", at_least=0, below=1)
        self.return_sequences = boolean(return_sequences, "return_sequences")
        self.go_backwards = boolean(go_backwards, "go_backwards")
        self.return_state = boolean(return_state, "return_state")
        self.stateful = boolean(stateful, "stateful")
        self.zero_output_for_mask = boolean(zero_output_for_mask, "zero_output_for_mask")
        self.reset_after = boolean(reset_after, "reset_after")
        self.first: list[Matrix] = []  # states, to begin with in place of zeros
        self.last: list[Matrix] = []
        self.d_first: list[Matrix] = []  # ∂L/∂ of the first states
        self.d_last: list[Matrix] = []  # ∂L/∂ of the last states, if they were given
        self.rng = Random(0)
        self.fixed_mask: Matrix | None = None
        self.fixed_recurrent_mask: Matrix | None = None
        self.saved: list[list[Any]] = []
        self.heard: list[list[bool]] = []  # whether a_t is the state, not 0

    @classmethod
    def kind(cls) -> str:
        """Return "simple_rnn", "lstm" or "gru"."""
        return "simple_rnn" if cls is SimpleRNN else cls.__name__.lower()

    def bias_shape(self) -> Shape:
        """Return the shape of b."""
        return (self.gates * self.units,)

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Make W (inputs, gates · units), U (units, gates · units) and b."""
        self.check_samples("(steps, inputs)", input_shape, len(input_shape) == 2)
        steps, inputs = input_shape
        width = self.gates * self.units
        shapes: dict[str, Shape] = {
            "kernel": (inputs, width),
            "recurrent_kernel": (self.units, width),
        }
        if self.use_bias:
            shapes["bias"] = self.bias_shape()
        self.make(shapes, rng)
        self.rng = rng
        if self.stateful:
            self.state = {name: [] for name in ("state_h", "state_c")[: self.states]}
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
        self.saved, self.a, self.heard = [], [], []
        first = self.first or [kept for kept in self.state.values() if kept]
        last: list[State] = []
        for n, x_n in enumerate(x):
            state: State = tuple(one[n] for one in first) or self.zero_state()
            steps, outputs, heard = [], [], []
            began = False
            for t in self.order():
                saved, there = None, self.mask is None or bool(self.mask[n][t])
                if there:  # else the state stays as it was
                    x_t = times(x_n[t], self.keep_x[n])
                    state, saved = self.step(x_t, times(state[0], self.keep_h[n]), state)
                began = began or there
                heard.append(there if self.zero_output_for_mask else began)
                steps.append(saved)
                outputs.append(state[0] if heard[-1] else [0.0] * self.units)
            self.saved.append(steps)
            self.heard.append(heard)
            self.a.append(outputs if self.return_sequences else outputs[-1])
            last.append(state)
        self.last = [list(one) for one in zip(*last, strict=True)]
        for kept, one in zip(self.state.values(), self.last, strict=False):
            kept[:] = one
        return self.a

    def zero_state(self) -> State:
        """Return where a sample begins that is given nothing."""
        return tuple([0.0] * self.units for _ in range(self.states))

    def forward_all(self, x: list[Tensor], training: bool = False) -> list[Tensor]:
        """Return a, and the last states if they are asked for, of x and, if given, the first."""
        self.first = x[1:]
        a = self.forward(x[0], training)
        return [a, *(self.last if self.return_state else [])]

    def backward(self, gradient: Tensor) -> Tensor:
        """Go from the last step to the first, with the gradient of the state behind."""
        self.check_gradient(gradient)
        self.sums = {
            name: zeros((len(w), len(w[0])) if isinstance(w[0], list) else (len(w),))
            for name, w in self.parameters.items()
        }
        inputs = (self.input_shape or (0, 0))[1]
        dx, d_first = [], []
        for n, saved in enumerate(self.saved):
            dx_n: Matrix = [[0.0] * inputs for _ in saved]
            d_state: State = tuple(one[n] for one in self.d_last) or self.zero_state()
            for s in reversed(range(len(saved))):
                # ∂L/∂h_t = ∂L/∂a_t + ∂h_{t+1}/∂h_t ∂L/∂h_{t+1}
                if self.heard[n][s] and (self.return_sequences or s == len(saved) - 1):
                    da_t = gradient[n][s] if self.return_sequences else gradient[n]
                    d_state = (plus(d_state[0], da_t), *d_state[1:])
                if saved[s] is None:
                    continue
                dx_t, dh, d_state = self.step_backward(d_state, saved[s])
                # ∂L/∂h_{t-1}: through the products, and past them
                d_state = (plus(d_state[0], times(dh, self.keep_h[n])), *d_state[1:])
                dx_n[self.order()[s]] = times(dx_t, self.keep_x[n])
            dx.append(dx_n)
            d_first.append(d_state)
        self.gradients = {name: g for name, g in self.sums.items() if self.learns(name)}
        self.d_first = [list(one) for one in zip(*d_first, strict=True)]
        return dx

    def backward_all(self, gradients: list[Tensor]) -> list[Tensor]:
        """Return ∂L/∂x and ∂L/∂ of the first states, if these were given."""
        self.d_last = gradients[1:]
        dx = self.backward(gradients[0])
        self.d_last = []
        return [dx, *(self.d_first if self.first else [])]

    def output_shapes(self, output_shape: Shape) -> list[Shape]:
        """Return the shapes of a and of the last states."""
        return [output_shape, *([(self.units,)] * (self.states if self.return_state else 0))]

    def prepare(self) -> None:
        """Take the columns of W and U, which every step needs."""
        self.W = transpose(self.parameters["kernel"])
        self.U = transpose(self.parameters["recurrent_kernel"])

    def sums_of(self, x: Vector, h: Vector) -> Vector:
        """Return z of all gates."""
        bias = self.parameters.get("bias", [0.0] * (self.gates * self.units))
        # z_j = Σ_i x_i W_ij + Σ_k h_k U_kj + b_j
        return [
            dot(x, W_j) + dot(h, U_j) + b_j
            for W_j, U_j, b_j in zip(self.W, self.U, bias, strict=True)
        ]

    def parts(self, z: Vector) -> list[Vector]:
        """Return the part of each gate."""
        return [z[i : i + self.units] for i in range(0, len(z), self.units)]

    def accumulate(
        self, x: Vector, h: Vector, delta: Vector, delta_q: Vector | None = None
    ) -> None:
        """Add a step's part to the gradients; `delta_q` is the δ of what h goes into, if other."""
        # ∂L/∂W_ij = Σ_t x_ti δ_tj        ∂L/∂U_ij = Σ_t h_(t-1)i δ_tj        ∂L/∂b_j = Σ_t δ_tj
        self.add_products("kernel", x, delta)
        self.add_products("recurrent_kernel", h, delta_q or delta)
        if self.use_bias:
            bias = self.sums["bias"]
            rows = bias if isinstance(bias[0], list) else [bias]
            for row, slopes in zip(rows, (delta, delta_q or delta), strict=False):
                row[:] = plus(row, slopes)

    def add_products(self, name: str, column: Vector, slopes: Vector) -> None:
        """Add what comes in, times the δ of what comes out, to a matrix's gradient."""
        for row, x_i in zip(self.sums[name], column, strict=True):
            row[:] = [total + x_i * d_j for total, d_j in zip(row, slopes, strict=True)]

    def back(self, delta: Vector, delta_q: Vector | None = None) -> tuple[Vector, Vector]:
        """Return ∂L/∂x and ∂L/∂h of the products."""
        # ∂L/∂x_i = Σ_j W_ij δ_j        ∂L/∂h_i = Σ_j U_ij δ_j
        dx = [dot(W_i, delta) for W_i in self.parameters["kernel"]]
        dh = [dot(U_i, delta_q or delta) for U_i in self.parameters["recurrent_kernel"]]
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
    x has shape (batch, steps, inputs); a is the last h, of shape (batch, units), or with
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
        z = self.sums_of(x, h)
        # h_j = f(z_j)
        return (self.activation(z),), (x, h, z)

    def step_backward(self, d_state: State, saved: Any) -> tuple[Vector, Vector, State]:
        """Send δ back along the weights."""
        x, h, z = saved
        # δ_j = f′(z_j) ∂L/∂h_j
        delta = self.activation.backward(d_state[0], z)
        self.accumulate(x, h, delta)
        return *self.back(delta), ([0.0] * self.units,)


class LSTM(Recurrent):
    """A cell that decides at each step what to forget, take in and give out.

    Source: Hochreiter and Schmidhuber, "Long short-term memory" (1997); Gers, Schmidhuber and
    Cummins, "Learning to forget" (2000).

    Notes
    -----
    x has shape (batch, steps, inputs); a is the last h, of shape (batch, units), or with
    return_sequences all of them, (batch, steps, units). The gates stand in the order i, f, c, o.

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
        given = isinstance(self.initializers["bias"], initializers.Array)
        if self.use_bias and self.unit_forget_bias and not given:
            self.parameters["bias"][self.units : 2 * self.units] = [1.0] * self.units
        return output_shape

    def step(self, x: Vector, h: Vector, state: State) -> tuple[State, Any]:
        """Open the gates, then change the cell."""
        z_i, z_f, z_c, z_o = z = self.parts(self.sums_of(x, h))
        # i, f, o = σ(z_i), σ(z_f), σ(z_o)        n = tanh(z_c)
        i, f, o = (self.recurrent_activation(part) for part in (z_i, z_f, z_o))
        n = self.activation(z_c)
        # c_t = f c_(t-1) + i n        h_t = o tanh(c_t)
        c = plus(times(f, state[1]), times(i, n))
        return (times(o, self.activation(c)), c), (x, h, z, (i, f, n, o), state[1], c)

    def step_backward(self, d_state: State, saved: Any) -> tuple[Vector, Vector, State]:
        """Send the gradient through h_t to the cell, from there to the gates."""
        x, h, (z_i, z_f, z_c, z_o), (i, f, n, o), before, c = saved
        dh, dc = d_state
        # ∂L/∂o = tanh(c_t) ∂L/∂h_t        ∂L/∂c_t += o (1 − tanh²(c_t)) ∂L/∂h_t
        do = times(self.activation(c), dh)
        dc = plus(dc, self.activation.backward(times(o, dh), c))
        # ∂L/∂i = n ∂L/∂c_t        ∂L/∂f = c_(t-1) ∂L/∂c_t        ∂L/∂n = i ∂L/∂c_t
        di, df, dn = times(n, dc), times(before, dc), times(i, dc)
        # δ = ∂L/∂z, gate by gate
        delta = [
            *self.recurrent_activation.backward(di, z_i),
            *self.recurrent_activation.backward(df, z_f),
            *self.activation.backward(dn, z_c),
            *self.recurrent_activation.backward(do, z_o),
        ]
        self.accumulate(x, h, delta)
        # ∂L/∂c_(t-1) = f ∂L/∂c_t
        return *self.back(delta), ([0.0] * self.units, times(f, dc))


class GRU(Recurrent):
    """A cell that mixes its state with a new one, in a share that it decides at each step.

    Source: Cho et al., "Learning phrase representations using RNN encoder-decoder" (2014), with
    the reset gate behind the product, or, with reset_after=False, in front of it.

    Notes
    -----
    x has shape (batch, steps, inputs); a is the last h, of shape (batch, units), or with
    return_sequences all of them, (batch, steps, units). The gates stand in the order z, r, n; the
    bias has two rows, b and b′. With z the update gate, the sums are p from x and q from h.

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
        """Return the shape of b and b′; of b alone, where the reset gate stands in front."""
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def step(self, x: Vector, h: Vector, state: State) -> tuple[State, Any]:
        """Open the gates, then mix the old state with the new one."""
        σ = self.recurrent_activation
        b, b_h = self.biases()
        # p = x W + b        q = h U + b′
        p = [dot(x, W_j) + b_j for W_j, b_j in zip(self.W, b, strict=True)]
        q = [dot(h, U_j) + b_j for U_j, b_j in zip(self.U, b_h, strict=True)]
        (p_z, p_r, p_n), (q_z, q_r, q_n) = self.parts(p), self.parts(q)
        # z = σ(p_z + q_z)        r = σ(p_r + q_r)        n = tanh(p_n + r q_n)
        sums = plus(p_z, q_z), plus(p_r, q_r)
        z, r = (σ(one) for one in sums)
        if self.reset_after:
            inner = plus(p_n, times(r, q_n))
        else:
            # ... or n = tanh(p_n + (r h) U_n)
            q_n = times(r, h)
            inner = plus(p_n, [dot(q_n, U_j) for U_j in self.U[2 * self.units :]])
        n = self.activation(inner)
        # h_t = z h_(t-1) + (1 − z) n
        new = [z_j * h_j + (1 - z_j) * n_j for z_j, h_j, n_j in zip(z, state[0], n, strict=True)]
        return (new,), (x, h, (*sums, inner), (z, r, n), q_n, state[0])

    def biases(self) -> tuple[Vector, Vector]:
        """Return b and b′, zeros where there are none."""
        none = [0.0] * (self.gates * self.units)
        given = self.parameters.get("bias")
        if given is None:
            return none, none
        return (given[0], given[1]) if self.reset_after else (given, none)

    def step_backward(self, d_state: State, saved: Any) -> tuple[Vector, Vector, State]:
        """Send the gradient through the mixture to the gates."""
        x, h, (s_z, s_r, s_n), (z, r, n), q_n, before = saved
        dh = d_state[0]
        # ∂L/∂z = (h_(t-1) − n) ∂L/∂h_t        ∂L/∂n = (1 − z) ∂L/∂h_t
        dz = [(h_j - n_j) * d_j for h_j, n_j, d_j in zip(before, n, dh, strict=True)]
        dn = [(1 - z_j) * d_j for z_j, d_j in zip(z, dh, strict=True)]
        through = self.recurrent_activation.backward
        δ_z, inner = through(dz, s_z), self.activation.backward(dn, s_n)
        past = (times(z, dh),)  # the products: ∂L/∂h_(t-1) = z ∂L/∂h_t
        if self.reset_after:
            # ∂L/∂(p_n + r q_n): for r times q_n, for q_n times r
            gates = [*δ_z, *through(times(inner, q_n), s_r)]
            # δ = ∂L/∂p, and the δ of q
            delta, delta_q = gates + inner, gates + times(inner, r)
            self.accumulate(x, h, delta, delta_q)
            return *self.back(delta, delta_q), past
        # ∂L/∂(r h) = δ_n U_nᵀ: for r times h, for h times r
        d = [dot(U_i[2 * self.units :], inner) for U_i in self.parameters["recurrent_kernel"]]
        gates = [*δ_z, *through(times(d, h), s_r)]
        none = [0.0] * self.units
        # ∂L/∂U has h in front of z and r, and r h in front of n.
        self.add_products("recurrent_kernel", q_n, [*none, *none, *inner])
        self.accumulate(x, h, gates + inner, gates + none)
        dx, dh = self.back(gates + inner, gates + none)
        return dx, plus(dh, times(d, r)), past
