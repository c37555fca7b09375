"""What one pass through a model made: every number, layer by layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from .._support.checks import integer
from .._support.names import suggestion
from .._support.views import Views
from .gates import Gates, Recurrence, gates_of
from .gradient_check import central_differences
from .snapshot import Again, Update, told, update
from .terms import Terms, Window, sums_of

__all__ = ["LayerPass", "Passes"]

Array = npt.NDArray[Any]

# Central differences: passes of the whole batch through all weights, and elements at most.
MOST_WORK, MOST_CHECKED = 2e9, 2_000


@dataclass(frozen=True, eq=False)
class LayerPass:
    """What went through one layer, forward and backward.

    With z = Σ x·W + b and a = f(z) the chain rule reads δ = f′(z)·∂L/∂a, ∂L/∂W = xᵀδ,
    ∂L/∂b = Σδ, ∂L/∂x = δWᵀ (Rumelhart, Hinton and Williams, 1986).

    Attributes
    ----------
    name, kind : str
        "dense_1" and "Dense".
    activation : str
        f; "linear" where the layer has none.
    x, a : ndarray
        The layer's input and output, samples first. Of a layer that merges x is a tuple.
    z : ndarray
        What f was applied to; a itself where f is linear.
    slope : ndarray or None
        f′(z); None where f works on whole rows, as softmax does.
    da, dx : ndarray
        ∂L/∂a and ∂L/∂x. In a graph others may read x, too: ∂L/∂x is what comes back from all of
        them.
    delta : ndarray
        δ = ∂L/∂z.
    parameters : dict of str to ndarray
        Copies of the layer's parameters, such as "kernel".
    gradients : dict of str to ndarray
        ∂L/∂ of each that is not frozen, sums over the samples, and ∂R/∂ of those that a regularizer
        watches.
    penalties : dict of str to ndarray
        That ∂R/∂ alone.
    reads : tuple of str
        What made x: names of passes, or of inputs ("x" in a chain).
    penalty_factors : tuple of (str, float, float)
        The regularizers' l1 and l2, by the parameters' names.
    recurrence : Recurrence or None
        Of a recurrent layer, what `gates` is made of.
    window : Window or None
        Of a convolution, which inputs its kernel meets.
    within : tuple of LayerPass
        Of a `Bidirectional`, the passes of its two layers, the one ahead first; their dx is what
        each sends back by itself.
    notes : tuple of str
        "python" where a class of one's own computes; "masks" where the layer hides time steps;
        "holds_recurrent" where recurrent layers stand within that have no passes of their own.

    Examples
    --------
    >>> import mundur as md, numpy as np
    >>> model = md.Model([md.layers.Dense(1, "tanh", kernel_initializer="ones")], seed=0)
    >>> first = model.explain(np.ones((1, 2)), [[0.0]], loss="mse")[0]
    >>> first.z, first.name, first.activation
    (array([[2.]], dtype=float32), 'dense', 'tanh')
    """

    name: str
    kind: str
    activation: str
    x: Any
    z: Array
    a: Array
    slope: Array | None
    da: Array
    delta: Array
    dx: Any
    parameters: dict[str, Array]
    gradients: dict[str, Array]
    penalties: dict[str, Array]
    reads: tuple[str, ...] = ("x",)
    notes: tuple[str, ...] = ()
    penalty_factors: tuple[tuple[str, float, float], ...] = ()
    recurrence: Recurrence | None = None
    window: Window | None = None
    within: tuple[LayerPass, ...] = ()

    @property
    def dW(self) -> Array | None:
        """∂L/∂W of the kernel; None without one that learns."""
        return self.gradients.get("kernel")

    @property
    def db(self) -> Array | None:
        """∂L/∂b of the bias; None without one that learns."""
        return self.gradients.get("bias")

    def __repr__(self) -> str:
        shapes = " and ".join(str(x.shape) for x in self.inputs)
        return f"<LayerPass of {self.name}: {shapes} → {self.a.shape}>"

    @cached_property
    def gates(self) -> Gates | None:
        """Gates, states and their errors at every step, of an LSTM, a GRU or a SimpleRNN.

        ``gates.values["f"]`` is f of shape (samples, steps, units). None for other layers, and
        where they do not come to the layer's outputs: after a batch of a stateful layer, for
        instance. Those of a `Bidirectional` are behind `within`.
        """
        return None if self.recurrence is None else gates_of(self)

    def terms(self, parameter: str, place: int | Sequence[int]) -> Terms | None:
        r"""∂L/∂ of one weight as the sum that it is, over all places that use the weight.

        Parameters
        ----------
        parameter : str
            Such as "kernel".
        place : int or tuple of int
            The weight's, in the parameter.

        Returns
        -------
        Terms or None
            What went in through the weight at each place, times the error that it led to. None of
            a layer whose sums are not known here, or do not come to its gradient: of one that
            stands at several places of a graph, for instance.

        Raises
        ------
        KeyError, IndexError, TypeError
            For a parameter that does not learn, a place that it does not have, and what is none.

        Examples
        --------
        >>> import mundur as md, numpy as np
        >>> model = md.Model([md.layers.Conv1D(1, 2), md.layers.Flatten()], seed=0)
        >>> first = model.explain(np.arange(3.0).reshape(1, 3, 1), [[0.0, 1.0]], loss="mse")[0]
        >>> terms = first.terms("kernel", (1, 0, 0))
        >>> terms.formula, terms.given
        ('\\sum_p x_{p+k} \\cdot \\delta_p', array([1., 2.]))
        >>> bool(np.isclose(terms.sum, first.dW[1, 0, 0]))
        True
        """
        if parameter not in self.gradients:
            known = ", ".join(self.gradients) or "none"
            raise KeyError(f"{self.name} has no parameter {parameter!r} that learns (has: {known})")
        shape = self.gradients[parameter].shape
        several = place if isinstance(place, (Sequence, np.ndarray)) else (place,)
        at = tuple(integer(i, "place", 0) for i in several)
        if len(at) != len(shape) or any(i >= n for i, n in zip(at, shape, strict=True)):
            raise IndexError(f"place must be within {self.name}/{parameter}'s {shape}; got {place}")
        sums = sums_of(self, parameter)
        return None if sums is None else sums.of(at)

    def maps(self, sample: int = 0) -> dict[str, Array]:
        """Feature maps and δ maps of a layer of images, such as Conv2D.

        Returns
        -------
        dict of str to ndarray (channels, height, width)
            "a" and "delta" of the sample: ``maps()["a"][3]`` is the fourth map.

        Raises
        ------
        ValueError
            Where the layer's outputs are no images (height, width, channels).
        """
        if self.a.ndim != 4:
            shape = self.a.shape[1:]
            raise ValueError(
                f"maps are of a layer whose outputs are images (height, width, channels); those of "
                f"{self.name} have shape {shape}"
            )
        return {
            name: np.moveaxis(of[sample], 2, 0)
            for name, of in (("a", self.a), ("delta", self.delta))
        }

    @property
    def inputs(self) -> tuple[Array, ...]:
        """x, as a tuple where it is one array, too."""
        return self.x if isinstance(self.x, tuple) else (self.x,)

    @cached_property
    def _off_the_sum(self) -> float | None:
        """How far z is from Σ x·w + b of one row, relative to its largest element.

        None for what is no such sum by its shapes; elements that are not finite do not count.
        """
        kernel = self.parameters.get("kernel")
        if self.kind != "Dense" or kernel is None or isinstance(self.x, tuple) or self.x.ndim != 2:
            return None
        if kernel.shape != (self.x.shape[1], self.z.shape[1]):
            return None
        with np.errstate(all="ignore"):
            z = self.x.astype(np.float64) @ kernel + self.parameters.get("bias", 0)
            off = np.abs(z - self.z)
        known = np.isfinite(off)
        return float(off[known].max(initial=0) / np.abs(z[known]).max(initial=1e-30))


@dataclass(frozen=True, eq=False)
class Passes(Sequence[LayerPass]):
    """The numbers of an `Explanation`, without its ways to show them."""

    x: Any
    y: Any
    y_pred: Any
    loss: float
    penalty: float
    loss_name: str
    layers: tuple[LayerPass, ...]
    values: Views
    outputs: tuple[str, ...]
    again: Again | None = field(default=None, repr=False)
    losses: tuple[float | None, ...] = ()

    @cached_property
    def update(self) -> Update | None:
        """One step of the optimizer that was compiled, from these gradients; else None.

        ``update.parameters["dense/kernel"]`` is the new W, ``update.loss`` the loss after it. The
        model itself stays as it is.
        """
        if self.again is None:
            return None
        return update(self.again, *self.given, self.gradients, self.penalty != 0)

    @cached_property
    def _checks(self) -> tuple[dict[str, tuple[Array, Array, Array]], str]:
        """See `central_differences`: all elements where that is quick; and why there are none."""
        gradients = self.gradients
        learning = sum(gradient.size for gradient in gradients.values())
        if self.again is None:
            return {}, ""
        model, reason = self.again.model()
        if model is None or not learning:
            return {}, reason
        affordable = min(MOST_CHECKED, MOST_WORK / (4 * learning * self.samples))
        most = learning if learning <= affordable else int(affordable) // len(gradients)
        try:
            return central_differences(model, *self.given, self.again.loss, max(4, most)), ""
        except Exception as error:  # of a user's own piece
            return {}, told(error)

    @property
    def given(self) -> tuple[Any, Any]:
        """X and y as a model takes them."""
        x, y = (list(v) if isinstance(v, tuple) else v for v in (self.x, self.y))
        return x, y

    @property
    def gradients(self) -> dict[str, Array]:
        """∂(L + R)/∂parameter by "layer/parameter", as in `model.gradients` after `backward`."""
        return {
            f"{p.name}/{name}": g
            for p in self.layers
            if ":" not in p.name  # a shared layer's gradients are of all its calls
            for name, g in p.gradients.items()
        }

    @property
    def gradient_norms(self) -> dict[str, float]:
        """‖∂L/∂(weights of the layer)‖, over all its parameters, by the layer's name."""
        by_layer = {p.name: list(p.gradients.values()) for p in self.layers if p.gradients}
        return {
            name: float(np.sqrt(sum(np.sum(g.astype(np.float64) ** 2) for g in gradients)))
            for name, gradients in by_layer.items()
        }

    @property
    def samples(self) -> int:
        """How many there are."""
        return len(self.x[0] if isinstance(self.x, tuple) else self.x)

    def sent_to(self, output: str) -> Array | None:
        """∂L/∂ of one of `outputs`, which may be a state such as "lstm[1]"; None of an input."""
        name, _, state = output.partition("[")
        step = next((one for one in self.layers if one.name == name), None)
        if step is None or not state:
            return None if step is None else step.da
        return self.values.get(f"{name}/da:{state[:-1]}")

    def number_of(self, sample: int) -> int:
        """The sample's number from the batch's start; an IndexError where there is none."""
        count = self.samples
        if not -count <= integer(sample, "sample", -(2**63)) < count:
            raise IndexError(f"sample must be one of 0 to {count - 1}; got {sample}")
        return sample % count

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[LayerPass]:
        return iter(self.layers)

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, str):
            return self.layers[key]
        by_name = {p.name: p for p in self.layers}
        if key not in by_name:
            raise KeyError(
                f"no layer {key!r}{suggestion(key, by_name)} (known: {', '.join(by_name)})"
            )
        return by_name[key]
