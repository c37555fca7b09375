"""One pass through a model, layer by layer: what `Model.explain` returns."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from . import arrays
from .keywords import suggestion
from .layers import Activation
from .loss import NativeLoss
from .targets import check_head

if TYPE_CHECKING:
    from .layer import Layer
    from .losses import Loss
    from .model import Model

__all__ = ["Explanation", "LayerPass", "explain", "per_sample_gradients"]

Array = npt.NDArray[Any]


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
        The layer's input and output, samples first.
    z : ndarray
        What f was applied to; a itself where f is linear.
    slope : ndarray or None
        f′(z); None where f works on whole rows, as softmax does.
    da, dx : ndarray
        ∂L/∂a and ∂L/∂x.
    delta : ndarray
        δ = ∂L/∂z.
    parameters : dict of str to ndarray
        Copies of the layer's parameters, such as "kernel".
    gradients : dict of str to ndarray
        ∂L/∂ of each that is not frozen, sums over the samples, and ∂R/∂ of those that a regularizer
        watches.
    penalties : dict of str to ndarray
        That ∂R/∂ alone.

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
    x: Array
    z: Array
    a: Array
    slope: Array | None
    da: Array
    delta: Array
    dx: Array
    parameters: dict[str, Array]
    gradients: dict[str, Array]
    penalties: dict[str, Array]

    @property
    def dW(self) -> Array | None:
        """∂L/∂W of the kernel; None without one that learns."""
        return self.gradients.get("kernel")

    @property
    def db(self) -> Array | None:
        """∂L/∂b of the bias; None without one that learns."""
        return self.gradients.get("bias")

    def __repr__(self) -> str:
        return f"<LayerPass of {self.name}: {self.x.shape} → {self.a.shape}>"


@dataclass(frozen=True, eq=False)
class Explanation(Sequence[LayerPass]):
    """Every number of one pass forward and backward; printed, a calculation as in course notes.

    A sequence of `LayerPass`, by number or by layer's name.

    Attributes
    ----------
    x, y : ndarray
        The samples and their targets.
    y_pred : ndarray
        The model's outputs.
    loss : float
        L, without `penalty`.
    penalty : float
        R, what regularizers add to the loss.
    loss_name : str
    layers : tuple of LayerPass

    Examples
    --------
    >>> import mundur as md, numpy as np
    >>> layer = md.layers.Dense(1, kernel_initializer="ones")
    >>> model = md.Model([layer], input_shape=(2,), seed=0)
    >>> explanation = model.explain([[1.0, 2.0]], [[4.0]], loss="mse")
    >>> explanation["dense"].delta, explanation.gradients["dense/kernel"].ravel()
    (array([[-2.]], dtype=float32), array([-2., -4.], dtype=float32))
    >>> print(explanation)
    Forward    z = Σ x·w + b,  a = f(z)
      x = 1, 2
      dense: Dense, 2 → 1
        a1 = 1·1 + 2·1 + 0 = 3
    <BLANKLINE>
    Loss    L = MeanSquaredError(y, a) = 1
      y = 4
      ∂L/∂a1 = -2
    <BLANKLINE>
    Backward    δ = ∂L/∂z = f′(z)·∂L/∂a,  ∂L/∂w = x·δ,  ∂L/∂b = δ,  ∂L/∂x = Σ w·δ
      dense
        δ1 = ∂L/∂a1 = -2
        ∂L/∂w11 = x1·δ1 = 1·-2 = -2
        ∂L/∂w21 = x2·δ1 = 2·-2 = -4
        ∂L/∂b1 = δ1 = -2
    """

    x: Array
    y: Array
    y_pred: Array
    loss: float
    penalty: float
    loss_name: str
    layers: tuple[LayerPass, ...]

    @property
    def gradients(self) -> dict[str, Array]:
        """∂(L + R)/∂parameter by "layer/parameter", as in `model.gradients` after `backward`."""
        return {f"{p.name}/{name}": g for p in self.layers for name, g in p.gradients.items()}

    @property
    def gradient_norms(self) -> dict[str, float]:
        """‖∂L/∂(weights of the layer)‖, over all its parameters, by the layer's name."""
        by_layer = {p.name: list(p.gradients.values()) for p in self.layers if p.gradients}
        return {
            name: float(np.sqrt(sum(np.sum(g.astype(np.float64) ** 2) for g in gradients)))
            for name, gradients in by_layer.items()
        }

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

    def table(self, sample: int = 0, digits: int | None = None) -> str:
        """The calculation as text.

        Parameters
        ----------
        sample : int, default 0
            Whose z, a and δ are shown; gradients are the whole batch's.
        digits : int, optional
            Significant ones; by default 9 for float64, 6 for float32.

        Raises
        ------
        IndexError
            For a sample that is not in the batch.
        """
        from .calculation import calculation

        return calculation(self, sample, digits)

    def __str__(self) -> str:
        return self.table()

    def __repr__(self) -> str:
        count = f"{len(self.x)} sample{'' if len(self.x) == 1 else 's'}"
        names = ", ".join(p.name for p in self.layers)
        return f"<Explanation of {count} through {names}; {self.loss_name} {self.loss:.6g}>"


def explain(model: Model, x: Any, y: Any, loss: Any = None) -> Explanation:
    """See `Model.explain`."""
    x, loss = checked(model, x, loss)
    inputs = _inputs(model, x)
    pieces = _forward(model, inputs)
    a = pieces[-1].a
    value, gradient = loss_value(loss, y, a), loss.gradient(y, a)
    penalty = sum(piece.penalty() for piece in pieces)
    passes = []
    for piece in reversed(pieces):
        passes.append(piece.backward(gradient))
        gradient = passes[-1].dx
    return Explanation(
        inputs, np.asarray(y), a, value, penalty, type(loss).__name__, tuple(reversed(passes))
    )


def activations(model: Model, x: Any) -> dict[str, tuple[Array, Array]]:
    """What goes into each layer of a built model, and what comes out, by its name."""
    inputs = _inputs(model, arrays.features(x, model.input_shape))
    return {piece.layer.name: (piece.x, piece.a) for piece in _forward(model, inputs)}


def _inputs(model: Model, x: Array) -> Array:
    return x if model.vocabulary else np.asarray(x, model.dtype)


def _forward(model: Model, a: Array) -> list[_Piece]:
    maker = next((layer.name for layer in model.layers if layer.mask_flow == "makes"), None)
    if maker is not None:
        raise ValueError(
            "explain takes layers one by one and cannot hand a mask of time steps on; build "
            f"{maker!r} without mask_zero=True"
        )
    pieces = [_Piece(model, layer) for layer in model.layers]
    for piece in pieces:
        a = piece.forward(a)
    return pieces


def per_sample_gradients(model: Model, x: Any, y: Any, loss: Any = None) -> dict[str, Array]:
    """See `Model.per_sample_gradients`."""
    x, loss = checked(model, x, loss)
    y = arrays.real_array(y, "y")
    loss(y, model.predict(x, "full", verbose=0))  # tells of unsuitable targets as a whole
    chain = copied_chain(model)
    result = {
        name: np.empty((len(x), *chain.gradients[name].shape), chain.dtype)
        for name in chain.trainable_parameters
    }
    for n in range(len(x)):
        one = slice(n, n + 1)
        chain.backward(loss.gradient(y[one], chain.forward(x[one])))
        for name, gradients in result.items():
            gradients[n] = chain.gradients[name]
    return result


def checked(model: Model, x: Any, loss: Any) -> tuple[Array, Loss]:
    """Features that suit the model, which is built for them if it was not, and the loss."""
    from . import losses

    x = arrays.features(x, model.input_shape)
    arrays.check_values(x, model.vocabulary, "x")
    chosen = model.loss if loss is None else losses.get(loss)
    if chosen is None:
        raise ValueError("loss must be given where compile named none; got None")
    if not model.built:
        model.build(x.shape[1:])
    if isinstance(chosen, NativeLoss):
        check_head(chosen, model.native.head, model.output_shape)
    return x, chosen


def loss_value(loss: Loss, y: Any, y_pred: Array) -> float:
    """The loss as a number; a ValueError where it is none, so that nothing has a gradient."""
    value: Any = loss(y, y_pred)
    if np.ndim(value):
        raise ValueError(f"loss must give one number; {loss!r} gives shape {np.shape(value)}")
    return float(value)


def copied_chain(model: Model, dtype: str | None = None) -> Model:
    """A model of its own with the same layers and numbers, perhaps of another dtype."""
    chain = _chain(model, [_copied(p) for p in model.layers], model.native.input_shape, dtype)
    for ours, theirs in zip(chain.layers, model.layers, strict=True):
        ours.set_weights(theirs.get_weights())
    return chain


def _copied(layer: Layer, **changes: Any) -> Layer:
    """A layer of the same arguments and frozen parameters, whose weights are still to be set."""
    config = copy.deepcopy(layer.get_config()) | {"name": layer.name, "input_shape": None}
    first = {name: "zeros" for name in config if name.endswith("_initializer")}
    twin = type(layer).from_config(config | first | changes)
    for parameter in twin.parameter_initializers:
        twin.set_trainable(parameter, layer.is_trainable(parameter))
    return twin


def _chain(
    model: Model, layers: list[Layer], input_shape: tuple[int, ...], dtype: str | None = None
) -> Model:
    from .model import Model

    dtype = dtype or model.dtype
    bfloat16 = dtype == model.dtype and model.compute_dtype == "bfloat16"
    return Model(
        layers,
        seed=model.seed,
        dtype=dtype,
        compute_dtype="bfloat16" if bfloat16 else None,
        input_shape=input_shape,
    )


class _Piece:
    """A layer as one or two models of their own: what comes before f, and f."""

    def __init__(self, model: Model, layer: Layer) -> None:
        self._model, self.layer = model, layer
        last = layer.activation_is_last
        self.activation = (getattr(layer, "activation", None) if last else None) or "linear"
        self._linear: Model | None = None
        self._f: Model | None = None

    def forward(self, x: Array) -> Array:
        layer = self.layer
        self.x = self._z = x
        is_f, has_f = isinstance(layer, Activation), self.activation != "linear"
        # Penalties of outputs belong behind f.
        moved = {"activity_regularizer"} & set(layer.get_config()) if has_f else set()
        if not is_f:
            changes = dict.fromkeys([*moved, "activation"]) if has_f else {}
            self._linear = _chain(self._model, [_copied(layer, **changes)], x.shape[1:])
            self._linear.set_weights(layer.get_weights())
            self._z = self._linear.forward(x)
        if is_f or has_f:
            kept = {name: layer.get_config()[name] for name in moved}
            f = _copied(layer) if is_f else Activation(self.activation, **kept)
            self._f = _chain(self._model, [f], self._z.shape[1:])
        self.a = self._z if self._f is None else self._f.forward(self._z)
        return self.a

    def penalty(self) -> float:
        return sum(chain.penalty() for chain in (self._linear, self._f) if chain is not None)

    def backward(self, da: Array) -> LayerPass:
        da = np.asarray(da, self._model.dtype).reshape(self.a.shape)
        delta, slope = self._through_f(da)
        dx = delta if self._linear is None else self._linear.backward(delta)
        return LayerPass(
            name=self.layer.name,
            kind=type(self.layer).__name__,
            activation=str(getattr(self.activation, "name", self.activation)),
            x=self.x,
            z=self._z,
            a=self.a,
            slope=slope,
            da=da,
            delta=delta,
            dx=dx,
            parameters=self._own("parameters"),
            gradients=self._own("gradients"),
            penalties=self._penalties(),
        )

    def _penalties(self) -> dict[str, Array]:
        parameters, found = self._own("parameters"), {}
        for name, regularizer in self.layer.parameter_regularizers.items():
            if regularizer is not None and self.layer.is_trainable(name):
                l1, l2 = regularizer.penalty()
                found[name] = l1 * np.sign(parameters[name]) + 2 * l2 * parameters[name]
        return found

    def _through_f(self, da: Array) -> tuple[Array, Array | None]:
        if self._f is None:
            return da, np.ones_like(da)
        # f′ is what comes back for ones, unless outputs depend on their neighbours' inputs too.
        slope = self._f.backward(np.ones_like(da))
        delta = self._f.backward(da)
        by_element = np.allclose(delta, slope * da, rtol=1e-5, atol=0)
        return delta, slope if by_element else None

    def _own(self, what: str) -> dict[str, Array]:
        found: dict[str, Array] = {}
        for chain in (self._linear, self._f):
            if chain is not None:
                learning = chain.trainable_parameters
                for name, view in getattr(chain, what).items():
                    if what == "parameters" or name in learning:
                        found[name.partition("/")[2]] = view.copy()
        return found
