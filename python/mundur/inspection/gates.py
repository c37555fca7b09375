"""The gates of a recurrent layer at every step, computed as they are defined.

The core keeps δ of the gates' sums, and h; the rest follows from these, the inputs and the weights.
It is shown only where it comes to the core's own h, and its way back only where it comes to that δ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import activations

__all__ = ["GATES", "Gates", "Recurrence", "gates_of"]

Array = npt.NDArray[Any]

# In the order of the weights.
GATES = {"LSTM": "ifgo", "GRU": "zrn", "SimpleRNN": "h"}


@dataclass(frozen=True, eq=False)
class Recurrence:
    """What a recurrent layer's pass needs beside its arrays.

    Attributes
    ----------
    cell : {"LSTM", "GRU", "SimpleRNN"}
    activation, recurrent_activation : str
    go_backwards, reset_after : bool
    delta : ndarray (samples, steps, gates·units)
        ∂L/∂ of the gates' sums; of a GRU, of what comes from x.
    d_states : tuple of ndarray (samples, units)
        ∂L/∂ of the last h, and c, where the layer hands them on.
    mask : ndarray of bool (samples, steps) or None
        Which steps are there; None: all.
    in_order : bool
        Whether a sequence of outputs stands in the order of time, though the layer goes backwards.
    """

    cell: str
    activation: str
    recurrent_activation: str
    go_backwards: bool
    reset_after: bool
    delta: Array
    d_states: tuple[Array, ...] = ()
    mask: npt.NDArray[np.bool_] | None = None
    in_order: bool = False


@dataclass(frozen=True, eq=False)
class Gates:
    """Gates, states and their errors of one layer, at every step.

    Arrays have shape (samples, steps, units); the steps come in the order of time, also where the
    layer goes backwards.

    Attributes
    ----------
    kind : {"LSTM", "GRU", "SimpleRNN"}
    values : dict of str to ndarray
        "i", "f", "g", "o", "c" and "h" of an LSTM; "z", "r", "n", "h" of a GRU, and "q", what r is
        multiplied with: h·U + b′, or h where r stands in front of the product; "h" of a SimpleRNN.
    sums : dict of str to ndarray
        What the gates' functions were applied to, by the gates' names.
    slopes : dict of str to ndarray
        f′ of these sums; "c" of an LSTM: f′(c).
    deltas : dict of str to ndarray
        ∂L/∂ of these sums, the core's own.
    errors : dict of str to ndarray
        ∂L/∂h, ∂L/∂c of an LSTM; of h also its parts: "from_a" what comes from the layer's outputs,
        "from_next" what comes from the next step. Empty where they do not come to `deltas`.
    before : dict of str to ndarray
        "h", and "c" of an LSTM, as each step begins with them.
    heard : ndarray of bool (samples, steps)
        False where a step is masked: the states stay.
    order : list of int
        The steps as the layer takes them.
    """

    kind: str
    values: dict[str, Array]
    sums: dict[str, Array]
    slopes: dict[str, Array]
    deltas: dict[str, Array]
    errors: dict[str, Array]
    before: dict[str, Array]
    heard: npt.NDArray[np.bool_]
    order: list[int]

    @property
    def steps(self) -> int:
        """How many there are."""
        return len(self.order)

    @property
    def units(self) -> int:
        """Outputs at each step."""
        return int(self.values["h"].shape[2])


def gates_of(step: Any) -> Gates | None:
    """The gates of a recurrent layer's pass; None where they do not come to its outputs."""
    made = _Walk(step)
    with np.errstate(all="ignore"):
        made.forward()
        return made.gates() if made.is_right() else None


class _Walk:
    def __init__(self, step: Any) -> None:
        own: Recurrence = step.recurrence
        self.own, self.step = own, step
        self.kind, self.names = own.cell, GATES[own.cell]
        self.x = np.asarray(step.inputs[0], np.float64)
        self.shape = (*self.x.shape[:2], own.delta.shape[2] // len(self.names))
        parameters = {name: np.asarray(v, np.float64) for name, v in step.parameters.items()}
        self.W, self.U = parameters["kernel"], parameters["recurrent_kernel"]
        none = np.zeros(self.W.shape[1])
        bias = parameters.get("bias", none)
        self.b: Array = bias[0] if bias.ndim == 2 else bias
        self.b_h: Array = bias[1] if bias.ndim == 2 else none
        steps = range(self.shape[1])
        self.order = list(reversed(steps) if own.go_backwards else steps)
        self.stand = list(steps) if own.in_order else self.order  # the steps of outputs
        self.heard = np.ones(self.shape[:2], bool) if own.mask is None else own.mask
        self.first = [np.asarray(one, np.float64) for one in step.inputs[1:]]

    def _f(self, name: str, z: Array) -> Array:
        return np.asarray(getattr(activations, name)(z))

    def _slope(self, name: str, z: Array) -> Array:
        a = self._f(name, z)
        if name in ("sigmoid", "tanh"):
            return a * (1 - a) if name == "sigmoid" else 1 - a**2
        h = 1e-6
        return (self._f(name, z + h) - self._f(name, z - h)) / (2 * h)

    def _parts(self, z: Array) -> Sequence[Array]:
        return np.split(z, len(self.names), axis=-1)

    # ---- forward -----------------------------------------------------------------------------

    def forward(self) -> None:
        """Fills `values`, `sums` and `slopes`."""
        kept = [*self.names, *{"LSTM": "ch", "GRU": "qh"}.get(self.kind, "")]
        self.values = {name: np.zeros(self.shape) for name in kept}
        self.sums = {name: np.zeros(self.shape) for name in self.names}
        h = self.first[0] if self.first else np.zeros((self.shape[0], self.shape[2]))
        c = self.first[1] if len(self.first) > 1 else np.zeros_like(h)
        for t in self.order:
            made = self._one(self.x[:, t] @ self.W + self.b, h, c)
            on = self.heard[:, t, None]
            h, c = np.where(on, made["h"], h), np.where(on, made.get("c", c), c)
            made |= {"h": h, "c": c}
            for name, array in self.values.items():
                array[:, t] = made[name]
            for name, array in self.sums.items():
                array[:, t] = made[f"s_{name}"]
        own = self.own
        self.slopes = {
            name: self._slope(own.activation if name in "gnh" else own.recurrent_activation, s)
            for name, s in self.sums.items()
        }
        if self.kind == "LSTM":
            self.slopes["c"] = self._slope(own.activation, self.values["c"])

    def _one(self, p: Array, h: Array, c: Array) -> dict[str, Array]:
        """One step from x·W + b and the states before it."""
        f, σ = self.own.activation, self.own.recurrent_activation
        if self.kind == "GRU":
            q = h @ self.U + self.b_h
            (p_z, p_r, p_n), (q_z, q_r, q_n) = self._parts(p), self._parts(q)
            sums = {"s_z": p_z + q_z, "s_r": p_r + q_r}
            z, r = self._f(σ, sums["s_z"]), self._f(σ, sums["s_r"])
            if self.own.reset_after:
                sums["s_n"] = p_n + r * q_n
            else:
                q_n = h
                sums["s_n"] = p_n + (r * h) @ self._parts(self.U)[2]
            n = self._f(f, sums["s_n"])
            return sums | {"z": z, "r": r, "n": n, "q": q_n, "h": z * h + (1 - z) * n}
        every = self._parts(p + h @ self.U)
        sums = {f"s_{name}": one for name, one in zip(self.names, every, strict=True)}
        if self.kind == "SimpleRNN":
            return sums | {"h": self._f(f, sums["s_h"])}
        i, forget, g, o = (
            self._f(f if name == "g" else σ, sums[f"s_{name}"]) for name in self.names
        )
        c = forget * c + i * g
        return sums | {"i": i, "f": forget, "g": g, "o": o, "c": c, "h": o * self._f(f, c)}

    def is_right(self) -> bool:
        """Whether h is the layer's own."""
        a, h = np.asarray(self.step.a, np.float64), self.values["h"]
        if a.ndim == 2:
            a, h, on = a[:, None], h[:, self.order[-1:]], self.heard[:, self.order[-1:]]
        else:
            h, on = h[:, self.stand], self.heard[:, self.stand]
        silent = ~on & (a == 0).all(2)  # zero_output_for_mask
        return bool(np.allclose(a[~silent], h[~silent], rtol=1e-3, atol=1e-4))

    # ---- backward ----------------------------------------------------------------------------

    def _from_outputs(self) -> Array:
        """∂L/∂h_t by the layer's outputs alone."""
        found, da = np.zeros(self.shape), np.asarray(self.step.da, np.float64)
        if da.ndim == 2:
            found[:, self.order[-1]] = da
        else:
            found[:, self.stand] = da
        if self.own.d_states:
            found[:, self.order[-1]] += self.own.d_states[0]
        return found

    def gates(self) -> Gates:
        """What was found, with the way back if it comes to the core's δ."""
        parts = self._parts(np.asarray(self.own.delta, np.float64))
        deltas = dict(zip(self.names, parts, strict=True))
        from_a = self._from_outputs()
        errors: dict[str, Array] = {}
        # What a masked step gives is h, or 0, which sends nothing back.
        for sent in (from_a, np.where(self.heard[..., None], from_a, 0)):
            found, mine = self._errors(deltas, sent)
            if all(
                np.allclose(
                    np.where(self.heard[..., None], mine[name], 0),
                    delta,
                    rtol=1e-3,
                    atol=1e-3 * np.abs(delta).max(initial=1e-30),
                )
                for name, delta in deltas.items()
            ):
                errors = found
                break
        return Gates(
            self.kind,
            self.values,
            self.sums,
            self.slopes,
            deltas,
            errors,
            self._states(),
            self.heard,
            self.order,
        )

    def _errors(
        self, deltas: dict[str, Array], from_a: Array
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """∂L/∂h and ∂L/∂c at each step, and the δ that follow."""
        v, slopes, kind = self.values, self.slopes, self.kind
        from_next, dc = np.zeros(self.shape), np.zeros(self.shape)
        passed = np.zeros(self.shape[::2])
        if kind == "LSTM" and self.own.d_states:
            passed = passed + self.own.d_states[1]
        dh_next, mine = np.zeros(self.shape[::2]), {n: np.zeros(self.shape) for n in self.names}
        for place in range(len(self.order) - 1, -1, -1):
            t = self.order[place]
            before = self._before(place)
            from_next[:, t] = dh_next
            dh = from_a[:, t] + dh_next
            on = self.heard[:, t, None]
            d = {name: delta[:, t] for name, delta in deltas.items()}
            if kind == "LSTM":
                tanh_c = self._f(self.own.activation, v["c"][:, t])
                dc[:, t] = dh * v["o"][:, t] * slopes["c"][:, t] + passed
                by = {
                    "i": dc[:, t] * v["g"][:, t],
                    "f": dc[:, t] * before["c"],
                    "g": dc[:, t] * v["i"][:, t],
                    "o": dh * tanh_c,
                }
                passed = np.where(on, dc[:, t] * v["f"][:, t], passed)
                back = np.concatenate([d[name] for name in self.names], axis=1) @ self.U.T
            elif kind == "GRU":
                r, q = v["r"][:, t], v["q"][:, t]
                by = {
                    "z": dh * (before["h"] - v["n"][:, t]),
                    "n": dh * (1 - v["z"][:, t]),
                }
                back = dh * v["z"][:, t]
                U_z, U_r, U_n = self._parts(self.U)
                back = back + d["z"] @ U_z.T + d["r"] @ U_r.T
                if self.own.reset_after:
                    by["r"] = d["n"] * q
                    back = back + (d["n"] * r) @ U_n.T
                else:
                    by["r"] = (d["n"] @ U_n.T) * before["h"]
                    back = back + (d["n"] @ U_n.T) * r
            else:
                by, back = {"h": dh}, d["h"] @ self.U.T
            for name, value in by.items():
                mine[name][:, t] = value * slopes[name][:, t]
            dh_next = np.where(on, back, dh)
        found = {"h": from_a + from_next, "from_a": from_a, "from_next": from_next}
        return found | ({"c": dc} if kind == "LSTM" else {}), mine

    def _states(self) -> dict[str, Array]:
        """The states that the steps begin with, in the order of time."""
        found = {name: np.zeros(self.shape) for name in "hc" if name in self.values}
        for place, t in enumerate(self.order):
            for name, array in found.items():
                array[:, t] = self._before(place)[name]
        return found

    def _before(self, place: int) -> dict[str, Array]:
        """The states that a step begins with."""
        if place:
            t = self.order[place - 1]
            return {name: self.values[name][:, t] for name in "hc" if name in self.values}
        zeros = np.zeros(self.shape[::2])
        given = [*self.first, *([zeros] * (2 - len(self.first)))]
        return {"h": given[0], "c": given[1]}
